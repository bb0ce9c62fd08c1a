// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting: thresholds, submit and wait in one call, time limits, signals, poll
 * and epoll, and that no wake-up is ever lost.
 *
 *	sender (child) --> ring "wait" --> reader (this process), asleep
 *	       ^______________ shared counter _______________|
 */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>

#include "../ulib/include/dmring.h"
#include "kself.h"
#include "rig.h"

#define LOG	(64U << 10)

FIXTURE(wait) {
	const char *name;
	struct rig_member s;
	struct rig_member r;
};

FIXTURE_SETUP(wait)
{
	const struct rig_conf conf = { .log = LOG, .slow = DMRING_SLOW_BLOCK };

	self->name = rig_name("wait");
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	ASSERT_EQ(0, rig_join(&self->s, self->name, DMRING_ATTACH_SEND_ONLY));
	ASSERT_EQ(0, rig_join(&self->r, self->name, 0));
}

FIXTURE_TEARDOWN(wait)
{
	rig_leave(&self->s);
	rig_leave(&self->r);
	EXPECT_EQ(0, rig_ring_del(self->name));
}

TEST_F(wait, time_limits)
{
	static const int ms[] = { 0, 1, 50, 300 };
	uint64_t begin;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ms); i++) {
		begin = rig_ms();
		EXPECT_EQ(-ETIMEDOUT, rig_enter(&self->r, DMRING_ENTER_READ, 0, ms[i]));
		EXPECT_GE(rig_ms() - begin + 1, ms[i]);
		begin = rig_ms();
		EXPECT_EQ(-ETIMEDOUT, rig_enter(&self->r, DMRING_ENTER_READ | DMRING_ENTER_SPIN, 0,
						ms[i]));
		EXPECT_GE(rig_ms() - begin + 1, ms[i]);
		EXPECT_LT(rig_ms() - begin, ms[i] + RIG_WAIT_MS);
	}
}

TEST_F(wait, comes_back_at_once)
{
	uint64_t begin = rig_ms();
	char buf[8];

	ASSERT_EQ(0, rig_send(&self->s, "x", 1));
	EXPECT_EQ(0, rig_enter(&self->r, DMRING_ENTER_READ, 0, -1));
	EXPECT_EQ(0, rig_enter(&self->r, DMRING_ENTER_READ, 0, 0));
	EXPECT_EQ(0, rig_enter(&self->r, DMRING_ENTER_WRITE, 64, -1));
	EXPECT_EQ(0, rig_enter(&self->r, DMRING_ENTER_WRITE | DMRING_ENTER_READ, 64, -1));
	EXPECT_EQ(1, rig_get(&self->r, buf, sizeof(buf)));
	/* either is enough */
	EXPECT_EQ(0, rig_enter(&self->r, DMRING_ENTER_WRITE | DMRING_ENTER_READ, 64, -1));
	EXPECT_LT(rig_ms() - begin, RIG_WAIT_MS);
}

TEST_F(wait, submit_and_wait)
{
	struct rig_member *m = &self->r;
	char buf[8];

	ASSERT_EQ(0, rig_put(m, "both", 4));
	EXPECT_EQ(-EAGAIN, rig_get(m, buf, sizeof(buf)));
	EXPECT_EQ(0, rig_enter(m, DMRING_ENTER_SUBMIT | DMRING_ENTER_READ, 0, RIG_WAIT_MS));
	EXPECT_EQ(4, rig_get(m, buf, sizeof(buf)));
	/* submit alone waits for nothing */
	ASSERT_EQ(0, rig_put(m, "one", 3));
	EXPECT_EQ(0, rig_enter(m, DMRING_ENTER_SUBMIT, 0, -1));
	EXPECT_EQ(3, rig_get_wait(m, buf, sizeof(buf), RIG_WAIT_MS));
}

/* What a waiter marked goes even without a doorbell: it looks before it sleeps */
static int send_later(void *arg)
{
	struct rig_member s = {};

	if (rig_join(&s, arg, DMRING_ATTACH_SEND_ONLY))
		return 1;
	rig_sleep(200);
	return rig_send(&s, "later", 5);
}

TEST_F(wait, sleeps_until_it_comes)
{
	uint64_t begin = rig_ms();
	char buf[8];
	pid_t pid = rig_child(send_later, (void *)self->name);

	EXPECT_EQ(0, rig_enter(&self->r, DMRING_ENTER_READ, 0, -1));
	EXPECT_GE(rig_ms() - begin, 150);
	EXPECT_EQ(5, rig_get(&self->r, buf, sizeof(buf)));
	EXPECT_EQ(0, rig_wait(pid));
}

