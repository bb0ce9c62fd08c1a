// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulator: many schedules, each from its seed. What fails is told with the seed, made
 * as small as leaving out kinds of faults makes it, and can be run again with a trace.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "sim.h"

static bool quick;	/* one failure is enough, as it is */

/* Few, mostly: there are as many faults, and they meet sooner. Some take a majority of many. */
static u16 some_hosts(u64 *rnd)
{
	u64 r = next_random(rnd);

	return r % 32 ? 2 + r / 32 % 4 : 6 + r / 32 % 4;
}

/* What a seed stands for */
static struct sim_opts options(u64 seed, u16 hosts)
{
	u64 rnd = seed * 0x5851f42d4c957f2dULL + 1;
	struct sim_opts o = {
		.seed = seed,
		.hosts = hosts ?: some_hosts(&rnd),
		.order = next_random(&rnd) % 3,
		.length = (50 + next_random(&rnd) % 150) * MS,
	};

	o.f.cuts = next_random(&rnd) % 2 * (next_random(&rnd) % 8);
	o.f.blocks = next_random(&rnd) % 2 * (next_random(&rnd) % 4);
	o.f.splits = next_random(&rnd) % 2 * (next_random(&rnd) % 3);
	o.f.crashes = next_random(&rnd) % 2 * (next_random(&rnd) % 6);
	o.f.freezes = next_random(&rnd) % 3 ? 0 : next_random(&rnd) % 3;
	o.f.readers = next_random(&rnd) % 3 ? 0 : next_random(&rnd) % 4;
	o.f.deaths = next_random(&rnd) % 2 * (next_random(&rnd) % 5);
	o.f.late = next_random(&rnd) % 3 ? 0 : next_random(&rnd) % 30;
	o.f.departs = next_random(&rnd) % 2 * (next_random(&rnd) % 150);
	o.f.lazy = next_random(&rnd) % 2 * (next_random(&rnd) % 4);
	return o;
}

static void describe(const struct sim_opts *o)
{
	static const char *const orders[] = { "fifo", "total", "safe" };

	printf("# seed %llu: %u hosts, order %s, %llu ms; cuts %u blocks %u splits %u crashes %u freezes %u readers %u deaths %u late %u departs %u lazy %u\n",
	       o->seed, o->hosts, orders[o->order], o->length / MS, o->f.cuts, o->f.blocks,
	       o->f.splits, o->f.crashes, o->f.freezes, o->f.readers, o->f.deaths, o->f.late,
	       o->f.departs, o->f.lazy);
}

/* Leave out kinds of faults, and time, as long as it still fails. */
static void shrink(struct world *w, struct sim_opts *o)
{
	u32 *kinds[] = { &o->f.cuts, &o->f.blocks, &o->f.splits, &o->f.crashes, &o->f.freezes,
			 &o->f.readers, &o->f.deaths, &o->f.late, &o->f.departs, &o->f.lazy };
	struct sim_opts best = *o;
	u32 i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		u32 was = *kinds[i];

		*kinds[i] = 0;
		if (was && world_run(w, o))
			best = *o;
		*o = best;
	}
	while (o->length > 20 * MS) {
		o->length /= 2;
		if (!world_run(w, o))
			break;
		best = *o;
	}
	*o = best;
}

/* One schedule; true if it went wrong, which is told. */
static bool try(struct world *w, struct sim_opts *o)
{
	const char *wrong;

	if (o->trace)
		describe(o);
	wrong = world_run(w, o);
	if (!wrong)
		return false;
	printf("# %s\n", wrong);
	if (!o->trace && !quick) {
		shrink(w, o);
		printf("# again, with a trace: sim -t %llu; and it fails as well with this:\n",
		       o->seed);
	}
	describe(o);
	return true;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int usage(void)
{
	printf("usage: sim [-n SCHEDULES] [-s FIRST SEED] [-t SEED: one, with a trace] [-v: messages, too] [-h HOSTS] [-q: the first failure, as it is]\n");
	return 2;
}

int main(int argc, char **argv)
{
	u64 first = 1, count = 1000, trace = 0, i, failed = 0, most = 5;
	struct world *w = world_new();
	double begin = seconds();
	bool messages_too = false;
	u16 hosts = 0;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:t:h:vq")) != -1) {
		if (opt == 'n')
			count = strtoull(optarg, NULL, 0);
		else if (opt == 's')
			first = strtoull(optarg, NULL, 0);
		else if (opt == 't')
			trace = strtoull(optarg, NULL, 0);
		else if (opt == 'v')
			messages_too = true;
		else if (opt == 'q')
			quick = true;
		else if (opt == 'h')
			hosts = atoi(optarg);
		else
			return usage();
	}
	if (quick)
		most = 1;
	if (trace) {
		first = trace;
		count = 1;
	}
	printf("KTAP version 1\n1..1\n");
	for (i = first; i < first + count && failed < most; i++) {
		struct sim_opts o = options(i, hosts);

		o.trace = trace;
		o.messages = messages_too;
		failed += try(w, &o);
	}
	printf("# %llu messages, %llu views installed, %llu steps; %.0f schedules a second\n",
	       w->messages, w->views, w->steps, (i - first) / (seconds() - begin));
	printf("# requests: %llu ended with a reply, %llu without\n", w->replies, w->ends);
	printf("%sok 1 %llu schedules, %llu violations\n", failed ? "not " : "", i - first, failed);
	printf("# Totals: pass:%d fail:%d xfail:0 xpass:0 skip:0 error:0\n", !failed, !!failed);
	world_free(w);
	return !!failed;
}
