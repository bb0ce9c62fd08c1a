// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every refusal of every netlink attribute: errno, sentence, and that nothing was
 * changed. What ringctl lets one say wrong is in ctl.sh; here are the bytes.
 *
 *	this process --(request by hand)--> family "dmring"
 *	                                    rings: "nl-PID" (machine), "net-PID" (network, peer 2)
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <libmnl/libmnl.h>

#include "kself.h"
#include "rig.h"

#define PORT	7100
#define PORT_2	7101

static char machine[DMRING_NAME_SIZE], network[DMRING_NAME_SIZE];

FIXTURE(netlink) {
	struct rig_member m;
};

FIXTURE_SETUP(netlink)
{
	const struct rig_conf one = { .log = 64 << 10 };
	const struct rig_conf two = {
		.log = 64 << 10, .node = 1, .addr = INADDR_LOOPBACK, .port = PORT,
	};

	strcpy(machine, rig_name("nl"));
	strcpy(network, rig_name("net"));
	ASSERT_EQ(0, rig_ring_add(machine, &one));
	ASSERT_EQ(0, rig_ring_add(network, &two));
	ASSERT_EQ(0, rig_peer_add(network, 2, INADDR_LOOPBACK, PORT_2));
	ASSERT_EQ(0, rig_join(&self->m, machine, 0));
}

/* What was refused has left the two rings as they were, and made no third one */
FIXTURE_TEARDOWN(netlink)
{
	EXPECT_EQ(1, rig_ring_get(machine, DMRING_A_RING_MEMBERS));
	EXPECT_EQ(0600, rig_ring_get(machine, DMRING_A_RING_MODE));
	EXPECT_EQ(DMRING_SLOW_EVICT, rig_ring_get(machine, DMRING_A_RING_SLOW));
	EXPECT_EQ(1000, rig_ring_get(machine, DMRING_A_RING_SLOW_MS));
	EXPECT_EQ(2, rig_ring_get(network, DMRING_A_RING_HOSTS));
	EXPECT_EQ(UINT64_MAX, rig_ring_get("new", DMRING_A_RING_MEMBERS));
	EXPECT_EQ(DMRING_STATE_ATTACHED, self->m.kern->state);
	rig_leave(&self->m);
	EXPECT_EQ(0, rig_ring_del(machine));
	EXPECT_EQ(0, rig_ring_del(network));
}

/* One attribute; its value is @number when there is no @data */
struct attr {
	uint16_t type;
	uint16_t len;
	uint64_t number;	/* the first @len bytes of it: this runs on x86 */
	const void *data;
};

#define U8(t, v)	{ t, 1, v, NULL }
#define U32(t, v)	{ t, 4, v, NULL }
#define U64(t, v)	{ t, 8, v, NULL }
#define STR(t, v)	{ t, sizeof(v), 0, v }
#define RAW(t, n)	{ t, n, 0, zeros }
#define END		{ 0, 0, 0, NULL }

static const char zeros[4096];

struct nl_case {
	const char *what;	/* NULL: the end */
	int err;
	const char *why;	/* part of the sentence; NULL: the kernel has none of its own */
	struct attr attr[4];
};

static bool put_attr(struct rig_req *r, const struct attr *a)
{
	if (!a->len && !a->data)
		return false;
	mnl_attr_put(r->nlh, a->type, a->len, a->data ? a->data : &a->number);
	return true;
}

/* @base: put before the case's own attributes */
static void run_cases(struct __test_metadata *_metadata, uint8_t cmd, uint16_t object,
		      const struct attr *base, const struct nl_case *c)
{
	char why[2 * DMRING_WHY_SIZE];
	struct rig_req r;
	size_t k;

	for (; c->what; c++) {
		rig_req_start(&r, cmd, object);
		for (k = 0; base && put_attr(&r, &base[k]); k++)
			;
		for (k = 0; k < ARRAY_SIZE(c->attr) && put_attr(&r, &c->attr[k]); k++)
			;
		EXPECT_EQ(c->err, rig_req_send(&r, why)) TH_LOG("%s: \"%s\"", c->what, why);
		EXPECT_TRUE(!c->why || strstr(why, c->why)) TH_LOG("%s: \"%s\"", c->what, why);
	}
}

