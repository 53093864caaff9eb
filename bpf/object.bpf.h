/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which context does an inode have? [OBJ-1..OBJ-4]
 *
 * Order: its own (pipes, memfd: made by a labelled subject), its entry, the entry
 * of the nearest directory above it, its file system's. The answer is cached in
 * the inode's storage until the epoch moves on, which every change of a label does.
 * An inode of overlayfs has the context of the layer that holds it. What cannot
 * be found out (a file opened by handle whose directory is not in memory, more than
 * CSN_MAX_DEPTH directories) is CSN_CTX_UNKNOWN, which every party is refused.
 *
 * Not covered: file systems whose inodes have no stable number (see worlds.bpf.h).
 */
#ifndef CSN_OBJECT_H
#define CSN_OBJECT_H

#define PIPEFS_MAGIC 0x50495045
#define SOCKFS_MAGIC 0x534F434B
#define OVERLAYFS_MAGIC 0x794c7630
#define PROC_MAGIC 0x9fa0
#define PIDFS_MAGIC 0x50494446
#define NSFS_MAGIC 0x6e736673

extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;

extern void *bpf_rdonly_cast(const void *object, u32 type) __ksym;

/* A field of the kernel's; 0 where the address is bad. The cast is free and the load one
 * instruction, where bpf_probe_read_kernel is 90. */
#define READ(pointer, field)                                                                          \
	({                                                                                            \
		typeof(pointer) pointer_ = (pointer);                                                 \
		pointer_ = bpf_rdonly_cast(pointer_, bpf_core_type_id_kernel(typeof(*pointer_)));     \
		pointer_->field;                                                                      \
	})

/* The same for types of a module, which the cast does not know. */
#define READ_FAR(pointer, field)                                                  \
	({                                                                        \
		typeof(pointer) pointer_ = (pointer);                             \
		typeof((pointer_)->field) value_ = 0;                             \
		bpf_core_read((void *)&value_, sizeof(value_), &pointer_->field); \
		value_;                                                           \
	})

static __always_inline void key_of(struct inode *inode, struct csn_key *key)
{
	key->ino = READ(inode, i_ino);
	key->generation = READ(inode, i_generation);
	key->dev = READ(READ(inode, i_sb), s_dev);
}

/* One name of the inode: any will do, since an inode whose names lie in directories
 * of different contexts has an entry of its own [OBJ-3]. */
static __always_inline struct dentry *alias_of(struct inode *inode)
{
	struct hlist_node *node = 0;

	bpf_core_read(&node, sizeof(node), &inode->i_dentry.first);
	if (!node)
		return 0;
	if (bpf_core_field_exists(((struct dentry___nested *)0)->d_u))
		return (void *)node - bpf_core_field_offset(struct dentry___nested, d_u.d_alias);
	return (void *)node - bpf_core_field_offset(struct dentry, d_alias);
}

struct climb {
	u64 dentry;
	u64 root;
	u32 device_context;
	u32 first; /* still at the inode itself */
	u32 found; /* the answer, when done */
	u32 done;
};

static int climb_one(u32 index, struct climb *climb)
{
	struct dentry *dentry = (void *)climb->dentry;
	struct inode *inode = READ(dentry, d_inode);
	struct dentry *parent;
	struct csn_entry *entry;
	struct csn_key key = {};

	if (inode) {
		key_of(inode, &key);
		entry = bpf_map_lookup_elem(&entries, &key);
		if (entry && (climb->first || !CHECK(self_only, entry->flags & CSN_ENTRY_SELF))) {
			climb->found = entry->context;
			climb->done = 1;
			return 1;
		}
	}
	climb->first = 0;
	if (climb->dentry == climb->root) {
		climb->found = climb->device_context;
		climb->done = 1;
		return 1;
	}
	parent = READ(dentry, d_parent);
	if (!parent || parent == dentry) /* not connected to the root */
		return 1;
	climb->dentry = (u64)parent;
	return 0;
}

