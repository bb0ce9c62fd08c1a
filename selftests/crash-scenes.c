// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls that a child is killed in, and what it does before; see crash.h.
 *
 * Messages have numbers without a gap from c->base. One that is not accepted in this
 * child has its number used by the next one: should it come after all, one of the two
 * is a double.
 */
#include <errno.h>
#include <string.h>

#include "../ulib/stream.h"
#include "crash.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define HEADER		((unsigned int)sizeof(struct dmring_in_rec))
#define IN_COST(len)	(((len) + HEADER + DMRING_ALIGN - 1) & ~(DMRING_ALIGN - 1))

#define FITTING		(CRASH_IN_SIZE - HEADER)	/* all of the input space */
#define LARGE		20000U				/* through the kernel */
#define FULL_MS		5

/*
 * What comes before
 */

static const void *make(struct crash *c, size_t len)
{
	traffic_make(c->out, len, CRASH_CHILD, c->base + c->sh->accepted);
	return c->out;
}

static int send_one(struct crash *c, size_t len)
{
	int err = dmring_send(c->r, make(c, len), len);

	c->sh->accepted += !err;
	return err;
}

static int commit_one(struct crash *c, size_t len)
{
	int err = dmring_reserve(c->r, len, &c->buf);

	if (err)
		return err;
	memcpy(c->buf, make(c, len), len);
	err = dmring_commit(c->r, len);
	c->sh->accepted += !err;
	return err;
}

static int send_two(struct crash *c)
{
	int err = send_one(c, 100);

	return err ? err : send_one(c, CRASH_SHORT);
}

static int send_three(struct crash *c)
{
	int err = send_two(c);

	return err ? err : send_one(c, TRAFFIC_MIN);
}

/* The message is built in place, and all but marked */
static int reserve_one(struct crash *c)
{
	int err = send_two(c);

	if (!err)
		err = dmring_reserve(c->r, CRASH_LONG, &c->buf);
	if (!err)
		memcpy(c->buf, make(c, CRASH_SHORT), CRASH_SHORT);
	return err;
}

static int commit_three(struct crash *c)
{
	int err = send_two(c), i;

	for (i = 0; !err && i < 3; i++)
		err = commit_one(c, CRASH_SHORT);
	return err;
}

/* The input space, without a doorbell */
static int commit_until_full(struct crash *c)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < CRASH_IN_SIZE / IN_COST(CRASH_SHORT); i++)
		err = commit_one(c, CRASH_SHORT);
	return err;
}

/*
 * The log, too: the witness does not read yet. One refusal is not enough, the ring's
 * thread may be about to make room. The next message is made.
 */
static int send_until_full(struct crash *c)
{
	int err;

	do {
		err = send_one(c, FITTING);
		if (err == -EAGAIN)
			err = dmring_wait(c->r, DMRING_WAIT_WRITE, FITTING, FULL_MS);
	} while (!err);
	make(c, CRASH_LONG);
	return err == -ETIMEDOUT ? 0 : err;
}

static int make_short(struct crash *c)
{
	int err = send_two(c);

	make(c, CRASH_SHORT);
	return err;
}

/* There is room up to the end of the input space, but less than it needs */
static int make_wrapping(struct crash *c)
{
	int err = send_one(c, 2000);

	if (!err)
		err = send_one(c, 1700);
	make(c, CRASH_LONG);
	return err;
}

static int make_fitting(struct crash *c)
{
	make(c, FITTING);
	return 0;
}

/* It goes behind one that is marked */
static int make_large(struct crash *c)
{
	int err = commit_one(c, 100);

	make(c, LARGE);
	return err;
}

/* It is taken, and waits in the kernel */
static int make_large_for_later(struct crash *c)
{
	int err = send_until_full(c);

	make(c, LARGE);
	return err;
}

static int make_longest(struct crash *c)
{
	int err = commit_one(c, 100);

	make(c, CRASH_MAX);
	return err;
}

static int commit_short(struct crash *c)
{
	return commit_one(c, CRASH_SHORT);
}

static int peek_two(struct crash *c)
{
	struct dmring_msg m;
	int err = dmring_peek(c->r, &m);

	return err ? err : dmring_peek(c->r, &m);
}

static int peek_all(struct crash *c)
{
	struct dmring_msg m;
	int err;

	do {
		err = dmring_peek(c->r, &m);
	} while (!err);
	return err == -EAGAIN ? 0 : err;
}

static int read_all(struct crash *c)
{
	int err = peek_all(c);

	return err ? err : dmring_release(c->r);
}

/*
 * The calls
 */

#define CALL(name, ...)							\
	static void call_##name(struct crash *c)			\
	{								\
		struct dmring_msg m __attribute__((unused));		\
									\
		__VA_ARGS__;						\
	}

