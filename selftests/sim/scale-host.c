// SPDX-License-Identifier: GPL-2.0-only
/* One host: its log, members that send and one that reads, and the thread that has the links. */
#include "scale.h"

/* What a message says of itself; the rest of it is cut out of a text, where the tag says */
struct tag {
	u32 node, from;
	u64 seq;
};

static u8 text[2 * SIZE_MAX_MSG];

static void text_init(void)
{
	u64 rnd = 1;
	u32 i;

	for (i = 0; i < sizeof(text) && !text[sizeof(text) - 1]; i++)
		text[i] = next_random(&rnd) | 1;
}

/*
 * The log
 */

static void log_write(struct host *h, u64 pos, const u8 *from, u32 len)
{
	u32 size = h->core.cfg.log, at = pos & (size - 1), n = min(len, size - at);

	memcpy(h->log + at, from, n);
	memcpy(h->log, from + n, len - n);
}

static void log_read(const struct host *h, u64 pos, u8 *to, u32 len)
{
	u32 size = h->core.cfg.log, at = pos & (size - 1), n = min(len, size - at);

	memcpy(to, h->log + at, n);
	memcpy(to + n, h->log, len - n);
}

/* The next message in the index: is it the one that all others have there? */
static void check_line(struct host *h, u32 node, u64 seq)
{
	struct ring *r = h->ring;
	const struct message *m;

	if (h->given == r->line_len) {
		if (r->line_len == r->line_size) {
			r->line_size = 2 * r->line_size + 1024;
			r->line = realloc(r->line, r->line_size * sizeof(*r->line));
		}
		r->line[r->line_len++] = (struct message){ .at = seq, .hosts = node };
	}
	m = &r->line[h->given++];
	if (m->hosts != node || m->at != seq)
		ring_fail(r, "another order", h->no + 1, "");
}

static void delivered(struct host *h, u32 node, u64 seq)
{
	struct ring *r = h->ring;
	struct message *m = &r->host[node - 1].msg[seq - 1];

	if (++m->hosts < r->o.hosts)
		return;
	if (m->hosts > r->o.hosts)
		ring_fail(r, "doubled", h->no + 1, "");
	if (r->everywhere++ == r->steady)
		r->steady_at = h->clock;
	if (r->everywhere > r->steady)
		sample_add(&r->latency, h->clock - m->at);
	r->last_at = h->clock;
}

/* The reader: is it the next one of its sender, and whole? */
static void reader_take(struct host *h, u64 no)
{
	const struct dmring_entry *e = dmring_retain_entry(&h->core.retain, no);
	const struct record *rec = &h->rec[no & h->core.retain.mask];
	static u8 data[SIZE_MAX_MSG];
	struct tag tag;

	if (e->origin == DMRING_ORIGIN_EVENT)
		return;
	log_read(h, rec->pos + 16, data, rec->len);
	memcpy(&tag, data, sizeof(tag));
	if (tag.node != h->core.view.node[e->origin] || tag.seq != ++h->seen[e->origin])
		return ring_fail(h->ring, "lost, doubled or out of order", h->no + 1, "");
	if (tag.from > SIZE_MAX_MSG || rec->len != h->ring->o.size ||
	    memcmp(data + sizeof(tag), text + tag.from, rec->len - sizeof(tag)))
		return ring_fail(h->ring, "damaged", h->no + 1, "");
	if (h->ring->o.order != DMRING_ORDER_FIFO)
		check_line(h, tag.node, tag.seq);
	delivered(h, tag.node, tag.seq);
}

/* What can be delivered is, and read at once. */
static void log_index(struct host *h)
{
	u64 no;

	while (dmring_core_index(&h->core, &no)) {
		h->index[dmring_core_index_pos(&h->core) & h->core.retain.mask] = no;
		while (h->cursor != h->core.retain.order.index && !h->ring->failed)
			reader_take(h, h->index[h->cursor++ & h->core.retain.mask]);
	}
	dmring_core_read(&h->core, h->cursor);
	dmring_core_advance(&h->core, h->core.retain.mask + 1);
}

static void log_put(struct host *h, u64 no, const u8 *data, u32 len)
{
	struct record *rec = &h->rec[no & h->core.retain.mask];

	log_write(h, h->tail + 16, data, len);
	*rec = (struct record){ .pos = h->tail, .len = len };
	h->tail += dmring_cost(len, 0);
	no = dmring_core_first(&h->core);
	if (h->tail - h->rec[no & h->core.retain.mask].pos > h->core.cfg.log)
		ring_fail(h->ring, "the log overflows", h->no + 1, "");
	log_index(h);
}

/*
 * The members
 */

