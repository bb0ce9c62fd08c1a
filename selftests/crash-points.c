// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process is killed after every single instruction of a call, in turn.
 *
 *	child (library), killed ----\            slots: 2
 *	                             +--- ring "crash", slow block
 *	witness (this process) -----/    sends, reads all, has room for itself alone
 *
 * For each point a new child attaches, does what comes before the call
 * (crash-scenes.c), and is taken to the instruction (step.c). Then it is killed:
 * there; and where the next instruction is a system call also at its entry, asleep
 * in it, at its exit, and from another CPU some time in between. After each death:
 *
 *	- its slot is free: somebody else can take it at once
 *	- the witness gets what was accepted, whole, in order, once, and nothing else
 *	- its cursor is gone: the log can be filled more than once over, though the policy
 *	  is to wait for the slowest for ever
 *
 * What is accepted is known from a recording of the call: in_tail, read at each
 * instruction, and the result of DMRING_IOC_SEND.
 *
 * DMRING_CRASH_CALL=NAME	this one alone
 * DMRING_CRASH_STEP=N		every Nth point; and all system calls
 * DMRING_CRASH_RACES=N		kills from another CPU, for each system call
 * DMRING_CRASH_WHOLE=1		single steps from the beginning of the call each time
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "crash.h"
#include "kself.h"

#define LOG		(64U << 10)
#define FILL		16000U		/* length of what fills the log */
#define FILL_LOG	3U		/* of them fit the log */
#define FILL_ALL	5U		/* and the witness's input space */
#define WAIT_MS		20000		/* for what comes at once */
#define RACE_US		40		/* a race lasts so long, then 4, 9, … times as long */
#define TRIES		20		/* to get to one point */
#define TELL		5U		/* violations of a call that are told one by one */
#define ENOUGH		15U		/* with so many it is not gone on with */

/* Over all calls */
static struct {
	uint32_t calls;
	uint32_t points;
	uint32_t inside;
	uint32_t violations;
} *total;

