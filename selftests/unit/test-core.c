// SPDX-License-Identifier: GPL-2.0-only
/* One host: set-up, greetings, sessions in time, frames in and out of place. */
#include <stdio.h>
#include "core-internal.h"
#include "test.h"

#define MS DMRING_NS_PER_MS
#define SLOTS 1024

static struct dmring_entry table[4][SLOTS];
static struct dmring_core c, other;	/* host 2, and a neighbour of it */
static struct dmring_act act;
static struct dmring_frame f;
static struct dmring_rx rx;
static char why[DMRING_WHY_SIZE];
static u8 buf[DMRING_WIRE_HEAD_MAX];

static struct dmring_core_cfg config(u32 node)
{
	return (struct dmring_core_cfg){
		.name = "fleet", .node = node, .inc = 100 + node, .log = 65536, .dead_ms = 150,
		.network = true,
	};
}

static void boot_cfg(struct dmring_core *core, const struct dmring_core_cfg *cfg, u16 hosts)
{
	static const u32 nodes[] = { 1, 2, 3, 4, 5, 6 };

	CHECK(!dmring_core_init(core, cfg, table[core == &c], SLOTS, why));
	/* so that the first call is due at 0 */
	CHECK(!dmring_core_set_hosts(core, nodes, hosts, 0 - DMRING_SETTLE, why));
}

static void boot(struct dmring_core *core, u32 node)
{
	struct dmring_core_cfg cfg = config(node);

	boot_cfg(core, &cfg, 3);
}

static int refused_cfg(const struct dmring_core_cfg *cfg, u32 slots, const char *text)
{
	int err = dmring_core_init(&c, cfg, table[1], slots, why);

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
	struct dmring_core_cfg cfg = config(2);

	cfg.max_msg = 9000;
	boot_cfg(&c, &cfg, 3);
	CHECK(dmring_core_set_hosts(&c, nodes, 8, 0, why) == -EMSGSIZE && c.view.count == 3);
	CHECK(strstr(why, "for each of 8 hosts"));
	c.gate = true;
	CHECK(!dmring_core_set_hosts(&c, nodes, 2, 0, why) && !c.gate && c.view.count == 2);
	c.gate = true;
	dmring_core_add(&c, 0, 10);
	CHECK(dmring_core_set_hosts(&c, nodes, 3, 0, why) == -EBUSY && c.view.count == 2);
	cfg = config(2);
	cfg.network = false;
	CHECK(!dmring_core_init(&c, &cfg, table[1], SLOTS, why));
	CHECK(dmring_core_set_hosts(&c, nodes, 2, 0, why) == -EINVAL);
}

/* Peers given one after the other: called once, when they have settled */
static void peers_settle(void)
{
	static const u32 nodes[] = { 1, 2, 3 };
	struct dmring_core_cfg cfg = config(1);
	struct dmring_act act;

	CHECK(!dmring_core_init(&c, &cfg, table[1], SLOTS, why));
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
	CHECK(!dmring_core_init(&c, &cfg, table[1], SLOTS, why));
	CHECK(dmring_core_max_msg(&c) > 30000 && dmring_core_deadline(&c) == ~0ULL);
	while (!dmring_core_room(&c, 1000, &kick) && ++n)
		dmring_core_add(&c, 1, 1000);
	CHECK(n == (65536 - 2048) / 1024 && !kick && dmring_core_slow(&c));
	CHECK(dmring_core_room(&c, 65000, &kick) == -EMSGSIZE);
	dmring_core_read(&c, 1);
	CHECK(dmring_core_advance(&c, 9) == 1024 && !dmring_core_slow(&c));
	CHECK(!dmring_core_room(&c, 1000, &kick));
	for (n = 0; !dmring_core_event_room(&c, 24); n++)
		dmring_core_add_event(&c, 24);
	CHECK(n == 32 && c.retain.used <= 65536);
	cfg.max_msg = 60000;
	CHECK(!dmring_core_init(&c, &cfg, table[1], SLOTS, why));
}

/* Let host @node greet us as the predecessor (1) or the successor (3). */
static int greet(u32 node, void (*spoil)(struct dmring_hello *h))
{
	struct dmring_hello h;
	u32 len;

	boot(&other, node);
	len = dmring_core_put_hello(&other, buf);
	CHECK(!dmring_wire_get_hello(buf, len, &h, why));
	if (spoil)
		spoil(&h);
	len = dmring_wire_put_hello(buf, &h);
	if (node < 2) {
		CHECK(!dmring_core_greeting(&c, buf, &f, &act) && f.head == len);
		return dmring_core_hello(&c, 5 * MS, buf, len, &act);
	}
	dmring_core_tick(&c, DMRING_OUT, 0, 0, &act);
	CHECK(act.what == DMRING_ACT_CONNECT);
	dmring_core_connected(&c, 0, &act);
	CHECK(act.what == DMRING_ACT_HELLO && act.node == 3);
	CHECK(!dmring_core_frame(&c, DMRING_OUT, 0, 0, buf, &f, &act) && f.head == len);
	return dmring_core_head(&c, DMRING_OUT, 0, 0, &f, buf, &rx, &act);
}

