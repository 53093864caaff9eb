/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The decision, and its record. The only two questions that matter: may this
 * flow happen, and does it tell anything that the record does not hold yet?
 *
 * Every refusal is recorded by the same call that refuses; if the ring is full it
 * is still refused, and counted as lost. Allowed flows are recorded when the source
 * took in something new since the sink last saw it [AUD-2].
 */
#ifndef CSN_DECIDE_H
#define CSN_DECIDE_H

static __always_inline int is_platform(const struct csn_subject *s)
{
	return s->in == CSN_CTX_PLATFORM_IN;
}

/* A subject that the closed doors are closed to. The platform's own label allows
 * each flow by the rules; it is not asked, and does not fill the record. */
static __always_inline int is_labelled(const struct csn_subject *s)
{
	return s && (s->in || s->out) && !is_platform(s);
}

/* Labelled, or of a compartment that may get a label yet. */
static __always_inline int may_be_labelled(const struct csn_subject *s)
{
	return is_labelled(s) || (s && s->compartment && !is_platform(s));
}

__noinline int flow_slow(u32 from, u32 to)
{
	struct csn_context *a = bpf_map_lookup_elem(&contexts, &from);
	struct csn_context *b = bpf_map_lookup_elem(&contexts, &to);
	struct csn_pair pair = { .from = from, .to = to };
	u32 verdict;

	if (!a || !b)
		return CHECK(unknown, CSN_REFUSED_UNKNOWN);
	verdict = csn_context_flows(a, b);
	bpf_map_update_elem(&verdicts, &pair, &verdict, BPF_ANY);
	return verdict;
}

/* May data move between two contexts? [FLOW-1] [FLOW-2] */
static __always_inline int flow(u32 from, u32 to)
{
	struct csn_pair pair = { .from = from, .to = to };
	u32 *verdict;

	if (from == to && !CHECK(unknown, from == CSN_CTX_UNKNOWN))
		return CSN_ALLOWED;
	verdict = bpf_map_lookup_elem(&verdicts, &pair);
	return verdict ? *verdict : flow_slow(from, to);
}

static __always_inline u8 kind_of(struct inode *inode)
{
	switch (READ(inode, i_mode) & S_IFMT) {
	case S_IFREG: return CSN_ENTITY_FILE;
	case S_IFDIR: return CSN_ENTITY_DIRECTORY;
	case S_IFLNK: return CSN_ENTITY_SYMLINK;
	case S_IFIFO: return CSN_ENTITY_PIPE;
	case S_IFSOCK: return CSN_ENTITY_SOCKET;
	case S_IFCHR:
	case S_IFBLK: return CSN_ENTITY_DEVICE;
	}
	return CSN_ENTITY_ANON;
}

/* One flow, as the functions below hand it to the record. */
struct event {
	struct where where; /* the far end, when it is an inode */
	u32 actor_context;
	u32 other_context;
	u16 op;
	u8 verdict;
	u8 want; /* WANT_READ: the actor is the sink */
	u8 internal;
	u8 observed; /* WANT_*: what moved all the same */
	u8 is_told; /* it happened, and cannot be refused */
	u8 is_wide; /* nobody in it is labelled */
	u32 repeats; /* that the record stands for as well [AUD-2] */
	u16 is_repeat; /* it tells nothing new */
	u16 holds; /* not 0: the process holds that memory from now on */
	u64 bytes;
};

_Static_assert(sizeof(struct address) <= CSN_NAME_BYTES, "an end has the place of a name");

/* Behind what a connection is called: its ends, as csn_end has them. There, since no stack has room for them. */
static __noinline void name_ends(struct inode *inode, struct csn_name_record *r)
{
	struct sock *sk = READ(socket_of(inode), sk);

	if (sk)
		connection_ends(sk, READ(sk, __sk_common.skc_family), (void *)r->name[1], (void *)r->name[2]);
}

