// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: what programs call; what is common to both scopes
 *
 * Checks the handle, keeps the rules about reservations and held messages, and
 * goes to the scope's operations. Threads: as dmring.h says per function; there
 * is no lock here and no memory order beyond that of the operations.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define FLAGS	(DMRING_ATTACH_FLAGS | DMRING_EVENTS | DMRING_WEIGH | DMRING_BATCH)

int dmring_usable(struct dmring *r)
{
	if (!r)
		return dmring_fail(-EINVAL, "no handle");
	if (dmring_forked(r->generation))
		return dmring_fail(-ENOTCONN,
				   "attached by the parent process, a child attaches its own");
	return 0;
}

int dmring_may_receive(struct dmring *r)
{
	int ret = dmring_usable(r);

	if (!ret && load_relaxed(&r->dispatch))
		ret = dmring_fail(-EBUSY, "a dispatch thread reads");
	return ret;
}

/* A caller newer than this library may set only what this one knows. */
static int copy_opts(struct dmring_opts *to, const struct dmring_opts *from)
{
	const __u8 *bytes = (const __u8 *)from;
	size_t i;

	memset(to, 0, sizeof(*to));
	if (!from)
		return 0;
	if (from->size < offsetof(struct dmring_opts, in_size))
		return dmring_fail(-EINVAL, "opts.size is not sizeof(opts)");
	for (i = sizeof(*to); i < from->size; i++) {
		if (bytes[i])
			return dmring_fail(-E2BIG, "options of a newer library");
	}
	memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
	return 0;
}

static int check_opts(const struct dmring_opts *o, const char *name)
{
	if (!name || !name[0])
		return dmring_fail(-EINVAL, "no name of a ring");
	if (o->flags & ~FLAGS)
		return dmring_fail(-EINVAL, "unknown flags %#x",
				   o->flags & ~FLAGS);
	if (o->flags & DMRING_SEND_ONLY && o->flags & (DMRING_NO_ECHO | DMRING_OWN))
		return dmring_fail(-EINVAL,
				   "\"send only\" goes with neither \"no echo\" nor \"own\"");
	if (o->scope > DMRING_PROCESS)
		return dmring_fail(-EINVAL, "unknown scope %u", o->scope);
	if (o->reserved)
		return dmring_fail(-EINVAL, "opts.reserved is not zero");
	return 0;
}

/* All of them, or it is no member; but to cease to be one may need memory */
static int offer_all(struct dmring **r, const char *const *services)
{
	char why[DMRING_WHY_SIZE];
	int ret = 0, err;

	for (; !ret && services && *services; services++)
		ret = dmring_offer(*r, *services, NULL);
	if (!ret)
		return 0;
	snprintf(why, sizeof(why), "%s", dmring_why());
	err = (*r)->ops->free(*r, false);
	if (err)
		return err;
	*r = NULL;
	return dmring_fail(ret, "%s", why);
}

int dmring_attach(struct dmring **r, const char *name,
		  const struct dmring_opts *opts)
{
	struct dmring_opts o;
	__u64 generation;
	int ret;

	if (!r)
		return dmring_fail(-EINVAL, "nowhere to put the handle");
	*r = NULL;
	dmring_why_clear();
	ret = copy_opts(&o, opts);
	if (!ret)
		ret = check_opts(&o, name);
	if (ret)
		return ret;
	generation = dmring_fork_generation();
	if (!generation)
		return dmring_fail(-ENOMEM, "no memory");
	if (o.scope == DMRING_PROCESS)
		ret = dmring_process_attach(r, name, &o);
	else
		ret = dmring_kernel_attach(r, name, &o);
	if (ret)
		return ret;
	(*r)->generation = generation;
	return offer_all(r, o.services);
}

int dmring_detach(struct dmring *r)
{
	bool forked;
	int ret;

	if (!r)
		return dmring_fail(-EINVAL, "no handle");
	forked = dmring_forked(r->generation);
	if (!forked && r->dispatch) {
		ret = dmring_dispatch_stop(r);
		if (ret)
			return ret;
	}
	return r->ops->free(r, forked);
}

