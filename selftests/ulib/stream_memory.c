// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How libdmring reads and writes a slot, without a kernel
 *
 *   pump (here, in plain memory) --> log, index, output space --> libdmring
 *                                <-- user page, input space   <--
 *
 * This program has the library's slot functions replaced by memory of its own,
 * and plays the pump by the rules of linux/dmring.h, with the policy "slow drop"
 * when the log is full. It needs no module; that the module keeps the same rules
 * is tested elsewhere.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../ulib/internal.h"
#include "ktap.h"

#define LOG_SIZE	65536U
#define INDEX_SIZE	1024U
#define SPACE		4096U

static struct dmring_slot *slot;	/* of the last attach */

/* The pump's side: what it may write */
static struct dmring_kernel_page *kp;
static struct dmring_group_page *gp;
static __u8 *log_area, *out_area;
static __u64 *index_area;
static __u64 log_tail, where[INDEX_SIZE];

static void *twice(size_t size)
{
	int fd = memfd_create("area", MFD_CLOEXEC);
	__u8 *p = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (fd < 0 || ftruncate(fd, size))
		exit(2);
	mmap(p, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	mmap(p + size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
	     fd, 0);
	close(fd);
	return p;
}

int dmring_slot_open(struct dmring_slot *s, const char *name,
		     const struct dmring_opts *o)
{
	(void)name;
	memset(s, 0, sizeof(*s));
	slot = s;
	s->fd = -1;
	s->a.flags = o->flags & DMRING_ATTACH_FLAGS;
	s->a.in_size = SPACE;
	s->a.out_size = SPACE;
	s->a.log_size = LOG_SIZE;
	s->a.index_size = INDEX_SIZE;
	s->user = twice(4096);
	kp = twice(4096);
	s->kernel = kp;
	gp = twice(4096);
	s->group = gp;
	s->in = twice(SPACE);
	out_area = twice(SPACE);
	s->out = out_area;
	log_area = twice(LOG_SIZE);
	s->log = log_area;
	index_area = twice(INDEX_SIZE * 8);
	s->index = index_area;
	kp->state = DMRING_STATE_ATTACHED;
	kp->max_msg = 16384;
	kp->kick_at = ~0ULL;
	log_tail = 0;
	return 0;
}

void dmring_slot_close(struct dmring_slot *s, bool forked)
{
	(void)forked;
	munmap(s->user, 2 * 4096);
	munmap(kp, 2 * 4096);
	munmap(gp, 2 * 4096);
	munmap(s->in, 2 * SPACE);
	munmap(out_area, 2 * SPACE);
	munmap(log_area, 2 * LOG_SIZE);
	munmap(index_area, 2 * INDEX_SIZE * 8);
}

__u64 dmring_fork_generation(void)
{
	return 1;
}

bool dmring_forked(__u64 generation)
{
	return generation != 1;
}

/* ---- the pump ---- */

static __u64 align16(__u64 n)
{
	return (n + 15) & ~15ULL;
}

/* Take back what is about to be overwritten */
static void raise_base(__u64 size)
{
	__u64 base = kp->log_base, tail = gp->index_tail;

	while (base < tail &&
	       (where[base % INDEX_SIZE] + LOG_SIZE < log_tail + size ||
		base + INDEX_SIZE <= tail))
		base++;
	if (base == kp->log_base)
		return;
	store_release(&kp->log_base, base);
	full_fence();
}

static void write_record(__u8 *at, __u64 pos, __u16 type, const void *data,
			 size_t len)
{
	struct dmring_rec *rec = (struct dmring_rec *)at;

	/* word by word, so that the sanitizers see no plain store */
	store_relaxed(&rec->pos, pos);
	store_relaxed(&rec->len, len);
	store_relaxed(&rec->type, type);
	store_relaxed(&rec->flags, 0);
	memcpy(at + sizeof(*rec), data, len);
}

static void put(__u16 type, const void *data, size_t len)
{
	__u64 tail = gp->index_tail, size = align16(16 + len);

	raise_base(size);
	write_record(log_area + log_tail % LOG_SIZE, log_tail, type, data,
		     len);
	where[tail % INDEX_SIZE] = log_tail;
	store_relaxed(&index_area[tail % INDEX_SIZE], log_tail);
	log_tail += size;
	store_release(&gp->index_tail, tail + 1);
}

static void put_number(__u64 n)
{
	put(DMRING_REC_DATA, &n, sizeof(n));
}

static void put_event(__u16 what)
{
	struct dmring_ev ev = { .what = what };

	put(DMRING_REC_EVENT, &ev, sizeof(ev));
}

/* A number of this member's own; the run is written before the index tail */
static void put_own(__u64 n)
{
	__u64 at = gp->index_tail, tail = kp->own_tail;
	struct dmring_run *run = &kp->own[(tail - 1) % DMRING_OWN_RUNS];

	if (tail && run->first + run->count == at) {
		store_release(&run->count, run->count + 1);
	} else {
		run = &kp->own[tail % DMRING_OWN_RUNS];
		store_relaxed(&run->first, at);
		store_release(&run->count, 1);
		store_release(&kp->own_tail, tail + 1);
	}
	put_number(n);
}

static void put_out(__u16 type, const void *data, size_t len, __u64 follows)
{
	__u64 tail = kp->out_tail;

	write_record(out_area + tail % SPACE, follows, type, data, len);
	store_release(&kp->out_tail, tail + align16(16 + len));
}

/* ---- tests ---- */

static struct dmring *join(__u32 flags)
{
	struct dmring_opts o = { .size = sizeof(o), .flags = flags };
	struct dmring *r = NULL;

	CHECK(dmring_attach(&r, "memory", &o) == 0);
	return r;
}

/* The next number, or -errno */
static long long next(struct dmring *r)
{
	__u64 n = 0;
	ssize_t ret = dmring_recv(r, &n, sizeof(n));

	return ret < 0 ? ret : (long long)n;
}

static void test_read(void)
{
	struct dmring *r = join(0);
	struct dmring_msg m;
	char c;
	int i;

	CHECK(next(r) == -EAGAIN);
	for (i = 0; i < 5; i++)
		put_number(i);
	CHECK(dmring_recv(r, &c, 1) == -EMSGSIZE);
	CHECK(next(r) == 0 && slot->user->log_head == 1);
	CHECK(dmring_peek(r, &m) == 0 && m.pos == 1 && m.len == 8);
	CHECK(dmring_peek(r, &m) == 0 && m.pos == 2);
	CHECK(slot->user->log_head == 1);
	CHECK(dmring_release(r) == 0 && slot->user->log_head == 3);
	CHECK(dmring_wait(r, DMRING_WAIT_READ, 2, 0) == 0);
	CHECK(next(r) == 3 && next(r) == 4 && next(r) == -EAGAIN);
	dmring_detach(r);
}

static void test_own(void)
{
	struct dmring *r = join(DMRING_NO_ECHO);
	int i, round;

	put_own(0);
	CHECK(next(r) == -EAGAIN && slot->user->log_head == 1);
	put_own(0);	/* the run grows behind the reader */
	put_number(1);
	CHECK(next(r) == 1 && next(r) == -EAGAIN);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 60; i++) {
			put_own(0);
			put_number(i);
			if (i % 3 == 0)
				put_own(0);
		}
		for (i = 0; i < 60; i++)
			CHECK(next(r) == i);
		CHECK(next(r) == -EAGAIN);
		CHECK(slot->user->log_head == gp->index_tail);
	}
	dmring_detach(r);
}

