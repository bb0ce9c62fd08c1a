// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unix seqpacket sockets: a pair per receiver, and a send per receiver.
 *
 *   seqpacket       send() and recv(), a message a call
 *   seqpacket-mmsg  sendmmsg() and recvmmsg(), a batch a call
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define MMSG_BATCH	64

/* The sender's end is [0] */
struct pairs {
	int fd[BENCH_RECEIVERS_MAX][2];
};

struct queue {
	unsigned int n;
	struct mmsghdr hdr[MMSG_BATCH];
	struct iovec iov[MMSG_BATCH];
	__u8 *data;		/* MMSG_BATCH messages */
};

static void pairs_cleanup(const struct bench_case *c, void *shared)
{
	struct pairs *p = shared;
	int i;

	for (i = 0; i < c->receivers; i++) {
		close(p->fd[i][0]);
		close(p->fd[i][1]);
	}
	free(p);
}

static int pairs_prepare(const struct bench_case *c, void **shared)
{
	struct pairs *p = calloc(1, sizeof(*p));
	int i;

	if (!p)
		return bench_fail(ENOMEM, "sockets");
	for (i = 0; i < c->receivers; i++) {
		if (!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p->fd[i]))
			continue;
		free(p);
		return bench_fail(errno, "socketpair");
	}
	*shared = p;
	return 0;
}

/* Only its own end stays open in each process, or nobody would hear of a death */
static int pair_open(struct bench_end *e)
{
	const struct pairs *p = e->shared;
	int i;

	for (i = 0; i < e->c->receivers; i++) {
		if (e->who != BENCH_SENDER)
			close(p->fd[i][0]);
		if (e->who != i)
			close(p->fd[i][1]);
	}
	e->priv = malloc(e->c->size);
	return e->priv ? 0 : bench_fail(ENOMEM, "buffer");
}

static void pair_close(struct bench_end *e)
{
	free(e->priv);
}

static int own_fd(const struct bench_end *e)
{
	const struct pairs *p = e->shared;

	return e->who == BENCH_SENDER ? p->fd[0][0] : p->fd[e->who][1];
}

static int pair_send(struct bench_end *e, const void *data, size_t len)
{
	const struct pairs *p = e->shared;
	int i, fd;

	for (i = 0; i < e->c->receivers; i++) {
		fd = e->who == BENCH_SENDER ? p->fd[i][0] : own_fd(e);
		if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
			return bench_fail(errno, "send");
	}
	return 0;
}

static int pair_recv(struct bench_end *e, __u64 max, bench_sink sink, void *arg)
{
	ssize_t len = recv(own_fd(e), e->priv, e->c->size, 0);

	(void)max;
	if (len <= 0)
		return bench_fail(len ? errno : EPIPE, "recv");
	return sink(arg, e->priv, len);
}

const struct bench_transport bench_seqpacket = {
	.name = "seqpacket",
	.shapes = 1U << BENCH_ROUNDTRIP | 1U << BENCH_STREAM | 1U << BENCH_REQUESTS,
	.prepare = pairs_prepare,
	.cleanup = pairs_cleanup,
	.open = pair_open,
	.close = pair_close,
	.send = pair_send,
	.recv = pair_recv,
};

/*
 * With sendmmsg() and recvmmsg()
 */

static int queue_open(struct bench_end *e)
{
	struct queue *q = calloc(1, sizeof(*q));
	int i, err = pair_open(e);

	free(e->priv);
	e->priv = q;
	if (err || !q)
		return err ? err : bench_fail(ENOMEM, "queue");
	q->data = calloc(MMSG_BATCH, e->c->size);
	if (!q->data)
		return bench_fail(ENOMEM, "buffers");
	for (i = 0; i < MMSG_BATCH; i++) {
		q->iov[i].iov_base = q->data + i * e->c->size;
		q->iov[i].iov_len = e->c->size;
		q->hdr[i].msg_hdr.msg_iov = &q->iov[i];
		q->hdr[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

static void queue_close(struct bench_end *e)
{
	struct queue *q = e->priv;

	free(q->data);
	free(q);
}

static int flush_one(struct queue *q, int fd)
{
	unsigned int done = 0;
	int n;

	while (done < q->n) {
		n = sendmmsg(fd, q->hdr + done, q->n - done, MSG_NOSIGNAL);
		if (n < 0)
			return bench_fail(errno, "sendmmsg");
		done += n;
	}
	return 0;
}

static int queue_flush(struct bench_end *e)
{
	const struct pairs *p = e->shared;
	struct queue *q = e->priv;
	int i, err = 0;

	for (i = 0; !err && i < e->c->receivers; i++)
		err = flush_one(q, p->fd[i][0]);
	q->n = 0;
	return err;
}

static int queue_send(struct bench_end *e, const void *data, size_t len)
{
	struct queue *q = e->priv;

	memcpy(q->iov[q->n].iov_base, data, len);
	return ++q->n == MMSG_BATCH ? queue_flush(e) : 0;
}

static int queue_recv(struct bench_end *e, __u64 max, bench_sink sink, void *arg)
{
	struct queue *q = e->priv;
	int n = recvmmsg(own_fd(e), q->hdr, max < MMSG_BATCH ? max : MMSG_BATCH,
			 MSG_WAITFORONE, NULL);
	int i, err = 0;

	if (n <= 0)
		return bench_fail(n ? errno : EPIPE, "recvmmsg");
	for (i = 0; !err && i < n; i++)
		err = sink(arg, q->iov[i].iov_base, q->hdr[i].msg_len);
	return err;
}

const struct bench_transport bench_seqpacket_mmsg = {
	.name = "seqpacket-mmsg",
	.shapes = 1U << BENCH_STREAM,
	.prepare = pairs_prepare,
	.cleanup = pairs_cleanup,
	.open = queue_open,
	.close = queue_close,
	.send = queue_send,
	.flush = queue_flush,
	.recv = queue_recv,
};