/* Tells once what a file is called: its last three path components. `as`: its key, or 0 for the inode's. */
__noinline int record_name(const struct where *where, const struct csn_key *as)
{
	struct csn_name_record *r;
	struct dentry *dentry = 0, *parent;
	struct inode *outer, *inode;
	struct csn_key key = {};
	u32 lower = 0, one = 1;

	if (!where || !where->inode)
		return 0;
	outer = (void *)where->inode;
	inode = real_inode(outer, &dentry, &lower);
	if (!inode)
		return 0;
	key_of(inode, &key);
	if (as)
		key = *as;
	if (bpf_map_lookup_elem(&named, &key))
		return 0;
	if (!dentry)
		dentry = alias_of(inode);
	if (!dentry)
		return 0;
	r = room_here();
	if (!r) {
		__sync_fetch_and_add(&control.lost_names, 1);
		return 0; /* told at the next flow */
	}
	__builtin_memset(r, 0, sizeof(*r));
	r->version = CSN_ABI_VERSION;
	r->kind = CSN_KIND_NAME;
	r->entity_kind = kind_of(inode);
	r->entity.first = key.ino;
	r->entity.second = key.dev;
	r->entity.third = key.generation;
	for (int i = 0; i < 3; i++) {
		bpf_probe_read_kernel_str(r->name[i], CSN_NAME_BYTES, READ(dentry, d_name.name));
		r->parts = i + 1;
		parent = READ(dentry, d_parent);
		if (!parent || parent == dentry)
			break;
		dentry = parent;
	}
	if (as && as->generation == CSN_CHANNEL_CONNECTION)
		name_ends(inode, r);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	bpf_map_update_elem(&named, &key, &one, BPF_ANY);
	return 0;
}

/* Writes the record of one decided flow; `other` is its far end. Apart from record_flow
 * because most programs never have an inode, and the verifier looks at each.
 *
 * 0, or 1: no room, and counted; -EACCES: no room, and what can't be recorded is refused. */
__noinline int emit(const struct event *event, const struct csn_entity *other, u32 other_kind)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct csn_entity *self;
	struct csn_record *r;
	u8 sink, verdict, observed, happened;
	u32 compartment;

	if (!event || !other)
		return 0;
	compartment = own_compartment(); /* no look-up while a record is open */
	verdict = event->verdict;
	observed = event->observed;
	happened = !verdict || observed;
	r = happened ? CHECK(record, room_here()) : 0;
	if (!r) {
		if (happened && !event->is_told && !event->is_wide && CHECK(full, control.on_full)) {
			verdict = CSN_REFUSED_UNRECORDED;
			happened = observed = 0;
		}
		if (!happened)
			r = CHECK(refusal, room_for_refusal());
	}
	if (!event->is_wide)
		__sync_fetch_and_add(!happened ? &control.refused : observed ? &control.observed : &control.allowed, 1);
	else if (r)
		__sync_fetch_and_add(&control.wide, 1);
	if (event->internal)
		__sync_fetch_and_add(&control.internal, 1);
	if (!r) {
		count(COUNT_LOST);
		__sync_fetch_and_add(&control.lost, 1);
		if (!happened)
			__sync_fetch_and_add(&control.lost_refused, 1);
		if (event->is_wide)
			__sync_fetch_and_add(&control.lost_wide, 1);
		return happened ? 1 : -EACCES;
	}
	sink = event->want & WANT_READ && !(event->want & WANT_WRITE && verdict == 0);
	r->version = CSN_ABI_VERSION;
	r->kind = CSN_KIND_FLOW;
	r->verdict = verdict;
	r->op = event->op;
	r->flags = sink ? 0 : CSN_FLAG_ACTOR_IS_SOURCE;
	if (((event->want | observed) & WANT_BOTH) == WANT_BOTH)
		r->flags |= CSN_FLAG_BOTH;
	if (observed)
		r->flags |= CSN_FLAG_OBSERVED;
	if (event->internal)
		r->flags |= CSN_FLAG_INTERNAL;
	if (event->is_wide)
		r->flags |= CSN_FLAG_WIDE;
	if (event->is_repeat)
		r->flags |= CSN_FLAG_REPEAT;
	if (event->holds)
		r->flags |= CSN_FLAG_HOLDS;
	r->source_kind = sink ? other_kind : CSN_ENTITY_PROCESS;
	r->sink_kind = sink ? CSN_ENTITY_PROCESS : other_kind;
	r->time = bpf_ktime_get_boot_ns();
	r->sequence = count(COUNT_SEQUENCE);
	r->cpu = bpf_get_smp_processor_id();
	r->lost = counted(COUNT_LOST);
	r->source_context = sink ? event->other_context : event->actor_context;
	r->sink_context = sink ? event->actor_context : event->other_context;
	self = sink ? &r->sink : &r->source;
	*(sink ? &r->source : &r->sink) = *other;
	name_self(self, compartment);
	r->pid = pid_tgid >> 32;
	r->tid = (u32)pid_tgid;
	r->bytes = event->bytes;
	r->count = 1 + event->repeats;
	r->uid = (u32)bpf_get_current_uid_gid();
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	__sync_fetch_and_add(&control.recorded, 1);
	return happened ? 0 : -EACCES;
}

