// SPDX-License-Identifier: GPL-2.0-only
#include "exchange-internal.h"

void dmring_exchange_init(struct dmring_exchange *x, const struct dmring_exchange_ops *ops,
			  void *ring, u32 node, const struct dmring_view *view,
			  struct dmring_call *calls, struct dmring_host_offer *offers)
{
	memset(x, 0, sizeof(*x));
	dmring_calls_init(&x->calls, calls);
	dmring_offers_init(&x->offers, offers);
	x->ops = ops;
	x->ring = ring;
	x->node = node;
	x->view = view;
}

/*
 * Lists
 */

static void drop_client(struct dmring_exchange *x, struct dmring_call *c)
{
	if (!c->client)
		return;
	dmring_calls_unlink(&x->calls, &c->client->calls[DMRING_CALL_CLIENT], c,
			    DMRING_CALL_CLIENT);
	c->client = NULL;
}

static void drop_server(struct dmring_exchange *x, struct dmring_call *c)
{
	if (!c->server)
		return;
	dmring_calls_unlink(&x->calls, &c->server->calls[DMRING_CALL_SERVER], c,
			    DMRING_CALL_SERVER);
	c->server = NULL;
}

void dmring_exchange_back(struct dmring_exchange *x, struct dmring_call *c)
{
	struct dmring_host_use *use = c->node ? dmring_exchange_use(x, c->node) : NULL;

	if (use && dmring_call_is_ours(c)) {
		use->sent--;
	} else if (use && c->extra) {
		use->extra--;
		x->extra--;
	} else if (use) {
		use->open--;
	}
	c->node = 0;
}

static void forget(struct dmring_exchange *x, struct dmring_call *c)
{
	dmring_exchange_back(x, c);
	x->own -= dmring_call_is_ours(c);
	dmring_calls_del(&x->calls, c);
}

/* Somebody may have waited for its place, or for free hands. */
void dmring_exchange_finish(struct dmring_exchange *x, struct dmring_call *c)
{
	drop_server(x, c);
	drop_client(x, c);
	forget(x, c);
	x->ops->retry(x->ring);
}

void dmring_exchange_set_deadline(struct dmring_exchange *x, struct dmring_call *c, u64 deadline)
{
	if (dmring_calls_set_deadline(&x->calls, c, deadline))
		x->ops->look(x->ring, deadline);
}

/*
 * Ends
 */

static void count_end(struct dmring_exchange *x, u32 flags)
{
	if (flags & DMRING_REPLY_RING)
		x->failed++;
	else
		x->replied++;
}

static void ended(struct dmring_call *c, u8 state, u32 error, u32 flags)
{
	c->state = state;
	c->error = error;
	c->end = flags;
}

/*
 * Who had asked knows. What another host has is kept until that one has said what came of it: it
 * counts there, too.
 */
static void known_here(struct dmring_exchange *x, struct dmring_call *c)
{
	if (!c->node) {
		dmring_exchange_finish(x, c);
		return;
	}
	drop_client(x, c);
	c->state = DMRING_CALL_OVER;
	x->ops->retry(x->ring);
}

/* To a client that is here: now, or when it has room */
static void end_here(struct dmring_exchange *x, struct dmring_call *c, u32 error, u32 flags)
{
	if (error || !(c->flags & DMRING_REQUEST_ONE_WAY))
		count_end(x, flags);
	if (!c->client || x->ops->tell(x->ring, c, error, flags)) {
		known_here(x, c);
		return;
	}
	drop_server(x, c);
	ended(c, DMRING_CALL_ENDED, error, flags);
	c->client->ends_due++;
	x->ops->retry(x->ring);
	x->ops->wants_room(x->ring, c->client);
}

/* To the client's host */
static void end_there(struct dmring_exchange *x, struct dmring_call *c, u32 error, u32 flags)
{
	drop_server(x, c);
	ended(c, DMRING_CALL_TELL, error, flags);
	dmring_calls_link(&x->calls, &x->calls.tell, c, DMRING_CALL_SERVER);
	x->ops->retry(x->ring);
	x->ops->due(x->ring);
}

void dmring_exchange_end(struct dmring_exchange *x, struct dmring_call *c, u32 error, u32 flags)
{
	if (dmring_call_is_ours(c))
		end_here(x, c, error, flags);
	else
		end_there(x, c, error, flags);
}

void dmring_exchange_turn(struct dmring_exchange *x, struct dmring_party *m)
{
	struct dmring_call *c, *next;

	if (!m->ends_due)
		return;
	for (c = dmring_calls_first(&x->calls, &m->calls[DMRING_CALL_CLIENT]); c; c = next) {
		next = dmring_calls_next(&x->calls, c, DMRING_CALL_CLIENT);
		if (c->state != DMRING_CALL_ENDED)
			continue;
		if (!x->ops->tell(x->ring, c, c->error, c->end))
			break;
		m->ends_due--;
		known_here(x, c);
	}
	if (m->ends_due)
		x->ops->wants_room(x->ring, m);
}

/*
 * Calls of members here
 */

struct dmring_call *dmring_exchange_begin(struct dmring_exchange *x, struct dmring_party *m,
					  u64 cookie, u32 flags, u64 deadline, u64 rnd)
{
	struct dmring_call *c;

	c = x->own < DMRING_EXCHANGE_OWN ? dmring_calls_add(&x->calls, rnd) : NULL;
	if (!c)
		return NULL;
	x->own++;
	c->cookie = cookie;
	c->flags = flags;
	if (m) {
		c->client = m;
		dmring_calls_link(&x->calls, &m->calls[DMRING_CALL_CLIENT], c,
				  DMRING_CALL_CLIENT);
	}
	x->begun++;
	dmring_exchange_set_deadline(x, c, deadline);
	return c;
}

