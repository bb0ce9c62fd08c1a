/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes in a buffer whose end is followed by its beginning; its size is a power of two. */
#ifndef _DMRING_SELFTESTS_WRAP_H
#define _DMRING_SELFTESTS_WRAP_H

#include <string.h>
#include "core.h"

static inline void wrap_write(u8 *buf, u32 size, u64 pos, const u8 *from, u32 len)
{
	u32 at = pos & (size - 1), n = min(len, size - at);

	memcpy(buf + at, from, n);
	memcpy(buf, from + n, len - n);
}

static inline void wrap_read(const u8 *buf, u32 size, u64 pos, u8 *to, u32 len)
{
	u32 at = pos & (size - 1), n = min(len, size - at);

	memcpy(to, buf + at, n);
	memcpy(to + n, buf, len - n);
}

#endif
