// SPDX-License-Identifier: GPL-2.0-only
#include "calls.h"

#define PLACE_MASK	((u64)DMRING_CALLS_TABLE - 1)

void dmring_calls_init(struct dmring_calls *t, struct dmring_call *table)
{
	memset(t, 0, sizeof(*t));
	t->table = table;
	t->next_deadline = ~0ULL;
}

static struct dmring_call *at(const struct dmring_calls *t, u32 link)
{
	return link ? &t->table[link - 1] : NULL;
}

static u32 link_of(const struct dmring_calls *t, const struct dmring_call *c)
{
	return c - t->table + 1;
}

static u32 take_place(struct dmring_calls *t)
{
	u32 link = t->free;

	if (link) {
		t->free = at(t, link)->next[0];
		return link;
	}
	return t->fresh == DMRING_CALLS_TABLE ? 0 : ++t->fresh;
}

struct dmring_call *dmring_calls_add(struct dmring_calls *t, u64 rnd)
{
	u32 link = take_place(t);
	struct dmring_call *c = at(t, link);

	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	/* never 0, whatever chance says */
	c->no = (rnd | (1ULL << 63)) & ~PLACE_MASK;
	c->no |= link - 1;
	c->state = DMRING_CALL_OPEN;
	t->used++;
	return c;
}

void dmring_calls_del(struct dmring_calls *t, struct dmring_call *c)
{
	c->no = 0;
	c->state = DMRING_CALL_FREE;
	c->next[0] = t->free;
	t->free = link_of(t, c);
	t->used--;
}

struct dmring_call *dmring_calls_find(const struct dmring_calls *t, u64 no)
{
	u32 place = no & PLACE_MASK;

	/* a free one has number 0, which is nobody's */
	if (!no || place >= t->fresh || t->table[place].no != no)
		return NULL;
	return &t->table[place];
}

/* A circle: the head's prev is the newest */
void dmring_calls_link(struct dmring_calls *t, struct dmring_call_list *list,
		       struct dmring_call *c, enum dmring_call_side side)
{
	struct dmring_call *first = at(t, list->head);
	u32 link = link_of(t, c);

	c->next[side] = 0;
	if (first) {
		c->prev[side] = first->prev[side];
		at(t, first->prev[side])->next[side] = link;
		first->prev[side] = link;
	} else {
		c->prev[side] = link;
		list->head = link;
	}
	list->count++;
}

void dmring_calls_unlink(struct dmring_calls *t, struct dmring_call_list *list,
			 struct dmring_call *c, enum dmring_call_side side)
{
	struct dmring_call *next = at(t, c->next[side]);
	struct dmring_call *first = at(t, list->head);

	if (c == first)
		list->head = c->next[side];
	else
		at(t, c->prev[side])->next[side] = c->next[side];
	if (next)
		next->prev[side] = c->prev[side];
	else if (c != first)
		first->prev[side] = c->prev[side];
	list->count--;
}

struct dmring_call *dmring_calls_first(const struct dmring_calls *t,
				       const struct dmring_call_list *list)
{
	return at(t, list->head);
}

struct dmring_call *dmring_calls_next(const struct dmring_calls *t, const struct dmring_call *c,
				      enum dmring_call_side side)
{
	return at(t, c->next[side]);
}

bool dmring_calls_set_deadline(struct dmring_calls *t, struct dmring_call *c, u64 deadline)
{
	c->deadline = deadline;
	if (!deadline || deadline >= t->next_deadline)
		return false;
	t->next_deadline = deadline;
	return true;
}

struct dmring_call *dmring_calls_expired(struct dmring_calls *t, u64 now, u32 *at)
{
	if (!*at)
		t->next_deadline = ~0ULL;
	for (; *at < t->fresh; ++*at) {
		struct dmring_call *c = &t->table[*at];

		if (c->state != DMRING_CALL_OPEN || !c->deadline)
			continue;
		if (c->deadline <= now) {
			++*at;
			return c;
		}
		t->next_deadline = min(t->next_deadline, c->deadline);
	}
	return NULL;
}
