/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads that waited. A hook judges a read before there is anything to read; what comes while it waits came
 * from somebody who is on the record behind it. So each such call is looked at again when it returns.
 *
 * Guarantee: what a channel (channel.bpf.h) took in since the hook was asked is on the record as read before the program
 * goes on with it [AUD-1]. Nothing is judged here: whoever put it there was.
 *
 * Not covered: what another thread, or somebody who shares the memory that is read into, does with it before the call returns (some
 * microseconds); calls that were under way when the monitor was attached; a file that is written while
 * it is being read by a call that the hook let in before; splice from a pipe or a socket, and io_uring (both closed to
 * labelled programs, so this is about a wider scope).
 */

/* Something came meanwhile: read by the current task. */
__noinline int read_late(const struct waiting *waiting)
{
	struct csn_entity other = {};
	struct event event = {};
	struct csn_subject *s;
	struct news news = {};
	u64 *state;
	u32 what;

	if (!waiting)
		return 0;
	s = bpf_task_storage_get(&subjects, bpf_get_current_task_btf(), 0, 0);
	if (s && is_platform(s))
		return 0;
	news.id = s && s->id ? s->id : stranger(bpf_get_current_task_btf());
	news.key = waiting->key;
	state = channel_state(&news.key);
	what = news_of(&news, state, WANT_READ);
	if (!what)
		return 0;
	event.actor_context = s ? s->in : CSN_CTX_UNLABELLED;
	event.other_context = waiting->context;
	/* its compartment got another context meanwhile, and what is its own with it [CHG-1] */
	if (waiting->context == waiting->in && event.actor_context != waiting->in)
		event.other_context = event.actor_context;
	event.op = waiting->op;
	event.want = WANT_READ;
	event.is_told = 1;
	event.is_wide = waiting->is_wide;
	/* by now it has happened: of an observed subject, which the rules would not let */
	event.verdict = event.is_wide ? CSN_ALLOWED : flow(event.other_context, event.actor_context);
	event.observed = event.verdict ? WANT_READ : 0;
	other.first = news.key.ino;
	other.second = news.key.dev;
	other.third = news.key.generation;
	if (waiting->kind == CSN_ENTITY_IPC) { /* as access_made_slow makes its key */
		other.second = news.key.generation;
		other.third = (u8)~news.key.dev;
	}
	if (tell(&event, &other, waiting->kind))
		what |= NEWS_LOST;
	take_note(&news, state, WANT_READ, what);
	return 0;
}

/* Has what the task waited for taken in something since its hook was asked? */
static __always_inline int look(const struct waiting *waiting)
{
	u64 *state = bpf_map_lookup_elem(&channels, &waiting->key);

	if (CHECK(moved, state && *(volatile u64 *)state != waiting->state))
		read_late(waiting);
	return 0;
}

static __always_inline struct waiting *waiting_here(u8 kind)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct waiting *waiting;

	if (!task->bpf_storage)
		return 0;
	waiting = bpf_task_storage_get(&waits, task, 0, 0);
	return waiting && waiting->kind == kind ? waiting : 0;
}

/* `ctx`: of a program at the return of a call. `about`: what the call is about: the hook notes nothing of what is nobody's
 * business, and then what is here is of an earlier call. */
static __always_inline int look_again(void *ctx, struct waiting *waiting, u64 about)
{
	u64 result = 0;

	waiting->is_met = CHECK(same, waiting->about == about);
	if (!waiting->is_met)
		return 0;
	waiting->about = 0;
	bpf_get_func_ret(ctx, &result);
	if ((int)result < 0) /* refused, or nothing came */
		return 0;
	return look(waiting);
}

static __always_inline u64 first_of(void *ctx)
{
	u64 value = 0;

	bpf_get_func_arg(ctx, 0, &value);
	return value;
}

/* Of a call that is given a kiocb first. */
static __always_inline u64 inode_read(void *ctx)
{
	return (u64)READ(READ((struct kiocb *)first_of(ctx), ki_filp), f_inode);
}

/* fs/pipe.c; its name before and since 6.14 */
SEC("?fexit/pipe_read")
int BPF_PROG(pipe_was_read)
{
	struct waiting *waiting = waiting_here(CSN_ENTITY_PIPE);

	return waiting ? look_again(ctx, waiting, inode_read(ctx)) : 0;
}

SEC("?fexit/anon_pipe_read")
int BPF_PROG(anonymous_pipe_was_read)
{
	struct waiting *waiting = waiting_here(CSN_ENTITY_PIPE);

	return waiting ? look_again(ctx, waiting, inode_read(ctx)) : 0;
}

SEC("?fexit/fifo_pipe_read")
int BPF_PROG(fifo_was_read)
{
	struct waiting *waiting = waiting_here(CSN_ENTITY_PIPE);

	return waiting ? look_again(ctx, waiting, inode_read(ctx)) : 0;
}

/* net/socket.c: read(2) and all of recv; of several messages the first */
SEC("fexit/sock_recvmsg")
int BPF_PROG(socket_was_read)
{
	struct waiting *waiting = waiting_here(CSN_ENTITY_SOCKET);

	return waiting ? look_again(ctx, waiting, first_of(ctx) + bpf_core_field_offset(struct socket_alloc, vfs_inode)) : 0;
}

/* The others. */
SEC("?fexit/do_recvmmsg")
int BPF_PROG(messages_were_read)
{
	struct waiting *waiting = waiting_here(CSN_ENTITY_SOCKET);

	if (!waiting || !waiting->is_met)
		return 0;
	waiting->is_met = 0;
	return look(waiting);
}

/* ipc/msg.c */
SEC("?fexit/do_msgrcv")
int BPF_PROG(message_was_received)
{
	struct waiting *waiting = waiting_here(CSN_ENTITY_IPC);

	return waiting ? look_again(ctx, waiting, (u32)first_of(ctx)) : 0;
}

/* drivers/tty/tty_io.c */
SEC("?fexit/tty_read")
int BPF_PROG(terminal_was_read)
{
	struct waiting *waiting = waiting_here(CSN_ENTITY_DEVICE);

	return waiting ? look_again(ctx, waiting, inode_read(ctx)) : 0;
}
