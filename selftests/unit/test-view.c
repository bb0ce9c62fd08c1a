// SPDX-License-Identifier: GPL-2.0-only
/*
 * From one view to the next, one host at a time: what it refuses a coordinator and a
 * neighbour, and what it makes of the rest. Host 2 of three. Whole changes are the
 * simulator's (../sim).
 */
#include <stdio.h>
#include "core-internal.h"
#include "host.h"
#include "test.h"

#define INC 777ULL	/* the incarnation under which host 2 would join */

/* Host 2 has sent a message, and holds two of host 1 */
static void in_view_1(u8 order)
{
	struct dmring_core_cfg cfg = config(2);
	u16 o;

	cfg.order = order;
	boot_cfg(&c, &cfg, 3);
	for (o = 0; o < 3; o++)
		c.view.inc[o] = 101 + o;
	c.sizes.final = true;
	c.gate = true;
	dmring_core_add(&c, 0, 0, 10);
	dmring_retain_add(&c.retain, 0, 0, 0, 64);
	dmring_retain_add(&c.retain, 0, 0, 0, 64);
}

/* Hosts 1 and 2 stay, 3 is dead; somebody holds a third message of host 1 */
static struct dmring_view_record record(void)
{
	struct dmring_view_record rec = {
		.number = 2, .attempt = 5, .prev = 1, .sequencer = 1, .quorum = true,
		.count = 2, .cuts = 3,
		.host = { { 1, true, 101 }, { 2, true, 102 } },
		.cut = { { 1, 0, 3 }, { 2, 0, 1 }, { 3, DMRING_AWAY_SILENT, 0 } },
	};

	return rec;
}

static int says(int err, int expected, const char *text)
{
	CHECK(err == expected && (!text || strstr(why, text)));
	if (err != expected || (text && !strstr(why, text)))
		printf("# %d, it says: %s\n", err, why);
	return err;
}

static void prepared(u8 order)
{
	in_view_1(order);
	CHECK(!dmring_core_prepare(&c, 2, 5, false, INC, why));
}

static void prepare(void)
{
	bool kick;
	u64 no;

	in_view_1(DMRING_ORDER_FIFO);
	says(dmring_core_prepare(&c, 1, 1, false, INC, why), -EINVAL, "views count from 2");
	says(dmring_core_prepare(&c, 2, 0, false, INC, why), -EINVAL, "attempts from 1");
	says(dmring_core_prepare(&c, 3, 1, false, INC, why), -ESTALE, "does not follow view 1");
	CHECK(c.gate && c.change.phase == DMRING_PHASE_RUN);
	CHECK(!dmring_core_prepare(&c, 2, 5, false, INC, why));
	/* nothing moves */
	CHECK(dmring_core_room(&c, 10, &kick) == -EAGAIN);
	CHECK(dmring_core_event_room(&c, 24) == -ENOSPC);
	CHECK(!dmring_core_index(&c, &no) && !dmring_core_next(&c, &no));
	CHECK(!dmring_core_marks_due(&c) && !dmring_core_put_order(&c, buf));
	/* an older coordinator, the same one twice, a newer one */
	says(dmring_core_prepare(&c, 2, 4, false, INC, why), -ESTALE, "comes after attempt 5");
	says(dmring_core_prepare(&c, 2, 5, false, INC, why), -ESTALE, "comes after attempt 5");
	CHECK(!dmring_core_prepare(&c, 2, 6, false, INC, why) && c.change.attempt == 6);
	says(dmring_core_set_hosts(&c, NULL, 0, 0, why), -EBUSY, "change with its views");
}

static void prepare_to_join(void)
{
	in_view_1(DMRING_ORDER_FIFO);
	CHECK(!dmring_core_prepare(&c, 9, 1, true, INC, why) && c.change.next_inc == INC);
	/* the next attempt knows it by the same name, another view does not */
	CHECK(!dmring_core_prepare(&c, 9, 2, true, INC + 1, why) && c.change.next_inc == INC);
	CHECK(!dmring_core_prepare(&c, 10, 1, true, INC + 1, why) && c.change.next_inc == INC + 1);
}

