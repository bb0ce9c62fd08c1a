// SPDX-License-Identifier: GPL-2.0-only
#include "core-internal.h"

static u32 node_at(const struct dmring_core *c, u16 idx)
{
	return idx == DMRING_VIEW_NONE ? 0 : c->view.node[idx];
}

static bool fills(const struct dmring_core *c)
{
	return c->change.phase == DMRING_PHASE_FILL;
}

u32 dmring_core_succ(const struct dmring_core *c)
{
	return node_at(c, fills(c) ? c->change.succ : c->view.succ);
}

u32 dmring_core_pred(const struct dmring_core *c)
{
	return node_at(c, fills(c) ? c->change.pred : c->view.pred);
}

/*
 * Set-up
 */

static int check_cfg(const struct dmring_core_cfg *cfg, u32 slots, char *why)
{
	if (!dmring_pow2_between(cfg->log, DMRING_LOG_MIN, DMRING_LOG_MAX))
		return dmring_why(why, -EINVAL,
				  "the log has to be a power of two from %llu to %llu bytes",
				  DMRING_LOG_MIN, DMRING_LOG_MAX);
	if (!dmring_pow2_between(slots, cfg->log / DMRING_COST_MIN, 1U << 31))
		return dmring_why(why, -EINVAL, "the table is too small for the log");
	if (cfg->max_msg > DMRING_MSG_MAX)
		return dmring_why(why, -EMSGSIZE, "a message has at most %u bytes",
				  DMRING_MSG_MAX);
	if (cfg->network && (!cfg->node || !cfg->inc))
		return dmring_why(why, -EINVAL, "a ring between machines needs a node id");
	if (cfg->network && !dmring_dead_ok(cfg->dead_ms))
		return dmring_why(why, -ERANGE, "dead has to be from %u to %u ms",
				  DMRING_DEAD_MIN, DMRING_DEAD_MAX);
	return 0;
}

int dmring_core_check_hosts(const struct dmring_core *c, u16 hosts, char *why)
{
	if (!c->cfg.network || hosts <= dmring_view_hosts(c->cfg.log))
		return 0;
	return dmring_why(why, -EMSGSIZE, "a log of %u bytes is for %u hosts at most",
			  c->cfg.log, dmring_view_hosts(c->cfg.log));
}

int dmring_core_own_sizes(const struct dmring_core *c, u16 hosts, struct dmring_sizes *s, char *why)
{
	u16 flags = dmring_rec_flags(c);

	s->log = c->cfg.log;
	s->rec = c->cfg.max_msg ? dmring_cost(c->cfg.max_msg, flags) :
				  dmring_rec_auto(s->log, hosts, flags);
	s->window = dmring_window_size(s->log, s->rec, hosts);
	if (!c->cfg.network)
		s->window = s->log - dmring_event_share(s->log);
	if (s->window >= s->rec)
		return dmring_core_check_hosts(c, hosts, why);
	return dmring_why(why, -EMSGSIZE,
			  "a log of %u bytes leaves less than one largest message (%u bytes) for each of %u hosts",
			  s->log, dmring_cost_payload(s->rec, flags), hosts);
}

void dmring_core_restart_sessions(struct dmring_core *c, u64 at)
{
	dmring_session_init(&c->in, DMRING_IN, c->cfg.dead_ms);
	dmring_session_init(&c->out, DMRING_OUT, c->cfg.dead_ms);
	if (dmring_core_succ(c)) {
		c->out.state = DMRING_SESSION_WAIT;
		c->out.retry_at = at;
	}
	memset(&c->heard, 0, sizeof(c->heard));
	memset(&c->chain, 0, sizeof(c->chain));
	c->chain.final = c->sizes.final;
	c->chain.log = c->sizes.log;
	c->chain.rec = c->sizes.rec;
	c->closed = false;
	c->beat_now = false;
}

void dmring_core_take_view(struct dmring_core *c, const struct dmring_sizes *sizes,
			   u16 sequencer, u64 at)
{
	bool installed = c->spare.number != DMRING_VIEW_STATIC;
	bool alone = !c->cfg.network || (installed && c->spare.count == 1);

	c->view = c->spare;
	c->sizes = *sizes;
	c->rec = sizes->rec;
	c->change.phase = DMRING_PHASE_RUN;
	c->sizes.final = alone;
	c->gate = alone && c->view.quorum;
	dmring_order_set_view(&c->retain.order, &c->view, sequencer, alone);
	dmring_retain_set_view(&c->retain, &c->view);
	memset(&c->window, 0, sizeof(c->window));
	memset(&c->ack, 0, sizeof(c->ack));
	c->window.limit = sizes->window;
	if (alone)
		c->window.released = c->retain.origin[c->view.self].freed_cost;
	dmring_core_restart_sessions(c, at);
}

