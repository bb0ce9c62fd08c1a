// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving, in every way there is, while others talk. What the leaver had
 * accepted arrives, complete and in order; what it had not never does; its slot is
 * free at once; nobody else loses anything.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "life-rig.h"

#define ACCEPTED	50U	/* of the leaver: marked, doorbell or not */

static void say_ready(FIXTURE_DATA(life) *self, const struct rig_member *m)
{
	self->sh->id = m->at.id;
	__atomic_store_n(&self->sh->ready, 1, __ATOMIC_RELEASE);
}

/*
 * The leaver: accepts ACCEPTED messages, the last ten without a doorbell, then
 * begins one that it never marks, says that it is ready, and goes.
 */
static int begin_leaving(FIXTURE_DATA(life) *self, struct rig_member *m)
{
	struct dmring_in_rec rec = { .len = 64, .type = DMRING_REC_DATA };
	char buf[LEN];
	uint64_t n;

	if (rig_join(m, self->name, DMRING_ATTACH_SEND_ONLY))
		return 1;
	for (n = 0; n < ACCEPTED; n++) {
		size_t len = traffic_len(LEAVER, n, LEN);

		traffic_make(buf, len, LEAVER, n);
		if (rig_put(m, buf, len))
			return 2;
		if (n < ACCEPTED - 10 && rig_submit(m))
			return 3;
	}
	memcpy(m->in + (m->in_tail & (m->at.in_size - 1)), &rec, sizeof(rec));
	say_ready(self, m);
	return 0;
}

/* Without maps: it is there as long as its process has the descriptor */
static int begin_as_file(FIXTURE_DATA(life) *self, struct rig_member *m)
{
	char buf[LEN];
	uint64_t n;

	if (rig_attach(m, self->name, DMRING_ATTACH_SEND_ONLY))
		return 1;
	for (n = 0; n < ACCEPTED; n++) {
		size_t len = traffic_len(LEAVER, n, LEN);

		traffic_make(buf, len, LEAVER, n);
		if (write(m->fd, buf, len) != (ssize_t)len)
			return 2;
	}
	say_ready(self, m);
	return 0;
}

/* All that it had accepted arrives, then the news that it has left, and its slot is free */
static void has_left(struct __test_metadata *_metadata, FIXTURE_DATA(life) *self, int reason)
{
	EXPECT_TRUE(read_until(10000, self->t.sender[LEAVER].next >= ACCEPTED));
	EXPECT_TRUE(read_until(10000, self->w.lefts));
	EXPECT_EQ(1, self->w.lefts);
	EXPECT_EQ(reason, self->w.left.reason);
	EXPECT_EQ(self->sh->id, self->w.left.arg);
	EXPECT_EQ(0, self->w.left.node);
	EXPECT_EQ(ACCEPTED, self->t.sender[LEAVER].next);
	EXPECT_TRUE(rig_within(10000, members(self) == 2));
	EXPECT_EQ(1, rig_ring_stat(self->name, DMRING_A_STAT_LEFT));
	EXPECT_EQ(reason == DMRING_REASON_KILLED,
		  rig_ring_stat(self->name, DMRING_A_STAT_KILLED));
	read_until(50, false);
	traffic_sent(&self->t, LEAVER, ACCEPTED);
}

static int by_exit(void *arg)
{
	struct rig_member m = {};

	return begin_leaving(arg, &m);
}

TEST_F(life, exit)
{
	EXPECT_EQ(0, rig_in_child(by_exit, self));
	has_left(_metadata, self, DMRING_REASON_CLOSED);
}

static int by_close(void *arg)
{
	struct rig_member m = {};
	int err = begin_leaving(arg, &m);

	/* the maps stay */
	close(m.fd);
	while (!err && m.kern->state != DMRING_STATE_DETACHED)
		;
	return err || m.kern->reason != DMRING_REASON_CLOSED;
}

TEST_F(life, close)
{
	EXPECT_EQ(0, rig_in_child(by_close, self));
	has_left(_metadata, self, DMRING_REASON_CLOSED);
}

static int by_dup_close(void *arg)
{
	struct rig_member m = {};
	int err = begin_leaving(arg, &m), copy = dup(m.fd);

	close(m.fd);
	if (err || m.kern->state != DMRING_STATE_ATTACHED)
		return 1;
	close(copy);
	return m.kern->state != DMRING_STATE_DETACHED;
}

TEST_F(life, close_of_the_last_copy)
{
	EXPECT_EQ(0, rig_in_child(by_dup_close, self));
	has_left(_metadata, self, DMRING_REASON_CLOSED);
}

