// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: carries out commands, walks over what is to be
 * shown, sends events. What values may be: the policies here and netlink_read.c;
 * what they mean together is checked where the objects live (ring.c). What is in an
 * answer: netlink_show.c. Each refusal has its sentence.
 *
 * Locking: none of its own; commands run in parallel.
 *
 * Dumps keep no reference between two messages: they remember the serial
 * number of the ring and the id of the peer or member where they stopped.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "election.h"
#include "event.h"
#include "group.h"
#include "netlink.h"
#include "netlink_direct.h"
#include "netlink_read.h"
#include "netlink_show.h"
#include "netlink_view.h"
#include "why.h"

static struct genl_family dmring_family;

/*
 * Policies
 */

#define ANSWER	{ .type = NLA_REJECT, .reject_message = "only the kernel says this" }

static const struct nla_policy ring_policy[] = {
	[DMRING_A_RING_NAME] = { .type = NLA_NUL_STRING },
	[DMRING_A_RING_SCOPE] = NLA_POLICY_MAX(NLA_U8, DMRING_SCOPE_NETWORK),
	[DMRING_A_RING_ORDER] = NLA_POLICY_MAX(NLA_U8, DMRING_ORDER_SAFE),
	[DMRING_A_RING_NODE] = { .type = NLA_U32 },
	[DMRING_A_RING_LISTEN] = NLA_POLICY_RANGE(NLA_BINARY, sizeof(struct sockaddr_in),
						  sizeof(struct sockaddr_in6)),
	[DMRING_A_RING_LOG_SIZE] = { .type = NLA_U64 },
	[DMRING_A_RING_SLOTS] = { .type = NLA_U32 },
	[DMRING_A_RING_SLOW] = NLA_POLICY_MAX(NLA_U8, DMRING_SLOW_DROP),
	[DMRING_A_RING_SLOW_MS] = { .type = NLA_U32 },
	[DMRING_A_RING_UID] = { .type = NLA_U32 },
	[DMRING_A_RING_GID] = { .type = NLA_U32 },
	[DMRING_A_RING_MODE] = { .type = NLA_U32 },
	[DMRING_A_RING_FLAGS] = NLA_POLICY_MASK(NLA_U32, DMRING_RING_IDENTIFY |
						DMRING_RING_INSECURE),
	[DMRING_A_RING_MAX_MSG] = { .type = NLA_U32 },
	[DMRING_A_RING_DEAD_MS] = { .type = NLA_U32 },
	[DMRING_A_RING_STATE ... DMRING_A_RING_PAD] = ANSWER,
	[DMRING_A_RING_ROTATE] = { .type = NLA_U32 },
	[DMRING_A_RING_PROXY_TIMEOUT] = { .type = NLA_U32 },
};

/* In every object's nest the ring's name and the object's id have these numbers. */
#define ATTR_RING	1
#define ATTR_ID		2
static_assert(DMRING_A_RING_NAME == ATTR_RING && DMRING_A_PEER_RING == ATTR_RING &&
	      DMRING_A_MEMBER_RING == ATTR_RING && DMRING_A_VIEW_RING == ATTR_RING &&
	      DMRING_A_SERVICE_RING == ATTR_RING && DMRING_A_STATUS_RING == ATTR_RING);
static_assert(DMRING_A_PEER_NODE == ATTR_ID && DMRING_A_MEMBER_ID == ATTR_ID);
static_assert(DMRING_A_MEMBER_MAX >= DMRING_A_PEER_MAX);

static const struct nla_policy name_policy[] = {
	[ATTR_RING] = { .type = NLA_NUL_STRING },
};

static const struct nla_policy id_policy[] = {
	[ATTR_RING] = { .type = NLA_NUL_STRING },
	[ATTR_ID] = { .type = NLA_U32 },
};

static const struct nla_policy peer_policy[] = {
	[DMRING_A_PEER_RING] = { .type = NLA_NUL_STRING },
	[DMRING_A_PEER_NODE] = { .type = NLA_U32 },
	[DMRING_A_PEER_ADDR] = NLA_POLICY_RANGE(NLA_BINARY, sizeof(struct sockaddr_in),
						sizeof(struct sockaddr_in6)),
	[DMRING_A_PEER_OUT ... DMRING_A_PEER_MAX] = ANSWER,
};

