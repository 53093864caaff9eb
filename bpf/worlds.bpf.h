/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which kinds of inode may a labelled subject touch at all?
 *
 * An allow-list: what is not named here is refused to labelled subjects, whatever
 * its label, because nobody has shown that its hooks see every flow. Unlabelled
 * subjects are not asked.
 */
#ifndef CSN_WORLDS_H
#define CSN_WORLDS_H

#define ANON_INODE_FS_MAGIC 0x09041934
#define MQUEUE_MAGIC 0x19800202
#define MINOR_BITS 20
#define DEVICE(major, minor) ((u32)(major) << MINOR_BITS | (minor))

static __always_inline int world_of_device(u16 mode, u32 rdev)
{
	if (CHECK(block, (mode & S_IFMT) != S_IFCHR))
		return CSN_WORLD_CLOSED;
	switch (rdev) {
	case DEVICE(1, 3): /* null */
	case DEVICE(1, 5): /* zero */
	case DEVICE(1, 7): /* full */
	case DEVICE(1, 8): /* random */
	case DEVICE(1, 9): /* urandom */
	case DEVICE(5, 0): /* tty: stands for the compartment's own terminal, checked as pts */
		return CSN_WORLD_VOID;
	case DEVICE(5, 2): /* ptmx of the compartment's own devpts */
	case DEVICE(0, 0): /* overlayfs's whiteout */
		return CSN_WORLD_LABELLED;
	}
	/* pts/N */
	return rdev >> MINOR_BITS >= 136 && rdev >> MINOR_BITS <= 143 ? CSN_WORLD_LABELLED : CSN_WORLD_CLOSED;
}

/* include/uapi/linux/magic.h */
static __always_inline int world_of_magic(u64 magic)
{
	switch (magic) {
	case 0xEF53:	 /* ext2, ext3, ext4 */
	case 0x58465342: /* xfs */
	case 0x01021994: /* tmpfs, memfd, shared anonymous memory */
	case 0x858458f6: /* ramfs */
	case OVERLAYFS_MAGIC:
	case PIPEFS_MAGIC:
	case SOCKFS_MAGIC: /* see socket.bpf.c */
	case MQUEUE_MAGIC:
	case 0x958458f6: /* hugetlbfs */
	case 0x1cd1:	 /* devpts */
	case 0x5345434d: /* secretmem */
		return CSN_WORLD_LABELLED;
	case 0x73717368: /* squashfs */
	case 0xE0F5E1E2: /* erofs */
	case 0x9660:	 /* iso9660 */
	case 0x01021997: /* 9p: the machine's view of its host */
	case PROC_MAGIC:
	case PIDFS_MAGIC:
	case 0x62656572: /* sysfs */
	case 0x63677270: /* cgroup2 */
		return CSN_WORLD_READ;
	case ANON_INODE_FS_MAGIC: /* eventfd, epoll, timerfd: never leave the subject, see file_receive */
		return CSN_WORLD_VOID;
	}
	return CSN_WORLD_CLOSED;
}

static __always_inline int world_of(struct inode *inode)
{
	u16 mode = READ(inode, i_mode);

	if ((mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK)
		return world_of_device(mode, READ(inode, i_rdev));
	return world_of_magic(READ(READ(inode, i_sb), s_magic));
}

#endif
