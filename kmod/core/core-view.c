// SPDX-License-Identifier: GPL-2.0-only
/*
 * From one view to the next. A coordinator asks each host for three steps, and may die, be
 * slow or act twice: what a host has promised to one attempt it refuses to a lower one, and
 * a view takes its place only where all that its hosts agreed on is held.
 *
 *	prepare	nothing moves any more; what each host holds is what it says it holds
 *	fill	those who stay form a ring of their own, in which each gets what it lacks of the
 *		cut, which is all that any of them holds
 *	install	the cut is delivered, then the view; new streams begin
 *
 * Whatever the three steps are asked for is checked before anything changes.
 */
#include "core-internal.h"

/*
 * Prepare
 */

static int check_follows(const struct dmring_core *c, u32 number, char *why)
{
	if (number == c->view.number + 1)
		return 0;
	if (number <= c->view.number)
		return dmring_why(why, -ESTALE, "view %u is past: host %u is in view %u", number,
				  c->cfg.node, c->view.number);
	return dmring_why(why, -ESTALE, "view %u does not follow view %u of host %u", number,
			  c->view.number, c->cfg.node);
}

static int check_prepare(const struct dmring_core *c, u32 number, u32 attempt, bool joins,
			 char *why)
{
	u32 last = 0;

	if (!c->cfg.network)
		return dmring_why(why, -EOPNOTSUPP, "a ring of machine scope has no views");
	if (number <= DMRING_VIEW_STATIC || !attempt)
		return dmring_why(why, -EINVAL, "views count from %u, attempts from 1",
				  DMRING_VIEW_STATIC + 1);
	if (!joins && check_follows(c, number, why))
		return -ESTALE;
	if (!joins && c->change.gave_up)
		return dmring_why(why, -ESTALE, "host %u has given up its place in view %u",
				  c->cfg.node, c->view.number);
	if (number == c->change.number)
		last = c->change.attempt;
	if (!joins)
		last = max(last, c->change.stays);
	if (attempt <= last)
		return dmring_why(why, -ESTALE, "attempt %u at view %u comes after attempt %u",
				  attempt, number, last);
	return 0;
}

static void stop_session(struct dmring_session *s)
{
	if (s->state != DMRING_SESSION_STREAM)
		s->state = DMRING_SESSION_IDLE;
}

int dmring_core_prepare(struct dmring_core *c, u32 number, u32 attempt, bool joins, u64 next_inc,
			char *why)
{
	int err = check_prepare(c, number, attempt, joins, why);

	if (err)
		return err;
	/* the links of a fill end with it; those of a view show whether the neighbours live */
	if (c->change.phase == DMRING_PHASE_FILL) {
		c->change.held = dmring_core_complete(c);
		c->in.state = DMRING_SESSION_IDLE;
		c->out.state = DMRING_SESSION_IDLE;
	}
	stop_session(&c->in);
	stop_session(&c->out);
	/* another attempt may be at the same view: it has to know the host again */
	if (c->change.phase == DMRING_PHASE_RUN || c->change.number != number || !c->change.joins)
		c->change.next_inc = next_inc;
	c->change.joins = joins;
	c->change.stays = joins ? c->change.stays : attempt;
	c->change.number = number;
	c->change.attempt = attempt;
	c->change.phase = DMRING_PHASE_PREPARED;
	c->gate = false;
	c->closed = false;
	return 0;
}

/*
 * Fill
 */

static int check_promise(const struct dmring_core *c, u32 number, u32 attempt, char *why)
{
	if (c->change.phase == DMRING_PHASE_RUN)
		return dmring_why(why, -ESTALE, "no view is prepared: host %u is in view %u",
				  c->cfg.node, c->view.number);
	if (number != c->change.number || attempt != c->change.attempt)
		return dmring_why(why, -ESTALE,
				  "attempt %u at view %u is prepared, not %u at view %u",
				  c->change.attempt, c->change.number, attempt, number);
	return 0;
}

