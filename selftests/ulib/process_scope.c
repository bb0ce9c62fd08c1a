// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Process scope of libdmring: no kernel module needed
 *
 *   one program, a few members, every call and every refusal once
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <linux/types.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <urcu-bp.h>

#include <dmring.h>
#include "ktap.h"
#include "join.h"

static int sleep_ms(int ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000L };

	return nanosleep(&ts, NULL);
}

/* ---- one thread ---- */

static void test_one_to_many(void)
{
	struct dmring *r[8], *tx = join("one", DMRING_SEND_ONLY, 0);
	char buf[16];
	int i;

	for (i = 0; i < 8; i++)
		r[i] = join("one", 0, 0);
	CHECK(dmring_send(tx, "hello", 5) == 0);
	CHECK(dmring_send(tx, NULL, 0) == 0);
	CHECK(dmring_recv(tx, buf, sizeof(buf)) == -EAGAIN);
	for (i = 0; i < 8; i++) {
		CHECK(dmring_recv(r[i], buf, 2) == -EMSGSIZE);
		CHECK(dmring_recv(r[i], buf, sizeof(buf)) == 5);
		CHECK(!memcmp(buf, "hello", 5));
		CHECK(dmring_recv(r[i], buf, sizeof(buf)) == 0);
		CHECK(dmring_recv(r[i], buf, sizeof(buf)) == -EAGAIN);
		CHECK(dmring_detach(r[i]) == 0);
	}
	CHECK(dmring_sent(tx) == 2 && dmring_stable(tx) == 2);
	CHECK(dmring_detach(tx) == 0);
}

static void test_echo(void)
{
	struct dmring *a = join("echo", 0, 0);
	struct dmring *b = join("echo", DMRING_NO_ECHO, 0);
	char c;

	CHECK(dmring_send(a, "a", 1) == 0);
	CHECK(dmring_send(b, "b", 1) == 0);
	CHECK(dmring_recv(a, &c, 1) == 1 && c == 'a');
	CHECK(dmring_recv(a, &c, 1) == 1 && c == 'b');
	CHECK(dmring_recv(b, &c, 1) == 1 && c == 'a');
	CHECK(dmring_recv(b, &c, 1) == -EAGAIN);
	dmring_detach(a);
	dmring_detach(b);
}

/* The next message is @want, said to be one's own or not */
static bool next_is(struct dmring *r, char want, int own)
{
	struct dmring_msg m;
	bool good = !dmring_peek(r, &m) && *(const char *)m.data == want && m.own == own;

	return !dmring_release(r) && good;
}

static void test_own(void)
{
	struct dmring *a = join("own", DMRING_OWN, 0);
	struct dmring *b = join("own", 0, 0);

	CHECK(dmring_send(a, "a", 1) == 0);
	CHECK(dmring_send(b, "b", 1) == 0);
	CHECK(next_is(a, 'a', 1) && next_is(a, 'b', 0));
	/* who has not asked is not told */
	CHECK(next_is(b, 'a', 0) && next_is(b, 'b', 0));
	dmring_detach(a);
	dmring_detach(b);
}

