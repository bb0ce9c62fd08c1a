// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring's thread. It is there for what must not depend on any member: the
 * links, what the pump left over, waking many, telling of the dead, watching the
 * slow. A ring of scope machine in which nothing happens lets it sleep for
 * good; one between machines wakes it for its heartbeats.
 *
 * Polling mode: while members attached with DMRING_ATTACH_POLL are active, the
 * thread looks at their in_tail itself, so that they need no doorbell. When
 * nothing has come for POLL_IDLE_NS it sets their wake-up-wanted mark, looks once
 * more, and sleeps. A thread that does not sleep is outside of everybody's limits: on a ring
 * whose maker may have no real-time threads there is no polling mode, and the mark stays.
 *
 *	sender				thread
 *	store in_tail			set DMRING_MARK_WAKEUP
 *	full barrier			full barrier
 *	load marks: ring if wanted	load in_tail: go on if there is something
 *
 * Locking: takes what it needs for moments; holds nothing while it sleeps.
 */
#include <linux/capability.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "election.h"
#include "member.h"
#include "neighbours.h"
#include "parcels.h"
#include "proxy.h"
#include "pump.h"
#include "ring.h"
#include "room.h"
#include "slow.h"
#include "thread.h"
#include "views.h"
#include "wait.h"
#include "why.h"

#define POLL_IDLE_NS	NSEC_PER_MSEC
#define NICE_WORST	5	/* a proxy of a worse one does not make the ring slower than this */

/* Ahead of all ordinary threads for half of one CPU's time, and at most 10 ms in one go */
#define AHEAD_SHARE	2
#define AHEAD_MAX	((s64)5 * NSEC_PER_MSEC)

/* The thread's own; but for config, which is handed over with a completion */
struct dmring_proxy {
	struct dmring_ring *ring;
	struct task_struct *task;
	u64 poll_until;			/* ns; in polling mode: sleep then, if nothing comes */
	u64 slow_next;			/* ns; next look at slow readers, 0 for none */
	u64 office_next;		/* ns; next look at the office, DMRING_NEVER for none */
	u64 calls_next;			/* ns; next look at requests, DMRING_NEVER for none */
	bool may_go_ahead;		/* invariant: who made it may have real-time threads */
	bool ahead;			/* runs ahead of all ordinary threads */
	s64 ahead_left;			/* ns; the account that is paid from */
	u64 ahead_at;			/* ns; when it was reckoned */
	struct completion config_done;
	const struct dmring_view_ask *config_view;	/* a step towards a view, or NULL: peers */
	int config_err;
	char config_why[DMRING_WHY_SIZE];
	struct dmring_neighbours nb;
};

/*
 * Polling mode
 */

/* Mark the slots of members in polling mode that have new input; true if there were any */
static bool poll_slots(struct dmring_ring *ring)
{
	struct dmring_member *m;
	bool found = false;

	spin_lock(&ring->lock);
	list_for_each_entry(m, &ring->polling, poll_node) {
		u64 tail = READ_ONCE(m->slot.user->in_tail);

		/* what was seen and is still there waits for room, and not for us */
		if (tail == m->poll_seen)
			continue;
		m->poll_seen = tail;
		dmring_marks_set(&ring->marked, m->id);
		found = true;
	}
	dmring_ring_unlock(ring);
	return found;
}

static void poll_marks(struct dmring_ring *ring, u32 set, u32 clear)
{
	struct dmring_member *m;

	spin_lock(&ring->lock);
	list_for_each_entry(m, &ring->polling, poll_node)
		dmring_member_mark(m, set, clear);
	dmring_ring_unlock(ring);
	/* marks before in_tail is read; pairs with the sender's full barrier */
	smp_mb();
}

