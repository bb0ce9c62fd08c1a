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

/* As the kernel counts: in whatever order, and dear looks only where they matter */
static struct dmring_count counted(const struct dmring_ballot *b, const enum dmring_motion *motion,
				   u32 n, u32 from)
{
	struct dmring_count c = { };
	const struct dmring_ballot *top = &c.best[DMRING_RUNS];
	u32 i, k;

	for (i = 0; i < n; i++) {
		k = (from + i) % n;
		if (top->willing &&
		    !dmring_ballot_may_beat(word(&b[k]), b[k].served, b[k].since, top))
			continue;
		if (dmring_count_wants(&c, &b[k]))
			dmring_count_add(&c, &b[k], motion[k]);
	}
	return c;
}

/* The best of those with this motion, or NULL */
static const struct dmring_ballot *best_of(const struct dmring_ballot *b,
					   const enum dmring_motion *motion, u32 n,
					   enum dmring_motion which)
{
	const struct dmring_ballot *best = NULL;
	u32 i;

	for (i = 0; i < n; i++)
		if (motion[i] == which && b[i].willing && (!best || rank(&b[i]) > rank(best)))
			best = &b[i];
	return best;
}

/* Whatever the order: the same winner, by the rule */
static void check_count(const struct dmring_ballot *b, const enum dmring_motion *motion, u32 n)
{
	const struct dmring_ballot *runs = best_of(b, motion, n, DMRING_RUNS);
	const struct dmring_ballot *best = runs ?: best_of(b, motion, n, DMRING_STANDS);
	u32 from;

	for (from = 0; from < n; from++) {
		struct dmring_count c = counted(b, motion, n, from);
		const struct dmring_ballot *winner = dmring_count_winner(&c);

		CHECK(!winner == !best && (!best || winner->id == best->id));
		/* while they run, nobody hands over to one that stands */
		CHECK(dmring_office_goes(DMRING_TERM_ROTATED, &c) == !!runs);
		CHECK(dmring_office_goes(DMRING_TERM_STOPPED, &c) == !!runs);
		CHECK(dmring_office_goes(DMRING_TERM_RESIGNED, &c) == !!runs);
		CHECK(dmring_office_goes(DMRING_TERM_LEFT, &c));
		CHECK(dmring_office_goes(DMRING_TERM_UNWILLING, &c));
		CHECK(dmring_office_goes(DMRING_TERM_ELECTED, &c));
		CHECK(dmring_office_goes(DMRING_TERM_VACANT, &c));
	}
}

static void groups(void)
{
	const enum dmring_motion motion[4] = { };
	u32 all, i;

	for (all = 0; all < KINDS * KINDS * KINDS * KINDS; all++) {
		struct dmring_ballot b[4];

		for (i = 0; i < 4; i++)
			b[i] = kind((all >> (5 * i)) % KINDS, i);
		check_count(b, motion, 1 + all % 4);
	}
}

#define MOVING	(8U * 3)	/* willing, weight and service, in each motion */

static void motions(void)
{
	u32 all, i, rest;

	for (all = 0; all < MOVING * MOVING * MOVING * MOVING; all++) {
		enum dmring_motion motion[4];
		struct dmring_ballot b[4];

		for (i = 0, rest = all; i < 4; i++, rest /= MOVING) {
			b[i] = kind(rest % 8, i);
			motion[i] = rest % MOVING / 8;
		}
		for (i = 1; i <= 4; i++)
			check_count(b, motion, i);
	}
}

/* Who is reproached with something does not stand again at once. */
static void reproaches(void)
{
	CHECK(dmring_office_takes_part(DMRING_TERM_ROTATED));
	CHECK(dmring_office_takes_part(DMRING_TERM_ELECTED));
	CHECK(!dmring_office_takes_part(DMRING_TERM_STOPPED));
	CHECK(!dmring_office_takes_part(DMRING_TERM_UNWILLING));
	CHECK(!dmring_office_takes_part(DMRING_TERM_RESIGNED));
	CHECK(!dmring_office_takes_part(DMRING_TERM_LEFT));
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
	{ "election: every group of up to four, running, standing or dying", motions },
	{ "election: who takes part", reproaches },
	{ "election: when ballots are counted", verdicts },
	{ "election: not early, and awake in time", limits },
	{ NULL, NULL },
};
