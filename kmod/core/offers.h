/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * offers: who serves what on the other hosts of the ring, as these have announced it. An
 * announcement replaces the one before for the same name, and one without
 * members removes it; what a host announced goes with the host.
 *
 * A table of fixed size, the caller's memory. Everything here is protected by the ring
 * lock.
 */
#ifndef _DMRING_CORE_OFFERS_H
#define _DMRING_CORE_OFFERS_H

#include "types.h"

#define DMRING_OFFERS_TABLE	2048	/* of all hosts together */

/* members == 0: free */
struct dmring_host_offer {
	char name[DMRING_NAME_SIZE];
	u32 node;
	u32 members;	/* who serve it there */
	u32 busy;	/* requests in their hands, when it was announced */
};

/**
 * struct dmring_offers - the table
 * @table: the caller's memory, DMRING_OFFERS_TABLE of them
 * @fresh: from here on all are free
 * @turn: where the next choice begins
 * @lost: announcements for which there was no place
 */
struct dmring_offers {
	struct dmring_host_offer *table;
	u32 fresh;
	u32 turn;
	u64 lost;
};

void dmring_offers_init(struct dmring_offers *o, struct dmring_host_offer *table);
/* How many names host @node may still announce, @name being one of them or new */
bool dmring_offers_may(const struct dmring_offers *o, u32 node, const char *name);
void dmring_offers_set(struct dmring_offers *o, u32 node, const char *name, u32 members,
		       u32 busy);
/* Who serve @name, in turn: the next one; NULL: no more. The caller begins with *@step 0. */
struct dmring_host_offer *dmring_offers_next(const struct dmring_offers *o, const char *name,
					     u32 *step);
/* That one was chosen: the next choice begins behind it. */
void dmring_offers_took(struct dmring_offers *o, const struct dmring_host_offer *h);

#endif /* _DMRING_CORE_OFFERS_H */
