/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * dmring: the cluster message ring, interface of /dev/dmring
 *
 * A process opens /dev/dmring, attaches the descriptor to a ring with
 * DMRING_IOC_ATTACH and maps up to seven areas (MAP_SHARED, whole, at the
 * offsets below):
 *
 *   DMRING_MAP_USER    rw  one page    struct dmring_user_page
 *   DMRING_MAP_KERNEL  r   one page    struct dmring_kernel_page
 *   DMRING_MAP_IN      rw  2 x in_size   input space, mapped twice in a row
 *   DMRING_MAP_OUT     r   2 x out_size  output space, mapped twice in a row
 *   DMRING_MAP_GROUP   r   one page    struct dmring_group_page, of the group
 *   DMRING_MAP_LOG     r   2 x log_size  group log, mapped twice in a row
 *   DMRING_MAP_INDEX   r   8 x index_size  group index, __u64 log positions
 *
 * All positions are 64-bit, only grow, and are taken modulo the (power of
 * two) size of their area. Each shared word has one writer, named below.
 *
 * Sending:  write a struct dmring_in_rec and its payload at in_tail, then
 *           store-release the new in_tail (a multiple of DMRING_ALIGN): that
 *           is the mark, and the message is accepted. Then, with a full
 *           barrier in between, read marks: if DMRING_MARK_WAKEUP is set, ring
 *           the doorbell (DMRING_IOC_SUBMIT).
 * Reading:  load-acquire group->index_tail. Each index entry from log_head
 *           up to it names the log position of a struct dmring_rec. After
 *           reading in place, with a read barrier in between, load log_base:
 *           if it is beyond the entry, what was read may be overwritten; and
 *           load state: once detached, it may be anything. Store-release log_head; then, with a
 *           full barrier in between, compare with kick_at: at or beyond it,
 *           ring the doorbell, for somebody waits for room.
 * Without maps: read(2), write(2) and poll(2), one message a call. They
 *           answer -EBUSY once the user page is mapped.
 */
#ifndef _UAPI_LINUX_DMRING_H
#define _UAPI_LINUX_DMRING_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DMRING_ABI		3	/* goes up with any change of layout */
#define DMRING_NAME_SIZE	32	/* ring name, terminating NUL included */
#define DMRING_WHY_SIZE		128	/* a sentence, terminating NUL included */

#define DMRING_ALIGN		16	/* of input, output and log records */
#define DMRING_COST_MIN		64	/* least log space a record takes */
#define DMRING_MSG_MAX		(1U << 20)
#define DMRING_SLOTS_MAX	4096
#define DMRING_HOSTS_MAX	128
#define DMRING_LOG_MIN		(1ULL << 16)
#define DMRING_LOG_MAX		(1ULL << 30)
#define DMRING_SPACE_MIN	4096U		/* input and output space */
#define DMRING_SPACE_MAX	(1U << 22)
#define DMRING_DIRECT_MAX	(60U << 10)	/* payload of a request or a reply (bytes) */
#define DMRING_CALLS_MAX	1024	/* requests under way of one member; as many in its hands */
#define DMRING_OFFERS_MAX	64	/* services of one host in one ring */
#define DMRING_STATUS_SIZE	64	/* text of a status, terminating NUL included */

/* mmap offsets; each area is mapped whole, from its start */
#define DMRING_MAP_SHIFT	32
#define DMRING_MAP_USER		(0ULL << DMRING_MAP_SHIFT)
#define DMRING_MAP_KERNEL	(1ULL << DMRING_MAP_SHIFT)
#define DMRING_MAP_IN		(2ULL << DMRING_MAP_SHIFT)
#define DMRING_MAP_OUT		(3ULL << DMRING_MAP_SHIFT)
#define DMRING_MAP_GROUP	(4ULL << DMRING_MAP_SHIFT)
#define DMRING_MAP_LOG		(5ULL << DMRING_MAP_SHIFT)
#define DMRING_MAP_INDEX	(6ULL << DMRING_MAP_SHIFT)

