/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The boundary between the kernel monitor and user space: every number and
 * shape that both sides know, and nothing else.
 *
 * src/kernel/abi.ts says the same in TypeScript; tools/check-abi.ts compares
 * the two through the type information of the compiled object. docs/abi.md
 * explains it. The includer defines __u8, __u16, __u32 and __u64.
 *
 * All ids here are valid for one boot [CTX-4]; what is kept names tags.
 */
#ifndef CSN_ABI_H
#define CSN_ABI_H

/* Limits. CSN_MAX_TAGS is [CTX-1]. */
enum csn_limits {
	CSN_ABI_VERSION = 7,
	CSN_MAX_TAGS = 64,	   /* tags in one label */
	CSN_MAX_CONTEXTS = 65536,  /* contexts interned in one boot */
	CSN_MAX_ENTRIES = 1048576, /* inodes with a label of their own */
	CSN_MAX_DEVICES = 1024,	   /* file systems that hold a label */
	CSN_MAX_DEPTH = 4096,	   /* directories between an inode and its root */
	CSN_RING_BYTES = 4194304,  /* records of one processor that wait for the daemon */
	CSN_REFUSAL_BYTES = 4194304, /* refusals of all processors that wait for it */
	CSN_MAX_CPUS = 1024,	   /* processors with a ring of their own */
	CSN_MEMORY_SLOTS = 8,	   /* objects that a task remembers, a power of two */
	CSN_NAME_BYTES = 24,	   /* one path component in a name record */
	CSN_MAX_NETWORKS = 65536,  /* network namespaces that have a context */
	CSN_MAX_RANGES = 4096,	   /* address ranges that have one */
	CSN_RANGE_PORTS = 16,	   /* ranges of ports within one */
	CSN_MAX_WAYS = 4096,	   /* networks that have a way out */
	CSN_MAX_IPC = 65536,	   /* System V objects and keys that have one */
	CSN_MAX_COMPARTMENTS = 65536, /* that descriptors went into or out of */
	CSN_MAX_HOLDERS = 65536,   /* processes that hold memory which others may hold */
	CSN_MAX_SCOPE = 4096,	   /* users, groups of processes, inodes that are recorded besides */
	CSN_LOST_KINDS = 4,	   /* allowed, refused, described, wide */
};

/* Contexts that exist without a tag [CTX-2, CTX-3]. */
enum csn_context_id {
	CSN_CTX_UNLABELLED = 0,	 /* (none, none) */
	CSN_CTX_BASE = 1,	 /* (none, all): programs and libraries of the host */
	CSN_CTX_PLATFORM_IN = 2, /* (all, none): what the daemon may read */
	CSN_CTX_SEALED = 3,	 /* (all, all): csn's own state */
	CSN_CTX_FIRST = 16,	 /* the first id that the daemon gives out */
};
#define CSN_CTX_UNKNOWN 0xffffffffu /* could not be found out: refused [CTX-5] */

struct csn_label {
	__u32 count;
	__u32 all; /* not 0: every tag there is; count is then 0 */
	__u32 tags[CSN_MAX_TAGS]; /* ascending, each once */
};

struct csn_context {
	struct csn_label secrecy;
	struct csn_label integrity;
};

/* An object that a task used, as far as the answer depends on it. */
struct csn_memory {
	__u64 object; /* 0: nothing */
	__u64 state;  /* read: of the object; written: how often the subject had taken in something */
	__u32 context;
	__u32 repeats; /* flows like it since its last record [AUD-2] */
};

enum csn_subject_flags {
	CSN_SUBJECT_HELD = 1, /* its process may hold memory with others: that it runs another program is told */
};

/* A task's storage: what its subject may read, and what its writes get. */
struct csn_subject {
	__u32 in;
	__u32 out;
	__u64 id; /* the same for all tasks of one address space [SUBJ-1] */
	__u32 compartment; /* of one `csn run`; 0: in none */
	__u32 crosses; /* context of the tags that it may cross when it is observed; 0: enforce [SUBJ-5] */
	__u32 flags;
	__u32 pad;
	/* What this task read and wrote last, allowed and recorded. Of this task alone,
	 * so nobody else writes it meanwhile. */
	struct csn_memory read[CSN_MEMORY_SLOTS];
	struct csn_memory written[CSN_MEMORY_SLOTS];
};

