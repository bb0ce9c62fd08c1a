// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a change of the view costs those who go on: the pause in what they receive. And
 * how soon a host that says nothing any more is missed.
 *
 *	namespaces h1 … hN, on a bridge in -S; each has
 *	  a sender, at a pace
 *	  a receiver, which takes the time of everything
 *
 *	round:	the port of host N is shut	until its neighbours miss it	"missed"
 *		a view without it		pause at hosts 1 … N-1	"leaves"
 *		the port is opened, a view with it	likewise	"comes"
 *
 * The pause is the longest one between two messages that reaches into the change: from the
 * coordinator's first request to the first message in the new view. Beside it stands what is
 * left without the coordinator's own time, who has to be scheduled between the steps; and the
 * longest pause since the change before: what the machine and the pace make of themselves. The
 * receivers check that of the hosts that stay nothing is missing.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dmring.h>
#include <json-c/json.h>

#include "bench.h"
#include "coordinator.h"
#include "report.h"

#define HOSTS_MAX	64
#define SIZE		64		/* bytes of a message */
/* Of a sender, times the square of the hosts: any number of them is the same load */
#define PAUSE_US	125
#define SETTLE_US	200000		/* messages flow */
#define REACH_US	1500000		/* then a host is found again: ARP has its own second */
#define PATIENCE_NS	20000000000ULL

/* By the receiver of a host, but for the first */
struct seen {
	__u32 ready;
	__u32 closed;		/* the ring is whole, in the view that it is in */
	__u32 view;		/* the last that it went on in: it got a message in it */
	__u64 missed;		/* when it was told that a neighbour is away; 0 not yet */
	__u64 pause;		/* the longest in the change to that view */
	__u64 before;		/* the longest since the change before */
	__u64 faults;		/* messages that are missing or come twice */
};

static struct seen *seen;
static __u64 *changing;		/* when the coordinator began, 0 when nothing changes; shared */
static int hosts;

