/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What comes out: a table while it goes on, ratios at the end, JSON
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"

/**
 * struct bench_result - a case, measured
 * @c: the case
 * @median: time of a message (ns or instructions)
 * @spread: (largest - smallest) / median of the repetitions
 */
struct bench_result {
	struct bench_case c;
	double median;
	double spread;
};

void bench_report_head(void);
/* @base: the same case on seqpacket, NULL when not measured */
void bench_report_line(const struct bench_result *r, const struct bench_result *base);
void bench_report_targets(const struct bench_result *all, int n);

const struct bench_result *bench_same(const struct bench_result *all, int n,
				      const struct bench_case *c, const char *transport);

/* 0 or -errno */
int bench_report_json(const struct bench_result *all, int n);

/**
 * struct bench_samples - what was measured of one kind
 * @name: of what
 * @from: when its time began, NULL where the name says it
 * @ns: each
 * @n: how many there are
 */
struct bench_samples {
	const char *name;
	const char *from;
	__u64 *ns;
	unsigned int n;
};

/* The smallest that @p per cent do not exceed (ns); sorts them. 0 if there are none. */
__u64 bench_percentile(struct bench_samples *s, unsigned int p);

struct json_object;
/* Name, origin and percentiles; the caller's */
struct json_object *bench_samples_json(struct bench_samples *s);

/* Write @obj to @path (NULL: nowhere) and give it up. 0 or -errno. */
int bench_write_json(const char *path, struct json_object *obj);

#endif /* BENCH_REPORT_H */
