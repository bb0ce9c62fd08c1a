// SPDX-License-Identifier: GPL-2.0-only
/*
 * The office of the proxy: who wins it, when it changes hands, who is told, and
 * what is refused. The rules themselves are tested in unit/; here is what the
 * kernel makes of them. Every test looks at the marks of all members after each
 * step: one is in office, never two, never none while somebody is willing.
 *
 *	this process: ring of scope network, one host -- members 0, 1, 2, ...
 *	children: members that are stopped, frozen, killed
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <libmnl/libmnl.h>

#include "kself.h"
#include "rig.h"

#define LOOPBACK	0x7f000001
#define MEMBERS		4
#define NOBODY		UINT64_MAX
#define PROXY_MS	200

static const char *name;
static const struct rig_conf plain = {
	.node = 1, .addr = LOOPBACK, .port = 7010, .proxy_ms = PROXY_MS,
};

FIXTURE(office) {
	struct rig_member m[MEMBERS];
	char why[DMRING_WHY_SIZE * 2];
};

FIXTURE_SETUP(office)
{
	int i;

	name = rig_name("office");
	ASSERT_EQ(0, rig_ring_add(name, &plain));
	for (i = 0; i < MEMBERS; i++)
		ASSERT_EQ(0, rig_join(&self->m[i], name, 0));
}

FIXTURE_TEARDOWN(office)
{
	int i;

	for (i = 0; i < MEMBERS; i++)
		rig_leave(&self->m[i]);
	rig_ring_del(name);
}

/* The proxy's id by netlink; by its mark it is the same one among ours, or somebody else's */
static uint64_t proxy(struct rig_member *m)
{
	uint64_t id = rig_proxy_get(name, DMRING_A_PROXY_MEMBER);
	int i;

	for (i = 0; i < MEMBERS; i++) {
		if (!m[i].fd || m[i].kern->state != DMRING_STATE_ATTACHED)
			continue;
		if (rig_in_office(&m[i]) != (m[i].at.id == id))
			return 1000 + i;
	}
	return id;
}

/* The last private event is an office event of this kind, in this term */
static int last_office(struct rig_member *m, struct dmring_ev *ev)
{
	int n = 0;

	while (!rig_private_event(m, ev))
		n++;
	return n && ev->what == DMRING_EV_OFFICE ? (int)ev->arg : -1;
}

static void leave(struct rig_member *m)
{
	rig_leave(m);
	memset(m, 0, sizeof(*m));
}

TEST_F(office, the_oldest_of_equals_and_then_the_next)
{
	struct dmring_ev ev;

	EXPECT_EQ(0, proxy(self->m));
	EXPECT_EQ(DMRING_OFFICE_WON, last_office(&self->m[0], &ev));
	EXPECT_EQ(1, ev.arg2);
	EXPECT_EQ(DMRING_TERM_VACANT, ev.reason);
	leave(&self->m[0]);
	EXPECT_EQ(1, proxy(self->m));
	EXPECT_EQ(DMRING_OFFICE_WON, last_office(&self->m[1], &ev));
	EXPECT_EQ(2, ev.arg2);
	EXPECT_EQ(DMRING_TERM_LEFT, ev.reason);
	EXPECT_EQ(DMRING_TERM_LEFT, rig_proxy_get(name, DMRING_A_PROXY_REASON));
}

TEST_F(office, the_highest_weight_as_it_stands_at_the_count)
{
	EXPECT_EQ(0, rig_ballot(&self->m[2], true, 300, NULL));
	self->m[3].user->ballot = DMRING_BALLOT_WILLING | 400;
	EXPECT_EQ(0, proxy(self->m));
	self->m[3].user->ballot = DMRING_BALLOT_WILLING | 299;
	leave(&self->m[0]);
	EXPECT_EQ(2, proxy(self->m));
	leave(&self->m[2]);
	EXPECT_EQ(3, proxy(self->m));
}

