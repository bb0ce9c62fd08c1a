/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ack: the marks that go round beside the data: what is stable, what is
 * released, and who waits for it. They are cumulative and idempotent; a
 * repeated or late one does no harm. Protected by the ring lock.
 */
#ifndef _DMRING_CORE_ACK_H
#define _DMRING_CORE_ACK_H

#include "types.h"
#include "retain.h"
#include "view.h"
#include "window.h"

/**
 * struct dmring_ack - marks, by index of the origin
 * @up: the last of each from the predecessor
 * @down: the last of each sent to the successor on this connection
 * @down_ordered: likewise, how far the order is known everywhere
 */
struct dmring_ack {
	struct dmring_mark up[DMRING_HOSTS_MAX];
	struct dmring_mark down[DMRING_HOSTS_MAX];
	u64 down_ordered;
};

/* What this host has to tell its successor of origin @o. */
void dmring_ack_out(const struct dmring_ack *a, const struct dmring_view *v,
		    const struct dmring_retain *r, const struct dmring_window *w,
		    u16 o, struct dmring_mark *m);

/* Is there anything to send? Encode all changes; 0 when there is none. */
bool dmring_ack_pending(const struct dmring_ack *a, const struct dmring_view *v,
			const struct dmring_retain *r, const struct dmring_window *w);
u32 dmring_ack_encode(struct dmring_ack *a, const struct dmring_view *v,
		      const struct dmring_retain *r, const struct dmring_window *w, u8 *buf);

/* A new connection: everything is told again. */
void dmring_ack_restart(struct dmring_ack *a);

/*
 * How far every host knows the order, from the predecessor: check it, 0 or -EPROTO. It
 * is taken over with dmring_order_set_stable().
 */
int dmring_ack_check_ordered(const struct dmring_retain *r, u64 ordered, char *why);

/* Check one mark from the predecessor: 0 or -EPROTO. */
int dmring_ack_check(const struct dmring_view *v, const struct dmring_retain *r,
		     const struct dmring_mark *m, u32 window, char *why);

/* Take it over; call dmring_ack_check() for the whole frame first. */
void dmring_ack_apply(struct dmring_ack *a, const struct dmring_view *v,
		      struct dmring_retain *r, struct dmring_window *w,
		      const struct dmring_mark *m);

#endif /* _DMRING_CORE_ACK_H */
