/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is true of the status of members in every scope. Who includes this has said before what a
 * ring is: SCOPE, make_ring(), end_ring().
 *
 *	a, b, many[] --- set ---> ring's statuses ---> a, b, or any of them
 */
#ifndef _DMRING_SELFTEST_STATUS_H
#define _DMRING_SELFTEST_STATUS_H

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../ulib/include/dmring.h"
#include "kself.h"
#include "rig.h"

#define BATCH	64	/* the library's */
#define MANY	200
#define WALKS	500
#define SETTERS	3
#define COMERS	2
#define READERS	2

#define LONGEST	"012345678901234567890123456789012345678901234567890123456789012"

static struct dmring *join(const char *name)
{
	struct dmring_opts o = {
		.size = sizeof(o),
		.flags = DMRING_SEND_ONLY,
		.scope = SCOPE,
		.in_size = 4096,
	};
	struct dmring *r = NULL;

	return dmring_attach(&r, name, &o) ? NULL : r;
}

static void leave(struct dmring **r)
{
	if (*r)
		dmring_detach(*r);
	*r = NULL;
}

FIXTURE(status) {
	const char *name;
	struct dmring *a;
	struct dmring *b;
	struct dmring *many[MANY];
};

FIXTURE_SETUP(status)
{
	self->name = make_ring("status");
	ASSERT_NE(NULL, self->name);
	memset(self->many, 0, sizeof(self->many));
	self->a = join(self->name);
	self->b = join(self->name);
	ASSERT_TRUE(self->a && self->b) TH_LOG("%s", dmring_why());
}

FIXTURE_TEARDOWN(status)
{
	int i;

	leave(&self->a);
	leave(&self->b);
	for (i = 0; i < MANY; i++)
		leave(&self->many[i]);
	EXPECT_EQ(0, end_ring(self->name));
}

/* What one walk has shown, and what it is to do at which one */
struct seen {
	int n;
	struct dmring_member_status s[2 * MANY];
	int at;		/* the nth, 0 for none */
	int result;
	void (*then)(void *arg);
	void *arg;
};

static int note(const struct dmring_member_status *s, void *arg)
{
	struct seen *seen = arg;

	if (seen->n == 2 * MANY)
		return -E2BIG;
	seen->s[seen->n++] = *s;
	if (seen->n != seen->at)
		return 0;
	if (seen->then)
		seen->then(seen->arg);
	return seen->result;
}

/* All that @r sees, in order; what it shows of one member is for the caller to look at */
static void look(struct __test_metadata *_metadata, struct dmring *r, struct seen *seen)
{
	int i, ret;

	seen->n = 0;
	ret = dmring_status_each(r, note, seen);
	ASSERT_EQ(seen->n, ret) TH_LOG("%s", dmring_why());
	for (i = 0; i < seen->n; i++) {
		EXPECT_EQ(0, seen->s[i].node);
		if (i)
			EXPECT_LT(seen->s[i - 1].member, seen->s[i].member);
	}
}

/* How often the member with this id was shown; *@s is how */
static int times(const struct seen *seen, uint32_t id, struct dmring_member_status *s)
{
	int i, n = 0;

	for (i = 0; i < seen->n; i++) {
		if (seen->s[i].member == id) {
			*s = seen->s[i];
			n++;
		}
	}
	return n;
}

/* It shows that of @m, once, to the last byte */
static void shows(struct __test_metadata *_metadata, const struct seen *seen, struct dmring *m,
		  uint32_t state, uint32_t progress, const char *text)
{
	char whole[DMRING_STATUS_SIZE] = "";
	struct dmring_member_status s = {};

	strncpy(whole, text, sizeof(whole) - 1);
	ASSERT_EQ(1, times(seen, dmring_id(m), &s)) TH_LOG("member %u", dmring_id(m));
	EXPECT_EQ(state, s.state);
	EXPECT_EQ(progress, s.progress);
	EXPECT_EQ(0, memcmp(whole, s.text, sizeof(whole))) TH_LOG("%.64s", s.text);
}

static int set(struct dmring *r, uint32_t state)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", state);
	return dmring_status_set(r, state, 3 * state, text);
}

static void shows_set(struct __test_metadata *_metadata, const struct seen *seen, struct dmring *m,
		      uint32_t state)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", state);
	shows(_metadata, seen, m, state, 3 * state, text);
}

