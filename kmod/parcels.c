// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parcels: requests, replies and announcements on their way between hosts. What they mean, and
 * all that ends a call without a reply, is in core/exchange.h; here is what the rules need of
 * the ring: its members, services, output spaces and clock.
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
#define MOVE_LOOKS	65536			/* at full members, for one that left */
#define LOOK_APART_NS	NSEC_PER_MSEC

/*
 * Out
 */

static int request_goes(struct dmring_ring *ring, struct dmring_member *m,
			struct dmring_outgoing *o)
{
	struct dmring_exchange *x = &ring->direct->exchange;
	struct dmring_call *c;

	if (!o->p.dest) {
		struct dmring_ident ident = dmring_member_ident(m);
		struct dmring_delivery d;

		dmring_delivery_init(&d, o->req.flags, o->req.deadline,
				     dmring_ring_ident(ring, &ident), &o->body,
				     o->len);
		dmring_delivery_each(ring, dmring_services_find(ring, o->req.service), m, &d);
		return DMRING_TAKEN_OUT;
	}
	/* its host was chosen just now, so one more may be there */
	c = dmring_call_new(ring, m, &o->req);
	if (!c)
		return dmring_requests_too_many(ring, m, &o->req);
	dmring_exchange_send(x, c, &o->p, ktime_get_ns());
	return DMRING_TAKEN_OUT;
}

int dmring_parcels_go(struct dmring_ring *ring, struct dmring_member *m,
		      struct dmring_outgoing *o)
{
	switch (o->p.kind) {
	case DMRING_PARCEL_REQUEST:
		return request_goes(ring, m, o);
	case DMRING_PARCEL_REPLY:
		dmring_exchange_told(&ring->direct->exchange, o->call, o->p.flags);
		break;
	case DMRING_PARCEL_OFFER:
		dmring_services_announced(ring, o->service, o->p.arg);
		break;
	default:
		if (o->status)
			list_del_init(&o->status->dirty_node);
		else
			dmring_services_gone_told(ring, o->p.member);
	}
	return DMRING_TAKEN_OUT;
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

static void gone_due(struct dmring_ring *ring, struct dmring_outgoing *o, u32 member)
{
	o->status = NULL;
	o->p = (struct dmring_parcel){
		.kind = DMRING_PARCEL_STATUS, .flags = DMRING_STATUS_GONE, .from = ring->node,
		.member = member,
	};
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
	struct dmring_service *service;
	struct dmring_status *status;
	int gone;

	o->len = 0;
	o->call = dmring_exchange_due(&ring->direct->exchange, &o->p);
	if (o->call)
		return true;
	service = dmring_services_due(ring);
	if (service) {
		offer_due(ring, o, service);
		return true;
	}
	gone = dmring_services_gone_due(ring);
	if (gone >= 0) {
		gone_due(ring, o, gone);
		return true;
	}
	status = dmring_services_status_due(ring);
	if (status)
		status_due(ring, o, status);
	return status;
}

/*
 * What the rules ask for
 */

static int serve(void *ring, const struct dmring_parcel *p, u64 deadline, const void *load,
		 struct dmring_call *c)
{
	struct dmring_service *service = dmring_services_find(ring, p->name);
	const struct dmring_carried *with = load;
	struct dmring_offer *offer;
	struct dmring_delivery d;
	int err;

