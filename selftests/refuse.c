// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every refusal of every ioctl of /dev/dmring: its errno, its sentence where it
 * has one, and that nothing was changed by it.
 *
 *	ring "refuse-PID" (machine, 64 KiB log, 4 slots)
 *	  ^
 *	  +-- watcher: a member that must neither hear nor lose anything
 *	  +-- fd: the descriptor that does what is refused
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "kself.h"
#include "rig.h"

#define LOG	(64U << 10)
#define SLOTS	4

static int ioc(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

FIXTURE(refuse) {
	const char *name;
	struct rig_member watcher;
	int fd;
};

FIXTURE_SETUP(refuse)
{
	const struct rig_conf conf = { .log = LOG, .slots = SLOTS };

	self->name = rig_name("refuse");
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	ASSERT_EQ(0, rig_join(&self->watcher, self->name, 0));
	self->fd = rig_open();
	ASSERT_GE(self->fd, 0);
}

/* Whatever was refused: the ring has its one member, and it hears what is said, and nothing else */
FIXTURE_TEARDOWN(refuse)
{
	char buf[16] = "";

	close(self->fd);
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, rig_ring_get(self->name, DMRING_A_RING_MEMBERS) == 1));
	EXPECT_EQ(0, rig_send(&self->watcher, "still", 6));
	EXPECT_EQ(6, rig_get_wait(&self->watcher, buf, sizeof(buf), RIG_WAIT_MS));
	EXPECT_STREQ("still", buf);
	EXPECT_EQ(-EAGAIN, rig_get(&self->watcher, buf, sizeof(buf)));
	rig_leave(&self->watcher);
	EXPECT_EQ(0, rig_ring_del(self->name));
}

/*
 * Attach
 */

struct attach_case {
	const char *what;
	int err;
	const char *why;	/* a part of the sentence */
	void (*spoil)(struct dmring_ioc_attach *at);
};

static void wrong_abi(struct dmring_ioc_attach *at) { at->abi = DMRING_ABI + 1; }
static void abi_zero(struct dmring_ioc_attach *at) { at->abi -= at->abi; }
static void unknown_flag(struct dmring_ioc_attach *at) { at->flags = DMRING_ATTACH_FLAGS + 1; }
static void top_flag(struct dmring_ioc_attach *at) { at->flags = 1U << 31; }
static void reserved_0(struct dmring_ioc_attach *at) { at->reserved[0] = 1; }
static void reserved_1(struct dmring_ioc_attach *at) { at->reserved[1] = 1; }
static void reserved_2(struct dmring_ioc_attach *at) { at->reserved[2] = 1ULL << 63; }
static void reserved_3(struct dmring_ioc_attach *at) { at->reserved[3] = 1; }
static void no_name(struct dmring_ioc_attach *at) { memset(at->name, 0, sizeof(at->name)); }
static void endless_name(struct dmring_ioc_attach *at) { memset(at->name, 'a', sizeof(at->name)); }
static void unknown_ring(struct dmring_ioc_attach *at) { strcpy(at->name, "nobody"); }
static void path_name(struct dmring_ioc_attach *at) { strcpy(at->name, "../etc/passwd"); }
static void in_odd(struct dmring_ioc_attach *at) { at->in_size = 3 * 4096; }
static void in_small(struct dmring_ioc_attach *at) { at->in_size = DMRING_SPACE_MIN / 2; }
static void in_large(struct dmring_ioc_attach *at) { at->in_size = DMRING_SPACE_MAX * 2; }
static void in_most(struct dmring_ioc_attach *at) { at->in_size = 1U << 31; }
static void in_all(struct dmring_ioc_attach *at) { at->in_size = ~0U; }
static void out_odd(struct dmring_ioc_attach *at) { at->out_size = 4097; }
static void out_small(struct dmring_ioc_attach *at) { at->out_size = 1; }
static void out_large(struct dmring_ioc_attach *at) { at->out_size = DMRING_SPACE_MAX * 2; }
static void out_all(struct dmring_ioc_attach *at) { at->out_size = ~0U; }

