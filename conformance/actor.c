/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One party of the conformance suite: reads commands, makes the real system calls,
 * and answers "ok" or the name of the error, with what it found.
 *
 * csn-actor COMMANDS ANSWERS: two FIFOs. A command is a line of words; `%XX` in a word
 * is a byte. `fork`, `thread`, `vm` and `exec` before a command run it in a child with
 * the same open file. One open file at a time: `open` replaces it.
 * Guarantee: one answer line for each command line, whatever the command did.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PROGRAM "/data/bin/csn-actor" /* in the machine and in compartments */

static int fd = -1, extra = -1; /* the open file, and a second one */
static void *map = MAP_FAILED;
static int answers, commands;
static char detail[3000], buffer[65536];
static int words;
static char *word[16];

#define SYS(...) (syscall(__VA_ARGS__) < 0 ? -errno : 0)
static int err(long result) { return result < 0 ? -errno : 0; }
static const char *arg(int i) { return i < words ? word[i] : ""; }
static long num(int i) { return strtol(arg(i), 0, 0); }

static void say(const char *data, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < size && used + 4 < sizeof(detail); i++) {
		unsigned char c = data[i];

		used += snprintf(detail + used, 4, c > 32 && c < 127 && c != '%' ? "%c" : "%%%02X", c);
	}
	detail[used] = 0;
}

static int keep(int opened)
{
	int error = errno;

	if (opened < 0)
		return -error;
	if (fd >= 0)
		close(fd);
	fd = opened;
	return 0;
}

static int flags_of(const char *text)
{
	static const struct { const char *name; int flag; } names[] = {
		{ "r", O_RDONLY }, { "w", O_WRONLY }, { "rw", O_RDWR }, { "append", O_APPEND }, { "trunc", O_TRUNC },
		{ "creat", O_CREAT }, { "excl", O_EXCL }, { "path", O_PATH }, { "dir", O_DIRECTORY },
		{ "nofollow", O_NOFOLLOW }, { "noatime", O_NOATIME }, { "nonblock", O_NONBLOCK },
		{ "tmpfile", O_TMPFILE }, { "direct", O_DIRECT },
	};
	char copy[128], *save, *part;
	int flags = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (part = strtok_r(copy, "+", &save); part; part = strtok_r(0, "+", &save))
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (!strcmp(part, names[i].name))
				flags |= names[i].flag;
	return flags;
}

static int run(void);
static void on_alarm(int unused) { (void)unused; }
static volatile int sigios;
static void on_sigio(int unused) { (void)unused; sigios++; }

static int in_thread_result;
static void *in_thread(void *unused)
{
	(void)unused;
	in_thread_result = run();
	return 0;
}
static int in_vm(void *unused)
{
	(void)unused;
	in_thread_result = run();
	return 0;
}

static void shift(int n)
{
	words -= n;
	memmove(word, word + n, sizeof(*word) * words);
}

/* In a child; the answer comes back over a pipe. */
static int in_child(int execute)
{
	struct { int error; char detail[sizeof(detail)]; } answer;
	char number[32], line[4096] = "";
	int ends[2], n;
	pid_t child;

	if (pipe(ends))
		return -errno;
	child = fork();
	if (child < 0) {
		n = -errno;
		close(ends[0]);
		close(ends[1]);
		return n;
	}
	if (child == 0) {
		if (execute) {
			for (n = 0; n < words; n++) {
				strcat(line, n ? " " : "");
				strcat(line, word[n]);
			}
			snprintf(number, sizeof(number), "%d,%d,%d", ends[1], fd, extra);
			execl(PROGRAM, "csn-actor", "-", number, line, (char *)0);
			answer.error = -errno;
		} else {
			answer.error = run();
		}
		memcpy(answer.detail, detail, sizeof(detail));
		(void)!write(ends[1], &answer, sizeof(answer));
		_exit(0);
	}
	close(ends[1]);
	for (n = 0; n < (int)sizeof(answer);) {
		ssize_t got = read(ends[0], (char *)&answer + n, sizeof(answer) - n);

		if (got <= 0)
			break;
		n += got;
	}
	close(ends[0]);
	waitpid(child, 0, 0);
	if (n < (int)sizeof(answer))
		return -EPIPE;
	memcpy(detail, answer.detail, sizeof(detail));
	return answer.error;
}

static int do_mmap(void)
{
	int prot = (strchr(arg(1), 'r') ? PROT_READ : 0) | (strchr(arg(1), 'w') ? PROT_WRITE : 0) | (strchr(arg(1), 'x') ? PROT_EXEC : 0);
	int flags = !strcmp(arg(2), "shared") ? MAP_SHARED : !strcmp(arg(2), "validate") ? MAP_SHARED_VALIDATE : MAP_PRIVATE;

	if (map != MAP_FAILED)
		munmap(map, 4096);
	map = mmap(0, 4096, prot, flags, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (prot & PROT_READ)
		say(map, 8);
	return 0;
}

static int do_mprotect(void)
{
	int prot = (strchr(arg(1), 'r') ? PROT_READ : 0) | (strchr(arg(1), 'w') ? PROT_WRITE : 0) | (strchr(arg(1), 'x') ? PROT_EXEC : 0);

	return err(mprotect(map, 4096, prot));
}

static int do_lock(int kind, int type, int get)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };

	if (kind == 0)
		return err(flock(fd, type | LOCK_NB));
	return err(fcntl(fd, get ? (kind == 2 ? F_OFD_GETLK : F_GETLK) : kind == 2 ? F_OFD_SETLK : F_SETLK, &l));
}

