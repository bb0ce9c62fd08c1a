/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * view: the agreed list of hosts, in ring order (ascending node id), and the
 * incarnation each is known by; and the record of the view that shall come next.
 */
#ifndef _DMRING_CORE_VIEW_H
#define _DMRING_CORE_VIEW_H

#include "types.h"
#include "wire.h"

#define DMRING_VIEW_NONE	0xffff	/* no such host */

/*
 * Payload of the record that tells members of a view (bytes): an event and a list of hosts, those
 * that there were and those that take their places
 */
#define DMRING_VIEW_EV(hosts)	(sizeof(struct dmring_ev) + \
				 2 * (hosts) * sizeof(struct dmring_ev_host))
#define DMRING_VIEW_EV_MAX	DMRING_VIEW_EV(DMRING_HOSTS_MAX)

/* A host for so much of a log: what it keeps for events takes such a record, and others */
#define DMRING_LOG_HOST		1024U

/*
 * No ring comes to this position; who joins takes what it is told, and must not be led to where
 * the numbers end
 */
#define DMRING_VIEW_BASE_MAX	0x4000000000000000ULL

#define DMRING_VIEW_STATIC	1	/* number of the only view of a static ring */

/**
 * struct dmring_view - who is on the ring
 * @number: of the view; DMRING_VIEW_STATIC until one is installed
 * @quorum: most of the hosts there were are in it: it may accept messages
 * @count: hosts; 1 while there is no peer, and in a ring of machine scope
 * @self: index of this host
 * @succ: index of the next host, DMRING_VIEW_NONE if there is none
 * @pred: index of the one before, likewise
 * @node: node ids, ascending
 * @base: order position at which it begins
 * @inc: incarnations, 0 while not known
 */
struct dmring_view {
	u32 number;
	bool quorum;
	u16 count;
	u16 self;
	u16 succ;
	u16 pred;
	u64 base;
	u32 node[DMRING_HOSTS_MAX];
	u64 inc[DMRING_HOSTS_MAX];
};

/* A host of the view that shall come; @stays: it was in the one before */
struct dmring_next_host {
	u32 node;
	bool stays;
	u64 inc;
};

/*
 * Where the stream of a host of the view that ends is cut off: at message @seq; @reason:
 * DMRING_AWAY_* where it does not stay
 */
struct dmring_cut {
	u32 node;
	u16 reason;
	u64 seq;
};

/**
 * struct dmring_view_record - what the hosts of a view are to agree on
 * @number: of the view
 * @attempt: at it; a higher one takes the place of a lower one
 * @prev: number of the view that ends
 * @sequencer: node id
 * @quorum: see struct dmring_view
 * @count: hosts
 * @cuts: streams of the view that ends; 0 for a host that joins
 * @ordered: the order of that view is known up to this position to one of those who stay,
 *	and the rest of the cut has none; with "safe" and without quorum: known to all there
 *	were, and the rest will not be delivered
 * @base: order position at which the new view begins
 * @host: ascending by node id
 * @cut: likewise
 */
struct dmring_view_record {
	u32 number;
	u32 attempt;
	u32 prev;
	u32 sequencer;
	bool quorum;
	u16 count;
	u16 cuts;
	u64 ordered;
	u64 base;
	struct dmring_next_host host[DMRING_HOSTS_MAX];
	struct dmring_cut cut[DMRING_HOSTS_MAX];
};

/* Most hosts of a ring in which a log of @log bytes has a part */
static inline u16 dmring_view_hosts(u32 log)
{
	return min_t(u32, log / DMRING_LOG_HOST, DMRING_HOSTS_MAX);
}

/* @nodes: any order, this host's own among them or not. Forgets incarnations. */
int dmring_view_set(struct dmring_view *v, u32 self, u64 inc, const u32 *nodes,
		    u16 count, char *why);

/* The view that @rec describes, which has been checked. */
void dmring_view_from_record(struct dmring_view *v, u32 self, const struct dmring_view_record *rec);

/*
 * Does the record make sense by itself? 0 or -EINVAL with a sentence.
 */
int dmring_view_check_record(const struct dmring_view_record *rec, char *why);

/* Is it the next one after @v? 0, -EINVAL or -ESTALE. */
int dmring_view_check_next(const struct dmring_view *v, const struct dmring_view_record *rec,
			   char *why);

/* Entry of @node in the record, or NULL. */
const struct dmring_next_host *dmring_view_next_host(const struct dmring_view_record *rec,
						     u32 node);

/* Index of @node or DMRING_VIEW_NONE. */
u16 dmring_view_index(const struct dmring_view *v, u32 node);

/* 0, or -ESTALE: @inc (0: says nothing) is not the one @idx is known by. */
int dmring_view_check_inc(const struct dmring_view *v, u16 idx, u64 inc, char *why);

/* Learn @inc of @idx if none was known; call dmring_view_check_inc() first. */
void dmring_view_learn(struct dmring_view *v, u16 idx, u64 inc);

/* 0, or -ENXIO: the list in @h is not ours; says which host is the first. */
int dmring_view_same_hosts(const struct dmring_view *v, const struct dmring_hello *h,
			   char *why);

#endif /* _DMRING_CORE_VIEW_H */