static void machine_scope(void)
{
	struct dmring_core_cfg cfg = config(2);

	cfg.network = false;
	CHECK(!dmring_core_init(&c, &cfg, table[0], NULL, SLOTS, why));
	says(dmring_core_prepare(&c, 2, 1, false, INC, why), -EOPNOTSUPP, "machine scope");
}

/* Records that make no sense */
struct spoiled {
	void (*spoil)(struct dmring_view_record *rec);
	int err;
	const char *why;
};

static void add_host(struct dmring_view_record *rec, u32 node, bool stays, u64 inc)
{
	rec->host[rec->count++] = (struct dmring_next_host){ node, stays, inc };
}

#define SPOIL(name, what) static void name(struct dmring_view_record *rec) { what; }
SPOIL(no_hosts, rec->count = 0)
SPOIL(many_hosts, rec->count = DMRING_HOSTS_MAX + 1)
SPOIL(many_cuts, rec->cuts = DMRING_HOSTS_MAX + 1)
SPOIL(other_view, rec->number = 3)
SPOIL(other_attempt, rec->attempt = 4)
SPOIL(after_other, rec->prev = 7)
SPOIL(doubled, rec->host[1] = rec->host[0])
SPOIL(unsorted, add_host(rec, 1, true, 101))
SPOIL(node_0, rec->host[0].node = 0)
SPOIL(no_inc, rec->host[0].inc = 0)
SPOIL(unknown, add_host(rec, 9, true, 109))
SPOIL(no_sequencer, rec->sequencer = 3)
SPOIL(not_us, rec->count = 1)
SPOIL(we_join, rec->host[1].stays = false)
SPOIL(not_our_inc, rec->host[1].inc = 5)
SPOIL(restarted, rec->host[0].inc = 5)
SPOIL(joins_as_it_was, add_host(rec, 3, false, 103))
SPOIL(no_cut, rec->cuts = 2)
SPOIL(other_cut, rec->cut[2].node = 4)
SPOIL(cut_below, rec->cut[0].seq = 1)
SPOIL(cut_beyond_all, rec->cut[0].seq = 1ULL << 40)
SPOIL(cut_of_ours, rec->cut[1].seq = 2)
SPOIL(position, rec->base = 5)
SPOIL(ordered, rec->ordered = 1)

static const struct spoiled spoiled[] = {
	{ no_hosts, -EINVAL, "1 to 128 hosts" }, { many_hosts, -EINVAL, "1 to 128 hosts" },
	{ many_cuts, -EINVAL, "1 to 128 hosts" }, { other_view, -ESTALE, "attempt 5 at view 2 is" },
	{ other_attempt, -ESTALE, "not 4 at view 2" },
	{ after_other, -EINVAL, "one after the other" },
	{ doubled, -EINVAL, "host 1 is listed twice" }, { unsorted, -EINVAL, "out of order" },
	{ node_0, -EINVAL, "host 0 is listed" }, { no_inc, -EINVAL, "without incarnation" },
	{ unknown, -EINVAL, "host 9 cannot stay" },
	{ no_sequencer, -EINVAL, "the sequencer, host 3" }, { not_us, -EINVAL, "host 2 is not in" },
	{ we_join, -EINVAL, "was prepared to stay" }, { not_our_inc, -ESTALE, "host 2 has another" },
	{ restarted, -ESTALE, "host 1 was restarted" },
	{ joins_as_it_was, -EINVAL, "that has a stream" }, { no_cut, -EINVAL, "2 streams" },
	{ other_cut, -EINVAL, "host 3 of view 1 has no cut" },
	{ cut_below, -EINVAL, "of which 2 are here" },
	{ cut_beyond_all, -EINVAL, "of which 2 are here" },
	{ cut_of_ours, -EINVAL, "host 2 sent 1 messages, not 2" },
	{ position, -EINVAL, "begins at position 0" }, { ordered, -EINVAL, "at most 0" },
};

