// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * prepare, fill, complete, install: each step is done by all threads at once, between two
 * barriers; in between all that they share is the coordinator's.
 *
 * Locking: none but the barriers.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/dmring.h>
#include <linux/dmring_netlink.h>

#include "bench.h"
#include "coordinator.h"
#include "ctl.h"
#include "nl.h"

#define FILL_SIZE	16384		/* bytes of a record as attributes */
#define PATIENCE_NS	20000000000ULL	/* for a step */
#define PAUSE_US	1000		/* before one asks again */

#define VIEW(name)	DMRING_A_VIEW_##name
#define HOST(name)	DMRING_A_VIEW_HOST_##name

enum step { STEP_LOOK, STEP_PREPARE, STEP_FILL, STEP_COMPLETE, STEP_INSTALL, STEP_END };

/* Of VIEW_GET and VIEW_PREPARE */
struct answer {
	__u32 number, attempt, prepared;
	bool complete;
	__u64 inc, next_inc, base, ordered;
	__u32 hosts;
	__u32 node[DMRING_HOSTS_MAX];
	__u64 have[DMRING_HOSTS_MAX];
};

struct host {
	struct coordinator *c;
	const char *netns;
	pthread_t thread;
	bool asked;		/* this step is for it */
	bool joins;
	int err;
	__u64 begin, end;	/* of this step (ns) */
	__u8 order;		/* of the ring */
	struct answer a;
};

struct coordinator {
	const char *ring;
	int hosts;
	enum step step;
	__u32 number, attempt;	/* of the next view */
	__u64 own;		/* ns, see there */
	__u64 since;		/* all had answered; 0: they were not asked to prepare yet */
	pthread_barrier_t begin, end;
	char fill[FILL_SIZE];
	struct host host[];
};

/* A refusal that says "ask again" is no failure, while one does */
static __thread bool asks_again;

/* ctl/nl.c says so what the kernel refuses. */
int ctl_refuse(const char *format, ...)
{
	int err = errno;
	va_list args;

	if (err != EAGAIN || !asks_again) {
		va_start(args, format);
		fputs("dmring-bench: ", stderr);
		vfprintf(stderr, format, args);
		fputc('\n', stderr);
		va_end(args);
	}
	errno = err;
	return CTL_REFUSED;
}

/*
 * Answers
 */

static void take_host(struct answer *a, const struct nlattr *nest)
{
	const struct nlattr *attr;

	if (a->hosts == DMRING_HOSTS_MAX)
		return;
	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == HOST(NODE))
			a->node[a->hosts] = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == HOST(SEQ))
			a->have[a->hosts] = mnl_attr_get_u64(attr);
	}
	a->hosts++;
}

static void take_attr(struct answer *a, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case VIEW(NUMBER):
		a->number = mnl_attr_get_u32(attr);
		break;
	case VIEW(PREPARED):
		a->prepared = mnl_attr_get_u32(attr);
		break;
	case VIEW(ATTEMPT):
		a->attempt = mnl_attr_get_u32(attr);
		break;
	case VIEW(COMPLETE):
		a->complete = true;
		break;
	case VIEW(INCARNATION):
		a->inc = mnl_attr_get_u64(attr);
		break;
	case VIEW(NEXT_INCARNATION):
		a->next_inc = mnl_attr_get_u64(attr);
		break;
	case VIEW(BASE):
		a->base = mnl_attr_get_u64(attr);
		break;
	case VIEW(ORDERED):
		a->ordered = mnl_attr_get_u64(attr);
		break;
	case VIEW(HOST):
		take_host(a, attr);
		break;
	}
}

static void take_answer(const struct nlattr *object, void *arg)
{
	const struct nlattr *attr;

	memset(arg, 0, sizeof(struct answer));
	mnl_attr_for_each_nested(attr, object)
		take_attr(arg, attr);
}

static void take_order(const struct nlattr *object, void *arg)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, object)
		if (mnl_attr_get_type(attr) == DMRING_A_RING_ORDER)
			*(__u8 *)arg = mnl_attr_get_u8(attr);
}

/*
 * Steps of one host, in its thread
 */

/* The name of the ring is the first attribute of each object */
static struct nlattr *begin(void *buf, const struct coordinator *c, __u8 cmd, __u16 object)
{
	struct nlmsghdr *nlh = nl_begin(buf, cmd, 0);
	struct nlattr *nest = mnl_attr_nest_start(nlh, object);

	nl_put_name(nlh, VIEW(RING), c->ring);
	return nest;
}

static int ask_order(struct host *h, struct nl *nl)
{
	char buf[NL_REQUEST_SIZE];

	mnl_attr_nest_end((void *)buf, begin(buf, h->c, DMRING_CMD_RING_GET, DMRING_A_RING));
	return nl_talk(nl, (void *)buf, take_order, &h->order) ? -errno : 0;
}