	dmring_delivery_init(&d, p->flags, deadline, with->ident, &with->body, with->len);
	if (!p->dest)
		return dmring_delivery_each(ring, service, NULL, &d) ? EAGAIN : 0;
	offer = dmring_delivery_choose(ring, service, NULL, dmring_out_need(&d.out), !c, &err);
	if (!offer)
		return err;
	dmring_delivery_put(ring, offer, &d, c);
	return 0;
}

/*
 * It lies in the output space of who has left as we have put it there. When others have been looked
 * at in vain so often, for what it held, it ends here as if all were full.
 */
static bool move_on(void *of, struct dmring_call *c)
{
	struct dmring_ring *ring = of;
	struct dmring_member *m = container_of(c->server, struct dmring_member, party);
	struct dmring_source src = { m->slot.out, c->out_at, m->slot.out_size - 1 };
	struct dmring_ident ident;
	struct dmring_request req;
	struct dmring_delivery d;
	struct dmring_offer *offer;
	struct dmring_rec rec;
	bool identified;
	int err;

	if (c->out_at < dmring_out_head(m) || ring->direct->looks >= MOVE_LOOKS)
		return false;
	dmring_source_take(&src, &rec, sizeof(rec));
	identified = rec.flags & DMRING_REC_IDENT;
	if (identified)
		dmring_source_take(&src, &ident, sizeof(ident));
	dmring_source_take(&src, &req, sizeof(req));
	dmring_delivery_init(&d, req.flags, req.deadline, identified ? &ident : NULL, &src,
			     rec.len - sizeof(req));
	offer = dmring_delivery_choose(ring, dmring_services_at(m, req.service),
				       dmring_call_client(c), dmring_out_need(&d.out), false, &err);
	if (offer)
		dmring_delivery_put(ring, offer, &d, c);
	return offer;
}

static int reply(void *ring, const struct dmring_call *c, u32 error, u32 flags, const void *load)
{
	return dmring_requests_reply(dmring_call_client(c), c, error, flags, load);
}

static bool tell(void *ring, const struct dmring_call *c, u32 error, u32 flags)
{
	return dmring_requests_tell(dmring_call_client(c), c, error, flags);
}

static void wants_room(void *ring, struct dmring_party *client)
{
	dmring_requests_want_room(ring, container_of(client, struct dmring_member, party));
}

static void missed(void *of, const struct dmring_parcel *p)
{
	struct dmring_ring *ring = of;
	struct dmring_member *m = dmring_member_of(ring, p->member);
	struct dmring_ev ev = {
		.what = DMRING_EV_UNDELIVERED, .reason = p->error, .arg = p->arg,
	};

	if (m && !dmring_out_event(m, &ev))
		ring->stats.events_lost++;
}

static void retry(void *ring)
{
	dmring_direct_retry(ring);
}

static void look(void *ring, u64 when)
{
	dmring_direct_look(ring, when);
}

static void due(void *ring)
{
	dmring_thread_kick(ring, DMRING_WORK_PUMP);
}

const struct dmring_exchange_ops dmring_parcels_ops = {
	.serve = serve,
	.move_on = move_on,
	.reply = reply,
	.tell = tell,
	.wants_room = wants_room,
	.missed = missed,
	.retry = retry,
	.look = look,
	.due = due,
};

/*
 * What happens
 */

static void status_arrived(struct dmring_ring *ring, const struct dmring_parcel *p,
			   struct dmring_carried *load)
{
	char text[DMRING_STATUS_SIZE] = "";

	/* there is none of one that is gone */
	dmring_source_take(&load->body, text, min_t(u32, load->len, sizeof(text)));
	dmring_services_heard_status(ring, p, text);
}

void dmring_parcels_arrived(struct dmring_ring *ring, const struct dmring_parcel *p,
			    const struct dmring_ident *ident,
			    const struct dmring_source *body, u32 len)
{
	struct dmring_carried load = { .ident = ident, .body = *body, .len = len };
	struct dmring_exchange *x = &ring->direct->exchange;

	/* most go by, on a ring of many hosts: no clock and no chance for these */
	if (!dmring_exchange_concerns(x, p))
		return;
	if (p->kind == DMRING_PARCEL_STATUS)
		status_arrived(ring, p, &load);
	else
		dmring_exchange_arrived(x, p, &load, ktime_get_ns(), get_random_u64());
}

void dmring_parcels_left(struct dmring_ring *ring, struct dmring_member *m)
{
	bool held = m->party.calls[DMRING_CALL_SERVER].count;

	dmring_services_left(ring, m);
	dmring_direct_wait_no_more(m);
	dmring_exchange_left(&ring->direct->exchange, &m->party);
	/* to move what it had accepted may take its time; whom that does not concern is told now */
	if (held && dmring_requests_answered(ring, m))
		dmring_exchange_unanswered(&ring->direct->exchange, &m->party);
}

void dmring_parcels_drained(struct dmring_ring *ring, struct dmring_member *m)
{
	ring->direct->looks = 0;
	dmring_exchange_drained(&ring->direct->exchange, &m->party);
	dmring_services_drained(ring, m);
	dmring_direct_wait_no_more(m);
}

void dmring_parcels_view(struct dmring_ring *ring)
{
	dmring_services_view(ring);
	dmring_exchange_view(&ring->direct->exchange);
}

u64 dmring_parcels_look(struct dmring_ring *ring)
{
	struct dmring_direct *d;
	struct dmring_calls *t;
	u64 now, at;

	/* pairs with dmring_direct_prepare() */
	d = smp_load_acquire(&ring->direct);
	if (!d)
		return U64_MAX;
	t = &d->exchange.calls;
	spin_lock(&ring->lock);
	now = ktime_get_ns();
	if (now >= t->next_deadline)
		dmring_exchange_expire(&d->exchange, now, LOOK_BUDGET);
	if (now >= d->waiting_until)
		dmring_direct_retry_late(ring, now);
	at = min3(t->next_deadline, d->waiting_until, dmring_services_look(ring, now));
	if (at != U64_MAX)
		at = max(at, now + LOOK_APART_NS);
	d->looks_at = at;
	dmring_ring_unlock(ring);
	return at;
}
