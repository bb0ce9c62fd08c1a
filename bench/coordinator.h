/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A coordinator of views for measurements: it is in all network namespaces at once, with
 * a thread and a netlink connection for each, so that a step reaches all hosts at the same
 * time. Host i has node id i + 1. Nobody else changes the views of the ring.
 */
#ifndef BENCH_COORDINATOR_H
#define BENCH_COORDINATOR_H

#include <linux/types.h>

struct coordinator;

/**
 * struct coordinator_times - of a change (ns)
 * @begin: the first request is sent
 * @end: the last answer has come
 * @own: of that, what was the coordinator's own time, since the first host was asked to prepare:
 *       between the last answer to a step and the first request of the next
 */
struct coordinator_times {
	__u64 begin;
	__u64 end;
	__u64 own;
};

/* NULL, and a sentence */
struct coordinator *coordinator_new(char **netns, int hosts, const char *ring);

/* The next view: bit i of @stay and @join for host i. 0 or -errno, and a sentence. */
int coordinator_change(struct coordinator *c, __u64 stay, __u64 join, struct coordinator_times *t);

void coordinator_end(struct coordinator *c);

#endif /* BENCH_COORDINATOR_H */
