// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: reading a ring of the kernel: log, index, output space, events
 *
 * Two sources make one stream. The index lists what is delivered to the group;
 * records of the output space are this member's own and carry the index
 * position they follow: such a record is due once all entries before that
 * position are read. A run of own messages is stepped over under "no echo".
 *
 * Threads: all of it belongs to the receiving side.
 *
 * Memory ordering. What is loaded from the mapped areas is loaded once into a
 * private variable and checked there; sizes are those of attach.
 *
 *   dmring_stream_refresh()
 *               index_tail, acquire, then out_tail, acquire: pairs with pump:
 *               record, out_tail, index entry, own run, index_tail, each stored
 *               before the next (release). So what is due before a visible
 *               entry is visible too.
 *   look_base() read fence between reading a record and loading log_base and
 *               state: pairs with pump: log_base (or state) stored, write
 *               barrier, then the record overwritten. Whoever saw any of the
 *               overwriting sees the new log_base.
 *   publish()   log_head and out_head, release: pairs with pump: loads them,
 *               acquire, before it overwrites. Then a full fence and loads of
 *               kick_at and out_kick: pairs with pump: stores kick_at (out_kick),
 *               full barrier, loads log_head (out_head). One of the two sees
 *               the other, so that nobody who waits for room is forgotten.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "clock.h"
#include "stream.h"

#define NONE	(~0ULL)

int dmring_gone(struct dmring_member *k)
{
	__u32 reason = load_relaxed(&k->s.kernel->reason);

	return dmring_fail(-ENOTCONN, "no longer attached: %s", reason ?
			   dmring_reason_str(reason) : "reason unknown");
}

int dmring_refused(struct dmring_member *k, const char *why)
{
	int err = errno;

	if (err == ENOTCONN)
		return dmring_gone(k);
	return why[0] ? dmring_fail(-err, "%.*s", DMRING_WHY_SIZE, why) : -err;
}

void dmring_stream_init(struct dmring_member *k)
{
	k->cur.log = k->s.a.start;
	k->cur.out = 0;
	k->rel = k->cur;
	k->tail = k->cur.log;
	k->first = NONE;
	k->last = NONE;
}

static bool send_only(const struct dmring_member *k)
{
	return !k->s.index;
}

static __u64 align(__u64 n)
{
	return (n + DMRING_ALIGN - 1) & ~(__u64)(DMRING_ALIGN - 1);
}

/* A zapped page reads as zero; such a tail lies behind us and is ignored. */
void dmring_stream_refresh(struct dmring_member *k)
{
	__u64 tail;

	if (!send_only(k)) {
		tail = load_acquire(&k->s.group->index_tail);
		if ((__s64)(tail - k->cur.log) >= 0)
			k->tail = tail;
		k->own.count = 0;
	}
	tail = load_acquire(&k->s.kernel->out_tail);
	if (tail - k->cur.out <= k->s.a.out_size)
		k->out_tail = tail;
}

/* Is index position @pos (NONE: the output space) still ours? Call after reading
 * what it names.
 */
static int look_base(struct dmring_member *k, __u64 pos, __u64 *base)
{
	read_fence();
	*base = load_relaxed(&k->s.kernel->log_base);
	if (!dmring_attached(k))
		return -ENOTCONN;
	return *base > pos ? -EOVERFLOW : 0;
}

/* Nothing sensible where a record must be: zapped, or the kernel is at fault */
static int broken(struct dmring_member *k)
{
	if (!dmring_attached(k))
		return dmring_gone(k);
	return dmring_fail(-EIO, "no valid record at index position %llu",
			   (unsigned long long)k->cur.log);
}

static void header(const void *at, struct dmring_rec *rec)
{
	const struct dmring_rec *from = at;

	rec->pos = load_relaxed(&from->pos);
	rec->len = load_relaxed(&from->len);
	rec->type = load_relaxed(&from->type);
	rec->flags = load_relaxed(&from->flags);
}

/* Bytes of a record with header and identity; not aligned */
static __u64 record_size(const struct dmring_rec *rec)
{
	__u64 n = sizeof(*rec) + (__u64)rec->len;

	return rec->flags & DMRING_REC_IDENT ?
	       n + sizeof(struct dmring_ident) : n;
}

static void describe(const __u8 *at, const struct dmring_rec *rec,
		     __u64 pos, struct dmring_msg *m)
{
	memset(m, 0, sizeof(*m));
	at += sizeof(*rec);
	if (rec->flags & DMRING_REC_IDENT) {
		m->ident = (const struct dmring_ident *)at;
		at += sizeof(struct dmring_ident);
	}
	m->data = at;
	m->len = rec->len;
	m->type = rec->type;
	m->pos = pos;
}