static int do_readdir(void)
{
	ssize_t n = syscall(SYS_getdents64, fd, buffer, sizeof(buffer));
	char names[2000] = "";

	if (n < 0)
		return -errno;
	for (ssize_t at = 0; at < n;) {
		struct { uint64_t ino, off; unsigned short reclen; unsigned char type; char name[]; } *e = (void *)(buffer + at);

		if (strlen(names) + strlen(e->name) + 2 < sizeof(names)) {
			strcat(names, e->name);
			strcat(names, "/");
		}
		at += e->reclen;
	}
	say(names, strlen(names));
	return 0;
}

static int do_aio(int write)
{
	static char page[512];
	aio_context_t context = 0;
	struct iocb cb = { .aio_fildes = fd, .aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
			   .aio_buf = (uintptr_t)page, .aio_nbytes = 4 }, *list = &cb;
	struct io_event event;
	int error = 0;

	memcpy(page, "evil", 4);
	if (syscall(SYS_io_setup, 1, &context) < 0)
		return -errno;
	if (syscall(SYS_io_submit, context, 1, &list) < 0)
		error = -errno;
	else if (syscall(SYS_io_getevents, context, 1, 1, &event, 0) == 1 && event.res < 0)
		error = event.res;
	syscall(SYS_io_destroy, context);
	return error;
}

static int run_program(const char *path)
{
	int ends[2], error = 0, status;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = vfork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		if (*arg(2))
			execl(path, path, arg(2), (char *)0);
		else
			execl(path, path, (char *)0);
		error = errno;
		(void)!write(ends[1], &error, sizeof(error));
		_exit(1);
	}
	close(ends[1]);
	(void)!read(ends[0], &error, sizeof(error));
	close(ends[0]);
	waitpid(child, &status, 0);
	return -error;
}

static int do_socket(void)
{
	int s = socket(num(1), num(2), num(3)), error = errno;

	if (s < 0)
		return -error;
	if (extra >= 0)
		close(extra);
	extra = s;
	return 0;
}

/* socket, and everything else that a pair can do */
static int do_pair(void)
{
	int ends[2];
	char byte = 'p';
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (socketpair(AF_UNIX, !strcmp(arg(1), "dgram") ? SOCK_DGRAM : !strcmp(arg(1), "seqpacket") ? SOCK_SEQPACKET : SOCK_STREAM, 0, ends))
		return -errno;
	int error = 0;
	if (send(ends[0], &byte, 1, 0) != 1 || recv(ends[1], &byte, 1, 0) != 1 || write(ends[0], &byte, 1) != 1 ||
	    read(ends[1], &byte, 1) != 1 || getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &cred, &size) || shutdown(ends[0], SHUT_WR))
		error = -errno;
	if (extra >= 0)
		close(extra);
	extra = ends[0];
	close(ends[1]);
	return error;
}

/* A descriptor over a socketpair to ourselves. */
static int do_pass(void)
{
	int ends[2], error = 0, got = -1;
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return -errno;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(ends[0], &m, 0) < 0 || recvmsg(ends[1], &m, 0) < 0)
		error = -errno;
	else if (m.msg_flags & MSG_CTRUNC || !CMSG_FIRSTHDR(&m))
		error = -EACCES; /* it does not arrive [OP-7] */
	else
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	if (got >= 0)
		close(got);
	close(ends[0]);
	close(ends[1]);
	return error;
}

static int do_handle(int open_it)
{
	static struct { struct file_handle h; char room[128]; } handle;
	int mount_id;

	if (!open_it) {
		handle.h.handle_bytes = 128;
		return err(name_to_handle_at(AT_FDCWD, arg(1), &handle.h, &mount_id, 0));
	}
	int mount = open("/data", O_RDONLY | O_DIRECTORY);
	if (mount < 0)
		return -errno;
	int result = keep(open_by_handle_at(mount, &handle.h, flags_of(arg(1))));
	close(mount);
	return result;
}

static int watcher = -1;
static int do_fanotify(void)
{
	int group = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY), error = 0;
	unsigned mark = FAN_MARK_ADD | (!strcmp(arg(1), "mount") ? FAN_MARK_MOUNT : !strcmp(arg(1), "fs") ? FAN_MARK_FILESYSTEM : 0);

	if (group < 0)
		return -errno;
	if (fanotify_mark(group, mark, FAN_OPEN | FAN_ACCESS, AT_FDCWD, arg(2)))
		error = -errno;
	if (!error && !strcmp(arg(3), "keep"))
		watcher = group;
	else
		close(group);
	return error;
}

static int do_watch(void)
{
	if (!strcmp(arg(1), "add")) {
		if (watcher >= 0)
			close(watcher);
		watcher = inotify_init1(IN_NONBLOCK);
		return watcher < 0 ? -errno : err(inotify_add_watch(watcher, arg(2), IN_ALL_EVENTS));
	}
	if (!strcmp(arg(1), "get")) {
		ssize_t n = read(watcher, buffer, sizeof(buffer));
		snprintf(detail, sizeof(detail), "%d", n > 0 ? (int)n : 0);
		return 0;
	}
	if (watcher >= 0)
		close(watcher);
	watcher = -1;
	return 0;
}