/* Top level, a command each */
#define TOP_POLICY(name, object, nested)					\
	static const struct nla_policy name[DMRING_A_MAX + 1] = {	\
		[DMRING_A_##object] = NLA_POLICY_NESTED(nested),	\
	}

TOP_POLICY(ring_top, RING, ring_policy);
TOP_POLICY(ring_name_top, RING, name_policy);
TOP_POLICY(peer_top, PEER, peer_policy);
TOP_POLICY(peer_id_top, PEER, id_policy);
TOP_POLICY(peer_name_top, PEER, name_policy);
TOP_POLICY(member_id_top, MEMBER, id_policy);
TOP_POLICY(member_name_top, MEMBER, name_policy);
TOP_POLICY(view_name_top, VIEW, name_policy);
TOP_POLICY(service_name_top, SERVICE, name_policy);
TOP_POLICY(status_name_top, STATUS, name_policy);

static const struct nla_policy view_top[DMRING_A_MAX + 1] = {
	[DMRING_A_VIEW] = { .type = NLA_NESTED, .len = DMRING_A_VIEW_MAX,
			    .nested_policy = dmring_view_policy },
};

/*
 * Commands that change something
 */

static int do_ring_add(struct sk_buff *skb, struct genl_info *info)
{
	struct dmring_ring_config cfg;
	int err = dmring_read_config(skb, info, &cfg);

	return err ? err : dmring_ring_add(genl_info_net(info), &cfg, info->extack);
}

static int do_ring_set(struct sk_buff *skb, struct genl_info *info)
{
	struct dmring_ring_config cfg;
	int err = dmring_read_config(skb, info, &cfg);

	return err ? err : dmring_ring_set(genl_info_net(info), &cfg, info->extack);
}

static int do_ring_del(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[DMRING_A_RING_MAX + 1];
	const char *name;
	int err = dmring_read_nest(info, DMRING_A_RING, tb, DMRING_A_RING_MAX);

	if (!err)
		err = dmring_read_name(tb[DMRING_A_RING_NAME], &name, info->extack);
	return err ? err : dmring_ring_del(genl_info_net(info), name, info->extack);
}

/* A command about something of a ring, found by its id; @id: its name, NULL if it may be missing */
static int with_ring(struct genl_info *info, u16 object, const char *id,
		     int (*fn)(struct dmring_ring *ring, struct nlattr **tb,
			       struct netlink_ext_ack *extack))
{
	struct nlattr *tb[DMRING_A_MEMBER_MAX + 1];
	struct dmring_ring *ring;
	int err = dmring_read_nest(info, object, tb, DMRING_A_MEMBER_MAX);

	if (err)
		return err;
	if (id && !tb[ATTR_ID]) {
		dmring_extack(info->extack, "the %s is missing", id);
		return -EINVAL;
	}
	ring = dmring_read_ring(genl_info_net(info), tb[ATTR_RING], info->extack);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	err = fn(ring, tb, info->extack);
	dmring_ring_put(ring);
	return err;
}

static int add_peer(struct dmring_ring *ring, struct nlattr **tb, struct netlink_ext_ack *extack)
{
	struct sockaddr_storage addr;
	int err;

	if (!tb[DMRING_A_PEER_ADDR]) {
		dmring_extack(extack, "the address of the peer is missing");
		return -EINVAL;
	}
	err = dmring_read_addr(tb[DMRING_A_PEER_ADDR], &addr, extack);
	if (err)
		return err;
	if (dmring_is_any_addr(&addr)) {
		dmring_extack(extack, "the address of a peer is that of one host");
		return -EINVAL;
	}
	return dmring_peer_add(ring, nla_get_u32(tb[ATTR_ID]), &addr, extack);
}

static int del_peer(struct dmring_ring *ring, struct nlattr **tb, struct netlink_ext_ack *extack)
{
	return dmring_peer_del(ring, nla_get_u32(tb[ATTR_ID]), extack);
}

static int evict(struct dmring_ring *ring, struct nlattr **tb, struct netlink_ext_ack *extack)
{
	return dmring_member_evict(ring, nla_get_u32(tb[ATTR_ID]), extack);
}

static int elect(struct dmring_ring *ring, struct nlattr **tb, struct netlink_ext_ack *extack)
{
	u32 id = tb[ATTR_ID] ? nla_get_u32(tb[ATTR_ID]) : 0;
	char why[DMRING_WHY_SIZE] = "";
	int err = dmring_election_elect(ring, tb[ATTR_ID] ? &id : NULL, why);

	if (err)
		dmring_extack(extack, "%s", why);
	return err;
}

static int do_peer_add(struct sk_buff *skb, struct genl_info *info)
{
	return with_ring(info, DMRING_A_PEER, "node id", add_peer);
}

static int do_peer_del(struct sk_buff *skb, struct genl_info *info)
{
	return with_ring(info, DMRING_A_PEER, "node id", del_peer);
}

static int do_member_evict(struct sk_buff *skb, struct genl_info *info)
{
	return with_ring(info, DMRING_A_MEMBER, "member's id", evict);
}

static int do_proxy_elect(struct sk_buff *skb, struct genl_info *info)
{
	return with_ring(info, DMRING_A_MEMBER, NULL, elect);
}

/*
 * Commands that show something
 */

/* What an answer is put into, of at most @size bytes; its skb may be NULL */
static struct dmring_show answer_new(struct sk_buff *skb, struct genl_info *info, size_t size)
{
	return (struct dmring_show){
		.skb = genlmsg_new(size, GFP_KERNEL),
		.family = &dmring_family,
		.ns = sk_user_ns(NETLINK_CB(skb).sk),
		.portid = info->snd_portid,
		.seq = info->snd_seq,
		.admin = netlink_ns_capable(skb, genl_info_net(info)->user_ns, CAP_NET_ADMIN),
	};
}

/* @err: of filling it */
static int answer_send(struct dmring_show *s, struct genl_info *info, int err)
{
	if (!err)
		return genlmsg_reply(s->skb, info);
	nlmsg_free(s->skb);
	return err;
}

static int do_ring_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[DMRING_A_RING_MAX + 1];
	struct dmring_ring *ring;
	struct dmring_show s;
	int err = dmring_read_nest(info, DMRING_A_RING, tb, DMRING_A_RING_MAX);

	if (err)
		return err;
	ring = dmring_read_ring(genl_info_net(info), tb[DMRING_A_RING_NAME], info->extack);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	s = answer_new(skb, info, GENLMSG_DEFAULT_SIZE);
	err = answer_send(&s, info, s.skb ? dmring_show_ring(&s, ring) : -ENOMEM);
	dmring_ring_put(ring);
	return err;
}

