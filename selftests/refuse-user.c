// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may what: mode, owner and group of a ring, capabilities, the locked-memory
 * limit. Each attempt is made by a child that has become that user for good.
 *
 *	root: ring add ... mode MODE owner 1000 group 2000
 *	   |
 *	   +-- 1000 (owner)   +-- 3000 in group 2000   +-- 4000 (other)
 */
#include <grp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <libmnl/libmnl.h>

#include "kself.h"
#include "rig.h"

#define OWNER	1000
#define GROUP	2000
#define MEMBER	3000
#define OTHER	4000

static const char *name;

FIXTURE(user) {
	int unused;
};

FIXTURE_SETUP(user)
{
	const struct rig_conf conf = { .log = 64 << 10, .uid = OWNER, .gid = GROUP };

	name = rig_name("user");
	ASSERT_EQ(0, rig_ring_add(name, &conf));
}

FIXTURE_TEARDOWN(user)
{
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, rig_ring_get(name, DMRING_A_RING_MEMBERS) == 0));
	EXPECT_EQ(0, rig_ring_del(name));
}

/* One attempt to attach */
struct attempt {
	uint32_t uid;
	uint32_t group;		/* one more group, or 0 */
	uint32_t flags;
	size_t memlock;		/* limit (bytes), 0 for none of our own */
	uint32_t in_size;
};

static int become(const struct attempt *a)
{
	const gid_t group = a->group;

	if (setgroups(a->group ? 1 : 0, &group) || setresgid(a->uid, a->uid, a->uid))
		return -errno;
	return setresuid(a->uid, a->uid, a->uid) ? -errno : 0;
}

/* 0 attached; errno when refused with a sentence; 200 and more: something else */
static int attach_as(void *arg)
{
	const struct attempt *a = arg;
	struct dmring_ioc_attach at = { .in_size = a->in_size };
	struct rlimit limit = { a->memlock, a->memlock };
	int fd, err;

	if (a->memlock && setrlimit(RLIMIT_MEMLOCK, &limit))
		return 200;
	if (a->uid && become(a))
		return 201;
	fd = rig_open();
	if (fd < 0)
		return 202;
	rig_attach_args(&at, name, a->flags);
	err = ioctl(fd, DMRING_IOC_ATTACH, &at) ? errno : 0;
	if (err == EACCES && !strstr(at.why, "you may not attach to it"))
		return 203;
	if (err == ENOBUFS && !strstr(at.why, "over the locked-memory limit"))
		return 204;
	if (!err != !at.why[0])
		return 205;
	return err;
}

static int attempt(uint32_t uid, uint32_t group, uint32_t flags)
{
	struct attempt a = { .uid = uid, .group = group, .flags = flags };

	return rig_in_child(attach_as, &a);
}

struct mode_case {
	uint32_t mode;
	int owner, owner_sends, member, member_sends, other, other_sends;
};

#define NO EACCES

static const struct mode_case modes[] = {
	{ 0600, 0,  0,  NO, NO, NO, NO },
	{ 0660, 0,  0,  0,  0,  NO, NO },
	{ 0666, 0,  0,  0,  0,  0,  0  },
	{ 0606, 0,  0,  NO, NO, 0,  0  },	/* a class is never better off than its bits */
	{ 0066, NO, NO, 0,  0,  0,  0  },
	{ 0622, 0,  0,  NO, 0,  NO, 0  },	/* write alone: may send, not hear */
	{ 0200, NO, 0,  NO, NO, NO, NO },
	{ 0444, NO, NO, NO, NO, NO, NO },	/* read alone is not to be had */
	{ 0111, NO, NO, NO, NO, NO, NO },
};

TEST_F(user, modes)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		const struct mode_case *c = &modes[i];

		ASSERT_EQ(0, rig_ring_mode(name, c->mode, OWNER, GROUP));
		EXPECT_EQ(c->owner, attempt(OWNER, 0, 0)) TH_LOG("owner, %04o", c->mode);
		EXPECT_EQ(c->owner_sends, attempt(OWNER, 0, DMRING_ATTACH_SEND_ONLY))
			TH_LOG("owner sends, %04o", c->mode);
		EXPECT_EQ(c->member, attempt(MEMBER, GROUP, 0)) TH_LOG("group, %04o", c->mode);
		EXPECT_EQ(c->member_sends, attempt(MEMBER, GROUP, DMRING_ATTACH_SEND_ONLY))
			TH_LOG("group sends, %04o", c->mode);
		EXPECT_EQ(c->other, attempt(OTHER, 0, 0)) TH_LOG("other, %04o", c->mode);
		EXPECT_EQ(c->other_sends, attempt(OTHER, 0, DMRING_ATTACH_SEND_ONLY))
			TH_LOG("other sends, %04o", c->mode);
		/* who administers the network namespace may always */
		EXPECT_EQ(0, attempt(0, 0, 0)) TH_LOG("root, %04o", c->mode);
	}
}

/* A change of mode throws nobody out; it counts at the next attach */
TEST_F(user, mode_changes)
{
	struct rig_member m = {};

	ASSERT_EQ(0, rig_ring_mode(name, 0666, OWNER, GROUP));
	ASSERT_EQ(0, rig_join(&m, name, 0));
	ASSERT_EQ(0, attempt(OTHER, 0, 0));
	ASSERT_EQ(0, rig_ring_mode(name, 0600, OWNER, GROUP));
	EXPECT_EQ(EACCES, attempt(OTHER, 0, 0));
	EXPECT_EQ(0, rig_send(&m, "x", 1));
	ASSERT_EQ(0, rig_ring_mode(name, 0600, OTHER, GROUP));
	EXPECT_EQ(0, attempt(OTHER, 0, 0));
	EXPECT_EQ(EACCES, attempt(OWNER, 0, 0));
	rig_leave(&m);
}