/* @many[@from] to before @to attach, and set as their status what their number is */
static void crowd(struct __test_metadata *_metadata, const char *name, struct dmring **many,
		  int from, int to)
{
	for (; from < to; from++) {
		many[from] = join(name);
		ASSERT_NE(NULL, many[from]) TH_LOG("%s", dmring_why());
		ASSERT_EQ(0, set(many[from], from)) TH_LOG("%s", dmring_why());
	}
}

TEST_F(status, nobody_has_one)
{
	struct seen seen = {};

	look(_metadata, self->a, &seen);
	EXPECT_EQ(0, seen.n);
}

TEST_F(status, set_and_replaced)
{
	struct seen seen = {};

	ASSERT_EQ(0, dmring_status_set(self->a, 1, 50, "half"));
	look(_metadata, self->b, &seen);
	EXPECT_EQ(1, seen.n);
	shows(_metadata, &seen, self->a, 1, 50, "half");
	/* who reads sees its own, too */
	ASSERT_EQ(0, dmring_status_set(self->b, ~0U, 0, "b"));
	ASSERT_EQ(0, dmring_status_set(self->a, 0, ~0U, "a"));
	look(_metadata, self->b, &seen);
	EXPECT_EQ(2, seen.n);
	shows(_metadata, &seen, self->a, 0, ~0U, "a");
	shows(_metadata, &seen, self->b, ~0U, 0, "b");
	look(_metadata, self->a, &seen);
	EXPECT_EQ(2, seen.n);
	shows(_metadata, &seen, self->b, ~0U, 0, "b");
}

TEST_F(status, texts)
{
	const char *texts[] = { LONGEST, "", "half, gr\xc3\xb6\xc3\x9f" "e", "short" };
	struct seen seen = {};
	size_t i;

	ASSERT_EQ(DMRING_STATUS_SIZE - 1, strlen(LONGEST));
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ASSERT_EQ(0, dmring_status_set(self->a, i, i, texts[i])) TH_LOG("%s", texts[i]);
		look(_metadata, self->b, &seen);
		EXPECT_EQ(1, seen.n);
		shows(_metadata, &seen, self->a, i, i, texts[i]);
	}
}

TEST_F(status, refusals)
{
	struct seen seen = {};

	ASSERT_EQ(0, dmring_status_set(self->a, 1, 2, "it stays"));
	EXPECT_EQ(-EINVAL, dmring_status_set(NULL, 3, 4, ""));
	EXPECT_EQ(-EINVAL, dmring_status_set(self->a, 3, 4, NULL));
	EXPECT_EQ(-EINVAL, dmring_status_set(self->a, 3, 4, "a\nb"));
	EXPECT_EQ(-EINVAL, dmring_status_set(self->a, 3, 4, "\x7f"));
	EXPECT_NE(NULL, strstr(dmring_why(), "control character"));
	EXPECT_EQ(-ENAMETOOLONG, dmring_status_set(self->a, 3, 4, LONGEST "3"));
	EXPECT_NE(NULL, strstr(dmring_why(), "63 bytes"));
	EXPECT_EQ(-EINVAL, dmring_status_each(NULL, note, &seen));
	EXPECT_EQ(-EINVAL, dmring_status_each(self->a, NULL, &seen));
	EXPECT_NE('\0', dmring_why()[0]);
	EXPECT_EQ(0, seen.n);
	look(_metadata, self->b, &seen);
	EXPECT_EQ(1, seen.n);
	shows(_metadata, &seen, self->a, 1, 2, "it stays");
}

TEST_F(status, it_goes_with_its_member)
{
	struct seen seen = {};

	ASSERT_EQ(0, set(self->a, 1));
	ASSERT_EQ(0, set(self->b, 2));
	leave(&self->a);
	look(_metadata, self->b, &seen);
	EXPECT_EQ(1, seen.n);
	shows_set(_metadata, &seen, self->b, 2);
	/* whoever comes has none, with the same id or another */
	self->a = join(self->name);
	ASSERT_NE(NULL, self->a);
	look(_metadata, self->a, &seen);
	EXPECT_EQ(1, seen.n);
	leave(&self->b);
	look(_metadata, self->a, &seen);
	EXPECT_EQ(0, seen.n);
}

