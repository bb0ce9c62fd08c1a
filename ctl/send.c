// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl send: messages to all, or requests to a service that want no reply
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmring.h>

#include "ctl.h"
#include "lines.h"
#include "msg.h"
#include "stop.h"
#include "words.h"

#define DOORBELL	64	/* generated messages that share one */
#define NOT_GIVEN	UINT64_MAX

/* News of the last request may take a way round the ring, and the noticing of a dead host. */
#define GRACE_NS	200000000LL

/**
 * struct sender - what is sent how
 * @r: membership
 * @service: to whom, NULL for all
 * @each: to each of its members
 * @count: messages to generate, or NOT_GIVEN
 * @size: of each (bytes), likewise
 * @undelivered: requests that are known to have failed
 */
struct sender {
	struct dmring *r;
	const char *service;
	bool each;
	__u64 count;
	__u64 size;
	__u64 undelivered;
};

static const char *unit(const struct sender *s)
{
	return s->count == NOT_GIVEN ? "line" : "request";
}

static size_t most(const struct sender *s)
{
	return s->service ? DMRING_DIRECT_MAX : dmring_max_msg(s->r);
}

/* ---- to all ---- */

/* Without a doorbell if it fits the input space: dmring_submit() rings for many. */
static int try_broadcast(struct dmring *r, const void *data, size_t len)
{
	void *to;
	int ret = dmring_reserve(r, len, &to);

	if (ret == -EMSGSIZE)
		return dmring_send(r, data, len);
	if (ret)
		return ret;
	memcpy(to, data, len);
	return dmring_commit(r, len);
}

static int broadcast(struct dmring *r, const void *data, size_t len)
{
	int ret = try_broadcast(r, data, len);

	while (ret == -EAGAIN || ret == -ETIMEDOUT || ret == -EINTR) {
		if (stop_asked())
			return -EINTR;
		ret = dmring_send_wait(r, data, len, MSG_SLICE_MS);
	}
	return ret;
}

/* ---- to a service ---- */

static void tell(struct sender *s, const struct dmring_ev *ev)
{
	if (ev->what != DMRING_EV_UNDELIVERED)
		return;
	s->undelivered++;
	msg_not_served(&(struct outcome){
		.unit = unit(s),
		.number = ev->arg,
		.service = s->service,
		.error = ev->reason,
		.flags = DMRING_REPLY_RING | ev->arg2,
	});
}

/* All news that are there */
static int take_news(struct sender *s)
{
	struct dmring_msg m;
	int ret;

	do {
		ret = dmring_peek(s->r, &m);
		if (!ret && m.type == DMRING_REC_EVENT)
			tell(s, m.data);
		if (!ret || ret == -EAGAIN)
			dmring_release(s->r);
	} while (!ret);
	return ret == -EAGAIN ? 0 : ret;
}

static int request(struct sender *s, const void *data, size_t len, __u64 number)
{
	unsigned int flags = DMRING_REQUEST_ONE_WAY | (s->each ? DMRING_REQUEST_EACH : 0);
	int ret, err = 0;

	do {
		ret = dmring_call_start(s->r, s->service, data, len, number, flags, -1);
		if (ret == -EAGAIN)
			err = msg_wait_room(s->r, sizeof(struct dmring_in_request) + len);
		if (!err)
			err = take_news(s);
	} while (ret == -EAGAIN && !err);
	return err ? err : ret;
}

/* Until nothing more has been heard for a while: of what goes well nothing is. */
static int settle(struct sender *s)
{
	__s64 deadline = stop_deadline(GRACE_NS);
	__u64 before = s->undelivered;
	int ret = 0;

	while (!ret) {
		ret = take_news(s);
		if (s->undelivered > before)
			deadline = stop_deadline(GRACE_NS);
		before = s->undelivered;
		if (!ret)
			ret = msg_wait_read(s->r, stop_ms_left(deadline));
	}
	return ret == -ETIMEDOUT ? 0 : ret;
}

/* ---- either ---- */

static int send_one(struct sender *s, const void *data, size_t len, __u64 number)
{
	return s->service ? request(s, data, len, number) : broadcast(s->r, data, len);
}

static int send_failed(struct sender *s, int ret)
{
	if (ret == -EINVAL || ret == -ENAMETOOLONG)
		return msg_refused("sending", ret);
	return msg_failed(s->r, "sending", ret);
}

