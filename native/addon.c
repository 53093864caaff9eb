/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Node addon: what the daemon asks of the kernel and Node.js has no call for.
 * Thin: each function is one job, takes and gives numbers and Buffers, and throws an
 * Error whose `code` is the errno name and `syscall` the step that failed. Policy is
 * in TypeScript (src/kernel).
 *
 * load(object, pins, bytes)   load, attach and pin the monitor; bytes of a ring
 * map*(…)                     pinned maps
 * ring*(…)                    the rings of records (rings.c)
 * ask(…)                      a question to the inode_getattr hook (bpf/abi.h)
 * pidfd(…), subject*(…)       a task's storage
 * handle*(…), xattr*(…), …    inodes by handle, labels as xattrs
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <node_api.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "rings.h"

#define MAX_ARGS 6
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

static char libbpf_log[8192];
static size_t libbpf_used;

static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	int n;

	if (level == LIBBPF_DEBUG)
		return 0;
	if (libbpf_used > sizeof(libbpf_log) / 2) { /* keep the newest half */
		memmove(libbpf_log, libbpf_log + libbpf_used / 2, libbpf_used - libbpf_used / 2);
		libbpf_used -= libbpf_used / 2;
	}
	n = vsnprintf(libbpf_log + libbpf_used, sizeof(libbpf_log) - libbpf_used, format, args);
	if (n > 0)
		libbpf_used = libbpf_used + n < sizeof(libbpf_log) ? libbpf_used + n : sizeof(libbpf_log) - 1;
	return n;
}

static napi_value fail(napi_env env, int error, const char *step)
{
	napi_value code, message, object, value;
	char text[9000];

	error = error < 0 ? -error : error;
	snprintf(text, sizeof(text), "%s: %s%s%s", step, strerror(error), libbpf_used ? "\n" : "", libbpf_log);
	libbpf_used = 0;
	libbpf_log[0] = 0;
	napi_create_string_utf8(env, strerrorname_np(error) ? strerrorname_np(error) : "EIO", NAPI_AUTO_LENGTH, &code);
	napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message);
	napi_create_error(env, code, message, &object);
	napi_create_string_utf8(env, step, NAPI_AUTO_LENGTH, &value);
	napi_set_named_property(env, object, "syscall", value);
	napi_throw(env, object);
	return NULL;
}

/* Arguments: read one by one; a wrong type throws in JavaScript's own way. */
struct args {
	napi_env env;
	size_t count;
	napi_value values[MAX_ARGS];
	char texts[3][4096];
	int used;
};

static void take(napi_env env, napi_callback_info info, struct args *a)
{
	memset(a, 0, sizeof(*a));
	a->env = env;
	a->count = MAX_ARGS;
	napi_get_cb_info(env, info, &a->count, a->values, NULL, NULL);
}
static int number(struct args *a, int i)
{
	int32_t v = -1;
	napi_get_value_int32(a->env, a->values[i], &v);
	return v;
}
static const char *string(struct args *a, int i)
{
	char *text = a->texts[a->used++];
	size_t n;
	napi_get_value_string_utf8(a->env, a->values[i], text, sizeof(a->texts[0]), &n);
	return text;
}
static void *bytes(struct args *a, int i, size_t *length)
{
	void *data = NULL;
	size_t n = 0;
	napi_get_buffer_info(a->env, a->values[i], &data, &n);
	if (length)
		*length = n;
	return data;
}
static napi_value from_int(napi_env env, int64_t v)
{
	napi_value r;
	napi_create_int64(env, v, &r);
	return r;
}
static napi_value from_bytes(napi_env env, const void *data, size_t n)
{
	napi_value r;
	napi_create_buffer_copy(env, n, data, NULL, &r);
	return r;
}
static napi_value nothing(napi_env env)
{
	napi_value r;
	napi_get_undefined(env, &r);
	return r;
}
static napi_value null(napi_env env)
{
	napi_value r;
	napi_get_null(env, &r);
	return r;
}
static void put(napi_env env, napi_value object, const char *key, napi_value value)
{
	napi_set_named_property(env, object, key, value);
}

