/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For mutation testing (-DCSN_MUTANTS): each program and each CHECK can be taken out while the
 * monitor runs, by one byte of the map .data.mutants. [docs/mutation.md]
 *
 * Guarantee: every program has its mutant, since BPF_PROG itself makes it. Names are the
 * symbols of the object, so no list of them is written: `hook_NAME` for a program,
 * `FUNCTION.check_NAME` for a check.
 */
#ifndef CSN_MUTANTS_H
#define CSN_MUTANTS_H

struct mutant {
	u8 out;	  /* user space writes: taken out */
	u8 fired; /* user space clears: MUTANT_* since then */
};

enum {
	MUTANT_REACHED = 1, /* the program ran */
	MUTANT_HELD = 2,    /* it refused, or the check's condition held: taken out it makes a difference */
};

#undef BPF_PROG
#define BPF_PROG(name, args...)                                                         \
	name(unsigned long long *ctx);                                                  \
	static __always_inline int ____##name(unsigned long long *ctx, ##args);         \
	volatile struct mutant hook_##name SEC(".data.mutants") = {};                   \
	int name(unsigned long long *ctx)                                               \
	{                                                                               \
		int result = 0;                                                         \
                                                                                        \
		_Pragma("GCC diagnostic push")                                          \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                  \
		if (!hook_##name.out)                                                   \
			result = ____##name(___bpf_ctx_cast(args));                     \
		_Pragma("GCC diagnostic pop")                                           \
		hook_##name.fired |= result ? MUTANT_HELD : MUTANT_REACHED;             \
		return result;                                                          \
	}                                                                               \
	static __always_inline int ____##name(unsigned long long *ctx, ##args)

/* The value of a check; 0 when it is taken out. */
#define CHECK(name, check...)                                                           \
	({                                                                              \
		static volatile struct mutant check_##name SEC(".data.mutants") = {};   \
		__typeof__((check) + 0) got_##name = 0;                                 \
                                                                                        \
		if (!check_##name.out)                                                  \
			got_##name = (check);                                           \
		if (got_##name)                                                         \
			check_##name.fired = MUTANT_HELD;                               \
		got_##name;                                                             \
	})

#endif
