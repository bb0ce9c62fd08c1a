// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ringctl: the network namespace it works in
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "words.h"

#define NETNS_DIR "/run/netns"	/* of ip-netns(8) */

static int enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	if (setns(fd, CLONE_NEWNET))
		err = errno;
	close(fd);
	return err;
}

int netns_enter(struct words *w)
{
	char path[PATH_MAX];
	const char *name;
	int err;

	if (words_need(w, &name, "the name of a network namespace is missing"))
		return CTL_USAGE;
	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ||
	    snprintf(path, sizeof(path), NETNS_DIR "/%s", name) >= (int)sizeof(path))
		return words_usage(w, "\"%s\" is no name of a network namespace", name);
	err = enter(path);
	switch (err) {
	case 0:
		return CTL_OK;
	case ENOENT:
		return ctl_refuse("there is no network namespace \"%s\"; \"ip netns\" lists them",
				  name);
	case EPERM:
		return ctl_refuse("entering network namespace \"%s\" needs CAP_SYS_ADMIN", name);
	default:
		return ctl_refuse("cannot enter network namespace \"%s\": %s", name, strerror(err));
	}
}
