/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hooks can't see is made impossible here: capabilities, user, and system calls.
 *
 * Guarantee: after confine() the process and all that it starts lack the calls below,
 * whatever they execute, and gain no privilege by executing (no_new_privs). Foreign
 * system call tables (32 bit, x32) and calls newer than the table are refused.
 *
 * Refused, because no LSM hook sees what they move (docs/channels.md, "Holes"):
 *   splice, tee, vmsplice (EINVAL, so that programs fall back to read and write);
 *   and, though hooks refuse them too, every door of the kernel.
 */
#include "launch.h"
#include <grp.h>
#include <signal.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* The last call that this table was read against: Linux 6.12. */
#define NEWEST_CALL 462

static const struct {
	int call;
	int error;
} refused[] = {
	{ SYS_splice, EINVAL }, { SYS_tee, EINVAL }, { SYS_vmsplice, EINVAL },
	{ SYS_remap_file_pages, EINVAL },
	{ SYS_io_uring_setup, ENOSYS }, { SYS_io_uring_enter, ENOSYS }, { SYS_io_uring_register, ENOSYS },
	{ SYS_userfaultfd, ENOSYS },
	/* sets the nice value past its hook, and getpriority, which has none, tells anybody [T6] */
	{ SYS_sched_setattr, EACCES },
	{ SYS_setns, EACCES }, { SYS_unshare, EACCES }, { SYS_chroot, EACCES },
	{ SYS_mount, EACCES }, { SYS_umount2, EACCES }, { SYS_pivot_root, EACCES },
	{ SYS_fsopen, EACCES }, { SYS_fsconfig, EACCES }, { SYS_fsmount, EACCES }, { SYS_fspick, EACCES },
	{ SYS_open_tree, EACCES }, { SYS_move_mount, EACCES }, { SYS_mount_setattr, EACCES },
	{ SYS_bpf, EACCES }, { SYS_perf_event_open, EACCES },
	{ SYS_kexec_load, EACCES }, { SYS_kexec_file_load, EACCES },
	{ SYS_init_module, EACCES }, { SYS_finit_module, EACCES }, { SYS_delete_module, EACCES },
	{ SYS_swapon, EACCES }, { SYS_swapoff, EACCES }, { SYS_reboot, EACCES }, { SYS_acct, EACCES },
	{ SYS_quotactl, EACCES }, { SYS_quotactl_fd, EACCES },
	{ SYS_name_to_handle_at, EACCES }, { SYS_open_by_handle_at, EACCES }, { SYS_fanotify_init, EACCES },
	{ SYS_syslog, EACCES }, { SYS_settimeofday, EACCES }, { SYS_clock_settime, EACCES },
	{ SYS_adjtimex, EACCES }, { SYS_clock_adjtime, EACCES },
	{ SYS_iopl, EACCES }, { SYS_ioperm, EACCES }, { SYS_lookup_dcookie, ENOSYS },
	{ SYS_sethostname, EACCES }, { SYS_setdomainname, EACCES }, { SYS_vhangup, EACCES },
	{ SYS_process_madvise, EACCES },
};
#define REFUSED (sizeof(refused) / sizeof(*refused))

static void filter_calls(void)
{
	struct sock_filter code[8 + 2 * REFUSED];
	struct sock_fprog program = { .filter = code };
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NEWEST_CALL, 0, 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	for (size_t i = 0; i < REFUSED; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused[i].call, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refused[i].error);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		fail("confine: seccomp");
}

/* What root keeps: acting on its own files and processes. */
static const uint32_t KEPT = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_FSETID |
			     1u << CAP_KILL | 1u << CAP_SETGID | 1u << CAP_SETUID | 1u << CAP_SETPCAP |
			     1u << CAP_NET_BIND_SERVICE;

static void drop_capabilities(const struct options *o)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

	for (int cap = 0; cap <= 63; cap++)
		if (cap > 31 || !(KEPT >> cap & 1))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* EINVAL: newer than this kernel */
	if (setgroups(o->group_count, o->groups) || setresgid(o->gid, o->gid, o->gid) ||
	    setresuid(o->uid, o->uid, o->uid))
		fail("confine: user %d", (int)o->uid);
	if (o->uid == 0)
		data[0].effective = data[0].permitted = KEPT;
	if (syscall(SYS_capset, &header, data))
		fail("confine: capabilities");
}

void limit_core(void)
{
	/* 1, not 0: a dump by pipe is made at a limit of 0 too, and 1 is the kernel's own
	 * word for "to no pipe" (fs/coredump.c); for a file it is too little */
	struct rlimit none = { 1, 1 };

	if (setrlimit(RLIMIT_CORE, &none))
		fail("confine: core dumps");
}

void confine(const struct options *o)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fail("confine: no_new_privs");
	drop_capabilities(o);
	/* the launcher outlives the program, or the program ends with it */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		fail("confine: pdeathsig");
	filter_calls();
}
