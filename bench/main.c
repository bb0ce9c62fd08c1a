// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* seqpacket first: the others are compared with it */
const struct bench_transport *const bench_transports[] = {
	&bench_seqpacket,
	&bench_seqpacket_mmsg,
	&bench_dmring,
	&bench_dmring_send,
	&bench_dmring_poll,
	&bench_dmring_call,
	NULL
};

struct bench_options bench_opts = {
	.ring = "bench",
	.shape = -1,
	.repeat = 3,
	.scale = 100,
	.members = 1000,
	.departures = 200,
	.seconds = 5,
};

static const struct command {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "measure", bench_measure },
	{ "idle", bench_idle },
	{ "memory", bench_memory },
	{ "departures", bench_departures },
	{ "hosts", bench_hosts },
	{ "views", bench_views },
};

int bench_fail(int err, const char *format, ...)
{
	va_list args;

	fputs("dmring-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "%s%s\n", err ? ": " : "", err ? strerror(err) : "");
	return err ? -err : -EPROTO;
}

int bench_list(char *list, char **part, int most)
{
	int n = 0;

	for (list = strtok(list, ","); list; list = strtok(NULL, ",")) {
		if (n == most)
			return bench_fail(0, "a list of more than %d names", most);
		part[n++] = list;
	}
	return n;
}

int bench_enter(const char *netns)
{
	char path[128];
	int fd, err;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 || setns(fd, CLONE_NEWNET) ? errno : 0;
	if (fd >= 0)
		close(fd);
	return err ? bench_fail(err, "%s", path) : 0;
}

static void help(FILE *to)
{
	const struct bench_transport *const *t;

	fputs("usage: dmring-bench [OPTION]... measure | idle | memory | departures |\n"
	      "       hosts | views\n"
	      "\n"
	      "  measure   round trip, requests, stream and fan-out, dmring beside other transports\n"
	      "  idle      does a ring without traffic execute anything?\n"
	      "  memory    what members take\n"
	      "  departures  how soon a proxy is followed, and a death known\n"
	      "  hosts     what a message costs when several hosts send to all\n"
	      "  views     how long messages pause when the view changes, how soon a host is missed\n"
	      "\n"
	      "  -r NAME   the ring, made with \"slow block\" (default bench)\n"
	      "  -i        time is instructions: a guest of one CPU with icount, shift 0\n"
	      "  -o FILE   results as JSON\n"
	      "  -t NAMES  measure: only these, with commas between:", to);
	for (t = bench_transports; *t; t++)
		fprintf(to, " %s", (*t)->name);
	fputs("\n"
	      "  -s BYTES  measure: only messages of this size\n"
	      "  -k SHAPE  measure: only roundtrip, requests or stream\n"
	      "  -c N      measure: only with so many receivers\n"
	      "  -n N      measure: repetitions, the median counts (default 3)\n"
	      "  -x PERC   measure: length of a case (default 100)\n"
	      "  -m N      memory, departures: members (default 1000)\n"
	      "  -e N      departures, views: how many (default 200)\n"
	      "  -b        departures: the other members are busy, not asleep\n"
	      "  -f        departures: somebody sends as fast as he can, not at a pace\n"
	      "  -H NAMES  hosts, views: network namespaces with the ring, as node 1, 2, …; hosts:\n"
	      "            -r may name several rings\n"
	      "  -S NAME   views: the namespace of the bridge; p1, p2, … are its ports to the hosts\n"
	      "  -w SEC    idle: how long to watch (default 5)\n", to);
}

static int number(const char *text, unsigned int *to)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || !n || n > 1000000)
		return bench_fail(EINVAL, "'%s'", text);
	*to = n;
	return 0;
}

static int shape(const char *text)
{
	if (!strcmp(text, "roundtrip"))
		bench_opts.shape = BENCH_ROUNDTRIP;
	else if (!strcmp(text, "requests"))
		bench_opts.shape = BENCH_REQUESTS;
	else if (!strcmp(text, "stream"))
		bench_opts.shape = BENCH_STREAM;
	else
		return bench_fail(EINVAL, "'%s'", text);
	return 0;
}

static int option(int c)
{
	switch (c) {
	case 'r':
		bench_opts.ring = optarg;
		return 0;
	case 'i':
		bench_opts.icount = true;
		return 0;
	case 'o':
		bench_opts.json = optarg;
		return 0;
	case 't':
		bench_opts.transports = optarg;
		return 0;
	case 's':
		return number(optarg, &bench_opts.size);
	case 'c':
		return number(optarg, &bench_opts.receivers);
	case 'k':
		return shape(optarg);
	case 'n':
		return number(optarg, &bench_opts.repeat);
	case 'x':
		return number(optarg, &bench_opts.scale);
	case 'm':
		return number(optarg, &bench_opts.members);
	case 'e':
		return number(optarg, &bench_opts.departures);
	case 'b':
		bench_opts.busy = true;
		return 0;
	case 'f':
		bench_opts.flood = true;
		return 0;
	case 'H':
		bench_opts.netns = optarg;
		return 0;
	case 'S':
		bench_opts.bridge = optarg;
		return 0;
	case 'w':
		return number(optarg, &bench_opts.seconds);
	}
	return -EINVAL;
}

int main(int argc, char **argv)
{
	size_t i;
	int c;

	while ((c = getopt(argc, argv, "r:io:t:s:k:c:n:x:m:e:bfw:H:S:h")) != -1) {
		if (c == 'h') {
			help(stdout);
			return 0;
		}
		if (option(c)) {
			help(stderr);
			return 2;
		}
	}
	for (i = 0; i < ARRAY_SIZE(commands) && optind == argc - 1; i++)
		if (!strcmp(argv[optind], commands[i].name))
			return commands[i].run();
	help(stderr);
	return 2;
}
