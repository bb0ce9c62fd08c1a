// SPDX-License-Identifier: GPL-2.0-only
/*
 * The links of a host, as its thread works them. What to do is decided by
 * kmod/core; here bytes are moved, and what the core asks for is done.
 *
 * The successor's connection is opened by us and carries our data; the
 * predecessor's is accepted and carries ours in. An accepted connection is a
 * guest until its HELLO is taken: few are kept, each for a short time only, and
 * those from the predecessor's address go last when there are too many.
 *
 * Locking: the thread alone. What the core shares with the pump is called with
 * ring->lock held, as core.h says for each function.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "event.h"
#include "member.h"
#include "neighbours.h"
#include "neighbours_io.h"
#include "pump.h"
#include "thread.h"

#define GUESTS_MAX	8
#define GUEST_BUF	(2 * DMRING_WIRE_HEAD_MAX)
#define OUT_BUF		(2 * DMRING_WIRE_HEAD_MAX)
#define CLOSING_NS	(200 * NSEC_PER_MSEC)	/* for a refusal to be read */

static void wake_thread(struct dmring_waker *waker)
{
	struct dmring_neighbours *nb = container_of(waker, struct dmring_neighbours, waker);

	dmring_thread_kick(nb->ring, DMRING_WORK_LINK);
}

int dmring_neighbours_init(struct dmring_neighbours *nb, struct dmring_ring *ring)
{
	nb->ring = ring;
	nb->waker.wake = wake_thread;
	INIT_LIST_HEAD(&nb->guests);
	nb->listener = dmring_listen(ring->net, &ring->listen, &nb->waker);
	return PTR_ERR_OR_ZERO(nb->listener);
}

/* It is a guest no longer: the caller closes it, or it becomes the link */
static void take_guest(struct dmring_neighbours *nb, struct dmring_conn *conn)
{
	list_del(&conn->node);
	nb->guest_count--;
}

static void drop_guest(struct dmring_neighbours *nb, struct dmring_conn *conn)
{
	take_guest(nb, conn);
	dmring_conn_close(conn);
}

static void close_links(struct dmring_neighbours *nb)
{
	if (nb->out)
		dmring_conn_close(nb->out);
	if (nb->in)
		dmring_conn_close(nb->in);
	nb->out = NULL;
	nb->in = NULL;
	nb->in_known = false;
	nb->out_known = false;
	nb->in_body = false;
	while (!list_empty(&nb->guests))
		drop_guest(nb, list_first_entry(&nb->guests, struct dmring_conn, node));
}

void dmring_neighbours_exit(struct dmring_neighbours *nb)
{
	close_links(nb);
	if (!IS_ERR_OR_NULL(nb->listener))
		dmring_unlisten(nb->listener);
	kvfree(nb->body);
}

static const struct dmring_peer *peer_of(const struct dmring_neighbours *nb, u32 node)
{
	u32 i;

	for (i = 0; i < nb->peer_count; i++)
		if (nb->peers[i].node == node)
			return &nb->peers[i];
	return NULL;
}

/*
 * Doing what the core says
 */

static void tell(struct dmring_neighbours *nb, u8 what, u64 arg, u8 ntf)
{
	struct dmring_ev ev = { .what = what, .node = nb->act.node, .arg = arg };
	struct dmring_ring *ring = nb->ring;

	spin_lock(&ring->lock);
	dmring_ring_event(ring, &ev);
	dmring_ring_unlock(ring);
	dmring_notify(ring->net, &(struct dmring_ntf_info){
		.ring = ring->name, .what = ntf, .node = nb->act.node,
		.why = nb->act.why[0] ? nb->act.why : NULL });
}

void dmring_neighbours_tell_sizes(struct dmring_ring *ring)
{
	struct dmring_member *m;

	spin_lock(&ring->lock);
	list_for_each_entry(m, &ring->members, node)
		WRITE_ONCE(m->slot.kern->max_msg, dmring_core_max_msg(&ring->core));
	dmring_ring_unlock(ring);
}

static void show_view(struct dmring_ring *ring)
{
	spin_lock(&ring->lock);
	dmring_ring_show_view(ring);
	dmring_ring_unlock(ring);
}

static void open_link(struct dmring_neighbours *nb)
{
	const struct dmring_peer *peer = peer_of(nb, dmring_core_succ(&nb->ring->core));

	if (WARN_ON_ONCE(!peer || nb->out))
		return;
	nb->out = dmring_conn_open(nb->ring->net, &peer->addr, OUT_BUF, &nb->waker);
	nb->out_known = false;
	if (IS_ERR(nb->out)) {
		int err = PTR_ERR(nb->out);

		nb->out = NULL;
		dmring_neighbours_down(nb, DMRING_OUT, err);
	}
}

