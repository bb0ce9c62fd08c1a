// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: a thread that reads a ring and calls a handler
 *
 * Threads: the dispatch thread is the receiving side while it runs; dmring_peek
 * and its like answer -EBUSY meanwhile. It sleeps in poll() on the ring's
 * descriptor and on an eventfd by which it is stopped, and registers with
 * liburcu (bp) so that a handler may read RCU-protected data at once; it holds
 * no read-side section around the handler, which may block.
 *
 * Memory ordering: @stop is a flag only; pthread_create() and pthread_join()
 * order everything else.
 */
#define _LGPL_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <urcu-bp.h>

#include "internal.h"

#define BATCH_MESSAGES	64		/* released together */
#define BATCH_BYTES	(64U << 10)

/**
 * struct dmring_dispatch - a dispatch thread
 * All but @stop is invariant once the thread runs.
 * @stop: set by the stopper, read by the thread
 * @wake: eventfd that ends its sleep
 */
struct dmring_dispatch {
	struct dmring *r;
	void (*handler)(struct dmring *r, const struct dmring_msg *m,
			void *arg);
	void *arg;
	pthread_t thread;
	bool stop;
	int wake;
};

/* The dispatch this thread is, if it is one */
static __thread struct dmring_dispatch *self;

static bool stopping(struct dmring_dispatch *d)
{
	return load_acquire(&d->stop);
}

/* The message just handled was overwritten meanwhile: say so */
static void tell_damage(struct dmring_dispatch *d, __u64 pos)
{
	struct dmring_ev ev = { .what = DMRING_EV_GAP, .arg = 1 };
	struct dmring_msg m = {
		.data = &ev,
		.len = sizeof(ev),
		.type = DMRING_REC_EVENT,
		.pos = pos,
	};

	d->handler(d->r, &m, d->arg);
}

/* Handle one message; its length, or -errno */
static ssize_t handle_one(struct dmring_dispatch *d)
{
	const struct dmring_ops *ops = d->r->ops;
	struct dmring_msg m;
	int ret;

	ret = ops->next(d->r, &m, d->r->flags & DMRING_EVENTS ?
			WANT_ALL : WANT_GAPS);
	if (ret)
		return ret;
	d->handler(d->r, &m, d->arg);
	ret = ops->check(d->r, true);
	if (ret == -EOVERFLOW)
		tell_damage(d, m.pos);
	return ret == -ENOTCONN ? ret : (ssize_t)m.len;
}

static ssize_t handle_batch(struct dmring_dispatch *d)
{
	size_t bytes = 0;
	ssize_t ret = 0;
	int i;

	for (i = 0; i < BATCH_MESSAGES && bytes < BATCH_BYTES; i++) {
		if (stopping(d))
			break;
		ret = handle_one(d);
		if (ret < 0)
			break;
		bytes += ret;
	}
	d->r->ops->keep(d->r);
	return ret < 0 ? ret : 0;
}

static void sleep_until_ready(struct dmring_dispatch *d)
{
	struct pollfd fds[] = {
		{ .fd = d->r->fd, .events = POLLIN },
		{ .fd = d->wake, .events = POLLIN },
	};

	poll(fds, 2, d->r->ops->until ? d->r->ops->until(d->r) : -1);
}

static void *run(void *arg)
{
	struct dmring_dispatch *d = arg;
	ssize_t ret = 0;

	self = d;
	urcu_bp_register_thread();
	while (!stopping(d)) {
		ret = handle_batch(d);
		if (ret < 0 && ret != -EAGAIN)
			break;
		dmring_weigh(d->r);
		if (ret == -EAGAIN && !stopping(d)) {
			/* what the handler committed only */
			d->r->ops->submit(d->r);
			sleep_until_ready(d);
		}
	}
	if (ret < 0 && ret != -EAGAIN)
		d->handler(d->r, NULL, d->arg);
	urcu_bp_unregister_thread();
	return NULL;
}

/* Signals are for the program's own threads. */
static int create(struct dmring_dispatch *d)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&d->thread, NULL, run, d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

static int start(struct dmring_dispatch *d)
{
	int err;

	d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->wake < 0)
		return -errno;
	store_release(&d->r->dispatch, d);
	err = create(d);
	if (err) {
		store_release(&d->r->dispatch, NULL);
		close(d->wake);
	}
	return -err;
}

int dmring_dispatch_start(struct dmring *r,
			  void (*handler)(struct dmring *r,
					  const struct dmring_msg *m,
					  void *arg),
			  void *arg)
{
	int ret = dmring_usable(r);
	struct dmring_dispatch *d;

	if (ret)
		return ret;
	if (!handler)
		return dmring_fail(-EINVAL, "no handler");
	if (r->dispatch || r->held)
		return dmring_fail(-EBUSY, "%s", r->dispatch ?
				   "a dispatch thread runs" :
				   "peeked messages are held");
	d = calloc(1, sizeof(*d));
	if (!d)
		return dmring_fail(-ENOMEM, "no memory");
	d->r = r;
	d->handler = handler;
	d->arg = arg;
	ret = start(d);
	if (ret) {
		free(d);
		dmring_fail(ret, "no thread: %s", dmring_strerror(ret));
	}
	return ret;
}

int dmring_dispatch_stop(struct dmring *r)
{
	int ret = dmring_usable(r);
	struct dmring_dispatch *d;

	if (ret)
		return ret;
	d = r->dispatch;
	if (!d)
		return dmring_fail(-EINVAL, "no dispatch thread runs");
	if (d == self)
		return dmring_fail(-EDEADLK, "called from the handler");
	store_release(&d->stop, true);
	eventfd_write(d->wake, 1);
	pthread_join(d->thread, NULL);
	store_release(&r->dispatch, NULL);
	close(d->wake);
	free(d);
	return 0;
}
