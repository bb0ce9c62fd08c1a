/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family "dmring": configuration, lists, events.
 */
#ifndef _DMRING_NETLINK_H
#define _DMRING_NETLINK_H

int dmring_netlink_init(void);
/* No command or event runs any more when this returns. */
void dmring_netlink_exit(void);

#endif /* _DMRING_NETLINK_H */
