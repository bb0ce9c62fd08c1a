/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ringctl: what its files share.
 *
 * ringctl OBJECT VERB WORDS. Each object is a file and a verb table; words.c
 * reads the words, nl.c talks to the kernel, json.c prints what it answers.
 */
#ifndef RINGCTL_CTL_H
#define RINGCTL_CTL_H

#include <stdbool.h>
#include <linux/types.h>

#ifndef __printf
#define __printf(a, b)	__attribute((format(printf, a, b)))
#endif

struct words;

/* Exit status of the tool, and result of whatever may end it */
enum ctl_status {
	CTL_OK,
	CTL_REFUSED,	/* by the kernel, or timed out */
	CTL_USAGE,	/* unknown word, missing value, bad number */
};

struct ctl_options {
	bool json;
	bool pretty;
	bool stats;
};

extern struct ctl_options ctl;

/**
 * struct verb - one thing an object can be told
 * @name: its word; NULL when the object takes no verb
 * @words: what may follow, for help
 * @run: reads the words and does it; returns an enum ctl_status
 */
struct verb {
	const char *name;
	const char *words;
	int (*run)(struct words *w);
};

/**
 * struct object - what verbs are about
 * @name: its word
 * @verbs: ends with a NULL @run
 */
struct object {
	const char *name;
	const struct verb *verbs;
};

extern const struct verb ring_verbs[];
extern const struct verb peer_verbs[];
extern const struct verb member_verbs[];
extern const struct verb proxy_verbs[];
extern const struct verb view_verbs[];
extern const struct verb service_verbs[];
extern const struct verb status_verbs[];
extern const struct verb monitor_verbs[];
extern const struct verb send_verbs[];
extern const struct verb recv_verbs[];
extern const struct verb call_verbs[];
extern const struct verb serve_verbs[];
extern const struct verb up_verbs[];
extern const struct verb down_verbs[];

/* Goes to the network namespace that the next word names; returns an enum ctl_status. */
int netns_enter(struct words *w);

/* Says a sentence on stderr; returns CTL_REFUSED. */
__printf(1, 2) int ctl_refuse(const char *fmt, ...);

/* Flushes stdout; a reader who has gone is no error. */
int ctl_flush(void);

#endif /* RINGCTL_CTL_H */
