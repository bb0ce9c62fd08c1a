// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views over netlink. The policies check form and range; what a record means is checked by
 * kmod/core.
 *
 * Locking: ring->lock while the answer is copied, in one piece; a coordinator compares what
 * several hosts say, so parts of two moments would be worth nothing.
 */
#include <linux/slab.h>

#include "group.h"
#include "netlink_show.h"
#include "netlink_view.h"
#include "thread.h"
#include "why.h"

#define VIEW(name)	DMRING_A_VIEW_##name
#define HOST(name)	DMRING_A_VIEW_HOST_##name
#define ANSWER	{ .type = NLA_REJECT, .reject_message = "only the kernel says this" }

#define OF_CUT	{ .type = NLA_REJECT, .reject_message = "only a cut has messages and a reason" }
#define OF_HOST	{ .type = NLA_REJECT, .reject_message = "a cut has messages and a reason alone" }

static const struct nla_policy host_policy[HOST(MAX) + 1] = {
	[HOST(NODE)] = { .type = NLA_U32 },
	[HOST(INCARNATION)] = { .type = NLA_U64 },
	[HOST(STAYS)] = { .type = NLA_FLAG },
	[HOST(SEQ)] = OF_CUT,
	[HOST(REASON)] = OF_CUT,
};

static const struct nla_policy cut_policy[HOST(MAX) + 1] = {
	[HOST(NODE)] = { .type = NLA_U32 },
	[HOST(INCARNATION)] = OF_HOST,
	[HOST(STAYS)] = OF_HOST,
	[HOST(SEQ)] = { .type = NLA_U64 },
	[HOST(REASON)] = NLA_POLICY_MAX(NLA_U16, DMRING_AWAY_PROTOCOL),
};

const struct nla_policy dmring_view_policy[VIEW(MAX) + 1] = {
	[VIEW(RING)] = { .type = NLA_NUL_STRING },
	[VIEW(NUMBER)] = { .type = NLA_U32 },
	[VIEW(ATTEMPT)] = { .type = NLA_U32 },
	[VIEW(JOIN)] = { .type = NLA_FLAG },
	[VIEW(PREV)] = { .type = NLA_U32 },
	[VIEW(SEQUENCER)] = { .type = NLA_U32 },
	[VIEW(QUORUM)] = { .type = NLA_FLAG },
	[VIEW(ORDERED)] = { .type = NLA_U64 },
	[VIEW(BASE)] = { .type = NLA_U64 },
	[VIEW(HOST)] = NLA_POLICY_NESTED(host_policy),
	[VIEW(CUT)] = NLA_POLICY_NESTED(cut_policy),
	[VIEW(PHASE) ... VIEW(PAD)] = ANSWER,
};

/*
 * Asking
 */

static u32 u32_of(struct nlattr **tb, u16 attr)
{
	return tb[attr] ? nla_get_u32(tb[attr]) : 0;
}

static u64 u64_of(struct nlattr **tb, u16 attr)
{
	return tb[attr] ? nla_get_u64(tb[attr]) : 0;
}

static int too_many(struct netlink_ext_ack *extack)
{
	dmring_extack(extack, "a view has at most %u hosts", DMRING_HOSTS_MAX);
	return -EINVAL;
}

static int read_host(const struct nlattr *attr, struct dmring_view_record *rec,
		     struct netlink_ext_ack *extack)
{
	bool host = nla_type(attr) == VIEW(HOST);
	struct nlattr *tb[HOST(MAX) + 1];
	int err = nla_parse_nested(tb, HOST(MAX), attr, host ? host_policy : cut_policy, extack);

	if (err)
		return err;
	if (host) {
		if (rec->count == DMRING_HOSTS_MAX)
			return too_many(extack);
		rec->host[rec->count++] = (struct dmring_next_host){
			.node = u32_of(tb, HOST(NODE)), .inc = u64_of(tb, HOST(INCARNATION)),
			.stays = tb[HOST(STAYS)],
		};
		return 0;
	}
	if (rec->cuts == DMRING_HOSTS_MAX)
		return too_many(extack);
	rec->cut[rec->cuts++] = (struct dmring_cut){
		.node = u32_of(tb, HOST(NODE)), .seq = u64_of(tb, HOST(SEQ)),
		.reason = tb[HOST(REASON)] ? nla_get_u16(tb[HOST(REASON)]) : 0,
	};
	return 0;
}