static void __attribute__((constructor)) total_map(void)
{
	total = mmap(NULL, sizeof(*total), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
}

static uint32_t log_size(const struct crash_scene *s)
{
	return s->log ? s->log : LOG;
}

static void __attribute__((format(printf, 2, 3))) violation(struct crash *c, const char *fmt, ...)
{
	va_list ap;

	if (c->violations++ >= TELL)
		return;
	printf("# %s: ", c->scene->name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

/*
 * The witness
 */

static int read_one(struct crash *c, int ms)
{
	int len = rig_get_wait(&c->w, c->in, sizeof(c->in), ms);

	if (len >= 0) {
		traffic_see(&c->t, c->in, len);
		c->got++;
	}
	return len;
}

static int read_until(struct crash *c, uint32_t sender, uint64_t count)
{
	int len = 0;

	while (len >= 0 && c->t.sender[sender].next < count)
		len = read_one(c, WAIT_MS);
	return len < 0 ? len : 0;
}

void crash_read_all(struct crash *c)
{
	while (read_one(c, 0) >= 0)
		;
}

/* Without @ms time: it does not have to wait for room */
static int witness_send(struct crash *c, size_t len, int ms)
{
	static char buf[FILL];
	int err;

	traffic_make(buf, len, CRASH_WITNESS, c->sent);
	while ((err = rig_put(&c->w, buf, len)) == -EAGAIN && ms) {
		err = rig_enter(&c->w, DMRING_ENTER_SUBMIT | DMRING_ENTER_WRITE, len + 16, ms);
		if (err)
			return err;
	}
	if (!err)
		__atomic_store_n(&c->sent, c->sent + 1, __ATOMIC_RELEASE);
	return err ? err : rig_submit(&c->w);
}

void crash_send_short(struct crash *c)
{
	witness_send(c, CRASH_SHORT, 0);
}

/* Its other thread */
static void *publish(void *arg)
{
	struct crash *c = arg;

	__atomic_store_n(&c->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	while (c->sent < c->publish)
		if (witness_send(c, FILL, WAIT_MS))
			break;
	return NULL;
}

/* Fill the log, which the child holds, and the input space, until there is one who waits */
static int publish_start(struct crash *c)
{
	uint64_t begin = c->sent;

	c->publish = c->sent + 2 * FILL_ALL;
	c->tid = 0;
	if (pthread_create(&c->thread, NULL, publish, c))
		return -ENOMEM;
	read_until(c, CRASH_WITNESS, begin + FILL_LOG);
	if (!rig_within(WAIT_MS, __atomic_load_n(&c->tid, __ATOMIC_ACQUIRE) &&
			__atomic_load_n(&c->sent, __ATOMIC_ACQUIRE) == begin + FILL_ALL &&
			step_asleep(c->tid)))
		return -ETIMEDOUT;
	return 0;
}

/* The child is dead: who waited goes on; or else the log is filled once and a bit */
static void fill_log(struct crash *c)
{
	uint32_t n = log_size(c->scene) / FILL + 2;

	if (c->scene->awaited) {
		read_until(c, CRASH_WITNESS, c->publish);
		pthread_join(c->thread, NULL);
		return;
	}
	while (n--) {
		if (witness_send(c, FILL, 0))
			return;
		read_until(c, CRASH_WITNESS, c->sent);
	}
}

static void check_slot(struct crash *c, const char *where, uint32_t k)
{
	struct rig_member m = { .at = { .in_size = CRASH_IN_SIZE } };
	int err = rig_attach(&m, c->name, DMRING_ATTACH_SEND_ONLY);

	if (err)
		violation(c, "%s %u: its slot is not free: %s", where, k, strerror(-err));
	else
		close(m.fd);
}

/* What was told once is not told again */
static void forget(struct traffic *t)
{
	t->lost = 0;
	t->doubled = 0;
	t->reordered = 0;
	t->damaged = 0;
}

/* From @least to @most messages of the child were accepted */
static void check_messages(struct crash *c, const char *where, uint32_t k, uint64_t least,
			   uint64_t most)
{
	uint64_t n;

	read_until(c, CRASH_CHILD, c->base + least);
	fill_log(c);
	if (most > least)
		rig_sleep(2);
	crash_read_all(c);
	n = c->t.sender[CRASH_CHILD].next - c->base;
	if (n < least || n > most)
		violation(c, "%s %u: %ju messages, accepted were %ju to %ju", where, k,
			  (uintmax_t)n, (uintmax_t)least, (uintmax_t)most);
	if (c->t.sender[CRASH_WITNESS].next != c->sent)
		violation(c, "%s %u: the log does not go on: %ju sent, %ju come", where, k,
			  (uintmax_t)c->sent, (uintmax_t)c->t.sender[CRASH_WITNESS].next);
	if (!traffic_clean(&c->t))
		violation(c, "%s %u: %s", where, k, traffic_text(&c->t));
	forget(&c->t);
}

/* Messages of the child that were accepted before instruction @k, without what was before */
static uint64_t accepted_at(const struct crash *c, uint32_t k)
{
	const struct step_at *at = c->step.trace->at;
	uint64_t n = at[k].word != at[0].word;
	uint32_t i;

	for (i = 0; i < k; i++)
		n += at[i].syscall && at[i].nr == SYS_ioctl && at[i].arg == DMRING_IOC_SEND &&
		     !at[i].ret;
	return n;
}

/*
 * Points
 */

static void wake(void *arg)
{
	struct crash *c = arg;

	c->scene->wake(c);
}

static int start(struct crash *c)
{
	int err;

	memset(c->sh, 0, sizeof(*c->sh));
	/* who sleeps before the call does so for a time */
	c->step.wake = NULL;
	c->base = c->t.sender[CRASH_CHILD].next;
	err = step_start(&c->step, crash_child, c);
	if (!err)
		err = c->sh->error;
	/*
	 * A child that dies reading is the slowest reader; and what it has sent is in the
	 * log, it may be that the ring's thread is still about to move it.
	 */
	if (!err && !c->scene->sends)
		err = read_until(c, CRASH_CHILD, c->base + c->sh->accepted);
	if (!err && c->scene->awaited)
		err = publish_start(c);
	if (!err)
		err = step_cont(&c->step);
	c->step.wake = c->scene->wake ? wake : NULL;
	return err ? err : c->sh->error;
}

/* A child that stands at @k; not every one comes there */
static int start_at(struct crash *c, uint32_t k)
{
	int tries, err = -EAGAIN;

	for (tries = 0; err == -EAGAIN && tries < TRIES; tries++) {
		err = start(c);
		if (err)
			return err;
		err = step_go(&c->step, k);
		if (err != -EAGAIN)
			break;
		/* where it is, nobody knows: it may have accepted all that it could */
		c->again++;
		step_kill(&c->step);
		check_messages(c, "another way to", k, c->sh->accepted,
			       c->sh->accepted + accepted_at(c, c->step.trace->count));
	}
	return err;
}

static void end_at(struct crash *c, const char *where, uint32_t k, uint64_t least, uint64_t most)
{
	int err = step_kill(&c->step);

	if (err)
		violation(c, "%s %u: it was not killed: %s", where, k, strerror(-err));
	check_slot(c, where, k);
	check_messages(c, where, k, c->sh->accepted + least, c->sh->accepted + most);
}

/* For a time that differs from race to race (us) */
static void spin(unsigned int us)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - from.tv_sec) * 1000000 + (now.tv_nsec - from.tv_nsec) / 1000 < us);
}

enum inside { AT_ENTRY, AT_EXIT, ASLEEP, RACING };

/* Killed in the system call that is instruction @k */
static int kill_inside(struct crash *c, uint32_t k, enum inside how, unsigned int us)
{
	static const char * const where[] = { "entry of", "exit of", "asleep in", "racing with" };
	const uint64_t before = accepted_at(c, k), after = accepted_at(c, k + 1);
	int err = start_at(c, k);

	if (!err)
		err = step_syscall(&c->step);
	if (!err && how == AT_EXIT)
		err = step_syscall(&c->step);
	if (!err && (how == ASLEEP || how == RACING))
		err = step_free(&c->step);
	if (err)
		return err;
	if (how == ASLEEP && !rig_within(WAIT_MS, step_asleep(c->step.pid)))
		return -ETIMEDOUT;
	if (how == RACING)
		spin(us);
	end_at(c, where[how], k, how == AT_EXIT ? after : before,
	       how == RACING ? accepted_at(c, c->step.trace->count) : how == AT_EXIT ? after :
	       before);
	c->inside++;
	return 0;
}

static int kill_in_syscall(struct crash *c, uint32_t k)
{
	unsigned long races = rig_knob("DMRING_CRASH_RACES", 10), i;
	int err = kill_inside(c, k, AT_ENTRY, 0);

	if (!err)
		err = kill_inside(c, k, AT_EXIT, 0);
	if (!err && c->step.trace->at[k].sleeps)
		err = kill_inside(c, k, ASLEEP, 0);
	for (i = 0; !err && i < races; i++)
		err = kill_inside(c, k, RACING, i * i * RACE_US);
	return err;
}

static int kill_at(struct crash *c, uint32_t k)
{
	uint64_t n = accepted_at(c, k);
	int err = start_at(c, k);

	if (err)
		return err;
	end_at(c, "after instruction", k, n, n);
	c->points++;
	return c->step.trace->at[k].syscall ? kill_in_syscall(c, k) : 0;
}

/*
 * Is it the call that was meant: marks what it should, sleeps if it should, and tells the kernel
 * if that waits for it? (The ring's thread asks for that a little later than the publisher sleeps.)
 */
static bool as_meant(const struct crash *c)
{
	const struct step_trace *t = c->step.trace;
	bool sleeps = false, tells = false;
	uint32_t i;

	for (i = 0; i <= t->count; i++) {
		uint64_t marked = t->at[i].word - t->at[0].word;

		if (marked && marked != c->scene->cost)
			return false;
		sleeps |= t->at[i].sleeps;
		tells |= t->at[i].syscall;
	}
	if (c->scene->awaited && !tells)
		return false;
	return t->at[t->count].word - t->at[0].word == c->scene->cost &&
	       sleeps == !!c->scene->wake;
}

/* Step it whole; what the ring's thread does meanwhile may lead it another way */
static int record(struct crash *c)
{
	const struct step_trace *t = c->step.trace;
	int tries, err;

	for (tries = 0; tries < TRIES; tries++) {
		uint64_t n;

		err = start(c);
		if (!err)
			err = step_record(&c->step, c->sh->in_tail);
		if (err)
			return err;
		n = accepted_at(c, t->count);
		end_at(c, "after all", t->count, n, n);
		if (as_meant(c))
			return 0;
	}
	violation(c, "it does not go the way it should: in_tail from %#jx to %#jx",
		  (uintmax_t)t->at[0].word, (uintmax_t)t->at[t->count].word);
	return 0;
}

static uint32_t syscalls(const struct step_trace *t)
{
	uint32_t i, n = 0;

	for (i = 0; i < t->count; i++)
		n += t->at[i].syscall;
	return n;
}

static void report(const struct crash *c, int left_out, uint64_t ms)
{
	printf("# %s: %u instructions, %u kill points, %u more in %u system calls, %u violations",
	       c->scene->name, c->step.trace->count, c->points, c->inside,
	       syscalls(c->step.trace), c->violations);
	if (c->again)
		printf(", %u children went another way", c->again);
	if (left_out > 0)
		printf(", %d points left out", left_out);
	printf(" (%ju ms)\n", (uintmax_t)ms);
	fflush(stdout);
	total->calls++;
	total->points += c->points;
	total->inside += c->inside;
	total->violations += c->violations;
}

FIXTURE(crash) {
	struct crash *c;
};

FIXTURE_SETUP(crash)
{
	struct crash *c = calloc(1, sizeof(*c));

	ASSERT_NE(NULL, c);
	c->name = rig_name("crash");
	c->sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, c->sh);
	c->step.trace = calloc(1, sizeof(*c->step.trace));
	ASSERT_NE(NULL, c->step.trace);
	c->step.whole = rig_knob("DMRING_CRASH_WHOLE", 0);
	c->step.arg = c;
	self->c = c;
}

