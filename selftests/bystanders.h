/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Members that exchange messages that can be checked, beside others that misbehave.
 *
 *	sender x 2 --- ring (identify) ---> checker x 2
 *	                    |
 *	              others, in turns: quiet, busy (threads that only burn CPU), wild
 *
 * Checkers know by the kernel's identity whose message it is, and check those of the
 * senders: each one, whole, once, in order. The rates of the turns tell what the others
 * cost the bystanders beyond the CPU time they take.
 */
#ifndef _DMRING_BYSTANDERS_H
#define _DMRING_BYSTANDERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BYSTANDERS_SENDERS	2
#define BYSTANDERS_CHECKERS	2
#define BYSTANDERS_OTHERS	8

enum bystanders_turn {
	BYSTANDERS_QUIET,
	BYSTANDERS_BUSY,
	BYSTANDERS_WILD,
	BYSTANDERS_TURNS,	/* no more */
};

/* Shared by all processes */
struct bystanders {
	char name[32];		/* of the ring */
	uint32_t turn;
	uint32_t stop;		/* 1 senders, 2 checkers */
	uint32_t ready;
	uint32_t others;
	uint32_t at[BYSTANDERS_OTHERS];	/* the turn each of the others is at */
	pid_t pid[BYSTANDERS_SENDERS + BYSTANDERS_CHECKERS];
	uint64_t sent[BYSTANDERS_SENDERS];
	uint64_t got[BYSTANDERS_CHECKERS];
	uint64_t strange;	/* messages of others that came through */
	uint64_t count[BYSTANDERS_TURNS];	/* got by checkers in all turns of a kind */
	uint64_t ms[BYSTANDERS_TURNS];
	/* Has all happened that the test wants to see? NULL: it does not matter */
	bool (*enough)(const struct bystanders *b);
};

/* NULL if they cannot start */
struct bystanders *bystanders_start(const char *name);
/*
 * In a process of the others, number @no: wait, or burn @threads CPUs, until the next
 * wild turn; false: no more.
 */
bool bystanders_wait(struct bystanders *b, unsigned int no, unsigned int threads);
/* Still wild? */
bool bystanders_wild(const struct bystanders *b);
/*
 * Take turns for @ms in all with @others processes that call bystanders_wait(). On a slow machine
 * longer, until it is @enough.
 */
void bystanders_turns(struct bystanders *b, unsigned int others, unsigned long ms);
/* 0 if all was in order, and what came together in bystanders_text() */
int bystanders_stop(struct bystanders *b);
/* "120/s alone, 80/s beside busy threads, 78/s beside these (97 % of that)" */
const char *bystanders_text(const struct bystanders *b);

#endif /* _DMRING_BYSTANDERS_H */
