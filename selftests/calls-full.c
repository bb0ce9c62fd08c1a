// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on a ring that is full: who needs no room there does not wait for those who do, and
 * what waits is not lost.
 *
 *	full --- messages, until the next one finds no room ---> log ---> lazy (does not read)
 *	c    --- requests ---> s, and full
 */
#include "calls.h"

FIXTURE(full) {
	const char *name;
	struct dmring *lazy;
	struct dmring *full;
	struct dmring *c;
	struct dmring *s;
	int sent;	/* by @full */
	int requests;	/* that @s has been handed while it was skipping, */
	int after;	/* the last one after this message */
	int replies;	/* that @c has got likewise, */
	uint64_t ref;	/* the last one to this, */
	int error;	/* and with that */
};

#define PIECE	3000

static int send_piece(struct dmring *r, int no)
{
	char piece[PIECE];

	memset(piece, no, sizeof(piece));
	memcpy(piece, &no, sizeof(no));
	return dmring_send(r, piece, sizeof(piece));
}

static int send_next(FIXTURE_DATA(full) *self)
{
	int err = send_piece(self->full, self->sent);

	self->sent += !err;
	return err;
}

FIXTURE_SETUP(full)
{
	const struct rig_conf conf = {
		.mode = 0666, .slow = DMRING_SLOW_BLOCK, .log = 64 << 10,
	};

	self->name = rig_name("full");
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	self->lazy = join(self->name, 0);
	self->full = join(self->name, 0);
	self->c = join(self->name, 0);
	self->s = join(self->name, 8192);
	ASSERT_TRUE(self->lazy && self->full && self->c && self->s) TH_LOG("%s", dmring_why());
	ASSERT_EQ(0, dmring_offer(self->s, "work", NULL));
	/* all that log and input space take together */
	ASSERT_LE(0, rig_fill(self->name, send_next(self)));
	ASSERT_GT(100, self->sent);
	ASSERT_LT(20, self->sent);
	ASSERT_LT(0, rig_ring_stat(self->name, DMRING_A_STAT_FULL));
}

FIXTURE_TEARDOWN(full)
{
	leave(&self->lazy);
	leave(&self->full);
	leave(&self->c);
	leave(&self->s);
	EXPECT_EQ(0, rig_ring_del(self->name));
}

/* Read all that is there and throw it away */
static void skip(FIXTURE_DATA(full) *self, struct dmring *r)
{
	struct dmring_msg m;
	int no = -1;

	while (r && !dmring_peek(r, &m)) {
		if (m.type == DMRING_REC_DATA)
			memcpy(&no, m.data, sizeof(no));
		if (m.type == DMRING_REC_REQUEST)
			self->after = no;
		self->requests += m.type == DMRING_REC_REQUEST;
		if (m.type == DMRING_REC_REPLY) {
			self->replies++;
			self->ref = m.ref;
			self->error = m.error;
		}
		dmring_release(r);
	}
}

/* All that @full had sent comes to @lazy, in order and whole; the others do not hold it up */
static void comes_whole(struct __test_metadata *_metadata, FIXTURE_DATA(full) *self)
{
	struct dmring_msg m;
	int no, i;

	for (no = 0; no < self->sent; no++) {
		skip(self, self->full);
		skip(self, self->c);
		skip(self, self->s);
		ASSERT_EQ(0, next(self->lazy, &m, WAIT_MS)) TH_LOG("%d of %d", no, self->sent);
		ASSERT_EQ(PIECE, m.len);
		ASSERT_EQ(0, memcmp(m.data, &no, sizeof(no)));
		for (i = sizeof(no); i < PIECE; i++)
			ASSERT_EQ((char)no, ((const char *)m.data)[i]);
		ASSERT_EQ(0, dmring_release(self->lazy));
	}
}

/* Who needs no room on the ring does not wait for those who do */
TEST_F(full, others_go_on)
{
	uint64_t i;

	skip(self, self->s);
	skip(self, self->c);
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, ask(self->c, "hello", i, 0, WAIT_MS));
		ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, "hello"), "world", 5));
		ends(_metadata, self->c, i, 0, "world");
	}
	/* one whose time passes while nobody takes it */
	ASSERT_EQ(0, ask(self->c, "late", 50, 0, PAST));
	ends(_metadata, self->c, 50, -ETIMEDOUT, "");
	/* and the end of a server */
	ASSERT_EQ(0, ask(self->c, "gone", 51, 0, WAIT_MS));
	ASSERT_TRUE(are_open(self->name, 1));
	leave(&self->s);
	ends(_metadata, self->c, 51, -EOWNERDEAD, "");
	comes_whole(_metadata, self);
}

