// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring instances: made, configured and ended by netlink, or ended by their
 * network namespace.
 *
 * All checks of what a configuration means are here, each with its sentence;
 * ranges of single values are netlink's policy. Everything is checked before
 * anything is allocated.
 *
 * Locking: ring->conf around changes, see group.h.
 */
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/wait_bit.h>
#include <net/net_namespace.h>

#include "direct.h"
#include "event.h"
#include "member.h"
#include "netns.h"
#include "ring.h"
#include "thread.h"
#include "why.h"

#define LOG_DEFAULT	BIT_ULL(20)
#define SLOW_MS_DEFAULT	1000
#define DEAD_MS_DEFAULT	DMRING_DEAD_DEFAULT
#define PROXY_MS_DEFAULT	1000
#define MODE_DEFAULT	0600

#define GIVEN(cfg, attr)	is_given(cfg, DMRING_A_RING_##attr)

const struct dmring_group_ops *dmring_ring_ops;
static u64 ring_serial;		/* protected by dmring_mutex */
static atomic_t rings;		/* that are not freed yet; any context */

static bool is_given(const struct dmring_ring_config *cfg, unsigned int attr)
{
	return cfg->given & BIT_ULL(attr);
}

static void ring_notify(struct dmring_ring *ring, u8 what)
{
	dmring_notify(ring->net, &(struct dmring_ntf_info){ .ring = ring->name, .what = what });
}

/*
 * Checks
 */

static int check_network(const struct dmring_ring_config *cfg, struct netlink_ext_ack *extack)
{
	if (!GIVEN(cfg, NODE) || !cfg->node) {
		dmring_extack(extack,
			      "a ring of scope network needs \"node\": this host's id, from 1");
		return -EINVAL;
	}
	if (!GIVEN(cfg, LISTEN)) {
		dmring_extack(extack,
			      "a ring of scope network needs \"listen\": address and port");
		return -EINVAL;
	}
	if (!(cfg->flags & DMRING_RING_INSECURE)) {
		dmring_extack(extack,
			      "links have no TLS yet: \"insecure\" runs them in the clear");
		return -EPERM;
	}
	return 0;
}

/* A ring of scope machine has no proxy */
static int check_no_office(const struct dmring_ring_config *cfg, struct netlink_ext_ack *extack)
{
	if (!GIVEN(cfg, ROTATE) && !GIVEN(cfg, PROXY_TIMEOUT))
		return 0;
	dmring_extack(extack, "\"rotate\" and \"proxy-timeout\" go with scope network");
	return -EINVAL;
}

static int check_machine(const struct dmring_ring_config *cfg, struct netlink_ext_ack *extack)
{
	if (GIVEN(cfg, NODE) || GIVEN(cfg, LISTEN) || GIVEN(cfg, DEAD_MS) ||
	    cfg->flags & DMRING_RING_INSECURE) {
		dmring_extack(extack,
			      "\"node\", \"listen\", \"dead\", \"insecure\" go with scope network");
		return -EINVAL;
	}
	return check_no_office(cfg, extack);
}

static int check_slow(const struct dmring_ring_config *cfg, struct netlink_ext_ack *extack)
{
	if (GIVEN(cfg, SLOW_MS) && cfg->slow != DMRING_SLOW_EVICT) {
		dmring_extack(extack, "a time limit goes with \"slow evict\" alone");
		return -EINVAL;
	}
	return 0;
}

static int check_config(const struct dmring_ring_config *cfg, struct netlink_ext_ack *extack)
{
	int err;

	if (!is_power_of_2(cfg->log_size) || cfg->log_size < DMRING_LOG_MIN ||
	    cfg->log_size > DMRING_LOG_MAX) {
		dmring_extack(extack, "the log's size is a power of two from %llu to %llu bytes",
			      DMRING_LOG_MIN, DMRING_LOG_MAX);
		return -EINVAL;
	}
	err = check_slow(cfg, extack);
	if (err)
		return err;
	return cfg->scope == DMRING_SCOPE_NETWORK ? check_network(cfg, extack) :
						    check_machine(cfg, extack);
}

