/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections: TCP sockets of the kernel, never waited on. What is said over
 * them is not known here.
 */
#ifndef _DMRING_LINK_H
#define _DMRING_LINK_H

#include <linux/dmring.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uio.h>

#include "core/wire.h"

struct net;

/* Records gathered for one call of the socket; each takes a header and two pieces of log */
#define DMRING_CONN_BATCH	32
/* A header; an event's payload is in it, for it is not sent from the log */
#define DMRING_CONN_HEAD	(DMRING_WIRE_DATA_MAX + DMRING_WIRE_EV)
#define DMRING_CONN_VECS	(3 + 3 * DMRING_CONN_BATCH)

/*
 * Who is called when a socket has something to say: from softirq, so it may only
 * set bits and wake. Outlives all sockets it was given to.
 */
struct dmring_waker {
	void (*wake)(struct dmring_waker *waker);
};

/* A connection; belongs to one thread */
struct dmring_conn {
	struct list_head node;		/* the owner's */
	struct socket *sock;
	struct sockaddr_storage peer;
	u64 deadline;			/* ns, the owner's */
	bool closing;			/* the owner's: close when the output has gone */

	/* input: bytes start..end of buf are not consumed */
	u8 *buf;
	u32 size;
	u32 start;
	u32 end;

	/* output: what iter has left; refers to the rest */
	struct msghdr msg;
	struct kvec vec[DMRING_CONN_VECS];
	u32 vecs;
	u32 bytes;
	u32 heads_used;
	u8 heads[DMRING_CONN_BATCH * DMRING_CONN_HEAD];
	u8 ctl[2 * DMRING_WIRE_HEAD_MAX + DMRING_WIRE_ORDER_MAX];
	u32 ctl_used;
};

/* A listening socket, or ERR_PTR. */
struct socket *dmring_listen(struct net *net, const struct sockaddr_storage *addr,
			     struct dmring_waker *waker);
void dmring_unlisten(struct socket *sock);

/* Begin to connect; see dmring_conn_state(). @buf_size: input buffer (bytes). */
struct dmring_conn *dmring_conn_open(struct net *net, const struct sockaddr_storage *addr,
				     u32 buf_size, struct dmring_waker *waker);
/* The next connection waiting at @listener; ERR_PTR(-EAGAIN) if there is none. */
struct dmring_conn *dmring_conn_accept(struct socket *listener, u32 buf_size,
				       struct dmring_waker *waker);
/* Abort: nothing lingers, so that a namespace can go at once. */
void dmring_conn_close(struct dmring_conn *conn);

/* 0 connected, -EINPROGRESS, or why it failed. */
int dmring_conn_state(const struct dmring_conn *conn);

/*
 * Fill the input buffer: bytes read, -EAGAIN none there, -ENOBUFS buffer full, -ECONNRESET the
 * other end closed, or another error.
 */
int dmring_conn_fill(struct dmring_conn *conn);
/* Read straight to @to, past the buffer; as above. */
int dmring_conn_read(struct dmring_conn *conn, u8 *to, u32 len);

static inline u32 dmring_conn_have(const struct dmring_conn *conn)
{
	return conn->end - conn->start;
}

static inline const u8 *dmring_conn_peek(const struct dmring_conn *conn)
{
	return conn->buf + conn->start;
}

static inline void dmring_conn_consume(struct dmring_conn *conn, u32 n)
{
	conn->start += n;
	if (conn->start != conn->end)
		return;
	conn->start = 0;
	conn->end = 0;
}

/*
 * Gathering output, when the last has gone: room for a control frame or a
 * header is handed out by dmring_conn_ctl() and dmring_conn_head(), and added by
 * dmring_conn_add().
 */
void dmring_conn_begin(struct dmring_conn *conn);
static inline u8 *dmring_conn_ctl(struct dmring_conn *conn)
{
	return conn->ctl + conn->ctl_used;
}

static inline u8 *dmring_conn_head(struct dmring_conn *conn)
{
	return conn->heads + conn->heads_used * DMRING_CONN_HEAD;
}

void dmring_conn_add(struct dmring_conn *conn, const void *data, u32 len);
/* Start sending what was gathered, or go on with it: 0 all gone, -EAGAIN, error. */
int dmring_conn_send(struct dmring_conn *conn);
static inline bool dmring_conn_sending(const struct dmring_conn *conn)
{
	return conn->bytes;
}

/* Is it from the address (port aside) @addr? */
bool dmring_conn_from(const struct dmring_conn *conn, const struct sockaddr_storage *addr);

#endif /* _DMRING_LINK_H */
