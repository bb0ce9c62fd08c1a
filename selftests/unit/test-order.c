// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order, one host at a time: what it believes of its predecessor, what it tells
 * its successor, what it delivers when, what it keeps. Host 2 of three; host 1 is the
 * sequencer unless a test says otherwise.
 */
#include <stdio.h>
#include "core-internal.h"
#include "host.h"
#include "test.h"

static struct dmring_core_cfg ordered(u32 node, u8 order)
{
	struct dmring_core_cfg cfg = config(node);

	cfg.order = order;
	return cfg;
}

static void s_total(struct dmring_hello *h) { h->order = DMRING_ORDER_TOTAL; }
static void s_safe(struct dmring_hello *h) { h->order = DMRING_ORDER_SAFE; }

static void join_ordered(u8 order)
{
	struct dmring_core_cfg cfg = ordered(2, order);
	void (*spoil)(struct dmring_hello *h) = order == DMRING_ORDER_SAFE ? s_safe : s_total;

	boot_cfg(&c, &cfg, 3);
	CHECK(!greet(1, spoil) && !greet(3, spoil));
	beat_in(3, false);
	CHECK(c.gate && c.closed);
}

static int frame_in(const char *text)
{
	int err = dmring_core_frame(&c, DMRING_IN, 0, 0, buf, &f, &act);

	if (!err)
		err = dmring_core_head(&c, DMRING_IN, 0, 0, &f, buf, &rx, &act);
	CHECK(!err == !text && (!text || strstr(act.why, text)));
	if (text && !strstr(act.why, text))
		printf("# it says: %s\n", act.why);
	return err;
}

static void record_in(u32 node, u64 seq, u16 type, u32 len)
{
	struct dmring_data d = {
		.node = node, .view = 1, .inc = 100 + node, .seq = seq, .len = len,
		.type = type,
	};

	dmring_wire_put_data(buf, &d);
	CHECK(!frame_in(NULL) && rx.what == DMRING_RX_DELIVER);
	dmring_core_deliver(&c, &rx);
}

static void message_in(u32 node, u64 seq)
{
	record_in(node, seq, DMRING_REC_DATA, 10);
}

static struct dmring_order_frame order_of(u64 from, u32 node, u32 count)
{
	return (struct dmring_order_frame){
		.view = 1, .inc = 101, .from = from, .count = 1, .run = { { node, count } },
	};
}

static int order_in(struct dmring_order_frame runs, const char *text)
{
	dmring_wire_put_order(buf, &runs);
	return frame_in(text);
}

static int ordered_in(u64 ordered, const char *text)
{
	struct dmring_mark m = { .node = 1 };

	dmring_wire_put_marks(buf, ordered, 1);
	dmring_wire_put_mark(buf, 0, &m);
	return frame_in(text);
}

static void send_all(void)
{
	u64 no;

	while (dmring_core_next(&c, &no))
		dmring_core_sent(&c, no);
}

/* What is held and known is sent, so that all may know it */
static void tell_all(void)
{
	u8 frame[DMRING_WIRE_ORDER_MAX];

	send_all();
	while (dmring_core_put_order(&c, frame))
		;
}

/* What is delivered next, as origin and sequence; 0 for nothing */
static u64 next_given(void)
{
	u64 no;

	if (!dmring_core_index(&c, &no))
		return 0;
	return c.view.node[dmring_retain_entry(&c.retain, no)->origin] * 100 +
	       dmring_retain_seq(&c.retain, no);
}

/* Nothing is delivered before its order is known; then in that order, not in that of arrival. */
static void given_in_order(void)
{
	struct dmring_order_frame runs = order_of(0, 1, 1);

	join_ordered(DMRING_ORDER_TOTAL);
	dmring_core_add(&c, 7, 0, 10);
	message_in(1, 1);
	message_in(3, 1);
	dmring_core_add(&c, 7, 0, 10);
	message_in(1, 2);
	CHECK(!next_given());
	CHECK(!order_in(runs, NULL) && act.what == DMRING_ACT_PUMP);
	CHECK(next_given() == 101 && !next_given());
	runs = (struct dmring_order_frame){
		.view = 1, .inc = 101, .from = 1, .count = 3, .run = { { 3, 1 }, { 1, 1 }, { 2, 2 } },
	};
	CHECK(!order_in(runs, NULL));
	CHECK(next_given() == 301 && next_given() == 102 && next_given() == 201);
	CHECK(next_given() == 202 && !next_given());
	CHECK(c.retain.order.index == 5);
}

