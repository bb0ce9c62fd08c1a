/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages that can be checked, and the checker.
 *
 * A message says who sent it, as the how manieth, and how long it is, and has a
 * checksum over all of it. The checker knows what is missing, doubled, out of
 * the sender's order or damaged.
 */
#ifndef _DMRING_TRAFFIC_H
#define _DMRING_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRAFFIC_MIN	24U	/* least length (bytes) */
#define TRAFFIC_SENDERS	64U

struct traffic_sender {
	bool begun;
	uint64_t next;		/* first number not seen yet */
	uint64_t seen_bits;	/* room of @seen */
	uint64_t *seen;		/* bit per number */
};

struct traffic {
	bool joins_late;	/* a sender's first message seen is where it begins */
	uint64_t got;		/* undamaged messages */
	uint64_t bytes;
	uint64_t lost;
	uint64_t doubled;
	uint64_t reordered;
	uint64_t damaged;
	struct traffic_sender sender[TRAFFIC_SENDERS];
};

/* A message of @len bytes into @buf, which has room for them; @len >= TRAFFIC_MIN */
void traffic_make(void *buf, size_t len, uint32_t sender, uint64_t number);
/* A length from TRAFFIC_MIN to @max that goes with @sender and @number */
size_t traffic_len(uint32_t sender, uint64_t number, size_t max);

void traffic_init(struct traffic *t, bool joins_late);
void traffic_free(struct traffic *t);
/* A message has arrived */
void traffic_see(struct traffic *t, const void *data, size_t len);
/* @sender has sent @count messages in all, and no more will come: what misses is lost */
void traffic_sent(struct traffic *t, uint32_t sender, uint64_t count);
bool traffic_clean(const struct traffic *t);
/* "1000 got, 0 lost, …", in a buffer that the next call uses again */
const char *traffic_text(const struct traffic *t);

#endif /* _DMRING_TRAFFIC_H */
