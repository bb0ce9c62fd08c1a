/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The few lines of KTAP that these programs need; usable from C++ */
#ifndef KTAP_H
#define KTAP_H

#include <stdio.h>
#include <stdlib.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

static int ktap_failed_here;

#define CHECK(cond) do {						\
	if (!(cond)) {							\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
		__atomic_store_n(&ktap_failed_here, 1, __ATOMIC_RELAXED); \
	}								\
} while (0)

struct ktap_test {
	const char *name;
	void (*run)(void);
};

static inline int ktap_run(const struct ktap_test *tests, int n)
{
	int i, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%d\n", n);
	for (i = 0; i < n; i++) {
		ktap_failed_here = 0;
		tests[i].run();
		printf("%sok %d %s\n", ktap_failed_here ? "not " : "", i + 1,
		       tests[i].name);
		failed += ktap_failed_here;
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif /* KTAP_H */
