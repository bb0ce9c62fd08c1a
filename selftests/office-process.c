// SPDX-License-Identifier: GPL-2.0-only
/*
 * The office of the proxy, and processes: those that are stopped, frozen, in a debugger, killed
 * or slow to die, and the ring's thread, which takes on what the proxy's process is like.
 *
 *	this process: ring of scope network, one host -- members 0, 1, 2, ...
 *	children: the members that all this happens to
 */
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "office-rig.h"
#include "random.h"

/*
 * Processes that stand still
 */

struct shared {
	uint32_t id;
	int go;
	unsigned int turns;	/* a bystander has run so often */
	struct dmring_ev last;
};

static struct shared *shared;

/* A member in a process of its own; ends when told, and shows its last office event */
static int bystander(void *arg)
{
	struct rig_member m = {};

	(void)arg;
	if (rig_join(&m, name, 0) || rig_ballot(&m, true, 900, NULL))
		return 1;
	shared->id = m.at.id;
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE) == 1) {
		rig_sleep(1);
		__atomic_add_fetch(&shared->turns, 1, __ATOMIC_RELEASE);
	}
	last_office(&m, &shared->last);
	return 0;
}

/* With the children that come */
static void share(void)
{
	if (!shared)
		shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			      -1, 0);
	shared->go = 0;
}

static pid_t start_bystander(int (*fn)(void *arg))
{
	pid_t pid;

	share();
	pid = rig_child(fn, NULL);
	if (!rig_within(RIG_WAIT_MS, __atomic_load_n(&shared->go, __ATOMIC_ACQUIRE)))
		return -1;
	return pid;
}

static int end_bystander(pid_t pid)
{
	__atomic_store_n(&shared->go, 2, __ATOMIC_RELEASE);
	return rig_wait(pid);
}

/* A signal has no effect yet when kill() returns */
static bool stop(pid_t pid)
{
	int status;

	return !kill(pid, SIGSTOP) && waitpid(pid, &status, WUNTRACED) == pid &&
	       WIFSTOPPED(status);
}

TEST_F(office, a_stopped_proxy_is_replaced_and_told_when_it_wakes)
{
	pid_t pid = start_bystander(bystander);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, rig_elect(name, shared->id, NULL));
	EXPECT_EQ(shared->id, proxy(self->m));
	ASSERT_TRUE(stop(pid));
	EXPECT_TRUE(rig_within(50 * PROXY_MS, proxy(self->m) != shared->id));
	EXPECT_EQ(1, proxy(self->m));
	EXPECT_EQ(DMRING_TERM_STOPPED, rig_proxy_get(name, DMRING_A_PROXY_REASON));
	kill(pid, SIGCONT);
	EXPECT_EQ(0, end_bystander(pid));
	EXPECT_EQ(DMRING_OFFICE_LOST, shared->last.arg);
	EXPECT_EQ(DMRING_TERM_STOPPED, shared->last.reason);
}

/* It stands until it runs, not only until it may */
static bool go_on(pid_t pid)
{
	unsigned int turns = __atomic_load_n(&shared->turns, __ATOMIC_ACQUIRE);

	return !kill(pid, SIGCONT) &&
	       rig_within(RIG_WAIT_MS, __atomic_load_n(&shared->turns, __ATOMIC_ACQUIRE) != turns);
}

/* Twenty moments; false: one became long, because somebody was not scheduled */
static bool stop_for_moments(pid_t pid)
{
	uint64_t begin;
	int i;

	for (i = 0; i < 20; i++) {
		begin = rig_ms();
		if (!stop(pid) || !go_on(pid) || rig_ms() - begin >= PROXY_MS / 2)
			return false;
		rig_sleep(PROXY_MS / 10);
	}
	return true;
}

