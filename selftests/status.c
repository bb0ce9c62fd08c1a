// SPDX-License-Identifier: GPL-2.0-only
/*
 * Status of members of a ring of the kernel: as in process scope, by the same tests, and what
 * DMRING_IOC_STATUS and DMRING_IOC_STATUSES make of arguments that the library never gives.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../ulib/include/dmring.h"
#include "rig.h"

#define SCOPE	DMRING_KERNEL

static const char *make_ring(const char *what)
{
	const struct rig_conf conf = { .mode = 0666, .slots = 512 };
	const char *name = rig_name(what);

	return rig_ring_add(name, &conf) ? NULL : name;
}

static int end_ring(const char *name)
{
	return rig_ring_del(name);
}

#include "status.h"

#define FEW	5

static int ioc(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

/* @q with room for @count at @s, from @next on */
static int read_by_hand(int fd, struct dmring_ioc_statuses *q, void *s, uint64_t next,
			uint32_t count)
{
	*q = (struct dmring_ioc_statuses){
		.statuses = (uintptr_t)s,
		.next = next,
		.count = count,
		.why = "as it was",
	};
	return ioc(fd, DMRING_IOC_STATUSES, q);
}

/* Refused; where to go on, and how many, are as they were */
#define EXPECT_REFUSED(error, fd, s, from, room) do {				\
	struct dmring_ioc_statuses _q;						\
										\
	EXPECT_EQ(error, read_by_hand(fd, &_q, s, from, room));			\
	EXPECT_EQ(from, _q.next);						\
	EXPECT_EQ(room, _q.count);						\
} while (0)

/* In batches of any size; behind them nothing is written */
TEST_F(status, by_hand)
{
	struct dmring_member_status s[FEW + 2];
	struct dmring_ioc_statuses q;
	uint8_t untouched[sizeof(s)];
	uint32_t room, i, n;
	uint64_t next;

	memset(untouched, 0x5a, sizeof(untouched));
	crowd(_metadata, self->name, self->many, 0, FEW);
	for (room = 1; room <= FEW + 2; room++) {
		for (n = 0, next = 0; n < FEW; n += q.count, next = q.next) {
			uint32_t want = FEW - n < room ? FEW - n : room;

			memset(s, 0x5a, sizeof(s));
			ASSERT_EQ(0, read_by_hand(dmring_fd(self->a), &q, s, next, room));
			ASSERT_EQ(want, q.count) TH_LOG("%u at %u", room, n);
			EXPECT_EQ('\0', q.why[0]);
			for (i = 0; i < want; i++) {
				EXPECT_EQ(0, s[i].node);
				EXPECT_EQ(dmring_id(self->many[n + i]), s[i].member);
				EXPECT_EQ(n + i, s[i].state);
				EXPECT_EQ(3 * (n + i), s[i].progress);
				EXPECT_EQ(n + i, (uint32_t)atoi(s[i].text));
			}
			EXPECT_EQ(0, memcmp(&s[want], untouched, sizeof(s) - want * sizeof(s[0])));
		}
		/* nothing more, and it stays so */
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, read_by_hand(dmring_fd(self->a), &q, s, next, room));
			EXPECT_EQ(0, q.count);
			EXPECT_EQ(next, q.next);
		}
	}
}

TEST_F(status, any_number_is_a_place)
{
	const uint64_t ends[] = { ~0ULL, ~0ULL - 1, 1ULL << 63, 1ULL << 32, 0xffffffffULL };
	struct dmring_member_status s[FEW];
	struct dmring_ioc_statuses q;
	uint64_t next;
	uint32_t i, k;

	crowd(_metadata, self->name, self->many, 0, FEW);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		ASSERT_EQ(0, read_by_hand(dmring_fd(self->a), &q, s, ends[i], FEW));
		EXPECT_EQ(0, q.count);
		EXPECT_EQ(ends[i], q.next);
	}
	for (i = 0; i < 1000; i++) {
		next = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ rand();
		next >>= rand() % 64;
		ASSERT_EQ(0, read_by_hand(dmring_fd(self->a), &q, s, next, FEW));
		ASSERT_GE(FEW, q.count);
		for (k = 1; k < q.count; k++)
			EXPECT_LT(s[k - 1].member, s[k].member);
	}
}

TEST_F(status, bad_addresses)
{
	long page = sysconf(_SC_PAGESIZE);
	char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct dmring_member_status *last = (void *)(two + page - sizeof(*last));
	struct dmring_ioc_statuses q;
	int fd = dmring_fd(self->a);

	ASSERT_NE(MAP_FAILED, (void *)two);
	/* where nothing is to be written no address is bad */
	ASSERT_EQ(0, read_by_hand(fd, &q, NULL, 0, FEW));
	EXPECT_EQ(0, q.count);
	crowd(_metadata, self->name, self->many, 0, FEW);
	ASSERT_EQ(0, read_by_hand(fd, &q, NULL, 0, 0));
	EXPECT_EQ(0, q.count);
	EXPECT_EQ(0, q.next);

	EXPECT_REFUSED(-EFAULT, fd, NULL, 0, FEW);
	EXPECT_REFUSED(-EFAULT, fd, (void *)8, 0, 1);
	EXPECT_REFUSED(-EFAULT, fd, (void *)-8L, 0, FEW);
	EXPECT_REFUSED(-EFAULT, fd, (void *)0xffff888000000000UL, 0, FEW);
	ASSERT_EQ(0, mprotect(two + page, page, PROT_READ));
	EXPECT_REFUSED(-EFAULT, fd, two + page, 0, FEW);
	/* the first one fits */
	EXPECT_REFUSED(-EFAULT, fd, last, 0, ~0U);
	EXPECT_EQ(dmring_id(self->many[0]), last->member);
	ASSERT_EQ(0, read_by_hand(fd, &q, last, 0, 1));
	EXPECT_EQ(1, q.count);
	EXPECT_EQ(-EFAULT, ioc(fd, DMRING_IOC_STATUSES, NULL));
	EXPECT_EQ(-EFAULT, ioc(fd, DMRING_IOC_STATUSES, (void *)-1L));
	EXPECT_EQ(-EFAULT, ioc(fd, DMRING_IOC_STATUSES, two + page - sizeof(q) / 2));
	munmap(two, 2 * page);
}

