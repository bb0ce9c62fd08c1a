/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room in the log. All with ring->lock held.
 */
#ifndef _DMRING_ROOM_H
#define _DMRING_ROOM_H

#include "group.h"

/* Read the cursors that matter and free what they allow. */
void dmring_room_free(struct dmring_ring *ring);

/*
 * Room for a message of @len bytes, made by freeing or by the policy for slow readers:
 * 0, -EMSGSIZE never, -EAGAIN not now. Sets *@kick when the link has that to tell.
 */
int dmring_room_make(struct dmring_ring *ring, u32 len, bool *kick);

/* Tell senders how far their messages are stable; false: it is not finished. */
bool dmring_room_tell_stable(struct dmring_ring *ring);

#endif /* _DMRING_ROOM_H */
