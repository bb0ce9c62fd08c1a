/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call of a child process, one instruction at a time.
 *
 *	child		... step_pause() ... int3 | the call, n instructions | int3
 *						  ^
 *	this process	step_start()  step_cont() '-- step_record(), or step_go(k)
 *
 * The call is stepped whole once (step_record()); then, in a new child each time,
 * step_go() comes to a stand after any number of its instructions. What it has
 * passed by then is known from the recording, if the child took the same way:
 * that is compared.
 *
 * Functions return 0 or -errno: -ENOENT the child has ended, -EAGAIN it went another
 * way than the recording.
 */
#ifndef _DMRING_STEP_H
#define _DMRING_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STEP_MAX	8192U	/* instructions of a call */

/* Before an instruction */
struct step_at {
	uint64_t rip;
	uint64_t word;		/* what the watched word held */
	uint32_t times;		/* it was there, with this one */
	uint32_t from;		/* the last one before, where it was for the first time */
	uint32_t via;		/* where to set the breakpoint on the way to here */
	bool syscall;		/* it enters the kernel */
	bool sleeps;		/* and sleeps there */
	uint64_t nr;		/* system call's number, second argument, result */
	uint64_t arg;
	int64_t ret;
};

/* A call: at[0] before its first instruction, at[count] after its last */
struct step_trace {
	uint32_t count;
	struct step_at at[STEP_MAX + 1];
};

struct step {
	pid_t pid;
	struct step_trace *trace;
	bool whole;		/* step_go() steps all the way, without breakpoints */
	void (*wake)(void *arg);	/* wakes the child out of a system call; or NULL */
	void *arg;
};

/* In the child: stop here, go on at step_cont() */
void step_pause(void);
/* In the child: @fn is the call */
void step_call(void (*fn)(void *arg), void *arg);

/* Forks; @fn is what the child does. It stops at its first step_pause() or call. */
int step_start(struct step *s, void (*fn)(void *arg), void *arg);
/* To the next stop */
int step_cont(struct step *s);
/* Step the call to its end, and note it; @word: of the child, read at each step, or NULL */
int step_record(struct step *s, const void *word);
/* To after @k instructions of it */
int step_go(struct step *s, uint32_t k);
/* Into a system call, which comes next: as far as its entry; again: to its exit */
int step_syscall(struct step *s);
/* Let it go, on another CPU if there is one, and do not wait for it */
int step_free(struct step *s);
/* Is it asleep in a system call? */
bool step_asleep(pid_t pid);
/* SIGKILL, and until it has ended */
int step_kill(struct step *s);

#endif /* _DMRING_STEP_H */
