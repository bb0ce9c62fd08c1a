// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl view: what a coordinator does, by hand
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <libmnl/libmnl.h>
#include <linux/dmring.h>
#include <linux/dmring_netlink.h>

#include "ctl.h"
#include "json.h"
#include "names.h"
#include "nl.h"
#include "requests.h"
#include "words.h"

#define LIST_MAX	(2 * DMRING_HOSTS_MAX)	/* the kernel says what it takes */
#define ITEM_SIZE	36			/* one of them, as attributes */
#define FILL_SIZE	(NL_REQUEST_SIZE + 2 * LIST_MAX * ITEM_SIZE)

#define VIEW(name)	DMRING_A_VIEW_##name
#define HOST(name)	DMRING_A_VIEW_HOST_##name

/*
 * Lists of hosts, as words: "1:8f0e45d1c2b3a495:stays,4:77aa00cc00ee1234" with incarnations as
 * they are shown, and "1:1200,2:0,3:17:silent" with numbers of messages
 */

static bool put_reason(struct nlmsghdr *nlh, const char *name)
{
	__u16 i;

	for (i = 0; away_names[i]; i++) {
		if (!strcmp(away_names[i], name)) {
			mnl_attr_put_u16(nlh, HOST(REASON), i);
			return true;
		}
	}
	return false;
}

static bool put_number(struct nlmsghdr *nlh, __u16 attr, const char *text, int base)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = text && isxdigit(*text) ? strtoull(text, &end, base) : 0;
	if (!text || !isxdigit(*text) || *end || errno)
		return false;
	mnl_attr_put_u64(nlh, attr, n);
	return true;
}

static bool put_node(struct nlmsghdr *nlh, const char *text)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = isdigit(*text) ? strtoul(text, &end, 10) : 0;
	if (!isdigit(*text) || *end || errno || n > UINT32_MAX)
		return false;
	mnl_attr_put_u32(nlh, HOST(NODE), n);
	return true;
}

static bool put_new_host(struct nlmsghdr *nlh, char *item)
{
	if (!put_node(nlh, strsep(&item, ":")) ||
	    !put_number(nlh, HOST(INCARNATION), strsep(&item, ":"), 16))
		return false;
	if (item && !strcmp(item, "stays"))
		mnl_attr_put(nlh, HOST(STAYS), 0, NULL);
	else if (item)
		return false;
	return true;
}

static bool put_cut(struct nlmsghdr *nlh, char *item)
{
	return put_node(nlh, strsep(&item, ":")) &&
	       put_number(nlh, HOST(SEQ), strsep(&item, ":"), 10) &&
	       (!item || put_reason(nlh, item));
}

static int put_list(struct words *w, const struct word *d, struct nlmsghdr *nlh, char *list)
{
	bool good = true;
	struct nlattr *nest;
	char *item;
	int n = 0;

	while (good && (item = strsep(&list, ","))) {
		if (n++ == LIST_MAX)
			return words_usage(w, "\"%s\": the list is too long", d->name);
		nest = mnl_attr_nest_start(nlh, d->at);
		good = d->at == VIEW(CUT) ? put_cut(nlh, item) : put_new_host(nlh, item);
		mnl_attr_nest_end(nlh, nest);
	}
	if (good)
		return CTL_OK;
	return words_usage(w, "\"%s\": a host is ID:%s", d->name, d->at == VIEW(CUT) ?
			   "MESSAGES[:REASON]" : "INCARNATION[:stays]");
}

static int put_hosts(struct words *w, const struct word *d, void *to)
{
	const char *text;
	char *list;
	int status;

	status = words_need(w, &text, "\"%s\" needs a list of hosts", d->name);
	if (status)
		return status;
	list = strdup(text);
	if (!list)
		return ctl_refuse("out of memory");
	status = put_list(w, d, to, list);
	free(list);
	return status;
}

/*
 * Answers
 */

static const struct out_field host_fields[] = {
	OUT("node", out_uint, HOST(NODE), .flags = OUT_BARE),
	OUT("incarnation", out_hex, HOST(INCARNATION), .flags = OUT_BARE),
	OUT("have", out_maybe, HOST(SEQ)),
	{ }
};

static const struct out_field next_fields[] = {
	OUT("node", out_uint, HOST(NODE), .flags = OUT_BARE),
	OUT("incarnation", out_hex, HOST(INCARNATION), .flags = OUT_BARE),
	OUT("stays", out_flag, HOST(STAYS)),
	{ }
};

static const struct out_field cut_fields[] = {
	OUT("node", out_uint, HOST(NODE), .flags = OUT_BARE),
	OUT("messages", out_uint, HOST(SEQ), .flags = OUT_BARE),
	OUT("reason", out_enum, HOST(REASON), .names = away_names),
	{ }
};