static __u64 get(const __u64 *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void put(__u64 *at, __u64 value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static void say(__u32 *at, __u32 value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static bool becomes(const __u32 *at, __u32 value)
{
	__u64 end = bench_now() + PATIENCE_NS;

	while (__atomic_load_n(at, __ATOMIC_ACQUIRE) != value && bench_now() < end)
		usleep(500);
	return __atomic_load_n(at, __ATOMIC_ACQUIRE) == value;
}

/*
 * Members
 */

struct receiver {
	struct seen *s;
	__u64 last;		/* when the last message came */
	__u64 longest[2];	/* pause: while nothing changes, and in a change */
	__u64 changed;		/* the beginning of the last change */
	__u32 next_view;	/* the view that has come, 0: no message yet in it */
	__u64 next[HOSTS_MAX];	/* number that is due from each */
};

static struct dmring *join(const char *netns, __u32 flags)
{
	struct dmring_opts o = { .size = sizeof(o), .flags = flags };
	struct dmring *r;
	int err = bench_enter(netns);

	if (!err)
		err = dmring_attach(&r, bench_opts.ring, &o);
	if (err)
		exit(!!bench_fail(-err, "%s", dmring_why()));
	return r;
}

static void take_event(struct receiver *c, const struct dmring_msg *m)
{
	struct dmring_ev ev;

	memcpy(&ev, m->data, sizeof(ev));
	if (ev.what == DMRING_EV_HOST_AWAY && !get(&c->s->missed))
		put(&c->s->missed, bench_now());
	else if (ev.what == DMRING_EV_VIEW)
		c->next_view = ev.arg;
	if (ev.what == DMRING_EV_VIEW || ev.what == DMRING_EV_BROKEN)
		say(&c->s->closed, 0);
	else if (ev.what == DMRING_EV_CLOSED)
		say(&c->s->closed, 1);
}

static void take_message(struct receiver *c, const struct dmring_msg *m)
{
	__u64 tag[2], now = bench_now(), pause = c->last ? now - c->last : 0, from = get(changing);
	bool in_change = c->next_view || (from && from != c->changed && now > from);

	memcpy(tag, m->data, sizeof(tag));
	/* the last host comes and goes: what it says may be missing, not come twice */
	if (tag[0] >= HOSTS_MAX || tag[1] < c->next[tag[0]] ||
	    ((int)tag[0] < hosts - 1 && tag[1] != c->next[tag[0]]))
		c->s->faults++;
	c->next[tag[0] % HOSTS_MAX] = tag[1] + 1;
	c->last = now;
	if (pause > c->longest[in_change])
		c->longest[in_change] = pause;
	if (!c->next_view)
		return;
	put(&c->s->pause, c->longest[true]);
	put(&c->s->before, c->longest[false]);
	say(&c->s->view, c->next_view);
	c->next_view = 0;
	c->changed = from;
	memset(c->longest, 0, sizeof(c->longest));
}

static void receive(const char *netns, int host)
{
	struct dmring *r = join(netns, DMRING_EVENTS);
	struct receiver c = { .s = &seen[host] };
	struct dmring_msg m;

	say(&c.s->ready, 1);
	while (!dmring_wait(r, DMRING_WAIT_READ, 1, -1)) {
		while (!dmring_peek(r, &m)) {
			if (m.type == DMRING_REC_EVENT)
				take_event(&c, &m);
			else
				take_message(&c, &m);
		}
		dmring_release(r);
	}
}

static void talk(const char *netns, int host)
{
	struct dmring *r = join(netns, DMRING_SEND_ONLY | DMRING_UNWILLING);
	const struct timespec pace = { .tv_nsec = hosts * hosts * PAUSE_US * 1000 };
	__u64 data[SIZE / sizeof(__u64)] = { host };

	while (!dmring_send_wait(r, data, sizeof(data), -1)) {
		data[1]++;
		nanosleep(&pace, NULL);
	}
}

static void start(void (*fn)(const char *netns, int host), const char *netns, int host)
{
	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fn(netns, host);
	exit(1);
}

/*
 * Measurements
 */

/* Of a change: */
enum { PAUSE, APART, BEFORE, ALL, OWN, CHANGE_KINDS };

enum { MISSED, LEAVES, COMES = LEAVES + CHANGE_KINDS, KINDS = COMES + CHANGE_KINDS };

static struct bench_samples samples[KINDS] = {
	[MISSED] = { "silent host is missed" },
	[LEAVES + PAUSE] = { "view without it: pause" },
	[LEAVES + APART] = { "  coordinator apart" },
	[LEAVES + BEFORE] = { "  a pause without a view" },
	[LEAVES + ALL] = { "  the whole change" },
	[LEAVES + OWN] = { "  coordinator's own time" },
	[COMES + PAUSE] = { "view with it: pause" },
	[COMES + APART] = { "  coordinator apart" },
	[COMES + BEFORE] = { "  a pause without a view" },
	[COMES + ALL] = { "  the whole change" },
	[COMES + OWN] = { "  coordinator's own time" },
};

static void sample(int kind, __u64 ns)
{
	samples[kind].ns[samples[kind].n++] = ns;
}

/* The port of the last host, in the namespace of the bridge, by this socket there */
static int set_port(int sock, bool up)
{
	struct ifreq r = { .ifr_flags = up ? IFF_UP : 0 };

	snprintf(r.ifr_name, sizeof(r.ifr_name), "p%d", hosts);
	return ioctl(sock, SIOCSIFFLAGS, &r) ? bench_fail(errno, "%s", r.ifr_name) : 0;
}

static bool wait_for(const __u64 *at)
{
	__u64 end = bench_now() + PATIENCE_NS;

	while (!get(at) && bench_now() < end)
		usleep(500);
	return get(at);
}

/* Its neighbours are host N - 1 and host 1 */
static int silence(int sock)
{
	__u64 from;
	int i, err;

	for (i = 0; i < hosts; i++)
		put(&seen[i].missed, 0);
	from = bench_now();
	err = set_port(sock, false);
	if (err)
		return err;
	if (!wait_for(&seen[0].missed) || !wait_for(&seen[hosts - 2].missed))
		return bench_fail(0, "the neighbours do not miss host %d", hosts);
	sample(MISSED, get(&seen[0].missed) - from);
	if (hosts > 2)
		sample(MISSED, get(&seen[hosts - 2].missed) - from);
	return 0;
}

/* Those who stay go on in view @view; the coordinator took @own for itself */
static int gone_on(int kind, __u32 view, __u64 own)
{
	__u64 pause;
	int i;

	for (i = 0; i < hosts - 1; i++) {
		if (!becomes(&seen[i].view, view))
			return bench_fail(0, "host %d does not go on in view %u", i + 1, view);
		pause = get(&seen[i].pause);
		sample(kind + PAUSE, pause);
		sample(kind + APART, pause > own ? pause - own : 0);
		sample(kind + BEFORE, get(&seen[i].before));
		if (get(&seen[i].faults))
			return bench_fail(0, "messages are missing on host %d", i + 1);
	}
	return 0;
}

static int change(struct coordinator *c, int kind, __u32 view, bool comes)
{
	__u64 last = 1ULL << (hosts - 1);
	struct coordinator_times t;
	int err;

	put(changing, bench_now());
	err = coordinator_change(c, last - 1, comes ? last : 0, &t);
	if (!err)
		err = gone_on(kind, view, t.own);
	put(changing, 0);
	if (err)
		return err;
	sample(kind + ALL, t.end - t.begin);
	sample(kind + OWN, t.own);
	return 0;
}

static int whole(void)
{
	int i;

	for (i = 0; i < hosts; i++)
		if (!becomes(&seen[i].closed, 1))
			return bench_fail(0, "host %d does not see the ring closed", i + 1);
	return 0;
}

static int rounds(struct coordinator *c, int sock)
{
	__u32 i, view = 2;
	int err = 0;

	for (i = 0; i < bench_opts.departures && !err; i++) {
		err = whole();
		usleep(SETTLE_US + random() % 100000);
		if (!err)
			err = silence(sock);
		if (!err)
			err = change(c, LEAVES, view++, false);
		if (!err)
			err = set_port(sock, true);
		usleep(REACH_US);
		if (!err)
			err = change(c, COMES, view++, true);
	}
	return err;
}

static int tell(void)
{
	struct json_object *all = json_object_new_array();
	int i;

	printf("%d hosts, ring %s; ms\n", hosts, bench_opts.ring);
	printf("%-28s %9s %9s %9s %6s\n", "", "p50", "p99", "max", "n");
	for (i = 0; i < KINDS; i++) {
		struct bench_samples *s = &samples[i];
		struct json_object *o = bench_samples_json(s);

		printf("%-28s %9.2f %9.2f %9.2f %6u\n", s->name, bench_percentile(s, 50) / 1e6,
		       bench_percentile(s, 99) / 1e6, bench_percentile(s, 100) / 1e6, s->n);
		json_object_object_add(o, "hosts", json_object_new_int(hosts));
		json_object_array_add(all, o);
	}
	return bench_write_json(bench_opts.json, all);
}

static int members_start(char **netns)
{
	int i;

	for (i = 0; i < hosts; i++)
		start(receive, netns[i], i);
	for (i = 0; i < hosts; i++) {
		if (!becomes(&seen[i].ready, 1))
			return bench_fail(0, "the receiver in %s does not attach", netns[i]);
		/* the ring was closed before; from now on it hears of that */
		say(&seen[i].closed, 1);
	}
	for (i = 0; i < hosts; i++)
		start(talk, netns[i], i);
	return 0;
}

static int memory(void)
{
	int i;

	seen = mmap(NULL, HOSTS_MAX * sizeof(*seen) + sizeof(*changing), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return bench_fail(errno, "memory");
	changing = (__u64 *)(seen + HOSTS_MAX);
	for (i = 0; i < KINDS; i++) {
		samples[i].ns = calloc(bench_opts.departures * hosts, sizeof(*samples[i].ns));
		if (!samples[i].ns)
			return bench_fail(ENOMEM, "memory");
	}
	return 0;
}

int bench_views(void)
{
	struct coordinator *c;
	char *netns[HOSTS_MAX];
	int sock, err;

	if (!bench_opts.netns || !bench_opts.bridge)
		return !!bench_fail(EINVAL, "\"views\" needs -H and -S: network namespaces");
	hosts = bench_list(strdupa(bench_opts.netns), netns, HOSTS_MAX);
	if (hosts < 3)
		return !!bench_fail(EINVAL, "\"views\" needs three hosts");
	err = memory();
	if (!err)
		err = members_start(netns);
	if (!err)
		err = bench_enter(bench_opts.bridge);
	if (err)
		return 1;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return !!bench_fail(errno, "socket");
	c = coordinator_new(netns, hosts, bench_opts.ring);
	err = c ? rounds(c, sock) : -ENOMEM;
	if (!err)
		err = tell();
	if (c && !err)
		coordinator_end(c);
	return !!err;
}
