// SPDX-License-Identifier: GPL-2.0-only
/* Frames: round trips, every wrong word, every wrong length, garbage. */
#include <stdio.h>
#include "test.h"

static char why[DMRING_WHY_SIZE];

static struct dmring_hello a_hello(u16 hosts)
{
	struct dmring_hello h = {
		.name = "fleet", .node = 3, .view = 1, .inc = 0x1122334455667788ULL, .order = 1, .attempt = 7,
		.identify = true, .dead_ms = 150, .log = 1 << 20, .rec = 4096,
		.ordered = 1ULL << 33, .count = hosts,
	};
	u16 i;

	for (i = 0; i < hosts; i++)
		h.hosts[i] = (struct dmring_hello_host){ i + 3, 7 + i, 9 * i };
	h.hosts[0].inc = h.inc;
	return h;
}

/* Common header and the decoder of the type, as a link does it */
static int take(const u8 *buf, u32 len)
{
	struct dmring_hello h;
	struct dmring_data d;
	struct dmring_beat b;
	struct dmring_frame f;
	struct dmring_order_frame runs;
	u64 ordered;
	u16 count;
	int err;

	if (len < DMRING_WIRE_HDR || dmring_wire_frame(buf, &f, why) || f.head > len)
		return -EPROTO;
	CHECK(f.head <= DMRING_WIRE_HEAD_MAX && f.head + f.body == f.len);
	switch (f.type) {
	case DMRING_FRAME_HELLO:
		return dmring_wire_get_hello(buf, f.head, &h, why);
	case DMRING_FRAME_REFUSE:
		return dmring_wire_get_refuse(buf, f.head, &err, why, why);
	case DMRING_FRAME_DATA:
		return dmring_wire_get_data(buf, f.head, &d, why);
	case DMRING_FRAME_MARKS:
		return dmring_wire_get_marks(buf, f.head, &ordered, &count, why);
	case DMRING_FRAME_ORDER:
		return dmring_wire_get_order(buf, f.head, &runs, why);
	}
	return dmring_wire_get_beat(buf, f.head, &b, why);
}

/* One good frame of each kind */
static u32 sample(u32 kind, u8 *buf)
{
	struct dmring_hello h = a_hello(3);
	struct dmring_data d = {
		.node = 3, .view = 1, .inc = 9, .seq = 77, .len = 100, .type = DMRING_REC_DATA,
		.flags = kind == 3 ? DMRING_REC_IDENT : 0,
		.ident = { .pid = 1, .uid = 2, .gid = 3, .node = 3 },
	};
	struct dmring_mark m = { .node = 4, .stable = 5, .released = 640, .want = 7 };
	struct dmring_beat b = { .chain = 3, .final = true, .log = 65536, .rec = 4096 };
	struct dmring_order_frame runs = {
		.view = 1, .inc = 9, .from = 70, .count = 2, .run = { { 3, 7 }, { 4, 1 } },
	};

	switch (kind) {
	case 0:
		return dmring_wire_put_hello(buf, &h);
	case 1:
		return dmring_wire_put_refuse(buf, -ESTALE, "host 3 was restarted");
	case 2:
	case 3:
		return dmring_wire_put_data(buf, &d);
	case 4:
		dmring_wire_put_marks(buf, 12, 2);
		dmring_wire_put_mark(buf, 0, &m);
		m.node++;
		dmring_wire_put_mark(buf, 1, &m);
		return DMRING_WIRE_MARKS + 2 * DMRING_WIRE_MARK;
	case 6:
		return dmring_wire_put_order(buf, &runs);
	}
	return dmring_wire_put_beat(buf, &b);
}

#define KINDS 7

static void hello_round_trip(void)
{
	u8 buf[DMRING_WIRE_HELLO_MAX];
	struct dmring_hello in, out;
	u16 n, i;

	for (n = 1; n <= DMRING_HOSTS_MAX; n++) {
		in = a_hello(n);
		CHECK(dmring_wire_put_hello(buf, &in) == 96U + 24 * n);
		CHECK(!dmring_wire_get_hello(buf, 96 + 24 * n, &out, why));
		CHECK(!strcmp(in.name, out.name) && in.node == out.node && in.view == out.view);
		CHECK(in.inc == out.inc && in.order == out.order && in.identify == out.identify);
		CHECK(in.dead_ms == out.dead_ms && in.log == out.log && in.rec == out.rec);
		CHECK(in.ordered == out.ordered && in.attempt == out.attempt);
		for (i = 0; i < n; i++)
			CHECK(in.hosts[i].node == out.hosts[i].node &&
			      in.hosts[i].inc == out.hosts[i].inc &&
			      in.hosts[i].have == out.hosts[i].have);
	}
}

