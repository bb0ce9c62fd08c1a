// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module is to the rules of requests (kmod/core/exchange.h), in small: input spaces
 * that are moved in order, output spaces that fill up, services, a ring that has no room.
 */
#include "sim.h"

#define PARCEL_LEN (sizeof(struct tag) + DMRING_WIRE_PARCEL + sizeof(struct load))
#define PATIENCE (20 * MS)	/* of a reply with a client that is full */

static void look_at(struct host *h, u64 at)
{
	h->calls.look_at = min(h->calls.look_at, at);
	calls_soon(h, at);
}

static void name_of(u32 service, char *name)
{
	memset(name, 0, DMRING_NAME_SIZE);
	name[0] = 'a' + service;
}

static struct member *member_of(struct host *h, u32 mark)
{
	struct member *m = &h->calls.member[mark % SIM_MEMBERS];

	return m->attached && m->mark == mark ? m : NULL;
}

static struct member *of_party(struct dmring_party *p)
{
	return p ? container_of(p, struct member, party) : NULL;
}

/*
 * Output spaces
 */

static bool has_room(const struct member *m, u32 units)
{
	return m->used + units <= m->space;
}

static u64 put_out(struct host *h, struct member *m, const struct letter *l)
{
	m->out[m->out_tail % SIM_SPACE] = *l;
	m->used += l->load.units;
	calls_soon(h, h->w->now + below(h->w, 3 * MS));
	return m->out_tail++;
}

static bool takes(const struct member *m, u32 units)
{
	return has_room(m, units) && m->party.calls[DMRING_CALL_SERVER].count < SIM_HANDS;
}

/* Who is to have it: in turn among those who serve it and have room */
static struct member *choose(struct host *h, u32 service, u32 not, u32 units, u32 *err)
{
	struct calls *k = &h->calls;
	u32 i;

	*err = ESRCH;
	for (i = 0; i < SIM_MEMBERS; i++) {
		struct member *m = &k->member[(k->turn + i) % SIM_MEMBERS];

		if (!m->attached || !(m->serves & 1U << service) || m->mark == not)
			continue;
		if (units > m->space) {
			*err = *err == ESRCH ? EMSGSIZE : *err;
			continue;
		}
		*err = EAGAIN;
		if (takes(m, units)) {
			k->turn += i + 1;
			return m;
		}
		m->asked = true;
	}
	return NULL;
}

static void put_request(struct host *h, struct member *m, const struct load *load, u32 flags,
			u64 deadline, struct dmring_call *c, bool moved)
{
	struct letter l = {
		.type = LETTER_REQUEST, .flags = flags, .deadline = deadline,
		.cap = c ? c->no : 0, .load = *load,
	};
	u64 at = put_out(h, m, &l);

	if (c)
		dmring_exchange_hand(&h->calls.x, c, &m->party, at);
	book_handed(h, load, m->person, moved);
}

/* Before each; false: some had no room */
static bool put_to_each(struct host *h, const struct load *load, u32 flags, u32 not)
{
	bool all = true;
	u32 i;

	for (i = 0; i < SIM_MEMBERS; i++) {
		struct member *m = &h->calls.member[i];

		if (!m->attached || !(m->serves & 1U << load->service) || m->mark == not)
			continue;
		if (has_room(m, load->units))
			put_request(h, m, load, flags, 0, NULL, false);
		else
			all = false;
	}
	book_heard(h, load->person, load->number);
	return all;
}

/*
 * What the rules ask for
 */

static int serve(void *host, const struct dmring_parcel *p, u64 deadline, const void *with,
		 struct dmring_call *c)
{
	const struct load *load = with;
	struct host *h = host;
	struct member *m;
	u32 err = EAGAIN;

