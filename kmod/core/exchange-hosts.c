// SPDX-License-Identifier: GPL-2.0-only
/* What is said between hosts of calls, and what a view means for them */
#include "exchange-internal.h"

struct dmring_host_use *dmring_exchange_use(struct dmring_exchange *x, u32 node)
{
	struct dmring_host_use *use, *unused = NULL;

	for (use = x->use; use < x->use + DMRING_HOSTS_MAX; use++) {
		if (use->node == node)
			return use;
		if (!unused && !use->sent && !use->open && !use->extra && !use->statuses &&
		    !use->others)
			unused = use;
		/* no others have ever been used */
		if (!use->node)
			break;
	}
	if (unused)
		unused->node = node;
	return unused;
}

/*
 * To other hosts
 */

void dmring_exchange_reply_parcel(const struct dmring_exchange *x, const struct dmring_call *c,
				  u32 error, u32 flags, struct dmring_parcel *p)
{
	*p = (struct dmring_parcel){
		.kind = DMRING_PARCEL_REPLY, .flags = flags, .error = error,
		.dest = c->node, .from = x->node,
	};
	if (c->flags & DMRING_REQUEST_EACH) {
		p->arg = c->cookie;
		p->member = c->peer_no;
	} else {
		p->no = c->peer_no;
	}
}

struct dmring_call *dmring_exchange_due(const struct dmring_exchange *x, struct dmring_parcel *p)
{
	struct dmring_call *c = dmring_calls_first(&x->calls, &x->calls.tell);

	if (c)
		dmring_exchange_reply_parcel(x, c, c->error, c->end, p);
	return c;
}

static void untell(struct dmring_exchange *x, struct dmring_call *c)
{
	if (c->state == DMRING_CALL_TELL)
		dmring_calls_unlink(&x->calls, &x->calls.tell, c, DMRING_CALL_SERVER);
}

void dmring_exchange_told(struct dmring_exchange *x, struct dmring_call *c, u32 flags)
{
	untell(x, c);
	c->flags &= ~DMRING_REQUEST_IDEMPOTENT;
	if (!(flags & DMRING_REPLY_MORE))
		dmring_exchange_finish(x, c);
}

/*
 * From other hosts
 */

/* What is delivered before the record of a view that was installed was sent before it. */
static u32 share_of(const struct dmring_exchange *x, const struct dmring_host_use *use)
{
	u32 others = dmring_exchange_others(x);

	if (use->others && (x->view_due || use->others < others))
		others = use->others;
	return DMRING_EXCHANGE_SHARE / others;
}

/* An entry of its host's share; *@extra: one that is only to be refused */
static struct dmring_call *far_entry(struct dmring_exchange *x, u32 node, bool *extra, u64 rnd)
{
	struct dmring_host_use *use = dmring_exchange_use(x, node);
	struct dmring_call *c;

	if (!use)
		return NULL;
	*extra = *extra || use->open >= share_of(x, use);
	if (*extra && (x->extra >= DMRING_EXCHANGE_EXTRA ||
		       use->extra >= DMRING_EXCHANGE_EXTRA / dmring_exchange_others(x)))
		return NULL;
	c = dmring_calls_add(&x->calls, rnd);
	if (!c)
		return NULL;
	use->open += !*extra;
	use->extra += *extra;
	x->extra += *extra;
	return c;
}

/* A request that is here, of another host: that is to be told how it ended */
static struct dmring_call *far_call(struct dmring_exchange *x, const struct dmring_parcel *p,
				    u64 rnd)
{
	/* of one to each its host keeps nothing, so it knows no limit */
	bool extra = !p->dest;
	struct dmring_call *c = far_entry(x, p->from, &extra, rnd);

	if (!c) {
		x->dropped++;
		return NULL;
	}
	c->extra = extra;
	c->node = p->from;
	c->flags = p->flags;
	c->peer_no = p->dest ? p->no : p->member;
	c->cookie = p->dest ? 0 : p->arg;
	return c;
}

/* One so far away that it cannot be said is none */
static u64 deadline_of(u64 left, u64 now)
{
	return left && left <= ~0ULL - now ? now + left : 0;
}

static void request_arrived(struct dmring_exchange *x, const struct dmring_parcel *p,
			    const void *load, u64 now, u64 rnd)
{
	u64 deadline = p->dest ? deadline_of(p->arg, now) : 0;
	bool waits = p->dest && !(p->flags & DMRING_REQUEST_ONE_WAY);
	struct dmring_call *c = waits ? far_call(x, p, rnd) : NULL;
	u32 err;

	if (waits && !c)
		return;
	if (waits && c->extra)
		err = EAGAIN;
	else
		err = x->ops->serve(x->ring, p, deadline, load, c);
	if (waits && !err) {
		dmring_exchange_set_deadline(x, c, deadline);
		return;
	}
	/* its host wants to know that one way it was delivered, or that to each it was not */
	if (!waits && (p->dest || err))
		c = far_call(x, p, rnd);
	if (c)
		dmring_exchange_end(x, c, err, err ? DMRING_REPLY_RING : 0);
}

