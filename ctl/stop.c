// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signals stay blocked and are seen at a signalfd, so that none falls between
 * a look and a wait.
 */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "stop.h"

#define NS_PER_MS	1000000LL
#define NS_PER_S	1000000000LL

static int signal_fd = -1;

void stop_catch(void)
{
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	signal_fd = signalfd(-1, &ours, SFD_CLOEXEC);
	if (signal_fd >= 0)
		sigprocmask(SIG_BLOCK, &ours, NULL);
}

bool stop_asked(void)
{
	return stop_poll(-1, 0, 0);
}

void stop_forget(void)
{
	struct signalfd_siginfo info;

	if (stop_asked() && read(signal_fd, &info, sizeof(info)) < 0)
		signal_fd = -1;	/* never; but rather no signal than one for ever */
}

static __s64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

__s64 stop_deadline(__s64 timeout)
{
	return timeout < 0 ? -1 : now() + timeout;
}

int stop_ms_left(__s64 deadline)
{
	__s64 ms;

	if (deadline < 0)
		return INT_MAX;
	ms = (deadline - now() + NS_PER_MS - 1) / NS_PER_MS;
	if (ms <= 0)
		return 0;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

bool stop_poll_all(struct pollfd *at, unsigned int n, int ms)
{
	at[0] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
	if (poll(at, n, ms == INT_MAX ? -1 : ms) <= 0)
		return false;
	return at[0].revents;
}

bool stop_poll(int fd, short events, int ms)
{
	struct pollfd at[] = { { 0 }, { .fd = fd, .events = events } };

	return stop_poll_all(at, 2, ms);
}
