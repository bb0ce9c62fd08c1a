/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One host under test: number 2 of a ring of three, between 1 and 3.
 */
#ifndef _DMRING_UNIT_HOST_H
#define _DMRING_UNIT_HOST_H

#include "core.h"

#define MS DMRING_NS_PER_MS
#define SLOTS 1024

extern struct dmring_entry table[4][SLOTS];
extern struct dmring_place places[2][SLOTS];
extern struct dmring_core c, other;	/* host 2, and a neighbour of it */

/* What the last call left behind */
extern struct dmring_act act;
extern struct dmring_frame f;
extern struct dmring_rx rx;
extern char why[DMRING_WHY_SIZE];

extern u8 buf[DMRING_WIRE_HEAD_MAX];	/* a frame under way */

struct dmring_core_cfg config(u32 node);
void boot_cfg(struct dmring_core *core, const struct dmring_core_cfg *cfg, u16 hosts);
void boot(struct dmring_core *core, u32 node);
/* Let host @node greet us as the predecessor (1) or the successor (3). */
int greet(u32 node, void (*spoil)(struct dmring_hello *h));
void beat_in(u16 chain, bool final);
/* Deliver what can be; returns how many records. */
u64 index_all(void);
/* Both links up, the ring closed */
void join(void);

#endif
