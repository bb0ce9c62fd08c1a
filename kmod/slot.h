/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slot: the memory of one member, and who pays for memory that users map.
 */
#ifndef _DMRING_SLOT_H
#define _DMRING_SLOT_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/string.h>
#include <linux/types.h>

#include <linux/dmring.h>

#define DMRING_IN_DEFAULT	(32U << 10)
#define DMRING_OUT_DEFAULT	(4U << 10)

struct user_struct;

/* Pages booked to a user's locked-memory limit; invariant between get and put */
struct dmring_charge {
	struct user_struct *user;
	unsigned long pages;
};

int dmring_charge_get(struct dmring_charge *charge, size_t bytes);
void dmring_charge_put(struct dmring_charge *charge);

/* All members are invariant from alloc to free; the pages have one writer as the uAPI says */
struct dmring_slot {
	struct dmring_charge charge;
	void *mem;
	size_t bytes;
	u32 in_size;
	u32 out_size;
	struct dmring_user_page *user;
	struct dmring_kernel_page *kern;
	u8 *in;
	u8 *out;
};

/*
 * A place to copy from: a linear buffer (@mask all ones) or a ring buffer.
 * Both are kernel addresses; user processes may change the bytes meanwhile.
 */
struct dmring_source {
	const u8 *base;
	u64 off;
	u64 mask;
};

/* Copy @n bytes from @src, @done bytes in, to @pos of a space of @size bytes (a power of two). */
void dmring_space_copy(u8 *to, u64 size, u64 pos, const struct dmring_source *src, u32 done, u32 n);

/* Read the next @n bytes of @src to @to, and pass them: a header, once, before it is checked. */
static __always_inline void dmring_source_take(struct dmring_source *src, void *to, u32 n)
{
	u64 at = src->off & src->mask;

	if (src->mask - at >= n)
		memcpy(to, src->base + at, n);
	else
		dmring_space_copy(to, BIT_ULL(32), 0, src, 0, n);
	/* what was read is what is checked */
	barrier();
	src->off += n;
}

/* Sizes were checked by dmring_space_ok(). */
int dmring_slot_alloc(struct dmring_slot *slot, u32 in_size, u32 out_size);
void dmring_slot_free(struct dmring_slot *slot);
bool dmring_space_ok(u32 size);
size_t dmring_slot_bytes(u32 in_size, u32 out_size);

#endif /* _DMRING_SLOT_H */