	if (!p->dest && put_to_each(h, load, p->flags, 0))
		return 0;
	if (!p->dest) {
		book_entry(h->w, load->call)->missed |= 1U << h->no;
		return EAGAIN;
	}
	m = choose(h, load->service, 0, load->units, &err);
	if (m)
		put_request(h, m, load, p->flags, deadline, c, false);
	else
		book_refused(h->w, load->call, err);
	return m ? 0 : err;
}

static bool move_on(void *host, struct dmring_call *c)
{
	struct member *old = of_party(c->server), *client = of_party(c->client), *m;
	const struct letter *l = &old->out[c->out_at % SIM_SPACE];
	struct host *h = host;
	u32 err;

	if (c->out_at < old->out_head)
		return false;
	if (l->cap != c->no)
		sim_fail(h->w, "not where it was put", h->no + 1, "");
	m = choose(h, l->load.service, client ? client->mark : 0, l->load.units, &err);
	if (m)
		put_request(h, m, &l->load, l->flags, l->deadline, c, true);
	return m;
}

static int reply(void *host, const struct dmring_call *c, u32 error, u32 flags, const void *with)
{
	struct letter l = { .type = LETTER_REPLY, .flags = flags, .error = error };
	struct host *h = host;
	struct member *m = of_party(c->client);
	struct entry *e = book_entry(h->w, c->cookie);

	l.load = *(const struct load *)with;
	if (!m || !m->attached) {
		sim_fail(h->w, "a reply to one who is gone", h->no + 1, "");
		return 0;
	}
	if (l.load.units > m->space) {
		e->too_large = true;
		return -EMSGSIZE;
	}
	if (!has_room(m, l.load.units)) {
		e->clogged = true;
		return -ENOBUFS;
	}
	m->clogged_at = 0;
	put_out(h, m, &l);
	book_replied(h, c->cookie, &l.load, flags);
	return 0;
}

static bool tell(void *host, const struct dmring_call *c, u32 error, u32 flags)
{
	struct letter l = { .type = LETTER_REPLY, .flags = flags, .error = error };
	struct host *h = host;
	struct member *m = of_party(c->client);
	bool silent = c->flags & DMRING_REQUEST_ONE_WAY && !error;
	bool now = silent || has_room(m, 1);

	l.load = (struct load){ .call = c->cookie, .units = 1 };
	if (!m->attached)
		sim_fail(h->w, "an end for one who is gone", h->no + 1, "");
	/* told of in vain again and again, it is judged once */
	if (now || !book_entry(h->w, c->cookie)->known)
		book_told(h, c->cookie, error, flags, now);
	if (now && !silent)
		put_out(h, m, &l);
	return now;
}

static void wants_room(void *host, struct dmring_party *client)
{
	(void)host;
	of_party(client)->asked = true;
}

static void missed(void *host, const struct dmring_parcel *p)
{
	struct member *m = member_of(host, p->member);

	if (m)
		book_missed(host, p->arg, m->person, p->from);
}

void calls_retry(struct host *h)
{
	u32 i;

	for (i = 0; i < SIM_MEMBERS; i++) {
		if (!h->calls.member[i].waits)
			continue;
		h->calls.member[i].waits = false;
		calls_soon(h, h->w->now);
	}
}

static void retry(void *host)
{
	calls_retry(host);
}

static void look(void *host, u64 when)
{
	look_at(host, when);
}

static void due(void *host)
{
	struct host *h = host;

	calls_soon(h, h->w->now);
}

const struct dmring_exchange_ops calls_ops = {
	.serve = serve, .move_on = move_on, .reply = reply, .tell = tell, .wants_room = wants_room,
	.missed = missed, .retry = retry, .look = look, .due = due,
};

/*
 * The ring
 */

/* Is there room for a parcel? Else somebody looks again. */
static bool ring_takes(struct host *h, u32 len)
{
	bool kick;

	if (!dmring_core_room(&h->core, len, &kick))
		return true;
	host_wake(h, h->w->now);
	calls_soon(h, h->w->now + MS + below(h->w, 4 * MS));
	return false;
}

