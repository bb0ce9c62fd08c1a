// SPDX-License-Identifier: GPL-2.0-only
#include "retain.h"

void dmring_retain_init(struct dmring_retain *r, struct dmring_entry *table, u32 slots,
			u64 tail)
{
	memset(r, 0, sizeof(*r));
	r->table = table;
	r->mask = slots - 1;
	r->tail = (u32)(tail / DMRING_ALIGN);
	r->succ = DMRING_VIEW_NONE;
}

/* Nothing is left of the past: what is reckoned with in its place is free. */
static void release_past(struct dmring_retain *r)
{
	u16 o;

	for (o = 0; o < DMRING_HOSTS_MAX; o++)
		r->origin[o].freed_cost += r->base_cost;
}

void dmring_retain_set_view(struct dmring_retain *r, const struct dmring_view *v)
{
	u16 o;

	memset(r->origin, 0, sizeof(r->origin));
	r->base_cost = v->number == DMRING_VIEW_STATIC ? 0 : DMRING_COST_BASE;
	for (o = 0; o < v->count; o++)
		r->origin[o].have_cost = r->base_cost;
	r->succ = v->succ;
	r->self = v->self;
	r->filling = false;
	r->base = r->next;
	r->sent = r->next;
	r->past = r->used - r->event_used;
	if (!r->past)
		release_past(r);
}

static const struct dmring_entry *entry(const struct dmring_retain *r, u64 no)
{
	return &r->table[no & r->mask];
}

/* The low half is enough: a log never holds 2^32 records of one origin. */
static u64 full_seq(const struct dmring_retain *r, const struct dmring_entry *e)
{
	return dmring_widen(r->origin[e->origin].have_seq, e->seq);
}

u64 dmring_retain_seq(const struct dmring_retain *r, u64 no)
{
	return full_seq(r, entry(r, no));
}

/* Records lie one behind the other. */
static u32 cost_of(const struct dmring_retain *r, u64 no)
{
	u32 end = no + 1 == r->next ? r->tail : entry(r, no + 1)->at;

	return (end - entry(r, no)->at) * DMRING_ALIGN;
}

static bool needs_link(const struct dmring_retain *r, const struct dmring_entry *e)
{
	if (r->succ == DMRING_VIEW_NONE || e->origin == DMRING_ORIGIN_EVENT)
		return false;
	return r->filling ? full_seq(r, e) > r->origin[e->origin].link_seq :
			    e->origin != r->succ;
}

static bool needs_stable(const struct dmring_retain *r, const struct dmring_entry *e)
{
	return !r->order.alone && e->origin != DMRING_ORIGIN_EVENT;
}

/* Put a record into the table; what it means for its origin and the order is the caller's. */
static struct dmring_entry *append(struct dmring_retain *r, u16 origin, u32 sender, u16 flags,
				   u32 cost)
{
	struct dmring_entry *e = dmring_retain_entry(r, r->next);

	e->seq = 0;
	e->sender = sender;
	e->origin = origin;
	e->flags = flags;
	e->at = r->tail;
	r->tail += cost / DMRING_ALIGN;
	r->used += cost;
	if (origin == DMRING_ORIGIN_EVENT)
		r->event_used += cost;
	return e;
}

u64 dmring_retain_add(struct dmring_retain *r, u16 origin, u32 sender, u16 flags, u32 cost)
{
	struct dmring_entry *e = append(r, origin, sender, flags, cost);

	if (origin != DMRING_ORIGIN_EVENT) {
		struct dmring_origin *o = &r->origin[origin];

		o->have_seq++;
		o->have_cost += cost;
		e->seq = (u32)o->have_seq;
		/* nobody else has to hold it */
		if (r->order.alone)
			o->stable_seq = o->have_seq;
	}
	if (!dmring_retain_is_fifo(r))
		dmring_order_add(r, r->next);
	return r->next++;
}

u64 dmring_retain_close(struct dmring_retain *r, u32 cost)
{
	append(r, DMRING_ORIGIN_EVENT, 0, DMRING_ENTRY_VIEW, cost);
	if (!dmring_retain_is_fifo(r))
		dmring_order_close(r, r->next);
	return r->next++;
}

