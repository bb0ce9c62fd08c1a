/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libdmring: process scope, what its five files share
 *
 *   process-send.c   deliver to all members, wake them
 *   process-recv.c   take from the own queue, wait
 *   process-call.c   services, requests and replies
 *   process-status.c what members show of themselves
 *   process.c        rings and their members, attach and detach
 *
 * The words at the head of process.c say how it works.
 */
#ifndef DMRING_PROCESS_H
#define DMRING_PROCESS_H

#include <pthread.h>
#include <sys/eventfd.h>
#include <urcu-bp.h>
#include <urcu/list.h>
#include <urcu/wfcqueue.h>

#include "internal.h"

#define ONE_MESSAGE	0x10000000000ULL	/* @load: messages above, bytes below */
#define LOCAL_EVENTS	32	/* events stepped over and kept, power of two */

struct packet;

/* A message's place in one member's queue */
struct place {
	struct cds_wfcq_node node;
	struct place *next;	/* among those taken from the queue */
	struct packet *p;
	bool own;		/* the queue is its sender's */
};

/**
 * struct packet - a message; any other type is the end of a struct letter
 * @refs: members that have not released it
 * @len: payload (bytes)
 * @places: one for each member, allocated when these are known
 * @type: DMRING_REC_*
 */
struct packet {
	unsigned int refs;
	__u32 len;
	struct place *places;
	__u16 type;

	alignas(16) __u8 data[];
};

/**
 * struct letter - a request, a reply, or an event of one member
 * Invariant once it is in a queue, but for @end.
 * @place: in its addressee's queue; not used by a request to each
 * @end: of a request: what will tell its sender if it comes to nothing, NULL once that has
 *       been sent; the ring's calls_lock
 * @ref: as in struct dmring_msg, like @service, @flags and @error
 * @service: see there
 * @flags: see there
 * @error: see there
 * @from: of a request: its sender's id
 * @cookie: of a request: its sender's
 * @deadline: of a request (ns), 0 for none
 * @p: its payload follows
 */
struct letter {
	struct place place;
	struct letter *end;
	__u64 ref;
	__u32 service;
	__u32 flags;
	int error;
	__u32 from;
	__u64 cookie;
	__u64 deadline;
	struct packet p;
};

static inline struct letter *letter(struct packet *p)
{
	return container_of(p, struct letter, p);
}

/* Who is in a ring; never changed once published (RCU) */
struct snapshot {
	struct rcu_head rcu;
	size_t receivers;	/* come first */
	size_t members;
	struct local *m[];
};

/**
 * struct local_ring - a ring
 * @node: in rings (table_lock)
 * @snapshot: RCU; written under table_lock
 * @next_id: table_lock
 * @waiting: members that wait for room, atomic
 * @generation: of forks; a child does not see its parent's rings
 * @calls_lock: of all that has to do with requests; taken under table_lock or none
 * @offers: services (calls_lock)
 * @offer_count: how many; calls_lock
 * @handles: services numbered so far; calls_lock
 * @caps: requests numbered so far; calls_lock
 * @status_lock: of all statuses; taken under table_lock or none
 * @statuses: members that have one, by id; status_lock
 * @name: invariant
 */
struct local_ring {
	struct cds_list_head node;
	struct snapshot *snapshot;
	__u32 next_id;
	__u32 waiting;
	__u64 generation;
	pthread_mutex_t calls_lock;
	struct cds_list_head offers;
	unsigned int offer_count;
	__u32 handles;
	__u64 caps;
	pthread_mutex_t status_lock;
	struct cds_list_head statuses;
	char name[DMRING_NAME_SIZE];
};

/**
 * struct local - a member
 * @r: head common to both scopes
 * @ring: invariant, like @max_bytes and @max_len
 * @rcu: frees it
 *
 * Sending side:
 * @building: open reservation
 * @sent: messages accepted; others may read
 * @unsubmitted: messages committed that nobody was woken for
 * @room_fd: eventfd on which it waits for room, -1 before the first time
 *
 * Any member's sending side:
 * @load: what waits for this member, atomic
 * @tail: of its queue
 *
 * Receiving side, with other members:
 * @head: of its queue
 * @signalled: an eventfd write was made or is being made; xchg
 * @want: messages to be woken for; own
 * @kicked: a sender found it full while it waited for @want; atomic
 * @room_wanted: wake @room_fd; xchg (sending side sets it)
 *
 * Receiving side:
 * @taken: first place taken from the queue and not released
 * @taken_end: where the next one is linked
 * @cur: next to be peeked, NULL when it is still in the queue
 * @last: peeked last
 * @pos: of @cur
 * @ev: events stepped over
 * @ev_head: next to be taken from @ev
 * @ev_tail: end of @ev
 *
 * The ring's calls_lock:
 * @asked: own requests under way, oldest first
 * @asked_count: how many
 * @serving: requests in its hands, oldest first
 * @serving_count: how many
 * @next_deadline: none of @asked ends before it (ns), 0: they have no deadline; read
 *                 without the lock
 *
 * The ring's status_lock:
 * @with_status: in the ring's statuses, or empty
 * @status: its own
 */