static int tracing(int request, pid_t pid)
{
	if (ptrace(request, pid, 0, 0))
		return -errno;
	if (request == PTRACE_ATTACH)
		waitpid(pid, 0, __WALL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}

static int vm(pid_t pid, int write)
{
	char byte = 0;
	struct iovec local = { &byte, 1 }, remote = { (void *)&environ, 1 };

	return err(write ? process_vm_writev(pid, &local, 1, &remote, 1, 0) : process_vm_readv(pid, &local, 1, &remote, 1, 0));
}

static int proc(pid_t pid, const char *name, int write)
{
	char path[256];
	int file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	if (!strcmp(name, "exe") || !strcmp(name, "cwd") || !strcmp(name, "root") || !strncmp(name, "ns/", 3))
		return readlink(path, buffer, sizeof(buffer)) < 0 ? -errno : 0;
	file = open(path, write ? O_WRONLY : O_RDONLY);
	if (file < 0)
		return -errno;
	ssize_t n = !strcmp(name, "fd") || !strcmp(name, "task") ? syscall(SYS_getdents64, file, buffer, sizeof(buffer)) :
		    write ? pwrite(file, "0", 1, 0) : !strcmp(name, "mem") ? pread(file, buffer, 1, (off_t)(uintptr_t)&environ) : read(file, buffer, 4096);
	int error = n < 0 ? -errno : 0;
	close(file);
	return error;
}

static int from_other(const char *what, pid_t pid)
{
	struct rlimit limit;
	struct sched_param param;
	cpu_set_t set;
	struct { uint32_t version; int pid; } head = { 0x20080522, pid };
	uint32_t data[6];
	int fd_of;

	if (!strcmp(what, "kill0")) return err(kill(pid, 0));
	if (!strcmp(what, "kill")) return err(kill(pid, SIGURG));
	if (!strcmp(what, "kill9")) { int e = err(kill(pid, SIGKILL)); return e ? e : err(waitpid(pid, 0, 0)); }
	if (!strcmp(what, "sigqueue")) return err(sigqueue(pid, SIGURG, (union sigval){ .sival_int = 7 }));
	if (!strcmp(what, "tgkill")) return SYS(SYS_tgkill, pid, pid, SIGURG);
	if (!strcmp(what, "nice")) return err(setpriority(PRIO_PROCESS, pid, 1));
	if (!strcmp(what, "getlimit")) return err(prlimit(pid, RLIMIT_NOFILE, 0, &limit));
	if (!strcmp(what, "setlimit")) { limit.rlim_cur = 512; limit.rlim_max = 1024; return err(prlimit(pid, RLIMIT_NOFILE, &limit, 0)); }
	if (!strcmp(what, "affinity")) { CPU_ZERO(&set); CPU_SET(0, &set); return err(sched_setaffinity(pid, sizeof(set), &set)); }
	if (!strcmp(what, "getaffinity")) return err(sched_getaffinity(pid, sizeof(set), &set));
	if (!strcmp(what, "scheduler")) { param.sched_priority = 0; return err(sched_setscheduler(pid, SCHED_BATCH, &param)); }
	if (!strcmp(what, "getscheduler")) return err(sched_getscheduler(pid));
	if (!strcmp(what, "getparam")) return err(sched_getparam(pid, &param));
	if (!strcmp(what, "ioprio")) return SYS(SYS_ioprio_set, 1, pid, 2 << 13 | 4);
	if (!strcmp(what, "getioprio")) return SYS(SYS_ioprio_get, 1, pid);
	if (!strcmp(what, "setpgid")) return err(setpgid(pid, pid));
	if (!strcmp(what, "getpgid")) return err(getpgid(pid));
	if (!strcmp(what, "getsid")) return err(getsid(pid));
	if (!strcmp(what, "capget")) return SYS(SYS_capget, &head, data);
	if (!strcmp(what, "kcmp")) return SYS(SYS_kcmp, getpid(), pid, 0, 0, 0);
	if (!strcmp(what, "robust")) { size_t size; void *list; return SYS(SYS_get_robust_list, pid, &list, &size); }
	if (!strcmp(what, "movepages")) { int status; void *page = &environ; return SYS(SYS_move_pages, pid, 1, &page, 0, &status, 0); }
	if (!strcmp(what, "attach")) return tracing(PTRACE_ATTACH, pid);
	if (!strcmp(what, "seize")) return tracing(PTRACE_SEIZE, pid);
	if (!strcmp(what, "vmread")) return vm(pid, 0);
	if (!strcmp(what, "vmwrite")) return vm(pid, 1);
	if (!strcmp(what, "pidfd")) {
		fd_of = syscall(SYS_pidfd_open, pid, 0);
		if (fd_of < 0) return -errno;
		close(fd_of);
		return 0;
	}
	if (!strcmp(what, "getfd")) {
		fd_of = syscall(SYS_pidfd_open, pid, 0);
		if (fd_of < 0) return -errno;
		int got = syscall(SYS_pidfd_getfd, fd_of, 0, 0), error = got < 0 ? -errno : 0;
		close(fd_of);
		if (got >= 0) close(got);
		return error;
	}
	if (!strncmp(what, "proc:", 5)) return proc(pid, what + 5, 0);
	if (!strncmp(what, "procw:", 6)) return proc(pid, what + 6, 1);
	return -ENOSYS;
}

static int do_clone(unsigned long flags)
{
	long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (child < 0)
		return -errno;
	if (child == 0)
		_exit(0);
	waitpid(child, 0, 0);
	return 0;
}

static int door(const char *what)
{
	static char attr[128];
	struct timespec ts = { 0 };
	struct timex tx = { 0 };
	struct timezone tz = { 0 };
	uint64_t q[16] = { 0 };

	if (!strcmp(what, "io_uring")) return SYS(SYS_io_uring_setup, 1, (memset(buffer, 0, 256), buffer));
	if (!strcmp(what, "userfaultfd")) return SYS(SYS_userfaultfd, 1);
	if (!strcmp(what, "bpf")) { memset(attr, 0, sizeof(attr)); return SYS(SYS_bpf, 11, attr, sizeof(attr)); }
	if (!strcmp(what, "perf")) { memset(attr, 0, sizeof(attr)); ((uint32_t *)attr)[0] = 1; ((uint32_t *)attr)[1] = 112; return SYS(SYS_perf_event_open, attr, 0, -1, -1, 0); }
	if (!strcmp(what, "mount")) return err(mount("x", "/data/mnt", "tmpfs", 0, ""));
	if (!strcmp(what, "bind")) return err(mount("/data", "/data/mnt", "", MS_BIND, ""));
	if (!strcmp(what, "remount")) return err(mount("", "/data", "", MS_REMOUNT | MS_BIND, ""));
	if (!strcmp(what, "umount")) return err(umount2("/data/mnt", 0));
	if (!strcmp(what, "fsopen")) { int f = syscall(SYS_fsopen, "tmpfs", 0); if (f < 0) return -errno; int e = syscall(SYS_fsconfig, f, 6, 0, 0, 0) < 0 ? -errno : 0; close(f); return e; }
	if (!strcmp(what, "opentree")) { int f = syscall(SYS_open_tree, AT_FDCWD, "/data", 1); if (f < 0) return -errno; int e = syscall(SYS_move_mount, f, "", AT_FDCWD, "/data/mnt", 4) < 0 ? -errno : 0; close(f); return e; }
	if (!strcmp(what, "pivot")) { /* where mounting is allowed, in a name space of its own */
		pid_t child = fork();
		int status;

		if (child < 0) return -errno;
		if (child == 0) { (void)!unshare(CLONE_NEWNS); _exit(-SYS(SYS_pivot_root, "/data", "/data/mnt")); }
		waitpid(child, &status, 0);
		return -WEXITSTATUS(status);
	}
	if (!strcmp(what, "traceme")) return err(ptrace(PTRACE_TRACEME, 0, 0, 0));
	if (!strncmp(what, "bpf-", 4)) { /* the first map or program that there is, by its number */
		int is_map = !strcmp(what, "bpf-map");
		memset(attr, 0, sizeof(attr));
		if (syscall(SYS_bpf, is_map ? 12 : 11, attr, sizeof(attr)) < 0) return -errno;
		((uint32_t *)attr)[0] = ((uint32_t *)attr)[1];
		((uint32_t *)attr)[1] = 0;
		int f = syscall(SYS_bpf, is_map ? 14 : 13, attr, sizeof(attr));
		if (f < 0) return -errno;
		close(f);
		return 0;
	}
	if (!strcmp(what, "sockdiag")) { /* the kernel would load a module for it */
		struct { struct { uint32_t len; uint16_t type, flags; uint32_t seq, pid; } head; unsigned char family, protocol; char rest[62]; } ask = { { sizeof(ask), 20, 1, 1, 0 }, 1, 0, { 0 } };
		int s = socket(16, SOCK_RAW, 4), e;
		if (s < 0) return -errno;
		e = err(send(s, &ask, sizeof(ask), 0));
		close(s);
		return e;
	}
	if (!strcmp(what, "sqpoll")) { memset(buffer, 0, 256); ((uint32_t *)buffer)[2] = 2; int f = syscall(SYS_io_uring_setup, 1, buffer); if (f < 0) return -errno; close(f); return 0; }
	if (!strcmp(what, "perf-user")) { memset(attr, 0, sizeof(attr)); ((uint32_t *)attr)[0] = 1; ((uint32_t *)attr)[1] = 112; ((uint64_t *)attr)[5] = 3 << 5; int f = syscall(SYS_perf_event_open, attr, 0, -1, -1, 0); if (f < 0) return -errno; close(f); return 0; }
	if (!strcmp(what, "chroot")) return err(chroot("/"));
	if (!strcmp(what, "unshare-mnt")) return err(unshare(CLONE_NEWNS));
	if (!strcmp(what, "unshare-uts")) return err(unshare(CLONE_NEWUTS));
	if (!strcmp(what, "unshare-user")) return err(unshare(CLONE_NEWUSER));
	if (!strcmp(what, "clone-user")) return do_clone(CLONE_NEWUSER);
	if (!strcmp(what, "clone-mnt")) return do_clone(CLONE_NEWNS);
	if (!strcmp(what, "clone-pid")) return do_clone(CLONE_NEWPID);
	if (!strcmp(what, "clone-net")) return do_clone(CLONE_NEWNET);
	if (!strcmp(what, "clone-ipc")) return do_clone(CLONE_NEWIPC);
	if (!strcmp(what, "clone-uts")) return do_clone(CLONE_NEWUTS);
	if (!strcmp(what, "clone-cgroup")) return do_clone(CLONE_NEWCGROUP);
	if (!strcmp(what, "setns")) { int f = open("/proc/self/ns/uts", O_RDONLY); if (f < 0) return -errno; int e = err(setns(f, 0)); close(f); return e; }
	if (!strcmp(what, "hostname")) return err(sethostname("evil", 4));
	if (!strcmp(what, "syslog")) return SYS(SYS_syslog, 3, buffer, 100);
	if (!strcmp(what, "settime")) { clock_gettime(CLOCK_REALTIME, &ts); return err(clock_settime(CLOCK_REALTIME, &ts)); }
	if (!strcmp(what, "settimeofday")) return SYS(SYS_settimeofday, 0, &tz);
	if (!strcmp(what, "adjtime")) { tx.modes = 1; return adjtimex(&tx) < 0 ? -errno : 0; }
	if (!strcmp(what, "quota")) return SYS(SYS_quotactl, 0x800007 << 8, "/dev/vda", 0, q);
	if (!strcmp(what, "acct")) return SYS(SYS_acct, 0);
	if (!strcmp(what, "swapon")) return SYS(SYS_swapon, "/data/none", 0);
	if (!strcmp(what, "reboot")) return SYS(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, 0); /* CAD_ON: harmless */
	if (!strcmp(what, "module")) return SYS(SYS_init_module, buffer, 4096, "");
	if (!strcmp(what, "kexec")) return SYS(SYS_kexec_load, 0, 0, 0, 0);
	if (!strcmp(what, "fanotify")) { int f = fanotify_init(FAN_CLASS_NOTIF, 0); if (f < 0) return -errno; close(f); return 0; }
	if (!strcmp(what, "iopl")) return SYS(SYS_iopl, 3);
	if (!strcmp(what, "tee")) return SYS(SYS_tee, fd, fd, 1, 0);
	if (!strcmp(what, "splice")) return SYS(SYS_splice, fd, 0, fd, 0, 1, 0);
	if (!strcmp(what, "vmsplice")) return SYS(SYS_vmsplice, fd, 0, 0, 0);
	if (!strcmp(what, "newcall")) return SYS(463, 0, 0, 0, 0, 0);
	if (!strcmp(what, "x32")) return SYS(0x40000000 | SYS_getpid);
	if (!strcmp(what, "int80")) { long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); return r < 0 ? (int)r : 0; }
	if (!strcmp(what, "rawdisk")) { int f = open("/dev/vda", O_RDONLY); if (f < 0) return -errno; int e = err(read(f, buffer, 512)); close(f); return e; }
	if (!strcmp(what, "module-request")) { /* the kernel would run modprobe with two bytes of our choice */
		int f = open("/proc/self/exe", O_RDONLY); if (f >= 0) close(f); return 0; }
	return -ENOSYS;
}

