// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving, in every way there is, while others talk. What the leaver had
 * accepted arrives, complete and in order; what it had not never does; its slot is
 * free at once; nobody else loses anything.
 *
 *	leaver (child) --\                 /--> watcher (this process)
 *	                  +--- ring -----+
 *	talker (child) --/                 \--> talker's own echo is nobody's
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "kself.h"
#include "rig.h"
#include "traffic.h"

#define LEN		300U
#define TALKER		1U
#define LEAVER		2U
#define ACCEPTED	50U	/* of the leaver: marked, doorbell or not */

struct shared {
	uint64_t talked;
	uint64_t stop;
	uint32_t ready;
	uint32_t go;
	uint32_t id;
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
}

static void read_all(FIXTURE_DATA(life) *self)
{
	char buf[LEN + 1];
	int len;

	while ((len = rig_get(&self->w, buf, sizeof(buf))) >= 0)
		traffic_see(&self->t, buf, len);
}

#define read_until(ms, cond) ({						\
	uint64_t __end = rig_ms() + (ms);				\
	bool __is;							\
	while (!(__is = !!(cond)) && rig_ms() < __end) {		\
		read_all(self);						\
		rig_enter(&self->w, DMRING_ENTER_READ, 0, 10);		\
	}								\
	__is;								\
})

static uint64_t members(FIXTURE_DATA(life) *self)
{
	return rig_ring_get(self->name, DMRING_A_RING_MEMBERS);
}

/* The talker and the watcher have lost nothing whatever happened */
FIXTURE_TEARDOWN(life)
{
	__atomic_store_n(&self->sh->stop, 1, __ATOMIC_RELEASE);
	EXPECT_EQ(0, rig_wait(self->talker));
	EXPECT_TRUE(read_until(5000, self->t.sender[TALKER].next >= self->sh->talked));
	read_all(self);
	traffic_sent(&self->t, TALKER, self->sh->talked);
	EXPECT_GT(self->sh->talked, 0);
	EXPECT_TRUE(traffic_clean(&self->t)) TH_LOG("%s", traffic_text(&self->t));
	EXPECT_EQ(DMRING_STATE_ATTACHED, self->w.kern->state);
	EXPECT_TRUE(rig_within(2000, members(self) == 1));
	traffic_free(&self->t);
	rig_leave(&self->w);
	EXPECT_EQ(0, rig_ring_del(self->name));
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
	self->sh->id = m->at.id;
	__atomic_store_n(&self->sh->ready, 1, __ATOMIC_RELEASE);
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

static int by_exec(void *arg)
{
	struct rig_member m = {};
	int err = begin_leaving(arg, &m);

	if (err)
		return err;
	/* the descriptor goes on into the next program, the maps do not */
	fcntl(m.fd, F_SETFD, 0);
	execl("/bin/sleep", "sleep", "2", NULL);
	return 9;
}

TEST_F(life, exec)
{
	pid_t pid = rig_child(by_exec, self);

	has_left(_metadata, self, DMRING_REASON_CLOSED);
	EXPECT_EQ(0, kill(pid, 0));
	EXPECT_EQ(0, rig_wait(pid));
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

static bool limit_memory(pid_t pid)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", pid);
	mkdir("/tmp/life-cgroup", 0700);
	if (mount("none", "/tmp/life-cgroup", "cgroup2", 0, NULL) ||
	    !rig_write_file("/tmp/life-cgroup/cgroup.subtree_control", "+memory"))
		return false;
	mkdir("/tmp/life-cgroup/small", 0700);
	return rig_write_file("/tmp/life-cgroup/small/memory.max", "16M") &&
	       rig_write_file("/tmp/life-cgroup/small/cgroup.procs", number);
}

static int limited(void *arg)
{
	return limit_memory(getpid()) ? eat_until_killed(arg) : 3;
}

TEST_F(life, out_of_memory)
{
	pid_t pid = rig_child(limited, self);
	int status = rig_wait(pid);

	umount2("/tmp/life-cgroup", MNT_DETACH);
	if (status == 3)
		SKIP(return, "this kernel has no memory cgroup");
	EXPECT_EQ(128 + SIGKILL, status);
	has_left(_metadata, self, DMRING_REASON_KILLED);
}

#define CROWD	200	/* more than wait to be told of */

static int crowd_until_killed(void *arg)
{
	static struct rig_member m[CROWD];
	FIXTURE_DATA(life) *self = arg;
	int i;

	for (i = 0; i < CROWD; i++)
		if (rig_attach(&m[i], self->name, DMRING_ATTACH_SEND_ONLY))
			return 1;
	__atomic_store_n(&self->sh->ready, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

/* Nobody's departure is lost while there is room in the log */
TEST_F(life, many_at_once)
{
	pid_t pid = rig_child(crowd_until_killed, self);

	EXPECT_TRUE(read_until(20000, __atomic_load_n(&self->sh->ready, __ATOMIC_ACQUIRE)));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, rig_wait(pid));
	EXPECT_TRUE(read_until(20000, self->w.lefts >= CROWD));
	EXPECT_EQ(CROWD, self->w.lefts);
	EXPECT_EQ(DMRING_REASON_KILLED, self->w.left.reason);
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_EVENTS_LOST));
	EXPECT_TRUE(rig_within(10000, members(self) == 2));
}

