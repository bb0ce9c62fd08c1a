/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * window: how much each origin may have outstanding, so that what a host
 * receives always fits its log.
 *
 * Cost of a record: what it is counted with on every host, alike.
 * All sizes are below 2^31; none needs a 64-bit division.
 */
#ifndef _DMRING_CORE_WINDOW_H
#define _DMRING_CORE_WINDOW_H

#include "types.h"

#define DMRING_EVENT_SHARE	32	/* 1/32 of a log is kept for local events */

/**
 * struct dmring_sizes - sizes of the whole ring
 * @log: smallest log (bytes)
 * @rec: largest record (cost)
 * @window: what one origin may have outstanding (cost)
 * @final: agreed by all; set once, before the first message is sequenced
 */
struct dmring_sizes {
	u32 log;
	u32 rec;
	u32 window;
	bool final;
};

/**
 * struct dmring_window - this host's own window
 * @limit: cost that may be outstanding
 * @released: own cumulative cost released by every host
 * @want: own cumulative cost that must be released before we can go on
 */
struct dmring_window {
	u32 limit;
	u64 released;
	u64 want;
};

/* Cost of a record of @len payload bytes; @flags: DMRING_REC_IDENT or 0. */
static inline u32 dmring_cost(u32 len, u16 flags)
{
	u32 size = 16 + (flags & DMRING_REC_IDENT ? 16 : 0) + len;

	return max_t(u32, DMRING_COST_MIN, ALIGN(size, DMRING_ALIGN));
}

/* Largest payload whose cost is at most @rec. */
static inline u32 dmring_cost_payload(u32 rec, u16 flags)
{
	return min_t(u32, rec - 16 - (flags & DMRING_REC_IDENT ? 16 : 0), DMRING_MSG_MAX);
}

static inline u32 dmring_event_share(u32 log)
{
	return log / DMRING_EVENT_SHARE;
}

/* Largest record cost for a log of @log bytes among @hosts when none is set. */
u32 dmring_rec_auto(u32 log, u16 hosts, u16 flags);

/* Window for these sizes; 0 when it would be below @rec. */
u32 dmring_window_size(u32 log, u32 rec, u16 hosts);

/*
 * May a record of @cost follow @own_cost? 0 or -EAGAIN; then @want is raised
 * and *@raised set if it was.
 */
int dmring_window_ask(struct dmring_window *w, u64 own_cost, u32 cost, bool *raised);

#endif /* _DMRING_CORE_WINDOW_H */