#define RUN(cmd, object, base, cases) \
	run_cases(_metadata, DMRING_CMD_##cmd, DMRING_A_##object, base, cases)

#define R(a)	DMRING_A_RING_##a
#define ONLY	"only the kernel says this"
#define LONG	"a123456789b123456789c123456789dd"	/* 32 bytes */

static const struct nl_case names[] = {
	{ "no name", -EINVAL, "name of the ring is missing", { } },
	{ "empty name", -EINVAL, "missing or empty", { STR(R(NAME), "") } },
	{ "name too long", -ENAMETOOLONG, "at most 31 bytes", { STR(R(NAME), LONG) } },
	{ "name with a slash", -EINVAL, "no slash", { STR(R(NAME), "a/b") } },
	{ "name with a blank", -EINVAL, "no slash, blank", { STR(R(NAME), "a b") } },
	{ "name with a newline", -EINVAL, "control character", { STR(R(NAME), "a\nb") } },
	{ "name with a DEL", -EINVAL, "control character", { STR(R(NAME), "a\177b") } },
	{ "name without end", -EINVAL, NULL, { { R(NAME), 3, 0, "abc" } } },
	{ "name of no bytes", -EINVAL, NULL, { { R(NAME), 0, 0, "" } } },
	{ }
};

TEST_F(netlink, names)
{
	RUN(RING_ADD, RING, NULL, names);
	RUN(RING_SET, RING, NULL, names);
	RUN(RING_DEL, RING, NULL, names);
	RUN(RING_GET, RING, NULL, names);
}

static const struct attr new_ring[] = { STR(R(NAME), "new"), END };

static const struct nl_case ring_add[] = {
	{ "unknown attribute", -EINVAL, NULL, { U32(R(MAX) + 1, 1) } },
	{ "attribute far out", -EINVAL, NULL, { U32(999, 1) } },
	{ "attribute 0", -EINVAL, NULL, { U32(0, 1) } },
	{ "scope 2", -ERANGE, NULL, { U8(R(SCOPE), 2) } },
	{ "scope 255", -ERANGE, NULL, { U8(R(SCOPE), 255) } },
	{ "scope of 4 bytes", -EINVAL, NULL, { U32(R(SCOPE), 0) } },
	{ "order 3", -ERANGE, NULL, { U8(R(ORDER), 3) } },
	{ "log no power of two", -EINVAL, "power of two", { U64(R(LOG_SIZE), 100000) } },
	{ "log 0", -EINVAL, "power of two", { U64(R(LOG_SIZE), 0) } },
	{ "log too small", -EINVAL, "power of two", { U64(R(LOG_SIZE), DMRING_LOG_MIN / 2) } },
	{ "log too large", -EINVAL, "power of two", { U64(R(LOG_SIZE), DMRING_LOG_MAX * 2) } },
	{ "log 2^63", -EINVAL, "power of two", { U64(R(LOG_SIZE), 1ULL << 63) } },
	{ "log of 4 bytes", -EINVAL, NULL, { U32(R(LOG_SIZE), 65536) } },
	{ "no slots", -ERANGE, "\"slots\" is a number from 1 to 4096", { U32(R(SLOTS), 0) } },
	{ "4097 slots", -ERANGE, "\"slots\" is", { U32(R(SLOTS), DMRING_SLOTS_MAX + 1) } },
	{ "all slots", -ERANGE, "\"slots\" is", { U32(R(SLOTS), ~0U) } },
	{ "slow 3", -ERANGE, NULL, { U8(R(SLOW), 3) } },
	{ "slow evict 0", -ERANGE, "\"slow evict\" is from 1", { U32(R(SLOW_MS), 0) } },
	{ "slow evict for ever", -ERANGE, "\"slow evict\" is from", { U32(R(SLOW_MS), ~0U) } },
	{ "slow block 100", -EINVAL, "goes with \"slow evict\" alone",
	  { U8(R(SLOW), DMRING_SLOW_BLOCK), U32(R(SLOW_MS), 100) } },
	{ "slow drop 100", -EINVAL, "goes with \"slow evict\" alone",
	  { U8(R(SLOW), DMRING_SLOW_DROP), U32(R(SLOW_MS), 100) } },
	{ "no user", -EINVAL, "unknown in this user namespace", { U32(R(UID), ~0U) } },
	{ "no group", -EINVAL, "unknown in this user namespace", { U32(R(GID), ~0U) } },
	{ "mode 1000", -ERANGE, "\"mode\" is from 0 to 777, not 1000", { U32(R(MODE), 01000) } },
	{ "mode of all ones", -ERANGE, "\"mode\" is", { U32(R(MODE), ~0U) } },
	{ "unknown flag", -EINVAL, NULL, { U32(R(FLAGS), 4) } },
	{ "all flags", -EINVAL, NULL, { U32(R(FLAGS), ~0U) } },
	{ "messages of 0 bytes", -ERANGE, "\"max\" is from 1", { U32(R(MAX_MSG), 0) } },
	{ "messages too long", -ERANGE, "\"max\" is", { U32(R(MAX_MSG), DMRING_MSG_MAX + 1) } },
	{ "messages that no log holds", -EMSGSIZE, "leaves less than one largest message",
	  { U64(R(LOG_SIZE), 65536), U32(R(MAX_MSG), 65536) } },
	{ "node in a machine ring", -EINVAL, "scope network", { U32(R(NODE), 1) } },
	{ "dead in a machine ring", -EINVAL, "scope network", { U32(R(DEAD_MS), 150) } },
	{ "insecure machine ring", -EINVAL, "scope network",
	  { U32(R(FLAGS), DMRING_RING_INSECURE) } },
	{ "state", -EINVAL, ONLY, { U8(R(STATE), 0) } },
	{ "members", -EINVAL, ONLY, { U32(R(MEMBERS), 0) } },
	{ "hosts", -EINVAL, ONLY, { U32(R(HOSTS), 0) } },
	{ "view", -EINVAL, ONLY, { U32(R(VIEW), 0) } },
	{ "incarnation", -EINVAL, ONLY, { U64(R(INCARNATION), 0) } },
	{ "memory", -EINVAL, ONLY, { U64(R(MEM_RING), 0) } },
	{ "memory of a member", -EINVAL, ONLY, { U64(R(MEM_MEMBER), 0) } },
	{ "proxy", -EINVAL, ONLY, { RAW(R(PROXY), 8) } },
	{ "statistics", -EINVAL, ONLY, { RAW(R(STATS), 8) } },
	{ }
};

TEST_F(netlink, ring_add)
{
	RUN(RING_ADD, RING, new_ring, ring_add);
}

/* 127.0.0.1:4444 in network order */
static const struct sockaddr_in good = {
	.sin_family = AF_INET, .sin_port = 0x5c11, .sin_addr.s_addr = 0x0100007f,
};

static const struct sockaddr_in no_port = { .sin_family = AF_INET };
static const struct sockaddr_in no_family = { .sin_port = 1 };
static const struct sockaddr_in padded = {
	.sin_family = AF_INET, .sin_port = 1, .sin_zero = { 1 }
};

static const struct sockaddr_in6 flow = {
	.sin6_family = AF_INET6, .sin6_port = 1, .sin6_flowinfo = 1
};

#define ADDR(t, a)	{ t, sizeof(a), 0, &(a) }
#define ADDR_WHY	"IPv4 or IPv6 with a port from 1"

static const struct attr new_network[] = {
	STR(R(NAME), "new"), U8(R(SCOPE), DMRING_SCOPE_NETWORK), END
};

static const struct nl_case ring_add_network[] = {
	{ "nothing but scope", -EINVAL, "needs \"node\"", { } },
	{ "node 0", -ERANGE, "\"node\" is a number from 1", { U32(R(NODE), 0) } },
	{ "no address", -EINVAL, "needs \"listen\"", { U32(R(NODE), 1) } },
	{ "not said to be insecure", -EPERM, "insecure",
	  { U32(R(NODE), 1), ADDR(R(LISTEN), good) } },
	{ "no port", -EINVAL, ADDR_WHY, { U32(R(NODE), 1), ADDR(R(LISTEN), no_port) } },
	{ "no family", -EINVAL, ADDR_WHY, { U32(R(NODE), 1), ADDR(R(LISTEN), no_family) } },
	{ "padding", -EINVAL, ADDR_WHY, { U32(R(NODE), 1), ADDR(R(LISTEN), padded) } },
	{ "flow label", -EINVAL, ADDR_WHY, { U32(R(NODE), 1), ADDR(R(LISTEN), flow) } },
	{ "20 bytes of address", -EINVAL, ADDR_WHY, { U32(R(NODE), 1), RAW(R(LISTEN), 20) } },
	{ "too short an address", -ERANGE, NULL, { U32(R(NODE), 1), RAW(R(LISTEN), 15) } },
	{ "too long an address", -ERANGE, NULL, { U32(R(NODE), 1), RAW(R(LISTEN), 29) } },
	{ "dead 0", -ERANGE, "\"dead\" is from", { U32(R(DEAD_MS), 0) } },
	{ "dead too soon", -ERANGE, "\"dead\" is from", { U32(R(DEAD_MS), 29) } },
	{ "dead too late", -ERANGE, "\"dead\" is from", { U32(R(DEAD_MS), 60001) } },
	{ }
};

TEST_F(netlink, ring_add_network)
{
	RUN(RING_ADD, RING, new_network, ring_add_network);
}

TEST_F(netlink, ring_that_exists)
{
	const struct attr name[] = { { R(NAME), strlen(machine) + 1, 0, machine }, END };
	static const struct nl_case cases[] = { { "exists", -EEXIST, "already", { } }, { } };

	RUN(RING_ADD, RING, name, cases);
}

static const struct nl_case ring_set[] = {
	{ "scope", -EOPNOTSUPP, "can be set", { U8(R(SCOPE), 0) } },
	{ "order", -EOPNOTSUPP, "can be set", { U8(R(ORDER), 0) } },
	{ "node", -EOPNOTSUPP, "can be set", { U32(R(NODE), 1) } },
	{ "log", -EOPNOTSUPP, "can be set", { U64(R(LOG_SIZE), 65536) } },
	{ "slots", -EOPNOTSUPP, "can be set", { U32(R(SLOTS), 1) } },
	{ "flags", -EOPNOTSUPP, "can be set", { U32(R(FLAGS), 1) } },
	{ "max", -EOPNOTSUPP, "can be set", { U32(R(MAX_MSG), 1) } },
	{ "dead", -EOPNOTSUPP, "can be set", { U32(R(DEAD_MS), 150) } },
	{ "listen", -EOPNOTSUPP, "can be set", { ADDR(R(LISTEN), good) } },
	{ "mode 1000", -ERANGE, "\"mode\"", { U32(R(MODE), 01000) } },
	{ "slow drop 5", -EINVAL, "alone", { U8(R(SLOW), 2), U32(R(SLOW_MS), 5) } },
	{ "mode, then no user", -EINVAL, "unknown", { U32(R(MODE), 0666), U32(R(UID), ~0U) } },
	{ "unknown attribute", -EINVAL, NULL, { U32(R(MODE), 0666), U32(R(MAX) + 1, 1) } },
	{ }
};

TEST_F(netlink, ring_set)
{
	const struct attr name[] = { { R(NAME), strlen(machine) + 1, 0, machine }, END };

	RUN(RING_SET, RING, name, ring_set);
}

static const struct attr nobody[] = { STR(R(NAME), "nobody"), END };

static const struct nl_case unknown_ring[] = {
	{ "unknown", -ENOENT, "no ring \"nobody\"", { } },
	{ }
};

TEST_F(netlink, unknown_ring)
{
	static const struct nl_case peer[] = {
		{ "peer of none", -ENOENT, "no ring \"nobody\"",
		  { U32(DMRING_A_PEER_NODE, 3), ADDR(DMRING_A_PEER_ADDR, good) } },
		{ }
	};
	static const struct nl_case id[] = {
		{ "id of none", -ENOENT, "no ring \"nobody\"", { U32(DMRING_A_PEER_NODE, 3) } },
		{ }
	};

	RUN(RING_SET, RING, nobody, unknown_ring);
	RUN(RING_DEL, RING, nobody, unknown_ring);
	RUN(RING_GET, RING, nobody, unknown_ring);
	RUN(PEER_ADD, PEER, nobody, peer);
	RUN(PEER_DEL, PEER, nobody, id);
	RUN(MEMBER_EVICT, MEMBER, nobody, id);
}

#define P(a)		DMRING_A_PEER_##a
#define PEER(n, a)	{ U32(P(NODE), n), ADDR(P(ADDR), a) }
#define PEER_AND(n, a, more)	{ U32(P(NODE), n), ADDR(P(ADDR), a), more }

static struct sockaddr_in local(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

TEST_F(netlink, peers)
{
	const struct attr ring[] = { { P(RING), strlen(network) + 1, 0, network }, END };
	const struct attr wrong[] = { { P(RING), strlen(machine) + 1, 0, machine }, END };
	const struct sockaddr_in own = local(PORT);
	const struct sockaddr_in theirs = local(PORT_2);
	const struct sockaddr_in free = local(7999);
	const struct nl_case add[] = {
		{ "no node", -EINVAL, "missing", { ADDR(P(ADDR), free) } },
		{ "no address", -EINVAL, "", { U32(P(NODE), 3) } },
		{ "node 0", -EINVAL, "node ids start at 1", PEER(0, free) },
		{ "this host", -EINVAL, "this host itself", PEER(1, free) },
		{ "again", -EEXIST, "a peer already", PEER(2, free) },
		{ "same address", -EADDRINUSE, "node 2 has that", PEER(3, theirs) },
		{ "own address", -EADDRINUSE, "own address", PEER(3, own) },
		{ "no port", -EINVAL, ADDR_WHY, PEER(3, no_port) },
		{ "link state", -EINVAL, ONLY, PEER_AND(3, free, U8(P(OUT), 1)) },
		{ "why", -EINVAL, ONLY, PEER_AND(3, free, STR(P(WHY), "x")) },
		{ "unknown", -EINVAL, NULL, PEER_AND(3, free, U8(P(MAX) + 1, 1)) },
		{ }
	};
	static const struct nl_case of_machine[] = {
		{ "machine ring", -EOPNOTSUPP, "has no peers", PEER(3, good) },
		{ }
	};
	const struct nl_case del[] = {
		{ "no node", -EINVAL, "missing", { } },
		{ "unknown node", -ENOENT, "no peer with node id 3", { U32(P(NODE), 3) } },
		{ "with an address", -EINVAL, NULL, PEER(2, theirs) },
		{ }
	};

	RUN(PEER_ADD, PEER, ring, add);
	RUN(PEER_DEL, PEER, ring, del);
	RUN(PEER_ADD, PEER, wrong, of_machine);
}

#define M(a)	DMRING_A_MEMBER_##a

TEST_F(netlink, members)
{
	const struct attr ring[] = { { M(RING), strlen(machine) + 1, 0, machine }, END };
	static const struct nl_case evict[] = {
		{ "no id", -EINVAL, "missing", { } },
		{ "free id", -ENOENT, "no member 1 here", { U32(M(ID), 1) } },
		{ "beyond all", -ENOENT, "no member 4096", { U32(M(ID), DMRING_SLOTS_MAX) } },
		{ "far beyond", -ENOENT, "no member 4294967295", { U32(M(ID), ~0U) } },
		{ "pid", -EINVAL, NULL, { U32(M(ID), 0), U32(M(PID), 1) } },
		{ "id of 8 bytes", -EINVAL, NULL, { U64(M(ID), 0) } },
		{ }
	};

	RUN(MEMBER_EVICT, MEMBER, ring, evict);
}

#define V(a)	DMRING_A_VIEW_##a
#define STEP	U32(V(NUMBER), 2), U32(V(ATTEMPT), 1)

TEST_F(netlink, views)
{
	const struct attr ring[] = { { V(RING), strlen(network) + 1, 0, network }, END };
	const struct attr wrong[] = { { V(RING), strlen(machine) + 1, 0, machine }, END };
	static const struct nl_case prepare[] = {
		{ "no number", -EINVAL, "missing", { U32(V(ATTEMPT), 1) } },
		{ "no attempt", -EINVAL, "missing", { U32(V(NUMBER), 2) } },
		{ "view 0", -EINVAL, "count from 2", { U32(V(NUMBER), 0), U32(V(ATTEMPT), 1) } },
		{ "attempt 0", -EINVAL, "attempts from 1", { U32(V(NUMBER), 2), U32(V(ATTEMPT), 0) } },
		{ "a phase", -EINVAL, ONLY, { STEP, U8(V(PHASE), 1) } },
		{ "an incarnation", -EINVAL, ONLY, { STEP, U64(V(INCARNATION), 1) } },
		{ "number of 8 bytes", -EINVAL, NULL, { U64(V(NUMBER), 2), U32(V(ATTEMPT), 1) } },
		{ "join of a byte", -ERANGE, NULL, { STEP, U8(V(JOIN), 1) } },
		{ "host without nest", -EINVAL, NULL, { STEP, U32(V(HOST), 1) } },
		{ "unknown", -EINVAL, NULL, { STEP, U8(V(MAX) + 1, 1) } },
		{ "a base", -EINVAL, "prepare has no attribute", { STEP, U64(V(BASE), 1) } },
		{ }
	};
	static const struct nl_case later[] = {
		{ "not prepared", -ESTALE, "", { STEP } },
		{ "no attempt", -EINVAL, "missing", { U32(V(NUMBER), 2) } },
		{ }
	};
	static const struct nl_case of_machine[] = {
		{ "machine ring", -EOPNOTSUPP, "no views", { STEP } },
		{ }
	};

	RUN(VIEW_PREPARE, VIEW, ring, prepare);
	RUN(VIEW_FILL, VIEW, ring, later);
	RUN(VIEW_INSTALL, VIEW, ring, later);
	RUN(VIEW_PREPARE, VIEW, wrong, of_machine);
}

/* The wrong object, none, two, and commands that there are not */
TEST_F(netlink, top_level)
{
	static const struct { uint8_t cmd; uint16_t object; int err; } cases[] = {
		{ DMRING_CMD_RING_ADD, 0, -EINVAL },
		{ DMRING_CMD_RING_ADD, DMRING_A_PEER, -EINVAL },
		{ DMRING_CMD_RING_DEL, DMRING_A_MEMBER, -EINVAL },
		{ DMRING_CMD_PEER_ADD, DMRING_A_RING, -EINVAL },
		{ DMRING_CMD_PEER_DEL, 0, -EINVAL },
		{ DMRING_CMD_MEMBER_EVICT, DMRING_A_RING, -EINVAL },
		{ DMRING_CMD_RING_SET, DMRING_A_EVENT, -EINVAL },
		{ DMRING_CMD_VIEW_PREPARE, DMRING_A_RING, -EINVAL },
		{ DMRING_CMD_VIEW_GET, 0, -EINVAL },
		{ DMRING_CMD_RING_ADD, DMRING_A_MAX + 1, -EINVAL },
		{ DMRING_CMD_UNSPEC, DMRING_A_RING, -EOPNOTSUPP },
		{ DMRING_CMD_EVENT_NTF, DMRING_A_EVENT, -EOPNOTSUPP },
		{ DMRING_CMD_MAX + 1, DMRING_A_RING, -EOPNOTSUPP },
		{ 255, DMRING_A_RING, -EOPNOTSUPP },
	};
	char why[2 * DMRING_WHY_SIZE];
	struct rig_req r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		rig_req_start(&r, cases[i].cmd, cases[i].object);
		if (cases[i].object)
			mnl_attr_put_strz(r.nlh, 1, machine);
		EXPECT_EQ(cases[i].err, rig_req_send(&r, why))
			TH_LOG("command %u, object %u: \"%s\"", cases[i].cmd, cases[i].object, why);
	}
	/* a nest that is none */
	rig_req_start(&r, DMRING_CMD_RING_DEL, 0);
	mnl_attr_put_strz(r.nlh, DMRING_A_RING, machine);
	EXPECT_EQ(-EINVAL, rig_req_send(&r, why));
	/* two objects */
	rig_req_start(&r, DMRING_CMD_RING_DEL, 0);
	r.nest = mnl_attr_nest_start(r.nlh, DMRING_A_MEMBER);
	mnl_attr_put_strz(r.nlh, 1, machine);
	mnl_attr_nest_end(r.nlh, r.nest);
	r.nest = mnl_attr_nest_start(r.nlh, DMRING_A_RING);
	mnl_attr_put_strz(r.nlh, 1, machine);
	EXPECT_EQ(-EINVAL, rig_req_send(&r, why));
}

TEST_HARNESS_MAIN
