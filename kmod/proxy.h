/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring's thread: it works for the proxy.
 */
#ifndef _DMRING_PROXY_H
#define _DMRING_PROXY_H

#include "group.h"

extern const struct dmring_group_ops dmring_proxy_ops;

#endif /* _DMRING_PROXY_H */