static int by_detach(void *arg)
{
	struct rig_member m = {};
	int err = begin_leaving(arg, &m);

	return err || ioctl(m.fd, DMRING_IOC_DETACH) || m.kern->reason != DMRING_REASON_DETACHED;
}

TEST_F(life, detach)
{
	EXPECT_EQ(0, rig_in_child(by_detach, self));
	has_left(_metadata, self, DMRING_REASON_DETACHED);
}

static int by_munmap(void *arg)
{
	struct rig_member m = {};
	int err = begin_leaving(arg, &m);

	munmap(m.map[0], 4096);
	return err || m.kern->state != DMRING_STATE_DETACHED ||
	       m.kern->reason != DMRING_REASON_CLOSED;
}

TEST_F(life, munmap_of_the_user_page)
{
	EXPECT_EQ(0, rig_in_child(by_munmap, self));
	has_left(_metadata, self, DMRING_REASON_CLOSED);
}

static void end_child(struct __test_metadata *_metadata, pid_t pid)
{
	EXPECT_TRUE(lives(pid));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, rig_wait(pid));
}

static int exec_sleep(void)
{
	execl("/bin/sleep", "sleep", "1000", NULL);
	return 9;
}

static int by_exec(void *arg)
{
	struct rig_member m = {};
	int err = begin_leaving(arg, &m);

	if (err)
		return err;
	/* the descriptor goes on into the next program, the maps do not */
	fcntl(m.fd, F_SETFD, 0);
	return exec_sleep();
}

TEST_F(life, exec)
{
	pid_t pid = rig_child(by_exec, self);

	has_left(_metadata, self, DMRING_REASON_CLOSED);
	end_child(_metadata, pid);
}

static int by_close_on_exec(void *arg)
{
	struct rig_member m = {};
	int err = begin_as_file(arg, &m);

	if (err || !(fcntl(m.fd, F_GETFD) & FD_CLOEXEC))
		return 1;
	return exec_sleep();
}

TEST_F(life, close_on_exec)
{
	pid_t pid = rig_child(by_close_on_exec, self);

	has_left(_metadata, self, DMRING_REASON_CLOSED);
	end_child(_metadata, pid);
}

static int until_killed(void *arg)
{
	struct rig_member m = {};

	if (begin_leaving(arg, &m))
		return 1;
	for (;;)
		pause();
}

static int busy_until_killed(void *arg)
{
	struct rig_member m = {};

	if (begin_leaving(arg, &m))
		return 1;
	for (;;)
		rig_enter(&m, DMRING_ENTER_READ | DMRING_ENTER_SPIN, 0, 1);
}

