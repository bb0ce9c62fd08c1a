// SPDX-License-Identifier: GPL-2.0-only
#include "wire.h"

/* Least and greatest length of each type, and how much of it is its head */
static const struct {
	u32 least;
	u32 most;
	u8 flags;
} frames[DMRING_FRAME_TYPES] = {
	[DMRING_FRAME_HELLO] = {
		.least = DMRING_WIRE_HELLO,
		.most = DMRING_WIRE_HELLO_MAX,
	},
	[DMRING_FRAME_REFUSE] = {
		.least = DMRING_WIRE_REFUSE + 1,
		.most = DMRING_WIRE_REFUSE_MAX,
	},
	[DMRING_FRAME_DATA] = {
		.least = DMRING_WIRE_DATA,
		.most = DMRING_WIRE_DATA_MAX + DMRING_MSG_MAX,
		.flags = DMRING_FRAME_IDENT | DMRING_FRAME_BRIEF,
	},
	[DMRING_FRAME_MARKS] = {
		.least = DMRING_WIRE_MARKS,
		.most = DMRING_WIRE_MARKS_MAX,
	},
	[DMRING_FRAME_BEAT] = {
		.least = DMRING_WIRE_BEAT,
		.most = DMRING_WIRE_BEAT,
	},
	[DMRING_FRAME_ORDER] = {
		.least = DMRING_WIRE_ORDER + DMRING_WIRE_RUN,
		.most = DMRING_WIRE_ORDER_MAX,
	},
};

static void put_hdr(u8 *buf, u32 len, u8 type, u8 flags)
{
	dmring_put32(buf, len);
	buf[4] = type;
	buf[5] = flags;
	dmring_put16(buf + 6, 0);
}

static void split_data(struct dmring_frame *f)
{
	f->head = DMRING_WIRE_DATA;
	if (f->flags & DMRING_FRAME_IDENT)
		f->head += DMRING_WIRE_IDENT;
	f->body = f->len > f->head ? f->len - f->head : 0;
}

int dmring_wire_frame(const u8 *buf, struct dmring_frame *f, char *why)
{
	f->len = dmring_get32(buf);
	f->type = buf[4];
	f->flags = buf[5];
	if (!f->type || f->type >= DMRING_FRAME_TYPES)
		return dmring_why(why, -EPROTO, "a frame of unknown type %u", f->type);
	if (f->flags & ~frames[f->type].flags || dmring_get16(buf + 6))
		return dmring_why(why, -EPROTO, "a frame of type %u has unknown flags",
				  f->type);
	f->head = f->len;
	f->body = 0;
	if (f->type == DMRING_FRAME_DATA)
		split_data(f);
	if (f->len < max(f->head, frames[f->type].least) || f->len > frames[f->type].most ||
	    f->body > DMRING_MSG_MAX)
		return dmring_why(why, -EPROTO, "a frame of type %u has %u bytes",
				  f->type, f->len);
	return 0;
}

/* HELLO */

static void put_hello_host(u8 *p, const struct dmring_hello_host *h)
{
	dmring_put32(p, h->node);
	dmring_put32(p + 4, 0);
	dmring_put64(p + 8, h->inc);
	dmring_put64(p + 16, h->have);
}

u32 dmring_wire_put_hello(u8 *buf, const struct dmring_hello *h)
{
	u32 len = DMRING_WIRE_HELLO + h->count * DMRING_WIRE_HELLO_HOST;
	u16 i;

	put_hdr(buf, len, DMRING_FRAME_HELLO, 0);
	dmring_put32(buf + 8, DMRING_WIRE_MAGIC);
	dmring_put16(buf + 12, DMRING_WIRE_VERSION);
	dmring_put16(buf + 14, h->count);
	memcpy(buf + 16, h->name, DMRING_NAME_SIZE);
	dmring_put32(buf + 48, h->node);
	dmring_put32(buf + 52, h->view);
	dmring_put64(buf + 56, h->inc);
	buf[64] = h->order;
	buf[65] = h->identify;
	dmring_put16(buf + 66, 0);
	dmring_put32(buf + 68, h->dead_ms);
	dmring_put32(buf + 72, h->log);
	dmring_put32(buf + 76, h->rec);
	dmring_put64(buf + 80, h->ordered);
	dmring_put32(buf + 88, h->attempt);
	dmring_put32(buf + 92, 0);
	for (i = 0; i < h->count; i++)
		put_hello_host(buf + DMRING_WIRE_HELLO + i * DMRING_WIRE_HELLO_HOST,
			       &h->hosts[i]);
	return len;
}

