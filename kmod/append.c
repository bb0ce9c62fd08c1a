// SPDX-License-Identifier: GPL-2.0-only
/*
 * Into the log, and from there into the index. A message is copied in several holds of the
 * lock if it is long (ring->fill, see pump.c); events and parcels go in one piece.
 *
 * Locking: ring->lock.
 */
#include "append.h"
#include "member.h"
#include "thread.h"

#define AT_ONCE		4U	/* records delivered when one comes */
#define OUT_BYTES	256U	/* copied into output spaces, count as a record */

/*
 * Into the index
 */

/* Note the place of an own message for a member that wants no echo, or to know its own */
static void note_own(struct dmring_member *m, u64 entry)
{
	struct dmring_kernel_page *kern = m->slot.kern;
	struct dmring_run *last = &kern->own[(m->own_tail - 1) % DMRING_OWN_RUNS];

	if (m->own_tail != m->own_head && last->first + last->count == entry) {
		WRITE_ONCE(last->count, last->count + 1);
		return;
	}
	kern->own[m->own_tail % DMRING_OWN_RUNS] = (struct dmring_run){ entry, 1 };
	m->own_tail++;
	/* pairs with the reader's load-acquire of own_tail, after that of index_tail */
	smp_store_release(&kern->own_tail, m->own_tail);
}

/* A message whose sender is to know it has got its place; @due: it was counted */
static void place_own(struct dmring_ring *ring, u32 sender, u64 entry, bool due)
{
	struct dmring_member *m = dmring_member_of(ring, sender);

	if (!m)
		return;
	/* after a million attaches another one's may bear its mark */
	if (m->own_due)
		m->own_due -= due;
	note_own(m, entry);
	if (!m->own_waits)
		return;
	m->own_waits = false;
	dmring_marks_set(&ring->marked, m->id);
}

/* Its message has its place: a request behind it may have waited for that */
static void let_go_on(struct dmring_ring *ring, u32 sender)
{
	struct dmring_member *m = dmring_member_of(ring, sender);

	if (m && !list_empty(&m->wait_node))
		dmring_marks_set(&ring->marked, m->id);
}

/* A parcel has its place in the order: it is for this host, or not */
static void open_parcel(struct dmring_ring *ring, u32 at)
{
	const struct dmring_log *log = &ring->log;
	const struct dmring_rec *rec = dmring_log_at(log, at, true);
	struct dmring_source src = { log->parcels, rec->pos + sizeof(*rec), log->size - 1 };
	struct dmring_ident ident;
	struct dmring_parcel p;
	u8 head[DMRING_WIRE_PARCEL];

	if (rec->flags & DMRING_REC_IDENT)
		dmring_source_take(&src, &ident, sizeof(ident));
	dmring_source_take(&src, head, sizeof(head));
	/* checked when it came, or made here */
	if (WARN_ON_ONCE(dmring_parcel_get_head(head, &p)))
		return;
	dmring_parcels_arrived(ring, &p, rec->flags & DMRING_REC_IDENT ? &ident : NULL, &src,
			       rec->len - DMRING_WIRE_PARCEL);
}

/* It is its turn: @no, in the table as @e */
static void deliver(struct dmring_ring *ring, u64 no, const struct dmring_entry *e)
{
	if (e->flags & DMRING_ENTRY_PARCEL) {
		open_parcel(ring, e->at);
		return;
	}
	dmring_log_enter(&ring->log, e->at);
	if (no == ring->view_no) {
		ring->view_end = dmring_core_index_pos(&ring->core) + 1;
		if (ring->direct)
			dmring_parcels_view(ring);
	}
	if (ring->direct && e->sender)
		let_go_on(ring, e->sender);
	if (e->flags & DMRING_ENTRY_NOTED)
		place_own(ring, e->sender, dmring_core_index_pos(&ring->core), no >= ring->lost_no);
}

