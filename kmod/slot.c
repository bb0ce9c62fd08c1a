// SPDX-License-Identifier: GPL-2.0-only
/*
 * A slot's memory is one vmalloc block: user page, kernel page, input space,
 * output space. vmalloc, since nobody needs it physically contiguous and the
 * kernel wants to address a whole space; accounted to the memory cgroup, and
 * to the locked-memory limit of the user, because it cannot be swapped.
 *
 * Locking: none; a slot is made before anybody sees it and freed after the
 * last reference to its member is gone.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/vmalloc.h>

#include "slot.h"

int dmring_charge_get(struct dmring_charge *charge, size_t bytes)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long pages = PAGE_ALIGN(bytes) >> PAGE_SHIFT;
	struct user_struct *user = get_uid(current_user());
	unsigned long total = atomic_long_add_return(pages, &user->locked_vm);

	if (total > limit && !capable(CAP_IPC_LOCK)) {
		atomic_long_sub(pages, &user->locked_vm);
		free_uid(user);
		return -ENOBUFS;
	}
	charge->user = user;
	charge->pages = pages;
	return 0;
}

void dmring_charge_put(struct dmring_charge *charge)
{
	if (!charge->user)
		return;
	atomic_long_sub(charge->pages, &charge->user->locked_vm);
	free_uid(charge->user);
	charge->user = NULL;
}

void dmring_space_copy(u8 *to, u64 size, u64 pos, const struct dmring_source *src, u32 done, u32 n)
{
	u64 from = src->off + done;
	u64 to_at = pos & (size - 1), from_at = from & src->mask;

	/* almost always */
	if (likely(n && n <= size - to_at && n - 1 <= src->mask - from_at)) {
		memcpy(to + to_at, src->base + from_at, n);
		return;
	}
	while (n) {
		u64 to_end = size - (pos & (size - 1));
		u64 src_end = src->mask - (from & src->mask) + 1;
		u32 chunk = min3((u64)n, to_end, src_end ? src_end : U64_MAX);

		memcpy(to + (pos & (size - 1)), src->base + (from & src->mask), chunk);
		pos += chunk;
		from += chunk;
		n -= chunk;
	}
}

bool dmring_space_ok(u32 size)
{
	return is_power_of_2(size) && size >= DMRING_SPACE_MIN &&
	       size >= PAGE_SIZE && size <= DMRING_SPACE_MAX;
}

size_t dmring_slot_bytes(u32 in_size, u32 out_size)
{
	return 2 * PAGE_SIZE + (size_t)in_size + out_size;
}

int dmring_slot_alloc(struct dmring_slot *slot, u32 in_size, u32 out_size)
{
	size_t bytes = dmring_slot_bytes(in_size, out_size);
	int err;

	BUILD_BUG_ON(sizeof(struct dmring_user_page) > PAGE_SIZE);
	BUILD_BUG_ON(sizeof(struct dmring_kernel_page) > PAGE_SIZE);

	err = dmring_charge_get(&slot->charge, bytes);
	if (err)
		return err;
	slot->mem = __vmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	if (!slot->mem) {
		dmring_charge_put(&slot->charge);
		return -ENOMEM;
	}
	slot->bytes = bytes;
	slot->in_size = in_size;
	slot->out_size = out_size;
	slot->user = slot->mem;
	slot->kern = slot->mem + PAGE_SIZE;
	slot->in = slot->mem + 2 * PAGE_SIZE;
	slot->out = slot->in + in_size;
	return 0;
}

void dmring_slot_free(struct dmring_slot *slot)
{
	vfree(slot->mem);
	slot->mem = NULL;
	dmring_charge_put(&slot->charge);
}
