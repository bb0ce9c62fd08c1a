/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * dmring: the generic netlink family "dmring"
 *
 * Described for machines by Documentation/netlink/specs/dmring.yaml.
 * Changes need CAP_NET_ADMIN over the network namespace; reads do not and
 * show the caller's namespace alone. Unknown attributes and attributes that a
 * command does not take are refused, with a sentence.
 *
 *   RING_ADD    DMRING_A_RING { NAME, SCOPE, ORDER, NODE, LISTEN, LOG_SIZE,
 *               SLOTS, SLOW, SLOW_MS, UID, GID, MODE, FLAGS, MAX_MSG, DEAD_MS,
 *               ROTATE, PROXY_TIMEOUT }
 *   RING_SET    DMRING_A_RING { NAME, SLOW, SLOW_MS, UID, GID, MODE, ROTATE,
 *               PROXY_TIMEOUT }
 *   RING_DEL    DMRING_A_RING { NAME }
 *   RING_GET    DMRING_A_RING { NAME } or a dump; answers DMRING_A_RING {
 *               all of the above, STATE, MEMBERS, HOSTS, VIEW, INCARNATION,
 *               MEM_RING, MEM_MEMBER, DMRING_A_RING_PROXY { PROXY_* },
 *               DMRING_A_RING_STATS { STAT_* } }
 *   PEER_ADD    DMRING_A_PEER { RING, NODE, ADDR }
 *   PEER_DEL    DMRING_A_PEER { RING, NODE }
 *   PEER_GET    dump, DMRING_A_PEER { RING } optional; answers DMRING_A_PEER
 *   MEMBER_GET  dump, DMRING_A_MEMBER { RING } optional; answers DMRING_A_MEMBER
 *   MEMBER_EVICT DMRING_A_MEMBER { RING, ID }
 *   PROXY_ELECT DMRING_A_MEMBER { RING } to count the ballots anew, or
 *               { RING, ID } to make that member the proxy
 *   VIEW_GET    DMRING_A_VIEW { RING }; answers DMRING_A_VIEW { RING, NUMBER, QUORUM,
 *               BASE, HOST { NODE, INCARNATION, SEQ: its messages held here }, ORDERED,
 *               SAFE, INCARNATION, PHASE, and on the way to the next view PREPARED,
 *               ATTEMPT, JOIN, NEXT_INCARNATION, COMPLETE, RECORD }
 *   VIEW_PREPARE DMRING_A_VIEW { RING, NUMBER, ATTEMPT, JOIN }; answers as VIEW_GET
 *   VIEW_FILL   DMRING_A_VIEW { RING, NUMBER, ATTEMPT, PREV, SEQUENCER, QUORUM, ORDERED,
 *               BASE, HOST { NODE, INCARNATION, STAYS }, CUT { NODE, SEQ, REASON } }
 *   VIEW_INSTALL DMRING_A_VIEW { RING, NUMBER, ATTEMPT }
 *   EVENT_NTF   multicast to the group "events": DMRING_A_EVENT. Anybody may
 *               listen: an event says nothing that a read does not show.
 *
 * The counters from which one could tell who sends (DMRING_A_RING_STATS,
 * DMRING_A_PEER_HAVE and _STABLE, DMRING_A_MEMBER_SENT and _CARRIED*,
 * DMRING_A_PROXY_CARRIED*) are shown to CAP_NET_ADMIN alone: the ring is anonymous.
 *
 * Dumps go on where they stopped: what is there all the time is shown once,
 * what comes or goes meanwhile may be shown or not. Process ids are those of
 * the first pid namespace; user and group ids of a ring are those of the
 * asking socket's user namespace, of a member those of the first.
 */
#ifndef _UAPI_LINUX_DMRING_NETLINK_H
#define _UAPI_LINUX_DMRING_NETLINK_H

#define DMRING_GENL_NAME	"dmring"
#define DMRING_GENL_VERSION	1
#define DMRING_GENL_EVENTS	"events"

enum dmring_cmd {
	DMRING_CMD_UNSPEC,
	DMRING_CMD_RING_ADD,
	DMRING_CMD_RING_SET,
	DMRING_CMD_RING_DEL,
	DMRING_CMD_RING_GET,
	DMRING_CMD_PEER_ADD,
	DMRING_CMD_PEER_DEL,
	DMRING_CMD_PEER_GET,
	DMRING_CMD_MEMBER_GET,
	DMRING_CMD_MEMBER_EVICT,
	DMRING_CMD_EVENT_NTF,
	DMRING_CMD_PROXY_ELECT,
	DMRING_CMD_VIEW_GET,
	DMRING_CMD_VIEW_PREPARE,
	DMRING_CMD_VIEW_FILL,
	DMRING_CMD_VIEW_INSTALL,
	DMRING_CMD_SERVICE_GET,
	DMRING_CMD_STATUS_GET,

