/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Float: before a call that names a file to read, the daemon is asked to raise the compartment to
 * what the file is, within the run's clearance [FLT-1].
 *
 * A filter stops the program at those calls (seccomp, user notification). The launcher finds what
 * the call names, as the platform and without using it, hands it to the daemon, and lets the call
 * go on, whatever the answer: the kernel's monitor judges it as any other. So nothing depends on what
 * is found here: a name that is changed meanwhile, or was read wrong, at worst raises the compartment
 * to something that it may read anyway, or gets the call refused.
 *
 * Guarantee: only a call of the program's own raises it, and it does so whether the file has anything in
 * it or not [FLT-2]. While the daemon changes the context, the call waits: stopping the compartment
 * interrupts it, and it begins again.
 *
 * Not covered, and refused as ever: what is read through a descriptor whose object changed after it was
 * opened; sockets, System V objects, keys and other processes; names in a call's second place.
 */
#include "launch.h"
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define CONTROL 3

/* Which argument is the folder (-1: none), the path and the flags; what of the file is read. */
enum reads { THE_FILE, THE_LINK, AS_AT_FLAGS, AS_OPEN_FLAGS, AS_OPEN_HOW, ONLY_FOLDER };

static const struct named {
	int call, folder, path, flags;
	enum reads reads;
} calls[] = {
	{ SYS_open, -1, 0, 1, AS_OPEN_FLAGS },
	{ SYS_openat, 0, 1, 2, AS_OPEN_FLAGS },
	{ SYS_openat2, 0, 1, 2, AS_OPEN_HOW },
	{ SYS_execve, -1, 0, 0, THE_FILE },
	{ SYS_execveat, 0, 1, 4, AS_AT_FLAGS },
	{ SYS_stat, -1, 0, 0, THE_FILE },
	{ SYS_lstat, -1, 0, 0, THE_LINK },
	{ SYS_newfstatat, 0, 1, 3, AS_AT_FLAGS },
	{ SYS_statx, 0, 1, 2, AS_AT_FLAGS },
	{ SYS_access, -1, 0, 0, THE_FILE },
	{ SYS_faccessat, 0, 1, 0, THE_FILE },
	{ SYS_faccessat2, 0, 1, 3, AS_AT_FLAGS },
	{ SYS_readlink, -1, 0, 0, THE_LINK },
	{ SYS_readlinkat, 0, 1, 0, THE_LINK },
	{ SYS_getxattr, -1, 0, 0, THE_FILE },
	{ SYS_lgetxattr, -1, 0, 0, THE_LINK },
	{ SYS_listxattr, -1, 0, 0, THE_FILE },
	{ SYS_llistxattr, -1, 0, 0, THE_LINK },
	{ SYS_chdir, -1, 0, 0, THE_FILE },
	{ SYS_inotify_add_watch, -1, 1, 0, THE_FILE },
	{ SYS_creat, -1, 0, 0, ONLY_FOLDER },
	{ SYS_truncate, -1, 0, 0, ONLY_FOLDER },
	{ SYS_mkdir, -1, 0, 0, ONLY_FOLDER },
	{ SYS_mkdirat, 0, 1, 0, ONLY_FOLDER },
	{ SYS_rmdir, -1, 0, 0, ONLY_FOLDER },
	{ SYS_unlink, -1, 0, 0, ONLY_FOLDER },
	{ SYS_unlinkat, 0, 1, 0, ONLY_FOLDER },
	{ SYS_rename, -1, 0, 0, ONLY_FOLDER },
	{ SYS_renameat, 0, 1, 0, ONLY_FOLDER },
	{ SYS_renameat2, 0, 1, 0, ONLY_FOLDER },
};
#define CALLS (sizeof(calls) / sizeof(*calls))

/* Descriptors of what a call names: itself, and folders that its name leads through. */
enum { FOUND = 3 };

static struct {
	int listener, proc, waits;
	int found[FOUND];
	struct seccomp_notif call;
} state = { .listener = -1, .proc = -1, .found = { -1, -1, -1 } };

/* In process 1 of the compartment, confined already: from here on the calls stop, also those of its children. */
void make_float(int report)
{
	struct sock_filter code[4 + 2 * CALLS];
	struct sock_fprog program = { .filter = code };
	unsigned short n = 0;
	int told;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].call, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = n;
	told = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (told < 0)
		fail("float: seccomp");
	told |= FLOAT_LISTENER;
	if (write(report, &told, sizeof(told)) != sizeof(told))
		_exit(125);
	access("/", F_OK); /* stops until the launcher has taken the listener */
	close(told & ~FLOAT_LISTENER);
}

int proc_folder(void)
{
	if (state.proc < 0)
		state.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return state.proc;
}

/* The launcher's: takes the listener of process 1, and sees files as the compartment does from here on. */
void take_float(pid_t child, int listener)
{
	char path[64];
	int pidfd = syscall(SYS_pidfd_open, child, 0), root;

	state.listener = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, listener, 0);
	if (state.listener < 0)
		fail("float: listener");
	close(pidfd);
	snprintf(path, sizeof(path), "%d/root", (int)child);
	root = openat(proc_folder(), path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || fchdir(root) || chroot("."))
		fail("float: root");
	close(root);
}

int float_fd(void)
{
	return state.waits ? -1 : state.listener;
}

/*
 * Calls that were interrupted while they were asked for, as all are when the compartment is stopped: they
 * come again, and are not asked for again, or a refusal would have no end.
 */
enum { ASKED = 256 };
static struct {
	uint32_t pid;
	struct seccomp_data data;
} asked[ASKED];
static int next_asked;

