// SPDX-License-Identifier: GPL-2.0-only
/* Greetings: who may be a neighbour, and from where the stream goes on. */
#include "core-internal.h"

/* What a greeting says beside the number of the view: 0 in it, else on the way to the next */
static u32 attempt_of(const struct dmring_core *c)
{
	return c->change.phase == DMRING_PHASE_FILL ? c->change.attempt : 0;
}

static void fill_hello(struct dmring_core *c)
{
	struct dmring_hello *h = &c->hello;
	u16 i;

	memset(h, 0, sizeof(*h));
	memcpy(h->name, c->cfg.name, strnlen(c->cfg.name, DMRING_NAME_SIZE - 1));
	h->node = c->cfg.node;
	h->view = c->view.number;
	h->inc = c->cfg.inc;
	h->order = c->cfg.order;
	h->identify = c->cfg.identify;
	h->dead_ms = c->cfg.dead_ms;
	h->log = c->cfg.log;
	h->rec = c->rec;
	h->ordered = c->retain.order.alone ? 0 : c->retain.order.have;
	h->attempt = attempt_of(c);
	h->count = c->view.count;
	for (i = 0; i < h->count; i++) {
		h->hosts[i].node = c->view.node[i];
		h->hosts[i].inc = c->view.inc[i];
		h->hosts[i].have = c->retain.origin[i].have_seq;
	}
}

u32 dmring_core_put_hello(struct dmring_core *c, u8 *buf)
{
	fill_hello(c);
	return dmring_wire_put_hello(buf, &c->hello);
}

u32 dmring_core_put_refuse(const struct dmring_act *act, u8 *buf)
{
	return dmring_wire_put_refuse(buf, act->err, act->why);
}

/*
 * Is it where we are? -EAGAIN: it has gone ahead, and we shall follow; or it has not heard yet
 * that we have.
 */
static int check_when(const struct dmring_core *c, char *why)
{
	const struct dmring_hello *h = &c->hello;
	bool changes = c->change.phase != DMRING_PHASE_RUN;

	if (h->view == c->view.number && h->attempt == attempt_of(c) &&
	    c->change.phase != DMRING_PHASE_PREPARED)
		return 0;
	if (changes && h->view == c->view.number &&
	    (h->attempt > attempt_of(c) || c->change.phase == DMRING_PHASE_PREPARED))
		return dmring_why(why, -EAGAIN,
				  "a host prepares the view after %u, the other not yet", h->view);
	if (changes && h->view == c->change.number)
		return dmring_why(why, -EAGAIN, "host %u is in view %u, which host %u prepares",
				  h->node, h->view, c->cfg.node);
	return dmring_why(why, -ESTALE, "host %u is in view %u, host %u in view %u%s",
			  h->node, h->view, c->cfg.node, c->view.number,
			  changes ? " and prepares another" : "");
}

/* Is it who it should be? */
static int check_who(const struct dmring_core *c, enum dmring_dir dir, char *why)
{
	const struct dmring_hello *h = &c->hello;
	int err;

	if (strncmp(h->name, c->cfg.name, DMRING_NAME_SIZE))
		return dmring_why(why, -ENOENT, "host %u is on ring %s, host %u on ring %s",
				  h->node, h->name, c->cfg.node, c->cfg.name);
	if (h->node == c->cfg.node)
		return dmring_why(why, -ELOOP,
				  "host %u meets itself: is its node id or address used twice?",
				  h->node);
	err = check_when(c, why);
	if (err)
		return err;
	err = dmring_view_same_hosts(&c->view, h, why);
	if (err)
		return err;
	if (h->node == dmring_neighbour(c, dir))
		return 0;
	return dmring_why(why, -EHOSTUNREACH, "host %u is not the one %s host %u, host %u is",
			  h->node, dir == DMRING_OUT ? "after" : "before", c->cfg.node,
			  dmring_neighbour(c, dir));
}

static int check_ring(const struct dmring_core *c, char *why)
{
	const struct dmring_hello *h = &c->hello;

	if (h->order != c->cfg.order)
		return dmring_why(why, -EINVAL,
				  "host %u and host %u differ in the order of the ring",
				  h->node, c->cfg.node);
	if (h->ordered && h->order == DMRING_ORDER_FIFO)
		return dmring_why(why, -EPROTO, "host %u knows of an order with order fifo",
				  h->node);
	if (h->identify != c->cfg.identify)
		return dmring_why(why, -EINVAL, "host %u and host %u differ in identify",
				  h->node, c->cfg.node);
	if (!dmring_dead_ok(h->dead_ms))
		return dmring_why(why, -ERANGE, "host %u takes %u ms of silence for death",
				  h->node, h->dead_ms);
	return 0;
}

