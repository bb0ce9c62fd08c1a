// SPDX-License-Identifier: GPL-2.0-only
/*
 * judge: what members of real hosts have received, put before the checker of the simulator
 * (sim/history.c), which knows nothing of the code that is tested.
 *
 *   judge ORDER BOOK [-d] NODE=FILE…
 *
 * BOOK is what a coordinator has installed (coordinator --book), FILE what "flood recv -v -e" on
 * that host said. Sender S is on host S + 1, and the only one there. The departure of a member
 * is told to all hosts as messages are, and is one of its host's.
 *
 * -d  two parts of the ring may both have gone on: a human has decided so
 *
 * The checker counts a sender's messages in each view from 1. So the first number that anybody
 * got in a view is taken for its first; and where the sender was in the view before, that
 * one has to follow what was agreed on then.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/sim.h"

#define LINE		8192
#define DEPARTURE	(1ULL << 31)	/* in a tag's id: no message, but the number of a member */

static struct history history;
static u64 messages;
static bool ended_badly;

static void fault(const char *what, const char *where)
{
	fprintf(stderr, "judge: %s: %s\n", what, where);
	exit(2);
}

/*
 * The book: a line for each view, words as "ringctl view fill" has them
 */

static void take_hosts(struct dmring_view_record *rec, char *list)
{
	char *item;

	while ((item = strsep(&list, ","))) {
		struct dmring_next_host *h = &rec->host[rec->count];

		if (rec->count++ == DMRING_HOSTS_MAX)
			fault("too many hosts", item);
		h->node = strtoul(strsep(&item, ":"), NULL, 10);
		h->inc = item ? strtoull(strsep(&item, ":"), NULL, 16) : 0;
		h->stays = item && !strcmp(item, "stays");
		if (!h->node || h->node > DMRING_HOSTS_MAX || !h->inc)
			fault("no host", "book");
	}
}

static void take_cut(struct dmring_view_record *rec, char *list)
{
	char *item;

	while ((item = strsep(&list, ","))) {
		struct dmring_cut *c = &rec->cut[rec->cuts];

		if (rec->cuts++ == DMRING_HOSTS_MAX)
			fault("too many hosts", item);
		c->node = strtoul(strsep(&item, ":"), NULL, 10);
		c->seq = item ? strtoull(item, NULL, 10) : 0;
	}
}

static void take_word(struct dmring_view_record *rec, const char *word, char *value)
{
	if (!strcmp(word, "hosts"))
		take_hosts(rec, value);
	else if (!strcmp(word, "cut"))
		take_cut(rec, value);
	else if (!strcmp(word, "number"))
		rec->number = strtoul(value, NULL, 10);
	else if (!strcmp(word, "prev"))
		rec->prev = strtoul(value, NULL, 10);
	else if (!strcmp(word, "sequencer"))
		rec->sequencer = strtoul(value, NULL, 10);
	else if (!strcmp(word, "ordered"))
		rec->ordered = strtoull(value, NULL, 10);
	else if (!strcmp(word, "base"))
		rec->base = strtoull(value, NULL, 10);
	else
		fault("unknown word", word);
}

static void take_record(char *line)
{
	struct dmring_view_record rec = { 0 };
	char *word, *value;
	u32 i;

	for (word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
		if (!strcmp(word, "quorum")) {
			rec.quorum = true;
			continue;
		}
		value = strtok(NULL, " \n");
		if (!value)
			fault("a word without its value", word);
		take_word(&rec, word, value);
	}
	if (!rec.number || !rec.count)
		fault("a line that is no view", "book");
	/* it may have been asked for twice */
	for (i = 0; i < history.records; i++)
		if (!history_differ(&history.record[i], &rec))
			return;
	history_record(&history, &rec);
}

static void read_book(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[LINE];

	if (!f)
		fault("cannot read it", path);
	while (fgets(line, sizeof(line), f))
		take_record(line);
	fclose(f);
	if (!history.records)
		fault("it is empty", path);
}

/*
 * Receivers
 */

