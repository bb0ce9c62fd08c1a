// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers and events of the netlink family. What is shown is copied under the
 * locks that protect it (the *_now structures) and put into the message after.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "direct.h"
#include "election.h"
#include "event.h"
#include "member.h"
#include "netlink_show.h"
#include "ring.h"
#include "thread.h"

int dmring_show_begin(const struct dmring_show *s, u8 cmd, u16 object,
		      struct dmring_show_nest *m)
{
	m->head = genlmsg_put(s->skb, s->portid, s->seq, s->family, s->flags, cmd);
	if (!m->head)
		return -EMSGSIZE;
	m->nest = nla_nest_start(s->skb, object);
	if (m->nest)
		return 0;
	genlmsg_cancel(s->skb, m->head);
	return -EMSGSIZE;
}

int dmring_show_end(const struct dmring_show *s, struct dmring_show_nest *m, int err)
{
	if (err) {
		genlmsg_cancel(s->skb, m->head);
		return -EMSGSIZE;
	}
	nla_nest_end(s->skb, m->nest);
	genlmsg_end(s->skb, m->head);
	return 0;
}

static int put_addr(struct sk_buff *skb, u16 attr, const struct sockaddr_storage *addr)
{
	return nla_put(skb, attr, addr->ss_family == AF_INET ? sizeof(struct sockaddr_in) :
							       sizeof(struct sockaddr_in6), addr);
}

/*
 * Rings
 */

struct ring_now {
	struct dmring_stats stats;
	u64 log_used;
	u64 incarnation;
	u64 term;
	u64 office_since;
	u32 members;
	u32 hosts;
	u32 view;
	u32 max_msg;
	u32 slow_ms;
	u32 proxy;
	u32 proxy_pid;
	u32 rotate_s;
	u32 proxy_timeout_ms;
	u64 terms;
	u64 served;
	u64 takeover_ns;
	u64 takeover_at;
	struct dmring_load carried;
	u64 begun;
	u64 replied;
	u64 failed;
	u64 open;
	u64 served_calls;
	u64 stale;
	u8 term_why;
	kuid_t uid;
	kgid_t gid;
	u16 mode;
	u8 slow;
	u8 state;
	bool office;
};

/* "closed" is the thread's own: a state of a moment ago is good enough. */
static u8 ring_state(const struct dmring_ring *ring)
{
	if (ring->scope == DMRING_SCOPE_MACHINE)
		return DMRING_RING_UP;
	/* who is alone in an installed view has nobody to meet */
	if (READ_ONCE(ring->core.closed) ||
	    (ring->core.gate && ring->core.view.count == 1 && ring->core.retain.order.alone))
		return DMRING_RING_CLOSED;
	return ring->core.gate ? DMRING_RING_BROKEN : DMRING_RING_FORMING;
}

static void copy_office(const struct dmring_ring *ring, struct ring_now *now)
{
	now->term = ring->term;
	now->term_why = ring->term_why;
	now->takeover_ns = ring->takeover_ns;
	now->takeover_at = ring->takeover_at;
	now->office = ring->office;
	if (!ring->office)
		return;
	now->proxy = ring->office->id;
	now->proxy_pid = ring->office->pid;
	now->office_since = ring->office_since;
	now->terms = ring->office->terms;
	dmring_election_service(ring->office, &now->served, &now->carried);
}

static void copy_calls(const struct dmring_exchange *x, struct ring_now *now)
{
	now->begun = x->begun;
	now->replied = x->replied;
	now->failed = x->failed;
	now->open = x->calls.used;
	now->served_calls = x->served;
	now->stale = x->stale;
	now->stats.events_lost += x->dropped;
}

static void copy_ring_locked(struct dmring_ring *ring, struct ring_now *now)
{
	now->stats = ring->stats;
	now->stats.duplicates += ring->core.retain.duplicates;
	now->log_used = ring->core.retain.used;
	now->incarnation = ring->core.cfg.inc;
	now->members = ring->count;
	now->hosts = ring->core.view.count;
	now->view = ring->core.view.number;
	now->max_msg = dmring_core_max_msg(&ring->core);
	now->slow_ms = ring->slow_ms;
	now->slow = ring->slow;
	now->uid = ring->uid;
	now->gid = ring->gid;
	now->mode = ring->mode;
	now->state = ring_state(ring);
	now->rotate_s = ring->rotate_s;
	now->proxy_timeout_ms = ring->proxy_timeout_ms;
	copy_office(ring, now);
	if (ring->direct)
		copy_calls(&ring->direct->exchange, now);
}