static int is_for_interface(const struct bpf_program *program)
{
	return bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS;
}

/* load(objectPath, pinDir) → [{name, attached}]. All or nothing: when a required hook
 * can't be attached, nothing stays pinned. Programs whose section starts with `?` are
 * loaded where the kernel's type information has their hook; those for interfaces are
 * pinned, for attachInterface. */
static napi_value load(napi_env env, napi_callback_info info)
{
	struct args a;
	const char *path, *pins, *step = "open";
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_link *links[256];
	struct bpf_map *map;
	struct btf *kernel;
	napi_value list, item, value;
	int error = 0, n = 0, i;
	uint32_t index = 0;
	char name[4200];

	take(env, info, &a);
	path = string(&a, 0);
	pins = string(&a, 1);
	libbpf_set_print(keep_log);
	kernel = btf__load_vmlinux_btf();
	if (!kernel)
		return fail(env, errno, "btf");
	object = bpf_object__open_file(path, NULL);
	if (!object) {
		error = errno;
		btf__free(kernel);
		return fail(env, error, "open");
	}
	napi_create_array(env, &list);
	bpf_object__for_each_program(program, object) {
		const char *hook = strchr(bpf_program__section_name(program), '/');
		char symbol[128];

		snprintf(symbol, sizeof(symbol), "%s%s", strstr(bpf_program__section_name(program), "lsm") ? "bpf_lsm_" : "", hook ? hook + 1 : "");
		if (!bpf_program__autoload(program)) /* `?` */
			bpf_program__set_autoload(program, btf__find_by_name_kind(kernel, symbol, BTF_KIND_FUNC) > 0);
	}
	btf__free(kernel);
	step = "load";
	error = bpf_object__load(object);
	if (error)
		goto out;
	step = "rings";
	map = bpf_object__find_map_by_name(object, "rings");
	error = map ? rings_make(bpf_map__fd(map), number(&a, 2)) : -ENOENT;
	if (error)
		goto out;
	bpf_object__for_each_map(map, object) {
		const char *map_name = bpf_map__name(map), *data = strstr(map_name, ".data.");

		if (strstr(map_name, ".rodata"))
			continue;
		snprintf(name, sizeof(name), "%s/%s", pins, data ? data + 6 : map_name);
		step = "pin map";
		error = bpf_map__pin(map, name);
		if (error)
			goto out;
	}
	bpf_object__for_each_program(program, object) {
		int loaded = bpf_program__fd(program) >= 0;

		napi_create_object(env, &item);
		napi_create_string_utf8(env, bpf_program__name(program), NAPI_AUTO_LENGTH, &value);
		put(env, item, "name", value);
		napi_get_boolean(env, loaded, &value);
		put(env, item, "attached", value);
		napi_set_element(env, list, index++, item);
		if (!loaded)
			continue;
		step = bpf_program__name(program);
		if (is_for_interface(program)) {
			snprintf(name, sizeof(name), "%s/program_%s", pins, bpf_program__name(program));
			error = bpf_program__pin(program, name);
			if (error)
				goto out;
			continue;
		}
		links[n] = bpf_program__attach(program);
		if (!links[n]) {
			error = -errno;
			goto out;
		}
		n++;
		snprintf(name, sizeof(name), "%s/link_%s", pins, bpf_program__name(program));
		error = bpf_link__pin(links[n - 1], name);
		if (error)
			goto out;
	}
out:
	for (i = 0; i < n; i++)
		bpf_link__destroy(links[i]); /* a pinned link stays attached */
	bpf_object__close(object);
	if (error)
		return fail(env, error, step);
	libbpf_used = 0;
	return list;
}

#define TCX_INGRESS 46 /* enum bpf_attach_type: newer than libbpf's */
#define TCX_EGRESS 47

/* attachInterface(pinPath, interface, leaving): a pinned program for each packet that comes from
 * the interface, or leaves by it. It stays as long as the interface. */
