// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coordinators of views: what a daemon with consensus will be, without its good manners.
 * There are several at a time, each on some host and cut off with it; they die in the
 * middle, what they ask for may come late, and none knows of the other.
 *
 * What they do keep to: a view with quorum takes up more than half of the hosts of one that
 * has it; each host that shall be in it has promised the attempt, and says it is complete
 * before it is installed anywhere; and a view that somebody has installed, or may have, since
 * all of its hosts who answer were complete, is brought to all of them: there is no other
 * one then.
 */
#include "sim.h"

#define BIT(i) (1U << (i))

static u32 count(u32 set)
{
	return __builtin_popcount(set);
}

static bool reaches(const struct world *w, const struct coord *k, u16 host)
{
	return w->host[k->at].up && w->host[host].up && w->now >= w->host[host].frozen &&
	       (k->at == host || (!blocked(w, k->at, host) && !blocked(w, host, k->at)));
}

static u32 reached(const struct world *w, const struct coord *k)
{
	u32 set = 0;
	u16 i;

	for (i = 0; i < w->o.hosts; i++)
		if (reaches(w, k, i))
			set |= BIT(i);
	return set;
}

bool same_view(const struct dmring_view *a, const struct dmring_view *b)
{
	u16 i;

	if (a->number != b->number || a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++)
		if (a->node[i] != b->node[i] || (a->inc[i] && b->inc[i] && a->inc[i] != b->inc[i]))
			return false;
	return true;
}

static u32 in_view(const struct world *w, const struct dmring_view *v, u32 among)
{
	u32 set = 0;
	u16 i;

	for (i = 0; i < w->o.hosts; i++)
		if (among & BIT(i) && same_view(v, &w->host[i].core.view) &&
		    !w->host[i].core.change.gave_up)
			set |= BIT(i);
	return set;
}

/* It has gone on from the view before that one, and another way; a host knows its views. */
static bool is_elsewhere(const struct world *w, u16 host, const struct dmring_view_record *rec)
{
	const struct life *l = &w->history.life[w->host[host].life];
	u32 i;

	for (i = 0; i < l->items; i++)
		if (l->item[i].view && !history_differ(&w->history.record[l->item[i].record], rec))
			return false;
	return w->host[host].core.view.number >= rec->number;
}

/* It answers, and is not, or not yet, in a view under that incarnation. */
static bool joins_no_more(const struct world *w, u32 among, u16 host, u64 inc)
{
	return among & BIT(host) && w->host[host].core.cfg.inc != inc;
}

/*
 * May the record that host @i was complete for have been installed by a host of the old view
 * or by one who joins, that is not @among those who answer? If all who do, and are still in
 * that view, were complete. @of: what each was complete for, or NULL. Who has gone to another
 * view has not installed it. Who has given up its place to join another one does not know any more
 * what it was complete for.
 */
static bool may_be_installed(const struct world *w, u32 among, u16 i,
			     const struct dmring_view_record *const *of)
{
	bool missing = false;
	u16 k;

	if (!of[i] || !of[i]->quorum || !dmring_view_next_host(of[i], i + 1)->stays)
		return false;
	for (k = 0; k < of[i]->count; k++) {
		const struct dmring_next_host *h = &of[i]->host[k];
		u16 o = h->node - 1;
		bool here = among & BIT(o) && h->inc == w->host[o].core.cfg.inc;

		if (!h->stays && joins_no_more(w, among, o, h->inc))
			continue;
		if (h->stays && here && is_elsewhere(w, o, of[i]))
			continue;
		/* who is farther on may have gone through it */
		if (!h->stays || !here || w->host[o].core.change.gave_up ||
		    w->host[o].core.view.number != of[i]->prev)
			missing = true;
		else if (!of[o] || history_differ(of[o], of[i]))
			return false;
	}
	return missing;
}

/* The record of a view that somebody has installed */
static const struct dmring_view_record *record_of(const struct world *w, const struct dmring_view *v)
{
	struct dmring_view other;
	u32 i;

	for (i = 0; i < w->history.records; i++) {
		dmring_view_from_record(&other, v->node[0], &w->history.record[i]);
		if (same_view(v, &other))
			return &w->history.record[i];
	}
	return NULL;
}

