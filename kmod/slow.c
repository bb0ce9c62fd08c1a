// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slow readers: finding who is to blame, and the ring's policy.
 *
 * Only a reader whose cursor is the last hold of the oldest record is blamed,
 * never for a link or for stability: dmring_core_slow() says so. It is asked to
 * ring the doorbell when it has read a part of what it holds (kick_at), so
 * that readers who make no system calls free senders at once; the thread's
 * poll is the net for readers who do not follow the protocol.
 *
 * Evicting: when the ring is found full, a target is set, the middle of what the
 * slowest reader has not read. If the limit passes, a message still waits
 * and readers are still below the target, they all go at once: so any number
 * of stopped readers stop the ring no longer than the limit, and a reader at work
 * is only blamed if it takes longer than the limit for half a log.
 *
 * Locking: ring->lock.
 */
#include <linux/ktime.h>

#include "member.h"
#include "room.h"
#include "slow.h"
#include "thread.h"

bool dmring_slow_ask(struct dmring_ring *ring)
{
	struct dmring_member *m = ring->slowest;
	u64 left = m ? ring->log.published - m->cursor : 0;

	return left && dmring_member_ask(m, m->cursor + max(left / 4, 1ULL));
}

static void skip_to(struct dmring_ring *ring, struct dmring_member *m, u64 target)
{
	u64 skip = target - m->cursor;

	m->cursor = target;
	m->dropped += skip;
	ring->stats.dropped += skip;
	WRITE_ONCE(m->slot.kern->dropped, m->dropped);
	WRITE_ONCE(m->slot.kern->log_base, target);
}

#define EVICT_AT_ONCE	(DMRING_EVENTS_MAX / 2)
#define LOOK_COST	16		/* bytes; as long as a look at a reader takes */

/* Skip a quarter of what the slowest have not read: all that stand at the last record */
static void drop(struct dmring_ring *ring)
{
	u64 from = ring->slowest->cursor;
	u64 target = from + max((ring->log.published - from) / 4, 1ULL);
	struct dmring_member *m;

	list_for_each_entry(m, &ring->reading, read_node) {
		ring->out_bytes += LOOK_COST;
		if (dmring_member_cursor(m) == from)
			skip_to(ring, m, target);
	}
	/* log_base before what is overwritten; pairs with the reader's check on release */
	smp_wmb();
}

bool dmring_slow_full(struct dmring_ring *ring)
{
	struct dmring_member *m = ring->slowest;

	if (!dmring_core_slow(&ring->core) || !m || m->cursor >= ring->log.published)
		return false;
	if (ring->slow != DMRING_SLOW_DROP)
		return dmring_slow_ask(ring);
	drop(ring);
	ring->slowest = NULL;
	return true;
}

void dmring_slow_watch(struct dmring_ring *ring, enum dmring_runner who)
{
	if (who == DMRING_BY_MEMBER && !READ_ONCE(ring->watched))
		dmring_thread_kick(ring, DMRING_WORK_PUMP);
}

bool dmring_slow_evict_below(struct dmring_ring *ring, u64 target)
{
	struct dmring_member *m, *next;
	u32 left = EVICT_AT_ONCE;

	list_for_each_entry_safe(m, next, &ring->reading, read_node) {
		if (dmring_member_cursor(m) >= target)
			continue;
		if (!left--)
			return false;
		dmring_member_leave_locked(m, DMRING_REASON_SLOW);
	}
	return true;
}

static void policy(struct dmring_ring *ring, u64 now)
{
	u64 limit = ring->slow_ms * (u64)NSEC_PER_MSEC;
	u64 read;

	if (ring->slow != DMRING_SLOW_EVICT) {
		dmring_slow_full(ring);
		return;
	}
	read = ring->slowest ? ring->slowest->cursor : ring->log.published;
	if (!ring->full_since) {
		ring->full_since = now;
		ring->full_target = read + max((ring->log.published - read) / 2, 1ULL);
	} else if (now - ring->full_since >= limit) {
		if (dmring_slow_evict_below(ring, ring->full_target))
			ring->full_since = 0;
		dmring_room_free(ring);
	}
	dmring_slow_full(ring);
}

bool dmring_slow_poll(struct dmring_ring *ring, u64 now)
{
	bool watch;

	spin_lock(&ring->lock);
	dmring_room_free(ring);
	if (dmring_core_slow(&ring->core))
		policy(ring, now);
	watch = ring->full || dmring_core_slow(&ring->core);
	/* a limit that has begun runs on through moments in which there is room */
	if (!watch && ring->full_since &&
	    now - ring->full_since >= ring->slow_ms * (u64)NSEC_PER_MSEC)
		ring->full_since = 0;
	watch |= !!ring->full_since;
	WRITE_ONCE(ring->watched, watch);
	dmring_ring_unlock(ring);
	return watch;
}
