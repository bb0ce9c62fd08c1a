// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: a member of a ring of the kernel: sending and waiting
 *
 * Threads: sending belongs to the sending side, waiting to the side that is
 * waited for (see dmring.h). @submitted is shared between the sides; whoever
 * reads a stale value rings the doorbell once too often.
 *
 * Memory ordering.
 *
 *   commit      in_tail, release, after header and payload: pairs with pump:
 *               loads in_tail, acquire, before it copies.
 *   room()      in_head, acquire, before the space is written again: pairs with
 *               pump: stores in_head, release, after its copy is complete.
 *   doorbell_wanted()
 *               full fence between storing in_tail and loading marks: pairs
 *               with pump (polling mode): sets DMRING_MARK_WAKEUP, full
 *               barrier, loads every in_tail, sleeps. One of the two sees the
 *               other. Without polling the doorbell is always rung.
 *   ring_wait() full fence between storing wake_at and the ioctl, whose first
 *               act is to load index_tail: pairs with pump: index_tail, full
 *               barrier, loads log_head and wake_at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <urcu/arch.h>

#include "clock.h"
#include "stream.h"

#define POLL_SPINS	4096	/* in polling mode, before a wait sleeps */

/* Input space a message takes (bytes) */
static __u64 in_cost(size_t len)
{
	__u64 n = sizeof(struct dmring_in_rec) + (__u64)len;

	return (n + DMRING_ALIGN - 1) & ~(__u64)(DMRING_ALIGN - 1);
}

static __u64 room(struct dmring_member *k)
{
	__u64 used;

	k->in_head = load_acquire(&k->s.kernel->in_head);
	used = k->in_tail - k->in_head;
	return used > k->s.a.in_size ? 0 : k->s.a.in_size - used;
}

static bool has_room(struct dmring_member *k, __u64 need)
{
	if (k->in_tail - k->in_head + need <= k->s.a.in_size)
		return true;
	return room(k) >= need;
}

static bool has_quorum(const struct dmring_member *k)
{
	return !(load_relaxed(&k->s.group->flags) & DMRING_GROUP_NO_QUORUM);
}

static void *in_at(struct dmring_member *k)
{
	return k->s.in + (k->in_tail & (k->s.a.in_size - 1));
}

/* Mark the record at in_tail, whose payload is written */
static void mark(struct dmring_member *k, __u16 type, size_t len)
{
	struct dmring_in_rec *rec = in_at(k);

	rec->len = len;
	rec->type = type;
	rec->flags = 0;
	rec->reserved = 0;
	k->in_tail += in_cost(len);
	store_release(&k->s.user->in_tail, k->in_tail);
}

static int ring_commit(struct dmring *r, size_t len)
{
	struct dmring_member *k = dmring_member(r);

	if (!dmring_attached(k))
		return dmring_gone(k);
	mark(k, DMRING_REC_DATA, len);
	return 0;
}

static void ring_discard(struct dmring *r)
{
	(void)r;	/* nothing was written that anybody reads */
}

/* Is anything marked that nobody was told of? Sets *tail to what is marked. */
static bool doorbell_wanted(struct dmring_member *k, __u64 *tail)
{
	*tail = load_relaxed(&k->s.user->in_tail);
	if (*tail == load_relaxed(&k->submitted))
		return false;
	if (!(k->r.flags & DMRING_POLL))
		return true;
	full_fence();
	return load_relaxed(&k->s.kernel->marks) & DMRING_MARK_WAKEUP;
}

static int io_error(struct dmring_member *k)
{
	return errno == ENOTCONN ? dmring_gone(k) : -errno;
}

static int ring_submit(struct dmring *r)
{
	struct dmring_member *k = dmring_member(r);
	__u64 tail;

	if (!doorbell_wanted(k, &tail))
		return dmring_attached(k) ? 0 : dmring_gone(k);
	if (ioctl(k->s.fd, DMRING_IOC_SUBMIT))
		return io_error(k);
	store_relaxed(&k->submitted, tail);
	return 0;
}

