// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm: processes are killed at random and started again, and whoever is left
 * has to see every message once and in order, and one proxy a term.
 *
 *   storm [-k KILLS] [-r SEED] [-t SEC] [-p KIND] RING
 *
 * The ring is there, closed, over the namespaces h1, h2 and h3 of net/common.sh,
 * with "slow block". On each host run
 *
 *   2 survivors   never killed, never proxy: one reads, one sends as well
 *   6 workers     2 that send, 2 that read, 2 that do both; they begin willing to be
 *                 proxy, and change their ballots and resign now and then
 *
 * The supervisor kills a worker and starts another in its place, KILLS times; every
 * third one is the proxy of some host. Then the workers end, and the books of
 * all survivors are compared with what each membership had begun and accepted.
 *
 * -t  seconds without a message, or without room for one, that are no stall (60)
 * -p  fake a fault, which must be found: lost, doubled, reordered, damaged (of what
 *     a survivor reads), tail (a message accepted that never comes), proxies (two,
 *     as others tell), office (two, as they themselves tell)
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storm.h"

#define UNREAPED_MOST	8	/* killed and not yet gone */
/*
 * Most of the time there are few messages and many kills; in between come gusts that
 * fill the log, in which a kill takes longer.
 */
#define GUST		250	/* kills from one to the next */
#define GUST_REST	8	/* ms that senders rest at most, in one */
#define CALM_REST	100	/* and else */
#define PICKS		4	/* for one that is awake */

struct storm_board *board;

static struct {
	int netns[STORM_HOSTS];
	pid_t pid[STORM_SLOTS];
	__u64 random;
	__u32 kills;		/* to be done */
	__u32 done;
	__u32 proxies;		/* of them */
	__u32 owed;		/* proxies that could not be killed at once */
	__u32 unreaped;
	__u32 started;
	__u32 ended;		/* workers, of their own will, at the end */
	__u32 at[STORM_ATS];	/* what those killed were at */
	__u64 begin;		/* ms */
	__u64 took;
	__u64 looked;		/* ms: when survivors were last looked at */
	__u64 moved;		/* ms: when each of them had last read something */
	__u64 seen[STORM_SLOTS];
} s;

static const char * const at_names[STORM_ATS] = {
	"starting", "attaching", "sending", "reading", "resting", "leaving",
};

static const char * const plants[] = {
	[STORM_PLANT(STORM_LOST)] = "lost",
	[STORM_PLANT(STORM_DOUBLED)] = "doubled",
	[STORM_PLANT(STORM_REORDERED)] = "reordered",
	[STORM_PLANT(STORM_DAMAGED)] = "damaged",
	[STORM_PLANT_PROXIES] = "proxies",
	[STORM_PLANT_OFFICE] = "office",
	[STORM_PLANT_TAIL] = "tail",
};

/*
 * The board
 */

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p != MAP_FAILED)
		return p;
	perror("storm: memory");
	exit(1);
}

static void make_board(__u32 kills)
{
	int i;

	board = shared(sizeof(*board));
	board->patience = 60;
	board->rest = GUST_REST;
	/* one for each kill, and as many again that leave of their own will */
	board->most = 2 * kills + 20000;
	board->terms = 3 * board->most;
	board->drawn = STORM_HOSTS * STORM_SURVIVORS;
	board->sender = shared(board->most * sizeof(*board->sender));
	for (i = 0; i < STORM_HOSTS; i++) {
		board->told[i] = shared(board->terms * sizeof(__u32));
		board->held[i] = shared(board->terms * sizeof(__u32));
	}
	for (i = 0; i < STORM_HOSTS * STORM_SURVIVORS; i++)
		board->next[i] = shared(board->most * sizeof(__u32));
}

/*
 * Processes
 */

static void start(int slot)
{
	__u64 seed = storm_random(&s.random);
	pid_t pid;

	store(&board->slot[slot].at, STORM_STARTING);
	pid = fork();
	if (pid < 0) {
		storm_fault(STORM_BROKEN, "fork: %s", strerror(errno));
		return;
	}
	s.pid[slot] = pid;
	s.started += !!pid;
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setns(s.netns[storm_host(slot)], CLONE_NEWNET)) {
		storm_fault(STORM_BROKEN, "setns: %s", strerror(errno));
		_exit(1);
	}
	_exit(storm_survives(slot) ? storm_survive(slot, seed) : storm_work(slot, seed));
}

