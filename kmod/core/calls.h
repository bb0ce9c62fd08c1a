/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * calls: the requests that are under way to or from members of this host, each
 * in one entry until it has ended.
 *
 *	client here, server here	one entry for both
 *	client here, server elsewhere	@node is its host; @no is known there
 *	client elsewhere, server here	@node is its host, @peer_no what it is called there
 *
 * An entry's number is random but for its place in the table: it is the capability
 * that the server's member is handed, and what the server's host knows of it. Who does
 * not hold an entry can do nothing with its number.
 *
 * Entries stand in lists: the client's and the server's (struct dmring_party, beside the
 * member), or among those whose end is still to be told to another host. All memory is
 * the caller's. Everything here is protected by the ring lock.
 */
#ifndef _DMRING_CORE_CALLS_H
#define _DMRING_CORE_CALLS_H

#include "types.h"

#define DMRING_CALLS_BITS	13
#define DMRING_CALLS_TABLE	8192U	/* entries of a ring instance, 2^DMRING_CALLS_BITS */

enum dmring_call_state {
	DMRING_CALL_FREE,
	DMRING_CALL_OPEN,
	DMRING_CALL_ENDED,	/* the client is here, and has no room for the news */
	DMRING_CALL_TELL,	/* the client's host is to be told */
	DMRING_CALL_OVER,	/* it has ended here; its server's host has not said so yet */
};

/* The two lists an entry may be in */
enum dmring_call_side {
	DMRING_CALL_CLIENT,
	DMRING_CALL_SERVER,	/* or to be told */
	DMRING_CALL_SIDES
};

struct dmring_call_list {
	u32 head;	/* place + 1; 0: empty */
	u32 count;
};

/* A member's calls; beside the member, all 0 at first */
struct dmring_party {
	struct dmring_call_list calls[DMRING_CALL_SIDES];	/* as client, as server */
	u32 ends_due;		/* of those as client, those that have ended untold */
};

/**
 * struct dmring_call - a request under way
 * @no: its number; never 0
 * @peer_no: its number at the client's host, if that is another one
 * @cookie: the client's own name for it
 * @deadline: ns, 0 for none
 * @out_at: where it lies in the output space of the server's member
 * @node: the other host; 0: there is none
 * @client: who asked; NULL: not here, or it has left
 * @server: who is to reply; NULL: not here, or none yet. One that has left keeps its calls until
 *          all that it had accepted has been moved
 * @flags: DMRING_REQUEST_*
 * @error: how it ended, in ENDED and TELL: errno
 * @end: DMRING_REPLY_*, likewise
 * @state: enum dmring_call_state
 * @extra: of another host, and more than its share
 * @answered: its server has left, but first replied, and that is on its way
 * @next: in its lists, place + 1
 * @prev: likewise
 */
struct dmring_call {
	u64 no;
	u64 peer_no;
	u64 cookie;
	u64 deadline;
	u64 out_at;
	struct dmring_party *client;
	struct dmring_party *server;
	u32 node;
	u16 flags;
	u16 error;
	u8 end;
	u8 state;
	bool extra;
	bool answered;
	u32 next[DMRING_CALL_SIDES];
	u32 prev[DMRING_CALL_SIDES];
};

/**
 * struct dmring_calls - all of them
 * @table: the caller's memory, DMRING_CALLS_TABLE of them
 * @free: first free one, place + 1
 * @fresh: places from here on were never used
 * @used: how many are not free
 * @next_deadline: nothing expires before (ns); ~0 for never
 * @tell: those in DMRING_CALL_TELL, linked by their server's side
 */
struct dmring_calls {
	struct dmring_call *table;
	u32 free;
	u32 fresh;
	u32 used;
	u64 next_deadline;
	struct dmring_call_list tell;
};

void dmring_calls_init(struct dmring_calls *t, struct dmring_call *table);

/* A new one in OPEN, all else 0 but its number, made of @rnd; NULL when the table is full. */
struct dmring_call *dmring_calls_add(struct dmring_calls *t, u64 rnd);
/* In no list any more */
void dmring_calls_del(struct dmring_calls *t, struct dmring_call *c);
/* The one of this number, or NULL */
struct dmring_call *dmring_calls_find(const struct dmring_calls *t, u64 no);

void dmring_calls_link(struct dmring_calls *t, struct dmring_call_list *list,
		       struct dmring_call *c, enum dmring_call_side side);
void dmring_calls_unlink(struct dmring_calls *t, struct dmring_call_list *list,
			 struct dmring_call *c, enum dmring_call_side side);
/* The oldest of a list, or NULL; the one after @c, or NULL */
struct dmring_call *dmring_calls_first(const struct dmring_calls *t,
				       const struct dmring_call_list *list);
struct dmring_call *dmring_calls_next(const struct dmring_calls *t, const struct dmring_call *c,
				      enum dmring_call_side side);

/* It is to end then (ns), 0 for never. True: nothing would expire as early. */
bool dmring_calls_set_deadline(struct dmring_calls *t, struct dmring_call *c, u64 deadline);

/*
 * An open one whose time is over, from place *@at on; NULL: there is none, and
 * next_deadline is true again. The caller begins with 0 and ends each one.
 */
struct dmring_call *dmring_calls_expired(struct dmring_calls *t, u64 now, u32 *at);

#endif /* _DMRING_CORE_CALLS_H */
