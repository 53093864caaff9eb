/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets. Channel rows U1 to U6, N1 to N5.
 *
 * The network namespace is the object: it has a context (map `networks`, written by the
 * launcher before anything runs there), and every socket in it has that one. So who can
 * reach whom over loopback, abstract names, multicast, broadcast, any protocol and
 * every call, zero-copy and batched ones too, is settled by where the socket was made.
 *
 * Guarantee: a labelled subject makes sockets only in a network of exactly its context,
 * of the kinds listed in family_is_allowed; an unlabelled one makes none there. Sockets
 * of two networks (Unix sockets, by path) are joined only where data may flow both ways
 * [NET-2]. Each use of a socket is judged as both directions. A destination outside
 * the network has the context that policy gives its address, else none [NET-1].
 *
 * Not covered: what a program outside does with what it was sent. How packets leave, if
 * at all, is in way.bpf.c.
 */

#define AF_NETLINK 16
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5

/* What is known of a network namespace; 0: unlabelled. */
static __always_inline struct csn_network *network_of(struct net *net)
{
	u64 cookie = READ(net, net_cookie);

	return bpf_map_lookup_elem(&networks, &cookie);
}

static __always_inline u32 network_context(struct net *net)
{
	struct csn_network *network = network_of(net);

	return network ? network->context : CSN_CTX_UNLABELLED;
}

/* What a labelled subject may make. Everything else reaches hardware (packet, xdp, can),
 * the kernel's own talk with root (other netlink), another machine's kernel (vsock), or
 * is one object for the whole host (AF_ALG). */
static __always_inline int family_is_allowed(int family, int type, int protocol)
{
	switch (family) {
	case AF_UNIX:
		return 1;
	case AF_INET:
	case AF_INET6:
		switch (protocol) {
		case 0:
		case 6:   /* TCP */
		case 17:  /* UDP */
		case 262: /* MPTCP, which runs over TCP in the same namespace */
			return type == SOCK_STREAM || type == SOCK_DGRAM;
		}
		return 0;
	case AF_NETLINK: /* both are about the caller's own namespace */
		return protocol == 0 /* route */ || protocol == 4 /* sock_diag */;
	}
	return 0;
}

/* Also called by the kernel for itself, on somebody's behalf. */
SEC("lsm/socket_create")
int BPF_PROG(socket_create, int family, int type, int protocol, int kern)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct csn_subject *s = subject();
	struct csn_entity nothing = {};
	struct event event = {};
	u32 context;

	if (kern || (s && is_platform(s)))
		return 0;
	context = network_context(READ(READ(task, nsproxy), net_ns));
	if (is_labelled(s)) {
		if (!CHECK(network, context != s->in || context != s->out) &&
		    !CHECK(family, !family_is_allowed(family, type, protocol)))
			return 0;
		return closed(CSN_OP_SOCKET);
	}
	if (!CHECK(stranger, context != CSN_CTX_UNLABELLED))
		return 0;
	/* somebody unlabelled who was put into a labelled network */
	event.other_context = context;
	event.op = CSN_OP_SOCKET;
	event.verdict = CSN_REFUSED_CLOSED;
	event.want = WANT_BOTH;
	tell(&event, &nothing, CSN_ENTITY_NONE);
	return -EACCES;
}

/* By the inode, which got its maker's context [OP-6]. Without a file it is the kernel's. `want`: what moves; judge
 * asks for both directions. `as`: the channel that it is, if the socket alone does not say. */
static __always_inline int use_socket_as(struct socket *sock, u32 want, u16 op, const struct csn_key *as)
{
	struct file *file = sock->file;

	if (!file)
		return closed(op);
	return access_any(file->f_inode, 0, want, op, as);
}

static __always_inline int use_socket(struct socket *sock, u32 want, u16 op)
{
	return use_socket_as(sock, want, op, 0);
}

/* include/uapi/linux/in.h, in6.h */
struct inet_address {
	u16 family;
	__be16 port;
	union {
		__be32 v4;
		struct {
			__be32 flow;
			u64 v6[2];
		} __attribute__((packed));
	};
};