static napi_value attach_interface(napi_env env, napi_callback_info info)
{
	struct args a;
	int program, error;

	take(env, info, &a);
	program = bpf_obj_get(string(&a, 0));
	if (program < 0)
		return fail(env, errno, "bpf_obj_get");
	error = bpf_prog_attach(program, number(&a, 1), number(&a, 2) ? TCX_EGRESS : TCX_INGRESS, 0) ? errno : 0;
	close(program);
	return error ? fail(env, error, "attach to interface") : nothing(env);
}

static napi_value map_open(napi_env env, napi_callback_info info)
{
	struct args a;
	int fd;
	take(env, info, &a);
	fd = bpf_obj_get(string(&a, 0));
	return fd < 0 ? fail(env, errno, "bpf_obj_get") : from_int(env, fd);
}
/* mapGet(fd, key, valueSize) → Buffer or null */
static napi_value map_get(napi_env env, napi_callback_info info)
{
	struct args a;
	char *value;
	int size, error;
	napi_value result;
	take(env, info, &a);
	size = number(&a, 2);
	value = calloc(1, size);
	if (!value)
		return fail(env, ENOMEM, "malloc");
	error = bpf_map_lookup_elem(number(&a, 0), bytes(&a, 1, NULL), value) ? errno : 0;
	result = !error ? from_bytes(env, value, size) : error == ENOENT ? null(env) : fail(env, error, "bpf_map_lookup");
	free(value);
	return result;
}
/* mapSet(fd, key, value, flags) */
static napi_value map_set(napi_env env, napi_callback_info info)
{
	struct args a;
	take(env, info, &a);
	if (bpf_map_update_elem(number(&a, 0), bytes(&a, 1, NULL), bytes(&a, 2, NULL), number(&a, 3)))
		return fail(env, errno, "bpf_map_update");
	return nothing(env);
}
static napi_value map_delete(napi_env env, napi_callback_info info)
{
	struct args a;
	take(env, info, &a);
	if (bpf_map_delete_elem(number(&a, 0), bytes(&a, 1, NULL)) && errno != ENOENT)
		return fail(env, errno, "bpf_map_delete");
	return nothing(env);
}
/* mapNext(fd, key or null, keySize) → the next key, or null */
static napi_value map_next(napi_env env, napi_callback_info info)
{
	struct args a;
	char key[256];
	napi_valuetype type;
	take(env, info, &a);
	napi_typeof(env, a.values[1], &type);
	if (bpf_map_get_next_key(number(&a, 0), type == napi_null ? NULL : bytes(&a, 1, NULL), key))
		return errno == ENOENT ? null(env) : fail(env, errno, "bpf_map_get_next_key");
	return from_bytes(env, key, number(&a, 2));
}

/* ringOpen(rings, refusals) → handle; ringDrain(handle, buffer) → bytes written, whole records
 * only, as many as fit */
static void ring_free(napi_env env, void *data, void *hint)
{
	rings_free(data);
}
static napi_value ring_open(napi_env env, napi_callback_info info)
{
	struct args a;
	struct rings *rings;
	napi_value result;
	take(env, info, &a);
	rings = rings_open(number(&a, 0), number(&a, 1));
	if (!rings)
		return fail(env, errno, "rings");
	napi_create_external(env, rings, ring_free, NULL, &result);
	return result;
}
static napi_value ring_drain(napi_env env, napi_callback_info info)
{
	struct args a;
	void *rings, *into;
	size_t size;
	take(env, info, &a);
	napi_get_value_external(env, a.values[0], &rings);
	into = bytes(&a, 1, &size);
	return from_int(env, rings_drain(rings, into, size));
}

static napi_value pidfd(napi_env env, napi_callback_info info)
{
	struct args a;
	int fd;
	take(env, info, &a);
	fd = syscall(SYS_pidfd_open, number(&a, 0), number(&a, 1) ? PIDFD_THREAD : 0);
	return fd < 0 ? fail(env, errno, "pidfd_open") : from_int(env, fd);
}

/* markSelf(subjectsFd, value): every thread of this process. Threads made meanwhile
 * by a marked thread are marked by the kernel; two passes without news end it. */
