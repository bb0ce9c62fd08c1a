// SPDX-License-Identifier: GPL-2.0-only
/* What is measured of rings of 2 to 128 hosts, and how it is told. */
#include <stdio.h>
#include <unistd.h>
#include "scale.h"

static const char *const orders[] = { "fifo", "total", "safe" };

struct row {
	struct ring_opts o;
	double rate;		/* messages a second of all hosts together */
	u64 light[2], full[2];	/* latency: median and 99 % (ns) */
	struct traffic t;	/* under full load */
};

static FILE *csv;		/* the tables go there, too */
static const char *wrong;	/* the first promise that was not kept */
static char wrong_text[320];

static void judge(const struct ring_opts *o, const char *failed)
{
	if (!failed || wrong)
		return;
	snprintf(wrong_text, sizeof(wrong_text), "%u hosts, order %s, %u bytes, seed %llu: %s",
		 o->hosts, orders[o->order], o->size, o->seed, failed);
	wrong = wrong_text;
}

static u64 below(struct ring *r, u64 n)
{
	return next_random(&r->rnd) % n;
}

static void latencies(struct ring *r, u64 *ns)
{
	ns[0] = sample_at(&r->latency, 500);
	ns[1] = sample_at(&r->latency, 990);
	r->latency.count = 0;
}

/* One message at a time, of any host, when the one before is everywhere and the marks, too */
static const char *light_load(struct ring *r, u32 n, u64 *ns)
{
	while (n-- && !r->failed) {
		if (!host_send(&r->host[below(r, r->o.hosts)]))
			ring_fail(r, "a ring at rest has no room", 0, "");
		ring_deliver(r);
		ring_rest(r);
		ring_until(r, r->now + below(r, MS));
	}
	latencies(r, ns);
	return r->failed;
}

/* All send what their windows take; what comes first is not counted. */
static const char *full_load(struct ring *r, u32 n, struct row *row)
{
	u16 i;

	memset(&r->traffic, 0, sizeof(r->traffic));
	r->steady = r->accepted + n / 3;
	r->flood = r->accepted + n;
	for (i = 0; i < r->o.hosts; i++)
		host_wake(&r->host[i], r->now);
	ring_deliver(r);
	ring_rest(r);
	latencies(r, row->full);
	row->rate = (n - n / 3 - 1) * 1e9 / (r->last_at - r->steady_at);
	row->t = r->traffic;
	return r->failed;
}

static struct row measure(const struct ring_opts *o, u32 light, u32 full)
{
	struct row row = { .o = *o };
	struct ring *r = ring_new(o);

	if (!ring_close(r) && !light_load(r, light, row.light))
		full_load(r, full, &row);
	judge(o, r->failed);
	ring_free(r);
	return row;
}

/*
 * Silence: a host stops at any moment, its neighbours do not know. Every now and then
 * somebody has sent a message until then.
 */
static void fall_silent(const struct ring_opts *o, struct sample *s)
{
	struct ring *r = ring_new(o);
	u16 dead, i;
	u64 at;

	ring_close(r);
	for (i = below(r, 20); i && !r->failed; i--) {
		ring_until(r, r->now + below(r, 10 * MS));
		host_send(&r->host[below(r, o->hosts)]);
	}
	ring_until(r, r->now + below(r, 60 * MS));
	dead = below(r, o->hosts);
	r->host[dead].silent = true;
	at = r->now;
	ring_until(r, at + 2 * DMRING_DEAD_DEFAULT * MS);
	for (i = 0; i < 2; i++) {
		u16 who = (dead + (i == DMRING_OUT ? o->hosts - 1 : 1)) % o->hosts;

		if (!r->host[who].noticed[i])
			ring_fail(r, "silence is not noticed", who + 1, "");
		else
			sample_add(s, r->host[who].noticed[i] - at);
	}
	judge(o, r->failed);
	ring_free(r);
}

