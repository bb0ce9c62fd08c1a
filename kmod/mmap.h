/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mapping a member's areas.
 */
#ifndef _DMRING_MMAP_H
#define _DMRING_MMAP_H

struct dmring_member;
struct vm_area_struct;

int dmring_mmap(struct dmring_member *m, struct vm_area_struct *vma);

#endif /* _DMRING_MMAP_H */
