/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What netlink commands say. The policy has been applied when these run; each refusal is a
 * sentence in @extack.
 */
#ifndef _DMRING_NETLINK_READ_H
#define _DMRING_NETLINK_READ_H

#include <net/genetlink.h>

struct dmring_ring;
struct dmring_ring_config;

/* The attributes of the object in @info, up to @max; 0 or -errno. */
int dmring_read_nest(const struct genl_info *info, u16 object, struct nlattr **tb, int max);

/* The name of a ring, in the message; -EINVAL or -ENAMETOOLONG. */
int dmring_read_name(const struct nlattr *attr, const char **to, struct netlink_ext_ack *extack);

/* The ring named by @attr, with a reference, or an ERR_PTR */
struct dmring_ring *dmring_read_ring(struct net *net, const struct nlattr *attr,
				     struct netlink_ext_ack *extack);

/* IPv4 or IPv6 with a port, or -EINVAL */
int dmring_read_addr(const struct nlattr *attr, struct sockaddr_storage *to,
		     struct netlink_ext_ack *extack);
bool dmring_is_any_addr(const struct sockaddr_storage *addr);

/* All that RING_ADD and RING_SET may give; 0 or -errno. @skb: whose user namespace counts */
int dmring_read_config(struct sk_buff *skb, struct genl_info *info,
		       struct dmring_ring_config *cfg);

#endif /* _DMRING_NETLINK_READ_H */
