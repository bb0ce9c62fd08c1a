// SPDX-License-Identifier: GPL-2.0-only
/* One host under test, and who talks to it; see host.h. */
#include "host.h"
#include "test.h"

struct dmring_entry table[4][SLOTS];
struct dmring_place places[2][SLOTS];
struct dmring_core c, other;
struct dmring_act act;
struct dmring_frame f;
struct dmring_rx rx;
char why[DMRING_WHY_SIZE];
u8 buf[DMRING_WIRE_HEAD_MAX];

struct dmring_core_cfg config(u32 node)
{
	return (struct dmring_core_cfg){
		.name = "fleet", .node = node, .inc = 100 + node, .log = 65536, .dead_ms = 150,
		.network = true,
	};
}

void boot_cfg(struct dmring_core *core, const struct dmring_core_cfg *cfg, u16 hosts)
{
	static const u32 nodes[] = { 1, 2, 3, 4, 5, 6 };

	CHECK(!dmring_core_init(core, cfg, table[core == &c], places[core == &c], SLOTS,
				why));
	/* so that the first call is due at 0 */
	CHECK(!dmring_core_set_hosts(core, nodes, hosts, 0 - DMRING_SETTLE, why));
}

void boot(struct dmring_core *core, u32 node)
{
	struct dmring_core_cfg cfg = config(node);

	boot_cfg(core, &cfg, 3);
}

int greet(u32 node, void (*spoil)(struct dmring_hello *h))
{
	struct dmring_hello h;
	u32 len;

	boot(&other, node);
	len = dmring_core_put_hello(&other, buf);
	CHECK(!dmring_wire_get_hello(buf, len, &h, why));
	if (spoil)
		spoil(&h);
	len = dmring_wire_put_hello(buf, &h);
	if (node < 2) {
		CHECK(!dmring_core_greeting(&c, buf, &f, &act) && f.head == len);
		return dmring_core_hello(&c, 5 * MS, buf, len, &act);
	}
	dmring_core_tick(&c, DMRING_OUT, 0, 0, &act);
	CHECK(act.what == DMRING_ACT_CONNECT);
	dmring_core_connected(&c, 0, &act);
	CHECK(act.what == DMRING_ACT_HELLO && act.node == 3);
	CHECK(!dmring_core_frame(&c, DMRING_OUT, 0, 0, buf, &f, &act) && f.head == len);
	return dmring_core_head(&c, DMRING_OUT, 0, 0, &f, buf, &rx, &act);
}

void beat_in(u16 chain, bool final)
{
	struct dmring_beat b = {
		.chain = chain, .final = final, .log = 65536, .rec = c.rec,
	};

	dmring_wire_put_beat(buf, &b);
	CHECK(!dmring_core_frame(&c, DMRING_IN, 6 * MS, 0, buf, &f, &act));
	dmring_core_head(&c, DMRING_IN, 6 * MS, 0, &f, buf, &rx, &act);
}

u64 index_all(void)
{
	u64 no, n = 0;

	while (dmring_core_index(&c, &no))
		n++;
	return n;
}

void join(void)
{
	boot(&c, 2);
	CHECK(!greet(1, NULL) && act.what == (DMRING_ACT_REPLACE | DMRING_ACT_HELLO));
	CHECK(!greet(3, NULL) && act.what == (DMRING_ACT_UP | DMRING_ACT_PUMP));
	beat_in(3, false);
	CHECK(act.what == (DMRING_ACT_UP | DMRING_ACT_SIZES | DMRING_ACT_GATE | DMRING_ACT_CLOSED));
}
