// SPDX-License-Identifier: GPL-2.0-only
/* Requests under way, who serves what elsewhere, and the parcels that carry both. */
#include "test.h"
#include "calls.h"
#include "offers.h"
#include "parcel.h"
#include "../random.h"

static struct dmring_call table[DMRING_CALLS_TABLE];
static struct dmring_calls t;

static void fresh(void)
{
	memset(table, 0x5a, sizeof(table));
	dmring_calls_init(&t, table);
}

/* A number is known as long as its call is, and to nobody who guesses. */
static void numbers(void)
{
	struct dmring_call *a, *b;
	u64 no;
	int i;

	fresh();
	CHECK(!dmring_calls_find(&t, 0) && !dmring_calls_find(&t, 1));
	a = dmring_calls_add(&t, 0);
	b = dmring_calls_add(&t, ~0ULL);
	CHECK(a && b && a->no && a->no != b->no && a->state == DMRING_CALL_OPEN);
	CHECK(dmring_calls_find(&t, a->no) == a && dmring_calls_find(&t, b->no) == b);
	for (i = 0; i < 64; i++)
		CHECK(!dmring_calls_find(&t, a->no ^ (1ULL << i)));
	no = a->no;
	dmring_calls_del(&t, a);
	CHECK(!dmring_calls_find(&t, no) && t.used == 1);
	/* the place is used again, under another number */
	a = dmring_calls_add(&t, 12345ULL << 20);
	CHECK(a == &table[0] && a->no != no && !dmring_calls_find(&t, no));
}

static void full(void)
{
	struct dmring_call *c;
	u32 i;

	fresh();
	for (i = 0; i < DMRING_CALLS_TABLE; i++)
		CHECK(dmring_calls_add(&t, i * 77ULL << 13));
	CHECK(!dmring_calls_add(&t, 1) && t.used == DMRING_CALLS_TABLE);
	c = &table[4711];
	dmring_calls_del(&t, c);
	CHECK(dmring_calls_add(&t, 1) == c && !dmring_calls_add(&t, 1));
}

#define SOME 40

/* Lists beside an array that says what is in them, and in which order */
struct model {
	struct dmring_call *at[SOME];
	u32 count;
};

static void same(const struct dmring_call_list *list, const struct model *m,
		 enum dmring_call_side side)
{
	struct dmring_call *c = dmring_calls_first(&t, list);
	u32 i;

	CHECK(list->count == m->count);
	for (i = 0; i < m->count; i++, c = c ? dmring_calls_next(&t, c, side) : NULL)
		CHECK(c == m->at[i]);
	CHECK(!c);
}

static void model_take(struct model *m, u32 i)
{
	m->count--;
	memmove(m->at + i, m->at + i + 1, (m->count - i) * sizeof(m->at[0]));
}

static void lists(void)
{
	struct dmring_call_list list[2] = { { 0 } };
	struct model model[2] = { { .count = 0 } };
	u64 seed = 5;
	int round;

	fresh();
	for (round = 0; round < 20000; round++) {
		u32 k = next_random(&seed) % 2, side = next_random(&seed) % 2 ? k : k;
		struct model *m = &model[k];

		if (m->count < SOME && next_random(&seed) % 2) {
			struct dmring_call *c = dmring_calls_add(&t, next_random(&seed));

			dmring_calls_link(&t, &list[k], c, side);
			m->at[m->count++] = c;
		} else if (m->count) {
			u32 i = next_random(&seed) % m->count;
			struct dmring_call *c = m->at[i];

			dmring_calls_unlink(&t, &list[k], c, side);
			dmring_calls_del(&t, c);
			model_take(m, i);
		}
		same(&list[k], m, side);
	}
	CHECK(t.used == model[0].count + model[1].count);
}

/* One call in both lists at once */
static void both_sides(void)
{
	struct dmring_call_list client = { 0 }, server = { 0 };
	struct dmring_call *c;
	int i;

	fresh();
	for (i = 0; i < 3; i++) {
		c = dmring_calls_add(&t, i * 99999ULL << 13);
		dmring_calls_link(&t, &client, c, DMRING_CALL_CLIENT);
		dmring_calls_link(&t, &server, c, DMRING_CALL_SERVER);
	}
	dmring_calls_unlink(&t, &server, &table[1], DMRING_CALL_SERVER);
	CHECK(client.count == 3 && server.count == 2);
	CHECK(dmring_calls_next(&t, &table[0], DMRING_CALL_CLIENT) == &table[1]);
	CHECK(dmring_calls_next(&t, &table[0], DMRING_CALL_SERVER) == &table[2]);
}

static u64 expire_all(u64 now)
{
	struct dmring_call *c;
	u64 ended = 0;
	u32 at = 0;

	while ((c = dmring_calls_expired(&t, now, &at))) {
		ended += c->cookie;
		dmring_calls_del(&t, c);
	}
	return ended;
}

