// SPDX-License-Identifier: GPL-2.0-only
/* One host: set-up, greetings, sessions in time. */
#include <stdio.h>
#include "core-internal.h"
#include "host.h"
#include "test.h"

static int refused_cfg(const struct dmring_core_cfg *cfg, u32 slots, const char *text)
{
	int err = dmring_core_init(&c, cfg, table[1], NULL, slots, why);

	CHECK(err && strstr(why, text));
	return err;
}

static void setup_refusals(void)
{
	struct dmring_core_cfg cfg = config(2);

	cfg.log = 65537;
	CHECK(refused_cfg(&cfg, SLOTS, "power of two") == -EINVAL);
	cfg.log = 32768;
	CHECK(refused_cfg(&cfg, SLOTS, "power of two") == -EINVAL);
	cfg = config(2);
	CHECK(refused_cfg(&cfg, SLOTS / 2, "too small") == -EINVAL);
	cfg.max_msg = DMRING_MSG_MAX + 1;
	CHECK(refused_cfg(&cfg, SLOTS, "at most 1048576") == -EMSGSIZE);
	cfg.max_msg = 65000;
	CHECK(refused_cfg(&cfg, SLOTS, "less than one largest message (65008 bytes)") ==
	      -EMSGSIZE);
	cfg = config(0);
	CHECK(refused_cfg(&cfg, SLOTS, "needs a node id") == -EINVAL);
	cfg = config(2);
	cfg.dead_ms = 9;
	CHECK(refused_cfg(&cfg, SLOTS, "dead has to be") == -ERANGE);
}