static void bad_records(void)
{
	struct dmring_view_record rec;
	u32 i;

	in_view_1(DMRING_ORDER_FIFO);
	rec = record();
	says(dmring_core_fill(&c, &rec, 0, why), -ESTALE, "no view is prepared");
	prepared(DMRING_ORDER_FIFO);
	for (i = 0; i < ARRAY_SIZE(spoiled); i++) {
		rec = record();
		spoiled[i].spoil(&rec);
		says(dmring_core_fill(&c, &rec, 0, why), spoiled[i].err, spoiled[i].why);
		CHECK(c.change.phase == DMRING_PHASE_PREPARED);
	}
	rec = record();
	CHECK(!dmring_core_fill(&c, &rec, 0, why));
	says(dmring_core_fill(&c, &rec, 0, why), -EALREADY, "has its record");
}

static void bad_positions(void)
{
	struct dmring_view_record rec = record();

	prepared(DMRING_ORDER_TOTAL);
	says(dmring_core_fill(&c, &rec, 0, why), -EINVAL, "begins at position 5, not 0");
	/* three messages of host 1, one of host 2, and the view */
	rec.base = 5;
	rec.ordered = 5;
	says(dmring_core_fill(&c, &rec, 0, why), -EINVAL, "at most 4");
	rec.ordered = 4;
	CHECK(!dmring_core_fill(&c, &rec, 0, why));
}

static void small_log(void)
{
	struct dmring_view_record rec = record();
	u16 i;

	prepared(DMRING_ORDER_FIFO);
	c.cfg.max_msg = 20000;
	for (i = 3; i < 7; i++)
		add_host(&rec, 10 + i, false, 200 + i);
	says(dmring_core_fill(&c, &rec, 0, why), -EMSGSIZE, "less than one largest message");
	/* who joins has a record of those who left, too */
	prepared(DMRING_ORDER_FIFO);
	CHECK(!dmring_core_prepare(&c, 9, 5, true, 77, why));
	rec = record();
	rec.number = 9;
	rec.prev = 8;
	rec.host[1] = (struct dmring_next_host){ 2, false, 77 };
	for (rec.cuts = 0; rec.cuts < 65; rec.cuts++)
		rec.cut[rec.cuts] = (struct dmring_cut){ .node = rec.cuts == 0 ? 1 : 9 + rec.cuts };
	says(dmring_core_fill(&c, &rec, 0, why), -EMSGSIZE, "is for 64 hosts at most");
	rec.cuts = 64;
	CHECK(!dmring_core_fill(&c, &rec, 0, why));
}

/* The predecessor of a fill connects and is told who we are */
static int greet_fill(u32 view, u32 attempt)
{
	struct dmring_hello h;
	u32 len;

	len = dmring_core_put_hello(&c, buf);
	CHECK(!dmring_wire_get_hello(buf, len, &h, why));
	h.node = 1;
	h.inc = 101;
	h.view = view;
	h.attempt = attempt;
	h.hosts[0].have = 3;
	len = dmring_wire_put_hello(buf, &h);
	return dmring_core_hello(&c, 0, buf, len, &act);
}

static int data_in(u64 seq)
{
	struct dmring_data d = {
		.node = 1, .view = 1, .inc = 101, .seq = seq, .len = 10, .type = DMRING_REC_DATA,
	};
	int err;

	dmring_wire_put_data(buf, &d);
	err = dmring_core_frame(&c, DMRING_IN, 0, 0, buf, &f, &act);
	return err ?: dmring_core_head(&c, DMRING_IN, 0, 0, &f, buf, &rx, &act);
}

static int marks_in(u64 stable)
{
	struct dmring_mark m = { .node = 1, .stable = stable };
	int err;

	dmring_wire_put_marks(buf, 0, 1);
	dmring_wire_put_mark(buf, 0, &m);
	err = dmring_core_frame(&c, DMRING_IN, 0, 0, buf, &f, &act);
	return err ?: dmring_core_head(&c, DMRING_IN, 0, 0, &f, buf, &rx, &act);
}