static struct sample silences(u16 hosts, u32 times, u64 seed)
{
	struct ring_opts o = { .hosts = hosts, .log = 1U << 17, .size = 64, .seed = seed };
	struct sample s = { 0 };

	while (times-- && !wrong) {
		fall_silent(&o, &s);
		o.seed++;
	}
	return s;
}

/*
 * Telling
 */

static double per_hop(const struct row *row, u64 ns)
{
	return ns / 1e3 / (row->o.hosts - 1);
}

static double percent(const struct row *row, u64 bytes)
{
	return 100.0 * bytes / row->t.payload;
}

/* A link carries all but what its far end has sent itself. */
static double link_use(const struct row *row)
{
	const struct traffic *t = &row->t;
	u64 bytes = t->payload + t->headers + t->marks + t->orders + t->beats;
	double carried = row->rate * row->o.size * (row->o.hosts - 1) / row->o.hosts;

	return percent(row, bytes) * carried * 8 / 1e9 / LINK_BITS;
}

/* The rule of a table in reStructuredText */
static void tell_rule(const u8 *widths)
{
	static const char line[] = "=========";

	for (; *widths; widths++)
		printf("%.*s%c", *widths, line, widths[1] ? ' ' : '\n');
}

static const u8 columns[] = { 5, 5, 9, 7, 9, 7, 5, 6, 6, 7, 7, 5, 5, 0 };

static void tell_head(const struct ring_opts *o)
{
	printf("\n%u bytes, logs of %u KiB\n\n", o->size, o->log >> 10);
	tell_rule(columns);
	printf("order hosts each      each    all       all     link  ");
	printf("light  light  full    full    head  marks\n");
	printf("            msg/s     MB/s    msg/s     MB/s    %%     ");
	printf("p50    p99    p50     p99     %%     %%\n");
	tell_rule(columns);
}

/* Two forms: of messages, and of latencies and what is said beside them */
static void put_row(FILE *to, const char *const forms[2], const struct row *row)
{
	const struct traffic *t = &row->t;
	double each = row->rate / row->o.hosts, mb = row->o.size / 1e6;

	fprintf(to, forms[0], orders[row->o.order], row->o.hosts, each, each * mb, row->rate,
		row->rate * mb, link_use(row));
	fprintf(to, forms[1], per_hop(row, row->light[0]), per_hop(row, row->light[1]),
		per_hop(row, row->full[0]), per_hop(row, row->full[1]),
		percent(row, t->headers), percent(row, t->marks + t->orders + t->beats));
}

static void tell_row(const struct row *row)
{
	static const char *const plain[] = {
		"%-5s %-5u %9.0f %7.2f %9.0f %7.1f %5.1f ", "%6.1f %6.1f %7.1f %7.1f %5.1f %5.1f\n",
	};
	static const char *const commas[] = {
		"%s,%u,%.0f,%.3f,%.0f,%.3f,%.1f,", "%.2f,%.2f,%.2f,%.2f,%.2f,%.2f\n",
	};

	put_row(stdout, plain, row);
	fflush(stdout);
	if (!csv)
		return;
	fprintf(csv, "%u,%u,", row->o.size, row->o.log >> 10);
	put_row(csv, commas, row);
}

static void table(struct ring_opts *o, u32 messages, u16 most)
{
	tell_head(o);
	for (o->order = 0; o->order < 3; o->order++) {
		for (o->hosts = 2; o->hosts <= most; o->hosts *= 2) {
			struct row row = measure(o, 100, messages);

			if (wrong)
				return;
			tell_row(&row);
		}
	}
	tell_rule(columns);
}

static void tables(u64 seed, u16 most)
{
	static const struct {
		u32 size, log, messages;
	} kinds[] = {
		{ 1024, 1U << 20, 12000 }, { 1024, 1U << 22, 20000 }, { 64, 1U << 20, 30000 },
	};
	u32 i;

	if (csv) {
		fprintf(csv, "bytes,log,order,hosts,each_msgs,each_mb,all_msgs,all_mb,link,");
		fprintf(csv, "light50,light99,full50,full99,head,marks\n");
	}
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !wrong; i++) {
		struct ring_opts o = {
			.size = kinds[i].size, .log = kinds[i].log, .seed = seed,
		};

		table(&o, kinds[i].messages, most);
	}
}

