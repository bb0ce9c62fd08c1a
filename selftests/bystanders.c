// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members that exchange messages that can be checked, beside others that misbehave;
 * see bystanders.h.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../ulib/include/dmring.h"
#include "bystanders.h"
#include "rig.h"
#include "traffic.h"

#define LEN		500U
#define TURN_MS		1000	/* how long a turn is measured */
#define WAIT_MS		20000
#define MORE_MS		300000	/* until it is enough */
#define BUSY_THREADS	16U

struct role {
	struct bystanders *b;
	uint32_t no;
};

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static int send_role(void *arg)
{
	struct role *s = arg;
	struct dmring_opts opts = { .size = sizeof(opts), .flags = DMRING_SEND_ONLY };
	struct dmring *r;
	uint64_t n = 0;
	char buf[LEN];

	/* before the first message: its parent may be later */
	s->b->pid[s->no] = getpid();
	if (dmring_attach(&r, s->b->name, &opts))
		return 1;
	__atomic_add_fetch(&s->b->ready, 1, __ATOMIC_RELEASE);
	while (!load(&s->b->stop)) {
		size_t len = traffic_len(s->no, n, LEN);
		int err;

		traffic_make(buf, len, s->no, n);
		err = dmring_send_wait(r, buf, len, 100);
		if (err && err != -ETIMEDOUT)
			return 2;
		n += !err;
		__atomic_store_n(&s->b->sent[s->no], n, __ATOMIC_RELEASE);
		if (n % 32 == 0)
			rig_sleep(1);
	}
	return dmring_detach(r);
}

static void check_one(const struct role *c, struct traffic *t, const struct dmring_msg *m)
{
	struct bystanders *b = c->b;
	int i;

	for (i = 0; i < BYSTANDERS_SENDERS; i++) {
		if (m->ident && m->ident->pid == (uint32_t)b->pid[i]) {
			traffic_see(t, m->data, m->len);
			__atomic_store_n(&b->got[c->no], t->got, __ATOMIC_RELAXED);
			return;
		}
	}
	__atomic_add_fetch(&b->strange, 1, __ATOMIC_RELAXED);
}

static bool complete(const struct bystanders *b, const struct traffic *t)
{
	int i;

	for (i = 0; i < BYSTANDERS_SENDERS; i++)
		if (t->sender[i].next < b->sent[i])
			return false;
	return true;
}

/* Until all that was sent has come */
static int check_all(const struct role *c, struct dmring *r, struct traffic *t)
{
	struct dmring_msg m;
	int err;

	for (;;) {
		while (!(err = dmring_peek(r, &m)))
			check_one(c, t, &m);
		if (dmring_release(r) || err != -EAGAIN)
			return 2;
		if (load(&c->b->stop) > 1 && complete(c->b, t))
			return 0;
		dmring_wait(r, DMRING_WAIT_READ, 1, 100);
	}
}

static int check_role(void *arg)
{
	struct role *c = arg;
	struct traffic t;
	struct dmring *r;
	int err, i;

	traffic_init(&t, false);
	if (dmring_attach(&r, c->b->name, NULL))
		return 1;
	__atomic_add_fetch(&c->b->ready, 1, __ATOMIC_RELEASE);
	err = check_all(c, r, &t);
	if (err)
		return err;
	for (i = 0; i < BYSTANDERS_SENDERS; i++)
		traffic_sent(&t, i, c->b->sent[i]);
	if (!traffic_clean(&t)) {
		fprintf(stderr, "# checker %u: %s\n", c->no, traffic_text(&t));
		return 3;
	}
	return dmring_detach(r);
}

struct bystanders *bystanders_start(const char *name)
{
	struct bystanders *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t i;