/**
 * struct dmring_user_page - what a member tells the kernel; the member writes
 * @in_tail: end of the accepted messages in the input space (bytes)
 * @out_head: end of what was read of the output space (bytes)
 * @log_head: end of what was read, as a position in the index (entries)
 * @wake_at: do not wake for data before index_tail reaches it, or this reader
 *           holds the log full; 0 for any
 * @ballot: what this member stands for when a proxy is elected, see
 *          DMRING_BALLOT_*; the kernel writes it at attach and at
 *          DMRING_IOC_BALLOT, the member whenever it likes
 * @reserved: leave zero
 */
struct dmring_user_page {
	__u64 in_tail;
	__u8 pad0[120];
	__u64 out_head;
	__u8 pad1[120];
	__u64 log_head;
	__u8 pad2[120];
	__u64 wake_at;
	__u8 pad3[120];
	__u64 ballot;
	__u8 pad4[120];
	__u8 reserved[3456];
};

/*
 * The standing ballot: weight (0 to DMRING_WEIGHT_MAX), and whether the member
 * would be the proxy. All other bits are zero; a ballot that breaks this counts
 * as unwilling. It is read when a term opens. Who becomes willing while nobody
 * is in office, or unwilling while in office, is seen at once only through
 * DMRING_IOC_BALLOT, else within DMRING_BALLOT_LOOK_MS.
 */
#define DMRING_BALLOT_WEIGHT	0xffffULL
#define DMRING_BALLOT_WILLING	(1ULL << 16)
#define DMRING_WEIGHT_MAX	1000
#define DMRING_WEIGHT_DEFAULT	100
#define DMRING_BALLOT_LOOK_MS	250

/* Mark bits: dmring_kernel_page.marks */
#define DMRING_MARK_IN		(1U << 0)	/* input space may be written */
#define DMRING_MARK_OUT		(1U << 1)	/* output space holds something */
#define DMRING_MARK_LOG		(1U << 2)	/* log held data at the last wake */
#define DMRING_MARK_OFFICE	(1U << 3)	/* this member is the proxy */
#define DMRING_MARK_EVENT	(1U << 4)	/* a private event is in the output space */
#define DMRING_MARK_WAKEUP	(1U << 5)	/* nobody watches: ring the doorbell */
#define DMRING_MARK_EVICTED	(1U << 6)	/* no longer a member, see reason */

/* dmring_kernel_page.state */
#define DMRING_STATE_ATTACHED	1
#define DMRING_STATE_DETACHED	2

/* Why a member is no longer one: dmring_kernel_page.reason, events */
#define DMRING_REASON_NONE	0
#define DMRING_REASON_DETACHED	1	/* DMRING_IOC_DETACH */
#define DMRING_REASON_CLOSED	2	/* its process closed it, exited or unmapped it */
#define DMRING_REASON_KILLED	3	/* its process died of a signal */
#define DMRING_REASON_SLOW	4	/* held the log full beyond the ring's limit */
#define DMRING_REASON_BADINPUT	5	/* wrote nonsense into its slot */
#define DMRING_REASON_ADMIN	6	/* member evict */
#define DMRING_REASON_RINGDEL	7	/* ring del */
#define DMRING_REASON_NETNS	8	/* end of the network namespace */

/**
 * struct dmring_run - messages of this member in the stream
 * @first: index position of the first
 * @count: how many follow each other
 */
struct dmring_run {
	__u64 first;
	__u64 count;
};

#define DMRING_OWN_RUNS		64	/* entries of dmring_kernel_page.own */

/**
 * struct dmring_kernel_page - what the kernel tells a member; the kernel writes
 * @marks: DMRING_MARK_*
 * @state: DMRING_STATE_*
 * @reason: DMRING_REASON_*, once detached
 * @max_msg: largest payload accepted now (bytes); may change until the ring has carried its
 *           first message, and with a view: one that waits then and is too long comes back
 *           (DMRING_EV_REJECTED)
 * @in_head: end of what was taken out of the input space (bytes)
 * @out_tail: end of what the output space holds (bytes)
 * @log_base: oldest index position this member may still read
 * @dropped: records skipped for this member by policy (slow drop)
 * @kick_at: ring the doorbell when log_head reaches it; ~0 for never
 * @out_kick: ring the doorbell when out_head reaches it; ~0 for never
 * @sent: messages of this member put into the log
 * @stable: of these, how many are held by every host
 * @rejected: messages of this member refused by the pump; each comes back as an
 *            event, as long as the output space has room
 * @own_tail: end of @own (entries)
 * @own: this member's own messages; kept only under DMRING_ATTACH_NO_ECHO and
 *       DMRING_ATTACH_OWN
 */
