/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What system calls cost. Times each with rdtsc; in a machine whose clock counts
 * instructions (QEMU -icount shift=0) the figures are instructions, user and kernel.
 *
 * Usage, in a folder that holds this program: ./bench-calls [--wait] >RESULT.json
 * With --wait it stops itself first, so that somebody can label it, and goes on at
 * SIGCONT. Each figure: minimum and median over the rounds, one call a round,
 * less what two empty measurements have between them.
 *
 * ./bench-calls --open FILE only tries to open it for reading, and exits with errno.
 * ./bench-calls --room PROGRAM ARGS... is that program, stopped first, in the same namespaces.
 * ./bench-calls --flood SECONDS PROCESSES makes pipes and moves a byte through each, as fast as it can:
 * nothing of it can be merged. Stopped first; prints how many.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
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

/* Two ends of a connection, and a child that sends back what comes. */
static int unix_end, tcp_end;

static void exchange(int end)
{
	must(send(end, page, 1, 0) == 1 && recv(end, page, 1, 0) == 1, "socket");
}

static void unix_ping_pong(void)
{
	exchange(unix_end);
}

static void tcp_ping_pong(void)
{
	exchange(tcp_end);
}

static pid_t begin_socket_echo(int mine, int theirs)
{
	pid_t child = fork();

	if (child == 0) {
		close(mine);
		while (recv(theirs, page, 1, 0) == 1)
			must(send(theirs, page, 1, 0) == 1, "socket");
		_exit(0);
	}
	close(theirs);
	return child;
}

/* Connected over loopback, each answer sent at once. */
static void tcp_pair(int ends[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(bind(listener, (void *)&address, size) == 0 && listen(listener, 1) == 0, "listen");
	getsockname(listener, (void *)&address, &size);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(ends[0], (void *)&address, size) == 0, "connect");
	ends[1] = accept(listener, 0, 0);
	must(ends[1] >= 0, "accept");
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	close(listener);
}

/* A connection from beginning to end, both sides. */
static void tcp_connect(void)
{
	int ends[2];

	tcp_pair(ends);
	close(ends[0]);
	close(ends[1]);
}

static int pass_ends[2];

/* An open file sent, received and closed. */
static void pass_descriptor(void)
{
	char room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { page, 1 };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *control = CMSG_FIRSTHDR(&message);

	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(control), &file, sizeof(int));
	must(sendmsg(pass_ends[0], &message, 0) == 1 && recvmsg(pass_ends[1], &message, 0) == 1, "pass");
	must(CMSG_FIRSTHDR(&message) != 0, "pass");
	close(*(int *)CMSG_DATA(CMSG_FIRSTHDR(&message)));
}

/* Memory that two programs could share, made, mapped, touched and given back. */
static void share_memory(void)
{
	int memory = memfd_create("bench", 0);
	char *map;

	must(memory >= 0 && ftruncate(memory, sizeof(page)) == 0, "memfd");
	map = mmap(0, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	must(map != MAP_FAILED, "mmap");
	*map = 1;
	munmap(map, sizeof(page));
	close(memory);
}

static void share_segment(void)
{
	int id = shmget(IPC_PRIVATE, sizeof(page), IPC_CREAT | 0600);
	char *map = shmat(id, 0, 0);

	must(id >= 0 && map != (void *)-1, "shm");
	*map = 1;
	shmdt(map);
	shmctl(id, IPC_RMID, 0);
}

/* A network and IPC namespace of its own, like a compartment's, whose cookie is left in
 * the file `network` for who labels it. In a compartment there are such already. */
static void own_room(void)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	uint64_t cookie;
	socklen_t size = sizeof(cookie);
	int s, out;

	if (unshare(CLONE_NEWNET | CLONE_NEWIPC))
		return;
	s = socket(AF_INET, SOCK_DGRAM, 0);
	must(s >= 0 && ioctl(s, SIOCSIFFLAGS, &loopback) == 0, "lo");
	must(getsockopt(s, SOL_SOCKET, 71 /* SO_NETNS_COOKIE */, &cookie, &size) == 0, "cookie");
	close(s);
	out = open("network", O_CREAT | O_TRUNC | O_WRONLY, 0600);
	dprintf(out, "%llu", (unsigned long long)cookie);
	close(out);
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
	{ "unix", nothing, unix_ping_pong, 401 },
	{ "tcp", nothing, tcp_ping_pong, 401 },
	{ "tcp_connect", nothing, tcp_connect, 51 },
	{ "pass", nothing, pass_descriptor, 101 },
	{ "memfd", nothing, share_memory, 51 },
	{ "shm", nothing, share_segment, 51 },
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

static uint64_t seconds_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* Begins and ends with a second of the clock. */
static uint64_t pipes_within(uint64_t from, uint64_t to)
{
	uint64_t made = 0;
	int ends[2];
	char byte = 0;

	while (seconds_now() < from)
		;
	for (; seconds_now() < to; made++) {
		must(!pipe(ends) && write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1, "pipe");
		close(ends[0]);
		close(ends[1]);
	}
	return made;
}

static int flood(uint64_t seconds, int processes)
{
	uint64_t from = seconds_now() + 1, sum = 0, made;
	int results[2];

	must(!pipe(results), "pipe");
	for (int i = 0; i < processes; i++) {
		if (fork())
			continue;
		made = pipes_within(from, from + seconds);
		must(write(results[1], &made, sizeof(made)) == sizeof(made), "write");
		_exit(0);
	}
	for (int i = 0; i < processes; i++, sum += made)
		must(read(results[0], &made, sizeof(made)) == sizeof(made), "read");
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}

int main(int argc, char **argv)
{
	const struct measure empty = { "empty", nothing, nothing, MOST_ROUNDS };
	uint64_t overhead;
	pid_t echo, unix_echo, tcp_echo;
	int ends[2];

	self = argv[0];
	if (argc == 2 && !strcmp(argv[1], "--exit"))
		_exit(0);
	if (argc == 3 && !strcmp(argv[1], "--open"))
		return open(argv[2], O_RDONLY) < 0 ? errno : 0;
	own_room();
	if (argc >= 2 && (!strcmp(argv[1], "--wait") || !strcmp(argv[1], "--room")))
		raise(SIGSTOP);
	if (argc >= 3 && !strcmp(argv[1], "--room")) {
		execvp(argv[2], argv + 2);
		err(1, "%s", argv[2]);
	}
	if (argc == 4 && !strcmp(argv[1], "--flood")) {
		raise(SIGSTOP);
		return flood(atoi(argv[2]), atoi(argv[3]));
	}
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
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pass_ends) == 0, "socketpair");
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	unix_end = ends[0];
	unix_echo = begin_socket_echo(ends[0], ends[1]);
	tcp_pair(ends);
	tcp_end = ends[0];
	tcp_echo = begin_socket_echo(ends[0], ends[1]);
	overhead = measure(&empty).least;
	printf("{\"overhead\": %lu, \"calls\": {", overhead);
	for (unsigned i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
		struct result r = measure(&measures[i]);

		printf("%s\n  \"%s\": {\"rounds\": %d, \"least\": %lu, \"median\": %lu}", i ? "," : "", measures[i].id,
		       measures[i].rounds, r.least - overhead, r.median - overhead);
	}
	printf("}}\n");
	shutdown(unix_end, SHUT_RDWR);
	wait_for(unix_echo);
	shutdown(tcp_end, SHUT_RDWR);
	wait_for(tcp_echo);
	close(to_child[1]); /* the others held it too */
	wait_for(echo);
	return fflush(stdout) ? 1 : 0;
}
