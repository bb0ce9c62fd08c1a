// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <unistd.h>

#include "hostile.h"

/* Say this on a link that stands, and be cut off for it */
static void say(int *fd, const u8 *buf, u32 len)
{
	fake_send(*fd, buf, len);
	if (!fake_closed(*fd))
		hostile_failed("the connection was not closed");
	fake_end(fd);
}

/*
 * As the predecessor, in the stream: a frame with one thing wrong
 */

/* Frames that a case may spoil: right as they are */
static u32 good_data(const struct fake *f, u8 *buf)
{
	return fake_data(f, buf, FAKE_NODE, f->seq + 1, "smuggled", 8);
}

static u32 good_marks(const struct fake *f, u8 *buf)
{
	return fake_marks(buf, FAKE_NODE, f->seq, 0, 0);
}

/* Right on a ring of another order */
static u32 an_order(const struct fake *f, u8 *buf)
{
	const struct dmring_order_frame runs = {
		.view = 1, .inc = FAKE_INC, .count = 1, .run = { { FAKE_NODE, 1 } },
	};

	(void)f;
	return dmring_wire_put_order(buf, &runs);
}

#define SPOILED(name, make, change)					\
	static void name(struct fake *f)				\
	{								\
		u8 buf[FAKE_FRAME] = {};				\
		u32 len = make(f, buf);					\
									\
		change;							\
		say(&f->to, buf, len);					\
	}

SPOILED(type_unknown, fake_beat, buf[4] = 77)
SPOILED(type_zero, fake_beat, buf[4] = 0)
SPOILED(flags_unknown, fake_beat, buf[5] = 0x80)
SPOILED(reserved_set, fake_beat, buf[7] = 1)
SPOILED(length_huge, good_data, dmring_put32(buf, 0xffffffff))
SPOILED(length_big, good_data, dmring_put32(buf, DMRING_WIRE_DATA + DMRING_MSG_MAX))
SPOILED(length_small, good_data, dmring_put32(buf, 7))
SPOILED(length_zero, good_data, dmring_put32(buf, 0))
SPOILED(length_beat, fake_beat, dmring_put32(buf, 4000))
SPOILED(data_inner_more, good_data, dmring_put32(buf + 32, 9))
SPOILED(data_inner_less, good_data, dmring_put32(buf + 32, 0))
SPOILED(data_type, good_data, dmring_put16(buf + 36, DMRING_REC_EVENT))
SPOILED(data_flags, good_data, dmring_put16(buf + 38, 0x8000))
SPOILED(data_ident, good_data, buf[5] = DMRING_FRAME_IDENT)
SPOILED(data_brief, good_data, buf[5] = DMRING_FRAME_BRIEF)
SPOILED(data_gap, good_data, dmring_put64(buf + 24, f->seq + 2))
SPOILED(data_far, good_data, dmring_put64(buf + 24, ~0ULL))
SPOILED(data_zero, good_data, dmring_put64(buf + 24, 0))
SPOILED(data_inc, good_data, dmring_put64(buf + 16, FAKE_INC + 1))
SPOILED(data_inc_zero, good_data, dmring_put64(buf + 16, 0))
SPOILED(data_view, good_data, dmring_put32(buf + 12, 2))
SPOILED(data_stranger, good_data, dmring_put32(buf + 8, 9))
SPOILED(data_node_zero, good_data, dmring_put32(buf + 8, 0))
SPOILED(marks_stable, good_marks, dmring_put64(buf + 32, f->seq + 1))
SPOILED(marks_released, good_marks, dmring_put64(buf + 40, 1ULL << 60))
SPOILED(marks_want, good_marks, dmring_put64(buf + 48, 1ULL << 60))
SPOILED(marks_stranger, good_marks, dmring_put32(buf + 24, 9))
SPOILED(marks_count, good_marks, dmring_put16(buf + 8, 2))
SPOILED(marks_none, good_marks, dmring_put16(buf + 8, 0))
SPOILED(marks_many, good_marks, dmring_put16(buf + 8, 0xffff))
SPOILED(marks_reserved, good_marks, buf[28] = 1)
SPOILED(marks_ordered, good_marks, dmring_put64(buf + 16, 1))
SPOILED(beat_chain, fake_beat, dmring_put16(buf + 8, 3))
SPOILED(beat_chain_most, fake_beat, dmring_put16(buf + 8, 0xffff))
SPOILED(beat_log, fake_beat, dmring_put32(buf + 12, 4097))
SPOILED(beat_rec, fake_beat, dmring_put32(buf + 16, 0))
SPOILED(beat_sizes, fake_beat, (buf[10] = 1, dmring_put32(buf + 12, DMRING_LOG_MIN)))
SPOILED(beat_reserved, fake_beat, buf[20] = 1)
SPOILED(order_fifo, an_order, (void)0)
SPOILED(order_runs, an_order, dmring_put16(buf + 8, 65))
SPOILED(order_empty, an_order, dmring_put32(buf + 36, 0))
SPOILED(hello_again, fake_hello, (void)0)

