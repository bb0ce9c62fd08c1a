// SPDX-License-Identifier: GPL-2.0-only
/* Frames that come in on a link. */
#include "core-internal.h"

static int check_frame(const struct dmring_core *c, const struct dmring_session *s,
		       const u8 *buf, struct dmring_frame *f, char *why)
{
	bool ident;
	int err = dmring_wire_frame(buf, f, why);

	if (!err)
		err = dmring_session_legal(s, f->type, why);
	if (err || f->type != DMRING_FRAME_DATA)
		return err;
	ident = f->flags & DMRING_FRAME_IDENT;
	if (ident != c->cfg.identify)
		return dmring_why(why, -EPROTO, ident ? "a message says who sent it" :
				  "a message does not say who sent it");
	if (f->body > dmring_core_max_msg(c))
		return dmring_why(why, -EPROTO, "a message of %u bytes", f->body);
	return 0;
}

int dmring_core_frame(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		      const u8 *buf, struct dmring_frame *f, struct dmring_act *act)
{
	dmring_act_clear(act, dmring_neighbour(c, dir));
	act->err = check_frame(c, dmring_link(c, dir), buf, f, act->why);
	return act->err ? dmring_core_breach(c, dir, now, rnd, act) : 0;
}

static int check_beat(const struct dmring_core *c, const struct dmring_beat *b, char *why)
{
	if (b->chain > c->view.count || !dmring_rec_ok(b->rec) ||
	    !dmring_pow2_between(b->log, DMRING_LOG_MIN, DMRING_LOG_MAX))
		return dmring_why(why, -EPROTO, "a heartbeat makes no sense");
	if (!dmring_window_size(b->log, b->rec, c->view.count))
		return dmring_why(why, -EPROTO,
				  "a log on the ring (%u bytes) leaves less than one largest message (%u bytes)",
				  b->log, b->rec);
	if (!b->final)
		return 0;
	if (b->log > c->cfg.log || b->rec > c->rec ||
	    (c->sizes.final && (b->log != c->sizes.log || b->rec != c->sizes.rec)))
		return dmring_why(why, -EPROTO, "a heartbeat contradicts the sizes of the ring");
	return 0;
}

static int beat_in(struct dmring_core *c, u64 now, const struct dmring_beat *b,
		   struct dmring_act *act)
{
	int err = check_beat(c, b, act->why);

	if (err)
		return err;
	c->heard = *b;
	if (c->in.state == DMRING_SESSION_GREETING) {
		dmring_session_enter(&c->in, DMRING_SESSION_STREAM, now);
		act->what |= c->change.phase == DMRING_PHASE_RUN ? DMRING_ACT_UP : 0;
	}
	dmring_core_see_links(c, act);
	return 0;
}

static int beat_out(const struct dmring_beat *b, char *why)
{
	if (b->chain || b->final || b->log || b->rec)
		return dmring_why(why, -EPROTO, "a heartbeat against the ring carries a chain");
	return 0;
}

static int marks_in(struct dmring_core *c, const u8 *buf, u32 len, struct dmring_act *act)
{
	struct dmring_mark m;
	u64 ordered;
	u16 i, count;
	int err = dmring_wire_get_marks(buf, len, &ordered, &count, act->why);

	if (!err && c->change.phase == DMRING_PHASE_FILL)
		err = dmring_why(act->why, -EPROTO, "marks between two views");
	if (err || c->change.phase != DMRING_PHASE_RUN)
		return err;
	err = dmring_ack_check_ordered(&c->retain, ordered, act->why);

	for (i = 0; i < count && !err; i++) {
		dmring_wire_get_mark(buf, i, &m);
		err = dmring_ack_check(&c->view, &c->retain, &m, c->sizes.window, act->why);
	}
	if (err)
		return err;
	for (i = 0; i < count; i++) {
		dmring_wire_get_mark(buf, i, &m);
		dmring_ack_apply(&c->ack, &c->view, &c->retain, &c->window, &m);
	}
	dmring_order_set_stable(&c->retain, ordered);
	act->what |= DMRING_ACT_PUMP;
	return 0;
}

/* 1 it is of the view that stands, 0 of an older one, or -EPROTO */
static int judge_view(const struct dmring_core *c, u32 view, const char *what, char *why)
{
	if (!c->sizes.final)
		return dmring_why(why, -EPROTO, "%s before the ring was closed", what);
	if (view > c->view.number)
		return dmring_why(why, -EPROTO, "%s of view %u in view %u", what, view,
				  c->view.number);
	return view == c->view.number;
}

