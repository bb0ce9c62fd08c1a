// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptor as a plain file: read(), write(), poll() and io_uring, one
 * message a call, nothing mapped.
 *
 *	f --write--> ring "file" --read--> g
 *	      any event loop, any language
 */
#include <ctype.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>

#include "kself.h"
#include "rig.h"
#include "traffic.h"

#define LOG	(256U << 10)

FIXTURE(file) {
	const char *name;
	struct rig_member f;
	struct rig_member g;
};

FIXTURE_SETUP(file)
{
	const struct rig_conf conf = { .log = LOG, .slow = DMRING_SLOW_BLOCK };

	self->name = rig_name("file");
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	ASSERT_EQ(0, rig_attach(&self->f, self->name, DMRING_ATTACH_NO_ECHO));
	ASSERT_EQ(0, rig_attach(&self->g, self->name, 0));
}

FIXTURE_TEARDOWN(file)
{
	close(self->f.fd);
	close(self->g.fd);
	EXPECT_EQ(0, rig_ring_del(self->name));
}

static void nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Length, or -errno. The attributes keep the compiler from knowing better than the kernel. */
static __attribute__((noipa)) int get(int fd, void *buf, size_t size)
{
	ssize_t len = read(fd, buf, size);

	return len < 0 ? -errno : len;
}

static __attribute__((noipa)) int put(int fd, const void *buf, size_t size)
{
	ssize_t len = write(fd, buf, size);

	return len < 0 ? -errno : len;
}

TEST_F(file, a_message_a_call)
{
	char buf[64];

	EXPECT_EQ(5, put(self->f.fd, "first", 5));
	EXPECT_EQ(6, put(self->f.fd, "second", 6));
	memset(buf, 'x', sizeof(buf));
	EXPECT_EQ(5, get(self->g.fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "firstx", 6));
	EXPECT_EQ(6, get(self->g.fd, buf, 6));
	EXPECT_EQ(0, memcmp(buf, "second", 6));
	nonblocking(self->g.fd);
	EXPECT_EQ(-EAGAIN, get(self->g.fd, buf, sizeof(buf)));
	/* no echo */
	nonblocking(self->f.fd);
	EXPECT_EQ(-EAGAIN, get(self->f.fd, buf, sizeof(buf)));
}

TEST_F(file, empty_message)
{
	char buf[4];

	EXPECT_EQ(0, put(self->f.fd, "", 0));
	EXPECT_EQ(1, put(self->f.fd, "a", 1));
	EXPECT_EQ(0, get(self->g.fd, buf, sizeof(buf)));
	EXPECT_EQ(1, get(self->g.fd, buf, sizeof(buf)));
}

TEST_F(file, short_buffer)
{
	char buf[16];

	EXPECT_EQ(10, put(self->f.fd, "0123456789", 10));
	EXPECT_EQ(-EMSGSIZE, get(self->g.fd, buf, 9));
	EXPECT_EQ(-EMSGSIZE, get(self->g.fd, buf, 1));
	/* it is still there */
	EXPECT_EQ(10, get(self->g.fd, buf, 10));
	EXPECT_EQ(0, memcmp(buf, "0123456789", 10));
}

TEST_F(file, bad_pointers)
{
	char buf[16];

	EXPECT_EQ(-EFAULT, put(self->f.fd, (void *)1, 10));
	EXPECT_EQ(-EFAULT, put(self->f.fd, (void *)1, 40 << 10));
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_MESSAGES));
	EXPECT_EQ(4, put(self->f.fd, "good", 4));
	EXPECT_EQ(-EFAULT, get(self->g.fd, (void *)1, 10));
	EXPECT_EQ(4, get(self->g.fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "good", 4));
}

TEST_F(file, scattered)
{
	char a[3] = "abc", b[5] = "defgh", c[4], d[10];
	struct iovec out[] = { { a, 3 }, { b, 5 } }, in[] = { { c, 4 }, { d, 10 } };

	EXPECT_EQ(8, writev(self->f.fd, out, 2));
	EXPECT_EQ(8, readv(self->g.fd, in, 2));
	EXPECT_EQ(0, memcmp(c, "abcd", 4));
	EXPECT_EQ(0, memcmp(d, "efgh", 4));
}