/* The next message, 1 for an own one, 0 for another's; they hold what they should be */
static void check_own(struct dmring *r, __u64 n)
{
	struct dmring_msg m;

	for (; n; n--) {
		if (dmring_peek(r, &m)) {
			CHECK(!"no message");
			return;
		}
		CHECK(*(const __u64 *)m.data == m.own);
	}
}

/* Own messages are shown and told, also when a run grows while it is read, or is read twice. */
static void test_own_told(void)
{
	struct dmring *r = join(DMRING_OWN);
	int i;

	put_own(1);
	check_own(r, 1);
	put_own(1);
	put_number(0);
	check_own(r, 2);
	CHECK(!dmring_release(r));
	for (i = 0; i < 50; i++) {
		put_number(0);
		put_own(1);
		if (i % 3 == 0)
			put_own(1);
	}
	check_own(r, 117);
	CHECK(!dmring_release(r) && next(r) == -EAGAIN);
	dmring_detach(r);
}

static void test_events(void)
{
	struct dmring *r = join(0);
	struct dmring_ev ev;
	int i;

	put_event(DMRING_EV_CLOSED);
	CHECK(dmring_wait(r, DMRING_WAIT_READ, 1, 0) == 0);
	put_number(1);
	put_event(DMRING_EV_PROXY);
	put_number(2);
	CHECK(next(r) == 1 && next(r) == 2 && next(r) == -EAGAIN);
	CHECK(dmring_event(r, &ev) == 0 && ev.what == DMRING_EV_CLOSED);
	CHECK(dmring_event(r, &ev) == 0 && ev.what == DMRING_EV_PROXY);
	CHECK(dmring_event(r, &ev) == -EAGAIN);
	put_event(DMRING_EV_BROKEN);
	put_number(3);
	put_event(DMRING_EV_CLOSED);
	CHECK(dmring_event(r, &ev) == 0 && ev.what == DMRING_EV_BROKEN);
	CHECK(dmring_event(r, &ev) == -EAGAIN);	/* behind a message */
	CHECK(next(r) == 3);
	CHECK(dmring_event(r, &ev) == 0 && ev.what == DMRING_EV_CLOSED);
	for (i = 0; i < 100; i++)
		put_event(DMRING_EV_BROKEN);
	CHECK(next(r) == -EAGAIN);
	for (i = 0; dmring_event(r, &ev) == 0; i++)
		;
	CHECK(i == 32);
	dmring_detach(r);
}

