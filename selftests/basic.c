// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages on one machine, through the library: contents, sizes, order, echo,
 * identity, events, polling mode. Waiting is tested in wait.c, read() and write() in
 * file.c.
 *
 *	a --\            /--> a (unless it wants no echo)
 *	b ---+-- ring --+---> b
 *	c --/   "basic" \---> c
 */
#include <poll.h>

#include "../ulib/include/dmring.h"
#include "kself.h"
#include "rig.h"
#include "traffic.h"

#define WAIT_MS	RIG_WAIT_MS

FIXTURE(basic) {
	const char *name;
	struct dmring *a;
	struct dmring *b;
};

FIXTURE_VARIANT(basic) {
	uint64_t log;
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(basic, plain) { .log = 1 << 20 };
FIXTURE_VARIANT_ADD(basic, identify) { .log = 1 << 20, .flags = DMRING_RING_IDENTIFY };

FIXTURE_SETUP(basic)
{
	/* nobody is thrown out, however slow the machine is */
	const struct rig_conf conf = {
		.log = variant->log, .flags = variant->flags, .slow = DMRING_SLOW_BLOCK,
	};

	self->name = rig_name("basic");
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	ASSERT_EQ(0, dmring_attach(&self->a, self->name, NULL)) TH_LOG("%s", dmring_why());
	ASSERT_EQ(0, dmring_attach(&self->b, self->name, NULL)) TH_LOG("%s", dmring_why());
}

FIXTURE_TEARDOWN(basic)
{
	EXPECT_EQ(0, dmring_detach(self->a));
	EXPECT_EQ(0, dmring_detach(self->b));
	EXPECT_EQ(0, rig_ring_del(self->name));
}

static struct dmring *attach(const char *name, uint32_t flags, uint32_t in_size)
{
	struct dmring_opts opts = { .size = sizeof(opts), .flags = flags, .in_size = in_size };
	struct dmring *r;

	return dmring_attach(&r, name, &opts) ? NULL : r;
}

/* Waits for the next message; its length */
static ssize_t recv_wait(struct dmring *r, void *buf, size_t size)
{
	ssize_t len;

	rig_await(WAIT_MS, (len = dmring_recv(r, buf, size)) != -EAGAIN,
		  dmring_wait(r, DMRING_WAIT_READ, 1, 100));
	return len;
}

/* Sends a message of @len bytes and receives it at both ends */
static void pass(struct __test_metadata *_metadata, struct dmring *from, struct dmring *to,
		 char *out, char *in, size_t len)
{
	struct dmring *at[] = { from, to };
	size_t i;
	int n;

	for (i = 0; i < len; i++)
		out[i] = i * 7 + len;
	ASSERT_EQ(0, dmring_send_wait(from, out, len, WAIT_MS)) TH_LOG("%zu bytes", len);
	for (n = 0; n < 2; n++) {
		memset(in, 0x55, len + 1);
		ASSERT_EQ((ssize_t)len, recv_wait(at[n], in, len + 1)) TH_LOG("%zu bytes", len);
		ASSERT_EQ(0, memcmp(in, out, len)) TH_LOG("%zu bytes", len);
		ASSERT_EQ(0x55, in[len]);
	}
}

TEST_F(basic, every_small_size)
{
	char out[700], in[701];
	size_t len;

	for (len = 0; len < sizeof(out); len++)
		pass(_metadata, self->a, self->b, out, in, len);
}

TEST_F(basic, sizes_up_to_the_largest)
{
	size_t max = dmring_max_msg(self->a), len;
	char *out = malloc(max + 1), *in = malloc(max + 1);

	for (len = 1024; len < max; len *= 2) {
		pass(_metadata, self->a, self->b, out, in, len - 1);
		pass(_metadata, self->b, self->a, out, in, len);
		pass(_metadata, self->a, self->b, out, in, len + 1);
	}
	pass(_metadata, self->a, self->b, out, in, max);
	EXPECT_EQ(-EMSGSIZE, dmring_send(self->a, out, max + 1));
	free(out);
	free(in);
}

TEST_F(basic, every_byte_value)
{
	char out[1024], in[1024];
	size_t i;

	for (i = 0; i < sizeof(out); i++)
		out[i] = i;
	ASSERT_EQ(0, dmring_send(self->a, out, sizeof(out)));
	ASSERT_EQ((ssize_t)sizeof(in), recv_wait(self->b, in, sizeof(in)));
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
}

TEST_F(basic, batches)
{
	void *buf;
	char in[8];
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, dmring_reserve(self->a, 16, &buf));
		EXPECT_EQ(-EBUSY, dmring_reserve(self->a, 16, &buf));
		if (i % 3 == 2) {
			EXPECT_EQ(0, dmring_discard(self->a));
			EXPECT_EQ(-EINVAL, dmring_discard(self->a));
			continue;
		}
		memcpy(buf, &i, sizeof(i));
		EXPECT_EQ(-EINVAL, dmring_commit(self->a, 17));
		ASSERT_EQ(0, dmring_commit(self->a, sizeof(i)));
		EXPECT_EQ(-EINVAL, dmring_commit(self->a, 1));
	}
	EXPECT_EQ(-EAGAIN, dmring_recv(self->b, in, sizeof(in)));
	ASSERT_EQ(0, dmring_submit(self->a));
	for (i = 0; i < 100; i++) {
		if (i % 3 == 2)
			continue;
		ASSERT_EQ(4, recv_wait(self->b, in, sizeof(in)));
		ASSERT_EQ(0, memcmp(in, &i, 4));
	}
	EXPECT_EQ(-EAGAIN, dmring_recv(self->b, in, sizeof(in)));
}

