/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring of hosts in one process: the real core, joined by byte pipes that
 * hold little, stop anywhere and can be cut at any byte. An observer that sees
 * all hosts checks what no host can see alone.
 *
 *	host 0 ==pipe==> host 1 ==pipe==> ... ==pipe==> host N-1 ==pipe==> host 0
 */
#ifndef _DMRING_UNIT_RING_H
#define _DMRING_UNIT_RING_H

#include "../links.h"
#include "test.h"

struct pipe {
	u8 *buf;
	u32 len;
};

/* side 0 opened it, side 1 accepted it; pipe[s] is written by side s */
struct conn {
	struct pipe pipe[2];
	bool open[2];
	bool cut;
};

struct record {
	u64 pos;
	u32 len;
};

struct host {
	struct ring *ring;
	struct dmring_core core;
	struct dmring_entry *table;
	struct dmring_place *places;
	struct record *rec;	/* by record number */
	u64 *index;		/* record numbers, by index position */
	u64 given;		/* messages in the index */
	u8 *log;
	u64 tail;		/* of the log, in bytes */
	u64 cursor;		/* of the one reader, in the index */
	u64 seen[DMRING_HOSTS_MAX];
	u64 stalled, reader_stalled;	/* until then */
	u64 sent;		/* messages accepted here */
	u32 next_len;		/* of the message that waits, + 1 */
	bool slow;		/* the core blamed the reader once */
	struct links links;
};

struct ring_opts {
	u64 seed;
	u16 hosts;
	u32 log[DMRING_HOSTS_MAX];
	u32 max_msg;		/* largest that is sent; 0 for the ring's largest */
	u32 cfg_max;		/* dmring_core_cfg.max_msg */
	bool identify;
	u8 order;		/* DMRING_ORDER_* */
	u32 pipe;		/* bytes a pipe holds */
	u32 cuts;		/* one in so many steps cuts a link; 0 for never */
	u32 stalls;		/* likewise: stops a host or a reader for a while */
};

/* A message as the whole ring sees it */
struct message {
	u16 origin;
	u64 seq;
};

struct ring {
	struct ring_opts o;
	struct message *line;	/* the one order, as far as the first host has come */
	u64 line_len, line_size;
	u64 rnd;
	u64 now;
	u64 cut_count, full;	/* links cut, sends that found no room */
	bool quiet;		/* nothing new is sent, nothing is cut */
	bool blind;		/* a host was restarted: nothing to compare */
	const char *failed;
	char text[256];
	struct host host[DMRING_HOSTS_MAX];
};

struct ring *ring_new(const struct ring_opts *o);
void ring_free(struct ring *r);

/* Both return NULL or what is wrong. */
const char *ring_steps(struct ring *r, u64 steps);
const char *ring_settle(struct ring *r);	/* until all is delivered and freed */

void ring_cut(struct ring *r, u16 host);	/* its OUT link */
void ring_restart(struct ring *r, u16 host);	/* under a new incarnation */

#endif
