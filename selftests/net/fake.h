/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake: a host of a ring that is not one. It speaks the protocol as the module
 * does until it is told to do something else. The ring has two hosts:
 *
 *	                     .------- to: we connect -------> IN
 *	node 1, this program                                     node 2, the module
 *	                     '<------ from: we accept ------- OUT
 *
 * Frames are made by the module's own encoder (kmod/core/wire.c) and spoiled
 * afterwards.
 */
#ifndef FAKE_H
#define FAKE_H

#include "../../kmod/core/parcel.h"
#include "../../kmod/core/wire.h"

#define FAKE_RING	"victim"
#define FAKE_NODE	1U
#define FAKE_HOST	2U	/* the module's */
#define FAKE_PORT	7001
#define FAKE_HOST_PORT	7002
#define FAKE_INC	0x1122334455667788ULL
#define FAKE_LOG	0x40000U	/* 256 KiB */
#define FAKE_SLOTS	16
#define FAKE_DEAD	20000U	/* ms: of both; the fake does not beat */
#define FAKE_FRAME	(DMRING_WIRE_DATA_MAX + 4096)

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

struct fake {
	int listener;
	int to;			/* -1: not open */
	int from;
	struct dmring_hello host;	/* its last greeting */
	u64 seq;		/* number of our last message it holds */
	u64 have;		/* of its messages, what came here */
};

/* All return 0 or -errno; -ETIMEDOUT when nothing has come for a while. */
int fake_listen(struct fake *f);
void fake_close(struct fake *f);
void fake_end(int *fd);

/* Connect, without a word */
int fake_connect(struct fake *f);
/* Take the module's connection and its greeting, answer nothing */
int fake_accept(struct fake *f);

/* Our greeting as it ought to be; length */
u32 fake_hello(const struct fake *f, u8 *buf);
/* A heartbeat that closes the ring */
u32 fake_beat(const struct fake *f, u8 *buf);
/* A message of @len bytes with this number; @node: whose */
u32 fake_data(const struct fake *f, u8 *buf, u32 node, u64 seq, const void *data, u32 len);
/* One mark */
u32 fake_marks(u8 *buf, u32 node, u64 stable, u64 released, u64 want);

/* Those links that are not open, as it ought to be; the ring is closed then */
int fake_open(struct fake *f);
/* Greet on "to" and take the answer */
int fake_greet(struct fake *f);

int fake_send(int fd, const void *buf, u32 len);
/* The next frame; its type, or -errno: -ECONNRESET the other end closed */
int fake_frame(int fd, u8 *buf, u32 size);
/* Was the connection closed? Frames before that are read and forgotten. */
bool fake_closed(int fd);
/* The module's next message arrives here; number in f->have */
int fake_receive(struct fake *f, u8 *data, u32 size);

#endif /* FAKE_H */