TEST_F(status, batches)
{
	const int sizes[] = { 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH - 1, 2 * BATCH,
			      2 * BATCH + 1, MANY };
	struct seen seen = {};
	int i, k, n = 0;

	for (i = 0; i < (int)(sizeof(sizes) / sizeof(sizes[0])); i++) {
		crowd(_metadata, self->name, self->many, n, sizes[i]);
		n = sizes[i];
		look(_metadata, self->a, &seen);
		EXPECT_EQ(n, seen.n);
		for (k = 0; k < n; k++)
			shows_set(_metadata, &seen, self->many[k], k);
	}
}

/* In the order of their ids, be it not the one in which they were set */
TEST_F(status, set_in_any_order)
{
	struct seen seen = {};
	int i;

	for (i = 0; i < MANY; i++) {
		self->many[i] = join(self->name);
		ASSERT_NE(NULL, self->many[i]) TH_LOG("%s", dmring_why());
	}
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(0, set(self->many[i * 77 % MANY], i * 77 % MANY));
	look(_metadata, self->a, &seen);
	EXPECT_EQ(MANY, seen.n);
	for (i = 0; i < MANY; i++)
		shows_set(_metadata, &seen, self->many[i], i);
}

TEST_F(status, whose_function_ends_it)
{
	const int at[] = { 1, 3, BATCH, BATCH + 1, MANY };
	struct seen seen = {};
	int i;

	crowd(_metadata, self->name, self->many, 0, MANY);
	for (i = 0; i < (int)(sizeof(at) / sizeof(at[0])); i++) {
		seen.at = at[i];
		seen.n = 0;
		seen.result = 7;
		EXPECT_EQ(7, dmring_status_each(self->a, note, &seen));
		EXPECT_EQ(at[i], seen.n);
		seen.n = 0;
		seen.result = -EDOM;
		EXPECT_EQ(-EDOM, dmring_status_each(self->a, note, &seen));
		EXPECT_EQ(at[i], seen.n);
	}
}

struct meddler {
	struct __test_metadata *_metadata;
	struct dmring *reader;
	struct dmring **many;
	const char *name;
	int shown;
};

/* When the first batch has been shown: some of it, and some of the rest, leave; others come */
static void meddle(void *arg)
{
	struct meddler *w = arg;
	struct __test_metadata *_metadata = w->_metadata;
	struct seen seen = {};
	int i;

	for (i = 0; i < 10; i++) {
		leave(&w->many[i]);
		leave(&w->many[BATCH - 1 - i]);
		leave(&w->many[100 + i]);
	}
	crowd(_metadata, w->name, w->many, 0, 5);
	crowd(_metadata, w->name, w->many, 100, 105);
	EXPECT_EQ(0, set(w->many[BATCH + 20], 1000));
	EXPECT_EQ(0, set(w->many[20], 1000));
	/* it may read as well */
	look(_metadata, w->reader, &seen);
	w->shown = seen.n;
}

TEST_F(status, whose_function_changes_things)
{
	struct meddler w = {
		._metadata = _metadata,
		.reader = self->a,
		.many = self->many,
		.name = self->name,
	};
	struct seen seen = { .at = BATCH, .then = meddle, .arg = &w };
	int i;

	crowd(_metadata, self->name, self->many, 0, MANY);
	look(_metadata, self->a, &seen);
	EXPECT_EQ(MANY - 20, w.shown);
	for (i = 0; i < MANY; i++) {
		/* gone, or new */
		if (!self->many[i] || i < 5 || (i >= 100 && i < 105))
			continue;
		shows_set(_metadata, &seen, self->many[i], i == BATCH + 20 ? 1000 : i);
	}
	/* and nobody who has gone before its turn came */
	for (i = 0; i < seen.n; i++)
		EXPECT_FALSE(seen.s[i].state >= 105 && seen.s[i].state < 110);
	/* once is enough: whose ids the next ones would get is a matter of time */
	seen.at = 0;
	look(_metadata, self->b, &seen);
	EXPECT_EQ(MANY - 20, seen.n);
	shows_set(_metadata, &seen, self->many[20], 1000);
}

/* Of a child's own members it sees what its ring has: in process scope that is another one */
static int child(const char *name, struct dmring *parents)
{
	struct seen seen = {};
	struct dmring *r;

	if (dmring_status_set(parents, 5, 5, "child") != -ENOTCONN ||
	    dmring_status_each(parents, note, &seen) != -ENOTCONN || seen.n)
		return 1;
	r = join(name);
	if (!r || dmring_status_each(r, note, &seen) != (SCOPE == DMRING_PROCESS ? 0 : 1))
		return 2;
	if (set(r, 6) || dmring_status_each(r, note, &seen) != (SCOPE == DMRING_PROCESS ? 1 : 2))
		return 3;
	return dmring_detach(r) || dmring_detach(parents) ? 4 : 0;
}