struct dmring_kernel_page {
	__u32 marks;
	__u32 state;
	__u32 reason;
	__u32 max_msg;
	__u8 pad0[112];
	__u64 in_head;
	__u8 pad1[120];
	__u64 out_tail;
	__u8 pad2[120];
	__u64 log_base;
	__u64 dropped;
	__u64 kick_at;
	__u64 sent;
	__u64 rejected;
	__u64 own_tail;
	__u64 stable;
	__u64 out_kick;
	__u8 pad3[64];
	struct dmring_run own[DMRING_OWN_RUNS];
	__u8 reserved[2560];
};

/**
 * struct dmring_group_page - what the kernel tells the whole group
 * @index_tail: end of what is delivered (index entries)
 * @view: number of the installed view, 0 before the first
 * @hosts: hosts in it
 * @flags: DMRING_GROUP_*
 */
struct dmring_group_page {
	__u64 index_tail;
	__u8 pad0[120];
	__u32 view;
	__u32 hosts;
	__u32 flags;
	__u8 pad1[116];
	__u8 reserved[3840];
};

/* No message is accepted: -ENOLINK. What is marked waits for a view that has a quorum. */
#define DMRING_GROUP_NO_QUORUM	(1U << 0)

/* Record types */
#define DMRING_REC_DATA		1
#define DMRING_REC_EVENT	2	/* payload: struct dmring_ev */
#define DMRING_REC_REQUEST	3	/* begins with struct dmring_in_request or dmring_request */
#define DMRING_REC_REPLY	4	/* begins with struct dmring_in_reply or dmring_reply */

/* Record flags */
#define DMRING_REC_IDENT	(1U << 0)	/* struct dmring_ident before the payload */

/**
 * struct dmring_in_rec - header of a message in the input space
 * @len: payload (bytes)
 * @type: DMRING_REC_DATA; DMRING_REC_REQUEST, DMRING_REC_REPLY
 * @flags: zero
 * @reserved: zero
 *
 * The next header follows the payload at the next multiple of DMRING_ALIGN.
 */
struct dmring_in_rec {
	__u32 len;
	__u16 type;
	__u16 flags;
	__u64 reserved;
};

/**
 * struct dmring_rec - header of a record in the log or the output space
 * @pos: in the log, its own position; in the output space, the index position it
 *       follows
 * @len: payload (bytes), struct dmring_ident not counted
 * @type: DMRING_REC_*
 * @flags: DMRING_REC_IDENT
 */
struct dmring_rec {
	__u64 pos;
	__u32 len;
	__u16 type;
	__u16 flags;
};

/* dmring_in_request.flags, dmring_request.flags */
#define DMRING_REQUEST_ONE_WAY	(1U << 0)	/* no reply is wanted */
#define DMRING_REQUEST_EACH	(1U << 1)	/* to each member of it; with ONE_WAY only */
#define DMRING_REQUEST_IDEMPOTENT (1U << 2)	/* may be carried out twice, by another server */
#define DMRING_REQUEST_FLAGS	0x7U

/**
 * struct dmring_in_request - a request, in the input space before its payload
 * @cookie: the sender's own; comes back with the reply, or with DMRING_EV_UNDELIVERED
 * @deadline: CLOCK_MONOTONIC (ns), 0 for none
 * @flags: DMRING_REQUEST_*
 * @reserved: zero
 * @service: who is to serve it, filled up with NUL
 *
 * It ends exactly once: with a DMRING_REC_REPLY in the output space that has not
 * DMRING_REPLY_MORE. With ONE_WAY nothing comes back unless it could not be delivered.
 * While all who serve have full output spaces it waits, and what this member
 * sends after it waits with it.
 */
