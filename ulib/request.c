// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: a member of a ring of the kernel: its services, its status and those of others,
 * and the replies that dmring_call() waits for
 *
 * A reply to dmring_call() is taken from wherever it stands in the output space. If nothing is
 * in front of it its room is given back at once; else it stays, and the reading of the stream
 * steps over it when it comes by.
 *
 * Threads: looking for replies belongs to the receiving side, the rest to any thread.
 * Memory ordering: see the head of stream.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "stream.h"

int dmring_member_offer(struct dmring *r, const char *service, bool end, __u32 *handle)
{
	struct dmring_member *k = dmring_member(r);
	struct dmring_ioc_offer o = { .flags = end ? DMRING_OFFER_END : 0 };

	memcpy(o.service, service, strlen(service));
	if (ioctl(k->s.fd, DMRING_IOC_OFFER, &o))
		return dmring_refused(k, o.why);
	*handle = o.handle;
	return 0;
}

int dmring_member_status(struct dmring *r, __u32 state, __u32 progress, const char *text)
{
	struct dmring_member *k = dmring_member(r);
	struct dmring_ioc_status s = {
		.state = state,
		.progress = progress,
	};

	memcpy(s.text, text, strlen(text));
	return ioctl(k->s.fd, DMRING_IOC_STATUS, &s) ? dmring_refused(k, s.why) : 0;
}

int dmring_member_statuses(struct dmring *r, __u64 *next, struct dmring_member_status *s,
			   unsigned int room)
{
	struct dmring_member *k = dmring_member(r);
	struct dmring_ioc_statuses q = {
		.statuses = (uintptr_t)s,
		.next = *next,
		.count = room,
	};

	if (ioctl(k->s.fd, DMRING_IOC_STATUSES, &q))
		return dmring_refused(k, q.why);
	*next = q.next;
	return q.count;
}

/* The next reply with this cookie, from where was looked last; a->at is where it stands */
static int find(struct dmring_member *k, struct dmring_answer *a, struct dmring_record *found)
{
	int ret;

	if ((__s64)(k->cur.out - a->at) > 0)
		a->at = k->cur.out;
	while (a->at != k->out_tail) {
		ret = dmring_stream_out(k, a->at, found);
		if (ret)
			return ret;
		if (found->m.type == DMRING_REC_REPLY && found->m.ref == a->cookie)
			return 0;
		a->at = found->after.out;
	}
	return -EAGAIN;
}

/* Nothing to be read at all, as far as was seen */
static bool is_empty(const struct dmring_member *k)
{
	return k->cur.out == k->out_tail && (!k->s.index || k->cur.log == k->tail);
}

/* Something is in front: what nobody would be shown of that gives its room back */
static int find_behind(struct dmring_member *k, struct dmring_answer *a,
		       struct dmring_record *found)
{
	int ret = dmring_stream_ready(k, 0);

	if (ret < 0)
		return ret;
	dmring_stream_keep(&k->r);
	dmring_stream_refresh(k);
	return find(k, a, found);
}

int dmring_member_look(struct dmring_member *k, struct dmring_answer *a)
{
	struct dmring_record found;
	int ret;

	dmring_stream_refresh(k);
	ret = find(k, a, &found);
	if (ret == -EAGAIN ? !is_empty(k) : !ret && a->at != k->cur.out)
		ret = find_behind(k, a, &found);
	if (ret)
		return ret;
	dmring_answer_add(a, &found.m);
	if (!dmring_attached(k))
		return dmring_gone(k);
	a->kept = a->at != k->cur.out;
	if (!a->kept) {
		k->cur.out = found.after.out;
		dmring_stream_keep(&k->r);
	}
	a->at = found.after.out;
	return 0;
}