/* emit, and before it what the acting process is. */
static __always_inline int tell(const struct event *event, const struct csn_entity *other, u32 other_kind)
{
	describe(event->actor_context);
	return emit(event, other, other_kind);
}

/* The record of a flow between the current task and an inode, or the channel `as`; gives what emit gives. */
__noinline int record_flow(const struct event *event, const struct csn_key *as)
{
	struct csn_entity other = {};
	struct dentry *dentry = 0;
	struct inode *outer, *inode;
	u32 lower = 0;

	if (!event)
		return 0;
	outer = (void *)event->where.inode;
	inode = real_inode(outer, &dentry, &lower);
	if (!inode)
		inode = outer;
	other.first = READ(inode, i_ino);
	other.second = READ(READ(inode, i_sb), s_dev);
	other.third = READ(inode, i_generation);
	if (as) {
		other.first = as->ino;
		other.second = as->dev;
		other.third = as->generation;
	}
	record_name(&event->where, as);
	return emit(event, &other, kind_of(inode));
}

/* Judged: nothing moves, so nothing is recorded. */
#define JUDGED_NOTHING 255
/* Judged: refused, but who acts is observed, so it happens; of which direction the verdict is. */
#define JUDGED_OBSERVED 0x100
#define JUDGED_WRITE 0x200

/* What judge needs, on the caller's stack. */
struct question {
	struct use use;
	struct news news; /* id 0: unlabelled */
	u32 in;
	u32 out;
	u32 context;
	u16 op;
	u8 want;
	u8 is; /* QUESTION_* */
};

/* What a record of it says besides. */
enum { QUESTION_WIDE = 1, QUESTION_REPEAT = 2, QUESTION_CHANNEL = 4, QUESTION_HOLDS = 8 };

static __always_inline const struct csn_key *channel_in(const struct question *q)
{
	return q->is & QUESTION_CHANNEL ? &q->news.key : 0;
}

/* What is watched of a mount. */
static __always_inline u32 watched_of(struct vfsmount *mnt)
{
	struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);

	return READ_FAR(mount, mnt_fsnotify_mask);
}

/* Would somebody be told of this use of the file? A watch on it, on its directory, on its
 * mount or on its file system makes each read a sign to the watcher. The files of the layers below
 * an overlay tell as well. */
static __always_inline int is_watched(struct file *file)
{
	struct inode *inode = READ(file, f_inode), *above;
	struct dentry *dentry = READ(file, f_path.dentry);
	struct fsnotify_sb_info *info;

	if (CHECK(inode, READ(inode, i_fsnotify_mask)))
		return 1;
	if (CHECK(mount, watched_of(READ(file, f_path.mnt))))
		return 1;
	info = READ(READ(inode, i_sb), s_fsnotify_info);
	if (info && CHECK(super, READ(info, sb_marks)))
		return 1;
	above = READ(READ(dentry, d_parent), d_inode);
	return above && CHECK(parent, READ(above, i_fsnotify_mask) & FS_EVENT_ON_CHILD);
}

/* A flow that the rules refuse: does it happen all the same, since who acts is observed? Each
 * direction that is wanted must be within what may be crossed. */
static __always_inline int is_observed(u32 in, u32 out, u32 tags, u32 context, u32 want, u32 verdict)
{
	if (verdict != CSN_REFUSED_SECRECY && verdict != CSN_REFUSED_INTEGRITY && verdict != CSN_REFUSED_CONTROL)
		return 0;
	if (want & WANT_READ && CHECK(read, !crosses(context, in, tags)))
		return 0;
	return !(want & WANT_WRITE && CHECK(write, !crosses(out, context, tags)));
}

static __always_inline int is_mapping(u16 op)
{
	return op == CSN_OP_MMAP || op == CSN_OP_MPROTECT;
}