static void kill_it(struct __test_metadata *_metadata, FIXTURE_DATA(life) *self,
		    int (*fn)(void *arg), int sig)
{
	pid_t pid = rig_child(fn, self);

	EXPECT_TRUE(read_until(10000, __atomic_load_n(&self->sh->ready, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(0, kill(pid, sig));
	EXPECT_EQ(128 + sig, rig_wait(pid));
	has_left(_metadata, self, DMRING_REASON_KILLED);
}

TEST_F(life, sigkill)
{
	kill_it(_metadata, self, until_killed, SIGKILL);
}

TEST_F(life, sigkill_in_a_call)
{
	kill_it(_metadata, self, busy_until_killed, SIGKILL);
}

TEST_F(life, sigsegv)
{
	kill_it(_metadata, self, until_killed, SIGSEGV);
}

static int eat_until_killed(void *arg)
{
	struct rig_member m = {};
	size_t len = 64 << 20;

	if (begin_leaving(arg, &m))
		return 1;
	for (;;)
		memset(malloc(len), 1, len);
}

#define CGROUP	"/tmp/life-cgroup"
#define NONE	100	/* no such thing here */

static bool has_memory_cgroup(void)
{
	FILE *f = fopen(CGROUP "/cgroup.controllers", "r");
	char line[256] = "";
	bool has;

	/* that it cannot be read is another matter */
	if (!f)
		return true;
	has = fgets(line, sizeof(line), f) && strstr(line, "memory");
	fclose(f);
	return has;
}

static int limit_memory(pid_t pid)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", pid);
	mkdir(CGROUP, 0700);
	if (mount("none", CGROUP, "cgroup2", 0, NULL))
		return errno == ENODEV ? NONE : 3;
	if (!has_memory_cgroup())
		return NONE;
	if (!rig_write_file(CGROUP "/cgroup.subtree_control", "+memory"))
		return 4;
	mkdir(CGROUP "/small", 0700);
	return rig_write_file(CGROUP "/small/memory.max", "16M") &&
	       rig_write_file(CGROUP "/small/cgroup.procs", number) ? 0 : 5;
}

static int limited(void *arg)
{
	int err = limit_memory(getpid());

	return err ? err : eat_until_killed(arg);
}

TEST_F(life, out_of_memory)
{
	pid_t pid = rig_child(limited, self);
	int status = rig_wait(pid);

	umount2(CGROUP, MNT_DETACH);
	if (status == NONE)
		SKIP(return, "this kernel has no memory cgroup");
	EXPECT_EQ(128 + SIGKILL, status);
	has_left(_metadata, self, DMRING_REASON_KILLED);
}

/* A child that has the descriptor, and nothing else, keeps nobody in */
static int leave_to_child(FIXTURE_DATA(life) *self)
{
	pid_t pid = fork();

	/* not a member: the slot is its parent's */
	if (!pid)
		for (;;)
			pause();
	self->sh->child = pid;
	return pid < 0;
}

static int by_exit_of_parent(void *arg)
{
	struct rig_member m = {};

	return begin_leaving(arg, &m) || leave_to_child(arg);
}

static int by_exit_of_parent_as_file(void *arg)
{
	struct rig_member m = {};

	return begin_as_file(arg, &m) || leave_to_child(arg);
}

static void left_to_child(struct __test_metadata *_metadata, FIXTURE_DATA(life) *self,
			  int (*fn)(void *arg))
{
	/* the grandchild becomes ours */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	EXPECT_EQ(0, rig_in_child(fn, self));
	has_left(_metadata, self, DMRING_REASON_CLOSED);
	end_child(_metadata, self->sh->child);
}

TEST_F(life, fork_keeps_the_descriptor)
{
	left_to_child(_metadata, self, by_exit_of_parent);
}

TEST_F(life, fork_keeps_the_descriptor_without_maps)
{
	left_to_child(_metadata, self, by_exit_of_parent_as_file);
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "", c = 0;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) != 1;
}

static int pass_on(void *arg)
{
	FIXTURE_DATA(life) *self = arg;
	struct rig_member m = {};
	int err = begin_leaving(self, &m);

	err = err ? err : send_fd(self->sh->go, m.fd);
	close(m.fd);
	/* in flight or not, it is no descriptor of this process any more */
	while (!err && m.kern->state != DMRING_STATE_DETACHED)
		rig_sleep(1);
	return err;
}

TEST_F(life, descriptor_passed_on)
{
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int sock[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sock));
	self->sh->go = sock[1];
	EXPECT_EQ(0, rig_in_child(pass_on, self));
	has_left(_metadata, self, DMRING_REASON_CLOSED);
	ASSERT_EQ(1, recvmsg(sock[0], &msg, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	EXPECT_EQ(-1, ioctl(fd, DMRING_IOC_SUBMIT));
	EXPECT_EQ(ENOTCONN, errno);
	close(fd);
}

struct guest {
	const char *name;
	struct rig_member m;
	int err;
};

static void *attach_in_thread(void *arg)
{
	struct guest *g = arg;

	g->err = rig_join(&g->m, g->name, 0);
	return NULL;
}

/* The membership is the process's, not the thread's */
TEST_F(life, thread_exit_keeps_it)
{
	struct guest g = { .name = self->name };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, attach_in_thread, &g));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, g.err);
	rig_sleep(100);
	EXPECT_EQ(DMRING_STATE_ATTACHED, g.m.kern->state);
	EXPECT_EQ(0, rig_submit(&g.m));
	rig_leave(&g.m);
}

static int wait_for_end(void *arg)
{
	FIXTURE_DATA(life) *self = arg;
	struct rig_member m = {};
	int err = begin_leaving(self, &m);

	/* asleep when it happens */
	if (!err && rig_enter(&m, DMRING_ENTER_READ, 0, 20000) != -ENOTCONN)
		return 20;
	return err ? err : (int)m.kern->reason;
}

TEST_F(life, evicted_by_the_administrator)
{
	pid_t pid = rig_child(wait_for_end, self);

	EXPECT_TRUE(read_until(10000, __atomic_load_n(&self->sh->ready, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(0, rig_evict(self->name, self->sh->id));
	EXPECT_EQ(-ENOENT, rig_evict(self->name, self->sh->id));
	EXPECT_EQ(DMRING_REASON_ADMIN, rig_wait(pid));
	has_left(_metadata, self, DMRING_REASON_ADMIN);
}

TEST_HARNESS_MAIN
