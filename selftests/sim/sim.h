/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulator: hosts that run the real core (kmod/core), links that lose, delay and
 * break, coordinators of views that are slow, die and act twice, all under one virtual
 * clock and from one seed. What members would have read is written down, and judged by a
 * checker that knows nothing of the core (history.c).
 *
 *	main	seeds, replay with a trace, shrinking
 *	world	one schedule: what goes wrong when, and the clock
 *	coord	coordinators of views
 *	host	one host: log, reader, the link thread
 *	calls	requests on it and between hosts, by the rules of the core
 *	people	its members, who ask others, serve and die
 *	net	connections
 *	history	what happened, and was it right?
 *	book	how did each request end, and was that right?
 */
#ifndef _DMRING_SIM_H
#define _DMRING_SIM_H

#include <stdlib.h>
#include "core.h"
#include "core-internal.h"
#include "exchange.h"
#include "../links.h"
#include "../random.h"

#define SIM_HOSTS	16
#define SIM_SLOTS	1024		/* records of a log, 64 KiB */
#define SIM_LOG		65536U
#define SIM_SEGMENTS	64		/* under way on one connection, one way */
#define SIM_PIPE	8192U		/* bytes of them */
#define SIM_COORDS	2
#define SIM_NEVER	(~0ULL)
#define SIM_MEMBERS	4		/* of a host, at a time */
#define SIM_PERSONS	2048		/* members of a schedule, */
#define SIM_CALLS	8192		/* and what they ask for */
#define SIM_SERVICES	3
#define SIM_SPACE	12		/* letters in an output space; that is full at 12 units */
#define SIM_INPUT	8		/* letters in an input space */
#define SIM_HANDS	16		/* requests in the hands of one member, and with those */
#define SIM_HELD	64		/* that have ended meanwhile */

#define MS		DMRING_NS_PER_MS

struct world;
struct host;

/*
 * net
 */

struct segment {
	u32 len;
	u64 at;			/* when it arrives */
};

/* One way of a connection */
struct pipe {
	u8 buf[SIM_PIPE];
	u32 len;		/* bytes under way */
	struct segment seg[SIM_SEGMENTS];
	u32 segs;
};

/* side 0 opened it, side 1 accepted it; pipe[s] is written by side s */
struct conn {
	struct pipe pipe[2];
	u16 host[2];
	bool open[2];
	bool cut;
	struct conn *next;	/* of those that are free */
};

void net_open(struct world *w, struct end *from, struct end *to, u16 a, u16 b);
void net_close(struct world *w, struct end *e);
/* Bytes written or read; 0 for none now, -1 where the connection is gone. */
int net_write(struct world *w, struct end *e, const u8 *buf, u32 len);
int net_read(struct world *w, struct end *e, u8 *buf, u32 len);
/* It breaks, at any byte; what was under way before that arrives. */
void net_cut(struct world *w, struct conn *c);
/* When the next bytes for this side are there; SIM_NEVER */
u64 net_arrives(const struct world *w, const struct end *e);
void net_free(struct world *w);

/*
 * history
 */

/* What a message says of itself; the rest of it is filled with a pattern */
struct tag {
	u32 node;
	u32 view;
	u64 inc;
	u64 seq;
	u64 id;
	u32 parcel;		/* it takes no position of the index: enum parcel_kind */
	u32 person;		/* who sent it; 0: the host. And as which of all it has sent */
	u64 number;
};

enum parcel_kind { PARCEL_NONE, PARCEL_NOTHING, PARCEL_CALLS };

struct item {
	bool view;		/* else a message */
	u32 number;		/* of the view */
	u16 record;		/* index of its record */
	u64 sent;		/* by this host, in the view before */
	struct tag tag;
};

/* One incarnation of one host, from its first view to its end */
struct life {
	u32 node;
	u64 inc;
	bool ended;
	u64 sent;		/* in the view that stands */
	struct item *item;	/* in order of delivery */
	u32 items, size;
};

struct history {
	struct dmring_view_record *record;	/* those installed, each once */
	u32 records, record_size;
	struct life *life;
	u32 lives, life_size;
	bool decree;		/* a human has decided where no host had a quorum */
};

/* The same view, but for the attempt? */
bool history_differ(const struct dmring_view_record *a, const struct dmring_view_record *b);
u32 history_record(struct history *h, const struct dmring_view_record *rec);
u32 history_life(struct history *h, u32 node, u64 inc);
void history_message(struct history *h, u32 life, const struct tag *tag);
void history_view(struct history *h, u32 life, const struct dmring_view_record *rec);
/* NULL, or what is wrong. */
const char *history_check(const struct history *h, u8 order, char *text, size_t size);
void history_clear(struct history *h);

/*
 * book: what members know of their requests, and nothing of the rules
 */

/* What a request or a reply carries: what it says of itself */
struct load {
	u64 call;		/* in the book, from 1 on; 0: it is nobody's */
	u64 number;		/* of all that its sender has sent */
	u32 person;		/* who sent it */
	u32 part;		/* of a reply, from 0 on */
	u32 units;		/* of an output space */
	u32 service;
};

