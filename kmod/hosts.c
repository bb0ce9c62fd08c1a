// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hosts of a ring between machines, as netlink gives them: their addresses, and the views that
 * are made of them. What they mean for links and stream is for those above (ring->ops).
 *
 * Locking: ring->conf.
 */
#include <linux/in.h>
#include <linux/in6.h>

#include "event.h"
#include "group.h"
#include "why.h"

/*
 * Peers
 */

static bool same_addr(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (void *)a, *b4 = (void *)b;
	const struct sockaddr_in6 *a6 = (void *)a, *b6 = (void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port && a6->sin6_scope_id == b6->sin6_scope_id &&
	       !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
}

static int check_peer(struct dmring_ring *ring, u32 node, const struct sockaddr_storage *addr,
		      struct netlink_ext_ack *extack)
{
	u32 i;

	if (ring->scope != DMRING_SCOPE_NETWORK) {
		dmring_extack(extack, "ring \"%s\" has scope machine: it has no peers", ring->name);
		return -EOPNOTSUPP;
	}
	if (!node || node == ring->node) {
		dmring_extack(extack, node ? "node %u is this host itself" :
			      "node ids start at 1, not %u", node);
		return -EINVAL;
	}
	for (i = 0; i < ring->peer_count; i++) {
		if (ring->peers[i].node == node) {
			dmring_extack(extack, "node %u is a peer already", node);
			return -EEXIST;
		}
		if (same_addr(&ring->peers[i].addr, addr)) {
			dmring_extack(extack, "node %u has that address", ring->peers[i].node);
			return -EADDRINUSE;
		}
	}
	if (same_addr(&ring->listen, addr)) {
		dmring_extack(extack, "that is this host's own address");
		return -EADDRINUSE;
	}
	if (ring->peer_count == DMRING_HOSTS_MAX - 1) {
		dmring_extack(extack, "a ring has at most %u hosts", DMRING_HOSTS_MAX);
		return -EUSERS;
	}
	return 0;
}

int dmring_peer_add(struct dmring_ring *ring, u32 node, const struct sockaddr_storage *addr,
		    struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&ring->conf);
	err = check_peer(ring, node, addr, extack);
	if (!err) {
		ring->peers[ring->peer_count].node = node;
		ring->peers[ring->peer_count++].addr = *addr;
		err = ring->ops->peers_changed(ring, extack);
		if (err)
			ring->peer_count--;
	}
	mutex_unlock(&ring->conf);
	if (!err)
		dmring_notify(ring->net, &(struct dmring_ntf_info){
			.ring = ring->name, .what = DMRING_NTF_PEER_ADD, .node = node });
	return err;
}

static int peer_remove(struct dmring_ring *ring, u32 node, struct netlink_ext_ack *extack)
{
	struct dmring_peer gone;
	u32 i;
	int err;

	for (i = 0; i < ring->peer_count && ring->peers[i].node != node; i++)
		;
	if (i == ring->peer_count) {
		dmring_extack(extack, "ring \"%s\" has no peer with node id %u", ring->name, node);
		return -ENOENT;
	}
	gone = ring->peers[i];
	ring->peers[i] = ring->peers[--ring->peer_count];
	err = ring->ops->peers_changed(ring, extack);
	if (err)
		ring->peers[ring->peer_count++] = gone;
	return err;
}

int dmring_peer_del(struct dmring_ring *ring, u32 node, struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&ring->conf);
	err = peer_remove(ring, node, extack);
	mutex_unlock(&ring->conf);
	if (!err)
		dmring_notify(ring->net, &(struct dmring_ntf_info){
			.ring = ring->name, .what = DMRING_NTF_PEER_DEL, .node = node });
	return err;
}

/*
 * Views
 */

bool dmring_ring_has_address(const struct dmring_ring *ring, u32 node)
{
	u32 i;

	for (i = 0; i < ring->peer_count; i++)
		if (ring->peers[i].node == node)
			return true;
	return node == ring->node;
}

/* The link to the next host will want to know where that is */
static int check_addresses(struct dmring_ring *ring, const struct dmring_view_record *rec,
			   struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < rec->count; i++) {
		if (dmring_ring_has_address(ring, rec->host[i].node))
			continue;
		dmring_extack(extack, "host %u has no address here: add it as a peer",
			      rec->host[i].node);
		return -EDESTADDRREQ;
	}
	return 0;
}

int dmring_ring_view(struct dmring_ring *ring, const struct dmring_view_ask *ask,
		     struct netlink_ext_ack *extack)
{
	int err = 0;

	mutex_lock(&ring->conf);
	if (ask->step == DMRING_VIEW_FILL)
		err = check_addresses(ring, ask->rec, extack);
	if (!err)
		err = ring->ops->view(ring, ask, extack);
	mutex_unlock(&ring->conf);
	return err;
}
