// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include "ring.h"

static void fail(struct ring *r, const char *what, u32 node, const char *why)
{
	if (r->failed)
		return;
	snprintf(r->text, sizeof(r->text), "%s (host %u, seed %llu, %u hosts): %s", what, node,
		 r->o.seed, r->o.hosts, why);
	r->failed = r->text;
}

static bool chance(struct ring *r, u32 one_in)
{
	return one_in && !rnd_below(&r->rnd, one_in);
}

/*
 * Connections
 */

static void end_close(struct links *l, struct end *e)
{
	struct conn *c = e->conn;

	(void)l;
	c->open[e->side] = false;
	if (!c->open[!e->side]) {
		free(c->pipe[0].buf);
		free(c->pipe[1].buf);
		free(c);
	}
}

static void end_open(struct end *e, struct conn *c, u8 side, u64 now)
{
	e->conn = c;
	e->side = side;
	e->since = now;
}

static struct conn *conn_new(const struct ring *r)
{
	struct conn *c = calloc(1, sizeof(*c));

	c->pipe[0].buf = malloc(r->o.pipe);
	c->pipe[1].buf = malloc(r->o.pipe);
	c->open[0] = true;
	c->open[1] = true;
	return c;
}

static struct host *host_of(struct links *l)
{
	return l->host;
}

static int end_write(struct links *l, struct end *e, const u8 *buf, u32 len)
{
	struct ring *r = host_of(l)->ring;
	struct pipe *p = &e->conn->pipe[e->side];
	u32 n;

	if (e->conn->cut || !e->conn->open[!e->side])
		return -EPIPE;
	n = min(len, r->o.pipe - p->len);
	if (n > 1 && chance(r, 4))
		n = 1 + rnd_below(&r->rnd, n);
	memcpy(p->buf + p->len, buf, n);
	p->len += n;
	return n;
}

static int end_read(struct links *l, struct end *e, u8 *buf, u32 len)
{
	struct ring *r = host_of(l)->ring;
	struct pipe *p = &e->conn->pipe[!e->side];
	u32 n = min(len, p->len);

	if (!p->len)
		return e->conn->cut || !e->conn->open[!e->side] ? -1 : 0;
	if (n > 1 && chance(r, 4))
		n = 1 + rnd_below(&r->rnd, n);
	memcpy(buf, p->buf, n);
	memmove(p->buf, p->buf + n, p->len - n);
	p->len -= n;
	return n;
}

void ring_cut(struct ring *r, u16 host)
{
	struct conn *c = r->host[host].links.out.conn;
	u32 i;

	if (!c || c->cut)
		return;
	for (i = 0; i < 2; i++)
		c->pipe[i].len = rnd_below(&r->rnd, c->pipe[i].len + 1);
	c->cut = true;
	r->cut_count++;
}

/*
 * The log of one host
 */

static u8 pattern(u32 node, u64 seq, u32 i)
{
	return node * 31 + seq * 7 + i * 13 + (i >> 8);
}

/* The next message of host @h in the index: is it the one that all others have there? */
static void check_line(struct host *h, u16 origin, u64 seq)
{
	struct ring *r = h->ring;
	const struct message *m;
	u16 i;

	if (h->given == r->line_len) {
		if (r->line_len == r->line_size) {
			r->line_size = 2 * r->line_size + 1024;
			r->line = realloc(r->line, r->line_size * sizeof(*r->line));
		}
		r->line[r->line_len++] = (struct message){ origin, seq };
	}
	m = &r->line[h->given];
	if (m->origin != origin || m->seq != seq)
		fail(r, "another order", h->core.cfg.node, "");
	for (i = 0; i < r->o.hosts && r->o.order == DMRING_ORDER_SAFE && !r->blind; i++)
		if (r->host[i].core.retain.origin[origin].have_seq < seq ||
		    r->host[i].core.retain.order.have <= h->given)
			fail(r, "delivered, but not safe", h->core.cfg.node, "");
}

