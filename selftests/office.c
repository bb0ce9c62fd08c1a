// SPDX-License-Identifier: GPL-2.0-only
/*
 * The office of the proxy: who wins it, when it changes hands, who is told, and
 * what is refused. The rules themselves are tested in unit/; here is what the
 * kernel makes of them.
 *
 *	this process: ring of scope network, one host -- members 0, 1, 2, ...
 */
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "office-rig.h"

TEST_F(office, the_oldest_of_equals_and_then_the_next)
{
	struct dmring_ev ev;

	EXPECT_EQ(0, proxy(self->m));
	EXPECT_EQ(DMRING_OFFICE_WON, last_office(&self->m[0], &ev));
	EXPECT_EQ(1, ev.arg2);
	EXPECT_EQ(DMRING_TERM_VACANT, ev.reason);
	leave(&self->m[0]);
	EXPECT_EQ(1, proxy(self->m));
	EXPECT_EQ(DMRING_OFFICE_WON, last_office(&self->m[1], &ev));
	EXPECT_EQ(2, ev.arg2);
	EXPECT_EQ(DMRING_TERM_LEFT, ev.reason);
	EXPECT_EQ(DMRING_TERM_LEFT, rig_proxy_get(name, DMRING_A_PROXY_REASON));
}

TEST_F(office, the_highest_weight_as_it_stands_at_the_count)
{
	EXPECT_EQ(0, rig_ballot(&self->m[2], true, 300, NULL));
	self->m[3].user->ballot = DMRING_BALLOT_WILLING | 400;
	EXPECT_EQ(0, proxy(self->m));
	self->m[3].user->ballot = DMRING_BALLOT_WILLING | 299;
	leave(&self->m[0]);
	EXPECT_EQ(2, proxy(self->m));
	leave(&self->m[2]);
	EXPECT_EQ(3, proxy(self->m));
}

TEST_F(office, a_scribbled_ballot_is_unwilling)
{
	static const uint64_t words[] = {
		~0ULL, DMRING_BALLOT_WILLING | (DMRING_WEIGHT_MAX + 1),
		DMRING_BALLOT_WILLING << 1 | DMRING_BALLOT_WILLING | 5, 1ULL << 63 | 0x10064,
	};
	int i;

	for (i = 0; i < 4; i++) {
		self->m[1].user->ballot = words[i];
		self->m[2].user->ballot = words[3 - i];
		EXPECT_EQ(-EINVAL, rig_elect(name, 1, self->why));
		EXPECT_STREQ("member 1 is not willing to be the proxy", self->why);
	}
	leave(&self->m[0]);
	EXPECT_EQ(3, proxy(self->m));
	leave(&self->m[3]);
	EXPECT_EQ(NOBODY, proxy(self->m));
	/* without a word, at the next look */
	self->m[2].user->ballot = DMRING_BALLOT_WILLING;
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, proxy(self->m) == 2));
}

TEST_F(office, a_proxy_that_scribbles_over_its_ballot_is_replaced)
{
	struct dmring_ev ev;

	self->m[0].user->ballot = 0xdeadbeefdeadbeefULL;
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, proxy(self->m) == 1));
	EXPECT_EQ(DMRING_OFFICE_LOST, last_office(&self->m[0], &ev));
	EXPECT_EQ(DMRING_TERM_UNWILLING, ev.reason);
	EXPECT_EQ(DMRING_OFFICE_TOOK_OVER, last_office(&self->m[1], &ev));
}

