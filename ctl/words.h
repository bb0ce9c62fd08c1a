/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a command line, or of a line of a CONF file
 */
#ifndef RINGCTL_WORDS_H
#define RINGCTL_WORDS_H

#include <stddef.h>

#include "ctl.h"

/**
 * struct words - a cursor over words
 * @argc: words left
 * @argv: the next one
 * @where: said before each complaint, "" or "FILE:LINE: "
 * @seen: bit per entry of the table that words_take() works on
 * @bits: what words_bit() gathered
 */
struct words {
	int argc;
	char **argv;
	const char *where;
	__u64 seen;
	__u32 bits;
};

/**
 * struct word - a key, and what to do with its value
 * @name: the key
 * @take: reads the value from the words and puts it into @to; returns an enum
 *        ctl_status
 * @at: netlink attribute, or offset in a structure
 * @names: values of an enumeration, NULL at the end
 * @bit: for words_bit()
 * @required: a usage error when it is missing
 */
struct word {
	const char *name;
	int (*take)(struct words *w, const struct word *d, void *to);
	size_t at;
	const char *const *names;
	__u32 bit;
	bool required;
};

#define WORD(word, how, where, ...) \
	{ .name = (word), .take = (how), .at = (where), __VA_ARGS__ }

/* Says a sentence on stderr; returns CTL_USAGE. */
__printf(2, 3) int words_usage(const struct words *w, const char *fmt, ...);

/* The next word, or NULL */
const char *words_next(struct words *w);

/* The next word, or the sentence and CTL_USAGE */
__printf(3, 4) int words_need(struct words *w, const char **to, const char *fmt, ...);

/* The next word as the name of a ring, which must be there */
int words_ring(struct words *w, const char **to);

/* The next word, or NULL, must be the last. */
int words_last(struct words *w, const char **to);

/* CTL_USAGE if words are left */
int words_end(struct words *w);

/* All words left, by a table that ends with a NULL name */
int words_take(struct words *w, const struct word *table, void *to);

/* For word.take: @to is a struct nlmsghdr, word.at an attribute */
int words_put_u32(struct words *w, const struct word *d, void *to);
int words_put_u64(struct words *w, const struct word *d, void *to);
int words_put_flag(struct words *w, const struct word *d, void *to);
int words_put_bytes32(struct words *w, const struct word *d, void *to);
int words_put_bytes64(struct words *w, const struct word *d, void *to);
int words_put_octal(struct words *w, const struct word *d, void *to);
int words_put_enum(struct words *w, const struct word *d, void *to);
int words_put_addr(struct words *w, const struct word *d, void *to);
int words_put_user(struct words *w, const struct word *d, void *to);
int words_put_group(struct words *w, const struct word *d, void *to);

/* For word.take: @to is a structure, word.at an offset in it */
int words_set_u64(struct words *w, const struct word *d, void *to);
int words_set_bytes(struct words *w, const struct word *d, void *to);
int words_set_seconds(struct words *w, const struct word *d, void *to);
int words_set_text(struct words *w, const struct word *d, void *to);
int words_set_true(struct words *w, const struct word *d, void *to);

/* For word.take: a value that is of no interest */
int words_skip(struct words *w, const struct word *d, void *to);

/* For word.take: adds word.bit to words.bits */
int words_bit(struct words *w, const struct word *d, void *to);

#endif /* RINGCTL_WORDS_H */
