/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parcel: what hosts send each other in their streams that is not for every member
 * to read: requests, replies, and what they announce of services and status. A
 * parcel is a record like any other (sequence, window, order, stability, cut of a view), only
 * that its bytes lie beside the log, where no member can read them, and that it takes no
 * position of the index.
 *
 * A parcel for one host goes on from there without what is behind its header: all hosts count
 * it, but none needs the rest. Whoever may have to send it to the host it is for stands
 * between that and its origin, and has all of it.
 *
 * All functions are pure. Byte tables are in Documentation/protocol.rst.
 */
#ifndef _DMRING_CORE_PARCEL_H
#define _DMRING_CORE_PARCEL_H

#include "wire.h"

enum dmring_parcel_kind {
	DMRING_PARCEL_REQUEST = 1,
	DMRING_PARCEL_REPLY,
	DMRING_PARCEL_OFFER,
	DMRING_PARCEL_STATUS,
	DMRING_PARCEL_KINDS
};

#define DMRING_STATUS_GONE	1	/* the member has left */

/**
 * struct dmring_parcel - its header
 * @kind: enum dmring_parcel_kind
 * @flags: DMRING_REQUEST_* of a request, DMRING_REPLY_* of a reply; of a status, and then without
 *         one, DMRING_STATUS_GONE; else 0
 * @error: of a reply: errno or 0
 * @dest: host it is for; 0: for all
 * @from: host it is of
 * @no: of a request: what its host calls it, 0 with DMRING_REQUEST_EACH; of a reply: likewise, of
 *      the request
 * @arg: of a request: time left (ns), 0 for ever, or with DMRING_REQUEST_EACH its cookie; of a
 *       reply to one with EACH: its cookie; of a status: state, and progress above it; of an
 *       offer: requests in the hands of those who serve it
 * @member: of a request with EACH, and a reply to it: who sent it, as its host calls it; of
 *          a status: the member's id; of an offer: how many serve it
 * @name: of a request or an offer: the service; else all NUL
 */
struct dmring_parcel {
	u8 kind;
	u8 flags;
	u16 error;
	u32 dest;
	u32 from;
	u32 member;
	u64 no;
	u64 arg;
	char name[DMRING_NAME_SIZE];
};

/* @buf of DMRING_WIRE_PARCEL, which is what is returned */
u32 dmring_parcel_put(u8 *buf, const struct dmring_parcel *p);
/* @len: of the record's payload, header included; 0 or -EPROTO */
int dmring_parcel_get(const u8 *buf, u32 len, struct dmring_parcel *p, char *why);

/* Which host it is for, 0 for all; of its header, unchecked */
static inline u32 dmring_parcel_dest(const u8 *buf)
{
	return dmring_get32(buf + 4);
}

/* The same of what was checked before */
int dmring_parcel_get_head(const u8 *buf, struct dmring_parcel *p);

/* A service's name: DMRING_NAME_SIZE bytes, likewise, and not empty */
bool dmring_service_name_ok(const char *name);
/* A status's text: DMRING_STATUS_SIZE bytes, printable, filled up with NUL */
bool dmring_status_text_ok(const char *text);

#endif /* _DMRING_CORE_PARCEL_H */