static void data_round_trip(void)
{
	u8 buf[DMRING_WIRE_DATA_MAX];
	struct dmring_data out, in = {
		.node = 0xfffffffe, .view = 2, .inc = ~0ULL, .seq = 1ULL << 40,
		.len = DMRING_MSG_MAX, .type = DMRING_REC_DATA, .flags = DMRING_REC_IDENT,
		.ident = { .pid = 1, .uid = 2, .gid = 3, .node = 0xfffffffe },
	};

	CHECK(dmring_wire_put_data(buf, &in) == 56);
	CHECK(!dmring_wire_get_data(buf, 56, &out, why));
	CHECK(out.node == in.node && out.view == in.view && out.inc == in.inc);
	CHECK(out.seq == in.seq && out.len == in.len && out.type == in.type);
	CHECK(out.flags == in.flags && out.ident.pid == 1 && out.ident.uid == 2);
	CHECK(out.ident.gid == 3 && out.ident.node == in.node);
	in.flags = 0;
	in.len = 0;
	CHECK(dmring_wire_put_data(buf, &in) == 40);
	CHECK(!dmring_wire_get_data(buf, 40, &out, why));
	CHECK(!out.len && !out.flags && !out.ident.pid);
}

static void marks_and_beats_round_trip(void)
{
	u8 buf[DMRING_WIRE_MARKS_MAX];
	struct dmring_mark m, in = { .node = 9, .stable = 1ULL << 50, .released = 2, .want = 3 };
	struct dmring_beat b, beat = { .chain = 128, .final = true, .log = 1 << 30, .rec = 64 };
	u64 ordered;
	u16 i, count;

	dmring_wire_put_marks(buf, 1ULL << 40, DMRING_HOSTS_MAX);
	for (i = 0; i < DMRING_HOSTS_MAX; i++, in.node++)
		dmring_wire_put_mark(buf, i, &in);
	CHECK(!dmring_wire_get_marks(buf, sizeof(buf), &ordered, &count, why));
	CHECK(count == 128 && ordered == 1ULL << 40);
	dmring_wire_get_mark(buf, 127, &m);
	CHECK(m.node == 136 && m.stable == in.stable && m.released == 2 && m.want == 3);
	CHECK(dmring_wire_put_beat(buf, &beat) == 24);
	CHECK(!dmring_wire_get_beat(buf, 24, &b, why));
	CHECK(b.chain == 128 && b.final && b.log == beat.log && b.rec == 64);
}

static void refusals_round_trip(void)
{
	u8 buf[DMRING_WIRE_REFUSE_MAX];
	char text[DMRING_WHY_SIZE], long_text[300];
	u32 len;
	int err;

	len = dmring_wire_put_refuse(buf, -ESTALE, "old\nwine");
	CHECK(!dmring_wire_get_refuse(buf, len, &err, text, why));
	CHECK(err == -ESTALE && !strcmp(text, "old?wine"));
	memset(long_text, 'x', sizeof(long_text));
	len = dmring_wire_put_refuse(buf, -EINVAL, long_text);
	CHECK(len == DMRING_WIRE_REFUSE_MAX);
	CHECK(!dmring_wire_get_refuse(buf, len, &err, text, why));
	CHECK(strlen(text) == DMRING_WHY_SIZE - 1);
	len = dmring_wire_put_refuse(buf, -EINVAL, "");
	CHECK(!dmring_wire_get_refuse(buf, len, &err, text, why) && text[0]);
}

/* Every prefix of every frame is refused, and nothing beyond it is read. */
static void truncation(void)
{
	u8 buf[4096];
	u32 kind, len, n;

	for (kind = 0; kind < KINDS; kind++) {
		len = sample(kind, buf);
		CHECK(!take(buf, len));
		for (n = 0; n < len; n++) {
			u8 *cut = malloc(n ? n : 1);

			memcpy(cut, buf, n);
			CHECK(take(cut, n));
			free(cut);
		}
	}
}

/* The header's length, one off and far off */
static void wrong_length(void)
{
	static const u32 lens[] = { 0, 1, 7, 8, 9, 0x7fffffff, 0x80000000, 0xffffffff };
	u8 buf[4096];
	u32 kind, i;

	for (kind = 0; kind < KINDS; kind++) {
		u32 len = sample(kind, buf);
		u32 good = dmring_get32(buf);

		dmring_put32(buf, good - 1);
		CHECK(kind == 1 || take(buf, len));	/* REFUSE: a shorter text */
		dmring_put32(buf, good + 1);
		CHECK(take(buf, len));
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			dmring_put32(buf, lens[i]);
			CHECK(take(buf, len));
		}
	}
}

struct patch {
	u32 kind, at;
	u8 value;
	const char *why;	/* part of the sentence */
};

