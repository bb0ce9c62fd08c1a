// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every refusal of mmap() and of what can be done to a mapping afterwards.
 *
 *	m --- user rw | kernel r | in rw x2 | out r x2 | group r | log r x2 | index r
 *	      each is mapped whole, at its place, shared, never executable, never
 *	      moved, split or inherited
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "kself.h"
#include "rig.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static const char names[RIG_AREAS][8] = {
	"user", "kernel", "in", "out", "group", "log", "index"
};

static const bool writable[RIG_AREAS] = { [0] = true, [2] = true };
static const bool twice[RIG_AREAS] = { [2] = true, [3] = true, [5] = true };

FIXTURE(map) {
	const char *name;
	struct rig_member m;
};

FIXTURE_SETUP(map)
{
	const struct rig_conf conf = { .log = 64 << 10 };

	self->name = rig_name("map");
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	ASSERT_EQ(0, rig_attach(&self->m, self->name, 0));
}

/* Whatever was refused: the member is one, maps all, sends and hears */
FIXTURE_TEARDOWN(map)
{
	struct rig_member *m = &self->m;
	char buf[8];

	EXPECT_TRUE(m->map[0] || !rig_map(m));
	EXPECT_EQ(DMRING_STATE_ATTACHED, m->kern->state);
	EXPECT_EQ(0, rig_send(m, "whole", 6));
	EXPECT_EQ(6, rig_get_wait(m, buf, sizeof(buf), RIG_WAIT_MS));
	rig_leave(m);
	EXPECT_EQ(0, rig_ring_del(self->name));
}

/* 0, or -errno; what could be mapped is unmapped again */
static int try_map(struct rig_member *m, uint64_t off, size_t len, int prot, int flags)
{
	void *map = mmap(NULL, len, prot, flags, m->fd, off);

	if (map == MAP_FAILED)
		return -errno;
	munmap(map, len);
	return 0;
}

static int prot_of(int nr)
{
	return PROT_READ | (writable[nr] ? PROT_WRITE : 0);
}

TEST_F(map, private)
{
	int nr;

	for (nr = 0; nr < RIG_AREAS; nr++) {
		size_t len = rig_area_len(&self->m, nr);
		uint64_t off = rig_area_off(nr);

		EXPECT_EQ(-EINVAL, try_map(&self->m, off, len, PROT_READ, MAP_PRIVATE))
			TH_LOG("%s", names[nr]);
		EXPECT_EQ(-EINVAL, try_map(&self->m, off, len, prot_of(nr), MAP_PRIVATE))
			TH_LOG("%s", names[nr]);
	}
}

TEST_F(map, protections)
{
	int nr;

	for (nr = 0; nr < RIG_AREAS; nr++) {
		size_t len = rig_area_len(&self->m, nr);
		uint64_t off = rig_area_off(nr);

		if (!writable[nr]) {
			EXPECT_EQ(-EACCES, try_map(&self->m, off, len, PROT_WRITE, MAP_SHARED))
				TH_LOG("%s", names[nr]);
			EXPECT_EQ(-EACCES, try_map(&self->m, off, len, PROT_READ | PROT_WRITE,
						   MAP_SHARED)) TH_LOG("%s", names[nr]);
		}
		EXPECT_EQ(-EACCES, try_map(&self->m, off, len, PROT_EXEC, MAP_SHARED))
			TH_LOG("%s", names[nr]);
		EXPECT_EQ(-EACCES, try_map(&self->m, off, len, prot_of(nr) | PROT_EXEC,
					   MAP_SHARED)) TH_LOG("%s", names[nr]);
	}
}

TEST_F(map, lengths)
{
	int nr;

	for (nr = 0; nr < RIG_AREAS; nr++) {
		size_t len = rig_area_len(&self->m, nr);
		uint64_t off = rig_area_off(nr);

		/* a page more, a page less, once instead of twice, twice instead of once */
		EXPECT_EQ(-EINVAL, try_map(&self->m, off, len + 4096, PROT_READ, MAP_SHARED))
			TH_LOG("%s", names[nr]);
		EXPECT_EQ(-EINVAL, try_map(&self->m, off, len - 4096, PROT_READ, MAP_SHARED))
			TH_LOG("%s", names[nr]);
		if (twice[nr]) {
			EXPECT_EQ(-EINVAL, try_map(&self->m, off, len / 2, PROT_READ, MAP_SHARED))
				TH_LOG("%s", names[nr]);
		}
		EXPECT_EQ(-EINVAL, try_map(&self->m, off, len * 2, PROT_READ, MAP_SHARED))
			TH_LOG("%s", names[nr]);
		EXPECT_EQ(-EINVAL, try_map(&self->m, off, 0, PROT_READ, MAP_SHARED))
			TH_LOG("%s", names[nr]);
		EXPECT_EQ(-EINVAL, try_map(&self->m, off, 1UL << 32, PROT_READ, MAP_SHARED))
			TH_LOG("%s", names[nr]);
	}
}

