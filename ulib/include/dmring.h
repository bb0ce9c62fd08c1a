/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libdmring: join a cluster message ring, send to it, receive from it
 *
 * Results: 0 or positive is success, a negative value is -errno. Sizes are in
 * bytes, times in milliseconds (negative: for ever, 0: do not wait).
 *
 * Threads: a handle has a sending side and a receiving side. At any time at
 * most one thread may use each; the two may be different threads. Every
 * function below says which side it belongs to:
 *
 *   [send]   sending side          [recv]   receiving side
 *   [any]    any thread            [sole]   nobody else may use the handle
 *
 * Several threads that send attach a handle each, or share one under a lock.
 * No function may be called from a signal handler.
 *
 * Fork: a child does not inherit membership. Every call with a handle from
 * before the fork fails there with -ENOTCONN, save dmring_detach(), which
 * frees it and leaves the parent's membership alone. vfork() and exec are no
 * concern.
 *
 * Loss: when a member is detached by the kernel (evicted, ring deleted) calls
 * fail with -ENOTCONN and dmring_reason() says why.
 */
#ifndef DMRING_H
#define DMRING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/dmring.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DMRING_VERSION		"1.0.0"

/* dmring_opts.flags */
#define DMRING_NO_ECHO		DMRING_ATTACH_NO_ECHO	/* not my own messages */
#define DMRING_SEND_ONLY	DMRING_ATTACH_SEND_ONLY	/* receive nothing */
#define DMRING_POLL		DMRING_ATTACH_POLL	/* send without syscalls */
#define DMRING_UNWILLING	DMRING_ATTACH_UNWILLING	/* not the proxy, see dmring_ballot() */
#define DMRING_OWN		DMRING_ATTACH_OWN	/* dmring_msg.own is wanted */
#define DMRING_CALLS		DMRING_ATTACH_CALLS	/* I send or serve requests */
#define DMRING_EVENTS		0x10000U	/* dmring_peek() shows events too */
#define DMRING_WEIGH		0x20000U	/* the ballot's weight follows the load */
/* Requests and replies wait for dmring_submit() or dmring_wait(): one doorbell for many */
#define DMRING_BATCH		0x40000U

/* dmring_opts.scope */
#define DMRING_KERNEL		0	/* a ring of the kernel, set up by ringctl */
#define DMRING_PROCESS		1	/* members of this process; no kernel */

/* dmring_wait() */
#define DMRING_WAIT_READ	1U
#define DMRING_WAIT_WRITE	2U

struct dmring;

/**
 * struct dmring_opts - how to attach
 * @size: sizeof(struct dmring_opts), so that it can grow
 * @flags: DMRING_NO_ECHO and its neighbours
 * @scope: DMRING_KERNEL or DMRING_PROCESS
 * @in_size: input space (bytes, power of two), 0 for the default (32 KiB: a request of up
 *           to DMRING_DIRECT_MAX needs 64 KiB); not used in process scope
 * @out_size: output space, likewise, 0 for 4 KiB or with DMRING_CALLS for 64 KiB, where
 *            requests and replies wait to be read; in process scope what may wait for
 *            this member (bytes, any number, default 1 MiB)
 * @queue_len: process scope: messages that may wait for this member, 0 for 1024
 * @reserved: zero
 * @device: NULL for /dev/dmring
 * @services: names that it serves from the beginning, then NULL (see dmring_offer()); or NULL
 */
struct dmring_opts {
	size_t size;
	__u32 flags;
	__u32 scope;
	__u32 in_size;
	__u32 out_size;
	__u32 queue_len;
	__u32 reserved;
	const char *device;
	const char *const *services;
};

/**
 * struct dmring_msg - one message or event, in place
 * @data: payload (struct dmring_ev for an event), read-only, not aligned to
 *        more than 16 bytes; good until dmring_release()
 * @len: its length (bytes)
 * @type: DMRING_REC_DATA or DMRING_REC_EVENT; with DMRING_CALLS also DMRING_REC_REQUEST
 *        and DMRING_REC_REPLY
 * @own: 1 with DMRING_OWN if this member sent it, else 0: messages come back in the
 *       order in which they were sent, so who counts knows which it is and where it stands
 * @pos: where it stands in this host's stream; only grows
 * @ident: who sent it, NULL unless the ring was made with "identify"
 * @ref: of a request: the capability for dmring_reply(), 0 if none is wanted; of a reply:
 *       the cookie of dmring_call_start()
 * @service: of a request: which, as dmring_offer() has numbered it
 * @flags: of a request: DMRING_REQUEST_*; of a reply: DMRING_REPLY_*
 * @error: of a reply: 0, or why there is none, -errno (see struct dmring_reply)
 * @left_ms: of a request: how long until its deadline, negative: none
 */
