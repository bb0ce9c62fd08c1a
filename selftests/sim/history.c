// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happened, and was it right? The checker knows what each host delivered, in which
 * order, which views it went through, and how many messages each sent; and nothing of the
 * core. A host's history is cut into segments by its views.
 *
 *	I1	in each segment the messages of each sender are 1, 2, 3 ... without a gap, and none
 *		is of another view
 *	I3, I4	who goes together from one view to the next has delivered the same, and all that
 *		those among them had sent
 *	I5	in the same sequence, with total and safe; and with safe, whatever anybody delivered
 *		before is the beginning of that
 */
#include <stdio.h>
#include "sim.h"

bool history_differ(const struct dmring_view_record *a, const struct dmring_view_record *b)
{
	u16 i;

	if (a->number != b->number || a->count != b->count || a->prev != b->prev ||
	    a->sequencer != b->sequencer || a->quorum != b->quorum || a->base != b->base ||
	    a->ordered != b->ordered || a->cuts != b->cuts)
		return true;
	for (i = 0; i < a->count; i++)
		if (a->host[i].node != b->host[i].node || a->host[i].inc != b->host[i].inc)
			return true;
	for (i = 0; i < a->cuts; i++)
		if (a->cut[i].node != b->cut[i].node || a->cut[i].seq != b->cut[i].seq)
			return true;
	return false;
}

u32 history_record(struct history *h, const struct dmring_view_record *rec)
{
	if (h->records == h->record_size) {
		h->record_size = 2 * h->record_size + 16;
		h->record = realloc(h->record, h->record_size * sizeof(*h->record));
	}
	h->record[h->records] = *rec;
	return h->records++;
}

u32 history_life(struct history *h, u32 node, u64 inc)
{
	struct life *l;

	if (h->lives == h->life_size) {
		h->life = realloc(h->life, (2 * h->life_size + 16) * sizeof(*h->life));
		memset(h->life + h->life_size, 0, (h->life_size + 16) * sizeof(*h->life));
		h->life_size = 2 * h->life_size + 16;
	}
	l = &h->life[h->lives];
	l->node = node;
	l->inc = inc;
	l->ended = false;
	l->sent = 0;
	l->items = 0;
	return h->lives++;
}

static struct item *next_item(struct history *h, u32 life)
{
	struct life *l = &h->life[life];

	if (l->items == l->size) {
		l->size = 2 * l->size + 64;
		l->item = realloc(l->item, l->size * sizeof(*l->item));
	}
	return &l->item[l->items++];
}

void history_message(struct history *h, u32 life, const struct tag *tag)
{
	*next_item(h, life) = (struct item){ .tag = *tag };
}

void history_view(struct history *h, u32 life, const struct dmring_view_record *rec)
{
	u64 sent = h->life[life].sent;

	h->life[life].sent = 0;
	*next_item(h, life) = (struct item){
		.view = true, .number = rec->number, .record = rec - h->record, .sent = sent,
	};
}

void history_clear(struct history *h)
{
	h->records = 0;
	h->lives = 0;
	h->decree = false;
}

/* What one life delivered in one view */
struct segment_of {
	const struct life *life;
	u16 record, next;	/* of the view, and of the one after it; NONE */
	u64 sent;		/* by itself, when there is a next one */
	const struct item *item;
	u32 items;
};

#define NONE 0xffff

/* The first segment at or behind item @at; false at the end */
static bool segment(const struct life *l, u32 at, struct segment_of *s)
{
	u32 end;

	if (at >= l->items)
		return false;
	s->life = l;
	s->record = l->item[at].view ? l->item[at].record : NONE;
	at += l->item[at].view;
	for (end = at; end < l->items && !l->item[end].view; end++)
		;
	s->item = l->item + at;
	s->items = end - at;
	s->next = end < l->items ? l->item[end].record : NONE;
	s->sent = end < l->items ? l->item[end].sent : 0;
	return true;
}

static const char *say(char *text, size_t size, const char *what, const struct life *l,
		       const struct dmring_view_record *rec, u64 n)
{
	snprintf(text, size, "%s: host %u (%llx) in view %u, message %llu", what, l->node,
		 l->inc & 0xffff, rec ? rec->number : 0, n);
	return text;
}

/* Senders by their place in the record; NONE if it is not in it */
static u16 sender(const struct dmring_view_record *rec, const struct tag *tag)
{
	u16 i;

	for (i = 0; i < rec->count; i++)
		if (rec->host[i].node == tag->node && rec->host[i].inc == tag->inc)
			return i;
	return NONE;
}

/* I1: each sender's messages, from the first on */
static const char *check_streams(const struct history *h, const struct segment_of *s, char *text,
				 size_t size)
{
	const struct dmring_view_record *rec = &h->record[s->record];
	u64 seen[DMRING_HOSTS_MAX] = { 0 };
	u32 i;

	if (s->record == NONE)
		return s->items ? say(text, size, "before any view", s->life, NULL, 0) : NULL;
	for (i = 0; i < s->items; i++) {
		const struct tag *tag = &s->item[i].tag;
		u16 o = sender(rec, tag);

		if (tag->view != rec->number || o == NONE)
			return say(text, size, "of another view", s->life, rec, tag->seq);
		if (tag->seq != ++seen[o])
			return say(text, size, "lost, doubled or out of order", s->life, rec,
				   tag->seq);
	}
	return NULL;
}

