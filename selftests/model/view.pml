/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From one view to the next: what hosts and coordinators do, without windows, sizes and
 * connections. In the old view all hosts stand in a ring, host 0 is the sequencer, and each
 * sends SENDS messages at any time; see order.pml. There are ATTEMPTS coordinators, each
 * with a higher number than the one before, all at work at once and as slow as can be:
 *
 *	prepare	a host that has promised less promises this attempt, stands still from
 *		now on, and reports what it holds and which record it keeps
 *	fill	the record: survivors, joiners, the cut, how much of the order is known. The
 *		survivors hand on what the next one lacks; a host that lacks nothing is
 *		complete, and keeps the record
 *	install	when all who are listed are complete: a host delivers what is ordered, then
 *		the rest of the cut by origin and number, and is in the new view
 *
 * A record that some host has installed may be issued again by any later attempt, to those
 * that it lists and who still keep it. The survivors of a new record are among those of the
 * latest record that one of its hosts keeps: somebody may have installed that one, and
 * delivered by it.
 *
 * A link hands over one record or position at a time, as long as its sender is at work;
 * what the receiver has not taken yet is under way. A host or coordinator that dies is one
 * that takes no more steps, so everything may die anywhere. Answers get lost. Checked at
 * every step, for every interleaving:
 *
 *  - hosts that go on by the same record have delivered the same, in the same order (I4,
 *    I5), each origin's messages in their sequence, and all that its survivors have sent;
 *  - whoever has installed a record is not listed in any later one that is installed
 *    anywhere, so no two rings count on the same host;
 *  - with SAFE, where a record has to list more than half of the hosts: what anybody has
 *    delivered, at work or by whatever record, the sequence of all who go on begins with;
 *  - with DEATHS, in every state: one more coordinator, which reaches all hosts but so many,
 *    gets a record installed by all of them that are listed; the latest one, if one of them
 *    has installed that already.
 *
 * FAULT plants one: 1 installed before all are complete, 2 data is taken in after the
 * report, 3 delivered before the install, 4 the sequencer orders what a fill brings, 5 the
 * rest of the cut is delivered with one's own first, 6 a lower attempt is not refused, 7 the
 * cut is what all hold, 8 the last coordinator overlooks what is installed, 9 a record is
 * issued again to who keeps a later one, 10 survivors that the latest kept record has not,
 * 11 a fill goes on after a higher promise, 12 a host promises the same number twice, 13
 * with SAFE, any number of hosts may go on.
 */
#ifndef HOSTS
#define HOSTS	3
#endif
#ifndef SENDS
#define SENDS	1
#endif
#ifndef SENDERS
#define SENDERS	(BIT(HOSTS) - 1)	/* hosts, a bit each */
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2
#endif
#ifndef FAULT
#define FAULT	0
#endif
#ifdef SAFE
#define IS_SAFE	true
#define QUORUM	(FAULT == 13 -> 1 : HOSTS / 2 + 1)
#else
#define IS_SAFE	false
#define QUORUM	1
#endif
#ifdef JOIN
#define JOINS	true
#else
#define JOINS	false
#endif
#ifdef SAME
#define NO(a)	((a) == 2 -> 1 : (a))	/* two coordinators chose the same number */
#else
#define NO(a)	(a)
#endif
#define ALL	(HOSTS * SENDS)		/* messages */
#define LAST	(ATTEMPTS + 1)		/* attempt */
#define NEVER	255			/* no attempt is higher */
#define BIT(h)	(1 << (h))
#define BITS(s)	(((s) & 1) + ((s) >> 1 & 1) + ((s) >> 2 & 1) + ((s) >> 3 & 1))
#define PRED(h)	((h + HOSTS - 1) % HOSTS)

/* A message is its origin and its number there, from 0 */
#define MESSAGE(origin, no)	((origin) * SENDS + (no))
#define ORIGIN(m)		((m) / SENDS)
#define NUMBER(m)		((m) % SENDS)

typedef host {
	byte have[HOSTS];	/* messages of each origin */
	byte line[ALL + 1];	/* messages, in the order of all; once installed, as delivered */
	byte known;
	byte given;		/* delivered, of the line */
	byte ordered;		/* every host knows so many */
	byte promised;		/* attempt; 0: it is at work in the old view */
	byte filling;		/* record, under this attempt */
	byte from;		/* the survivor before it */
	byte kept;		/* record, the latest it was complete for */
	byte installed;		/* record */
};

/* The record that an attempt makes, or as much as its coordinator knows of it by now */
typedef record {
	byte survivors;
	byte joiners;		/* have given up the old view */
	byte base;		/* record, the latest that a listed host keeps */
	byte cut[HOSTS];
	byte known;
	bool made;
	byte complete;
	byte done;		/* have installed it */
};

