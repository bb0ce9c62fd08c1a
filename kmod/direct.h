/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a ring needs for requests, services and status beside its log. It is made when
 * the first member attaches with DMRING_ATTACH_CALLS or sets a status, or the first
 * parcel comes in, and lives as long as the ring.
 */
#ifndef _DMRING_DIRECT_H
#define _DMRING_DIRECT_H

#include <linux/rbtree.h>

#include "group.h"

#define DMRING_STATUS_MAX	4096	/* of members of other hosts; each has its share */

/* Who waits for one kind of room is not to hold up who waits for the other. */
enum dmring_wait_kind {
	DMRING_WAIT_CALL,	/* for free hands, too */
	DMRING_WAIT_ONE_WAY,
	DMRING_WAIT_KINDS
};

/* A name that members here serve. All of it protected by ring->lock. */
struct dmring_service {
	struct list_head node;		/* direct->services */
	struct list_head offers;	/* who serve it; the next one in turn first */
	/* members whose next request finds all of these full: it wants a reply, or is one way */
	struct list_head waiting[DMRING_WAIT_KINDS];
	char name[DMRING_NAME_SIZE];
	u32 members;
	u32 held;			/* members that have left, and are not through */
	u32 busy_told;			/* requests in hand, as the other hosts know it */
	bool dirty;			/* the other hosts do not know of it as it is */
};

/* One member that serves one name. All of it protected by ring->lock. */
struct dmring_offer {
	struct list_head node;		/* service->offers */
	struct list_head member_node;	/* member->offers */
	struct dmring_service *service;
	struct dmring_member *member;
	u32 handle;
};

/* The status of one member, here or elsewhere. All of it protected by ring->lock. */
struct dmring_status {
	struct rb_node node;		/* direct->statuses */
	struct list_head dirty_node;	/* direct->dirty: the other hosts do not know it */
	u32 host;
	u32 member;
	u32 state;
	u32 progress;
	char text[DMRING_STATUS_SIZE];
};

/* All of it protected by ring->lock */
struct dmring_direct {
	struct dmring_exchange exchange;
	struct list_head services;
	u32 service_count;
	u32 dirty_services;
	struct list_head waiting;	/* members whose next request or reply waits otherwise, */
	struct list_head crowd;		/* for a place in the table, or of another host's share, */
	struct list_head timed;		/* and for room on the ring */
	u32 waiters;			/* of all these, and for services */
	u32 looks;			/* at full members, since one's requests move on */
	u64 waiting_until;		/* ns: none of these has waited long enough before */
	u64 looks_at;			/* ns: when the thread will look at deadlines next, */
	u64 busy_at;			/* and at how busy who serves is; U64_MAX: nobody is */
	struct list_head dirty;
	DECLARE_BITMAP(gone, DMRING_SLOTS_MAX);	/* members whose status others may still have */
	u32 gone_count;
	u32 status_count;		/* of other hosts */
	struct rb_root statuses;	/* by host and member */
	struct dmring_call table[DMRING_CALLS_TABLE];
	struct dmring_host_offer host_offers[DMRING_OFFERS_TABLE];
};

/*
 * Make it, if it is not there. May sleep; -ENOMEM. A member first asks whether what goes between
 * hosts fits the ring: 0, or -EMSGSIZE with a sentence in @why.
 */
int dmring_direct_fits(struct dmring_ring *ring, char *why);
int dmring_direct_prepare(struct dmring_ring *ring);
void dmring_direct_free(struct dmring_ring *ring);
/* What it takes now (bytes) */
size_t dmring_direct_bytes(const struct dmring_ring *ring);

/* Requests in the hands of those who serve it here */
u32 dmring_direct_busy(const struct dmring_service *service);

/* The thread is to look at deadlines then (ns), or before. */
void dmring_direct_look(struct dmring_ring *ring, u64 when);

/*
 * The member's next request waits, until then (ns) at most, @in a service's list or the crowd. When
 * anything has changed a few of each list have a turn, and when one is through the next has: else
 * all of them would look for the one place of each request that ends. They need not want the
 * same, so each looks some seven times a second, too.
 */
void dmring_direct_wait(struct dmring_member *m, struct list_head *in, u64 until);
/* It waits for nothing in particular, and has a turn whenever anything has changed. */
void dmring_direct_wait_any(struct dmring_member *m, u64 until);
/* It waits for room on the ring, and has its turn when that is there: until then at most. */
void dmring_direct_wait_until(struct dmring_member *m, u64 until);
void dmring_direct_wait_no_more(struct dmring_member *m);
/* There may be room for what waits. */
void dmring_direct_retry(struct dmring_ring *ring);
/* @m has had its turn. If it was woken for it, and does not wait there again, the next one has. */
void dmring_direct_turn_over(struct dmring_member *m);
/* All who wait for it are to look. */
void dmring_direct_retry_service(struct dmring_service *service);
/* Those who have waited long enough have their turn. */
void dmring_direct_retry_late(struct dmring_ring *ring, u64 now);

/* May what @m sends next be delivered? Not before all have got what it sent before. */
static inline bool dmring_direct_is_its_turn(const struct dmring_member *m)
{
	return !m->last_no || dmring_core_delivered(&m->ring->core, m->last_no - 1);
}

/* Members that have left, and whose turn has come meanwhile, go on. */
void dmring_direct_recall(struct dmring_ring *ring);

#endif /* _DMRING_DIRECT_H */
