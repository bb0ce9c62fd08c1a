// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generic netlink through libmnl: family, requests, dumps, events, and the
 * sentences with which the kernel refuses
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/dmring_netlink.h>

#include "ctl.h"
#include "nl.h"

#define ANSWER_SIZE	65536	/* the kernel's dumps fill up to 32 KiB */
#define EVENT_ROOM	(4 << 20)	/* socket buffer for events */
#define DUMP_TRIES	20

struct nl {
	struct mnl_socket *sock;
	__u32 seq;
	__u16 family;
	__u32 events;	/* multicast group */
	char why[256];		/* the kernel's sentence: the last refusal, or a warning */
	char buf[ANSWER_SIZE];
};

/* What errno alone would leave open */
static const struct hint {
	int error;
	const char *text;
} hints[] = {
	{ EPERM, "Operation not permitted (it needs CAP_NET_ADMIN over this network namespace)" },
	{ EOPNOTSUPP, "the kernel's dmring does not know this command" },
	{ }
};

static const char *errno_text(int error)
{
	const struct hint *h;

	for (h = hints; h->text; h++)
		if (h->error == error)
			return h->text;
	return strerror(error);
}

struct nlmsghdr *nl_begin(void *buf, __u8 cmd, __u16 flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	nlh->nlmsg_flags = NLM_F_REQUEST | (flags ? flags : NLM_F_ACK);
	genl->cmd = cmd;
	genl->version = DMRING_GENL_VERSION;
	return nlh;
}

void nl_put_name(struct nlmsghdr *nlh, __u16 attr, const char *name)
{
	mnl_attr_put(nlh, attr, strnlen(name, NL_REQUEST_SIZE / 4) + 1, name);
	((char *)mnl_nlmsg_get_payload_tail(nlh))[-1] = '\0';
}

static int sentence_cb(const struct nlattr *attr, void *data)
{
	struct nl *nl = data;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
		snprintf(nl->why, sizeof(nl->why), "%.*s", mnl_attr_get_payload_len(attr),
			 (const char *)mnl_attr_get_payload(attr));
	return MNL_CB_OK;
}

/* The sentence lies behind @offset bytes of payload. */
static int take_error(struct nl *nl, const struct nlmsghdr *nlh, int error, size_t offset)
{
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS)
		mnl_attr_parse(nlh, offset, sentence_cb, nl);
	if (!error)
		return MNL_CB_STOP;
	errno = -error;
	return MNL_CB_ERROR;
}

static int error_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*err);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += mnl_nlmsg_get_payload_len(&err->msg);
	return take_error(*(struct nl **)data, nlh, err->error, offset);
}

static int done_cb(const struct nlmsghdr *nlh, void *data)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	return take_error(*(struct nl **)data, nlh, error, sizeof(error));
}

static mnl_cb_t control_cbs[] = {
	[NLMSG_ERROR] = error_cb,
	[NLMSG_DONE] = done_cb,
};

/* What the message callbacks get; the first member is all that control_cbs know. */
struct talk {
	struct nl *nl;
	nl_fn fn;
	void *arg;
};

static int message_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct talk *t = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (t->fn)
			t->fn(attr, t->arg);
	return MNL_CB_OK;
}

static int exchange(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	unsigned int port = mnl_socket_get_portid(nl->sock);
	ssize_t len;
	int rc;

	nlh->nlmsg_seq = ++nl->seq;
	nl->why[0] = '\0';
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return -1;
	do {
		len = mnl_socket_recvfrom(nl->sock, nl->buf, sizeof(nl->buf));
		if (len < 0)
			return -1;
		rc = mnl_cb_run2(nl->buf, len, nl->seq, port, cb, data, control_cbs,
				 MNL_ARRAY_SIZE(control_cbs));
	} while (rc > MNL_CB_STOP);
	return rc;
}

/* 0, or -1 with errno set and perhaps a sentence in @nl */
static int talk(struct nl *nl, struct nlmsghdr *nlh, nl_fn fn, void *arg)
{
	struct talk t = { .nl = nl, .fn = fn, .arg = arg };

	nlh->nlmsg_type = nl->family;
	return exchange(nl, nlh, message_cb, &t);
}

static int refused(const struct nl *nl)
{
	return ctl_refuse("%s", nl->why[0] ? nl->why : errno_text(errno));
}

int nl_talk(struct nl *nl, struct nlmsghdr *nlh, nl_fn fn, void *arg)
{
	if (talk(nl, nlh, fn, arg))
		return refused(nl);
	if (nl->why[0])
		fprintf(stderr, "ringctl: %s\n", nl->why);
	return CTL_OK;
}