/* A name is 1 to 31 printable bytes, filled up with NUL. */
static bool name_ok(const char *name)
{
	u32 len = strnlen(name, DMRING_NAME_SIZE);
	u32 i;

	if (!len || len == DMRING_NAME_SIZE)
		return false;
	for (i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '/')
			return false;
	for (; i < DMRING_NAME_SIZE; i++)
		if (name[i])
			return false;
	return true;
}

static int get_hello_hosts(const u8 *p, struct dmring_hello *h, char *why)
{
	u16 i, self = DMRING_HOSTS_MAX;

	for (i = 0; i < h->count; i++, p += DMRING_WIRE_HELLO_HOST) {
		h->hosts[i].node = dmring_get32(p);
		h->hosts[i].inc = dmring_get64(p + 8);
		h->hosts[i].have = dmring_get64(p + 16);
		if (!h->hosts[i].node || dmring_get32(p + 4) ||
		    (i && h->hosts[i].node <= h->hosts[i - 1].node))
			return dmring_why(why, -EPROTO, "entry %u of its host list is wrong", i);
		if (h->hosts[i].node == h->node)
			self = i;
	}
	if (self == DMRING_HOSTS_MAX || h->hosts[self].inc != h->inc)
		return dmring_why(why, -EPROTO, "its host list lacks itself");
	return 0;
}

/* Magic and version come first, so that any other version can be named. */
static int get_hello_version(const u8 *buf, u32 len, char *why)
{
	if (len < DMRING_WIRE_HELLO || dmring_get32(buf + 8) != DMRING_WIRE_MAGIC)
		return dmring_why(why, -EPROTO, "this is not a dmring host");
	if (dmring_get16(buf + 12) != DMRING_WIRE_VERSION)
		return dmring_why(why, -EPROTONOSUPPORT,
				  "it speaks version %u of the protocol, we speak %u",
				  dmring_get16(buf + 12), DMRING_WIRE_VERSION);
	return 0;
}

static void get_hello_words(const u8 *buf, struct dmring_hello *h)
{
	h->count = dmring_get16(buf + 14);
	memcpy(h->name, buf + 16, DMRING_NAME_SIZE);
	h->node = dmring_get32(buf + 48);
	h->view = dmring_get32(buf + 52);
	h->inc = dmring_get64(buf + 56);
	h->order = buf[64];
	h->identify = buf[65] & 1;
	h->dead_ms = dmring_get32(buf + 68);
	h->log = dmring_get32(buf + 72);
	h->rec = dmring_get32(buf + 76);
	h->ordered = dmring_get64(buf + 80);
	h->attempt = dmring_get32(buf + 88);
}

int dmring_wire_get_hello(const u8 *buf, u32 len, struct dmring_hello *h, char *why)
{
	int err = get_hello_version(buf, len, why);

	if (err)
		return err;
	get_hello_words(buf, h);
	if (h->count < 1 || h->count > DMRING_HOSTS_MAX ||
	    len != DMRING_WIRE_HELLO + h->count * DMRING_WIRE_HELLO_HOST)
		return dmring_why(why, -EPROTO, "its greeting has %u bytes for %u hosts",
				  len, h->count);
	if (buf[65] > 1 || dmring_get16(buf + 66) || dmring_get32(buf + 92))
		return dmring_why(why, -EPROTO, "its greeting has unknown flags");
	if (!name_ok(h->name))
		return dmring_why(why, -EPROTO, "its greeting names no ring");
	if (!h->inc)
		return dmring_why(why, -EPROTO, "its greeting names no incarnation");
	return get_hello_hosts(buf + DMRING_WIRE_HELLO, h, why);
}

