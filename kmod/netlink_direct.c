// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink answers about services and status. What is said here of a member, anybody
 * may know: it has said so itself.
 *
 * Locking: ring->lock, for one object at a time.
 */
#include <net/genetlink.h>

#include "member.h"
#include "netlink_direct.h"
#include "services.h"
#include "thread.h"

/* Numbers of a dump: this host's services, then the others' as they stand in the table */
#define FAR	DMRING_OFFERS_MAX

struct service_now {
	char name[DMRING_NAME_SIZE];
	u32 node;
	u32 members;
	u32 busy;
};

static bool copy_here(struct dmring_ring *ring, u32 nr, struct service_now *now)
{
	struct dmring_service *service;

	list_for_each_entry(service, &ring->direct->services, node) {
		if (nr--)
			continue;
		memcpy(now->name, service->name, sizeof(now->name));
		now->node = ring->node;
		now->members = service->members;
		now->busy = dmring_direct_busy(service);
		return now->members;
	}
	return false;
}

static bool copy_there(struct dmring_ring *ring, u32 nr, struct service_now *now)
{
	const struct dmring_host_offer *h = &ring->direct->host_offers[nr];

	memcpy(now->name, h->name, sizeof(now->name));
	now->node = h->node;
	now->members = h->members;
	now->busy = h->busy;
	return now->members;
}

static bool copy_service(struct dmring_ring *ring, u32 nr, struct service_now *now)
{
	bool there;

	spin_lock(&ring->lock);
	there = nr < FAR ? copy_here(ring, nr, now) : copy_there(ring, nr - FAR, now);
	dmring_ring_unlock(ring);
	return there;
}

/* From how many requests are in whose hands one could tell who sends (I6) */
static int put_service(const struct dmring_show *s, const struct dmring_ring *ring,
		       const struct service_now *now)
{
	struct sk_buff *skb = s->skb;

	return nla_put_string(skb, DMRING_A_SERVICE_RING, ring->name) ||
	       nla_put_string(skb, DMRING_A_SERVICE_NAME, now->name) ||
	       nla_put_u32(skb, DMRING_A_SERVICE_NODE, now->node) ||
	       nla_put_u32(skb, DMRING_A_SERVICE_MEMBERS, now->members) ||
	       (s->admin && nla_put_u32(skb, DMRING_A_SERVICE_BUSY, now->busy));
}

int dmring_show_services(const struct dmring_show *s, struct dmring_ring *ring, u64 *next)
{
	struct service_now now;
	struct dmring_show_nest m;
	int err;

	if (!smp_load_acquire(&ring->direct))	/* pairs with dmring_direct_prepare() */
		return 0;
	for (; *next < FAR + READ_ONCE(ring->direct->exchange.offers.fresh); ++*next) {
		if (!copy_service(ring, *next, &now))
			continue;
		err = dmring_show_begin(s, DMRING_CMD_SERVICE_GET, DMRING_A_SERVICE, &m);
		if (!err)
			err = dmring_show_end(s, &m, put_service(s, ring, &now));
		if (err)
			return err;
	}
	return 0;
}

static int put_status(struct sk_buff *skb, const struct dmring_ring *ring,
		      const struct dmring_status *now)
{
	return nla_put_string(skb, DMRING_A_STATUS_RING, ring->name) ||
	       nla_put_u32(skb, DMRING_A_STATUS_NODE, now->host) ||
	       nla_put_u32(skb, DMRING_A_STATUS_MEMBER, now->member) ||
	       nla_put_u32(skb, DMRING_A_STATUS_STATE, now->state) ||
	       nla_put_u32(skb, DMRING_A_STATUS_PROGRESS, now->progress) ||
	       nla_put_string(skb, DMRING_A_STATUS_TEXT, now->text);
}

int dmring_show_statuses(const struct dmring_show *s, struct dmring_ring *ring, u64 *next)
{
	struct dmring_status now;
	struct dmring_show_nest m;
	u64 behind = *next;
	int err;

	while (dmring_services_next_status(ring, &behind, &now)) {
		err = dmring_show_begin(s, DMRING_CMD_STATUS_GET, DMRING_A_STATUS, &m);
		if (!err)
			err = dmring_show_end(s, &m, put_status(s->skb, ring, &now));
		if (err)
			return err;
		*next = behind;
	}
	return 0;
}
