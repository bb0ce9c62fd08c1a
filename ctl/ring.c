// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl ring
 */
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/dmring_netlink.h>

#include "ctl.h"
#include "json.h"
#include "names.h"
#include "nl.h"
#include "requests.h"
#include "stop.h"
#include "words.h"

#define RING(name)	DMRING_A_RING_##name
#define STAT(word, name)	OUT(word, out_maybe, DMRING_A_STAT_##name)

#define REREAD_MS	1000	/* should an event be lost */

/* "slow evict MS" */
static int put_slow(struct words *w, const struct word *d, void *to)
{
	const struct word ms = WORD("slow evict", words_put_u32, RING(SLOW_MS));
	bool evict = w->argc && !strcmp(w->argv[0], slow_names[DMRING_SLOW_EVICT]);
	int status = words_put_enum(w, d, to);

	return !status && evict ? ms.take(w, &ms, to) : status;
}

/* "rotate SECONDS" or "rotate never" */
static int put_rotate(struct words *w, const struct word *d, void *to)
{
	if (!w->argc || strcmp(w->argv[0], "never"))
		return words_put_u32(w, d, to);
	words_next(w);
	mnl_attr_put_u32(to, d->at, DMRING_ROTATE_NEVER);
	return CTL_OK;
}

static const struct word ring_words[] = {
	WORD("scope", words_put_enum, RING(SCOPE), .names = scope_names),
	WORD("order", words_put_enum, RING(ORDER), .names = order_names),
	WORD("node", words_put_u32, RING(NODE)),
	WORD("listen", words_put_addr, RING(LISTEN)),
	WORD("log", words_put_bytes64, RING(LOG_SIZE)),
	WORD("slots", words_put_u32, RING(SLOTS)),
	WORD("slow", put_slow, RING(SLOW), .names = slow_names),
	WORD("owner", words_put_user, RING(UID)),
	WORD("group", words_put_group, RING(GID)),
	WORD("mode", words_put_octal, RING(MODE)),
	WORD("max", words_put_bytes32, RING(MAX_MSG)),
	WORD("dead", words_put_u32, RING(DEAD_MS)),
	WORD("rotate", put_rotate, RING(ROTATE)),
	WORD("proxy-timeout", words_put_u32, RING(PROXY_TIMEOUT)),
	WORD("identify", words_bit, 0, .bit = DMRING_RING_IDENTIFY),
	WORD("insecure", words_bit, 0, .bit = DMRING_RING_INSECURE),
	{ }
};

static const struct out_field stat_fields[] = {
	STAT("messages", MESSAGES),
	STAT("bytes", BYTES),
	STAT("log_used", LOG_USED),
	STAT("full", FULL),
	STAT("dropped", DROPPED),
	STAT("left", LEFT),
	STAT("killed", KILLED),
	STAT("evicted", EVICTED),
	STAT("rejected", REJECTED),
	STAT("wakes", WAKES),
	STAT("sent", SENT),
	STAT("sent_bytes", SENT_BYTES),
	STAT("received", RECEIVED),
	STAT("received_bytes", RECEIVED_BYTES),
	STAT("duplicates", DUPLICATES),
	STAT("link_ups", LINK_UPS),
	STAT("link_errors", LINK_ERRORS),
	STAT("refused", REFUSED),
	STAT("events_lost", EVENTS_LOST),
	STAT("calls", CALLS),
	STAT("calls_replied", CALLS_REPLIED),
	STAT("calls_failed", CALLS_FAILED),
	STAT("calls_open", CALLS_OPEN),
	STAT("served", SERVED),
	STAT("stale", STALE),
	{ }
};

/* Seconds; 0 for never, as on a ring that has no proxy */
static struct json_object *out_rotate(const struct out_field *f, const struct nlattr *attr)
{
	bool never = !attr || mnl_attr_get_u32(attr) == DMRING_ROTATE_NEVER;

	return out_uint(f, never ? NULL : attr);
}

static const struct out_field ring_fields[] = {
	OUT("name", out_str, RING(NAME), .text = "ring"),
	OUT("scope", out_enum, RING(SCOPE), .names = scope_names),
	OUT("order", out_enum, RING(ORDER), .names = order_names),
	OUT("node", out_uint, RING(NODE)),
	OUT("listen", out_addr, RING(LISTEN)),
	OUT("state", out_enum, RING(STATE), .names = state_names),
	OUT("members", out_uint, RING(MEMBERS), .flags = OUT_LINE),
	OUT("hosts", out_uint, RING(HOSTS)),
	OUT("view", out_uint, RING(VIEW)),
	OUT("incarnation", out_hex, RING(INCARNATION)),
	OUT("proxy", out_nest, RING(PROXY), .sub = office_fields),
	OUT("log", out_uint, RING(LOG_SIZE), .flags = OUT_LINE),
	OUT("slots", out_uint, RING(SLOTS)),
	OUT("max_msg", out_uint, RING(MAX_MSG)),
	OUT("slow", out_enum, RING(SLOW), .names = slow_names),
	OUT("slow_ms", out_uint, RING(SLOW_MS)),
	OUT("dead_ms", out_uint, RING(DEAD_MS)),
	OUT("rotate", out_rotate, RING(ROTATE)),
	OUT("proxy_timeout_ms", out_uint, RING(PROXY_TIMEOUT)),
	OUT("owner", out_uint, RING(UID), .flags = OUT_LINE),
	OUT("group", out_uint, RING(GID)),
	OUT("mode", out_octal, RING(MODE)),
	OUT("identify", out_bit, RING(FLAGS), .bit = DMRING_RING_IDENTIFY),
	OUT("insecure", out_bit, RING(FLAGS), .bit = DMRING_RING_INSECURE),
	OUT("mem_ring", out_uint, RING(MEM_RING), .flags = OUT_LINE),
	OUT("mem_member", out_uint, RING(MEM_MEMBER)),
	OUT("stats", out_nest, RING(STATS), .flags = OUT_LINE | OUT_STATS, .sub = stat_fields),
	{ }
};

