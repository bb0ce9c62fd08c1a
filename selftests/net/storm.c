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
 *   6 workers     2 that send, 2 that read, 2 that do both; all willing to be proxy
 *
 * The supervisor kills a worker and starts another in its place, KILLS times; every
 * third one is the proxy of some host. Then the workers end, and the books of
 * all survivors are compared with what each membership had begun and accepted.
 *
 * -t  seconds without a message, or without room for one, that are no stall (60)
 * -p  fake a fault, which must be found: lost, doubled, reordered, damaged (of what
 *     a survivor reads), tail (a message accepted that never comes), proxies
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
#define PICKS		4	/* for one that is awake */
#define QUIET_MS	500	/* for what must not come */
#define PLANT_TAIL	(STORM_FAULTS + 1)
#define PLANT_PROXIES	(STORM_TERM + 1)

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
	[STORM_LOST + 1] = "lost",
	[STORM_DOUBLED + 1] = "doubled",
	[STORM_REORDERED + 1] = "reordered",
	[STORM_DAMAGED + 1] = "damaged",
	[PLANT_PROXIES] = "proxies",
	[PLANT_TAIL] = "tail",
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

static bool faulty(void)
{
	int i;

	for (i = 0; i < STORM_FAULTS; i++)
		if (load(&board->fault[i]))
			return true;
	return false;
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

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, s.unreaped > UNREAPED_MOST ? 0 : WNOHANG)) > 0)
		took_leave(pid, status);
}

static void to_all(int sig)
{
	int i;

	for (i = 0; i < STORM_SLOTS; i++)
		if (s.pid[i])
			kill(s.pid[i], sig);
}

static bool any_left(int from, int to)
{
	for (; from < to; from++)
		if (s.pid[from])
			return true;
	return false;
}

/* Ends a phase: sleepers look up; signals that come a moment too early are repeated */
static bool await_end(int from, int to)
{
	__u64 end = storm_ms() + board->patience * 1000ULL;

	while (any_left(from, to)) {
		to_all(SIGUSR1);
		usleep(20000);
		reap();
		if (storm_ms() > end)
			return false;
	}
	return true;
}

/*
 * A stall: what everybody knows
 */

static void show_state(void)
{
	char cmd[512];
	int i;

	for (i = 1; i <= STORM_HOSTS; i++) {
		snprintf(cmd, sizeof(cmd),
			 "for o in ring peer member; do nsenter --net=/run/netns/h%d "
			 "ringctl -s $o show %s 2>&1; done | sed 's/^/# h%d: /'", i,
			 board->ring, i);
		if (system(cmd))
			return;
	}
	for (i = 0; i < STORM_SLOTS; i++) {
		printf("# place %d host %u pid %d %s received %llu\n", i, storm_host(i) + 1,
		       s.pid[i], at_names[board->slot[i].at % STORM_ATS],
		       (unsigned long long)board->slot[i].received);
		snprintf(cmd, sizeof(cmd), "head /proc/%d/wchan /proc/%d/stack 2>&1 | sed 's/^/# /'",
			 s.pid[i], s.pid[i]);
		if (s.pid[i] && system(cmd))
			return;
	}
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
			storm_fault(STORM_BROKEN, "ring get on host %d: %s", host + 1, strerror(-err));
		if (err || ring.member == STORM_NOBODY)
			continue;
		storm_told(host, ring.term, ring.member);
		if (board->plant == PLANT_PROXIES && s.done > s.kills / 2)
			storm_told(host, ring.term, ring.member + 1);
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

	s.at[load(&board->slot[slot].at) % STORM_ATS]++;
	/* cannot be anybody else: it is ours to reap, and we have not */
	kill(s.pid[slot], SIGKILL);
	s.pid[slot] = 0;
	s.unreaped++;
	s.done++;
	/* as many may leave of their own will as were killed */
	store(&board->leave_limit, 2 * s.done + STORM_SLOTS);
	start(slot);
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
	while (s.done < s.kills && !faulty()) {
		kill_one();
		reap();
		watch();
		progress();
	}
	/* a fault that is planted, or comes late, still has to be met */
	while (board->plant && board->plant != PLANT_TAIL && !faulty() &&
	       storm_ms() - s.begin < board->patience * 1000ULL)
		usleep(10000);
	s.took = storm_ms() - s.begin;
}

/*
 * The end: all that was accepted is everywhere
 */

/* Messages that @slot has not, of those it must have */
static __u64 missing(int slot)
{
	__u32 all = load(&board->drawn), i, got, want;
	__u64 sum = 0;

	for (i = 0; i < all; i++) {
		got = storm_received(slot, i);
		want = load(&board->sender[i].accepted);
		sum += got < want ? want - got : 0;
	}
	return sum;
}

static __u64 all_missing(void)
{
	__u64 sum = 0;
	int i;

	for (i = 0; i < STORM_HOSTS * STORM_SURVIVORS; i++)
		sum += missing(i);
	return sum;
}

static void settle(void)
{
	__u64 end = storm_ms() + board->patience * 1000ULL, left = all_missing(), now;

	while (left && storm_ms() < end && !faulty()) {
		usleep(50000);
		now = all_missing();
		if (now != left)
			end = storm_ms() + board->patience * 1000ULL;
		left = now;
	}
	usleep(QUIET_MS * 1000);
}

