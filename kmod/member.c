// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members of a group: opening, attaching, leaving.
 *
 * Removal is in phases. Leaving makes the member dead under the ring's lock: out
 * of the table, its id free, its cursor no longer counted. What it had accepted stays
 * with it on ring->leaving until the pump has moved it. The ring's thread then
 * tells the world and zaps (process context); the file's release drops the
 * last user; memory goes after a grace period, because wakers look at
 * members under RCU.
 *
 * Memory ordering: a user's counters are read with acquire, each once into a
 * local variable, and checked before use; pairs with the user's store-release.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/user_namespace.h>
#include <linux/nsproxy.h>

#include "direct.h"
#include "member.h"
#include "netns.h"
#include "thread.h"
#include "trace.h"

/* Caches of their own: unloading warns of whatever is left in them */
static struct kmem_cache *member_cache;
static struct kmem_cache *candidate_cache;

int dmring_member_init(void)
{
	member_cache = KMEM_CACHE(dmring_member, SLAB_ACCOUNT);
	if (!member_cache)
		return -ENOMEM;
	candidate_cache = KMEM_CACHE(dmring_candidate, SLAB_ACCOUNT);
	if (candidate_cache)
		return 0;
	kmem_cache_destroy(member_cache);
	return -ENOMEM;
}

void dmring_member_exit(void)
{
	kmem_cache_destroy(candidate_cache);
	kmem_cache_destroy(member_cache);
}

/* Ranges of page offsets, see mmap.c; 2^28 of them fit a positive loff_t */
static DEFINE_IDA(map_ids);
#define MAP_ID_SHIFT	(DMRING_MAP_SHIFT + 3 - PAGE_SHIFT)
#define MAP_ID_MAX	((1U << 28) - 1)

struct dmring_member *dmring_member_open(struct address_space *mapping)
{
	struct dmring_member *m = kmem_cache_zalloc(member_cache, GFP_KERNEL_ACCOUNT);
	int id;

	if (!m)
		return ERR_PTR(-ENOMEM);
	id = ida_alloc_max(&map_ids, MAP_ID_MAX, GFP_KERNEL);
	if (id < 0) {
		kmem_cache_free(member_cache, m);
		return ERR_PTR(id);
	}
	kref_init(&m->ref);
	init_waitqueue_head(&m->wq);
	mutex_init(&m->lock);
	mutex_init(&m->read_lock);
	mutex_init(&m->map_lock);
	INIT_LIST_HEAD(&m->node);
	INIT_LIST_HEAD(&m->read_node);
	INIT_LIST_HEAD(&m->poll_node);
	INIT_LIST_HEAD(&m->come_node);
	INIT_LIST_HEAD(&m->gone_node);
	INIT_LIST_HEAD(&m->offers);
	INIT_LIST_HEAD(&m->wait_node);
	INIT_LIST_HEAD(&m->stall_node);
	m->mapping = mapping;
	m->map_base = (u64)id << MAP_ID_SHIFT;
	dmring_netns_add_file(m);
	return m;
}

static void member_free_rcu(struct rcu_head *rcu)
{
	struct dmring_member *m = container_of(rcu, struct dmring_member, rcu);

	vfree(m->slot.mem);
	if (m->candidate)
		kmem_cache_free(candidate_cache, m->candidate);
	kmem_cache_free(member_cache, m);
}

static void member_free(struct kref *ref)
{
	struct dmring_member *m = container_of(ref, struct dmring_member, ref);

	struct dmring_offer *offer, *next;

	/* of one that was still at it when its ring was deleted */
	list_for_each_entry_safe(offer, next, &m->offers, member_node)
		kfree(offer);
	dmring_charge_put(&m->slot.charge);
	kvfree(m->big);
	put_pid(m->process);
	if (m->ring)
		dmring_ring_put(m->ring);
	call_rcu(&m->rcu, member_free_rcu);
}

void dmring_member_put(struct dmring_member *m)
{
	kref_put(&m->ref, member_free);
}

