// SPDX-License-Identifier: GPL-2.0-only
/*
 * Broadcasts, one-way requests and calls of many senders, mixed: everybody gets what he gets of
 * one sender in the order in which it was sent (I1), and everything comes to who it should.
 *
 *	call-mix [-n MESSAGES of each sender] [-r SEED] [-t S] [-o] [-p] RING
 *
 *	a sender a host: by chance          two takers a host, who serve and read the stream
 *	  to all, to one or each of    ---->  of each sender: numbers grow, none is left out that
 *	  them, or a call: its answer         goes to all or each
 *	  comes once                   <----  answers; before every eighth a message to all
 *
 * An answer says how many messages to all its taker had sent before: who asked has to have got
 * them before the answer. -o: one sequence of all that goes to all, everywhere. -p: plants one
 * message that is sent before its turn; that has to be found.
 *
 * Shared memory: each process writes its own part; got[] counts who takes a request.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "call-join.h"

#define HOSTS		3
#define TAKERS		6
#define SENDERS		3
#define IN_FLIGHT	16
#define ALL		(SENDERS + TAKERS)	/* who sends to all: senders first */

enum way { TO_ALL, ONE_WAY, EACH, CALL, WAYS };

struct note {
	uint32_t who;		/* sender, or SENDERS + taker */
	uint32_t way;		/* enum way */
	uint64_t no;		/* of all that it sends */
	uint64_t all_no;	/* how many went to all before */
	uint64_t each_no;	/* how many to each */
};

struct taker {
	uint64_t requests;
	uint64_t own;		/* sent to all */
	uint64_t hash;		/* of the sequence of what went to all */
	char text[200];
};

struct sender {
	uint64_t sent[WAYS];
	uint64_t failed;
	bool done;
	char text[200];
};

static struct shared {
	uint32_t ready;		/* that are members */
	uint32_t takers_done;	/* that send no more to all */
	uint64_t taken;
	struct taker taker[TAKERS];
	struct sender sender[SENDERS];
} *shared;

static uint8_t *got;		/* [sender][number] */
static const char *ring;
static uint64_t each = 3000, seed = 1;
static unsigned int limit_s = 200;
static bool ordered, planted;

static void give_up(char *text, const char *what, uint64_t who, uint64_t no, uint64_t due)
{
	snprintf(text, 200, "%s: of %llu number %llu, due was %llu", what, (unsigned long long)who,
		 (unsigned long long)no, (unsigned long long)due);
	exit(1);
}

/* Where a reader stands with everybody */
struct seen {
	uint64_t next[ALL];	/* the least number that may come */
	uint64_t all[ALL];	/* how many came that went to all */
	uint64_t to_each[ALL];
	bool serves;
};

static void see(struct seen *s, const struct dmring_msg *m, struct note *n, char *text)
{
	bool came_to_all = m->type == DMRING_REC_DATA, to_all;
	bool came_to_each = m->flags & DMRING_REQUEST_EACH, to_each;

	if (m->len < sizeof(*n))
		give_up(text, "too short", 0, m->len, sizeof(*n));
	memcpy(n, m->data, sizeof(*n));
	if (n->who >= ALL)
		give_up(text, "foreign", n->who, n->no, 0);
	if (n->no < s->next[n->who])
		give_up(text, "out of order", n->who, n->no, s->next[n->who]);
	if (n->all_no != s->all[n->who])
		give_up(text, n->all_no > s->all[n->who] ? "overtook one to all" : "late", n->who,
			n->all_no, s->all[n->who]);
	if (s->serves && n->each_no != s->to_each[n->who])
		give_up(text, "not the next to each", n->who, n->each_no, s->to_each[n->who]);
	s->next[n->who] = n->no + 1;
	to_all = n->way == TO_ALL;
	to_each = n->way == EACH;
	if (to_all != came_to_all || to_each != came_to_each)
		give_up(text, "the wrong way", n->who, n->no, n->way);
	if (m->len > sizeof(*n) && ((char *)m->data)[m->len - 1] != (char)n->no)
		give_up(text, "damaged", n->who, n->no, 0);
	s->all[n->who] += to_all;
	s->to_each[n->who] += to_each;
}

static void send_to_all(struct dmring *r, const void *data, size_t len)
{
	while (dmring_send(r, data, len) == -EAGAIN)
		dmring_wait(r, DMRING_WAIT_WRITE, len + 64, 100);
}

static void answer(struct dmring *r, struct taker *t, unsigned int me, const struct dmring_msg *m)
{
	struct note n = { .who = SENDERS + me, .way = TO_ALL, .no = t->own, .all_no = t->own };

	if (t->requests % 8 == 0) {
		send_to_all(r, &n, sizeof(n));
		t->own++;
	}
	n.all_no = t->own;
	memcpy(&n.no, (char *)m->data + offsetof(struct note, no), sizeof(n.no));
	while (dmring_reply(r, m->ref, &n, sizeof(n)) == -EAGAIN)
		dmring_wait(r, DMRING_WAIT_WRITE, 256, 100);
}