TEST_F(office, willing_and_unwilling_by_call_are_seen_at_once)
{
	struct dmring_ev ev;
	int i;

	for (i = 1; i < MEMBERS; i++)
		EXPECT_EQ(0, rig_ballot(&self->m[i], false, 7, NULL));
	EXPECT_EQ(0, rig_ballot(&self->m[0], false, 7, NULL));
	EXPECT_EQ(NOBODY, proxy(self->m));
	EXPECT_EQ(DMRING_OFFICE_LOST, last_office(&self->m[0], &ev));
	EXPECT_EQ(0, rig_ballot(&self->m[3], true, 0, NULL));
	EXPECT_EQ(3, proxy(self->m));
	EXPECT_EQ(0, rig_ballot(&self->m[0], true, 1000, NULL));
	EXPECT_EQ(3, proxy(self->m));
	EXPECT_EQ(0, rig_ballot(&self->m[3], false, 0, NULL));
	EXPECT_EQ(0, proxy(self->m));
	EXPECT_EQ(4, rig_proxy_get(name, DMRING_A_PROXY_TERM));
}

TEST_F(office, who_attaches_unwilling_can_change_its_mind)
{
	leave(&self->m[3]);
	ASSERT_EQ(0, rig_join(&self->m[3], name, DMRING_ATTACH_UNWILLING));
	EXPECT_EQ(-EINVAL, rig_elect(name, self->m[3].at.id, NULL));
	EXPECT_EQ(0, rig_ballot(&self->m[3], true, DMRING_WEIGHT_MAX, NULL));
	EXPECT_EQ(0, rig_elect(name, self->m[3].at.id, NULL));
	EXPECT_EQ(self->m[3].at.id, proxy(self->m));
}

TEST_F(office, bad_ballots_are_refused_and_change_nothing)
{
	struct dmring_ioc_ballot b = { .flags = 2, .weight = 1 };
	uint64_t was = self->m[0].user->ballot;

	EXPECT_EQ(DMRING_BALLOT_WILLING | DMRING_WEIGHT_DEFAULT, was);
	EXPECT_EQ(-ERANGE, rig_ballot(&self->m[0], true, DMRING_WEIGHT_MAX + 1, self->why));
	EXPECT_STREQ("a weight is from 0 to 1000, not 1001", self->why);
	EXPECT_EQ(-1, ioctl(self->m[0].fd, DMRING_IOC_BALLOT, &b));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_NE(NULL, strstr(b.why, "unknown flags"));
	b = (struct dmring_ioc_ballot){ .reserved = 1 };
	EXPECT_EQ(-1, ioctl(self->m[0].fd, DMRING_IOC_BALLOT, &b));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->m[0].fd, DMRING_IOC_BALLOT, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(was, self->m[0].user->ballot);
	EXPECT_EQ(0, proxy(self->m));
}

TEST_F(office, resigning)
{
	struct dmring_ioc_resign bad = { .reserved = 1 };
	struct dmring_ev ev;
	int i;

	EXPECT_EQ(-EPERM, rig_resign(&self->m[2], self->why));
	EXPECT_NE(NULL, strstr(self->why, "not in office: member 2"));
	EXPECT_EQ(-1, ioctl(self->m[0].fd, DMRING_IOC_RESIGN, &bad));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, proxy(self->m));
	rig_sleep(20);
	EXPECT_EQ(0, rig_resign(&self->m[0], self->why));
	EXPECT_EQ(1, proxy(self->m));
	EXPECT_EQ(DMRING_OFFICE_HANDED_OVER, last_office(&self->m[0], &ev));
	EXPECT_EQ(DMRING_TERM_RESIGNED, ev.reason);
	EXPECT_EQ(DMRING_OFFICE_TOOK_OVER, last_office(&self->m[1], &ev));
	for (i = 2; i < MEMBERS; i++)
		leave(&self->m[i]);
	/* who has served keeps its standing: it comes after those who have served less */
	EXPECT_EQ(0, rig_resign(&self->m[1], self->why));
	EXPECT_EQ(0, proxy(self->m));
	leave(&self->m[1]);
	EXPECT_EQ(-EBUSY, rig_resign(&self->m[0], self->why));
	EXPECT_NE(NULL, strstr(self->why, "nobody else is willing"));
	EXPECT_EQ(0, proxy(self->m));
}

