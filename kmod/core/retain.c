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

void dmring_retain_set_view(struct dmring_retain *r, const struct dmring_view *v)
{
	memset(r->origin, 0, sizeof(r->origin));
	r->succ = v->succ;
	r->self = v->self;
	dmring_order_set_view(&r->order);
}

static const struct dmring_entry *entry(const struct dmring_retain *r, u64 no)
{
	return &r->table[no & r->mask];
}

/* The low half is enough: a log never holds 2^32 records of one origin. */
static u64 full_seq(const struct dmring_retain *r, const struct dmring_entry *e)
{
	u64 have = r->origin[e->origin].have_seq;

	return have - (u32)((u32)have - e->seq);
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
	return r->succ != DMRING_VIEW_NONE && e->origin != DMRING_ORIGIN_EVENT &&
	       e->origin != r->succ;
}

static bool needs_stable(const struct dmring_retain *r, const struct dmring_entry *e)
{
	return r->succ != DMRING_VIEW_NONE && e->origin != DMRING_ORIGIN_EVENT;
}

u64 dmring_retain_add(struct dmring_retain *r, u16 origin, u32 sender, u16 flags, u32 cost)
{
	struct dmring_entry *e = dmring_retain_entry(r, r->next);

	e->seq = 0;
	e->sender = sender;
	e->origin = origin;
	e->flags = flags;
	e->at = r->tail;
	r->tail += cost / DMRING_ALIGN;
	r->used += cost;
	if (origin == DMRING_ORIGIN_EVENT) {
		r->event_used += cost;
	} else {
		r->origin[origin].have_seq++;
		r->origin[origin].have_cost += cost;
		e->seq = (u32)r->origin[origin].have_seq;
	}
	if (!dmring_retain_is_fifo(r))
		dmring_order_add(r, r->next);
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

static bool is_stable(const struct dmring_retain *r, const struct dmring_entry *e)
{
	return !needs_stable(r, e) || full_seq(r, e) <= r->origin[e->origin].stable_seq;
}

/* Delivered, and its order is known everywhere; local events have none. */
static bool is_ordered(const struct dmring_retain *r, const struct dmring_entry *e, u64 no)
{
	if (dmring_retain_is_fifo(r))
		return no < r->order.given;
	if (!(e->flags & DMRING_ENTRY_PLACED))
		return false;
	return !needs_stable(r, e) || dmring_retain_index(r, no) < r->order.held;
}

enum dmring_hold dmring_retain_hold(const struct dmring_retain *r)
{
	const struct dmring_entry *e = entry(r, r->first);

	if (r->first == r->next)
		return DMRING_HOLD_NOTHING;
	if (needs_link(r, e) && r->first >= r->sent)
		return DMRING_HOLD_LINK;
	if (!is_stable(r, e))
		return DMRING_HOLD_STABLE;
	if (!is_ordered(r, e, r->first))
		return DMRING_HOLD_ORDER;
	if (dmring_retain_index(r, r->first) >= r->read)
		return DMRING_HOLD_READER;
	return DMRING_HOLD_NOTHING;
}

static u32 free_first(struct dmring_retain *r)
{
	const struct dmring_entry *e = entry(r, r->first);
	u32 cost = cost_of(r, r->first);

	if (e->origin == DMRING_ORIGIN_EVENT) {
		r->event_used -= cost;
	} else {
		r->origin[e->origin].freed_seq++;
		r->origin[e->origin].freed_cost += cost;
	}
	r->used -= cost;
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

/* Step back over all that the next host lacks; @seq: where each stream is then. */
static u64 step_back(const struct dmring_retain *r, const u64 *have, u64 *seq)
{
	u64 no = r->sent;

	while (no != r->first) {
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

static int check_claim(const struct dmring_origin *o, u64 have, u32 node, char *why)
{
	if (have > o->link_seq)
		return dmring_why(why, -EPROTO,
				  "it claims message %llu of host %u, which was never sent to it",
				  have, node);
	if (have < o->freed_seq)
		return dmring_why(why, -EPROTO,
				  "it lacks message %llu of host %u, which it once had",
				  have + 1, node);
	return 0;
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
