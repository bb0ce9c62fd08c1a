// SPDX-License-Identifier: GPL-2.0-only
/* One host: its log and its reader, its link thread, and what a coordinator asks of it. */
#include "sim.h"

/*
 * The log
 */

static u8 pattern(u64 id, u32 i)
{
	return id * 31 + i * 13 + (i >> 8);
}

static void log_write(struct host *h, u64 pos, const u8 *from, u32 len)
{
	u32 at = pos & (SIM_LOG - 1), n = min(len, SIM_LOG - at);

	memcpy(h->log + at, from, n);
	memcpy(h->log, from + n, len - n);
}

static void log_read(const struct host *h, u64 pos, u8 *to, u32 len)
{
	u32 at = pos & (SIM_LOG - 1), n = min(len, SIM_LOG - at);

	memcpy(to, h->log + at, n);
	memcpy(to + n, h->log, len - n);
}

/* Who has joined begins a new life; what it still had to deliver was of the old one. */
static void view_begins(struct host *h, const struct dmring_view_record *rec)
{
	struct history *y = &h->w->history;
	u64 inc = dmring_view_next_host(rec, h->no + 1)->inc;

	if (y->life[h->life].inc != inc) {
		y->life[h->life].ended = true;
		h->life = history_life(y, h->no + 1, inc);
	}
	history_view(y, h->life, rec);
	people_view(h);
}

/* Of a parcel of requests, behind the simulator's tag: which host it is for; 0: for all */
static u32 parcel_dest(const u8 *data)
{
	return dmring_get32(data + sizeof(struct tag) + 4);
}

/* A message or a parcel: members are told */
static void hear(struct host *h, u64 no, const struct tag *tag)
{
	const struct rec *rec = &h->rec[no & (SIM_SLOTS - 1)];
	u8 data[4096];

	history_message(&h->w->history, h->life, tag);
	if (tag->person)
		calls_message(h, tag);
	if (tag->parcel != PARCEL_CALLS)
		return;
	log_read(h, rec->pos + 16, data, rec->len);
	/* behind the host it is for there is no more of it than its header */
	if (dmring_retain_entry(&h->core.retain, no)->flags & DMRING_ENTRY_BRIEF)
		return;
	calls_parcel(h, data + sizeof(*tag), rec->len - sizeof(*tag));
}

/* What is delivered is written down: members read it in this order. */
static void log_index(struct host *h)
{
	struct dmring_retain *r = &h->core.retain;
	u64 no;

	while (dmring_core_index(&h->core, &no)) {
		const struct dmring_entry *e = dmring_retain_entry(r, no);
		struct tag tag;

		if (h->read_at == SIM_NEVER)
			h->read_at = h->w->now + below(h->w, 4 * MS);
		log_read(h, h->rec[no & (SIM_SLOTS - 1)].pos + 16, (u8 *)&tag, sizeof(tag));
		if (!tag.parcel == !!(e->flags & DMRING_ENTRY_PARCEL))
			sim_fail(h->w, "a parcel is one no longer", h->no + 1, "");
		/* nobody reads those, but they are delivered in their turn */
		if (!tag.parcel)
			h->index[dmring_core_index_pos(&h->core) & (SIM_SLOTS - 1)] = no;
		if (e->origin != DMRING_ORIGIN_EVENT && h->w->o.messages)
			sim_trace(h->w, "host %u: delivers message %llu of host %u, view %u",
				  h->no + 1, tag.seq, tag.node, tag.view);
		if (e->origin != DMRING_ORIGIN_EVENT)
			hear(h, no, &tag);
		else if (tag.id)	/* of a new view: which, in the history */
			view_begins(h, &h->w->history.record[tag.id - 1]);
	}
}

/* A record has been numbered: its bytes take their place */
static void log_put(struct host *h, u64 no, const u8 *data, u32 len)
{
	log_write(h, h->tail + 16, data, len);
	h->rec[no & (SIM_SLOTS - 1)] = (struct rec){ .pos = h->tail, .len = len };
	h->tail += dmring_cost(len, 0);
	no = dmring_core_first(&h->core);
	if (h->tail - h->rec[no & (SIM_SLOTS - 1)].pos > SIM_LOG)
		sim_fail(h->w, "the log overflows", h->no + 1, "");
	log_index(h);
}

/*
 * The reader
 */

