// SPDX-License-Identifier: GPL-2.0-only
/* state RING STATE PROGRESS TEXT: a member with that status, until it is killed */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <dmring.h>

int main(int argc, char **argv)
{
	struct dmring *r;

	if (argc != 5)
		return 2;
	if (dmring_attach(&r, argv[1], NULL) ||
	    dmring_status_set(r, atoi(argv[2]), atoi(argv[3]), argv[4])) {
		fprintf(stderr, "%s\n", dmring_why());
		return 1;
	}
	for (;;)
		pause();
}
