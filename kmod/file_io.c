// SPDX-License-Identifier: GPL-2.0-only
/*
 * One message a call. The kernel keeps the cursor and writes the input space
 * itself, so that a process that maps nothing is a member like any other.
 *
 * Payloads are copied from and to user memory without any ring lock: to the
 * user straight from the log, where the member's cursor holds the record, and
 * if a policy has skipped it meanwhile the copy is thrown away; from the user
 * into the member's own input space, or a buffer of its own when too long for it.
 *
 * Locking: member->read_lock and member->lock, outside ring->lock.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "file_io.h"
#include "member.h"
#include "pump.h"
#include "thread.h"
#include "wait.h"

#define LOOK_AT_ONCE	256	/* records stepped over under one hold of the lock */

static int lock_for(struct mutex *lock, bool nowait)
{
	if (nowait)
		return mutex_trylock(lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(lock) ? -ERESTARTSYS : 0;
}

static bool is_nowait(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT || iocb->ki_filp->f_flags & O_NONBLOCK;
}

/*
 * Reading
 */

/* Look at one record: 0 it is for read(), -EAGAIN there is none, 1 look at the next */
static int look_at(struct dmring_member *m, u64 *no, struct dmring_rec *rec)
{
	/* once detached its cursor holds nothing: what stands there may be anything */
	if (!m->attached)
		return -ENOTCONN;
	if (m->flags & DMRING_ATTACH_NO_ECHO)
		m->cursor = min(dmring_member_skip_own(m, m->cursor), m->ring->log.published);
	if (m->cursor >= m->ring->log.published)
		return -EAGAIN;
	*no = m->cursor;
	*rec = *dmring_log_rec(&m->ring->log, *no);
	if (rec->type == DMRING_REC_DATA)
		return 0;
	m->cursor++;
	return 1;
}

/* The next message for read(), its position in *@no; -EAGAIN, -ENOTCONN. */
static int find_next(struct dmring_member *m, u64 *no, struct dmring_rec *rec)
{
	int err, i;

	do {
		spin_lock(&m->ring->lock);
		for (i = 0, err = 1; err > 0 && i < LOOK_AT_ONCE; i++)
			err = look_at(m, no, rec);
		dmring_ring_unlock(m->ring);
		cond_resched();
	} while (err > 0);
	return err;
}

/* Still ours to read? Then it is read. */
static bool consume(struct dmring_member *m, u64 no)
{
	bool ok;

	spin_lock(&m->ring->lock);
	ok = m->attached && m->cursor == no;
	if (ok)
		m->cursor++;
	dmring_ring_unlock(m->ring);
	return ok;
}

static int copy_record(struct dmring_member *m, const struct dmring_rec *rec, struct iov_iter *to)
{
	const struct dmring_log *log = &m->ring->log;
	u64 at = dmring_log_payload(rec) & (log->size - 1);
	size_t first = min_t(u64, rec->len, log->size - at);

	if (iov_iter_count(to) < rec->len)
		return -EMSGSIZE;
	if (copy_to_iter(log->data + at, first, to) != first ||
	    copy_to_iter(log->data, rec->len - first, to) != rec->len - first)
		return -EFAULT;
	return 0;
}

/* One message, or -EAGAIN; a copy that was overtaken by a gap is made again */
static ssize_t read_one(struct dmring_member *m, struct iov_iter *to)
{
	const struct iov_iter start = *to;
	struct dmring_rec rec;
	u64 no;
	int err;

	for (;;) {
		err = find_next(m, &no, &rec);
		if (!err)
			err = copy_record(m, &rec, to);
		if (!err && consume(m, no))
			return rec.len;
		*to = start;
		if (err)
			return err;
		if (!dmring_member_attached(m))
			return -ENOTCONN;
	}
}

/* A reader that has read what it was asked to is whom somebody waits for */
static void free_room(struct dmring_member *m)
{
	if (READ_ONCE(m->slot.kern->kick_at) <= READ_ONCE(m->cursor))
		dmring_pump_submit(m);
}

static ssize_t read_wait(struct dmring_member *m, struct iov_iter *to, bool nowait)
{
	for (;;) {
		ssize_t ret = read_one(m, to);
		int err;

		if (ret != -EAGAIN)
			return ret;
		if (!dmring_member_attached(m))
			return -ENOTCONN;
		if (nowait)
			return ret;
		err = dmring_wait(m, EPOLLIN, 0, -1, true);
		if (err && err != -ENOTCONN)
			return err == -EINTR ? -ERESTARTSYS : err;
		/* from now on a word in memory says whether there is something to read */
		if (READ_ONCE(m->mapped))
			return -EBUSY;
	}
}

static int check_file(const struct dmring_member *m)
{
	/* pairs with the attach, which sets ring last */
	if (!smp_load_acquire(&m->ring))
		return -ENOTCONN;
	return READ_ONCE(m->mapped) ? -EBUSY : 0;
}

ssize_t dmring_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct dmring_member *m = iocb->ki_filp->private_data;
	bool nowait = is_nowait(iocb);
	ssize_t ret = check_file(m);

	if (!ret && !dmring_member_reads(m))
		ret = -EBADF;
	if (!ret)
		ret = lock_for(&m->read_lock, nowait);
	if (ret)
		return ret;
	ret = read_wait(m, to, nowait);
	mutex_unlock(&m->read_lock);
	if (ret >= 0)
		free_room(m);
	return ret;
}