host h[HOSTS];
record r[LAST + 1];		/* by attempt, from 1 */

/* Scratch is no part of a state. */
hidden byte i;
hidden byte j;
hidden byte k;
hidden byte m;
hidden byte o;
hidden byte x;
hidden byte best;
hidden byte goal;

#define AT_WORK(me)	(h[me].promised == 0)
#define LISTED(a)	(r[a].survivors | r[a].joiners)
#define IS_IN(me, set)	(((set) & BIT(me)) != 0)
#define WENT_ON(me)	IS_IN(me, r[h[me].installed].survivors)	/* record 0 has none */

inline begins(less, more)
{
	assert(h[less].given <= h[more].given);
	for (k : 1 .. h[less].given) {
		assert(h[less].line[k - 1] == h[more].line[k - 1])
	}
}

/* Whatever a host has just done, what may be delivered is. */
inline deliver(me)
{
	if
	:: AT_WORK(me) ->
		h[me].given = (IS_SAFE && h[me].ordered < h[me].known -> h[me].ordered :
									 h[me].known);
		for (j : 0 .. HOSTS - 1) {
			if
			:: IS_SAFE && WENT_ON(j) -> begins(me, j)
			:: else
			fi
		}
	:: else
	fi
}

inline place(me, message)
{
	h[me].line[h[me].known] = message;
	h[me].known++
}

inline arrive(me, origin)
{
	if
	:: me == 0 && (AT_WORK(me) || FAULT == 4) -> place(me, MESSAGE(origin, h[me].have[origin]))
	:: else
	fi;
	h[me].have[origin]++
}

/* What has no position comes by origin, then by number. */
inline deliver_rest(me)
{
	for (i : 0 .. HOSTS - 1) {
		o = (FAULT == 5 -> (i + me) % HOSTS : i);
		m = MESSAGE(o, 0);
		do
		:: m < MESSAGE(o, h[me].have[o]) ->
			j = 0;
			do
			:: j < h[me].known && h[me].line[j] != m -> j++
			:: else -> break
			od;
			if
			:: j == h[me].known -> place(me, m)
			:: else
			fi;
			m++
		:: else -> break
		od
	}
	h[me].given = h[me].known
}

inline promise(me, a)
{
	h[me].promised = NO(a);
	if
	:: FAULT != 11 -> h[me].filling = 0; h[me].from = 0
	:: else
	fi
}

inline report_kept(me, a)
{
	r[a].base = (FAULT != 10 && NO(h[me].kept) > NO(r[a].base) -> h[me].kept : r[a].base)
}

inline report(me, a)
{
	report_kept(me, a);
	for (i : 0 .. HOSTS - 1) {
		if
		:: (FAULT == 7 && r[a].survivors -> h[me].have[i] < r[a].cut[i] :
						    h[me].have[i] > r[a].cut[i]) ->
			r[a].cut[i] = h[me].have[i]
		:: else
		fi
	}
	r[a].known = (h[me].known > r[a].known -> h[me].known : r[a].known);
	r[a].survivors = r[a].survivors | BIT(me)
}

/* After a report, a fill, and each thing that it brings: is that all? */
inline settle(me)
{
	i = 0;
	do
	:: i < HOSTS && h[me].have[i] >= r[h[me].filling].cut[i] -> i++
	:: else -> break
	od;
	if
	:: IS_IN(me, r[h[me].filling].joiners) ||
	   (i == HOSTS && h[me].known >= r[h[me].filling].known) ->
		h[me].kept = h[me].filling;
		r[h[me].kept].complete = r[h[me].kept].complete | BIT(me);
		if
		:: FAULT == 3 && IS_IN(me, r[h[me].kept].survivors) -> deliver_rest(me)
		:: else
		fi
	:: else
	fi
}

inline fill(me, a)
{
	h[me].filling = a;
	h[me].from = PRED(me);
	do
	:: h[me].from != me && !IS_IN(h[me].from, r[a].survivors) -> h[me].from = PRED(h[me].from)
	:: else -> break
	od;
	settle(me)
}

inline install(me, a)
{
	h[me].installed = a;
	r[a].done = r[a].done | BIT(me);
	if
	:: WENT_ON(me) -> deliver_rest(me)
	:: else
	fi;
	for (i : 0 .. HOSTS - 1) {
		assert(!h[i].installed || NO(h[i].installed) >= NO(a) || !IS_IN(i, LISTED(a)));
		assert(NO(h[i].installed) <= NO(a) || !IS_IN(me, LISTED(h[i].installed)));
		if
		:: WENT_ON(me) && IS_IN(i, r[a].survivors) ->
			assert(h[me].have[i] == h[i].have[i])
		:: else
		fi;
		if
		:: WENT_ON(me) && WENT_ON(i) && (h[i].installed == a || IS_SAFE) ->
			begins(me, i);
			begins(i, me)
		:: WENT_ON(me) && !WENT_ON(i) && IS_SAFE -> begins(i, me)
		:: else
		fi
	}
	/* each origin's messages in their sequence */
	for (i : 2 .. h[me].given) {
		for (j : 1 .. i - 1) {
			assert(ORIGIN(h[me].line[i - 1]) != ORIGIN(h[me].line[j - 1]) ||
			       h[me].line[i - 1] > h[me].line[j - 1])
		}
	}
}

