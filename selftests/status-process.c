// SPDX-License-Identifier: GPL-2.0-only
/*
 * Status of members of one process. Needs no module.
 */
#include "../ulib/include/dmring.h"

#define SCOPE	DMRING_PROCESS

/* A ring of this scope is there as long as somebody is in it. */
static const char *make_ring(const char *what)
{
	return what;
}

static int end_ring(const char *name)
{
	(void)name;
	return 0;
}

#include "status.h"

/* Two rings, and one that has ended and comes again */
TEST_F(status, of_its_ring_alone)
{
	struct dmring *other = join("other");
	struct seen seen = {};

	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, set(self->a, 1));
	ASSERT_EQ(0, set(other, 2));
	look(_metadata, other, &seen);
	EXPECT_EQ(1, seen.n);
	EXPECT_EQ(2, seen.s[0].state);
	leave(&other);
	other = join("other");
	look(_metadata, other, &seen);
	EXPECT_EQ(0, seen.n);
	leave(&other);
	look(_metadata, self->b, &seen);
	EXPECT_EQ(1, seen.n);
	shows_set(_metadata, &seen, self->a, 1);
}

TEST_HARNESS_MAIN
