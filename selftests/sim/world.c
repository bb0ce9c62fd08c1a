// SPDX-License-Identifier: GPL-2.0-only
/* One schedule: what goes wrong when, and the clock. */
#include <stdarg.h>
#include <stdio.h>
#include "sim.h"

#define STEPS_MAX 1000000	/* of a schedule; most have a thousand */
#define SETTLE (60000 * MS)	/* after which all has to be well again */

void sim_fail(struct world *w, const char *what, u32 node, const char *why)
{
	if (w->failed)
		return;
	snprintf(w->text, sizeof(w->text), "%s (host %u): %s", what, node, why);
	w->failed = w->text;
}

void sim_trace(const struct world *w, const char *fmt, ...)
{
	va_list args;

	if (!w->o.trace)
		return;
	printf("%10.3f ms  ", (w->now - 1000 * MS) / 1e6);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

/*
 * What goes wrong
 */

static void cut_some(struct world *w)
{
	struct host *h = &w->host[below(w, w->o.hosts)];
	struct end *e = below(w, 2) ? &h->links.in : &h->links.out;

	if (!e->conn || e->conn->cut)
		return;
	sim_trace(w, "a link of host %u breaks", h->no + 1);
	net_cut(w, e->conn);
}

static void block_one(struct world *w)
{
	u16 a = below(w, w->o.hosts), b = below(w, w->o.hosts);

	sim_trace(w, "nothing goes from host %u to host %u", a + 1, b + 1);
	w->blocked[a][b] = w->now + below(w, 400 * MS);
}

/* The world falls into two or three parts. */
static void split(struct world *w)
{
	u64 until = w->now + below(w, 800 * MS);
	u32 parts = 2 + below(w, 2);
	u8 part[SIM_HOSTS];
	u16 a, b;

	for (a = 0; a < w->o.hosts; a++)
		part[a] = below(w, parts);
	for (a = 0; a < w->o.hosts; a++) {
		sim_trace(w, "host %u is in part %u", a + 1, part[a]);
		for (b = 0; b < w->o.hosts; b++)
			if (part[a] != part[b])
				w->blocked[a][b] = max(w->blocked[a][b], until);
	}
}

/* Would there be a quorum without this one? Hosts do not die by the majority here. */
static bool may_die(const struct world *w, u16 no)
{
	const struct dmring_view *v = NULL;
	u32 alive = 0;
	u16 i;

	for (i = 0; i < w->o.hosts; i++) {
		const struct host *h = &w->host[i];

		if (h->up && h->core.view.quorum && h->core.view.count > 1 &&
		    (!v || h->core.view.number > v->number))
			v = &h->core.view;
	}
	for (i = 0; v && i < v->count; i++) {
		const struct host *h = &w->host[v->node[i] - 1];

		alive += h->up && h->no != no && h->core.view.number == v->number &&
			 h->core.view.count == v->count;
	}
	return v && 2 * alive > v->count;
}

static void crash_or_return(struct world *w)
{
	u16 no = below(w, w->o.hosts);

	if (!w->host[no].up) {
		sim_trace(w, "host %u: is back", no + 1);
		host_boot(w, no);
	} else if (may_die(w, no)) {
		host_crash(w, no, below(w, 2));
	}
}

static void freeze(struct world *w)
{
	struct host *h = &w->host[below(w, w->o.hosts)];

	sim_trace(w, "host %u: stands still", h->no + 1);
	h->frozen = w->now + below(w, 400 * MS);
}

static void stop_reader(struct world *w)
{
	struct host *h = &w->host[below(w, w->o.hosts)];

	h->reader_frozen = w->now + below(w, 500 * MS);
}

static void kill_coordinator(struct world *w)
{
	struct coord *k = &w->coord[below(w, SIM_COORDS)];

	sim_trace(w, "the coordinator on host %u dies", k->at + 1);
	k->step = STEP_IDLE;
	k->at = below(w, w->o.hosts);
	k->run_at = w->now + below(w, 60 * MS);
}

static void something_wrong(struct world *w)
{
	const struct faults *f = &w->o.f;
	u32 all = f->cuts + f->blocks + f->splits + f->crashes + f->freezes + f->readers + f->deaths;
	u32 n;

	w->fault_at = SIM_NEVER;
	if (!all)
		return;
	w->fault_at = w->now + below(w, 2 * w->o.length / all);
	n = below(w, all);
	if (n < f->cuts)
		return cut_some(w);
	n -= f->cuts;
	if (n < f->blocks)
		return block_one(w);
	n -= f->blocks;
	if (n < f->splits)
		return split(w);
	n -= f->splits;
	if (n < f->crashes)
		return crash_or_return(w);
	n -= f->crashes;
	if (n < f->freezes)
		return freeze(w);
	if (n - f->freezes < f->readers)
		return stop_reader(w);
	kill_coordinator(w);
}

/*
 * The observer: what can be seen at any moment
 */

static void observe(struct world *w, const struct host *h)
{
	const struct dmring_core *c = &h->core;
	u16 i, o;

	if (c->retain.used > SIM_LOG || c->retain.next - c->retain.first > SIM_SLOTS)
		sim_fail(w, "beyond the log", h->no + 1, "");
	if (c->retain.event_used > dmring_event_share(SIM_LOG))
		sim_fail(w, "events beyond their share", h->no + 1, "");
	if (c->change.phase == DMRING_PHASE_FILL)
		return;
	for (i = 0; i < w->o.hosts; i++) {
		const struct host *other = &w->host[i];

		if (!other->up || !same_view(&c->view, &other->core.view) ||
		    other->core.change.phase == DMRING_PHASE_FILL)
			continue;
		for (o = 0; o < c->view.count; o++)
			if (c->retain.origin[o].stable_seq > other->core.retain.origin[o].have_seq)
				sim_fail(w, "stable, but not held everywhere", h->no + 1, "");
	}
}

/*
 * After the faults
 */

/* All that was sent in this view has been delivered and freed, and the windows are open. */
static bool delivered(const struct world *w)
{
	u16 i, o;

	for (i = 0; i < w->o.hosts; i++) {
		const struct dmring_core *c = &w->host[i].core;

		if (!w->host[i].up)
			continue;
		if (c->retain.first != c->retain.next ||
		    c->window.released != c->retain.origin[c->view.self].have_cost)
			return false;
		for (o = 0; o < c->view.count; o++)
			if (c->retain.origin[o].have_seq !=
			    dmring_core_own_seq(&w->host[c->view.node[o] - 1].core))
				return false;
	}
	return true;
}

/* All that members asked for has ended, and no host has anything left of it. */
static bool answered(const struct world *w)
{
	u16 i;

	for (i = 0; i < w->o.hosts; i++)
		if (w->host[i].up && !people_done(&w->host[i]))
			return false;
	return book_closed(w);
}

static bool at_rest(const struct world *w)
{
	return coord_done(w) && delivered(w) && answered(w);
}

static const char *restless(const struct world *w)
{
	return !coord_done(w) ? "views" : delivered(w) ? "calls" : "messages";
}

static void calm_down(struct world *w)
{
	u16 i;

	w->quiet = true;
	w->fault_at = SIM_NEVER;
	sim_trace(w, "nothing goes wrong any more");
	memset(w->blocked, 0, sizeof(w->blocked));
	for (i = 0; i < w->o.hosts; i++) {
		struct host *h = &w->host[i];

		if (!h->up)
			host_boot(w, i);
		h->frozen = 0;
		h->reader_frozen = 0;
		h->run_at = w->now;
		h->read_at = w->now;
		h->calls.run_at = w->now;
	}
}

/*
 * The clock
 */

static u64 next_time(struct world *w)
{
	u64 at = w->fault_at;
	u32 i;

	for (i = 0; i < w->o.hosts; i++) {
		const struct host *h = &w->host[i];

		if (h->up)
			at = min(min(at, h->calls.run_at),
				 min(h->run_at, min(h->send_at, h->read_at)));
	}
	for (i = 0; i < SIM_COORDS; i++)
		at = min(at, w->coord[i].run_at);
	for (i = 0; i < w->requests; i++)
		at = min(at, w->request[i].at);
	return at;
}

static void run_hosts(struct world *w)
{
	u16 i;

	for (i = 0; i < w->o.hosts; i++) {
		struct host *h = &w->host[i];

		if (!h->up)
			continue;
		if (h->send_at <= w->now && !w->quiet)
			host_send(h);
		if (h->send_at <= w->now)
			h->send_at = SIM_NEVER;
		if (h->read_at <= w->now)
			host_read(h);
		if (!w->quiet && !below(w, 40))
			host_event(h);
		if (h->calls.run_at <= w->now)
			people_run(h);
		if (h->run_at <= w->now) {
			host_run(h);
			observe(w, h);
		}
	}
}

static void run_requests(struct world *w)
{
	u32 i = 0;

	while (i < w->requests) {
		struct request q = w->request[i];

		if (q.at > w->now) {
			i++;
			continue;
		}
		w->request[i] = w->request[--w->requests];
		coord_request(w, &q);
	}
}

static void step(struct world *w)
{
	u32 i;

	w->now = max(w->now, next_time(w));
	if (w->steps++ > w->steps_end)
		sim_fail(w, "there is no end to it", 0, "");
	if (w->fault_at <= w->now)
		something_wrong(w);
	run_requests(w);
	for (i = 0; i < SIM_COORDS; i++)
		if (w->coord[i].run_at <= w->now)
			coord_run(w, i);
	run_hosts(w);
}

/*
 * From the beginning to the end
 */

static void start(struct world *w)
{
	struct dmring_view_record first = { .number = DMRING_VIEW_STATIC, .quorum = true };
	u32 nodes[SIM_HOSTS];
	u16 i, n = w->o.hosts > 2 ? 2 + below(w, w->o.hosts - 1) : w->o.hosts;

	for (i = 0; i < w->o.hosts; i++) {
		host_boot(w, i);
		nodes[i] = i + 1;
	}
	first.count = min_t(u16, n, w->o.hosts);
	for (i = 0; i < first.count; i++)
		first.host[i] = (struct dmring_next_host){
			.node = i + 1, .inc = w->host[i].core.cfg.inc,
		};
	first.sequencer = 1;
	history_record(&w->history, &first);
	for (i = 0; i < first.count; i++) {
		if (dmring_core_set_hosts(&w->host[i].core, nodes, first.count,
					  w->now - DMRING_SETTLE, w->text))
			w->failed = w->text;
		history_view(&w->history, w->host[i].life, &w->history.record[0]);
	}
}

static void reset(struct world *w, const struct sim_opts *o)
{
	u32 i;

	w->o = *o;
	w->rnd = o->seed;
	w->now = 1000 * MS;
	w->quiet = false;
	w->failed = NULL;
	w->next_id = 0;
	w->requests = 0;
	w->steps_end = w->steps + STEPS_MAX;
	w->delay = below(w, 4) ? 1 + below(w, MS / 2) : below(w, 20 * MS);
	w->large = below(w, 4) ? 100 : 3000;
	w->fault_at = w->now + below(w, o->length / 4);
	memset(w->blocked, 0, sizeof(w->blocked));
	history_clear(&w->history);
	book_clear(w->book);
	for (i = 0; i < SIM_COORDS; i++)
		w->coord[i] = (struct coord){
			.at = below(w, o->hosts), .run_at = w->now + below(w, 60 * MS),
		};
}

static void close_all(struct world *w)
{
	u16 i;

	for (i = 0; i < w->o.hosts; i++)
		links_close_all(&w->host[i].links);
}

const char *world_run(struct world *w, const struct sim_opts *o)
{
	const char *wrong;
	u64 end;

	reset(w, o);
	start(w);
	end = w->now + o->length;
	while (!w->failed && w->now < end)
		step(w);
	if (!w->failed)
		calm_down(w);
	end = w->now + SETTLE;
	while (!w->failed && w->now < end && !at_rest(w))
		step(w);
	if (!w->failed && !at_rest(w))
		sim_fail(w, "it does not come to rest", 0, restless(w));
	wrong = history_check(&w->history, o->order, w->text, sizeof(w->text));
	if (wrong && !w->failed)
		w->failed = wrong;
	close_all(w);
	return w->failed;
}

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	w->host = calloc(SIM_HOSTS, sizeof(*w->host));
	w->book = calloc(1, sizeof(*w->book));
	return w;
}

void world_free(struct world *w)
{
	u32 i;

	for (i = 0; i < SIM_HOSTS; i++)
		if (w->host[i].links.ops)
			links_free(&w->host[i].links);
	net_free(w);
	for (i = 0; i < w->history.life_size; i++)
		free(w->history.life[i].item);
	free(w->history.life);
	free(w->history.record);
	free(w->book);
	free(w->host);
	free(w);
}
