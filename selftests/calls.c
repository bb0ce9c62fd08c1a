// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on one machine, through the library: who gets them, what comes back, and how
 * each ends, exactly once, whatever becomes of who serves it.
 *
 *	c, d --- request ---> ring "calls" ---> s, t (serve "work")
 *	     <---- reply ----             <----
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "calls.h"
#include "calls-begin.h"

FIXTURE(calls) {
	const char *name;
	struct dmring *c;
	struct dmring *d;
	struct dmring *s;
	struct dmring *t;
};

/* @slow_ms: how long who is slow is waited for, 0: as usual */
static void set_up(struct __test_metadata *_metadata, FIXTURE_DATA(calls) *self, uint32_t slow_ms)
{
	const struct rig_conf conf = { .mode = 0666, .slow_ms = slow_ms };

	self->name = rig_name("calls");
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	self->c = join(self->name, 0);
	self->d = join(self->name, 0);
	self->s = join(self->name, 8192);
	self->t = join(self->name, 8192);
	ASSERT_TRUE(self->c && self->d && self->s && self->t) TH_LOG("%s", dmring_why());
	ASSERT_EQ(0, dmring_offer(self->s, "work", NULL)) TH_LOG("%s", dmring_why());
}

static void take_down(struct __test_metadata *_metadata, FIXTURE_DATA(calls) *self)
{
	leave(&self->c);
	leave(&self->d);
	leave(&self->s);
	leave(&self->t);
	EXPECT_EQ(0, rig_ring_del(self->name));
}

FIXTURE_SETUP(calls)
{
	set_up(_metadata, self, 0);
}

FIXTURE_TEARDOWN(calls)
{
	take_down(_metadata, self);
}

static void set_up_anew(struct __test_metadata *_metadata, FIXTURE_DATA(calls) *self,
			uint32_t slow_ms)
{
	take_down(_metadata, self);
	set_up(_metadata, self, slow_ms);
}

/* What came back of a message that was refused */
static void rejected(struct __test_metadata *_metadata, struct dmring *r, int error)
{
	struct dmring_ev ev = {};

	ASSERT_TRUE(rig_within(WAIT_MS, !dmring_event(r, &ev)));
	EXPECT_EQ(DMRING_EV_REJECTED, ev.what);
	EXPECT_EQ(error, ev.reason);
}

TEST_F(calls, a_request_and_its_reply)
{
	uint64_t cap;

	ASSERT_EQ(0, ask(self->c, "hello", 7, 0, WAIT_MS));
	cap = request(_metadata, self->s, "hello");
	EXPECT_NE(0, cap);
	ASSERT_EQ(0, dmring_reply(self->s, cap, "world", 5));
	ends(_metadata, self->c, 7, 0, "world");
	nothing(_metadata, self->c);
	nothing(_metadata, self->d);
	EXPECT_EQ(1, rig_ring_stat(self->name, DMRING_A_STAT_CALLS_REPLIED));
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_CALLS_OPEN));
}

TEST_F(calls, in_turn_local_members)
{
	uint64_t i;

	ASSERT_EQ(0, dmring_offer(self->t, "work", NULL));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, ask(self->c, "x", i, 0, WAIT_MS));
	for (i = 0; i < 10; i++) {
		struct dmring *r = i % 2 ? self->t : self->s;
		const char *text = i % 2 ? "t" : "s";

		ASSERT_EQ(0, dmring_reply(r, request(_metadata, r, "x"), text, 1));
		/* two servers have no order among them until one has been heard */
		ends(_metadata, self->c, i, 0, text);
	}
}

TEST_F(calls, in_parts)
{
	struct dmring_msg m;
	uint64_t cap;

	ASSERT_EQ(0, ask(self->c, "q", 1, 0, -1));
	cap = request(_metadata, self->s, "q");
	ASSERT_EQ(0, dmring_reply_part(self->s, cap, "ab", 2));
	ASSERT_EQ(0, dmring_reply(self->s, cap, "cd", 2));
	ASSERT_EQ(0, next(self->c, &m, WAIT_MS));
	EXPECT_EQ(DMRING_REPLY_MORE, m.flags);
	ASSERT_EQ(0, dmring_release(self->c));
	ends(_metadata, self->c, 1, 0, "cd");
	ASSERT_EQ(0, dmring_reply(self->s, cap, "ef", 2));
	rejected(_metadata, self->s, ESTALE);
	nothing(_metadata, self->c);
}