/* All sizes, those beyond the input space too, round the log and the input space */
TEST_F(file, sizes)
{
	uint32_t max = self->f.at.max_msg;
	char *out = malloc(max + 1), *in = malloc(max);
	struct traffic t;
	uint64_t n;

	traffic_init(&t, false);
	for (n = 0; n < 400; n++) {
		size_t len = traffic_len(3, n, n % 8 == 7 ? max : 3000);
		int got;

		traffic_make(out, len, 3, n);
		ASSERT_EQ((int)len, put(self->f.fd, out, len));
		got = get(self->g.fd, in, max);
		ASSERT_EQ((int)len, got);
		traffic_see(&t, in, got);
	}
	traffic_sent(&t, 3, n);
	EXPECT_TRUE(traffic_clean(&t)) TH_LOG("%s", traffic_text(&t));
	traffic_free(&t);
	EXPECT_EQ((int)max, put(self->f.fd, out, max));
	EXPECT_EQ((int)max, get(self->g.fd, in, max));
	EXPECT_EQ(-EMSGSIZE, put(self->f.fd, out, max + 1));
	free(out);
	free(in);
}

static void *write_later(void *arg)
{
	rig_sleep(200);
	put(*(int *)arg, "late", 4);
	return NULL;
}

TEST_F(file, read_waits)
{
	uint64_t begin = rig_ms();
	pthread_t thread;
	char buf[8];

	ASSERT_EQ(0, pthread_create(&thread, NULL, write_later, &self->f.fd));
	EXPECT_EQ(4, get(self->g.fd, buf, sizeof(buf)));
	EXPECT_GE(rig_ms() - begin, 150);
	pthread_join(thread, NULL);
}

/* A member that reads nothing: writers wait for it, or are told to */
TEST_F(file, write_waits)
{
	struct pollfd p = { .fd = self->f.fd, .events = POLLOUT };
	struct rig_member slow = {};
	char buf[4096] = "";
	int n;

	ASSERT_EQ(0, rig_attach(&slow, self->name, 0));
	nonblocking(self->f.fd);
	n = rig_fill(self->name, put(self->f.fd, buf, sizeof(buf)));
	EXPECT_EQ(-EAGAIN, put(self->f.fd, buf, sizeof(buf)));
	EXPECT_GT(n, 40);
	EXPECT_LT(n, 100);
	EXPECT_EQ(0, poll(&p, 1, 0));
	/* it makes room as the others do, so that poll() comes back */
	while (n-- > 0) {
		EXPECT_EQ(4096, get(slow.fd, buf, sizeof(buf)));
		EXPECT_EQ(4096, get(self->g.fd, buf, sizeof(buf)));
	}
	EXPECT_EQ(1, poll(&p, 1, RIG_WAIT_MS));
	EXPECT_EQ(POLLOUT, p.revents & POLLOUT);
	EXPECT_EQ(4096, put(self->f.fd, buf, sizeof(buf)));
	close(slow.fd);
}

TEST_F(file, poll_in)
{
	struct pollfd p = { .fd = self->g.fd, .events = POLLIN };
	char buf[8];

	EXPECT_EQ(0, poll(&p, 1, 50));
	EXPECT_EQ(2, put(self->f.fd, "hi", 2));
	EXPECT_EQ(1, poll(&p, 1, RIG_WAIT_MS));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(2, get(self->g.fd, buf, sizeof(buf)));
	EXPECT_EQ(0, poll(&p, 1, 50));
	ASSERT_EQ(0, rig_evict(self->name, self->g.at.id));
	EXPECT_EQ(1, poll(&p, 1, RIG_WAIT_MS));
	EXPECT_EQ(POLLHUP, p.revents & POLLHUP);
}

TEST_F(file, send_only_reads_nothing)
{
	struct rig_member s = {};
	char buf[8];

	ASSERT_EQ(0, rig_attach(&s, self->name, DMRING_ATTACH_SEND_ONLY));
	EXPECT_EQ(2, put(s.fd, "hi", 2));
	EXPECT_EQ(-EBADF, get(s.fd, buf, sizeof(buf)));
	EXPECT_EQ(2, get(self->g.fd, buf, sizeof(buf)));
	close(s.fd);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST_F(file, interrupted)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	uint64_t begin = rig_ms();
	char buf[8];

	sigaction(SIGALRM, &sa, NULL);
	/* again and again: the first one may come before the call */
	ualarm(100000, 100000);
	EXPECT_EQ(-EINTR, get(self->g.fd, buf, sizeof(buf)));
	ualarm(0, 0);
	EXPECT_LT(rig_ms() - begin, RIG_WAIT_MS);
}

