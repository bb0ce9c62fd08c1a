// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl proxy
 */
#include <stdbool.h>
#include <stddef.h>

#include <libmnl/libmnl.h>
#include <linux/dmring_netlink.h>

#include "ctl.h"
#include "json.h"
#include "names.h"
#include "nl.h"
#include "requests.h"
#include "words.h"

const struct out_field office_fields[] = {
	OUT("member", out_maybe, DMRING_A_PROXY_MEMBER),
	OUT("pid", out_maybe, DMRING_A_PROXY_PID),
	OUT("term", out_uint, DMRING_A_PROXY_TERM),
	OUT("since_ms", out_maybe, DMRING_A_PROXY_SINCE_MS),
	OUT("reason", out_enum, DMRING_A_PROXY_REASON, .names = term_names),
	OUT("terms", out_maybe, DMRING_A_PROXY_TERMS, .flags = OUT_STATS),
	OUT("served_ms", out_maybe, DMRING_A_PROXY_SERVED_MS, .flags = OUT_STATS),
	OUT("carried", out_maybe, DMRING_A_PROXY_CARRIED, .flags = OUT_STATS),
	OUT("carried_bytes", out_maybe, DMRING_A_PROXY_CARRIED_BYTES, .flags = OUT_STATS),
	OUT("takeover_ns", out_maybe, DMRING_A_PROXY_TAKEOVER_NS, .flags = OUT_STATS),
	OUT("takeover_at", out_maybe, DMRING_A_PROXY_TAKEOVER_AT, .flags = OUT_STATS),
	{ }
};

static const struct out_field proxy_fields[] = {
	OUT("ring", out_str, DMRING_A_RING_NAME),
	OUT("proxy", out_nest, DMRING_A_RING_PROXY, .flags = OUT_FLAT, .sub = office_fields),
	{ }
};

static int proxy_show(struct words *w)
{
	return request_show(w, DMRING_CMD_RING_GET, 0, DMRING_A_RING, proxy_fields);
}

/* "proxy elect NAME [member ID]" */
static int proxy_elect(struct words *w)
{
	static const struct word words[] = {
		WORD("member", words_put_u32, DMRING_A_MEMBER_ID),
		{ }
	};

	return request_do(w, DMRING_CMD_PROXY_ELECT, DMRING_A_MEMBER, words);
}

const struct verb proxy_verbs[] = {
	{ "show", "[NAME]", proxy_show },
	{ "elect", "NAME [member ID]", proxy_elect },
	{ }
};
