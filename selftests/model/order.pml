/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order of a static ring: what kmod/core/order.c, retain.c and ack.c do between
 * hosts, without windows, sizes and sessions. Host 0 is the sequencer.
 *
 *	host 0 --link[0]--> host 1 --link[1]--> host 2 --link[2]--> host 0
 *
 * Each host sends SENDS messages at any time. A link is first in, first out, and is cut
 * at any time, CUTS times in all: what is under way on it is lost, and the host before
 * it goes on from what the next one holds. Checked at every step, for every
 * interleaving:
 *
 *  - an order is always about a message that is here, and leaves no gap;
 *  - what is delivered at a position is the same on all hosts (I5), and each origin's
 *    messages stay in their sequence (I1);
 *  - with SAFE, what any host delivers every host holds, with its place in the order;
 *  - with SAFE, for marks matter there: what is called stable every host holds;
 *  - it never ends before everybody has delivered everything.
 *
 * FAULT plants one: 1 an order goes ahead of its message, 2 a new connection does not
 * repeat the order, 3 delivered before all know the order, 4 everybody acknowledges, not
 * the last one alone, 5 a new connection does not repeat the messages.
 */
#ifndef HOSTS
#define HOSTS	3
#endif
#ifndef SENDS
#define SENDS	1
#endif
#ifndef CUTS
#define CUTS	1
#endif
#ifndef FAULT
#define FAULT	0
#endif
#define ALL	(HOSTS * SENDS)		/* messages */
#define DEPTH	3			/* what a link has under way */
#define NEXT(h)	((h + 1) % HOSTS)

/* A message is its origin and its number there, from 0 */
#define MESSAGE(origin, no)	((origin) * SENDS + (no))
#define ORIGIN(m)		((m) / SENDS)
#define NUMBER(m)		((m) % SENDS)

mtype = { data, order, marks };

typedef host {
	byte log[ALL];		/* messages, in order of arrival */
	byte logged;
	byte at[ALL];		/* by message: where in the log */
	byte sent;		/* on the link, of the log */
	byte have[HOSTS];	/* messages of each origin */
	byte placed[HOSTS];	/* of these, how many have their order */
	byte line[ALL];		/* messages, in the order of all */
	byte known;
	byte told;		/* on the link, of the line */
	byte given;		/* delivered, of the line */
	byte stable[HOSTS];	/* every host holds so many */
	byte ordered;		/* every host knows so many */
	byte marked;		/* last marks sent: a sum, to send changes only */
};

host h[HOSTS];
/* data: message; order: position, origin; marks: ordered, stable of each */
chan link[HOSTS] = [DEPTH] of { mtype, byte, byte, byte, byte };
byte cuts = CUTS;
byte i;				/* scratch */
byte a;
byte b;
byte c;
byte d;

inline place(me, origin)
{
	h[me].line[h[me].known] = MESSAGE(origin, h[me].placed[origin]);
	h[me].known++;
	h[me].placed[origin]++
}

inline arrive(me, m)
{
	h[me].log[h[me].logged] = m;
	h[me].at[m] = h[me].logged;
	h[me].logged++;
	h[me].have[ORIGIN(m)]++;
	if
	:: me == 0 -> place(me, ORIGIN(m))
	:: else
	fi
}

/* The next record goes out, unless it is of the next host itself. */
inline carry(me)
{
	if
	:: ORIGIN(h[me].log[h[me].sent]) != NEXT(me) -> link[me]!data, h[me].log[h[me].sent], 0, 0, 0
	:: else
	fi;
	h[me].sent++
}

#define MAY_TELL(me)	(NEXT(me) != 0 && h[me].told < h[me].known && \
			 (h[me].at[h[me].line[h[me].told]] < h[me].sent || FAULT == 1))

inline tell(me)
{
	link[me]!order, h[me].told, ORIGIN(h[me].line[h[me].told]), 0, 0;
	h[me].told++
}

/* To the origin, and to the sequencer, what we have; to others what we have heard */
#define STABLE(me, o)	(o == NEXT(me) || FAULT == 4 -> h[me].have[o] : h[me].stable[o])
#define ORDERED(me)	(NEXT(me) == 0 || FAULT == 4 -> h[me].known : h[me].ordered)

#if HOSTS > 2
#define STABLE_2(me)	STABLE(me, 2)
#else
#define STABLE_2(me)	0
#endif
#define MARKS(me)	(ORDERED(me) + STABLE(me, 0) + STABLE(me, 1) + STABLE_2(me))

inline mark(me)
{
	h[me].marked = MARKS(me);
	link[me]!marks, ORDERED(me), STABLE(me, 0), STABLE(me, 1), STABLE_2(me)
}

