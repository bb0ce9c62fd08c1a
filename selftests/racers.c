// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that race each other with all that can be done to a member's mappings and
 * descriptor, while others talk: no oops, no leak, no stall, and bystanders lose nothing.
 *
 *	racer x 2: open, attach, map, mprotect, mremap, munmap, fork, dup, close, detach, calls:
 *	           a thread each, on the same few members, with no lock between them
 *	                     |
 *	bystanders ---- ring "racers" (identify)
 *
 * A member has an address range of its own, into which its areas are mapped, and its
 * descriptor a number that nothing else uses, so that the threads do not get at anything
 * but members. What they touch may be gone: then they jump back.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/poll.h>
#include <unistd.h>

#include "bystanders.h"
#include "kself.h"
#include "random.h"
#include "rig.h"

/* DMRING_RACE_MS may say minutes, DMRING_RACES how many there are at least */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	1800

#define LOG		(1U << 20)
#define MESSAGES	1000U	/* of bystanders, that it takes to prove something */
#define RACERS		2
#define MEMBERS		4U
#define FIRST_FD	200		/* of a process; two to each member */
#define WINDOW		(4UL << 20)	/* addresses for an area */
#define PAGE		4096UL

struct seat {
	struct rig_member m;	/* sizes, as of some attach */
	int fd;
	char *base;		/* RIG_AREAS windows */
};

struct racer {
	struct bystanders *b;
	const char *name;
	uint64_t seed;
	bool over;
	struct seat seat[MEMBERS];
};

/* Shared by all processes */
static struct {
	uint64_t attached;
	uint64_t mapped;
	uint64_t forked;
	uint64_t faults;
} *sum;

static __thread sigjmp_buf back;
static __thread volatile bool touching;