/* Have all come that were sent? */
static bool is_all(const struct seen *s)
{
	uint64_t directed = 0;
	int i;

	for (i = 0; i < SENDERS; i++) {
		if (!__atomic_load_n(&shared->sender[i].done, __ATOMIC_ACQUIRE) ||
		    s->all[i] != shared->sender[i].sent[TO_ALL] ||
		    s->to_each[i] != shared->sender[i].sent[EACH])
			return false;
		directed += shared->sender[i].sent[ONE_WAY] + shared->sender[i].sent[CALL];
	}
	if (__atomic_load_n(&shared->taken, __ATOMIC_SEQ_CST) != directed)
		return false;
	for (i = 0; i < TAKERS; i++)
		if (s->all[SENDERS + i] != __atomic_load_n(&shared->taker[i].own, __ATOMIC_SEQ_CST))
			return false;
	return true;
}

static void take(unsigned int me)
{
	struct dmring *r = join(ring, 1 + me % HOSTS, 0);
	struct taker *t = &shared->taker[me];
	struct seen s = { .serves = true };
	struct dmring_msg m;
	struct note n;
	int ret;

	if (dmring_offer(r, "mix", NULL))
		give_up(t->text, dmring_why(), me, 0, 0);
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!is_all(&s)) {
		ret = next_msg(r, &m, 200);
		if (ret == -EAGAIN)
			continue;
		if (ret)
			give_up(t->text, dmring_strerror(ret), me, 0, 0);
		see(&s, &m, &n, t->text);
		if (n.way == TO_ALL) {
			t->hash = (t->hash ^ (n.who << 24 ^ n.no)) * 1099511628211ULL;
		} else if (n.way != EACH) {
			if (got[n.who * each + n.no]++)
				give_up(t->text, "taken twice", n.who, n.no, 0);
			t->requests++;
			if (m.ref)
				answer(r, t, me, &m);
			__atomic_add_fetch(&shared->taken, 1, __ATOMIC_SEQ_CST);
		}
		dmring_release(r);
	}
	__atomic_add_fetch(&shared->takers_done, 1, __ATOMIC_SEQ_CST);
	/* whoever leaves early has requests of nobody, but others still count on its stream */
	while (__atomic_load_n(&shared->takers_done, __ATOMIC_SEQ_CST) < TAKERS)
		usleep(10000);
	dmring_detach(r);
}

/* Reads what there is; returns how many calls ended */
static unsigned int read_answers(struct dmring *r, struct sender *s, struct seen *seen,
				 uint8_t *open, int ms)
{
	unsigned int ended = 0;
	struct dmring_msg m;
	struct note n;
	int ret;

	while (!(ret = next_msg(r, &m, ms))) {
		ms = 0;
		if (m.type != DMRING_REC_REPLY) {
			see(seen, &m, &n, s->text);
		} else if (m.ref >= each || !open[m.ref]) {
			give_up(s->text, "ended twice", m.ref, 0, 0);
		} else if (m.error) {
			give_up(s->text, dmring_strerror(m.error), 0, m.ref, 0);
		} else {
			memcpy(&n, m.data, sizeof(n));
			if (n.no != m.ref)
				give_up(s->text, "the answer to another", n.who, n.no, m.ref);
			if (n.all_no > seen->all[n.who])
				give_up(s->text, "an answer overtook", n.who, n.all_no,
					seen->all[n.who]);
			open[m.ref] = 0;
			ended++;
		}
		dmring_release(r);
	}
	if (ret != -EAGAIN)
		give_up(s->text, dmring_strerror(ret), 0, 0, 0);
	return ended;
}

static int send_one(struct dmring *r, const void *data, size_t len, const struct note *n,
		    uint64_t cookie)
{
	static const unsigned int flags[WAYS] = {
		[ONE_WAY] = DMRING_REQUEST_ONE_WAY,
		[EACH] = DMRING_REQUEST_ONE_WAY | DMRING_REQUEST_EACH,
	};

	return n->way == TO_ALL ? dmring_send(r, data, len) :
		dmring_call_start(r, "mix", data, len, cookie, flags[n->way], -1);
}

