// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members by the bare interface, as uapi/linux/dmring.h describes it, so that
 * what the library would hide can be done here; and time and processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

static int ioc(int fd, unsigned long cmd, const void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int rig_open(void)
{
	int fd = open("/dev/dmring", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void rig_attach_args(struct dmring_ioc_attach *at, const char *name, uint32_t flags)
{
	uint32_t in_size = at->in_size, out_size = at->out_size;

	memset(at, 0, sizeof(*at));
	at->abi = DMRING_ABI;
	at->flags = flags;
	at->in_size = in_size;
	at->out_size = out_size;
	strncpy(at->name, name, sizeof(at->name) - 1);
}

int rig_attach(struct rig_member *m, const char *name, uint32_t flags)
{
	struct dmring_ioc_attach at = { .in_size = m->at.in_size, .out_size = m->at.out_size };
	int err;

	memset(m, 0, sizeof(*m));
	rig_attach_args(&at, name, flags);
	m->fd = rig_open();
	if (m->fd < 0)
		return m->fd;
	err = ioc(m->fd, DMRING_IOC_ATTACH, &at);
	if (err)
		close(m->fd);
	m->at = at;
	m->log_head = at.start;
	return err;
}

uint64_t rig_area_off(int nr)
{
	return (uint64_t)nr << DMRING_MAP_SHIFT;
}

size_t rig_area_len(const struct rig_member *m, int nr)
{
	size_t page = sysconf(_SC_PAGESIZE);
	const size_t len[RIG_AREAS] = {
		page, page, 2 * (size_t)m->at.in_size, 2 * (size_t)m->at.out_size, page,
		2 * m->at.log_size, (8 * m->at.index_size + page - 1) & ~(page - 1),
	};

	return len[nr];
}

int rig_map(struct rig_member *m)
{
	int nr;

	for (nr = 0; nr < RIG_AREAS; nr++) {
		int prot = PROT_READ | (nr == 0 || nr == 2 ? PROT_WRITE : 0);

		if (nr > 4 && m->at.flags & DMRING_ATTACH_SEND_ONLY)
			break;
		m->map[nr] = mmap(NULL, rig_area_len(m, nr), prot, MAP_SHARED, m->fd,
				  rig_area_off(nr));
		if (m->map[nr] == MAP_FAILED) {
			m->map[nr] = NULL;
			return -errno;
		}
	}
	m->user = m->map[0];
	m->kern = m->map[1];
	m->in = m->map[2];
	m->out = m->map[3];
	m->group = m->map[4];
	m->log = m->map[5];
	m->index = m->map[6];
	return 0;
}

int rig_join(struct rig_member *m, const char *name, uint32_t flags)
{
	int err;

	memset(m, 0, sizeof(*m));
	err = rig_attach(m, name, flags);
	if (err)
		return err;
	err = rig_map(m);
	if (err)
		rig_leave(m);
	return err;
}

void rig_unmap(struct rig_member *m)
{
	int nr;

	for (nr = 0; nr < RIG_AREAS; nr++) {
		if (m->map[nr])
			munmap(m->map[nr], rig_area_len(m, nr));
		m->map[nr] = NULL;
	}
}

void rig_leave(struct rig_member *m)
{
	rig_unmap(m);
	close(m->fd);
	m->fd = -1;
}

static uint64_t in_cost(size_t len)
{
	return (sizeof(struct dmring_in_rec) + len + DMRING_ALIGN - 1) &
	       ~(uint64_t)(DMRING_ALIGN - 1);
}

int rig_put_rec(struct rig_member *m, const struct dmring_in_rec *rec, const void *data,
		size_t len)
{
	uint64_t head = __atomic_load_n(&m->kern->in_head, __ATOMIC_ACQUIRE);
	char *at = m->in + (m->in_tail & (m->at.in_size - 1));

	if (in_cost(len) > m->at.in_size)
		return -EMSGSIZE;
	if (m->in_tail - head + in_cost(len) > m->at.in_size)
		return -EAGAIN;
	memcpy(at, rec, sizeof(*rec));
	memcpy(at + sizeof(*rec), data, len);
	m->in_tail += in_cost(len);
	__atomic_store_n(&m->user->in_tail, m->in_tail, __ATOMIC_RELEASE);
	return 0;
}

int rig_put(struct rig_member *m, const void *data, size_t len)
{
	const struct dmring_in_rec rec = { .len = len, .type = DMRING_REC_DATA };

	return rig_put_rec(m, &rec, data, len);
}

int rig_submit(struct rig_member *m)
{
	return ioc(m->fd, DMRING_IOC_SUBMIT, NULL);
}

int rig_send(struct rig_member *m, const void *data, size_t len)
{
	int err = rig_put(m, data, len);

	return err ? err : rig_submit(m);
}

int rig_send_big(struct rig_member *m, const void *data, size_t len)
{
	struct dmring_ioc_send send = { .data = (uintptr_t)data, .len = len };

	return ioc(m->fd, DMRING_IOC_SEND, &send);
}

int rig_enter(struct rig_member *m, uint32_t flags, uint32_t room, int ms)
{
	struct dmring_ioc_enter e = {
		.flags = flags, .room = room, .timeout_ns = ms < 0 ? -1 : ms * 1000000LL,
	};

	return ioc(m->fd, DMRING_IOC_ENTER, &e);
}

int rig_ballot(struct rig_member *m, bool willing, uint32_t weight, char *why)
{
	struct dmring_ioc_ballot b = {
		.flags = willing ? DMRING_BALLOT_IS_WILLING : 0, .weight = weight,
	};
	int err = ioc(m->fd, DMRING_IOC_BALLOT, &b);

	if (why)
		memcpy(why, b.why, sizeof(b.why));
	return err;
}

int rig_resign(struct rig_member *m, char *why)
{
	struct dmring_ioc_resign r = {};
	int err = ioc(m->fd, DMRING_IOC_RESIGN, &r);

	if (why)
		memcpy(why, r.why, sizeof(r.why));
	return err;
}

bool rig_in_office(const struct rig_member *m)
{
	return __atomic_load_n(&m->kern->marks, __ATOMIC_ACQUIRE) & DMRING_MARK_OFFICE;
}

int rig_peek(struct rig_member *m, struct rig_rec *rec)
{
	uint64_t tail = __atomic_load_n(&m->group->index_tail, __ATOMIC_ACQUIRE);
	uint64_t base = __atomic_load_n(&m->kern->log_base, __ATOMIC_ACQUIRE);
	uint64_t pos;

	if (base > m->log_head)
		m->log_head = base;
	if (m->log_head >= tail)
		return -EAGAIN;
	pos = m->index[m->log_head & (m->at.index_size - 1)];
	rec->head = (const void *)(m->log + (pos & (m->at.log_size - 1)));
	/* position 0 is never used: it is a page of zeros, in the place of a log taken away */
	if (!pos || rec->head->pos != pos)
		return -EIO;
	rec->type = rec->head->type;
	rec->len = rec->head->len;
	rec->data = rec->head + 1;
	rec->ident = NULL;
	if (rec->head->flags & DMRING_REC_IDENT) {
		rec->ident = rec->data;
		rec->data = rec->ident + 1;
	}
	if (rec->len > m->at.log_size)
		return -EIO;
	m->log_head++;
	return 0;
}

int rig_release(struct rig_member *m)
{
	uint64_t base = __atomic_load_n(&m->kern->log_base, __ATOMIC_ACQUIRE);

	__atomic_store_n(&m->user->log_head, m->log_head, __ATOMIC_RELEASE);
	/* pairs with the kernel's between kick_at and log_head */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&m->kern->kick_at, __ATOMIC_RELAXED) <= m->log_head)
		rig_submit(m);
	/* all that was peeked lies below log_head */
	return base >= m->log_head ? -EOVERFLOW : 0;
}

static void step_over(struct rig_member *m, const struct rig_rec *rec)
{
	struct dmring_ev ev;

	memcpy(&ev, rec->data, sizeof(ev));
	if (ev.what != DMRING_EV_LEFT)
		return;
	m->left = ev;
	m->lefts++;
}

int rig_get(struct rig_member *m, void *buf, size_t size)
{
	struct rig_rec rec;
	int err;

	do {
		err = rig_peek(m, &rec);
		if (err)
			return err;
		if (rec.type == DMRING_REC_DATA && rec.len > size) {
			m->log_head--;
			return -EMSGSIZE;
		}
		if (rec.type == DMRING_REC_DATA)
			memcpy(buf, rec.data, rec.len);
		else
			step_over(m, &rec);
		err = rig_release(m);
	} while (err || rec.type != DMRING_REC_DATA);
	return rec.len;
}

int rig_get_wait(struct rig_member *m, void *buf, size_t size, int ms)
{
	uint64_t end = rig_ms() + ms;

	for (;;) {
		int ret = rig_get(m, buf, size);
		int64_t left = end - rig_ms();

		if (ret != -EAGAIN)
			return ret;
		ret = rig_enter(m, DMRING_ENTER_READ, 0, left > 0 ? left : 0);
		if (ret)
			return ret;
		/* a private event ends a wait, too; these tests read it elsewhere */
		if (m->kern->out_tail != m->out_head)
			rig_sleep(1);
	}
}

int rig_event(struct rig_member *m, struct dmring_ev *ev, int ms)
{
	uint64_t end = rig_ms() + ms;
	struct rig_rec rec;
	bool late;
	int err;

	do {
		/* before the look, so that the last one is after the end */
		late = rig_ms() >= end;
		err = rig_peek(m, &rec);
		if (err == -EAGAIN && !late) {
			rig_sleep(1);
			continue;
		}
		if (err)
			return err;
		if (rec.type == DMRING_REC_EVENT)
			memcpy(ev, rec.data, sizeof(*ev));
		rig_release(m);
	} while (err || rec.type != DMRING_REC_EVENT);
	return 0;
}

int rig_private_event(struct rig_member *m, struct dmring_ev *ev)
{
	uint64_t tail = __atomic_load_n(&m->kern->out_tail, __ATOMIC_ACQUIRE);
	struct dmring_rec rec;
	const char *at = m->out + (m->out_head & (m->at.out_size - 1));

	if (m->out_head == tail)
		return -EAGAIN;
	memcpy(&rec, at, sizeof(rec));
	if (rec.type != DMRING_REC_EVENT || rec.len != sizeof(*ev))
		return -EIO;
	memcpy(ev, at + sizeof(rec), sizeof(*ev));
	m->out_head += (sizeof(rec) + rec.len + DMRING_ALIGN - 1) & ~(DMRING_ALIGN - 1);
	__atomic_store_n(&m->user->out_head, m->out_head, __ATOMIC_RELEASE);
	return 0;
}

uint64_t rig_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

void rig_sleep(int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

void rig_fill_begin(struct rig_fill *f, const char *ring)
{
	*f = (struct rig_fill){
		.ring = ring, .was = rig_ring_stat(ring, DMRING_A_STAT_FULL),
		.end = rig_ms() + 2 * RIG_WAIT_MS,
	};
}

bool rig_fill_on(struct rig_fill *f, int err)
{
	if (err >= 0)
		f->sent++;
	else if (err == -EAGAIN && f->full)
		return false;
	else if (err == -EAGAIN)
		f->full = rig_ring_stat(f->ring, DMRING_A_STAT_FULL) > f->was;
	else
		f->sent = err;
	if (f->sent >= 0 && rig_ms() >= f->end)
		f->sent = -ETIMEDOUT;
	return f->sent >= 0;
}

pid_t rig_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(fn(arg));
}

int rig_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int rig_in_child(int (*fn)(void *arg), void *arg)
{
	return rig_wait(rig_child(fn, arg));
}

int rig_drop(uint32_t id)
{
	if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
		return -errno;
	return 0;
}

bool rig_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

unsigned long rig_knob(const char *name, unsigned long usual)
{
	const char *value = getenv(name);

	return value && *value ? strtoul(value, NULL, 0) : usual;
}
