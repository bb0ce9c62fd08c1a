/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Talking to the kernel's generic netlink family "dmring"
 *
 * A request is built with nl_begin() and nl_nest(), without a socket, so that
 * all usage errors come before the first word to the kernel; nl_do() or
 * nl_talk() sends it. Refusals are said on stderr where they happen.
 */
#ifndef RINGCTL_NL_H
#define RINGCTL_NL_H

#include <linux/types.h>

#define NL_REQUEST_SIZE	4096

struct nl;
struct nlattr;
struct nlmsghdr;

/* Called with the object's nest of each message */
typedef void (*nl_fn)(const struct nlattr *object, void *arg);

/* Starts a request of NL_REQUEST_SIZE bytes: @flags 0 or NLM_F_DUMP */
struct nlmsghdr *nl_begin(void *buf, __u8 cmd, __u16 flags);

/* A string, short enough for the buffer; the kernel judges the rest. */
void nl_put_name(struct nlmsghdr *nlh, __u16 attr, const char *name);

/* A connection, or NULL and a sentence */
struct nl *nl_open(void);
void nl_close(struct nl *nl);
int nl_fd(const struct nl *nl);

/* Sends a request, hands each answer to @fn; returns an enum ctl_status. */
int nl_talk(struct nl *nl, struct nlmsghdr *nlh, nl_fn fn, void *arg);

/* Opens, talks, closes */
int nl_do(struct nlmsghdr *nlh, nl_fn fn, void *arg);

/* As nl_do(); a dump that changes meanwhile is begun anew after @restart. */
int nl_dump(struct nlmsghdr *nlh, nl_fn fn, void (*restart)(void *arg), void *arg);

/* Asks for the kernel's events; such a connection is for nothing else. */
int nl_subscribe(struct nl *nl);

/* Reads events waiting at nl_fd(); @fn gets NULL where some were lost. */
int nl_events(struct nl *nl, nl_fn fn, void *arg);

#endif /* RINGCTL_NL_H */
