/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sentences for people: why something was refused.
 */
#ifndef _DMRING_WHY_H
#define _DMRING_WHY_H

#include <linux/compiler_attributes.h>

struct netlink_ext_ack;

/* Set the message of @extack, which may be NULL. Process context. */
__printf(2, 3) void dmring_extack(struct netlink_ext_ack *extack, const char *fmt, ...);

#endif /* _DMRING_WHY_H */