/*
 * Views
 */

static int check_has_views(const struct dmring_ring *ring, struct netlink_ext_ack *extack)
{
	if (dmring_ring_is_network(ring))
		return 0;
	dmring_extack(extack, "ring \"%s\" has scope machine: it has no views", ring->name);
	return -EOPNOTSUPP;
}

/* The ring of a command about views, or an error; @tb gets what the command has */
static struct dmring_ring *view_ring(struct genl_info *info, struct nlattr **tb)
{
	int err = dmring_read_nest(info, DMRING_A_VIEW, tb, DMRING_A_VIEW_MAX);
	struct dmring_ring *ring;

	if (err)
		return ERR_PTR(err);
	ring = dmring_read_ring(genl_info_net(info), tb[DMRING_A_VIEW_RING], info->extack);
	if (IS_ERR(ring))
		return ring;
	err = check_has_views(ring, info->extack);
	if (!err)
		return ring;
	dmring_ring_put(ring);
	return ERR_PTR(err);
}

static int view_step(struct genl_info *info, u8 step)
{
	struct nlattr *tb[DMRING_A_VIEW_MAX + 1];
	struct dmring_ring *ring = view_ring(info, tb);
	int err;

	if (IS_ERR(ring))
		return PTR_ERR(ring);
	err = dmring_view_do(ring, step, info->attrs[DMRING_A_VIEW], tb, info->extack);
	dmring_ring_put(ring);
	return err;
}

