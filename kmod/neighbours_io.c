// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames in and out of the two links.
 *
 * Input is read in large pieces; a record that is whole in the buffer goes to
 * the log from there, a longer one is gathered in nb->body. Output is
 * gathered in batches, payloads straight from the log. A record counts as sent
 * once it is gathered: it can be freed only when it is stable, and that needs the
 * successor to have all of it.
 *
 * Locking: the thread alone, ring->lock as core.h says.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>

#include "direct.h"
#include "election.h"
#include "neighbours_io.h"
#include "pump.h"
#include "thread.h"

#define RECEIVE_PASS	(32U << 10)	/* bytes taken in before the other side's turn */
#define SEND_BYTES	(64U << 10)	/* payload gathered for one call of the socket */
#define SEND_PASS	8		/* such calls */

static struct dmring_conn *conn_of(struct dmring_neighbours *nb, enum dmring_dir dir)
{
	return dir == DMRING_OUT ? nb->out : nb->in;
}

/* Our own connection is still being opened */
static bool not_yet(const struct dmring_neighbours *nb, enum dmring_dir dir)
{
	return dir == DMRING_OUT && nb->ring->core.out.state == DMRING_SESSION_CONNECTING;
}

/*
 * Receiving
 */

static int body_begin(struct dmring_neighbours *nb)
{
	u32 len = dmring_data_body(&nb->rx.data);

	if (len > nb->body_size) {
		kvfree(nb->body);
		nb->ring->thread_bytes -= nb->body_size;
		nb->body_size = 0;
		nb->body = kvmalloc(len, GFP_KERNEL_ACCOUNT);
		if (!nb->body)
			return -ENOMEM;
		nb->body_size = len;
		nb->ring->thread_bytes += len;
	}
	nb->in_body = true;
	nb->body_have = 0;
	return 0;
}

/* The payload is an event; -EPIPE when it breaks the protocol: the link is gone */
static int read_news(struct dmring_neighbours *nb, const u8 *payload, struct dmring_ev *ev)
{
	u64 now = ktime_get_ns();
	int err;

	spin_lock(&nb->ring->lock);
	err = dmring_core_news(&nb->ring->core, now, get_random_u32(), &nb->rx, payload, ev,
			       &nb->act);
	dmring_ring_unlock(nb->ring);
	dmring_neighbours_act(nb, DMRING_IN, now);
	return err ? -EPIPE : 0;
}

static bool delivers_at_once(const struct dmring_ring *ring)
{
	return ring->order == DMRING_ORDER_FIFO &&
	       ring->core.change.phase == DMRING_PHASE_RUN;
}

/* The payload is a parcel: likewise; or no memory for the first one */
static int check_parcel(struct dmring_neighbours *nb, const u8 *payload)
{
	u64 now = ktime_get_ns();
	struct dmring_parcel p;
	int err = dmring_direct_prepare(nb->ring);

	if (err)
		return err;
	spin_lock(&nb->ring->lock);
	err = dmring_core_parcel(&nb->ring->core, now, get_random_u32(), &nb->rx, payload, &p,
				 &nb->act);
	/* where it is delivered as it comes; else what is withdrawn before it may still wait */
	if (!err && p.kind == DMRING_PARCEL_OFFER && delivers_at_once(nb->ring) &&
	    !dmring_offers_may(&nb->ring->direct->exchange.offers, p.from, p.name))
		err = dmring_core_flood(&nb->ring->core, now, get_random_u32(), &nb->rx, &nb->act);
	dmring_ring_unlock(nb->ring);
	dmring_neighbours_act(nb, DMRING_IN, now);
	return err ? -EPIPE : 0;
}

/* 1 it is done, or -EPIPE */
static int deliver(struct dmring_neighbours *nb, const u8 *payload)
{
	struct dmring_ring *ring = nb->ring;
	struct dmring_ev ev;
	bool news = nb->rx.data.type == DMRING_REC_EVENT;
	int err = 0;

	if (nb->rx.data.type == DMRING_REC_DATA) {
		ring->stats.received++;
		ring->stats.received_bytes += nb->rx.data.len;
	}
	if (nb->rx.what != DMRING_RX_DELIVER)
		return 1;
	if (nb->rx.data.type == DMRING_REC_PARCEL)
		err = check_parcel(nb, payload);
	if (err)
		return err;
	if (news && read_news(nb, payload, &ev))
		return -EPIPE;
	dmring_pump_deliver(ring, &nb->rx, news ? (const u8 *)&ev : payload);
	if (news || !READ_ONCE(ring->takeover_from))
		return 1;
	spin_lock(&ring->lock);
	if (ring->takeover_from)
		dmring_election_carried(ring);
	dmring_ring_unlock(ring);
	return 1;
}

