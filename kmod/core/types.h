/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one header of the protocol core that knows where it is compiled: into
 * the module, or into a user-space program (unit tests, simulator).
 *
 * Nothing in this directory makes a kernel call, reads a clock, opens a socket
 * or allocates: inputs go in, actions come out, all memory is the caller's.
 */
#ifndef _DMRING_CORE_TYPES_H
#define _DMRING_CORE_TYPES_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/dmring.h>
#include <linux/dmring_netlink.h>
#else
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <linux/dmring.h>
#include <linux/dmring_netlink.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define ALIGN(x, a) ({ typeof(x) _m = (a) - 1; ((x) + _m) & ~_m; })
#define min(a, b) ({ typeof(a) _a = (a); typeof(b) _b = (b); _a < _b ? _a : _b; })
#define max(a, b) ({ typeof(a) _a = (a); typeof(b) _b = (b); _a > _b ? _a : _b; })
#define min_t(t, a, b) ({ t _a = (a), _b = (b); _a < _b ? _a : _b; })
#define max_t(t, a, b) ({ t _a = (a), _b = (b); _a > _b ? _a : _b; })
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define __printf(a, b)
#endif

#define DMRING_NS_PER_MS	1000000ULL

/* Little-endian words at any address: one load or store on most machines. */
static inline void dmring_put16(u8 *p, u16 v)
{
	p[0] = v & 0xff;
	p[1] = v >> 8;
}

static inline void dmring_put32(u8 *p, u32 v)
{
	dmring_put16(p, v & 0xffff);
	dmring_put16(p + 2, v >> 16);
}

static inline void dmring_put64(u8 *p, u64 v)
{
	dmring_put32(p, v & 0xffffffff);
	dmring_put32(p + 4, v >> 32);
}

static inline u16 dmring_get16(const u8 *p)
{
	return p[0] | (u16)(p[1] << 8);
}

static inline u32 dmring_get32(const u8 *p)
{
	return dmring_get16(p) | ((u32)dmring_get16(p + 2) << 16);
}

static inline u64 dmring_get64(const u8 *p)
{
	return dmring_get32(p) | ((u64)dmring_get32(p + 4) << 32);
}

/* The number at or below @end, and less than 2^32 below it, whose low half is @low */
static inline u64 dmring_widen(u64 end, u32 low)
{
	return end - (u32)((u32)end - low);
}

/* Write a sentence into @why (DMRING_WHY_SIZE bytes, or NULL); return @err. */
__printf(3, 4)
static inline int dmring_why(char *why, int err, const char *fmt, ...)
{
	va_list args;

	if (!why)
		return err;
	va_start(args, fmt);
	vsnprintf(why, DMRING_WHY_SIZE, fmt, args);
	va_end(args);
	return err;
}

#endif /* _DMRING_CORE_TYPES_H */