static int check_log(const struct dmring_core *c, char *why)
{
	const struct dmring_hello *h = &c->hello;

	if (!dmring_pow2_between(h->log, DMRING_LOG_MIN, DMRING_LOG_MAX) || !dmring_rec_ok(h->rec))
		return dmring_why(why, -EINVAL, "host %u has a log of %u bytes for messages of %u",
				  h->node, h->log, h->rec);
	if (!dmring_window_size(h->log, h->rec, c->view.count))
		return dmring_why(why, -EMSGSIZE,
				  "log of host %u (%u bytes) leaves less than one largest message (%u bytes)",
				  h->node, h->log, h->rec);
	return 0;
}

static int check_incs(const struct dmring_core *c, char *why)
{
	int err = 0;
	u16 i;

	for (i = 0; i < c->view.count && !err; i++)
		err = dmring_view_check_inc(&c->view, i, c->hello.hosts[i].inc, why);
	return err;
}

static int check_hello(struct dmring_core *c, enum dmring_dir dir, char *why)
{
	int err = check_who(c, dir, why);

	if (!err)
		err = check_ring(c, why);
	if (!err)
		err = check_log(c, why);
	if (!err)
		err = check_incs(c, why);
	return err;
}

/* The order comes to us from the sequencer by the host before us, so it knows as much. */
static int check_pred_order(const struct dmring_core *c, char *why)
{
	const struct dmring_ordering *o = &c->retain.order;
	const struct dmring_hello *h = &c->hello;

	if (o->alone)
		return 0;
	if (o->sequencer != c->view.self && h->ordered < o->have)
		return dmring_why(why, -EPROTO,
				  "host %u has forgotten the order from %llu on, which it once knew",
				  h->node, h->ordered);
	if (o->sequencer == c->view.self && h->ordered > o->link)
		return dmring_why(why, -EPROTO,
				  "host %u claims to know the order up to %llu, which was never sent",
				  h->node, h->ordered);
	return 0;
}

/* The host before us holds all it ever sent us, and of ours no more than we sent. */
static int check_pred_have(const struct dmring_core *c, char *why)
{
	const struct dmring_hello *h = &c->hello;
	u16 o;

	/* who fills up may lack what we have; what it claims is looked at by who fills it */
	if (c->change.phase == DMRING_PHASE_FILL)
		return 0;
	for (o = 0; o < c->view.count; o++) {
		u64 have = h->hosts[o].have;

		if (o != c->view.self && have < c->retain.origin[o].have_seq)
			return dmring_why(why, -EPROTO,
					  "host %u lacks message %llu of host %u, which it once had",
					  h->node, have + 1, c->view.node[o]);
		if (o == c->view.self && have > c->retain.origin[o].link_seq)
			return dmring_why(why, -EPROTO,
					  "host %u claims message %llu of host %u, which was never sent",
					  h->node, have, c->cfg.node);
	}
	return check_pred_order(c, why);
}

static void learn_incs(struct dmring_core *c)
{
	u16 i;

	for (i = 0; i < c->view.count; i++)
		dmring_view_learn(&c->view, i, c->hello.hosts[i].inc);
}

int dmring_core_greeting(const struct dmring_core *c, const u8 *buf,
			 struct dmring_frame *f, struct dmring_act *act)
{
	dmring_act_clear(act, 0);
	act->err = dmring_wire_frame(buf, f, act->why);
	if (!act->err && f->type != DMRING_FRAME_HELLO)
		act->err = dmring_why(act->why, -EPROTO, "a frame of type %u before a greeting",
				      f->type);
	if (!act->err && c->view.count < 2 && c->change.phase == DMRING_PHASE_RUN)
		act->err = dmring_why(act->why, -ENXIO, "host %u has no peers yet", c->cfg.node);
	if (act->err)
		act->what = DMRING_ACT_REFUSE | DMRING_ACT_CLOSE;
	return act->err;
}

/* Hosts install a view one after the other; who has not yet is no case for an event. */
static bool is_behind(const struct dmring_core *c)
{
	return c->hello.attempt && c->hello.view + 1 == c->view.number;
}