TEST_F(basic, receive_buffer_too_short)
{
	char in[8];

	ASSERT_EQ(0, dmring_send(self->a, "12345678", 8));
	EXPECT_TRUE(rig_within(WAIT_MS, dmring_recv(self->b, in, 7) != -EAGAIN));
	EXPECT_EQ(-EMSGSIZE, dmring_recv(self->b, in, 7));
	EXPECT_EQ(-EMSGSIZE, dmring_recv(self->b, in, 0));
	/* it is still there */
	EXPECT_EQ(8, dmring_recv(self->b, in, 8));
	EXPECT_EQ(0, memcmp(in, "12345678", 8));
}

TEST_F(basic, no_echo)
{
	struct dmring *c = attach(self->name, DMRING_NO_ECHO, 0);
	char in[8];
	int i;

	ASSERT_NE(NULL, c);
	/* more runs of own messages than the kernel notes, read and not read */
	for (i = 0; i < 500; i++) {
		ASSERT_EQ(0, dmring_send(c, "own", 3));
		ASSERT_EQ(3, recv_wait(self->b, in, sizeof(in)));
		ASSERT_EQ(0, dmring_send(self->a, &i, 4));
		ASSERT_EQ(4, recv_wait(self->b, in, sizeof(in)));
		if (i % 50 != 49)
			continue;
		for (int n = i - 49; n <= i; n++) {
			ASSERT_EQ(4, recv_wait(c, in, sizeof(in)));
			ASSERT_EQ(0, memcmp(in, &n, 4));
		}
		EXPECT_EQ(-EAGAIN, dmring_recv(c, in, sizeof(in)));
	}
	EXPECT_EQ(0, dmring_detach(c));
}

/* Own messages come back like all others, and are known for what they are. */
TEST_F(basic, own)
{
	struct dmring *c = attach(self->name, DMRING_OWN, 0);
	struct dmring_msg m;
	int i, n, held = 0;
	char in[8];

	ASSERT_NE(NULL, c);
	/* runs of one to four, more of them than the kernel notes at a time */
	for (i = 0; i < 600; i++) {
		n = i % 5 ? 1 : 0;
		ASSERT_EQ(0, dmring_send(n ? c : self->a, &i, 4));
		/* two senders have no order among them until one has been heard */
		ASSERT_EQ(4, recv_wait(self->b, in, sizeof(in)));
		if (i % 40 != 39)
			continue;
		for (n = i - 39; n <= i; n++, held++) {
			ASSERT_EQ(0, dmring_wait(c, DMRING_WAIT_READ, 1, WAIT_MS));
			ASSERT_EQ(0, dmring_peek(c, &m));
			ASSERT_EQ(0, memcmp(m.data, &n, 4));
			ASSERT_EQ(!!(n % 5), m.own);
		}
		EXPECT_EQ(0, dmring_release(c));
	}
	EXPECT_EQ(600, held);
	/* to those who have not asked, nothing is their own */
	ASSERT_EQ(0, dmring_peek(self->a, &m));
	EXPECT_EQ(0, m.own);
	EXPECT_EQ(0, dmring_detach(c));
}

/*
 * More runs of own messages than the kernel can note while the member reads
 * nothing: what is over waits, nobody else does, and it goes on by itself once read.
 */
