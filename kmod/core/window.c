// SPDX-License-Identifier: GPL-2.0-only
#include "window.h"

u32 dmring_rec_auto(u32 log, u16 hosts, u16 flags)
{
	u32 rec = (log - dmring_event_share(log)) / (hosts + 1U);

	return min(rec & ~63U, dmring_cost(DMRING_MSG_MAX, flags));
}

u32 dmring_window_size(u32 log, u32 rec, u16 hosts)
{
	u32 room = log - dmring_event_share(log);
	u32 window;

	if (rec > room)
		return 0;
	window = ((room - rec) / hosts) & ~63U;
	return window >= rec ? window : 0;
}

int dmring_window_ask(struct dmring_window *w, u64 own_cost, u32 cost, bool *raised)
{
	u64 end = own_cost + cost;

	if (end <= w->released + w->limit)
		return 0;
	if (raised)
		*raised = end - w->limit > w->want;
	w->want = max(w->want, end - w->limit);
	return -EAGAIN;
}