int dmring_fd(struct dmring *r)
{
	return r ? r->fd : -EINVAL;
}

/* ---- sending ---- */

int dmring_reserve(struct dmring *r, size_t len, void **buf)
{
	int ret = dmring_usable(r);

	if (ret)
		return ret;
	if (r->open)
		return dmring_fail(-EBUSY, "a reservation is open");
	ret = r->ops->reserve(r, len, buf);
	if (!ret) {
		r->open = true;
		r->reserved = len;
	}
	return ret;
}

int dmring_commit(struct dmring *r, size_t len)
{
	int ret = dmring_usable(r);

	if (ret)
		return ret;
	if (!r->open || len > r->reserved)
		return dmring_fail(-EINVAL, "no reservation of that size is open");
	ret = r->ops->commit(r, len);
	if (!ret || ret == -ENOTCONN)
		r->open = false;
	return ret;
}

int dmring_discard(struct dmring *r)
{
	int ret = dmring_usable(r);

	if (ret)
		return ret;
	if (!r->open)
		return dmring_fail(-EINVAL, "no reservation is open");
	r->ops->discard(r);
	r->open = false;
	return 0;
}

int dmring_submit(struct dmring *r)
{
	int ret = dmring_usable(r);

	return ret ? ret : r->ops->submit(r);
}

/* Reported as failed it would be sent twice; but not when the member is gone. */
int dmring_tell(struct dmring *r)
{
	return r->ops->submit(r) == -ENOTCONN ? -ENOTCONN : 0;
}

static int commit_submit(struct dmring *r, size_t len)
{
	int ret = dmring_commit(r, len);

	if (ret) {
		if (r->open)
			dmring_discard(r);
		return ret;
	}
	return dmring_tell(r);
}

int dmring_send(struct dmring *r, const void *data, size_t len)
{
	void *buf;
	int ret = dmring_reserve(r, len, &buf);

	if (ret == -EMSGSIZE && len <= r->ops->max_msg(r))
		return r->ops->send_big(r, data, len);
	if (ret)
		return ret;
	if (len)
		memcpy(buf, data, len);
	return commit_submit(r, len);
}

static __s64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/*
 * Room in the input space does not mean that a message sent through the kernel
 * may go (an earlier one may still wait): those who get -EAGAIN again after a
 * wait that ended at once sleep a little.
 */
void dmring_back_off(unsigned int tries)
{
	struct timespec ts = { .tv_nsec = (tries < 10 ? tries - 2 : 8) * 1000000L };

	if (tries > 2)
		nanosleep(&ts, NULL);
}

int dmring_send_wait(struct dmring *r, const void *data, size_t len,
		     int timeout_ms)
{
	int ret = dmring_send(r, data, len);
	__s64 end, left = timeout_ms;
	unsigned int tries;

	if (ret != -EAGAIN)
		return ret;
	end = now_ms() + timeout_ms;
	for (tries = 0; ret == -EAGAIN; tries++) {
		dmring_back_off(tries);
		ret = dmring_wait(r, DMRING_WAIT_WRITE, len, left);
		if (!ret)
			ret = dmring_send(r, data, len);
		if (timeout_ms < 0 || ret != -EAGAIN)
			continue;
		left = end - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
	}
	return ret;
}

/* ---- receiving ---- */

int dmring_peek(struct dmring *r, struct dmring_msg *m)
{
	int ret = dmring_may_receive(r);

	if (ret)
		return ret;
	return r->ops->next(r, m, r->flags & DMRING_EVENTS ?
			    WANT_ALL : WANT_DATA);
}

int dmring_intact(struct dmring *r)
{
	int ret = dmring_usable(r);

	return ret ? ret : r->ops->check(r, false);
}

int dmring_release(struct dmring *r)
{
	int ret = dmring_may_receive(r);

	return ret ? ret : r->ops->release(r);
}