/* Hosts that are listed there and have not installed it, but were complete for it */
static u32 laggards(const struct world *w, const struct dmring_view_record *rec, u32 among)
{
	u32 set = 0;
	u16 i;

	for (i = 0; i < w->o.hosts; i++) {
		const struct dmring_core *c = &w->host[i].core;
		const struct dmring_next_host *h = dmring_view_next_host(rec, i + 1);
		const struct dmring_view_record *held = dmring_core_accepted(c);

		if (!(among & BIT(i)) || !h)
			continue;
		if (h->stays ? held && !history_differ(held, rec) :
			       c->change.phase != DMRING_PHASE_RUN && c->change.joins &&
			       c->change.number == rec->number && c->change.next_inc == h->inc)
			set |= BIT(i);
	}
	return set;
}

static bool is_quorum(const struct dmring_view *v, u32 set)
{
	return v->quorum && 2 * count(set) > v->count;
}

/* The view to go on from: the newest one that can have a quorum; else any, without */
static const struct dmring_view *choose(const struct world *w, u32 among)
{
	const struct dmring_view *best = NULL;
	bool best_quorum = false;
	u16 i;

	for (i = 0; i < w->o.hosts; i++) {
		const struct dmring_view *v = &w->host[i].core.view;
		const struct dmring_view_record *rec = record_of(w, v);
		u32 set = in_view(w, v, among);
		bool quorum;

		if (!(among & BIT(i)) || !rec)
			continue;
		quorum = is_quorum(v, set | laggards(w, rec, among));
		if (!best || quorum > best_quorum ||
		    (quorum == best_quorum && v->number > best->number)) {
			best = v;
			best_quorum = quorum;
		}
	}
	return best;
}

static bool at_rest(const struct world *w, u32 set)
{
	u16 i;

	for (i = 0; i < w->o.hosts; i++)
		if (set & BIT(i) && w->host[i].core.change.phase != DMRING_PHASE_RUN)
			return false;
	return true;
}

static void ask(struct world *w, u16 no, u16 host)
{
	struct coord *k = &w->coord[no];
	struct request *q;
	bool late = !w->quiet && below(w, 100) < w->o.f.late;

	if (w->requests == SIM_REQUESTS)
		return;
	q = &w->request[w->requests++];
	q->at = w->now + below(w, late ? 300 * MS : 3 * MS);
	q->coord = no;
	q->host = host;
	q->step = k->step;
	q->joins = k->join & BIT(host);
	q->rec = k->rec;
}

static void ask_all(struct world *w, u16 no, enum step step)
{
	struct coord *k = &w->coord[no];
	u16 i;

	k->step = step;
	k->done = 0;
	for (i = 0; i < w->o.hosts; i++)
		if ((k->stay | k->join) & BIT(i))
			ask(w, no, i);
}

static u32 next_attempt(struct world *w, u32 number, u32 set)
{
	u32 attempt = 0;
	u16 i;

	for (i = 0; i < w->o.hosts; i++)
		if (set & BIT(i) && w->host[i].core.change.number == number)
			attempt = max(attempt, w->host[i].core.change.attempt);
	return attempt + 1 + below(w, 2);
}

static void begin(struct world *w, u16 no)
{
	struct coord *k = &w->coord[no];

	k->rec.attempt = next_attempt(w, k->rec.number, k->stay | k->join);
	k->until = w->now + 20 * MS + below(w, 300 * MS);
	sim_trace(w, "coordinator %u on host %u: view %u attempt %u, stay %x, join %x%s", no,
		  k->at + 1, k->rec.number, k->rec.attempt, k->stay, k->join,
		  k->repeats ? ", again" : "");
	ask_all(w, no, STEP_PREPARE);
}

/* A view that somebody has installed is brought to those who have not */
static void finish(struct world *w, u16 no, const struct dmring_view_record *rec, u32 set)
{
	struct coord *k = &w->coord[no];
	u16 i;

	k->rec = *rec;
	k->repeats = true;
	k->stay = 0;
	k->join = 0;
	for (i = 0; i < w->o.hosts; i++) {
		if (!(set & BIT(i)))
			continue;
		if (dmring_view_next_host(rec, i + 1)->stays)
			k->stay |= BIT(i);
		else
			k->join |= BIT(i);
	}
	begin(w, no);
}

static void start_cuts(struct coord *k, const struct dmring_view *v)
{
	u16 i;

	k->rec.cuts = v->count;
	for (i = 0; i < v->count; i++)
		k->rec.cut[i] = (struct dmring_cut){ .node = v->node[i] };
}

