/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What netlink says of rings, peers, members and events: one message each.
 */
#ifndef _DMRING_NETLINK_SHOW_H
#define _DMRING_NETLINK_SHOW_H

#include <linux/types.h>

struct dmring_ntf_info;
struct dmring_ring;
struct genl_family;
struct net;
struct sk_buff;
struct user_namespace;

/**
 * struct dmring_show - where an answer goes
 * @skb: what it is appended to
 * @family: ours
 * @ns: user namespace of the asking socket
 * @portid: of the asking socket
 * @seq: of the request
 * @flags: NLM_F_*
 * @admin: the asker has CAP_NET_ADMIN: it also sees the counters from which one could tell who
 *         sends, which others are not to learn (I6)
 */
struct dmring_show {
	struct sk_buff *skb;
	const struct genl_family *family;
	struct user_namespace *ns;
	u32 portid;
	u32 seq;
	int flags;
	bool admin;
};

/* A message under way */
struct dmring_show_nest {
	void *head;
	struct nlattr *nest;
};

/*
 * A message with one nest of kind @object; 0 or -EMSGSIZE. It ends with @err of what was put
 * there: if that is not 0, or nothing could be begun, nothing is appended.
 */
int dmring_show_begin(const struct dmring_show *s, u8 cmd, u16 object,
		      struct dmring_show_nest *m);
int dmring_show_end(const struct dmring_show *s, struct dmring_show_nest *m, int err);

/* 0, or -EMSGSIZE: it does not fit; nothing is appended then. May sleep. */
int dmring_show_ring(const struct dmring_show *s, struct dmring_ring *ring);

/* All from number *@next on; -EMSGSIZE: go on at *@next. Number: node id, member id. */
int dmring_show_peers(const struct dmring_show *s, struct dmring_ring *ring, u64 *next);
int dmring_show_members(const struct dmring_show *s, struct dmring_ring *ring, u64 *next);

int dmring_show_event(const struct dmring_show *s, const struct dmring_ntf_info *info);

#endif /* _DMRING_NETLINK_SHOW_H */