/* The layer that holds an overlayfs inode: the upper one if there is one. */
static __always_inline struct dentry *layer_of(struct inode *inode, u32 *lower)
{
	struct ovl_inode *ovl;
	struct dentry *dentry = 0;
	struct ovl_entry *entry;

	if (!bpf_core_type_exists(struct ovl_inode))
		return 0;
	ovl = (void *)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode);
	dentry = READ_FAR(ovl, __upperdentry);
	if (dentry)
		return dentry;
	*lower = 1;
	entry = READ_FAR(ovl, oe);
	if (!entry || !READ_FAR(entry, __numlower))
		return 0;
	bpf_core_read(&dentry, sizeof(dentry), &entry->__lowerstack[0].dentry);
	return dentry;
}

/* Down to an inode of a file system that is no overlay. 2: the kernel's own limit
 * (FILESYSTEM_MAX_STACK_DEPTH). Gives the inode; *dentry its name, *lower whether
 * the outermost overlay has no upper layer for it. */
static __always_inline struct inode *real_inode(struct inode *inode, struct dentry **dentry, u32 *lower)
{
	u32 below = 0;

	*dentry = 0;
	for (int i = 0; i < 3; i++) {
		if (!inode || READ(READ(inode, i_sb), s_magic) != OVERLAYFS_MAGIC)
			return inode;
		*dentry = layer_of(inode, i ? &below : lower);
		if (!*dentry)
			return 0;
		inode = READ(*dentry, d_inode);
	}
	return 0;
}

/* The context of a process; `none` when there is no such process (any more). */
static __always_inline u32 process_context(struct pid *pid, u32 none)
{
	struct task_struct *task;
	struct csn_subject *s;
	u32 context = CSN_CTX_UNLABELLED;
	int nr = 0;

	bpf_core_read(&nr, sizeof(nr), &pid->numbers[0].nr);
	task = bpf_task_from_pid(nr);
	if (!task)
		return none;
	s = bpf_task_storage_get(&subjects, task, 0, 0);
	if (s)
		context = CHECK(platform, s->in == CSN_CTX_PLATFORM_IN) ? CSN_CTX_SEALED : s->in;
	bpf_task_release(task);
	return context;
}

/* /proc/locks: it shows the locks of all processes, byte ranges of their choice included. */
static __always_inline int is_lock_list(struct inode *inode)
{
	struct dentry *dentry = alias_of(inode);
	char name[8] = {};

	if (!dentry || READ(dentry, d_parent) != READ(READ(inode, i_sb), s_root))
		return 0;
	bpf_probe_read_kernel_str(name, sizeof(name), READ(dentry, d_name.name));
	return bpf_strncmp(name, 6, "locks") == 0;
}

/* A file of /proc/PID has the context of that process [OP-9]. */
static __always_inline u32 proc_context(struct inode *inode)
{
	struct proc_inode *proc = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	struct pid *pid = READ(proc, pid);

	if (!pid)
		return CHECK(locks, is_lock_list(inode)) ? CSN_CTX_SEALED : CSN_CTX_BASE; /* the kernel about itself */
	return CHECK(process, process_context(pid, CSN_CTX_UNLABELLED));
}

/* A pidfd tells how its process ended, and who it was. */
static __always_inline u32 pidfd_context(struct inode *inode, u32 none)
{
	struct pid *pid = READ(inode, i_private);

	return pid ? process_context(pid, none) : CHECK(no_process, CSN_CTX_UNKNOWN);
}

#define CLONE_NEWIPC 0x08000000
#define CLONE_NEWNET 0x40000000

/* A namespace as a file, however it was opened, by a handle too: who has it can enter it, and sees
 * names, ports and keys of those within. */
