// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "slower.h"

#define FAKE_AHEAD	1000
#define PATIENCE	15	/* seconds */
#define TRIES		5	/* at links that stand */

static int prepare(int fd)
{
	const struct timeval limit = { .tv_sec = PATIENCE * slower() };
	const int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static struct sockaddr_in local(u16 port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int fake_listen(struct fake *f)
{
	struct sockaddr_in addr = local(FAKE_PORT);
	const int one = 1;

	memset(f, 0, sizeof(*f));
	f->to = -1;
	f->from = -1;
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(f->listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(f->listener, 16))
		return -errno;
	return 0;
}

void fake_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void fake_close(struct fake *f)
{
	int fd;

	fake_end(&f->to);
	fake_end(&f->from);
	/* what the module opened meanwhile belongs to the past too */
	while ((fd = accept(f->listener, NULL, NULL)) >= 0)
		close(fd);
}

int fake_connect(struct fake *f)
{
	struct sockaddr_in addr = local(FAKE_HOST_PORT);

	fake_end(&f->to);
	f->to = prepare(socket(AF_INET, SOCK_STREAM, 0));
	return connect(f->to, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
}

int fake_send(int fd, const void *buf, u32 len)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		buf = (const u8 *)buf + n;
		len -= n;
	}
	return 0;
}

static int receive(int fd, u8 *buf, u32 len)
{
	while (len) {
		ssize_t n = recv(fd, buf, len, 0);

		if (!n)
			return -ECONNRESET;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		buf += n;
		len -= n;
	}
	return 0;
}

int fake_frame(int fd, u8 *buf, u32 size)
{
	u32 len;
	int err = receive(fd, buf, DMRING_WIRE_HDR);

	if (err)
		return err;
	len = dmring_get32(buf);
	if (len < DMRING_WIRE_HDR || len > size)
		return -EPROTO;
	err = receive(fd, buf + DMRING_WIRE_HDR, len - DMRING_WIRE_HDR);
	return err ?: buf[4];
}

bool fake_closed(int fd)
{
	u8 buf[FAKE_FRAME];
	int ret, left = 100;

	do {
		ret = fake_frame(fd, buf, sizeof(buf));
	} while (ret >= 0 && left--);
	return ret == -ECONNRESET || ret == -EPIPE;
}

int fake_receive(struct fake *f, u8 *data, u32 size)
{
	u8 buf[FAKE_FRAME];
	int ret;

	do {
		ret = fake_frame(f->from, buf, sizeof(buf));
	} while (ret >= 0 && ret != DMRING_FRAME_DATA);
	if (ret < 0)
		return ret;
	if (dmring_get64(buf + 24) != f->have + 1)
		return -EPROTO;
	f->have++;
	ret = dmring_get32(buf + 32);
	memcpy(data, buf + DMRING_WIRE_DATA, min_t(u32, ret, size));
	return ret;
}

/*
 * Frames
 */

u32 fake_hello(const struct fake *f, u8 *buf)
{
	struct dmring_hello h = {
		.name = FAKE_RING,
		.node = FAKE_NODE,
		.view = 1,
		.inc = FAKE_INC,
		.dead_ms = FAKE_DEAD,
		.log = FAKE_LOG,
		.rec = 4096 + 64,
		.count = 2,
		.hosts = {
			{ .node = FAKE_NODE, .inc = FAKE_INC, .have = f->seq },
			{ .node = FAKE_HOST, .inc = f->host.inc, .have = f->have },
		},
	};

	return dmring_wire_put_hello(buf, &h);
}

u32 fake_beat(const struct fake *f, u8 *buf)
{
	struct dmring_beat b = {
		.chain = 1,
		.log = FAKE_LOG,
		.rec = min(f->host.rec, 4096U + 64),
	};

	return dmring_wire_put_beat(buf, &b);
}

u32 fake_data(const struct fake *f, u8 *buf, u32 node, u64 seq, const void *data, u32 len)
{
	struct dmring_data d = {
		.node = node,
		.view = 1,
		.inc = node == FAKE_HOST ? f->host.inc : FAKE_INC,
		.seq = seq,
		.len = len,
		.type = DMRING_REC_DATA,
	};
	u32 head = dmring_wire_put_data(buf, &d);

	memcpy(buf + head, data, len);
	return head + len;
}

u32 fake_marks(u8 *buf, u32 node, u64 stable, u64 released, u64 want)
{
	const struct dmring_mark m = {
		.node = node, .stable = stable, .released = released, .want = want,
	};

	dmring_wire_put_marks(buf, 0, 1);
	dmring_wire_put_mark(buf, 0, &m);
	return DMRING_WIRE_MARKS + DMRING_WIRE_MARK;
}

/*
 * Sessions
 */

static int take_hello(struct fake *f, int fd)
{
	u8 buf[FAKE_FRAME];
	char why[DMRING_WHY_SIZE];
	int ret = fake_frame(fd, buf, sizeof(buf));

	if (ret != DMRING_FRAME_HELLO)
		return ret < 0 ? ret : -ECONNREFUSED;
	ret = dmring_wire_get_hello(buf, dmring_get32(buf), &f->host, why);
	if (ret || f->host.count != 2)
		return ret ?: -EPROTO;
	f->seq = f->host.hosts[0].have;
	return 0;
}

int fake_accept(struct fake *f)
{
	struct pollfd p = { .fd = f->listener, .events = POLLIN };
	int ret;

	/* it may have been refused before, and not be in a hurry */
	do {
		fake_end(&f->from);
		if (poll(&p, 1, PATIENCE * slower() * 1000) != 1)
			return -ETIMEDOUT;
		f->from = prepare(accept(f->listener, NULL, NULL));
		ret = f->from < 0 ? -errno : take_hello(f, f->from);
	} while (ret == -ECONNRESET);
	return ret;
}

int fake_greet(struct fake *f)
{
	u8 buf[DMRING_WIRE_HELLO_MAX];
	int ret;

	/* we may hold more of our own stream than has arrived, never less */
	f->seq += FAKE_AHEAD;
	ret = fake_send(f->to, buf, fake_hello(f, buf));

	return ret ?: take_hello(f, f->to);
}

static int open_from(struct fake *f)
{
	u8 buf[DMRING_WIRE_HELLO_MAX];
	int ret = fake_accept(f);

	return ret ?: fake_send(f->from, buf, fake_hello(f, buf));
}

static int open_to(struct fake *f)
{
	int ret = fake_connect(f);

	return ret ?: fake_greet(f);
}

static int open_both(struct fake *f)
{
	static const struct dmring_beat quiet;
	u8 buf[DMRING_WIRE_BEAT];
	int ret = 0;

	/* its greeting comes first: it says by which incarnation it is known */
	if (f->from < 0)
		ret = open_from(f);
	if (!ret && f->to < 0)
		ret = open_to(f);
	if (!ret)
		ret = fake_send(f->from, buf, dmring_wire_put_beat(buf, &quiet));
	return ret ?: fake_send(f->to, buf, fake_beat(f, buf));
}

int fake_open(struct fake *f)
{
	int tries = TRIES, ret;

	/* on a slow machine the module may give up while we greet */
	for (;;) {
		ret = open_both(f);
		if ((ret != -ECONNRESET && ret != -EPIPE) || !--tries)
			return ret;
		fake_end(&f->from);
		fake_end(&f->to);
	}
}
