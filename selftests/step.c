// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call of a child process, one instruction at a time; see step.h.
 *
 * Stepping to instruction k from the beginning each time would be quadratic, and a step
 * costs a switch of processes forth and back. So a breakpoint takes the child near: to the
 * last instruction before k that the call comes to there for the first time; or in a loop
 * to the one before k, the how manieth time is counted. The rest is stepped. The text is as
 * it was again when it stands.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "step.h"

#define INT3		0xccUL
#define LOOK_EVERY	8	/* turns in which it did not stop */
#define SYSCALL_INSN	0x050fUL	/* 0f 05 */

/* Where a call ends, and a load that can be made in the child's name */
extern const char step_end[], step_load[];

asm(".pushsection .text\n"
    "step_load:\n"
    "	mov (%rdi), %rax\n"
    "	int3\n"
    ".popsection");

void __attribute__((noinline)) step_pause(void)
{
	asm volatile("int3" ::: "memory");
}

void __attribute__((noinline, noclone)) step_call(void (*fn)(void *arg), void *arg)
{
	asm volatile("int3" ::: "memory");
	fn(arg);
	asm volatile(".globl step_end\n"
		     "step_end: int3" ::: "memory");
}

static int regs_get(pid_t pid, struct user_regs_struct *regs)
{
	return ptrace(PTRACE_GETREGS, pid, NULL, regs) ? -errno : 0;
}

static int regs_set(pid_t pid, const struct user_regs_struct *regs)
{
	return ptrace(PTRACE_SETREGS, pid, NULL, regs) ? -errno : 0;
}

static uint64_t peek_rip(pid_t pid)
{
	return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), NULL);
}

/* Without stdio: the child inherits the heap, and what it does depends on that */
bool step_asleep(pid_t pid)
{
	char path[40], line[256];
	const char *state;
	ssize_t len = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, line, sizeof(line) - 1);
		close(fd);
	}
	line[len > 0 ? len : 0] = '\0';
	state = strrchr(line, ')');
	return state && state[1] && state[2] == 'S';
}

/* Until it stops; one that sleeps is woken. *@slept may be NULL. */
static int wait_stop(struct step *s, bool *slept)
{
	unsigned int tries;
	int status;
	pid_t pid;

	for (tries = 1; ; tries++) {
		pid = waitpid(s->pid, &status, s->wake ? WNOHANG : 0);
		if (pid == s->pid)
			return WIFSTOPPED(status) ? 0 : -ENOENT;
		if (pid < 0 && errno != EINTR)
			return -errno;
		sched_yield();
		if (tries % LOOK_EVERY || !step_asleep(s->pid))
			continue;
		if (slept)
			*slept = true;
		s->wake(s->arg);
	}
}

static int resume(struct step *s, int request, bool *slept)
{
	if (ptrace(request, s->pid, NULL, NULL))
		return -errno;
	return wait_stop(s, slept);
}

/*
 * Both on one CPU: to hand over within it costs a twentieth of what it does
 * between two emulated ones.
 */
static void to_cpu(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(pid, sizeof(set), &set);
}

int step_start(struct step *s, void (*fn)(void *arg), void *arg)
{
	int err;

	to_cpu(0, 0);
	s->pid = fork();
	if (s->pid < 0)
		return -errno;
	if (!s->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		fn(arg);
		_exit(0);
	}
	err = wait_stop(s, NULL);
	if (!err && ptrace(PTRACE_SETOPTIONS, s->pid, NULL,
			   PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD))
		err = -errno;
	return err;
}

int step_cont(struct step *s)
{
	return resume(s, PTRACE_CONT, NULL);
}

/* Load a word in the child's name: of its areas, ptrace alone cannot read. */
static int load(struct step *s, const void *word, uint64_t *value)
{
	struct user_regs_struct was, regs;
	int err = regs_get(s->pid, &was);

	regs = was;
	regs.rip = (uintptr_t)step_load;
	regs.rdi = (uintptr_t)word;
	regs.orig_rax = -1;
	if (!err)
		err = regs_set(s->pid, &regs);
	if (!err)
		err = resume(s, PTRACE_SINGLESTEP, NULL);
	if (!err)
		err = regs_get(s->pid, &regs);
	*value = regs.rax;
	return err ? err : regs_set(s->pid, &was);
}