/* A fill brings no more of the order than was agreed on */
static int check_order_end(const struct dmring_core *c, const struct dmring_order_frame *f,
			   char *why)
{
	const struct dmring_view_record *rec = &c->change.record;
	u64 end = f->from;
	u16 i;

	if (c->change.phase != DMRING_PHASE_FILL || dmring_core_is_cautious(c, rec))
		return 0;
	for (i = 0; i < f->count; i++)
		end += f->run[i].count;
	if (end <= rec->ordered)
		return 0;
	return dmring_why(why, -EPROTO, "an order up to position %llu, where %llu is the last",
			  end, rec->ordered);
}

static int order_in(struct dmring_core *c, const u8 *buf, u32 len, struct dmring_act *act)
{
	u16 sequencer = c->retain.order.sequencer;
	struct dmring_order_frame f;
	int err = dmring_wire_get_order(buf, len, &f, act->why);

	if (err)
		return err;
	if (!dmring_retain_has_order(&c->retain))
		return dmring_why(act->why, -EPROTO, "an order on a ring of order fifo");
	if (c->change.phase == DMRING_PHASE_PREPARED)
		return 0;
	err = judge_view(c, f.view, "an order", act->why);
	if (err <= 0)
		return err;
	err = check_order_end(c, &f, act->why);
	if (err)
		return err;
	err = dmring_view_check_inc(&c->view, sequencer, f.inc, act->why);
	if (!err)
		err = dmring_order_take(&c->retain, &c->view, &f, act->why);
	if (err)
		return err;
	dmring_view_learn(&c->view, sequencer, f.inc);
	act->what |= DMRING_ACT_PUMP;
	return 0;
}

/* Is it of this view, and of the incarnation we know? Else -errno, or DISCARD. */
static int place_data(const struct dmring_core *c, struct dmring_rx *rx, char *why)
{
	const struct dmring_data *d = &rx->data;
	int ret = judge_view(c, d->view, "a message", why);

	if (ret < 0)
		return ret;
	rx->origin = dmring_view_index(&c->view, d->node);
	if (rx->origin == DMRING_VIEW_NONE)
		return dmring_why(why, -EPROTO, "a message of host %u, which is not on the ring",
				  d->node);
	rx->what = ret ? DMRING_RX_DELIVER : DMRING_RX_DISCARD;
	if (!ret)
		return 0;
	return dmring_view_check_inc(&c->view, rx->origin, d->inc, why);
}

static int data_in(struct dmring_core *c, const u8 *buf, u32 len, struct dmring_rx *rx,
		   struct dmring_act *act)
{
	int err = dmring_wire_get_data(buf, len, &rx->data, act->why);

	/* also of what does not come with it */
	if (!err && rx->data.len > dmring_core_max_msg(c))
		err = dmring_why(act->why, -EPROTO, "a message of %u bytes", rx->data.len);
	if (!err && c->change.phase == DMRING_PHASE_PREPARED) {
		rx->what = DMRING_RX_DISCARD;
		return 0;
	}
	if (!err)
		err = place_data(c, rx, act->why);
	if (err || rx->what == DMRING_RX_DISCARD)
		return err;
	if (c->change.phase == DMRING_PHASE_FILL &&
	    rx->data.seq > c->change.record.cut[rx->origin].seq)
		return dmring_why(act->why, -EPROTO, "message %llu of host %u is beyond the cut",
				  rx->data.seq, rx->data.node);
	rx->cost = dmring_cost(rx->data.len, rx->data.flags);
	switch (dmring_retain_accept(&c->retain, rx->origin, rx->data.seq, rx->cost,
				     c->sizes.window, act->why)) {
	case DMRING_ACCEPT_NEW:
		dmring_view_learn(&c->view, rx->origin, rx->data.inc);
		return 0;
	case DMRING_ACCEPT_DUPLICATE:
		rx->what = DMRING_RX_DISCARD;
		return 0;
	default:
		return -EPROTO;
	}
}

/* The other end turned us away: its sentence is ours. */
static int refuse_in(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		     const u8 *buf, u32 len, struct dmring_act *act)
{
	int err = dmring_wire_get_refuse(buf, len, &act->err, act->why, act->why);

	if (err)
		act->err = err;
	return dmring_core_refused(c, dir, now, rnd, act);
}

static int beat_any(struct dmring_core *c, enum dmring_dir dir, u64 now, const u8 *buf,
		    u32 len, struct dmring_act *act)
{
	struct dmring_beat b;
	int err = dmring_wire_get_beat(buf, len, &b, act->why);

	if (err)
		return err;
	return dir == DMRING_IN ? beat_in(c, now, &b, act) : beat_out(&b, act->why);
}