struct dmring_in_request {
	__u64 cookie;
	__u64 deadline;
	__u32 flags;
	__u32 reserved[3];
	char service[DMRING_NAME_SIZE];
};

/**
 * struct dmring_request - a request, in the output space of who serves it
 * @cap: capability to reply to it, once; 0 with DMRING_REQUEST_ONE_WAY
 * @deadline: when it loses its worth, CLOCK_MONOTONIC of this host (ns), 0 for never
 * @service: what was asked for, as DMRING_IOC_OFFER has numbered it
 * @flags: DMRING_REQUEST_*
 * @reserved: zero
 */
struct dmring_request {
	__u64 cap;
	__u64 deadline;
	__u32 service;
	__u32 flags;
	__u64 reserved;
};

/* dmring_in_reply.flags, dmring_reply.flags */
#define DMRING_REPLY_MORE	(1U << 0)	/* a part: another one follows */
#define DMRING_REPLY_RING	(1U << 1)	/* made by the ring, no server; see error */
#define DMRING_REPLY_UNKNOWN	(1U << 2)	/* the request may have been carried out */

/**
 * struct dmring_in_reply - a reply, in the input space before its payload
 * @cap: of the request
 * @error: 0, or the errno (1 to 4095) with which it is refused
 * @flags: DMRING_REPLY_MORE or 0
 *
 * One whose capability this member does not hold, or no longer, is dropped and comes back as
 * DMRING_EV_REJECTED (ESTALE).
 */
struct dmring_in_reply {
	__u64 cap;
	__u32 error;
	__u32 flags;
};

/**
 * struct dmring_reply - a reply, in the output space of who asked
 * @cookie: of the request
 * @error: 0, or why there is no reply: an errno of the server's or, under
 *         DMRING_REPLY_RING, of the ring's: ESRCH nobody serves this, ETIMEDOUT the deadline,
 *         EOWNERDEAD the server's member is gone, EHOSTDOWN its host is, EMSGSIZE it fits nowhere,
 *         EAGAIN all who serve it are full, ENOBUFS the reply found no room here
 * @flags: DMRING_REPLY_*
 */
struct dmring_reply {
	__u64 cookie;
	__u32 error;
	__u32 flags;
};

/**
 * struct dmring_ident - who sent it; only in a ring made with "identify"
 * @pid: process, in the sending host's first pid namespace
 * @uid: user, in the sending host's first user namespace
 * @gid: group, likewise
 * @node: host
 */
struct dmring_ident {
	__u32 pid;
	__u32 uid;
	__u32 gid;
	__u32 node;
};

/* Events in the stream: dmring_ev.what */
/*
 * A member of host @node (0: of this machine's ring) has left, after its last message:
 * reason = DMRING_REASON_*, arg = its id there, arg2 = how long it was one (ns).
 */
#define DMRING_EV_LEFT		1
#define DMRING_EV_HOST_AWAY	2	/* neighbour node; arg = DMRING_AWAY_* */
#define DMRING_EV_HOST_BACK	3	/* neighbour node */
#define DMRING_EV_HOST_REFUSED	4	/* neighbour node; arg = errno */
#define DMRING_EV_CLOSED	5	/* the ring is closed: messages flow all round */
#define DMRING_EV_BROKEN	6	/* it no longer is */
/*
 * A term began: reason = DMRING_TERM_*, arg = its number, arg2 = the proxy's member
 * id + 1, 0 for nobody.
 */
#define DMRING_EV_PROXY		7
/*
 * A new view: arg = its number, arg2 = DMRING_VIEW_*; a struct dmring_ev_host for each host
 * of it, and for each that was left out, up to the end of the record.
 */
