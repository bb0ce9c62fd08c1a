// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands that run for requests
 *
 * A command is a process group of its own. It is done when its first process has ended and
 * what was in the pipe by then is read; whatever that has left running is on its own,
 * and the pipe's end does not wait for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "job.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct job *job_new(const void *request, size_t len)
{
	struct job *job = malloc(sizeof(*job) + len);

	if (!job)
		return NULL;
	memset(job, 0, offsetof(struct job, reply));
	job->in = -1;
	job->out = -1;
	job->fed = 0;
	job->len = len;
	memcpy(job->request, request, len);
	return job;
}

void job_refuse(struct job *job, int error)
{
	job->exited = true;
	job->error = error;
}

/* Only our ends do not block: the command's are descriptors like any others. */
static int make_pipe(int *ours, int *its, int write_end)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	*ours = ends[write_end];
	*its = ends[!write_end];
	fcntl(*ours, F_SETFL, O_NONBLOCK);
	return 0;
}

/* With signals as a shell would hand them on, not as ringctl has them */
static int set_attr(posix_spawnattr_t *attr)
{
	sigset_t none, changed;
	int err = posix_spawnattr_init(attr);

	if (err)
		return err;
	sigemptyset(&none);
	sigemptyset(&changed);
	sigaddset(&changed, SIGPIPE);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &changed);
	posix_spawnattr_setpgroup(attr, 0);
	return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
					      POSIX_SPAWN_SETSIGDEF);
}

static int spawn(pid_t *pid, char **argv, int in, int out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int err = set_attr(&attr);

	if (err)
		return err;
	err = posix_spawn_file_actions_init(&actions);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!err)
		err = posix_spawnp(pid, argv[0], &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return err;
}

void job_start(struct job *job, char **argv)
{
	int in = -1, out = -1, err;

	err = make_pipe(&job->in, &in, 1);
	if (!err)
		err = make_pipe(&job->out, &out, 0);
	if (!err)
		err = spawn(&job->pid, argv, in, out);
	close_fd(&in);
	close_fd(&out);
	if (!err) {
		job_feed(job);
		return;
	}
	ctl_refuse("cannot run \"%s\": %s", argv[0], strerror(err));
	close_fd(&job->in);
	close_fd(&job->out);
	job_refuse(job, err);
}

/* A command that does not want it all has that right. */
void job_feed(struct job *job)
{
	ssize_t n = write(job->in, job->request + job->fed, job->len - job->fed);

	if (n > 0)
		job->fed += n;
	if (job->fed == job->len || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&job->in);
}

void job_read(struct job *job)
{
	size_t room = sizeof(job->reply) - job->got;
	ssize_t n;

	if (job->exited && room > job->left)
		room = job->left;
	n = read(job->out, job->reply + job->got, room);
	if (n > 0) {
		job->got += n;
		job->left -= job->exited ? n : 0;
	} else if (!n || (errno != EAGAIN && errno != EINTR)) {
		close_fd(&job->out);
	}
}

static int verdict(const struct job *job, int status)
{
	if (job->killed)
		return job->killed;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

/* Its last words count only if it says that it has succeeded. */
void job_reap(struct job *job)
{
	int status, left = 0;

	if (job->exited || waitpid(job->pid, &status, WNOHANG) != job->pid)
		return;
	job->exited = true;
	job->error = verdict(job, status);
	close_fd(&job->in);
	if (!job->error && job->out >= 0 && !ioctl(job->out, FIONREAD, &left))
		job->left = left;
}

void job_kill(struct job *job, int error)
{
	if (job->exited || job->killed)
		return;
	job->killed = error;
	kill(-job->pid, SIGKILL);
}

bool job_done(const struct job *job)
{
	return job->exited && (job->out < 0 || !job->left);
}

void job_free(struct job *job)
{
	if (!job->exited) {
		kill(-job->pid, SIGKILL);
		waitpid(job->pid, NULL, 0);
	}
	close_fd(&job->in);
	close_fd(&job->out);
	free(job);
}
