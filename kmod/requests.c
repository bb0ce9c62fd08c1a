// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and replies: from the input space of who asks straight to the output
 * space of who serves, on this machine, and back; or as parcels to another host.
 *
 * What cannot be delivered now stays at the head of its sender's input space, and
 * what it sent afterwards stays with it: so nothing is overtaken, and nothing piles up in
 * the kernel. A request that has been delivered has an entry (core/calls.h) until it has
 * ended. Its end is told in the client's output space; while that is full the entry stays, and
 * the end is told when the client has read something.
 *
 * When a server leaves, what is in its hands ends at once, but for what it has replied to,
 * if these replies are still to be moved. What it had not read its kernel still has, in its
 * output space: when all else is moved such a request goes to another member, if its sender
 * has said that this does no harm.
 *
 * Locking: ring->lock. Headers are copied out of the input space once, then checked.
 */
#include <linux/ktime.h>
#include <linux/random.h>

#include "member.h"
#include "output.h"
#include "requests.h"
#include "thread.h"

#define EACH_BYTES	(2U << 20)		/* copied at most for one request to each */
#define OFFER_COST	64U			/* bytes; as long as a look at one takes */
#define LEFT_LOOKED_AT	512			/* records of one that has left, for replies */

/*
 * Ends
 */

/* Tell who asked how it ended; false if it has no room for that */
static bool tell_end(struct dmring_member *m, u64 cookie, bool one_way, u32 error, u32 flags)
{
	struct dmring_reply reply = { .cookie = cookie, .error = error, .flags = flags };
	struct dmring_out out = {
		.type = DMRING_REC_REPLY, .head = &reply, .head_len = sizeof(reply),
	};
	struct dmring_ev ev = {
		.what = DMRING_EV_UNDELIVERED, .reason = error, .arg = cookie,
		.arg2 = flags & DMRING_REPLY_UNKNOWN,
	};

	if (one_way)
		return !error || dmring_out_event(m, &ev);
	if (!dmring_out_has_room(m, dmring_out_need(&out)))
		return false;
	dmring_out_put(m, &out);
	return true;
}

bool dmring_requests_tell(struct dmring_member *m, const struct dmring_call *c, u32 error,
			  u32 flags)
{
	return tell_end(m, c->cookie, c->flags & DMRING_REQUEST_ONE_WAY, error, flags);
}

void dmring_requests_want_room(struct dmring_ring *ring, struct dmring_member *m)
{
	if (dmring_out_ask(m))
		dmring_marks_set(&ring->marked, m->id);
}

/* It has read half of what had lain there when it was full: a little is not enough. */
static void unclog(struct dmring_member *m)
{
	if (m->clogged_at && dmring_out_head(m) >= m->clogged_to)
		m->clogged_at = 0;
}

void dmring_requests_turn(struct dmring_ring *ring, struct dmring_member *m)
{
	if (dmring_out_has_rung(m)) {
		unclog(m);
		dmring_direct_retry(ring);
	}
	dmring_exchange_turn(&ring->direct->exchange, &m->party);
}

/*
 * To a server
 */

void dmring_delivery_init(struct dmring_delivery *d, u32 flags, u64 deadline,
			  const struct dmring_ident *ident, const struct dmring_source *body,
			  u32 len)
{
	*d = (struct dmring_delivery){
		.req = { .deadline = deadline, .flags = flags },
		.out = {
			.type = DMRING_REC_REQUEST, .ident = ident, .head_len = sizeof(d->req),
			.body = *body, .len = len,
		},
	};
	d->out.head = &d->req;
}

static bool takes(struct dmring_member *m, u32 need, bool one_way)
{
	return dmring_out_has_room(m, need) &&
	       (one_way || m->party.calls[DMRING_CALL_SERVER].count < DMRING_CALLS_MAX);
}

/* Full: does it take it all the same, when it is asked to ring? It may just have read. */
static bool takes_when_asked(struct dmring_member *m, u32 need, bool one_way)
{
	return dmring_out_ask(m) && takes(m, need, one_way);
}

