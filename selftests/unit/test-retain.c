// SPDX-License-Identifier: GPL-2.0-only
/* The retain table and the marks, one host at a time. */
#include "test.h"

#define SLOTS 1024
#define WINDOW 16384

static char why[DMRING_WHY_SIZE];
static struct dmring_entry table[SLOTS];
static struct dmring_retain r;
static struct dmring_view v;
static struct dmring_window w;
static struct dmring_ack a;

/* Host 2 of 1, 2, ... @hosts: index 1, after it index 2 (or 0). */
static void start(u16 hosts)
{
	static const u32 nodes[] = { 1, 2, 3, 4, 5 };

	dmring_view_set(&v, 2, 1, nodes, hosts, why);
	dmring_retain_init(&r, table, SLOTS, 0);
	dmring_order_init(&r.order, DMRING_ORDER_FIFO, NULL);
	dmring_retain_set_view(&r, &v);
	memset(&w, 0, sizeof(w));
	memset(&a, 0, sizeof(a));
	w.limit = WINDOW;
	r.read = ~0ULL;
}

/* A record, delivered at once */
static u64 add(struct dmring_retain *t, u16 origin, u32 sender, u16 flags, u32 cost)
{
	u64 no, n = dmring_retain_add(t, origin, sender, flags, cost);

	CHECK(dmring_retain_deliver(t, &no) && no == n && !dmring_retain_deliver(t, &no));
	return n;
}

static void send_all(void)
{
	u64 no;

	while (dmring_retain_next(&r, &no))
		dmring_retain_sent(&r, no);
}

static void holds(void)
{
	start(3);
	r.read = 0;
	CHECK(dmring_retain_hold(&r) == DMRING_HOLD_NOTHING);
	CHECK(add(&r, 1, 0, 0, 64) == 0);
	CHECK(dmring_retain_hold(&r) == DMRING_HOLD_LINK);
	send_all();
	CHECK(dmring_retain_hold(&r) == DMRING_HOLD_STABLE);
	r.origin[1].stable_seq = 1;
	CHECK(dmring_retain_hold(&r) == DMRING_HOLD_READER && !dmring_retain_advance(&r, 9));
	r.read = 1;
	CHECK(dmring_retain_hold(&r) == DMRING_HOLD_NOTHING);
	CHECK(dmring_retain_advance(&r, 9) == 64 && r.first == 1 && !r.used);
	CHECK(r.origin[1].freed_seq == 1 && r.origin[1].freed_cost == 64);
}

/* Records of the next host need no link, events neither link nor stability. */
static void exceptions(void)
{
	u64 no;

	start(3);
	add(&r, 2, 0, 0, 64);
	add(&r, DMRING_ORIGIN_EVENT, 0, 0, 80);
	CHECK(!dmring_retain_next(&r, &no) && r.event_used == 80);
	CHECK(dmring_retain_hold(&r) == DMRING_HOLD_STABLE);
	r.origin[2].stable_seq = 1;
	CHECK(dmring_retain_advance(&r, 9) == 144 && !r.event_used && r.sent == 2);
	add(&r, DMRING_ORIGIN_EVENT, 0, 0, 80);
	CHECK(dmring_retain_advance(&r, 9) == 80 && r.sent == 3);
	add(&r, 0, 0, 0, 64);
	CHECK(dmring_retain_next(&r, &no) && no == 3);
}

static void in_order_only(void)
{
	start(3);
	add(&r, 1, 0, 0, 64);
	add(&r, 0, 0, 0, 64);
	send_all();
	r.origin[0].stable_seq = 1;
	CHECK(!dmring_retain_advance(&r, 9));
	r.origin[1].stable_seq = 1;
	CHECK(dmring_retain_advance(&r, 1) == 64 && dmring_retain_advance(&r, 9) == 64);
}

static void machine_scope(void)
{
	start(0);
	r.order.alone = true;
	r.read = 0;
	add(&r, 0, 7, 0, 64);
	CHECK(dmring_retain_entry(&r, 0)->sender == 7);
	CHECK(dmring_retain_hold(&r) == DMRING_HOLD_READER);
	r.read = 1;
	CHECK(dmring_retain_advance(&r, 9) == 64);
}

