/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's own set of marked slots: two levels, so that the next one of
 * 4,096 is found with two searches of a word.
 *
 * Locking: set and clear from anywhere. Ordering: dmring_marks_set() is a full
 * barrier after the bits, dmring_marks_clear() one after taking them; so who
 * sets after a store and who clears before a load of the same data cannot both
 * miss each other.
 */
#ifndef _DMRING_MARKS_H
#define _DMRING_MARKS_H

#include <linux/bitmap.h>

#include <linux/dmring.h>

#define DMRING_MARK_WORDS	(DMRING_SLOTS_MAX / BITS_PER_LONG)

struct dmring_marks {
	DECLARE_BITMAP(sum, DMRING_MARK_WORDS);	/* words that may be non-zero */
	unsigned long word[DMRING_MARK_WORDS];
};

void dmring_marks_set(struct dmring_marks *marks, u32 id);
/*
 * True when marks came into the emptied word meanwhile: others may have found its
 * summary clear and gone, so who does not look again by itself must now.
 */
bool dmring_marks_clear(struct dmring_marks *marks, u32 id);
bool dmring_marks_any(const struct dmring_marks *marks);
/* The first set id at or after @start, going round; -1 if there is none. */
int dmring_marks_next(struct dmring_marks *marks, u32 start);

#endif /* _DMRING_MARKS_H */