static void deadlines(void)
{
	static const u64 at[] = { 500, 100, 0, 300, 100 };
	u32 i;

	fresh();
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		struct dmring_call *c = dmring_calls_add(&t, (i + 1) * 7777ULL << 13);

		c->cookie = 1ULL << i;
		CHECK(dmring_calls_set_deadline(&t, c, at[i]) == (i < 2));
	}
	CHECK(t.next_deadline == 100);
	CHECK(expire_all(99) == 0 && t.next_deadline == 100);
	CHECK(expire_all(100) == (2 | 16) && t.next_deadline == 300);
	CHECK(expire_all(400) == 8 && t.next_deadline == 500);
	table[0].state = DMRING_CALL_ENDED;	/* it has ended otherwise */
	CHECK(expire_all(1000) == 0 && t.next_deadline == ~0ULL && t.used == 2);
}

static struct dmring_host_offer offers[DMRING_OFFERS_TABLE];
static struct dmring_offers o;

static void named(char *name, const char *text)
{
	memset(name, 0, DMRING_NAME_SIZE);
	snprintf(name, DMRING_NAME_SIZE, "%s", text);
}

static u32 next_node(const char *text)
{
	char name[DMRING_NAME_SIZE];
	struct dmring_host_offer *h;
	u32 step = 0;

	named(name, text);
	h = dmring_offers_next(&o, name, &step);
	if (h)
		dmring_offers_took(&o, h);
	return h ? h->node : 0;
}

static void announce(u32 node, const char *text, u32 members)
{
	char name[DMRING_NAME_SIZE];

	named(name, text);
	dmring_offers_set(&o, node, name, members, 0);
}

static void in_turn(void)
{
	u32 i, seen[4] = { 0 };

	dmring_offers_init(&o, offers);
	CHECK(!next_node("work"));
	announce(1, "work", 2);
	announce(2, "rest", 1);
	announce(2, "work", 1);
	announce(3, "work", 1);
	for (i = 0; i < 30; i++)
		seen[next_node("work")]++;
	CHECK(seen[1] == 10 && seen[2] == 10 && seen[3] == 10);
	announce(2, "work", 0);
	announce(3, "work", 0);
	for (i = 0; i < 5; i++)
		CHECK(next_node("work") == 1 && next_node("rest") == 2);
	announce(1, "work", 0);
	CHECK(!next_node("work") && !next_node("wor") && !next_node("work "));
	/* places are used again */
	announce(9, "new", 1);
	CHECK(o.fresh == 4 && next_node("new") == 9);
}

static void too_many_offers(void)
{
	char name[DMRING_NAME_SIZE];
	u32 i, node;

	dmring_offers_init(&o, offers);
	for (i = 0; i < DMRING_OFFERS_MAX; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		announce(1, name, 1);
	}
	named(name, "one more");
	CHECK(!dmring_offers_may(&o, 1, name) && dmring_offers_may(&o, 2, name));
	named(name, "s5");
	CHECK(dmring_offers_may(&o, 1, name));
	for (node = 2; node <= DMRING_OFFERS_TABLE / DMRING_OFFERS_MAX + 1; node++)
		for (i = 0; i < DMRING_OFFERS_MAX; i++) {
			snprintf(name, sizeof(name), "s%u", i);
			announce(node, name, 1);
		}
	CHECK(o.fresh == DMRING_OFFERS_TABLE && o.lost == DMRING_OFFERS_MAX);
}

static u8 wire[DMRING_WIRE_PARCEL + DMRING_STATUS_SIZE];

static struct dmring_parcel a_request(void)
{
	struct dmring_parcel p = {
		.kind = DMRING_PARCEL_REQUEST, .dest = 2, .from = 1, .no = 77, .arg = 5,
	};

	named(p.name, "work");
	return p;
}

static bool takes(const struct dmring_parcel *p, u32 len)
{
	struct dmring_parcel q;
	char why[DMRING_WHY_SIZE];

	dmring_parcel_put(wire, p);
	if (dmring_parcel_get(wire, DMRING_WIRE_PARCEL + len, &q, why))
		return false;
	CHECK(!memcmp(p, &q, sizeof(q)));
	return true;
}

#define REFUSED(change, len) do {					\
	struct dmring_parcel p = a_request();				\
	change;								\
	CHECK(!takes(&p, len));						\
} while (0)

