// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl member
 */
#include <stdbool.h>

#include <libmnl/libmnl.h>
#include <linux/dmring.h>
#include <linux/dmring_netlink.h>

#include "ctl.h"
#include "json.h"
#include "nl.h"
#include "requests.h"
#include "words.h"

#define MEMBER(name)	DMRING_A_MEMBER_##name

static const struct out_field member_fields[] = {
	OUT("ring", out_str, MEMBER(RING)),
	OUT("id", out_uint, MEMBER(ID)),
	OUT("pid", out_uint, MEMBER(PID)),
	OUT("comm", out_str, MEMBER(COMM)),
	OUT("uid", out_uint, MEMBER(UID)),
	OUT("weight", out_uint, MEMBER(WEIGHT)),
	OUT("willing", out_bool, MEMBER(WILLING)),
	OUT("services", out_str, MEMBER(SERVICE), .flags = OUT_EACH),
	OUT("backlog", out_maybe, MEMBER(BACKLOG)),
	OUT("no_echo", out_bit, MEMBER(FLAGS), .bit = DMRING_ATTACH_NO_ECHO),
	OUT("send_only", out_bit, MEMBER(FLAGS), .bit = DMRING_ATTACH_SEND_ONLY),
	OUT("poll", out_bit, MEMBER(FLAGS), .bit = DMRING_ATTACH_POLL),
	OUT("terms", out_uint, MEMBER(TERMS), .flags = OUT_STATS),
	OUT("served_ms", out_uint, MEMBER(SERVED_MS), .flags = OUT_STATS),
	OUT("carried", out_maybe, MEMBER(CARRIED), .flags = OUT_STATS),
	OUT("carried_bytes", out_maybe, MEMBER(CARRIED_BYTES), .flags = OUT_STATS),
	OUT("sent", out_maybe, MEMBER(SENT), .flags = OUT_STATS),
	OUT("dropped", out_maybe, MEMBER(DROPPED), .flags = OUT_STATS),
	OUT("rejected", out_maybe, MEMBER(REJECTED), .flags = OUT_STATS),
	OUT("calls", out_maybe, MEMBER(CALLS), .flags = OUT_STATS),
	OUT("held", out_maybe, MEMBER(HELD), .flags = OUT_STATS),
	OUT("mem", out_uint, MEMBER(MEM), .flags = OUT_STATS),
	{ }
};

static int member_show(struct words *w)
{
	return request_show(w, DMRING_CMD_MEMBER_GET, NLM_F_DUMP, DMRING_A_MEMBER, member_fields);
}

static int member_evict(struct words *w)
{
	const struct word id = WORD("member evict NAME", words_put_u32, MEMBER(ID));
	char buf[NL_REQUEST_SIZE];
	struct nlattr *nest;
	const char *name;

	if (words_ring(w, &name))
		return CTL_USAGE;
	nest = request_begin(buf, DMRING_CMD_MEMBER_EVICT, 0, DMRING_A_MEMBER, name);
	if (id.take(w, &id, buf) || words_end(w))
		return CTL_USAGE;
	mnl_attr_nest_end((void *)buf, nest);
	return nl_do((void *)buf, NULL, NULL);
}

const struct verb member_verbs[] = {
	{ "show", "[NAME]", member_show },
	{ "evict", "NAME ID", member_evict },
	{ }
};
