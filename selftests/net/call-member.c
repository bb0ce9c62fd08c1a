// SPDX-License-Identifier: GPL-2.0-only
/*
 * One member that serves, asks, waits or has a status, in the network namespace it is in.
 *
 *	call-member serve RING SERVICE		answers questions until SIGTERM
 *	call-member hold RING SERVICE		takes requests and keeps them; SIGTERM: answers them
 *	call-member ask RING SERVICE COUNT WHO	questions, up to 16 at a time
 *	call-member wait RING SERVICE COUNT	requests, and how and when they end
 *	call-member job RING SERVICE COUNT	one-way requests, and what comes back of them
 *	call-member call RING SERVICE S [behind]	dmring_call(), and what it returns; behind a reply
 *						that is not read
 *	call-member look RING FILE		asks "look", writes all that it maps to FILE
 *	call-member see RING FILE		serves "look"; of a message and a request likewise
 *	call-member tell RING SERVICE		sends these, and stays until SIGTERM
 *	call-member status RING COUNT FIRST	so many members; a line of standard input is their
 *						next progress: "all 7", or "one 7" for the
 *						first; "end" ends them
 *	call-member statuses RING		the status of all members, a line each
 *
 * With "identify", serve, ask, look and see tell of each source that they hear of for the first time.
 */
#include "call-areas.h"
#include "call-join.h"

#define SOURCES	64
#define MOST	4096		/* requests that hold keeps */

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void catch_term(void)
{
	struct sigaction sa = { .sa_handler = on_term };

	sigaction(SIGTERM, &sa, NULL);
}

/* When patience is over */
static uint64_t end_ns(void)
{
	return now_ns(CLOCK_MONOTONIC) + 30000000000ULL * slower();
}

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static void tell_source(const struct dmring_msg *m)
{
	static struct dmring_ident known[SOURCES];
	static int n;
	int i;

	for (i = 0; m->ident && i < n; i++)
		if (!memcmp(&known[i], m->ident, sizeof(*known)))
			return;
	if (!m->ident || n == SOURCES)
		return;
	known[n++] = *m->ident;
	printf("from node %u uid %u gid %u pid %u\n", m->ident->node, m->ident->uid, m->ident->gid,
	       m->ident->pid);
	fflush(stdout);
}

static void reply(struct dmring *r, uint64_t cap, const void *data, size_t len)
{
	while (dmring_reply(r, cap, data, len) == -EAGAIN)
		dmring_wait(r, DMRING_WAIT_WRITE, len + 64, 100);
}

static int serve(struct dmring *r, const char *service)
{
	unsigned long served = 0, bad = 0;
	struct question q, a;
	struct dmring_msg m;

	if (dmring_offer(r, service, NULL))
		return 1;
	say("serving");
	while (!stop) {
		if (next_msg(r, &m, 200))
			continue;
		if (m.type == DMRING_REC_REQUEST) {
			tell_source(&m);
			served++;
			if (!question_whole(m.data, m.len, &q)) {
				q = (struct question){ .len = 0 };
				bad++;
			}
			question_answer(&q, &a);
			if (m.ref)
				reply(r, m.ref, &a, QUESTION_HEAD + a.len);
		}
		dmring_release(r);
	}
	printf("served %lu damaged %lu\n", served, bad);
	return bad != 0;
}

static int hold(struct dmring *r, const char *service)
{
	static uint64_t cap[MOST];
	struct dmring_msg m;
	int n = 0, i;

	if (dmring_offer(r, service, NULL))
		return 1;
	say("serving");
	while (!stop) {
		if (next_msg(r, &m, 200))
			continue;
		if (m.type == DMRING_REC_REQUEST && n < MOST) {
			cap[n++] = m.ref;
			printf("held %d\n", n);
			fflush(stdout);
		}
		dmring_release(r);
	}
	for (i = 0; i < n; i++)
		reply(r, cap[i], "late", 4);
	/* they go on their way before this member does */
	dmring_wait(r, DMRING_WAIT_WRITE, (1 << 18) - 16, 1000);
	return 0;
}