static int read_record(const struct nlattr *nest, struct nlattr **tb,
		       struct dmring_view_record *rec, struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	int err = 0, rem;

	rec->number = u32_of(tb, VIEW(NUMBER));
	rec->attempt = u32_of(tb, VIEW(ATTEMPT));
	rec->prev = u32_of(tb, VIEW(PREV));
	rec->quorum = tb[VIEW(QUORUM)];
	rec->ordered = u64_of(tb, VIEW(ORDERED));
	rec->base = u64_of(tb, VIEW(BASE));
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) == VIEW(HOST) || nla_type(attr) == VIEW(CUT))
			err = read_host(attr, rec, extack);
		if (err)
			return err;
	}
	rec->sequencer = tb[VIEW(SEQUENCER)] ? u32_of(tb, VIEW(SEQUENCER)) : rec->host[0].node;
	return 0;
}

#define STEP	(BIT(VIEW(RING)) | BIT(VIEW(NUMBER)) | BIT(VIEW(ATTEMPT)))

static int check_takes(u8 step, struct nlattr **tb, struct netlink_ext_ack *extack)
{
	static const struct {
		const char *name;
		u32 takes;
	} steps[] = {
		[DMRING_VIEW_PREPARE] = { "prepare", STEP | BIT(VIEW(JOIN)) },
		[DMRING_VIEW_FILL] = { "fill", STEP | BIT(VIEW(PREV)) | BIT(VIEW(SEQUENCER)) |
				       BIT(VIEW(QUORUM)) | BIT(VIEW(ORDERED)) |
				       BIT(VIEW(BASE)) | BIT(VIEW(HOST)) | BIT(VIEW(CUT)) },
		[DMRING_VIEW_INSTALL] = { "install", STEP },
	};
	u16 i;

	for (i = 1; i <= VIEW(MAX); i++) {
		if (!tb[i] || steps[step].takes & BIT(i))
			continue;
		NL_SET_BAD_ATTR(extack, tb[i]);
		dmring_extack(extack, "a view's %s has no attribute %u", steps[step].name, i);
		return -EINVAL;
	}
	return 0;
}

int dmring_view_do(struct dmring_ring *ring, u8 step, const struct nlattr *nest,
		   struct nlattr **tb, struct netlink_ext_ack *extack)
{
	struct dmring_view_record *rec = NULL;
	struct dmring_view_ask ask = { .step = step };
	int err = check_takes(step, tb, extack);

	if (err)
		return err;
	if (!tb[VIEW(NUMBER)] || !tb[VIEW(ATTEMPT)]) {
		dmring_extack(extack, "the number of the view or of the attempt is missing");
		return -EINVAL;
	}
	ask.number = u32_of(tb, VIEW(NUMBER));
	ask.attempt = u32_of(tb, VIEW(ATTEMPT));
	ask.joins = tb[VIEW(JOIN)];
	if (step == DMRING_VIEW_FILL) {
		rec = kzalloc(sizeof(*rec), GFP_KERNEL);
		if (!rec)
			return -ENOMEM;
		err = read_record(nest, tb, rec, extack);
		ask.rec = rec;
	}
	if (!err)
		err = dmring_ring_view(ring, &ask, extack);
	kfree(rec);
	return err;
}

/*
 * Answering
 */

#define PUT64(skb, attr, value)	nla_put_u64_64bit(skb, attr, value, VIEW(PAD))

