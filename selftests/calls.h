/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of requests on one machine have in common: members, and what comes to them */
#ifndef _DMRING_SELFTEST_CALLS_H
#define _DMRING_SELFTEST_CALLS_H

#include "../ulib/include/dmring.h"
#include "kself.h"
#include "rig.h"

#define WAIT_MS	RIG_WAIT_MS
#define PAST	2		/* ms; a deadline that is over soon */

static inline struct dmring *join(const char *name, uint32_t out)
{
	struct dmring_opts o = { .size = sizeof(o), .flags = DMRING_CALLS, .out_size = out };
	struct dmring *r = NULL;

	return dmring_attach(&r, name, &o) ? NULL : r;
}

static inline void leave(struct dmring **r)
{
	if (*r)
		dmring_detach(*r);
	*r = NULL;
}

/* The next message of any kind, within @ms: 0 or -errno; it stays until release */
static inline int next(struct dmring *r, struct dmring_msg *m, int ms)
{
	int ret;

	rig_await(ms, (ret = dmring_peek(r, m)) != -EAGAIN,
		  dmring_wait(r, DMRING_WAIT_READ, 1, 20));
	return ret;
}

/* The next one is a request with this text; its capability */
static inline uint64_t request(struct __test_metadata *_metadata, struct dmring *s,
			       const char *text)
{
	struct dmring_msg m;
	uint64_t cap;

	ASSERT_EQ(0, next(s, &m, WAIT_MS)) TH_LOG("no request \"%s\"", text);
	ASSERT_EQ(DMRING_REC_REQUEST, m.type);
	ASSERT_EQ(strlen(text), m.len);
	ASSERT_EQ(0, memcmp(m.data, text, m.len));
	cap = m.ref;
	ASSERT_EQ(0, dmring_release(s));
	return cap;
}

/* The next one that is no broadcast is the end of request @cookie */
static inline void ends(struct __test_metadata *_metadata, struct dmring *c, uint64_t cookie,
			int error, const char *text)
{
	struct dmring_msg m;

	do {
		ASSERT_EQ(0, next(c, &m, WAIT_MS))
			TH_LOG("%llu has no end", (unsigned long long)cookie);
	} while (m.type == DMRING_REC_DATA);
	ASSERT_EQ(DMRING_REC_REPLY, m.type);
	EXPECT_EQ(cookie, m.ref);
	EXPECT_EQ(error, m.error) TH_LOG("%s", strerror(-m.error));
	ASSERT_EQ(strlen(text), m.len);
	EXPECT_EQ(0, memcmp(m.data, text, m.len));
	ASSERT_EQ(0, dmring_release(c));
}

static inline void nothing(struct __test_metadata *_metadata, struct dmring *r)
{
	struct dmring_msg m;

	EXPECT_EQ(-EAGAIN, next(r, &m, 50));
}

/*
 * Will so many be in the hands of those who serve, and under way no more? A request that has been
 * sent is in nobody's hands before the ring has come by.
 */
static inline bool are_open(const char *name, uint64_t n)
{
	return rig_within(WAIT_MS, rig_ring_stat(name, DMRING_A_STAT_CALLS_OPEN) == n);
}

static inline int ask(struct dmring *c, const char *text, uint64_t cookie, unsigned int flags, int ms)
{
	return dmring_call_start(c, "work", text, strlen(text), cookie, flags, ms);
}

#endif