/* 1 when there is one. `by_socket`: the family when the address names none, as UDP takes it. */
static __always_inline int address_of(const void *from, struct socket *sock, int is_send, struct address *to)
{
	struct inet_address raw = {};
	u16 family;

	if (!from || bpf_probe_read_kernel(&raw, sizeof(raw), from))
		return 0;
	family = raw.family;
	if (family == AF_UNSPEC && is_send)
		family = READ(READ(sock, sk), __sk_common.skc_family); /* net/ipv4/udp.c: udp_sendmsg */
	to->port = __builtin_bswap16(raw.port);
	if (family == AF_INET) {
		set_v4(to, raw.v4);
	} else if (family == AF_INET6) {
		to->halves[0] = raw.v6[0];
		to->halves[1] = raw.v6[1];
	} else {
		return 0;
	}
	return 1;
}

struct range_key {
	u32 prefix;
	u8 bytes[16];
};

/* What policy says of an address outside [NET-1]. */
__noinline u32 address_context(const struct address *address)
{
	struct range_key key = { .prefix = 128 };
	struct csn_range *range;

	if (!address)
		return CSN_CTX_UNKNOWN;
	__builtin_memcpy(key.bytes, address->bytes, 16);
	range = bpf_map_lookup_elem(&ranges, &key);
	if (!range)
		return CSN_CTX_UNLABELLED;
	for (u32 i = 0; i < CSN_RANGE_PORTS; i++) {
		if (i >= range->count)
			break;
		if (address->port >= range->ports[i].first && address->port <= range->ports[i].last)
			return range->ports[i].context;
	}
	return CSN_CTX_UNLABELLED;
}

/* May the subject talk with that address? */
__noinline int use_address(const struct address *address, u32 op)
{
	struct csn_subject *s = subject();
	struct csn_entity other = {};
	struct event event = {};
	u32 context;

	if (!address)
		return 0;
	if (is_loopback(address) || (address->is_sealed && is_for_many(address)))
		return 0; /* this network, whose context is the subject's */
	__builtin_memcpy(&other, address->bytes, 16);
	if (!is_labelled(s)) { /* of a wider scope: what policy says of the address does not concern it */
		event.is_wide = 1;
		event.want = WANT_BOTH;
		event.op = op;
		event.bytes = address->port;
		tell(&event, &other, CSN_ENTITY_ADDRESS);
		return 0;
	}
	context = address_context(address);
	event.want = WANT_WRITE;
	event.verdict = CHECK(write, flow(s->out, context));
	if (!event.verdict) {
		event.want = WANT_READ;
		event.verdict = CHECK(read, flow(context, s->in));
	}
	if (!event.verdict)
		event.want = WANT_BOTH;
	event.actor_context = event.want & WANT_WRITE ? s->out : s->in;
	event.other_context = context;
	event.op = op;
	event.bytes = address->port;
	if (!event.verdict && address->is_joined)
		return 0;
	return tell(&event, &other, CSN_ENTITY_ADDRESS) < 0 ? -EACCES : 0;
}

/* Connections only: what an unlabelled program sends to many addresses is not merged. */
static __always_inline int is_stranger_told(u16 op)
{
	struct csn_subject *s = subject();

	return control.scope && op == CSN_OP_CONNECT && !(s && is_platform(s)) && is_in_scope(0);
}

static __always_inline int to_address(const void *from, struct socket *sock, int is_send, u16 op)
{
	struct address address = {};
	struct csn_network *network;

	if (!is_labelled(subject()) && !is_stranger_told(op))
		return 0;
	if (!address_of(from, sock, is_send, &address))
		return 0;
	network = network_of(READ(READ(sock, sk), __sk_common.skc_net.net));
	address.is_sealed = network && !(network->flags & CSN_NETWORK_OPEN);
	return use_address(&address, op) ? -EACCES : 0;
}

/* The far end of a connection that exists: policy may have changed since. Only where
 * there is a way out; elsewhere a connection stays within the network. Not inlined, for
 * the stack. */
struct connection {
	u64 socket;
};