TEST_F(office, a_scribbled_ballot_is_unwilling)
{
	static const uint64_t words[] = {
		~0ULL, DMRING_BALLOT_WILLING | (DMRING_WEIGHT_MAX + 1),
		DMRING_BALLOT_WILLING << 1 | DMRING_BALLOT_WILLING | 5, 1ULL << 63 | 0x10064,
	};
	int i;

	for (i = 0; i < 4; i++) {
		self->m[1].user->ballot = words[i];
		self->m[2].user->ballot = words[3 - i];
		EXPECT_EQ(-EINVAL, rig_elect(name, 1, self->why));
		EXPECT_STREQ("member 1 is not willing to be the proxy", self->why);
	}
	leave(&self->m[0]);
	EXPECT_EQ(3, proxy(self->m));
	leave(&self->m[3]);
	EXPECT_EQ(NOBODY, proxy(self->m));
	/* without a word, within the time of a look */
	self->m[2].user->ballot = DMRING_BALLOT_WILLING;
	EXPECT_TRUE(rig_within(20 * DMRING_BALLOT_LOOK_MS, proxy(self->m) == 2));
}

TEST_F(office, a_proxy_that_scribbles_over_its_ballot_is_replaced)
{
	struct dmring_ev ev;

	self->m[0].user->ballot = 0xdeadbeefdeadbeefULL;
	EXPECT_TRUE(rig_within(20 * DMRING_BALLOT_LOOK_MS, proxy(self->m) == 1));
	EXPECT_EQ(DMRING_OFFICE_LOST, last_office(&self->m[0], &ev));
	EXPECT_EQ(DMRING_TERM_UNWILLING, ev.reason);
	EXPECT_EQ(DMRING_OFFICE_TOOK_OVER, last_office(&self->m[1], &ev));
}

TEST_F(office, willing_and_unwilling_by_call_are_seen_at_once)
{
	struct dmring_ev ev;
	int i;

	for (i = 1; i < MEMBERS; i++)
		EXPECT_EQ(0, rig_ballot(&self->m[i], false, 7, NULL));
	EXPECT_EQ(0, rig_ballot(&self->m[0], false, 7, NULL));
	EXPECT_EQ(NOBODY, proxy(self->m));
	EXPECT_EQ(DMRING_OFFICE_LOST, last_office(&self->m[0], &ev));
	EXPECT_EQ(0, rig_ballot(&self->m[3], true, 0, NULL));
	EXPECT_EQ(3, proxy(self->m));
	EXPECT_EQ(0, rig_ballot(&self->m[0], true, 1000, NULL));
	EXPECT_EQ(3, proxy(self->m));
	EXPECT_EQ(0, rig_ballot(&self->m[3], false, 0, NULL));
	EXPECT_EQ(0, proxy(self->m));
	EXPECT_EQ(4, rig_proxy_get(name, DMRING_A_PROXY_TERM));
}

TEST_F(office, who_attaches_unwilling_can_change_its_mind)
{
	leave(&self->m[3]);
	ASSERT_EQ(0, rig_join(&self->m[3], name, DMRING_ATTACH_UNWILLING));
	EXPECT_EQ(-EINVAL, rig_elect(name, self->m[3].at.id, NULL));
	EXPECT_EQ(0, rig_ballot(&self->m[3], true, DMRING_WEIGHT_MAX, NULL));
	EXPECT_EQ(0, rig_elect(name, self->m[3].at.id, NULL));
	EXPECT_EQ(self->m[3].at.id, proxy(self->m));
}