static void hosts_refusals(void)
{
	static const u32 nodes[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	u32 i, many[64];
	struct dmring_core_cfg cfg = config(2);

	cfg.max_msg = 9000;
	boot_cfg(&c, &cfg, 3);
	CHECK(dmring_core_set_hosts(&c, nodes, 8, 0, why) == -EMSGSIZE && c.view.count == 3);
	CHECK(strstr(why, "for each of 8 hosts"));
	c.cfg.max_msg = 0;
	for (i = 0; i < 64; i++)
		many[i] = i + 3;
	CHECK(dmring_core_set_hosts(&c, many, 64, 0, why) == -EMSGSIZE && c.view.count == 3);
	CHECK(strstr(why, "a log of 65536 bytes is for 64 hosts at most"));
	CHECK(!dmring_core_set_hosts(&c, many, 63, 0, why) && c.view.count == 64);
	c.gate = true;
	CHECK(!dmring_core_set_hosts(&c, nodes, 2, 0, why) && !c.gate && c.view.count == 2);
	c.gate = true;
	dmring_core_add(&c, 0, 0, 10);
	CHECK(dmring_core_set_hosts(&c, nodes, 3, 0, why) == -EBUSY && c.view.count == 2);
	cfg = config(2);
	cfg.network = false;
	CHECK(!dmring_core_init(&c, &cfg, table[1], NULL, SLOTS, why));
	CHECK(dmring_core_set_hosts(&c, nodes, 2, 0, why) == -EINVAL);
}

/* Peers given one after the other: called once, when they have settled */
static void peers_settle(void)
{
	static const u32 nodes[] = { 1, 2, 3 };
	struct dmring_core_cfg cfg = config(1);
	struct dmring_act act;

	CHECK(!dmring_core_init(&c, &cfg, table[1], NULL, SLOTS, why));
	CHECK(!dmring_core_set_hosts(&c, nodes, 2, 1000, why));
	CHECK(dmring_core_deadline(&c) == 1000 + DMRING_SETTLE);
	CHECK(!dmring_core_set_hosts(&c, nodes, 3, 3000, why));
	dmring_core_tick(&c, DMRING_OUT, 2999 + DMRING_SETTLE, 0, &act);
	CHECK(!act.what);
	dmring_core_tick(&c, DMRING_OUT, 3000 + DMRING_SETTLE, 0, &act);
	CHECK(act.what == DMRING_ACT_CONNECT && act.node == 2);
}

static void machine_scope(void)
{
	struct dmring_core_cfg cfg = config(0);
	bool kick;
	u32 n = 0;

	cfg.network = false;
	CHECK(!dmring_core_init(&c, &cfg, table[1], NULL, SLOTS, why));
	CHECK(dmring_core_max_msg(&c) > 30000 && dmring_core_deadline(&c) == ~0ULL);
	while (!dmring_core_room(&c, 1000, &kick) && ++n)
		dmring_core_add(&c, 1, 0, 1000);
	index_all();
	CHECK(n == (65536 - 2048) / 1024 && !kick && dmring_core_slow(&c));
	CHECK(dmring_core_room(&c, 65000, &kick) == -EMSGSIZE);
	dmring_core_read(&c, 1);
	CHECK(dmring_core_advance(&c, 9) == 1024 && !dmring_core_slow(&c));
	CHECK(!dmring_core_room(&c, 1000, &kick));
	for (n = 0; !dmring_core_event_room(&c, 24); n++)
		dmring_core_add_event(&c, 24);
	CHECK(n == 32 && c.retain.used <= 65536);
	cfg.max_msg = 60000;
	CHECK(!dmring_core_init(&c, &cfg, table[1], NULL, SLOTS, why));
}

static void s_name(struct dmring_hello *h) { strcpy(h->name, "other"); }
static void s_view(struct dmring_hello *h) { h->view = 2; }
static void s_order(struct dmring_hello *h) { h->order = 2; }
static void s_identify(struct dmring_hello *h) { h->identify = true; }
static void s_dead(struct dmring_hello *h) { h->dead_ms = 1; }
static void s_log(struct dmring_hello *h) { h->log = 65537; }
static void s_rec(struct dmring_hello *h) { h->rec = 65536; }
static void s_odd(struct dmring_hello *h) { h->rec = 65; }
static void s_mine(struct dmring_hello *h) { h->hosts[1].inc = 7; }

static void s_fewer(struct dmring_hello *h)
{
	h->count = 2;
	h->node = 1;
	h->inc = 9;
	h->hosts[0].inc = 9;
}

static void s_more(struct dmring_hello *h)
{
	h->hosts[h->count++] = (struct dmring_hello_host){ .node = 8 };
}

static void s_self(struct dmring_hello *h)
{
	h->node = 2;
	h->inc = 9;
	h->hosts[1].inc = 9;
}

/* The other neighbour */
static void s_wrong(struct dmring_hello *h)
{
	u16 i = h->node == 1 ? 2 : 0;

	h->node = h->hosts[i].node;
	h->inc = 9;
	h->hosts[i].inc = 9;
}

static void s_ahead(struct dmring_hello *h) { h->hosts[1].have = 1; }

static const struct {
	void (*spoil)(struct dmring_hello *h);
	int err;
	const char *why;
} spoils[] = {
	{ s_name, -ENOENT, "on ring other" },
	{ s_self, -ELOOP, "host 2 meets itself" },
	{ s_more, -ENXIO, "host 8 is in the list of host" },
	{ s_fewer, -ENXIO, "host 3 is in the list of host 2, not in that of host 1" },
	{ s_wrong, -EHOSTUNREACH, "is not the one" },
	{ s_view, -ESTALE, "in view 2, host 2 in view 1" },
	{ s_order, -EINVAL, "differ in the order" },
	{ s_identify, -EINVAL, "differ in identify" },
	{ s_dead, -ERANGE, "takes 1 ms of silence" },
	{ s_log, -EINVAL, "has a log of 65537 bytes" },
	{ s_odd, -EINVAL, "for messages of 65" },
	{ s_rec, -EMSGSIZE, "(65536 bytes) leaves less than one largest message" },
	{ s_mine, -ESTALE, "host 2 was restarted" },
	{ s_ahead, -EPROTO, "never sent" },
};

static void refusals(u32 node)
{
	struct dmring_session *s = node == 1 ? &c.in : &c.out;
	u32 i, want = DMRING_ACT_REFUSE | DMRING_ACT_CLOSE;

	for (i = 0; i < ARRAY_SIZE(spoils); i++) {
		boot(&c, 2);
		CHECK(greet(node, spoils[i].spoil) == spoils[i].err && act.err == spoils[i].err);
		if (!strstr(act.why, spoils[i].why)) {
			printf("# %u: %s\n", i, act.why);
			test_fail(__FILE__, __LINE__, "another sentence");
		}
		CHECK((act.what & ~DMRING_ACT_REFUSED) == want);
		CHECK(s->state < DMRING_SESSION_GREETING);
		CHECK(!c.view.inc[node == 1 ? 0 : 2] && !c.chain.chain);
	}
}

static void refuse_pred(void)
{
	refusals(1);
}

static void refuse_succ(void)
{
	refusals(3);
}

static void s_restart(struct dmring_hello *h)
{
	h->inc = 77;
	h->hosts[h->node - 1].inc = 77;
}

/* Refused for ever, slowly, and told once. */
static void anew(void)
{
	u32 n;

	join();
	CHECK(greet(1, s_restart) == -ESTALE && c.in.state == DMRING_SESSION_STREAM);
	dmring_core_down(&c, DMRING_IN, 9 * MS, 0, -ECONNRESET, &act);
	CHECK(act.what == (DMRING_ACT_CLOSE | DMRING_ACT_DOWN | DMRING_ACT_BROKEN));
	CHECK(act.reason == DMRING_AWAY_BROKEN && act.node == 1);
	for (n = 0; n < 3; n++) {
		CHECK(greet(1, s_restart) == -ESTALE);
		CHECK(!!(act.what & DMRING_ACT_REFUSED) == !n && act.node == 1);
	}
	CHECK(strstr(c.in.why, "host 1 was restarted") && c.in.err == -ESTALE);
	dmring_core_down(&c, DMRING_OUT, 0, 0, -ECONNRESET, &act);
	c.out.retry_at = 0;
	CHECK(greet(3, s_restart) == -ESTALE && act.what & DMRING_ACT_REFUSED);
	CHECK(c.out.retry_at == DMRING_BACKOFF_MAX / 2 && c.out.backoff == DMRING_BACKOFF_MAX);
}

/* It comes back with the same incarnation, but without what it once sent. */
static void forgetful(void)
{
	struct dmring_data d = {
		.node = 1, .view = 1, .inc = 101, .seq = 1, .len = 10, .type = DMRING_REC_DATA,
	};

	join();
	dmring_wire_put_data(buf, &d);
	CHECK(!dmring_core_frame(&c, DMRING_IN, 0, 0, buf, &f, &act));
	CHECK(!dmring_core_head(&c, DMRING_IN, 0, 0, &f, buf, &rx, &act));
	dmring_core_deliver(&c, &rx);
	CHECK(greet(1, NULL) == -EPROTO && c.in.state == DMRING_SESSION_STREAM);
	CHECK(strstr(act.why, "host 1 lacks message 1 of host 1, which it once had"));
}

static void told_refused(void)
{
	u32 len;

	boot(&c, 2);
	dmring_core_tick(&c, DMRING_OUT, 0, 0, &act);
	dmring_core_connected(&c, 0, &act);
	len = dmring_wire_put_refuse(buf, -ENXIO, "host 9 is in the list");
	CHECK(!dmring_core_frame(&c, DMRING_OUT, 0, 0, buf, &f, &act) && f.head == len);
	CHECK(dmring_core_head(&c, DMRING_OUT, 0, 0, &f, buf, &rx, &act) == -ENXIO);
	CHECK(act.what == (DMRING_ACT_CLOSE | DMRING_ACT_REFUSED));
	CHECK(!strcmp(c.out.why, "host 9 is in the list") && c.out.err == -ENXIO);
	CHECK(c.out.state == DMRING_SESSION_WAIT && c.out.retry_at == DMRING_BACKOFF_MIN / 2);
}

/* A newer connection of the predecessor takes the place of the older. */
static void replaced(void)
{
	join();
	CHECK(!greet(1, NULL) && act.what == (DMRING_ACT_REPLACE | DMRING_ACT_HELLO |
					      DMRING_ACT_DOWN | DMRING_ACT_BROKEN));
	CHECK(c.in.state == DMRING_SESSION_GREETING && !c.chain.chain && c.gate);
	CHECK(strstr(act.why, "newer connection of host 1"));
	beat_in(3, true);
	CHECK(act.what == (DMRING_ACT_UP | DMRING_ACT_CLOSED));
}

/* Beats every third of "dead", silence after the whole of it */
static void silence(void)
{
	u64 beat = 150 * (MS / 3);

	join();
	CHECK(dmring_core_deadline(&c) == 0 && dmring_core_beat_due(&c, DMRING_OUT, 0));
	dmring_core_put_beat(&c, DMRING_OUT, buf);
	dmring_core_said(&c, DMRING_OUT, 100 * MS);
	dmring_core_heard(&c, DMRING_OUT, 100 * MS);
	dmring_core_said(&c, DMRING_IN, 100 * MS);
	dmring_core_heard(&c, DMRING_IN, 100 * MS);
	CHECK(dmring_core_deadline(&c) == 100 * MS + beat);
	CHECK(dmring_core_deadline_full(&c, true, false) == 100 * MS + beat);
	CHECK(dmring_core_deadline_full(&c, true, true) == 250 * MS);
	CHECK(!dmring_core_beat_due(&c, DMRING_OUT, 100 * MS + beat - 1));
	CHECK(dmring_core_beat_due(&c, DMRING_OUT, 100 * MS + beat));
	CHECK(dmring_core_beat_due(&c, DMRING_IN, 100 * MS + beat));
	dmring_core_tick(&c, DMRING_IN, 250 * MS - 1, 0, &act);
	CHECK(!act.what);
	dmring_core_tick(&c, DMRING_IN, 250 * MS, 0, &act);
	CHECK(act.what == (DMRING_ACT_CLOSE | DMRING_ACT_DOWN | DMRING_ACT_BROKEN));
	CHECK(act.reason == DMRING_AWAY_SILENT);
	CHECK(strstr(act.why, "heard nothing of host 1 for 150 ms"));
	dmring_core_tick(&c, DMRING_OUT, 250 * MS, 0, &act);
	CHECK(act.what == (DMRING_ACT_CLOSE | DMRING_ACT_DOWN) && act.node == 3);
	CHECK(c.out.retry_at == 260 * MS);
}

/* 20 ms, 40, ... 1 s; the jitter takes at most half away. */
static void backoff(void)
{
	u64 now = 0, wait = 20 * MS, t;
	u32 n;

	boot(&c, 2);
	for (n = 0; n < 10; n++, wait = min_t(u64, 2 * wait, 1000 * MS)) {
		dmring_core_tick(&c, DMRING_OUT, now, 0, &act);
		CHECK(act.what == DMRING_ACT_CONNECT);
		dmring_core_down(&c, DMRING_OUT, now, n % 2 ? 0 : ~0U, -ECONNREFUSED, &act);
		CHECK(act.what == DMRING_ACT_CLOSE && act.err == -ECONNREFUSED);
		t = c.out.retry_at - now;
		CHECK(n % 2 ? t == wait / 2 : t < wait && t > wait * 99 / 100);
		dmring_core_tick(&c, DMRING_OUT, c.out.retry_at - 1, 0, &act);
		CHECK(!act.what);
		now = c.out.retry_at;
	}
}

/* An end that never finishes its greeting, or never answers */
static void loris(void)
{
	boot(&c, 2);
	CHECK(dmring_core_greeting_time(&c) == 1000 * MS);
	dmring_core_tick(&c, DMRING_OUT, 0, 0, &act);
	dmring_core_tick(&c, DMRING_OUT, 1000 * MS - 1, 0, &act);
	CHECK(!act.what);
	dmring_core_tick(&c, DMRING_OUT, 1000 * MS, 0, &act);
	CHECK(act.what == DMRING_ACT_CLOSE && strstr(act.why, "host 3 does not answer"));
	CHECK(!greet(1, NULL));
	dmring_core_tick(&c, DMRING_IN, 1005 * MS, 0, &act);
	CHECK(act.what == DMRING_ACT_CLOSE && c.in.state == DMRING_SESSION_IDLE);
}

/* Chain and sizes travel; the gate stays open once it was. */
static void chain(void)
{
	struct dmring_core_cfg cfg = config(2);
	bool kick;

	cfg.max_msg = 1000;
	boot_cfg(&c, &cfg, 3);
	CHECK(dmring_core_room(&c, 10, &kick) == -EAGAIN && !kick);
	CHECK(!greet(1, NULL) && !greet(3, NULL));
	beat_in(0, false);
	CHECK(act.what == DMRING_ACT_UP && c.chain.chain == 1 && !c.chain.final);
	beat_in(1, false);
	CHECK(!act.what && c.chain.chain == 2 && c.beat_now);
	beat_in(2, false);
	CHECK(act.what == (DMRING_ACT_SIZES | DMRING_ACT_GATE | DMRING_ACT_CLOSED));
	CHECK(c.chain.chain == 3 && c.chain.final && c.sizes.rec == dmring_cost(1000, 0));
	CHECK(!dmring_core_room(&c, 1000, &kick) && dmring_core_max_msg(&c) == 1008);
	beat_in(0, false);
	CHECK(act.what == DMRING_ACT_BROKEN && c.chain.chain == 1 && c.chain.final);
	CHECK(!dmring_core_room(&c, 10, &kick));
	boot(&c, 2);
	CHECK(!greet(1, NULL));
	beat_in(0, true);
	CHECK(act.what == (DMRING_ACT_UP | DMRING_ACT_SIZES) && !c.gate);
}

const struct test core_tests[] = {
	{ "core: bad configuration", setup_refusals },
	{ "core: bad hosts", hosts_refusals },
	{ "core: peers settle before they are called", peers_settle },
	{ "core: machine scope", machine_scope },
	{ "core: refusals of a predecessor", refuse_pred },
	{ "core: refusals of a successor", refuse_succ },
	{ "core: a restarted neighbour", anew },
	{ "core: a neighbour that forgot", forgetful },
	{ "core: told that we are refused", told_refused },
	{ "core: a newer connection", replaced },
	{ "core: heartbeats and silence", silence },
	{ "core: backoff", backoff },
	{ "core: no answer", loris },
	{ "core: chain, sizes and gate", chain },
	{ NULL, NULL },
};
