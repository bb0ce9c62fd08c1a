// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <dmring.h>

int main(int argc, char **argv)
{
	static char buf[DMRING_MSG_MAX];
	struct dmring *ring;
	ssize_t n;

	if (dmring_attach(&ring, argc > 1 ? argv[1] : "hello", NULL))
		return fprintf(stderr, "%s\n", dmring_why()), 1;
	dmring_send(ring, "hello", 5);
	while (!dmring_wait(ring, DMRING_WAIT_READ, 1, -1))
		while ((n = dmring_recv(ring, buf, sizeof(buf))) >= 0)
			printf("%.*s\n", (int)n, buf);
	return dmring_detach(ring) ? 1 : 0;
}
