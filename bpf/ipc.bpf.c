/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System V queues, semaphores and shared memory. Channel rows I1 to I3. POSIX queues are
 * files (I4): their file system has the compartment's context, and opening one is both
 * directions, since sending and receiving have no hook.
 *
 * Guarantee: an object has the context of the subject that made it [OP-6], and each use
 * is judged: looking as reading, changing as writing, semaphores, receiving (which takes
 * the message away, and its sender sees that) and writable attachments as both. A
 * labelled subject makes none in the host's own IPC namespace, where everybody sees
 * keys and numbers; the launcher gives each compartment one of its own.
 *
 * Not covered: loads and stores in a segment that is attached are not judged (contexts of running
 * subjects do not change); the record says who may do them (memory.bpf.h).
 */

#define PROC_IPC_INIT_INO 0xEFFFFFFFu /* include/linux/proc_ns.h */
#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3
#define SHM_RDONLY 010000

static __always_inline u32 ipc_namespace_number(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return READ(READ(READ(task, nsproxy), ipc_ns), ns.inum);
}

/* Judges a use of something that was made outside any file system: `address` is the
 * kernel's, `s` who uses it, not always the current task. */
struct made_use {
	u64 address;
	u64 id; /* of the subject */
	u32 in;
	u32 out;
	u32 number;
	u32 space;
	u16 op;
	u8 want;
	u8 moves; /* of that, what data does; 0: it is on the record elsewhere */
	u32 kind;
	u32 context;
	u32 sort;
	u32 crosses;
	u32 holds; /* not 0: from now on it need not be asked */
};

__noinline int access_made_slow(const struct made_use *use)
{
	struct csn_entity other = {};
	struct event event = {};
	struct news news = {};
	u64 *state = 0;
	int error, what = 0;

	if (!use)
		return -EACCES;
	event.want = use->want;
	if (use->want & WANT_READ) {
		event.verdict = CHECK(read, flow(use->context, use->in));
		if (event.verdict)
			event.want = WANT_READ;
	}
	if (!event.verdict && use->want & WANT_WRITE) {
		event.verdict = CHECK(write, flow(use->out, use->context));
		if (event.verdict)
			event.want = WANT_WRITE;
	}
	if (event.verdict && use->crosses &&
	    is_observed(use->in, use->out, use->crosses, use->context, use->want, event.verdict))
		event.observed = use->want;
	if (!event.verdict || event.observed) {
		news.id = use->id;
		news.key.ino = use->number;
		news.key.dev = ~(u32)(use->kind << 8 | use->sort); /* no device has that number */
		news.key.generation = use->space;
		if (!use->moves)
			return 0;
		state = use->sort == MADE_SEGMENT ? &control.memory : channel_state(&news.key);
		if (state && use->moves & WANT_READ && use->sort != MADE_SEGMENT)
			note_waiting(bpf_get_current_task_btf(), &news.key, use->number, state, use->context, use->in, use->op, use->kind, 0);
		what = news_of(&news, state, use->moves);
		if (use->holds)
			what |= use->moves & WANT_WRITE ? NEWS_WRITE : NEWS_READ;
		if (!what)
			return 0;
		if (!event.verdict)
			event.want = use->moves;
	}
	other.first = use->number;
	other.second = use->space;
	other.third = use->sort;
	event.actor_context = event.want & WANT_WRITE ? use->out : use->in;
	event.other_context = use->context;
	event.op = use->op;
	event.internal = event.verdict == CSN_REFUSED_UNKNOWN;
	event.holds = what ? use->holds : 0;
	error = tell(&event, &other, use->kind);
	if (error >= 0 && what)
		take_note(&news, state, use->moves, error ? what | NEWS_LOST : what);
	if (error >= 0 && event.holds)
		hold(use->id);
	return error < 0 ? -EACCES : 0;
}

static __always_inline int access_made(u64 address, struct csn_subject *s, u32 want, u32 moves, u16 op, u8 kind, u32 number, u32 space, u32 sort)
{
	struct made *known = bpf_map_lookup_elem(&made, &address);
	struct made_use use = {};

	if (s && is_platform(s))
		return 0;
	if (!known && !is_labelled(s) && !(want & WANT_HOLD && may_be_labelled(s)))
		return 0; /* [FLOW-4] */
	use.address = address;
	use.context = known ? known->context : CSN_CTX_UNLABELLED;
	use.sort = known ? known->sort : sort;
	if (s) {
		use.id = s->id;
		use.in = s->in;
		use.out = s->out;
		use.crosses = s->crosses;
	}
	if (!use.id) /* unlabelled: the process stands for the subject, as in access_labelled */
		use.id = stranger(bpf_get_current_task_btf());
	use.number = number;
	use.space = space;
	use.op = op;
	use.want = want & WANT_BOTH;
	use.moves = moves & WANT_BOTH;
	use.holds = s && want & WANT_HOLD;
	use.kind = kind;
	return access_made_slow(&use) ? -EACCES : 0;
}

/* A new object has its maker's context [OP-6]. */
static __always_inline int make(u64 address, u32 sort)
{
	struct csn_subject *s = subject();
	struct made fresh = { .sort = sort };

	if (!is_labelled(s))
		return 0;
	fresh.context = s->out;
	if (bpf_map_update_elem(&made, &address, &fresh, BPF_ANY)) {
		__sync_fetch_and_add(&control.internal, 1);
		return -ENOMEM;
	}
	return 0;
}

