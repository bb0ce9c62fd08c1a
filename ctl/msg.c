// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl send, ringctl recv
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmring.h>

#include "ctl.h"
#include "stop.h"
#include "words.h"

#define IN_SIZE		(64U << 10)	/* input space of a sender */
#define CHUNK		(64U << 10)	/* of stdin */
#define SLICE_MS	250	/* a wait in the kernel looks up for signals this often */
#define DOORBELL	64	/* generated messages that share one */

struct msg_words {
	__u64 count;
	__u64 size;
	__s64 timeout;	/* ns, negative for ever */
	bool raw;
};

static int attach(struct dmring **r, const char *name, __u32 flags)
{
	const struct dmring_opts opts = {
		.size = sizeof(opts),
		.flags = flags,
		.in_size = flags & DMRING_SEND_ONLY ? IN_SIZE : 0,
	};
	int ret = dmring_attach(r, name, &opts);

	if (!ret)
		return CTL_OK;
	return ctl_refuse("%s", *dmring_why() ? dmring_why() : dmring_strerror(ret));
}

static int failed(struct dmring *r, const char *what, int ret)
{
	if (ret == -ENOTCONN)
		return ctl_refuse("no longer a member: %s", dmring_reason_str(dmring_reason(r)));
	if (ret == -EINTR)
		return ctl_refuse("interrupted, %s is not complete", what);
	return ctl_refuse("%s: %s", what, dmring_strerror(ret));
}

/* ---- send ---- */

/* Without a doorbell if it fits the input space: dmring_submit() rings for many. */
static int try_send(struct dmring *r, const void *data, size_t len)
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

static int send_one(struct dmring *r, const void *data, size_t len)
{
	int ret = try_send(r, data, len);

	while (ret == -EAGAIN || ret == -ETIMEDOUT || ret == -EINTR) {
		if (stop_asked())
			return -EINTR;
		ret = dmring_send_wait(r, data, len, SLICE_MS);
	}
	return ret;
}

/* Until all that was accepted has left the input space */
static int drain(struct dmring *r)
{
	int ret = dmring_submit(r);

	while (!ret || ret == -ETIMEDOUT || ret == -EINTR) {
		if (stop_asked())
			return -EINTR;
		ret = dmring_wait(r, DMRING_WAIT_WRITE, IN_SIZE - sizeof(struct dmring_in_rec),
				  SLICE_MS);
		if (!ret)
			break;
	}
	return ret;
}

/*
 * Messages of stdin: what lies between @start and @end of the buffer was read
 * and not sent, and has no newline before @scan.
 */
struct lines {
	struct dmring *r;
	char *buf;
	size_t size, start, scan, end;
	__u64 number;	/* of the line that begins at @start */
	bool eof;
};

static int send_line(struct lines *l, size_t len)
{
	int ret = -EMSGSIZE;

	if (len <= dmring_max_msg(l->r))
		ret = send_one(l->r, l->buf + l->start, len);
	if (ret == -EMSGSIZE)
		return ctl_refuse("line %llu is longer than this ring's largest message, %u bytes",
				  l->number, dmring_max_msg(l->r));
	if (ret)
		return failed(l->r, "sending", ret);
	l->number++;
	return CTL_OK;
}

/* All whole lines of the buffer, and at the end of the file what is left of it */
static int send_lines(struct lines *l)
{
	char *newline;
	int status;

	while ((newline = memchr(l->buf + l->scan, '\n', l->end - l->scan))) {
		status = send_line(l, newline - l->buf - l->start);
		if (status)
			return status;
		l->start = newline - l->buf + 1;
		l->scan = l->start;
	}
	l->scan = l->end;
	if (l->end - l->start > DMRING_MSG_MAX || (l->eof && l->end > l->start))
		return send_line(l, l->end - l->start);
	return CTL_OK;
}

static int read_chunk(struct lines *l)
{
	ssize_t n;

	memmove(l->buf, l->buf + l->start, l->end - l->start);
	l->end -= l->start;
	l->scan = l->end;
	l->start = 0;
	if (stop_poll(STDIN_FILENO, POLLIN, INT_MAX))
		return failed(l->r, "sending", -EINTR);
	n = read(STDIN_FILENO, l->buf + l->end, l->size - l->end);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return ctl_refuse("cannot read the standard input: %s", strerror(errno));
	l->eof = !n;
	l->end += n > 0 ? n : 0;
	return CTL_OK;
}

static int send_stdin(struct dmring *r)
{
	struct lines l = { .r = r, .size = DMRING_MSG_MAX + CHUNK, .number = 1 };
	int ret, status = CTL_OK;

	l.buf = malloc(l.size);
	if (!l.buf)
		return ctl_refuse("out of memory");
	while (!status && !l.eof) {
		status = read_chunk(&l);
		if (!status)
			status = send_lines(&l);
		ret = dmring_submit(r);
		if (!status && ret)
			status = failed(r, "sending", ret);
	}
	free(l.buf);
	return status;
}

/* A number, then letters */
static void generate(char *buf, size_t size, __u64 number)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu ", number);

	memcpy(buf, text, (size_t)len < size ? (size_t)len : size);
}

static int send_numbered(struct dmring *r, char *buf, const struct msg_words *m)
{
	__u64 i;
	int ret;

	for (i = 0; i < m->count; i++) {
		generate(buf, m->size, i);
		ret = send_one(r, buf, m->size);
		if (!ret && !(i % DOORBELL)) {
			ret = dmring_submit(r);
			if (stop_asked())
				ret = -EINTR;
		}
		if (ret)
			return failed(r, "sending", ret);
	}
	return CTL_OK;
}

