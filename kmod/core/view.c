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

static void find_neighbours(struct dmring_view *v, u32 self)
{
	v->self = dmring_view_index(v, self);
	v->succ = DMRING_VIEW_NONE;
	v->pred = DMRING_VIEW_NONE;
	if (v->count > 1) {
		v->succ = (v->self + 1) % v->count;
		v->pred = (v->self + v->count - 1) % v->count;
	}
}

int dmring_view_set(struct dmring_view *v, u32 self, u64 inc, const u32 *nodes,
		    u16 count, char *why)
{
	u16 i;

	memset(v, 0, sizeof(*v));
	v->number = DMRING_VIEW_STATIC;
	v->quorum = true;
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
	find_neighbours(v, self);
	v->inc[v->self] = inc;
	return 0;
}

void dmring_view_from_record(struct dmring_view *v, u32 self, const struct dmring_view_record *rec)
{
	u16 i;

	memset(v, 0, sizeof(*v));
	v->number = rec->number;
	v->quorum = rec->quorum;
	v->base = rec->base;
	v->count = rec->count;
	for (i = 0; i < rec->count; i++) {
		v->node[i] = rec->host[i].node;
		v->inc[i] = rec->host[i].inc;
	}
	find_neighbours(v, self);
}

const struct dmring_next_host *dmring_view_next_host(const struct dmring_view_record *rec, u32 node)
{
	u16 i;

	for (i = 0; i < rec->count; i++)
		if (rec->host[i].node == node)
			return &rec->host[i];
	return NULL;
}

int dmring_view_check_record(const struct dmring_view_record *rec, char *why)
{
	u32 last = 0;
	u16 i;

	if (rec->number <= DMRING_VIEW_STATIC || rec->prev != rec->number - 1 || !rec->attempt)
		return dmring_why(why, -EINVAL,
				  "views count from %u, one after the other, attempts from 1",
				  DMRING_VIEW_STATIC + 1);
	if (!rec->count || rec->count > DMRING_HOSTS_MAX || rec->cuts > DMRING_HOSTS_MAX)
		return dmring_why(why, -EINVAL, "a view has 1 to %u hosts", DMRING_HOSTS_MAX);
	for (i = 0; i < rec->count; last = rec->host[i++].node)
		if (rec->host[i].node <= last || !rec->host[i].inc)
			return dmring_why(why, -EINVAL,
					  "host %u is listed twice, out of order, or without incarnation",
					  rec->host[i].node);
	if (!dmring_view_next_host(rec, rec->sequencer))
		return dmring_why(why, -EINVAL, "the sequencer, host %u, is not in the view",
				  rec->sequencer);
	if (rec->base > DMRING_VIEW_BASE_MAX)
		return dmring_why(why, -EINVAL, "no view begins at position %llu", rec->base);
	return 0;
}

/* The streams that are cut off are those of all hosts of @v. */
static int check_cuts(const struct dmring_view *v, const struct dmring_view_record *rec, char *why)
{
	u16 i;

	if (rec->cuts != v->count)
		return dmring_why(why, -EINVAL, "%u streams are cut off, view %u has %u",
				  rec->cuts, v->number, v->count);
	for (i = 0; i < v->count; i++)
		if (rec->cut[i].node != v->node[i])
			return dmring_why(why, -EINVAL, "host %u of view %u has no cut",
					  v->node[i], v->number);
	return 0;
}

/* Who stays is who it was; who comes is somebody else. */
static int check_incs(const struct dmring_view *v, const struct dmring_view_record *rec, char *why)
{
	u16 i, o;

	for (i = 0; i < rec->count; i++) {
		const struct dmring_next_host *h = &rec->host[i];

		o = dmring_view_index(v, h->node);
		if (h->stays && o == DMRING_VIEW_NONE)
			return dmring_why(why, -EINVAL, "host %u cannot stay: it is not in view %u",
					  h->node, v->number);
		if (h->stays && v->inc[o] && v->inc[o] != h->inc)
			return dmring_why(why, -ESTALE,
					  "host %u was restarted: it cannot stay, it has to join",
					  h->node);
		if (!h->stays && o != DMRING_VIEW_NONE && v->inc[o] == h->inc)
			return dmring_why(why, -EINVAL,
					  "host %u joins under an incarnation that has a stream",
					  h->node);
	}
	return 0;
}

int dmring_view_check_next(const struct dmring_view *v, const struct dmring_view_record *rec,
			   char *why)
{
	int err;

	if (rec->prev != v->number)
		return dmring_why(why, -ESTALE, "view %u after view %u does not follow view %u",
				  rec->number, rec->prev, v->number);
	err = check_cuts(v, rec, why);
	return err ?: check_incs(v, rec, why);
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