static struct message *next_message(struct host *h)
{
	if (h->msgs == h->msg_size) {
		h->msg_size = 2 * h->msg_size + 64;
		h->msg = realloc(h->msg, h->msg_size * sizeof(*h->msg));
	}
	return &h->msg[h->msgs++];
}

bool host_send(struct host *h)
{
	struct ring *r = h->ring;
	struct tag tag = { .node = h->no + 1, .seq = h->msgs + 1 };
	u8 data[SIZE_MAX_MSG];
	bool kick;

	h->clock = max(h->clock, r->now);
	if (dmring_core_room(&h->core, r->o.size, &kick))
		return false;
	tag.from = next_random(&r->rnd) % SIZE_MAX_MSG;
	memcpy(data, &tag, sizeof(tag));
	memcpy(data + sizeof(tag), text + tag.from, r->o.size - sizeof(tag));
	*next_message(h) = (struct message){ .at = h->clock };
	r->accepted++;
	log_put(h, dmring_core_add(&h->core, 0, 0, r->o.size), data, r->o.size);
	host_wake(h, h->clock);
	return true;
}

static void members(struct host *h)
{
	struct ring *r = h->ring;

	while (r->accepted < r->flood && host_send(h))
		;
}

/*
 * The thread, see ../links.h
 */

static struct host *host_of(struct links *l)
{
	return l->host;
}

/* A frame takes from half to one and a half of its time. */
static u64 frame_time(struct ring *r)
{
	return FRAME_TIME / 2 + next_random(&r->rnd) % FRAME_TIME;
}

static int end_read(struct links *l, struct end *e, u8 *buf, u32 len)
{
	struct host *h = host_of(l);
	bool whole;
	int n = net_read(e, buf, len, h->clock, &whole);

	if (whole)
		h->clock += frame_time(h->ring);
	return n;
}

static int end_write(struct links *l, struct end *e, const u8 *buf, u32 len)
{
	net_write(e, buf, len, host_of(l)->clock);
	return len;
}

static void end_close(struct links *l, struct end *e)
{
	net_close(e, host_of(l)->clock);
}

static void end_connect(struct links *l)
{
	struct host *h = host_of(l), *to = &h->ring->host[h->core.view.succ];
	struct dmring_act act;
	u32 i;

	for (i = 0; i < LINKS_PENDING && to->links.pend[i].conn; i++)
		;
	if (i == LINKS_PENDING)
		return ring_fail(h->ring, "nobody hears us", h->no + 1, "");
	net_open(h, &l->out, to, &to->links.pend[i], h->clock);
	dmring_core_connected(&h->core, h->clock, &act);
	links_act(l, &l->out, &act);
}

static void see_act(struct links *l, const struct dmring_act *act)
{
	struct host *h = host_of(l);

	if (!(act->what & DMRING_ACT_DOWN))
		return;
	if (act->reason != DMRING_AWAY_SILENT || !h->ring->host[act->node - 1].silent)
		ring_fail(h->ring, "a link goes down", h->no + 1, act->why);
	h->noticed[h->core.in.state == DMRING_SESSION_STREAM ? DMRING_OUT : DMRING_IN] = h->clock;
}

static void acted(struct links *l)
{
	log_index(host_of(l));
}

static void record_came(struct links *l, struct end *e)
{
	struct host *h = host_of(l);

	if (e->rx.what == DMRING_RX_DELIVER)
		log_put(h, dmring_core_deliver(&h->core, &e->rx), e->body, e->rx.data.len);
	else
		ring_fail(h->ring, "sent twice", h->no + 1, "");
}

static const struct links_ops links_ops = {
	.record_max = SIZE_MAX_MSG, .read = end_read, .write = end_write, .close = end_close,
	.connect = end_connect, .acts = see_act, .acted = acted, .came = record_came,
};

/* Frames for one call of the socket, as the module gathers them */
struct batch {
	u8 buf[GATHER_MAX];
	u32 frame[GATHER_RECORDS + 4];
	u32 len, frames;
};

static void add_frame(struct batch *b, u32 len, u64 *counter)
{
	if (!len)
		return;
	b->frame[b->frames++] = len;
	b->len += len;
	*counter += len;
}

static void add_records(struct host *h, struct batch *b)
{
	struct traffic *t = &h->ring->traffic;
	u64 no;

	while (b->frames < GATHER_RECORDS && b->len < GATHER_BYTES &&
	       dmring_core_next(&h->core, &no)) {
		const struct record *rec = &h->rec[no & h->core.retain.mask];
		u8 *at = b->buf + b->len;
		u32 head = dmring_core_data(&h->core, no, rec->len, NULL, at);

		log_read(h, rec->pos + 16, at + head, rec->len);
		add_frame(b, head + rec->len, &t->headers);
		t->headers -= rec->len;
		t->payload += rec->len;
		dmring_core_sent(&h->core, no);
	}
}

