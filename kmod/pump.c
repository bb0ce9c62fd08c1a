// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pump: one routine, run by whoever gets the ring's lock: the system call of a
 * sender, or of one who leaves, a waiter before it sleeps, the ring's thread.
 *
 * A sender sets its bit in ring->marked and tries the lock. If somebody else has
 * it, the sender goes: the holder looks at the marks again after unlocking. The thread
 * waits for it: what it was called for it has taken upon itself.
 *
 *	sender				holder
 *	set mark			unlock
 *	full barrier (marks_set)	full barrier
 *	trylock fails: go		any marks? again
 *
 * What finds no room on the ring waits, and with it what its sender sent after it: on
 * ring->stalled, in turn. The others go on with what needs no room: requests and
 * replies on this host.
 *
 * A hold copies at most DMRING_HOLD_BYTES; a longer message is copied in several
 * holds (ring->fill), whoever has the lock going on with it, and nothing else
 * enters the log meanwhile. So a process that dies or is preempted leaves
 * nothing half-done behind.
 *
 * What user memory says is read once, checked, and used from the copy; the
 * payload alone is copied as it is, and may change under our hands, which hurts
 * only the message of the process that does it.
 */
#include <linux/ktime.h>
#include <linux/slab.h>

#include "append.h"
#include "member.h"
#include "news.h"
#include "pump.h"
#include "room.h"
#include "slow.h"
#include "thread.h"
#include "wait.h"

#define INDEX_BUDGET	1024U		/* delivered in one hold, when many have got their order */
#define SLOT_QUOTA	64		/* messages of one slot before the next one's turn */
#define MEMBER_HOLDS	2		/* holds of a member's system call */
#define THREAD_HOLDS	16

enum step {
	STEP_IDLE,	/* nothing more to move */
	STEP_MORE,	/* the hold is used up */
	STEP_FULL,	/* nothing more but what waits for room */
	STEP_BUSY,	/* somebody else has the lock */
};

/*
 * Out of a slot
 */

/* Is there a place to note one more? If not, the member rings when it has read the oldest run. */
static bool own_room(struct dmring_member *m)
{
	const struct dmring_kernel_page *kern = m->slot.kern;
	u64 head = dmring_member_log_head(m);
	u64 end = 0;

	for (; m->own_head != m->own_tail; m->own_head++) {
		const struct dmring_run *run = &kern->own[m->own_head % DMRING_OWN_RUNS];

		end = run->first + run->count;
		if (end > head)
			break;
	}
	if (m->own_tail - m->own_head + m->own_due < DMRING_OWN_RUNS)
		return true;
	m->own_waits = m->own_due;
	if (m->own_waits)
		return false;
	/* if it has come there since, this marks it, and it has another turn */
	dmring_member_ask(m, end);
	return false;
}

static void in_advance(struct dmring_member *m, u64 in_head)
{
	WRITE_ONCE(m->in_head, in_head);
	/* pairs with the sender's load-acquire of in_head: the space may be written again */
	smp_store_release(&m->slot.kern->in_head, in_head);
}

/* Its buffer is freed when the lock is no longer held: vfree() may sleep */
static void big_done(struct dmring_ring *ring, struct dmring_member *m)
{
	m->big->next = ring->spent;
	ring->spent = m->big;
	WRITE_ONCE(m->big, NULL);
}

static struct dmring_big *take_spent(struct dmring_ring *ring)
{
	struct dmring_big *spent = ring->spent;

	ring->spent = NULL;
	return spent;
}

static void finish(struct dmring_ring *ring)
{
	struct dmring_fill *fill = &ring->fill;
	struct dmring_member *m = fill->m;

	if (m) {
		bool noted = dmring_member_notes(m);

		m->own_due += noted;
		m->last_no = dmring_core_add(&ring->core, m->sender,
					     noted ? DMRING_ENTRY_NOTED : 0, fill->len) + 1;
		m->sent++;
		WRITE_ONCE(m->slot.kern->sent, m->sent);
		/* on one machine, what is in the log is held everywhere */
		if (ring->scope == DMRING_SCOPE_MACHINE)
			WRITE_ONCE(m->slot.kern->stable, m->sent);
		if (m->big && fill->src.base == m->big->data)
			big_done(ring, m);
		in_advance(m, fill->in_next);
	}
	if (fill->type == DMRING_REC_DATA) {
		ring->stats.messages++;
		ring->stats.bytes += fill->len;
	}
	dmring_append_end(ring);
	dmring_append_deliver_at_once(ring);
}

