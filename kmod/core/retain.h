/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * retain: the private table beside the log. It says which record of which
 * origin lies where in log order, what holds it, and from where the link goes
 * on. Records are numbered from 0 in log order; which index position each has
 * is order's to say (with "order fifo" it is the same order). Parcels have none.
 *
 *	 first           sent                next
 *	   |  held         |  to be sent       |
 *	---+---------------+-------------------+---> record numbers
 *	      ^ base: what lies before is of views that have ended, and waits for readers alone
 *
 * A record is freed strictly in order, when it has been delivered and every local
 * reader is past it, the OUT link has carried it (unless the next host is its
 * origin) and every host of the ring holds it, and knows its order. Local event
 * records wait for readers alone.
 *
 * Costs count from DMRING_COST_BASE in a view that was installed, and what is released
 * from 0, until nothing is left here of the views before: so nobody can send what would
 * not fit beside it.
 *
 * Everything here is protected by the ring lock.
 */
#ifndef _DMRING_CORE_RETAIN_H
#define _DMRING_CORE_RETAIN_H

#include "order.h"
#include "types.h"
#include "view.h"

#define DMRING_COST_BASE	0x100000000ULL	/* more than any window */
#define DMRING_ORIGIN_EVENT	0xffff	/* dmring_entry.origin of local events */

/* dmring_entry.flags, beside DMRING_REC_IDENT */
#define DMRING_ENTRY_EVENT	0x8000	/* an event that goes round the ring */
#define DMRING_ENTRY_NOTED	0x4000	/* the caller's: its sender wants to know its place */
#define DMRING_ENTRY_PLACED	0x2000	/* order's: it has a place in the index */
#define DMRING_ENTRY_VIEW	0x1000	/* a view begins with it */
#define DMRING_ENTRY_PARCEL	0x0800	/* it takes no position of the index */
#define DMRING_ENTRY_BRIEF	0x0400	/* of such a one: only its header is here */
#define DMRING_ENTRY_ARRIVED	0x0200	/* of such a one: it is for this host */

/* 16 bytes a record; the caller gives a power of two of them */
struct dmring_entry {
	u32 seq;	/* low half */
	u32 sender;	/* as given by the caller, for this host's own records */
	u16 origin;	/* index in the view */
	u16 flags;
	u32 at;		/* log position / DMRING_ALIGN, low half */
};

/**
 * struct dmring_origin - one host's stream, as seen here
 * @have_seq: held up to here without a gap
 * @have_cost: cumulative cost of that
 * @link_seq: sent on the OUT link up to here (before @sent of the table)
 * @stable_seq: held by every host up to here
 * @freed_seq: freed here up to here
 * @freed_cost: cumulative cost of that
 */
struct dmring_origin {
	u64 have_seq;
	u64 have_cost;
	u64 link_seq;
	u64 stable_seq;
	u64 freed_seq;
	u64 freed_cost;
};

/**
 * struct dmring_retain - the table
 * @table: the caller's memory
 * @mask: its size - 1
 * @succ: index of the next host, DMRING_VIEW_NONE if there is no link
 * @self: index of this host
 * @first: oldest record kept
 * @next: number of the next record
 * @sent: first record the OUT link has not carried
 * @base: first record of this view
 * @dropped: messages before it that were not delivered never will be
 * @past: cost of the kept messages of views that have ended
 * @base_cost: what the costs of each stream count from
 * @filling: between two views: the next host is sent what it lacks of the one that ends
 * @read: smallest cursor of a local reader, an index position
 * @first_index: with "order fifo": the index position of @first, or of what follows it
 * @tail: where the next record will lie, as dmring_entry.at
 * @used: cost of all kept
 * @event_used: cost of the kept local event records
 * @duplicates: records that came a second time and were discarded
 * @order: which record is delivered when
 * @origin: by index in the view
 */
struct dmring_retain {
	struct dmring_entry *table;
	u32 mask;
	u16 succ;
	u16 self;
	u64 first;
	u64 next;
	u64 sent;
	u64 base;
	u64 dropped;
	u64 past;
	u64 base_cost;
	bool filling;
	u64 read;
	u64 first_index;
	u32 tail;
	u64 used;
	u64 event_used;
	u64 duplicates;
	struct dmring_ordering order;
	struct dmring_origin origin[DMRING_HOSTS_MAX];
};