static int put_host(struct sk_buff *skb, u16 type, u32 node, u64 inc, const u64 *seq, bool stays,
		    u16 reason)
{
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest || nla_put_u32(skb, HOST(NODE), node) ||
	    (inc && nla_put_u64_64bit(skb, HOST(INCARNATION), inc, HOST(PAD))) ||
	    (seq && nla_put_u64_64bit(skb, HOST(SEQ), *seq, HOST(PAD))) ||
	    (stays && nla_put_flag(skb, HOST(STAYS))) ||
	    (reason && nla_put_u16(skb, HOST(REASON), reason)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_record(struct sk_buff *skb, const struct dmring_view_record *rec)
{
	struct nlattr *nest = nla_nest_start(skb, VIEW(RECORD));
	u16 i;

	if (!nest || nla_put_u32(skb, VIEW(NUMBER), rec->number) ||
	    nla_put_u32(skb, VIEW(ATTEMPT), rec->attempt) ||
	    nla_put_u32(skb, VIEW(PREV), rec->prev) ||
	    nla_put_u32(skb, VIEW(SEQUENCER), rec->sequencer) ||
	    (rec->quorum && nla_put_flag(skb, VIEW(QUORUM))) ||
	    PUT64(skb, VIEW(ORDERED), rec->ordered) || PUT64(skb, VIEW(BASE), rec->base))
		return -EMSGSIZE;
	for (i = 0; i < rec->count; i++)
		if (put_host(skb, VIEW(HOST), rec->host[i].node, rec->host[i].inc, NULL,
			     rec->host[i].stays, 0))
			return -EMSGSIZE;
	for (i = 0; i < rec->cuts; i++)
		if (put_host(skb, VIEW(CUT), rec->cut[i].node, 0, &rec->cut[i].seq, false,
			     rec->cut[i].reason))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_view(const struct dmring_show *s, const struct dmring_core *c)
{
	const struct dmring_view *v = &c->view;
	struct sk_buff *skb = s->skb;
	u16 i;

	if (nla_put_u32(skb, VIEW(NUMBER), v->number) ||
	    (v->quorum && nla_put_flag(skb, VIEW(QUORUM))))
		return -EMSGSIZE;
	/* for the administrator: what counts messages, and what hosts know each other by */
	if (s->admin && (PUT64(skb, VIEW(INCARNATION), c->cfg.inc) ||
			 PUT64(skb, VIEW(BASE), v->base) ||
			 PUT64(skb, VIEW(ORDERED), c->retain.order.alone ? 0 :
			       c->retain.order.have) ||
			 PUT64(skb, VIEW(SAFE), c->retain.order.alone ? 0 :
			       c->retain.order.stable)))
		return -EMSGSIZE;
	for (i = 0; i < v->count; i++)
		if (put_host(skb, VIEW(HOST), v->node[i], s->admin ? v->inc[i] : 0,
			     s->admin ? &c->retain.origin[i].have_seq : NULL, false, 0))
			return -EMSGSIZE;
	return 0;
}

static int put_change(const struct dmring_show *s, const struct dmring_core *c)
{
	struct sk_buff *skb = s->skb;
	const struct dmring_change *ch = &c->change;
	const struct dmring_view_record *rec = dmring_core_accepted(c);

	if (nla_put_u8(skb, VIEW(PHASE), ch->phase))
		return -EMSGSIZE;
	if (ch->phase == DMRING_PHASE_RUN)
		return 0;
	if (nla_put_u32(skb, VIEW(PREPARED), ch->number) ||
	    nla_put_u32(skb, VIEW(ATTEMPT), ch->attempt) ||
	    (ch->joins && nla_put_flag(skb, VIEW(JOIN))) ||
	    (ch->gave_up && nla_put_flag(skb, VIEW(GAVE_UP))) ||
	    (s->admin && PUT64(skb, VIEW(NEXT_INCARNATION), ch->next_inc)) ||
	    (dmring_core_complete(c) && nla_put_flag(skb, VIEW(COMPLETE))))
		return -EMSGSIZE;
	if (ch->phase == DMRING_PHASE_FILL)
		rec = &ch->record;
	return rec && s->admin ? put_record(skb, rec) : 0;
}

int dmring_show_view(const struct dmring_show *s, struct dmring_ring *ring)
{
	struct dmring_show_nest m;
	int err = dmring_show_begin(s, DMRING_CMD_VIEW_GET, DMRING_A_VIEW, &m);

	if (err)
		return err;
	err = nla_put_string(s->skb, VIEW(RING), ring->name);
	if (!err) {
		spin_lock(&ring->lock);
		err = put_view(s, &ring->core) ?: put_change(s, &ring->core);
		dmring_ring_unlock(ring);
	}
	return dmring_show_end(s, &m, err);
}