/* The view of that number which @node was in; of two parts, each has its own. */
static u32 record_of(u32 number, u32 node)
{
	u32 i;

	for (i = 0; i < history.records; i++)
		if (history.record[i].number == number &&
		    dmring_view_next_host(&history.record[i], node))
			return i;
	fprintf(stderr, "judge: host %u was in a view %u that nobody installed\n", node, number);
	exit(1);
}

/* In view @record now; a new life, if it came to that as a new host. */
static u32 enter(u32 life, u32 node, u32 record)
{
	u64 inc = dmring_view_next_host(&history.record[record], node)->inc;
	struct life *l;

	if (!history.lives || life >= history.lives || history.life[life].inc != inc) {
		if (life < history.lives)
			history.life[life].ended = true;
		life = history_life(&history, node, inc);
	}
	l = &history.life[life];
	l->sent = 0;
	history_view(&history, life, &history.record[record]);
	return life;
}

/* The view a life is in; NULL for none yet */
static const struct dmring_view_record *view_of(const struct life *l)
{
	u32 i;

	for (i = l->items; i; i--)
		if (l->item[i - 1].view)
			return &history.record[l->item[i - 1].record];
	return NULL;
}

/*
 * @what: number of the message, or DEPARTURE and number of the member. Without a quorum nothing
 * but departures goes on, and those are told to who is there.
 */
static void take_message(u32 life, u64 what, u32 node, const char *path)
{
	const struct dmring_view_record *rec = view_of(&history.life[life]);
	const struct dmring_next_host *h = dmring_view_next_host(rec, node);
	struct tag tag = {
		.node = node, .view = rec->number, .seq = what, .id = (u64)node << 32 | what,
	};

	if (!h) {
		fprintf(stderr, "judge: %s: a message of host %u, which is not in view %u\n", path,
			tag.node, rec->number);
		exit(1);
	}
	if (what & DEPARTURE && !rec->quorum)
		return;
	tag.inc = h->inc;
	history_message(&history, life, &tag);
	messages++;
}

/* Its first view, in which it may have got nothing; ~0 if it came later */
static u32 begin(u32 node, u32 next)
{
	const struct dmring_next_host *h = dmring_view_next_host(&history.record[0], node);

	if (!h || h->inc != dmring_view_next_host(&history.record[next], node)->inc)
		return ~0U;
	return enter(~0U, node, 0);
}

static u32 take_line(u32 life, u32 node, const char *line, const char *path)
{
	u32 n, of;

	if (sscanf(line, "view %u", &n) == 1) {
		n = record_of(n, node);
		if (life == ~0U)
			life = begin(node, n);
		return enter(life, node, n);
	}
	if (sscanf(line, "message %u of %u", &n, &of) == 2)
		of++;
	else if (sscanf(line, "event left node %u arg %u", &of, &n) != 2)
		return life;
	if (life == ~0U)
		life = enter(life, node, record_of(history.record[0].number, node));
	take_message(life, *line == 'm' ? n : n | DEPARTURE, of, path);
	return life;
}

static void read_receiver(u32 node, const char *path)
{
	FILE *f = fopen(path, "r");
	u32 life = ~0U;
	bool ended = true;
	char line[LINE];

	if (!f)
		fault("cannot read it", path);
	while (fgets(line, sizeof(line), f)) {
		life = take_line(life, node, line, path);
		if (strstr(line, ": received "))
			ended = false;
	}
	fclose(f);
	if (life == ~0U)
		fault("it has no view and no message", path);
	/* who was killed says nothing at its end */
	if (ended)
		history.life[life].ended = true;
}

/*
 * Numbers: from 1 in each view
 */

/* Of one host, in one view */
struct part {
	u64 first;		/* number of the first message that anybody got; ~0 for none */
	u32 departures;		/* most that anybody heard of */
};

static struct part part_of(u32 record, u32 node)
{
	struct part p = { .first = ~0ULL };
	u32 i, k, left;

