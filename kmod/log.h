/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The group log and its index: storage only. What may be overwritten is
 * decided by the retention rules of kmod/core, who may call by the pump.
 */
#ifndef _DMRING_LOG_H
#define _DMRING_LOG_H

#include "slot.h"

/* Positions are protected by the ring's lock, as is @parcels, set once; the rest is invariant. */
struct dmring_log {
	struct dmring_charge charge;
	u8 *data;
	u64 size;
	u64 *index;
	u64 entries;
	struct dmring_group_page *group;
	u8 *parcels;		/* beside data: what no member reads; NULL until it is wanted */
	u64 tail;		/* bytes ever appended, from @size */
	u64 published;		/* index entries readers may see */
	u64 next;		/* index entries written */
};

int dmring_log_alloc(struct dmring_log *log, u64 size);
void dmring_log_free(struct dmring_log *log);
size_t dmring_log_bytes(u64 size);

/* Where records lie: members read the one, and nobody the other. */
static inline u8 *dmring_log_space(const struct dmring_log *log, bool parcel)
{
	return parcel ? log->parcels : log->data;
}

/* Not of a parcel */
void dmring_log_read(const struct dmring_log *log, u64 pos, void *to, u32 n);
/* The record that an index entry names; the one at a position, as the core's table has it. */
const struct dmring_rec *dmring_log_rec(const struct dmring_log *log, u64 entry);
const struct dmring_rec *dmring_log_at(const struct dmring_log *log, u32 at, bool parcel);
/* Where the payload of a record begins */
static inline u64 dmring_log_payload(const struct dmring_rec *rec)
{
	return rec->pos + sizeof(*rec) +
	       (rec->flags & DMRING_REC_IDENT ? sizeof(struct dmring_ident) : 0);
}

/* The next index entry names this record; readers see it after dmring_log_publish(). */
void dmring_log_enter(struct dmring_log *log, u32 at);
void dmring_log_publish(struct dmring_log *log);

#endif /* _DMRING_LOG_H */
