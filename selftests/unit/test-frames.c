// SPDX-License-Identifier: GPL-2.0-only
/* One host: frames that come in, in and out of place, sound and damaged. */
#include <stdio.h>
#include "core-internal.h"
#include "host.h"
#include "test.h"

/* Each type of frame, in each state and direction */
static void out_of_place(void)
{
	static const u8 legal[2][5] = {
		[DMRING_OUT] = { 0, 0, 0, 0x06, 0x20 },
		[DMRING_IN] = { 0, 0, 0, 0x24, 0x78 },
	};
	struct dmring_session s;
	u8 dir, state, type;

	for (dir = 0; dir < 2; dir++) {
		dmring_session_init(&s, dir, 150);
		for (state = 0; state < 5; state++) {
			s.state = state;
			for (type = 0; type < 8; type++)
				CHECK(!dmring_session_legal(&s, type, why) ==
				      !!(legal[dir][state] & (1U << type)));
		}
	}
	CHECK(strstr(why, "out of place"));
	boot(&c, 2);
	dmring_wire_put_beat(buf, &(struct dmring_beat){ .log = 65536, .rec = 64 });
	CHECK(dmring_core_greeting(&c, buf, &f, &act) == -EPROTO);
	CHECK(act.what == (DMRING_ACT_REFUSE | DMRING_ACT_CLOSE) && !c.in.err);
}

/* A frame on a link that stands; -EPROTO takes it down. */
static int frame_in(enum dmring_dir dir, const char *text)
{
	int err = dmring_core_frame(&c, dir, 7 * MS, 0, buf, &f, &act);

	if (!err)
		err = dmring_core_head(&c, dir, 7 * MS, 0, &f, buf, &rx, &act);
	if (!text)
		return err;
	if (!err || !strstr(act.why, text))
		printf("# not '%s': %s\n", text, act.why);
	CHECK(err == act.err && strstr(act.why, text));
	CHECK(act.what == (DMRING_ACT_CLOSE | DMRING_ACT_DOWN | DMRING_ACT_BROKEN));
	CHECK(act.reason == DMRING_AWAY_PROTOCOL);
	return err;
}

static struct dmring_data a_message(void)
{
	return (struct dmring_data){ .node = 1, .view = 1, .inc = 101, .seq = 1, .len = 10,
				     .type = DMRING_REC_DATA };
}

static void message_breach(struct dmring_data d, const char *text)
{
	join();
	dmring_wire_put_data(buf, &d);
	frame_in(DMRING_IN, text);
}

static void bad_messages(void)
{
	struct dmring_data d;

	d = a_message(); d.node = 9;
	message_breach(d, "host 9, which is not on the ring");
	d = a_message(); d.node = 2; d.inc = 102;
	message_breach(d, "our own message");
	d = a_message(); d.seq = 2;
	message_breach(d, "message 2 came where 1 was due");
	d = a_message(); d.view = 2;
	message_breach(d, "view 2 in view 1");
	d = a_message(); d.inc = 5;
	message_breach(d, "host 1 was restarted");
	d = a_message(); d.flags = DMRING_REC_IDENT; d.ident.node = 1;
	message_breach(d, "says who sent it");
	d = a_message(); d.len = dmring_core_max_msg(&c) + 1;
	message_breach(d, "a message of");
	d = a_message(); d.type = DMRING_REC_EVENT;
	message_breach(d, "an event of 10 bytes");
	d = a_message(); d.type = DMRING_REC_EVENT + 1;
	message_breach(d, "contradicts itself");
	join();
	c.sizes.final = false;
	d = a_message();
	dmring_wire_put_data(buf, &d);
	frame_in(DMRING_IN, "before the ring was closed");
	join();
	dmring_wire_put_data(buf, &d);
	frame_in(DMRING_OUT, "out of place");
}