static int do_memfd(void)
{
	int file = memfd_create("csn", MFD_ALLOW_SEALING);

	if (file < 0)
		return -errno;
	if (write(file, "memory", 6) != 6)
		return -errno;
	lseek(file, 0, SEEK_SET);
	return keep(file);
}

static int drop(void)
{
	int file;

	sync();
	file = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (file < 0)
		return -errno;
	int error = err(write(file, arg(1), 1));
	close(file);
	return error;
}

static int do_splice(void)
{
	int ends[2], error = 0;

	if (pipe(ends))
		return -errno;
	if (splice(fd, 0, ends[1], 0, 4, 0) < 0)
		error = -errno;
	close(ends[0]);
	close(ends[1]);
	return error;
}

static int to_memfd(int copy)
{
	int file = memfd_create("to", 0), error = 0;
	off_t at = 0;

	if (file < 0)
		return -errno;
	if (copy) {
		/* copy_file_range needs one file system: into itself, from a range to another */
		off_t to = 4096;
		if (copy_file_range(fd, &at, fd, &to, 4, 0) < 0)
			error = -errno;
	} else if (sendfile(file, fd, &at, 4) < 0) {
		error = -errno;
	}
	close(file);
	return error;
}

static int attribute(const char *op, int by_fd)
{
	static char acl[44] = { 2, 0, 0, 0, 1, 0, 6, 0, -1, -1, -1, -1, 4, 0, 4, 0, -1, -1, -1, -1, 32, 0, 4, 0, -1, -1, -1, -1 };
	const char *p = arg(1);
	const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	struct stat st;
	struct statx sx;

	if (!strcmp(op, "stat")) return by_fd ? err(fstat(fd, &st)) : err(stat(p, &st));
	if (!strcmp(op, "lstat")) return err(lstat(p, &st));
	if (!strcmp(op, "statx")) return err(statx(by_fd ? fd : AT_FDCWD, by_fd ? "" : p, by_fd ? AT_EMPTY_PATH : 0, STATX_ALL, &sx));
	if (!strcmp(op, "access")) return err(access(p, num(2)));
	if (!strcmp(op, "chmod")) return by_fd ? err(fchmod(fd, 0640)) : err(chmod(p, 0640));
	if (!strcmp(op, "chown")) return by_fd ? err(fchown(fd, 7, 7)) : err(chown(p, 7, 7));
	if (!strcmp(op, "utimens")) return by_fd ? err(futimens(fd, times)) : err(utimensat(AT_FDCWD, p, times, 0));
	if (!strcmp(op, "utimenow")) return err(utimensat(AT_FDCWD, p, 0, 0));
	if (!strcmp(op, "setxattr")) return by_fd ? err(fsetxattr(fd, "user.csn-t", "x", 1, 0)) : err(setxattr(p, "user.csn-t", "x", 1, 0));
	if (!strcmp(op, "setlabel")) return err(setxattr(p, "security.bpf.csn", "x", 1, 0));
	if (!strcmp(op, "rmlabel")) return err(removexattr(p, "security.bpf.csn"));
	if (!strcmp(op, "getfileattr")) return SYS(468, AT_FDCWD, p, buffer, 24, 0); /* file_getattr */
	if (!strcmp(op, "setfileattr")) { memset(buffer, 0, 24); return SYS(469, AT_FDCWD, p, buffer, 24, 0); }
	if (!strcmp(op, "getxattr")) { long n = by_fd ? fgetxattr(fd, "user.csn", buffer, 100) : getxattr(p, "user.csn", buffer, 100); if (n > 0) say(buffer, n); return err(n); }
	if (!strcmp(op, "getcap")) { int e = err(getxattr(p, "security.capability", buffer, 100)); return e == -ENODATA ? 0 : e; }
	if (!strcmp(op, "listxattr")) return by_fd ? err(flistxattr(fd, buffer, 100)) : err(listxattr(p, buffer, 100));
	if (!strcmp(op, "removexattr")) return by_fd ? err(fremovexattr(fd, "user.csn")) : err(removexattr(p, "user.csn"));
	if (!strcmp(op, "setacl")) return err(setxattr(p, "system.posix_acl_access", acl, 28, 0));
	if (!strcmp(op, "rmacl")) return err(removexattr(p, "system.posix_acl_access"));
	if (!strcmp(op, "getacl")) { int e = err(getxattr(p, "system.posix_acl_access", buffer, 100)); return e == -ENODATA ? 0 : e; }
	if (!strcmp(op, "truncate")) return by_fd ? err(ftruncate(fd, 3)) : err(truncate(p, 3));
	return -ENOSYS;
}