static __always_inline int make_ipc(struct kern_ipc_perm *perm, u32 sort)
{
	if (CHECK(host, ipc_namespace_number() == PROC_IPC_INIT_INO)) {
		int error = closed(CSN_OP_SYSV);

		if (error)
			return error;
	}
	return make((u64)perm, sort);
}

static __always_inline void forget_made(void *address)
{
	u64 key = (u64)address;

	bpf_map_delete_elem(&made, &key);
}

static __always_inline int use_ipc(struct kern_ipc_perm *perm, u32 want, u32 sort)
{
	return access_made((u64)perm, subject(), want, want, CSN_OP_SYSV, CSN_ENTITY_IPC, READ(perm, id), ipc_namespace_number(), sort);
}

/* Without an object it is about the whole namespace: none of the host's. */
static __always_inline int control_ipc(struct kern_ipc_perm *perm, int cmd, u32 sort)
{
	u32 want = WANT_BOTH;

	if (!perm)
		return CHECK(host, ipc_namespace_number() == PROC_IPC_INIT_INO) ? closed(CSN_OP_SYSV) : 0;
	switch (cmd) {
	case IPC_RMID:
	case IPC_SET:
	case 16: /* SETVAL */
	case 17: /* SETALL */
		want = WANT_WRITE;
		break;
	case IPC_STAT:
		want = WANT_READ;
	}
	return use_ipc(perm, want, sort);
}

SEC("lsm/ipc_permission")
int BPF_PROG(ipc_permission, struct kern_ipc_perm *perm, short flag)
{
	u32 want = (flag & 0444 ? WANT_READ : 0) | (flag & 0222 ? WANT_WRITE : 0);

	return use_ipc(perm, want ? want : WANT_READ, 0);
}

SEC("lsm/shm_alloc_security")
int BPF_PROG(shm_alloc_security, struct kern_ipc_perm *perm)
{
	return make_ipc(perm, MADE_SEGMENT);
}

SEC("lsm/shm_free_security")
int BPF_PROG(shm_free_security, struct kern_ipc_perm *perm)
{
	forget_made(perm);
	return 0;
}

SEC("lsm/shm_associate")
int BPF_PROG(shm_associate, struct kern_ipc_perm *perm)
{
	return use_ipc(perm, WANT_READ, MADE_SEGMENT);
}

SEC("lsm/shm_shmctl")
int BPF_PROG(shm_shmctl, struct kern_ipc_perm *perm, int cmd)
{
	return control_ipc(perm, cmd, MADE_SEGMENT);
}

SEC("lsm/shm_shmat")
int BPF_PROG(shm_shmat, struct kern_ipc_perm *perm, char *address, int flags)
{
	return use_ipc(perm, WANT_HOLD | (CHECK(writable, !(flags & SHM_RDONLY)) ? WANT_BOTH : WANT_READ), MADE_SEGMENT);
}

SEC("lsm/msg_queue_alloc_security")
int BPF_PROG(msg_queue_alloc_security, struct kern_ipc_perm *perm)
{
	return make_ipc(perm, MADE_QUEUE);
}

SEC("lsm/msg_queue_free_security")
int BPF_PROG(msg_queue_free_security, struct kern_ipc_perm *perm)
{
	forget_made(perm);
	return 0;
}

SEC("lsm/msg_queue_associate")
int BPF_PROG(msg_queue_associate, struct kern_ipc_perm *perm)
{
	return use_ipc(perm, WANT_READ, MADE_QUEUE);
}

SEC("lsm/msg_queue_msgctl")
int BPF_PROG(msg_queue_msgctl, struct kern_ipc_perm *perm, int cmd)
{
	return control_ipc(perm, cmd, MADE_QUEUE);
}

SEC("lsm/msg_queue_msgsnd")
int BPF_PROG(msg_queue_msgsnd, struct kern_ipc_perm *perm)
{
	return use_ipc(perm, WANT_WRITE, MADE_QUEUE);
}

/* A sender hands its message to a receiver that waits: `target` is who receives. That it does is on the
 * record when its call returns. */
SEC("lsm/msg_queue_msgrcv")
int BPF_PROG(msg_queue_msgrcv, struct kern_ipc_perm *perm, struct msg_msg *message, struct task_struct *target)
{
	struct csn_subject *s = bpf_task_storage_get(&subjects, target, 0, 0);
	u32 moves = target == bpf_get_current_task_btf() ? WANT_BOTH : 0;

	return access_made((u64)perm, s, WANT_BOTH, moves, CSN_OP_SYSV, CSN_ENTITY_IPC, READ(perm, id), ipc_namespace_number(), MADE_QUEUE);
}

SEC("lsm/sem_alloc_security")
int BPF_PROG(sem_alloc_security, struct kern_ipc_perm *perm)
{
	return make_ipc(perm, MADE_SEMAPHORES);
}

SEC("lsm/sem_free_security")
int BPF_PROG(sem_free_security, struct kern_ipc_perm *perm)
{
	forget_made(perm);
	return 0;
}

SEC("lsm/sem_associate")
int BPF_PROG(sem_associate, struct kern_ipc_perm *perm)
{
	return use_ipc(perm, WANT_READ, MADE_SEMAPHORES);
}

SEC("lsm/sem_semctl")
int BPF_PROG(sem_semctl, struct kern_ipc_perm *perm, int cmd)
{
	return control_ipc(perm, cmd, MADE_SEMAPHORES);
}

SEC("lsm/sem_semop")
int BPF_PROG(sem_semop, struct kern_ipc_perm *perm)
{
	return use_ipc(perm, WANT_BOTH, MADE_SEMAPHORES);
}
