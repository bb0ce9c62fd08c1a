/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who of the group is the proxy.
 */
#ifndef _DMRING_ELECTION_H
#define _DMRING_ELECTION_H

#include "group.h"

/*
 * See to it that somebody willing is in office. Called with ring->lock held,
 * in the context of the member that came or goes.
 */
void dmring_election(struct dmring_ring *ring);

/* Tell the watchers of the office, if it has changed. The ring's thread. */
void dmring_election_tell(struct dmring_ring *ring);

#endif /* _DMRING_ELECTION_H */
