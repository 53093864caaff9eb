/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compartment's file tree: the host's, under a writable layer of the compartment's
 * own context.
 *
 * Guarantee: what is written outside a volume goes to memory that ends with the
 * program; /tmp, /var/tmp, /dev/shm, /run and the terminal are the compartment's
 * own; /proc shows only its processes. Called while still the platform's subject, in
 * new mount and pid namespaces.
 *
 * Not covered: who may read what is below (the kernel monitor decides that, layer by
 * layer); space (the layer may fill half of the memory).
 */
#include "launch.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static char scratch[3072];

static const char *at(const char *format, const char *name)
{
	static char paths[4][8192];
	static int next;
	char *path = paths[next++ & 3];

	snprintf(path, sizeof(paths[0]), format, scratch, name);
	return path;
}

static void make(const char *path, mode_t mode)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		fail("tree: mkdir %s", path);
	if (chmod(path, mode))
		fail("tree: chmod %s", path);
}

static void mounted(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data))
		fail("tree: mount %s on %s", type && *type ? type : source ? source : "flags", target);
}

/* overlayfs reads `,` `:` and `\` in its options. */
static void escape(char *to, size_t size, const char *path)
{
	size_t n = 0;

	for (; *path && n + 2 < size; path++) {
		if (*path == ',' || *path == ':' || *path == '\\')
			to[n++] = '\\';
		to[n++] = *path;
	}
	to[n] = 0;
}

/* A writable layer over one file system of the host. */
static int layer(int number, const char *lower, const char *target)
{
	char options[13000], escaped[4096], upper[4096], work[4096];

	snprintf(upper, sizeof(upper), "%s/layer/upper%d", scratch, number);
	snprintf(work, sizeof(work), "%s/layer/work%d", scratch, number);
	make(upper, 0755);
	make(work, 0755);
	escape(escaped, sizeof(escaped), lower);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s,userxattr,xino=off,index=off,metacopy=off", escaped, upper, work);
	return mount("csn", target, "overlay", 0, options);
}

