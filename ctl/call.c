// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl call: requests to a service, one after the other, so that what one does has
 * happened before the next one is sent
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <dmring.h>

#include "ctl.h"
#include "lines.h"
#include "msg.h"
#include "stop.h"
#include "words.h"

#define TIMEOUT_NS	10000000000LL	/* unless given */
#define AGAIN_NS	5000000		/* before one is asked again */

/**
 * struct caller - who asks
 * @r: membership
 * @service: whom
 * @timeout: of each request (ns)
 * @failed: a request has
 * @buf: the reply, as far as it has come
 * @len: of it
 * @size: of @buf
 */
struct caller {
	struct dmring *r;
	const char *service;
	__s64 timeout;
	bool failed;
	char *buf;
	size_t len, size;
};

static int add_part(struct caller *c, const struct dmring_msg *m)
{
	size_t need = c->len + m->len;
	char *bigger;

	if (need > c->size) {
		bigger = realloc(c->buf, 2 * need);
		if (!bigger)
			return -ENOMEM;
		c->buf = bigger;
		c->size = 2 * need;
	}
	if (m->len)
		memcpy(c->buf + c->len, m->data, m->len);
	c->len = need;
	return 0;
}

/* Into the input space, before its time is over */
static int begin(struct caller *c, const char *line, size_t len, __u64 number, __s64 deadline)
{
	int ret, err = 0;

	do {
		ret = dmring_call_start(c->r, c->service, line, len, number, 0,
					stop_ms_left(deadline));
		if (ret == -EAGAIN && !stop_ms_left(deadline))
			return -ETIMEDOUT;
		if (ret == -EAGAIN)
			err = msg_wait_room(c->r, sizeof(struct dmring_in_request) + len);
	} while (ret == -EAGAIN && !err);
	return err ? err : ret;
}

/* Its next part, if there is one: 0, or 1 if that was the last. -EAGAIN */
static int take_part(struct caller *c, __u64 number, struct outcome *o)
{
	struct dmring_msg m;
	int ret = dmring_peek(c->r, &m);

	if (!ret && m.type == DMRING_REC_REPLY && m.ref == number) {
		o->error = -m.error;
		o->flags = m.flags;
		ret = add_part(c, &m);
		if (!ret)
			ret = m.error || !(m.flags & DMRING_REPLY_MORE);
	}
	dmring_release(c->r);	/* events that were stepped over, too */
	return ret;
}

/* The ring ends the request in time, whatever happens. */
static int await(struct caller *c, __u64 number, struct outcome *o)
{
	int ret;

	do {
		ret = take_part(c, number, o);
		if (ret == -EAGAIN)
			ret = msg_wait_read(c->r, INT_MAX);
	} while (!ret);
	return ret < 0 ? ret : 0;
}

static int print(const struct caller *c)
{
	if (c->len)
		fwrite(c->buf, 1, c->len, stdout);
	putchar('\n');
	return ctl_flush();
}

/* What of @ret is about this request alone, and leaves hope for the next one */
static bool is_outcome(int ret)
{
	return ret == -ETIMEDOUT || ret == -ENOLINK || ret == -EMSGSIZE;
}

static int call_failed(struct caller *c, int ret)
{
	if (ret == -EINVAL || ret == -ENAMETOOLONG)
		return msg_refused("calling", ret);
	return msg_failed(c->r, "calling", ret);
}

static int ask(struct caller *c, const char *line, size_t len, struct outcome *o, __s64 deadline)
{
	int ret = begin(c, line, len, o->number, deadline);

	if (is_outcome(ret)) {
		o->error = -ret;
		o->flags = DMRING_REPLY_RING;
		return 0;
	}
	return ret ? ret : await(c, o->number, o);
}

/* Another host let it not wait until somebody has room: is there time to ask again? */
static bool found_all_full(const struct outcome *o, __s64 deadline)
{
	const struct timespec pause = { .tv_nsec = AGAIN_NS };

	if (o->error != EAGAIN || !(o->flags & DMRING_REPLY_RING) ||
	    o->flags & DMRING_REPLY_UNKNOWN || !stop_ms_left(deadline))
		return false;
	nanosleep(&pause, NULL);
	return true;
}

static int call(struct caller *c, const char *line, size_t len, struct outcome *o)
{
	__s64 deadline = stop_deadline(c->timeout);
	int ret;

	do {
		ret = ask(c, line, len, o, deadline);
	} while (!ret && found_all_full(o, deadline));
	if (ret)
		return call_failed(c, ret);
	if (!o->error)
		return print(c);
	msg_not_served(o);
	c->failed = true;
	return CTL_OK;
}

static int call_line(void *arg, const char *line, size_t len, __u64 number)
{
	struct caller *c = arg;
	struct outcome o = { .unit = "line", .number = number, .service = c->service };

	c->len = 0;
	if (len <= DMRING_DIRECT_MAX)
		return call(c, line, len, &o);
	c->failed = true;
	ctl_refuse("line %llu is longer than a request may be, %u bytes", number,
		   DMRING_DIRECT_MAX);
	return len > DMRING_MSG_MAX ? CTL_REFUSED : CTL_OK;
}

/* Nothing is under way: only that this is no longer a member would be of interest. */
static int call_idle(void *arg)
{
	struct outcome unused;
	struct caller *c = arg;
	int ret;

	do {
		ret = take_part(c, 0, &unused);
	} while (!ret);
	return ret == -EAGAIN ? CTL_OK : call_failed(c, ret);
}

static int call_ring(struct caller *c, const char *name)
{
	struct lines l = { .what = "calling", .line = call_line, .idle = call_idle };
	int status;

	stop_catch();
	if (msg_attach(&c->r, name, DMRING_SEND_ONLY | DMRING_CALLS))
		return CTL_REFUSED;
	l.fd = dmring_fd(c->r);
	status = lines_read(&l, c);
	dmring_detach(c->r);
	free(c->buf);
	return !status && c->failed ? CTL_REFUSED : status;
}

static int call_run(struct words *w)
{
	static const struct word words[] = {
		WORD("service", words_set_text, offsetof(struct caller, service),
		     .required = true),
		WORD("timeout", words_set_seconds, offsetof(struct caller, timeout)),
		{ }
	};
	struct caller c = { .timeout = TIMEOUT_NS };
	const char *name;

	if (words_ring(w, &name) || words_take(w, words, &c))
		return CTL_USAGE;
	return call_ring(&c, name);
}

const struct verb call_verbs[] = {
	{ NULL, "NAME service S [timeout SEC]      (stdin: a request a line)", call_run },
	{ }
};
