// SPDX-License-Identifier: GPL-2.0-only
/* Ballots, who wins them, and when they are counted: every small group, every case. */
#include "election-rules.h"
#include "test.h"

#define KINDS	32U	/* what a member of a small group can be: five bits */

/* Member @id of a group, from five bits */
static struct dmring_ballot kind(u32 bits, u32 id)
{
	return (struct dmring_ballot){
		.willing = bits & 1,
		.weight = bits & 2 ? 700 : 100,
		.served = bits & 4 ? 2000 : 1000,
		.since = bits & 8 ? 20 : 10,
		/* so that age and number do not go the same way */
		.id = bits & 16 ? 100 - id : id,
	};
}

/* The rule once more, as one number: the largest wins; 0 is unwilling */
static u64 rank(const struct dmring_ballot *b)
{
	if (!b->willing)
		return 0;
	return (u64)b->weight << 48 | (u64)(4095 - b->served) << 32 |
	       (u64)(4095 - b->since) << 16 | (1000 - b->id);
}

static void words(void)
{
	struct dmring_ballot b;
	u32 bit, w;

	for (w = 0; w <= DMRING_BALLOT_WEIGHT; w++) {
		bool ok = w <= DMRING_WEIGHT_MAX;

		CHECK(dmring_ballot_read(w | DMRING_BALLOT_WILLING, &b) == ok);
		CHECK(b.willing == ok && b.weight == (ok ? w : 0));
		CHECK(dmring_ballot_read(w, &b) == ok && !b.willing);
	}
	for (bit = 17; bit < 64; bit++) {
		CHECK(!dmring_ballot_read(1ULL << bit | DMRING_BALLOT_WILLING | 100, &b));
		CHECK(!b.willing && !b.weight);
	}
}

static void pairs(void)
{
	u32 i, k;

	for (i = 0; i < KINDS; i++) {
		struct dmring_ballot a = kind(i, 1);

		CHECK(dmring_ballot_beats(&a, NULL) == a.willing);
		CHECK(!dmring_ballot_beats(&a, &a) || !a.willing);
		for (k = 0; k < KINDS; k++) {
			struct dmring_ballot b = kind(k, 2);

			CHECK(dmring_ballot_beats(&a, &b) == (rank(&a) > rank(&b)));
		}
	}
}

static u64 word(const struct dmring_ballot *b)
{
	return b->weight | (b->willing ? DMRING_BALLOT_WILLING : 0);
}

static bool may_beat(const struct dmring_ballot *a, const struct dmring_ballot *top)
{
	return dmring_ballot_may_beat(word(a), a->served, a->since, top);
}

/* Counted one after the other, in whatever order: the same winner, by the rule */
static const struct dmring_ballot *count(const struct dmring_ballot *b, u32 n, u32 from)
{
	const struct dmring_ballot *top = NULL;
	u32 i;

	for (i = 0; i < n; i++)
		if ((!top || may_beat(&b[(from + i) % n], top)) &&
		    dmring_ballot_beats(&b[(from + i) % n], top))
			top = &b[(from + i) % n];
	return top;
}

static void groups(void)
{
	u32 all, n, i, from;

	for (all = 0; all < KINDS * KINDS * KINDS * KINDS; all++) {
		struct dmring_ballot b[4];
		const struct dmring_ballot *best = NULL;

		n = 1 + all % 4;
		for (i = 0; i < 4; i++)
			b[i] = kind((all >> (5 * i)) % KINDS, i);
		for (i = 0; i < n; i++)
			if (b[i].willing && (!best || rank(&b[i]) > rank(best)))
				best = &b[i];
		for (from = 0; from < n; from++)
			CHECK(count(b, n, from) == best);
	}
}

#define MS	DMRING_NS_PER_MS

static struct dmring_office in_office(void)
{
	return (struct dmring_office){
		.held = true, .willing = true, .since = 1000 * MS,
		.stopped = DMRING_NEVER, .timeout = 400 * MS, .rotate = DMRING_NEVER,
	};
}

static void verdicts(void)
{
	struct dmring_office o = in_office();
	u64 next;

	CHECK(!dmring_office_judge(&o, 5000 * MS, &next) && next == 5100 * MS);
	o.willing = false;
	CHECK(dmring_office_judge(&o, 5000 * MS, &next) == DMRING_TERM_UNWILLING);
	o.held = false;
	CHECK(dmring_office_judge(&o, 5000 * MS, &next) == DMRING_TERM_VACANT);
	CHECK(next == (5000 + DMRING_BALLOT_LOOK_MS) * MS);
	o = in_office();
	o.timeout = 60000 * MS;
	CHECK(!dmring_office_judge(&o, 5000 * MS, &next));
	CHECK(next == (5000 + DMRING_BALLOT_LOOK_MS) * MS);
	o.timeout = 10 * MS;
	CHECK(!dmring_office_judge(&o, 5000 * MS, &next) && next > 5002 * MS && next < 5003 * MS);
	o.timeout = 1 * MS;
	CHECK(!dmring_office_judge(&o, 5000 * MS, &next) && next == 5001 * MS);
}

/* Every moment around both limits: not a nanosecond early, and awake in time */
static void limits(void)
{
	struct dmring_office o = in_office();
	long long d;
	u64 next;

	for (d = -3; d <= 3; d++) {
		o = in_office();
		o.stopped = 3000 * MS;
		CHECK(dmring_office_judge(&o, 3400 * MS + d, &next) ==
		      (d < 0 ? 0 : DMRING_TERM_STOPPED));
		CHECK(d >= 0 || next == 3400 * MS);
		o.stopped = DMRING_NEVER;
		o.rotate = 2000 * MS;
		CHECK(dmring_office_judge(&o, 3000 * MS + d, &next) ==
		      (d < 0 ? 0 : DMRING_TERM_ROTATED));
		CHECK(d >= 0 || next == 3000 * MS);
		/* a stopped one is not rotated but replaced: the others hear why */
		o.stopped = 2600 * MS;
		CHECK(dmring_office_judge(&o, 3000 * MS + d, &next) ==
		      (d < 0 ? 0 : DMRING_TERM_STOPPED));
	}
	o = in_office();
	o.stopped = DMRING_NEVER - 1;
	o.rotate = DMRING_NEVER - 1;
	CHECK(!dmring_office_judge(&o, 5000 * MS, &next));
}

const struct test election_tests[] = {
	{ "election: every word of a ballot", words },
	{ "election: any two ballots", pairs },
	{ "election: every group of up to four, in any order", groups },
	{ "election: when ballots are counted", verdicts },
	{ "election: not early, and awake in time", limits },
	{ NULL, NULL },
};
