// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services and status.
 *
 * Hosts announce what is, not what has changed: how many of their members serve a name, and
 * the latest status of each member. So an announcement may be put off while the window is full,
 * and replaced by a later one; nothing piles up.
 *
 * Locking: ring->lock; memory is made before it is taken.
 */
#include <linux/ktime.h>
#include <linux/slab.h>

#include "member.h"
#include "services.h"
#include "thread.h"

/*
 * Services
 */

struct dmring_service *dmring_services_find(struct dmring_ring *ring, const char *name)
{
	struct dmring_service *service;

	list_for_each_entry(service, &ring->direct->services, node)
		if (!memcmp(service->name, name, DMRING_NAME_SIZE))
			return service;
	return NULL;
}

static struct dmring_offer *find_offer(struct dmring_member *m, const char *name)
{
	struct dmring_offer *offer;

	list_for_each_entry(offer, &m->offers, member_node)
		if (!memcmp(offer->service->name, name, DMRING_NAME_SIZE))
			return offer;
	return NULL;
}

static void service_changed(struct dmring_ring *ring, struct dmring_service *service)
{
	if (!dmring_ring_is_network(ring))
		return;
	ring->direct->dirty_services += !service->dirty;
	service->dirty = true;
	dmring_thread_kick(ring, DMRING_WORK_PUMP);
}

/* One that nobody serves stays until the other hosts know, and until none of it is held */
static void put_service(struct dmring_ring *ring, struct dmring_service *service)
{
	if (service->members || service->held || service->dirty)
		return;
	list_del(&service->node);
	ring->direct->service_count--;
	kfree(service);
}

/* One less serves it. Who waits for room with the last one waits in vain. */
static void one_less(struct dmring_ring *ring, struct dmring_service *service)
{
	service->members--;
	if (!service->members)
		dmring_direct_retry_service(service);
	service_changed(ring, service);
}

/* @service and @offer are new, and used if there is none yet: then *@service is NULL */
static int offer_locked(struct dmring_member *m, struct dmring_ioc_offer *args,
			struct dmring_service **service, struct dmring_offer *offer)
{
	struct dmring_direct *d = m->ring->direct;
	struct dmring_service *s = dmring_services_find(m->ring, args->service);

	if (!m->attached)
		return -ENOTCONN;
	if (find_offer(m, args->service))
		return dmring_why(args->why, -EEXIST, "this member serves \"%s\" already",
				  args->service);
	if (!s && d->service_count == DMRING_OFFERS_MAX)
		return dmring_why(args->why, -ENOSPC, "this host serves %u names already",
				  DMRING_OFFERS_MAX);
	if (!s) {
		s = *service;
		*service = NULL;
		list_add_tail(&s->node, &d->services);
		d->service_count++;
	}
	offer->service = s;
	offer->member = m;
	offer->handle = m->next_offer++;
	args->handle = offer->handle;
	s->members++;
	list_add_tail(&offer->node, &s->offers);
	list_add_tail(&offer->member_node, &m->offers);
	service_changed(m->ring, s);
	dmring_direct_retry(m->ring);
	return 0;
}

static int offer(struct dmring_member *m, struct dmring_ioc_offer *args)
{
	struct dmring_service *service = kzalloc(sizeof(*service), GFP_KERNEL_ACCOUNT);
	struct dmring_offer *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (service && new) {
		INIT_LIST_HEAD(&service->offers);
		INIT_LIST_HEAD(&service->waiting[DMRING_WAIT_CALL]);
		INIT_LIST_HEAD(&service->waiting[DMRING_WAIT_ONE_WAY]);
		memcpy(service->name, args->service, sizeof(service->name));
		spin_lock(&m->ring->lock);
		err = offer_locked(m, args, &service, new);
		dmring_ring_unlock(m->ring);
	}
	kfree(service);
	if (err)
		kfree(new);
	return err;
}

static void end_offer(struct dmring_ring *ring, struct dmring_offer *offer)
{
	struct dmring_service *service = offer->service;

	list_del(&offer->node);
	list_del(&offer->member_node);
	kfree(offer);
	one_less(ring, service);
	put_service(ring, service);
}

static int withdraw(struct dmring_member *m, struct dmring_ioc_offer *args)
{
	struct dmring_offer *offer;
	int err = 0;

	spin_lock(&m->ring->lock);
	/* what one that has left had offered is no longer its own to withdraw */
	offer = m->attached ? find_offer(m, args->service) : NULL;
	if (!m->attached) {
		err = -ENOTCONN;
	} else if (offer) {
		end_offer(m->ring, offer);
		/* a request to each may have waited for this one alone */
		dmring_direct_retry(m->ring);
	} else {
		err = dmring_why(args->why, -ENOENT, "this member does not serve \"%s\"",
				 args->service);
	}
	dmring_ring_unlock(m->ring);
	return err;
}