	if (b == MAP_FAILED)
		return NULL;
	snprintf(b->name, sizeof(b->name), "%s", name);
	/* checkers before senders, so that they see everything */
	for (i = 0; i < BYSTANDERS_CHECKERS; i++)
		b->pid[BYSTANDERS_SENDERS + i] = rig_child(check_role, &(struct role){ b, i });
	if (!rig_within(WAIT_MS, load(&b->ready) == BYSTANDERS_CHECKERS))
		return NULL;
	for (i = 0; i < BYSTANDERS_SENDERS; i++)
		b->pid[i] = rig_child(send_role, &(struct role){ b, i });
	if (!rig_within(WAIT_MS, load(&b->ready) == BYSTANDERS_CHECKERS + BYSTANDERS_SENDERS))
		return NULL;
	return b;
}

static void *burn(void *arg)
{
	const struct bystanders *b = arg;

	while (load(&b->turn) == BYSTANDERS_BUSY)
		;
	return NULL;
}

static void burn_all(struct bystanders *b, unsigned int threads)
{
	pthread_t thread[BUSY_THREADS];
	unsigned int i;

	threads = threads < BUSY_THREADS ? threads : BUSY_THREADS;
	for (i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, burn, b);
	for (i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
}

bool bystanders_wait(struct bystanders *b, unsigned int no, unsigned int threads)
{
	uint32_t turn;

	while ((turn = load(&b->turn)) < BYSTANDERS_WILD) {
		store(&b->at[no], turn);
		if (turn == BYSTANDERS_BUSY)
			burn_all(b, threads);
		else
			rig_sleep(1);
	}
	store(&b->at[no], turn);
	return turn == BYSTANDERS_WILD;
}

bool bystanders_wild(const struct bystanders *b)
{
	return load(&b->turn) == BYSTANDERS_WILD;
}

static bool all_at(const struct bystanders *b, uint32_t turn)
{
	unsigned int i;

	for (i = 0; i < b->others; i++)
		if (load(&b->at[i]) != turn)
			return false;
	return true;
}

static uint64_t got(const struct bystanders *b)
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < BYSTANDERS_CHECKERS; i++)
		n += __atomic_load_n(&b->got[i], __ATOMIC_RELAXED);
	return n;
}

static void take_turn(struct bystanders *b, uint32_t turn)
{
	uint64_t n, begin;

	store(&b->turn, turn);
	rig_within(WAIT_MS, all_at(b, turn));
	n = got(b);
	begin = rig_ms();
	rig_sleep(TURN_MS);
	b->count[turn] += got(b) - n;
	b->ms[turn] += rig_ms() - begin;
}

/* Wild for half of the time; short turns, so that what else the machine does is shared */
void bystanders_turns(struct bystanders *b, unsigned int others, unsigned long ms)
{
	uint64_t end = rig_ms() + ms;

	b->others = others;
	do {
		take_turn(b, BYSTANDERS_QUIET);
		take_turn(b, BYSTANDERS_WILD);
		take_turn(b, BYSTANDERS_BUSY);
		take_turn(b, BYSTANDERS_WILD);
	} while (rig_ms() < end || (b->enough && !b->enough(b) && rig_ms() < end + MORE_MS));
	store(&b->turn, BYSTANDERS_TURNS);
}

int bystanders_stop(struct bystanders *b)
{
	int err = 0, i;

	store(&b->stop, 1);
	for (i = 0; i < BYSTANDERS_SENDERS; i++)
		err |= rig_wait(b->pid[i]);
	store(&b->stop, 2);
	for (i = 0; i < BYSTANDERS_CHECKERS; i++)
		err |= rig_wait(b->pid[BYSTANDERS_SENDERS + i]);
	return err;
}

static unsigned long rate(const struct bystanders *b, uint32_t turn)
{
	return b->ms[turn] ? b->count[turn] * 1000 / b->ms[turn] : 0;
}

const char *bystanders_text(const struct bystanders *b)
{
	unsigned long busy = rate(b, BYSTANDERS_BUSY), wild = rate(b, BYSTANDERS_WILD);
	static char text[160];

	snprintf(text, sizeof(text),
		 "%lu/s alone, %lu/s beside busy threads, %lu/s beside these (%lu %% of that)",
		 rate(b, BYSTANDERS_QUIET), busy, wild, busy ? wild * 100 / busy : 0);
	return text;
}