static void test_refusals(void)
{
	struct dmring_opts o = { .size = sizeof(o), .scope = DMRING_PROCESS };
	struct dmring_ev ev;
	struct dmring *r;
	void *buf;

	CHECK(dmring_attach(NULL, "x", &o) == -EINVAL);
	CHECK(dmring_attach(&r, "", &o) == -EINVAL && !r);
	CHECK(dmring_attach(&r, NULL, &o) == -EINVAL);
	CHECK(dmring_attach(&r, "a/b", &o) == -EINVAL && dmring_why()[0]);
	CHECK(dmring_attach(&r, "a-name-of-thirty-two-characters-", &o) ==
	      -ENAMETOOLONG);
	o.flags = 1U << 30;
	CHECK(dmring_attach(&r, "x", &o) == -EINVAL);
	o.flags = DMRING_SEND_ONLY | DMRING_OWN;
	CHECK(dmring_attach(&r, "x", &o) == -EINVAL && strstr(dmring_why(), "own"));
	o.flags = 0;
	o.scope = 7;
	CHECK(dmring_attach(&r, "x", &o) == -EINVAL);
	o.scope = DMRING_KERNEL;
	o.device = "/nonexistent";
	CHECK(dmring_attach(&r, "x", &o) == -ENOENT && dmring_why()[0]);
	o.size = 0;
	CHECK(dmring_attach(&r, "x", &o) == -EINVAL);
	r = join("x", 0, 0);
	CHECK(dmring_commit(r, 0) == -EINVAL);
	CHECK(dmring_discard(r) == -EINVAL);
	CHECK(dmring_reserve(r, DMRING_MSG_MAX + 1, &buf) == -EMSGSIZE);
	CHECK(dmring_reserve(r, 10, &buf) == 0);
	CHECK(dmring_reserve(r, 10, &buf) == -EBUSY);
	CHECK(dmring_commit(r, 11) == -EINVAL);
	CHECK(dmring_send(r, "x", 1) == -EBUSY);
	CHECK(dmring_discard(r) == 0);
	CHECK(dmring_event(r, &ev) == -EAGAIN);
	CHECK(dmring_wait(r, 0, 0, 0) == -EINVAL);
	CHECK(dmring_wait(r, DMRING_WAIT_READ, 0, 0) == -ETIMEDOUT);
	CHECK(dmring_wait(r, DMRING_WAIT_WRITE, 0, 0) == 0);
	CHECK(dmring_dispatch_stop(r) == -EINVAL);
	CHECK(dmring_reserve(r, 10, &buf) == 0);
	CHECK(dmring_detach(r) == 0);
	CHECK(dmring_detach(NULL) == -EINVAL);
}

static void test_options_of_another_age(void)
{
	struct {
		struct dmring_opts o;
		__u64 later;
	} big = { .o = { .size = sizeof(big), .scope = DMRING_PROCESS } };
	struct dmring *r;

	CHECK(dmring_attach(&r, "age", &big.o) == 0);
	CHECK(dmring_detach(r) == 0);
	big.later = 1;
	CHECK(dmring_attach(&r, "age", &big.o) == -E2BIG);
}

static void test_peek(void)
{
	struct dmring *r = join("peek", 0, 0);
	struct dmring_msg m;
	__u64 pos;
	char c;
	int i;

	for (i = 0; i < 5; i++)
		CHECK(dmring_send(r, "abcde" + i, 1) == 0);
	CHECK(dmring_peek(r, &m) == 0 && *(char *)m.data == 'a');
	pos = m.pos;
	CHECK(dmring_peek(r, &m) == 0 && *(char *)m.data == 'b');
	CHECK(m.pos == pos + 1 && m.type == DMRING_REC_DATA && !m.ident);
	CHECK(dmring_recv(r, &c, 1) == -EBUSY);
	CHECK(dmring_intact(r) == 0);
	CHECK(dmring_release(r) == 0);
	CHECK(dmring_recv(r, &c, 1) == 1 && c == 'c');
	CHECK(dmring_peek(r, &m) == 0);
	CHECK(dmring_peek(r, &m) == 0 && *(char *)m.data == 'e');
	CHECK(dmring_peek(r, &m) == -EAGAIN);
	CHECK(dmring_detach(r) == 0);
}

