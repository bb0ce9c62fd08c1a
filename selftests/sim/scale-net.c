// SPDX-License-Identifier: GPL-2.0-only
/* Connections that never break: frames leave one after the other, and arrive a while later. */
#include "scale.h"

static void pipe_init(struct pipe *p)
{
	p->buf = malloc(PIPE_BYTES);
	p->frame = malloc(PIPE_FRAMES * sizeof(*p->frame));
}

static void pipe_free(struct pipe *p)
{
	free(p->buf);
	free(p->frame);
}

static void end_init(struct end *e, struct conn *c, u8 side, u64 now)
{
	e->conn = c;
	e->side = side;
	e->since = now;
}

void net_open(struct host *a, struct end *from, struct host *b, struct end *to, u64 now)
{
	struct conn *c = calloc(1, sizeof(*c));

	pipe_init(&c->pipe[0]);
	pipe_init(&c->pipe[1]);
	c->host[0] = a;
	c->host[1] = b;
	c->open[0] = true;
	c->open[1] = true;
	end_init(from, c, 0, now);
	end_init(to, c, 1, now);
}

static struct host *other_host(const struct end *e)
{
	return e->conn->host[!e->side];
}

void net_close(struct end *e, u64 now)
{
	struct conn *c = e->conn;

	host_wake(other_host(e), now);
	c->open[e->side] = false;
	if (c->open[!e->side])
		return;
	pipe_free(&c->pipe[0]);
	pipe_free(&c->pipe[1]);
	free(c);
}

bool net_room(const struct end *e)
{
	const struct pipe *p = &e->conn->pipe[e->side];

	return p->tail - p->head + GATHER_MAX <= PIPE_BYTES &&
	       p->last - p->first + GATHER_RECORDS + 4 <= PIPE_FRAMES;
}

static void copy_in(struct pipe *p, const u8 *buf, u32 len)
{
	u32 at = p->tail & (PIPE_BYTES - 1), n = min(len, PIPE_BYTES - at);

	memcpy(p->buf + at, buf, n);
	memcpy(p->buf, buf + n, len - n);
	p->tail += len;
}

static void copy_out(struct pipe *p, u8 *buf, u32 len)
{
	u32 at = p->head & (PIPE_BYTES - 1), n = min(len, PIPE_BYTES - at);

	memcpy(buf, p->buf + at, n);
	memcpy(buf + n, p->buf, len - n);
	p->head += len;
}

void net_write(struct end *e, const u8 *buf, u32 len, u64 now)
{
	struct pipe *p = &e->conn->pipe[e->side];
	u64 at;

	p->idle_at = max(p->idle_at, now) + (len * 8 + LINK_BITS - 1) / LINK_BITS;
	at = p->idle_at + LINK_DELAY;
	copy_in(p, buf, len);
	p->frame[p->last++ & (PIPE_FRAMES - 1)] = (struct frame_there){ .at = at, .len = len };
	host_wake(other_host(e), at);
}

int net_read(struct end *e, u8 *buf, u32 len, u64 now, bool *whole)
{
	struct pipe *p = &e->conn->pipe[!e->side];
	struct frame_there *f = &p->frame[p->first & (PIPE_FRAMES - 1)];
	u32 n;

	*whole = false;
	if (p->first == p->last)
		return e->conn->open[!e->side] ? 0 : -1;
	if (f->at > now)
		return 0;
	n = min(len, f->len);
	copy_out(p, buf, n);
	f->len -= n;
	*whole = !f->len;
	if (*whole)
		p->first++;
	host_wake(other_host(e), now);
	return n;
}

u64 net_arrives(const struct end *e)
{
	const struct pipe *p;

	if (!e->conn)
		return NEVER;
	p = &e->conn->pipe[!e->side];
	if (p->first == p->last)
		return e->conn->open[!e->side] ? NEVER : 0;
	return p->frame[p->first & (PIPE_FRAMES - 1)].at;
}
