/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * election-rules: who of a group becomes its proxy, and when the one in office
 * has to go. The kernel counts and keeps the clock; the rules are here.
 *
 *	           somebody willing comes, or becomes so
 *	VACANT ------------------------------------------> IN OFFICE
 *	   ^                                                 |   |
 *	   |  left, or unwilling, and nobody else is willing |   | left, resigned, rotated,
 *	   '-------------------------------------------------'   | elected, stopped, unwilling:
 *	                                                         v the best other ballot
 *	                                                     IN OFFICE, next term
 *
 * Pure functions; times are nanoseconds of any clock that does not go back. What is done
 * for each ballot of a count is inline: a thousand of them are counted while a ring waits.
 */
#ifndef _DMRING_CORE_ELECTION_RULES_H
#define _DMRING_CORE_ELECTION_RULES_H

#include "types.h"

/* How a member's process is */
enum dmring_motion {
	DMRING_RUNS,
	DMRING_STANDS,		/* stopped by a signal or a debugger, or frozen */
	DMRING_DIES,		/* all its descriptors are about to be closed */
};

/**
 * struct dmring_ballot - what a member stands for
 * @willing: it may be chosen
 * @weight: the highest wins
 * @served: time it has been in office (ns): the overhead is shared
 * @since: when it attached, in any order-preserving measure
 * @id: its number in the group
 */
struct dmring_ballot {
	bool willing;
	u16 weight;
	u64 served;
	u64 since;
	u32 id;
};

/* The word of a standing ballot: false, and unwilling, when it breaks the rules. */
static inline bool dmring_ballot_read(u64 word, struct dmring_ballot *b)
{
	u64 weight = word & DMRING_BALLOT_WEIGHT;
	bool sound = !(word & ~(DMRING_BALLOT_WEIGHT | DMRING_BALLOT_WILLING)) &&
		     weight <= DMRING_WEIGHT_MAX;

	b->weight = sound ? weight : 0;
	b->willing = sound && word & DMRING_BALLOT_WILLING;
	return sound;
}

/* Is @a to be preferred to @b (which may be NULL)? A strict order over distinct ids. */
static inline bool dmring_ballot_beats(const struct dmring_ballot *a,
				       const struct dmring_ballot *b)
{
	if (!a->willing)
		return false;
	if (!b || !b->willing)
		return true;
	if (a->weight != b->weight)
		return a->weight > b->weight;
	if (a->served != b->served)
		return a->served < b->served;
	if (a->since != b->since)
		return a->since < b->since;
	return a->id < b->id;
}

/*
 * For a count of many, most of whom do not win: false if a ballot of this word, served and
 * since does not beat @top, which is willing. True says nothing.
 */
static inline bool dmring_ballot_may_beat(u64 word, u64 served, u64 since,
					  const struct dmring_ballot *top)
{
	/* sound words grow with the weight, those of the willing above all others */
	u64 best = top->weight | DMRING_BALLOT_WILLING;

	if (word != best)
		return word > best;
	if (served != top->served)
		return served < top->served;
	return since <= top->since;
}

/**
 * struct dmring_count - a count of ballots
 * @best: by motion, unwilling until there is one: of those that run, and of those that stand
 *
 * Ballots come in any order. A look at a process is dear: ask dmring_count_wants() first, and
 * dmring_ballot_may_beat() before that.
 */
struct dmring_count {
	struct dmring_ballot best[2];
};

/* Does it matter how the process of @b is? */
static inline bool dmring_count_wants(const struct dmring_count *c, const struct dmring_ballot *b)
{
	return dmring_ballot_beats(b, &c->best[DMRING_RUNS]);
}

static inline void dmring_count_add(struct dmring_count *c, const struct dmring_ballot *b,
				    enum dmring_motion motion)
{
	if (motion != DMRING_DIES && dmring_ballot_beats(b, &c->best[motion]))
		c->best[motion] = *b;
}

/* Who wins: one that stands if no other is willing. NULL: nobody. */
const struct dmring_ballot *dmring_count_winner(const struct dmring_count *c);

/* Does the one in office take part in a count because of @why (DMRING_TERM_*)? */
bool dmring_office_takes_part(u8 why);

/*
 * Does the office go, because of @why, to whom @c says, or else to nobody? If not, it stays with
 * the one in office.
 */
bool dmring_office_goes(u8 why, const struct dmring_count *c);

#define DMRING_NEVER	(~0ULL)

/**
 * struct dmring_office - the office as it stands
 * @held: somebody is in it
 * @willing: who holds it is still willing
 * @since: when this term began
 * @stopped: since when the holder has been seen stopped, DMRING_NEVER if it runs
 * @timeout: how long it may be
 * @rotate: how long a term lasts, DMRING_NEVER for ever
 */
struct dmring_office {
	bool held;
	bool willing;
	u64 since;
	u64 stopped;
	u64 timeout;
	u64 rotate;
};

/*
 * Why ballots are to be counted now: DMRING_TERM_*, or 0. Then *@next is when to
 * look again: soon enough to see a stop that lasts @timeout within a quarter of
 * it, and a ballot that was changed without a word within DMRING_BALLOT_LOOK_MS.
 */
u8 dmring_office_judge(const struct dmring_office *o, u64 now, u64 *next);

#endif /* _DMRING_CORE_ELECTION_RULES_H */
