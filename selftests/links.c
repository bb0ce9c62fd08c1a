// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "links.h"
#include "random.h"

static u64 any_number(struct links *l)
{
	return next_random(l->rnd);
}

static bool one_in(struct links *l, u32 n)
{
	return any_number(l) % n == 0;
}

static enum dmring_dir dir_of(const struct links *l, const struct end *e)
{
	return e == &l->out ? DMRING_OUT : DMRING_IN;
}

static bool is_link(const struct links *l, const struct end *e)
{
	return e == &l->in || e == &l->out;
}

/* The next frame begins. */
static void read_anew(struct end *e)
{
	e->got = 0;
	e->checked = false;
	e->handled = false;
}

void links_open(struct end *e, struct conn *conn, u8 side, u64 now)
{
	e->conn = conn;
	e->side = side;
	e->since = now;
}

struct end *links_pending(struct links *l)
{
	u32 i;

	for (i = 0; i < LINKS_PENDING; i++)
		if (!l->pend[i].conn)
			return &l->pend[i];
	return NULL;
}

void links_close(struct links *l, struct end *e)
{
	if (e->conn)
		l->ops->close(l, e);
	e->conn = NULL;
	read_anew(e);
	e->waits = false;
	e->tx_len = 0;
	e->tx_off = 0;
	e->tx_record = false;
	e->hello = false;
}

void links_close_all(struct links *l)
{
	u32 i;

	links_close(l, &l->in);
	links_close(l, &l->out);
	for (i = 0; i < LINKS_PENDING; i++)
		links_close(l, &l->pend[i]);
}

static void end_free(struct end *e)
{
	free(e->body);
	free(e->tx);
	e->body = NULL;
	e->body_size = 0;
	e->tx = NULL;
}

void links_free(struct links *l)
{
	u32 i;

	links_close_all(l);
	end_free(&l->in);
	end_free(&l->out);
	for (i = 0; i < LINKS_PENDING; i++)
		end_free(&l->pend[i]);
}

/*
 * Doing what the core says
 */

static void refuse(struct links *l, struct end *e, const struct dmring_act *act)
{
	u8 buf[DMRING_WIRE_REFUSE_MAX];
	u32 len = dmring_core_put_refuse(act, buf);

	if (!e->tx_len)
		l->ops->write(l, e, buf, len);
}

/* An accepted connection becomes the link; each end keeps its buffers */
static struct end *adopt(struct links *l, struct end *e)
{
	struct end was;

	links_close(l, &l->in);
	was = l->in;
	l->in = *e;
	*e = was;
	return &l->in;
}

void links_act(struct links *l, struct end *e, const struct dmring_act *act)
{
	l->ops->acts(l, act);
	if (act->what & DMRING_ACT_REPLACE)
		e = adopt(l, e);
	if (act->what & DMRING_ACT_HELLO)
		e->hello = true;
	if (act->what & DMRING_ACT_REFUSE && e->conn)
		refuse(l, e, act);
	if (act->what & (DMRING_ACT_CLOSE | DMRING_ACT_REFUSE))
		links_close(l, e);
	if (act->what & DMRING_ACT_CONNECT)
		l->ops->connect(l);
	l->ops->acted(l);
}

static void lost(struct links *l, struct end *e)
{
	struct dmring_act act;

	if (is_link(l, e)) {
		dmring_core_down(l->core, dir_of(l, e), *l->now, any_number(l), -ECONNRESET,
				 &act);
		links_act(l, e, &act);
	}
	links_close(l, e);
}

/*
 * In: the common header, then the head, then the body
 */

static void got_header(struct links *l, struct end *e)
{
	struct dmring_act act;

	if (is_link(l, e))
		dmring_core_frame(l->core, dir_of(l, e), *l->now, any_number(l), e->head,
				  &e->frame, &act);
	else
		dmring_core_greeting(l->core, e->head, &e->frame, &act);
	e->checked = true;
	links_act(l, e, &act);
}

static void got_greeting(struct links *l, struct end *e)
{
	struct dmring_act act;
	int err = dmring_core_hello(l->core, *l->now, e->head, e->frame.head, &act);

	e->waits = err == -EAGAIN;
	if (e->waits)
		return;
	read_anew(e);
	links_act(l, e, &act);
}

static void make_room(struct end *e, u32 size)
{
	if (e->body_size >= size)
		return;
	e->body = realloc(e->body, size);
	e->body_size = size;
}

