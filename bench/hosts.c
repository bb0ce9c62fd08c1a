// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a message costs on a ring of several hosts, all of which send to all: one
 * process in each network namespace sends as fast as it can and receives everything.
 * On one CPU with icount this is all that is executed for a message, on all hosts
 * together: system calls, copies, sockets, network, wakes.
 *
 *	h1: process = ring      h2: process = ring      h3: process = ring
 *	              '------------------+------------------'   one case: one ring
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dmring.h>
#include <json-c/json.h>

#include "bench.h"
#include "report.h"

#define HOSTS_MAX	8
#define RINGS_MAX	8
#define BATCH		64
#define COUNT		20000		/* messages of each host */
#define PATIENCE_MS	60000

/* Shared by all processes of a run */
struct start {
	unsigned int ready;
	unsigned int go;
};

struct host {
	struct dmring *r;
	__u32 self;
	__u32 hosts;
	size_t size;
	__u64 count;
	__u64 next[HOSTS_MAX];		/* number that is due from each */
	__u64 got;
};

static int take(struct host *h, const struct dmring_msg *m)
{
	__u64 from, no;

	if (m->type != DMRING_REC_DATA)
		return 0;
	memcpy(&from, m->data, sizeof(from));
	memcpy(&no, (const char *)m->data + m->len - sizeof(no), sizeof(no));
	if (m->len != h->size || from >= h->hosts || no != h->next[from]++)
		return bench_fail(0, "host %u: message %llu of host %llu was not due",
				  h->self, (unsigned long long)no, (unsigned long long)from);
	h->got++;
	return 0;
}

/* All that is there */
static int read_all(struct host *h)
{
	struct dmring_msg m;
	int n, ret = 0;

	for (;;) {
		for (n = 0; n < BATCH && !ret; n++) {
			ret = dmring_peek(h->r, &m);
			if (!ret)
				ret = take(h, &m);
		}
		if (n && dmring_release(h->r))
			return bench_fail(0, "messages were lost");
		if (ret)
			return ret == -EAGAIN ? 0 : ret;
	}
}

static int send_one(struct host *h, __u64 no)
{
	__u64 from = h->self;
	void *buf;
	int ret;

	while ((ret = dmring_reserve(h->r, h->size, &buf)) == -EAGAIN) {
		ret = read_all(h) ?: dmring_wait(h->r, DMRING_WAIT_READ | DMRING_WAIT_WRITE,
						 h->size, PATIENCE_MS);
		if (ret)
			return ret;
	}
	if (ret)
		return ret;
	memset(buf, (int)no, h->size);
	memcpy(buf, &from, sizeof(from));
	memcpy((char *)buf + h->size - sizeof(no), &no, sizeof(no));
	return dmring_commit(h->r, h->size);
}

static int flow(struct host *h)
{
	__u64 i;
	int ret = 0;

	for (i = 0; i < h->count && !ret; i++) {
		ret = send_one(h, i);
		if (!ret && i % BATCH == BATCH - 1)
			ret = dmring_submit(h->r) ?: read_all(h);
	}
	while (!ret && h->got < h->hosts * h->count)
		ret = dmring_wait(h->r, DMRING_WAIT_READ, 1, PATIENCE_MS) ?: read_all(h);
	return ret;
}

static int host_main(struct host *h, const char *netns, const char *ring, struct start *s)
{
	const struct dmring_opts opts = { .size = sizeof(opts) };
	int ret = bench_enter(netns);

	if (ret)
		return ret;
	ret = dmring_attach(&h->r, ring, &opts);
	if (ret)
		return bench_fail(-ret, "ring %s in %s: %s", ring, netns, dmring_why());
	__atomic_add_fetch(&s->ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&s->go, __ATOMIC_SEQ_CST))
		usleep(1000);
	ret = flow(h);
	if (ret)
		bench_fail(-ret, "ring %s in %s", ring, netns);
	dmring_detach(h->r);
	return ret;
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* 0 when all have ended well */
static int reap(const pid_t *pid, int hosts)
{
	int i, status, bad = 0;

	for (i = 0; i < hosts; i++)
		if (pid[i] < 0 || waitpid(pid[i], &status, 0) < 0 || status)
			bad = -EPROTO;
	return bad;
}

/* Everybody sends and has everything: time of a message (ns), or negative */
static double run_once(char **netns, int hosts, const char *ring, struct start *s)
{
	struct host h = {
		.hosts = hosts, .size = bench_opts.size ? bench_opts.size : 64,
		.count = (__u64)COUNT * bench_opts.scale / 100,
	};
	pid_t pid[HOSTS_MAX];
	bool started = true;
	double start;

	memset(s, 0, sizeof(*s));
	for (h.self = 0; h.self < h.hosts; h.self++) {
		pid[h.self] = fork();
		if (!pid[h.self])
			_exit(!!host_main(&h, netns[h.self], ring, s));
		started &= pid[h.self] > 0;
	}
	/* one that could not start, or has ended: the others find out, and end */
	while (started && __atomic_load_n(&s->ready, __ATOMIC_SEQ_CST) < h.hosts &&
	       !waitpid(-1, NULL, WNOHANG))
		usleep(1000);
	start = now_ns();
	__atomic_store_n(&s->go, 1, __ATOMIC_SEQ_CST);
	if (reap(pid, hosts))
		return -1;
	return (now_ns() - start) / (h.hosts * h.count);
}

static int by_size(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : 1;
}

/* The median, or negative */
static double measure(char **netns, int hosts, const char *ring, struct start *s)
{
	unsigned int i, n = bench_opts.repeat > 9 ? 9 : bench_opts.repeat;
	double t[9];

	for (i = 0; i < n; i++) {
		t[i] = run_once(netns, hosts, ring, s);
		if (t[i] < 0)
			return -1;
	}
	qsort(t, n, sizeof(*t), by_size);
	printf("%-16s %8.0f  (%.0f to %.0f)", ring, t[n / 2], t[0], t[n - 1]);
	return t[n / 2];
}

int bench_hosts(void)
{
	struct json_object *all = json_object_new_object();
	char *netns[HOSTS_MAX], *ring[RINGS_MAX];
	double first = 0, t;
	struct start *s;
	int hosts, rings, i;

	if (!bench_opts.netns)
		return !!bench_fail(EINVAL, "\"hosts\" needs -H: network namespaces");
	hosts = bench_list(strdupa(bench_opts.netns), netns, HOSTS_MAX);
	rings = bench_list(strdupa(bench_opts.ring), ring, RINGS_MAX);
	if (hosts < 0 || rings < 0)
		return 1;
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return !!bench_fail(errno, "memory");
	printf("%s a message, %d hosts, each to all\n",
	       bench_opts.icount ? "instructions" : "nanoseconds", hosts);
	for (i = 0; i < rings; i++) {
		fflush(stdout);
		t = measure(netns, hosts, ring[i], s);
		if (t < 0)
			return 1;
		first = first ? first : t;
		printf("  %.3f of %s\n", t / first, ring[0]);
		json_object_object_add(all, ring[i], json_object_new_double(t));
	}
	munmap(s, sizeof(*s));
	return bench_write_json(bench_opts.json, all) ? 1 : 0;
}
