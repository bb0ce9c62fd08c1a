// SPDX-License-Identifier: GPL-2.0-only
/*
 * The areas of a member as user space maps them.
 *
 * All are PFN maps of vmalloc memory, filled on fault: exit has no page
 * counts to touch, and the administrator's eviction can take log and index away
 * (later faults then find a page of zeros). A mapping holds the file, the file
 * the member, the member its slot and its ring's log: so nothing mapped is
 * freed, whatever order things die in. A mapping can be neither split nor
 * moved nor inherited; so there is at most the one per mmap().
 *
 * Each file gets a range of page offsets of its own inside the device's
 * address space (vm_pgoff is rewritten), so that one member's maps can be found and
 * zapped without those of another.
 *
 * Locking: the fault handler holds the mmap lock and takes member->map_lock,
 * so that a fault and a zap cannot cross.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"
#include "group.h"
#include "member.h"
#include "mmap.h"
#include "pump.h"

#define FAULT_AROUND	16	/* pages filled by one fault */

/* One mappable area: where it is and who may do what with it */
struct area {
	void *mem;
	size_t bytes;
	bool writable;
	bool twice;
	bool group;	/* taken away at eviction */
};

static bool find_area(const struct dmring_member *m, unsigned int nr, struct area *a)
{
	const struct dmring_slot *s = &m->slot;
	const struct dmring_log *l = &m->ring->log;
	bool reads = !(m->flags & DMRING_ATTACH_SEND_ONLY);
	const struct area areas[] = {
		{ s->user, PAGE_SIZE, .writable = true },
		{ s->kern, PAGE_SIZE },
		{ s->in, s->in_size, .writable = true, .twice = true },
		{ s->out, s->out_size, .twice = true },
		{ l->group, PAGE_SIZE },
		{ reads ? l->data : NULL, l->size, .twice = true, .group = true },
		{ reads ? l->index : NULL, PAGE_ALIGN(l->entries * sizeof(u64)), .group = true },
	};

	if (nr >= ARRAY_SIZE(areas) || !areas[nr].mem)
		return false;
	*a = areas[nr];
	return true;
}

static unsigned int area_nr(const struct dmring_member *m, const struct vm_area_struct *vma)
{
	return (vma->vm_pgoff - m->map_base) >> (DMRING_MAP_SHIFT - PAGE_SHIFT);
}

static vm_fault_t map_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct dmring_member *m = vma->vm_private_data;
	unsigned long off = vmf->address - vma->vm_start;
	unsigned long addr = vmf->address & PAGE_MASK;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	struct area a;
	int i;

	if (!find_area(m, area_nr(m, vma), &a))
		return VM_FAULT_SIGBUS;
	mutex_lock(&m->map_lock);
	for (i = 0; i < FAULT_AROUND && addr < vma->vm_end; i++, addr += PAGE_SIZE) {
		unsigned long pfn = my_zero_pfn(addr);

		if (!a.group || READ_ONCE(m->attached))
			pfn = vmalloc_to_pfn(a.mem + ((off & PAGE_MASK) + i * PAGE_SIZE) % a.bytes);
		ret = vmf_insert_pfn(vma, addr, pfn);
		if (ret != VM_FAULT_NOPAGE)
			break;
	}
	mutex_unlock(&m->map_lock);
	/* the page that faulted came first; that its neighbours failed does not matter */
	return i ? VM_FAULT_NOPAGE : ret;
}

/* A move that is refused makes a second one of it for a moment */
static void map_open(struct vm_area_struct *vma)
{
	struct dmring_member *m = vma->vm_private_data;

	if (area_nr(m, vma) == 0)
		atomic_inc(&m->user_maps);
}

/* Without its user page a member can say nothing more: munmap, exec and exit end it here. */
static void map_close(struct vm_area_struct *vma)
{
	struct dmring_member *m = vma->vm_private_data;

	if (area_nr(m, vma) == 0 && atomic_dec_and_test(&m->user_maps))
		dmring_pump_leave(m, dmring_reason_of_exit());
}

static int map_refuse_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int map_refuse_move(struct vm_area_struct *vma)
{
	return -EPERM;
}

static const struct vm_operations_struct map_ops = {
	.open = map_open,
	.close = map_close,
	.may_split = map_refuse_split,
	.mremap = map_refuse_move,
	.fault = map_fault,
};

static int check_vma(const struct vm_area_struct *vma, const struct area *a)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if ((vma->vm_flags & VM_WRITE) && !a->writable)
		return -EACCES;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	if (vma->vm_end - vma->vm_start != a->bytes << a->twice)
		return -EINVAL;
	return 0;
}

/*
 * Called with m->map_lock held. -ENOTCONN when not attached; -ENXIO no such area;
 * -EINVAL not MAP_SHARED, or not the area's exact length and start; -EACCES a
 * protection it does not have; -EBUSY the user page is mapped already.
 */
int dmring_mmap(struct dmring_member *m, struct vm_area_struct *vma)
{
	unsigned int nr = vma->vm_pgoff >> (DMRING_MAP_SHIFT - PAGE_SHIFT);
	struct area a;
	int err;

	if (!dmring_member_attached(m))
		return -ENOTCONN;
	if (!find_area(m, nr, &a))
		return -ENXIO;
	if (vma->vm_pgoff != (unsigned long)nr << (DMRING_MAP_SHIFT - PAGE_SHIFT))
		return -EINVAL;
	err = check_vma(vma, &a);
	if (err)
		return err;
	if (nr == 0 && m->mapped)
		return -EBUSY;
	if (nr == 0) {
		/* read(2) and write(2) look at it without map_lock */
		WRITE_ONCE(m->mapped, true);
		atomic_set(&m->user_maps, 1);
	}

	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP);
	vm_flags_clear(vma, VM_MAYEXEC | (a.writable ? 0 : VM_MAYWRITE));
	vma->vm_private_data = m;
	vma->vm_pgoff += m->map_base;
	vma->vm_ops = &map_ops;
	return 0;
}