static void change(struct world *w, u16 no, const struct dmring_view *v, u32 stay, u32 join,
		   bool decree)
{
	struct coord *k = &w->coord[no];

	memset(&k->rec, 0, sizeof(k->rec));
	k->repeats = false;
	k->rec.number = v->number + 1;
	k->rec.prev = v->number;
	w->history.decree |= decree;
	k->rec.quorum = is_quorum(v, stay) || decree;
	k->rec.base = w->o.order == DMRING_ORDER_FIFO ? 0 : v->base + 1;
	k->stay = stay;
	k->join = k->rec.quorum ? join : 0;
	start_cuts(k, v);
	begin(w, no);
}

static u32 everybody(const struct world *w)
{
	u32 set = 0;
	u16 i;

	for (i = 0; i < w->o.hosts; i++)
		if (w->host[i].up)
			set |= BIT(i);
	return set;
}

/* With these, of both views, there is a going on from it; with less a human has to say so. */
static bool has_majority(const struct dmring_view_record *rec, u32 set)
{
	u32 stay = 0;
	u16 i;

	for (i = 0; i < rec->count; i++)
		stay += rec->host[i].stays && set & BIT(rec->host[i].node - 1);
	return 2 * stay > rec->cuts && 2 * count(set) > rec->count;
}

/* Is there what somebody else may have installed? Then go on with that, if it can be. */
static bool see_open(struct world *w, u16 no, u32 among, u32 stay)
{
	const struct dmring_view_record *of[SIM_HOSTS];
	u32 set = 0;
	u16 i, o;

	for (i = 0; i < w->o.hosts; i++)
		of[i] = among & BIT(i) ? dmring_core_accepted(&w->host[i].core) : NULL;
	for (i = 0; i < w->o.hosts; i++)
		if (stay & BIT(i) && may_be_installed(w, among, i, of))
			break;
	if (i == w->o.hosts)
		return false;
	for (o = 0; o < w->o.hosts; o++)
		if (of[o] && !history_differ(of[o], of[i]))
			set |= BIT(o);
	set |= laggards(w, of[i], among);
	if (has_majority(of[i], set)) {
		finish(w, no, of[i], set);
	} else if (w->quiet && among == everybody(w)) {
		w->history.decree = true;
		finish(w, no, of[i], set);
	}
	return true;
}

static void look(struct world *w, u16 no)
{
	struct coord *k = &w->coord[no];
	u32 among = reached(w, k), stay, lag;
	const struct dmring_view *v = choose(w, among);
	const struct dmring_view_record *rec = v ? record_of(w, v) : NULL;

	if (!rec)
		return;
	stay = in_view(w, v, among);
	if (see_open(w, no, among, stay))
		return;
	lag = laggards(w, rec, among);
	if (is_quorum(v, stay | lag) && lag) {
		finish(w, no, rec, lag);
		return;
	}
	if (count(stay) == v->count && stay == among && at_rest(w, stay))
		return;
	/* everybody is there and nobody has a quorum any more: that is for a human to decide */
	if (is_quorum(v, stay) || (w->quiet && among == everybody(w)))
		change(w, no, v, stay, among & ~stay, !is_quorum(v, stay));
	/* without quorum, views are made now and then only */
	else if (!w->quiet && !below(w, 4))
		change(w, no, v, stay, among & ~stay, false);
}

static void stop(struct world *w, struct coord *k)
{
	k->step = STEP_IDLE;
	k->run_at = w->now + 1 + below(w, (w->quiet ? 30 : 100) * MS);
}

/* All have promised, and said what they hold; false if there is another record to go on with */
static bool make_record(struct world *w, struct coord *k)
{
	const struct dmring_view_record *of[SIM_HOSTS];
	u16 i, n = 0;
	u32 first = 0;

	for (i = 0; i < w->o.hosts; i++)
		of[i] = (k->stay | k->join) & BIT(i) && k->accepted[i].number ?
			&k->accepted[i] : NULL;
	for (i = 0; i < w->o.hosts; i++)
		if (k->stay & BIT(i) && may_be_installed(w, reached(w, k), i, of))
			return false;
	for (i = 0; i < w->o.hosts; i++) {
		bool stays = k->stay & BIT(i);

		if (!((k->stay | k->join) & BIT(i)))
			continue;
		k->rec.host[n].node = i + 1;
		k->rec.host[n].stays = stays;
		k->rec.host[n++].inc = k->inc[i];
		if (!first || below(w, 3) == 0)
			first = i + 1;
	}
	k->rec.count = n;
	k->rec.sequencer = first;
	for (i = 0; i < k->rec.cuts && w->o.order != DMRING_ORDER_FIFO; i++)
		k->rec.base += k->rec.cut[i].seq;
	return true;
}