TEST_F(calls, refused_by_the_server)
{
	ASSERT_EQ(0, ask(self->c, "q", 1, 0, -1));
	ASSERT_EQ(0, dmring_refuse(self->s, request(_metadata, self->s, "q"), EPERM));
	ends(_metadata, self->c, 1, -EPERM, "");
}

TEST_F(calls, nobody_serves)
{
	ASSERT_EQ(0, dmring_call_start(self->c, "nothing", "q", 1, 3, 0, -1));
	ends(_metadata, self->c, 3, -ESRCH, "");
	ASSERT_EQ(0, dmring_withdraw(self->s, "work"));
	ASSERT_EQ(0, ask(self->c, "q", 4, 0, -1));
	ends(_metadata, self->c, 4, -ESRCH, "");
	/* nor does one ask oneself */
	ASSERT_EQ(0, dmring_offer(self->c, "mine", NULL));
	ASSERT_EQ(0, dmring_call_start(self->c, "mine", "q", 1, 5, 0, -1));
	ends(_metadata, self->c, 5, -ESRCH, "");
}

TEST_F(calls, deadline_passes)
{
	uint64_t cap;

	ASSERT_EQ(0, ask(self->c, "q", 1, 0, 1000));
	cap = request(_metadata, self->s, "q");
	ends(_metadata, self->c, 1, -ETIMEDOUT, "");
	ASSERT_EQ(0, dmring_reply(self->s, cap, "late", 4));
	rejected(_metadata, self->s, ESTALE);
	nothing(_metadata, self->c);
	/* one that is over before it begins */
	ASSERT_EQ(0, ask(self->c, "q", 2, 0, 0));
	ends(_metadata, self->c, 2, -ETIMEDOUT, "");
	nothing(_metadata, self->s);
}

TEST_F(calls, a_capability_is_its_holders)
{
	uint64_t cap, i;

	ASSERT_EQ(0, dmring_offer(self->t, "other", NULL));
	ASSERT_EQ(0, ask(self->c, "q", 1, 0, -1));
	cap = request(_metadata, self->s, "q");
	/* foreign, forged, the requester's own guess */
	ASSERT_EQ(0, dmring_reply(self->t, cap, "evil", 4));
	rejected(_metadata, self->t, ESTALE);
	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, dmring_reply(self->s, cap ^ (1ULL << i), "evil", 4));
		rejected(_metadata, self->s, ESTALE);
	}
	ASSERT_EQ(0, dmring_reply(self->c, cap, "evil", 4));
	rejected(_metadata, self->c, ESTALE);
	ASSERT_EQ(0, dmring_reply(self->s, cap, "good", 4));
	ends(_metadata, self->c, 1, 0, "good");
	EXPECT_EQ(66, rig_ring_stat(self->name, DMRING_A_STAT_STALE));
}

TEST_F(calls, the_server_leaves)
{
	ASSERT_EQ(0, ask(self->c, "read", 1, 0, -1));
	ASSERT_EQ(0, ask(self->c, "unread", 2, 0, -1));
	request(_metadata, self->s, "read");
	ASSERT_TRUE(are_open(self->name, 2));
	leave(&self->s);
	ends(_metadata, self->c, 1, -EOWNERDEAD, "");
	ends(_metadata, self->c, 2, -EOWNERDEAD, "");
	ASSERT_EQ(0, ask(self->c, "q", 3, 0, -1));
	ends(_metadata, self->c, 3, -ESRCH, "");
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_CALLS_OPEN));
}

TEST_F(calls, its_last_reply_counts)
{
	ASSERT_EQ(0, ask(self->c, "q", 1, 0, -1));
	ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, "q"), "last", 4));
	leave(&self->s);
	ends(_metadata, self->c, 1, 0, "last");
	nothing(_metadata, self->c);
}

