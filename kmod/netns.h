/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What belongs to a network namespace: its rings by name, and the files that
 * were opened in it.
 */
#ifndef _DMRING_NETNS_H
#define _DMRING_NETNS_H

#include "group.h"

/* All of it protected by dmring_mutex */
struct dmring_net {
	struct list_head rings;
	struct list_head files;
};

struct dmring_net *dmring_netns(struct net *net);

/* Bind an open file to the caller's namespace, and end that. Take dmring_mutex. */
void dmring_netns_add_file(struct dmring_member *m);
void dmring_netns_del_file(struct dmring_member *m);
/*
 * The ring of that name where the file belongs, with a reference, or NULL.
 * *@admin: the caller may do there as it likes.
 */
struct dmring_ring *dmring_netns_ring(struct dmring_member *m, const char *name, bool *admin);

#endif /* _DMRING_NETNS_H */
