/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that a member can see: the areas that this process maps, byte by byte, into a file, so that
 * two of them can be compared.
 *
 * Which neighbour's link came up first when the ring formed is told in the log, by design, and
 * differs from time to time: the nodes of these events are left out, of those before this member
 * attached alone, when nobody had sent anything. How many events there were, and which, is said:
 * two files can be the same only if that is.
 */
#ifndef _DMRING_NET_CALL_AREAS_H
#define _DMRING_NET_CALL_AREAS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <dmring.h>

#define AREAS		7
#define AREA_MOST	(64UL << 10)	/* the large ones are empty from there on */

struct area {
	const __u8 *at;
	size_t size;
};

/* The kernel puts the slot before the number of the area */
static inline unsigned int area_no(__u64 offset) { return offset >> DMRING_MAP_SHIFT & 7; }

/* By number; false if one is missing */
static inline bool areas_find(struct area *areas)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, end;
	char line[512];
	__u64 off;
	int n = 0;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "/dev/dmring") ||
		    sscanf(line, "%lx-%lx %*s %llx", &from, &end, &off) != 3 ||
		    area_no(off) >= AREAS)
			continue;
		areas[area_no(off)] = (struct area){ (void *)from, end - from };
		n++;
	}
	if (maps)
		fclose(maps);
	return n == AREAS;
}

static inline const struct area *area_of(const struct area *areas, __u64 map)
{
	return &areas[area_no(map)];
}

static inline __u64 index_tail(const struct area *areas)
{
	const struct dmring_group_page *group = (void *)area_of(areas, DMRING_MAP_GROUP)->at;

	return __atomic_load_n(&group->index_tail, __ATOMIC_ACQUIRE);
}

/* Up to where the stream goes now; of a member that has just attached, what came before it */
static inline __u64 areas_tail(void)
{
	struct area areas[AREAS];

	return areas_find(areas) ? index_tail(areas) : 0;
}

/* The copy @log of what is mapped, without what differs; says which events are in it */
static inline bool areas_mask(const struct area *areas, __u8 *log, __u64 formed)
{
	const __u64 *index = (void *)area_of(areas, DMRING_MAP_INDEX)->at;
	size_t size = area_of(areas, DMRING_MAP_LOG)->size / 2;
	__u64 i, tail = index_tail(areas);

	printf("events");
	for (i = 0; i < tail; i++) {
		size_t at = index[i] & (size - 1);
		struct dmring_rec *rec = (void *)(log + at);
		struct dmring_ev *ev = (void *)(rec + 1);

		if (at + sizeof(*rec) + sizeof(*ev) > AREA_MOST)
			return false;
		if (rec->type != DMRING_REC_EVENT)
			continue;
		if (i < formed && ev->what == DMRING_EV_HOST_BACK)
			ev->node = 0;
		printf(" %llu:%u-%u", i, ev->what, ev->node);
	}
	putchar('\n');
	return true;
}

/* To @file; what came before entry @formed of the index is from when the ring formed. 0: done */
static inline int areas_write(const char *file, __u64 formed)
{
	FILE *to = fopen(file, "w");
	static __u8 copy[AREA_MOST];
	struct area areas[AREAS];
	bool good = to && areas_find(areas);
	size_t bytes = 0;
	int i;

	for (i = 0; good && i < AREAS; i++) {
		size_t n = areas[i].size < AREA_MOST ? areas[i].size : AREA_MOST;

		memcpy(copy, areas[i].at, n);
		if (&areas[i] == area_of(areas, DMRING_MAP_LOG))
			good = areas_mask(areas, copy, formed);
		good = good && fwrite(copy, 1, n, to) == n;
		bytes += n;
	}
	if (to)
		good = !fclose(to) && good;
	if (good)
		printf("%zu bytes of %d areas\n", bytes, AREAS);
	return !good;
}

#endif