static void fill_defaults(struct dmring_ring_config *cfg)
{
	if (!GIVEN(cfg, LOG_SIZE))
		cfg->log_size = LOG_DEFAULT;
	if (!GIVEN(cfg, SLOTS))
		cfg->slots = DMRING_SLOTS_MAX;
	if (!GIVEN(cfg, SLOW_MS))
		cfg->slow_ms = SLOW_MS_DEFAULT;
	if (!GIVEN(cfg, DEAD_MS))
		cfg->dead_ms = DEAD_MS_DEFAULT;
	if (!GIVEN(cfg, ROTATE))
		cfg->rotate_s = DMRING_ROTATE_NEVER;
	if (!GIVEN(cfg, PROXY_TIMEOUT))
		cfg->proxy_timeout_ms = PROXY_MS_DEFAULT;
	if (!GIVEN(cfg, MODE))
		cfg->mode = MODE_DEFAULT;
	if (!GIVEN(cfg, UID))
		cfg->uid = current_uid();
	if (!GIVEN(cfg, GID))
		cfg->gid = current_gid();
}

/*
 * Making
 */

static void ring_init(struct dmring_ring *ring, struct net *net,
		      const struct dmring_ring_config *cfg)
{
	kref_init(&ring->ref);
	mutex_init(&ring->conf);
	spin_lock_init(&ring->lock);
	init_waitqueue_head(&ring->thread_wq);
	INIT_LIST_HEAD(&ring->members);
	INIT_LIST_HEAD(&ring->candidates);
	INIT_LIST_HEAD(&ring->reading);
	INIT_LIST_HEAD(&ring->polling);
	INIT_LIST_HEAD(&ring->stalled);
	INIT_LIST_HEAD(&ring->leaving);
	INIT_LIST_HEAD(&ring->lingering);
	INIT_LIST_HEAD(&ring->come);
	INIT_LIST_HEAD(&ring->gone);
	strscpy(ring->name, cfg->name, sizeof(ring->name));
	ring->ops = dmring_ring_ops;
	ring->net = net;
	ring->scope = cfg->scope;
	ring->order = cfg->order;
	ring->flags = cfg->flags;
	ring->node = cfg->node;
	ring->slots = cfg->slots;
	ring->listen = cfg->listen;
	ring->uid = cfg->uid;
	ring->gid = cfg->gid;
	ring->mode = cfg->mode;
	ring->slow = cfg->slow;
	ring->slow_ms = cfg->slow_ms;
	ring->rotate_s = cfg->rotate_s;
	ring->proxy_timeout_ms = cfg->proxy_timeout_ms;
	ring->office_since = ktime_get_ns();
	ring->office_stopped = DMRING_NEVER;
	ring->view_no = U64_MAX;
}

u64 dmring_new_incarnation(void)
{
	u64 inc;

	do {
		inc = get_random_u64();
	} while (!inc);
	return inc;
}

void dmring_ring_show_view(struct dmring_ring *ring)
{
	const struct dmring_view *v = &ring->core.view;
	struct dmring_group_page *group = ring->log.group;

	WRITE_ONCE(group->view, v->number);
	WRITE_ONCE(group->hosts, v->count);
	WRITE_ONCE(group->flags, v->quorum ? 0 : DMRING_GROUP_NO_QUORUM);
}

static bool has_places(const struct dmring_ring *ring)
{
	return dmring_core_wants_places(dmring_ring_is_network(ring), ring->order);
}

/* The core's tables beside the log, both in one piece */
static size_t table_bytes(const struct dmring_ring *ring)
{
	return array_size(ring->log.entries, sizeof(*ring->entries) +
			  (has_places(ring) ? sizeof(struct dmring_place) : 0));
}

static int core_init(struct dmring_ring *ring, const struct dmring_ring_config *cfg,
		     struct netlink_ext_ack *extack)
{
	struct dmring_core_cfg core = {
		.node = ring->node,
		.inc = dmring_new_incarnation(),
		.log = cfg->log_size,
		.max_msg = GIVEN(cfg, MAX_MSG) ? cfg->max_msg : 0,
		.dead_ms = cfg->dead_ms,
		.order = ring->order,
		.identify = !!(ring->flags & DMRING_RING_IDENTIFY),
		.network = dmring_ring_is_network(ring),
	};
	char why[DMRING_WHY_SIZE] = "";
	int err;