/* A connection nobody owns is turned away; it changes no link that stands. */
static int turn_away(struct dmring_core *c, struct dmring_act *act)
{
	/* it is early, and may wait as long as any other guest */
	if (act->err == -EAGAIN)
		return act->err;
	act->what = DMRING_ACT_REFUSE | DMRING_ACT_CLOSE;
	if (act->node == dmring_core_pred(c) && c->in.state == DMRING_SESSION_IDLE && !is_behind(c))
		dmring_core_note_refusal(&c->in, act);
	return act->err;
}

/* The greeting is good: this connection is the link, an older one is not. */
static void take_in(struct dmring_core *c, u64 now, struct dmring_act *act)
{
	act->what = DMRING_ACT_REPLACE | DMRING_ACT_HELLO;
	if (c->in.state == DMRING_SESSION_STREAM && c->change.phase == DMRING_PHASE_RUN) {
		act->what |= DMRING_ACT_DOWN;
		act->reason = DMRING_AWAY_BROKEN;
		dmring_why(act->why, 0, "a newer connection of host %u takes its place", act->node);
	}
	learn_incs(c);
	dmring_session_peer_dead(&c->in, c->cfg.dead_ms, c->hello.dead_ms);
	dmring_session_enter(&c->in, DMRING_SESSION_GREETING, now);
	dmring_core_see_links(c, act);
}

int dmring_core_hello(struct dmring_core *c, u64 now, const u8 *buf, u32 len,
		      struct dmring_act *act)
{
	dmring_act_clear(act, 0);
	act->err = dmring_wire_get_hello(buf, len, &c->hello, act->why);
	if (act->err)
		return turn_away(c, act);
	act->node = c->hello.node;
	act->err = check_hello(c, DMRING_IN, act->why);
	if (!act->err)
		act->err = check_pred_have(c, act->why);
	if (act->err)
		return turn_away(c, act);
	take_in(c, now, act);
	return 0;
}

u64 dmring_core_greeting_time(const struct dmring_core *c)
{
	return dmring_session_greeting(&c->in);
}

static int resume_fill(struct dmring_core *c, const u64 *have, char *why)
{
	const struct dmring_ordering *o = &c->retain.order;
	u64 ordered = c->hello.ordered;

	if (dmring_retain_has_order(&c->retain) &&
	    (ordered < o->stable || (ordered > c->change.record.ordered &&
				     !dmring_core_is_cautious(c, &c->change.record))))
		return dmring_why(why, -EPROTO, "it claims to know the order up to %llu",
				  ordered);
	if (dmring_retain_resume_fill(&c->retain, &c->change.record, have, why))
		return -EPROTO;
	dmring_order_resume(&c->retain, ordered);
	return 0;
}

static int resume(struct dmring_core *c, char *why)
{
	u64 have[DMRING_HOSTS_MAX];
	u16 i;

	for (i = 0; i < c->view.count; i++)
		have[i] = c->hello.hosts[i].have;
	if (c->change.phase == DMRING_PHASE_FILL)
		return resume_fill(c, have, why);
	if (dmring_order_check_resume(&c->retain, c->hello.ordered, why) ||
	    dmring_retain_resume(&c->retain, &c->view, have, why))
		return -EPROTO;
	dmring_order_resume(&c->retain, c->hello.ordered);
	return 0;
}

/* The answer to our own HELLO */
int dmring_core_hello_out(struct dmring_core *c, u64 now, u32 rnd, const u8 *buf, u32 len,
			  struct dmring_act *act)
{
	act->err = dmring_wire_get_hello(buf, len, &c->hello, act->why);
	if (!act->err)
		act->err = check_hello(c, DMRING_OUT, act->why);
	if (!act->err)
		act->err = resume(c, act->why);
	/* only who calls can wait */
	if (act->err == -EAGAIN)
		act->err = -ESTALE;
	if (act->err) {
		act->what |= DMRING_ACT_REFUSE;
		return dmring_core_refused(c, DMRING_OUT, now, rnd, act);
	}
	learn_incs(c);
	dmring_ack_restart(&c->ack);
	dmring_session_peer_dead(&c->out, c->cfg.dead_ms, c->hello.dead_ms);
	dmring_session_enter(&c->out, DMRING_SESSION_STREAM, now);
	act->what |= DMRING_ACT_PUMP;
	act->what |= c->change.phase == DMRING_PHASE_RUN ? DMRING_ACT_UP : 0;
	c->beat_now = true;
	dmring_core_see_links(c, act);
	return 0;
}