TEST_F(calls, idempotent_ones_move_on)
{
	const unsigned int again = DMRING_REQUEST_IDEMPOTENT;

	ASSERT_EQ(0, ask(self->c, "read", 1, again, -1));
	ASSERT_EQ(0, ask(self->c, "moves", 2, again, -1));
	ASSERT_EQ(0, ask(self->c, "stays", 3, 0, -1));
	request(_metadata, self->s, "read");
	ASSERT_TRUE(are_open(self->name, 3));
	ASSERT_EQ(0, dmring_offer(self->t, "work", NULL));
	leave(&self->s);
	ends(_metadata, self->c, 3, -EOWNERDEAD, "");
	/* what it had read it may have done */
	ends(_metadata, self->c, 1, -EOWNERDEAD, "");
	ASSERT_EQ(0, dmring_reply(self->t, request(_metadata, self->t, "moves"), "ok", 2));
	ends(_metadata, self->c, 2, 0, "ok");
}

TEST_F(calls, the_client_leaves)
{
	uint64_t cap;

	ASSERT_EQ(0, ask(self->c, "q", 1, 0, -1));
	cap = request(_metadata, self->s, "q");
	leave(&self->c);
	EXPECT_EQ(1, rig_ring_stat(self->name, DMRING_A_STAT_CALLS_OPEN));
	ASSERT_EQ(0, dmring_reply(self->s, cap, "for nobody", 10));
	EXPECT_TRUE(are_open(self->name, 0));
}

/* What fits s's output space, and what waits, and goes on as s reads */
TEST_F(calls, a_full_server_is_waited_for)
{
	char text[512] = "";
	struct dmring_msg m;
	uint64_t n = 40, i;

	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, ask(self->c, text, i, 0, WAIT_MS));
	/* the broadcast behind them is not to overtake */
	ASSERT_EQ(0, dmring_send(self->c, "end", 3));
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, text), "", 0));
	ASSERT_EQ(0, next(self->s, &m, WAIT_MS));
	EXPECT_EQ(DMRING_REC_DATA, m.type);
	ASSERT_EQ(0, dmring_release(self->s));
	for (i = 0; i < n; i++)
		ends(_metadata, self->c, i, 0, "");
}

TEST_F(calls, a_full_server_and_a_deadline)
{
	uint64_t n = 40, i, ended = 0;
	char text[512] = "";
	struct dmring_msg m;

	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, ask(self->c, text, i, 0, 100));
	/* those that were delivered and those that were not end side by side */
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, next(self->c, &m, WAIT_MS));
		ASSERT_EQ(DMRING_REC_REPLY, m.type);
		ASSERT_EQ(-ETIMEDOUT, m.error);
		ASSERT_LT(m.ref, n);
		ASSERT_EQ(0, ended & 1ULL << m.ref) TH_LOG("twice");
		ended |= 1ULL << m.ref;
		ASSERT_EQ(0, dmring_release(self->c));
	}
	nothing(_metadata, self->c);
	EXPECT_EQ(n, rig_ring_stat(self->name, DMRING_A_STAT_CALLS_FAILED));
}

TEST_F(calls, full_ones_are_passed_over)
{
	char text[512] = "";
	uint64_t i;

	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < 14; i++)
		ASSERT_EQ(0, ask(self->c, text, i, 0, WAIT_MS));
	ASSERT_EQ(0, dmring_offer(self->t, "work", NULL));
	/* s has room for one or none: from then on all go to t */
	for (; i < 24; i++)
		ASSERT_EQ(0, ask(self->c, text, i, 0, WAIT_MS));
	for (i = 0; i < 9; i++)
		request(_metadata, self->t, text);
}

/* Answers all that is there; an answer may come too late */
static void answer_all(struct __test_metadata *_metadata, struct dmring *s)
{
	struct dmring_msg m;

	while (!dmring_peek(s, &m)) {
		uint64_t cap = m.type == DMRING_REC_REQUEST ? m.ref : 0;

		ASSERT_EQ(0, dmring_release(s));
		if (cap)
			dmring_reply(s, cap, "done", 4);
	}
}

static bool have_ended(const char *name, uint64_t n)
{
	return rig_ring_stat(name, DMRING_A_STAT_CALLS) == n &&
	       !rig_ring_stat(name, DMRING_A_STAT_CALLS_OPEN);
}

/*
 * Many wait for one server, which has room for a few: some until their time is over, some until
 * they go, and the others are not forgotten for that.
 */