/* Go on with the record that is being copied */
static void fill_some(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	struct dmring_fill *fill = &ring->fill;
	u32 n = min(fill->len - fill->done, hold->left);

	dmring_space_copy(dmring_log_space(&ring->log, fill->type == DMRING_REC_PARCEL),
			  ring->log.size,
			  fill->pos + fill->head + fill->done, &fill->src, fill->done, n);
	fill->done += n;
	dmring_hold_spend(hold, n);
	/* the link's records are finished by the link, which has its own books */
	if (fill->done == fill->len && fill->m)
		finish(ring);
}

/* The next message of a slot, copied out of its header once */
struct message {
	struct dmring_source src;
	u32 len;
	u16 type;
	u64 in_next;
	int err;	/* refused: -EINVAL, -EMSGSIZE */
};

static bool is_input(u16 type)
{
	return type == DMRING_REC_DATA || type == DMRING_REC_REQUEST || type == DMRING_REC_REPLY;
}

/* 1 a message, 0 none, -EPROTO nonsense */
static int next_message(struct dmring_member *m, u64 tail, struct message *msg)
{
	u32 size = m->slot.in_size;
	struct dmring_in_rec rec;
	u64 total;

	if (m->big && m->big->at == m->in_head) {
		*msg = (struct message){
			.src = { .base = m->big->data, .mask = U64_MAX },
			.len = m->big->len,
			.type = DMRING_REC_DATA,
			.in_next = m->in_head,
		};
		return 1;
	}
	/* beyond it, when the member was thrown out in the middle of a message */
	if ((s64)(tail - m->in_head) <= 0)
		return 0;
	/* the one read of the header; positions are multiples of its size, it never wraps */
	memcpy(&rec, m->slot.in + (m->in_head & (size - 1)), sizeof(rec));
	barrier();
	total = ALIGN((u64)sizeof(rec) + rec.len, DMRING_ALIGN);
	if (total > tail - m->in_head)
		return -EPROTO;
	*msg = (struct message){
		.src = { m->slot.in, m->in_head + sizeof(rec), size - 1 },
		.len = rec.len,
		.type = rec.type,
		.in_next = m->in_head + total,
	};
	if (!is_input(rec.type) || rec.flags || rec.reserved)
		msg->err = -EINVAL;
	return 1;
}

static void reject(struct dmring_member *m, const struct message *msg, int err)
{
	struct dmring_ev ev = {
		.what = DMRING_EV_REJECTED, .reason = -err, .arg = msg->len,
	};

	m->rejected++;
	WRITE_ONCE(m->slot.kern->rejected, m->rejected);
	m->ring->stats.rejected++;
	dmring_out_event(m, &ev);
	if (m->big && msg->src.base == m->big->data)
		big_done(m->ring, m);
	in_advance(m, msg->in_next);
}

static void start(struct dmring_ring *ring, struct dmring_member *m, const struct message *msg)
{
	struct dmring_ident ident = dmring_member_ident(m);

	dmring_append_begin(ring, dmring_ring_ident(ring, &ident), DMRING_REC_DATA, msg->len);
	ring->fill.m = m;
	ring->fill.src = msg->src;
	ring->fill.in_next = msg->in_next;
}

/* What is to go round the ring: DMRING_TAKEN if it has gone or ended, _LATER; or -errno */
static int send_out(struct dmring_ring *ring, struct dmring_member *m, struct dmring_outgoing *o,
		    struct dmring_one_hold *hold)
{
	int ret = dmring_room_make(ring, DMRING_WIRE_PARCEL + o->len, hold);

	if (ret == -EMSGSIZE && o->p.kind == DMRING_PARCEL_REQUEST)
		return dmring_requests_fail(ring, m, &o->req, EMSGSIZE);
	if (ret == -EAGAIN)
		/* its deadline may pass meanwhile */
		dmring_direct_wait_until(m, o->req.deadline ?: U64_MAX);
	if (!ret)
		ret = dmring_parcels_go(ring, m, o);
	if (ret != DMRING_TAKEN_OUT)
		return ret;
	dmring_append_parcel(ring, m, o);
	return DMRING_TAKEN;
}

/* A request or a reply: 1 done with, -EAGAIN no room on the ring, -EBUSY it waits otherwise */
static int take_direct(struct dmring_ring *ring, struct dmring_member *m,
		       const struct message *msg, struct dmring_one_hold *hold)
{
	struct dmring_outgoing o;
	int ret = dmring_requests_take(ring, m, msg->type, &msg->src, msg->len, &o);

	if (ret == DMRING_TAKEN_OUT)
		ret = send_out(ring, m, &o, hold);
	if (ret == -EAGAIN)
		return ret;
	if (ret == DMRING_TAKEN_LATER)
		return -EBUSY;
	dmring_hold_spend(hold, o.len);
	if (ret < 0)
		reject(m, msg, ret);
	else
		in_advance(m, msg->in_next);
	return 1;
}