/* REFUSE */

u32 dmring_wire_put_refuse(u8 *buf, int err, const char *text)
{
	u32 n = strnlen(text, DMRING_WHY_SIZE - 1);

	if (!n) {
		text = "refused";
		n = 7;
	}
	put_hdr(buf, DMRING_WIRE_REFUSE + n, DMRING_FRAME_REFUSE, 0);
	dmring_put32(buf + 8, -err);
	memcpy(buf + DMRING_WIRE_REFUSE, text, n);
	return DMRING_WIRE_REFUSE + n;
}

int dmring_wire_get_refuse(const u8 *buf, u32 len, int *err, char *text, char *why)
{
	u32 i, n = len - DMRING_WIRE_REFUSE;
	u32 code;

	if (len <= DMRING_WIRE_REFUSE || len > DMRING_WIRE_REFUSE_MAX)
		return dmring_why(why, -EPROTO, "its refusal has %u bytes", len);
	code = dmring_get32(buf + 8);
	if (!code || code > 4095)
		return dmring_why(why, -EPROTO, "its refusal has no errno");
	*err = -(int)code;
	for (i = 0; i < n; i++) {
		text[i] = buf[DMRING_WIRE_REFUSE + i];
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
	}
	text[n] = '\0';
	return 0;
}

/* DATA */

static void put_ident(u8 *p, const struct dmring_ident *id)
{
	dmring_put32(p, id->pid);
	dmring_put32(p + 4, id->uid);
	dmring_put32(p + 8, id->gid);
	dmring_put32(p + 12, id->node);
}

static void get_ident(const u8 *p, struct dmring_ident *id)
{
	id->pid = dmring_get32(p);
	id->uid = dmring_get32(p + 4);
	id->gid = dmring_get32(p + 8);
	id->node = dmring_get32(p + 12);
}

u32 dmring_wire_put_data(u8 *buf, const struct dmring_data *d)
{
	bool ident = d->flags & DMRING_REC_IDENT;
	u32 head = ident ? DMRING_WIRE_DATA_MAX : DMRING_WIRE_DATA;

	put_hdr(buf, head + dmring_data_body(d), DMRING_FRAME_DATA,
		(ident ? DMRING_FRAME_IDENT : 0) | (d->brief ? DMRING_FRAME_BRIEF : 0));
	dmring_put32(buf + 8, d->node);
	dmring_put32(buf + 12, d->view);
	dmring_put64(buf + 16, d->inc);
	dmring_put64(buf + 24, d->seq);
	dmring_put32(buf + 32, d->len);
	dmring_put16(buf + 36, d->type);
	dmring_put16(buf + 38, d->flags);
	if (ident)
		put_ident(buf + DMRING_WIRE_DATA, &d->ident);
	return head;
}

static void get_data_words(const u8 *buf, struct dmring_data *d)
{
	memset(d, 0, sizeof(*d));
	d->node = dmring_get32(buf + 8);
	d->view = dmring_get32(buf + 12);
	d->inc = dmring_get64(buf + 16);
	d->seq = dmring_get64(buf + 24);
	d->len = dmring_get32(buf + 32);
	d->type = dmring_get16(buf + 36);
	d->flags = dmring_get16(buf + 38);
}

/* Is there as much behind it as it says? And if less: is that a parcel, and less indeed? */
static bool body_fits(const struct dmring_data *d, u32 body)
{
	if (body != dmring_data_body(d))
		return false;
	return !d->brief || (d->type == DMRING_REC_PARCEL && d->len > body);
}

