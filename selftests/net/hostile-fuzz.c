// SPDX-License-Identifier: GPL-2.0-only
#include "hostile.h"

#define FRAMES	6	/* of a round, at most */

static u32 next(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Some frame, right as it is */
static u32 make(const struct fake *f, u8 *buf, u32 *random)
{
	u32 what = next(random) % 7;

	switch (what) {
	case 0:
		return fake_hello(f, buf);
	case 1:
		return dmring_wire_put_refuse(buf, -EPERM, "fuzz");
	case 2:
		return fake_marks(buf, FAKE_NODE, f->seq, 0, 0);
	case 3:
		return fake_marks(buf, FAKE_HOST, f->have, 0, 0);
	case 4:
		return fake_beat(f, buf);
	case 5:
		return dmring_wire_put_order(buf, &(struct dmring_order_frame){
			.view = 1, .inc = FAKE_INC, .count = 1, .run = { { FAKE_NODE, 1 } },
		});
	}
	return fake_data(f, buf, FAKE_NODE, f->seq + 1, "fuzzed message", 14);
}

static const u32 odd[] = { 0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff };

/* Change a few bytes or words, or the length of it all */
static u32 spoil(u8 *buf, u32 len, u32 *random)
{
	u32 n = next(random) % 4;

	while (n--) {
		u32 at = next(random) % len;

		if (next(random) % 2)
			buf[at] ^= 1 << next(random) % 8;
		else if (len >= 4)
			dmring_put32(buf + (at & ~3U) % (len - 3),
				     odd[next(random) % ARRAY_SIZE(odd)]);
	}
	if (next(random) % 8 == 0)
		len = next(random) % len + 1;
	return len;
}

/* A link that stands, as far as it goes */
static void greet(struct fake *f, u32 seed)
{
	u8 buf[DMRING_WIRE_BEAT];

	if (fake_connect(f) || fake_greet(f))
		hostile_failed("seed %u: no answer to a right greeting", seed);
	else
		fake_send(f->to, buf, fake_beat(f, buf));
}

bool hostile_fuzz(struct fake *f, u32 seed)
{
	u32 random = seed * 2654435761U + 1;
	u32 frames = next(&random) % FRAMES + 1;
	bool stranger = next(&random) % 3 == 0;
	bool backward = next(&random) % 32 == 0;
	u8 buf[FAKE_FRAME];

	if (!stranger)
		greet(f, seed);
	else if (fake_connect(f))
		hostile_failed("seed %u: no connection", seed);
	while (frames--) {
		u32 len = spoil(buf, make(f, buf, &random), &random);

		if (fake_send(backward ? f->from : f->to, buf, len))
			break;
	}
	if (backward)
		fake_end(&f->from);
	fake_end(&f->to);
	return backward;
}