void dmring_member_release(struct dmring_member *m)
{
	mutex_lock(&m->map_lock);
	WRITE_ONCE(m->mapping, NULL);
	mutex_unlock(&m->map_lock);
	/* who polls or reads no longer does: the file is gone */
	dmring_netns_del_file(m);
	ida_free(&map_ids, m->map_base >> MAP_ID_SHIFT);
	dmring_member_put(m);
}

static void zap(struct work_struct *work)
{
	struct dmring_member *m = container_of(work, struct dmring_member, zap_work);
	loff_t from = (loff_t)(m->map_base << PAGE_SHIFT) + DMRING_MAP_LOG;

	mutex_lock(&m->map_lock);
	if (m->mapping)
		unmap_mapping_range(m->mapping, from, 2ULL << DMRING_MAP_SHIFT, 1);
	mutex_unlock(&m->map_lock);
	dmring_member_put(m);
}

void dmring_member_zap(struct dmring_member *m)
{
	/* the file is gone, and all its mappings */
	if (!READ_ONCE(m->mapping)) {
		dmring_member_put(m);
		return;
	}
	INIT_WORK(&m->zap_work, zap);
	queue_work(m->ring->zap_wq, &m->zap_work);
}

u8 dmring_reason_of_exit(void)
{
	if ((current->flags & PF_EXITING) && (current->exit_code & 0x7f))
		return DMRING_REASON_KILLED;
	if (fatal_signal_pending(current))
		return DMRING_REASON_KILLED;
	return DMRING_REASON_CLOSED;
}

void dmring_member_mark(struct dmring_member *m, u32 set, u32 clear)
{
	/* kernel-written, so its type is ours to choose; wakers set marks without the lock */
	atomic_t *marks = (atomic_t *)&m->slot.kern->marks;
	u32 now = atomic_read(marks);

	if (clear & now)
		atomic_andnot(clear, marks);
	if (set & ~now)
		atomic_or(set, marks);
}

u64 dmring_member_skip_own(const struct dmring_member *m, u64 head)
{
	const struct dmring_kernel_page *kern = m->slot.kern;
	u64 tail = READ_ONCE(m->own_tail);
	u64 least = tail > DMRING_OWN_RUNS ? tail - DMRING_OWN_RUNS : 0;
	u64 i;

	for (i = tail; i > least; i--) {
		const struct dmring_run *run = &kern->own[(i - 1) % DMRING_OWN_RUNS];

		if (READ_ONCE(run->first) + READ_ONCE(run->count) <= head)
			break;
	}
	for (; i < tail; i++) {
		const struct dmring_run *run = &kern->own[i % DMRING_OWN_RUNS];
		u64 first = READ_ONCE(run->first);

		if (head >= first && head - first < READ_ONCE(run->count))
			head = first + READ_ONCE(run->count);
	}
	return head;
}

/*
 * Own messages of a member without echo count as read once they are its next: it is
 * not shown them, and may have no reason to look. kick_at is for its own eyes, so
 * that stays until it has really come there.
 */
u64 dmring_member_cursor(struct dmring_member *m)
{
	u64 head = dmring_member_log_head(m);

	if (head > m->cursor)
		m->cursor = head;
	if (m->flags & DMRING_ATTACH_NO_ECHO)
		m->cursor = min(dmring_member_skip_own(m, m->cursor), m->ring->log.published);
	if (m->slot.kern->kick_at <= head) {
		WRITE_ONCE(m->slot.kern->kick_at, U64_MAX);
		/* it may no longer see that it was to ring; its input may have waited for it */
		if (m->attached)
			dmring_marks_set(&m->ring->marked, m->id);
	}
	return m->cursor;
}

u64 dmring_member_log_head(const struct dmring_member *m)
{
	/* pairs with the reader's store-release: it no longer looks at what lies before */
	u64 head = smp_load_acquire(&m->slot.user->log_head);

	if (!m->mapped)
		return m->cursor;
	return head <= m->ring->log.published ? head : 0;
}

