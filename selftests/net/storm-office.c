// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is proxy, asked for thousands of times a minute: a socket for each host that
 * stays open, and no library, so that the program can be linked statically and
 * its processes are cheap to start.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include <linux/dmring_netlink.h>
#include "storm.h"

struct request {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	char attrs[128];
};

static int sock[STORM_HOSTS];
static __u16 family;

static struct nlattr *put(struct request *r, __u16 type, const void *data, size_t len)
{
	struct nlattr *attr = (void *)((char *)r + r->nlh.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((char *)attr + NLA_HDRLEN, data, len);
	r->nlh.nlmsg_len += NLA_ALIGN(attr->nla_len);
	return attr;
}

static void begin(struct request *r, __u16 type, __u8 cmd)
{
	memset(r, 0, sizeof(*r));
	r->nlh.nlmsg_len = NLMSG_LENGTH(sizeof(r->genl));
	r->nlh.nlmsg_type = type;
	r->nlh.nlmsg_flags = NLM_F_REQUEST;
	r->genl.cmd = cmd;
	r->genl.version = 1;
}

/* Without NLM_F_ACK there is one answer: what was asked for, or an error */
static int ask(int fd, const struct request *r, void *buf, size_t size)
{
	const struct nlmsghdr *nlh = buf;
	ssize_t len;

	if (send(fd, r, r->nlh.nlmsg_len, 0) < 0)
		return -errno;
	do {
		len = recv(fd, buf, size, 0);
	} while (len < 0 && errno == EINTR);
	if (len < (ssize_t)NLMSG_LENGTH(sizeof(struct genlmsghdr)))
		return len < 0 ? -errno : -EBADMSG;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)NLMSG_DATA(nlh))->error ?: -EBADMSG;
	return 0;
}

/* The attribute of @type among @len bytes at @at, or NULL */
static const struct nlattr *find(const void *at, size_t len, __u16 type)
{
	const struct nlattr *attr = at;

	while (len >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN && attr->nla_len <= len) {
		size_t step = NLA_ALIGN(attr->nla_len);

		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
		if (step >= len)
			break;
		len -= step;
		attr = (const void *)((const char *)attr + step);
	}
	return NULL;
}

static const struct nlattr *inside(const struct nlattr *nest, __u16 type)
{
	if (!nest)
		return NULL;
	return find((const char *)nest + NLA_HDRLEN, nest->nla_len - NLA_HDRLEN, type);
}

static const struct nlattr *of_answer(const void *buf, __u16 type)
{
	const struct nlmsghdr *nlh = buf;
	size_t head = NLMSG_ALIGN(NLMSG_LENGTH(sizeof(struct genlmsghdr)));

	return find((const char *)buf + head, nlh->nlmsg_len - head, type);
}

static __u64 number(const struct nlattr *attr, __u64 none)
{
	__u64 value = 0;
	size_t len;

	if (!attr)
		return none;
	len = attr->nla_len - NLA_HDRLEN;
	memcpy(&value, (const char *)attr + NLA_HDRLEN, len < sizeof(value) ? len : sizeof(value));
	return value;
}

static int find_family(int fd)
{
	char buf[4096];
	struct request r;
	int err;

	begin(&r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	put(&r, CTRL_ATTR_FAMILY_NAME, DMRING_GENL_NAME, sizeof(DMRING_GENL_NAME));
	err = ask(fd, &r, buf, sizeof(buf));
	if (!err)
		family = number(of_answer(buf, CTRL_ATTR_FAMILY_ID), 0);
	return err;
}

int storm_office_open(int host)
{
	sock[host] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (sock[host] < 0)
		return -errno;
	return find_family(sock[host]);
}

int storm_office_get(int host, struct storm_ring *to)
{
	const struct nlattr *ring, *proxy, *stats;
	char buf[8192];
	struct request r;
	struct nlattr *nest;
	int err;

	begin(&r, family, DMRING_CMD_RING_GET);
	nest = put(&r, DMRING_A_RING | NLA_F_NESTED, NULL, 0);
	put(&r, DMRING_A_RING_NAME, board->ring, strlen(board->ring) + 1);
	nest->nla_len = (char *)&r + r.nlh.nlmsg_len - (char *)nest;
	err = ask(sock[host], &r, buf, sizeof(buf));
	if (err)
		return err;
	ring = of_answer(buf, DMRING_A_RING);
	proxy = inside(ring, DMRING_A_RING_PROXY);
	stats = inside(ring, DMRING_A_RING_STATS);
	to->term = number(inside(proxy, DMRING_A_PROXY_TERM), 0);
	to->member = number(inside(proxy, DMRING_A_PROXY_MEMBER), STORM_NOBODY);
	to->pid = number(inside(proxy, DMRING_A_PROXY_PID), 0);
	to->members = number(inside(ring, DMRING_A_RING_MEMBERS), 0);
	to->events_lost = number(inside(stats, DMRING_A_STAT_EVENTS_LOST), 0);
	to->messages = number(inside(stats, DMRING_A_STAT_MESSAGES), 0);
	return 0;
}
