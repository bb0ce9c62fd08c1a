// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/dmring: one open file is one member.
 *
 * Every argument is copied in once, checked whole, and only then acted upon.
 * Reserved fields that are not zero are refused.
 *
 * Locking: member->lock around attach, member->map_lock around mmap; leaving needs none but the
 * ring's.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "chardev.h"
#include "election.h"
#include "file_io.h"
#include "member.h"
#include "mmap.h"
#include "pump.h"
#include "services.h"
#include "wait.h"

static int ring_open(struct inode *inode, struct file *file)
{
	struct dmring_member *m;

	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) != (FMODE_READ | FMODE_WRITE))
		return -EACCES;
	m = dmring_member_open(file->f_mapping);
	if (IS_ERR(m))
		return PTR_ERR(m);
	file->private_data = m;
	file->f_mode |= FMODE_NOWAIT;
	return stream_open(inode, file);
}

static int ring_release(struct inode *inode, struct file *file)
{
	struct dmring_member *m = file->private_data;

	if (dmring_member_attached(m))
		dmring_pump_leave(m, dmring_reason_of_exit());
	dmring_member_release(m);
	return 0;
}

static int same_file(const void *want, struct file *file, unsigned int fd)
{
	return file == want;
}

/*
 * A descriptor is closed. When the process that attached has no other one of
 * this file, it has left, whoever else may still hold the file.
 */
static int ring_flush(struct file *file, fl_owner_t id)
{
	struct dmring_member *m = file->private_data;

	if (!dmring_member_attached(m) || m->owner != id)
		return 0;
	if (!iterate_fd((struct files_struct *)id, 0, same_file, file))
		dmring_pump_leave(m, dmring_reason_of_exit());
	return 0;
}

/*
 * ioctls
 */

static int check_attach(struct dmring_ioc_attach *args)
{
	if (args->abi != DMRING_ABI) {
		snprintf(args->why, sizeof(args->why),
			 "this module speaks ABI %u, the program ABI %u: update the older one",
			 DMRING_ABI, args->abi);
		return -EPROTONOSUPPORT;
	}
	if (args->flags & ~DMRING_ATTACH_FLAGS ||
	    memchr_inv(args->reserved, 0, sizeof(args->reserved))) {
		strscpy(args->why, "unknown flags, or reserved fields that are not zero",
			sizeof(args->why));
		return -EINVAL;
	}
	if (args->flags & DMRING_ATTACH_SEND_ONLY &&
	    args->flags & (DMRING_ATTACH_NO_ECHO | DMRING_ATTACH_OWN)) {
		strscpy(args->why, "\"send only\" goes with neither \"no echo\" nor \"own\"",
			sizeof(args->why));
		return -EINVAL;
	}
	if (strnlen(args->name, sizeof(args->name)) == sizeof(args->name) || !args->name[0]) {
		snprintf(args->why, sizeof(args->why), "a ring's name has 1 to %d bytes",
			 DMRING_NAME_SIZE - 1);
		return -ENAMETOOLONG;
	}
	return 0;
}

static long ioc_attach(struct dmring_member *m, void __user *arg)
{
	struct dmring_ioc_attach args;
	int err;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	memset(args.why, 0, sizeof(args.why));
	err = check_attach(&args);
	/* a write(2) may hold it for long */
	if (!err)
		err = mutex_lock_interruptible(&m->lock);
	if (!err) {
		err = dmring_member_attach(m, &args);
		mutex_unlock(&m->lock);
	}
	if (copy_to_user(arg, &args, sizeof(args))) {
		if (!err)
			dmring_pump_leave(m, DMRING_REASON_DETACHED);
		return -EFAULT;
	}
	return err;
}

static long ioc_detach(struct dmring_member *m, void __user *arg)
{
	return dmring_pump_leave(m, DMRING_REASON_DETACHED) ? 0 : -ENOTCONN;
}

static long ioc_submit(struct dmring_member *m, void __user *arg)
{
	return dmring_pump_submit(m);
}

static long ioc_enter(struct dmring_member *m, void __user *arg)
{
	struct dmring_ioc_enter args;
	__poll_t events = 0;
	u32 room;
	int err = 0;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.flags & ~DMRING_ENTER_FLAGS || args.reserved[0] || args.reserved[1])
		return -EINVAL;
	if (args.flags & DMRING_ENTER_WRITE ? args.room > m->slot.in_size : args.room)
		return -EINVAL;
	if (args.flags & DMRING_ENTER_READ)
		events |= EPOLLIN | EPOLLPRI;
	if (args.flags & DMRING_ENTER_WRITE)
		events |= EPOLLOUT;
	if (args.flags & DMRING_ENTER_SUBMIT)
		err = dmring_pump_submit(m);
	if (err || !events)
		return err;
	room = args.room ?: m->slot.in_size / 4;
	return dmring_wait(m, events, room, args.timeout_ns, args.flags & DMRING_ENTER_SPIN);
}

static long ioc_send(struct dmring_member *m, void __user *arg)
{
	struct dmring_ioc_send args;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.reserved)
		return -EINVAL;
	return dmring_send_big(m, u64_to_user_ptr(args.data), args.len);
}

