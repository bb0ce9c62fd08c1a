// SPDX-License-Identifier: GPL-2.0-only
/*
 * The members of a storm. What a worker has done stands on the board before it is
 * killed: "begun" goes up before a message is marked, "accepted" when the library
 * has said so. So the supervisor knows of the dead what has to arrive, and of at
 * most one message that it may.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "storm.h"

#define POOL_SIZE	0x10000U	/* random bytes that messages are cut from */
#define USUAL_MOST	12		/* usual messages have up to 2 to this many bytes */
#define BIG_LEAST	(12U << 10)	/* some do not fit the input space */
#define BIG_MOST	(40U << 10)
#define IN_SIZE		(16U << 10)
#define BATCH		32		/* messages read at a time */

/* What a worker does: one of them or both */
#define SENDS		0x1U
#define READS		0x2U

struct worker {
	struct dmring *r;
	struct storm_slot *slot;
	struct storm_sender *self;
	struct storm_book book;
	__u64 random;
	__u32 membership;
	__u32 host;
	__u32 does;
	__u32 told;		/* survivors: the last term they were told of */
	__u64 heard;		/* ms: when the last message came */
	__u64 due;		/* ms: when it sends next, whatever wakes it before */
	bool survives;
};

static char pool[POOL_SIZE + BIG_MOST];
static char big[BIG_MOST + sizeof(struct flood_head)];

__u64 storm_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

__u64 storm_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void storm_pool(__u64 seed)
{
	size_t i;

	for (i = 0; i < sizeof(pool); i++)
		pool[i] = storm_random(&seed);
}

static __u32 below(struct worker *w, __u32 n)
{
	return (storm_random(&w->random) >> 16) % n;
}

static void at(struct worker *w, enum storm_at what)
{
	store(&w->slot->at, what);
}

/* False, and a fault, if @ret is none of what may happen */
static bool bearable(struct worker *w, const char *what, int ret)
{
	if (ret >= 0 || ret == -EAGAIN || ret == -ETIMEDOUT || ret == -EINTR)
		return true;
	storm_fault(STORM_BROKEN, "%s on host %u, membership %u: %s, %s %s", what, w->host + 1,
		    w->membership, dmring_strerror(ret), dmring_why(),
		    w->r ? dmring_reason_str(dmring_reason(w->r)) : "");
	return false;
}

/*
 * Events
 */

static void on_office(struct worker *w, const struct dmring_ev *ev)
{
	if (ev->arg == DMRING_OFFICE_WON || ev->arg == DMRING_OFFICE_TOOK_OVER)
		storm_held(w->host, ev->arg2, dmring_id(w->r), w->membership);
}

/* Terms rise by one; what the ring had no room to tell is counted and compared at the end */
static void on_proxy(struct worker *w, const struct dmring_ev *ev)
{
	__u32 term = ev->arg;

	if (w->told && term <= w->told)
		storm_fault(STORM_TERM, "host %u: term %u after %u", w->host + 1, term, w->told);
	else if (w->told && w->survives)
		w->slot->gaps += term - w->told - 1;
	w->told = term;
	if (ev->arg2)
		storm_told(w->host, term, ev->arg2 - 1);
}

static void unexpected(struct worker *w, const struct dmring_ev *ev)
{
	storm_fault(STORM_BROKEN, "host %u: event %s, reason %u arg %llu", w->host + 1,
		    dmring_event_str(ev->what), ev->reason, (unsigned long long)ev->arg);
}

/* Others are no concern of a storm; there may be some it has never heard of */
static void on_event(struct worker *w, const struct dmring_ev *ev)
{
	switch (ev->what) {
	case DMRING_EV_PROXY:
		on_proxy(w, ev);
		break;
	case DMRING_EV_OFFICE:
		on_office(w, ev);
		break;
	case DMRING_EV_HOST_AWAY:
		if (w->survives)
			add(&board->away, 1);
		break;
	case DMRING_EV_LEFT:
		/* with "slow block" nobody is thrown out */
		if (ev->reason >= DMRING_REASON_SLOW)
			unexpected(w, ev);
		break;
	case DMRING_EV_HOST_REFUSED:
	case DMRING_EV_REJECTED:
	case DMRING_EV_GAP:
		unexpected(w, ev);
		break;
	}
}

/*
 * Reading
 */

static void take_one(struct worker *w, const struct dmring_msg *m)
{
	struct dmring_ev ev;

	if (m->type == DMRING_REC_DATA) {
		storm_take(&w->book, m->data, m->len);
		return;
	}
	memcpy(&ev, m->data, sizeof(ev));
	on_event(w, &ev);
}

/* What is there, up to a batch; how many, or -errno */
static int read_some(struct worker *w)
{
	struct dmring_msg m;
	int n, ret = 0;

	at(w, STORM_READING);
	for (n = 0; n < BATCH; n++) {
		ret = dmring_peek(w->r, &m);
		if (ret)
			break;
		take_one(w, &m);
	}
	if (ret && ret != -EAGAIN)
		return ret;
	if (!n)
		return 0;
	add(&w->slot->received, n);
	ret = dmring_release(w->r);
	return ret ? ret : n;
}