TEST_F(office, bad_ballots_are_refused_and_change_nothing)
{
	struct dmring_ioc_ballot b = { .flags = 2, .weight = 1 };
	uint64_t was = self->m[0].user->ballot;

	EXPECT_EQ(DMRING_BALLOT_WILLING | DMRING_WEIGHT_DEFAULT, was);
	EXPECT_EQ(-ERANGE, rig_ballot(&self->m[0], true, DMRING_WEIGHT_MAX + 1, self->why));
	EXPECT_STREQ("a weight is from 0 to 1000, not 1001", self->why);
	EXPECT_EQ(-1, ioctl(self->m[0].fd, DMRING_IOC_BALLOT, &b));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_NE(NULL, strstr(b.why, "unknown flags"));
	b = (struct dmring_ioc_ballot){ .reserved = 1 };
	EXPECT_EQ(-1, ioctl(self->m[0].fd, DMRING_IOC_BALLOT, &b));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->m[0].fd, DMRING_IOC_BALLOT, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(was, self->m[0].user->ballot);
	EXPECT_EQ(0, proxy(self->m));
}

TEST_F(office, resigning)
{
	struct dmring_ioc_resign bad = { .reserved = 1 };
	struct dmring_ev ev;
	int i;

	EXPECT_EQ(-EPERM, rig_resign(&self->m[2], self->why));
	EXPECT_NE(NULL, strstr(self->why, "not in office: member 2"));
	EXPECT_EQ(-1, ioctl(self->m[0].fd, DMRING_IOC_RESIGN, &bad));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, proxy(self->m));
	rig_sleep(20);
	EXPECT_EQ(0, rig_resign(&self->m[0], self->why));
	EXPECT_EQ(1, proxy(self->m));
	EXPECT_EQ(DMRING_OFFICE_HANDED_OVER, last_office(&self->m[0], &ev));
	EXPECT_EQ(DMRING_TERM_RESIGNED, ev.reason);
	EXPECT_EQ(DMRING_OFFICE_TOOK_OVER, last_office(&self->m[1], &ev));
	for (i = 2; i < MEMBERS; i++)
		leave(&self->m[i]);
	/* who has served keeps its standing: it comes after those who have served less */
	EXPECT_EQ(0, rig_resign(&self->m[1], self->why));
	EXPECT_EQ(0, proxy(self->m));
	leave(&self->m[1]);
	EXPECT_EQ(-EBUSY, rig_resign(&self->m[0], self->why));
	EXPECT_NE(NULL, strstr(self->why, "nobody else is willing"));
	EXPECT_EQ(0, proxy(self->m));
}

TEST_F(office, electing_by_name)
{
	struct dmring_ev ev;

	EXPECT_EQ(0, rig_elect(name, 2, NULL));
	EXPECT_EQ(2, proxy(self->m));
	EXPECT_EQ(DMRING_OFFICE_HANDED_OVER, last_office(&self->m[0], &ev));
	EXPECT_EQ(DMRING_TERM_ELECTED, ev.reason);
	EXPECT_EQ(0, rig_elect(name, 2, NULL));
	EXPECT_EQ(2, rig_proxy_get(name, DMRING_A_PROXY_TERM));
	EXPECT_EQ(-ENOENT, rig_elect(name, 77, self->why));
	EXPECT_NE(NULL, strstr(self->why, "has no member 77 on this host"));
	EXPECT_EQ(-ENOENT, rig_elect(name, 5000, NULL));
	EXPECT_EQ(-ENOENT, rig_elect("nowhere", 0, self->why));
	EXPECT_EQ(2, proxy(self->m));
	/* a count: member 2 has served, 0 has served, 1 is the oldest that has not */
	rig_sleep(20);
	EXPECT_EQ(0, rig_elect(name, UINT32_MAX, NULL));
	EXPECT_EQ(1, proxy(self->m));
}

TEST_F(office, everybody_hears_of_each_term_once)
{
	struct dmring_ev ev;
	uint64_t term;

	for (term = 2; term < 20; term++)
		EXPECT_EQ(0, rig_elect(name, term % MEMBERS, NULL));
	for (term = 1; term < 20;) {
		ASSERT_EQ(0, rig_event(&self->m[0], &ev, 5000));
		if (ev.what != DMRING_EV_PROXY)
			continue;
		/* member 0 attached as the first of them began */
		ASSERT_EQ(term, ev.arg);
		EXPECT_EQ(term == 1 ? 1 : term % MEMBERS + 1, ev.arg2);
		term++;
	}
	EXPECT_EQ(19, rig_proxy_get(name, DMRING_A_PROXY_TERM));
}

