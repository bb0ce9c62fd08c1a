/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An exchange under test: a host HERE with three members, and a view of two hosts. What it asks
 * of its ring is counted, and answered as a test wants.
 */
#ifndef _DMRING_UNIT_EXCHANGE_RIG_H
#define _DMRING_UNIT_EXCHANGE_RIG_H

#include "test.h"
#include "exchange.h"

#define HERE 1
#define FAR 2
#define NAME 16
#define CLIENT (&ring.party[0])
#define SERVER (&ring.party[1])
#define OTHER (&ring.party[2])

extern struct dmring_call calls_table[DMRING_CALLS_TABLE];
extern struct dmring_host_offer offers[DMRING_OFFERS_TABLE];
extern struct dmring_exchange x;
extern struct dmring_view view;

/* Members; what the ops were asked for, and what they answer */
extern struct exchange_ring {
	struct dmring_party party[3];
	int serve, reply;
	bool full, moves;
	u32 served, replies, told, error, end, missed, wants, looks;
	u64 deadline;
} ring;

/* All of it as at the beginning */
void fresh(void);

/* A call of CLIENT's; one that has gone to the other host; one that is in the hands of SERVER */
struct dmring_call *begin(u32 flags, u64 deadline);
struct dmring_call *gone_far(u32 flags, u64 deadline);
struct dmring_call *held(u32 flags);

/* Parcels from @from */
void arrives(u8 kind, u32 from, u64 no, u8 flags, u16 error, u64 arg);
void request_of(u32 from, u64 no);
void replies(u32 from, u64 no, u8 flags, u16 error);

/* Nothing is left of any call */
void check_empty(void);

#endif
