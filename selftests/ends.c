// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a ring, and of its network namespace, with members attached:
 * everybody is told, nothing that is mapped goes away under anybody.
 *
 *	this process: ring add -- ring del
 *	child: asleep, polling, reading in place, sending        x 1 each
 *
 *	member that left --its messages wait for room--> told: its number is given again
 *
 *	namespace of a child --(exit of the child)--> gone, with its rings
 *	     ^--- its member, held open by this process through a descriptor
 */
#include <fcntl.h>
#include <poll.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "kself.h"
#include "rig.h"

static const char *name;
static uint32_t *ready;

FIXTURE(ends) {
	int unused;
};

FIXTURE_SETUP(ends)
{
	const struct rig_conf conf = { .log = 64 << 10, .slow_ms = 60000 };

	name = rig_name("ends");
	ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, ready);
	ASSERT_EQ(0, rig_ring_add(name, &conf));
}

FIXTURE_TEARDOWN(ends)
{
	rig_ring_del(name);
	munmap(ready, 4096);
}

static void say_ready(void)
{
	__atomic_add_fetch(ready, 1, __ATOMIC_RELEASE);
}

/* Log and index are taken away, and read as zeros: no SIGBUS */
static bool all_zero(const struct rig_member *m)
{
	size_t i;

	for (i = 0; i < rig_area_len(m, 5); i += 512)
		if (((volatile const char *)m->log)[i])
			return false;
	for (i = 0; i < m->at.index_size; i++)
		if (((volatile const uint64_t *)m->index)[i])
			return false;
	return true;
}

/* What everybody expects at the end */
static int told(struct rig_member *m)
{
	if (m->kern->state != DMRING_STATE_DETACHED)
		return 10;
	if (m->kern->reason != DMRING_REASON_RINGDEL)
		return 20 + m->kern->reason;
	/* in this order, and each a moment later: who has seen the state may be faster */
	if (!rig_within(RIG_WAIT_MS, rig_submit(m) == -ENOTCONN))
		return 12;
	if (!(m->kern->marks & DMRING_MARK_EVICTED))
		return 11;
	if (!rig_within(RIG_WAIT_MS, all_zero(m)))
		return 13;
	/* its own slot stays */
	memset(m->in, 1, 2 * m->at.in_size);
	m->user->in_tail = 0;
	return 0;
}

static int asleep(void *arg)
{
	struct rig_member m = {};

	(void)arg;
	if (rig_join(&m, name, 0))
		return 1;
	say_ready();
	if (rig_enter(&m, DMRING_ENTER_READ, 0, 20000) != -ENOTCONN)
		return 2;
	return told(&m);
}

static int polling(void *arg)
{
	struct rig_member m = {};
	struct pollfd p = { .events = POLLIN };

	(void)arg;
	if (rig_join(&m, name, 0))
		return 1;
	p.fd = m.fd;
	say_ready();
	if (poll(&p, 1, 20000) != 1 || !(p.revents & POLLHUP))
		return 2;
	return told(&m);
}

static int reading(void *arg)
{
	struct rig_member m = {};
	volatile uint64_t sum = 0;
	size_t i;

	(void)arg;
	if (rig_join(&m, name, 0))
		return 1;
	say_ready();
	/* all over the log while it is taken away */
	while (m.kern->state == DMRING_STATE_ATTACHED)
		for (i = 0; i < rig_area_len(&m, 5); i += 8)
			sum += *(volatile const uint64_t *)(m.log + i);
	return told(&m);
}

static int sending(void *arg)
{
	struct rig_member m = {};
	char buf[1000] = "";
	int err;

	(void)arg;
	if (rig_join(&m, name, 0))
		return 1;
	say_ready();
	do {
		err = rig_send(&m, buf, sizeof(buf));
		if (err == -EAGAIN)
			err = rig_submit(&m);
		while (rig_get(&m, buf, sizeof(buf)) >= 0)
			;
	} while (!err);
	if (err != -ENOTCONN)
		return 2;
	return told(&m);
}

static int as_a_file(void *arg)
{
	struct rig_member m = {};
	char buf[100] = "";

	(void)arg;
	if (rig_attach(&m, name, 0))
		return 1;
	say_ready();
	while (write(m.fd, buf, 100) == 100)
		if (read(m.fd, buf, sizeof(buf)) < 0)
			break;
	return errno != ENOTCONN;
}

