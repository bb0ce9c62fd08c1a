/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * core: everything one host of a ring decides, in one structure. The kernel
 * side moves bytes, wakes and sleeps; it asks here what to do.
 *
 * Locking. The core has none. Each function is marked:
 *   [L]   the ring lock is held (pump, or link thread)
 *   [T]   the link thread alone; touches sessions only, no ring lock
 *   [LT]  the link thread, with the ring lock held
 *   [S]   set-up: nobody else uses the core, no link is open
 * "retain", "window", "ack", "view", "change", "sizes" and "gate" are protected by the
 * ring lock; the sessions, "chain" and "peer" belong to the link thread.
 *
 * Sending (pump, [L]): dmring_core_room(); copy to the log; dmring_core_add().
 * Delivering (pump, [L]): after each dmring_core_add…() and dmring_core_deliver(), and after
 *     DMRING_ACT_PUMP, dmring_core_index() as long as it names a record: that is
 *     what members read next.
 * Reading (pump, [L]): dmring_core_read() with the smallest cursor, then
 *     dmring_core_advance(). While it frees less than it should,
 *     dmring_core_slow() says whether a local reader is to blame.
 *
 * The link thread, for each connection it opened or accepted:
 *   1. It tells dmring_core_connected() (OUT) and sends the HELLO it is asked
 *      for. An accepted connection is nobody's until its HELLO is taken: it
 *      gathers DMRING_WIRE_HDR bytes, calls dmring_core_greeting(), gathers
 *      frame.head bytes and calls dmring_core_hello(). It closes it when that
 *      takes longer than dmring_core_greeting_time().
 *   2. Frames: gather DMRING_WIRE_HDR bytes, dmring_core_frame(); gather
 *      frame.head bytes (these included), dmring_core_head(). When that says
 *      DMRING_RX_DELIVER, read frame.body bytes of payload, then under one hold of the
 *      lock copy them to the log and call dmring_core_deliver(). On
 *      DMRING_RX_DISCARD read frame.body bytes and forget them.
 *   3. It tells dmring_core_heard() after each read that gave bytes,
 *      dmring_core_said() after each frame fully handed to the socket,
 *      dmring_core_down() when a connection failed or could not be opened.
 *   4. It reads all that has arrived, then calls dmring_core_tick() for each
 *      link; again not later than dmring_core_deadline().
 *   5. When OUT is in STREAM: first BEAT frames that are due
 *      (dmring_core_beat_due), then dmring_core_next()/_data()/_sent() for as
 *      much as the socket takes, then dmring_core_put_order(), then
 *      dmring_core_marks() when dmring_core_marks_due(). Frames never interleave.
 * After each call that fills a struct dmring_act the thread does what it says,
 * in the order of the bits.
 *
 * A view change: dmring_core_prepare(), _fill(), and once dmring_core_complete() says so on
 * every host, dmring_core_install(). After each of them the thread closes the connection of
 * a session that is in IDLE or WAIT. A record that was being read when a view was
 * prepared is to be discarded (dmring_rx.what). A guest whose HELLO is
 * answered with -EAGAIN is early: ask again after the next change.
 */
#ifndef _DMRING_CORE_CORE_H
#define _DMRING_CORE_CORE_H

#include "types.h"
#include "ack.h"
#include "order.h"
#include "parcel.h"
#include "retain.h"
#include "session.h"
#include "view.h"
#include "window.h"
#include "wire.h"

/**
 * struct dmring_core_cfg - what a ring is made with
 * @name: of the ring
 * @node: this host; not 0 in a ring between machines
 * @inc: this host's incarnation: random, not 0
 * @log: its log (bytes, a power of two)
 * @max_msg: largest payload (bytes), 0 for the best that fits
 * @dead_ms: silence that counts as death
 * @order: order of the ring
 * @identify: records carry struct dmring_ident
 * @network: scope network; else scope machine
 */
struct dmring_core_cfg {
	char name[DMRING_NAME_SIZE];
	u32 node;
	u64 inc;
	u32 log;
	u32 max_msg;
	u32 dead_ms;
	u8 order;
	bool identify;
	bool network;
};