/* @looks: at how many in vain; a thousand full ones may stand before the one that takes it */
static struct dmring_offer *choose(struct dmring_service *service, const struct dmring_member *not,
				   u32 need, bool one_way, int *err, u32 *looks)
{
	struct dmring_offer *offer;

	list_for_each_entry(offer, &service->offers, node) {
		if (offer->member == not)
			continue;
		if (!dmring_out_fits(offer->member, need)) {
			*err = *err == ESRCH ? EMSGSIZE : *err;
			continue;
		}
		*err = EAGAIN;
		if (takes(offer->member, need, one_way))
			return offer;
		++*looks;
	}
	if (*err != EAGAIN)
		return NULL;
	list_for_each_entry(offer, &service->offers, node) {
		if (offer->member != not && dmring_out_fits(offer->member, need) &&
		    takes_when_asked(offer->member, need, one_way))
			return offer;
		++*looks;
	}
	return NULL;
}

struct dmring_offer *dmring_delivery_choose(struct dmring_ring *ring,
					    struct dmring_service *service,
					    const struct dmring_member *not, u32 need,
					    bool one_way, int *err)
{
	struct dmring_offer *offer;
	u32 looks = 0;

	*err = ESRCH;
	if (!service)
		return NULL;
	offer = choose(service, not, need, one_way, err, &looks);
	ring->out_bytes += looks * OFFER_COST;
	ring->direct->looks += looks;
	return offer;
}

void dmring_delivery_put(struct dmring_ring *ring, struct dmring_offer *offer,
			 struct dmring_delivery *d, struct dmring_call *c)
{
	struct dmring_direct *direct = ring->direct;
	struct dmring_member *m = offer->member;
	u64 at;

	d->req.service = offer->handle;
	d->req.cap = c ? c->no : 0;
	at = dmring_out_put(m, &d->out);
	direct->exchange.served++;
	/* it has had its turn */
	list_move_tail(&offer->node, &offer->service->offers);
	if (!c)
		return;
	dmring_exchange_hand(&direct->exchange, c, &m->party, at);
	dmring_services_busy(ring);
}

/*
 * Half of the places are for whoever comes first. Of the next quarter each member may have an equal
 * part, and of the last one place: so many members that nobody finds one there can hardly be.
 * Who has left, and so is on no account, has to do with the first half.
 */
static bool has_share(const struct dmring_ring *ring, const struct dmring_member *m)
{
	u32 own = ring->direct->exchange.own, quarter = DMRING_EXCHANGE_OWN / 4, share = 1;

	if (own < 2 * quarter)
		return true;
	if (own < 3 * quarter)
		share = max(quarter / max(ring->count, 1U), 1U);
	return m->attached && m->party.calls[DMRING_CALL_CLIENT].count < share;
}

struct dmring_call *dmring_call_new(struct dmring_ring *ring, struct dmring_member *m,
				    const struct dmring_in_request *req)
{
	if (!has_share(ring, m))
		return NULL;
	/* one that has left hears nothing any more */
	return dmring_exchange_begin(&ring->direct->exchange, m->attached ? &m->party : NULL,
				     req->cookie, req->flags, req->deadline, get_random_u64());
}

/*
 * Out of an input space: requests
 */

static int later(struct dmring_member *m, u64 until)
{
	dmring_direct_wait_any(m, until);
	return DMRING_TAKEN_LATER;
}

static int not_its_turn(struct dmring_member *m, u64 until)
{
	m->waits_turn = true;
	return later(m, until);
}

/* It ends before it has begun */
int dmring_requests_fail(struct dmring_ring *ring, struct dmring_member *m,
			 const struct dmring_in_request *req, u32 error)
{
	if (m->attached && !tell_end(m, req->cookie, req->flags & DMRING_REQUEST_ONE_WAY, error,
				     DMRING_REPLY_RING)) {
		dmring_requests_want_room(ring, m);
		return DMRING_TAKEN_LATER;
	}
	ring->direct->exchange.begun++;
	ring->direct->exchange.failed++;
	return DMRING_TAKEN;
}

/* It waits in that list. Who has left waits as long as the ring lets a slow reader. */
static int full(struct dmring_ring *ring, struct dmring_member *m, struct list_head *in,
		const struct dmring_in_request *req)
{
	u64 until = req->deadline ?: U64_MAX;

	if (!m->attached) {
		until = min(until, m->left_at + ring->slow_ms * (u64)NSEC_PER_MSEC);
		if (ktime_get_ns() >= until)
			return dmring_requests_fail(ring, m, req, EAGAIN);
	}
	dmring_direct_wait(m, in, until);
	return DMRING_TAKEN_LATER;
}

/* All who serve it here are full. */
static int all_full(struct dmring_ring *ring, struct dmring_member *m,
		    struct dmring_service *service, const struct dmring_in_request *req)
{
	bool one_way = req->flags & DMRING_REQUEST_ONE_WAY;

