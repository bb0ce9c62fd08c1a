// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: process scope: services, requests and replies
 *
 *	client->asked ----.   .---- server->serving
 *	                   call -----> request, in the server's queue or shown to it
 *	                                  '--> end, the letter that tells of a failure
 *
 * A call is there from the request to its end, under the ring's calls_lock, and nobody
 * else has a pointer to it: who replies is looked up among what it has in hand, so a
 * capability is worth nothing to others, nor a second time. The letter for a failure is made
 * together with the request and needs no room, so that a call always can be ended.
 *
 * A member takes itself off all lists before it leaves the ring; so under calls_lock all
 * members on them are alive. The sender of a one-way request is looked up (RCU).
 *
 * Threads: any; deadlines are looked at by the receiving side of who asks.
 */
#define _LGPL_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "process.h"

/* One that serves, as its offer has it */
struct server {
	struct cds_list_head node;
	struct local *m;
};

/**
 * struct offer - a service; calls_lock
 * @node: in the ring's offers
 * @servers: never empty; whose turn it is comes first
 * @handle: its number, and @name
 */
struct offer {
	struct cds_list_head node;
	struct cds_list_head servers;
	__u32 handle;
	char name[DMRING_NAME_SIZE];
};

/**
 * struct call - a request under way; calls_lock
 * @of_client: in the client's asked
 * @of_server: in the server's serving
 * @request: a reference; its ref is the capability
 */
struct call {
	struct cds_list_head of_client;
	struct cds_list_head of_server;
	struct local *client;
	struct local *server;
	struct letter *request;
};

/* ---- letters ---- */

static struct letter *new_letter(__u16 type, const void *data, size_t len)
{
	struct letter *l = malloc(sizeof(*l) + len);

	if (!l)
		return NULL;
	memset(l, 0, sizeof(*l));
	l->p.refs = 1;
	l->p.len = len;
	l->p.type = type;
	if (len)
		memcpy(l->p.data, data, len);
	return l;
}

static struct letter *get_letter(struct letter *l)
{
	__atomic_add_fetch(&l->p.refs, 1, __ATOMIC_RELAXED);
	return l;
}

static void put_letter(struct letter *l)
{
	dmring_put_packet(&l->p);
}

/* Into the queue of @m, with a reference; its room is taken. It ends a wait for more, too. */
static void post(struct local *m, struct place *place, struct letter *l)
{
	dmring_enqueue(m, place, &get_letter(l)->p, false);
	dmring_kick_member(m);
	dmring_signal_member(m);
}

static struct letter *new_end(const struct dmring_in_request *q)
{
	struct dmring_ev ev = {
		.what = DMRING_EV_UNDELIVERED,
		.arg = q->cookie,
	};
	struct letter *end;

	if (q->flags & DMRING_REQUEST_ONE_WAY)
		return new_letter(DMRING_REC_EVENT, &ev, sizeof(ev));
	end = new_letter(DMRING_REC_REPLY, NULL, 0);
	if (end)
		end->ref = q->cookie;
	return end;
}

static struct letter *new_request(struct local *m, const struct dmring_in_request *q,
				  const void *data, size_t len)
{
	struct letter *l = new_letter(DMRING_REC_REQUEST, data, len);

	if (!l)
		return NULL;
	l->end = new_end(q);
	if (!l->end) {
		put_letter(l);
		return NULL;
	}
	l->flags = q->flags;
	l->from = m->r.id;
	l->cookie = q->cookie;
	l->deadline = q->deadline;
	return l;
}

/* Tell @to that its request has come to nothing; once, room or not */
static void send_end(struct local *to, struct letter *request, int error, __u32 flags)
{
	struct letter *end = request->end;
	struct dmring_ev *ev;

	if (!end)
		return;
	request->end = NULL;
	if (end->p.type == DMRING_REC_EVENT) {
		ev = (struct dmring_ev *)end->p.data;
		ev->reason = error;
		ev->arg2 = flags;
	} else {
		end->error = -error;
		end->flags = DMRING_REPLY_RING | flags;
	}
	__atomic_add_fetch(&to->load, ONE_MESSAGE + cost(end->p.len), __ATOMIC_ACQUIRE);
	post(to, &end->place, end);
	put_letter(end);
}

