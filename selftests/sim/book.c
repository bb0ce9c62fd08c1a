// SPDX-License-Identifier: GPL-2.0-only
/*
 * How did each request end, and was that right? The book knows what members do and see, who
 * dies, and which hosts a view leaves out; and nothing of the rules (kmod/core/exchange.h).
 *
 *	each ends once; a reply is that of the one it was handed to, whole and in order
 *	EOWNERDEAD	only if that one is dead, and had not replied
 *	EHOSTDOWN	only if a view came without its host, or its own host had lost messages
 *	ETIMEDOUT	only after the deadline
 *	ENOBUFS		only if a reply came and there was no room for it
 *	others		only if the host it came to said so
 *
 * and what one member sends comes to each host in the order in which it was sent (I1).
 */
#include "sim.h"

void book_clear(struct book *b)
{
	b->persons = 0;
	b->calls = 0;
}

u32 book_person(struct world *w, u16 host)
{
	struct book *b = w->book;

	if (b->persons + 1 == SIM_PERSONS)
		return 0;
	b->person[++b->persons] = (struct person){ .host = host };
	return b->persons;
}

u64 book_call(struct world *w, u32 client, u8 flags, u64 deadline)
{
	struct book *b = w->book;

	if (b->calls + 1 == SIM_CALLS)
		return 0;
	b->entry[++b->calls] = (struct entry){
		.client = client, .flags = flags, .deadline = deadline,
	};
	return b->calls;
}

struct entry *book_entry(struct world *w, u64 call)
{
	static struct entry nobodys;

	if (call && call <= w->book->calls)
		return &w->book->entry[call];
	sim_fail(w, "a call that nobody made", 0, "");
	return &nobodys;
}

static void end(struct world *w, struct entry *e)
{
	if (e->ended)
		sim_fail(w, "a request ends twice", w->book->person[e->client].host + 1, "");
	e->ended = true;
}

void book_handed(struct host *h, const struct load *load, u32 person, bool moved)
{
	struct entry *e = book_entry(h->w, load->call);

	if (!moved) {
		if (e->reached && !(e->flags & DMRING_REQUEST_EACH))
			sim_fail(h->w, "a request is carried out twice", h->no + 1, "");
	} else if (!(e->flags & DMRING_REQUEST_IDEMPOTENT) || e->parts) {
		sim_fail(h->w, "another server gets what it must not", h->no + 1, "");
	}
	e->reached = true;
	e->holder = person;
	e->views = h->calls.views;
	if (!moved && !(e->flags & DMRING_REQUEST_EACH))
		book_heard(h, load->person, load->number);
}

void book_refused(struct world *w, u64 call, u32 error)
{
	book_entry(w, call)->refused = error;
}

void book_replied(struct host *h, u64 call, const struct load *load, u32 flags)
{
	struct entry *e = book_entry(h->w, call);

	if (load->call != call)
		sim_fail(h->w, "the reply to another request", h->no + 1, "");
	else if (load->person != e->holder)
		sim_fail(h->w, "a reply of one who does not have it", h->no + 1, "");
	else if (load->part != e->parts++)
		sim_fail(h->w, "a part of a reply is lost or doubled", h->no + 1, "");
	else if (e->ended || e->known)
		sim_fail(h->w, "a reply after the end", h->no + 1, "");
	book_heard(h, load->person, load->number);
	if (flags & DMRING_REPLY_MORE)
		return;
	end(h->w, e);
	h->w->replies++;
}

