/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a ring scales: 2 to 128 hosts that run the real core, on virtual time, where nothing
 * goes wrong but for one host that falls silent when asked to. What takes time is a link's
 * bandwidth, the way along it, and each frame that a host's thread sends or takes in.
 *
 *	scale		what is measured, and the tables
 *	scale-ring	the ring and its clock; is everything everywhere once, in order?
 *	scale-host	one host: log, members, thread
 *	scale-net	connections
 */
#ifndef _DMRING_SCALE_H
#define _DMRING_SCALE_H

#include <stdlib.h>
#include "core.h"
#include "../links.h"
#include "../random.h"

#define NEVER		(~0ULL)
#define MS		DMRING_NS_PER_MS

#define LINK_BITS	10ULL		/* a ns: 10 Gbit/s */
#define LINK_DELAY	25000ULL	/* ns, one way */

/*
 * Documentation/benchmarks.rst, "Several hosts": 9,891 instructions for all that three hosts do
 * for a message, which crosses two links; half at each end, and three instructions a ns.
 * Each takes from half to one and a half of that, lest all hosts keep in step.
 */
#define FRAME_TIME	(9891ULL / 2 / 2 / 3)

#define SIZE_MAX_MSG	8192U		/* largest message here */
#define GATHER_BYTES	(64U << 10)	/* as the module does: for one call of the socket, */
#define GATHER_RECORDS	32		/* likewise, */
#define GATHER_PASS	8		/* such calls before it reads again, */
#define RECEIVE_PASS	(32U << 10)	/* and bytes read before it sends again */
#define GATHER_MAX	(128U << 10)	/* all that such a call may have */

#define PIPE_BYTES	(1024U << 10)	/* under way on a connection, one way; a power of two */
#define PIPE_FRAMES	8192U		/* likewise */

struct frame_there {
	u64 at;			/* when its last byte arrives */
	u32 len;
};

/* One way of a connection; positions only grow */
struct pipe {
	u8 *buf;
	struct frame_there *frame;
	u64 head, tail;		/* bytes */
	u64 first, last;	/* frames */
	u64 idle_at;		/* the link has sent all it has */
};

struct host;

/* side 0 opened it, side 1 accepted it; pipe[s] is written by side s */
struct conn {
	struct pipe pipe[2];
	struct host *host[2];
	bool open[2];
};

struct record {
	u64 pos;
	u32 len;
};

/* A message of this host: when it was accepted, and how many hosts have delivered it */
struct message {
	u64 at;
	u16 hosts;
};

struct host {
	struct ring *ring;
	u16 no;			/* node id - 1 */
	struct dmring_core core;
	struct dmring_entry *table;
	struct dmring_place *places;
	struct record *rec;	/* by record number */
	u64 *index;		/* record numbers */
	u8 *log;
	u64 tail;		/* of the log */
	u64 cursor;		/* of its reader, in the index */
	u64 seen[DMRING_HOSTS_MAX];
	u64 given;		/* messages delivered */
	struct message *msg;	/* its own, by number */
	u64 msgs, msg_size;
	u64 clock;		/* how far its thread has come */
	u64 run_at;
	bool silent;
	u64 noticed[2];		/* when a neighbour was found silent, by direction */
	struct links links;
};

struct ring_opts {
	u16 hosts;
	u8 order;
	u32 log, size;		/* bytes: of a log, of a message */
	u64 seed;
};

/* What goes over all links (bytes) */
struct traffic {
	u64 payload, headers, marks, orders, beats;
};

struct sample {
	u64 *ns;
	u64 count, size;
};

struct ring {
	struct ring_opts o;
	u64 rnd;
	u64 now;
	u64 accepted, everywhere;	/* messages, and those that all hosts have delivered */
	u64 flood;		/* all send as much as they may, up to so many */
	u64 steady;		/* messages that count: from this one on, */
	u64 steady_at;		/* everywhere then, */
	u64 last_at;		/* and the last of all */
	struct sample latency;	/* of messages that count */
	struct message *line;	/* the one order of total and safe; here @at is the number */
	u64 line_len, line_size;
	struct traffic traffic;
	const char *failed;
	char text[256];
	struct host *host;
};

/* ring */
struct ring *ring_new(const struct ring_opts *o);
void ring_free(struct ring *r);
void ring_fail(struct ring *r, const char *what, u32 node, const char *why);
/* Run until the ring is closed, @until, all is delivered, all is freed; NULL or what is wrong. */
const char *ring_close(struct ring *r);
const char *ring_until(struct ring *r, u64 until);
const char *ring_deliver(struct ring *r);
const char *ring_rest(struct ring *r);
void sample_add(struct sample *s, u64 ns);
/* The value below which @permille of them are; sorts. */
u64 sample_at(struct sample *s, u32 permille);

/* host */
void host_boot(struct ring *r, u16 no);
void host_free(struct host *h);
void host_run(struct host *h);
/* One message, if there is room */
bool host_send(struct host *h);

static inline void host_wake(struct host *h, u64 at)
{
	if (at < h->run_at)
		h->run_at = at;
}

/* net */
void net_open(struct host *a, struct end *from, struct host *b, struct end *to, u64 now);
void net_close(struct end *e, u64 now);
/* Is there room for what one call of the socket may have? */
bool net_room(const struct end *e);
void net_write(struct end *e, const u8 *buf, u32 len, u64 now);
/* Bytes that have arrived, up to the end of a frame, which *@whole tells; -1: closed */
int net_read(struct end *e, u8 *buf, u32 len, u64 now, bool *whole);
u64 net_arrives(const struct end *e);

#endif
