// SPDX-License-Identifier: GPL-2.0-only
/*
 * Room in the log: how far readers are, what may be freed, and whether the next
 * record fits.
 *
 * Every member's cursor is read from its memory; the smallest is searched again
 * only when its holder has moved. Before anything is freed, senders are told how
 * far their messages are stable: what is not stable is still in the table.
 *
 * Locking: ring->lock.
 */
#include "member.h"
#include "room.h"
#include "slow.h"
#include "thread.h"

#define ROOM_TURNS	64		/* attempts at room for one message */
#define FREE_BUDGET	4096		/* records freed at a time */
#define READER_COST	16		/* bytes; as long as a look at one takes */

static void find_slowest(struct dmring_ring *ring)
{
	u64 least = U64_MAX;
	struct dmring_member *m;

	ring->slowest = NULL;
	list_for_each_entry(m, &ring->reading, read_node) {
		u64 cursor = dmring_member_cursor(m);

		ring->out_bytes += READER_COST;

		if (!ring->slowest || cursor < least) {
			ring->slowest = m;
			least = cursor;
		}
	}
	dmring_core_read(&ring->core, least);
}

/* One more message of this sender is held by every host */
static void credit_stable(struct dmring_ring *ring, u32 sender)
{
	struct dmring_member *m = dmring_member_of(ring, sender);

	if (m)
		WRITE_ONCE(m->slot.kern->stable, ++m->stable);
}

/*
 * Tell senders how far their messages are stable. Before anything is freed:
 * what is not stable is still in the table. False: it is not finished.
 */
bool dmring_room_tell_stable(struct dmring_ring *ring)
{
	struct dmring_retain *r = &ring->core.retain;
	u64 stable = dmring_core_own_stable(&ring->core);
	u32 budget = FREE_BUDGET;

	if (ring->scope == DMRING_SCOPE_MACHINE || ring->stable_seen == stable)
		return true;
	/* what is freed was stable and has been told; the rest of it was of other hosts */
	ring->stable_next = max(ring->stable_next, r->first);
	for (; ring->stable_next < r->next; ring->stable_next++) {
		const struct dmring_entry *e = dmring_retain_entry(r, ring->stable_next);

		if (!budget--)
			return false;
		if (e->origin != r->self)
			continue;
		if (dmring_retain_seq(r, ring->stable_next) > stable)
			break;
		if (!(e->flags & DMRING_ENTRY_EVENT))
			credit_stable(ring, e->sender);
	}
	ring->stable_seen = stable;
	return true;
}

void dmring_room_free(struct dmring_ring *ring)
{
	/* all are searched again only when the slowest one has moved */
	if (!ring->slowest || dmring_member_cursor(ring->slowest) != ring->core.retain.read)
		find_slowest(ring);
	if (dmring_room_tell_stable(ring))
		dmring_core_advance(&ring->core, FREE_BUDGET);
	else
		dmring_thread_kick(ring, DMRING_WORK_PUMP);
}

/* 0, -EMSGSIZE or -EAGAIN */
static int ask_room(struct dmring_ring *ring, u32 len, struct dmring_one_hold *hold)
{
	bool raised = false;
	int err = dmring_core_room(&ring->core, len, &raised);

	hold->kick |= raised;
	return err;
}

/*
 * The hold pays at once for what was found: many messages may need a search each. Who has searched
 * in vain is the last one in this hold, and then it is still the turn of those who need no room.
 */
static int search_room(struct dmring_ring *ring, u32 len, struct dmring_one_hold *hold)
{
	int err = -EAGAIN;
	u64 before = ring->out_bytes;
	int turns = ROOM_TURNS;

	/* each turn frees something, or a reader has moved */
	while (err == -EAGAIN) {
		u64 first = dmring_core_first(&ring->core);

		if (!turns-- || ring->out_bytes - before > DMRING_HOLD_BYTES) {
			/* the rest is for the next hold, whoever has it */
			dmring_thread_kick(ring, DMRING_WORK_PUMP);
			break;
		}
		dmring_room_free(ring);
		err = ask_room(ring, len, hold);
		if (err == -EAGAIN && first == dmring_core_first(&ring->core) &&
		    !dmring_slow_full(ring))
			break;
	}
	if (!err) {
		dmring_hold_spend(hold, ring->out_bytes - before);
		ring->out_bytes = before;
	}
	return err;
}

int dmring_room_make(struct dmring_ring *ring, u32 len, struct dmring_one_hold *hold)
{
	int err = hold->full ? -EAGAIN : ask_room(ring, len, hold);

	if (err == -EAGAIN && !hold->full)
		err = search_room(ring, len, hold);
	hold->full = err == -EAGAIN;
	return err;
}