static void put_parcel(struct host *h, const struct dmring_parcel *p, const struct load *load)
{
	struct tag tag = { .parcel = PARCEL_CALLS };
	u8 data[PARCEL_LEN];

	dmring_parcel_put(data + sizeof(tag), p);
	memset(data + sizeof(tag) + DMRING_WIRE_PARCEL, 0, sizeof(*load));
	if (load)
		memcpy(data + sizeof(tag) + DMRING_WIRE_PARCEL, load, sizeof(*load));
	host_put(h, &tag, data, sizeof(data));
}

/* Does somebody here wait for this reply? Of one who has left the book does not know. */
static bool is_waited_for(struct host *h, const struct dmring_parcel *p, bool *alone)
{
	u64 call = h->calls.call_of[p->no % DMRING_CALLS_TABLE];
	const struct entry *e = call ? book_entry(h->w, call) : NULL;

	if (!e || e->no != p->no)
		return false;
	*alone = h->w->book->person[e->client].gone;
	return e->dest == p->from && !e->ended && !e->known;
}

void calls_parcel(struct host *h, const u8 *data, u32 len)
{
	struct calls *k = &h->calls;
	struct dmring_parcel p;
	struct load load;
	u64 stale = k->x.stale;
	bool late, alone = false;

	/* its payload is the simulator's own, and of one size */
	if (dmring_parcel_get_head(data, &p) ||
	    dmring_parcel_get(data, p.kind == DMRING_PARCEL_OFFER ? DMRING_WIRE_PARCEL : len, &p,
			      NULL))
		sim_fail(h->w, "a parcel that makes no sense", h->no + 1, "");
	memcpy(&load, data + DMRING_WIRE_PARCEL, sizeof(load));
	/* word that it is over is no reply, and its host has kept the entry for it */
	late = p.kind == DMRING_PARCEL_REPLY && p.no && p.dest == h->no + 1U &&
	       !is_waited_for(h, &p, &alone) && !(p.flags & DMRING_REPLY_RING);
	dmring_exchange_arrived(&k->x, &p, &load, h->w->now, any_number(h->w));
	if (!alone && k->x.stale - stale != late)
		sim_fail(h->w, "late, and not counted; or not late", h->no + 1, "");
}

void calls_message(struct host *h, const struct tag *tag)
{
	u32 i;

	book_heard(h, tag->person, tag->number);
	/* what is behind it may have waited for that */
	for (i = 0; i < SIM_MEMBERS; i++) {
		struct member *m = &h->calls.member[i];

		if (m->person != tag->person || !m->waits)
			continue;
		m->waits = false;
		calls_soon(h, h->w->now);
	}
}

static void announce(struct host *h)
{
	struct calls *k = &h->calls;
	struct dmring_parcel p = { .kind = DMRING_PARCEL_OFFER, .from = h->no + 1 };
	u32 service = __builtin_ctz(k->dirty), i;

	name_of(service, p.name);
	for (i = 0; i < SIM_MEMBERS; i++)
		p.member += k->member[i].attached && k->member[i].serves & 1U << service;
	k->dirty &= k->dirty - 1;
	put_parcel(h, &p, NULL);
}

/* The host's own: ends, and what is served here */
void calls_tell(struct host *h)
{
	struct dmring_exchange *x = &h->calls.x;
	struct dmring_parcel p;
	struct dmring_call *c;

	while (x->calls.tell.count && ring_takes(h, PARCEL_LEN)) {
		c = dmring_exchange_due(x, &p);
		if (!c)
			break;
		dmring_exchange_told(x, c, p.flags);
		put_parcel(h, &p, NULL);
	}
	while (h->calls.dirty && ring_takes(h, PARCEL_LEN))
		announce(h);
}

/*
 * Input spaces. The next letter of a member: true if it is done with
 */

