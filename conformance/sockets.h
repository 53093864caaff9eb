/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actor's sockets: a table of them, and one command for each call.
 *
 *   sk new N FAMILY TYPE PROTOCOL     sk bind|connect N ADDRESS     sk listen N
 *   sk accept N M                     sk send|recv|peek|oob|recvoob|sendm|recvm N
 *   sk sendto N ADDRESS               sk name|peer|opt|setopt|shut|close|type N
 *   sk pass N KIND  sk take N         sk file N FILE-COMMAND
 *   sk own                            its process number, in a network of its own
 *   sk give PID  sk nest PID  sk number PID     messages that name the network of a process: for a device,
 *                                     for the other end of one, for a number
 *   sk enter TYPE INUM                a namespace by its handle, found by trying
 * ADDRESS: unix,PATH  abs,NAME  auto  inet,A.B.C.D,PORT  inet6,A::B,PORT  none
 * Receiving waits for a second at most, so that what does not arrive is an answer too.
 */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/net_namespace.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define SOCKETS 16
static int sk[SOCKETS] = { [0 ... SOCKETS - 1] = -1 };

union any_address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t address_from(const char *text, union any_address *a)
{
	char copy[128], *host, *port;

	memset(a, 0, sizeof(*a));
	snprintf(copy, sizeof(copy), "%s", text);
	host = strchr(copy, ',');
	if (host)
		*host++ = 0;
	if (!strcmp(copy, "unix")) {
		a->un.sun_family = AF_UNIX;
		strncpy(a->un.sun_path, host, sizeof(a->un.sun_path) - 1);
		return sizeof(a->un);
	}
	if (!strcmp(copy, "abs")) {
		a->un.sun_family = AF_UNIX;
		strncpy(a->un.sun_path + 1, host, sizeof(a->un.sun_path) - 2);
		return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(host);
	}
	if (!strcmp(copy, "auto")) {
		a->un.sun_family = AF_UNIX;
		return sizeof(sa_family_t);
	}
	if (!strcmp(copy, "none"))
		return sizeof(a->in); /* AF_UNSPEC */
	port = host ? strrchr(host, ',') : 0;
	if (!port)
		return 0;
	*port++ = 0;
	if (!strcmp(copy, "inet6")) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(atoi(port));
		inet_pton(AF_INET6, host, &a->in6.sin6_addr);
		return sizeof(a->in6);
	}
	a->in.sin_family = strcmp(copy, "unspec") ? AF_INET : AF_UNSPEC;
	a->in.sin_port = htons(atoi(port));
	inet_pton(AF_INET, host, &a->in.sin_addr);
	return sizeof(a->in);
}

static int keep_socket(int n, int s)
{
	struct timeval second = { 1, 0 };

	if (s < 0)
		return -errno;
	if (sk[n] >= 0)
		close(sk[n]);
	sk[n] = s;
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	return 0;
}

/* Over socket N: the open file, or something that has no file of its own. */
static int pass_over(int n, const char *kind)
{
	char byte = 'd', room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int made = !strcmp(kind, "eventfd") ? eventfd(7, 0) : !strcmp(kind, "epoll") ? epoll_create1(0) :
		   !strcmp(kind, "timer") ? timerfd_create(CLOCK_MONOTONIC, 0) : !strcmp(kind, "memfd") ? memfd_create("m", 0) :
		   !strcmp(kind, "inotify") ? inotify_init1(0) : dup(fd), error;

	if (made < 0)
		return -errno;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &made, sizeof(int));
	error = err(sendmsg(sk[n], &m, 0));
	close(made);
	return error;
}

static int take_over(int n)
{
	char byte, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	int got;

	if (recvmsg(sk[n], &m, 0) < 0)
		return -errno;
	if (m.msg_flags & MSG_CTRUNC || !CMSG_FIRSTHDR(&m))
		return -EACCES; /* it does not arrive [OP-7] */
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return keep(got);
}

/* A network and an IPC namespace of its own; answers the network's cookie. */
static int own_room(void)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_MULTICAST };
	struct rtentry groups = { .rt_flags = RTF_UP, .rt_dev = "lo" };
	uint64_t cookie;
	socklen_t size = sizeof(cookie);
	int s;

	if (unshare(CLONE_NEWNET | CLONE_NEWIPC))
		return -errno;
	s = socket(AF_INET, SOCK_DGRAM, 0);
	((struct sockaddr_in *)&groups.rt_dst)->sin_family = AF_INET;
	((struct sockaddr_in *)&groups.rt_dst)->sin_addr.s_addr = htonl(0xe0000000);
	((struct sockaddr_in *)&groups.rt_genmask)->sin_family = AF_INET;
	((struct sockaddr_in *)&groups.rt_genmask)->sin_addr.s_addr = htonl(0xe0000000);
	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &loopback) || ioctl(s, SIOCADDRT, &groups) || getsockopt(s, SOL_SOCKET, 71, &cookie, &size))
		return -errno;
	close(s);
	snprintf(detail, sizeof(detail), "%llu", (unsigned long long)cookie);
	return 0;
}