static u32 a_parcel(const struct fake *f, u8 *buf, const struct dmring_parcel *p, u32 len)
{
	u8 payload[DMRING_WIRE_PARCEL + DMRING_STATUS_SIZE] = {};

	dmring_parcel_put(payload, p);
	len = fake_data(f, buf, FAKE_NODE, f->seq + 1, payload, DMRING_WIRE_PARCEL + len);
	dmring_put16(buf + 36, DMRING_REC_PARCEL);
	return len;
}

static u32 an_offer(const struct fake *f, u8 *buf)
{
	return a_parcel(f, buf, &(struct dmring_parcel){
		.kind = DMRING_PARCEL_OFFER, .from = FAKE_NODE, .member = 1, .name = "svc" }, 0);
}

static u32 a_reply(const struct fake *f, u8 *buf)
{
	return a_parcel(f, buf, &(struct dmring_parcel){
		.kind = DMRING_PARCEL_REPLY, .dest = FAKE_HOST, .from = FAKE_NODE, .no = 4711 }, 0);
}

static u32 a_status(const struct fake *f, u8 *buf)
{
	return a_parcel(f, buf, &(struct dmring_parcel){
		.kind = DMRING_PARCEL_STATUS, .from = FAKE_NODE, .member = 1 },
		DMRING_STATUS_SIZE);
}

#define PARCEL(field)	(buf + DMRING_WIRE_DATA + (field))

SPOILED(parcel_kind, an_offer, *PARCEL(0) = 0)
SPOILED(parcel_kind_most, an_offer, *PARCEL(0) = 0xff)
SPOILED(parcel_dest, a_reply, dmring_put32(PARCEL(4), FAKE_NODE))
SPOILED(parcel_from, a_reply, dmring_put32(PARCEL(8), FAKE_HOST))
SPOILED(parcel_error, a_reply, dmring_put16(PARCEL(2), 5000))
SPOILED(parcel_flags, a_reply, *PARCEL(1) = 0x80)
SPOILED(parcel_name, an_offer, *PARCEL(32) = '\n')
SPOILED(parcel_no_name, an_offer, memset(PARCEL(32), 0, DMRING_NAME_SIZE))
SPOILED(parcel_members, an_offer, dmring_put32(PARCEL(12), ~0U))
SPOILED(parcel_text, a_status, *PARCEL(70) = 7)
SPOILED(parcel_gone, a_status, *PARCEL(1) = DMRING_STATUS_GONE)
SPOILED(parcel_id, a_status, dmring_put32(PARCEL(12), DMRING_SLOTS_MAX))

/* Whole, but as if it were the header only; the header only, of one that is for the module */
SPOILED(parcel_brief, a_status, buf[5] = DMRING_FRAME_BRIEF)

static void parcel_cut(struct fake *f)
{
	const struct dmring_parcel p = {
		.kind = DMRING_PARCEL_REQUEST, .dest = FAKE_HOST, .from = FAKE_NODE, .no = 1,
		.name = "work",
	};
	const struct dmring_data d = {
		.node = FAKE_NODE, .view = 1, .inc = FAKE_INC, .seq = f->seq + 1, .len = 4000,
		.type = DMRING_REC_PARCEL, .brief = true,
	};
	u8 buf[DMRING_WIRE_DATA + DMRING_WIRE_PARCEL];

	dmring_wire_put_data(buf, &d);
	dmring_parcel_put(buf + DMRING_WIRE_DATA, &p);
	say(&f->to, buf, sizeof(buf));
}

