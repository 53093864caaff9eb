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

enum {
	WANT_READ = 1,
	WANT_WRITE = 2,
	WANT_LOCK = 4, /* judged by the file system that keeps the lock, not by the layer */
	WANT_BOTH = WANT_READ | WANT_WRITE,
};

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
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

/* One end of a connection: an address, and the port in front of it. */
struct end {
	u64 halves[2];
	u64 port;
};

static __always_inline u64 mix_end(u64 hash, const struct end *end)
{
	return mix(mix(mix(hash, end->halves[0]), end->halves[1]), end->port);
}

static __always_inline int is_before(const struct end *a, const struct end *b)
{
	if (a->port != b->port)
		return a->port < b->port;
	if (a->halves[1] != b->halves[1])
		return a->halves[1] < b->halves[1];
	return a->halves[0] < b->halves[0];
}

static __always_inline void end_v4(struct end *end, __be32 address)
{
	end->halves[0] = 0;
	end->halves[1] = (u64)address << 32 | 0xffff0000;
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

static __always_inline void connection_key(struct sock *sk, u32 family, struct csn_key *key)
{
	struct end mine = {}, theirs = {};
	u64 hash = network_number(sk);

	if (family == AF_INET) {
		end_v4(&mine, READ(sk, __sk_common.skc_rcv_saddr));
		end_v4(&theirs, READ(sk, __sk_common.skc_daddr));
	} else {
		bpf_core_read(mine.halves, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(theirs.halves, 16, &sk->__sk_common.skc_v6_daddr);
	}
	mine.port = READ(sk, __sk_common.skc_num);
	theirs.port = __builtin_bswap16(READ(sk, __sk_common.skc_dport));
	key->ino = is_before(&mine, &theirs) ? mix_end(mix_end(hash, &mine), &theirs) : mix_end(mix_end(hash, &theirs), &mine);
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
	if (family != AF_INET && family != AF_INET6)
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

static __always_inline int is_channel(u32 mode)
{
	mode &= S_IFMT;
	return mode == S_IFIFO || mode == S_IFSOCK || mode == S_IFCHR;
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
		socket_key((void *)inode - bpf_core_field_offset(struct socket_alloc, vfs_inode), key);
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

/* Is a flow news [AUD-2]? Both ends keep the time at which they last took in something new. A forgotten
 * time counts as now, so forgetting can only record more. */
struct news {
	u64 id; /* of the subject */
	struct csn_key key;
	u64 theirs; /* the object's time, as the subject knows it */
	u64 mine;   /* the subject's own */
};
enum { NEWS_READ = 1, NEWS_WRITE = 2, NEWS_LOST = 4 };

/* NEWS_*; 0: the record has it already. Moves nothing yet. */
__noinline int news_of(struct news *n, const u64 *state, u32 want)
{
	struct seen_key key = {};
	u64 *known, *last;
	int news = 0;

	if (!n)
		return 0;
	key.subject = n->id;
	key.object = n->key;
	n->theirs = state ? *(const volatile u64 *)state : 0;
	last = bpf_map_lookup_elem(&states, &n->id);
	n->mine = last ? *(volatile u64 *)last : 0;
	if (want & WANT_READ) {
		known = bpf_map_lookup_elem(&seen, &key);
		if (!known || !n->theirs || *known < n->theirs)
			news |= NEWS_READ;
	}
	if (want & WANT_WRITE) {
		key.write = 1;
		known = bpf_map_lookup_elem(&seen, &key);
		if (!known || !n->mine || *known < n->mine)
			news |= NEWS_WRITE;
	}
	return news;
}

/* To a time that nobody has seen yet. */
static __always_inline void move(u64 *state, u64 now)
{
	u64 old = *(volatile u64 *)state;

	if (now <= old || __sync_val_compare_and_swap(state, old, now) != old)
		__sync_fetch_and_add(state, 1);
}

/* Counts what a subject takes in, so that its tasks see that it did. Subjects may share a
 * slot; then one of them asks once more than it had to. */
static __always_inline u64 *taken_by(u64 id)
{
	u32 slot = id & (TAKEN_SLOTS - 1);

	return bpf_map_lookup_elem(&taken, &slot);
}

/* The record has it: moves both ends on. Only now, so that whoever knows of it from the times is on the
 * record behind it. NEWS_LOST: it happened and found no room there: both ends move on, since what comes of it is news,
 * and the next one like it is news too. What somebody else moved meanwhile is not taken for seen. */
__noinline int take_note(struct news *n, u64 *state, u32 want, u32 news)
{
	struct seen_key key = {};
	u64 now = bpf_ktime_get_boot_ns(), *last, *times;

	if (!n)
		return 0;
	if (news & NEWS_READ || (want & WANT_WRITE && !n->mine)) {
		last = bpf_map_lookup_elem(&states, &n->id);
		if (last && __sync_val_compare_and_swap(last, n->mine, now) == n->mine) {
			n->mine = now;
		} else {
			bpf_map_update_elem(&states, &n->id, &now, BPF_ANY);
			n->mine = last ? n->mine : now;
		}
		times = taken_by(n->id);
		if (times)
			__sync_fetch_and_add(times, 1);
	}
	if (state && want & WANT_WRITE && (news & NEWS_WRITE || !n->theirs)) {
		if (!(want & WANT_READ) || __sync_val_compare_and_swap(state, n->theirs, now) != n->theirs)
			move(state, now);
		else
			n->theirs = now;
	} else if (!n->theirs) {
		n->theirs = !state || !__sync_val_compare_and_swap(state, 0, now) ? now : 1;
	}
	if (news & NEWS_LOST)
		return 0;
	key.subject = n->id;
	key.object = n->key;
	if (want & WANT_READ)
		bpf_map_update_elem(&seen, &key, &n->theirs, BPF_ANY);
	key.write = 1;
	if (want & WANT_WRITE)
		bpf_map_update_elem(&seen, &key, &n->mine, BPF_ANY);
	return 0;
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
