// SPDX-License-Identifier: GPL-2.0-only
/*
 * A full space, and a stopped reader under each policy.
 *
 *	                     /--> bystander: reads all, checks all
 *	sender --> ring -----+
 *	                     \--> victim: stopped, or does not read
 *
 *	block: the sender waits, nothing is lost
 *	evict: the victim is thrown out after MS, told why, all hear of it
 *	drop:  the victim misses messages, exactly counted; it never reads garbage
 */
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "../ulib/include/dmring.h"
#include "kself.h"
#include "rig.h"
#include "traffic.h"

#define LOG		(64U << 10)
#define LEN		400U
#define EVICT_MS	4000U	/* who is only slow is not away for so long */

/* What processes tell each other */
struct shared {
	uint64_t sent;
	uint64_t in_vain;	/* attempts of the sender that found no room until their end */
	uint64_t stop;
	uint64_t by;		/* read by the bystander */
	uint64_t seen;		/* by the victim */
	uint64_t gap;		/* what it was told it missed */
	uint64_t overflows;	/* batches it had to throw away */
	uint64_t damaged;	/* that it took for whole */
	uint64_t reordered;
	uint64_t dropped;	/* by the kernel's count */
	uint64_t reason;
};

FIXTURE(slow) {
	const char *name;
	struct dmring *by;
	struct shared *sh;
	struct traffic t;
	pid_t victim;
	pid_t sender;
	uint64_t begin;		/* before the first message */
};

FIXTURE_VARIANT(slow) {
	uint32_t policy;
};

FIXTURE_VARIANT_ADD(slow, block) { .policy = DMRING_SLOW_BLOCK };
FIXTURE_VARIANT_ADD(slow, evict) { .policy = DMRING_SLOW_EVICT };
FIXTURE_VARIANT_ADD(slow, drop) { .policy = DMRING_SLOW_DROP };

FIXTURE_SETUP(slow)
{
	const struct rig_conf conf = {
		.log = LOG, .slow = variant->policy,
		.slow_ms = variant->policy == DMRING_SLOW_EVICT ? EVICT_MS : 0,
	};

	self->name = rig_name("slow");
	self->sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->sh);
	ASSERT_EQ(0, rig_ring_add(self->name, &conf));
	ASSERT_EQ(0, dmring_attach(&self->by, self->name, NULL)) TH_LOG("%s", dmring_why());
	traffic_init(&self->t, false);
}

FIXTURE_TEARDOWN(slow)
{
	traffic_free(&self->t);
	EXPECT_EQ(0, dmring_detach(self->by));
	EXPECT_EQ(0, rig_ring_del(self->name));
}

/* Sends until told to stop; its count is in sh->sent */
struct role {
	const char *name;
	struct shared *sh;
	uint64_t most;
	uint32_t pause;		/* the victim: a millisecond of sleep after so many messages */
	uint32_t ahead;		/* the sender: how far ahead of the bystander, 0 for any */
};

static int send_role(void *arg)
{
	const struct role *s = arg;
	struct dmring_opts opts = { .size = sizeof(opts), .flags = DMRING_SEND_ONLY };
	struct dmring *r;
	uint64_t n = 0;
	char buf[LEN];

	if (dmring_attach(&r, s->name, &opts))
		return 1;
	while (n < s->most && !__atomic_load_n(&s->sh->stop, __ATOMIC_ACQUIRE)) {
		size_t len = traffic_len(1, n, LEN);
		int err;

		/* under "drop" nobody else holds a sender back: the bystander is to keep up */
		if (s->ahead && n >= __atomic_load_n(&s->sh->by, __ATOMIC_ACQUIRE) + s->ahead) {
			sched_yield();
			continue;
		}
		traffic_make(buf, len, 1, n);
		err = dmring_send_wait(r, buf, len, 100);
		if (err && err != -ETIMEDOUT)
			return 2;
		n += !err;
		__atomic_store_n(&s->sh->sent, n, __ATOMIC_RELEASE);
		if (err)
			__atomic_add_fetch(&s->sh->in_vain, 1, __ATOMIC_RELEASE);
	}
	return dmring_detach(r);
}

