// SPDX-License-Identifier: GPL-2.0-only
/*
 * The office of the proxy. The rules are in kmod/core/election-rules.h; here
 * ballots are read, the office changes hands, and those concerned are told: by
 * the office mark and a private event, the group by an event in its stream.
 *
 * Ballots stand in memory that members write. Each is read once for a count; a
 * ballot that makes no sense counts as unwilling. Members whose process is
 * stopped or frozen are passed over, unless nobody else is willing; those whose
 * process is being killed are no candidates. Nothing waits for a member: a
 * count reads what stands there.
 *
 * A ring of scope machine has no office: there is nothing to answer for.
 *
 * Locking: ring->lock. Processes are looked at under RCU.
 */
#include <linux/cgroup.h>
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>

#include "election.h"
#include "event.h"
#include "member.h"
#include "output.h"
#include "thread.h"
#include "trace.h"
#include "why.h"

/*
 * Ballots
 */

#define THREADS_MAX	16		/* that are looked at */

/*
 * The leader may have ended before the others; it then says nothing of them. If all that are looked
 * at have ended, too, and a debugger keeps them, the process is taken to run.
 */
static struct task_struct *live_thread(struct task_struct *leader)
{
	int left = THREADS_MAX;
	struct task_struct *t;

	if (!leader->exit_state)
		return leader;
	for_each_thread(leader, t) {
		if (!t->exit_state)
			return t;
		if (!--left)
			break;
	}
	return leader;
}

/* @runs, if not NULL: a number that stays the same while it stands */
static enum dmring_motion motion_of(const struct dmring_member *m, u64 *runs)
{
	struct task_struct *task;
	enum dmring_motion motion = DMRING_DIES;

	rcu_read_lock();
	task = pid_task(m->process, PIDTYPE_TGID);
	if (task) {
		unsigned int flags = READ_ONCE(task->signal->flags);

		task = live_thread(task);
		if (flags & SIGNAL_GROUP_EXIT)
			motion = DMRING_DIES;
		else if (flags & SIGNAL_STOP_STOPPED || cgroup_task_frozen(task) ||
			 READ_ONCE(task->__state) & (TASK_FROZEN | __TASK_TRACED))
			motion = DMRING_STANDS;
		else
			motion = DMRING_RUNS;
		if (runs && motion == DMRING_STANDS)
			*runs = task->nvcsw + task->nivcsw;
	}
	rcu_read_unlock();
	return motion;
}

static u64 served(const struct dmring_candidate *c, u64 now)
{
	const struct dmring_ring *ring = c->member->ring;

	return c->served + (ring->office == c->member ? now - ring->office_since : 0);
}

static u64 word_of(const struct dmring_member *m)
{
	return READ_ONCE(*m->candidate->ballot);
}

static bool is_willing(const struct dmring_member *m)
{
	struct dmring_ballot b;

	dmring_ballot_read(word_of(m), &b);
	return b.willing;
}

/* @word: the one read of what stands in its slot */
static void count_ballot(struct dmring_count *count, const struct dmring_candidate *c, u64 word,
			 u64 now)
{
	struct dmring_ballot b = {
		.served = served(c, now),
		.since = c->since,
		.id = c->member->id,
	};

	dmring_ballot_read(word, &b);
	if (dmring_count_wants(count, &b))
		dmring_count_add(count, &b, motion_of(c->member, NULL));
}

/*
 * All but @except, into @count, which is empty. A thousand may be counted while the ring waits: who
 * does not win costs a look at the ballot and at what stands beside it. (What the one in office
 * has served may be more than that says, never less.)
 */
static void count_ballots(struct dmring_ring *ring, const struct dmring_member *except, u64 now,
			  struct dmring_count *count)
{
	const struct dmring_ballot *top = &count->best[DMRING_RUNS];
	const struct dmring_candidate *c;

	list_for_each_entry(c, &ring->candidates, node) {
		u64 word = READ_ONCE(*c->ballot);

		if (top->willing && !dmring_ballot_may_beat(word, c->served, c->since, top))
			continue;
		if (c->member != except)
			count_ballot(count, c, word, now);
	}
}

static struct dmring_member *winner_of(struct dmring_ring *ring, const struct dmring_count *count)
{
	const struct dmring_ballot *b = dmring_count_winner(count);

	return b ? dmring_member_at(ring, b->id) : NULL;
}