static void no_echo_send_only(struct dmring_ioc_attach *at)
{
	at->flags = DMRING_ATTACH_NO_ECHO | DMRING_ATTACH_SEND_ONLY;
}

static void own_send_only(struct dmring_ioc_attach *at)
{
	at->flags = DMRING_ATTACH_OWN | DMRING_ATTACH_SEND_ONLY;
}

#define WHY_ABI		"this module speaks ABI 3, the program ABI"
#define WHY_ZERO	"unknown flags, or reserved fields that are not zero"
#define WHY_NAME	"a ring's name has 1 to 31 bytes"
#define WHY_SPACE	"input and output space are powers of two from 4096 to 4194304"

static const struct attach_case attach_cases[] = {
	{ "ABI of a newer program", -EPROTONOSUPPORT, WHY_ABI, wrong_abi },
	{ "ABI 0", -EPROTONOSUPPORT, WHY_ABI, abi_zero },
	{ "unknown flag", -EINVAL, WHY_ZERO, unknown_flag },
	{ "highest flag", -EINVAL, WHY_ZERO, top_flag },
	{ "reserved[0]", -EINVAL, WHY_ZERO, reserved_0 },
	{ "reserved[1]", -EINVAL, WHY_ZERO, reserved_1 },
	{ "reserved[2]", -EINVAL, WHY_ZERO, reserved_2 },
	{ "reserved[3]", -EINVAL, WHY_ZERO, reserved_3 },
	{ "no echo and send only", -EINVAL, "goes with neither", no_echo_send_only },
	{ "own and send only", -EINVAL, "goes with neither", own_send_only },
	{ "empty name", -ENAMETOOLONG, WHY_NAME, no_name },
	{ "unterminated name", -ENAMETOOLONG, WHY_NAME, endless_name },
	{ "unknown ring", -ENOENT, "there is no ring \"nobody\" here", unknown_ring },
	{ "a path", -ENOENT, "there is no ring", path_name },
	{ "input space, no power of two", -EINVAL, WHY_SPACE, in_odd },
	{ "input space too small", -EINVAL, WHY_SPACE, in_small },
	{ "input space too large", -EINVAL, WHY_SPACE, in_large },
	{ "input space of 2 GiB", -EINVAL, WHY_SPACE, in_most },
	{ "input space of all ones", -EINVAL, WHY_SPACE, in_all },
	{ "output space, no power of two", -EINVAL, WHY_SPACE, out_odd },
	{ "output space too small", -EINVAL, WHY_SPACE, out_small },
	{ "output space too large", -EINVAL, WHY_SPACE, out_large },
	{ "output space of all ones", -EINVAL, WHY_SPACE, out_all },
};

TEST_F(refuse, attach_arguments)
{
	struct dmring_ioc_attach at = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attach_cases); i++) {
		const struct attach_case *c = &attach_cases[i];

		rig_attach_args(&at, self->name, 0);
		c->spoil(&at);
		memset(at.why, 'x', sizeof(at.why));
		EXPECT_EQ(c->err, ioc(self->fd, DMRING_IOC_ATTACH, &at)) TH_LOG("%s", c->what);
		EXPECT_NE(NULL, memchr(at.why, 0, sizeof(at.why))) TH_LOG("%s", c->what);
		EXPECT_NE(NULL, strstr(at.why, c->why)) TH_LOG("%s: \"%s\"", c->what, at.why);
		EXPECT_EQ(1, rig_ring_get(self->name, DMRING_A_RING_MEMBERS));
	}
	/* after all that it can still attach */
	memset(&at, 0, sizeof(at));
	rig_attach_args(&at, self->name, 0);
	EXPECT_EQ(0, ioc(self->fd, DMRING_IOC_ATTACH, &at));
	EXPECT_STREQ("", at.why);
	EXPECT_EQ(LOG, at.log_size);
	EXPECT_EQ(LOG / DMRING_COST_MIN, at.index_size);
}