TEST_F(status, more_room_than_there_can_be)
{
	struct dmring_member_status s[FEW];
	struct dmring_ioc_statuses q;

	crowd(_metadata, self->name, self->many, 0, FEW);
	ASSERT_EQ(0, read_by_hand(dmring_fd(self->a), &q, s, 0, ~0U));
	EXPECT_EQ(FEW, q.count);
}

TEST_F(status, reserved_fields)
{
	struct dmring_ioc_status set = { .state = 9, .reserved = 1 };
	struct dmring_member_status s = { .state = 77 };
	struct dmring_ioc_statuses q;
	struct seen seen = {};
	int fd = dmring_fd(self->a), i;

	ASSERT_EQ(0, dmring_status_set(self->a, 1, 2, "it stays"));
	for (i = 0; i < 3; i++) {
		q = (struct dmring_ioc_statuses){ .statuses = (uintptr_t)&s, .count = 1 };
		q.reserved[i] = 1U << (i * 15);
		EXPECT_EQ(-EINVAL, ioc(fd, DMRING_IOC_STATUSES, &q));
		EXPECT_NE(NULL, strstr(q.why, "reserved")) TH_LOG("%s", q.why);
		EXPECT_EQ(0, q.next);
		EXPECT_EQ(1, q.count);
		EXPECT_EQ(77, s.state);
	}
	EXPECT_EQ(-EINVAL, ioc(fd, DMRING_IOC_STATUS, &set));
	EXPECT_NE(NULL, strstr(set.why, "reserved")) TH_LOG("%s", set.why);
	set = (struct dmring_ioc_status){ .state = 9, .text = "a\0b" };
	EXPECT_EQ(-EINVAL, ioc(fd, DMRING_IOC_STATUS, &set));
	set = (struct dmring_ioc_status){ .state = 9, .text = "a\tb" };
	EXPECT_EQ(-EINVAL, ioc(fd, DMRING_IOC_STATUS, &set));
	memset(set.text, 'x', sizeof(set.text));
	EXPECT_EQ(-ENAMETOOLONG, ioc(fd, DMRING_IOC_STATUS, &set));
	EXPECT_NE('\0', set.why[0]);
	look(_metadata, self->b, &seen);
	EXPECT_EQ(1, seen.n);
	shows(_metadata, &seen, self->a, 1, 2, "it stays");
}

TEST_F(status, for_members_alone)
{
	struct dmring_member_status s = { .state = 77 };
	struct seen seen = {};
	int fd = rig_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set(self->b, 1));
	EXPECT_REFUSED(-ENOTCONN, fd, &s, 0, 1);
	close(fd);
	ASSERT_EQ(0, rig_evict(self->name, dmring_id(self->a)));
	EXPECT_REFUSED(-ENOTCONN, dmring_fd(self->a), &s, 0, 1);
	EXPECT_EQ(-ENOTCONN, dmring_status_each(self->a, note, &seen));
	EXPECT_NE(NULL, strstr(dmring_why(), "evicted")) TH_LOG("%s", dmring_why());
	EXPECT_EQ(-ENOTCONN, dmring_status_set(self->a, 1, 1, ""));
	EXPECT_EQ(77, s.state);
	EXPECT_EQ(0, seen.n);
	look(_metadata, self->b, &seen);
	EXPECT_EQ(1, seen.n);
}

/* The ring is deleted when the first batch has been shown */
static void delete_ring(void *name)
{
	rig_ring_del(name);
}

TEST_F(status, whose_ring_is_deleted)
{
	const struct rig_conf conf = { .slots = 512 };
	const char *name = "deleted";
	struct dmring *many[MANY] = {};
	struct seen seen = { .at = BATCH, .then = delete_ring, .arg = (void *)name };
	int i;

	ASSERT_EQ(0, rig_ring_add(name, &conf));
	crowd(_metadata, name, many, 0, MANY);
	EXPECT_EQ(-ENOTCONN, dmring_status_each(many[0], note, &seen));
	EXPECT_EQ(BATCH, seen.n);
	for (i = 0; i < MANY; i++)
		leave(&many[i]);
}

/* Whoever may attach may read, what is of this ring */
static int as_nobody(void *arg)
{
	struct seen seen = {};
	struct dmring *r;

	if (rig_drop(65534))
		return 1;
	r = join(arg);
	if (!r || dmring_status_each(r, note, &seen) != 1)
		return 2;
	return seen.s[0].state != 1 || strcmp(seen.s[0].text, "1");
}

TEST_F(status, of_its_ring_alone)
{
	const struct rig_conf conf = { .mode = 0666 };
	struct seen seen = {};
	struct dmring *other;

	ASSERT_EQ(0, rig_ring_add("other", &conf));
	other = join("other");
	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, set(self->a, 1));
	look(_metadata, other, &seen);
	EXPECT_EQ(0, seen.n);
	ASSERT_EQ(0, set(other, 2));
	look(_metadata, other, &seen);
	EXPECT_EQ(1, seen.n);
	EXPECT_EQ(2, seen.s[0].state);
	EXPECT_EQ(0, rig_in_child(as_nobody, (void *)self->name));
	leave(&other);
	EXPECT_EQ(0, rig_ring_del("other"));
}

TEST_HARNESS_MAIN