/*
 * The office
 */

/* What the links have carried in this term */
static struct dmring_load term_load(const struct dmring_ring *ring)
{
	return (struct dmring_load){
		.messages = ring->stats.sent + ring->stats.received -
			    ring->office_load.messages,
		.bytes = ring->stats.sent_bytes + ring->stats.received_bytes -
			 ring->office_load.bytes,
	};
}

void dmring_election_service(const struct dmring_member *m, u64 *ns, struct dmring_load *carried)
{
	struct dmring_load load = term_load(m->ring);

	*ns = served(m->candidate, ktime_get_ns());
	*carried = m->carried;
	if (m->ring->office != m)
		return;
	carried->messages += load.messages;
	carried->bytes += load.bytes;
}

static void tell_member(struct dmring_ring *ring, struct dmring_member *m, u8 what)
{
	bool taken = what == DMRING_OFFICE_WON || what == DMRING_OFFICE_TOOK_OVER;
	struct dmring_ev ev = {
		.what = DMRING_EV_OFFICE, .reason = ring->term_why, .arg = what,
		.arg2 = ring->term,
	};

	/* the mark tells all the same */
	if (m->attached && !dmring_out_event(m, &ev))
		ring->stats.events_lost++;
	dmring_member_mark(m, taken ? DMRING_MARK_OFFICE : 0, taken ? 0 : DMRING_MARK_OFFICE);
	/* the thread wakes whom the event concerns */
	dmring_thread_kick(ring, DMRING_WORK_WAKE);
}

static void tell_group(struct dmring_ring *ring)
{
	struct dmring_ev ev = {
		.what = DMRING_EV_PROXY, .reason = ring->term_why, .arg = ring->term,
		.arg2 = ring->office ? ring->office->id + 1ULL : 0,
	};

	dmring_ring_event(ring, &ev);
	trace_dmring_proxy(ring->name, ring->office ? ring->office->id : -1, ring->term,
			   ring->term_why, ring->term_last);
	dmring_thread_kick(ring, DMRING_WORK_STATE);
}

/* What the term that ends is booked to */
static void end_term(struct dmring_ring *ring, u64 now)
{
	struct dmring_load load = term_load(ring);
	struct dmring_member *old = ring->office;

	ring->term_last = now - ring->office_since;
	ring->office_load.messages += load.messages;
	ring->office_load.bytes += load.bytes;
	if (!old)
		return;
	old->candidate->served += ring->term_last;
	old->carried.messages += load.messages;
	old->carried.bytes += load.bytes;
}

static bool was_taken_away(u8 why)
{
	return why == DMRING_TERM_STOPPED || why == DMRING_TERM_UNWILLING;
}

/* A new term, with @m in office or nobody */
static void begin_term(struct dmring_ring *ring, struct dmring_member *m, u8 why, u64 now)
{
	struct dmring_member *old = ring->office;

	end_term(ring, now);
	WRITE_ONCE(ring->office, m);
	if (!m)
		ring->takeover_from = 0;
	ring->term++;
	ring->term_why = why;
	ring->office_since = now;
	ring->rotate_from = now;
	ring->office_stopped = DMRING_NEVER;
	if (old)
		tell_member(ring, old, was_taken_away(why) ? DMRING_OFFICE_LOST :
			    DMRING_OFFICE_HANDED_OVER);
	if (m) {
		m->terms++;
		tell_member(ring, m, old && old->attached ? DMRING_OFFICE_TOOK_OVER :
			    DMRING_OFFICE_WON);
	}
	tell_group(ring);
}

static bool has_office(const struct dmring_ring *ring)
{
	return dmring_ring_is_network(ring) && !ring->dead;
}

/* It alone can be new to a vacant office; nobody who comes is preferred to who is in it */
void dmring_election_joined(struct dmring_ring *ring, struct dmring_member *m)
{
	u64 now = ktime_get_ns();

	if (!has_office(ring))
		return;
	if (ring->count == 1)
		dmring_thread_kick(ring, DMRING_WORK_OFFICE);
	if (!ring->office && is_willing(m))
		begin_term(ring, m, DMRING_TERM_VACANT, now);
}