bool dmring_member_ask(struct dmring_member *m, u64 target)
{
	struct dmring_kernel_page *kern = m->slot.kern;

	/* nearer, if it was asked for another reason */
	target = min(target, kern->kick_at);
	WRITE_ONCE(kern->kick_at, target);
	/* kick_at stored before its cursor is read; pairs with the reader's full barrier */
	smp_mb();
	return dmring_member_cursor(m) >= target || kern->kick_at == U64_MAX;
}

u64 dmring_member_in_tail(const struct dmring_member *m)
{
	/* pairs with the sender's store-release: what lies before is complete */
	u64 tail = smp_load_acquire(&m->slot.user->in_tail);

	if (tail - READ_ONCE(m->in_head) > m->slot.in_size || tail % DMRING_ALIGN)
		return U64_MAX;
	return tail;
}

static bool may_attach(const struct dmring_ring *ring, u32 flags)
{
	unsigned int want = flags & DMRING_ATTACH_SEND_ONLY ? 2 : 6;
	unsigned int mode = ring->mode;

	if (uid_eq(current_fsuid(), ring->uid))
		mode >>= 6;
	else if (in_group_p(ring->gid))
		mode >>= 3;
	return (mode & want) == want;
}

/*
 * Where a count reads the ballot. A thousand are read at once, each from a page of its own: by the
 * kernel's map of all memory, whose pages are large, that takes fewer entries of the TLB, and walks
 * that are shorter.
 */
static const u64 *ballot_of(const struct dmring_slot *slot)
{
	const u64 *ballot = &slot->user->ballot;
	const void *page = page_address(vmalloc_to_page(ballot));

	return page ? page + offset_in_page(ballot) : ballot;
}

/* What @m is, before anybody can find it */
static void member_init(struct dmring_member *m, const struct dmring_ioc_attach *args)
{
	const struct cred *cred = current_cred();

	m->flags = args->flags;
	m->owner = current->files;
	m->pid = task_tgid_nr(current);
	m->process = get_pid(task_tgid(current));
	m->uid = from_kuid_munged(&init_user_ns, cred->uid);
	m->gid = from_kgid_munged(&init_user_ns, cred->gid);
	get_task_comm(m->comm, current->group_leader);
	m->candidate->ballot = ballot_of(&m->slot);
	m->candidate->member = m;
	m->candidate->since = ktime_get_ns();
}

/*
 * A free id; ring->slots if there is none. Rather none of one whose departure waits to be
 * told: who keeps an account of members would book that to the wrong one.
 */
static u32 free_id(const struct dmring_ring *ring)
{
	u32 id = find_first_zero_bit(ring->used, ring->slots);
	u32 i;

	for (i = id; i < ring->slots; i = find_next_zero_bit(ring->used, ring->slots, i + 1))
		if (!test_bit(i, ring->untold) && !test_bit(i, ring->unnotified))
			return i;
	return id;
}

/* ring->lock held */
static int member_join(struct dmring_ring *ring, struct dmring_member *m)
{
	struct dmring_kernel_page *kern = m->slot.kern;
	u32 id;

	if (ring->dead)
		return -ENOENT;
	id = free_id(ring);
	if (id >= ring->slots)
		return -EUSERS;
	__set_bit(id, ring->used);
	m->id = id;
	/* 0 is nobody */
	do {
		m->sender = ++ring->next_sender * DMRING_SLOTS_MAX + id;
	} while (!m->sender);
	m->cursor = ring->log.published;
	m->slot.user->log_head = m->cursor;
	m->slot.user->ballot = DMRING_WEIGHT_DEFAULT |
			       (m->flags & DMRING_ATTACH_UNWILLING ? 0 : DMRING_BALLOT_WILLING);
	kern->log_base = m->cursor;
	kern->kick_at = U64_MAX;
	kern->out_kick = U64_MAX;
	kern->max_msg = dmring_core_max_msg(&ring->core);
	kern->state = DMRING_STATE_ATTACHED;
	kern->marks = DMRING_MARK_IN | DMRING_MARK_WAKEUP;
	/* who finds it in the table needs it */
	smp_store_release(&m->ring, ring);
	list_add_tail(&m->node, &ring->members);
	list_add_tail(&m->candidate->node, &ring->candidates);
	if (dmring_member_reads(m))
		list_add_tail(&m->read_node, &ring->reading);
	if (m->flags & DMRING_ATTACH_POLL)
		list_add_tail(&m->poll_node, &ring->polling);
	kref_get(&m->ref);
	list_add_tail(&m->come_node, &ring->come);
	ring->count++;
	rcu_assign_pointer(ring->table[id], m);
	/* last: who may wait is one whom wakers find; pairs with dmring_member_attached() */
	smp_store_release(&m->attached, true);
	ring->ops->joined(ring, m);
	return 0;
}