TEST_F(office, a_moment_of_standing_still_costs_nothing)
{
	pid_t pid = start_bystander(bystander);
	bool short_ones = false;
	uint64_t term = 0;
	int i;

	ASSERT_LT(0, pid);
	for (i = 0; i < 50 && !short_ones; i++) {
		ASSERT_EQ(0, rig_elect(name, shared->id, NULL));
		term = rig_proxy_get(name, DMRING_A_PROXY_TERM);
		short_ones = stop_for_moments(pid);
	}
	ASSERT_TRUE(short_ones);
	EXPECT_EQ(shared->id, proxy(self->m));
	EXPECT_EQ(term, rig_proxy_get(name, DMRING_A_PROXY_TERM));
	EXPECT_EQ(0, end_bystander(pid));
}

TEST_F(office, a_stopped_member_is_passed_over_and_wins_if_there_is_no_other)
{
	pid_t pid = start_bystander(bystander);
	int i;

	ASSERT_LT(0, pid);
	ASSERT_TRUE(stop(pid));
	EXPECT_EQ(-EBUSY, rig_elect(name, shared->id, self->why));
	EXPECT_NE(NULL, strstr(self->why, "stopped"));
	leave(&self->m[0]);
	EXPECT_EQ(1, proxy(self->m));
	for (i = 1; i < MEMBERS; i++)
		leave(&self->m[i]);
	EXPECT_EQ(shared->id, proxy(self->m));
	/* and keeps it: there is nobody better */
	rig_sleep(3 * PROXY_MS);
	EXPECT_EQ(shared->id, proxy(self->m));
	ASSERT_EQ(0, rig_join(&self->m[0], name, 0));
	EXPECT_TRUE(rig_within(50 * PROXY_MS, proxy(self->m) == self->m[0].at.id));
	kill(pid, SIGCONT);
	EXPECT_EQ(0, end_bystander(pid));
}

TEST_F(office, a_frozen_proxy_is_replaced)
{
	static const char group[] = "/tmp/office-cgroup", inner[] = "/tmp/office-cgroup/frozen";
	char number[32];
	pid_t pid = start_bystander(bystander);

	ASSERT_LT(0, pid);
	mkdir(group, 0700);
	ASSERT_EQ(0, mount("none", group, "cgroup2", 0, NULL));
	mkdir(inner, 0700);
	EXPECT_EQ(0, rig_elect(name, shared->id, NULL));
	snprintf(number, sizeof(number), "%d", pid);
	EXPECT_TRUE(rig_write_file("/tmp/office-cgroup/frozen/cgroup.procs", number));
	EXPECT_TRUE(rig_write_file("/tmp/office-cgroup/frozen/cgroup.freeze", "1"));
	EXPECT_TRUE(rig_within(50 * PROXY_MS, proxy(self->m) == 1));
	EXPECT_EQ(DMRING_TERM_STOPPED, rig_proxy_get(name, DMRING_A_PROXY_REASON));
	EXPECT_EQ(-EBUSY, rig_elect(name, shared->id, NULL));
	EXPECT_TRUE(rig_write_file("/tmp/office-cgroup/frozen/cgroup.freeze", "0"));
	EXPECT_EQ(0, end_bystander(pid));
	EXPECT_EQ(DMRING_OFFICE_LOST, shared->last.arg);
	rmdir(inner);
	umount(group);
}

TEST_F(office, nobody_resigns_or_is_rotated_in_favour_of_one_that_stands)
{
	pid_t pid = start_bystander(bystander);
	int i;

	ASSERT_LT(0, pid);
	for (i = 1; i < MEMBERS; i++)
		leave(&self->m[i]);
	ASSERT_TRUE(stop(pid));
	EXPECT_EQ(-EBUSY, rig_resign(&self->m[0], self->why));
	EXPECT_NE(NULL, strstr(self->why, "nobody else is willing and running"));
	EXPECT_EQ(0, set_rotate(1, NULL));
	rig_sleep(2500);
	EXPECT_EQ(0, proxy(self->m));
	EXPECT_EQ(1, rig_proxy_get(name, DMRING_A_PROXY_TERM));
	kill(pid, SIGCONT);
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, proxy(self->m) == shared->id));
	EXPECT_EQ(DMRING_TERM_ROTATED, rig_proxy_get(name, DMRING_A_PROXY_REASON));
	EXPECT_EQ(0, end_bystander(pid));
}