/* Ten messages wake a reader that wants ten once, not ten times, and nine do not */
TEST_F(wait, threshold)
{
	struct rig_member *r = &self->r;
	uint64_t wakes;
	char buf[8];
	int i, round;

	for (round = 0; round < 5; round++) {
		r->user->wake_at = r->log_head + 10;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		for (i = 0; i < 9; i++)
			ASSERT_EQ(0, rig_send(&self->s, &i, sizeof(i)));
		EXPECT_EQ(-ETIMEDOUT, rig_enter(r, DMRING_ENTER_READ, 0, 100));
		wakes = rig_ring_stat(self->name, DMRING_A_STAT_WAKES);
		ASSERT_EQ(0, rig_send(&self->s, &i, sizeof(i)));
		EXPECT_EQ(0, rig_enter(r, DMRING_ENTER_READ, 0, RIG_WAIT_MS));
		for (i = 0; i < 10; i++)
			EXPECT_EQ(4, rig_get(r, buf, sizeof(buf)));
		EXPECT_LE(rig_ring_stat(self->name, DMRING_A_STAT_WAKES), wakes + 1);
	}
	r->user->wake_at = 0;
}

struct burst {
	const char *name;
	int count;
	int pause_ms;
};

static int send_burst(void *arg)
{
	const struct burst *b = arg;
	struct rig_member s = {};
	int i;

	if (rig_join(&s, b->name, DMRING_ATTACH_SEND_ONLY))
		return 1;
	for (i = 0; i < b->count; i++) {
		rig_sleep(b->pause_ms);
		if (rig_send(&s, &i, sizeof(i)))
			return 2;
	}
	return 0;
}

TEST_F(wait, threshold_while_asleep)
{
	struct burst b = { self->name, 20, 10 };
	struct rig_member *r = &self->r;
	uint64_t wakes = rig_ring_stat(self->name, DMRING_A_STAT_WAKES);
	pid_t pid;

	r->user->wake_at = r->log_head + 20;
	pid = rig_child(send_burst, &b);
	EXPECT_EQ(0, rig_enter(r, DMRING_ENTER_READ, 0, 30000));
	/* the sender may already be gone, and that told */
	EXPECT_GE(r->group->index_tail, r->log_head + 20);
	EXPECT_EQ(0, rig_wait(pid));
	EXPECT_LE(rig_ring_stat(self->name, DMRING_A_STAT_WAKES), wakes + 1);
	r->user->wake_at = 0;
}

/* A threshold beyond what the log holds must not stop the ring: senders' need is stronger */
TEST_F(wait, threshold_never_reached)
{
	struct rig_member *r = &self->r;
	char buf[2048] = "";
	int sent;

	r->user->wake_at = ~0ULL;
	sent = rig_fill(self->name, rig_send(&self->s, buf, sizeof(buf)));
	EXPECT_GT(sent, 0);
	EXPECT_LT(sent, 200);
	EXPECT_EQ(0, rig_enter(r, DMRING_ENTER_READ, 0, RIG_WAIT_MS));
	r->user->wake_at = 0;
}

static void on_signal(int sig)
{
	(void)sig;
}

/* Signals, until it is back: the first one may come before the call */
static int enter_alarmed(struct rig_member *m, uint32_t flags, uint32_t room, int ms)
{
	int err;

	ualarm(100000, 100000);
	err = rig_enter(m, flags, room, ms);
	ualarm(0, 0);
	return err;
}

TEST_F(wait, signals)
{
	struct sigaction sa = { .sa_handler = on_signal };
	uint64_t begin = rig_ms();
	char buf[64] = "";

	sigaction(SIGALRM, &sa, NULL);
	EXPECT_EQ(-EINTR, enter_alarmed(&self->r, DMRING_ENTER_READ, 0, -1));
	EXPECT_EQ(-EINTR, enter_alarmed(&self->r, DMRING_ENTER_READ | DMRING_ENTER_SPIN, 0, 60000));
	/* waiting for room, too */
	EXPECT_GT(rig_fill(self->name, rig_send(&self->s, buf, sizeof(buf))), 0);
	EXPECT_EQ(-EINTR, enter_alarmed(&self->s, DMRING_ENTER_WRITE, self->s.at.in_size, -1));
	EXPECT_LT(rig_ms() - begin, 20000);
}

