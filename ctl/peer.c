// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl peer
 */
#include <stdbool.h>

#include <libmnl/libmnl.h>
#include <linux/dmring_netlink.h>

#include "ctl.h"
#include "json.h"
#include "names.h"
#include "nl.h"
#include "requests.h"
#include "words.h"

#define PEER(name)	DMRING_A_PEER_##name

static const struct word add_words[] = {
	WORD("node", words_put_u32, PEER(NODE), .required = true),
	WORD("addr", words_put_addr, PEER(ADDR), .required = true),
	{ }
};

static const struct word del_words[] = {
	WORD("node", words_put_u32, PEER(NODE), .required = true),
	{ }
};

static const struct word undo_words[] = {
	WORD("node", words_put_u32, PEER(NODE), .required = true),
	WORD("addr", words_skip, 0),
	{ }
};

static const struct out_field peer_fields[] = {
	OUT("ring", out_str, PEER(RING)),
	OUT("node", out_uint, PEER(NODE)),
	OUT("addr", out_addr, PEER(ADDR)),
	OUT("out", out_enum, PEER(OUT), .names = link_names),
	OUT("in", out_enum, PEER(IN), .names = link_names),
	OUT("incarnation", out_hex, PEER(INCARNATION)),
	OUT("have", out_maybe, PEER(HAVE), .flags = OUT_STATS),
	OUT("stable", out_maybe, PEER(STABLE), .flags = OUT_STATS),
	OUT("why", out_str, PEER(WHY), .flags = OUT_LINE),
	{ }
};

static int request(struct words *w, __u8 cmd, const struct word *table, void *buf)
{
	struct nlmsghdr *nlh = nl_begin(buf, cmd, 0);
	struct nlattr *nest = mnl_attr_nest_start(nlh, DMRING_A_PEER);
	const char *name;
	int status;

	if (words_ring(w, &name))
		return CTL_USAGE;
	nl_put_name(nlh, PEER(RING), name);
	status = words_take(w, table, nlh);
	mnl_attr_nest_end(nlh, nest);
	return status;
}

int peer_add_request(struct words *w, void *buf)
{
	return request(w, DMRING_CMD_PEER_ADD, add_words, buf);
}

int peer_undo_request(struct words *w, void *buf)
{
	return request(w, DMRING_CMD_PEER_DEL, undo_words, buf);
}

static int peer_add(struct words *w)
{
	char buf[NL_REQUEST_SIZE];
	int status = peer_add_request(w, buf);

	return status ? status : nl_do((void *)buf, NULL, NULL);
}

static int peer_del(struct words *w)
{
	char buf[NL_REQUEST_SIZE];
	int status = request(w, DMRING_CMD_PEER_DEL, del_words, buf);

	return status ? status : nl_do((void *)buf, NULL, NULL);
}

int dump_show(struct words *w, __u8 cmd, __u16 nest, __u16 name_attr,
	      const struct out_field *fields)
{
	struct out out = { .fields = fields };
	char buf[NL_REQUEST_SIZE];
	struct nlmsghdr *nlh = nl_begin(buf, cmd, NLM_F_DUMP);
	struct nlattr *open;
	const char *name;
	int status;

	if (words_last(w, &name))
		return CTL_USAGE;
	if (name) {
		open = mnl_attr_nest_start(nlh, nest);
		nl_put_name(nlh, name_attr, name);
		mnl_attr_nest_end(nlh, open);
	}
	status = nl_dump(nlh, out_add, out_restart, &out);
	return status ? status : out_end(&out);
}

static int peer_show(struct words *w)
{
	return dump_show(w, DMRING_CMD_PEER_GET, DMRING_A_PEER, PEER(RING), peer_fields);
}

const struct verb peer_verbs[] = {
	{ "add", "NAME node ID addr ADDR:PORT", peer_add },
	{ "del", "NAME node ID", peer_del },
	{ "show", "[NAME]", peer_show },
	{ }
};
