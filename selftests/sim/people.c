// SPDX-License-Identifier: GPL-2.0-only
/*
 * What members do: they ask and serve at random, reply in parts, twice, to what they do not hold
 * and not at all, read late, and die with all of that in their hands.
 */
#include "sim.h"

static void join(struct host *h, struct member *m)
{
	struct world *w = h->w;
	u32 person = book_person(w, h->no);

	if (!person)
		return;
	*m = (struct member){
		.there = true, .attached = true, .person = person,
		.mark = ++h->calls.next_mark * SIM_MEMBERS + (m - h->calls.member),
		.serves = below(w, 1U << SIM_SERVICES),
		.space = w->o.f.lazy ? 2 + below(w, SIM_SPACE - 1) : SIM_SPACE,
	};
	h->calls.dirty |= m->serves;
	calls_soon(h, w->now);
	calls_retry(h);
}

static void die(struct host *h, struct member *m)
{
	u32 i;

	sim_trace(h->w, "host %u: member %u dies", h->no + 1, m->person);
	h->w->book->person[m->person].gone = true;
	m->attached = false;
	m->waits = false;
	h->calls.dirty |= m->serves;
	dmring_exchange_left(&h->calls.x, &m->party);
	/* what it has not replied to has ended; its replies are still on their way */
	for (i = 0; i < m->in_count; i++)
		if (m->in[i].type == LETTER_REPLY)
			dmring_exchange_answered(&h->calls.x, m->in[i].cap, &m->party);
	dmring_exchange_unanswered(&h->calls.x, &m->party);
	calls_soon(h, h->w->now);
}

/*
 * Writing
 */

static struct letter *next_letter(struct host *h, struct member *m, enum letter_type type)
{
	struct letter *l = &m->in[m->in_count++];

	*l = (struct letter){
		.type = type,
		.load = { .person = m->person, .units = 1,
			  .number = ++h->w->book->person[m->person].sent },
	};
	m->rang = true;
	calls_soon(h, h->w->now);
	return l;
}

static u8 any_flags(struct world *w)
{
	static const u8 flags[] = {
		0, 0, 0, DMRING_REQUEST_IDEMPOTENT, DMRING_REQUEST_IDEMPOTENT,
		DMRING_REQUEST_ONE_WAY, DMRING_REQUEST_ONE_WAY | DMRING_REQUEST_EACH,
	};

	return flags[below(w, sizeof(flags))];
}

static void ask(struct host *h, struct member *m)
{
	struct world *w = h->w;
	u8 flags = any_flags(w);
	u64 deadline = below(w, 3) ? 0 : w->now + 1 + below(w, 100 * MS);
	u64 call = book_call(w, m->person, flags, deadline);
	struct letter *l;

	if (!call)
		return;
	l = next_letter(h, m, LETTER_REQUEST);
	l->flags = flags;
	l->deadline = deadline;
	l->load.call = call;
	l->load.service = below(w, SIM_SERVICES);
	l->load.units += below(w, 3);
	if (w->o.messages)
		sim_trace(w, "host %u: member %u asks %llu of service %u, flags %x",
			  h->no + 1, m->person, call, l->load.service, flags);
}

/* To one of those in its hands: a part, or all of it */
static void answer(struct host *h, struct member *m)
{
	struct world *w = h->w;
	u32 i = below(w, m->helds);
	struct held *held = &m->held[i];
	struct letter *l = next_letter(h, m, LETTER_REPLY);

	l->cap = held->cap;
	l->load.call = held->call;
	l->load.part = held->part++;
	if (!w->quiet && !below(w, 4)) {
		l->flags = DMRING_REPLY_MORE;
		return;
	}
	if (!below(w, 8))
		l->load.units = 1 + below(w, SIM_SPACE);
	else
		m->spent = *held;
	l->error = below(w, 8) ? 0 : EIO;
	book_entry(w, held->call)->answered = true;
	*held = m->held[--m->helds];
}