/*
 * One message of @m: 1 moved or begun, 0 nothing there, -EAGAIN no room, -EPROTO nonsense, -EBUSY
 * it has another turn when that has a purpose
 */
static int take_one(struct dmring_ring *ring, struct dmring_member *m, u64 tail,
		    struct dmring_one_hold *hold)
{
	struct message msg;
	int ret = next_message(m, tail, &msg);

	if (ret <= 0)
		return ret;
	if (!msg.err && msg.type != DMRING_REC_DATA)
		return take_direct(ring, m, &msg, hold);
	if (dmring_member_notes(m) && !own_room(m))
		return 0;
	ret = msg.err ?: dmring_room_make(ring, msg.len, hold);
	if (ret == -EAGAIN)
		return ret;
	if (ret) {
		reject(m, &msg, ret);
		dmring_hold_spend(hold, DMRING_HOLD_MIN);
		return 1;
	}
	start(ring, m, &msg);
	fill_some(ring, hold);
	return 1;
}

/* It may have rung because it has read what it was asked to: what it held is free */
static void read_enough(struct dmring_ring *ring, struct dmring_member *m,
			struct dmring_one_hold *hold)
{
	u64 kick_at = m->slot.kern->kick_at;

	if (kick_at == U64_MAX || dmring_member_cursor(m) < kick_at)
		return;
	dmring_room_free(ring);
	hold->kick |= dmring_ring_is_network(ring);
}

/* Keep the mark that says whether the input space may be written */
static void mark_room(struct dmring_member *m, u64 tail)
{
	bool room = tail - m->in_head <= m->slot.in_size / 4 * 3;

	dmring_member_mark(m, room ? DMRING_MARK_IN : 0, room ? 0 : DMRING_MARK_IN);
}

/* Its next message waits for room on the ring; in which order, says the list */
static int stall(struct dmring_ring *ring, struct dmring_member *m)
{
	if (list_empty(&m->stall_node))
		list_add_tail(&m->stall_node, &ring->stalled);
	return -EAGAIN;
}

/* One turn of a slot: -EAGAIN it waits for room; else the mark is set again if more is there */
static int take_turn(struct dmring_ring *ring, struct dmring_member *m,
		     struct dmring_one_hold *hold)
{
	u64 tail = dmring_member_in_tail(m);
	int quota = SLOT_QUOTA;
	int ret = tail == U64_MAX ? -EPROTO : 1;

	read_enough(ring, m, hold);
	if (ring->direct)
		dmring_requests_turn(ring, m);
	while (ret > 0 && quota-- && hold->left && !ring->fill.active)
		ret = take_one(ring, m, tail, hold);
	mark_room(m, tail);
	if (ret == -EAGAIN)
		return stall(ring, m);
	list_del_init(&m->stall_node);
	if (ret == -EPROTO)
		dmring_member_leave_locked(m, DMRING_REASON_BADINPUT);
	else if (ret > 0)
		dmring_marks_set(&ring->marked, m->id);
	return 0;
}

/* What one that left had accepted: -EAGAIN it waits for room, 0 done, or as far as it goes now */
static int drain(struct dmring_ring *ring, struct dmring_member *m, struct dmring_one_hold *hold)
{
	int quota = SLOT_QUOTA;
	int ret = 1;

	while (ret > 0 && quota-- && hold->left && !ring->fill.active)
		ret = take_one(ring, m, m->in_end, hold);
	if (ret > 0) {
		/* the next one's turn; no mark says that here is more */
		list_del_init(&m->stall_node);
		list_move_tail(&m->node, &ring->leaving);
		dmring_thread_kick(ring, DMRING_WORK_PUMP);
		return 0;
	}
	if (ret == -EAGAIN || ret == -EBUSY)
		list_move_tail(&m->node, &ring->lingering);
	if (ret == -EAGAIN)
		return stall(ring, m);
	list_del_init(&m->stall_node);
	if (ret == -EBUSY)
		return 0;
	/* nothing more, or nothing that makes sense */
	if (ring->direct)
		dmring_parcels_drained(ring, m);
	dmring_news_left(ring, hold, m);
	list_move(&m->node, &hold->done);
	return 0;
}

/* -EAGAIN it waits for room */
static int take_from(struct dmring_ring *ring, struct dmring_member *m,
		     struct dmring_one_hold *hold)
{
	int ret;

