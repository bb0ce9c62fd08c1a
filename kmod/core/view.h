/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * view: the agreed list of hosts, in ring order (ascending node id), and the
 * incarnation each is known by.
 */
#ifndef _DMRING_CORE_VIEW_H
#define _DMRING_CORE_VIEW_H

#include "types.h"
#include "wire.h"

#define DMRING_VIEW_NONE	0xffff	/* no such host */

/**
 * struct dmring_view - who is on the ring
 * @number: of the view; 1 in a static ring
 * @count: hosts; 1 while there is no peer, and in a ring of machine scope
 * @self: index of this host
 * @succ: index of the next host, DMRING_VIEW_NONE if there is none
 * @pred: index of the one before, likewise
 * @node: node ids, ascending
 * @inc: incarnations, 0 while not known
 */
struct dmring_view {
	u32 number;
	u16 count;
	u16 self;
	u16 succ;
	u16 pred;
	u32 node[DMRING_HOSTS_MAX];
	u64 inc[DMRING_HOSTS_MAX];
};

/* @nodes: any order, this host's own among them or not. Forgets incarnations. */
int dmring_view_set(struct dmring_view *v, u32 self, u64 inc, const u32 *nodes,
		    u16 count, char *why);

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