/* Is it whole? Whether it may be here is for the history to say. */
static void reader_take(struct host *h, u64 pos)
{
	u64 no = h->index[pos & (SIM_SLOTS - 1)];
	const struct dmring_entry *e = dmring_retain_entry(&h->core.retain, no);
	const struct rec *rec = &h->rec[no & (SIM_SLOTS - 1)];
	u8 data[4096];
	struct tag tag;
	u32 i;

	if (e->origin == DMRING_ORIGIN_EVENT)
		return;
	log_read(h, rec->pos + 16, data, rec->len);
	memcpy(&tag, data, sizeof(tag));
	for (i = sizeof(tag); i < rec->len && data[i] == pattern(tag.id, i); i++)
		;
	if (i < rec->len)
		sim_fail(h->w, "damaged", h->no + 1, "");
}

static void reader_read(struct host *h, u32 n)
{
	u64 end = h->core.retain.order.index;

	while (n-- && h->cursor != end)
		reader_take(h, h->cursor++);
	dmring_core_read(&h->core, h->cursor);
	dmring_core_advance(&h->core, 1 + below(h->w, 64));
	host_wake(h, h->w->now);
}

void host_read(struct host *h)
{
	if (h->w->now < h->reader_frozen) {
		h->read_at = h->reader_frozen;
		return;
	}
	reader_read(h, 1 + below(h->w, 30));
	h->read_at = h->cursor == h->core.retain.order.index ? SIM_NEVER :
		     h->w->now + below(h->w, 4 * MS);
}

/*
 * The thread
 */

static struct host *host_of(struct links *l)
{
	return l->host;
}

static int end_read(struct links *l, struct end *e, u8 *buf, u32 len)
{
	return net_read(host_of(l)->w, e, buf, len);
}

static int end_write(struct links *l, struct end *e, const u8 *buf, u32 len)
{
	return net_write(host_of(l)->w, e, buf, len);
}

static void end_close(struct links *l, struct end *e)
{
	net_close(host_of(l)->w, e);
}

static void end_connect(struct links *l)
{
	struct host *h = host_of(l);
	struct world *w = h->w;
	u16 to = dmring_core_succ(&h->core) - 1;
	struct host *other = &w->host[to];
	struct dmring_act act;
	u32 i;

	if (l->out.conn)
		sim_fail(w, "two connections to the next host", h->no + 1, "");
	/* nobody answers; or somebody says that there is nobody */
	if (blocked(w, h->no, to) || blocked(w, to, h->no) || (!other->up && below(w, 2)))
		return;
	for (i = 0; i < LINKS_PENDING && other->links.pend[i].conn; i++)
		;
	if (!other->up || i == LINKS_PENDING) {
		dmring_core_down(&h->core, DMRING_OUT, w->now, any_number(w), -ECONNREFUSED,
				 &act);
		links_act(l, &l->out, &act);
		return;
	}
	net_open(w, &l->out, &other->links.pend[i], h->no, to);
	dmring_core_connected(&h->core, w->now, &act);
	links_act(l, &l->out, &act);
	host_wake(other, w->now + w->delay);
}

static void see_act(struct links *l, const struct dmring_act *act)
{
	struct host *h = host_of(l);

	if (act->err == -EPROTO || (act->what & DMRING_ACT_DOWN &&
				    act->reason == DMRING_AWAY_PROTOCOL))
		sim_fail(h->w, "breach", h->no + 1, act->why);
	if (act->why[0] && act->err != -EAGAIN)
		sim_trace(h->w, "host %u: %s", h->no + 1, act->why);
	if (act->what & DMRING_ACT_CLOSED)
		sim_trace(h->w, "host %u: view %u is closed", h->no + 1, h->core.view.number);
}

static void acted(struct links *l)
{
	log_index(host_of(l));
}

/* What dmring_core_parcel() does where there is nothing else in a parcel */
static void parcel_came(struct host *h, struct dmring_rx *rx, const u8 *data)
{
	u32 dest = parcel_dest(data);

	rx->arrives = dest == h->no + 1U;
	if (rx->data.brief && !dmring_core_may_be_brief(&h->core, rx->origin, dest))
		sim_fail(h->w, "who a parcel is for gets its header only", h->no + 1, "");
}

static void record_came(struct links *l, struct end *e)
{
	struct host *h = host_of(l);
	struct dmring_rx *rx = &e->rx;
	u8 data[4096];
	struct tag tag;

	if (rx->what != DMRING_RX_DELIVER)
		return;
	/* what did not come is not what it was */
	memset(data, 0xdb, sizeof(data));
	memcpy(data, e->body, dmring_data_body(&rx->data));
	memcpy(&tag, data, sizeof(tag));
	if (tag.parcel == PARCEL_CALLS)
		parcel_came(h, rx, data);
	log_put(h, dmring_core_deliver(&h->core, rx), data, rx->data.len);
}