static int fill_in(u64 seq)
{
	struct dmring_beat b = { .log = 65536, .rec = c.rec };

	dmring_wire_put_beat(buf, &b);
	CHECK(!dmring_core_frame(&c, DMRING_IN, 0, 0, buf, &f, &act));
	CHECK(!dmring_core_head(&c, DMRING_IN, 0, 0, &f, buf, &rx, &act));
	return data_in(seq);
}

static void fill_and_install(void)
{
	struct dmring_view_record rec = record();
	u64 no;

	prepared(DMRING_ORDER_FIFO);
	says(dmring_core_install_ask(&c, 2, 5, why), -EAGAIN, "does not hold all of view 1");
	/* who is early waits; who is behind does not belong here */
	CHECK(greet_fill(1, 5) == -EAGAIN && !act.what);
	CHECK(greet_fill(2, 0) == -EAGAIN && !act.what);
	CHECK(!dmring_core_fill(&c, &rec, 0, why) && !dmring_core_accepted(&c));
	CHECK(dmring_core_succ(&c) == 1 && dmring_core_pred(&c) == 1);
	CHECK(greet_fill(1, 0) == -ESTALE && act.what & DMRING_ACT_REFUSE);
	CHECK(greet_fill(1, 4) == -ESTALE && greet_fill(1, 6) == -EAGAIN);
	CHECK(!greet_fill(1, 5) && act.what & DMRING_ACT_HELLO);
	says(dmring_core_install_ask(&c, 2, 5, why), -EAGAIN, "does not hold all of view 1");
	CHECK(!fill_in(3) && rx.what == DMRING_RX_DELIVER);
	dmring_core_deliver(&c, &rx);
	CHECK(dmring_core_complete(&c) && dmring_core_accepted(&c)->attempt == 5);
	CHECK(!dmring_core_index(&c, &no));
	says(dmring_core_install_ask(&c, 2, 6, why), -ESTALE, "attempt 5 at view 2");
	CHECK(!dmring_core_install_ask(&c, 2, 5, why));
	CHECK(dmring_core_install(&c, 24, 0) == 4 && index_all() == 5);
	CHECK(c.view.number == 2 && c.view.count == 2 && !dmring_core_own_seq(&c));
	/* who has not installed it yet is turned away without an event */
	CHECK(greet_fill(1, 5) == -ESTALE && act.what == (DMRING_ACT_REFUSE | DMRING_ACT_CLOSE));
	says(dmring_core_install_ask(&c, 2, 5, why), -ESTALE, "no view is prepared");
	says(dmring_core_prepare(&c, 2, 9, false, INC, why), -ESTALE, "view 2 is past");
}

/* Beyond the cut, or marks: the other end is at fault */
static void bad_fill(void)
{
	struct dmring_view_record rec = record();

	prepared(DMRING_ORDER_FIFO);
	rec.cut[0].seq = 2;
	CHECK(!dmring_core_fill(&c, &rec, 0, why) && !greet_fill(1, 5));
	CHECK(fill_in(3) == -EPROTO && strstr(act.why, "beyond the cut"));
	CHECK(!greet_fill(1, 5) && fill_in(2) == 0 && rx.what == DMRING_RX_DISCARD);
	CHECK(marks_in(1) == -EPROTO);
	CHECK(strstr(act.why, "marks between two views"));
}

