/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Output spaces: records for one member alone. ring->lock held throughout.
 */
#ifndef _DMRING_OUTPUT_H
#define _DMRING_OUTPUT_H

#include "group.h"

/* A record: header, identity if @ident, @head, then @len bytes of @body */
struct dmring_out {
	u16 type;
	const struct dmring_ident *ident;
	const void *head;
	u32 head_len;
	struct dmring_source body;
	u32 len;
};

/* What it takes (bytes) */
u32 dmring_out_need(const struct dmring_out *out);
/* Is there room for @need bytes? Would there be, if all had been read? */
bool dmring_out_has_room(struct dmring_member *m, u32 need);
static inline bool dmring_out_fits(const struct dmring_member *m, u32 need)
{
	return need <= m->slot.out_size;
}

/* Put it there, for which there is room; returns its position in the space. */
u64 dmring_out_put(struct dmring_member *m, const struct dmring_out *out);
/* Put a private event there; false if there is no room, or @m has left. */
bool dmring_out_event(struct dmring_member *m, const struct dmring_ev *ev);

/* End of what it says it has read, or less where it says nonsense. */
u64 dmring_out_head(struct dmring_member *m);
/* Have it ring the doorbell when it has read more; true if it has meanwhile. */
bool dmring_out_ask(struct dmring_member *m);
/* It has been asked to, and has. */
bool dmring_out_has_rung(struct dmring_member *m);

#endif /* _DMRING_OUTPUT_H */