/* What to do; dmring_act.what, in the order in which to do it */
#define DMRING_ACT_REPLACE	0x001	/* IN: close the older connection; this one is the link */
#define DMRING_ACT_HELLO	0x002	/* send dmring_core_put_hello() */
#define DMRING_ACT_REFUSE	0x004	/* send dmring_core_put_refuse(), then close */
#define DMRING_ACT_CLOSE	0x008	/* close this connection */
#define DMRING_ACT_CONNECT	0x010	/* open a connection to dmring_core_succ() */
#define DMRING_ACT_UP		0x020	/* the link is up: DMRING_EV_HOST_BACK */
#define DMRING_ACT_DOWN		0x040	/* it was up: DMRING_EV_HOST_AWAY, reason */
#define DMRING_ACT_REFUSED	0x080	/* first time for this cause: DMRING_EV_HOST_REFUSED, err */
#define DMRING_ACT_SIZES	0x100	/* largest message is known now: dmring_core_max_msg() */
#define DMRING_ACT_GATE		0x200	/* first closure: senders may go on */
#define DMRING_ACT_CLOSED	0x400	/* DMRING_EV_CLOSED */
#define DMRING_ACT_BROKEN	0x800	/* DMRING_EV_BROKEN */
#define DMRING_ACT_PUMP		0x1000	/* something can be freed, delivered or sent */

/**
 * struct dmring_act - result of a call: what the link thread is to do
 * @what: DMRING_ACT_*
 * @node: neighbour it is about, 0 if unknown
 * @reason: DMRING_AWAY_*, with DMRING_ACT_DOWN
 * @err: negative errno, 0 if nothing is wrong
 * @why: the same as a sentence
 */
struct dmring_act {
	u32 what;
	u32 node;
	u16 reason;
	int err;
	char why[DMRING_WHY_SIZE];
};

enum dmring_rx_what {
	DMRING_RX_NONE,		/* a control frame: done */
	DMRING_RX_DELIVER,	/* read the payload, then dmring_core_deliver() */
	DMRING_RX_DISCARD,	/* read the payload and forget it */
};

/**
 * struct dmring_rx - a record that is coming in
 * @what: enum dmring_rx_what
 * @origin: index of the origin in the view
 * @cost: of the record
 * @arrives: it is a parcel for this host alone
 * @data: its header, checked
 */
struct dmring_rx {
	enum dmring_rx_what what;
	u16 origin;
	bool arrives;
	u32 cost;
	struct dmring_data data;
};

/*
 * Where a host is between two views. Anybody may begin anew, with a higher attempt.
 *
 *	RUN --prepare--> PREPARED --fill--> FILL --install--> RUN
 *	                   ^----prepare-------'
 */
enum dmring_phase {
	DMRING_PHASE_RUN,	/* in a view */
	DMRING_PHASE_PREPARED,	/* nothing is sent, taken in or delivered */
	DMRING_PHASE_FILL,	/* it gets what it lacks of the view that ends */
};

/**
 * struct dmring_change - from one view to the next
 * @phase: enum dmring_phase
 * @joins: this host gives up its place in the view it is in, if any; for good, when
 * @gave_up: it has been given the record of another
 * @stays: highest attempt at the view after its own, also when others were prepared since
 * @number: of the view that was prepared last,
 * @attempt: and the highest attempt at it
 * @next_inc: the incarnation under which it would join
 * @succ: in FILL: the next one of those who stay, its index in the view that ends,
 * @pred: and the one before
 * @record: from FILL on, and still when another attempt is prepared
 * @held: all that it asked for was here then
 */
struct dmring_change {
	u8 phase;
	bool joins;
	bool gave_up;
	u32 stays;
	u32 number;
	u32 attempt;
	u64 next_inc;
	u16 succ;
	u16 pred;
	bool held;
	struct dmring_view_record record;
};

/**
 * struct dmring_core - one host of one ring
 * @cfg: (invariant after dmring_core_init(), but for @inc: a new one for each view it joins)
 * @rec: largest record of this host's own configuration (cost)
 * @view: the hosts (ring lock to write)
 * @change: the way to the next view (ring lock to write)
 * @sizes: of the whole ring (ring lock to write)
 * @gate: the ring has been closed once in this view, or is alone: own messages may go (ring lock)
 * @retain: (ring lock)
 * @window: (ring lock)
 * @ack: (ring lock)
 * @in: link from the predecessor (thread)
 * @out: link to the successor (thread)
 * @chain: what we tell the successor (thread)
 * @heard: what the predecessor told us last (thread)
 * @closed: chain is long enough and OUT is up (thread)
 * @beat_now: what we tell has changed: do not wait for the next beat (thread)
 * @hello: scratch for HELLO frames (thread)
 * @spare: scratch for a new view (set-up)
 */
