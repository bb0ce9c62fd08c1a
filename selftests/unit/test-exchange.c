// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of requests, case by case: what the simulator comes to by chance, or not at all, since
 * no member and no host there is malicious. Of calls; of hosts: test-exchange-hosts.c.
 */
#include "exchange-rig.h"

/* From whom a reply is taken, and when */
static void who_replies(void)
{
	struct dmring_call *c;
	u64 no;

	fresh();
	no = gone_far(0, 0)->no;
	replies(FAR + 1, no, 0, 0);
	replies(FAR, no + 1, 0, 0);
	CHECK(x.stale == 2 && !ring.replies);
	replies(FAR, no, 0, 0);
	replies(FAR, no, 0, 0);
	CHECK(x.stale == 3 && ring.replies == 1 && x.replied == 1);
	/* what it has asked for is not its to answer */
	arrives(DMRING_PARCEL_REQUEST, FAR, 77, 0, 0, 0);
	c = dmring_calls_first(&x.calls, &SERVER->calls[DMRING_CALL_SERVER]);
	CHECK(c && c->peer_no == 77 && c->node == FAR);
	replies(FAR, c->no, 0, 0);
	CHECK(x.stale == 4 && ring.replies == 1);
	CHECK(!dmring_exchange_held(&x, c->no, OTHER) && x.stale == 5);
	CHECK(dmring_exchange_held(&x, c->no, SERVER) == c);
	dmring_exchange_told(&x, c, 0);
	check_empty();
}

static void whole_or_not(void)
{
	u64 no;

	fresh();
	no = gone_far(0, 0)->no;
	replies(FAR, no, DMRING_REPLY_MORE, 0);
	CHECK(ring.replies == 1 && x.calls.used == 1 && !x.replied);
	ring.reply = -EMSGSIZE;
	replies(FAR, no, 0, 0);
	CHECK(ring.error == EMSGSIZE && ring.end == (DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN));
	no = gone_far(0, 0)->no;
	ring.reply = -ENOBUFS;
	replies(FAR, no, 0, 0);
	CHECK(ring.error == ENOBUFS && x.failed == 2 && x.begun == 2);
	/* on this host it may be said again in fewer words */
	CHECK(dmring_exchange_replied(&x, held(0), 0, -EMSGSIZE) == -EMSGSIZE);
	CHECK(x.calls.used == 1);
	dmring_exchange_left(&x, SERVER);
	dmring_exchange_drained(&x, SERVER);
	CHECK(ring.error == EOWNERDEAD && ring.told == 3);
	check_empty();
}

static void server_dies(u32 flags, bool part)
{
	struct dmring_call *c = held(flags);

	if (part)
		CHECK(!dmring_exchange_replied(&x, c, DMRING_REPLY_MORE, 0));
	dmring_exchange_left(&x, SERVER);
	CHECK(SERVER->calls[DMRING_CALL_SERVER].count == 1 && !ring.told);
	/* another one is through before it */
	dmring_exchange_drained(&x, OTHER);
	CHECK(SERVER->calls[DMRING_CALL_SERVER].count == 1 && !ring.told);
	dmring_exchange_drained(&x, SERVER);
	CHECK(!SERVER->calls[DMRING_CALL_SERVER].count);
}

/* It goes to another one only if that may be, and nobody has seen a part of a reply. */
static void other_hands(void)
{
	struct dmring_call *c;

	fresh();
	ring.moves = true;
	server_dies(DMRING_REQUEST_IDEMPOTENT, false);
	c = dmring_calls_first(&x.calls, &OTHER->calls[DMRING_CALL_SERVER]);
	CHECK(c && c->server == OTHER && !ring.told);
	dmring_exchange_end(&x, c, 0, 0);
	check_empty();
	fresh();
	ring.moves = true;
	server_dies(DMRING_REQUEST_IDEMPOTENT, true);
	CHECK(ring.error == EOWNERDEAD);
	fresh();
	ring.moves = true;
	server_dies(0, false);
	CHECK(ring.error == EOWNERDEAD);
	check_empty();
}