/* A full member refuses for all, and nobody gets a part of it */
static void test_full(void)
{
	struct dmring *tx = join("full", DMRING_SEND_ONLY, 0);
	struct dmring *small = join("full", 0, 4), *big = join("full", 0, 0);
	char buf[8];
	void *p;
	int i, n = 0;

	for (i = 0; i < 4; i++)
		CHECK(dmring_send(tx, "x", 1) == 0);
	CHECK(dmring_send(tx, "x", 1) == -EAGAIN);
	CHECK(dmring_reserve(tx, 1, &p) == -EAGAIN);
	CHECK(dmring_send_wait(tx, "x", 1, 20) == -ETIMEDOUT);
	while (dmring_recv(big, buf, sizeof(buf)) == 1)
		n++;
	CHECK(n == 4);
	CHECK(dmring_recv(small, buf, sizeof(buf)) == 1);
	CHECK(dmring_send(tx, "y", 1) == 0);
	CHECK(dmring_recv(big, buf, sizeof(buf)) == 1 && buf[0] == 'y');
	/* the full one leaves */
	CHECK(dmring_send(tx, "z", 1) == -EAGAIN);
	dmring_detach(small);
	CHECK(dmring_send(tx, "z", 1) == 0);
	dmring_detach(big);
	dmring_detach(tx);
}

static void test_full_bytes(void)
{
	struct dmring_opts o = {
		.size = sizeof(o),
		.scope = DMRING_PROCESS,
		.out_size = 1000,
	};
	static char data[5000], buf[5000];
	struct dmring *r;

	CHECK(dmring_attach(&r, "bytes", &o) == 0);
	CHECK(dmring_send(r, data, 600) == 0);
	CHECK(dmring_send(r, data, 600) == -EAGAIN);
	CHECK(dmring_send(r, data, 400) == 0);
	CHECK(dmring_recv(r, buf, sizeof(buf)) == 600);
	CHECK(dmring_recv(r, buf, sizeof(buf)) == 400);
	/* larger than the queue: goes when it is empty */
	CHECK(dmring_send(r, data, sizeof(data)) == 0);
	CHECK(dmring_send(r, data, 1) == -EAGAIN);
	CHECK(dmring_recv(r, buf, sizeof(buf)) == sizeof(data));
	dmring_detach(r);
}