TEST_F(map, offsets)
{
	static const uint64_t inside[] = { 4096, 8192, 1ULL << 20, (1ULL << 32) - 4096 };
	size_t i;
	int nr;

	for (nr = 0; nr < RIG_AREAS; nr++) {
		for (i = 0; i < ARRAY_SIZE(inside); i++)
			EXPECT_EQ(-EINVAL, try_map(&self->m, rig_area_off(nr) + inside[i],
						   rig_area_len(&self->m, nr), PROT_READ,
						   MAP_SHARED))
				TH_LOG("%s + %zu", names[nr], (size_t)inside[i]);
	}
	for (nr = RIG_AREAS; nr < 32; nr++)
		EXPECT_EQ(-ENXIO, try_map(&self->m, rig_area_off(nr), 4096, PROT_READ, MAP_SHARED))
			TH_LOG("area %d", nr);
	/* far up: where other files' maps are in the kernel's books */
	for (nr = 35; nr < 63; nr++)
		EXPECT_EQ(-ENXIO, try_map(&self->m, 1ULL << nr, 4096, PROT_READ, MAP_SHARED))
			TH_LOG("1 << %d", nr);
	EXPECT_NE(0, try_map(&self->m, -4096ULL, 4096, PROT_READ, MAP_SHARED));
}

TEST_F(map, before_attach)
{
	struct rig_member m = self->m;
	int nr;

	m.fd = rig_open();
	ASSERT_GE(m.fd, 0);
	for (nr = 0; nr < RIG_AREAS; nr++)
		EXPECT_EQ(-ENOTCONN, try_map(&m, rig_area_off(nr), rig_area_len(&m, nr), PROT_READ,
					     MAP_SHARED)) TH_LOG("%s", names[nr]);
	close(m.fd);
}