static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '\\' && text[1] >= '0' && text[1] <= '3') {
			*to++ = (text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0');
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = 0;
}

static int is_disk(const char *type)
{
	static const char *const types[] = { "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "squashfs", "erofs", "iso9660", 0 };

	for (int i = 0; types[i]; i++)
		if (!strcmp(types[i], type))
			return 1;
	return 0;
}

/* The host's other disks get a layer each: overlayfs does not look across mounts. */
static void layers(const struct options *o, int devices)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[16384], target[4096], type[64];
	int number = 1;

	if (!file)
		fail("tree: mountinfo");
	while (fgets(line, sizeof(line), file) && number < 64) {
		char *dash = strstr(line, " - ");

		if (!dash || sscanf(line, "%*s %*s %*s %*s %4095s", target) != 1 || sscanf(dash, " - %63s", type) != 1)
			continue;
		unescape(target);
		if (!strcmp(target, "/") || !is_disk(type) || !strncmp(target, scratch, strlen(scratch)))
			continue;
		if (access(at("%s/root%s", target), F_OK))
			continue;
		if (layer(number++, target, at("%s/root%s", target)))
			continue; /* an empty folder then, which shows nothing of it */
		label_device(devices, at("%s/root%s", target), o->layer);
	}
	fclose(file);
}

static void device(const char *name)
{
	char host[64];
	int fd;

	snprintf(host, sizeof(host), "/dev/%s", name);
	fd = open(at("%s/own/dev/%s", name), O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0)
		fail("tree: /dev/%s", name);
	close(fd);
	mounted(host, at("%s/own/dev/%s", name), "", MS_BIND, 0);
}

/* A path of the compartment, with every link on the way resolved inside it: the launcher is
 * outside and root, and links are the user's. */
static int open_inside(int root, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

	return syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* Makes what a volume is mounted on, folders on the way included: a folder, or an empty
 * file for a file. Returns a descriptor of it. */
static int mount_point(int root, const char *path, int folder)
{
	char prefix[4096];
	int parent = open_inside(root, "/"), next;

	for (size_t end = 0; path[end];) {
		size_t start = end + strspn(path + end, "/");
		int last;

		end = start + strcspn(path + start, "/");
		if (end == start)
			break;
		last = path[end + strspn(path + end, "/")] == 0;
		snprintf(prefix, sizeof(prefix), "%.*s", (int)end, path);
		next = open_inside(root, prefix);
		if (next < 0 && errno == ENOENT) {
			const char *name = prefix + start;

			if (last && !folder) {
				int file = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

				if (file < 0)
					fail("volume: create %s", path);
				close(file);
			} else if (mkdirat(parent, name, 0755)) {
				fail("volume: mkdir %s", prefix);
			}
			next = open_inside(root, prefix);
		}
		if (next < 0)
			fail("volume: %s", path);
		close(parent);
		parent = next;
	}
	return parent;
}

/* The source, opened with the user's own rights: the launcher is root, and would bring in
 * what lies in folders that the user may not enter. */
static int open_source(const struct options *o, const char *path)
{
	int fd;

	if (setgroups(o->group_count, o->groups))
		fail("volume: groups");
	setfsgid(o->gid);
	setfsuid(o->uid); /* a user that is not root has no file capabilities meanwhile */
	fd = open(path, O_PATH | O_CLOEXEC);
	setfsuid(0);
	setfsgid(0);
	if (fd < 0)
		fail("volume: %s", path);
	return fd;
}

/* SRC:DST[:ro]. A colon in a path is written `\:`. */
static void volume(const struct options *o, int root, const char *text)
{
	struct mount_attr quiet = { .attr_set = MOUNT_ATTR_NOATIME, .attr_clr = MOUNT_ATTR__ATIME };
	char part[3][4096] = { "", "", "" }, target[64];
	int n = 0;
	size_t used = 0;
	struct stat st;
	int source, point;

	for (; *text; text++) {
		if (*text == ':') {
			if (++n > 2)
				break;
			used = 0;
			continue;
		}
		if (*text == '\\' && text[1])
			text++;
		if (used + 1 < sizeof(part[0]))
			part[n][used++] = *text;
	}
	source = open_source(o, part[0]);
	if (fstat(source, &st))
		fail("volume: %s", part[0]);
	snprintf(part[0], sizeof(part[0]), "/proc/self/fd/%d", source);
	point = mount_point(root, part[1], S_ISDIR(st.st_mode));
	snprintf(target, sizeof(target), "/proc/self/fd/%d", point);
	mounted(part[0], target, "", MS_BIND | MS_REC, 0);
	close(source);
	close(point);
	/* reading must leave no time of access behind for others to see [channel F9] */
	if (!strcmp(part[2], "ro"))
		quiet.attr_set |= MOUNT_ATTR_RDONLY;
	point = open_inside(root, part[1]); /* now what is mounted there */
	if (point < 0 || syscall(SYS_mount_setattr, point, "", AT_EMPTY_PATH | AT_RECURSIVE, &quiet, sizeof(quiet)))
		fail("volume: noatime on %s", part[1]);
	close(point);
}

static int terminal(const struct options *o, int channel)
{
	int master = open(at("%s/root/dev/pts/ptmx%s", ""), O_RDWR | O_NOCTTY | O_CLOEXEC);
	int unlock = 0, number, slave;
	struct winsize size = { .ws_row = o->rows, .ws_col = o->columns };
	char name[32];

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &number))
		fail("tree: terminal");
	ioctl(master, TIOCSWINSZ, &size);
	snprintf(name, sizeof(name), "%d", number);
	slave = open(at("%s/root/dev/pts/%s", name), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || fchown(slave, o->uid, -1))
		fail("tree: terminal");
	send_descriptor(channel, master);
	close(master);
	return slave;
}

