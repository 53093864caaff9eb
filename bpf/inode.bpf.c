/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Inodes: names, attributes, creation. Channel rows F3 to F8, F17, K6.
 *
 * Guarantee: a name, an attribute or an xattr tells or takes nothing that the rules
 * refuse; a new object has the context of its directory, which is its creator's
 * [OP-4]; links and renames keep an object's context [OBJ-2, OBJ-3].
 *
 * Not covered: access times and space left on the file system (covert, F9).
 */

#define LABEL_XATTR "security.bpf.csn"

SEC("lsm/inode_permission")
int BPF_PROG(inode_permission, struct inode *inode, int mask)
{
	u32 want = (mask & (MAY_READ | MAY_EXEC) ? WANT_READ : 0) | (mask & (MAY_WRITE | MAY_APPEND) ? WANT_WRITE : 0);

	if (!want)
		return 0;
	return access_inode(inode, want, CSN_OP_LOOKUP);
}

/* Creating needs the directory readable and writable, and gives the object the
 * creator's `out`. An ordinary subject passes both only where the directory's context
 * is its own, so that inheriting from the directory gives exactly `out`. A gate
 * whose `out` differs is refused: its objects would need entries of their own. */
static __always_inline int create_in(struct inode *dir, u16 op)
{
	struct csn_subject *s = subject();
	int error = CHECK(directory, access_inode(dir, WANT_BOTH, op));

	if (error || !is_labelled(s))
		return error;
	if (READ(READ(dir, i_sb), s_magic) == OVERLAYFS_MAGIC)
		return 0; /* the upper layer's own hook follows */
	if (s->crosses)
		return 0; /* observed: what access_inode let through is on the record */
	if (CHECK(context, context_of(dir) != s->out)) {
		struct event event = {};

		event.where.inode = (u64)dir;
		event.want = WANT_WRITE;
		event.op = op;
		event.verdict = CSN_REFUSED_CREATE;
		event.actor_context = s->out;
		event.other_context = context_of(dir);
		record_flow(&event, 0);
		return -EACCES;
	}
	return 0;
}

SEC("lsm/inode_create")
int BPF_PROG(inode_create, struct inode *dir, struct dentry *dentry, int mode)
{
	return create_in(dir, CSN_OP_CREATE);
}

SEC("lsm/inode_mkdir")
int BPF_PROG(inode_mkdir, struct inode *dir, struct dentry *dentry, int mode)
{
	return create_in(dir, CSN_OP_MKDIR);
}

SEC("lsm/inode_symlink")
int BPF_PROG(inode_symlink, struct inode *dir, struct dentry *dentry, const char *old_name)
{
	return create_in(dir, CSN_OP_SYMLINK);
}

SEC("lsm/inode_mknod")
int BPF_PROG(inode_mknod, struct inode *dir, struct dentry *dentry, int mode, u32 dev)
{
	u32 type = mode & S_IFMT;

	/* a device is a way to what no hook sees; 0:0 is overlayfs's whiteout */
	if (type == S_IFBLK || (type == S_IFCHR && dev)) {
		int error = CHECK(device, closed(CSN_OP_DEVICE));

		if (error)
			return error;
	}
	return create_in(dir, CSN_OP_MKNOD);
}

/* Would the object keep its context in that directory? [OBJ-3] */
static __always_inline int keeps_context(struct inode *inode, struct inode *dir, u16 op)
{
	u32 mine = context_of(inode), theirs = context_of(dir);
	struct csn_key key = {};
	struct csn_entry *entry;
	struct event event = {};
	struct csn_subject *s;

	if (mine == theirs)
		return 0;
	if (mine <= CSN_CTX_BASE && theirs <= CSN_CTX_BASE) {
		/* it may change between these two [CTX-3], and all that is below it: then
		 * what is cached of them is of the past */
		__sync_fetch_and_add(&control.epoch, 1);
		return 0;
	}
	if (READ(READ(dir, i_sb), s_magic) == OVERLAYFS_MAGIC)
		return 0; /* judged again in the layer */
	key_of(inode, &key);
	entry = bpf_map_lookup_elem(&entries, &key);
	/* a directory's entry that is for itself alone does not hold what is below it */
	if (entry && !CHECK(self_only, entry->flags & CSN_ENTRY_SELF && (inode->i_mode & S_IFMT) == S_IFDIR))
		return 0;
	s = subject();
	if (s && is_platform(s))
		return 0;
	event.where.inode = (u64)inode;
	event.want = WANT_WRITE;
	event.op = op;
	event.verdict = CSN_REFUSED_CREATE;
	event.actor_context = s ? s->out : CSN_CTX_UNLABELLED;
	event.other_context = mine;
	record_flow(&event, 0);
	return -EACCES;
}

