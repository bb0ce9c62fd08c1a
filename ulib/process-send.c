// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: process scope: deliver to all members, wake them
 *
 * Threads: the sending side of a member; any number of members send at once.
 * Memory ordering: see the head of process.c.
 */
#define _LGPL_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "process.h"

void dmring_put_packet(struct packet *p)
{
	struct letter *l;

	if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL))
		return;
	free(p->places);
	if (p->type == DMRING_REC_DATA) {
		free(p);
		return;
	}
	l = letter(p);
	if (l->end)
		dmring_put_packet(&l->end->p);
	free(l);
}

void dmring_set_signal(struct local *m)
{
	if (!__atomic_exchange_n(&m->signalled, 1, __ATOMIC_SEQ_CST))
		eventfd_write(m->r.fd, 1);
}

/* Wake a reader, when it has what it wants and is not woken already */
void dmring_signal_member(struct local *m)
{
	__u64 len = load_relaxed(&m->load) / ONE_MESSAGE;

	if (len && len >= load_relaxed(&m->want) &&
	    !load_relaxed(&m->signalled))
		dmring_set_signal(m);
}

/* It is full: a reader that waits for more messages waits in vain */
void dmring_kick_member(struct local *m)
{
	store_relaxed(&m->kicked, 1);
	full_fence();
	if (load_relaxed(&m->want) > 1)
		dmring_set_signal(m);
}

void dmring_wake_for_room(struct local_ring *ring)
{
	struct snapshot *s;
	size_t i;

	full_fence();
	if (!load_relaxed(&ring->waiting))
		return;
	s = get_members(ring);
	for (i = 0; i < s->members; i++) {
		struct local *m = s->m[i];

		if (load_relaxed(&m->room_wanted) &&
		    __atomic_exchange_n(&m->room_wanted, 0, __ATOMIC_SEQ_CST))
			eventfd_write(m->room_fd, 1);
	}
	put_members(ring, s);
}

bool dmring_take_room(struct local *m, __u64 bytes)
{
	__u64 old = load_relaxed(&m->load);

	do {
		if (!fits(m, old, bytes))
			return false;
	} while (!__atomic_compare_exchange_n(&m->load, &old,
					      old + ONE_MESSAGE + bytes, true,
					      __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return true;
}

/* In every queue, or in none */
static int take_room_all(struct local *from, struct snapshot *s,
			 __u64 bytes)
{
	size_t i, full;

	for (i = 0; i < s->receivers; i++) {
		if (!skips(from, s->m[i]) && !dmring_take_room(s->m[i], bytes))
			break;
	}
	if (i == s->receivers)
		return 0;
	full = i;
	while (i--) {
		if (!skips(from, s->m[i]))
			__atomic_sub_fetch(&s->m[i]->load, ONE_MESSAGE + bytes,
					   __ATOMIC_RELEASE);
	}
	dmring_kick_member(s->m[full]);
	/* Who waited for the room that was given back */
	dmring_wake_for_room(from->ring);
	return -EAGAIN;
}

/* Its room is taken already */
void dmring_enqueue(struct local *m, struct place *place, struct packet *p, bool own)
{
	cds_wfcq_head_ptr_t head = { ._h = &m->head };

	place->p = p;
	place->own = own;
	place->next = NULL;
	cds_wfcq_node_init(&place->node);
	hand_over(place);
	cds_wfcq_enqueue(head, &m->tail, &place->node);
}

static void append(struct local *from, struct snapshot *s, struct packet *p)
{
	size_t i;

	for (i = 0; i < s->receivers; i++) {
		if (!skips(from, s->m[i]))
			dmring_enqueue(s->m[i], &p->places[i], p, s->m[i] == from);
	}
}

/*
 * One reference is the sender's until all is appended: readers may release
 * before that.
 */
static int deliver(struct local *from, struct snapshot *s, struct packet *p)
{
	size_t i, n = 0;
	int ret;

	for (i = 0; i < s->receivers; i++)
		n += !skips(from, s->m[i]);
	free(p->places);
	p->places = malloc((s->receivers + 1) * sizeof(*p->places));
	if (!p->places)
		return dmring_fail(-ENOMEM, "no memory");
	ret = take_room_all(from, s, cost(p->len));
	if (ret)
		return ret;
	p->refs = n + 1;
	append(from, s, p);
	dmring_put_packet(p);
	return 0;
}

bool dmring_local_room(struct local *from, size_t len)
{
	struct snapshot *s;
	bool room = true;
	size_t i;

	s = get_members(from->ring);
	for (i = 0; room && i < s->receivers; i++) {
		if (skips(from, s->m[i]))
			continue;
		room = fits(s->m[i], load_relaxed(&s->m[i]->load), cost(len));
		if (!room)
			dmring_kick_member(s->m[i]);
	}
	put_members(from->ring, s);
	return room;
}

int dmring_local_reserve(struct dmring *r, size_t len, void **buf)
{
	struct local *m = local(r);
	struct packet *p;

	if (len > DMRING_MSG_MAX)
		return dmring_fail(-EMSGSIZE, "%zu bytes never fit", len);
	if (!dmring_local_room(m, len))
		return -EAGAIN;
	p = malloc(sizeof(*p) + len);
	if (!p)
		return dmring_fail(-ENOMEM, "no memory");
	p->places = NULL;
	p->type = DMRING_REC_DATA;
	m->building = p;
	*buf = p->data;
	return 0;
}

int dmring_local_commit(struct dmring *r, size_t len)
{
	struct local *m = local(r);
	struct snapshot *s;
	int ret;

	m->building->len = len;
	s = get_members(m->ring);
	ret = deliver(m, s, m->building);
	put_members(m->ring, s);
	if (ret)
		return ret;
	m->building = NULL;
	store_release(&m->unsubmitted, true);
	store_relaxed(&m->sent, m->sent + 1);
	return 0;
}

void dmring_local_discard(struct dmring *r)
{
	struct local *m = local(r);

	if (m->building)
		free(m->building->places);
	free(m->building);
	m->building = NULL;
}

int dmring_local_submit(struct dmring *r)
{
	struct local *m = local(r);
	struct snapshot *s;
	size_t i;

	/* An exchange, for the receiving side may be here too, in a wait */
	if (!load_relaxed(&m->unsubmitted) ||
	    !__atomic_exchange_n(&m->unsubmitted, false, __ATOMIC_SEQ_CST))
		return 0;
	full_fence();
	s = get_members(m->ring);
	for (i = 0; i < s->receivers; i++) {
		if (s->m[i] != m || !(r->flags & DMRING_NO_ECHO))
			dmring_signal_member(s->m[i]);
	}
	put_members(m->ring, s);
	return 0;
}
