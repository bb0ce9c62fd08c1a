/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calling the ring's thread: upward flow by wait queue, for all ranks below it.
 */
#ifndef _DMRING_THREAD_H
#define _DMRING_THREAD_H

#include <linux/sched.h>
#include <linux/wait.h>

#include "group.h"

/* Any context. A bit that is set already means that the thread has yet to look. */
static inline void dmring_thread_kick(struct dmring_ring *ring, enum dmring_work what)
{
	/* full barrier; pairs with the thread's xchg of ring->work */
	if (!test_and_set_bit(what, &ring->work))
		wake_up(&ring->thread_wq);
}

/*
 * Every holder of ring->lock but the pump itself lets go of it with this: a
 * sender that meanwhile found the lock taken left its mark and went.
 */
static inline void dmring_ring_unlock(struct dmring_ring *ring)
{
	spin_unlock(&ring->lock);
	/* lock released before the marks are read; pairs with dmring_marks_set() */
	smp_mb();
	if (dmring_marks_any(&ring->marked))
		dmring_thread_kick(ring, DMRING_WORK_PUMP);
}

#endif /* _DMRING_THREAD_H */