	__DMRING_CMD_MAX
};

#define DMRING_CMD_MAX (__DMRING_CMD_MAX - 1)

/* Top level: one nest, by object */
enum dmring_attr {
	DMRING_A_UNSPEC,
	DMRING_A_RING,			/* nested, dmring_attr_ring */
	DMRING_A_PEER,			/* nested, dmring_attr_peer */
	DMRING_A_MEMBER,		/* nested, dmring_attr_member */
	DMRING_A_EVENT,			/* nested, dmring_attr_event */
	DMRING_A_VIEW,			/* nested, dmring_attr_view */
	DMRING_A_SERVICE,		/* nested, dmring_attr_service */
	DMRING_A_STATUS,		/* nested, dmring_attr_status */

	__DMRING_A_MAX
};

#define DMRING_A_MAX (__DMRING_A_MAX - 1)

enum dmring_scope {
	DMRING_SCOPE_MACHINE,
	DMRING_SCOPE_NETWORK,
};

enum dmring_order {
	DMRING_ORDER_FIFO,
	DMRING_ORDER_TOTAL,		/* one sequence of messages on all hosts */
	DMRING_ORDER_SAFE,		/* and nothing is delivered before all hosts hold it */
};

enum dmring_slow {
	DMRING_SLOW_EVICT,		/* default */
	DMRING_SLOW_BLOCK,
	DMRING_SLOW_DROP,
};

enum dmring_ring_state {
	DMRING_RING_UP,			/* scope machine: ready */
	DMRING_RING_FORMING,		/* scope network: not all hosts have met yet */
	DMRING_RING_CLOSED,		/* messages flow all round */
	DMRING_RING_BROKEN,		/* was closed; a host or a link is away */
};

#define DMRING_ROTATE_NEVER	0xffffffffU	/* DMRING_A_RING_ROTATE */

/* DMRING_A_RING_FLAGS */
#define DMRING_RING_IDENTIFY	(1U << 0)
#define DMRING_RING_INSECURE	(1U << 1)

enum dmring_attr_ring {
	DMRING_A_RING_UNSPEC,
	DMRING_A_RING_NAME,		/* string, 1..31 bytes, no '/', blank, control */
	DMRING_A_RING_SCOPE,		/* u8, dmring_scope; default machine */
	DMRING_A_RING_ORDER,		/* u8, dmring_order; default fifo */
	DMRING_A_RING_NODE,		/* u32, this host's id, 1..; scope network only */
	DMRING_A_RING_LISTEN,		/* struct sockaddr_in or sockaddr_in6; network only */
	DMRING_A_RING_LOG_SIZE,		/* u64, bytes, power of two; default 1 MiB */
	DMRING_A_RING_SLOTS,		/* u32, most members, 1..4096; default 4096 */
	DMRING_A_RING_SLOW,		/* u8, dmring_slow; default evict */
	DMRING_A_RING_SLOW_MS,		/* u32, ms, 1..3600000; SLOW_EVICT; default 1000 */
	DMRING_A_RING_UID,		/* u32, owner; default the caller */
	DMRING_A_RING_GID,		/* u32, group; default the caller's */
	DMRING_A_RING_MODE,		/* u32, 0..0777, rw bits: who may attach; default 0600 */
	DMRING_A_RING_FLAGS,		/* u32, DMRING_RING_* */
	DMRING_A_RING_MAX_MSG,		/* u32, bytes; default what the log allows */
	DMRING_A_RING_DEAD_MS,		/* u32, ms, 30..60000; default 150; network only */
	/* answers only */
	DMRING_A_RING_STATE,		/* u8, dmring_ring_state */
	DMRING_A_RING_MEMBERS,		/* u32 */
	DMRING_A_RING_HOSTS,		/* u32 */
	DMRING_A_RING_VIEW,		/* u32 */
	DMRING_A_RING_INCARNATION,	/* u64 */
	DMRING_A_RING_MEM_RING,		/* u64, bytes: log, index, tables, structures */
	DMRING_A_RING_MEM_MEMBER,	/* u64, bytes of a member with default sizes */
	DMRING_A_RING_PROXY,		/* nested, dmring_attr_proxy; only TERM without a proxy */
	DMRING_A_RING_STATS,		/* nested, dmring_attr_stat, all u64 */
	DMRING_A_RING_PAD,
	/* network only, as NODE */
	DMRING_A_RING_ROTATE,		/* u32, s, 1..86400; default DMRING_ROTATE_NEVER */
	DMRING_A_RING_PROXY_TIMEOUT,	/* u32, ms, 10..3600000; default 1000 */

