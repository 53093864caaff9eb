/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What system calls cost. Times each with rdtsc; in a machine whose clock counts
 * instructions (QEMU -icount shift=0) the figures are instructions, user and kernel.
 *
 * Usage, in a folder that holds this program: ./bench-calls [--wait] >RESULT.json
 * With --wait it stops itself first, so that somebody can label it, and goes on at
 * SIGCONT. Each figure: minimum and median over the rounds, one call a round,
 * less what two empty measurements have between them.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "folder/file" /* two components, from the working directory */
#define NEW_NAME "folder/new"
#define MOST_ROUNDS 401
#define WARM_UP 5

static char page[4096];
static int file, zero, null, to_child[2], from_child[2];
static char *self;

static void must(int ok, const char *what)
{
	if (!ok)
		err(1, "%s", what);
}

static void nothing(void)
{
}

static void null_call(void)
{
	syscall(SYS_getppid);
}

static void read_zero(void)
{
	must(read(zero, page, 1) == 1, "read /dev/zero");
}

static void write_null(void)
{
	must(write(null, page, 1) == 1, "write /dev/null");
}

static void rewind_file(void)
{
	lseek(file, 0, SEEK_SET);
}

static void read_1(void)
{
	must(read(file, page, 1) == 1, "read");
}

static void write_1(void)
{
	must(write(file, page, 1) == 1, "write");
}

static void pread_4k(void)
{
	must(pread(file, page, sizeof(page), 0) == sizeof(page), "pread");
}

static void pwrite_4k(void)
{
	must(pwrite(file, page, sizeof(page), 0) == sizeof(page), "pwrite");
}

static void stat_file(void)
{
	struct stat st;

	must(stat(NAME, &st) == 0, "stat");
}

static void open_close(void)
{
	int fd = open(NAME, O_RDONLY);

	must(fd >= 0, "open");
	close(fd);
}

static void create_unlink(void)
{
	int fd = open(NEW_NAME, O_CREAT | O_EXCL | O_WRONLY, 0600);

	must(fd >= 0, "create");
	close(fd);
	must(unlink(NEW_NAME) == 0, "unlink");
}

static void wait_for(pid_t child)
{
	int status;

	must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "child");
}

static void fork_exit(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	wait_for(child);
}

static void fork_exec(void)
{
	pid_t child = fork();

	if (child == 0) {
		char *args[] = { self, "--exit", 0 }, *none[] = { 0 };

		execve(self, args, none);
		_exit(1);
	}
	wait_for(child);
}

/* There and back: two writes, two reads, two switches. */
static void ping_pong(void)
{
	must(write(to_child[1], page, 1) == 1 && read(from_child[0], page, 1) == 1, "pipe");
}

static pid_t begin_echo(void)
{
	pid_t child;

	must(pipe(to_child) == 0 && pipe(from_child) == 0, "pipe");
	child = fork();
	if (child == 0) {
		close(to_child[1]);
		while (read(to_child[0], page, 1) == 1)
			must(write(from_child[1], page, 1) == 1, "pipe");
		_exit(0);
	}
	return child;
}

static const struct measure {
	const char *id;
	void (*prepare)(void);
	void (*call)(void);
	int rounds;
} measures[] = {
	{ "null", nothing, null_call, 201 },
	{ "read_zero", nothing, read_zero, 201 },
	{ "write_null", nothing, write_null, 201 },
	{ "read_1", rewind_file, read_1, 201 },
	{ "write_1", rewind_file, write_1, 201 },
	{ "pread_4k", nothing, pread_4k, 101 },
	{ "pwrite_4k", nothing, pwrite_4k, 101 },
	{ "stat", nothing, stat_file, 101 },
	{ "open_close", nothing, open_close, 101 },
	{ "create_unlink", nothing, create_unlink, 51 },
	{ "pipe", nothing, ping_pong, 401 },
	{ "fork_exit", nothing, fork_exit, 51 },
	{ "fork_exec", nothing, fork_exec, 51 },
};

/* The fences keep a real processor from moving work past them. */
static __attribute__((noinline)) uint64_t now(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

struct result {
	uint64_t least, median;
};

static __attribute__((noinline)) struct result measure(const struct measure *m)
{
	static uint64_t samples[MOST_ROUNDS];

	for (int i = -WARM_UP; i < m->rounds; i++) {
		uint64_t begin, end;

		m->prepare();
		begin = now();
		m->call();
		end = now();
		if (i >= 0)
			samples[i] = end - begin;
	}
	qsort(samples, m->rounds, sizeof(samples[0]), ascending);
	return (struct result){ samples[0], samples[m->rounds / 2] };
}

int main(int argc, char **argv)
{
	const struct measure empty = { "empty", nothing, nothing, MOST_ROUNDS };
	uint64_t overhead;
	pid_t echo;

	self = argv[0];
	if (argc == 2 && !strcmp(argv[1], "--exit"))
		_exit(0);
	if (argc == 2 && !strcmp(argv[1], "--wait"))
		raise(SIGSTOP);
	if (mkdir("folder", 0700) == 0) {
		file = open(NAME, O_CREAT | O_WRONLY, 0600);
		must(file >= 0 && write(file, page, sizeof(page)) == sizeof(page), NAME);
		close(file);
	}
	file = open(NAME, O_RDWR);
	zero = open("/dev/zero", O_RDONLY);
	null = open("/dev/null", O_WRONLY);
	must(file >= 0 && zero >= 0 && null >= 0, "open");
	echo = begin_echo();
	overhead = measure(&empty).least;
	printf("{\"overhead\": %lu, \"calls\": {", overhead);
	for (unsigned i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
		struct result r = measure(&measures[i]);

		printf("%s\n  \"%s\": {\"rounds\": %d, \"least\": %lu, \"median\": %lu}", i ? "," : "", measures[i].id,
		       measures[i].rounds, r.least - overhead, r.median - overhead);
	}
	printf("}}\n");
	close(to_child[1]);
	wait_for(echo);
	return fflush(stdout) ? 1 : 0;
}
