/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gate is made of: its program and files, copied into the compartment while they are
 * hashed. What is executed and read later is the copy. [GATE-1]
 *
 * Guarantee: the copies are whole and have the digests that were asked for, or nothing runs.
 * They lie on the compartment's own memory, which nobody outside can reach, so whatever
 * happens to the path meanwhile (rename, link, bind mount, another write) changes nothing.
 * A file is read by a process of the user and of the gate's own label: what neither may
 * read comes into no gate, and no digest of it is told.
 *
 * Not covered: dynamic libraries, and what an interpreter loads besides: they are base [CTX-3].
 */
#include "launch.h"
#include "sha256.h"
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Reads the file as the user, with the gate's label; never returns. */
static void reader(const struct options *o, const char *path, int to)
{
	const struct csn_subject self = { .in = o->input, .out = o->out };
	static char data[65536];
	struct stat st;
	ssize_t n;
	int fd;

	/* the digest vouches for it, so it may be as little trusted as any input */
	label_self(map_open(o, "subjects"), &self);
	if (setgroups(o->group_count, o->groups) || setresgid(o->gid, o->gid, o->gid) ||
	    setresuid(o->uid, o->uid, o->uid))
		_exit(errno);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st))
		_exit(errno);
	if (!S_ISREG(st.st_mode))
		_exit(EINVAL);
	while ((n = read(fd, data, sizeof(data))) > 0)
		for (ssize_t done = 0, m; done < n; done += m)
			if ((m = write(to, data + done, n - done)) < 0)
				_exit(errno);
	_exit(n < 0 ? errno : 0);
}

/* Hashes the file, and copies it to `copy` unless that is -1. Gives 1 if it begins as a program does. */
static int hash_file(const struct options *o, const char *path, int copy, char digest[65])
{
	static unsigned char data[65536];
	struct sha256 sum;
	int ends[2], status, elf = 0, first = 1;
	ssize_t n;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		fail("gate: pipe");
	label_object(map_open(o, "objects"), ends[0], o->out);
	child = fork();
	if (child < 0)
		fail("gate: fork");
	if (child == 0)
		reader(o, path, ends[1]);
	close(ends[1]);
	sha256_start(&sum);
	while ((n = read(ends[0], data, sizeof(data))) > 0) {
		if (first)
			elf = n >= 4 && !memcmp(data, "\177ELF", 4);
		first = 0;
		sha256_add(&sum, data, n);
		for (ssize_t done = 0, m; copy >= 0 && done < n; done += m)
			if ((m = write(copy, data + done, n - done)) < 0)
				fail("gate: copy %s", path);
	}
	close(ends[0]);
	if (n < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
		errno = EIO;
		fail("gate: read %s", path);
	}
	if (WEXITSTATUS(status)) {
		errno = WEXITSTATUS(status);
		fail("gate: read %s", path);
	}
	sha256_end(&sum, digest);
	return elf;
}

/* Each `DIGEST:PATH` to `folder`, under its last name; the first is the program. */
void copy_verified(const struct options *o, const char *folder)
{
	char digest[65], target[4096];

	if (!o->verified_count)
		return;
	if (mkdir(folder, 0755))
		fail("gate: mkdir");
	for (int i = 0; i < o->verified_count; i++) {
		const char *path = o->verified[i] + 65, *slash = strrchr(path, '/');
		int fd, elf;

		snprintf(target, sizeof(target), "%s/%s", folder, slash ? slash + 1 : path);
		fd = open(target, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0555);
		if (fd < 0)
			fail("gate: copy %s", path);
		elf = hash_file(o, path, fd, digest);
		fchmod(fd, 0555);
		close(fd);
		if (strncmp(digest, o->verified[i], 64)) {
			errno = ESTALE;
			fail("gate: changed %s", path);
		}
		if (i == 0 && !elf) {
			errno = ENOEXEC;
			fail("gate: program %s", path);
		}
	}
}

/* For who defines a gate: "digest HEX" for each path, as the user may read it. */
void tell_digests(const struct options *o)
{
	char digest[65];

	for (char **path = o->argv; *path; path++) {
		int elf = hash_file(o, *path, -1, digest);

		if (path == o->argv && !elf) {
			errno = ENOEXEC;
			fail("gate: program %s", *path);
		}
		dprintf(3, "digest %s\n", digest);
	}
	_exit(0);
}
