/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exchange: the rules of requests: how a call begins, into whose hands it comes, and how
 * it ends, exactly once; between hosts and on one.
 *
 *	client's host			server's host
 *	begin, send	-- REQUEST -->	arrived: serve it, or refuse it
 *	arrived		<-- REPLY --	reply_parcel, or what is due; told
 *
 * A call ends with its reply, or without one: its server has left and nobody takes its place
 * (EOWNERDEAD), its host is lost with a view (EHOSTDOWN), its time is over (ETIMEDOUT), or there
 * nobody could have it. Who is here is told at once, or in its next turn when it has room; another
 * host with a parcel, when that has room. What has ended is forgotten, but what another host has
 * only when that has said so: each of its entries for calls of this host is counted here, so
 * there is always one for what may be sent to it. What comes later is counted as stale.
 *
 * Services, spaces of members and sleep are the caller's; what it has to do is in the ops. Time
 * (ns) and chance are arguments. Nothing here knows the bytes of a request: @load is the
 * caller's own, and handed through. Everything is protected by the ring lock.
 */
#ifndef _DMRING_CORE_EXCHANGE_H
#define _DMRING_CORE_EXCHANGE_H

#include "calls.h"
#include "offers.h"
#include "parcel.h"
#include "view.h"

/*
 * The table's entries: for calls that members of this host begin; for calls of other hosts that
 * are here; and to tell these what could not be done.
 */
#define DMRING_EXCHANGE_OWN	(DMRING_CALLS_TABLE / 2)
#define DMRING_EXCHANGE_OPEN	(DMRING_CALLS_TABLE / 8 * 3)
#define DMRING_EXCHANGE_EXTRA	(DMRING_CALLS_TABLE / 8)

/*
 * So many, divided by those who share them, a host may have with another one. When hosts join it
 * becomes less, but what was begun stays; so on the other host it may hold what was its share when
 * the fewest shared, since it came. The ith oldest has always shared with i - 1 others or more:
 * all together hold SHARE * (1 + 1/2 + ... + 1/(DMRING_HOSTS_MAX - 1)) or less, and OPEN is more.
 */
#define DMRING_EXCHANGE_SHARE	(DMRING_EXCHANGE_OPEN * 2 / 11)

/**
 * struct dmring_host_use - what another host takes here; all 0: nobody's
 * @node: which one
 * @sent: calls of this host that are with it
 * @open: its calls that are here
 * @extra: those that are beyond its share, and are to be refused
 * @statuses: of its members; the caller's
 * @others: the fewest, it included, that have shared in the views with it that have ended; 0: there
 *	was none
 */
struct dmring_host_use {
	u32 node;
	u32 sent;
	u32 open;
	u32 extra;
	u32 statuses;
	u32 others;
};

/* What only the caller can do; @ring is what it has given */
struct dmring_exchange_ops {
	/*
	 * Bring a request of another host before one who serves it, and say into whose hands it
	 * came (dmring_exchange_hand()) if there is a @c; or before each, if it is for each. 0, or
	 * why it cannot be done (errno).
	 */
	int (*serve)(void *ring, const struct dmring_parcel *p, u64 deadline, const void *load,
		     struct dmring_call *c);
	/* Bring what its server, who has left, had not read to another; false: that cannot be */
	bool (*move_on)(void *ring, struct dmring_call *c);
	/* Give the client, who is here, a reply: what dmring_exchange_replied() is to know. */
	int (*reply)(void *ring, const struct dmring_call *c, u32 error, u32 flags,
		     const void *load);
	/* Tell the client, who is here, how it ended; false: it has no room. */
	bool (*tell)(void *ring, const struct dmring_call *c, u32 error, u32 flags);
	/* It had none: it is to have a turn when it has. */
	void (*wants_room)(void *ring, struct dmring_party *client);
	/* Of a request to each nothing is kept: another host could not deliver it to all. */
	void (*missed)(void *ring, const struct dmring_parcel *p);
	/* There may be room for what waits: in a server's hands, in the table, at another host */
	void (*retry)(void *ring);
	/* Call dmring_exchange_expire() then. */
	void (*look)(void *ring, u64 when);
	/* There is something to tell another host. */
	void (*due)(void *ring);
};

/**
 * struct dmring_exchange - the calls of one host
 * @calls: all of them
 * @offers: who serves what on other hosts
 * @ops: (invariant)
 * @ring: for the ops (invariant)
 * @node: of this host (invariant)
 * @view: the hosts there are, which is the caller's (invariant; what it says is not)
 * @own: calls of members here
 * @extra: those of other hosts that are beyond their shares
 * @use: by the other hosts
 * @view_due: a view was installed, and its record not delivered
 * @kept_count: hosts that have come along from all views before it,
 * @kept: and these have lost nothing
 * @begun: calls of members here
 * @replied: of these, how many ended with a reply,
 * @failed: and without
 * @served: requests that came before members here
 * @stale: replies that nobody waits for, or of one who does not hold the request
 * @dropped: requests of other hosts for which there was no entry
 */
struct dmring_exchange {
	struct dmring_calls calls;
	struct dmring_offers offers;
	const struct dmring_exchange_ops *ops;
	void *ring;
	u32 node;
	const struct dmring_view *view;
	u32 own;
	u32 extra;
	struct dmring_host_use use[DMRING_HOSTS_MAX];
	bool view_due;
	u16 kept_count;
	u32 kept[DMRING_HOSTS_MAX];
	u64 begun;
	u64 replied;
	u64 failed;
	u64 served;
	u64 stale;
	u64 dropped;
};

