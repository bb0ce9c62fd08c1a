// SPDX-License-Identifier: GPL-2.0-only
/* The one member of the module's host; apart, for the core's names are not the library's */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <dmring.h>
#include "hostile-member.h"
#include "slower.h"

static struct dmring *member;

bool member_join(const char *ring)
{
	/* with the tables of requests, so that what the attacks make it take is seen */
	const struct dmring_opts opts = { .size = sizeof(opts), .flags = DMRING_CALLS };
	int err = dmring_attach(&member, ring, &opts);

	if (err)
		printf("# attach: %s %s\n", dmring_strerror(err), dmring_why());
	return !err;
}

void member_leave(void)
{
	dmring_detach(member);
}

bool member_send(const char *text)
{
	return !dmring_send_wait(member, text, strlen(text), 20000 * slower());
}

bool member_hears(const char *text)
{
	time_t limit = time(NULL) + 20 * slower();
	char buf[4096];

	do {
		ssize_t n = dmring_recv(member, buf, sizeof(buf));

		if (n == (ssize_t)strlen(text) && !memcmp(buf, text, n))
			return true;
		if (n == -EAGAIN)
			dmring_wait(member, DMRING_WAIT_READ, 1, 100);
		else if (n < 0)
			return false;
	} while (time(NULL) < limit);
	return false;
}
