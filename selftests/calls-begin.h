/* SPDX-License-Identifier: GPL-2.0-only */
/* Services that are given when a member attaches, in any scope */
#ifndef _DMRING_SELFTEST_CALLS_BEGIN_H
#define _DMRING_SELFTEST_CALLS_BEGIN_H

#include <string.h>

#include "../ulib/include/dmring.h"
#include "kself.h"

static inline int begin_next(struct dmring *r, struct dmring_msg *m)
{
	int i, ret = dmring_peek(r, m);

	for (i = 0; i < 100 && ret == -EAGAIN; i++) {
		dmring_wait(r, DMRING_WAIT_READ, 1, 100);
		ret = dmring_peek(r, m);
	}
	return ret;
}

/* All that it names are served, or it is no member; @client asks. */
static inline void from_the_beginning(struct __test_metadata *_metadata, const char *ring,
				      uint32_t scope, struct dmring *client)
{
	const char *const two[] = { "first", "second", NULL }, *const twice[] = { "a", "a", NULL };
	struct dmring_opts o = {
		.size = sizeof(o), .flags = DMRING_CALLS, .scope = scope, .services = two,
	};
	struct dmring *r;
	struct dmring_msg m;
	int i;

	ASSERT_EQ(0, dmring_attach(&r, ring, &o)) TH_LOG("%s", dmring_why());
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, dmring_call_start(client, two[i], two[i], strlen(two[i]), i, 0, -1));
		ASSERT_EQ(0, begin_next(r, &m));
		ASSERT_EQ(DMRING_REC_REQUEST, m.type);
		EXPECT_EQ(strlen(two[i]), m.len);
		EXPECT_EQ(0, memcmp(m.data, two[i], m.len));
		ASSERT_EQ(0, dmring_reply(r, m.ref, "", 0));
		ASSERT_EQ(0, dmring_release(r));
	}
	ASSERT_EQ(0, dmring_detach(r));
	o.services = twice;
	EXPECT_EQ(-EEXIST, dmring_attach(&r, ring, &o));
	EXPECT_NE(NULL, strstr(dmring_why(), "\"a\""));
	EXPECT_EQ(NULL, r);
	/* so nobody serves it */
	ASSERT_EQ(0, dmring_call_start(client, "a", "", 0, 2, 0, -1));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, begin_next(client, &m));
		ASSERT_EQ(DMRING_REC_REPLY, m.type);
		EXPECT_EQ(i, m.ref);
		EXPECT_EQ(i < 2 ? 0 : -ESRCH, m.error);
		EXPECT_EQ(0, m.len);
		ASSERT_EQ(0, dmring_release(client));
	}
	o.flags = 0;
	EXPECT_EQ(-EOPNOTSUPP, dmring_attach(&r, ring, &o));
	EXPECT_EQ(NULL, r);
}

#endif