/* An event comes in; @text: why it is a breach, NULL if it is none */
static void news_in(struct dmring_ev ev, const char *text)
{
	struct dmring_data d = a_message();
	struct dmring_ev got = {};
	u8 body[DMRING_WIRE_EV];
	int err;

	join();
	d.type = DMRING_REC_EVENT;
	d.len = dmring_wire_put_ev(body, &ev);
	dmring_wire_put_data(buf, &d);
	CHECK(!frame_in(DMRING_IN, NULL) && rx.what == DMRING_RX_DELIVER);
	err = dmring_core_news(&c, 7 * MS, 0, &rx, body, &got, &act);
	CHECK(err == (text ? -EPROTO : 0));
	if (text) {
		CHECK(strstr(act.why, text) && act.reason == DMRING_AWAY_PROTOCOL);
		CHECK(act.what == (DMRING_ACT_CLOSE | DMRING_ACT_DOWN | DMRING_ACT_BROKEN));
		return;
	}
	CHECK(!act.what && !memcmp(&got, &ev, sizeof(ev)));
	CHECK(dmring_core_deliver(&c, &rx) == 0);
	/* it goes on as what it was */
	CHECK(dmring_core_data(&c, 0, DMRING_WIRE_EV, NULL, buf) == DMRING_WIRE_DATA);
	CHECK(!dmring_wire_get_data(buf, DMRING_WIRE_DATA, &d, why));
	CHECK(d.type == DMRING_REC_EVENT && d.node == 1 && d.seq == 1);
}

static void news(void)
{
	const struct dmring_ev left = {
		.what = DMRING_EV_LEFT, .reason = DMRING_REASON_KILLED, .node = 1,
		.arg = 4095, .arg2 = 0x123456789abcdef0ULL,
	};
	struct dmring_ev ev = left;

	news_in(left, NULL);
	ev.node = 2;
	news_in(ev, "host 1 tells of event 1 at host 2");
	ev = left; ev.what = DMRING_EV_GAP;
	news_in(ev, "tells of event 64");
	ev = left; ev.reason = DMRING_REASON_NETNS + 1;
	news_in(ev, "impossible departure");
	ev = left; ev.reason = DMRING_REASON_NONE;
	news_in(ev, "impossible departure");
	ev = left; ev.arg = DMRING_SLOTS_MAX;
	news_in(ev, "impossible departure");
}

/* A parcel for host @dest comes in, whole or without what is in it, and goes on as @on (bytes) */
static void parcel_in(u32 dest, bool brief, u32 len, u32 on)
{
	struct dmring_parcel p = {
		.kind = DMRING_PARCEL_REQUEST, .dest = dest, .from = 1, .no = 7, .name = "work",
	};
	struct dmring_data d = a_message();
	u8 body[DMRING_WIRE_PARCEL];

	join();
	dmring_parcel_put(body, &p);
	d.type = DMRING_REC_PARCEL;
	d.len = len;
	d.brief = brief;
	dmring_wire_put_data(buf, &d);
	CHECK(dmring_get32(buf) == DMRING_WIRE_DATA + (brief ? DMRING_WIRE_PARCEL : len));
	CHECK(!frame_in(DMRING_IN, NULL) && rx.what == DMRING_RX_DELIVER);
	/* it counts with all its bytes, wherever it is */
	CHECK(rx.cost == dmring_cost(len, 0) && !rx.arrives);
	if (!on) {
		CHECK(dmring_core_parcel(&c, 7 * MS, 0, &rx, body, &p, &act) == -EPROTO);
		CHECK(strstr(act.why, "without what is in it"));
		CHECK(act.what == (DMRING_ACT_CLOSE | DMRING_ACT_DOWN | DMRING_ACT_BROKEN));
		return;
	}
	CHECK(!dmring_core_parcel(&c, 7 * MS, 0, &rx, body, &p, &act) && !act.what);
	CHECK(rx.arrives == (dest == 2));
	CHECK(dmring_core_deliver(&c, &rx) == 0 && dmring_core_body(&c, 0, len) == on);
	CHECK(dmring_core_data(&c, 0, len, NULL, buf) == DMRING_WIRE_DATA);
	CHECK(dmring_get32(buf) == DMRING_WIRE_DATA + on);
	CHECK(!dmring_wire_get_data(buf, DMRING_WIRE_DATA, &d, why));
	CHECK(d.type == DMRING_REC_PARCEL && d.len == len && d.brief == (on != len));
	/* hosts that were missing when others filled each other may have come before that one */
	c.change.phase = DMRING_PHASE_FILL;
	CHECK(dmring_core_body(&c, 0, len) == (brief ? DMRING_WIRE_PARCEL : len));
	c.change.phase = DMRING_PHASE_RUN;
}

