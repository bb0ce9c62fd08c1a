// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: reads commands into configurations, walks over
 * what is to be shown, sends events. What is in a message: netlink_show.c.
 *
 * The policies and read_*() check the form and the range of each value; what
 * values mean together is checked where the objects live (ring.c). Each
 * refusal has its sentence.
 *
 * Locking: none of its own; commands run in parallel.
 *
 * Dumps keep no reference between two messages: they remember the serial
 * number of the ring and the id of the peer or member where they stopped.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <net/genetlink.h>
#include <net/ipv6.h>

#include "election.h"
#include "event.h"
#include "group.h"
#include "netlink.h"
#include "netlink_show.h"
#include "why.h"

#define SLOW_MS_MAX	3600000
#define DEAD_MS_MIN	30
#define MODE_BITS	0777
#define ROTATE_MAX	86400	/* s, a day */
#define PROXY_MS_MIN	10
#define PROXY_MS_MAX	3600000

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
	      DMRING_A_MEMBER_RING == ATTR_RING);
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

/*
 * Reading
 */

/* The policy has been applied when these run. */
static int read_nest(const struct genl_info *info, u16 object, struct nlattr **tb, int max)
{
	if (!info->attrs[object]) {
		dmring_extack(info->extack, "the command says nothing of what it is about");
		return -EINVAL;
	}
	return nla_parse_nested(tb, max, info->attrs[object], NULL, info->extack);
}

static bool bad_name_char(char c)
{
	return (c >= 0 && c <= ' ') || c == 0x7f || c == '/';
}

static int read_name(const struct nlattr *attr, const char **to, struct netlink_ext_ack *extack)
{
	const char *name = attr ? nla_data(attr) : "", *at;

	if (!*name) {
		dmring_extack(extack, "the name of the ring is missing or empty");
		return -EINVAL;
	}
	if (strlen(name) >= DMRING_NAME_SIZE) {
		dmring_extack(extack, "the name of a ring has at most %d bytes",
			      DMRING_NAME_SIZE - 1);
		return -ENAMETOOLONG;
	}
	for (at = name; *at; at++) {
		if (bad_name_char(*at)) {
			dmring_extack(extack,
				      "the name of a ring has no slash, blank or control character");
			return -EINVAL;
		}
	}
	*to = name;
	return 0;
}

/* The ring named by @attr, with a reference */
static struct dmring_ring *read_ring(struct net *net, const struct nlattr *attr,
				     struct netlink_ext_ack *extack)
{
	struct dmring_ring *ring;
	const char *name;
	int err = read_name(attr, &name, extack);

	if (err)
		return ERR_PTR(err);
	ring = dmring_ring_get(net, name);
	if (ring)
		return ring;
	dmring_extack(extack, "there is no ring \"%s\" here", name);
	return ERR_PTR(-ENOENT);
}

static bool read_in(const struct nlattr *attr, struct sockaddr_in *to)
{
	if (nla_len(attr) != sizeof(*to))
		return false;
	nla_memcpy(to, attr, sizeof(*to));
	return to->sin_family == AF_INET && to->sin_port &&
	       !memchr_inv(to->__pad, 0, sizeof(to->__pad));
}

static bool read_in6(const struct nlattr *attr, struct sockaddr_in6 *to)
{
	if (nla_len(attr) != sizeof(*to))
		return false;
	nla_memcpy(to, attr, sizeof(*to));
	return to->sin6_family == AF_INET6 && to->sin6_port && !to->sin6_flowinfo;
}

static int read_addr(const struct nlattr *attr, struct sockaddr_storage *to,
		     struct netlink_ext_ack *extack)
{
	memset(to, 0, sizeof(*to));
	if (read_in(attr, (struct sockaddr_in *)to) || read_in6(attr, (struct sockaddr_in6 *)to))
		return 0;
	dmring_extack(extack, "an address is IPv4 or IPv6 with a port from 1");
	return -EINVAL;
}

static bool is_any_addr(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET)
		return ((struct sockaddr_in *)addr)->sin_addr.s_addr == htonl(INADDR_ANY);
	return ipv6_addr_any(&((struct sockaddr_in6 *)addr)->sin6_addr);
}