static int view_show(struct sk_buff *skb, struct genl_info *info, bool prepare)
{
	struct nlattr *tb[DMRING_A_VIEW_MAX + 1];
	struct dmring_ring *ring = view_ring(info, tb);
	struct dmring_show s;
	int err = 0;

	if (IS_ERR(ring))
		return PTR_ERR(ring);
	/* first, so that what has been done is also said */
	s = answer_new(skb, info, DMRING_VIEW_ANSWER);
	if (!s.skb)
		err = -ENOMEM;
	else if (prepare)
		err = dmring_view_do(ring, DMRING_VIEW_PREPARE, info->attrs[DMRING_A_VIEW], tb,
				     info->extack);
	err = answer_send(&s, info, err ?: dmring_show_view(&s, ring));
	dmring_ring_put(ring);
	return err;
}

static int do_view_get(struct sk_buff *skb, struct genl_info *info)
{
	return view_show(skb, info, false);
}

/* Who prepares is told what is held. */
static int do_view_prepare(struct sk_buff *skb, struct genl_info *info)
{
	return view_show(skb, info, true);
}

static int do_view_fill(struct sk_buff *skb, struct genl_info *info)
{
	return view_step(info, DMRING_VIEW_FILL);
}

static int do_view_install(struct sk_buff *skb, struct genl_info *info)
{
	return view_step(info, DMRING_VIEW_INSTALL);
}

/**
 * struct dump - where a dump stands
 * @serial: of the ring to go on with
 * @only: of the only ring asked for, 0 for all
 * @next: number of the object in that ring to go on with
 * @begun: the request has been read
 */
struct dump {
	u64 serial;
	u64 only;
	u64 next;
	bool begun;
};

typedef int (*show_fn)(const struct dmring_show *s, struct dmring_ring *ring, u64 *next);

/* The policy has been applied. A nest, if there is one, must name a ring. */
static int dump_begin(struct netlink_callback *cb, struct net *net, struct dump *d)
{
	struct nlattr *tb[ATTR_RING + 1] = { };
	struct dmring_ring *ring;
	struct nlattr *nest;
	int rem, err = 0;

	d->begun = true;
	nlmsg_for_each_attr(nest, cb->nlh, GENL_HDRLEN, rem) {
		err = nla_parse_nested(tb, ATTR_RING, nest, NULL, cb->extack);
		if (err)
			return err;
		ring = dmring_read_ring(net, tb[ATTR_RING], cb->extack);
		if (IS_ERR(ring))
			return PTR_ERR(ring);
		d->only = ring->serial;
		dmring_ring_put(ring);
	}
	return 0;
}

static int dump_ring(const struct dmring_show *s, struct dmring_ring *ring, struct dump *d,
		     show_fn fn)
{
	int err;

	if (ring->serial < d->serial || (d->only && ring->serial != d->only))
		return 0;
	if (ring->serial != d->serial)
		d->next = 0;
	d->serial = ring->serial;
	err = fn(s, ring, &d->next);
	if (err)
		return err;
	d->serial++;
	d->next = 0;
	return 0;
}

static int dump(struct sk_buff *skb, struct netlink_callback *cb, show_fn fn)
{
	struct dump *d = (struct dump *)cb->ctx;
	struct net *net = sock_net(skb->sk);
	struct dmring_show s = {
		.skb = skb,
		.family = &dmring_family,
		.ns = sk_user_ns(skb->sk),
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.flags = NLM_F_MULTI,
		.admin = netlink_ns_capable(cb->skb, net->user_ns, CAP_NET_ADMIN),
	};
	struct dmring_ring *ring;
	int err = 0;

	BUILD_BUG_ON(sizeof(*d) > sizeof(cb->ctx));
	if (!d->begun)
		err = dump_begin(cb, net, d);
	if (err)
		return err;
	for (ring = dmring_ring_next(net, NULL); ring; ring = dmring_ring_next(net, ring)) {
		err = dump_ring(&s, ring, d, fn);
		if (err) {
			dmring_ring_put(ring);
			return skb->len ? skb->len : err;
		}
	}
	return skb->len;
}

static int show_ring(const struct dmring_show *s, struct dmring_ring *ring, u64 *next)
{
	return dmring_show_ring(s, ring);
}

