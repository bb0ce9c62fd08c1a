// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests among members of one process. Needs no module.
 *
 *	client --- "calls" ---> a, b (offer "x")
 *	       <-------------- reply, refusal, or what the ring says in their place
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../ulib/include/dmring.h"
#include "calls-begin.h"
#include "kself.h"

#define RING		"calls"
#define LONG_MS		60000
#define SHORT_MS	50
#define CLIENTS		4
#define SERVERS		3
#define CALLS		3000

static struct dmring *attach(uint32_t flags, uint32_t queue_len)
{
	struct dmring_opts opts = {
		.size = sizeof(opts),
		.flags = flags,
		.scope = DMRING_PROCESS,
		.queue_len = queue_len,
	};
	struct dmring *r;

	return dmring_attach(&r, RING, &opts) ? NULL : r;
}

static struct dmring *attach_server(uint32_t queue_len)
{
	struct dmring *r = attach(DMRING_CALLS, queue_len);

	return r && !dmring_offer(r, "x", NULL) ? r : NULL;
}

FIXTURE(calls) {
	struct dmring *client;
	struct dmring *a;
	struct dmring *b;
};

FIXTURE_SETUP(calls)
{
	self->client = attach(DMRING_CALLS | DMRING_NO_ECHO, 0);
	self->a = attach_server(0);
	self->b = NULL;
	ASSERT_NE(NULL, self->client);
	ASSERT_NE(NULL, self->a);
}

FIXTURE_TEARDOWN(calls)
{
	if (self->client)
		EXPECT_EQ(0, dmring_detach(self->client));
	if (self->a)
		EXPECT_EQ(0, dmring_detach(self->a));
	if (self->b)
		EXPECT_EQ(0, dmring_detach(self->b));
}

static int ask(struct dmring *r, uint64_t cookie, unsigned int flags, int timeout_ms)
{
	return dmring_call_start(r, "x", "ask", 3, cookie, flags, timeout_ms);
}

/* The capability of the next request, released; 0 if that is no request */
static uint64_t next_cap(struct dmring *r)
{
	struct dmring_msg m;
	uint64_t cap = 0;

	if (!dmring_peek(r, &m) && m.type == DMRING_REC_REQUEST && m.len == 3 &&
	    !memcmp(m.data, "ask", 3))
		cap = m.ref;
	dmring_release(r);
	return cap;
}

/* The end of the next call; its cookie, 0 if there is none */
static uint64_t next_end(struct dmring *r, int *error, unsigned int *flags)
{
	struct dmring_msg m;

	if (dmring_peek(r, &m) || m.type != DMRING_REC_REPLY)
		return 0;
	*error = m.error;
	*flags = m.flags;
	return dmring_release(r) ? 0 : m.ref;
}

#define EXPECT_END(r, cookie, with, how) do {				\
	unsigned int _flags = 0;					\
	int _error = 0;							\
									\
	EXPECT_EQ(cookie, next_end(r, &_error, &_flags));		\
	EXPECT_EQ(with, _error);					\
	EXPECT_EQ(how, _flags);						\
} while (0)

/* Serves until it is sent "end"; says what it was asked, in two parts if that is long */
static void *serve(void *arg)
{
	struct dmring *r = arg;
	struct dmring_msg m;
	char buf[64];
	int ret;

	for (;;) {
		ret = dmring_peek(r, &m);
		if (ret == -EAGAIN) {
			dmring_wait(r, DMRING_WAIT_READ, 1, -1);
			continue;
		}
		if (!ret && m.type == DMRING_REC_DATA) {
			dmring_release(r);
			continue;
		}
		if (ret || m.type != DMRING_REC_REQUEST || m.len > sizeof(buf))
			return (void *)1L;
		memcpy(buf, m.data, m.len);
		dmring_release(r);
		if (m.len == 2 && !memcmp(buf, "no", 2))
			dmring_refuse(r, m.ref, EDOM);
		else if (m.len > 8 && !dmring_reply_part(r, m.ref, buf, 8))
			dmring_reply(r, m.ref, buf + 8, m.len - 8);
		else
			dmring_reply(r, m.ref, buf, m.len);
		if (m.len == 3 && !memcmp(buf, "end", 3))
			return NULL;
	}
}

