// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nonsense in everything a member may write, while others talk: no oops, no stall,
 * and bystanders lose nothing.
 *
 *	scribbler x 2: threads write random values over user page and input space, call
 *	               at random, move and unmap; come back when thrown out
 *	                          |
 *	bystanders --------- ring "scribble" (identify)
 */
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/poll.h>

#include "bystanders.h"
#include "kself.h"
#include "random.h"
#include "rig.h"

/* DMRING_SCRIBBLE_MS may say minutes */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	1800

/* Scribblers do not read: for as long as one stays, what the others send has room */
#define LOG		(4U << 20)
#define SCRIBBLERS	2
#define JOINS		10U	/* that it takes to prove something */
#define MESSAGES	1000U

struct role {
	struct bystanders *b;
	uint64_t *joined;	/* times a scribbler did */
	uint32_t no;
};

/* A value of the kind that goes wrong */
static uint64_t nasty(uint64_t *state, uint64_t near)
{
	uint64_t r = next_random(state);
	const uint64_t values[] = {
		0, ~0ULL, r, 1ULL << r % 64,
		near + r % 4096, near - r % 4096, near + 16 * (r % 2048), near + (1ULL << 32),
	};

	return values[next_random(state) % ARRAY_SIZE(values)];
}

struct victim {
	struct rig_member m;
	uint64_t seed;
	bool over;
};

static bool over(struct victim *v)
{
	return __atomic_load_n(&v->over, __ATOMIC_ACQUIRE);
}

static void *scribble_user_page(void *arg)
{
	struct victim *v = arg;
	uint64_t state = v->seed + 1;
	volatile uint64_t *page = (void *)v->m.user;

	while (!over(v)) {
		/* a counter or anything else */
		unsigned int at = next_random(&state) % 2 ? next_random(&state) % 4 * 16 :
							    next_random(&state) % 512;
		uint64_t near = at == 0 ? v->m.kern->in_head :
				at == 16 ? v->m.kern->out_tail : v->m.group->index_tail;

		page[at] = nasty(&state, near);
		/* sometimes something sensible, so that it is not thrown out at once */
		if (next_random(&state) % 2)
			page[0] = v->m.kern->in_head;
	}
	return NULL;
}

static void *scribble_input(void *arg)
{
	struct victim *v = arg;
	uint64_t state = v->seed + 2;

	while (!over(v)) {
		size_t at = next_random(&state) % (2 * v->m.at.in_size / 8);
		struct dmring_in_rec rec = {
			.len = next_random(&state) % 2 ? next_random(&state) % 256 :
							 nasty(&state, v->m.at.in_size),
			.type = next_random(&state) % 4 ? DMRING_REC_DATA : next_random(&state),
			.flags = next_random(&state) % 4 ? 0 : next_random(&state),
			.reserved = next_random(&state) % 8 ? 0 : next_random(&state),
		};

		if (next_random(&state) % 2)
			((volatile uint64_t *)v->m.in)[at] = next_random(&state);
		else
			memcpy(v->m.in + (at & ~1UL) * 8, &rec, sizeof(rec));
	}
	return NULL;
}

static void *call_at_random(void *arg)
{
	struct victim *v = arg;
	uint64_t state = v->seed + 3;

	while (!over(v)) {
		struct pollfd p = { .fd = v->m.fd, .events = POLLIN | POLLOUT | POLLPRI };
		char buf[64] = "";

		switch (next_random(&state) % 6) {
		case 0:
			rig_enter(&v->m, next_random(&state) & 15, 0, next_random(&state) % 3);
			break;
		case 1:
			rig_enter(&v->m, DMRING_ENTER_SUBMIT | DMRING_ENTER_WRITE,
				  next_random(&state) % v->m.at.in_size, 1);
			break;
		case 2:
			poll(&p, 1, next_random(&state) % 3);
			break;
		case 3:
			rig_send_big(&v->m, buf, next_random(&state) % 64);
			break;
		default:
			rig_submit(&v->m);
			break;
		}
	}
	return NULL;
}

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* What can be done to a mapping */
static void tug(struct victim *v, int nr, unsigned int how)
{
	size_t len = rig_area_len(&v->m, nr);
	void *map = v->m.map[nr];

	switch (how) {
	case 0:
		mprotect(map, len, PROT_READ);
		break;
	case 1:
		mprotect(map, len, PROT_READ | PROT_WRITE);
		break;
	case 2:
		mremap(map, len, 2 * len, MREMAP_MAYMOVE);
		break;
	case 3:
		munmap((char *)map + 4096, len - 4096);
		break;
	}
	mprotect(v->m.map[0], 4096, PROT_READ | PROT_WRITE);
	mprotect(v->m.map[2], rig_area_len(&v->m, 2), PROT_READ | PROT_WRITE);
}

