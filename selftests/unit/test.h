/* SPDX-License-Identifier: GPL-2.0-only */
/* The least that a KTAP test needs. */
#ifndef _DMRING_UNIT_TEST_H
#define _DMRING_UNIT_TEST_H

#include <stdlib.h>
#include "core.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct test {
	const char *name;
	void (*run)(void);
};

extern const struct test wire_tests[], rule_tests[], retain_tests[], core_tests[], frame_tests[], order_tests[],
			 ring_tests[], election_tests[];

extern bool test_failed;	/* the running one has */

/* Note a failure of the running test; the test goes on. */
void test_fail(const char *file, int line, const char *what);

#define CHECK(cond) do { if (!(cond)) test_fail(__FILE__, __LINE__, #cond); } while (0)

/* Repeatable random numbers */
static inline u64 rnd64(u64 *state)
{
	u64 z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline u32 rnd_below(u64 *state, u32 n)
{
	return rnd64(state) % n;
}

#endif