static void parcel_short(struct fake *f)
{
	u8 buf[FAKE_FRAME];
	u32 len = good_data(f, buf);

	dmring_put16(buf + 36, DMRING_REC_PARCEL);
	say(&f->to, buf, len);
}

/* After the link was closed: what the module took is to be read, and is stable from now on */
static void come_back(struct fake *f)
{
	u8 buf[FAKE_FRAME];

	fake_connect(f);
	if (fake_greet(f))
		hostile_failed("no answer to a greeting");
	fake_send(f->to, buf, fake_beat(f, buf));
	fake_send(f->to, buf, fake_marks(buf, FAKE_NODE, f->seq, 0, 0));
}

/* Names without end: the link is closed at the one too many, and the table keeps its size */
static void offers_flood(struct fake *f)
{
	u8 buf[FAKE_FRAME];
	u32 i;

	for (i = 0; i < 10 * DMRING_OFFERS_MAX; i++) {
		u32 len = an_offer(f, buf);

		dmring_put16(PARCEL(32), 0x6161 + i % 20 + 256 * (i / 20 % 20));
		*PARCEL(35) = 'a' + i / 400;
		if (fake_send(f->to, buf, len))
			break;
		f->seq++;
	}
	if (!fake_closed(f->to))
		hostile_failed("%u offers passed", i);
	come_back(f);
}

/* Replies to what was never asked are dropped, and the link goes on */
static void replies_unasked(struct fake *f)
{
	u64 before = hostile_stat("stale");
	u8 buf[FAKE_FRAME];
	int i, tries = 200;

	for (i = 0; i < 20; i++) {
		fake_send(f->to, buf, a_reply(f, buf));
		f->seq++;
	}
	while (hostile_stat("stale") < before + 20 && tries--)
		usleep(100000);
	if (hostile_stat("stale") != before + 20)
		hostile_failed("stale: %llu, before %llu", hostile_stat("stale"), before);
}

/* Word that a request to each was missed, for all members beyond the module's small table */
static void missed_beyond(struct fake *f)
{
	u8 buf[FAKE_FRAME];
	u32 id;

	for (id = FAKE_SLOTS; id < DMRING_SLOTS_MAX; id++) {
		u32 len = a_parcel(f, buf, &(struct dmring_parcel){
			.kind = DMRING_PARCEL_REPLY, .flags = DMRING_REPLY_RING, .error = EAGAIN,
			.dest = FAKE_HOST, .from = FAKE_NODE, .member = id }, 0);

		if (fake_send(f->to, buf, len)) {
			hostile_failed("not taken of member %u", id);
			return;
		}
		f->seq++;
		if (id % 64)
			continue;
		/* they are stable, so there is room for more; the module is to take them in before that */
		usleep(20000);
		fake_send(f->to, buf, fake_marks(buf, FAKE_NODE, f->seq, 0, 0));
	}
}

static void data_own(struct fake *f)
{
	u8 buf[FAKE_FRAME];

	say(&f->to, buf, fake_data(f, buf, FAKE_HOST, f->have + 1, "yours", 5));
}

static void ack_unsent(struct fake *f)
{
	u8 buf[FAKE_FRAME];

	say(&f->to, buf, fake_marks(buf, FAKE_HOST, f->have + 1, 0, 0));
}

static void release_unsent(struct fake *f)
{
	u8 buf[FAKE_FRAME];

	say(&f->to, buf, fake_marks(buf, FAKE_HOST, 0, 1ULL << 40, 0));
}

static void marks_unsorted(struct fake *f)
{
	const struct dmring_mark m[2] = { { .node = FAKE_HOST }, { .node = FAKE_NODE } };
	u8 buf[FAKE_FRAME];

	(void)f;
	dmring_wire_put_marks(buf, 0, 2);
	dmring_wire_put_mark(buf, 0, &m[0]);
	dmring_wire_put_mark(buf, 1, &m[1]);
	say(&f->to, buf, DMRING_WIRE_MARKS + 2 * DMRING_WIRE_MARK);
}

static void refuse_late(struct fake *f)
{
	u8 buf[DMRING_WIRE_REFUSE_MAX];

	say(&f->to, buf, dmring_wire_put_refuse(buf, -EPERM, "changed my mind"));
}