/* What the first one had promised is not the second one's promise */
static void promised_by_another(void)
{
	struct dmring_call *c;

	fresh();
	c = held(DMRING_REQUEST_IDEMPOTENT);
	ring.moves = true;
	dmring_exchange_left(&x, SERVER);
	dmring_exchange_answered(&x, c->no, SERVER);
	dmring_exchange_drained(&x, SERVER);
	CHECK(c->server == OTHER);
	/* with a part of a reply it can no longer move on */
	CHECK(!dmring_exchange_replied(&x, c, DMRING_REPLY_MORE, 0));
	dmring_exchange_left(&x, OTHER);
	dmring_exchange_unanswered(&x, OTHER);
	CHECK(ring.told == 1 && ring.error == EOWNERDEAD);
	check_empty();
}

/* The ring ends, and its members are gone before their calls: these refer to them no more. */
static void server_is_dropped(void)
{
	struct dmring_call *a, *b;

	fresh();
	a = held(DMRING_REQUEST_IDEMPOTENT);
	b = held(0);
	dmring_exchange_left(&x, SERVER);
	dmring_exchange_dropped(&x, SERVER);
	CHECK(!a->server && !b->server && !SERVER->calls[DMRING_CALL_SERVER].count);
	CHECK(x.calls.used == 2 && !ring.told);
	memset(SERVER, 0xaa, sizeof(*SERVER));
	dmring_exchange_end(&x, a, EHOSTDOWN, DMRING_REPLY_RING);
	dmring_exchange_end(&x, b, EHOSTDOWN, DMRING_REPLY_RING);
	memset(SERVER, 0, sizeof(*SERVER));
	check_empty();
}

/* What a server had replied to ends with that reply, the rest at once */
static void server_has_replied(void)
{
	struct dmring_call *a, *b;
	struct dmring_parcel p;

	fresh();
	a = held(0);
	b = held(0);
	request_of(FAR, 77);
	dmring_exchange_left(&x, SERVER);
	CHECK(SERVER->calls[DMRING_CALL_SERVER].count == 3 && !ring.told);
	dmring_exchange_answered(&x, a->no, SERVER);
	/* of another's call that is nothing but a claim */
	dmring_exchange_answered(&x, b->no, OTHER);
	dmring_exchange_answered(&x, 12345, SERVER);
	dmring_exchange_unanswered(&x, SERVER);
	CHECK(ring.told == 1 && x.failed == 1 && x.calls.used == 2);
	CHECK(dmring_exchange_due(&x, &p) && p.no == 77 && p.error == EOWNERDEAD);
	CHECK(dmring_exchange_held(&x, a->no, SERVER) == a);
	CHECK(!dmring_exchange_replied(&x, a, 0, 0) && x.replied == 1 && ring.told == 1);
	dmring_exchange_drained(&x, SERVER);
	CHECK(ring.told == 1 && !SERVER->calls[DMRING_CALL_SERVER].count && x.calls.used == 1);
}

/* A reply that turns out to be none */
static void server_promises(void)
{
	struct dmring_call *c;

	fresh();
	c = held(0);
	dmring_exchange_left(&x, SERVER);
	dmring_exchange_answered(&x, c->no, SERVER);
	dmring_exchange_unanswered(&x, SERVER);
	CHECK(!ring.told && x.calls.used == 1);
	dmring_exchange_drained(&x, SERVER);
	CHECK(ring.told == 1 && ring.error == EOWNERDEAD);
	check_empty();
}