/* One turn of the polling mode; true: do not sleep */
static bool poll_turn(struct dmring_proxy *p, bool asked)
{
	struct dmring_ring *ring = p->ring;
	u64 now;

	now = ktime_get_ns();
	if (list_empty(&ring->polling) || num_online_cpus() == 1 || !p->may_go_ahead) {
		/* end it, or never begin, as if nothing had come */
		p->poll_until = min(p->poll_until, now);
		asked = false;
	}
	if (asked) {
		poll_marks(ring, 0, DMRING_MARK_WAKEUP);
		p->poll_until = now + POLL_IDLE_NS;
	}
	if (!p->poll_until)
		return false;
	if (poll_slots(ring)) {
		p->poll_until = now + POLL_IDLE_NS;
		dmring_pump(ring, DMRING_BY_THREAD);
		return true;
	}
	if (now < p->poll_until)
		return true;
	p->poll_until = 0;
	poll_marks(ring, DMRING_MARK_WAKEUP, 0);
	if (!poll_slots(ring))
		return false;
	dmring_pump(ring, DMRING_BY_THREAD);
	return true;
}

/*
 * Slow readers
 */

static void watch_slow(struct dmring_proxy *p)
{
	struct dmring_ring *ring = p->ring;
	u64 now = ktime_get_ns();

	if (p->slow_next && now < p->slow_next)
		return;
	p->slow_next = 0;
	if (dmring_slow_poll(ring, now))
		p->slow_next = now + DMRING_SLOW_POLL_NS;
	dmring_pump(ring, DMRING_BY_THREAD);
	/* it may have become so just now, and nobody else would tell */
	if (READ_ONCE(ring->full))
		p->slow_next = p->slow_next ?: now + DMRING_SLOW_POLL_NS;
}

static bool somebody_waits(struct dmring_ring *ring)
{
	bool waits;

	spin_lock(&ring->lock);
	waits = ring->full || dmring_core_slow(&ring->core);
	dmring_ring_unlock(ring);
	return waits;
}

/*
 * The office
 */

/* The NUMA nodes on whose processors a process may run; wherever kernel threads may without one */
static void nodes_of(const struct task_struct *task, struct cpumask *mask)
{
	const struct cpumask *ours = housekeeping_cpumask(HK_TYPE_KTHREAD);
	int cpu;

	cpumask_clear(mask);
	if (task)
		for_each_cpu_and(cpu, task->cpus_ptr, cpu_online_mask)
			cpumask_or(mask, mask, cpumask_of_node(cpu_to_node(cpu)));
	/* processors that are kept free of kernel threads stay so */
	if (!cpumask_and(mask, mask, ours))
		cpumask_copy(mask, ours);
}

/*
 * Run where and as the proxy does, within bounds: near its processors, but not
 * bound to a single one that may be busy; never with a better nice value than any
 * thread, nor with one that would let its holder slow the ring.
 */
static void follow_proxy(struct dmring_ring *ring)
{
	struct pid *process = dmring_election_process(ring);
	struct task_struct *task = process ? get_pid_task(process, PIDTYPE_TGID) : NULL;
	cpumask_var_t mask;

	put_pid(process);
	set_user_nice(current, task ? clamp(task_nice(task), 0, NICE_WORST) : 0);
	if (zalloc_cpumask_var(&mask, GFP_KERNEL)) {
		nodes_of(task, mask);
		/* a hint: if it cannot be followed, we stay where we are */
		set_cpus_allowed_ptr(current, mask);
		free_cpumask_var(mask);
	}
	if (task)
		put_task_struct(task);
}

static void mind_office(struct dmring_proxy *p, unsigned long work)
{
	u64 now = ktime_get_ns();

	if (work & BIT(DMRING_WORK_OFFICE) || now >= p->office_next)
		p->office_next = dmring_election_look(p->ring);
	if (work & BIT(DMRING_WORK_STATE) && dmring_election_tell(p->ring))
		follow_proxy(p->ring);
}

