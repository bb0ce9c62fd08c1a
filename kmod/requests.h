/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests and replies. All of it with ring->lock held; and ring->direct there, but for
 * dmring_requests_take().
 */
#ifndef _DMRING_REQUESTS_H
#define _DMRING_REQUESTS_H

#include "output.h"
#include "services.h"

/* A parcel that is to go round the ring, and what it is about */
struct dmring_outgoing {
	struct dmring_parcel p;
	struct dmring_source body;
	u32 len;			/* of the body */
	struct dmring_in_request req;	/* of a request */
	struct dmring_call *call;	/* of a reply */
	struct dmring_service *service;	/* of an offer */
	struct dmring_status *status;	/* of a status */
};

enum dmring_taken {
	DMRING_TAKEN,		/* done: delivered, or it has ended */
	DMRING_TAKEN_LATER,	/* it stays where it is, and has another turn */
	DMRING_TAKEN_OUT,	/* it is to go round the ring */
};

/*
 * The next one of @m, of type DMRING_REC_REQUEST or _REPLY, its payload of @len bytes at @src:
 * enum dmring_taken, with DMRING_TAKEN_OUT in @o; or -errno: it is to be rejected.
 */
int dmring_requests_take(struct dmring_ring *ring, struct dmring_member *m, u16 type,
			 const struct dmring_source *src, u32 len, struct dmring_outgoing *o);

/* Too many are under way, and so it waits: DMRING_TAKEN_LATER, or it fails. */
int dmring_requests_too_many(struct dmring_ring *ring, struct dmring_member *m,
			     const struct dmring_in_request *req);
/* It ends before it has begun: DMRING_TAKEN, or _LATER if that cannot be told now. */
int dmring_requests_fail(struct dmring_ring *ring, struct dmring_member *m,
			 const struct dmring_in_request *req, u32 error);

/* @m has its turn: ends that had no room before. */
void dmring_requests_turn(struct dmring_ring *ring, struct dmring_member *m);

/*
 * What carries requests and replies between hosts, and ends them, uses:
 */

/* A request on its way to a member here */
struct dmring_delivery {
	struct dmring_request req;
	struct dmring_out out;
};

void dmring_delivery_init(struct dmring_delivery *d, u32 flags, u64 deadline,
			  const struct dmring_ident *ident, const struct dmring_source *body,
			  u32 len);
/*
 * Who is to have it: the next one in turn that has room, and is not @not. Else NULL, and in *@err
 * ESRCH if there is nobody, EMSGSIZE if it fits none, EAGAIN if all are full: then these
 * are asked to ring.
 */
struct dmring_offer *dmring_delivery_choose(struct dmring_ring *ring,
					    struct dmring_service *service,
					    const struct dmring_member *not, u32 need,
					    bool one_way, int *err);
/* Put it before that one, who has room; @c: what is known of it, or NULL */
void dmring_delivery_put(struct dmring_ring *ring, struct dmring_offer *offer,
			 struct dmring_delivery *d, struct dmring_call *c);
/* Put it before each member here but @not; how many had no room */
u32 dmring_delivery_each(struct dmring_ring *ring, struct dmring_service *service,
			 const struct dmring_member *not, struct dmring_delivery *d);

/*
 * @m has left, with replies among what it had accepted: these calls are answered. False: it has too
 * much for that to be found out now.
 */
bool dmring_requests_answered(struct dmring_ring *ring, const struct dmring_member *m);

/* Who asked, if it is a member here */
static inline struct dmring_member *dmring_call_client(const struct dmring_call *c)
{
	return c->client ? container_of(c->client, struct dmring_member, party) : NULL;
}

/* A new one of @m; NULL: there are too many. */
struct dmring_call *dmring_call_new(struct dmring_ring *ring, struct dmring_member *m,
				    const struct dmring_in_request *req);

/* What came with a request or a reply, behind its header */
struct dmring_carried {
	const struct dmring_ident *ident;
	struct dmring_source body;
	u32 len;
};

/*
 * A reply, or a part, to @m; NULL: it has left. 0, -EMSGSIZE: it has no space that large, -ENOBUFS:
 * it has no room
 */
int dmring_requests_reply(struct dmring_member *m, const struct dmring_call *c, u32 error,
			  u32 flags, const struct dmring_carried *load);
/* Tell @m how its call ended; false: it has no room. Then it is to have a turn when it has. */
bool dmring_requests_tell(struct dmring_member *m, const struct dmring_call *c, u32 error,
			  u32 flags);
void dmring_requests_want_room(struct dmring_ring *ring, struct dmring_member *m);

#endif /* _DMRING_REQUESTS_H */