/* What concerns the whole ring, not a connection */
static void act_ring(struct dmring_neighbours *nb, u32 what)
{
	struct dmring_ring *ring = nb->ring;
	struct dmring_act *act = &nb->act;

	if (what & DMRING_ACT_UP) {
		ring->stats.link_ups++;
		tell(nb, DMRING_EV_HOST_BACK, 0, DMRING_NTF_HOST_BACK);
	}
	if (what & DMRING_ACT_DOWN) {
		if (act->reason == DMRING_AWAY_PROTOCOL)
			ring->stats.link_errors++;
		tell(nb, DMRING_EV_HOST_AWAY, act->reason, DMRING_NTF_HOST_AWAY);
	}
	if (what & DMRING_ACT_REFUSED) {
		ring->stats.refused++;
		tell(nb, DMRING_EV_HOST_REFUSED, -act->err, DMRING_NTF_HOST_REFUSED);
	}
	if (what & DMRING_ACT_SIZES)
		dmring_neighbours_tell_sizes(ring);
	act->node = 0;
	act->why[0] = 0;
	if (what & DMRING_ACT_CLOSED) {
		show_view(ring);
		tell(nb, DMRING_EV_CLOSED, 0, DMRING_NTF_CLOSED);
	}
	if (what & DMRING_ACT_BROKEN) {
		show_view(ring);
		tell(nb, DMRING_EV_BROKEN, 0, DMRING_NTF_BROKEN);
	}
	if (what & (DMRING_ACT_GATE | DMRING_ACT_PUMP))
		set_bit(DMRING_WORK_PUMP, &ring->work);
}

/* Sessions as others may see them */
static void show_links(struct dmring_neighbours *nb)
{
	struct dmring_ring *ring = nb->ring;

	spin_lock(&ring->lock);
	ring->show_out.state = ring->core.out.state;
	ring->show_out.refused = ring->core.out.refused;
	memcpy(ring->show_out.why, ring->core.out.why, sizeof(ring->show_out.why));
	ring->show_in.state = ring->core.in.state;
	ring->show_in.refused = ring->core.in.refused;
	memcpy(ring->show_in.why, ring->core.in.why, sizeof(ring->show_in.why));
	dmring_ring_unlock(ring);
}

static void take_peers(struct dmring_neighbours *nb)
{
	memcpy(nb->peers, nb->ring->peers, nb->ring->peer_count * sizeof(*nb->peers));
	nb->peer_count = nb->ring->peer_count;
}

/*
 * Who is on the ring is settled: by what it has carried, or by a view. Then peers are addresses,
 * for the views to come; but those of the present hosts have to stay. @why: that it is settled.
 */
static int take_addresses(struct dmring_neighbours *nb, char *why)
{
	const struct dmring_core *c = &nb->ring->core;
	u16 i;

	for (i = 0; i < c->view.count; i++)
		if (!dmring_ring_has_address(nb->ring, c->view.node[i]))
			return -EBUSY;
	for (i = 0; c->change.phase == DMRING_PHASE_FILL && i < c->change.record.count; i++)
		if (!dmring_ring_has_address(nb->ring, c->change.record.host[i].node))
			return -EBUSY;
	take_peers(nb);
	strscpy(why, "only the address is noted: who is on the ring is for a view to say",
		DMRING_WHY_SIZE);
	return 0;
}

int dmring_neighbours_config(struct dmring_neighbours *nb, char *why)
{
	struct dmring_ring *ring = nb->ring;
	u32 nodes[DMRING_HOSTS_MAX - 1];
	u32 i;
	int err;

	for (i = 0; i < ring->peer_count; i++)
		nodes[i] = ring->peers[i].node;
	/* a message that is being copied belongs to the hosts there were */
	dmring_pump_lock_whole(ring);
	err = dmring_core_set_hosts(&ring->core, nodes, ring->peer_count, ktime_get_ns(), why);
	dmring_ring_unlock(ring);
	if (err == -EBUSY)
		return take_addresses(nb, why);
	if (err)
		return err;
	/* the core has begun anew; what is open belongs to its past */
	close_links(nb);
	take_peers(nb);
	dmring_neighbours_tell_sizes(ring);
	show_links(nb);
	return 0;
}

/* The connection of one direction is to go; returns it */
static struct dmring_conn *take_conn(struct dmring_neighbours *nb, enum dmring_dir dir)
{
	struct dmring_conn **slot = dir == DMRING_OUT ? &nb->out : &nb->in;
	struct dmring_conn *conn = *slot;