/* A request without lists; 0 or -errno */
static int ask(struct host *h, struct nl *nl, __u8 cmd)
{
	const struct coordinator *c = h->c;
	char buf[NL_REQUEST_SIZE];
	struct nlmsghdr *nlh = (void *)buf;
	struct nlattr *nest = begin(buf, c, cmd, DMRING_A_VIEW);

	if (cmd != DMRING_CMD_VIEW_GET) {
		mnl_attr_put_u32(nlh, VIEW(NUMBER), c->number);
		mnl_attr_put_u32(nlh, VIEW(ATTEMPT), c->attempt);
	}
	if (cmd == DMRING_CMD_VIEW_PREPARE && h->joins)
		mnl_attr_put(nlh, VIEW(JOIN), 0, NULL);
	mnl_attr_nest_end(nlh, nest);
	return nl_talk(nl, nlh, take_answer, &h->a) ? -errno : 0;
}

/* Its own copy of what is the same for all: a request gets its number when it is sent */
static int fill(struct host *h, struct nl *nl)
{
	char buf[FILL_SIZE];

	memcpy(buf, h->c->fill, sizeof(buf));
	return nl_talk(nl, (void *)buf, NULL, NULL) ? -errno : 0;
}

/* Until it has what it lacks, or goes on to the next view */
static int again(struct host *h, struct nl *nl, __u8 cmd)
{
	__u64 end = bench_now() + PATIENCE_NS;
	int err;

	for (;;) {
		asks_again = true;
		err = ask(h, nl, cmd);
		asks_again = false;
		if (err ? err != -EAGAIN : cmd == DMRING_CMD_VIEW_INSTALL || h->a.complete)
			return err;
		if (bench_now() > end)
			return bench_fail(ETIMEDOUT, "%s does not come to the next view",
					  h->netns);
		usleep(PAUSE_US);
	}
}

static int do_step(struct host *h, struct nl *nl)
{
	switch (h->c->step) {
	case STEP_LOOK:
		return ask(h, nl, DMRING_CMD_VIEW_GET);
	case STEP_PREPARE:
		return ask(h, nl, DMRING_CMD_VIEW_PREPARE);
	case STEP_FILL:
		return fill(h, nl);
	case STEP_COMPLETE:
		return again(h, nl, DMRING_CMD_VIEW_GET);
	case STEP_INSTALL:
		return again(h, nl, DMRING_CMD_VIEW_INSTALL);
	case STEP_END:
		break;
	}
	return 0;
}

static void *host_main(void *arg)
{
	struct host *h = arg;
	struct coordinator *c = h->c;
	struct nl *nl = NULL;

	h->err = bench_enter(h->netns);
	if (!h->err) {
		nl = nl_open();
		h->err = nl ? ask_order(h, nl) : -ENODEV;
	}
	do {
		pthread_barrier_wait(&c->begin);
		h->begin = bench_now();
		if (h->asked && !h->err)
			h->err = do_step(h, nl);
		h->end = bench_now();
		pthread_barrier_wait(&c->end);
	} while (c->step != STEP_END);
	nl_close(nl);
	return NULL;
}

/*
 * The coordinator
 */

/* What was between this step and the one before is nobody's time but the coordinator's */
static void take_times(struct coordinator *c, enum step step)
{
	__u64 first = ~0ULL, last = 0;
	int i;

	for (i = 0; i < c->hosts; i++) {
		if (!c->host[i].asked)
			continue;
		if (c->host[i].begin < first)
			first = c->host[i].begin;
		if (c->host[i].end > last)
			last = c->host[i].end;
	}
	if (c->since && first > c->since)
		c->own += first - c->since;
	if (step != STEP_LOOK)
		c->since = last;
}

/* All of them at once; 0 or the first -errno */
static int step(struct coordinator *c, enum step step)
{
	int i, err = 0;

	c->step = step;
	pthread_barrier_wait(&c->begin);
	pthread_barrier_wait(&c->end);
	take_times(c, step);
	for (i = 0; i < c->hosts && !err; i++)
		err = c->host[i].asked ? c->host[i].err : 0;
	return err;
}

static void ask_those(struct coordinator *c, __u64 stay, __u64 join)
{
	int i;

	for (i = 0; i < c->hosts; i++) {
		c->host[i].asked = (stay | join) >> i & 1;
		c->host[i].joins = join >> i & 1;
	}
}

/* The host that stays and has the lowest id; all that stay are in one view */
static const struct host *first_of(const struct coordinator *c)
{
	int i = 0;

	while (!c->host[i].asked || c->host[i].joins)
		i++;
	return &c->host[i];
}

/* All that one of those who stay holds of @node, the @nr-th of the view that ends */
static __u64 held_of(const struct coordinator *c, __u32 nr)
{
	__u64 most = 0;
	int i;

	for (i = 0; i < c->hosts; i++) {
		const struct host *h = &c->host[i];

		if (h->asked && !h->joins && h->a.have[nr] > most)
			most = h->a.have[nr];
	}
	return most;
}

