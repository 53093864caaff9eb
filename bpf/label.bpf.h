// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The flow rules in the kernel: may data move from one context to another?
 *
 * Guarantee: the answers of [FLOW-1] and [FLOW-2] in docs/model.md, the same as src/label/flow.ts.
 * native/label_test.c compiles this file for the host, and src/label/native.test.ts compares it with
 * src/label and model/reference.ts pair by pair.
 * A "yes" is sound for any bytes: every tag of a was seen in b. Labels that are not as abi.h says
 * (too long, unsorted, repeated) can only cause a "no".
 * Not covered: a context that was not found. The caller refuses it [CTX-5]; a zeroed struct is
 * "unlabelled", not "unknown".
 *
 * Needs abi.h before it (__u32, __u64, struct csn_label, struct csn_context, CSN_MAX_TAGS), and
 * includes nothing, so that BPF programs and native tests get the same text.
 */
#ifndef CSN_LABEL_BPF_H
#define CSN_LABEL_BPF_H

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* Names a check, so that mutants.bpf.h can take it out; otherwise just the check. */
#ifndef CHECK
#define CHECK(name, check...) (check)
#endif

/* Indices are masked, which the verifier understands at once; that needs a power of two. */
_Static_assert(CSN_MAX_TAGS == 64, "masking indices needs a power of two, and src/label says 64");

/* 0 to be allowed; otherwise the number of the flow rule that is broken first. */
#define CSN_FLOW_ALLOWED 0
#define CSN_FLOW_1 1 /* secrecy */
#define CSN_FLOW_2 2 /* integrity */

/*
 * 1 when x == y, without a branch. The barrier keeps the compiler from turning it into one: with a
 * branch the verifier would follow each step both ways, without it there is one state per step: a
 * program that compares two contexts costs it 3,033 instructions and 40 states (Linux 6.12 and 7.3,
 * clang 14), of 1,000,000 instructions that it allows.
 */
static __always_inline __u32 csn_same(__u32 x, __u32 y)
{
	__u64 difference = x ^ y;

	asm volatile("" : "+r"(difference));
	return (__u32)((difference - 1) >> 63);
}

/*
 * Is every tag of a in b? 1 or 0.
 *
 * One merge over both sorted arrays: each step takes the next tag of b, and the next of a if they
 * are the same. At most CSN_MAX_TAGS steps.
 */
static __always_inline int csn_label_subset(const struct csn_label *a, const struct csn_label *b)
{
	__u32 a_count = a->count, b_count = b->count;
	__u32 matched = 0; /* tags of a found so far, which is also the index of the one sought */
	__u32 j;

	if (a_count > CSN_MAX_TAGS || b_count > CSN_MAX_TAGS)
		return 0;
	if (b->all)
		return 1;
	if (CHECK(all, a->all))
		return 0;

#ifdef __clang__
#pragma clang loop unroll(disable)
#endif
	for (j = 0; j < CSN_MAX_TAGS; j++) {
		if (matched >= a_count || j >= b_count)
			break;
		matched += csn_same(a->tags[matched & (CSN_MAX_TAGS - 1)], b->tags[j]);
	}
	return matched == a_count;
}

/* May data move? CSN_FLOW_ALLOWED, CSN_FLOW_1 or CSN_FLOW_2. [FLOW-1] [FLOW-2] */
static __always_inline int csn_context_flows(const struct csn_context *from, const struct csn_context *to)
{
	if (CHECK(secrecy, !csn_label_subset(&from->secrecy, &to->secrecy)))
		return CSN_FLOW_1;
	if (CHECK(integrity, !csn_label_subset(&to->integrity, &from->integrity)))
		return CSN_FLOW_2;
	return CSN_FLOW_ALLOWED;
}

#endif
