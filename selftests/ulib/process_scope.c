// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Process scope of libdmring: no kernel module needed
 *
 *   sender 0..S-1 (threads) --> ring --> reader 0..R-1 (threads)
 *                                  \--> a member that comes and goes
 *
 * Every message carries its sender, its number and a checksum; every reader
 * checks that each sender's numbers follow each other and nothing is damaged.
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

#define SENDERS		4
#define READERS		3
#define MAX_LEN		600

static unsigned int per_sender = 20000;

struct head {
	__u32 sender;
	__u32 sum;
	__u64 seq;
};

static struct dmring *join(const char *name, __u32 flags, __u32 queue)
{
	struct dmring_opts o = {
		.size = sizeof(o),
		.flags = flags,
		.scope = DMRING_PROCESS,
		.queue_len = queue,
	};
	struct dmring *r = NULL;

	if (dmring_attach(&r, name, &o))
		printf("# attach: %s\n", dmring_why());
	return r;
}

static __u32 checksum(const __u8 *p, size_t len)
{
	__u32 sum = 2166136261u;

	while (len--)
		sum = (sum ^ *p++) * 16777619u;
	return sum;
}

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

/* ---- many threads ---- */

struct sender {
	pthread_t thread;
	struct dmring *r;
	__u32 number;
	bool in_place;
};

static size_t build(__u8 *buf, __u32 number, __u64 seq)
{
	size_t len = sizeof(struct head) + (seq * 7919 + number) %
		     (MAX_LEN - sizeof(struct head));
	struct head h = { .sender = number, .seq = seq };
	size_t i;

	for (i = sizeof(h); i < len; i++)
		buf[i] = seq + i + number;
	h.sum = checksum(buf + sizeof(h), len - sizeof(h));
	memcpy(buf, &h, sizeof(h));
	return len;
}

static int send_in_place(struct sender *s, __u64 seq)
{
	void *buf;
	size_t len;
	int ret = dmring_reserve(s->r, MAX_LEN, &buf);

	if (ret)
		return ret;
	len = build(buf, s->number, seq);
	ret = dmring_commit(s->r, len);
	if (ret)
		dmring_discard(s->r);
	else if (seq % 16 == 0)
		ret = dmring_submit(s->r);
	return ret;
}

static int send_one(struct sender *s, __u64 seq)
{
	__u8 buf[MAX_LEN];
	size_t len;
	int ret;

	if (!s->in_place) {
		len = build(buf, s->number, seq);
		return dmring_send_wait(s->r, buf, len, -1);
	}
	for (;;) {
		ret = send_in_place(s, seq);
		if (ret != -EAGAIN)
			return ret;
		ret = dmring_wait(s->r, DMRING_WAIT_WRITE, MAX_LEN, -1);
		if (ret)
			return ret;
	}
}

static void *send_all(void *arg)
{
	struct sender *s = arg;
	__u64 seq;

	for (seq = 0; seq < per_sender; seq++) {
		int ret = send_one(s, seq);

		CHECK(ret == 0);
		if (ret)
			break;
	}
	CHECK(dmring_submit(s->r) == 0);
	return NULL;
}

struct reader {
	pthread_t thread;
	struct dmring *r;
	__u64 next[SENDERS];
	__u64 got;
	bool by_copy;
	bool mid_stream;	/* may start anywhere */
};

static void check_message(struct reader *rd, const void *data, size_t len)
{
	struct head h;

	CHECK(len >= sizeof(h));
	if (len < sizeof(h))
		return;
	memcpy(&h, data, sizeof(h));
	CHECK(h.sender < SENDERS);
	if (h.sender >= SENDERS)
		return;
	if (rd->mid_stream && !rd->next[h.sender])
		rd->next[h.sender] = h.seq;
	CHECK(h.seq == rd->next[h.sender]);
	rd->next[h.sender] = h.seq + 1;
	CHECK(h.sum == checksum((const __u8 *)data + sizeof(h),
				len - sizeof(h)));
	rd->got++;
}

static int read_batch(struct reader *rd)
{
	__u8 buf[MAX_LEN];
	struct dmring_msg m;
	ssize_t ret;
	int n = 0;

	if (rd->by_copy) {
		ret = dmring_recv(rd->r, buf, sizeof(buf));
		if (ret < 0)
			return ret;
		check_message(rd, buf, ret);
		return 1;
	}
	while (n < 50 && dmring_peek(rd->r, &m) == 0) {
		check_message(rd, m.data, m.len);
		n++;
	}
	CHECK(dmring_release(rd->r) == 0);
	return n ? n : -EAGAIN;
}

static void *read_all(void *arg)
{
	struct reader *rd = arg;
	int ret;

	while (rd->got < (__u64)SENDERS * per_sender) {
		ret = read_batch(rd);
		if (ret != -EAGAIN)
			continue;
		ret = dmring_wait(rd->r, DMRING_WAIT_READ, 1, 20000);
		CHECK(ret == 0);
		if (ret)
			break;
	}
	return NULL;
}

static void start_senders(struct sender *s, const char *name)
{
	int i;

	for (i = 0; i < SENDERS; i++) {
		s[i].r = join(name, DMRING_SEND_ONLY, 0);
		s[i].number = i;
		s[i].in_place = i & 1;
	}
	for (i = 0; i < SENDERS; i++)
		pthread_create(&s[i].thread, NULL, send_all, &s[i]);
}

