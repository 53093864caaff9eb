/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the monitor remembers. All maps are pinned, so they outlive the daemon.
 *
 * Fails closed: a context that is not in `contexts` refuses [CTX-5]; a lost cache
 * entry (objects, verdicts, seen) is only computed again. A lost entry of
 * `entries` gives the object its directory's context, which can only protect
 * more [OBJ-3].
 */
#ifndef CSN_MAPS_H
#define CSN_MAPS_H

/* subject of each task; absent: unlabelled */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct csn_subject);
} subjects SEC(".maps");

/* context of each inode in memory */
struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct csn_object);
} objects SEC(".maps");

/* inodes with a label of their own; written by the daemon's requests only */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_ENTRIES);
	__type(key, struct csn_key);
	__type(value, struct csn_entry);
} entries SEC(".maps");

/* file systems that hold a label, by the kernel's device number */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CSN_MAX_DEVICES);
	__type(key, u32);
	__type(value, struct csn_device);
} devices SEC(".maps");

/* In `devices`: any disk of that driver. Set beside the file system's own number. */
#define ALL_MINORS 0xfffffu

/* network namespaces that have a context, by their cookie, which no other gets again */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_NETWORKS);
	__type(key, u64);
	__type(value, struct csn_network);
} networks SEC(".maps");

/* contexts of addresses outside, as policy has them */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_RANGES);
	__uint(key_size, 20);
	__uint(value_size, sizeof(struct csn_range));
} ranges SEC(".maps");

/* ways out, by the index of their interface in the host's network */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_WAYS);
	__type(key, u32);
	__type(value, struct csn_way);
} ways SEC(".maps");

/* packets that were stopped on a way out, so that they are counted and not repeated [AUD-2] */
struct stopped_key {
	u8 address[16];
	u32 context;
	u16 port;
	u8 leaves;
	u8 verdict;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct stopped_key);
	__type(value, u64);
} stopped SEC(".maps");

/* System V objects have numbers of their own for each sort. 0: a key, or not known */
enum made_sort { MADE_SEGMENT = 1, MADE_QUEUE, MADE_SEMAPHORES };

struct made {
	u32 context;
	u32 sort;
};

/* System V objects and keys that a labelled subject made, by the kernel's address */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_IPC);
	__type(key, u64);
	__type(value, struct made);
} made SEC(".maps");

/* what a context id means; never changed once written */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_CONTEXTS);
	__type(key, u32);
	__type(value, struct csn_context);
} contexts SEC(".maps");

/* verdict of each pair asked for so far; a pair's verdict never changes */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct csn_pair);
	__type(value, u32);
} verdicts SEC(".maps");

/* source state that a sink saw last [AUD-2] */
struct seen_key {
	u64 subject;
	struct csn_key object;
	u64 write;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct seen_key);
	__type(value, u64);
} seen SEC(".maps");

/* from when until when those who hold memory took in nothing new but from that object */
struct span {
	u64 since;
	u64 until;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct csn_key);
	__type(value, struct span);
} answered SEC(".maps");

/* when what is kept by a key last took in something new; see channel.bpf.h */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct csn_key);
	__type(value, u64);
} channels SEC(".maps");

/* What a task reads that may have to be waited for: looked at again when the call returns. */
struct waiting {
	struct csn_key key;
	u64 state; /* as its hook saw it */
	u32 context;
	u32 in; /* of who reads */
	u16 op;
	u8 kind;
	u8 is_wide;
	u32 is_met; /* the call that it is of has returned once: of several messages the first */
	u64 about;  /* the inode's address, or a queue's number: what the call must be about; 0: it has returned */
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct waiting);
} waits SEC(".maps");

/* when a subject last took in something new */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, u64);
	__type(value, u64);
} states SEC(".maps");

/* how often the subjects of a slot have taken in something new; above TAKEN_BITS, how many of them are in `holders` */
#define TAKEN_SLOTS 4096
#define TAKEN_BITS 48
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TAKEN_SLOTS);
	__type(key, u32);
	__type(value, u64);
} taken SEC(".maps");

/* subjects that hold memory which others may hold; see memory.bpf.h */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_HOLDERS);
	__type(key, u64);
	__type(value, u64);
} holders SEC(".maps");

/* and which of them an address space is, by its address */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_HOLDERS);
	__type(key, u64);
	__type(value, u64);
} spaces SEC(".maps");

/* entities whose name the ring has carried already */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct csn_key);
	__type(value, u32);
} named SEC(".maps");

/* per cpu: [0] sequence of the last record, [1] flows lost */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

/* a processor's allowed flows, and the descriptions of what took part in them */
struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CSN_RING_BYTES);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CSN_MAX_CPUS);
	__type(key, u32);
	__array(values, struct ring);
} rings SEC(".maps");

/* refusals, so that no number of allowed flows takes their room */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CSN_REFUSAL_BYTES);
} refusals SEC(".maps");

/* compartments that are not alone any more: a descriptor went in or out, or somebody
 * outside looked into one of their processes. The daemon changes the context of no such one. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_COMPARTMENTS);
	__type(key, u32);
	__type(value, u32);
} shared SEC(".maps");

/* whose flows are recorded though nobody in them is labelled; see csn_scope */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_SCOPE);
	__type(key, u32);
	__type(value, u32);
} scope_users SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_SCOPE);
	__type(key, u64);
	__type(value, u32);
} scope_cgroups SEC(".maps");

/* csn_mark of inodes; written by the daemon's requests only */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CSN_MAX_SCOPE);
	__type(key, struct csn_key);
	__type(value, u32);
} marks SEC(".maps");

/* The daemon's alone: how much of what was lost it has told, by kind. Here, so that it is as
 * old as the counters. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CSN_LOST_KINDS);
	__type(key, u32);
	__type(value, u64);
} told SEC(".maps");

/* the daemon's questions, by thread id */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct csn_request);
} requests SEC(".maps");

struct csn_control control SEC(".data.control") = { .version = CSN_ABI_VERSION, .epoch = 1, .next_subject = 1 };

#endif