static int group_attr_cb(const struct nlattr *attr, void *data)
{
	const struct nlattr **tb = data;
	__u16 type = mnl_attr_get_type(attr);

	if (type <= CTRL_ATTR_MCAST_GRP_MAX)
		tb[type] = attr;
	return MNL_CB_OK;
}

static void take_group(struct nl *nl, const struct nlattr *group)
{
	const struct nlattr *tb[CTRL_ATTR_MCAST_GRP_MAX + 1] = { 0 };

	mnl_attr_parse_nested(group, group_attr_cb, tb);
	if (tb[CTRL_ATTR_MCAST_GRP_NAME] && tb[CTRL_ATTR_MCAST_GRP_ID] &&
	    !strcmp(mnl_attr_get_str(tb[CTRL_ATTR_MCAST_GRP_NAME]), DMRING_GENL_EVENTS))
		nl->events = mnl_attr_get_u32(tb[CTRL_ATTR_MCAST_GRP_ID]);
}

static int family_cb(const struct nlmsghdr *nlh, void *data)
{
	struct nl *nl = ((struct talk *)data)->nl;
	const struct nlattr *attr, *group;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			nl->family = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			mnl_attr_for_each_nested(group, attr)
				take_group(nl, group);
	}
	return MNL_CB_OK;
}

static int find_family(struct nl *nl)
{
	char buf[NL_REQUEST_SIZE];
	struct nlmsghdr *nlh = nl_begin(buf, CTRL_CMD_GETFAMILY, 0);
	struct talk t = { .nl = nl };

	nlh->nlmsg_type = GENL_ID_CTRL;
	nl_put_name(nlh, CTRL_ATTR_FAMILY_NAME, DMRING_GENL_NAME);
	if (!exchange(nl, nlh, family_cb, &t))
		return CTL_OK;
	if (errno == ENOENT)
		return ctl_refuse("this kernel has no dmring: load the module (modprobe dmring)");
	return refused(nl);
}

static int connect_socket(struct nl *nl)
{
	int on = 1;

	nl->sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return ctl_refuse("cannot open a netlink socket: %s", strerror(errno));
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof(on));
	return find_family(nl);
}

struct nl *nl_open(void)
{
	struct nl *nl = calloc(1, sizeof(*nl));

	if (!nl)
		ctl_refuse("out of memory");
	else if (!connect_socket(nl))
		return nl;
	nl_close(nl);
	return NULL;
}

void nl_close(struct nl *nl)
{
	if (nl && nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

int nl_fd(const struct nl *nl)
{
	return mnl_socket_get_fd(nl->sock);
}

int nl_do(struct nlmsghdr *nlh, nl_fn fn, void *arg)
{
	struct nl *nl = nl_open();
	int status;

	if (!nl)
		return CTL_REFUSED;
	status = nl_talk(nl, nlh, fn, arg);
	nl_close(nl);
	return status;
}

int nl_dump(struct nlmsghdr *nlh, nl_fn fn, void (*restart)(void *arg), void *arg)
{
	struct nl *nl = NULL;
	int rc, tries = 0;

	do {
		nl_close(nl);	/* what an interrupted dump still sends goes with it */
		nl = nl_open();
		if (!nl)
			return CTL_REFUSED;
		restart(arg);
		rc = talk(nl, nlh, fn, arg);
	} while (rc && errno == EINTR && ++tries < DUMP_TRIES);
	if (rc)
		refused(nl);
	nl_close(nl);
	return rc ? CTL_REFUSED : CTL_OK;
}

int nl_subscribe(struct nl *nl)
{
	int room = EVENT_ROOM;

	if (setsockopt(nl_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(nl_fd(nl), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (!nl->events || mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP, &nl->events,
						 sizeof(nl->events)) < 0)
		return ctl_refuse("cannot subscribe to the kernel's events: %s", strerror(errno));
	return CTL_OK;
}

int nl_events(struct nl *nl, nl_fn fn, void *arg)
{
	struct talk t = { .nl = nl, .fn = fn, .arg = arg };
	ssize_t len;

	for (;;) {
		len = recv(nl_fd(nl), nl->buf, sizeof(nl->buf), MSG_DONTWAIT);
		if (len > 0)
			mnl_cb_run(nl->buf, len, 0, 0, message_cb, &t);
		else if (len < 0 && errno == ENOBUFS)
			fn(NULL, arg);
		else if (len < 0 && errno == EAGAIN)
			return CTL_OK;
		else if (len < 0 && errno != EINTR)
			return ctl_refuse("cannot read the kernel's events: %s", strerror(errno));
	}
}