/* On a ring of hosts 1 to 5, seen by the third: through whom has it come, on its way from @origin? */
static void ways(void)
{
	static const bool through[5][6] = {
		{ false, true, true, false, false, false },
		{ false, false, true, false, false, false },
		{ false },
		{ false, true, true, false, true, true },
		{ false, true, true, false, false, true },
	};
	u16 origin;
	u32 dest;

	join();
	c.view.count = 5;
	c.view.self = 2;
	for (dest = 0; dest < 5; dest++)
		c.view.node[dest] = dest + 1;
	for (origin = 0; origin < 5; origin++)
		for (dest = 0; dest <= 5 && origin != 2; dest++)
			CHECK(dmring_core_may_be_brief(&c, origin, dest) ==
			      (through[origin][dest] || (dest == origin + 1U)));
	CHECK(!dmring_core_may_be_brief(&c, 0, 6));
}

/* What is not there is not looked at: the bytes end with the header */
static void brief_status(void)
{
	const struct dmring_parcel p = { .kind = DMRING_PARCEL_STATUS, .from = 1 };
	struct dmring_data d = a_message();
	u8 *body = malloc(DMRING_WIRE_PARCEL);
	struct dmring_parcel q;

	join();
	dmring_parcel_put(body, &p);
	d.type = DMRING_REC_PARCEL;
	d.len = DMRING_WIRE_PARCEL + DMRING_STATUS_SIZE;
	d.brief = true;
	dmring_wire_put_data(buf, &d);
	CHECK(!frame_in(DMRING_IN, NULL));
	CHECK(dmring_core_parcel(&c, 7 * MS, 0, &rx, body, &q, &act) == -EPROTO);
	CHECK(strstr(act.why, "without what is in it"));
	free(body);
}

static void brief_parcels(void)
{
	struct dmring_parcel p = {
		.kind = DMRING_PARCEL_REQUEST, .from = 1, .member = 5, .name = "work",
		.flags = DMRING_REQUEST_EACH | DMRING_REQUEST_ONE_WAY,
	};
	struct dmring_data d = a_message();
	u8 body[DMRING_WIRE_PARCEL];

	/* before its host, there, and behind */
	parcel_in(3, false, 1000, 1000);
	parcel_in(2, false, 1000, DMRING_WIRE_PARCEL);
	parcel_in(2, true, 1000, 0);
	/* nor has it been with one that is not on the ring */
	parcel_in(3, true, 1000, 0);
	/* there is nothing to be left out */
	parcel_in(2, false, DMRING_WIRE_PARCEL, DMRING_WIRE_PARCEL);

	/* for all hosts */
	join();
	d.type = DMRING_REC_PARCEL;
	d.len = 1000;
	d.brief = true;
	dmring_wire_put_data(buf, &d);
	CHECK(!frame_in(DMRING_IN, NULL));
	dmring_parcel_put(body, &p);
	CHECK(dmring_core_parcel(&c, 7 * MS, 0, &rx, body, &p, &act) == -EPROTO);
	CHECK(strstr(act.why, "without what is in it"));

	/* one that has come so is sent on so */
	join();
	dmring_wire_put_data(buf, &d);
	CHECK(!frame_in(DMRING_IN, NULL) && rx.data.brief && !rx.arrives);
	CHECK(dmring_core_deliver(&c, &rx) == 0);
	CHECK(dmring_core_body(&c, 0, 1000) == DMRING_WIRE_PARCEL);

	/* frames that make no sense */
	d.len = DMRING_WIRE_PARCEL;
	message_breach(d, "contradicts itself");
	d.len = 1000;
	d.type = DMRING_REC_DATA;
	message_breach(d, "contradicts itself");
	d.type = DMRING_REC_PARCEL;
	d.len = dmring_core_max_msg(&c) + 1;
	message_breach(d, "a message of");
	d.len = ~0U - 8;
	message_breach(d, "a message of");
	d.len = 1000;
	join();
	dmring_wire_put_data(buf, &d);
	dmring_put32(buf, dmring_get32(buf) + 1);
	frame_in(DMRING_IN, "contradicts itself");
}