/* What a host was complete for it still knows when it is prepared anew, until it gets another */
static void remembered(void)
{
	struct dmring_view_record rec = record();

	prepared(DMRING_ORDER_FIFO);
	rec.cut[0].seq = 2;
	CHECK(!dmring_core_fill(&c, &rec, 0, why) && dmring_core_complete(&c));
	CHECK(!dmring_core_prepare(&c, 2, 6, false, INC, why));
	CHECK(dmring_core_accepted(&c) && dmring_core_accepted(&c)->attempt == 5);
	CHECK(!dmring_core_prepare(&c, 2, 7, false, INC, why) && dmring_core_accepted(&c));
	rec.attempt = 7;
	rec.cut[0].seq = 3;
	CHECK(!dmring_core_fill(&c, &rec, 0, why) && !dmring_core_accepted(&c));
	CHECK(!dmring_core_prepare(&c, 2, 8, false, INC, why) && !dmring_core_accepted(&c));
}

/* A view of this host alone; what is left of the old one counts until it has been read. */
static void last_one(void)
{
	struct dmring_view_record rec = record();
	bool kick;

	prepared(DMRING_ORDER_FIFO);
	rec.count = 1;
	rec.host[0] = rec.host[1];
	rec.sequencer = 2;
	rec.cut[0].seq = 2;
	dmring_core_read(&c, 0);
	CHECK(!dmring_core_fill(&c, &rec, 0, why) && !dmring_core_install_ask(&c, 2, 5, why));
	dmring_core_install(&c, 24, 0);
	CHECK(c.gate && index_all() == 4 && !dmring_core_advance(&c, 99));
	CHECK(dmring_core_room(&c, 10, &kick) == -EAGAIN && dmring_core_slow(&c));
	dmring_core_read(&c, 2);
	CHECK(dmring_core_advance(&c, 99) && dmring_core_room(&c, 10, &kick) == -EAGAIN);
	dmring_core_read(&c, 4);
	CHECK(dmring_core_advance(&c, 99) && !dmring_core_room(&c, 10, &kick));
	dmring_core_add(&c, 0, 0, 10);
	CHECK(dmring_core_own_stable(&c) == 1 && index_all() == 1);
	dmring_core_read(&c, 5);
	CHECK(dmring_core_advance(&c, 99) == 64);
}

/* Asked to join another ring of hosts, it keeps what it promised, until it gets a record. */
static void gives_up(void)
{
	struct dmring_view_record rec = {
		.number = 9, .attempt = 2, .prev = 8, .sequencer = 2, .quorum = true, .count = 1,
		.host = { { 2, false, INC } }, .base = 1,
	};
	struct dmring_order_frame runs = { .count = 1, .run = { { 1, 2 } } };

	in_view_1(DMRING_ORDER_TOTAL);
	CHECK(!dmring_order_take(&c.retain, &c.view, &runs, why));
	CHECK(!dmring_core_prepare(&c, 2, 5, false, INC, why));
	CHECK(!dmring_core_prepare(&c, 9, 1, true, INC, why));
	says(dmring_core_prepare(&c, 2, 5, false, 1, why), -ESTALE, "comes after attempt 5");
	CHECK(!dmring_core_prepare(&c, 2, 6, false, 1, why));
	CHECK(!dmring_core_prepare(&c, 9, 2, true, INC, why));
	says(dmring_core_prepare(&c, 9, 2, true, INC, why), -ESTALE, "comes after attempt 2");
	rec.base = 0;
	says(dmring_core_fill(&c, &rec, 0, why), -EINVAL, "begins at position 0");
	rec.base = ~0ULL;
	says(dmring_core_fill(&c, &rec, 0, why), -EINVAL, "no view begins at position 18446744073709551615");
	rec.base = 1;
	CHECK(!dmring_core_fill(&c, &rec, 0, why) && !dmring_core_succ(&c));
	says(dmring_core_prepare(&c, 2, 7, false, 1, why), -ESTALE, "given up its place in view 1");
	CHECK(!dmring_core_install_ask(&c, 9, 2, why));
	/* what waits has no position before the first: it is lost, and its room free */
	dmring_core_install(&c, 24, 0);
	CHECK(index_all() == 1 && c.cfg.inc == INC && c.view.number == 9 && c.gate);
	dmring_core_read(&c, 1);
	CHECK(dmring_core_advance(&c, 99) == 4 * 64);
	CHECK(!dmring_core_prepare(&c, 10, 1, false, 1, why));
}

