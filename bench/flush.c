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

int bench_flush_watch(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return put(INSTANCE "set_event_pid", O_TRUNC, text) ?:
	       put(INSTANCE "trace", O_TRUNC, "");
}

int bench_flush_of_watched(__u64 *ns)
{
	FILE *f = fopen(INSTANCE "trace", "re");
	unsigned long long s, us;
	bool found = false;
	char line[512];

	if (!f)
		return bench_fail(errno, INSTANCE "trace");
	/* "COMMAND-PID [CPU] FLAGS SECONDS.MICROSECONDS: EVENT: ..."; others are comments */
	while (!found && fgets(line, sizeof(line), f))
		found = *line != '#' &&
			sscanf(line, "%*[^[][%*u] %*s %llu.%6llu", &s, &us) == 2;
	fclose(f);
	if (!found)
		return bench_fail(0, "no trace tells when the victim closed its file");
	*ns = (s * 1000000 + us) * 1000;
	return 0;
}
