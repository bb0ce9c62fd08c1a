/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pump: moves messages from input spaces to the log.
 */
#ifndef _DMRING_PUMP_H
#define _DMRING_PUMP_H

#include "group.h"

/* Members a sender wakes itself; the thread wakes the rest */
#define DMRING_SENDER_WAKES	2

/* Who runs the pump, and so how long */
enum dmring_runner {
	DMRING_BY_MEMBER,	/* a member's own system call */
	DMRING_BY_THREAD,
};

/*
 * Move what is marked, unless somebody else is at it, and wake readers. Leaves
 * the rest to the thread. Process context; takes ring->lock.
 */
void dmring_pump(struct dmring_ring *ring, enum dmring_runner who);

/*
 * @m leaves, and what it had accepted, and the news of its departure, are moved in the
 * context of the one who leaves: nobody waits for the thread to be scheduled. False if it
 * had left before. Process context; takes ring->lock.
 */
bool dmring_pump_leave(struct dmring_member *m, u8 reason);

/* The doorbell: @m has marked input. 0 or -ENOTCONN. */
int dmring_pump_submit(struct dmring_member *m);

/*
 * A checked record from the link, its payload in @payload (rx->data.len
 * bytes). Thread only; takes ring->lock.
 */
void dmring_pump_deliver(struct dmring_ring *ring, const struct dmring_rx *rx,
			 const u8 *payload);

/*
 * Take ring->lock when no message is half copied, by copying what is left of one. Thread only.
 */
void dmring_pump_lock_whole(struct dmring_ring *ring) __acquires(&ring->lock);

/*
 * The next view is installed; members are told by an event record of @len bytes of @payload,
 * for which there is room. Thread only; ring->lock held, no message half copied.
 */
void dmring_pump_view(struct dmring_ring *ring, const void *payload, u32 len);

#endif /* _DMRING_PUMP_H */
