// SPDX-License-Identifier: GPL-2.0-only
#include "retain.h"

#define EVENTS	DMRING_HOSTS_MAX	/* the queue of local events */

void dmring_order_init(struct dmring_ordering *o, u8 kind, struct dmring_place *table)
{
	o->kind = kind;
	o->table = table;
}

void dmring_order_set_view(struct dmring_ordering *o, const struct dmring_view *v,
			   u16 sequencer, bool alone)
{
	o->sequencer = sequencer;
	o->alone = alone;
	o->have = v->base;
	o->link = v->base;
	o->stable = v->base;
}

static struct dmring_place *place(const struct dmring_retain *r, u64 n)
{
	return &r->order.table[n & r->mask];
}

/* The record at order position @pos; of these there are never more than records */
static u64 record_at(const struct dmring_retain *r, u64 pos)
{
	return dmring_widen(r->next, place(r, pos)->no);
}

/*
 * Queues
 */

static void push(struct dmring_retain *r, struct dmring_queue *q, u64 no)
{
	if (q->count++)
		place(r, q->tail)->at = (u32)no;
	else
		q->head = (u32)no;
	q->tail = (u32)no;
}

static u32 pop(struct dmring_retain *r, struct dmring_queue *q)
{
	u32 no = q->head;

	q->count--;
	q->head = place(r, no)->at;
	return no;
}

/*
 * From arrival to the index
 */

static void known(struct dmring_retain *r, u32 no)
{
	place(r, r->order.have++)->no = no;
}

void dmring_order_add(struct dmring_retain *r, u64 no)
{
	u16 origin = dmring_retain_entry(r, no)->origin;
	struct dmring_ordering *o = &r->order;

	if (origin == DMRING_ORIGIN_EVENT)
		push(r, &o->queue[EVENTS], no);
	else if (!r->filling && (o->alone || o->sequencer == r->self))
		known(r, (u32)no);
	else
		push(r, &o->queue[origin], no);
}

/* By index of the origin, and then as they were sent */
void dmring_order_close(struct dmring_retain *r, u64 no)
{
	u16 o;

	for (o = 0; o < EVENTS; o++)
		while (r->order.queue[o].count)
			known(r, pop(r, &r->order.queue[o]));
	known(r, (u32)no);
}

u64 dmring_order_deliverable(const struct dmring_ordering *o)
{
	return o->kind == DMRING_ORDER_SAFE && !o->alone ? o->stable : o->have;
}

void dmring_order_drop(struct dmring_retain *r, u64 end, u64 base)
{
	struct dmring_ordering *o = &r->order;
	u64 n = end - o->given, to = base - 1;
	bool up = ((to - end) & r->mask) <= r->mask / 2;
	u64 i;

	for (i = 0; i < EVENTS; i++)
		o->queue[i].count = 0;
	/* what only waits for the pump goes to where the view is; read before it is written to */
	for (i = 0; i < n; i++) {
		u64 back = up ? i + 1 : n - i;

		place(r, to - back)->no = place(r, end - back)->no;
	}
	o->given = to - n;
	o->held_to = o->given;
	o->have = to;
	o->dropped = base - 1;
	r->dropped = r->next;
}

static bool is_parcel(const struct dmring_retain *r, u64 no)
{
	return r->table[no & r->mask].flags & DMRING_ENTRY_PARCEL;
}

/* Of a record that is delivered: where it is in the index, or of a parcel, in the order */
static void give(struct dmring_retain *r, u64 no)
{
	struct dmring_ordering *o = &r->order;

	dmring_retain_entry(r, no)->flags |= DMRING_ENTRY_PLACED;
	place(r, no)->at = (u32)(is_parcel(r, no) ? o->given - 1 : o->index++);
}

u64 dmring_order_index(const struct dmring_retain *r, u64 no)
{
	return dmring_widen(r->order.index, place(r, no)->at);
}

bool dmring_order_is_held(const struct dmring_retain *r, u64 no)
{
	const struct dmring_ordering *o = &r->order;

	/* of a view that has ended nobody asks; positions may have gone back with it */
	if (is_parcel(r, no))
		return no < r->base || dmring_widen(o->given, place(r, no)->at) < o->stable;
	return dmring_order_index(r, no) < o->held;
}

/* All delivered up to order position @end have an order that every host knows. */
static void move_held(struct dmring_retain *r, u64 end)
{
	struct dmring_ordering *o = &r->order;
	u64 pos = end;

	/* back over parcels, which have no place in the index */
	while (pos > o->held_to) {
		u64 no = record_at(r, --pos);

		if (!is_parcel(r, no)) {
			o->held = dmring_order_index(r, no) + 1;
			break;
		}
	}
	o->held_to = end;
}

