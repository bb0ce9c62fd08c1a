// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl recv: messages to all, or requests to a service
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <dmring.h>

#include "ctl.h"
#include "msg.h"
#include "stop.h"
#include "words.h"

/**
 * struct receiver - what is printed how
 * @r: membership
 * @buf: for a message
 * @service: requests to it, NULL for messages to all
 * @most: end after so many
 * @timeout: ns, negative for ever
 * @raw: add no newline
 * @count: printed so far
 */
struct receiver {
	struct dmring *r;
	char *buf;
	const char *service;
	__u64 most;
	__s64 timeout;
	bool raw;
	__u64 count;
};

static bool is_done(const struct receiver *rc)
{
	return rc->count >= rc->most || ferror(stdout);
}

static void print(struct receiver *rc, const void *data, size_t len)
{
	fwrite(data, 1, len, stdout);
	if (!rc->raw)
		putchar('\n');
	rc->count++;
}

/* Copied out first: in place it might be overwritten while it is printed. */
static int take_message(struct receiver *rc)
{
	ssize_t len = dmring_recv(rc->r, rc->buf, DMRING_MSG_MAX);

	if (len >= 0)
		print(rc, rc->buf, len);
	else if (len == -EOVERFLOW)
		ctl_refuse("too slow: messages were skipped here, %llu in all",
			   (__u64)dmring_dropped(rc->r));
	return len < 0 && len != -EOVERFLOW ? (int)len : 0;
}

/* Who wants a reply is told when its request has been printed, and no more than that. */
static int reply(struct dmring *r, __u64 cap)
{
	int ret, err = 0;

	fflush(stdout);
	do {
		ret = dmring_reply(r, cap, NULL, 0);
		if (ret == -EAGAIN)
			err = msg_wait_room(r, sizeof(struct dmring_in_reply));
	} while (ret == -EAGAIN && !err);
	return err ? err : ret;
}

static int take_request(struct receiver *rc)
{
	struct dmring_msg m;
	int ret = dmring_peek(rc->r, &m);

	if (!ret && m.type == DMRING_REC_REQUEST) {
		print(rc, m.data, m.len);
		if (m.ref)
			ret = reply(rc->r, m.ref);
	}
	dmring_release(rc->r);	/* events that were stepped over, too */
	return ret;
}

/* All that is there; 0 when there is no more */
static int take_all(struct receiver *rc)
{
	int ret = 0;

	while (!ret && !is_done(rc))
		ret = rc->service ? take_request(rc) : take_message(rc);
	return ret == -EAGAIN ? 0 : ret;
}

static int receive(struct receiver *rc)
{
	__u64 before = rc->count;
	__s64 deadline = stop_deadline(rc->timeout);
	int ret = 0;

	while (!ret && !is_done(rc)) {
		ret = take_all(rc);
		if (fflush(stdout) || is_done(rc))
			break;
		if (rc->count > before)
			deadline = stop_deadline(rc->timeout);
		before = rc->count;
		if (!ret)
			ret = msg_wait_read(rc->r, stop_ms_left(deadline));
	}
	return ret;
}

static int recv_status(const struct receiver *rc, int ret)
{
	bool endless = rc->most == UINT64_MAX;

	if (ret == -ETIMEDOUT)
		return ctl_refuse("timed out after %llu %s", rc->count,
				  rc->service ? "requests" : "messages");
	if (ret && !(ret == -EINTR && endless))
		return msg_failed(rc->r, "receiving", ret);
	return ctl_flush();
}

/* Who serves needs no broadcasts. */
static __u32 attach_flags(const struct receiver *rc)
{
	return rc->service ? DMRING_SEND_ONLY | DMRING_CALLS : 0;
}

static int recv_ring(struct receiver *rc, const char *name)
{
	int ret, status;

	if (msg_attach(&rc->r, name, attach_flags(rc)))
		return CTL_REFUSED;
	ret = rc->service ? dmring_offer(rc->r, rc->service, NULL) : 0;
	status = ret ? msg_refused("offering", ret) : recv_status(rc, receive(rc));
	dmring_detach(rc->r);
	return status;
}

static int recv_run(struct words *w)
{
	static const struct word words[] = {
		WORD("service", words_set_text, offsetof(struct receiver, service)),
		WORD("count", words_set_u64, offsetof(struct receiver, most)),
		WORD("timeout", words_set_seconds, offsetof(struct receiver, timeout)),
		WORD("raw", words_set_true, offsetof(struct receiver, raw)),
		{ }
	};
	struct receiver rc = { .most = UINT64_MAX, .timeout = -1 };
	const char *name;
	int status;

	if (words_ring(w, &name) || words_take(w, words, &rc))
		return CTL_USAGE;
	rc.buf = malloc(DMRING_MSG_MAX);
	if (!rc.buf)
		return ctl_refuse("out of memory");
	stop_catch();
	status = recv_ring(&rc, name);
	free(rc.buf);
	return status;
}

const struct verb recv_verbs[] = {
	{ NULL, "NAME [service S] [count N] [timeout SEC] [raw]", recv_run },
	{ }
};
