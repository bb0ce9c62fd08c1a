/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Members: from open to the last reference. See group.h for locks and lifetimes.
 */
#ifndef _DMRING_MEMBER_H
#define _DMRING_MEMBER_H

#include "group.h"

struct file;

/* What a member takes beside its slot */
#define DMRING_MEMBER_BYTES	(sizeof(struct dmring_member) + sizeof(struct dmring_candidate))

/* The members' caches; exit after the last grace period of dmring_group_exit() */
int dmring_member_init(void);
void dmring_member_exit(void);

/* An unattached member bound to the caller's network namespace; ERR_PTR on failure. */
struct dmring_member *dmring_member_open(struct address_space *mapping);
/* The file is gone, and with it all its mappings; @m has left if it ever was attached. */
void dmring_member_release(struct dmring_member *m);
void dmring_member_put(struct dmring_member *m);

/*
 * Attach @m as @args say (already checked: abi, reserved fields, flags). Fills
 * in the results and, on failure, args->why. Called with m->lock held.
 */
int dmring_member_attach(struct dmring_member *m, struct dmring_ioc_attach *args);

/*
 * End the membership; false if it had ended before. Any context that may take a spinlock. The
 * thread moves what @m had accepted; dmring_pump_leave() does it at once.
 */
bool dmring_member_leave(struct dmring_member *m, u8 reason);
/* The same under ring->lock. */
bool dmring_member_leave_locked(struct dmring_member *m, u8 reason);
/* Why the calling process gives a member up, for dmring_member_leave(). */
u8 dmring_reason_of_exit(void);

/* Take log and index out of the process's reach, soon, and drop the caller's reference. */
void dmring_member_zap(struct dmring_member *m);

/*
 * Work off some of ring->gone and ring->come: tell, zap, drop; true if there may be more.
 * Called by the thread, and after it has ended.
 */
bool dmring_members_tell(struct dmring_ring *ring);

/*
 * The member's checked position, from what its user page claims: what lies outside
 * the readable range is ignored. Called with ring->lock held.
 */
u64 dmring_member_cursor(struct dmring_member *m);

/* How far it says itself that it has read, 0 for nonsense. Called with ring->lock held. */
u64 dmring_member_log_head(const struct dmring_member *m);

/*
 * The position after the member's own messages at @head, for members without echo.
 * Runs ascend, and most readers have read all but the newest: those that end
 * at or before @head are not looked at. Any context; without ring->lock a guess.
 */
u64 dmring_member_skip_own(const struct dmring_member *m, u64 head);
/*
 * Have the member ring the doorbell when it has read up to @target; true if it has
 * meanwhile. Called with ring->lock held.
 */
bool dmring_member_ask(struct dmring_member *m, u64 target);
/* End of the input the member has marked; U64_MAX if what it says can not be. */
u64 dmring_member_in_tail(const struct dmring_member *m);

/* Set or clear bits of the kernel page's marks. Any context. */
void dmring_member_mark(struct dmring_member *m, u32 set, u32 clear);

/* Is it a member now? Then its ring and slot may be used. */
static inline bool dmring_member_attached(const struct dmring_member *m)
{
	/* pairs with the attach, which sets attached last, and with the end of the membership */
	return smp_load_acquire(&m->ring) && smp_load_acquire(&m->attached);
}

/* Who it is, under "identify" */
static inline struct dmring_ident dmring_member_ident(const struct dmring_member *m)
{
	return (struct dmring_ident){
		.pid = m->pid, .uid = m->uid, .gid = m->gid, .node = m->ring->node,
	};
}

/* The member with this id, below ring->slots, or NULL. ring->lock held. */
static inline struct dmring_member *dmring_member_at(struct dmring_ring *ring, u32 id)
{
	return rcu_dereference_protected(ring->table[id], lockdep_is_held(&ring->lock));
}

/*
 * Who sent a record of this host's, if it is still a member. @sender may be what another host says,
 * and so anything. ring->lock held.
 */
static inline struct dmring_member *dmring_member_of(struct dmring_ring *ring, u32 sender)
{
	u32 id = sender % DMRING_SLOTS_MAX;
	struct dmring_member *m = id < ring->slots ? dmring_member_at(ring, id) : NULL;

	return m && m->sender == sender ? m : NULL;
}

/* Are the places of its own messages noted for it? */
static inline bool dmring_member_notes(const struct dmring_member *m)
{
	return m->flags & (DMRING_ATTACH_NO_ECHO | DMRING_ATTACH_OWN) && m->attached;
}

static inline bool dmring_member_reads(const struct dmring_member *m)
{
	return !(m->flags & DMRING_ATTACH_SEND_ONLY);
}

#endif /* _DMRING_MEMBER_H */