static ssize_t copy_out(struct dmring *r, const struct dmring_msg *m,
			void *buf, size_t size)
{
	int ret;

	if (m->type != DMRING_REC_DATA) {
		r->ops->unpeek(r);
		return dmring_fail(-ENOMSG,
				   "a request or a reply is next: dmring_peek() takes it");
	}
	if (m->len > size) {
		r->ops->unpeek(r);
		return dmring_fail(-EMSGSIZE, "the message has %zu bytes",
				   m->len);
	}
	if (m->len)
		memcpy(buf, m->data, m->len);
	ret = r->ops->release(r);
	return ret ? ret : (ssize_t)m->len;
}

ssize_t dmring_recv(struct dmring *r, void *buf, size_t size)
{
	struct dmring_msg m;
	ssize_t ret = dmring_may_receive(r);

	if (ret)
		return ret;
	if (r->held)
		return dmring_fail(-EBUSY, "peeked messages are held");
	do {
		ret = r->ops->next(r, &m, WANT_DATA);
		if (!ret)
			ret = copy_out(r, &m, buf, size);
		else
			r->ops->keep(r);	/* what was stepped over */
		/* The gap will be an event, and is no failure. */
	} while (ret == -EOVERFLOW && r->flags & DMRING_EVENTS);
	return ret;
}

int dmring_event(struct dmring *r, struct dmring_ev *ev)
{
	int ret = dmring_may_receive(r);

	return ret ? ret : r->ops->event(r, ev);
}

int dmring_wait(struct dmring *r, unsigned int what, size_t n, int timeout_ms)
{
	int ret = what & DMRING_WAIT_READ ? dmring_may_receive(r) : dmring_usable(r);

	if (ret)
		return ret;
	if (!what || what & ~(DMRING_WAIT_READ | DMRING_WAIT_WRITE))
		return dmring_fail(-EINVAL, "nothing to wait for");
	dmring_weigh(r);
	return r->ops->wait(r, what, n, timeout_ms);
}

/* ---- the proxy's office ---- */

static int no_office(void)
{
	return dmring_fail(-EOPNOTSUPP, "a ring of process scope has no proxy");
}

int dmring_ballot(struct dmring *r, int willing, unsigned int weight)
{
	int ret = dmring_usable(r);

	if (ret)
		return ret;
	if (!r->ops->ballot)
		return no_office();
	if (weight > DMRING_WEIGHT_MAX)
		return dmring_fail(-ERANGE, "a weight is from 0 to %u, not %u",
				   DMRING_WEIGHT_MAX, weight);
	return r->ops->ballot(r, willing, weight);
}

int dmring_resign(struct dmring *r)
{
	int ret = dmring_usable(r);

	if (ret)
		return ret;
	return r->ops->resign ? r->ops->resign(r) : no_office();
}

int dmring_in_office(struct dmring *r)
{
	return dmring_usable(r) || !r->ops->in_office ? 0 : r->ops->in_office(r);
}

/* ---- state ---- */

uint64_t dmring_sent(struct dmring *r)
{
	return dmring_usable(r) ? 0 : r->ops->sent(r);
}

uint64_t dmring_stable(struct dmring *r)
{
	return dmring_usable(r) ? 0 : r->ops->stable(r);
}

uint64_t dmring_dropped(struct dmring *r)
{
	return dmring_usable(r) ? 0 : r->ops->dropped(r);
}

uint64_t dmring_rejected(struct dmring *r)
{
	return dmring_usable(r) ? 0 : r->ops->rejected(r);
}

uint32_t dmring_max_msg(struct dmring *r)
{
	return dmring_usable(r) ? 0 : r->ops->max_msg(r);
}

uint32_t dmring_id(struct dmring *r)
{
	return r ? r->id : 0;
}

int dmring_state(struct dmring *r)
{
	return dmring_usable(r) ? DMRING_STATE_DETACHED : r->ops->state(r);
}

int dmring_reason(struct dmring *r)
{
	return dmring_usable(r) ? DMRING_REASON_NONE : r->ops->reason(r);
}
