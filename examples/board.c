// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * board RING NAME	copies standard input to standard output, and puts on the ring's board
 *			how far it is: "ringctl status RING watch" shows it on every machine
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <dmring.h>

enum { STARTING, COPYING, DONE };	/* a member's own numbers */

static unsigned int percent(long long done, long long size)
{
	return size > 0 && done <= size ? done * 100 / size : 0;
}

/* Now and then is enough: all see it */
static void show(struct dmring *ring, const char *name, unsigned int done)
{
	static time_t last;

	if (time(NULL) != last && dmring_status_set(ring, COPYING, done, name))
		fprintf(stderr, "board: %s\n", dmring_why());
	last = time(NULL);
}

int main(int argc, char **argv)
{
	const struct dmring_opts opts = { .size = sizeof(opts), .flags = DMRING_SEND_ONLY };
	struct stat st = {};
	struct dmring *ring;
	long long done = 0;
	char buf[65536];
	ssize_t n;

	if (argc != 3)
		return fprintf(stderr, "usage: board RING NAME\n"), 2;
	if (dmring_attach(&ring, argv[1], &opts) ||
	    dmring_status_set(ring, STARTING, 0, argv[2]))
		return fprintf(stderr, "board: %s\n", dmring_why()), 1;
	fstat(STDIN_FILENO, &st);
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0) {
		if (write(STDOUT_FILENO, buf, n) != n)
			break;
		done += n;
		show(ring, argv[2], percent(done, st.st_size));
	}
	dmring_status_set(ring, DONE, n ? percent(done, st.st_size) : 100, argv[2]);
	/* it goes with the member: leave it there for a while */
	sleep(2);
	return dmring_detach(ring) || n;
}