void dmring_election_left(struct dmring_ring *ring, struct dmring_member *m)
{
	struct dmring_count count = { };
	u64 now = ktime_get_ns();

	if (ring->scope != DMRING_SCOPE_NETWORK || ring->office != m)
		return;
	if (!ring->dead)
		count_ballots(ring, m, now, &count);
	begin_term(ring, winner_of(ring, &count), DMRING_TERM_LEFT, now);
	if (ring->office)
		ring->takeover_from = m->left_at;
}

void dmring_election_carried(struct dmring_ring *ring)
{
	ring->takeover_at = ktime_get_ns();
	ring->takeover_ns = ring->takeover_at - ring->takeover_from;
	ring->takeover_from = 0;
	trace_dmring_takeover(ring->name, ring->term, ring->takeover_ns);
}

/* Count, because of @why; false if the office stays where it is for want of another */
static bool recount(struct dmring_ring *ring, u8 why, u64 now)
{
	struct dmring_member *old = ring->office, *m;
	struct dmring_count count = { };

	count_ballots(ring, dmring_office_takes_part(why) ? NULL : old, now, &count);
	if (!dmring_office_goes(why, &count))
		return false;
	m = winner_of(ring, &count);
	/* still the best: its term goes on */
	if (m == old)
		ring->rotate_from = now;
	else
		begin_term(ring, m, why, now);
	return true;
}

/* Looks are far apart: one that has run between two of them does not stand since the first */
static void see_motion(struct dmring_ring *ring, u64 now)
{
	u64 runs = 0;

	/* one that dies may take long to close its files: a core dump, much memory */
	if (!ring->office || motion_of(ring->office, &runs) == DMRING_RUNS)
		ring->office_stopped = DMRING_NEVER;
	else if (ring->office_stopped == DMRING_NEVER || ring->office_runs != runs)
		ring->office_stopped = now;
	ring->office_runs = runs;
}

static struct dmring_office office_of(struct dmring_ring *ring, u64 now)
{
	struct dmring_member *m = ring->office;

	see_motion(ring, now);
	return (struct dmring_office){
		.held = m,
		.willing = m && is_willing(m),
		.since = ring->rotate_from,
		.stopped = ring->office_stopped,
		.timeout = ring->proxy_timeout_ms * (u64)NSEC_PER_MSEC,
		.rotate = ring->rotate_s == DMRING_ROTATE_NEVER ? DMRING_NEVER :
			  ring->rotate_s * (u64)NSEC_PER_SEC,
	};
}

u64 dmring_election_look(struct dmring_ring *ring)
{
	u64 next = DMRING_NEVER, now;
	u8 why;

	spin_lock(&ring->lock);
	now = ktime_get_ns();
	if (has_office(ring) && ring->count) {
		struct dmring_office office = office_of(ring, now);

		why = dmring_office_judge(&office, now, &next);
		/* looked at again when its time is up again */
		if (why && !recount(ring, why, now))
			ring->rotate_from = now;
	}
	dmring_ring_unlock(ring);
	return next;
}

/*
 * What members and administrators ask for
 */

static int no_office(const struct dmring_ring *ring, char *why)
{
	return dmring_why(why, -EOPNOTSUPP, "ring \"%s\" has scope machine: it has no proxy",
			  ring->name);
}

/*
 * Whoever is in office may give it away as often as it likes, and two may do so to each other. Each
 * time ballots are counted, which may be thousands, and all are told: so that is done at most
 * every ASKED_MS, and @m waits for its turn. With ring->lock, which is let go meanwhile.
 */
#define ASKED_MS	10

static void wait_to_ask(struct dmring_member *m)
	__must_hold(&m->ring->lock)
{
	struct dmring_ring *ring = m->ring;

	while (ring->office == m && !fatal_signal_pending(current) &&
	       ktime_get_ns() - ring->asked_at < ASKED_MS * NSEC_PER_MSEC) {
		dmring_ring_unlock(ring);
		schedule_timeout_killable(msecs_to_jiffies(ASKED_MS));
		spin_lock(&ring->lock);
	}
	if (ring->office == m)
		ring->asked_at = ktime_get_ns();
}

