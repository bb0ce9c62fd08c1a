// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does a ring without traffic execute anything? Its thread's count of context
 * switches and its CPU time must stay the same while members are attached, one
 * of them in a blocking wait, and nothing is sent.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dmring.h>
#include <json-c/json.h>

#include "bench.h"
#include "report.h"

#define SETTLE_SECONDS	2	/* after the last message */

/* Of a thread: what it has done so far */
struct usage {
	unsigned long long switches;
	unsigned long long ticks;	/* utime + stime */
	unsigned long long run_ns;	/* of schedstat; 0 where the kernel has none */
};

static FILE *open_proc(int pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "r");
}

/* The ring's thread is named after it, cut to what the kernel keeps of a name */
static bool is_thread(int pid)
{
	char want[64], have[64] = "";
	FILE *f = open_proc(pid, "comm");

	if (!f)
		return false;
	if (fgets(have, sizeof(have), f))
		have[strcspn(have, "\n")] = '\0';
	fclose(f);
	snprintf(want, sizeof(want), "dmring/%s", bench_opts.ring);
	return have[0] && !strncmp(have, want, strlen(have)) && !strncmp(have, "dmring/", 7);
}

static int find_thread(void)
{
	struct dirent *d;
	DIR *proc = opendir("/proc");
	int pid = 0;

	while (proc && !pid && (d = readdir(proc)))
		if (isdigit((unsigned char)d->d_name[0]) && is_thread(atoi(d->d_name)))
			pid = atoi(d->d_name);
	if (proc)
		closedir(proc);
	return pid;
}

static int read_switches(int pid, struct usage *u)
{
	char line[256];
	const char *at;
	FILE *f = open_proc(pid, "status");
	int n = 0;

	if (!f)
		return -ESRCH;
	u->switches = 0;
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, "ctxt_switches:");
		if (!at)
			continue;
		u->switches += strtoull(at + strlen("ctxt_switches:"), NULL, 10);
		n++;
	}
	fclose(f);
	return n == 2 ? 0 : -EPROTO;
}

static int read_times(int pid, struct usage *u)
{
	unsigned long long user = 0, sys = 0;
	FILE *f = open_proc(pid, "stat");
	int n = 0;

	if (!f)
		return -ESRCH;
	/* the name may hold anything but ends with the last parenthesis; ours has none */
	if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
		   &user, &sys) == 2)
		n = 1;
	fclose(f);
	u->ticks = user + sys;
	u->run_ns = 0;
	f = open_proc(pid, "schedstat");
	if (f) {
		if (fscanf(f, "%llu", &u->run_ns) != 1)
			u->run_ns = 0;
		fclose(f);
	}
	return n ? 0 : -EPROTO;
}

static int read_usage(int pid, struct usage *u)
{
	int err = read_switches(pid, u);

	if (!err)
		err = read_times(pid, u);
	return err ? bench_fail(-err, "/proc of thread %d", pid) : 0;
}

/* A member that waits for ever, having read what there was */
static pid_t start_sleeper(void)
{
	pid_t pid = fork();
	struct dmring_msg m;
	struct dmring *r;

	if (pid)
		return pid;
	if (dmring_attach(&r, bench_opts.ring, NULL))
		_exit(1);
	for (;;) {
		if (dmring_wait(r, DMRING_WAIT_READ, 1, -1))
			_exit(1);
		while (!dmring_peek(r, &m))
			;
		dmring_release(r);
	}
}

static int say_something(void)
{
	struct dmring *r;
	int err = dmring_attach(&r, bench_opts.ring, NULL);
	int i;

	for (i = 0; !err && i < 100; i++)
		err = dmring_send_wait(r, &i, sizeof(i), 1000);
	if (err)
		return bench_fail(-err, "ring %s: %s", bench_opts.ring, dmring_why());
	return 0;	/* it stays a member until the process ends */
}

static int tell(const struct usage *before, const struct usage *after)
{
	struct json_object *o = json_object_new_object();
	unsigned long long switches = after->switches - before->switches;
	unsigned long long ticks = after->ticks - before->ticks;
	unsigned long long run = after->run_ns - before->run_ns;
	bool idle = !switches && !ticks && !run;

	printf("idle ring, 2 members, %u s: its thread made %llu context switches, ",
	       bench_opts.seconds, switches);
	printf("ran %llu ticks and %llu ns: %s\n", ticks, run, idle ? "PASS" : "FAIL");
	json_object_object_add(o, "seconds", json_object_new_int(bench_opts.seconds));
	json_object_object_add(o, "switches", json_object_new_int64(switches));
	json_object_object_add(o, "ticks", json_object_new_int64(ticks));
	json_object_object_add(o, "run_ns", json_object_new_int64(run));
	json_object_object_add(o, "pass", json_object_new_boolean(idle));
	return bench_write_json(bench_opts.json, o) ? 1 : 0;
}

static int watch(int thread)
{
	struct usage before, after;

	sleep(SETTLE_SECONDS);
	if (read_usage(thread, &before))
		return 1;
	sleep(bench_opts.seconds);
	if (read_usage(thread, &after))
		return 1;
	return tell(&before, &after);
}

int bench_idle(void)
{
	int thread = find_thread();
	pid_t sleeper;
	int status = 1;

	if (!thread) {
		bench_fail(ESRCH, "no thread of ring %s", bench_opts.ring);
		return 1;
	}
	sleeper = start_sleeper();
	if (sleeper < 0) {
		bench_fail(errno, "fork");
		return 1;
	}
	sleep(1);
	if (!say_something())
		status = watch(thread);
	kill(sleeper, SIGKILL);
	waitpid(sleeper, NULL, 0);
	return status;
}
