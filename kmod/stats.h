/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a ring instance. Protected by the ring's lock, but for the link
 * counters, which only the ring's thread writes; readers may see a count that
 * is a moment old, which is all a statistic promises.
 */
#ifndef _DMRING_STATS_H
#define _DMRING_STATS_H

#include <linux/types.h>

struct dmring_stats {
	/* written under the ring's lock */
	u64 messages;
	u64 bytes;
	u64 full;
	u64 dropped;
	u64 left;
	u64 killed;		/* of these */
	u64 evicted;		/* of these */
	u64 rejected;
	u64 events_lost;
	u64 duplicates;
	/* written by whoever wakes, a lost count is acceptable */
	u64 wakes;
	/* written by the ring's thread */
	u64 sent;
	u64 sent_bytes;
	u64 received;
	u64 received_bytes;
	u64 link_ups;
	u64 link_errors;
	u64 refused;
};

#endif /* _DMRING_STATS_H */
