// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network namespaces. Neither an open file nor a ring keeps one alive: a
 * container that ends takes its rings with it, and members that are still
 * attached are told (DMRING_REASON_NETNS).
 *
 * Locking: dmring_mutex.
 */
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "netns.h"
#include "ring.h"

/* Lists of rings and open files, of all namespaces */
DEFINE_MUTEX(dmring_mutex);
struct workqueue_struct *dmring_free_wq;	/* invariant */

static unsigned int dmring_net_id;

struct dmring_net *dmring_netns(struct net *net)
{
	return net_generic(net, dmring_net_id);
}

void dmring_netns_add_file(struct dmring_member *m)
{
	mutex_lock(&dmring_mutex);
	m->dn = dmring_netns(current->nsproxy->net_ns);
	list_add(&m->net_node, &m->dn->files);
	mutex_unlock(&dmring_mutex);
}

void dmring_netns_del_file(struct dmring_member *m)
{
	mutex_lock(&dmring_mutex);
	if (m->dn)
		list_del(&m->net_node);
	m->dn = NULL;
	mutex_unlock(&dmring_mutex);
}

static struct dmring_ring *find_ring(struct dmring_net *dn, const char *name)
{
	struct dmring_ring *ring;

	list_for_each_entry(ring, &dn->rings, net_node)
		if (!strcmp(ring->name, name))
			return ring;
	return NULL;
}

struct dmring_ring *dmring_netns_ring(struct dmring_member *m, const char *name, bool *admin)
{
	struct dmring_ring *ring = NULL;

	mutex_lock(&dmring_mutex);
	if (m->dn)
		ring = find_ring(m->dn, name);
	if (ring) {
		kref_get(&ring->ref);
		/* the ring's namespace is alive as long as it is listed */
		*admin = ns_capable(ring->net->user_ns, CAP_NET_ADMIN);
	}
	mutex_unlock(&dmring_mutex);
	return ring;
}

struct dmring_ring *dmring_ring_get(struct net *net, const char *name)
{
	struct dmring_ring *ring;

	mutex_lock(&dmring_mutex);
	ring = find_ring(dmring_netns(net), name);
	if (ring)
		kref_get(&ring->ref);
	mutex_unlock(&dmring_mutex);
	return ring;
}

struct dmring_ring *dmring_ring_next(struct net *net, struct dmring_ring *prev)
{
	struct dmring_net *dn = dmring_netns(net);
	struct dmring_ring *ring, *found = NULL;
	u64 after = prev ? prev->serial : 0;

	mutex_lock(&dmring_mutex);
	/* by serial, oldest first: a deleted @prev does not lose the place */
	list_for_each_entry(ring, &dn->rings, net_node) {
		if (ring->serial > after) {
			found = ring;
			kref_get(&found->ref);
			break;
		}
	}
	mutex_unlock(&dmring_mutex);
	if (prev)
		dmring_ring_put(prev);
	return found;
}

static int __net_init netns_init(struct net *net)
{
	struct dmring_net *dn = dmring_netns(net);

	INIT_LIST_HEAD(&dn->rings);
	INIT_LIST_HEAD(&dn->files);
	return 0;
}

static void __net_exit netns_exit(struct net *net)
{
	struct dmring_net *dn = dmring_netns(net);
	struct dmring_member *m, *next_m;
	struct dmring_ring *ring, *next;
	LIST_HEAD(rings);

	mutex_lock(&dmring_mutex);
	list_for_each_entry_safe(m, next_m, &dn->files, net_node) {
		list_del(&m->net_node);
		m->dn = NULL;
	}
	list_for_each_entry(ring, &dn->rings, net_node)
		ring->unlisted = true;
	list_splice_init(&dn->rings, &rings);
	mutex_unlock(&dmring_mutex);
	list_for_each_entry_safe(ring, next, &rings, net_node)
		dmring_ring_end(ring, DMRING_REASON_NETNS);
}

static struct pernet_operations netns_ops = {
	.init = netns_init,
	.exit = netns_exit,
	.id = &dmring_net_id,
	.size = sizeof(struct dmring_net),
};

int dmring_group_init(const struct dmring_group_ops *ops)
{
	int err;

	dmring_ring_ops = ops;
	dmring_free_wq = alloc_workqueue("dmring_free", 0, 0);
	err = dmring_free_wq ? register_pernet_device(&netns_ops) : -ENOMEM;
	if (!err)
		return 0;
	if (dmring_free_wq)
		destroy_workqueue(dmring_free_wq);
	return err;
}

void dmring_group_exit(void)
{
	unregister_pernet_device(&netns_ops);
	dmring_rings_wait();
	/* members on their way out */
	rcu_barrier();
	destroy_workqueue(dmring_free_wq);
}
