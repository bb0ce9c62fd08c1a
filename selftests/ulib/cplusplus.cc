// SPDX-License-Identifier: LGPL-2.1-or-later
// The public header from C++: it compiles, links and works.
#include <cstring>

#include <dmring.h>
#include "ktap.h"

static void handler(struct dmring *r, const struct dmring_msg *m, void *arg)
{
	(void)r;
	if (m && m->len == 3)
		__atomic_store_n(static_cast<int *>(arg), 1, __ATOMIC_RELEASE);
}

static void test_cplusplus()
{
	dmring_opts opts = {};
	dmring *r = nullptr;
	int seen = 0;

	opts.size = sizeof(opts);
	opts.scope = DMRING_PROCESS;
	CHECK(dmring_attach(&r, "c++", &opts) == 0);
	CHECK(dmring_dispatch_start(r, handler, &seen) == 0);
	CHECK(dmring_send(r, "abc", 3) == 0);
	for (long i = 0; i < 1000000000L; i++)
		if (__atomic_load_n(&seen, __ATOMIC_ACQUIRE))
			break;
	CHECK(seen == 1);
	CHECK(dmring_detach(r) == 0);
	CHECK(std::strlen(dmring_version()) > 0);
}

int main()
{
	static const ktap_test tests[] = { { "use from C++", test_cplusplus } };

	return ktap_run(tests, 1);
}