int dmring_core_head(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		     const struct dmring_frame *f, const u8 *buf,
		     struct dmring_rx *rx, struct dmring_act *act)
{
	dmring_act_clear(act, dmring_neighbour(c, dir));
	rx->what = DMRING_RX_NONE;
	rx->arrives = false;
	switch (f->type) {
	case DMRING_FRAME_HELLO:
		return dmring_core_hello_out(c, now, rnd, buf, f->head, act);
	case DMRING_FRAME_REFUSE:
		return refuse_in(c, dir, now, rnd, buf, f->head, act);
	case DMRING_FRAME_DATA:
		act->err = data_in(c, buf, f->head, rx, act);
		break;
	case DMRING_FRAME_MARKS:
		act->err = marks_in(c, buf, f->head, act);
		break;
	case DMRING_FRAME_ORDER:
		act->err = order_in(c, buf, f->head, act);
		break;
	default:
		act->err = beat_any(c, dir, now, buf, f->head, act);
		break;
	}
	return act->err ? dmring_core_breach(c, dir, now, rnd, act) : 0;
}

/* What a host may tell all others: that a member of its own has left. */
static int check_news(const struct dmring_rx *rx, const struct dmring_ev *ev, char *why)
{
	if (ev->what != DMRING_EV_LEFT || ev->node != rx->data.node)
		return dmring_why(why, -EPROTO, "host %u tells of event %u at host %u",
				  rx->data.node, ev->what, ev->node);
	if (ev->reason == DMRING_REASON_NONE || ev->reason > DMRING_REASON_NETNS ||
	    ev->arg >= DMRING_SLOTS_MAX)
		return dmring_why(why, -EPROTO, "host %u tells of an impossible departure",
				  rx->data.node);
	return 0;
}

int dmring_core_news(struct dmring_core *c, u64 now, u32 rnd, const struct dmring_rx *rx,
		     const u8 *buf, struct dmring_ev *ev, struct dmring_act *act)
{
	dmring_act_clear(act, dmring_neighbour(c, DMRING_IN));
	dmring_wire_get_ev(buf, ev);
	act->err = check_news(rx, ev, act->why);
	return act->err ? dmring_core_breach(c, DMRING_IN, now, rnd, act) : 0;
}

bool dmring_core_may_be_brief(const struct dmring_core *c, u16 origin, u32 dest)
{
	const struct dmring_view *v = &c->view;
	u16 at = dmring_view_index(v, dest);

	if (!dest || at == DMRING_VIEW_NONE)
		return false;
	/* it has been there: on the way from its origin that host comes before this one */
	return (at + v->count - origin) % v->count < (v->self + v->count - origin) % v->count;
}

int dmring_core_parcel(struct dmring_core *c, u64 now, u32 rnd, struct dmring_rx *rx,
		       const u8 *buf, struct dmring_parcel *p, struct dmring_act *act)
{
	dmring_act_clear(act, dmring_neighbour(c, DMRING_IN));
	/* first: of one that is brief nothing behind its header is there to be looked at */
	if (rx->data.brief && !dmring_core_may_be_brief(c, rx->origin, dmring_parcel_dest(buf)))
		act->err = dmring_why(act->why, -EPROTO,
				      "a parcel of host %u comes without what is in it",
				      rx->data.node);
	else
		act->err = dmring_parcel_get(buf, rx->data.len, p, act->why);
	if (!act->err && (p->from != rx->data.node || p->dest == p->from))
		act->err = dmring_why(act->why, -EPROTO,
				      "host %u sends a parcel from host %u to host %u",
				      rx->data.node, p->from, p->dest);
	rx->arrives = !act->err && p->dest == c->cfg.node;
	return act->err ? dmring_core_breach(c, DMRING_IN, now, rnd, act) : 0;
}

int dmring_core_flood(struct dmring_core *c, u64 now, u32 rnd, const struct dmring_rx *rx,
		      struct dmring_act *act)
{
	dmring_act_clear(act, dmring_neighbour(c, DMRING_IN));
	act->err = dmring_why(act->why, -EPROTO, "host %u announces more than %u services",
			      rx->data.node, DMRING_OFFERS_MAX);
	return dmring_core_breach(c, DMRING_IN, now, rnd, act);
}

static u16 entry_kind(const struct dmring_rx *rx)
{
	if (rx->data.type == DMRING_REC_PARCEL)
		return DMRING_ENTRY_PARCEL | (rx->data.brief ? DMRING_ENTRY_BRIEF : 0) |
		       (rx->arrives ? DMRING_ENTRY_ARRIVED : 0);
	return rx->data.type == DMRING_REC_EVENT ? DMRING_ENTRY_EVENT : 0;
}

u64 dmring_core_deliver(struct dmring_core *c, const struct dmring_rx *rx)
{
	return dmring_retain_add(&c->retain, rx->origin, 0,
				 rx->data.flags | entry_kind(rx), rx->cost);
}
