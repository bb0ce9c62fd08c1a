/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring instance and the members of its group.
 *
 * Lock order, outermost first:
 *   dmring_mutex	lists of rings and of open files, of all namespaces
 *   ring->conf		configuration and peers
 *   member->lock	attach and detach, write(2); ->read_lock, read(2)
 *   mmap_lock		of whoever faults or unmaps
 *   member->map_lock	fault against zap
 *   ring->lock		spinlock: members, log, retention, pump
 * User memory is never touched through a user address below member->lock.
 *
 * Lifetimes: a ring is held by its name (dmring_mutex), its members and its
 * thread's creator; its log lives as long as it does. A member is held by its
 * open file and by the ring, while accepted input is waiting and until watchers
 * have been told of its coming and its going. Mappings hold the file, so all
 * that is mapped outlives them. Members are found by id under RCU and freed
 * after a grace period.
 */
#ifndef _DMRING_GROUP_H
#define _DMRING_GROUP_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <linux/dmring_netlink.h>
#include "core/core.h"
#include "core/election-rules.h"
#include "core/exchange.h"
#include "log.h"
#include "marks.h"
#include "slot.h"
#include "stats.h"

struct net;
struct netlink_ext_ack;
struct dmring_direct;
struct dmring_ring;
struct dmring_status;

/* Configuration of a ring as asked for; defaults are filled in by dmring_ring_add() */
struct dmring_ring_config {
	char name[DMRING_NAME_SIZE];
	u8 scope;
	u8 order;
	u8 slow;
	u16 mode;
	u32 flags;
	u32 node;
	u32 slots;
	u32 slow_ms;
	u32 dead_ms;
	u32 max_msg;
	u32 rotate_s;
	u32 proxy_timeout_ms;
	u64 log_size;
	kuid_t uid;
	kgid_t gid;
	struct sockaddr_storage listen;
	u64 given;		/* bit per DMRING_A_RING_* that was given */
};

/* All of it protected by ring->conf */
struct dmring_peer {
	u32 node;
	struct sockaddr_storage addr;
};

/* A message too large for the input space, waiting for its turn; has one owner */
struct dmring_big {
	struct dmring_big *next;	/* on ring->spent */
	u64 at;			/* goes when in_head has come here */
	u32 len;
	u8 data[];
};

/* Messages to and from the links */
struct dmring_load {
	u64 messages;
	u64 bytes;
};

/*
 * What a count of ballots needs of a member. A thousand are looked at while the ring waits, so
 * these lie close together, apart from the members. Invariant, but for node and served:
 * protected by ring->lock.
 */
struct dmring_candidate {
	struct list_head node;		/* ring->candidates, oldest first */
	const u64 *ballot;		/* in its user page */
	struct dmring_member *member;
	u64 since;			/* ns, CLOCK_MONOTONIC, when it attached */
	u64 served;			/* ns, in office before the present term */
};

struct dmring_member {
	struct kref ref;
	struct rcu_head rcu;
	wait_queue_head_t wq;

	/* protected by dmring_mutex */
	struct list_head net_node;
	struct dmring_net *dn;		/* NULL once the namespace is gone */

	struct mutex lock;		/* attach and write(2), one at a time */
	struct mutex read_lock;		/* read(2), one at a time */
	struct mutex map_lock;		/* mmap, fault and zap do not cross */
	struct address_space *mapping;	/* protected by map_lock; NULL after release */
	struct work_struct zap_work;	/* queued once, when it has left, with a reference */
	u64 map_base;			/* invariant: first page offset of this file's maps */
	bool mapped;			/* user page was mapped; protected by map_lock, set once */
	atomic_t user_maps;		/* of the user page */

	/* invariant once attached, and ring is NULL before */
	struct dmring_ring *ring;
	struct dmring_slot slot;
	const void *owner;		/* files_struct of who attached, as a name only */
	u32 id;
	u32 sender;			/* its mark in the core's table: id and a count above it */
	u32 flags;
	u32 uid;			/* of the process, in the first user namespace */
	u32 gid;
	u32 pid;
	struct pid *process;		/* holds a reference; is it stopped or frozen? */
	char comm[16];
	struct dmring_candidate *candidate;

