/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages to the kernel that speak of another process's network. Channel rows N1, N2, N6.
 *
 * Whoever administers the host's network names another one by the number of a process in it: to put a
 * device there, or to call it by a number and then read its counters. No other hook sees that, and a device is a
 * way for packets.
 *
 * Guarantee: nobody but the platform names a network by a labelled process. By a descriptor he can't either:
 * see namespace_context in object.bpf.h.
 *
 * Not covered: the network of a context with a way out (way.bpf.c), which the kernel itself calls by a number
 * as soon as somebody lists the host's devices. What is sent there over a device of somebody's own is still
 * judged by its address, groups are refused; its counters and who listens can be seen (docs/threats.md, G-17).
 */

#define NETLINK_ROUTE 0
#define NETLINK_GENERIC 16
#define LETTER_WORDS (1u << 20) /* more than the kernel takes */

struct letter {
	u64 data;
	u32 length;
	u32 protocol;
	u32 context; /* of the process that it names */
	u32 named;
};

/* Attributes that hold a process's number: of a link, of a network's number; of a radio, of a
 * device link (all of the latter's, whose meaning moved). */
static __always_inline int names_process(u32 protocol, u32 type)
{
	if (protocol == NETLINK_ROUTE)
		return type == 19 /* IFLA_NET_NS_PID */ || type == 2 /* NETNSA_PID */;
	return type == 82 /* NL80211_ATTR_PID */ || (type >= 136 && type <= 140);
}

/* At any place: attributes are nested, and messages follow one another. */
static int read_word(u32 index, struct letter *letter)
{
	u32 words[2] = {}, at = index * 4;
	struct task_struct *task;
	struct csn_subject *s;

	if (at + sizeof(words) > letter->length)
		return 1;
	bpf_probe_read_kernel(words, sizeof(words), (void *)(letter->data + at));
	if ((words[0] & 0xffff) < sizeof(words) || !names_process(letter->protocol, words[0] >> 16 & 0x3fff))
		return 0;
	task = bpf_task_from_pid(words[1]);
	if (!task)
		return 0;
	s = bpf_task_storage_get(&subjects, task, 0, 0);
	if (s && (s->in || s->out) && !is_platform(s)) {
		letter->named = words[1];
		letter->context = s->in ? s->in : s->out;
	}
	bpf_task_release(task);
	return letter->named != 0;
}

SEC("lsm/netlink_send")
int BPF_PROG(netlink_send, struct sock *sk, struct sk_buff *skb)
{
	struct letter letter = { .protocol = sk->sk_protocol };
	struct csn_entity process = {};
	struct csn_subject *s;
	struct event event = {};

	if (letter.protocol != NETLINK_ROUTE && letter.protocol != NETLINK_GENERIC)
		return 0;
	s = subject();
	if (s && is_platform(s))
		return 0;
	letter.data = (u64)skb->data;
	letter.length = skb->len;
	bpf_loop(LETTER_WORDS, read_word, &letter, 0);
	if (!CHECK(named, letter.named))
		return 0;
	process.second = letter.named;
	event.want = WANT_BOTH;
	event.op = CSN_OP_NAMESPACE;
	event.verdict = CSN_REFUSED_CLOSED;
	event.actor_context = s ? s->out : CSN_CTX_UNLABELLED;
	event.other_context = letter.context;
	emit(&event, &process, CSN_ENTITY_PROCESS);
	return -EACCES;
}
