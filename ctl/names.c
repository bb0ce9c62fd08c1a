// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Words of the kernel's enumerations
 */
#include <stddef.h>

#include <linux/dmring.h>
#include <linux/dmring_netlink.h>

#include "names.h"

const char *const scope_names[] = {
	[DMRING_SCOPE_MACHINE] = "machine",
	[DMRING_SCOPE_NETWORK] = "network",
	NULL
};

const char *const order_names[] = {
	[DMRING_ORDER_FIFO] = "fifo",
	[DMRING_ORDER_TOTAL] = "total",
	[DMRING_ORDER_SAFE] = "safe",
	NULL
};

const char *const slow_names[] = {
	[DMRING_SLOW_EVICT] = "evict",
	[DMRING_SLOW_BLOCK] = "block",
	[DMRING_SLOW_DROP] = "drop",
	NULL
};

const char *const state_names[] = {
	[DMRING_RING_UP] = "up",
	[DMRING_RING_FORMING] = "forming",
	[DMRING_RING_CLOSED] = "closed",
	[DMRING_RING_BROKEN] = "broken",
	NULL
};

const char *const link_names[] = {
	[DMRING_LINK_NONE] = "none",
	[DMRING_LINK_DOWN] = "down",
	[DMRING_LINK_CONNECTING] = "connecting",
	[DMRING_LINK_GREETING] = "greeting",
	[DMRING_LINK_UP] = "up",
	[DMRING_LINK_REFUSED] = "refused",
	NULL
};

const char *const phase_names[] = {
	[DMRING_VIEW_PHASE_RUN] = "run",
	[DMRING_VIEW_PHASE_PREPARED] = "prepared",
	[DMRING_VIEW_PHASE_FILL] = "fill",
	NULL
};

const char *const away_names[] = {
	[0] = "none",
	[DMRING_AWAY_BROKEN] = "broken",
	[DMRING_AWAY_SILENT] = "silent",
	[DMRING_AWAY_PROTOCOL] = "protocol",
	NULL
};

const char *const ntf_names[] = {
	[DMRING_NTF_RING_ADD] = "ring-add",
	[DMRING_NTF_RING_DEL] = "ring-del",
	[DMRING_NTF_RING_SET] = "ring-set",
	[DMRING_NTF_PEER_ADD] = "peer-add",
	[DMRING_NTF_PEER_DEL] = "peer-del",
	[DMRING_NTF_MEMBER_JOIN] = "member-join",
	[DMRING_NTF_MEMBER_LEAVE] = "member-leave",
	[DMRING_NTF_PROXY] = "proxy",
	[DMRING_NTF_HOST_AWAY] = "host-away",
	[DMRING_NTF_HOST_BACK] = "host-back",
	[DMRING_NTF_HOST_REFUSED] = "host-refused",
	[DMRING_NTF_CLOSED] = "closed",
	[DMRING_NTF_BROKEN] = "broken",
	[DMRING_NTF_VIEW] = "view",
	NULL
};

const char *const term_names[] = {
	[0] = "none",
	[DMRING_TERM_VACANT] = "vacant",
	[DMRING_TERM_LEFT] = "left",
	[DMRING_TERM_RESIGNED] = "resigned",
	[DMRING_TERM_ELECTED] = "elected",
	[DMRING_TERM_ROTATED] = "rotated",
	[DMRING_TERM_STOPPED] = "stopped",
	[DMRING_TERM_UNWILLING] = "unwilling",
	NULL
};

const char *const reason_names[] = {
	[DMRING_REASON_NONE] = "none",
	[DMRING_REASON_DETACHED] = "detached",
	[DMRING_REASON_CLOSED] = "closed",
	[DMRING_REASON_KILLED] = "killed",
	[DMRING_REASON_SLOW] = "slow",
	[DMRING_REASON_BADINPUT] = "bad-input",
	[DMRING_REASON_ADMIN] = "admin",
	[DMRING_REASON_RINGDEL] = "ring-del",
	[DMRING_REASON_NETNS] = "netns",
	NULL
};