FIXTURE_TEARDOWN(crash)
{
	munmap(self->c->sh, 4096);
	free(self->c->step.trace);
	free(self->c);
}

/* What the kernel has counted is what the witness has seen */
static void check_ring(struct __test_metadata *_metadata, struct crash *c)
{
	EXPECT_EQ(DMRING_STATE_ATTACHED, c->w.kern->state);
	EXPECT_EQ(1, rig_ring_get(c->name, DMRING_A_RING_MEMBERS));
	EXPECT_EQ(c->got, rig_ring_stat(c->name, DMRING_A_STAT_MESSAGES));
	EXPECT_EQ(c->t.bytes, rig_ring_stat(c->name, DMRING_A_STAT_BYTES));
	EXPECT_EQ(0, rig_ring_stat(c->name, DMRING_A_STAT_REJECTED));
	EXPECT_EQ(0, rig_ring_stat(c->name, DMRING_A_STAT_EVICTED));
	EXPECT_EQ(0, rig_ring_stat(c->name, DMRING_A_STAT_DROPPED));
	EXPECT_EQ(0, rig_ring_stat(c->name, DMRING_A_STAT_EVENTS_LOST));
}

/* The number of points that were left out, or -errno */
static int kill_each(struct crash *c)
{
	const struct step_trace *t = c->step.trace;
	unsigned long every = rig_knob("DMRING_CRASH_STEP", 1);
	int err = 0, left_out = 0;
	uint32_t k;

	for (k = 0; !err && k <= t->count && c->violations < ENOUGH; k++) {
		if (k % every && k < t->count && !t->at[k].syscall)
			left_out++;
		else
			err = kill_at(c, k);
	}
	if (err)
		violation(c, "instruction %u: %s", k - 1, strerror(-err));
	return err ? err : left_out;
}

