/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who of the group is the proxy, see Documentation/election.rst.
 */
#ifndef _DMRING_ELECTION_H
#define _DMRING_ELECTION_H

#include "group.h"

struct pid;

/* A member has come, or is going (it is no longer in the list). ring->lock held. */
void dmring_election_joined(struct dmring_ring *ring, struct dmring_member *m);
void dmring_election_left(struct dmring_ring *ring, struct dmring_member *m);

/*
 * The links have carried a message, and ring->takeover_from is not 0: the first
 * under a new proxy. ring->lock held.
 */
void dmring_election_carried(struct dmring_ring *ring);

/* Count if it is time to; returns when to look again. The ring's thread. */
u64 dmring_election_look(struct dmring_ring *ring);

/*
 * What can be asked for, in process context. 0, or -errno and a sentence in @why
 * (DMRING_WHY_SIZE bytes); what is refused changes nothing.
 */
int dmring_election_ballot(struct dmring_member *m, bool willing, u32 weight, char *why);
int dmring_election_resign(struct dmring_member *m, char *why);
/* Member *@id, or (NULL) whoever wins a count */
int dmring_election_elect(struct dmring_ring *ring, const u32 *id, char *why);

/* What @m has done as the proxy, the present term included. ring->lock held. */
void dmring_election_service(const struct dmring_member *m, u64 *ns, struct dmring_load *carried);

/* Tell the watchers of the office; false if it has not changed. The ring's thread. */
bool dmring_election_tell(struct dmring_ring *ring);

/* The process in office with a reference, or NULL */
struct pid *dmring_election_process(struct dmring_ring *ring);

#endif /* _DMRING_ELECTION_H */
