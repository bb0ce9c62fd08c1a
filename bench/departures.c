// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How soon the next proxy carries, and how soon everybody knows of a death.
 *
 *	namespace bench-a, host 1			bench-b, host 2
 *	  victim: proxy, leaves or is killed
 *	  N willing members, asleep or busy
 *	  watcher						  watcher
 *	  talker --------------------------------------------------->
 *
 * The watchers read the news of the departure; the ring itself says when that was, and
 * how long the office took from it to the first message carried by the next. All
 * are on one machine, so their clock is one. Half of the victims detach, the
 * others are killed: what a kill costs until the kernel takes the victim apart
 * is the process's own affair, and shown for itself.
 *
 *	SIGKILL ... memory goes: the departure, and ballots are counted ... files are closed
 *
 * The last is .flush, by which a departure is known at the latest. What is reckoned from it can
 * be 0: it was carried before.
 *
 * Each victim leaves a message in its slot that nobody has moved yet: that one is the
 * first that the next proxy can carry. The talker is there so that the ring is not
 * idle. It sends at a pace; with -f as fast as it can: then the news wait behind all
 * that is in the window, which is a measure of the window. Busy members burn CPU time
 * from before a departure until it is known. The watchers are of real-time priority: when the news
 * are in their stream is the ring's affair, who of ordinary processes runs first is not.
 *
 * What the machine itself makes of it is measured beside: after each departure a process of
 * the highest priority is woken, which needs no more than one wake-up.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dmring.h>
#include <json-c/json.h>
#include <urcu/arch.h>

#include "bench.h"
#include "flush.h"
#include "report.h"

#define PROCESSES	16	/* of the willing members */
#define PAYLOAD		64	/* bytes of a message */
#define WAIT_MS		20000
#define PACE_NS		5000000	/* between two messages of the talker */
#define SETTLE_US	50000	/* till all are busy who are to be, and commands have gone */

struct shared {
	__u32 ready;		/* processes that are */
	__u32 go;		/* the victim may leave */
	__u32 victim;		/* its member id + 1 once it is in office */
	__u32 busy;		/* the others burn CPU time */
	__u64 left;		/* when the victim began to leave, or was killed */
	__u64 heard[2];		/* by the watcher of each host; 0 not yet */
	__u64 woken;		/* when the sleeper was; 0 not yet */
};

static struct shared *sh;
static int bell;		/* that wakes the sleeper */