static size_t request_head(const struct dmring_request *from, struct dmring_msg *m)
{
	m->ref = load_relaxed(&from->cap);
	m->service = load_relaxed(&from->service);
	m->flags = load_relaxed(&from->flags);
	m->left_ms = left_ms(load_relaxed(&from->deadline));
	return sizeof(*from);
}

static size_t reply_head(const struct dmring_reply *from, struct dmring_msg *m)
{
	m->ref = load_relaxed(&from->cookie);
	m->flags = load_relaxed(&from->flags);
	m->error = -(int)load_relaxed(&from->error);
	return sizeof(*from);
}

/* What stands in front of its payload; false when there is no room for that */
static bool describe_call(struct dmring_msg *m)
{
	size_t head;

	if (m->type != DMRING_REC_REQUEST && m->type != DMRING_REC_REPLY)
		return true;
	if (m->type == DMRING_REC_REQUEST)
		head = m->len < sizeof(struct dmring_request) ? 0 : request_head(m->data, m);
	else
		head = m->len < sizeof(struct dmring_reply) ? 0 : reply_head(m->data, m);
	m->data = (const __u8 *)m->data + head;
	m->len -= head;
	return head;
}

int dmring_stream_out(struct dmring_member *k, __u64 at, struct dmring_record *found)
{
	const __u8 *from = k->s.out + (at & (k->s.a.out_size - 1));
	struct dmring_rec rec;
	__u64 size, base;

	header(from, &rec);
	size = align(record_size(&rec));
	if (size > k->out_tail - at)
		return broken(k);
	describe(from, &rec, rec.pos, &found->m);
	if (!describe_call(&found->m))
		return broken(k);
	if (look_base(k, NONE, &base))
		return dmring_gone(k);
	found->after.log = k->cur.log;
	found->after.out = at + size;
	found->in_log = false;
	return 0;
}

/* The record at the cursor of the output space, if there is one and it is due */
static int look_out(struct dmring_member *k, struct dmring_record *found)
{
	int ret;

	if (k->cur.out == k->out_tail)
		return -EAGAIN;
	ret = dmring_stream_out(k, k->cur.out, found);
	if (!ret && !send_only(k) && (__s64)(found->m.pos - k->cur.log) > 0)
		return -EAGAIN;
	return ret;
}

static void publish(struct dmring_member *k)
{
	bool log = k->cur.log != k->rel.log, out = k->cur.out != k->rel.out;

	if (!log && !out)
		return;
	if (out)
		store_release(&k->s.user->out_head, k->cur.out);
	if (log)
		store_release(&k->s.user->log_head, k->cur.log);
	k->rel = k->cur;
	full_fence();
	if ((log && k->cur.log >= load_relaxed(&k->s.kernel->kick_at)) ||
	    (out && k->cur.out >= load_relaxed(&k->s.kernel->out_kick)))
		ioctl(k->s.fd, DMRING_IOC_SUBMIT);
}

void dmring_stream_keep(struct dmring *r)
{
	struct dmring_member *k = dmring_member(r);

	publish(k);
	k->first = NONE;
	k->last = NONE;
	k->ev_mark = k->ev_tail;
	k->told = 0;
	r->held = 0;
}

/*
 * Skip to log_base what the kernel took back; not while anything is held. It is
 * published at once: a later rewind must not come back here and count it again.
 */
static int skip_gap(struct dmring_member *k, __u64 base)
{
	if (k->r.held)
		return -EAGAIN;
	k->gap += base - k->cur.log;
	k->cur.log = base;
	k->own.count = 0;
	dmring_stream_keep(&k->r);
	return -EOVERFLOW;
}

/*
 * Find the first run of own messages that ends behind the cursor, going back
 * from the newest. The oldest entry may be being overwritten (only when it ends
 * before log_head): one that is not older than its successor is such. The last
 * entry may grow, but not over entries before @tail, which was loaded earlier.
 */
static void find_own(struct dmring_member *k)
{
	const struct dmring_kernel_page *kp = k->s.kernel;
	__u64 tail = load_acquire(&kp->own_tail), e;
	struct dmring_run run, best = { NONE, 0 };

	for (e = tail; e && tail - e < DMRING_OWN_RUNS; e--) {
		const struct dmring_run *at = &kp->own[(e - 1) %
						       DMRING_OWN_RUNS];

		run.count = load_acquire(&at->count);
		run.first = load_relaxed(&at->first);
		if (run.first + run.count <= k->cur.log ||
		    run.first >= best.first)
			break;
		best = run;
	}
	k->own = best;
	if (best.first == NONE)
		k->own.count = 1;	/* known: none; ends at 0 */
}