TEST_F(wait, room)
{
	struct burst b = { self->name, 1, 100 };
	char buf[4000] = "";
	pid_t pid;

	EXPECT_GT(rig_fill(self->name, rig_send(&self->s, buf, sizeof(buf))), 8);
	EXPECT_EQ(-ETIMEDOUT, rig_enter(&self->s, DMRING_ENTER_WRITE, 8192, 100));
	EXPECT_EQ(0, self->s.kern->marks & DMRING_MARK_IN);
	pid = rig_child(send_burst, &b);
	while (rig_get_wait(&self->r, buf, sizeof(buf), 1000) >= 0)
		;
	EXPECT_EQ(0, rig_wait(pid));
	EXPECT_EQ(0, rig_enter(&self->s, DMRING_ENTER_WRITE, self->s.at.in_size, RIG_WAIT_MS));
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, self->s.kern->marks & DMRING_MARK_IN));
}

TEST_F(wait, poll_is_level_triggered)
{
	struct pollfd p = { .fd = self->r.fd, .events = POLLIN };
	char buf[8];
	int i;

	EXPECT_EQ(0, poll(&p, 1, 20));
	ASSERT_EQ(0, rig_send(&self->s, "a", 1));
	ASSERT_EQ(0, rig_send(&self->s, "b", 1));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(1, poll(&p, 1, RIG_WAIT_MS));
	/* both are there: what poll() tells then is not the news of the second one */
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, self->r.group->index_tail >= self->r.log_head + 2));
	EXPECT_EQ(1, rig_get(&self->r, buf, sizeof(buf)));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(1, rig_get(&self->r, buf, sizeof(buf)));
	EXPECT_EQ(0, poll(&p, 1, 20));
}

TEST_F(wait, poll_out)
{
	struct pollfd p = { .fd = self->s.fd, .events = POLLOUT };
	char buf[4000] = "";

	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_GT(rig_fill(self->name, rig_send(&self->s, buf, sizeof(buf))), 0);
	EXPECT_EQ(0, poll(&p, 1, 50));
	while (rig_get_wait(&self->r, buf, sizeof(buf), 500) >= 0)
		;
	EXPECT_EQ(1, poll(&p, 1, RIG_WAIT_MS));
	EXPECT_EQ(POLLOUT, p.revents);
}

TEST_F(wait, poll_hangs_up)
{
	struct pollfd p = { .fd = self->r.fd, .events = POLLIN };

	ASSERT_EQ(0, ioctl(self->r.fd, DMRING_IOC_DETACH));
	EXPECT_EQ(1, poll(&p, 1, RIG_WAIT_MS));
	EXPECT_EQ(POLLHUP | POLLERR, p.revents & (POLLHUP | POLLERR));
}

/*
 * No lost wake-up. The sender sends one to four messages and waits until the
 * reader has them: if one wake-up is missing both stand still.
 */

struct shared {
	uint64_t read;
	uint64_t stop;
};

struct pusher {
	const char *name;
	struct shared *sh;
	uint64_t count;
	uint32_t flags;
};

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

static int push(void *arg)
{
	const struct pusher *p = arg;
	struct rig_member s = {};
	uint64_t sent = 0, state = 7;

	if (rig_join(&s, p->name, DMRING_ATTACH_SEND_ONLY | p->flags))
		return 1;
	while (sent < p->count) {
		int n = 1 + next_random(&state) % 4, spin = next_random(&state) % 3000;
		uint64_t end;

		for (; n && sent < p->count; n--, sent++)
			if (rig_put(&s, &sent, sizeof(sent)) || rig_submit(&s))
				return 2;
		end = rig_ms() + 20000;
		while (__atomic_load_n(&p->sh->read, __ATOMIC_ACQUIRE) < sent)
			if (rig_ms() > end)
				return 3;
		/* so that the reader is met at every step of its way to sleep */
		while (spin--)
			__asm__ volatile("" ::: "memory");
	}
	return 0;
}

static struct shared *share(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* How a reader goes to sleep: 0 when there is something, or -errno */
typedef int (*sleep_fn)(struct rig_member *r, int epoll);

static int sleep_enter(struct rig_member *r, int epoll)
{
	(void)epoll;
	return rig_enter(r, DMRING_ENTER_READ, 0, 15000);
}

static int sleep_poll(struct rig_member *r, int epoll)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	(void)epoll;
	return poll(&p, 1, 15000) == 1 ? 0 : -ETIMEDOUT;
}