/* More than its window, never stable: the module has to stop us before its log is full */
static void window_full(struct fake *f)
{
	static u8 payload[4000];
	u8 buf[FAKE_FRAME];
	u32 sent = 0;

	while (sent < 2 * FAKE_LOG) {
		u32 len = fake_data(f, buf, FAKE_NODE, f->seq + 1, payload, sizeof(payload));

		if (fake_send(f->to, buf, len))
			break;
		f->seq++;
		sent += sizeof(payload);
	}
	if (!fake_closed(f->to))
		hostile_failed("%u bytes passed a window of less than %u", sent, FAKE_LOG);
	come_back(f);
}

/* Not wrong, only late: discarded, and the link goes on */
static void duplicate(struct fake *f)
{
	u64 before = hostile_stat("duplicates");
	u8 buf[FAKE_FRAME];
	int tries = 200;

	fake_send(f->to, buf, fake_data(f, buf, FAKE_NODE, f->seq, "again", 5));
	fake_send(f->to, buf, fake_data(f, buf, FAKE_NODE, 1, "again", 5));
	while (hostile_stat("duplicates") < before + 2 && tries--)
		usleep(100000);
	if (hostile_stat("duplicates") != before + 2)
		hostile_failed("duplicates: %llu, before %llu", hostile_stat("duplicates"), before);
}

/* A message of which only a part comes is none; sent whole the next time, it is one */
static void half_frames(struct fake *f)
{
	static const u32 cut[] = { 1, 7, 8, 9, 39, 40, 41, 44 };
	u8 buf[FAKE_FRAME];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cut); i++) {
		u64 before = f->seq;

		good_data(f, buf);
		fake_send(f->to, buf, cut[i]);
		if (fake_connect(f) || fake_greet(f))
			hostile_failed("no answer after %u bytes", cut[i]);
		if (f->seq != before)
			hostile_failed("%u bytes of a frame were taken for a message", cut[i]);
		fake_send(f->to, buf, fake_beat(f, buf));
	}
}

/* Every frame in single bytes, slowly */
static void single_bytes(struct fake *f)
{
	u8 buf[FAKE_FRAME];
	u32 i, len = good_data(f, buf);

	for (i = 0; i < len; i++) {
		if (fake_send(f->to, buf + i, 1))
			hostile_failed("the connection was closed after %u bytes", i);
		usleep(2000);
	}
	f->seq++;
}

/*
 * As the successor: what an acceptor must not say
 */

#define BACKWARD(name, make)						\
	static void name(struct fake *f)				\
	{								\
		u8 buf[FAKE_FRAME];					\
									\
		say(&f->from, buf, make(f, buf));			\
	}

static u32 garbage(const struct fake *f, u8 *buf)
{
	u32 i;

	(void)f;
	for (i = 0; i < 200; i++)
		buf[i] = 37 * i + 11;
	return i;
}

BACKWARD(backward_data, good_data)
BACKWARD(backward_marks, good_marks)
BACKWARD(backward_beat, fake_beat)
BACKWARD(backward_hello, fake_hello)
BACKWARD(backward_garbage, garbage)

/* It greets; the answer is @buf */
static void answer(struct fake *f, const u8 *buf, u32 len)
{
	int err;

	fake_end(&f->from);
	err = fake_accept(f);
	if (err)
		hostile_failed("it does not connect: %s", strerror(-err));
	else
		say(&f->from, buf, len);
}

#define ANSWER(name, make, change)					\
	static void name(struct fake *f)				\
	{								\
		u8 buf[FAKE_FRAME] = {};				\
		u32 len = make(f, buf);					\
									\
		change;							\
		answer(f, buf, len);					\
	}

/* An entry of the host list of a HELLO */
#define HOST(i) (buf + DMRING_WIRE_HELLO + (i) * DMRING_WIRE_HELLO_HOST)

ANSWER(answer_garbage, garbage, (void)0)
ANSWER(answer_beat, fake_beat, (void)0)
ANSWER(answer_name, fake_hello, buf[16] = 'V')
ANSWER(answer_node, fake_hello, dmring_put32(buf + 48, FAKE_HOST))
ANSWER(answer_inc, fake_hello, (dmring_put64(buf + 56, 5), dmring_put64(HOST(0) + 8, 5)))
ANSWER(answer_have, fake_hello, dmring_put64(HOST(1) + 16, 1ULL << 50))
ANSWER(answer_lacks, fake_hello, dmring_put64(HOST(1) + 16, 0))
ANSWER(answer_version, fake_hello, dmring_put16(buf + 12, DMRING_WIRE_VERSION + 1))