TEST_F(calls, from_the_beginning)
{
	from_the_beginning(_metadata, RING, DMRING_PROCESS, self->client);
}

TEST_F(calls, ask_and_wait)
{
	char buf[16];
	pthread_t t;
	void *ret;

	ASSERT_EQ(0, pthread_create(&t, NULL, serve, self->a));
	EXPECT_EQ(5, dmring_call(self->client, "x", "hello", 5, buf, sizeof(buf), LONG_MS));
	EXPECT_EQ(0, memcmp(buf, "hello", 5));
	EXPECT_EQ(0, dmring_call(self->client, "x", NULL, 0, NULL, 0, -1));
	/* in parts, and longer than there is room for */
	EXPECT_EQ(20, dmring_call(self->client, "x", "hello, I say, hello!", 20, buf, 16, -1));
	EXPECT_EQ(0, memcmp(buf, "hello, I say, he", 16));
	EXPECT_EQ(-EDOM, dmring_call(self->client, "x", "no", 2, buf, sizeof(buf), LONG_MS));
	EXPECT_NE(NULL, strstr(dmring_why(), "refused"));
	EXPECT_EQ(3, dmring_call(self->client, "x", "end", 3, buf, sizeof(buf), LONG_MS));
	pthread_join(t, &ret);
	EXPECT_EQ(NULL, ret);
}

/* What comes meanwhile stays where it is, and the descriptor says so */
TEST_F(calls, others_stay)
{
	struct pollfd fd = { .fd = dmring_fd(self->client), .events = POLLIN };
	char buf[16];
	pthread_t t;
	int i;

	EXPECT_EQ(0, dmring_send(self->a, "one", 3));
	ASSERT_EQ(0, pthread_create(&t, NULL, serve, self->a));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(2, dmring_call(self->client, "x", "hi", 2, buf, sizeof(buf), LONG_MS));
	EXPECT_EQ(1, poll(&fd, 1, 0));
	EXPECT_EQ(3, dmring_recv(self->client, buf, sizeof(buf)));
	EXPECT_EQ(3, dmring_call(self->client, "x", "end", 3, buf, sizeof(buf), LONG_MS));
	EXPECT_EQ(-EAGAIN, dmring_recv(self->client, buf, sizeof(buf)));
	EXPECT_EQ(0, poll(&fd, 1, 0));
	ASSERT_EQ(0, pthread_join(t, NULL));
}

static void nothing(int sig)
{
	(void)sig;
}

struct caller {
	pthread_t thread;
	bool is_back;
};

/* Again and again: it may not have begun to wait when the first one comes */
static void *interrupt(void *arg)
{
	struct caller *c = arg;

	while (!__atomic_load_n(&c->is_back, __ATOMIC_ACQUIRE)) {
		usleep(SHORT_MS * 1000);
		pthread_kill(c->thread, SIGUSR1);
	}
	return NULL;
}

