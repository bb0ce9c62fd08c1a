// SPDX-License-Identifier: GPL-2.0-only
/*
 * flood: members that send numbered, summed, random messages, and members that
 * check each as it comes.
 *
 *   flood send [OPTIONS] RING    -s SENDER -c COUNT [-m LEAST] [-l MOST] [-r SEED]
 *                                [-t SEC] [-u US] [-w] [-o] [-g PREFIX -k PARTS]
 *                                [--plant KIND]
 *   flood recv [OPTIONS] RING    -s SENDERS -c COUNT [-t SEC] [-p] [-e] [-i] [-v] [-w] [-u US]
 *                                [-n MANY]
 *
 * A receiver ends when all SENDERS have been heard to their end, or when nothing
 * has come for SEC seconds (at least a minute, before the first message) or for a moment after a SIGTERM,
 * prints one line, and fails if anything was wrong.
 *
 * -p  messages missing at the end of a stream are no fault: its sender died
 * -e  print events as they come
 * -i  print who sent, once for each sender, in a ring made with "identify"
 * -v  print each message's number and sender, at once
 * -n  print how many have come, each time that it is so MANY more
 * -w  be unwilling: never the proxy
 * -o  receive, too, and see that it is told which messages are its own, each once and in order
 * -u  rest that many microseconds after each message; send, with -g: until PREFIX.go is there
 *
 * -g, -k  send in PARTS, and begin the next only when PREFIX.N is there, from 1
 *
 * A sender that finds no room, or no quorum, for SEC seconds prints how far it came and exits 3.
 * --plant makes it misbehave once, half way: lost, double, reorder or damage.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <dmring.h>
#include "check.h"
#include "slower.h"

#define POOL		DMRING_MSG_MAX	/* random bytes that messages are cut from */
#define BATCH		32		/* messages peeked before they are released */
#define LINGER_MS	300		/* for what must not come */
#define END_MS		5000		/* for what may still come, when asked to end */
#define FIRST_SECONDS	60U		/* for the first message */
#define NO_ROOM		3		/* exit status */

struct flood {
	struct dmring *r;
	const char *ring;
	__u32 sender;	/* number of it, or of them */
	__u32 count;
	__u32 least;
	__u32 most;
	__u32 seed;
	__u32 seconds;
	__u32 rest;
	__u64 random;
	const char *plant;
	const char *gate;
	__u32 parts;
	__u32 many;
	bool prefix;
	bool events;
	bool identify;
	bool unwilling;
	bool own;
	bool each;
	bool cut_off;
	__u32 own_seen;	/* own messages that came back */
	__u64 own_wrong;	/* messages that were said to be another's, or came in another order */
	__u8 *pool;
	__u8 *msg;
};

static __u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static int complain(const char *what, int ret)
{
	fprintf(stderr, "flood: %s: %s%s%s\n", what, dmring_strerror(ret),
		*dmring_why() ? ": " : "", dmring_why());
	return EXIT_FAILURE;
}

static int attach(struct flood *f, __u32 flags)
{
	const struct dmring_opts opts = {
		.size = sizeof(opts),
		.flags = flags | (f->unwilling ? DMRING_UNWILLING : 0),
		.in_size = flags & DMRING_SEND_ONLY ? 1 << 16 : 0,
	};
	int ret = dmring_attach(&f->r, f->ring, &opts);

	return ret ? complain("attach", ret) : 0;
}

/*
 * Sending
 */

static __u64 next_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool fill_pool(struct flood *f)
{
	__u64 word;
	size_t i;

	f->pool = malloc(POOL + f->most);
	f->msg = malloc(sizeof(struct flood_head) + f->most);
	if (!f->pool || !f->msg)
		return false;
	for (i = 0; i + sizeof(word) <= POOL + f->most; i += sizeof(word)) {
		word = next_random(&f->random);
		memcpy(f->pool + i, &word, sizeof(word));
	}
	return true;
}