/* Own news are a record like a message: sequenced, and in the window */
static void own_news(void)
{
	struct dmring_data d;
	u64 no;

	join();
	CHECK(dmring_core_add_news(&c) == 0 && c.retain.origin[c.view.self].have_seq == 1);
	CHECK(c.retain.origin[c.view.self].have_cost == 64);
	CHECK(dmring_core_next(&c, &no) && no == 0);
	dmring_core_data(&c, no, DMRING_WIRE_EV, NULL, buf);
	CHECK(!dmring_wire_get_data(buf, DMRING_WIRE_DATA, &d, why));
	CHECK(d.type == DMRING_REC_EVENT && d.node == 2 && !d.flags);
	CHECK(dmring_core_add(&c, 5, 0, 10) == 1);
	dmring_core_data(&c, 1, 10, NULL, buf);
	CHECK(!dmring_wire_get_data(buf, DMRING_WIRE_DATA, &d, why) && d.type == DMRING_REC_DATA);
}

static void good_messages(void)
{
	struct dmring_data d = a_message();

	join();
	dmring_wire_put_data(buf, &d);
	CHECK(!frame_in(DMRING_IN, NULL) && rx.what == DMRING_RX_DELIVER && rx.cost == 64);
	CHECK(dmring_core_deliver(&c, &rx) == 0);
	CHECK(!frame_in(DMRING_IN, NULL) && rx.what == DMRING_RX_DISCARD);
	d.view = 0;
	d.seq = 9;
	dmring_wire_put_data(buf, &d);
	CHECK(!frame_in(DMRING_IN, NULL) && rx.what == DMRING_RX_DISCARD);
	d = (struct dmring_data){ .node = 3, .view = 1, .inc = 103, .seq = 1, .type = 1 };
	dmring_wire_put_data(buf, &d);
	CHECK(!frame_in(DMRING_IN, NULL) && dmring_core_deliver(&c, &rx) == 1);
	CHECK(c.retain.origin[0].have_seq == 1 && c.retain.origin[2].have_seq == 1);
}

static void beat_breach(enum dmring_dir dir, struct dmring_beat b, const char *text)
{
	join();
	dmring_wire_put_beat(buf, &b);
	frame_in(dir, text);
}

static void bad_beats_and_marks(void)
{
	struct dmring_mark m = { .node = 1, .stable = 1 };
	u32 rec;

	join();
	rec = c.rec;
	beat_breach(DMRING_IN, (struct dmring_beat){ 4, 0, 65536, rec }, "makes no sense");
	beat_breach(DMRING_IN, (struct dmring_beat){ 1, 0, 65535, rec }, "makes no sense");
	beat_breach(DMRING_IN, (struct dmring_beat){ 1, 0, 65536, 65 }, "makes no sense");
	beat_breach(DMRING_IN, (struct dmring_beat){ 1, 0, 65536, 32768 }, "leaves less than");
	beat_breach(DMRING_IN, (struct dmring_beat){ 1, 1, 65536, 64 }, "contradicts the sizes");
	beat_breach(DMRING_IN, (struct dmring_beat){ 1, 1, 131072, rec }, "contradicts the sizes");
	beat_breach(DMRING_OUT, (struct dmring_beat){ 1, 0, 0, 0 }, "against the ring");
	join();
	dmring_wire_put_marks(buf, 0, 1);
	dmring_wire_put_mark(buf, 0, &m);
	frame_in(DMRING_IN, "ahead of its messages");
	join();
	m = (struct dmring_mark){ .node = 9 };
	dmring_wire_put_marks(buf, 0, 1);
	dmring_wire_put_mark(buf, 0, &m);
	frame_in(DMRING_IN, "host 9, which is not on the ring");
}

