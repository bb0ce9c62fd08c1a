/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the processes of a storm share: a board that outlives each of them.
 *
 *   supervisor   starts, kills and starts again; never a member
 *   survivors    members that are never killed; they check everything
 *   workers      members that are killed; readers among them check while they live
 *
 * Every membership has a number of its own, drawn from the board when it begins:
 * as a sender it is known by it, and whoever is in office is.
 */
#ifndef STORM_H
#define STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>

#include <dmring.h>

#define STORM_HOSTS	3
#define STORM_SURVIVORS	2	/* of a host: one only reads, one sends as well */
#define STORM_TEAM	6	/* workers of a host: two senders, two readers, two both */
#define STORM_SLOTS	(STORM_HOSTS * (STORM_SURVIVORS + STORM_TEAM))
#define STORM_NOBODY	0xffffffffU

enum storm_phase {
	STORM_WAIT,		/* until all survivors are members */
	STORM_RUN,
	STORM_SETTLE,		/* workers end, survivors read on */
	STORM_END,		/* survivors leave */
};

/* What a worker was at when it was killed */
enum storm_at {
	STORM_STARTING,
	STORM_ATTACHING,
	STORM_SENDING,
	STORM_READING,
	STORM_RESTING,
	STORM_LEAVING,
	STORM_ATS,
};

enum storm_fault {
	STORM_LOST,
	STORM_DOUBLED,
	STORM_REORDERED,
	STORM_DAMAGED,
	STORM_GHOST,		/* a message that nobody began to send */
	STORM_TERM,		/* two proxies in a term, or a term twice or out of turn */
	STORM_BROKEN,		/* a call failed, a member was detached, nothing moves */
	STORM_FAULTS,
};

/* What can be faked: of the faults, those of messages; and these */
#define STORM_PLANT(fault)	((fault) + 1)
#define STORM_PLANT_PROXIES	STORM_PLANT(STORM_TERM)
#define STORM_PLANT_OFFICE	STORM_PLANT(STORM_FAULTS)
#define STORM_PLANT_TAIL	STORM_PLANT(STORM_FAULTS + 1)

/* One membership; written by its process alone */
struct storm_sender {
	__u32 begun;		/* messages; counted before one is marked */
	__u32 accepted;		/* of these; counted when the library has said so */
};

/* A place in which one worker after the other runs */
struct storm_slot {
	__u64 received;		/* by all of them */
	__u32 at;		/* enum storm_at */
	__u32 gaps;		/* survivors: terms that were not told */
	__u32 patient;		/* survivors: longest time between two messages (ms) */
	__u32 pad[9];
};

struct storm_board {
	char ring[DMRING_NAME_SIZE];
	__u64 seed;
	__u32 patience;		/* s without a message that is no stall */
	__u32 most;		/* memberships there can be */
	__u32 terms;		/* of a host there can be */
	__u32 plant;		/* STORM_PLANT*() to be faked, 0: none */
	__u32 rest;		/* ms that a sender rests at most; the supervisor writes */
	__u32 phase;		/* enum storm_phase; the supervisor writes */
	__u32 leave_limit;	/* workers may leave while drawn is below it; likewise */
	__u32 drawn;		/* memberships so far */
	__u32 attached;		/* survivors that are members */
	__u64 fault[STORM_FAULTS];
	__u64 away;		/* times that survivors heard of a host away */
	struct storm_slot slot[STORM_SLOTS];
	struct storm_sender *sender;		/* by membership */
	__u32 *told[STORM_HOSTS];		/* by term: member id + 1 of its proxy */
	__u32 *held[STORM_HOSTS];		/* by term: membership + 1 of its proxy */
	__u32 *next[STORM_SLOTS];		/* survivors' books, see struct storm_book */
};

extern struct storm_board *board;

#define load(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define add(p, n)	__atomic_fetch_add(p, n, __ATOMIC_ACQ_REL)

static inline __u32 storm_host(int slot)
{
	return slot % STORM_HOSTS;
}

static inline bool storm_survives(int slot)
{
	return slot < STORM_HOSTS * STORM_SURVIVORS;
}

/* ---- storm-book.c: what a member has received, and who was proxy ---- */

#define STORM_HOLES	64

struct storm_book {
	__u32 *next;		/* by membership: number of its next message + 1; 0: none seen */
	__u32 from;		/* from this one on they came after us: they begin at 0 */
	__u32 mute;		/* own messages do not come; STORM_NOBODY: they do */
	__u32 plant;		/* of the board, in one member alone */
	__u32 holes;		/* numbers that did not come in their turn */
	struct {
		__u32 sender;
		__u32 seq;
	} hole[STORM_HOLES];
	void *kept;		/* planted: to come later */
	size_t kept_len;
};

/* Count a fault, and say what it is, once in a while */
void storm_fault(enum storm_fault kind, const char *fmt, ...)
	__attribute((format(printf, 2, 3)));

void storm_take(struct storm_book *b, const void *msg, size_t len);

/* Messages of @sender that @slot, a survivor, has received */
__u32 storm_received(int slot, __u32 sender);

/* Member @id of @host is said to be the proxy of a term */
void storm_told(__u32 host, __u64 term, __u32 id);
/* The same of a membership by itself */
void storm_held(__u32 host, __u64 term, __u32 id, __u32 membership);

bool storm_faulty(void);

/* ---- storm-end.c: what survivors have, beside what was accepted ---- */

/* Wait until they have all of it, or no more comes */
void storm_settle(void);
void storm_compare(void);
void storm_show_messages(__u64 ms);

/* ---- storm-worker.c: the members ---- */

__u64 storm_ms(void);
__u64 storm_random(__u64 *state);
/* What runs in @slot, in a process of its own and in its host's namespace */
int storm_work(int slot, __u64 seed);
int storm_survive(int slot, __u64 seed);
void storm_pool(__u64 seed);

/* ---- storm-office.c: netlink ---- */

struct storm_ring {
	__u64 term;
	__u32 member;		/* STORM_NOBODY: none in office */
	__u32 pid;
	__u32 members;
	__u64 events_lost;
	__u64 messages;
};

/* In the namespace of @host; -errno */
int storm_office_open(int host);
int storm_office_get(int host, struct storm_ring *r);

#endif /* STORM_H */