static void *stand_by(void *arg)
{
	_exit(bystander(arg));
}

/* Its main thread ends before the others: /proc says that it is a zombie */
static int headless(void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, stand_by, arg))
		return 1;
	pthread_exit(NULL);
}

TEST_F(office, a_process_without_its_main_thread_is_like_any_other)
{
	pid_t pid = start_bystander(headless);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, rig_elect(name, shared->id, self->why)) TH_LOG("%s", self->why);
	rig_sleep(3 * PROXY_MS);
	EXPECT_EQ(shared->id, proxy(self->m));
	ASSERT_TRUE(stop(pid));
	EXPECT_EQ(-EBUSY, rig_elect(name, shared->id, NULL));
	EXPECT_TRUE(rig_within(50 * PROXY_MS, proxy(self->m) == 1));
	EXPECT_EQ(DMRING_TERM_STOPPED, rig_proxy_get(name, DMRING_A_PROXY_REASON));
	kill(pid, SIGCONT);
	EXPECT_EQ(0, end_bystander(pid));
	EXPECT_EQ(DMRING_OFFICE_LOST, shared->last.arg);
}

/* The next stop of @pid in the debugger is for @event */
static bool stops_for(pid_t pid, int event)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && status >> 16 == event;
}

TEST_F(office, a_proxy_in_a_debugger_is_replaced)
{
	pid_t pid = start_bystander(bystander);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, rig_elect(name, shared->id, NULL));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	ASSERT_TRUE(stops_for(pid, PTRACE_EVENT_STOP));
	EXPECT_EQ(-EBUSY, rig_elect(name, shared->id, NULL));
	EXPECT_TRUE(rig_within(50 * PROXY_MS, proxy(self->m) == 1));
	EXPECT_EQ(DMRING_TERM_STOPPED, rig_proxy_get(name, DMRING_A_PROXY_REASON));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	EXPECT_EQ(0, end_bystander(pid));
}

/* As with a large core dump: its files are open until that is over */
TEST_F(office, a_proxy_that_is_slow_to_die_is_replaced)
{
	pid_t pid = start_bystander(bystander);
	int i;

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, rig_elect(name, shared->id, NULL));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT));
	__atomic_store_n(&shared->go, 2, __ATOMIC_RELEASE);
	ASSERT_TRUE(stops_for(pid, PTRACE_EVENT_EXIT));
	EXPECT_EQ(MEMBERS + 1, rig_ring_get(name, DMRING_A_RING_MEMBERS));
	EXPECT_TRUE(rig_within(50 * PROXY_MS, proxy(self->m) == 1));
	EXPECT_EQ(DMRING_TERM_STOPPED, rig_proxy_get(name, DMRING_A_PROXY_REASON));
	/* it is no candidate, not even where there is no other */
	for (i = 0; i < MEMBERS; i++)
		EXPECT_EQ(0, rig_ballot(&self->m[i], false, 0, NULL));
	EXPECT_EQ(NOBODY, proxy(self->m));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
	EXPECT_EQ(0, rig_wait(pid));
	EXPECT_TRUE(rig_within(RIG_WAIT_MS,
			       rig_ring_get(name, DMRING_A_RING_MEMBERS) == MEMBERS));
}

/* It writes over its ballot without end, sensible words and others */
static int scribbler(void *arg)
{
	uint64_t state = getpid(), word;
	struct rig_member m = {};

	(void)arg;
	if (rig_join(&m, name, 0))
		return 1;
	__atomic_add_fetch(&shared->go, 1, __ATOMIC_RELEASE);
	for (;;) {
		word = next_random(&state);
		__atomic_store_n(&m.user->ballot, word & 1 ? word & 0x1ffff : word,
				 __ATOMIC_RELAXED);
	}
}

#define SCRIBBLERS	2
#define SCRIBBLE_MS	3000
#define RARE_MS		60000	/* and until a scribbler has won, which is rare */