static void requests(void)
{
	struct dmring_parcel p = a_request();

	CHECK(takes(&p, 0) && takes(&p, DMRING_DIRECT_MAX));
	p.flags = DMRING_REQUEST_ONE_WAY | DMRING_REQUEST_EACH;
	p.dest = 0;
	p.no = 0;
	p.member = 4097;
	CHECK(takes(&p, 10));
	REFUSED(p.kind = 0, 0);
	REFUSED(p.kind = DMRING_PARCEL_KINDS, 0);
	REFUSED(p.flags = 8, 0);
	REFUSED(p.flags = DMRING_REQUEST_EACH, 0);
	REFUSED(p.dest = 0, 0);
	REFUSED(p.no = 0, 0);
	REFUSED(p.member = 1, 0);
	REFUSED(p.error = 1, 0);
	REFUSED(p.name[0] = 0, 0);
	REFUSED(p.name[2] = '\n', 0);
	REFUSED(p.name[20] = 'x', 0);
	REFUSED(memset(p.name, 'x', sizeof(p.name)), 0);
	REFUSED((void)p, DMRING_DIRECT_MAX + 1);
}

#undef REFUSED
#define REFUSED(make, change, len) do {					\
	struct dmring_parcel p = make;					\
	change;								\
	CHECK(!takes(&p, len));						\
} while (0)

static void replies(void)
{
	const struct dmring_parcel good = {
		.kind = DMRING_PARCEL_REPLY, .dest = 1, .from = 2, .no = 77, .error = 4095,
	};

	CHECK(takes(&good, 0) && takes(&good, 100));
	REFUSED(good, p.error = 4096, 0);
	REFUSED(good, p.dest = 0, 0);
	REFUSED(good, p.no = 0, 0);
	REFUSED(good, p.member = 1, 0);
	REFUSED(good, p.flags = 8, 0);
	REFUSED(good, p.name[0] = 'x', 0);
	REFUSED(good, (void)p, DMRING_DIRECT_MAX + 1);
}

static void announcements(void)
{
	struct dmring_parcel offer = { .kind = DMRING_PARCEL_OFFER, .from = 1, .member = 3 };
	const struct dmring_parcel status = {
		.kind = DMRING_PARCEL_STATUS, .from = 1, .member = 3, .arg = ~0ULL,
	};
	const struct dmring_parcel gone = {
		.kind = DMRING_PARCEL_STATUS, .flags = DMRING_STATUS_GONE, .from = 1, .member = 3,
	};

	named(offer.name, "work");
	CHECK(takes(&offer, 0));
	REFUSED(offer, (void)p, 1);
	REFUSED(offer, p.member = DMRING_SLOTS_MAX + 1, 0);
	REFUSED(offer, p.dest = 1, 0);
	REFUSED(offer, p.arg = 1ULL << 32, 0);
	REFUSED(offer, p.name[0] = 0, 0);
	memset(wire + DMRING_WIRE_PARCEL, 0, DMRING_STATUS_SIZE);
	CHECK(takes(&status, DMRING_STATUS_SIZE));
	REFUSED(status, (void)p, DMRING_STATUS_SIZE - 1);
	REFUSED(status, p.member = DMRING_SLOTS_MAX, DMRING_STATUS_SIZE);
	REFUSED(status, p.name[0] = 'x', DMRING_STATUS_SIZE);
	wire[DMRING_WIRE_PARCEL] = 7;
	REFUSED(status, (void)p, DMRING_STATUS_SIZE);
	memset(wire + DMRING_WIRE_PARCEL, 'x', DMRING_STATUS_SIZE);
	REFUSED(status, (void)p, DMRING_STATUS_SIZE);
	CHECK(takes(&gone, 0));
	REFUSED(gone, (void)p, DMRING_STATUS_SIZE);
	REFUSED(gone, p.arg = 1, 0);
	REFUSED(gone, p.flags = 2, 0);
	REFUSED(gone, p.flags = 0, 0);
	REFUSED(gone, p.member = DMRING_SLOTS_MAX, 0);
}

/* Any bytes, of any length: taken whole or refused in words */
static void any_bytes(void)
{
	struct dmring_parcel p;
	u64 seed = 9;
	int round, i;

	for (round = 0; round < 100000; round++) {
		char why[DMRING_WHY_SIZE] = "";
		u32 len = next_random(&seed) % (sizeof(wire) + 1);
		u8 *buf = malloc(len + 1);
		int err;

		for (i = 0; i < (int)len; i++)
			buf[i] = next_random(&seed) % 3 ? 0 : next_random(&seed);
		if (len)
			buf[0] = next_random(&seed) % 6;
		err = dmring_parcel_get(buf, len, &p, why);
		CHECK(!err == !why[0]);
		free(buf);
	}
}

const struct test call_tests[] = {
	{ "calls: numbers that only their holders know", numbers },
	{ "calls: a full table", full },
	{ "calls: lists", lists },
	{ "calls: both sides at once", both_sides },
	{ "calls: deadlines", deadlines },
	{ "offers: in turn", in_turn },
	{ "offers: too many", too_many_offers },
	{ "parcels: requests", requests },
	{ "parcels: replies", replies },
	{ "parcels: announcements", announcements },
	{ "parcels: any bytes", any_bytes },
	{ NULL, NULL },
};
