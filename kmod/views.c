// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views: what kmod/core decides about them is carried out here, by the ring's thread. A
 * coordinator asks by netlink, holding ring->conf while it waits.
 *
 * Who has not read what is of the views before the one that ends, when the next one is to be
 * installed, and the time that counts as death has passed since it was prepared, is evicted:
 * the record of the view needs the room, and a reader must not hold up a view.
 *
 * Locking: the thread; ring->lock as core.h says.
 */
#include <linux/ktime.h>

#include "direct.h"
#include "event.h"
#include "member.h"
#include "neighbours_io.h"
#include "output.h"
#include "pump.h"
#include "room.h"
#include "slow.h"
#include "thread.h"
#include "views.h"

static int prepare(struct dmring_neighbours *nb, const struct dmring_view_ask *ask, char *why)
{
	struct dmring_ring *ring = nb->ring;
	int err;

	/* a message that is being copied was accepted, and belongs to the view that ends */
	dmring_pump_lock_whole(ring);
	if (ring->core.change.phase == DMRING_PHASE_RUN)
		nb->stopped_at = ktime_get_ns();
	err = dmring_core_prepare(&ring->core, ask->number, ask->attempt, ask->joins,
				  dmring_new_incarnation(), why);
	if (!err)
		nb->rx.what = DMRING_RX_DISCARD;
	dmring_ring_unlock(ring);
	return err;
}

static int fill(struct dmring_neighbours *nb, const struct dmring_view_ask *ask, char *why)
{
	int err;

	spin_lock(&nb->ring->lock);
	err = dmring_core_fill(&nb->ring->core, ask->rec, ktime_get_ns(), why);
	dmring_ring_unlock(nb->ring);
	return err;
}

/* Room for the record of the view; ring->lock held */
static int make_room(struct dmring_neighbours *nb, u32 len, char *why)
{
	struct dmring_ring *ring = nb->ring;
	u64 late = nb->stopped_at + ring->core.cfg.dead_ms * NSEC_PER_MSEC;

	dmring_room_free(ring);
	if (!dmring_core_view_room(&ring->core, len))
		return 0;
	if (ktime_get_ns() >= late) {
		dmring_slow_evict_below(ring, ring->view_end);
		dmring_room_free(ring);
	}
	if (!dmring_core_view_room(&ring->core, len))
		return 0;
	strscpy(why, "readers here still hold what is of earlier views: ask again",
		DMRING_WHY_SIZE);
	return -EAGAIN;
}

/* A host that was in the view that ends and is not in the next one, or as another */
static bool has_left(const struct dmring_view_record *rec, u32 node)
{
	const struct dmring_next_host *h = dmring_view_next_host(rec, node);

	return !h || !h->stays;
}

/* What members are told: an event and a list of hosts; returns its length */
static u32 describe(const struct dmring_change *ch, u8 *buf)
{
	const struct dmring_view_record *rec = &ch->record;
	struct dmring_ev *ev = (struct dmring_ev *)buf;
	struct dmring_ev_host *h = (struct dmring_ev_host *)(ev + 1);
	u16 i;

	*ev = (struct dmring_ev){
		.what = DMRING_EV_VIEW, .arg = rec->number,
		.arg2 = (rec->quorum ? DMRING_VIEW_QUORUM : 0) |
			(ch->joins ? DMRING_VIEW_JOINED : 0),
	};
	for (i = 0; i < rec->count; i++)
		*h++ = (struct dmring_ev_host){
			.node = rec->host[i].node,
			.what = rec->host[i].stays ? DMRING_HOST_STAYED : DMRING_HOST_JOINED,
		};
	for (i = 0; i < rec->cuts; i++)
		if (has_left(rec, rec->cut[i].node))
			*h++ = (struct dmring_ev_host){
				.node = rec->cut[i].node, .what = DMRING_HOST_LEFT,
				.reason = rec->cut[i].reason,
			};
	return (u8 *)h - buf;
}

