// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From attributes to JSON objects (json-c), from those to text
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <json-c/json.h>

#include "ctl.h"
#include "json.h"

#define ATTRS_MAX	64

static __u64 attr_uint(const struct nlattr *attr)
{
	__u64 n = 0;
	__u16 len = mnl_attr_get_payload_len(attr);

	if (len == sizeof(__u8))
		return mnl_attr_get_u8(attr);
	if (len == sizeof(__u16))
		return mnl_attr_get_u16(attr);
	if (len == sizeof(__u32))
		return mnl_attr_get_u32(attr);
	if (len == sizeof(n))
		memcpy(&n, mnl_attr_get_payload(attr), sizeof(n));
	return n;
}

struct json_object *out_uint(const struct out_field *f, const struct nlattr *attr)
{
	(void)f;
	return json_object_new_uint64(attr ? attr_uint(attr) : 0);
}

struct json_object *out_maybe(const struct out_field *f, const struct nlattr *attr)
{
	return attr ? out_uint(f, attr) : json_object_new_null();
}

struct json_object *out_hex(const struct out_field *f, const struct nlattr *attr)
{
	char text[20];

	(void)f;
	if (!attr || !attr_uint(attr))
		return NULL;
	snprintf(text, sizeof(text), "%016llx", attr_uint(attr));
	return json_object_new_string(text);
}

struct json_object *out_octal(const struct out_field *f, const struct nlattr *attr)
{
	char text[24];

	(void)f;
	if (!attr)
		return NULL;
	snprintf(text, sizeof(text), "%04llo", attr_uint(attr));
	return json_object_new_string(text);
}

struct json_object *out_bool(const struct out_field *f, const struct nlattr *attr)
{
	(void)f;
	return json_object_new_boolean(attr && attr_uint(attr));
}

struct json_object *out_flag(const struct out_field *f, const struct nlattr *attr)
{
	(void)f;
	return json_object_new_boolean(!!attr);
}

struct json_object *out_bit(const struct out_field *f, const struct nlattr *attr)
{
	return json_object_new_boolean(attr && attr_uint(attr) & f->bit);
}

struct json_object *out_enum(const struct out_field *f, const struct nlattr *attr)
{
	__u64 i, n;

	if (!attr)
		return NULL;
	n = attr_uint(attr);
	for (i = 0; f->names[i]; i++)
		if (i == n)
			return json_object_new_string(f->names[i]);
	return json_object_new_string("unknown");
}

/* Length of the UTF-8 sequence that begins here, 0 for none; no control character */
static size_t utf8_len(const __u8 *at, size_t left)
{
	static const struct {
		__u8 mask, head;
	} shapes[] = { { 0x80, 0x00 }, { 0xe0, 0xc0 }, { 0xf0, 0xe0 }, { 0xf8, 0xf0 } };
	size_t len, i;

	if (*at < 0x20 || *at == 0x7f || *at == 0xc0 || *at == 0xc1 || *at > 0xf4)
		return 0;
	for (len = 0; len < MNL_ARRAY_SIZE(shapes); len++)
		if ((*at & shapes[len].mask) == shapes[len].head)
			break;
	if (++len > left || len > MNL_ARRAY_SIZE(shapes))
		return 0;
	for (i = 1; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

struct json_object *out_string(const char *text, size_t len)
{
	struct json_object *string = NULL;
	char *clean = malloc(len + 1);
	size_t i = 0, n;

	if (!clean)
		return NULL;
	memcpy(clean, text, len);
	while (i < len) {
		n = utf8_len((__u8 *)clean + i, len - i);
		if (!n)
			clean[i] = '?';
		i += n ? n : 1;
	}
	string = json_object_new_string_len(clean, len);
	free(clean);
	return string;
}

struct json_object *out_str(const struct out_field *f, const struct nlattr *attr)
{
	const char *text;

	(void)f;
	if (!attr)
		return NULL;
	text = mnl_attr_get_payload(attr);
	return out_string(text, strnlen(text, mnl_attr_get_payload_len(attr)));
}

static void addr_text(const struct nlattr *attr, char *text, size_t size)
{
	struct sockaddr_in6 v6 = { 0 };
	struct sockaddr_in v4 = { 0 };
	char host[INET6_ADDRSTRLEN], zone[IF_NAMESIZE] = "";

	if (mnl_attr_get_payload_len(attr) == sizeof(v4)) {
		memcpy(&v4, mnl_attr_get_payload(attr), sizeof(v4));
		inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(v4.sin_port));
	} else if (mnl_attr_get_payload_len(attr) == sizeof(v6)) {
		memcpy(&v6, mnl_attr_get_payload(attr), sizeof(v6));
		inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
		if (v6.sin6_scope_id)
			if_indextoname(v6.sin6_scope_id, zone);
		snprintf(text, size, "[%s%s%s]:%u", host, *zone ? "%" : "", zone,
			 ntohs(v6.sin6_port));
	}
}

struct json_object *out_addr(const struct out_field *f, const struct nlattr *attr)
{
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 16] = "unknown";

	(void)f;
	if (!attr)
		return NULL;
	addr_text(attr, text, sizeof(text));
	return json_object_new_string(text);
}

