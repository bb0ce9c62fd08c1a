// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel itself has to say in the stream: events, for this host's members or for
 * all, and the parcels that are its own: ends of requests, announcements.
 *
 * Locking: ring->lock.
 */
#include "append.h"
#include "member.h"
#include "news.h"
#include "room.h"
#include "slow.h"

/* An event for this host's members alone; false without room */
static bool put_event(struct dmring_ring *ring, const struct dmring_ev *ev)
{
	if (dmring_core_event_room(&ring->core, sizeof(*ev))) {
		dmring_room_free(ring);
		if (dmring_core_event_room(&ring->core, sizeof(*ev))) {
			dmring_slow_ask(ring);
			return false;
		}
	}
	dmring_append_event(ring, NULL, ev, sizeof(*ev));
	dmring_core_add_event(&ring->core, sizeof(*ev));
	dmring_append_deliver_at_once(ring);
	return true;
}

/* No message goes in this view, or none has gone in the first: there is nobody to tell */
static bool goes_alone(const struct dmring_view *v)
{
	return !v->quorum || v->number == DMRING_VIEW_STATIC;
}

/*
 * An event for all, in the window like a message. It is for this host's members alone while it
 * goes alone, and waits in a new view until that is closed.
 */
static bool put_news(struct dmring_ring *ring, struct dmring_one_hold *hold,
		     const struct dmring_news *news)
{
	if (!ring->core.gate)
		return goes_alone(&ring->core.view) && put_event(ring, &news->ev);
	if (dmring_room_make(ring, sizeof(news->ev), hold))
		return false;
	dmring_append_event(ring, dmring_ring_ident(ring, &news->ident), &news->ev,
			    sizeof(news->ev));
	dmring_core_add_news(&ring->core);
	dmring_append_deliver_at_once(ring);
	return true;
}

/*
 * Members can bring about as many terms as they like: these leave half of what is kept for
 * events to those of hosts and links.
 */
static bool is_too_much(const struct dmring_ring *ring, const struct dmring_ev *ev)
{
	return ev->what == DMRING_EV_PROXY &&
	       dmring_core_event_room(&ring->core, dmring_core_event_share(&ring->core) / 2);
}

/* The kernel's own: ends of requests, announcements. These can wait. */
static void put_parcels(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	struct dmring_outgoing o = {};

	while (hold->left && dmring_parcels_due(ring, &o)) {
		u32 len = o.len;

		if (dmring_room_make(ring, DMRING_WIRE_PARCEL + len, hold))
			break;
		/* who is evicted for it takes along what it is about */
		if (!dmring_parcels_due(ring, &o) || o.len > len)
			continue;
		if (dmring_parcels_go(ring, NULL, &o) != DMRING_TAKEN_OUT)
			break;
		dmring_append_parcel(ring, NULL, &o);
		dmring_hold_spend(hold, DMRING_HOLD_MIN);
	}
}

void dmring_news_put(struct dmring_ring *ring, struct dmring_one_hold *hold)
{
	/* between two views there is room for none, and none is to be lost for that */
	if (ring->core.change.phase != DMRING_PHASE_RUN)
		return;
	while (ring->events_head != ring->events_tail) {
		const struct dmring_ev *ev = &ring->events[ring->events_head % DMRING_EVENTS_MAX];

		if (is_too_much(ring, ev))
			ring->stats.events_lost++;
		else if (!put_event(ring, ev))
			break;
		ring->events_head++;
	}
	while (ring->news_head != ring->news_tail) {
		const struct dmring_news *news = &ring->news[ring->news_head % DMRING_EVENTS_MAX];

		if (!put_news(ring, hold, news))
			break;
		__clear_bit(news->ev.arg, ring->untold);
		ring->news_head++;
	}
	if (ring->direct && dmring_ring_is_network(ring) && ring->core.gate)
		put_parcels(ring, hold);
}

void dmring_news_left(struct dmring_ring *ring, struct dmring_one_hold *hold,
		      const struct dmring_member *m)
{
	/* no record is under way here */
	if (ring->news_tail - ring->news_head == DMRING_EVENTS_MAX)
		dmring_news_put(ring, hold);
	if (ring->news_tail - ring->news_head == DMRING_EVENTS_MAX) {
		ring->stats.events_lost++;
		__clear_bit(m->id, ring->untold);
		return;
	}
	ring->news[ring->news_tail % DMRING_EVENTS_MAX] = (struct dmring_news){
		.ev = {
			.what = DMRING_EV_LEFT, .reason = m->reason, .node = ring->node,
			.arg = m->id, .arg2 = m->left_at - m->candidate->since,
		},
		.ident = dmring_member_ident(m),
	};
	ring->news_tail++;
}