/* Behind a message that waits for room: it is not for its caller to wait longer than it said */
TEST_F(full, behind_what_waits)
{
	uint64_t begin;
	char buf[8];

	skip(self, self->full);
	begin = rig_ms();
	EXPECT_EQ(-ETIMEDOUT, dmring_call(self->full, "work", "x", 1, buf, sizeof(buf), 200));
	EXPECT_LE(200, rig_ms() - begin);
	EXPECT_GT(WAIT_MS, rig_ms() - begin);
	comes_whole(_metadata, self);
	/* its time is over: it comes to nobody, and its end is nobody's any more */
	skip(self, self->s);
	nothing(_metadata, self->s);
	skip(self, self->full);
	nothing(_metadata, self->full);
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_CALLS_OPEN));
}

/* What those who leave had accepted waits for room, and none of it is lost */
TEST_F(full, nothing_is_lost)
{
	uint64_t i;

	skip(self, self->s);
	leave(&self->full);
	skip(self, self->c);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, ask(self->c, "hello", i, 0, WAIT_MS));
		ASSERT_EQ(0, dmring_reply(self->s, request(_metadata, self->s, "hello"), "", 0));
		ends(_metadata, self->c, i, 0, "");
	}
	/* a second one, with a request behind a message that waits for room */
	ASSERT_EQ(0, send_piece(self->c, 99));
	ASSERT_EQ(0, ask(self->c, "last", 0, DMRING_REQUEST_ONE_WAY, -1));
	leave(&self->c);
	nothing(_metadata, self->s);
	self->requests = 0;
	comes_whole(_metadata, self);
	ASSERT_TRUE(rig_within(WAIT_MS, (skip(self, self->s), self->requests)));
	EXPECT_EQ(1, self->requests);
	EXPECT_EQ(99, self->after);
}

/* The next request before @r, whatever is in front; its capability */
static uint64_t cap_of(struct __test_metadata *_metadata, struct dmring *r)
{
	struct dmring_msg m;
	uint64_t cap = 0;

	while (!cap) {
		ASSERT_EQ(0, next(r, &m, WAIT_MS));
		cap = m.type == DMRING_REC_REQUEST ? m.ref : 0;
		ASSERT_EQ(0, dmring_release(r));
	}
	return cap;
}

/* Its last messages wait for room; who waits for its replies need not wait for that */
TEST_F(full, a_server_leaves)
{
	uint64_t cap;

	ASSERT_EQ(0, dmring_offer(self->full, "full", NULL));
	ASSERT_EQ(0, dmring_call_start(self->c, "full", "a", 1, 1, 0, -1));
	ASSERT_EQ(0, dmring_call_start(self->c, "full", "b", 1, 2, 0, -1));
	cap = cap_of(_metadata, self->full);
	cap_of(_metadata, self->full);
	ASSERT_EQ(0, dmring_reply(self->full, cap, "reply", 5));
	skip(self, self->c);
	leave(&self->full);
	/* the one that it has not answered */
	ASSERT_TRUE(rig_within(WAIT_MS, (skip(self, self->c), self->replies)));
	EXPECT_EQ(2, self->ref);
	EXPECT_EQ(-EOWNERDEAD, self->error);
	nothing(_metadata, self->c);
	EXPECT_EQ(1, self->replies);
	/* and the other one, whose answer stands behind what finds no room */
	comes_whole(_metadata, self);
	ASSERT_TRUE(rig_within(WAIT_MS, (skip(self, self->c), self->replies > 1)));
	EXPECT_EQ(2, self->replies);
	EXPECT_EQ(1, self->ref);
	EXPECT_EQ(0, self->error);
	EXPECT_EQ(0, rig_ring_stat(self->name, DMRING_A_STAT_CALLS_OPEN));
}

TEST_HARNESS_MAIN
