// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"

#define GREETING_MIN	(1000 * DMRING_NS_PER_MS)

void dmring_session_init(struct dmring_session *s, enum dmring_dir dir, u32 dead_ms)
{
	memset(s, 0, sizeof(*s));
	s->dir = dir;
	s->dead = dead_ms * DMRING_NS_PER_MS;
	s->backoff = DMRING_BACKOFF_MIN;
	dmring_session_peer_dead(s, dead_ms, dead_ms);
}

void dmring_session_enter(struct dmring_session *s, enum dmring_session_state state, u64 now)
{
	s->state = state;
	s->since = now;
	s->heard = now;
	if (state != DMRING_SESSION_STREAM)
		return;
	s->refused = false;
	s->backoff = DMRING_BACKOFF_MIN;
	s->ups++;
}

/* Three beats fit into the shorter of both patiences. */
void dmring_session_peer_dead(struct dmring_session *s, u32 own_ms, u32 peer_ms)
{
	s->beat = min(own_ms, peer_ms) * (DMRING_NS_PER_MS / 3);
}

/* Between half and the whole of the wait, so that hosts do not knock in step. */
static u64 jitter(u64 wait, u32 rnd)
{
	u64 half = wait / 2;

	return half + ((half * rnd) >> 32);
}

void dmring_session_down(struct dmring_session *s, u64 now, u32 rnd, int err)
{
	s->err = err;
	if (s->dir == DMRING_IN) {
		dmring_session_enter(s, DMRING_SESSION_IDLE, now);
		return;
	}
	/* nothing will have changed in a hurry */
	if (err == -ESTALE || err == -EPROTO)
		s->backoff = DMRING_BACKOFF_MAX;
	dmring_session_enter(s, DMRING_SESSION_WAIT, now);
	s->retry_at = now + jitter(s->backoff, rnd);
	s->backoff = min_t(u64, s->backoff * 2, DMRING_BACKOFF_MAX);
}

#define BIT_OF(type)	(1U << DMRING_FRAME_##type)

/* What each end may hear, by direction and state */
static const u8 legal[2][DMRING_SESSION_STREAM + 1] = {
	[DMRING_OUT] = {
		[DMRING_SESSION_GREETING] = BIT_OF(HELLO) | BIT_OF(REFUSE),
		[DMRING_SESSION_STREAM] = BIT_OF(BEAT),
	},
	[DMRING_IN] = {
		[DMRING_SESSION_GREETING] = BIT_OF(BEAT) | BIT_OF(REFUSE),
		[DMRING_SESSION_STREAM] = BIT_OF(DATA) | BIT_OF(MARKS) | BIT_OF(BEAT) |
					  BIT_OF(ORDER),
	},
};

int dmring_session_legal(const struct dmring_session *s, u8 type, char *why)
{
	if (type < DMRING_FRAME_TYPES && legal[s->dir][s->state] & (1U << type))
		return 0;
	return dmring_why(why, -EPROTO, "a frame of type %u is out of place here", type);
}

u64 dmring_session_greeting(const struct dmring_session *s)
{
	return max_t(u64, GREETING_MIN, 5 * s->dead);
}

u64 dmring_session_deadline(const struct dmring_session *s, bool full)
{
	switch (s->state) {
	case DMRING_SESSION_WAIT:
		return s->retry_at;
	case DMRING_SESSION_CONNECTING:
	case DMRING_SESSION_GREETING:
		return s->since + dmring_session_greeting(s);
	case DMRING_SESSION_STREAM:
		return full ? s->heard + s->dead : min(s->heard + s->dead, s->said + s->beat);
	}
	return ~0ULL;
}

bool dmring_session_late(const struct dmring_session *s, u64 now)
{
	switch (s->state) {
	case DMRING_SESSION_CONNECTING:
	case DMRING_SESSION_GREETING:
		return now >= s->since + dmring_session_greeting(s);
	case DMRING_SESSION_STREAM:
		return now >= s->heard + s->dead;
	}
	return false;
}