static bool waits(struct host *h, struct member *m, u64 until)
{
	m->waits = true;
	if (until)
		look_at(h, until);
	return false;
}

/* What it had sent before has its place everywhere here */
static bool is_its_turn(const struct host *h, const struct member *m)
{
	return !m->last_no || dmring_core_delivered(&h->core, m->last_no - 1);
}

static bool take_message(struct host *h, struct member *m, const struct letter *l)
{
	struct tag tag = { .person = m->person, .number = l->load.number };
	u32 len = sizeof(tag) + below(h->w, 40);
	u8 data[256];

	if (!ring_takes(h, sizeof(tag) + 40))
		return false;
	/* it is number 0 that was never sent */
	m->last_no = host_put(h, &tag, data, len) + 1;
	return true;
}

static bool fail(struct host *h, struct member *m, const struct letter *l, u32 error)
{
	struct letter end = { .type = LETTER_REPLY, .error = error, .load = { .units = 1 } };

	if (!m->attached)
		return true;
	if (!has_room(m, 1)) {
		m->asked = true;
		return waits(h, m, 0);
	}
	put_out(h, m, &end);
	book_failed(h->w, l->load.call);
	return true;
}

static struct dmring_call *begin(struct host *h, struct member *m, const struct letter *l)
{
	return dmring_exchange_begin(&h->calls.x, m->attached ? &m->party : NULL,
				     l->load.call, l->flags, l->deadline, any_number(h->w));
}

static bool send_request(struct host *h, struct member *m, const struct letter *l, u32 dest)
{
	struct entry *e = book_entry(h->w, l->load.call);
	struct dmring_parcel p = {
		.kind = DMRING_PARCEL_REQUEST, .flags = l->flags, .dest = dest,
		.from = h->no + 1,
	};
	struct dmring_call *c;

	name_of(l->load.service, p.name);
	if (!dest) {
		p.arg = l->load.call;
		p.member = m->mark;
	} else {
		c = begin(h, m, l);
		if (!c)
			sim_fail(h->w, "it was said that one more may go", h->no + 1, "");
		if (!c)
			return true;
		dmring_exchange_send(&h->calls.x, c, &p, h->w->now);
		e->no = c->no;
		e->dest = dest;
		h->calls.call_of[c->no % DMRING_CALLS_TABLE] = l->load.call;
	}
	put_parcel(h, &p, &l->load);
	return true;
}

static bool take_each(struct host *h, struct member *m, const struct letter *l, bool elsewhere)
{
	if (elsewhere && !ring_takes(h, PARCEL_LEN))
		return false;
	put_to_each(h, &l->load, l->flags, m->mark);
	if (m->attached)
		book_entry(h->w, l->load.call)->ended = true;
	return elsewhere ? send_request(h, m, l, 0) : true;
}

static bool deliver_here(struct host *h, struct member *m, const struct letter *l,
			 struct member *server)
{
	struct dmring_call *c = NULL;

	if (!(l->flags & DMRING_REQUEST_ONE_WAY)) {
		c = begin(h, m, l);
		if (!c)
			return waits(h, m, l->deadline);
	}
	put_request(h, server, &l->load, l->flags, l->deadline, c, false);
	if (!c && m->attached)
		book_entry(h->w, l->load.call)->ended = true;
	return true;
}

static bool take_request(struct host *h, struct member *m, const struct letter *l)
{
	struct dmring_exchange *x = &h->calls.x;
	struct member *server;
	char name[DMRING_NAME_SIZE];
	u32 node, err = ESRCH, step = 0;
	bool far;

	if (l->deadline && h->w->now >= l->deadline)
		return fail(h, m, l, ETIMEDOUT);
	if (!is_its_turn(h, m))
		return waits(h, m, l->deadline);
	name_of(l->load.service, name);
	far = dmring_offers_next(&x->offers, name, &step);
	if (l->flags & DMRING_REQUEST_EACH)
		return take_each(h, m, l, far);
	/* the module takes one here if it can; here both ways are to be tried */
	server = far && below(h->w, 2) ? NULL : choose(h, l->load.service, m->mark, l->load.units,
						       &err);
	if (server)
		return deliver_here(h, m, l, server);
	if (far && !ring_takes(h, PARCEL_LEN))
		return false;
	node = dmring_exchange_choose(x, name, &far);
	if (node)
		return send_request(h, m, l, node);
	if (far)
		return waits(h, m, l->deadline);
	if (err == EAGAIN && m->attached)
		return waits(h, m, l->deadline);
	return fail(h, m, l, err);
}