static void test_events_in_line(void)
{
	struct dmring *r = join(DMRING_EVENTS);
	struct dmring_ev ev = { .what = DMRING_EV_OFFICE };
	struct dmring_msg m;

	put_number(1);
	put_out(DMRING_REC_EVENT, &ev, sizeof(ev), 1);
	put_number(2);
	put_out(DMRING_REC_DATA, "directed", 8, 2);
	CHECK(dmring_peek(r, &m) == 0 && m.pos == 0);
	CHECK(dmring_peek(r, &m) == 0 && m.type == DMRING_REC_EVENT);
	CHECK(!memcmp(m.data, &ev, sizeof(ev)));
	CHECK(dmring_peek(r, &m) == 0 && m.pos == 1);
	CHECK(dmring_peek(r, &m) == 0 && !memcmp(m.data, "directed", 8));
	CHECK(dmring_peek(r, &m) == -EAGAIN);
	CHECK(slot->user->out_head == 0);
	CHECK(dmring_release(r) == 0);
	CHECK(slot->user->out_head == kp->out_tail);
	/* not due yet: its entry has not come */
	put_out(DMRING_REC_EVENT, &ev, sizeof(ev), 3);
	CHECK(dmring_peek(r, &m) == -EAGAIN);
	put_number(3);
	CHECK(dmring_peek(r, &m) == 0 && m.type == DMRING_REC_DATA);
	CHECK(dmring_peek(r, &m) == 0 && m.type == DMRING_REC_EVENT);
	dmring_detach(r);
}

static void test_gap(void)
{
	struct dmring *r = join(0), *e;
	struct dmring_msg m;
	struct dmring_ev ev;
	__u64 i, first;

	for (i = 0; i < 3000; i++)
		put_number(i);
	first = kp->log_base;
	CHECK(first > 0);
	CHECK(next(r) == -EOVERFLOW);
	for (i = first; i < 3000; i++)
		CHECK(next(r) == (long long)i);
	CHECK(next(r) == -EAGAIN);
	dmring_detach(r);

	e = join(DMRING_EVENTS);
	for (i = 0; i < 3000; i++)
		put_number(i);
	CHECK(dmring_peek(e, &m) == 0 && m.type == DMRING_REC_EVENT);
	memcpy(&ev, m.data, sizeof(ev));
	CHECK(ev.what == DMRING_EV_GAP && ev.arg == kp->log_base);
	CHECK(dmring_peek(e, &m) == 0 && m.pos == kp->log_base);
	CHECK(dmring_release(e) == 0);
	dmring_detach(e);
}