/* An inode's storage: a cache of its context, or the context itself. */
enum csn_object_flags {
	CSN_OBJECT_OWN = 1,   /* the truth, not a cache (pipes, memfd) */
	CSN_OBJECT_LOWER = 2, /* overlayfs: found through a lower layer; an upper one may come */
	/* of a wider scope [AUD-1], for what is not labelled; as CSN_MARK_* in `marks` */
	CSN_OBJECT_WATCHED = 4,
	CSN_OBJECT_OPAQUE = 8,
};
/* As an object's id: somebody holds it as memory. It is never remembered, and its state is that of all such memory. */
#define CSN_OBJECT_HELD (~0ull)
struct csn_object {
	__u32 context;
	__u32 epoch; /* a cache of another epoch is looked up again */
	__u32 flags;
	__u32 channel; /* of what it was a use last, folded: a socket is not always the same */
	__u64 state; /* when it last took in something new, ns since boot */
	__u64 id;    /* unlike any other's of this boot; 0: not to be remembered */
};

/* Which inode, in one boot. */
struct csn_key {
	__u64 ino;
	__u32 dev; /* the kernel's: major << 20 | minor */
	__u32 generation;
};

enum csn_entry_flags {
	CSN_ENTRY_SELF = 1, /* this inode only, not what is below it */
};
struct csn_entry {
	__u32 context;
	__u32 flags;
};

/* A file system that holds a label: what has no entry on the way up to the root
 * has this context. */
enum csn_device_flags {
	CSN_DEVICE_VOLATILE = 1, /* forget it when the file system is gone */
};
struct csn_device {
	__u32 context;
	__u32 flags;
};

/* A network namespace: every socket in it has its context [NET-2]. */
enum csn_network_flags {
	CSN_NETWORK_OPEN = 1, /* it has a way out, so multicast and broadcast could leave it */
};
struct csn_network {
	__u32 context;
	__u32 flags;
};

/* The way out of a network: its interface in the host's network is a key to this. Only
 * these addresses are the network's own; IPv4 is ::ffff:a.b.c.d. */
struct csn_way {
	__u32 context;
	__u32 pad;
	__u8 v4[16];
	__u8 v6[16];
};

/* What policy says of the addresses below one prefix [NET-1]. The longest prefix that
 * matches counts, and in it the first range of ports; otherwise it is unlabelled. */
struct csn_ports {
	__u16 first;
	__u16 last;
	__u32 context;
};
struct csn_range {
	__u32 count;
	__u32 pad;
	struct csn_ports ports[CSN_RANGE_PORTS];
};

struct csn_pair {
	__u32 from;
	__u32 to;
};

/* The answer of one flow. */
enum csn_verdict {
	CSN_ALLOWED = 0,
	CSN_REFUSED_SECRECY = 1,   /* [FLOW-1] */
	CSN_REFUSED_INTEGRITY = 2, /* [FLOW-2] */
	CSN_REFUSED_UNKNOWN = 3,   /* [CTX-5] a context could not be found out */
	CSN_REFUSED_CLOSED = 4,	   /* [OP-12] a door that is closed to labelled subjects */
	CSN_REFUSED_CREATE = 5,	   /* [OBJ-3] the object would get another label than its directory */
	CSN_REFUSED_CONTROL = 6,   /* [OP-10] contexts differ */
	/* the daemon's, of a change of context */
	CSN_REFUSED_ENDPOINT = 7,  /* [CHG-3] something that is held would not be legal */
	CSN_REFUSED_PRIVILEGE = 8, /* [CHG-1] who started the program may not do that */
	CSN_REFUSED_UNRECORDED = 9, /* [AUD-3] allowed, but there was no room for its record */
};

