// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests about a ring, or something of it, as most verbs make them
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include <libmnl/libmnl.h>
#include <linux/dmring_netlink.h>

#include "ctl.h"
#include "json.h"
#include "nl.h"
#include "requests.h"
#include "words.h"

/* The name of the ring is the first attribute of each object */
#define ATTR_RING	1
static_assert(DMRING_A_RING_NAME == ATTR_RING && DMRING_A_PEER_RING == ATTR_RING &&
	      DMRING_A_MEMBER_RING == ATTR_RING && DMRING_A_VIEW_RING == ATTR_RING &&
	      DMRING_A_SERVICE_RING == ATTR_RING && DMRING_A_STATUS_RING == ATTR_RING,
	      "one number for the name of the ring");

struct nlattr *request_begin(void *buf, __u8 cmd, __u16 flags, __u16 object, const char *ring)
{
	struct nlmsghdr *nlh = nl_begin(buf, cmd, flags);
	struct nlattr *nest = mnl_attr_nest_start(nlh, object);

	nl_put_name(nlh, ATTR_RING, ring);
	return nest;
}

int request(struct words *w, __u8 cmd, __u16 object, const struct word *table, void *buf)
{
	struct nlattr *nest;
	const char *name;
	int status;

	if (words_ring(w, &name))
		return CTL_USAGE;
	nest = request_begin(buf, cmd, 0, object, name);
	status = words_take(w, table, buf);
	mnl_attr_nest_end(buf, nest);
	return status;
}

int request_do(struct words *w, __u8 cmd, __u16 object, const struct word *table)
{
	char buf[NL_REQUEST_SIZE];
	int status = request(w, cmd, object, table, buf);

	return status ? status : nl_do((void *)buf, NULL, NULL);
}

void request_get(void *buf, __u8 cmd, __u16 flags, __u16 object, const char *ring)
{
	if (ring)
		mnl_attr_nest_end(buf, request_begin(buf, cmd, flags, object, ring));
	else
		nl_begin(buf, cmd, NLM_F_DUMP);
}

static int show(struct words *w, __u8 cmd, __u16 flags, __u16 object, struct out *out)
{
	char buf[NL_REQUEST_SIZE];
	const char *name;
	int status;

	if (words_last(w, &name))
		return CTL_USAGE;
	request_get(buf, cmd, flags, object, name);
	status = nl_dump((void *)buf, out_add, out_restart, out);
	return status ? status : out_end(out);
}

int request_show(struct words *w, __u8 cmd, __u16 flags, __u16 object,
		 const struct out_field *fields)
{
	struct out out = { .fields = fields };

	return show(w, cmd, flags, object, &out);
}

int request_table(struct words *w, __u8 cmd, __u16 object, const struct out_field *fields)
{
	struct out out = { .fields = fields, .columns = true };

	return show(w, cmd, NLM_F_DUMP, object, &out);
}