static void put_hosts(const struct coordinator *c, struct nlmsghdr *nlh)
{
	struct nlattr *nest;
	int i;

	for (i = 0; i < c->hosts; i++) {
		const struct host *h = &c->host[i];

		if (!h->asked)
			continue;
		nest = mnl_attr_nest_start(nlh, VIEW(HOST));
		mnl_attr_put_u32(nlh, HOST(NODE), i + 1);
		mnl_attr_put_u64(nlh, HOST(INCARNATION), h->joins ? h->a.next_inc : h->a.inc);
		if (!h->joins)
			mnl_attr_put(nlh, HOST(STAYS), 0, NULL);
		mnl_attr_nest_end(nlh, nest);
	}
}

/* Returns how many messages the view had. */
static __u64 put_cuts(const struct coordinator *c, struct nlmsghdr *nlh)
{
	const struct answer *first = &first_of(c)->a;
	struct nlattr *nest;
	__u64 sum = 0;
	__u32 i;

	for (i = 0; i < first->hosts; i++) {
		nest = mnl_attr_nest_start(nlh, VIEW(CUT));
		mnl_attr_put_u32(nlh, HOST(NODE), first->node[i]);
		mnl_attr_put_u64(nlh, HOST(SEQ), held_of(c, i));
		mnl_attr_nest_end(nlh, nest);
		sum += held_of(c, i);
	}
	return sum;
}

/* See protocol.rst: the record all of them agree on. Quorum is not what is measured here. */
static void agree(struct coordinator *c)
{
	struct nlmsghdr *nlh = (void *)c->fill;
	struct nlattr *nest = begin(c->fill, c, DMRING_CMD_VIEW_FILL, DMRING_A_VIEW);
	const struct answer *first = &first_of(c)->a;
	__u64 ordered = 0, sum;
	int i;

	for (i = 0; i < c->hosts; i++)
		if (c->host[i].asked && !c->host[i].joins && c->host[i].a.ordered > ordered)
			ordered = c->host[i].a.ordered;
	mnl_attr_put_u32(nlh, VIEW(NUMBER), c->number);
	mnl_attr_put_u32(nlh, VIEW(ATTEMPT), c->attempt);
	mnl_attr_put_u32(nlh, VIEW(PREV), first->number);
	mnl_attr_put(nlh, VIEW(QUORUM), 0, NULL);
	mnl_attr_put_u64(nlh, VIEW(ORDERED), ordered);
	put_hosts(c, nlh);
	sum = put_cuts(c, nlh);
	if (first_of(c)->order != DMRING_ORDER_FIFO)
		mnl_attr_put_u64(nlh, VIEW(BASE), first->base + 1 + sum);
	mnl_attr_nest_end(nlh, nest);
}

static void next_number(struct coordinator *c)
{
	int i;

	c->number = first_of(c)->a.number + 1;
	c->attempt = 0;
	for (i = 0; i < c->hosts; i++) {
		const struct answer *a = &c->host[i].a;

		if (c->host[i].asked && a->prepared == c->number && a->attempt > c->attempt)
			c->attempt = a->attempt;
	}
	c->attempt++;
}

int coordinator_change(struct coordinator *c, __u64 stay, __u64 join, struct coordinator_times *t)
{
	int err;

	ask_those(c, stay, join);
	t->begin = bench_now();
	c->since = 0;
	c->own = 0;
	err = step(c, STEP_LOOK);
	if (!err) {
		next_number(c);
		err = step(c, STEP_PREPARE);
	}
	if (!err) {
		agree(c);
		err = step(c, STEP_FILL);
	}
	if (!err)
		err = step(c, STEP_COMPLETE);
	if (!err)
		err = step(c, STEP_INSTALL);
	t->end = bench_now();
	t->own = c->own;
	return err;
}

struct coordinator *coordinator_new(char **netns, int hosts, const char *ring)
{
	struct coordinator *c = calloc(1, sizeof(*c) + hosts * sizeof(c->host[0]));
	int i, err;

	if (!c) {
		bench_fail(ENOMEM, "memory");
		return NULL;
	}
	c->ring = ring;
	c->hosts = hosts;
	pthread_barrier_init(&c->begin, NULL, hosts + 1);
	pthread_barrier_init(&c->end, NULL, hosts + 1);
	for (i = 0; i < hosts; i++) {
		c->host[i].c = c;
		c->host[i].netns = netns[i];
		err = pthread_create(&c->host[i].thread, NULL, host_main, &c->host[i]);
		if (!err)
			continue;
		/* the others wait at the barrier until the process ends */
		bench_fail(err, "thread");
		return NULL;
	}
	return c;
}

void coordinator_end(struct coordinator *c)
{
	int i;

	ask_those(c, 0, 0);
	step(c, STEP_END);
	for (i = 0; i < c->hosts; i++)
		pthread_join(c->host[i].thread, NULL);
	free(c);
}