/* Reads in place, checks before it believes, until it knows of all that was sent */
static int read_role(void *arg)
{
	const struct role *v = arg;
	struct shared *sh = v->sh;
	struct dmring_opts opts = { .size = sizeof(opts), .flags = DMRING_EVENTS };
	struct traffic t;
	struct dmring *r;

	traffic_init(&t, false);
	if (dmring_attach(&r, v->name, &opts))
		return 1;
	__atomic_store_n(&sh->seen, 1, __ATOMIC_RELEASE);	/* ready */
	for (;;) {
		struct dmring_msg m;
		struct dmring_ev ev;
		char copy[LEN];
		int err = dmring_peek(r, &m);

		if (err == -ENOTCONN)
			break;
		if (err == -EAGAIN) {
			if (sh->stop == 2 && t.got + sh->gap >= sh->sent)
				break;
			dmring_wait(r, DMRING_WAIT_READ, 1, 100);
			continue;
		}
		if (err)
			return 3;
		if (m.type == DMRING_REC_EVENT) {
			memcpy(&ev, m.data, sizeof(ev));
			dmring_release(r);
			if (ev.what == DMRING_EV_GAP)
				sh->gap += ev.arg;
			continue;
		}
		/* slowly, so that it is overtaken while it reads */
		memcpy(copy, m.data, m.len < LEN ? m.len : LEN);
		if (v->pause && t.got % v->pause == 0)
			rig_sleep(1);
		err = dmring_release(r);
		sh->overflows += err == -EOVERFLOW;
		if (!err)
			traffic_see(&t, copy, m.len);
	}
	sh->seen = t.got;
	sh->damaged = t.damaged + t.doubled;
	sh->reordered = t.reordered;
	sh->dropped = dmring_dropped(r);
	sh->reason = dmring_reason(r);
	traffic_free(&t);
	return dmring_detach(r);
}

/* What the bystander reads until @cond holds or @ms have passed */
static void read_all(FIXTURE_DATA(slow) *self)
{
	char buf[LEN];
	ssize_t len;

	while ((len = dmring_recv(self->by, buf, sizeof(buf))) >= 0)
		traffic_see(&self->t, buf, len);
	__atomic_store_n(&self->sh->by, self->t.got, __ATOMIC_RELEASE);
}

#define read_until(ms, cond)						\
	rig_await(ms, (read_all(self), (cond)),				\
		  dmring_wait(self->by, DMRING_WAIT_READ, 1, 10))

static uint32_t ahead(const FIXTURE_VARIANT(slow) *variant)
{
	return variant->policy == DMRING_SLOW_DROP ? 64 : 0;
}

static uint64_t sent(const struct shared *sh)
{
	return __atomic_load_n(&sh->sent, __ATOMIC_ACQUIRE);
}

static void start(struct __test_metadata *_metadata, FIXTURE_DATA(slow) *self, struct role *r)
{
	self->victim = rig_child(read_role, r);
	ASSERT_TRUE(rig_within(RIG_WAIT_MS, __atomic_load_n(&r->sh->seen, __ATOMIC_ACQUIRE)));
}

static void start_sender(FIXTURE_DATA(slow) *self, struct role *r)
{
	self->begin = rig_ms();
	self->sender = rig_child(send_role, r);
}

/* The bystander has it all: nothing lost, doubled, out of order or damaged */
static void end_clean(struct __test_metadata *_metadata, FIXTURE_DATA(slow) *self)
{
	struct shared *sh = self->sh;

	EXPECT_EQ(0, rig_wait(self->sender));
	EXPECT_TRUE(read_until(20000, self->t.got >= sent(sh)));
	read_all(self);
	traffic_sent(&self->t, 1, sent(sh));
	EXPECT_TRUE(traffic_clean(&self->t)) TH_LOG("%s", traffic_text(&self->t));
	__atomic_store_n(&sh->stop, 2, __ATOMIC_RELEASE);
}

static uint64_t in_vain(const struct shared *sh)
{
	return __atomic_load_n(&sh->in_vain, __ATOMIC_ACQUIRE);
}

/*
 * Is there no room, in the log and then in the sender's space? Of its next two attempts in vain
 * the second one began when the log was full.
 */
static bool comes_to_a_stop(FIXTURE_DATA(slow) *self)
{
	uint64_t was;

	if (!read_until(20000, rig_ring_stat(self->name, DMRING_A_STAT_FULL) > 0))
		return false;
	was = in_vain(self->sh);
	return read_until(20000, in_vain(self->sh) >= was + 2);
}

static void stopped_under_block(struct __test_metadata *_metadata, FIXTURE_DATA(slow) *self,
				struct shared *sh)
{
	uint64_t stuck;

	/* the sender comes to a stop, and stays there: nobody is thrown out */
	EXPECT_TRUE(comes_to_a_stop(self));
	stuck = sent(sh);
	EXPECT_LT(stuck, 2 * (LOG + (64 << 10)) / 64);
	read_until(1500, false);
	EXPECT_EQ(stuck, sent(sh));
	EXPECT_EQ(3, rig_ring_get(self->name, DMRING_A_RING_MEMBERS));
	kill(self->victim, SIGCONT);
	EXPECT_TRUE(read_until(20000, sent(sh) > stuck + 1000));
	__atomic_store_n(&sh->stop, 1, __ATOMIC_RELEASE);
	end_clean(_metadata, self);
	EXPECT_EQ(0, rig_wait(self->victim));
	EXPECT_EQ(sent(sh), sh->seen);
	EXPECT_EQ(0, sh->gap + sh->damaged + sh->overflows);
}

