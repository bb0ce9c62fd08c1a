// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: process scope: take from the own queue, wait
 *
 * Threads: the receiving side of a member, and the sending side while it waits
 * for room. Memory ordering: see the head of process.c.
 */
#define _LGPL_SOURCE
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "process.h"

static bool queue_empty(struct local *m)
{
	cds_wfcq_head_ptr_t head = { ._h = &m->head };

	return cds_wfcq_empty(head, &m->tail);
}

/*
 * The queue was seen empty: make the descriptor unreadable. A failed read means
 * that the write is still to come; then it stays signalled.
 */
static void settle(struct local *m)
{
	eventfd_t value;

	if (!load_relaxed(&m->signalled) || eventfd_read(m->r.fd, &value))
		return;
	__atomic_exchange_n(&m->signalled, 0, __ATOMIC_SEQ_CST);
	full_fence();
	if (!queue_empty(m))
		dmring_signal_member(m);
}

static void give_room(struct local *m, __u64 load)
{
	__atomic_sub_fetch(&m->load, load, __ATOMIC_RELEASE);
	dmring_wake_for_room(m->ring);
}

/* Take one more place from the queue; NULL when none is complete */
static struct place *take(struct local *m)
{
	cds_wfcq_head_ptr_t head = { ._h = &m->head };
	struct cds_wfcq_node *node;
	struct place *place;

	node = __cds_wfcq_dequeue_nonblocking(head, &m->tail);
	if (!node || node == CDS_WFCQ_WOULDBLOCK)
		return NULL;
	place = caa_container_of(node, struct place, node);
	take_over(place);
	place->next = NULL;
	*m->taken_end = place;
	m->taken_end = &place->next;
	return place;
}

int dmring_local_next(struct dmring *r, struct dmring_msg *msg,
		      enum dmring_want want)
{
	struct local *m = local(r);

	(void)want;	/* there are messages only */
	if (!m->cur)
		m->cur = take(m);
	if (!m->cur) {
		settle(m);
		m->cur = take(m);
	}
	if (!m->cur)
		return -EAGAIN;
	msg->data = m->cur->p->data;
	msg->len = m->cur->p->len;
	msg->type = DMRING_REC_DATA;
	msg->own = r->flags & DMRING_OWN && m->cur->own;
	msg->pos = m->pos++;
	msg->ident = NULL;
	m->cur = m->cur->next;
	r->held++;
	return 0;
}

void dmring_local_unpeek(struct dmring *r)
{
	struct local *m = local(r);

	m->cur = m->taken;
	m->pos--;
	r->held = 0;
}

void dmring_local_keep(struct dmring *r)
{
	struct local *m = local(r);
	struct place *place;
	__u64 load = 0;

	if (!r->held)
		return;
	while (m->taken != m->cur) {
		place = m->taken;
		m->taken = place->next;
		load += ONE_MESSAGE + cost(place->p->len);
		dmring_put_packet(place->p);
	}
	if (!m->taken)
		m->taken_end = &m->taken;
	r->held = 0;
	give_room(m, load);
}

static bool readable(struct local *m, size_t n)
{
	__u64 len;

	if (n < 2)
		return m->cur || !queue_empty(m);
	len = load_relaxed(&m->load) / ONE_MESSAGE;
	return len - m->r.held >= n ||
	       __atomic_exchange_n(&m->kicked, 0, __ATOMIC_SEQ_CST);
}

static bool ready(struct local *m, unsigned int what, size_t n)
{
	if (what & DMRING_WAIT_READ &&
	    readable(m, what & DMRING_WAIT_WRITE ? 1 : n))
		return true;
	return what & DMRING_WAIT_WRITE && dmring_local_room(m, n);
}

static __s64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Ask to be woken, before looking a last time */
static void ask(struct local *m, unsigned int what)
{
	eventfd_t value;

	if (what & DMRING_WAIT_WRITE) {
		eventfd_read(m->room_fd, &value);
		__atomic_exchange_n(&m->room_wanted, 1, __ATOMIC_SEQ_CST);
	}
	if (what & DMRING_WAIT_READ)
		settle(m);
	full_fence();
}

static int sleep_once(struct local *m, unsigned int what, __s64 left)
{
	struct pollfd fds[] = {
		{
			.fd = what & DMRING_WAIT_READ ? m->r.fd : -1,
			.events = POLLIN,
		}, {
			.fd = what & DMRING_WAIT_WRITE ? m->room_fd : -1,
			.events = POLLIN,
		},
	};
	int ret = poll(fds, 2, left);

	if (ret < 0)
		return -errno;
	return ret ? 0 : -ETIMEDOUT;
}

static int sleep_until(struct local *m, unsigned int what, size_t n,
		       int timeout_ms)
{
	__s64 end = now_ms() + timeout_ms, left = timeout_ms;
	int ret = 0;

	while (!ret) {
		ask(m, what);
		if (ready(m, what, n))
			break;
		if (timeout_ms >= 0)
			left = end - now_ms();
		ret = sleep_once(m, what, timeout_ms < 0 ? -1 :
				 left > 0 ? left : 0);
	}
	return ret;
}

/* A threshold, held messages counted; 1 means any, and readable means it */
static void set_want(struct local *m, __u64 want)
{
	if (load_relaxed(&m->want) == want)
		return;
	store_relaxed(&m->kicked, 0);
	store_relaxed(&m->want, want);
	full_fence();
	if (want == 1 && !queue_empty(m))
		dmring_signal_member(m);
}

static int make_room_fd(struct local *m)
{
	if (m->room_fd >= 0)
		return 0;
	m->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->room_fd >= 0)
		return 0;
	return dmring_fail(-errno, "no eventfd: %s", dmring_strerror(errno));
}

int dmring_local_wait(struct dmring *r, unsigned int what, size_t n,
		      int timeout_ms)
{
	struct local *m = local(r);
	bool many = what == DMRING_WAIT_READ && n > 1;
	int ret;

	dmring_local_submit(r);
	if (many && n > m->max_len)
		n = m->max_len;
	if (ready(m, what, n))
		return 0;
	if (what & DMRING_WAIT_WRITE) {
		ret = make_room_fd(m);
		if (ret)
			return ret;
		__atomic_add_fetch(&m->ring->waiting, 1, __ATOMIC_SEQ_CST);
	}
	if (many)
		set_want(m, r->held + n);
	ret = sleep_until(m, what, n, timeout_ms);
	if (many)
		set_want(m, 1);
	if (what & DMRING_WAIT_WRITE) {
		store_relaxed(&m->room_wanted, 0);
		__atomic_sub_fetch(&m->ring->waiting, 1, __ATOMIC_RELAXED);
	}
	return ret;
}

/* Nobody sends to it any more: give back all it holds and has waiting */
void dmring_local_drain(struct local *m)
{
	struct place *place;

	while (take(m))
		;
	while (m->taken) {
		place = m->taken;
		m->taken = place->next;
		dmring_put_packet(place->p);
	}
}
