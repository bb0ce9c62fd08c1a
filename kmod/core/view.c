// SPDX-License-Identifier: GPL-2.0-only
#include "view.h"

/* Put @node into its place; true if it was not there yet. */
static bool insert(struct dmring_view *v, u32 node)
{
	u16 at = v->count;

	while (at && v->node[at - 1] > node)
		at--;
	if (at && v->node[at - 1] == node)
		return false;
	memmove(&v->node[at + 1], &v->node[at], (v->count - at) * sizeof(v->node[0]));
	v->node[at] = node;
	v->count++;
	return true;
}

int dmring_view_set(struct dmring_view *v, u32 self, u64 inc, const u32 *nodes,
		    u16 count, char *why)
{
	u16 i;

	memset(v, 0, sizeof(*v));
	v->number = 1;
	insert(v, self);
	for (i = 0; i < count; i++) {
		if (!nodes[i])
			return dmring_why(why, -EINVAL, "0 is not a node id");
		if (v->count == DMRING_HOSTS_MAX && dmring_view_index(v, nodes[i]) ==
		    DMRING_VIEW_NONE)
			return dmring_why(why, -ENOSPC, "a ring has at most %u hosts",
					  DMRING_HOSTS_MAX);
		if (v->count < DMRING_HOSTS_MAX)
			insert(v, nodes[i]);
	}
	v->self = dmring_view_index(v, self);
	v->inc[v->self] = inc;
	v->succ = DMRING_VIEW_NONE;
	v->pred = DMRING_VIEW_NONE;
	if (v->count > 1) {
		v->succ = (v->self + 1) % v->count;
		v->pred = (v->self + v->count - 1) % v->count;
	}
	return 0;
}

u16 dmring_view_index(const struct dmring_view *v, u32 node)
{
	u16 low = 0, high = v->count;

	while (low < high) {
		u16 mid = (low + high) / 2;

		if (v->node[mid] == node)
			return mid;
		if (v->node[mid] < node)
			low = mid + 1;
		else
			high = mid;
	}
	return DMRING_VIEW_NONE;
}

int dmring_view_check_inc(const struct dmring_view *v, u16 idx, u64 inc, char *why)
{
	if (!inc || !v->inc[idx] || v->inc[idx] == inc)
		return 0;
	return dmring_why(why, -ESTALE,
			  "host %u was restarted: its incarnation changed; set the ring up anew or install a view",
			  v->node[idx]);
}

void dmring_view_learn(struct dmring_view *v, u16 idx, u64 inc)
{
	if (!v->inc[idx])
		v->inc[idx] = inc;
}

int dmring_view_same_hosts(const struct dmring_view *v, const struct dmring_hello *h,
			   char *why)
{
	u16 i;

	for (i = 0; i < min(v->count, h->count); i++)
		if (v->node[i] != h->hosts[i].node)
			break;
	if (i == v->count && i == h->count)
		return 0;
	if (i == v->count || (i < h->count && h->hosts[i].node < v->node[i]))
		return dmring_why(why, -ENXIO,
				  "host %u is in the list of host %u, not in that of host %u",
				  h->hosts[i].node, h->node, v->node[v->self]);
	return dmring_why(why, -ENXIO,
			  "host %u is in the list of host %u, not in that of host %u",
			  v->node[i], v->node[v->self], h->node);
}
