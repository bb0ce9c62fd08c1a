// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the checker catch what it is there to catch? Each fault is planted into
 * a stream that is otherwise whole.
 *
 *	traffic_make() --> queue --(fault planted here)--> traffic_see()
 */
#include "kself.h"
#include "traffic.h"

#define MESSAGES	1000
#define LEN_MAX		300

FIXTURE(checker) {
	struct traffic t;
	char buf[LEN_MAX];
};

FIXTURE_SETUP(checker)
{
	traffic_init(&self->t, false);
}

FIXTURE_TEARDOWN(checker)
{
	traffic_free(&self->t);
}

static size_t make(char *buf, uint32_t sender, uint64_t number)
{
	size_t len = traffic_len(sender, number, LEN_MAX);

	traffic_make(buf, len, sender, number);
	return len;
}

/* Messages @from up to @to of two senders in turn */
static void feed(struct traffic *t, uint64_t from, uint64_t to)
{
	char buf[LEN_MAX];
	uint32_t sender;

	for (; from < to; from++)
		for (sender = 0; sender < 2; sender++)
			traffic_see(t, buf, make(buf, sender, from));
}

static void end(struct traffic *t)
{
	traffic_sent(t, 0, MESSAGES);
	traffic_sent(t, 1, MESSAGES);
}

TEST_F(checker, whole)
{
	feed(&self->t, 0, MESSAGES);
	end(&self->t);
	EXPECT_TRUE(traffic_clean(&self->t)) TH_LOG("%s", traffic_text(&self->t));
	EXPECT_EQ(2 * MESSAGES, self->t.got);
}

TEST_F(checker, lost_in_the_middle)
{
	feed(&self->t, 0, 500);
	feed(&self->t, 503, MESSAGES);
	end(&self->t);
	EXPECT_EQ(6, self->t.lost);
	EXPECT_EQ(0, self->t.doubled + self->t.reordered + self->t.damaged);
	EXPECT_FALSE(traffic_clean(&self->t));
}

TEST_F(checker, lost_at_the_beginning)
{
	feed(&self->t, 1, MESSAGES);
	end(&self->t);
	EXPECT_EQ(2, self->t.lost);
}

TEST_F(checker, lost_at_the_end)
{
	feed(&self->t, 0, MESSAGES - 1);
	EXPECT_TRUE(traffic_clean(&self->t));
	end(&self->t);
	EXPECT_EQ(2, self->t.lost);
}

TEST_F(checker, all_lost)
{
	end(&self->t);
	EXPECT_EQ(2 * MESSAGES, self->t.lost);
}

TEST_F(checker, doubled)
{
	feed(&self->t, 0, 500);
	feed(&self->t, 499, MESSAGES);
	end(&self->t);
	EXPECT_EQ(2, self->t.doubled);
	EXPECT_EQ(0, self->t.lost + self->t.reordered + self->t.damaged);
}

TEST_F(checker, doubled_much_later)
{
	feed(&self->t, 0, MESSAGES);
	traffic_see(&self->t, self->buf, make(self->buf, 1, 0));
	end(&self->t);
	EXPECT_EQ(1, self->t.doubled);
}

TEST_F(checker, more_than_were_sent)
{
	feed(&self->t, 0, MESSAGES + 1);
	end(&self->t);
	EXPECT_EQ(2, self->t.doubled);
}

TEST_F(checker, swapped)
{
	feed(&self->t, 0, 500);
	traffic_see(&self->t, self->buf, make(self->buf, 0, 501));
	traffic_see(&self->t, self->buf, make(self->buf, 0, 500));
	traffic_see(&self->t, self->buf, make(self->buf, 1, 500));
	traffic_see(&self->t, self->buf, make(self->buf, 1, 501));
	feed(&self->t, 502, MESSAGES);
	end(&self->t);
	EXPECT_EQ(1, self->t.reordered);
	EXPECT_EQ(0, self->t.lost + self->t.doubled + self->t.damaged);
}

TEST_F(checker, one_bit_damaged)
{
	size_t len, bit;

	feed(&self->t, 0, 500);
	len = make(self->buf, 0, 500);
	for (bit = 0; bit < len * 8; bit++) {
		self->buf[bit / 8] ^= 1 << (bit % 8);
		traffic_see(&self->t, self->buf, len);
		self->buf[bit / 8] ^= 1 << (bit % 8);
	}
	EXPECT_EQ(len * 8, self->t.damaged);
	EXPECT_EQ(1000, self->t.got);
}

TEST_F(checker, cut_short)
{
	size_t len = make(self->buf, 0, 0);
	size_t n;

	for (n = 0; n < len; n++)
		traffic_see(&self->t, self->buf, n);
	EXPECT_EQ(len, self->t.damaged);
}

TEST_F(checker, torn)
{
	char other[LEN_MAX];
	size_t n;

	traffic_make(self->buf, LEN_MAX, 0, 0);
	traffic_make(other, LEN_MAX, 0, 1);
	for (n = 1; n < LEN_MAX; n++) {
		char both[LEN_MAX];

		memcpy(both, self->buf, n);
		memcpy(both + n, other + n, LEN_MAX - n);
		traffic_see(&self->t, both, LEN_MAX);
	}
	/* but for a tear that happens to be none: equal bytes on one side of it */
	EXPECT_GE(self->t.damaged, LEN_MAX - 3);
	EXPECT_EQ(0, self->t.got + self->t.damaged - (LEN_MAX - 1));
}

TEST_F(checker, joins_late)
{
	self->t.joins_late = true;
	feed(&self->t, 300, MESSAGES);
	end(&self->t);
	EXPECT_TRUE(traffic_clean(&self->t)) TH_LOG("%s", traffic_text(&self->t));
	EXPECT_EQ(2 * (MESSAGES - 300), self->t.got);
}

TEST_HARNESS_MAIN
