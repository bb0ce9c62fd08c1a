// SPDX-License-Identifier: GPL-2.0-only
/* Whole rings: every stream everywhere once and in order, through cuts and stalls. */
#include <stdio.h>
#include "ring.h"

/* Rounds of each random test */
static u32 rounds(u32 n)
{
	const char *percent = getenv("DMRING_ROUNDS");

	return percent ? n * atoi(percent) / 100 + 1 : n;
}

static u64 total_sent(const struct ring *r)
{
	u64 n = 0;
	u16 i;

	for (i = 0; i < r->o.hosts; i++)
		n += r->host[i].sent;
	return n;
}

static void check_fine(const char *wrong)
{
	if (!wrong)
		return;
	printf("# %s\n", wrong);
	test_fail(__FILE__, __LINE__, "a ring went wrong");
}

/* What the random tests did, so that it can be seen that they did something */
static u64 messages, cuts, full;

/* Run for @steps, then let it settle. Something must have been sent. */
static void run(const struct ring_opts *o, u64 steps)
{
	struct ring *r = ring_new(o);
	const char *wrong = ring_steps(r, steps);

	check_fine(wrong ? wrong : ring_settle(r));
	CHECK(wrong || total_sent(r) >= o->hosts);
	messages += total_sent(r);
	cuts += r->cut_count;
	full += r->full;
	ring_free(r);
}

static void tell(void)
{
	printf("# %llu messages, %llu cuts, %llu times no room\n", messages, cuts, full);
	CHECK(messages && full);
	messages = 0;
	cuts = 0;
	full = 0;
}

static struct ring_opts options(u64 seed, u16 hosts)
{
	struct ring_opts o = { .seed = seed, .hosts = hosts, .max_msg = 2000, .pipe = 8192 };
	u16 i;

	for (i = 0; i < hosts; i++)
		o.log[i] = 65536;
	return o;
}

static void calm_ring(void)
{
	u16 n;

	for (n = 2; n <= 8 && !test_failed; n++) {
		struct ring_opts o = options(n, n);

		run(&o, 20000);
	}
	tell();
}

static void cut_ring(void)
{
	u32 i;

	for (i = 0; i < rounds(30) && !test_failed; i++) {
		struct ring_opts o = options(1000 + i, 2 + i % 7);

		o.cuts = i % 2 ? 500 : 3000;
		run(&o, 30000);
	}
	tell();
}

static void slow_ring(void)
{
	u32 i;

	for (i = 0; i < rounds(20) && !test_failed; i++) {
		struct ring_opts o = options(2000 + i, 2 + i % 7);

		o.stalls = 200 + i * 50;
		run(&o, 30000);
	}
	tell();
}

/* Everything at once: sizes, logs, identity, narrow pipes. */
static void wild_ring(void)
{
	u32 i;
	u16 k;

	for (i = 0; i < rounds(30) && !test_failed; i++) {
		struct ring_opts o = options(3000 + i, 2 + i % 7);
		u64 s = i;

		o.identify = i % 2;
		o.max_msg = i % 3 ? i % 5 * 100 : 0;
		o.cfg_max = i % 4 ? 0 : 1500;
		o.pipe = 2200 + rnd_below(&s, 20000);
		o.cuts = 300 + rnd_below(&s, 5000);
		o.stalls = 300 + rnd_below(&s, 5000);
		for (k = 0; k < o.hosts; k++)
			o.log[k] = 65536 << rnd_below(&s, 3);
		run(&o, 30000);
	}
	tell();
}

/* One sequence for all hosts, whatever happens to the links; and nothing that is not safe */
static void ordered_ring(u8 order)
{
	u32 i;

	for (i = 0; i < rounds(40) && !test_failed; i++) {
		struct ring_opts o = options(3500 + i, 1 + i % 8);
		u64 s = i;

		o.order = order;
		o.identify = i % 2;
		o.max_msg = i % 3 ? i % 5 * 100 : 0;
		o.pipe = 2200 + rnd_below(&s, 20000);
		o.cuts = i % 4 ? 300 + rnd_below(&s, 5000) : 0;
		o.stalls = i % 3 ? 300 + rnd_below(&s, 5000) : 0;
		if (o.hosts > 1)
			run(&o, 30000);
	}
	tell();
}

static void total_ring(void)
{
	ordered_ring(DMRING_ORDER_TOTAL);
}

