/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ends of a host's links in user space: frames in and out with the real core, one bite at
 * a time, as the module's thread works them. Where the bytes go, and what becomes of what they
 * say, is told by a table of functions.
 *
 *	unit/ring.c	pipes that hold little, and an observer who sees all hosts
 *	sim/host.c	links with delay, cuts and partitions, and views
 */
#ifndef _DMRING_SELFTESTS_LINKS_H
#define _DMRING_SELFTESTS_LINKS_H

#include <stdbool.h>
#include "core.h"

#define LINKS_PENDING	4	/* accepted connections whose greeting has not come */

struct conn;

/* One side of a connection, and the frames half read and half written on it */
struct end {
	struct conn *conn;	/* NULL for none */
	u8 side;		/* 0 opened it, 1 accepted it */
	u64 since;
	bool waits;		/* it was early: ask again when something has changed */
	u8 head[DMRING_WIRE_HEAD_MAX];
	u8 *body;
	u32 body_size;		/* of the buffer */
	u32 got;
	bool checked;		/* the common header */
	bool handled;		/* the head: body is being read */
	struct dmring_frame frame;
	struct dmring_rx rx;
	u8 *tx;
	u32 tx_len, tx_off;
	bool tx_record;
	u64 tx_no;
	bool hello;		/* to be sent */
};

struct links;

struct links_ops {
	u32 record_max;		/* largest payload (bytes) */
	/* Bytes that went; 0 for none now, negative where the connection is gone */
	int (*read)(struct links *l, struct end *e, u8 *buf, u32 len);
	int (*write)(struct links *l, struct end *e, const u8 *buf, u32 len);
	/* Let go of e->conn */
	void (*close)(struct links *l, struct end *e);
	/* Open a connection to the next host, or say that it cannot be */
	void (*connect)(struct links *l);
	/* What the core wants, before and after it is done */
	void (*acts)(struct links *l, const struct dmring_act *act);
	void (*acted)(struct links *l);
	/* A record is there, e->rx and e->body */
	void (*came)(struct links *l, struct end *e);
	/* The DATA frame of record @no; returns its length */
	u32 (*record)(struct links *l, u64 no, u8 *buf);
};

struct links {
	const struct links_ops *ops;
	void *host;		/* whose they are */
	struct dmring_core *core;
	const u64 *now;
	u64 *rnd;
	struct end in, out, pend[LINKS_PENDING];
};

/* One bite; false when there is no more of it, or nothing to send */
bool links_pull(struct links *l, struct end *e);
bool links_push(struct links *l, struct end *e);

/* What the core says of @e is to be done */
void links_act(struct links *l, struct end *e, const struct dmring_act *act);

/* Time has passed */
void links_tick(struct links *l);

/* After a step to another view: what the core has let go of goes, who was early may ask again */
void links_follow(struct links *l);

/* @e is side @side of @conn, from @now on */
void links_open(struct end *e, struct conn *conn, u8 side, u64 now);

/* Where an accepted connection may wait for its greeting; NULL if there are too many */
struct end *links_pending(struct links *l);

void links_close(struct links *l, struct end *e);
void links_close_all(struct links *l);

/* Closes all, and frees */
void links_free(struct links *l);

#endif
