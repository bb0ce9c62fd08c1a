/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring in which somebody talks all the time and this process watches, for the tests of how
 * members leave: at the end of each, neither has lost anything.
 *
 *	leaver (child) --\                 /--> watcher (this process)
 *	                  +--- ring -----+
 *	talker (child) --/                 \--> talker's own echo is nobody's
 */
#ifndef _DMRING_SELFTESTS_LIFE_RIG_H
#define _DMRING_SELFTESTS_LIFE_RIG_H

#include <sys/mman.h>
#include <sys/wait.h>

#include "kself.h"
#include "rig.h"
#include "traffic.h"

#define LEN		300U
#define TALKER		1U
#define LEAVER		2U

struct shared {
	uint64_t talked;
	uint64_t stop;
	uint32_t ready;
	uint32_t go;
	uint32_t id;
	pid_t child;
};

FIXTURE(life) {
	const char *name;
	struct rig_member w;
	struct shared *sh;
	struct traffic t;
	pid_t talker;
};

static int talk(void *arg)
{
	FIXTURE_DATA(life) *self = arg;
	struct rig_member m = {};
	uint64_t n = 0;
	char buf[LEN];

	if (rig_join(&m, self->name, DMRING_ATTACH_SEND_ONLY))
		return 1;
	while (!__atomic_load_n(&self->sh->stop, __ATOMIC_ACQUIRE)) {
		size_t len = traffic_len(TALKER, n, LEN);
		int err;

		traffic_make(buf, len, TALKER, n);
		err = rig_send(&m, buf, len);
		if (err == -EAGAIN)
			err = rig_enter(&m, DMRING_ENTER_SUBMIT | DMRING_ENTER_WRITE, 512, 100);
		else
			n += !err;
		if (err && err != -ETIMEDOUT)
			return 2;
		__atomic_store_n(&self->sh->talked, n, __ATOMIC_RELEASE);
		rig_sleep(n % 64 ? 0 : 1);
	}
	return 0;
}

FIXTURE_SETUP(life)
{
	/* nobody is thrown out who is only slow */
	const struct rig_conf conf = { .log = 256 << 10, .slow_ms = 60000 };

	self->name = rig_name("life");
	self->sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->sh);
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	ASSERT_EQ(0, rig_join(&self->w, self->name, 0));
	traffic_init(&self->t, false);
	self->talker = rig_child(talk, self);
	ASSERT_TRUE(rig_within(RIG_WAIT_MS, __atomic_load_n(&self->sh->talked, __ATOMIC_ACQUIRE)));
}

static void read_all(FIXTURE_DATA(life) *self)
{
	char buf[LEN + 1];
	int len;

	while ((len = rig_get(&self->w, buf, sizeof(buf))) >= 0)
		traffic_see(&self->t, buf, len);
}

#define read_until(ms, cond)						\
	rig_await(ms, (read_all(self), (cond)), rig_enter(&self->w, DMRING_ENTER_READ, 0, 10))

/* Is the child still there? A zombie is not. */
static inline bool lives(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}

static uint64_t members(FIXTURE_DATA(life) *self)
{
	return rig_ring_get(self->name, DMRING_A_RING_MEMBERS);
}

/* The talker and the watcher have lost nothing whatever happened */
FIXTURE_TEARDOWN(life)
{
	__atomic_store_n(&self->sh->stop, 1, __ATOMIC_RELEASE);
	EXPECT_EQ(0, rig_wait(self->talker));
	EXPECT_TRUE(read_until(RIG_WAIT_MS, self->t.sender[TALKER].next >= self->sh->talked));
	read_all(self);
	traffic_sent(&self->t, TALKER, self->sh->talked);
	EXPECT_GT(self->sh->talked, 0);
	EXPECT_TRUE(traffic_clean(&self->t)) TH_LOG("%s", traffic_text(&self->t));
	EXPECT_EQ(DMRING_STATE_ATTACHED, self->w.kern->state);
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, members(self) == 1));
	traffic_free(&self->t);
	rig_leave(&self->w);
	EXPECT_EQ(0, rig_ring_del(self->name));
}

#endif /* _DMRING_SELFTESTS_LIFE_RIG_H */