/* The verdict on a flow between a subject and an inode, at least one of them
 * labelled. CSN_ALLOWED or why not; refusals are recorded here. */
__noinline int judge(const struct question *q)
{
	struct event event = {};
	struct csn_subject *s;
	struct inode *inode;
	u32 verdict = CSN_ALLOWED, context, lower = 0, want;
	u32 told = 0;
	int world;
	u64 magic;

	if (!q)
		return CSN_REFUSED_UNKNOWN;
	inode = (void *)q->use.inode;
	context = q->context;
	want = q->want;
	if (q->in || q->out) {
		world = world_of(inode);
		if (world == CSN_WORLD_VOID)
			return JUDGED_NOTHING;
		if (CHECK(closed_world, world == CSN_WORLD_CLOSED) ||
		    CHECK(world_to_read, world == CSN_WORLD_READ && want & WANT_WRITE))
			verdict = CSN_REFUSED_CLOSED;
		if (q->use.file && context != q->out && CHECK(watched, is_watched((void *)q->use.file)))
			told = WANT_WRITE;
	}
	magic = READ(READ(inode, i_sb), s_magic);
	if (CHECK(socket, magic == SOCKFS_MAGIC))
		want = WANT_BOTH;
	if (magic == OVERLAYFS_MAGIC) {
		if (want & WANT_LOCK) {
			u32 dev = READ(READ(inode, i_sb), s_dev);
			struct csn_device *device = bpf_map_lookup_elem(&devices, &dev);

			context = device ? device->context : CSN_CTX_UNLABELLED;
		} else if (want & WANT_WRITE) {
			/* what is written goes to the upper layer, whose own hooks judge it;
			 * the lower layer is only read, to be copied up */
			layer_of(inode, &lower);
			if (lower)
				want = (want & ~WANT_WRITE) | WANT_READ;
		}
	}
	want |= told; /* whichever layer it is: the watcher is a party */
	if (!verdict && want & WANT_READ)
		verdict = CHECK(read, flow(context, q->in));
	event.want = verdict ? WANT_READ : want;
	if (!verdict && want & WANT_WRITE) {
		verdict = CHECK(write, flow(q->out, context));
		event.want = verdict ? WANT_WRITE : want;
	}
	if (verdict == CSN_REFUSED_CLOSED)
		event.want = want;
	event.where.inode = q->use.inode;
	event.actor_context = event.want & WANT_READ ? q->in : q->out;
	event.other_context = context;
	event.op = q->op;
	event.verdict = verdict;
	event.internal = verdict == CSN_REFUSED_UNKNOWN;
	if (!verdict)
		return CSN_ALLOWED;
	s = subject();
	if (s && s->crosses && is_observed(q->in, q->out, s->crosses, context, want, verdict)) {
		if (event.want & WANT_WRITE)
			verdict |= JUDGED_WRITE;
		return verdict | JUDGED_OBSERVED | want << 16;
	}
	record_flow(&event, channel_in(q));
	return verdict;
}

/* What is allowed and recorded need not be asked again while nothing of it changed. Not
 * for layers, which come and go. */
static __always_inline void remember_in(struct csn_memory *memory, u64 id, u32 context, u64 state)
{
	if (memory->object != id) {
		if (memory->repeats)
			__sync_fetch_and_add(&control.merged, memory->repeats);
		memory->repeats = 0;
	}
	memory->object = id;
	memory->context = context;
	memory->state = state;
}

/* One more that is like what the record has already. Of this task alone, so nobody else counts meanwhile. */
static __always_inline void repeat(struct csn_memory *memory)
{
	memory->repeats++;
}

/* What the next record of this object stands for besides its own flow [AUD-2]. */
static __always_inline u32 take_repeats(struct csn_subject *s, u64 id)
{
	struct csn_memory *written = s->written + (id & (CSN_MEMORY_SLOTS - 1));
	struct csn_memory *read = s->read + (id & (CSN_MEMORY_SLOTS - 1));
	u32 repeats = 0;

	if (written->object == id) {
		repeats = written->repeats;
		written->repeats = 0;
	}
	if (read->object == id) {
		repeats += read->repeats;
		read->repeats = 0;
	}
	return repeats;
}