static int slot_of(pid_t pid)
{
	int i;

	for (i = 0; i < STORM_SLOTS; i++)
		if (s.pid[i] == pid)
			return i;
	return -1;
}

/* One that nobody expected to end, or that did so badly */
static void took_leave(pid_t pid, int status)
{
	int slot = slot_of(pid);

	if (slot < 0) {
		s.unreaped--;
		if (WIFEXITED(status) && WEXITSTATUS(status))
			storm_fault(STORM_BROKEN, "a worker ended with status %d",
				    WEXITSTATUS(status));
		return;
	}
	s.pid[slot] = 0;
	s.ended++;
	if (status || load(&board->phase) == STORM_RUN)
		storm_fault(STORM_BROKEN, "process in place %d ended with status %#x", slot,
			    status);
}

/* Those that are gone; too many that are not are waited for, but not for ever */
static void reap(void)
{
	bool block;
	int status;
	pid_t pid;

	do {
		block = s.unreaped > UNREAPED_MOST;
		if (block)
			alarm(board->patience);
		pid = waitpid(-1, &status, block ? 0 : WNOHANG);
		if (block)
			alarm(0);
		if (pid > 0)
			took_leave(pid, status);
		else if (block)
			storm_fault(STORM_BROKEN, "%u processes were killed and do not end",
				    s.unreaped);
	} while (pid > 0);
}

static void to_all(int sig)
{
	int i;

	for (i = 0; i < STORM_SLOTS; i++)
		if (s.pid[i])
			kill(s.pid[i], sig);
}

/* These, and who was killed before */
static bool all_gone(int from, int to)
{
	for (; from < to; from++)
		if (s.pid[from])
			return false;
	return !s.unreaped;
}

/* Ends a phase: sleepers look up; signals that come a moment too early are repeated */
static bool await_end(int from, int to)
{
	__u64 end = storm_ms() + board->patience * 1000ULL;
	bool late = false;

	while (!all_gone(from, to) && !late) {
		to_all(SIGUSR1);
		usleep(20000);
		late = storm_ms() > end;
		reap();
	}
	return all_gone(from, to);
}

/*
 * A stall: what everybody knows
 */

static void show_host(int host)
{
	static const char * const objects[] = { "ring", "peer", "member" };
	char cmd[256];
	size_t i;

	for (i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
		snprintf(cmd, sizeof(cmd),
			 "ringctl -n h%d -s %s show %s 2>&1 | sed 's/^/# h%d: /'",
			 host, objects[i], board->ring, host);
		if (system(cmd))
			return;
	}
}

static void show_place(int slot)
{
	pid_t pid = s.pid[slot];
	char cmd[256];

	printf("# place %d host %u pid %d %s received %llu\n", slot, storm_host(slot) + 1, pid,
	       at_names[load(&board->slot[slot].at) % STORM_ATS],
	       (unsigned long long)load(&board->slot[slot].received));
	snprintf(cmd, sizeof(cmd), "head /proc/%d/wchan /proc/%d/stack 2>&1 | sed 's/^/# /'", pid,
		 pid);
	if (pid && system(cmd))
		return;
}

static void show_state(void)
{
	int i;

	for (i = 0; i < STORM_HOSTS; i++)
		show_host(i + 1);
	for (i = 0; i < STORM_SLOTS; i++)
		show_place(i);
}

/* Each survivor has to have heard something since it was last looked at, but for a while */
static void watch(void)
{
	__u64 now = storm_ms();
	bool all = true;
	int i;

	if (now - s.looked < 1000)
		return;
	s.looked = now;
	for (i = 0; i < STORM_HOSTS * STORM_SURVIVORS; i++)
		all &= load(&board->slot[i].received) != s.seen[i];
	if (all) {
		for (i = 0; i < STORM_HOSTS * STORM_SURVIVORS; i++)
			s.seen[i] = load(&board->slot[i].received);
		s.moved = now;
	} else if (now - s.moved > board->patience * 1000ULL) {
		storm_fault(STORM_BROKEN, "a survivor heard nothing for %u s", board->patience);
		show_state();
	}
}