TEST_F(calls, many_wait_for_one)
{
	struct dmring *many[60] = {};
	char text[512] = "";
	int i, n = 60;

	memset(text, 'x', sizeof(text));
	for (i = 0; i < n; i++) {
		many[i] = join(self->name, 4096);
		ASSERT_NE(NULL, many[i]) TH_LOG("%s", dmring_why());
		/* a third has little time; all fill the server up first */
		ASSERT_EQ(0, dmring_call_start(many[i], "work", text, sizeof(text), i, 0,
					       i % 3 == 1 ? 1000 : -1));
	}
	for (i = 0; i < n; i += 3)
		leave(&many[i]);
	for (i = 1; i < n; i += 3)
		ends(_metadata, many[i], i, -ETIMEDOUT, "");
	/* what it has in front is of those that have gone, or whose time is over, too */
	ASSERT_TRUE(rig_await(6 * WAIT_MS, have_ended(self->name, n), ({
		dmring_wait(self->s, DMRING_WAIT_READ, 1, 20);
		answer_all(_metadata, self->s);
	})));
	for (i = 2; i < n; i += 3) {
		ends(_metadata, many[i], i, 0, "done");
		nothing(_metadata, many[i]);
	}
	for (i = 0; i < n; i++)
		leave(&many[i]);
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_CALLS_OPEN));
}

/* Of what ends with its arrival nothing is heard but that there is room again */
TEST_F(calls, many_wait_one_way)
{
	struct dmring *many[60] = {};
	char text[512] = "";
	int i, n = 60;

	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < n; i++) {
		many[i] = join(self->name, 4096);
		ASSERT_NE(NULL, many[i]) TH_LOG("%s", dmring_why());
		ASSERT_EQ(0, dmring_call_start(many[i], "work", text, strlen(text), i,
					       DMRING_REQUEST_ONE_WAY, -1));
	}
	for (i = 0; i < n; i++)
		request(_metadata, self->s, text);
	nothing(_metadata, self->s);
	for (i = 0; i < n; i++)
		leave(&many[i]);
}

TEST_F(calls, one_way)
{
	struct dmring_ev ev = {};

	ASSERT_EQ(0, ask(self->c, "job", 1, DMRING_REQUEST_ONE_WAY, -1));
	EXPECT_EQ(0, request(_metadata, self->s, "job"));
	ASSERT_EQ(0, dmring_call_start(self->c, "nothing", "job", 3, 9, DMRING_REQUEST_ONE_WAY,
				       -1));
	ASSERT_TRUE(rig_within(WAIT_MS, !dmring_event(self->c, &ev)));
	EXPECT_EQ(DMRING_EV_UNDELIVERED, ev.what);
	EXPECT_EQ(ESRCH, ev.reason);
	EXPECT_EQ(9, ev.arg);
	EXPECT_EQ(0, ev.arg2);
}

/* What requests of one that has left are waited for, however slow the machine is */
#define PATIENT_MS	60000U

/* A deleted ring takes all of it along, whatever state it is in */
TEST_F(calls, ring_del)
{
	const struct rig_conf conf = { .slow_ms = PATIENT_MS };
	const char *name = "deleted";
	struct dmring *c, *s, *w;
	char text[3000] = "";
	uint64_t i;

	ASSERT_EQ(0, rig_ring_add(name, &conf));
	c = join(name, 0);
	s = join(name, 4096);
	w = join(name, 0);
	ASSERT_TRUE(c && s && w);
	ASSERT_EQ(0, dmring_offer(s, "work", NULL));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, dmring_call_start(c, "work", text, sizeof(text), i, 0, -1));
	/* one that has left with a request that waits */
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, dmring_call_start(w, "work", text, sizeof(text), i,
					       DMRING_REQUEST_ONE_WAY, -1));
	leave(&w);
	EXPECT_EQ(0, rig_ring_del(name));
	leave(&c);
	leave(&s);
}

/* What it had accepted when it died still goes, as soon as there is room */
TEST_F(calls, a_dead_senders_jobs)
{
	char text[3000] = "";
	uint64_t i;

	set_up_anew(_metadata, self, PATIENT_MS);
	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, ask(self->c, text, i, DMRING_REQUEST_ONE_WAY, -1));
	leave(&self->c);
	for (i = 0; i < 6; i++)
		request(_metadata, self->s, text);
	nothing(_metadata, self->s);
}

