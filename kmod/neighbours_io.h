/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between neighbours.c (who is there) and neighbours_io.c (what they say).
 */
#ifndef _DMRING_NEIGHBOURS_IO_H
#define _DMRING_NEIGHBOURS_IO_H

#include "neighbours.h"

/* Do what nb->act says. */
void dmring_neighbours_act(struct dmring_neighbours *nb, enum dmring_dir dir, u64 now);
/* The connection failed: close it, tell the core, do what it says. */
void dmring_neighbours_down(struct dmring_neighbours *nb, enum dmring_dir dir, int err);

/* Read and handle, send what is due; true if there is more to do at once. */
bool dmring_neighbours_receive(struct dmring_neighbours *nb, enum dmring_dir dir);
bool dmring_neighbours_send(struct dmring_neighbours *nb, enum dmring_dir dir);

#endif /* _DMRING_NEIGHBOURS_IO_H */