/* Is it about us as we are? */
static int check_self(const struct dmring_core *c, const struct dmring_view_record *rec, char *why)
{
	const struct dmring_next_host *h = dmring_view_next_host(rec, c->cfg.node);

	if (!h)
		return dmring_why(why, -EINVAL, "host %u is not in view %u", c->cfg.node,
				  rec->number);
	if (h->stays == c->change.joins)
		return dmring_why(why, -EINVAL, "host %u is to %s, and was prepared to %s",
				  c->cfg.node, h->stays ? "stay" : "join",
				  h->stays ? "join" : "stay");
	if (h->inc != (h->stays ? c->cfg.inc : c->change.next_inc))
		return dmring_why(why, -ESTALE, "host %u has another incarnation", c->cfg.node);
	return 0;
}

/* A cut is what somebody holds, so not less than what we do; and no more than a log takes. */
static int check_cut(const struct dmring_core *c, const struct dmring_view_record *rec, char *why)
{
	const struct dmring_origin *o = c->retain.origin;
	u16 i;

	for (i = 0; i < rec->cuts; i++) {
		u64 seq = rec->cut[i].seq;

		if (seq < o[i].have_seq || seq - o[i].freed_seq > (u64)c->retain.mask + 1)
			return dmring_why(why, -EINVAL,
					  "host %u is cut off at message %llu, of which %llu are here",
					  rec->cut[i].node, seq, o[i].have_seq);
	}
	if (rec->cut[c->view.self].seq != o[c->view.self].have_seq)
		return dmring_why(why, -EINVAL, "host %u sent %llu messages, not %llu",
				  c->cfg.node, o[c->view.self].have_seq,
				  rec->cut[c->view.self].seq);
	return 0;
}

/* Each message of the view that ends has a position, and the new view, too. */
static u64 next_base(const struct dmring_core *c, const struct dmring_view_record *rec)
{
	u64 base = c->view.base + 1;
	u16 i;

	for (i = 0; i < rec->cuts; i++)
		base += rec->cut[i].seq;
	return base;
}

bool dmring_core_is_cautious(const struct dmring_core *c, const struct dmring_view_record *rec)
{
	return c->retain.order.kind == DMRING_ORDER_SAFE && !rec->quorum &&
	       dmring_retain_has_order(&c->retain);
}

static int check_positions(const struct dmring_core *c, const struct dmring_view_record *rec,
			   char *why)
{
	u64 base = dmring_retain_is_fifo(&c->retain) ? 0 : next_base(c, rec);
	u64 least = dmring_retain_has_order(&c->retain) ? c->retain.order.have : 0;
	u64 most = dmring_retain_has_order(&c->retain) ? base - 1 : 0;

	if (dmring_core_is_cautious(c, rec)) {
		least = c->retain.order.stable;
		most = c->retain.order.have;
	}

	if (rec->base != base)
		return dmring_why(why, -EINVAL, "the view begins at position %llu, not %llu", base,
				  rec->base);
	if (rec->ordered < least || rec->ordered > most)
		return dmring_why(why, -EINVAL,
				  "the order is known up to position %llu, at least %llu, at most %llu",
				  rec->ordered, least, most);
	return 0;
}

static int check_record(const struct dmring_core *c, const struct dmring_view_record *rec,
			char *why)
{
	int err = dmring_view_check_record(rec, why);

	if (!err)
		err = check_self(c, rec, why);
	if (err)
		return err;
	if (c->change.joins && !rec->base != dmring_retain_is_fifo(&c->retain))
		return dmring_why(why, -EINVAL, "with this order no view begins at position %llu",
				  rec->base);
	if (c->change.joins)
		return 0;
	err = dmring_view_check_next(&c->view, rec, why);
	if (!err)
		err = check_cut(c, rec, why);
	return err ?: check_positions(c, rec, why);
}

/* The one who stays and comes next, @step hosts after the other; DMRING_VIEW_NONE without */
static u16 next_who_stays(const struct dmring_core *c, const struct dmring_view_record *rec,
			  u16 step)
{
	u16 i;

	for (i = (c->view.self + step) % c->view.count; i != c->view.self;
	     i = (i + step) % c->view.count) {
		const struct dmring_next_host *h = dmring_view_next_host(rec, c->view.node[i]);

		if (h && h->stays)
			return i;
	}
	return DMRING_VIEW_NONE;
}