SEC("lsm/inode_link")
int BPF_PROG(inode_link, struct dentry *old_dentry, struct inode *dir, struct dentry *new_dentry)
{
	struct inode *inode = old_dentry->d_inode;
	int error = CHECK(directory, access_inode(dir, WANT_BOTH, CSN_OP_LINK));

	if (!error && inode)
		error = CHECK(object, access_inode(inode, WANT_WRITE, CSN_OP_LINK));
	if (!error && inode)
		error = CHECK(keeps, keeps_context(inode, dir, CSN_OP_LINK));
	return error;
}

/* What a call that changes a victim tells of it: of a directory, whether it is empty. */
static __always_inline u32 want_of_victim(struct inode *inode)
{
	return CHECK(empty, (inode->i_mode & S_IFMT) == S_IFDIR) ? WANT_BOTH : WANT_WRITE;
}

static __always_inline int remove_from(struct inode *dir, struct dentry *dentry, u16 op)
{
	struct inode *inode = dentry->d_inode;
	int error = CHECK(directory, access_inode(dir, WANT_BOTH, op));

	if (!error && inode)
		error = CHECK(object, access_inode(inode, want_of_victim(inode), op));
	return error;
}

SEC("lsm/inode_unlink")
int BPF_PROG(inode_unlink, struct inode *dir, struct dentry *dentry)
{
	return remove_from(dir, dentry, CSN_OP_UNLINK);
}

SEC("lsm/inode_rmdir")
int BPF_PROG(inode_rmdir, struct inode *dir, struct dentry *dentry)
{
	return remove_from(dir, dentry, CSN_OP_RMDIR);
}

SEC("lsm/inode_rename")
int BPF_PROG(inode_rename, struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir,
	     struct dentry *new_dentry)
{
	struct inode *inode = old_dentry->d_inode, *target = new_dentry->d_inode;
	int error = remove_from(old_dir, old_dentry, CSN_OP_RENAME);

	if (!error)
		error = CHECK(directory, access_inode(new_dir, WANT_BOTH, CSN_OP_RENAME));
	if (!error && target)
		error = CHECK(target, access_inode(target, want_of_victim(target), CSN_OP_RENAME));
	if (!error && inode)
		error = CHECK(keeps, keeps_context(inode, new_dir, CSN_OP_RENAME));
	if (!error && target) /* an exchange moves it the other way */
		error = CHECK(keeps_exchanged, keeps_context(target, old_dir, CSN_OP_RENAME));
	return error;
}

SEC("lsm/inode_readlink")
int BPF_PROG(inode_readlink, struct dentry *dentry)
{
	return access_inode(dentry->d_inode, WANT_READ, CSN_OP_READLINK);
}

SEC("lsm/inode_follow_link")
int BPF_PROG(inode_follow_link, struct dentry *dentry, struct inode *inode, bool rcu)
{
	return access_inode(inode, WANT_READ, CSN_OP_READLINK);
}

SEC("lsm/inode_setattr")
int BPF_PROG(inode_setattr, struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	return access_inode(dentry->d_inode, WANT_WRITE, CSN_OP_SETATTR);
}

SEC("lsm/inode_getxattr")
int BPF_PROG(inode_getxattr, struct dentry *dentry, const char *name)
{
	return access_inode(dentry->d_inode, WANT_READ, CSN_OP_GETXATTR);
}

SEC("lsm/inode_listxattr")
int BPF_PROG(inode_listxattr, struct dentry *dentry)
{
	return access_inode(dentry->d_inode, WANT_READ, CSN_OP_GETXATTR);
}

/* Both directions: the answer tells whether the attribute was there. The label as it is
 * kept on the object is the daemon's alone. */
static __always_inline int change_xattr(struct dentry *dentry, const char *name)
{
	char text[sizeof(LABEL_XATTR)] = {};
	struct csn_subject *s = subject();

	bpf_probe_read_kernel_str(text, sizeof(text), name);
	if (CHECK(label, !(s && is_platform(s)) && bpf_strncmp(text, sizeof(LABEL_XATTR) - 1, LABEL_XATTR) == 0)) {
		struct event event = {};

		event.where.inode = (u64)dentry->d_inode;
		event.want = WANT_WRITE;
		event.op = CSN_OP_SETXATTR;
		event.verdict = CSN_REFUSED_CLOSED;
		event.actor_context = s ? s->out : CSN_CTX_UNLABELLED;
		record_flow(&event, 0);
		return -EACCES;
	}
	return access_inode(dentry->d_inode, WANT_BOTH, CSN_OP_SETXATTR);
}

