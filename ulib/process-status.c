// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: process scope: status
 *
 * A member's status lies in the member itself, so to set one takes no memory. Those that have one
 * are on the ring's list, by id: who reads goes on behind the last one it has seen, whatever has
 * become of that.
 *
 * Threads: any; all under the ring's status_lock, with which nothing else is done.
 */
#define _LGPL_SOURCE
#include <string.h>

#include "process.h"

/* Ids ascend, so who is new goes to the end, or near it */
static void enlist(struct local *m)
{
	struct local *before;

	cds_list_for_each_entry_reverse(before, &m->ring->statuses, with_status) {
		if (before->r.id < m->r.id)
			break;
	}
	cds_list_add(&m->with_status, &before->with_status);
}

int dmring_local_status(struct dmring *r, __u32 state, __u32 progress, const char *text)
{
	struct local *m = local(r);
	struct dmring_member_status s = {
		.member = r->id,
		.state = state,
		.progress = progress,
	};

	memcpy(s.text, text, strlen(text));
	pthread_mutex_lock(&m->ring->status_lock);
	m->status = s;
	if (cds_list_empty(&m->with_status))
		enlist(m);
	pthread_mutex_unlock(&m->ring->status_lock);
	return 0;
}

int dmring_local_statuses(struct dmring *r, __u64 *next, struct dmring_member_status *s,
			  unsigned int room)
{
	struct local_ring *ring = local(r)->ring;
	unsigned int n = 0;
	struct local *m;

	pthread_mutex_lock(&ring->status_lock);
	cds_list_for_each_entry(m, &ring->statuses, with_status) {
		if (n == room)
			break;
		if (m->r.id >= *next)
			s[n++] = m->status;
	}
	pthread_mutex_unlock(&ring->status_lock);
	if (n)
		*next = s[n - 1].member + 1ULL;
	return n;
}

void dmring_local_forget(struct local *m)
{
	pthread_mutex_lock(&m->ring->status_lock);
	cds_list_del_init(&m->with_status);
	pthread_mutex_unlock(&m->ring->status_lock);
}
