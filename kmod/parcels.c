// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parcels: requests, replies and announcements on their way between hosts, and all
 * that ends a call without a reply: who serves it leaves, its host does, its time is over.
 *
 * A parcel is sent like a message, in its sender's place, so the stream keeps it in order
 * behind what its sender had sent before, resends it and drops what comes twice. A reply that the
 * kernel makes itself waits as an entry (DMRING_CALL_TELL) for room in the window.
 *
 * Locking: ring->lock.
 */
#include <linux/ktime.h>
#include <linux/random.h>

#include "member.h"
#include "output.h"
#include "parcels.h"
#include "thread.h"

#define LOOK_BUDGET	512			/* calls ended under one hold of the lock */
#define LOOK_APART_NS	NSEC_PER_MSEC

/*
 * Out
 */

static u64 time_left(u64 deadline)
{
	u64 now = ktime_get_ns();

	if (!deadline)
		return 0;
	return deadline > now ? deadline - now : 1;
}

static int request_goes(struct dmring_ring *ring, struct dmring_member *m,
			struct dmring_outgoing *o)
{
	struct dmring_call *c;

	if (!o->p.dest) {
		struct dmring_ident ident = dmring_member_ident(m);
		struct dmring_delivery d;

		dmring_delivery_init(&d, o->req.flags, o->req.deadline,
				     dmring_ring_ident(ring, &ident), &o->body,
				     o->len);
		dmring_delivery_each(ring, dmring_services_find(ring, o->req.service), m, &d);
		return 0;
	}
	c = dmring_call_new(ring, m, &o->req);
	if (!c)
		return dmring_requests_later(ring, m, ktime_get_ns() + DMRING_CALLS_WAIT_NS);
	c->node = o->p.dest;
	o->p.no = c->no;
	o->p.arg = time_left(o->req.deadline);
	return 0;
}

int dmring_parcels_go(struct dmring_ring *ring, struct dmring_member *m,
		      struct dmring_outgoing *o)
{
	switch (o->p.kind) {
	case DMRING_PARCEL_REQUEST:
		return request_goes(ring, m, o);
	case DMRING_PARCEL_REPLY:
		if (!m)
			dmring_calls_unlink(&ring->direct->calls, &ring->direct->calls.tell,
					    o->call, DMRING_CALL_SERVER);
		o->call->flags &= ~DMRING_REQUEST_IDEMPOTENT;
		if (!(o->p.flags & DMRING_REPLY_MORE))
			dmring_call_finish(ring, o->call);
		return 0;
	case DMRING_PARCEL_OFFER:
		dmring_services_announced(ring, o->service);
		return 0;
	default:
		list_del_init(&o->status->dirty_node);
		return 0;
	}
}

static void reply_due(struct dmring_ring *ring, struct dmring_outgoing *o, struct dmring_call *c)
{
	o->call = c;
	o->p = (struct dmring_parcel){
		.kind = DMRING_PARCEL_REPLY, .flags = c->end, .error = c->error,
		.dest = c->node, .from = ring->node,
	};
	if (c->flags & DMRING_REQUEST_EACH) {
		o->p.arg = c->cookie;
		o->p.member = c->peer_no;
	} else {
		o->p.no = c->peer_no;
	}
}

static void offer_due(struct dmring_ring *ring, struct dmring_outgoing *o,
		      struct dmring_service *service)
{
	o->service = service;
	o->p = (struct dmring_parcel){
		.kind = DMRING_PARCEL_OFFER, .from = ring->node, .member = service->members,
		.arg = dmring_direct_busy(service),
	};
	memcpy(o->p.name, service->name, sizeof(o->p.name));
}

static void status_due(struct dmring_ring *ring, struct dmring_outgoing *o,
		       struct dmring_status *s)
{
	o->status = s;
	o->p = (struct dmring_parcel){
		.kind = DMRING_PARCEL_STATUS, .from = ring->node, .member = s->member,
		.arg = s->state | (u64)s->progress << 32,
	};
	o->body = (struct dmring_source){ .base = (const u8 *)s->text, .mask = U64_MAX };
	o->len = sizeof(s->text);
}

bool dmring_parcels_due(struct dmring_ring *ring, struct dmring_outgoing *o)
{
	struct dmring_calls *t = &ring->direct->calls;
	struct dmring_call *c = dmring_calls_first(t, &t->tell);
	struct dmring_service *service;
	struct dmring_status *status;

	o->len = 0;
	if (c) {
		reply_due(ring, o, c);
		return true;
	}
	service = dmring_services_due(ring);
	if (service) {
		offer_due(ring, o, service);
		return true;
	}
	status = dmring_services_status_due(ring);
	if (status)
		status_due(ring, o, status);
	return status;
}

/*
 * In
 */

/* A request that is here, of host @node: to be told how it ended */
static struct dmring_call *far_call(struct dmring_ring *ring, u32 node,
				    const struct dmring_parcel *p)
{
	struct dmring_call *c = dmring_calls_add(&ring->direct->calls, get_random_u64());

	if (!c) {
		ring->stats.events_lost++;
		return NULL;
	}
	c->node = node;
	c->flags = p->flags;
	c->peer_no = p->dest ? p->no : p->member;
	c->cookie = p->dest ? 0 : p->arg;
	return c;
}

