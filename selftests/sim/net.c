// SPDX-License-Identifier: GPL-2.0-only
#include "sim.h"

void net_open(struct world *w, struct end *from, struct end *to, u16 a, u16 b)
{
	struct conn *c = w->spare;

	if (c)
		w->spare = c->next;
	else
		c = malloc(sizeof(*c));
	c->pipe[0].len = 0;
	c->pipe[1].len = 0;
	c->pipe[0].segs = 0;
	c->pipe[1].segs = 0;
	c->host[0] = a;
	c->host[1] = b;
	c->open[0] = true;
	c->open[1] = true;
	c->cut = false;
	from->conn = c;
	from->side = 0;
	from->since = w->now;
	to->conn = c;
	to->side = 1;
	to->since = w->now;
}

static struct host *other_host(struct world *w, const struct end *e)
{
	return &w->host[e->conn->host[!e->side]];
}

void net_close(struct world *w, struct end *e)
{
	struct conn *c = e->conn;

	host_wake(other_host(w, e), w->now);
	c->open[e->side] = false;
	if (!c->open[!e->side]) {
		c->next = w->spare;
		w->spare = c;
	}
}

int net_write(struct world *w, struct end *e, const u8 *buf, u32 len)
{
	struct pipe *p = &e->conn->pipe[e->side];
	struct segment *s;
	u64 last;
	u32 n;

	if (e->conn->cut)
		return -1;
	if (!e->conn->open[!e->side])
		return blocked(w, e->conn->host[!e->side], e->conn->host[e->side]) ? 0 : -1;
	n = min(len, SIM_PIPE - p->len);
	if (!n || p->segs == SIM_SEGMENTS)
		return 0;
	if (n > 1 && !below(w, 8))
		n = 1 + below(w, n);
	memcpy(p->buf + p->len, buf, n);
	p->len += n;
	last = p->segs ? p->seg[p->segs - 1].at : 0;
	s = &p->seg[p->segs++];
	s->len = n;
	s->at = max(last, w->now + w->delay / 4 + below(w, w->delay));
	host_wake(other_host(w, e), s->at);
	return n;
}

int net_read(struct world *w, struct end *e, u8 *buf, u32 len)
{
	struct pipe *p = &e->conn->pipe[!e->side];
	u32 n;

	if (blocked(w, e->conn->host[!e->side], e->conn->host[e->side]))
		return e->conn->cut ? -1 : 0;
	if (!p->len)
		return e->conn->cut || !e->conn->open[!e->side] ? -1 : 0;
	if (p->seg[0].at > w->now)
		return 0;
	n = min(len, p->seg[0].len);
	memcpy(buf, p->buf, n);
	p->len -= n;
	memmove(p->buf, p->buf + n, p->len);
	p->seg[0].len -= n;
	if (!p->seg[0].len)
		memmove(p->seg, p->seg + 1, --p->segs * sizeof(p->seg[0]));
	host_wake(other_host(w, e), w->now);
	return n;
}

void net_cut(struct world *w, struct conn *c)
{
	u32 i, k;

	c->cut = true;
	for (i = 0; i < 2; i++) {
		struct pipe *p = &c->pipe[i];
		u32 len = 0;

		p->len = below(w, p->len + 1);
		for (k = 0; k < p->segs && len < p->len; len += p->seg[k++].len)
			p->seg[k].len = min(p->seg[k].len, p->len - len);
		p->segs = k;
		host_wake(&w->host[c->host[i]], w->now);
	}
}

u64 net_arrives(const struct world *w, const struct end *e)
{
	const struct pipe *p;
	u64 until;

	if (!e->conn)
		return SIM_NEVER;
	p = &e->conn->pipe[!e->side];
	until = w->blocked[e->conn->host[!e->side]][e->conn->host[e->side]];
	if (!p->len)
		return e->conn->cut || !e->conn->open[!e->side] ? until : SIM_NEVER;
	return max(p->seg[0].at, until);
}

void net_free(struct world *w)
{
	while (w->spare) {
		struct conn *c = w->spare;

		w->spare = c->next;
		free(c);
	}
}
