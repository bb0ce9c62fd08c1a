/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * election-rules: who of a group becomes its proxy. The kernel only counts;
 * the rules are here. In this version: the longest-attached willing member.
 */
#ifndef _DMRING_CORE_ELECTION_RULES_H
#define _DMRING_CORE_ELECTION_RULES_H

#include "types.h"

/**
 * struct dmring_ballot - what a member stands for
 * @since: when it attached, in any order-preserving measure
 * @id: its number in the group
 * @willing: it may be chosen
 */
struct dmring_ballot {
	u64 since;
	u32 id;
	bool willing;
};

/* Is @a to be preferred to @b (which may be NULL)? Total over distinct ids. */
bool dmring_ballot_beats(const struct dmring_ballot *a, const struct dmring_ballot *b);

/* The winner among @count ballots, NULL if nobody is willing. */
const struct dmring_ballot *dmring_elect(const struct dmring_ballot *ballots, u32 count);

#endif /* _DMRING_CORE_ELECTION_RULES_H */
