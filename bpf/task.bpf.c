/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tasks: who is which subject, and what one may do to another. Channel rows T1, T2,
 * T4 to T6, F14, K5.
 *
 * Guarantee: every task of an address space has the same contexts [SUBJ-1]; fork and
 * exec keep them [SUBJ-3]; a child that could not be labelled is not made.
 *
 * Not covered: exit status and resource use as a parent sees them (the launcher is the
 * parent); system calls that only unshare (seccomp in the launcher).
 */

#define CLONE_VM 0x100
#define CLONE_THREAD 0x10000
#define CLONE_NEW 0x7e020080 /* every CLONE_NEW* flag of clone, time namespace included */

SEC("lsm/task_alloc")
int BPF_PROG(task_alloc, struct task_struct *task, unsigned long clone_flags)
{
	struct csn_subject *s = subject(), *child;

	if (!s || !(s->in || s->out || s->compartment || s->crosses))
		return 0;
	if (!is_platform(s) && clone_flags & CLONE_NEW) {
		int error = CHECK(namespace, closed(CSN_OP_NAMESPACE));

		if (error)
			return error;
	}
	child = bpf_task_storage_get(&subjects, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!child) {
		__sync_fetch_and_add(&control.internal, 1);
		return -ENOMEM;
	}
	child->in = CHECK(in, s->in);
	child->out = CHECK(out, s->out);
	child->compartment = CHECK(compartment, s->compartment);
	child->crosses = s->crosses;
	if ((clone_flags & (CLONE_VM | CLONE_THREAD)) == CLONE_VM)
		s->flags = child->flags = CSN_SUBJECT_HELD;
	child->id = clone_flags & CLONE_VM ? s->id : __sync_fetch_and_add(&control.next_subject, 1) | (s->id & HOLDER);
	if (child->id != s->id) {
		/* it knows what its parent knew: all that is new to anybody */
		u64 now = bpf_ktime_get_boot_ns(), id = child->id;

		bpf_map_update_elem(&states, &id, &now, BPF_ANY);
	}
	return 0;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(bprm_check_security, struct linux_binprm *bprm)
{
	struct csn_subject *s = subject();

	if (s && CHECK(holder, is_holder(s->id)))
		s->flags = CSN_SUBJECT_HELD; /* when it is done, what it held is gone and not known any more */
	return access_file(bprm->file, WANT_READ, CSN_OP_EXEC);
}

/* It holds nothing any more of what it held. */
static __always_inline void tell_release(struct csn_subject *s)
{
	struct csn_entity nothing = {};
	struct event event = {};

	if (!(s->flags & CSN_SUBJECT_HELD))
		return;
	s->flags = 0;
	if (!may_be_labelled(s))
		return;
	event.actor_context = s->out;
	event.other_context = s->out;
	event.op = CSN_OP_EXEC;
	event.want = WANT_WRITE;
	event.is_told = 1;
	event.holds = 1;
	tell(&event, &nothing, CSN_ENTITY_NONE);
}

/* A child of vfork shared its parent's memory until now. */
SEC("lsm/bprm_committed_creds")
int BPF_PROG(bprm_committed_creds, struct linux_binprm *bprm)
{
	struct csn_subject *s = subject();

	if (s)
		tell_release(s);
	if (!may_be_labelled(s) && !(s && s->crosses))
		return 0;
	s->id = __sync_fetch_and_add(&control.next_subject, 1);
	__builtin_memset(s->read, 0, sizeof(s->read));
	__builtin_memset(s->written, 0, sizeof(s->written));
	return 0;
}

/* The child has a number by now. What it will do is told of itself. */
SEC("tp_btf/task_newtask")
int BPF_PROG(task_newtask, struct task_struct *task, unsigned long clone_flags)
{
	struct csn_subject *s = subject(), *c;
	struct csn_entity child = {};
	struct event event = {};

	if (clone_flags & CLONE_THREAD)
		return 0;
	if (s && !(clone_flags & CLONE_VM) && CHECK(inherits, is_holder(s->id))) {
		c = bpf_task_storage_get(&subjects, task, 0, 0);
		if (c)
			note_holder(c->id, (u64)READ_FAR(task, mm));
		memory_moved(); /* what the child makes by itself */
	}
	if (is_labelled(s) || (s && (s->crosses || (may_be_labelled(s) && is_holder(s->id))))) {
		event.actor_context = s->out;
		event.other_context = s->in;
	} else {
		if ((s && is_platform(s)) || !control.scope || !is_in_scope(0))
			return 0;
		event.is_wide = 1;
	}
	event.op = CSN_OP_FORK;
	event.is_told = 1;
	event.holds = CHECK(common, clone_flags & CLONE_VM) && !event.is_wide;
	event.want = WANT_WRITE;
	other_process(&child, task, s); /* of the same compartment */
	tell(&event, &child, CSN_ENTITY_PROCESS);
	return 0;
}

/* Nobody labelled: told if what it did was. Its program is gone by now, so the scope can't be asked. */
static __always_inline int end_of_stranger(struct task_struct *task, const struct csn_subject *s)
{
	struct csn_entity nothing = {};
	struct event event = {};

	if ((s && is_platform(s)) || !control.scope || task->signal->live.counter || !is_described())
		return 0;
	event.op = CSN_OP_END;
	event.is_told = 1;
	event.is_wide = 1;
	event.want = WANT_WRITE;
	event.bytes = task->exit_code;
	tell(&event, &nothing, CSN_ENTITY_NONE);
	return 0;
}

/* The last thread of a process: it is over. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	struct csn_subject *s = subject();
	struct csn_entity nothing = {};
	struct event event = {};

	if (!is_labelled(s) && !(s && s->crosses))
		return end_of_stranger(task, s);
	for (u32 i = 0; i < CSN_MEMORY_SLOTS; i++) {
		event.repeats += s->read[i].repeats;
		event.repeats += s->written[i].repeats;
	}
	__sync_fetch_and_add(&control.merged, event.repeats);
	if (task->signal->live.counter)
		return 0;
	event.repeats = 0;
	event.actor_context = s->out;
	event.other_context = s->out;
	event.op = CSN_OP_END;
	event.is_told = 1;
	event.want = WANT_WRITE;
	event.bytes = task->exit_code;
	tell(&event, &nothing, CSN_ENTITY_NONE);
	return 0;
}

/* include/linux/ptrace.h */
#define PTRACE_MODE_NOAUDIT 4
#define PTRACE_MODE_ATTACH 2

/* Everything in /proc/PID that leads to what a process holds asks here, and pidfd_getfd; what only
 * lists processes asks without audit, and gets nothing but numbers. */
static __always_inline int note_look(struct task_struct *child, unsigned int mode)
{
	struct csn_subject *s = subject(), *o = bpf_task_storage_get(&subjects, child, 0, 0);

	if (!o || !o->compartment || mode & PTRACE_MODE_NOAUDIT)
		return 0;
	if (s && (is_platform(s) || s->compartment == o->compartment))
		return 0;
	return CHECK(look, o->compartment) ? note_shared(o->compartment) : 0;
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(ptrace_access_check, struct task_struct *child, unsigned int mode)
{
	int error;

	if (CHECK(attach, mode & PTRACE_MODE_ATTACH))
		error = access_task(child, WANT_BOTH, CSN_OP_TRACE);
	else
		error = access_task(child, WANT_READ, CSN_OP_INSPECT);
	return error ? error : note_look(child, mode);
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(ptrace_traceme, struct task_struct *parent)
{
	return access_task(parent, WANT_BOTH, CSN_OP_TRACE);
}

SEC("lsm/task_kill")
int BPF_PROG(task_kill, struct task_struct *task, struct kernel_siginfo *info, int sig, const struct cred *cred)
{
	return access_task(task, WANT_WRITE, CSN_OP_SIGNAL);
}

SEC("lsm/task_setpgid")
int BPF_PROG(task_setpgid, struct task_struct *task, int pgid)
{
	return access_task(task, WANT_WRITE, CSN_OP_SCHEDULE);
}

SEC("lsm/task_setnice")
int BPF_PROG(task_setnice, struct task_struct *task, int nice)
{
	/* anybody may read it, with getpriority, which has no hook */
	int error = CHECK(closed, closed(CSN_OP_SCHEDULE));

	return error ? error : access_task(task, WANT_WRITE, CSN_OP_SCHEDULE);
}

SEC("lsm/task_setioprio")
int BPF_PROG(task_setioprio, struct task_struct *task, int ioprio)
{
	return access_task(task, WANT_WRITE, CSN_OP_SCHEDULE);
}

SEC("lsm/task_setscheduler")
int BPF_PROG(task_setscheduler, struct task_struct *task)
{
	return access_task(task, WANT_WRITE, CSN_OP_SCHEDULE);
}

SEC("lsm/task_setrlimit")
int BPF_PROG(task_setrlimit, struct task_struct *task, unsigned int resource)
{
	/* anybody may read it, with prlimit, whose hook does not say of whom */
	int error = CHECK(closed, closed(CSN_OP_SCHEDULE));

	return error ? error : access_task(task, WANT_WRITE, CSN_OP_SCHEDULE);
}

SEC("lsm/task_movememory")
int BPF_PROG(task_movememory, struct task_struct *task)
{
	return access_task(task, WANT_WRITE, CSN_OP_SCHEDULE);
}

SEC("lsm/task_getpgid")
int BPF_PROG(task_getpgid, struct task_struct *task)
{
	return access_task(task, WANT_READ, CSN_OP_INSPECT);
}

SEC("lsm/task_getsid")
int BPF_PROG(task_getsid, struct task_struct *task)
{
	return access_task(task, WANT_READ, CSN_OP_INSPECT);
}

SEC("lsm/task_getscheduler")
int BPF_PROG(task_getscheduler, struct task_struct *task)
{
	return access_task(task, WANT_READ, CSN_OP_INSPECT);
}

SEC("lsm/task_getioprio")
int BPF_PROG(task_getioprio, struct task_struct *task)
{
	return access_task(task, WANT_READ, CSN_OP_INSPECT);
}

SEC("lsm/capget")
int BPF_PROG(capget, struct task_struct *task)
{
	return access_task(task, WANT_READ, CSN_OP_INSPECT);
}

SEC("lsm/userns_create")
int BPF_PROG(userns_create, const struct cred *cred)
{
	return closed(CSN_OP_NAMESPACE);
}
