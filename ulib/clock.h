/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libdmring: the clock of deadlines, which the kernel and both scopes share */
#ifndef DMRING_CLOCK_H
#define DMRING_CLOCK_H

#include <limits.h>
#include <time.h>
#include <linux/types.h>

static inline __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Until @deadline (ns, 0 for none): ms, begun ones counted; negative for ever */
static inline int left_ms(__u64 deadline)
{
	__s64 left;

	if (!deadline)
		return -1;
	left = deadline - now_ns();
	left = left <= 0 ? 0 : (left + 999999) / 1000000;
	return left > INT_MAX ? INT_MAX : left;
}

#endif /* DMRING_CLOCK_H */
