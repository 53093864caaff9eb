/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One program on one hook that counts: `csn doctor` loads it and sees whether it fires. */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} fired SEC(".maps");

SEC("lsm/file_open")
int BPF_PROG(probe, struct file *file)
{
	u32 key = 0;
	u64 *count = bpf_map_lookup_elem(&fired, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
