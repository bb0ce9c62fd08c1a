// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: process scope: members of one process, no kernel
 *
 * A message is allocated once, with a reference count, and put into the queue
 * (wfcqueue) of each member by its sender. Senders find the members in a
 * snapshot under RCU; attach and detach make a new one under table_lock. A
 * sender first takes room in every member's queue and then, in the same
 * read-side section and so with the same members, appends: all or nothing.
 *
 * Why liburcu's "bp" flavour: senders are threads of the program, and this one
 * alone asks nothing of them, neither to register (memb) nor to announce quiet
 * states (qsbr), and it takes no signal. Its read side costs what memb's does
 * where membarrier(2) is there. As with any user of it, a process that forks
 * without exec while threads run, and goes on with rings of this scope in the
 * child, calls liburcu's fork functions.
 *
 * Requests and replies go into one member's queue, by whoever sends them, under the ring's
 * calls_lock (see process-call.c).
 *
 * Threads: commit and submit may run in parallel with anything of other
 * members. "load" is the only word that many write without a lock.
 *
 * Memory ordering.
 *
 *   deliver()   enqueueing is a release, taking from the queue an acquire: a
 *               message is whole when it is seen.
 *   signal_member()
 *               message queued, full fence, load @signalled and @want: pairs
 *               with settle() and set_want(): @signalled or @want stored,
 *               full fence, queue looked at.
 *   give_room() @load lowered, full fence, load @waiting: pairs with
 *               ask(): @waiting raised and @room_wanted stored, full fence, loads looked at.
 *
 * The descriptor (an eventfd) is readable when @signalled, or about to be.
 */
#define _LGPL_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

#define QUEUE_BYTES	0x100000U
#define QUEUE_LEN	1024U

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static CDS_LIST_HEAD(rings);

/* ---- rings and their members ---- */

static struct local_ring *find_ring(const char *name, __u64 generation)
{
	struct local_ring *ring;

	cds_list_for_each_entry(ring, &rings, node) {
		if (ring->generation == generation &&
		    !strcmp(ring->name, name))
			return ring;
	}
	return NULL;
}

static struct snapshot *new_snapshot(size_t members)
{
	struct snapshot *s = malloc(sizeof(*s) + members * sizeof(s->m[0]));

	if (s) {
		s->receivers = 0;
		s->members = 0;
	}
	return s;
}

static struct local_ring *make_ring(const char *name, __u64 generation)
{
	struct local_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->snapshot = new_snapshot(0);
	if (!ring->snapshot) {
		free(ring);
		return NULL;
	}
	pthread_mutex_init(&ring->calls_lock, NULL);
	CDS_INIT_LIST_HEAD(&ring->offers);
	pthread_mutex_init(&ring->status_lock, NULL);
	CDS_INIT_LIST_HEAD(&ring->statuses);
	ring->generation = generation;
	strcpy(ring->name, name);
	cds_list_add(&ring->node, &rings);
	return ring;
}

static void free_snapshot(struct rcu_head *head)
{
	struct snapshot *s = caa_container_of(head, struct snapshot, rcu);

	take_over(s);
	free(s);
}

/* Nobody is in it, so nobody reads its snapshot either. */
static void drop_ring_if_empty(struct local_ring *ring)
{
	if (ring->snapshot->members)
		return;
	cds_list_del(&ring->node);
	pthread_mutex_destroy(&ring->calls_lock);
	pthread_mutex_destroy(&ring->status_lock);
	free(ring->snapshot);
	free(ring);
}

static bool receives(const struct local *m)
{
	return !(m->r.flags & DMRING_SEND_ONLY);
}

static void fill(struct snapshot *s, const struct snapshot *old,
		 const struct local *without, struct local *with,
		 bool receivers)
{
	size_t i;

	for (i = 0; i < old->members; i++) {
		if (old->m[i] != without && receives(old->m[i]) == receivers)
			s->m[s->members++] = old->m[i];
	}
	if (with && receives(with) == receivers)
		s->m[s->members++] = with;
}

/* Publish @s, allocated by the caller, in place of the ring's snapshot */
static void replace(struct local_ring *ring, struct snapshot *s,
		    const struct local *without, struct local *with)
{
	struct snapshot *old = ring->snapshot;

	fill(s, old, without, with, true);
	s->receivers = s->members;
	fill(s, old, without, with, false);
	hand_over(s);
	store_release(&ring->snapshot, s);
	hand_over(old);
	urcu_bp_call_rcu(&old->rcu, free_snapshot);
}

static int join_locked(struct local *m, const char *name, __u64 generation)
{
	struct local_ring *ring = find_ring(name, generation);
	struct snapshot *s;

	if (!ring)
		ring = make_ring(name, generation);
	if (!ring)
		return -ENOMEM;
	s = new_snapshot(ring->snapshot->members + 1);
	if (!s) {
		drop_ring_if_empty(ring);
		return -ENOMEM;
	}
	m->ring = ring;
	m->r.id = ring->next_id++;
	replace(ring, s, NULL, m);
	return 0;
}

/* ---- leaving ---- */

/* A grace period later: no sender has the member any more */
static void free_member(struct rcu_head *head)
{
	struct local *m = caa_container_of(head, struct local, rcu);

	dmring_local_drain(m);
	close(m->r.fd);
	if (m->room_fd >= 0)
		close(m->room_fd);
	free(m);
}

/*
 * Waiting keeps those who come and go quickly from piling up descriptors; who
 * detaches inside a read-side section of its own cannot wait.
 */