static void copy_ring(struct dmring_ring *ring, struct ring_now *now)
{
	spin_lock(&ring->lock);
	copy_ring_locked(ring, now);
	dmring_ring_unlock(ring);
}

static const struct ring_stat {
	u16 attr;
	u16 at;
} ring_stats[] = {
#define STAT(a, f) { DMRING_A_STAT_##a, offsetof(struct ring_now, f) }
	STAT(MESSAGES, stats.messages),
	STAT(BYTES, stats.bytes),
	STAT(LOG_USED, log_used),
	STAT(FULL, stats.full),
	STAT(DROPPED, stats.dropped),
	STAT(EVICTED, stats.evicted),
	STAT(LEFT, stats.left),
	STAT(KILLED, stats.killed),
	STAT(REJECTED, stats.rejected),
	STAT(WAKES, stats.wakes),
	STAT(SENT, stats.sent),
	STAT(SENT_BYTES, stats.sent_bytes),
	STAT(RECEIVED, stats.received),
	STAT(RECEIVED_BYTES, stats.received_bytes),
	STAT(DUPLICATES, stats.duplicates),
	STAT(LINK_UPS, stats.link_ups),
	STAT(LINK_ERRORS, stats.link_errors),
	STAT(REFUSED, stats.refused),
	STAT(EVENTS_LOST, stats.events_lost),
	STAT(CALLS, begun),
	STAT(CALLS_REPLIED, replied),
	STAT(CALLS_FAILED, failed),
	STAT(CALLS_OPEN, open),
	STAT(SERVED, served_calls),
	STAT(STALE, stale),
#undef STAT
};

static int put_stats(struct sk_buff *skb, const struct ring_now *now)
{
	struct nlattr *nest = nla_nest_start(skb, DMRING_A_RING_STATS);
	int i, err = nest ? 0 : -EMSGSIZE;

	for (i = 0; !err && i < ARRAY_SIZE(ring_stats); i++)
		err = nla_put_u64_64bit(skb, ring_stats[i].attr,
					*(const u64 *)((const u8 *)now + ring_stats[i].at),
					DMRING_A_STAT_PAD);
	if (!err)
		nla_nest_end(skb, nest);
	return err;
}

static int put_ms(struct sk_buff *skb, u16 attr, u64 ns, u16 pad)
{
	return nla_put_u64_64bit(skb, attr, div_u64(ns, NSEC_PER_MSEC), pad);
}

static int put_office(struct sk_buff *skb, const struct ring_now *now, bool admin)
{
	return nla_put_u32(skb, DMRING_A_PROXY_MEMBER, now->proxy) ||
	       nla_put_u32(skb, DMRING_A_PROXY_PID, now->proxy_pid) ||
	       put_ms(skb, DMRING_A_PROXY_SINCE_MS, ktime_get_ns() - now->office_since,
		      DMRING_A_PROXY_PAD) ||
	       nla_put_u64_64bit(skb, DMRING_A_PROXY_TERMS, now->terms, DMRING_A_PROXY_PAD) ||
	       put_ms(skb, DMRING_A_PROXY_SERVED_MS, now->served, DMRING_A_PROXY_PAD) ||
	       (admin &&
		(nla_put_u64_64bit(skb, DMRING_A_PROXY_CARRIED, now->carried.messages,
				   DMRING_A_PROXY_PAD) ||
		 nla_put_u64_64bit(skb, DMRING_A_PROXY_CARRIED_BYTES, now->carried.bytes,
				   DMRING_A_PROXY_PAD)));
}