static __always_inline void remember(struct csn_subject *s, struct csn_object *object, const struct question *q, u64 taken)
{
	u64 magic = READ(READ((struct inode *)q->use.inode, i_sb), s_magic);
	u64 id;

	if (magic == OVERLAYFS_MAGIC)
		return;
	if (!object->id)
		__sync_val_compare_and_swap(&object->id, 0, __sync_fetch_and_add(&control.next_subject, 1));
	id = *(volatile u64 *)&object->id;
	if (id == CSN_OBJECT_HELD)
		return;
	if (q->want & WANT_WRITE)
		remember_in(s->written + (id & (CSN_MEMORY_SLOTS - 1)), id, q->context, taken);
	if (q->want & WANT_READ)
		remember_in(s->read + (id & (CSN_MEMORY_SLOTS - 1)), id, q->context, q->news.theirs);
}

/* As is_watched, for a file that the hook was given: loads and no helper. */
static __always_inline int is_watched_now(struct file *file)
{
	struct inode *inode = file->f_inode;
	struct dentry *dentry = file->f_path.dentry;

	return CHECK(inode, inode->i_fsnotify_mask) || CHECK(super, READ(READ(READ(inode, i_sb), s_fsnotify_info), sb_marks)) ||
	       CHECK(mount, watched_of(file->f_path.mnt)) ||
	       CHECK(parent, READ(READ(READ(dentry, d_parent), d_inode), i_fsnotify_mask) & FS_EVENT_ON_CHILD);
}

/* Was just this allowed and recorded, and has nothing changed that the answer depends
 * on? Contexts are compared, the world of an inode stays, watchers are asked for again. */
static __always_inline int is_remembered(struct csn_subject *s, struct csn_object *object, const u64 *state, struct file *file, u32 context, u32 want)
{
	u64 id = object->id, *times;
	struct csn_memory *memory, *written;

	if (!id)
		return 0;
	written = s->written + (id & (CSN_MEMORY_SLOTS - 1));
	if (want & WANT_WRITE) {
		memory = written;
		if (CHECK(object_written, memory->object != id) || CHECK(context_written, memory->context != context) ||
		    CHECK(subject, s->in != context || s->out != context))
			return 0;
		times = taken_by(s->id);
		if (!times || memory->state != taken_now(times, s->id))
			return 0;
		if (!(want & WANT_READ)) {
			repeat(written);
			return 1;
		}
	}
	memory = s->read + (id & (CSN_MEMORY_SLOTS - 1));
	if (CHECK(object, memory->object != id) || CHECK(context, memory->context != context))
		return 0;
	if (!state || memory->state < *(const volatile u64 *)state || (context != s->out && file && is_watched_now(file)))
		return 0;
	repeat(want & WANT_WRITE ? written : memory);
	return 1;
}

/* What happened: allowed, or observed, as judge said. Apart from the next one, whose stack is below
 * the deepest calls. Gives what emit gives. */
__noinline int record_happened(const struct question *q, u32 judged, u32 repeats)
{
	struct event event = {};

	if (!q)
		return 0;
	event.where.inode = q->use.inode;
	event.want = q->want;
	if (judged) {
		event.verdict = judged & 0xff;
		event.want = judged & JUDGED_WRITE ? WANT_WRITE : WANT_READ;
		event.observed = judged >> 16 & WANT_BOTH;
	}
	event.op = q->op;
	event.is_wide = q->is & QUESTION_WIDE;
	event.is_repeat = event.is_told = q->is & QUESTION_REPEAT;
	event.holds = q->is & QUESTION_HOLDS;
	event.actor_context = event.want & WANT_WRITE ? q->out : q->in;
	event.other_context = q->context;
	event.repeats = repeats;
	return record_flow(&event, channel_in(q));
}

/* An unlabelled subject: the process stands for it, and no later one of the same number. */
static __always_inline u64 stranger(struct task_struct *task)
{
	return 1ull << 63 | READ(READ(task, group_leader), start_boottime) << 22 | task->tgid;
}

/* Is it news [AUD-2]? NEWS_*. Names the subject, if nobody did. */
static __always_inline int tells_anything(struct question *q, const u64 *state)
{
	if (!q->news.id)
		q->news.id = stranger(bpf_get_current_task_btf());
	return news_of(&q->news, state, q->want);
}

enum { HOLDS_STILL = 1, HOLDS_NOW };

/* Does the subject hold an object as memory? HOLDS_*; 0: no. What moves through it then has no hook, so that it does is said
 * once of each way. Not of what has no secrets and is only read: libraries. */
