// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleep and wake. A wake is the dearest thing the ring does, so it is done only
 * for members that said they sleep (ring->armed) and only when there is something
 * for them.
 *
 *	sleeper				pump
 *	set its bit in armed		store tail, out_tail, in_head
 *	full barrier (marks_set)	full barrier
 *	look for data			look at armed
 *	none: sleep			wake those for whom there is something
 *
 * One of them sees the other. What is armed is armed by kind (member->armed:
 * something to read, room to write) and told once, so that news of one kind do
 * not use up the wish for the other. A poll arms too, and every harvest of an
 * event by epoll polls again; a send that found no room arms as well. So level- and
 * edge-triggered users need nothing more. A member whose threshold (wake_at)
 * is not reached stays armed.
 *
 * Locking: none; members are found under RCU. wake_at, log_head and in_tail are
 * read from user memory, and used for this decision only: whoever writes nonsense
 * there disturbs its own sleep.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "member.h"
#include "pump.h"
#include "thread.h"
#include "wait.h"

/* About what a sleep and a wake cost; on one CPU spinning only delays the other side */
#define SPIN_NS		(20 * NSEC_PER_USEC)

/* What one can wait for; each is told once, and armed again by who still wants it */
#define KINDS		(EPOLLIN | EPOLLOUT)

static bool can_read(const struct dmring_member *m)
{
	u64 tail = READ_ONCE(m->ring->log.published);
	u64 head = READ_ONCE(m->cursor);
	u64 at = 0;

	if (m->mapped) {
		head = READ_ONCE(m->slot.user->log_head);
		at = READ_ONCE(m->slot.user->wake_at);
	}
	if (m->flags & DMRING_ATTACH_NO_ECHO)
		head = dmring_member_skip_own(m, head);
	/* a threshold is void when somebody waits for the room this reader holds */
	return head < tail && (tail >= at || READ_ONCE(m->slot.kern->kick_at) != U64_MAX);
}

bool dmring_has_room(const struct dmring_member *m, u32 room)
{
	u64 used = READ_ONCE(m->slot.user->in_tail) - READ_ONCE(m->in_head);

	return !READ_ONCE(m->big) && (used > m->slot.in_size || m->slot.in_size - used >= room);
}

/*
 * What a member may do now: EPOLLIN something to read, EPOLLOUT the input space has the room that
 * is wanted, if @events ask for that, EPOLLPRI a private event or office, EPOLLHUP | EPOLLERR no
 * longer attached. No lock needed.
 */
