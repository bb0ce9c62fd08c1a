// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors on purpose: does the debug kernel report them? One a load, by name:
 *
 *	insmod planted.ko what=uaf
 *
 * For debug-reports.sh, which knows what each has to look like in the log.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>

#define LEN	96

static char *what = "nothing";
module_param(what, charp, 0);
MODULE_PARM_DESC(what, "which error");

static volatile unsigned int sink;
static volatile unsigned int bits = 40;

static noinline void planted_nothing(void)
{
	char *p = kmalloc(LEN, GFP_KERNEL);

	kfree(p);
}

/* KASAN */
static noinline void planted_uaf(void)
{
	char *p = kmalloc(LEN, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	kfree(p);
	sink = READ_ONCE(p[8]);
}

/* KASAN, in the memory that logs and slots are made of */
static noinline void planted_vmalloc(void)
{
	char *p = vmalloc(PAGE_SIZE - LEN);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	sink = READ_ONCE(p[PAGE_SIZE - 8]);
	vfree(p);
}

/* kmemleak; the text is seen in its report */
static noinline void planted_leak(void)
{
	char *p = kzalloc(LEN, GFP_KERNEL);

	if (p)
		strscpy(p, "planted leak", LEN);
}

/* lockdep: two orders of two locks, never at the same time */
static noinline void planted_order(void)
{
	static DEFINE_MUTEX(planted_a);
	static DEFINE_MUTEX(planted_b);

	mutex_lock(&planted_a);
	mutex_lock(&planted_b);
	mutex_unlock(&planted_b);
	mutex_unlock(&planted_a);
	mutex_lock(&planted_b);
	mutex_lock(&planted_a);
	mutex_unlock(&planted_a);
	mutex_unlock(&planted_b);
}

static noinline void planted_atomic(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	might_sleep();
	spin_unlock(&lock);
}

/* PROVE_RCU */
static noinline void planted_rcu(void)
{
	static char __rcu *pointer;

	sink = !!rcu_dereference(pointer);
}

static noinline void planted_shift(void)
{
	sink = 1U << bits;
}

static void expired(struct timer_list *timer)
{
}

/* DEBUG_OBJECTS: memory is freed with a timer in it that runs */
static noinline void planted_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, expired, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

static const struct {
	const char *name;
	void (*plant)(void);
} errors[] = {
	{ "nothing", planted_nothing },
	{ "uaf", planted_uaf },
	{ "vmalloc", planted_vmalloc },
	{ "leak", planted_leak },
	{ "order", planted_order },
	{ "atomic", planted_atomic },
	{ "rcu", planted_rcu },
	{ "shift", planted_shift },
	{ "timer", planted_timer },
};

static int __init planted_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (strcmp(what, errors[i].name))
			continue;
		errors[i].plant();
		return 0;
	}
	pr_err("planted: there is no error '%s'\n", what);
	return -EINVAL;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Errors on purpose, for tests of the debug kernel");