/* It had ended here before: now it has there, too, if that was the last of it. */
static void too_late(struct dmring_exchange *x, struct dmring_call *c,
		     const struct dmring_parcel *p)
{
	x->stale += !(p->flags & DMRING_REPLY_RING);
	if (c->node)
		return;
	if (c->state == DMRING_CALL_OVER)
		dmring_exchange_finish(x, c);
	else
		x->ops->retry(x->ring);
}

static void reply_arrived(struct dmring_exchange *x, const struct dmring_parcel *p,
			  const void *load)
{
	struct dmring_call *c = dmring_calls_find(&x->calls, p->no);
	bool one_way;
	int err = 0;

	if (!c || !dmring_call_is_ours(c) || c->node != p->from) {
		x->stale++;
		return;
	}
	one_way = c->flags & DMRING_REQUEST_ONE_WAY;
	if (p->flags & DMRING_REPLY_MORE && one_way)
		return;
	if (!(p->flags & DMRING_REPLY_MORE))
		dmring_exchange_back(x, c);
	if (c->state != DMRING_CALL_OPEN) {
		too_late(x, c, p);
		return;
	}
	if (p->flags & DMRING_REPLY_RING || one_way) {
		dmring_exchange_end(x, c, p->error, p->flags);
		return;
	}
	if (c->client)
		err = x->ops->reply(x->ring, c, p->error, p->flags, load);
	if (dmring_exchange_replied(x, c, p->flags, err))
		dmring_exchange_end(x, c, EMSGSIZE, DMRING_END_UNKNOWN);
}

void dmring_exchange_arrived(struct dmring_exchange *x, const struct dmring_parcel *p,
			     const void *load, u64 now, u64 rnd)
{
	if (!dmring_exchange_concerns(x, p))
		return;
	if (p->kind == DMRING_PARCEL_REQUEST) {
		request_arrived(x, p, load, now, rnd);
	} else if (p->kind == DMRING_PARCEL_REPLY && p->no) {
		reply_arrived(x, p, load);
	} else if (p->kind == DMRING_PARCEL_REPLY) {
		x->ops->missed(x->ring, p);
	} else if (p->kind == DMRING_PARCEL_OFFER) {
		dmring_offers_set(&x->offers, p->from, p->name, p->member, p->arg);
		/* somebody may wait for such a one; or for one that is no more */
		x->ops->retry(x->ring);
	}
}

/*
 * Views
 */

bool dmring_exchange_stays(const struct dmring_exchange *x, u32 node)
{
	u16 i;

	for (i = 0; i < x->kept_count; i++)
		if (x->kept[i] == node)
			return true;
	return false;
}

/* The view is about to end: who has shared with whom is to be known after it, too. */
static void note_others(struct dmring_exchange *x)
{
	u32 others = dmring_exchange_others(x);
	struct dmring_host_use *use;
	u16 i;

	for (i = 0; i < x->view->count; i++) {
		if (x->view->node[i] == x->node)
			continue;
		use = dmring_exchange_use(x, x->view->node[i]);
		if (use && (!use->others || use->others > others))
			use->others = others;
	}
}

void dmring_exchange_installs(struct dmring_exchange *x, const struct dmring_view_record *rec,
			      bool lossy)
{
	u16 i, n = 0;

	for (i = 0; i < rec->count && !lossy; i++) {
		u32 node = rec->host[i].node;

		/* and through the view before, if its record is still to be delivered */
		if (rec->host[i].stays && (!x->view_due || dmring_exchange_stays(x, node)))
			x->kept[n++] = node;
	}
	x->kept_count = n;
	note_others(x);
	x->view_due = true;
}

/* What was under way to or from a host that has not come along */
static void lose_host(struct dmring_exchange *x, struct dmring_call *c)
{
	untell(x, c);
	dmring_exchange_back(x, c);
	if (!dmring_call_is_ours(c) || c->state == DMRING_CALL_OVER)
		dmring_exchange_finish(x, c);
	else if (c->state == DMRING_CALL_OPEN)
		dmring_exchange_end(x, c, EHOSTDOWN, DMRING_END_UNKNOWN);
}

void dmring_exchange_view(struct dmring_exchange *x)
{
	u32 i;

	for (i = 0; i < x->calls.fresh; i++) {
		struct dmring_call *c = &x->calls.table[i];

		if (c->state != DMRING_CALL_FREE && c->node && !dmring_exchange_stays(x, c->node))
			lose_host(x, c);
	}
	for (i = 0; i < DMRING_HOSTS_MAX; i++)
		if (!dmring_exchange_stays(x, x->use[i].node))
			x->use[i].others = 0;
	for (i = 0; i < x->offers.fresh; i++)
		if (!dmring_exchange_stays(x, x->offers.table[i].node))
			x->offers.table[i].members = 0;
	x->view_due = false;
	/* what was before a request and was lost with the view holds it up no longer */
	x->ops->retry(x->ring);
}
