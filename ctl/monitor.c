// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl monitor
 */
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <json-c/json.h>
#include <linux/dmring_netlink.h>

#include "ctl.h"
#include "json.h"
#include "names.h"
#include "nl.h"
#include "stop.h"
#include "words.h"

#define EVENT(name)	DMRING_A_EVENT_##name

/* As out_uint(), but nothing when it was not sent */
static struct json_object *given_uint(const struct out_field *f, const struct nlattr *attr)
{
	return attr ? out_uint(f, attr) : NULL;
}

static struct json_object *time_now(const struct out_field *f, const struct nlattr *attr)
{
	struct timespec ts;
	char text[32];

	(void)f;
	(void)attr;
	clock_gettime(CLOCK_REALTIME, &ts);
	snprintf(text, sizeof(text), "%lld.%06ld", (long long)ts.tv_sec, ts.tv_nsec / 1000);
	return json_object_new_double_s(ts.tv_sec + ts.tv_nsec / 1e9, text);
}

static const struct out_field event_fields[] = {
	OUT("time", time_now, 0, .flags = OUT_BARE),
	OUT("ring", out_str, EVENT(RING)),
	OUT("event", out_enum, EVENT(WHAT), .flags = OUT_BARE, .names = ntf_names),
	OUT("member", given_uint, EVENT(MEMBER)),
	OUT("pid", given_uint, EVENT(PID)),
	OUT("reason", out_enum, EVENT(REASON), .names = reason_names),
	OUT("term_reason", out_enum, EVENT(TERM_REASON), .names = term_names),
	OUT("term", given_uint, EVENT(TERM)),
	OUT("duration_ms", given_uint, EVENT(DURATION_MS)),
	OUT("node", given_uint, EVENT(NODE)),
	OUT("view", given_uint, EVENT(VIEW)),
	OUT("why", out_str, EVENT(WHY)),
	{ }
};

struct monitor {
	const char *ring;	/* NULL for all */
	int status;
};

static bool is_about(const struct nlattr *event, const char *ring)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, event)
		if (mnl_attr_get_type(attr) == EVENT(RING))
			return !ring || !strcmp(mnl_attr_get_str(attr), ring);
	return false;
}

static void show_event(const struct nlattr *event, void *arg)
{
	struct monitor *m = arg;

	if (!event)
		ctl_refuse("events came too fast, some were lost");
	else if (is_about(event, m->ring))
		m->status = out_line(event_fields, out_object(event_fields, event));
}

static int monitor_run(struct monitor *m, struct nl *nl)
{
	if (nl_subscribe(nl))
		return CTL_REFUSED;
	while (!m->status && !ferror(stdout)) {
		if (stop_poll(nl_fd(nl), POLLIN, INT_MAX))
			break;
		if (nl_events(nl, show_event, m))
			return CTL_REFUSED;
	}
	return m->status;
}

static int monitor(struct words *w)
{
	struct monitor m = { .status = CTL_OK };
	int status = CTL_REFUSED;
	struct nl *nl;

	if (words_last(w, &m.ring))
		return CTL_USAGE;
	stop_catch();
	nl = nl_open();
	if (nl)
		status = monitor_run(&m, nl);
	nl_close(nl);
	return status;
}

const struct verb monitor_verbs[] = {
	{ NULL, "[NAME]", monitor },
	{ }
};
