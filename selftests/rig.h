/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of the module need: rings by netlink, members by the bare
 * interface of /dev/dmring, time and child processes.
 *
 * Results: 0 or positive is success, a negative value is -errno.
 */
#ifndef _DMRING_RIG_H
#define _DMRING_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/dmring.h>
#include <linux/dmring_netlink.h>

struct nlattr;
struct nlmsghdr;

/* ---- rings ---- */

/* A zero is "not given" */
struct rig_conf {
	uint64_t log;
	uint32_t slots;
	uint32_t slow;		/* enum dmring_slow */
	uint32_t slow_ms;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	uint32_t flags;		/* DMRING_RING_* */
	uint32_t max_msg;
	uint32_t rotate_s;
	uint32_t proxy_ms;	/* proxy-timeout */
	uint32_t node;		/* not zero: scope network, insecure */
	uint32_t addr;		/* it listens there, IPv4, host order; and port */
	uint16_t port;
};

int rig_ring_add(const char *name, const struct rig_conf *conf);
int rig_ring_del(const char *name);
int rig_ring_mode(const char *name, uint32_t mode, uint32_t uid, uint32_t gid);
int rig_peer_add(const char *name, uint32_t node, uint32_t addr, uint16_t port);
int rig_evict(const char *name, uint32_t id);
/* A number of RING_GET's answer, UINT64_MAX if it has none */
uint64_t rig_ring_get(const char *name, uint16_t attr);
uint64_t rig_ring_stat(const char *name, uint16_t stat);
/* A number of DMRING_A_RING_PROXY, likewise */
uint64_t rig_proxy_get(const char *name, uint16_t attr);
/* A number of a member, likewise */
uint64_t rig_member_get(const char *name, uint32_t id, uint16_t attr);
/* Make member @id the proxy, or (UINT32_MAX) count; the sentence as rig_req_send() */
int rig_elect(const char *name, uint32_t id, char *why);
/* The ring's name for this process: "<what>-<pid>" */
const char *rig_name(const char *what);

/* Requests by hand */
struct rig_req {
	char buf[4096];
	struct nlmsghdr *nlh;
	struct nlattr *nest;
};

/* @object: DMRING_A_RING and its neighbours, 0 for none */
void rig_req_start(struct rig_req *r, uint8_t cmd, uint16_t object);
/* Sends it; the kernel's sentence goes to @why (DMRING_WHY_SIZE * 2 bytes), which may be NULL */
int rig_req_send(struct rig_req *r, char *why);

/* ---- members ---- */

#define RIG_AREAS	7	/* DMRING_MAP_USER … DMRING_MAP_INDEX */

struct rig_member {
	int fd;
	struct dmring_ioc_attach at;
	void *map[RIG_AREAS];
	struct dmring_user_page *user;
	const struct dmring_kernel_page *kern;
	char *in;
	const char *out;
	const struct dmring_group_page *group;
	const char *log;
	const uint64_t *index;
	uint64_t in_tail;
	uint64_t log_head;
	uint64_t out_head;
	uint32_t lefts;			/* departures that rig_get() stepped over, */
	struct dmring_ev left;		/* and the last of them */
};

int rig_open(void);
void rig_attach_args(struct dmring_ioc_attach *at, const char *name, uint32_t flags);
/* Open and attach with the sizes that m->at has, without maps */
int rig_attach(struct rig_member *m, const char *name, uint32_t flags);
int rig_map(struct rig_member *m);
/* All of it, default sizes */
int rig_join(struct rig_member *m, const char *name, uint32_t flags);
void rig_unmap(struct rig_member *m);
void rig_leave(struct rig_member *m);

size_t rig_area_len(const struct rig_member *m, int nr);
uint64_t rig_area_off(int nr);

/* Write a message and mark it; -EAGAIN without room. No doorbell. */
int rig_put(struct rig_member *m, const void *data, size_t len);
/* The same with a header that may say anything */
int rig_put_rec(struct rig_member *m, const struct dmring_in_rec *rec, const void *data,
		size_t len);