static void see_complete(struct world *w, u16 no)
{
	struct coord *k = &w->coord[no];
	u16 i;

	for (i = 0; i < w->o.hosts; i++) {
		const struct dmring_change *ch = &w->host[i].core.change;

		if (reaches(w, k, i) && ch->number == k->rec.number &&
		    ch->attempt == k->rec.attempt && dmring_core_complete(&w->host[i].core))
			k->done |= BIT(i);
	}
}

void coord_run(struct world *w, u16 no)
{
	struct coord *k = &w->coord[no];
	u32 all = k->stay | k->join;

	k->run_at = w->now + 1 + below(w, 4 * MS);
	if (!w->host[k->at].up) {
		k->at = below(w, w->o.hosts);
		stop(w, k);
		return;
	}
	if (k->step == STEP_IDLE) {
		k->run_at = w->now + 1 + below(w, 40 * MS);
		look(w, no);
		return;
	}
	if (w->now > k->until) {
		stop(w, k);
		return;
	}
	if (k->step == STEP_FILL)
		see_complete(w, no);
	if ((k->done & all) != all)
		return;
	if (k->step == STEP_PREPARE) {
		if (!k->repeats && !make_record(w, k)) {
			stop(w, k);
			return;
		}
		ask_all(w, no, STEP_FILL);
	} else if (k->step == STEP_FILL) {
		ask_all(w, no, STEP_INSTALL);
	} else {
		stop(w, k);
	}
}

/* What a host says when it has promised */
static void take_report(struct coord *k, const struct host *h)
{
	const struct dmring_core *c = &h->core;
	const struct dmring_view_record *rec = dmring_core_accepted(c);
	u16 i;

	k->accepted[h->no].number = 0;
	if (rec)
		k->accepted[h->no] = *rec;
	if (k->repeats)
		return;
	k->inc[h->no] = c->change.joins ? c->change.next_inc : c->cfg.inc;
	if (c->change.joins)
		return;
	for (i = 0; i < k->rec.cuts; i++)
		k->rec.cut[i].seq = max(k->rec.cut[i].seq, c->retain.origin[i].have_seq);
	if (dmring_retain_has_order(&c->retain))
		k->rec.ordered = max(k->rec.ordered,
				     c->retain.order.kind == DMRING_ORDER_SAFE && !k->rec.quorum ?
				     c->retain.order.stable : c->retain.order.have);
}

void coord_request(struct world *w, struct request *q)
{
	struct coord *k = &w->coord[q->coord];
	struct host *h = &w->host[q->host];
	/* the coordinator is still at it */
	bool same = k->step == q->step && k->rec.number == q->rec.number &&
		    k->rec.attempt == q->rec.attempt;
	int err;

	if (!reaches(w, k, q->host))
		return;
	if (q->step == STEP_PREPARE)
		err = host_prepare(h, q->rec.number, q->rec.attempt, q->joins);
	else if (q->step == STEP_FILL)
		err = host_fill(h, &q->rec);
	else
		err = host_install(h, q->rec.number, q->rec.attempt);
	if (!same)
		return;
	if (err) {
		stop(w, k);
		return;
	}
	if (q->step == STEP_PREPARE)
		take_report(k, h);
	if (q->step != STEP_FILL)
		k->done |= BIT(q->host);
}

bool coord_done(const struct world *w)
{
	const struct dmring_view *v = NULL;
	u32 up = 0;
	u16 i;

	for (i = 0; i < w->o.hosts; i++) {
		if (!w->host[i].up)
			continue;
		up |= BIT(i);
		v = &w->host[i].core.view;
	}
	if (!v || !v->quorum || in_view(w, v, up) != up || count(up) != v->count)
		return false;
	for (i = 0; i < w->o.hosts; i++)
		if (up & BIT(i) && (w->host[i].core.change.phase != DMRING_PHASE_RUN ||
				    (v->count > 1 && !w->host[i].core.closed)))
			return false;
	return true;
}