/* Two who give it to each other keep nobody else from the ring */
TEST_F(office, resigning_again_and_again_takes_its_time)
{
	uint64_t begin = rig_ms();
	int i;

	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, rig_ballot(&self->m[i], true, DMRING_WEIGHT_MAX, NULL));
	for (i = 0; i < 40; i++) {
		EXPECT_EQ(0, rig_resign(&self->m[i % 2], self->why)) TH_LOG("%s", self->why);
		EXPECT_EQ(1 - i % 2, proxy(self->m));
	}
	/* one every 10 ms */
	EXPECT_LE(390, rig_ms() - begin);
	begin = rig_ms();
	for (i = 0; i < 40; i++) {
		EXPECT_EQ(0, rig_ballot(&self->m[i % 2], false, 0, NULL));
		EXPECT_EQ(0, rig_ballot(&self->m[i % 2], true, DMRING_WEIGHT_MAX, NULL));
		EXPECT_EQ(1 - i % 2, proxy(self->m));
	}
	EXPECT_LE(390, rig_ms() - begin);
	EXPECT_EQ(1 + 80, rig_proxy_get(name, DMRING_A_PROXY_TERM));
}

static void *gives_up(void *m)
{
	rig_ballot(m, false, 0, NULL);
	return NULL;
}

/* The first word has to wait, and is no more what the ballot says when its turn comes */
TEST_F(office, a_word_that_was_taken_back_takes_nothing_away)
{
	pthread_t other;
	int i, willing = 0;

	for (i = 1; i < MEMBERS; i++)
		leave(&self->m[i]);
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(0, rig_ballot(&self->m[0], true, 1, NULL));
		/* from now on the next has to wait */
		EXPECT_EQ(-EBUSY, rig_resign(&self->m[0], NULL));
		ASSERT_EQ(0, pthread_create(&other, NULL, gives_up, &self->m[0]));
		rig_sleep(2);
		EXPECT_EQ(0, rig_ballot(&self->m[0], true, 1, NULL));
		pthread_join(other, NULL);
		/* on a busy machine the other word may have been the last */
		if (!(self->m[0].user->ballot & DMRING_BALLOT_WILLING))
			continue;
		EXPECT_EQ(0, proxy(self->m));
		willing++;
	}
	EXPECT_LT(0, willing);
}

TEST_F(office, electing_by_name)
{
	struct dmring_ev ev;

	EXPECT_EQ(0, rig_elect(name, 2, NULL));
	EXPECT_EQ(2, proxy(self->m));
	EXPECT_EQ(DMRING_OFFICE_HANDED_OVER, last_office(&self->m[0], &ev));
	EXPECT_EQ(DMRING_TERM_ELECTED, ev.reason);
	EXPECT_EQ(0, rig_elect(name, 2, NULL));
	EXPECT_EQ(2, rig_proxy_get(name, DMRING_A_PROXY_TERM));
	EXPECT_EQ(-ENOENT, rig_elect(name, 77, self->why));
	EXPECT_NE(NULL, strstr(self->why, "has no member 77 on this host"));
	EXPECT_EQ(-ENOENT, rig_elect(name, 5000, NULL));
	EXPECT_EQ(-ENOENT, rig_elect("nowhere", 0, self->why));
	EXPECT_EQ(2, proxy(self->m));
	/* a count: member 2 has served, 0 has served, 1 is the oldest that has not */
	rig_sleep(20);
	EXPECT_EQ(0, rig_elect(name, UINT32_MAX, NULL));
	EXPECT_EQ(1, proxy(self->m));
}

/* The next of the events that tell the group of a term */
static bool next_term(struct rig_member *m, struct dmring_ev *ev)
{
	do {
		if (rig_event(m, ev, RIG_WAIT_MS))
			return false;
	} while (ev->what != DMRING_EV_PROXY);
	return true;
}

