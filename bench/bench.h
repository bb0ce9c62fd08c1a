/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dmring-bench: what is measured, and the peers it is measured on
 *
 *	stream, fan-out				round trip
 *
 *	sender --+--> receiver 0		sender ----> receiver 0
 *	         +--> receiver 1		sender <---- receiver 0
 *	         +--> ...
 *
 *	requests: a round trip with many under way, which receiver 0 answers in their order
 *
 * Sender and receivers are processes of their own. Every message starts with
 * its number and ends with it again; a receiver that sees another one, or
 * another length, fails the run. So loss, doubling and disorder are failures.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(a, b)	__attribute((format(printf, a, b)))

#define BENCH_RECEIVERS_MAX	64
#define BENCH_SIZE_MAX		65536
#define BENCH_SIZE_MIN		16	/* two numbers */
#define BENCH_SENDER		(-1)	/* who, beside the receivers' numbers */

enum bench_shape {
	BENCH_ROUNDTRIP,	/* blocking, one message under way */
	BENCH_STREAM,		/* in batches, to all receivers */
	BENCH_REQUESTS,		/* answered, a batch under way */
};

struct bench_transport;

/**
 * struct bench_case - one thing to be measured
 * @t: on what
 * @shape: what
 * @receivers: how many
 * @size: of a message (bytes)
 * @batch: messages between two flushes, or requests under way
 * @count: messages that are timed
 * @warm: messages sent before, not timed
 */
struct bench_case {
	const struct bench_transport *t;
	enum bench_shape shape;
	int receivers;
	size_t size;
	unsigned int batch;
	__u64 count;
	__u64 warm;
};

/**
 * struct bench_end - one process's end of a transport
 * @c: the case
 * @who: BENCH_SENDER or the receiver's number
 * @shared: what the transport's prepare() made, for all processes
 * @priv: the transport's own
 */
struct bench_end {
	const struct bench_case *c;
	int who;
	void *shared;
	void *priv;
};

/* Called with each message received; the data is good until it returns. */
typedef int (*bench_sink)(void *arg, const void *data, size_t len);

/**
 * struct bench_transport - a peer of the measurement
 * @name: as given with -t
 * @shapes: bits (1 << BENCH_...) of what it can do
 * @most: largest message, 0 for any (bytes)
 * @prepare: before the processes are made; may be NULL
 * @cleanup: after they have ended; may be NULL
 * @open: in each process; all are open before the first message
 * @close: in each process
 * @send: one message; waits for room. In a stream the receivers need not see
 *        it before @flush; in a round trip and after requests @recv follows
 * @flush: end of a batch; NULL when @send does it all
 * @recv: waits for a message, then hands over what is there, but not more than
 *        @max. Flushes what the same end has sent
 *
 * All return 0 or -errno, having said what is wrong on standard error.
 */
struct bench_transport {
	const char *name;
	unsigned int shapes;
	size_t most;
	int (*prepare)(const struct bench_case *c, void **shared);
	void (*cleanup)(const struct bench_case *c, void *shared);
	int (*open)(struct bench_end *e);
	void (*close)(struct bench_end *e);
	int (*send)(struct bench_end *e, const void *data, size_t len);
	int (*flush)(struct bench_end *e);
	int (*recv)(struct bench_end *e, __u64 max, bench_sink sink, void *arg);
};

/* The peers; to add one, add it here and to bench_transports in main.c */
extern const struct bench_transport bench_dmring;
extern const struct bench_transport bench_dmring_send;
extern const struct bench_transport bench_dmring_poll;
extern const struct bench_transport bench_dmring_call;
extern const struct bench_transport bench_seqpacket;
extern const struct bench_transport bench_seqpacket_mmsg;
extern const struct bench_transport *const bench_transports[];

/**
 * struct bench_options - of the command line
 * @ring: the ring to use; it exists and blocks senders ("slow block")
 * @transports: names with commas, NULL for all
 * @icount: time is instructions, on one CPU
 * @size: the only message size to measure, 0 for all (bytes)
 * @receivers: the only number of receivers to measure, 0 for all
 * @shape: the only shape to measure, -1 for all
 * @repeat: how often each case is measured
 * @scale: how much longer (percent) than by default each case is
 * @json: where the results go, NULL for nowhere
 * @members: for "memory" and "departures"
 * @departures: how many, of members or ("views") of a host
 * @busy: for "departures": the other members
 * @flood: for "departures": the talker sends without a pause
 * @seconds: for "idle"
 * @netns: for "hosts" and "views": network namespaces, with commas
 * @bridge: for "views": the network namespace of the bridge between them
 */
struct bench_options {
	const char *ring;
	const char *transports;
	bool icount;
	unsigned int size;
	unsigned int receivers;
	int shape;
	unsigned int repeat;
	unsigned int scale;
	const char *json;
	unsigned int members;
	unsigned int departures;
	bool busy;
	bool flood;
	unsigned int seconds;
	const char *netns;
	const char *bridge;
};

extern struct bench_options bench_opts;

/* One run of a case: time per message (ns). 0 or -errno. */
int bench_run(const struct bench_case *c, double *per_msg);

/* The commands; exit status */
int bench_measure(void);
int bench_idle(void);
int bench_memory(void);
int bench_departures(void);
int bench_hosts(void);
int bench_views(void);

/* "a,b,c" to pointers to its parts, which it is cut into; how many, or negative */
int bench_list(char *list, char **part, int most);

/* Go to a network namespace of "ip netns"; 0 or -errno */
int bench_enter(const char *netns);

/* "dmring-bench: " sentence ": " strerror(err), on standard error; returns -err */
int bench_fail(int err, const char *format, ...)
	__printf(2, 3);

__u64 bench_now(void);	/* CLOCK_MONOTONIC, ns */

#endif /* BENCH_H */