static int ring_send_big(struct dmring *r, const void *data, size_t len)
{
	struct dmring_member *k = dmring_member(r);
	struct dmring_ioc_send send = {
		.data = (uintptr_t)data,
		.len = len,
	};
	__u64 tail = k->in_tail;

	if (ioctl(k->s.fd, DMRING_IOC_SEND, &send))
		return io_error(k);
	store_relaxed(&k->submitted, tail);
	return 0;
}

/* 1 what is waited for is there, 0 not, -ENOTCONN */
static int ready(struct dmring_member *k, unsigned int what, size_t n)
{
	int ret;

	if (what & DMRING_WAIT_READ) {
		ret = dmring_stream_ready(k, what & DMRING_WAIT_WRITE ? 1 : n);
		if (ret)
			return ret;
	}
	if (!dmring_attached(k))
		return dmring_gone(k);
	return what & DMRING_WAIT_WRITE && (!has_quorum(k) || has_room(k, in_cost(n)));
}

static int spin(struct dmring_member *k, unsigned int what, size_t n)
{
	int i, ret = 0;

	for (i = 0; !ret && i < POLL_SPINS; i++) {
		caa_cpu_relax();
		ret = ready(k, what, n);
	}
	return ret;
}

/*
 * The threshold, as an index position; 0 for any. A threshold beyond what the
 * index can hold would never be reached.
 */
static __u64 wake_at(struct dmring_member *k, unsigned int what, size_t n)
{
	__u64 most = k->s.a.index_size / 2;

	if (!(what & DMRING_WAIT_READ) || what & DMRING_WAIT_WRITE)
		return 0;
	if (n < 2 && !k->r.held)
		return 0;
	return k->cur.log + (n < 1 ? 1 : n < most ? n : most);
}

static int enter(struct dmring_member *k, unsigned int what, size_t n,
		 int timeout_ms)
{
	struct dmring_ioc_enter e = {
		.flags = DMRING_ENTER_SPIN,
		.timeout_ns = timeout_ms < 0 ? -1 : timeout_ms * 1000000LL,
	};
	__u64 tail;
	int ret;

	if (doorbell_wanted(k, &tail))
		e.flags |= DMRING_ENTER_SUBMIT;
	if (what & DMRING_WAIT_READ)
		e.flags |= DMRING_ENTER_READ;
	if (what & DMRING_WAIT_WRITE) {
		e.flags |= DMRING_ENTER_WRITE;
		e.room = in_cost(n);
	}
	ret = ioctl(k->s.fd, DMRING_IOC_ENTER, &e) ? io_error(k) : 0;
	if (e.flags & DMRING_ENTER_SUBMIT && ret != -ENOTCONN)
		store_relaxed(&k->submitted, tail);
	return ret;
}

/*
 * Full. The kernel moves what is marked and, if that does not help, remembers that
 * room is wanted: so that EPOLLOUT comes, edge-triggered too.
 */
static int ask_room(struct dmring_member *k, size_t len)
{
	int ret;

	ret = enter(k, DMRING_WAIT_WRITE, len, 0);
	if (!ret && has_room(k, in_cost(len)))
		return 0;
	return !ret || ret == -ETIMEDOUT ? -EAGAIN : ret;
}

/* A place for a record of @len bytes, @most being what is allowed */
static int get_room(struct dmring_member *k, size_t len, size_t most, void **buf)
{
	int ret = 0;

	if (!dmring_attached(k))
		return dmring_gone(k);
	if (!has_quorum(k))
		return dmring_fail(-ENOLINK, "this host is cut off from most others of the ring");
	if (len > most || in_cost(len) > k->s.a.in_size)
		return dmring_fail(-EMSGSIZE, "%zu bytes never fit", len);
	if (!has_room(k, in_cost(len)))
		ret = ask_room(k, len);
	if (ret)
		return ret;
	*buf = (__u8 *)in_at(k) + sizeof(struct dmring_in_rec);
	return 0;
}

static int ring_reserve(struct dmring *r, size_t len, void **buf)
{
	struct dmring_member *k = dmring_member(r);

	return get_room(k, len, load_relaxed(&k->s.kernel->max_msg), buf);
}

