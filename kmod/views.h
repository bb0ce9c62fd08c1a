/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From one view to the next, as the ring's thread carries it out.
 */
#ifndef _DMRING_VIEWS_H
#define _DMRING_VIEWS_H

#include "neighbours.h"

/* The thread alone: one step that a coordinator asks for; 0 or an error with a sentence. */
int dmring_views_step(struct dmring_neighbours *nb, const struct dmring_view_ask *ask, char *why);

#endif /* _DMRING_VIEWS_H */
