// SPDX-License-Identifier: GPL-2.0-only
/*
 * What those who watch by netlink are told of members: that they came, and then that they have
 * left. The ring's thread does it, and takes the memory away from who has left.
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

static void tell_come(struct dmring_ring *ring, struct dmring_member *m)
{
	dmring_notify(ring->net, &(struct dmring_ntf_info){
		.ring = ring->name, .what = DMRING_NTF_MEMBER_JOIN, .has_member = true,
		.member = m->id, .pid = m->pid });
	dmring_member_put(m);
}

static void tell_gone(struct dmring_ring *ring, struct dmring_member *m)
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

/*
 * Who left comes first, and whoever comes and goes in a loop keeps nobody from being seen off. Of
 * one that left it is told that it had come, if that is still to be. False if there is nobody.
 */
static bool tell_one(struct dmring_ring *ring)
{
	struct dmring_member *come, *gone;

	spin_lock(&ring->lock);
	gone = list_first_entry_or_null(&ring->gone, struct dmring_member, gone_node);
	if (gone) {
		list_del_init(&gone->gone_node);
		come = list_empty(&gone->come_node) ? NULL : gone;
	} else {
		come = list_first_entry_or_null(&ring->come, struct dmring_member, come_node);
	}
	if (come)
		list_del_init(&come->come_node);
	dmring_ring_unlock(ring);
	if (come)
		tell_come(ring, come);
	if (gone)
		tell_gone(ring, gone);
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