enum dmring_accept dmring_retain_accept(struct dmring_retain *r, u16 origin, u64 seq,
					u32 cost, u32 window, char *why)
{
	const struct dmring_origin *o = &r->origin[origin];

	if (origin == r->self) {
		dmring_why(why, -EPROTO, "our own message came back to us");
		return DMRING_ACCEPT_BREACH;
	}
	if (seq <= o->have_seq) {
		r->duplicates++;
		return DMRING_ACCEPT_DUPLICATE;
	}
	if (seq != o->have_seq + 1) {
		dmring_why(why, -EPROTO, "message %llu came where %llu was due",
			   seq, o->have_seq + 1);
		return DMRING_ACCEPT_BREACH;
	}
	if (o->have_cost + cost - o->freed_cost > window || r->next - r->first > r->mask) {
		dmring_why(why, -EPROTO, "message %llu exceeds its origin's window", seq);
		return DMRING_ACCEPT_BREACH;
	}
	return DMRING_ACCEPT_NEW;
}

static bool is_stable(const struct dmring_retain *r, const struct dmring_entry *e, u64 no)
{
	return no < r->base || !needs_stable(r, e) ||
	       full_seq(r, e) <= r->origin[e->origin].stable_seq;
}

/* Delivered, and its order is known everywhere; local events have none. */
static bool is_ordered(const struct dmring_retain *r, const struct dmring_entry *e, u64 no)
{
	if (dmring_retain_is_fifo(r))
		return dmring_retain_delivered(r, no);
	if (!(e->flags & DMRING_ENTRY_PLACED))
		return false;
	return !needs_stable(r, e) || dmring_order_is_held(r, no);
}

/* Has it been read by all? Nobody reads a parcel. */
static bool is_read(const struct dmring_retain *r, const struct dmring_entry *e, u64 no)
{
	if (e->flags & DMRING_ENTRY_PARCEL)
		return true;
	return (dmring_retain_is_fifo(r) ? r->first_index : dmring_order_index(r, no)) < r->read;
}

/* The record of a view has a position like any message; other local events wait apart. */
static bool has_position(const struct dmring_entry *e)
{
	return e->origin != DMRING_ORIGIN_EVENT || e->flags & DMRING_ENTRY_VIEW;
}

static bool is_dropped(const struct dmring_retain *r, const struct dmring_entry *e, u64 no)
{
	return no < r->dropped && has_position(e) && !(e->flags & DMRING_ENTRY_PLACED) &&
	       r->order.given >= r->order.dropped;
}

enum dmring_hold dmring_retain_hold(const struct dmring_retain *r)
{
	const struct dmring_entry *e = entry(r, r->first);

	if (r->first == r->next || is_dropped(r, e, r->first))
		return DMRING_HOLD_NOTHING;
	if (r->first >= r->sent && needs_link(r, e))
		return DMRING_HOLD_LINK;
	if (!is_stable(r, e, r->first))
		return DMRING_HOLD_STABLE;
	if (!is_ordered(r, e, r->first))
		return DMRING_HOLD_ORDER;
	if (!is_read(r, e, r->first))
		return DMRING_HOLD_READER;
	return DMRING_HOLD_NOTHING;
}

static u32 free_first(struct dmring_retain *r)
{
	const struct dmring_entry *e = entry(r, r->first);
	u32 cost = cost_of(r, r->first);

	if (e->origin == DMRING_ORIGIN_EVENT) {
		r->event_used -= cost;
	} else if (r->first < r->base) {
		r->past -= cost;
		if (!r->past)
			release_past(r);
	} else {
		r->origin[e->origin].freed_seq++;
		r->origin[e->origin].freed_cost += cost;
	}
	r->used -= cost;
	r->first_index += !(e->flags & DMRING_ENTRY_PARCEL);
	r->first++;
	r->sent = max(r->sent, r->first);
	return cost;
}

u64 dmring_retain_advance(struct dmring_retain *r, u32 budget)
{
	u64 freed = 0;

	while (budget-- && r->first != r->next && dmring_retain_hold(r) == DMRING_HOLD_NOTHING)
		freed += free_first(r);
	return freed;
}

