// SPDX-License-Identifier: GPL-2.0-only
#include "election-rules.h"

#define LOOK	(DMRING_BALLOT_LOOK_MS * DMRING_NS_PER_MS)

/* @from + @span, which may be for ever */
static u64 later(u64 from, u64 span)
{
	return span > DMRING_NEVER - from ? DMRING_NEVER : from + span;
}

const struct dmring_ballot *dmring_count_winner(const struct dmring_count *c)
{
	if (c->best[DMRING_RUNS].willing)
		return &c->best[DMRING_RUNS];
	return c->best[DMRING_STANDS].willing ? &c->best[DMRING_STANDS] : NULL;
}

/* Where that is no reproach to it */
bool dmring_office_takes_part(u8 why)
{
	return why == DMRING_TERM_ROTATED || why == DMRING_TERM_ELECTED;
}

/* Nobody hands over to one that stands, and one that stands keeps what it has till then. */
bool dmring_office_goes(u8 why, const struct dmring_count *c)
{
	switch (why) {
	case DMRING_TERM_STOPPED:
	case DMRING_TERM_ROTATED:
	case DMRING_TERM_RESIGNED:
		return c->best[DMRING_RUNS].willing;
	default:
		return true;
	}
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