/* Local events wait for nobody, and stand among the messages. */
static void events_at_once(void)
{
	u64 no;

	join_ordered(DMRING_ORDER_TOTAL);
	message_in(1, 1);
	dmring_core_add_event(&c, 24);
	CHECK(dmring_core_index(&c, &no) && no == 1 && dmring_core_index_pos(&c) == 0);
	dmring_core_read(&c, 1);
	CHECK(!dmring_core_advance(&c, 9) && !dmring_core_slow(&c));
	CHECK(!order_in(order_of(0, 1, 1), NULL) && next_given() == 101);
	CHECK(dmring_core_index_pos(&c) == 1);
}

/* An order that a predecessor in its right mind would not tell */
static void bad_orders(void)
{
	struct dmring_order_frame runs;

	join_ordered(DMRING_ORDER_TOTAL);
	order_in(order_of(1, 1, 1), "an order from position 1 where 0 was due");
	join_ordered(DMRING_ORDER_TOTAL);
	message_in(1, 1);
	order_in(order_of(0, 1, 2), "an order of 2 messages of host 1, of which 1 wait for one");
	join_ordered(DMRING_ORDER_TOTAL);
	message_in(1, 1);
	message_in(3, 1);
	runs = (struct dmring_order_frame){
		.view = 1, .inc = 101, .count = 3, .run = { { 1, 1 }, { 3, 1 }, { 1, 1 } },
	};
	order_in(runs, "an order of 1 messages of host 1, of which 0 wait for one");
	CHECK(!c.retain.order.have && c.retain.order.queue[0].count == 1);
	join_ordered(DMRING_ORDER_TOTAL);
	order_in(order_of(0, 9, 1), "an order of messages of host 9, which is not on the ring");
	join_ordered(DMRING_ORDER_TOTAL);
	runs = order_of(0, 1, 1);
	runs.view = 2;
	order_in(runs, "an order of view 2 in view 1");
	join_ordered(DMRING_ORDER_TOTAL);
	runs.view = 0;
	CHECK(!order_in(runs, NULL) && !act.what);
	runs.view = 1;
	runs.inc = 999;
	order_in(runs, "host 1 was restarted");
	join();
	order_in(order_of(0, 1, 1), "an order on a ring of order fifo");
	join_ordered(DMRING_ORDER_TOTAL);
	ordered_in(1, "a mark is ahead of the order");
	/* known here, but the next host was not told: how could it know? */
	join_ordered(DMRING_ORDER_TOTAL);
	message_in(1, 1);
	CHECK(!order_in(order_of(0, 1, 1), NULL));
	ordered_in(1, "a mark is ahead of the order");
	join_ordered(DMRING_ORDER_TOTAL);
	order_in(order_of(0, 1, DMRING_ORDER_MESSAGES + 1), "an order of 4097 messages at once");
}

/* A host that is the sequencer itself: it delivers at once, and takes orders from nobody. */
static void sequencer(void)
{
	struct dmring_order_frame runs;

	join_ordered(DMRING_ORDER_TOTAL);
	c.retain.order.sequencer = c.view.self;
	dmring_core_add(&c, 7, 0, 10);
	message_in(1, 1);
	CHECK(next_given() == 201 && next_given() == 101 && !next_given());
	CHECK(!dmring_core_put_order(&c, buf));		/* what was not sent */
	send_all();
	CHECK(dmring_core_put_order(&c, buf) == DMRING_WIRE_ORDER + 2 * DMRING_WIRE_RUN);
	CHECK(!dmring_wire_get_order(buf, DMRING_WIRE_ORDER + 2 * DMRING_WIRE_RUN, &runs, why));
	CHECK(!runs.from && runs.inc == 102 && runs.run[0].node == 2 && runs.run[1].node == 1);
	CHECK(!dmring_core_put_order(&c, buf));
	ordered_in(3, "a mark is ahead of the order");
	join_ordered(DMRING_ORDER_TOTAL);
	c.retain.order.sequencer = c.view.self;
	message_in(1, 1);
	runs = order_of(0, 1, 1);
	runs.inc = 102;
	order_in(runs, "it tells the sequencer of an order");
}