static void stopped_under_evict(struct __test_metadata *_metadata, FIXTURE_DATA(slow) *self,
				struct shared *sh)
{
	struct dmring_ev ev = {};
	uint64_t full;

	EXPECT_TRUE(read_until(20000, rig_ring_stat(self->name, DMRING_A_STAT_FULL) > 0));
	full = rig_ms();
	EXPECT_TRUE(read_until(20000, rig_ring_get(self->name, DMRING_A_RING_MEMBERS) == 2));
	/* the limit runs from when the log was full: not before, and not much after */
	EXPECT_GE(rig_ms() - self->begin, EVICT_MS);
	EXPECT_LT(rig_ms() - full, EVICT_MS + RIG_WAIT_MS);
	EXPECT_TRUE(read_until(20000, dmring_event(self->by, &ev) == 0));
	EXPECT_EQ(DMRING_EV_LEFT, ev.what);
	EXPECT_EQ(DMRING_REASON_SLOW, ev.reason);
	__atomic_store_n(&sh->stop, 1, __ATOMIC_RELEASE);
	end_clean(_metadata, self);
	EXPECT_EQ(1, rig_ring_stat(self->name, DMRING_A_STAT_EVICTED));
	/* it is told why, and took nothing for whole that was not */
	kill(self->victim, SIGCONT);
	EXPECT_EQ(0, rig_wait(self->victim));
	EXPECT_EQ(DMRING_REASON_SLOW, sh->reason);
	EXPECT_EQ(0, sh->damaged);
}

static void stopped_under_drop(struct __test_metadata *_metadata, FIXTURE_DATA(slow) *self,
			       struct shared *sh)
{
	/* the sender goes on as if nobody had stopped */
	EXPECT_TRUE(read_until(30000, sent(sh) > 3000));
	kill(self->victim, SIGCONT);
	EXPECT_TRUE(read_until(30000, sent(sh) > 6000));
	__atomic_store_n(&sh->stop, 1, __ATOMIC_RELEASE);
	end_clean(_metadata, self);
	EXPECT_EQ(0, rig_wait(self->victim));
	/* what it got and what it was told it missed is all there was, once each */
	EXPECT_GT(sh->gap, 0);
	EXPECT_EQ(sent(sh), sh->seen + sh->gap);
	EXPECT_EQ(sh->dropped, sh->gap);
	EXPECT_EQ(0, sh->damaged + sh->reordered);
	EXPECT_EQ(DMRING_REASON_NONE, sh->reason);
	EXPECT_EQ(sh->dropped, rig_ring_stat(self->name, DMRING_A_STAT_DROPPED));
}

TEST_F(slow, stopped_reader)
{
	struct role r = { self->name, self->sh, UINT64_MAX, 0, ahead(variant) };

	start(_metadata, self, &r);
	ASSERT_EQ(0, kill(self->victim, SIGSTOP));
	start_sender(self, &r);
	if (variant->policy == DMRING_SLOW_BLOCK)
		stopped_under_block(_metadata, self, self->sh);
	else if (variant->policy == DMRING_SLOW_EVICT)
		stopped_under_evict(_metadata, self, self->sh);
	else
		stopped_under_drop(_metadata, self, self->sh);
}

/* A reader at work, only slower than the sender: never evicted; under drop overtaken in place */
TEST_F(slow, slower_reader)
{
	struct role r = { self->name, self->sh, 6000, 16, ahead(variant) };
	struct shared *sh = self->sh;

	start(_metadata, self, &r);
	start_sender(self, &r);
	EXPECT_TRUE(read_until(100000, sent(sh) == r.most));
	end_clean(_metadata, self);
	EXPECT_EQ(0, rig_wait(self->victim));
	EXPECT_EQ(r.most, sh->seen + sh->gap);
	EXPECT_EQ(0, sh->damaged + sh->reordered);
	EXPECT_EQ(DMRING_REASON_NONE, sh->reason);
	EXPECT_EQ(sh->dropped, sh->gap);
	EXPECT_TRUE(variant->policy == DMRING_SLOW_DROP || !(sh->gap + sh->overflows));
	TH_LOG("%zu read, %zu missed, %zu overtaken in place", (size_t)sh->seen, (size_t)sh->gap,
	       (size_t)sh->overflows);
}