TEST_F(office, ballots_are_counted_while_they_are_written_over)
{
	uint64_t begin, who, theirs = 0, terms = 0;
	pid_t pid[SCRIBBLERS];
	int i, n;

	share();
	for (i = 0; i < SCRIBBLERS; i++)
		pid[i] = rig_child(scribbler, NULL);
	ASSERT_TRUE(rig_within(RIG_WAIT_MS, __atomic_load_n(&shared->go, __ATOMIC_ACQUIRE) ==
			       SCRIBBLERS));
	begin = rig_ms();
	for (n = 0; rig_ms() - begin < (theirs && terms > 10 ? SCRIBBLE_MS : RARE_MS); n++) {
		EXPECT_EQ(0, rig_elect(name, UINT32_MAX, self->why)) TH_LOG("%s", self->why);
		/* of ours there is always one that is willing */
		who = rig_proxy_get(name, DMRING_A_PROXY_MEMBER);
		EXPECT_GT(MEMBERS + SCRIBBLERS, who);
		theirs += who >= MEMBERS;
		terms = rig_proxy_get(name, DMRING_A_PROXY_TERM);
	}
	for (i = 0; i < SCRIBBLERS; i++) {
		EXPECT_EQ(0, kill(pid[i], SIGKILL));
		EXPECT_EQ(128 + SIGKILL, rig_wait(pid[i]));
	}
	printf("# %d counts, %llu won by a scribbler, %llu terms\n", n, (unsigned long long)theirs,
	       (unsigned long long)terms);
	EXPECT_LT(0, theirs);
	EXPECT_LT(10, terms);
	EXPECT_GT(MEMBERS, proxy(self->m));
	EXPECT_EQ(SCRIBBLERS, rig_ring_stat(name, DMRING_A_STAT_KILLED));
}

/* Five willing members in one process that is killed: its heirs are elsewhere */
static int crowd(void *arg)
{
	struct rig_member m[5] = {};
	int i;

	(void)arg;
	for (i = 0; i < 5; i++)
		if (rig_join(&m[i], name, 0) || rig_ballot(&m[i], true, 500 + i, NULL))
			return 1;
	shared->id = m[0].at.id;
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

TEST_F(office, a_process_that_is_killed_is_followed_by_another_process)
{
	pid_t pid;

	share();
	pid = rig_child(crowd, NULL);
	ASSERT_TRUE(rig_within(RIG_WAIT_MS, __atomic_load_n(&shared->go, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(0, rig_elect(name, shared->id, NULL));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, rig_wait(pid));
	EXPECT_TRUE(rig_within(RIG_WAIT_MS,
			       rig_ring_get(name, DMRING_A_RING_MEMBERS) == MEMBERS));
	EXPECT_EQ(1, proxy(self->m));
	/* its members in office one after the other would have been seven terms */
	EXPECT_EQ(3, rig_proxy_get(name, DMRING_A_PROXY_TERM));
}

/*
 * The thread's priority
 */

/* The process id of the ring's thread, 0 for none */
static pid_t thread_of(const char *ring)
{
	char want[64], path[64], comm[64];
	DIR *proc = opendir("/proc");
	struct dirent *d;
	pid_t pid = 0;

	snprintf(want, sizeof(want), "dmring/%s\n", ring);
	while (proc && !pid && (d = readdir(proc))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/comm", atoi(d->d_name));
		f = fopen(path, "r");
		if (f && fgets(comm, sizeof(comm), f) && !strcmp(comm, want))
			pid = atoi(d->d_name);
		if (f)
			fclose(f);
	}
	if (proc)
		closedir(proc);
	return pid;
}

TEST_F(office, the_thread_takes_the_nice_value_within_bounds)
{
	static const struct { int nice, taken; } cases[] = { { 3, 3 }, { 19, 5 }, { -7, 0 } };
	pid_t thread = thread_of(name);
	size_t i;

	ASSERT_NE(0, thread);
	/* each is another value than the one before it */
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EXPECT_EQ(0, setpriority(PRIO_PROCESS, 0, cases[i].nice));
		EXPECT_EQ(0, rig_elect(name, i + 1, NULL));
		EXPECT_TRUE(rig_within(RIG_WAIT_MS, getpriority(PRIO_PROCESS, thread) ==
				       cases[i].taken));
	}
	EXPECT_EQ(0, setpriority(PRIO_PROCESS, 0, 0));
}

/* Ahead while it has little to do; who keeps it busy makes it an ordinary thread */
TEST_F(office, the_thread_is_ahead_for_its_share)
{
	pid_t thread = thread_of(name);
	struct rig_member poller = {};
	int i, err, was = SCHED_FIFO;
	uint64_t end;

	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		SKIP(return, "no polling mode on one CPU");
	ASSERT_NE(0, thread);
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, sched_getscheduler(thread) == SCHED_FIFO));
	/* none of these reads */
	for (i = 0; i < MEMBERS; i++)
		leave(&self->m[i]);
	ASSERT_EQ(0, rig_join(&poller, name, DMRING_ATTACH_POLL | DMRING_ATTACH_SEND_ONLY));
	/* the machine may have other things to do than the thread */
	end = rig_ms() + 20000;
	for (i = 0; was == SCHED_FIFO && rig_ms() < end; i++) {
		err = rig_send(&poller, &i, sizeof(i));
		ASSERT_TRUE(!err || err == -EAGAIN);
		was = sched_getscheduler(thread);
	}
	EXPECT_EQ(SCHED_OTHER, was);
	EXPECT_EQ(0, getpriority(PRIO_PROCESS, thread));
	rig_leave(&poller);
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, sched_getscheduler(thread) == SCHED_FIFO));
}

