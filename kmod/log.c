// SPDX-License-Identifier: GPL-2.0-only
/*
 * The group log: one kernel-written copy of every broadcast message, and the
 * index that lists log positions in order of delivery.
 *
 * A record is its struct dmring_rec, the identity where the ring has it, and
 * the payload; it takes at least DMRING_COST_MIN bytes, so that the index, with
 * an entry per DMRING_COST_MIN bytes of log, can never be the tighter of the
 * two. Records are contiguous for readers, who map the log twice in a row; the
 * kernel splits its own copies at the end of the buffer.
 *
 * Locking: the ring's lock. Ordering: dmring_log_publish() releases the
 * records to readers, who load index_tail with acquire.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "log.h"

size_t dmring_log_bytes(u64 size)
{
	return size + PAGE_ALIGN(size / DMRING_COST_MIN * sizeof(u64)) + PAGE_SIZE;
}

int dmring_log_alloc(struct dmring_log *log, u64 size)
{
	size_t bytes = dmring_log_bytes(size);
	int err;

	BUILD_BUG_ON(sizeof(struct dmring_group_page) > PAGE_SIZE);
	BUILD_BUG_ON(sizeof(struct dmring_rec) > DMRING_COST_MIN);

	err = dmring_charge_get(&log->charge, bytes);
	if (err)
		return err;
	log->data = __vmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	if (!log->data) {
		dmring_charge_put(&log->charge);
		return -ENOMEM;
	}
	log->size = size;
	log->entries = size / DMRING_COST_MIN;
	log->group = (void *)(log->data + size);
	log->index = (void *)(log->data + size + PAGE_SIZE);
	/* position 0 is never used: a page of zeros can not pass for a record */
	log->tail = size;
	return 0;
}

void dmring_log_free(struct dmring_log *log)
{
	vfree(log->parcels);
	vfree(log->data);
	log->data = NULL;
	dmring_charge_put(&log->charge);
}

void dmring_log_read(const struct dmring_log *log, u64 pos, void *to, u32 n)
{
	u64 at = pos & (log->size - 1);
	u32 first = min_t(u64, n, log->size - at);

	memcpy(to, log->data + at, first);
	memcpy(to + first, log->data, n - first);
}

/* Headers never wrap: both size and positions are multiples of DMRING_ALIGN. */
static const struct dmring_rec *rec_at(const struct dmring_log *log, const u8 *space, u64 pos)
{
	return (void *)(space + (pos & (log->size - 1)));
}

const struct dmring_rec *dmring_log_rec(const struct dmring_log *log, u64 entry)
{
	return rec_at(log, log->data, log->index[entry & (log->entries - 1)]);
}

const struct dmring_rec *dmring_log_at(const struct dmring_log *log, u32 at, bool parcel)
{
	return rec_at(log, dmring_log_space(log, parcel), (u64)at * DMRING_ALIGN);
}

void dmring_log_enter(struct dmring_log *log, u32 at)
{
	u64 pos = dmring_log_at(log, at, false)->pos;

	WRITE_ONCE(log->index[log->next & (log->entries - 1)], pos);
	log->next++;
}

void dmring_log_publish(struct dmring_log *log)
{
	if (log->published == log->next)
		return;
	log->published = log->next;
	/* pairs with the readers' load-acquire of index_tail */
	smp_store_release(&log->group->index_tail, log->published);
}