/*
 * Killing
 */

/* Somebody else is said to be in office, or says so himself */
static void plant_proxy(int host, const struct storm_ring *ring)
{
	if (board->plant == STORM_PLANT_PROXIES)
		storm_told(host, ring->term, ring->member + 1);
	if (board->plant == STORM_PLANT_OFFICE)
		storm_held(host, ring->term, ring->member, 0);
}

/* The place of the proxy of some host, or -1 */
static int find_proxy(void)
{
	int first = storm_random(&s.random) % STORM_HOSTS;
	int i, slot = -1;

	for (i = 0; i < STORM_HOSTS && slot < 0; i++) {
		int host = (first + i) % STORM_HOSTS;
		struct storm_ring ring;
		int err = storm_office_get(host, &ring);

		if (err)
			storm_fault(STORM_BROKEN, "ring get on host %d: %s", host + 1,
				    strerror(-err));
		if (err || ring.member == STORM_NOBODY)
			continue;
		storm_told(host, ring.term, ring.member);
		plant_proxy(host, &ring);
		slot = slot_of(ring.pid);
	}
	return slot;
}

/* Any worker; rather one that is at something, for most are asleep most of the time */
static int find_any(void)
{
	int first = STORM_HOSTS * STORM_SURVIVORS;
	int slot, tries = PICKS;

	do {
		slot = first + storm_random(&s.random) % (STORM_SLOTS - first);
	} while (--tries && load(&board->slot[slot].at) == STORM_RESTING);
	return slot;
}

static int pick(void)
{
	int slot = -1;

	s.owed += !(storm_random(&s.random) % 3);
	if (s.owed)
		slot = find_proxy();
	if (slot >= 0) {
		s.owed--;
		s.proxies++;
		return slot;
	}
	return find_any();
}

static void kill_one(void)
{
	int slot = pick();

	/* a fault that has been told: nobody is there */
	if (!s.pid[slot])
		return;
	s.at[load(&board->slot[slot].at) % STORM_ATS]++;
	/* cannot be anybody else: it is ours to reap, and we have not */
	kill(s.pid[slot], SIGKILL);
	s.pid[slot] = 0;
	s.unreaped++;
	s.done++;
	start(slot);
	/* some leave of their own will */
	store(&board->leave_limit, s.done + s.done / 4 + STORM_SLOTS);
	store(&board->rest, s.done % GUST < GUST / 5 ? GUST_REST : CALM_REST);
}

static void progress(void)
{
	__u64 ms = storm_ms() - s.begin;
	struct storm_ring ring = {};

	if (s.done % (s.kills / 10 + 1) || !s.done)
		return;
	storm_office_get(0, &ring);
	printf("# %u kills in %llu s, %llu messages\n", s.done, (unsigned long long)ms / 1000,
	       (unsigned long long)ring.messages);
}

static void rage(void)
{
	s.begin = storm_ms();
	s.moved = s.begin;
	while (s.done < s.kills && !storm_faulty()) {
		kill_one();
		reap();
		watch();
		progress();
	}
	/* a fault that is planted, or comes late, still has to be met */
	while (board->plant && board->plant != STORM_PLANT_TAIL && !storm_faulty() &&
	       storm_ms() - s.begin < board->patience * 1000ULL)
		usleep(10000);
	s.took = storm_ms() - s.begin;
}

/*
 * The whole
 */

static void gather(void)
{
	__u64 limit = storm_ms() + board->patience * 1000ULL;
	int i, first = STORM_HOSTS * STORM_SURVIVORS;

	for (i = 0; i < first; i++)
		start(i);
	while (load(&board->attached) < (__u32)first && storm_ms() < limit)
		usleep(1000);
	if (load(&board->attached) < (__u32)first) {
		storm_fault(STORM_BROKEN, "the survivors do not become members");
		return;
	}
	store(&board->phase, STORM_RUN);
	for (i = first; i < STORM_SLOTS; i++)
		start(i);
}

