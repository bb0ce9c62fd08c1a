// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uses the module once, as a machine does in its life: rings, members, messages,
 * an eviction, a ring over two hosts. For module-load.sh and ctl.sh.
 *
 *	use-module run NETNS-A NETNS-B    10.8.0.1 in A, 10.8.0.2 in B
 *	use-module leave NETNS-A NETNS-B  the same, and leaves its rings to whoever unloads
 *	use-module hold N                 holds N members until its input ends
 *	use-module keep                   holds a member, from the next line on only its maps
 *	use-module visit RING N           N times a member, for a moment
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rig.h"
#include "traffic.h"

#define MESSAGES	200
#define MEMBERS		10
#define LEN		600
#define NET		0x0a080000U	/* 10.8.0.0 */
#define PORT		7000

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "use-module: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void one_machine(bool leave)
{
	static const struct rig_conf conf = { .log = 64 << 10, .slow_ms = 200 };
	struct rig_member m[MEMBERS] = {};
	char buf[LEN];
	int i, n;

	must(rig_ring_add("one", &conf), "ring add");
	for (i = 0; i < MEMBERS; i++)
		must(rig_join(&m[i], "one", i == 3 ? DMRING_ATTACH_POLL : 0), "join");
	for (n = 0; n < MESSAGES; n++) {
		traffic_make(buf, LEN, 1, n);
		must(rig_send(&m[n % MEMBERS], buf, LEN), "send");
		for (i = 0; i < MEMBERS; i++)
			must(rig_get_wait(&m[i], buf, LEN, RIG_WAIT_MS) != LEN, "receive");
	}
	must(rig_evict("one", m[1].at.id), "evict");
	/* some leave in order, some with messages on their way, some with their process */
	for (i = 0; i < MEMBERS / 2; i++) {
		rig_put(&m[i], buf, LEN);
		rig_leave(&m[i]);
	}
	if (!leave)
		must(rig_ring_del("one"), "ring del");
}

static void enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	must(fd < 0 || setns(fd, CLONE_NEWNET) ? -errno : 0, netns);
	close(fd);
}

static void host(struct rig_member *m, const char *netns, uint32_t node)
{
	const struct rig_conf conf = {
		.log = 256 << 10, .node = node, .addr = NET + node, .port = PORT,
	};
	uint32_t other = 3 - node;

	enter(netns);
	must(rig_ring_add("two", &conf), "ring add over two hosts");
	must(rig_peer_add("two", other, NET + other, PORT), "peer add");
	must(rig_attach(m, "two", 0), "attach");
}

static void two_hosts(const char *a, const char *b, bool leave)
{
	struct rig_member m[2] = {};
	char buf[LEN];
	int i, n;

	host(&m[0], a, 1);
	host(&m[1], b, 2);
	must(rig_within(20000, rig_ring_get("two", DMRING_A_RING_STATE) == DMRING_RING_CLOSED) ?
	     0 : -ETIMEDOUT, "closing the ring");
	for (n = 0; n < MESSAGES; n++) {
		traffic_make(buf, LEN, 1, n);
		must(write(m[n % 2].fd, buf, LEN) != LEN ? -errno : 0, "write");
		for (i = 0; i < 2; i++)
			must(read(m[i].fd, buf, LEN) != LEN ? -errno : 0, "read");
	}
	rig_leave(&m[0]);
	if (leave)
		return;
	must(rig_ring_del("two"), "ring del");
	enter(a);
	must(rig_ring_del("two"), "ring del");
}

static void hold(int count)
{
	const struct rlimit files = { count + 64, count + 64 };
	struct rig_member *m = calloc(count, sizeof(*m));
	char c;
	int i;

	setrlimit(RLIMIT_NOFILE, &files);
	must(rig_ring_add("held", NULL), "ring add");
	for (i = 0; i < count; i++)
		must(rig_join(&m[i], "held", 0), "join");
	puts("held");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	must(rig_ring_del("held"), "ring del");
}

static void keep(void)
{
	struct rig_member m = {};
	char line[8];

	must(rig_ring_add("kept", NULL), "ring add");
	must(rig_join(&m, "kept", 0), "join");
	puts("attached");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return;
	close(m.fd);
	must(rig_ring_del("kept"), "ring del");
	puts("mapped");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
}

static void visit(const char *ring, int count)
{
	while (count--) {
		struct rig_member m = {};

		must(rig_attach(&m, ring, 0), "attach");
		rig_leave(&m);
	}
}

int main(int argc, char **argv)
{
	bool leave = argc == 4 && !strcmp(argv[1], "leave");

	if (argc == 3 && !strcmp(argv[1], "hold")) {
		hold(atoi(argv[2]));
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "keep")) {
		keep();
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "visit")) {
		visit(argv[2], atoi(argv[3]));
		return 0;
	}
	if (argc != 4 || (!leave && strcmp(argv[1], "run") != 0)) {
		fprintf(stderr, "usage: use-module run|leave NETNS NETNS | hold N | visit RING N\n");
		return 2;
	}
	one_machine(leave);
	two_hosts(argv[2], argv[3], leave);
	return 0;
}