	/* protected by ring->lock */
	/* ring->members, oldest first; then ring->leaving, or ring->lingering */
	struct list_head node;
	struct list_head read_node;	/* ring->reading, if it does */
	struct list_head poll_node;	/* ring->polling, likewise */
	struct list_head come_node;	/* ring->come */
	struct list_head gone_node;	/* ring->gone */
	bool attached;			/* read without the lock by waiters */
	u8 reason;
	u64 left_at;			/* ns, when it began to leave */
	u64 in_head;
	u64 poll_seen;			/* polling mode: in_tail when the thread last looked */
	u64 in_end;			/* once it has left: end of its accepted input */
	u64 out_tail;
	u64 out_head;			/* the farthest that it said it had read */
	u64 cursor;			/* index position below which it has read */
	u64 own_head;
	u64 own_tail;
	u32 own_due;			/* own messages to be noted when they get their place */
	bool own_waits;			/* for one of these, to go on */
	u64 sent;
	u64 stable;
	u64 doubt;			/* messages from here on may be lost for some; 0 for none */
	u64 dropped;
	u64 rejected;
	u64 last_no;			/* record of its last message; 0 before the first */
	u32 next_offer;			/* number of the next service it offers */
	struct list_head offers;
	struct list_head wait_node;	/* in a list of direct, or in service->waiting */
	const struct list_head *waits_in;	/* in which, if those in it are woken in turn, */
	const struct list_head *woken_from;	/* and from which it was, for the present turn */
	u64 wait_until;			/* ns; then it has its turn in any case */
	struct list_head stall_node;	/* ring->stalled */
	bool waits_turn;		/* it waits there for what it had sent before */
	struct dmring_party party;	/* its calls */
	u64 clogged_at;			/* ns, since when replies find no room there, or 0; */
	u64 clogged_to;			/* when it has read to here it is so no longer */
	u64 reply_since;		/* ns, since when a reply of its own waits for that, or 0 */
	struct dmring_status *status;
	u64 terms;			/* as the proxy: how often, */
	struct dmring_load carried;	/* and what it answered for before the present term */
	struct dmring_big *big;		/* read without the lock by waiters */
	u32 room_wanted;		/* bytes of input space wanted, 0: a quarter; any context */
	atomic_t armed;			/* what is waited for: EPOLLIN, EPOLLOUT */
};

/* A message of which only a part is in the log yet; protected by ring->lock */
struct dmring_fill {
	bool active;
	struct dmring_member *m;	/* sender; NULL for the link */
	struct dmring_source src;
	u64 pos;
	u32 head;			/* bytes of header and identity before the payload */
	u32 len;
	u16 type;
	u32 done;
	u64 in_next;			/* in_head when it is finished */
};

enum dmring_view_step {
	DMRING_VIEW_PREPARE,
	DMRING_VIEW_FILL,
	DMRING_VIEW_INSTALL,
};

/* What a coordinator asks for; see dmring_core_prepare(), _fill() and _install() */
struct dmring_view_ask {
	u8 step;
	bool joins;			/* PREPARE */
	u32 number;
	u32 attempt;
	const struct dmring_view_record *rec;	/* FILL */
};

/* Upward calls from the group; given by the proxy's rank */
struct dmring_group_ops {
	/* under ring->lock: see to it that the right one is in office */
	void (*joined)(struct dmring_ring *ring, struct dmring_member *m);
	void (*left)(struct dmring_ring *ring, struct dmring_member *m);
	/* not under any lock, once each: the ring's thread */
	int (*start)(struct dmring_ring *ring, struct netlink_ext_ack *extack);
	void (*stop)(struct dmring_ring *ring);
	/* under ring->conf: ring->peers has changed; an error undoes it */
	int (*peers_changed)(struct dmring_ring *ring, struct netlink_ext_ack *extack);
	/* under ring->conf: a step towards the next view */
	int (*view)(struct dmring_ring *ring, const struct dmring_view_ask *ask,
		    struct netlink_ext_ack *extack);
	/* under ring->lock: what the rules of requests ask for */
	const struct dmring_exchange_ops *exchange;
};