static napi_value mark_self(napi_env env, napi_callback_info info)
{
	struct args a;
	int map, quiet = 0, fd, error = 0;
	char seen[65536] = {0};
	void *value;
	take(env, info, &a);
	map = number(&a, 0);
	value = bytes(&a, 1, NULL);
	while (quiet < 2 && !error) {
		DIR *dir = opendir("/proc/self/task");
		struct dirent *entry;

		quiet++;
		while (dir && !error && (entry = readdir(dir))) {
			int tid = atoi(entry->d_name);

			if (tid <= 0 || seen[tid & 65535])
				continue;
			fd = syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
			if (fd < 0)
				continue; /* it ended */
			if (bpf_map_update_elem(map, &fd, value, BPF_ANY))
				error = errno;
			close(fd);
			seen[tid & 65535] = 1;
			quiet = 0;
		}
		if (dir)
			closedir(dir);
	}
	return error ? fail(env, error, "mark_self") : nothing(env);
}

static napi_value ask_fd(napi_env env, int fd, int map, void *request, size_t size)
{
	uint32_t tid = syscall(SYS_gettid);
	struct stat st;
	char answer[256];
	int error = 0;

	if (bpf_map_update_elem(map, &tid, request, BPF_ANY))
		return fail(env, errno, "ask");
	if (fstat(fd, &st) || bpf_map_lookup_elem(map, &tid, answer))
		error = errno;
	bpf_map_delete_elem(map, &tid);
	return error ? fail(env, error, "ask") : from_bytes(env, answer, size);
}
/* ask(requestsFd, fd, request) → answered request */
static napi_value ask(napi_env env, napi_callback_info info)
{
	struct args a;
	size_t n;
	void *request;
	take(env, info, &a);
	request = bytes(&a, 2, &n);
	return ask_fd(env, number(&a, 1), number(&a, 0), request, n);
}
/* openPath(path) → a descriptor that only names the inode; never follows the last link */
static napi_value open_path(napi_env env, napi_callback_info info)
{
	struct args a;
	int fd;
	take(env, info, &a);
	fd = open(string(&a, 0), O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? fail(env, errno, "open") : from_int(env, fd);
}
static napi_value close_fd(napi_env env, napi_callback_info info)
{
	struct args a;
	take(env, info, &a);
	close(number(&a, 0));
	return nothing(env);
}

/* handleOf(fd) → {handle: Buffer (type, bytes), fsid: Buffer, magic} : the inode, valid
 * over reboots for file systems that keep one. name_to_handle_at(2), statfs(2). */
static napi_value handle_of(napi_env env, napi_callback_info info)
{
	struct args a;
	char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	struct file_handle *handle = (void *)room;
	struct statfs fs;
	napi_value result;
	int mount, fd;
	take(env, info, &a);
	fd = number(&a, 0);
	handle->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(fd, "", handle, &mount, AT_EMPTY_PATH))
		return fail(env, errno, "name_to_handle_at");
	if (fstatfs(fd, &fs))
		return fail(env, errno, "fstatfs");
	napi_create_object(env, &result);
	put(env, result, "handle", from_bytes(env, &handle->handle_type, sizeof(handle->handle_type) + handle->handle_bytes));
	put(env, result, "fsid", from_bytes(env, &fs.f_fsid, sizeof(fs.f_fsid)));
	put(env, result, "magic", from_int(env, (uint32_t)fs.f_type));
	return result;
}
/* handleOpen(mountFd, handle) → descriptor; ESTALE when the inode is gone */
static napi_value handle_open(napi_env env, napi_callback_info info)
{
	struct args a;
	char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	struct file_handle *handle = (void *)room;
	size_t n;
	char *data;
	int fd;
	take(env, info, &a);
	data = bytes(&a, 1, &n);
	if (n < 4 || n > 4 + MAX_HANDLE_SZ)
		return fail(env, EINVAL, "handle");
	handle->handle_bytes = n - 4;
	memcpy(&handle->handle_type, data, n);
	fd = open_by_handle_at(number(&a, 0), handle, O_PATH | O_CLOEXEC);
	return fd < 0 ? fail(env, errno, "open_by_handle_at") : from_int(env, fd);
}
static napi_value fs_of(napi_env env, napi_callback_info info)
{
	struct args a;
	struct statfs fs;
	napi_value result;
	take(env, info, &a);
	if (statfs(string(&a, 0), &fs))
		return fail(env, errno, "statfs");
	napi_create_object(env, &result);
	put(env, result, "fsid", from_bytes(env, &fs.f_fsid, sizeof(fs.f_fsid)));
	put(env, result, "magic", from_int(env, (uint32_t)fs.f_type));
	return result;
}

