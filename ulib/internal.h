/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libdmring: what its files share
 *
 * Ranks, calls go down only:
 *
 *   0 why       sentences and texts; clock.h
 *   1 mapping   one slot of /dev/dmring: open, attach, map, unmap
 *   2 stream    reading of a ring of the kernel: log, index, output space
 *     ballot    a member's ballot, request: its services, and replies to it
 *   3 ring      a member of a ring of the kernel      struct dmring_ops
 *     process   a member of a ring of this process    struct dmring_ops
 *   4 api       what programs call, common to both
 *   5 call      likewise: requests, replies, status
 *     dispatch  a thread that reads (api stops it when it detaches, and offers when it attaches)
 *
 * struct dmring is the common head of both kinds of handle. Who writes what:
 * the sending side @open and what the ops keep for it, the receiving side
 * @held, and attach or dispatch_start/stop the rest.
 */
#ifndef DMRING_INTERNAL_H
#define DMRING_INTERNAL_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <dmring.h>

#define load_relaxed(p)		__atomic_load_n(p, __ATOMIC_RELAXED)
#define load_acquire(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_relaxed(p, v)	__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define read_fence()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define full_fence()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member)					\
	((type *)((char *)(ptr) - offsetof(type, member)))

/* What next() is to stop at */
enum dmring_want {
	WANT_DATA,	/* messages; events go to the queue of events */
	WANT_GAPS,	/* messages and gaps; other events go to the queue */
	WANT_ALL,	/* messages and events */
	WANT_EVENT,	/* events; -EAGAIN at a message */
};

/* A cookie with this bit is dmring_call()'s: nobody else is shown its reply. */
#define OWN_COOKIE	0x8000000000000000ULL

/**
 * struct dmring_answer - what has come of a request of dmring_call()
 * @cookie: of the request
 * @at: where to look on, the scope's own; begins with 0
 * @buf: the caller's
 * @size: of @buf
 * @give_up: ns, after which nobody waits for it any more; 0 for never
 * @len: of all parts, what did not fit into @buf as well
 * @flags: DMRING_REPLY_* of the last part
 * @error: of the last part, 0 or -errno
 * @kept: something unread is in front of it, so its room is not free again
 */
struct dmring_answer {
	__u64 cookie;
	__u64 at;
	void *buf;
	size_t size;
	__u64 give_up;
	size_t len;
	__u32 flags;
	int error;
	bool kept;
};

/* One part more, in place */
static inline void dmring_answer_add(struct dmring_answer *a, const struct dmring_msg *m)
{
	size_t room = a->len < a->size ? a->size - a->len : 0;
	size_t n = m->len < room ? m->len : room;

	if (n)
		memcpy((__u8 *)a->buf + a->len, m->data, n);
	a->len += m->len;
	a->flags = m->flags;
	a->error = m->error;
}

/* Sides are kept apart by two cache lines: processors fetch these in pairs. */
#define SIDE		128

struct dmring_dispatch;

/* First what seldom changes, then the sending side, then the receiving side */
struct dmring {
	const struct dmring_ops *ops;
	int fd;
	__u32 flags;
	__u32 id;
	__u64 generation;	/* of forks, at attach */
	struct dmring_dispatch *dispatch;

	alignas(SIDE) bool open;	/* a reservation is */
	size_t reserved;	/* bytes of it */
	__u64 calls;		/* of dmring_call(): cookies given out */

	alignas(SIDE) unsigned int held;	/* peeked, not released */
};

/**
 * struct dmring_ops - what a scope does
 * @free: leave and free; @forked: in a child, touch nothing shared; fails with
 *        -ENOMEM only, and then did nothing
 * @reserve: sets *buf; -EAGAIN, -EMSGSIZE, -ENOTCONN
 * @commit: accepts the open reservation
 * @discard: gives it back
 * @submit: doorbell
 * @send_big: a message that reserve finds too large
 * @next: peek; counts in @held unless WANT_EVENT
 * @unpeek: undo the last next(); only when it is all that is held
 * @check: all that is held (@last: what was peeked last) is whole
 * @release: give back all that is held; -EOVERFLOW rewinds
 * @keep: give back without looking (the dispatcher looked at each)
 * @ballot: and its neighbours: NULL in a scope without an office
 * @weigh: set the ballot's weight from the load, if it is time to
 * @event: next event that a WANT_DATA walk stepped over, else walk
 * @until: how long a reader may sleep (ms), negative for ever; NULL: for ever
 * @offer: serve @service, or (@end) cease to; sets *handle
 * @request: accepts a request; for those who wait for it @submit is still to come
 * @reply: likewise a reply
 * @answer: adds the next part of a reply, waits for it without end; nothing is held
 * @status: sets its own
 * @statuses: up to @room from *@next on, which it moves on; how many, fewer at the end alone
 */
