// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nonsense in everything a member may write, while others talk: no oops, no stall,
 * and bystanders lose nothing.
 *
 *	scribbler x 2: threads write random values over user page and input space, call
 *	               at random, move and unmap; come back when thrown out
 *	                          |
 *	sender x 2 --------- ring "scribble" (identify) --------> checker x 2
 *
 * Checkers know by the kernel's identity whose message it is, and check those
 * of the senders: each one, whole, once, in order.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/poll.h>

#include "../ulib/include/dmring.h"
#include "kself.h"
#include "rig.h"
#include "traffic.h"

#define LOG		(128U << 10)
#define LEN		500U
#define SENDERS		2
#define CHECKERS	2
#define SCRIBBLERS	2

struct shared {
	uint64_t sent[SENDERS];
	pid_t pid[SENDERS];
	uint64_t stop;		/* 1 senders, 2 all */
	uint64_t ready;
	uint64_t joined;	/* times a scribbler did */
	uint64_t strange;	/* messages of scribblers that came through */
};

struct role {
	const char *name;
	struct shared *sh;
	uint32_t no;
};

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

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

static bool stopped(struct shared *sh, uint64_t level)
{
	return __atomic_load_n(&sh->stop, __ATOMIC_ACQUIRE) >= level;
}

static int send_role(void *arg)
{
	struct role *s = arg;
	struct dmring_opts opts = { .size = sizeof(opts), .flags = DMRING_SEND_ONLY };
	struct dmring *r;
	uint64_t n = 0;
	char buf[LEN];

	s->sh->pid[s->no] = getpid();
	if (dmring_attach(&r, s->name, &opts))
		return 1;
	__atomic_add_fetch(&s->sh->ready, 1, __ATOMIC_RELEASE);
	while (!stopped(s->sh, 1)) {
		size_t len = traffic_len(s->no, n, LEN);
		int err;

		traffic_make(buf, len, s->no, n);
		err = dmring_send_wait(r, buf, len, 100);
		if (err && err != -ETIMEDOUT)
			return 2;
		n += !err;
		__atomic_store_n(&s->sh->sent[s->no], n, __ATOMIC_RELEASE);
		if (n % 32 == 0)
			rig_sleep(1);
	}
	return dmring_detach(r);
}

static void check_one(struct shared *sh, struct traffic *t, const struct dmring_msg *m)
{
	int i;

	for (i = 0; i < SENDERS; i++) {
		if (m->ident && m->ident->pid == (uint32_t)sh->pid[i]) {
			traffic_see(t, m->data, m->len);
			return;
		}
	}
	__atomic_add_fetch(&sh->strange, 1, __ATOMIC_RELAXED);
}

static bool complete(struct shared *sh, const struct traffic *t)
{
	int i;

	for (i = 0; i < SENDERS; i++)
		if (t->sender[i].next < sh->sent[i])
			return false;
	return true;
}

static int check_role(void *arg)
{
	struct role *c = arg;
	struct dmring_msg m;
	struct traffic t;
	struct dmring *r;
	int err, i;

	traffic_init(&t, false);
	if (dmring_attach(&r, c->name, NULL))
		return 1;
	__atomic_add_fetch(&c->sh->ready, 1, __ATOMIC_RELEASE);
	for (;;) {
		while (!(err = dmring_peek(r, &m)))
			check_one(c->sh, &t, &m);
		if (dmring_release(r) || err != -EAGAIN)
			return 2;
		if (stopped(c->sh, 2) && complete(c->sh, &t))
			break;
		dmring_wait(r, DMRING_WAIT_READ, 1, 100);
	}
	for (i = 0; i < SENDERS; i++)
		traffic_sent(&t, i, c->sh->sent[i]);
	if (!traffic_clean(&t)) {
		fprintf(stderr, "# checker %u: %s\n", c->no, traffic_text(&t));
		return 3;
	}
	return dmring_detach(r);
}

/*
 * The scribbler
 */