int dmring_wire_get_data(const u8 *buf, u32 len, struct dmring_data *d, char *why)
{
	struct dmring_frame f;
	u16 flags;
	int err = dmring_wire_frame(buf, &f, why);

	if (err)
		return err;
	if (f.type != DMRING_FRAME_DATA || len != f.head)
		return dmring_why(why, -EPROTO, "a data header has %u bytes", len);
	get_data_words(buf, d);
	flags = f.flags & DMRING_FRAME_IDENT ? DMRING_REC_IDENT : 0;
	d->brief = f.flags & DMRING_FRAME_BRIEF;
	if (!body_fits(d, f.body) || d->flags != flags ||
	    (d->type != DMRING_REC_DATA && d->type != DMRING_REC_EVENT &&
	     d->type != DMRING_REC_PARCEL))
		return dmring_why(why, -EPROTO, "a data header contradicts itself");
	if (d->type == DMRING_REC_EVENT && d->len != DMRING_WIRE_EV)
		return dmring_why(why, -EPROTO, "an event of %u bytes", d->len);
	if (!d->inc || !d->seq)
		return dmring_why(why, -EPROTO, "a data header lacks incarnation or sequence");
	if (flags)
		get_ident(buf + DMRING_WIRE_DATA, &d->ident);
	if (flags && d->ident.node != d->node)
		return dmring_why(why, -EPROTO, "a data header names two origins");
	return 0;
}

u32 dmring_wire_put_ev(u8 *buf, const struct dmring_ev *ev)
{
	dmring_put16(buf, ev->what);
	dmring_put16(buf + 2, ev->reason);
	dmring_put32(buf + 4, ev->node);
	dmring_put64(buf + 8, ev->arg);
	dmring_put64(buf + 16, ev->arg2);
	return DMRING_WIRE_EV;
}

void dmring_wire_get_ev(const u8 *buf, struct dmring_ev *ev)
{
	ev->what = dmring_get16(buf);
	ev->reason = dmring_get16(buf + 2);
	ev->node = dmring_get32(buf + 4);
	ev->arg = dmring_get64(buf + 8);
	ev->arg2 = dmring_get64(buf + 16);
}

/* MARKS */

void dmring_wire_put_marks(u8 *buf, u64 ordered, u16 count)
{
	put_hdr(buf, DMRING_WIRE_MARKS + count * DMRING_WIRE_MARK, DMRING_FRAME_MARKS, 0);
	dmring_put16(buf + 8, count);
	memset(buf + 10, 0, 6);
	dmring_put64(buf + 16, ordered);
}

void dmring_wire_put_mark(u8 *buf, u16 i, const struct dmring_mark *m)
{
	u8 *p = buf + DMRING_WIRE_MARKS + i * DMRING_WIRE_MARK;

	dmring_put32(p, m->node);
	dmring_put32(p + 4, 0);
	dmring_put64(p + 8, m->stable);
	dmring_put64(p + 16, m->released);
	dmring_put64(p + 24, m->want);
}

int dmring_wire_get_marks(const u8 *buf, u32 len, u64 *ordered, u16 *count, char *why)
{
	const u8 *p = buf + DMRING_WIRE_MARKS;
	u16 i;

	*count = len < DMRING_WIRE_MARKS ? 0 : dmring_get16(buf + 8);
	if (len < DMRING_WIRE_MARKS || *count > DMRING_HOSTS_MAX ||
	    len != DMRING_WIRE_MARKS + *count * DMRING_WIRE_MARK)
		return dmring_why(why, -EPROTO, "%u marks in %u bytes", *count, len);
	*ordered = dmring_get64(buf + 16);
	if (!*count && !*ordered)
		return dmring_why(why, -EPROTO, "marks of nothing");
	if (dmring_get16(buf + 10) || dmring_get32(buf + 12))
		return dmring_why(why, -EPROTO, "marks have unknown flags");
	for (i = 0; i < *count; i++, p += DMRING_WIRE_MARK)
		if (!dmring_get32(p) || dmring_get32(p + 4) ||
		    (i && dmring_get32(p) <= dmring_get32(p - DMRING_WIRE_MARK)))
			return dmring_why(why, -EPROTO, "mark %u is wrong", i);
	return 0;
}