SEC("lsm/inode_setxattr")
int BPF_PROG(inode_setxattr, struct mnt_idmap *idmap, struct dentry *dentry, const char *name)
{
	return change_xattr(dentry, name);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(inode_removexattr, struct mnt_idmap *idmap, struct dentry *dentry, const char *name)
{
	return change_xattr(dentry, name);
}

SEC("lsm/inode_set_acl")
int BPF_PROG(inode_set_acl, struct mnt_idmap *idmap, struct dentry *dentry)
{
	return access_inode(dentry->d_inode, WANT_BOTH, CSN_OP_ACL);
}

SEC("lsm/inode_get_acl")
int BPF_PROG(inode_get_acl, struct mnt_idmap *idmap, struct dentry *dentry)
{
	return access_inode(dentry->d_inode, WANT_READ, CSN_OP_ACL);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(inode_remove_acl, struct mnt_idmap *idmap, struct dentry *dentry)
{
	return access_inode(dentry->d_inode, WANT_BOTH, CSN_OP_ACL);
}

SEC("?lsm/inode_file_getattr")
int BPF_PROG(inode_file_getattr, struct dentry *dentry)
{
	return access_inode(dentry->d_inode, WANT_READ, CSN_OP_STAT);
}

SEC("?lsm/inode_file_setattr")
int BPF_PROG(inode_file_setattr, struct dentry *dentry)
{
	return access_inode(dentry->d_inode, WANT_WRITE, CSN_OP_SETATTR);
}

/* include/linux/fsnotify_backend.h: 0 inode, 1 mount, 2 file system, then newer ones */
SEC("lsm/path_notify")
int BPF_PROG(path_notify, struct path *path, u64 mask, unsigned int type)
{
	struct inode *inode = path->dentry->d_inode;
	u32 dev;

	if (type) {
		struct csn_subject *s = subject();
		int error = CHECK(mount, closed(CSN_OP_WATCH));

		if (error)
			return error;
		/* a watch on a whole mount sees labelled files too: nobody but the
		 * platform may have one where labels are */
		dev = path->dentry->d_sb->s_dev;
		if (CHECK(labels, !(s && is_platform(s)) && inode && bpf_map_lookup_elem(&devices, &dev))) {
			struct event event = {};

			event.where.inode = (u64)inode;
			event.want = WANT_READ;
			event.op = CSN_OP_WATCH;
			event.verdict = CSN_REFUSED_SECRECY;
			event.other_context = CSN_CTX_SEALED; /* all that the file system holds */
			record_flow(&event, 0);
			return -EACCES;
		}
		return 0;
	}
	return CHECK(inode, access_inode(inode, WANT_READ, CSN_OP_WATCH));
}

/* A folder of overlayfs that has an upper layer has a lower one too, from which what is
 * below it may come: that gets the entry as well. */
static __always_inline void mark_lower(struct inode *outer, const struct csn_entry *entry)
{
	struct csn_device device = {};
	struct ovl_inode *ovl;
	struct ovl_entry *layers;
	struct dentry *dentry = 0;
	struct csn_key key = {};
	u32 dev;

	if (!bpf_core_type_exists(struct ovl_inode) || READ(READ(outer, i_sb), s_magic) != OVERLAYFS_MAGIC)
		return;
	ovl = (void *)outer - bpf_core_field_offset(struct ovl_inode, vfs_inode);
	layers = READ_FAR(ovl, oe);
	if (!READ_FAR(ovl, __upperdentry) || !layers || !READ_FAR(layers, __numlower))
		return;
	bpf_core_read(&dentry, sizeof(dentry), &layers->__lowerstack[0].dentry);
	if (!dentry)
		return;
	key_of(READ(dentry, d_inode), &key);
	dev = key.dev;
	if (!bpf_map_lookup_elem(&devices, &dev))
		bpf_map_update_elem(&devices, &dev, &device, BPF_NOEXIST);
	bpf_map_update_elem(&entries, &key, entry, BPF_ANY);
}

/* The daemon's question about the inode behind its descriptor. Here, because fstat
 * reaches this hook for every kind of descriptor, and because only the kernel knows
 * the inode's key and, for overlayfs, its layer. */
static __always_inline void answer(struct csn_request *request, struct inode *outer)
{
	struct csn_entry entry = { .context = request->context, .flags = request->flags };
	struct csn_device device = {}, *known;
	struct dentry *dentry = 0;
	struct csn_object *object;
	u32 lower = 0, dev;
	struct inode *inode;
	struct where where = { .inode = (u64)outer };

	request->done = 1;
	request->error = 0;
	object = bpf_inode_storage_get(&objects, outer, 0, 0);
	request->answer = object && object->flags & CSN_OBJECT_OWN ? object->context : (u32)resolve(&where);
	inode = real_inode(outer, &dentry, &lower);
	if (!inode) {
		request->error = -EACCES;
		return;
	}
	key_of(inode, &request->key);
	request->magic = READ(READ(inode, i_sb), s_magic);
	request->own = bpf_map_lookup_elem(&entries, &request->key) != 0;
	request->world = world_of(outer);
	dev = request->key.dev;
	if (request->ask == CSN_ASK_SET) {
		/* the file system first: an entry that nobody looks for protects nothing */
		known = bpf_map_lookup_elem(&devices, &dev);
		if (!known)
			request->error = bpf_map_update_elem(&devices, &dev, &device, BPF_NOEXIST);
		if (!request->error) { /* nobody reads the disk past the file system */
			u32 disk = dev | ALL_MINORS;

			device.flags = 0;
			if (CHECK(disk, dev >> MINOR_BITS && request->context > CSN_CTX_BASE))
				request->error = bpf_map_update_elem(&devices, &disk, &device, BPF_ANY);
		}
		if (!request->error)
			request->error = bpf_map_update_elem(&entries, &request->key, &entry, BPF_ANY);
		if (!request->error)
			mark_lower(outer, &entry);
	} else if (request->ask == CSN_ASK_CLEAR) {
		bpf_map_delete_elem(&entries, &request->key);
	}
	if (request->ask == CSN_ASK_MARK) {
		u32 mark = request->flags;

		if (!mark)
			bpf_map_delete_elem(&marks, &request->key);
		else if (!bpf_map_lookup_elem(&devices, &dev)) /* else nobody looks for a mark there */
			request->error = bpf_map_update_elem(&devices, &dev, &device, BPF_NOEXIST);
		if (mark && !request->error)
			request->error = bpf_map_update_elem(&marks, &request->key, &mark, BPF_ANY);
	}
	if (request->ask == CSN_ASK_SCOPE)
		control.scope = request->flags;
	if (request->ask == CSN_ASK_ON_FULL)
		control.on_full = request->flags;
	else if (request->ask != CSN_ASK_GET)
		__sync_fetch_and_add(&control.epoch, 1);
}

SEC("lsm/inode_getattr")
int BPF_PROG(inode_getattr, struct path *path)
{
	struct inode *inode = path->dentry->d_inode;
	struct csn_subject *s = subject();

	if (s && is_platform(s)) {
		u32 tid = (u32)bpf_get_current_pid_tgid();
		struct csn_request *request = bpf_map_lookup_elem(&requests, &tid);

		if (request && !request->done && inode)
			answer(request, inode);
		return 0;
	}
	return CHECK(stat, access_inode(inode, WANT_READ, CSN_OP_STAT));
}

/* Inodes that have no directory get their creator's context when they are made [OP-6].
 * All inodes pass here, also those that are only read in from disk; what has a
 * directory finds its context there. */
SEC("lsm/inode_alloc_security")
int BPF_PROG(inode_alloc_security, struct inode *inode)
{
	struct csn_subject *s = subject();
	struct csn_object *object;
	u64 magic;

	if (!is_labelled(s))
		return 0;
	magic = READ(READ(inode, i_sb), s_magic);
	if (!CHECK(pipe, magic == PIPEFS_MAGIC) && !CHECK(socket, magic == SOCKFS_MAGIC) &&
	    !CHECK(memory, magic == 0x01021994) && !CHECK(huge, magic == 0x958458f6) && !CHECK(secret, magic == 0x5345434d))
		return 0;
	/* tmpfs is also mounted by people: there the file system or an entry decides */
	if (magic == 0x01021994) {
		u32 dev = READ(READ(inode, i_sb), s_dev);

		if (bpf_map_lookup_elem(&devices, &dev))
			return 0;
	}
	object = bpf_inode_storage_get(&objects, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!object) {
		__sync_fetch_and_add(&control.internal, 1);
		return -ENOMEM;
	}
	object->context = s->out;
	object->flags = CSN_OBJECT_OWN;
	return 0;
}

/* Anonymous inodes that open a way round the other hooks. */
SEC("lsm/inode_init_security_anon")
int BPF_PROG(inode_init_security_anon, struct inode *inode, const struct qstr *name)
{
	char text[12] = {};

	bpf_probe_read_kernel_str(text, sizeof(text), name->name);
	if (bpf_strncmp(text, 10, "[io_uring]") == 0)
		return CHECK(io_uring, closed(CSN_OP_URING));
	if (bpf_strncmp(text, 11, "[userfaultfd]") == 0)
		return CHECK(userfaultfd, closed(CSN_OP_USERFAULTFD));
	return 0;
}

/* Forget a file system that lived in memory: its number will be given to another. */
SEC("lsm/sb_delete")
int BPF_PROG(sb_delete, struct super_block *sb)
{
	u32 dev = sb->s_dev;
	struct csn_device *device = bpf_map_lookup_elem(&devices, &dev);

	if (device && CHECK(forget, device->flags & CSN_DEVICE_VOLATILE))
		bpf_map_delete_elem(&devices, &dev);
	return 0;
}