static void disperse(void)
{
	store(&board->phase, STORM_SETTLE);
	if (!await_end(STORM_HOSTS * STORM_SURVIVORS, STORM_SLOTS)) {
		storm_fault(STORM_BROKEN, "workers do not end");
		show_state();
	}
	storm_settle();
	storm_compare();
	if (storm_faulty() && !board->plant)
		show_state();
	store(&board->phase, STORM_END);
	if (!await_end(0, STORM_SLOTS))
		storm_fault(STORM_BROKEN, "survivors do not end");
	to_all(SIGKILL);
}

static void show_kills(void)
{
	int i;

	printf("# %u kills, %u of them of proxies, in %llu ms: %llu a second\n", s.done, s.proxies,
	       (unsigned long long)s.took,
	       s.took ? (unsigned long long)s.done * 1000 / s.took : 0ULL);
	printf("# %u processes, %u memberships; killed while", s.started, board->drawn);
	for (i = 0; i < STORM_ATS; i++)
		printf("%s %s %u", i ? "," : "", at_names[i], s.at[i]);
	putchar('\n');
}

static int verdict(void)
{
	const __u64 *f = board->fault;

	printf("storm %s: kills %u proxies %u lost %llu doubled %llu reordered %llu damaged %llu",
	       board->ring, s.done, s.proxies, (unsigned long long)f[STORM_LOST],
	       (unsigned long long)f[STORM_DOUBLED], (unsigned long long)f[STORM_REORDERED],
	       (unsigned long long)f[STORM_DAMAGED]);
	printf(" ghosts %llu terms %llu broken %llu\n", (unsigned long long)f[STORM_GHOST],
	       (unsigned long long)f[STORM_TERM], (unsigned long long)f[STORM_BROKEN]);
	if (storm_faulty())
		printf("# seed %llu\n", (unsigned long long)board->seed);
	return storm_faulty() ? 1 : 0;
}

static void nothing(int sig)
{
	(void)sig;
}

static bool open_hosts(void)
{
	int i, err, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	char path[64];

	for (i = 0; i < STORM_HOSTS; i++) {
		snprintf(path, sizeof(path), "/run/netns/h%d", i + 1);
		s.netns[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (s.netns[i] < 0 || setns(s.netns[i], CLONE_NEWNET)) {
			perror(path);
			return false;
		}
		err = storm_office_open(i);
		if (err) {
			fprintf(stderr, "storm: netlink: %s\n", strerror(-err));
			return false;
		}
	}
	return !setns(home, CLONE_NEWNET);
}

static __u32 plant_of(const char *name)
{
	size_t i;

	for (i = 1; i < sizeof(plants) / sizeof(*plants); i++)
		if (plants[i] && !strcmp(plants[i], name))
			return i;
	return 0;
}

static bool parse(int argc, char **argv)
{
	__u32 plant = 0, patience = 0;
	__u64 seed = 1;
	int c;

	s.kills = 1000;
	while ((c = getopt(argc, argv, "k:r:t:p:")) != -1) {
		if (c == 'k')
			s.kills = strtoul(optarg, NULL, 0);
		else if (c == 'r')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 't')
			patience = strtoul(optarg, NULL, 0);
		else if (c == 'p')
			plant = plant_of(optarg);
		if (c == '?' || (c == 'p' && !plant))
			return false;
	}
	if (optind + 1 != argc || strlen(argv[optind]) >= DMRING_NAME_SIZE || !s.kills)
		return false;
	make_board(s.kills);
	strcpy(board->ring, argv[optind]);
	board->seed = seed;
	board->plant = plant;
	board->patience = patience ? patience : board->patience;
	s.random = (seed + 1) * 0x9e3779b97f4a7c15ULL | 1;
	return true;
}

int main(int argc, char **argv)
{
	const struct sigaction wake = { .sa_handler = nothing };

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!parse(argc, argv)) {
		fputs("storm [OPTIONS] RING: see the head of its source\n", stderr);
		return 2;
	}
	sigaction(SIGUSR1, &wake, NULL);
	sigaction(SIGALRM, &wake, NULL);
	storm_pool(s.random);
	if (!open_hosts())
		return 1;
	printf("# seed %llu, %u kills\n", (unsigned long long)board->seed, s.kills);
	gather();
	rage();
	disperse();
	show_kills();
	storm_show_messages(s.took);
	return verdict();
}