static bool reply_here(struct host *h, struct member *m, const struct letter *l,
		       struct dmring_call *c)
{
	struct member *client = of_party(c->client);
	bool full = client && l->load.units <= client->space && !has_room(client, l->load.units);
	int err;

	if (full && m->attached) {
		client->clogged_at = client->clogged_at ?: h->w->now;
		client->asked = true;
		if (h->w->now < client->clogged_at + PATIENCE)
			return waits(h, m, client->clogged_at + PATIENCE);
	}
	err = client ? reply(h, c, l->error, l->flags, &l->load) : 0;
	if (!dmring_exchange_replied(&h->calls.x, c, l->flags, err))
		return true;
	/* rejected, which it hears: it says it in fewer words */
	book_entry(h->w, l->load.call)->too_large = false;
	book_entry(h->w, l->load.call)->answered = false;
	calls_soon(h, h->w->now);
	if (m->attached && !(l->flags & DMRING_REPLY_MORE))
		m->held[m->helds++] = (struct held){
			.cap = l->cap, .call = l->load.call, .part = l->load.part,
		};
	return true;
}

static bool take_reply(struct host *h, struct member *m, const struct letter *l)
{
	struct dmring_exchange *x = &h->calls.x;
	struct dmring_call *c;
	struct dmring_parcel p;
	u64 stale = x->stale;

	c = dmring_exchange_held(x, l->cap, &m->party);
	if (!c && x->stale != stale + 1)
		sim_fail(h->w, "a stale reply is not counted", h->no + 1, "");
	if (c && l->forged)
		sim_fail(h->w, "one who does not hold it may reply", h->no + 1, "");
	if (!c && !l->forged)
		book_stale(h, l->load.call, m->person);
	if (!c)
		return true;
	if (!is_its_turn(h, m))
		return waits(h, m, 0);
	if (dmring_call_is_ours(c))
		return reply_here(h, m, l, c);
	if (!ring_takes(h, PARCEL_LEN))
		return false;
	dmring_exchange_reply_parcel(x, c, l->error, l->flags, &p);
	dmring_exchange_told(x, c, l->flags);
	put_parcel(h, &p, &l->load);
	return true;
}

static bool take(struct host *h, struct member *m)
{
	/* it may be asked to hold more, and to send more, meanwhile */
	struct letter l = m->in[0];
	bool done;

	if (l.type == LETTER_MESSAGE)
		done = take_message(h, m, &l);
	else if (l.type == LETTER_REQUEST)
		done = take_request(h, m, &l);
	else
		done = take_reply(h, m, &l);
	if (done)
		memmove(m->in, m->in + 1, --m->in_count * sizeof(m->in[0]));
	return done;
}

void calls_turn(struct host *h, struct member *m)
{
	if (m->attached && m->rang)
		dmring_exchange_turn(&h->calls.x, &m->party);
	m->rang = false;
	while (m->in_count && !m->waits && take(h, m))
		;
	if (m->attached || m->in_count)
		return;
	/* all that it had accepted has been moved */
	dmring_exchange_drained(&h->calls.x, &m->party);
	if (m->party.calls[DMRING_CALL_SERVER].count)
		sim_fail(h->w, "one that has left for good holds calls", h->no + 1, "");
	m->there = false;
}
