/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For the bench (-DCSN_FLOOR): the same programs on the same hooks, each of which returns
 * 0 at once. What is left is the price of being attached. Their real bodies stay as
 * functions that nobody calls, so no list of hooks is written twice.
 */
#ifndef CSN_FLOOR_H
#define CSN_FLOOR_H

#undef BPF_PROG
#define BPF_PROG(name, args...)                                                     \
	name(unsigned long long *ctx)                                               \
	{                                                                           \
		return 0;                                                           \
	}                                                                           \
	static __always_inline __attribute__((unused)) int unused_##name(unsigned long long *ctx, ##args)

#endif
