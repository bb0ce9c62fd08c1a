// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of calls: whose the places of the table are, for what one host takes is not to be the
 * others' loss; and what becomes of calls when a server or a client leaves.
 */
#include <string.h>

#include "exchange.h"
#include "test.h"

#define HOST	1
#define OTHERS	2U			/* hosts 2 and 3 */
#define SHARE	(DMRING_EXCHANGE_OPEN / OTHERS)
#define EXTRA	(DMRING_EXCHANGE_EXTRA / OTHERS)
#define CLIENT	11
#define SERVER	12

static struct dmring_call table[DMRING_CALLS_TABLE];
static struct dmring_host_offer offers[DMRING_OFFERS_TABLE];
static struct dmring_exchange x;
static struct dmring_party client, server;
static bool client_is_here, server_is_here;
static u32 served, told, replies;
static int serve_err;

static struct dmring_party *party(void *ring, u32 member)
{
	(void)ring;
	if (member == CLIENT)
		return client_is_here ? &client : NULL;
	return member == SERVER && server_is_here ? &server : NULL;
}

static int serve(void *ring, const struct dmring_parcel *p, u64 deadline, const void *load,
		 struct dmring_call *c)
{
	(void)ring, (void)p, (void)deadline, (void)load;
	if (serve_err)
		return serve_err;
	served++;
	if (c)
		dmring_exchange_hand(&x, c, &server, SERVER, 0);
	return 0;
}

static bool move_on(void *ring, void *gone, struct dmring_call *c)
{
	(void)ring, (void)gone, (void)c;
	return false;
}

static int reply(void *ring, const struct dmring_call *c, u32 error, u32 flags, const void *load)
{
	(void)ring, (void)c, (void)error, (void)flags, (void)load;
	replies++;
	return 0;
}

static bool tell(void *ring, const struct dmring_call *c, u32 error, u32 flags)
{
	(void)ring, (void)c, (void)error, (void)flags;
	told++;
	return true;
}

static void member_only(void *ring, u32 member) { (void)ring, (void)member; }
static void missed(void *ring, const struct dmring_parcel *p) { (void)ring, (void)p; }
static void nothing(void *ring) { (void)ring; }
static void look(void *ring, u64 when) { (void)ring, (void)when; }

static const struct dmring_exchange_ops ops = {
	.party = party, .serve = serve, .move_on = move_on, .reply = reply, .tell = tell,
	.wants_room = member_only, .missed = missed, .retry = nothing, .look = look,
	.due = nothing,
};

static void setup(void)
{
	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	client_is_here = server_is_here = true;
	served = told = replies = 0;
	serve_err = 0;
	dmring_exchange_init(&x, &ops, NULL, HOST, table, offers);
	x.hosts = OTHERS + 1;
}

static void request_of(u32 node, u64 no, u8 flags)
{
	struct dmring_parcel p = {
		.kind = DMRING_PARCEL_REQUEST, .dest = HOST, .from = node, .no = no, .name = "s",
		.flags = flags,
	};

	dmring_exchange_arrived(&x, &p, NULL, 1, no << 20);
}