	__DMRING_A_RING_MAX
};

#define DMRING_A_RING_MAX (__DMRING_A_RING_MAX - 1)

enum dmring_attr_proxy {
	DMRING_A_PROXY_UNSPEC,
	DMRING_A_PROXY_MEMBER,		/* u32, member id */
	DMRING_A_PROXY_PID,		/* u32 */
	DMRING_A_PROXY_TERM,		/* u64, counts proxies since the ring was made */
	DMRING_A_PROXY_SINCE_MS,	/* u64, ms in office */
	DMRING_A_PROXY_PAD,
	DMRING_A_PROXY_REASON,		/* u8, DMRING_TERM_*: why this term began */
	DMRING_A_PROXY_TERMS,		/* u64, terms of this member, this one included */
	DMRING_A_PROXY_SERVED_MS,	/* u64, ms in office in all of them */
	DMRING_A_PROXY_CARRIED,		/* u64, messages to and from the links meanwhile */
	DMRING_A_PROXY_CARRIED_BYTES,	/* u64, of payload */
	DMRING_A_PROXY_TAKEOVER_NS,	/* u64, from the last proxy's departure to the first
					 * message carried under its successor, 0 for none yet
					 */
	DMRING_A_PROXY_TAKEOVER_AT,	/* u64, ns, CLOCK_MONOTONIC: when that was carried */

	__DMRING_A_PROXY_MAX
};

#define DMRING_A_PROXY_MAX (__DMRING_A_PROXY_MAX - 1)

enum dmring_attr_stat {
	DMRING_A_STAT_UNSPEC,
	DMRING_A_STAT_MESSAGES,		/* put into the log */
	DMRING_A_STAT_BYTES,		/* of payload put into the log */
	DMRING_A_STAT_LOG_USED,		/* bytes of the log held now */
	DMRING_A_STAT_FULL,		/* times a message found no room */
	DMRING_A_STAT_DROPPED,		/* records skipped for slow members */
	DMRING_A_STAT_EVICTED,		/* of the members that have left */
	DMRING_A_STAT_REJECTED,		/* messages refused by the pump */
	DMRING_A_STAT_WAKES,		/* members woken */
	DMRING_A_STAT_SENT,		/* frames of messages sent to the successor */
	DMRING_A_STAT_SENT_BYTES,
	DMRING_A_STAT_RECEIVED,		/* frames of messages received from the predecessor */
	DMRING_A_STAT_RECEIVED_BYTES,
	DMRING_A_STAT_DUPLICATES,	/* received again and discarded */
	DMRING_A_STAT_LINK_UPS,		/* links established */
	DMRING_A_STAT_LINK_ERRORS,	/* links closed for a breach of the protocol */
	DMRING_A_STAT_REFUSED,		/* connections refused */
	DMRING_A_STAT_EVENTS_LOST,	/* events for which there was no room */
	DMRING_A_STAT_PAD,
	DMRING_A_STAT_CALLS,		/* requests of members here that were begun */
	DMRING_A_STAT_CALLS_REPLIED,	/* of these: ended by a server's reply, */
	DMRING_A_STAT_CALLS_FAILED,	/* and by the ring, with an error */
	DMRING_A_STAT_CALLS_OPEN,	/* requests under way to or from members here, now */
	DMRING_A_STAT_SERVED,		/* requests put before members here */
	DMRING_A_STAT_STALE,		/* replies dropped: late, doubled or without capability */
	DMRING_A_STAT_LEFT,		/* members that have left, for whatever reason */
	DMRING_A_STAT_KILLED,		/* of these: killed by a signal */

	__DMRING_A_STAT_MAX
};

#define DMRING_A_STAT_MAX (__DMRING_A_STAT_MAX - 1)

enum dmring_link_state {
	DMRING_LINK_NONE,		/* not a neighbour in that direction */
	DMRING_LINK_DOWN,
	DMRING_LINK_CONNECTING,
	DMRING_LINK_GREETING,		/* connected, HELLO under way */
	DMRING_LINK_UP,
	DMRING_LINK_REFUSED,		/* see WHY */
};

