/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is recorded besides labelled parties: everything, a user's processes, those of a cgroup, a
 * path and what is below it; but for what is opaque.
 *
 * Guarantee: nothing here refuses anything, nor keeps anything from the record that has a labelled
 * party [AUD-1]: these records are made where the rules were not asked, since nobody is labelled
 * [FLOW-4], and where there is no room for one it is counted [AUD-3].
 *
 * Not covered: looking up names, reading attributes (stat) and links of files; System V objects,
 * keys, and what one process learns of another but by tracing or signals; threads of the kernel;
 * groups of processes more than SCOPE_LEVELS below the root.
 */
#ifndef CSN_SCOPE_H
#define CSN_SCOPE_H

enum { SCOPE_LEVELS = 12 };

static __always_inline int is_in_cgroup(void)
{
	for (int level = 0; level < SCOPE_LEVELS; level++) {
		u64 cgroup = bpf_get_current_ancestor_cgroup_id(level);

		if (!cgroup)
			return 0;
		if (bpf_map_lookup_elem(&scope_cgroups, &cgroup))
			return 1;
	}
	return 0;
}

/* By the file that it executes, not by the folders above that. */
static __always_inline int is_opaque_program(struct task_struct *task)
{
	struct inode *inode = READ(READ(READ(task, mm), exe_file), f_inode);
	struct csn_key key = {};
	u32 *mark;

	if (!inode)
		return 0;
	key_of(inode, &key);
	mark = bpf_map_lookup_elem(&marks, &key);
	return mark && *mark & CSN_MARK_OPAQUE;
}

/* Is what the current process does recorded, whoever the other end is? Not inlined: many ask.
 * `is_watched`: the other end is. */
__noinline int is_in_scope(u32 is_watched)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 scope = control.scope, uid = (u32)bpf_get_current_uid_gid();

	if (!READ(task, mm))
		return 0;
	if (!is_watched && !(scope & CSN_SCOPE_ALL) &&
	    !(scope & CSN_SCOPE_USERS && bpf_map_lookup_elem(&scope_users, &uid)) &&
	    !(scope & CSN_SCOPE_CGROUPS && is_in_cgroup()))
		return 0;
	return !(scope & CSN_SCOPE_MARKS && is_opaque_program(task));
}

/* Is a flow with this inode recorded, though nobody in it is labelled? */
static __always_inline int is_wide(const struct csn_object *object, u16 op)
{
	u32 flags = object ? object->flags : 0;

	if (!control.scope || op == CSN_OP_LOOKUP || op == CSN_OP_STAT || op == CSN_OP_READLINK ||
	    flags & CSN_OBJECT_OPAQUE)
		return 0;
	return is_in_scope(flags & CSN_OBJECT_WATCHED);
}

#endif