static void a_flood(void)
{
	struct dmring_parcel p;
	struct dmring_call *c;
	u64 i;

	setup();
	for (i = 1; i <= SHARE; i++)
		request_of(2, i, 0);
	CHECK(served == SHARE && !dmring_exchange_due(&x, &p));
	/* beyond its share it is refused, each one by its number, */
	for (; i <= SHARE + EXTRA; i++)
		request_of(2, i, 0);
	CHECK(served == SHARE && !x.dropped);
	/* and beyond that forgotten */
	request_of(2, i, 0);
	CHECK(x.dropped == 1);
	/* which is not the other host's loss */
	for (i = 1; i <= SHARE; i++)
		request_of(3, i, 0);
	CHECK(served == 2 * SHARE && x.dropped == 1);
	for (i = SHARE + 1; i <= SHARE + EXTRA; i++) {
		c = dmring_exchange_due(&x, &p);
		CHECK(c && p.dest == 2 && p.no == i && p.error == EAGAIN);
		CHECK(p.flags == DMRING_REPLY_RING);
		dmring_exchange_told(&x, c, p.flags);
	}
	CHECK(!dmring_exchange_due(&x, &p));
	/* what has ended makes room */
	c = dmring_calls_first(&x.calls, &server.calls[DMRING_CALL_SERVER]);
	dmring_exchange_reply_parcel(&x, c, 0, 0, &p);
	CHECK(p.dest == 2 && p.no == 1);
	dmring_exchange_told(&x, c, 0);
	request_of(2, 9999, 0);
	CHECK(served == 2 * SHARE + 1 && x.dropped == 1);
	request_of(2, 10000, 0);
	CHECK(served == 2 * SHARE + 1 && dmring_exchange_due(&x, &p) && p.no == 10000);
}

/* What its host keeps nothing of takes no place of what it waits for */
static void misses(void)
{
	struct dmring_parcel p = {
		.kind = DMRING_PARCEL_REQUEST, .from = 2, .member = 5, .name = "s",
		.flags = DMRING_REQUEST_EACH | DMRING_REQUEST_ONE_WAY,
	};
	u64 i;

	setup();
	for (i = 0; i < 10; i++)
		dmring_exchange_arrived(&x, &p, NULL, 1, i << 20);
	CHECK(served == 10 && !x.calls.used);
	serve_err = EAGAIN;
	for (i = 0; i < 3; i++)
		dmring_exchange_arrived(&x, &p, NULL, 1, i << 20);
	CHECK(x.calls.used == 3 && dmring_exchange_use(&x, 2)->extra == 3);
	CHECK(!dmring_exchange_use(&x, 2)->open);
	for (i = 0; i < 3; i++) {
		dmring_exchange_told(&x, dmring_exchange_due(&x, &p), 0);
		CHECK(p.member == 5 && !p.no && p.error == EAGAIN);
	}
	CHECK(!x.calls.used && !dmring_exchange_use(&x, 2)->extra);
	serve_err = 0;
	/* one way: its end is its arrival */
	request_of(2, 7, DMRING_REQUEST_ONE_WAY);
	CHECK(served == 11 && x.calls.used == 1 && dmring_exchange_use(&x, 2)->open == 1);
	dmring_exchange_told(&x, dmring_exchange_due(&x, &p), 0);
	CHECK(!x.calls.used && !dmring_exchange_use(&x, 2)->open);
}

static struct dmring_call *begin(u64 cookie)
{
	return dmring_exchange_begin(&x, client_is_here ? &client : NULL, CLIENT, cookie, 0, 0,
				     cookie << 20);
}

static u64 send_to(u32 node, u64 cookie)
{
	struct dmring_parcel p = { .dest = node };
	struct dmring_call *c = begin(cookie);

	CHECK(c);
	dmring_exchange_send(&x, c, &p, 1);
	CHECK(p.no == c->no && c->node == node);
	return p.no;
}

static void replied(u32 node, u64 no)
{
	struct dmring_parcel p = {
		.kind = DMRING_PARCEL_REPLY, .dest = HOST, .from = node, .no = no,
	};

	dmring_exchange_arrived(&x, &p, NULL, 1, 0);
}

static void own_calls(void)
{
	u64 i, first;

	setup();
	first = send_to(2, 0);
	for (i = 1; i < SHARE; i++)
		send_to(2, i);
	CHECK(!dmring_exchange_may_send(&x, 2) && dmring_exchange_may_send(&x, 3));
	replied(3, first);
	CHECK(!dmring_exchange_may_send(&x, 2) && x.stale == 1);
	replied(2, first);
	CHECK(dmring_exchange_may_send(&x, 2) && replies == 1);
	for (; i <= DMRING_EXCHANGE_OWN; i++)
		CHECK(begin(i));
	CHECK(!begin(i));
	/* that is not the other hosts' loss */
	request_of(2, 1, 0);
	CHECK(served == 1 && x.calls.used == DMRING_EXCHANGE_OWN + 1);
}