/* What can be delivered is put into the index. */
static void log_index(struct host *h)
{
	struct dmring_retain *t = &h->core.retain;
	u64 no;

	while (dmring_core_index(&h->core, &no)) {
		const struct dmring_entry *e = dmring_retain_entry(t, no);

		h->index[dmring_core_index_pos(&h->core) & t->mask] = no;
		if (e->origin == DMRING_ORIGIN_EVENT || h->ring->o.order == DMRING_ORDER_FIFO)
			continue;
		check_line(h, e->origin, dmring_retain_seq(t, no));
		h->given++;
	}
}

static void log_put(struct host *h, u64 no, const u8 *data, u32 len)
{
	u32 size = h->core.cfg.log;
	u32 i;

	for (i = 0; i < len; i++)
		h->log[(h->tail + 16 + i) & (size - 1)] = data[i];
	h->rec[no & h->core.retain.mask] = (struct record){ .pos = h->tail, .len = len };
	h->tail += ALIGN(16 + len, 16);
	log_index(h);
	no = dmring_core_first(&h->core);
	if (h->tail - h->rec[no & h->core.retain.mask].pos > size)
		fail(h->ring, "the log overflows", h->core.cfg.node, "");
}

static void log_get(const struct host *h, u64 no, u8 *data)
{
	const struct record *rec = &h->rec[no & h->core.retain.mask];
	u32 i;

	for (i = 0; i < rec->len; i++)
		data[i] = h->log[(rec->pos + 16 + i) & (h->core.cfg.log - 1)];
}

/* The reader takes what is at @pos: is it the next of its origin, and whole? */
static void reader_take(struct host *h, u64 pos)
{
	u64 no = h->index[pos & h->core.retain.mask];
	const struct dmring_entry *e = dmring_retain_entry(&h->core.retain, no);
	const struct record *rec = &h->rec[no & h->core.retain.mask];
	u32 i, node;
	u64 seq;

	if (e->origin == DMRING_ORIGIN_EVENT)
		return;
	node = h->core.view.node[e->origin];
	seq = ++h->seen[e->origin];
	if (dmring_retain_seq(&h->core.retain, no) != seq)
		fail(h->ring, "lost, doubled or out of order", h->core.cfg.node, "");
	for (i = 0; i < rec->len; i++)
		if (h->log[(rec->pos + 16 + i) & (h->core.cfg.log - 1)] != pattern(node, seq, i))
			break;
	if (i < rec->len)
		fail(h->ring, "damaged", h->core.cfg.node, "");
}

/*
 * The link thread of one host, see ../links.h
 */

static void end_connect(struct links *l)
{
	struct host *h = host_of(l);
	struct ring *r = h->ring;
	struct links *to = &r->host[h->core.view.succ].links;
	struct dmring_act act;
	struct conn *c;
	u32 i;

	for (i = 0; i < LINKS_PENDING && to->pend[i].conn; i++)
		;
	if (i == LINKS_PENDING || chance(r, 20)) {
		dmring_core_down(&h->core, DMRING_OUT, r->now, next_random(&r->rnd), -ECONNREFUSED,
				 &act);
		links_act(l, &l->out, &act);
		return;
	}
	c = conn_new(r);
	end_open(&l->out, c, 0, r->now);
	end_open(&to->pend[i], c, 1, r->now);
	dmring_core_connected(&h->core, r->now, &act);
	links_act(l, &l->out, &act);
}

static void see_act(struct links *l, const struct dmring_act *act)
{
	struct host *h = host_of(l);

	if (act->err == -EPROTO || (act->what & DMRING_ACT_DOWN &&
				    act->reason == DMRING_AWAY_PROTOCOL))
		fail(h->ring, "breach", h->core.cfg.node, act->why);
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
		fail(h->ring, "sent twice", h->core.cfg.node, "");
}

static u32 put_record(struct links *l, u64 no, u8 *buf)
{
	struct host *h = host_of(l);
	const struct dmring_entry *en = dmring_retain_entry(&h->core.retain, no);
	const struct record *rec = &h->rec[no & h->core.retain.mask];
	struct dmring_ident id = { .pid = 1, .node = h->core.view.node[en->origin] };
	u32 head;

	head = dmring_core_data(&h->core, no, rec->len, h->core.cfg.identify ? &id : NULL, buf);
	log_get(h, no, buf + head);
	return head + rec->len;
}