/* A bad mark behind a good one: nothing of the frame is taken over. */
static void marks_whole(void)
{
	struct dmring_mark m = { .node = 1, .want = 5 };

	join();
	dmring_wire_put_marks(buf, 0, 2);
	dmring_wire_put_mark(buf, 0, &m);
	m = (struct dmring_mark){ .node = 3, .stable = 5 };
	dmring_wire_put_mark(buf, 1, &m);
	frame_in(DMRING_IN, "ahead");
	CHECK(!c.ack.up[0].want);
}

/* The window closes on us, and what we want goes round. */
static void own_window(void)
{
	struct dmring_mark m = { .node = 2 };
	bool kick;
	u64 no;
	u32 n = 0;

	join();
	while (!dmring_core_room(&c, 1000, &kick) && ++n)
		dmring_core_add(&c, 1, 0, 1000);
	CHECK(index_all() == n);
	CHECK(n == c.sizes.window / 1024 && kick && c.window.want);
	CHECK(dmring_core_room(&c, 1000, &kick) == -EAGAIN && !kick);
	while (dmring_core_next(&c, &no))
		dmring_core_sent(&c, no);
	CHECK(dmring_core_marks_due(&c) && dmring_core_marks(&c, buf));
	m.stable = n;
	dmring_wire_put_marks(buf, 0, 1);
	dmring_wire_put_mark(buf, 0, &m);
	CHECK(!frame_in(DMRING_IN, NULL) && act.what == DMRING_ACT_PUMP);
	CHECK(dmring_core_own_stable(&c) == n && dmring_core_slow(&c));
	dmring_core_read(&c, 2);
	CHECK(dmring_core_advance(&c, 99) == 2048 && !dmring_core_slow(&c));
	m.released = 2048;
	dmring_wire_put_marks(buf, 0, 1);
	dmring_wire_put_mark(buf, 0, &m);
	CHECK(!frame_in(DMRING_IN, NULL) && !dmring_core_room(&c, 1000, &kick));
}

/* Damaged frames at a link that stands: taken or refused, never believed. */
static void garbage(void)
{
	u64 seed = 5;
	u32 i, k, len, down = 0;

	for (i = 0; i < 100000; i++) {
		struct dmring_data d = a_message();
		struct dmring_mark m = { .node = 1 + i % 3 };
		enum dmring_dir dir = rnd_below(&seed, 2);

		if (i % 16 == 0 || c.in.state != DMRING_SESSION_STREAM ||
		    c.out.state != DMRING_SESSION_STREAM)
			join();
		len = dmring_wire_put_data(buf, &d);
		if (i % 3 == 1) {
			dmring_wire_put_marks(buf, 0, 1);
			dmring_wire_put_mark(buf, 0, &m);
			len = DMRING_WIRE_MARKS + DMRING_WIRE_MARK;
		}
		if (i % 3 == 2)
			len = dmring_wire_put_beat(buf, &c.heard);
		for (k = rnd_below(&seed, 4); k; k--)
			buf[rnd_below(&seed, len)] = next_random(&seed);
		if (dmring_core_frame(&c, dir, 0, 0, buf, &f, &act) || f.head > len) {
			down++;
			continue;
		}
		down += !!dmring_core_head(&c, dir, 0, 0, &f, buf, &rx, &act);
		CHECK(!c.retain.origin[0].have_seq && !c.retain.origin[0].stable_seq);
		CHECK(c.sizes.log == 65536 && c.ack.up[0].want <= c.sizes.window);
		CHECK(!c.window.released && c.view.inc[0] == 101);
	}
	CHECK(down > 10000 && down < 99000);
}

const struct test frame_tests[] = {
	{ "core: frames out of place", out_of_place },
	{ "core: bad messages", bad_messages },
	{ "core: events of other hosts", news },
	{ "core: parcels behind the host they are for", brief_parcels },
	{ "core: which host is on whose way", ways },
	{ "core: a status without its text", brief_status },
	{ "core: own events for all hosts", own_news },
	{ "core: good messages", good_messages },
	{ "core: bad heartbeats and marks", bad_beats_and_marks },
	{ "core: marks are taken whole", marks_whole },
	{ "core: own window", own_window },
	{ "core: 100000 damaged frames", garbage },
	{ NULL, NULL },
};