/* 1 the body is complete, 0 more is needed, or an error */
static int body_more(struct dmring_neighbours *nb, struct dmring_conn *conn)
{
	u32 len = dmring_data_body(&nb->rx.data);
	u32 n = min(dmring_conn_have(conn), len - nb->body_have);

	memcpy(nb->body + nb->body_have, dmring_conn_peek(conn), n);
	dmring_conn_consume(conn, n);
	nb->body_have += n;
	if (nb->body_have < len) {
		int ret = dmring_conn_read(conn, nb->body + nb->body_have, len - nb->body_have);

		if (ret < 0)
			return ret;
		nb->body_have += ret;
		nb->taken += ret;
	}
	if (nb->body_have < len)
		return 0;
	nb->in_body = false;
	return deliver(nb, nb->body);
}

/* The whole head of a frame is in the buffer: 1 go on, or an error; act is done */
static int take_head(struct dmring_neighbours *nb, enum dmring_dir dir, struct dmring_conn *conn,
		     const struct dmring_frame *f, u64 now)
{
	struct dmring_ring *ring = nb->ring;
	/* nb->rx may be in the middle of a record while something comes in from the successor */
	struct dmring_rx none, *rx = dir == DMRING_IN ? &nb->rx : &none;
	int err;

	spin_lock(&ring->lock);
	err = dmring_core_head(&ring->core, dir, now, get_random_u32(), f, dmring_conn_peek(conn),
			       rx, &nb->act);
	dmring_ring_unlock(ring);
	dmring_conn_consume(conn, f->head);
	dmring_neighbours_act(nb, dir, now);
	if (err || conn_of(nb, dir) != conn)
		return -EPIPE;
	if (rx->what == DMRING_RX_NONE)
		return 1;
	if (dmring_conn_have(conn) < f->body)
		return body_begin(nb) ?: 1;
	err = deliver(nb, dmring_conn_peek(conn));
	if (err > 0)
		dmring_conn_consume(conn, f->body);
	return err;
}

/* One step: 1 something was done, 0 bytes are missing, -EPIPE the link is gone, or an error */
static int receive_step(struct dmring_neighbours *nb, enum dmring_dir dir,
			struct dmring_conn *conn, u64 now)
{
	struct dmring_frame *f = dir == DMRING_OUT ? &nb->out_frame : &nb->frame;
	bool *known = dir == DMRING_OUT ? &nb->out_known : &nb->in_known;
	int err;

	if (dir == DMRING_IN && nb->in_body)
		return body_more(nb, conn);
	if (!*known) {
		if (dmring_conn_have(conn) < DMRING_WIRE_HDR)
			return 0;
		spin_lock(&nb->ring->lock);
		err = dmring_core_frame(&nb->ring->core, dir, now, get_random_u32(),
					dmring_conn_peek(conn), f, &nb->act);
		dmring_ring_unlock(nb->ring);
		dmring_neighbours_act(nb, dir, now);
		if (err)
			return -EPIPE;
		*known = true;
	}
	if (dmring_conn_have(conn) < f->head)
		return 0;
	*known = false;
	return take_head(nb, dir, conn, f, now);
}

bool dmring_neighbours_receive(struct dmring_neighbours *nb, enum dmring_dir dir)
{
	nb->taken = 0;
	while (nb->taken < RECEIVE_PASS) {
		struct dmring_conn *conn = conn_of(nb, dir);
		u64 now = ktime_get_ns();
		int n, ret;

		if (!conn || not_yet(nb, dir))
			return false;
		n = dmring_conn_fill(conn);
		if (n > 0) {
			nb->taken += n;
			dmring_core_heard(&nb->ring->core, dir, now);
		}
		do {
			ret = receive_step(nb, dir, conn, now);
		} while (ret > 0);
		if (ret == -EPIPE)
			return true;
		if (ret < 0 && ret != -EAGAIN) {
			dmring_neighbours_down(nb, dir, ret);
			return true;
		}
		if (n == -EAGAIN || n == 0)
			return false;
		if (n < 0 && n != -ENOBUFS) {
			dmring_neighbours_down(nb, dir, n);
			return true;
		}
	}
	return true;
}

/*
 * Sending
 */

