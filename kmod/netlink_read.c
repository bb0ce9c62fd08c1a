// SPDX-License-Identifier: GPL-2.0-only
/*
 * What commands say, read into names, addresses and configurations: form and range of each
 * value, where the policy could not tell.
 *
 * Locking: none; what is read is the caller's.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <net/genetlink.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "group.h"
#include "netlink_read.h"
#include "why.h"

#define SLOW_MS_MAX	3600000
#define DEAD_MS_MIN	30
#define MODE_BITS	0777
#define ROTATE_MAX	86400	/* s, a day */
#define PROXY_MS_MIN	10
#define PROXY_MS_MAX	3600000

int dmring_read_nest(const struct genl_info *info, u16 object, struct nlattr **tb, int max)
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

int dmring_read_name(const struct nlattr *attr, const char **to, struct netlink_ext_ack *extack)
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

struct dmring_ring *dmring_read_ring(struct net *net, const struct nlattr *attr,
				     struct netlink_ext_ack *extack)
{
	struct dmring_ring *ring;
	const char *name;
	int err = dmring_read_name(attr, &name, extack);

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

int dmring_read_addr(const struct nlattr *attr, struct sockaddr_storage *to,
		     struct netlink_ext_ack *extack)
{
	memset(to, 0, sizeof(*to));
	if (read_in(attr, (struct sockaddr_in *)to) || read_in6(attr, (struct sockaddr_in6 *)to))
		return 0;
	dmring_extack(extack, "an address is IPv4 or IPv6 with a port from 1");
	return -EINVAL;
}

bool dmring_is_any_addr(const struct sockaddr_storage *addr)
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

int dmring_read_config(struct sk_buff *skb, struct genl_info *info,
		       struct dmring_ring_config *cfg)
{
	struct nlattr *tb[DMRING_A_RING_MAX + 1];
	const char *name;
	int err, i;

	memset(cfg, 0, sizeof(*cfg));
	err = dmring_read_nest(info, DMRING_A_RING, tb, DMRING_A_RING_MAX);
	if (!err)
		err = dmring_read_name(tb[DMRING_A_RING_NAME], &name, info->extack);
	for (i = 0; !err && i < ARRAY_SIZE(ring_fields); i++)
		if (tb[ring_fields[i].attr])
			err = read_field(&ring_fields[i], tb[ring_fields[i].attr], cfg,
					 info->extack);
	if (!err && tb[DMRING_A_RING_ROTATE])
		err = read_rotate(tb[DMRING_A_RING_ROTATE], cfg, info->extack);
	if (!err && tb[DMRING_A_RING_LISTEN])
		err = dmring_read_addr(tb[DMRING_A_RING_LISTEN], &cfg->listen, info->extack);
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
