// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that wait for different things: nobody waits for what somebody else wants, nor is
 * kept from what is there for him, nor do waiters keep each other awake.
 *
 *	c, d --- requests ---> s, and in some tests t
 */
#include <pthread.h>

#include "calls.h"

#define CROWD	2	/* clients whose calls fill half of the table of a ring */
#define HALF	(CROWD * DMRING_CALLS_MAX)
#define TABLE	(2 * HALF)
#define SERVERS	(CROWD + 2)	/* theirs, and those of two who have no more than their share */
#define MEMBERS	(4 + CROWD + SERVERS)
#define SHARE	(HALF / 2 / MEMBERS)	/* of the next quarter */

FIXTURE(waiting) {
	const char *name;
	struct dmring *c;
	struct dmring *d;
	struct dmring *s;
	struct dmring *t;
	struct dmring *client[CROWD];
	struct dmring *server[SERVERS];
};

FIXTURE_SETUP(waiting)
{
	const struct rig_conf conf = { .mode = 0666 };

	self->name = rig_name("wait");
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	self->c = join(self->name, 0);
	self->d = join(self->name, 0);
	self->s = join(self->name, 8192);
	self->t = join(self->name, 8192);
	ASSERT_TRUE(self->c && self->d && self->s && self->t) TH_LOG("%s", dmring_why());
	ASSERT_EQ(0, dmring_offer(self->s, "work", NULL)) TH_LOG("%s", dmring_why());
}

FIXTURE_TEARDOWN(waiting)
{
	int i;

	for (i = 0; i < CROWD; i++)
		leave(&self->client[i]);
	for (i = 0; i < SERVERS; i++)
		leave(&self->server[i]);
	leave(&self->c);
	leave(&self->d);
	leave(&self->s);
	leave(&self->t);
	EXPECT_EQ(0, rig_ring_del(self->name));
}

/* How many are there to be read; they are read all at once */
static int take_all(struct dmring *r)
{
	struct dmring_msg m;
	int n = 0;

	while (!dmring_peek(r, &m))
		n++;
	dmring_release(r);
	return n;
}

/* Who wants an answer waits for free hands, and not in the way of those who want none */
TEST_F(waiting, no_hands_but_room)
{
	uint64_t caps[DMRING_CALLS_MAX], i, n = 40, seen = 0;
	char text[512] = "";
	struct dmring_msg m;

	for (i = 0; i < DMRING_CALLS_MAX; i++) {
		ASSERT_EQ(0, ask(self->c, "held", i, 0, -1));
		caps[i] = request(_metadata, self->s, "held");
	}
	ASSERT_EQ(0, ask(self->t, "waits", 1, 0, -1));
	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, ask(self->d, text, i, DMRING_REQUEST_ONE_WAY, -1));
	nothing(_metadata, self->t);
	while (seen < n) {
		ASSERT_EQ(0, next(self->s, &m, WAIT_MS)) TH_LOG("%llu", (unsigned long long)seen);
		/* all that is there, so that it tells once that there is room */
		do {
			EXPECT_EQ(sizeof(text) - 1, m.len);
			seen++;
		} while (!dmring_peek(self->s, &m));
		ASSERT_EQ(0, dmring_release(self->s));
	}
	nothing(_metadata, self->s);
	ASSERT_EQ(0, dmring_reply(self->s, caps[0], "", 0));
	ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, "waits"), "done", 4));
	ends(_metadata, self->t, 1, 0, "done");
}

/* Does one of those who serve take what c asks, or does its time pass? */
static bool is_taken(struct __test_metadata *_metadata, FIXTURE_DATA(waiting) *self,
		     const char *text)
{
	uint64_t served = rig_ring_stat(self->name, DMRING_A_STAT_SERVED);
	struct dmring_ev ev = {};

	ASSERT_EQ(0, ask(self->c, text, 0, DMRING_REQUEST_ONE_WAY, 100));
	ASSERT_TRUE(rig_within(WAIT_MS, !dmring_event(self->c, &ev) ||
			       rig_ring_stat(self->name, DMRING_A_STAT_SERVED) > served));
	if (!ev.what)
		return true;
	ASSERT_EQ(DMRING_EV_UNDELIVERED, ev.what);
	ASSERT_EQ(ETIMEDOUT, ev.reason);
	return false;
}