static void silence(u64 seed)
{
	static const u8 widths[] = { 5, 8, 8, 0 };
	static const u16 hosts[] = { 3, 32 };
	u32 i;

	printf("\nhow long silence lasts until it is noticed\n\n");
	tell_rule(widths);
	printf("hosts p50      longest\n");
	tell_rule(widths);
	for (i = 0; i < 2 && !wrong; i++) {
		struct sample s = silences(hosts[i], 300, seed);

		printf("%-5u %5.1f ms %5.1f ms\n", hosts[i], sample_at(&s, 500) / 1e6,
		       sample_at(&s, 1000) / 1e6);
		free(s.ns);
	}
	tell_rule(widths);
}

/*
 * A short look: are the promises kept?
 */

static u32 count, failed;

static void verdict(bool ok, const char *what)
{
	printf("%sok %u %s\n", ok && !wrong ? "" : "not ", ++count, what);
	if (wrong)
		printf("# %s\n", wrong);
	failed += !ok || wrong;
	wrong = NULL;
}

static void look_at_messages(u64 seed)
{
	struct ring_opts o = { .size = 1024, .log = 1U << 20, .seed = seed };
	char what[100];

	for (o.order = 0; o.order < 3; o.order++) {
		u64 first = 0, last = 0;
		bool fine;

		for (o.hosts = 2; o.hosts <= 32 && !wrong; o.hosts *= 2) {
			struct row row = measure(&o, 40, 4000);

			last = row.light[1] / (o.hosts - 1);
			first = first ?: last;
		}
		fine = !wrong;
		snprintf(what, sizeof(what), "order %s: everything everywhere once, in order",
			 orders[o.order]);
		verdict(true, what);
		printf("# %llu ns a hop with 2 hosts, %llu with 32\n", first, last);
		snprintf(what, sizeof(what),
			 "order %s: a hop takes 32 hosts at most twice as long as 2",
			 orders[o.order]);
		verdict(fine && last <= 2 * first, what);
	}
}

static void look_at_silence(u16 hosts, u64 seed)
{
	struct sample s = silences(hosts, 50, seed);
	u64 longest = sample_at(&s, 1000);
	char what[80];

	printf("# %u hosts: %llu us at most\n", hosts, longest / 1000);
	snprintf(what, sizeof(what), "%u hosts: silence is noticed in time", hosts);
	verdict(longest <= (DMRING_DEAD_DEFAULT + 50) * MS, what);
	free(s.ns);
}

static int look(u64 seed)
{
	printf("KTAP version 1\n1..8\n");
	look_at_messages(seed);
	look_at_silence(3, seed);
	look_at_silence(32, seed);
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:0 error:0\n", count - failed,
	       failed);
	return !!failed;
}

static int usage(void)
{
	printf("usage: scale-run [-c FILE: the tables as CSV, too] [-n HOSTS] [-s SEED]\n");
	printf("       scale-run -q [-s SEED]: a short look at what is promised\n");
	return 2;
}

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		exit(2);
	}
	return f;
}

int main(int argc, char **argv)
{
	u16 most = DMRING_HOSTS_MAX;
	bool quick = false;
	u64 seed = 1;
	int opt;

	while ((opt = getopt(argc, argv, "c:n:s:q")) != -1) {
		if (opt == 'c')
			csv = create(optarg);
		else if (opt == 'n')
			most = atoi(optarg);
		else if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'q')
			quick = true;
		else
			return usage();
	}
	if (most < 2 || most > DMRING_HOSTS_MAX)
		return usage();
	if (quick)
		return look(seed);
	tables(seed, most);
	if (!wrong)
		silence(seed);
	if (wrong)
		printf("%s\n", wrong);
	if (csv && fclose(csv))
		return 1;
	return !!wrong;
}
