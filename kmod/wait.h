/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sleeping members and waking them.
 */
#ifndef _DMRING_WAIT_H
#define _DMRING_WAIT_H

#include <linux/poll.h>

#include "group.h"

/* Has the input space @room bytes (at most its size)? With m->lock held it only grows. */
bool dmring_has_room(const struct dmring_member *m, u32 room);

/* poll(2), after poll_wait() on the member's queue */
__poll_t dmring_poll(struct dmring_member *m);

/*
 * Wait for any of @events. @room: input space wanted (bytes) for EPOLLOUT.
 * @timeout: relative, in ns; negative for ever. Runs the pump before it sleeps. 0,
 * -ETIMEDOUT, -EINTR, -ENOTCONN.
 */
int dmring_wait(struct dmring_member *m, __poll_t events, u32 room, s64 timeout, bool spin);

/* Wake the members for whom there is something, at most @max; the thread wakes the rest. */
void dmring_wake(struct dmring_ring *ring, u32 max);

#endif /* _DMRING_WAIT_H */
