/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The set of marked slots, kmod/marks.c: members mark their slots, and whoever holds the
 * ring's lock takes the marks. One word of two slots, and its bit in the summary. SETTERS
 * members mark one of the slots SETS times each, and after each look after the ring, unless
 * somebody does so already. Every step on a word is one of its own; memory is in order, as
 * the barriers see to it. Checked for every interleaving:
 *
 *  - in the end no mark is left: nobody has gone away from one that nobody else takes;
 *  - a search that begins when nobody is about to mark, and finds nothing, leaves no summary
 *    over an empty word: dmring_marks_any() would keep the ring's thread awake for ever.
 *
 * FAULT plants one: 1 the summary before the word, 2 a word is not looked at again when its
 * summary is cleared, 3 who searches leaves a summary over an empty word.
 */
#ifndef SETTERS
#define SETTERS	3
#endif
#ifndef SETS
#define SETS	2
#endif
#ifndef FAULT
#define FAULT	0
#endif

bool word[2], sum, lock;
byte marking = SETTERS, ended;

#define EMPTY	(!word[0] && !word[1])

/* dmring_marks_set() */
inline set(slot)
{
	if
	:: FAULT == 1 -> sum = true; word[slot] = true
	:: else ->
		word[slot] = true;
		if
		:: !sum -> sum = true
		:: else -> skip
		fi
	fi
}

/* The word was seen empty. */
inline clear_sum()
{
	sum = false;
	if
	:: FAULT != 2 && !EMPTY -> sum = true
	:: else -> skip
	fi
}

/* dmring_marks_next() and _clear(), until there is nothing */
inline take_all()
{
	do
	:: !sum -> break
	:: else ->
		quiet = marking == 0;
		if
		:: word[0] -> word[0] = false; taken = true
		:: !word[0] && word[1] -> word[1] = false; taken = true
		:: EMPTY -> taken = false
		fi;
		if
		:: (taken || FAULT != 3) && EMPTY -> clear_sum()
		:: else -> skip
		fi;
		if
		:: !taken ->
			assert(!quiet || !sum);
			if
			:: !sum || EMPTY -> break
			:: else -> skip
			fi
		:: else -> skip
		fi
	od
}

/* dmring_pump(): who finds the lock held leaves it to the holder. */
inline pump()
{
	do
	:: atomic { !lock -> lock = true };
		take_all();
		lock = false;
		if
		:: !sum -> break
		:: else -> skip
		fi
	:: lock -> break
	od
}

active [SETTERS] proctype setter()
{
	byte sets;
	bool quiet, taken;

	do
	:: sets < SETS ->
		if
		:: true -> set(0)
		:: true -> set(1)
		fi;
		sets++;
		if
		:: sets == SETS -> marking--
		:: else -> skip
		fi;
		pump()
	:: else -> break
	od;
	ended++;
	assert(ended < SETTERS || (EMPTY && !sum))
}