__noinline int holding(const struct question *q)
{
	struct seen_key key = {};
	struct inode *inode;

	if (!q)
		return 0;
	if (q->is & QUESTION_CHANNEL) /* asked at each use of it, mapped or not */
		return 0;
	inode = (void *)q->use.inode;
	if (is_mapping(q->op)) {
		if (q->context <= CSN_CTX_BASE && !(q->want & WANT_WRITE))
			return 0;
	} else if (q->op != CSN_OP_OPEN || READ(READ(inode, i_sb), s_magic) != MQUEUE_MAGIC || (READ(inode, i_mode) & S_IFMT) != S_IFREG) {
		return 0;
	}
	key.subject = q->news.id;
	key.object = q->news.key;
	key.write = SEEN_HELD_TO_WRITE; /* then to read, too */
	if (bpf_map_lookup_elem(&seen, &key))
		return HOLDS_STILL;
	key.write = SEEN_HELD;
	return q->want & WANT_WRITE || !bpf_map_lookup_elem(&seen, &key) ? HOLDS_NOW : HOLDS_STILL;
}

/* It does, and the record has it, unless that found no room. */
__noinline int holds_now(const struct question *q, struct csn_object *object, int is_lost)
{
	struct seen_key key = {};
	u64 one = 1;

	if (!q)
		return 0;
	key.subject = q->news.id;
	key.object = q->news.key;
	key.write = q->want & WANT_WRITE ? SEEN_HELD_TO_WRITE : SEEN_HELD;
	if (!is_lost)
		bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
	if (object && !is_held(object)) {
		*(volatile u64 *)&object->id = CSN_OBJECT_HELD;
		memory_moved(); /* by what is in it */
	}
	hold(key.subject);
	return 0;
}

/* What is not decided at once: a labelled party. Not 0: refused. */
__noinline int access_labelled(struct question *q, struct csn_object *object, struct csn_subject *s, u64 *state)
{
	u32 verdict;
	u64 *times, before;
	int informs, holds;

	if (!q)
		return -EACCES;
	if (object && CHECK(held, is_held(object)))
		state = &control.memory;
	times = taken_by(q->news.id);
	before = times ? taken_now(times, q->news.id) : 0; /* before its state is looked up */
	verdict = judge(q);
	if (verdict == JUDGED_NOTHING)
		return 0;
	if (verdict && !(verdict & JUDGED_OBSERVED)) {
		describe(q->in);
		return -EACCES;
	}
	informs = tells_anything(q, state);
	holds = holding(q);
	if (holds)
		q->is |= QUESTION_HOLDS;
	if (CHECK(holds, holds == HOLDS_NOW))
		informs |= q->want & WANT_WRITE ? NEWS_WRITE : NEWS_READ;
	if (informs) { /* also what is observed: told again only when there is something new [AUD-2] */
		u32 repeats = s && object && object->id ? take_repeats(s, object->id) : 0;
		int error;

		describe(q->in);
		error = record_happened(q, verdict, repeats);
		if (error)
			__sync_fetch_and_add(&control.merged, repeats);
		if (error < 0)
			return -EACCES;
		take_note(&q->news, state, q->want, error ? informs | NEWS_LOST : informs);
		if (holds == HOLDS_NOW)
			holds_now(q, object, error);
		if (error)
			return 0;
	}
	if (s && object && !verdict)
		remember(s, object, q, before);
	if (!informs && control.scope & CSN_SCOPE_REPEATS) {
		q->is |= QUESTION_REPEAT;
		record_happened(q, verdict, 0);
	} else if (!informs) {
		__sync_fetch_and_add(&control.merged, 1);
	}
	return 0;
}

/* Records what nobody judges, if it tells anything new; gives nothing, since it refuses nothing. */
__noinline int access_wide(struct question *q, struct csn_object *object, u64 *state)
{
	int informs;

	if (!q || world_of((struct inode *)q->use.inode) == CSN_WORLD_VOID)
		return 0;
	if (object && is_held(object))
		state = &control.memory;
	q->is |= QUESTION_WIDE;
	informs = tells_anything(q, state);
	if (!informs) {
		if (!(control.scope & CSN_SCOPE_REPEATS))
			return 0;
		q->is |= QUESTION_REPEAT;
	}
	describe(CSN_CTX_UNLABELLED);
	if (record_happened(q, 0, 0))
		informs |= NEWS_LOST;
	if (informs)
		take_note(&q->news, state, q->want, informs);
	return 0;
}