static const struct out_field record_fields[] = {
	OUT("number", out_uint, VIEW(NUMBER)),
	OUT("attempt", out_uint, VIEW(ATTEMPT)),
	OUT("prev", out_uint, VIEW(PREV)),
	OUT("sequencer", out_uint, VIEW(SEQUENCER)),
	OUT("quorum", out_flag, VIEW(QUORUM)),
	OUT("ordered", out_uint, VIEW(ORDERED)),
	OUT("base", out_uint, VIEW(BASE)),
	OUT("hosts", NULL, VIEW(HOST), .flags = OUT_EACH, .sub = next_fields),
	OUT("cut", NULL, VIEW(CUT), .flags = OUT_EACH, .sub = cut_fields),
	{ }
};

static struct json_object *record(const struct out_field *f, const struct nlattr *attr)
{
	return attr ? out_object(f->sub, attr) : NULL;
}

static const struct out_field view_fields[] = {
	OUT("ring", out_str, VIEW(RING)),
	OUT("view", out_uint, VIEW(NUMBER)),
	OUT("quorum", out_flag, VIEW(QUORUM)),
	OUT("phase", out_enum, VIEW(PHASE), .names = phase_names),
	OUT("incarnation", out_hex, VIEW(INCARNATION)),
	OUT("base", out_maybe, VIEW(BASE)),
	OUT("ordered", out_maybe, VIEW(ORDERED)),
	OUT("safe", out_maybe, VIEW(SAFE)),
	OUT("hosts", NULL, VIEW(HOST), .flags = OUT_LINE | OUT_EACH, .sub = host_fields),
	OUT("prepared", out_maybe, VIEW(PREPARED), .flags = OUT_LINE),
	OUT("attempt", out_maybe, VIEW(ATTEMPT)),
	OUT("joins", out_flag, VIEW(JOIN)),
	OUT("next_incarnation", out_hex, VIEW(NEXT_INCARNATION)),
	OUT("complete", out_flag, VIEW(COMPLETE)),
	OUT("gave_up", out_flag, VIEW(GAVE_UP)),
	OUT("record", record, VIEW(RECORD), .flags = OUT_LINE, .sub = record_fields),
	{ }
};

/*
 * Verbs
 */

static const struct word prepare_words[] = {
	WORD("number", words_put_u32, VIEW(NUMBER), .required = true),
	WORD("attempt", words_put_u32, VIEW(ATTEMPT), .required = true),
	WORD("join", words_put_flag, VIEW(JOIN)),
	{ }
};

static const struct word fill_words[] = {
	WORD("number", words_put_u32, VIEW(NUMBER), .required = true),
	WORD("attempt", words_put_u32, VIEW(ATTEMPT), .required = true),
	WORD("prev", words_put_u32, VIEW(PREV), .required = true),
	WORD("hosts", put_hosts, VIEW(HOST), .required = true),
	WORD("cut", put_hosts, VIEW(CUT)),
	WORD("sequencer", words_put_u32, VIEW(SEQUENCER)),
	WORD("ordered", words_put_u64, VIEW(ORDERED)),
	WORD("base", words_put_u64, VIEW(BASE)),
	WORD("quorum", words_put_flag, VIEW(QUORUM)),
	{ }
};

static const struct word install_words[] = {
	WORD("number", words_put_u32, VIEW(NUMBER), .required = true),
	WORD("attempt", words_put_u32, VIEW(ATTEMPT), .required = true),
	{ }
};

static int view_show(struct words *w)
{
	return request_show(w, DMRING_CMD_VIEW_GET, 0, DMRING_A_VIEW, view_fields);
}

/* Prints what this host holds, for that is what the coordinator has to know next. */
static int view_prepare(struct words *w)
{
	struct out out = { .fields = view_fields, .list = json_object_new_array() };
	char buf[NL_REQUEST_SIZE];
	int status = request(w, DMRING_CMD_VIEW_PREPARE, DMRING_A_VIEW, prepare_words, buf);

	if (!status)
		status = nl_do((void *)buf, out_add, &out);
	return status ? status : out_end(&out);
}

static int view_fill(struct words *w)
{
	char buf[FILL_SIZE];
	int status = request(w, DMRING_CMD_VIEW_FILL, DMRING_A_VIEW, fill_words, buf);

	return status ? status : nl_do((void *)buf, NULL, NULL);
}

static int view_install(struct words *w)
{
	return request_do(w, DMRING_CMD_VIEW_INSTALL, DMRING_A_VIEW, install_words);
}

const struct verb view_verbs[] = {
	{ "show", "[NAME]", view_show },
	{ "prepare", "NAME number N attempt N [join]", view_prepare },
	{ "fill", "NAME number N attempt N prev N hosts ID:INC[:stays],…\n"
	  "      [cut ID:N[:REASON],…] [sequencer ID] [ordered N] [base N] [quorum]", view_fill },
	{ "install", "NAME number N attempt N", view_install },
	{ }
};