	strscpy(core.name, ring->name, sizeof(core.name));
	err = dmring_core_init(&ring->core, &core, ring->entries, has_places(ring) ?
			       (void *)(ring->entries + ring->log.entries) : NULL,
			       ring->log.entries, why);
	if (err)
		dmring_extack(extack, "%s", why);
	return err;
}

static int ring_alloc(struct dmring_ring *ring, struct netlink_ext_ack *extack, u64 log_size)
{
	int err = dmring_log_alloc(&ring->log, log_size);

	if (err) {
		dmring_extack(extack, err == -ENOBUFS ?
			      "a log of %llu bytes is over the locked-memory limit" :
			   "no memory for a log of %llu bytes", log_size);
		return err;
	}
	ring->entries = __vmalloc(table_bytes(ring),
				  GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	ring->table = kvcalloc(ring->slots, sizeof(*ring->table), GFP_KERNEL_ACCOUNT);
	ring->used = bitmap_zalloc(ring->slots, GFP_KERNEL_ACCOUNT);
	ring->untold = bitmap_zalloc(ring->slots, GFP_KERNEL_ACCOUNT);
	ring->unnotified = bitmap_zalloc(ring->slots, GFP_KERNEL_ACCOUNT);
	if (dmring_ring_is_network(ring))
		ring->peers = kvcalloc(DMRING_HOSTS_MAX - 1, sizeof(*ring->peers),
				       GFP_KERNEL_ACCOUNT);
	if (!ring->entries || !ring->table || !ring->used || !ring->untold ||
	    !ring->unnotified || (dmring_ring_is_network(ring) && !ring->peers)) {
		dmring_extack(extack, "no memory for the ring's tables");
		return -ENOMEM;
	}
	/* its own: who holds up a zap of one ring holds up no other */
	ring->zap_wq = alloc_workqueue("dmring_zap", WQ_UNBOUND, 0);
	if (!ring->zap_wq) {
		dmring_extack(extack, "no memory for the ring's work queue");
		return -ENOMEM;
	}
	return 0;
}

size_t dmring_ring_bytes(const struct dmring_ring *ring)
{
	return sizeof(*ring) + dmring_log_bytes(ring->log.size) +
	       table_bytes(ring) +
	       ring->slots * sizeof(*ring->table) + 3 * ring->slots / BITS_PER_BYTE +
	       (ring->peers ? (DMRING_HOSTS_MAX - 1) * sizeof(*ring->peers) : 0) +
	       READ_ONCE(ring->thread_bytes) + dmring_direct_bytes(ring);
}

void dmring_ring_free_spent(struct dmring_big *spent)
{
	while (spent) {
		struct dmring_big *next = spent->next;

		kvfree(spent);
		spent = next;
	}
}

/* After a grace period: wakers look at the table under RCU */
static void ring_free_work(struct work_struct *work)
{
	struct dmring_ring *ring = container_of(to_rcu_work(work), struct dmring_ring, free_work);

	/* the last reference may have been that of a zap */
	if (ring->zap_wq)
		destroy_workqueue(ring->zap_wq);
	dmring_ring_free_spent(ring->spent);
	dmring_direct_free(ring);
	dmring_log_free(&ring->log);
	vfree(ring->entries);
	kvfree(ring->table);
	bitmap_free(ring->used);
	bitmap_free(ring->untold);
	bitmap_free(ring->unnotified);
	kvfree(ring->peers);
	kvfree(ring);
	if (atomic_dec_and_test(&rings))
		wake_up_var(&rings);
}

void dmring_rings_wait(void)
{
	wait_var_event(&rings, !atomic_read(&rings));
}

static void ring_free(struct kref *ref)
{
	struct dmring_ring *ring = container_of(ref, struct dmring_ring, ref);

	INIT_RCU_WORK(&ring->free_work, ring_free_work);
	queue_rcu_work(dmring_free_wq, &ring->free_work);
}

void dmring_ring_put(struct dmring_ring *ring)
{
	kref_put(&ring->ref, ring_free);
}

static int ring_publish(struct net *net, struct dmring_ring *ring, struct netlink_ext_ack *extack)
{
	struct dmring_net *dn = dmring_netns(net);
	struct dmring_ring *other;

	list_for_each_entry(other, &dn->rings, net_node) {
		if (!strcmp(other->name, ring->name)) {
			dmring_extack(extack, "there is a ring \"%s\" here already", ring->name);
			return -EEXIST;
		}
	}
	ring->serial = ++ring_serial;
	list_add_tail(&ring->net_node, &dn->rings);
	/* the caller's own: the list's may go at once */
	kref_get(&ring->ref);
	return 0;
}

static int ring_start(struct net *net, struct dmring_ring *ring, struct netlink_ext_ack *extack)
{
	int err = ring->ops->start(ring, extack);

	if (err)
		return err;
	mutex_lock(&dmring_mutex);
	err = ring_publish(net, ring, extack);
	mutex_unlock(&dmring_mutex);
	if (err)
		ring->ops->stop(ring);
	return err;
}

int dmring_ring_add(struct net *net, const struct dmring_ring_config *given,
		    struct netlink_ext_ack *extack)
{
	struct dmring_ring_config cfg = *given;
	struct dmring_ring *ring;
	int err;

	fill_defaults(&cfg);
	err = check_config(&cfg, extack);
	if (err)
		return err;
	ring = dmring_ring_get(net, cfg.name);
	if (ring) {
		dmring_ring_put(ring);
		dmring_extack(extack, "there is a ring \"%s\" here already", cfg.name);
		return -EEXIST;
	}
	ring = kvzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return -ENOMEM;
	atomic_inc(&rings);
	ring_init(ring, net, &cfg);
	err = ring_alloc(ring, extack, cfg.log_size);
	if (!err)
		err = core_init(ring, &cfg, extack);
	if (!err)
		err = ring_start(net, ring, extack);
	if (err) {
		dmring_ring_put(ring);
		return err;
	}
	ring_notify(ring, DMRING_NTF_RING_ADD);
	dmring_ring_put(ring);
	return 0;
}

/*
 * Changing
 */

static struct dmring_ring *need_ring(struct net *net, const char *name,
				     struct netlink_ext_ack *extack)
{
	struct dmring_ring *ring = dmring_ring_get(net, name);

	if (!ring)
		dmring_extack(extack, "there is no ring \"%s\" here", name);
	return ring;
}

static void ring_change(struct dmring_ring *ring, const struct dmring_ring_config *cfg)
{
	if (GIVEN(cfg, UID))
		ring->uid = cfg->uid;
	if (GIVEN(cfg, GID))
		ring->gid = cfg->gid;
	if (GIVEN(cfg, MODE))
		ring->mode = cfg->mode;
	if (GIVEN(cfg, SLOW))
		ring->slow = cfg->slow;
	if (GIVEN(cfg, SLOW_MS))
		ring->slow_ms = cfg->slow_ms;
	if (GIVEN(cfg, ROTATE))
		ring->rotate_s = cfg->rotate_s;
	if (GIVEN(cfg, PROXY_TIMEOUT))
		ring->proxy_timeout_ms = cfg->proxy_timeout_ms;
	ring->full_since = 0;
}

#define CAN_SET (BIT_ULL(DMRING_A_RING_NAME) | BIT_ULL(DMRING_A_RING_UID) | \
		 BIT_ULL(DMRING_A_RING_GID) | BIT_ULL(DMRING_A_RING_MODE) | \
		 BIT_ULL(DMRING_A_RING_SLOW) | BIT_ULL(DMRING_A_RING_SLOW_MS) | \
		 BIT_ULL(DMRING_A_RING_ROTATE) | BIT_ULL(DMRING_A_RING_PROXY_TIMEOUT))

