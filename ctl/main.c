// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl: flags, objects, help
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmring.h>

#include "words.h"

struct ctl_options ctl;

static const struct object objects[] = {
	{ "ring", ring_verbs },
	{ "peer", peer_verbs },
	{ "member", member_verbs },
	{ "proxy", proxy_verbs },
	{ "view", view_verbs },
	{ "service", service_verbs },
	{ "status", status_verbs },
	{ "monitor", monitor_verbs },
	{ "send", send_verbs },
	{ "recv", recv_verbs },
	{ "call", call_verbs },
	{ "serve", serve_verbs },
	{ "up", up_verbs },
	{ "down", down_verbs },
	{ }
};

static const struct flag {
	char letter;
	const char *word;
	bool *set;
	const char *help;
} flags[] = {
	{ 'j', "json", &ctl.json, "print JSON" },
	{ 'p', "pretty", &ctl.pretty, "indent the JSON" },
	{ 's', "stats", &ctl.stats, "print statistics too" },
	{ }
};

int ctl_refuse(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("ringctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return CTL_REFUSED;
}

int ctl_flush(void)
{
	if (!fflush(stdout) || errno == EPIPE)
		return CTL_OK;
	return ctl_refuse("cannot write the output: %s", strerror(errno));
}

static void help_object(FILE *to, const struct object *o)
{
	const struct verb *v;

	for (v = o->verbs; v->run; v++)
		fprintf(to, "  ringctl %s%s%s %s\n", o->name, v->name ? " " : "",
			v->name ? v->name : "", v->words);
}

static void help_all(FILE *to)
{
	const struct object *o;
	const struct flag *f;

	fputs("Usage: ringctl [FLAGS] OBJECT VERB [WORDS]\n\nFlags:\n", to);
	for (f = flags; f->word; f++)
		fprintf(to, "  -%c, --%-12s %s\n", f->letter, f->word, f->help);
	fputs("  -n, --netns NAME   work in this network namespace, one of \"ip netns\"\n"
	      "  -h, --help         this text\n"
	      "  -V, --version      version of this tool\n\nObjects:\n", to);
	for (o = objects; o->name; o++)
		help_object(to, o);
	fputs("\nBYTES take K, M or G. \"ringctl OBJECT help\" shows one object.\n", to);
}

static int help(void)
{
	help_all(stdout);
	return ctl_flush();
}

static int version(void)
{
	puts("ringctl " DMRING_VERSION);
	return ctl_flush();
}

static const struct answer {
	const char *word;
	int (*run)(void);
} answers[] = {
	{ "help", help },
	{ "-h", help },
	{ "--help", help },
	{ "-V", version },
	{ "--version", version },
	{ }
};

static const struct answer *find_answer(const char *word)
{
	const struct answer *a;

	for (a = answers; a->word; a++)
		if (!strcmp(a->word, word))
			return a;
	return NULL;
}

static bool set_long(const char *word)
{
	const struct flag *f;

	for (f = flags; f->word; f++) {
		if (!strcmp(f->word, word)) {
			*f->set = true;
			return true;
		}
	}
	return false;
}

static bool set_letter(char letter)
{
	const struct flag *f;

	for (f = flags; f->word; f++) {
		if (f->letter == letter) {
			*f->set = true;
			return true;
		}
	}
	return false;
}

/* "-j", "-jp", "--json" */
static bool set_flags(const char *arg)
{
	if (arg[1] == '-')
		return set_long(arg + 2);
	while (*++arg)
		if (!set_letter(*arg))
			return false;
	return true;
}

static const struct object *find_object(const char *name)
{
	const struct object *o;

	for (o = objects; o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static const struct verb *find_verb(const struct object *o, const char *name)
{
	const struct verb *v;

	for (v = o->verbs; v->run; v++)
		if (!v->name || !strcmp(v->name, name))
			return v;
	return NULL;
}

static int run_verb(const struct object *o, struct words *w)
{
	const struct verb *v;
	const char *name = "";

	if (o->verbs->name &&
	    words_need(w, &name, "a verb is missing, see \"ringctl %s help\"", o->name))
		return CTL_USAGE;
	v = find_verb(o, name);
	if (!v)
		return words_usage(w, "unknown verb \"%s\", see \"ringctl %s help\"", name,
				   o->name);
	return v->run(w);
}

static int run_object(struct words *w)
{
	const struct object *o;
	const char *name;

	if (words_need(w, &name, "an object is missing, see \"ringctl help\""))
		return CTL_USAGE;
	o = find_object(name);
	if (!o)
		return words_usage(w, "unknown word \"%s\", see \"ringctl help\"", name);
	if (w->argc == 1 && !strcmp(w->argv[0], "help")) {
		help_object(stdout, o);
		return ctl_flush();
	}
	return run_verb(o, w);
}

/* One word of flags, or "-n NAME" */
static int take_flag(struct words *w)
{
	const char *flag = words_next(w);

	if (!strcmp(flag, "-n") || !strcmp(flag, "--netns"))
		return netns_enter(w);
	if (!flag[1] || !set_flags(flag))
		return words_usage(w, "unknown flag \"%s\", see \"ringctl help\"", flag);
	return CTL_OK;
}

int main(int argc, char **argv)
{
	struct words w = { .argc = argc - 1, .argv = argv + 1, .where = "" };
	const struct answer *a;
	int status;

	signal(SIGPIPE, SIG_IGN);
	while (w.argc) {
		a = find_answer(w.argv[0]);
		if (a)
			return a->run();
		if (w.argv[0][0] != '-')
			break;
		status = take_flag(&w);
		if (status)
			return status;
	}
	return run_object(&w);
}
