// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of requests, services and status of a ring, and the list of those who wait.
 *
 * Locking: ring->lock; ring->direct is set once under it.
 */
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "direct.h"
#include "thread.h"

/* Of a list: what is free may not be what the first of it wants */
#define TURNS	4
/* And all look now and then, whatever they were told, or were not; at one time (ns: each 134 ms) */
#define LOOK_EVERY	BIT_ULL(27)

static void init(struct dmring_ring *ring, struct dmring_direct *d)
{
	dmring_exchange_init(&d->exchange, ring->ops->exchange, ring, ring->node,
			     &ring->core.view, d->table, d->host_offers);
	INIT_LIST_HEAD(&d->services);
	INIT_LIST_HEAD(&d->waiting);
	INIT_LIST_HEAD(&d->crowd);
	INIT_LIST_HEAD(&d->timed);
	INIT_LIST_HEAD(&d->dirty);
	d->statuses = RB_ROOT;
	d->waiting_until = U64_MAX;
	d->busy_at = U64_MAX;
	d->looks_at = U64_MAX;
}

int dmring_direct_fits(struct dmring_ring *ring, char *why)
{
	u32 least = DMRING_WIRE_PARCEL + DMRING_STATUS_SIZE;

	if (!dmring_ring_is_network(ring) || dmring_core_max_msg(&ring->core) >= least)
		return 0;
	return dmring_why(why, -EMSGSIZE,
			  "requests and status between machines need a \"max\" of at least %u bytes",
			  least);
}