struct dmring_ops {
	int (*free)(struct dmring *r, bool forked);
	int (*reserve)(struct dmring *r, size_t len, void **buf);
	int (*commit)(struct dmring *r, size_t len);
	void (*discard)(struct dmring *r);
	int (*submit)(struct dmring *r);
	int (*send_big)(struct dmring *r, const void *data, size_t len);
	int (*next)(struct dmring *r, struct dmring_msg *m,
		    enum dmring_want want);
	void (*unpeek)(struct dmring *r);
	int (*check)(struct dmring *r, bool last);
	int (*release)(struct dmring *r);
	void (*keep)(struct dmring *r);
	int (*event)(struct dmring *r, struct dmring_ev *ev);
	int (*wait)(struct dmring *r, unsigned int what, size_t n,
		    int timeout_ms);
	__u64 (*sent)(struct dmring *r);
	__u64 (*stable)(struct dmring *r);
	__u64 (*dropped)(struct dmring *r);
	__u64 (*rejected)(struct dmring *r);
	__u32 (*max_msg)(struct dmring *r);
	int (*state)(struct dmring *r);
	int (*reason)(struct dmring *r);
	int (*ballot)(struct dmring *r, bool willing, unsigned int weight);
	void (*weigh)(struct dmring *r);
	int (*resign)(struct dmring *r);
	int (*in_office)(struct dmring *r);
	int (*until)(struct dmring *r);
	int (*offer)(struct dmring *r, const char *service, bool end, __u32 *handle);
	int (*request)(struct dmring *r, const struct dmring_in_request *q, const void *data,
		       size_t len);
	int (*reply)(struct dmring *r, const struct dmring_in_reply *p, const void *data,
		     size_t len);
	int (*answer)(struct dmring *r, struct dmring_answer *a);
	int (*status)(struct dmring *r, __u32 state, __u32 progress, const char *text);
	int (*statuses)(struct dmring *r, __u64 *next, struct dmring_member_status *s,
			unsigned int room);
};

/* why.c: returns err, so that "return dmring_fail(-EX, ...)" reads well */
int dmring_fail(int err, const char *fmt, ...)
	__attribute((format(printf, 2, 3)));
void dmring_why_clear(void);

/**
 * struct dmring_slot - a slot and its areas (see linux/dmring.h)
 * @log: NULL for a member that only sends, like @index
 */
struct dmring_slot {
	int fd;
	struct dmring_user_page *user;
	const struct dmring_kernel_page *kernel;
	const struct dmring_group_page *group;
	__u8 *in;
	const __u8 *out;
	const __u8 *log;
	const __u64 *index;
	struct dmring_ioc_attach a;	/* as the kernel answered */
};

/* mapping.c */
int dmring_slot_open(struct dmring_slot *s, const char *name,
		     const struct dmring_opts *o);
void dmring_slot_close(struct dmring_slot *s, bool forked);
__u64 dmring_fork_generation(void);
bool dmring_forked(__u64 generation);

/* ring.c, process.c: make a handle; *r set on success */
int dmring_kernel_attach(struct dmring **r, const char *name,
			 const struct dmring_opts *o);
int dmring_process_attach(struct dmring **r, const char *name,
			  const struct dmring_opts *o);

/* ballot.c */
struct dmring_member;
int dmring_member_ballot(struct dmring *r, bool willing, unsigned int weight);
void dmring_member_weigh(struct dmring *r);
int dmring_member_resign(struct dmring *r);
int dmring_member_in_office(struct dmring *r);

/* request.c */
int dmring_member_offer(struct dmring *r, const char *service, bool end, __u32 *handle);
int dmring_member_status(struct dmring *r, __u32 state, __u32 progress, const char *text);
int dmring_member_statuses(struct dmring *r, __u64 *next, struct dmring_member_status *s,
			   unsigned int room);

/* api.c: 0 or -errno and a sentence */
int dmring_usable(struct dmring *r);
int dmring_may_receive(struct dmring *r);	/* no dispatch thread does */
/* The doorbell for what is accepted, and so must not be reported as failed: 0 or -ENOTCONN */
int dmring_tell(struct dmring *r);
/* Before room is looked for again; @tries in vain so far */
void dmring_back_off(unsigned int tries);

/* For whoever waits for messages, every time */
static inline void dmring_weigh(struct dmring *r)
{
	if (r->flags & DMRING_WEIGH && r->ops->weigh)
		r->ops->weigh(r);
}

#endif /* DMRING_INTERNAL_H */
