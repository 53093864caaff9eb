/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Open files: data, mappings, locks, control. Channel rows F1, F2, F10 to F14, F17,
 * P1, P2, I5, I6, K7.
 *
 * Guarantee: an open file is judged at each use, whoever opened it and when.
 *
 * file_permission   each read, write, readdir, sendfile, splice, copy_file_range
 * file_open         each open but O_PATH, handles and /proc/self/fd included
 * file_receive      a descriptor that arrives from another subject [OP-7]
 * mmap_file, file_mprotect, mmap_backing_file   what loads and stores may do later
 * file_ioctl, file_fcntl, file_lock             control, and signs between holders
 *
 * A disk with a labelled file system is not read past that file system: opening the
 * device is refused to all but the platform.
 * Reading a file that somebody watches counts as both directions: the watcher is told.
 *
 * Not covered: loads and stores through a mapping that was legal when it was made
 * (labels of mapped files are not changed, see src/daemon/holders.ts); splice between
 * two pipes, tee, vmsplice (seccomp in the launcher).
 */

static __always_inline u32 want_of_mode(u32 mode)
{
	return (mode & FMODE_READ ? WANT_READ : 0) | (mode & FMODE_WRITE ? WANT_WRITE : 0);
}

/* Both ends of a FIFO learn of each other already by opening it. Who has a regular file
 * open for writing learns its size (lseek, which no hook sees). What is done with an open
 * POSIX queue no hook sees, and receiving takes a message away [OP-3]. */
static __always_inline u32 want_of_open(struct file *file)
{
	u32 want = want_of_mode(file->f_mode), type = file->f_inode->i_mode & S_IFMT;

	if (CHECK(fifo, type == S_IFIFO) || CHECK(size, type == S_IFREG && want & WANT_WRITE) ||
	    CHECK(queue, type == S_IFREG && READ(READ(READ(file, f_inode), i_sb), s_magic) == MQUEUE_MAGIC))
		want = WANT_BOTH;
	return want ? want : WANT_READ;
}

/* A disk under a file system that holds labels; answer() marks all of its driver's. */
__noinline int refuse_disk(const struct where *where)
{
	struct csn_subject *s = subject();
	struct event event = {};
	u32 dev;

	if (!where || (s && is_platform(s)))
		return 0;
	dev = READ((struct inode *)where->inode, i_rdev) | ALL_MINORS;
	if (!bpf_map_lookup_elem(&devices, &dev))
		return 0;
	event.where.inode = where->inode;
	event.want = WANT_READ;
	event.op = CSN_OP_DEVICE;
	event.verdict = CSN_REFUSED_SECRECY;
	event.actor_context = s ? s->in : CSN_CTX_UNLABELLED;
	event.other_context = CSN_CTX_SEALED;
	record_flow(&event, 0);
	return 1;
}

static __always_inline int is_refused_disk(struct inode *inode)
{
	struct where where = { .inode = (u64)inode };

	return (inode->i_mode & S_IFMT) == S_IFBLK && refuse_disk(&where);
}

SEC("lsm/file_permission")
int BPF_PROG(file_permission, struct file *file, int mask)
{
	u32 want = (mask & (MAY_READ | MAY_EXEC) ? WANT_READ : 0) | (mask & (MAY_WRITE | MAY_APPEND) ? WANT_WRITE : 0);

	if (CHECK(disk, is_refused_disk(file->f_inode)))
		return -EACCES;
	return access_file(file, want, want & WANT_WRITE ? CSN_OP_WRITE : CSN_OP_READ);
}

/* Whose process a pidfd names is remembered while that process is there to be asked:
 * later only its end is left to tell. Without a process yet (clone gives the pidfd
 * first) it will be as its maker. */