/* What waits to be delivered may have a view in it: that is dropped with the rest, and freed. */
static void gives_up_a_view(void)
{
	struct dmring_view_record alone = record(), rec = {
		.number = 9, .attempt = 2, .prev = 8, .sequencer = 2, .quorum = true, .count = 1,
		.host = { { 2, false, INC } }, .base = 1,
	};

	prepared(DMRING_ORDER_TOTAL);
	alone.count = 1;
	alone.host[0] = alone.host[1];
	alone.sequencer = 2;
	alone.cut[0].seq = 2;
	alone.base = 4;
	CHECK(!dmring_core_fill(&c, &alone, 0, why) && dmring_core_complete(&c));
	dmring_core_install(&c, 24, 0);
	CHECK(c.view.number == 2);
	CHECK(!dmring_core_prepare(&c, 9, 2, true, INC, why) && !dmring_core_fill(&c, &rec, 0, why));
	dmring_core_install(&c, 24, 0);
	CHECK(index_all() == 1 && c.view.number == 9);
	dmring_core_read(&c, 1);
	CHECK(dmring_core_advance(&c, 99) == 5 * 64 && c.retain.first == c.retain.next);
	CHECK(!c.retain.past && !c.retain.event_used);
}

/* Once it has said what it holds, nothing is added to that. */
static void hears_nothing(void)
{
	join();
	CHECK(!data_in(1) && rx.what == DMRING_RX_DELIVER);
	dmring_core_deliver(&c, &rx);
	CHECK(!dmring_core_prepare(&c, 2, 1, false, INC, why));
	CHECK(!data_in(2) && rx.what == DMRING_RX_DISCARD && c.retain.origin[0].have_seq == 1);
	CHECK(!marks_in(1) && !c.retain.origin[0].stable_seq);
	/* its neighbours live, or do not */
	CHECK(c.in.state == DMRING_SESSION_STREAM && c.out.state == DMRING_SESSION_STREAM);
	dmring_core_down(&c, DMRING_IN, 0, 0, -ECONNRESET, &act);
	CHECK(!(act.what & DMRING_ACT_DOWN) && c.in.state == DMRING_SESSION_IDLE);
	CHECK(!c.chain.chain && c.beat_now);
	dmring_core_tick(&c, DMRING_OUT, 1000 * MS, 0, &act);
	CHECK(act.what & DMRING_ACT_DOWN && act.reason == DMRING_AWAY_SILENT);
	CHECK(c.out.state == DMRING_SESSION_IDLE);
	dmring_core_tick(&c, DMRING_OUT, 90000 * MS, 0, &act);
	CHECK(!act.what);
}

/* Host 1, whom we fill up, claims to hold @have of its own messages and to know the order */
static int claim(u64 have, u64 ordered, u64 stable)
{
	struct dmring_view_record rec = record();
	struct dmring_hello h;
	u32 len;

	prepared(DMRING_ORDER_TOTAL);
	rec.base = 5;
	rec.ordered = 2;
	c.retain.origin[0].stable_seq = stable;
	CHECK(!dmring_core_fill(&c, &rec, 0, why));
	dmring_core_tick(&c, DMRING_OUT, 0, 0, &act);
	CHECK(act.what == DMRING_ACT_CONNECT);
	dmring_core_connected(&c, 0, &act);
	len = dmring_core_put_hello(&c, buf);
	CHECK(!dmring_wire_get_hello(buf, len, &h, why) && h.attempt == 5);
	h.node = 1;
	h.inc = 101;
	h.hosts[0].have = have;
	h.ordered = ordered;
	dmring_wire_put_hello(buf, &h);
	CHECK(!dmring_core_frame(&c, DMRING_OUT, 0, 0, buf, &f, &act));
	return dmring_core_head(&c, DMRING_OUT, 0, 0, &f, buf, &rx, &act);
}

