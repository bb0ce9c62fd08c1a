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
#include "requests.h"
#include "words.h"

const struct out_field office_fields[] = {
	OUT("member", out_maybe, DMRING_A_PROXY_MEMBER),
	OUT("pid", out_maybe, DMRING_A_PROXY_PID),
	OUT("term", out_uint, DMRING_A_PROXY_TERM),
	OUT("since_ms", out_maybe, DMRING_A_PROXY_SINCE_MS),
	{ }
};

static const struct out_field proxy_fields[] = {
	OUT("ring", out_str, DMRING_A_RING_NAME),
	OUT("proxy", out_nest, DMRING_A_RING_PROXY, .flags = OUT_FLAT, .sub = office_fields),
	{ }
};

static int proxy_show(struct words *w)
{
	return ring_show_as(w, proxy_fields);
}

static int proxy_elect(struct words *w)
{
	static const struct word words[] = {
		WORD("member", words_set_u64, 0),
		{ }
	};
	const char *name;
	__u64 member;

	if (words_ring(w, &name) || words_take(w, words, &member))
		return CTL_USAGE;
	return ctl_refuse("this version has no ballots: proxy of \"%s\" is who attached first",
			  name);
}

const struct verb proxy_verbs[] = {
	{ "show", "[NAME]", proxy_show },
	{ "elect", "NAME [member ID]", proxy_elect },
	{ }
};