bool dmring_order_next(struct dmring_retain *r, u64 *no)
{
	struct dmring_ordering *o = &r->order;

	if (o->queue[EVENTS].count) {
		*no = dmring_widen(r->next, pop(r, &o->queue[EVENTS]));
		give(r, *no);
		return true;
	}
	/* who knows the order of a record holds it: under "safe" all do when all know it */
	if (o->given == dmring_order_deliverable(o))
		return false;
	*no = record_at(r, o->given++);
	give(r, *no);
	if (o->given <= o->stable)
		move_held(r, o->given);
	return true;
}

void dmring_order_set_stable(struct dmring_retain *r, u64 stable)
{
	struct dmring_ordering *o = &r->order;

	/* what was held before may have been freed since */
	if (min(stable, o->given) > o->stable)
		move_held(r, min(stable, o->given));
	o->stable = max(o->stable, stable);
}

/*
 * From host to host
 */

/* May it be told of @pos? It holds what the link has carried, and its own. */
static bool may_tell(const struct dmring_retain *r, u64 pos)
{
	return pos < r->order.have && record_at(r, pos) < r->sent;
}

static bool tells(const struct dmring_retain *r)
{
	return dmring_retain_has_order(r) && r->succ != DMRING_VIEW_NONE &&
	       r->succ != r->order.sequencer;
}

bool dmring_order_tell(const struct dmring_retain *r, const struct dmring_view *v,
		       struct dmring_order_frame *f)
{
	struct dmring_order_run *last = NULL;
	u64 pos = r->order.link;
	u32 left = DMRING_ORDER_MESSAGES;

	f->from = pos;
	f->count = 0;
	if (!tells(r))
		return false;
	for (; left && may_tell(r, pos); pos++, left--) {
		u32 node = v->node[r->table[record_at(r, pos) & r->mask].origin];

		if (last && last->node == node) {
			last->count++;
			continue;
		}
		if (f->count == DMRING_ORDER_RUNS)
			break;
		last = &f->run[f->count++];
		last->node = node;
		last->count = 1;
	}
	return f->count;
}

void dmring_order_sent(struct dmring_retain *r, const struct dmring_order_frame *f)
{
	u16 i;

	for (i = 0; i < f->count; i++)
		r->order.link += f->run[i].count;
}

/* How many of a run that begins at @pos are news to who knows up to @have */
static u32 fresh(u64 have, const struct dmring_order_run *run, u64 pos)
{
	u64 end = pos + run->count;

	return end <= have ? 0 : min_t(u64, run->count, end - have);
}

/* 0, and in @origins whose runs they are */
static int check_runs(const struct dmring_retain *r, const struct dmring_view *v,
		      const struct dmring_order_frame *f, u16 *origins, char *why)
{
	u32 left[DMRING_HOSTS_MAX];
	u64 pos = f->from;
	u16 i;

	for (i = 0; i < v->count; i++)
		left[i] = r->order.queue[i].count;
	for (i = 0; i < f->count; i++) {
		const struct dmring_order_run *run = &f->run[i];
		u16 o = dmring_view_index(v, run->node);
		u32 n = fresh(r->order.have, run, pos);

		if (o == DMRING_VIEW_NONE)
			return dmring_why(why, -EPROTO,
					  "an order of messages of host %u, which is not on the ring",
					  run->node);
		if (n > left[o])
			return dmring_why(why, -EPROTO,
					  "an order of %u messages of host %u, of which %u wait for one",
					  n, run->node, left[o]);
		left[o] -= n;
		pos += run->count;
		origins[i] = o;
	}
	return 0;
}

int dmring_order_take(struct dmring_retain *r, const struct dmring_view *v,
		      const struct dmring_order_frame *f, char *why)
{
	u16 origins[DMRING_ORDER_RUNS];
	u64 pos = f->from;
	u16 i;

	if (r->order.sequencer == r->self)
		return dmring_why(why, -EPROTO, "it tells the sequencer of an order");
	if (pos > r->order.have)
		return dmring_why(why, -EPROTO, "an order from position %llu where %llu was due",
				  pos, r->order.have);
	if (check_runs(r, v, f, origins, why))
		return -EPROTO;
	for (i = 0; i < f->count; i++) {
		u32 n = fresh(r->order.have, &f->run[i], pos);

		while (n--)
			known(r, pop(r, &r->order.queue[origins[i]]));
		pos += f->run[i].count;
	}
	return 0;
}

int dmring_order_check_resume(const struct dmring_retain *r, u64 have, char *why)
{
	const struct dmring_ordering *o = &r->order;

	if (!tells(r))
		return 0;
	if (have > o->link)
		return dmring_why(why, -EPROTO,
				  "it claims to know the order up to %llu, and was told up to %llu",
				  have, o->link);
	if (have < o->stable)
		return dmring_why(why, -EPROTO,
				  "it has forgotten the order from %llu on, which it once knew",
				  have);
	return 0;
}

void dmring_order_resume(struct dmring_retain *r, u64 have)
{
	if (tells(r))
		r->order.link = have;
}