/* How many messages of the life @of are in it */
static u64 number_of(const struct segment_of *s, const struct life *of)
{
	u64 n = 0;
	u32 i;

	for (i = 0; i < s->items; i++)
		n += s->item[i].tag.node == of->node && s->item[i].tag.inc == of->inc;
	return n;
}

/* Is @a the beginning of @b? */
static bool begins(const struct segment_of *a, const struct segment_of *b)
{
	u32 i;

	for (i = 0; i < a->items; i++)
		if (i >= b->items || a->item[i].tag.id != b->item[i].tag.id)
			return false;
	return true;
}

/* Does @s go on with those of @with, or has it come to an end of which they know nothing? */
static const char *check_pair(const struct history *h, u8 order, const struct segment_of *s,
			      const struct segment_of *with, char *text, size_t size)
{
	const struct dmring_view_record *rec = &h->record[s->record];
	u16 i;

	if (s->record != with->record)
		return NULL;
	for (i = 0; s->next == with->next && s->next != NONE && i < rec->count; i++) {
		const struct life of = { .node = rec->host[i].node, .inc = rec->host[i].inc };

		if (number_of(s, &of) != number_of(with, &of))
			return say(text, size, "not what the others delivered", s->life, rec,
				   number_of(s, &of));
	}
	/* who is not to go on may have delivered another end, but with safe */
	if (order == DMRING_ORDER_FIFO)
		return NULL;
	if (order == DMRING_ORDER_TOTAL &&
	    (s->next != with->next ||
	     (s->next == NONE && (s->life->ended || with->life->ended))))
		return NULL;
	if (!begins(s, with) && !begins(with, s))
		return say(text, size, "another sequence", s->life, rec, s->items);
	/* what was delivered before is not more than what goes on */
	if (order == DMRING_ORDER_SAFE && with->next != NONE && s->next != with->next &&
	    (s->next == NONE || !h->record[s->next].quorum) &&
	    h->record[with->next].quorum && !begins(s, with))
		return say(text, size, "delivered, but not safe", s->life, rec, s->items);
	return NULL;
}

/* All that who goes on had sent in a view, all who go on with it have delivered. */
static const char *check_own(const struct history *h, u8 order, const struct segment_of *s,
			     char *text, size_t size)
{
	const struct dmring_view_record *next = &h->record[s->next];
	const struct dmring_view_record *rec = &h->record[s->record];
	u16 i, k;

	if (s->next == NONE || s->record == NONE)
		return NULL;
	/* who has no quorum holds back what may not be safe */
	if (order == DMRING_ORDER_SAFE && !next->quorum)
		return NULL;
	if (sender(next, &(struct tag){ .node = s->life->node, .inc = s->life->inc }) != NONE &&
	    number_of(s, s->life) != s->sent)
		return say(text, size, "what it had sent is missing", s->life, rec, s->sent);
	for (i = 0; i < next->count; i++) {
		const struct life of = { .node = next->host[i].node, .inc = next->host[i].inc };

		for (k = 0; k < next->cuts && next->host[i].stays; k++)
			if (next->cut[k].node == of.node &&
			    number_of(s, &of) != next->cut[k].seq)
				return say(text, size, "an accepted message is missing",
					   s->life, rec, number_of(s, &of));
	}
	return NULL;
}

static u32 after(const struct segment_of *s)
{
	return s->item + s->items - s->life->item;
}

static const char *check_segment(const struct history *h, u8 order, const struct segment_of *s,
				 char *text, size_t size)
{
	const char *wrong = check_streams(h, s, text, size);
	struct segment_of with;
	u32 i, at;

	if (!wrong)
		wrong = check_own(h, order, s, text, size);
	for (i = 0; i < h->lives && !wrong && s->record != NONE; i++)
		for (at = 0; !wrong && segment(&h->life[i], at, &with); at = after(&with))
			wrong = check_pair(h, order, s, &with, text, size);
	return wrong;
}

/* Is there a message in that view? */
static bool carried(const struct history *h, u16 record)
{
	struct segment_of s;
	u32 i, at;

	for (i = 0; i < h->lives; i++)
		for (at = 0; segment(&h->life[i], at, &s); at = after(&s))
			if (s.record == record && s.items)
				return true;
	return false;
}

/* Two views of one number in which messages were accepted: the ring has two brains. */
static const char *check_one(const struct history *h, char *text, size_t size)
{
	u16 a, b;

	for (a = 0; a < h->records && !h->decree; a++)
		for (b = 0; b < a; b++)
			if (h->record[a].number == h->record[b].number &&
			    carried(h, a) && carried(h, b)) {
				snprintf(text, size, "two views %u with messages",
					 h->record[a].number);
				return text;
			}
	return NULL;
}

const char *history_check(const struct history *h, u8 order, char *text, size_t size)
{
	const char *wrong = check_one(h, text, size);
	struct segment_of s;
	u32 i, at;

	for (i = 0; i < h->lives; i++)
		for (at = 0; !wrong && segment(&h->life[i], at, &s); at = after(&s))
			wrong = check_segment(h, order, &s, text, size);
	return wrong;
}