/* A member that only sends still hears of its office */
static int read_events(struct worker *w)
{
	struct dmring_ev ev;
	int ret;

	while (!(ret = dmring_event(w->r, &ev)))
		on_event(w, &ev);
	return ret == -EAGAIN ? 0 : ret;
}

/*
 * Sending
 */

static void build(struct worker *w, void *msg, __u32 len)
{
	memcpy((char *)msg + sizeof(struct flood_head), pool + below(w, POOL_SIZE), len);
	flood_seal(msg, w->membership, w->self->accepted, len);
}

/* In place, in the input space; the doorbell comes later */
static int put_one(struct worker *w, __u32 len)
{
	size_t all = sizeof(struct flood_head) + len;
	void *msg;
	int ret = dmring_reserve(w->r, all, &msg);

	if (ret)
		return ret;
	build(w, msg, len);
	if (!below(w, 32)) {
		/* thought better of it */
		dmring_discard(w->r);
		return -EAGAIN;
	}
	return dmring_commit(w->r, all);
}

static int give_one(struct worker *w, __u32 len)
{
	build(w, big, len);
	return dmring_send(w->r, big, sizeof(struct flood_head) + len);
}

static int send_one(struct worker *w, __u32 len)
{
	int ret;

	at(w, STORM_SENDING);
	store(&w->self->begun, w->self->accepted + 1);
	ret = len <= BIG_LEAST && below(w, 2) ? put_one(w, len) : give_one(w, len);
	if (!ret)
		store(&w->self->accepted, w->self->begun);
	return ret;
}

static __u32 some_length(struct worker *w)
{
	if (!below(w, 128))
		return BIG_LEAST + 1 + below(w, BIG_MOST - BIG_LEAST);
	return below(w, 32) ? 1 + below(w, 1U << below(w, USUAL_MOST + 1)) : 0;
}

/* No room: who reads must go on reading, for it may be the one that holds the log */
static int wait_for_room(struct worker *w, __u32 len)
{
	bool reads = w->does & READS;
	int ret;

	at(w, STORM_RESTING);
	ret = dmring_wait(w->r, DMRING_WAIT_WRITE | (reads ? DMRING_WAIT_READ : 0),
			  sizeof(struct flood_head) + len, 1000);
	if (!bearable(w, "wait for room", ret))
		return ret;
	if (len > BIG_LEAST && !ret)
		usleep(500);
	ret = reads ? read_some(w) : 0;
	return ret < 0 ? ret : 0;
}

/* A few messages and one doorbell, or none yet */
static int send_some(struct worker *w)
{
	__u32 n = 1 + below(w, 4);
	__u64 begin = storm_ms();
	int ret = 0;

	while (n && ret >= 0 && load(&board->phase) == STORM_RUN) {
		__u32 len = some_length(w);

		ret = send_one(w, len);
		if (!ret) {
			n--;
			continue;
		}
		if (ret == -EAGAIN)
			ret = wait_for_room(w, len);
		if (storm_ms() - begin > board->patience * 1000ULL) {
			storm_fault(STORM_BROKEN, "membership %u: no room for %u s",
				    w->membership, board->patience);
			return -ETIMEDOUT;
		}
	}
	/* some are killed, or leave, with messages that are accepted and that nobody was told of */
	return ret < 0 || !below(w, 3) ? ret : dmring_submit(w->r);
}

/*
 * Lives
 */

/* Milliseconds until it sends again, 0: now */
static int pause_left(const struct worker *w)
{
	__u64 now = storm_ms();

	return w->due > now ? w->due - now : 0;
}

/* If it is time to */
static int send_due(struct worker *w)
{
	int ret;

	if (!(w->does & SENDS) || pause_left(w))
		return 0;
	ret = send_some(w);
	w->due = storm_ms() + 1 + below(w, load(&board->rest));
	return ret;
}

/* Readers with a threshold now and then, so that such sleeps are met as well */
static int rest(struct worker *w)
{
	int ms = w->does & SENDS ? pause_left(w) : 1000;
	int ret;

	at(w, STORM_RESTING);
	if (w->does == SENDS)
		return usleep(ms * 1000), 0;
	ret = dmring_wait(w->r, DMRING_WAIT_READ, 1 + below(w, 4) * below(w, 4), ms);
	return bearable(w, "wait", ret) ? 0 : ret;
}

/* The office is not only left by dying */
static int campaign(struct worker *w)
{
	int ret;

	if (below(w, 32))
		return 0;
	if (below(w, 4))
		return dmring_ballot(w->r, below(w, 8), below(w, DMRING_WEIGHT_MAX + 1));
	ret = dmring_resign(w->r);
	return ret == -EPERM || ret == -EBUSY ? 0 : ret;
}