/* The order follows the message, in as many frames as it takes. */
static void told_in_parts(void)
{
	struct dmring_order_frame runs;
	u64 no, i;

	join_ordered(DMRING_ORDER_TOTAL);
	for (i = 1; i <= DMRING_ORDER_RUNS; i++) {
		message_in(1, i);
		dmring_core_add(&c, 7, 0, 10);
		CHECK(!order_in(order_of(2 * i - 2, 1, 1), NULL));
		CHECK(!order_in(order_of(2 * i - 1, 2, 1), NULL));
	}
	CHECK(index_all() == 2 * DMRING_ORDER_RUNS && !dmring_core_put_order(&c, buf));
	for (i = 0; i < 3; i++) {
		CHECK(dmring_core_next(&c, &no) && no == i);
		dmring_core_sent(&c, no);
	}
	CHECK(dmring_core_put_order(&c, buf) == DMRING_WIRE_ORDER + 3 * DMRING_WIRE_RUN);
	send_all();
	CHECK(dmring_core_put_order(&c, buf) == DMRING_WIRE_ORDER_MAX);
	CHECK(!dmring_wire_get_order(buf, DMRING_WIRE_ORDER_MAX, &runs, why) && runs.from == 3);
	CHECK(dmring_core_put_order(&c, buf) && !dmring_core_put_order(&c, buf));
	CHECK(c.retain.order.link == 2 * DMRING_ORDER_RUNS);
}

/* As many messages in a frame as one hold of the lock bears, and no more */
static void told_at_most(void)
{
	static struct dmring_entry many[8192];
	static struct dmring_place their[8192];
	static const u32 nodes[] = { 2, 3 };
	struct dmring_core_cfg cfg = ordered(1, DMRING_ORDER_TOTAL);
	struct dmring_order_frame runs;
	u32 i;

	cfg.log = 1 << 19;
	CHECK(!dmring_core_init(&c, &cfg, many, their, ARRAY_SIZE(many), why));
	CHECK(!dmring_core_set_hosts(&c, nodes, 2, 0, why));
	c.out.state = DMRING_SESSION_STREAM;
	for (i = 0; i < DMRING_ORDER_MESSAGES + 5; i++)
		dmring_core_add(&c, 7, 0, 10);
	send_all();
	CHECK(dmring_core_put_order(&c, buf) == DMRING_WIRE_ORDER + DMRING_WIRE_RUN);
	CHECK(!dmring_wire_get_order(buf, DMRING_WIRE_ORDER + DMRING_WIRE_RUN, &runs, why));
	CHECK(runs.run[0].count == DMRING_ORDER_MESSAGES);
	CHECK(dmring_core_put_order(&c, buf) && !dmring_core_put_order(&c, buf));
	CHECK(c.retain.order.link == DMRING_ORDER_MESSAGES + 5);
}

/* What was told already is passed over, in part if need be. */
static void told_twice(void)
{
	join_ordered(DMRING_ORDER_TOTAL);
	message_in(1, 1);
	message_in(1, 2);
	message_in(1, 3);
	CHECK(!order_in(order_of(0, 1, 2), NULL) && c.retain.order.have == 2);
	CHECK(!order_in(order_of(0, 1, 2), NULL) && c.retain.order.have == 2);
	CHECK(!order_in(order_of(1, 1, 2), NULL) && c.retain.order.have == 3);
	CHECK(next_given() == 101 && next_given() == 102 && next_given() == 103 && !next_given());
}

/* Under "safe" a message waits until all know its order, and so hold it. */
static void safe(void)
{
	struct dmring_mark m = { .node = 1, .stable = 2 };

	join_ordered(DMRING_ORDER_SAFE);
	message_in(1, 1);
	message_in(1, 2);
	CHECK(!order_in(order_of(0, 1, 2), NULL) && !next_given());
	dmring_wire_put_marks(buf, 0, 1);
	dmring_wire_put_mark(buf, 0, &m);
	CHECK(!frame_in(NULL) && !next_given());
	tell_all();
	ordered_in(1, NULL);
	CHECK(next_given() == 101 && !next_given());
	ordered_in(2, NULL);
	CHECK(next_given() == 102 && !next_given());
}

