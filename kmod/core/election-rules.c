// SPDX-License-Identifier: GPL-2.0-only
#include "election-rules.h"

#define LOOK	(DMRING_BALLOT_LOOK_MS * DMRING_NS_PER_MS)

/* @from + @span, which may be for ever */
static u64 later(u64 from, u64 span)
{
	return span > DMRING_NEVER - from ? DMRING_NEVER : from + span;
}

u8 dmring_office_judge(const struct dmring_office *o, u64 now, u64 *next)
{
	u64 rotate = later(o->since, o->rotate);
	u64 stop = o->stopped == DMRING_NEVER ? DMRING_NEVER : later(o->stopped, o->timeout);

	*next = now + LOOK;
	if (!o->held)
		return DMRING_TERM_VACANT;
	if (!o->willing)
		return DMRING_TERM_UNWILLING;
	if (now >= stop)
		return DMRING_TERM_STOPPED;
	if (now >= rotate)
		return DMRING_TERM_ROTATED;
	*next = min(*next, later(now, max_t(u64, o->timeout / 4, DMRING_NS_PER_MS)));
	*next = min(min(*next, stop), rotate);
	return 0;
}