	*slot = NULL;
	if (dir == DMRING_OUT) {
		nb->out_known = false;
	} else {
		nb->in_known = false;
		nb->in_body = false;
	}
	return conn;
}

void dmring_neighbours_follow(struct dmring_neighbours *nb)
{
	const struct dmring_core *c = &nb->ring->core;
	struct dmring_conn *conn;

	take_peers(nb);
	if (c->in.state == DMRING_SESSION_IDLE) {
		conn = take_conn(nb, DMRING_IN);
		if (conn)
			dmring_conn_close(conn);
	}
	if (c->out.state == DMRING_SESSION_IDLE || c->out.state == DMRING_SESSION_WAIT) {
		conn = take_conn(nb, DMRING_OUT);
		if (conn)
			dmring_conn_close(conn);
	}
	show_links(nb);
}

/* Say why, and give the other end a moment to read it */
static void refuse(struct dmring_neighbours *nb, struct dmring_conn *conn, u64 now)
{
	u8 *buf;

	/* in the middle of a frame a refusal would not be understood */
	if (dmring_conn_sending(conn)) {
		dmring_conn_close(conn);
		return;
	}
	dmring_conn_begin(conn);
	buf = dmring_conn_ctl(conn);
	dmring_conn_add(conn, buf, dmring_core_put_refuse(&nb->act, buf));
	conn->closing = true;
	conn->deadline = now + CLOSING_NS;
	list_add_tail(&conn->node, &nb->guests);
	nb->guest_count++;
	dmring_conn_send(conn);
}

/* nb->act ends this connection, with a refusal or without */
static void end_conn(struct dmring_neighbours *nb, struct dmring_conn *conn, u64 now)
{
	if (nb->act.what & DMRING_ACT_REFUSE)
		refuse(nb, conn, now);
	else
		dmring_conn_close(conn);
}

static void say_hello(struct dmring_neighbours *nb, struct dmring_conn *conn)
{
	u8 *buf;

	dmring_conn_begin(conn);
	buf = dmring_conn_ctl(conn);
	spin_lock(&nb->ring->lock);
	dmring_conn_add(conn, buf, dmring_core_put_hello(&nb->ring->core, buf));
	dmring_ring_unlock(nb->ring);
}

void dmring_neighbours_act(struct dmring_neighbours *nb, enum dmring_dir dir, u64 now)
{
	struct dmring_conn *conn = dir == DMRING_OUT ? nb->out : nb->in;
	u32 what = nb->act.what;

	if (!what)
		return;
	if (what & DMRING_ACT_HELLO && conn)
		say_hello(nb, conn);
	if (what & (DMRING_ACT_REFUSE | DMRING_ACT_CLOSE) && conn) {
		take_conn(nb, dir);
		end_conn(nb, conn, now);
	}
	act_ring(nb, what);
	show_links(nb);
	if (what & DMRING_ACT_CONNECT)
		open_link(nb);
}

void dmring_neighbours_down(struct dmring_neighbours *nb, enum dmring_dir dir, int err)
{
	struct dmring_conn *conn = take_conn(nb, dir);
	u64 now = ktime_get_ns();

	if (conn)
		dmring_conn_close(conn);
	spin_lock(&nb->ring->lock);
	dmring_core_down(&nb->ring->core, dir, now, get_random_u32(), err, &nb->act);
	dmring_ring_unlock(nb->ring);
	dmring_neighbours_act(nb, dir, now);
}

/*
 * Guests
 */

/* The oldest, those from the predecessor's address last */
static void make_place(struct dmring_neighbours *nb)
{
	const struct dmring_peer *pred = peer_of(nb, dmring_core_pred(&nb->ring->core));
	struct dmring_conn *conn;

	list_for_each_entry(conn, &nb->guests, node) {
		if (!pred || !dmring_conn_from(conn, &pred->addr)) {
			drop_guest(nb, conn);
			return;
		}
	}
	drop_guest(nb, list_first_entry(&nb->guests, struct dmring_conn, node));
}

/* True: there may be more */
static bool accept_guests(struct dmring_neighbours *nb, u64 now)
{
	int i;

	for (i = 0; i < 2 * GUESTS_MAX; i++) {
		struct dmring_conn *conn = dmring_conn_accept(nb->listener, GUEST_BUF,
							      &nb->waker);

		if (IS_ERR(conn))
			return false;
		while (nb->guest_count >= GUESTS_MAX)
			make_place(nb);
		conn->deadline = now + dmring_core_greeting_time(&nb->ring->core);
		list_add_tail(&conn->node, &nb->guests);
		nb->guest_count++;
	}
	return true;
}

