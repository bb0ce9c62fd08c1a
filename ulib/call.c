// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: requests, replies, services and status, as programs call them
 *
 * Checks what can be checked here, with a sentence, and goes to the scope's operations.
 * Deadlines are the scope's to keep: what is begun ends, so nothing here has a timer.
 *
 * Threads: as dmring.h says per function; there is no lock here.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "internal.h"

#define ERRNO_MAX	4095
#define RETRY_MS	50	/* between two looks for room, at most */
#define STATUS_BATCH	64
#define LATE_NS		100000000ULL	/* after its deadline the ring has ended a request */

static int may_call(struct dmring *r)
{
	int ret = dmring_usable(r);

	if (!ret && !(r->flags & DMRING_CALLS))
		ret = dmring_fail(-EOPNOTSUPP, "attached without DMRING_CALLS");
	return ret;
}

static int may_send(struct dmring *r, size_t len)
{
	int ret = may_call(r);

	if (ret)
		return ret;
	if (r->open)
		return dmring_fail(-EBUSY, "a reservation is open");
	if (len > DMRING_DIRECT_MAX)
		return dmring_fail(-EMSGSIZE, "a request or a reply has at most %u bytes",
				   DMRING_DIRECT_MAX);
	return 0;
}

/* @size: with the terminating NUL */
static int check_text(const char *what, const char *text, size_t size)
{
	const char *p;

	if (strlen(text) >= size)
		return dmring_fail(-ENAMETOOLONG, "a %s has at most %zu bytes", what, size - 1);
	for (p = text; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return dmring_fail(-EINVAL, "a control character in a %s", what);
	}
	return 0;
}

static int check_service(const char *service)
{
	if (!service || !service[0])
		return dmring_fail(-EINVAL, "no name of a service");
	return check_text("service's name", service, DMRING_NAME_SIZE);
}

/* ---- services ---- */

static int offer(struct dmring *r, const char *service, bool end, __u32 *handle)
{
	int ret = may_call(r);

	if (!ret)
		ret = check_service(service);
	return ret ? ret : r->ops->offer(r, service, end, handle);
}

int dmring_offer(struct dmring *r, const char *service, __u32 *handle)
{
	__u32 unwanted;

	return offer(r, service, false, handle ? handle : &unwanted);
}

int dmring_withdraw(struct dmring *r, const char *service)
{
	__u32 unwanted;

	return offer(r, service, true, &unwanted);
}

/* ---- requests ---- */

static int check_request(struct dmring *r, const char *service, size_t len, unsigned int flags)
{
	int ret = may_send(r, len);

	if (!ret)
		ret = check_service(service);
	if (ret)
		return ret;
	if (flags & ~DMRING_REQUEST_FLAGS)
		return dmring_fail(-EINVAL, "unknown flags %#x", flags & ~DMRING_REQUEST_FLAGS);
	if (flags & DMRING_REQUEST_EACH && !(flags & DMRING_REQUEST_ONE_WAY))
		return dmring_fail(-EINVAL, "\"to each\" goes with \"one way\" only");
	return 0;
}

static void fill(struct dmring_in_request *q, const char *service, __u64 cookie,
		 unsigned int flags, int timeout_ms)
{
	memset(q, 0, sizeof(*q));
	q->cookie = cookie;
	q->deadline = timeout_ms < 0 ? 0 : now_ns() + timeout_ms * 1000000ULL;
	q->flags = flags;
	memcpy(q->service, service, strlen(service));
}

/* The doorbell, unless it is to be rung once for many */
static int tell(struct dmring *r)
{
	return r->flags & DMRING_BATCH ? 0 : dmring_tell(r);
}

int dmring_call_start(struct dmring *r, const char *service, const void *data, size_t len,
		      __u64 cookie, unsigned int flags, int timeout_ms)
{
	struct dmring_in_request q;
	int ret = check_request(r, service, len, flags);

	if (ret)
		return ret;
	if (cookie & OWN_COOKIE)
		return dmring_fail(-EINVAL, "the top bit of a cookie is for dmring_call() alone");
	fill(&q, service, cookie, flags, timeout_ms);
	ret = r->ops->request(r, &q, data, len);
	return ret ? ret : tell(r);
}

/*
 * Begin it, and wait for the room that takes. In process scope room for a message is something
 * else than room with who is to serve this, so it is tried again now and then.
 */
static int begin(struct dmring *r, const struct dmring_in_request *q, const void *data, size_t len)
{
	int ret = r->ops->request(r, q, data, len), left;
	unsigned int tries;

	for (tries = 0; ret == -EAGAIN; tries++) {
		left = left_ms(q->deadline);
		if (!left)
			return dmring_fail(-ETIMEDOUT, "\"%s\": no room for the request in time",
					   q->service);
		dmring_back_off(tries);
		if (left < 0 || left > RETRY_MS)
			left = RETRY_MS;
		ret = r->ops->wait(r, DMRING_WAIT_WRITE, sizeof(*q) + len, left);
		if (!ret || ret == -ETIMEDOUT)
			ret = r->ops->request(r, q, data, len);
	}
	return ret;
}

