// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Process scope of libdmring under load: no kernel module needed
 *
 *   sender 0..S-1 (threads) --> ring --> reader 0..R-1 (threads)
 *                                  \--> members that come and go
 *
 * Every message carries its sender, its number and a checksum; every reader
 * checks that each sender's numbers follow each other and nothing is damaged.
 *
 *   process_threads [MESSAGES]	from each sender
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <linux/types.h>
#include <urcu-bp.h>

#include <dmring.h>
#include "ktap.h"
#include "join.h"

#define SENDERS		4
#define READERS		3
#define MAX_LEN		600

static unsigned int per_sender = 20000;

struct head {
	__u32 sender;
	__u32 sum;
	__u64 seq;
};

static __u32 checksum(const __u8 *p, size_t len)
{
	__u32 sum = 2166136261u;

	while (len--)
		sum = (sum ^ *p++) * 16777619u;
	return sum;
}

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
	{ "threads, order and checksums", test_threads },
	{ "detach under traffic", test_detach_under_traffic },
	{ "dispatch", test_dispatch },
};

int main(int argc, char **argv)
{
	int ret;

	if (argc > 1)
		per_sender = strtoul(argv[1], NULL, 10);
	ret = ktap_run(tests, ARRAY_SIZE(tests));
	urcu_bp_barrier();	/* leaks, if any, show now */
	return ret;
}