static __always_inline u32 namespace_context(struct inode *inode)
{
	struct ns_common *ns = READ(inode, i_private);
	int type;

	if (bpf_core_field_exists(((struct ns_common___typed *)0)->ns_type))
		type = READ_FAR((struct ns_common___typed *)ns, ns_type);
	else
		type = READ(READ(ns, ops), type);
	if (CHECK(network, type == CLONE_NEWNET)) {
		u64 cookie = READ((struct net *)((void *)ns - bpf_core_field_offset(struct net, ns)), net_cookie);
		struct csn_network *network = bpf_map_lookup_elem(&networks, &cookie);

		return network ? network->context : CSN_CTX_UNLABELLED;
	}
	if (CHECK(ipc, type == CLONE_NEWIPC)) {
		/* that of its file system of queues, which the launcher labels */
		struct vfsmount *queues = READ((struct ipc_namespace *)((void *)ns - bpf_core_field_offset(struct ipc_namespace, ns)), mq_mnt);
		u32 dev = queues ? READ(READ(queues, mnt_sb), s_dev) : 0;
		struct csn_device *device = bpf_map_lookup_elem(&devices, &dev);

		return device ? device->context : CSN_CTX_UNLABELLED;
	}
	return CSN_CTX_UNLABELLED;
}

#define RESOLVED_CACHE (1ull << 32)
#define RESOLVED_LOWER (1ull << 33)
#define RESOLVED_WATCHED (1ull << 34)
#define RESOLVED_OPAQUE (1ull << 35)

/* On the way up to the root, the first mark. */
static int climb_to_mark(u32 index, struct climb *climb)
{
	struct dentry *dentry = (void *)climb->dentry;
	struct inode *inode = READ(dentry, d_inode);
	struct dentry *parent = READ(dentry, d_parent);
	struct csn_key key = {};
	u32 *mark;

	if (inode) {
		key_of(inode, &key);
		mark = bpf_map_lookup_elem(&marks, &key);
		if (mark) {
			climb->found = *mark;
			return 1;
		}
	}
	if (climb->dentry == climb->root || !parent || parent == dentry)
		return 1;
	climb->dentry = (u64)parent;
	return 0;
}

/* What the scope of the record says of an inode; as RESOLVED_* */
static __always_inline u64 mark_of(u64 dentry, u64 root)
{
	struct climb climb = { .dentry = dentry, .root = root };

	if (!(control.scope & CSN_SCOPE_MARKS))
		return 0;
	bpf_loop(CSN_MAX_DEPTH, climb_to_mark, &climb, 0);
	return climb.found & CSN_MARK_OPAQUE ? RESOLVED_OPAQUE : climb.found ? RESOLVED_WATCHED : 0;
}

/* An address on the stack: global functions take scalars and memory, and a pointer
 * read back from memory is a scalar. */
struct where {
	u64 inode;
};

/* Slow path: the context, and whether it may be cached. A global function, so the
 * verifier looks at it once a program. */