/* ---- services ---- */

static struct offer *find_offer(struct local_ring *ring, const char *name)
{
	struct offer *o;

	cds_list_for_each_entry(o, &ring->offers, node) {
		if (!strcmp(o->name, name))
			return o;
	}
	return NULL;
}

static struct offer *numbered_offer(struct local_ring *ring, __u32 handle)
{
	struct offer *o;

	cds_list_for_each_entry(o, &ring->offers, node) {
		if (o->handle == handle)
			return o;
	}
	return NULL;
}

static struct server *find_server(struct offer *o, const struct local *m)
{
	struct server *s;

	cds_list_for_each_entry(s, &o->servers, node) {
		if (s->m == m)
			return s;
	}
	return NULL;
}

static struct offer *new_offer(struct local_ring *ring, const char *name)
{
	struct offer *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	CDS_INIT_LIST_HEAD(&o->servers);
	o->handle = ++ring->handles;
	strcpy(o->name, name);
	cds_list_add_tail(&o->node, &ring->offers);
	ring->offer_count++;
	return o;
}

static void drop_offer_if_empty(struct local_ring *ring, struct offer *o)
{
	if (!cds_list_empty(&o->servers))
		return;
	cds_list_del(&o->node);
	ring->offer_count--;
	free(o);
}

static void del_server(struct local_ring *ring, struct offer *o, struct server *s)
{
	cds_list_del(&s->node);
	free(s);
	drop_offer_if_empty(ring, o);
}

static int offer_locked(struct local *m, const char *name, __u32 *handle)
{
	struct offer *o = find_offer(m->ring, name);
	struct server *s;

	if (o && find_server(o, m))
		return dmring_fail(-EEXIST, "this member offers \"%s\" already", name);
	if (!o && m->ring->offer_count == DMRING_OFFERS_MAX)
		return dmring_fail(-ENOSPC, "%d services are offered, and no more can be",
				   DMRING_OFFERS_MAX);
	s = malloc(sizeof(*s));
	if (s && !o)
		o = new_offer(m->ring, name);
	if (!s || !o) {
		free(s);
		return dmring_fail(-ENOMEM, "no memory");
	}
	s->m = m;
	cds_list_add(&s->node, &o->servers);
	*handle = o->handle;
	return 0;
}

static int withdraw_locked(struct local *m, const char *name)
{
	struct offer *o = find_offer(m->ring, name);
	struct server *s = o ? find_server(o, m) : NULL;

	if (!s)
		return dmring_fail(-ENOENT, "this member does not offer \"%s\"", name);
	del_server(m->ring, o, s);
	return 0;
}

int dmring_local_offer(struct dmring *r, const char *service, bool end, __u32 *handle)
{
	struct local *m = local(r);
	int ret;

	pthread_mutex_lock(&m->ring->calls_lock);
	ret = end ? withdraw_locked(m, service) : offer_locked(m, service, handle);
	pthread_mutex_unlock(&m->ring->calls_lock);
	return ret;
}

/* Does anybody serve it but @m? Nobody is asked itself. */
static bool has_other(const struct offer *o, const struct local *m)
{
	struct server *s;

	cds_list_for_each_entry(s, &o->servers, node) {
		if (s->m != m)
			return true;
	}
	return false;
}

/* Whose turn it is among those that have room, which is then taken; NULL: all are full */
static struct local *choose_server(struct offer *o, const struct letter *l)
{
	struct server *s;

	cds_list_for_each_entry(s, &o->servers, node) {
		if (s->m->r.id == l->from)
			continue;
		if (s->m->serving_count >= DMRING_CALLS_MAX ||
		    !dmring_take_room(s->m, cost(l->p.len))) {
			dmring_kick_member(s->m);
			continue;
		}
		cds_list_del(&s->node);
		cds_list_add_tail(&s->node, &o->servers);
		return s->m;
	}
	return NULL;
}

/* ---- calls ---- */

static struct call *find_call(struct local *server, __u64 cap)
{
	struct call *c;

	cds_list_for_each_entry(c, &server->serving, of_server) {
		if (c->request->ref == cap)
			return c;
	}
	return NULL;
}

