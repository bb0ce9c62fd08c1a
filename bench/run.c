// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One run of one case: makes the processes, starts them together, takes the
 * time from the first timed message to the moment the last receiver has its
 * last one.
 *
 * Two barriers: everybody is open; everybody has the warm-up messages.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define TOO_LONG	600	/* seconds; then something hangs */

/* Shared by the processes of a run */
struct run {
	pthread_barrier_t barrier;
	__u64 start;				/* written by the sender */
	__u64 end[BENCH_RECEIVERS_MAX];	/* each by its receiver */
	__u64 answered;			/* when there are answers: by the sender */
};

/* What a receiver expects */
struct expect {
	struct bench_end *e;
	__u64 next;
	bool echo;
};

__u64 bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void stamp(__u8 *data, size_t len, __u64 no)
{
	memcpy(data, &no, sizeof(no));
	memcpy(data + len - sizeof(no), &no, sizeof(no));
}

static int check(struct expect *x, const void *data, size_t len)
{
	__u64 first, last;

	if (len != x->e->c->size)
		return bench_fail(EBADMSG, "message %llu has %zu bytes",
				  (unsigned long long)x->next, len);
	memcpy(&first, data, sizeof(first));
	memcpy(&last, (const __u8 *)data + len - sizeof(last), sizeof(last));
	if (first != x->next || last != x->next)
		return bench_fail(EBADMSG, "message %llu came (at its end %llu) where %llu was due",
				  (unsigned long long)first, (unsigned long long)last,
				  (unsigned long long)x->next);
	x->next++;
	return 0;
}

static int sink(void *arg, const void *data, size_t len)
{
	struct expect *x = arg;
	int err = check(x, data, len);

	if (err || !x->echo)
		return err;
	return x->e->c->t->send(x->e, data, len);
}

static int receive(struct expect *x, __u64 until)
{
	int err = 0;

	while (!err && x->next < until)
		err = x->e->c->t->recv(x->e, until - x->next, sink, x);
	return err;
}

static int stream(struct bench_end *e, __u8 *data, __u64 from, __u64 to)
{
	const struct bench_transport *t = e->c->t;
	__u64 no, left = e->c->batch;
	int err = 0;

	for (no = from; !err && no < to; no++) {
		stamp(data, e->c->size, no);
		err = t->send(e, data, e->c->size);
		if (err || (--left && no + 1 < to))
			continue;
		left = e->c->batch;
		if (t->flush)
			err = t->flush(e);
	}
	return err;
}

static int ask(struct bench_end *e, __u8 *data, __u64 from, __u64 to)
{
	struct expect x = { .e = e, .next = from };
	__u64 no;
	int err = 0;

	for (no = from; !err && no < to; no++) {
		stamp(data, e->c->size, no);
		err = e->c->t->send(e, data, e->c->size);
		if (!err)
			err = receive(&x, no + 1);
	}
	return err;
}

/* As many under way as a batch has */
static int ask_many(struct bench_end *e, __u8 *data, __u64 from, __u64 to)
{
	struct expect x = { .e = e, .next = from };
	__u64 no = from;
	int err = 0;

	while (!err && x.next < to) {
		for (; !err && no < to && no - x.next < e->c->batch; no++) {
			stamp(data, e->c->size, no);
			err = e->c->t->send(e, data, e->c->size);
		}
		if (!err)
			err = e->c->t->recv(e, no - x.next, sink, &x);
	}
	return err;
}

static int (*const send_all[])(struct bench_end *, __u8 *, __u64, __u64) = {
	[BENCH_ROUNDTRIP] = ask,
	[BENCH_STREAM] = stream,
	[BENCH_REQUESTS] = ask_many,
};

static int sender(struct run *r, struct bench_end *e)
{
	const struct bench_case *c = e->c;
	__u8 *data = calloc(1, c->size);
	int err = data ? 0 : bench_fail(ENOMEM, "message");

	pthread_barrier_wait(&r->barrier);
	if (!err)
		err = send_all[c->shape](e, data, 0, c->warm);
	if (!err) {
		pthread_barrier_wait(&r->barrier);
		r->start = bench_now();
		err = send_all[c->shape](e, data, c->warm, c->warm + c->count);
		r->answered = bench_now();
	}
	free(data);
	return err;
}