static void safe_ring(void)
{
	ordered_ring(DMRING_ORDER_SAFE);
}

static void large_ring(void)
{
	struct ring_opts o = options(4000, DMRING_HOSTS_MAX);
	u16 i;

	for (i = 0; i < o.hosts; i++)
		o.log[i] = DMRING_HOSTS_MAX * DMRING_LOG_HOST;
	o.max_msg = 200;
	run(&o, 200000);
	o.cuts = 2000;
	if (!test_failed)
		run(&o, 200000);
	tell();
}

static u32 blamed(const struct ring *r)
{
	u32 mask = 0;
	u16 i;

	for (i = 0; i < r->o.hosts; i++)
		mask |= (u32)r->host[i].slow << i;
	return mask;
}

/* A reader that never reads stops the ring, is blamed, and nobody else is. */
static void stuck_reader(void)
{
	u16 n;

	for (n = 2; n <= 8 && !test_failed; n++) {
		struct ring_opts o = options(5000 + n, n);
		struct ring *r = ring_new(&o);
		u64 sent;

		r->host[n - 1].reader_stalled = ~0ULL;
		CHECK(!ring_steps(r, 60000));
		CHECK(blamed(r) == 1U << (n - 1));
		sent = total_sent(r);
		CHECK(!ring_steps(r, 20000));
		CHECK(total_sent(r) == sent);
		CHECK(!ring_settle(r));
		ring_free(r);
	}
}

/* While a link is down readers are not blamed, and the ring goes on afterwards. */
static void stuck_link(void)
{
	struct ring_opts o = options(6000, 4);
	struct ring *r = ring_new(&o);

	CHECK(!ring_steps(r, 20000));
	r->host[2].stalled = r->now + 1000000000000ULL;
	CHECK(!ring_steps(r, 60000));
	CHECK(!r->host[0].core.closed && !r->host[1].core.closed);
	CHECK(!(blamed(r) & 7));
	CHECK(!ring_settle(r));
	ring_free(r);
}

/* No host has sequenced anything before every host was there. */
static void gate(void)
{
	struct ring_opts o = options(7000, 4);
	struct ring *r = ring_new(&o);
	u16 i;

	r->host[2].stalled = r->now + 1000000000000ULL;
	CHECK(!ring_steps(r, 40000));
	CHECK(!total_sent(r));
	r->host[2].stalled = 0;
	CHECK(!ring_steps(r, 40000));
	for (i = 0; i < 4; i++)
		CHECK(r->host[i].sent);
	CHECK(!ring_settle(r));
	ring_free(r);
}

/* A restarted host is refused on both sides, for good, with the sentence. */
static void restart(void)
{
	struct ring_opts o = options(8000, 3);
	struct ring *r = ring_new(&o);
	u16 i;

	CHECK(!ring_steps(r, 20000));
	ring_restart(r, 1);
	check_fine(ring_steps(r, 60000));
	for (i = 0; i < 3; i++)
		CHECK(!r->host[i].core.closed);
	CHECK(r->host[0].core.out.err == -ESTALE && r->host[1].core.in.err == -ESTALE);
	CHECK(r->host[1].core.out.err == -ESTALE && r->host[2].core.in.err == -ESTALE);
	CHECK(strstr(r->host[0].core.out.why, "host 2 was restarted"));
	CHECK(strstr(r->host[1].core.in.why, "host 2 was restarted"));
	CHECK(strstr(r->host[1].core.out.why, "host 2 was restarted"));
	CHECK(strstr(r->host[2].core.in.why, "host 2 was restarted"));
	CHECK(!r->host[1].sent);
	ring_free(r);
}

const struct test ring_tests[] = {
	{ "ring: 2 to 8 hosts, undisturbed", calm_ring },
	{ "ring: links cut at any byte", cut_ring },
	{ "ring: hosts and readers that stand still", slow_ring },
	{ "ring: all kinds of trouble and of sizes", wild_ring },
	{ "ring: order total: one sequence on all hosts", total_ring },
	{ "ring: order safe: what one host delivers, all hold", safe_ring },
	{ "ring: 128 hosts", large_ring },
	{ "ring: a reader that never reads", stuck_reader },
	{ "ring: a host that stands still", stuck_link },
	{ "ring: nothing goes before the ring was closed", gate },
	{ "ring: a restarted host is refused", restart },
	{ NULL, NULL },
};
