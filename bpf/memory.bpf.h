/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who holds memory that others may hold: mappings, segments, open POSIX queues. What moves through it has no hook.
 *
 * Guarantee: the record says when a process comes to hold what (CSN_FLAG_HOLDS), that a child holds what its parent did, and
 * when it holds nothing any more: it ended, or runs another program. From then on it and what it holds count as
 * having taken in whatever anybody did who holds memory (news.bpf.h), so nothing is left out that may have come through
 * memory [AUD-1]. If there is no room to note that, everybody counts as such a one.
 *
 * So it does of a compartment that has no label yet, for what is shared and can be written.
 *
 * Not covered: memory of unlabelled processes outside; a file that was mapped to be read before it, or the compartment, got
 * its first label; letting go of memory, which has no hook: who held it holds it until then.
 */
#ifndef CSN_MEMORY_H
#define CSN_MEMORY_H

/* Everybody who holds memory has news. */
static __always_inline void memory_moved(void)
{
	move(&control.memory, bpf_ktime_get_boot_ns());
}

/* A subject holds memory, until its address space is gone. */
__noinline int note_holder(u64 id, u64 space)
{
	u64 one = 1, *times = taken_by(id);

	if (bpf_map_update_elem(&holders, &id, &one, BPF_NOEXIST)) {
		if (!bpf_map_lookup_elem(&holders, &id))
			*(volatile u32 *)&control.all_hold = 1;
		return 0;
	}
	bpf_map_update_elem(&spaces, &space, &id, BPF_ANY); /* else it is never forgotten */
	if (times)
		__sync_fetch_and_add(times, 1ull << TAKEN_BITS);
	return 0;
}

/* From now on the current task's process holds memory; that is on the record already. */
static __always_inline void hold(u64 id)
{
	if (is_holder(id))
		return;
	note_holder(id, (u64)READ_FAR(bpf_get_current_task_btf(), mm));
	memory_moved(); /* by what it knew before */
}

static __always_inline int is_held(const struct csn_object *object)
{
	return *(const volatile u64 *)&object->id == CSN_OBJECT_HELD;
}

/* mm/mmap.c: nobody uses the address space any more. Its address is not given out again before. */
SEC("?fentry/exit_mmap")
int BPF_PROG(space_ends, struct mm_struct *mm)
{
	u64 space = (u64)mm, *id = bpf_map_lookup_elem(&spaces, &space), *times, was;

	if (!id)
		return 0;
	was = *id;
	times = taken_by(was);
	bpf_map_delete_elem(&spaces, &space);
	if (!bpf_map_delete_elem(&holders, &was) && times)
		__sync_fetch_and_add(times, -(1ull << TAKEN_BITS));
	return 0;
}

#endif