/* ring->work: what the ring's thread shall look at */
enum dmring_work {
	DMRING_WORK_PUMP,		/* leftovers */
	DMRING_WORK_WAKE,		/* members to wake */
	DMRING_WORK_MEMBERS,		/* members that came: tell; that left: tell, zap, free */
	DMRING_WORK_LINK,		/* a socket has something to say */
	DMRING_WORK_CONFIG,		/* peers changed, or a step towards a view */
	DMRING_WORK_POLL,		/* a member in polling mode came */
	DMRING_WORK_STATE,		/* office or ring state changed: tell */
	DMRING_WORK_OFFICE,		/* look at the office: a ballot or a limit has changed */
	DMRING_WORK_CALLS,		/* a request has an early deadline */
};

#define DMRING_EVENTS_MAX	64

/* An event for all hosts, and under "identify" whom it is about */
struct dmring_news {
	struct dmring_ev ev;
	struct dmring_ident ident;
};

/* What the thread lets others know of a link; protected by ring->lock */
struct dmring_link_show {
	u8 state;			/* enum dmring_session_state */
	bool refused;
	char why[DMRING_WHY_SIZE];
};

struct dmring_ring {
	struct kref ref;
	struct rcu_work free_work;

	/* invariant */
	char name[DMRING_NAME_SIZE];
	u8 scope;
	u8 order;
	u32 flags;
	u32 node;
	u32 slots;
	struct net *net;		/* valid while the ring is not dead */
	struct sockaddr_storage listen;
	const struct dmring_group_ops *ops;
	struct dmring_member __rcu **table;	/* by id; written under lock */
	struct dmring_proxy *proxy;	/* the thread's own, see proxy.c */

	struct dmring_entry *entries;	/* the core's tables beside the log, one behind the other */

	/* protected by dmring_mutex */
	struct list_head net_node;
	u64 serial;			/* set once */
	bool unlisted;

	struct mutex conf;		/* one change of configuration at a time */
	struct dmring_peer *peers;	/* DMRING_HOSTS_MAX - 1 of them; protected by conf */
	u32 peer_count;			/* protected by conf */
	/* written under conf and lock, read under either */
	kuid_t uid;
	kgid_t gid;
	u16 mode;
	u8 slow;
	u32 slow_ms;
	u32 rotate_s;			/* DMRING_ROTATE_NEVER */
	u32 proxy_timeout_ms;

	size_t thread_bytes;		/* memory of the thread's buffers, for show */
	wait_queue_head_t thread_wq;
	unsigned long work;		/* bits of enum dmring_work, atomic */

	spinlock_t lock ____cacheline_aligned_in_smp;
	/* protected by lock */
	bool dead;
	struct dmring_link_show show_in;
	struct dmring_link_show show_out;
	u32 count;			/* members attached */
	u32 next_sender;
	u64 stable_next;		/* first record not looked at for stability */
	u64 stable_seen;		/* own stream: told to members up to here */
	u64 view_no;			/* record that told members of the view, */
	u64 view_end;			/* and the index position behind it; 0 in the first view */
	u64 lost_no;			/* the last one by which messages were lost */
	u32 robin;			/* where the pump looks first */
	bool leaver_was;		/* the last turn was one's that leaves */
	struct workqueue_struct *zap_wq;	/* invariant */
	struct list_head members;
	struct list_head candidates;
	struct list_head reading;	/* members that are not send-only */
	struct list_head polling;	/* members in polling mode; is it empty? without the lock */
	struct list_head stalled;	/* their next message found no room; the oldest first */
	struct list_head leaving;	/* what they had accepted is to be moved */
	struct list_head lingering;	/* likewise, but its next part waits for something */
	struct list_head come;		/* whose coming those who watch have yet to hear of, */
	struct list_head gone;		/* and whose departure */
	unsigned long *used;		/* ids in use */
	/* ids of members whose departure is still to be told, */
	unsigned long *untold;		/* in the stream */
	unsigned long *unnotified;	/* to those who watch by netlink */
	struct dmring_member *slowest;	/* reader whose cursor is the smallest, if known */
	bool full;			/* something waits for room; read without the lock */
	bool watched;			/* the thread looks at it from time to time; likewise */
	u64 full_since;			/* ns, when the limit of "slow evict" began to run, or 0 */
	u64 full_target;		/* index position that readers must reach within it */
	struct dmring_fill fill;
	struct dmring_big *spent;	/* to be freed when the lock is let go */
	struct dmring_log log;
	struct dmring_core core;	/* but for what core.h says is the thread's */
	struct dmring_ev events[DMRING_EVENTS_MAX];
	u32 events_head;
	u32 events_tail;
	struct dmring_news news[DMRING_EVENTS_MAX];	/* these may have to wait for a window */
	u32 news_head;
	u32 news_tail;
	struct dmring_member *office;	/* the proxy; read without the lock as a hint */
	u64 term;
	u64 term_told;			/* the last one that watchers were told of */
	u8 term_why;			/* DMRING_TERM_* */
	u64 term_last;			/* ns, how long the term before this one was */
	u64 office_since;		/* ns; of the term, also when nobody is in office */
	u64 rotate_from;		/* ns, when its time in office began to run */
	u64 asked_at;			/* ns, when a member last had ballots counted, or 0 */
	u64 office_stopped;		/* ns, since when the proxy stands still, or DMRING_NEVER */
	u64 office_runs;		/* of its process, then: differs once it has run again */
	struct dmring_load office_load;	/* what the links had carried when the term began */
	u64 takeover_from;		/* ns, when the last proxy left; 0: the next has carried */
	u64 takeover_ns;		/* the last one took so long, 0 for none yet, */
	u64 takeover_at;		/* ns, and ended then */
	struct dmring_stats stats;