static char *put_attribute(char *at, int type, const void *value, int size)
{
	struct rtattr *a = (void *)at;

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(size);
	memcpy(RTA_DATA(a), value, size);
	return at + RTA_SPACE(size);
}

/* How the kernel takes it: a device for that process's network, or a number for the network. */
static int name_network(const char *how, int pid)
{
	struct { struct nlmsghdr head; char body[512]; } message = { { .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL } };
	struct { struct nlmsghdr head; struct nlmsgerr error; char rest[512]; } answer;
	char *at = message.body, *kind, *data, *peer;
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), nsid = 4711, error = 0;

	if (s < 0)
		return -errno;
	if (*how == 'n' && how[1] == 'u') { /* number */
		message.head.nlmsg_type = RTM_NEWNSID;
		at += NLMSG_ALIGN(sizeof(struct rtgenmsg));
		at = put_attribute(at, 1 /* NETNSA_NSID */, &nsid, 4);
		at = put_attribute(at, 2 /* NETNSA_PID */, &pid, 4);
	} else {
		message.head.nlmsg_type = RTM_NEWLINK;
		at += NLMSG_ALIGN(sizeof(struct ifinfomsg));
		if (*how == 'g')
			at = put_attribute(at, 19 /* IFLA_NET_NS_PID */, &pid, 4);
		kind = at;
		at = put_attribute(at, IFLA_LINKINFO, "", 0);
		at = put_attribute(at, IFLA_INFO_KIND, "veth", 4);
		if (*how == 'n') {
			data = at;
			at = put_attribute(at, IFLA_INFO_DATA, "", 0);
			peer = at;
			at = put_attribute(at, 1 /* VETH_INFO_PEER */, "", 0) + NLMSG_ALIGN(sizeof(struct ifinfomsg));
			at = put_attribute(at, 19, &pid, 4);
			((struct rtattr *)peer)->rta_len = at - peer;
			((struct rtattr *)data)->rta_len = at - data;
		}
		((struct rtattr *)kind)->rta_len = at - kind;
	}
	message.head.nlmsg_len = at - (char *)&message;
	if (send(s, &message, message.head.nlmsg_len, 0) < 0)
		error = -errno;
	else if (recv(s, &answer, sizeof(answer), 0) < 0)
		error = -errno;
	else
		error = answer.error.error;
	close(s);
	return error;
}

#define NSFS_ROOT (-10003) /* include/uapi/linux/fcntl.h, since 6.18 */

/* Numbers of namespaces are small, and given out in order. */
static int open_namespace(uint32_t type, uint32_t inum)
{
	struct { unsigned bytes; int kind; uint64_t id; uint32_t type, inum; } handle = { 16, 0xf1, 0, type, inum };
	int error = -ESTALE, file;

	for (handle.id = 1; handle.id < 2000; handle.id++) {
		file = syscall(SYS_open_by_handle_at, NSFS_ROOT, &handle, O_RDONLY);
		if (file >= 0) {
			close(file);
			return 0;
		}
		if (errno != ESTALE)
			error = -errno;
	}
	return error;
}

/* A child that has a network and queues of its own, and waits to be killed. */
static int own_child(void)
{
	int ends[2], error = 0;
	pid_t child;

	if (pipe(ends))
		return -errno;
	child = fork();
	if (child == 0) {
		close(answers);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		error = err(unshare(CLONE_NEWNET | CLONE_NEWIPC));
		(void)!write(ends[1], &error, sizeof(error));
		for (;;)
			pause();
	}
	if (child < 0 || read(ends[0], &error, sizeof(error)) != sizeof(error))
		error = -ECHILD;
	close(ends[0]);
	close(ends[1]);
	snprintf(detail, sizeof(detail), "%d", child);
	return error;
}