enum csn_op {
	CSN_OP_NONE = 0,
	CSN_OP_READ, CSN_OP_WRITE, CSN_OP_OPEN, CSN_OP_LOOKUP, CSN_OP_STAT,
	CSN_OP_EXEC, CSN_OP_MMAP, CSN_OP_MPROTECT, CSN_OP_TRUNCATE, CSN_OP_IOCTL,
	CSN_OP_LOCK, CSN_OP_FCNTL, CSN_OP_RECEIVE, CSN_OP_CREATE, CSN_OP_MKDIR,
	CSN_OP_MKNOD, CSN_OP_SYMLINK, CSN_OP_LINK, CSN_OP_UNLINK, CSN_OP_RMDIR,
	CSN_OP_RENAME, CSN_OP_READLINK, CSN_OP_SETATTR, CSN_OP_GETXATTR, CSN_OP_SETXATTR,
	CSN_OP_ACL, CSN_OP_WATCH, CSN_OP_SIGNAL, CSN_OP_TRACE, CSN_OP_INSPECT,
	CSN_OP_SCHEDULE, CSN_OP_SOCKET, CSN_OP_SEND, CSN_OP_SYSV, CSN_OP_KEY,
	CSN_OP_MOUNT, CSN_OP_NAMESPACE, CSN_OP_BPF, CSN_OP_PERF, CSN_OP_URING,
	CSN_OP_USERFAULTFD, CSN_OP_CAPABILITY, CSN_OP_MODULE, CSN_OP_SYSLOG, CSN_OP_CLOCK,
	CSN_OP_QUOTA, CSN_OP_CHROOT, CSN_OP_STATFS, CSN_OP_FORK, CSN_OP_DEVICE,
	CSN_OP_HANDLE,
	/* written by the daemon, not by the kernel */
	CSN_OP_RELEASE, CSN_OP_WITHHOLD, CSN_OP_LABEL, CSN_OP_TAG, CSN_OP_RUN, CSN_OP_EXIT,
	/* the kernel's again: numbers are on disk and do not move */
	CSN_OP_CONNECT, CSN_OP_BIND, CSN_OP_ACCEPT,
	CSN_OP_NETWORK, /* the daemon's: policy for an address */
	CSN_OP_STATE,	/* the daemon's: a principal's statement */
	CSN_OP_GATE,	/* the daemon's: a run of a gate */
	CSN_OP_CHANGE,	/* the daemon's: a compartment's context */
	CSN_OP_END,	/* the kernel's: a process is over; `bytes`: its exit code as wait(2) has it */
	CSN_OP_CONFIGURE, /* the daemon's: what is recorded, and what happens when that can't be */
	/* the daemon's, of the bus [MSG-1..3] */
	CSN_OP_PUBLISH, /* from who sends it to the message */
	CSN_OP_DELIVER, /* from the message to who receives it */
	CSN_OP_CHANNEL, /* set up or torn down */
	CSN_OP_CARRY, /* the daemon's: from one program's stream to the next one's */
};

enum csn_entity_kind {
	CSN_ENTITY_NONE = 0,
	CSN_ENTITY_PROCESS, CSN_ENTITY_FILE, CSN_ENTITY_DIRECTORY, CSN_ENTITY_SYMLINK,
	CSN_ENTITY_PIPE, CSN_ENTITY_SOCKET, CSN_ENTITY_DEVICE, CSN_ENTITY_ANON,
	CSN_ENTITY_PRINCIPAL,
	CSN_ENTITY_ADDRESS, CSN_ENTITY_IPC, CSN_ENTITY_KEY,
	CSN_ENTITY_MESSAGE, CSN_ENTITY_CLIENT,
};

/* What a socket's entity stands for, as its third number: both ends of a connection have the same. 0, which is
 * every inode's generation there: that socket alone. */
enum csn_channel {
	CSN_CHANNEL_PAIR = 1,	/* of Unix sockets; first: the lesser cookie */
	CSN_CHANNEL_CONNECTION, /* of TCP; first: a hash of network, addresses and ports */
	CSN_CHANNEL_PORT,	/* of TCP; first: network << 16 | port */
	CSN_CHANNEL_DATAGRAMS,	/* a port of UDP; as that */
	CSN_CHANNEL_LETTERS,	/* what is sent to a Unix socket; first: its inode */
};

