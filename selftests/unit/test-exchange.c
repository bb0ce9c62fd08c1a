// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of requests, case by case: what the simulator comes to by chance, or not at all, since
 * no member and no host there is malicious.
 */
#include "test.h"
#include "exchange.h"

/* most of the ops do nothing */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define HERE 1
#define FAR 2
#define NAME 16
#define CLIENT (&ring.party[0])
#define SERVER (&ring.party[1])
#define OTHER (&ring.party[2])

static struct dmring_call table[DMRING_CALLS_TABLE];
static struct dmring_host_offer offers[DMRING_OFFERS_TABLE];
static struct dmring_exchange x;
static struct dmring_view view;

/* Members; what the ops were asked for, and what they answer */
static struct {
	struct dmring_party party[3];
	int serve, reply;
	bool full, moves;
	u32 served, replies, told, error, end, missed, wants, looks;
	u64 deadline;
} ring;

static int serve(void *of, const struct dmring_parcel *p, u64 deadline, const void *load,
		 struct dmring_call *c)
{
	ring.served++;
	ring.deadline = deadline;
	if (!ring.serve && c)
		dmring_exchange_hand(&x, c, SERVER, 0);
	return ring.serve;
}

static bool move_on(void *of, struct dmring_call *c)
{
	if (ring.moves)
		dmring_exchange_hand(&x, c, OTHER, 0);
	return ring.moves;
}

static int reply(void *of, const struct dmring_call *c, u32 error, u32 flags, const void *load)
{
	ring.replies++;
	return ring.reply;
}

static bool tell(void *of, const struct dmring_call *c, u32 error, u32 flags)
{
	if (ring.full)
		return false;
	ring.told++;
	ring.error = error;
	ring.end = flags;
	return true;
}

static void wants_room(void *of, struct dmring_party *client)
{
	ring.wants += client == CLIENT;
}

static void missed(void *of, const struct dmring_parcel *p)
{
	ring.missed += p->member == NAME && p->arg == 5;
}

static void nothing(void *of)
{
}

static void look(void *of, u64 when)
{
	ring.looks++;
}

static const struct dmring_exchange_ops ops = {
	.serve = serve, .move_on = move_on, .reply = reply, .tell = tell,
	.wants_room = wants_room, .missed = missed, .retry = nothing, .look = look,
	.due = nothing,
};

static void fresh(void)
{
	memset(&ring, 0, sizeof(ring));
	view.count = 2;
	dmring_exchange_init(&x, &ops, NULL, HERE, &view, table, offers);
}

static struct dmring_call *begin(u32 flags, u64 deadline)
{
	static u64 seed = 3;

	return dmring_exchange_begin(&x, CLIENT, 5, flags, deadline,
				     next_random(&seed));
}

/* One that has gone to the other host */
static struct dmring_call *gone_far(u32 flags, u64 deadline)
{
	struct dmring_parcel p = { .dest = FAR };
	struct dmring_call *c = begin(flags, deadline);

	dmring_exchange_send(&x, c, &p, 100);
	CHECK(p.no == c->no);
	return c;
}

/* One that is in the hands of the server */
static struct dmring_call *held(u32 flags)
{
	struct dmring_call *c = begin(flags, 0);

	dmring_exchange_hand(&x, c, SERVER, 0);
	return c;
}

static void arrives(u8 kind, u32 from, u64 no, u8 flags, u16 error, u64 arg)
{
	struct dmring_parcel p = {
		.kind = kind, .flags = flags, .error = error, .from = from, .dest = HERE,
		.no = no, .arg = arg, .name = "x",
	};
	static u64 seed = 4;

	dmring_exchange_arrived(&x, &p, NULL, 1000, next_random(&seed));
}

static void replies(u32 from, u64 no, u8 flags, u16 error)
{
	arrives(DMRING_PARCEL_REPLY, from, no, flags, error, 0);
}

