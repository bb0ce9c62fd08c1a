// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What members take: the kernel's figures before and after a process attaches
 * many of them, each with default sizes and all its areas mapped.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <dmring.h>
#include <json-c/json.h>

#include "bench.h"
#include "report.h"

#define SPARE_FILES	64

/* In kB; taken memory makes the first two shrink and the others grow */
static const char *const fields[] = {
	"MemAvailable", "MemFree", "Slab", "VmallocUsed", "PageTables", "Percpu",
};

static int read_meminfo(long *kb)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[256];
	size_t i, n = 0;

	if (!f)
		return bench_fail(errno, "/proc/meminfo");
	while (fgets(line, sizeof(line), f))
		for (i = 0; i < ARRAY_SIZE(fields); i++) {
			size_t len = strlen(fields[i]);

			if (strncmp(line, fields[i], len) || line[len] != ':')
				continue;
			kb[i] = strtol(line + len + 1, NULL, 10);
			n++;
		}
	fclose(f);
	return n == ARRAY_SIZE(fields) ? 0 : bench_fail(EPROTO, "/proc/meminfo");
}

static int allow_files(unsigned int n)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return bench_fail(errno, "limit of open files");
	l.rlim_cur = n;
	if (l.rlim_max < n)
		l.rlim_max = n;
	return setrlimit(RLIMIT_NOFILE, &l) ? bench_fail(errno, "limit of open files") : 0;
}

static int attach_all(unsigned int n)
{
	struct dmring *r;
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		err = dmring_attach(&r, bench_opts.ring, NULL);
		if (err)
			return bench_fail(-err, "member %u: %s", i, dmring_why());
	}
	return 0;
}

static int tell(const long *before, const long *after)
{
	struct json_object *o = json_object_new_object();
	double delta;
	size_t i;

	printf("%u members attached, bytes a member by /proc/meminfo:\n", bench_opts.members);
	json_object_object_add(o, "members", json_object_new_int(bench_opts.members));
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		delta = 1024.0 * (after[i] - before[i]) / bench_opts.members;
		printf("  %-14s %+9.0f\n", fields[i], delta);
		json_object_object_add(o, fields[i], json_object_new_double(delta));
	}
	return bench_write_json(bench_opts.json, o) ? 1 : 0;
}

int bench_memory(void)
{
	long before[ARRAY_SIZE(fields)], after[ARRAY_SIZE(fields)];

	if (allow_files(bench_opts.members + SPARE_FILES) || read_meminfo(before) ||
	    attach_all(bench_opts.members))
		return 1;
	sleep(1);
	return read_meminfo(after) ? 1 : tell(before, after);
}