enum dmring_attr_peer {
	DMRING_A_PEER_UNSPEC,
	DMRING_A_PEER_RING,		/* string, ring name */
	DMRING_A_PEER_NODE,		/* u32 */
	DMRING_A_PEER_ADDR,		/* struct sockaddr_in or sockaddr_in6 */
	/* answers only */
	DMRING_A_PEER_OUT,		/* u8, dmring_link_state of the link to it */
	DMRING_A_PEER_IN,		/* u8, dmring_link_state of the link from it */
	DMRING_A_PEER_INCARNATION,	/* u64, 0 while unknown */
	DMRING_A_PEER_HAVE,		/* u64, number of its last message held here */
	DMRING_A_PEER_STABLE,		/* u64, number of its last message known held everywhere */
	DMRING_A_PEER_WHY,		/* string, why the last connection failed */
	DMRING_A_PEER_PAD,

	__DMRING_A_PEER_MAX
};

#define DMRING_A_PEER_MAX (__DMRING_A_PEER_MAX - 1)

enum dmring_attr_member {
	DMRING_A_MEMBER_UNSPEC,
	DMRING_A_MEMBER_RING,		/* string, ring name */
	DMRING_A_MEMBER_ID,		/* u32 */
	/* answers only */
	DMRING_A_MEMBER_PID,		/* u32 */
	DMRING_A_MEMBER_COMM,		/* string */
	DMRING_A_MEMBER_UID,		/* u32 */
	DMRING_A_MEMBER_FLAGS,		/* u32, DMRING_ATTACH_* */
	DMRING_A_MEMBER_WEIGHT,		/* u32 */
	DMRING_A_MEMBER_WILLING,	/* u8 */
	DMRING_A_MEMBER_BACKLOG,	/* u64, index entries it has not read */
	DMRING_A_MEMBER_SENT,		/* u64, messages */
	DMRING_A_MEMBER_DROPPED,	/* u64, records skipped for it */
	DMRING_A_MEMBER_REJECTED,	/* u64, messages of it refused */
	DMRING_A_MEMBER_MEM,		/* u64, bytes */
	DMRING_A_MEMBER_PAD,
	DMRING_A_MEMBER_TERMS,		/* u64, times it was the proxy */
	DMRING_A_MEMBER_SERVED_MS,	/* u64, ms as the proxy */
	DMRING_A_MEMBER_CARRIED,	/* u64, messages to and from the links meanwhile */
	DMRING_A_MEMBER_CARRIED_BYTES,	/* u64, of payload */
	DMRING_A_MEMBER_SERVICE,	/* string, for each service it offers */
	DMRING_A_MEMBER_CALLS,		/* u32, requests of its own under way */
	DMRING_A_MEMBER_HELD,		/* u32, requests in its hands */

	__DMRING_A_MEMBER_MAX
};

#define DMRING_A_MEMBER_MAX (__DMRING_A_MEMBER_MAX - 1)

enum dmring_attr_service {
	DMRING_A_SERVICE_UNSPEC,
	DMRING_A_SERVICE_RING,		/* string, ring name; in a request: only of this ring */
	/* answers only */
	DMRING_A_SERVICE_NAME,		/* string */
	DMRING_A_SERVICE_NODE,		/* u32, host; 0 on a ring of scope machine */
	DMRING_A_SERVICE_MEMBERS,	/* u32, who offer it there */
	DMRING_A_SERVICE_BUSY,		/* u32, requests in their hands, when last announced */

	__DMRING_A_SERVICE_MAX
};

#define DMRING_A_SERVICE_MAX (__DMRING_A_SERVICE_MAX - 1)

enum dmring_attr_status {
	DMRING_A_STATUS_UNSPEC,
	DMRING_A_STATUS_RING,		/* string, ring name; in a request: only of this ring */
	/* answers only */
	DMRING_A_STATUS_NODE,		/* u32, host; 0 on a ring of scope machine */
	DMRING_A_STATUS_MEMBER,		/* u32, id there */
	DMRING_A_STATUS_STATE,		/* u32 */
	DMRING_A_STATUS_PROGRESS,	/* u32 */
	DMRING_A_STATUS_TEXT,		/* string */

	__DMRING_A_STATUS_MAX
};

#define DMRING_A_STATUS_MAX (__DMRING_A_STATUS_MAX - 1)

enum dmring_view_phase {
	DMRING_VIEW_PHASE_RUN,		/* messages flow */
	DMRING_VIEW_PHASE_PREPARED,	/* nothing moves */
	DMRING_VIEW_PHASE_FILL,		/* what is lacking comes in */
};

