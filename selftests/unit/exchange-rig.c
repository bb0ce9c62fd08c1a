// SPDX-License-Identifier: GPL-2.0-only
/*
 * See exchange-rig.h.
 */
#include "exchange-rig.h"

/* most of the ops do nothing */
#pragma GCC diagnostic ignored "-Wunused-parameter"

struct dmring_call calls_table[DMRING_CALLS_TABLE];
struct dmring_host_offer offers[DMRING_OFFERS_TABLE];
struct dmring_exchange x;
struct dmring_view view;

struct exchange_ring ring;

static int serve(void *of, const struct dmring_parcel *p, u64 deadline, const void *load,
		 struct dmring_call *c)
{
	ring.served++;
	ring.deadline = deadline;
	if (!ring.serve && c)
		dmring_exchange_hand(&x, c, SERVER, 0);
	return ring.serve;
}

static bool move_on(void *of, struct dmring_call *c)
{
	if (ring.moves)
		dmring_exchange_hand(&x, c, OTHER, 0);
	return ring.moves;
}

static int reply(void *of, const struct dmring_call *c, u32 error, u32 flags, const void *load)
{
	ring.replies++;
	return ring.reply;
}

static bool tell(void *of, const struct dmring_call *c, u32 error, u32 flags)
{
	if (ring.full)
		return false;
	ring.told++;
	ring.error = error;
	ring.end = flags;
	return true;
}

static void wants_room(void *of, struct dmring_party *client)
{
	ring.wants += client == CLIENT;
}

static void missed(void *of, const struct dmring_parcel *p)
{
	ring.missed += p->member == NAME && p->arg == 5;
}

static void nothing(void *of)
{
}

static void look(void *of, u64 when)
{
	ring.looks++;
}

static const struct dmring_exchange_ops ops = {
	.serve = serve, .move_on = move_on, .reply = reply, .tell = tell,
	.wants_room = wants_room, .missed = missed, .retry = nothing, .look = look,
	.due = nothing,
};

void fresh(void)
{
	u32 i;

	memset(&ring, 0, sizeof(ring));
	view.count = 2;
	for (i = 0; i < DMRING_HOSTS_MAX; i++)
		view.node[i] = HERE + i;
	dmring_exchange_init(&x, &ops, NULL, HERE, &view, calls_table, offers);
}

struct dmring_call *begin(u32 flags, u64 deadline)
{
	static u64 seed = 3;

	return dmring_exchange_begin(&x, CLIENT, 5, flags, deadline,
				     next_random(&seed));
}

struct dmring_call *gone_far(u32 flags, u64 deadline)
{
	struct dmring_parcel p = { .dest = FAR };
	struct dmring_call *c = begin(flags, deadline);

	dmring_exchange_send(&x, c, &p, 100);
	CHECK(p.no == c->no);
	return c;
}

struct dmring_call *held(u32 flags)
{
	struct dmring_call *c = begin(flags, 0);

	dmring_exchange_hand(&x, c, SERVER, 0);
	return c;
}

void arrives(u8 kind, u32 from, u64 no, u8 flags, u16 error, u64 arg)
{
	struct dmring_parcel p = {
		.kind = kind, .flags = flags, .error = error, .from = from, .dest = HERE,
		.no = no, .arg = arg, .name = "x",
	};
	static u64 seed = 4;

	dmring_exchange_arrived(&x, &p, NULL, 1000, next_random(&seed));
}

void request_of(u32 from, u64 no)
{
	arrives(DMRING_PARCEL_REQUEST, from, no, 0, 0, 0);
}

void replies(u32 from, u64 no, u8 flags, u16 error)
{
	arrives(DMRING_PARCEL_REPLY, from, no, flags, error, 0);
}

void check_empty(void)
{
	u32 i;

	CHECK(!x.calls.used && !x.calls.tell.count);
	for (i = 0; i < 3; i++)
		CHECK(!ring.party[i].calls[0].count && !ring.party[i].calls[1].count &&
		      !ring.party[i].ends_due);
}