static u32 put_record(struct links *l, u64 no, u8 *buf)
{
	struct host *h = host_of(l);
	const struct rec *rec = &h->rec[no & (SIM_SLOTS - 1)];
	u32 head = dmring_core_data(&h->core, no, rec->len, NULL, buf);

	u32 body = dmring_core_body(&h->core, no, rec->len);

	log_read(h, rec->pos + 16, buf + head, body);
	return head + body;
}

static const struct links_ops links_ops = {
	.record_max = 4096, .read = end_read, .write = end_write, .close = end_close,
	.connect = end_connect, .acts = see_act, .acted = acted, .came = record_came,
	.record = put_record,
};

static u64 next_run(const struct host *h)
{
	const struct links *l = &h->links;
	bool out_full = l->out.conn && l->out.tx_len, in_full = l->in.conn && l->in.tx_len;
	u64 at = dmring_core_deadline_full(&h->core, out_full, in_full);
	u32 i;

	at = min(at, net_arrives(h->w, &l->in));
	at = min(at, net_arrives(h->w, &l->out));
	for (i = 0; i < LINKS_PENDING; i++) {
		if (!l->pend[i].conn)
			continue;
		at = min(at, l->pend[i].since + dmring_core_greeting_time(&h->core) + 1);
		if (!l->pend[i].waits)
			at = min(at, net_arrives(h->w, &l->pend[i]));
	}
	return max(at, h->w->now + 1000);
}

void host_run(struct host *h)
{
	struct links *l = &h->links;
	struct world *w = h->w;
	u32 i;

	h->run_at = SIM_NEVER;
	if (w->now < h->frozen) {
		h->run_at = h->frozen;
		return;
	}
	for (i = 0; i < LINKS_PENDING; i++)
		while (l->pend[i].conn && links_pull(l, &l->pend[i]))
			;
	while (l->in.conn && links_pull(l, &l->in))
		;
	while (l->out.conn && links_pull(l, &l->out))
		;
	links_tick(l);
	while (l->in.conn && links_push(l, &l->in))
		;
	while (l->out.conn && links_push(l, &l->out))
		;
	dmring_core_advance(&h->core, 64);
	if (dmring_core_slow(&h->core) && w->now < h->reader_frozen && !below(w, 4)) {
		/* the ring's policy: out with it */
		h->reader_frozen = 0;
		h->cursor = h->core.retain.order.index;
		dmring_core_read(&h->core, h->cursor);
	}
	host_wake(h, next_run(h));
}

/*
 * The pump
 */

u64 host_put(struct host *h, struct tag *tag, u8 *data, u32 len)
{
	struct world *w = h->w;
	u64 no;
	u32 i;

	if (!h->core.view.quorum)
		sim_fail(w, "accepted without quorum", h->no + 1, "");
	tag->node = h->no + 1;
	tag->inc = h->core.cfg.inc;
	tag->view = h->core.view.number;
	tag->seq = dmring_core_own_seq(&h->core) + 1;
	tag->id = ++w->next_id;
	memcpy(data, tag, sizeof(*tag));
	for (i = sizeof(*tag); i < len && tag->parcel != PARCEL_CALLS; i++)
		data[i] = pattern(tag->id, i);
	w->history.life[h->life].sent++;
	w->messages++;
	no = dmring_core_add(&h->core, 0, tag->parcel ? DMRING_ENTRY_PARCEL : 0, len);
	log_put(h, no, data, len);
	host_wake(h, w->now);
	return no;
}

void host_send(struct host *h)
{
	struct world *w = h->w;
	u32 n = 1 + below(w, 4);
	u8 data[4096];
	bool kick;

	h->send_at = w->now + 1 + below(w, 16 * MS);
	if (w->now < h->frozen)
		return;
	while (n--) {
		struct tag tag = { .parcel = below(w, 3) ? PARCEL_NONE : PARCEL_NOTHING };
		u32 len;

		if (!h->next_len)
			h->next_len = sizeof(tag) + below(w, w->large);
		len = min(h->next_len, dmring_core_max_msg(&h->core));
		if (dmring_core_room(&h->core, len, &kick)) {
			host_wake(h, w->now);
			return;
		}
		host_put(h, &tag, data, len);
		h->next_len = 0;
	}
	host_wake(h, w->now);
}

void host_event(struct host *h)
{
	static const struct tag nothing;

	if (!dmring_core_event_room(&h->core, sizeof(nothing)))
		log_put(h, dmring_core_add_event(&h->core, sizeof(nothing)), (const u8 *)&nothing,
			sizeof(nothing));
}

