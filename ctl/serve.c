// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl serve: a command for each request
 *
 * One thread, one poll(): the ring, the pipes of the commands, SIGCHLD, and the signals that
 * end it. It takes a request only when it may run one more command; what it has not taken
 * stays in the output space, where the ring knows of it.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <dmring.h>

#include "ctl.h"
#include "job.h"
#include "msg.h"
#include "stop.h"
#include "words.h"

#define NS_PER_MS	1000000LL
#define LEAVE_NS	(2000 * NS_PER_MS)	/* for commands that have no deadline */
#define RETRY_MS	250	/* a host without a quorum takes no replies */

/* What is polled: at[AT_JOBS] and the next one are the first job's @in and @out, and so on */
enum { AT_STOP, AT_RING, AT_CHILD, AT_JOBS };

/**
 * struct server - who serves
 * @r: membership
 * @service: what
 * @argv: the command
 * @parallel: most jobs
 * @jobs: the oldest first
 * @running: how many
 * @child: signalfd of SIGCHLD
 * @blocked: a reply has found no room (-EAGAIN) or no quorum (-ENOLINK)
 * @leaving: a signal has come
 * @at: for poll()
 */
struct server {
	struct dmring *r;
	const char *service;
	char **argv;
	__u64 parallel;
	struct job *jobs;
	unsigned int running;
	int child;
	int blocked;
	bool leaving;
	struct pollfd *at;
};

/* ---- requests ---- */

static int begin(struct server *s, const struct dmring_msg *m)
{
	struct job *job = job_new(m->data, m->len), **link = &s->jobs;

	if (!job)
		return -ENOMEM;
	job->cap = m->ref;
	job->deadline = stop_deadline(m->left_ms < 0 ? -1 : m->left_ms * NS_PER_MS);
	job->late = ETIMEDOUT;
	if (m->left_ms)
		job_start(job, s->argv);
	else
		job_refuse(job, ETIMEDOUT);
	while (*link)
		link = &(*link)->next;
	*link = job;
	s->running++;
	return 0;
}

static bool may_begin(const struct server *s)
{
	return !s->leaving && s->running < s->parallel;
}

static int take_requests(struct server *s)
{
	struct dmring_msg m;
	int ret = 0;

	while (!ret && may_begin(s)) {
		ret = dmring_peek(s->r, &m);
		if (!ret && m.type == DMRING_REC_REQUEST)
			ret = begin(s, &m);
		dmring_release(s->r);	/* events that were stepped over, too */
	}
	return ret == -EAGAIN ? 0 : ret;
}

/* ---- replies ---- */

static int put(struct server *s, const struct job *job)
{
	if (!job->cap)
		return 0;
	if (!job_done(job))
		return dmring_reply_part(s->r, job->cap, job->reply, job->got);
	if (job->error)
		return dmring_refuse(s->r, job->cap, job->error);
	return dmring_reply(s->r, job->cap, job->reply, job->got);
}

static bool is_due(const struct job *job)
{
	return job_done(job) || job->got == sizeof(job->reply);
}

/* Passes on what is due, if there is room: 1 when the job is over, 0, or an error */
static int answer(struct server *s, struct job *job)
{
	int ret;

	if (s->blocked || !is_due(job))
		return 0;
	ret = put(s, job);
	if (ret == -EAGAIN || ret == -ENOLINK) {
		s->blocked = ret;
		return 0;
	}
	job->got = 0;
	return ret ? ret : job_done(job);
}

/* Nobody waits for it any longer: 1 when the job is over */
static int give_up(struct job *job)
{
	if (stop_ms_left(job->deadline))
		return 0;
	job_kill(job, job->late);
	return job->exited;
}

static int step(struct server *s, struct job *job, const struct pollfd *at)
{
	int ret;

	if (at[0].revents)
		job_feed(job);
	if (at[1].revents)
		job_read(job);
	if (s->at[AT_CHILD].revents)
		job_reap(job);
	ret = answer(s, job);
	return ret ? ret : give_up(job);
}

static int step_all(struct server *s)
{
	const struct pollfd *at = s->at + AT_JOBS;
	struct job **link = &s->jobs, *job;
	int ret;

	s->blocked = 0;
	while ((job = *link)) {
		ret = step(s, job, at);
		if (ret < 0)
			return ret;
		at += 2;
		if (!ret) {
			link = &job->next;
			continue;
		}
		*link = job->next;
		job_free(job);
		s->running--;
	}
	return 0;
}

/* ---- waiting ---- */

static void poll_job(struct pollfd *at, const struct job *job)
{
	at[0] = (struct pollfd){ .fd = job->in, .events = POLLOUT };
	at[1] = (struct pollfd){ .fd = is_due(job) ? -1 : job->out, .events = POLLIN };
}

/* How long nothing is to be done for it that poll() does not see; at most @ms */
static int quiet_ms(const struct server *s, const struct job *job, int ms)
{
	int left = stop_ms_left(job->deadline);

	if (is_due(job) && !s->blocked)
		return 0;
	return job->killed || left > ms ? ms : left;
}

