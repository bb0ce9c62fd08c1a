/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of dmring; scalars only.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dmring

#if !defined(_DMRING_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _DMRING_TRACE_H

#include <linux/tracepoint.h>

#include <linux/dmring.h>

TRACE_EVENT(dmring_member_leave,
	TP_PROTO(const char *ring, u32 id, u32 pid, u32 reason, u64 attached_ns),
	TP_ARGS(ring, id, pid, reason, attached_ns),
	TP_STRUCT__entry(
		__array(char, ring, DMRING_NAME_SIZE)
		__field(u32, id)
		__field(u32, pid)
		__field(u32, reason)
		__field(u64, attached_ns)
	),
	TP_fast_assign(
		strscpy(__entry->ring, ring, DMRING_NAME_SIZE);
		__entry->id = id;
		__entry->pid = pid;
		__entry->reason = reason;
		__entry->attached_ns = attached_ns;
	),
	TP_printk("ring=%s member=%u pid=%u reason=%u attached_ns=%llu", __entry->ring,
		  __entry->id, __entry->pid, __entry->reason, __entry->attached_ns)
);

TRACE_EVENT(dmring_proxy,
	TP_PROTO(const char *ring, int id, u64 term, u32 why, u64 last_ns),
	TP_ARGS(ring, id, term, why, last_ns),
	TP_STRUCT__entry(
		__array(char, ring, DMRING_NAME_SIZE)
		__field(int, id)
		__field(u64, term)
		__field(u32, why)
		__field(u64, last_ns)
	),
	TP_fast_assign(
		strscpy(__entry->ring, ring, DMRING_NAME_SIZE);
		__entry->id = id;
		__entry->term = term;
		__entry->why = why;
		__entry->last_ns = last_ns;
	),
	TP_printk("ring=%s member=%d term=%llu why=%u last_ns=%llu", __entry->ring,
		  __entry->id, __entry->term, __entry->why, __entry->last_ns)
);

TRACE_EVENT(dmring_takeover,
	TP_PROTO(const char *ring, u64 term, u64 ns),
	TP_ARGS(ring, term, ns),
	TP_STRUCT__entry(
		__array(char, ring, DMRING_NAME_SIZE)
		__field(u64, term)
		__field(u64, ns)
	),
	TP_fast_assign(
		strscpy(__entry->ring, ring, DMRING_NAME_SIZE);
		__entry->term = term;
		__entry->ns = ns;
	),
	TP_printk("ring=%s term=%llu ns=%llu", __entry->ring, __entry->term, __entry->ns)
);

#endif /* _DMRING_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
