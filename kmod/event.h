/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens to rings, told to whoever watches: one hook, which the netlink
 * side takes at start. Callers are in process context and hold no spinlock.
 */
#ifndef _DMRING_EVENT_H
#define _DMRING_EVENT_H

#include <linux/types.h>

struct net;

/**
 * struct dmring_ntf_info - one thing that happened
 * @ring: name of the ring
 * @what: enum dmring_ntf of the uAPI
 * @reason: DMRING_REASON_*, of a proxy DMRING_TERM_*
 * @has_member: @member and @pid are meant
 * @member: member id
 * @pid: its process, in the first pid namespace
 * @node: host, 0 for none
 * @view: number of a view, 0 for none
 * @term: term of a proxy
 * @duration: ns, of the membership or of the term that ended
 * @why: a sentence, or NULL
 */
struct dmring_ntf_info {
	const char *ring;
	u8 what;
	u8 reason;
	bool has_member;
	u32 member;
	u32 pid;
	u32 node;
	u32 view;
	u64 term;
	u64 duration;
	const char *why;
};

typedef void (*dmring_notify_t)(struct net *net, const struct dmring_ntf_info *info);

/* Takes the hook, or gives it back with NULL; returns when no call runs in the old one. */
void dmring_notify_set(dmring_notify_t fn);
void dmring_notify(struct net *net, const struct dmring_ntf_info *info);

#endif /* _DMRING_EVENT_H */