TEST_F(file, detached_while_waiting)
{
	char buf[8];
	pid_t pid = fork();

	if (!pid) {
		rig_sleep(200);
		_exit(rig_evict(self->name, self->g.at.id));
	}
	EXPECT_EQ(-ENOTCONN, get(self->g.fd, buf, sizeof(buf)));
	EXPECT_EQ(0, rig_wait(pid));
	EXPECT_EQ(-ENOTCONN, put(self->g.fd, "x", 1));
}

/*
 * Mapped in the middle of a call: from now on the member's own words say what there is, and they
 * may say anything.
 */

struct call {
	int fd;
	char *buf;
	size_t len;
	int ret;
	pid_t tid;		/* when its thread runs */
	pthread_t thread;
};

static void *do_read(void *arg)
{
	struct call *c = arg;

	__atomic_store_n(&c->tid, gettid(), __ATOMIC_RELEASE);
	c->ret = get(c->fd, c->buf, c->len);
	return NULL;
}

static void *do_write(void *arg)
{
	struct call *c = arg;

	__atomic_store_n(&c->tid, gettid(), __ATOMIC_RELEASE);
	c->ret = put(c->fd, c->buf, c->len);
	return NULL;
}

/* Does thread @tid sleep in this system call? */
static bool sleeps_in(pid_t tid, int nr)
{
	char path[40], line[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	/* "running" has no number */
	if (read(fd, line, sizeof(line) - 1) < 0 || !isdigit(line[0]))
		line[0] = '\0';
	close(fd);
	return line[0] && atoi(line) == nr;
}

static bool is_asleep(const struct call *c, int nr)
{
	return rig_within(RIG_WAIT_MS, sleeps_in(__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE), nr));
}

/* Memory that comes when it is told to: whoever copies from it waits. */
static int late_memory(char **at, size_t len)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range.len = len, .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	*at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (uintptr_t)*at;
	if (fd < 0 || *at == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &reg))
		return -errno;
	return fd;
}

/* A tail that is none: nothing is written behind the input space, where the output space is. */
TEST_F(file, mapped_while_writing)
{
	const uint32_t size = self->f.at.in_size;
	static const char nothing[DMRING_ALIGN];
	struct uffdio_zeropage all = { .range.len = 2 * size };
	struct pollfd p = { .events = POLLIN };
	struct call first = { .fd = self->f.fd, .len = 2 * size };
	struct call second = { .fd = self->f.fd, .buf = "x", .len = 1 };

	ASSERT_GE(self->f.at.max_msg, first.len);
	p.fd = late_memory(&first.buf, first.len);
	ASSERT_LE(0, p.fd);
	/* one that is too long for the input space holds the lock, and the other one waits for it */
	ASSERT_EQ(0, pthread_create(&first.thread, NULL, do_write, &first));
	ASSERT_EQ(1, poll(&p, 1, RIG_WAIT_MS));
	ASSERT_EQ(POLLIN, p.revents);
	ASSERT_EQ(0, pthread_create(&second.thread, NULL, do_write, &second));
	ASSERT_TRUE(is_asleep(&second, SYS_write));
	ASSERT_EQ(0, rig_map(&self->f));
	__atomic_store_n(&self->f.user->in_tail, 2 * size - 4, __ATOMIC_SEQ_CST);
	all.range.start = (uintptr_t)first.buf;
	ASSERT_EQ(0, ioctl(p.fd, UFFDIO_ZEROPAGE, &all));
	pthread_join(first.thread, NULL);
	pthread_join(second.thread, NULL);
	EXPECT_EQ(-EPROTO, first.ret);
	EXPECT_EQ(-EPROTO, second.ret);
	EXPECT_EQ(0, memcmp(self->f.out, nothing, sizeof(nothing)));
	close(p.fd);
	munmap(first.buf, first.len);
}

static int attach_once_more(void *arg)
{
	struct dmring_ioc_attach at = {};

	rig_attach_args(&at, "file", 0);
	return !ioctl(*(int *)arg, DMRING_IOC_ATTACH, &at);
}

