/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes round the ring of requests, replies, services and status, and what the rules of
 * calls are told of. All of it with ring->lock held, and ring->direct there.
 */
#ifndef _DMRING_PARCELS_H
#define _DMRING_PARCELS_H

#include "requests.h"

/* What the rules ask for: for the group's ops */
extern const struct dmring_exchange_ops dmring_parcels_ops;

/*
 * There is room for it on the ring (@m: whose it is; NULL for the kernel's own): what is
 * known of it from now on. Only with DMRING_TAKEN_OUT it goes; for the rest see enum dmring_taken.
 */
int dmring_parcels_go(struct dmring_ring *ring, struct dmring_member *m,
		      struct dmring_outgoing *o);
/* The next parcel of the kernel's own, if there is one */
bool dmring_parcels_due(struct dmring_ring *ring, struct dmring_outgoing *o);

/* A parcel of another host has its place in the order; @body is behind its header. */
void dmring_parcels_arrived(struct dmring_ring *ring, const struct dmring_parcel *p,
			    const struct dmring_ident *ident,
			    const struct dmring_source *body, u32 len);

/* @m has left; all that it had accepted has been moved. */
void dmring_parcels_left(struct dmring_ring *ring, struct dmring_member *m);
void dmring_parcels_drained(struct dmring_ring *ring, struct dmring_member *m);

/* A view was installed. */
void dmring_parcels_view(struct dmring_ring *ring);

/* End what has had its time; returns when to look next (ns). Takes ring->lock itself. */
u64 dmring_parcels_look(struct dmring_ring *ring);

#endif /* _DMRING_PARCELS_H */