struct victim {
	struct rig_member m;
	struct shared *sh;
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

static void scribble_once(struct victim *v, uint64_t *state)
{
	static void *(* const fn[])(void *arg) = {
		scribble_user_page, scribble_input, call_at_random, tug_at_all
	};
	pthread_t thread[ARRAY_SIZE(fn)];
	uint64_t end = rig_ms() + 100 + next_random(state) % 400;
	size_t i;

	v->over = false;
	v->seed = next_random(state);
	for (i = 0; i < ARRAY_SIZE(fn); i++)
		pthread_create(&thread[i], NULL, fn[i], v);
	while (rig_ms() < end && v->m.kern->state == DMRING_STATE_ATTACHED)
		rig_sleep(1);
	/* close or unmap under their hands, sometimes; a call on a closed descriptor is none */
	if (next_random(state) % 4 == 0)
		ioctl(v->m.fd, DMRING_IOC_DETACH);
	__atomic_store_n(&v->over, true, __ATOMIC_RELEASE);
	for (i = 0; i < ARRAY_SIZE(fn); i++)
		pthread_join(thread[i], NULL);
	rig_leave(&v->m);
}

static int scribble_role(void *arg)
{
	const struct role *s = arg;
	struct sigaction sa = { .sa_handler = on_segv, .sa_flags = SA_NODEFER };
	struct victim v = { .sh = s->sh };
	uint64_t state = s->no + 1;

	sigaction(SIGSEGV, &sa, NULL);
	while (!stopped(s->sh, 1)) {
		if (rig_join(&v.m, s->name, next_random(&state) % 3 == 0 ? DMRING_ATTACH_POLL :
			     next_random(&state) % 2))
			return 1;
		__atomic_add_fetch(&s->sh->joined, 1, __ATOMIC_RELAXED);
		scribble_once(&v, &state);
	}
	return 0;
}

TEST(scribblers_and_bystanders)
{
	const struct rig_conf conf = {
		.log = LOG, .slow_ms = 1500, .flags = DMRING_RING_IDENTIFY,
	};
	const char *name = rig_name("scribble");
	struct role role[SENDERS + CHECKERS + SCRIBBLERS];
	pid_t pid[ARRAY_SIZE(role)];
	struct shared *sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				 -1, 0);
	unsigned long ms = rig_knob("DMRING_SCRIBBLE_MS", 20000);
	size_t i;

	ASSERT_NE(MAP_FAILED, sh);
	ASSERT_EQ(0, rig_ring_add(name, &conf));
	for (i = 0; i < ARRAY_SIZE(role); i++)
		role[i] = (struct role){ name, sh, i };
	/* checkers before senders, so that they see everything */
	for (i = SENDERS; i < SENDERS + CHECKERS; i++)
		pid[i] = rig_child(check_role, &role[i]);
	ASSERT_TRUE(rig_within(10000, sh->ready == CHECKERS));
	for (i = 0; i < SENDERS; i++)
		pid[i] = rig_child(send_role, &role[i]);
	ASSERT_TRUE(rig_within(10000, sh->ready == CHECKERS + SENDERS));
	for (i = SENDERS + CHECKERS; i < ARRAY_SIZE(role); i++)
		pid[i] = rig_child(scribble_role, &role[i]);
	rig_sleep(ms);
	__atomic_store_n(&sh->stop, 1, __ATOMIC_RELEASE);
	for (i = SENDERS + CHECKERS; i < ARRAY_SIZE(role); i++)
		EXPECT_EQ(0, rig_wait(pid[i])) TH_LOG("scribbler %zu", i);
	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, rig_wait(pid[i])) TH_LOG("sender %zu", i);
	__atomic_store_n(&sh->stop, 2, __ATOMIC_RELEASE);
	for (i = SENDERS; i < SENDERS + CHECKERS; i++)
		EXPECT_EQ(0, rig_wait(pid[i])) TH_LOG("checker %zu", i);
	TH_LOG("%zu + %zu messages, %zu joins, %zu evictions, %zu messages of nonsense",
	       (size_t)sh->sent[0], (size_t)sh->sent[1], (size_t)sh->joined,
	       (size_t)rig_ring_stat(name, DMRING_A_STAT_EVICTED), (size_t)sh->strange);
	EXPECT_GT(sh->sent[0] + sh->sent[1], 1000);
	EXPECT_GT(sh->joined, 10);
	EXPECT_GT(rig_ring_stat(name, DMRING_A_STAT_EVICTED), 1);
	EXPECT_TRUE(rig_within(5000, rig_ring_get(name, DMRING_A_RING_MEMBERS) == 0));
	EXPECT_EQ(0, rig_ring_del(name));
}

TEST_HARNESS_MAIN