/* A process: first = start in ns since boot, second = pid, third = compartment. A file: first = inode
 * number, second = device, third = generation. A principal: first = user id. An address:
 * its 16 bytes as IPv6 has them, the port in the record's `bytes`. System V: first = id in
 * its namespace, second = the namespace. A key: first = serial. A message of the bus: first = its
 * number, unlike any other's. A client of it from elsewhere: first = what its name hashes to. */
struct csn_entity {
	__u64 first;
	__u32 second;
	__u32 third;
};

enum csn_record_kind {
	CSN_KIND_FLOW = 1,
	CSN_KIND_NAME = 2,    /* what a file entity is called */
	CSN_KIND_PROCESS = 3, /* what a process entity runs */
	CSN_KIND_CONTEXT = 4, /* which tags a context id means (daemon) */
	CSN_KIND_GAP = 5,     /* records were lost here (daemon) */
	CSN_KIND_EVENT = 6,   /* something the daemon did */
	CSN_KIND_DETAIL = 7,  /* what more there is to say of the event that follows (daemon) */
	CSN_KIND_SHADOW = 8,  /* what the flow that follows carries besides its source's context (daemon) */
	CSN_KIND_LOG = 32,    /* what the log says of itself (src/audit) */
	CSN_KIND_MARK = 33,   /* what came before was whole (src/audit) */
};

enum csn_record_flags {
	CSN_FLAG_ACTOR_IS_SOURCE = 1, /* the acting process is the source, else the sink */
	CSN_FLAG_OBSERVED = 2,	      /* observe mode: it happened, and `verdict` is what enforcing says */
	CSN_FLAG_INTERNAL = 4,	      /* refused because something failed */
	CSN_FLAG_BOTH = 8,	      /* both directions were needed [OP-3]; observed: moved */
	CSN_FLAG_WIDE = 16,	      /* nobody in it is labelled: it is here because the scope was widened */
	CSN_FLAG_REPEAT = 32,	      /* it tells nothing new [AUD-2]: as that */
	/* from now on the process may do so without being asked, until it ends or runs another program (an exec with
	 * this flag: it does, and holds nothing any more); of a fork: the memory of both is one */
	CSN_FLAG_HOLDS = 64,
};

/* One attempted flow; 96 bytes, as on disk. */
struct csn_record {
	__u8 version;
	__u8 kind;
	__u8 verdict;
	__u8 source_kind;
	__u16 op;
	__u8 flags;
	__u8 sink_kind;
	__u64 time; /* ns since boot */
	__u64 sequence; /* per cpu, no gap but where lost grew */
	__u32 cpu;
	__u32 lost; /* on this cpu, since boot */
	__u32 source_context;
	__u32 sink_context;
	struct csn_entity source;
	struct csn_entity sink;
	__u32 pid; /* of the acting process */
	__u32 tid;
	__u64 bytes; /* moved; of an address: its port; of policy for one: first port,
		      * last port << 16, bits of the prefix << 32 */
	__u32 count; /* 1, or how many like it were merged [AUD-2] */
	__u32 uid;
};

/* One end of a connection: an address as IPv6 has it. */
struct csn_end {
	__u8 address[16];
	__u32 port;
};

/* A file's name: its last three path components. A connection's: its protocol, and in the place of the second and
 * third its ends (csn_end), the same first for both. 96 bytes. */
struct csn_name_record {
	__u8 version;
	__u8 kind;
	__u8 parts;
	__u8 entity_kind;
	__u32 context;
	struct csn_entity entity;
	char name[3][CSN_NAME_BYTES];
};

/* What a process is, told before the first record of what it does: part 0; part 1, the last
 * three components of its program's path; then its arguments, each ended by a zero byte, as far
 * as there are parts for them. 96 bytes. */