static void stop_senders(struct sender *s)
{
	int i;

	for (i = 0; i < SENDERS; i++) {
		pthread_join(s[i].thread, NULL);
		CHECK(dmring_sent(s[i].r) == per_sender);
		CHECK(dmring_detach(s[i].r) == 0);
	}
}

static void test_threads(void)
{
	struct reader rd[READERS] = { 0 };
	struct sender s[SENDERS];
	int i;

	for (i = 0; i < READERS; i++) {
		rd[i].r = join("threads", 0, 64 << i);
		rd[i].by_copy = i == 1;
		pthread_create(&rd[i].thread, NULL, read_all, &rd[i]);
	}
	start_senders(s, "threads");
	stop_senders(s);
	for (i = 0; i < READERS; i++) {
		pthread_join(rd[i].thread, NULL);
		CHECK(rd[i].got == (__u64)SENDERS * per_sender);
		CHECK(dmring_recv(rd[i].r, NULL, 0) == -EAGAIN);
		CHECK(dmring_detach(rd[i].r) == 0);
	}
}

static bool traffic_over;

static void *come_and_go(void *arg)
{
	unsigned int rounds = 0;

	(void)arg;
	while (!__atomic_load_n(&traffic_over, __ATOMIC_ACQUIRE)) {
		struct reader rd = { .mid_stream = true };
		struct dmring_msg m;
		unsigned int i;

		rd.r = join("leave", 0, 0);
		for (i = 0; i < rounds % 40; i++)
			read_batch(&rd);
		/* with peeked and unread messages */
		dmring_peek(rd.r, &m);
		CHECK(dmring_detach(rd.r) == 0);
		rounds++;
	}
	printf("# came and went %u times\n", rounds);
	return NULL;
}

static void test_detach_under_traffic(void)
{
	struct reader rd = { 0 };
	struct sender s[SENDERS];
	pthread_t guest[2];
	int i;

	traffic_over = false;
	rd.r = join("leave", 0, 0);
	pthread_create(&rd.thread, NULL, read_all, &rd);
	for (i = 0; i < 2; i++)
		pthread_create(&guest[i], NULL, come_and_go, NULL);
	start_senders(s, "leave");
	stop_senders(s);
	pthread_join(rd.thread, NULL);
	__atomic_store_n(&traffic_over, true, __ATOMIC_RELEASE);
	for (i = 0; i < 2; i++)
		pthread_join(guest[i], NULL);
	CHECK(rd.got == (__u64)SENDERS * per_sender);
	dmring_detach(rd.r);
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

/* ---- dispatch ---- */

struct counted {
	struct reader rd;
	struct dmring *reply;
	int deadlk;
};

static void count(struct dmring *r, const struct dmring_msg *m, void *arg)
{
	struct counted *c = arg;

	CHECK(m);
	check_message(&c->rd, m->data, m->len);
	if (c->rd.got == 1) {
		c->deadlk += dmring_dispatch_stop(r) == -EDEADLK;
		c->deadlk += dmring_detach(r) == -EDEADLK;
	}
	if (c->rd.got == (__u64)SENDERS * per_sender)
		CHECK(dmring_send(c->reply, "done", 4) == 0);
}

static void test_dispatch(void)
{
	struct dmring *rx = join("disp", 0, 0);
	struct dmring *tell = join("tell", DMRING_SEND_ONLY, 0);
	struct dmring *told = join("tell", 0, 0);
	struct counted c = { .reply = tell };
	struct sender s[SENDERS];
	char buf[8];

	CHECK(dmring_dispatch_start(rx, NULL, NULL) == -EINVAL);
	CHECK(dmring_dispatch_start(rx, count, &c) == 0);
	CHECK(dmring_dispatch_start(rx, count, &c) == -EBUSY);
	CHECK(dmring_recv(rx, buf, sizeof(buf)) == -EBUSY);
	start_senders(s, "disp");
	stop_senders(s);
	CHECK(dmring_wait(told, DMRING_WAIT_READ, 1, 20000) == 0);
	CHECK(dmring_recv(told, buf, sizeof(buf)) == 4);
	CHECK(dmring_dispatch_stop(rx) == 0);
	CHECK(c.rd.got == (__u64)SENDERS * per_sender);
	CHECK(c.deadlk == 2);
	CHECK(dmring_recv(rx, buf, sizeof(buf)) == -EAGAIN);
	CHECK(dmring_dispatch_start(rx, count, &c) == 0);
	CHECK(dmring_detach(rx) == 0);	/* stops it */
	dmring_detach(tell);
	dmring_detach(told);
}

static const struct ktap_test tests[] = {
	{ "one to many", test_one_to_many },
	{ "echo and no echo", test_echo },
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
	{ "threads, order and checksums", test_threads },
	{ "detach under traffic", test_detach_under_traffic },
	{ "dispatch", test_dispatch },
};

int main(int argc, char **argv)
{
	int ret;

	if (argc > 1)
		per_sender = strtoul(argv[1], NULL, 10);
	ret = ktap_run(tests, sizeof(tests) / sizeof(tests[0]));
	urcu_bp_barrier();	/* leaks, if any, show now */
	return ret;
}