/* And to the descriptor */
static void *tug_at_all(void *arg)
{
	struct victim *v = arg;
	uint64_t state = v->seed + 4;
	char buf[64] = "";
	ssize_t len;

	while (!over(v)) {
		unsigned int how = next_random(&state) % 7;

		tug(v, next_random(&state) % RIG_AREAS, how);
		if (how == 4)
			close(dup(v->m.fd));
		if (how == 5) {
			len = write(v->m.fd, buf, sizeof(buf));
			len = read(v->m.fd, buf, sizeof(buf));
			(void)len;
		}
		if (how == 6)
			rig_in_child(do_nothing, NULL);
	}
	return NULL;
}

/* mprotect() of another thread can make a write fail for a moment: try it again */
static void on_segv(int sig)
{
	(void)sig;
	sched_yield();
}

static void *(* const scribbles[])(void *arg) = {
	scribble_user_page, scribble_input, call_at_random, tug_at_all
};

static void scribble_once(const struct role *role, struct victim *v, uint64_t *state)
{
	pthread_t thread[ARRAY_SIZE(scribbles)];
	uint64_t end = rig_ms() + 100 + next_random(state) % 400;
	size_t i;

	v->over = false;
	v->seed = next_random(state);
	for (i = 0; i < ARRAY_SIZE(scribbles); i++)
		pthread_create(&thread[i], NULL, scribbles[i], v);
	while (rig_ms() < end && bystanders_wild(role->b) &&
	       v->m.kern->state == DMRING_STATE_ATTACHED)
		rig_sleep(1);
	/* close or unmap under their hands, sometimes; a call on a closed descriptor is none */
	if (next_random(state) % 4 == 0)
		ioctl(v->m.fd, DMRING_IOC_DETACH);
	__atomic_store_n(&v->over, true, __ATOMIC_RELEASE);
	for (i = 0; i < ARRAY_SIZE(scribbles); i++)
		pthread_join(thread[i], NULL);
	rig_leave(&v->m);
}

static int scribble_role(void *arg)
{
	const struct role *s = arg;
	struct sigaction sa = { .sa_handler = on_segv, .sa_flags = SA_NODEFER };
	struct victim v = {};
	uint64_t state = s->no + 1;

	sigaction(SIGSEGV, &sa, NULL);
	while (bystanders_wait(s->b, s->no, ARRAY_SIZE(scribbles))) {
		if (rig_join(&v.m, s->b->name, next_random(&state) % 3 == 0 ?
			     DMRING_ATTACH_POLL : next_random(&state) % 2))
			return 1;
		__atomic_add_fetch(s->joined, 1, __ATOMIC_RELAXED);
		scribble_once(s, &v, &state);
	}
	return 0;
}

static uint64_t *joined;	/* times a scribbler did */

static bool enough(const struct bystanders *b)
{
	return *joined > JOINS && b->sent[0] + b->sent[1] > MESSAGES &&
	       rig_ring_stat(b->name, DMRING_A_STAT_EVICTED) > 1;
}

TEST(scribblers_and_bystanders)
{
	/* no bystander is thrown out who is only not scheduled */
	const struct rig_conf conf = {
		.log = LOG, .slow_ms = RIG_WAIT_MS, .flags = DMRING_RING_IDENTIFY,
	};
	const char *name = rig_name("scribble");
	unsigned long ms = rig_knob("DMRING_SCRIBBLE_MS", 20000);
	struct bystanders *b;
	pid_t pid[SCRIBBLERS];
	unsigned int i;

	joined = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)joined);
	ASSERT_EQ(0, rig_ring_add(name, &conf));
	b = bystanders_start(name);
	ASSERT_NE(NULL, b);
	for (i = 0; i < SCRIBBLERS; i++) {
		struct role role = { b, joined, i };

		pid[i] = rig_child(scribble_role, &role);
	}
	b->enough = enough;
	bystanders_turns(b, SCRIBBLERS, ms);
	for (i = 0; i < SCRIBBLERS; i++)
		EXPECT_EQ(0, rig_wait(pid[i])) TH_LOG("scribbler %u", i);
	EXPECT_EQ(0, bystanders_stop(b));
	TH_LOG("%zu + %zu messages, %zu joins, %zu evictions, %zu messages of nonsense",
	       (size_t)b->sent[0], (size_t)b->sent[1], (size_t)*joined,
	       (size_t)rig_ring_stat(name, DMRING_A_STAT_EVICTED), (size_t)b->strange);
	TH_LOG("bystanders: %s", bystanders_text(b));
	EXPECT_GT(b->sent[0] + b->sent[1], MESSAGES);
	EXPECT_GT(*joined, JOINS);
	EXPECT_GT(rig_ring_stat(name, DMRING_A_STAT_EVICTED), 1);
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, rig_ring_get(name, DMRING_A_RING_MEMBERS) == 0));
	EXPECT_EQ(0, rig_ring_del(name));
}

TEST_HARNESS_MAIN
