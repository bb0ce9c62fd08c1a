/* SPDX-License-Identifier: GPL-2.0-only */
/* Records: into the log, and into the index. ring->lock held throughout. */
#ifndef _DMRING_APPEND_H
#define _DMRING_APPEND_H

#include "parcels.h"

/*
 * Deliver records, at most @budget, and fewer if many bytes go into output spaces with them;
 * true if there may be more.
 */
bool dmring_append_deliver(struct dmring_ring *ring, u32 budget);
/* A few, now that one more has come; the pump goes on. */
void dmring_append_deliver_at_once(struct dmring_ring *ring);

/* A record begins: its header and identity are in place, its payload is to follow (ring->fill). */
void dmring_append_begin(struct dmring_ring *ring, const struct dmring_ident *ident, u16 type,
			 u32 len);
/* It is complete, and takes its place in the log. */
void dmring_append_end(struct dmring_ring *ring);

/* It is a parcel's, of which no more than the header has come, at @head */
void dmring_append_brief(struct dmring_ring *ring, const u8 *head);

/* A whole event */
void dmring_append_event(struct dmring_ring *ring, const struct dmring_ident *ident,
			 const void *payload, u32 len);
/*
 * A whole parcel, delivered too. @m: whose it is; NULL: the kernel's own. There is room, and
 * what is known of it is noted.
 */
void dmring_append_parcel(struct dmring_ring *ring, const struct dmring_member *m,
			  const struct dmring_outgoing *o);

#endif /* _DMRING_APPEND_H */
