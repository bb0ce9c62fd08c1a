/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ring instances, for those who make and end them. Netlink's part is in group.h.
 */
#ifndef _DMRING_RING_H
#define _DMRING_RING_H

#include "group.h"

extern const struct dmring_group_ops *dmring_ring_ops;

/*
 * The ring is off its namespace's list: throw its members out, stop its thread
 * and give up the list's reference. May sleep.
 */
void dmring_ring_end(struct dmring_ring *ring, u8 reason);

/* All rings have ended: wait until the last one is freed, which waits for its zaps. */
void dmring_rings_wait(void);

/* Bytes of memory a ring takes, members not counted. */
size_t dmring_ring_bytes(const struct dmring_ring *ring);

#endif /* _DMRING_RING_H */
