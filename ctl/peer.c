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

int peer_add_request(struct words *w, void *buf)
{
	return request(w, DMRING_CMD_PEER_ADD, DMRING_A_PEER, add_words, buf);
}

int peer_undo_request(struct words *w, void *buf)
{
	return request(w, DMRING_CMD_PEER_DEL, DMRING_A_PEER, undo_words, buf);
}

static int peer_add(struct words *w)
{
	return request_do(w, DMRING_CMD_PEER_ADD, DMRING_A_PEER, add_words);
}

static int peer_del(struct words *w)
{
	return request_do(w, DMRING_CMD_PEER_DEL, DMRING_A_PEER, del_words);
}

static int peer_show(struct words *w)
{
	return request_show(w, DMRING_CMD_PEER_GET, NLM_F_DUMP, DMRING_A_PEER, peer_fields);
}

const struct verb peer_verbs[] = {
	{ "add", "NAME node ID addr ADDR:PORT", peer_add },
	{ "del", "NAME node ID", peer_del },
	{ "show", "[NAME]", peer_show },
	{ }
};
