/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of a context: one network namespace for all that runs under exactly this
 * context, with nothing in it but loopback [NET-2]. bpf/socket.bpf.c lets a labelled
 * subject make sockets in such a one only.
 *
 * Guarantee: a namespace is known to the monitor before anything runs in it, and serves
 * one context as long as it is there; names are ids of contexts, which mean the same as
 * long as the monitor is attached (the daemon clears the folder when it attaches anew).
 * An unlabelled program stays in the host's network.
 *
 * Not covered: a way out of it (src/daemon/way-out.ts).
 */
#include "launch.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#define NSFS_MAGIC 0x6e736673 /* include/uapi/linux/magic.h */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Loopback, groups included: without a route they would go nowhere. */
static void bring_up(int fd)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_MULTICAST };
	struct rtentry groups = { .rt_flags = RTF_UP, .rt_dev = (char[]){ "lo" } };
	struct sockaddr_in *to = (void *)&groups.rt_dst, *mask = (void *)&groups.rt_genmask;

	if (ioctl(fd, SIOCSIFFLAGS, &loopback))
		fail("network: loopback");
	to->sin_family = mask->sin_family = AF_INET;
	to->sin_addr.s_addr = mask->sin_addr.s_addr = htonl(0xe0000000);
	if (ioctl(fd, SIOCADDRT, &groups) && errno != EEXIST)
		fail("network: route");
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie;
	socklen_t size = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		fail("network: cookie");
	return cookie;
}

/* Keeps the namespace that the process is in under a name. */
static void keep(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		fail("network: %s", path);
	close(fd);
	if (mount("/proc/self/ns/net", path, 0, MS_BIND, 0))
		fail("network: keep %s", path);
}

static int is_kept(int fd)
{
	struct statfs fs;

	return fd >= 0 && !fstatfs(fd, &fs) && fs.f_type == NSFS_MAGIC;
}

void join_network(const struct options *o)
{
	char path[4096];
	int lock, kept, fd;

	if (!o->in && !o->out)
		return;
	lock = open(o->networks, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX))
		fail("network: %s", o->networks);
	snprintf(path, sizeof(path), "%s/%u-%u", o->networks, o->in, o->out);
	kept = open(path, O_RDONLY | O_CLOEXEC);
	if (is_kept(kept)) {
		if (setns(kept, CLONE_NEWNET))
			fail("network: join");
	} else {
		if (unshare(CLONE_NEWNET))
			fail("network: new");
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			fail("network: socket");
		bring_up(fd);
		/* a gate writes what its readers may not: nobody may talk there */
		if (o->in == o->out)
			label_network(map_open(o, "networks"), cookie_of(fd), o->out);
		close(fd);
		keep(path);
	}
	if (kept >= 0)
		close(kept);
	close(lock);
}
