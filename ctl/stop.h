/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting that SIGINT, SIGTERM and deadlines end
 */
#ifndef RINGCTL_STOP_H
#define RINGCTL_STOP_H

#include <stdbool.h>
#include <linux/types.h>

struct pollfd;

/* From here on SIGINT and SIGTERM end waits instead of the process. */
void stop_catch(void);

/* Has one of them come? */
bool stop_asked(void);

/* Forgets the one that has, so that a second one is heard. */
void stop_forget(void);

/* Point in time @timeout ns from now, negative for never */
__s64 stop_deadline(__s64 timeout);

/* Until then, rounded up and at most INT_MAX */
int stop_ms_left(__s64 deadline);

/* Waits for @events at @fd for @ms at most; returns whether a signal came. */
bool stop_poll(int fd, short events, int ms);

/* The same at @n descriptors, of which the first is left to this function */
bool stop_poll_all(struct pollfd *at, unsigned int n, int ms);

#endif /* RINGCTL_STOP_H */