static void hand_to(struct call *c, struct local *server)
{
	c->server = server;
	cds_list_add_tail(&c->of_server, &server->serving);
	server->serving_count++;
}

static void take_from_server(struct call *c)
{
	cds_list_del(&c->of_server);
	c->server->serving_count--;
}

static void del_call(struct call *c)
{
	take_from_server(c);
	cds_list_del(&c->of_client);
	c->client->asked_count--;
	put_letter(c->request);
	free(c);
}

static void end_call(struct call *c, int error, __u32 flags)
{
	send_end(c->client, c->request, error, flags);
	del_call(c);
}

/*
 * A reader that sleeps already is to sleep no longer than that; dmring_call() does not
 * sleep yet.
 */
static void set_deadline(struct local *m, const struct letter *request)
{
	__u64 at = request->deadline;

	if (!at || (m->next_deadline && m->next_deadline <= at))
		return;
	store_relaxed(&m->next_deadline, at);
	if (!(request->cookie & OWN_COOKIE))
		dmring_set_signal(m);
}

static int begin_call(struct local *m, struct offer *o, struct letter *l)
{
	struct call *c;
	struct local *to;

	if (m->asked_count >= DMRING_CALLS_MAX)
		return -EAGAIN;
	c = malloc(sizeof(*c));
	if (!c)
		return dmring_fail(-ENOMEM, "no memory");
	to = choose_server(o, l);
	if (!to) {
		free(c);
		return -EAGAIN;
	}
	l->ref = ++m->ring->caps;
	c->request = get_letter(l);
	c->client = m;
	cds_list_add_tail(&c->of_client, &m->asked);
	m->asked_count++;
	hand_to(c, to);
	set_deadline(m, l);
	post(to, &l->place, l);
	return 0;
}

static int send_to_one(struct offer *o, struct letter *l)
{
	struct local *to = choose_server(o, l);

	if (!to)
		return -EAGAIN;
	post(to, &l->place, l);
	return 0;
}

/* With all who serve, or with none; says whether */
static bool take_room_of_all(struct local *m, struct offer *o, __u64 bytes)
{
	struct server *s, *full = NULL;

	cds_list_for_each_entry(s, &o->servers, node) {
		if (s->m != m && !dmring_take_room(s->m, bytes)) {
			full = s;
			break;
		}
	}
	if (!full)
		return true;
	cds_list_for_each_entry(s, &o->servers, node) {
		if (s == full)
			break;
		if (s->m != m)
			__atomic_sub_fetch(&s->m->load, ONE_MESSAGE + bytes, __ATOMIC_RELEASE);
	}
	dmring_kick_member(full->m);
	dmring_wake_for_room(m->ring);
	return false;
}

static int send_to_each(struct local *m, struct offer *o, struct letter *l)
{
	struct place *place;
	struct server *s;
	size_t n = 0;

	cds_list_for_each_entry(s, &o->servers, node)
		n++;
	place = malloc(n * sizeof(*place));
	if (!place)
		return dmring_fail(-ENOMEM, "no memory");
	l->p.places = place;
	if (!take_room_of_all(m, o, cost(l->p.len)))
		return -EAGAIN;
	cds_list_for_each_entry(s, &o->servers, node) {
		if (s->m != m)
			post(s->m, place++, l);
	}
	return 0;
}

static int request_locked(struct local *m, const char *service, struct letter *l)
{
	struct offer *o = find_offer(m->ring, service);

	if (!o || !has_other(o, m)) {
		send_end(m, l, ESRCH, 0);
		return 0;
	}
	l->service = o->handle;
	if (l->flags & DMRING_REQUEST_EACH)
		return send_to_each(m, o, l);
	if (l->flags & DMRING_REQUEST_ONE_WAY)
		return send_to_one(o, l);
	return begin_call(m, o, l);
}

int dmring_local_request(struct dmring *r, const struct dmring_in_request *q, const void *data,
			 size_t len)
{
	struct local *m = local(r);
	struct letter *l = new_request(m, q, data, len);
	int ret;

	if (!l)
		return dmring_fail(-ENOMEM, "no memory");
	pthread_mutex_lock(&m->ring->calls_lock);
	ret = request_locked(m, q->service, l);
	pthread_mutex_unlock(&m->ring->calls_lock);
	put_letter(l);
	return ret;
}