#define PLAIN	"?.2Jrm -rf??%s%n"

static void answer_refuse(struct fake *f)
{
	u8 buf[DMRING_WIRE_REFUSE_MAX];
	u32 len = dmring_wire_put_refuse(buf, -EPERM, "\033[2Jrm -rf\n\377%s%n");

	answer(f, buf, len);
	if (system("ringctl peer show " FAKE_RING " | LC_ALL=C grep -q '" PLAIN "'"))
		hostile_failed("its words are not shown in plain letters");
	if (!system("ringctl peer show " FAKE_RING " | LC_ALL=C grep -q '[[:cntrl:]]'"))
		hostile_failed("its control characters are shown as they are");
}

static void answer_refuse_none(struct fake *f)
{
	u8 buf[DMRING_WIRE_REFUSE_MAX];
	u32 len = dmring_wire_put_refuse(buf, -EPERM, "no reason");

	dmring_put32(buf + 8, 0);
	answer(f, buf, len);
}

static void answer_nothing(struct fake *f)
{
	u32 i;

	for (i = 0; i < 3; i++) {
		fake_end(&f->from);
		if (fake_accept(f))
			hostile_failed("it does not connect");
	}
	fake_end(&f->from);
}

/*
 * As a stranger: the first words on a new connection. The link that stands has
 * to go on, whatever they are.
 */

static void knock(struct fake *f, const u8 *buf, u32 len)
{
	int old = f->to;
	u8 data[FAKE_FRAME];

	f->to = -1;
	if (fake_connect(f))
		hostile_failed("no connection");
	say(&f->to, buf, len);
	f->to = old;
	if (fake_send(f->to, data, good_data(f, data)))
		hostile_failed("the link that stood was closed");
	f->seq++;
}

#define KNOCK(name, make, change)					\
	static void name(struct fake *f)				\
	{								\
		u8 buf[FAKE_FRAME] = {};				\
		u32 len = make(f, buf);					\
									\
		change;							\
		knock(f, buf, len);					\
	}

KNOCK(knock_garbage, garbage, (void)0)
KNOCK(knock_data, good_data, (void)0)
KNOCK(knock_marks, good_marks, (void)0)
KNOCK(knock_beat, fake_beat, (void)0)
KNOCK(knock_magic, fake_hello, buf[8] = 0)
KNOCK(knock_version, fake_hello, dmring_put16(buf + 12, 7))
KNOCK(knock_huge, fake_hello, dmring_put32(buf, 0x7fffffff))
KNOCK(knock_short, fake_hello, dmring_put32(buf, DMRING_WIRE_HELLO))
KNOCK(knock_count, fake_hello, dmring_put16(buf + 14, 64))
KNOCK(knock_count_most, fake_hello, dmring_put16(buf + 14, 0xffff))
KNOCK(knock_hosts, fake_hello, dmring_put32(HOST(0), 200))
KNOCK(knock_inc_none, fake_hello, dmring_put64(buf + 56, 0))
KNOCK(knock_inc, fake_hello, (dmring_put64(buf + 56, 5), dmring_put64(HOST(0) + 8, 5)))
KNOCK(knock_name, fake_hello, buf[16] = '/')
KNOCK(knock_name_long, fake_hello, memset(buf + 16, 'a', 32))
KNOCK(knock_node, fake_hello, dmring_put32(buf + 48, 7))
KNOCK(knock_self, fake_hello, dmring_put32(buf + 48, FAKE_HOST))
KNOCK(knock_view, fake_hello, dmring_put32(buf + 52, 2))
KNOCK(knock_attempt, fake_hello, dmring_put32(buf + 88, 1))
KNOCK(knock_order, fake_hello, buf[64] = 2)
KNOCK(knock_identify, fake_hello, buf[65] = 1)
KNOCK(knock_dead, fake_hello, dmring_put32(buf + 68, 0))
KNOCK(knock_log, fake_hello, dmring_put32(buf + 72, 12345))
KNOCK(knock_rec, fake_hello, dmring_put32(buf + 76, 1U << 21))
KNOCK(knock_have, fake_hello, dmring_put64(HOST(1) + 16, 1ULL << 50))
KNOCK(knock_lacks, fake_hello, dmring_put64(HOST(0) + 16, 0))