enum dmring_hold {
	DMRING_HOLD_NOTHING,	/* empty, or the first record can be freed */
	DMRING_HOLD_LINK,	/* the OUT link has not carried it */
	DMRING_HOLD_STABLE,	/* not known to be held everywhere */
	DMRING_HOLD_ORDER,	/* not delivered, or its order is not known everywhere */
	DMRING_HOLD_READER,	/* a local reader, and nothing else */
};

enum dmring_accept {
	DMRING_ACCEPT_NEW,
	DMRING_ACCEPT_DUPLICATE,	/* discard it */
	DMRING_ACCEPT_BREACH,
};

/*
 * @table: @slots entries (a power of two, at least log / DMRING_COST_MIN). @tail: the log
 * position where the first record will lie. Then dmring_order_init().
 */
void dmring_retain_init(struct dmring_retain *r, struct dmring_entry *table, u32 slots,
			u64 tail);

/* Take over a view: new streams begin. All records there are, are of the past. */
void dmring_retain_set_view(struct dmring_retain *r, const struct dmring_view *v);

/*
 * A view ends: all that is held of it is held by all who go on, and a record of @cost
 * that tells of the next view takes its place behind it; returns its number. Then
 * dmring_retain_set_view().
 */
u64 dmring_retain_close(struct dmring_retain *r, u32 cost);

/* Between two views the next host is @succ, by its index in the one that ends. */
void dmring_retain_fill(struct dmring_retain *r, u16 succ);

/* It holds @have[] and is sent what it lacks: 0 or -EPROTO, as dmring_retain_resume(). */
int dmring_retain_resume_fill(struct dmring_retain *r, const struct dmring_view_record *rec,
			      const u64 *have, char *why);

static inline struct dmring_entry *dmring_retain_entry(struct dmring_retain *r, u64 no)
{
	return &r->table[no & r->mask];
}

/* Full sequence of a kept record. */
u64 dmring_retain_seq(const struct dmring_retain *r, u64 no);

static inline bool dmring_retain_is_fifo(const struct dmring_retain *r)
{
	return r->order.kind == DMRING_ORDER_FIFO;
}

/* Have the hosts of the ring one order to agree on? */
static inline bool dmring_retain_has_order(const struct dmring_retain *r)
{
	return !dmring_retain_is_fifo(r) && !r->order.alone;
}

/* The next record for the index, its number in *@no; false if there is none now. */
static inline bool dmring_retain_deliver(struct dmring_retain *r, u64 *no)
{
	if (!dmring_retain_is_fifo(r))
		return dmring_order_next(r, no);
	*no = r->order.given;
	if (r->order.given == r->next)
		return false;
	r->order.given++;
	r->order.index += !(r->table[*no & r->mask].flags & DMRING_ENTRY_PARCEL);
	return true;
}

/* Has it been delivered, or never will be? */
static inline bool dmring_retain_delivered(const struct dmring_retain *r, u64 no)
{
	if (dmring_retain_is_fifo(r))
		return no < r->order.given;
	if (no < r->first || r->table[no & r->mask].flags & DMRING_ENTRY_PLACED)
		return true;
	return no < r->dropped && r->order.given >= r->order.dropped;
}

/* Append the next record of @origin (or an event); returns its number. */
u64 dmring_retain_add(struct dmring_retain *r, u16 origin, u32 sender, u16 flags, u32 cost);

/* Judge a received record; changes nothing but the count of duplicates. */
enum dmring_accept dmring_retain_accept(struct dmring_retain *r, u16 origin, u64 seq,
					u32 cost, u32 window, char *why);

/* Free what can be, at most @budget records; returns the cost freed. */
u64 dmring_retain_advance(struct dmring_retain *r, u32 budget);

enum dmring_hold dmring_retain_hold(const struct dmring_retain *r);

/*
 * The next record the link has to carry, or false. Skips what needs no link.
 * dmring_retain_sent() says that its last byte has gone to the socket.
 */
bool dmring_retain_next(struct dmring_retain *r, u64 *no);
void dmring_retain_sent(struct dmring_retain *r, u64 no);

/*
 * A new connection to the next host, which holds @have[] (by index): set the
 * cursor to the first record it lacks. 0 or -EPROTO (nothing changed) when it
 * claims what was never sent, lacks what was freed, or holds no prefix of the
 * log.
 */
int dmring_retain_resume(struct dmring_retain *r, const struct dmring_view *v,
			 const u64 *have, char *why);

#endif /* _DMRING_CORE_RETAIN_H */
