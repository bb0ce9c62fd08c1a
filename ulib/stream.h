/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libdmring: a member of a ring of the kernel, and its reading side
 *
 * The fields of struct dmring_member after @s are private to one side each; what the sides
 * share is in the mapped pages and in @submitted.
 */
#ifndef DMRING_STREAM_H
#define DMRING_STREAM_H

#include "internal.h"

#define EVENT_QUEUE	32	/* events stepped over and kept, power of two */

/* How far the stream was read */
struct dmring_cursor {
	__u64 log;	/* index position */
	__u64 out;	/* byte position in the output space */
};

/* One record, found and checked; @after is the cursor behind it */
struct dmring_record {
	struct dmring_msg m;
	struct dmring_cursor after;
	bool in_log;
};

/**
 * struct dmring_member - a handle on a ring of the kernel
 * @r: head common to both scopes
 * @s: slot; invariant after attach
 * @submitted: in_tail at the last doorbell; both sides, relaxed: a stale value
 *             costs one doorbell too many
 * @ballot_known: the kernel has taken a ballot; any thread, relaxed
 * @smp: more than one CPU, so that spinning makes sense; invariant
 *
 * Sending side:
 * @in_tail: end of what was accepted
 * @in_head: in_head as last seen
 *
 * Receiving side:
 * @cur: what was peeked
 * @rel: what was released
 * @prev: @cur before the last peek
 * @tail: index_tail as last seen
 * @out_tail: out_tail as last seen, after @tail
 * @first: index position of the first log record held, ~0 for none
 * @last: likewise of the record peeked last
 * @gap: entries skipped, not told yet
 * @gap_ev: the event that tells it in place
 * @told: entries of gaps told in place since the last release
 * @own: the next run of own messages, empty when unknown
 * @ev: events stepped over
 * @ev_head: next to be taken from @ev
 * @ev_tail: end of @ev
 * @ev_mark: @ev_tail at the last release
 * @awaited: cookie of the request that dmring_call() waits for, 0 for none
 * @edge: epoll descriptor that tells of news where something old is unread, -1 before
 *        the first time
 * @weighed_at: when the load was last looked at (ns), 0 for never; any thread, by
 *              compare and swap
 * @weighed_used: processor time used until then (ns)
 */
struct dmring_member {
	struct dmring r;
	struct dmring_slot s;
	__u64 submitted;
	bool ballot_known;
	bool smp;

	alignas(SIDE) __u64 in_tail;
	__u64 in_head;

	alignas(SIDE) struct dmring_cursor cur;
	struct dmring_cursor rel;
	struct dmring_cursor prev;
	__u64 tail;
	__u64 out_tail;
	__u64 first;
	__u64 last;
	__u64 gap;
	struct dmring_ev gap_ev;
	__u64 told;
	struct dmring_run own;
	struct dmring_ev ev[EVENT_QUEUE];
	__u64 ev_head;
	__u64 ev_tail;
	__u64 ev_mark;
	__u64 awaited;
	int edge;
	__s64 weighed_at;
	__s64 weighed_used;
};

static inline struct dmring_member *dmring_member(struct dmring *r)
{
	return container_of(r, struct dmring_member, r);
}

static inline bool dmring_attached(const struct dmring_member *k)
{
	return load_acquire(&k->s.kernel->state) == DMRING_STATE_ATTACHED;
}

/* -ENOTCONN and a sentence that says why */
int dmring_gone(struct dmring_member *k);
/* The errno of an ioctl that has failed, and the kernel's sentence */
int dmring_refused(struct dmring_member *k, const char *why);

void dmring_stream_init(struct dmring_member *k);
int dmring_stream_next(struct dmring *r, struct dmring_msg *m,
		       enum dmring_want want);
void dmring_stream_unpeek(struct dmring *r);
int dmring_stream_check(struct dmring *r, bool last);
int dmring_stream_release(struct dmring *r);
void dmring_stream_keep(struct dmring *r);
int dmring_stream_event(struct dmring *r, struct dmring_ev *ev);
int dmring_stream_ready(struct dmring_member *k, size_t n);
void dmring_stream_refresh(struct dmring_member *k);
/* The record at @at of the output space, before out_tail, be it due or not */
int dmring_stream_out(struct dmring_member *k, __u64 at, struct dmring_record *found);

/* request.c: adds the next part of the reply; -EAGAIN: it has not come */
int dmring_member_look(struct dmring_member *k, struct dmring_answer *a);

#endif /* DMRING_STREAM_H */
