/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actor's attempts on the monitor's own programs, maps and links, over bpf(2).
 *
 *   pin get|put PATH, pin id|next map|program|link, pin load|map|btf
 *   pin packet PROGRAM INTERFACE FROM BYTES: what a program for interfaces answers to that packet
 */
#include <linux/bpf.h>

static int do_bpf(int command, union bpf_attr *attr)
{
	int got = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return got < 0 ? -errno : 0;
}

static int do_packet(void)
{
	struct __sk_buff about = { .ifindex = num(3), .ingress_ifindex = num(4) };
	unsigned char bytes[2048];
	const char *hex = arg(5);
	unsigned n = 0, byte;
	union bpf_attr attr;
	int program;

	while (n < sizeof(bytes) && sscanf(hex + 2 * n, "%2x", &byte) == 1)
		bytes[n++] = byte;
	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uintptr_t)arg(2);
	program = syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof(attr));
	if (program < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = program;
	attr.test.data_in = (uintptr_t)bytes;
	attr.test.data_size_in = n;
	attr.test.ctx_in = (uintptr_t)&about;
	attr.test.ctx_size_in = sizeof(about);
	byte = syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)) < 0 ? errno : 0;
	close(program);
	snprintf(detail, sizeof(detail), "%u", attr.test.retval);
	return -(int)byte;
}

static int do_pin(void)
{
	static const struct bpf_insn two[] = { { .code = 0xb7 }, { .code = 0x95 } }; /* r0 = 0; exit */
	const char *what = arg(1), *kind = arg(2);
	int n = !strcmp(kind, "map") ? 1 : !strcmp(kind, "program") ? 0 : 2;
	union bpf_attr attr;

	if (!strcmp(what, "packet"))
		return do_packet();
	memset(&attr, 0, sizeof(attr));
	if (!strcmp(what, "get")) {
		attr.pathname = (uintptr_t)kind;
		return do_bpf(BPF_OBJ_GET, &attr);
	}
	if (!strcmp(what, "put")) {
		attr.pathname = (uintptr_t)kind;
		attr.bpf_fd = fd < 0 ? 0 : fd;
		return do_bpf(BPF_OBJ_PIN, &attr);
	}
	if (!strcmp(what, "id")) {
		static const int by_id[] = { BPF_PROG_GET_FD_BY_ID, BPF_MAP_GET_FD_BY_ID, BPF_LINK_GET_FD_BY_ID };

		attr.map_id = 1;
		return do_bpf(by_id[n], &attr);
	}
	if (!strcmp(what, "next")) {
		static const int next[] = { BPF_PROG_GET_NEXT_ID, BPF_MAP_GET_NEXT_ID, BPF_LINK_GET_NEXT_ID };

		return do_bpf(next[n], &attr);
	}
	if (!strcmp(what, "load")) {
		attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
		attr.insns = (uintptr_t)two;
		attr.insn_cnt = 2;
		attr.license = (uintptr_t)"GPL";
		return do_bpf(BPF_PROG_LOAD, &attr);
	}
	if (!strcmp(what, "map")) {
		attr.map_type = BPF_MAP_TYPE_ARRAY;
		attr.key_size = 4;
		attr.value_size = 4;
		attr.max_entries = 1;
		return do_bpf(BPF_MAP_CREATE, &attr);
	}
	return do_bpf(BPF_BTF_GET_FD_BY_ID, &attr);
}