TEST_F(refuse, attach_bad_pointer)
{
	struct dmring_ioc_attach *at = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct dmring_ioc_attach *edge;

	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-EFAULT, ioc(self->fd, DMRING_IOC_ATTACH, NULL));
	EXPECT_EQ(-EFAULT, ioc(self->fd, DMRING_IOC_ATTACH, (void *)-4096L));
	EXPECT_EQ(-EFAULT, ioc(self->fd, DMRING_IOC_ATTACH, (void *)(1UL << 63)));
	/* the second half of it is missing */
	ASSERT_EQ(0, munmap((char *)at + 4096, 4096));
	edge = (void *)((char *)at + 4096 - sizeof(*at) / 2);
	EXPECT_EQ(-EFAULT, ioc(self->fd, DMRING_IOC_ATTACH, edge));
	EXPECT_EQ(1, rig_ring_get(self->name, DMRING_A_RING_MEMBERS));
	/* what cannot be answered is undone */
	rig_attach_args(at, self->name, 0);
	ASSERT_EQ(0, mprotect(at, 4096, PROT_READ));
	EXPECT_EQ(-EFAULT, ioc(self->fd, DMRING_IOC_ATTACH, at));
	EXPECT_EQ(1, rig_ring_get(self->name, DMRING_A_RING_MEMBERS));
}

TEST_F(refuse, attach_twice)
{
	struct dmring_ioc_attach at = {}, again = {};

	rig_attach_args(&at, self->name, 0);
	ASSERT_EQ(0, ioc(self->fd, DMRING_IOC_ATTACH, &at));
	rig_attach_args(&again, self->name, 0);
	EXPECT_EQ(-EISCONN, ioc(self->fd, DMRING_IOC_ATTACH, &again));
	EXPECT_NE(NULL, strstr(again.why, "this descriptor was attached before"));
	EXPECT_EQ(2, rig_ring_get(self->name, DMRING_A_RING_MEMBERS));
	/* neither after it has left */
	ASSERT_EQ(0, ioc(self->fd, DMRING_IOC_DETACH, NULL));
	EXPECT_EQ(-EISCONN, ioc(self->fd, DMRING_IOC_ATTACH, &again));
}

TEST_F(refuse, attach_all_slots_taken)
{
	struct rig_member m[SLOTS] = {};
	struct dmring_ioc_attach at = {};
	int i;

	for (i = 1; i < SLOTS; i++)
		ASSERT_EQ(0, rig_attach(&m[i], self->name, 0));
	rig_attach_args(&at, self->name, 0);
	EXPECT_EQ(-EUSERS, ioc(self->fd, DMRING_IOC_ATTACH, &at));
	EXPECT_NE(NULL, strstr(at.why, "all 4 slots of the ring are taken"));
	for (i = 2; i < SLOTS; i++)
		rig_leave(&m[i]);
	/* its id is free at once */
	rig_attach_args(&at, self->name, 0);
	EXPECT_EQ(0, ioc(self->fd, DMRING_IOC_ATTACH, &at));
	rig_leave(&m[1]);
}

/*
 * The others
 */

TEST_F(refuse, before_attach)
{
	struct dmring_ioc_enter e = {};
	struct dmring_ioc_send s = {};
	char c;

	EXPECT_EQ(-ENOTCONN, ioc(self->fd, DMRING_IOC_DETACH, NULL));
	EXPECT_EQ(-ENOTCONN, ioc(self->fd, DMRING_IOC_SUBMIT, NULL));
	EXPECT_EQ(-ENOTCONN, ioc(self->fd, DMRING_IOC_ENTER, &e));
	EXPECT_EQ(-ENOTCONN, ioc(self->fd, DMRING_IOC_SEND, &s));
	EXPECT_EQ(-1, read(self->fd, &c, 1));
	EXPECT_EQ(ENOTCONN, errno);
	EXPECT_EQ(-1, write(self->fd, &c, 1));
	EXPECT_EQ(ENOTCONN, errno);
}

