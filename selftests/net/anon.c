// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a receiver can see of a message and a request: all that it maps, byte by byte.
 *
 *	anon RING FILE
 *
 * Attaches, serves "look", and when one of each has come writes all areas to FILE. The
 * capability is random by design, and is left out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmring.h>

/* Of the large areas, which are as good as empty */
#define MOST	(64UL << 10)

static int dump(const char *file)
{
	FILE *maps = fopen("/proc/self/maps", "r"), *to = fopen(file, "w");
	unsigned long from, end, off;
	char line[512], perms[8];
	int areas = 0;

	if (!maps || !to)
		return 0;
	while (fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "/dev/dmring") ||
		    sscanf(line, "%lx-%lx %7s %lx", &from, &end, perms, &off) != 4)
			continue;
		fprintf(to, "area %lu\n", (off >> DMRING_MAP_SHIFT) & 7);
		fwrite((void *)from, 1, end - from < MOST ? end - from : MOST, to);
		areas++;
	}
	fclose(maps);
	return fclose(to) ? 0 : areas;
}

int main(int argc, char **argv)
{
	struct dmring_opts o = { .size = sizeof(o), .flags = DMRING_CALLS, .out_size = 4096 };
	int messages = 0, requests = 0, ret, areas;
	struct dmring_request *req;
	struct dmring_msg m;
	struct dmring *r;

	if (argc != 3)
		return 2;
	if (dmring_attach(&r, argv[1], &o) || dmring_offer(r, "look", NULL)) {
		fprintf(stderr, "%s\n", dmring_why());
		return 1;
	}
	while (!messages || !requests) {
		ret = dmring_peek(r, &m);
		if (ret == -EAGAIN) {
			dmring_wait(r, DMRING_WAIT_READ, 1, 1000);
			continue;
		}
		if (ret)
			return 1;
		messages += m.type == DMRING_REC_DATA;
		requests += m.type == DMRING_REC_REQUEST;
		/* one that wants no reply has none: the bytes are there to be seen as they are */
		req = (struct dmring_request *)((char *)m.data - sizeof(*req));
		if (m.type == DMRING_REC_REQUEST && req->cap)
			printf("capability %016llx\n", (unsigned long long)req->cap);
		if (m.ident)
			printf("host %u pid %u\n", m.ident->node, m.ident->pid);
	}
	areas = dump(argv[2]);
	printf("%d areas\n", areas);
	return areas < 7;
}
