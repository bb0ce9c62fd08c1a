// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When the kernel closes the file of a process that was killed, as a probe in it says.
 *
 * That is later than the departure the ring reckons from: a process that ends loses its memory
 * first and its files afterwards, and without its slot a member can say nothing more. Traces are
 * an instance of their own, so nobody else's are lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "flush.h"

#define TRACING		"/sys/kernel/tracing/"
#define INSTANCE	TRACING "instances/dmring-bench/"
#define GROUP		"dmring_bench"
#define EVENT		"flush"

static int put(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | flags), err = 0;
	ssize_t len = strlen(text);

	if (fd < 0)
		return bench_fail(errno, "%s", path);
	if (len && write(fd, text, len) != len)
		err = bench_fail(errno, "\"%s\" to %s", text, path);
	close(fd);
	return err;
}

int bench_flush_start(void)
{
	int err;

	if (mkdir(INSTANCE, 0700) && errno != EEXIST)
		return bench_fail(errno, INSTANCE);
	/* said again it is the same probe */
	err = put(TRACING "kprobe_events", O_APPEND, "p:" GROUP "/" EVENT " dmring:ring_flush");
	/* the clock that the ring and we tell the time by */
	if (!err)
		err = put(INSTANCE "trace_clock", 0, "mono");
	/*
	 * Neither names of processes nor one process alone (set_event_pid): for both the kernel
	 * traces its scheduler, see selftests/net/call-departures.h
	 */
	if (!err)
		err = put(INSTANCE "trace_options", 0, "norecord-cmd");
	if (!err)
		err = put(INSTANCE "events/" GROUP "/" EVENT "/enable", 0, "1");
	return err;
}

int bench_flush_stop(void)
{
	int err = put(INSTANCE "events/" GROUP "/" EVENT "/enable", 0, "0");

	if (rmdir(INSTANCE))
		err = bench_fail(errno, INSTANCE);
	return put(TRACING "kprobe_events", O_APPEND, "-:" GROUP "/" EVENT) ?: err;
}

int bench_flush_forget(void)
{
	return put(INSTANCE "trace", O_TRUNC, "");
}

/* "  COMMAND-PID  [CPU] FLAGS SECONDS.MICROSECONDS: flush: (…)"; 0 for another line or process */
static __u64 time_in(const char *line, pid_t pid)
{
	const char *at = strstr(line, ": " EVENT ": ");
	const char *cpu = strstr(line, " [");
	unsigned long long s, us;
	const char *p;

	if (*line == '#' || !at || !cpu)
		return 0;
	for (p = cpu; p > line && p[-1] == ' '; p--)
		;
	while (p > line && p[-1] >= '0' && p[-1] <= '9')
		p--;
	if (strtol(p, NULL, 10) != pid)
		return 0;
	for (p = at; p > line && p[-1] != ' '; p--)
		;
	return sscanf(p, "%llu.%6llu", &s, &us) == 2 ? (s * 1000000 + us) * 1000 : 0;
}

int bench_flush_of(pid_t pid, __u64 *ns)
{
	FILE *f = fopen(INSTANCE "trace", "re");
	char line[512];

	if (!f)
		return bench_fail(errno, INSTANCE "trace");
	*ns = 0;
	while (!*ns && fgets(line, sizeof(line), f))
		*ns = time_in(line, pid);
	fclose(f);
	return *ns ? 0 : bench_fail(0, "no trace tells when process %d closed its file", pid);
}