/*
 * Priority. What the thread does is mostly short, and others wait for it: on other hosts,
 * too. So it wakes as a real-time thread of the lowest kind, ahead of whatever burns CPU
 * time here, and goes on as an ordinary one, with the proxy's nice value, when it has had
 * its share. So members who keep it busy take no more from others than that. Who may make
 * rings, but no real-time threads (CAP_SYS_NICE: root of a user namespace), gets
 * ordinary ones.
 */

/* @idle: it has slept since the last time */
static void reckon_ahead(struct dmring_proxy *p, bool idle)
{
	u64 now = ktime_get_ns();
	s64 spent = now - p->ahead_at;

	p->ahead_at = now;
	p->ahead_left += div_u64(spent, AHEAD_SHARE);
	if (p->ahead && !idle)
		p->ahead_left -= spent;
	/* who polls is never through */
	if (p->poll_until)
		p->ahead_left = 0;
	/* a long stop in the middle, of a guest say, is not to be paid for long */
	p->ahead_left = clamp(p->ahead_left, -AHEAD_MAX, AHEAD_MAX);
}

static void go_ahead(struct dmring_proxy *p)
{
	if (!p->may_go_ahead || p->ahead || p->ahead_left < AHEAD_MAX)
		return;
	p->ahead = true;
	sched_set_fifo_low(current);
}

static void stay_behind(struct dmring_proxy *p)
{
	if (!p->ahead || p->ahead_left > 0)
		return;
	p->ahead = false;
	sched_set_normal(current, task_nice(current));
}

/*
 * The loop
 */

static void do_config(struct dmring_proxy *p)
{
	if (p->config_view)
		p->config_err = dmring_views_step(&p->nb, p->config_view, p->config_why);
	else
		p->config_err = dmring_neighbours_config(&p->nb, p->config_why);
	complete(&p->config_done);
}

/* Returns true if there is more to do at once */
static bool thread_pass(struct dmring_proxy *p)
{
	struct dmring_ring *ring = p->ring;
	/* full barrier; pairs with dmring_thread_kick() */
	unsigned long work = xchg(&ring->work, 0);
	bool more = false;

	if (work & BIT(DMRING_WORK_CONFIG))
		do_config(p);
	if (dmring_ring_is_network(ring)) {
		more = dmring_neighbours_hear(&p->nb);
		if (test_and_clear_bit(DMRING_WORK_PUMP, &ring->work))
			work |= BIT(DMRING_WORK_PUMP);
		spin_lock(&ring->lock);
		dmring_room_free(ring);
		dmring_ring_unlock(ring);
	}
	if (work & BIT(DMRING_WORK_CALLS) || ktime_get_ns() >= p->calls_next) {
		p->calls_next = dmring_parcels_look(ring);
		work |= BIT(DMRING_WORK_PUMP);
	}
	if (work & BIT(DMRING_WORK_PUMP))
		dmring_pump(ring, DMRING_BY_THREAD);
	if (dmring_ring_is_network(ring))
		more |= dmring_neighbours_say(&p->nb);
	/* after the pump or a delivery has published, before sleepers are looked at */
	smp_mb();
	/* who asks again and again has its turn again in the next pass */
	dmring_wake(ring, ring->slots);
	/* what can wait until messages are on their way: netlink, page tables */
	if (work & BIT(DMRING_WORK_MEMBERS) && dmring_members_tell(ring))
		dmring_thread_kick(ring, DMRING_WORK_MEMBERS);
	if (dmring_ring_is_network(ring))
		mind_office(p, work);
	if (p->slow_next || somebody_waits(ring))
		watch_slow(p);
	more |= poll_turn(p, work & BIT(DMRING_WORK_POLL));
	return more;
}

static void thread_sleep(struct dmring_proxy *p)
{
	struct dmring_ring *ring = p->ring;
	u64 at = dmring_ring_is_network(ring) ? dmring_neighbours_deadline(&p->nb) : U64_MAX;
	ktime_t expires;
	DEFINE_WAIT(wait);

	if (p->slow_next)
		at = min(at, p->slow_next);
	at = min3(at, p->office_next, p->calls_next);
	expires = at > KTIME_MAX ? KTIME_MAX : at;
	prepare_to_wait(&ring->thread_wq, &wait, TASK_IDLE);
	if (!READ_ONCE(ring->work) && !kthread_should_stop()) {
		if (at == U64_MAX)
			schedule();
		else
			schedule_hrtimeout(&expires, HRTIMER_MODE_ABS);
	}
	finish_wait(&ring->thread_wq, &wait);
}