static int turn(struct worker *w)
{
	int ret = send_due(w);

	if (ret >= 0)
		ret = campaign(w);
	if (ret >= 0)
		ret = w->does & READS ? read_some(w) : read_events(w);
	return ret < 0 ? ret : rest(w);
}

static int join(struct worker *w, __u32 flags)
{
	const struct dmring_opts opts = {
		.size = sizeof(opts),
		.flags = flags | (w->does & READS ? DMRING_EVENTS : DMRING_SEND_ONLY),
		.in_size = IN_SIZE,
	};
	int ret;

	at(w, STORM_ATTACHING);
	w->membership = w->survives ? w->slot - board->slot : add(&board->drawn, 1);
	if (w->membership >= board->most) {
		storm_fault(STORM_BROKEN, "more memberships than the board has room for");
		return -ENOSPC;
	}
	w->self = &board->sender[w->membership];
	ret = dmring_attach(&w->r, board->ring, &opts);
	if (!bearable(w, "attach", ret))
		return ret;
	/* after attach: who draws a number later sends later than we read */
	w->book.from = w->survives ? 0 : load(&board->drawn);
	w->book.mute = flags & DMRING_NO_ECHO ? w->membership : STORM_NOBODY;
	w->told = 0;
	return 0;
}

/* Some are without echo, some are watched by the ring's thread */
static __u32 some_flags(struct worker *w)
{
	__u32 flags = 0;

	if (w->does == (SENDS | READS) && !below(w, 3))
		flags |= DMRING_NO_ECHO;
	if (w->does & SENDS && !below(w, 16))
		flags |= DMRING_POLL;
	return flags;
}

/* One membership of a worker, if it is not killed before */
static int live(struct worker *w)
{
	__u32 turns = 1 + below(w, 40);
	size_t size = board->most * sizeof(__u32);
	int ret;

	/* of zeros, of which few are ever touched */
	memset(&w->book, 0, sizeof(w->book));
	w->book.next = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w->book.next == MAP_FAILED)
		return -ENOMEM;
	ret = join(w, some_flags(w));
	if (ret)
		return ret;
	while (ret >= 0 && load(&board->phase) == STORM_RUN) {
		if (turns && turns-- == 1 && load(&board->drawn) < load(&board->leave_limit))
			break;
		ret = turn(w);
		if (!bearable(w, "turn", ret))
			return ret;
	}
	at(w, STORM_LEAVING);
	dmring_detach(w->r);
	munmap(w->book.next, size);
	return 0;
}

static void worker_init(struct worker *w, int slot, __u64 seed)
{
	memset(w, 0, sizeof(*w));
	w->slot = &board->slot[slot];
	w->random = seed | 1;
	w->host = storm_host(slot);
	w->survives = storm_survives(slot);
}

int storm_work(int slot, __u64 seed)
{
	struct worker w;

	worker_init(&w, slot, seed);
	/* what it does goes by its place, so that each host always has all kinds */
	w.does = 1 + slot / STORM_HOSTS % 3;
	while (load(&board->phase) == STORM_RUN)
		if (live(&w))
			return 1;
	return 0;
}

/* Nothing for so long, while everybody sends, is a stall even if it ends by itself */
static void note_patience(struct worker *w, int n)
{
	__u64 now = storm_ms();

	if (load(&board->phase) != STORM_RUN)
		n = 1;
	if (n > 0) {
		w->heard = now;
	} else if (now - w->heard > w->slot->patient) {
		w->slot->patient = now - w->heard;
		if (w->slot->patient > board->patience * 1000)
			storm_fault(STORM_BROKEN, "host %u: a survivor hears nothing for %u ms",
				    w->host + 1, w->slot->patient);
	}
}

static int survive(struct worker *w)
{
	int ret;

	while (load(&board->phase) != STORM_END) {
		ret = load(&board->phase) == STORM_RUN ? send_due(w) : 0;
		while (ret >= 0 && (ret = read_some(w)) > 0)
			note_patience(w, ret);
		/* long, so that a wake-up that is lost is not covered up by the next timeout */
		if (!ret)
			ret = dmring_wait(w->r, DMRING_WAIT_READ, 1,
					  w->does & SENDS ? 1 + pause_left(w) :
					  (int)board->patience * 1000);
		note_patience(w, 0);
		if (!bearable(w, "survivor", ret))
			return 1;
	}
	return 0;
}

int storm_survive(int slot, __u64 seed)
{
	struct worker w;

	worker_init(&w, slot, seed);
	w.does = READS | (slot < STORM_HOSTS ? SENDS : 0);
	w.book.next = board->next[slot];
	if (!slot && board->plant <= STORM_PLANT(STORM_DAMAGED))
		w.book.plant = board->plant;
	if (join(&w, DMRING_UNWILLING))
		return 1;
	add(&board->attached, 1);
	w.heard = storm_ms();
	if (survive(&w))
		return 1;
	return dmring_detach(w.r) ? 1 : 0;
}
