// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections over kernel sockets.
 *
 * The sockets hold no reference to their network namespace, which may end
 * under a ring; so they are aborted, never closed gently: no socket of ours
 * stays behind in FIN_WAIT with timers running. Whatever an abort cuts off, resume
 * sends again.
 *
 * Locking: a connection belongs to its thread. The socket callbacks run in
 * softirq under sk_callback_lock, look at sk_user_data and only wake. Accepted
 * sockets inherit the listener's callbacks and waker, which is what we want.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "link.h"

#define SOCK_BACKLOG	16

static void call_waker(struct sock *sk)
{
	struct dmring_waker *waker;

	read_lock_bh(&sk->sk_callback_lock);
	waker = sk->sk_user_data;
	if (waker)
		waker->wake(waker);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void link_data_ready(struct sock *sk)
{
	call_waker(sk);
}

static void link_state_change(struct sock *sk)
{
	call_waker(sk);
}

static void link_write_space(struct sock *sk)
{
	if (!sk_stream_is_writeable(sk))
		return;
	if (sk->sk_socket)
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	call_waker(sk);
}

static void hook(struct socket *sock, struct dmring_waker *waker)
{
	struct sock *sk = sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = waker;
	sk->sk_data_ready = link_data_ready;
	sk->sk_state_change = link_state_change;
	sk->sk_write_space = link_write_space;
	write_unlock_bh(&sk->sk_callback_lock);
}

static void unhook_and_abort(struct socket *sock)
{
	struct sock *sk = sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	write_unlock_bh(&sk->sk_callback_lock);
	sock_no_linger(sk);
	sock_release(sock);
}

static int addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET ? sizeof(struct sockaddr_in) :
					    sizeof(struct sockaddr_in6);
}

static void tune(struct socket *sock)
{
	/* no swapping or filesystem recursion is possible below a ring's thread */
	sock->sk->sk_allocation = GFP_KERNEL;
	tcp_sock_set_nodelay(sock->sk);
}

static struct socket *make_socket(struct net *net, int family, struct dmring_waker *waker)
{
	struct socket *sock;
	int err = sock_create_kern(net, family, SOCK_STREAM, IPPROTO_TCP, &sock);

	if (err)
		return ERR_PTR(err);
	tune(sock);
	hook(sock, waker);
	return sock;
}

struct socket *dmring_listen(struct net *net, const struct sockaddr_storage *addr,
			     struct dmring_waker *waker)
{
	struct socket *sock = make_socket(net, addr->ss_family, waker);
	int err;

	if (IS_ERR(sock))
		return sock;
	sock_set_reuseaddr(sock->sk);
	err = kernel_bind(sock, (struct sockaddr *)addr, addr_len(addr));
	if (!err)
		err = kernel_listen(sock, SOCK_BACKLOG);
	if (err) {
		unhook_and_abort(sock);
		return ERR_PTR(err);
	}
	return sock;
}

void dmring_unlisten(struct socket *sock)
{
	unhook_and_abort(sock);
}

static struct dmring_conn *conn_alloc(u32 buf_size)
{
	struct dmring_conn *conn = kvzalloc(sizeof(*conn), GFP_KERNEL_ACCOUNT);

	if (!conn)
		return NULL;
	INIT_LIST_HEAD(&conn->node);
	conn->buf = kvmalloc(buf_size, GFP_KERNEL_ACCOUNT);
	conn->size = buf_size;
	if (conn->buf)
		return conn;
	kvfree(conn);
	return NULL;
}

static void conn_free(struct dmring_conn *conn)
{
	kvfree(conn->buf);
	kvfree(conn);
}