/* Once more, or to what another one holds: that must not count */
static void forge(struct host *h, struct member *m)
{
	struct member *other = &h->calls.member[below(h->w, SIM_MEMBERS)];
	struct held *held = other != m && other->helds ? &other->held[0] : &m->spent;
	struct letter *l;

	if (!held->cap)
		return;
	l = next_letter(h, m, LETTER_REPLY);
	l->forged = true;
	l->cap = held->cap;
	l->load.call = held->call;
	l->load.part = held->part;
}

static void change_services(struct host *h, struct member *m)
{
	u32 service = 1U << below(h->w, SIM_SERVICES);

	m->serves ^= service;
	h->calls.dirty |= service;
	calls_retry(h);
}

static void act(struct host *h)
{
	struct world *w = h->w;
	struct member *m = &h->calls.member[below(w, SIM_MEMBERS)];
	u32 what = below(w, 100);

	if (!m->there && !below(w, 4))
		join(h, m);
	if (!m->attached || m->in_count == SIM_INPUT)
		return;
	if (below(w, 1000) < w->o.f.departs)
		die(h, m);
	else if (what < 45)
		ask(h, m);
	else if (what < 60)
		next_letter(h, m, LETTER_MESSAGE);
	else if (what < 90 && m->helds)
		answer(h, m);
	else if (what >= 97)
		forge(h, m);
	else if (what >= 95)
		change_services(h, m);
}

/*
 * Reading
 */

static void read_one(struct host *h, struct member *m)
{
	const struct letter *l = &m->out[m->out_head++ % SIM_SPACE];

	m->used -= l->load.units;
	if (l->type != LETTER_REQUEST || !l->cap)
		return;
	/* who has a deadline may get no answer at all */
	if (!book_entry(h->w, l->load.call)->deadline || below(h->w, 4))
		m->held[m->helds++] = (struct held){ .cap = l->cap, .call = l->load.call };
}

static void read_some(struct host *h, struct member *m)
{
	struct world *w = h->w;
	u32 n = 1 + below(w, 4);

	if (m->out_head == m->out_tail)
		return;
	calls_soon(h, w->now + 1 + below(w, 3 * MS));
	if (!w->quiet && below(w, 1 + 3 * w->o.f.lazy))
		return;
	/* what has been replied to and is to be said again needs a place */
	while (n-- && m->out_head != m->out_tail && m->helds < SIM_HELD - SIM_INPUT)
		read_one(h, m);
	if (!m->asked)
		return;
	m->asked = false;
	m->rang = true;
	calls_soon(h, w->now);
	calls_retry(h);
}

/* Nothing new begins, and all that waits for an answer gets one. */
static void settle(struct host *h, struct member *m)
{
	while (m->helds && m->in_count < SIM_INPUT)
		answer(h, m);
	if (m->helds)
		calls_soon(h, h->w->now + MS);
}

/* What has had its time, and who waits for that */
static void look(struct host *h)
{
	struct calls *k = &h->calls;
	struct world *w = h->w;

	if (w->now < k->look_at)
		return;
	if (w->now >= k->x.calls.next_deadline)
		dmring_exchange_expire(&k->x, w->now, 1 + below(w, 4));
	k->look_at = k->x.calls.next_deadline;
	if (k->look_at != SIM_NEVER)
		k->look_at = max(k->look_at, w->now + MS);
	calls_retry(h);
}

void people_run(struct host *h)
{
	struct calls *k = &h->calls;
	struct world *w = h->w;
	u32 i;

	k->run_at = SIM_NEVER;
	if (w->now < h->frozen) {
		k->run_at = h->frozen;
		return;
	}
	look(h);
	if (!w->quiet && w->now >= k->act_at) {
		act(h);
		k->act_at = w->now + 1 + below(w, 6 * MS);
	}
	for (i = 0; i < SIM_MEMBERS; i++) {
		struct member *m = &k->member[i];

		if (m->attached)
			read_some(h, m);
		if (m->attached && w->quiet)
			settle(h, m);
		if (m->there)
			calls_turn(h, m);
	}
	if (h->core.change.phase == DMRING_PHASE_RUN)
		calls_tell(h);
	calls_soon(h, k->look_at);
	if (!w->quiet)
		calls_soon(h, k->act_at);
}

/*
 * The host
 */

