/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HOSTILE_MEMBER_H
#define HOSTILE_MEMBER_H

#include <stdbool.h>

bool member_join(const char *ring);
void member_leave(void);
bool member_send(const char *text);

/* Reads until this text comes; anything else may be what was smuggled in */
bool member_hears(const char *text);

#endif /* HOSTILE_MEMBER_H */
