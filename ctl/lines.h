/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of the standard input, which may hold any byte but the newline
 */
#ifndef RINGCTL_LINES_H
#define RINGCTL_LINES_H

#include <stddef.h>
#include <linux/types.h>

/**
 * struct lines - who takes them
 * @what: what that is, for who interrupts it
 * @line: takes one, without its newline, counted from 1. One of more than DMRING_MSG_MAX bytes
 *        may be only the beginning of it, and must be refused.
 * @idle: called when all that was read is taken, and when there is something to read at @fd
 * @fd: -1 for none
 *
 * Both return an enum ctl_status, of which all but CTL_OK end the reading.
 */
struct lines {
	const char *what;
	int (*line)(void *arg, const char *line, size_t len, __u64 number);
	int (*idle)(void *arg);
	int fd;
};

/* Reads them all, or until nobody reads what is printed; returns an enum ctl_status. */
int lines_read(const struct lines *l, void *arg);

#endif /* RINGCTL_LINES_H */
