/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who serves what, and the status of members: what this host's members say of
 * themselves, and what the other hosts have announced of theirs.
 */
#ifndef _DMRING_SERVICES_H
#define _DMRING_SERVICES_H

#include "direct.h"

/* From ioctls: 0 or -errno with a sentence, as the uAPI says. May sleep. */
int dmring_services_offer(struct dmring_member *m, struct dmring_ioc_offer *args);
int dmring_services_status(struct dmring_member *m, const struct dmring_ioc_status *args,
			   char *why);

/*
 * A copy of the status that comes next, by host and member, and where to go on in *@next, which
 * begins with 0; false: that was all. Whatever others do meanwhile, who has one all the time is
 * come by once.
 */
bool dmring_services_next_status(struct dmring_ring *ring, u64 *next, struct dmring_status *now);

/* All that follows with ring->lock held */

struct dmring_service *dmring_services_find(struct dmring_ring *ring, const char *name);

/* The one that @m, which has left, had offered as @handle; NULL if it had not */
struct dmring_service *dmring_services_at(struct dmring_member *m, u32 handle);

/* @m has left: it serves nothing any more, and its status goes; and what it held has ended. */
void dmring_services_left(struct dmring_ring *ring, struct dmring_member *m);
void dmring_services_drained(struct dmring_ring *ring, struct dmring_member *m);

/* The status of a member that another host announces */
void dmring_services_heard_status(struct dmring_ring *ring, const struct dmring_parcel *p,
				  const char *text);

/*
 * A view was installed: statuses of hosts that are not in it go, and all of this host's is to be
 * announced anew, for those who have come.
 */
void dmring_services_view(struct dmring_ring *ring);

/*
 * Somebody here was handed a request: the others are to know of it, if it stays. Then, whenever
 * that is due: have it told how busy those are who serve; returns when to look again (ns).
 */
void dmring_services_busy(struct dmring_ring *ring);
u64 dmring_services_look(struct dmring_ring *ring, u64 now);

/* Announcements: the next one that is due; it has gone. */
struct dmring_service *dmring_services_due(struct dmring_ring *ring);
void dmring_services_announced(struct dmring_ring *ring, struct dmring_service *service, u32 busy);
/* A member whose status is gone, or -1; these come before what is there. */
int dmring_services_gone_due(struct dmring_ring *ring);
void dmring_services_gone_told(struct dmring_ring *ring, u32 member);
struct dmring_status *dmring_services_status_due(struct dmring_ring *ring);

#endif /* _DMRING_SERVICES_H */