enum { CSN_ARGUMENT_PARTS = 4, CSN_PART_BYTES = 72 };
struct csn_process {
	struct csn_entity parent;
	__u64 cgroup;
	__u32 uid;
	__u32 gid;
	__u32 executions; /* of this process so far: it tells one program of it from the next */
	__u32 argument_bytes; /* of all arguments, told or not */
	char comm[16];
	__u8 pad[16];
};
struct csn_process_record {
	__u8 version;
	__u8 kind;
	__u8 part;
	__u8 pad;
	__u32 context; /* who may know it: what the process may read */
	struct csn_entity entity;
	union {
		struct csn_process process;
		char path[3][CSN_NAME_BYTES];
		char arguments[CSN_PART_BYTES];
	};
};

/* A question of the daemon about the inode behind a descriptor, answered by the
 * inode_getattr hook while the daemon's thread calls fstat. Keyed by thread id. */
enum csn_ask {
	CSN_ASK_GET = 1,
	CSN_ASK_SET = 2,
	CSN_ASK_CLEAR = 3,
	CSN_ASK_RENEW = 4, /* nothing changes, and every cached context is looked up again */
	CSN_ASK_ON_FULL = 5, /* `flags` not 0: flows that can't be recorded are refused [AUD-3] */
	CSN_ASK_SCOPE = 6,   /* `flags`: of csn_scope */
	CSN_ASK_MARK = 7,    /* `flags`: of csn_mark, for the inode and what is below it; 0: none */
};

/* What is recorded besides labelled parties. */
enum csn_scope {
	CSN_SCOPE_ALL = 1,     /* every process */
	CSN_SCOPE_USERS = 2,   /* those of `scope_users` */
	CSN_SCOPE_CGROUPS = 4, /* those in, or below, one of `scope_cgroups` */
	CSN_SCOPE_MARKS = 8,   /* inodes may have a mark */
	CSN_SCOPE_REPEATS = 16, /* of what is recorded at all, also what tells nothing new [AUD-2] */
};

/* Of an inode and what is below it, the nearest counts. An opaque program's process is opaque. */
enum csn_mark {
	CSN_MARK_WATCHED = 1,
	CSN_MARK_OPAQUE = 2,
};
enum csn_world {
	CSN_WORLD_CLOSED = 0,
	CSN_WORLD_LABELLED, /* the rules decide */
	CSN_WORLD_READ,	    /* the rules decide, and nothing may be written */
	CSN_WORLD_VOID,	    /* nothing moves: /dev/null and its like, and a subject's own anonymous inodes */
};
struct csn_request {
	__u32 ask;
	__u32 context;
	__u32 flags;
	__u32 magic; /* answer: file system */
	struct csn_key key; /* answer */
	__u32 answer; /* answer: the context now, before a change */
	__u32 own;    /* answer: not 0 when the inode has an entry of its own */
	__s32 error;  /* answer: 0, or a negative errno */
	__u32 done;   /* answer: not 0 when the hook ran */
	__u32 world;  /* answer: may labelled subjects touch it at all */
	__u32 pad;
};

/* Shared by all programs; the daemon writes epoch, the kernel the counters. */
struct csn_control {
	__u32 version;
	__u32 epoch;
	__u64 next_subject;
	__u64 allowed;  /* flows with a labelled party */
	__u64 refused;
	__u64 recorded;
	__u64 lost;	/* flows without a record, refused ones included */
	__u64 internal; /* refused because something failed */
	__u64 observed; /* not refused, since who acted is observed [SUBJ-5] */
	__u64 lost_refused; /* refusals without a record */
	__u64 lost_names;   /* descriptions without a record: told again when asked for */
	__u64 merged;	    /* allowed flows that no record counts [AUD-2] */
	__u32 on_full;	    /* not 0: what can't be recorded is refused */
	__u32 scope;	    /* of csn_scope */
	__u64 wide;	    /* flows recorded because of it; in no other count but `recorded` */
	__u64 lost_wide;    /* those without a record */
	__u64 memory;	    /* when somebody who holds memory last took in something new */
	__u32 all_hold;	    /* not 0: there was no room to note who does, so everybody counts as such a one */
	__u32 pad;
};

#endif