/* Where the value of an attribute goes, and what it may be; their sizes are the same. */
static const struct ring_field {
	u16 attr;
	u16 at;
	u32 min;
	u32 max;
	const char *why;	/* gets min, max and the value; NULL: judged elsewhere */
} ring_fields[] = {
#define NOT_COPIED	U16_MAX
#define FIELD(a, f, ...) \
	{ DMRING_A_RING_##a, offsetof(struct dmring_ring_config, f), __VA_ARGS__ }
	FIELD(SCOPE, scope),
	FIELD(ORDER, order),
	FIELD(NODE, node, 1, U32_MAX, "\"node\" is a number from %u to %u, not %u"),
	FIELD(LOG_SIZE, log_size),
	FIELD(SLOTS, slots, 1, DMRING_SLOTS_MAX, "\"slots\" is a number from %u to %u, not %u"),
	FIELD(SLOW, slow),
	FIELD(SLOW_MS, slow_ms, 1, SLOW_MS_MAX, "\"slow evict\" is from %u to %u ms, not %u"),
	{ DMRING_A_RING_MODE, NOT_COPIED, 0, MODE_BITS, "\"mode\" is from %o to %o, not %o" },
	FIELD(FLAGS, flags),
	FIELD(MAX_MSG, max_msg, 1, DMRING_MSG_MAX, "\"max\" is from %u to %u bytes, not %u"),
	FIELD(PROXY_TIMEOUT, proxy_timeout_ms, PROXY_MS_MIN, PROXY_MS_MAX,
	      "\"proxy-timeout\" is from %u to %u ms, not %u"),
	FIELD(DEAD_MS, dead_ms, DEAD_MS_MIN, DMRING_DEAD_MAX,
	      "\"dead\" is from %u to %u ms, not %u"),
};

static int read_field(const struct ring_field *f, const struct nlattr *attr,
		      struct dmring_ring_config *cfg, struct netlink_ext_ack *extack)
{
	if (f->why && (nla_get_u32(attr) < f->min || nla_get_u32(attr) > f->max)) {
		NL_SET_BAD_ATTR(extack, attr);
		dmring_extack(extack, f->why, f->min, f->max, nla_get_u32(attr));
		return -ERANGE;
	}
	if (f->at != NOT_COPIED)
		memcpy((u8 *)cfg + f->at, nla_data(attr), nla_len(attr));
	return 0;
}

/* Seconds, or never; "never" is no number */
static int read_rotate(const struct nlattr *attr, struct dmring_ring_config *cfg,
		       struct netlink_ext_ack *extack)
{
	cfg->rotate_s = nla_get_u32(attr);
	if (cfg->rotate_s == DMRING_ROTATE_NEVER ||
	    (cfg->rotate_s >= 1 && cfg->rotate_s <= ROTATE_MAX))
		return 0;
	NL_SET_BAD_ATTR(extack, attr);
	dmring_extack(extack, "\"rotate\" is from 1 to %u s or never, not %u", ROTATE_MAX,
		      cfg->rotate_s);
	return -ERANGE;
}

static int read_owner(struct sk_buff *skb, struct nlattr **tb, struct dmring_ring_config *cfg,
		      struct netlink_ext_ack *extack)
{
	struct user_namespace *ns = sk_user_ns(NETLINK_CB(skb).sk);

	if (tb[DMRING_A_RING_UID])
		cfg->uid = make_kuid(ns, nla_get_u32(tb[DMRING_A_RING_UID]));
	if (tb[DMRING_A_RING_GID])
		cfg->gid = make_kgid(ns, nla_get_u32(tb[DMRING_A_RING_GID]));
	if ((tb[DMRING_A_RING_UID] && !uid_valid(cfg->uid)) ||
	    (tb[DMRING_A_RING_GID] && !gid_valid(cfg->gid))) {
		dmring_extack(extack, "the owner or the group is unknown in this user namespace");
		return -EINVAL;
	}
	return 0;
}

static int read_config(struct sk_buff *skb, struct genl_info *info,
		       struct dmring_ring_config *cfg)
{
	struct nlattr *tb[DMRING_A_RING_MAX + 1];
	const char *name;
	int err, i;

	memset(cfg, 0, sizeof(*cfg));
	err = read_nest(info, DMRING_A_RING, tb, DMRING_A_RING_MAX);
	if (!err)
		err = read_name(tb[DMRING_A_RING_NAME], &name, info->extack);
	for (i = 0; !err && i < ARRAY_SIZE(ring_fields); i++)
		if (tb[ring_fields[i].attr])
			err = read_field(&ring_fields[i], tb[ring_fields[i].attr], cfg,
					 info->extack);
	if (!err && tb[DMRING_A_RING_ROTATE])
		err = read_rotate(tb[DMRING_A_RING_ROTATE], cfg, info->extack);
	if (!err && tb[DMRING_A_RING_LISTEN])
		err = read_addr(tb[DMRING_A_RING_LISTEN], &cfg->listen, info->extack);
	if (!err)
		err = read_owner(skb, tb, cfg, info->extack);
	if (err)
		return err;
	strscpy(cfg->name, name, sizeof(cfg->name));
	if (tb[DMRING_A_RING_MODE])
		cfg->mode = nla_get_u32(tb[DMRING_A_RING_MODE]);
	for (i = 0; i <= DMRING_A_RING_MAX; i++)
		cfg->given |= tb[i] ? BIT_ULL(i) : 0;
	return 0;
}

/*
 * Commands that change something
 */

static int do_ring_add(struct sk_buff *skb, struct genl_info *info)
{
	struct dmring_ring_config cfg;
	int err = read_config(skb, info, &cfg);

	return err ? err : dmring_ring_add(genl_info_net(info), &cfg, info->extack);
}

static int do_ring_set(struct sk_buff *skb, struct genl_info *info)
{
	struct dmring_ring_config cfg;
	int err = read_config(skb, info, &cfg);

	return err ? err : dmring_ring_set(genl_info_net(info), &cfg, info->extack);
}

static int do_ring_del(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[DMRING_A_RING_MAX + 1];
	const char *name;
	int err = read_nest(info, DMRING_A_RING, tb, DMRING_A_RING_MAX);

	if (!err)
		err = read_name(tb[DMRING_A_RING_NAME], &name, info->extack);
	return err ? err : dmring_ring_del(genl_info_net(info), name, info->extack);
}

/* A command about something of a ring, found by its id; @id: its name, NULL if it may be missing */
static int with_ring(struct genl_info *info, u16 object, const char *id,
		     int (*fn)(struct dmring_ring *ring, struct nlattr **tb,
			       struct netlink_ext_ack *extack))
{
	struct nlattr *tb[DMRING_A_MEMBER_MAX + 1];
	struct dmring_ring *ring;
	int err = read_nest(info, object, tb, DMRING_A_MEMBER_MAX);

	if (err)
		return err;
	if (id && !tb[ATTR_ID]) {
		dmring_extack(info->extack, "the %s is missing", id);
		return -EINVAL;
	}
	ring = read_ring(genl_info_net(info), tb[ATTR_RING], info->extack);
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
	err = read_addr(tb[DMRING_A_PEER_ADDR], &addr, extack);
	if (err)
		return err;
	if (is_any_addr(&addr)) {
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

static int do_ring_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[DMRING_A_RING_MAX + 1];
	struct dmring_show s = {
		.family = &dmring_family,
		.ns = sk_user_ns(NETLINK_CB(skb).sk),
		.portid = info->snd_portid,
		.seq = info->snd_seq,
		.admin = netlink_ns_capable(skb, genl_info_net(info)->user_ns, CAP_NET_ADMIN),
	};
	struct dmring_ring *ring;
	int err = read_nest(info, DMRING_A_RING, tb, DMRING_A_RING_MAX);

	if (err)
		return err;
	ring = read_ring(genl_info_net(info), tb[DMRING_A_RING_NAME], info->extack);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	s.skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	err = s.skb ? dmring_show_ring(&s, ring) : -ENOMEM;
	dmring_ring_put(ring);
	if (!err)
		return genlmsg_reply(s.skb, info);
	nlmsg_free(s.skb);
	return err;
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
	u32 next;
	bool begun;
};

typedef int (*show_fn)(const struct dmring_show *s, struct dmring_ring *ring, u32 *next);

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
		ring = read_ring(net, tb[ATTR_RING], cb->extack);
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

static int show_ring(const struct dmring_show *s, struct dmring_ring *ring, u32 *next)
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