static __always_inline int keep_pidfd_context(struct inode *inode)
{
	struct csn_subject *s = subject();
	struct csn_object *object;
	u32 context = pidfd_context(inode, s ? s->in : CSN_CTX_UNLABELLED);

	if (!CHECK(labelled, context != CSN_CTX_UNLABELLED && context != CSN_CTX_PLATFORM_IN))
		return 0;
	object = bpf_inode_storage_get(&objects, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!object)
		return -ENOMEM;
	if (!(object->flags & CSN_OBJECT_OWN)) {
		object->context = context;
		object->flags = CSN_OBJECT_OWN;
	}
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(file_open, struct file *file)
{
	struct inode *inode = file->f_inode;

	if (CHECK(disk, is_refused_disk(inode)))
		return -EACCES;
	if (READ(READ(inode, i_sb), s_magic) == PIDFS_MAGIC) {
		int error = keep_pidfd_context(inode);

		/* a descriptor of any mode only asks; what it does has hooks of its own */
		return error ? error : access_inode(inode, WANT_READ, CSN_OP_OPEN);
	}
	return access_file(file, want_of_open(file), CSN_OP_OPEN);
}

SEC("lsm/file_truncate")
int BPF_PROG(file_truncate, struct file *file)
{
	return access_inode(file->f_inode, WANT_WRITE, CSN_OP_TRUNCATE);
}

SEC("lsm/file_receive")
int BPF_PROG(file_receive, struct file *file)
{
	struct inode *inode = file->f_inode;
	u32 want = want_of_mode(file->f_mode);
	struct csn_subject *s = subject();

	if (s && CHECK(received, s->compartment)) {
		int error = note_shared(s->compartment);

		if (error)
			return error;
	}
	if (CHECK(queue, want && READ(READ(inode, i_sb), s_magic) == MQUEUE_MAGIC))
		want = WANT_BOTH;
	return access_inode(inode, want ? want : WANT_READ, CSN_OP_RECEIVE);
}

/* Memory without a file, for those that come from it by fork. */
static __always_inline int shares_memory(void)
{
	struct csn_subject *s = subject();
	struct csn_entity memory = {};
	struct event event = {};

	if (!may_be_labelled(s))
		return 0;
	event.actor_context = s->out;
	event.other_context = s->in;
	event.op = CSN_OP_MMAP;
	event.want = WANT_BOTH;
	event.holds = 1;
	memory.first = __sync_fetch_and_add(&control.next_subject, 1);
	if (tell(&event, &memory, CSN_ENTITY_ANON) < 0)
		return -EACCES;
	hold(s->id);
	return 0;
}

/* Mapped so, it is memory without a file (drivers/char/mem.c). */
static __always_inline int is_zero(struct inode *inode)
{
	return (inode->i_mode & S_IFMT) == S_IFCHR && READ(inode, i_rdev) == DEVICE(1, 5);
}

SEC("lsm/mmap_file")
int BPF_PROG(mmap_file, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags)
{
	u32 want = WANT_READ, type = flags & MAP_TYPE;
	u32 is_shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
	u64 given = 0;

	/* as a number: some kernels take the pointer for one that is never 0, and drop what is only done
	 * when it is; others want to see it compared */
	bpf_get_func_arg(ctx, 0, &given);
	if (!given)
		return is_shared ? shares_memory() : 0;
	if (!file)
		return 0;
	if (is_shared && CHECK(zero, is_zero(file->f_inode)))
		return shares_memory();
	if (CHECK(shared, is_shared && prot & PROT_WRITE))
		want = WANT_BOTH;
	return access_file(file, want, CSN_OP_MMAP);
}

SEC("lsm/file_mprotect")
int BPF_PROG(file_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)
{
	struct file *file = vma->vm_file;
	u32 want = WANT_READ;

	if (!file)
		return 0;
	if (CHECK(shared, vma->vm_flags & VM_SHARED && prot & PROT_WRITE))
		want = WANT_BOTH;
	return access_inode(file->f_inode, want, CSN_OP_MPROTECT);
}

/* overlayfs and its like: the file of the layer that really gets mapped */
SEC("?lsm/mmap_backing_file")
int BPF_PROG(mmap_backing_file, struct vm_area_struct *vma, struct file *backing_file, struct file *user_file)
{
	u32 want = WANT_READ;

	if (CHECK(shared, vma->vm_flags & VM_SHARED && vma->vm_flags & (VM_MAYWRITE)))
		want = WANT_BOTH;
	return access_inode(backing_file->f_inode, want, CSN_OP_MMAP);
}

/* Calls that only ask, or touch nothing but the caller's own descriptor. What is not
 * here may do anything to the object and counts as both directions. */
static __always_inline u32 want_of_ioctl(u32 cmd)
{
	switch (cmd) {
	case 0x5421: /* FIONBIO */
	case 0x5450: /* FIONCLEX */
	case 0x5451: /* FIOCLEX */
		return 0;
	case 0x5401:	 /* TCGETS */
	case 0x802c542a: /* TCGETS2 */
	case 0x5413:	 /* TIOCGWINSZ */
	case 0x540f:	 /* TIOCGPGRP */
	case 0x5429:	 /* TIOCGSID */
	case 0x541b:	 /* FIONREAD */
	case 0x5460:	 /* FIOQSIZE */
	case 0x2:	 /* FIGETBSZ */
	case 0x80086601: /* FS_IOC_GETFLAGS */
	case 0x80087601: /* FS_IOC_GETVERSION */
	case 0x801c581f: /* FS_IOC_FSGETXATTR */
	case 0xc020660b: /* FS_IOC_FIEMAP */
		return WANT_READ;
	}
	if ((cmd & 0xffff) == 0xff0b) /* PIDFD_GET_INFO, of any size */
		return WANT_READ;
	return CHECK(unknown_call, WANT_BOTH);
}

static __always_inline int control_file(struct file *file, u32 cmd)
{
	u32 want = want_of_ioctl(cmd);

	return want ? access_inode(file->f_inode, want, CSN_OP_IOCTL) : 0;
}

SEC("lsm/file_ioctl")
int BPF_PROG(file_ioctl, struct file *file, unsigned int cmd, unsigned long arg)
{
	return control_file(file, cmd);
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(file_ioctl_compat, struct file *file, unsigned int cmd, unsigned long arg)
{
	return control_file(file, cmd);
}

SEC("lsm/file_lock")
int BPF_PROG(file_lock, struct file *file, unsigned int cmd)
{
	return access_inode(file->f_inode, WANT_BOTH | WANT_LOCK, CSN_OP_LOCK);
}

static __always_inline int refuse_lease(struct file *file)
{
	struct csn_subject *s = subject();
	struct event event = {};

	if (s && is_platform(s))
		return 0;
	event.where.inode = (u64)file->f_inode;
	event.want = WANT_BOTH;
	event.op = CSN_OP_LOCK;
	event.verdict = CSN_REFUSED_CLOSED;
	event.actor_context = s ? s->out : CSN_CTX_UNLABELLED;
	event.other_context = context_of(file->f_inode);
	record_flow(&event, 0);
	return -EACCES;
}

/* include/uapi/asm-generic/fcntl.h, include/uapi/linux/fcntl.h */
SEC("lsm/file_fcntl")
int BPF_PROG(file_fcntl, struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case 8:	 /* F_SETOWN */
	case 10: /* F_SETSIG */
	case 15: /* F_SETOWN_EX */
		/* signals on input and output: judged again when one is sent */
		return CHECK(owner, access_inode(file->f_inode, WANT_BOTH, CSN_OP_FCNTL));
	case 1024: /* F_SETLEASE: tells holder and opener of each other */
		/* one on writing is broken by each reader, whom nobody may be told of */
		if (arg == 1)
			return CHECK(write_lease, refuse_lease(file));
		return CHECK(lease, access_inode(file->f_inode, WANT_BOTH | WANT_LOCK, CSN_OP_LOCK));
	case 5:	 /* F_GETLK: who else holds one */
	case 36: /* F_OFD_GETLK */
		return CHECK(get_lock, access_inode(file->f_inode, WANT_READ | WANT_LOCK, CSN_OP_LOCK));
	case 1032: /* F_GETPIPE_SZ */
	case 1034: /* F_GET_SEALS */
	case 1035: /* F_GET_RW_HINT */
	case 1037: /* F_GET_FILE_RW_HINT */
		return CHECK(get, access_inode(file->f_inode, WANT_READ, CSN_OP_FCNTL));
	case 1026: /* F_NOTIFY */
		return CHECK(notify, access_inode(file->f_inode, WANT_READ, CSN_OP_WATCH));
	case 1031: /* F_SETPIPE_SZ */
	case 1033: /* F_ADD_SEALS */
	case 1036: /* F_SET_RW_HINT */
	case 1038: /* F_SET_FILE_RW_HINT */
		return CHECK(set, access_inode(file->f_inode, WANT_WRITE, CSN_OP_FCNTL));
	}
	return 0;
}

/* What happened to the file is told to whoever was named for it, at some time by somebody: the
 * file's context must flow to that process. The current task, if there is one, only wrote. */
SEC("lsm/file_send_sigiotask")
int BPF_PROG(file_send_sigiotask, struct task_struct *target, struct fown_struct *owner, int signal)
{
	struct csn_subject *o = bpf_task_storage_get(&subjects, target, 0, 0);
	struct csn_entity process = {};
	struct event event = {};
	struct inode *inode;
	struct file *file;
	u32 in = 0;

	if (o) {
		if (is_platform(o))
			return 0;
		in = o->in;
	}
	file = owner->file;
	if (!file)
		return in ? -EACCES : 0;
	inode = file->f_inode;
	event.actor_context = context_of(inode);
	if (!in && event.actor_context <= CSN_CTX_BASE)
		return 0; /* [FLOW-4] */
	event.verdict = flow(event.actor_context, in);
	if (!event.verdict && event.actor_context == in)
		return 0; /* within one context nothing moves that the record lacks */
	event.other_context = in;
	event.op = CSN_OP_SIGNAL;
	event.want = WANT_WRITE;
	other_process(&process, target, o);
	return emit(&event, &process, CSN_ENTITY_PROCESS) < 0 ? -EACCES : 0;
}
