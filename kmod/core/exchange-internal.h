/* SPDX-License-Identifier: GPL-2.0-only */
/* What exchange.c and exchange-hosts.c have in common */
#ifndef _DMRING_CORE_EXCHANGE_INTERNAL_H
#define _DMRING_CORE_EXCHANGE_INTERNAL_H

#include "exchange.h"

/* An end that the ring makes, of a request that may have been carried out */
#define DMRING_END_UNKNOWN	(DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN)

/* It is over, and all know. */
void dmring_exchange_finish(struct dmring_exchange *x, struct dmring_call *c);
/* It takes nothing of the other host any more. */
void dmring_exchange_back(struct dmring_exchange *x, struct dmring_call *c);
void dmring_exchange_set_deadline(struct dmring_exchange *x, struct dmring_call *c, u64 deadline);

#endif /* _DMRING_CORE_EXCHANGE_INTERNAL_H */