TEST_F(basic, no_echo_unread)
{
	struct dmring *c = attach(self->name, DMRING_NO_ECHO, 0);
	int i, own = 0, others = 0, in;

	ASSERT_NE(NULL, c);
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, dmring_send(c, "own", 3));
		ASSERT_EQ(0, dmring_send(self->a, &i, 4));
	}
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(4, recv_wait(c, &in, sizeof(in)));
		ASSERT_EQ(i, in);
	}
	EXPECT_EQ(-EAGAIN, dmring_recv(c, &in, sizeof(in)));
	for (i = 0; i < 200; i++) {
		int n = recv_wait(self->b, &in, sizeof(in));

		own += n == 3;
		others += n == 4;
	}
	EXPECT_EQ(100, own);
	EXPECT_EQ(100, others);
	EXPECT_EQ(0, dmring_detach(c));
}

TEST_F(basic, send_only)
{
	struct dmring *c = attach(self->name, DMRING_SEND_ONLY, 0);
	char buf[4096] = "", in[4096];
	int i;

	ASSERT_NE(NULL, c);
	/* three logs full: it holds nothing back */
	for (i = 0; i < 768; i++) {
		ASSERT_EQ(0, dmring_send_wait(c, buf, sizeof(buf), WAIT_MS));
		ASSERT_EQ(4096, recv_wait(self->a, in, sizeof(in)));
		ASSERT_EQ(4096, recv_wait(self->b, in, sizeof(in)));
		ASSERT_EQ(-EAGAIN, dmring_recv(c, in, sizeof(in)));
	}
	EXPECT_EQ(DMRING_STATE_ATTACHED, dmring_state(c));
	EXPECT_EQ(0, dmring_detach(c));
}

TEST_F(basic, joins_now)
{
	struct dmring *c;
	char in[8];

	ASSERT_EQ(0, dmring_send(self->a, "before", 6));
	ASSERT_EQ(6, recv_wait(self->b, in, sizeof(in)));
	c = attach(self->name, 0, 0);
	ASSERT_NE(NULL, c);
	ASSERT_EQ(0, dmring_send(self->a, "after", 5));
	EXPECT_EQ(5, recv_wait(c, in, sizeof(in)));
	EXPECT_EQ(-EAGAIN, dmring_recv(c, in, sizeof(in)));
	EXPECT_EQ(0, dmring_detach(c));
}

/* A message too large for the input space keeps its place between small ones */
TEST_F(basic, large_ones_in_their_place)
{
	struct dmring *c = attach(self->name, DMRING_SEND_ONLY, 4096);
	size_t max = dmring_max_msg(self->a);
	char *buf = malloc(max);
	struct traffic t;
	uint64_t n;

	ASSERT_NE(NULL, c);
	traffic_init(&t, false);
	for (n = 0; n < 60; n++) {
		size_t len = n % 3 == 1 ? traffic_len(1, n, max) : traffic_len(1, n, 900);

		traffic_make(buf, len, 1, n);
		ASSERT_EQ(0, dmring_send_wait(c, buf, len, WAIT_MS)) TH_LOG("%zu", len);
		if (n % 3 != 2)
			continue;
		for (int i = 0; i < 3; i++) {
			ssize_t got = recv_wait(self->b, buf, max);

			ASSERT_GE(got, 0);
			traffic_see(&t, buf, got);
			ASSERT_EQ(got, recv_wait(self->a, buf, max));
		}
	}
	traffic_sent(&t, 1, n);
	EXPECT_TRUE(traffic_clean(&t)) TH_LOG("%s", traffic_text(&t));
	traffic_free(&t);
	free(buf);
	EXPECT_EQ(0, dmring_detach(c));
}

/*
 * A member without echo that reads whenever poll says so, and has nothing to read but
 * what it is not shown, keeps up: its own messages do not count against it.
 */
TEST_F(basic, no_echo_keeps_up)
{
	struct dmring *c = attach(self->name, DMRING_NO_ECHO, 0);
	char buf[4096] = "", in[4096];
	uint64_t end = rig_ms() + 60000;
	int sent = 0;

	ASSERT_NE(NULL, c);
	while (sent < 1024 && rig_ms() < end) {
		struct pollfd p = { .fd = dmring_fd(c), .events = POLLIN | POLLOUT };

		ASSERT_LE(0, poll(&p, 1, 1000));
		ASSERT_EQ(0, p.revents & (POLLHUP | POLLERR))
			TH_LOG("after %d: %s", sent, dmring_reason_str(dmring_reason(c)));
		if (p.revents & POLLIN)
			ASSERT_EQ(-EAGAIN, dmring_recv(c, in, sizeof(in)));
		if (p.revents & POLLOUT && !dmring_send(c, buf, sizeof(buf)))
			sent++;
		while (dmring_recv(self->a, in, sizeof(in)) >= 0)
			;
		while (dmring_recv(self->b, in, sizeof(in)) >= 0)
			;
	}
	EXPECT_EQ(1024, sent);
	EXPECT_EQ(0, dmring_detach(c));
}

