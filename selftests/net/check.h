/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a flood's messages look like, and the books a receiver keeps of them.
 *
 * A message is a header and 1 to FLOOD_MAX random bytes. The sum covers header
 * and bytes, so that nothing can be changed, cut or mixed up unseen. Senders
 * are numbered from 0, their messages likewise.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <linux/dmring.h>

#define FLOOD_MAGIC	0x646f6c66U	/* "flod" */
#define FLOOD_SENDERS	256

struct flood_head {
	__u32 magic;
	__u32 sender;
	__u32 len;		/* of the bytes that follow */
	__u32 seq;
	__u64 sum;		/* of the whole message, with 0 here */
};

#define FLOOD_MAX	(DMRING_MSG_MAX - sizeof(struct flood_head))

/* Of what one sender sent */
struct flood_book {
	__u32 count;		/* what is to come */
	__u32 next;		/* highest number seen, and one */
	__u32 seen;		/* different ones seen */
	__u32 missed;		/* sent while this host had no place in the ring */
	bool joined;		/* since the last message of its */
	__u8 *bits;		/* which */
};

/* All that a receiver knows */
struct flood_check {
	__u32 senders;
	struct flood_book book[FLOOD_SENDERS];
	__u64 received;	/* messages, whatever they were */
	__u64 bytes;
	__u64 doubled;	/* seen before */
	__u64 reordered;	/* came after a later one of the same sender */
	__u64 damaged;	/* sum, length or magic wrong */
	__u64 foreign;	/* whole, but nobody here sent it */
	__u64 sequence;	/* a sum of who sent which message, and when it came */
	__u64 turns;	/* how often another sender had its turn */
	__u64 of_view;	/* the same sum, over the messages of one view */
	__u64 view_received;	/* their number */
	__u32 last;	/* sender of the last message */
};

__u64 flood_sum(const void *data, size_t len);

/* Fill in the header of a message whose bytes are in place */
void flood_seal(void *msg, __u32 sender, __u32 seq, __u32 len);

/* The header of a message that is whole; false: it is not */
bool flood_open(const void *msg, size_t len, struct flood_head *h);

/* False: out of memory */
bool flood_check_init(struct flood_check *c, __u32 senders, __u32 count);
void flood_check_free(struct flood_check *c);

/* Enter one message; msg need not be aligned to more than 8 bytes */
void flood_check_take(struct flood_check *c, const void *msg, size_t len);

/* A view begins. @joined: this host has missed what was sent before. */
void flood_check_view(struct flood_check *c, bool joined);

/* All has come */
bool flood_check_complete(const struct flood_check *c);

/*
 * Messages that have not come. @prefix: only holes count, what is missing at
 * the end of a stream does not.
 */
__u64 flood_check_lost(const struct flood_check *c, bool prefix);

#endif /* CHECK_H */
