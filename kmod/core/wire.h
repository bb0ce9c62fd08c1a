/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire: frames between two hosts, their encoding and the checks that need no
 * state. Byte tables are in Documentation/protocol.rst.
 *
 * All functions are pure. A decoder returns 0 or -EPROTO with a sentence, and
 * never reads beyond the length it is given.
 */
#ifndef _DMRING_CORE_WIRE_H
#define _DMRING_CORE_WIRE_H

#include "types.h"

#define DMRING_WIRE_MAGIC	0x676e7264U	/* "drng" */
#define DMRING_WIRE_VERSION	5

/* Frame types */
#define DMRING_FRAME_HELLO	1
#define DMRING_FRAME_REFUSE	2
#define DMRING_FRAME_DATA	3
#define DMRING_FRAME_MARKS	4
#define DMRING_FRAME_BEAT	5
#define DMRING_FRAME_ORDER	6
#define DMRING_FRAME_TYPES	7

/* Record type in a DATA frame, and beside the log: what no member reads; see parcel.h */
#define DMRING_REC_PARCEL	0x40

/* Frame flags */
#define DMRING_FRAME_IDENT	0x01	/* DATA only: identity follows the header */
#define DMRING_FRAME_BRIEF	0x02	/* a parcel's header only: it has been where it is to go */

/* Sizes (bytes, common header included) */
#define DMRING_WIRE_HDR		8U
#define DMRING_WIRE_HELLO	96U	/* and DMRING_WIRE_HELLO_HOST a host */
#define DMRING_WIRE_HELLO_HOST	24U
#define DMRING_WIRE_REFUSE	12U	/* and 1 to DMRING_WHY_SIZE - 1 of text */
#define DMRING_WIRE_DATA	40U
#define DMRING_WIRE_IDENT	16U	/* when DMRING_FRAME_IDENT is set */
#define DMRING_WIRE_DATA_MAX	(DMRING_WIRE_DATA + DMRING_WIRE_IDENT)
#define DMRING_WIRE_EV		24U	/* payload of a DATA frame that is an event */
#define DMRING_WIRE_PARCEL	64U	/* of one that is a parcel, and what it carries */
#define DMRING_WIRE_MARKS	24U	/* and DMRING_WIRE_MARK an entry */
#define DMRING_WIRE_MARK	32U
#define DMRING_WIRE_BEAT	24U
#define DMRING_WIRE_ORDER	32U	/* and DMRING_WIRE_RUN a run */
#define DMRING_WIRE_RUN		8U
#define DMRING_ORDER_RUNS	64	/* most of them in a frame, */
#define DMRING_ORDER_MESSAGES	4096	/* of so many messages: what one hold of the lock bears */

#define DMRING_WIRE_HELLO_MAX	(DMRING_WIRE_HELLO + DMRING_HOSTS_MAX * DMRING_WIRE_HELLO_HOST)
#define DMRING_WIRE_REFUSE_MAX	(DMRING_WIRE_REFUSE + DMRING_WHY_SIZE - 1)
#define DMRING_WIRE_MARKS_MAX	(DMRING_WIRE_MARKS + DMRING_HOSTS_MAX * DMRING_WIRE_MARK)
#define DMRING_WIRE_ORDER_MAX	(DMRING_WIRE_ORDER + DMRING_ORDER_RUNS * DMRING_WIRE_RUN)

/* No frame has more to be gathered before it can be looked at */
#define DMRING_WIRE_HEAD_MAX	DMRING_WIRE_MARKS_MAX

/**
 * struct dmring_frame - what the common header says
 * @type: DMRING_FRAME_*
 * @flags: DMRING_FRAME_IDENT, of a parcel DMRING_FRAME_BRIEF
 * @len: whole frame (bytes)
 * @head: how much of it is to be gathered before it is handled (bytes); at
 *        most DMRING_WIRE_HEAD_MAX
 * @body: payload that follows (bytes); not 0 only for DATA
 */
struct dmring_frame {
	u8 type;
	u8 flags;
	u32 len;
	u32 head;
	u32 body;
};

struct dmring_hello_host {
	u32 node;
	u64 inc;	/* 0: not known */
	u64 have;	/* highest contiguous sequence held */
};

/**
 * struct dmring_hello - first frame in either direction
 * @name: ring, filled up with NUL
 * @node: who speaks
 * @view: number of its view
 * @inc: its incarnation, never 0
 * @order: order of the ring (DMRING_ORDER_*)
 * @identify: the ring says who sent
 * @dead_ms: silence that it takes for death
 * @log: its log (bytes)
 * @rec: its largest record (cost)
 * @ordered: it knows the order up to this position; 0 with order fifo
 * @attempt: at the view after this one, for which it is filling up; else 0
 * @count: how many @hosts
 * @hosts: its list, ascending by node
 */
