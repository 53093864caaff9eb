/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses of the internet, as the record has them, and of a socket's two ends.
 */
#ifndef CSN_ADDRESS_H
#define CSN_ADDRESS_H

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2

static __always_inline int is_internet(u32 family)
{
	return family == AF_INET || family == AF_INET6;
}

/* An address as the record has it: IPv6, or IPv4 as part of it. */
struct address {
	union {
		u8 bytes[16];
		u32 words[4];
		u64 halves[2];
	};
	union {
		struct {
			u32 port;
			u8 is_sealed; /* the socket's network has no way out */
			u8 is_joined; /* the connection exists, and is on the record */
			u16 pad;
		};
		u64 port_and_flags;
	};
};

static __always_inline void set_v4(struct address *to, __be32 v4)
{
	to->halves[0] = 0;
	to->words[2] = 0xffff0000;
	to->words[3] = v4;
}

/* Of a socket of the internet: where it is. */
static __always_inline void near_end(struct sock *sk, u32 family, struct address *to)
{
	if (family == AF_INET)
		set_v4(to, READ(sk, __sk_common.skc_rcv_saddr));
	else
		bpf_core_read(to->bytes, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	to->port = READ(sk, __sk_common.skc_num);
}

/* And whom it is connected with. */
static __always_inline void far_end(struct sock *sk, u32 family, struct address *to)
{
	if (family == AF_INET)
		set_v4(to, READ(sk, __sk_common.skc_daddr));
	else
		bpf_core_read(to->bytes, 16, &sk->__sk_common.skc_v6_daddr);
	to->port = __builtin_bswap16(READ(sk, __sk_common.skc_dport));
}

static __always_inline int is_v4(const struct address *address)
{
	return !address->halves[0] && address->words[2] == 0xffff0000; /* little endian */
}

/* 127.0.0.0/8, 0.0.0.0, ::1 and ::, which stand for the network itself. */
static __always_inline int is_loopback(const struct address *address)
{
	if (is_v4(address))
		return address->bytes[12] == 127 || !address->words[3];
	return !address->halves[0] && !address->words[2] && (!address->words[3] || address->words[3] == 0x01000000);
}

/* To all, or to a group: it stays in a network without a way out. */
static __always_inline int is_for_many(const struct address *address)
{
	return is_v4(address) ? address->bytes[12] >= 224 : address->bytes[0] == 0xff;
}

#endif