/* Event and message stand at the same place for everybody */
TEST_F(basic, events_in_their_place)
{
	struct dmring *e = attach(self->name, DMRING_EVENTS, 0);
	struct dmring *victim = attach(self->name, 0, 0);
	struct dmring_ev ev = {};
	struct dmring_msg m;
	int i, got[3] = {};

	ASSERT_NE(NULL, e);
	ASSERT_NE(NULL, victim);
	ASSERT_EQ(0, dmring_send(self->a, "1", 1));
	/* the ring has it: it goes before what happens now */
	ASSERT_EQ(0, dmring_wait(e, DMRING_WAIT_READ, 1, WAIT_MS));
	ASSERT_EQ(0, rig_evict(self->name, dmring_id(victim)));
	EXPECT_TRUE(rig_within(WAIT_MS, dmring_state(victim) == DMRING_STATE_DETACHED));
	ASSERT_EQ(0, dmring_wait(e, DMRING_WAIT_READ, 2, WAIT_MS));
	ASSERT_EQ(0, dmring_send(self->a, "2", 1));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(rig_within(WAIT_MS, dmring_peek(e, &m) == 0));
		got[i] = m.type == DMRING_REC_EVENT ? 'e' : *(char *)m.data;
		if (m.type == DMRING_REC_EVENT)
			memcpy(&ev, m.data, sizeof(ev));
		ASSERT_EQ(0, dmring_release(e));
	}
	EXPECT_EQ('1', got[0]);
	EXPECT_EQ('e', got[1]);
	EXPECT_EQ('2', got[2]);
	EXPECT_EQ(DMRING_EV_LEFT, ev.what);
	EXPECT_EQ(DMRING_REASON_ADMIN, ev.reason);
	EXPECT_EQ(dmring_id(victim), ev.arg);
	EXPECT_EQ(DMRING_REASON_ADMIN, dmring_reason(victim));
	EXPECT_EQ(0, dmring_detach(victim));
	EXPECT_EQ(0, dmring_detach(e));
}

static int child_sends(void *name)
{
	struct dmring *r;

	if (rig_drop(4321) || dmring_attach(&r, name, NULL))
		return 1;
	return dmring_send(r, "who am I", 8) || dmring_detach(r);
}

TEST_F(basic, identity)
{
	struct dmring_msg m;
	pid_t pid;

	ASSERT_EQ(0, rig_ring_mode(self->name, 0666, 0, 0));
	pid = rig_child(child_sends, (void *)self->name);
	ASSERT_EQ(0, rig_wait(pid));
	ASSERT_TRUE(rig_within(WAIT_MS, dmring_peek(self->a, &m) == 0));
	EXPECT_EQ(8, m.len);
	if (variant->flags & DMRING_RING_IDENTIFY) {
		ASSERT_NE(NULL, m.ident);
		EXPECT_EQ(pid, m.ident->pid);
		EXPECT_EQ(4321, m.ident->uid);
		EXPECT_EQ(4321, m.ident->gid);
	} else {
		EXPECT_EQ(NULL, m.ident);
	}
	EXPECT_EQ(0, dmring_release(self->a));
}

#define STREAM		20000
#define STREAM_LEN	512

struct sender {
	const char *name;
	uint32_t no;
	uint32_t flags;
};

static int stream_out(void *arg)
{
	const struct sender *s = arg;
	struct dmring *r = attach(s->name, s->flags | DMRING_SEND_ONLY, 0);
	uint64_t n;
	void *buf;

	if (!r)
		return 1;
	for (n = 0; n < STREAM; n++) {
		size_t len = traffic_len(s->no, n, STREAM_LEN);
		int err;

		while ((err = dmring_reserve(r, len, &buf)) == -EAGAIN)
			if (dmring_wait(r, DMRING_WAIT_WRITE, len, WAIT_MS))
				return 2;
		if (err)
			return 3;
		traffic_make(buf, len, s->no, n);
		if (dmring_commit(r, len))
			return 4;
		/* batches of all sizes, up to what finds room */
		if (n % (1 + n / 100) == 0 && dmring_submit(r))
			return 5;
	}
	return dmring_submit(r) || dmring_detach(r);
}

