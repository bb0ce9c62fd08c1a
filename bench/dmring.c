// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmring as a peer of the measurement, the way a program uses it: messages are
 * built in the slot and read in the log.
 *
 *   dmring       dmring_reserve/commit a message, dmring_submit a batch; in a
 *                round trip dmring_wait() submits and waits in one system call
 *   dmring-send  dmring_send() a message
 *   dmring-poll  as dmring, attached in polling mode
 */
#include <errno.h>
#include <string.h>

#include <dmring.h>

#include "bench.h"

/* The input space holds at least this many messages, unless it gets too large */
#define SPACE_MESSAGES	4

static __u32 in_size(size_t size)
{
	__u32 want = 32768;	/* the default */

	while (want < SPACE_MESSAGES * size && want < DMRING_SPACE_MAX)
		want *= 2;
	return want;
}

static int ring_open(struct bench_end *e, __u32 flags)
{
	struct dmring_opts opts = {
		.size = sizeof(opts),
		.flags = flags,
		.in_size = in_size(e->c->size),
	};
	struct dmring *r;
	int err;

	if (e->c->shape == BENCH_ROUNDTRIP)
		opts.flags |= DMRING_NO_ECHO;
	else if (e->who == BENCH_SENDER)
		opts.flags |= DMRING_SEND_ONLY;
	err = dmring_attach(&r, bench_opts.ring, &opts);
	if (err)
		return bench_fail(-err, "ring %s: %s", bench_opts.ring, dmring_why());
	e->priv = r;
	return 0;
}

static int open_plain(struct bench_end *e)
{
	return ring_open(e, 0);
}

static int open_poll(struct bench_end *e)
{
	return ring_open(e, DMRING_POLL);
}

static void ring_close(struct bench_end *e)
{
	dmring_detach(e->priv);
}

static int room(struct dmring *r, size_t len, void **buf)
{
	int err;

	for (;;) {
		err = dmring_reserve(r, len, buf);
		if (err != -EAGAIN)
			return err;
		err = dmring_wait(r, DMRING_WAIT_WRITE, len, -1);
		if (err)
			return err;
	}
}

static int ring_commit(struct bench_end *e, const void *data, size_t len)
{
	void *buf;
	int err = room(e->priv, len, &buf);

	if (!err) {
		memcpy(buf, data, len);
		err = dmring_commit(e->priv, len);
	}
	return err ? bench_fail(-err, "send: %s", dmring_why()) : 0;
}

static int ring_submit(struct bench_end *e)
{
	int err = dmring_submit(e->priv);

	return err ? bench_fail(-err, "submit: %s", dmring_why()) : 0;
}

static int ring_send(struct bench_end *e, const void *data, size_t len)
{
	int err = dmring_send_wait(e->priv, data, len, -1);

	return err ? bench_fail(-err, "send: %s", dmring_why()) : 0;
}

/* All that is there, in place, then give it back */
static int drain(struct dmring *r, __u64 max, bench_sink sink, void *arg)
{
	struct dmring_msg m;
	int err = 0;

	while (max-- && !err) {
		err = dmring_peek(r, &m);
		if (err == -EAGAIN)
			break;
		if (!err)
			err = sink(arg, m.data, m.len);
	}
	if (err && err != -EAGAIN)
		return err;
	return dmring_release(r);
}

static int ring_recv(struct bench_end *e, __u64 max, bench_sink sink, void *arg)
{
	int err = dmring_wait(e->priv, DMRING_WAIT_READ, 1, -1);

	if (!err)
		err = drain(e->priv, max, sink, arg);
	return err ? bench_fail(-err, "receive: %s", dmring_why()) : 0;
}

const struct bench_transport bench_dmring = {
	.name = "dmring",
	.shapes = 1U << BENCH_ROUNDTRIP | 1U << BENCH_STREAM,
	.open = open_plain,
	.close = ring_close,
	.send = ring_commit,
	.flush = ring_submit,
	.recv = ring_recv,
};

const struct bench_transport bench_dmring_send = {
	.name = "dmring-send",
	.shapes = 1U << BENCH_ROUNDTRIP | 1U << BENCH_STREAM,
	.open = open_plain,
	.close = ring_close,
	.send = ring_send,
	.recv = ring_recv,
};

const struct bench_transport bench_dmring_poll = {
	.name = "dmring-poll",
	.shapes = 1U << BENCH_ROUNDTRIP | 1U << BENCH_STREAM,
	.open = open_poll,
	.close = ring_close,
	.send = ring_commit,
	.flush = ring_submit,
	.recv = ring_recv,
};