/* Is the cursor at an own message? Then k->own is its run. */
static bool at_own(struct dmring_member *k)
{
	if (k->own.count && k->cur.log >= k->own.first + k->own.count && k->own.first != NONE)
		k->own.count = 0;
	if (!k->own.count)
		find_own(k);
	return k->cur.log >= k->own.first;
}

/* The record at the cursor of the index, which is before the tail */
static int look_log(struct dmring_member *k, struct dmring_record *found)
{
	__u64 at = k->cur.log, entry, base;
	struct dmring_rec rec;
	const __u8 *from;
	int ret;

	entry = load_relaxed(&k->s.index[at & (k->s.a.index_size - 1)]);
	from = k->s.log + (entry & (k->s.a.log_size - DMRING_ALIGN));
	header(from, &rec);
	ret = look_base(k, at, &base);
	if (ret == -EOVERFLOW)
		return skip_gap(k, base);
	if (ret || rec.pos != entry || record_size(&rec) > k->s.a.log_size)
		return broken(k);
	describe(from, &rec, at, &found->m);
	found->m.own = k->r.flags & DMRING_OWN && at_own(k);
	found->after.log = at + 1;
	found->after.out = k->cur.out;
	found->in_log = true;
	return 0;
}

/* Step over own messages at the cursor; says whether it did */
static bool skip_own(struct dmring_member *k)
{
	__u64 end;

	if (!(k->r.flags & DMRING_NO_ECHO) || !at_own(k))
		return false;
	end = k->own.first + k->own.count;
	k->own.count = 0;
	k->cur.log = end < k->tail ? end : k->tail;
	return true;
}

/*
 * The next record of the stream, without passing it. -EAGAIN, -ENOTCONN, -EIO;
 * -EOVERFLOW when the cursor was moved over a gap.
 */
static int look(struct dmring_member *k, struct dmring_record *found)
{
	int ret;

	do {
		if (k->cur.log >= k->tail)
			dmring_stream_refresh(k);
		ret = look_out(k, found);
		if (ret != -EAGAIN)
			return ret;
		if (k->cur.log >= k->tail)
			return dmring_attached(k) ? -EAGAIN : dmring_gone(k);
	} while (skip_own(k));
	return look_log(k, found);
}

static void pass(struct dmring_member *k, const struct dmring_record *found)
{
	k->prev = k->cur;
	k->cur = found->after;
}

static void hold(struct dmring_member *k, const struct dmring_record *found)
{
	k->r.held++;
	k->last = NONE;
	if (!found->in_log)
		return;
	k->last = found->m.pos;
	if (k->first == NONE)
		k->first = k->last;
}

/* Copy an event out; false when it was overwritten meanwhile */
static bool copy_event(struct dmring_member *k, const struct dmring_record *found,
		       struct dmring_ev *ev)
{
	size_t len = found->m.len;
	__u64 base;

	memset(ev, 0, sizeof(*ev));
	memcpy(ev, found->m.data, len < sizeof(*ev) ? len : sizeof(*ev));
	return !look_base(k, found->in_log ? found->m.pos : NONE, &base);
}

static void queue_event(struct dmring_member *k, const struct dmring_ev *ev)
{
	if (k->ev_tail - k->ev_head == EVENT_QUEUE)
		k->ev_head++;
	k->ev[k->ev_tail++ % EVENT_QUEUE] = *ev;
}

static void make_gap_event(struct dmring_member *k)
{
	memset(&k->gap_ev, 0, sizeof(k->gap_ev));
	k->gap_ev.what = DMRING_EV_GAP;
	k->gap_ev.arg = k->gap;
	k->gap = 0;
}

/* Tell a gap the way asked for; -EAGAIN: it went into the queue, go on */
static int tell_gap(struct dmring_member *k, struct dmring_msg *m,
		    enum dmring_want want)
{
	make_gap_event(k);
	if (want == WANT_DATA && !(k->r.flags & DMRING_EVENTS))
		return -EOVERFLOW;
	if (want == WANT_DATA) {
		queue_event(k, &k->gap_ev);
		return -EAGAIN;
	}
	memset(m, 0, sizeof(*m));
	m->data = &k->gap_ev;
	m->len = sizeof(k->gap_ev);
	m->type = DMRING_REC_EVENT;
	m->pos = k->cur.log;
	if (want != WANT_EVENT) {
		k->told += k->gap_ev.arg;
		k->r.held++;
		k->last = NONE;
	}
	return 0;
}

/* A request or a reply that is for the caller; not what came too late for dmring_call() */
static bool is_call(const struct dmring_member *k, const struct dmring_msg *m)
{
	if (!(k->r.flags & DMRING_CALLS))
		return false;
	if (m->type == DMRING_REC_REPLY)
		return !(m->ref & OWN_COOKIE) || m->ref == k->awaited;
	return m->type == DMRING_REC_REQUEST;
}

