// SPDX-License-Identifier: GPL-2.0-only
/*
 * The books of a storm. A sender's messages are numbered from 0; a reader expects
 * of each the next, from 0 if the sender came after it. What it skips is lost,
 * unless it comes later: then it was out of order. What it has had is doubled.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "storm.h"

#define SAY_MOST	20	/* sentences of each kind */
#define PLANT_AT	20	/* message of membership 0, a survivor's */

static const char * const fault_names[STORM_FAULTS] = {
	"lost", "doubled", "reordered", "damaged", "ghost", "term", "broken",
};

void storm_fault(enum storm_fault kind, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int n;

	if (add(&board->fault[kind], 1) >= SAY_MOST)
		return;
	n = snprintf(line, sizeof(line), "# %s: ", fault_names[kind]);
	va_start(args, fmt);
	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, args);
	va_end(args);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	/* one call, so that lines of many processes do not mix */
	if (write(STDOUT_FILENO, line, n) < 0)
		return;
}

bool storm_faulty(void)
{
	int i;

	for (i = 0; i < STORM_FAULTS; i++)
		if (load(&board->fault[i]))
			return true;
	return false;
}

/*
 * Messages
 */

static bool fill_hole(struct storm_book *b, __u32 sender, __u32 seq)
{
	__u32 i;

	for (i = 0; i < b->holes; i++) {
		if (b->hole[i].sender != sender || b->hole[i].seq != seq)
			continue;
		b->hole[i] = b->hole[--b->holes];
		return true;
	}
	return false;
}

static void dig_holes(struct storm_book *b, __u32 sender, __u32 from, __u32 to)
{
	storm_fault(STORM_LOST, "sender %u: %u to %u did not come before %u", sender, from,
		    to - 1, to);
	add(&board->fault[STORM_LOST], to - from - 1);
	for (; from < to && b->holes < STORM_HOLES; from++) {
		b->hole[b->holes].sender = sender;
		b->hole[b->holes++].seq = from;
	}
}

static void enter(struct storm_book *b, __u32 sender, __u32 seq)
{
	__u32 seen = b->next[sender];
	/* of one who was there before us, anything can be the first */
	__u32 want = seen ? seen - 1 : sender < b->from ? seq : 0;

	if (seq < want) {
		if (fill_hole(b, sender, seq)) {
			add(&board->fault[STORM_LOST], -1ULL);
			storm_fault(STORM_REORDERED, "sender %u: %u after %u", sender, seq,
				    want - 1);
		} else {
			storm_fault(STORM_DOUBLED, "sender %u: %u came again", sender, seq);
		}
		return;
	}
	if (seq > want)
		dig_holes(b, sender, want, seq);
	b->next[sender] = seq + 2;
}

static void check(struct storm_book *b, const void *msg, size_t len)
{
	struct flood_head h;

	if (!flood_open(msg, len, &h)) {
		storm_fault(STORM_DAMAGED, "a message of %zu bytes: sum, length or magic is wrong",
			    len);
		return;
	}
	if (h.sender >= load(&board->drawn) || h.seq >= load(&board->sender[h.sender].begun) ||
	    h.sender == b->mute) {
		storm_fault(STORM_GHOST, "sender %u number %u: nobody sent it", h.sender, h.seq);
		return;
	}
	enter(b, h.sender, h.seq);
}

/* True if @msg is not to be taken as it is */
static bool planted(struct storm_book *b, const void *msg, size_t len)
{
	struct flood_head h;
	bool doubled;

	memcpy(&h, msg, sizeof(h));
	if (h.sender || h.seq < PLANT_AT)
		return false;
	if (b->plant == STORM_PLANT(STORM_REORDERED) && !b->kept) {
		b->kept_len = len;
		b->kept = malloc(len);
		memcpy(b->kept, msg, len);
		return true;
	}
	if (b->plant == STORM_PLANT(STORM_DAMAGED)) {
		b->kept = malloc(len);
		memcpy(b->kept, msg, len);
		((char *)b->kept)[len / 2] ^= 0x10;
		check(b, b->kept, len);
	}
	if (b->plant == STORM_PLANT(STORM_REORDERED)) {
		check(b, msg, len);
		check(b, b->kept, b->kept_len);
	}
	/* the caller takes it for a second time */
	doubled = b->plant == STORM_PLANT(STORM_DOUBLED);
	if (doubled)
		check(b, msg, len);
	b->plant = 0;
	return !doubled;
}

void storm_take(struct storm_book *b, const void *msg, size_t len)
{
	if (b->plant && len >= sizeof(struct flood_head) && planted(b, msg, len))
		return;
	check(b, msg, len);
}

__u32 storm_received(int slot, __u32 sender)
{
	__u32 next = load(&board->next[slot][sender]);

	return next ? next - 1 : 0;
}

/*
 * Terms
 */

/* The first who says who it was is believed; 0: nobody contradicts */
static __u32 claim(__u32 *place, __u32 who)
{
	__u32 was = 0;

	if (__atomic_compare_exchange_n(place, &was, who, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE) || was == who)
		return 0;
	return was;
}

void storm_told(__u32 host, __u64 term, __u32 id)
{
	__u32 was;

	if (term >= board->terms) {
		storm_fault(STORM_BROKEN, "host %u: term %llu is more than there can be", host + 1,
			    (unsigned long long)term);
		return;
	}
	was = claim(&board->told[host][term], id + 1);
	if (was)
		storm_fault(STORM_TERM, "host %u term %llu: member %u is proxy, and so is %u",
			    host + 1, (unsigned long long)term, was - 1, id);
}

void storm_held(__u32 host, __u64 term, __u32 id, __u32 membership)
{
	__u32 was;

	storm_told(host, term, id);
	if (term >= board->terms)
		return;
	was = claim(&board->held[host][term], membership + 1);
	if (was)
		storm_fault(STORM_TERM, "host %u term %llu: two in office, memberships %u and %u",
			    host + 1, (unsigned long long)term, was - 1, membership);
}
