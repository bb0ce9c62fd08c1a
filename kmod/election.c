// SPDX-License-Identifier: GPL-2.0-only
/*
 * The office of the proxy. The rules are in kmod/core/election-rules.c; here the
 * members are counted, and those concerned are told: by the office mark and a
 * private event, the group by an event in its stream.
 *
 * A ring of scope machine has no office: there is nothing to answer for.
 *
 * Locking: ring->lock.
 */
#include <linux/ktime.h>

#include "core/election-rules.h"
#include "election.h"
#include "event.h"
#include "member.h"
#include "thread.h"
#include "trace.h"

static struct dmring_member *best(struct dmring_ring *ring)
{
	struct dmring_member *m, *winner = NULL;
	struct dmring_ballot top = {};

	/*
	 * Oldest first: by the rule of this version nobody beats the first who is
	 * willing, and looking on would make thousands leaving at once cost millions.
	 */
	list_for_each_entry(m, &ring->members, node) {
		if (winner)
			break;
		struct dmring_ballot ballot = {
			.since = m->since,
			.id = m->id,
			.willing = !(m->flags & DMRING_ATTACH_UNWILLING),
		};

		if (!ballot.willing || !dmring_ballot_beats(&ballot, winner ? &top : NULL))
			continue;
		top = ballot;
		winner = m;
	}
	return winner;
}

static void office(struct dmring_ring *ring, struct dmring_member *m, bool taken)
{
	struct dmring_ev ev = {
		.what = DMRING_EV_OFFICE, .arg = taken, .arg2 = ring->term,
	};

	dmring_member_event(m, &ev);
	dmring_member_mark(m, taken ? DMRING_MARK_OFFICE : 0, taken ? 0 : DMRING_MARK_OFFICE);
	m->proxy = taken;
	/* the thread wakes whom the event concerns */
	dmring_thread_kick(ring, DMRING_WORK_WAKE);
}

void dmring_election(struct dmring_ring *ring)
{
	struct dmring_member *old = ring->office;
	struct dmring_ev ev = { .what = DMRING_EV_PROXY };

	/* nobody who comes later is preferred to the one in office */
	if (ring->scope != DMRING_SCOPE_NETWORK || (old && old->attached))
		return;
	ring->office = ring->willing && !ring->dead ? best(ring) : NULL;
	if (ring->office == old)
		return;
	ring->term++;
	ring->office_since = ktime_get_ns();
	if (old)
		office(ring, old, false);
	if (ring->office)
		office(ring, ring->office, true);
	ev.arg = ring->term;
	dmring_ring_event(ring, &ev);
	trace_dmring_proxy(ring->name, ring->office ? ring->office->id : -1, ring->term);
	dmring_thread_kick(ring, DMRING_WORK_STATE);
}

void dmring_election_tell(struct dmring_ring *ring)
{
	struct dmring_ntf_info info = { .ring = ring->name, .what = DMRING_NTF_PROXY };
	bool changed;

	spin_lock(&ring->lock);
	changed = ring->term_told != ring->term;
	ring->term_told = ring->term;
	info.term = ring->term;
	if (ring->office) {
		info.has_member = true;
		info.member = ring->office->id;
		info.pid = ring->office->pid;
	}
	dmring_ring_unlock(ring);
	if (changed)
		dmring_notify(ring->net, &info);
}