static int set_view(struct dmring_core *c, const u32 *nodes, u16 count, u64 now, char *why)
{
	struct dmring_sizes sizes;
	int err;

	err = dmring_view_set(&c->spare, c->cfg.node, c->cfg.inc, nodes, count, why);
	if (!err)
		err = dmring_core_own_sizes(c, c->spare.count, &sizes, why);
	if (!err)
		dmring_core_take_view(c, &sizes, 0, now + DMRING_SETTLE);
	return err;
}

int dmring_core_init(struct dmring_core *c, const struct dmring_core_cfg *cfg,
		     struct dmring_entry *table, struct dmring_place *places, u32 slots,
		     char *why)
{
	int err = check_cfg(cfg, slots, why);

	if (err)
		return err;
	memset(c, 0, sizeof(*c));
	c->cfg = *cfg;
	dmring_retain_init(&c->retain, table, slots, cfg->log);
	dmring_order_init(&c->retain.order,
			  dmring_core_wants_places(cfg->network, cfg->order) ? cfg->order :
			  DMRING_ORDER_FIFO, places);
	return set_view(c, NULL, 0, 0, why);
}

static bool in_use(const struct dmring_core *c)
{
	u16 o;

	for (o = 0; o < c->view.count; o++)
		if (c->retain.origin[o].have_seq)
			return true;
	return false;
}

int dmring_core_set_hosts(struct dmring_core *c, const u32 *nodes, u16 count, u64 now, char *why)
{
	if (!c->cfg.network)
		return dmring_why(why, -EINVAL, "a ring of machine scope has no peers");
	if (c->view.number != DMRING_VIEW_STATIC || c->change.number)
		return dmring_why(why, -EBUSY,
				  "the ring's hosts change with its views (the last one: %u)",
				  max(c->view.number, c->change.number));
	if (in_use(c))
		return dmring_why(why, -EBUSY,
				  "the ring has carried messages: its hosts cannot change, set it up anew");
	return set_view(c, nodes, count, now, why);
}

/*
 * The pump
 */

u32 dmring_core_max_msg(const struct dmring_core *c)
{
	return dmring_cost_payload(c->sizes.rec, dmring_rec_flags(c));
}

int dmring_core_room(struct dmring_core *c, u32 len, bool *kick)
{
	bool raised = false;
	int err;

	*kick = false;
	if (len > dmring_core_max_msg(c))
		return -EMSGSIZE;
	if (!c->gate)
		return -EAGAIN;
	err = dmring_window_ask(&c->window, c->retain.origin[c->view.self].have_cost,
				dmring_cost(len, dmring_rec_flags(c)), &raised);
	*kick = raised && c->cfg.network;
	return err;
}

u64 dmring_core_add(struct dmring_core *c, u32 sender, u16 flags, u32 len)
{
	flags |= dmring_rec_flags(c);
	return dmring_retain_add(&c->retain, c->view.self, sender, flags,
				 dmring_cost(len, flags));
}

u64 dmring_core_add_news(struct dmring_core *c)
{
	return dmring_core_add(c, 0, DMRING_ENTRY_EVENT, sizeof(struct dmring_ev));
}

/* The record of a view has a part of the events' share of its own. */
u32 dmring_core_event_share(const struct dmring_core *c)
{
	u32 view = dmring_cost(DMRING_VIEW_EV(dmring_view_hosts(c->cfg.log)), 0);

	return dmring_event_share(c->cfg.log) - (c->cfg.network ? view : 0);
}

static int event_room(const struct dmring_core *c, u32 len, u32 share)
{
	return c->retain.event_used + dmring_cost(len, 0) > share ? -ENOSPC : 0;
}

int dmring_core_event_room(const struct dmring_core *c, u32 len)
{
	if (c->change.phase != DMRING_PHASE_RUN)
		return -ENOSPC;
	return event_room(c, len, dmring_core_event_share(c));
}

int dmring_core_view_room(const struct dmring_core *c, u32 len)
{
	return event_room(c, len, dmring_event_share(c->cfg.log));
}

bool dmring_core_index_past(struct dmring_core *c, u64 *no)
{
	const struct dmring_retain *r = &c->retain;

	if (dmring_retain_is_fifo(r) ? r->order.given >= r->base :
				       r->order.given >= c->view.base)
		return false;
	return dmring_retain_deliver(&c->retain, no);
}

u64 dmring_core_add_event(struct dmring_core *c, u32 len)
{
	return dmring_retain_add(&c->retain, DMRING_ORIGIN_EVENT, 0, 0, dmring_cost(len, 0));
}

void dmring_core_read(struct dmring_core *c, u64 cursor)
{
	c->retain.read = cursor;
}