/*
 * The first of those who wait wants what only t has, for it serves itself; that s has read is for
 * the second, and s reads once.
 */
TEST_F(waiting, each_may_want_another)
{
	char text[512] = "";
	int n, late = 0;

	memset(text, 'x', sizeof(text) - 1);
	ASSERT_EQ(0, dmring_offer(self->t, "work", NULL));
	/* until three in a row are not: the time of one may have passed on its way to the ring */
	for (n = 0; n < 200 && late < 3; n++)
		late = is_taken(_metadata, self, text) ? 0 : late + 1;
	ASSERT_EQ(3, late);
	ASSERT_EQ(0, ask(self->s, text, 1000, DMRING_REQUEST_ONE_WAY, -1));
	ASSERT_EQ(0, ask(self->d, text, 1001, DMRING_REQUEST_ONE_WAY, -1));
	rig_sleep(100);
	ASSERT_LT(5, take_all(self->s));
	request(_metadata, self->s, text);
	nothing(_metadata, self->s);
}

/* CPU time of all (jiffies) */
static unsigned long long busy(void)
{
	unsigned long long user, nice, sys, idle, io, irq, soft;
	FILE *f = fopen("/proc/stat", "r");
	int n = f ? fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &sys, &idle,
			   &io, &irq, &soft) : 0;

	if (f)
		fclose(f);
	return n == 7 ? user + nice + sys + irq + soft : 0;
}

static void hold(struct __test_metadata *_metadata, struct dmring *client, struct dmring *server,
		 int n)
{
	struct dmring_msg m;
	char name[16];
	int i;

	snprintf(name, sizeof(name), "held%u", dmring_id(server));
	ASSERT_EQ(0, dmring_offer(server, name, NULL));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, dmring_call_start(client, name, "h", 1, i, 0, -1));
		ASSERT_EQ(0, next(server, &m, WAIT_MS)) TH_LOG("%s %d", name, i);
		ASSERT_EQ(0, dmring_release(server));
	}
}

/* Half of the table is taken, and of the other half @d has its share: it gets no more of it. */
static void fill_table(struct __test_metadata *_metadata, FIXTURE_DATA(waiting) *self)
{
	int i;

	for (i = 0; i < SERVERS; i++) {
		self->server[i] = join(self->name, 0);
		ASSERT_NE(NULL, self->server[i]) TH_LOG("%s", dmring_why());
	}
	for (i = 0; i < CROWD; i++) {
		self->client[i] = join(self->name, 0);
		ASSERT_NE(NULL, self->client[i]) TH_LOG("%s", dmring_why());
	}
	for (i = 0; i < CROWD; i++)
		hold(_metadata, self->client[i], self->server[i], DMRING_CALLS_MAX);
	hold(_metadata, self->d, self->server[CROWD], SHARE);
	ASSERT_EQ(HALF + SHARE, rig_ring_stat(self->name, DMRING_A_STAT_CALLS_OPEN));
}

/* Whoever asks for much: the others have their share, and it is not too much for those who left. */
TEST_F(waiting, each_has_a_share)
{
	uint64_t i;

	fill_table(_metadata, self);
	ASSERT_EQ(0, dmring_call_start(self->d, "work", "d", 1, 5000, 0, -1));
	nothing(_metadata, self->s);
	ASSERT_EQ(0, dmring_offer(self->t, "else", NULL));
	for (i = 0; i < SHARE; i++)
		ASSERT_EQ(0, dmring_call_start(self->c, "else", "c", 1, i, 0, WAIT_MS));
	for (i = 0; i < SHARE; i++) {
		ASSERT_EQ(0, dmring_reply(self->t, request(_metadata, self->t, "c"), "r", 1));
		ends(_metadata, self->c, i, 0, "r");
	}
	nothing(_metadata, self->s);
	/* what lies in their servers' hands is not for anybody any more */
	for (i = 0; i < CROWD; i++)
		leave(&self->client[i]);
	request(_metadata, self->s, "d");
}