#ifdef SAFE
#define HAS_MARKS(me)	(MARKS(me) > h[me].marked)
#else
#define HAS_MARKS(me)	false		/* nothing depends on them */
#endif
#define HAS_NEWS(me)	(h[me].sent < h[me].logged || MAY_TELL(me) || HAS_MARKS(me))

/* What the thread sends in one go: records, then their order, then marks */
inline pass(me)
{
	do
	:: FAULT == 1 && len(link[me]) < DEPTH && MAY_TELL(me) -> tell(me)
	:: else -> break
	od;
	do
	:: len(link[me]) < DEPTH && h[me].sent < h[me].logged -> carry(me)
	:: else -> break
	od;
	do
	:: len(link[me]) < DEPTH && MAY_TELL(me) -> tell(me)
	:: else -> break
	od;
	if
	:: len(link[me]) < DEPTH && HAS_MARKS(me) -> mark(me)
	:: else
	fi
}

inline raise(me, o, to)
{
	i = 0;
	do
	:: i < HOSTS -> assert(to <= h[i].have[o]); i++
	:: else -> break
	od;
	if
	:: to > h[me].stable[o] -> h[me].stable[o] = to
	:: else
	fi
}

inline hear(me, from)
{
	if
	:: link[from]?data(a, _, _, _) ->
		assert(NUMBER(a) == h[me].have[ORIGIN(a)]);
		arrive(me, a)
	:: link[from]?order(a, b, _, _) ->
		assert(a == h[me].known);
		assert(h[me].placed[b] < h[me].have[b]);
		place(me, b)
	:: link[from]?marks(a, b, c, d) ->
		assert(a <= h[me].known);
		if
		:: a > h[me].ordered -> h[me].ordered = a
		:: else
		fi;
		raise(me, 0, b);
		raise(me, 1, c);
#if HOSTS > 2
		raise(me, 2, d)
#endif
	fi
}

#ifdef SAFE
#define IS_SAFE(me)	(h[me].given < h[me].ordered || FAULT == 3)
#else
#define IS_SAFE(me)	true
#endif
#define MAY_DELIVER(me)	(h[me].given < h[me].known && IS_SAFE(me))

inline deliver(me)
{
	/* the sequencer's line is the order of all */
	assert(h[0].known > h[me].given);
	assert(h[0].line[h[me].given] == h[me].line[h[me].given]);
#ifdef SAFE
	/* the promise itself */
	a = h[me].line[h[me].given];
	i = 0;
	do
	:: i < HOSTS ->
		assert(h[i].known > h[me].given && h[i].have[ORIGIN(a)] > NUMBER(a));
		i++
	:: else -> break
	od;
#endif
	h[me].given++
}

/* Whatever a host has just done, what may be delivered is. */
inline deliver_all(me)
{
	do
	:: MAY_DELIVER(me) -> deliver(me)
	:: else -> break
	od
}

/* The first record that the next host lacks: all before it are of its own or held there */
inline cut(me)
{
	do
	:: len(link[me]) > 0 -> link[me]?_, _, _, _, _
	:: else -> break
	od;
	h[me].marked = 0;
	if
	:: FAULT != 2 && NEXT(me) != 0 -> h[me].told = h[NEXT(me)].known
	:: else
	fi;
	i = h[me].sent;
	do
	:: i == 0 -> break
	:: else ->
		a = h[me].log[i - 1];
		if
		:: ORIGIN(a) != NEXT(me) && NUMBER(a) < h[NEXT(me)].have[ORIGIN(a)] -> break
		:: else -> i--
		fi
	od;
	h[me].sent = (FAULT == 5 -> h[me].sent : i);
	cuts--
}

/* Scratch is no part of a state. */
#define STEP(what)	what; deliver_all(me); i = 0; a = 0; b = 0; c = 0; d = 0

proctype member(byte me; byte pred)
{
end:	do
	:: atomic { h[me].have[me] < SENDS -> a = MESSAGE(me, h[me].have[me]); STEP(arrive(me, a)) }
	:: atomic { nfull(link[me]) && HAS_NEWS(me) -> STEP(pass(me)) }
	:: atomic { nempty(link[pred]) -> STEP(hear(me, pred)) }
	:: atomic { cuts > 0 -> STEP(cut(me)) }
	od
}

init {
	atomic {
		i = 0;
		do
		:: i < HOSTS -> run member(i, (i + HOSTS - 1) % HOSTS); i++
		:: else -> break
		od;
		i = 0
	}
	/* nothing can be done any more */
	timeout;
	do
	:: i < HOSTS -> assert(h[i].given == ALL); i++
	:: else -> break
	od
}