TEST_F(office, machine_scope_has_none)
{
	struct rig_member m = {};

	ASSERT_EQ(0, rig_ring_add("no-office", NULL));
	ASSERT_EQ(0, rig_join(&m, "no-office", 0));
	EXPECT_EQ(-EOPNOTSUPP, rig_ballot(&m, true, 5, self->why));
	EXPECT_NE(NULL, strstr(self->why, "has scope machine"));
	EXPECT_EQ(-EOPNOTSUPP, rig_resign(&m, self->why));
	EXPECT_EQ(-EOPNOTSUPP, rig_elect("no-office", 0, self->why));
	EXPECT_NE(NULL, strstr(self->why, "has scope machine"));
	rig_leave(&m);
	EXPECT_EQ(0, rig_ring_del("no-office"));
}

TEST_F(office, rotation_of_zero_seconds_is_refused)
{
	struct rig_req r;
	int i;

	for (i = 0; i < 2; i++) {
		rig_req_start(&r, DMRING_CMD_RING_SET, DMRING_A_RING);
		mnl_attr_put_strz(r.nlh, DMRING_A_RING_NAME, name);
		mnl_attr_put_u32(r.nlh, DMRING_A_RING_ROTATE, i ? 86401 : 0);
		EXPECT_EQ(-ERANGE, rig_req_send(&r, self->why));
		EXPECT_NE(NULL, strstr(self->why, "\"rotate\" is from 1 to 86400 s or never"));
	}
	EXPECT_EQ(DMRING_ROTATE_NEVER, rig_ring_get(name, DMRING_A_RING_ROTATE));
}

/*
 * Processes that stand still
 */

struct shared {
	uint32_t id;
	int go;
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
	while (__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE) == 1)
		rig_sleep(1);
	last_office(&m, &shared->last);
	return 0;
}

static pid_t start_bystander(void)
{
	pid_t pid;

	if (!shared)
		shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			      -1, 0);
	shared->go = 0;
	pid = rig_child(bystander, NULL);
	if (!rig_within(10000, __atomic_load_n(&shared->go, __ATOMIC_ACQUIRE)))
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
	pid_t pid = start_bystander();

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

TEST_F(office, a_moment_of_standing_still_costs_nothing)
{
	pid_t pid = start_bystander();
	int i;

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, rig_elect(name, shared->id, NULL));
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(stop(pid));
		kill(pid, SIGCONT);
		rig_sleep(PROXY_MS / 10);
	}
	EXPECT_EQ(shared->id, proxy(self->m));
	EXPECT_EQ(2, rig_proxy_get(name, DMRING_A_PROXY_TERM));
	EXPECT_EQ(0, end_bystander(pid));
}

