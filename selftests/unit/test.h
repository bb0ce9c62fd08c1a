/* SPDX-License-Identifier: GPL-2.0-only */
/* The least that a KTAP test needs. */
#ifndef _DMRING_UNIT_TEST_H
#define _DMRING_UNIT_TEST_H

#include <stdlib.h>
#include "core.h"
#include "../random.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct test {
	const char *name;
	void (*run)(void);
};

extern const struct test call_tests[], exchange_tests[], exchange_host_tests[], wire_tests[],
			 rule_tests[], retain_tests[], core_tests[], frame_tests[], order_tests[],
			 view_tests[], ring_tests[], election_tests[];

extern bool test_failed;	/* the running one has */

/* Note a failure of the running test; the test goes on. */
void test_fail(const char *file, int line, const char *what);

#define CHECK(cond) do { if (!(cond)) test_fail(__FILE__, __LINE__, #cond); } while (0)

static inline u32 rnd_below(u64 *state, u32 n)
{
	return next_random(state) % n;
}

#endif