bool dmring_retain_next(struct dmring_retain *r, u64 *no)
{
	if (r->succ == DMRING_VIEW_NONE)
		return false;
	while (r->sent != r->next && !needs_link(r, entry(r, r->sent)))
		r->sent++;
	*no = r->sent;
	return r->sent != r->next;
}

void dmring_retain_sent(struct dmring_retain *r, u64 no)
{
	r->origin[entry(r, no)->origin].link_seq = dmring_retain_seq(r, no);
	r->sent = no + 1;
}

/* The oldest record of this view that is kept */
static u64 first_here(const struct dmring_retain *r)
{
	return max(r->first, r->base);
}

/* Step back over all that the next host lacks; @seq: where each stream is then. */
static u64 step_back(const struct dmring_retain *r, const u64 *have, u64 *seq)
{
	u64 no = r->sent;

	while (no != first_here(r)) {
		const struct dmring_entry *e = entry(r, no - 1);

		if (needs_link(r, e)) {
			if (full_seq(r, e) <= have[e->origin])
				break;
			seq[e->origin] = full_seq(r, e) - 1;
		}
		no--;
	}
	return no;
}

static int lacks_freed(u64 have, u32 node, char *why)
{
	return dmring_why(why, -EPROTO, "it lacks message %llu of host %u, which it once had",
			  have + 1, node);
}

static int check_claim(const struct dmring_origin *o, u64 have, u32 node, char *why)
{
	if (have > o->link_seq)
		return dmring_why(why, -EPROTO,
				  "it claims message %llu of host %u, which was never sent to it",
				  have, node);
	/* what is stable it has said that it holds: so the way back is short */
	return have < max(o->freed_seq, o->stable_seq) ? lacks_freed(have, node, why) : 0;
}

/*
 * Of the next host's own stream nothing is checked: it never comes by this
 * link, and may have overtaken the greeting on its way round the ring.
 */
int dmring_retain_resume(struct dmring_retain *r, const struct dmring_view *v,
			 const u64 *have, char *why)
{
	u64 seq[DMRING_HOSTS_MAX];
	u64 no;
	u16 o;

	for (o = 0; o < v->count; o++) {
		seq[o] = r->origin[o].link_seq;
		if (o != r->succ && check_claim(&r->origin[o], have[o], v->node[o], why))
			return -EPROTO;
	}
	no = step_back(r, have, seq);
	for (o = 0; o < v->count; o++)
		if (o != r->succ && seq[o] != have[o])
			return dmring_why(why, -EPROTO,
					  "what it holds of host %u is not what was sent first",
					  v->node[o]);
	for (o = 0; o < v->count; o++)
		r->origin[o].link_seq = seq[o];
	r->sent = no;
	return 0;
}

void dmring_retain_fill(struct dmring_retain *r, u16 succ)
{
	r->filling = true;
	r->succ = succ;
}

/* Step back over all that it lacks: as far as it was under way, not over the whole log. */
static u64 fill_from(const struct dmring_retain *r, u16 count, const u64 *have)
{
	u64 lacks = 0, no = r->next;
	u16 o;

	for (o = 0; o < count; o++)
		lacks += r->origin[o].have_seq - min(have[o], r->origin[o].have_seq);
	while (lacks && no != first_here(r)) {
		const struct dmring_entry *e = entry(r, --no);

		lacks -= e->origin != DMRING_ORIGIN_EVENT && full_seq(r, e) > have[e->origin];
	}
	return no;
}

int dmring_retain_resume_fill(struct dmring_retain *r, const struct dmring_view_record *rec,
			      const u64 *have, char *why)
{
	u16 o;

	for (o = 0; o < rec->cuts; o++) {
		if (have[o] > rec->cut[o].seq)
			return dmring_why(why, -EPROTO,
					  "it claims message %llu of host %u, which is cut off at %llu",
					  have[o], rec->cut[o].node, rec->cut[o].seq);
		/* what is stable it holds, as all who stay do: so the way back is short */
		if (have[o] < max(r->origin[o].freed_seq, r->origin[o].stable_seq))
			return lacks_freed(have[o], rec->cut[o].node, why);
	}
	for (o = 0; o < rec->cuts; o++)
		r->origin[o].link_seq = have[o];
	r->sent = fill_from(r, rec->cuts, have);
	return 0;
}