/* Who waits for the end of a write that may never end can be killed */
TEST_F(file, attaching_while_writing)
{
	struct call first = { .fd = self->f.fd, .len = 2 * self->f.at.in_size };
	struct uffdio_zeropage all = { .range.len = first.len };
	struct pollfd p = { .events = POLLIN };
	int status;
	pid_t pid;

	p.fd = late_memory(&first.buf, first.len);
	ASSERT_LE(0, p.fd);
	ASSERT_EQ(0, pthread_create(&first.thread, NULL, do_write, &first));
	ASSERT_EQ(1, poll(&p, 1, RIG_WAIT_MS));
	pid = rig_child(attach_once_more, &self->f.fd);
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, sleeps_in(pid, SYS_ioctl)));
	rig_sleep(200);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, waitpid(pid, &status, WNOHANG) == pid));
	all.range.start = (uintptr_t)first.buf;
	ASSERT_EQ(0, ioctl(p.fd, UFFDIO_ZEROPAGE, &all));
	pthread_join(first.thread, NULL);
	EXPECT_EQ(first.len, first.ret);
	close(p.fd);
	munmap(first.buf, first.len);
}

/* Nothing to read, though its log_head says so: it is not to look again and again. */
TEST_F(file, mapped_while_reading)
{
	char buf[8];
	struct call reads = { .fd = self->g.fd, .buf = buf, .len = sizeof(buf) };

	ASSERT_EQ(2, put(self->f.fd, "hi", 2));
	ASSERT_EQ(2, get(self->g.fd, buf, sizeof(buf)));
	ASSERT_EQ(0, pthread_create(&reads.thread, NULL, do_read, &reads));
	ASSERT_TRUE(is_asleep(&reads, SYS_read));
	ASSERT_EQ(0, rig_map(&self->g));
	__atomic_store_n(&self->g.user->log_head, 0, __ATOMIC_SEQ_CST);
	ASSERT_EQ(0, rig_submit(&self->g));
	pthread_join(reads.thread, NULL);
	EXPECT_EQ(-EBUSY, reads.ret);
}

/*
 * What a member has not read when it is detached is not its any more: the log goes
 * on without it, and what stands there now may be anything, a record's header
 * made of somebody's payload included.
 */
TEST_F(file, nothing_to_read_once_detached)
{
	struct dmring_rec forged = { .len = 3 << 20, .type = DMRING_REC_DATA };
	size_t size = 4 << 20, i;
	char *buf = malloc(size);
	char *evil = malloc(3000);
	int n;

	for (i = 0; i + sizeof(forged) <= 3000; i += sizeof(forged))
		memcpy(evil + i, &forged, sizeof(forged));
	ASSERT_EQ(6, put(self->f.fd, "unread", 6));
	ASSERT_EQ(0, rig_evict(self->name, self->g.at.id));
	nonblocking(self->f.fd);
	for (n = 0; n < 400; n++) {
		/* the eviction is an event that it has to step over */
		ASSERT_EQ(-EAGAIN, get(self->f.fd, buf, size));
		ASSERT_EQ(3000 - n % 64, put(self->f.fd, evil, 3000 - n % 64));
		ASSERT_EQ(-ENOTCONN, get(self->g.fd, buf, size)) TH_LOG("after %d", n);
	}
	free(buf);
	free(evil);
}

/*
 * io_uring by its bare system calls: a write and a read, the read first, so
 * that it has to wait.
 */

struct uring {
	int fd;
	struct io_uring_params p;
	char *sq;
	char *cq;
	struct io_uring_sqe *sqes;
};

