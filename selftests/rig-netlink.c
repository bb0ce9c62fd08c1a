// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings by generic netlink. A socket a request, so that a test that changes its
 * network namespace or its user asks as what it is then.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "rig.h"

/* What an exchange is for */
struct talk {
	int (*answer)(const struct nlattr *attr, void *arg);
	void *arg;
	char *why;
};

static int sentence(const struct nlattr *attr, void *data)
{
	struct talk *t = data;

	if (t->why && mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
		snprintf(t->why, DMRING_WHY_SIZE * 2, "%.*s", mnl_attr_get_payload_len(attr),
			 (const char *)mnl_attr_get_payload(attr));
	return MNL_CB_OK;
}

static int on_error(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*err);

	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += mnl_nlmsg_get_payload_len(&err->msg);
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS)
		mnl_attr_parse(nlh, offset, sentence, data);
	errno = -err->error;
	return err->error ? MNL_CB_ERROR : MNL_CB_STOP;
}

static int on_message(const struct nlmsghdr *nlh, void *data)
{
	struct talk *t = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (t->answer)
			t->answer(attr, t->arg);
	return MNL_CB_OK;
}

static mnl_cb_t controls[] = { [NLMSG_ERROR] = on_error };

static int converse(struct mnl_socket *sock, struct nlmsghdr *nlh, struct talk *t)
{
	char buf[32768];
	ssize_t len;
	int ret = MNL_CB_OK;

	nlh->nlmsg_seq = 1;
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (ret == MNL_CB_OK) {
		len = mnl_socket_recvfrom(sock, buf, sizeof(buf));
		if (len < 0)
			return -errno;
		ret = mnl_cb_run2(buf, len, 1, mnl_socket_get_portid(sock), on_message, t,
				  controls, MNL_ARRAY_SIZE(controls));
	}
	return ret < 0 ? -errno : 0;
}

static struct nlmsghdr *begin(void *buf, uint16_t type, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

static int take_family(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		*(uint16_t *)arg = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int find_family(struct mnl_socket *sock, uint16_t *family)
{
	char buf[256];
	struct nlmsghdr *nlh = begin(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	struct talk t = { .answer = take_family, .arg = family };

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, DMRING_GENL_NAME);
	return converse(sock, nlh, &t);
}

static int talk_to_kernel(struct rig_req *r, struct talk *t)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	uint16_t family = 0;
	int one = 1, err;

	if (!sock)
		return -errno;
	err = mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) ? -errno : 0;
	if (!err)
		err = find_family(sock, &family);
	if (!err) {
		if (r->nest)
			mnl_attr_nest_end(r->nlh, r->nest);
		r->nlh->nlmsg_type = family;
		mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &one, sizeof(one));
		err = converse(sock, r->nlh, t);
	}
	mnl_socket_close(sock);
	return err;
}

void rig_req_start(struct rig_req *r, uint8_t cmd, uint16_t object)
{
	memset(r, 0, sizeof(*r));
	r->nlh = begin(r->buf, 0, cmd);
	if (object)
		r->nest = mnl_attr_nest_start(r->nlh, object);
}

int rig_req_send(struct rig_req *r, char *why)
{
	struct talk t = { .why = why };

	if (why)
		*why = 0;
	return talk_to_kernel(r, &t);
}

static void put_addr(struct rig_req *r, uint16_t attr, uint32_t ip, uint16_t port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(ip),
	};

	mnl_attr_put(r->nlh, attr, sizeof(addr), &addr);
}

static void put_number(struct rig_req *r, uint16_t attr, uint32_t value)
{
	if (value)
		mnl_attr_put_u32(r->nlh, attr, value);
}

int rig_ring_add(const char *name, const struct rig_conf *conf)
{
	static const struct rig_conf none;
	struct rig_req r;
	uint32_t flags;

	conf = conf ? conf : &none;
	flags = conf->flags | (conf->node ? DMRING_RING_INSECURE : 0);
	rig_req_start(&r, DMRING_CMD_RING_ADD, DMRING_A_RING);
	mnl_attr_put_strz(r.nlh, DMRING_A_RING_NAME, name);
	if (conf->log)
		mnl_attr_put_u64(r.nlh, DMRING_A_RING_LOG_SIZE, conf->log);
	if (conf->slow)
		mnl_attr_put_u8(r.nlh, DMRING_A_RING_SLOW, conf->slow);
	if (conf->node) {
		mnl_attr_put_u8(r.nlh, DMRING_A_RING_SCOPE, DMRING_SCOPE_NETWORK);
		put_addr(&r, DMRING_A_RING_LISTEN, conf->addr, conf->port);
	}
	put_number(&r, DMRING_A_RING_SLOTS, conf->slots);
	put_number(&r, DMRING_A_RING_SLOW_MS, conf->slow_ms);
	put_number(&r, DMRING_A_RING_UID, conf->uid);
	put_number(&r, DMRING_A_RING_GID, conf->gid);
	put_number(&r, DMRING_A_RING_MODE, conf->mode);
	put_number(&r, DMRING_A_RING_FLAGS, flags);
	put_number(&r, DMRING_A_RING_MAX_MSG, conf->max_msg);
	put_number(&r, DMRING_A_RING_NODE, conf->node);
	put_number(&r, DMRING_A_RING_ROTATE, conf->rotate_s);
	put_number(&r, DMRING_A_RING_PROXY_TIMEOUT, conf->proxy_ms);
	return rig_req_send(&r, NULL);
}