/* The memory of a member: its slot and what it stands for election with */
static int member_equip(struct dmring_member *m, struct dmring_ioc_attach *args)
{
	int err = dmring_slot_alloc(&m->slot, args->in_size, args->out_size);

	if (!err) {
		m->candidate = kmem_cache_zalloc(candidate_cache, GFP_KERNEL_ACCOUNT);
		if (m->candidate)
			return 0;
		dmring_slot_free(&m->slot);
		err = -ENOMEM;
	}
	snprintf(args->why, sizeof(args->why),
		 err == -ENOBUFS ? "a slot of %zu bytes is over the locked-memory limit" :
		 "no memory for a slot of %zu bytes",
		 dmring_slot_bytes(args->in_size, args->out_size));
	return err;
}

static void member_strip(struct dmring_member *m)
{
	kmem_cache_free(candidate_cache, m->candidate);
	m->candidate = NULL;
	dmring_slot_free(&m->slot);
}

static int prepare_calls(struct dmring_ring *ring, struct dmring_ioc_attach *args)
{
	int err = dmring_direct_fits(ring, args->why);

	if (err)
		return err;
	err = dmring_direct_prepare(ring);
	if (err)
		strscpy(args->why, "no memory for the ring's requests", sizeof(args->why));
	return err;
}

static int attach_to(struct dmring_ring *ring, struct dmring_member *m,
		     struct dmring_ioc_attach *args, bool admin)
{
	int err;

	if (!admin && !may_attach(ring, args->flags)) {
		snprintf(args->why, sizeof(args->why),
			 "ring \"%s\" has mode %04o: you may not attach to it", ring->name,
			 ring->mode);
		return -EACCES;
	}
	err = member_equip(m, args);
	if (!err && args->flags & DMRING_ATTACH_CALLS)
		err = prepare_calls(ring, args);
	if (err) {
		if (m->candidate)
			member_strip(m);
		return err;
	}
	member_init(m, args);
	spin_lock(&ring->lock);
	err = member_join(ring, m);
	dmring_ring_unlock(ring);
	if (!err)
		return 0;
	member_strip(m);
	put_pid(m->process);
	m->process = NULL;
	snprintf(args->why, sizeof(args->why),
		 err == -EUSERS ? "all %u slots of the ring are taken" : "the ring was deleted",
		 ring->slots);
	return err;
}

static void attach_results(const struct dmring_member *m, struct dmring_ioc_attach *args)
{
	args->id = m->id;
	args->max_msg = m->slot.kern->max_msg;
	args->log_size = m->ring->log.size;
	args->index_size = m->ring->log.entries;
	args->start = m->slot.kern->log_base;
}

