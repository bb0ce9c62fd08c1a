/* SPDX-License-Identifier: GPL-2.0-only */
/* Events and parcels of the kernel's own. ring->lock held, no record half copied. */
#ifndef _DMRING_NEWS_H
#define _DMRING_NEWS_H

#include "room.h"

/* Put what is due into the log, as far as there is room. */
void dmring_news_put(struct dmring_ring *ring, struct dmring_one_hold *hold);

/* All that @m had accepted is in the log: now it can be told that it has left. */
void dmring_news_left(struct dmring_ring *ring, struct dmring_one_hold *hold,
		      const struct dmring_member *m);

#endif /* _DMRING_NEWS_H */
