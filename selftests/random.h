/* SPDX-License-Identifier: GPL-2.0-only */
/* Repeatable random numbers: splitmix64 (Steele, Lea and Flood, 2014) */
#ifndef _DMRING_SELFTESTS_RANDOM_H
#define _DMRING_SELFTESTS_RANDOM_H

#include <stdint.h>
#include <string.h>

/* The next one; @state: 64 bits, of whichever type, the seed at first */
static inline uint64_t next_random(void *state)
{
	uint64_t z;

	memcpy(&z, state, sizeof(z));
	z += 0x9e3779b97f4a7c15ULL;
	memcpy(state, &z, sizeof(z));
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

#endif