int dmring_core_fill(struct dmring_core *c, const struct dmring_view_record *rec, u64 now,
		     char *why)
{
	struct dmring_change *ch = &c->change;
	struct dmring_sizes sizes;
	int err = check_promise(c, rec->number, rec->attempt, why);

	if (!err && ch->phase == DMRING_PHASE_FILL)
		err = dmring_why(why, -EALREADY, "attempt %u at view %u has its record",
				 rec->attempt, rec->number);
	if (!err)
		err = check_record(c, rec, why);
	if (!err)
		err = dmring_core_own_sizes(c, rec->count, &sizes, why);
	/* who joins is told of those who leave, too */
	if (!err)
		err = dmring_core_check_hosts(c, rec->cuts, why);
	if (err)
		return err;
	ch->record = *rec;
	ch->held = false;
	ch->gave_up = ch->joins;
	ch->phase = DMRING_PHASE_FILL;
	ch->succ = DMRING_VIEW_NONE;
	ch->pred = DMRING_VIEW_NONE;
	if (!ch->joins) {
		ch->succ = next_who_stays(c, rec, 1);
		ch->pred = next_who_stays(c, rec, c->view.count - 1);
	}
	dmring_retain_fill(&c->retain, ch->succ);
	dmring_core_restart_sessions(c, now);
	return 0;
}

bool dmring_core_complete(const struct dmring_core *c)
{
	const struct dmring_view_record *rec = &c->change.record;
	u16 i;

	if (c->change.phase != DMRING_PHASE_FILL)
		return false;
	if (c->change.joins)
		return true;
	for (i = 0; i < rec->cuts; i++)
		if (c->retain.origin[i].have_seq != rec->cut[i].seq)
			return false;
	return !dmring_retain_has_order(&c->retain) || dmring_core_is_cautious(c, rec) ||
	       c->retain.order.have == rec->ordered;
}

const struct dmring_view_record *dmring_core_accepted(const struct dmring_core *c)
{
	const struct dmring_change *ch = &c->change;

	if (ch->phase == DMRING_PHASE_RUN || ch->record.number != ch->number)
		return NULL;
	return ch->held || dmring_core_complete(c) ? &ch->record : NULL;
}

/*
 * Install
 */

int dmring_core_install_ask(const struct dmring_core *c, u32 number, u32 attempt, char *why)
{
	int err = check_promise(c, number, attempt, why);

	if (!err && !dmring_core_complete(c))
		err = dmring_why(why, -EAGAIN, "host %u does not hold all of view %u yet",
				 c->cfg.node, c->view.number);
	return err;
}

bool dmring_core_loses(const struct dmring_core *c)
{
	return c->change.joins || dmring_core_is_cautious(c, &c->change.record);
}

/*
 * What a host that gives up its place still delivers: no more than can be kept for the pump in
 * the positions below the new view's.
 */
static u64 last_word(const struct dmring_retain *r, u64 base)
{
	u64 most = min_t(u64, base - 1, (r->mask + 1) / 2);

	return min(dmring_order_deliverable(&r->order), r->order.given + most);
}

u64 dmring_core_install(struct dmring_core *c, u32 len, u64 now)
{
	const struct dmring_view_record *rec = &c->change.record;
	struct dmring_sizes sizes;
	u64 no;

	if (c->change.joins)
		c->cfg.inc = c->change.next_inc;
	if (c->change.joins && !dmring_retain_is_fifo(&c->retain))
		dmring_order_drop(&c->retain, last_word(&c->retain, rec->base), rec->base);
	else if (dmring_core_is_cautious(c, rec))
		dmring_order_drop(&c->retain, rec->ordered, rec->base);
	c->change.held = false;
	c->change.gave_up = false;
	c->change.stays = 0;
	no = dmring_retain_close(&c->retain, dmring_cost(len, 0));
	dmring_view_from_record(&c->spare, c->cfg.node, rec);
	dmring_core_own_sizes(c, rec->count, &sizes, NULL);
	dmring_core_take_view(c, &sizes, dmring_view_index(&c->spare, rec->sequencer), now);
	return no;
}
