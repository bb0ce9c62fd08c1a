// SPDX-License-Identifier: GPL-2.0-only
#include "offers.h"

void dmring_offers_init(struct dmring_offers *o, struct dmring_host_offer *table)
{
	memset(o, 0, sizeof(*o));
	o->table = table;
}

static bool same(const char *a, const char *b)
{
	return !memcmp(a, b, DMRING_NAME_SIZE);
}

static struct dmring_host_offer *lookup(const struct dmring_offers *o, u32 node,
					const char *name)
{
	u32 i;

	for (i = 0; i < o->fresh; i++)
		if (o->table[i].members && o->table[i].node == node &&
		    same(o->table[i].name, name))
			return &o->table[i];
	return NULL;
}

bool dmring_offers_may(const struct dmring_offers *o, u32 node, const char *name)
{
	u32 i, count = 0;

	for (i = 0; i < o->fresh; i++)
		count += o->table[i].members && o->table[i].node == node;
	return count < DMRING_OFFERS_MAX || lookup(o, node, name);
}

static struct dmring_host_offer *find_place(struct dmring_offers *o)
{
	u32 i;

	for (i = 0; i < o->fresh; i++)
		if (!o->table[i].members)
			return &o->table[i];
	return o->fresh == DMRING_OFFERS_TABLE ? NULL : &o->table[o->fresh++];
}

void dmring_offers_set(struct dmring_offers *o, u32 node, const char *name, u32 members,
		       u32 busy)
{
	struct dmring_host_offer *h = lookup(o, node, name);

	if (!h && members && dmring_offers_may(o, node, name))
		h = find_place(o);
	if (!h) {
		o->lost += !!members;
		return;
	}
	memcpy(h->name, name, DMRING_NAME_SIZE);
	h->node = node;
	h->members = members;
	h->busy = busy;
}

struct dmring_host_offer *dmring_offers_next(const struct dmring_offers *o, const char *name,
					     u32 *step)
{
	while (*step < o->fresh) {
		struct dmring_host_offer *h = &o->table[(o->turn + (*step)++) % o->fresh];

		if (h->members && same(h->name, name))
			return h;
	}
	return NULL;
}

void dmring_offers_took(struct dmring_offers *o, const struct dmring_host_offer *h)
{
	o->turn = h - o->table + 1;
}
