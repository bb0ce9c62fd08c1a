// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formatted extended-ack messages. An extended ack only points at its text,
 * which must outlive the handler until netlink has copied it a moment later;
 * kernels from 6.2 have 80 bytes for it, too few for our sentences, and older ones none.
 * So the text lives in a pool that is used in turn: it would take WHY_BUFFERS
 * refusals in that moment to mix up two sentences, and nothing worse.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/netlink.h>

#include <linux/dmring.h>
#include "why.h"

#define WHY_BUFFERS	64

static char why_text[WHY_BUFFERS][DMRING_WHY_SIZE];
static atomic_t why_next;

void dmring_extack(struct netlink_ext_ack *extack, const char *fmt, ...)
{
	char *text = why_text[(u32)atomic_inc_return(&why_next) % WHY_BUFFERS];
	va_list args;

	if (!extack)
		return;
	va_start(args, fmt);
	vsnprintf(text, DMRING_WHY_SIZE, fmt, args);
	va_end(args);
	extack->_msg = text;
}
