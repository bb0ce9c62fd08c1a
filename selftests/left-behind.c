// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members that leave much behind, one after the other: what they had accepted is
 * moved, but not ahead of those who stay.
 *
 *	leavers (3 threads): full input spaces --\
 *	                                          +--> ring
 *	stayer (this thread): one message -------/
 */
#include <pthread.h>

#include "kself.h"
#include "rig.h"

#define MUCH	(2U << 20)	/* the largest input space there is */

/* They leave time and again with as many messages as go into it */
struct crowd {
	const char *name;
	uint64_t left;		/* how often; read by others */
	bool stop;
};

/* What went wrong, or NULL */
static void *leave_with_many(void *arg)
{
	const struct dmring_in_rec none = { .type = DMRING_REC_DATA };
	struct crowd *c = arg;

	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		struct rig_member m = { .at.in_size = MUCH };
		uint32_t at;

		if (rig_attach(&m, c->name, DMRING_ATTACH_SEND_ONLY) || rig_map(&m))
			return "it cannot attach";
		for (at = 0; at < MUCH; at += DMRING_ALIGN)
			memcpy(m.in + at, &none, sizeof(none));
		__atomic_store_n(&m.user->in_tail, MUCH, __ATOMIC_RELEASE);
		rig_leave(&m);
		__atomic_add_fetch(&c->left, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Those who stay have turns as often as those who leave. */
TEST(much_left_behind)
{
	struct crowd c = { .name = rig_name("crowd") };
	struct rig_member m = {};
	pthread_t thread[3];
	void *why;
	uint64_t start, took, most = 0;
	int i;

	ASSERT_EQ(0, rig_ring_add(c.name, NULL));
	ASSERT_EQ(0, rig_join(&m, c.name, DMRING_ATTACH_SEND_ONLY));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, leave_with_many, &c));
	EXPECT_TRUE(rig_within(20000, __atomic_load_n(&c.left, __ATOMIC_ACQUIRE) >= 3));
	for (i = 0; i < 20; i++) {
		start = rig_ms();
		ASSERT_EQ(0, rig_send(&m, "x", 1));
		while (__atomic_load_n(&m.kern->in_head, __ATOMIC_ACQUIRE) != m.in_tail &&
		       rig_ms() - start < 10000)
			rig_sleep(1);
		ASSERT_EQ(m.in_tail, __atomic_load_n(&m.kern->in_head, __ATOMIC_ACQUIRE));
		took = rig_ms() - start;
		most = took > most ? took : most;
	}
	TH_LOG("a message waits %zu ms for its turn, while %zu leave", (size_t)most,
	       (size_t)__atomic_load_n(&c.left, __ATOMIC_ACQUIRE));
	__atomic_store_n(&c.stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], &why));
		EXPECT_EQ(NULL, why) TH_LOG("%s", (char *)why);
	}
	rig_leave(&m);
	EXPECT_EQ(0, rig_ring_del(c.name));
}

TEST_HARNESS_MAIN