/* @calls and @offers: the tables' memory, see calls.h and offers.h */
void dmring_exchange_init(struct dmring_exchange *x, const struct dmring_exchange_ops *ops,
			  void *ring, u32 node, const struct dmring_view *view,
			  struct dmring_call *calls, struct dmring_host_offer *offers);

/* How many hosts share what is not our own */
static inline u32 dmring_exchange_others(const struct dmring_exchange *x)
{
	return x->view->count > 2 ? x->view->count - 1 : 1;
}

/* What host @node takes here: to be counted up or down; NULL: there are too many hosts. */
struct dmring_host_use *dmring_exchange_use(struct dmring_exchange *x, u32 node);

/* The call is of this host's */
static inline bool dmring_call_is_ours(const struct dmring_call *c)
{
	return !c->peer_no;
}

/*
 * Calls of members here
 */

/*
 * A new one; @m: who asks; NULL: it has left, and hears nothing any more. NULL when there are too
 * many.
 */
struct dmring_call *dmring_exchange_begin(struct dmring_exchange *x, struct dmring_party *m,
					  u64 cookie, u32 flags, u64 deadline, u64 rnd);
/* May one more be with host @node? */
bool dmring_exchange_may_send(struct dmring_exchange *x, u32 node);
/*
 * Which host is to have one for service @name: the next in turn with which one more may be; else
 * 0, and in *@served whether any serves it.
 */
u32 dmring_exchange_choose(struct dmring_exchange *x, const char *name, bool *served);
/* It goes to the host @p->dest, and may; what the parcel is to say of it. */
void dmring_exchange_send(struct dmring_exchange *x, struct dmring_call *c,
			  struct dmring_parcel *p, u64 now);
/* It lies in the output space of @m, at @out_at: in its hands now. */
void dmring_exchange_hand(struct dmring_exchange *x, struct dmring_call *c,
			  struct dmring_party *m, u64 out_at);
/* @m replies to the one of this number: is it in its hands? Else NULL, and counted. */
struct dmring_call *dmring_exchange_held(struct dmring_exchange *x, u64 no,
					 const struct dmring_party *m);
/*
 * The client, who is here, was given a reply or a part of one: @err 0; -ENOBUFS: it had no
 * room; -EMSGSIZE: it never will have, and nothing has changed. Returns 0 or -EMSGSIZE.
 */
int dmring_exchange_replied(struct dmring_exchange *x, struct dmring_call *c, u32 flags, int err);
/* It ends so. */
void dmring_exchange_end(struct dmring_exchange *x, struct dmring_call *c, u32 error, u32 flags);
/* @m has its turn: ends that it has not been told of. */
void dmring_exchange_turn(struct dmring_exchange *x, struct dmring_party *m);

/*
 * A member has left. Then: it has replied to the call of this number; what it had in its hands, has
 * not replied to, and does not move on, is told; all that it had accepted has been moved: nothing
 * is in its hands any more, and @m is not referred to.
 */
void dmring_exchange_left(struct dmring_exchange *x, struct dmring_party *m);
void dmring_exchange_answered(struct dmring_exchange *x, u64 no, const struct dmring_party *m);
void dmring_exchange_unanswered(struct dmring_exchange *x, struct dmring_party *m);
void dmring_exchange_drained(struct dmring_exchange *x, struct dmring_party *m);
/* Instead: that will never be, for the ring ends; nor is @m referred to. */
void dmring_exchange_dropped(struct dmring_exchange *x, struct dmring_party *m);

/*
 * Between hosts
 */

/* A reply to a call of another host, or its end */
void dmring_exchange_reply_parcel(const struct dmring_exchange *x, const struct dmring_call *c,
				  u32 error, u32 flags, struct dmring_parcel *p);
/* The next end that a host is to be told of, and the parcel that does; NULL: there is none. */
struct dmring_call *dmring_exchange_due(const struct dmring_exchange *x, struct dmring_parcel *p);
/* Such a parcel has gone, with @flags. */
void dmring_exchange_told(struct dmring_exchange *x, struct dmring_call *c, u32 flags);

/* A parcel has its place in the order: is it of another host, and for this one? */
static inline bool dmring_exchange_concerns(const struct dmring_exchange *x,
					    const struct dmring_parcel *p)
{
	return p->from != x->node && (!p->dest || p->dest == x->node);
}

/* It is a request, a reply or an offer; one that does not concern this host is left alone. */
void dmring_exchange_arrived(struct dmring_exchange *x, const struct dmring_parcel *p,
			     const void *load, u64 now, u64 rnd);

/*
 * A view is about to be installed; @lossy: what was sent in the last one may be lost. Then its
 * record is delivered: has host @node come with this one, and lost nothing? The others' calls end.
 */
void dmring_exchange_installs(struct dmring_exchange *x, const struct dmring_view_record *rec,
			      bool lossy);
bool dmring_exchange_stays(const struct dmring_exchange *x, u32 node);
void dmring_exchange_view(struct dmring_exchange *x);

/* End at most @budget calls whose time is over; calls.next_deadline is when there are more. */
void dmring_exchange_expire(struct dmring_exchange *x, u64 now, u32 budget);

#endif /* _DMRING_CORE_EXCHANGE_H */