static bool fd_readable(struct dmring *r)
{
	struct pollfd fd = { .fd = dmring_fd(r), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void test_descriptor(void)
{
	struct dmring *r = join("fd", 0, 0);
	void *buf;
	char c;

	CHECK(!fd_readable(r));
	CHECK(dmring_reserve(r, 1, &buf) == 0);
	*(char *)buf = 'x';
	CHECK(dmring_commit(r, 1) == 0);
	CHECK(dmring_submit(r) == 0);
	CHECK(fd_readable(r));
	CHECK(dmring_send(r, "y", 1) == 0);
	CHECK(dmring_recv(r, &c, 1) == 1 && c == 'x');
	CHECK(fd_readable(r));
	CHECK(dmring_recv(r, &c, 1) == 1 && c == 'y');
	CHECK(dmring_recv(r, &c, 1) == -EAGAIN);
	CHECK(!fd_readable(r));
	dmring_detach(r);
}

static void test_fork(void)
{
	struct dmring *r = join("fork", 0, 0);
	int status;
	char c;

	if (fork() == 0) {
		if (dmring_send(r, "x", 1) != -ENOTCONN ||
		    dmring_recv(r, &c, 1) != -ENOTCONN ||
		    dmring_state(r) != DMRING_STATE_DETACHED ||
		    dmring_detach(r))
			_exit(1);
		r = join("fork", 0, 0);
		if (!r || dmring_send(r, "y", 1) ||
		    dmring_recv(r, &c, 1) != 1 || c != 'y')
			_exit(2);
		_exit(0);
	}
	CHECK(wait(&status) > 0 && WIFEXITED(status) && !WEXITSTATUS(status));
	CHECK(dmring_recv(r, &c, 1) == -EAGAIN);
	CHECK(dmring_send(r, "x", 1) == 0);
	CHECK(dmring_recv(r, &c, 1) == 1);
	dmring_detach(r);
}

static void test_texts(void)
{
	int i;

	for (i = -1; i < 100; i++) {
		CHECK(dmring_reason_str(i)[0]);
		CHECK(dmring_event_str(i)[0]);
		CHECK(dmring_strerror(-i)[0]);
	}
	CHECK(!strcmp(dmring_strerror(-EAGAIN), dmring_strerror(EAGAIN)));
	CHECK(dmring_version()[0]);
}

/* ---- waiting ---- */

static void *send_ten_slowly(void *arg)
{
	int i;

	for (i = 0; i < 10; i++) {
		sleep_ms(5);
		CHECK(dmring_send(arg, "x", 1) == 0);
	}
	return NULL;
}

static unsigned int drain(struct dmring *r)
{
	unsigned int n = 0;
	char c;

	while (dmring_recv(r, &c, 1) == 1)
		n++;
	return n;
}

static void test_threshold(void)
{
	struct dmring *tx = join("ten", DMRING_SEND_ONLY, 0);
	struct dmring *rx = join("ten", 0, 0), *small = join("ten2", 0, 4);
	pthread_t t;

	pthread_create(&t, NULL, send_ten_slowly, tx);
	CHECK(dmring_wait(rx, DMRING_WAIT_READ, 10, 10000) == 0);
	CHECK(drain(rx) == 10);
	pthread_join(t, NULL);
	CHECK(dmring_send(tx, "x", 1) == 0);
	CHECK(dmring_wait(rx, DMRING_WAIT_READ, 2, 20) == -ETIMEDOUT);
	CHECK(fd_readable(rx));	/* the threshold does not outlive the wait */
	CHECK(drain(rx) == 1);
	/* a threshold that the queue cannot hold */
	CHECK(dmring_wait(small, DMRING_WAIT_READ, 100, 20) == -ETIMEDOUT);
	while (dmring_send(small, "x", 1) == 0)
		;
	CHECK(dmring_wait(small, DMRING_WAIT_READ, 100, 1000) == 0);
	dmring_detach(small);
	dmring_detach(rx);
	dmring_detach(tx);
}

static void *echo(void *arg)
{
	struct dmring *r = arg;
	char c = 0;

	while (c != 'q') {
		if (dmring_wait(r, DMRING_WAIT_READ, 1, 10000))
			break;
		if (dmring_recv(r, &c, 1) == 1)
			CHECK(dmring_send(r, &c, 1) == 0);
	}
	return NULL;
}

static void test_round_trip(void)
{
	struct dmring *a = join("rt", DMRING_NO_ECHO, 0);
	struct dmring *b = join("rt", DMRING_NO_ECHO, 0);
	pthread_t t;
	char c;
	int i;

	pthread_create(&t, NULL, echo, b);
	for (i = 0; i < 5000; i++) {
		CHECK(dmring_send(a, i == 4999 ? "q" : "x", 1) == 0);
		while (dmring_recv(a, &c, 1) != 1)
			CHECK(dmring_wait(a, DMRING_WAIT_READ, 1, 10000) == 0);
	}
	pthread_join(t, NULL);
	dmring_detach(a);
	dmring_detach(b);
}

static const struct ktap_test tests[] = {
	{ "one to many", test_one_to_many },
	{ "echo and no echo", test_echo },
	{ "own messages are told", test_own },
	{ "refusals", test_refusals },
	{ "options of another age", test_options_of_another_age },
	{ "peek and release", test_peek },
	{ "full queue, all or nothing", test_full },
	{ "full queue, bytes", test_full_bytes },
	{ "descriptor is level-triggered", test_descriptor },
	{ "fork", test_fork },
	{ "texts", test_texts },
	{ "threshold", test_threshold },
	{ "blocking round trip", test_round_trip },
};

int main(void)
{
	int ret;

	ret = ktap_run(tests, ARRAY_SIZE(tests));
	urcu_bp_barrier();	/* leaks, if any, show now */
	return ret;
}