TEST_F(map, user_page_once)
{
	ASSERT_EQ(0, rig_map(&self->m));
	EXPECT_EQ(-EBUSY, try_map(&self->m, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(-EBUSY, try_map(&self->m, 0, 4096, PROT_READ, MAP_SHARED));
	/* the others as often as one likes */
	EXPECT_EQ(0, try_map(&self->m, rig_area_off(5), rig_area_len(&self->m, 5), PROT_READ,
			     MAP_SHARED));
	EXPECT_EQ(0, try_map(&self->m, rig_area_off(2), rig_area_len(&self->m, 2),
			     PROT_READ | PROT_WRITE, MAP_SHARED));
}

TEST_F(map, send_only)
{
	struct rig_member m = {};
	int nr;

	ASSERT_EQ(0, rig_attach(&m, self->name, DMRING_ATTACH_SEND_ONLY));
	for (nr = 5; nr < RIG_AREAS; nr++)
		EXPECT_EQ(-ENXIO, try_map(&m, rig_area_off(nr), rig_area_len(&m, nr), PROT_READ,
					  MAP_SHARED)) TH_LOG("%s", names[nr]);
	EXPECT_EQ(0, rig_map(&m));
	rig_leave(&m);
}

TEST_F(map, mprotect)
{
	int nr;

	ASSERT_EQ(0, rig_map(&self->m));
	for (nr = 0; nr < RIG_AREAS; nr++) {
		size_t len = rig_area_len(&self->m, nr);
		void *map = self->m.map[nr];

		EXPECT_EQ(-1, mprotect(map, len, PROT_READ | PROT_EXEC)) TH_LOG("%s", names[nr]);
		EXPECT_EQ(EACCES, errno);
		if (!writable[nr]) {
			EXPECT_EQ(-1, mprotect(map, len, PROT_READ | PROT_WRITE))
				TH_LOG("%s", names[nr]);
			EXPECT_EQ(EACCES, errno);
		}
		/* a part of it would split it */
		EXPECT_TRUE(len == 4096 || mprotect(map, 4096, PROT_NONE)) TH_LOG("%s", names[nr]);
		/* less than before, and back: that is the process's own business */
		EXPECT_EQ(0, mprotect(map, len, PROT_NONE)) TH_LOG("%s", names[nr]);
		EXPECT_EQ(0, mprotect(map, len, prot_of(nr))) TH_LOG("%s", names[nr]);
	}
}

TEST_F(map, mremap)
{
	int nr;

	ASSERT_EQ(0, rig_map(&self->m));
	for (nr = 0; nr < RIG_AREAS; nr++) {
		size_t len = rig_area_len(&self->m, nr);
		void *map = self->m.map[nr];
		void *to = mmap(NULL, 2 * len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		ASSERT_NE(MAP_FAILED, to);
		EXPECT_EQ(MAP_FAILED, mremap(map, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to))
			TH_LOG("%s moved", names[nr]);
		EXPECT_EQ(MAP_FAILED, mremap(map, len, 2 * len, MREMAP_MAYMOVE))
			TH_LOG("%s grew", names[nr]);
		EXPECT_EQ(MAP_FAILED, mremap(map, len, len + 4096, 0)) TH_LOG("%s grew", names[nr]);
		EXPECT_EQ(MAP_FAILED, mremap(map, 0, len, MREMAP_MAYMOVE))
			TH_LOG("%s doubled", names[nr]);
		EXPECT_EQ(MAP_FAILED, mremap(map, len, len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
			TH_LOG("%s moved, not unmapped", names[nr]);
		EXPECT_EQ(MAP_FAILED, mremap(map, len, len - 4096, 0))
			TH_LOG("%s shrank", names[nr]);
		munmap(to, 2 * len);
	}
}

TEST_F(map, munmap_of_a_part)
{
	int nr;

	ASSERT_EQ(0, rig_map(&self->m));
	for (nr = 0; nr < RIG_AREAS; nr++) {
		size_t len = rig_area_len(&self->m, nr);
		char *map = self->m.map[nr];

		if (len == 4096)
			continue;
		EXPECT_EQ(-1, munmap(map, 4096)) TH_LOG("%s, first page", names[nr]);
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, munmap(map + len - 4096, 4096)) TH_LOG("%s, last page", names[nr]);
		EXPECT_EQ(EINVAL, errno);
		/* another map laid over a part */
		EXPECT_EQ(MAP_FAILED, mmap(map, 4096, PROT_READ,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0))
			TH_LOG("%s, covered", names[nr]);
	}
}

TEST_F(map, madvise)
{
	static const int refused[] = { MADV_DOFORK, MADV_REMOVE, MADV_MERGEABLE };
	size_t i;
	int nr;

	ASSERT_EQ(0, rig_map(&self->m));
	for (nr = 0; nr < RIG_AREAS; nr++) {
		size_t len = rig_area_len(&self->m, nr);

		EXPECT_EQ(-1, madvise(self->m.map[nr], len, MADV_DOFORK)) TH_LOG("%s", names[nr]);
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, madvise(self->m.map[nr], len, MADV_DODUMP)) TH_LOG("%s", names[nr]);
		/* that these do no harm is all one can ask of them */
		for (i = 1; i < ARRAY_SIZE(refused); i++)
			madvise(self->m.map[nr], len, refused[i]);
		madvise(self->m.map[nr], len, MADV_DONTNEED);
		madvise(self->m.map[nr], len, MADV_POPULATE_WRITE);
		mlock(self->m.map[nr], len);
		munlock(self->m.map[nr], len);
	}
}

static int touch(void *at)
{
	return *(volatile char *)at & 1;
}

TEST_F(map, fork_inherits_nothing)
{
	int nr;

	ASSERT_EQ(0, rig_map(&self->m));
	for (nr = 0; nr < RIG_AREAS; nr++) {
		touch(self->m.map[nr]);
		EXPECT_EQ(128 + SIGSEGV, rig_in_child(touch, self->m.map[nr]))
			TH_LOG("%s", names[nr]);
	}
}

static int write_there(void *at)
{
	*(volatile char *)at = 1;
	return 0;
}

/* A read-only area stays so whatever is tried: the write is the process's own end */
static int child_writes(void *arg)
{
	struct rig_member m = {};

	if (rig_join(&m, arg, 0))
		return 1;
	return write_there((char *)m.kern);
}

TEST_F(map, write_to_read_only)
{
	EXPECT_EQ(128 + SIGSEGV, rig_in_child(child_writes, (void *)self->name));
}

/* The two halves of a doubled area are the same memory */
TEST_F(map, twice_in_a_row)
{
	struct rig_member *m = &self->m;
	size_t i;

	ASSERT_EQ(0, rig_map(m));
	for (i = 0; i < m->at.in_size; i += 64) {
		m->in[i] = i / 64;
		ASSERT_EQ((char)(i / 64), m->in[i + m->at.in_size]);
		m->in[i + m->at.in_size] = i / 64 + 1;
		ASSERT_EQ((char)(i / 64 + 1), m->in[i]);
	}
	for (i = 0; i < m->at.log_size; i += 512)
		ASSERT_EQ(m->log[i], m->log[i + m->at.log_size]);
}

/* Nothing of a fresh slot, log or index but what the interface says */
TEST_F(map, fresh_memory_is_zero)
{
	struct rig_member *m = &self->m;
	size_t i;

	ASSERT_EQ(0, rig_map(m));
	for (i = 0; i < m->at.in_size; i++)
		ASSERT_EQ(0, m->in[i]);
	for (i = 0; i < m->at.log_size; i++)
		ASSERT_EQ(0, m->log[i]);
	for (i = 0; i < sizeof(m->kern->reserved); i++)
		ASSERT_EQ(0, m->kern->reserved[i]);
	for (i = 0; i < sizeof(m->group->reserved); i++)
		ASSERT_EQ(0, m->group->reserved[i]);
}

/* Reading and writing by system call ends when the user page is mapped */
TEST_F(map, file_mode_ends)
{
	char buf[8];

	EXPECT_EQ(4, write(self->m.fd, "file", 4));
	EXPECT_EQ(4, read(self->m.fd, buf, sizeof(buf)));
	ASSERT_EQ(0, rig_map(&self->m));
	EXPECT_EQ(-1, write(self->m.fd, "file", 4));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(-1, read(self->m.fd, buf, sizeof(buf)));
	EXPECT_EQ(EBUSY, errno);
	/* and goes on where it was */
	self->m.in_tail = self->m.user->in_tail;
	self->m.log_head = self->m.at.start + 1;
}

TEST_HARNESS_MAIN