/* Whose is it, and whose is it said to be? */
static void see_own(struct flood *f, const struct dmring_msg *m)
{
	struct flood_head h;

	if (m->type != DMRING_REC_DATA || m->len < sizeof(h))
		return;
	memcpy(&h, m->data, sizeof(h));
	if (!!m->own != (h.sender == f->sender) || (m->own && h.seq != f->own_seen))
		f->own_wrong++;
	f->own_seen += m->own;
}

/* All that is there, if it is wanted at all */
static int read_own(struct flood *f)
{
	struct dmring_msg m;
	int n, ret = 0;

	while (f->own && !ret) {
		for (n = 0; n < BATCH; n++) {
			ret = dmring_peek(f->r, &m);
			if (ret)
				break;
			see_own(f, &m);
		}
		if (n && dmring_release(f->r))
			return -EOVERFLOW;
	}
	return ret == -EAGAIN ? 0 : ret;
}

/* Until all own messages have come back */
static int await_own(struct flood *f)
{
	__u64 end = now_ms() + f->seconds * 1000ULL;
	int ret = read_own(f);

	while (f->own && f->own_seen < f->count && !ret && now_ms() < end) {
		dmring_wait(f->r, DMRING_WAIT_READ, 1, 200);
		ret = read_own(f);
	}
	return ret;
}

/* Said once; it may come back */
static void no_quorum(struct flood *f)
{
	if (!f->cut_off)
		printf("send %s sender %u: %s\n", f->ring, f->sender, dmring_why());
	f->cut_off = true;
	usleep(20000);
}

/* Wait for room in pieces, so that what counts is time without any progress */
static int push(struct flood *f, const void *msg, size_t len)
{
	__u64 end = now_ms() + f->seconds * 1000ULL;
	int ret;

	do {
		ret = read_own(f) ?: dmring_send_wait(f->r, msg, len, f->own ? 20 : 200);
		if (ret == -ENOLINK)
			no_quorum(f);
	} while ((ret == -ETIMEDOUT || ret == -EAGAIN || ret == -EINTR || ret == -ENOLINK) &&
		 now_ms() < end);
	return ret;
}

static bool planted(const struct flood *f, __u32 seq, const char *kind)
{
	return f->plant && seq == f->count / 2 && !strcmp(f->plant, kind);
}

static void rest(struct flood *f)
{
	char path[256];

	usleep(f->rest);
	if (!f->gate)
		return;
	snprintf(path, sizeof(path), "%s.go", f->gate);
	if (!access(path, F_OK))
		f->rest = 0;
}

static int send_one(struct flood *f, __u32 seq)
{
	__u32 len = f->least + next_random(&f->random) % (f->most - f->least + 1);
	size_t all = sizeof(struct flood_head) + len;
	int ret;

	memcpy(f->msg + sizeof(struct flood_head), f->pool + next_random(&f->random) % POOL, len);
	flood_seal(f->msg, f->sender, seq, len);
	if (planted(f, seq, "lost"))
		return 0;
	if (planted(f, seq, "damage"))
		f->msg[sizeof(struct flood_head) + len / 2] ^= 0x10;
	ret = push(f, f->msg, all);
	if (!ret && planted(f, seq, "double"))
		ret = push(f, f->msg, all);
	if (f->rest)
		rest(f);
	return ret;
}

/* Between two parts: wait until somebody says go on */
static void pass_gate(struct flood *f, __u32 i)
{
	__u32 step = f->count / f->parts;
	char path[256];

	if (!f->gate || !i || i % step || i / step >= f->parts)
		return;
	snprintf(path, sizeof(path), "%s.%u", f->gate, i / step);
	while (access(path, F_OK) && !read_own(f))
		usleep(20000);
}

/* The order in which numbers are sent: as they are, unless two are to be swapped */
static __u32 nth(const struct flood *f, __u32 i)
{
	if (i && planted(f, i, "reorder"))
		return i - 1;
	if (planted(f, i + 1, "reorder"))
		return i + 1;
	return i;
}

