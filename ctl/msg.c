// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What send, recv, call and serve share
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include <dmring.h>

#include "ctl.h"
#include "msg.h"
#include "stop.h"

#define OUT_SIZE	(256U << 10)	/* output space: some of the largest requests or replies */

int msg_attach(struct dmring **r, const char *name, __u32 flags)
{
	const struct dmring_opts opts = {
		.size = sizeof(opts),
		.flags = flags,
		.in_size = flags & DMRING_SEND_ONLY ? MSG_IN_SIZE : 0,
		.out_size = flags & DMRING_CALLS ? OUT_SIZE : 0,
	};
	int ret = dmring_attach(r, name, &opts);

	return ret ? msg_refused("attaching", ret) : CTL_OK;
}

int msg_failed(struct dmring *r, const char *what, int ret)
{
	if (ret == -ENOTCONN)
		return ctl_refuse("no longer a member: %s", dmring_reason_str(dmring_reason(r)));
	if (ret == -EINTR)
		return ctl_refuse("interrupted, %s is not complete", what);
	return ctl_refuse("%s: %s", what, dmring_strerror(ret));
}

int msg_refused(const char *what, int ret)
{
	if (*dmring_why())
		return ctl_refuse("%s", dmring_why());
	return ctl_refuse("%s: %s", what, dmring_strerror(ret));
}

int msg_wait_room(struct dmring *r, size_t len)
{
	int ret = dmring_wait(r, DMRING_WAIT_WRITE, len, MSG_SLICE_MS);

	if (stop_asked())
		return -EINTR;
	return ret == -ETIMEDOUT || ret == -EINTR ? 0 : ret;
}

int msg_wait_read(struct dmring *r, int ms)
{
	if (!ms)
		return -ETIMEDOUT;
	return stop_poll(dmring_fd(r), POLLIN, ms) ? -EINTR : 0;
}

int msg_not_served(const struct outcome *o)
{
	if (!(o->flags & DMRING_REPLY_RING))
		return ctl_refuse("%s %llu: \"%s\": the server has refused: %s (%d)", o->unit,
				  o->number, o->service, dmring_strerror(o->error), o->error);
	return ctl_refuse("%s %llu: \"%s\": %s%s", o->unit, o->number, o->service,
			  dmring_end_str(o->error), o->flags & DMRING_REPLY_UNKNOWN ?
			  ", and it may have been carried out" : "");
}