/*
 * Writing
 */

static struct dmring_big *big_alloc(u32 len)
{
	struct dmring_big *big = kvmalloc(struct_size(big, data, len), GFP_KERNEL_ACCOUNT);

	if (big)
		big->len = len;
	return big;
}

/* Hand it over; it goes behind all that in_tail has marked */
static int big_put(struct dmring_member *m, struct dmring_big *big)
{
	int err = 0;

	spin_lock(&m->ring->lock);
	big->at = dmring_member_in_tail(m);
	if (!m->attached)
		err = -ENOTCONN;
	else if (m->big)
		err = -EAGAIN;
	else if (big->at == U64_MAX)
		err = -EPROTO;
	else
		WRITE_ONCE(m->big, big);
	dmring_ring_unlock(m->ring);
	if (err) {
		kvfree(big);
		return err;
	}
	/* accepted, even if the membership ends in this moment */
	dmring_pump_submit(m);
	return 0;
}

/* Was what ends at @tail marked while it was a member? Then it is delivered. */
static bool in_time(struct dmring_member *m, u64 tail)
{
	bool ok;

	spin_lock(&m->ring->lock);
	ok = m->attached || (s64)(m->in_end - tail) >= 0;
	dmring_ring_unlock(m->ring);
	return ok;
}

int dmring_send_big(struct dmring_member *m, const void __user *data, u32 len)
{
	struct dmring_big *big;

	if (len > READ_ONCE(m->slot.kern->max_msg))
		return -EMSGSIZE;
	if (!dmring_ring_has_quorum(m->ring))
		return -ENOLINK;
	if (READ_ONCE(m->big))
		return -EAGAIN;
	big = big_alloc(len);
	if (!big)
		return -ENOMEM;
	if (copy_from_user(big->data, data, len)) {
		kvfree(big);
		return -EFAULT;
	}
	return big_put(m, big);
}

/*
 * Into the input space, which the caller has found to have room. The user page may have been mapped
 * since then, and in_tail be anything.
 */
static int in_write(struct dmring_member *m, struct iov_iter *from, u32 len)
{
	u32 size = m->slot.in_size;
	u64 tail = dmring_member_in_tail(m);
	u64 at = (tail + sizeof(struct dmring_in_rec)) & (size - 1);
	struct dmring_in_rec rec = { .len = len, .type = DMRING_REC_DATA };
	size_t first = min_t(u64, len, size - at);

	if (tail == U64_MAX)
		return -EPROTO;
	if (copy_from_iter(m->slot.in + at, first, from) != first ||
	    copy_from_iter(m->slot.in, len - first, from) != len - first)
		return -EFAULT;
	memcpy(m->slot.in + (tail & (size - 1)), &rec, sizeof(rec));
	tail += ALIGN(sizeof(rec) + len, DMRING_ALIGN);
	/* the mark; pairs with dmring_member_in_tail() */
	smp_store_release(&m->slot.user->in_tail, tail);
	return dmring_pump_submit(m) && !in_time(m, tail) ? -ENOTCONN : 0;
}

static int big_write(struct dmring_member *m, struct iov_iter *from, u32 len)
{
	struct dmring_big *big = big_alloc(len);

	if (!big)
		return -ENOMEM;
	if (copy_from_iter(big->data, len, from) != len) {
		kvfree(big);
		return -EFAULT;
	}
	return big_put(m, big);
}

/* Waits for @wanted bytes of room, or for the buffer of a long message */
static int wait_room(struct dmring_member *m, u32 wanted, bool nowait)
{
	for (;;) {
		int err = dmring_wait(m, EPOLLOUT, wanted, nowait ? 0 : -1, false);

		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : err == -EINTR ? -ERESTARTSYS : err;
		if (!dmring_ring_has_quorum(m->ring))
			return -ENOLINK;
		/* it may have waked for want of a quorum, which is there again, but no room */
		if (dmring_has_room(m, wanted))
			return 0;
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
}

static ssize_t write_one(struct dmring_member *m, struct iov_iter *from, bool nowait)
{
	size_t len = iov_iter_count(from);
	u32 room, wanted;
	int err;

	if (len > READ_ONCE(m->slot.kern->max_msg))
		return -EMSGSIZE;
	room = ALIGN(sizeof(struct dmring_in_rec) + len, DMRING_ALIGN);
	/* a long one waits until nothing else is in front of it */
	wanted = min(room, m->slot.in_size);
	for (;;) {
		err = wait_room(m, wanted, nowait);
		if (err)
			return err;
		if (room <= m->slot.in_size)
			err = in_write(m, from, len);
		else
			err = big_write(m, from, len);
		if (err != -EAGAIN || nowait)
			return err ?: len;
		/* another thread's long message has come before it */
		iov_iter_revert(from, len);
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
}

ssize_t dmring_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct dmring_member *m = iocb->ki_filp->private_data;
	bool nowait = is_nowait(iocb);
	ssize_t ret = check_file(m);

	if (!ret)
		ret = lock_for(&m->lock, nowait);
	if (ret)
		return ret;
	ret = dmring_member_attached(m) ? write_one(m, from, nowait) : -ENOTCONN;
	mutex_unlock(&m->lock);
	return ret;
}