TEST_F(refuse, unknown_ioctl)
{
	struct dmring_ioc_attach at = {};
	unsigned int nr;

	for (nr = 0; nr < 256; nr++) {
		if (nr >= 1 && nr <= 5)
			continue;
		EXPECT_EQ(-ENOTTY, ioc(self->fd, _IO(DMRING_IOC_MAGIC, nr), &at));
	}
	/* right number, other size, direction or magic: a program of another ABI */
	EXPECT_EQ(-ENOTTY, ioc(self->fd, _IO(DMRING_IOC_MAGIC, 1), &at));
	EXPECT_EQ(-ENOTTY, ioc(self->fd, _IOWR(DMRING_IOC_MAGIC, 1, int), &at));
	EXPECT_EQ(-ENOTTY, ioc(self->fd, _IOR(DMRING_IOC_MAGIC, 1, struct dmring_ioc_attach), &at));
	EXPECT_EQ(-ENOTTY, ioc(self->fd, _IOW(DMRING_IOC_MAGIC, 4, int), &at));
	EXPECT_EQ(-ENOTTY, ioc(self->fd, _IOW(DMRING_IOC_MAGIC, 5, int), &at));
	EXPECT_EQ(-ENOTTY, ioc(self->fd, _IO(DMRING_IOC_MAGIC + 1, 3), &at));
	EXPECT_EQ(-ENOTTY, ioc(self->fd, TCGETS, &at));
	/* ioctl() of any file knows this one */
	EXPECT_EQ(-ENOTTY, ioc(self->fd, FIONREAD, &at));
}

TEST_F(refuse, enter_arguments)
{
	struct rig_member m = {};
	struct dmring_ioc_enter e = {};
	int i;

	ASSERT_EQ(0, rig_join(&m, self->name, 0));
	for (i = 4; i < 32; i++) {
		e = (struct dmring_ioc_enter){ .flags = 1U << i };
		EXPECT_EQ(-EINVAL, ioc(m.fd, DMRING_IOC_ENTER, &e)) TH_LOG("flag %d", i);
	}
	for (i = 0; i < 2; i++) {
		e = (struct dmring_ioc_enter){ .flags = DMRING_ENTER_READ, };
		e.reserved[i] = 1;
		EXPECT_EQ(-EINVAL, ioc(m.fd, DMRING_IOC_ENTER, &e)) TH_LOG("reserved[%d]", i);
	}
	e = (struct dmring_ioc_enter){ .flags = DMRING_ENTER_WRITE, .room = m.at.in_size + 1 };
	EXPECT_EQ(-EINVAL, ioc(m.fd, DMRING_IOC_ENTER, &e));
	e.room = ~0U;
	EXPECT_EQ(-EINVAL, ioc(m.fd, DMRING_IOC_ENTER, &e));
	/* room that is not waited for */
	e = (struct dmring_ioc_enter){ .flags = DMRING_ENTER_READ, .room = 1 };
	EXPECT_EQ(-EINVAL, ioc(m.fd, DMRING_IOC_ENTER, &e));
	EXPECT_EQ(-EFAULT, ioc(m.fd, DMRING_IOC_ENTER, NULL));
	EXPECT_EQ(-EFAULT, ioc(m.fd, DMRING_IOC_ENTER, (void *)-1L));

	/* the limits are right, and nothing is waited for by nothing */
	e = (struct dmring_ioc_enter){ .flags = DMRING_ENTER_WRITE, .room = m.at.in_size };
	EXPECT_EQ(0, ioc(m.fd, DMRING_IOC_ENTER, &e));
	e = (struct dmring_ioc_enter){ .timeout_ns = -1 };
	EXPECT_EQ(0, ioc(m.fd, DMRING_IOC_ENTER, &e));
	EXPECT_EQ(-ETIMEDOUT, rig_enter(&m, DMRING_ENTER_READ, 0, 0));
	rig_leave(&m);
}

TEST_F(refuse, refused_enter_submits_nothing)
{
	struct dmring_ioc_enter e = { .flags = DMRING_ENTER_SUBMIT, .reserved = { 1 } };
	struct rig_member m = {};
	char buf[8];

	ASSERT_EQ(0, rig_join(&m, self->name, 0));
	ASSERT_EQ(0, rig_put(&m, "later", 6));
	EXPECT_EQ(-EINVAL, ioc(m.fd, DMRING_IOC_ENTER, &e));
	EXPECT_EQ(0, m.kern->in_head);
	/* it was accepted nevertheless, and goes with the next doorbell */
	EXPECT_EQ(0, rig_submit(&m));
	EXPECT_EQ(6, rig_get_wait(&self->watcher, buf, sizeof(buf), RIG_WAIT_MS));
	rig_leave(&m);
}