static const struct patch patches[] = {
	{ 0, 4, 0, "unknown type" }, { 0, 4, 7, "unknown type" }, { 0, 4, 255, "unknown type" },
	{ 0, 5, 1, "unknown flags" }, { 2, 5, 4, "unknown flags" }, { 2, 5, 2, "contradicts itself" }, { 4, 6, 1, "unknown flags" },
	{ 5, 7, 1, "unknown flags" }, { 0, 8, 0, "not a dmring host" },
	{ 0, 12, 1, "speaks version 1 of the protocol, we speak 5" },
	{ 0, 14, 0, "for 0 hosts" }, { 0, 14, 2, "for 2 hosts" }, { 0, 15, 1, "for 259 hosts" },
	{ 0, 16, 0, "names no ring" }, { 0, 17, '/', "names no ring" },
	{ 0, 17, 7, "names no ring" }, { 0, 47, 'x', "names no ring" },
	{ 0, 48, 9, "lacks itself" }, { 0, 56, 1, "lacks itself" },
	{ 0, 65, 2, "unknown flags" }, { 0, 66, 1, "unknown flags" },
	{ 0, 92, 1, "unknown flags" },
	{ 0, 96, 0, "entry 0" }, { 0, 100, 1, "entry 0" }, { 0, 120, 3, "entry 1" },
	{ 0, 144, 3, "entry 2" }, { 1, 8, 0, "no errno" }, { 1, 10, 1, "no errno" },
	{ 2, 24, 0, "lacks incarnation or sequence" },
	{ 2, 16, 0, "lacks incarnation or sequence" },
	{ 2, 32, 101, "contradicts itself" }, { 2, 36, 2, "an event of 100 bytes" }, { 2, 36, 3, "contradicts itself" },
	{ 2, 38, 1, "contradicts itself" }, { 3, 38, 0, "contradicts itself" },
	{ 2, 39, 1, "contradicts itself" }, { 3, 52, 4, "two origins" },
	{ 4, 8, 0, "0 marks" }, { 4, 8, 1, "1 marks" }, { 4, 8, 129, "129 marks" },
	{ 4, 10, 1, "unknown flags" }, { 4, 15, 1, "unknown flags" },
	{ 4, 24, 0, "mark 0" }, { 4, 28, 1, "mark 0" }, { 4, 56, 4, "mark 1" },
	{ 5, 8, 129, "unknown flags" }, { 5, 10, 2, "unknown flags" }, { 5, 20, 1, "unknown flags" },
	{ 6, 8, 0, "0 runs" }, { 6, 8, 1, "1 runs" }, { 6, 9, 1, "258 runs" },
	{ 6, 10, 1, "unknown flags" }, { 6, 16, 0, "no incarnation" },
	{ 6, 32, 0, "run 0" }, { 6, 36, 0, "run 0" }, { 6, 44, 0, "run 1" },
};

static void wrong_words(void)
{
	u8 buf[4096];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(patches); i++) {
		const struct patch *p = &patches[i];
		u32 len = sample(p->kind, buf);

		buf[p->at] = p->value;
		why[0] = 0;
		CHECK(take(buf, len));
		if (!strstr(why, p->why)) {
			printf("# kind %u at %u: %s\n", p->kind, p->at, why);
			test_fail(__FILE__, __LINE__, "another sentence");
		}
	}
}

/* What is accepted encodes to what it came from: nothing illegal gets in. */
static bool same_again(const u8 *buf)
{
	static struct dmring_hello h;
	struct dmring_frame f;
	struct dmring_data d;
	struct dmring_beat b;
	struct dmring_order_frame runs;
	u8 again[DMRING_WIRE_HEAD_MAX];
	u32 n = 0;

	dmring_wire_frame(buf, &f, why);
	if (f.type == DMRING_FRAME_HELLO && !dmring_wire_get_hello(buf, f.head, &h, why))
		n = dmring_wire_put_hello(again, &h);
	if (f.type == DMRING_FRAME_DATA && !dmring_wire_get_data(buf, f.head, &d, why))
		n = dmring_wire_put_data(again, &d);
	if (f.type == DMRING_FRAME_BEAT && !dmring_wire_get_beat(buf, f.head, &b, why))
		n = dmring_wire_put_beat(again, &b);
	if (f.type == DMRING_FRAME_ORDER && !dmring_wire_get_order(buf, f.head, &runs, why))
		n = dmring_wire_put_order(again, &runs);
	return !n || (n == f.head && !memcmp(buf, again, n));
}

static void garbage(void)
{
	u8 buf[4096];
	u64 seed = 1;
	u32 i, k, len, taken = 0;

	for (i = 0; i < 300000; i++) {
		len = sample(i % KINDS, buf);
		if (i % 3 == 0)
			for (k = 8; k < len; k++)
				buf[k] = next_random(&seed);
		for (k = rnd_below(&seed, 4); k; k--)
			buf[rnd_below(&seed, len)] = next_random(&seed);
		if (take(buf, len))
			continue;
		taken++;
		CHECK(same_again(buf));
	}
	CHECK(taken > 1000 && taken < 250000);
}

const struct test wire_tests[] = {
	{ "wire: HELLO goes round", hello_round_trip },
	{ "wire: DATA goes round", data_round_trip },
	{ "wire: MARKS and BEAT go round", marks_and_beats_round_trip },
	{ "wire: REFUSE goes round", refusals_round_trip },
	{ "wire: cut short at every byte", truncation },
	{ "wire: wrong lengths", wrong_length },
	{ "wire: each wrong word has its sentence", wrong_words },
	{ "wire: 300000 damaged frames", garbage },
	{ NULL, NULL },
};
