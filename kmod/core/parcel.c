// SPDX-License-Identifier: GPL-2.0-only
#include "parcel.h"

static bool is_text(const char *text, u32 size)
{
	u32 i, len = strnlen(text, size);

	if (len == size)
		return false;
	for (i = 0; i < len; i++)
		if ((u8)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	for (; i < size; i++)
		if (text[i])
			return false;
	return true;
}

bool dmring_status_text_ok(const char *text)
{
	return is_text(text, DMRING_STATUS_SIZE);
}

bool dmring_service_name_ok(const char *name)
{
	return name[0] && is_text(name, DMRING_NAME_SIZE);
}

u32 dmring_parcel_put(u8 *buf, const struct dmring_parcel *p)
{
	buf[0] = p->kind;
	buf[1] = p->flags;
	dmring_put16(buf + 2, p->error);
	dmring_put32(buf + 4, p->dest);
	dmring_put32(buf + 8, p->from);
	dmring_put32(buf + 12, p->member);
	dmring_put64(buf + 16, p->no);
	dmring_put64(buf + 24, p->arg);
	memcpy(buf + 32, p->name, DMRING_NAME_SIZE);
	return DMRING_WIRE_PARCEL;
}

static void get_words(const u8 *buf, struct dmring_parcel *p)
{
	p->kind = buf[0];
	p->flags = buf[1];
	p->error = dmring_get16(buf + 2);
	p->dest = dmring_get32(buf + 4);
	p->from = dmring_get32(buf + 8);
	p->member = dmring_get32(buf + 12);
	p->no = dmring_get64(buf + 16);
	p->arg = dmring_get64(buf + 24);
	memcpy(p->name, buf + 32, DMRING_NAME_SIZE);
}

static bool request_ok(const struct dmring_parcel *p, u32 len)
{
	bool each = p->flags & DMRING_REQUEST_EACH;

	return dmring_service_name_ok(p->name) && !(p->flags & ~DMRING_REQUEST_FLAGS) &&
	       each == !p->dest && each == !p->no && each == !!p->member && !p->error &&
	       len <= DMRING_DIRECT_MAX;
}

static bool reply_ok(const struct dmring_parcel *p, u32 len)
{
	/* a part is the server's, and no end */
	if (p->flags & DMRING_REPLY_MORE &&
	    (p->error || p->flags != DMRING_REPLY_MORE || p->member))
		return false;
	return !p->name[0] && p->dest && !p->no == !!p->member &&
	       p->error < 4096 && len <= DMRING_DIRECT_MAX &&
	       !(p->flags & ~(DMRING_REPLY_MORE | DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN));
}

static bool offer_ok(const struct dmring_parcel *p, u32 len)
{
	return dmring_service_name_ok(p->name) && !p->flags && !p->error && !p->dest &&
	       !p->no && p->arg <= ~0U && p->member <= DMRING_SLOTS_MAX && !len;
}

static bool status_ok(const struct dmring_parcel *p, const u8 *text, u32 len)
{
	if (p->name[0] || p->error || p->dest || p->no || p->member >= DMRING_SLOTS_MAX)
		return false;
	if (p->flags)
		return p->flags == DMRING_STATUS_GONE && !p->arg && !len;
	return len == DMRING_STATUS_SIZE && dmring_status_text_ok((const char *)text);
}

int dmring_parcel_get_head(const u8 *buf, struct dmring_parcel *p)
{
	get_words(buf, p);
	return p->kind && p->kind < DMRING_PARCEL_KINDS ? 0 : -EPROTO;
}

int dmring_parcel_get(const u8 *buf, u32 len, struct dmring_parcel *p, char *why)
{
	bool ok = false;

	if (len < DMRING_WIRE_PARCEL)
		return dmring_why(why, -EPROTO, "a parcel of %u bytes", len);
	get_words(buf, p);
	len -= DMRING_WIRE_PARCEL;
	if (p->kind == DMRING_PARCEL_REQUEST)
		ok = request_ok(p, len);
	else if (p->kind == DMRING_PARCEL_REPLY)
		ok = reply_ok(p, len);
	else if (p->kind == DMRING_PARCEL_OFFER)
		ok = offer_ok(p, len);
	else if (p->kind == DMRING_PARCEL_STATUS)
		ok = status_ok(p, buf + DMRING_WIRE_PARCEL, len);
	if (!ok)
		return dmring_why(why, -EPROTO, "a parcel of kind %u makes no sense", p->kind);
	return 0;
}