/* Nothing is left of any */
static void check_empty(void)
{
	u32 i;

	CHECK(!x.calls.used && !x.calls.tell.count);
	for (i = 0; i < 3; i++)
		CHECK(!ring.party[i].calls[0].count && !ring.party[i].calls[1].count &&
		      !ring.party[i].ends_due);
}

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

static void no_room_for_the_end(void)
{
	fresh();
	ring.full = true;
	gone_far(0, 500);
	dmring_exchange_expire(&x, 500, 9);
	CHECK(ring.wants == 1 && CLIENT->ends_due == 1 && x.failed == 1);
	dmring_exchange_expire(&x, 900, 9);
	dmring_exchange_turn(&x, CLIENT);
	CHECK(ring.wants == 2 && x.calls.used == 1 && x.failed == 1);
	ring.full = false;
	dmring_exchange_turn(&x, CLIENT);
	CHECK(ring.told == 1 && ring.error == ETIMEDOUT);
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
	/* it ends at its own host, which is not told */
	dmring_exchange_expire(&x, 1500, 9);
	CHECK(x.calls.used == 1 && !x.failed && !dmring_exchange_due(&x, &p));
	fresh();
	gone_far(0, 100);
	gone_far(0, 101);
	CHECK(table[0].deadline == 100);
	dmring_exchange_expire(&x, 200, 1);
	CHECK(ring.told == 1 && x.calls.next_deadline <= 200);
	dmring_exchange_expire(&x, 200, 1);
	check_empty();
}

/* What comes from others is told: that it was delivered, or why not */
static void refused(void)
{
	struct dmring_parcel p;
	struct dmring_call *c;

	fresh();
	arrives(DMRING_PARCEL_REQUEST, FAR, 77, DMRING_REQUEST_ONE_WAY, 0, 0);
	c = dmring_exchange_due(&x, &p);
	CHECK(c && p.no == 77 && !p.error && !p.flags && p.dest == FAR && p.from == HERE);
	dmring_exchange_told(&x, c, p.flags);
	ring.serve = ESRCH;
	arrives(DMRING_PARCEL_REQUEST, FAR, 78, 0, 0, 0);
	c = dmring_exchange_due(&x, &p);
	CHECK(c && p.no == 78 && p.error == ESRCH && p.flags == DMRING_REPLY_RING);
	dmring_exchange_told(&x, c, p.flags);
	check_empty();
}

static void to_each(void)
{
	struct dmring_parcel p = {
		.kind = DMRING_PARCEL_REQUEST, .from = FAR, .member = NAME, .arg = 5,
		.flags = DMRING_REQUEST_EACH | DMRING_REQUEST_ONE_WAY, .name = "x",
	};

	fresh();
	dmring_exchange_arrived(&x, &p, NULL, 1000, 1);
	CHECK(ring.served == 1 && !dmring_exchange_due(&x, &p));
	ring.serve = EAGAIN;
	dmring_exchange_arrived(&x, &p, NULL, 1000, 1);
	CHECK(dmring_exchange_due(&x, &p) && !p.no && p.member == NAME && p.arg == 5 &&
	      p.error == EAGAIN);
	/* and what the other host does when it is told that */
	p.from = FAR;
	p.dest = HERE;
	dmring_exchange_arrived(&x, &p, NULL, 1000, 1);
	CHECK(ring.missed == 1 && !x.stale);
	/* nothing of its own, and nothing that is for others */
	p.kind = DMRING_PARCEL_REQUEST;
	p.dest = FAR;
	dmring_exchange_arrived(&x, &p, NULL, 1000, 1);
	p.from = HERE;
	p.dest = 0;
	dmring_exchange_arrived(&x, &p, NULL, 1000, 1);
	CHECK(ring.served == 2);
}

#define OTHERS	2U			/* hosts FAR and FAR + 1 */
#define SHARE	(DMRING_EXCHANGE_OPEN / OTHERS)
#define EXTRA	(DMRING_EXCHANGE_EXTRA / OTHERS)