void people_boot(struct host *h)
{
	struct calls *k = &h->calls;
	u32 i;

	dmring_exchange_init(&k->x, &calls_ops, h, h->no + 1, &h->core.view, k->table,
			     k->offers);
	memset(k->member, 0, sizeof(k->member));
	memset(k->call_of, 0, sizeof(k->call_of));
	memset(k->heard, 0, sizeof(k->heard));
	memset(k->lost, 0, sizeof(k->lost));
	k->lossy = false;
	k->views = 0;
	k->next_mark = 0;
	k->turn = 0;
	k->dirty = 0;
	k->look_at = SIM_NEVER;
	k->act_at = h->w->now + below(h->w, 4 * MS);
	k->run_at = k->act_at;
	for (i = 0; i < SIM_MEMBERS; i++)
		if (below(h->w, 3))
			join(h, &k->member[i]);
}

void people_crash(struct host *h)
{
	u32 i;

	h->calls.run_at = SIM_NEVER;
	book_parted(h, true);
	for (i = 0; i < SIM_MEMBERS; i++)
		if (h->calls.member[i].attached)
			h->w->book->person[h->calls.member[i].person].gone = true;
}

/* Has it lost host @node, or does that begin anew? The rules are told in other words. */
static bool is_lost(const struct dmring_view *old, const struct dmring_view_record *rec, u32 node)
{
	u16 i, k;

	for (i = 0; i < old->count; i++)
		for (k = 0; k < rec->count; k++)
			if (old->node[i] == node && rec->host[k].node == node)
				return old->inc[i] && old->inc[i] != rec->host[k].inc;
	return true;
}

void people_installs(struct host *h, const struct dmring_view_record *rec)
{
	struct calls *k = &h->calls;
	bool lossy = dmring_core_loses(&h->core);
	u32 node;

	k->lossy |= lossy;
	for (node = 1; node <= h->w->o.hosts; node++)
		k->lost[node - 1] |= is_lost(&h->core.view, rec, node);
	dmring_exchange_installs(&k->x, rec, lossy);
}

void people_view(struct host *h)
{
	struct calls *k = &h->calls;

	dmring_exchange_view(&k->x);
	book_parted(h, false);
	k->views++;
	k->lossy = false;
	memset(k->lost, 0, sizeof(k->lost));
	k->dirty = (1U << SIM_SERVICES) - 1;
	calls_soon(h, h->w->now);
}

/* How many members serve it, as this host knows of another one */
static u32 offered(const struct calls *k, u32 node, u32 service)
{
	const struct dmring_offers *o = &k->x.offers;
	u32 i;

	for (i = 0; i < o->fresh; i++)
		if (o->table[i].members && o->table[i].node == node &&
		    o->table[i].name[0] == (char)('a' + service))
			return o->table[i].members;
	return 0;
}

static bool knows(const struct host *h, const struct host *other)
{
	u32 service, i, n;

	for (service = 0; service < SIM_SERVICES; service++) {
		for (n = 0, i = 0; i < SIM_MEMBERS; i++)
			n += other->calls.member[i].attached &&
			     other->calls.member[i].serves & 1U << service;
		if (offered(&h->calls, other->no + 1, service) != n)
			return false;
	}
	return true;
}

static bool is_used(const struct dmring_exchange *x)
{
	u32 i;

	for (i = 0; i < DMRING_HOSTS_MAX; i++)
		if (x->use[i].sent || x->use[i].open || x->use[i].extra)
			return true;
	return x->own || x->calls.used || x->calls.tell.count;
}

bool people_done(const struct host *h)
{
	const struct calls *k = &h->calls;
	u32 i;

	if (is_used(&k->x) || k->dirty)
		return false;
	for (i = 0; i < SIM_MEMBERS; i++) {
		const struct member *m = &k->member[i];

		if (m->there && (!m->attached || m->in_count || m->party.ends_due ||
				 m->party.calls[DMRING_CALL_CLIENT].count ||
				 m->party.calls[DMRING_CALL_SERVER].count))
			return false;
	}
	for (i = 0; i < h->w->o.hosts; i++)
		if (i != h->no && h->w->host[i].up && !knows(h, &h->w->host[i]))
			return false;
	return true;
}
