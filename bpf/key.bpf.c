/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keys and keyrings. Channel row I8.
 *
 * Guarantee: a key has the context of the subject that made it [OP-6], and each use is
 * judged: looking and searching as reading, changing as writing, linking and unlinking as
 * both. A labelled subject makes none of the kernel's own: keyrings that belong to a user
 * and not to a program (all programs of the user share them), and requests that a helper
 * outside any label would answer. The launcher gives each compartment a session keyring.
 *
 * Not covered: counts per user (/proc/key-users), which are a covert channel.
 */

/* Names that the kernel gives to what it makes on a program's behalf: `_uid.0`,
 * `_uid_ses.0`, `_persistent.0`, and types like `.request_key_auth`. */
static __always_inline int is_of_the_kernel(struct key *key)
{
	char type = 0, text[4] = {};

	bpf_probe_read_kernel(&type, 1, READ(READ(key, index_key.type), name));
	bpf_probe_read_kernel_str(text, sizeof(text), READ(key, index_key.description));
	return type == '.' || text[0] == '.' || (text[0] == '_' && ((text[1] == 'u' && text[2] == 'i') || (text[1] == 'p' && text[2] == 'e')));
}

/* Keys have no hook for their end (since 6.12): an address that is given out again loses its
 * context here. So `made` holds at most as many as there have been keys at one time. */
SEC("lsm/key_alloc")
int BPF_PROG(key_alloc, struct key *key)
{
	struct csn_subject *s = subject();

	if (!is_labelled(s)) {
		forget_made(key);
		return 0;
	}
	return CHECK(kernel, is_of_the_kernel(key)) ? closed(CSN_OP_KEY) : make((u64)key, 0);
}

/* include/linux/key.h: enum key_need_perm */
static __always_inline u32 want_of_key(int need)
{
	switch (need) {
	case 1: /* VIEW */
	case 2: /* READ */
	case 4: /* SEARCH */
	case 10: /* DEFER_PERM_CHECK: another question follows */
		return WANT_READ;
	case 3: /* WRITE */
	case 6: /* SETATTR */
		return WANT_WRITE;
	}
	return WANT_BOTH;
}

/* The first argument is a key's address, whose lowest bit says whether the caller possesses
 * it; its type has no definition anywhere, so the verifier lets nobody load it directly. */
SEC("lsm/key_permission")
int BPF_PROG(key_permission)
{
	u64 reference = 0, need = 0;
	struct key *key;

	bpf_get_func_arg(ctx, 0, &reference);
	bpf_get_func_arg(ctx, 2, &need);
	key = (void *)(reference & ~1ull);
	return access_made((u64)key, subject(), want_of_key(need), want_of_key(need), CSN_OP_KEY, CSN_ENTITY_KEY, READ(key, serial), 0, 0);
}
