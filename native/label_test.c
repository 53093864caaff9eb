// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs bpf/label.bpf.h natively: pairs of contexts in, verdicts out. Test only, see
 * src/label/native.test.ts.
 *
 * Standard input, native byte order: for each pair four struct csn_label (from.secrecy, from.integrity,
 * to.secrecy, to.integrity), whole, with whatever stands behind the last tag.
 * Standard output: for each pair one character, '0' allowed, '1' FLOW-1, '2' FLOW-2.
 * Exit: 0 at a clean end of input, 2 if it ended within a pair.
 */
#include <stdio.h>
#include <linux/types.h>

#include "../bpf/abi.h"
#include "../bpf/label.bpf.h"

int main(void)
{
	struct csn_label labels[4];
	struct csn_context from, to;
	size_t got;

	while ((got = fread(labels, 1, sizeof(labels), stdin)) == sizeof(labels)) {
		from.secrecy = labels[0];
		from.integrity = labels[1];
		to.secrecy = labels[2];
		to.integrity = labels[3];
		putchar('0' + csn_context_flows(&from, &to));
	}
	return got == 0 && fflush(stdout) == 0 ? 0 : 2;
}