/* Until all that was accepted has left the input space */
static int drain(struct sender *s)
{
	int ret = dmring_submit(s->r);

	while (!ret || ret == -ETIMEDOUT || ret == -EINTR) {
		if (stop_asked())
			return -EINTR;
		ret = dmring_wait(s->r, DMRING_WAIT_WRITE,
				  MSG_IN_SIZE - sizeof(struct dmring_in_rec), MSG_SLICE_MS);
		if (!ret)
			break;
		if (s->service && ret == -ETIMEDOUT)
			ret = take_news(s);
	}
	return ret;
}

static int send_line(void *arg, const char *line, size_t len, __u64 number)
{
	struct sender *s = arg;
	int ret = -EMSGSIZE;

	if (len <= most(s))
		ret = send_one(s, line, len, number);
	if (ret == -EMSGSIZE)
		return ctl_refuse("line %llu is longer than %s, %zu bytes", number, s->service ?
				  "a request may be" : "this ring's largest message", most(s));
	return ret ? send_failed(s, ret) : CTL_OK;
}

static int send_idle(void *arg)
{
	struct sender *s = arg;
	int ret = dmring_submit(s->r);

	if (!ret && s->service)
		ret = take_news(s);
	return ret ? send_failed(s, ret) : CTL_OK;
}

static int send_stdin(struct sender *s)
{
	const struct lines l = {
		.what = "sending",
		.line = send_line,
		.idle = send_idle,
		.fd = s->service ? dmring_fd(s->r) : -1,
	};

	return lines_read(&l, s);
}

/* A number, then letters */
static void generate(char *buf, size_t size, __u64 number)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu ", number);

	memcpy(buf, text, (size_t)len < size ? (size_t)len : size);
}

static int send_numbered(struct sender *s, char *buf)
{
	__u64 i;
	int ret;

	for (i = 0; i < s->count; i++) {
		generate(buf, s->size, i);
		ret = send_one(s, buf, s->size, i);
		if (!ret && !(i % DOORBELL)) {
			ret = dmring_submit(s->r);
			if (stop_asked())
				ret = -EINTR;
		}
		if (ret)
			return send_failed(s, ret);
	}
	return CTL_OK;
}

static int send_count(struct sender *s)
{
	char *buf;
	size_t i;
	int status;

	if (s->size > most(s))
		return ctl_refuse("the largest %s is %zu bytes", s->service ? "request" :
				  "message of this ring", most(s));
	buf = malloc(s->size + 1);
	if (!buf)
		return ctl_refuse("out of memory");
	for (i = 0; i < s->size; i++)
		buf[i] = 'a' + i % 26;
	status = send_numbered(s, buf);
	free(buf);
	return status;
}

/* What was accepted goes, also when something after it could not be sent. */
static int finish(struct sender *s, int status)
{
	int ret = drain(s);

	if (!ret && s->service)
		ret = settle(s);
	if (!status && ret)
		status = send_failed(s, ret);
	if (!status && dmring_rejected(s->r))
		status = ctl_refuse("%llu messages were refused by the ring",
				    (__u64)dmring_rejected(s->r));
	return !status && s->undelivered ? CTL_REFUSED : status;
}

static int send_ring(struct sender *s, const char *name)
{
	__u32 flags = s->service ? DMRING_CALLS | DMRING_EVENTS : 0;
	int status;

	stop_catch();
	if (msg_attach(&s->r, name, DMRING_SEND_ONLY | flags))
		return CTL_REFUSED;
	status = s->count == NOT_GIVEN ? send_stdin(s) : send_count(s);
	status = finish(s, status);
	dmring_detach(s->r);
	return status;
}

static int send_run(struct words *w)
{
	static const struct word words[] = {
		WORD("service", words_set_text, offsetof(struct sender, service)),
		WORD("each", words_set_true, offsetof(struct sender, each)),
		WORD("count", words_set_u64, offsetof(struct sender, count)),
		WORD("size", words_set_bytes, offsetof(struct sender, size)),
		{ }
	};
	struct sender s = { .count = NOT_GIVEN, .size = NOT_GIVEN };
	const char *name;
	bool counted, sized;

	if (words_ring(w, &name) || words_take(w, words, &s))
		return CTL_USAGE;
	counted = s.count != NOT_GIVEN;
	sized = s.size != NOT_GIVEN;
	if (counted != sized)
		return words_usage(w, "\"%s\" is missing", sized ? "count" : "size");
	if (s.each && !s.service)
		return words_usage(w, "\"each\" needs \"service\"");
	return send_ring(&s, name);
}

const struct verb send_verbs[] = {
	{ NULL, "NAME [service S [each]] [count N size BYTES]\n"
	  "      (without count, stdin: a message a line)", send_run },
	{ }
};
