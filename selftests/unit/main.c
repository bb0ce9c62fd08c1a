// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs all tests of the protocol core, or those whose name holds argv[1].
 * DMRING_ROUNDS: how many rounds of the random tests, in per cent.
 * DMRING_STOP: set to end with the first failure.
 */
#include <stdio.h>
#include "test.h"

static unsigned int failures;	/* of the running test */
bool test_failed;

void test_fail(const char *file, int line, const char *what)
{
	test_failed = true;
	if (failures++ < 10)
		printf("# %s:%d: %s\n", file, line, what);
	fflush(stdout);
}

static const struct test *const suites[] = {
	wire_tests, rule_tests, call_tests, exchange_tests, exchange_host_tests, retain_tests,
	core_tests, frame_tests, order_tests, view_tests, ring_tests, election_tests,
};

static unsigned int each(const char *only, bool run, unsigned int *failed)
{
	const struct test *t;
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (t = suites[i]; t->name; t++) {
			if (only && !strstr(t->name, only))
				continue;
			n++;
			if (!run)
				continue;
			failures = 0;
			test_failed = false;
			t->run();
			*failed += !!failures;
			printf("%sok %u %s\n", failures ? "not " : "", n, t->name);
			fflush(stdout);
			if (failures && getenv("DMRING_STOP"))
				exit(1);
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : NULL;
	unsigned int failed = 0, n;

	printf("KTAP version 1\n1..%u\n", each(only, false, &failed));
	n = each(only, true, &failed);
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:0 error:0\n", n - failed, failed);
	return failed || !n;
}