/* What an observed subject took in is followed through what has no label, too: all that is not
 * the host's own programs. */
static __always_inline int is_followed(u32 tags, u32 context, u32 want)
{
	return tags && (context != CSN_CTX_BASE || want & WANT_WRITE);
}

/* What is read here may come only while the call waits; see look_again. */
static __always_inline void note_waiting(struct task_struct *task, const struct csn_key *key, u64 about, const u64 *state, u32 context, u32 in, u16 op, u8 kind, u8 is_wide)
{
	struct waiting *waiting = bpf_task_storage_get(&waits, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!waiting)
		return;
	waiting->key = *key;
	waiting->state = *(const volatile u64 *)state;
	waiting->context = context;
	waiting->in = in;
	waiting->op = op;
	waiting->kind = kind;
	waiting->is_wide = is_wide;
	waiting->is_met = 0;
	waiting->about = about;
}

/* The launcher carries a program's output to the next one: news for its reader. */
__noinline int platform_wrote(struct csn_object *object)
{
	if (object)
		move(is_held(object) ? &control.memory : &object->state, bpf_ktime_get_boot_ns());
	return 0;
}

/* Judges one access of the current task to an inode, records it, and gives what
 * the hook returns. The fast path of every file hook. `as`: the channel that it is a use of, else
 * the inode says. */
static __always_inline int access_any(struct inode *inode, struct file *file, u32 want, u16 op, const struct csn_key *as)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct csn_object *object = 0;
	struct csn_subject *s = 0;
	struct question q;
	u32 context, in = 0, out = 0, tags = 0, wide;
	u64 id = 0, *state;

	if (inode)
		object = bpf_inode_storage_get(&objects, inode, 0, 0);
	if (task->bpf_storage) /* else it has no storage of any map */
		s = bpf_task_storage_get(&subjects, task, 0, 0);
	else if (object && is_ordinary(object) && !control.scope)
		return 0; /* [FLOW-4], the usual case */

	q.use.inode = (u64)inode;
	q.use.file = (u64)file;
	q.is = 0;
	if (s) {
		in = s->in;
		out = s->out;
		id = s->id;
		tags = s->crosses;
		if (in == CSN_CTX_PLATFORM_IN) {
			if (want & WANT_WRITE && inode && is_channel(inode))
				carried_to(&q.use);
			else if (want & WANT_WRITE && object && object->state)
				platform_wrote(object);
			return 0;
		}
	}
	if (!inode)
		return CHECK(no_inode, in || out) ? -EACCES : 0;
	context = context_and_object(inode, &object);
	wide = !in && !out && context <= CSN_CTX_BASE && !is_followed(tags, context, want) &&
	       !(is_mapping(op) && (want & WANT_BOTH) == WANT_BOTH && may_be_labelled(s));
	if (wide && !is_wide(object, op))
		return 0; /* [FLOW-4] */
	if (is_channel(inode)) {
		if (as) {
			q.news.key = *as;
		} else {
			name_channel(&q.use, &q.news.key);
			if (object && object->channel != fold(&q.news.key)) {
				object->channel = fold(&q.news.key);
				object->id = 0; /* as such nobody remembers it */
			}
		}
		q.is = QUESTION_CHANNEL;
		state = channel_state(&q.news.key);
		if (state && want & WANT_READ && (op == CSN_OP_READ || op == CSN_OP_RECEIVE))
			note_waiting(task, &q.news.key, (u64)inode, state, context, in, op, kind_of(inode), wide);
		if (!wide && !as && s && object && !(control.scope & CSN_SCOPE_REPEATS) && is_remembered(s, object, state, file, context, want))
			return 0;
	} else {
		if (!wide && s && object && !(control.scope & CSN_SCOPE_REPEATS) && !is_mapping(op) &&
		    is_remembered(s, object, &object->state, file, context, want))
			return 0;
		key_of(inode, &q.news.key);
		/* what the record remembers of it is kept with the inode */
		if (!object)
			object = bpf_inode_storage_get(&objects, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		state = object ? &object->state : 0;
	}
	q.news.id = id;
	q.news.theirs = q.news.mine = 0;
	q.in = in;
	q.out = out;
	q.context = context;
	q.want = want;
	q.op = op;
	if (wide)
		return access_wide(&q, as ? 0 : object, state);
	return access_labelled(&q, as ? 0 : object, s, state) ? -EACCES : 0;
}

