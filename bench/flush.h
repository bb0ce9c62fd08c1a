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
/* Of the processes traced until now */
int bench_flush_forget(void);
/* @ns: by CLOCK_MONOTONIC, in whole microseconds; @pid has ended */
int bench_flush_of(pid_t pid, __u64 *ns);

#endif /* BENCH_FLUSH_H */