static __poll_t ready_of(struct dmring_member *m, __poll_t events)
{
	__poll_t mask = 0;

	if (!dmring_member_attached(m))
		return EPOLLHUP | EPOLLERR | EPOLLIN;
	if (dmring_member_reads(m) && can_read(m))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (m->mapped && READ_ONCE(m->slot.user->out_head) != READ_ONCE(m->out_tail))
		mask |= EPOLLPRI | EPOLLIN | EPOLLRDNORM;
	/* without a quorum it is refused at once: that is to be heard, too */
	if (events & EPOLLOUT &&
	    (!dmring_ring_has_quorum(m->ring) ||
	     dmring_has_room(m, READ_ONCE(m->room_wanted) ?: m->slot.in_size / 4)))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static bool is_ready(struct dmring_member *m, __poll_t events)
{
	return ready_of(m, events) & events;
}

/* Say what is waited for. Full barrier; pairs with the pump's before dmring_wake(). */
static void arm(struct dmring_member *m, __poll_t events)
{
	atomic_or((__force int)(events & KINDS), &m->armed);
	dmring_marks_set(&m->ring->armed, m->id);
}

/* Marks that say what is there to be read are true again when somebody looks */
static void renew_marks(struct dmring_member *m, __poll_t mask)
{
	if (!(mask & EPOLLIN))
		dmring_member_mark(m, 0, DMRING_MARK_LOG);
	if (!(mask & EPOLLPRI))
		dmring_member_mark(m, 0, DMRING_MARK_OUT | DMRING_MARK_EVENT);
}

__poll_t dmring_poll(struct dmring_member *m)
{
	__poll_t mask;

	/* room is news only for who found none */
	arm(m, EPOLLIN | (ready_of(m, EPOLLOUT) & EPOLLOUT ? 0 : EPOLLOUT));
	mask = ready_of(m, EPOLLOUT);
	renew_marks(m, mask);
	return mask;
}

static bool spin_for(struct dmring_member *m, __poll_t events)
{
	u64 end = ktime_get_ns() + SPIN_NS;

	if (num_online_cpus() == 1)
		return false;
	while (!need_resched() && !signal_pending(current)) {
		if (is_ready(m, events))
			return true;
		if (ktime_get_ns() >= end)
			break;
		cpu_relax();
	}
	return false;
}

static int sleep_for(struct dmring_member *m, __poll_t events, s64 timeout)
{
	ktime_t expires = timeout < 0 ? 0 : ktime_add_safe(ktime_get(), timeout);
	DEFINE_WAIT(wait);
	int err = 0;

	for (;;) {
		prepare_to_wait(&m->wq, &wait, TASK_INTERRUPTIBLE);
		arm(m, events);
		if (is_ready(m, events))
			break;
		if (signal_pending(current)) {
			err = -EINTR;
			break;
		}
		if (timeout < 0) {
			schedule();
		} else if (!schedule_hrtimeout(&expires, HRTIMER_MODE_ABS)) {
			err = is_ready(m, events) ? 0 : -ETIMEDOUT;
			break;
		}
		if (is_ready(m, events))
			break;
	}
	finish_wait(&m->wq, &wait);
	return err;
}

/* Nothing there and not to wait: who then uses epoll hears when there is */
static int try_later(struct dmring_member *m, __poll_t events)
{
	arm(m, events);
	return is_ready(m, events) ? 0 : -ETIMEDOUT;
}

int dmring_wait(struct dmring_member *m, __poll_t events, u32 room, s64 timeout, bool spin)
{
	struct dmring_ring *ring = m->ring;
	bool ready;
	int err = 0;

	events |= EPOLLHUP;
	if (events & EPOLLOUT)
		WRITE_ONCE(m->room_wanted, room);
	ready = is_ready(m, events);
	if (!ready && dmring_marks_any(&ring->marked)) {
		dmring_pump(ring, DMRING_BY_MEMBER);
		ready = is_ready(m, events);
	}
	if (!ready) {
		if (!timeout)
			err = try_later(m, events);
		else if (!spin || !spin_for(m, events))
			err = sleep_for(m, events, timeout);
	}
	/* the wish of who tries later stays */
	if (events & EPOLLOUT && (!err || timeout))
		WRITE_ONCE(m->room_wanted, 0);
	return dmring_member_attached(m) ? err : -ENOTCONN;
}

/* What there is for an armed member that it has not been told yet */
static __poll_t news_for(struct dmring_member *m)
{
	__poll_t armed = (__force __poll_t)atomic_read(&m->armed);
	__poll_t mask = ready_of(m, armed);

	if (mask & EPOLLHUP)
		return mask;
	return (armed & EPOLLIN ? mask & (EPOLLIN | EPOLLRDNORM | EPOLLPRI) : 0) |
	       (armed & EPOLLOUT ? mask & (EPOLLOUT | EPOLLWRNORM) : 0);
}

static void tell(struct dmring_member *m, __poll_t news)
{
	atomic_andnot((__force int)(news & KINDS), &m->armed);
	if (news & EPOLLIN)
		dmring_member_mark(m, DMRING_MARK_LOG, 0);
	if (!wq_has_sleeper(&m->wq))
		return;
	wake_up_interruptible_poll(&m->wq, news);
	m->ring->stats.wakes++;
}

static bool is_armed(struct dmring_ring *ring, u32 id)
{
	struct dmring_member *m = rcu_dereference(ring->table[id]);

	return m && atomic_read(&m->armed);
}

/*
 * The bit goes when nothing is armed any more; who arms meanwhile sets it again. Who
 * has the id now may be another one than was told. True when somebody armed
 * while the bit or its word's summary was clear: a waker may have passed by, so the
 * word is to be looked at again.
 */
static bool disarm(struct dmring_ring *ring, u32 id)
{
	bool again;

	if (is_armed(ring, id))
		return false;
	again = dmring_marks_clear(&ring->armed, id);
	/* cleared (full barrier) before armed is read; pairs with arm() */
	if (!is_armed(ring, id))
		return again;
	dmring_marks_set(&ring->armed, id);
	return true;
}

/* One word of armed members; false when the limit was reached */
static bool wake_word(struct dmring_ring *ring, u32 w, u32 *max)
{
	unsigned long bits = READ_ONCE(ring->armed.word[w]);

	while (bits) {
		u32 id = w * BITS_PER_LONG + __ffs(bits);
		struct dmring_member *m = rcu_dereference(ring->table[id]);
		__poll_t news = m ? news_for(m) : 0;

		if (news) {
			if (!*max)
				return false;
			--*max;
			tell(m, news);
		}
		bits &= bits - 1;
		if ((news || !m) && disarm(ring, id))
			bits = READ_ONCE(ring->armed.word[w]);
	}
	return true;
}

void dmring_wake(struct dmring_ring *ring, u32 max)
{
	u32 w;

	rcu_read_lock();
	for_each_set_bit(w, ring->armed.sum, DMRING_MARK_WORDS) {
		if (w * BITS_PER_LONG >= ring->slots)
			break;
		if (!wake_word(ring, w, &max)) {
			dmring_thread_kick(ring, DMRING_WORK_WAKE);
			break;
		}
	}
	rcu_read_unlock();
}