/* Who leaves with many requests that are still to go takes no more than half of the table. */
TEST_F(waiting, who_has_left_has_no_share)
{
	struct dmring_opts o = { .size = sizeof(o), .flags = DMRING_CALLS, .in_size = 1 << 20 };
	struct dmring *many;
	int i;

	ASSERT_EQ(0, dmring_attach(&many, self->name, &o));
	for (i = 0; i < SERVERS; i++) {
		self->server[i] = join(self->name, 1 << 18);
		ASSERT_NE(NULL, self->server[i]) TH_LOG("%s", dmring_why());
		ASSERT_EQ(0, dmring_offer(self->server[i], "never", NULL));
	}
	for (i = 0; i < TABLE; i++)
		ASSERT_EQ(0, dmring_call_start(many, "never", "n", 1, i, 0, -1)) TH_LOG("%d", i);
	leave(&many);
	rig_sleep(200);
	EXPECT_LE(rig_ring_stat(self->name, DMRING_A_STAT_CALLS_OPEN), HALF);
	ASSERT_EQ(0, dmring_call_start(self->c, "work", "c", 1, 1, 0, WAIT_MS));
	ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, "c"), "r", 1));
	ends(_metadata, self->c, 1, 0, "r");
}

/* A client that says again and again that it has read: and has not, or fills the room at once */
struct pretender {
	struct rig_member m;
	bool stop;
};

static void *pretend(void *arg)
{
	struct pretender *p = arg;

	while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&p->m.user->out_head, DMRING_ALIGN, __ATOMIC_SEQ_CST);
		rig_submit(&p->m);
		rig_sleep(20);
		__atomic_store_n(&p->m.user->out_head, 0, __ATOMIC_SEQ_CST);
		rig_submit(&p->m);
		rig_sleep(20);
	}
	return NULL;
}

static void write_raw(struct rig_member *m, const char *service, uint64_t cookie)
{
	struct dmring_in_request req = { .cookie = cookie };
	const struct dmring_in_rec rec = { .len = sizeof(req), .type = DMRING_REC_REQUEST };

	strcpy(req.service, service);
	memcpy(m->in + m->in_tail, &rec, sizeof(rec));
	memcpy(m->in + m->in_tail + sizeof(rec), &req, sizeof(req));
	m->in_tail += sizeof(rec) + sizeof(req);
}

static void ask_raw(struct __test_metadata *_metadata, struct rig_member *m, uint64_t cookie)
{
	write_raw(m, "work", cookie);
	__atomic_store_n(&m->user->in_tail, m->in_tail, __ATOMIC_RELEASE);
	ASSERT_EQ(0, rig_submit(m));
}

TEST_F(waiting, for_one_that_pretends_to_read)
{
	static const char text[3000];
	struct pretender p = { .m.at.out_size = 4096 };
	pthread_t thread;
	uint64_t i;

	ASSERT_EQ(0, rig_attach(&p.m, self->name, DMRING_ATTACH_CALLS));
	ASSERT_EQ(0, rig_map(&p.m));
	for (i = 0; i < 2; i++)
		ask_raw(_metadata, &p.m, i);
	ASSERT_EQ(0, dmring_call_start(self->d, "work", "d", 1, 2, 0, -1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, pretend, &p));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, ""), text,
					  sizeof(text)));
	ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, "d"), "r", 1));
	ends(_metadata, self->d, 2, 0, "r");
	__atomic_store_n(&p.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	rig_leave(&p.m);
}

