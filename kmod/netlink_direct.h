/* SPDX-License-Identifier: GPL-2.0-only */
/* Netlink answers about services and status. */
#ifndef _DMRING_NETLINK_DIRECT_H
#define _DMRING_NETLINK_DIRECT_H

#include "netlink_show.h"

/* All from number *@next on; -EMSGSIZE: go on at *@next. */
int dmring_show_services(const struct dmring_show *s, struct dmring_ring *ring, u64 *next);
int dmring_show_statuses(const struct dmring_show *s, struct dmring_ring *ring, u64 *next);

#endif /* _DMRING_NETLINK_DIRECT_H */
