// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs bpf/label.bpf.h natively: pairs of contexts in, verdicts out. Test only, see
 * src/label/native.test.ts.
 *
 * Standard input, native byte order: for each pair four labels (from.secrecy, from.integrity,
 * to.secrecy, to.integrity), each as u32 count, u32 all, then CSN_MAX_TAGS at most, else count, u32 tags.
 * Standard output: for each pair one character, '0' allowed, '1' FLOW-1, '2' FLOW-2.
 * Exit: 0 at a clean end of input, 2 if it ended within a pair.
 */
#include <stdio.h>
#include <string.h>
#include <linux/types.h>

#include "../bpf/abi.h"
#include "../bpf/label.bpf.h"

/* 1 when a label was read, 0 at the end of input, -1 when it ended within the label. */
static int read_label(struct csn_label *label)
{
	__u32 head[2];
	__u32 present;
	size_t got = fread(head, 1, sizeof(head), stdin);

	if (got == 0)
		return 0;
	if (got != sizeof(head))
		return -1;
	/* Not zero: a routine that looked beyond count must not find tags that seem to match. */
	memset(label, 0xa5, sizeof(*label));
	label->count = head[0];
	label->all = head[1];
	present = label->count < CSN_MAX_TAGS ? label->count : CSN_MAX_TAGS;
	return fread(label->tags, sizeof(__u32), present, stdin) == present ? 1 : -1;
}

int main(void)
{
	struct csn_context from, to;

	for (;;) {
		int first = read_label(&from.secrecy);

		if (first == 0)
			return fflush(stdout) == 0 ? 0 : 2;
		if (first < 0 || read_label(&from.integrity) != 1 || read_label(&to.secrecy) != 1 ||
		    read_label(&to.integrity) != 1)
			return 2;
		putchar('0' + csn_context_flows(&from, &to));
	}
}