int dmring_services_offer(struct dmring_member *m, struct dmring_ioc_offer *args)
{
	if (!(m->flags & DMRING_ATTACH_CALLS))
		return dmring_why(args->why, -EOPNOTSUPP,
				  "this member was not attached for requests");
	if (strnlen(args->service, DMRING_NAME_SIZE) == DMRING_NAME_SIZE)
		return dmring_why(args->why, -ENAMETOOLONG, "a service's name has at most %d bytes",
				  DMRING_NAME_SIZE - 1);
	if (!dmring_service_name_ok(args->service))
		return dmring_why(args->why, -EINVAL,
				  "a service's name has 1 to %d printable characters, filled up with zeros",
				  DMRING_NAME_SIZE - 1);
	return args->flags & DMRING_OFFER_END ? withdraw(m, args) : offer(m, args);
}

/*
 * Status
 */

static u64 status_key(u32 host, u32 member)
{
	return (u64)host << 32 | member;
}

static struct dmring_status *status_at(struct rb_node *node)
{
	return rb_entry_safe(node, struct dmring_status, node);
}

static u64 key_at(const struct rb_node *node)
{
	const struct dmring_status *s = rb_entry(node, struct dmring_status, node);

	return status_key(s->host, s->member);
}

static bool status_less(struct rb_node *a, const struct rb_node *b)
{
	return key_at(a) < key_at(b);
}

/* The first one with @key or a higher one; or NULL */
static struct dmring_status *status_from(struct dmring_direct *d, u64 key)
{
	struct rb_node *node = d->statuses.rb_node, *found = NULL;

	while (node) {
		if (key_at(node) < key) {
			node = node->rb_right;
		} else {
			found = node;
			node = node->rb_left;
		}
	}
	return status_at(found);
}

static struct dmring_status *find_status(struct dmring_direct *d, u32 host, u32 member)
{
	struct dmring_status *s = status_from(d, status_key(host, member));

	return s && s->host == host && s->member == member ? s : NULL;
}

bool dmring_services_next_status(struct dmring_ring *ring, u64 *next, struct dmring_status *now)
{
	const struct dmring_status *s;
	bool found;

	/* pairs with dmring_direct_prepare() */
	if (!smp_load_acquire(&ring->direct))
		return false;
	spin_lock(&ring->lock);
	s = status_from(ring->direct, *next);
	found = s;
	if (found) {
		*now = *s;
		*next = status_key(s->host, s->member) + 1;
	}
	dmring_ring_unlock(ring);
	return found;
}

static void drop_status(struct dmring_ring *ring, struct dmring_status *s)
{
	if (s->host != ring->node) {
		ring->direct->status_count--;
		dmring_exchange_use(&ring->direct->exchange, s->host)->statuses--;
	}
	rb_erase(&s->node, &ring->direct->statuses);
	list_del_init(&s->dirty_node);
	kfree(s);
}

static void status_changed(struct dmring_ring *ring, struct dmring_status *s)
{
	if (!dmring_ring_is_network(ring))
		return;
	if (list_empty(&s->dirty_node))
		list_add_tail(&s->dirty_node, &ring->direct->dirty);
	dmring_thread_kick(ring, DMRING_WORK_PUMP);
}

/* The others are to forget it, before they hear of the next member with this id */
static void status_gone(struct dmring_ring *ring, struct dmring_member *m)
{
	drop_status(ring, m->status);
	m->status = NULL;
	if (!dmring_ring_is_network(ring))
		return;
	ring->direct->gone_count += !__test_and_set_bit(m->id, ring->direct->gone);
	dmring_thread_kick(ring, DMRING_WORK_PUMP);
}

static int check_status(const struct dmring_ioc_status *args, char *why)
{
	if (args->reserved)
		return dmring_why(why, -EINVAL, "reserved fields that are not zero");
	if (strnlen(args->text, DMRING_STATUS_SIZE) == DMRING_STATUS_SIZE)
		return dmring_why(why, -ENAMETOOLONG, "the text of a status has at most %d bytes",
				  DMRING_STATUS_SIZE - 1);
	if (!dmring_status_text_ok(args->text))
		return dmring_why(why, -EINVAL,
				  "the text of a status has no control characters, and is filled up with zeros");
	return 0;
}

int dmring_services_status(struct dmring_member *m, const struct dmring_ioc_status *args,
			   char *why)
{
	struct dmring_ring *ring = m->ring;
	struct dmring_status *new;
	int err = check_status(args, why);

	if (!err)
		err = dmring_direct_fits(ring, why);
	if (!err)
		err = dmring_direct_prepare(ring);
	if (err)
		return err;
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	INIT_LIST_HEAD(&new->dirty_node);
	spin_lock(&ring->lock);
	if (!m->attached) {
		err = -ENOTCONN;
	} else {
		if (!m->status) {
			m->status = new;
			new = NULL;
			m->status->host = ring->node;
			m->status->member = m->id;
			rb_add(&m->status->node, &ring->direct->statuses, status_less);
		}
		m->status->state = args->state;
		m->status->progress = args->progress;
		memcpy(m->status->text, args->text, sizeof(args->text));
		status_changed(ring, m->status);
	}
	dmring_ring_unlock(ring);
	kfree(new);
	return err;
}

/*
 * Those who leave, and other hosts
 */