static void wait_all(struct server *s)
{
	short events = (may_begin(s) ? POLLIN : 0) | (s->blocked == -EAGAIN ? POLLOUT : 0);
	int ms = s->blocked == -ENOLINK ? RETRY_MS : INT_MAX;
	unsigned int n = AT_JOBS;
	const struct job *job;

	s->at[AT_RING] = (struct pollfd){ .fd = dmring_fd(s->r), .events = events };
	s->at[AT_CHILD] = (struct pollfd){ .fd = s->child, .events = POLLIN };
	for (job = s->jobs; job; job = job->next, n += 2) {
		poll_job(s->at + n, job);
		ms = quiet_ms(s, job, ms);
	}
	stop_poll_all(s->at, n, ms);
}

static void forget_child(const struct server *s)
{
	struct signalfd_siginfo info;

	if (s->at[AT_CHILD].revents && read(s->child, &info, sizeof(info)) < 0)
		return;		/* nothing to forget: looking for the dead does no harm */
}

/* The first signal lets commands finish, a second one kills them. */
static void leave(struct server *s)
{
	struct job *job;

	stop_forget();
	for (job = s->jobs; job; job = job->next) {
		if (s->leaving) {
			job_kill(job, EINTR);
		} else if (job->deadline < 0) {
			job->deadline = stop_deadline(LEAVE_NS);
			job->late = EINTR;
		}
	}
	if (!s->leaving)
		dmring_withdraw(s->r, s->service);
	s->leaving = true;
}

/* ---- the whole ---- */

static int serve(struct server *s)
{
	int ret = 0;

	while (!ret && (s->jobs || !s->leaving)) {
		wait_all(s);
		if (s->at[AT_RING].revents & (POLLHUP | POLLERR))
			return -ENOTCONN;
		if (s->at[AT_STOP].revents)
			leave(s);
		forget_child(s);
		ret = step_all(s);
		if (!ret)
			ret = take_requests(s);
	}
	return ret;
}

static int serve_ring(struct server *s, const char *name)
{
	struct job *job;
	int ret, status;

	if (msg_attach(&s->r, name, DMRING_SEND_ONLY | DMRING_CALLS))
		return CTL_REFUSED;
	ret = dmring_offer(s->r, s->service, NULL);
	if (ret) {
		status = msg_refused("offering", ret);
	} else {
		ret = serve(s);
		status = ret ? msg_failed(s->r, "serving", ret) : CTL_OK;
	}
	while ((job = s->jobs)) {
		s->jobs = job->next;
		job_free(job);
	}
	dmring_detach(s->r);
	return status;
}

/* SIGCHLD comes where poll() sees it. */
static int catch_children(struct server *s)
{
	sigset_t child;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	s->child = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->child < 0)
		return ctl_refuse("no signalfd: %s", strerror(errno));
	return CTL_OK;
}

static int serve_prepared(struct server *s, const char *name)
{
	int status = CTL_REFUSED;

	stop_catch();
	if (catch_children(s))
		return CTL_REFUSED;
	s->at = calloc(AT_JOBS + 2 * s->parallel, sizeof(*s->at));
	if (s->at)
		status = serve_ring(s, name);
	else
		ctl_refuse("out of memory");
	free(s->at);
	close(s->child);
	return status;
}

/* One for each processor */
static __u64 usual_parallel(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		return 1;
	return n < DMRING_CALLS_MAX ? n : DMRING_CALLS_MAX;
}

/* The word @d, which must be the next one, and its value */
static int take_word(struct words *w, const struct word *d, struct server *s)
{
	const char *name;

	if (words_need(w, &name, "\"%s\" is missing", d->name))
		return CTL_USAGE;
	if (strcmp(name, d->name))
		return words_usage(w, "\"%s\" is missing before \"%s\"", d->name, name);
	return d->take(w, d, s);
}

/* "serve NAME [parallel N] service S COMMAND...": what follows S is the command's own */
static int serve_run(struct words *w)
{
	static const struct word parallel =
		WORD("parallel", words_set_u64, offsetof(struct server, parallel));
	static const struct word service =
		WORD("service", words_set_text, offsetof(struct server, service));
	struct server s = { .parallel = usual_parallel() };
	const char *name;

	if (words_ring(w, &name))
		return CTL_USAGE;
	if (w->argc && !strcmp(w->argv[0], parallel.name) && take_word(w, &parallel, &s))
		return CTL_USAGE;
	if (s.parallel < 1 || s.parallel > DMRING_CALLS_MAX)
		return words_usage(w, "\"parallel\" is a number from 1 to %u", DMRING_CALLS_MAX);
	if (take_word(w, &service, &s))
		return CTL_USAGE;
	if (!w->argc)
		return words_usage(w, "the command is missing");
	s.argv = w->argv;
	return serve_prepared(&s, name);
}

const struct verb serve_verbs[] = {
	{ NULL, "NAME [parallel N] service S COMMAND…\n"
	  "      (its stdin: the request; its stdout: the reply)", serve_run },
	{ }
};