/* Pass what is not wanted; says whether @found is. Types to come are passed. */
static bool wanted(struct dmring_member *k, const struct dmring_record *found,
		   enum dmring_want want)
{
	struct dmring_ev ev;

	if (found->m.type == DMRING_REC_DATA || is_call(k, &found->m))
		return true;
	if (found->m.type == DMRING_REC_EVENT) {
		if (want == WANT_ALL || want == WANT_EVENT)
			return true;
		if (!copy_event(k, found, &ev))
			return false;
		queue_event(k, &ev);
	}
	pass(k, found);
	return false;
}

static int walk(struct dmring_member *k, struct dmring_record *found,
		enum dmring_want want)
{
	int ret;

	do {
		if (k->gap) {
			ret = tell_gap(k, &found->m, want);
			if (ret != -EAGAIN)
				return ret ? ret : 1;
		}
		ret = look(k, found);
	} while (ret == -EOVERFLOW || (!ret && !wanted(k, found, want)));
	return ret;
}

int dmring_stream_next(struct dmring *r, struct dmring_msg *m,
		       enum dmring_want want)
{
	struct dmring_member *k = dmring_member(r);
	struct dmring_record found;
	int ret = walk(k, &found, want);

	if (ret < 0)
		return ret;
	if (!ret) {
		pass(k, &found);
		hold(k, &found);
	}
	*m = found.m;
	return 0;
}

int dmring_stream_check(struct dmring *r, bool last)
{
	struct dmring_member *k = dmring_member(r);
	__u64 pos = last ? k->last : k->first, base;
	int ret;

	if (!r->held)
		return 0;
	ret = look_base(k, pos, &base);
	return ret == -ENOTCONN ? dmring_gone(k) : ret;
}

void dmring_stream_unpeek(struct dmring *r)
{
	struct dmring_member *k = dmring_member(r);

	k->cur = k->prev;
	dmring_stream_keep(r);
}

/*
 * Something that is held was overwritten: go back to the last release and on
 * from log_base, so that only what is really lost is, and forget the events
 * queued since. With DMRING_EVENTS the gap comes as an event as well, and so do
 * those told within what is held, for the caller discards them too.
 */
static int rewind_lost(struct dmring_member *k)
{
	__u64 base = load_relaxed(&k->s.kernel->log_base);

	k->cur = k->rel;
	k->gap += k->told;
	if (base > k->cur.log) {
		if (k->r.flags & DMRING_EVENTS)
			k->gap += base - k->cur.log;
		k->cur.log = base;
	}
	k->own.count = 0;
	k->ev_tail = k->ev_mark > k->ev_head ? k->ev_mark : k->ev_head;
	return -EOVERFLOW;
}

int dmring_stream_release(struct dmring *r)
{
	struct dmring_member *k = dmring_member(r);
	int ret = dmring_stream_check(r, false);

	if (ret == -EOVERFLOW)
		ret = rewind_lost(k);
	dmring_stream_keep(r);
	return ret;
}

int dmring_stream_event(struct dmring *r, struct dmring_ev *ev)
{
	struct dmring_member *k = dmring_member(r);
	struct dmring_record found;
	int ret;

	if (k->ev_head != k->ev_tail) {
		*ev = k->ev[k->ev_head++ % EVENT_QUEUE];
		return 0;
	}
	if (r->held)
		return -EAGAIN;
	do {
		ret = walk(k, &found, WANT_EVENT);
		if (ret < 0 || (!ret && found.m.type != DMRING_REC_EVENT))
			return ret < 0 ? ret : -EAGAIN;
	} while (!ret && !copy_event(k, &found, ev));
	if (ret)
		*ev = k->gap_ev;
	else
		pass(k, &found);
	dmring_stream_keep(r);
	return 0;
}

/*
 * Is there what a wait for reading waits for? 1 yes, 0 no, -ENOTCONN. Steps over
 * events like dmring_recv(), and an event stepped over ends a wait as well.
 */
int dmring_stream_ready(struct dmring_member *k, size_t n)
{
	enum dmring_want want = k->r.flags & DMRING_EVENTS ?
				WANT_ALL : WANT_DATA;
	__u64 events = k->ev_tail;
	struct dmring_record found;
	int ret;

	if (k->gap)
		return 1;
	do {
		ret = look(k, &found);
	} while (!ret && !wanted(k, &found, want));
	if (ret == -EOVERFLOW || k->ev_tail != events)
		return 1;
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	if (n < 2 || !found.in_log)
		return 1;
	dmring_stream_refresh(k);
	return k->tail - k->cur.log >= n;
}