/* Kept until every host knows its order; until then no reader is to blame. */
static void kept(void)
{
	struct dmring_mark m = { .node = 1, .stable = 2 };

	join_ordered(DMRING_ORDER_TOTAL);
	message_in(1, 1);
	message_in(1, 2);
	send_all();
	dmring_wire_put_marks(buf, 0, 1);
	dmring_wire_put_mark(buf, 0, &m);
	CHECK(!frame_in(NULL));
	dmring_core_read(&c, ~0ULL);
	CHECK(dmring_retain_hold(&c.retain) == DMRING_HOLD_ORDER && !dmring_core_advance(&c, 9));
	CHECK(!order_in(order_of(0, 1, 2), NULL) && index_all() == 2);
	CHECK(dmring_retain_hold(&c.retain) == DMRING_HOLD_ORDER && !dmring_core_advance(&c, 9));
	tell_all();
	ordered_in(1, NULL);
	CHECK(dmring_core_advance(&c, 9) == 64);
	dmring_core_read(&c, 1);
	ordered_in(2, NULL);
	CHECK(dmring_retain_hold(&c.retain) == DMRING_HOLD_READER && !dmring_core_advance(&c, 9));
	dmring_core_read(&c, 2);
	CHECK(dmring_core_advance(&c, 9) == 64);
}

static void parcel_in(u32 node, u64 seq)
{
	record_in(node, seq, DMRING_REC_PARCEL, DMRING_WIRE_PARCEL);
}

/* A parcel has a place in the order and none in the index: no reader, but all hosts. */
static void parcels(void)
{
	struct dmring_mark m = { .node = 1, .stable = 3 };

	join_ordered(DMRING_ORDER_TOTAL);
	parcel_in(1, 1);
	message_in(1, 2);
	parcel_in(1, 3);
	CHECK(!order_in(order_of(0, 1, 3), NULL));
	CHECK(next_given() == 101 && c.retain.order.index == 0);
	CHECK(next_given() == 102 && c.retain.order.index == 1);
	CHECK(next_given() == 103 && c.retain.order.index == 1 && !next_given());
	tell_all();
	dmring_wire_put_marks(buf, 0, 1);
	dmring_wire_put_mark(buf, 0, &m);
	CHECK(!frame_in(NULL));
	dmring_core_read(&c, 0);
	CHECK(dmring_retain_hold(&c.retain) == DMRING_HOLD_ORDER && !dmring_core_advance(&c, 9));
	ordered_in(1, NULL);
	CHECK(dmring_core_advance(&c, 9) == 80);
	ordered_in(2, NULL);
	CHECK(dmring_retain_hold(&c.retain) == DMRING_HOLD_READER);
	dmring_core_read(&c, 1);
	CHECK(dmring_core_advance(&c, 9) == 64);
	CHECK(dmring_retain_hold(&c.retain) == DMRING_HOLD_ORDER);
	ordered_in(3, NULL);
	CHECK(dmring_core_advance(&c, 9) == 80);
}

static u64 next_order, next_have = 2;

static void s_ordered(struct dmring_hello *h)
{
	s_total(h);
	h->ordered = next_order;
	h->hosts[0].have = next_have;
}

/* A new connection: from where the next host is, if that can be. */
static int resume(u64 from)
{
	next_order = from;
	dmring_core_down(&c, DMRING_OUT, 0, 0, -ECONNRESET, &act);
	c.out.retry_at = 0;
	return greet(3, s_ordered);
}

static void resumed(void)
{
	join_ordered(DMRING_ORDER_TOTAL);
	message_in(1, 1);
	message_in(1, 2);
	CHECK(!order_in(order_of(0, 1, 2), NULL) && index_all() == 2);
	send_all();
	CHECK(dmring_core_put_order(&c, buf) && c.retain.order.link == 2);
	CHECK(!resume(1) && c.retain.order.link == 1);
	CHECK(dmring_core_put_order(&c, buf) && c.retain.order.link == 2);
	/* refused, it changes nothing: not what is to be sent again either */
	next_have = 1;
	CHECK(resume(3) == -EPROTO && strstr(act.why, "claims to know the order up to 3"));
	CHECK(c.retain.origin[0].link_seq == 2 && c.retain.order.link == 2);
	next_have = 2;
	ordered_in(1, NULL);
	CHECK(resume(0) == -EPROTO && strstr(act.why, "forgotten the order from 0 on"));
	/* and what the host before us may claim */
	next_order = 1;
	CHECK(greet(1, s_ordered) == -EPROTO && strstr(act.why, "forgotten the order from 1 on"));
	next_order = 2;
	CHECK(!greet(1, s_ordered));
	c.retain.order.sequencer = c.view.self;
	next_order = 3;
	CHECK(greet(1, s_ordered) == -EPROTO && strstr(act.why, "which was never sent"));
}