struct dmring_msg {
	const void *data;
	size_t len;
	__u16 type;
	__u16 own;
	__u64 pos;
	const struct dmring_ident *ident;
	__u64 ref;
	__u32 service;
	__u32 flags;
	int error;
	int left_ms;
};

/* [any] Join ring @name; *@r is the caller's until dmring_detach(). @opts may
 * be NULL. On failure *@r is NULL and dmring_why() has a sentence. (In process scope -ENOMEM
 * with a handle in *@r: not all of opts.services could be offered, nor could it leave again.)
 */
int dmring_attach(struct dmring **r, const char *name,
		  const struct dmring_opts *opts);

/* [sole] Leave and free the handle; what was accepted still goes. Stops the
 * dispatch thread first. -EDEADLK from a dispatch handler, -ENOMEM (process
 * scope): nothing happened.
 */
int dmring_detach(struct dmring *r);

/* [any] A sentence about the last failure in this thread that had more to say
 * than its errno (-EAGAIN, -EINTR and, but for requests, -ETIMEDOUT have not); "" when
 * there was none since the last dmring_attach(). Good until the next call.
 */
const char *dmring_why(void);

/* [any] For poll and epoll: EPOLLIN something to read, EPOLLOUT room to send,
 * EPOLLPRI an office event, EPOLLHUP detached. In process scope only EPOLLIN
 * means anything. Level-triggered readers read until -EAGAIN.
 */
int dmring_fd(struct dmring *r);

/* ---- sending ---- */

/* [send] Space for a message of up to @len bytes, to be built in place; *@buf
 * is good until commit or discard. One at a time: -EBUSY when one is open.
 * -EAGAIN no room now, -EMSGSIZE never fits (dmring_send() takes it up to
 * dmring_max_msg()), -ENOTCONN.
 */
int dmring_reserve(struct dmring *r, size_t len, void **buf);

/* [send] Mark the message, of @len bytes (at most what was reserved): it is
 * accepted. No syscall; others may see it only after dmring_submit().
 * -EINVAL nothing open or @len too large; -ENOTCONN. In process scope also
 * -EAGAIN (another sender took the room) and -ENOMEM: the reservation stays
 * open, commit again or discard.
 */
int dmring_commit(struct dmring *r, size_t len);

/* [send] Give the reservation back. -EINVAL when none is open. */
int dmring_discard(struct dmring *r);

/* [send] One doorbell for all commits since the last one; no syscall when there
 * are none, or in polling mode while the ring's thread watches. -ENOTCONN:
 * messages committed since the last success may be lost.
 */
int dmring_submit(struct dmring *r);

/* [send] Reserve, copy, commit and submit one message; does not wait. Once it
 * returns 0 the message is accepted. -EAGAIN, -EMSGSIZE, -EBUSY, -ENOTCONN.
 */
int dmring_send(struct dmring *r, const void *data, size_t len);

/* [send] The same, and waits for room up to @timeout_ms: -ETIMEDOUT, -EINTR. */
int dmring_send_wait(struct dmring *r, const void *data, size_t len,
		     int timeout_ms);

/* ---- receiving ---- */

/* [recv] The next message in place; repeated calls walk forward, the messages
 * stay until dmring_release(). -EAGAIN nothing now, or nothing before what is
 * held is released; -ENOTCONN; -EOVERFLOW, once, messages were skipped for this
 * member before this point (with DMRING_EVENTS a DMRING_EV_GAP event instead).
 * -EBUSY while a dispatch thread reads.
 */
int dmring_peek(struct dmring *r, struct dmring_msg *m);

/* [recv] Whether all that was peeked is still whole: 0, -EOVERFLOW, -ENOTCONN.
 * For those who must know before they act on it.
 */
int dmring_intact(struct dmring *r);

/* [recv] Give back all that was peeked. -EOVERFLOW: some of it was overwritten
 * meanwhile (policy "slow drop"); discard all that was made of this batch, what
 * is left of it comes again. -ENOTCONN: detached meanwhile, discard likewise.
 */
int dmring_release(struct dmring *r);

/* [recv] Copy out one data message; returns its length. -EMSGSIZE: longer than
 * @size, it stays; -ENOMSG: a request or a reply is next, which dmring_peek() alone
 * shows, it stays; -EAGAIN; -EOVERFLOW as dmring_peek(); -ENOTCONN; -EBUSY when
 * peeked messages are held.
 */