/* What the thread is after @looks, if not before: -1 if it is not there */
static int policy_of(const char *ring, int looks)
{
	pid_t thread = thread_of(ring);
	int i, policy = thread ? SCHED_OTHER : -1;

	for (i = 0; i < looks && policy == SCHED_OTHER; i++) {
		rig_sleep(1);
		policy = sched_getscheduler(thread);
	}
	return policy;
}

#define POLLS	100	/* what is added to the policy where there is a polling mode */
#define FAILED	99

/* POLLS if the thread itself looks for what a member sends, 0 if it has not at any of @looks */
static int polls(const char *ring, int looks)
{
	struct rig_member m = {};
	bool found = false;
	int i;

	if (rig_join(&m, ring, DMRING_ATTACH_POLL | DMRING_ATTACH_SEND_ONLY))
		return FAILED;
	for (i = 0; i < looks && !found; i++) {
		rig_submit(&m);
		rig_sleep(1);
		found = !(__atomic_load_n(&m.kern->marks, __ATOMIC_ACQUIRE) & DMRING_MARK_WAKEUP);
	}
	rig_leave(&m);
	return found ? POLLS : 0;
}

/* A ring of a namespace of its own; with a user namespace anybody could have made it */
static int in_a_namespace(void *arg)
{
	const char *own = rig_name("own");
	struct rig_conf conf = plain;
	const int *flags = arg;
	/* of 1 ms: the thread may be late, and what never is need not be waited for so long */
	int looks = *flags & CLONE_NEWUSER ? 1500 : RIG_WAIT_MS;

	/* no interface is up there */
	conf.addr = INADDR_ANY;
	if (unshare(*flags) || rig_ring_add(own, &conf))
		return FAILED;
	return policy_of(own, looks) + polls(own, looks);
}

TEST_F(office, the_thread_of_a_user_namespace_is_never_ahead_and_never_polls)
{
	int flags = CLONE_NEWNET, one = sysconf(_SC_NPROCESSORS_ONLN) == 1;

	EXPECT_EQ(SCHED_FIFO + (one ? 0 : POLLS), rig_wait(rig_child(in_a_namespace, &flags)));
	flags |= CLONE_NEWUSER;
	EXPECT_EQ(SCHED_OTHER, rig_wait(rig_child(in_a_namespace, &flags)));
}

TEST_HARNESS_MAIN