static int put_proxy(const struct dmring_show *s, const struct ring_now *now)
{
	struct sk_buff *skb = s->skb;
	struct nlattr *nest = nla_nest_start(skb, DMRING_A_RING_PROXY);

	if (!nest ||
	    nla_put_u64_64bit(skb, DMRING_A_PROXY_TERM, now->term, DMRING_A_PROXY_PAD) ||
	    (now->term && nla_put_u8(skb, DMRING_A_PROXY_REASON, now->term_why)) ||
	    nla_put_u64_64bit(skb, DMRING_A_PROXY_TAKEOVER_NS, now->takeover_ns,
			      DMRING_A_PROXY_PAD) ||
	    nla_put_u64_64bit(skb, DMRING_A_PROXY_TAKEOVER_AT, now->takeover_at,
			      DMRING_A_PROXY_PAD) ||
	    (now->office && put_office(skb, now, s->admin)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What a ring was added with */
static int put_config(const struct dmring_show *s, const struct dmring_ring *ring,
		      const struct ring_now *now)
{
	struct sk_buff *skb = s->skb;

	return nla_put_string(skb, DMRING_A_RING_NAME, ring->name) ||
	       nla_put_u8(skb, DMRING_A_RING_SCOPE, ring->scope) ||
	       nla_put_u8(skb, DMRING_A_RING_ORDER, ring->order) ||
	       nla_put_u64_64bit(skb, DMRING_A_RING_LOG_SIZE, ring->log.size,
				 DMRING_A_RING_PAD) ||
	       nla_put_u32(skb, DMRING_A_RING_SLOTS, ring->slots) ||
	       nla_put_u8(skb, DMRING_A_RING_SLOW, now->slow) ||
	       nla_put_u32(skb, DMRING_A_RING_SLOW_MS, now->slow_ms) ||
	       nla_put_u32(skb, DMRING_A_RING_UID, from_kuid_munged(s->ns, now->uid)) ||
	       nla_put_u32(skb, DMRING_A_RING_GID, from_kgid_munged(s->ns, now->gid)) ||
	       nla_put_u32(skb, DMRING_A_RING_MODE, now->mode) ||
	       nla_put_u32(skb, DMRING_A_RING_FLAGS, ring->flags) ||
	       nla_put_u32(skb, DMRING_A_RING_MAX_MSG, now->max_msg);
}

static int put_network(struct sk_buff *skb, const struct dmring_ring *ring,
		       const struct ring_now *now, bool admin)
{
	if (ring->scope != DMRING_SCOPE_NETWORK)
		return 0;
	return nla_put_u32(skb, DMRING_A_RING_NODE, ring->node) ||
	       put_addr(skb, DMRING_A_RING_LISTEN, &ring->listen) ||
	       nla_put_u32(skb, DMRING_A_RING_DEAD_MS, ring->core.cfg.dead_ms) ||
	       nla_put_u32(skb, DMRING_A_RING_ROTATE, now->rotate_s) ||
	       nla_put_u32(skb, DMRING_A_RING_PROXY_TIMEOUT, now->proxy_timeout_ms) ||
	       (admin && nla_put_u64_64bit(skb, DMRING_A_RING_INCARNATION, now->incarnation,
					   DMRING_A_RING_PAD));
}

static int put_state(struct sk_buff *skb, const struct dmring_ring *ring,
		     const struct ring_now *now)
{
	u64 member = DMRING_MEMBER_BYTES +
		     dmring_slot_bytes(DMRING_IN_DEFAULT, DMRING_OUT_DEFAULT);

	return nla_put_u8(skb, DMRING_A_RING_STATE, now->state) ||
	       nla_put_u32(skb, DMRING_A_RING_MEMBERS, now->members) ||
	       nla_put_u32(skb, DMRING_A_RING_HOSTS, now->hosts) ||
	       nla_put_u32(skb, DMRING_A_RING_VIEW, now->view) ||
	       nla_put_u64_64bit(skb, DMRING_A_RING_MEM_RING, dmring_ring_bytes(ring),
				 DMRING_A_RING_PAD) ||
	       nla_put_u64_64bit(skb, DMRING_A_RING_MEM_MEMBER, member, DMRING_A_RING_PAD);
}

int dmring_show_ring(const struct dmring_show *s, struct dmring_ring *ring)
{
	struct ring_now now = { };
	struct dmring_show_nest m;
	int err = dmring_show_begin(s, DMRING_CMD_RING_GET, DMRING_A_RING, &m);

	if (err)
		return err;
	copy_ring(ring, &now);
	err = put_config(s, ring, &now) || put_network(s->skb, ring, &now, s->admin) ||
	      put_state(s->skb, ring, &now) || put_proxy(s, &now) ||
	      (s->admin && put_stats(s->skb, &now));
	return dmring_show_end(s, &m, err);
}

/*
 * Peers
 */

struct peer_now {
	struct dmring_peer peer;
	u64 incarnation;
	u64 have;
	u64 stable;
	u8 out;
	u8 in;
	char why[DMRING_WHY_SIZE];
};

static u8 link_state(const struct dmring_link_show *link)
{
	static const u8 states[] = {
		[DMRING_SESSION_IDLE] = DMRING_LINK_DOWN,
		[DMRING_SESSION_WAIT] = DMRING_LINK_DOWN,
		[DMRING_SESSION_CONNECTING] = DMRING_LINK_CONNECTING,
		[DMRING_SESSION_GREETING] = DMRING_LINK_GREETING,
		[DMRING_SESSION_STREAM] = DMRING_LINK_UP,
	};
	u8 state = states[link->state];

	return state == DMRING_LINK_DOWN && link->refused ? DMRING_LINK_REFUSED : state;
}

/* The state of one link with the peer, and its trouble if none is known yet */
static u8 copy_link(const struct dmring_link_show *link, bool ours, struct peer_now *now)
{
	u8 state = ours ? link_state(link) : DMRING_LINK_NONE;

	if (ours && state != DMRING_LINK_UP && !now->why[0])
		strscpy(now->why, link->why, sizeof(now->why));
	return state;
}

static void copy_links_locked(const struct dmring_ring *ring, struct peer_now *now)
{
	const struct dmring_core *core = &ring->core;
	u16 host = dmring_view_index(&core->view, now->peer.node);

	now->out = copy_link(&ring->show_out, dmring_core_succ(core) == now->peer.node, now);
	now->in = copy_link(&ring->show_in, dmring_core_pred(core) == now->peer.node, now);
	if (host == DMRING_VIEW_NONE)
		return;
	now->incarnation = core->view.inc[host];
	now->have = core->retain.origin[host].have_seq;
	now->stable = core->retain.origin[host].stable_seq;
}

/* The peer with the smallest node id from @from on */
static const struct dmring_peer *next_peer(const struct dmring_ring *ring, u64 from)
{
	const struct dmring_peer *best = NULL;
	u32 i;

	lockdep_assert_held(&ring->conf);
	for (i = 0; i < ring->peer_count; i++)
		if (ring->peers[i].node >= from && (!best || ring->peers[i].node < best->node))
			best = &ring->peers[i];
	return best;
}

static bool copy_peer(struct dmring_ring *ring, u64 from, struct peer_now *now)
{
	const struct dmring_peer *peer;

	memset(now, 0, sizeof(*now));
	mutex_lock(&ring->conf);
	peer = next_peer(ring, from);
	if (peer) {
		now->peer = *peer;
		spin_lock(&ring->lock);
		copy_links_locked(ring, now);
		dmring_ring_unlock(ring);
	}
	mutex_unlock(&ring->conf);
	return peer;
}

static int put_peer(const struct dmring_show *s, const struct dmring_ring *ring,
		    const struct peer_now *now)
{
	struct sk_buff *skb = s->skb;

	return nla_put_string(skb, DMRING_A_PEER_RING, ring->name) ||
	       nla_put_u32(skb, DMRING_A_PEER_NODE, now->peer.node) ||
	       put_addr(skb, DMRING_A_PEER_ADDR, &now->peer.addr) ||
	       nla_put_u8(skb, DMRING_A_PEER_OUT, now->out) ||
	       nla_put_u8(skb, DMRING_A_PEER_IN, now->in) ||
	       (s->admin &&
		(nla_put_u64_64bit(skb, DMRING_A_PEER_INCARNATION, now->incarnation,
				   DMRING_A_PEER_PAD) ||
		 nla_put_u64_64bit(skb, DMRING_A_PEER_HAVE, now->have, DMRING_A_PEER_PAD) ||
		 nla_put_u64_64bit(skb, DMRING_A_PEER_STABLE, now->stable,
				   DMRING_A_PEER_PAD))) ||
	       (now->why[0] && nla_put_string(skb, DMRING_A_PEER_WHY, now->why));
}

int dmring_show_peers(const struct dmring_show *s, struct dmring_ring *ring, u64 *next)
{
	struct peer_now now;
	struct dmring_show_nest m;
	int err;

	while (copy_peer(ring, *next, &now)) {
		err = dmring_show_begin(s, DMRING_CMD_PEER_GET, DMRING_A_PEER, &m);
		if (!err)
			err = dmring_show_end(s, &m, put_peer(s, ring, &now));
		if (err)
			return err;
		*next = now.peer.node + 1ULL;
	}
	return 0;
}

/*
 * Members
 */

struct member_now {
	u64 backlog;
	u64 sent;
	u64 dropped;
	u64 rejected;
	u64 mem;
	u64 terms;
	u64 served;
	struct dmring_load carried;
	struct dmring_ballot ballot;
	u32 id;
	u32 pid;
	u32 uid;
	u32 flags;
	u32 calls;
	u32 held;
	u32 offers;
	char comm[16];
	char offer[DMRING_OFFERS_MAX][DMRING_NAME_SIZE];
};

static void copy_member_locked(struct dmring_ring *ring, struct dmring_member *m,
			       struct member_now *now)
{
	struct dmring_offer *offer;

	now->offers = 0;
	now->id = m->id;
	now->pid = m->pid;
	now->uid = m->uid;
	now->flags = m->flags;
	now->sent = m->sent;
	now->dropped = m->dropped;
	now->rejected = m->rejected;
	now->mem = DMRING_MEMBER_BYTES + m->slot.bytes;
	now->terms = m->terms;
	dmring_election_service(m, &now->served, &now->carried);
	dmring_ballot_read(READ_ONCE(m->slot.user->ballot), &now->ballot);
	now->backlog = dmring_member_reads(m) ?
		       ring->log.published - dmring_member_cursor(m) : 0;
	strscpy(now->comm, m->comm, sizeof(now->comm));
	now->calls = m->party.calls[DMRING_CALL_CLIENT].count;
	now->held = m->party.calls[DMRING_CALL_SERVER].count;
	list_for_each_entry(offer, &m->offers, member_node)
		memcpy(now->offer[now->offers++], offer->service->name, DMRING_NAME_SIZE);
}

static bool copy_member(struct dmring_ring *ring, u32 id, struct member_now *now)
{
	struct dmring_member *m;

	if (!rcu_access_pointer(ring->table[id]))
		return false;
	spin_lock(&ring->lock);
	m = dmring_member_at(ring, id);
	if (m)
		copy_member_locked(ring, m, now);
	dmring_ring_unlock(ring);
	return m;
}

static int put_office_of(const struct dmring_show *s, const struct member_now *now)
{
	struct sk_buff *skb = s->skb;

	return nla_put_u32(skb, DMRING_A_MEMBER_WEIGHT, now->ballot.weight) ||
	       nla_put_u8(skb, DMRING_A_MEMBER_WILLING, now->ballot.willing) ||
	       nla_put_u64_64bit(skb, DMRING_A_MEMBER_TERMS, now->terms, DMRING_A_MEMBER_PAD) ||
	       put_ms(skb, DMRING_A_MEMBER_SERVED_MS, now->served, DMRING_A_MEMBER_PAD) ||
	       (s->admin &&
		(nla_put_u64_64bit(skb, DMRING_A_MEMBER_CARRIED, now->carried.messages,
				   DMRING_A_MEMBER_PAD) ||
		 nla_put_u64_64bit(skb, DMRING_A_MEMBER_CARRIED_BYTES, now->carried.bytes,
				   DMRING_A_MEMBER_PAD)));
}

static int put_calls(const struct dmring_show *s, const struct member_now *now)
{
	u32 i;

	for (i = 0; i < now->offers; i++)
		if (nla_put_string(s->skb, DMRING_A_MEMBER_SERVICE, now->offer[i]))
			return -EMSGSIZE;
	return s->admin && (nla_put_u32(s->skb, DMRING_A_MEMBER_CALLS, now->calls) ||
			    nla_put_u32(s->skb, DMRING_A_MEMBER_HELD, now->held));
}

/*
 * By these one could tell who has sent a message: who sends without an echo has read at once what
 * the others have before them.
 */
static int put_counters(struct sk_buff *skb, const struct member_now *now)
{
	return nla_put_u64_64bit(skb, DMRING_A_MEMBER_BACKLOG, now->backlog,
				 DMRING_A_MEMBER_PAD) ||
	       nla_put_u64_64bit(skb, DMRING_A_MEMBER_SENT, now->sent, DMRING_A_MEMBER_PAD) ||
	       nla_put_u64_64bit(skb, DMRING_A_MEMBER_DROPPED, now->dropped,
				 DMRING_A_MEMBER_PAD) ||
	       nla_put_u64_64bit(skb, DMRING_A_MEMBER_REJECTED, now->rejected,
				 DMRING_A_MEMBER_PAD);
}

static int put_member(const struct dmring_show *s, const struct dmring_ring *ring,
		      const struct member_now *now)
{
	struct sk_buff *skb = s->skb;

	return nla_put_string(skb, DMRING_A_MEMBER_RING, ring->name) ||
	       nla_put_u32(skb, DMRING_A_MEMBER_ID, now->id) ||
	       nla_put_u32(skb, DMRING_A_MEMBER_PID, now->pid) ||
	       nla_put_string(skb, DMRING_A_MEMBER_COMM, now->comm) ||
	       nla_put_u32(skb, DMRING_A_MEMBER_UID, now->uid) ||
	       nla_put_u32(skb, DMRING_A_MEMBER_FLAGS, now->flags) ||
	       put_office_of(s, now) ||
	       put_calls(s, now) ||
	       (s->admin && put_counters(skb, now)) ||
	       nla_put_u64_64bit(skb, DMRING_A_MEMBER_MEM, now->mem, DMRING_A_MEMBER_PAD);
}

int dmring_show_members(const struct dmring_show *s, struct dmring_ring *ring, u64 *next)
{
	/* with the names of its services it is too large for a stack */
	struct member_now *now = kmalloc(sizeof(*now), GFP_KERNEL);
	struct dmring_show_nest m;
	int err = 0;

	if (!now)
		return -ENOMEM;
	for (; *next < ring->slots; ++*next) {
		if (!copy_member(ring, *next, now))
			continue;
		err = dmring_show_begin(s, DMRING_CMD_MEMBER_GET, DMRING_A_MEMBER, &m);
		if (!err)
			err = dmring_show_end(s, &m, put_member(s, ring, now));
		if (err)
			break;
	}
	kfree(now);
	return err;
}

/*
 * Events
 */

static int put_event(struct sk_buff *skb, const struct dmring_ntf_info *info)
{
	return nla_put_string(skb, DMRING_A_EVENT_RING, info->ring) ||
	       nla_put_u8(skb, DMRING_A_EVENT_WHAT, info->what) ||
	       (info->has_member &&
		(nla_put_u32(skb, DMRING_A_EVENT_MEMBER, info->member) ||
		 nla_put_u32(skb, DMRING_A_EVENT_PID, info->pid))) ||
	       (info->what == DMRING_NTF_MEMBER_LEAVE &&
		(nla_put_u8(skb, DMRING_A_EVENT_REASON, info->reason) ||
		 put_ms(skb, DMRING_A_EVENT_DURATION_MS, info->duration, DMRING_A_EVENT_PAD))) ||
	       (info->what == DMRING_NTF_PROXY &&
		(nla_put_u8(skb, DMRING_A_EVENT_TERM_REASON, info->reason) ||
		 nla_put_u64_64bit(skb, DMRING_A_EVENT_TERM, info->term, DMRING_A_EVENT_PAD) ||
		 put_ms(skb, DMRING_A_EVENT_DURATION_MS, info->duration, DMRING_A_EVENT_PAD))) ||
	       (info->node && nla_put_u32(skb, DMRING_A_EVENT_NODE, info->node)) ||
	       (info->view && nla_put_u32(skb, DMRING_A_EVENT_VIEW, info->view)) ||
	       (info->why && info->why[0] && nla_put_string(skb, DMRING_A_EVENT_WHY, info->why));
}

int dmring_show_event(const struct dmring_show *s, const struct dmring_ntf_info *info)
{
	struct dmring_show_nest m;
	int err = dmring_show_begin(s, DMRING_CMD_EVENT_NTF, DMRING_A_EVENT, &m);

	return err ? err : dmring_show_end(s, &m, put_event(s->skb, info));
}