__noinline int use_connection(const struct connection *connection, u32 op)
{
	struct address address = { .is_joined = 1 };
	struct csn_network *network;
	struct sock *sk;
	u16 family;

	if (!connection || !is_labelled(subject()))
		return 0;
	sk = READ((struct socket *)connection->socket, sk);
	if (!sk)
		return 0;
	family = READ(sk, __sk_common.skc_family);
	if (!is_internet(family))
		return 0;
	network = network_of(READ(sk, __sk_common.skc_net.net));
	if (!network || !(network->flags & CSN_NETWORK_OPEN))
		return 0;
	far_end(sk, family, &address);
	return use_address(&address, op);
}

SEC("lsm/socket_bind")
int BPF_PROG(socket_bind, struct socket *sock)
{
	return use_socket(sock, WANT_WRITE, CSN_OP_BIND);
}

/* Sent to, or asked for a connection: whoever has that port of the network. `name`: 0, of the peer that it has. */
static __always_inline int use_port(struct socket *sock, const void *name, u16 op)
{
	struct sock *sk = sock->sk;
	struct address address = {};
	struct csn_key key = {};
	u32 datagrams = sock->type == SOCK_DGRAM;

	if (name) {
		if (!address_of(name, sock, op == CSN_OP_SEND, &address))
			return use_socket(sock, WANT_WRITE, op);
	} else {
		address.port = __builtin_bswap16(READ(sk, __sk_common.skc_dport));
	}
	key.dev = READ(READ(sock->file->f_inode, i_sb), s_dev);
	port_key(sk, address.port, datagrams ? CSN_CHANNEL_DATAGRAMS : CSN_CHANNEL_PORT, &key);
	return use_socket_as(sock, WANT_WRITE, op, &key);
}

static __always_inline int is_of_internet(struct socket *sock)
{
	u16 family = READ(READ(sock, sk), __sk_common.skc_family);

	return is_internet(family);
}

SEC("lsm/socket_connect")
int BPF_PROG(socket_connect, struct socket *sock, struct sockaddr *address)
{
	int error;

	if (sock->file && is_of_internet(sock))
		error = use_port(sock, address, CSN_OP_CONNECT);
	else
		error = use_socket(sock, WANT_WRITE, CSN_OP_CONNECT);
	return error ? error : to_address(address, sock, 0, CSN_OP_CONNECT);
}

SEC("lsm/socket_listen")
int BPF_PROG(socket_listen, struct socket *sock)
{
	return use_socket(sock, WANT_WRITE, CSN_OP_BIND);
}

SEC("lsm/socket_accept")
int BPF_PROG(socket_accept, struct socket *sock)
{
	return use_socket(sock, WANT_READ, CSN_OP_ACCEPT);
}

