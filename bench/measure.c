// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All cases, one after the other: shape by shape, size by size, so that the peers
 * of a comparison are measured next to each other.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "report.h"

#define BATCH		64
#define REPEAT_MAX	100
#define RESULTS_MAX	256

/*
 * How long a run is (ns or instructions); a first, short one finds out how many
 * messages that takes. On one CPU nothing but the ring disturbs it.
 */
#define RUN_INSTRUCTIONS	40e6
#define RUN_NS			200e6
#define COUNT_TRIAL		200
#define COUNT_MIN		10
#define COUNT_MAX		1000000

static const size_t sizes[] = { 64, 1024, 8192, 65536 };
static const int receivers[] = { 1, 8, 16, 64 };

static struct bench_result results[RESULTS_MAX];
static int n_results;

static void set_count(struct bench_case *c, double count)
{
	c->count = count < COUNT_MIN ? COUNT_MIN : count > COUNT_MAX ? COUNT_MAX : count;
	c->warm = c->count / 4;
}

static int find_count(struct bench_case *c)
{
	double run = bench_opts.icount ? RUN_INSTRUCTIONS : RUN_NS, per_msg;
	int err;

	set_count(c, COUNT_TRIAL / c->receivers);
	err = bench_run(c, &per_msg);
	if (!err)
		set_count(c, run * bench_opts.scale / 100 / per_msg);
	return err;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int measure(struct bench_case *c, struct bench_result *r)
{
	unsigned int n = bench_opts.repeat > REPEAT_MAX ? REPEAT_MAX : bench_opts.repeat;
	double times[REPEAT_MAX];
	int err = find_count(c);
	unsigned int i;

	for (i = 0; !err && i < n; i++)
		err = bench_run(c, &times[i]);
	if (err)
		return err;
	qsort(times, n, sizeof(times[0]), compare);
	r->c = *c;
	r->median = times[n / 2];
	r->spread = (times[n - 1] - times[0]) / r->median;
	return 0;
}

/* Is it asked for, and does it make sense here? */
static bool wanted(const struct bench_transport *t, enum bench_shape shape, size_t bytes)
{
	const char *list = bench_opts.transports, *at;
	size_t len = strlen(t->name);

	if (!(t->shapes & 1U << shape) || (t->most && bytes > t->most) ||
	    (bench_opts.shape >= 0 && (enum bench_shape)bench_opts.shape != shape))
		return false;
	if (!list)
		return t != &bench_dmring_poll || sysconf(_SC_NPROCESSORS_ONLN) > 1;
	for (at = list; (at = strstr(at, t->name)); at += len)
		if ((at == list || at[-1] == ',') && (!at[len] || at[len] == ','))
			return true;
	return false;
}

static int each_transport(enum bench_shape shape, int n, size_t size)
{
	const struct bench_transport *const *t;
	int err;

	for (t = bench_transports; *t; t++) {
		struct bench_case c = {
			.t = *t, .shape = shape, .receivers = n, .size = size, .batch = BATCH,
		};

		if (!wanted(*t, shape, size) || n_results == RESULTS_MAX)
			continue;
		err = measure(&c, &results[n_results]);
		if (err)
			return bench_fail(0, "%s failed: %zu bytes to %d", (*t)->name, size, n);
		n_results++;
		bench_report_line(&results[n_results - 1],
				  bench_same(results, n_results, &c, "seqpacket"));
	}
	return 0;
}

static int each_size(enum bench_shape shape, int n)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(sizes); i++)
		if (!bench_opts.size || bench_opts.size == sizes[i])
			err = each_transport(shape, n, sizes[i]);
	return err;
}

int bench_measure(void)
{
	size_t i;
	int err;

	bench_report_head();
	err = each_size(BENCH_ROUNDTRIP, 1);
	if (!err)
		err = each_size(BENCH_REQUESTS, 1);
	for (i = 0; !err && i < ARRAY_SIZE(receivers); i++)
		if (!bench_opts.receivers || (int)bench_opts.receivers == receivers[i])
			err = each_size(BENCH_STREAM, receivers[i]);
	if (err)
		return 1;
	bench_report_targets(results, n_results);
	return bench_report_json(results, n_results) ? 1 : 0;
}