static int was_asked(const struct seccomp_notif *n)
{
	for (int i = 0; i < ASKED; i++)
		if (asked[i].pid == n->pid && !memcmp(&asked[i].data, &n->data, sizeof(n->data))) {
			asked[i].pid = 0;
			return 1;
		}
	return 0;
}

static void let_go_on(void)
{
	struct seccomp_notif_resp response = { .id = state.call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	if (!ioctl(state.listener, SECCOMP_IOCTL_NOTIF_SEND, &response) || !state.waits)
		return;
	asked[next_asked].pid = state.call.pid;
	asked[next_asked].data = state.call.data;
	next_asked = (next_asked + 1) % ASKED;
}

static int read_memory(pid_t pid, uint64_t at, void *to, size_t size)
{
	char path[64];
	int fd, n;

	snprintf(path, sizeof(path), "%d/mem", (int)pid);
	fd = openat(state.proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : pread(fd, to, size, at);
	close(fd);
	return n;
}

/* A path ends before the next page, which may not be there. */
static int read_path(pid_t pid, uint64_t at, char path[PATH_MAX])
{
	int used = 0;

	while (used < PATH_MAX) {
		int part = 4096 - (at + used) % 4096, n;

		if (part > PATH_MAX - used)
			part = PATH_MAX - used;
		n = read_memory(pid, at + used, path + used, part);
		if (n <= 0)
			return 0;
		if (memchr(path + used, 0, n))
			return *path != 0;
		used += n;
	}
	return 0;
}

static enum reads reads_of(const struct named *call, const struct seccomp_notif *n)
{
	uint64_t flags = n->data.args[call->flags];

	if (call->reads == AS_AT_FLAGS)
		return flags & AT_SYMLINK_NOFOLLOW ? THE_LINK : THE_FILE;
	if (call->reads == AS_OPEN_HOW && read_memory(n->pid, flags, &flags, sizeof(flags)) != sizeof(flags))
		return ONLY_FOLDER;
	if (call->reads != AS_OPEN_FLAGS && call->reads != AS_OPEN_HOW)
		return call->reads;
	/* also when it is opened to write: that tells something of the file [OP-3] */
	return flags & O_NOFOLLOW ? THE_LINK : THE_FILE;
}

/* The program's own folder, where its relative paths begin. */
static int enter(const struct named *call, const struct seccomp_notif *n)
{
	int folder = call->folder < 0 ? AT_FDCWD : (int)n->data.args[call->folder], fd, result;
	char path[64];

	if (folder == AT_FDCWD)
		snprintf(path, sizeof(path), "%d/cwd", (int)n->pid);
	else
		snprintf(path, sizeof(path), "%d/fd/%d", (int)n->pid, folder);
	fd = openat(state.proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	result = fd < 0 ? -1 : fchdir(fd);
	close(fd);
	return result;
}

static int folder_of(char *path)
{
	return open(dirname(path), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void find(const struct named *call, const struct seccomp_notif *n)
{
	char path[PATH_MAX], name[64], target[PATH_MAX];
	enum reads reads;
	ssize_t length;

	if (!read_path(n->pid, n->data.args[call->path], path) || (*path != '/' && enter(call, n)))
		return;
	reads = reads_of(call, n);
	if (reads != ONLY_FOLDER)
		state.found[0] = open(path, O_PATH | O_CLOEXEC | (reads == THE_LINK ? O_NOFOLLOW : 0));
	if (state.found[0] >= 0) { /* where it lies may be elsewhere than where its name led */
		snprintf(name, sizeof(name), "self/fd/%d", state.found[0]);
		length = readlinkat(state.proc, name, target, sizeof(target) - 1);
		if (length > 0 && *target == '/') {
			target[length] = 0;
			state.found[1] = folder_of(target);
		}
	}
	state.found[2] = folder_of(path);
}

static void forget_found(void)
{
	for (int i = 0; i < FOUND; i++) {
		if (state.found[i] >= 0)
			close(state.found[i]);
		state.found[i] = -1;
	}
}

/* The next call that stopped; `asks`: the daemon can be asked, the program runs. */
void read_float(int asks)
{
	static struct seccomp_notif *n;
	static struct seccomp_notif_sizes sizes;

	if (!n) {
		if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
			fail("float: sizes");
		n = malloc(sizes.seccomp_notif > sizeof(*n) ? sizes.seccomp_notif : sizeof(*n));
		if (!n)
			fail("float: memory");
	}
	memset(n, 0, sizes.seccomp_notif > sizeof(*n) ? sizes.seccomp_notif : sizeof(*n));
	if (ioctl(state.listener, SECCOMP_IOCTL_NOTIF_RECV, n)) {
		if (errno != EINTR && errno != ENOENT && errno != EAGAIN) {
			close(state.listener); /* nobody is left under the filter */
			state.listener = -1;
		}
		return;
	}
	state.call = *n;
	asks = asks && !was_asked(n);
	for (size_t i = 0; asks && i < CALLS; i++)
		if (calls[i].call == n->data.nr)
			find(&calls[i], n);
	if (state.found[0] < 0 && state.found[1] < 0 && state.found[2] < 0) {
		let_go_on();
		return;
	}
	state.waits = 1;
	dprintf(CONTROL, "float %d %d %d\n", state.found[0], state.found[1], state.found[2]);
}

/* From the daemon: it has done what it could. */
void answer_float(void)
{
	if (!state.waits)
		return;
	forget_found();
	let_go_on();
	state.waits = 0;
}