	for (i = 0; i < history.lives; i++) {
		const struct life *l = &history.life[i];
		u32 now = ~0U;

		for (k = 0, left = 0; k < l->items; k++) {
			const struct item *m = &l->item[k];

			if (m->view)
				now = m->record;
			if (m->view || now != record || m->tag.node != node)
				continue;
			if (m->tag.id & DEPARTURE)
				left++;
			else
				p.first = min(p.first, m->tag.seq);
		}
		p.departures = max(p.departures, left);
	}
	return p;
}

static u64 cut_of(const struct dmring_view_record *rec, u32 node)
{
	u16 i;

	for (i = 0; i < rec->cuts; i++)
		if (rec->cut[i].node == node)
			return rec->cut[i].seq;
	return 0;
}

/* A departure has the number behind what came before it; it moves all that follows. */
static void renumber(u32 record, u32 node, u64 first)
{
	u32 i, k;

	for (i = 0; i < history.lives; i++) {
		struct life *l = &history.life[i];
		u64 last = 0, left = 0;
		u32 now = ~0U;

		for (k = 0; k < l->items; k++) {
			struct item *m = &l->item[k];

			if (m->view)
				now = m->record;
			if (m->view || now != record || m->tag.node != node)
				continue;
			if (m->tag.id & DEPARTURE) {
				left++;
				m->tag.seq = last + 1;
			} else {
				m->tag.seq += left + 1 - first;
			}
			last = m->tag.seq;
		}
	}
}

/*
 * Who stays goes on with the number behind the last one that was agreed on. @next: of each node,
 * its first message in the view before, less the departures there.
 */
static void number_view(u32 record, u64 *next)
{
	const struct dmring_view_record *rec = &history.record[record];
	u16 i;

	for (i = 0; i < rec->count; i++) {
		const struct dmring_next_host *h = &rec->host[i];
		u64 due = next[h->node] + cut_of(rec, h->node);
		struct part p = part_of(record, h->node);

		if (p.first == ~0ULL)
			p.first = due;
		if ((h->stays || !rec->prev) && p.first != due) {
			printf("between views: of host %u message %llu is the first of view %u, due was %llu\n",
			       h->node, p.first, rec->number, due);
			ended_badly = true;
		}
		renumber(record, h->node, p.first);
		next[h->node] = p.first - p.departures;
	}
}

/* Each host's views, one after the other; a view of two parts has two records */
static void number_all(void)
{
	static u64 next[DMRING_HOSTS_MAX + 1];
	u32 i;

	for (i = 0; i < history.records; i++)
		number_view(i, next);
}

/* What a host has sent in a view is what it delivered itself; that all of it came is in the cuts */
static void count_own(void)
{
	u32 i, k;

	for (i = 0; i < history.lives; i++) {
		struct life *l = &history.life[i];
		u64 own = 0;

		for (k = 0; k < l->items; k++) {
			if (l->item[k].view) {
				l->item[k].sent = own;
				own = 0;
			} else {
				own += l->item[k].tag.node == l->node;
			}
		}
	}
}

static u8 order_of(const char *name)
{
	if (!strcmp(name, "total"))
		return DMRING_ORDER_TOTAL;
	if (!strcmp(name, "safe"))
		return DMRING_ORDER_SAFE;
	if (strcmp(name, "fifo"))
		fault("unknown order", name);
	return DMRING_ORDER_FIFO;
}

int main(int argc, char **argv)
{
	const char *wrong;
	char text[320];
	int i;

	if (argc < 4)
		fault("usage", "judge ORDER BOOK [-d] NODE=FILE…");
	read_book(argv[2]);
	for (i = 3; i < argc; i++) {
		char *file = strchr(argv[i], '=');

		if (!strcmp(argv[i], "-d"))
			history.decree = true;
		else if (file)
			read_receiver(strtoul(argv[i], NULL, 10), file + 1);
		else
			fault("not NODE=FILE", argv[i]);
	}
	number_all();
	count_own();
	wrong = history_check(&history, order_of(argv[1]), text, sizeof(text));
	if (wrong)
		printf("%s\n", wrong);
	if (!messages)
		fault("there are no messages", argv[2]);
	printf("%llu messages, %u views, %u lives of hosts\n", messages, history.records,
	       history.lives);
	return wrong || ended_badly;
}
