/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * order: which record is delivered when. With "fifo" it is the order of arrival.
 * With "total" and "safe" one host of the view, the sequencer, says it for all:
 * its own order of arrival, told round the ring as runs of origin and count, each
 * host's messages staying in the order in which it sent them.
 *
 *	 given            have
 *	   |  known, safe   |
 *	---+----------------+---> order positions, from 0; they go on from view to view
 *	        ^ link: told to the next host      (stable: known to every host)
 *
 * What is told of a record follows the record on every link, so an order is
 * always about records that are here: if it is not, the other end is at
 * fault. When a view ends, its last messages may be without a position; they are put in order
 * by origin then. Nothing of it takes room of its own: the runs are made from the table when
 * they are sent, on a new connection too.
 *
 * A record delivered takes the next position of the index. These positions are
 * each host's own: its local events stand among them.
 *
 * Everything here is protected by the ring lock.
 */
#ifndef _DMRING_CORE_ORDER_H
#define _DMRING_CORE_ORDER_H

#include "types.h"
#include "wire.h"

struct dmring_retain;
struct dmring_view;

/* As many as records, and only where the order is not "fifo"; low halves of numbers */
struct dmring_place {
	u32 at;		/* by record: next one of its queue, then its index position, */
			/* or of a parcel, which has none, its order position */
	u32 no;		/* by order position: the record */
};

/* Records of one origin that wait for their order, or local events for their place */
struct dmring_queue {
	u32 head;
	u32 tail;
	u32 count;
};

/**
 * struct dmring_ordering - what is known of the order
 * @kind: DMRING_ORDER_*; FIFO in a ring of machine scope
 * @alone: this host goes by its own order of arrival: nobody else is there
 * @sequencer: its index in the view
 * @table: the caller's memory
 * @have: known up to here
 * @link: told to the next host up to here
 * @stable: known by every host up to here
 * @given: delivered up to here
 * @dropped: once that is delivered, what has no position and is older never will be
 * @index: next index position; under "fifo" only this and @given, a record number, are used
 * @held: index position behind the last record whose order every host knows
 * @held_to: order position up to which @held was reckoned
 * @queue: by index of the origin, the last for local events
 */
struct dmring_ordering {
	u8 kind;
	bool alone;
	u16 sequencer;
	struct dmring_place *table;
	u64 have;
	u64 link;
	u64 stable;
	u64 given;
	u64 dropped;
	u64 index;
	u64 held;
	u64 held_to;
	struct dmring_queue queue[DMRING_HOSTS_MAX + 1];
};

/* @table: as many as the table beside the log has; NULL for "fifo" */
void dmring_order_init(struct dmring_ordering *o, u8 kind, struct dmring_place *table);

/*
 * Take over a view, in which no origin has a record yet. What is known of the one before is
 * delivered first. @sequencer: its index; @alone: see there.
 */
void dmring_order_set_view(struct dmring_ordering *o, const struct dmring_view *v,
			   u16 sequencer, bool alone);

/*
 * A view ends (not "fifo"): what has no position yet gets one, the same on all hosts that
 * hold the same, and behind it record @no, the new view, before position @base. Where a host
 * cannot know what the others have agreed on, dmring_order_drop() comes first: nothing from
 * position @end on will be delivered. (What waits to be delivered moves to below @base, by less
 * than the table or, with at most half of it, as far as need be.)
 */
void dmring_order_close(struct dmring_retain *r, u64 no);
void dmring_order_drop(struct dmring_retain *r, u64 end, u64 base);

/* Up to which position it may be delivered now */
u64 dmring_order_deliverable(const struct dmring_ordering *o);

/* Not "fifo", for which retain.h has the short way: record @no has been added. */
void dmring_order_add(struct dmring_retain *r, u64 no);

/* Likewise: the next record for the index, its number in *@no; false if there is none now. */
bool dmring_order_next(struct dmring_retain *r, u64 *no);

/* Not "fifo": where in the index a delivered record is; does every host know its order? */
u64 dmring_order_index(const struct dmring_retain *r, u64 no);
bool dmring_order_is_held(const struct dmring_retain *r, u64 no);

/*
 * What the next host is to be told, as much as a frame takes, of records it holds;
 * false if there is nothing. dmring_order_sent() when it has been sent.
 */
bool dmring_order_tell(const struct dmring_retain *r, const struct dmring_view *v,
		       struct dmring_order_frame *f);
void dmring_order_sent(struct dmring_retain *r, const struct dmring_order_frame *f);

/*
 * What the host before us tells: 0; or -EPROTO (nothing changed) where they leave a
 * gap or are about what is not here. What is known already is passed over.
 */
int dmring_order_take(struct dmring_retain *r, const struct dmring_view *v,
		      const struct dmring_order_frame *f, char *why);

/* Every host knows the order up to @stable, which is not beyond what we know. */
void dmring_order_set_stable(struct dmring_retain *r, u64 stable);

/*
 * A new connection to the next host, which says it knows @have: 0, or -EPROTO when it was never
 * told that, or has forgotten. Then go on from there.
 */
int dmring_order_check_resume(const struct dmring_retain *r, u64 have, char *why);
void dmring_order_resume(struct dmring_retain *r, u64 have);

#endif /* _DMRING_CORE_ORDER_H */
