/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session: the life of one link: when to connect, to greet, to beat, to give
 * up. Times are nanoseconds of any clock that does not go back. Touched by the
 * link thread alone.
 *
 *	OUT  IDLE -> WAIT -> CONNECTING -> GREETING -> STREAM
 *	              ^----------'------------'----------'   any failure
 *	IN   IDLE -> GREETING -> STREAM -> IDLE
 */
#ifndef _DMRING_CORE_SESSION_H
#define _DMRING_CORE_SESSION_H

#include "types.h"
#include "wire.h"

#define DMRING_DEAD_MIN		10U	/* ms */
#define DMRING_DEAD_MAX		60000U
#define DMRING_DEAD_DEFAULT	150U

#define DMRING_SETTLE		(50 * DMRING_NS_PER_MS)
#define DMRING_BACKOFF_MIN	(20 * DMRING_NS_PER_MS)
#define DMRING_BACKOFF_MAX	(1000 * DMRING_NS_PER_MS)

enum dmring_dir {
	DMRING_OUT,	/* to the successor; this host connects */
	DMRING_IN,	/* from the predecessor; this host accepts */
};

enum dmring_session_state {
	DMRING_SESSION_IDLE,		/* nothing to do, or nobody there */
	DMRING_SESSION_WAIT,		/* OUT: until retry_at */
	DMRING_SESSION_CONNECTING,	/* OUT: connection being opened */
	DMRING_SESSION_GREETING,	/* HELLO sent, the other end's first word awaited */
	DMRING_SESSION_STREAM,
};

/**
 * struct dmring_session - one link
 * @dir: which
 * @state: enum dmring_session_state
 * @dead: silence that counts as death (ns)
 * @beat: longest silence of our own (ns)
 * @since: when this state began
 * @heard: last sign of life from the other end
 * @said: when we last sent anything
 * @retry_at: OUT, WAIT: when to connect
 * @backoff: next wait before a connection (ns)
 * @err: why it last went down or was refused (negative errno), 0 if never
 * @why: the same as a sentence
 * @refused: the last attempt was refused, by this end or the other
 * @ups: how often it reached STREAM
 */
struct dmring_session {
	u8 dir;
	u8 state;
	bool refused;
	int err;
	u64 dead;
	u64 beat;
	u64 since;
	u64 heard;
	u64 said;
	u64 retry_at;
	u64 backoff;
	u64 ups;
	char why[DMRING_WHY_SIZE];
};

void dmring_session_init(struct dmring_session *s, enum dmring_dir dir, u32 dead_ms);
void dmring_session_enter(struct dmring_session *s, enum dmring_session_state state, u64 now);

/* The other end's idea of death, from its HELLO. */
void dmring_session_peer_dead(struct dmring_session *s, u32 own_ms, u32 peer_ms);

/* Down for @err (-ESTALE: retried slowly); @rnd: any random number. */
void dmring_session_down(struct dmring_session *s, u64 now, u32 rnd, int err);

/* May a frame of @type come in now? 0 or -EPROTO. */
int dmring_session_legal(const struct dmring_session *s, u8 type, char *why);

/* Time a HELLO may take, from the connection's first moment (ns). */
u64 dmring_session_greeting(const struct dmring_session *s);

/* When something is due; ~0 for never. @full: the socket takes no beat now. */
u64 dmring_session_deadline(const struct dmring_session *s, bool full);

static inline bool dmring_session_beat_due(const struct dmring_session *s, u64 now)
{
	return s->state == DMRING_SESSION_STREAM && now >= s->said + s->beat;
}

/* Has its time run out (silence, slow greeting, slow connection)? */
bool dmring_session_late(const struct dmring_session *s, u64 now);

#endif /* _DMRING_CORE_SESSION_H */
