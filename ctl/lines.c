// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lines of the standard input: read in chunks, handed on in place
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmring.h>

#include "ctl.h"
#include "lines.h"
#include "stop.h"

#define CHUNK		(64U << 10)
#define BUF_SIZE	(DMRING_MSG_MAX + CHUNK)

/*
 * What lies between @start and @end of the buffer was read and not taken, and
 * has no newline before @scan.
 */
struct reader {
	const struct lines *l;
	void *arg;
	char *buf;
	size_t start, scan, end;
	__u64 number;	/* of the line that begins at @start */
	bool eof;
};

static int take(struct reader *rd, size_t len)
{
	return rd->l->line(rd->arg, rd->buf + rd->start, len, rd->number++);
}

/* All whole lines of the buffer, and at the end of the file what is left of it */
static int take_lines(struct reader *rd)
{
	char *newline;
	int status;

	while ((newline = memchr(rd->buf + rd->scan, '\n', rd->end - rd->scan))) {
		status = take(rd, newline - rd->buf - rd->start);
		if (status || ferror(stdout))
			return status;
		rd->start = newline - rd->buf + 1;
		rd->scan = rd->start;
	}
	rd->scan = rd->end;
	if (rd->end - rd->start > DMRING_MSG_MAX || (rd->eof && rd->end > rd->start))
		return take(rd, rd->end - rd->start);
	return CTL_OK;
}

/* Until there is something to read; meanwhile others may have something */
static int wait_input(struct reader *rd)
{
	struct pollfd at[] = {
		{ 0 },
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = rd->l->fd, .events = POLLIN },
	};
	int status = CTL_OK;

	while (!status && !at[1].revents) {
		if (stop_poll_all(at, 3, INT_MAX))
			return ctl_refuse("interrupted, %s is not complete", rd->l->what);
		if (at[2].revents)
			status = rd->l->idle(rd->arg);
	}
	return status;
}

static int read_chunk(struct reader *rd)
{
	ssize_t n;
	int status;

	memmove(rd->buf, rd->buf + rd->start, rd->end - rd->start);
	rd->end -= rd->start;
	rd->scan = rd->end;
	rd->start = 0;
	status = wait_input(rd);
	if (status)
		return status;
	n = read(STDIN_FILENO, rd->buf + rd->end, BUF_SIZE - rd->end);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return ctl_refuse("cannot read the standard input: %s", strerror(errno));
	rd->eof = !n;
	rd->end += n > 0 ? n : 0;
	return CTL_OK;
}

int lines_read(const struct lines *l, void *arg)
{
	struct reader rd = { .l = l, .arg = arg, .number = 1 };
	int status = CTL_OK;

	rd.buf = malloc(BUF_SIZE);
	if (!rd.buf)
		return ctl_refuse("out of memory");
	while (!status && !rd.eof && !ferror(stdout)) {
		status = read_chunk(&rd);
		if (!status)
			status = take_lines(&rd);
		if (!status)
			status = l->idle(arg);
	}
	free(rd.buf);
	return status;
}