	/* a turn costs, whatever comes of it: who only rings does not keep us here */
	dmring_hold_spend(hold, DMRING_HOLD_MIN);
	ret = m->attached ? take_turn(ring, m, hold) : drain(ring, m, hold);
	if (ring->direct)
		dmring_direct_turn_over(m);
	return ret;
}

/* The one that has waited longest for room; false: there is none, or still no room for it */
static bool take_stalled(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	struct dmring_member *m = list_first_entry_or_null(&ring->stalled, struct dmring_member,
							   stall_node);

	return m && !hold->full && !take_from(ring, m, hold);
}

static bool take_leaving(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	struct dmring_member *m = list_first_entry_or_null(&ring->leaving, struct dmring_member,
							   node);

	if (m)
		take_from(ring, m, hold);
	return m;
}

static bool take_marked(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	struct dmring_member *m;
	int id = dmring_marks_next(&ring->marked, ring->robin);

	if (id < 0)
		return false;
	/* before in_tail is read: a later mark sets it again */
	dmring_marks_clear(&ring->marked, id);
	m = dmring_member_at(ring, id);
	if (m)
		take_from(ring, m, hold);
	ring->robin = id + 1;
	return true;
}

/* Whoever leaves goes first, but not twice: those who are members have turns as often. */
static bool take_turns(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	bool first = !ring->leaver_was;

	ring->leaver_was = false;
	if (!first && take_marked(ring, hold))
		return true;
	ring->leaver_was = take_leaving(ring, hold);
	return ring->leaver_was || (first && take_marked(ring, hold));
}

/*
 * Deliver what an order or a mark has set free; true if there may be more. That may have been
 * all that its room was waiting for, and then the next hosts wait to hear of it.
 */
static bool index_backlog(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	u64 before = ring->log.next, first = dmring_core_first(&ring->core);
	bool more = dmring_append_deliver(ring, INDEX_BUDGET);

	if (ring->log.next == before)
		return more;
	dmring_room_free(ring);
	hold->kick |= dmring_core_first(&ring->core) != first;
	return more;
}

/* Go on with what is half copied, or with whose turn it is; false: there is nothing to do */
static bool take_next(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	if (ring->fill.active) {
		fill_some(ring, hold);
		/* complete, but the link's: the thread finishes it */
		return !ring->fill.active || ring->fill.done < ring->fill.len;
	}
	dmring_news_put(ring, hold);
	/* parcels may have used it up */
	if (hold->left <= DMRING_HOLD_MIN)
		return true;
	if (take_stalled(ring, hold))
		return true;
	return list_empty(&ring->leaving) ? take_marked(ring, hold) : take_turns(ring, hold);
}

/* What goes into output spaces is copied, too, wherever that happens */
static bool take_and_pay(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	u64 before = ring->out_bytes;
	bool next = take_next(ring, hold);

	if (ring->out_bytes != before)
		dmring_hold_spend(hold, ring->out_bytes - before);
	return next;
}

static enum step run_hold(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	bool more = index_backlog(ring, hold);
	bool next = true;

	dmring_direct_recall(ring);
	/* with less left a turn would be over before it has begun */
	while (next && hold->left > DMRING_HOLD_MIN)
		next = take_and_pay(ring, hold);
	WRITE_ONCE(ring->full, hold->full || !list_empty(&ring->stalled));
	ring->stats.full += hold->full;
	dmring_log_publish(&ring->log);
	dmring_room_tell_stable(ring);
	if (more || next)
		return STEP_MORE;
	return hold->full ? STEP_FULL : STEP_IDLE;
}

static void put_done(struct dmring_one_hold *hold)
{
	struct dmring_member *m, *next;

	list_for_each_entry_safe(m, next, &hold->done, node) {
		list_del_init(&m->node);
		dmring_member_put(m);
	}
}

/* One hold of the lock, and what is to be done after it */
static enum step pump_once(struct dmring_ring *ring, enum dmring_runner who)
{
	struct dmring_one_hold hold = {
		.left = DMRING_HOLD_BYTES, .done = LIST_HEAD_INIT(hold.done),
	};
	enum step step;
	bool linked;
	struct dmring_big *spent;
	u64 before;

	if (who == DMRING_BY_THREAD)
		spin_lock(&ring->lock);
	else if (!spin_trylock(&ring->lock))
		return STEP_BUSY;
	before = dmring_core_next_no(&ring->core);
	step = run_hold(ring, &hold);
	spent = take_spent(ring);
	linked = dmring_core_next_no(&ring->core) != before && dmring_ring_is_network(ring);
	spin_unlock(&ring->lock);

