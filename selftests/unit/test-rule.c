// SPDX-License-Identifier: GPL-2.0-only
/* View, sizes and windows. */
#include "test.h"

static char why[DMRING_WHY_SIZE];

static void view_order(void)
{
	static const u32 nodes[] = { 9, 2, 7, 4, 7 };
	struct dmring_view v;

	CHECK(!dmring_view_set(&v, 4, 99, nodes, 5, why));
	CHECK(v.count == 4 && v.node[0] == 2 && v.node[1] == 4 && v.node[2] == 7);
	CHECK(v.node[3] == 9 && v.self == 1 && v.succ == 2 && v.pred == 0 && v.inc[1] == 99);
	CHECK(dmring_view_index(&v, 9) == 3 && dmring_view_index(&v, 2) == 0);
	CHECK(dmring_view_index(&v, 3) == DMRING_VIEW_NONE);
	CHECK(!dmring_view_set(&v, 9, 1, nodes, 4, why) && v.succ == 0 && v.pred == 2);
	CHECK(!dmring_view_set(&v, 9, 1, nodes, 2, why) && v.succ == 0 && v.pred == 0);
	CHECK(!dmring_view_set(&v, 9, 1, NULL, 0, why) && v.count == 1);
	CHECK(v.succ == DMRING_VIEW_NONE && v.pred == DMRING_VIEW_NONE);
}

static void view_limits(void)
{
	u32 nodes[DMRING_HOSTS_MAX + 1];
	struct dmring_view v;
	u32 i;

	for (i = 0; i <= DMRING_HOSTS_MAX; i++)
		nodes[i] = i + 1;
	CHECK(!dmring_view_set(&v, 1, 1, nodes, DMRING_HOSTS_MAX, why));
	CHECK(dmring_view_set(&v, 1, 1, nodes, DMRING_HOSTS_MAX + 1, why) == -ENOSPC);
	CHECK(strstr(why, "at most 128 hosts"));
	nodes[3] = 0;
	CHECK(dmring_view_set(&v, 1, 1, nodes, 8, why) == -EINVAL);
}

static void view_incarnations(void)
{
	static const u32 nodes[] = { 1, 2, 3 };
	struct dmring_view v;

	dmring_view_set(&v, 1, 5, nodes, 3, why);
	CHECK(!dmring_view_check_inc(&v, 2, 8, why));
	dmring_view_learn(&v, 2, 0);
	dmring_view_learn(&v, 2, 8);
	dmring_view_learn(&v, 2, 9);
	CHECK(v.inc[2] == 8 && !dmring_view_check_inc(&v, 2, 8, why));
	CHECK(!dmring_view_check_inc(&v, 2, 0, why));
	CHECK(dmring_view_check_inc(&v, 2, 9, why) == -ESTALE);
	CHECK(!strcmp(why, "host 3 was restarted: its incarnation changed; "
		      "set the ring up anew or install a view"));
}

static void costs(void)
{
	u32 len;

	CHECK(dmring_cost(0, 0) == 64 && dmring_cost(48, 0) == 64 && dmring_cost(49, 0) == 80);
	CHECK(dmring_cost(32, DMRING_REC_IDENT) == 64 && dmring_cost(33, DMRING_REC_IDENT) == 80);
	for (len = 0; len < 5000; len++) {
		CHECK(dmring_cost_payload(dmring_cost(len, 0), 0) >= len);
		CHECK(dmring_cost(dmring_cost_payload(dmring_cost(len, 0), 0), 0) ==
		      dmring_cost(len, 0));
	}
	CHECK(dmring_cost_payload(dmring_cost(DMRING_MSG_MAX, 0), 0) == DMRING_MSG_MAX);
}

/* For every log and number of hosts: all windows, a record and the events fit. */
static void windows_fit(void)
{
	u64 log;
	u16 n;

	for (log = DMRING_LOG_MIN; log <= DMRING_LOG_MAX; log *= 2) {
		for (n = 2; n <= DMRING_HOSTS_MAX; n++) {
			u32 rec = dmring_rec_auto(log, n, 0);
			u32 w = dmring_window_size(log, rec, n);

			CHECK(rec >= DMRING_COST_MIN && rec % DMRING_ALIGN == 0);
			CHECK(w >= rec && (u64)n * w + rec + dmring_event_share(log) <= log);
			CHECK(!dmring_window_size(log, log / n, n));
			CHECK(rec <= dmring_cost(DMRING_MSG_MAX, 0));
			CHECK(dmring_window_size(log * 2, rec, n) >= w);
		}
	}
	CHECK(!dmring_window_size(65536, 65536, 2));
}

/* A log of the least size is for fewer hosts: of those the record of a view fits. */
static void hosts_by_log(void)
{
	u64 log;

	CHECK(dmring_view_hosts(DMRING_LOG_MIN) == 64);
	CHECK(dmring_view_hosts(DMRING_LOG_MAX) == DMRING_HOSTS_MAX);
	for (log = DMRING_LOG_MIN; log <= DMRING_LOG_MAX; log *= 2)
		CHECK(dmring_cost(DMRING_VIEW_EV(dmring_view_hosts(log)), 0) <=
		      dmring_event_share(log) / 8 * 5);
}

/* If each host's own sizes are sound, the least of all are. */
static void least_is_sound(void)
{
	u64 seed = 3;
	u32 i, rec[2], log[2];

	for (i = 0; i < 200000; i++) {
		u16 n = 2 + rnd_below(&seed, DMRING_HOSTS_MAX - 1), k;

		for (k = 0; k < 2; k++) {
			log[k] = 65536U << rnd_below(&seed, 8);
			rec[k] = 64 + 16 * rnd_below(&seed, 65536);
			if (!dmring_window_size(log[k], rec[k], n))
				rec[k] = dmring_rec_auto(log[k], n, 0);
		}
		CHECK(dmring_window_size(min(log[0], log[1]), min(rec[0], rec[1]), n));
	}
}

static void asking(void)
{
	struct dmring_window w = { .limit = 1000 };
	bool raised = false;

	CHECK(!dmring_window_ask(&w, 0, 1000, &raised) && !raised && !w.want);
	CHECK(dmring_window_ask(&w, 960, 64, &raised) == -EAGAIN && raised && w.want == 24);
	CHECK(dmring_window_ask(&w, 960, 64, &raised) == -EAGAIN && !raised);
	w.released = 23;
	CHECK(dmring_window_ask(&w, 960, 64, &raised) == -EAGAIN);
	w.released = 24;
	CHECK(!dmring_window_ask(&w, 960, 64, &raised) && w.want == 24);
}

const struct test rule_tests[] = {
	{ "view: hosts in ring order", view_order },
	{ "view: limits", view_limits },
	{ "view: incarnations", view_incarnations },
	{ "window: costs", costs },
	{ "window: all windows fit every log", windows_fit },
	{ "sizes: hosts for a log", hosts_by_log },
	{ "window: the least sizes are sound", least_is_sound },
	{ "window: asking", asking },
	{ NULL, NULL },
};
