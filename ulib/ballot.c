// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: a member's standing ballot, and the office it may bring
 *
 * The ballot is a word of the user page that the kernel reads when a term opens.
 * Whether the member is willing goes through the kernel, which looks at once
 * whether the office is concerned; a weight alone is only stored.
 *
 * Threads: any; the word is changed by compare and swap. It is read alone, so
 * no memory order is needed.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "stream.h"

#define WEIGH_NS	100000000LL	/* between two looks at the load */

static __s64 clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static __u64 *ballot(struct dmring_member *k)
{
	return &k->s.user->ballot;
}

/* False when somebody has made it (un)willing meanwhile */
static bool set_weight(struct dmring_member *k, __u64 old, unsigned int weight)
{
	__u64 word = (old & DMRING_BALLOT_WILLING) | weight;

	return __atomic_compare_exchange_n(ballot(k), &old, word, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

static int ask_ballot(struct dmring_member *k, bool willing, unsigned int weight)
{
	struct dmring_ioc_ballot b = {
		.flags = willing ? DMRING_BALLOT_IS_WILLING : 0,
		.weight = weight,
	};

	if (ioctl(k->s.fd, DMRING_IOC_BALLOT, &b))
		return dmring_refused(k, b.why);
	store_relaxed(&k->ballot_known, true);
	return 0;
}

int dmring_member_ballot(struct dmring *r, bool willing, unsigned int weight)
{
	struct dmring_member *k = dmring_member(r);
	__u64 old = load_relaxed(ballot(k));

	if (!dmring_attached(k))
		return dmring_gone(k);
	/* once the kernel has taken one: the ring has an office */
	if (load_relaxed(&k->ballot_known) && !!(old & DMRING_BALLOT_WILLING) == willing &&
	    set_weight(k, old, weight))
		return 0;
	return ask_ballot(k, willing, weight);
}

int dmring_member_resign(struct dmring *r)
{
	struct dmring_member *k = dmring_member(r);
	struct dmring_ioc_resign arg = {};

	return ioctl(k->s.fd, DMRING_IOC_RESIGN, &arg) ? dmring_refused(k, arg.why) : 0;
}

int dmring_member_in_office(struct dmring *r)
{
	return !!(load_relaxed(&dmring_member(r)->s.kernel->marks) & DMRING_MARK_OFFICE);
}

/* How much of one processor the process has left since the last look */
void dmring_member_weigh(struct dmring *r)
{
	struct dmring_member *k = dmring_member(r);
	__s64 now = clock_ns(CLOCK_MONOTONIC), last = load_relaxed(&k->weighed_at);
	__s64 span = now - last, used, load;

	/* of two threads that come at the same time one looks */
	if (span < WEIGH_NS ||
	    !__atomic_compare_exchange_n(&k->weighed_at, &last, now, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return;
	used = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	load = (used - load_relaxed(&k->weighed_used)) / (span / DMRING_WEIGHT_MAX);
	store_relaxed(&k->weighed_used, used);
	if (!last)
		return;
	load = load < 0 ? 0 : load > DMRING_WEIGHT_MAX ? DMRING_WEIGHT_MAX : load;
	set_weight(k, load_relaxed(ballot(k)), DMRING_WEIGHT_MAX - load);
}
