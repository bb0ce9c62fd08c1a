/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that more than one verb makes: built into NL_REQUEST_SIZE bytes,
 * from words whose first is the name of a ring. All return an enum ctl_status.
 */
#ifndef RINGCTL_REQUESTS_H
#define RINGCTL_REQUESTS_H

#include "json.h"

struct words;

int ring_add_request(struct words *w, void *buf);
int peer_add_request(struct words *w, void *buf);

void ring_get_request(const char *name, void *buf);

/* Out of the words of an "add", or of a "del" */
int ring_del_request(struct words *w, void *buf);
int peer_undo_request(struct words *w, void *buf);

/* Of DMRING_A_RING_PROXY */
extern const struct out_field office_fields[];

/* What "OBJECT show [NAME]" is: one ring, or all, by a table */
int ring_show_as(struct words *w, const struct out_field *fields);
int dump_show(struct words *w, __u8 cmd, __u16 nest, __u16 name_attr,
	      const struct out_field *fields);

#endif /* RINGCTL_REQUESTS_H */