static const struct links_ops links_ops = {
	.record_max = DMRING_MSG_MAX, .read = end_read, .write = end_write, .close = end_close,
	.connect = end_connect, .acts = see_act, .acted = acted, .came = record_came,
	.record = put_record,
};

static void host_thread(struct host *h)
{
	u32 i, n = 1 + rnd_below(&h->ring->rnd, 40);
	struct links *l = &h->links;
	u32 k;

	for (i = 0; i < LINKS_PENDING; i++)
		for (k = 0; k < 4 && l->pend[i].conn && links_pull(l, &l->pend[i]); k++)
			;
	for (i = 0; i < n && l->in.conn && links_pull(l, &l->in); i++)
		;
	for (i = 0; i < n && l->out.conn && links_pull(l, &l->out); i++)
		;
	links_tick(l);
	for (i = 0; i < n && l->in.conn && links_push(l, &l->in); i++)
		;
	for (i = 0; i < n && l->out.conn && links_push(l, &l->out); i++)
		;
}

/*
 * The pump of one host
 */

static void host_send(struct host *h)
{
	struct ring *r = h->ring;
	u32 i, len, most = dmring_core_max_msg(&h->core);
	u8 *data;
	bool kick;

	if (!h->next_len)
		h->next_len = 1 + rnd_below(&r->rnd, 1 + (r->o.max_msg ? r->o.max_msg : most));
	len = min(h->next_len - 1, most);
	if (dmring_core_room(&h->core, len, &kick)) {
		r->full += h->core.gate;
		return;
	}
	if (h->sent++ == 0 && !h->core.sizes.final)
		fail(r, "sent before the ring was closed", h->core.cfg.node, "");
	data = malloc(len + 1);
	for (i = 0; i < len; i++)
		data[i] = pattern(h->core.cfg.node, dmring_core_own_seq(&h->core) + 1, i);
	log_put(h, dmring_core_add(&h->core, 0, 0, len), data, len);
	free(data);
	h->next_len = 0;
}

static void host_read(struct host *h, u32 n)
{
	u64 end = h->core.retain.order.index;

	while (n-- && h->cursor != end)
		reader_take(h, h->cursor++);
	dmring_core_read(&h->core, h->cursor);
	dmring_core_advance(&h->core, 1 + rnd_below(&h->ring->rnd, 64));
	h->slow |= dmring_core_slow(&h->core);
}

static void host_event(struct host *h)
{
	static const u8 nothing[sizeof(struct dmring_ev)];

	if (dmring_core_event_room(&h->core, sizeof(nothing)))
		return;
	log_put(h, dmring_core_add_event(&h->core, sizeof(nothing)), nothing, sizeof(nothing));
}

/*
 * The observer
 */

static void observe(struct ring *r, u16 o)
{
	const struct dmring_core *own = &r->host[o].core;
	u64 have = ~0ULL, freed = ~0ULL;
	u16 i;

	if (r->blind)
		return;
	for (i = 0; i < r->o.hosts; i++) {
		have = min(have, r->host[i].core.retain.origin[o].have_seq);
		freed = min(freed, r->host[i].core.retain.origin[o].freed_cost);
	}
	for (i = 0; i < r->o.hosts; i++) {
		const struct dmring_origin *at = &r->host[i].core.retain.origin[o];

		if (at->stable_seq > have)
			fail(r, "stable, but not held everywhere", i + 1, "");
		if (at->freed_seq > at->stable_seq)
			fail(r, "freed before it was stable", i + 1, "");
		if (r->host[i].core.sizes.final && own->sizes.final &&
		    r->host[i].core.sizes.window != own->sizes.window)
			fail(r, "two windows", i + 1, "");
	}
	if (own->window.released > freed)
		fail(r, "released, but not everywhere", o + 1, "");
	if (own->retain.origin[o].have_cost - own->window.released > own->window.limit &&
	    own->retain.origin[o].have_cost)
		fail(r, "beyond the window", o + 1, "");
	if (own->retain.used > own->cfg.log)
		fail(r, "beyond the log", o + 1, "");
}

