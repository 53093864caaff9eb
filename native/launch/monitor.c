/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher's side of bpf/abi.h: labels for a device, a pipe, itself. Only bpf(2);
 * the launcher is static and has no library.
 */
#include "launch.h"
#include <linux/bpf.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>

#define CONTROL 3

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

int map_open(const struct options *o, const char *name)
{
	union bpf_attr attr;
	char path[4096];
	int fd;

	if (!o->pins)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", o->pins, name);
	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uintptr_t)path;
	fd = bpf(BPF_OBJ_GET, &attr); /* close-on-exec by default */
	if (fd < 0)
		fail("monitor: open map %s", name);
	return fd;
}

static void set(int map, const void *key, const void *value, const char *what)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map;
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)value;
	if (bpf(BPF_MAP_UPDATE_ELEM, &attr))
		fail("monitor: label %s", what);
}

/* A file system of the compartment's own: all that is on it has its context. */
void label_device(int devices, const char *path, uint32_t context)
{
	struct csn_device device = { .context = context, .flags = CSN_DEVICE_VOLATILE };
	struct stat st;
	uint32_t dev;

	if (devices < 0)
		return;
	if (stat(path, &st))
		fail("monitor: stat %s", path);
	dev = major(st.st_dev) << 20 | minor(st.st_dev);
	dprintf(CONTROL, "device %u\n", dev); /* changes its context with the compartment */
	if (context == CSN_CTX_UNLABELLED)
		return;
	set(devices, &dev, &device, path);
}

/* A network namespace: every socket made in it has its context. */
void label_network(int networks, uint64_t cookie, uint32_t context)
{
	struct csn_network network = { .context = context };

	set(networks, &cookie, &network, "network");
}

void label_object(int objects, int fd, uint32_t context)
{
	struct csn_object object = { .context = context, .flags = CSN_OBJECT_OWN };

	if (objects >= 0)
		set(objects, &fd, &object, "pipe");
}

/* The calling process becomes a subject of that context; what it starts is one too. */
void label_self(int subjects, const struct csn_subject *as)
{
	struct csn_subject subject = *as;
	struct timespec now;
	int pidfd;

	if (subjects < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* unlike any that the kernel gives out, which count from 1 */
	subject.id = 1ull << 62 | ((uint64_t)now.tv_sec * 1000000000 + now.tv_nsec);
	pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	if (pidfd < 0)
		fail("monitor: pidfd_open");
	set(subjects, &pidfd, &subject, "subject");
	close(pidfd);
}