static void got_head(struct links *l, struct end *e)
{
	struct dmring_act act;

	e->handled = true;
	e->rx.what = DMRING_RX_NONE;
	dmring_core_head(l->core, dir_of(l, e), *l->now, any_number(l), &e->frame, e->head,
			 &e->rx, &act);
	make_room(e, e->frame.body);
	links_act(l, e, &act);
}

static void got_frame(struct links *l, struct end *e)
{
	if (e->rx.what != DMRING_RX_NONE)
		l->ops->came(l, e);
	read_anew(e);
}

bool links_pull(struct links *l, struct end *e)
{
	u32 want = !e->checked ? DMRING_WIRE_HDR : !e->handled ? e->frame.head : e->frame.len;
	u8 *at = e->handled ? e->body + (e->got - e->frame.head) : e->head + e->got;
	int n = 0;

	if (e->waits) {
		got_greeting(l, e);
		return false;
	}
	if (e->got < want)
		n = l->ops->read(l, e, at, want - e->got);
	if (n < 0)
		lost(l, e);
	if (n <= 0 && (!e->conn || e->got < want))
		return false;
	e->got += n;
	if (is_link(l, e))
		dmring_core_heard(l->core, dir_of(l, e), *l->now);
	if (e->got < want)
		return true;
	if (!e->checked)
		got_header(l, e);
	else if (!is_link(l, e))
		got_greeting(l, e);
	else if (!e->handled)
		got_head(l, e);
	else
		got_frame(l, e);
	return e->conn;
}

/*
 * Out
 */

/* The next frame for this link; 0 for none. Marks and orders now and then before data. */
static u32 next_frame(struct links *l, struct end *e)
{
	enum dmring_dir dir = dir_of(l, e);
	struct dmring_core *c = l->core;
	u32 len = 0;

	if (e->hello) {
		e->hello = false;
		return dmring_core_put_hello(c, e->tx);
	}
	if (dmring_core_beat_due(c, dir, *l->now))
		return dmring_core_put_beat(c, dir, e->tx);
	if (dir == DMRING_IN)
		return 0;
	if (one_in(l, 3))
		len = dmring_core_marks(c, e->tx);
	if (!len && one_in(l, 3))
		len = dmring_core_put_order(c, e->tx);
	if (!len && dmring_core_next(c, &e->tx_no)) {
		e->tx_record = true;
		return l->ops->record(l, e->tx_no, e->tx);
	}
	if (!len)
		len = dmring_core_put_order(c, e->tx);
	if (!len && dmring_core_marks_due(c))
		len = dmring_core_marks(c, e->tx);
	return len;
}

/* One frame, or as much of it as goes */
bool links_push(struct links *l, struct end *e)
{
	int n;

	if (!e->tx)
		e->tx = malloc(DMRING_WIRE_HEAD_MAX + l->ops->record_max);
	if (e->tx_off == e->tx_len) {
		e->tx_record = false;
		e->tx_off = 0;
		e->tx_len = next_frame(l, e);
	}
	if (!e->tx_len)
		return false;
	n = l->ops->write(l, e, e->tx + e->tx_off, e->tx_len - e->tx_off);
	if (n < 0) {
		lost(l, e);
		return false;
	}
	e->tx_off += n;
	if (e->tx_off < e->tx_len)
		return n;
	if (e->tx_record)
		dmring_core_sent(l->core, e->tx_no);
	e->tx_len = 0;
	e->tx_off = 0;
	dmring_core_said(l->core, dir_of(l, e), *l->now);
	return true;
}

/*
 * Time, and views
 */

static void tick(struct links *l, enum dmring_dir dir, struct end *e)
{
	struct dmring_act act;

	dmring_core_tick(l->core, dir, *l->now, any_number(l), &act);
	links_act(l, e, &act);
}

void links_tick(struct links *l)
{
	u32 i;

	for (i = 0; i < LINKS_PENDING; i++)
		if (l->pend[i].conn &&
		    *l->now > l->pend[i].since + dmring_core_greeting_time(l->core))
			links_close(l, &l->pend[i]);
	tick(l, DMRING_IN, &l->in);
	tick(l, DMRING_OUT, &l->out);
}

void links_follow(struct links *l)
{
	u32 i;

	if (l->core->in.state == DMRING_SESSION_IDLE)
		links_close(l, &l->in);
	if (l->core->out.state == DMRING_SESSION_IDLE || l->core->out.state == DMRING_SESSION_WAIT)
		links_close(l, &l->out);
	for (i = 0; i < LINKS_PENDING; i++)
		if (l->pend[i].conn && l->pend[i].waits)
			got_greeting(l, &l->pend[i]);
}