/* Nobody knows how far what this member has sent, and is not stable, went */
static void tell_lost(struct dmring_member *m)
{
	struct dmring_ev ev = {
		.what = DMRING_EV_LOST, .arg = m->doubt ?: m->stable + 1, .arg2 = m->sent,
	};

	/* what had no place in the order yet gets none, or without being counted (append.c) */
	m->own_due = 0;
	if (m->own_waits)
		dmring_marks_set(&m->ring->marked, m->id);
	m->own_waits = false;
	m->doubt = 0;
	if (ev.arg <= ev.arg2 && !dmring_out_event(m, &ev))
		m->ring->stats.events_lost++;
}

/* Most hosts of the view that has ended are in this one: what these hold is what counts. */
static bool is_majority(const struct dmring_view_record *rec)
{
	u16 i, stay = 0;

	for (i = 0; i < rec->count; i++)
		stay += rec->host[i].stays;
	return 2 * stay > rec->cuts;
}

/*
 * With a quorum, all that members here had sent is held by all hosts of the view now. Without,
 * it depends on the view in which they meet the others; if a minority goes on all the same,
 * what the others have cut off stays in doubt.
 */
static void settle(struct dmring_ring *ring, bool lost)
{
	bool doubtful = !is_majority(&ring->core.change.record);
	struct dmring_member *m;

	if (!lost && !ring->core.view.quorum)
		return;
	list_for_each_entry(m, &ring->members, node) {
		if (lost)
			tell_lost(m);
		else if (doubtful && !m->doubt && m->stable != m->sent)
			m->doubt = m->stable + 1;
		m->stable = m->sent;
		WRITE_ONCE(m->slot.kern->stable, m->stable);
	}
}

static void install_locked(struct dmring_neighbours *nb, const u8 *event, u32 len)
{
	struct dmring_ring *ring = nb->ring;
	bool lost = dmring_core_loses(&ring->core);

	if (ring->direct)
		dmring_exchange_installs(&ring->direct->exchange, &ring->core.change.record,
					 lost);
	dmring_pump_view(ring, event, len);
	if (lost)
		ring->lost_no = ring->view_no;
	settle(ring, lost);
	ring->stable_seen = 0;
	ring->stable_next = ring->core.retain.base;
	dmring_ring_show_view(ring);
}

/*
 * Is the record of the view before not delivered yet? What that one is to end, and what came after
 * it, could not be told apart any more.
 */
static int is_behind(const struct dmring_ring *ring, char *why)
{
	if (!ring->direct || !ring->direct->exchange.view_due)
		return 0;
	strscpy(why, "messages of earlier views are still to be delivered here: ask again",
		DMRING_WHY_SIZE);
	return -EAGAIN;
}

static int install(struct dmring_neighbours *nb, const struct dmring_view_ask *ask, char *why)
{
	struct dmring_ring *ring = nb->ring;
	u8 *event = nb->event;
	u32 len = 0;
	int err;

	spin_lock(&ring->lock);
	err = dmring_core_install_ask(&ring->core, ask->number, ask->attempt, why);
	if (!err)
		err = is_behind(ring, why);
	if (!err) {
		len = describe(&ring->core.change, event);
		err = make_room(nb, len, why);
	}
	if (!err)
		install_locked(nb, event, len);
	dmring_ring_unlock(ring);
	if (err)
		return err;
	dmring_neighbours_tell_sizes(ring);
	dmring_notify(ring->net, &(struct dmring_ntf_info){
		.ring = ring->name, .what = DMRING_NTF_VIEW, .view = ask->number });
	dmring_thread_kick(ring, DMRING_WORK_PUMP);
	dmring_thread_kick(ring, DMRING_WORK_WAKE);
	return 0;
}

int dmring_views_step(struct dmring_neighbours *nb, const struct dmring_view_ask *ask, char *why)
{
	int err;

	if (ask->step == DMRING_VIEW_PREPARE)
		err = prepare(nb, ask, why);
	else if (ask->step == DMRING_VIEW_FILL)
		err = fill(nb, ask, why);
	else
		err = install(nb, ask, why);
	if (!err)
		dmring_neighbours_follow(nb);
	return err;
}
