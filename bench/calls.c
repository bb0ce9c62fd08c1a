// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests as a peer of the measurement: receiver 0 serves, the sender asks.
 *
 *   dmring-call   in a round trip dmring_call(), which submits and waits in one system
 *                 call; with many under way dmring_call_start(). The server waits, replies
 *                 to all that has come, each with dmring_reply(), and waits again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <dmring.h>

#include "bench.h"

#define SERVICE		"bench"
#define HEADS		128	/* of a request or a reply, at most */
#define SPACE_MIN	65536U

/**
 * struct caller - who asks, or who serves
 * @r: membership
 * @cap: of the request that is being replied to
 * @asked: requests
 * @len: of the reply to dmring_call(), until it is handed over
 * @reply: its bytes
 */
struct caller {
	struct dmring *r;
	__u64 cap;
	__u64 asked;
	size_t len;
	__u8 reply[];
};

static bool serves(const struct bench_end *e)
{
	return e->who != BENCH_SENDER;
}

/* Room for all that is under way */
static __u32 space(const struct bench_case *c)
{
	__u64 want = (__u64)c->batch * (c->size + HEADS);
	__u32 n = SPACE_MIN;

	while (n < want && n < DMRING_SPACE_MAX)
		n *= 2;
	return n;
}

static int call_open(struct bench_end *e)
{
	struct caller *c = calloc(1, sizeof(*c) + e->c->size);
	struct dmring_opts opts = {
		.size = sizeof(opts),
		.flags = DMRING_CALLS | DMRING_SEND_ONLY |
			 (e->c->shape == BENCH_REQUESTS ? DMRING_BATCH : 0),
		.in_size = space(e->c),
		.out_size = space(e->c),
	};
	int err;

	if (!c)
		return bench_fail(ENOMEM, "buffer");
	e->priv = c;
	err = dmring_attach(&c->r, bench_opts.ring, &opts);
	if (!err && serves(e))
		err = dmring_offer(c->r, SERVICE, NULL);
	return err ? bench_fail(-err, "ring %s: %s", bench_opts.ring, dmring_why()) : 0;
}

static void call_close(struct bench_end *e)
{
	struct caller *c = e->priv;

	dmring_detach(c->r);
	free(c);
}

static int start(struct caller *c, const void *data, size_t len)
{
	int err;

	do {
		err = dmring_call_start(c->r, SERVICE, data, len, c->asked, 0, -1);
		if (err != -EAGAIN)
			break;
		err = dmring_wait(c->r, DMRING_WAIT_WRITE, HEADS + len, -1);
	} while (!err);
	c->asked += !err;
	return err;
}

/* In a round trip the reply is there when this returns, and recv() hands it over */
static int ask(struct bench_end *e, const void *data, size_t len)
{
	struct caller *c = e->priv;
	ssize_t n;

	if (e->c->shape == BENCH_REQUESTS)
		return start(c, data, len);
	n = dmring_call(c->r, SERVICE, data, len, c->reply, e->c->size, -1);
	if (n < 0)
		return n;
	c->len = n;
	return 0;
}

static int call_send(struct bench_end *e, const void *data, size_t len)
{
	struct caller *c = e->priv;
	int err = serves(e) ? dmring_reply(c->r, c->cap, data, len) : ask(e, data, len);

	return err ? bench_fail(-err, "%s: %s", serves(e) ? "reply" : "request", dmring_why()) : 0;
}

static int call_flush(struct bench_end *e)
{
	struct caller *c = e->priv;
	int err = dmring_submit(c->r);

	return err ? bench_fail(-err, "submit: %s", dmring_why()) : 0;
}

static int hand_over(struct caller *c, const struct dmring_msg *m, bench_sink sink, void *arg)
{
	if (m->error)
		return bench_fail(-m->error, "a request has failed");
	c->cap = m->ref;
	return sink(arg, m->data, m->len);
}

static int drain(struct caller *c, __u64 max, bench_sink sink, void *arg)
{
	struct dmring_msg m;
	int err = 0;

	while (max-- && !err) {
		err = dmring_peek(c->r, &m);
		if (!err)
			err = hand_over(c, &m, sink, arg);
	}
	if (err && err != -EAGAIN)
		return err;
	return dmring_release(c->r);
}

static int call_recv(struct bench_end *e, __u64 max, bench_sink sink, void *arg)
{
	struct caller *c = e->priv;
	int err;

	if (!serves(e) && e->c->shape == BENCH_ROUNDTRIP)
		return sink(arg, c->reply, c->len);
	err = dmring_wait(c->r, DMRING_WAIT_READ, 1, -1);
	if (!err)
		err = drain(c, max, sink, arg);
	return err ? bench_fail(-err, "receive: %s", dmring_why()) : 0;
}

const struct bench_transport bench_dmring_call = {
	.name = "dmring-call",
	.shapes = 1U << BENCH_ROUNDTRIP | 1U << BENCH_REQUESTS,
	.most = DMRING_DIRECT_MAX,
	.open = call_open,
	.close = call_close,
	.send = call_send,
	.flush = call_flush,
	.recv = call_recv,
};