/* ---- their end ---- */

static int reply_locked(struct local *m, __u64 cap, struct letter *l)
{
	struct call *c = find_call(m, cap);

	if (!c)
		return dmring_fail(-ESTALE, "no such request is in the hands of this member");
	if (!dmring_take_room(c->client, cost(l->p.len))) {
		end_call(c, ENOBUFS, DMRING_REPLY_UNKNOWN);
		return 0;
	}
	l->ref = c->request->cookie;
	post(c->client, &l->place, l);
	if (!(l->flags & DMRING_REPLY_MORE))
		del_call(c);
	return 0;
}

int dmring_local_reply(struct dmring *r, const struct dmring_in_reply *p, const void *data,
		       size_t len)
{
	struct local *m = local(r);
	struct letter *l = new_letter(DMRING_REC_REPLY, data, len);
	int ret;

	if (!l)
		return dmring_fail(-ENOMEM, "no memory");
	l->error = -(int)p->error;
	l->flags = p->flags;
	pthread_mutex_lock(&m->ring->calls_lock);
	ret = reply_locked(m, p->cap, l);
	pthread_mutex_unlock(&m->ring->calls_lock);
	put_letter(l);
	return ret;
}

void dmring_local_expire(struct local *m)
{
	__u64 now = now_ns(), next = 0, at;
	struct call *c, *n;

	pthread_mutex_lock(&m->ring->calls_lock);
	cds_list_for_each_entry_safe(c, n, &m->asked, of_client) {
		at = c->request->deadline;
		if (at && at <= now)
			end_call(c, ETIMEDOUT, DMRING_REPLY_UNKNOWN);
		else if (at && (!next || at < next))
			next = at;
	}
	store_relaxed(&m->next_deadline, next);
	pthread_mutex_unlock(&m->ring->calls_lock);
}

static void withdraw_all(struct local *m)
{
	struct local_ring *ring = m->ring;
	struct offer *o, *n;
	struct server *s;

	cds_list_for_each_entry_safe(o, n, &ring->offers, node) {
		s = find_server(o, m);
		if (s)
			del_server(ring, o, s);
	}
}

/* The sender of a one-way request, if it still is a member */
static void tell_sender(struct local_ring *ring, struct letter *request, int error)
{
	struct snapshot *s = get_members(ring);
	size_t i;

	for (i = 0; i < s->members; i++) {
		if (s->m[i]->r.id == request->from)
			send_end(s->m[i], request, error, 0);
	}
	put_members(ring, s);
}

/* Another one that may serve what @m has not even looked at, with its room taken; or NULL */
static struct local *other_server(struct local *m, const struct letter *l)
{
	struct offer *o = numbered_offer(m->ring, l->service);

	if (!o || !(l->flags & DMRING_REQUEST_IDEMPOTENT) || l->flags & DMRING_REQUEST_EACH)
		return NULL;
	return choose_server(o, l);
}

/* A request that is taken out of the queue of @m, which will not serve it */
static void send_on(struct local *m, struct place *place)
{
	struct letter *l = letter(place->p);
	struct call *c = l->ref ? find_call(m, l->ref) : NULL;
	struct local *to = NULL;

	if (c || !l->ref)
		to = other_server(m, l);
	if (to && c) {
		take_from_server(c);
		hand_to(c, to);
	}
	if (to)
		post(to, place, l);
	else if (c)
		end_call(c, EOWNERDEAD, 0);
	else if (!l->ref)
		tell_sender(m->ring, l, EOWNERDEAD);
	put_letter(l);	/* what the queue of @m had */
}

void dmring_local_quit(struct local *m)
{
	struct place *place;
	struct call *c, *n;

	pthread_mutex_lock(&m->ring->calls_lock);
	withdraw_all(m);
	cds_list_for_each_entry_safe(c, n, &m->asked, of_client)
		del_call(c);
	while ((place = dmring_local_pick(m, DMRING_REC_REQUEST, 0)))
		send_on(m, place);
	cds_list_for_each_entry_safe(c, n, &m->serving, of_server)
		end_call(c, EOWNERDEAD, DMRING_REPLY_UNKNOWN);
	pthread_mutex_unlock(&m->ring->calls_lock);
}