bool dmring_exchange_may_send(struct dmring_exchange *x, u32 node)
{
	struct dmring_host_use *use = dmring_exchange_use(x, node);

	/* of a view it is not known yet with whom what is under way goes on */
	return use && !x->view_due &&
	       use->sent < DMRING_EXCHANGE_SHARE / dmring_exchange_others(x);
}

u32 dmring_exchange_choose(struct dmring_exchange *x, const char *name, bool *served)
{
	struct dmring_host_offer *h;
	u32 step = 0;

	*served = false;
	while ((h = dmring_offers_next(&x->offers, name, &step))) {
		*served = true;
		if (x->own >= DMRING_EXCHANGE_OWN)
			break;
		if (!dmring_exchange_may_send(x, h->node))
			continue;
		dmring_offers_took(&x->offers, h);
		return h->node;
	}
	return 0;
}

void dmring_exchange_send(struct dmring_exchange *x, struct dmring_call *c,
			  struct dmring_parcel *p, u64 now)
{
	c->node = p->dest;
	dmring_exchange_use(x, c->node)->sent++;
	p->no = c->no;
	p->arg = 0;
	if (c->deadline)
		p->arg = c->deadline > now ? c->deadline - now : 1;
}

void dmring_exchange_hand(struct dmring_exchange *x, struct dmring_call *c,
			  struct dmring_party *m, u64 out_at)
{
	/* one who has left may have had it */
	drop_server(x, c);
	c->out_at = out_at;
	c->answered = false;
	c->server = m;
	dmring_calls_link(&x->calls, &m->calls[DMRING_CALL_SERVER], c, DMRING_CALL_SERVER);
}

struct dmring_call *dmring_exchange_held(struct dmring_exchange *x, u64 no,
					 const struct dmring_party *m)
{
	struct dmring_call *c = dmring_calls_find(&x->calls, no);

	if (c && c->state == DMRING_CALL_OPEN && c->server == m)
		return c;
	x->stale++;
	return NULL;
}

int dmring_exchange_replied(struct dmring_exchange *x, struct dmring_call *c, u32 flags, int err)
{
	if (err == -ENOBUFS) {
		end_here(x, c, ENOBUFS, DMRING_END_UNKNOWN);
		return 0;
	}
	if (err)
		return err;
	/* who has seen a part is not to get another one's */
	c->flags &= ~DMRING_REQUEST_IDEMPOTENT;
	if (flags & DMRING_REPLY_MORE)
		return 0;
	count_end(x, flags);
	dmring_exchange_finish(x, c);
	return 0;
}

/*
 * Leaving
 */

void dmring_exchange_left(struct dmring_exchange *x, struct dmring_party *m)
{
	struct dmring_call *c;

	/*
	 * Nobody waits for these any more; but they are in somebody's hands, here or elsewhere.
	 * Those here are not to fill the table.
	 */
	while ((c = dmring_calls_first(&x->calls, &m->calls[DMRING_CALL_CLIENT]))) {
		drop_client(x, c);
		if (c->state == DMRING_CALL_ENDED && c->node)
			c->state = DMRING_CALL_OVER;
		else if (c->state == DMRING_CALL_ENDED)
			forget(x, c);
		else if (!c->node && x->own > DMRING_EXCHANGE_OWN / 2)
			end_here(x, c, ECANCELED, DMRING_REPLY_RING);
	}
	m->ends_due = 0;
	x->ops->retry(x->ring);
}

static bool move_on(struct dmring_exchange *x, struct dmring_call *c)
{
	return c->flags & DMRING_REQUEST_IDEMPOTENT && x->ops->move_on(x->ring, c);
}

/* Without a copy: those that move on wait for a better moment. */
static bool ends_early(const struct dmring_call *c)
{
	return !c->answered && !(c->flags & DMRING_REQUEST_IDEMPOTENT);
}

static void end_held(struct dmring_exchange *x, struct dmring_party *m, bool all)
{
	struct dmring_call *c, *next;

	for (c = dmring_calls_first(&x->calls, &m->calls[DMRING_CALL_SERVER]); c; c = next) {
		next = dmring_calls_next(&x->calls, c, DMRING_CALL_SERVER);
		if ((all || ends_early(c)) && !move_on(x, c))
			dmring_exchange_end(x, c, EOWNERDEAD, DMRING_END_UNKNOWN);
	}
}

void dmring_exchange_answered(struct dmring_exchange *x, u64 no, const struct dmring_party *m)
{
	struct dmring_call *c = dmring_calls_find(&x->calls, no);

	if (c && c->server == m)
		c->answered = true;
}

void dmring_exchange_unanswered(struct dmring_exchange *x, struct dmring_party *m)
{
	end_held(x, m, false);
}

void dmring_exchange_drained(struct dmring_exchange *x, struct dmring_party *m)
{
	end_held(x, m, true);
}

void dmring_exchange_dropped(struct dmring_exchange *x, struct dmring_party *m)
{
	struct dmring_call *c;

	while ((c = dmring_calls_first(&x->calls, &m->calls[DMRING_CALL_SERVER])))
		drop_server(x, c);
}

/*
 * Time
 */

void dmring_exchange_expire(struct dmring_exchange *x, u64 now, u32 budget)
{
	struct dmring_call *c;
	u32 at = 0;

	while ((c = dmring_calls_expired(&x->calls, now, &at))) {
		dmring_exchange_end(x, c, ETIMEDOUT, DMRING_END_UNKNOWN);
		if (!--budget) {
			x->calls.next_deadline = now;
			break;
		}
	}
}