int build_tree(const struct options *o, int devices, int channel)
{
	static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };
	int slave = -1, root;

	snprintf(scratch, sizeof(scratch), "%s", o->scratch);
	if (mount(0, "/", 0, MS_REC | MS_PRIVATE, 0))
		fail("tree: private mounts");
	mounted("csn", scratch, "tmpfs", MS_NOSUID, "mode=0755,size=50%");
	make(at("%s/layer%s", ""), 0700);
	make(at("%s/root%s", ""), 0755);
	make(at("%s/own%s", ""), 0755);
	if (layer(0, "/", at("%s/root%s", "")))
		fail("tree: overlay of / (is the overlay module loaded?)");
	label_device(devices, at("%s/root%s", ""), o->layer);
	layers(o, devices);

	make(at("%s/own/tmp%s", ""), 01777);
	make(at("%s/own/vartmp%s", ""), 01777);
	make(at("%s/own/run%s", ""), 0755);
	if (o->compartment)
		make_ask(at("%s/own/run/csn%s", ""), channel);
	make(at("%s/own/dev%s", ""), 0755);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		device(nodes[i]);
	make(at("%s/own/dev/shm%s", ""), 01777);
	make(at("%s/own/dev/pts%s", ""), 0755);
	(void)!symlink("/proc/self/fd", at("%s/own/dev/fd%s", ""));
	(void)!symlink("/proc/self/fd/0", at("%s/own/dev/stdin%s", ""));
	(void)!symlink("/proc/self/fd/1", at("%s/own/dev/stdout%s", ""));
	(void)!symlink("/proc/self/fd/2", at("%s/own/dev/stderr%s", ""));
	(void)!symlink("pts/ptmx", at("%s/own/dev/ptmx%s", ""));

	make(at("%s/root/tmp%s", ""), 01777);
	mounted(at("%s/own/tmp%s", ""), at("%s/root/tmp%s", ""), "", MS_BIND, 0);
	make(at("%s/root/var%s", ""), 0755);
	make(at("%s/root/var/tmp%s", ""), 01777);
	mounted(at("%s/own/vartmp%s", ""), at("%s/root/var/tmp%s", ""), "", MS_BIND, 0);
	make(at("%s/root/run%s", ""), 0755);
	mounted(at("%s/own/run%s", ""), at("%s/root/run%s", ""), "", MS_BIND, 0);
	make(at("%s/root/dev%s", ""), 0755);
	mounted(at("%s/own/dev%s", ""), at("%s/root/dev%s", ""), "", MS_BIND | MS_REC, 0);
	mounted("devpts", at("%s/root/dev/pts%s", ""), "devpts", MS_NOSUID | MS_NOEXEC,
		"newinstance,ptmxmode=0666,mode=0620");
	label_device(devices, at("%s/root/dev/pts%s", ""), o->layer);
	make(at("%s/own/dev/mqueue%s", ""), 01777);
	mounted("mqueue", at("%s/root/dev/mqueue%s", ""), "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	label_device(devices, at("%s/root/dev/mqueue%s", ""), o->layer);
	make(at("%s/root/proc%s", ""), 0555);
	mounted("proc", at("%s/root/proc%s", ""), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	make(at("%s/root/sys%s", ""), 0555);
	mounted("/sys", at("%s/root/sys%s", ""), "", MS_BIND, 0);
	mounted(0, at("%s/root/sys%s", ""), "", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);

	root = open(at("%s/root%s", ""), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		fail("tree: root");
	for (int i = 0; i < o->volume_count; i++)
		volume(o, root, o->volumes[i]);
	close(root);
	copy_verified(o, at("%s/own" GATE_FOLDER "%s", ""));
	/* last: from here on all of this tmpfs is the compartment's */
	label_device(devices, at("%s/own%s", ""), o->layer);
	if (o->tty)
		slave = terminal(o, channel);

	if (chdir(at("%s/root%s", "")) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		fail("tree: pivot_root");
	if (sethostname(o->hostname, strlen(o->hostname)))
		fail("tree: hostname");
	return slave;
}