static int uring_open(struct uring *u)
{
	memset(u, 0, sizeof(*u));
	u->fd = syscall(__NR_io_uring_setup, 8, &u->p);
	if (u->fd < 0)
		return -errno;
	u->sq = mmap(NULL, u->p.sq_off.array + u->p.sq_entries * 4, PROT_READ | PROT_WRITE,
		     MAP_SHARED, u->fd, IORING_OFF_SQ_RING);
	u->cq = mmap(NULL, u->p.cq_off.cqes + u->p.cq_entries * sizeof(struct io_uring_cqe),
		     PROT_READ | PROT_WRITE, MAP_SHARED, u->fd, IORING_OFF_CQ_RING);
	u->sqes = mmap(NULL, u->p.sq_entries * sizeof(*u->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED, u->fd, IORING_OFF_SQES);
	return u->sq == MAP_FAILED || u->cq == MAP_FAILED || u->sqes == MAP_FAILED ? -ENOMEM : 0;
}

static int uring_put(struct uring *u, uint8_t op, int fd, void *buf, unsigned int len)
{
	unsigned int *tail = (void *)(u->sq + u->p.sq_off.tail);
	unsigned int *array = (void *)(u->sq + u->p.sq_off.array);
	unsigned int at = *tail & (u->p.sq_entries - 1);

	u->sqes[at] = (struct io_uring_sqe){
		.opcode = op, .fd = fd, .addr = (uintptr_t)buf, .len = len, .user_data = op,
		.off = -1ULL,
	};
	array[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return syscall(__NR_io_uring_enter, u->fd, 1, 0, 0, NULL, 0);
}

/* The next completion: its result, and what it was in *@op */
static int uring_get(struct uring *u, uint64_t *op)
{
	unsigned int *head = (void *)(u->cq + u->p.cq_off.head);
	unsigned int *tail = (void *)(u->cq + u->p.cq_off.tail);
	struct io_uring_cqe *cqe = (void *)(u->cq + u->p.cq_off.cqes);
	int res;

	if (__atomic_load_n(tail, __ATOMIC_ACQUIRE) == *head)
		syscall(__NR_io_uring_enter, u->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	cqe += *head & (u->p.cq_entries - 1);
	res = cqe->res;
	*op = cqe->user_data;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

TEST_F(file, io_uring)
{
	char in[64], out[64];
	struct uring u;
	uint64_t op;
	int i, n;

	n = uring_open(&u);
	if (n == -ENOSYS || n == -EPERM)
		SKIP(return, "this kernel has no io_uring");
	ASSERT_EQ(0, n);
	for (i = 0; i < 500; i++) {
		int len = i % 50 + 1;

		memset(out, i, len);
		ASSERT_EQ(1, uring_put(&u, IORING_OP_READ, self->g.fd, in, sizeof(in)));
		ASSERT_EQ(1, uring_put(&u, IORING_OP_WRITE, self->f.fd, out, len));
		for (n = 0; n < 2; n++)
			ASSERT_EQ(len, uring_get(&u, &op));
		ASSERT_EQ(0, memcmp(in, out, len));
	}
	/* what waits is told when the member is evicted */
	ASSERT_EQ(1, uring_put(&u, IORING_OP_READ, self->g.fd, in, sizeof(in)));
	ASSERT_EQ(0, rig_evict(self->name, self->g.at.id));
	EXPECT_EQ(-ENOTCONN, uring_get(&u, &op));
	close(u.fd);
}

struct stream {
	int fd;
	int count;
	struct traffic t;
};

static void *read_all(void *arg)
{
	struct stream *s = arg;
	char buf[2048];
	int len;

	while (s->t.got < (uint64_t)s->count && (len = get(s->fd, buf, sizeof(buf))) >= 0)
		traffic_see(&s->t, buf, len);
	return NULL;
}

/* Two threads read one member: each message goes to one of them, none to both */
TEST_F(file, two_readers_of_one)
{
	static struct stream s[2];
	pthread_t thread[2];
	char buf[1024];
	uint64_t n;
	int i;

	for (i = 0; i < 2; i++) {
		s[i] = (struct stream){ .fd = self->g.fd, .count = 1 << 30 };
		traffic_init(&s[i].t, false);
		pthread_create(&thread[i], NULL, read_all, &s[i]);
	}
	for (n = 0; n < 5000; n++) {
		size_t len = traffic_len(1, n, sizeof(buf));

		traffic_make(buf, len, 1, n);
		ASSERT_EQ((int)len, put(self->f.fd, buf, len));
	}
	EXPECT_TRUE(rig_within(20000, s[0].t.got + s[1].t.got == 5000));
	ASSERT_EQ(0, rig_evict(self->name, self->g.at.id));
	for (i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0, s[i].t.damaged + s[i].t.doubled + s[i].t.reordered)
			TH_LOG("%s", traffic_text(&s[i].t));
	}
	EXPECT_EQ(5000, s[0].t.got + s[1].t.got);
}

TEST_HARNESS_MAIN
