// SPDX-License-Identifier: GPL-2.0-only
/*
 * Departures by the hundred, while others talk: of many at once, at any moment of what they do,
 * and with much left behind.
 */
#include <pthread.h>
#include <signal.h>

#include "life-rig.h"

#define CROWD	200	/* more than wait to be told of */

static int crowd_until_killed(void *arg)
{
	static struct rig_member m[CROWD];
	FIXTURE_DATA(life) *self = arg;
	int i;

	for (i = 0; i < CROWD; i++)
		if (rig_attach(&m[i], self->name, DMRING_ATTACH_SEND_ONLY))
			return 1;
	__atomic_store_n(&self->sh->ready, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

/* Nobody's departure is lost while there is room in the log */
TEST_F(life, many_at_once)
{
	pid_t pid = rig_child(crowd_until_killed, self);

	EXPECT_TRUE(read_until(20000, __atomic_load_n(&self->sh->ready, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	/* it dies slowly, and news need room in the log until then */
	EXPECT_TRUE(read_until(20000, !lives(pid)));
	EXPECT_EQ(128 + SIGKILL, rig_wait(pid));
	EXPECT_TRUE(read_until(20000, self->w.lefts >= CROWD));
	EXPECT_EQ(CROWD, self->w.lefts);
	EXPECT_EQ(DMRING_REASON_KILLED, self->w.left.reason);
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_EVENTS_LOST));
	EXPECT_EQ(CROWD, rig_ring_stat(self->name, DMRING_A_STAT_KILLED));
	EXPECT_TRUE(rig_within(10000, members(self) == 2));
}

/* In the middle of a message of many pieces: it comes whole or not at all */
static int send_big_until_killed(void *arg)
{
	FIXTURE_DATA(life) *self = arg;
	struct rig_member m = {};
	size_t len = 100 << 10;
	char *buf = malloc(len);
	uint64_t n;

	if (rig_attach(&m, self->name, DMRING_ATTACH_SEND_ONLY))
		return 1;
	for (n = 0;; n++) {
		traffic_make(buf, len, LEAVER, n);
		while (write(m.fd, buf, len) < 0)
			if (errno != EAGAIN)
				return 2;
		__atomic_store_n(&self->sh->ready, n + 1, __ATOMIC_RELEASE);
	}
}

#define BIG	(128U << 10)

static void read_big(FIXTURE_DATA(life) *self, char *buf)
{
	int len = rig_get_wait(&self->w, buf, BIG, 10);

	if (len >= 0)
		traffic_see(&self->t, buf, len);
}

TEST_F(life, killed_in_a_large_message)
{
	char *buf = malloc(BIG);
	uint32_t round;
	uint64_t end;

	for (round = 0; round < 10; round++) {
		pid_t pid = rig_child(send_big_until_killed, self);

		end = rig_ms() + 60 + 7 * round;
		while (rig_ms() < end || self->sh->ready < 3)
			read_big(self, buf);
		EXPECT_EQ(0, kill(pid, SIGKILL));
		EXPECT_EQ(128 + SIGKILL, rig_wait(pid));
		/* its messages come before the news that it has left, and none after */
		EXPECT_TRUE(rig_await(RIG_WAIT_MS, self->w.lefts > round, read_big(self, buf)));
		EXPECT_EQ(round + 1, self->w.lefts);
		/* what write() had returned for came; at most one more, that it was in */
		EXPECT_GE(self->t.sender[LEAVER].next, self->sh->ready);
		EXPECT_LE(self->t.sender[LEAVER].next, self->sh->ready + 1);
		EXPECT_TRUE(traffic_clean(&self->t)) TH_LOG("%s", traffic_text(&self->t));
		memset(&self->t.sender[LEAVER], 0, sizeof(self->t.sender[LEAVER]));
		self->sh->ready = 0;
	}
	free(buf);
}

/* Killed at any moment, again and again, while it writes in place */
static int rave(void *arg)
{
	FIXTURE_DATA(life) *self = arg;
	struct rig_member m = {};
	uint64_t n;
	char buf[LEN];

	if (rig_join(&m, self->name, 0))
		return 1;
	for (n = 0;; n++) {
		size_t len = traffic_len(LEAVER, n, LEN);

		traffic_make(buf, len, LEAVER, n);
		while (rig_put(&m, buf, len))
			rig_submit(&m);
		__atomic_store_n(&self->sh->ready, n + 1, __ATOMIC_RELEASE);
		if (n % 7 == 0)
			rig_submit(&m);
		while (rig_get(&m, buf, sizeof(buf)) >= 0)
			;
	}
}

TEST_F(life, killed_at_any_instruction)
{
	unsigned long round, rounds = rig_knob("DMRING_KILLS", 60);

	for (round = 0; round < rounds; round++) {
		pid_t pid = rig_child(rave, self);
		uint64_t end = rig_ms() + 10 + round % 40;

		EXPECT_TRUE(read_until(10000, self->sh->ready > 0 && rig_ms() > end));
		EXPECT_EQ(0, kill(pid, SIGKILL));
		EXPECT_EQ(128 + SIGKILL, rig_wait(pid));
		/* its messages come before the news that it has left, and none after */
		EXPECT_TRUE(read_until(10000, self->w.lefts > round));
		EXPECT_EQ(round + 1, self->w.lefts);
		EXPECT_GE(self->t.sender[LEAVER].next, self->sh->ready);
		EXPECT_LE(self->t.sender[LEAVER].next, self->sh->ready + 1);
		EXPECT_TRUE(rig_within(10000, members(self) == 2));
		free(self->t.sender[LEAVER].seen);
		memset(&self->t.sender[LEAVER], 0, sizeof(self->t.sender[LEAVER]));
		self->sh->ready = 0;
	}
}

/* So many members in a row are a sender each: nobody promises an order among them */
#define LEAVERS	(TRAFFIC_SENDERS - LEAVER)

static uint64_t seen_of_leavers(const FIXTURE_DATA(life) *self)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = LEAVER; i < TRAFFIC_SENDERS; i++)
		n += self->t.sender[i].next;
	return n;
}

TEST_F(life, close_and_attach_ten_thousand_times)
{
	unsigned long n = rig_knob("DMRING_ATTACHES", 10000);
	uint64_t begin = rig_ms();
	char buf[TRAFFIC_MIN];
	unsigned long i;

	for (i = 0; i < n; i++) {
		struct rig_member m = {};

		/* every tenth maps all of it, the others send as a file */
		ASSERT_EQ(0, i % 10 ? rig_attach(&m, self->name, i % 2) :
				      rig_join(&m, self->name, 0));
		traffic_make(buf, sizeof(buf), LEAVER + i % LEAVERS, i / LEAVERS);
		ASSERT_EQ(0, i % 10 ? write(m.fd, buf, sizeof(buf)) != sizeof(buf) :
				      rig_put(&m, buf, sizeof(buf)));
		rig_leave(&m);
		read_all(self);
	}
	EXPECT_TRUE(read_until(10000, seen_of_leavers(self) >= n));
	for (i = 0; i < LEAVERS; i++)
		traffic_sent(&self->t, LEAVER + i, (n + LEAVERS - 1 - i) / LEAVERS);
	TH_LOG("%lu times in %zu ms", n, (size_t)(rig_ms() - begin));
}

#define MUCH	(2U << 20)	/* the largest input space there is */

/* They leave time and again with as many messages as go into it */
struct crowd {
	const char *name;
	uint64_t left;		/* how often; read by others */
	bool stop;
};

/* What went wrong, or NULL */
static void *leave_with_many(void *arg)
{
	const struct dmring_in_rec none = { .type = DMRING_REC_DATA };
	struct crowd *c = arg;

	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		struct rig_member m = { .at.in_size = MUCH };
		uint32_t at;

		if (rig_attach(&m, c->name, DMRING_ATTACH_SEND_ONLY) || rig_map(&m))
			return "it cannot attach";
		for (at = 0; at < MUCH; at += DMRING_ALIGN)
			memcpy(m.in + at, &none, sizeof(none));
		__atomic_store_n(&m.user->in_tail, MUCH, __ATOMIC_RELEASE);
		rig_leave(&m);
		__atomic_add_fetch(&c->left, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Those who stay have turns as often as those who leave. */
TEST(much_left_behind)
{
	struct crowd c = { .name = rig_name("crowd") };
	struct rig_member m = {};
	pthread_t thread[3];
	void *why;
	uint64_t start, took, most = 0;
	int i;

	ASSERT_EQ(0, rig_ring_add(c.name, NULL));
	ASSERT_EQ(0, rig_join(&m, c.name, DMRING_ATTACH_SEND_ONLY));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, leave_with_many, &c));
	EXPECT_TRUE(rig_within(20000, __atomic_load_n(&c.left, __ATOMIC_ACQUIRE) >= 3));
	for (i = 0; i < 20; i++) {
		start = rig_ms();
		ASSERT_EQ(0, rig_send(&m, "x", 1));
		while (__atomic_load_n(&m.kern->in_head, __ATOMIC_ACQUIRE) != m.in_tail &&
		       rig_ms() - start < 10000)
			rig_sleep(1);
		ASSERT_EQ(m.in_tail, __atomic_load_n(&m.kern->in_head, __ATOMIC_ACQUIRE));
		took = rig_ms() - start;
		most = took > most ? took : most;
	}
	TH_LOG("a message waits %zu ms for its turn, while %zu leave", (size_t)most,
	       (size_t)__atomic_load_n(&c.left, __ATOMIC_ACQUIRE));
	__atomic_store_n(&c.stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], &why));
		EXPECT_EQ(NULL, why) TH_LOG("%s", (char *)why);
	}
	rig_leave(&m);
	EXPECT_EQ(0, rig_ring_del(c.name));
}

TEST_HARNESS_MAIN