int dmring_election_ballot(struct dmring_member *m, bool willing, u32 weight, char *why)
{
	u64 word = weight | (willing ? DMRING_BALLOT_WILLING : 0);
	struct dmring_ring *ring = m->ring;
	u64 now;

	if (ring->scope != DMRING_SCOPE_NETWORK)
		return no_office(ring, why);
	if (weight > DMRING_WEIGHT_MAX)
		return dmring_why(why, -ERANGE, "a weight is from 0 to %u, not %u",
				  DMRING_WEIGHT_MAX, weight);
	WRITE_ONCE(m->slot.user->ballot, word);
	spin_lock(&ring->lock);
	if (!willing)
		wait_to_ask(m);
	/* not before the beginning of the present term */
	now = ktime_get_ns();
	if (m->attached && willing && !ring->office && has_office(ring))
		begin_term(ring, m, DMRING_TERM_VACANT, now);
	/* another thread may have taken the word back meanwhile */
	else if (!willing && ring->office == m && !is_willing(m))
		recount(ring, DMRING_TERM_UNWILLING, now);
	dmring_ring_unlock(ring);
	return 0;
}

static int resign_locked(struct dmring_member *m, char *why)
{
	struct dmring_ring *ring = m->ring;

	if (ring->office != m)
		return dmring_why(why, -EPERM,
				  "not in office: member %u of ring \"%s\" is not its proxy",
				  m->id, ring->name);
	if (!recount(ring, DMRING_TERM_RESIGNED, ktime_get_ns()))
		return dmring_why(why, -EBUSY,
				  "nobody else is willing and running: member %u stays the proxy of ring \"%s\"",
				  m->id, ring->name);
	return 0;
}

int dmring_election_resign(struct dmring_member *m, char *why)
{
	struct dmring_ring *ring = m->ring;
	int err;

	if (ring->scope != DMRING_SCOPE_NETWORK)
		return no_office(ring, why);
	spin_lock(&ring->lock);
	wait_to_ask(m);
	err = resign_locked(m, why);
	dmring_ring_unlock(ring);
	return err;
}

/* May @m be made the proxy by name? */
static int check_chosen(const struct dmring_ring *ring, struct dmring_member *m, u32 id, char *why)
{
	if (!m)
		return dmring_why(why, -ENOENT, "ring \"%s\" has no member %u on this host",
				  ring->name, id);
	if (!is_willing(m))
		return dmring_why(why, -EINVAL, "member %u is not willing to be the proxy", id);
	if (motion_of(m, NULL) != DMRING_RUNS)
		return dmring_why(why, -EBUSY, "member %u is stopped, frozen or dying", id);
	return 0;
}

static int elect_locked(struct dmring_ring *ring, u32 id, char *why)
{
	struct dmring_member *m = NULL;
	int err;

	if (id < ring->slots)
		m = dmring_member_at(ring, id);
	err = check_chosen(ring, m, id, why);
	if (!err && m != ring->office)
		begin_term(ring, m, DMRING_TERM_ELECTED, ktime_get_ns());
	return err;
}

int dmring_election_elect(struct dmring_ring *ring, const u32 *id, char *why)
{
	int err = 0;

	if (ring->scope != DMRING_SCOPE_NETWORK)
		return no_office(ring, why);
	spin_lock(&ring->lock);
	if (id)
		err = elect_locked(ring, *id, why);
	else if (has_office(ring))
		recount(ring, DMRING_TERM_ELECTED, ktime_get_ns());
	if (!err && !ring->office)
		err = dmring_why(why, -EBUSY, "no member of ring \"%s\" on this host is willing",
				 ring->name);
	dmring_ring_unlock(ring);
	return err;
}

/*
 * Telling the watchers
 */

static bool copy_office(struct dmring_ring *ring, struct dmring_ntf_info *info)
{
	bool changed;

	spin_lock(&ring->lock);
	changed = ring->term_told != ring->term;
	ring->term_told = ring->term;
	info->term = ring->term;
	info->reason = ring->term_why;
	info->duration = ring->term_last;
	if (ring->office) {
		info->has_member = true;
		info->member = ring->office->id;
		info->pid = ring->office->pid;
	}
	dmring_ring_unlock(ring);
	return changed;
}

bool dmring_election_tell(struct dmring_ring *ring)
{
	struct dmring_ntf_info info = { .ring = ring->name, .what = DMRING_NTF_PROXY };

	if (!copy_office(ring, &info))
		return false;
	dmring_notify(ring->net, &info);
	return true;
}

struct pid *dmring_election_process(struct dmring_ring *ring)
{
	struct pid *process;

	spin_lock(&ring->lock);
	process = ring->office ? get_pid(ring->office->process) : NULL;
	dmring_ring_unlock(ring);
	return process;
}