static __always_inline int access_inode(struct inode *inode, u32 want, u16 op)
{
	return access_any(inode, 0, want, op, 0);
}

/* The same through an open file, where watchers count. */
static __always_inline int access_file(struct file *file, u32 want, u16 op)
{
	return access_any(file->f_inode, file, want, op, 0);
}

/* From now on the compartment holds what others may hold too. Failing to note it must not
 * pass for being alone. Not 0: refused. */
static __always_inline int note_shared(u32 compartment)
{
	u32 one = 1;

	if (!compartment || bpf_map_lookup_elem(&shared, &compartment))
		return 0;
	return CHECK(note, bpf_map_update_elem(&shared, &compartment, &one, BPF_ANY)) ? -ENOMEM : 0;
}

/* A door that labelled subjects find closed, whatever is behind it [OP-12]. */
static __always_inline int closed(u16 op)
{
	struct csn_subject *s = subject();
	struct csn_entity nothing = {};
	struct event event = {};

	if (!is_labelled(s))
		return 0;
	event.actor_context = s->out;
	event.other_context = CSN_CTX_UNLABELLED;
	event.op = op;
	event.verdict = CSN_REFUSED_CLOSED;
	event.want = WANT_BOTH;
	tell(&event, &nothing, CSN_ENTITY_NONE);
	return -EACCES;
}

/* A process took in something of another one: what it tells from now on is news. */
static __always_inline void took_in(u64 id, struct task_struct *task)
{
	took_in_now(id ? id : stranger(task));
}

/* Judges what the current task does to another one. `want` WANT_WRITE: acts on it
 * [OP-8]; WANT_READ: looks into it [OP-9]; WANT_BOTH: controls it [OP-10]. */
static __always_inline int access_task(struct task_struct *task, u32 want, u16 op)
{
	struct csn_subject *s = subject(), *o;
	struct csn_entity process = {};
	struct event event = {};
	u32 in = 0, out = 0, other_in = 0, other_out = 0, verdict = 0, tags = 0;

	if (s) {
		if (is_platform(s))
			return 0;
		in = s->in;
		out = s->out;
		tags = s->crosses;
	}
	o = bpf_task_storage_get(&subjects, task, 0, 0);
	if (o) {
		other_in = o->in;
		other_out = o->out;
	}
	if (!in && !out && !other_in && !other_out) {
		if (!control.scope || (op != CSN_OP_TRACE && op != CSN_OP_SIGNAL) || !is_in_scope(0))
			return 0;
		event.is_wide = 1;
	}
	if (CHECK(platform, o && is_platform(o) && (in || out)))
		verdict = CSN_REFUSED_CLOSED; /* a labelled subject touches the daemon in no way */
	else if (want == WANT_BOTH)
		verdict = CHECK(control, in != other_in || out != other_out) ? CSN_REFUSED_CONTROL : CSN_ALLOWED;
	else if (want == WANT_WRITE)
		verdict = CHECK(write, flow(out, other_in));
	else
		verdict = CHECK(read, flow(other_in, in));
	/* within one context, only what moves data: memory of another process that is read or written */
	if (!verdict && in == other_in && out == other_out && !event.is_wide && op != CSN_OP_TRACE)
		return 0;
	other_process(&process, task, o);
	event.actor_context = want & WANT_WRITE ? out : in;
	event.other_context = other_in;
	event.op = op;
	event.verdict = verdict;
	event.want = want;
	/* who has no label can end a daemon that empties no ring any more */
	event.is_told = CHECK(daemon, o && is_platform(o) && !in && !out);
	if (tags && verdict && is_observed(in, out, tags, other_in, want, verdict) &&
	    !(want == WANT_BOTH && CHECK(out, other_in != other_out)))
		event.observed = want;
	if (tell(&event, &process, CSN_ENTITY_PROCESS) < 0)
		return -EACCES;
	if (want & WANT_WRITE)
		took_in(o ? o->id : 0, task);
	if (want & WANT_READ)
		took_in(s ? s->id : 0, bpf_get_current_task_btf());
	return 0;
}

#endif