	return full(ring, m,
		    &service->waiting[one_way ? DMRING_WAIT_ONE_WAY : DMRING_WAIT_CALL], req);
}

int dmring_requests_too_many(struct dmring_ring *ring, struct dmring_member *m,
			     const struct dmring_in_request *req)
{
	return full(ring, m, &ring->direct->crowd, req);
}

static bool reserved_zero(const struct dmring_in_request *req)
{
	return !req->reserved[0] && !req->reserved[1] && !req->reserved[2];
}

static int check_request(const struct dmring_in_request *req, u32 len)
{
	if (req->flags & ~DMRING_REQUEST_FLAGS || !reserved_zero(req))
		return -EINVAL;
	if (req->flags & DMRING_REQUEST_EACH && !(req->flags & DMRING_REQUEST_ONE_WAY))
		return -EINVAL;
	return len - sizeof(*req) > DMRING_DIRECT_MAX ? -EMSGSIZE : 0;
}

static void request_out(struct dmring_ring *ring, struct dmring_outgoing *o)
{
	o->p = (struct dmring_parcel){
		.kind = DMRING_PARCEL_REQUEST, .flags = o->req.flags, .from = ring->node,
	};
	memcpy(o->p.name, o->req.service, sizeof(o->p.name));
}

/*
 * To the next host in turn: on a ring of scope machine there is none. Else false, and in *@err
 * EBUSY if too many are under way.
 */
static bool choose_host(struct dmring_ring *ring, struct dmring_outgoing *o, int *err)
{
	bool served;
	u32 node = dmring_exchange_choose(&ring->direct->exchange, o->req.service, &served);

	if (!node) {
		*err = served && *err != EAGAIN ? EBUSY : *err;
		return false;
	}
	request_out(ring, o);
	o->p.dest = node;
	return true;
}

/* Neither here nor elsewhere, and why not */
static int to_nobody(struct dmring_ring *ring, struct dmring_member *m,
		     struct dmring_service *service, const struct dmring_in_request *req, int err)
{
	if (err == EAGAIN)
		return all_full(ring, m, service, req);
	if (err == EBUSY)
		return dmring_requests_too_many(ring, m, req);
	return dmring_requests_fail(ring, m, req, err);
}

/* To one member: DMRING_TAKEN_… */
static int to_one(struct dmring_ring *ring, struct dmring_member *m,
		  struct dmring_service *service, struct dmring_outgoing *o,
		  struct dmring_delivery *d)
{
	bool one_way = o->req.flags & DMRING_REQUEST_ONE_WAY;
	struct dmring_call *c = NULL;
	struct dmring_offer *offer;
	int err;

	offer = dmring_delivery_choose(ring, service, m, dmring_out_need(&d->out), one_way, &err);
	if (!offer && choose_host(ring, o, &err))
		return DMRING_TAKEN_OUT;
	if (!offer)
		return to_nobody(ring, m, service, &o->req, err);
	if (!one_way) {
		c = dmring_call_new(ring, m, &o->req);
		if (!c)
			return dmring_requests_too_many(ring, m, &o->req);
	}
	dmring_delivery_put(ring, offer, d, c);
	return DMRING_TAKEN;
}

/* Has each member here room for it, or never will? */
static bool each_has_room(struct dmring_service *service, const struct dmring_member *m, u32 need)
{
	struct dmring_offer *offer;

	if (!service)
		return true;
	list_for_each_entry(offer, &service->offers, node) {
		if (offer->member == m || !dmring_out_fits(offer->member, need))
			continue;
		if (!takes(offer->member, need, true) &&
		    !takes_when_asked(offer->member, need, true))
			return false;
	}
	return true;
}

/* Copied under one hold of the lock: not more than that */
static bool each_is_too_much(const struct dmring_service *service, u32 need)
{
	return service && (u64)need * service->members > EACH_BYTES;
}

/* Put it before each member here; how many had no space large enough */
u32 dmring_delivery_each(struct dmring_ring *ring, struct dmring_service *service,
			 const struct dmring_member *not, struct dmring_delivery *d)
{
	u32 need = dmring_out_need(&d->out), left = service ? service->members : 0, missed = 0;
	struct dmring_offer *offer, *next;

	if (!service)
		return 0;
	if (each_is_too_much(service, need))
		return service->members;
	/* each goes to the end when it has had it */
	list_for_each_entry_safe(offer, next, &service->offers, node) {
		if (!left--)
			break;
		if (offer->member == not)
			continue;
		if (dmring_out_fits(offer->member, need) && takes(offer->member, need, true))
			dmring_delivery_put(ring, offer, d, NULL);
		else
			missed++;
	}
	ring->out_bytes += missed * OFFER_COST;
	return missed;
}

