// SPDX-License-Identifier: GPL-2.0-only
/*
 * As many members as a ring takes, in a guest of 2 GiB: all attach with everything
 * mapped, one sends, all receive; the next one is refused; all leave.
 *
 *	       /--> member 0
 *	ring --+--> ...
 *	       \--> member 4095
 *
 * DMRING_MEMBERS: fewer, but eight, of a ring with so many slots
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "kself.h"
#include "rig.h"
#include "traffic.h"

#define LEN	1000

TEST(four_thousand_members)
{
	const int members = rig_knob("DMRING_MEMBERS", DMRING_SLOTS_MAX);
	const struct rlimit files = { members + 64, members + 64 };
	const struct rig_conf conf = { .slots = members };
	struct rig_member *m = calloc(members, sizeof(*m)), one_more = {};
	const char *name = rig_name("many");
	uint64_t begin, joined, passed;
	struct traffic t;
	char buf[LEN];
	int i, n;

	ASSERT_NE(NULL, m);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, rig_ring_add(name, &conf));
	traffic_init(&t, false);
	begin = rig_ms();
	for (i = 0; i < members; i++) {
		ASSERT_EQ(0, rig_join(&m[i], name, 0)) TH_LOG("member %d", i);
		ASSERT_EQ(i, (int)m[i].at.id);
	}
	joined = rig_ms();
	EXPECT_EQ(members, (int)rig_ring_get(name, DMRING_A_RING_MEMBERS));
	EXPECT_EQ(-EUSERS, rig_attach(&one_more, name, 0));
	/* each tells all */
	for (n = 0; n < 8; n++) {
		traffic_make(buf, LEN, 1, n);
		ASSERT_EQ(0, rig_send(&m[(n + 1) * members / 8 - 1], buf, LEN));
	}
	for (i = 0; i < members; i++) {
		for (n = 0; n < 8; n++) {
			ASSERT_EQ(LEN, rig_get_wait(&m[i], buf, LEN, 10000)) TH_LOG("member %d", i);
			traffic_see(&t, buf, LEN);
		}
		traffic_sent(&t, 1, 8);
		ASSERT_TRUE(traffic_clean(&t)) TH_LOG("member %d: %s", i, traffic_text(&t));
		traffic_free(&t);
		traffic_init(&t, false);
	}
	passed = rig_ms();
	for (i = 0; i < members; i++)
		rig_leave(&m[i]);
	EXPECT_TRUE(rig_within(20000, rig_ring_get(name, DMRING_A_RING_MEMBERS) == 0));
	EXPECT_EQ(0, rig_ring_del(name));
	TH_LOG("attach %zu ms, 8 messages to all %zu ms, leave %zu ms", (size_t)(joined - begin),
	       (size_t)(passed - joined), (size_t)(rig_ms() - passed));
	free(m);
}

/* Hundreds asleep: one message wakes them all */
#define SLEEPERS	300

static const char *ring_name;

static int sleeper(void *arg)
{
	struct rig_member m = {};
	char buf[8];

	(void)arg;
	if (rig_join(&m, ring_name, 0))
		return 1;
	return rig_get_wait(&m, buf, sizeof(buf), 60000) != 4;
}

TEST(three_hundred_sleepers)
{
	struct rig_member m = {};
	pid_t pid[SLEEPERS];
	int i;

	ring_name = rig_name("many");
	ASSERT_EQ(0, rig_ring_add(ring_name, NULL));
	ASSERT_EQ(0, rig_join(&m, ring_name, DMRING_ATTACH_SEND_ONLY));
	for (i = 0; i < SLEEPERS; i++)
		pid[i] = rig_child(sleeper, NULL);
	ASSERT_TRUE(rig_within(60000, rig_ring_get(ring_name, DMRING_A_RING_MEMBERS) ==
			       SLEEPERS + 1));
	rig_sleep(500);
	ASSERT_EQ(0, rig_send(&m, "wake", 4));
	for (i = 0; i < SLEEPERS; i++)
		EXPECT_EQ(0, rig_wait(pid[i])) TH_LOG("sleeper %d", i);
	rig_leave(&m);
	EXPECT_EQ(0, rig_ring_del(ring_name));
}

TEST_HARNESS_MAIN