struct json_object *out_nest(const struct out_field *f, const struct nlattr *attr)
{
	return out_object(f->sub, attr);
}

static void parse(const struct nlattr *nest, const struct nlattr **tb)
{
	const struct nlattr *attr;

	memset(tb, 0, ATTRS_MAX * sizeof(*tb));
	if (!nest)
		return;
	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) < ATTRS_MAX)
			tb[mnl_attr_get_type(attr)] = attr;
}

static struct json_object *value_of(const struct out_field *f, const struct nlattr *nest,
				    const struct nlattr **tb)
{
	struct json_object *list;
	const struct nlattr *attr;

	if (!(f->flags & OUT_EACH))
		return f->get(f, f->attr ? tb[f->attr] : NULL);
	list = json_object_new_array();
	if (!list || !nest)
		return list;
	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == f->attr)
			json_object_array_add(list, f->sub ? out_object(f->sub, attr) :
							     f->get(f, attr));
	return list;
}

static void fill(struct json_object *object, const struct out_field *f, const struct nlattr *nest)
{
	const struct nlattr *tb[ATTRS_MAX];
	struct json_object *value;

	parse(nest, tb);
	for (; f->name; f++) {
		if (f->flags & OUT_FLAT) {
			fill(object, f->sub, tb[f->attr]);
			continue;
		}
		value = value_of(f, nest, tb);
		if (value || f->get == out_maybe)
			json_object_object_add(object, f->name, value);
	}
}

struct json_object *out_object(const struct out_field *fields, const struct nlattr *nest)
{
	struct json_object *object = json_object_new_object();

	if (object)
		fill(object, fields, nest);
	return object;
}

static void print_fields(const struct out_field *f, struct json_object *object, const char *gap);

static void print_list(const struct out_field *f, struct json_object *list)
{
	struct json_object *value;
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++) {
		value = json_object_array_get_idx(list, i);
		if (f->sub)
			print_fields(f->sub, value, i ? ", " : " ");
		else
			printf("%s%s", i ? ", " : " ", json_object_get_string(value));
	}
}

/* Says nothing of what is not there: null, false, an empty list, a nest of nothing */
static bool is_silent(const struct out_field *f, struct json_object *value)
{
	if (json_object_is_type(value, json_type_null))
		return true;
	if (json_object_is_type(value, json_type_boolean))
		return !json_object_get_boolean(value);
	if (json_object_is_type(value, json_type_array))
		return !json_object_array_length(value);
	if (json_object_is_type(value, json_type_object))
		return is_silent(f->sub, json_object_object_get(value, f->sub->name));
	return false;
}