static void gather(struct host *h, struct end *e, struct batch *b)
{
	enum dmring_dir dir = e == &h->links.out ? DMRING_OUT : DMRING_IN;
	struct traffic *t = &h->ring->traffic;
	struct dmring_core *c = &h->core;

	b->len = 0;
	b->frames = 0;
	if (e->hello)
		add_frame(b, dmring_core_put_hello(c, b->buf), &t->beats);
	e->hello = false;
	if (dmring_core_beat_due(c, dir, h->clock))
		add_frame(b, dmring_core_put_beat(c, dir, b->buf + b->len), &t->beats);
	if (dir == DMRING_IN || c->out.state != DMRING_SESSION_STREAM)
		return;
	add_records(h, b);
	add_frame(b, dmring_core_put_order(c, b->buf + b->len), &t->orders);
	if (dmring_core_marks_due(c))
		add_frame(b, dmring_core_marks(c, b->buf + b->len), &t->marks);
}

/* True if there may be more */
static bool say(struct host *h, struct end *e)
{
	static struct batch b;
	u32 i, at = 0;

	if (!e->conn || !net_room(e))
		return false;
	gather(h, e, &b);
	for (i = 0; i < b.frames; i++)
		h->clock += frame_time(h->ring);
	for (i = 0; i < b.frames; i++) {
		net_write(e, b.buf + at, b.frame[i], h->clock);
		at += b.frame[i];
	}
	if (b.frames)
		dmring_core_said(&h->core, e == &h->links.out ? DMRING_OUT : DMRING_IN, h->clock);
	return b.frames;
}

static bool is_full(const struct end *e)
{
	return e->conn && !net_room(e);
}

static u64 next_run(const struct host *h)
{
	const struct links *l = &h->links;
	u64 at = dmring_core_deadline_full(&h->core, is_full(&l->out), is_full(&l->in));
	u32 i;

	at = min(at, net_arrives(&l->in));
	at = min(at, net_arrives(&l->out));
	for (i = 0; i < LINKS_PENDING; i++)
		if (!l->pend[i].waits)
			at = min(at, net_arrives(&l->pend[i]));
	return max(at, h->clock);
}

static void hear(struct host *h, struct end *e)
{
	u32 bites = 3 * RECEIVE_PASS / (h->ring->o.size + DMRING_WIRE_DATA);

	while (bites-- && e->conn && links_pull(&h->links, e))
		;
}

void host_run(struct host *h)
{
	struct links *l = &h->links;
	bool more = false;
	u32 i;

	h->clock = max(h->clock, h->ring->now);
	h->run_at = NEVER;
	if (h->silent)
		return;
	for (i = 0; i < LINKS_PENDING; i++)
		hear(h, &l->pend[i]);
	hear(h, &l->in);
	hear(h, &l->out);
	links_tick(l);
	members(h);
	log_index(h);
	for (i = 0; i < GATHER_PASS && say(h, &l->out); i++)
		more = i == GATHER_PASS - 1;
	say(h, &l->in);
	host_wake(h, more ? h->clock : next_run(h));
}

/*
 * Up and down
 */

void host_boot(struct ring *r, u16 no)
{
	struct host *h = &r->host[no];
	struct dmring_core_cfg cfg = {
		.name = "ring", .node = no + 1, .inc = next_random(&r->rnd) | 1, .log = r->o.log,
		.dead_ms = DMRING_DEAD_DEFAULT, .network = true, .order = r->o.order,
	};
	u32 slots = cfg.log / DMRING_COST_MIN, nodes[DMRING_HOSTS_MAX];
	u16 i;

	text_init();
	h->ring = r;
	h->no = no;
	h->links = (struct links){
		.ops = &links_ops, .host = h, .core = &h->core, .now = &h->clock, .rnd = &r->rnd,
	};
	h->table = calloc(slots, sizeof(*h->table));
	h->places = calloc(slots, sizeof(*h->places));
	h->rec = calloc(slots, sizeof(*h->rec));
	h->index = calloc(slots, sizeof(*h->index));
	h->log = malloc(cfg.log);
	h->clock = r->now;
	h->tail = cfg.log;
	for (i = 0; i < r->o.hosts; i++)
		nodes[i] = i + 1;
	if (dmring_core_init(&h->core, &cfg, h->table, h->places, slots, r->text) ||
	    dmring_core_set_hosts(&h->core, nodes, r->o.hosts, r->now, r->text))
		r->failed = r->text;
}

void host_free(struct host *h)
{
	links_free(&h->links);
	free(h->table);
	free(h->places);
	free(h->rec);
	free(h->index);
	free(h->log);
	free(h->msg);
}
