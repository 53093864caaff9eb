/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets: refused to labelled subjects outright, all families. Channel rows U1 to U6,
 * N1 to N4.
 *
 * Guarantee: a labelled subject makes no socket, and does nothing with one that it
 * holds; reads and writes on one are refused as file_permission (worlds.bpf.h).
 *
 * Not covered: nothing is mediated here yet, so nothing of it is open. A descriptor
 * that unlabelled parties pass among themselves is their own affair [FLOW-4].
 */

/* socket_create is also called by the kernel for itself, on somebody's behalf */
SEC("lsm/socket_create")
int BPF_PROG(socket_create, int family, int type, int protocol, int kern)
{
	return kern ? 0 : closed(CSN_OP_SOCKET);
}

SEC("lsm/socket_socketpair")
int BPF_PROG(socket_socketpair)
{
	return closed(CSN_OP_SOCKET);
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
int BPF_PROG(socket_sendmsg)
{
	return closed(CSN_OP_SEND);
}

SEC("lsm/socket_recvmsg")
int BPF_PROG(socket_recvmsg)
{
	return closed(CSN_OP_SEND);
}

SEC("lsm/socket_getsockname")
int BPF_PROG(socket_getsockname)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/socket_getpeername")
int BPF_PROG(socket_getpeername)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/socket_getsockopt")
int BPF_PROG(socket_getsockopt)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/socket_setsockopt")
int BPF_PROG(socket_setsockopt)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/socket_shutdown")
int BPF_PROG(socket_shutdown)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(unix_stream_connect)
{
	return closed(CSN_OP_SOCKET);
}

SEC("lsm/unix_may_send")
int BPF_PROG(unix_may_send)
{
	return closed(CSN_OP_SEND);
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