static int dump_rings(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, show_ring);
}

static int dump_peers(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, dmring_show_peers);
}

/* Rings of this machine alone have none. */
static int show_one_view(const struct dmring_show *s, struct dmring_ring *ring, u64 *next)
{
	return dmring_ring_is_network(ring) ? dmring_show_view(s, ring) : 0;
}

/* One that is told of in halves would never be told of. */
static int start_views(struct netlink_callback *cb)
{
	cb->min_dump_alloc = DMRING_VIEW_ANSWER;
	return 0;
}

static int dump_views(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, show_one_view);
}

static int dump_services(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, dmring_show_services);
}

static int dump_statuses(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, dmring_show_statuses);
}

static int dump_members(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, dmring_show_members);
}

/*
 * Events
 */

static void notify(struct net *net, const struct dmring_ntf_info *info)
{
	struct dmring_show s = { .family = &dmring_family };

	if (!genl_has_listeners(&dmring_family, net, 0))
		return;
	s.skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (s.skb && !dmring_show_event(&s, info)) {
		genlmsg_multicast_netns(&dmring_family, net, s.skb, 0, 0, GFP_KERNEL);
		return;
	}
	nlmsg_free(s.skb);
	genl_set_err(&dmring_family, net, 0, 0, ENOBUFS);
}

/*
 * The family
 */

#define DO(command, fn, top)							\
	{ .cmd = DMRING_CMD_##command, .doit = (fn), .policy = (top),		\
	  .maxattr = DMRING_A_MAX, .flags = GENL_UNS_ADMIN_PERM }

#define SHOW(command, do_fn, dump_fn, top)					\
	{ .cmd = DMRING_CMD_##command, .doit = (do_fn), .dumpit = (dump_fn),	\
	  .policy = (top), .maxattr = DMRING_A_MAX }

static const struct genl_ops dmring_ops[] = {
	DO(RING_ADD, do_ring_add, ring_top),
	DO(RING_SET, do_ring_set, ring_top),
	DO(RING_DEL, do_ring_del, ring_name_top),
	SHOW(RING_GET, do_ring_get, dump_rings, ring_name_top),
	DO(PEER_ADD, do_peer_add, peer_top),
	DO(PEER_DEL, do_peer_del, peer_id_top),
	SHOW(PEER_GET, NULL, dump_peers, peer_name_top),
	SHOW(MEMBER_GET, NULL, dump_members, member_name_top),
	DO(MEMBER_EVICT, do_member_evict, member_id_top),
	DO(PROXY_ELECT, do_proxy_elect, member_id_top),
	{ .cmd = DMRING_CMD_VIEW_GET, .doit = do_view_get, .start = start_views,
	  .dumpit = dump_views, .policy = view_name_top, .maxattr = DMRING_A_MAX },
	DO(VIEW_PREPARE, do_view_prepare, view_top),
	DO(VIEW_FILL, do_view_fill, view_top),
	DO(VIEW_INSTALL, do_view_install, view_top),
	SHOW(SERVICE_GET, NULL, dump_services, service_name_top),
	SHOW(STATUS_GET, NULL, dump_statuses, status_name_top),
};

/* Open to all: see the uAPI header. */
static const struct genl_multicast_group dmring_groups[] = {
	{ .name = DMRING_GENL_EVENTS },
};

static struct genl_family dmring_family __ro_after_init = {
	.name = DMRING_GENL_NAME,
	.version = DMRING_GENL_VERSION,
	.maxattr = DMRING_A_MAX,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = dmring_ops,
	.n_ops = ARRAY_SIZE(dmring_ops),
	.mcgrps = dmring_groups,
	.n_mcgrps = ARRAY_SIZE(dmring_groups),
};

int __init dmring_netlink_init(void)
{
	int err = genl_register_family(&dmring_family);

	if (!err)
		dmring_notify_set(notify);
	return err;
}

void dmring_netlink_exit(void)
{
	dmring_notify_set(NULL);
	genl_unregister_family(&dmring_family);
}

MODULE_ALIAS_GENL_FAMILY(DMRING_GENL_NAME);
