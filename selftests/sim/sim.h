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
 *	net	connections
 *	history	what happened, and was it right?
 */
#ifndef _DMRING_SIM_H
#define _DMRING_SIM_H

#include <stdlib.h>
#include "core.h"
#include "core-internal.h"
#include "../links.h"
#include "../random.h"

#define SIM_HOSTS	16
#define SIM_SLOTS	1024		/* records of a log, 64 KiB */
#define SIM_LOG		65536U
#define SIM_SEGMENTS	64		/* under way on one connection, one way */
#define SIM_PIPE	8192U		/* bytes of them */
#define SIM_COORDS	2
#define SIM_NEVER	(~0ULL)

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
	u64 parcel;		/* it takes no position of the index */
};

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
};

void host_boot(struct world *w, u16 no);
void host_crash(struct world *w, u16 no, bool silent);
void host_run(struct host *h);
void host_send(struct host *h);
void host_read(struct host *h);
void host_event(struct host *h);
/* The three steps; 0 or -errno. */
int host_prepare(struct host *h, u32 number, u32 attempt, bool joins);
int host_fill(struct host *h, const struct dmring_view_record *rec);
int host_install(struct host *h, u32 number, u32 attempt);

static inline void host_wake(struct host *h, u64 at)
{
	h->run_at = min(h->run_at, at);
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
