// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests while servers are killed: every one ends once, and a server's death is told at once.
 *
 *	call-storm [-n REQUESTS] [-w REQUESTS a second] [-k MS between kills] [-r SEED] [-t S]
 *		   [-p PLANT] [-x] RING
 *
 *	    8 clients on 3 hosts              6 servers on 3 hosts (network namespaces h1 to h3)
 *	.-------------------------.         .-------------------------.
 *	| 16 requests under way   | ------> | takes: writes down whose |
 *	| each: began, ended once | <------ | answers                  | <-- SIGKILL: written down
 *	'-------------------------'         '-------------------------'     when; a new one begins
 *
 * A request goes to a server of its own host, if there is one. With -x all clients are on host 1
 * and all servers on the others, so that every request and every answer goes between hosts.
 *
 * Servers write down which requests they have in their hands, so that the time until a client
 * hears of it is that from its own server's death, also if many die meanwhile. Of one that no
 * server had looked at, it is that from the first death since it was begun.
 *
 * Clients ask as fast as they can, or with -w at a pace, and then ahead of ordinary processes, but
 * behind the ring's thread: that tells how soon a failure is known, and not how long who is to
 * hear of it waits for a CPU.
 *
 * A planted fault has to be found: lost (a client forgets an end), doubled (it counts one twice),
 * damaged (a server answers wrongly, once), early (a server refuses one with EOWNERDEAD).
 *
 * Shared memory: each client writes its own struct, and counts itself in; servers write taken[], the
 * parent the deaths.
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "call-departures.h"
#include "call-join.h"

#define HOSTS		3
#define SERVERS		6
#define CLIENTS		8
#define IN_FLIGHT	16
#define LATES		32768	/* failures that are kept of each client */
#define LIVES		(1 << 18)	/* of servers */
#define PLANT_AT	100	/* the request of client 0 that a fault is planted in */
#define NEWS_MS		10000	/* most that the news of a death takes to where requests begin */

enum end { REPLIED, DEAD, NONE, FULL, WRONG, ENDS };

static const char *const end_names[] = { "replied", "dead", "none", "full", "wrong" };

/* A request that has failed with its server */
struct late {
	uint64_t heard;		/* ns */
	uint32_t death;
	bool taken;		/* the server had looked at it */
};

struct death {
	uint64_t killed;	/* ns */
	uint64_t gone;		/* ns; it is no member any more, 0: it may be one */
	uint64_t left;		/* ns; the parent's own, 0: unknown */
};

struct client {
	uint64_t begun;
	uint64_t ends[ENDS];
	uint64_t open;		/* without an end */
	uint32_t lates;
	struct late late[LATES];
	char text[200];
};

static struct shared {
	uint32_t ready;		/* clients that know of a server */
	uint32_t lives;		/* servers that were started */
	uint32_t deaths;
	uint64_t twice;		/* requests that two servers took, or one twice */
	uint32_t end[LIVES];	/* of each life: its death + 1 */
	struct death death[LIVES];
	struct client client[CLIENTS];
} *shared;

static uint32_t *taken;		/* [client][number]: life + 1 */
static const char *ring, *plant = "";
static uint64_t requests = 20000, seed = 1, pace;
static unsigned int kill_ms = 100, limit_s = 300;
static bool far;

static bool is_planted(const char *kind, uint64_t who, uint64_t no)
{
	return !who && no == PLANT_AT && !strcmp(plant, kind);
}

static uint64_t each(void) { return requests / CLIENTS; }

static bool goes_on(uint64_t no) { return no % 4 == 3; }	/* DMRING_REQUEST_IDEMPOTENT */

static void serve_one(struct dmring *r, const struct dmring_msg *m, uint32_t life)
{
	struct question q, a;
	uint32_t before;
	int ret;

	if (!question_whole(m->data, m->len, &q) || q.who >= CLIENTS || q.no >= each()) {
		while (dmring_refuse(r, m->ref, EBADMSG) == -EAGAIN)
			dmring_wait(r, DMRING_WAIT_WRITE, 64, 100);
		return;
	}
	before = __atomic_exchange_n(&taken[q.who * each() + q.no], life + 1, __ATOMIC_SEQ_CST);
	if (before && !goes_on(q.no))
		__atomic_add_fetch(&shared->twice, 1, __ATOMIC_SEQ_CST);
	question_answer(&q, &a);
	/* long enough for some to die with one in hand */
	if (q.no % 16 == 0)
		usleep(1000);
	if (is_planted("damaged", q.who, q.no))
		a.sum++;
	do {
		if (is_planted("early", q.who, q.no))
			ret = dmring_refuse(r, m->ref, EOWNERDEAD);
		else
			ret = dmring_reply(r, m->ref, &a, QUESTION_HEAD + a.len);
		if (ret == -EAGAIN)
			dmring_wait(r, DMRING_WAIT_WRITE, sizeof(a) + 64, 100);
	} while (ret == -EAGAIN);
}