static int (* const roles[])(void *arg) = { asleep, polling, reading, as_a_file };

TEST_F(ends, ring_del_tells_everybody)
{
	pid_t pid[ARRAY_SIZE(roles)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roles); i++)
		pid[i] = rig_child(roles[i], NULL);
	ASSERT_TRUE(rig_within(20000, *ready == ARRAY_SIZE(roles)));
	/* who sleeps is asleep, unless as_a_file's messages wake it: then it has left with 2 */
	EXPECT_EQ(0, rig_ring_del(name));
	EXPECT_EQ(-ENOENT, rig_ring_del(name));
	for (i = 2; i < ARRAY_SIZE(roles); i++)
		EXPECT_EQ(0, rig_wait(pid[i])) TH_LOG("role %zu", i);
}

TEST_F(ends, ring_del_wakes_who_sleeps)
{
	pid_t pid[2];
	int i;

	for (i = 0; i < 2; i++)
		pid[i] = rig_child(roles[i], NULL);
	ASSERT_TRUE(rig_within(20000, *ready == 2));
	rig_sleep(100);
	EXPECT_EQ(0, rig_ring_del(name));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, rig_wait(pid[i])) TH_LOG("role %d", i);
}

TEST_F(ends, ring_del_under_traffic)
{
	/* on a busy machine one may well not run for a second */
	const struct rig_conf conf = { .log = 64 << 10, .slow_ms = 60000 };
	int round, i;

	for (round = 0; round < 20; round++) {
		pid_t pid[3];

		*ready = 0;
		for (i = 0; i < 3; i++)
			pid[i] = rig_child(sending, NULL);
		ASSERT_TRUE(rig_within(20000, *ready == 3));
		rig_sleep(round);
		ASSERT_EQ(0, rig_ring_del(name));
		for (i = 0; i < 3; i++)
			EXPECT_EQ(0, rig_wait(pid[i])) TH_LOG("round %d", round);
		/* the name is free at once */
		ASSERT_EQ(0, rig_ring_add(name, &conf));
	}
}

/*
 * Network namespaces
 */

/* The namespace's only process: makes a ring there and a member of it, and ends */
static int live_in_netns(void *arg)
{
	struct rig_member m = {};
	char buf[8];

	(void)arg;
	if (unshare(CLONE_NEWNET))
		return 1;
	/* the ring outside is not seen here */
	if (rig_attach(&m, name, 0) != -ENOENT)
		return 2;
	if (rig_ring_add("inner", NULL))
		return 3;
	if (rig_attach(&m, "inner", 0))
		return 4;
	if (write(m.fd, "hello", 5) != 5 || read(m.fd, buf, sizeof(buf)) != 5)
		return 5;
	return 0;
}

/* The number that who comes now gets */
static uint32_t next_number(const char *ring)
{
	struct rig_member m = {};

	if (rig_join(&m, ring, DMRING_ATTACH_SEND_ONLY))
		return UINT32_MAX;
	rig_leave(&m);
	return m.at.id;
}

/*
 * While there is another one nobody gets the number of one that has left before that was
 * told: else who keeps an account of members books the departure to the wrong one.
 */
TEST_F(ends, a_number_is_given_again_when_its_departure_was_told)
{
	const struct rig_conf conf = { .log = 64 << 10, .slow = DMRING_SLOW_BLOCK };
	struct rig_member reader = {}, left = {}, next = {};
	struct dmring_ev ev;
	char buf[512] = "";
	uint32_t id;

	rig_ring_del(name);
	ASSERT_EQ(0, rig_ring_add(name, &conf));
	ASSERT_EQ(0, rig_join(&reader, name, 0));
	ASSERT_EQ(0, rig_join(&left, name, DMRING_ATTACH_SEND_ONLY));
	id = left.at.id;
	/* until messages wait in its input space */
	EXPECT_GT(rig_fill(name, rig_send(&left, buf, sizeof(buf))), 0);
	rig_leave(&left);
	ASSERT_EQ(0, rig_join(&next, name, DMRING_ATTACH_SEND_ONLY));
	EXPECT_NE(id, next.at.id);

	EXPECT_EQ(0, rig_event(&reader, &ev, RIG_WAIT_MS));
	EXPECT_EQ(DMRING_EV_LEFT, ev.what);
	EXPECT_EQ(id, ev.arg);
	/* it is the lowest; those who watch by netlink are told a little later */
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, next_number(name) == id));
	rig_leave(&next);
	rig_leave(&reader);
}