TEST_F(office, everybody_hears_of_each_term_once)
{
	struct dmring_ev ev;
	uint64_t term;

	for (term = 2; term < 20; term++)
		EXPECT_EQ(0, rig_elect(name, term % MEMBERS, NULL));
	for (term = 1; term < 20; term++) {
		ASSERT_TRUE(next_term(&self->m[0], &ev));
		/* member 0 attached as the first of them began */
		ASSERT_EQ(term, ev.arg);
		EXPECT_EQ(term == 1 ? 1 : term % MEMBERS + 1, ev.arg2);
	}
	EXPECT_EQ(19, rig_proxy_get(name, DMRING_A_PROXY_TERM));
}

#define TRACING	"/sys/kernel/tracing/"
#define TERMS	TRACING "events/dmring/dmring_proxy/enable"

/* Does a line of the file have @text? */
static bool file_has(const char *path, const char *text)
{
	FILE *f = fopen(path, "r");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, text);
	if (f)
		fclose(f);
	return found;
}

static bool is_traced(const char *text)
{
	return file_has(TRACING "trace", text);
}

TEST_F(office, each_term_is_traced)
{
	if (!file_has("/proc/filesystems", "tracefs"))
		SKIP(return, "this kernel has no tracefs");
	ASSERT_TRUE(!mount("tracefs", TRACING, "tracefs", 0, NULL) || errno == EBUSY);
	/* with names of processes it would trace its scheduler: see net/call-departures.h */
	ASSERT_TRUE(rig_write_file(TRACING "trace_options", "norecord-cmd"));
	ASSERT_TRUE(rig_write_file(TERMS, "1"));
	EXPECT_EQ(0, rig_elect(name, 2, NULL));
	leave(&self->m[2]);
	EXPECT_TRUE(rig_write_file(TERMS, "0"));
	EXPECT_EQ(0, rig_elect(name, 3, NULL));
	snprintf(self->why, sizeof(self->why), "dmring_proxy: ring=%s member=2 term=2 why=%d ",
		 name, DMRING_TERM_ELECTED);
	EXPECT_TRUE(is_traced(self->why)) TH_LOG("%s", self->why);
	snprintf(self->why, sizeof(self->why), "dmring_proxy: ring=%s member=1 term=3 why=%d ",
		 name, DMRING_TERM_LEFT);
	EXPECT_TRUE(is_traced(self->why)) TH_LOG("%s", self->why);
	EXPECT_FALSE(is_traced(" term=4 "));
	EXPECT_TRUE(rig_write_file(TRACING "trace", " "));
}

TEST_F(office, machine_scope_has_none)
{
	struct rig_member m = {};

	ASSERT_EQ(0, rig_ring_add("no-office", NULL));
	ASSERT_EQ(0, rig_join(&m, "no-office", 0));
	EXPECT_EQ(-EOPNOTSUPP, rig_ballot(&m, true, 5, self->why));
	EXPECT_NE(NULL, strstr(self->why, "has scope machine"));
	EXPECT_EQ(-EOPNOTSUPP, rig_resign(&m, self->why));
	EXPECT_EQ(-EOPNOTSUPP, rig_elect("no-office", 0, self->why));
	EXPECT_NE(NULL, strstr(self->why, "has scope machine"));
	rig_leave(&m);
	EXPECT_EQ(0, rig_ring_del("no-office"));
}

TEST_F(office, rotation_of_zero_seconds_is_refused)
{
	int i;

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-ERANGE, set_rotate(i ? 86401 : 0, self->why));
		EXPECT_NE(NULL, strstr(self->why, "\"rotate\" is from 1 to 86400 s or never"));
	}
	EXPECT_EQ(DMRING_ROTATE_NEVER, rig_ring_get(name, DMRING_A_RING_ROTATE));
}