static void free_after_grace(struct local *m)
{
	if (urcu_bp_read_ongoing()) {
		urcu_bp_call_rcu(&m->rcu, free_member);
		return;
	}
	urcu_bp_synchronize_rcu();
	take_over(m->ring);
	free_member(&m->rcu);
}

static void leave_locked(struct local *m, struct snapshot *s)
{
	struct local_ring *ring = m->ring;

	dmring_local_quit(m);
	dmring_local_forget(m);
	replace(ring, s, m, NULL);
	if (ring->snapshot->members)
		dmring_wake_for_room(ring);
	else
		drop_ring_if_empty(ring);
}

static int leave(struct local *m)
{
	struct snapshot *s;

	pthread_mutex_lock(&table_lock);
	s = new_snapshot(m->ring->snapshot->members);
	if (s)
		leave_locked(m, s);
	pthread_mutex_unlock(&table_lock);
	return s ? 0 : dmring_fail(-ENOMEM, "no memory");
}

/* What a child has is a copy; other threads' half of it is not to be trusted. */
static void free_forked(struct local *m)
{
	close(m->r.fd);
	if (m->room_fd >= 0)
		close(m->room_fd);
}

static int local_free(struct dmring *r, bool forked)
{
	struct local *m = local(r);
	int ret;

	if (forked) {
		free_forked(m);
		return 0;
	}
	dmring_local_submit(r);
	ret = leave(m);
	if (ret)
		return ret;
	dmring_local_discard(r);
	free_after_grace(m);
	return 0;
}

/* ---- operations that have little to do here ---- */

/* Not reached: reserve takes every length that max_msg allows. */
static int local_send_big(struct dmring *r, const void *data, size_t len)
{
	(void)r;
	(void)data;
	(void)len;
	return -EMSGSIZE;
}

static int local_check(struct dmring *r, bool last)
{
	(void)r;
	(void)last;
	return 0;
}

static int local_release(struct dmring *r)
{
	dmring_local_keep(r);
	return 0;
}

static __u64 local_sent(struct dmring *r)
{
	return load_relaxed(&local(r)->sent);
}

static __u64 local_none(struct dmring *r)
{
	(void)r;
	return 0;
}

static __u32 local_max_msg(struct dmring *r)
{
	(void)r;
	return DMRING_MSG_MAX;
}

static int local_state(struct dmring *r)
{
	(void)r;
	return DMRING_STATE_ATTACHED;
}

static int local_reason(struct dmring *r)
{
	(void)r;
	return DMRING_REASON_NONE;
}

static const struct dmring_ops process_ops = {
	.free = local_free,
	.reserve = dmring_local_reserve,
	.commit = dmring_local_commit,
	.discard = dmring_local_discard,
	.submit = dmring_local_submit,
	.send_big = local_send_big,
	.next = dmring_local_next,
	.unpeek = dmring_local_unpeek,
	.check = local_check,
	.release = local_release,
	.keep = dmring_local_keep,
	.event = dmring_local_event,
	.wait = dmring_local_wait,
	.sent = local_sent,
	.stable = local_sent,	/* who has it in the queue has it */
	.dropped = local_none,
	.rejected = local_none,
	.max_msg = local_max_msg,
	.state = local_state,
	.reason = local_reason,
	.until = dmring_local_until,
	.offer = dmring_local_offer,
	.request = dmring_local_request,
	.reply = dmring_local_reply,
	.answer = dmring_local_answer,
	.status = dmring_local_status,
	.statuses = dmring_local_statuses,
};

/* ---- attach ---- */

static int init_member(struct local *m, const struct dmring_opts *o)
{
	memset(m, 0, sizeof(*m));
	m->r.ops = &process_ops;
	m->r.flags = o->flags;
	m->max_bytes = o->out_size ? o->out_size : QUEUE_BYTES;
	m->max_len = o->queue_len ? o->queue_len : QUEUE_LEN;
	m->room_fd = -1;
	m->want = 1;
	m->taken_end = &m->taken;
	CDS_INIT_LIST_HEAD(&m->asked);
	CDS_INIT_LIST_HEAD(&m->serving);
	CDS_INIT_LIST_HEAD(&m->with_status);
	__cds_wfcq_init(&m->head, &m->tail);
	m->r.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->r.fd >= 0)
		return 0;
	return dmring_fail(-errno, "no eventfd: %s", dmring_strerror(errno));
}

static int check_name(const char *name)
{
	if (strlen(name) >= DMRING_NAME_SIZE)
		return dmring_fail(-ENAMETOOLONG,
				   "a ring's name has at most %d bytes",
				   DMRING_NAME_SIZE - 1);
	if (strchr(name, '/'))
		return dmring_fail(-EINVAL, "a slash in the ring's name");
	return 0;
}

int dmring_process_attach(struct dmring **r, const char *name,
			  const struct dmring_opts *o)
{
	struct local *m;
	int ret = check_name(name);

	if (ret)
		return ret;
	m = aligned_alloc(__alignof__(struct local), sizeof(*m));
	if (!m)
		return dmring_fail(-ENOMEM, "no memory");
	ret = init_member(m, o);
	if (ret) {
		free(m);
		return ret;
	}
	pthread_mutex_lock(&table_lock);
	ret = join_locked(m, name, dmring_fork_generation());
	pthread_mutex_unlock(&table_lock);
	if (ret) {
		close(m->r.fd);
		free(m);
		return dmring_fail(ret, "no memory");
	}
	*r = &m->r;
	return 0;
}
