// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl up, ringctl down: a file of "ring NAME ..." and "peer NAME ..."
 *
 * The whole file is read and understood before the kernel is told anything.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "nl.h"
#include "requests.h"
#include "words.h"

#define LINE_WORDS	64
#define BLANKS		" \t\r\n"

struct kind;

/* A line: what does it and what undoes it */
struct step {
	struct step *prev;
	const struct kind *kind;
	char *ring;
	char add[NL_REQUEST_SIZE];
	char del[NL_REQUEST_SIZE];
	char where[128];
};

/* What a line may begin with */
static const struct kind {
	const char *word;
	int (*add)(struct words *w, void *buf);
	int (*del)(struct words *w, void *buf);
	bool whole;	/* takes all the ring's other lines with it when it goes */
} kinds[] = {
	{ "ring", ring_add_request, ring_del_request, true },
	{ "peer", peer_add_request, peer_undo_request, false },
	{ }
};

static const struct kind *find_kind(const char *word)
{
	const struct kind *k;

	for (k = kinds; k->word; k++)
		if (!strcmp(k->word, word))
			return k;
	return NULL;
}

/* Words of a line without its comment; LINE_WORDS + 1 if there are more */
static int split(char *line, char **argv)
{
	char *save, *word;
	int argc = 0;

	for (word = strtok_r(line, BLANKS, &save); word && *word != '#' && argc <= LINE_WORDS;
	     word = strtok_r(NULL, BLANKS, &save))
		argv[argc++] = word;
	return argc;
}

static int understand(struct step *s, struct words w)
{
	const char *word = words_next(&w);
	struct words again = w;

	s->kind = find_kind(word);
	if (!s->kind)
		return words_usage(&w, "unknown word \"%s\", write ring or peer", word);
	if (w.argc) {
		s->ring = strdup(w.argv[0]);
		if (!s->ring)
			return ctl_refuse("out of memory");
	}
	if (s->kind->add(&w, s->add))
		return CTL_USAGE;
	return s->kind->del(&again, s->del);
}

static int read_line(struct step **last, char *line, const char *path, unsigned int number)
{
	char *argv[LINE_WORDS + 1];
	struct words w = { .argv = argv };
	struct step *s;

	w.argc = split(line, argv);
	if (!w.argc)
		return CTL_OK;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ctl_refuse("out of memory");
	s->prev = *last;
	*last = s;
	snprintf(s->where, sizeof(s->where), "%s:%u: ", path, number);
	w.where = s->where;
	if (w.argc > LINE_WORDS)
		return words_usage(&w, "too many words");
	return understand(s, w);
}

static int read_lines(FILE *file, const char *path, struct step **last)
{
	unsigned int number = 0;
	size_t size = 0;
	char *line = NULL;
	int status = CTL_OK;

	while (!status && getline(&line, &size, file) >= 0)
		status = read_line(last, line, path, ++number);
	if (!status && ferror(file))
		status = ctl_refuse("cannot read %s: %s", path, strerror(errno));
	free(line);
	return status;
}

static int read_conf(const char *path, struct step **last)
{
	bool standard = !strcmp(path, "-");
	FILE *file = standard ? stdin : fopen(path, "re");
	int status;

	if (!file)
		return ctl_refuse("cannot open %s: %s", path, strerror(errno));
	status = read_lines(file, standard ? "stdin" : path, last);
	if (!standard)
		fclose(file);
	return status;
}

static void free_steps(struct step *last)
{
	struct step *s;

	while ((s = last)) {
		last = s->prev;
		free(s->ring);
		free(s);
	}
}

/* The file is kept last line first, which is the order in which to undo. */
static struct step *reverse(struct step *last)
{
	struct step *first = NULL, *s;

	while ((s = last)) {
		last = s->prev;
		s->prev = first;
		first = s;
	}
	return first;
}

/* Does a line of these make the ring itself? Then it takes @s with it. */
static bool goes_with_ring(const struct step *s, const struct step *list)
{
	for (; list && !s->kind->whole; list = list->prev)
		if (list->kind->whole && !strcmp(list->ring, s->ring))
			return true;
	return false;
}

static int undo(struct nl *nl, struct step *list)
{
	struct step *s;
	int status = CTL_OK;

	for (s = list; s; s = s->prev)
		if (!goes_with_ring(s, list) && nl_talk(nl, (void *)s->del, NULL, NULL))
			status = CTL_REFUSED;
	return status;
}

/* All or nothing; moves what is done from @todo to @done. */
static int apply(struct nl *nl, struct step **todo, struct step **done)
{
	struct step *s;

	while ((s = *todo)) {
		if (nl_talk(nl, (void *)s->add, NULL, NULL)) {
			undo(nl, *done);
			return ctl_refuse("%snothing is set up", s->where);
		}
		*todo = s->prev;
		s->prev = *done;
		*done = s;
	}
	return CTL_OK;
}

static int up_steps(struct step **last)
{
	struct step *todo = reverse(*last), *done = NULL;
	struct nl *nl = nl_open();
	int status = nl ? apply(nl, &todo, &done) : CTL_REFUSED;

	nl_close(nl);
	free_steps(done);
	*last = todo;
	return status;
}

static int down_steps(struct step **last)
{
	struct nl *nl = nl_open();
	int status = nl ? undo(nl, *last) : CTL_REFUSED;

	nl_close(nl);
	return status;
}

static int run(struct words *w, int (*steps)(struct step **last))
{
	struct step *last = NULL;
	const char *path;
	int status;

	if (words_need(w, &path, "the name of a file is missing") || words_end(w))
		return CTL_USAGE;
	status = read_conf(path, &last);
	if (!status)
		status = steps(&last);
	free_steps(last);
	return status;
}

static int up(struct words *w)
{
	return run(w, up_steps);
}

static int down(struct words *w)
{
	return run(w, down_steps);
}

const struct verb up_verbs[] = {
	{ NULL, "CONF", up },
	{ }
};

const struct verb down_verbs[] = {
	{ NULL, "CONF", down },
	{ }
};