static void serve(unsigned int host, unsigned int life)
{
	struct dmring *r = join(ring, host, DMRING_SEND_ONLY);
	struct dmring_msg m;
	int ret;

	if (dmring_offer(r, "storm", NULL))
		exit(2);
	for (;;) {
		ret = next_msg(r, &m, 1000);
		if (ret == -EAGAIN)
			continue;
		if (ret)
			exit(3);
		if (m.type == DMRING_REC_REQUEST)
			serve_one(r, &m, life);
		dmring_release(r);
	}
}

/* What a client keeps of a request of its own */
struct asked {
	uint64_t at;		/* ns */
	bool open;
};

static void wrong(struct client *c, const char *what, uint64_t no)
{
	if (!c->ends[WRONG]++)
		snprintf(c->text, sizeof(c->text), "%s, request %llu", what,
			 (unsigned long long)no);
}

static bool ask(struct dmring *r, struct client *c, unsigned int me, uint64_t no,
		struct asked *asked)
{
	struct question q;
	size_t len = question_make(&q, me, no, seed);
	int ret;

	asked->at = now_ns(CLOCK_MONOTONIC);
	ret = dmring_call_start(r, "storm", &q, len, no,
				goes_on(no) ? DMRING_REQUEST_IDEMPOTENT : 0, -1);
	if (ret && ret != -EAGAIN) {
		wrong(c, dmring_strerror(ret), no);
		exit(1);
	}
	asked->open = !ret;
	c->begun += !ret;
	return !ret;
}

/* The first death since @from, or else the last one before it, + 1; 0: there was none */
static uint32_t death_since(uint64_t from)
{
	uint32_t n = __atomic_load_n(&shared->deaths, __ATOMIC_ACQUIRE);

	while (n > 1 && shared->death[n - 2].killed >= from)
		n--;
	return n;
}

/* Can @d be why a request failed that began at @from, and was @taken by the one that died? */
static bool may_be_why(const struct death *d, uint64_t from, bool taken)
{
	uint64_t gone = __atomic_load_n(&d->gone, __ATOMIC_SEQ_CST);

	return !gone || from <= gone + (taken ? 0 : NEWS_MS * 1000000ULL * slower());
}

/* It failed with EOWNERDEAD: who has died for it? */
static void is_dead(struct client *c, unsigned int me, uint64_t no, const struct asked *asked)
{
	uint32_t life = __atomic_load_n(&taken[me * each() + no], __ATOMIC_SEQ_CST);
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	uint32_t death;

	death = life ? __atomic_load_n(&shared->end[life - 1], __ATOMIC_SEQ_CST) :
		       death_since(asked->at);
	if (!death || !may_be_why(&shared->death[death - 1], asked->at, life)) {
		wrong(c, life ? "its server lives" : "nobody has died", no);
		return;
	}
	c->ends[DEAD]++;
	if (c->lates < LATES)
		c->late[c->lates++] = (struct late){
			.heard = now, .death = death - 1, .taken = life,
		};
}

static void came(struct client *c, unsigned int me, const struct dmring_msg *m,
		 struct asked *asked)
{
	struct question q;

	if (m->flags & DMRING_REPLY_MORE || !asked->open) {
		wrong(c, asked->open ? "in parts" : "ended twice", m->ref);
		return;
	}
	asked->open = false;
	question_make(&q, me, m->ref, seed);
	if (!m->error && question_answered(&q, m->data, m->len))
		c->ends[REPLIED]++;
	else if (!m->error)
		wrong(c, "the answer to another question", m->ref);
	else if (m->error == -EOWNERDEAD)
		is_dead(c, me, m->ref, asked);
	else if (m->error == -ESRCH && death_since(asked->at))
		c->ends[NONE]++;
	else if (m->error == -EAGAIN)
		c->ends[FULL]++;
	else
		wrong(c, dmring_strerror(m->error), m->ref);
}

/* A client at work */
struct asking {
	struct dmring *r;
	struct client *c;
	struct asked *asked;	/* [number] */
	unsigned int me;
	uint64_t start;		/* ns */
	uint64_t next;		/* number */
	uint64_t ended;
};

static bool may_ask(const struct asking *a)
{
	return a->next < each() && a->next - a->ended < IN_FLIGHT;
}

