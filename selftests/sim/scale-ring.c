// SPDX-License-Identifier: GPL-2.0-only
/* The ring and its clock. */
#include <stdio.h>
#include "scale.h"

#define PATIENCE	(60000 * MS)	/* after which nothing will come any more */

void ring_fail(struct ring *r, const char *what, u32 node, const char *why)
{
	if (r->failed)
		return;
	snprintf(r->text, sizeof(r->text), "%s (host %u of %u): %s", what, node, r->o.hosts, why);
	r->failed = r->text;
}

void sample_add(struct sample *s, u64 ns)
{
	if (s->count == s->size) {
		s->size = 2 * s->size + 1024;
		s->ns = realloc(s->ns, s->size * sizeof(*s->ns));
	}
	s->ns[s->count++] = ns;
}

static int compare(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

u64 sample_at(struct sample *s, u32 permille)
{
	if (!s->count)
		return 0;
	qsort(s->ns, s->count, sizeof(*s->ns), compare);
	return s->ns[(s->count - 1) * permille / 1000];
}

/*
 * The clock
 */

static struct host *next_host(struct ring *r)
{
	struct host *h = &r->host[0];
	u16 i;

	for (i = 1; i < r->o.hosts; i++)
		if (r->host[i].run_at < h->run_at)
			h = &r->host[i];
	return h;
}

/* A host's turn, unless it comes after @until */
static bool step(struct ring *r, u64 until)
{
	struct host *h = next_host(r);

	if (h->run_at > until || r->failed)
		return false;
	r->now = max(r->now, h->run_at);
	host_run(h);
	return true;
}

const char *ring_until(struct ring *r, u64 until)
{
	while (step(r, until))
		;
	r->now = max(r->now, until);
	return r->failed;
}

static const char *run_until(struct ring *r, bool (*done)(const struct ring *r), const char *what)
{
	u64 until = r->now + PATIENCE;

	while (!done(r))
		if (!step(r, until)) {
			ring_fail(r, what, 0, "it never comes to that");
			break;
		}
	return r->failed;
}

static bool is_closed(const struct ring *r)
{
	u16 i;

	for (i = 0; i < r->o.hosts; i++)
		if (!r->host[i].core.gate || !r->host[i].core.closed)
			return false;
	return true;
}

const char *ring_close(struct ring *r)
{
	return run_until(r, is_closed, "the ring is closed");
}

static bool all_delivered(const struct ring *r)
{
	return r->accepted >= r->flood && r->everywhere == r->accepted;
}

const char *ring_deliver(struct ring *r)
{
	return run_until(r, all_delivered, "all is delivered");
}

/* Everybody has all that each has sent, nothing is kept any more, and all windows are open. */
static bool at_rest(const struct ring *r)
{
	u16 i, o;

	for (i = 0; i < r->o.hosts; i++) {
		const struct host *h = &r->host[i];

		if (h->core.retain.first != h->core.retain.next ||
		    h->core.window.released != h->core.retain.origin[i].have_cost)
			return false;
		for (o = 0; o < r->o.hosts; o++)
			if (h->seen[o] != r->host[o].msgs)
				return false;
	}
	return true;
}

const char *ring_rest(struct ring *r)
{
	return run_until(r, at_rest, "all is freed");
}

struct ring *ring_new(const struct ring_opts *o)
{
	struct ring *r = calloc(1, sizeof(*r));
	u16 i;

	r->o = *o;
	r->rnd = o->seed;
	r->now = 1000 * MS;
	r->host = calloc(o->hosts, sizeof(*r->host));
	for (i = 0; i < o->hosts; i++)
		host_boot(r, i);
	return r;
}

void ring_free(struct ring *r)
{
	u16 i;

	for (i = 0; i < r->o.hosts; i++)
		host_free(&r->host[i]);
	free(r->latency.ns);
	free(r->line);
	free(r->host);
	free(r);
}