/* Begin it, and wait for its end */
static int ask(struct dmring *r, const struct dmring_in_request *q, const void *data, size_t len,
	       struct dmring_answer *a)
{
	int ret = begin(r, q, data, len);

	while (!ret) {
		ret = r->ops->answer(r, a);
		if (a->error || !(a->flags & DMRING_REPLY_MORE))
			break;
	}
	return ret;
}

/*
 * Another host has not taken it, for all who serve it there were full, and could not let it wait:
 * that is left to who asks. Not if these answers pile up, behind what the program has not read.
 */
static bool may_ask_again(const struct dmring_answer *a)
{
	return a->error == -EAGAIN && !a->kept &&
	       (a->flags & (DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN)) == DMRING_REPLY_RING;
}

static int failed(const char *service, const struct dmring_answer *a)
{
	if (a->flags & DMRING_REPLY_RING)
		return dmring_fail(a->error, "\"%s\": %s%s", service, dmring_end_str(a->error),
				   a->flags & DMRING_REPLY_UNKNOWN ?
				   ": the outcome is unknown" : "");
	return dmring_fail(a->error, "\"%s\": the server has refused: %s", service,
			   dmring_strerror(a->error));
}

ssize_t dmring_call(struct dmring *r, const char *service, const void *data, size_t len,
		    void *buf, size_t size, int timeout_ms)
{
	struct dmring_in_request q;
	struct dmring_answer a;
	unsigned int tries = 0;
	int ret = check_request(r, service, len, 0);

	if (!ret)
		ret = dmring_may_receive(r);
	if (ret)
		return ret;
	if (r->held)
		return dmring_fail(-EBUSY, "peeked messages are held");
	fill(&q, service, 0, 0, timeout_ms);
	do {
		dmring_back_off(tries++);
		q.cookie = OWN_COOKIE | ++r->calls;
		/* one that waits behind a message that does not get on is not looked at */
		a = (struct dmring_answer){
			.buf = buf, .size = size, .cookie = q.cookie,
			.give_up = q.deadline ? q.deadline + LATE_NS : 0,
		};
		ret = ask(r, &q, data, len, &a);
	} while (!ret && may_ask_again(&a) && left_ms(q.deadline));
	if (ret)
		return ret;
	return a.error ? failed(service, &a) : (ssize_t)a.len;
}

/* ---- replies ---- */

static int send_reply(struct dmring *r, __u64 cap, int error, __u32 flags, const void *data,
		      size_t len)
{
	struct dmring_in_reply p = {
		.cap = cap,
		.error = error,
		.flags = flags,
	};
	int ret = may_send(r, len);

	if (ret)
		return ret;
	if (!cap)
		return dmring_fail(-EINVAL, "no capability: no reply is wanted");
	ret = r->ops->reply(r, &p, data, len);
	return ret ? ret : tell(r);
}

int dmring_reply(struct dmring *r, __u64 cap, const void *data, size_t len)
{
	return send_reply(r, cap, 0, 0, data, len);
}

int dmring_reply_part(struct dmring *r, __u64 cap, const void *data, size_t len)
{
	return send_reply(r, cap, 0, DMRING_REPLY_MORE, data, len);
}

int dmring_refuse(struct dmring *r, __u64 cap, int error)
{
	if (!error || error < -ERRNO_MAX || error > ERRNO_MAX)
		return dmring_fail(-EINVAL, "%d is no errno", error);
	return send_reply(r, cap, error < 0 ? -error : error, 0, NULL, 0);
}

/* ---- status ---- */

int dmring_status_set(struct dmring *r, __u32 state, __u32 progress, const char *text)
{
	int ret = dmring_usable(r);

	if (!ret && !text)
		ret = dmring_fail(-EINVAL, "no text");
	if (!ret)
		ret = check_text("status", text, DMRING_STATUS_SIZE);
	return ret ? ret : r->ops->status(r, state, progress, text);
}

/* In batches, so that @fn is called with no lock held and may do what it likes */
int dmring_status_each(struct dmring *r,
		       int (*fn)(const struct dmring_member_status *s, void *arg), void *arg)
{
	struct dmring_member_status batch[STATUS_BATCH];
	int shown = 0, n = STATUS_BATCH, i, ret;
	__u64 next = 0;

	if (!fn)
		return dmring_fail(-EINVAL, "nobody to show a status to");
	while (n == STATUS_BATCH) {
		ret = dmring_usable(r);
		n = ret ? ret : r->ops->statuses(r, &next, batch, STATUS_BATCH);
		for (i = 0; i < n; i++) {
			ret = fn(&batch[i], arg);
			if (ret)
				return ret;
			shown++;
		}
	}
	return n < 0 ? n : shown;
}