int dmring_direct_prepare(struct dmring_ring *ring)
{
	bool network = dmring_ring_is_network(ring);
	struct dmring_direct *d;
	u8 *parcels = NULL;

	/* pairs with the store-release below */
	if (smp_load_acquire(&ring->direct))
		return 0;
	d = kvzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (d && network)
		parcels = __vmalloc(ring->log.size, GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	if (!d || (network && !parcels)) {
		kvfree(d);
		return -ENOMEM;
	}
	init(ring, d);
	spin_lock(&ring->lock);
	if (!ring->direct) {
		ring->log.parcels = parcels;
		/* all of it before the pointer; pairs with the load-acquire above */
		smp_store_release(&ring->direct, d);
		parcels = NULL;
		d = NULL;
	}
	dmring_ring_unlock(ring);
	kvfree(d);
	vfree(parcels);
	return 0;
}

/* Nobody else has the ring */
void dmring_direct_free(struct dmring_ring *ring)
{
	struct dmring_direct *d = ring->direct;
	struct dmring_service *service, *next;
	struct dmring_status *status, *tmp;

	if (!d)
		return;
	list_for_each_entry_safe(service, next, &d->services, node)
		kfree(service);
	rbtree_postorder_for_each_entry_safe(status, tmp, &d->statuses, node)
		kfree(status);
	kvfree(d);
}

size_t dmring_direct_bytes(const struct dmring_ring *ring)
{
	const struct dmring_direct *d = READ_ONCE(ring->direct);

	if (!d)
		return 0;
	return sizeof(*d) + (ring->log.parcels ? ring->log.size : 0) +
	       READ_ONCE(d->service_count) * sizeof(struct dmring_service) +
	       READ_ONCE(d->status_count) * sizeof(struct dmring_status);
}

u32 dmring_direct_busy(const struct dmring_service *service)
{
	const struct dmring_offer *offer;
	u32 busy = 0;

	list_for_each_entry(offer, &service->offers, node)
		busy += offer->member->party.calls[DMRING_CALL_SERVER].count;
	return busy;
}

void dmring_direct_look(struct dmring_ring *ring, u64 when)
{
	if (when >= ring->direct->looks_at)
		return;
	ring->direct->looks_at = when;
	dmring_thread_kick(ring, DMRING_WORK_CALLS);
}

/* It has a turn then, if not before */
static void set_until(struct dmring_member *m, u64 until)
{
	struct dmring_direct *d = m->ring->direct;

	m->wait_until = until;
	d->waiting_until = min(d->waiting_until, until);
	dmring_direct_look(m->ring, until);
}

static u64 next_look(u64 now)
{
	return (now | (LOOK_EVERY - 1)) + 1;
}

static void wait_in(struct dmring_member *m, struct list_head *list, u64 until)
{
	dmring_direct_wait_no_more(m);
	list_add_tail(&m->wait_node, list);
	m->ring->direct->waiters++;
	set_until(m, until);
}

void dmring_direct_wait(struct dmring_member *m, struct list_head *in, u64 until)
{
	until = min(until, next_look(ktime_get_ns()));
	/* who only had a look keeps its place; who was woken, in vain, goes to the end */
	if (in == m->waits_in) {
		set_until(m, until);
		return;
	}
	wait_in(m, in, until);
	m->waits_in = in;
}

void dmring_direct_wait_any(struct dmring_member *m, u64 until)
{
	wait_in(m, &m->ring->direct->waiting, min(until, next_look(ktime_get_ns())));
}

void dmring_direct_wait_until(struct dmring_member *m, u64 until)
{
	wait_in(m, &m->ring->direct->timed, until);
}

void dmring_direct_wait_no_more(struct dmring_member *m)
{
	if (list_empty(&m->wait_node))
		return;
	list_del_init(&m->wait_node);
	m->waits_in = NULL;
	m->ring->direct->waiters--;
}

/* One that has left has it among those who have */
static void another_turn(struct dmring_member *m)
{
	struct dmring_ring *ring = m->ring;

	m->woken_from = m->waits_in ?: m->woken_from;
	dmring_direct_wait_no_more(m);
	m->waits_turn = false;
	if (m->attached) {
		dmring_marks_set(&ring->marked, m->id);
	} else {
		list_move_tail(&m->node, &ring->leaving);
		dmring_thread_kick(ring, DMRING_WORK_PUMP);
	}
}

void dmring_direct_recall(struct dmring_ring *ring)
{
	struct dmring_member *m, *next;

	/* those of a ring without requests wait for other things, and there may be many */
	if (!ring->direct)
		return;
	list_for_each_entry_safe(m, next, &ring->lingering, node)
		if (m->waits_turn && dmring_direct_is_its_turn(m))
			another_turn(m);
}

/* The first @n of them */
static void retry(struct list_head *list, u32 n)
{
	struct dmring_member *m, *next;

	list_for_each_entry_safe(m, next, list, wait_node) {
		if (!n--)
			break;
		another_turn(m);
	}
}

/* In the lists that are woken in turn; @only that one, or NULL: in all */
static void retry_turns(struct dmring_direct *d, const struct list_head *only, u32 n)
{
	struct dmring_service *service;
	int kind;

	if (!only || only == &d->crowd)
		retry(&d->crowd, n);
	list_for_each_entry(service, &d->services, node)
		for (kind = 0; kind < DMRING_WAIT_KINDS; kind++)
			if (!only || only == &service->waiting[kind])
				retry(&service->waiting[kind], n);
}

void dmring_direct_turn_over(struct dmring_member *m)
{
	const struct list_head *in = m->woken_from;

	/* if it waits for room on the ring, it is still to have what it was woken for */
	if (!list_empty(&m->stall_node))
		return;
	m->woken_from = NULL;
	/* the service may be no more: the list is looked for, not used */
	if (in && in != m->waits_in)
		retry_turns(m->ring->direct, in, 1);
}

void dmring_direct_retry_service(struct dmring_service *service)
{
	int kind;

	for (kind = 0; kind < DMRING_WAIT_KINDS; kind++)
		retry(&service->waiting[kind], U32_MAX);
}

void dmring_direct_retry(struct dmring_ring *ring)
{
	struct dmring_direct *d = ring->direct;

	if (!d->waiters)
		return;
	retry(&d->waiting, U32_MAX);
	retry_turns(d, NULL, TURNS);
}

/* It has waited long enough, and has a look: where others are woken in turn from where it is */
static void look_now(struct dmring_member *m, u64 now)
{
	if (!m->attached || !m->waits_in) {
		another_turn(m);
		return;
	}
	m->wait_until = next_look(now);
	dmring_marks_set(&m->ring->marked, m->id);
}

/* Of @list; until when the others may wait */
static u64 retry_late(struct list_head *list, u64 now)
{
	struct dmring_member *m, *next;
	u64 until = U64_MAX;

	list_for_each_entry_safe(m, next, list, wait_node) {
		if (m->wait_until <= now)
			look_now(m, now);
		if (!list_empty(&m->wait_node))
			until = min(until, m->wait_until);
	}
	return until;
}

void dmring_direct_retry_late(struct dmring_ring *ring, u64 now)
{
	struct dmring_direct *d = ring->direct;
	struct dmring_service *service;
	u64 until;
	int kind;

	until = min3(retry_late(&d->waiting, now), retry_late(&d->crowd, now),
		     retry_late(&d->timed, now));
	list_for_each_entry(service, &d->services, node)
		for (kind = 0; kind < DMRING_WAIT_KINDS; kind++)
			until = min(until, retry_late(&service->waiting[kind], now));
	d->waiting_until = until;
}
