/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that is killed in a call: which calls there are, and what comes before
 * each. crash-points.c kills.
 */
#ifndef _DMRING_CRASH_H
#define _DMRING_CRASH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "rig.h"
#include "step.h"
#include "traffic.h"

#define CRASH_WITNESS	1U		/* senders of messages */
#define CRASH_CHILD	2U
#define CRASH_IN_SIZE	4096U		/* the child's input space */
#define CRASH_SHORT	300U		/* lengths of messages (bytes) */
#define CRASH_LONG	600U
#define CRASH_MAX	150000U

/* What child and witness both look at */
struct crash_shared {
	uint64_t accepted;	/* of the child, when the call begins */
	const void *in_tail;	/* its address in the child */
	int error;
};

struct crash;

/**
 * struct crash_scene - a call, and what comes before it
 * @name: of the call
 * @flags: the child attaches with them
 * @log: of the ring (bytes), 0 for 64 KiB
 * @cost: input space of the message that the call marks, 0 if it marks none
 * @unattached: attaching is the call
 * @sends: the call is of the sending side: in_tail is looked at
 * @awaited: before the call the log is full, of what the child has not released, and
 *           somebody waits for room
 * @prepare: the child, once attached
 * @ready: the child, immediately before the call; of one that does not send in it, all
 *         that @prepare has sent is in the log
 * @call: the call
 * @wake: the witness, for a call that sleeps
 */
struct crash_scene {
	const char *name;
	uint32_t flags;
	uint32_t log;
	uint32_t cost;
	bool unattached;
	bool sends;
	bool awaited;
	int (*prepare)(struct crash *c);
	int (*ready)(struct crash *c);
	void (*call)(struct crash *c);
	void (*wake)(struct crash *c);
};

struct crash {
	const struct crash_scene *scene;
	const char *name;	/* of the ring */
	struct crash_shared *sh;
	struct step step;
	uint64_t base;		/* number of the child's first message */

	/* the witness */
	struct rig_member w;
	struct traffic t;
	uint64_t sent;
	uint64_t got;		/* messages, of both */
	uint64_t publish;	/* its other thread sends up to this number */
	pthread_t thread;
	pid_t tid;

	uint32_t points;
	uint32_t inside;	/* kills in system calls */
	uint32_t again;		/* children that went another way than was recorded */
	uint32_t violations;

	/* the child */
	struct dmring *r;
	void *buf;
	char out[CRASH_MAX];

	char in[CRASH_MAX];	/* of both */
};

/* What step_start() runs */
void crash_child(void *arg);
/* NULL at the end */
const struct crash_scene *crash_scene(unsigned int nr);
const struct crash_scene *crash_scene_named(const char *name);

/* Of the witness, in crash-points.c */
void crash_send_short(struct crash *c);
void crash_read_all(struct crash *c);

#endif /* _DMRING_CRASH_H */