static __u64 get(const __u64 *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void put(__u64 *at, __u64 value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static bool wait_for(const __u32 *at, __u32 value)
{
	__u64 end = bench_now() + WAIT_MS * 1000000ULL;

	while (__atomic_load_n(at, __ATOMIC_ACQUIRE) != value && bench_now() < end)
		usleep(200);
	return __atomic_load_n(at, __ATOMIC_ACQUIRE) == value;
}

static void say_ready(void)
{
	__atomic_add_fetch(&sh->ready, 1, __ATOMIC_RELEASE);
}

static struct dmring *join(__u32 flags)
{
	struct dmring_opts o = { .size = sizeof(o), .flags = flags };
	struct dmring *r;
	int err = dmring_attach(&r, bench_opts.ring, &o);

	if (err)
		exit(!!bench_fail(-err, "%s", dmring_why()));
	return r;
}

/*
 * Those who stand by
 */

static void look(int host, const struct dmring_msg *m)
{
	struct dmring_ev ev;

	if (m->type != DMRING_REC_EVENT)
		return;
	memcpy(&ev, m->data, sizeof(ev));
	if (ev.what == DMRING_EV_LEFT && ev.node == 1 &&
	    ev.arg + 1 == __atomic_load_n(&sh->victim, __ATOMIC_ACQUIRE))
		put(&sh->heard[host], bench_now());
}

/* From now on ahead of all that is not of real-time priority, as the ring's thread is */
static void go_ahead(int priority)
{
	const struct sched_param p = { .sched_priority = priority };

	if (sched_setscheduler(0, SCHED_FIFO, &p))
		exit(!!bench_fail(errno, "real-time priority"));
}

static void watch(int host)
{
	struct dmring_msg m;
	struct dmring *r;

	if (host && bench_enter("bench-b"))
		exit(1);
	/* not ahead of the thread itself */
	go_ahead(sched_get_priority_min(SCHED_FIFO));
	r = join(DMRING_EVENTS | DMRING_UNWILLING);
	say_ready();
	for (;;) {
		dmring_wait(r, DMRING_WAIT_READ, 1, -1);
		while (!dmring_peek(r, &m))
			look(host, &m);
		dmring_release(r);
	}
}

static void talk(int unused)
{
	struct dmring *r = join(DMRING_SEND_ONLY | DMRING_UNWILLING);
	const struct timespec pace = { .tv_nsec = PACE_NS };
	char text[PAYLOAD] = "";

	(void)unused;
	prctl(PR_SET_TIMERSLACK, 1);
	say_ready();
	for (;;) {
		dmring_send_wait(r, text, sizeof(text), -1);
		if (!bench_opts.flood)
			nanosleep(&pace, NULL);
	}
}

/* A share of the willing members; SEND_ONLY: who reads nothing is in nobody's way */
static void stand_by(int nr)
{
	unsigned int i, n = bench_opts.members / PROCESSES +
			    ((unsigned int)nr < bench_opts.members % PROCESSES);

	for (i = 0; i < n; i++)
		join(DMRING_SEND_ONLY);
	say_ready();
	while (!bench_opts.busy)
		pause();
	for (;;)
		if (__atomic_load_n(&sh->busy, __ATOMIC_RELAXED))
			caa_cpu_relax();
		else
			usleep(5000);
}

static void sleep_on(int unused)
{
	__u64 n;

	(void)unused;
	go_ahead(sched_get_priority_max(SCHED_FIFO));
	say_ready();
	while (read(bell, &n, sizeof(n)) == sizeof(n))
		put(&sh->woken, bench_now());
}

/*
 * The victim
 */

static void victim(int detaches)
{
	struct dmring *r = join(DMRING_SEND_ONLY);
	void *p;

	if (dmring_ballot(r, 1, DMRING_WEIGHT_MAX))
		exit(!!bench_fail(0, "%s", dmring_why()));
	say_ready();
	while (!dmring_in_office(r))
		usleep(100);
	/* without a submit: it is moved when its sender leaves */
	if (dmring_reserve(r, PAYLOAD, &p) || dmring_commit(r, PAYLOAD))
		exit(!!bench_fail(0, "%s", dmring_why()));
	__atomic_store_n(&sh->victim, dmring_id(r) + 1, __ATOMIC_RELEASE);
	while (!detaches || !__atomic_load_n(&sh->go, __ATOMIC_ACQUIRE))
		usleep(100);
	put(&sh->left, bench_now());
	dmring_detach(r);
	exit(0);
}

static pid_t start(void (*fn)(int arg), int arg)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fn(arg);
	exit(0);
}

/* Of "ringctl proxy show": 0 or -errno */
static int read_takeover(__u64 *ns, __u64 *at)
{
	char command[128], text[4096] = "";
	struct json_object *list, *o;
	FILE *f;

	snprintf(command, sizeof(command), "ctl/ringctl -j -s proxy show %s", bench_opts.ring);
	f = popen(command, "r");
	if (!f || !fread(text, 1, sizeof(text) - 1, f) || pclose(f))
		return bench_fail(0, "%s", command);
	list = json_tokener_parse(text);
	o = list ? json_object_array_get_idx(list, 0) : NULL;
	*ns = json_object_get_uint64(json_object_object_get(o, "takeover_ns"));
	*at = json_object_get_uint64(json_object_object_get(o, "takeover_at"));
	json_object_put(list);
	return 0;
}

/* What is measured: of all, and of those who are killed */
enum {
	TAKEOVER, LOCAL, REMOTE,
	FLUSH_TAKEOVER, KILL_TAKEOVER, KILL_LOCAL, KILL_REMOTE,
	WAKE, KINDS
};

static struct bench_samples samples[KINDS] = {
	[TAKEOVER] = { "first message carried", "departure" },
	[LOCAL] = { "known on this host", "departure" },
	[REMOTE] = { "known on the other", "departure" },
	[FLUSH_TAKEOVER] = { "first message carried", ".flush" },
	[KILL_TAKEOVER] = { "first message carried", "SIGKILL" },
	[KILL_LOCAL] = { "known on this host", "SIGKILL" },
	[KILL_REMOTE] = { "known on the other", "SIGKILL" },
	[WAKE] = { "for comparison: awake", "a wake-up" },
};

#define US	1000U

/* What the p99 may be at most (ns); what comes before it is up to the kernel */
static const __u64 limits[KINDS] = {
	[TAKEOVER] = 1000 * US,
	[LOCAL] = 2000 * US,
	[REMOTE] = 10000 * US,
	[FLUSH_TAKEOVER] = 1000 * US,
};

static void sample(int kind, __u64 ns)
{
	samples[kind].ns[samples[kind].n++] = ns;
}

static bool both_heard(void)
{
	__u64 end = bench_now() + WAIT_MS * 1000000ULL;

	while ((!get(&sh->heard[0]) || !get(&sh->heard[1])) && bench_now() < end)
		usleep(500);
	return get(&sh->heard[0]) && get(&sh->heard[1]);
}

/* What this machine needs for one wake-up */
static int wake_sleeper(void)
{
	__u64 end, from, n = 1;

	put(&sh->woken, 0);
	from = bench_now();
	end = from + WAIT_MS * 1000000ULL;
	if (write(bell, &n, sizeof(n)) != sizeof(n))
		return bench_fail(errno, "the sleeper's bell");
	while (!get(&sh->woken)) {
		if (bench_now() > end)
			return bench_fail(0, "the sleeper does not wake");
		usleep(200);
	}
	sample(WAKE, get(&sh->woken) - from);
	return 0;
}

/* Of one that was killed, and has ended */
static int sample_killed(pid_t pid, __u64 carried)
{
	__u64 flush;
	int err = bench_flush_of(pid, &flush);

	if (err)
		return err;
	sample(FLUSH_TAKEOVER, carried > flush ? carried - flush : 0);
	sample(KILL_TAKEOVER, carried - get(&sh->left));
	sample(KILL_LOCAL, get(&sh->heard[0]) - get(&sh->left));
	sample(KILL_REMOTE, get(&sh->heard[1]) - get(&sh->left));
	return 0;
}

static int follow(pid_t pid, bool killed)
{
	__u64 end = bench_now() + WAIT_MS * 1000000ULL, ns, at;
	bool heard = both_heard();

	__atomic_store_n(&sh->busy, 0, __ATOMIC_RELEASE);
	if (!heard)
		return bench_fail(0, "the news of a departure did not come");
	do {
		if (read_takeover(&ns, &at))
			return -EPROTO;
	} while (at < get(&sh->left) && bench_now() < end);
	if (at < get(&sh->left))
		return bench_fail(0, "nothing was carried after a departure");
	waitpid(pid, NULL, 0);
	sample(TAKEOVER, ns);
	/* it left at - ns */
	sample(LOCAL, get(&sh->heard[0]) - (at - ns));
	sample(REMOTE, get(&sh->heard[1]) - (at - ns));
	return killed ? sample_killed(pid, at) : 0;
}

static int depart(bool killed)
{
	__u32 ready = sh->ready;
	char command[128];
	int err;
	pid_t pid;

	sh->victim = 0;
	sh->go = 0;
	put(&sh->heard[0], 0);
	put(&sh->heard[1], 0);
	if (bench_flush_forget())
		return -EPROTO;
	pid = start(victim, !killed);
	snprintf(command, sizeof(command), "ctl/ringctl proxy elect %s", bench_opts.ring);
	if (!wait_for(&sh->ready, ready + 1) || system(command))
		return bench_fail(0, "no victim");
	while (!__atomic_load_n(&sh->victim, __ATOMIC_ACQUIRE))
		usleep(200);
	__atomic_store_n(&sh->busy, 1, __ATOMIC_RELEASE);
	usleep(SETTLE_US);
	if (killed) {
		put(&sh->left, bench_now());
		kill(pid, SIGKILL);
	} else {
		__atomic_store_n(&sh->go, 1, __ATOMIC_RELEASE);
	}
	err = follow(pid, killed);
	return err ? err : wake_sleeper();
}

/* With a flood the news wait behind all that is in the window */
static void print_limit(int kind)
{
	__u64 limit = limits[kind];

	if (!limit || bench_opts.flood || !samples[kind].n) {
		printf("\n");
		return;
	}
	printf(" p99 at most %5llu: %s\n", (unsigned long long)limit / US,
	       bench_percentile(&samples[kind], 99) <= limit ? "PASS" : "FAIL");
}

static int tell(void)
{
	struct json_object *all = json_object_new_array();
	int i;

	printf("%u willing members, %s%s; us\n", bench_opts.members,
	       bench_opts.busy ? "busy" : "asleep", bench_opts.flood ? ", a flood" : "");
	printf("%-24s %-10s %8s %8s %8s %6s\n", "", "from", "p50", "p99", "max", "n");
	for (i = 0; i < KINDS; i++) {
		struct bench_samples *s = &samples[i];
		struct json_object *o = bench_samples_json(s);

		printf("%-24s %-10s %8.0f %8.0f %8.0f %6u", s->name, s->from,
		       bench_percentile(s, 50) / 1e3, bench_percentile(s, 99) / 1e3,
		       bench_percentile(s, 100) / 1e3, s->n);
		print_limit(i);
		json_object_object_add(o, "members", json_object_new_int(bench_opts.members));
		json_object_object_add(o, "busy", json_object_new_boolean(bench_opts.busy));
		json_object_object_add(o, "flood",
				       json_object_new_boolean(bench_opts.flood));
		json_object_array_add(all, o);
	}
	return bench_write_json(bench_opts.json, all) ? 1 : 0;
}

int bench_departures(void)
{
	unsigned int i;
	int err = 0;

	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		return !!bench_fail(errno, "memory");
	bell = eventfd(0, EFD_CLOEXEC);
	if (bell < 0)
		return !!bench_fail(errno, "eventfd");
	for (i = 0; i < KINDS; i++) {
		samples[i].ns = calloc(bench_opts.departures, sizeof(*samples[i].ns));
		if (!samples[i].ns)
			return !!bench_fail(ENOMEM, "memory");
	}
	if (bench_enter("bench-a"))
		return 1;
	start(watch, 0);
	start(watch, 1);
	start(talk, 0);
	start(sleep_on, 0);
	for (i = 0; i < PROCESSES; i++)
		start(stand_by, i);
	if (!wait_for(&sh->ready, PROCESSES + 4))
		return !!bench_fail(0, "not everybody has come");
	if (bench_flush_start())
		return 1;
	for (i = 0; i < bench_opts.departures && !err; i++)
		err = depart(i % 2);
	err = bench_flush_stop() ?: err;
	return err ? 1 : tell();
}