struct dmring_core {
	struct dmring_core_cfg cfg;
	u32 rec;
	struct dmring_view view;
	struct dmring_change change;
	struct dmring_sizes sizes;
	bool gate;
	struct dmring_retain retain;
	struct dmring_window window;
	struct dmring_ack ack;
	struct dmring_session in;
	struct dmring_session out;
	struct dmring_beat chain;
	struct dmring_beat heard;
	bool closed;
	bool beat_now;
	struct dmring_hello hello;
	struct dmring_view spare;
};

/*
 * Set-up
 */

/* Does such a ring need a struct dmring_place for each entry of the table? */
static inline bool dmring_core_wants_places(bool network, u8 order)
{
	/* what is in one log has one order */
	return network && order != DMRING_ORDER_FIFO;
}

/*
 * [S] @table: @slots entries, a power of two >= cfg->log / DMRING_COST_MIN. @places: as many,
 * or NULL if none are wanted. The first record will lie at position cfg->log of the log.
 */
int dmring_core_init(struct dmring_core *c, const struct dmring_core_cfg *cfg,
		     struct dmring_entry *table, struct dmring_place *places, u32 slots,
		     char *why);

/*
 * [S] The peers of a static ring (this host may be listed or not). -EBUSY once
 * this host has sequenced or received a message, or a view was prepared; -EMSGSIZE when
 * the log is too small for so many. Shuts the gate again. Forgets what was learned of
 * incarnations. Links must be closed before. The link out is opened DMRING_SETTLE after
 * @now: peers are mostly given one after the other, and each changes whom we should call.
 */
int dmring_core_set_hosts(struct dmring_core *c, const u32 *nodes, u16 count, u64 now,
			  char *why);

/*
 * Views
 */

/*
 * [LT] Prepare view @number: from now on nothing is sent, taken in, acknowledged or
 * delivered, and what the core holds is what it reports (view, retain). @joins: this host
 * gives up its place in the view it is in; until it has got a record it may be asked to stay
 * all the same. @next_inc: random, not 0. -ESTALE for a view
 * that does not follow, or an attempt that is not higher than the last one.
 */
int dmring_core_prepare(struct dmring_core *c, u32 number, u32 attempt, bool joins, u64 next_inc,
			char *why);

/*
 * [LT] Get what is lacking of the cut. -ESTALE if that attempt is not prepared here, -EINVAL
 * or -EMSGSIZE for a record that makes no sense.
 */
int dmring_core_fill(struct dmring_core *c, const struct dmring_view_record *rec, u64 now,
		     char *why);

/* [L] Is all of the cut here? */
bool dmring_core_complete(const struct dmring_core *c);

/*
 * [L] The record of the next view that this host has said it is complete for, or would have,
 * or NULL. Some host may have installed it: so when all hosts of it that a coordinator can
 * reach say the same, it has to go on with that one and no other.
 */
const struct dmring_view_record *dmring_core_accepted(const struct dmring_core *c);

/*
 * [LT] All hosts of the view are complete: may it be installed here? -ESTALE, -EAGAIN if this
 * host is not complete. Then dmring_core_install(), by which all own messages are stable. There
 * is room for its record when local readers have read the record of the view that ends, and
 * all before it.
 */
int dmring_core_view_room(const struct dmring_core *c, u32 len);
int dmring_core_install_ask(const struct dmring_core *c, u32 number, u32 attempt, char *why);

/* [L] Complete: by installing it, is the fate of what was sent here and is not stable unknown? */
bool dmring_core_loses(const struct dmring_core *c);

/*
 * [LT] The new view stands, and its record of @len payload bytes, for which there is room
 * (dmring_core_view_room()), is in the log; returns that one's number. Where this host is the
 * only one, senders may go on.
 */
u64 dmring_core_install(struct dmring_core *c, u32 len, u64 now);

/* Neighbours' node ids; 0 while there are none. */
u32 dmring_core_succ(const struct dmring_core *c);
u32 dmring_core_pred(const struct dmring_core *c);

/*
 * The pump
 */

/* [L] Largest payload accepted now (bytes). */
u32 dmring_core_max_msg(const struct dmring_core *c);