/* Which breakpoint is the nearest way to @k: at an instruction that is new, or in a loop */
static void find_way(struct step_trace *t, uint32_t k)
{
	struct step_at *at = &t->at[k], *last = at - 1;
	uint32_t i;

	for (i = 0; i < k - 1; i++)
		last->times += t->at[i].rip == last->rip;
	last->times++;
	at->from = last->times > 1 ? last->from : k - 1;
	/* a breakpoint that is passed costs two steps */
	at->via = 2 * last->times < k - at->from ? k - 1 : at->from;
}

static int record_at(struct step *s, struct step_at *at, const void *word)
{
	struct user_regs_struct regs;
	int err = regs_get(s->pid, &regs);

	if (err)
		return err;
	at->rip = regs.rip;
	at->nr = regs.rax;
	at->arg = regs.rsi;
	at->syscall = (ptrace(PTRACE_PEEKTEXT, s->pid, regs.rip, NULL) & 0xffff) == SYSCALL_INSN;
	return word ? load(s, word, &at->word) : 0;
}

int step_record(struct step *s, const void *word)
{
	struct step_trace *t = s->trace;
	struct step_at *at;
	int err;

	memset(t, 0, sizeof(*t));
	for (at = t->at; ; at++) {
		t->count = at - t->at;
		err = record_at(s, at, word);
		if (t->count)
			find_way(t, t->count);
		if (err || at->rip == (uintptr_t)step_end)
			return err;
		if (t->count == STEP_MAX)
			return -E2BIG;
		err = resume(s, PTRACE_SINGLESTEP, &at->sleeps);
		if (err)
			return err;
		if (at->syscall)
			at->ret = ptrace(PTRACE_PEEKUSER, s->pid,
					 offsetof(struct user_regs_struct, rax), NULL);
	}
}

/* To the breakpoint, which is at @rip, and take it away */
static int run_to_text(struct step *s, uint64_t rip, long text)
{
	struct user_regs_struct regs;
	int err;

	if (ptrace(PTRACE_POKETEXT, s->pid, rip, (text & ~0xffL) | INT3))
		return -errno;
	err = resume(s, PTRACE_CONT, NULL);
	if (!err)
		err = regs_get(s->pid, &regs);
	if (err)
		return err;
	/* it stands behind it, or at the end of the call, which it had missed */
	if (regs.rip != rip + 1)
		return -EAGAIN;
	if (ptrace(PTRACE_POKETEXT, s->pid, rip, text))
		return -errno;
	regs.rip = rip;
	return regs_set(s->pid, &regs);
}

/* Until it is at @rip for the how manieth time */
static int run_to(struct step *s, uint64_t rip, uint32_t times)
{
	long text;
	int err;

	errno = 0;
	text = ptrace(PTRACE_PEEKTEXT, s->pid, rip, NULL);
	if (errno)
		return -errno;
	err = run_to_text(s, rip, text);
	while (!err && --times) {
		err = resume(s, PTRACE_SINGLESTEP, NULL);
		if (!err)
			err = run_to_text(s, rip, text);
	}
	return err;
}

int step_go(struct step *s, uint32_t k)
{
	const struct step_at *at = s->trace->at;
	uint32_t i = k && !s->whole ? at[k].via : 0;
	int err = 0;

	if (i)
		err = run_to(s, at[i].rip, at[i].times);
	for (; !err && i < k; i++) {
		err = resume(s, PTRACE_SINGLESTEP, NULL);
		if (!err && peek_rip(s->pid) != at[i + 1].rip)
			err = -EAGAIN;
	}
	return err;
}

int step_syscall(struct step *s)
{
	return resume(s, PTRACE_SYSCALL, NULL);
}

int step_free(struct step *s)
{
	to_cpu(s->pid, sysconf(_SC_NPROCESSORS_ONLN) - 1);
	return ptrace(PTRACE_CONT, s->pid, NULL, NULL) ? -errno : 0;
}

int step_kill(struct step *s)
{
	int status;

	if (kill(s->pid, SIGKILL))
		return -errno;
	do {
		if (waitpid(s->pid, &status, 0) != s->pid)
			return -errno;
	} while (!WIFSIGNALED(status) && !WIFEXITED(status));
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : -ENOENT;
}
