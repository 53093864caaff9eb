/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Room for records, and what a process is called.
 *
 * Guarantee: each processor has a ring for allowed flows and descriptions; refusals have one of
 * their own, so that no number of allowed flows takes their room. What finds no room is counted by
 * kind [AUD-3]. A process is described with the first record of what it does (before it, if that was allowed): program,
 * arguments, user, cgroup and parent.
 *
 * Not covered: arguments behind the first 288 bytes (their length is told); a program that wrote
 * over its arguments before it did anything worth a record: then that is what is told.
 */
#ifndef CSN_RECORD_H
#define CSN_RECORD_H

/* Which counter of `counters`. */
enum { COUNT_SEQUENCE, COUNT_LOST };

static __always_inline u64 count(u32 which)
{
	u64 *value = bpf_map_lookup_elem(&counters, &which);

	/* a packet's program may run in the middle of another */
	return value ? __sync_fetch_and_add(value, 1) : 0;
}

static __always_inline u64 counted(u32 which)
{
	u64 *value = bpf_map_lookup_elem(&counters, &which);

	return value ? *value : 0;
}

/* What a record begins with. */
enum { ROOM_BYTES = 96 };

static __always_inline void *room_here(void)
{
	u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);

	return ring ? bpf_ringbuf_reserve(ring, ROOM_BYTES, 0) : 0;
}

static __always_inline void *room_for_refusal(void)
{
	return bpf_ringbuf_reserve(&refusals, ROOM_BYTES, 0);
}

static __always_inline struct csn_subject *subject(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!task->bpf_storage) /* of no map at all: most tasks of a host */
		return 0;
	return bpf_task_storage_get(&subjects, task, 0, 0);
}

/* A process, as records name it; `s`: its subject, or 0. */
static __always_inline void other_process(struct csn_entity *entity, struct task_struct *task, const struct csn_subject *s)
{
	entity->first = READ(READ(task, group_leader), start_boottime);
	entity->second = task->tgid;
	entity->third = s ? s->compartment : 0;
}

static __always_inline u32 own_compartment(void)
{
	/* not subject(): who is recorded has a storage, and the verifier takes long over its shortcut */
	struct csn_subject *s = bpf_task_storage_get(&subjects, bpf_get_current_task_btf(), 0, 0);

	return s ? s->compartment : 0;
}

/* The current process, as records name it. */
static __always_inline void name_self(struct csn_entity *entity, u32 compartment)
{
	struct task_struct *task = bpf_get_current_task_btf();

	entity->first = task->group_leader->start_boottime;
	entity->second = task->tgid;
	entity->third = compartment;
}

static __always_inline struct csn_process_record *room_for_part(u32 part, u32 context)
{
	struct csn_process_record *r = room_here();

	if (!r) {
		__sync_fetch_and_add(&control.lost_names, 1);
		return 0;
	}
	__builtin_memset(r, 0, sizeof(*r));
	r->version = CSN_ABI_VERSION;
	r->kind = CSN_KIND_PROCESS;
	r->part = part;
	r->context = context;
	return r;
}

/* 0: told. */
__noinline int describe_process(u32 context)
{
	struct task_struct *task = bpf_get_current_task_btf(), *parent;
	u32 compartment = own_compartment();
	struct csn_process_record *r = room_for_part(0, context);
	struct mm_struct *mm = task->mm;

	if (!r)
		return -ENOMEM;
	name_self(&r->entity, compartment);
	parent = READ(task, real_parent);
	r->process.parent.first = READ(READ(parent, group_leader), start_boottime);
	r->process.parent.second = READ(parent, tgid);
	r->process.cgroup = bpf_get_current_cgroup_id();
	r->process.uid = (u32)bpf_get_current_uid_gid();
	r->process.gid = bpf_get_current_uid_gid() >> 32;
	r->process.executions = task->self_exec_id;
	r->process.argument_bytes = READ(mm, arg_end) - READ(mm, arg_start);
	bpf_get_current_comm(r->process.comm, sizeof(r->process.comm));
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return 0;
}

__noinline int describe_program(u32 context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct dentry *dentry = READ(READ(task->mm, exe_file), f_path.dentry), *parent;
	u32 compartment = own_compartment();
	struct csn_process_record *r;

	if (!dentry)
		return 0; /* the kernel's own */
	r = room_for_part(1, context);
	if (!r)
		return -ENOMEM;
	name_self(&r->entity, compartment);
	for (int i = 0; i < 3; i++) {
		bpf_probe_read_kernel_str(r->path[i], CSN_NAME_BYTES, READ(dentry, d_name.name));
		parent = READ(dentry, d_parent);
		if (!parent || parent == dentry)
			break;
		dentry = parent;
	}
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return 0;
}

/* What of the arguments is still to be told. */
struct argument_walk {
	struct csn_entity self;
	u64 at, end;
	u32 context;
	int error;
};

static long tell_part(u64 i, struct argument_walk *walk)
{
	struct csn_process_record *r;
	u64 length = walk->end - walk->at;

	if (walk->at >= walk->end)
		return 1;
	if (length > CSN_PART_BYTES)
		length = CSN_PART_BYTES;
	r = room_for_part(2 + i, walk->context);
	if (!r) {
		walk->error = -ENOMEM;
		return 1;
	}
	r->entity = walk->self;
	bpf_probe_read_user(r->arguments, length & 127, (void *)walk->at);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	walk->at += length;
	return 0;
}

__noinline int describe_arguments(u32 context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct argument_walk walk = { .context = context };

	name_self(&walk.self, own_compartment());
	walk.at = READ(task->mm, arg_start);
	walk.end = READ(task->mm, arg_end);
	bpf_loop(CSN_ARGUMENT_PARTS, tell_part, &walk, 0);
	return walk.error;
}

/* In `named`: no file has such a number beside such others. */
static __always_inline void description_key(struct csn_key *key)
{
	struct task_struct *task = bpf_get_current_task_btf();

	key->ino = task->group_leader->start_boottime;
	key->dev = task->tgid;
	key->generation = ~task->self_exec_id;
}

static __always_inline int is_described(void)
{
	struct csn_key key;

	description_key(&key);
	return bpf_map_lookup_elem(&named, &key) != 0;
}

/* Tells once what the current process runs. What does not fit is told the next time. */
__noinline int describe(u32 context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct csn_key key;
	u32 one = 1;

	if (!READ(task->mm, arg_end)) /* in the middle of exec: it has no arguments yet */
		return 0;
	description_key(&key);
	if (bpf_map_lookup_elem(&named, &key))
		return 0;
	if (describe_process(context) || describe_program(context) || describe_arguments(context))
		return 0;
	bpf_map_update_elem(&named, &key, &one, BPF_ANY);
	return 0;
}

#endif