#define STEP(what)	d_step { what; skip }

#define MAY_TAKE(me, from, o) (h[me].have[o] < h[from].have[o])
#define HOLDS(me, m)	(NUMBER(m) < h[me].have[ORIGIN(m)])
#define NEXT_PLACE(me, from) h[from].line[h[me].known]
#define MAY_PLACE(me, from) (h[me].known < h[from].known && HOLDS(me, NEXT_PLACE(me, from)))

#define MAY_SEND(me)	(AT_WORK(me) && IS_IN(me, SENDERS) && h[me].have[me] < SENDS)
#define LINKED(me)	(AT_WORK(me) && AT_WORK(PRED(me)))
#define STILL_TAKES(me)	(FAULT == 2 && !h[me].installed && AT_WORK(PRED(me)))
#define FILLS(me)	(h[me].filling && !h[me].installed && !h[h[me].from].installed && \
			 h[h[me].from].filling == h[me].filling)

/* How much of the order everybody knows: the sequencer hears it from the one before it. */
#define HEARS(me)	(me == 0 -> h[PRED(me)].known : h[PRED(me)].ordered)

proctype member(byte me)
{
end:	do
	:: STEP(MAY_SEND(me) -> x = me; arrive(me, x); deliver(me))
	:: STEP(LINKED(me) && me != 0 && MAY_PLACE(me, PRED(me)) ->
		place(me, NEXT_PLACE(me, PRED(me))); deliver(me))
	:: STEP(FILLS(me) && MAY_PLACE(me, h[me].from) ->
		place(me, NEXT_PLACE(me, h[me].from)); settle(me))
	:: STEP(IS_SAFE && LINKED(me) && HEARS(me) > h[me].ordered ->
		h[me].ordered = HEARS(me); deliver(me))
	od
}

/* What a host takes of one origin, but itself */
proctype stream(byte me; byte origin)
{
end:	do
	:: STEP((LINKED(me) || STILL_TAKES(me)) && MAY_TAKE(me, PRED(me), origin) ->
		arrive(me, origin); deliver(me))
	:: STEP(FILLS(me) && MAY_TAKE(me, h[me].from, origin) -> arrive(me, origin); settle(me))
	od
}

#define PROMISES(me, a)	(!h[me].installed && \
			 (NO(a) > h[me].promised || FAULT == 6 || \
			  (FAULT == 12 && NO(a) == h[me].promised)))
#define HEEDS(me, a)	(!h[me].installed && IS_IN(me, LISTED(a)) && r[a].made && \
			 (NO(a) == h[me].promised || FAULT == 6))
#define MAY_INSTALL(me, a) (HEEDS(me, a) && (h[me].filling == a || FAULT == 6) && \
			    IS_IN(me, r[a].complete) && (r[a].complete == LISTED(a) || FAULT == 1))
/* The attempt that a host has promised may issue again what it finds installed anywhere. */
#define MAY_REPEAT(me, a) (!h[me].installed && r[a].done && IS_IN(me, LISTED(a)) && \
			   NO(a) < h[me].promised && \
			   h[me].filling == 0 && (h[me].kept == a || FAULT == 9))

/* Between the coordinator of an attempt and a host */
proctype request(byte a; byte to)
{
end:	do
	:: STEP(PROMISES(to, a) && !r[a].made -> promise(to, a); report(to, a))
	:: STEP(JOINS && PROMISES(to, a) && !r[a].made ->
		promise(to, a); report_kept(to, a); r[a].joiners = r[a].joiners | BIT(to))
	/* the answer is lost, or too late */
	:: STEP(PROMISES(to, a) -> promise(to, a))
	:: STEP(HEEDS(to, a) && h[to].filling != a -> fill(to, a))
	:: STEP(MAY_INSTALL(to, a) || MAY_REPEAT(to, a) -> install(to, a))
	od
}

#define GOES_ON(set, base) (base == 0 || (set & ~r[base].survivors) == 0)
#define MAY_MAKE(a)	(r[a].survivors && GOES_ON(r[a].survivors, r[a].base) && \
			 BITS(LISTED(a)) >= QUORUM)