TEST_F(ends, namespaces_do_not_see_each_other)
{
	EXPECT_EQ(0, rig_in_child(live_in_netns, NULL));
	EXPECT_EQ(UINT64_MAX, rig_ring_get("inner", DMRING_A_RING_MEMBERS));
	EXPECT_EQ(0, rig_ring_get(name, DMRING_A_RING_MEMBERS));
}

/*
 * A namespace ends when its last process leaves it. The member's process goes
 * over to the first namespace, its membership does not.
 */
static int outlive_netns(void *arg)
{
	int home = open("/proc/self/ns/net", O_RDONLY);
	struct rig_member m = {};

	if (home < 0 || unshare(CLONE_NEWNET) || rig_ring_add("inner", arg) ||
	    rig_join(&m, "inner", 0))
		return 1;
	if (arg && (rig_peer_add("inner", 2, INADDR_LOOPBACK, 7014) || !rig_in_office(&m)))
		return 8;
	if (rig_send(&m, "x", 1))
		return 2;
	/* what it sends between machines waits for the ring */
	if (!arg && rig_enter(&m, DMRING_ENTER_READ, 0, RIG_WAIT_MS))
		return 4;
	if (setns(home, CLONE_NEWNET))
		return 3;
	if (!rig_within(20000, m.kern->state == DMRING_STATE_DETACHED))
		return 5;
	if (m.kern->reason != DMRING_REASON_NETNS ||
	    !rig_within(RIG_WAIT_MS, rig_submit(&m) == -ENOTCONN))
		return 6;
	/* a new descriptor belongs to the namespace where it is opened */
	if (rig_attach(&m, "inner", 0) != -ENOENT)
		return 7;
	return rig_attach(&m, name, 0);
}

TEST_F(ends, namespace_ends)
{
	/* with an office, a listener and a peer that it looks for in vain */
	struct rig_conf conf = { .node = 1, .addr = INADDR_ANY, .port = 7013 };

	EXPECT_EQ(0, rig_in_child(outlive_netns, NULL));
	EXPECT_EQ(0, rig_in_child(outlive_netns, &conf));
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, rig_ring_get(name, DMRING_A_RING_MEMBERS) == 0));
}

/* A descriptor that was opened there and not attached is of no use any more, and harmless */
static int open_before_the_end(void *arg)
{
	int home = open("/proc/self/ns/net", O_RDONLY), fd;
	struct dmring_ioc_attach at = {};
	struct rig_member m = {};

	(void)arg;
	if (home < 0 || unshare(CLONE_NEWNET) || rig_ring_add("inner", NULL) ||
	    rig_join(&m, "inner", 0))
		return 1;
	fd = rig_open();
	if (fd < 0 || setns(home, CLONE_NEWNET))
		return 2;
	if (!rig_within(20000, m.kern->state == DMRING_STATE_DETACHED))
		return 3;
	rig_attach_args(&at, "inner", 0);
	if (!ioctl(fd, DMRING_IOC_ATTACH, &at) || errno != ENOENT)
		return 4;
	/* nor does it see the rings of where its process is now */
	rig_attach_args(&at, name, 0);
	return !ioctl(fd, DMRING_IOC_ATTACH, &at) || errno != ENOENT;
}

TEST_F(ends, namespace_ends_before_attach)
{
	EXPECT_EQ(0, rig_in_child(open_before_the_end, NULL));
}

static int many_namespaces(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 20; i++) {
		struct rig_member *m = calloc(1, sizeof(*m));

		if (unshare(CLONE_NEWNET) || rig_ring_add("inner", NULL) ||
		    rig_join(m, "inner", 0) || rig_send(m, "x", 1))
			return 1;
	}
	return 0;
}

TEST_F(ends, many_namespaces_end)
{
	EXPECT_EQ(0, rig_in_child(many_namespaces, NULL));
}

TEST_HARNESS_MAIN