bool dmring_append_deliver(struct dmring_ring *ring, u32 budget)
{
	u64 no;

	while (budget) {
		u64 before = ring->out_bytes;

		if (!dmring_core_index(&ring->core, &no))
			return false;
		deliver(ring, no, dmring_retain_entry(&ring->core.retain, no));
		budget -= min_t(u64, budget, 1 + (ring->out_bytes - before) / OUT_BYTES);
	}
	return true;
}

void dmring_append_deliver_at_once(struct dmring_ring *ring)
{
	u64 before = ring->out_bytes;

	/* those it was cut short for are nobody else's business */
	if (dmring_append_deliver(ring, AT_ONCE) && ring->out_bytes != before)
		dmring_thread_kick(ring, DMRING_WORK_PUMP);
}

/*
 * Into the log
 */

static void write_to(const struct dmring_log *log, u16 type, u64 pos, const void *from, u32 n)
{
	struct dmring_source src = { .base = from, .mask = U64_MAX };

	dmring_space_copy(dmring_log_space(log, type == DMRING_REC_PARCEL), log->size, pos, &src,
			  0, n);
}

void dmring_append_begin(struct dmring_ring *ring, const struct dmring_ident *ident, u16 type,
			 u32 len)
{
	struct dmring_log *log = &ring->log;
	struct dmring_rec rec = {
		.pos = log->tail,
		.len = len,
		.type = type,
		.flags = ident ? DMRING_REC_IDENT : 0,
	};

	write_to(log, type, log->tail, &rec, sizeof(rec));
	if (ident)
		write_to(log, type, log->tail + sizeof(rec), ident, sizeof(*ident));
	ring->fill.pos = log->tail;
	ring->fill.head = sizeof(rec) + (ident ? sizeof(*ident) : 0);
	ring->fill.len = len;
	ring->fill.type = type;
	ring->fill.done = 0;
	ring->fill.active = true;
}

void dmring_append_brief(struct dmring_ring *ring, const u8 *head)
{
	struct dmring_fill *fill = &ring->fill;

	write_to(&ring->log, fill->type, fill->pos + fill->head, head, DMRING_WIRE_PARCEL);
	/* the rest has its place, as everywhere, but nobody looks there */
	fill->done = fill->len;
}

void dmring_append_end(struct dmring_ring *ring)
{
	struct dmring_fill *fill = &ring->fill;
	u16 flags = fill->head > sizeof(struct dmring_rec) ? DMRING_REC_IDENT : 0;

	ring->log.tail += dmring_cost(fill->len, flags);
	fill->active = false;
}

void dmring_append_event(struct dmring_ring *ring, const struct dmring_ident *ident,
			 const void *payload, u32 len)
{
	dmring_append_begin(ring, ident, DMRING_REC_EVENT, len);
	write_to(&ring->log, DMRING_REC_EVENT, ring->fill.pos + ring->fill.head, payload, len);
	dmring_append_end(ring);
}

void dmring_append_parcel(struct dmring_ring *ring, const struct dmring_member *m,
			  const struct dmring_outgoing *o)
{
	struct dmring_ident ident = { .node = ring->node };
	struct dmring_log *log = &ring->log;
	u8 head[DMRING_WIRE_PARCEL];
	u64 pos;

	if (m)
		ident = dmring_member_ident(m);
	dmring_parcel_put(head, &o->p);
	dmring_append_begin(ring, dmring_ring_ident(ring, &ident), DMRING_REC_PARCEL,
			    sizeof(head) + o->len);
	pos = ring->fill.pos + ring->fill.head;
	write_to(log, DMRING_REC_PARCEL, pos, head, sizeof(head));
	dmring_space_copy(log->parcels, log->size, pos + sizeof(head), &o->body, 0, o->len);
	dmring_append_end(ring);
	dmring_core_add(&ring->core, 0, DMRING_ENTRY_PARCEL, sizeof(head) + o->len);
	dmring_append_deliver_at_once(ring);
}
