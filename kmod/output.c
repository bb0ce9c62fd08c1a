// SPDX-License-Identifier: GPL-2.0-only
/*
 * Output spaces. The member's out_head is read once each time and believed only
 * where it can be: between what it was and what is there.
 *
 * Locking: ring->lock. Ordering: out_tail is released behind the record, and before the
 * index tail, so that who sees a later message sees what comes before it.
 */
#include "member.h"
#include "output.h"

u64 dmring_out_head(struct dmring_member *m)
{
	/* pairs with the reader's store-release: it no longer looks at what lies before */
	u64 head = smp_load_acquire(&m->slot.user->out_head);

	if (head > m->out_head && head <= m->out_tail)
		m->out_head = head;
	return m->out_head;
}

bool dmring_out_has_room(struct dmring_member *m, u32 need)
{
	return m->slot.out_size - (m->out_tail - dmring_out_head(m)) >= need;
}

u32 dmring_out_need(const struct dmring_out *out)
{
	return ALIGN(sizeof(struct dmring_rec) + (out->ident ? sizeof(*out->ident) : 0) +
		     out->head_len + out->len, DMRING_ALIGN);
}

static u64 put_bytes(struct dmring_member *m, u64 at, const void *from, u32 n)
{
	struct dmring_source src = { .base = from, .mask = U64_MAX };

	dmring_space_copy(m->slot.out, m->slot.out_size, at, &src, 0, n);
	return at + n;
}

u64 dmring_out_put(struct dmring_member *m, const struct dmring_out *out)
{
	struct dmring_rec rec = {
		.pos = m->ring->log.next, .len = out->head_len + out->len, .type = out->type,
		.flags = out->ident ? DMRING_REC_IDENT : 0,
	};
	u64 start = m->out_tail, at = start;
	u32 need = dmring_out_need(out);

	/* a header never wraps: both size and positions are multiples of DMRING_ALIGN */
	memcpy(m->slot.out + (at & (m->slot.out_size - 1)), &rec, sizeof(rec));
	at += sizeof(rec);
	if (out->ident)
		at = put_bytes(m, at, out->ident, sizeof(*out->ident));
	at = put_bytes(m, at, out->head, out->head_len);
	dmring_space_copy(m->slot.out, m->slot.out_size, at, &out->body, 0, out->len);
	m->ring->out_bytes += need;
	WRITE_ONCE(m->out_tail, start + need);
	/* pairs with the reader's load-acquire of out_tail */
	smp_store_release(&m->slot.kern->out_tail, m->out_tail);
	dmring_member_mark(m, DMRING_MARK_OUT, 0);
	return start;
}

bool dmring_out_event(struct dmring_member *m, const struct dmring_ev *ev)
{
	struct dmring_out out = {
		.type = DMRING_REC_EVENT, .head = ev, .head_len = sizeof(*ev),
	};

	if (!m->attached || !dmring_out_has_room(m, dmring_out_need(&out)))
		return false;
	dmring_out_put(m, &out);
	dmring_member_mark(m, DMRING_MARK_EVENT, 0);
	return true;
}

bool dmring_out_ask(struct dmring_member *m)
{
	struct dmring_kernel_page *kern = m->slot.kern;
	u64 head = dmring_out_head(m);

	/* an earlier wish, met but not seen yet, is not to be put off */
	WRITE_ONCE(kern->out_kick, min(head + 1, kern->out_kick));
	/* out_kick stored before its head is read; pairs with the reader's full barrier */
	smp_mb();
	return dmring_out_head(m) != head;
}

bool dmring_out_has_rung(struct dmring_member *m)
{
	struct dmring_kernel_page *kern = m->slot.kern;

	if (kern->out_kick == U64_MAX || dmring_out_head(m) < kern->out_kick)
		return false;
	WRITE_ONCE(kern->out_kick, U64_MAX);
	return true;
}