static int sleep_epoll(struct rig_member *r, int epoll)
{
	struct epoll_event ev;

	(void)r;
	return epoll_wait(epoll, &ev, 1, 15000) == 1 ? 0 : -ETIMEDOUT;
}

static void no_lost_wakeup(struct __test_metadata *_metadata, FIXTURE_DATA(wait) *self,
			   sleep_fn sleep, uint32_t trigger)
{
	struct pusher p = { self->name, share(), rig_knob("DMRING_WAKEUPS", 25000), 0 };
	struct epoll_event ev = { .events = EPOLLIN | trigger };
	int epoll = epoll_create1(0);
	uint64_t got = 0, n;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, p.sh);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->r.fd, &ev));
	pid = rig_child(push, &p);
	while (got < p.count) {
		int err = sleep(&self->r, epoll);

		ASSERT_EQ(0, err) TH_LOG("asleep after %zu of %zu", (size_t)got, (size_t)p.count);
		/* an edge is told once: read until there is nothing */
		while (rig_get(&self->r, &n, sizeof(n)) == sizeof(n)) {
			ASSERT_EQ(got, n);
			__atomic_store_n(&p.sh->read, ++got, __ATOMIC_RELEASE);
		}
	}
	EXPECT_EQ(0, rig_wait(pid));
	close(epoll);
}

TEST_F(wait, no_lost_wakeup_enter)
{
	no_lost_wakeup(_metadata, self, sleep_enter, 0);
}

TEST_F(wait, no_lost_wakeup_poll)
{
	no_lost_wakeup(_metadata, self, sleep_poll, 0);
}

TEST_F(wait, no_lost_wakeup_epoll_level)
{
	no_lost_wakeup(_metadata, self, sleep_epoll, 0);
}

TEST_F(wait, no_lost_wakeup_epoll_edge)
{
	no_lost_wakeup(_metadata, self, sleep_epoll, EPOLLET);
}

/* Edge-triggered, and only one message taken per edge while more come: nothing may stick */
TEST_F(wait, edge_for_every_new_message)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0), i;
	char buf[8];

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->r.fd, &ev));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, rig_send(&self->s, &i, sizeof(i)));
		ASSERT_EQ(1, epoll_wait(epoll, &ev, 1, RIG_WAIT_MS)) TH_LOG("message %d", i);
		ASSERT_EQ(4, rig_get(&self->r, buf, sizeof(buf)));
		ASSERT_EQ(0, epoll_wait(epoll, &ev, 1, 0));
	}
	close(epoll);
}

/* Edges of room: a sender that fills the space up and sleeps until there is some */
static int fill(void *arg)
{
	const struct pusher *p = arg;
	struct dmring_opts opts = { .size = sizeof(opts), .flags = DMRING_SEND_ONLY };
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };
	int epoll = epoll_create1(0), err;
	struct dmring *r;
	uint64_t sent = 0;
	char buf[700] = "";

	if (dmring_attach(&r, p->name, &opts))
		return 1;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, dmring_fd(r), &ev))
		return 2;
	while (sent < p->count) {
		memcpy(buf, &sent, sizeof(sent));
		err = dmring_send(r, buf, sizeof(buf));
		if (err && err != -EAGAIN)
			return 3;
		sent += !err;
		if (err && epoll_wait(epoll, &ev, 1, 20000) != 1)
			return 4;
	}
	return dmring_detach(r);
}

TEST_F(wait, no_lost_room_epoll_edge)
{
	struct pusher p = { self->name, NULL, rig_knob("DMRING_WAKEUPS", 25000), 0 };
	pid_t pid = rig_child(fill, &p);
	uint64_t got = 0, state = 3;
	char buf[700];

	while (got < p.count) {
		uint64_t n;

		ASSERT_EQ(700, rig_get_wait(&self->r, buf, sizeof(buf), 20000))
			TH_LOG("after %zu", (size_t)got);
		memcpy(&n, buf, sizeof(n));
		ASSERT_EQ(got, n);
		got++;
		if (next_random(&state) % 500 == 0)
			rig_sleep(1);
	}
	EXPECT_EQ(0, rig_wait(pid));
}

TEST_HARNESS_MAIN