static int use(const char *op)
{
	struct iovec io = { buffer, 4 };
	long n;
	int flags;

	if (!strcmp(op, "read") || !strcmp(op, "pread") || !strcmp(op, "readv") || !strcmp(op, "preadv2")) {
		n = *op == 'r' ? (op[4] ? readv(fd, &io, 1) : read(fd, buffer, 8)) : op[5] ? preadv2(fd, &io, 1, 0, 0) : pread(fd, buffer, 8, 0);
		if (n > 0) say(buffer, n);
		return err(n);
	}
	memcpy(buffer, "evil", 4);
	if (!strcmp(op, "write")) return err(write(fd, "evil", 4));
	if (!strcmp(op, "pwrite")) return err(pwrite(fd, "evil", 4, 0));
	if (!strcmp(op, "writev")) return err(writev(fd, &io, 1));
	if (!strcmp(op, "aioread")) return do_aio(0);
	if (!strcmp(op, "aiowrite")) return do_aio(1);
	if (!strcmp(op, "fallocate")) return err(fallocate(fd, num(1), 0, 8192));
	if (!strcmp(op, "seekend")) { n = lseek(fd, 0, SEEK_END); snprintf(detail, sizeof(detail), "%ld", n); return err(n); }
	if (!strcmp(op, "flock")) return do_lock(0, num(1), 0);
	if (!strcmp(op, "setlk")) return do_lock(1, num(1), 0);
	if (!strcmp(op, "ofdlk")) return do_lock(2, num(1), 0);
	if (!strcmp(op, "getlk")) return do_lock(1, num(1), 1);
	if (!strcmp(op, "lease")) return err(fcntl(fd, F_SETLEASE, num(1)));
	if (!strcmp(op, "dnotify")) return err(fcntl(fd, F_NOTIFY, 0x1f));
	if (!strcmp(op, "async")) { sigios = 0; signal(SIGIO, on_sigio); n = err(fcntl(fd, F_SETOWN, getpid())); return n ? n : err(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC)); }
	if (!strcmp(op, "setown")) return err(fcntl(fd, F_SETOWN, getpid()));
	if (!strcmp(op, "setsig")) return err(fcntl(fd, F_SETSIG, SIGUSR1));
	if (!strcmp(op, "hint")) { uint64_t hint = 2; return err(fcntl(fd, 1036, &hint)); }
	if (!strcmp(op, "gethint")) { uint64_t hint = 0; return err(fcntl(fd, 1035, &hint)); }
	if (!strcmp(op, "pipesize")) return err(fcntl(fd, 1031, 65536));
	if (!strcmp(op, "getpipesize")) return err(fcntl(fd, 1032));
	if (!strcmp(op, "seal")) return err(fcntl(fd, 1033, 2));
	if (!strcmp(op, "getseal")) return err(fcntl(fd, 1034));
	if (!strcmp(op, "getflags")) { flags = 0; return err(ioctl(fd, FS_IOC_GETFLAGS, &flags)); }
	if (!strcmp(op, "setflags")) { flags = FS_NODUMP_FL | FS_EXTENT_FL; return err(ioctl(fd, FS_IOC_SETFLAGS, &flags)); }
	if (!strcmp(op, "fionread")) { flags = 0; return err(ioctl(fd, FIONREAD, &flags)); }
	if (!strcmp(op, "fionread32")) { /* as a program of 32 bits asks it */
		__asm__ volatile("int $0x80" : "=a"(n) : "a"(54), "b"(fd), "c"(FIONREAD), "d"(0) : "memory");
		errno = -n;
		return (int)n < 0 ? (int)n : 0;
	}
	if (!strcmp(op, "fionbio")) { flags = 0; return err(ioctl(fd, FIONBIO, &flags)); }
	if (!strcmp(op, "fiemap")) { memset(buffer, 0, 256); ((uint64_t *)buffer)[1] = ~0ull; return err(ioctl(fd, 0xc020660b, buffer)); }
	if (!strcmp(op, "ficlone")) { n = err(ioctl(fd, 0x40049409, extra)); return n == -EOPNOTSUPP || n == -EXDEV ? 0 : n; }
	if (!strcmp(op, "mmap")) return do_mmap();
	if (!strcmp(op, "mprotect")) return do_mprotect();
	if (!strcmp(op, "readdir")) return do_readdir();
	if (!strcmp(op, "sendfile")) return to_memfd(0);
	if (!strcmp(op, "copyrange")) return to_memfd(1);
	if (!strcmp(op, "splicepipe")) return do_splice();
	if (!strcmp(op, "splicefrom")) return to_memfd(0);
	if (!strcmp(op, "fadvise")) return -posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
	if (!strcmp(op, "readahead")) return err(readahead(fd, 0, 4096));
	if (!strcmp(op, "pass")) return do_pass();
	if (!strcmp(op, "fchdir")) { n = err(fchdir(fd)); (void)!chdir("/"); return n; }
	if (!strcmp(op, "fexec")) { memmove(word + 1, word, sizeof(*word)); char path[64]; snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); words = 1; return run_program(path); }
	if (!strcmp(op, "reopen")) { char path[64]; snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); n = open(path, flags_of(arg(1))); if (n < 0) return -errno; close(n); return 0; }
	if (!strcmp(op, "linkfd")) { char path[64]; snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); return err(linkat(AT_FDCWD, path, AT_FDCWD, arg(1), AT_SYMLINK_FOLLOW)); }
	if (!strcmp(op, "linkempty")) return err(linkat(fd, "", AT_FDCWD, arg(1), AT_EMPTY_PATH));
	if (!strcmp(op, "readlinkfd")) { n = readlinkat(fd, "", buffer, 100); if (n > 0) say(buffer, n); return err(n); }
	return attribute(op, 1);
}