/*
 * [L] May a message of @len bytes be sequenced now? 0, -EMSGSIZE, or -EAGAIN
 * (gate not open, or window full: then our want goes round, and if it was
 * raised *@kick says that the thread has marks to send).
 */
int dmring_core_room(struct dmring_core *c, u32 len, bool *kick);

/*
 * [L] It is in the log; returns its record number. Only after room() said 0. @flags:
 * DMRING_ENTRY_NOTED or 0; of a parcel, whose header @len includes, DMRING_ENTRY_PARCEL.
 */
u64 dmring_core_add(struct dmring_core *c, u32 sender, u16 flags, u32 len);

/* [L] Number in this host's stream of the last own record. */
static inline u64 dmring_core_own_seq(const struct dmring_core *c)
{
	return c->retain.origin[c->view.self].have_seq;
}

/* [L] This host's messages held by every host: up to this number. */
static inline u64 dmring_core_own_stable(const struct dmring_core *c)
{
	return c->retain.origin[c->view.self].stable_seq;
}

/*
 * [L] Room for a local event record of @len payload bytes? 0 or -ENOSPC, always between two
 * views.
 */
int dmring_core_event_room(const struct dmring_core *c, u32 len);

/* [L] What all local event records may take, as costs. */
u32 dmring_core_event_share(const struct dmring_core *c);

u64 dmring_core_add_event(struct dmring_core *c, u32 len);

/*
 * [L] An event of this host for the whole ring (struct dmring_ev) is in the log, with
 * room asked for by dmring_core_room(); returns its number.
 */
u64 dmring_core_add_news(struct dmring_core *c);

/* [L] Between two views: the same, of views that ended before, which has been agreed on. */
bool dmring_core_index_past(struct dmring_core *c, u64 *no);

/* [L] The record that takes the next position of the index; false if there is none now. */
static inline bool dmring_core_index(struct dmring_core *c, u64 *no)
{
	if (c->change.phase != DMRING_PHASE_RUN)
		return dmring_core_index_past(c, no);
	return dmring_retain_deliver(&c->retain, no);
}

/* [L] Has record @no, which is or was in the table, been delivered? */
static inline bool dmring_core_delivered(const struct dmring_core *c, u64 no)
{
	return dmring_retain_delivered(&c->retain, no);
}

/* [L] The position of the record that was last given one. */
static inline u64 dmring_core_index_pos(const struct dmring_core *c)
{
	return c->retain.order.index - 1;
}

/* [L] Smallest cursor of the local readers; without any, the end. */
void dmring_core_read(struct dmring_core *c, u64 cursor);

/* [L] Free what can be (at most @budget records); returns the cost freed. */
u64 dmring_core_advance(struct dmring_core *c, u32 budget);

/* [L] Oldest record kept, and the number the next one will have. */
static inline u64 dmring_core_first(const struct dmring_core *c)
{
	return c->retain.first;
}

static inline u64 dmring_core_next_no(const struct dmring_core *c)
{
	return c->retain.next;
}

/*
 * [L] Some origin cannot go on, and a local reader is the only hold of our
 * oldest record: the slow-reader policy is to run against the readers with the
 * smallest cursor.
 */
bool dmring_core_slow(const struct dmring_core *c);

/*
 * The link thread: what is to be sent
 */

/* [LT] OUT: the next record to send, its number in *@no; false if there is none. */
bool dmring_core_next(struct dmring_core *c, u64 *no);

/*
 * [LT] Encode the DATA header of record @no into @buf (DMRING_WIRE_DATA_MAX);
 * its payload has @len bytes, of which the first dmring_core_body() follow. @ident: in a ring
 * with identify, else NULL. Returns its length.
 */
u32 dmring_core_data(struct dmring_core *c, u64 no, u32 len,
		     const struct dmring_ident *ident, u8 *buf);
u32 dmring_core_body(struct dmring_core *c, u64 no, u32 len);

/* [LT] The last byte of record @no has gone to the socket. */
void dmring_core_sent(struct dmring_core *c, u64 no);

/* [LT] OUT: the order of what has been sent; @buf of DMRING_WIRE_ORDER_MAX; 0 for none. */
u32 dmring_core_put_order(struct dmring_core *c, u8 *buf);

/* [LT] OUT: marks; @buf of DMRING_WIRE_MARKS_MAX; returns length, 0 for none. */
bool dmring_core_marks_due(const struct dmring_core *c);
u32 dmring_core_marks(struct dmring_core *c, u8 *buf);