/* The stream of two senders is the same for two receivers, and in order for each sender */
static void stream(struct __test_metadata *_metadata, FIXTURE_DATA(basic) *self, uint32_t flags)
{
	struct sender s[2] = { { self->name, 0, flags }, { self->name, 1, flags } };
	struct dmring *at[2] = { self->a, self->b };
	uint64_t seen[2] = {}, sum[2] = {}, end = rig_ms() + 100000;
	struct traffic t[2];
	pid_t pid[2];
	int i;

	for (i = 0; i < 2; i++) {
		traffic_init(&t[i], false);
		pid[i] = rig_child(stream_out, &s[i]);
	}
	while ((seen[0] < 2 * STREAM || seen[1] < 2 * STREAM) && rig_ms() < end) {
		for (i = 0; i < 2; i++) {
			struct dmring_msg m;

			while (!dmring_peek(at[i], &m)) {
				traffic_see(&t[i], m.data, m.len);
				sum[i] = sum[i] * 31 + *(uint64_t *)m.data;
				seen[i]++;
			}
			ASSERT_EQ(0, dmring_release(at[i]));
		}
		dmring_wait(at[0], DMRING_WAIT_READ, 1, 100);
	}
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, rig_wait(pid[i]));
		traffic_sent(&t[i], 0, STREAM);
		traffic_sent(&t[i], 1, STREAM);
		EXPECT_TRUE(traffic_clean(&t[i])) TH_LOG("%s", traffic_text(&t[i]));
		traffic_free(&t[i]);
	}
	EXPECT_EQ(sum[0], sum[1]);
}

TEST_F(basic, stream)
{
	stream(_metadata, self, 0);
}

TEST_F(basic, stream_polled)
{
	stream(_metadata, self, DMRING_POLL);
}

TEST(one_mebibyte)
{
	const struct rig_conf conf = { .log = 4 << 20 };
	const char *name = rig_name("mib");
	char *out = malloc(DMRING_MSG_MAX + 1), *in = malloc(DMRING_MSG_MAX + 1);
	struct dmring *a, *b;
	int i;

	ASSERT_EQ(0, rig_ring_add(name, &conf));
	a = attach(name, 0, 0);
	b = attach(name, 0, DMRING_SPACE_MAX);
	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	ASSERT_EQ(DMRING_MSG_MAX, dmring_max_msg(a));
	/* by the kernel's buffer, and in place in a large input space; round the log */
	for (i = 0; i < 6; i++) {
		pass(_metadata, a, b, out, in, DMRING_MSG_MAX);
		pass(_metadata, b, a, out, in, DMRING_MSG_MAX - i);
	}
	EXPECT_EQ(-EMSGSIZE, dmring_send(a, out, DMRING_MSG_MAX + 1));
	EXPECT_EQ(0, dmring_detach(a));
	EXPECT_EQ(0, dmring_detach(b));
	EXPECT_EQ(0, rig_ring_del(name));
	free(out);
	free(in);
}

#define POLLED		50	/* messages that must come without a doorbell */
#define POLLED_MS	30000

/* Looks for the next message without sleeping: the thread would go to sleep, too */
static bool watch_for(struct rig_member *m, unsigned int want)
{
	unsigned int got;
	int ret;

	rig_await(WAIT_MS, (ret = rig_get(m, &got, sizeof(got))) != -EAGAIN, (void)0);
	return ret == sizeof(got) && got == want;
}

/*
 * In polling mode the thread sees the mark: no system call while the wake-up mark is clear.
 * How many messages meet the thread awake is up to the guest's host; they come
 * either way.
 */
TEST(polling_without_doorbell)
{
	const char *name = rig_name("polled");
	unsigned int bells, quiet, i = 0, round;
	struct rig_member m = {};
	uint64_t end;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "the thread polls on two CPUs or more");
	ASSERT_EQ(0, rig_ring_add(name, NULL));
	ASSERT_EQ(0, rig_join(&m, name, DMRING_ATTACH_POLL));
	for (round = 0; round < 3; round++) {
		/* when nothing comes the thread sleeps and says so */
		EXPECT_TRUE(rig_within(WAIT_MS, m.kern->marks & DMRING_MARK_WAKEUP));
		bells = 0;
		quiet = 0;
		end = rig_ms() + POLLED_MS;
		while (quiet < POLLED && rig_ms() < end) {
			ASSERT_EQ(0, rig_put(&m, &i, sizeof(i)));
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			if (m.kern->marks & DMRING_MARK_WAKEUP) {
				ASSERT_EQ(0, rig_submit(&m));
				bells++;
			} else {
				quiet++;
			}
			ASSERT_TRUE(watch_for(&m, i++)) TH_LOG("message %u", i);
		}
		TH_LOG("%u doorbells, %u messages without", bells, quiet);
		EXPECT_EQ(POLLED, quiet);
	}
	rig_leave(&m);
	EXPECT_EQ(0, rig_ring_del(name));
}

TEST_HARNESS_MAIN