TEST_F(refuse, send_arguments)
{
	struct dmring_ioc_send s = {};
	struct rig_member m = {};
	char buf[64] = {};
	char *big;

	ASSERT_EQ(0, rig_join(&m, self->name, 0));
	s = (struct dmring_ioc_send){ .data = (uintptr_t)buf, .len = 8, .reserved = 1 };
	EXPECT_EQ(-EINVAL, ioc(m.fd, DMRING_IOC_SEND, &s));
	s = (struct dmring_ioc_send){ .data = 0, .len = 8 };
	EXPECT_EQ(-EFAULT, ioc(m.fd, DMRING_IOC_SEND, &s));
	s = (struct dmring_ioc_send){ .data = -16ULL, .len = 8 };
	EXPECT_EQ(-EFAULT, ioc(m.fd, DMRING_IOC_SEND, &s));
	EXPECT_EQ(-EFAULT, ioc(m.fd, DMRING_IOC_SEND, NULL));
	s = (struct dmring_ioc_send){ .data = (uintptr_t)buf, .len = m.at.max_msg + 1 };
	EXPECT_EQ(-EMSGSIZE, ioc(m.fd, DMRING_IOC_SEND, &s));
	s.len = ~0U;
	EXPECT_EQ(-EMSGSIZE, ioc(m.fd, DMRING_IOC_SEND, &s));
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_MESSAGES));
	/* half of it is not there */
	big = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, big);
	ASSERT_EQ(0, munmap(big + 4096, 4096));
	EXPECT_EQ(-EFAULT, rig_send_big(&m, big, 8192));
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_MESSAGES));
	rig_leave(&m);
}

/* A message too long that was written into the input space comes back as an event */
TEST_F(refuse, input_too_long)
{
	struct rig_member m = { .at.in_size = 128 << 10 };
	struct dmring_ev ev = {};
	char buf[8];
	char *big;

	ASSERT_EQ(0, rig_attach(&m, self->name, 0));
	ASSERT_EQ(0, rig_map(&m));
	ASSERT_LT(m.at.max_msg, 100 << 10);
	big = calloc(1, m.at.max_msg + 1);
	EXPECT_EQ(0, rig_put(&m, big, m.at.max_msg + 1));
	EXPECT_EQ(0, rig_put(&m, "next", 5));
	EXPECT_EQ(0, rig_submit(&m));
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, !rig_private_event(&m, &ev)));
	EXPECT_EQ(DMRING_EV_REJECTED, ev.what);
	EXPECT_EQ(EMSGSIZE, ev.reason);
	EXPECT_EQ(m.at.max_msg + 1, ev.arg);
	EXPECT_EQ(1, m.kern->rejected);
	/* the one behind it comes */
	EXPECT_EQ(5, rig_get_wait(&self->watcher, buf, sizeof(buf), RIG_WAIT_MS));
	free(big);
	rig_leave(&m);
}

