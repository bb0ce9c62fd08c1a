// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nonsense in one counter at a time: what it does to its writer, and that it does
 * nothing to anybody else.
 *
 *	m: writes nonsense --> ring "counter" (slow block) --> w: watches
 */
#include <pthread.h>

#include "kself.h"
#include "rig.h"

FIXTURE(counter) {
	const char *name;
	struct rig_member m;	/* writes nonsense */
	struct rig_member w;	/* watches */
};

FIXTURE_SETUP(counter)
{
	const struct rig_conf conf = { .log = 64 << 10, .slow = DMRING_SLOW_BLOCK };

	self->name = rig_name("counter");
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	ASSERT_EQ(0, rig_join(&self->m, self->name, 0));
	ASSERT_EQ(0, rig_join(&self->w, self->name, 0));
}

FIXTURE_TEARDOWN(counter)
{
	char buf[8];

	rig_leave(&self->m);
	EXPECT_EQ(DMRING_STATE_ATTACHED, self->w.kern->state);
	EXPECT_EQ(0, rig_send(&self->w, "whole", 6));
	EXPECT_EQ(6, rig_get_wait(&self->w, buf, sizeof(buf), RIG_WAIT_MS));
	rig_leave(&self->w);
	EXPECT_EQ(0, rig_ring_del(self->name));
}

/* Thrown out for it, and told; the others hear it; what was accepted before came */
static void thrown_out(struct __test_metadata *_metadata, FIXTURE_DATA(counter) *self)
{
	struct dmring_ev ev = {};

	rig_submit(&self->m);
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, self->m.kern->state == DMRING_STATE_DETACHED));
	EXPECT_EQ(DMRING_REASON_BADINPUT, self->m.kern->reason);
	/* a moment later */
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, self->m.kern->marks & DMRING_MARK_EVICTED));
	EXPECT_EQ(0, rig_event(&self->w, &ev, RIG_WAIT_MS));
	EXPECT_EQ(DMRING_EV_LEFT, ev.what);
	EXPECT_EQ(DMRING_REASON_BADINPUT, ev.reason);
	EXPECT_EQ(self->m.at.id, ev.arg);
	rig_leave(&self->m);
	ASSERT_EQ(0, rig_join(&self->m, self->name, 0));
}

TEST_F(counter, in_tail)
{
	const uint64_t wrong[] = {
		self->m.at.in_size + 16, 2ULL * self->m.at.in_size, 1ULL << 32, 1ULL << 63,
		~0ULL, -16ULL, 1, 8, 15, 17,
	};
	char buf[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		ASSERT_EQ(0, rig_send(&self->m, "good", 4));
		ASSERT_EQ(4, rig_get_wait(&self->w, buf, sizeof(buf), RIG_WAIT_MS));
		self->m.user->in_tail = self->m.in_tail + wrong[i];
		thrown_out(_metadata, self);
	}
	/* back behind what was taken */
	ASSERT_EQ(0, rig_send(&self->m, "good", 4));
	ASSERT_TRUE(rig_within(RIG_WAIT_MS, self->m.kern->in_head == self->m.in_tail));
	self->m.user->in_tail = 0;
	thrown_out(_metadata, self);
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_REJECTED));
}

/* Marked, but the record says that it is longer than what is marked */
TEST_F(counter, record_beyond_in_tail)
{
	static const uint32_t len[] = { 17, 4096, 1U << 20, ~0U, ~0U - 15, 1U << 31 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		struct dmring_in_rec rec = { .len = len[i], .type = DMRING_REC_DATA };

		memcpy(self->m.in, &rec, sizeof(rec));
		self->m.user->in_tail = 32;
		thrown_out(_metadata, self);
	}
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_MESSAGES));
}

/* A message that is its number; who watches reads at once */
static int send_number(FIXTURE_DATA(counter) *self, uint64_t *number)
{
	char buf[1000] = "";
	int err;

	memcpy(buf, number, sizeof(*number));
	err = rig_send(&self->w, buf, sizeof(buf));
	*number += !err;
	while (rig_get(&self->w, buf, sizeof(buf)) >= 0)
		;
	return err;
}

/*
 * Ahead of what there is, or behind what was read: it is as if it had not read
 * since. What it has not given back is held, all of it, until the right value comes.
 */
TEST_F(counter, log_head)
{
	static const uint64_t wrong[] = { 1ULL << 20, 1ULL << 32, ~0ULL, 1ULL << 63, 0 };
	uint64_t sent = 0, got = 0, n;
	struct rig_rec rec;
	char buf[1000];
	size_t i;
	int count;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		self->m.user->log_head = wrong[i];
		count = rig_fill(self->name, send_number(self, &sent));
		EXPECT_GT(count, 0);
		EXPECT_LT(count, 200);
		EXPECT_EQ(0, self->m.kern->dropped);
		/* the right value, a record at a time, and it goes on to the last one */
		while (got < sent) {
			ASSERT_TRUE(rig_within(RIG_WAIT_MS, !rig_peek(&self->m, &rec)));
			ASSERT_EQ(sizeof(buf), rec.len);
			memcpy(&n, rec.data, sizeof(n));
			ASSERT_EQ(got++, n);
			ASSERT_EQ(0, rig_release(&self->m));
			while (rig_get(&self->w, buf, sizeof(buf)) >= 0)
				;
		}
		EXPECT_EQ(DMRING_STATE_ATTACHED, self->m.kern->state);
	}
	EXPECT_GT(sent, 200);
}

