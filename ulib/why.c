// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: sentences that say why a call failed, and texts for numbers
 *
 * The sentence is thread-local; everything else here is constant.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

static __thread char why[256];

int dmring_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return err;
}

void dmring_why_clear(void)
{
	why[0] = '\0';
}

const char *dmring_why(void)
{
	return why;
}

static const char *const reasons[] = {
	[DMRING_REASON_NONE] = "attached",
	[DMRING_REASON_DETACHED] = "detached",
	[DMRING_REASON_CLOSED] = "closed by its process",
	[DMRING_REASON_KILLED] = "its process was killed",
	[DMRING_REASON_SLOW] = "held the log full for too long",
	[DMRING_REASON_BADINPUT] = "wrote nonsense into its slot",
	[DMRING_REASON_ADMIN] = "evicted by the administrator",
	[DMRING_REASON_RINGDEL] = "the ring was deleted",
	[DMRING_REASON_NETNS] = "the network namespace ended",
};

static const char *text_of(const char *const *texts, size_t n, int i, const char *unknown)
{
	return i >= 0 && (size_t)i < n && texts[i] ? texts[i] : unknown;
}

const char *dmring_reason_str(int reason)
{
	return text_of(reasons, ARRAY_SIZE(reasons), reason, "unknown reason");
}

static const char *const events[] = {
	[DMRING_EV_LEFT] = "left",
	[DMRING_EV_HOST_AWAY] = "host away",
	[DMRING_EV_HOST_BACK] = "host back",
	[DMRING_EV_HOST_REFUSED] = "host refused",
	[DMRING_EV_CLOSED] = "ring closed",
	[DMRING_EV_BROKEN] = "ring broken",
	[DMRING_EV_PROXY] = "proxy",
	[DMRING_EV_VIEW] = "view",
	[DMRING_EV_OFFICE] = "office",
	[DMRING_EV_REJECTED] = "rejected",
	[DMRING_EV_LOST] = "lost",
	[DMRING_EV_UNDELIVERED] = "undelivered",
	[DMRING_EV_GAP] = "gap",
};

const char *dmring_event_str(int what)
{
	return text_of(events, ARRAY_SIZE(events), what, "unknown event");
}

static const char *const terms[] = {
	[DMRING_TERM_VACANT] = "nobody was in office",
	[DMRING_TERM_LEFT] = "the proxy left",
	[DMRING_TERM_RESIGNED] = "the proxy resigned",
	[DMRING_TERM_ELECTED] = "by the administrator",
	[DMRING_TERM_ROTATED] = "in turn",
	[DMRING_TERM_STOPPED] = "the proxy was stopped",
	[DMRING_TERM_UNWILLING] = "the proxy is no longer willing",
};

const char *dmring_term_str(int reason)
{
	return text_of(terms, ARRAY_SIZE(terms), reason, "unknown reason");
}

static const struct {
	int error;
	const char *text;
} ends[] = {
	{ ESRCH, "nobody serves it" },
	{ ETIMEDOUT, "no reply in time" },
	{ EOWNERDEAD, "its server has gone" },
	{ EHOSTDOWN, "its server's host has gone" },
	{ EMSGSIZE, "it fits into no server's output space" },
	{ EAGAIN, "all who serve it are full" },
	{ ENOBUFS, "the reply found no room here" },
	{ ENOLINK, "this host is cut off from most others of the ring" },
};

const char *dmring_end_str(int err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		if (ends[i].error == (err < 0 ? -err : err))
			return ends[i].text;
	}
	return dmring_strerror(err);
}

/* strerrordesc_np() is thread-safe and constant, strerror() is neither. */
const char *dmring_strerror(int err)
{
	const char *text = strerrordesc_np(err < 0 ? -err : err);

	return text ? text : "unknown error";
}

const char *dmring_version(void)
{
	return DMRING_VERSION;
}
