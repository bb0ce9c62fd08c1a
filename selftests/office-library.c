// SPDX-License-Identifier: GPL-2.0-only
/*
 * The office of the proxy as programs see it: what the library makes of it.
 *
 *	this process: ring of scope network, one host -- two members
 */
#include <arpa/inet.h>

#include "../ulib/include/dmring.h"
#include "kself.h"
#include "rig.h"

static const char *name;

FIXTURE(library) {
	struct dmring *r[2];
};

static struct dmring *attach(const char *ring, uint32_t flags)
{
	struct dmring_opts opts = { .size = sizeof(opts), .flags = flags };
	struct dmring *r;

	return dmring_attach(&r, ring, &opts) ? NULL : r;
}

FIXTURE_SETUP(library)
{
	const struct rig_conf conf = { .node = 1, .addr = INADDR_LOOPBACK, .port = 7012 };
	int i;

	name = rig_name("library");
	ASSERT_EQ(0, rig_ring_add(name, &conf));
	for (i = 0; i < 2; i++)
		ASSERT_NE(NULL, self->r[i] = attach(name, i ? DMRING_WEIGH | DMRING_EVENTS : 0));
}

FIXTURE_TEARDOWN(library)
{
	int i;

	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, dmring_detach(self->r[i]));
	EXPECT_EQ(0, rig_ring_del(name));
}

static uint64_t weight(struct dmring *r)
{
	return rig_member_get(name, dmring_id(r), DMRING_A_MEMBER_WEIGHT);
}

static uint64_t willing(struct dmring *r)
{
	return rig_member_get(name, dmring_id(r), DMRING_A_MEMBER_WILLING);
}

/* The last office event that waits for @r; what there was before does not matter */
static struct dmring_ev last_event(struct dmring *r)
{
	struct dmring_ev ev, last = {};

	while (!dmring_event(r, &ev))
		if (ev.what == DMRING_EV_OFFICE)
			last = ev;
	return last;
}

TEST_F(library, ballots)
{
	struct dmring *r = self->r[0];

	EXPECT_EQ(DMRING_WEIGHT_DEFAULT, weight(r));
	EXPECT_EQ(-ERANGE, dmring_ballot(r, 1, DMRING_WEIGHT_MAX + 1));
	EXPECT_STREQ("a weight is from 0 to 1000, not 1001", dmring_why());
	EXPECT_EQ(DMRING_WEIGHT_DEFAULT, weight(r));
	/* the first goes through the kernel, the others are stores */
	EXPECT_EQ(0, dmring_ballot(r, 1, 500));
	EXPECT_EQ(500, weight(r));
	EXPECT_EQ(0, dmring_ballot(r, 1, DMRING_WEIGHT_MAX));
	EXPECT_EQ(DMRING_WEIGHT_MAX, weight(r));
	EXPECT_EQ(-ERANGE, dmring_ballot(r, 1, ~0U));
	EXPECT_EQ(0, dmring_ballot(r, 1, 0));
	EXPECT_EQ(0, weight(r));
	EXPECT_EQ(1, willing(r));
	EXPECT_EQ(1, dmring_in_office(r));
	/* at once */
	EXPECT_EQ(0, dmring_ballot(r, 0, 7));
	EXPECT_EQ(0, willing(r));
	EXPECT_EQ(0, dmring_in_office(r));
	EXPECT_EQ(1, dmring_in_office(self->r[1]));
	EXPECT_EQ(DMRING_OFFICE_LOST, last_event(r).arg);
	EXPECT_EQ(0, dmring_ballot(r, 1, 7));
	EXPECT_EQ(1, dmring_in_office(self->r[1]));
}