enum dmring_attr_view {
	DMRING_A_VIEW_UNSPEC,
	DMRING_A_VIEW_RING,		/* string, ring name */
	DMRING_A_VIEW_NUMBER,		/* u32, from 2; 1 is that of a static ring */
	DMRING_A_VIEW_ATTEMPT,		/* u32, from 1; a lower one than before is refused */
	DMRING_A_VIEW_JOIN,		/* flag: give up the place in the present view */
	DMRING_A_VIEW_PREV,		/* u32, number of the view that ends */
	DMRING_A_VIEW_SEQUENCER,	/* u32, node id; default the first host */
	DMRING_A_VIEW_QUORUM,		/* flag: the view accepts messages */
	DMRING_A_VIEW_ORDERED,		/* u64, order position; see protocol.rst */
	DMRING_A_VIEW_BASE,		/* u64, order position at which the view begins */
	DMRING_A_VIEW_HOST,		/* nested, dmring_attr_view_host, for each; ascending */
	DMRING_A_VIEW_CUT,		/* likewise, for each of the view that ends */
	/* answers only */
	DMRING_A_VIEW_PHASE,		/* u8, dmring_view_phase */
	DMRING_A_VIEW_PREPARED,		/* u32, number of the view that was prepared */
	DMRING_A_VIEW_COMPLETE,		/* flag: all that the record asks for is here */
	DMRING_A_VIEW_SAFE,		/* u64, order position that all hosts know of */
	DMRING_A_VIEW_INCARNATION,	/* u64, this host's */
	DMRING_A_VIEW_NEXT_INCARNATION,	/* u64, under which it would join */
	DMRING_A_VIEW_RECORD,		/* nested, dmring_attr_view, as VIEW_FILL had it */
	DMRING_A_VIEW_PAD,
	DMRING_A_VIEW_GAVE_UP,		/* flag: filled to join, it cannot stay in its view */

	__DMRING_A_VIEW_MAX
};

#define DMRING_A_VIEW_MAX (__DMRING_A_VIEW_MAX - 1)

enum dmring_attr_view_host {
	DMRING_A_VIEW_HOST_UNSPEC,
	DMRING_A_VIEW_HOST_NODE,	/* u32 */
	DMRING_A_VIEW_HOST_INCARNATION,	/* u64 */
	DMRING_A_VIEW_HOST_STAYS,	/* flag: it was in the view before */
	DMRING_A_VIEW_HOST_SEQ,		/* u64, number of a message of its stream */
	DMRING_A_VIEW_HOST_REASON,	/* u16, DMRING_AWAY_*: why it does not stay */
	DMRING_A_VIEW_HOST_PAD,

	__DMRING_A_VIEW_HOST_MAX
};

#define DMRING_A_VIEW_HOST_MAX (__DMRING_A_VIEW_HOST_MAX - 1)

enum dmring_ntf {
	DMRING_NTF_RING_ADD,
	DMRING_NTF_RING_DEL,
	DMRING_NTF_RING_SET,
	DMRING_NTF_PEER_ADD,
	DMRING_NTF_PEER_DEL,
	DMRING_NTF_MEMBER_JOIN,		/* MEMBER, PID */
	DMRING_NTF_MEMBER_LEAVE,	/* MEMBER, PID, REASON, DURATION_MS it was one */
	DMRING_NTF_PROXY,		/* MEMBER, PID (without: nobody), TERM, TERM_REASON,
					 * DURATION_MS of the term before
					 */
	DMRING_NTF_HOST_AWAY,		/* NODE, WHY */
	DMRING_NTF_HOST_BACK,		/* NODE */
	DMRING_NTF_HOST_REFUSED,	/* NODE, WHY */
	DMRING_NTF_CLOSED,
	DMRING_NTF_BROKEN,
	DMRING_NTF_VIEW,		/* VIEW: it has been installed here */
};

enum dmring_attr_event {
	DMRING_A_EVENT_UNSPEC,
	DMRING_A_EVENT_RING,		/* string, ring name */
	DMRING_A_EVENT_WHAT,		/* u8, dmring_ntf */
	DMRING_A_EVENT_MEMBER,		/* u32, member id */
	DMRING_A_EVENT_PID,		/* u32 */
	DMRING_A_EVENT_REASON,		/* u8, DMRING_REASON_* */
	DMRING_A_EVENT_TERM,		/* u64 */
	DMRING_A_EVENT_NODE,		/* u32 */
	DMRING_A_EVENT_WHY,		/* string */
	DMRING_A_EVENT_PAD,
	DMRING_A_EVENT_TERM_REASON,	/* u8, DMRING_TERM_* */
	DMRING_A_EVENT_DURATION_MS,	/* u64 */
	DMRING_A_EVENT_VIEW,		/* u32 */

	__DMRING_A_EVENT_MAX
};

#define DMRING_A_EVENT_MAX (__DMRING_A_EVENT_MAX - 1)

#endif /* _UAPI_LINUX_DMRING_NETLINK_H */