#define DMRING_EV_VIEW		8
/* Events of one member, in its output space */
#define DMRING_EV_OFFICE	32	/* arg = DMRING_OFFICE_*, arg2 = term, reason as in PROXY */
#define DMRING_EV_REJECTED	33	/* a message: reason = errno, arg = its length */
/*
 * This host has lost its place in the ring and got another, or with order safe has gone on without
 * a quorum: of what the member has sent, messages arg to arg2 (counting from 1) may not have
 * reached everybody.
 */
#define DMRING_EV_LOST		34
/*
 * A request of this member with DMRING_REQUEST_ONE_WAY: reason = errno as in struct
 * dmring_reply, arg = its cookie, arg2 = DMRING_REPLY_UNKNOWN or 0
 */
#define DMRING_EV_UNDELIVERED	35
/* Made by the library from log_base */
#define DMRING_EV_GAP		64	/* arg = records skipped for this member, events too */

/* Why a term began: dmring_ev.reason of DMRING_EV_PROXY and DMRING_EV_OFFICE */
#define DMRING_TERM_VACANT	1	/* nobody was in office */
#define DMRING_TERM_LEFT	2	/* the proxy left or died */
#define DMRING_TERM_RESIGNED	3	/* DMRING_IOC_RESIGN */
#define DMRING_TERM_ELECTED	4	/* proxy elect */
#define DMRING_TERM_ROTATED	5	/* its time was over */
#define DMRING_TERM_STOPPED	6	/* the proxy stood still longer than proxy-timeout */
#define DMRING_TERM_UNWILLING	7	/* the proxy's ballot says so, or nothing sensible */

/* dmring_ev.arg of DMRING_EV_OFFICE */
#define DMRING_OFFICE_WON	1	/* elected; the one before has left, or there was none */
#define DMRING_OFFICE_TOOK_OVER	2	/* from one that is still a member */
#define DMRING_OFFICE_LOST	3	/* taken away: stopped, or unwilling */
#define DMRING_OFFICE_HANDED_OVER 4	/* to another: resigned, rotated, by proxy elect */

/* dmring_ev.arg of DMRING_EV_HOST_AWAY */
#define DMRING_AWAY_BROKEN	1	/* connection closed or reset */
#define DMRING_AWAY_SILENT	2	/* heard nothing for "dead" ms */
#define DMRING_AWAY_PROTOCOL	3	/* it broke the protocol */

/* dmring_ev.arg2 of DMRING_EV_VIEW */
#define DMRING_VIEW_QUORUM	(1U << 0)	/* it accepts messages */
#define DMRING_VIEW_JOINED	(1U << 1)	/* this host has come: it has missed what was */

/**
 * struct dmring_ev_host - a host in DMRING_EV_VIEW
 * @node: its id
 * @what: DMRING_HOST_*
 * @reason: of DMRING_HOST_LEFT: DMRING_AWAY_*, 0 if none was given
 */
struct dmring_ev_host {
	__u32 node;
	__u16 what;
	__u16 reason;
};

#define DMRING_HOST_STAYED	0
#define DMRING_HOST_JOINED	1
#define DMRING_HOST_LEFT	2

/**
 * struct dmring_ev - an event
 * @what: DMRING_EV_*
 * @reason: DMRING_REASON_* or as said at the event
 * @node: host it is about, 0 for none
 * @arg: as said at the event
 * @arg2: as said at the event
 */
struct dmring_ev {
	__u16 what;
	__u16 reason;
	__u32 node;
	__u64 arg;
	__u64 arg2;
};

/* dmring_ioc_attach.flags */
#define DMRING_ATTACH_NO_ECHO	(1U << 0)	/* do not deliver my own messages to me */
#define DMRING_ATTACH_SEND_ONLY	(1U << 1)	/* deliver nothing: log and index are not mapped */
#define DMRING_ATTACH_POLL	(1U << 2)	/* the ring's thread watches my marks */
#define DMRING_ATTACH_UNWILLING	(1U << 3)	/* begin with a ballot that says unwilling */
#define DMRING_ATTACH_OWN	(1U << 4)	/* tell me which messages are my own */
#define DMRING_ATTACH_CALLS	(1U << 5)	/* I send or serve requests */
#define DMRING_ATTACH_FLAGS	0x3fU