proctype coordinator(byte a)
{
end:	do
	:: STEP(MAY_MAKE(a) && !r[a].made -> r[a].made = true; r[a].base = 0)
	od
}

/* The latest record that they keep; and the one that all listed in it should end in */
inline look(alive)
{
	best = 0;
	for (i : 0 .. HOSTS - 1) {
		best = (IS_IN(i, alive) && h[i].kept > best -> h[i].kept : best)
	}
	goal = 0;
	for (i : 1 .. ATTEMPTS) {
		goal = (r[i].made -> i : goal)
	}
	goal = (r[goal].done & alive -> goal : 0)
}

inline prepare_all(alive)
{
	for (x : 0 .. HOSTS - 1) {
		if
		:: IS_IN(x, alive) && !h[x].installed ->
			promise(x, LAST);
			if
			:: best == 0 || IS_IN(x, r[best].survivors) -> report(x, LAST)
			:: else
			fi
		:: else
		fi
	}
	for (x : 0 .. HOSTS - 1) {
		if
		:: h[x].promised == LAST && !IS_IN(x, r[LAST].survivors) ->
			report_kept(x, LAST);
			r[LAST].joiners = r[LAST].joiners | BIT(x)
		:: else
		fi
	}
}

inline fill_all()
{
	for (x : 0 .. HOSTS - 1) {
		if
		:: IS_IN(x, LISTED(LAST)) -> fill(x, LAST)
		:: else
		fi
	}
	/* what a host lacks has reached it after less than two rounds */
	for (best : 0 .. 2 * HOSTS - 1) {
		x = best % HOSTS;
		if
		:: IS_IN(x, r[LAST].survivors) ->
			for (j : 0 .. HOSTS - 1) {
				do
				:: MAY_TAKE(x, h[x].from, j) -> arrive(x, j)
				:: else -> break
				od
			}
			do
			:: MAY_PLACE(x, h[x].from) -> place(x, NEXT_PLACE(x, h[x].from))
			:: else -> break
			od;
			settle(x)
		:: else
		fi
	}
	best = LAST
}

inline install_all(alive)
{
	for (x : 0 .. HOSTS - 1) {
		if
		:: IS_IN(x, LISTED(best) & alive) && !h[x].installed ->
			assert(h[x].kept == best);
			install(x, best)
		:: else
		fi
	}
}

/* However it came to this, it ends in one state. */
inline forget()
{
	for (i : 0 .. HOSTS - 1) {
		for (j : 0 .. HOSTS - 1) {
			h[i].have[j] = 0
		}
		for (j : 0 .. ALL) {
			h[i].line[j] = 0
		}
		h[i].known = 0;
		h[i].given = 0;
		h[i].ordered = 0;
		h[i].promised = NEVER;
		h[i].filling = 0;
		h[i].from = 0;
		h[i].kept = 0;
		h[i].installed = 0
	}
	for (i : 0 .. LAST) {
		for (j : 0 .. HOSTS - 1) {
			r[i].cut[j] = 0
		}
		r[i].survivors = 0;
		r[i].joiners = 0;
		r[i].base = 0;
		r[i].known = 0;
		r[i].made = false;
		r[i].complete = 0;
		r[i].done = 0
	}
}

/* All are listed who have not installed anything yet: too few, or they gave up the old view. */
#define CANNOT	(BITS(LISTED(LAST)) < QUORUM || (JOINS -> r[LAST].survivors : LISTED(LAST)) == 0)

#ifdef DEATHS
/* Nobody else does anything any more. */
proctype last(byte alive)
{
end:	d_step {
		h[0].promised != NEVER ->
		look(alive);
		if
		:: (r[best].done & alive) && FAULT != 8	/* once more */
		:: else ->
			prepare_all(alive);
			if
			:: MAY_MAKE(LAST) -> fill_all()
			:: else -> assert(CANNOT); best = 0
			fi
		fi;
		install_all(alive);
		assert(goal == 0 || (LISTED(goal) & alive & ~r[goal].done) == 0);
		forget()
	}
}
#endif

init {
	byte n;
	byte s;
	atomic {
		for (n : 0 .. HOSTS - 1) {
			run member(n);
			for (s : 0 .. HOSTS - 1) {
				if
				:: s != n && SENDS -> run stream(n, s)
				:: else
				fi
			}
			for (s : 1 .. ATTEMPTS) {
				run request(s, n)
			}
		}
		for (s : 1 .. ATTEMPTS) {
			run coordinator(s)
		}
#ifdef DEATHS
		for (s : 1 .. BIT(HOSTS) - 1) {
			if
			:: BITS(s) >= HOSTS - DEATHS -> run last(s)
			:: else
			fi
		}
#endif
		n = 0;
		s = 0
	}
}