static int office_events(struct rig_member *m)
{
	struct dmring_ev ev;
	int n = 0;

	while (!rig_private_event(m, &ev))
		n += ev.what == DMRING_EV_OFFICE;
	return n;
}

/* What the two read, and what is counted as lost, is all that there was */
TEST_F(office, an_event_without_room_is_counted)
{
	struct rig_member *m = &self->m[3];
	struct dmring_ev ev;
	uint64_t term, id;
	int n;

	leave(m);
	m->at.out_size = DMRING_SPACE_MIN;
	ASSERT_EQ(0, rig_attach(m, name, 0));
	ASSERT_EQ(0, rig_map(m));
	for (term = 1; term <= 200; term++) {
		/* the thread is to keep up: what it has no place for is counted, too */
		ASSERT_TRUE(next_term(&self->m[0], &ev));
		EXPECT_EQ(term, ev.arg);
		id = term % 2 ? m->at.id : 0;
		EXPECT_EQ(0, rig_elect(name, id, NULL));
		EXPECT_EQ(id, proxy(self->m));
	}
	n = office_events(m);
	EXPECT_LT(10, n);
	EXPECT_GT(200, n);
	n += office_events(&self->m[0]);
	/* it won, and each time one took over and one handed over */
	EXPECT_EQ(1 + 400, n + rig_ring_stat(name, DMRING_A_STAT_EVENTS_LOST));
	EXPECT_EQ(0, rig_elect(name, m->at.id, NULL));
	EXPECT_EQ(DMRING_OFFICE_TOOK_OVER, last_office(m, &ev));
}

/*
 * Time in office
 */

/* The least and the most that any has served (ms); false before each has had three terms */
static bool shares(struct rig_member *m, uint64_t *least, uint64_t *most)
{
	bool enough = true;
	int i;

	*least = UINT64_MAX;
	*most = 0;
	for (i = 0; i < MEMBERS; i++) {
		uint64_t ms = rig_member_get(name, m[i].at.id, DMRING_A_MEMBER_SERVED_MS);

		*least = ms < *least ? ms : *least;
		*most = ms > *most ? ms : *most;
		enough &= rig_member_get(name, m[i].at.id, DMRING_A_MEMBER_TERMS) >= 3;
	}
	return enough;
}

TEST_F(office, four_equal_members_share_the_time)
{
	const struct rig_conf conf = {
		.node = 1, .addr = LOOPBACK, .port = 7011, .rotate_s = 1,
	};
	uint64_t least, most;
	int i;

	for (i = 0; i < MEMBERS; i++)
		leave(&self->m[i]);
	rig_ring_del(name);
	ASSERT_EQ(0, rig_ring_add(name, &conf));
	for (i = 0; i < MEMBERS; i++)
		ASSERT_EQ(0, rig_join(&self->m[i], name, 0));
	/* at the end of a round; between two ends one is a term ahead of another */
	EXPECT_TRUE(rig_within(90000, shares(self->m, &least, &most) &&
			       most <= least + least / 10));
	printf("# served %llu to %llu ms\n", (unsigned long long)least, (unsigned long long)most);
	EXPECT_LE(2000, least);
}

TEST_F(office, the_heaviest_stays_when_its_turn_is_over)
{
	EXPECT_EQ(0, rig_ballot(&self->m[0], true, 101, NULL));
	EXPECT_EQ(0, set_rotate(1, NULL));
	rig_sleep(2500);
	EXPECT_EQ(0, proxy(self->m));
	EXPECT_EQ(1, rig_proxy_get(name, DMRING_A_PROXY_TERM));
	EXPECT_EQ(0, rig_ballot(&self->m[0], true, 99, NULL));
	EXPECT_TRUE(rig_within(RIG_WAIT_MS, proxy(self->m) == 1));
	EXPECT_EQ(DMRING_TERM_ROTATED, rig_proxy_get(name, DMRING_A_PROXY_REASON));
}

TEST_HARNESS_MAIN