static int to_each(struct dmring_ring *ring, struct dmring_member *m,
		   struct dmring_service *service, struct dmring_outgoing *o,
		   struct dmring_delivery *d)
{
	bool here = service && service->members;
	u32 step = 0;

	if (each_is_too_much(service, dmring_out_need(&d->out)))
		return dmring_requests_fail(ring, m, &o->req, EMSGSIZE);
	/* to look at each of them is work, too */
	ring->out_bytes += here ? service->members * OFFER_COST : 0;
	if (!each_has_room(service, m, dmring_out_need(&d->out)))
		return all_full(ring, m, service, &o->req);
	if (dmring_offers_next(&ring->direct->exchange.offers, o->req.service, &step)) {
		request_out(ring, o);
		o->p.arg = o->req.cookie;
		o->p.member = m->sender;
		return DMRING_TAKEN_OUT;
	}
	if (!here)
		return dmring_requests_fail(ring, m, &o->req, ESRCH);
	if (dmring_delivery_each(ring, service, m, d))
		return dmring_requests_fail(ring, m, &o->req, EMSGSIZE);
	return DMRING_TAKEN;
}

static int take_request(struct dmring_ring *ring, struct dmring_member *m,
			const struct dmring_source *src, u32 len, struct dmring_outgoing *o)
{
	struct dmring_ident ident = dmring_member_ident(m);
	struct dmring_service *service;
	struct dmring_delivery d;
	u64 until;
	int err;

	if (len < sizeof(o->req))
		return -EINVAL;
	o->body = *src;
	dmring_source_take(&o->body, &o->req, sizeof(o->req));
	err = check_request(&o->req, len);
	if (err)
		return err;
	/* one that is served here is right; the others are looked at */
	service = dmring_services_find(ring, o->req.service);
	if (!service && !dmring_service_name_ok(o->req.service))
		return -EINVAL;
	until = o->req.deadline ?: U64_MAX;
	if (o->req.deadline && ktime_get_ns() >= o->req.deadline)
		return dmring_requests_fail(ring, m, &o->req, ETIMEDOUT);
	if (!dmring_direct_is_its_turn(m))
		return not_its_turn(m, until);
	if (m->attached && m->party.calls[DMRING_CALL_CLIENT].count >= DMRING_CALLS_MAX)
		return later(m, until);
	o->len = len - sizeof(o->req);
	dmring_delivery_init(&d, o->req.flags, o->req.deadline,
			     dmring_ring_ident(ring, &ident), &o->body, o->len);
	if (o->req.flags & DMRING_REQUEST_EACH)
		return to_each(ring, m, service, o, &d);
	return to_one(ring, m, service, o, &d);
}

/*
 * Out of an input space: replies
 */

int dmring_requests_reply(struct dmring_member *m, const struct dmring_call *c, u32 error,
			  u32 flags, const struct dmring_carried *load)
{
	struct dmring_reply reply = { .cookie = c->cookie, .error = error, .flags = flags };
	struct dmring_out out = {
		.type = DMRING_REC_REPLY, .ident = load->ident, .head = &reply,
		.head_len = sizeof(reply), .body = load->body, .len = load->len,
	};
	u32 need = dmring_out_need(&out);

	if (!m)
		return 0;
	if (!dmring_out_fits(m, need))
		return -EMSGSIZE;
	if (!dmring_out_has_room(m, need))
		return -ENOBUFS;
	dmring_out_put(m, &out);
	unclog(m);
	return 0;
}

static u32 reply_need(const struct dmring_ring *ring, u32 len)
{
	struct dmring_ident ident;
	struct dmring_out out = {
		.ident = dmring_ring_ident(ring, &ident),
		.head_len = sizeof(struct dmring_reply), .len = len,
	};

	return dmring_out_need(&out);
}

/*
 * Is the client's output space full? Then a reply to it waits, in all no longer than the ring
 * bears with a slow reader, until it reads again: or one client could hold up a server.
 */