int rig_submit(struct rig_member *m);
int rig_send(struct rig_member *m, const void *data, size_t len);
int rig_send_big(struct rig_member *m, const void *data, size_t len);
int rig_enter(struct rig_member *m, uint32_t flags, uint32_t room, int ms);

/* The ballot by call, and resigning; the sentence goes to @why (DMRING_WHY_SIZE bytes) or nowhere */
int rig_ballot(struct rig_member *m, bool willing, uint32_t weight, char *why);
int rig_resign(struct rig_member *m, char *why);
bool rig_in_office(const struct rig_member *m);

/* One record in place, of log or output space */
struct rig_rec {
	const struct dmring_rec *head;
	const struct dmring_ident *ident;	/* NULL without */
	const void *data;
	uint32_t len;
	uint16_t type;
};

/* The next record of the log, without giving it back; -EAGAIN, -EIO nonsense */
int rig_peek(struct rig_member *m, struct rig_rec *rec);
/* Give back what was peeked; rings the doorbell where asked; -EOVERFLOW */
int rig_release(struct rig_member *m);
/* Copy the next data message out; stepped over: events. Length, -EAGAIN, -EMSGSIZE */
int rig_get(struct rig_member *m, void *buf, size_t size);
/* The same, and waits up to @ms: -ETIMEDOUT */
int rig_get_wait(struct rig_member *m, void *buf, size_t size, int ms);
/* The next event of the log; -EAGAIN. Messages before it are stepped over. */
int rig_event(struct rig_member *m, struct dmring_ev *ev, int ms);
/* The next private event of the output space; -EAGAIN */
int rig_private_event(struct rig_member *m, struct dmring_ev *ev);

/* ---- time and processes ---- */

#define RIG_WAIT_MS	10000	/* what comes at once comes by then, on any machine */

uint64_t rig_ms(void);
void rig_sleep(int ms);
/*
 * Is @cond true within @ms? Between two looks @meanwhile is done. The last look is after the end:
 * who was not scheduled until then has looked nevertheless.
 */
#define rig_await(ms, cond, meanwhile) ({				\
	uint64_t __end = rig_ms() + (ms);				\
	bool __is, __late;						\
	for (;;) {							\
		__late = rig_ms() >= __end;				\
		__is = !!(cond);					\
		if (__is || __late)					\
			break;						\
		meanwhile;						\
	}								\
	__is;								\
})
/* The same, looked at every 2 ms */
#define rig_within(ms, cond) rig_await(ms, cond, rig_sleep(2))

/*
 * Do @send until @ring has no room any more, neither in its log, of which nobody gives anything
 * back, nor in the sender's space: how often it went, or -errno. -EAGAIN alone may say only that
 * the ring's thread has not come by yet.
 */
#define rig_fill(ring, send) ({						\
	struct rig_fill __fill;						\
	rig_fill_begin(&__fill, ring);					\
	while (rig_fill_on(&__fill, send))				\
		;							\
	__fill.sent;							\
})

struct rig_fill {
	const char *ring;
	uint64_t was;		/* times it was full before */
	uint64_t end;
	bool full;
	int sent;
};

void rig_fill_begin(struct rig_fill *f, const char *ring);
/* @err is what became of one more; false: it is over */
bool rig_fill_on(struct rig_fill *f, int err);

/* Runs @fn in a child; what it returns is its exit status */
pid_t rig_child(int (*fn)(void *arg), void *arg);
/* Its exit status, or 128 + signal */
int rig_wait(pid_t pid);
/* Both */
int rig_in_child(int (*fn)(void *arg), void *arg);
/* Become user and group @id for good, with no capability and no other group */
int rig_drop(uint32_t id);
/* Write @text to a file that exists, all of it */
bool rig_write_file(const char *path, const char *text);
/* A number from the environment, for longer runs */
unsigned long rig_knob(const char *name, unsigned long usual);

#endif /* _DMRING_RIG_H */