/* When the next one is to be asked (ns), at a pace; the clients take turns */
static uint64_t due(const struct asking *a)
{
	return pace ? a->start + (a->next * CLIENTS + a->me) * 1000000000ULL / pace : 0;
}

/* All that is due; how long there is nothing else to do then (ms) */
static int ask_due(struct asking *a, uint64_t now)
{
	while (may_ask(a) && due(a) <= now && ask(a->r, a->c, a->me, a->next, &a->asked[a->next]))
		a->next++;
	return may_ask(a) && due(a) > now ? (due(a) - now) / 1000000 + 1 : 1000;
}

static void heard(struct asking *a, const struct dmring_msg *m)
{
	if (m->type != DMRING_REC_REPLY || m->ref >= each() || is_planted("lost", a->me, m->ref))
		return;
	came(a->c, a->me, m, &a->asked[m->ref]);
	if (is_planted("doubled", a->me, m->ref))
		came(a->c, a->me, m, &a->asked[m->ref]);
	a->ended++;
}

static void ask_all(struct asking *a)
{
	/* what is planted to be lost never comes */
	uint64_t patience = (*plant ? 10 : 20) * slower() * 1000000000ULL;
	uint64_t now = a->start, last = now;
	struct dmring_msg m;
	int ret;

	while (a->ended < each() && now - last < patience) {
		ret = next_msg(a->r, &m, ask_due(a, now));
		now = now_ns(CLOCK_MONOTONIC);
		if (ret == -EAGAIN)
			continue;
		if (ret) {
			wrong(a->c, dmring_strerror(ret), a->next);
			return;
		}
		last = now;
		heard(a, &m);
		dmring_release(a->r);
	}
}

static void go_ahead(void)
{
	const struct sched_param p = { .sched_priority = sched_get_priority_min(SCHED_FIFO) };

	if (sched_setscheduler(0, SCHED_FIFO, &p)) {
		perror("call-storm: real-time priority");
		exit(2);
	}
}

static bool all_ready(void)
{
	return __atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) == CLIENTS;
}

static void wait_a_moment(uint64_t end, const char *what)
{
	if (now_ns(CLOCK_MONOTONIC) > end) {
		fprintf(stderr, "call-storm: %s\n", what);
		exit(2);
	}
	usleep(1000);
}

/*
 * Where no server is known every request would fail; one that is refuses this. And who asks before
 * servers are killed proves nothing.
 */
static void begin_together(struct dmring *r)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + 60 * slower() * 1000000000ULL;

	while (dmring_call(r, "storm", "?", 1, NULL, 0, 1000) != -EBADMSG)
		wait_a_moment(end, "no server is known to a client");
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!all_ready())
		wait_a_moment(end, "other clients know of no server");
}

static void client(unsigned int me, unsigned int unused)
{
	struct asking a = {
		.r = join(ring, far ? 1 : 1 + me % HOSTS, DMRING_SEND_ONLY),
		.c = &shared->client[me], .asked = calloc(each(), sizeof(*a.asked)), .me = me,
	};
	struct dmring_msg m;
	uint64_t i;

	(void)unused;
	if (!a.asked)
		exit(2);
	begin_together(a.r);
	if (pace)
		go_ahead();
	a.start = now_ns(CLOCK_MONOTONIC);
	ask_all(&a);
	/* nothing comes after the end */
	while (!next_msg(a.r, &m, 300)) {
		if (m.type == DMRING_REC_REPLY)
			wrong(a.c, "ended once more", m.ref);
		dmring_release(a.r);
	}
	for (i = 0; i < each(); i++)
		a.c->open += a.asked[i].open;
	dmring_detach(a.r);
	exit(a.c->ends[WRONG] || a.c->open ? 1 : 0);
}

static pid_t start(void (*fn)(unsigned int a, unsigned int b), unsigned int a, unsigned int b)
{
	pid_t pid = fork();

	if (!pid) {
		fn(a, b);
		exit(0);
	}
	return pid;
}