static void test_overwritten_while_held(void)
{
	struct dmring *r = join(0);
	struct dmring_msg m;
	__u64 i;

	for (i = 0; i < 1000; i++)
		put_number(i);
	for (i = 0; i < 500; i++)
		CHECK(dmring_peek(r, &m) == 0);
	CHECK(dmring_intact(r) == 0);
	for (i = 1000; i < 1100; i++)
		put_number(i);
	CHECK(dmring_intact(r) == -EOVERFLOW);
	CHECK(dmring_release(r) == -EOVERFLOW);
	CHECK(slot->user->log_head == kp->log_base);
	/* what is left of the batch comes again, and the gap was told */
	for (i = kp->log_base; i < 1100; i++)
		CHECK(next(r) == (long long)i);
	dmring_detach(r);
}

static void test_detached(void)
{
	struct dmring *r = join(0);
	struct dmring_msg m;
	void *buf;

	put_number(1);
	put_number(2);
	CHECK(dmring_peek(r, &m) == 0);
	CHECK(dmring_reserve(r, 8, &buf) == 0);
	kp->reason = DMRING_REASON_SLOW;
	store_release(&kp->state, DMRING_STATE_DETACHED);
	CHECK(dmring_commit(r, 8) == -ENOTCONN);
	CHECK(dmring_peek(r, &m) == -ENOTCONN && strstr(dmring_why(), "full"));
	CHECK(dmring_release(r) == -ENOTCONN);
	CHECK(dmring_wait(r, DMRING_WAIT_READ, 1, -1) == -ENOTCONN);
	CHECK(dmring_wait(r, DMRING_WAIT_WRITE, 1, -1) == -ENOTCONN);
	CHECK(dmring_send(r, "x", 1) == -ENOTCONN);
	/* zapped: all is zero */
	memset(kp, 0, 4096);
	memset(gp, 0, 4096);
	memset(log_area, 0, LOG_SIZE);
	memset(index_area, 0, INDEX_SIZE * 8);
	CHECK(next(r) == -ENOTCONN);
	CHECK(dmring_state(r) == DMRING_STATE_DETACHED);
	dmring_detach(r);
}

/* Rubbish in every area: any answer but a crash or an endless loop */
static void test_rubbish(void)
{
	struct dmring *r = join(DMRING_NO_ECHO);
	struct dmring_msg m;
	struct dmring_ev ev;
	unsigned int i, k;
	__u8 buf[64];

	srand(1);
	for (i = 0; i < 20000; i++) {
		for (k = 0; k < 8; k++) {
			out_area[rand() % SPACE] = rand();
			index_area[rand() % INDEX_SIZE] = rand() % 4 * 16;
			log_area[rand() % 256] = rand() % 3;
			kp->own[k].first = rand() % 2000;
			kp->own[k].count = rand() % 5;
		}
		kp->own_tail = rand();
		gp->index_tail = gp->index_tail + rand() % 3;
		kp->out_tail = rand() % 8 ? kp->out_tail + 16 : (__u64)rand();
		kp->log_base = rand() % 100 ? kp->log_base : kp->log_base + 3;
		dmring_recv(r, buf, sizeof(buf));
		dmring_event(r, &ev);
		if (dmring_peek(r, &m) == 0)
			dmring_release(r);
		dmring_wait(r, DMRING_WAIT_READ, 1, 0);
	}
	dmring_detach(r);
}

