/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs call-*.c have in common: a process that goes to a host, which is a network
 * namespace, and is a member there; questions, and the only right answer to each.
 */
#ifndef _DMRING_NET_CALL_JOIN_H
#define _DMRING_NET_CALL_JOIN_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <dmring.h>

#include "../random.h"
#include "slower.h"

#define QUESTION_BYTES	200	/* most of one, behind its head */

/**
 * struct question - what is asked
 * @who: number of who asks
 * @len: bytes of @data
 * @no: its number there
 * @sum: of all the others
 *
 * The answer has the bytes in reverse, each turned round, and the same numbers.
 */
struct question {
	uint32_t who;
	uint32_t len;
	uint64_t no;
	uint64_t sum;
	uint8_t data[QUESTION_BYTES];
};

#define QUESTION_HEAD	offsetof(struct question, data)

static inline uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static inline uint64_t sum_of(const struct question *q)
{
	uint64_t sum = (14695981039346656037ULL ^ q->who) * 1099511628211ULL;
	uint32_t i;

	sum = (sum ^ q->no) * 1099511628211ULL;
	sum = (sum ^ q->len) * 1099511628211ULL;
	for (i = 0; i < q->len; i++)
		sum = (sum ^ q->data[i]) * 1099511628211ULL;
	return sum;
}

/* Question @no of @who: the same whenever it is made; returns its length */
static inline size_t question_make(struct question *q, uint32_t who, uint64_t no, uint64_t seed)
{
	uint64_t rnd = seed * 1000003 + who * 1000000007ULL + no;
	uint32_t i;

	*q = (struct question){ .who = who, .no = no };
	q->len = next_random(&rnd) % QUESTION_BYTES;
	for (i = 0; i < q->len; i++)
		q->data[i] = next_random(&rnd);
	q->sum = sum_of(q);
	return QUESTION_HEAD + q->len;
}

static inline bool question_whole(const void *data, size_t len, struct question *q)
{
	if (len < QUESTION_HEAD || len > sizeof(*q))
		return false;
	memset(q, 0, sizeof(*q));
	memcpy(q, data, len);
	return q->len == len - QUESTION_HEAD && q->sum == sum_of(q);
}

static inline void question_answer(const struct question *q, struct question *a)
{
	uint32_t i;

	*a = (struct question){ .who = q->who, .no = q->no, .len = q->len };
	for (i = 0; i < q->len; i++)
		a->data[i] = ~q->data[q->len - 1 - i];
	a->sum = sum_of(a);
}

static inline bool question_answered(const struct question *q, const void *data, size_t len)
{
	struct question a;

	question_answer(q, &a);
	return len == QUESTION_HEAD + a.len && !memcmp(&a, data, len);
}

/* This process, on @host, and a member there; goes with its parent */
static inline struct dmring *join(const char *ring, unsigned int host, unsigned int flags)
{
	struct dmring_opts o = {
		.size = sizeof(o), .flags = DMRING_CALLS | flags, .in_size = 1 << 18,
		.out_size = 1 << 18,
	};
	struct dmring *r;
	char path[32];
	int fd;

	if (host) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(path, sizeof(path), "/run/netns/h%u", host);
		fd = open(path, O_RDONLY);
		if (fd < 0 || setns(fd, CLONE_NEWNET)) {
			perror(path);
			exit(2);
		}
		close(fd);
	}
	if (dmring_attach(&r, ring, &o)) {
		fprintf(stderr, "attach: %s\n", dmring_why());
		exit(2);
	}
	return r;
}

/* The next one, within @ms; 0, -EAGAIN or worse */
static inline int next_msg(struct dmring *r, struct dmring_msg *m, int ms)
{
	int ret = dmring_peek(r, m);

	if (ret != -EAGAIN)
		return ret;
	dmring_wait(r, DMRING_WAIT_READ, 1, ms);
	return dmring_peek(r, m);
}

#endif
