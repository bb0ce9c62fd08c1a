/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the core share and nobody else sees. */
#ifndef _DMRING_CORE_INTERNAL_H
#define _DMRING_CORE_INTERNAL_H

#include "core.h"

static inline void dmring_act_clear(struct dmring_act *act, u32 node)
{
	act->what = 0;
	act->node = node;
	act->reason = 0;
	act->err = 0;
	act->why[0] = '\0';
}

static inline struct dmring_session *dmring_link(struct dmring_core *c, enum dmring_dir dir)
{
	return dir == DMRING_OUT ? &c->out : &c->in;
}

static inline u32 dmring_neighbour(const struct dmring_core *c, enum dmring_dir dir)
{
	return dir == DMRING_OUT ? dmring_core_succ(c) : dmring_core_pred(c);
}

static inline u16 dmring_rec_flags(const struct dmring_core *c)
{
	return c->cfg.identify ? DMRING_REC_IDENT : 0;
}

static inline bool dmring_pow2_between(u64 n, u64 least, u64 most)
{
	return n >= least && n <= most && !(n & (n - 1));
}

static inline bool dmring_dead_ok(u32 ms)
{
	return ms >= DMRING_DEAD_MIN && ms <= DMRING_DEAD_MAX;
}

static inline bool dmring_rec_ok(u32 rec)
{
	return rec >= DMRING_COST_MIN && !(rec % DMRING_ALIGN) &&
	       rec <= dmring_cost(DMRING_MSG_MAX, DMRING_REC_IDENT);
}

/* Is the log large enough for a view of so many? 0 or -EMSGSIZE. */
int dmring_core_check_hosts(const struct dmring_core *c, u16 hosts, char *why);

/* What this host by itself would allow among @hosts; 0 or -EMSGSIZE. */
int dmring_core_own_sizes(const struct dmring_core *c, u16 hosts, struct dmring_sizes *s,
			  char *why);

/* Make c->spare the view, with links from @at on; nothing can fail any more. */
void dmring_core_take_view(struct dmring_core *c, const struct dmring_sizes *sizes,
			   u16 sequencer, u64 at);
void dmring_core_restart_sessions(struct dmring_core *c, u64 at);

/*
 * Who has no quorum does not know what others deliver, and with "safe" has to deliver a
 * beginning of that: what all hosts of the view that ends knew the place of.
 */
bool dmring_core_is_cautious(const struct dmring_core *c, const struct dmring_view_record *rec);

/* Something about the links changed: draw the conclusions. */
void dmring_core_see_links(struct dmring_core *c, struct dmring_act *act);

/* The other end broke the protocol; act->err and act->why are set. */
int dmring_core_breach(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
		       struct dmring_act *act);

/* Note a refusal, whoever made it; only a new cause is an event. */
void dmring_core_note_refusal(struct dmring_session *s, struct dmring_act *act);

/* The link ends with a refusal; act->err and act->why are set. */
int dmring_core_refused(struct dmring_core *c, enum dmring_dir dir, u64 now, u32 rnd,
			struct dmring_act *act);

/* HELLO, the answer to ours. */
int dmring_core_hello_out(struct dmring_core *c, u64 now, u32 rnd, const u8 *buf, u32 len,
			  struct dmring_act *act);

#endif /* _DMRING_CORE_INTERNAL_H */