/* A child that has the descriptor, and nothing else, keeps nobody in */
static int by_exit_of_parent(void *arg)
{
	struct rig_member m = {};
	int err = begin_leaving(arg, &m);
	pid_t pid = fork();

	if (!pid) {
		/* not a member: the slot is its parent's */
		rig_sleep(1500);
		_exit(0);
	}
	return err;
}

TEST_F(life, fork_keeps_the_descriptor)
{
	EXPECT_EQ(0, rig_in_child(by_exit_of_parent, self));
	has_left(_metadata, self, DMRING_REASON_CLOSED);
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

/* In the middle of a message of many pieces: it comes whole or not at all */
static int send_big_until_killed(void *arg)
{
	FIXTURE_DATA(life) *self = arg;
	struct rig_member m = {};
	size_t len = 100 << 10;
	char *buf = malloc(len);
	uint64_t n;

	if (rig_attach(&m, self->name, DMRING_ATTACH_SEND_ONLY))
		return 1;
	for (n = 0;; n++) {
		traffic_make(buf, len, LEAVER, n);
		while (write(m.fd, buf, len) < 0)
			if (errno != EAGAIN)
				return 2;
		__atomic_store_n(&self->sh->ready, n + 1, __ATOMIC_RELEASE);
	}
}

TEST_F(life, killed_in_a_large_message)
{
	char *buf = malloc(128 << 10);
	uint64_t end;
	int round, len;

	for (round = 0; round < 10; round++) {
		pid_t pid = rig_child(send_big_until_killed, self);

		end = rig_ms() + 60 + 7 * round;
		while (rig_ms() < end || self->sh->ready < 3) {
			len = rig_get_wait(&self->w, buf, 128 << 10, 10);
			if (len >= 0)
				traffic_see(&self->t, buf, len);
		}
		EXPECT_EQ(0, kill(pid, SIGKILL));
		EXPECT_EQ(128 + SIGKILL, rig_wait(pid));
		end = rig_ms() + 300;
		while (rig_ms() < end || members(self) > 2) {
			len = rig_get_wait(&self->w, buf, 128 << 10, 10);
			if (len >= 0)
				traffic_see(&self->t, buf, len);
		}
		/* what write() had returned for came; at most one more, that it was in */
		EXPECT_GE(self->t.sender[LEAVER].next, self->sh->ready);
		EXPECT_LE(self->t.sender[LEAVER].next, self->sh->ready + 1);
		EXPECT_TRUE(traffic_clean(&self->t)) TH_LOG("%s", traffic_text(&self->t));
		memset(&self->t.sender[LEAVER], 0, sizeof(self->t.sender[LEAVER]));
		self->sh->ready = 0;
	}
	free(buf);
}

/* Killed at any moment, again and again, while it writes in place */
static int rave(void *arg)
{
	FIXTURE_DATA(life) *self = arg;
	struct rig_member m = {};
	uint64_t n;
	char buf[LEN];

	if (rig_join(&m, self->name, 0))
		return 1;
	for (n = 0;; n++) {
		size_t len = traffic_len(LEAVER, n, LEN);

		traffic_make(buf, len, LEAVER, n);
		while (rig_put(&m, buf, len))
			rig_submit(&m);
		__atomic_store_n(&self->sh->ready, n + 1, __ATOMIC_RELEASE);
		if (n % 7 == 0)
			rig_submit(&m);
		while (rig_get(&m, buf, sizeof(buf)) >= 0)
			;
	}
}

TEST_F(life, killed_at_any_instruction)
{
	unsigned long round, rounds = rig_knob("DMRING_KILLS", 60);

	for (round = 0; round < rounds; round++) {
		pid_t pid = rig_child(rave, self);
		uint64_t end = rig_ms() + 10 + round % 40;

		EXPECT_TRUE(read_until(10000, self->sh->ready > 0 && rig_ms() > end));
		EXPECT_EQ(0, kill(pid, SIGKILL));
		EXPECT_EQ(128 + SIGKILL, rig_wait(pid));
		EXPECT_TRUE(read_until(10000, members(self) == 2 &&
				       self->t.sender[LEAVER].next >= self->sh->ready));
		EXPECT_LE(self->t.sender[LEAVER].next, self->sh->ready + 1);
		free(self->t.sender[LEAVER].seen);
		memset(&self->t.sender[LEAVER], 0, sizeof(self->t.sender[LEAVER]));
		self->sh->ready = 0;
	}
}

TEST_F(life, close_and_attach_ten_thousand_times)
{
	unsigned long n = rig_knob("DMRING_ATTACHES", 10000);
	uint64_t begin = rig_ms();
	char buf[TRAFFIC_MIN];
	unsigned long i;

	for (i = 0; i < n; i++) {
		struct rig_member m = {};

		/* every tenth maps all of it, the others send as a file */
		ASSERT_EQ(0, i % 10 ? rig_attach(&m, self->name, i % 2) :
				      rig_join(&m, self->name, 0));
		traffic_make(buf, sizeof(buf), LEAVER, i);
		ASSERT_EQ(0, i % 10 ? write(m.fd, buf, sizeof(buf)) != sizeof(buf) :
				      rig_put(&m, buf, sizeof(buf)));
		rig_leave(&m);
		read_all(self);
	}
	EXPECT_TRUE(read_until(10000, self->t.sender[LEAVER].next >= n));
	traffic_sent(&self->t, LEAVER, n);
	TH_LOG("%lu times in %zu ms", n, (size_t)(rig_ms() - begin));
}

TEST_HARNESS_MAIN