TEST_F(user, locked_memory)
{
	struct attempt a = { .uid = OTHER, .memlock = 64 << 10 };

	ASSERT_EQ(0, rig_ring_mode(name, 0666, OWNER, GROUP));
	/* 2 pages, 32 and 4 KiB fit 64 */
	EXPECT_EQ(0, rig_in_child(attach_as, &a));
	a.memlock = 32 << 10;
	EXPECT_EQ(ENOBUFS, rig_in_child(attach_as, &a));
	a.memlock = 64 << 10;
	a.in_size = 1 << 20;
	EXPECT_EQ(ENOBUFS, rig_in_child(attach_as, &a));
	EXPECT_EQ(0, rig_ring_get(name, DMRING_A_RING_MEMBERS));
	/* CAP_IPC_LOCK is not bound by it */
	a.uid = 0;
	EXPECT_EQ(0, rig_in_child(attach_as, &a));
}

#define LIMIT	(1U << 20)
#define FIT	(LIMIT / (44U << 10))	/* members with default sizes */

/* Memory is given back with the last reference, which may be the ring's thread's */
static int attach_within(int ms, struct rig_member *m)
{
	int err = 0;

	rig_within(ms, (err = rig_attach(m, name, DMRING_ATTACH_SEND_ONLY)) != -ENOBUFS);
	return err;
}

/* The sum counts, over all processes of the user; what is given back may be had again */
static int many_as_other(void *arg)
{
	const struct rlimit limit = { LIMIT, LIMIT };
	struct rig_member m[FIT] = {}, more = {};
	unsigned int round, i;

	(void)arg;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) || rig_drop(OTHER))
		return 200;
	for (round = 0; round < 20; round++) {
		for (i = 0; i < FIT; i++)
			if (attach_within(RIG_WAIT_MS, &m[i]))
				return 201;
		if (attach_within(0, &more) != -ENOBUFS)
			return 202;
		for (i = 0; i < FIT; i++)
			close(m[i].fd);
	}
	return 0;
}

TEST_F(user, locked_memory_adds_up)
{
	ASSERT_EQ(0, rig_ring_mode(name, 0666, OWNER, GROUP));
	EXPECT_EQ(0, rig_in_child(many_as_other, NULL));
}

/*
 * Netlink: changes need CAP_NET_ADMIN, reads do not
 */

static int ask(uint8_t cmd, uint16_t object, uint16_t attr)
{
	struct rig_req r;
	char why[2 * DMRING_WHY_SIZE];

	rig_req_start(&r, cmd, object);
	mnl_attr_put_strz(r.nlh, attr, name);
	return rig_req_send(&r, why);
}

static int netlink_as_other(void *arg)
{
	(void)arg;
	if (rig_drop(OTHER))
		return 1;
	if (rig_ring_add("others", NULL) != -EPERM)
		return 2;
	if (ask(DMRING_CMD_RING_SET, DMRING_A_RING, DMRING_A_RING_NAME) != -EPERM)
		return 3;
	if (ask(DMRING_CMD_RING_DEL, DMRING_A_RING, DMRING_A_RING_NAME) != -EPERM)
		return 4;
	if (ask(DMRING_CMD_PEER_ADD, DMRING_A_PEER, DMRING_A_PEER_RING) != -EPERM)
		return 5;
	if (ask(DMRING_CMD_PEER_DEL, DMRING_A_PEER, DMRING_A_PEER_RING) != -EPERM)
		return 6;
	if (ask(DMRING_CMD_MEMBER_EVICT, DMRING_A_MEMBER, DMRING_A_MEMBER_RING) != -EPERM)
		return 7;
	if (rig_ring_get(name, DMRING_A_RING_MEMBERS) != 0)
		return 8;
	return 0;
}

TEST_F(user, netlink_needs_net_admin)
{
	EXPECT_EQ(0, rig_in_child(netlink_as_other, NULL));
}

/* An owner of the ring is no administrator of it */
static int netlink_as_owner(void *arg)
{
	(void)arg;
	if (rig_drop(OWNER))
		return 1;
	if (rig_ring_mode(name, 0666, OWNER, GROUP) != -EPERM)
		return 2;
	return rig_ring_del(name) != -EPERM;
}

TEST_F(user, owner_is_no_administrator)
{
	EXPECT_EQ(0, rig_in_child(netlink_as_owner, NULL));
}

/* Root of a user namespace with a network namespace of its own administers that, no other */
static int in_user_namespace(void *arg)
{
	struct dmring_ioc_attach at = {};
	int outer = rig_open();

	(void)arg;
	if (outer < 0 || rig_drop(OTHER))
		return 1;
	if (unshare(CLONE_NEWUSER))
		return 100;
	/* all capabilities here, none over the namespace outside */
	if (rig_ring_del(name) != -EPERM)
		return 2;
	rig_attach_args(&at, name, 0);
	if (!ioctl(outer, DMRING_IOC_ATTACH, &at) || errno != EACCES)
		return 3;
	if (unshare(CLONE_NEWNET))
		return 4;
	if (rig_ring_add("inner", NULL))
		return 5;
	/* a descriptor belongs to where it was opened */
	if (!ioctl(outer, DMRING_IOC_ATTACH, &at) || errno != EACCES)
		return 6;
	return rig_ring_del("inner");
}

TEST_F(user, user_namespace)
{
	int ret = rig_in_child(in_user_namespace, NULL);

	if (ret == 100)
		SKIP(return, "this kernel lets nobody make user namespaces");
	EXPECT_EQ(0, ret);
}

TEST_HARNESS_MAIN