/* [T] A BEAT is to be sent on this link before anything else; encode it. */
bool dmring_core_beat_due(const struct dmring_core *c, enum dmring_dir dir, u64 now);
u32 dmring_core_put_beat(struct dmring_core *c, enum dmring_dir dir, u8 *buf);

/* [LT] @buf of DMRING_WIRE_HELLO_MAX; [T] of DMRING_WIRE_REFUSE_MAX. */
u32 dmring_core_put_hello(struct dmring_core *c, u8 *buf);
u32 dmring_core_put_refuse(const struct dmring_act *act, u8 *buf);

/*
 * The link thread: what came in
 */

/* [T] Check the first header on an accepted connection that has not greeted. */
int dmring_core_greeting(const struct dmring_core *c, const u8 *buf,
			 struct dmring_frame *f, struct dmring_act *act);

/* [LT] Its HELLO. 0: it is the IN link now. Else refuse it; the IN link stays. */
int dmring_core_hello(struct dmring_core *c, u64 now, const u8 *buf, u32 len,
		      struct dmring_act *act);

/* [T] Time an accepted connection has for its HELLO (ns). */
u64 dmring_core_greeting_time(const struct dmring_core *c);

/* [LT] Check a header on a link. On an error the link is down: do @act. */
int dmring_core_frame(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		      const u8 *buf, struct dmring_frame *f, struct dmring_act *act);

/* [LT] Handle the gathered f->head bytes. On an error the link is down. */
int dmring_core_head(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		     const struct dmring_frame *f, const u8 *buf,
		     struct dmring_rx *rx, struct dmring_act *act);

/*
 * [LT] The record that comes in is an event, and @buf its payload: read it into @ev.
 * An event that its origin may not send is a breach; then -EPROTO, and act is filled.
 */
int dmring_core_news(struct dmring_core *c, u64 now, u32 rnd, const struct dmring_rx *rx,
		     const u8 *buf, struct dmring_ev *ev, struct dmring_act *act);

/*
 * [LT] The record that comes in is a parcel, and @buf its payload: may its origin send it?
 * Read it into @p, and note in @rx whether it goes on from here as a whole; or it is a
 * breach: -EPROTO, and act is filled.
 */
int dmring_core_parcel(struct dmring_core *c, u64 now, u32 rnd, struct dmring_rx *rx,
		       const u8 *buf, struct dmring_parcel *p, struct dmring_act *act);

/*
 * [L] May a parcel of @origin (index) for host @dest come here without what is in it? Only where
 * the way from its origin has led through that host.
 */
bool dmring_core_may_be_brief(const struct dmring_core *c, u16 origin, u32 dest);

/* [LT] It announces more services than a host may: a breach; -EPROTO, and act is filled. */
int dmring_core_flood(struct dmring_core *c, u64 now, u32 rnd, const struct dmring_rx *rx,
		      struct dmring_act *act);

/* [LT] The record is in the log; returns its number. */
u64 dmring_core_deliver(struct dmring_core *c, const struct dmring_rx *rx);

/*
 * The link thread: connections and time
 */

/* [T] The connection asked for with DMRING_ACT_CONNECT stands. */
void dmring_core_connected(struct dmring_core *c, u64 now, struct dmring_act *act);

/* [LT] It failed, was reset, or could not be opened. @err: negative errno. */
void dmring_core_down(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		      int err, struct dmring_act *act);

/* [T] Bytes came; a whole frame went. */
static inline void dmring_core_heard(struct dmring_core *c, enum dmring_dir dir, u64 now)
{
	(dir == DMRING_OUT ? &c->out : &c->in)->heard = now;
}

static inline void dmring_core_said(struct dmring_core *c, enum dmring_dir dir, u64 now)
{
	(dir == DMRING_OUT ? &c->out : &c->in)->said = now;
}

/* [LT] See what time has brought to one link. */
void dmring_core_tick(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		      struct dmring_act *act);

/* [T] When the next tick or beat is due; ~0 for never. */
u64 dmring_core_deadline(const struct dmring_core *c);

/*
 * [T] The same while a frame is half written and the socket takes no more: a
 * beat that is due there is no reason to wake before the socket has room.
 */
u64 dmring_core_deadline_full(const struct dmring_core *c, bool out_full, bool in_full);

#endif /* _DMRING_CORE_CORE_H */
