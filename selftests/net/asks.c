// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests while servers die: 8 clients and 6 servers on three hosts (network namespaces h1 to
 * h3); every so often a server is killed and another one begins.
 *
 *	asks [-n REQUESTS] [-k MS between kills] [-r SEED] [-t S] RING
 *
 * Each request has its client's number, its own, and random bytes; its reply has to be what
 * these bytes say. Each has to end exactly once, and where it ends without a reply, a
 * server's death has to be the reason. How long after the last death a client hears of it is
 * measured.
 *
 * Shared memory: each client writes its own struct, the parent the time of the last kill.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dmring.h>

#include "../random.h"

#define HOSTS		3
#define SERVERS		6
#define CLIENTS		8
#define IN_FLIGHT	16
#define BYTES		200	/* most of a request */
#define DEADLINE_MS	60000
#define LATES		65536	/* times that are kept */

struct question {
	uint32_t client;
	uint32_t len;
	uint64_t no;
	uint8_t data[BYTES];
};

struct answer {
	uint64_t no;
	uint64_t sum;
};

struct client {
	uint64_t begun;
	uint64_t replied;
	uint64_t dead;		/* EOWNERDEAD */
	uint64_t none;		/* ESRCH: none there for the moment */
	uint64_t full;		/* EAGAIN */
	uint64_t wrong;		/* anything that may not be */
	uint32_t lates;
	uint32_t late[LATES];	/* us from the last kill to EOWNERDEAD */
	char text[200];
};

static struct shared {
	uint64_t killed_at;	/* ns */
	struct client client[CLIENTS];
} *shared;

static const char *ring;
static uint64_t requests = 20000, seed = 1;
static unsigned int kill_ms = 100, limit_s = 300;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static uint64_t sum_of(const struct question *q)
{
	uint64_t sum = q->no * 31 + q->client;
	uint32_t i;

	for (i = 0; i < q->len; i++)
		sum = sum * 1099511628211ULL + q->data[i];
	return sum;
}

/* This process, on that host, and a member there */
static struct dmring *join(unsigned int host)
{
	struct dmring_opts o = {
		.size = sizeof(o), .flags = DMRING_CALLS | DMRING_SEND_ONLY,
		.out_size = 1 << 18,
	};
	struct dmring *r;
	char path[32];
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "/run/netns/h%u", host);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		perror(path);
		exit(2);
	}
	close(fd);
	if (dmring_attach(&r, ring, &o)) {
		fprintf(stderr, "attach: %s\n", dmring_why());
		exit(2);
	}
	return r;
}

static void serve_one(struct dmring *r, const struct dmring_msg *m)
{
	struct question q = { .no = 0 };
	struct answer a;

	memcpy(&q, m->data, m->len < sizeof(q) ? m->len : sizeof(q));
	a.no = q.no;
	a.sum = sum_of(&q);
	while (dmring_reply(r, m->ref, &a, sizeof(a)) == -EAGAIN)
		dmring_wait(r, DMRING_WAIT_WRITE, sizeof(a) + 64, 100);
}

static void serve(unsigned int host)
{
	struct dmring *r = join(host);
	struct dmring_msg m;
	int ret;

	if (dmring_offer(r, "sums", NULL))
		exit(2);
	for (;;) {
		ret = dmring_peek(r, &m);
		if (ret == -EAGAIN) {
			dmring_wait(r, DMRING_WAIT_READ, 1, 1000);
			continue;
		}
		if (ret)
			exit(ret == -ENOTCONN ? 0 : 3);
		if (m.type == DMRING_REC_REQUEST)
			serve_one(r, &m);
		dmring_release(r);
	}
}

/* What a client keeps of what it has asked, by number */
struct asked {
	uint64_t sum;
	bool open;
};

static void wrong(struct client *c, const char *what, uint64_t no)
{
	if (!c->wrong++)
		snprintf(c->text, sizeof(c->text), "%s, request %llu", what,
			 (unsigned long long)no);
}

static bool ask(struct dmring *r, struct client *c, unsigned int me, uint64_t no,
		struct asked *asked, uint64_t *rnd)
{
	struct question q = { .client = me, .no = no };
	uint32_t i;
	int ret;

	q.len = next_random(rnd) % BYTES;
	for (i = 0; i < q.len; i++)
		q.data[i] = next_random(rnd);
	*asked = (struct asked){ .sum = sum_of(&q), .open = true };
	ret = dmring_call_start(r, "sums", &q, offsetof(struct question, data) + q.len, no, 0,
				DEADLINE_MS);
	if (ret && ret != -EAGAIN)
		wrong(c, dmring_strerror(ret), no);
	asked->open = !ret;
	c->begun += !ret;
	return !ret;
}

static void came(struct client *c, const struct dmring_msg *m, struct asked *asked)
{
	const struct answer *a = m->data;

	if (!asked->open) {
		wrong(c, "ended twice", m->ref);
		return;
	}
	asked->open = false;
	if (!m->error) {
		c->replied++;
		if (m->len != sizeof(*a) || a->no != m->ref || a->sum != asked->sum)
			wrong(c, "the reply of another", m->ref);
	} else if (m->error == -EOWNERDEAD) {
		if (c->lates < LATES)
			c->late[c->lates++] = (now_ns() - shared->killed_at) / 1000;
		c->dead++;
	} else if (m->error == -ESRCH) {
		c->none++;
	} else if (m->error == -EAGAIN) {
		c->full++;
	} else {
		wrong(c, dmring_strerror(m->error), m->ref);
	}
}