static void kill_everywhere(struct __test_metadata *_metadata, struct crash *c)
{
	uint64_t begin = rig_ms();
	int err, left_out;

	/* twice: the first time leaves this process's heap as the next ones find it */
	err = record(c);
	if (!err)
		err = record(c);
	ASSERT_EQ(0, err) TH_LOG("recording: %s", strerror(-err));
	left_out = kill_each(c);
	report(c, left_out, rig_ms() - begin);
	EXPECT_EQ(c->step.trace->count + 1, c->points + left_out);
	EXPECT_EQ(0, c->violations);
}

static void scene_test(struct __test_metadata *_metadata, struct crash *c, const char *name)
{
	struct rig_conf conf = { .slots = 2, .slow = DMRING_SLOW_BLOCK };
	const char *only = getenv("DMRING_CRASH_CALL");

	if (only && strcmp(only, name))
		SKIP(return, "only %s", only);
	c->scene = crash_scene_named(name);
	ASSERT_NE(NULL, c->scene);
	conf.log = log_size(c->scene);
	ASSERT_EQ(0, rig_ring_add(c->name, &conf));
	ASSERT_EQ(0, rig_join(&c->w, c->name, 0));
	traffic_init(&c->t, false);
	kill_everywhere(_metadata, c);
	check_ring(_metadata, c);
	traffic_free(&c->t);
	rig_leave(&c->w);
	EXPECT_EQ(0, rig_ring_del(c->name));
}

/* A test a call, by the name in crash-scenes.c */
#define CRASH_TEST(name)						\
	TEST_F_TIMEOUT(crash, name, 800)				\
	{								\
		scene_test(_metadata, self->c, #name);			\
	}

CRASH_TEST(attach)
CRASH_TEST(reserve)
CRASH_TEST(reserve_full)
CRASH_TEST(commit)
CRASH_TEST(submit)
CRASH_TEST(send)
CRASH_TEST(send_fits_exactly)
CRASH_TEST(send_wraps)
CRASH_TEST(send_refused)
CRASH_TEST(send_large)
CRASH_TEST(send_large_waits)
CRASH_TEST(send_in_pieces)
CRASH_TEST(peek)
CRASH_TEST(peek_no_echo)
CRASH_TEST(release)
CRASH_TEST(release_awaited)
CRASH_TEST(recv)
CRASH_TEST(wait)
CRASH_TEST(wait_asleep)
CRASH_TEST(wait_asleep_for_many)
CRASH_TEST(wait_asleep_for_room)
CRASH_TEST(detach)

TEST_F(crash, all_calls)
{
	unsigned int nr = 0;

	while (crash_scene(nr))
		nr++;
	if (getenv("DMRING_CRASH_CALL"))
		nr = 1;
	printf("# in all: %u calls, %u kill points, %u more in system calls, %u violations\n",
	       total->calls, total->points, total->inside, total->violations);
	fflush(stdout);
	EXPECT_EQ(nr, total->calls);
	EXPECT_EQ(0, total->violations);
}

TEST_HARNESS_MAIN