ssize_t dmring_recv(struct dmring *r, void *buf, size_t size);

/* [recv] The next event. Without DMRING_EVENTS, dmring_peek() and dmring_recv()
 * step over events and the last 32 of them wait here. Events come in their
 * place in the stream: one behind unread messages is not shown before these are
 * read. -EAGAIN none; -ENOTCONN.
 */
int dmring_event(struct dmring *r, struct dmring_ev *ev);

/* [recv] for DMRING_WAIT_READ, [send] for DMRING_WAIT_WRITE, both for both.
 * Submits what is unsubmitted and waits, in one syscall or none, until one
 * holds: READ: @n messages (0 and 1: any) or an event came; WRITE: a message of
 * @n bytes has room. With both, @n counts for WRITE and any message ends the
 * wait. May return 0 early; -ETIMEDOUT, -EINTR, -ENOTCONN.
 */
int dmring_wait(struct dmring *r, unsigned int what, size_t n, int timeout_ms);

/* [recv] Start a thread that reads: @handler gets each message in place (events
 * too with DMRING_EVENTS), and @m == NULL once, last, when no longer attached.
 * A message overwritten while it was handled is followed at once by a
 * DMRING_EV_GAP event that counts it (with or without DMRING_EVENTS). The
 * handler may send on any handle (on this one if nobody else does), is
 * registered with liburcu (bp), outside any read-side section, with all signals
 * blocked. It must not detach @r nor stop the dispatch: -EDEADLK.
 */
int dmring_dispatch_start(struct dmring *r,
			  void (*handler)(struct dmring *r,
					  const struct dmring_msg *m,
					  void *arg),
			  void *arg);

/* [recv] End it; when this returns the handler does not run and will not. */
int dmring_dispatch_stop(struct dmring *r);

/* ---- requests; DMRING_CALLS at attach ---- */

/* In process scope they are served by members of the process: when all of these are full,
 * or have DMRING_CALLS_MAX requests in hand, a request is refused with -EAGAIN, and one to
 * each when one of them is. Deadlines are seen to when who asked reads, waits, or has a
 * dispatch thread, not by poll() alone. A reply that comes too late fails at once, with
 * -ESTALE. DMRING_EV_UNDELIVERED is the only event there is.
 */

/* [any] Serve requests to @service (1 to 31 printable characters); *@handle, which may be
 * NULL, is its number in dmring_msg.service. Requests come in the stream, as
 * DMRING_REC_REQUEST. -EINVAL, -ENAMETOOLONG the name; -EEXIST offered already; -ENOSPC
 * the host offers DMRING_OFFERS_MAX names; -EOPNOTSUPP without DMRING_CALLS; -ENOTCONN.
 */
int dmring_offer(struct dmring *r, const char *service, __u32 *handle);

/* [any] Serve it no longer; requests that are here already are still to be replied to.
 * -ENOENT not offered.
 */
int dmring_withdraw(struct dmring *r, const char *service);

/* [send] Begin a request to one member of @service, not this one itself: on this machine if
 * there is one that has room, else in turn. Does not wait. It ends exactly once, with a
 * DMRING_REC_REPLY whose ref is @cookie and whose flags have not DMRING_REPLY_MORE. @cookie is
 * any number without the top bit: with it, it is dmring_call()'s. @flags: DMRING_REQUEST_*;
 * with DMRING_REQUEST_ONE_WAY nothing comes back but DMRING_EV_UNDELIVERED, if it fails; with
 * DMRING_REQUEST_EACH as well it goes to each member. @timeout_ms: until its deadline;
 * negative: none. -EAGAIN no room in the input space, -EMSGSIZE over DMRING_DIRECT_MAX or
 * larger than the input space, -EINVAL, -ENAMETOOLONG, -EBUSY, -EOPNOTSUPP without
 * DMRING_CALLS, -ENOTCONN.
 */
int dmring_call_start(struct dmring *r, const char *service, const void *data, size_t len,
		      __u64 cookie, unsigned int flags, int timeout_ms);

/* [sole] Ask and wait, for room too. Returns the length of the reply, of which at most @size
 * bytes are copied to @buf; parts are put together. What comes meanwhile and is none of it
 * stays in its place for dmring_peek(). Errors: of dmring_call_start(); the server's; of the
 * ring, as in struct dmring_reply, then dmring_why() has a sentence. -EINTR: it goes on, and its
 * reply will be thrown away. -EBUSY when peeked messages are held, while a dispatch thread
 * reads, and so from its handler. Two members that ask each other, each from the thread that
 * serves, wait for each other.
 */
ssize_t dmring_call(struct dmring *r, const char *service, const void *data, size_t len,
		    void *buf, size_t size, int timeout_ms);

