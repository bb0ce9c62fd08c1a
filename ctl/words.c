// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading words: keys by a table, values by kind
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <math.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "words.h"

static void complain(const struct words *w, const char *fmt, va_list args)
{
	fprintf(stderr, "ringctl: %s", w->where);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

int words_usage(const struct words *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(w, fmt, args);
	va_end(args);
	return CTL_USAGE;
}

const char *words_next(struct words *w)
{
	if (!w->argc)
		return NULL;
	w->argc--;
	return *w->argv++;
}

int words_need(struct words *w, const char **to, const char *fmt, ...)
{
	va_list args;

	*to = words_next(w);
	if (*to)
		return CTL_OK;
	va_start(args, fmt);
	complain(w, fmt, args);
	va_end(args);
	return CTL_USAGE;
}

int words_ring(struct words *w, const char **to)
{
	return words_need(w, to, "the name of a ring is missing");
}

int words_end(struct words *w)
{
	if (!w->argc)
		return CTL_OK;
	return words_usage(w, "unknown word \"%s\"", w->argv[0]);
}

int words_last(struct words *w, const char **to)
{
	*to = words_next(w);
	return words_end(w);
}

static int take_one(struct words *w, const struct word *table, const char *name, void *to)
{
	const struct word *d;
	__u64 bit = 1;

	for (d = table; d->name; d++, bit <<= 1) {
		if (strcmp(d->name, name))
			continue;
		if (w->seen & bit)
			return words_usage(w, "\"%s\" is given twice", name);
		w->seen |= bit;
		return d->take(w, d, to);
	}
	return words_usage(w, "unknown word \"%s\"", name);
}

static int check_required(struct words *w, const struct word *table)
{
	const struct word *d;
	__u64 bit = 1;

	for (d = table; d->name; d++, bit <<= 1)
		if (d->required && !(w->seen & bit))
			return words_usage(w, "\"%s\" is missing", d->name);
	return CTL_OK;
}

int words_take(struct words *w, const struct word *table, void *to)
{
	const char *name;
	int status;

	w->seen = 0;
	w->bits = 0;
	while ((name = words_next(w))) {
		status = take_one(w, table, name, to);
		if (status)
			return status;
	}
	return check_required(w, table);
}

static int need_value(struct words *w, const struct word *d, const char **to)
{
	return words_need(w, to, "\"%s\" needs a value", d->name);
}

/* Digits only: no sign, no blank, nothing behind but what @end shows */
static bool digits(const char *text, int base, __u64 max, __u64 *to, char **end)
{
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*to = strtoull(text, end, base);
	return !errno && *to <= max;
}

static int read_number(struct words *w, const struct word *d, int base, __u64 max, __u64 *to)
{
	const char *text;
	char *end;

	if (need_value(w, d, &text))
		return CTL_USAGE;
	if (!digits(text, base, max, to, &end) || *end)
		return words_usage(w, "\"%s\": bad number \"%s\"", d->name, text);
	return CTL_OK;
}

static int suffix_shift(const char *end)
{
	static const char letters[] = "kKmMgG";
	const char *at;

	if (!*end)
		return 0;
	at = strchr(letters, *end);
	return at && !end[1] ? 10 * (int)((at - letters) / 2 + 1) : -1;
}

static int read_bytes(struct words *w, const struct word *d, __u64 max, __u64 *to)
{
	const char *text;
	int shift = -1;
	char *end;

	if (need_value(w, d, &text))
		return CTL_USAGE;
	if (digits(text, 10, max, to, &end))
		shift = suffix_shift(end);
	if (shift < 0 || *to > max >> shift)
		return words_usage(w, "\"%s\": bad number of bytes \"%s\"", d->name, text);
	*to <<= shift;
	return CTL_OK;
}

int words_put_u32(struct words *w, const struct word *d, void *to)
{
	__u64 n;

	if (read_number(w, d, 10, UINT32_MAX, &n))
		return CTL_USAGE;
	mnl_attr_put_u32(to, d->at, n);
	return CTL_OK;
}

int words_put_u64(struct words *w, const struct word *d, void *to)
{
	__u64 n;

	if (read_number(w, d, 10, UINT64_MAX, &n))
		return CTL_USAGE;
	mnl_attr_put_u64(to, d->at, n);
	return CTL_OK;
}

int words_put_flag(struct words *w, const struct word *d, void *to)
{
	(void)w;
	mnl_attr_put(to, d->at, 0, NULL);
	return CTL_OK;
}

int words_put_octal(struct words *w, const struct word *d, void *to)
{
	__u64 n;

	if (read_number(w, d, 8, UINT32_MAX, &n))
		return CTL_USAGE;
	mnl_attr_put_u32(to, d->at, n);
	return CTL_OK;
}

int words_put_bytes32(struct words *w, const struct word *d, void *to)
{
	__u64 n;

	if (read_bytes(w, d, UINT32_MAX, &n))
		return CTL_USAGE;
	mnl_attr_put_u32(to, d->at, n);
	return CTL_OK;
}

int words_put_bytes64(struct words *w, const struct word *d, void *to)
{
	__u64 n;

	if (read_bytes(w, d, UINT64_MAX, &n))
		return CTL_USAGE;
	mnl_attr_put_u64(to, d->at, n);
	return CTL_OK;
}

int words_put_enum(struct words *w, const struct word *d, void *to)
{
	const char *text;
	__u8 i;

	if (need_value(w, d, &text))
		return CTL_USAGE;
	for (i = 0; d->names[i]; i++) {
		if (!strcmp(d->names[i], text)) {
			mnl_attr_put_u8(to, d->at, i);
			return CTL_OK;
		}
	}
	return words_usage(w, "\"%s\": unknown word \"%s\"", d->name, text);
}

static bool parse_port(const char *text, in_port_t *to)
{
	__u64 port;
	char *end;

	if (!digits(text, 10, UINT16_MAX, &port, &end) || *end || !port)
		return false;
	*to = htons(port);
	return true;
}

static bool parse_v4(const char *host, in_port_t port, struct sockaddr_in *to)
{
	to->sin_family = AF_INET;
	to->sin_port = port;
	return inet_pton(AF_INET, host, &to->sin_addr) == 1;
}

/* "[ADDR]" or "[ADDR%INTERFACE]"; @host is changed */
static bool parse_v6(char *host, in_port_t port, struct sockaddr_in6 *to)
{
	size_t len = strlen(host);
	char *zone;

	if (len < 2 || host[0] != '[' || host[len - 1] != ']')
		return false;
	host[len - 1] = '\0';
	zone = strchr(host, '%');
	if (zone) {
		*zone++ = '\0';
		to->sin6_scope_id = if_nametoindex(zone);
		if (!to->sin6_scope_id)
			return false;
	}
	to->sin6_family = AF_INET6;
	to->sin6_port = port;
	return inet_pton(AF_INET6, host + 1, &to->sin6_addr) == 1;
}

/* Puts an address and port into the message; false if it is none. */
static bool put_addr(struct nlmsghdr *nlh, __u16 attr, const char *text)
{
	struct sockaddr_in6 v6 = { 0 };
	struct sockaddr_in v4 = { 0 };
	char host[64];
	const char *colon = strrchr(text, ':');
	in_port_t port;

	if (!colon || (size_t)(colon - text) >= sizeof(host) || !parse_port(colon + 1, &port))
		return false;
	memcpy(host, text, colon - text);
	host[colon - text] = '\0';
	if (parse_v4(host, port, &v4))
		mnl_attr_put(nlh, attr, sizeof(v4), &v4);
	else if (parse_v6(host, port, &v6))
		mnl_attr_put(nlh, attr, sizeof(v6), &v6);
	else
		return false;
	return true;
}

int words_put_addr(struct words *w, const struct word *d, void *to)
{
	const char *text;

	if (need_value(w, d, &text))
		return CTL_USAGE;
	if (!put_addr(to, d->at, text))
		return words_usage(w, "\"%s\": bad address \"%s\", write ADDR:PORT or [ADDR]:PORT",
				   d->name, text);
	return CTL_OK;
}

int words_put_user(struct words *w, const struct word *d, void *to)
{
	struct passwd *user = w->argc ? getpwnam(w->argv[0]) : NULL;

	if (!user)
		return words_put_u32(w, d, to);
	words_next(w);
	mnl_attr_put_u32(to, d->at, user->pw_uid);
	return CTL_OK;
}

int words_put_group(struct words *w, const struct word *d, void *to)
{
	struct group *group = w->argc ? getgrnam(w->argv[0]) : NULL;

	if (!group)
		return words_put_u32(w, d, to);
	words_next(w);
	mnl_attr_put_u32(to, d->at, group->gr_gid);
	return CTL_OK;
}

static void *at(void *to, const struct word *d)
{
	return (char *)to + d->at;
}

int words_set_u64(struct words *w, const struct word *d, void *to)
{
	return read_number(w, d, 10, UINT64_MAX, at(to, d));
}

int words_set_bytes(struct words *w, const struct word *d, void *to)
{
	return read_bytes(w, d, UINT64_MAX, at(to, d));
}

/* Into an __s64, in nanoseconds */
int words_set_seconds(struct words *w, const struct word *d, void *to)
{
	const char *text;
	double seconds;
	char *end;

	if (need_value(w, d, &text))
		return CTL_USAGE;
	seconds = strtod(text, &end);
	if (end == text || *end || !isfinite(seconds) || seconds < 0 || seconds > 1e9)
		return words_usage(w, "\"%s\": bad number of seconds \"%s\"", d->name, text);
	*(__s64 *)at(to, d) = (__s64)(seconds * 1e9);
	return CTL_OK;
}

int words_set_text(struct words *w, const struct word *d, void *to)
{
	return need_value(w, d, at(to, d));
}

int words_set_true(struct words *w, const struct word *d, void *to)
{
	(void)w;
	*(bool *)at(to, d) = true;
	return CTL_OK;
}

int words_bit(struct words *w, const struct word *d, void *to)
{
	(void)to;
	w->bits |= d->bit;
	return CTL_OK;
}

int words_skip(struct words *w, const struct word *d, void *to)
{
	const char *text;

	(void)to;
	return need_value(w, d, &text);
}
