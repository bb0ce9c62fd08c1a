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
#include <string.h>
#include <urcu/arch.h>

#include "clock.h"
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

static void due(struct local *m)
{
	__u64 at = load_relaxed(&m->next_deadline);

	if (at && at <= now_ns())
		dmring_local_expire(m);
}

/* The place at the cursor, NULL when there is none */
static struct place *current(struct local *m)
{
	if (!m->cur)
		m->cur = take(m);
	if (!m->cur) {
		settle(m);
		m->cur = take(m);
	}
	return m->cur;
}

static void queue_event(struct local *m, const struct packet *p)
{
	if (m->ev_tail - m->ev_head == LOCAL_EVENTS)
		m->ev_head++;
	memcpy(&m->ev[m->ev_tail++ % LOCAL_EVENTS], p->data, sizeof(m->ev[0]));
}

/* Not so: events that are to wait, and replies that came too late for dmring_call() */
static bool wanted(struct local *m, struct packet *p, enum dmring_want want)
{
	if (p->type == DMRING_REC_EVENT && want != WANT_ALL && want != WANT_EVENT) {
		queue_event(m, p);
		return false;
	}
	return p->type != DMRING_REC_REPLY || !(letter(p)->ref & OWN_COOKIE);
}

static void describe_letter(const struct letter *l, struct dmring_msg *msg)
{
	msg->ref = l->ref;
	msg->service = l->service;
	msg->flags = l->flags;
	msg->error = l->error;
	if (msg->type == DMRING_REC_REQUEST)
		msg->left_ms = left_ms(l->deadline);
}

static void describe(const struct local *m, const struct place *place, struct dmring_msg *msg)
{
	struct packet *p = place->p;

	memset(msg, 0, sizeof(*msg));
	msg->data = p->data;
	msg->len = p->len;
	msg->type = p->type;
	msg->own = m->r.flags & DMRING_OWN && place->own;
	msg->pos = m->pos;
	if (p->type == DMRING_REC_REQUEST || p->type == DMRING_REC_REPLY)
		describe_letter(letter(p), msg);
}

int dmring_local_next(struct dmring *r, struct dmring_msg *msg,
		      enum dmring_want want)
{
	struct local *m = local(r);
	struct place *place;

	due(m);
	while ((place = current(m)) && !wanted(m, place->p, want))
		m->cur = place->next;
	if (!place)
		return -EAGAIN;
	describe(m, place, msg);
	m->pos++;
	m->last = place;
	m->cur = place->next;
	r->held++;
	return 0;
}

void dmring_local_unpeek(struct dmring *r)
{
	struct local *m = local(r);

	m->cur = m->last;
	m->pos--;
	r->held = 0;
}

void dmring_local_keep(struct dmring *r)
{
	struct local *m = local(r);
	struct place *place;
	__u64 load = 0;

	while (m->taken != m->cur) {
		place = m->taken;
		m->taken = place->next;
		load += ONE_MESSAGE + cost(place->p->len);
		dmring_put_packet(place->p);
	}
	if (!m->taken)
		m->taken_end = &m->taken;
	r->held = 0;
	if (load)
		give_room(m, load);
}

int dmring_local_event(struct dmring *r, struct dmring_ev *ev)
{
	struct local *m = local(r);
	struct dmring_msg msg;
	int ret;

	if (m->ev_head != m->ev_tail) {
		*ev = m->ev[m->ev_head++ % LOCAL_EVENTS];
		return 0;
	}
	if (r->held)
		return -EAGAIN;
	ret = dmring_local_next(r, &msg, WANT_EVENT);
	if (!ret && msg.type == DMRING_REC_EVENT) {
		memcpy(ev, msg.data, sizeof(*ev));
	} else if (!ret) {
		dmring_local_unpeek(r);
		ret = -EAGAIN;
	}
	dmring_local_keep(r);
	return ret;
}

/* Also what somebody is just putting in */
static void take_all(struct local *m)
{
	struct place *place;

	while (!queue_empty(m)) {
		place = take(m);
		if (!place)
			caa_cpu_relax();
		else if (!m->cur)
			m->cur = place;
	}
}

struct place *dmring_local_pick(struct local *m, __u16 type, __u64 ref)
{
	struct place **at, *place;

	take_all(m);
	for (at = &m->taken; *at != m->cur; at = &(*at)->next)
		;
	while (*at && ((*at)->p->type != type || (ref && letter((*at)->p)->ref != ref)))
		at = &(*at)->next;
	place = *at;
	if (!place)
		return NULL;
	*at = place->next;
	if (!place->next)
		m->taken_end = at;
	if (m->cur == place)
		m->cur = place->next;
	return place;
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
	if (what & DMRING_WAIT_READ)
		due(m);
	if (what & DMRING_WAIT_READ &&
	    readable(m, what & DMRING_WAIT_WRITE ? 1 : n))
		return true;
	return what & DMRING_WAIT_WRITE && dmring_local_room(m, n);
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

/* How long until a deadline is to be looked at: ms, negative for ever */
int dmring_local_until(struct dmring *r)
{
	return left_ms(load_relaxed(&local(r)->next_deadline));
}

/* -ETIMEDOUT when @left ms (negative: for ever) are over */
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
	int until = what & DMRING_WAIT_READ ? dmring_local_until(&m->r) : -1;
	bool early = until >= 0 && (left < 0 || until < left);
	int ret = poll(fds, 2, early ? until : left);

	if (ret < 0)
		return -errno;
	return ret || early ? 0 : -ETIMEDOUT;
}

static int sleep_until(struct local *m, unsigned int what, size_t n,
		       int timeout_ms)
{
	__s64 end = (__s64)(now_ns() / 1000000) + timeout_ms, left = timeout_ms;
	int ret = 0;

	while (!ret) {
		ask(m, what);
		if (ready(m, what, n))
			break;
		if (timeout_ms >= 0)
			left = end - (__s64)(now_ns() / 1000000);
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

/* Wait until a reply with this cookie can be taken out; -errno */
static int wait_for_answer(struct local *m, __u64 cookie, struct place **place)
{
	int ret = 0;

	for (;;) {
		due(m);
		*place = dmring_local_pick(m, DMRING_REC_REPLY, cookie);
		if (*place || ret)
			return *place ? 0 : ret;
		ask(m, DMRING_WAIT_READ);
		if (queue_empty(m))
			ret = sleep_once(m, DMRING_WAIT_READ, -1);
	}
}

int dmring_local_answer(struct dmring *r, struct dmring_answer *a)
{
	struct local *m = local(r);
	struct dmring_msg msg;
	struct place *place;
	int ret;

	dmring_local_keep(r);
	ret = wait_for_answer(m, a->cookie, &place);
	if (!ret) {
		describe(m, place, &msg);
		dmring_answer_add(a, &msg);
		give_room(m, ONE_MESSAGE + cost(place->p->len));
		dmring_put_packet(place->p);
	}
	/* what was found in front is no longer in the queue, and still news */
	if (m->cur)
		dmring_set_signal(m);
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