struct dmring_conn *dmring_conn_open(struct net *net, const struct sockaddr_storage *addr,
				     u32 buf_size, struct dmring_waker *waker)
{
	struct dmring_conn *conn = conn_alloc(buf_size);
	int err;

	if (!conn)
		return ERR_PTR(-ENOMEM);
	conn->peer = *addr;
	conn->sock = make_socket(net, addr->ss_family, waker);
	if (IS_ERR(conn->sock)) {
		err = PTR_ERR(conn->sock);
		conn_free(conn);
		return ERR_PTR(err);
	}
	err = kernel_connect(conn->sock, (struct sockaddr *)addr, addr_len(addr), O_NONBLOCK);
	if (err && err != -EINPROGRESS) {
		dmring_conn_close(conn);
		return ERR_PTR(err);
	}
	return conn;
}

struct dmring_conn *dmring_conn_accept(struct socket *listener, u32 buf_size,
				       struct dmring_waker *waker)
{
	struct dmring_conn *conn;
	struct socket *sock;
	int err = kernel_accept(listener, &sock, O_NONBLOCK);

	if (err)
		return ERR_PTR(err);
	tune(sock);
	hook(sock, waker);
	conn = conn_alloc(buf_size);
	if (!conn) {
		unhook_and_abort(sock);
		return ERR_PTR(-ENOMEM);
	}
	conn->sock = sock;
	kernel_getpeername(sock, (struct sockaddr *)&conn->peer);
	return conn;
}

void dmring_conn_close(struct dmring_conn *conn)
{
	unhook_and_abort(conn->sock);
	conn_free(conn);
}

int dmring_conn_state(const struct dmring_conn *conn)
{
	struct sock *sk = conn->sock->sk;
	int err = READ_ONCE(sk->sk_err);

	if (err)
		return -err;
	switch (READ_ONCE(sk->sk_state)) {
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		return 0;
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		return -EINPROGRESS;
	default:
		return -ECONNREFUSED;
	}
}

int dmring_conn_read(struct dmring_conn *conn, u8 *to, u32 len)
{
	struct kvec vec = { .iov_base = to, .iov_len = len };
	struct msghdr msg = {};
	int n = kernel_recvmsg(conn->sock, &msg, &vec, 1, len, MSG_DONTWAIT);

	return n ?: -ECONNRESET;
}

int dmring_conn_fill(struct dmring_conn *conn)
{
	int n;

	if (conn->start && conn->start > conn->size / 2) {
		memmove(conn->buf, conn->buf + conn->start, dmring_conn_have(conn));
		conn->end -= conn->start;
		conn->start = 0;
	}
	if (conn->end == conn->size)
		return -ENOBUFS;
	n = dmring_conn_read(conn, conn->buf + conn->end, conn->size - conn->end);
	if (n > 0)
		conn->end += n;
	return n;
}

void dmring_conn_begin(struct dmring_conn *conn)
{
	conn->vecs = 0;
	conn->bytes = 0;
	conn->heads_used = 0;
	conn->ctl_used = 0;
}

void dmring_conn_add(struct dmring_conn *conn, const void *data, u32 len)
{
	if (!len || WARN_ON_ONCE(conn->vecs == DMRING_CONN_VECS))
		return;
	if (data == dmring_conn_ctl(conn))
		conn->ctl_used += len;
	else if (data == dmring_conn_head(conn))
		conn->heads_used++;
	conn->vec[conn->vecs].iov_base = (void *)data;
	conn->vec[conn->vecs++].iov_len = len;
	conn->bytes += len;
	iov_iter_kvec(&conn->msg.msg_iter, ITER_SOURCE, conn->vec, conn->vecs, conn->bytes);
}

int dmring_conn_send(struct dmring_conn *conn)
{
	while (iov_iter_count(&conn->msg.msg_iter)) {
		int n;

		conn->msg.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
		n = sock_sendmsg(conn->sock, &conn->msg);
		if (n < 0)
			return n;
	}
	dmring_conn_begin(conn);
	return 0;
}

bool dmring_conn_from(const struct dmring_conn *conn, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *a6 = (void *)&conn->peer, *b6 = (void *)addr;
	const struct sockaddr_in *a4 = (void *)&conn->peer, *b4 = (void *)addr;

	if (conn->peer.ss_family != addr->ss_family)
		return false;
	if (addr->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
}