/* A client that does not read holds up nobody for long */
TEST_F(calls, a_client_that_does_not_read)
{
	/* once, and not once for each reply: that can be told even on a slow machine */
	const uint32_t slow_ms = 4000;
	struct dmring *lazy;
	char text[1500] = "";
	struct dmring_msg m;
	uint64_t i, n = 8, begin;
	int failed = 0;

	set_up_anew(_metadata, self, slow_ms);
	lazy = join(self->name, 4096);
	ASSERT_NE(NULL, lazy);
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, ask(lazy, "q", i, 0, -1));
	ASSERT_EQ(0, ask(self->d, "q", 99, 0, -1));
	begin = rig_ms();
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, "q"), text,
					  sizeof(text)));
	ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, "q"), "", 0));
	ends(_metadata, self->d, 99, 0, "");
	EXPECT_GE(rig_ms() - begin, slow_ms);
	EXPECT_LT(rig_ms() - begin, 3 * slow_ms);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, next(lazy, &m, WAIT_MS));
		ASSERT_EQ(DMRING_REC_REPLY, m.type);
		failed += m.error == -ENOBUFS;
		EXPECT_TRUE(m.error || m.len == sizeof(text));
		ASSERT_EQ(0, dmring_release(lazy));
	}
	EXPECT_EQ(n - 2, failed);
	nothing(_metadata, lazy);
	leave(&lazy);
}

TEST_F(calls, to_each)
{
	const unsigned int each = DMRING_REQUEST_ONE_WAY | DMRING_REQUEST_EACH;

	ASSERT_EQ(0, dmring_offer(self->t, "work", NULL));
	ASSERT_EQ(0, dmring_offer(self->c, "work", NULL));
	ASSERT_EQ(0, ask(self->c, "all", 1, each, -1));
	request(_metadata, self->s, "all");
	request(_metadata, self->t, "all");
	/* but not to oneself */
	nothing(_metadata, self->c);
	EXPECT_EQ(-EINVAL, ask(self->c, "all", 1, DMRING_REQUEST_EACH, -1));
}

TEST_F(calls, too_long)
{
	static char data[DMRING_DIRECT_MAX + 1];
	uint64_t cap;

	EXPECT_EQ(-EMSGSIZE, dmring_call_start(self->c, "work", data, sizeof(data), 1, 0, -1));
	/* it never fits s */
	ASSERT_EQ(0, dmring_call_start(self->c, "work", data, 20000, 2, 0, -1));
	ends(_metadata, self->c, 2, -EMSGSIZE, "");
	/* a reply that the client has no space for can be made shorter */
	ASSERT_EQ(0, dmring_offer(self->c, "big", NULL));
	ASSERT_EQ(0, dmring_call_start(self->s, "big", "q", 1, 3, 0, -1));
	cap = request(_metadata, self->c, "q");
	ASSERT_EQ(0, dmring_reply(self->c, cap, data, 20000));
	rejected(_metadata, self->c, EMSGSIZE);
	ASSERT_EQ(0, dmring_reply(self->c, cap, "short", 5));
	ends(_metadata, self->s, 3, 0, "short");
}

/* So many are under way of one member; others are not concerned */
TEST_F(calls, a_flood_of_requests)
{
	struct dmring *big = join(self->name, 1 << 20);
	uint64_t i, n = DMRING_CALLS_MAX + 10;
	uint64_t *cap = calloc(n, sizeof(*cap));

	ASSERT_NE(NULL, big);
	ASSERT_EQ(0, dmring_withdraw(self->s, "work"));
	ASSERT_EQ(0, dmring_offer(big, "work", NULL));
	ASSERT_EQ(0, dmring_offer(self->t, "else", NULL));
	for (i = 0; i < n; i++)
		if (dmring_call_start(self->c, "work", "f", 1, i, 0, -1) == -EAGAIN)
			break;
	EXPECT_TRUE(are_open(self->name, DMRING_CALLS_MAX));
	ASSERT_EQ(0, dmring_call_start(self->d, "else", "q", 1, 1, 0, WAIT_MS));
	ASSERT_EQ(0, dmring_reply(self->t, request(_metadata, self->t, "q"), "r", 1));
	ends(_metadata, self->d, 1, 0, "r");
	EXPECT_EQ(DMRING_CALLS_MAX, rig_ring_stat(self->name, DMRING_A_STAT_CALLS_OPEN));
	for (n = i, i = 0; i < n; i++) {
		cap[i] = request(_metadata, big, "f");
		ASSERT_EQ(0, dmring_reply(big, cap[i], "", 0));
		ends(_metadata, self->c, i, 0, "");
	}
	dmring_detach(big);
	free(cap);
}

