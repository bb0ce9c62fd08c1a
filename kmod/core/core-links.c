// SPDX-License-Identifier: GPL-2.0-only
/* The links: is the ring closed, what ends a link, what time brings. */
#include "core-internal.h"

/*
 * The chain: is the ring closed, and what sizes does it have?
 */

/* The whole ring has spoken: the sizes stand for good. */
static void fix_sizes(struct dmring_core *c, u32 log, u32 rec, struct dmring_act *act)
{
	c->sizes.log = log;
	c->sizes.rec = rec;
	c->sizes.window = dmring_window_size(log, rec, c->view.count);
	c->sizes.final = true;
	c->window.limit = c->sizes.window;
	act->what |= DMRING_ACT_SIZES;
}

static void link_chain(const struct dmring_core *c, struct dmring_beat *b)
{
	memset(b, 0, sizeof(*b));
	b->log = c->cfg.log;
	b->rec = c->rec;
	if (c->in.state != DMRING_SESSION_STREAM)
		return;
	b->chain = min_t(u16, c->heard.chain + 1, c->view.count);
	b->log = min(b->log, c->heard.log);
	b->rec = min(b->rec, c->heard.rec);
}

/*
 * Between two views no ring is closed, but what we tell of it has to stay true; and who fills
 * up has to know the sizes of the last view.
 */
static void see_fill(struct dmring_core *c, struct dmring_act *act)
{
	if (!c->sizes.final && c->heard.final && c->in.state == DMRING_SESSION_STREAM)
		fix_sizes(c, c->heard.log, c->heard.rec, act);
	if (c->in.state != DMRING_SESSION_STREAM && c->chain.chain) {
		c->chain.chain = 0;
		c->beat_now = true;
	}
	if (c->chain.final == c->sizes.final)
		return;
	c->chain.final = c->sizes.final;
	c->chain.log = c->sizes.log;
	c->chain.rec = c->sizes.rec;
	c->beat_now = true;
}

static void see_closed(struct dmring_core *c, struct dmring_act *act)
{
	bool closed = c->chain.chain == c->view.count && c->view.count > 1 &&
		      c->out.state == DMRING_SESSION_STREAM;

	if (closed != c->closed)
		act->what |= closed ? DMRING_ACT_CLOSED : DMRING_ACT_BROKEN;
	c->closed = closed;
	if (!closed || c->gate || !c->view.quorum)
		return;
	c->gate = true;
	act->what |= DMRING_ACT_GATE;
}

static bool same_beat(const struct dmring_beat *a, const struct dmring_beat *b)
{
	return a->chain == b->chain && a->final == b->final && a->log == b->log &&
	       a->rec == b->rec;
}

/* Something about the links changed: draw the conclusions. */
void dmring_core_see_links(struct dmring_core *c, struct dmring_act *act)
{
	bool told = c->heard.final && c->in.state == DMRING_SESSION_STREAM;
	struct dmring_beat b;

	if (c->change.phase != DMRING_PHASE_RUN) {
		see_fill(c, act);
		return;
	}
	link_chain(c, &b);
	if (!c->sizes.final && told)
		fix_sizes(c, c->heard.log, c->heard.rec, act);
	else if (!c->sizes.final && b.chain == c->view.count && c->view.count > 1)
		fix_sizes(c, b.log, b.rec, act);
	if (c->sizes.final) {
		b.final = true;
		b.log = c->sizes.log;
		b.rec = c->sizes.rec;
	}
	if (!same_beat(&b, &c->chain))
		c->beat_now = true;
	c->chain = b;
	see_closed(c, act);
}

/*
 * Links going down
 */

static void link_down(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		      u16 reason, struct dmring_act *act)
{
	struct dmring_session *s = dmring_link(c, dir);

	act->what |= DMRING_ACT_CLOSE;
	/* between two views links come and go; a neighbour that is silent is dead all the same */
	if (s->state == DMRING_SESSION_STREAM &&
	    (c->change.phase == DMRING_PHASE_RUN || reason != DMRING_AWAY_BROKEN)) {
		act->what |= DMRING_ACT_DOWN;
		act->reason = reason;
	}
	memcpy(s->why, act->why, sizeof(s->why));
	dmring_session_down(s, now, rnd, act->err);
	if (c->change.phase == DMRING_PHASE_PREPARED)
		s->state = DMRING_SESSION_IDLE;
	dmring_core_see_links(c, act);
}