	/* tail stored before sleepers are looked at; pairs with dmring_marks_set() in wait.c */
	smp_mb();
	dmring_wake(ring, who == DMRING_BY_MEMBER ? DMRING_SENDER_WAKES : ring->slots);
	put_done(&hold);
	dmring_ring_free_spent(spent);
	if (linked || hold.kick)
		dmring_thread_kick(ring, DMRING_WORK_LINK);
	return step;
}

void dmring_pump(struct dmring_ring *ring, enum dmring_runner who)
{
	int holds = who == DMRING_BY_MEMBER ? MEMBER_HOLDS : THREAD_HOLDS;
	enum step step = STEP_IDLE;

	for (; holds; holds--) {
		enum step before = step;

		step = pump_once(ring, who);
		/* of what there was more of no mark may say so */
		if (step == STEP_BUSY && before == STEP_MORE)
			break;
		if (step == STEP_BUSY)
			return;
		if (step == STEP_FULL)
			dmring_slow_watch(ring, who);
		if (step != STEP_MORE && !dmring_marks_any(&ring->marked))
			return;
	}
	dmring_thread_kick(ring, DMRING_WORK_PUMP);
}

bool dmring_pump_leave(struct dmring_member *m, u8 reason)
{
	bool left = dmring_member_leave(m, reason);

	if (left)
		dmring_pump(m->ring, DMRING_BY_MEMBER);
	return left;
}

int dmring_pump_submit(struct dmring_member *m)
{
	if (!dmring_member_attached(m))
		return -ENOTCONN;
	/* full barrier: mark before trylock, see the top of this file */
	dmring_marks_set(&m->ring->marked, m->id);
	dmring_pump(m->ring, DMRING_BY_MEMBER);
	/* in polling mode the doorbell means: watch me again */
	if (m->flags & DMRING_ATTACH_POLL)
		dmring_thread_kick(m->ring, DMRING_WORK_POLL);
	return dmring_member_attached(m) ? 0 : -ENOTCONN;
}

/* Copy a record of the link; true when it is all in the log */
static bool deliver_some(struct dmring_ring *ring, const struct dmring_rx *rx,
			 const u8 *payload, bool *begun)
{
	struct dmring_one_hold hold = { .left = DMRING_HOLD_BYTES };

	if (!*begun) {
		while (ring->fill.active && hold.left)
			fill_some(ring, &hold);
		if (ring->fill.active)
			return false;
		dmring_append_begin(ring,
				    rx->data.flags & DMRING_REC_IDENT ? &rx->data.ident : NULL,
				    rx->data.type, rx->data.len);
		ring->fill.m = NULL;
		ring->fill.src = (struct dmring_source){ .base = payload, .mask = U64_MAX };
		if (rx->data.brief)
			dmring_append_brief(ring, payload);
		*begun = true;
	}
	if (hold.left)
		fill_some(ring, &hold);
	if (ring->fill.done < ring->fill.len)
		return false;
	dmring_core_deliver(&ring->core, rx);
	finish(ring);
	return true;
}

void dmring_pump_deliver(struct dmring_ring *ring, const struct dmring_rx *rx,
			 const u8 *payload)
{
	struct dmring_big *spent;
	bool begun = false;
	bool done;

	do {
		spin_lock(&ring->lock);
		done = deliver_some(ring, rx, payload, &begun);
		if (done)
			dmring_log_publish(&ring->log);
		spent = take_spent(ring);
		dmring_ring_unlock(ring);
		dmring_ring_free_spent(spent);
	} while (!done);
}

void dmring_pump_lock_whole(struct dmring_ring *ring) __acquires(&ring->lock)
{
	spin_lock(&ring->lock);
	while (ring->fill.active) {
		struct dmring_one_hold hold = { .left = DMRING_HOLD_BYTES };
		struct dmring_big *spent;

		fill_some(ring, &hold);
		if (!ring->fill.active) {
			dmring_log_publish(&ring->log);
			break;
		}
		spent = take_spent(ring);
		dmring_ring_unlock(ring);
		dmring_ring_free_spent(spent);
		cond_resched();
		spin_lock(&ring->lock);
	}
}

void dmring_pump_view(struct dmring_ring *ring, const void *payload, u32 len)
{
	dmring_append_event(ring, NULL, payload, len);
	ring->view_no = dmring_core_install(&ring->core, len, ktime_get_ns());
	dmring_append_deliver(ring, INDEX_BUDGET);
	dmring_log_publish(&ring->log);
}
