/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When processes left their ring, as the module's tracepoint tells: what a kill takes until the
 * kernel closes a process's files is that process's own affair. One instance of tracefs, read
 * by one process.
 */
#ifndef _DMRING_NET_CALL_DEPARTURES_H
#define _DMRING_NET_CALL_DEPARTURES_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPARTURES_DIR	"/sys/kernel/tracing/instances/call-departures"
#define DEPARTURE	"dmring_member_leave: "

static inline int departures_write(const char *file, const char *text)
{
	char path[256];
	int fd, ret;

	snprintf(path, sizeof(path), DEPARTURES_DIR "/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	close(fd);
	return ret;
}

/* From where they are to be read; -1 and errno: they cannot be */
static inline int departures_open(void)
{
	if (mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL) && errno != EBUSY)
		return -1;
	if (mkdir(DEPARTURES_DIR, 0700) && errno != EEXIST)
		return -1;
	/*
	 * That of CLOCK_MONOTONIC; and no names of processes: for these the kernel traces its
	 * scheduler, and when that ends and an emulated CPU runs into the breakpoint by which
	 * code is changed, QEMU 7.2 may execute that breakpoint for ever.
	 */
	if (departures_write("trace_clock", "mono") ||
	    departures_write("trace_options", "norecord-cmd") ||
	    departures_write("events/dmring/dmring_member_leave/enable", "1"))
		return -1;
	return open(DEPARTURES_DIR "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static inline void departures_close(int fd)
{
	if (fd < 0)
		return;
	close(fd);
	departures_write("events/dmring/dmring_member_leave/enable", "0");
	rmdir(DEPARTURES_DIR);
}

/* "… [001] ..... 12.345678: dmring_member_leave: ring=r member=1 pid=123 …": ns, if it is @pid's */
static inline uint64_t departure_in(char *line, int pid)
{
	char *what = strstr(line, DEPARTURE), *of = what ? strstr(what, " pid=") : NULL, *at;
	unsigned long long s, us;

	if (!of || atoi(of + 5) != pid)
		return 0;
	for (at = what - 2; at > line && at[-1] != ' '; at--)
		;
	return sscanf(at, "%llu.%llu", &s, &us) == 2 ? s * 1000000000ULL + us * 1000 : 0;
}

/* When @pid, which is no more, left (ns); 0: unknown. What others did before is passed over. */
static inline uint64_t departure_of(int fd, int pid)
{
	uint64_t at = 0, found;
	char buf[4096], *line, *rest;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		for (rest = buf; (line = strsep(&rest, "\n"));) {
			found = departure_in(line, pid);
			at = found ? found : at;
		}
	}
	return at;
}

#endif
