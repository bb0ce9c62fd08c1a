/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two links of a host: to its successor and from its predecessor. All
 * functions are for the ring's thread alone unless they say otherwise.
 */
#ifndef _DMRING_NEIGHBOURS_H
#define _DMRING_NEIGHBOURS_H

#include "group.h"
#include "link.h"

struct dmring_neighbours {
	struct dmring_ring *ring;	/* invariant */
	struct dmring_waker waker;	/* invariant */
	struct socket *listener;	/* invariant */

	/* the thread's own */
	struct dmring_conn *out;
	struct dmring_conn *in;
	struct list_head guests;	/* accepted, HELLO not heard yet, or to be closed */
	u32 guest_count;
	struct dmring_peer peers[DMRING_HOSTS_MAX - 1];
	u32 peer_count;
	u64 stopped_at;			/* ns, when the first step to the next view was made */
	struct dmring_rx rx;		/* record that is coming in, if body_left */
	u32 body_have;
	u32 taken;			/* bytes read in this pass */
	u8 *body;			/* room for the largest payload so far */
	u32 body_size;
	bool in_body;
	struct dmring_act act;		/* scratch */
	u8 event[DMRING_VIEW_EV_MAX] __aligned(8);	/* likewise */
	struct dmring_frame frame;	/* being gathered, once head_known */
	bool in_known;
	bool out_known;
	struct dmring_frame out_frame;
};

/* Called by whoever makes the ring, before the thread runs. Opens the listener. */
int dmring_neighbours_init(struct dmring_neighbours *nb, struct dmring_ring *ring);
/* After the thread has ended. */
void dmring_neighbours_exit(struct dmring_neighbours *nb);

/* Accept, receive, tick; then, when the pump has run, send. True: there is more to do at once. */
bool dmring_neighbours_hear(struct dmring_neighbours *nb);
bool dmring_neighbours_say(struct dmring_neighbours *nb);
/* When the next pass is due at the latest (ns, CLOCK_MONOTONIC); ~0 never. */
u64 dmring_neighbours_deadline(struct dmring_neighbours *nb);

/*
 * Take over the peers; links are closed and opened anew. ring->conf is held by
 * the one who waits for this. 0 or an error with a sentence in @why.
 */
int dmring_neighbours_config(struct dmring_neighbours *nb, char *why);

/* The core has let go of links, and others are to be opened: do the same. */
void dmring_neighbours_follow(struct dmring_neighbours *nb);

/* The largest message may have become known or smaller: tell members. */
void dmring_neighbours_tell_sizes(struct dmring_ring *ring);

#endif /* _DMRING_NEIGHBOURS_H */