static int send_all(struct flood *f)
{
	__u64 start = now_ms();
	__u32 i;
	int ret = 0;

	for (i = 0; i < f->count && !ret; i++) {
		pass_gate(f, i);
		ret = send_one(f, nth(f, i));
	}
	i -= !!ret;
	if (!ret)
		ret = await_own(f);
	if (f->own)
		printf("send %s sender %u: own %u wrong %llu\n", f->ring, f->sender, f->own_seen,
		       (unsigned long long)f->own_wrong);
	if (f->own && !ret && (f->own_wrong || f->own_seen != f->count))
		ret = -EBADMSG;
	printf("send %s sender %u: accepted %u ms %llu%s%s\n", f->ring, f->sender, i,
	       (unsigned long long)(now_ms() - start), ret ? ": " : "",
	       ret ? dmring_strerror(ret) : "");
	if (ret == -ENOTCONN)
		printf("send %s sender %u: detached: %s\n", f->ring, f->sender,
		       dmring_reason_str(dmring_reason(f->r)));
	if (ret == -ETIMEDOUT || ret == -EAGAIN || ret == -ENOLINK)
		return NO_ROOM;
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* "event NAME …", a line each */
static void print_event(const struct dmring_ev *ev)
{
	printf("event %s node %u arg %llu reason %u", dmring_event_str(ev->what), ev->node,
	       (unsigned long long)ev->arg, ev->reason);
	if (ev->what == DMRING_EV_LOST)
		printf(" to %llu", (unsigned long long)ev->arg2);
	putchar('\n');
}

/* What was said to this sender of its messages */
static void show_own_events(struct flood *f)
{
	struct dmring_ev ev;

	while (!f->own && !dmring_event(f->r, &ev))
		if (ev.what == DMRING_EV_LOST || ev.what == DMRING_EV_REJECTED)
			print_event(&ev);
}

static int do_send(struct flood *f)
{
	int status;

	if (!fill_pool(f))
		return complain("memory", -ENOMEM);
	if (attach(f, f->own ? DMRING_OWN : DMRING_SEND_ONLY))
		return EXIT_FAILURE;
	status = send_all(f);
	show_own_events(f);
	dmring_detach(f->r);
	free(f->pool);
	free(f->msg);
	return status;
}

/*
 * Receiving
 */

static void show_nexts(const struct flood_check *c)
{
	__u32 i;

	printf(" next");
	for (i = 0; i < c->senders; i++)
		printf("%c%u", i ? ',' : ' ', c->book[i].next);
}

/* The view that ends, by what came in it, and the one that begins, by its hosts */
static void show_view(struct flood_check *c, const struct dmring_msg *m, const struct dmring_ev *ev)
{
	static const char *const words[] = {
		[DMRING_HOST_STAYED] = "", [DMRING_HOST_JOINED] = "+", [DMRING_HOST_LEFT] = "-",
	};
	bool joined = ev->arg2 & DMRING_VIEW_JOINED;
	struct dmring_ev_host h;
	size_t at;

	printf("before %llu: received %llu sequence %016llx", (unsigned long long)ev->arg,
	       (unsigned long long)c->view_received, (unsigned long long)c->of_view);
	show_nexts(c);
	printf("\nview %llu%s%s hosts", (unsigned long long)ev->arg,
	       ev->arg2 & DMRING_VIEW_QUORUM ? "" : " without quorum", joined ? " joined" : "");
	for (at = sizeof(*ev); at + sizeof(h) <= m->len; at += sizeof(h)) {
		memcpy(&h, (const char *)m->data + at, sizeof(h));
		printf(" %s%u", h.what <= DMRING_HOST_LEFT ? words[h.what] : "?", h.node);
		if (h.what == DMRING_HOST_LEFT)
			printf(":%u", h.reason);
	}
	putchar('\n');
	flood_check_view(c, joined);
}

static void show_event(const struct flood *f, struct flood_check *c, const struct dmring_msg *m)
{
	struct dmring_ev ev;

	memcpy(&ev, m->data, sizeof(ev));
	if (ev.what == DMRING_EV_VIEW)
		show_view(c, m, &ev);
	if (!f->events && ev.what != DMRING_EV_GAP)
		return;
	print_event(&ev);
}

static void show_ident(const struct dmring_msg *m)
{
	struct flood_head h;

	memcpy(&h, m->data, sizeof(h));
	if (!h.seq && m->ident)
		printf("ident sender %u node %u pid %u uid %u gid %u\n", h.sender, m->ident->node,
		       m->ident->pid, m->ident->uid, m->ident->gid);
}

/* Each message, at once: of use when this process is killed */
static void show_message(const struct dmring_msg *m)
{
	struct flood_head h;

	if (flood_open(m->data, m->len, &h))
		printf("message %u of %u\n", h.seq, h.sender);
}

static void take_one(const struct flood *f, struct flood_check *c, const struct dmring_msg *m)
{
	if (m->type == DMRING_REC_EVENT) {
		show_event(f, c, m);
		return;
	}
	flood_check_take(c, m->data, m->len);
	if (f->many && !(c->received % f->many))
		printf("so far %llu\n", (unsigned long long)c->received);
	if (f->each)
		show_message(m);
	if (f->identify && m->len > sizeof(struct flood_head))
		show_ident(m);
}

/* Some messages; how many, or -errno */
static int take_some(struct flood *f, struct flood_check *c)
{
	__u64 damaged = c->damaged;
	struct dmring_msg m;
	int n, ret = 0;

	for (n = 0; n < BATCH; n++) {
		ret = dmring_peek(f->r, &m);
		if (ret)
			break;
		take_one(f, c, &m);
		if (f->rest)
			usleep(f->rest);
	}
	if (n)
		ret = dmring_release(f->r);
	/* the memory may have been taken away while it was read */
	if (ret == -ENOTCONN)
		c->damaged = damaged;
	if (ret == -EOVERFLOW)
		printf("recv %s: overwritten while it was read\n", f->ring);
	return ret && ret != -EAGAIN ? ret : n;
}

static volatile sig_atomic_t asked_to_end;

static void ask_to_end(int sig)
{
	(void)sig;
	asked_to_end = 1;
}

static __u64 patience(const struct flood *f, const struct flood_check *c)
{
	__u32 first = FIRST_SECONDS * slower();

	if (flood_check_complete(c))
		return LINGER_MS;
	if (asked_to_end)
		return END_MS * slower();
	return (c->received || f->seconds > first ? f->seconds : first) * 1000ULL;
}

/* Until all has come; then for a moment more: nothing may follow. Events do not count. */
static int receive(struct flood *f, struct flood_check *c)
{
	__u64 quiet = now_ms(), before, now;
	bool ending = false;

	for (;;) {
		int n;

		/* the time before it looks: what comes while the machine stands still is seen */
		now = now_ms();
		/* what was on its way when it was asked to has all of this time */
		if (asked_to_end && !ending)
			quiet = now;
		ending = asked_to_end;
		before = c->received;
		n = take_some(f, c);
		if (c->received != before)
			quiet = now_ms();
		if (n > 0)
			continue;
		if (!n && now >= quiet + patience(f, c))
			return flood_check_complete(c) ? 0 : -ETIMEDOUT;
		if (!n)
			n = dmring_wait(f->r, DMRING_WAIT_READ, 1, 200);
		if (n && n != -ETIMEDOUT && n != -EINTR)
			return n;
	}
}

static int verdict(const struct flood *f, const struct flood_check *c, int ret, __u64 ms)
{
	__u64 lost = flood_check_lost(c, f->prefix);

	printf("recv %s: received %llu lost %llu doubled %llu reordered %llu damaged %llu",
	       f->ring, (unsigned long long)c->received, (unsigned long long)lost,
	       (unsigned long long)c->doubled, (unsigned long long)c->reordered,
	       (unsigned long long)c->damaged);
	printf(" foreign %llu dropped %llu bytes %llu ms %llu",
	       (unsigned long long)c->foreign, (unsigned long long)dmring_dropped(f->r),
	       (unsigned long long)c->bytes, (unsigned long long)ms);
	printf(" turns %llu sequence %016llx", (unsigned long long)c->turns,
	       (unsigned long long)c->sequence);
	printf(" view sequence %016llx", (unsigned long long)c->of_view);
	show_nexts(c);
	if (ret && !(ret == -ETIMEDOUT && f->prefix))
		printf(": %s%s%s", ret == -ETIMEDOUT ? "nothing comes any more" :
		       dmring_strerror(ret), ret == -ENOTCONN ? ": " : "",
		       ret == -ENOTCONN ? dmring_reason_str(dmring_reason(f->r)) : "");
	putchar('\n');
	if (lost || c->doubled || c->reordered || c->damaged || c->foreign)
		return EXIT_FAILURE;
	return ret && !(ret == -ETIMEDOUT && f->prefix) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int do_recv(struct flood *f)
{
	static struct flood_check c;
	__u64 start;
	int ret, status;

	if (f->sender > FLOOD_SENDERS || !flood_check_init(&c, f->sender, f->count))
		return complain("memory", -ENOMEM);
	if (attach(f, DMRING_EVENTS))
		return EXIT_FAILURE;
	signal(SIGTERM, ask_to_end);
	printf("recv %s: attached\n", f->ring);
	start = now_ms();
	ret = receive(f, &c);
	status = verdict(f, &c, ret, now_ms() - start);
	dmring_detach(f->r);
	flood_check_free(&c);
	return status;
}

static int usage(void)
{
	fputs("flood send|recv [OPTIONS] RING: see the head of its source\n", stderr);
	return 2;
}

static __u32 *number_of(struct flood *f, int c)
{
	switch (c) {
	case 's':
		return &f->sender;
	case 'c':
		return &f->count;
	case 'm':
		return &f->least;
	case 'l':
		return &f->most;
	case 'r':
		return &f->seed;
	case 't':
		return &f->seconds;
	case 'u':
		return &f->rest;
	case 'k':
		return &f->parts;
	case 'n':
		return &f->many;
	}
	return NULL;
}

static bool *switch_of(struct flood *f, int c)
{
	switch (c) {
	case 'p':
		return &f->prefix;
	case 'e':
		return &f->events;
	case 'i':
		return &f->identify;
	case 'v':
		return &f->each;
	case 'w':
		return &f->unwilling;
	case 'o':
		return &f->own;
	}
	return NULL;
}

static bool parse(struct flood *f, int argc, char **argv)
{
	static const struct option options[] = {
		{ "plant", required_argument, NULL, 'P' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "s:c:m:l:r:t:u:g:k:n:peivwo", options, NULL)) != -1) {
		if (c == 'P')
			f->plant = optarg;
		else if (c == 'g')
			f->gate = optarg;
		else if (number_of(f, c))
			*number_of(f, c) = strtoul(optarg, NULL, 0);
		else if (switch_of(f, c))
			*switch_of(f, c) = true;
		else
			return false;
	}
	f->ring = argv[optind];
	if (!f->count || !f->parts || f->parts > f->count)
		return false;
	return optind + 1 == argc && f->least && f->least <= f->most && f->most <= FLOOD_MAX;
}

int main(int argc, char **argv)
{
	struct flood f = {
		.count = 1000, .parts = 1, .least = 1, .most = 4096, .seed = 1, .seconds = 60,
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || !parse(&f, argc - 1, argv + 1))
		return usage();
	f.random = (f.seed + 1) * 0x9e3779b97f4a7c15ULL ^ (f.sender + 1);
	if (!strcmp(argv[1], "send"))
		return do_send(&f);
	return strcmp(argv[1], "recv") ? usage() : do_recv(&f);
}