/* Note a refusal, whoever made it; only a new cause is an event. */
void dmring_core_note_refusal(struct dmring_session *s, struct dmring_act *act)
{
	if (!s->refused || s->err != act->err ||
	    strncmp(s->why, act->why, sizeof(s->why)))
		act->what |= DMRING_ACT_REFUSED;
	s->refused = true;
	s->err = act->err;
	memcpy(s->why, act->why, sizeof(s->why));
}

/* The other end broke the protocol; act->err and act->why are set. */
int dmring_core_breach(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		       struct dmring_act *act)
{
	struct dmring_session *s = dmring_link(c, dir);

	if (s->state == DMRING_SESSION_GREETING) {
		dmring_core_note_refusal(s, act);
		act->what |= dir == DMRING_OUT ? DMRING_ACT_REFUSE : 0;
	}
	link_down(c, dir, now, rnd, DMRING_AWAY_PROTOCOL, act);
	return act->err;
}

int dmring_core_refused(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
			struct dmring_act *act)
{
	/* on the way to the next view the other may have come there before us */
	if (act->err != -ESTALE || c->change.phase == DMRING_PHASE_RUN)
		dmring_core_note_refusal(dmring_link(c, dir), act);
	link_down(c, dir, now, rnd, 0, act);
	return act->err;
}

void dmring_core_down(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		      int err, struct dmring_act *act)
{
	struct dmring_session *s = dmring_link(c, dir);

	dmring_act_clear(act, dmring_neighbour(c, dir));
	if (s->state == DMRING_SESSION_IDLE || s->state == DMRING_SESSION_WAIT)
		return;
	act->err = dmring_why(act->why, err, "no connection with host %u (error %d)",
			      act->node, -err);
	link_down(c, dir, now, rnd, DMRING_AWAY_BROKEN, act);
}

/*
 * Connections and time
 */

void dmring_core_connected(struct dmring_core *c, u64 now, struct dmring_act *act)
{
	dmring_act_clear(act, dmring_core_succ(c));
	if (c->out.state != DMRING_SESSION_CONNECTING) {
		act->what = DMRING_ACT_CLOSE;
		return;
	}
	dmring_session_enter(&c->out, DMRING_SESSION_GREETING, now);
	act->what = DMRING_ACT_HELLO;
}

static void link_late(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		      struct dmring_act *act)
{
	const struct dmring_session *s = dmring_link(c, dir);

	if (s->state == DMRING_SESSION_STREAM)
		act->err = dmring_why(act->why, -ETIMEDOUT, "heard nothing of host %u for %u ms",
				      act->node, c->cfg.dead_ms);
	else
		act->err = dmring_why(act->why, -ETIMEDOUT, "host %u does not answer", act->node);
	link_down(c, dir, now, rnd, DMRING_AWAY_SILENT, act);
}

void dmring_core_tick(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		      struct dmring_act *act)
{
	struct dmring_session *s = dmring_link(c, dir);

	dmring_act_clear(act, dmring_neighbour(c, dir));
	if (dmring_session_late(s, now)) {
		link_late(c, dir, now, rnd, act);
	} else if (s->state == DMRING_SESSION_WAIT && now >= s->retry_at) {
		dmring_session_enter(s, DMRING_SESSION_CONNECTING, now);
		act->what = DMRING_ACT_CONNECT;
	}
}

u64 dmring_core_deadline_full(const struct dmring_core *c, bool out_full, bool in_full)
{
	if (c->beat_now && !out_full && c->out.state == DMRING_SESSION_STREAM)
		return 0;
	return min(dmring_session_deadline(&c->in, in_full),
		   dmring_session_deadline(&c->out, out_full));
}

u64 dmring_core_deadline(const struct dmring_core *c)
{
	return dmring_core_deadline_full(c, false, false);
}