static void accepting(void)
{
	u64 seq;

	start(3);
	CHECK(dmring_retain_accept(&r, 1, 1, 64, WINDOW, why) == DMRING_ACCEPT_BREACH);
	CHECK(strstr(why, "our own message"));
	CHECK(dmring_retain_accept(&r, 0, 2, 64, WINDOW, why) == DMRING_ACCEPT_BREACH);
	CHECK(strstr(why, "message 2 came where 1 was due"));
	CHECK(dmring_retain_accept(&r, 0, 1, WINDOW + 16, WINDOW, why) == DMRING_ACCEPT_BREACH);
	CHECK(strstr(why, "exceeds its origin's window"));
	for (seq = 1; seq <= WINDOW / 64; seq++) {
		CHECK(dmring_retain_accept(&r, 0, seq, 64, WINDOW, why) == DMRING_ACCEPT_NEW);
		add(&r, 0, 0, 0, 64);
	}
	CHECK(dmring_retain_accept(&r, 0, seq, 64, WINDOW, why) == DMRING_ACCEPT_BREACH);
	CHECK(dmring_retain_accept(&r, 0, 1, 64, WINDOW, why) == DMRING_ACCEPT_DUPLICATE);
	CHECK(r.duplicates == 1);
	send_all();
	r.origin[0].stable_seq = 1;
	dmring_retain_advance(&r, 9);
	CHECK(dmring_retain_accept(&r, 0, seq, 64, WINDOW, why) == DMRING_ACCEPT_NEW);
	CHECK(dmring_retain_accept(&r, 0, seq, 80, WINDOW, why) == DMRING_ACCEPT_BREACH);
	CHECK(dmring_retain_accept(&r, 0, 1, 64, WINDOW, why) == DMRING_ACCEPT_DUPLICATE);
}

/* Sequences do not mind 32 bits. */
static void long_streams(void)
{
	u64 no;

	start(3);
	r.origin[1].have_seq = 0xfffffffeULL;
	r.origin[1].freed_seq = 0xfffffffeULL;
	for (no = 0; no < 4; no++)
		add(&r, 1, 0, 0, 64);
	for (no = 0; no < 4; no++)
		CHECK(dmring_retain_seq(&r, no) == 0xffffffffULL + no);
}

/* 1:1 0:1 event 2:1 1:2 0:2, all sent; index 2 is the next host */
static void fill(void)
{
	start(3);
	add(&r, 1, 0, 0, 64);
	add(&r, 0, 0, 0, 64);
	add(&r, DMRING_ORIGIN_EVENT, 0, 0, 64);
	add(&r, 2, 0, 0, 64);
	add(&r, 1, 0, 0, 64);
	add(&r, 0, 0, 0, 64);
	send_all();
}

static u64 resume(u64 have0, u64 have1)
{
	u64 have[3] = { have0, have1, 0 };
	u64 no = ~0ULL;

	fill();
	if (!dmring_retain_resume(&r, &v, have, why))
		dmring_retain_next(&r, &no);
	CHECK(no == ~0ULL || (r.origin[0].link_seq == have0 && r.origin[1].link_seq == have1));
	return no;
}

static void resuming(void)
{
	CHECK(resume(0, 0) == 0 && resume(0, 1) == 1 && resume(1, 1) == 4);
	CHECK(resume(1, 2) == 5 && resume(2, 2) == 6);
	CHECK(resume(1, 0) == ~0ULL && strstr(why, "not what was sent first"));
	CHECK(resume(2, 1) == ~0ULL && r.sent == 6 && r.origin[1].link_seq == 2);
	CHECK(resume(3, 2) == ~0ULL && strstr(why, "message 3 of host 1, which was never sent"));
	fill();
	r.origin[1].stable_seq = 1;
	dmring_retain_advance(&r, 9);
	CHECK(dmring_retain_resume(&r, &v, (u64[]) { 2, 0, 0 }, why) == -EPROTO);
	CHECK(strstr(why, "lacks message 1 of host 2, which it once had"));
	CHECK(!dmring_retain_resume(&r, &v, (u64[]) { 0, 1, 9 }, why) && r.sent == 1);
}

static struct dmring_mark out(u16 o)
{
	struct dmring_mark m;

	dmring_ack_out(&a, &v, &r, &w, o, &m);
	return m;
}