/* A message of a type that there is not: it comes back as an event */
static int put_bad(struct rig_member *m)
{
	const struct dmring_in_rec bad = { .len = 1, .type = 77 };
	int err = rig_put_rec(m, &bad, "x", 1);

	return err ? err : rig_submit(m);
}

/* The output space looks full, or has no room: events are lost, nothing else */
TEST_F(counter, out_head)
{
	static const uint64_t wrong[] = { 1, 8, 1ULL << 20, ~0ULL, 1ULL << 63, -4096ULL };
	struct dmring_ev ev;
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		self->m.user->out_head = self->m.kern->out_tail + wrong[i];
		for (n = 0; n < 200 && !put_bad(&self->m); n++)
			;
		EXPECT_EQ(200, n);
		EXPECT_TRUE(rig_within(RIG_WAIT_MS, self->m.kern->rejected == 200 * (i + 1)));
		EXPECT_EQ(DMRING_STATE_ATTACHED, self->m.kern->state);
	}
	/* put right, events come again */
	self->m.out_head = self->m.kern->out_tail;
	self->m.user->out_head = self->m.out_head;
	ASSERT_EQ(0, put_bad(&self->m));
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, !rig_private_event(&self->m, &ev)));
	EXPECT_EQ(DMRING_EV_REJECTED, ev.what);
}

/* It sleeps too long or not at all; the others do as always */
TEST_F(counter, wake_at)
{
	static const uint64_t wrong[] = { ~0ULL, 1ULL << 63, 1 };
	char buf[8];
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		self->m.user->wake_at = wrong[i];
		for (n = 0; n < 50; n++) {
			ASSERT_EQ(0, rig_send(&self->w, "x", 1));
			ASSERT_EQ(1, rig_get_wait(&self->w, buf, sizeof(buf), RIG_WAIT_MS));
		}
		EXPECT_EQ(i < 2 ? -ETIMEDOUT : 0, rig_enter(&self->m, DMRING_ENTER_READ, 0, 50));
	}
}

TEST_F(counter, reserved_of_the_user_page)
{
	char buf[8];

	memset(self->m.user->pad0, 0xff, sizeof(self->m.user->pad0));
	memset(self->m.user->pad1, 0xff, sizeof(self->m.user->pad1));
	memset(self->m.user->pad2, 0xff, sizeof(self->m.user->pad2));
	memset(self->m.user->pad3, 0xff, sizeof(self->m.user->pad3));
	memset(self->m.user->reserved, 0xff, sizeof(self->m.user->reserved));
	ASSERT_EQ(0, rig_send(&self->m, "x", 1));
	EXPECT_EQ(1, rig_get_wait(&self->w, buf, sizeof(buf), RIG_WAIT_MS));
	EXPECT_EQ(DMRING_STATE_ATTACHED, self->m.kern->state);
}

/* A length that changes between two looks must not be looked at twice */
struct flipper {
	struct rig_member *m;
	bool stop;
};

static void *flip(void *arg)
{
	struct flipper *f = arg;
	size_t at;

	while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
		for (at = 0; at < f->m->at.in_size; at += 256) {
			volatile struct dmring_in_rec *rec = (void *)(f->m->in + at);

			rec->len = 1000;
			rec->len = 240;
			rec->type = 9;
			rec->type = DMRING_REC_DATA;
		}
	}
	return NULL;
}

/* Until it is thrown out, or for a while; how many of the right length were seen */
static unsigned int send_and_flip(struct __test_metadata *_metadata, FIXTURE_DATA(counter) *self)
{
	struct flipper f = { .m = &self->m };
	uint64_t end = rig_ms() + 5000;
	pthread_t thread;
	unsigned int seen = 0, odd = 0;
	struct rig_rec rec;
	char buf[240] = "";
	int err;

	ASSERT_EQ(0, pthread_create(&thread, NULL, flip, &f));
	while (rig_ms() < end) {
		err = rig_send(&self->m, buf, sizeof(buf));
		if (self->m.kern->state != DMRING_STATE_ATTACHED)
			break;
		ASSERT_TRUE(!err || err == -EAGAIN);
		self->m.user->log_head = self->m.group->index_tail;
		self->m.user->out_head = self->m.kern->out_tail;
		while (!rig_peek(&self->w, &rec)) {
			seen += rec.len == 240;
			odd += rec.type == DMRING_REC_DATA && rec.len != 240 && rec.len != 1000;
		}
		ASSERT_EQ(0, rig_release(&self->w));
	}
	__atomic_store_n(&f.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, odd);
	EXPECT_TRUE(self->m.kern->state == DMRING_STATE_ATTACHED ||
		    self->m.kern->reason == DMRING_REASON_BADINPUT);
	while (!rig_peek(&self->w, &rec))
		;
	rig_release(&self->w);
	return seen;
}

TEST_F(counter, length_that_changes)
{
	unsigned int seen, tries = 20;

	/* the first one may be what it is thrown out for */
	while (!(seen = send_and_flip(_metadata, self)) && --tries) {
		rig_leave(&self->m);
		ASSERT_EQ(0, rig_join(&self->m, self->name, 0));
	}
	EXPECT_GT(seen, 0);
}

TEST_HARNESS_MAIN