static void request_of(u32 from, u64 no)
{
	arrives(DMRING_PARCEL_REQUEST, from, no, 0, 0, 0);
}

/* One host asks for more than its share, and that is not the other's loss */
static void a_flood(void)
{
	struct dmring_parcel p;
	struct dmring_call *c;
	u64 i;

	fresh();
	view.count = OTHERS + 1;
	for (i = 1; i <= SHARE; i++)
		request_of(FAR, i);
	CHECK(ring.served == SHARE && !dmring_exchange_due(&x, &p));
	/* beyond its share each one is refused, */
	for (; i <= SHARE + EXTRA; i++)
		request_of(FAR, i);
	CHECK(ring.served == SHARE && !x.dropped);
	/* and beyond that forgotten */
	request_of(FAR, i);
	CHECK(x.dropped == 1);
	for (i = 1; i <= SHARE; i++)
		request_of(FAR + 1, i);
	CHECK(ring.served == 2 * SHARE && x.dropped == 1);
	for (i = SHARE + 1; i <= SHARE + EXTRA; i++) {
		c = dmring_exchange_due(&x, &p);
		CHECK(c && p.dest == FAR && p.no == i && p.error == EAGAIN);
		CHECK(p.flags == DMRING_REPLY_RING);
		dmring_exchange_told(&x, c, p.flags);
	}
	CHECK(!dmring_exchange_due(&x, &p));
	/* what has ended makes room */
	c = dmring_calls_first(&x.calls, &SERVER->calls[DMRING_CALL_SERVER]);
	dmring_exchange_reply_parcel(&x, c, 0, 0, &p);
	CHECK(p.dest == FAR && p.no == 1);
	dmring_exchange_told(&x, c, 0);
	request_of(FAR, 9999);
	CHECK(ring.served == 2 * SHARE + 1 && x.dropped == 1);
	request_of(FAR, 10000);
	CHECK(ring.served == 2 * SHARE + 1 && dmring_exchange_due(&x, &p) && p.no == 10000);
}

/* Own calls: no more with a host than it takes, and no more in all than are ours */
static void own_share(void)
{
	u64 first, i;

	fresh();
	view.count = OTHERS + 1;
	first = gone_far(0, 0)->no;
	for (i = 1; i < SHARE / 2; i++)
		gone_far(0, 0);
	CHECK(!dmring_exchange_may_send(&x, FAR) && dmring_exchange_may_send(&x, FAR + 1));
	replies(FAR + 1, first, 0, 0);
	CHECK(!dmring_exchange_may_send(&x, FAR) && x.stale == 1);
	replies(FAR, first, 0, 0);
	CHECK(dmring_exchange_may_send(&x, FAR) && ring.replies == 1);
	for (; i <= DMRING_EXCHANGE_OWN; i++)
		CHECK(begin(0, 0));
	CHECK(!begin(0, 0));
	/* there is still room for what others ask for */
	request_of(FAR, 1);
	CHECK(ring.served == 1 && x.calls.used == DMRING_EXCHANGE_OWN + 1);
}