int dmring_ring_set(struct net *net, const struct dmring_ring_config *cfg,
		    struct netlink_ext_ack *extack)
{
	struct dmring_ring_config all = *cfg;
	struct dmring_ring *ring;
	int err;

	if (cfg->given & ~CAN_SET) {
		dmring_extack(extack,
			      "slow, rotate, proxy-timeout, owner, group, mode alone can be set");
		return -EOPNOTSUPP;
	}
	ring = need_ring(net, cfg->name, extack);
	if (!ring)
		return -ENOENT;
	mutex_lock(&ring->conf);
	if (!GIVEN(cfg, SLOW))
		all.slow = ring->slow;
	err = check_slow(&all, extack);
	if (!err && ring->scope != DMRING_SCOPE_NETWORK)
		err = check_no_office(cfg, extack);
	if (!err) {
		spin_lock(&ring->lock);
		ring_change(ring, cfg);
		dmring_ring_unlock(ring);
		dmring_thread_kick(ring, DMRING_WORK_OFFICE);
	}
	mutex_unlock(&ring->conf);
	if (!err)
		ring_notify(ring, DMRING_NTF_RING_SET);
	dmring_ring_put(ring);
	return err;
}

/*
 * Ending
 */

void dmring_ring_event(struct dmring_ring *ring, const struct dmring_ev *ev)
{
	u32 most = ev->what == DMRING_EV_PROXY ? DMRING_EVENTS_MAX / 2 : DMRING_EVENTS_MAX;

	/* terms leave places to what happens to hosts and links */
	if (ring->events_tail - ring->events_head >= most) {
		ring->stats.events_lost++;
		return;
	}
	ring->events[ring->events_tail++ % DMRING_EVENTS_MAX] = *ev;
	dmring_thread_kick(ring, DMRING_WORK_PUMP);
}