/* What goes to the next host: own, passed on, acknowledged */
static void marks_out(void)
{
	fill();
	w.want = 5;
	r.origin[1].stable_seq = 1;
	r.origin[1].freed_cost = 64;
	a.up[0] = (struct dmring_mark){ .stable = 1, .released = 200, .want = 300 };
	a.up[2] = (struct dmring_mark){ .stable = 0, .released = 10, .want = 0 };
	r.origin[0].freed_cost = 100;
	r.origin[2].freed_cost = 64;
	CHECK(out(1).stable == 1 && out(1).released == 64 && out(1).want == 5);
	CHECK(out(0).stable == 1 && out(0).released == 100 && out(0).want == 300);
	CHECK(out(2).stable == 1 && out(2).released == 10 && out(2).node == 3);
	start(2);
	add(&r, 0, 0, 0, 64);
	CHECK(out(0).stable == 1 && !out(0).released);
}

static void marks_only_changes(void)
{
	u8 buf[DMRING_WIRE_MARKS_MAX];
	u64 ordered;
	u16 count;

	fill();
	CHECK(dmring_ack_pending(&a, &v, &r, &w));
	CHECK(dmring_ack_encode(&a, &v, &r, &w, buf) == DMRING_WIRE_MARKS + DMRING_WIRE_MARK);
	CHECK(!dmring_ack_pending(&a, &v, &r, &w) && !dmring_ack_encode(&a, &v, &r, &w, buf));
	w.want = 1;
	CHECK(dmring_ack_pending(&a, &v, &r, &w) && dmring_ack_encode(&a, &v, &r, &w, buf));
	dmring_ack_restart(&a);
	CHECK(dmring_ack_encode(&a, &v, &r, &w, buf) == DMRING_WIRE_MARKS + 2 * DMRING_WIRE_MARK);
	CHECK(!dmring_wire_get_marks(buf, DMRING_WIRE_MARKS + 2 * DMRING_WIRE_MARK, &ordered,
				     &count, why));
}

static int judge(u32 node, u64 stable, u64 released, u64 want)
{
	struct dmring_mark m = {
		.node = node, .stable = stable, .released = released, .want = want,
	};

	return dmring_ack_check(&v, &r, &m, WINDOW, why);
}

static void marks_checked(void)
{
	fill();
	CHECK(!judge(1, 2, 128, 128 + WINDOW) && judge(1, 3, 0, 0) && judge(1, 0, 129, 0));
	CHECK(strstr(why, "ahead of its messages") && judge(1, 0, 0, 129 + WINDOW));
	CHECK(!judge(2, 2, 0, ~0ULL) && judge(2, 3, 0, 0) && judge(2, 0, 1, 0));
	CHECK(judge(9, 0, 0, 0) && strstr(why, "host 9, which is not on the ring"));
	r.origin[1].link_seq = 1;
	CHECK(judge(2, 2, 0, 0) && !judge(2, 1, 0, 0));
	r.origin[1].freed_cost = 64;
	CHECK(!judge(2, 1, 64, 0));
}

static void marks_taken(void)
{
	struct dmring_mark m = { .node = 1, .stable = 2, .released = 128, .want = 200 };

	fill();
	dmring_ack_apply(&a, &v, &r, &w, &m);
	CHECK(r.origin[0].stable_seq == 2 && a.up[0].stable == 2 && a.up[0].released == 128);
	m = (struct dmring_mark){ .node = 1, .stable = 1, .released = 64, .want = 100 };
	dmring_ack_apply(&a, &v, &r, &w, &m);
	CHECK(r.origin[0].stable_seq == 2 && a.up[0].released == 128 && a.up[0].want == 200);
	m = (struct dmring_mark){ .node = 2, .stable = 2, .released = 64, .want = 9 };
	dmring_ack_apply(&a, &v, &r, &w, &m);
	CHECK(r.origin[1].stable_seq == 2 && w.released == 64 && !w.want);
	m.stable = 1;
	m.released = 1;
	dmring_ack_apply(&a, &v, &r, &w, &m);
	CHECK(r.origin[1].stable_seq == 2 && w.released == 64);
}

const struct test retain_tests[] = {
	{ "retain: what holds a record", holds },
	{ "retain: what needs no link and no stability", exceptions },
	{ "retain: freed in order only", in_order_only },
	{ "retain: machine scope", machine_scope },
	{ "retain: received records", accepting },
	{ "retain: sequences beyond 32 bits", long_streams },
	{ "retain: resume", resuming },
	{ "ack: what is told", marks_out },
	{ "ack: only changes, and all after a restart", marks_only_changes },
	{ "ack: what is refused", marks_checked },
	{ "ack: what is taken over", marks_taken },
	{ NULL, NULL },
};