static pid_t start_server(unsigned int i, uint32_t *life)
{
	*life = shared->lives++;
	return start(serve, far ? 2 + i % (HOSTS - 1) : 1 + i % HOSTS, *life);
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void percentiles(const char *what, uint32_t *late, uint32_t n)
{
	qsort(late, n, sizeof(*late), by_size);
	if (n)
		printf("%s: p50 %u us, p99 %u us, most %u us, of %u\n", what, late[n / 2],
		       late[n * 99ULL / 100], late[n - 1], n);
}

/* How long from kill or departure until each failure was heard of, of all or of taken requests */
static void lateness(const char *what, bool departures, bool taken)
{
	static uint32_t us[CLIENTS * LATES];
	uint32_t n = 0, i, k;

	for (i = 0; i < CLIENTS; i++) {
		const struct client *c = &shared->client[i];

		for (k = 0; k < c->lates; k++) {
			const struct death *d = &shared->death[c->late[k].death];
			uint64_t from = departures ? d->left : d->killed;

			/* before it: it was that of another server, which had left before */
			if (from && c->late[k].heard >= from && (!taken || c->late[k].taken))
				us[n++] = (c->late[k].heard - from) / 1000;
		}
	}
	percentiles(what, us, n);
}

static int report(void)
{
	uint64_t begun = 0, open = 0, ends[ENDS] = { 0 }, sum = 0;
	int i, e;

	for (i = 0; i < CLIENTS; i++) {
		const struct client *c = &shared->client[i];

		begun += c->begun;
		open += c->open;
		for (e = 0; e < ENDS; e++)
			ends[e] += c->ends[e];
		if (c->ends[WRONG])
			printf("client %d: %s\n", i, c->text);
	}
	lateness("from the server's SIGKILL to the failure, taken requests", false, true);
	lateness("and all", false, false);
	lateness("from its departure, taken requests", true, true);
	lateness("and all", true, false);
	printf("begun %llu", (unsigned long long)begun);
	for (e = 0; e < ENDS; e++) {
		printf(" %s %llu", end_names[e], (unsigned long long)ends[e]);
		sum += e == WRONG ? 0 : ends[e];
	}
	printf(" open %llu twice %llu kills %u\n", (unsigned long long)open,
	       (unsigned long long)shared->twice, shared->deaths);
	return ends[WRONG] || open || shared->twice || begun != each() * CLIENTS || sum != begun;
}

static void kill_one(pid_t *server, uint32_t *life, unsigned int i, int departures)
{
	struct death *d = &shared->death[shared->deaths];

	d->killed = now_ns(CLOCK_MONOTONIC);
	__atomic_store_n(&shared->end[life[i]], shared->deaths + 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&shared->deaths, shared->deaths + 1, __ATOMIC_RELEASE);
	kill(server[i], SIGKILL);
	waitpid(server[i], NULL, 0);
	__atomic_store_n(&d->gone, now_ns(CLOCK_MONOTONIC), __ATOMIC_SEQ_CST);
	d->left = departure_of(departures, server[i]);
	server[i] = start_server(i, &life[i]);
}

static void *share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	return p;
}

static int run(void)
{
	pid_t server[SERVERS], clients[CLIENTS];
	uint32_t life[SERVERS];
	unsigned int i, left = CLIENTS, bad = 0;
	int status, departures = departures_open();
	uint64_t rnd = seed, end;

	if (departures < 0)
		printf("departures are not known: %s\n", strerror(errno));

	for (i = 0; i < SERVERS; i++)
		server[i] = start_server(i, &life[i]);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = start(client, i, 0);
	end = now_ns(CLOCK_MONOTONIC) + limit_s * 1000000000ULL;
	while (left && now_ns(CLOCK_MONOTONIC) < end) {
		struct timespec ts = { .tv_sec = kill_ms / 1000, .tv_nsec = kill_ms % 1000 * 1000000L };

		nanosleep(&ts, NULL);
		for (i = 0; i < CLIENTS; i++)
			if (clients[i] && waitpid(clients[i], &status, WNOHANG) > 0) {
				bad += status != 0;
				clients[i] = 0;
				left--;
			}
		if (left && shared->lives < LIVES && all_ready())
			kill_one(server, life, next_random(&rnd) % SERVERS, departures);
	}
	for (i = 0; i < CLIENTS; i++)
		if (clients[i])
			kill(clients[i], SIGKILL);
	for (i = 0; i < SERVERS; i++)
		kill(server[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	departures_close(departures);
	if (left)
		printf("%u clients had not come to an end after %u s\n", left, limit_s);
	return report() || bad || left;
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:w:k:r:t:p:x")) != -1) {
		if (c == 'n')
			requests = strtoull(optarg, NULL, 0);
		else if (c == 'w')
			pace = strtoull(optarg, NULL, 0);
		else if (c == 'k')
			kill_ms = strtoul(optarg, NULL, 0);
		else if (c == 'r')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 't')
			limit_s = strtoul(optarg, NULL, 0);
		else if (c == 'p')
			plant = optarg;
		else if (c == 'x')
			far = true;
		else
			return 2;
	}
	if (optind + 1 != argc)
		return 2;
	ring = argv[optind];
	shared = share(sizeof(*shared));
	taken = share(each() * CLIENTS * sizeof(*taken) + 1);
	return run();
}
