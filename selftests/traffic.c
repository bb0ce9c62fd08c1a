// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages that can be checked, and the checker; see traffic.h.
 *
 * What is missing between two numbers is lost until it comes after all; then
 * it is out of order instead. Losses are so known at once, doubles as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traffic.h"

#define PRIME	0x9e3779b97f4a7c15ULL

/* The first TRAFFIC_MIN bytes of a message; @sum is over all that follows it */
struct header {
	uint64_t sum;
	uint64_t number;
	uint32_t sender;
	uint32_t len;
};

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * PRIME;
	return h ^ (h >> 29);
}

static uint64_t checksum(const void *data, size_t len)
{
	const char *at = data;
	uint64_t h = len, word;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		h = mix(h, word);
	}
	word = 0;
	memcpy(&word, at, len);
	return mix(h, word);
}

static uint64_t sum_of(const void *msg, size_t len)
{
	return checksum((const char *)msg + sizeof(uint64_t), len - sizeof(uint64_t));
}

void traffic_make(void *buf, size_t len, uint32_t sender, uint64_t number)
{
	struct header h = { .number = number, .sender = sender, .len = len };
	uint64_t word = mix(sender, number);
	char *at = buf;
	size_t done;

	memcpy(at, &h, sizeof(h));
	for (done = sizeof(h); done < len; done += sizeof(word)) {
		word += PRIME;
		memcpy(at + done, &word, len - done < sizeof(word) ? len - done : sizeof(word));
	}
	h.sum = sum_of(buf, len);
	memcpy(at, &h.sum, sizeof(h.sum));
}

size_t traffic_len(uint32_t sender, uint64_t number, size_t max)
{
	return TRAFFIC_MIN + mix(mix(1, sender), number) % (max - TRAFFIC_MIN + 1);
}

void traffic_init(struct traffic *t, bool joins_late)
{
	memset(t, 0, sizeof(*t));
	t->joins_late = joins_late;
}

void traffic_free(struct traffic *t)
{
	unsigned int i;

	for (i = 0; i < TRAFFIC_SENDERS; i++)
		free(t->sender[i].seen);
	memset(t, 0, sizeof(*t));
}

/* Sets the bit of @number; was it set before? */
static bool see_number(struct traffic_sender *s, uint64_t number)
{
	uint64_t bit = 1ULL << (number % 64);
	bool before;

	if (number >= s->seen_bits) {
		uint64_t bits = (number + 65536) & ~65535ULL;

		bits = bits < 2 * s->seen_bits ? 2 * s->seen_bits : bits;
		s->seen = realloc(s->seen, bits / 8);
		if (!s->seen)
			abort();
		memset((char *)s->seen + s->seen_bits / 8, 0, (bits - s->seen_bits) / 8);
		s->seen_bits = bits;
	}
	before = s->seen[number / 64] & bit;
	s->seen[number / 64] |= bit;
	return before;
}

static void count(struct traffic *t, struct traffic_sender *s, uint64_t number)
{
	if (!s->begun && t->joins_late)
		s->next = number;
	s->begun = true;
	if (see_number(s, number)) {
		t->doubled++;
	} else if (number >= s->next) {
		t->lost += number - s->next;
		s->next = number + 1;
	} else {
		t->reordered++;
		/* what was before a late joiner's beginning was never missed */
		t->lost -= !!t->lost;
	}
}

void traffic_see(struct traffic *t, const void *data, size_t len)
{
	struct header h;

	if (len < sizeof(h)) {
		t->damaged++;
		return;
	}
	memcpy(&h, data, sizeof(h));
	/* a number beyond what any test sends would want memory for its bit */
	if (h.len != len || h.sum != sum_of(data, len) || h.sender >= TRAFFIC_SENDERS ||
	    h.number >= 1ULL << 32) {
		t->damaged++;
		return;
	}
	t->got++;
	t->bytes += len;
	count(t, &t->sender[h.sender], h.number);
}

void traffic_sent(struct traffic *t, uint32_t sender, uint64_t n)
{
	struct traffic_sender *s = &t->sender[sender];

	if (!s->begun && t->joins_late)
		return;
	if (n > s->next)
		t->lost += n - s->next;
	else
		t->doubled += s->next - n;	/* more than were sent: out of nowhere */
	s->next = n;
}

bool traffic_clean(const struct traffic *t)
{
	return !t->lost && !t->doubled && !t->reordered && !t->damaged;
}

const char *traffic_text(const struct traffic *t)
{
	static char text[160];

	snprintf(text, sizeof(text), "%ju got, %ju lost, %ju doubled, %ju reordered, %ju damaged",
		 (uintmax_t)t->got, (uintmax_t)t->lost, (uintmax_t)t->doubled,
		 (uintmax_t)t->reordered, (uintmax_t)t->damaged);
	return text;
}