int dmring_member_attach(struct dmring_member *m, struct dmring_ioc_attach *args)
{
	struct dmring_ring *ring;
	bool admin;
	int err;

	if (m->ring) {
		strscpy(args->why, "this descriptor was attached before: open another one",
			sizeof(args->why));
		return -EISCONN;
	}
	args->in_size = args->in_size ?: DMRING_IN_DEFAULT;
	args->out_size = args->out_size ?: DMRING_OUT_DEFAULT;
	if (!dmring_space_ok(args->in_size) || !dmring_space_ok(args->out_size)) {
		snprintf(args->why, sizeof(args->why),
			 "input and output space are powers of two from %lu to %u bytes",
			 max_t(unsigned long, PAGE_SIZE, DMRING_SPACE_MIN), DMRING_SPACE_MAX);
		return -EINVAL;
	}
	ring = dmring_netns_ring(m, args->name, &admin);
	if (!ring) {
		snprintf(args->why, sizeof(args->why), "there is no ring \"%s\" here", args->name);
		return -ENOENT;
	}
	err = attach_to(ring, m, args, admin);
	if (err) {
		dmring_ring_put(ring);
		return err;
	}
	attach_results(m, args);
	dmring_thread_kick(ring, DMRING_WORK_MEMBERS);
	dmring_thread_kick(ring, DMRING_WORK_STATE);
	if (m->flags & DMRING_ATTACH_POLL)
		dmring_thread_kick(ring, DMRING_WORK_POLL);
	return 0;
}

/* Out of everything by which the pump, the wakers and the policies find it */
static void member_unlink(struct dmring_ring *ring, struct dmring_member *m)
{
	RCU_INIT_POINTER(ring->table[m->id], NULL);
	dmring_marks_clear(&ring->marked, m->id);
	dmring_marks_clear(&ring->armed, m->id);
	__clear_bit(m->id, ring->used);
	__set_bit(m->id, ring->untold);
	__set_bit(m->id, ring->unnotified);
	list_del_init(&m->candidate->node);
	list_del_init(&m->read_node);
	list_del_init(&m->poll_node);
	ring->count--;
	if (ring->slowest == m)
		ring->slowest = NULL;
}

static bool reason_is_eviction(u8 reason)
{
	return reason >= DMRING_REASON_SLOW;
}

bool dmring_member_leave_locked(struct dmring_member *m, u8 reason)
{
	struct dmring_ring *ring = m->ring;
	struct dmring_kernel_page *kern = m->slot.kern;

	if (!m->attached)
		return false;
	kern->reason = reason;
	/* reason before state; pairs with the library's load-acquire of state */
	smp_store_release(&kern->state, DMRING_STATE_DETACHED);
	dmring_member_mark(m, reason_is_eviction(reason) ? DMRING_MARK_EVICTED : 0,
			   DMRING_MARK_IN | DMRING_MARK_OFFICE);
	/* who is refused finds there why; pairs with dmring_member_attached() */
	smp_store_release(&m->attached, false);
	m->left_at = m->left_at ?: ktime_get_ns();
	m->reason = reason;
	m->in_end = dmring_member_in_tail(m);
	if (m->in_end == U64_MAX || reason == DMRING_REASON_BADINPUT)
		m->in_end = m->in_head;
	member_unlink(ring, m);

	kref_get(&m->ref);
	list_move_tail(&m->node, &ring->leaving);
	kref_get(&m->ref);
	list_add_tail(&m->gone_node, &ring->gone);

	ring->stats.left++;
	ring->stats.killed += reason == DMRING_REASON_KILLED;
	ring->stats.evicted += reason_is_eviction(reason);
	/* it wakes while we count; nobody else may ever pump what @m had accepted */
	dmring_thread_kick(ring, DMRING_WORK_MEMBERS);
	dmring_thread_kick(ring, DMRING_WORK_PUMP);
	ring->ops->left(ring, m);
	trace_dmring_member_leave(ring->name, m->id, m->pid, reason,
				  m->left_at - m->candidate->since);
	return true;
}

bool dmring_member_leave(struct dmring_member *m, u8 reason)
{
	struct dmring_ring *ring = m->ring;
	u64 now = ktime_get_ns();
	bool left;

	spin_lock(&ring->lock);
	m->left_at = m->left_at ?: now;
	left = dmring_member_leave_locked(m, reason);
	dmring_ring_unlock(ring);
	return left;
}