/* A whole HELLO is there: the guest becomes the link, or is refused */
static void admit(struct dmring_neighbours *nb, struct dmring_conn *conn, u32 len, u64 now)
{
	struct dmring_ring *ring = nb->ring;
	struct dmring_conn *old = NULL;
	int err;

	spin_lock(&ring->lock);
	err = dmring_core_hello(&ring->core, now, dmring_conn_peek(conn), len, &nb->act);
	dmring_ring_unlock(ring);
	/* early in a change of views: it is asked again in each pass, until its time is over */
	if (err == -EAGAIN)
		return;
	take_guest(nb, conn);
	if (err) {
		/* each is counted, also one whose cause is no news: that counts in act_ring() */
		if (!(nb->act.what & DMRING_ACT_REFUSED))
			ring->stats.refused++;
		end_conn(nb, conn, now);
		act_ring(nb, nb->act.what);
		show_links(nb);
		return;
	}
	if (nb->in)
		old = take_conn(nb, DMRING_IN);
	if (old)
		dmring_conn_close(old);
	dmring_conn_consume(conn, len);
	nb->in = conn;
	dmring_neighbours_act(nb, DMRING_IN, now);
}

/* False when the guest is no longer one */
static bool hear_guest(struct dmring_neighbours *nb, struct dmring_conn *conn, u64 now)
{
	struct dmring_frame f;
	int n = dmring_conn_fill(conn);

	if (n < 0 && n != -EAGAIN && n != -ENOBUFS) {
		drop_guest(nb, conn);
		return false;
	}
	if (dmring_conn_have(conn) < DMRING_WIRE_HDR)
		return true;
	if (dmring_core_greeting(&nb->ring->core, dmring_conn_peek(conn), &f, &nb->act)) {
		/* not so when a host is early: we may have no peers yet */
		if (nb->act.err == -EPROTO)
			nb->ring->stats.link_errors++;
		else
			nb->ring->stats.refused++;
		take_guest(nb, conn);
		end_conn(nb, conn, now);
		return false;
	}
	if (dmring_conn_have(conn) < f.head)
		return true;
	admit(nb, conn, f.head, now);
	return false;
}

static void serve_guests(struct dmring_neighbours *nb, u64 now)
{
	struct dmring_conn *conn, *next;

	list_for_each_entry_safe(conn, next, &nb->guests, node) {
		if (now >= conn->deadline)
			drop_guest(nb, conn);
		else if (!conn->closing)
			hear_guest(nb, conn, now);
		else if (dmring_conn_send(conn) != -EAGAIN && dmring_conn_state(conn))
			drop_guest(nb, conn);
	}
}

/*
 * A pass
 */

static void tick(struct dmring_neighbours *nb, enum dmring_dir dir, u64 now)
{
	spin_lock(&nb->ring->lock);
	dmring_core_tick(&nb->ring->core, dir, now, get_random_u32(), &nb->act);
	dmring_ring_unlock(nb->ring);
	dmring_neighbours_act(nb, dir, now);
}

static void check_connecting(struct dmring_neighbours *nb, u64 now)
{
	int err;

	if (!nb->out || nb->ring->core.out.state != DMRING_SESSION_CONNECTING)
		return;
	err = dmring_conn_state(nb->out);
	if (err == -EINPROGRESS)
		return;
	if (err) {
		dmring_neighbours_down(nb, DMRING_OUT, err);
		return;
	}
	dmring_core_connected(&nb->ring->core, now, &nb->act);
	dmring_neighbours_act(nb, DMRING_OUT, now);
}

bool dmring_neighbours_hear(struct dmring_neighbours *nb)
{
	u64 now = ktime_get_ns();
	bool more = accept_guests(nb, now);

	serve_guests(nb, now);
	check_connecting(nb, now);
	more |= dmring_neighbours_receive(nb, DMRING_IN);
	more |= dmring_neighbours_receive(nb, DMRING_OUT);
	now = ktime_get_ns();
	tick(nb, DMRING_IN, now);
	tick(nb, DMRING_OUT, now);
	return more;
}

bool dmring_neighbours_say(struct dmring_neighbours *nb)
{
	bool more = dmring_neighbours_send(nb, DMRING_OUT);

	return dmring_neighbours_send(nb, DMRING_IN) || more;
}

u64 dmring_neighbours_deadline(struct dmring_neighbours *nb)
{
	bool out_full = nb->out && dmring_conn_sending(nb->out);
	bool in_full = nb->in && dmring_conn_sending(nb->in);
	u64 at = dmring_core_deadline_full(&nb->ring->core, out_full, in_full);
	struct dmring_conn *conn;

	list_for_each_entry(conn, &nb->guests, node)
		at = min(at, conn->deadline);
	return at;
}