static void bounce(struct dmring_ring *ring, u32 node, const struct dmring_parcel *p, u32 error)
{
	struct dmring_call *c = far_call(ring, node, p);

	if (c)
		dmring_call_end(ring, c, error, error ? DMRING_REPLY_RING : 0);
}

static void each_arrived(struct dmring_ring *ring, u32 node, const struct dmring_parcel *p,
			 struct dmring_delivery *d)
{
	if (dmring_delivery_each(ring, dmring_services_find(ring, p->name), NULL, d))
		bounce(ring, node, p, EAGAIN);
}

/* One so far away that it cannot be said is none */
static u64 deadline_of(u64 left)
{
	u64 now = ktime_get_ns();

	return left && left <= U64_MAX - now ? now + left : 0;
}

static void request_arrived(struct dmring_ring *ring, u32 node, const struct dmring_parcel *p,
			    const struct dmring_ident *ident, const struct dmring_source *body,
			    u32 len)
{
	bool one_way = p->flags & DMRING_REQUEST_ONE_WAY;
	u64 deadline = p->dest ? deadline_of(p->arg) : 0;
	struct dmring_call *c = NULL;
	struct dmring_offer *offer;
	struct dmring_delivery d;
	int err;

	dmring_delivery_init(&d, p->flags, deadline, ident, body, len);
	if (!p->dest) {
		each_arrived(ring, node, p, &d);
		return;
	}
	offer = dmring_delivery_choose(dmring_services_find(ring, p->name), NULL,
				       dmring_out_need(&d.out), one_way, &err);
	if (!offer) {
		bounce(ring, node, p, err);
		return;
	}
	if (!one_way) {
		c = far_call(ring, node, p);
		if (!c)
			return;
		dmring_call_deadline(ring, c, deadline);
	}
	dmring_delivery_put(ring, offer, &d, c);
	/* that it has been delivered is all its host wants to know */
	if (one_way)
		bounce(ring, node, p, 0);
}

/* The end of a request with EACH, of which nothing is kept */
static void each_replied(struct dmring_ring *ring, const struct dmring_parcel *p)
{
	struct dmring_member *m = dmring_member_of(ring, p->member);
	struct dmring_ev ev = {
		.what = DMRING_EV_UNDELIVERED, .reason = p->error, .arg = p->arg,
	};

	if (m && !dmring_out_event(m, &ev))
		ring->stats.events_lost++;
}

static void reply_arrived(struct dmring_ring *ring, u32 node, const struct dmring_parcel *p,
			  const struct dmring_ident *ident, const struct dmring_source *body,
			  u32 len)
{
	struct dmring_call *c;

	if (!p->no) {
		each_replied(ring, p);
		return;
	}
	c = dmring_calls_find(&ring->direct->calls, p->no);
	if (!c || c->state != DMRING_CALL_OPEN || !dmring_call_is_ours(c) || c->node != node) {
		ring->direct->stale++;
		return;
	}
	if (p->flags & DMRING_REPLY_MORE && c->flags & DMRING_REQUEST_ONE_WAY)
		return;
	if (p->flags & DMRING_REPLY_RING || c->flags & DMRING_REQUEST_ONE_WAY)
		dmring_call_end(ring, c, p->error, p->flags);
	else if (dmring_call_reply(ring, c, p->error, p->flags, ident, body, len))
		dmring_call_end(ring, c, EMSGSIZE, DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN);
}

void dmring_parcels_arrived(struct dmring_ring *ring, const struct dmring_parcel *p,
			    const struct dmring_ident *ident,
			    const struct dmring_source *body, u32 len)
{
	struct dmring_source at = *body;
	char text[DMRING_STATUS_SIZE];
	u32 node = p->from;

	if (node == ring->node || (p->dest && p->dest != ring->node))
		return;
	switch (p->kind) {
	case DMRING_PARCEL_REQUEST:
		request_arrived(ring, node, p, ident, body, len);
		break;
	case DMRING_PARCEL_REPLY:
		reply_arrived(ring, node, p, ident, body, len);
		break;
	case DMRING_PARCEL_OFFER:
		dmring_services_heard_offer(ring, node, p);
		break;
	case DMRING_PARCEL_STATUS:
		dmring_source_take(&at, text, sizeof(text));
		dmring_services_heard_status(ring, node, p, text);
		break;
	}
}

/*
 * Leaving
 */

