// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two-level set of slots, see marks.h. A summary bit is set after its word's
 * bit and cleared only after the word was seen empty, and then the word is
 * looked at once more: so a set bit never hides under a clear summary for
 * longer than the setter or the clearer takes. A summary may stay set over an empty
 * word, if the bit was taken before its setter came to the summary: who searches
 * clears it, for dmring_marks_any() would say for ever that there is something.
 */
#include "marks.h"

void dmring_marks_set(struct dmring_marks *marks, u32 id)
{
	u32 w = id / BITS_PER_LONG;

	/* what the caller stored before the mark that tells of it; pairs with marks_clear */
	smp_mb__before_atomic();
	set_bit(id % BITS_PER_LONG, &marks->word[w]);
	/* the word before its summary; pairs with the barrier in marks_clear */
	smp_mb__after_atomic();
	if (!test_bit(w, marks->sum))
		set_bit(w, marks->sum);
	/* the mark before what the caller reads next; pairs with the holder's full barrier */
	smp_mb__after_atomic();
}

/* The word was seen empty: what has come into it meanwhile */
static unsigned long clear_sum(struct dmring_marks *marks, u32 w)
{
	unsigned long bits;

	clear_bit(w, marks->sum);
	/* pairs with the barriers in marks_set */
	smp_mb__after_atomic();
	bits = READ_ONCE(marks->word[w]);
	if (bits)
		set_bit(w, marks->sum);
	return bits;
}

bool dmring_marks_clear(struct dmring_marks *marks, u32 id)
{
	u32 w = id / BITS_PER_LONG;
	bool more = false;

	clear_bit(id % BITS_PER_LONG, &marks->word[w]);
	if (!READ_ONCE(marks->word[w]))
		more = clear_sum(marks, w);
	/* the mark taken before the slot is read; pairs with the one in marks_set */
	smp_mb__after_atomic();
	return more;
}

bool dmring_marks_any(const struct dmring_marks *marks)
{
	return !bitmap_empty(marks->sum, DMRING_MARK_WORDS);
}

/* Nothing was found: these summaries are of empty words, or of such as have come just now. */
static noinline void clear_sums(struct dmring_marks *marks)
{
	u32 w;

	for_each_set_bit(w, marks->sum, DMRING_MARK_WORDS)
		if (!READ_ONCE(marks->word[w]))
			clear_sum(marks, w);
}

static int first_from(struct dmring_marks *marks, u32 start)
{
	u32 w = start / BITS_PER_LONG;
	unsigned long bits = READ_ONCE(marks->word[w]) & (~0UL << (start % BITS_PER_LONG));

	while (!bits) {
		w = find_next_bit(marks->sum, DMRING_MARK_WORDS, w + 1);
		if (w >= DMRING_MARK_WORDS)
			return -1;
		bits = READ_ONCE(marks->word[w]);
	}
	return w * BITS_PER_LONG + __ffs(bits);
}

int dmring_marks_next(struct dmring_marks *marks, u32 start)
{
	int id;

	if (!dmring_marks_any(marks))
		return -1;
	id = first_from(marks, start % DMRING_SLOTS_MAX);
	if (id < 0 && start)
		id = first_from(marks, 0);
	if (id < 0)
		clear_sums(marks);
	return id;
}