static void test_send(void)
{
	struct dmring *r = join(0);
	struct dmring_in_rec *rec;
	__u64 at = 0, n;
	void *buf;
	int i;

	CHECK(dmring_reserve(r, 16385, &buf) == -EMSGSIZE);
	CHECK(dmring_reserve(r, SPACE, &buf) == -EMSGSIZE);
	CHECK(dmring_reserve(r, 100, &buf) == 0);
	CHECK(slot->user->in_tail == 0);
	CHECK(dmring_discard(r) == 0);
	for (i = 0; i < 1000; i++) {
		while (!dmring_reserve(r, 200, &buf)) {
			memset(buf, i, 1 + i % 200);
			CHECK(dmring_commit(r, 1 + i % 200) == 0);
		}
		CHECK(SPACE - (slot->user->in_tail - kp->in_head) < 216);
		for (n = at; n < slot->user->in_tail;
		     n += align16(16 + rec->len)) {
			rec = (void *)(slot->in + n % SPACE);
			CHECK(rec->len == 1U + i % 200 && rec->type == 1);
			CHECK(!rec->flags && !rec->reserved);
			CHECK(((__u8 *)(rec + 1))[rec->len - 1] == (__u8)i);
		}
		at = n;
		CHECK(at == slot->user->in_tail);
		store_release(&kp->in_head, at);
	}
	dmring_detach(r);
}

/* ---- a pump that does not wait for its reader ---- */

#define STREAM	2000000ULL

static void *pump_all(void *arg)
{
	__u64 n[16];
	__u64 i, k;

	(void)arg;
	for (i = 0; i < STREAM; i++) {
		for (k = 0; k < 16; k++)
			n[k] = i;
		put(DMRING_REC_DATA, n, 8 + i % 16 * 8);
		/* now and then the reader may catch up */
		while (i % 4096 == 0 &&
		       load_acquire(&slot->user->log_head) + 600 < i)
			sched_yield();
	}
	return NULL;
}

static bool whole(const struct dmring_msg *m)
{
	const __u64 *n = m->data;
	size_t i;

	if (m->len != 8 + m->pos % 16 * 8)
		return false;
	for (i = 0; i < m->len / 8; i++) {
		if (load_relaxed(&n[i]) != m->pos)
			return false;
	}
	return true;
}

struct stats {
	__u64 got, skipped, discarded, bad, next;
};

static void read_some(struct dmring *r, struct stats *st)
{
	struct dmring_msg m;
	struct dmring_ev ev;
	__u64 at = st->next, skipped = 0, bad = 0, got = 0;
	int i, ret;

	for (i = 0; i < 20 && !dmring_peek(r, &m); i++) {
		if (m.type == DMRING_REC_EVENT) {
			memcpy(&ev, m.data, sizeof(ev));
			skipped += ev.arg;
			at += ev.arg;
			continue;
		}
		bad += m.pos != at || !whole(&m);
		at = m.pos + 1;
		got++;
		if (m.pos % 64 == 0)
			sched_yield();	/* let the pump overtake */
	}
	ret = dmring_release(r);
	if (ret) {
		CHECK(ret == -EOVERFLOW);
		st->discarded++;	/* all of it, gaps too: they come again */
		return;
	}
	st->bad += bad;
	st->got += got;
	st->skipped += skipped;
	st->next = at;
}

static void test_overrun(void)
{
	struct dmring *r = join(DMRING_EVENTS);
	struct stats st = { 0 };
	pthread_t pump;

	pthread_create(&pump, NULL, pump_all, NULL);
	while (st.got + st.skipped < STREAM)
		read_some(r, &st);
	pthread_join(pump, NULL);
	printf("# %llu whole, %llu skipped, %llu batches discarded\n",
	       (unsigned long long)st.got, (unsigned long long)st.skipped,
	       (unsigned long long)st.discarded);
	CHECK(st.bad == 0);
	CHECK(st.got + st.skipped == STREAM);
	CHECK(st.got > 0 && st.discarded > 0);
	dmring_detach(r);
}

static const struct ktap_test tests[] = {
	{ "read", test_read },
	{ "own messages are stepped over", test_own },
	{ "own messages are told", test_own_told },
	{ "events stepped over", test_events },
	{ "events and directed records in line", test_events_in_line },
	{ "gap", test_gap },
	{ "overwritten while held", test_overwritten_while_held },
	{ "detached and zapped", test_detached },
	{ "rubbish", test_rubbish },
	{ "input space", test_send },
	{ "a pump that overruns its reader", test_overrun },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
