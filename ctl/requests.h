/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that more than one verb makes: built into NL_REQUEST_SIZE bytes,
 * from words whose first is the name of a ring. All but request_begin() return an enum
 * ctl_status.
 */
#ifndef RINGCTL_REQUESTS_H
#define RINGCTL_REQUESTS_H

#include "json.h"

struct nlattr;
struct word;
struct words;

/* A request about @ring, or about what it has of these objects; the nest is open. */
struct nlattr *request_begin(void *buf, __u8 cmd, __u16 flags, __u16 object, const char *ring);

/* The same, with the words behind the name by a table, and finished */
int request(struct words *w, __u8 cmd, __u16 object, const struct word *table, void *buf);

/* The same, and sent */
int request_do(struct words *w, __u8 cmd, __u16 object, const struct word *table);

/*
 * "OBJECT show [NAME]": a dump of all, or about one ring, with @flags: NLM_F_DUMP where it has
 * many, 0 where that is one answer
 */
int request_show(struct words *w, __u8 cmd, __u16 flags, __u16 object,
		 const struct out_field *fields);

/* The same for what has always many, as a table with a head */
int request_table(struct words *w, __u8 cmd, __u16 object, const struct out_field *fields);

/* What these send; of all rings if @ring is NULL */
void request_get(void *buf, __u8 cmd, __u16 flags, __u16 object, const char *ring);

int ring_add_request(struct words *w, void *buf);
int peer_add_request(struct words *w, void *buf);

void ring_get_request(const char *name, void *buf);

/* Out of the words of an "add", or of a "del" */
int ring_del_request(struct words *w, void *buf);
int peer_undo_request(struct words *w, void *buf);

/* Of DMRING_A_RING_PROXY */
extern const struct out_field office_fields[];

#endif /* RINGCTL_REQUESTS_H */
