/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What send, recv, call and serve share: becoming a member, and what goes wrong
 */
#ifndef RINGCTL_MSG_H
#define RINGCTL_MSG_H

#include <stddef.h>
#include <linux/types.h>

struct dmring;

#define MSG_IN_SIZE	(64U << 10)	/* input space of who sends; the largest reply fits */
#define MSG_SLICE_MS	250	/* a wait in the kernel looks up for signals this often */

/*
 * Joins @name. Who sends, asks or serves does it with DMRING_SEND_ONLY, for it wants no
 * broadcasts: events, requests and replies come all the same. Returns an enum ctl_status.
 */
int msg_attach(struct dmring **r, const char *name, __u32 flags);

/* Says why @what ends; returns CTL_REFUSED. */
int msg_failed(struct dmring *r, const char *what, int ret);

/* The same for what the library has a sentence about, as it has for what it never takes */
int msg_refused(const char *what, int ret);

/* Waits a while for room for @len bytes: 0 to try again, -EINTR for a signal. */
int msg_wait_room(struct dmring *r, size_t len);

/* Likewise until there is something to read, for @ms at most */
int msg_wait_read(struct dmring *r, int ms);

/**
 * struct outcome - of a request that failed
 * @unit: what requests are called here, "line" or "request"
 * @number: which
 * @service: whom it was for
 * @error: errno
 * @flags: DMRING_REPLY_*
 */
struct outcome {
	const char *unit;
	__u64 number;
	const char *service;
	int error;
	__u32 flags;
};

/* Says it; returns CTL_REFUSED. */
int msg_not_served(const struct outcome *o);

#endif /* RINGCTL_MSG_H */