#include "pins.h"
#include "ipc.h"
#include "sockets.h"
#include "races.h"
#include "late.h"
#include "stage.h"

static int run(void)
{
	const char *op = arg(0);
	long n;

	if ((n = stage_run(op)) <= 0) return n;

	if (!strcmp(op, "fork") || !strcmp(op, "exec")) { int execute = *op == 'e'; shift(1); return in_child(execute); }
	if (!strcmp(op, "deep")) { if (num(1) <= 0) { shift(2); return run(); } char left[24]; snprintf(left, sizeof(left), "%ld", num(1) - 1); word[1] = left; return in_child(0); }
	if (!strcmp(op, "repeat")) { /* how often it was not refused */
		char *saved[16];
		int count = num(1), first, let = 0, total;
		shift(2);
		total = words;
		memcpy(saved, word, sizeof(saved));
		for (first = 0; first < count; first++) {
			words = total;
			memcpy(word, saved, sizeof(saved));
			let += run() != -EACCES;
		}
		snprintf(detail, sizeof(detail), "%d", let);
		return 0;
	}
	if (!strcmp(op, "thread")) {
		pthread_t thread;
		shift(1);
		if ((n = pthread_create(&thread, 0, in_thread, 0))) return -n;
		pthread_join(thread, 0);
		return in_thread_result;
	}
	if (!strcmp(op, "vm")) {
		static char stack[262144] __attribute__((aligned(16)));
		shift(1);
		n = clone(in_vm, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, 0);
		if (n < 0) return -errno;
		waitpid(n, 0, 0);
		return in_thread_result;
	}
	if (!strcmp(op, "f")) { shift(1); return use(arg(0)); }
	if (!strcmp(op, "anonymous")) return mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -errno : 0;
	if (!strcmp(op, "zeros")) { int f = open("/dev/zero", O_RDWR); return f < 0 || mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0) == MAP_FAILED ? -errno : 0; }
	if (!strcmp(op, "open")) return keep(open(arg(2), flags_of(arg(1)) | O_CLOEXEC * 0, 0644));
	if (!strcmp(op, "openextra")) { if (extra >= 0) close(extra); extra = open(arg(2), flags_of(arg(1)), 0644); return extra < 0 ? -errno : 0; }
	if (!strcmp(op, "close")) { if (map != MAP_FAILED) munmap(map, 4096); map = MAP_FAILED; if (fd >= 0) close(fd); fd = -1; return 0; }
	/* open, use, close: the first error */
	if (!strcmp(op, "with")) {
		int saved = fd, opened = open(arg(2), flags_of(arg(1)), 0644), result;
		if (opened < 0) return -errno;
		fd = opened;
		shift(3);
		result = use(arg(0));
		fd = saved;
		close(opened);
		return result;
	}
	if (!strcmp(op, "pipe")) { int ends[2]; if (pipe(ends)) return -errno; if (extra >= 0) close(extra); extra = ends[1]; return keep(ends[0]); }
	/* of both open files, with nothing learnt in between, as a command is */
	if (!strcmp(op, "both")) {
		int first, saved = fd, second;
		shift(1);
		first = use(arg(0));
		fd = extra;
		second = use(arg(0));
		fd = saved;
		return first ? first : second;
	}
	if (!strcmp(op, "swap")) { n = fd; fd = extra; extra = n; return 0; }
	if (!strcmp(op, "mkdir")) return err(mkdir(arg(1), 0755));
	if (!strcmp(op, "mkfifo")) return err(mkfifo(arg(1), 0644));
	if (!strcmp(op, "mknod")) return err(mknod(arg(1), S_IFCHR | 0644, makedev(num(2), num(3))));
	if (!strcmp(op, "mksock")) return err(mknod(arg(1), S_IFSOCK | 0644, 0));
	if (!strcmp(op, "symlink")) return err(symlink(arg(1), arg(2)));
	if (!strcmp(op, "link")) return err(link(arg(1), arg(2)));
	if (!strcmp(op, "unlink")) return err(unlink(arg(1)));
	if (!strcmp(op, "rmdir")) return err(rmdir(arg(1)));
	if (!strcmp(op, "rename")) return SYS(SYS_renameat2, AT_FDCWD, arg(1), AT_FDCWD, arg(2), num(3));
	if (!strcmp(op, "readlink")) { n = readlink(arg(1), buffer, 100); if (n > 0) say(buffer, n); return err(n); }
	if (!strcmp(op, "execute")) return run_program(arg(1));
	if (!strcmp(op, "chdir")) { n = err(chdir(arg(1))); (void)!chdir("/"); return n; }
	if (!strcmp(op, "handle")) return do_handle(0);
	if (!strcmp(op, "openhandle")) return do_handle(1);
	if (!strcmp(op, "fanotify")) return do_fanotify();
	if (!strcmp(op, "watch")) return do_watch();
	if (!strcmp(op, "other")) return from_other(arg(1), num(2));
	if (!strcmp(op, "door")) return door(arg(1));
	if (!strcmp(op, "sysv")) return do_sysv();
	if (!strcmp(op, "late")) return do_late();
	if (!strcmp(op, "room")) return own_room();
	if (!strcmp(op, "spy")) return do_spy();
	if (!strcmp(op, "pin")) return do_pin();
	if (!strcmp(op, "umount")) return err(umount2(arg(1), MNT_DETACH));
	if (!strcmp(op, "cover")) return err(mount("evil", arg(1), "tmpfs", 0, ""));
	if (!strcmp(op, "enter")) return enter(num(1));
	if (!strcmp(op, "sk")) return do_sk();
	if (!strcmp(op, "mq")) return do_mq();
	if (!strcmp(op, "key")) return do_key();
	if (!strcmp(op, "socket")) return do_socket();
	if (!strcmp(op, "socketpair")) return do_pair();
	if (!strcmp(op, "bind")) { struct sockaddr_un a = { .sun_family = AF_UNIX }; strncpy(a.sun_path + 1, arg(1), 100); return err(bind(extra, (void *)&a, sizeof(a))); }
	if (!strcmp(op, "listen")) return err(listen(extra, 1));
	if (!strcmp(op, "connect")) { struct sockaddr_un a = { .sun_family = AF_UNIX }; strncpy(a.sun_path + 1, arg(1), 100); return err(connect(extra, (void *)&a, sizeof(a))); }
	if (!strcmp(op, "memfd")) return do_memfd();
	if (!strcmp(op, "memfdhuge")) return keep(memfd_create("csn", MFD_HUGETLB));
	if (!strcmp(op, "memfdsecret")) return keep(syscall(SYS_memfd_secret, 0));
	if (!strcmp(op, "eventfd")) return keep(eventfd(0, 0));
	if (!strcmp(op, "child")) { /* one that waits to be killed */
		pid_t child = fork();
		if (child == 0) { close(answers); prctl(PR_SET_PDEATHSIG, SIGKILL); for (;;) pause(); }
		snprintf(detail, sizeof(detail), "%d", child);
		return err(child);
	}
	if (!strcmp(op, "drop")) return drop();
	if (!strcmp(op, "futex")) { /* on a page of a file that both may read */
		struct timespec limit = { 3, 0 };
		int file = open(arg(2), O_RDONLY);
		uint32_t *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE, file, 0);
		close(file);
		if (page == MAP_FAILED) return -errno;
		(void)*(volatile uint32_t *)page;
		n = !strcmp(arg(1), "wait") ? syscall(SYS_futex, page, 0, *page, &limit, 0, 0) : syscall(SYS_futex, page, 1, 1, 0, 0, 0);
		if (n >= 0) snprintf(detail, sizeof(detail), "%ld", n);
		return err(n);
	}
	if (!strcmp(op, "sigios")) return number(sigios);
	if (!strcmp(op, "crash")) { *(volatile int *)0 = 0; return 0; }
	if (!strcmp(op, "fds")) { n = 0; for (int i = 3; i < 1024; i++) n += fcntl(i, F_GETFD) >= 0; snprintf(detail, sizeof(detail), "%ld", n); return 0; }
	if (!strcmp(op, "descriptor")) { int p = syscall(SYS_pidfd_open, num(1), 0); return keep(p); }
	if (!strcmp(op, "pid")) { snprintf(detail, sizeof(detail), "%d", getpid()); return 0; }
	return attribute(op, 0);
}

