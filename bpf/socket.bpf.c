/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets: refused to labelled subjects, but for pairs that a subject makes for itself
 * and its children (socketpair). Channel rows U1 to U6, N1 to N4.
 *
 * Guarantee: a labelled subject uses a socket only when the socket was made under the
 * subject's own context, and such a socket is never bound, connected or listening: its
 * only peer is the other end of its pair.
 *
 * Not covered: a descriptor that unlabelled parties pass among themselves is their own
 * affair [FLOW-4].
 */

#define AF_UNIX 1

/* Also called by the kernel for itself, on somebody's behalf. A socket alone is of no
 * use; socketpair makes its two here. */
SEC("lsm/socket_create")
int BPF_PROG(socket_create, int family, int type, int protocol, int kern)
{
	return kern || family == AF_UNIX ? 0 : closed(CSN_OP_SOCKET);
}

/* Made by a subject of exactly this context, see inode_alloc_security? */
static __always_inline int own_socket(struct csn_subject *s, struct socket *sock)
{
	struct file *file = sock->file;
	struct csn_object *object;
	struct inode *inode;

	if (!file)
		return 0;
	inode = file->f_inode;
	if (!inode)
		return 0;
	object = bpf_inode_storage_get(&objects, inode, 0, 0);
	return object && object->flags & CSN_OBJECT_OWN && object->context == s->in && s->in == s->out;
}

static __always_inline int use_socket(struct socket *sock, u16 op)
{
	struct csn_subject *s = subject();

	return is_labelled(s) && !own_socket(s, sock) ? closed(op) : 0;
}

SEC("lsm/socket_bind")
int BPF_PROG(socket_bind)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/socket_connect")
int BPF_PROG(socket_connect)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/socket_listen")
int BPF_PROG(socket_listen)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/socket_accept")
int BPF_PROG(socket_accept)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(socket_sendmsg, struct socket *sock)
{
	return use_socket(sock, CSN_OP_SEND);
}

SEC("lsm/socket_recvmsg")
int BPF_PROG(socket_recvmsg, struct socket *sock)
{
	return use_socket(sock, CSN_OP_SEND);
}

SEC("lsm/socket_getsockname")
int BPF_PROG(socket_getsockname, struct socket *sock)
{
	return use_socket(sock, CSN_OP_SOCKET);
}

SEC("lsm/socket_getpeername")
int BPF_PROG(socket_getpeername, struct socket *sock)
{
	return use_socket(sock, CSN_OP_SOCKET);
}

SEC("lsm/socket_getsockopt")
int BPF_PROG(socket_getsockopt, struct socket *sock)
{
	return use_socket(sock, CSN_OP_SOCKET);
}

SEC("lsm/socket_setsockopt")
int BPF_PROG(socket_setsockopt, struct socket *sock)
{
	return use_socket(sock, CSN_OP_SOCKET);
}

SEC("lsm/socket_shutdown")
int BPF_PROG(socket_shutdown, struct socket *sock)
{
	return use_socket(sock, CSN_OP_SOCKET);
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(unix_stream_connect)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/unix_may_send")
int BPF_PROG(unix_may_send, struct socket *sock, struct socket *other)
{
	int error = use_socket(sock, CSN_OP_SEND);

	return error ? error : use_socket(other, CSN_OP_SEND);
}

SEC("lsm/netlink_send")
int BPF_PROG(netlink_send)
{
	return closed(CSN_OP_SEND);
}

SEC("lsm/tun_dev_create")
int BPF_PROG(tun_dev_create)
{
	return closed(CSN_OP_SOCKET);
}