/* settle(path): drops the file's pages from the cache → how many would not go, because a
 * pipe, a socket or a mapping holds them; 0 for what is no regular file.
 * posix_fadvise(2), cachestat(2). The file must be clean: syncFs first. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
static napi_value settle(napi_env env, napi_callback_info info)
{
	struct args a;
	struct stat st;
	uint64_t range[2] = { 0, 0 }, counts[5] = { 0 };
	int fd, error = 0;
	take(env, info, &a);
	fd = open(string(&a, 0), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP || errno == ENXIO ? from_int(env, 0) : fail(env, errno, "open");
	if (fstat(fd, &st))
		error = errno;
	else if (S_ISREG(st.st_mode) && (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), syscall(SYS_cachestat, fd, range, counts, 0)))
		error = errno;
	close(fd);
	return error ? fail(env, error, "cachestat") : from_int(env, counts[0]);
}
/* loopFile(path) → {dev, ino} of the file behind a loop device, as stat has them */
static napi_value loop_file(napi_env env, napi_callback_info info)
{
	struct args a;
	struct loop_info64 loop;
	napi_value result;
	int fd, error;
	take(env, info, &a);
	fd = open(string(&a, 0), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return fail(env, errno, "open");
	error = ioctl(fd, LOOP_GET_STATUS64, &loop) ? errno : 0;
	close(fd);
	if (error)
		return fail(env, error, "loop");
	napi_create_object(env, &result);
	put(env, result, "dev", from_int(env, loop.lo_device));
	put(env, result, "ino", from_int(env, loop.lo_inode));
	return result;
}
/* syncFs(path): writes the file system that holds it */
static napi_value sync_fs(napi_env env, napi_callback_info info)
{
	struct args a;
	int fd, error;
	take(env, info, &a);
	fd = open(string(&a, 0), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return fail(env, errno, "open");
	error = syncfs(fd) ? errno : 0;
	close(fd);
	return error ? fail(env, error, "syncfs") : nothing(env);
}

/* peer(fd) → {pid, uid, gid, groups} of the other end of a unix socket */
static napi_value peer(napi_env env, napi_callback_info info)
{
	struct args a;
	struct ucred cred;
	gid_t groups[1024];
	socklen_t n = sizeof(cred), size = sizeof(groups);
	napi_value result, list;
	take(env, info, &a);
	if (getsockopt(number(&a, 0), SOL_SOCKET, SO_PEERCRED, &cred, &n))
		return fail(env, errno, "SO_PEERCRED");
	if (getsockopt(number(&a, 0), SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		return fail(env, errno, "SO_PEERGROUPS");
	napi_create_array(env, &list);
	for (uint32_t i = 0; i < size / sizeof(*groups); i++)
		napi_set_element(env, list, i, from_int(env, groups[i]));
	napi_create_object(env, &result);
	put(env, result, "pid", from_int(env, cred.pid));
	put(env, result, "uid", from_int(env, cred.uid));
	put(env, result, "gid", from_int(env, cred.gid));
	put(env, result, "groups", list);
	return result;
}

/* listenIn(network, path) → fd: a Unix socket that listens, made in another network. The thread is back in its own when
 * this returns; where that can't be had, the process ends: it would make sockets in the wrong one. */
static napi_value listen_in(napi_env env, napi_callback_info info)
{
	struct args a;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *network, *path;
	int own, other, fd = -1, error = 0;

	take(env, info, &a);
	network = string(&a, 0);
	path = string(&a, 1);
	if (strlen(path) >= sizeof(address.sun_path))
		return fail(env, ENAMETOOLONG, "listenIn");
	strcpy(address.sun_path, path);
	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	other = open(network, O_RDONLY | O_CLOEXEC);
	if (own < 0 || other < 0 || setns(other, CLONE_NEWNET)) {
		error = errno;
	} else {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0 || bind(fd, (void *)&address, sizeof(address)) || chmod(path, 0666) || listen(fd, 256))
			error = errno;
		if (setns(own, CLONE_NEWNET))
			abort();
	}
	if (own >= 0)
		close(own);
	if (other >= 0)
		close(other);
	if (!error)
		return from_int(env, fd);
	if (fd >= 0)
		close(fd);
	return fail(env, error, "listenIn");
}

/* xattrSet(path, name, value); xattrRemove(path, name): the inode itself, no link followed */
static napi_value xattr_set(napi_env env, napi_callback_info info)
{
	struct args a;
	size_t n;
	void *value;
	take(env, info, &a);
	value = bytes(&a, 2, &n);
	if (lsetxattr(string(&a, 0), string(&a, 1), value, n, 0))
		return fail(env, errno, "setxattr");
	return nothing(env);
}
static napi_value xattr_remove(napi_env env, napi_callback_info info)
{
	struct args a;
	take(env, info, &a);
	if (lremovexattr(string(&a, 0), string(&a, 1)) && errno != ENODATA)
		return fail(env, errno, "removexattr");
	return nothing(env);
}

/* probe(objectPath): loads, attaches and fires one program on one hook, then takes it
 * away. → "works", or throws. */
static napi_value probe(napi_env env, napi_callback_info info)
{
	struct args a;
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_link *link = NULL;
	const char *step = "open";
	int error = 0;
	napi_value result;
	uint32_t key = 0;
	uint64_t before = 0, after = 0;

	take(env, info, &a);
	libbpf_set_print(keep_log);
	object = bpf_object__open_file(string(&a, 0), NULL);
	if (!object)
		return fail(env, errno, step);
	step = "load";
	error = bpf_object__load(object);
	if (!error) {
		int map = bpf_object__find_map_fd_by_name(object, "fired"), fd;

		program = bpf_object__next_program(object, NULL);
		step = "attach";
		link = bpf_program__attach(program);
		if (!link) {
			error = -errno;
		} else {
			step = "fire";
			bpf_map_lookup_elem(map, &key, &before);
			fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
			close(fd);
			bpf_map_lookup_elem(map, &key, &after);
			if (after == before)
				error = -ENOSYS;
			bpf_link__destroy(link);
		}
	}
	bpf_object__close(object);
	if (error)
		return fail(env, error, step);
	libbpf_used = 0;
	napi_create_string_utf8(env, "works", NAPI_AUTO_LENGTH, &result);
	return result;
}

NAPI_MODULE_INIT()
{
	static const struct {
		const char *name;
		napi_callback call;
	} functions[] = {
		{ "load", load }, { "probe", probe }, { "attachInterface", attach_interface },
		{ "mapOpen", map_open }, { "mapGet", map_get }, { "mapSet", map_set },
		{ "mapDelete", map_delete }, { "mapNext", map_next },
		{ "ringOpen", ring_open }, { "ringDrain", ring_drain },
		{ "pidfd", pidfd }, { "markSelf", mark_self }, { "ask", ask },
		{ "openPath", open_path }, { "closeFd", close_fd },
		{ "handleOf", handle_of }, { "handleOpen", handle_open }, { "fsOf", fs_of },
		{ "settle", settle }, { "loopFile", loop_file }, { "syncFs", sync_fs }, { "peer", peer }, { "listenIn", listen_in }, { "xattrSet", xattr_set }, { "xattrRemove", xattr_remove },
	};
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		napi_value function;
		napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function);
		put(env, exports, functions[i].name, function);
	}
	return exports;
}
