// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of requests between hosts: what they are told, how much each of them may have under
 * way, which one is asked, and what a view ends.
 */
#include "exchange-rig.h"

#define OTHERS	2U			/* hosts FAR and FAR + 1 */
#define SHARE	(DMRING_EXCHANGE_SHARE / OTHERS)
#define EXTRA	(DMRING_EXCHANGE_EXTRA / OTHERS)

static void installs(u32 a, bool stays_a, u32 b, bool stays_b, bool lossy)
{
	static struct dmring_view_record rec;

	rec.count = 3;
	rec.host[0] = (struct dmring_next_host){ .node = HERE, .stays = true };
	rec.host[1] = (struct dmring_next_host){ .node = a, .stays = stays_a };
	rec.host[2] = (struct dmring_next_host){ .node = b, .stays = stays_b };
	dmring_exchange_installs(&x, &rec, lossy);
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

/*
 * Time and again what is sent is over before it arrives; then all of it comes at once. There is an
 * entry for each.
 */
static void over_before_it_arrives(void)
{
	u64 no[SHARE];
	u32 i;

	fresh();
	view.count = OTHERS + 1;
	for (i = 0; i < SHARE; i++)
		no[i] = gone_far(0, 100)->no;
	dmring_exchange_expire(&x, 100, ~0U);
	CHECK(ring.told == SHARE && x.failed == SHARE && ring.error == ETIMEDOUT);
	CHECK(!CLIENT->calls[DMRING_CALL_CLIENT].count && !dmring_exchange_may_send(&x, FAR));
	/* one was served all the same, of one that is said in parts, one is told to be over */
	replies(FAR, no[0], 0, 0);
	CHECK(x.stale == 1 && dmring_exchange_may_send(&x, FAR));
	replies(FAR, no[0], 0, 0);
	CHECK(x.stale == 2);
	replies(FAR, no[1], DMRING_REPLY_MORE, 0);
	CHECK(x.stale == 3 && x.calls.used == SHARE - 1);
	for (i = 1; i < SHARE; i++)
		replies(FAR, no[i], DMRING_REPLY_RING, ETIMEDOUT);
	CHECK(x.stale == 3 && !ring.replies && ring.told == SHARE);
	check_empty();
	CHECK(!x.own && !dmring_exchange_use(&x, FAR)->sent && x.failed == SHARE);
	/* a client that does not read, and one that has left */
	ring.full = true;
	for (i = 0; i < 3; i++)
		no[i] = gone_far(0, 100)->no;
	dmring_exchange_expire(&x, 100, ~0U);
	replies(FAR, no[0], 0, 0);
	CHECK(CLIENT->ends_due == 3 && dmring_exchange_use(&x, FAR)->sent == 2 && x.stale == 4);
	dmring_exchange_left(&x, CLIENT);
	CHECK(x.calls.used == 2 && x.own == 2);
	replies(FAR, no[1], DMRING_REPLY_RING, ETIMEDOUT);
	/* its host is lost */
	installs(FAR, false, FAR + 1, true, false);
	dmring_exchange_view(&x);
	check_empty();
	CHECK(!x.own && !dmring_exchange_use(&x, FAR)->sent && x.failed == SHARE + 3);
}

/* Of a reply in parts the first has no room: the host has it until the last has come. */
static void no_room_for_a_part(void)
{
	u64 no;

	fresh();
	no = gone_far(0, 0)->no;
	ring.reply = -ENOBUFS;
	replies(FAR, no, DMRING_REPLY_MORE, 0);
	CHECK(ring.told == 1 && ring.error == ENOBUFS && x.calls.used == 1);
	CHECK(dmring_exchange_use(&x, FAR)->sent == 1);
	replies(FAR, no, 0, 0);
	CHECK(x.stale == 1 && ring.told == 1);
	check_empty();
	CHECK(!dmring_exchange_use(&x, FAR)->sent);
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

/* The next view of @count hosts, in which all that were there stay, or all of them but the first */
static void next_view(u16 count, bool first_stays)
{
	static struct dmring_view_record rec;
	u16 i, n = first_stays ? 0 : 1;

	rec.count = count;
	rec.host[0] = (struct dmring_next_host){ .node = HERE, .stays = true };
	for (i = 1; i < count; i++) {
		u16 before = i + n;

		rec.host[i].node = before < view.count ? view.node[before] :
				   view.node[view.count - 1] + 1 + before - view.count;
		rec.host[i].stays = before < view.count;
	}
	dmring_exchange_installs(&x, &rec, false);
	view.count = count;
	for (i = 1; i < count; i++)
		view.node[i] = rec.host[i].node;
}

/* Hosts join one after the other, and fill their shares, which are smaller each time: all fit. */
static void shares_of_joiners(void)
{
	struct dmring_parcel p;
	u32 i, n = 0;

	fresh();
	for (;;) {
		u32 node = view.node[view.count - 1];

		for (i = 1; i <= DMRING_EXCHANGE_SHARE / dmring_exchange_others(&x); i++, n++)
			request_of(node, i);
		if (view.count == DMRING_HOSTS_MAX)
			break;
		next_view(view.count + 1, true);
		dmring_exchange_view(&x);
	}
	CHECK(n > 5 * DMRING_EXCHANGE_SHARE && n <= DMRING_EXCHANGE_OPEN);
	CHECK(ring.served == n && !x.extra && !x.dropped);
	for (i = 0; i < DMRING_EXCHANGE_OWN; i++)
		CHECK(begin(0, 0));
	/* each is as it was when it came: the first has had all, another one is to wait */
	request_of(FAR, n);
	request_of(FAR + 1, n);
	CHECK(ring.served == n && x.extra == 2 && !x.dropped);
	CHECK(dmring_exchange_due(&x, &p) && p.dest == FAR && p.no == n && p.error == EAGAIN);
	/* what has ended makes room */
	dmring_exchange_told(&x, dmring_exchange_due(&x, &p), p.flags);
	CHECK(x.extra == 1);
	dmring_exchange_end(&x, dmring_calls_first(&x.calls, &SERVER->calls[DMRING_CALL_SERVER]),
			    EOWNERDEAD, DMRING_REPLY_RING);
	dmring_exchange_told(&x, dmring_exchange_due(&x, &p), p.flags);
	dmring_exchange_told(&x, dmring_exchange_due(&x, &p), p.flags);
	CHECK(!x.extra && x.calls.used == DMRING_EXCHANGE_OWN + n - 1);
	request_of(FAR, n);
	CHECK(ring.served == n + 1);
}

/* What is to be refused, of all hosts together, leaves room for what is not. */
static void refused_of_all(void)
{
	/* to each: its host knows no limit */
	struct dmring_parcel p = { .kind = DMRING_PARCEL_REQUEST, .name = "x" };
	u32 i;

	fresh();
	ring.serve = EAGAIN;
	for (;;) {
		p.from = view.node[view.count - 1];
		for (i = 0; i < DMRING_EXCHANGE_EXTRA; i++)
			dmring_exchange_arrived(&x, &p, NULL, 1000, i);
		if (view.count == 8)
			break;
		next_view(view.count + 1, true);
		dmring_exchange_view(&x);
	}
	CHECK(x.extra == DMRING_EXCHANGE_EXTRA && x.calls.used == x.extra && x.dropped);
}

/* Own calls: no more with a host than it takes, and no more in all than are ours */
static void own_share(void)
{
	u64 first, i;

	fresh();
	view.count = OTHERS + 1;
	first = gone_far(0, 0)->no;
	for (i = 1; i < SHARE; i++)
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

/* A client that does not read keeps places, but none of another host's */
static void no_room_for_many(void)
{
	u64 no[SHARE];
	u32 i;

	fresh();
	view.count = OTHERS + 1;
	for (i = 0; i < SHARE; i++)
		no[i] = gone_far(0, 0)->no;
	CHECK(!dmring_exchange_may_send(&x, FAR));
	ring.full = true;
	for (i = 0; i < SHARE; i++)
		replies(FAR, no[i], DMRING_REPLY_RING, EOWNERDEAD);
	CHECK(CLIENT->ends_due == SHARE && x.own == SHARE);
	CHECK(dmring_exchange_may_send(&x, FAR) && !dmring_exchange_use(&x, FAR)->sent);
	ring.full = false;
	dmring_exchange_turn(&x, CLIENT);
	check_empty();
	CHECK(!x.own && !dmring_exchange_use(&x, FAR)->sent);
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
	for (i = 3; i < 1 + DMRING_HOSTS_MAX; i++)
		dmring_exchange_use(&x, i)->statuses = 1;
	dmring_exchange_use(&x, i)->others = 2;
	CHECK(dmring_exchange_use(&x, i++)->others == 2);
	CHECK(!dmring_exchange_use(&x, i) && dmring_exchange_use(&x, 3)->statuses == 1);
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
	for (i = 0; i < SHARE; i++) {
		struct dmring_call *c = gone_far(0, 0);

		first = first ?: c;
	}
	for (i = 0; i < 3; i++)
		CHECK(dmring_exchange_choose(&x, name, &served) == FAR + 1 && served);
	dmring_exchange_use(&x, FAR + 1)->sent = SHARE;
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
	CHECK(x.calls.used == 4 && !dmring_exchange_may_send(&x, FAR));
	dmring_exchange_view(&x);
	CHECK(dmring_exchange_may_send(&x, FAR));
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

/* Hosts join and leave, and what was sent before that is not judged by the shares after it. */
static void share_before(void)
{
	struct dmring_host_use *use;
	u32 i, n;

	fresh();
	use = dmring_exchange_use(&x, FAR);
	/* before the record of the view, and after it: what this host had written is sent later */
	next_view(5, true);
	for (n = 1; n <= DMRING_EXCHANGE_SHARE / 2; n++)
		request_of(FAR, n);
	dmring_exchange_view(&x);
	next_view(9, true);
	dmring_exchange_view(&x);
	for (; n <= DMRING_EXCHANGE_SHARE; n++)
		request_of(FAR, n);
	CHECK(ring.served == DMRING_EXCHANGE_SHARE && use->open == ring.served && !x.extra);
	request_of(FAR, n);
	CHECK(ring.served == DMRING_EXCHANGE_SHARE && x.extra == 1);
	/* who came later had others beside it from the beginning */
	for (i = 1; i <= DMRING_EXCHANGE_SHARE / 4 + 1; i++)
		request_of(FAR + 1, i);
	CHECK(ring.served == DMRING_EXCHANGE_SHARE + i - 2 && x.extra == 2);
	/* the first one leaves: until that is delivered its entries are there */
	use = dmring_exchange_use(&x, FAR + 1);
	next_view(3, false);
	request_of(FAR + 1, i++);
	CHECK(x.extra == 3 && use->open == DMRING_EXCHANGE_SHARE / 4);
	dmring_exchange_view(&x);
	CHECK(!dmring_exchange_use(&x, FAR)->others && x.extra == 2);
	/* and then half is its own, whoever joins */
	next_view(9, true);
	dmring_exchange_view(&x);
	for (n = use->open; n < DMRING_EXCHANGE_SHARE / 2; n++)
		request_of(FAR + 1, n);
	CHECK(x.extra == 2 && use->open == DMRING_EXCHANGE_SHARE / 2);
	request_of(FAR + 1, n);
	CHECK(x.extra == 3 && use->open == DMRING_EXCHANGE_SHARE / 2);
}

const struct test exchange_host_tests[] = {
	{ "exchange: what other hosts are told", refused },
	{ "exchange: to each", to_each },
	{ "exchange: what is not waited for", misses },
	{ "exchange: a flood", a_flood },
	{ "exchange: over before it arrives", over_before_it_arrives },
	{ "exchange: no room for a part", no_room_for_a_part },
	{ "exchange: shares of hosts that join", shares_of_joiners },
	{ "exchange: what is to be refused, of all", refused_of_all },
	{ "exchange: own calls have their share", own_share },
	{ "exchange: no room for the ends of many", no_room_for_many },
	{ "exchange: hosts come and go", many_hosts },
	{ "exchange: which host", which_host },
	{ "exchange: views", views },
	{ "exchange: views at once", views_at_once },
	{ "exchange: shares before and after a view", share_before },
	{ NULL, NULL },
};