static long ioc_ballot(struct dmring_member *m, void __user *arg)
{
	struct dmring_ioc_ballot args;
	long err;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	memset(args.why, 0, sizeof(args.why));
	if (args.flags & ~DMRING_BALLOT_IS_WILLING || args.reserved)
		err = dmring_why(args.why, -EINVAL,
				 "unknown flags, or reserved fields that are not zero");
	else
		err = dmring_election_ballot(m, args.flags & DMRING_BALLOT_IS_WILLING,
					     args.weight, args.why);
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : err;
}

static long ioc_resign(struct dmring_member *m, void __user *arg)
{
	struct dmring_ioc_resign args;
	long err;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	memset(args.why, 0, sizeof(args.why));
	if (args.reserved)
		err = dmring_why(args.why, -EINVAL, "reserved fields that are not zero");
	else
		err = dmring_election_resign(m, args.why);
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : err;
}

static long ioc_offer(struct dmring_member *m, void __user *arg)
{
	struct dmring_ioc_offer args;
	long err;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	memset(args.why, 0, sizeof(args.why));
	if (args.flags & ~DMRING_OFFER_END || args.reserved)
		err = dmring_why(args.why, -EINVAL,
				 "unknown flags, or reserved fields that are not zero");
	else
		err = dmring_services_offer(m, &args);
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : err;
}

static long ioc_status(struct dmring_member *m, void __user *arg)
{
	struct dmring_ioc_status args;
	long err;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	memset(args.why, 0, sizeof(args.why));
	err = dmring_services_status(m, &args, args.why);
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : err;
}

/* One at a time: nothing is copied out under the ring's lock */
static int copy_statuses(struct dmring_ring *ring, struct dmring_ioc_statuses *args)
{
	struct dmring_member_status __user *to = u64_to_user_ptr(args->statuses);
	struct dmring_status now;
	u64 next = args->next;
	u32 n = 0;

	while (n < args->count && dmring_services_next_status(ring, &next, &now)) {
		struct dmring_member_status s = {
			.node = now.host,
			.member = now.member,
			.state = now.state,
			.progress = now.progress,
		};

		memcpy(s.text, now.text, sizeof(s.text));
		if (copy_to_user(to + n++, &s, sizeof(s)))
			return -EFAULT;
		cond_resched();
	}
	args->next = next;
	args->count = n;
	return 0;
}

static long ioc_statuses(struct dmring_member *m, void __user *arg)
{
	struct dmring_ioc_statuses args;
	long err;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	memset(args.why, 0, sizeof(args.why));
	if (memchr_inv(args.reserved, 0, sizeof(args.reserved)))
		err = dmring_why(args.why, -EINVAL, "reserved fields that are not zero");
	else
		err = copy_statuses(m->ring, &args);
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : err;
}

/* By number; what needs a membership says -ENOTCONN without one */
static const struct {
	unsigned int cmd;
	bool attached;
	long (*fn)(struct dmring_member *m, void __user *arg);
} ioctls[] = {
	{ DMRING_IOC_ENTER, true, ioc_enter },
	{ DMRING_IOC_SUBMIT, true, ioc_submit },
	{ DMRING_IOC_SEND, true, ioc_send },
	{ DMRING_IOC_ATTACH, false, ioc_attach },
	{ DMRING_IOC_DETACH, true, ioc_detach },
	{ DMRING_IOC_BALLOT, true, ioc_ballot },
	{ DMRING_IOC_RESIGN, true, ioc_resign },
	{ DMRING_IOC_OFFER, true, ioc_offer },
	{ DMRING_IOC_STATUS, true, ioc_status },
	{ DMRING_IOC_STATUSES, true, ioc_statuses },
};

static long ring_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dmring_member *m = file->private_data;
	int i;

	for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
		if (ioctls[i].cmd != cmd)
			continue;
		if (ioctls[i].attached && !dmring_member_attached(m))
			return -ENOTCONN;
		return ioctls[i].fn(m, (void __user *)arg);
	}
	return -ENOTTY;
}

static __poll_t ring_poll(struct file *file, poll_table *wait)
{
	struct dmring_member *m = file->private_data;

	poll_wait(file, &m->wq, wait);
	if (!dmring_member_attached(m))
		return EPOLLHUP | EPOLLERR;
	return dmring_poll(m);
}

static int ring_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct dmring_member *m = file->private_data;
	int err;

	mutex_lock(&m->map_lock);
	err = dmring_mmap(m, vma);
	mutex_unlock(&m->map_lock);
	return err;
}

static const struct file_operations ring_fops = {
	.owner = THIS_MODULE,
	.open = ring_open,
	.release = ring_release,
	.flush = ring_flush,
	.read_iter = dmring_read_iter,
	.write_iter = dmring_write_iter,
	.poll = ring_poll,
	.mmap = ring_mmap,
	.unlocked_ioctl = ring_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* Anybody may open it; who may attach is the ring's to say */
static struct miscdevice ring_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dmring",
	.fops = &ring_fops,
	.mode = 0666,
};

int dmring_chardev_init(void)
{
	return misc_register(&ring_dev);
}

void dmring_chardev_exit(void)
{
	misc_deregister(&ring_dev);
}