static bool clogged(struct dmring_ring *ring, struct dmring_member *server,
		    const struct dmring_call *c, u32 need, u64 *until)
{
	struct dmring_member *m = dmring_call_client(c);
	u64 now;

	if (!m || !dmring_out_fits(m, need) || dmring_out_has_room(m, need))
		return false;
	if (dmring_out_ask(m) && dmring_out_has_room(m, need))
		return false;
	now = ktime_get_ns();
	unclog(m);
	if (!m->clogged_at) {
		m->clogged_at = now;
		m->clogged_to = m->out_tail - (m->out_tail - dmring_out_head(m)) / 2;
	}
	/* nor longer for who reads, and at once fills what is free with other things */
	server->reply_since = server->reply_since ?: now;
	*until = min(m->clogged_at, server->reply_since) + ring->slow_ms * (u64)NSEC_PER_MSEC;
	/* who has left does not keep those waiting who want to know that */
	return now < *until && server->attached;
}

static int reply_here(struct dmring_ring *ring, struct dmring_call *c,
		      const struct dmring_in_reply *reply, const struct dmring_carried *load)
{
	int err = dmring_requests_reply(dmring_call_client(c), c, reply->error, reply->flags,
					load);

	return dmring_exchange_replied(&ring->direct->exchange, c, reply->flags, err);
}

static int take_reply(struct dmring_ring *ring, struct dmring_member *m,
		      const struct dmring_source *src, u32 len, struct dmring_outgoing *o)
{
	struct dmring_ident ident = dmring_member_ident(m);
	struct dmring_in_reply reply;
	struct dmring_carried load;
	struct dmring_call *c;
	u64 until;

	if (len < sizeof(reply))
		return -EINVAL;
	o->body = *src;
	dmring_source_take(&o->body, &reply, sizeof(reply));
	if (reply.flags & ~DMRING_REPLY_MORE || reply.error >= 4096 ||
	    (reply.error && reply.flags))
		return -EINVAL;
	if (len - sizeof(reply) > DMRING_DIRECT_MAX)
		return -EMSGSIZE;
	c = dmring_exchange_held(&ring->direct->exchange, reply.cap, &m->party);
	if (!c)
		return -ESTALE;
	if (!dmring_direct_is_its_turn(m))
		return not_its_turn(m, U64_MAX);
	o->len = len - sizeof(reply);
	if (dmring_call_is_ours(c) &&
	    clogged(ring, m, c, reply_need(ring, o->len), &until))
		return later(m, until);
	if (dmring_call_is_ours(c)) {
		load.ident = dmring_ring_ident(ring, &ident);
		load.body = o->body;
		load.len = o->len;
		return reply_here(ring, c, &reply, &load);
	}
	o->call = c;
	dmring_exchange_reply_parcel(&ring->direct->exchange, c, reply.error, reply.flags, &o->p);
	return DMRING_TAKEN_OUT;
}

int dmring_requests_take(struct dmring_ring *ring, struct dmring_member *m, u16 type,
			 const struct dmring_source *src, u32 len, struct dmring_outgoing *o)
{
	int ret;

	o->len = 0;
	o->req.deadline = 0;
	/* with it came ring->direct */
	if (!(m->flags & DMRING_ATTACH_CALLS))
		return -EINVAL;
	if (type == DMRING_REC_REQUEST)
		ret = take_request(ring, m, src, len, o);
	else
		ret = take_reply(ring, m, src, len, o);
	if (ret != DMRING_TAKEN_LATER) {
		m->reply_since = 0;
		dmring_direct_wait_no_more(m);
	}
	return ret;
}

bool dmring_requests_answered(struct dmring_ring *ring, const struct dmring_member *m)
{
	u32 most = LEFT_LOOKED_AT;
	u64 at = m->in_head;

	for (; at != m->in_end && most; most--) {
		struct dmring_source src = { m->slot.in, at, m->slot.in_size - 1 };
		struct dmring_in_reply reply;
		struct dmring_in_rec rec;
		u64 total;

		dmring_source_take(&src, &rec, sizeof(rec));
		total = ALIGN((u64)sizeof(rec) + rec.len, DMRING_ALIGN);
		/* the pump will not go on from here either */
		if (total > m->in_end - at)
			return true;
		if (rec.type == DMRING_REC_REPLY && rec.len >= sizeof(reply)) {
			dmring_source_take(&src, &reply, sizeof(reply));
			dmring_exchange_answered(&ring->direct->exchange, reply.cap, &m->party);
		}
		at += total;
	}
	return at == m->in_end;
}