static int send_count(struct dmring *r, const struct msg_words *m)
{
	char *buf;
	size_t i;
	int status;

	if (m->size > dmring_max_msg(r))
		return ctl_refuse("the largest message of this ring is %u bytes",
				  dmring_max_msg(r));
	buf = malloc(m->size + 1);
	if (!buf)
		return ctl_refuse("out of memory");
	for (i = 0; i < m->size; i++)
		buf[i] = 'a' + i % 26;
	status = send_numbered(r, buf, m);
	free(buf);
	return status;
}

/* What was accepted goes, also when something after it could not be sent. */
static int finish(struct dmring *r, int status)
{
	int ret = drain(r);

	if (!status && ret)
		status = failed(r, "sending", ret);
	if (!status && dmring_rejected(r))
		status = ctl_refuse("%llu messages were refused by the ring",
				    (__u64)dmring_rejected(r));
	return status;
}

static int send_run(struct words *w)
{
	static const struct word words[] = {
		WORD("count", words_set_u64, offsetof(struct msg_words, count), .required = true),
		WORD("size", words_set_bytes, offsetof(struct msg_words, size), .required = true),
		{ }
	};
	struct msg_words m = { 0 };
	struct dmring *r;
	const char *name;
	int status;
	bool generated;

	if (words_ring(w, &name))
		return CTL_USAGE;
	generated = w->argc;
	if (generated && words_take(w, words, &m))
		return CTL_USAGE;
	stop_catch();
	if (attach(&r, name, DMRING_SEND_ONLY))
		return CTL_REFUSED;
	status = generated ? send_count(r, &m) : send_stdin(r);
	status = finish(r, status);
	dmring_detach(r);
	return status;
}

/* ---- recv ---- */

struct receiver {
	struct dmring *r;
	char *buf;
	const struct msg_words *words;
	__u64 count;
};

static void print(const struct receiver *rc, size_t len)
{
	fwrite(rc->buf, 1, len, stdout);
	if (!rc->words->raw)
		putchar('\n');
}

/* Sleeps until there is something to read; -EINTR for a signal */
static int wait_message(const struct receiver *rc, __s64 deadline)
{
	int ms = stop_ms_left(deadline);

	if (!ms)
		return -ETIMEDOUT;
	return stop_poll(dmring_fd(rc->r), POLLIN, ms) ? -EINTR : 0;
}

/* All that is there; 0 when there is no more */
static int take_messages(struct receiver *rc)
{
	ssize_t len = 0;

	while (rc->count < rc->words->count && !ferror(stdout)) {
		len = dmring_recv(rc->r, rc->buf, DMRING_MSG_MAX);
		if (len == -EOVERFLOW)
			ctl_refuse("too slow: messages were skipped here, %llu in all",
				   (__u64)dmring_dropped(rc->r));
		else if (len < 0)
			return len == -EAGAIN ? 0 : (int)len;
		if (len >= 0) {
			print(rc, len);
			rc->count++;
		}
	}
	return 0;
}

static int receive(struct receiver *rc)
{
	__u64 before = rc->count;
	__s64 deadline = stop_deadline(rc->words->timeout);
	int ret = 0;

	while (!ret && rc->count < rc->words->count && !ferror(stdout)) {
		ret = take_messages(rc);
		if (fflush(stdout) || rc->count >= rc->words->count)
			break;
		if (rc->count > before)
			deadline = stop_deadline(rc->words->timeout);
		before = rc->count;
		if (!ret)
			ret = wait_message(rc, deadline);
	}
	return ret;
}

static int recv_status(const struct receiver *rc, int ret)
{
	bool endless = rc->words->count == UINT64_MAX;

	if (ret == -ETIMEDOUT)
		return ctl_refuse("timed out after %llu messages", rc->count);
	if (ret && !(ret == -EINTR && endless))
		return failed(rc->r, "receiving", ret);
	return ctl_flush();
}

static int recv_ring(const char *name, const struct msg_words *words)
{
	struct receiver rc = { .words = words };
	int status = CTL_REFUSED;

	rc.buf = malloc(DMRING_MSG_MAX);
	if (!rc.buf)
		return ctl_refuse("out of memory");
	if (!attach(&rc.r, name, 0)) {
		status = recv_status(&rc, receive(&rc));
		dmring_detach(rc.r);
	}
	free(rc.buf);
	return status;
}

static int recv_run(struct words *w)
{
	static const struct word words[] = {
		WORD("count", words_set_u64, offsetof(struct msg_words, count)),
		WORD("timeout", words_set_seconds, offsetof(struct msg_words, timeout)),
		WORD("raw", words_set_true, offsetof(struct msg_words, raw)),
		{ }
	};
	struct msg_words m = { .count = UINT64_MAX, .timeout = -1 };
	const char *name;

	if (words_ring(w, &name) || words_take(w, words, &m))
		return CTL_USAGE;
	stop_catch();
	return recv_ring(name, &m);
}

const struct verb send_verbs[] = {
	{ NULL, "NAME [count N size BYTES]      (else stdin: a message a line)", send_run },
	{ }
};

const struct verb recv_verbs[] = {
	{ NULL, "NAME [count N] [timeout SEC] [raw]", recv_run },
	{ }
};