static void send_all(unsigned int me)
{
	static const enum way ways[] = { TO_ALL, TO_ALL, ONE_WAY, EACH, CALL, CALL };
	struct dmring *r = join(ring, 1 + me % HOSTS, 0);
	struct sender *s = &shared->sender[me];
	uint8_t *open = calloc(each, 1);
	struct seen seen = { .next = { 0 } };
	uint64_t rnd = seed * 10 + me;
	unsigned int flying = 0, i;
	struct dmring_ev ev;
	char data[600];

	/* who comes late does not get what was sent before */
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < ALL)
		usleep(10000);
	for (i = 0; i < each; i++) {
		enum way way = ways[next_random(&rnd) % 6];
		struct note n = {
			.who = me, .way = way, .no = i, .all_no = s->sent[TO_ALL],
			.each_no = s->sent[EACH],
		};
		size_t len = sizeof(n) + next_random(&rnd) % (sizeof(data) - sizeof(n));
		int ret;

		while (flying >= IN_FLIGHT)
			flying -= read_answers(r, s, &seen, open, 1000);
		/* as if it had come before its turn: the next one is late */
		if (planted && !me && i >= each / 2 && way == TO_ALL && i + 1 < each) {
			n.no++;
			planted = false;
		}
		memset(data, n.no, sizeof(data));
		memcpy(data, &n, sizeof(n));
		while ((ret = send_one(r, data, len, &n, i)) == -EAGAIN)
			flying -= read_answers(r, s, &seen, open, 10);
		if (ret)
			give_up(s->text, dmring_strerror(ret), me, i, 0);
		s->sent[way]++;
		open[i] = way == CALL;
		flying += way == CALL;
	}
	__atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
	while (flying)
		flying -= read_answers(r, s, &seen, open, 1000);
	while (!dmring_event(r, &ev))
		s->failed += ev.what == DMRING_EV_UNDELIVERED || ev.what == DMRING_EV_REJECTED;
	if (s->failed)
		give_up(s->text, "not delivered", me, s->failed, 0);
	while (__atomic_load_n(&shared->takers_done, __ATOMIC_SEQ_CST) < TAKERS)
		read_answers(r, s, &seen, open, 100);
	dmring_detach(r);
}

static pid_t start(void (*fn)(unsigned int me), unsigned int me)
{
	pid_t pid = fork();

	if (!pid) {
		alarm(limit_s);
		fn(me);
		exit(0);
	}
	return pid;
}

static int report(int bad)
{
	uint64_t sent[WAYS] = { 0 }, own = 0;
	int i, way;

	for (i = 0; i < SENDERS; i++) {
		const struct sender *s = &shared->sender[i];

		for (way = 0; way < WAYS; way++)
			sent[way] += s->sent[way];
		if (s->text[0])
			printf("sender %d: %s\n", i, s->text);
	}
	for (i = 0; i < TAKERS; i++) {
		const struct taker *t = &shared->taker[i];

		own += t->own;
		if (t->text[0])
			printf("taker %d: %s\n", i, t->text);
		if (ordered && t->hash != shared->taker[0].hash) {
			printf("taker %d: another sequence\n", i);
			bad++;
		}
	}
	printf("to all %llu and of takers %llu, to each %llu, to one %llu, calls %llu\n",
	       (unsigned long long)sent[TO_ALL], (unsigned long long)own,
	       (unsigned long long)sent[EACH], (unsigned long long)sent[ONE_WAY],
	       (unsigned long long)sent[CALL]);
	return bad || shared->taken != sent[ONE_WAY] + sent[CALL] ||
	       sent[TO_ALL] + sent[EACH] + shared->taken != SENDERS * each;
}

int main(int argc, char **argv)
{
	int c, i, status, bad = 0;

	while ((c = getopt(argc, argv, "n:r:t:op")) != -1) {
		if (c == 'n')
			each = strtoull(optarg, NULL, 0);
		else if (c == 'r')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 't')
			limit_s = strtoul(optarg, NULL, 0);
		else if (c == 'o')
			ordered = true;
		else if (c == 'p')
			planted = true;
		else
			return 2;
	}
	if (optind + 1 != argc)
		return 2;
	ring = argv[optind];
	setpgid(0, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	got = mmap(NULL, SENDERS * each + 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		   -1, 0);
	if (shared == MAP_FAILED || got == MAP_FAILED)
		return 2;
	for (i = 0; i < TAKERS; i++)
		start(take, i);
	while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < TAKERS)
		if (usleep(10000) || waitpid(-1, &status, WNOHANG) > 0)
			return 2;
	/* offers are on their way to all */
	sleep(3 * slower());
	for (i = 0; i < SENDERS; i++)
		start(send_all, i);
	for (i = 0; i < SENDERS + TAKERS; i++) {
		if (wait(&status) > 0 && !status)
			continue;
		bad++;
		/* the others would wait for what will not come */
		if (bad == 1) {
			signal(SIGTERM, SIG_IGN);
			kill(0, SIGTERM);
		}
	}
	return report(bad);
}