/* The acknowledgment to the sequencer, and what it says passed on to all others */
static void marks(void)
{
	u64 ordered;
	u16 count;
	u32 len;

	join_ordered(DMRING_ORDER_TOTAL);
	message_in(1, 1);
	message_in(1, 2);
	send_all();
	CHECK(!order_in(order_of(0, 1, 2), NULL) && dmring_core_put_order(&c, buf));
	len = dmring_core_marks(&c, buf);
	CHECK(!len && !dmring_core_marks_due(&c));
	ordered_in(1, NULL);
	CHECK(dmring_core_marks_due(&c));
	len = dmring_core_marks(&c, buf);
	CHECK(!dmring_wire_get_marks(buf, len, &ordered, &count, why) && ordered == 1 && !count);
	CHECK(!dmring_core_marks_due(&c) && !dmring_core_marks(&c, buf));
	CHECK(!resume(2) && dmring_core_marks_due(&c));
	join_ordered(DMRING_ORDER_TOTAL);
	message_in(1, 1);
	CHECK(!order_in(order_of(0, 1, 1), NULL));
	c.retain.order.sequencer = c.view.succ;		/* as if the next host were it */
	len = dmring_core_marks(&c, buf);
	CHECK(!dmring_wire_get_marks(buf, len, &ordered, &count, why) && ordered == 1);
	send_all();
	CHECK(!dmring_core_put_order(&c, buf));
}

static void s_knows(struct dmring_hello *h) { h->ordered = 1; }

/* Where there is one log, there is one order, and nothing to be known of it. */
static void no_order(void)
{
	struct dmring_core_cfg cfg = ordered(2, DMRING_ORDER_SAFE);

	boot(&c, 2);
	CHECK(greet(1, s_knows) == -EPROTO && strstr(act.why, "knows of an order with order fifo"));
	cfg.network = false;
	CHECK(!dmring_core_init(&c, &cfg, table[1], NULL, SLOTS, why));
	dmring_core_add(&c, 1, 0, 10);
	CHECK(index_all() == 1);
}

/* Damaged orders at a link that stands: taken whole or refused, never believed. */
static void garbage(void)
{
	u64 seed = 9;
	u32 i, k, len, down = 0, taken = 0;

	for (i = 0; i < 100000; i++) {
		struct dmring_order_frame runs;

		if (i % 16 == 0 || c.in.state != DMRING_SESSION_STREAM) {
			join_ordered(DMRING_ORDER_TOTAL);
			for (k = 1; k <= 8; k++) {
				message_in(1, k);
				message_in(3, k);
			}
		}
		runs = order_of(c.retain.order.have, 1 + 2 * rnd_below(&seed, 2), 1);
		len = dmring_wire_put_order(buf, &runs);
		for (k = rnd_below(&seed, 3); k; k--)
			buf[rnd_below(&seed, len)] = next_random(&seed);
		if (dmring_core_frame(&c, DMRING_IN, 0, 0, buf, &f, &act) || f.head > len ||
		    dmring_core_head(&c, DMRING_IN, 0, 0, &f, buf, &rx, &act)) {
			down++;
			continue;
		}
		taken += index_all();
		CHECK(c.retain.order.have <= 16 && c.retain.order.given == c.retain.order.have);
		CHECK(c.retain.order.have + c.retain.order.queue[0].count +
		      c.retain.order.queue[2].count == 16);
	}
	CHECK(down > 10000 && taken > 10000);
}

