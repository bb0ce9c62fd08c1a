/* SPDX-License-Identifier: GPL-2.0-only */
/* How many times as long as on a fast machine may what is waited for take? As in ktap.sh */
#ifndef SLOWER_H
#define SLOWER_H

#include <stdlib.h>

static inline int slower(void)
{
	const char *times = getenv("DMRING_SLOWER");

	return times ? atoi(times) : 1;
}

#endif /* SLOWER_H */