static void client_leaves(void)
{
	struct dmring_call *c;
	u64 no;

	fresh();
	no = gone_far(0, 0)->no;
	c = held(0);
	dmring_exchange_left(&x, CLIENT);
	/* it waits for nothing, but the other host still has it */
	CHECK(x.calls.used == 2 && !c->client && dmring_exchange_use(&x, FAR)->sent == 1);
	replies(FAR, no, 0, 0);
	CHECK(x.calls.used == 1 && !ring.replies && !dmring_exchange_use(&x, FAR)->sent);
	replies(FAR, no, 0, 0);
	CHECK(x.stale == 1);
	CHECK(!dmring_exchange_replied(&x, c, 0, 0) && !ring.told);
	check_empty();
	/* it had ended, and could not be told */
	ring.full = true;
	dmring_exchange_end(&x, begin(0, 0), EOWNERDEAD, DMRING_REPLY_RING);
	CHECK(x.calls.used == 1 && CLIENT->ends_due == 1);
	dmring_exchange_left(&x, CLIENT);
	CHECK(!x.calls.used && !x.own && !CLIENT->ends_due);
	/* one that had left when it asked */
	c = dmring_exchange_begin(&x, NULL, 5, 0, 0, 9);
	CHECK(c && !c->client);
	dmring_exchange_end(&x, c, ESRCH, DMRING_REPLY_RING);
	check_empty();
}

/* What is in hands here for those who have left takes half of the places, no more. */
static void left_behind(void)
{
	u32 i;

	fresh();
	for (i = 0; i < DMRING_EXCHANGE_OWN - 1; i++)
		held(0);
	gone_far(0, 0);
	dmring_exchange_left(&x, CLIENT);
	CHECK(x.own == DMRING_EXCHANGE_OWN / 2 && dmring_exchange_use(&x, FAR)->sent == 1);
	CHECK(SERVER->calls[DMRING_CALL_SERVER].count == x.own - 1 && !ring.told);
	CHECK(x.begun == x.own + x.failed);
}

static void no_room_for_the_end(void)
{
	u64 no;

	fresh();
	ring.full = true;
	no = gone_far(0, 500)->no;
	dmring_exchange_expire(&x, 500, 9);
	CHECK(ring.wants == 1 && CLIENT->ends_due == 1 && x.failed == 1);
	dmring_exchange_expire(&x, 900, 9);
	dmring_exchange_turn(&x, CLIENT);
	CHECK(ring.wants == 2 && x.calls.used == 1 && x.failed == 1);
	ring.full = false;
	dmring_exchange_turn(&x, CLIENT);
	CHECK(ring.told == 1 && ring.error == ETIMEDOUT);
	/* the other host has it still */
	CHECK(x.calls.used == 1 && !CLIENT->calls[DMRING_CALL_CLIENT].count);
	replies(FAR, no, DMRING_REPLY_RING, ETIMEDOUT);
	CHECK(ring.told == 1 && x.failed == 1 && !x.stale);
	check_empty();
}

static void times(void)
{
	struct dmring_parcel p;

	fresh();
	arrives(DMRING_PARCEL_REQUEST, FAR, 77, 0, 0, 500);
	CHECK(ring.deadline == 1500 && ring.looks == 1);
	arrives(DMRING_PARCEL_REQUEST, FAR, 78, 0, 0, ~0ULL - 500);
	CHECK(!ring.deadline && ring.looks == 1);
	/* it has ended at its own host, which waits for word of that */
	dmring_exchange_expire(&x, 1500, 9);
	CHECK(x.calls.used == 2 && !x.failed && dmring_exchange_due(&x, &p));
	CHECK(p.no == 77 && p.error == ETIMEDOUT && p.flags & DMRING_REPLY_RING);
	fresh();
	begin(0, 100);
	begin(0, 101);
	CHECK(calls_table[0].deadline == 100);
	dmring_exchange_expire(&x, 200, 1);
	CHECK(ring.told == 1 && x.calls.next_deadline <= 200);
	dmring_exchange_expire(&x, 200, 1);
	check_empty();
}

const struct test exchange_tests[] = {
	{ "exchange: from whom a reply is taken", who_replies },
	{ "exchange: replies whole, in parts, and too large", whole_or_not },
	{ "exchange: into other hands", other_hands },
	{ "exchange: a reply that another one had promised", promised_by_another },
	{ "exchange: a server is dropped", server_is_dropped },
	{ "exchange: a server leaves, and has replied", server_has_replied },
	{ "exchange: a reply that is none", server_promises },
	{ "exchange: a client leaves", client_leaves },
	{ "exchange: what was left behind", left_behind },
	{ "exchange: no room for an end", no_room_for_the_end },
	{ "exchange: deadlines", times },
	{ NULL, NULL },
};