/* Nobody waits any more for this reply, and nobody sees it */
TEST_F(calls, interrupted)
{
	const struct sigaction act = { .sa_handler = nothing };
	struct caller me = { .thread = pthread_self() };
	struct dmring_msg m;
	pthread_t t;

	ASSERT_EQ(0, sigaction(SIGUSR1, &act, NULL));
	ASSERT_EQ(0, pthread_create(&t, NULL, interrupt, &me));
	EXPECT_EQ(-EINTR, dmring_call(self->client, "x", "ask", 3, NULL, 0, LONG_MS));
	__atomic_store_n(&me.is_back, true, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	EXPECT_EQ(0, dmring_reply(self->a, next_cap(self->a), "late", 4));
	EXPECT_EQ(0, dmring_send(self->a, "one", 3));
	ASSERT_EQ(0, dmring_peek(self->client, &m));
	EXPECT_EQ(DMRING_REC_DATA, m.type);
	EXPECT_EQ(0, dmring_release(self->client));
	EXPECT_EQ(-EAGAIN, dmring_peek(self->client, &m));
}

/* What a request says, and that dmring_recv() does not swallow it */
TEST_F(calls, as_it_comes)
{
	struct dmring_msg m;
	uint32_t handle;
	char buf[16];

	EXPECT_EQ(0, dmring_offer(self->a, "y", &handle));
	EXPECT_EQ(0, dmring_call_start(self->client, "y", "1234", 4, 5,
				       DMRING_REQUEST_IDEMPOTENT, LONG_MS));
	EXPECT_EQ(-ENOMSG, dmring_recv(self->a, buf, sizeof(buf)));
	EXPECT_EQ(-ENOMSG, dmring_recv(self->a, buf, sizeof(buf)));
	ASSERT_EQ(0, dmring_peek(self->a, &m));
	EXPECT_EQ(DMRING_REC_REQUEST, m.type);
	EXPECT_EQ(4, m.len);
	EXPECT_EQ(handle, m.service);
	EXPECT_EQ(DMRING_REQUEST_IDEMPOTENT, m.flags);
	EXPECT_NE(0, m.ref);
	EXPECT_TRUE(m.left_ms > LONG_MS / 2 && m.left_ms <= LONG_MS);
	EXPECT_EQ(0, dmring_reply(self->a, m.ref, "56", 2));
	EXPECT_EQ(0, dmring_release(self->a));
	ASSERT_EQ(0, dmring_wait(self->client, DMRING_WAIT_READ, 1, LONG_MS));
	ASSERT_EQ(0, dmring_peek(self->client, &m));
	EXPECT_EQ(DMRING_REC_REPLY, m.type);
	EXPECT_EQ(5, m.ref);
	EXPECT_EQ(2, m.len);
	EXPECT_EQ(0, m.flags);
	EXPECT_EQ(0, m.error);
	EXPECT_EQ(0, m.left_ms);
	EXPECT_EQ(-EBUSY, dmring_call(self->client, "x", NULL, 0, NULL, 0, 0));
	EXPECT_EQ(0, dmring_release(self->client));
	/* an ordinary message has nothing of it */
	EXPECT_EQ(0, dmring_send(self->a, "m", 1));
	ASSERT_EQ(0, dmring_peek(self->client, &m));
	EXPECT_TRUE(!m.ref && !m.service && !m.flags && !m.error && !m.left_ms);
	EXPECT_EQ(0, dmring_release(self->client));
}

TEST_F(calls, in_turn)
{
	int i, of_a = 0, of_b = 0;

	self->b = attach_server(0);
	for (i = 1; i <= 10; i++)
		EXPECT_EQ(0, ask(self->client, i, 0, -1));
	while (next_cap(self->a))
		of_a++;
	while (next_cap(self->b))
		of_b++;
	EXPECT_EQ(5, of_a);
	EXPECT_EQ(5, of_b);
}

TEST_F(calls, full_ones_are_passed_over)
{
	int i, of_a = 0;

	self->b = attach_server(2);
	for (i = 1; i <= 10; i++)
		EXPECT_EQ(0, ask(self->client, i, 0, -1));
	while (next_cap(self->a))
		of_a++;
	EXPECT_EQ(8, of_a);
	EXPECT_EQ(0, dmring_withdraw(self->a, "x"));
	EXPECT_EQ(-EAGAIN, ask(self->client, 11, 0, -1));
	EXPECT_EQ(-EAGAIN, ask(self->client, 11, DMRING_REQUEST_ONE_WAY, -1));
	EXPECT_EQ(-ETIMEDOUT, dmring_call(self->client, "x", NULL, 0, NULL, 0, SHORT_MS));
	EXPECT_NE(0, next_cap(self->b));
	EXPECT_EQ(0, ask(self->client, 11, 0, -1));
}

TEST_F(calls, nobody_serves)
{
	const unsigned int one_way = DMRING_REQUEST_ONE_WAY;
	struct dmring_ev ev;

	EXPECT_EQ(0, dmring_withdraw(self->a, "x"));
	EXPECT_EQ(-ENOENT, dmring_withdraw(self->a, "x"));
	EXPECT_EQ(-ESRCH, dmring_call(self->client, "x", NULL, 0, NULL, 0, -1));
	EXPECT_NE(NULL, strstr(dmring_why(), "nobody"));
	EXPECT_EQ(0, ask(self->client, 3, 0, -1));
	EXPECT_END(self->client, 3, -ESRCH, DMRING_REPLY_RING);
	EXPECT_EQ(0, ask(self->client, 4, one_way, -1));
	EXPECT_EQ(0, ask(self->client, 5, one_way | DMRING_REQUEST_EACH, -1));
	EXPECT_EQ(0, ask(self->client, 6, 0, -1));
	/* events are stepped over, and wait */
	EXPECT_END(self->client, 6, -ESRCH, DMRING_REPLY_RING);
	ASSERT_EQ(0, dmring_event(self->client, &ev));
	EXPECT_EQ(DMRING_EV_UNDELIVERED, ev.what);
	EXPECT_EQ(ESRCH, ev.reason);
	EXPECT_EQ(4, ev.arg);
	EXPECT_EQ(0, ev.arg2);
	ASSERT_EQ(0, dmring_event(self->client, &ev));
	EXPECT_EQ(5, ev.arg);
	EXPECT_EQ(-EAGAIN, dmring_event(self->client, &ev));
}

/* Events in their place; dmring_event() does not pass a reply */
TEST_F(calls, events_in_line)
{
	struct dmring_msg m;
	struct dmring_ev ev;

	self->b = attach(DMRING_CALLS | DMRING_EVENTS, 0);
	EXPECT_EQ(0, dmring_withdraw(self->a, "x"));
	EXPECT_EQ(0, ask(self->b, 1, DMRING_REQUEST_ONE_WAY, -1));
	EXPECT_EQ(0, ask(self->b, 2, 0, -1));
	EXPECT_EQ(0, ask(self->b, 3, DMRING_REQUEST_ONE_WAY, -1));
	ASSERT_EQ(0, dmring_peek(self->b, &m));
	EXPECT_EQ(DMRING_REC_EVENT, m.type);
	EXPECT_EQ(sizeof(ev), m.len);
	EXPECT_EQ(0, dmring_release(self->b));
	EXPECT_EQ(-EAGAIN, dmring_event(self->b, &ev));
	EXPECT_END(self->b, 2, -ESRCH, DMRING_REPLY_RING);
	ASSERT_EQ(0, dmring_event(self->b, &ev));
	EXPECT_EQ(3, ev.arg);
}

TEST_F(calls, deadline)
{
	struct dmring_msg m;
	uint64_t cap, i;

	EXPECT_EQ(-ETIMEDOUT, dmring_call(self->client, "x", "ask", 3, NULL, 0, SHORT_MS));
	EXPECT_EQ(-ETIMEDOUT, dmring_call(self->client, "x", "ask", 3, NULL, 0, 0));
	EXPECT_NE(NULL, strstr(dmring_why(), "unknown"));
	cap = next_cap(self->a);
	EXPECT_NE(0, cap);
	EXPECT_EQ(-ESTALE, dmring_reply(self->a, cap, NULL, 0));
	EXPECT_NE(0, next_cap(self->a));

	EXPECT_EQ(0, ask(self->client, 4, 0, LONG_MS));
	EXPECT_EQ(0, ask(self->client, 3, 0, 0));
	EXPECT_END(self->client, 3, -ETIMEDOUT, DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN);
	EXPECT_EQ(0, ask(self->client, 1, 0, SHORT_MS));
	EXPECT_EQ(0, ask(self->client, 2, 0, 2 * SHORT_MS));
	/* a wait ends in time, be it for more */
	for (i = 1; i <= 2; i++) {
		while (dmring_peek(self->client, &m) == -EAGAIN)
			EXPECT_EQ(0, dmring_wait(self->client, DMRING_WAIT_READ, 2, LONG_MS / 2));
		EXPECT_EQ(i, m.ref);
		EXPECT_EQ(-ETIMEDOUT, m.error);
		EXPECT_EQ(0, dmring_release(self->client));
	}
	EXPECT_EQ(-EAGAIN, dmring_peek(self->client, &m));
}

TEST_F(calls, a_capability_works_once_and_for_its_holder)
{
	uint64_t first, second;

	self->b = attach_server(0);
	EXPECT_EQ(0, dmring_withdraw(self->b, "x"));
	EXPECT_EQ(0, ask(self->client, 1, 0, -1));
	EXPECT_EQ(0, ask(self->client, 2, 0, -1));
	first = next_cap(self->a);
	second = next_cap(self->a);
	EXPECT_EQ(-ESTALE, dmring_reply(self->b, first, "b", 1));
	EXPECT_EQ(-ESTALE, dmring_reply(self->client, first, "c", 1));
	EXPECT_EQ(0, dmring_refuse(self->a, second, -EPERM));
	EXPECT_EQ(0, dmring_reply(self->a, first, "a", 1));
	EXPECT_EQ(-ESTALE, dmring_reply(self->a, first, "a", 1));
	EXPECT_EQ(-ESTALE, dmring_reply_part(self->a, second, "a", 1));
	EXPECT_EQ(-EINVAL, dmring_reply(self->a, 0, "a", 1));
	EXPECT_END(self->client, 2, -EPERM, 0);
	EXPECT_END(self->client, 1, 0, 0);
	EXPECT_EQ(-EAGAIN, dmring_recv(self->client, NULL, 0));
}

TEST_F(calls, the_server_leaves)
{
	const unsigned int one_way = DMRING_REQUEST_ONE_WAY, again = DMRING_REQUEST_IDEMPOTENT;
	struct dmring_ev ev;

	EXPECT_EQ(0, ask(self->client, 1, again, -1));
	EXPECT_NE(0, next_cap(self->a));
	EXPECT_EQ(0, ask(self->client, 2, 0, -1));
	EXPECT_EQ(0, ask(self->client, 3, again, -1));
	EXPECT_EQ(0, ask(self->client, 4, one_way, -1));
	EXPECT_EQ(0, ask(self->client, 5, one_way | again, -1));
	self->b = attach_server(0);
	EXPECT_EQ(0, dmring_detach(self->a));
	self->a = NULL;
	/* of those it had not looked at, what may be served twice goes to the other one */
	EXPECT_END(self->client, 2, -EOWNERDEAD, DMRING_REPLY_RING);
	EXPECT_END(self->client, 1, -EOWNERDEAD, DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN);
	ASSERT_EQ(0, dmring_event(self->client, &ev));
	EXPECT_EQ(4, ev.arg);
	EXPECT_EQ(EOWNERDEAD, ev.reason);
	EXPECT_EQ(0, dmring_reply(self->b, next_cap(self->b), NULL, 0));
	EXPECT_EQ(0, next_cap(self->b));
	EXPECT_END(self->client, 3, 0, 0);
	EXPECT_EQ(-EAGAIN, dmring_event(self->client, &ev));
	/* and with it, its service */
	EXPECT_EQ(0, dmring_detach(self->b));
	self->b = NULL;
	EXPECT_EQ(-ESRCH, dmring_call(self->client, "x", NULL, 0, NULL, 0, -1));
}

TEST_F(calls, the_client_leaves)
{
	uint64_t cap;

	EXPECT_EQ(0, ask(self->client, 1, 0, LONG_MS));
	EXPECT_EQ(0, ask(self->client, 2, 0, LONG_MS));
	cap = next_cap(self->a);
	EXPECT_EQ(0, dmring_detach(self->client));
	self->client = NULL;
	EXPECT_EQ(-ESTALE, dmring_reply(self->a, cap, NULL, 0));
	EXPECT_EQ(-ESTALE, dmring_reply(self->a, next_cap(self->a), NULL, 0));
}

TEST_F(calls, nobody_is_asked_itself)
{
	const unsigned int one_way = DMRING_REQUEST_ONE_WAY, again = DMRING_REQUEST_IDEMPOTENT;
	struct dmring_ev ev;
	int i;

	EXPECT_EQ(-ESRCH, dmring_call(self->a, "x", NULL, 0, NULL, 0, -1));
	self->b = attach_server(0);
	for (i = 1; i <= 4; i++)
		EXPECT_EQ(0, ask(self->a, i, again, -1));
	EXPECT_EQ(0, ask(self->a, 5, one_way | again, -1));
	EXPECT_EQ(0, ask(self->a, 6, one_way | DMRING_REQUEST_EACH, -1));
	/* nor when another one has left */
	EXPECT_EQ(0, dmring_detach(self->b));
	self->b = NULL;
	for (i = 1; i <= 4; i++)
		EXPECT_END(self->a, i, -EOWNERDEAD, DMRING_REPLY_RING);
	for (i = 5; i <= 6; i++) {
		EXPECT_EQ(0, dmring_event(self->a, &ev));
		EXPECT_EQ(i, ev.arg);
	}
	EXPECT_EQ(0, next_cap(self->a));
}

TEST_F(calls, to_each)
{
	const unsigned int each = DMRING_REQUEST_ONE_WAY | DMRING_REQUEST_EACH;
	struct dmring_msg m;

	self->b = attach_server(2);
	EXPECT_EQ(0, ask(self->client, 1, each, -1));
	EXPECT_EQ(0, ask(self->client, 2, each, -1));
	EXPECT_EQ(-EAGAIN, ask(self->client, 3, each, -1));
	ASSERT_EQ(0, dmring_peek(self->a, &m));
	EXPECT_EQ(each, m.flags);
	EXPECT_EQ(0, m.ref);
	EXPECT_EQ(0, dmring_peek(self->a, &m));
	EXPECT_EQ(-EAGAIN, dmring_peek(self->a, &m));
	EXPECT_EQ(0, dmring_peek(self->b, &m));
	EXPECT_EQ(0, dmring_release(self->b));
	EXPECT_EQ(0, ask(self->client, 3, each, -1));
}

/* A client that does not read: the server goes on */
TEST_F(calls, no_room_for_the_reply)
{
	self->b = attach(DMRING_CALLS, 1);
	EXPECT_EQ(0, ask(self->b, 1, 0, -1));
	EXPECT_EQ(0, ask(self->b, 2, 0, -1));
	EXPECT_EQ(0, dmring_reply(self->a, next_cap(self->a), NULL, 0));
	EXPECT_EQ(0, dmring_reply(self->a, next_cap(self->a), NULL, 0));
	EXPECT_END(self->b, 1, 0, 0);
	EXPECT_END(self->b, 2, -ENOBUFS, DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN);
}

TEST_F(calls, limits)
{
	static char big[DMRING_DIRECT_MAX + 1];
	char name[DMRING_NAME_SIZE];
	int i;

	for (i = 1; i <= DMRING_CALLS_MAX; i++)
		ASSERT_EQ(0, dmring_call_start(self->client, "x", NULL, 0, i, 0, -1));
	EXPECT_EQ(-EAGAIN, dmring_call_start(self->client, "x", NULL, 0, i, 0, -1));
	/* the server has its hands full, too, though room in its queue */
	while (!dmring_peek(self->a, &(struct dmring_msg){}))
		;
	EXPECT_EQ(0, dmring_release(self->a));
	self->b = attach(DMRING_CALLS, 0);
	EXPECT_EQ(-EAGAIN, dmring_call_start(self->b, "x", NULL, 0, 1, 0, -1));

	EXPECT_EQ(-EMSGSIZE, dmring_call_start(self->b, "x", big, sizeof(big), 1, 0, -1));
	EXPECT_EQ(-EMSGSIZE, dmring_reply(self->b, 1, big, sizeof(big)));
	for (i = 1; i < DMRING_OFFERS_MAX; i++) {
		snprintf(name, sizeof(name), "service %d", i);
		EXPECT_EQ(0, dmring_offer(self->b, name, NULL));
	}
	EXPECT_EQ(-ENOSPC, dmring_offer(self->b, "one more", NULL));
	EXPECT_EQ(0, dmring_withdraw(self->b, name));
	EXPECT_EQ(0, dmring_offer(self->b, "one more", NULL));
	EXPECT_EQ(-EEXIST, dmring_offer(self->b, "one more", NULL));
}

TEST_F(calls, refusals)
{
	const char *long_name = "01234567890123456789012345678901";
	struct dmring *c = self->client, *plain = attach(0, 0);
	void *buf;

	EXPECT_EQ(-EINVAL, dmring_offer(c, "", NULL));
	EXPECT_EQ(-EINVAL, dmring_offer(c, NULL, NULL));
	EXPECT_EQ(-EINVAL, dmring_offer(c, "a\nb", NULL));
	EXPECT_EQ(-ENAMETOOLONG, dmring_offer(c, long_name, NULL));
	EXPECT_EQ(0, dmring_offer(c, long_name + 1, NULL));
	EXPECT_EQ(-ENAMETOOLONG, dmring_call_start(c, long_name, NULL, 0, 1, 0, -1));
	EXPECT_EQ(-EINVAL, dmring_call_start(c, "", NULL, 0, 1, 0, -1));
	EXPECT_EQ(-EINVAL, ask(c, 1, DMRING_REQUEST_FLAGS + 1, -1));
	EXPECT_EQ(-EINVAL, ask(c, 1, DMRING_REQUEST_EACH, -1));
	EXPECT_EQ(-EINVAL, ask(c, 1ULL << 63, 0, -1));
	EXPECT_EQ(-EINVAL, dmring_refuse(c, 1, 0));
	EXPECT_EQ(-EINVAL, dmring_refuse(c, 1, 4096));
	EXPECT_EQ(-EINVAL, dmring_refuse(c, 1, -4096));

	EXPECT_EQ(0, dmring_reserve(c, 1, &buf));
	EXPECT_EQ(-EBUSY, ask(c, 1, 0, -1));
	EXPECT_EQ(-EBUSY, dmring_reply(c, 1, NULL, 0));
	EXPECT_EQ(-EBUSY, dmring_call(c, "x", NULL, 0, NULL, 0, 0));
	EXPECT_EQ(0, dmring_discard(c));

	EXPECT_EQ(-EOPNOTSUPP, dmring_offer(plain, "y", NULL));
	EXPECT_EQ(-EOPNOTSUPP, dmring_withdraw(plain, "y"));
	EXPECT_EQ(-EOPNOTSUPP, ask(plain, 1, 0, -1));
	EXPECT_EQ(-EOPNOTSUPP, dmring_call(plain, "x", NULL, 0, NULL, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, dmring_reply(plain, 1, NULL, 0));
	EXPECT_EQ(0, dmring_detach(plain));
}

static void reply_to_all(struct dmring *r, const struct dmring_msg *m, void *arg)
{
	(void)arg;
	if (m && m->type == DMRING_REC_REQUEST && m->len)
		dmring_reply(r, m->ref, m->data, m->len);
}

struct ends {
	int last;
	int busy;
};

static void count_ends(struct dmring *r, const struct dmring_msg *m, void *arg)
{
	struct ends *e = arg;

	if (!m || m->type != DMRING_REC_REPLY)
		return;
	e->busy = dmring_call(r, "x", NULL, 0, NULL, 0, 0);
	__atomic_store_n(&e->last, m->error ? m->error : (int)m->len, __ATOMIC_RELEASE);
}

static int end_of(struct ends *e)
{
	int ret, i;

	for (i = 0; i < LONG_MS; i++) {
		ret = __atomic_exchange_n(&e->last, 0, __ATOMIC_ACQ_REL);
		if (ret)
			return ret;
		usleep(1000);
	}
	return 0;
}

TEST_F(calls, dispatch)
{
	struct ends e = {};

	ASSERT_EQ(0, dmring_dispatch_start(self->a, reply_to_all, NULL));
	ASSERT_EQ(0, dmring_dispatch_start(self->client, count_ends, &e));
	EXPECT_EQ(0, ask(self->client, 1, 0, -1));
	EXPECT_EQ(3, end_of(&e));
	EXPECT_EQ(-EBUSY, e.busy);
	EXPECT_EQ(-EBUSY, dmring_call(self->client, "x", NULL, 0, NULL, 0, 0));
	/* a thread that sleeps already hears of a deadline */
	EXPECT_EQ(0, dmring_call_start(self->client, "x", NULL, 0, 1, 0, SHORT_MS));
	EXPECT_EQ(-ETIMEDOUT, end_of(&e));
}

/* Clients in threads of their own, and servers of which one at a time comes and goes */
struct work {
	struct dmring *r;
	bool *stop;
	unsigned int good, dead, odd;
};

static void *call_on(void *arg)
{
	struct work *w = arg;
	uint64_t n, back;
	ssize_t ret;

	for (n = 1; n <= CALLS; n++) {
		back = 0;
		ret = dmring_call(w->r, "x", &n, sizeof(n), &back, sizeof(back), LONG_MS);
		if (ret == sizeof(n) && back == n)
			w->good++;
		else if (ret == -EOWNERDEAD)
			w->dead++;
		else
			w->odd++;
	}
	return NULL;
}

static void *come_and_go(void *arg)
{
	struct work *w = arg;

	while (!__atomic_load_n(w->stop, __ATOMIC_ACQUIRE)) {
		struct dmring *r = attach_server(0);

		if (!r || dmring_dispatch_start(r, reply_to_all, NULL))
			w->odd++;
		usleep(500);
		if (r && dmring_detach(r))
			w->odd++;
	}
	return NULL;
}

TEST_F(calls, every_call_ends_once)
{
	struct work clients[CLIENTS] = {}, servers[SERVERS] = {};
	pthread_t of_clients[CLIENTS], of_servers[SERVERS];
	bool stop = false;
	int i;

	ASSERT_EQ(0, dmring_dispatch_start(self->a, reply_to_all, NULL));
	for (i = 0; i < CLIENTS; i++) {
		clients[i].r = attach(DMRING_CALLS | DMRING_SEND_ONLY, 0);
		pthread_create(&of_clients[i], NULL, call_on, &clients[i]);
	}
	for (i = 0; i < SERVERS; i++) {
		servers[i].stop = &stop;
		pthread_create(&of_servers[i], NULL, come_and_go, &servers[i]);
	}
	for (i = 0; i < CLIENTS; i++) {
		pthread_join(of_clients[i], NULL);
		EXPECT_EQ(CALLS, clients[i].good + clients[i].dead);
		EXPECT_EQ(0, clients[i].odd);
		EXPECT_EQ(-EAGAIN, dmring_recv(clients[i].r, NULL, 0));
		EXPECT_EQ(0, dmring_detach(clients[i].r));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < SERVERS; i++) {
		pthread_join(of_servers[i], NULL);
		EXPECT_EQ(0, servers[i].odd);
	}
}

TEST_HARNESS_MAIN