static void client(unsigned int me)
{
	struct dmring *r = join(1 + me % HOSTS);
	struct client *c = &shared->client[me];
	uint64_t n = requests / CLIENTS, next = 0, ended = 0, rnd = seed * 100 + me;
	struct asked *asked = calloc(n, sizeof(*asked));
	struct dmring_msg m;

	while (ended < n) {
		int ret;

		while (next < n && next - ended < IN_FLIGHT &&
		       ask(r, c, me, next, &asked[next], &rnd))
			next++;
		ret = dmring_peek(r, &m);
		if (ret == -EAGAIN) {
			dmring_wait(r, DMRING_WAIT_READ, 1, 1000);
			continue;
		}
		if (ret) {
			wrong(c, dmring_why(), next);
			break;
		}
		if (m.type == DMRING_REC_REPLY && m.ref < n) {
			came(c, &m, &asked[m.ref]);
			ended++;
		}
		dmring_release(r);
	}
	/* nothing comes after the end */
	if (!dmring_wait(r, DMRING_WAIT_READ, 1, 300) && !dmring_peek(r, &m) &&
	    m.type == DMRING_REC_REPLY)
		wrong(c, "ended once more", m.ref);
	dmring_detach(r);
	exit(c->wrong ? 1 : 0);
}

static pid_t start(void (*fn)(unsigned int arg), unsigned int arg)
{
	pid_t pid = fork();

	if (!pid) {
		fn(arg);
		exit(0);
	}
	return pid;
}

static int by_size(const void *a, const void *b)
{
	return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static int report(unsigned int kills)
{
	static uint32_t late[CLIENTS * LATES];
	struct client all = { 0 };
	uint32_t n = 0;
	int i;

	for (i = 0; i < CLIENTS; i++) {
		const struct client *c = &shared->client[i];

		all.begun += c->begun;
		all.replied += c->replied;
		all.dead += c->dead;
		all.none += c->none;
		all.full += c->full;
		all.wrong += c->wrong;
		memcpy(late + n, c->late, c->lates * sizeof(*late));
		n += c->lates;
		if (c->wrong)
			printf("client %d: %llu wrong: %s\n", i, (unsigned long long)c->wrong,
			       c->text);
	}
	qsort(late, n, sizeof(*late), by_size);
	printf("begun %llu replied %llu dead %llu none %llu full %llu wrong %llu kills %u\n",
	       (unsigned long long)all.begun, (unsigned long long)all.replied,
	       (unsigned long long)all.dead, (unsigned long long)all.none,
	       (unsigned long long)all.full, (unsigned long long)all.wrong, kills);
	if (n)
		printf("from the last SIGKILL to the failure: p50 %u us, p99 %u us, of %u\n",
		       late[n / 2], late[n * 99 / 100], n);
	return all.wrong || all.begun != requests / CLIENTS * CLIENTS ||
	       all.begun != all.replied + all.dead + all.none + all.full;
}

int main(int argc, char **argv)
{
	pid_t server[SERVERS], clients[CLIENTS];
	unsigned int i, left = CLIENTS, kills = 0, bad = 0;
	uint64_t rnd, end;
	int c, status;

	while ((c = getopt(argc, argv, "n:k:r:t:")) != -1) {
		if (c == 'n')
			requests = strtoull(optarg, NULL, 0);
		else if (c == 'k')
			kill_ms = strtoul(optarg, NULL, 0);
		else if (c == 'r')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 't')
			limit_s = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	if (optind + 1 != argc)
		return 2;
	ring = argv[optind];
	rnd = seed;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	for (i = 0; i < SERVERS; i++)
		server[i] = start(serve, 1 + i % HOSTS);
	sleep(1);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = start(client, i);
	end = now_ns() + limit_s * 1000000000ULL;
	while (left && now_ns() < end) {
		struct timespec ts = { .tv_nsec = kill_ms * 1000000L };

		nanosleep(&ts, NULL);
		for (i = 0; i < CLIENTS; i++)
			if (clients[i] && waitpid(clients[i], &status, WNOHANG) > 0) {
				bad += status != 0;
				clients[i] = 0;
				left--;
			}
		if (!left)
			break;
		i = next_random(&rnd) % SERVERS;
		shared->killed_at = now_ns();
		kill(server[i], SIGKILL);
		waitpid(server[i], NULL, 0);
		server[i] = start(serve, 1 + i % HOSTS);
		kills++;
	}
	for (i = 0; i < CLIENTS; i++)
		if (clients[i])
			kill(clients[i], SIGKILL);
	for (i = 0; i < SERVERS; i++)
		kill(server[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	if (left)
		printf("%u clients had not come to an end after %u s\n", left, limit_s);
	return report(kills) || bad || left;
}
