// SPDX-License-Identifier: GPL-2.0-only
#include "election-rules.h"

bool dmring_ballot_beats(const struct dmring_ballot *a, const struct dmring_ballot *b)
{
	if (!a->willing)
		return false;
	if (!b || !b->willing)
		return true;
	if (a->since != b->since)
		return a->since < b->since;
	return a->id < b->id;
}

const struct dmring_ballot *dmring_elect(const struct dmring_ballot *ballots, u32 count)
{
	const struct dmring_ballot *best = NULL;
	u32 i;

	for (i = 0; i < count; i++)
		if (dmring_ballot_beats(&ballots[i], best))
			best = &ballots[i];
	return best;
}
