/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actor's attempts on the monitor's own programs, maps and links, over bpf(2).
 *
 *   pin get|put PATH, pin id|next map|program|link, pin load|map|btf
 */
#include <linux/bpf.h>

static int do_bpf(int command, union bpf_attr *attr)
{
	int got = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return got < 0 ? -errno : 0;
}

static int do_pin(void)
{
	static const struct bpf_insn two[] = { { .code = 0xb7 }, { .code = 0x95 } }; /* r0 = 0; exit */
	const char *what = arg(1), *kind = arg(2);
	int n = !strcmp(kind, "map") ? 1 : !strcmp(kind, "program") ? 0 : 2;
	union bpf_attr attr;

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