/* A record of @type, its payload being @head and @data */
static int put(struct dmring_member *k, __u16 type, const void *head, size_t head_len,
	       const void *data, size_t len)
{
	void *buf;
	int ret;

	ret = get_room(k, head_len + len, head_len + DMRING_DIRECT_MAX, &buf);
	if (ret)
		return ret;
	memcpy(buf, head, head_len);
	if (len)
		memcpy((__u8 *)buf + head_len, data, len);
	mark(k, type, head_len + len);
	return 0;
}

static int ring_request(struct dmring *r, const struct dmring_in_request *q, const void *data,
			size_t len)
{
	return put(dmring_member(r), DMRING_REC_REQUEST, q, sizeof(*q), data, len);
}

static int ring_reply(struct dmring *r, const struct dmring_in_reply *p, const void *data,
		      size_t len)
{
	return put(dmring_member(r), DMRING_REC_REPLY, p, sizeof(*p), data, len);
}

/* Sleep in the kernel under the threshold, which is taken back afterwards */
static int sleep_in_kernel(struct dmring_member *k, unsigned int what,
			   size_t n, int timeout_ms)
{
	__u64 at = wake_at(k, what, n);
	int ret;

	if (what & DMRING_WAIT_READ && !k->r.held)
		dmring_stream_keep(&k->r);	/* what was stepped over */
	if (at) {
		store_relaxed(&k->s.user->wake_at, at);
		full_fence();
	}
	ret = enter(k, what, n, timeout_ms);
	if (at)
		store_relaxed(&k->s.user->wake_at, 0);
	return ret;
}

/*
 * A message larger than the input space goes when none of its kind waits in the
 * kernel, and the kernel alone knows: it counts as one of no length.
 */
static int ring_wait(struct dmring *r, unsigned int what, size_t n,
		     int timeout_ms)
{
	struct dmring_member *k = dmring_member(r);
	int ret;

	if (what & DMRING_WAIT_WRITE && in_cost(n) > k->s.a.in_size) {
		if (what == DMRING_WAIT_WRITE && dmring_attached(k))
			return sleep_in_kernel(k, what, 0, timeout_ms);
		n = 0;
	}
	ret = ready(k, what, n);
	if (!ret && k->r.flags & DMRING_POLL && k->smp && timeout_ms)
		ret = spin(k, what, n);
	if (!ret)
		return sleep_in_kernel(k, what, n, timeout_ms);
	return ret < 0 ? ret : ring_submit(r);
}

/*
 * Wait until something comes, everything before being read. No message is worth a
 * wake: a threshold that is never reached.
 */
static int wait_private(struct dmring_member *k, int ms)
{
	int ret;

	store_relaxed(&k->s.user->wake_at, ~0ULL);
	full_fence();
	ret = enter(k, DMRING_WAIT_READ, 0, ms);
	store_relaxed(&k->s.user->wake_at, 0);
	return ret;
}

static int make_edge(struct dmring_member *k)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLPRI | EPOLLET };

	if (k->edge >= 0)
		return 0;
	k->edge = epoll_create1(EPOLL_CLOEXEC);
	if (k->edge >= 0 && !epoll_ctl(k->edge, EPOLL_CTL_ADD, k->s.fd, &ev))
		return 0;
	return dmring_fail(-errno, "no epoll: %s", dmring_strerror(errno));
}

/* Wait for news while something old is unread, which would end any other wait at once */
static int wait_edge(struct dmring_member *k, int ms)
{
	struct epoll_event ev;
	int ret = ring_submit(&k->r);

	if (!ret)
		ret = make_edge(k);
	if (ret)
		return ret;
	return epoll_wait(k->edge, &ev, 1, ms) < 0 ? -errno : 0;
}

/* In polling mode some time is worth it: both sides may do without a syscall. */
static int look_long(struct dmring_member *k, struct dmring_answer *a)
{
	int i, ret = dmring_member_look(k, a);

	if (ret != -EAGAIN || !(k->r.flags & DMRING_POLL) || !k->smp)
		return ret;
	ret = ring_submit(&k->r);
	for (i = 0; !ret && i < POLL_SPINS; i++) {
		caa_cpu_relax();
		ret = dmring_member_look(k, a);
		if (ret != -EAGAIN)
			return ret;
		ret = 0;
	}
	return ret ? ret : -EAGAIN;
}

