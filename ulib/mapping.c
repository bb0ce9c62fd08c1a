// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libdmring: one slot of /dev/dmring: open, attach, map its areas, unmap
 *
 * Threads: a slot is made and ended by one thread; nothing here is shared but
 * the page of the fork generation, which is written under its lock and read by
 * anyone.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define DEFAULT_DEVICE	"/dev/dmring"
#define CALLS_OUT_SIZE	(64U << 10)	/* output space, where requests or replies come */

/*
 * A page that the kernel wipes in every child. It holds a number, 0 once
 * forked; a handle remembers the number it was made under. Costs one load a
 * call, where getpid() costs a syscall.
 */
static __u64 *fork_page;
static __u64 last_generation;
static pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;

static __u64 *fork_page_map(void)
{
	size_t len = sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, len, MADV_WIPEONFORK)) {
		munmap(p, len);
		return NULL;
	}
	return p;
}

/* The number handles made now live under; 0 on failure. */
__u64 dmring_fork_generation(void)
{
	__u64 generation = 0;

	pthread_mutex_lock(&fork_lock);
	if (!fork_page)
		fork_page = fork_page_map();
	if (fork_page && !load_relaxed(fork_page))
		store_relaxed(fork_page, ++last_generation);
	if (fork_page)
		generation = load_relaxed(fork_page);
	pthread_mutex_unlock(&fork_lock);
	return generation;
}

bool dmring_forked(__u64 generation)
{
	return load_relaxed(fork_page) != generation;
}

static int open_device(struct dmring_slot *s, const char *device)
{
	s->fd = open(device, O_RDWR | O_CLOEXEC);
	if (s->fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENXIO)
		return dmring_fail(-errno, "no %s: is the module loaded?",
				   device);
	return dmring_fail(-errno, "cannot open %s: %s", device,
			   dmring_strerror(errno));
}

static int attach(struct dmring_slot *s, const char *name,
		  const struct dmring_opts *o)
{
	struct dmring_ioc_attach *a = &s->a;
	int err;

	if (strlen(name) >= sizeof(a->name))
		return dmring_fail(-ENAMETOOLONG,
				   "a ring's name has at most %zu bytes",
				   sizeof(a->name) - 1);
	a->abi = DMRING_ABI;
	a->flags = o->flags & DMRING_ATTACH_FLAGS;
	a->in_size = o->in_size;
	a->out_size = o->out_size;
	if (!a->out_size && o->flags & DMRING_CALLS)
		a->out_size = CALLS_OUT_SIZE;
	strcpy(a->name, name);
	if (!ioctl(s->fd, DMRING_IOC_ATTACH, a))
		return 0;
	err = -errno;
	a->why[sizeof(a->why) - 1] = '\0';
	return dmring_fail(err, "%s", a->why[0] ? a->why :
			   dmring_strerror(err));
}

static void *map_area(struct dmring_slot *s, const char *what, __u64 offset,
		      size_t len, bool write)
{
	void *p = mmap(NULL, len, write ? PROT_READ | PROT_WRITE : PROT_READ,
		       MAP_SHARED, s->fd, offset);
	int err = errno;

	if (p != MAP_FAILED)
		return p;
	dmring_fail(-err, "cannot map the %s: %s", what, dmring_strerror(err));
	errno = err;
	return NULL;
}

static bool map_slot(struct dmring_slot *s)
{
	size_t page = sysconf(_SC_PAGESIZE);

	s->user = map_area(s, "user page", DMRING_MAP_USER, page, true);
	if (!s->user)
		return false;
	s->kernel = map_area(s, "kernel page", DMRING_MAP_KERNEL, page, false);
	if (!s->kernel)
		return false;
	s->in = map_area(s, "input space", DMRING_MAP_IN,
			 2ULL * s->a.in_size, true);
	if (!s->in)
		return false;
	s->out = map_area(s, "output space", DMRING_MAP_OUT,
			  2ULL * s->a.out_size, false);
	return s->out;
}

static bool map_group(struct dmring_slot *s)
{
	size_t page = sysconf(_SC_PAGESIZE);

	s->group = map_area(s, "group page", DMRING_MAP_GROUP, page, false);
	if (!s->group)
		return false;
	if (s->a.flags & DMRING_ATTACH_SEND_ONLY)
		return true;
	s->log = map_area(s, "log", DMRING_MAP_LOG, 2 * s->a.log_size, false);
	if (!s->log)
		return false;
	s->index = map_area(s, "index", DMRING_MAP_INDEX,
			    8 * s->a.index_size, false);
	return s->index;
}

static bool power_of_two(__u64 n)
{
	return n && !(n & (n - 1));
}

/* What masks are made of must be what it is said to be. */
static int check_sizes(const struct dmring_ioc_attach *a)
{
	if (power_of_two(a->in_size) && power_of_two(a->out_size) &&
	    (a->flags & DMRING_ATTACH_SEND_ONLY ||
	     (power_of_two(a->log_size) && power_of_two(a->index_size))))
		return 0;
	return dmring_fail(-EPROTO, "the module gave sizes that are not powers of two");
}

int dmring_slot_open(struct dmring_slot *s, const char *name,
		     const struct dmring_opts *o)
{
	int ret;

	memset(s, 0, sizeof(*s));
	ret = open_device(s, o->device ? o->device : DEFAULT_DEVICE);
	if (ret)
		return ret;
	ret = attach(s, name, o);
	if (!ret)
		ret = check_sizes(&s->a);
	if (!ret && (!map_slot(s) || !map_group(s)))
		ret = -errno;
	if (ret)
		dmring_slot_close(s, false);
	return ret;
}

static void unmap(const void *p, size_t len)
{
	if (p)
		munmap((void *)p, len);
}

/*
 * Detaching comes first: unmapping would count as a process that closes
 * without a word. A child owns a descriptor only, the areas were not inherited
 * and their addresses may be somebody else's by now.
 */
void dmring_slot_close(struct dmring_slot *s, bool forked)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (!forked) {
		ioctl(s->fd, DMRING_IOC_DETACH);
		unmap(s->index, 8 * s->a.index_size);
		unmap(s->log, 2 * s->a.log_size);
		unmap(s->group, page);
		unmap(s->out, 2ULL * s->a.out_size);
		unmap(s->in, 2ULL * s->a.in_size);
		unmap(s->kernel, page);
		unmap(s->user, page);
	}
	close(s->fd);
}
