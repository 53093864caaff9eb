/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way out of a context's network. Channel row N6.
 *
 * Both programs run for each packet at the way's end in the host's network: `way_out` for
 * what leaves the context, before the host's addresses are put in place of its own, and
 * `way_in` for what comes back, after. So each sees the addresses and ports that are really
 * talked to, whatever the socket call said, and asks the same policy as socket.bpf.c [NET-1].
 *
 * Guarantee: what passes is TCP or UDP between the network's own address and one that is
 * outside of this host and whose context policy made such that data may flow both ways [OP-3], now, for this packet:
 * there are no established connections that are let through. Nothing passes to or from the
 * host itself, another way, a group, or by a route that the packet brings along. What is
 * no TCP or UDP (ARP, ICMP, groups' membership) comes from the kernel and not from a
 * program, and goes nowhere, without a record.
 *
 * Not covered: what the host does with a packet that may leave (address translation of its
 * own, other programs on its interfaces): that is host administration.
 */

enum { WAY_PASS = 0, WAY_STOP = 2 }; /* include/uapi/linux/pkt_cls.h: TC_ACT_OK, TC_ACT_SHOT */
enum { FIB_SUCCESS = 0, FIB_NO_NEIGHBOUR = 7 };

#define ETHERNET 14 /* bytes of header */
#define ETH_IP 0x0008
#define ETH_IPV6 0xdd86
#define TCP 6
#define UDP 17
#define ICMP6 58
#define FRAGMENT 0xff3f /* more fragments, or not the first */
#define WAYS_V6 0xb4713e9a5cfdull /* fd5c:9a3e:71b4::/48, src/daemon/way-addresses.ts */

struct ipv4 {
	u8 version_and_length;
	u8 service;
	__be16 length, id, fragment;
	u8 hops, protocol;
	u16 sum;
	__be32 from, to;
};

struct ipv6 {
	u8 version, flow[3];
	__be16 length;
	u8 next, hops;
	u64 from[2], to[2];
};

/* A packet as far as it is judged. `ours`: the end in the context's network. */
struct packet {
	struct address ours, theirs;
	u32 protocol;
	u8 is_odd; /* options, extensions, a fragment: where it goes, or what is in it, can't be told */
	u8 leaves;
	u16 pad;
};

/* 1 when a program may have sent it, or may get it. */
static __always_inline int read_v4(struct __sk_buff *skb, struct packet *p, u32 *at)
{
	struct ipv4 ip;

	if (bpf_skb_load_bytes(skb, ETHERNET, &ip, sizeof(ip)))
		return 0;
	*at = ETHERNET + sizeof(ip);
	p->protocol = ip.protocol;
	p->is_odd = CHECK(options, ip.version_and_length != 0x45) || CHECK(fragment, ip.fragment & FRAGMENT);
	set_v4(&p->ours, p->leaves ? ip.from : ip.to);
	set_v4(&p->theirs, p->leaves ? ip.to : ip.from);
	return 1;
}

static __always_inline int read_v6(struct __sk_buff *skb, struct packet *p, u32 *at)
{
	struct ipv6 ip;

	if (bpf_skb_load_bytes(skb, ETHERNET, &ip, sizeof(ip)))
		return 0;
	*at = ETHERNET + sizeof(ip);
	p->protocol = ip.next;
	/* an extension header, a fragment's among them; also what can't be sent by programs */
	p->is_odd = ip.next != TCP && ip.next != UDP && ip.next != ICMP6;
	__builtin_memcpy(p->ours.halves, p->leaves ? ip.from : ip.to, 16);
	__builtin_memcpy(p->theirs.halves, p->leaves ? ip.to : ip.from, 16);
	if (CHECK(mapped, is_v4(&p->theirs))) /* it has no IPv4 address's policy */
		p->is_odd = 1;
	return 1;
}

static __always_inline int read_packet(struct __sk_buff *skb, struct packet *p)
{
	__be16 ports[2];
	u32 at = 0;

	if (skb->vlan_present)
		return 0;
	if (skb->protocol == ETH_IP) {
		if (!read_v4(skb, p, &at))
			return 0;
	} else if (skb->protocol != ETH_IPV6 || !read_v6(skb, p, &at)) {
		return 0;
	}
	if (p->is_odd)
		return 1;
	if (CHECK(protocol, p->protocol != TCP && p->protocol != UDP) || bpf_skb_load_bytes(skb, at, ports, sizeof(ports)))
		return 0;
	p->ours.port = __builtin_bswap16(p->leaves ? ports[0] : ports[1]);
	p->theirs.port = __builtin_bswap16(p->leaves ? ports[1] : ports[0]);
	return 1;
}

/* Told when their number doubles, so that neither a program nor somebody outside can fill
 * the record; the counts add up. */
__noinline int record_stopped(const struct packet *p, u32 context, u32 other, u32 verdict)
{
	struct stopped_key key = {};
	struct csn_record *r;
	u64 first = 0, *known, n;

	if (!p)
		return 0;
	__builtin_memcpy(key.address, p->theirs.bytes, 16);
	key.context = context;
	key.port = p->theirs.port;
	key.leaves = p->leaves;
	key.verdict = verdict;
	bpf_map_update_elem(&stopped, &key, &first, BPF_NOEXIST);
	known = bpf_map_lookup_elem(&stopped, &key);
	n = known ? __sync_fetch_and_add(known, 1) + 1 : 1;
	__sync_fetch_and_add(&control.refused, 1);
	if (n & (n - 1))
		return 0;
	r = CHECK(record, room_for_refusal());
	if (!r) {
		count(COUNT_LOST);
		__sync_fetch_and_add(&control.lost, 1);
		__sync_fetch_and_add(&control.lost_refused, 1);
		return 0;
	}
	__builtin_memset(r, 0, sizeof(*r));
	r->version = CSN_ABI_VERSION;
	r->kind = CSN_KIND_FLOW;
	r->verdict = verdict;
	r->op = p->leaves ? CSN_OP_SEND : CSN_OP_RECEIVE;
	r->flags = p->leaves ? CSN_FLAG_ACTOR_IS_SOURCE : 0;
	r->source_kind = p->leaves ? CSN_ENTITY_SOCKET : CSN_ENTITY_ADDRESS;
	r->sink_kind = p->leaves ? CSN_ENTITY_ADDRESS : CSN_ENTITY_SOCKET;
	r->time = bpf_ktime_get_boot_ns();
	r->sequence = count(COUNT_SEQUENCE);
	r->cpu = bpf_get_smp_processor_id();
	r->lost = counted(COUNT_LOST);
	r->source_context = p->leaves ? context : other;
	r->sink_context = p->leaves ? other : context;
	__builtin_memcpy(p->leaves ? &r->sink : &r->source, p->theirs.bytes, 16);
	r->bytes = p->theirs.port;
	r->count = n > 1 ? n / 2 : 1;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	__sync_fetch_and_add(&control.recorded, 1);
	return 0;
}

static __always_inline int is_same(const struct address *a, const u8 *b)
{
	const u64 *halves = (const u64 *)b;

	return a->halves[0] == halves[0] && a->halves[1] == halves[1];
}

/* Another way's, or nobody's that could be met outside. */
static __always_inline int is_within(const struct address *address)
{
	return (address->halves[0] & 0xffffffffffffull) == WAYS_V6 || is_loopback(address);
}

static __always_inline int is_way(u32 interface)
{
	return bpf_map_lookup_elem(&ways, &interface) != 0;
}

/* Does the host forward it to another host? To itself it does not, whichever its addresses are. */
static __always_inline int is_forwarded(struct __sk_buff *skb, const struct packet *p)
{
	struct bpf_fib_lookup route = { .ifindex = skb->ifindex, .l4_protocol = p->protocol };
	long answer;

	if (skb->protocol == ETH_IP) {
		route.family = AF_INET;
		__builtin_memcpy(route.src, &p->ours.words[3], 4);
		__builtin_memcpy(route.dst, &p->theirs.words[3], 4);
	} else {
		route.family = AF_INET6;
		__builtin_memcpy(route.src, p->ours.bytes, 16);
		__builtin_memcpy(route.dst, p->theirs.bytes, 16);
	}
	answer = bpf_fib_lookup(skb, &route, sizeof(route), 0);
	return (answer == FIB_SUCCESS || answer == FIB_NO_NEIGHBOUR) && !CHECK(way, is_way(route.ifindex));
}

/* CSN_ALLOWED, or why not. */
static __always_inline u32 judge_packet(struct __sk_buff *skb, const struct csn_way *way, const struct packet *p, u32 *other)
{
	u32 verdict;

	if (p->is_odd || CHECK(within, is_within(&p->theirs)))
		return CSN_REFUSED_CLOSED;
	if (CHECK(ours, !is_same(&p->ours, skb->protocol == ETH_IP ? way->v4 : way->v6)))
		return CSN_REFUSED_CLOSED;
	*other = address_context(&p->theirs);
	verdict = CHECK(write, flow(way->context, *other));
	if (!verdict)
		verdict = CHECK(read, flow(*other, way->context));
	if (verdict)
		return verdict;
	if (p->leaves)
		return CHECK(forwarded, !is_forwarded(skb, p)) ? CSN_REFUSED_CLOSED : CSN_ALLOWED;
	/* 0: the host itself sent it */
	return CHECK(from, !skb->ingress_ifindex || is_way(skb->ingress_ifindex)) ? CSN_REFUSED_CLOSED : CSN_ALLOWED;
}

static __always_inline int on_way(struct __sk_buff *skb, int leaves)
{
	u32 interface = skb->ifindex, other = CSN_CTX_UNLABELLED, verdict;
	struct packet p = { .leaves = leaves };
	struct csn_way *way = bpf_map_lookup_elem(&ways, &interface);

	if (!way || !read_packet(skb, &p) || CHECK(many, is_for_many(&p.theirs)))
		return WAY_STOP;
	verdict = judge_packet(skb, way, &p, &other);
	if (verdict)
		record_stopped(&p, way->context, other, verdict);
	return verdict ? WAY_STOP : WAY_PASS;
}

SEC("tc")
int way_out(struct __sk_buff *skb)
{
	return on_way(skb, 1);
}

SEC("tc")
int way_in(struct __sk_buff *skb)
{
	return on_way(skb, 0);
}