static int ask(struct dmring *r, const char *service, uint64_t count, uint32_t who)
{
	uint64_t next = 0, ended = 0, bad = 0;
	uint8_t *open = calloc(count, 1);
	unsigned int idle = 0;
	struct question q;
	struct dmring_msg m;

	while (ended < count && idle < 20 * (unsigned int)slower()) {
		while (next < count && next - ended < 16) {
			size_t len = question_make(&q, who, next, who);

			if (dmring_call_start(r, service, &q, len, next, 0, -1))
				break;
			open[next++] = 1;
		}
		if (next_msg(r, &m, 1000)) {
			idle++;
			continue;
		}
		idle = 0;
		if (m.type == DMRING_REC_REPLY) {
			tell_source(&m);
			question_make(&q, who, m.ref, who);
			if (m.ref >= count || !open[m.ref] || m.error ||
			    !question_answered(&q, m.data, m.len)) {
				bad++;
				printf("request %llu: %s\n", (unsigned long long)m.ref,
				       m.error ? dmring_strerror(m.error) : "a wrong answer");
			}
			open[m.ref] = 0;
			ended++;
		}
		dmring_release(r);
	}
	printf("asked %llu answered %llu wrong %llu\n", (unsigned long long)next,
	       (unsigned long long)(ended - bad), (unsigned long long)bad);
	return bad || ended != count;
}

static int call(struct dmring *r, const char *service, int seconds, bool behind)
{
	uint64_t begin = now_ns(CLOCK_MONOTONIC);
	char buf[64];
	ssize_t n;

	/* nobody serves that */
	if (behind && dmring_call_start(r, "nobody", "", 0, 1, 0, -1))
		return 1;
	n = dmring_call(r, service, "line", 4, buf, sizeof(buf), seconds * 1000);
	if (n < 0)
		printf("%s: %s\n", strerrorname_np(-n), dmring_why());
	else
		printf("answer %.*s\n", (int)n, buf);
	printf("after %llu ms\n",
	       (unsigned long long)(now_ns(CLOCK_MONOTONIC) - begin) / 1000000);
	return n < 0;
}

/* "ended N NAME…": with which errors, "at MS MS": the first and the last end, since 1970 */
static int wait_all(struct dmring *r, const char *service, int count)
{
	uint64_t first = 0, last = 0;
	int i, ended = 0, of[4096] = { 0 };
	struct dmring_msg m;

	for (i = 0; i < count; i++)
		if (dmring_call_start(r, service, &i, sizeof(i), i, 0, -1))
			return 1;
	dmring_submit(r);
	say("begun");
	while (ended < count && !stop) {
		if (next_msg(r, &m, 200))
			continue;
		if (m.type == DMRING_REC_REPLY) {
			last = now_ns(CLOCK_REALTIME) / 1000000;
			first = first ? first : last;
			of[-m.error & 4095]++;
			ended++;
		}
		dmring_release(r);
	}
	printf("ended %d", ended);
	for (i = 0; i < 4096; i++)
		if (of[i])
			printf(" %s %d", i ? strerrorname_np(i) : "replied", of[i]);
	printf(" at %llu %llu\n", (unsigned long long)first, (unsigned long long)last);
	return 0;
}

static int job(struct dmring *r, const char *service, int count)
{
	uint8_t *back = calloc(count, 1);
	int i, n = 0, twice = 0, last = 0, idle = 0;
	struct dmring_ev ev;
	struct dmring_msg m;

	for (i = 0; i < count; i++)
		if (dmring_call_start(r, service, &i, sizeof(i), i, DMRING_REQUEST_ONE_WAY, -1))
			return 1;
	while (idle < 3) {
		if (!next_msg(r, &m, 500 * slower()))
			dmring_release(r);
		idle++;
		while (!dmring_event(r, &ev)) {
			if (ev.what != DMRING_EV_UNDELIVERED || ev.arg >= (unsigned int)count)
				continue;
			twice += back[ev.arg]++;
			last = ev.reason;
			n++;
			idle = 0;
		}
	}
	printf("sent %d back %d twice %d reason %s\n", count, n, twice,
	       last ? strerrorname_np(last) : "none");
	return 0;
}

/* Whether it waits shows in its marks when something comes: so it does, from before that on */
static void begin_to_wait(struct dmring *r)
{
	dmring_wait(r, DMRING_WAIT_READ, 1, 1);
}