static int thread_main(void *arg)
{
	struct dmring_proxy *p = arg;

	while (!kthread_should_stop()) {
		bool more = thread_pass(p);

		reckon_ahead(p, false);
		stay_behind(p);
		/* also when it was woken before it slept */
		cond_resched();
		if (more)
			continue;
		go_ahead(p);
		thread_sleep(p);
		reckon_ahead(p, true);
	}
	return 0;
}

/*
 * Start and stop
 */

static int open_listener(struct dmring_proxy *p, struct netlink_ext_ack *extack)
{
	int err = dmring_neighbours_init(&p->nb, p->ring);

	if (err)
		dmring_extack(extack, "cannot listen on %pISpc: error %d", &p->ring->listen,
			      -err);
	return err;
}

static void proxy_free(struct dmring_proxy *p)
{
	if (dmring_ring_is_network(p->ring))
		dmring_neighbours_exit(&p->nb);
	p->ring->proxy = NULL;
	kvfree(p);
}

static int proxy_start(struct dmring_ring *ring, struct netlink_ext_ack *extack)
{
	struct dmring_proxy *p = kvzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	struct task_struct *task;
	int err = 0;

	if (!p)
		return -ENOMEM;
	p->ring = ring;
	p->office_next = DMRING_NEVER;
	p->calls_next = DMRING_NEVER;
	p->may_go_ahead = capable(CAP_SYS_NICE);
	init_completion(&p->config_done);
	ring->proxy = p;
	ring->thread_bytes = sizeof(*p);
	dmring_ring_show_view(ring);
	if (dmring_ring_is_network(ring))
		err = open_listener(p, extack);
	if (!err) {
		task = kthread_run(thread_main, p, "dmring/%s", ring->name);
		err = PTR_ERR_OR_ZERO(task);
		p->task = task;
	}
	if (err)
		proxy_free(p);
	return err;
}

static void proxy_stop(struct dmring_ring *ring)
{
	kthread_stop(ring->proxy->task);
	proxy_free(ring->proxy);
}

/* Have the thread do it; @view: NULL for peers */
static int proxy_config(struct dmring_ring *ring, const struct dmring_view_ask *view,
			struct netlink_ext_ack *extack)
{
	struct dmring_proxy *p = ring->proxy;

	/* under ring->conf, as is the end of a ring: the thread is there, or gone for good */
	if (!p) {
		dmring_extack(extack, "ring \"%s\" is being deleted", ring->name);
		return -ENOENT;
	}
	p->config_view = view;
	p->config_why[0] = '\0';
	reinit_completion(&p->config_done);
	dmring_thread_kick(ring, DMRING_WORK_CONFIG);
	wait_for_completion(&p->config_done);
	/* a warning, if there is no error */
	if (p->config_why[0])
		dmring_extack(extack, "%s", p->config_why);
	return p->config_err;
}

static int proxy_peers_changed(struct dmring_ring *ring, struct netlink_ext_ack *extack)
{
	return proxy_config(ring, NULL, extack);
}

static void proxy_left(struct dmring_ring *ring, struct dmring_member *m)
{
	if (ring->direct)
		dmring_parcels_left(ring, m);
	dmring_election_left(ring, m);
}

const struct dmring_group_ops dmring_proxy_ops = {
	.joined = dmring_election_joined,
	.left = proxy_left,
	.start = proxy_start,
	.stop = proxy_stop,
	.peers_changed = proxy_peers_changed,
	.view = proxy_config,
	.exchange = &dmring_parcels_ops,
};