/* Payload of a record, straight from the log: at most two pieces */
static void add_payload(struct dmring_ring *ring, struct dmring_conn *conn, const u8 *space,
			u64 pos, u32 len)
{
	u64 at = pos & (ring->log.size - 1);
	u32 n = min_t(u64, len, ring->log.size - at);

	dmring_conn_add(conn, space + at, n);
	dmring_conn_add(conn, space, len - n);
}

static u32 add_record(struct dmring_ring *ring, struct dmring_conn *conn, u64 no)
{
	const struct dmring_entry *e = dmring_retain_entry(&ring->core.retain, no);
	bool parcel = e->flags & DMRING_ENTRY_PARCEL;
	const u8 *space = dmring_log_space(&ring->log, parcel);
	const struct dmring_rec *rec = dmring_log_at(&ring->log, e->at, parcel);
	const struct dmring_ident *ident = NULL;
	struct dmring_ident copy;
	struct dmring_ev ev;
	u32 head;
	u64 pos = rec->pos + sizeof(*rec);
	u8 *buf = dmring_conn_head(conn);

	if (rec->flags & DMRING_REC_IDENT) {
		struct dmring_source src = { space, pos, ring->log.size - 1 };

		dmring_source_take(&src, &copy, sizeof(copy));
		ident = &copy;
		pos = src.off;
	}
	head = dmring_core_data(&ring->core, no, rec->len, ident, buf);
	if (rec->type == DMRING_REC_EVENT) {
		/* numbers have a byte order, so it is not sent as it lies there */
		dmring_log_read(&ring->log, pos, &ev, sizeof(ev));
		head += dmring_wire_put_ev(buf + head, &ev);
	}
	dmring_conn_add(conn, buf, head);
	if (rec->type != DMRING_REC_EVENT)
		add_payload(ring, conn, space, pos, dmring_core_body(&ring->core, no, rec->len));
	if (rec->type != DMRING_REC_DATA)
		return 0;
	ring->stats.sent++;
	ring->stats.sent_bytes += rec->len;
	return rec->len;
}

/* True if there was a message */
static bool add_data(struct dmring_ring *ring, struct dmring_conn *conn)
{
	u64 before = ring->stats.sent;
	u32 bytes = 0;
	u64 no;
	int i;

	for (i = 0; i < DMRING_CONN_BATCH && bytes < SEND_BYTES; i++) {
		if (!dmring_core_next(&ring->core, &no))
			break;
		bytes += add_record(ring, conn, no);
		dmring_core_sent(&ring->core, no);
	}
	return ring->stats.sent != before;
}

static void add_order(struct dmring_ring *ring, struct dmring_conn *conn)
{
	u8 *buf = dmring_conn_ctl(conn);
	u32 len = dmring_core_put_order(&ring->core, buf);

	if (len)
		dmring_conn_add(conn, buf, len);
}

static void gather(struct dmring_neighbours *nb, enum dmring_dir dir, struct dmring_conn *conn)
{
	struct dmring_ring *ring = nb->ring;
	u8 *buf;

	dmring_conn_begin(conn);
	if (dmring_core_beat_due(&ring->core, dir, ktime_get_ns())) {
		buf = dmring_conn_ctl(conn);
		dmring_conn_add(conn, buf, dmring_core_put_beat(&ring->core, dir, buf));
	}
	if (dir == DMRING_IN || ring->core.out.state != DMRING_SESSION_STREAM)
		return;
	spin_lock(&ring->lock);
	if (add_data(ring, conn) && ring->takeover_from)
		dmring_election_carried(ring);
	add_order(ring, conn);
	if (dmring_core_marks_due(&ring->core)) {
		buf = dmring_conn_ctl(conn);
		dmring_conn_add(conn, buf, dmring_core_marks(&ring->core, buf));
	}
	dmring_ring_unlock(ring);
}

bool dmring_neighbours_send(struct dmring_neighbours *nb, enum dmring_dir dir)
{
	struct dmring_conn *conn = conn_of(nb, dir);
	int i;

	if (!conn || not_yet(nb, dir))
		return false;
	for (i = 0; i < SEND_PASS; i++) {
		int err;

		if (!dmring_conn_sending(conn))
			gather(nb, dir, conn);
		if (!dmring_conn_sending(conn))
			return false;
		err = dmring_conn_send(conn);
		if (err == -EAGAIN)
			return false;
		if (err) {
			dmring_neighbours_down(nb, dir, err);
			return true;
		}
		dmring_core_said(&nb->ring->core, dir, ktime_get_ns());
	}
	return true;
}