static void beat_in(u16 chain, bool final)
{
	struct dmring_beat b = {
		.chain = chain, .final = final, .log = 65536, .rec = c.rec,
	};

	dmring_wire_put_beat(buf, &b);
	CHECK(!dmring_core_frame(&c, DMRING_IN, 6 * MS, 0, buf, &f, &act));
	dmring_core_head(&c, DMRING_IN, 6 * MS, 0, &f, buf, &rx, &act);
}

/* Both links up, the ring closed */
static void join(void)
{
	boot(&c, 2);
	CHECK(!greet(1, NULL) && act.what == (DMRING_ACT_REPLACE | DMRING_ACT_HELLO));
	CHECK(!greet(3, NULL) && act.what == (DMRING_ACT_UP | DMRING_ACT_PUMP));
	beat_in(3, false);
	CHECK(act.what == (DMRING_ACT_UP | DMRING_ACT_SIZES | DMRING_ACT_GATE | DMRING_ACT_CLOSED));
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

/* Each type of frame, in each state and direction */
static void out_of_place(void)
{
	static const u8 legal[2][5] = {
		[DMRING_OUT] = { 0, 0, 0, 0x06, 0x20 },
		[DMRING_IN] = { 0, 0, 0, 0x24, 0x38 },
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
	CHECK(dmring_core_add(&c, 5, 10) == 1);
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
	dmring_wire_put_marks(buf, 1);
	dmring_wire_put_mark(buf, 0, &m);
	frame_in(DMRING_IN, "ahead of its messages");
	join();
	m = (struct dmring_mark){ .node = 9 };
	dmring_wire_put_marks(buf, 1);
	dmring_wire_put_mark(buf, 0, &m);
	frame_in(DMRING_IN, "host 9, which is not on the ring");
}

/* A bad mark behind a good one: nothing of the frame is taken over. */
static void marks_whole(void)
{
	struct dmring_mark m = { .node = 1, .want = 5 };

	join();
	dmring_wire_put_marks(buf, 2);
	dmring_wire_put_mark(buf, 0, &m);
	m = (struct dmring_mark){ .node = 3, .stable = 5 };
	dmring_wire_put_mark(buf, 1, &m);
	frame_in(DMRING_IN, "ahead");
	CHECK(!c.ack.up[0].want);
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

/* The window closes on us, and what we want goes round. */
static void own_window(void)
{
	struct dmring_mark m = { .node = 2 };
	bool kick;
	u64 no;
	u32 n = 0;

	join();
	while (!dmring_core_room(&c, 1000, &kick) && ++n)
		dmring_core_add(&c, 1, 1000);
	CHECK(n == c.sizes.window / 1024 && kick && c.window.want);
	CHECK(dmring_core_room(&c, 1000, &kick) == -EAGAIN && !kick);
	while (dmring_core_next(&c, &no))
		dmring_core_sent(&c, no);
	CHECK(dmring_core_marks_due(&c) && dmring_core_marks(&c, buf));
	m.stable = n;
	dmring_wire_put_marks(buf, 1);
	dmring_wire_put_mark(buf, 0, &m);
	CHECK(!frame_in(DMRING_IN, NULL) && act.what == DMRING_ACT_PUMP);
	CHECK(dmring_core_own_stable(&c) == n && dmring_core_slow(&c));
	dmring_core_read(&c, 2);
	CHECK(dmring_core_advance(&c, 99) == 2048 && !dmring_core_slow(&c));
	m.released = 2048;
	dmring_wire_put_marks(buf, 1);
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
			dmring_wire_put_marks(buf, 1);
			dmring_wire_put_mark(buf, 0, &m);
			len = DMRING_WIRE_MARKS + DMRING_WIRE_MARK;
		}
		if (i % 3 == 2)
			len = dmring_wire_put_beat(buf, &c.heard);
		for (k = rnd_below(&seed, 4); k; k--)
			buf[rnd_below(&seed, len)] = rnd64(&seed);
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
	{ "core: frames out of place", out_of_place },
	{ "core: bad messages", bad_messages },
	{ "core: events of other hosts", news },
	{ "core: own events for all hosts", own_news },
	{ "core: good messages", good_messages },
	{ "core: bad heartbeats and marks", bad_beats_and_marks },
	{ "core: marks are taken whole", marks_whole },
	{ "core: a newer connection", replaced },
	{ "core: heartbeats and silence", silence },
	{ "core: backoff", backoff },
	{ "core: no answer", loris },
	{ "core: chain, sizes and gate", chain },
	{ "core: own window", own_window },
	{ "core: 100000 damaged frames", garbage },
	{ NULL, NULL },
};
