/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a use is a use of, for the record. Both ends of a connection are one thing: what one
 * process puts in there, another one gets out. Such things are called channels:
 *
 *   pipes, FIFOs                  their inode, which both ends have
 *   Unix sockets, connected       the pair; datagrams: the socket that gets them
 *   TCP, MPTCP                    the connection: network, addresses and ports, in one order for both ends
 *   TCP that listens, UDP         network and port: who sends there, and who has it
 *   terminals                     the inode of pts/N, for its master too
 *
 * Guarantee: both ends have the same key, in `seen` and as the record's entity, so that a path leads
 * through it; and the time at which it last took in something new is kept by that key (map
 * `channels`), since a call that waited is looked at again when it returns, where the inode's own
 * storage can't be had.
 *
 * Not covered: two connections one after the other between the same addresses and ports are one;
 * a pair of Unix sockets from before the monitor was attached is two sockets. Which context it has is no
 * matter of this file: that is the socket's own, at either end.
 */
#ifndef CSN_CHANNEL_H
#define CSN_CHANNEL_H

#define TCP_LISTEN 10 /* include/net/tcp_states.h */

/* What a hook was given; a global function takes memory, and an address in it is a number. */
struct use {
	u64 inode;
	u64 file; /* or 0 */
};

static __always_inline u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static __always_inline u64 mix_end(u64 hash, const struct address *end)
{
	return mix(mix(mix(hash, end->halves[0]), end->halves[1]), end->port);
}

static __always_inline int is_before(const struct address *a, const struct address *b)
{
	if (a->port != b->port)
		return a->port < b->port;
	if (a->halves[1] != b->halves[1])
		return a->halves[1] < b->halves[1];
	return a->halves[0] < b->halves[0];
}

static __always_inline u64 network_number(struct sock *sk)
{
	return READ(READ(sk, __sk_common.skc_net.net), net_cookie);
}

/* Whoever has that port of the network. */
static __always_inline void port_key(struct sock *sk, u32 port, u32 sort, struct csn_key *key)
{
	key->ino = network_number(sk) << 16 | port;
	key->generation = sort;
}

static __always_inline void swap(u64 *a, u64 *b)
{
	u64 one = *a;

	*a = *b;
	*b = one;
}

/* In the order that both ends have. */
static __always_inline void connection_ends(struct sock *sk, u32 family, struct address *first, struct address *second)
{
	near_end(sk, family, first);
	far_end(sk, family, second);
	if (is_before(first, second))
		return;
	swap(&first->halves[0], &second->halves[0]);
	swap(&first->halves[1], &second->halves[1]);
	swap(&first->port_and_flags, &second->port_and_flags);
}

static __always_inline void connection_key(struct sock *sk, u32 family, struct csn_key *key)
{
	struct address first = {}, second = {};

	connection_ends(sk, family, &first, &second);
	key->ino = mix_end(mix_end(network_number(sk), &first), &second);
	key->generation = CSN_CHANNEL_CONNECTION;
}

/* *key is its inode's; both ends of a pair have a cookie since they are one. */
static __always_inline void pair_key(struct sock *sk, struct csn_key *key)
{
	struct sock *peer = READ_FAR((struct unix_sock *)sk, peer);
	u64 mine, theirs;

	if (!peer)
		return;
	mine = READ(sk, __sk_common.skc_cookie.counter);
	theirs = READ(peer, __sk_common.skc_cookie.counter);
	if (!mine || !theirs)
		return;
	key->ino = mine < theirs ? mine : theirs;
	key->generation = CSN_CHANNEL_PAIR;
}

/* Of an inode of sockfs. */
static __always_inline struct socket *socket_of(struct inode *inode)
{
	return (void *)inode - bpf_core_field_offset(struct socket_alloc, vfs_inode);
}

static __always_inline void socket_key(struct socket *socket, struct csn_key *key)
{
	struct sock *sk = READ(socket, sk);
	u32 family, type = (u16)READ(socket, type);

	if (!sk)
		return;
	family = READ(sk, __sk_common.skc_family);
	if (family == AF_UNIX) {
		if (type == SOCK_DGRAM)
			key->generation = CSN_CHANNEL_LETTERS;
		else
			pair_key(sk, key);
		return;
	}
	if (!is_internet(family))
		return;
	if (!READ(sk, __sk_common.skc_num)) /* of no port yet */
		return;
	if (type == SOCK_DGRAM)
		port_key(sk, READ(sk, __sk_common.skc_num), CSN_CHANNEL_DATAGRAMS, key);
	else if (READ(sk, __sk_common.skc_dport))
		connection_key(sk, family, key);
	else if (READ(sk, __sk_common.skc_state) == TCP_LISTEN)
		port_key(sk, READ(sk, __sk_common.skc_num), CSN_CHANNEL_PORT, key);
}

/* drivers/tty/pty.c: a master's other end has the inode of pts/N; /dev/tty stands for such a one. */
static __always_inline void terminal_key(struct file *file, u32 device, struct csn_key *key)
{
	struct tty_struct *tty = READ((struct tty_file_private *)READ(file, private_data), tty);
	struct dentry *dentry;
	struct inode *inode;

	if (device == DEVICE(5, 2))
		tty = READ(tty, link);
	dentry = READ(tty, driver_data);
	inode = READ(dentry, d_inode);
	if (inode)
		key_of(inode, key);
}

/* Of devices all but those of memory: nobody waits for /dev/zero. */
static __always_inline int is_channel(struct inode *inode)
{
	u32 mode = inode->i_mode & S_IFMT;

	return mode == S_IFIFO || mode == S_IFSOCK || (mode == S_IFCHR && READ(inode, i_rdev) >> MINOR_BITS != 1);
}

/* Names what it is a use of. */
__noinline int name_channel(const struct use *use, struct csn_key *key)
{
	struct inode *inode;
	u32 mode, device;

	if (!use || !key)
		return 0;
	inode = (void *)use->inode;
	key_of(inode, key);
	mode = READ(inode, i_mode) & S_IFMT;
	if (mode == S_IFSOCK && READ(READ(inode, i_sb), s_magic) == SOCKFS_MAGIC) {
		socket_key(socket_of(inode), key);
	} else if (mode == S_IFCHR && use->file) {
		device = READ(inode, i_rdev);
		if (device == DEVICE(5, 0) || device == DEVICE(5, 2))
			terminal_key((void *)use->file, device, key);
	}
	return 0;
}

static __always_inline u32 fold(const struct csn_key *key)
{
	return key->ino ^ key->ino >> 32 ^ key->generation << 28;
}

/* When it last took in something new; from now on, if that was forgotten. */
static __always_inline u64 *channel_state(const struct csn_key *key)
{
	u64 *state = bpf_map_lookup_elem(&channels, key), none = 0;

	if (state)
		return state;
	bpf_map_update_elem(&channels, key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&channels, key);
}

/* The platform put something in there. */
static __always_inline void carried_to(const struct use *use)
{
	struct csn_key key = {};
	u64 *state;

	name_channel(use, &key);
	state = bpf_map_lookup_elem(&channels, &key);
	if (state)
		move(state, bpf_ktime_get_boot_ns());
}

#endif