int dmring_member_evict(struct dmring_ring *ring, u32 id, struct netlink_ext_ack *extack)
{
	struct dmring_member *m = NULL;

	spin_lock(&ring->lock);
	if (id < ring->slots)
		m = dmring_member_at(ring, id);
	if (m)
		dmring_member_leave_locked(m, DMRING_REASON_ADMIN);
	dmring_ring_unlock(ring);
	if (!m) {
		dmring_extack(extack, "ring \"%s\" has no member %u here", ring->name, id);
		return -ENOENT;
	}
	return 0;
}

/* Nobody will ever move what these had accepted */
static void drop_leaving(struct dmring_ring *ring)
{
	struct dmring_member *m, *next;
	LIST_HEAD(leaving);

	spin_lock(&ring->lock);
	list_splice_init(&ring->leaving, &leaving);
	list_splice_init(&ring->lingering, &leaving);
	ring->fill.active = false;
	list_for_each_entry(m, &leaving, node) {
		dmring_direct_wait_no_more(m);
		if (ring->direct)
			dmring_exchange_dropped(&ring->direct->exchange, &m->party);
		list_del_init(&m->stall_node);
	}
	spin_unlock(&ring->lock);
	list_for_each_entry_safe(m, next, &leaving, node) {
		list_del_init(&m->node);
		dmring_member_put(m);
	}
}

void dmring_ring_end(struct dmring_ring *ring, u8 reason)
{
	struct dmring_member *m, *next;

	spin_lock(&ring->lock);
	ring->dead = true;
	list_for_each_entry_safe(m, next, &ring->members, node)
		dmring_member_leave_locked(m, reason);
	spin_unlock(&ring->lock);
	mutex_lock(&ring->conf);
	ring->ops->stop(ring);
	mutex_unlock(&ring->conf);
	while (dmring_members_tell(ring))
		cond_resched();
	/* who deletes a ring finds nothing of it afterwards; namespaces wait for no process */
	if (reason != DMRING_REASON_NETNS)
		flush_workqueue(ring->zap_wq);
	drop_leaving(ring);
	if (reason != DMRING_REASON_NETNS)
		ring_notify(ring, DMRING_NTF_RING_DEL);
	dmring_ring_put(ring);
}

int dmring_ring_del(struct net *net, const char *name, struct netlink_ext_ack *extack)
{
	struct dmring_ring *ring;

	ring = need_ring(net, name, extack);
	if (!ring)
		return -ENOENT;
	mutex_lock(&dmring_mutex);
	if (ring->unlisted) {
		mutex_unlock(&dmring_mutex);
		dmring_ring_put(ring);
		dmring_extack(extack, "there is no ring \"%s\" here", name);
		return -ENOENT;
	}
	ring->unlisted = true;
	list_del(&ring->net_node);
	mutex_unlock(&dmring_mutex);
	dmring_ring_end(ring, DMRING_REASON_RINGDEL);
	dmring_ring_put(ring);
	return 0;
}
