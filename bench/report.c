// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "report.h"

#define SPREAD_MAX	0.01	/* of instructions; above it, a figure is marked */

/* A limit on a ratio to seqpacket, which is measured in the shape @base, in instructions */
struct target {
	const char *what;
	const char *transport;
	enum bench_shape shape;
	enum bench_shape base;
	int receivers;
	double limit;
};

#define TARGET_SIZE	64

static const struct target targets[] = {
	{ "1:1 stream in batches", "dmring", BENCH_STREAM, BENCH_STREAM, 1, 1.0 / 5 },
	{ "1:8 fan-out", "dmring", BENCH_STREAM, BENCH_STREAM, 8, 1.0 / 15 },
	{ "blocking round trip", "dmring", BENCH_ROUNDTRIP, BENCH_ROUNDTRIP, 1, 1.0 },
	{ "blocking round trip", "dmring-send", BENCH_ROUNDTRIP, BENCH_ROUNDTRIP, 1, 1.0 },
	{ "call and reply", "dmring-call", BENCH_ROUNDTRIP, BENCH_ROUNDTRIP, 1, 0.9 },
	{ "one of 64 requests", "dmring-call", BENCH_REQUESTS, BENCH_ROUNDTRIP, 1, 0.25 },
};

static const char *const shapes[] = {
	[BENCH_ROUNDTRIP] = "round trip",
	[BENCH_STREAM] = "stream",
	[BENCH_REQUESTS] = "requests",
};

static const char *shape_name(const struct bench_case *c)
{
	return shapes[c->shape];
}

const struct bench_result *bench_same(const struct bench_result *all, int n,
				      const struct bench_case *c, const char *transport)
{
	int i;

	for (i = 0; i < n; i++) {
		const struct bench_case *o = &all[i].c;

		if (o->shape == c->shape && o->receivers == c->receivers &&
		    o->size == c->size && !strcmp(o->t->name, transport))
			return &all[i];
	}
	return NULL;
}

void bench_report_head(void)
{
	printf("%s; \"ratio\": to seqpacket of this run, smaller is better\n\n",
	       bench_opts.icount ? "one CPU, executed instructions" : "wall clock");
	printf("%-11s %3s %6s  %-15s %13s %10s %8s %7s\n", "shape", "1:N", "bytes", "transport",
	       bench_opts.icount ? "instr/msg" : "us/msg", bench_opts.icount ? "" : "msg/s",
	       "ratio", "spread");
	fflush(stdout);
}

void bench_report_line(const struct bench_result *r, const struct bench_result *base)
{
	printf("%-11s %3d %6zu  %-15s ", shape_name(&r->c), r->c.receivers, r->c.size,
	       r->c.t->name);
	if (bench_opts.icount)
		printf("%13.0f %10s ", r->median, "");
	else
		printf("%13.2f %10.0f ", r->median / 1e3, 1e9 / r->median);
	if (base)
		printf("%8.4f ", r->median / base->median);
	else
		printf("%8s ", "-");
	printf("%6.1f%%%s\n", 100 * r->spread,
	       bench_opts.icount && r->spread > SPREAD_MAX ? " !" : "");
	fflush(stdout);
}

/* The ratio that @t limits, or a negative value when it was not measured */
static double ratio(const struct bench_result *all, int n, const struct target *t)
{
	struct bench_case c = {
		.shape = t->shape, .receivers = t->receivers, .size = TARGET_SIZE,
	};
	const struct bench_result *r = bench_same(all, n, &c, t->transport), *base;

	c.shape = t->base;
	base = bench_same(all, n, &c, "seqpacket");
	return r && base ? r->median / base->median : -1;
}

static void print_target(const struct target *t, double got)
{
	if (got < 0)
		return;
	printf("%-22s %d B  %-12s %.4f of seqpacket's %s, at most %.4f: %s\n", t->what,
	       TARGET_SIZE, t->transport, got, shapes[t->base], t->limit,
	       got <= t->limit ? "PASS" : "FAIL");
}

