/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room in the log. All with ring->lock held.
 */
#ifndef _DMRING_ROOM_H
#define _DMRING_ROOM_H

#include "group.h"

#define DMRING_HOLD_BYTES	(64U << 10)	/* copied under one hold of the lock */
#define DMRING_HOLD_MIN		256U		/* what a message or a look counts at least */

/* The state of one hold of the lock by the pump */
struct dmring_one_hold {
	u32 left;		/* bytes it may still copy */
	bool kick;		/* the link has marks to send */
	bool full;		/* a message found no room: no other one is to have what there is */
	struct list_head done;	/* members that left and have nothing more to say */
};

static inline void dmring_hold_spend(struct dmring_one_hold *hold, u64 bytes)
{
	hold->left -= min_t(u64, hold->left, max_t(u64, bytes, DMRING_HOLD_MIN));
}

/* Read the cursors that matter and free what they allow. */
void dmring_room_free(struct dmring_ring *ring);

/*
 * Room for a message of @len bytes, made by freeing or by the policy for slow readers:
 * 0, -EMSGSIZE never, -EAGAIN not now, and then for nobody else in this hold: or small ones
 * would take again and again what a large one waits for.
 */
int dmring_room_make(struct dmring_ring *ring, u32 len, struct dmring_one_hold *hold);

/* Tell senders how far their messages are stable; false: it is not finished. */
bool dmring_room_tell_stable(struct dmring_ring *ring);

#endif /* _DMRING_ROOM_H */
