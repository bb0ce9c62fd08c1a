// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hook through which lower ranks report upward. An rwsem, not RCU, since
 * the watcher allocates and may sleep.
 */
#include <linux/export.h>
#include <linux/rwsem.h>

#include "event.h"

static DECLARE_RWSEM(notify_sem);
static dmring_notify_t notify_fn;	/* protected by notify_sem */

void dmring_notify_set(dmring_notify_t fn)
{
	down_write(&notify_sem);
	notify_fn = fn;
	up_write(&notify_sem);
}

void dmring_notify(struct net *net, const struct dmring_ntf_info *info)
{
	down_read(&notify_sem);
	if (notify_fn)
		notify_fn(net, info);
	up_read(&notify_sem);
}