/* An input record with a field that is not what it must be is refused, the next one taken */
TEST_F(refuse, input_record_fields)
{
	static const struct dmring_in_rec recs[] = {
		{ .len = 5, .type = 0 },
		{ .len = 5, .type = DMRING_REC_EVENT },
		{ .len = 5, .type = 0xffff },
		{ .len = 5, .type = DMRING_REC_DATA, .flags = 1 },
		{ .len = 5, .type = DMRING_REC_DATA, .flags = DMRING_REC_IDENT << 1 },
		{ .len = 5, .type = DMRING_REC_DATA, .reserved = 1 },
		{ .len = 5, .type = DMRING_REC_DATA, .reserved = 1ULL << 63 },
	};
	struct rig_member m = {};
	struct dmring_ev ev = {};
	char buf[8];
	size_t i;

	ASSERT_EQ(0, rig_join(&m, self->name, 0));
	for (i = 0; i < ARRAY_SIZE(recs); i++) {
		ASSERT_EQ(0, rig_put_rec(&m, &recs[i], "wrong", 5));
		ASSERT_EQ(0, rig_send(&m, "right", 5));
		EXPECT_TRUE(rig_within(RIG_WAIT_MS, !rig_private_event(&m, &ev)));
		EXPECT_EQ(DMRING_EV_REJECTED, ev.what);
		EXPECT_EQ(EINVAL, ev.reason);
		EXPECT_EQ(i + 1, m.kern->rejected);
		EXPECT_EQ(5, rig_get_wait(&self->watcher, buf, sizeof(buf), RIG_WAIT_MS));
		EXPECT_EQ(0, memcmp(buf, "right", 5));
		EXPECT_EQ(-EAGAIN, rig_get(&self->watcher, buf, sizeof(buf)));
	}
	EXPECT_EQ(DMRING_STATE_ATTACHED, m.kern->state);
	rig_leave(&m);
}

static void expect_all_refused(struct __test_metadata *_metadata, struct rig_member *m)
{
	struct dmring_ioc_enter e = { .flags = DMRING_ENTER_READ, .timeout_ns = -1 };
	void *map;

	EXPECT_EQ(-ENOTCONN, ioc(m->fd, DMRING_IOC_DETACH, NULL));
	EXPECT_EQ(-ENOTCONN, rig_submit(m));
	EXPECT_EQ(-ENOTCONN, ioc(m->fd, DMRING_IOC_ENTER, &e));
	EXPECT_EQ(-ENOTCONN, rig_send_big(m, "x", 1));
	EXPECT_EQ(-EISCONN, ioc(m->fd, DMRING_IOC_ATTACH, &m->at));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, m->fd, DMRING_MAP_KERNEL);
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(ENOTCONN, errno);
}

TEST_F(refuse, all_after_detach)
{
	struct rig_member m = {};

	ASSERT_EQ(0, rig_join(&m, self->name, 0));
	ASSERT_EQ(0, ioc(m.fd, DMRING_IOC_DETACH, NULL));
	EXPECT_EQ(DMRING_STATE_DETACHED, m.kern->state);
	EXPECT_EQ(DMRING_REASON_DETACHED, m.kern->reason);
	EXPECT_EQ(0, m.kern->marks & (DMRING_MARK_IN | DMRING_MARK_EVICTED));
	EXPECT_EQ(0, rig_put(&m, "not accepted", 13));
	expect_all_refused(_metadata, &m);
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_MESSAGES));
	rig_leave(&m);
}

TEST_F(refuse, all_after_eviction)
{
	struct rig_member m = {};
	struct dmring_ev ev = {};

	ASSERT_EQ(0, rig_join(&m, self->name, 0));
	ASSERT_EQ(0, rig_evict(self->name, m.at.id));
	EXPECT_EQ(DMRING_STATE_DETACHED, m.kern->state);
	EXPECT_EQ(DMRING_REASON_ADMIN, m.kern->reason);
	EXPECT_EQ(DMRING_MARK_EVICTED, m.kern->marks & (DMRING_MARK_IN | DMRING_MARK_EVICTED));
	EXPECT_EQ(0, rig_put(&m, "not accepted", 13));
	expect_all_refused(_metadata, &m);
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_MESSAGES));
	/* the others are told */
	EXPECT_EQ(0, rig_event(&self->watcher, &ev, RIG_WAIT_MS));
	EXPECT_EQ(DMRING_EV_LEFT, ev.what);
	EXPECT_EQ(DMRING_REASON_ADMIN, ev.reason);
	EXPECT_EQ(m.at.id, ev.arg);
	rig_leave(&m);
}

TEST_F(refuse, open_modes)
{
	EXPECT_EQ(-1, open("/dev/dmring", O_RDONLY));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, open("/dev/dmring", O_WRONLY));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(refuse, seek)
{
	char c = 0;

	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(self->fd, &c, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(self->fd, &c, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
}

TEST_HARNESS_MAIN
