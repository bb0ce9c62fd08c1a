// SPDX-License-Identifier: GPL-2.0-only
#include "ack.h"

/*
 * To the origin itself the mark is the acknowledgment: we hold all up to
 * here, and so does every host between. To all others the origin's own
 * knowledge is passed on. What is released is the least of all on the way.
 */
void dmring_ack_out(const struct dmring_ack *a, const struct dmring_view *v,
		    const struct dmring_retain *r, const struct dmring_window *w,
		    u16 o, struct dmring_mark *m)
{
	const struct dmring_origin *here = &r->origin[o];

	m->node = v->node[o];
	if (o == v->self) {
		m->stable = here->stable_seq;
		m->released = here->freed_cost;
		m->want = w->want;
		return;
	}
	m->stable = o == v->succ ? here->have_seq : a->up[o].stable;
	m->released = min(a->up[o].released, here->freed_cost);
	m->want = a->up[o].want;
}

/* To the sequencer it is the acknowledgment, to all others its own knowledge passed on. */
static u64 ordered_out(const struct dmring_view *v, const struct dmring_retain *r)
{
	return v->succ == r->order.sequencer ? r->order.have : r->order.stable;
}

static bool grew(const struct dmring_mark *m, const struct dmring_mark *last)
{
	return m->stable > last->stable || m->released > last->released ||
	       m->want > last->want;
}

bool dmring_ack_pending(const struct dmring_ack *a, const struct dmring_view *v,
			const struct dmring_retain *r, const struct dmring_window *w)
{
	struct dmring_mark m;
	u16 o;

	if (ordered_out(v, r) > a->down_ordered)
		return true;
	for (o = 0; o < v->count; o++) {
		dmring_ack_out(a, v, r, w, o, &m);
		if (grew(&m, &a->down[o]))
			return true;
	}
	return false;
}

u32 dmring_ack_encode(struct dmring_ack *a, const struct dmring_view *v,
		      const struct dmring_retain *r, const struct dmring_window *w, u8 *buf)
{
	u64 ordered = ordered_out(v, r);
	struct dmring_mark m;
	u16 o, n = 0;

	for (o = 0; o < v->count; o++) {
		dmring_ack_out(a, v, r, w, o, &m);
		if (!grew(&m, &a->down[o]))
			continue;
		a->down[o] = m;
		dmring_wire_put_mark(buf, n++, &m);
	}
	if (!n && ordered <= a->down_ordered)
		return 0;
	a->down_ordered = ordered;
	dmring_wire_put_marks(buf, ordered, n);
	return DMRING_WIRE_MARKS + n * DMRING_WIRE_MARK;
}

void dmring_ack_restart(struct dmring_ack *a)
{
	memset(a->down, 0, sizeof(a->down));
	a->down_ordered = 0;
}

/* What a correct predecessor cannot say */
static bool beyond(const struct dmring_view *v, const struct dmring_retain *r,
		   const struct dmring_mark *m, u16 o, u32 window)
{
	const struct dmring_origin *here = &r->origin[o];

	if (o == v->self)
		return m->stable > here->link_seq || m->released > here->freed_cost;
	return m->stable > here->have_seq || m->released > here->have_cost ||
	       m->want > here->have_cost + window;
}

int dmring_ack_check_ordered(const struct dmring_retain *r, u64 ordered, char *why)
{
	const struct dmring_ordering *o = &r->order;

	/* what all know the next host has from us, unless it is the sequencer */
	if (ordered > (r->succ == o->sequencer ? o->have : o->link))
		return dmring_why(why, -EPROTO, "a mark is ahead of the order");
	return 0;
}

int dmring_ack_check(const struct dmring_view *v, const struct dmring_retain *r,
		     const struct dmring_mark *m, u32 window, char *why)
{
	u16 o = dmring_view_index(v, m->node);

	if (o == DMRING_VIEW_NONE)
		return dmring_why(why, -EPROTO, "a mark for host %u, which is not on the ring",
				  m->node);
	if (beyond(v, r, m, o, window))
		return dmring_why(why, -EPROTO, "a mark for host %u is ahead of its messages",
				  m->node);
	return 0;
}

void dmring_ack_apply(struct dmring_ack *a, const struct dmring_view *v,
		      struct dmring_retain *r, struct dmring_window *w,
		      const struct dmring_mark *m)
{
	u16 o = dmring_view_index(v, m->node);

	r->origin[o].stable_seq = max(r->origin[o].stable_seq, m->stable);
	if (o == v->self) {
		w->released = max(w->released, m->released);
		return;
	}
	a->up[o].stable = max(a->up[o].stable, m->stable);
	a->up[o].released = max(a->up[o].released, m->released);
	a->up[o].want = max(a->up[o].want, m->want);
}
