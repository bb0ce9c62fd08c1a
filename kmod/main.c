// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmring: the cluster message ring.
 *
 * Ranks; includes and calls go to lower ranks only:
 *	1 trace stats event why		2 slot log marks link
 *	3 netns ring hosts member	4 wait room slow services requests parcels
 *	  direct output			  append news pump
 *	5 election neighbours views proxy
 *	6 mmap file_io chardev netlink	7 main
 * and beside them kmod/core (sans-IO protocol) and kmod/compat (kernel versions).
 *
 * Memory ordering and locks are told where they are used; the pairs are listed
 * in Documentation/memory-ordering.rst, the order of locks in group.h.
 */
#include <linux/module.h>

#include "chardev.h"
#include "group.h"
#include "member.h"
#include "netlink.h"
#include "proxy.h"

static int __init dmring_init(void)
{
	int err;

	err = dmring_member_init();
	if (err)
		return err;
	err = dmring_group_init(&dmring_proxy_ops);
	if (err)
		goto err_member;
	err = dmring_netlink_init();
	if (err)
		goto err_group;
	/* last: who opens it at once has a file whose module stays */
	err = dmring_chardev_init();
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	dmring_netlink_exit();
err_group:
	dmring_group_exit();
err_member:
	dmring_member_exit();
	return err;
}

static void __exit dmring_exit(void)
{
	dmring_chardev_exit();
	dmring_netlink_exit();
	/* has waited for the grace periods after which members are freed */
	dmring_group_exit();
	dmring_member_exit();
}

module_init(dmring_init);
module_exit(dmring_exit);

MODULE_DESCRIPTION("Cluster message ring");
MODULE_AUTHOR("The dmring developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
