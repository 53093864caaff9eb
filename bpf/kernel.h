/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's own types, as far as the monitor looks into them. Offsets are
 * relocated when the object is loaded (CO-RE), so one object serves all kernels;
 * a field that a kernel lacks is asked for with bpf_core_field_exists.
 * A `___name` suffix is a second shape of the same type.
 */
#ifndef CSN_KERNEL_H
#define CSN_KERNEL_H

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef _Bool bool;

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_INODE_STORAGE = 28,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { BPF_F_NO_PREALLOC = 1 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };
enum { BPF_RB_NO_WAKEUP = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_node {
	struct hlist_node *next;
};
struct hlist_head {
	struct hlist_node *first;
};
struct qstr {
	u32 len;
	const unsigned char *name;
};
struct fsnotify_sb_info {
	void *sb_marks;
};
struct super_block {
	struct fsnotify_sb_info *s_fsnotify_info;
	u32 s_dev;
	unsigned long s_magic;
	struct dentry *s_root;
};
struct inode {
	u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	u32 i_rdev;
	u32 i_generation;
	unsigned int i_nlink;
	struct hlist_head i_dentry;
	u32 i_fsnotify_mask;
	void *i_private;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
	struct hlist_node d_alias;
};
struct dentry___nested { /* before 7.0 */
	union {
		struct hlist_node d_alias;
	} d_u;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};
struct mount {
	struct vfsmount mnt;
	u32 mnt_fsnotify_mask;
};
struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct inode *f_inode;
	struct path f_path;
	void *private_data;
};
struct kiocb {
	struct file *ki_filp;
};
struct tty_struct {
	struct tty_struct *link;
	void *driver_data;
};
struct tty_file_private {
	struct tty_struct *tty;
};
struct fown_struct {
	struct file *file;
};
struct in6_addr {
	u8 bytes[16];
};
struct counter64 {
	__s64 counter;
};
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	u16 skc_num;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct counter64 skc_cookie;
	struct {
		struct net *net;
	} skc_net;
};
struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	u16 sk_protocol;
};
struct unix_sock {
	struct sock *peer;
};
struct socket {
	short type;
	struct file *file;
	struct sock *sk;
};
struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};
struct sockaddr {
	u16 sa_family;
};
struct msg_msg;
struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned long msg_controllen;
};
struct sk_buff {
	unsigned int len;
	unsigned char *data;
};
struct proc_ns_operations {
	int type;
};
struct ns_common {
	unsigned int inum;
	const struct proc_ns_operations *ops;
};
struct ns_common___typed { /* since 6.18 */
	u32 ns_type;
};
struct ipc_namespace {
	struct ns_common ns;
	struct vfsmount *mq_mnt;
};
struct net {
	struct ns_common ns;
	u64 net_cookie;
};
struct nsproxy {
	struct ipc_namespace *ipc_ns;
	struct net *net_ns;
};
struct kern_ipc_perm {
	int id;
};
struct key_type {
	const char *name;
};
struct keyring_index_key {
	struct key_type *type;
	const char *description;
};
struct key {
	int serial;
	struct keyring_index_key index_key;
};
struct upid {
	int nr;
};
struct pid {
	unsigned int level;
	struct upid numbers[1];
};
struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};
struct mm_struct {
	unsigned long arg_start, arg_end;
	struct file *exe_file;
};
struct atomic_counter {
	int counter;
};
struct signal_struct {
	struct atomic_counter live;
};
struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
};
struct linux_binprm {
	struct file *file;
	const char *filename;
};
struct cred {
	int unused;
};
struct bpf_local_storage;
struct task_struct {
	struct bpf_local_storage *bpf_storage;
	int pid;
	int tgid;
	unsigned int flags;
	u64 start_boottime;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct signal_struct *signal;
	u32 self_exec_id;
	int exit_code;
	struct nsproxy *nsproxy;
	const struct cred *real_cred;
	const struct cred *cred;
	char comm[16];
};
struct ovl_path {
	struct dentry *dentry;
};
struct ovl_entry {
	unsigned int __numlower;
	struct ovl_path __lowerstack[1];
};
struct ovl_inode {
	struct inode vfs_inode;
	struct dentry *__upperdentry;
	struct ovl_entry *oe;
};

#pragma clang attribute pop

/* What programs on an interface are given, include/uapi/linux/bpf.h: fixed, its beginning. */
struct __sk_buff {
	u32 len;
	u32 pkt_type;
	u32 mark;
	u32 queue_mapping;
	u32 protocol;
	u32 vlan_present;
	u32 vlan_tci;
	u32 vlan_proto;
	u32 priority;
	u32 ingress_ifindex;
	u32 ifindex;
};
struct bpf_fib_lookup {
	u8 family;
	u8 l4_protocol;
	__be16 sport;
	__be16 dport;
	u16 tot_len;
	u32 ifindex;
	u32 flowinfo; /* or type of service */
	u8 src[16];
	u8 dst[16];
	u32 vlan;
	u8 macs[12];
};

/* Only passed through. */
struct mnt_idmap;
struct iattr;
struct kernel_siginfo;
struct user_namespace;
struct bpf_map;
struct bpf_prog;

/* include/linux/fs.h, include/uapi/linux/{stat,magic,mman,fcntl}.h */
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000
#define MAY_EXEC 1
#define MAY_WRITE 2
#define MAY_READ 4
#define MAY_APPEND 8
#define FMODE_READ 1
#define FMODE_WRITE 2
#define FS_EVENT_ON_CHILD 0x08000000
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_TYPE 15
#define MAP_SHARED 1
#define MAP_SHARED_VALIDATE 3
#define VM_SHARED 8
#define VM_MAYWRITE 0x20
#define EACCES 13
#define ENOMEM 12

#endif