/* One step of a link on which anything comes: sound, damaged, late, never said */
static void any_frame(u64 *seed, u64 *seq)
{
	struct dmring_mark m = { .node = 1 + rnd_below(seed, 3) };
	u32 k, len, node = 1 + 2 * rnd_below(seed, 2);
	struct dmring_order_frame runs;
	struct dmring_data d = {
		.node = node, .view = 1, .inc = 100 + node, .seq = seq[node] + 1, .len = 10,
		.type = DMRING_REC_DATA,
	};

	switch (rnd_below(seed, 4)) {
	case 0:
		len = dmring_wire_put_data(buf, &d);
		break;
	case 1:
		runs = order_of(c.retain.order.have - rnd_below(seed, 2), node,
				1 + rnd_below(seed, 8));
		len = dmring_wire_put_order(buf, &runs);
		break;
	case 2:
		m.stable = c.retain.origin[m.node - 1].have_seq - rnd_below(seed, 2);
		dmring_wire_put_marks(buf, c.retain.order.link, 1);
		dmring_wire_put_mark(buf, 0, &m);
		len = DMRING_WIRE_MARKS + DMRING_WIRE_MARK;
		break;
	default:
		dmring_wire_put_marks(buf, rnd_below(seed, 99), 1);
		dmring_wire_put_mark(buf, 0, &m);
		len = DMRING_WIRE_MARKS + DMRING_WIRE_MARK;
		break;
	}
	for (k = rnd_below(seed, 20) ? 0 : 2; k; k--)
		buf[rnd_below(seed, len)] = next_random(seed);
	if (dmring_core_frame(&c, DMRING_IN, 0, 0, buf, &f, &act) || f.head > len ||
	    dmring_core_head(&c, DMRING_IN, 0, 0, &f, buf, &rx, &act))
		return;
	if (rx.what != DMRING_RX_DELIVER)
		return;
	dmring_core_deliver(&c, &rx);
	seq[c.view.node[rx.origin]]++;
}

static void any_local(u64 *seed)
{
	bool kick;
	u64 no;

	switch (rnd_below(seed, 6)) {
	case 0:
		if (!dmring_core_room(&c, 10, &kick))
			dmring_core_add(&c, 7, 0, 10);
		break;
	case 1:
		if (!dmring_core_event_room(&c, 24))
			dmring_core_add_event(&c, 24);
		break;
	case 2:
		if (dmring_core_next(&c, &no))
			dmring_core_sent(&c, no);
		break;
	case 3:
		dmring_core_put_order(&c, buf);
		break;
	case 4:
		dmring_core_read(&c, c.retain.order.index);
		dmring_core_advance(&c, 99);
		break;
	default:
		dmring_core_marks(&c, buf);
	}
	index_all();
}

/* A hostile host before us: whatever it says, our tables stay sound. */
static void hostile(u8 order)
{
	u64 seq[4] = { }, seed = 11, freed = 0;
	u32 i;

	for (i = 0; i < 300000; i++) {
		const struct dmring_ordering *o = &c.retain.order;

		if (!i || c.in.state != DMRING_SESSION_STREAM) {
			freed += i ? c.retain.first : 0;
			join_ordered(order);
			memset(seq, 0, sizeof(seq));
		}
		any_frame(&seed, seq);
		any_local(&seed);
		CHECK(o->stable <= o->link && o->link <= o->have && o->given <= o->have);
		CHECK(o->have - o->stable <= c.retain.next - c.retain.first);
		CHECK(c.retain.next - c.retain.first <= SLOTS && c.retain.sent <= c.retain.next);
		if (test_failed)
			return;
	}
	CHECK(freed > 1000);
}

static void hostile_total(void)
{
	hostile(DMRING_ORDER_TOTAL);
}

static void hostile_safe(void)
{
	hostile(DMRING_ORDER_SAFE);
}

const struct test order_tests[] = {
	{ "order: delivered in order, not on arrival", given_in_order },
	{ "order: local events at once", events_at_once },
	{ "order: what is not believed", bad_orders },
	{ "order: the sequencer", sequencer },
	{ "order: told behind the message, in parts", told_in_parts },
	{ "order: told in pieces", told_at_most },
	{ "order: told twice", told_twice },
	{ "order: safe", safe },
	{ "order: kept until all know it", kept },
	{ "order: parcels", parcels },
	{ "order: resumed", resumed },
	{ "order: marks", marks },
	{ "order: none", no_order },
	{ "order: 100000 damaged frames", garbage },
	{ "order: total, and a hostile host before us", hostile_total },
	{ "order: safe, likewise", hostile_safe },
	{ NULL, NULL },
};
