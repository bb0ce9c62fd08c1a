/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens to members that do not keep up.
 */
#ifndef _DMRING_SLOW_H
#define _DMRING_SLOW_H

#include "pump.h"

/*
 * A message found no room and freeing did not help. True if room may have
 * come meanwhile, by policy or because a reader moved: try again. ring->lock held.
 */
bool dmring_slow_full(struct dmring_ring *ring);

/* Have the slowest reader ring when it has read a part; true if it has. ring->lock held. */
bool dmring_slow_ask(struct dmring_ring *ring);

/* The pump stopped for want of room: have the thread watch. No lock held. */
void dmring_slow_watch(struct dmring_ring *ring, enum dmring_runner who);

/*
 * The thread's look at it every DMRING_SLOW_POLL_NS while the ring is full or
 * another host waits for our readers. True if somebody is to be watched further. No
 * lock held.
 */
bool dmring_slow_poll(struct dmring_ring *ring, u64 now);

/*
 * Evict readers that are below index position @target. True when all are gone; else the rest
 * go at the next look, for their events want room. ring->lock held.
 */
bool dmring_slow_evict_below(struct dmring_ring *ring, u64 target);

#define DMRING_SLOW_POLL_NS	(10 * NSEC_PER_MSEC)

#endif /* _DMRING_SLOW_H */