TEST_F(library, resigning)
{
	struct dmring_ev ev;

	EXPECT_EQ(-EPERM, dmring_resign(self->r[1]));
	EXPECT_NE(NULL, strstr(dmring_why(), "not in office: member 1"));
	EXPECT_EQ(1, dmring_in_office(self->r[0]));
	EXPECT_EQ(0, dmring_resign(self->r[0]));
	EXPECT_EQ(0, dmring_in_office(self->r[0]));
	EXPECT_EQ(1, dmring_in_office(self->r[1]));
	ev = last_event(self->r[0]);
	EXPECT_EQ(DMRING_OFFICE_HANDED_OVER, ev.arg);
	EXPECT_EQ(2, ev.arg2);
	EXPECT_STREQ("the proxy resigned", dmring_term_str(ev.reason));
	EXPECT_EQ(DMRING_OFFICE_TOOK_OVER, last_event(self->r[1]).arg);
	EXPECT_EQ(0, dmring_ballot(self->r[0], 0, 0));
	EXPECT_EQ(-EBUSY, dmring_resign(self->r[1]));
	EXPECT_NE(NULL, strstr(dmring_why(), "nobody else is willing"));
	EXPECT_EQ(1, dmring_in_office(self->r[1]));
}

TEST_F(library, a_ring_without_an_office)
{
	struct dmring *r;

	ASSERT_EQ(0, rig_ring_add("none", NULL));
	ASSERT_NE(NULL, r = attach("none", 0));
	EXPECT_EQ(-EOPNOTSUPP, dmring_ballot(r, 1, 5));
	EXPECT_NE(NULL, strstr(dmring_why(), "has scope machine"));
	EXPECT_EQ(-EOPNOTSUPP, dmring_resign(r));
	EXPECT_NE(NULL, strstr(dmring_why(), "has scope machine"));
	EXPECT_EQ(0, dmring_in_office(r));
	EXPECT_EQ(0, dmring_detach(r));
	EXPECT_EQ(0, rig_ring_del("none"));
}

/*
 * DMRING_WEIGH
 */

static void spin(int ms)
{
	uint64_t end = rig_ms() + ms;

	while (rig_ms() < end)
		;
}

/* It looks at the time that has passed since the last look */
#define weight_becomes(cond, turn)						\
	rig_within(20000, ({ turn; cond; }))

TEST_F(library, the_weight_follows_the_load_of_who_waits)
{
	struct dmring *r = self->r[1];

	EXPECT_EQ(0, dmring_ballot(r, 1, DMRING_WEIGHT_MAX));
	EXPECT_TRUE(weight_becomes(weight(r) <= 500, ({
		spin(150);
		dmring_wait(r, DMRING_WAIT_READ, 1, 0);
	})));
	EXPECT_TRUE(weight_becomes(weight(r) >= 800, dmring_wait(r, DMRING_WAIT_READ, 2, 300)));
	/* that of the other one stays */
	EXPECT_EQ(DMRING_WEIGHT_DEFAULT, weight(self->r[0]));
	EXPECT_EQ(1, willing(r));
}

static void count_terms(struct dmring *r, const struct dmring_msg *m, void *arg)
{
	struct dmring_ev ev = {};

	(void)r;
	if (m && m->type == DMRING_REC_EVENT)
		memcpy(&ev, m->data, sizeof(ev));
	if (ev.what == DMRING_EV_PROXY)
		__atomic_store_n((uint64_t *)arg, ev.arg, __ATOMIC_RELAXED);
}

/* Something that is in the stream of all */
static int change_office(struct dmring **r)
{
	return rig_elect(name, dmring_id(r[dmring_in_office(r[0])]), NULL);
}

TEST_F(library, the_weight_follows_the_load_of_who_dispatches)
{
	struct dmring *r = self->r[1];
	uint64_t term = 0;

	EXPECT_EQ(0, dmring_ballot(r, 1, DMRING_WEIGHT_MAX));
	ASSERT_EQ(0, dmring_dispatch_start(r, count_terms, &term));
	EXPECT_TRUE(weight_becomes(weight(r) <= 500, ({
		spin(150);
		EXPECT_EQ(0, change_office(self->r));
	})));
	EXPECT_TRUE(weight_becomes(weight(r) >= 800, ({
		rig_sleep(300);
		EXPECT_EQ(0, change_office(self->r));
	})));
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, __atomic_load_n(&term, __ATOMIC_RELAXED) ==
			       rig_proxy_get(name, DMRING_A_PROXY_TERM)));
	EXPECT_EQ(0, dmring_dispatch_stop(r));
}

TEST_HARNESS_MAIN
