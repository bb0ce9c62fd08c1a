/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command that runs for a request: its standard input, its standard output, its end.
 * Nothing here waits.
 */
#ifndef RINGCTL_JOB_H
#define RINGCTL_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>
#include <linux/dmring.h>

/**
 * struct job - the command, or why there is none
 * @next: the caller's
 * @cap: the caller's: capability of the request, 0 if no reply is wanted
 * @deadline: the caller's: when it is to be killed, negative for never
 * @late: the caller's: what to answer then, errno
 * @pid: of the process, and of its group
 * @in: its standard input, -1 when it has all
 * @out: its standard output, -1 at the end of it
 * @killed: errno given to job_kill(), else 0
 * @exited: it has ended, and was reaped
 * @error: of one that has: its exit status, or errno
 * @left: bytes in @out when it ended, which are still to be read
 * @got: bytes of @reply
 * @reply: what it has written, and was not passed on yet
 * @fed: bytes of @request that it has
 * @len: of @request
 */
struct job {
	struct job *next;
	__u64 cap;
	__s64 deadline;
	int late;
	pid_t pid;
	int in, out;
	int killed;
	bool exited;
	int error;
	size_t left;
	size_t got;
	char reply[DMRING_DIRECT_MAX];
	size_t fed, len;
	char request[];
};

/* One that has not begun; NULL: out of memory */
struct job *job_new(const void *request, size_t len);
/* Runs the command, or says why it cannot: then it has exited. */
void job_start(struct job *job, char **argv);
/* Ends one that is not to begin, with errno @error. */
void job_refuse(struct job *job, int error);

/* When there is room in its @in, and something in its @out */
void job_feed(struct job *job);
void job_read(struct job *job);
/* When a child has ended: was it this one? */
void job_reap(struct job *job);
/* Its whole process group, to be reaped soon; @error is what will be answered. */
void job_kill(struct job *job, int error);

/* It has ended, and all that it has written is in @reply. */
bool job_done(const struct job *job);

/* Kills it if it still runs, and waits for that. */
void job_free(struct job *job);

#endif /* RINGCTL_JOB_H */