/* A member, as long as it lives */
struct person {
	u16 host;
	bool gone;
	u64 sent;
};

struct entry {
	u32 client, holder;	/* persons; who has it in hand, or had it last, 0: nobody; */
	u32 views;		/* since that host had delivered so many of its views */
	u8 flags;
	u64 deadline;
	u64 no;			/* what it is called between hosts, if it has gone to another, */
	u16 dest;		/* to this one */
	bool answered;		/* all of a reply was accepted of who has it in hand */
	bool ended;
	bool known;		/* how it ends, though the client had no room to hear it: */
	u32 error, end;
	bool reached;		/* somebody: it may have been carried out */
	bool clogged;		/* the client had no room for a reply, or never will */
	bool too_large;
	u32 parts;		/* of the reply, that have come */
	u32 refused;		/* why a host would not have it */
	u32 missed;		/* hosts that had it not for all of theirs, bit by bit, */
	u32 parted;		/* and those that may not be able to say so */
};

struct book {
	struct person person[SIM_PERSONS];	/* from 1 on */
	struct entry entry[SIM_CALLS];
	u32 persons, calls;
};

void book_clear(struct book *b);
/* 0: there is no more space */
u32 book_person(struct world *w, u16 host);
u64 book_call(struct world *w, u32 client, u8 flags, u64 deadline);
struct entry *book_entry(struct world *w, u64 call);
/* It came before that one; @moved: from another one who has died. */
void book_handed(struct host *h, const struct load *load, u32 person, bool moved);
/* The host that it came to would not have it, or not before all of its members */
void book_refused(struct world *w, u64 call, u32 error);
/* The client has it in its output space; or it was told an end that the ring has made. */
void book_replied(struct host *h, u64 call, const struct load *load, u32 flags);
void book_told(struct host *h, u64 call, u32 error, u32 flags, bool now);
/* A reply of who has it in hand is not taken: may it have ended? */
void book_stale(struct host *h, u64 call, u32 person);
/* It ends before it has begun. */
void book_failed(struct world *w, u64 call);
/* It could not go to all there. */
void book_missed(struct host *h, u64 call, u32 person, u32 from);
void book_parted(const struct host *h, bool crashed);
/* Of one sender, in order? */
void book_heard(struct host *h, u32 person, u64 number);
bool book_closed(const struct world *w);

/*
 * calls
 */

struct letter {
	u8 type;		/* enum letter_type */
	u8 flags;		/* DMRING_REQUEST_* or DMRING_REPLY_* */
	bool forged;		/* a reply to what its sender does not hold */
	u32 error;
	u64 cap;
	u64 deadline;
	struct load load;
};

enum letter_type { LETTER_MESSAGE, LETTER_REQUEST, LETTER_REPLY };

struct held {
	u64 cap;
	u64 call;
	u32 part;
};

struct member {
	bool there;		/* and if not attached, has something left to be moved */
	bool attached;
	u32 mark;
	u32 person;
	struct dmring_party party;
	u32 serves;		/* bit by bit; what it did, when it has left */
	u32 space, used;	/* units of its output space */
	struct letter out[SIM_SPACE];
	u64 out_head, out_tail;
	bool asked;		/* to ring when it has read; */
	bool rang;		/* it has, or has written something */
	struct letter in[SIM_INPUT];
	u32 in_count;
	bool waits;		/* its next letter, for something to happen */
	u64 clogged_at;
	u64 last_no;		/* record of its last message */
	struct held held[SIM_HELD];
	u32 helds;
	struct held spent;	/* it has replied to that */
};

struct calls {
	struct dmring_exchange x;
	struct dmring_call table[DMRING_CALLS_TABLE];
	struct dmring_host_offer offers[DMRING_OFFERS_TABLE];
	struct member member[SIM_MEMBERS];
	u32 next_mark;
	u32 turn;
	u32 dirty;		/* services to be announced */
	u64 run_at;		/* when something is to be done, */
	u64 look_at;		/* somebody's time is over, */
	u64 act_at;		/* members think of something new */
	u32 views;		/* delivered */
	bool lossy;		/* by a view that was installed, and is not delivered yet */
	bool lost[SIM_HOSTS];
	u64 call_of[DMRING_CALLS_TABLE];	/* in the book, by the place of its number */
	u64 heard[SIM_PERSONS];			/* the last of each */
};

extern const struct dmring_exchange_ops calls_ops;
/* There may be room for what waits. */
void calls_retry(struct host *h);
/* What a member has in its input space; what the host has to say itself */
void calls_turn(struct host *h, struct member *m);
void calls_tell(struct host *h);
/* A record has its place in the order: of a member; a parcel of calls, what is behind its tag */
void calls_message(struct host *h, const struct tag *tag);
void calls_parcel(struct host *h, const u8 *data, u32 len);

/*
 * people: what members do
 */

void people_boot(struct host *h);
void people_crash(struct host *h);
void people_run(struct host *h);
void people_installs(struct host *h, const struct dmring_view_record *rec);
void people_view(struct host *h);
/* All has ended, and nothing is left of it. */
bool people_done(const struct host *h);