static int look(struct dmring *r, const char *file)
{
	uint64_t end = end_ns(), formed = areas_tail();
	struct dmring_msg m;

	begin_to_wait(r);
	if (dmring_call_start(r, "look", "question", 8, 42, 0, -1))
		return 1;
	while (next_msg(r, &m, 100) || m.type != DMRING_REC_REPLY)
		if (now_ns(CLOCK_MONOTONIC) > end)
			return 1;
	if (m.error || m.ref != 42) {
		printf("%s\n", dmring_strerror(m.error));
		return 1;
	}
	tell_source(&m);
	return areas_write(file, formed);
}

static int see(struct dmring *r, const char *file)
{
	uint64_t end = end_ns(), formed = areas_tail();
	int messages = 0, requests = 0, ret;
	struct dmring_msg m;

	if (dmring_offer(r, "look", NULL))
		return 1;
	begin_to_wait(r);
	say("serving");
	while (!messages || !requests) {
		if (now_ns(CLOCK_MONOTONIC) > end)
			return 1;
		if (next_msg(r, &m, 100))
			continue;
		messages += m.type == DMRING_REC_DATA;
		requests += m.type == DMRING_REC_REQUEST;
		tell_source(&m);
		dmring_release(r);
	}
	ret = areas_write(file, formed);
	while (!stop)
		dmring_wait(r, DMRING_WAIT_READ, 1, 200);
	return ret;
}

static int tell(struct dmring *r, const char *service)
{
	if (dmring_send(r, "the same", 8) ||
	    dmring_call_start(r, service, "the same", 8, 0, DMRING_REQUEST_ONE_WAY, -1) ||
	    dmring_submit(r))
		return 1;
	/* that a member has left is told with its host */
	while (!stop)
		dmring_wait(r, DMRING_WAIT_READ, 1, 200);
	return 0;
}

static int status(const char *ring, int count, int first)
{
	struct dmring_opts o = { .size = sizeof(o), .flags = DMRING_SEND_ONLY, .in_size = 4096 };
	struct dmring **r = calloc(count, sizeof(struct dmring *));
	char line[80], text[40];
	unsigned int progress;
	int i;

	for (i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "member %d", first + i);
		if (dmring_attach(&r[i], ring, &o) || dmring_status_set(r[i], first + i, 0, text)) {
			printf("member %d: %s\n", i, dmring_why());
			return 1;
		}
	}
	say("set");
	while (fgets(line, sizeof(line), stdin)) {
		int n = sscanf(line, "all %u", &progress) == 1 ? count :
			sscanf(line, "one %u", &progress) == 1 ? 1 : 0;

		if (!n)
			break;
		for (i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "member %d again", first + i);
			if (dmring_status_set(r[i], first + i, progress, text))
				return 1;
		}
		line[strcspn(line, "\n")] = '\0';
		printf("%s at %llu\n", line,
		       (unsigned long long)now_ns(CLOCK_REALTIME) / 1000000);
	}
	return 0;
}

static int show(const struct dmring_member_status *s, void *arg)
{
	(void)arg;
	return printf("%u %u %u %u %s\n", s->node, s->member, s->state, s->progress, s->text) < 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";
	struct dmring *r;
	int n = argc > 4 ? atoi(argv[4]) : 0, ret = 2;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(verb, "status"))
		return argc == 5 ? status(argv[2], atoi(argv[3]), n) : 2;
	if (argc < 3)
		return 2;
	catch_term();
	r = join(argv[2], 0, 0);
	if (argc == 4 && !strcmp(verb, "serve"))
		ret = serve(r, argv[3]);
	else if (argc == 4 && !strcmp(verb, "hold"))
		ret = hold(r, argv[3]);
	else if (argc == 6 && !strcmp(verb, "ask"))
		ret = ask(r, argv[3], n, atoi(argv[5]));
	else if (argc == 5 && !strcmp(verb, "wait"))
		ret = wait_all(r, argv[3], n);
	else if (argc >= 5 && !strcmp(verb, "call"))
		ret = call(r, argv[3], n, argc > 5);
	else if (argc == 5 && !strcmp(verb, "job"))
		ret = job(r, argv[3], n);
	else if (argc == 4 && !strcmp(verb, "look"))
		ret = look(r, argv[3]);
	else if (argc == 4 && !strcmp(verb, "see"))
		ret = see(r, argv[3]);
	else if (argc == 4 && !strcmp(verb, "tell"))
		ret = tell(r, argv[3]);
	else if (argc == 3 && !strcmp(verb, "statuses"))
		ret = dmring_status_each(r, show, NULL) < 0;
	dmring_detach(r);
	return ret;
}