CALL(attach, dmring_attach(&c->r, c->name, NULL))
CALL(detach, dmring_detach(c->r))
CALL(reserve, dmring_reserve(c->r, CRASH_SHORT, &c->buf))
CALL(commit, dmring_commit(c->r, CRASH_SHORT))
CALL(submit, dmring_submit(c->r))
CALL(send_short, dmring_send(c->r, c->out, CRASH_SHORT))
CALL(send_long, dmring_send(c->r, c->out, CRASH_LONG))
CALL(send_fitting, dmring_send(c->r, c->out, FITTING))
CALL(send_large, dmring_send(c->r, c->out, LARGE))
CALL(send_longest, dmring_send(c->r, c->out, CRASH_MAX))
CALL(peek, dmring_peek(c->r, &m))
CALL(release, dmring_release(c->r))
CALL(recv, dmring_recv(c->r, c->in, sizeof(c->in)))
CALL(wait_read, dmring_wait(c->r, DMRING_WAIT_READ, 1, -1))
CALL(wait_many, dmring_wait(c->r, DMRING_WAIT_READ, 2, -1))
CALL(wait_write, dmring_wait(c->r, DMRING_WAIT_WRITE, CRASH_LONG, -1))

static const struct crash_scene scenes[] = {
	{ "attach", .unattached = true, .call = call_attach },
	{ "reserve", .prepare = send_two, .call = call_reserve, .sends = true },
	{ "reserve_full", .prepare = commit_until_full, .call = call_reserve, .sends = true },
	{ "commit", .prepare = reserve_one, .call = call_commit, .sends = true,
	  .cost = IN_COST(CRASH_SHORT) },
	{ "submit", .prepare = commit_three, .call = call_submit, .sends = true },
	{ "send", .prepare = make_short, .call = call_send_short, .sends = true,
	  .cost = IN_COST(CRASH_SHORT) },
	{ "send_fits_exactly", .prepare = make_fitting, .call = call_send_fitting, .sends = true,
	  .cost = IN_COST(FITTING) },
	{ "send_wraps", .prepare = make_wrapping, .call = call_send_long, .sends = true,
	  .cost = IN_COST(CRASH_LONG) },
	{ "send_refused", DMRING_SEND_ONLY, .prepare = send_until_full, .call = call_send_long,
	  .sends = true },
	{ "send_large", .prepare = make_large, .call = call_send_large, .sends = true },
	{ "send_large_waits", DMRING_SEND_ONLY, .prepare = make_large_for_later,
	  .call = call_send_large, .sends = true },
	/* more than a system call copies, so that the ring's thread ends it */
	{ "send_in_pieces", .log = 512 << 10, .prepare = make_longest, .call = call_send_longest,
	  .sends = true },
	{ "peek", .prepare = send_three, .call = call_peek },
	/* steps over own messages, and finds nothing */
	{ "peek_no_echo", DMRING_NO_ECHO, .prepare = send_three, .call = call_peek },
	{ "release", .prepare = send_three, .ready = peek_two, .call = call_release },
	{ "release_awaited", .awaited = true, .ready = peek_all, .call = call_release },
	{ "recv", .prepare = send_three, .call = call_recv },
	{ "wait", .prepare = send_three, .call = call_wait_read },
	{ "wait_asleep", .prepare = send_two, .ready = read_all, .call = call_wait_read,
	  .wake = crash_send_short },
	/* with a threshold, and messages that are held */
	{ "wait_asleep_for_many", .prepare = send_three, .ready = peek_two,
	  .call = call_wait_many, .wake = crash_send_short },
	{ "wait_asleep_for_room", DMRING_SEND_ONLY, .prepare = send_until_full,
	  .call = call_wait_write, .sends = true, .wake = crash_read_all },
	{ "detach", .prepare = send_two, .ready = commit_short, .call = call_detach },
};

const struct crash_scene *crash_scene(unsigned int nr)
{
	return nr < ARRAY_SIZE(scenes) ? &scenes[nr] : NULL;
}

const struct crash_scene *crash_scene_named(const char *name)
{
	const struct crash_scene *s;
	unsigned int nr;

	for (nr = 0; (s = crash_scene(nr)); nr++)
		if (!strcmp(s->name, name))
			break;
	return s;
}

static void do_call(void *arg)
{
	struct crash *c = arg;

	c->scene->call(c);
}

void crash_child(void *arg)
{
	struct crash *c = arg;
	const struct crash_scene *s = c->scene;
	struct dmring_opts opts = {
		.size = sizeof(opts), .flags = s->flags, .in_size = CRASH_IN_SIZE,
	};
	int err = s->unattached ? 0 : dmring_attach(&c->r, c->name, &opts);

	if (!err && s->prepare)
		err = s->prepare(c);
	c->sh->error = err;
	step_pause();
	c->sh->error = s->ready ? s->ready(c) : 0;
	if (s->sends)
		c->sh->in_tail = &dmring_member(c->r)->s.user->in_tail;
	step_call(do_call, c);
	step_pause();
}
