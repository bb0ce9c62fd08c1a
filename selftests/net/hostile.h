/* SPDX-License-Identifier: GPL-2.0-only */
/* What a hostile neighbour does, one thing at a time */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "fake.h"

enum hostile_counts {
	COUNT_ANY,
	COUNT_NOTHING,		/* no breach: the link goes on */
	COUNT_ERROR,		/* "link_errors" rises */
	COUNT_REFUSED,		/* "refused" rises */
};

/**
 * struct hostile_case - one of them
 * @name: in words
 * @run: does it; both links are open and the ring is closed before
 * @counts: which of the ring's counters is to show it
 */
struct hostile_case {
	const char *name;
	void (*run)(struct fake *f);
	enum hostile_counts counts;
};

extern const struct hostile_case hostile_cases[];
extern const unsigned int hostile_count;

/* One round of mutated frames; all that is random comes from @seed. True: against the
 * ring, both links are gone.
 */
bool hostile_fuzz(struct fake *f, u32 seed);

void hostile_failed(const char *fmt, ...);
u64 hostile_stat(const char *name);

#endif /* HOSTILE_H */
