/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attach to a ring of this process */
#ifndef JOIN_H
#define JOIN_H

#include <dmring.h>
#include "ktap.h"

static inline struct dmring *join(const char *name, __u32 flags, __u32 queue)
{
	struct dmring_opts o = {
		.size = sizeof(o),
		.flags = flags,
		.scope = DMRING_PROCESS,
		.queue_len = queue,
	};
	struct dmring *r = NULL;

	if (dmring_attach(&r, name, &o))
		printf("# attach: %s\n", dmring_why());
	return r;
}

#endif /* JOIN_H */