static void print_value(const struct out_field *f, struct json_object *value, const char *gap)
{
	const char *name = f->text ? f->text : f->name;

	if (f->flags & OUT_BARE)
		printf("%s%s", gap, json_object_get_string(value));
	else
		printf("%s%s", gap, name);
	if (json_object_is_type(value, json_type_object))
		print_fields(f->sub, value, " ");
	else if (json_object_is_type(value, json_type_array))
		print_list(f, value);
	else if (!json_object_is_type(value, json_type_boolean) && !(f->flags & OUT_BARE))
		printf(" %s", json_object_get_string(value));
}

static void print_fields(const struct out_field *f, struct json_object *object, const char *gap)
{
	struct json_object *value;
	bool line = false;

	for (; f->name; f++) {
		line |= f->flags & OUT_LINE;
		if (f->flags & OUT_FLAT) {
			print_fields(f->sub, object, gap);
			continue;
		}
		if (!json_object_object_get_ex(object, f->name, &value) || is_silent(f, value) ||
		    (f->flags & OUT_STATS && !ctl.stats))
			continue;
		print_value(f, value, line ? "\n    " : gap);
		line = false;
		gap = " ";
	}
}

static void print_json(struct json_object *object)
{
	int how = JSON_C_TO_STRING_NOSLASHESCAPE;

	how |= ctl.pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
			    JSON_C_TO_STRING_PLAIN;
	puts(json_object_to_json_string_ext(object, how));
}

void out_restart(void *data)
{
	struct out *out = data;

	json_object_put(out->list);
	out->list = json_object_new_array();
}

void out_add(const struct nlattr *nest, void *data)
{
	struct out *out = data;

	json_object_array_add(out->list, out_object(out->fields, nest));
}

static void print_text(const struct out *out)
{
	size_t i;

	for (i = 0; i < json_object_array_length(out->list); i++) {
		print_fields(out->fields, json_object_array_get_idx(out->list, i), "");
		putchar('\n');
	}
}

/* What stands in a column: "-" for what is not there, a name for an object of NULL */
static const char *cell(const struct out_field *f, struct json_object *object)
{
	struct json_object *value;

	if (!object)
		return f->name;
	if (!json_object_object_get_ex(object, f->name, &value) || !value)
		return "-";
	return json_object_get_string(value);
}

/* In characters, as a terminal shows them */
static int width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static void measure(const struct out *out, int *widths)
{
	const struct out_field *f;
	size_t i;
	int n;

	for (f = out->fields; f->name; f++, widths++) {
		*widths = width(f->name);
		for (i = 0; i < json_object_array_length(out->list); i++) {
			n = width(cell(f, json_object_array_get_idx(out->list, i)));
			*widths = n > *widths ? n : *widths;
		}
	}
}

static void print_row(const struct out_field *f, struct json_object *object, const int *widths)
{
	const char *text;

	for (; f->name; f++, widths++) {
		text = cell(f, object);
		if (f[1].name)
			printf("%s%*s", text, *widths - width(text) + 2, "");
		else
			puts(text);
	}
}

static void print_columns(const struct out *out)
{
	int widths[ATTRS_MAX];
	size_t i;

	measure(out, widths);
	print_row(out->fields, NULL, widths);
	for (i = 0; i < json_object_array_length(out->list); i++)
		print_row(out->fields, json_object_array_get_idx(out->list, i), widths);
}

int out_print(const struct out *out)
{
	if (ctl.json)
		print_json(out->list);
	else if (out->columns)
		print_columns(out);
	else
		print_text(out);
	return ctl_flush();
}

int out_end(struct out *out)
{
	int status = out_print(out);

	json_object_put(out->list);
	out->list = NULL;
	return status;
}

int out_line(const struct out_field *fields, struct json_object *object)
{
	if (ctl.json) {
		print_json(object);
	} else {
		print_fields(fields, object, "");
		putchar('\n');
	}
	json_object_put(object);
	return ctl_flush();
}