static void add(uint64_t *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static bool over(struct racer *r)
{
	return __atomic_load_n(&r->over, __ATOMIC_ACQUIRE);
}

static char *window(const struct seat *s, int nr)
{
	return s->base + nr * WINDOW;
}

/* A new file takes the number of the one before, which is closed so */
static void do_open(struct racer *r, struct seat *s, uint64_t *state)
{
	int fd = rig_open();

	(void)r;
	(void)state;
	if (fd < 0)
		return;
	dup3(fd, s->fd, O_CLOEXEC);
	close(fd);
}

static void do_attach(struct racer *r, struct seat *s, uint64_t *state)
{
	struct dmring_ioc_attach at = {};

	rig_attach_args(&at, r->name, next_random(state) & 3 ? 0 : DMRING_ATTACH_NO_ECHO);
	if (ioctl(s->fd, DMRING_IOC_ATTACH, &at))
		return;
	/* all have the same sizes: whoever reads them meanwhile reads the same */
	s->m.at = at;
	add(&sum->attached);
}

static size_t area_len(const struct seat *s, int nr)
{
	size_t len = s->m.at.log_size ? rig_area_len(&s->m, nr) : PAGE;

	return len < WINDOW ? len : WINDOW;
}

static void do_map(struct racer *r, struct seat *s, uint64_t *state)
{
	int nr = next_random(state) % RIG_AREAS;
	int prot = PROT_READ | (nr == 0 || nr == 2 ? PROT_WRITE : 0);

	(void)r;
	if (mmap(window(s, nr), area_len(s, nr), prot, MAP_SHARED | MAP_FIXED, s->fd,
		 rig_area_off(nr)) != MAP_FAILED)
		add(&sum->mapped);
}

static void do_mprotect(struct racer *r, struct seat *s, uint64_t *state)
{
	static const int prot[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_EXEC };
	int nr = next_random(state) % RIG_AREAS;
	size_t len = area_len(s, nr);

	(void)r;
	mprotect(window(s, nr), next_random(state) % 2 ? len : PAGE, prot[next_random(state) % 4]);
}

static void do_mremap(struct racer *r, struct seat *s, uint64_t *state)
{
	int nr = next_random(state) % RIG_AREAS;
	size_t len = area_len(s, nr);
	char *to = window(&r->seat[next_random(state) % MEMBERS], nr);

	switch (next_random(state) % 4) {
	case 0:
		mremap(window(s, nr), len, 2 * len, 0);
		break;
	case 1:
		mremap(window(s, nr), len, PAGE, 0);
		break;
	case 2:
		mremap(window(s, nr), len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		break;
	case 3:
		/* a second mapping of the same pages */
		mremap(window(s, nr), 0, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		break;
	}
}

/* Whole, a part, or by putting something else there */
static void do_munmap(struct racer *r, struct seat *s, uint64_t *state)
{
	int nr = next_random(state) % RIG_AREAS;
	size_t len = area_len(s, nr);

	(void)r;
	switch (next_random(state) % 3) {
	case 0:
		munmap(window(s, nr), len);
		break;
	case 1:
		munmap(window(s, nr) + PAGE, PAGE);
		break;
	case 2:
		mmap(window(s, nr), WINDOW, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
		break;
	}
}

/* The child has the descriptors and not the maps; it tries what it can with them */
static int heir(void *arg)
{
	struct seat *s = arg;

	ioctl(s->fd, DMRING_IOC_SUBMIT);
	mmap(NULL, PAGE, PROT_READ, MAP_SHARED, s->fd, DMRING_MAP_KERNEL);
	close(s->fd);
	return 0;
}

static void do_fork(struct racer *r, struct seat *s, uint64_t *state)
{
	(void)r;
	(void)state;
	rig_in_child(heir, s);
	add(&sum->forked);
}

static void do_close(struct racer *r, struct seat *s, uint64_t *state)
{
	(void)r;
	switch (next_random(state) % 3) {
	case 0:
		/* a copy stays, for a moment */
		dup3(s->fd, s->fd + 1, O_CLOEXEC);
		close(s->fd);
		dup3(s->fd + 1, s->fd, O_CLOEXEC);
		close(s->fd + 1);
		break;
	case 1:
		close(s->fd);
		break;
	case 2:
		ioctl(s->fd, DMRING_IOC_DETACH);
		break;
	}
}

/* Marks messages of nothing, and reads here and there */
static void touch(struct seat *s, uint64_t *state)
{
	volatile uint64_t *word = (void *)window(s, next_random(state) % RIG_AREAS);
	struct dmring_user_page *user = (void *)window(s, 0);
	struct dmring_in_rec *rec = (void *)window(s, 2);

	if (next_random(state) % 2) {
		word[next_random(state) % (PAGE / sizeof(*word))];
		return;
	}
	rec->type = DMRING_REC_DATA;
	rec->len = 16;
	__atomic_store_n(&user->in_tail, 32, __ATOMIC_RELEASE);
}

static void do_touch(struct racer *r, struct seat *s, uint64_t *state)
{
	struct dmring_ioc_enter e = { .flags = next_random(state) & 15 };
	struct pollfd p = { .fd = s->fd, .events = POLLIN | POLLOUT };
	char buf[64] = "";
	ssize_t len;

	(void)r;
	touching = true;
	if (!sigsetjmp(back, 1))
		touch(s, state);
	touching = false;
	switch (next_random(state) % 4) {
	case 0:
		ioctl(s->fd, DMRING_IOC_ENTER, &e);
		break;
	case 1:
		fcntl(s->fd, F_SETFL, O_NONBLOCK);
		len = write(s->fd, buf, sizeof(buf));
		len = read(s->fd, buf, sizeof(buf));
		(void)len;
		break;
	case 2:
		poll(&p, 1, 1);
		break;
	default:
		ioctl(s->fd, DMRING_IOC_SUBMIT);
		break;
	}
}

/* A thread each; attaching races itself, too */
static void (* const acts[])(struct racer *r, struct seat *s, uint64_t *state) = {
	do_open, do_attach, do_attach, do_map, do_mprotect, do_mremap, do_munmap, do_fork, do_close, do_touch,
};

struct lane {
	struct racer *r;
	unsigned int act;
};

static void *race(void *arg)
{
	const struct lane *lane = arg;
	struct racer *r = lane->r;
	uint64_t state = r->seed + lane->act;

	while (!over(r))
		acts[lane->act](r, &r->seat[next_random(&state) % MEMBERS], &state);
	return NULL;
}

static void on_fault(int sig)
{
	add(&sum->faults);
	if (touching)
		siglongjmp(back, 1);
	signal(sig, SIG_DFL);
}

static bool seats_make(struct racer *r)
{
	unsigned int i;

	for (i = 0; i < MEMBERS; i++) {
		struct seat *s = &r->seat[i];

		s->fd = FIRST_FD + 2 * i;
		s->base = mmap(NULL, RIG_AREAS * WINDOW, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (s->base == MAP_FAILED)
			return false;
	}
	return true;
}

/* All that is left, so that the end of a turn is the end of its members */
static void seats_clear(struct racer *r)
{
	unsigned int i;

	for (i = 0; i < MEMBERS; i++) {
		close(r->seat[i].fd);
		close(r->seat[i].fd + 1);
		mmap(r->seat[i].base, RIG_AREAS * WINDOW, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	}
}

static void race_once(struct racer *r)
{
	pthread_t thread[ARRAY_SIZE(acts)];
	struct lane lane[ARRAY_SIZE(acts)];
	uint64_t end = rig_ms() + 500;
	unsigned int i;

	__atomic_store_n(&r->over, false, __ATOMIC_RELEASE);
	for (i = 0; i < ARRAY_SIZE(acts); i++) {
		lane[i] = (struct lane){ r, i };
		pthread_create(&thread[i], NULL, race, &lane[i]);
	}
	while (rig_ms() < end && bystanders_wild(r->b))
		rig_sleep(1);
	__atomic_store_n(&r->over, true, __ATOMIC_RELEASE);
	for (i = 0; i < ARRAY_SIZE(acts); i++)
		pthread_join(thread[i], NULL);
	seats_clear(r);
}

struct role {
	struct bystanders *b;
	const char *name;
	unsigned int no;
};

static int race_role(void *arg)
{
	const struct role *role = arg;
	struct sigaction sa = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct racer r = { .b = role->b, .name = role->name, .seed = role->no };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	if (!seats_make(&r))
		return 1;
	while (bystanders_wait(role->b, role->no, ARRAY_SIZE(acts))) {
		r.seed += 1000;
		race_once(&r);
	}
	return 0;
}

/* Of each kind; of forks a tenth */
static unsigned long least(void)
{
	return rig_knob("DMRING_RACES", 100);
}

static bool enough(const struct bystanders *b)
{
	return b->sent[0] + b->sent[1] > MESSAGES && sum->attached > least() &&
	       sum->mapped > least() && sum->forked > least() / 10;
}

TEST(racers_and_bystanders)
{
	/* no bystander is thrown out who is only not scheduled */
	const struct rig_conf conf = {
		.log = LOG, .slow_ms = RIG_WAIT_MS, .flags = DMRING_RING_IDENTIFY,
	};
	const char *name = rig_name("racers");
	unsigned long ms = rig_knob("DMRING_RACE_MS", 20000);
	struct bystanders *b;
	pid_t pid[RACERS];
	unsigned int i;

	sum = mmap(NULL, sizeof(*sum), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)sum);
	ASSERT_EQ(0, rig_ring_add(name, &conf));
	b = bystanders_start(name);
	ASSERT_NE(NULL, b);
	for (i = 0; i < RACERS; i++) {
		struct role role = { b, name, i };

		pid[i] = rig_child(race_role, &role);
	}
	b->enough = enough;
	bystanders_turns(b, RACERS, ms);
	for (i = 0; i < RACERS; i++)
		EXPECT_EQ(0, rig_wait(pid[i])) TH_LOG("racer %u", i);
	/* with the last descriptor and mapping its slot is free, whoever closed it */
	EXPECT_EQ(BYSTANDERS_SENDERS + BYSTANDERS_CHECKERS,
		  rig_ring_get(name, DMRING_A_RING_MEMBERS));
	EXPECT_EQ(0, bystanders_stop(b));
	TH_LOG("%zu joins, %zu mappings, %zu forks, %zu faults, %zu messages of racers",
	       (size_t)sum->attached, (size_t)sum->mapped, (size_t)sum->forked,
	       (size_t)sum->faults, (size_t)b->strange);
	TH_LOG("bystanders: %s", bystanders_text(b));
	EXPECT_GT(b->sent[0] + b->sent[1], MESSAGES);
	EXPECT_GT(sum->attached, least());
	EXPECT_GT(sum->mapped, least());
	EXPECT_GT(sum->forked, least() / 10);
	EXPECT_EQ(0, rig_ring_get(name, DMRING_A_RING_MEMBERS));
	EXPECT_EQ(0, rig_ring_del(name));
}

TEST_HARNESS_MAIN