static void wild_claims(void)
{
	u64 no;

	CHECK(!claim(1, 0, 0) && dmring_core_next(&c, &no) && no == 2);
	CHECK(!claim(3, 2, 0));
	CHECK(!claim(1, 0, 1) && claim(1, 0, 2) == -EPROTO && strstr(act.why, "lacks message 2"));
	CHECK(claim(4, 0, 0) == -EPROTO && strstr(act.why, "cut off at 3"));
	CHECK(claim(1ULL << 60, 0, 0) == -EPROTO && act.what & DMRING_ACT_REFUSE);
	CHECK(claim(1, 3, 0) == -EPROTO && strstr(act.why, "the order up to 3"));
	CHECK(c.change.phase == DMRING_PHASE_FILL && c.out.state == DMRING_SESSION_WAIT);
}

/* No more of the order than was agreed on comes in a fill */
static void order_beyond(void)
{
	struct dmring_view_record rec = record();
	struct dmring_order_frame runs = {
		.view = 1, .inc = 101, .count = 1, .run = { { 1, 2 } },
	};
	struct dmring_beat b = { .log = 65536 };

	prepared(DMRING_ORDER_TOTAL);
	rec.base = 4;
	rec.cut[0].seq = 2;
	rec.ordered = 1;
	CHECK(!dmring_core_fill(&c, &rec, 0, why) && !greet_fill(1, 5));
	b.rec = c.rec;
	dmring_wire_put_beat(buf, &b);
	CHECK(!dmring_core_frame(&c, DMRING_IN, 0, 0, buf, &f, &act));
	CHECK(!dmring_core_head(&c, DMRING_IN, 0, 0, &f, buf, &rx, &act));
	dmring_wire_put_order(buf, &runs);
	CHECK(!dmring_core_frame(&c, DMRING_IN, 0, 0, buf, &f, &act));
	CHECK(dmring_core_head(&c, DMRING_IN, 0, 0, &f, buf, &rx, &act) == -EPROTO);
	CHECK(strstr(act.why, "up to position 2, where 1 is the last"));
}

/* Without quorum nothing is accepted, and with "safe" only that is delivered which all knew of. */
static void no_quorum(void)
{
	struct dmring_view_record rec = record();
	bool kick;

	prepared(DMRING_ORDER_SAFE);
	rec.quorum = false;
	rec.count = 1;
	rec.host[0] = rec.host[1];
	rec.sequencer = 2;
	rec.cut[0].seq = 2;
	rec.base = 4;
	CHECK(!dmring_core_fill(&c, &rec, 0, why) && !dmring_core_install_ask(&c, 2, 5, why));
	dmring_core_install(&c, 24, 0);
	CHECK(index_all() == 1 && c.retain.order.have == 4);
	CHECK(!c.gate && dmring_core_room(&c, 10, &kick) == -EAGAIN);
	dmring_core_read(&c, 1);
	CHECK(dmring_core_advance(&c, 99) && c.retain.first == c.retain.next);
}

const struct test view_tests[] = {
	{ "view: prepared in its turn, and by the highest attempt", prepare },
	{ "view: a host that joins has one name for all attempts", prepare_to_join },
	{ "view: none in machine scope", machine_scope },
	{ "view: records that make no sense", bad_records },
	{ "view: positions of the order that cannot be", bad_positions },
	{ "view: more hosts than a log has room for", small_log },
	{ "view: filled up, installed, delivered", fill_and_install },
	{ "view: a neighbour that fills up with what it must not", bad_fill },
	{ "view: a host knows what it was complete for", remembered },
	{ "view: what is left of the old one counts until it is read", last_one },
	{ "view: a promise outlives the wish to join elsewhere", gives_up },
	{ "view: a view that was never delivered is freed, too", gives_up_a_view },
	{ "view: a host that was prepared hears nothing", hears_nothing },
	{ "view: a neighbour that claims what cannot be", wild_claims },
	{ "view: an order beyond what was agreed on", order_beyond },
	{ "view: without quorum", no_quorum },
	{ NULL, NULL },
};
