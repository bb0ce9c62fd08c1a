/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Views over netlink: what a coordinator asks of a host, and what that answers.
 */
#ifndef _DMRING_NETLINK_VIEW_H
#define _DMRING_NETLINK_VIEW_H

#include <net/genetlink.h>

struct dmring_ring;
struct dmring_show;

extern const struct nla_policy dmring_view_policy[];

/* One step, of DMRING_VIEW_*; @nest has passed the policy, @tb has its attributes. */
int dmring_view_do(struct dmring_ring *ring, u8 step, const struct nlattr *nest,
		   struct nlattr **tb, struct netlink_ext_ack *extack);

/* Bytes that an answer may take */
#define DMRING_VIEW_ANSWER	(24 << 10)

/* 0 or -EMSGSIZE. May sleep. */
int dmring_show_view(const struct dmring_show *s, struct dmring_ring *ring);

#endif /* _DMRING_NETLINK_VIEW_H */