void dmring_wire_get_mark(const u8 *buf, u16 i, struct dmring_mark *m)
{
	const u8 *p = buf + DMRING_WIRE_MARKS + i * DMRING_WIRE_MARK;

	m->node = dmring_get32(p);
	m->stable = dmring_get64(p + 8);
	m->released = dmring_get64(p + 16);
	m->want = dmring_get64(p + 24);
}

/* ORDER */

u32 dmring_wire_put_order(u8 *buf, const struct dmring_order_frame *f)
{
	u32 len = DMRING_WIRE_ORDER + f->count * DMRING_WIRE_RUN;
	u8 *p = buf + DMRING_WIRE_ORDER;
	u16 i;

	put_hdr(buf, len, DMRING_FRAME_ORDER, 0);
	dmring_put16(buf + 8, f->count);
	dmring_put16(buf + 10, 0);
	dmring_put32(buf + 12, f->view);
	dmring_put64(buf + 16, f->inc);
	dmring_put64(buf + 24, f->from);
	for (i = 0; i < f->count; i++, p += DMRING_WIRE_RUN) {
		dmring_put32(p, f->run[i].node);
		dmring_put32(p + 4, f->run[i].count);
	}
	return len;
}

int dmring_wire_get_order(const u8 *buf, u32 len, struct dmring_order_frame *f, char *why)
{
	const u8 *p = buf + DMRING_WIRE_ORDER;
	u64 messages = 0;
	u16 i;

	f->count = len < DMRING_WIRE_ORDER ? 0 : dmring_get16(buf + 8);
	if (f->count < 1 || f->count > DMRING_ORDER_RUNS ||
	    len != DMRING_WIRE_ORDER + f->count * DMRING_WIRE_RUN)
		return dmring_why(why, -EPROTO, "an order of %u runs in %u bytes", f->count,
				  len);
	f->view = dmring_get32(buf + 12);
	f->inc = dmring_get64(buf + 16);
	f->from = dmring_get64(buf + 24);
	if (dmring_get16(buf + 10) || !f->inc)
		return dmring_why(why, -EPROTO, "an order has unknown flags or no incarnation");
	for (i = 0; i < f->count; i++, p += DMRING_WIRE_RUN) {
		f->run[i].node = dmring_get32(p);
		f->run[i].count = dmring_get32(p + 4);
		if (!f->run[i].node || !f->run[i].count)
			return dmring_why(why, -EPROTO, "run %u of an order is wrong", i);
		messages += f->run[i].count;
	}
	if (messages > DMRING_ORDER_MESSAGES)
		return dmring_why(why, -EPROTO, "an order of %llu messages at once",
				  messages);
	return 0;
}

/* BEAT */

u32 dmring_wire_put_beat(u8 *buf, const struct dmring_beat *b)
{
	put_hdr(buf, DMRING_WIRE_BEAT, DMRING_FRAME_BEAT, 0);
	dmring_put16(buf + 8, b->chain);
	dmring_put16(buf + 10, b->final);
	dmring_put32(buf + 12, b->log);
	dmring_put32(buf + 16, b->rec);
	dmring_put32(buf + 20, 0);
	return DMRING_WIRE_BEAT;
}

int dmring_wire_get_beat(const u8 *buf, u32 len, struct dmring_beat *b, char *why)
{
	if (len != DMRING_WIRE_BEAT)
		return dmring_why(why, -EPROTO, "a heartbeat has %u bytes", len);
	b->chain = dmring_get16(buf + 8);
	b->final = dmring_get16(buf + 10) & 1;
	b->log = dmring_get32(buf + 12);
	b->rec = dmring_get32(buf + 16);
	if (b->chain > DMRING_HOSTS_MAX || dmring_get16(buf + 10) > 1 || dmring_get32(buf + 20))
		return dmring_why(why, -EPROTO, "a heartbeat has unknown flags");
	return 0;
}
