/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring of scope network on one host, with four members of this process, for the tests of the
 * office. They look at the marks of all members after each step: one is in office, never two,
 * never none while somebody is willing.
 */
#ifndef _DMRING_SELFTESTS_OFFICE_RIG_H
#define _DMRING_SELFTESTS_OFFICE_RIG_H

#include <libmnl/libmnl.h>

#include "kself.h"
#include "rig.h"

#define LOOPBACK	0x7f000001
#define MEMBERS		4
#define NOBODY		UINT64_MAX
#define PROXY_MS	200

static const char *name;
static const struct rig_conf plain = {
	.node = 1, .addr = LOOPBACK, .port = 7010, .proxy_ms = PROXY_MS,
};

FIXTURE(office) {
	struct rig_member m[MEMBERS];
	char why[DMRING_WHY_SIZE * 2];
};

FIXTURE_SETUP(office)
{
	int i;

	name = rig_name("office");
	ASSERT_EQ(0, rig_ring_add(name, &plain));
	for (i = 0; i < MEMBERS; i++)
		ASSERT_EQ(0, rig_join(&self->m[i], name, 0));
}

FIXTURE_TEARDOWN(office)
{
	int i;

	for (i = 0; i < MEMBERS; i++)
		rig_leave(&self->m[i]);
	rig_ring_del(name);
}

/* The proxy's id by netlink; by its mark it is the same one among ours, or somebody else's */
static uint64_t proxy(struct rig_member *m)
{
	uint64_t id = rig_proxy_get(name, DMRING_A_PROXY_MEMBER);
	int i;

	for (i = 0; i < MEMBERS; i++) {
		if (!m[i].fd || m[i].kern->state != DMRING_STATE_ATTACHED)
			continue;
		if (rig_in_office(&m[i]) != (m[i].at.id == id))
			return 1000 + i;
	}
	return id;
}

/* The last private event is an office event of this kind, in this term */
static int last_office(struct rig_member *m, struct dmring_ev *ev)
{
	int n = 0;

	while (!rig_private_event(m, ev))
		n++;
	return n && ev->what == DMRING_EV_OFFICE ? (int)ev->arg : -1;
}

/* 0 or -errno, and then @why */
static int set_rotate(uint32_t seconds, char *why)
{
	struct rig_req r;

	rig_req_start(&r, DMRING_CMD_RING_SET, DMRING_A_RING);
	mnl_attr_put_strz(r.nlh, DMRING_A_RING_NAME, name);
	mnl_attr_put_u32(r.nlh, DMRING_A_RING_ROTATE, seconds);
	return rig_req_send(&r, why);
}

static void leave(struct rig_member *m)
{
	rig_leave(m);
	memset(m, 0, sizeof(*m));
}

#endif /* _DMRING_SELFTESTS_OFFICE_RIG_H */
