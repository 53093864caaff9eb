/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Doors of the kernel: mounts, BPF, perf, rings, modules, clocks, capabilities. Closed
 * to labelled subjects [OP-12]. Channel rows K1 to K9.
 *
 * Guarantee: what would let a labelled subject change, bypass or watch the kernel, or
 * tell everybody something through it, is refused.
 */

SEC("lsm/sb_mount")
int BPF_PROG(sb_mount)
{
	return closed(CSN_OP_MOUNT);
}

SEC("lsm/sb_remount")
int BPF_PROG(sb_remount)
{
	return closed(CSN_OP_MOUNT);
}

SEC("lsm/sb_umount")
int BPF_PROG(sb_umount)
{
	return closed(CSN_OP_MOUNT);
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(sb_pivotroot)
{
	return closed(CSN_OP_MOUNT);
}

SEC("lsm/move_mount")
int BPF_PROG(move_mount)
{
	return closed(CSN_OP_MOUNT);
}

SEC("lsm/path_chroot")
int BPF_PROG(path_chroot)
{
	return closed(CSN_OP_CHROOT);
}

SEC("lsm/bpf")
int BPF_PROG(bpf)
{
	return closed(CSN_OP_BPF);
}

SEC("lsm/bpf_map")
int BPF_PROG(bpf_map)
{
	return closed(CSN_OP_BPF);
}

SEC("lsm/bpf_prog")
int BPF_PROG(bpf_prog)
{
	return closed(CSN_OP_BPF);
}

SEC("lsm/perf_event_open")
int BPF_PROG(perf_event_open)
{
	return closed(CSN_OP_PERF);
}

SEC("lsm/uring_sqpoll")
int BPF_PROG(uring_sqpoll)
{
	return closed(CSN_OP_URING);
}

SEC("lsm/uring_override_creds")
int BPF_PROG(uring_override_creds)
{
	return closed(CSN_OP_URING);
}

SEC("lsm/uring_cmd")
int BPF_PROG(uring_cmd)
{
	return closed(CSN_OP_URING);
}

SEC("?lsm/uring_allowed")
int BPF_PROG(uring_allowed)
{
	return closed(CSN_OP_URING);
}

SEC("lsm/syslog")
int BPF_PROG(syslog)
{
	return closed(CSN_OP_SYSLOG);
}

SEC("lsm/settime")
int BPF_PROG(settime)
{
	return closed(CSN_OP_CLOCK);
}

SEC("lsm/quotactl")
int BPF_PROG(quotactl)
{
	return closed(CSN_OP_QUOTA);
}

SEC("lsm/quota_on")
int BPF_PROG(quota_on)
{
	return closed(CSN_OP_QUOTA);
}

SEC("lsm/kernel_load_data")
int BPF_PROG(kernel_load_data)
{
	return closed(CSN_OP_MODULE);
}

/* A labelled subject's choice of bytes would become the arguments of modprobe. */
SEC("lsm/kernel_module_request")
int BPF_PROG(kernel_module_request)
{
	return closed(CSN_OP_MODULE);
}

SEC("?lsm/binder_transaction")
int BPF_PROG(binder_transaction)
{
	return closed(CSN_OP_SOCKET);
}

/* include/uapi/linux/capability.h: those that act on the whole host. A labelled root
 * keeps the ones that act on its own files and processes, which other hooks judge. */
SEC("lsm/capable")
int BPF_PROG(capable, const struct cred *cred, struct user_namespace *ns, int cap)
{
	switch (cap) {
	case 9:  /* LINUX_IMMUTABLE */
	case 12: /* NET_ADMIN */
	case 13: /* NET_RAW */
	case 16: /* SYS_MODULE */
	case 17: /* SYS_RAWIO */
	case 18: /* SYS_CHROOT */
	case 20: /* SYS_PACCT */
	case 21: /* SYS_ADMIN */
	case 22: /* SYS_BOOT */
	case 25: /* SYS_TIME */
	case 26: /* SYS_TTY_CONFIG */
	case 29: /* AUDIT_WRITE */
	case 30: /* AUDIT_CONTROL */
	case 32: /* MAC_OVERRIDE */
	case 33: /* MAC_ADMIN */
	case 34: /* SYSLOG */
	case 35: /* WAKE_ALARM */
	case 36: /* BLOCK_SUSPEND */
	case 37: /* AUDIT_READ */
	case 38: /* PERFMON */
	case 39: /* BPF */
	case 40: /* CHECKPOINT_RESTORE */
		break;
	default:
		return 0;
	}
	/* A capability is often asked for only to choose between two ways, so this
	 * refusal, unlike all others, is not recorded: what the lack of it stops says so. */
	return is_labelled(subject()) ? -EACCES : 0;
}