static int receiver(struct run *r, struct bench_end *e)
{
	const struct bench_case *c = e->c;
	struct expect x = { .e = e, .echo = c->shape != BENCH_STREAM };
	int err;

	pthread_barrier_wait(&r->barrier);
	err = receive(&x, c->warm);
	/* the last answer still waits for a flush, which recv() would do */
	if (!err && x.echo && c->t->flush)
		err = c->t->flush(e);
	if (err)
		return err;
	pthread_barrier_wait(&r->barrier);
	err = receive(&x, c->warm + c->count);
	r->end[e->who] = bench_now();
	if (!err && x.echo && c->t->flush)
		err = c->t->flush(e);
	return err;
}

/* With one receiver each has its CPU; more are the scheduler's to place */
static void pin(const struct bench_end *e)
{
	int cpu = e->who == BENCH_SENDER ? 0 : 1;
	cpu_set_t set;

	if (e->c->receivers > 1 || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void child(struct run *r, const struct bench_case *c, void *shared, int who)
{
	struct bench_end e = { .c = c, .who = who, .shared = shared };
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(TOO_LONG);
	pin(&e);
	err = c->t->open(&e);
	if (err)
		_exit(1);
	err = who == BENCH_SENDER ? sender(r, &e) : receiver(r, &e);
	/* nobody goes while others may still need it */
	if (!err)
		pthread_barrier_wait(&r->barrier);
	c->t->close(&e);
	_exit(err ? 1 : 0);
}

static void kill_all(const pid_t *pid, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (pid[i] > 0)
			kill(pid[i], SIGKILL);
}

static int wait_all(pid_t *pid, int n)
{
	int left = n, status, err = 0, i;
	pid_t who;

	while (left) {
		who = wait(&status);
		if (who < 0)
			return -errno;
		for (i = 0; i < n; i++)
			if (pid[i] == who)
				break;
		if (i == n)
			continue;
		pid[i] = 0;
		left--;
		if (!status || err)
			continue;
		err = -EPROTO;
		if (WIFSIGNALED(status))
			bench_fail(0, "a process died of signal %d", WTERMSIG(status));
		kill_all(pid, n);
	}
	return err;
}

static struct run *make_run(const struct bench_case *c)
{
	pthread_barrierattr_t attr;
	struct run *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (r == MAP_FAILED)
		return NULL;
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&r->barrier, &attr, c->receivers + 1);
	pthread_barrierattr_destroy(&attr);
	return r;
}

/* The receivers first, so that they wait for the sender and not the other way */
static int run_processes(struct run *r, const struct bench_case *c, void *shared)
{
	pid_t pid[BENCH_RECEIVERS_MAX + 1];
	int n = c->receivers + 1, i, err;

	fflush(NULL);
	for (i = 0; i < n; i++) {
		pid[i] = fork();
		if (!pid[i])
			child(r, c, shared, i == c->receivers ? BENCH_SENDER : i);
		if (pid[i] > 0)
			continue;
		err = bench_fail(errno, "fork");
		kill_all(pid, i);
		wait_all(pid, i);
		return err;
	}
	return wait_all(pid, n);
}

static __u64 last_end(const struct run *r, const struct bench_case *c)
{
	__u64 end = 0;
	int i;

	if (c->shape != BENCH_STREAM)
		return r->answered;
	for (i = 0; i < c->receivers; i++)
		if (r->end[i] > end)
			end = r->end[i];
	return end;
}

int bench_run(const struct bench_case *c, double *per_msg)
{
	struct run *r = make_run(c);
	void *shared = NULL;
	int err = 0;

	if (!r)
		return bench_fail(ENOMEM, "shared memory");
	if (c->t->prepare)
		err = c->t->prepare(c, &shared);
	if (!err) {
		err = run_processes(r, c, shared);
		if (c->t->cleanup)
			c->t->cleanup(c, shared);
	}
	if (!err)
		*per_msg = (double)(last_end(r, c) - r->start) / c->count;
	/* not destroyed: that would wait for processes that were killed in it */
	munmap(r, sizeof(*r));
	return err;
}
