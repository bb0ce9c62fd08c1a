// SPDX-License-Identifier: GPL-2.0-only
/*
 * What those who watch by netlink are told of members: that they came, and that they have left.
 * The ring's thread does it, in this order, and then takes the memory away from who has left.
 *
 * Locking: ring->lock for the lists; nothing is held while watchers are told.
 */
#include <linux/ktime.h>
#include <linux/poll.h>

#include "event.h"
#include "member.h"
#include "thread.h"

/* Members told of in one go. The filters of all who watch run meanwhile, and no heartbeat goes. */
#define TOLD_MAX	16
#define TOLD_NS		NSEC_PER_MSEC

static void member_come(struct dmring_ring *ring, struct dmring_member *m)
{
	dmring_notify(ring->net, &(struct dmring_ntf_info){
		.ring = ring->name, .what = DMRING_NTF_MEMBER_JOIN, .has_member = true,
		.member = m->id, .pid = m->pid });
	dmring_member_put(m);
}

static void member_gone(struct dmring_ring *ring, struct dmring_member *m)
{
	wake_up_interruptible_poll(&m->wq, EPOLLHUP | EPOLLERR | EPOLLIN | EPOLLPRI);
	dmring_notify(ring->net, &(struct dmring_ntf_info){
		.ring = ring->name, .what = DMRING_NTF_MEMBER_LEAVE, .has_member = true,
		.member = m->id, .pid = m->pid, .reason = m->reason,
		.duration = m->left_at - m->candidate->since });
	spin_lock(&ring->lock);
	__clear_bit(m->id, ring->unnotified);
	dmring_ring_unlock(ring);
	/* whoever is no member reads no more */
	dmring_member_zap(m);
}

/* Nobody goes who has not come: all of those first. False if there is nobody. */
static bool tell_one(struct dmring_ring *ring)
{
	struct dmring_member *come, *gone;

	spin_lock(&ring->lock);
	come = list_first_entry_or_null(&ring->come, struct dmring_member, come_node);
	gone = list_first_entry_or_null(&ring->gone, struct dmring_member, gone_node);
	if (come)
		list_del_init(&come->come_node);
	else if (gone)
		list_del_init(&gone->gone_node);
	dmring_ring_unlock(ring);
	if (come)
		member_come(ring, come);
	else if (gone)
		member_gone(ring, gone);
	return come || gone;
}

bool dmring_members_tell(struct dmring_ring *ring)
{
	u64 end = ktime_get_ns() + TOLD_NS;
	int i;

	for (i = 0; i < TOLD_MAX && ktime_get_ns() < end; i++)
		if (!tell_one(ring))
			return false;
	return true;
}