TEST_F(calls, names)
{
	char longest[DMRING_NAME_SIZE + 1] = "";
	unsigned int i;
	char name[8];

	memset(longest, 'n', DMRING_NAME_SIZE - 1);
	EXPECT_EQ(0, dmring_offer(self->t, longest, NULL));
	memset(longest, 'n', DMRING_NAME_SIZE);
	EXPECT_EQ(-ENAMETOOLONG, dmring_offer(self->t, longest, NULL));
	EXPECT_EQ(-EINVAL, dmring_offer(self->t, "", NULL));
	EXPECT_EQ(-EINVAL, dmring_offer(self->t, "tab\there", NULL));
	EXPECT_EQ(-EEXIST, dmring_offer(self->s, "work", NULL));
	EXPECT_EQ(-ENOENT, dmring_withdraw(self->t, "work"));
	EXPECT_EQ(-EINVAL, dmring_call_start(self->c, "a\nb", "", 0, 1, 0, -1));
	for (i = 2; i < DMRING_OFFERS_MAX; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		ASSERT_EQ(0, dmring_offer(self->t, name, NULL)) TH_LOG("%s", dmring_why());
	}
	EXPECT_EQ(-ENOSPC, dmring_offer(self->t, "more", NULL));
}

TEST_F(calls, from_the_beginning)
{
	from_the_beginning(_metadata, self->name, DMRING_KERNEL, self->c);
}

static void *serve(void *arg)
{
	struct dmring *s = arg;
	struct dmring_msg m;

	while (!next(s, &m, WAIT_MS)) {
		bool stop = m.len == 4 && !memcmp(m.data, "stop", 4);

		dmring_reply(s, m.ref, m.data, m.len);
		dmring_release(s);
		if (stop)
			break;
	}
	return NULL;
}

TEST_F(calls, ask_and_wait)
{
	pthread_t thread;
	char buf[16];
	int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, serve, self->s));
	for (i = 0; i < 1000; i++) {
		memset(buf, 0, sizeof(buf));
		ASSERT_EQ(5, dmring_call(self->c, "work", "hello", 5, buf, sizeof(buf), WAIT_MS))
			TH_LOG("%s", dmring_why());
		ASSERT_EQ(0, memcmp(buf, "hello", 5));
	}
	EXPECT_EQ(-ESRCH, dmring_call(self->c, "nothing", "", 0, buf, sizeof(buf), WAIT_MS));
	EXPECT_EQ(4, dmring_call(self->c, "work", "stop", 4, buf, 2, WAIT_MS));
	pthread_join(thread, NULL);
}

TEST_F(calls, without_the_flag)
{
	struct dmring *r = NULL;

	ASSERT_EQ(0, dmring_attach(&r, self->name, NULL));
	EXPECT_EQ(-EOPNOTSUPP, dmring_offer(r, "work", NULL));
	EXPECT_EQ(-EOPNOTSUPP, dmring_call_start(r, "work", "", 0, 1, 0, -1));
	EXPECT_EQ(0, dmring_status_set(r, 1, 50, "half"));
	dmring_detach(r);
}

/* In the order in which they were sent, whichever way they went */
TEST_F(calls, fifo_with_broadcasts)
{
	const int n = 60;
	struct dmring_msg m;
	int i, value;

	for (i = 0; i < n; i++) {
		int ret = i % 3 ? dmring_send(self->c, &i, sizeof(i)) :
				  dmring_call_start(self->c, "work", &i, sizeof(i), i,
						    DMRING_REQUEST_ONE_WAY, -1);

		ASSERT_EQ(0, ret);
	}
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, next(self->s, &m, WAIT_MS));
		ASSERT_EQ(i % 3 ? DMRING_REC_DATA : DMRING_REC_REQUEST, m.type);
		memcpy(&value, m.data, sizeof(value));
		ASSERT_EQ(i, value);
		ASSERT_EQ(0, dmring_release(self->s));
	}
}

TEST_HARNESS_MAIN