void bench_report_targets(const struct bench_result *all, int n)
{
	size_t i;

	if (!bench_opts.icount)
		return;
	printf("\n");
	for (i = 0; i < ARRAY_SIZE(targets); i++)
		print_target(&targets[i], ratio(all, n, &targets[i]));
	fflush(stdout);
}

static struct json_object *result_json(const struct bench_result *r,
				       const struct bench_result *base)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "shape", json_object_new_string(shape_name(&r->c)));
	json_object_object_add(o, "transport", json_object_new_string(r->c.t->name));
	json_object_object_add(o, "receivers", json_object_new_int(r->c.receivers));
	json_object_object_add(o, "size", json_object_new_int(r->c.size));
	json_object_object_add(o, "batch", json_object_new_int(r->c.shape == BENCH_ROUNDTRIP ?
							       1 : r->c.batch));
	json_object_object_add(o, "messages", json_object_new_int64(r->c.count));
	json_object_object_add(o, "per_message", json_object_new_double(r->median));
	json_object_object_add(o, "spread", json_object_new_double(r->spread));
	if (base)
		json_object_object_add(o, "ratio",
				       json_object_new_double(r->median / base->median));
	return o;
}

static struct json_object *targets_json(const struct bench_result *all, int n)
{
	struct json_object *list = json_object_new_array(), *o;
	double got;
	size_t i;

	for (i = 0; bench_opts.icount && i < ARRAY_SIZE(targets); i++) {
		got = ratio(all, n, &targets[i]);
		if (got < 0)
			continue;
		o = json_object_new_object();
		json_object_object_add(o, "what", json_object_new_string(targets[i].what));
		json_object_object_add(o, "transport",
				       json_object_new_string(targets[i].transport));
		json_object_object_add(o, "base", json_object_new_string(shapes[targets[i].base]));
		json_object_object_add(o, "size", json_object_new_int(TARGET_SIZE));
		json_object_object_add(o, "ratio", json_object_new_double(got));
		json_object_object_add(o, "limit", json_object_new_double(targets[i].limit));
		json_object_object_add(o, "pass", json_object_new_boolean(got <= targets[i].limit));
		json_object_array_add(list, o);
	}
	return list;
}

int bench_report_json(const struct bench_result *all, int n)
{
	struct json_object *top = json_object_new_object();
	struct json_object *list = json_object_new_array();
	int i;

	json_object_object_add(top, "unit", json_object_new_string(bench_opts.icount ?
								   "instructions" : "ns"));
	json_object_object_add(top, "cpus", json_object_new_int(sysconf(_SC_NPROCESSORS_ONLN)));
	json_object_object_add(top, "repeat", json_object_new_int(bench_opts.repeat));
	for (i = 0; i < n; i++)
		json_object_array_add(list, result_json(&all[i], bench_same(all, n, &all[i].c,
									    "seqpacket")));
	json_object_object_add(top, "results", list);
	json_object_object_add(top, "targets", targets_json(all, n));
	return bench_write_json(bench_opts.json, top);
}

int bench_write_json(const char *path, struct json_object *obj)
{
	int err = 0;

	if (path && json_object_to_file_ext(path, obj, JSON_C_TO_STRING_PRETTY))
		err = bench_fail(EIO, "%s: %s", path, json_util_get_last_err());
	json_object_put(obj);
	return err;
}

static int by_size(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

__u64 bench_percentile(struct bench_samples *s, unsigned int p)
{
	qsort(s->ns, s->n, sizeof(*s->ns), by_size);
	/* nearest rank: of 50, the p99 is the largest */
	return s->n ? s->ns[(s->n * p + 99) / 100 - 1] : 0;
}

struct json_object *bench_samples_json(struct bench_samples *s)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "what", json_object_new_string(s->name));
	if (s->from)
		json_object_object_add(o, "from", json_object_new_string(s->from));
	json_object_object_add(o, "p50_ns", json_object_new_uint64(bench_percentile(s, 50)));
	json_object_object_add(o, "p99_ns", json_object_new_uint64(bench_percentile(s, 99)));
	json_object_object_add(o, "max_ns", json_object_new_uint64(bench_percentile(s, 100)));
	return o;
}
