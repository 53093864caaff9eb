/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Observe: a subject that the flow rules refuse nothing, but that its flows are recorded as
 * what they are [SUBJ-5].
 *
 * Guarantee: only what the rules [FLOW-1, FLOW-2] stand against is let through, and only for
 * tags that whoever started the subject may take off or vouch for (`crosses` in its storage,
 * written by the launcher, from the daemon's answer). For any other tag, for what is
 * unknown [CTX-5], and at every door of the kernel [OP-12] it is refused as ever. So to be
 * observed opens no way to data of others.
 *
 * Not covered: packets on the way out of a network, which belongs to all programs of a context.
 */
#ifndef CSN_OBSERVE_H
#define CSN_OBSERVE_H

/* Is every tag of one label in either of two others? All three are walked at once. */
struct crossing {
	const struct csn_label *a, *b, *c;
	u32 i, j, k;
};

/* 1 when x < y, without a branch, for the verifier's sake: see csn_same. */
static __always_inline u32 less(u64 x, u64 y)
{
	u64 difference = x - y;

	asm volatile("" : "+r"(difference));
	return difference >> 63;
}

static __always_inline u32 tag_at(const struct csn_label *label, u32 at)
{
	return label->tags[at & (CSN_MAX_TAGS - 1)];
}

/* Goes on by at least one tag of one label, or never again. */
static int cross_one(u32 index, struct crossing *x)
{
	u32 i = x->i, j = x->j, k = x->k;
	u32 tag = tag_at(x->a, i), b = tag_at(x->b, j), c = tag_at(x->c, k);
	u32 has_b = less(j, x->b->count), has_c = less(k, x->c->count);

	x->i = i + (less(i, x->a->count) & ((has_b & csn_same(b, tag)) | (has_c & csn_same(c, tag))));
	x->j = j + (has_b & less(b, tag));
	x->k = k + (has_c & less(c, tag));
	return 0;
}

/*
 * 0, of which the verifier does not know what it is: counters that begin so look alike in every
 * step of a loop, which it then follows twice instead of 192 times (four fifths of the instructions
 * that it verified in the smaller programs).
 */
static __always_inline u32 some_zero(u32 any)
{
	u64 x = any, y = any;

	asm volatile("" : "+r"(y));
	return x - y;
}

static __always_inline int is_covered(const struct csn_label *a, const struct csn_label *b, const struct csn_label *c)
{
	u32 zero = some_zero(a->count);
	struct crossing x = { .a = a, .b = b, .c = c, .i = zero, .j = zero, .k = zero };

	if (b->all || c->all)
		return 1;
	if (a->all || a->count > CSN_MAX_TAGS)
		return 0;
	bpf_loop(3 * CSN_MAX_TAGS, cross_one, &x, 0);
	return x.i >= a->count;
}

/* May data move, but for these tags? */
__noinline int crosses(u32 from, u32 to, u32 tags)
{
	struct csn_context *a = bpf_map_lookup_elem(&contexts, &from);
	struct csn_context *b = bpf_map_lookup_elem(&contexts, &to);
	struct csn_context *c = bpf_map_lookup_elem(&contexts, &tags);

	if (!a || !b || !c)
		return 0;
	if (CHECK(secrecy, !is_covered(&a->secrecy, &b->secrecy, &c->secrecy)))
		return 0;
	return !CHECK(integrity, !is_covered(&b->integrity, &a->integrity, &c->integrity));
}

#endif