__noinline u64 resolve(const struct where *where)
{
	struct inode *outer, *inode;
	struct dentry *dentry = 0;
	struct super_block *sb;
	struct csn_device *device;
	struct climb climb = { .first = 1 };
	u32 lower = 0, dev;
	u64 magic, flags;

	if (!where)
		return CSN_CTX_UNKNOWN;
	outer = (void *)where->inode;
	magic = READ(READ(outer, i_sb), s_magic);
	if (magic == PROC_MAGIC)
		return proc_context(outer);
	if (magic == PIDFS_MAGIC)
		return CHECK(pidfd, pidfd_context(outer, CSN_CTX_UNLABELLED)); /* see file_open */
	if (magic == NSFS_MAGIC)
		return namespace_context(outer);
	if (magic == PIPEFS_MAGIC || magic == SOCKFS_MAGIC)
		return CSN_CTX_UNLABELLED;
	inode = real_inode(outer, &dentry, &lower);
	if (!inode)
		return magic == OVERLAYFS_MAGIC ? CSN_CTX_UNLABELLED : CHECK(no_layer, CSN_CTX_UNKNOWN);
	sb = READ(inode, i_sb);
	dev = READ(sb, s_dev);
	device = bpf_map_lookup_elem(&devices, &dev);
	if (!device)
		return CSN_CTX_UNLABELLED;
	if (!dentry)
		dentry = alias_of(inode);
	if (!dentry) {
		struct csn_key key = {};
		struct csn_entry *entry;

		key_of(inode, &key);
		entry = bpf_map_lookup_elem(&entries, &key);
		if (entry)
			return CHECK(nameless_entry, entry->context);
		/* a file system with a context for all of it needs no directory */
		return device->flags & CSN_DEVICE_VOLATILE ? device->context : CHECK(nameless, CSN_CTX_UNKNOWN);
	}
	climb.dentry = (u64)dentry;
	climb.root = (u64)READ(sb, s_root);
	climb.device_context = device->context;
	bpf_loop(CSN_MAX_DEPTH, climb_one, &climb, 0);
	flags = lower ? RESOLVED_LOWER | RESOLVED_CACHE : RESOLVED_CACHE;
	flags |= mark_of((u64)dentry, climb.root);
	if (climb.done)
		return flags | climb.found;
	return device->flags & CSN_DEVICE_VOLATILE ? device->context : CHECK(unconnected, CSN_CTX_UNKNOWN);
}

/* Neither it nor a layer below it can have a context: no need to ask further. Direct
 * loads, since the inode is the hook's own. */
static __always_inline int is_elsewhere(struct inode *inode)
{
	struct super_block *super = READ(inode, i_sb);
	u64 magic = READ(super, s_magic);
	u32 dev = READ(super, s_dev);

	return magic != PROC_MAGIC && magic != PIDFS_MAGIC && magic != OVERLAYFS_MAGIC && magic != NSFS_MAGIC &&
	       !bpf_map_lookup_elem(&devices, &dev);
}

/* Its cache is of this epoch and says unlabelled or base: one look at both fields. */
static __always_inline int is_ordinary(struct csn_object *object)
{
	return *(volatile u64 *)object - ((u64)*(volatile u32 *)&control.epoch << 32) <= CSN_CTX_BASE &&
	       !CHECK(flags, object->flags);
}

/* The context of an inode that a hook was given; *storage: what it has, and may get. */
static __always_inline u32 context_and_object(struct inode *inode, struct csn_object **storage)
{
	struct csn_object *object = *storage;
	u32 epoch = control.epoch; /* before the look-up: a change in between makes it stale */
	struct where where;
	u32 lower = 0;
	u64 found;

	if (object) {
		if (CHECK(own, object->flags & CSN_OBJECT_OWN))
			return object->context;
		if (!CHECK(epoch, object->epoch != epoch)) {
			if (!CHECK(layers, object->flags & CSN_OBJECT_LOWER))
				return object->context;
			layer_of(inode, &lower);
			if (lower)
				return object->context;
		}
	}
	if (is_elsewhere(inode))
		return CSN_CTX_UNLABELLED;
	where.inode = (u64)inode;
	found = resolve(&where);
	if (found & RESOLVED_CACHE) {
		if (!object)
			object = *storage = bpf_inode_storage_get(&objects, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (object) {
			object->flags = (found & RESOLVED_LOWER ? CSN_OBJECT_LOWER : 0) |
					(found & RESOLVED_WATCHED ? CSN_OBJECT_WATCHED : 0) |
					(found & RESOLVED_OPAQUE ? CSN_OBJECT_OPAQUE : 0);
			/* context and epoch in one store: never a new epoch with an old context */
			*(volatile u64 *)object = (u64)epoch << 32 | (u32)found;
		}
	}
	return (u32)found;
}

static __always_inline u32 context_of(struct inode *inode)
{
	struct csn_object *object = bpf_inode_storage_get(&objects, inode, 0, 0);

	return context_and_object(inode, &object);
}

#endif