static int config_request(struct words *w, __u8 cmd, void *buf)
{
	struct nlattr *nest;
	const char *name;
	int status;

	if (words_ring(w, &name))
		return CTL_USAGE;
	nest = request_begin(buf, cmd, 0, DMRING_A_RING, name);
	status = words_take(w, ring_words, buf);
	if (w->bits)
		mnl_attr_put_u32(buf, RING(FLAGS), w->bits);
	mnl_attr_nest_end(buf, nest);
	return status;
}

int ring_add_request(struct words *w, void *buf)
{
	return config_request(w, DMRING_CMD_RING_ADD, buf);
}

int ring_del_request(struct words *w, void *buf)
{
	const char *name;

	if (words_ring(w, &name))
		return CTL_USAGE;
	mnl_attr_nest_end(buf, request_begin(buf, DMRING_CMD_RING_DEL, 0, DMRING_A_RING, name));
	return CTL_OK;
}

void ring_get_request(const char *name, void *buf)
{
	request_get(buf, DMRING_CMD_RING_GET, 0, DMRING_A_RING, name);
}

static int ring_add(struct words *w)
{
	char buf[NL_REQUEST_SIZE];
	int status = ring_add_request(w, buf);

	return status ? status : nl_do((void *)buf, NULL, NULL);
}

static int ring_set(struct words *w)
{
	char buf[NL_REQUEST_SIZE];
	int status = config_request(w, DMRING_CMD_RING_SET, buf);

	return status ? status : nl_do((void *)buf, NULL, NULL);
}

static int ring_del(struct words *w)
{
	char buf[NL_REQUEST_SIZE];

	if (ring_del_request(w, buf) || words_end(w))
		return CTL_USAGE;
	return nl_do((void *)buf, NULL, NULL);
}

static int ring_show(struct words *w)
{
	return request_show(w, DMRING_CMD_RING_GET, 0, DMRING_A_RING, ring_fields);
}

struct wait {
	const char *name;
	__s64 timeout;	/* ns, negative for ever */
	int state;
	bool gone;
};

static const struct word wait_words[] = {
	WORD("timeout", words_set_seconds, offsetof(struct wait, timeout)),
	{ }
};

static void take_state(const struct nlattr *ring, void *arg)
{
	struct wait *wait = arg;
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, ring)
		if (mnl_attr_get_type(attr) == RING(STATE))
			wait->state = mnl_attr_get_u8(attr);
}

static void ignore_event(const struct nlattr *event, void *arg)
{
	(void)event;
	(void)arg;
}

/* Sleeps until an event, a signal, or the time to look again */
static int wait_event(struct nl *events, __s64 deadline)
{
	int ms = stop_ms_left(deadline);

	if (stop_poll(nl_fd(events), POLLIN, ms < REREAD_MS ? ms : REREAD_MS))
		return CTL_REFUSED;
	return nl_events(events, ignore_event, NULL);
}

static int wait_closed(struct wait *wait, struct nl *events, struct nl *nl)
{
	__s64 deadline = stop_deadline(wait->timeout);
	char buf[NL_REQUEST_SIZE];

	for (;;) {
		ring_get_request(wait->name, buf);
		if (nl_talk(nl, (void *)buf, take_state, wait))
			return CTL_REFUSED;
		if (wait->state == DMRING_RING_UP || wait->state == DMRING_RING_CLOSED)
			return CTL_OK;
		if (!stop_ms_left(deadline))
			return ctl_refuse("timed out: ring \"%s\" is %s, not closed", wait->name,
					  state_names[wait->state]);
		if (wait_event(events, deadline))
			return CTL_REFUSED;
	}
}

/* Listens first and looks then, so that no change falls between */
static int ring_wait(struct words *w)
{
	struct wait wait = { .timeout = -1 };
	struct nl *events, *nl = NULL;
	int status = CTL_REFUSED;

	if (words_ring(w, &wait.name) || words_take(w, wait_words, &wait))
		return CTL_USAGE;
	stop_catch();
	events = nl_open();
	if (events && !nl_subscribe(events))
		nl = nl_open();
	if (nl)
		status = wait_closed(&wait, events, nl);
	nl_close(nl);
	nl_close(events);
	return status;
}

const struct verb ring_verbs[] = {
	{ "add", "NAME [scope machine|network] [order fifo|total|safe] [node ID]\n"
	  "      [listen ADDR:PORT] [log BYTES] [slots N] [slow block | slow evict MS | slow drop]\n"
	  "      [owner UID] [group GID] [mode OCTAL] [max BYTES] [dead MS]\n"
	  "      [rotate SECONDS|never] [proxy-timeout MS] [identify] [insecure]",
	  ring_add },
	{ "set", "NAME [slow block | slow evict MS | slow drop] [owner UID] [group GID]\n"
	  "      [mode OCTAL] [rotate SECONDS|never] [proxy-timeout MS]", ring_set },
	{ "del", "NAME", ring_del },
	{ "show", "[NAME]", ring_show },
	{ "wait", "NAME [timeout SEC]", ring_wait },
	{ }
};