/* Several stopped readers stop the ring no longer than one does */
TEST_F(slow, many_stopped)
{
	struct role r = { self->name, self->sh, UINT64_MAX, 0, ahead(variant) };
	struct rig_member idle[20] = {};
	int i;

	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, rig_join(&idle[i], self->name, 0));
	start_sender(self, &r);
	ASSERT_TRUE(variant->policy == DMRING_SLOW_BLOCK ? comes_to_a_stop(self) :
		    read_until(30000, sent(self->sh) > 3000));
	if (variant->policy == DMRING_SLOW_EVICT) {
		EXPECT_GE(rig_ms() - self->begin, EVICT_MS);
		EXPECT_EQ(20, rig_ring_stat(self->name, DMRING_A_STAT_EVICTED));
	}
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(variant->policy == DMRING_SLOW_EVICT ? DMRING_REASON_SLOW :
			  DMRING_REASON_NONE, idle[i].kern->reason);
		rig_leave(&idle[i]);
	}
	EXPECT_TRUE(read_until(30000, sent(self->sh) > 3000));
	__atomic_store_n(&self->sh->stop, 1, __ATOMIC_RELEASE);
	end_clean(_metadata, self);
}

/* One ring that is stuck never stops another */
TEST_F(slow, other_ring_goes_on)
{
	struct role r = { self->name, self->sh, UINT64_MAX, 0, ahead(variant) };
	struct rig_member idle = {}, a = {};
	char name[DMRING_NAME_SIZE], buf[LEN] = "";
	int i;

	snprintf(name, sizeof(name), "%s-2", self->name);
	ASSERT_EQ(0, rig_ring_add(name, NULL));
	ASSERT_EQ(0, rig_join(&a, name, 0));
	ASSERT_EQ(0, rig_join(&idle, self->name, 0));
	start_sender(self, &r);
	EXPECT_TRUE(read_until(20000, variant->policy == DMRING_SLOW_DROP ? sent(self->sh) > 1000 :
			       rig_ring_stat(self->name, DMRING_A_STAT_FULL) > 0));
	for (i = 0; i < 500; i++) {
		ASSERT_EQ(0, rig_send(&a, buf, sizeof(buf)));
		ASSERT_EQ((int)LEN, rig_get_wait(&a, buf, sizeof(buf), RIG_WAIT_MS));
	}
	rig_leave(&idle);
	rig_leave(&a);
	EXPECT_EQ(0, rig_ring_del(name));
	__atomic_store_n(&self->sh->stop, 1, __ATOMIC_RELEASE);
	end_clean(_metadata, self);
}

/* The message that comes after @sent others */
static int send_next(struct dmring *s, char *buf, uint64_t *sent)
{
	size_t len = traffic_len(1, *sent, LEN);
	int err;

	traffic_make(buf, len, 1, *sent);
	err = dmring_send(s, buf, len);
	*sent += !err;
	return err;
}

/* A full input space says so, by errno, mark and poll, and takes no half message */
TEST(full_space)
{
	const struct rig_conf conf = { .log = LOG, .slow = DMRING_SLOW_BLOCK };
	const char *name = rig_name("full");
	struct dmring_opts opts = { .size = sizeof(opts), .flags = DMRING_SEND_ONLY };
	struct rig_member r = {};
	struct dmring *s;
	struct traffic t;
	uint64_t n = 0;
	char buf[LEN];
	void *space;
	int len;

	traffic_init(&t, false);
	ASSERT_EQ(0, rig_ring_add(name, &conf));
	ASSERT_EQ(0, rig_join(&r, name, 0));
	ASSERT_EQ(0, dmring_attach(&s, name, &opts));
	EXPECT_GT(rig_fill(name, send_next(s, buf, &n)), (int)(LOG / LEN));
	EXPECT_EQ(-EAGAIN, dmring_send(s, buf, LEN));
	EXPECT_EQ(-EAGAIN, dmring_reserve(s, LEN, &space));
	EXPECT_EQ(-ETIMEDOUT, dmring_send_wait(s, buf, LEN, 50));
	EXPECT_EQ(-ETIMEDOUT, dmring_wait(s, DMRING_WAIT_WRITE, LEN, 50));
	while (t.got < n && (len = rig_get_wait(&r, buf, sizeof(buf), RIG_WAIT_MS)) >= 0)
		traffic_see(&t, buf, len);
	EXPECT_EQ(-ETIMEDOUT, rig_get_wait(&r, buf, sizeof(buf), 100));
	traffic_sent(&t, 1, n);
	EXPECT_TRUE(traffic_clean(&t)) TH_LOG("%s", traffic_text(&t));
	EXPECT_EQ(0, dmring_send(s, buf, LEN));
	EXPECT_EQ(0, dmring_detach(s));
	rig_leave(&r);
	EXPECT_EQ(0, rig_ring_del(name));
	traffic_free(&t);
}

TEST_HARNESS_MAIN
