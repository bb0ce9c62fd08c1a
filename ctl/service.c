// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl service
 */
#include <stdbool.h>

#include <libmnl/libmnl.h>
#include <linux/dmring_netlink.h>

#include "ctl.h"
#include "json.h"
#include "requests.h"

#define SERVICE(name)	DMRING_A_SERVICE_##name

static const struct out_field service_fields[] = {
	OUT("ring", out_str, SERVICE(RING)),
	OUT("service", out_str, SERVICE(NAME)),
	OUT("node", out_uint, SERVICE(NODE)),
	OUT("members", out_uint, SERVICE(MEMBERS)),
	OUT("busy", out_maybe, SERVICE(BUSY)),
	{ }
};

static int service_show(struct words *w)
{
	return request_table(w, DMRING_CMD_SERVICE_GET, DMRING_A_SERVICE, service_fields);
}

const struct verb service_verbs[] = {
	{ "show", "[NAME]", service_show },
	{ }
};