static void decode(char *line)
{
	char *save, *to;

	words = 0;
	for (char *part = strtok_r(line, " ", &save); part && words < 16; part = strtok_r(0, " ", &save)) {
		word[words++] = part;
		for (to = part; *part; part++, to++) {
			unsigned byte;

			if (*part == '%' && sscanf(part + 1, "%2x", &byte) == 1) {
				*to = byte;
				part += 2;
			} else {
				*to = *part;
			}
		}
		*to = 0;
	}
}

/* After exec, with the descriptors that were inherited. */
static int again(char *numbers, char *line)
{
	struct { int error; char detail[sizeof(detail)]; } answer;
	int to;

	if (sscanf(numbers, "%d,%d,%d", &to, &fd, &extra) != 3)
		return 1;
	decode(line);
	answer.error = run();
	memcpy(answer.detail, detail, sizeof(detail));
	return write(to, &answer, sizeof(answer)) != sizeof(answer);
}

int main(int argc, char **argv)
{
	static char line[8192];
	char text[4096];
	FILE *in;

	signal(SIGURG, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGALRM, on_alarm);
	prepare_spy();
	if (argc == 4)
		return again(argv[2], argv[3]);
	if (argc != 3)
		return 0; /* as a program to execute: it ran */
	commands = open(argv[1], O_RDONLY | O_CLOEXEC);
	answers = open(argv[2], O_WRONLY | O_CLOEXEC);
	in = fdopen(commands, "re");
	if (!in || answers < 0)
		return 1;
	while (fgets(line, sizeof(line), in)) {
		int error;

		line[strcspn(line, "\n")] = 0;
		decode(line);
		*detail = 0;
		error = words ? run() : 0;
		snprintf(text, sizeof(text), "%s %s\n", error ? strerrorname_np(-error) : "ok", detail);
		if (write(answers, text, strlen(text)) < 0)
			return 1;
	}
	return 0;
}