TEST_F(office, a_stopped_member_is_passed_over_and_wins_if_there_is_no_other)
{
	pid_t pid = start_bystander();
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
	pid_t pid = start_bystander();

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

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = rig_child(crowd, NULL);
	ASSERT_TRUE(rig_within(10000, __atomic_load_n(&shared->go, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(0, rig_elect(name, shared->id, NULL));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, rig_wait(pid));
	EXPECT_TRUE(rig_within(5000, rig_ring_get(name, DMRING_A_RING_MEMBERS) == MEMBERS));
	EXPECT_EQ(1, proxy(self->m));
	/* its members in office one after the other would have been seven terms */
	EXPECT_EQ(3, rig_proxy_get(name, DMRING_A_PROXY_TERM));
}

/*
 * Time in office
 */

/* The least and the most that any has served (ms); false before each has had three terms */
static bool shares(struct rig_member *m, uint64_t *least, uint64_t *most)
{
	bool enough = true;
	int i;

	*least = UINT64_MAX;
	*most = 0;
	for (i = 0; i < MEMBERS; i++) {
		uint64_t ms = rig_member_get(name, m[i].at.id, DMRING_A_MEMBER_SERVED_MS);

		*least = ms < *least ? ms : *least;
		*most = ms > *most ? ms : *most;
		enough &= rig_member_get(name, m[i].at.id, DMRING_A_MEMBER_TERMS) >= 3;
	}
	return enough;
}

TEST_F(office, four_equal_members_share_the_time)
{
	const struct rig_conf conf = {
		.node = 1, .addr = LOOPBACK, .port = 7011, .rotate_s = 1,
	};
	uint64_t least, most;
	int i;

	for (i = 0; i < MEMBERS; i++)
		leave(&self->m[i]);
	rig_ring_del(name);
	ASSERT_EQ(0, rig_ring_add(name, &conf));
	for (i = 0; i < MEMBERS; i++)
		ASSERT_EQ(0, rig_join(&self->m[i], name, 0));
	/* at the end of a round; between two ends one is a term ahead of another */
	EXPECT_TRUE(rig_within(90000, shares(self->m, &least, &most) &&
			       most <= least + least / 10));
	printf("# served %llu to %llu ms\n", (unsigned long long)least, (unsigned long long)most);
	EXPECT_LE(2000, least);
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
		EXPECT_TRUE(rig_within(10000, getpriority(PRIO_PROCESS, thread) ==
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
	EXPECT_TRUE(rig_within(10000, sched_getscheduler(thread) == SCHED_FIFO));
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
	EXPECT_TRUE(rig_within(10000, sched_getscheduler(thread) == SCHED_FIFO));
}

/* What the thread is in the end, if not before: -1 if it is not there */
static int policy_of(const char *ring)
{
	pid_t thread = thread_of(ring);
	int i, policy = thread ? SCHED_OTHER : -1;

	for (i = 0; i < 1500 && policy == SCHED_OTHER; i++) {
		rig_sleep(1);
		policy = sched_getscheduler(thread);
	}
	return policy;
}

/* A ring of a namespace of its own; with a user namespace anybody could have made it */
static int in_a_namespace(void *arg)
{
	const char *own = rig_name("own");
	struct rig_conf conf = plain;
	const int *flags = arg;

	/* no interface is up there */
	conf.addr = INADDR_ANY;
	if (unshare(*flags) || rig_ring_add(own, &conf))
		return 100;
	return policy_of(own);
}

TEST_F(office, the_thread_of_a_user_namespace_is_never_ahead)
{
	int flags = CLONE_NEWNET;

	EXPECT_EQ(SCHED_FIFO, rig_wait(rig_child(in_a_namespace, &flags)));
	flags |= CLONE_NEWUSER;
	EXPECT_EQ(SCHED_OTHER, rig_wait(rig_child(in_a_namespace, &flags)));
}

TEST_F(office, the_heaviest_stays_when_its_turn_is_over)
{
	struct rig_req r;

	EXPECT_EQ(0, rig_ballot(&self->m[0], true, 101, NULL));
	rig_req_start(&r, DMRING_CMD_RING_SET, DMRING_A_RING);
	mnl_attr_put_strz(r.nlh, DMRING_A_RING_NAME, name);
	mnl_attr_put_u32(r.nlh, DMRING_A_RING_ROTATE, 1);
	EXPECT_EQ(0, rig_req_send(&r, NULL));
	rig_sleep(2500);
	EXPECT_EQ(0, proxy(self->m));
	EXPECT_EQ(1, rig_proxy_get(name, DMRING_A_PROXY_TERM));
	EXPECT_EQ(0, rig_ballot(&self->m[0], true, 99, NULL));
	EXPECT_TRUE(rig_within(10000, proxy(self->m) == 1));
	EXPECT_EQ(DMRING_TERM_ROTATED, rig_proxy_get(name, DMRING_A_PROXY_REASON));
}

TEST_HARNESS_MAIN