/* A descriptor may go with it, wherever it arrives. */
static __always_inline int note_passing(struct msghdr *msg)
{
	struct csn_subject *s = subject();

	if (!s || !s->compartment || !msg->msg_controllen)
		return 0;
	return CHECK(passing, note_shared(s->compartment));
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(socket_sendmsg, struct socket *sock, struct msghdr *msg)
{
	struct connection connection = { .socket = (u64)sock };
	void *name = msg->msg_name;
	int error;

	if (sock->file && sock->type == SOCK_DGRAM && is_of_internet(sock))
		error = use_port(sock, name, CSN_OP_SEND);
	else
		error = use_socket(sock, WANT_WRITE, CSN_OP_SEND);
	if (!error)
		error = note_passing(msg);
	if (error)
		return error;
	if (name)
		return to_address(name, sock, 1, CSN_OP_SEND);
	return CHECK(connection, use_connection(&connection, CSN_OP_SEND)) ? -EACCES : 0;
}

SEC("lsm/socket_recvmsg")
int BPF_PROG(socket_recvmsg, struct socket *sock)
{
	struct connection connection = { .socket = (u64)sock };
	int error = use_socket(sock, WANT_READ, CSN_OP_RECEIVE);

	if (error)
		return error;
	return CHECK(connection, use_connection(&connection, CSN_OP_RECEIVE)) ? -EACCES : 0;
}

/* Asks or sets something of the socket itself, and moves no data through it. */
static __always_inline int control_socket(struct socket *sock, u32 want)
{
	struct csn_key own = {};

	if (sock->file)
		key_of(sock->file->f_inode, &own);
	return use_socket_as(sock, want, CSN_OP_SOCKET, &own);
}

SEC("lsm/socket_getsockname")
int BPF_PROG(socket_getsockname, struct socket *sock)
{
	return control_socket(sock, WANT_READ);
}

SEC("lsm/socket_getpeername")
int BPF_PROG(socket_getpeername, struct socket *sock)
{
	return control_socket(sock, WANT_READ);
}

SEC("lsm/socket_getsockopt")
int BPF_PROG(socket_getsockopt, struct socket *sock)
{
	return control_socket(sock, WANT_READ);
}

SEC("lsm/socket_setsockopt")
int BPF_PROG(socket_setsockopt, struct socket *sock)
{
	return control_socket(sock, WANT_WRITE);
}

SEC("lsm/socket_shutdown")
int BPF_PROG(socket_shutdown, struct socket *sock)
{
	return control_socket(sock, WANT_WRITE);
}

/* Two sockets of this host are to be joined: both directions, between the contexts of
 * their networks. */
__noinline int join_slow(u32 mine, u32 theirs, const struct where *peer, u32 op)
{
	struct csn_subject *s = subject();
	struct event event = {};
	int error;

	if (!peer || (s && is_platform(s)))
		return 0;
	if (!mine && !theirs && !is_labelled(s))
		return 0; /* [FLOW-4] */
	event.want = WANT_WRITE;
	event.verdict = CHECK(write, flow(mine, theirs));
	if (!event.verdict) {
		event.want = WANT_READ;
		event.verdict = CHECK(read, flow(theirs, mine));
	}
	if (!event.verdict)
		event.want = WANT_BOTH;
	if (event.verdict && s && s->crosses && is_observed(mine, mine, s->crosses, theirs, WANT_BOTH, event.verdict))
		event.observed = WANT_BOTH;
	event.where.inode = peer->inode;
	event.actor_context = mine;
	event.other_context = theirs;
	event.op = op;
	if (peer->inode) {
		describe(event.actor_context);
		error = record_flow(&event, 0);
	} else {
		struct csn_entity nothing = {};

		error = tell(&event, &nothing, CSN_ENTITY_SOCKET);
	}
	return error < 0 ? -EACCES : 0;
}

static __always_inline int join_sockets(struct sock *mine, struct sock *theirs, u16 op)
{
	struct net *a = READ(mine, __sk_common.skc_net.net), *b = READ(theirs, __sk_common.skc_net.net);
	struct where peer = {};
	struct socket *socket;

	if (a == b)
		return 0;
	socket = READ(theirs, sk_socket);
	if (socket)
		peer.inode = (u64)socket + bpf_core_field_offset(struct socket_alloc, vfs_inode);
	return join_slow(network_context(a), network_context(b), &peer, op) ? -EACCES : 0;
}

/* From now on both ends can be told from all others; see pair_key. */
static __always_inline void make_pair(struct sock *one, struct sock *other)
{
	bpf_get_socket_cookie(one);
	bpf_get_socket_cookie(other);
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(unix_stream_connect, struct sock *sock, struct sock *other, struct sock *newsk)
{
	make_pair(sock, newsk);
	return join_sockets(sock, other, CSN_OP_CONNECT);
}

SEC("lsm/socket_socketpair")
int BPF_PROG(socket_socketpair, struct socket *one, struct socket *other)
{
	struct sock *a = one->sk, *b = other->sk;

	if (a && b)
		make_pair(a, b);
	return 0;
}

/* A datagram goes to that very socket, and whoever has it gets it there. */
SEC("lsm/unix_may_send")
int BPF_PROG(unix_may_send, struct socket *sock, struct socket *other)
{
	struct sock *mine = sock->sk, *theirs = other->sk;
	struct csn_key key = {};
	int error;

	if (!sock->file)
		return join_sockets(mine, theirs, CSN_OP_SEND);
	key_of((void *)other + bpf_core_field_offset(struct socket_alloc, vfs_inode), &key);
	key.generation = CSN_CHANNEL_LETTERS;
	error = use_socket_as(sock, WANT_WRITE, CSN_OP_SEND, &key);
	return error ? error : join_sockets(mine, theirs, CSN_OP_SEND);
}

SEC("lsm/tun_dev_create")
int BPF_PROG(tun_dev_create)
{
	return closed(CSN_OP_SOCKET);
}
