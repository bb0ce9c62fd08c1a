// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl status: what members have set with dmring_status_set()
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>
#include <libmnl/libmnl.h>
#include <linux/dmring_netlink.h>

#include "ctl.h"
#include "json.h"
#include "nl.h"
#include "requests.h"
#include "stop.h"
#include "words.h"

#define STATUS(name)	DMRING_A_STATUS_##name

#define WATCH_MS	250
#define TOP_AND_CLEAR	"\033[H\033[J"	/* of a terminal */

static const struct out_field status_fields[] = {
	OUT("ring", out_str, STATUS(RING)),
	OUT("node", out_uint, STATUS(NODE)),
	OUT("member", out_uint, STATUS(MEMBER)),
	OUT("state", out_uint, STATUS(STATE)),
	OUT("progress", out_uint, STATUS(PROGRESS)),
	OUT("text", out_str, STATUS(TEXT)),
	{ }
};

/* A terminal shows one table; into a file they go one after the other. */
static int draw(const struct out *out, bool terminal, bool first)
{
	if (terminal)
		fputs(TOP_AND_CLEAR, stdout);
	else if (!ctl.json && !first)
		putchar('\n');
	return out_print(out);
}

/* Until a signal comes, nobody reads any more or the kernel refuses */
static int watch(struct nlmsghdr *request, struct out *out)
{
	bool terminal = !ctl.json && isatty(STDOUT_FILENO);
	struct json_object *shown = NULL;
	int status;

	stop_catch();
	do {
		status = nl_dump(request, out_add, out_restart, out);
		if (status || (!terminal && shown && json_object_equal(shown, out->list)))
			continue;
		status = draw(out, terminal, !shown);
		json_object_put(shown);
		shown = json_object_get(out->list);
	} while (!status && !ferror(stdout) && !stop_poll(-1, 0, WATCH_MS));
	json_object_put(shown);
	json_object_put(out->list);
	return status;
}

static int show(struct nlmsghdr *request, struct out *out)
{
	int status = nl_dump(request, out_add, out_restart, out);

	return status ? status : out_end(out);
}

/* "status", "status NAME", "status watch", "status NAME watch" */
static int status(struct words *w)
{
	struct out out = { .fields = status_fields, .columns = true };
	char buf[NL_REQUEST_SIZE];
	const char *name = NULL;
	bool again;

	if (w->argc && (w->argc > 1 || strcmp(w->argv[0], "watch")))
		name = words_next(w);
	again = w->argc && !strcmp(w->argv[0], "watch");
	if (again)
		words_next(w);
	if (words_end(w))
		return CTL_USAGE;
	request_get(buf, DMRING_CMD_STATUS_GET, NLM_F_DUMP, DMRING_A_STATUS, name);
	return again ? watch((void *)buf, &out) : show((void *)buf, &out);
}

const struct verb status_verbs[] = {
	{ NULL, "[NAME] [watch]", status },
	{ }
};