static int ring_answer(struct dmring *r, struct dmring_answer *a)
{
	struct dmring_member *k = dmring_member(r);
	bool edge = false;
	int left, ret;

	k->awaited = a->cookie;
	for (;;) {
		ret = look_long(k, a);
		if (ret != -EAGAIN)
			break;
		left = left_ms(a->give_up);
		if (!left) {
			ret = dmring_fail(-ETIMEDOUT,
					  "the deadline has passed, and the ring does not say how it ended");
			break;
		}
		edge = edge || k->cur.out != k->out_tail;
		ret = edge ? wait_edge(k, left) : wait_private(k, left);
		if (ret && ret != -ETIMEDOUT)
			break;
		edge = true;	/* if it has not come now, that was not what ended the wait */
	}
	k->awaited = 0;
	return ret;
}

static int ring_free(struct dmring *r, bool forked)
{
	struct dmring_member *k = dmring_member(r);

	if (k->edge >= 0)
		close(k->edge);
	dmring_slot_close(&k->s, forked);
	free(k);
	return 0;
}

static __u64 ring_sent(struct dmring *r)
{
	return load_acquire(&dmring_member(r)->s.kernel->sent);
}

static __u64 ring_stable(struct dmring *r)
{
	return load_acquire(&dmring_member(r)->s.kernel->stable);
}

static __u64 ring_dropped(struct dmring *r)
{
	return load_relaxed(&dmring_member(r)->s.kernel->dropped);
}

static __u64 ring_rejected(struct dmring *r)
{
	return load_relaxed(&dmring_member(r)->s.kernel->rejected);
}

static __u32 ring_max_msg(struct dmring *r)
{
	return load_relaxed(&dmring_member(r)->s.kernel->max_msg);
}

static int ring_state(struct dmring *r)
{
	return dmring_attached(dmring_member(r)) ? DMRING_STATE_ATTACHED :
						   DMRING_STATE_DETACHED;
}

static int ring_reason(struct dmring *r)
{
	return load_relaxed(&dmring_member(r)->s.kernel->reason);
}

static const struct dmring_ops kernel_ops = {
	.free = ring_free,
	.reserve = ring_reserve,
	.commit = ring_commit,
	.discard = ring_discard,
	.submit = ring_submit,
	.send_big = ring_send_big,
	.next = dmring_stream_next,
	.unpeek = dmring_stream_unpeek,
	.check = dmring_stream_check,
	.release = dmring_stream_release,
	.keep = dmring_stream_keep,
	.event = dmring_stream_event,
	.wait = ring_wait,
	.sent = ring_sent,
	.stable = ring_stable,
	.dropped = ring_dropped,
	.rejected = ring_rejected,
	.max_msg = ring_max_msg,
	.state = ring_state,
	.reason = ring_reason,
	.ballot = dmring_member_ballot,
	.weigh = dmring_member_weigh,
	.resign = dmring_member_resign,
	.in_office = dmring_member_in_office,
	.offer = dmring_member_offer,
	.request = ring_request,
	.reply = ring_reply,
	.answer = ring_answer,
	.status = dmring_member_status,
	.statuses = dmring_member_statuses,
};

int dmring_kernel_attach(struct dmring **r, const char *name,
			 const struct dmring_opts *o)
{
	struct dmring_member *k = aligned_alloc(__alignof__(struct dmring_member),
						sizeof(*k));
	int ret;

	if (!k)
		return dmring_fail(-ENOMEM, "no memory");
	memset(k, 0, sizeof(*k));
	ret = dmring_slot_open(&k->s, name, o);
	if (ret) {
		free(k);
		return ret;
	}
	k->edge = -1;
	k->smp = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	k->r.ops = &kernel_ops;
	k->r.fd = k->s.fd;
	k->r.flags = o->flags;
	k->r.id = k->s.a.id;
	dmring_stream_init(k);
	*r = &k->r;
	return 0;
}