#define CASE(name, counts, words) { words, name, COUNT_ ## counts }

const struct hostile_case hostile_cases[] = {
	CASE(type_unknown, ERROR, "a frame of unknown type"),
	CASE(type_zero, ERROR, "a frame of type 0"),
	CASE(flags_unknown, ERROR, "a frame with unknown flags"),
	CASE(reserved_set, ERROR, "a frame with its reserved field set"),
	CASE(length_huge, ERROR, "a message of 4 GiB"),
	CASE(length_big, ERROR, "a message over the ring's largest"),
	CASE(length_small, ERROR, "a frame shorter than its header"),
	CASE(length_zero, ERROR, "a frame of no length"),
	CASE(length_beat, ERROR, "a heartbeat of 4000 bytes"),
	CASE(data_inner_more, ERROR, "a message longer inside than outside"),
	CASE(data_inner_less, ERROR, "a message shorter inside than outside"),
	CASE(data_type, ERROR, "an event as if it were a message"),
	CASE(data_flags, ERROR, "a message with unknown record flags"),
	CASE(data_ident, ERROR, "a message with an identity nobody asked for"),
	CASE(data_brief, ERROR, "a message that is said to be a parcel's header only"),
	CASE(data_gap, ERROR, "a message left out"),
	CASE(data_far, ERROR, "a message with the last of all numbers"),
	CASE(data_zero, ERROR, "a message with number 0"),
	CASE(data_inc, ERROR, "a message of another incarnation"),
	CASE(data_inc_zero, ERROR, "a message of no incarnation"),
	CASE(data_view, ERROR, "a message of a view to come"),
	CASE(data_stranger, ERROR, "a message of a host that is not on the ring"),
	CASE(data_node_zero, ERROR, "a message of host 0"),
	CASE(parcel_short, ERROR, "a parcel shorter than its header"),
	CASE(parcel_brief, ERROR, "a parcel that is whole, and said to be the header only"),
	CASE(parcel_cut, ERROR, "a parcel for the module without what is in it"),
	CASE(parcel_kind, ERROR, "a parcel of no kind"),
	CASE(parcel_kind_most, ERROR, "a parcel of unknown kind"),
	CASE(parcel_dest, ERROR, "a parcel to its own host"),
	CASE(parcel_from, ERROR, "a parcel as if it were the module's own"),
	CASE(parcel_error, ERROR, "a reply with an error that is none"),
	CASE(parcel_flags, ERROR, "a reply with unknown flags"),
	CASE(parcel_name, ERROR, "a service with a control character"),
	CASE(parcel_no_name, ERROR, "a service without a name"),
	CASE(parcel_members, ERROR, "a service of four thousand million members"),
	CASE(parcel_text, ERROR, "a status with a control character"),
	CASE(parcel_gone, ERROR, "a status that is gone, and there"),
	CASE(parcel_id, ERROR, "a status of a member that cannot be"),
	CASE(offers_flood, ERROR, "a flood of services"),
	CASE(missed_beyond, NOTHING, "word that members which there are not missed a request"),
	CASE(replies_unasked, NOTHING, "replies that nobody asked for are dropped"),
	CASE(data_own, ERROR, "a message as if it were the module's own"),
	CASE(marks_stable, ERROR, "marks: stable what was never sent"),
	CASE(marks_released, ERROR, "marks: released what was never sent"),
	CASE(marks_want, ERROR, "marks: wanted beyond all windows"),
	CASE(marks_stranger, ERROR, "marks of a host that is not on the ring"),
	CASE(marks_count, ERROR, "marks: fewer than said"),
	CASE(marks_none, ERROR, "marks: none"),
	CASE(marks_many, ERROR, "marks: 65,535 of them"),
	CASE(marks_reserved, ERROR, "marks with a reserved field set"),
	CASE(marks_unsorted, ERROR, "marks out of order"),
	CASE(marks_ordered, ERROR, "marks ahead of an order that there is not"),
	CASE(order_fifo, ERROR, "an order on a ring of order fifo"),
	CASE(order_runs, ERROR, "an order of more runs than there are"),
	CASE(order_empty, ERROR, "an order of no messages"),
	CASE(ack_unsent, ERROR, "an acknowledgment beyond what was sent"),
	CASE(release_unsent, ERROR, "a release beyond what was sent"),
	CASE(beat_chain, ERROR, "a heartbeat of a ring with three hosts"),
	CASE(beat_chain_most, ERROR, "a heartbeat of a ring with 65,535 hosts"),
	CASE(beat_log, ERROR, "a heartbeat with an odd log"),
	CASE(beat_rec, ERROR, "a heartbeat without a largest message"),
	CASE(beat_sizes, ERROR, "a heartbeat with other sizes than were agreed"),
	CASE(beat_reserved, ERROR, "a heartbeat with a reserved field set"),
	CASE(hello_again, ERROR, "a greeting in the stream"),
	CASE(refuse_late, ERROR, "a refusal in the stream"),
	CASE(window_full, ERROR, "more than the window"),
	CASE(duplicate, NOTHING, "messages that came before are discarded"),
	CASE(half_frames, ANY, "half frames, then a new connection"),
	CASE(single_bytes, NOTHING, "a message in single bytes arrives"),
	CASE(backward_data, ERROR, "messages against the ring"),
	CASE(backward_marks, ERROR, "marks against the ring"),
	CASE(backward_beat, ERROR, "a heartbeat against the ring that carries a chain"),
	CASE(backward_hello, ERROR, "a second greeting against the ring"),
	CASE(backward_garbage, ERROR, "garbage against the ring"),
	CASE(answer_garbage, REFUSED, "garbage for an answer"),
	CASE(answer_beat, REFUSED, "a heartbeat for an answer"),
	CASE(answer_name, REFUSED, "the answer of another ring"),
	CASE(answer_node, REFUSED, "an answer with the module's own node id"),
	CASE(answer_inc, REFUSED, "the answer of a host that was restarted"),
	CASE(answer_have, REFUSED, "an answer that claims what was never sent"),
	CASE(answer_lacks, REFUSED, "an answer that lacks what was acknowledged"),
	CASE(answer_version, REFUSED, "an answer of another version"),
	CASE(answer_refuse, REFUSED, "a refusal with control characters"),
	CASE(answer_refuse_none, REFUSED, "a refusal without an errno"),
	CASE(answer_nothing, ANY, "no answer, three times"),
	CASE(knock_garbage, ERROR, "a stranger's garbage"),
	CASE(knock_data, ERROR, "a message before the greeting"),
	CASE(knock_marks, ERROR, "marks before the greeting"),
	CASE(knock_beat, ERROR, "a heartbeat before the greeting"),
	CASE(knock_magic, ANY, "a greeting of something else"),
	CASE(knock_version, ANY, "a greeting of another version"),
	CASE(knock_huge, ERROR, "a greeting of 2 GiB"),
	CASE(knock_short, ANY, "a greeting that ends before its hosts"),
	CASE(knock_count, ANY, "a greeting with hosts that do not follow"),
	CASE(knock_count_most, ANY, "a greeting with 65,535 hosts"),
	CASE(knock_hosts, ANY, "a greeting with hosts out of order"),
	CASE(knock_inc_none, ANY, "a greeting without incarnation"),
	CASE(knock_inc, ANY, "a greeting of a host that was restarted"),
	CASE(knock_name, ANY, "a greeting with a slash in the ring's name"),
	CASE(knock_name_long, ANY, "a greeting with a name without end"),
	CASE(knock_node, ANY, "a greeting of a host that lists itself not"),
	CASE(knock_self, ANY, "a greeting with the module's own node id"),
	CASE(knock_view, ANY, "a greeting of another view"),
	CASE(knock_attempt, ANY, "a greeting on the way to another view"),
	CASE(knock_order, ANY, "a greeting of another order"),
	CASE(knock_identify, ANY, "a greeting of a ring with identify"),
	CASE(knock_dead, ANY, "a greeting of a host without patience"),
	CASE(knock_log, ANY, "a greeting with an odd log"),
	CASE(knock_rec, ANY, "a greeting with too large a message"),
	CASE(knock_have, ANY, "a greeting that claims what was never sent"),
	CASE(knock_lacks, ANY, "a greeting that lacks what the module had from it"),
};

const unsigned int hostile_count = ARRAY_SIZE(hostile_cases);