void dmring_parcels_left(struct dmring_ring *ring, struct dmring_member *m)
{
	struct dmring_direct *d = ring->direct;
	struct dmring_call_list *mine = &m->calls[DMRING_CALL_CLIENT];
	struct dmring_call_list *held = &m->calls[DMRING_CALL_SERVER];
	struct dmring_call *c;

	dmring_services_left(ring, m);
	list_del_init(&m->wait_node);
	/* nobody waits for these any more; who serves one may still reply */
	while ((c = dmring_calls_first(&d->calls, mine))) {
		dmring_calls_unlink(&d->calls, mine, c, DMRING_CALL_CLIENT);
		c->client = 0;
		if (!c->server)
			dmring_calls_del(&d->calls, c);
	}
	while ((c = dmring_calls_first(&d->calls, held))) {
		dmring_calls_unlink(&d->calls, held, c, DMRING_CALL_SERVER);
		dmring_calls_link(&d->calls, &d->orphans, c, DMRING_CALL_SERVER);
	}
	/* who waits for this one alone waits in vain */
	dmring_direct_retry(ring);
}

/* It lies in @m's output space as we have put it there: before another member; false if none can */
static bool move_on(struct dmring_ring *ring, struct dmring_member *m, struct dmring_call *c)
{
	struct dmring_source src = { m->slot.out, c->out_at, m->slot.out_size - 1 };
	struct dmring_ident ident;
	struct dmring_request req;
	struct dmring_delivery d;
	struct dmring_offer *offer;
	struct dmring_rec rec;
	bool identified;
	int err;

	if (!(c->flags & DMRING_REQUEST_IDEMPOTENT) || c->out_at < dmring_out_head(m))
		return false;
	dmring_source_take(&src, &rec, sizeof(rec));
	identified = rec.flags & DMRING_REC_IDENT;
	if (identified)
		dmring_source_take(&src, &ident, sizeof(ident));
	dmring_source_take(&src, &req, sizeof(req));
	dmring_delivery_init(&d, req.flags, req.deadline, identified ? &ident : NULL, &src,
			     rec.len - sizeof(req));
	offer = dmring_delivery_choose(dmring_services_at(m, req.service),
				       dmring_call_client(ring, c), dmring_out_need(&d.out), false,
				       &err);
	if (!offer)
		return false;
	dmring_calls_unlink(&ring->direct->calls, &ring->direct->orphans, c, DMRING_CALL_SERVER);
	dmring_delivery_put(ring, offer, &d, c);
	return true;
}

void dmring_parcels_drained(struct dmring_ring *ring, struct dmring_member *m)
{
	struct dmring_calls *t = &ring->direct->calls;
	struct dmring_call *c, *next;

	for (c = dmring_calls_first(t, &ring->direct->orphans); c; c = next) {
		next = dmring_calls_next(t, c, DMRING_CALL_SERVER);
		if (c->server == m->sender && !move_on(ring, m, c))
			dmring_call_end(ring, c, EOWNERDEAD,
					DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN);
	}
	dmring_services_drained(ring, m);
	list_del_init(&m->wait_node);
}

/* What was under way to or from a host that has not come along */
static void lose_host(struct dmring_ring *ring, struct dmring_call *c)
{
	if (c->state == DMRING_CALL_TELL) {
		dmring_calls_unlink(&ring->direct->calls, &ring->direct->calls.tell, c,
				    DMRING_CALL_SERVER);
		dmring_calls_del(&ring->direct->calls, c);
	} else if (!dmring_call_is_ours(c)) {
		dmring_call_finish(ring, c);
	} else if (c->state == DMRING_CALL_OPEN) {
		dmring_call_end(ring, c, EHOSTDOWN, DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN);
	}
}

void dmring_parcels_view(struct dmring_ring *ring)
{
	struct dmring_calls *t = &ring->direct->calls;
	u32 i;

	for (i = 0; i < t->fresh; i++) {
		struct dmring_call *c = &t->table[i];

		if (c->state != DMRING_CALL_FREE && c->node && !dmring_direct_stays(ring, c->node))
			lose_host(ring, c);
	}
	dmring_services_view(ring);
	ring->direct->view_due = false;
	/* what was before a request and was lost with the view holds it up no longer */
	dmring_direct_retry(ring);
}

/*
 * Time
 */

static void expire(struct dmring_ring *ring, u64 now)
{
	struct dmring_calls *t = &ring->direct->calls;
	u32 at = 0, budget = LOOK_BUDGET;
	struct dmring_call *c;

	while ((c = dmring_calls_expired(t, now, &at))) {
		/* its host ends it there */
		if (dmring_call_is_ours(c))
			dmring_call_end(ring, c, ETIMEDOUT,
					DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN);
		else
			dmring_call_finish(ring, c);
		if (!--budget) {
			t->next_deadline = now;
			break;
		}
	}
}

u64 dmring_parcels_look(struct dmring_ring *ring)
{
	struct dmring_direct *d;
	u64 now, at;

	/* pairs with dmring_direct_prepare() */
	d = smp_load_acquire(&ring->direct);
	if (!d)
		return U64_MAX;
	spin_lock(&ring->lock);
	now = ktime_get_ns();
	if (now >= d->calls.next_deadline)
		expire(ring, now);
	if (now >= d->waiting_until)
		dmring_direct_retry(ring);
	at = min(d->calls.next_deadline, d->waiting_until);
	if (at != U64_MAX)
		at = max(at, now + LOOK_APART_NS);
	d->looks_at = at;
	dmring_ring_unlock(ring);
	return at;
}