#define FILLS	8000	/* requests that come back at once */

/* Half of its output space holds the answers to 64 of them, which it has one turn for. */
static void *read_and_fill(void *arg)
{
	struct pretender *p = arg;
	uint64_t head = 0;

	while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
		head += p->m.at.out_size / 2;
		__atomic_store_n(&p->m.user->out_head, head, __ATOMIC_SEQ_CST);
		rig_submit(&p->m);
		rig_sleep(100);
	}
	return NULL;
}

TEST_F(waiting, for_one_that_reads_and_fills)
{
	static const char text[1000];
	struct pretender p = { .m.at.out_size = 4096, .m.at.in_size = 1 << 20 };
	pthread_t thread;
	int i;

	ASSERT_EQ(0, rig_attach(&p.m, self->name, DMRING_ATTACH_CALLS));
	ASSERT_EQ(0, rig_map(&p.m));
	for (i = 0; i < FILLS; i++)
		write_raw(&p.m, i ? "nobody" : "work", i);
	ASSERT_LE(p.m.in_tail, p.m.at.in_size);
	__atomic_store_n(&p.m.user->in_tail, p.m.in_tail, __ATOMIC_RELEASE);
	ASSERT_EQ(0, rig_submit(&p.m));
	ASSERT_EQ(0, dmring_call_start(self->d, "work", "d", 1, 1, 0, -1));
	rig_sleep(100);
	ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, ""), text, sizeof(text)));
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_and_fill, &p));
	ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, "d"), "r", 1));
	ends(_metadata, self->d, 1, 0, "r");
	/* it has not come to the end of what it has to ask */
	EXPECT_LT(rig_ring_stat(self->name, DMRING_A_STAT_CALLS), FILLS);
	__atomic_store_n(&p.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	rig_leave(&p.m);
}

/* One waits for room, another for its share of the table: in the meantime nothing goes on. */
TEST_F(waiting, for_room_and_for_a_place)
{
	unsigned long long before, alone;
	char text[512], big[3000];
	struct dmring_msg m;
	int i;

	fill_table(_metadata, self);
	hold(_metadata, self->c, self->server[CROWD + 1], SHARE);
	memset(text, 'x', sizeof(text));
	memset(big, 'y', sizeof(big));
	/* less room than the large one takes */
	for (i = 0; i < 12; i++)
		ASSERT_EQ(0, dmring_call_start(self->t, "work", text, sizeof(text), i,
					       DMRING_REQUEST_ONE_WAY, -1));
	before = busy();
	rig_sleep(2000);
	alone = busy() - before;
	ASSERT_EQ(0, dmring_call_start(self->c, "work", big, sizeof(big), 1, 0, -1));
	rig_sleep(100);
	ASSERT_EQ(0, dmring_call_start(self->d, "work", "s", 1, 2, 0, -1));
	rig_sleep(100);
	before = busy();
	rig_sleep(2000);
	/* one CPU does some 200 */
	EXPECT_GT(alone + 100, busy() - before);
	EXPECT_EQ(12, take_all(self->s));
	/* there is room, and no place */
	nothing(_metadata, self->s);
	leave(&self->server[0]);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, next(self->s, &m, WAIT_MS));
		ASSERT_EQ(DMRING_REC_REQUEST, m.type);
		ASSERT_EQ(0, dmring_reply(self->s, m.ref, m.data, m.len));
		ASSERT_EQ(0, dmring_release(self->s));
	}
	ends(_metadata, self->d, 2, 0, "s");
	ASSERT_EQ(0, next(self->c, &m, WAIT_MS));
	EXPECT_EQ(sizeof(big), m.len);
	EXPECT_EQ(0, memcmp(m.data, big, sizeof(big)));
	ASSERT_EQ(0, dmring_release(self->c));
}

TEST_HARNESS_MAIN