/* Who has left waits for nothing, but the other host still has it */
static void client_leaves(void)
{
	u64 no;

	setup();
	no = send_to(2, 1);
	dmring_exchange_left(&x, &client);
	client_is_here = false;
	CHECK(x.calls.used == 1 && dmring_exchange_use(&x, 2)->sent == 1);
	replied(2, no);
	CHECK(!x.calls.used && !x.own && !dmring_exchange_use(&x, 2)->sent && !replies && !told);
	replied(2, no);
	CHECK(x.stale == 1);
}

/* What a server had replied to ends with that reply, the rest at once */
static void server_leaves(void)
{
	struct dmring_call *a, *b;
	struct dmring_parcel p;

	setup();
	a = begin(1);
	dmring_exchange_hand(&x, a, &server, SERVER, 0);
	b = begin(2);
	dmring_exchange_hand(&x, b, &server, SERVER, 0);
	request_of(2, 77, 0);
	server_is_here = false;
	dmring_exchange_left(&x, &server);
	CHECK(x.orphans.count == 3 && !told);
	dmring_exchange_answered(&x, a->no, SERVER);
	/* of another's call that is nothing but a claim */
	dmring_exchange_answered(&x, b->no, SERVER + 1);
	dmring_exchange_answered(&x, 12345, SERVER);
	dmring_exchange_unanswered(&x, SERVER, NULL);
	CHECK(told == 1 && x.failed == 1 && x.calls.used == 2);
	CHECK(dmring_exchange_due(&x, &p) && p.no == 77 && p.error == EOWNERDEAD);
	CHECK(dmring_exchange_held(&x, a->no, SERVER) == a);
	CHECK(!dmring_exchange_replied(&x, a, 0, 0) && x.replied == 1 && told == 1);
	dmring_exchange_drained(&x, SERVER, NULL);
	CHECK(told == 1 && !x.orphans.count && x.calls.used == 1);
}

/* An answer that turns out to be none */
static void server_promises(void)
{
	struct dmring_call *c;

	setup();
	c = begin(1);
	dmring_exchange_hand(&x, c, &server, SERVER, 0);
	server_is_here = false;
	dmring_exchange_left(&x, &server);
	dmring_exchange_answered(&x, c->no, SERVER);
	dmring_exchange_unanswered(&x, SERVER, NULL);
	CHECK(!told && x.calls.used == 1);
	dmring_exchange_drained(&x, SERVER, NULL);
	CHECK(told == 1 && !x.calls.used && x.failed == 1);
}

/* Hosts come and go: places of those that take nothing are others' */
static void many_hosts(void)
{
	struct dmring_host_use *use;
	u32 i;

	setup();
	dmring_exchange_use(&x, 2)->open = 1;
	for (i = 3; i < 3 + 10 * DMRING_HOSTS_MAX; i++) {
		use = dmring_exchange_use(&x, i);
		CHECK(use && use->node == i && !use->open);
	}
	CHECK(dmring_exchange_use(&x, 2)->open == 1);
	for (i = 3; i < 2 + DMRING_HOSTS_MAX; i++)
		dmring_exchange_use(&x, i)->statuses = 1;
	CHECK(!dmring_exchange_use(&x, i) && dmring_exchange_use(&x, 3)->statuses == 1);
}

const struct test share_tests[] = {
	{ "shares: a host that floods", a_flood },
	{ "shares: what is not waited for", misses },
	{ "shares: own calls have their share", own_calls },
	{ "shares: the client leaves", client_leaves },
	{ "shares: a server leaves, and has replied", server_leaves },
	{ "shares: a reply that is none", server_promises },
	{ "shares: hosts come and go", many_hosts },
	{ NULL, NULL }
};
