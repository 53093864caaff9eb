/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the kernel write words of the program's own choice to its log, in ways that need no privilege:
 * messages that name the process, and a record of a system call that the program's own filter reports.
 * Run: kernel-log WORD. Each way uses "N" and the word as the process's name.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void shift_too_far(void)
{
	uint32_t word = 0;

	syscall(SYS_futex, &word, FUTEX_WAKE_OP, 1, 1, &word, FUTEX_OP(FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 33, 0, 0));
}

static void negative_timeout(void)
{
	struct timeval time = { -1, 0 };
	int pair[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
}

static void old_capabilities(void)
{
	uint32_t header[2] = { 0x19980330, 0 }, data[6];

	syscall(SYS_capget, header, data);
}

static void own_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_LOG),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	syscall(SYS_getppid);
}

static void forbidden_instruction(void)
{
	char table[16];

	__asm__ volatile("sgdt %0" : "=m"(table));
}

static void short_attribute(void)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
		struct rtattr attribute;
		char value[4];
	} message = { { sizeof(message), RTM_GETLINK, NLM_F_REQUEST, 0, 0 }, { .ifi_index = 1 }, { 5, IFLA_MTU }, "" };

	send(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), &message, sizeof(message), 0);
}

int main(int argc, char **argv)
{
	static void (*const ways[])(void) = { shift_too_far, negative_timeout,	    old_capabilities,
					      own_filter,    forbidden_instruction, short_attribute };
	char name[16];

	if (argc < 2)
		return 2;
	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		snprintf(name, sizeof(name), "%u%s", i, argv[1]);
		if (fork() == 0) {
			prctl(PR_SET_NAME, name, 0, 0, 0);
			ways[i]();
			_exit(0);
		}
		wait(0);
	}
	return 0;
}
