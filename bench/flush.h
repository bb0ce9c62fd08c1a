/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the kernel calls .flush of a member's file. All return 0 or -errno, having said what is
 * wrong on standard error. As root, with kprobes in the kernel and tracefs in its usual place.
 */
#ifndef BENCH_FLUSH_H
#define BENCH_FLUSH_H

#include <sys/types.h>

#include <linux/types.h>

int bench_flush_start(void);
int bench_flush_stop(void);
/* From now on of this process, and no other */
int bench_flush_watch(pid_t pid);
/* @ns: by CLOCK_MONOTONIC, in whole microseconds; it has ended */
int bench_flush_of_watched(__u64 *ns);

#endif /* BENCH_FLUSH_H */