TEST_F(status, in_a_child)
{
	struct seen seen = {};
	int status;
	pid_t pid;

	ASSERT_EQ(0, set(self->a, 1));
	pid = fork();
	if (!pid)
		_exit(child(self->name, self->a));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status) TH_LOG("the child's status is %#x", status);
	look(_metadata, self->b, &seen);
	EXPECT_EQ(1, seen.n);
	shows_set(_metadata, &seen, self->a, 1);
}

/* Threads that set, come and go, and read, all at the same time */
struct worker {
	pthread_t thread;
	const char *name;
	struct dmring *r;
	struct dmring **many;	/* who are there all the time */
	bool *stop;
	unsigned int done;
	unsigned int odd;
	int seen[MANY];
	uint32_t last;
};

static void *keep_setting(void *arg)
{
	struct worker *w = arg;

	for (w->done = 0; !__atomic_load_n(w->stop, __ATOMIC_ACQUIRE); w->done++)
		w->odd += set(w->r, w->done) != 0;
	return NULL;
}

static void *come_and_go(void *arg)
{
	struct worker *w = arg;

	for (w->done = 0; !__atomic_load_n(w->stop, __ATOMIC_ACQUIRE); w->done++) {
		struct dmring *r = join(w->name);

		w->odd += !r || set(r, w->done);
		leave(&r);
	}
	return NULL;
}

/* Whole, whoever sets it; in order, and so once; and who stays is not left out */
static int judge(const struct dmring_member_status *s, void *arg)
{
	struct worker *w = arg;
	char text[DMRING_STATUS_SIZE] = "";
	int i;

	snprintf(text, sizeof(text), "%u", s->state);
	w->odd += s->node || s->progress != 3 * s->state || memcmp(text, s->text, sizeof(text));
	w->odd += w->last != ~0U && s->member <= w->last;
	w->last = s->member;
	for (i = 0; i < MANY; i++)
		w->seen[i] += dmring_id(w->many[i]) == s->member;
	return 0;
}

static void *keep_reading(void *arg)
{
	struct worker *w = arg;
	int i;

	for (w->done = 0; w->done < WALKS; w->done++) {
		memset(w->seen, 0, sizeof(w->seen));
		w->last = ~0U;
		w->odd += dmring_status_each(w->r, judge, w) < MANY;
		for (i = 0; i < MANY; i++)
			w->odd += w->seen[i] != 1;
	}
	return NULL;
}

static bool all_at_work(const struct worker *w, int n)
{
	while (n--)
		if (!__atomic_load_n(&w[n].done, __ATOMIC_RELAXED))
			return false;
	return true;
}

TEST_F(status, threads)
{
	void *(*const what[])(void *) = { keep_setting, come_and_go, keep_reading };
	struct worker w[SETTERS + COMERS + READERS] = {};
	bool stop = false;
	int i;

	crowd(_metadata, self->name, self->many, 0, MANY);
	/* the kernel gives its id to those who come: they stand before all others */
	leave(&self->b);
	for (i = 0; i < SETTERS + COMERS + READERS; i++) {
		/* readers last, so that the others do something while they read */
		if (i == SETTERS + COMERS)
			ASSERT_TRUE(rig_within(RIG_WAIT_MS, all_at_work(w, i)));
		w[i].name = self->name;
		w[i].many = self->many;
		w[i].stop = &stop;
		w[i].r = i < SETTERS ? self->many[i * BATCH] : self->a;
		ASSERT_EQ(0, pthread_create(&w[i].thread, NULL,
					    what[(i >= SETTERS) + (i >= SETTERS + COMERS)], &w[i]));
	}
	for (i = SETTERS + COMERS; i < SETTERS + COMERS + READERS; i++)
		ASSERT_EQ(0, pthread_join(w[i].thread, NULL));
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < SETTERS + COMERS; i++)
		ASSERT_EQ(0, pthread_join(w[i].thread, NULL));
	for (i = 0; i < SETTERS + COMERS + READERS; i++) {
		EXPECT_NE(0, w[i].done) TH_LOG("worker %d", i);
		EXPECT_EQ(0, w[i].odd) TH_LOG("worker %d", i);
	}
}

#endif