/* What its host keeps nothing of takes no place of what it waits for */
static void misses(void)
{
	struct dmring_parcel p = {
		.kind = DMRING_PARCEL_REQUEST, .from = FAR, .member = 5, .name = "x",
		.flags = DMRING_REQUEST_EACH | DMRING_REQUEST_ONE_WAY,
	};
	struct dmring_host_use *use;
	u32 i;

	fresh();
	ring.serve = EAGAIN;
	for (i = 0; i < 3; i++)
		dmring_exchange_arrived(&x, &p, NULL, 1, i << 20);
	use = dmring_exchange_use(&x, FAR);
	CHECK(x.calls.used == 3 && use->extra == 3 && !use->open);
	for (i = 0; i < 3; i++) {
		dmring_exchange_told(&x, dmring_exchange_due(&x, &p), 0);
		CHECK(p.member == 5 && !p.no && p.error == EAGAIN);
	}
	CHECK(!x.calls.used && !use->extra);
	ring.serve = 0;
	/* one way: its end is its arrival */
	arrives(DMRING_PARCEL_REQUEST, FAR, 7, DMRING_REQUEST_ONE_WAY, 0, 0);
	CHECK(ring.served == 4 && x.calls.used == 1 && use->open == 1);
	dmring_exchange_told(&x, dmring_exchange_due(&x, &p), 0);
	CHECK(!x.calls.used && !use->open);
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

/* Hosts come and go: places of those that take nothing are others' */
static void many_hosts(void)
{
	struct dmring_host_use *use;
	u32 i;

	fresh();
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

/* A client that does not read keeps places, but none of another host's */
static void no_room_for_many(void)
{
	u64 no[SHARE / 2];
	u32 i;

	fresh();
	view.count = OTHERS + 1;
	for (i = 0; i < SHARE / 2; i++)
		no[i] = gone_far(0, 0)->no;
	CHECK(!dmring_exchange_may_send(&x, FAR));
	ring.full = true;
	for (i = 0; i < SHARE / 2; i++)
		replies(FAR, no[i], DMRING_REPLY_RING, EOWNERDEAD);
	CHECK(CLIENT->ends_due == SHARE / 2 && x.own == SHARE / 2);
	CHECK(dmring_exchange_may_send(&x, FAR) && !dmring_exchange_use(&x, FAR)->sent);
	ring.full = false;
	dmring_exchange_turn(&x, CLIENT);
	check_empty();
	CHECK(!x.own && !dmring_exchange_use(&x, FAR)->sent);
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

static void offer(u32 from)
{
	struct dmring_parcel p = {
		.kind = DMRING_PARCEL_OFFER, .from = from, .member = 1, .name = "x",
	};

	dmring_exchange_arrived(&x, &p, NULL, 0, 0);
}

/* In turn, but hosts with which there are as many as may be are passed over */
static void which_host(void)
{
	const char name[DMRING_NAME_SIZE] = "x", other[DMRING_NAME_SIZE] = "y";
	struct dmring_call *first = NULL;
	bool served = true;
	u32 i;

	fresh();
	view.count = OTHERS + 1;
	CHECK(!dmring_exchange_choose(&x, name, &served) && !served);
	offer(FAR + 1);
	offer(FAR);
	for (i = 0; i < SHARE / 2; i++) {
		struct dmring_call *c = gone_far(0, 0);

		first = first ?: c;
	}
	for (i = 0; i < 3; i++)
		CHECK(dmring_exchange_choose(&x, name, &served) == FAR + 1 && served);
	dmring_exchange_use(&x, FAR + 1)->sent = SHARE / 2;
	CHECK(!dmring_exchange_choose(&x, name, &served) && served);
	CHECK(!dmring_exchange_choose(&x, other, &served) && !served);
	dmring_exchange_use(&x, FAR + 1)->sent = 0;
	replies(FAR, first->no, 0, 0);
	CHECK(dmring_exchange_choose(&x, name, &served) == FAR);
	CHECK(dmring_exchange_choose(&x, name, &served) == FAR + 1);
	CHECK(dmring_exchange_choose(&x, name, &served) == FAR);
	/* and none if too many are under way at all */
	x.own = DMRING_EXCHANGE_OWN;
	CHECK(!dmring_exchange_choose(&x, name, &served) && served);
}

static void installs(u32 a, bool stays_a, u32 b, bool stays_b, bool lossy)
{
	static struct dmring_view_record rec;

	rec.count = 3;
	rec.host[0] = (struct dmring_next_host){ .node = HERE, .stays = true };
	rec.host[1] = (struct dmring_next_host){ .node = a, .stays = stays_a };
	rec.host[2] = (struct dmring_next_host){ .node = b, .stays = stays_b };
	dmring_exchange_installs(&x, &rec, lossy);
}

/* To and from one that stays, and one that does not: what ends when the view is delivered */
static void views(void)
{
	struct dmring_parcel p;
	u64 no;

	fresh();
	no = gone_far(0, 0)->no;
	arrives(DMRING_PARCEL_REQUEST, FAR, 77, 0, 0, 0);
	arrives(DMRING_PARCEL_REQUEST, FAR + 1, 78, 0, 0, 0);
	ring.serve = ESRCH;
	arrives(DMRING_PARCEL_REQUEST, FAR + 1, 79, 0, 0, 0);
	offer(FAR);
	offer(FAR + 1);
	installs(FAR, true, FAR + 1, false, false);
	CHECK(x.calls.used == 4);
	dmring_exchange_view(&x);
	CHECK(x.calls.used == 2 && !ring.told && !dmring_exchange_due(&x, &p));
	CHECK(offers[0].members == 1 && !offers[1].members);
	installs(FAR, true, FAR + 1, true, true);
	dmring_exchange_view(&x);
	CHECK(ring.told == 1 && ring.error == EHOSTDOWN && !dmring_calls_find(&x.calls, no));
	check_empty();
}

/* Two views are installed before the first is delivered: who was not in one of them begins anew. */
static void views_at_once(void)
{
	fresh();
	gone_far(0, 0);
	installs(FAR, false, FAR + 1, true, false);
	installs(FAR, true, FAR + 1, true, false);
	CHECK(!dmring_exchange_stays(&x, FAR) && dmring_exchange_stays(&x, FAR + 1));
	dmring_exchange_view(&x);
	CHECK(ring.error == EHOSTDOWN);
	check_empty();
	installs(FAR, true, FAR + 1, true, false);
	CHECK(dmring_exchange_stays(&x, FAR));
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

/* Hosts join, and what was sent before that is not judged by the shares after it. */
static void share_before(void)
{
	u32 i, share = DMRING_EXCHANGE_OPEN;

	fresh();
	for (i = 1; i <= share / 4; i++)
		request_of(FAR, i);
	installs(FAR, true, FAR + 1, false, false);
	view.count = 5;
	installs(FAR, true, FAR + 1, true, false);
	view.count = 9;
	for (; i <= share / 2; i++)
		request_of(FAR, i);
	CHECK(ring.served == share / 2 && !x.dropped);
	dmring_exchange_view(&x);
	request_of(FAR, i);
	CHECK(ring.served == share / 2 && dmring_exchange_use(&x, FAR)->extra == 1);
}

const struct test exchange_tests[] = {
	{ "exchange: from whom a reply is taken", who_replies },
	{ "exchange: replies whole, in parts, and too large", whole_or_not },
	{ "exchange: into other hands", other_hands },
	{ "exchange: a client leaves", client_leaves },
	{ "exchange: no room for an end", no_room_for_the_end },
	{ "exchange: deadlines", times },
	{ "exchange: what other hosts are told", refused },
	{ "exchange: to each", to_each },
	{ "exchange: a flood", a_flood },
	{ "exchange: what was left behind", left_behind },
	{ "exchange: shares before and after a view", share_before },
	{ "exchange: own calls have their share", own_share },
	{ "exchange: what is not waited for", misses },
	{ "exchange: hosts come and go", many_hosts },
	{ "exchange: which host", which_host },
	{ "exchange: no room for the ends of many", no_room_for_many },
	{ "exchange: a server is dropped", server_is_dropped },
	{ "exchange: a server leaves, and has replied", server_has_replied },
	{ "exchange: a reply that is none", server_promises },
	{ "exchange: a reply that another one had promised", promised_by_another },
	{ "exchange: views", views },
	{ "exchange: views at once", views_at_once },
	{ NULL, NULL },
};