	u64 out_bytes;			/* ever put into output spaces, or looked for as long */
	struct dmring_direct *direct;	/* requests, services: NULL until wanted, set once */

	struct dmring_marks marked;	/* slots with input */
	struct dmring_marks armed;	/* members that sleep or poll */
};

extern struct mutex dmring_mutex;
extern struct workqueue_struct *dmring_free_wq;

/* Of a host in a view; never 0 */
u64 dmring_new_incarnation(void);

/* Let members see which view it is. ring->lock held, or nobody else has the ring. */
void dmring_ring_show_view(struct dmring_ring *ring);

static inline bool dmring_ring_is_network(const struct dmring_ring *ring)
{
	return ring->scope == DMRING_SCOPE_NETWORK;
}

/* Who sent it, if the ring says so; else NULL */
static inline const struct dmring_ident *dmring_ring_ident(const struct dmring_ring *ring,
							   const struct dmring_ident *ident)
{
	return ring->flags & DMRING_RING_IDENTIFY ? ident : NULL;
}

/* Are messages accepted? */
static inline bool dmring_ring_has_quorum(const struct dmring_ring *ring)
{
	return !(READ_ONCE(ring->log.group->flags) & DMRING_GROUP_NO_QUORUM);
}

/* Queue an event for the stream; the pump puts it there. ring->lock held. */
void dmring_ring_event(struct dmring_ring *ring, const struct dmring_ev *ev);

/* Namespaces */
int dmring_group_init(const struct dmring_group_ops *ops);
void dmring_group_exit(void);

/* Rings: configuration, called from netlink in process context */
int dmring_ring_add(struct net *net, const struct dmring_ring_config *cfg,
		    struct netlink_ext_ack *extack);
int dmring_ring_set(struct net *net, const struct dmring_ring_config *cfg,
		    struct netlink_ext_ack *extack);
int dmring_ring_del(struct net *net, const char *name, struct netlink_ext_ack *extack);
int dmring_peer_add(struct dmring_ring *ring, u32 node, const struct sockaddr_storage *addr,
		    struct netlink_ext_ack *extack);
int dmring_peer_del(struct dmring_ring *ring, u32 node, struct netlink_ext_ack *extack);
int dmring_member_evict(struct dmring_ring *ring, u32 id, struct netlink_ext_ack *extack);
/* Is it this host, or a peer? ring->conf held, by who asks or by who waits for the thread. */
bool dmring_ring_has_address(const struct dmring_ring *ring, u32 node);
/* Scope network */
int dmring_ring_view(struct dmring_ring *ring, const struct dmring_view_ask *ask,
		     struct netlink_ext_ack *extack);

/* A reference to the ring of that name, or NULL; dmring_ring_put() may sleep. */
struct dmring_ring *dmring_ring_get(struct net *net, const char *name);
/* The ring after @prev (NULL: the first) in @net with a reference; puts @prev. For dumps. */
struct dmring_ring *dmring_ring_next(struct net *net, struct dmring_ring *prev);
void dmring_ring_put(struct dmring_ring *ring);
/* What has been moved of long messages; without the lock, for vfree() may sleep */
void dmring_ring_free_spent(struct dmring_big *spent);

#endif /* _DMRING_GROUP_H */
