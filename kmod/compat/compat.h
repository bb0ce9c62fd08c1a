/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only home of kernel-version checks. The sources are written for the
 * newest kernel; what older ones (down to 6.1) lack is made up here.
 */
#ifndef _DMRING_COMPAT_H
#define _DMRING_COMPAT_H

#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#endif /* _DMRING_COMPAT_H */
