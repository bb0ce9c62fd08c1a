// SPDX-License-Identifier: GPL-2.0-only
#include "core-internal.h"

static u32 node_at(const struct dmring_core *c, u16 idx)
{
	return idx == DMRING_VIEW_NONE ? 0 : c->view.node[idx];
}

u32 dmring_core_succ(const struct dmring_core *c)
{
	return node_at(c, c->view.succ);
}

u32 dmring_core_pred(const struct dmring_core *c)
{
	return node_at(c, c->view.pred);
}

static u16 rec_flags(const struct dmring_core *c)
{
	return c->cfg.identify ? DMRING_REC_IDENT : 0;
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

/* What this host alone would allow among @hosts. */
static int own_sizes(const struct dmring_core *c, u16 hosts, struct dmring_sizes *s, char *why)
{
	s->log = c->cfg.log;
	s->rec = c->cfg.max_msg ? dmring_cost(c->cfg.max_msg, rec_flags(c)) :
				  dmring_rec_auto(s->log, hosts, rec_flags(c));
	s->final = !c->cfg.network;
	s->window = dmring_window_size(s->log, s->rec, hosts);
	if (!c->cfg.network)
		s->window = s->log - dmring_event_share(s->log);
	if (s->window >= s->rec)
		return 0;
	return dmring_why(why, -EMSGSIZE,
			  "a log of %u bytes leaves less than one largest message (%u bytes) for each of %u hosts",
			  s->log, dmring_cost_payload(s->rec, rec_flags(c)), hosts);
}

static void restart_sessions(struct dmring_core *c, u64 now)
{
	dmring_session_init(&c->in, DMRING_IN, c->cfg.dead_ms);
	dmring_session_init(&c->out, DMRING_OUT, c->cfg.dead_ms);
	if (c->view.count > 1) {
		c->out.state = DMRING_SESSION_WAIT;
		c->out.retry_at = now + DMRING_SETTLE;
	}
	memset(&c->heard, 0, sizeof(c->heard));
	memset(&c->chain, 0, sizeof(c->chain));
	c->chain.log = c->sizes.log;
	c->chain.rec = c->sizes.rec;
	c->closed = false;
	c->beat_now = false;
}

/* Make c->spare the view; nothing can fail any more. */
static void take_view(struct dmring_core *c, const struct dmring_sizes *sizes, u64 now)
{
	c->view = c->spare;
	c->sizes = *sizes;
	c->rec = sizes->rec;
	c->gate = !c->cfg.network;
	dmring_retain_set_view(&c->retain, &c->view);
	memset(&c->window, 0, sizeof(c->window));
	memset(&c->ack, 0, sizeof(c->ack));
	c->window.limit = sizes->window;
	restart_sessions(c, now);
}

static int set_view(struct dmring_core *c, const u32 *nodes, u16 count, u64 now, char *why)
{
	struct dmring_sizes sizes;
	int err;

	err = dmring_view_set(&c->spare, c->cfg.node, c->cfg.inc, nodes, count, why);
	if (!err)
		err = own_sizes(c, c->spare.count, &sizes, why);
	if (!err)
		take_view(c, &sizes, now);
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
	return dmring_cost_payload(c->sizes.rec, rec_flags(c));
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
				dmring_cost(len, rec_flags(c)), &raised);
	*kick = raised && c->cfg.network;
	return err;
}

u64 dmring_core_add(struct dmring_core *c, u32 sender, u16 flags, u32 len)
{
	flags |= rec_flags(c);
	return dmring_retain_add(&c->retain, c->view.self, sender, flags,
				 dmring_cost(len, flags));
}

u64 dmring_core_add_news(struct dmring_core *c)
{
	u16 flags = rec_flags(c);

	return dmring_retain_add(&c->retain, c->view.self, 0, flags | DMRING_ENTRY_EVENT,
				 dmring_cost(sizeof(struct dmring_ev), flags));
}

int dmring_core_event_room(const struct dmring_core *c, u32 len)
{
	if (c->retain.event_used + dmring_cost(len, 0) > dmring_event_share(c->cfg.log))
		return -ENOSPC;
	return 0;
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

	if (!c->cfg.network)
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

	if (dmring_retain_hold(&c->retain) != DMRING_HOLD_READER)
		return false;
	for (o = 0; o < c->view.count; o++)
		if (starved(c, o))
			return true;
	return false;
}

/*
 * What is to be sent
 */

bool dmring_core_next(struct dmring_core *c, u64 *no)
{
	return c->out.state == DMRING_SESSION_STREAM && dmring_retain_next(&c->retain, no);
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
		.type = e->flags & DMRING_ENTRY_EVENT ? DMRING_REC_EVENT : DMRING_REC_DATA,
		.flags = e->flags & DMRING_REC_IDENT,
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

	if (c->out.state != DMRING_SESSION_STREAM ||
	    !dmring_order_tell(&c->retain, &c->view, &f))
		return 0;
	f.view = c->view.number;
	f.inc = c->view.inc[c->retain.order.sequencer];
	dmring_order_sent(&c->retain, &f);
	return dmring_wire_put_order(buf, &f);
}

bool dmring_core_marks_due(const struct dmring_core *c)
{
	return c->out.state == DMRING_SESSION_STREAM &&
	       dmring_ack_pending(&c->ack, &c->view, &c->retain, &c->window);
}

u32 dmring_core_marks(struct dmring_core *c, u8 *buf)
{
	if (c->out.state != DMRING_SESSION_STREAM)
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
