// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * workqueue RING	a worker: counts the primes below what it is sent
 * workqueue RING N	has N jobs done by the workers there are, on whichever machines
 * Start as many workers as you like, and kill some: what one took along is posted again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <dmring.h>

static unsigned int primes_below(unsigned int n)
{
	unsigned int i, k, count = 0;

	for (i = 2; i < n; i++) {
		for (k = 2; k * k <= i && i % k; k++)
			;
		count += k * k > i;
	}
	return count;
}

static void work(struct dmring *ring, const struct dmring_msg *m)
{
	unsigned int count = primes_below(*(const unsigned int *)m->data);

	dmring_reply(ring, m->ref, &count, sizeof(count));
}

/* Its number is the cookie, too */
static void post(struct dmring *ring, unsigned int job)
{
	unsigned int below = job * 1000;

	while (dmring_call_start(ring, "primes", &below, sizeof(below), job,
				 DMRING_REQUEST_IDEMPOTENT, -1) == -EAGAIN)
		dmring_wait(ring, DMRING_WAIT_WRITE, 256, -1);
}

/* What has come of one; says whether it is done */
static int see(struct dmring *ring, const struct dmring_msg *m)
{
	if (!m->error)
		return printf("%llu000: %u\n", m->ref, *(const unsigned int *)m->data) > 0;
	fprintf(stderr, "job %llu: %s, again\n", m->ref, dmring_strerror(m->error));
	sleep(m->error == -ESRCH);	/* no worker yet */
	post(ring, m->ref);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int jobs = argc > 2 ? atoi(argv[2]) : 0, next = 1, done = 0;
	const struct dmring_opts opts = {
		.size = sizeof(opts),
		.flags = DMRING_CALLS | DMRING_SEND_ONLY,
		.out_size = jobs ? 0 : DMRING_SPACE_MIN,	/* few wait at a worker */
	};
	struct dmring *ring;
	struct dmring_msg m;

	if (dmring_attach(&ring, argc > 1 ? argv[1] : "hello", &opts) ||
	    (!jobs && dmring_offer(ring, "primes", NULL)))
		return fprintf(stderr, "%s\n", dmring_why()), 1;
	while ((!jobs || done < jobs) && dmring_state(ring) == DMRING_STATE_ATTACHED) {
		while (next <= jobs && next - done <= 64)	/* their replies fit the space */
			post(ring, next++);
		dmring_wait(ring, DMRING_WAIT_READ, 1, -1);
		for (; !dmring_peek(ring, &m); dmring_release(ring)) {
			if (m.type == DMRING_REC_REQUEST && m.len == sizeof(int))
				work(ring, &m);
			else if (m.type == DMRING_REC_REPLY)
				done += see(ring, &m);
		}
	}
	return dmring_detach(ring) || done < jobs;
}