int rig_ring_del(const char *name)
{
	struct rig_req r;

	rig_req_start(&r, DMRING_CMD_RING_DEL, DMRING_A_RING);
	mnl_attr_put_strz(r.nlh, DMRING_A_RING_NAME, name);
	return rig_req_send(&r, NULL);
}

int rig_ring_mode(const char *name, uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct rig_req r;

	rig_req_start(&r, DMRING_CMD_RING_SET, DMRING_A_RING);
	mnl_attr_put_strz(r.nlh, DMRING_A_RING_NAME, name);
	mnl_attr_put_u32(r.nlh, DMRING_A_RING_MODE, mode);
	mnl_attr_put_u32(r.nlh, DMRING_A_RING_UID, uid);
	mnl_attr_put_u32(r.nlh, DMRING_A_RING_GID, gid);
	return rig_req_send(&r, NULL);
}

int rig_peer_add(const char *name, uint32_t node, uint32_t addr, uint16_t port)
{
	struct rig_req r;

	rig_req_start(&r, DMRING_CMD_PEER_ADD, DMRING_A_PEER);
	mnl_attr_put_strz(r.nlh, DMRING_A_PEER_RING, name);
	mnl_attr_put_u32(r.nlh, DMRING_A_PEER_NODE, node);
	put_addr(&r, DMRING_A_PEER_ADDR, addr, port);
	return rig_req_send(&r, NULL);
}

int rig_evict(const char *name, uint32_t id)
{
	struct rig_req r;

	rig_req_start(&r, DMRING_CMD_MEMBER_EVICT, DMRING_A_MEMBER);
	mnl_attr_put_strz(r.nlh, DMRING_A_MEMBER_RING, name);
	mnl_attr_put_u32(r.nlh, DMRING_A_MEMBER_ID, id);
	return rig_req_send(&r, NULL);
}

/* One number out of nests in nests */
struct wanted {
	uint16_t path[3];	/* ends with the first 0 */
	int depth;
	uint64_t value;
};

static int take_number(const struct nlattr *attr, void *arg)
{
	struct wanted *w = arg;

	if (mnl_attr_get_type(attr) != w->path[w->depth])
		return MNL_CB_OK;
	if (w->depth < 2 && w->path[w->depth + 1]) {
		w->depth++;
		mnl_attr_parse_nested(attr, take_number, w);
		w->depth--;
		return MNL_CB_OK;
	}
	w->value = 0;
	memcpy(&w->value, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr) > 8 ?
	       8 : mnl_attr_get_payload_len(attr));
	return MNL_CB_OK;
}

static uint64_t ring_number(const char *name, uint16_t attr, uint16_t inner)
{
	struct wanted w = { .path = { DMRING_A_RING, attr, inner }, .value = UINT64_MAX };
	struct talk t = { .answer = take_number, .arg = &w };
	struct rig_req r;

	rig_req_start(&r, DMRING_CMD_RING_GET, DMRING_A_RING);
	mnl_attr_put_strz(r.nlh, DMRING_A_RING_NAME, name);
	return talk_to_kernel(&r, &t) ? UINT64_MAX : w.value;
}

uint64_t rig_ring_get(const char *name, uint16_t attr)
{
	return ring_number(name, attr, 0);
}

uint64_t rig_ring_stat(const char *name, uint16_t stat)
{
	return ring_number(name, DMRING_A_RING_STATS, stat);
}

/* A number of the member whose id comes before it in its nest */
struct wanted_member {
	uint32_t id;
	uint16_t attr;
	bool is_it;
	uint64_t value;
};

static int take_member(const struct nlattr *attr, void *arg)
{
	struct wanted_member *w = arg;
	uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);

	if (type == DMRING_A_MEMBER_ID)
		w->is_it = mnl_attr_get_u32(attr) == w->id;
	if (type != w->attr || !w->is_it)
		return MNL_CB_OK;
	w->value = 0;
	memcpy(&w->value, mnl_attr_get_payload(attr), len > 8 ? 8 : len);
	return MNL_CB_OK;
}

static int take_members(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == DMRING_A_MEMBER)
		mnl_attr_parse_nested(attr, take_member, arg);
	return MNL_CB_OK;
}

uint64_t rig_member_get(const char *name, uint32_t id, uint16_t attr)
{
	struct wanted_member w = { .id = id, .attr = attr, .value = UINT64_MAX };
	struct talk t = { .answer = take_members, .arg = &w };
	struct rig_req r;

	rig_req_start(&r, DMRING_CMD_MEMBER_GET, DMRING_A_MEMBER);
	r.nlh->nlmsg_flags |= NLM_F_DUMP;
	mnl_attr_put_strz(r.nlh, DMRING_A_MEMBER_RING, name);
	return talk_to_kernel(&r, &t) ? UINT64_MAX : w.value;
}

uint64_t rig_proxy_get(const char *name, uint16_t attr)
{
	return ring_number(name, DMRING_A_RING_PROXY, attr);
}

int rig_elect(const char *name, uint32_t id, char *why)
{
	struct rig_req r;

	rig_req_start(&r, DMRING_CMD_PROXY_ELECT, DMRING_A_MEMBER);
	mnl_attr_put_strz(r.nlh, DMRING_A_MEMBER_RING, name);
	if (id != UINT32_MAX)
		mnl_attr_put_u32(r.nlh, DMRING_A_MEMBER_ID, id);
	return rig_req_send(&r, why);
}

const char *rig_name(const char *what)
{
	static char name[DMRING_NAME_SIZE];

	snprintf(name, sizeof(name), "%s-%d", what, getpid());
	return name;
}