/*
 * host
 */

struct rec {
	u64 pos;
	u32 len;
};

struct host {
	struct world *w;
	u16 no;			/* node id - 1 */
	bool up;
	u32 life;
	struct dmring_core core;
	struct dmring_entry table[SIM_SLOTS];
	struct dmring_place places[SIM_SLOTS];
	struct rec rec[SIM_SLOTS];	/* by record number */
	u64 index[SIM_SLOTS];		/* record numbers */
	u8 log[SIM_LOG];
	u64 tail;		/* of the log */
	u64 cursor;		/* of its reader, in the index */
	u64 run_at;		/* the link thread */
	u64 send_at, read_at;
	u64 frozen;		/* the host stands still until then; its reader: */
	u64 reader_frozen;
	u32 next_len;
	struct links links;
	struct calls calls;
};

void host_boot(struct world *w, u16 no);
void host_crash(struct world *w, u16 no, bool silent);
void host_run(struct host *h);
void host_send(struct host *h);
void host_read(struct host *h);
void host_event(struct host *h);
/* Put a record of the host's own into its stream, for which there is room; returns its number. */
u64 host_put(struct host *h, struct tag *tag, u8 *data, u32 len);
/* The three steps; 0 or -errno. */
int host_prepare(struct host *h, u32 number, u32 attempt, bool joins);
int host_fill(struct host *h, const struct dmring_view_record *rec);
int host_install(struct host *h, u32 number, u32 attempt);

static inline void host_wake(struct host *h, u64 at)
{
	h->run_at = min(h->run_at, at);
}

static inline void calls_soon(struct host *h, u64 at)
{
	h->calls.run_at = min(h->calls.run_at, at);
}

/*
 * coord
 */

enum step { STEP_IDLE, STEP_PREPARE, STEP_FILL, STEP_INSTALL };

struct coord {
	u16 at;			/* the host it runs on, and is cut off with */
	u64 run_at;
	u64 until;		/* it gives up then */
	enum step step;
	u32 done;		/* hosts, bit by bit */
	u32 stay, join;
	bool repeats;		/* a view that somebody has installed, or may have */
	u64 inc[SIM_HOSTS];	/* as they said, */
	struct dmring_view_record accepted[SIM_HOSTS];	/* and this; number 0 for none */
	struct dmring_view_record rec;
};

/* A request on its way to a host, which may come late */
struct request {
	u64 at;
	u16 coord, host;
	enum step step;
	bool joins;
	struct dmring_view_record rec;	/* number and attempt alone, but for a fill */
};

/* An incarnation that is not known yet is no difference. */
bool same_view(const struct dmring_view *a, const struct dmring_view *b);
void coord_run(struct world *w, u16 no);
void coord_request(struct world *w, struct request *q);
/* Is everybody in one view, with nothing left to be done? */
bool coord_done(const struct world *w);

/*
 * world
 */

/* What goes wrong: how often in the schedule, 0 for never */
struct faults {
	u32 cuts;		/* of a connection */
	u32 blocks;		/* one way between two hosts, for a while */
	u32 splits;		/* in two or three parts, for a while */
	u32 crashes;
	u32 freezes;		/* of a host */
	u32 readers;		/* that stand still */
	u32 deaths;		/* of coordinators */
	u32 late;		/* requests that come late, in per cent */
	u32 departs;		/* of members, in a thousand things that they do */
	u32 lazy;		/* how much less they read than they might; their spaces are small */
};

struct sim_opts {
	u64 seed;
	u16 hosts;
	u8 order;
	u64 length;		/* of the time in which things go wrong (ns) */
	struct faults f;
	bool trace;
	bool messages;		/* in the trace, too */
};

#define SIM_REQUESTS 64

struct world {
	struct sim_opts o;
	u64 rnd;
	u64 now;
	bool quiet;		/* nothing goes wrong any more */
	const char *failed;
	char text[320];
	u64 next_id;
	u64 delay;		/* most that a segment takes (ns) */
	u32 large;		/* most bytes of a message */
	u64 blocked[SIM_HOSTS][SIM_HOSTS];	/* from, to: until then */
	u64 fault_at;
	u64 steps, steps_end, views, messages;
	struct history history;
	struct book *book;
	u64 replies, ends;
	struct host *host;
	struct coord coord[SIM_COORDS];
	struct request request[SIM_REQUESTS];
	u32 requests;
	struct conn *spare;
};

static inline u64 any_number(struct world *w)
{
	return next_random(&w->rnd);
}

static inline u64 below(struct world *w, u64 n)
{
	return n ? any_number(w) % n : 0;
}

void sim_fail(struct world *w, const char *what, u32 node, const char *why);
__attribute__((format(printf, 2, 3)))
void sim_trace(const struct world *w, const char *fmt, ...);

static inline bool blocked(const struct world *w, u16 from, u16 to)
{
	return w->blocked[from][to] > w->now;
}

struct world *world_new(void);
/* Run one schedule; NULL or what went wrong. */
const char *world_run(struct world *w, const struct sim_opts *o);
void world_free(struct world *w);

#endif