/* With what outcome may it have ended so? */
static bool may_end(const struct host *h, const struct entry *e, u32 error, u32 *outcome)
{
	const struct world *w = h->w;

	*outcome = DMRING_REPLY_RING | DMRING_REPLY_UNKNOWN;
	switch (error) {
	case EOWNERDEAD:
		return e->holder && w->book->person[e->holder].gone && !e->answered;
	case EHOSTDOWN:
		return e->dest && (h->calls.lossy || h->calls.lost[e->dest - 1]);
	case ETIMEDOUT:
		return e->deadline && w->now >= e->deadline;
	case ENOBUFS:
		return e->clogged;
	case EMSGSIZE:
		if (e->too_large)
			return true;
		break;
	case 0:
		*outcome = 0;
		return e->flags & DMRING_REQUEST_ONE_WAY && e->reached;
	}
	*outcome = DMRING_REPLY_RING;
	return e->refused == error && !e->reached;
}

static void judge(const struct host *h, const struct entry *e, u32 error, u32 flags)
{
	u32 outcome;
	char text[32];

	snprintf(text, sizeof(text), "error %u, flags %x", error, flags);
	if (e->ended || e->known)
		sim_fail(h->w, "a request ends twice", h->no + 1, text);
	else if (!may_end(h, e, error, &outcome))
		sim_fail(h->w, "a request ends without reason", h->no + 1, text);
	else if (outcome != flags)
		sim_fail(h->w, "another outcome is told", h->no + 1, text);
}

void book_told(struct host *h, u64 call, u32 error, u32 flags, bool now)
{
	struct entry *e = book_entry(h->w, call);

	if (!now || !e->known)
		judge(h, e, error, flags);
	else if (e->error != error || e->end != flags)
		sim_fail(h->w, "another end than before", h->no + 1, "");
	e->known = true;
	e->error = error;
	e->end = flags;
	if (!now)
		return;
	end(h->w, e);
	h->w->ends++;
}

void book_stale(struct host *h, u64 call, u32 person)
{
	const struct world *w = h->w;
	const struct entry *e = book_entry(h->w, call);

	/* its client's host may not be in a view that has come meanwhile */
	if (e->holder == person && e->views == h->calls.views && !e->ended && !e->known &&
	    !w->book->person[e->client].gone && !(e->deadline && w->now >= e->deadline))
		sim_fail(h->w, "a reply is refused that is waited for", h->no + 1, "");
}

void book_failed(struct world *w, u64 call)
{
	struct entry *e = book_entry(w, call);

	if (e->reached || e->known)
		sim_fail(w, "begun, and failed before", w->book->person[e->client].host + 1, "");
	end(w, e);
}

void book_missed(struct host *h, u64 call, u32 person, u32 from)
{
	struct entry *e = book_entry(h->w, call);

	if (e->client != person || !(e->flags & DMRING_REQUEST_EACH) ||
	    !(e->missed & 1U << (from - 1)))
		sim_fail(h->w, "told of what was not missed", h->no + 1, "");
	e->missed &= ~(1U << (from - 1));
}

/*
 * @h has crashed, or a view parts it from others: it may tell nobody there what it missed, and
 * be told nothing by them.
 */
void book_parted(const struct host *h, bool crashed)
{
	struct book *b = h->w->book;
	u32 i, lost = 0;

	for (i = 0; i < SIM_HOSTS; i++)
		lost |= crashed || h->calls.lossy || h->calls.lost[i] ? 1U << i : 0;
	for (i = 1; i <= b->calls; i++) {
		struct entry *e = &b->entry[i];
		u16 at = b->person[e->client].host;

		if (lost & 1U << at)
			e->parted |= 1U << h->no;
		if (at == h->no)
			e->parted |= lost;
	}
}

void book_heard(struct host *h, u32 person, u64 number)
{
	if (number <= h->calls.heard[person] && number)
		sim_fail(h->w, "overtaken by what was sent later", h->no + 1, "");
	h->calls.heard[person] = number;
}

bool book_closed(const struct world *w)
{
	const struct book *b = w->book;
	u32 i;

	for (i = 1; i <= b->calls; i++)
		if ((!b->entry[i].ended || b->entry[i].missed & ~b->entry[i].parted) &&
		    !b->person[b->entry[i].client].gone)
			return false;
	return true;
}