/**
 * struct dmring_ioc_attach - join a ring
 * @abi: DMRING_ABI; another one is refused with -EPROTONOSUPPORT
 * @flags: DMRING_ATTACH_*
 * @name: the ring
 * @in_size: input space (bytes, power of two); 0 for the default; set to what
 *           was given
 * @out_size: output space, likewise
 * @reserved: zero
 * @id: out: the member's number in the group
 * @max_msg: out: largest payload (bytes)
 * @log_size: out: size of the log (bytes)
 * @index_size: out: size of the index (entries)
 * @start: out: index position of the first record this member will read
 * @why: out: why it was refused, a sentence; empty on success
 */
struct dmring_ioc_attach {
	__u32 abi;
	__u32 flags;
	char name[DMRING_NAME_SIZE];
	__u32 in_size;
	__u32 out_size;
	__u64 reserved[4];
	__u32 id;
	__u32 max_msg;
	__u64 log_size;
	__u64 index_size;
	__u64 start;
	char why[DMRING_WHY_SIZE];
};

/* dmring_ioc_enter.flags */
#define DMRING_ENTER_SUBMIT	(1U << 0)	/* first do what DMRING_IOC_SUBMIT does */
#define DMRING_ENTER_READ	(1U << 1)	/* wait until there is something to read */
#define DMRING_ENTER_WRITE	(1U << 2)	/* wait until @room bytes of input space are free */
#define DMRING_ENTER_SPIN	(1U << 3)	/* spin before sleeping (not on one CPU) */
#define DMRING_ENTER_FLAGS	0xfU

/**
 * struct dmring_ioc_enter - submit and wait in one call
 * @flags: DMRING_ENTER_*
 * @room: input space to wait for (bytes, header included); comes not before a
 *        message of DMRING_IOC_SEND has been moved
 * @timeout_ns: relative, CLOCK_MONOTONIC; negative for ever, 0 not at all, but
 *              edge-triggered epoll then tells when it has come
 * @reserved: zero
 *
 * Returns 0 when one of what was waited for came; -ETIMEDOUT; -EINTR;
 * -ENOTCONN when no longer attached. Private events end a wait for reading.
 */
struct dmring_ioc_enter {
	__u32 flags;
	__u32 room;
	__s64 timeout_ns;
	__u64 reserved[2];
};

/**
 * struct dmring_ioc_send - send one message of any size up to max_msg
 * @data: its payload's address
 * @len: its length (bytes)
 * @reserved: zero
 *
 * For messages that do not fit the input space. Takes its place behind all
 * that in_tail has marked. -EAGAIN while an earlier one is still waiting.
 */
struct dmring_ioc_send {
	__u64 data;
	__u32 len;
	__u32 reserved;
};

/* dmring_ioc_ballot.flags */
#define DMRING_BALLOT_IS_WILLING (1U << 0)

/**
 * struct dmring_ioc_ballot - change the standing ballot
 * @flags: DMRING_BALLOT_IS_WILLING or 0
 * @weight: 0 to DMRING_WEIGHT_MAX
 * @reserved: zero
 * @why: out: why it was refused, a sentence; empty on success
 *
 * -EINVAL unknown flag or reserved word not zero, -ERANGE the weight,
 * -EOPNOTSUPP the ring has scope machine and so no proxy. A refused ballot
 * changes nothing.
 */
struct dmring_ioc_ballot {
	__u32 flags;
	__u32 weight;
	__u64 reserved;
	char why[DMRING_WHY_SIZE];
};

/**
 * struct dmring_ioc_resign - give the office of the proxy to the next one
 * @reserved: zero
 * @why: out: why it was refused, a sentence; empty on success
 *
 * -EPERM not in office, -EBUSY nobody else is willing (the caller stays in office),
 * -EOPNOTSUPP the ring has scope machine.
 */
struct dmring_ioc_resign {
	__u64 reserved;
	char why[DMRING_WHY_SIZE];
};

/* dmring_ioc_offer.flags */
#define DMRING_OFFER_END	(1U << 0)	/* no longer */