static bool settled(const struct ring *r)
{
	u16 i, o;

	for (i = 0; i < r->o.hosts; i++) {
		const struct host *h = &r->host[i];

		if (!h->core.closed || h->core.retain.first != h->core.retain.next)
			return false;
		for (o = 0; o < r->o.hosts; o++)
			if (h->seen[o] != r->host[o].sent)
				return false;
		if (h->core.window.released != h->core.retain.origin[i].have_cost)
			return false;
	}
	return true;
}

static void stall(struct ring *r, struct host *h)
{
	u64 until = r->now + rnd_below(&r->rnd, 400) * DMRING_NS_PER_MS;

	if (rnd_below(&r->rnd, 2))
		h->stalled = until;
	else
		h->reader_stalled = max(h->reader_stalled, until);
}

static void step(struct ring *r)
{
	struct host *h = &r->host[rnd_below(&r->rnd, r->o.hosts)];

	r->now += rnd_below(&r->rnd, 200000);
	if (!r->quiet) {
		if (chance(r, r->o.cuts))
			ring_cut(r, rnd_below(&r->rnd, r->o.hosts));
		if (chance(r, r->o.stalls))
			stall(r, h);
		if (chance(r, 50))
			host_event(h);
		if (chance(r, 2))
			host_send(h);
	}
	if (r->now >= h->stalled)
		host_thread(h);
	if (r->now >= h->reader_stalled)
		host_read(h, 1 + rnd_below(&r->rnd, 30));
	else
		host_read(h, 0);
	observe(r, rnd_below(&r->rnd, r->o.hosts));
}

const char *ring_steps(struct ring *r, u64 steps)
{
	while (steps-- && !r->failed)
		step(r);
	return r->failed;
}

const char *ring_settle(struct ring *r)
{
	u32 rounds = 5000 + 500 * r->o.hosts;
	u16 i;

	r->quiet = true;
	for (i = 0; i < r->o.hosts; i++) {
		r->host[i].stalled = 0;
		r->host[i].reader_stalled = 0;
	}
	while (rounds-- && !settled(r))
		if (ring_steps(r, 20))
			return r->failed;
	if (!settled(r))
		fail(r, "it does not come to rest", 0, "deadlock");
	return r->failed;
}

static void host_boot(struct ring *r, u16 i)
{
	struct host *h = &r->host[i];
	u32 nodes[DMRING_HOSTS_MAX];
	struct dmring_core_cfg cfg = {
		.name = "ring", .node = i + 1, .inc = next_random(&r->rnd) | 1, .log = r->o.log[i],
		.max_msg = r->o.cfg_max, .dead_ms = 150, .identify = r->o.identify,
		.network = true, .order = r->o.order,
	};
	u32 slots = cfg.log / DMRING_COST_MIN;
	u16 n;

	h->ring = r;
	h->links = (struct links){
		.ops = &links_ops, .host = h, .core = &h->core, .now = &r->now, .rnd = &r->rnd,
	};
	h->table = calloc(slots, sizeof(*h->table));
	h->places = calloc(slots, sizeof(*h->places));
	h->rec = calloc(slots, sizeof(*h->rec));
	h->index = calloc(slots, sizeof(*h->index));
	h->log = malloc(cfg.log);
	for (n = 0; n < r->o.hosts; n++)
		nodes[n] = n + 1;
	if (dmring_core_init(&h->core, &cfg, h->table, h->places, slots, r->text) ||
	    dmring_core_set_hosts(&h->core, nodes, r->o.hosts, 0, r->text))
		r->failed = r->text;
}

static void host_drop(struct host *h)
{
	links_free(&h->links);
	free(h->table);
	free(h->places);
	free(h->rec);
	free(h->index);
	free(h->log);
	memset(h, 0, sizeof(*h));
}

void ring_restart(struct ring *r, u16 host)
{
	r->blind = true;
	host_drop(&r->host[host]);
	host_boot(r, host);
}

struct ring *ring_new(const struct ring_opts *o)
{
	struct ring *r = calloc(1, sizeof(*r));
	u16 i;

	r->o = *o;
	r->rnd = o->seed;
	r->now = 1000000000ULL;
	for (i = 0; i < o->hosts; i++)
		host_boot(r, i);
	return r;
}

void ring_free(struct ring *r)
{
	u16 i;

	for (i = 0; i < r->o.hosts; i++)
		host_drop(&r->host[i]);
	free(r->line);
	free(r);
}