struct dmring_hello {
	char name[DMRING_NAME_SIZE];
	u32 node;
	u32 view;
	u64 inc;
	u8 order;
	bool identify;
	u32 dead_ms;
	u32 log;
	u32 rec;
	u64 ordered;
	u32 attempt;
	u16 count;
	struct dmring_hello_host hosts[DMRING_HOSTS_MAX];
};

/**
 * struct dmring_data - header of a DATA frame
 * @node: origin
 * @view: view it was sequenced in
 * @inc: incarnation of the origin
 * @seq: number in the origin's stream, from 1
 * @len: payload (bytes)
 * @type: DMRING_REC_DATA; DMRING_REC_EVENT with DMRING_WIRE_EV bytes of payload; or
 *        DMRING_REC_PARCEL
 * @flags: DMRING_REC_IDENT or 0
 * @brief: of a parcel: only DMRING_WIRE_PARCEL bytes of the payload go with it
 * @ident: set under DMRING_REC_IDENT
 */
struct dmring_data {
	u32 node;
	u32 view;
	u64 inc;
	u64 seq;
	u32 len;
	u16 type;
	u16 flags;
	bool brief;
	struct dmring_ident ident;
};

/* Payload that is in its frame (bytes) */
static inline u32 dmring_data_body(const struct dmring_data *d)
{
	return d->brief ? DMRING_WIRE_PARCEL : d->len;
}

/**
 * struct dmring_mark - what is known of one origin's stream; all only grow
 * @node: origin
 * @stable: every host holds it up to this sequence; in an acknowledgment:
 *          the sender holds it
 * @released: cumulative cost released by the origin and all hosts up to the
 *            sender of this mark
 * @want: the origin cannot go on until this much is released everywhere
 */
struct dmring_mark {
	u32 node;
	u64 stable;
	u64 released;
	u64 want;
};

/* The next @count messages of host @node in the order */
struct dmring_order_run {
	u32 node;
	u32 count;
};

/**
 * struct dmring_order_frame - what an ORDER frame says
 * @view: in which it holds
 * @inc: incarnation of the sequencer
 * @from: order position of the first message
 * @count: how many runs
 * @run: one behind the other
 */
struct dmring_order_frame {
	u32 view;
	u64 inc;
	u64 from;
	u16 count;
	struct dmring_order_run run[DMRING_ORDER_RUNS];
};

/**
 * struct dmring_beat - heartbeat; all zero from acceptor to connector
 * @chain: links known to be up in a row behind the sender
 * @final: @log and @rec are the whole ring's and will not change again
 * @log: smallest log of the hosts in that row (bytes)
 * @rec: smallest largest record of them (cost)
 */
struct dmring_beat {
	u16 chain;
	bool final;
	u32 log;
	u32 rec;
};

/* Read the first DMRING_WIRE_HDR bytes of a frame. */
int dmring_wire_frame(const u8 *buf, struct dmring_frame *f, char *why);

/* @len is what dmring_frame.head said; encoders return the length written. */
u32 dmring_wire_put_hello(u8 *buf, const struct dmring_hello *h);
int dmring_wire_get_hello(const u8 *buf, u32 len, struct dmring_hello *h, char *why);

u32 dmring_wire_put_refuse(u8 *buf, int err, const char *text);
/* @text: DMRING_WHY_SIZE bytes, made printable; @err: a negative errno */
int dmring_wire_get_refuse(const u8 *buf, u32 len, int *err, char *text, char *why);

u32 dmring_wire_put_data(u8 *buf, const struct dmring_data *d);
int dmring_wire_get_data(const u8 *buf, u32 len, struct dmring_data *d, char *why);

/* The payload of an event, DMRING_WIRE_EV bytes; what it says is not checked here. */
u32 dmring_wire_put_ev(u8 *buf, const struct dmring_ev *ev);
void dmring_wire_get_ev(const u8 *buf, struct dmring_ev *ev);

/* @ordered: every host knows the order up to there; in an acknowledgment: the sender does */
void dmring_wire_put_marks(u8 *buf, u64 ordered, u16 count);
void dmring_wire_put_mark(u8 *buf, u16 i, const struct dmring_mark *m);
int dmring_wire_get_marks(const u8 *buf, u32 len, u64 *ordered, u16 *count, char *why);
void dmring_wire_get_mark(const u8 *buf, u16 i, struct dmring_mark *m);

u32 dmring_wire_put_order(u8 *buf, const struct dmring_order_frame *f);
int dmring_wire_get_order(const u8 *buf, u32 len, struct dmring_order_frame *f, char *why);

u32 dmring_wire_put_beat(u8 *buf, const struct dmring_beat *b);
int dmring_wire_get_beat(const u8 *buf, u32 len, struct dmring_beat *b, char *why);

#endif /* _DMRING_CORE_WIRE_H */