/**
 * struct dmring_ioc_offer - serve requests to a name, or cease to
 * @service: its name, 1 to DMRING_NAME_SIZE - 1 printable characters
 * @flags: DMRING_OFFER_END or 0
 * @handle: out: its number, in dmring_request.service
 * @reserved: zero
 * @why: out: why it was refused, a sentence; empty on success
 *
 * -EINVAL flags, reserved fields, a control character or no name; -ENAMETOOLONG; -EEXIST
 * offered by this member already; -ENOENT (END) not offered; -ENOSPC this host offers
 * DMRING_OFFERS_MAX names; -EOPNOTSUPP attached without DMRING_ATTACH_CALLS; -ENOMEM.
 */
struct dmring_ioc_offer {
	char service[DMRING_NAME_SIZE];
	__u32 flags;
	__u32 handle;
	__u64 reserved;
	char why[DMRING_WHY_SIZE];
};

/**
 * struct dmring_ioc_status - what this member wants all to see of it
 * @state: a number of its own
 * @progress: another one
 * @text: filled up with NUL; without control characters
 * @reserved: zero
 * @why: out: why it was refused, a sentence; empty on success
 *
 * Replaces the one before, and goes with the member. -EINVAL a reserved field or a control
 * character, -ENAMETOOLONG the text, -ENOMEM.
 */
struct dmring_ioc_status {
	__u32 state;
	__u32 progress;
	char text[DMRING_STATUS_SIZE];
	__u64 reserved;
	char why[DMRING_WHY_SIZE];
};

/**
 * struct dmring_member_status - the status of one member, here or on another host
 * @node: its host; 0 on a ring of scope machine
 * @member: its id there
 * @state: see struct dmring_ioc_status, like @progress and @text
 */
struct dmring_member_status {
	__u32 node;
	__u32 member;
	__u32 state;
	__u32 progress;
	char text[DMRING_STATUS_SIZE];
};

/**
 * struct dmring_ioc_statuses - read the statuses of the members of the ring, on all hosts
 * @statuses: address of an array of struct dmring_member_status
 * @next: where to begin, 0 for all; out: where to go on
 * @count: how many have room there; out: how many there are now, fewer only at the end
 * @reserved: zero
 * @why: out: why it was refused, a sentence; empty on success
 *
 * By node and member, ascending. Of those set, or gone, between the first call and the last some
 * may be shown; all others are, once. -EINVAL a reserved field; -EFAULT: some of the array may have
 * been written.
 */
struct dmring_ioc_statuses {
	__u64 statuses;
	__u64 next;
	__u32 count;
	__u32 reserved[3];
	char why[DMRING_WHY_SIZE];
};

#define DMRING_IOC_MAGIC	0xDA
#define DMRING_IOC_ATTACH	_IOWR(DMRING_IOC_MAGIC, 1, struct dmring_ioc_attach)
#define DMRING_IOC_DETACH	_IO(DMRING_IOC_MAGIC, 2)
#define DMRING_IOC_SUBMIT	_IO(DMRING_IOC_MAGIC, 3)
#define DMRING_IOC_ENTER	_IOW(DMRING_IOC_MAGIC, 4, struct dmring_ioc_enter)
#define DMRING_IOC_SEND		_IOW(DMRING_IOC_MAGIC, 5, struct dmring_ioc_send)
#define DMRING_IOC_BALLOT	_IOWR(DMRING_IOC_MAGIC, 6, struct dmring_ioc_ballot)
#define DMRING_IOC_RESIGN	_IOWR(DMRING_IOC_MAGIC, 7, struct dmring_ioc_resign)
#define DMRING_IOC_OFFER	_IOWR(DMRING_IOC_MAGIC, 8, struct dmring_ioc_offer)
#define DMRING_IOC_STATUS	_IOWR(DMRING_IOC_MAGIC, 9, struct dmring_ioc_status)
#define DMRING_IOC_STATUSES	_IOWR(DMRING_IOC_MAGIC, 10, struct dmring_ioc_statuses)

#endif /* _UAPI_LINUX_DMRING_H */