/*
 * Views
 */

static void follow(struct host *h)
{
	links_follow(&h->links);
	host_wake(h, h->w->now);
}

int host_prepare(struct host *h, u32 number, u32 attempt, bool joins)
{
	char why[DMRING_WHY_SIZE];
	int err = dmring_core_prepare(&h->core, number, attempt, joins, any_number(h->w) | 1, why);

	sim_trace(h->w, "host %u: prepare view %u attempt %u%s: %s", h->no + 1, number, attempt,
		  joins ? " to join" : "", err ? why : "yes");
	if (err)
		return err;
	h->links.in.rx.what = DMRING_RX_DISCARD;
	follow(h);
	return 0;
}

int host_fill(struct host *h, const struct dmring_view_record *rec)
{
	char why[DMRING_WHY_SIZE];
	int err = dmring_core_fill(&h->core, rec, h->w->now, why);

	sim_trace(h->w, "host %u: fill view %u attempt %u: %s", h->no + 1, rec->number,
		  rec->attempt, err ? why : "yes");
	if (!err)
		follow(h);
	return err;
}

/* Readers that have not read what is of the views before cannot hold up the next one. */
static int make_view_room(struct host *h, u32 len)
{
	log_index(h);
	dmring_core_advance(&h->core, SIM_SLOTS);
	if (!dmring_core_view_room(&h->core, len))
		return 0;
	reader_read(h, SIM_SLOTS);
	dmring_core_advance(&h->core, SIM_SLOTS);
	if (!dmring_core_view_room(&h->core, len))
		return 0;
	sim_fail(h->w, "no room for a view", h->no + 1, "");
	return -ENOSPC;
}

int host_install(struct host *h, u32 number, u32 attempt)
{
	const struct dmring_view_record *rec = &h->core.change.record;
	struct history *y = &h->w->history;
	char why[DMRING_WHY_SIZE];
	struct tag tag = { 0 };
	u32 i;
	int err = dmring_core_install_ask(&h->core, number, attempt, why);

	if (!err)
		err = make_view_room(h, sizeof(tag));
	sim_trace(h->w, "host %u: install view %u attempt %u: %s", h->no + 1, number, attempt,
		  err ? why : "yes");
	if (err)
		return err;
	for (i = 0; i < y->records; i++)
		if (!history_differ(&y->record[i], rec))
			break;
	if (i == y->records)
		history_record(y, rec);
	tag.id = i + 1;
	people_installs(h, rec);
	log_put(h, dmring_core_install(&h->core, sizeof(tag), h->w->now), (const u8 *)&tag,
		sizeof(tag));
	h->w->views++;
	follow(h);
	return 0;
}

/*
 * Up and down
 */

void host_boot(struct world *w, u16 no)
{
	struct host *h = &w->host[no];
	struct dmring_core_cfg cfg = {
		.name = "ring", .node = no + 1, .inc = any_number(w) | 1, .log = SIM_LOG,
		.dead_ms = 100, .network = true, .order = w->o.order,
	};
	char why[DMRING_WHY_SIZE];

	h->w = w;
	h->no = no;
	h->up = true;
	h->links.ops = &links_ops;
	h->links.host = h;
	h->links.core = &h->core;
	h->links.now = &w->now;
	h->links.rnd = &w->rnd;
	h->tail = SIM_LOG;
	h->cursor = 0;
	h->run_at = w->now;
	h->send_at = w->now + below(w, 10 * MS);
	h->read_at = w->now;
	h->frozen = 0;
	h->reader_frozen = 0;
	h->next_len = 0;
	memset(h->table, 0, sizeof(h->table));
	people_boot(h);
	h->life = history_life(&w->history, no + 1, cfg.inc);
	if (dmring_core_init(&h->core, &cfg, h->table, h->places, SIM_SLOTS, why))
		sim_fail(w, "no core", no + 1, why);
}

void host_crash(struct world *w, u16 no, bool silent)
{
	struct host *h = &w->host[no];
	u32 i;

	sim_trace(w, "host %u: dies", no + 1);
	h->up = false;
	h->run_at = SIM_NEVER;
	h->send_at = SIM_NEVER;
	h->read_at = SIM_NEVER;
	w->history.life[h->life].ended = true;
	people_crash(h);
	/* nobody says so on its behalf, or somebody does */
	for (i = 0; i < w->o.hosts && silent; i++) {
		w->blocked[no][i] = w->now + 300 * MS;
		w->blocked[i][no] = w->now + 300 * MS;
	}
	links_close_all(&h->links);
}