static int do_sk(void)
{
	const char *what = arg(1);
	int n = num(2) & (SOCKETS - 1), one = 1, value = 0;
	socklen_t size = sizeof(value);
	union any_address a;
	struct iovec io = { "data", 4 }, room = { buffer, 64 };
	struct mmsghdr two[2] = { { .msg_hdr = { .msg_iov = &io, .msg_iovlen = 1 } }, { .msg_hdr = { .msg_iov = &io, .msg_iovlen = 1 } } };
	long got;

	if (!strcmp(what, "own")) return own_child();
	if (!strcmp(what, "give") || !strcmp(what, "nest") || !strcmp(what, "number")) return name_network(what, num(2));
	if (!strcmp(what, "enter")) return open_namespace(num(2), num(3));
	if (!strcmp(what, "new")) return keep_socket(n, socket(num(3), num(4), num(5)));
	if (!strcmp(what, "bindonly")) { size = address_from(arg(3), &a); return err(bind(sk[n], &a.any, size)); }
	if (!strcmp(what, "bind")) {
		size = address_from(arg(3), &a);
		setsockopt(sk[n], SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		return err(bind(sk[n], &a.any, size));
	}
	if (!strcmp(what, "connect")) { size = address_from(arg(3), &a); return err(connect(sk[n], &a.any, size)); }
	if (!strcmp(what, "listen")) return err(listen(sk[n], 8));
	if (!strcmp(what, "accept")) return keep_socket(num(3) & (SOCKETS - 1), accept(sk[n], 0, 0));
	if (!strcmp(what, "send")) return err(send(sk[n], *arg(3) ? arg(3) : "data", *arg(3) ? strlen(arg(3)) : 4, MSG_NOSIGNAL));
	if (!strcmp(what, "fastopen")) { size = address_from(arg(3), &a); return err(sendto(sk[n], "data", 4, MSG_FASTOPEN | MSG_NOSIGNAL, &a.any, size)); }
	if (!strcmp(what, "oob")) return err(send(sk[n], "o", 1, MSG_OOB | MSG_NOSIGNAL));
	if (!strcmp(what, "sendto")) { size = address_from(arg(3), &a); return err(sendto(sk[n], "data", 4, MSG_NOSIGNAL, &a.any, size)); }
	if (!strcmp(what, "sendm")) return err(sendmmsg(sk[n], two, 2, MSG_NOSIGNAL));
	if (!strcmp(what, "sendmto")) {
		two[1].msg_hdr.msg_namelen = address_from(arg(3), &a);
		two[1].msg_hdr.msg_name = &a; /* the first goes where it is connected to */
		got = sendmmsg(sk[n], two, 2, MSG_NOSIGNAL);
		return got == 1 ? -EACCES : err(got);
	}
	if (!strcmp(what, "recvm")) { two[0].msg_hdr.msg_iov = two[1].msg_hdr.msg_iov = &room; got = recvmmsg(sk[n], two, 2, MSG_WAITFORONE, 0); snprintf(detail, sizeof(detail), "%ld", got); return err(got); }
	if (!strcmp(what, "recv") || !strcmp(what, "peek") || !strcmp(what, "recvoob")) {
		got = recv(sk[n], buffer, 64, *what == 'p' ? MSG_PEEK : what[4] ? MSG_OOB : 0);
		if (got > 0) say(buffer, got);
		return err(got);
	}
	if (!strcmp(what, "name")) { size = sizeof(a); return err(getsockname(sk[n], &a.any, &size)); }
	if (!strcmp(what, "peer")) { size = sizeof(a); return err(getpeername(sk[n], &a.any, &size)); }
	if (!strcmp(what, "opt")) return err(getsockopt(sk[n], SOL_SOCKET, SO_TYPE, &value, &size));
	if (!strcmp(what, "setopt")) return err(setsockopt(sk[n], SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)));
	if (!strcmp(what, "reuseport")) return err(setsockopt(sk[n], SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	if (!strcmp(what, "join")) { struct ip_mreqn group = { .imr_ifindex = 1 }; inet_pton(AF_INET, arg(3), &group.imr_multiaddr); return err(setsockopt(sk[n], IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group))); }
	if (!strcmp(what, "shut")) return err(shutdown(sk[n], SHUT_WR));
	if (!strcmp(what, "sendfile")) { off_t at = 0; return err(sendfile(sk[n], fd, &at, 4)); }
	if (!strcmp(what, "splice")) { int ends[2]; if (pipe(ends)) return -errno; int e = err(splice(sk[n], 0, ends[1], 0, 4, SPLICE_F_NONBLOCK)); close(ends[0]); close(ends[1]); return e; }
	if (!strcmp(what, "pass")) return pass_over(n, arg(3));
	if (!strcmp(what, "take")) return take_over(n);
	if (!strcmp(what, "close")) { if (sk[n] >= 0) close(sk[n]); sk[n] = -1; return 0; }
	if (!strcmp(what, "file")) { int saved = fd, e; fd = sk[n]; shift(3); e = use(arg(0)); fd = saved; return e; }
	return -ENOSYS;
}