/* What all survivors know of one membership */
static void compare(__u32 sender)
{
	__u32 begun = board->sender[sender].begun, accepted = board->sender[sender].accepted;
	__u32 first = storm_received(0, sender);
	int i;

	for (i = 0; i < STORM_HOSTS * STORM_SURVIVORS; i++) {
		__u32 got = storm_received(i, sender);

		if (got < accepted)
			storm_fault(STORM_LOST, "sender %u: %u accepted, %u arrived at survivor %d",
				    sender, accepted, got, i);
		else if (got > begun)
			storm_fault(STORM_GHOST, "sender %u: %u begun, %u arrived at survivor %d",
				    sender, begun, got, i);
		else if (got != first)
			storm_fault(STORM_LOST, "sender %u: %u arrived at survivor 0, %u at %d",
				    sender, first, got, i);
	}
}

static void compare_all(void)
{
	__u32 i;

	if (board->plant == PLANT_TAIL) {
		board->sender[0].begun++;
		board->sender[0].accepted++;
	}
	for (i = 0; i < board->drawn; i++)
		compare(i);
}

/* Terms that the stream did not tell: no more than events were lost */
static void compare_terms(int host)
{
	struct storm_ring ring = {};
	int i;

	if (storm_office_get(host, &ring))
		storm_fault(STORM_BROKEN, "ring get on host %d", host + 1);
	if (ring.members != STORM_SURVIVORS)
		storm_fault(STORM_BROKEN, "host %d has %u members", host + 1, ring.members);
	for (i = host; i < STORM_HOSTS * STORM_SURVIVORS; i += STORM_HOSTS)
		if (board->slot[i].gaps > ring.events_lost)
			storm_fault(STORM_TERM, "host %d: %u terms were not told, %llu events lost",
				    host + 1, board->slot[i].gaps,
				    (unsigned long long)ring.events_lost);
	printf("# host %d: %llu terms, %llu events lost, longest silence %u ms\n", host + 1,
	       (unsigned long long)ring.term, (unsigned long long)ring.events_lost,
	       board->slot[host + STORM_HOSTS].patient);
}

/*
 * The whole
 */

static void begin(void)
{
	__u64 end = storm_ms() + board->patience * 1000ULL;
	int i, first = STORM_HOSTS * STORM_SURVIVORS;

	for (i = 0; i < first; i++)
		start(i);
	while (load(&board->attached) < (__u32)first && storm_ms() < end)
		usleep(1000);
	if (load(&board->attached) < (__u32)first) {
		storm_fault(STORM_BROKEN, "the survivors do not become members");
		return;
	}
	store(&board->phase, STORM_RUN);
	for (i = first; i < STORM_SLOTS; i++)
		start(i);
}

static void end(void)
{
	int i;

	store(&board->phase, STORM_SETTLE);
	if (!await_end(STORM_HOSTS * STORM_SURVIVORS, STORM_SLOTS)) {
		storm_fault(STORM_BROKEN, "workers do not end");
		show_state();
	}
	settle();
	compare_all();
	for (i = 0; i < STORM_HOSTS; i++)
		compare_terms(i);
	if (faulty() && !board->plant)
		show_state();
	store(&board->phase, STORM_END);
	if (!await_end(0, STORM_SLOTS))
		storm_fault(STORM_BROKEN, "survivors do not end");
	to_all(SIGKILL);
}

static __u64 rate(__u64 n)
{
	return s.took ? n * 1000 / s.took : 0;
}

static void show_figures(void)
{
	__u64 accepted = 0, delivered = 0;
	__u32 i;

	for (i = 0; i < board->drawn; i++)
		accepted += board->sender[i].accepted;
	for (i = 0; i < STORM_SLOTS; i++)
		delivered += board->slot[i].received;
	printf("# %u kills, %u of them of proxies, %u started, %u memberships, in %llu ms: %llu a second\n",
	       s.done, s.proxies, s.started, board->drawn, (unsigned long long)s.took,
	       (unsigned long long)rate(s.done));
	printf("# killed while");
	for (i = 0; i < STORM_ATS; i++)
		printf("%s %s %u", i ? "," : "", at_names[i], s.at[i]);
	printf("\n# %llu messages accepted, %llu a second; %llu delivered, %llu a second\n",
	       (unsigned long long)accepted, (unsigned long long)rate(accepted),
	       (unsigned long long)delivered, (unsigned long long)rate(delivered));
	if (board->away)
		printf("# neighbours were away %llu times\n", (unsigned long long)board->away);
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
	if (faulty())
		printf("# seed %llu\n", (unsigned long long)board->seed);
	return faulty() ? 1 : 0;
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
		else if (c != 'p' || !(plant = plant_of(optarg)))
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
		fputs("storm [-k KILLS] [-r SEED] [-t SEC] [-p KIND] RING: see the head of its source\n",
		      stderr);
		return 2;
	}
	sigaction(SIGUSR1, &wake, NULL);
	storm_pool(s.random);
	if (!open_hosts())
		return 1;
	printf("# seed %llu, %u kills\n", (unsigned long long)board->seed, s.kills);
	begin();
	rage();
	end();
	show_figures();
	return verdict();
}