u64 dmring_core_advance(struct dmring_core *c, u32 budget)
{
	u64 freed = dmring_retain_advance(&c->retain, budget);

	if (c->retain.order.alone)
		c->window.released = c->retain.origin[c->view.self].freed_cost;
	return freed;
}

static bool starved(const struct dmring_core *c, u16 o)
{
	u64 want = o == c->view.self ? c->window.want : c->ack.up[o].want;

	return c->retain.origin[o].freed_cost < want;
}

bool dmring_core_slow(const struct dmring_core *c)
{
	u16 o;

	if (c->change.phase != DMRING_PHASE_RUN ||
	    dmring_retain_hold(&c->retain) != DMRING_HOLD_READER)
		return false;
	for (o = 0; o < c->view.count; o++)
		if (starved(c, o))
			return true;
	return false;
}

/*
 * What is to be sent
 */

/* May messages and their order go out now? */
static bool streams(const struct dmring_core *c)
{
	return c->out.state == DMRING_SESSION_STREAM &&
	       c->change.phase != DMRING_PHASE_PREPARED;
}

bool dmring_core_next(struct dmring_core *c, u64 *no)
{
	return streams(c) && dmring_retain_next(&c->retain, no);
}

static u16 rec_type(const struct dmring_entry *e)
{
	if (e->flags & DMRING_ENTRY_PARCEL)
		return DMRING_REC_PARCEL;
	return e->flags & DMRING_ENTRY_EVENT ? DMRING_REC_EVENT : DMRING_REC_DATA;
}

/*
 * Is only its header sent on? Behind the host it is for, yes; but in a fill who has the whole
 * sends it: hosts that were not there when others filled each other may come before that one
 * on the way, and lack it still. Nothing is left out where there is nothing else.
 */
static bool is_brief(const struct dmring_core *c, const struct dmring_entry *e, u32 len)
{
	u16 brief = DMRING_ENTRY_BRIEF;

	if (c->change.phase == DMRING_PHASE_RUN)
		brief |= DMRING_ENTRY_ARRIVED;
	return e->flags & brief && len > DMRING_WIRE_PARCEL;
}

u32 dmring_core_body(struct dmring_core *c, u64 no, u32 len)
{
	return is_brief(c, dmring_retain_entry(&c->retain, no), len) ? DMRING_WIRE_PARCEL : len;
}

u32 dmring_core_data(struct dmring_core *c, u64 no, u32 len,
		     const struct dmring_ident *ident, u8 *buf)
{
	const struct dmring_entry *e = dmring_retain_entry(&c->retain, no);
	struct dmring_data d = {
		.node = c->view.node[e->origin],
		.view = c->view.number,
		.inc = c->view.inc[e->origin],
		.seq = dmring_retain_seq(&c->retain, no),
		.len = len,
		.type = rec_type(e),
		.flags = e->flags & DMRING_REC_IDENT,
		.brief = is_brief(c, e, len),
	};

	if (ident)
		d.ident = *ident;
	return dmring_wire_put_data(buf, &d);
}

void dmring_core_sent(struct dmring_core *c, u64 no)
{
	dmring_retain_sent(&c->retain, no);
}

u32 dmring_core_put_order(struct dmring_core *c, u8 *buf)
{
	struct dmring_order_frame f;

	if (!streams(c) || !dmring_order_tell(&c->retain, &c->view, &f))
		return 0;
	f.view = c->view.number;
	f.inc = c->view.inc[c->retain.order.sequencer];
	dmring_order_sent(&c->retain, &f);
	return dmring_wire_put_order(buf, &f);
}

/* And what is acknowledged? */
static bool acknowledges(const struct dmring_core *c)
{
	return c->out.state == DMRING_SESSION_STREAM && c->change.phase == DMRING_PHASE_RUN;
}

bool dmring_core_marks_due(const struct dmring_core *c)
{
	return acknowledges(c) &&
	       dmring_ack_pending(&c->ack, &c->view, &c->retain, &c->window);
}

u32 dmring_core_marks(struct dmring_core *c, u8 *buf)
{
	if (!acknowledges(c))
		return 0;
	return dmring_ack_encode(&c->ack, &c->view, &c->retain, &c->window, buf);
}

bool dmring_core_beat_due(const struct dmring_core *c, enum dmring_dir dir, u64 now)
{
	if (dir == DMRING_IN)
		return dmring_session_beat_due(&c->in, now);
	if (c->beat_now && c->out.state == DMRING_SESSION_STREAM)
		return true;
	return dmring_session_beat_due(&c->out, now);
}

u32 dmring_core_put_beat(struct dmring_core *c, enum dmring_dir dir, u8 *buf)
{
	static const struct dmring_beat quiet;

	if (dir == DMRING_IN)
		return dmring_wire_put_beat(buf, &quiet);
	c->beat_now = false;
	return dmring_wire_put_beat(buf, &c->chain);
}
