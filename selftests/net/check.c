// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define SUM_PRIME	0x9e3779b97f4a7c15ULL

static __u64 mix(__u64 sum, __u64 word)
{
	sum = (sum ^ word) * SUM_PRIME;
	return sum ^ (sum >> 29);
}

/* Every step can be undone, so that no single change of a word goes unseen */
__u64 flood_sum(const void *data, size_t len)
{
	const __u8 *p = data;
	__u64 sum = len;
	__u64 word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum = mix(sum, word);
	}
	word = 0;
	memcpy(&word, p, len);
	return mix(sum, word);
}

static __u64 sum_of(const struct flood_head *h, const void *bytes)
{
	struct flood_head copy = *h;

	copy.sum = 0;
	return mix(flood_sum(&copy, sizeof(copy)), flood_sum(bytes, h->len));
}

void flood_seal(void *msg, __u32 sender, __u32 seq, __u32 len)
{
	struct flood_head h = {
		.magic = FLOOD_MAGIC,
		.sender = sender,
		.len = len,
		.seq = seq,
	};

	h.sum = sum_of(&h, (char *)msg + sizeof(h));
	memcpy(msg, &h, sizeof(h));
}

bool flood_open(const void *msg, size_t len, struct flood_head *h)
{
	if (len < sizeof(*h))
		return false;
	memcpy(h, msg, sizeof(*h));
	return h->magic == FLOOD_MAGIC && h->len == len - sizeof(*h) &&
	       h->sum == sum_of(h, (const char *)msg + sizeof(*h));
}

bool flood_check_init(struct flood_check *c, __u32 senders, __u32 count)
{
	__u32 i;

	memset(c, 0, sizeof(*c));
	c->senders = senders;
	for (i = 0; i < senders; i++) {
		c->book[i].count = count;
		c->book[i].bits = calloc(1, count / 8 + 1);
		if (!c->book[i].bits)
			return false;
	}
	return true;
}

void flood_check_free(struct flood_check *c)
{
	__u32 i;

	for (i = 0; i < c->senders; i++)
		free(c->book[i].bits);
}

static void enter(struct flood_check *c, struct flood_book *b, __u32 seq)
{
	if (b->bits[seq / 8] & (1 << seq % 8)) {
		c->doubled++;
		return;
	}
	b->bits[seq / 8] |= 1 << seq % 8;
	b->seen++;
	if (b->joined && seq > b->next)
		b->missed += seq - b->next;
	b->joined = false;
	if (seq < b->next)
		c->reordered++;
	else
		b->next = seq + 1;
}

static __u64 follow_one(__u64 sum, const struct flood_head *h)
{
	sum = (sum + h->sender + 1) * 0x9e3779b97f4a7c15ULL;
	return (sum ^ sum >> 29 ^ h->seq) * 0xbf58476d1ce4e5b9ULL;
}

/* The order of all that comes, as one number */
static void follow(struct flood_check *c, const struct flood_head *h)
{
	c->sequence = follow_one(c->sequence, h);
	c->of_view = follow_one(c->of_view, h);
	c->view_received++;
	c->turns += h->sender != c->last;
	c->last = h->sender;
}

void flood_check_take(struct flood_check *c, const void *msg, size_t len)
{
	struct flood_head h;

	c->received++;
	c->bytes += len;
	/* a flood has no message without bytes */
	if (len <= sizeof(h) || !flood_open(msg, len, &h)) {
		c->damaged++;
		return;
	}
	follow(c, &h);
	if (h.sender >= c->senders || h.seq >= c->book[h.sender].count)
		c->foreign++;
	else
		enter(c, &c->book[h.sender], h.seq);
}

void flood_check_view(struct flood_check *c, bool joined)
{
	__u32 i;

	c->of_view = 0;
	c->view_received = 0;
	for (i = 0; i < c->senders; i++)
		c->book[i].joined |= joined;
}

bool flood_check_complete(const struct flood_check *c)
{
	__u32 i;

	for (i = 0; i < c->senders; i++)
		if (c->book[i].seen + c->book[i].missed < c->book[i].count)
			return false;
	return true;
}

__u64 flood_check_lost(const struct flood_check *c, bool prefix)
{
	__u64 lost = 0;
	__u32 i;

	for (i = 0; i < c->senders; i++) {
		const struct flood_book *b = &c->book[i];

		lost += (prefix ? b->next : b->count) - b->seen - b->missed;
	}
	return lost;
}