struct local {
	struct dmring r;
	struct local_ring *ring;
	__u64 max_bytes;
	__u64 max_len;
	struct rcu_head rcu;

	alignas(SIDE) struct packet *building;
	__u64 sent;
	bool unsubmitted;
	int room_fd;

	alignas(SIDE) __u64 load;
	struct cds_wfcq_tail tail;

	alignas(SIDE) struct __cds_wfcq_head head;
	unsigned int signalled;
	__u64 want;
	unsigned int kicked;
	unsigned int room_wanted;

	alignas(SIDE) struct place *taken;
	struct place **taken_end;
	struct place *cur;
	struct place *last;
	__u64 pos;
	struct dmring_ev ev[LOCAL_EVENTS];
	__u64 ev_head;
	__u64 ev_tail;

	alignas(SIDE) struct cds_list_head asked;
	struct cds_list_head serving;
	unsigned int asked_count;
	unsigned int serving_count;
	__u64 next_deadline;

	struct cds_list_head with_status;
	struct dmring_member_status status;
};

static inline struct local *local(struct dmring *r)
{
	return container_of(r, struct local, r);
}

static inline __u64 cost(size_t len)
{
	return len < DMRING_COST_MIN ? DMRING_COST_MIN : len;
}

static inline bool fits(const struct local *m, __u64 load, __u64 bytes)
{
	__u64 len = load / ONE_MESSAGE;

	bytes += load % ONE_MESSAGE;
	return len < m->max_len && (!len || bytes <= m->max_bytes);
}

static inline bool skips(const struct local *from, const struct local *m)
{
	return m == from && from->r.flags & DMRING_NO_ECHO;
}

/*
 * The thread sanitizer does not see liburcu's ordering: tell it where something
 * passes from one thread to another.
 */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *p);
void __tsan_release(void *p);
#define hand_over(p)	__tsan_release(p)
#define take_over(p)	__tsan_acquire(p)
#else
#define hand_over(p)	((void)(p))
#define take_over(p)	((void)(p))
#endif

/* Begin to use a ring's members, which stay while it is used; and end */
static inline struct snapshot *get_members(struct local_ring *ring)
{
	struct snapshot *s;

	urcu_bp_read_lock();
	s = rcu_dereference(ring->snapshot);
	take_over(s);
	return s;
}

static inline void put_members(struct local_ring *ring, struct snapshot *s)
{
	hand_over(s);
	hand_over(ring);
	urcu_bp_read_unlock();
}

/* process-send.c */
void dmring_put_packet(struct packet *p);
void dmring_set_signal(struct local *m);
void dmring_signal_member(struct local *m);
void dmring_kick_member(struct local *m);
bool dmring_take_room(struct local *m, __u64 bytes);
void dmring_enqueue(struct local *m, struct place *place, struct packet *p, bool own);
void dmring_wake_for_room(struct local_ring *ring);
bool dmring_local_room(struct local *from, size_t len);
int dmring_local_reserve(struct dmring *r, size_t len, void **buf);
int dmring_local_commit(struct dmring *r, size_t len);
void dmring_local_discard(struct dmring *r);
int dmring_local_submit(struct dmring *r);

/* process-recv.c */
int dmring_local_next(struct dmring *r, struct dmring_msg *msg,
		      enum dmring_want want);
void dmring_local_unpeek(struct dmring *r);
void dmring_local_keep(struct dmring *r);
int dmring_local_wait(struct dmring *r, unsigned int what, size_t n,
		      int timeout_ms);
void dmring_local_drain(struct local *m);
int dmring_local_event(struct dmring *r, struct dmring_ev *ev);
int dmring_local_until(struct dmring *r);
int dmring_local_answer(struct dmring *r, struct dmring_answer *a);
/* Take out what was not peeked yet: the first of @type, and of @ref if that is not 0; or NULL */
struct place *dmring_local_pick(struct local *m, __u16 type, __u64 ref);

/* process-call.c */
int dmring_local_offer(struct dmring *r, const char *service, bool end, __u32 *handle);
int dmring_local_request(struct dmring *r, const struct dmring_in_request *q, const void *data,
			 size_t len);
int dmring_local_reply(struct dmring *r, const struct dmring_in_reply *p, const void *data,
		       size_t len);
/* End those of its requests whose time is over */
void dmring_local_expire(struct local *m);
/* It leaves: end what it has asked for and what it has in hand */
void dmring_local_quit(struct local *m);

/* process-status.c */
int dmring_local_status(struct dmring *r, __u32 state, __u32 progress, const char *text);
int dmring_local_statuses(struct dmring *r, __u64 *next, struct dmring_member_status *s,
			  unsigned int room);
/* It leaves: so does its status */
void dmring_local_forget(struct local *m);

#endif /* DMRING_PROCESS_H */
