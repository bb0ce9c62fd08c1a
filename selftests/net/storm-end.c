// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a storm: what survivors have received, beside what the dead and the
 * living had begun and accepted.
 */
#include <stdio.h>
#include <unistd.h>

#include "storm.h"

#define QUIET_MS	500	/* for what must not come */

/* Messages of @sender that all survivors are to get: accepted, or one of them has got it */
static __u32 due(__u32 sender)
{
	__u32 want = load(&board->sender[sender].accepted), got;
	int i;

	for (i = 0; i < STORM_HOSTS * STORM_SURVIVORS; i++) {
		got = storm_received(i, sender);
		want = got > want ? got : want;
	}
	return want;
}

static __u64 all_missing(void)
{
	__u32 all = load(&board->drawn), sender, want, got;
	__u64 sum = 0;
	int i;

	for (sender = 0; sender < all; sender++) {
		want = due(sender);
		for (i = 0; i < STORM_HOSTS * STORM_SURVIVORS; i++) {
			got = storm_received(i, sender);
			sum += got < want ? want - got : 0;
		}
	}
	return sum;
}

void storm_settle(void)
{
	__u64 end = storm_ms() + board->patience * 1000ULL, left = all_missing(), now;

	while (left && storm_ms() < end) {
		usleep(50000);
		now = all_missing();
		if (now != left)
			end = storm_ms() + board->patience * 1000ULL;
		left = now;
	}
	usleep(QUIET_MS * 1000);
}

/* What all survivors know of one membership */
static void compare(__u32 sender)
{
	__u32 begun = board->sender[sender].begun, accepted = board->sender[sender].accepted;
	__u32 first = storm_received(0, sender);
	int i;

	for (i = 0; i < STORM_HOSTS * STORM_SURVIVORS; i++) {
		__u32 got = storm_received(i, sender);

		if (got < accepted)
			storm_fault(STORM_LOST, "sender %u: %u accepted, %u arrived at survivor %d",
				    sender, accepted, got, i);
		else if (got > begun)
			storm_fault(STORM_GHOST, "sender %u: %u begun, %u arrived at survivor %d",
				    sender, begun, got, i);
		else if (got != first)
			storm_fault(STORM_LOST, "sender %u: %u arrived at survivor 0, %u at %d",
				    sender, first, got, i);
	}
}

static __u32 known(const __u32 *of, __u64 terms)
{
	__u32 n = 0, i;

	for (i = 0; i <= terms && i < board->terms; i++)
		n += !!of[i];
	return n;
}

/* Who has left counts until the ring's thread has seen to what it left behind */
static int await_members(int host, struct storm_ring *ring)
{
	__u64 end = storm_ms() + board->patience * 1000ULL;
	int err;

	do {
		err = storm_office_get(host, ring);
	} while (!err && ring->members != STORM_SURVIVORS && storm_ms() < end && !usleep(10000));
	return err;
}

/* Terms that the stream did not tell: no more than events were lost */
static void compare_terms(int host)
{
	struct storm_ring ring = {};
	int i;

	if (await_members(host, &ring))
		storm_fault(STORM_BROKEN, "ring get on host %d", host + 1);
	if (ring.members != STORM_SURVIVORS)
		storm_fault(STORM_BROKEN, "host %d has %u members", host + 1, ring.members);
	for (i = host; i < STORM_HOSTS * STORM_SURVIVORS; i += STORM_HOSTS)
		if (board->slot[i].gaps > ring.events_lost)
			storm_fault(STORM_TERM, "host %d: %u terms were not told, %llu events lost",
				    host + 1, board->slot[i].gaps,
				    (unsigned long long)ring.events_lost);
	printf("# host %d: %llu terms, who is proxy known of %u and told by itself of %u, ",
	       host + 1, (unsigned long long)ring.term, known(board->told[host], ring.term),
	       known(board->held[host], ring.term));
	printf("%llu events lost, longest silence %u ms\n", (unsigned long long)ring.events_lost,
	       board->slot[host + STORM_HOSTS].patient);
}

void storm_compare(void)
{
	__u32 i;

	if (board->plant == STORM_PLANT_TAIL) {
		board->sender[0].begun++;
		board->sender[0].accepted++;
	}
	for (i = 0; i < board->drawn; i++)
		compare(i);
	for (i = 0; i < STORM_HOSTS; i++)
		compare_terms(i);
}

static __u64 rate(__u64 n, __u64 ms)
{
	return ms ? n * 1000 / ms : 0;
}

void storm_show_messages(__u64 ms)
{
	__u64 accepted = 0, delivered = 0;
	__u32 i;

	for (i = 0; i < board->drawn; i++)
		accepted += board->sender[i].accepted;
	for (i = 0; i < STORM_SLOTS; i++)
		delivered += board->slot[i].received;
	printf("# %llu messages accepted, %llu a second; %llu delivered, %llu a second\n",
	       (unsigned long long)accepted, (unsigned long long)rate(accepted, ms),
	       (unsigned long long)delivered, (unsigned long long)rate(delivered, ms));
	if (board->away)
		printf("# neighbours were away %llu times\n", (unsigned long long)board->away);
}