void dmring_services_left(struct dmring_ring *ring, struct dmring_member *m)
{
	struct dmring_offer *offer, *next;

	if (m->status)
		status_gone(ring, m);
	/* what is in its hands may go to others who serve the same */
	list_for_each_entry_safe(offer, next, &m->offers, member_node) {
		list_del_init(&offer->node);
		offer->service->held++;
		one_less(ring, offer->service);
	}
}

struct dmring_service *dmring_services_at(struct dmring_member *m, u32 handle)
{
	struct dmring_offer *offer;

	list_for_each_entry(offer, &m->offers, member_node)
		if (offer->handle == handle)
			return offer->service;
	return NULL;
}

void dmring_services_drained(struct dmring_ring *ring, struct dmring_member *m)
{
	struct dmring_offer *offer, *next;

	list_for_each_entry_safe(offer, next, &m->offers, member_node) {
		list_del(&offer->member_node);
		offer->service->held--;
		put_service(ring, offer->service);
		kfree(offer);
	}
}

/* The first one of that member; NULL: its host has its share, or no memory */
static struct dmring_status *new_status(struct dmring_direct *d, u32 node, u32 member)
{
	struct dmring_host_use *use = dmring_exchange_use(&d->exchange, node);
	struct dmring_status *s;

	if (!use || use->statuses >= DMRING_STATUS_MAX / dmring_exchange_others(&d->exchange))
		return NULL;
	s = kzalloc(sizeof(*s), GFP_ATOMIC | __GFP_NOWARN);
	if (!s)
		return NULL;
	s->host = node;
	s->member = member;
	INIT_LIST_HEAD(&s->dirty_node);
	rb_add(&s->node, &d->statuses, status_less);
	d->status_count++;
	use->statuses++;
	return s;
}

void dmring_services_heard_status(struct dmring_ring *ring, const struct dmring_parcel *p,
				  const char *text)
{
	struct dmring_direct *d = ring->direct;
	struct dmring_status *s = find_status(d, p->from, p->member);

	if (p->flags & DMRING_STATUS_GONE) {
		if (s)
			drop_status(ring, s);
		return;
	}
	s = s ?: new_status(d, p->from, p->member);
	if (!s) {
		ring->stats.events_lost++;
		return;
	}
	s->state = (u32)p->arg;
	s->progress = p->arg >> 32;
	memcpy(s->text, text, DMRING_STATUS_SIZE);
}

void dmring_services_view(struct dmring_ring *ring)
{
	struct dmring_direct *d = ring->direct;
	struct dmring_service *service;
	struct dmring_status *s, *next;

	for (s = status_at(rb_first(&d->statuses)); s; s = next) {
		next = status_at(rb_next(&s->node));
		if (s->host == ring->node)
			status_changed(ring, s);
		else if (!dmring_exchange_stays(&d->exchange, s->host))
			drop_status(ring, s);
	}
	list_for_each_entry(service, &d->services, node)
		service_changed(ring, service);
}

/*
 * Announcing
 */

#define BUSY_APART_NS	(250 * NSEC_PER_MSEC)

void dmring_services_busy(struct dmring_ring *ring)
{
	struct dmring_direct *d = ring->direct;

	if (d->busy_at != U64_MAX || !dmring_ring_is_network(ring))
		return;
	d->busy_at = ktime_get_ns() + BUSY_APART_NS;
	dmring_direct_look(ring, d->busy_at);
}

/* Others need not know each change; but whether there is nothing to do, and about how much */
static bool is_news(u32 busy, u32 told)
{
	u32 more = busy > told ? busy - told : told - busy;

	return !busy != !told || more > told / 4 + 3;
}

u64 dmring_services_look(struct dmring_ring *ring, u64 now)
{
	struct dmring_direct *d = ring->direct;
	struct dmring_service *service;
	bool busy = false;

	if (now < d->busy_at)
		return d->busy_at;
	list_for_each_entry(service, &d->services, node) {
		u32 n = dmring_direct_busy(service);

		busy |= n;
		if (is_news(n, service->busy_told))
			service_changed(ring, service);
	}
	d->busy_at = busy ? now + BUSY_APART_NS : U64_MAX;
	return d->busy_at;
}

struct dmring_service *dmring_services_due(struct dmring_ring *ring)
{
	struct dmring_service *service;

	if (!ring->direct->dirty_services)
		return NULL;
	list_for_each_entry(service, &ring->direct->services, node)
		if (service->dirty)
			return service;
	return NULL;
}

void dmring_services_announced(struct dmring_ring *ring, struct dmring_service *service, u32 busy)
{
	service->dirty = false;
	service->busy_told = busy;
	ring->direct->dirty_services--;
	put_service(ring, service);
}

int dmring_services_gone_due(struct dmring_ring *ring)
{
	if (!ring->direct->gone_count)
		return -1;
	return find_first_bit(ring->direct->gone, DMRING_SLOTS_MAX);
}

void dmring_services_gone_told(struct dmring_ring *ring, u32 member)
{
	__clear_bit(member, ring->direct->gone);
	ring->direct->gone_count--;
}

struct dmring_status *dmring_services_status_due(struct dmring_ring *ring)
{
	return list_first_entry_or_null(&ring->direct->dirty, struct dmring_status, dirty_node);
}