/* [send] Reply to the request with capability @cap, once; at any time, from any
 * thread that may send; @data may be what was asked, in place. dmring_reply_part() sends a
 * part, and leaves it open; dmring_refuse() ends it with @error (1 to 4095, or negative).
 * -EAGAIN no room in the input space, -EMSGSIZE over DMRING_DIRECT_MAX or larger than the
 * input space, -EINVAL, -EBUSY, -EOPNOTSUPP without DMRING_CALLS, -ENOTCONN. A capability
 * that is not (or no longer) this member's is found out later: DMRING_EV_REJECTED with ESTALE.
 */
int dmring_reply(struct dmring *r, __u64 cap, const void *data, size_t len);
int dmring_reply_part(struct dmring *r, __u64 cap, const void *data, size_t len);
int dmring_refuse(struct dmring *r, __u64 cap, int error);

/* ---- status ---- */

/* [any] What all may see of this member (dmring_status_each(), ringctl status), until it
 * leaves or sets another: two numbers and up to DMRING_STATUS_SIZE - 1 printable bytes,
 * copied. DMRING_CALLS is not needed. -EINVAL, -ENAMETOOLONG, -ENOTCONN, -ENOMEM.
 */
int dmring_status_set(struct dmring *r, __u32 state, __u32 progress, const char *text);

/* [any] Show @fn the status of each member of the ring that has one, on all hosts, by node (0
 * but in rings between machines) and id; its own too. Of what is set, or goes, meanwhile, some
 * may be shown; all else is, once. Returns how many; or what @fn has returned, if that is not 0:
 * it is asked no more. @fn may use any handle as its thread may, but not detach @r; the
 * status is its own until it returns. -EINVAL no @fn; -ENOTCONN.
 */
int dmring_status_each(struct dmring *r,
		       int (*fn)(const struct dmring_member_status *s, void *arg), void *arg);

/* ---- the proxy's office ---- */

/* [any] Change the standing ballot: whether this member would be the
 * proxy of its machine, and with what weight (0 to DMRING_WEIGHT_MAX; who
 * attaches begins with DMRING_WEIGHT_DEFAULT). The highest weight wins when the
 * office changes hands, not before. No syscall when only the weight changes.
 * A proxy that becomes unwilling is replaced at once. -ERANGE the weight;
 * -EOPNOTSUPP the ring has no proxy (machine and process scope); -ENOTCONN.
 *
 * With DMRING_WEIGH, dmring_wait() and the dispatch thread set the weight from the
 * load, ten times a second at most: DMRING_WEIGHT_MAX for a process that uses no
 * processor time, 0 for one that uses a whole processor or more. Who waits with
 * poll() or epoll calls dmring_wait() besides, with a timeout of 0.
 */
int dmring_ballot(struct dmring *r, int willing, unsigned int weight);

/* [any] Give the office to the next one. A member's word changes it every 10 ms at most: it
 * may wait so long, as may becoming unwilling in office. -EPERM not in office, -EBUSY nobody else
 * is willing and running, -EOPNOTSUPP, -ENOTCONN.
 */
int dmring_resign(struct dmring *r);

/* [any] 1 when this member is the proxy, else 0. A DMRING_EV_OFFICE event tells of
 * each change.
 */
int dmring_in_office(struct dmring *r);

/* ---- state: [any] ---- */

/* How many messages of this member were taken, and how many of these are held
 * by every host: its last one is held everywhere when both are equal.
 */
uint64_t dmring_sent(struct dmring *r);
uint64_t dmring_stable(struct dmring *r);
uint64_t dmring_dropped(struct dmring *r);	/* skipped for this member */
uint64_t dmring_rejected(struct dmring *r);	/* of this member, refused */
uint32_t dmring_max_msg(struct dmring *r);	/* largest message (bytes) */
uint32_t dmring_id(struct dmring *r);		/* number in the group */
int dmring_state(struct dmring *r);		/* DMRING_STATE_* */
int dmring_reason(struct dmring *r);		/* DMRING_REASON_* */

/* Texts, never NULL, not to be freed. @err may be -errno or errno. */
const char *dmring_reason_str(int reason);
const char *dmring_event_str(int what);
const char *dmring_term_str(int reason);	/* DMRING_TERM_* */
/* Why the ring has ended a request: of a reply with DMRING_REPLY_RING, or UNDELIVERED */
const char *dmring_end_str(int err);
const char *dmring_strerror(int err);
const char *dmring_version(void);

#ifdef __cplusplus
}
#endif

#endif /* DMRING_H */
