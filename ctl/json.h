/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel answers, as JSON or as text, from one description
 *
 * A table of struct out_field says how a nest of attributes becomes a JSON
 * object; text is the same object, printed as words.
 */
#ifndef RINGCTL_JSON_H
#define RINGCTL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct json_object;
struct nlattr;

/* out_field.flags */
#define OUT_LINE	0x1	/* text: begins a line */
#define OUT_STATS	0x2	/* text: with -s only */
#define OUT_FLAT	0x4	/* the nest's fields belong to this object */
#define OUT_BARE	0x8	/* text: the value alone */
#define OUT_EACH	0x10	/* a list: a value, or a nest by @sub, for each such attribute */

/**
 * struct out_field - a member of a JSON object
 * @name: its name
 * @get: makes its value; @attr is NULL when the kernel did not send it, and a
 *       NULL result then leaves the field out. Not with OUT_FLAT, nor for nests of OUT_EACH.
 * @attr: netlink attribute
 * @flags: OUT_*
 * @names: values of an enumeration, NULL at the end
 * @bit: of out_bit()
 * @sub: table of a nest, or of each of several
 * @text: its name in text, where it differs
 */
struct out_field {
	const char *name;
	struct json_object *(*get)(const struct out_field *f, const struct nlattr *attr);
	__u16 attr;
	__u16 flags;
	__u32 bit;
	const char *const *names;
	const struct out_field *sub;
	const char *text;
};

#define OUT(word, how, where, ...) \
	{ .name = (word), .get = (how), .attr = (where), __VA_ARGS__ }

/**
 * struct out - a list of objects to print
 * @fields: their table
 * @list: JSON array
 * @columns: text: a table with a head, instead of words
 */
struct out {
	const struct out_field *fields;
	struct json_object *list;
	bool columns;
};

struct json_object *out_uint(const struct out_field *f, const struct nlattr *attr);
/* As out_uint(), but null instead of 0 when it was not sent */
struct json_object *out_maybe(const struct out_field *f, const struct nlattr *attr);
struct json_object *out_hex(const struct out_field *f, const struct nlattr *attr);
struct json_object *out_octal(const struct out_field *f, const struct nlattr *attr);
struct json_object *out_bool(const struct out_field *f, const struct nlattr *attr);
/* Is it there? */
struct json_object *out_flag(const struct out_field *f, const struct nlattr *attr);
struct json_object *out_bit(const struct out_field *f, const struct nlattr *attr);
struct json_object *out_enum(const struct out_field *f, const struct nlattr *attr);
struct json_object *out_str(const struct out_field *f, const struct nlattr *attr);
struct json_object *out_addr(const struct out_field *f, const struct nlattr *attr);
struct json_object *out_nest(const struct out_field *f, const struct nlattr *attr);

/* Text that may be printed: control characters and broken UTF-8 become '?' */
struct json_object *out_string(const char *text, size_t len);

/* An object by the table; @nest may be NULL */
struct json_object *out_object(const struct out_field *fields, const struct nlattr *nest);

/* For nl_dump(): adds one, begins anew */
void out_add(const struct nlattr *nest, void *out);
void out_restart(void *out);

/* Prints the list; returns an enum ctl_status. */
int out_print(const struct out *out);
/* The same, and frees it */
int out_end(struct out *out);

/* Prints and frees one object on a line of its own; returns an enum ctl_status. */
int out_line(const struct out_field *fields, struct json_object *object);

#endif /* RINGCTL_JSON_H */
