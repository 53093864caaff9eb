/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is a flow news? [AUD-2] Each subject and each object has the time at which it last took in something new
 * (`states`; `channels` or the inode's storage), and each pair of them what one has seen of the other (`seen`).
 *
 * Guarantee: what is merged as a repeat carries nothing that the record does not tell already. A flow is on the record before
 * the times move, times never go back or stand still, and what was forgotten counts as now: that can only record more.
 *
 * Memory that is shared: whoever holds some may have told all others who do, and been told by them, at any time. So all of
 * them have one time, which is that of what they hold, too (`control.memory`). Who holds what is on the record, and the reader
 * of the record finds the ways (src/audit/graph/memory.ts).
 *
 * Not covered: memory that unlabelled processes share.
 */
#ifndef CSN_NEWS_H
#define CSN_NEWS_H

enum {
	WANT_READ = 1,
	WANT_WRITE = 2,
	WANT_LOCK = 4, /* judged by the file system that keeps the lock, not by the layer */
	WANT_BOTH = WANT_READ | WANT_WRITE,
	WANT_HOLD = 8, /* of a segment: from now on without being asked */
};

struct news {
	u64 id; /* of the subject */
	struct csn_key key;
	u64 theirs; /* the object's time, as the subject knows it */
	u64 mine;   /* the subject's own */
};
/* Of a seen_key besides 0 and 1, which are read and written: it holds it. */
enum { SEEN_HELD = 2, SEEN_HELD_TO_WRITE = 3 };
enum { NEWS_READ = 1, NEWS_WRITE = 2, NEWS_LOST = 4 };

/* Counts what a subject takes in, so that its tasks see that it did. Subjects may share a
 * slot; then one of them asks once more than it had to. */
static __always_inline u64 *taken_by(u64 id)
{
	u32 slot = id & (TAKEN_SLOTS - 1);

	return bpf_map_lookup_elem(&taken, &slot);
}

/* In an id: counts as one that holds memory, since its context was changed and what it held is not known by that id. */
#define HOLDER (1ull << 60)
/* In an id: it is not one of `subjects`. */
#define STRANGER (1ull << 63)

/* What a task remembers was as it is now, as long as this is the same. */
static __always_inline u64 taken_now(const u64 *times, u64 id)
{
	u64 value = *(const volatile u64 *)times;

	if (value >> TAKEN_BITS || id & HOLDER || control.all_hold)
		value += *(volatile u64 *)&control.memory;
	return value;
}

/* Does it hold memory that others may hold? */
static __always_inline int is_holder(u64 id)
{
	u64 *times;

	if (id & STRANGER)
		return 0;
	if (id & HOLDER || control.all_hold)
		return 1;
	times = taken_by(id);
	return times && *(volatile u64 *)times >> TAKEN_BITS && bpf_map_lookup_elem(&holders, &id);
}

/* When a subject last took in something new; 0: not known. */
static __always_inline u64 *state_of(u64 id)
{
	return CHECK(holder, is_holder(id)) ? &control.memory : bpf_map_lookup_elem(&states, &id);
}

/* Of one who holds memory: did all that he got since he told that object come from there, whoever of them got it? */
static __always_inline int is_answer(struct news *n, u64 told)
{
	struct span *span = bpf_map_lookup_elem(&answered, &n->key);

	return span && told >= span->since && n->mine <= span->until;
}

/* NEWS_*; 0: the record has it already. Moves nothing yet. */
__noinline int news_of(struct news *n, const u64 *state, u32 want)
{
	struct seen_key key = {};
	u64 *known, *last;
	int news = 0;

	if (!n)
		return 0;
	key.subject = n->id;
	key.object = n->key;
	n->theirs = state ? *(const volatile u64 *)state : 0;
	last = state_of(n->id);
	n->mine = last ? *(volatile u64 *)last : 0;
	if (want & WANT_READ) {
		known = bpf_map_lookup_elem(&seen, &key);
		if (!known || !n->theirs || *known < n->theirs)
			news |= NEWS_READ;
	}
	if (want & WANT_WRITE) {
		key.write = 1;
		known = bpf_map_lookup_elem(&seen, &key);
		if (!known || !n->mine || (*known < n->mine && !(last == &control.memory && is_answer(n, *known))))
			news |= NEWS_WRITE;
	}
	return news;
}

/* Now, or behind `old`, if the clock is not: another processor's may be behind, and two readings the same. */
static __always_inline u64 later_than(u64 old, u64 now)
{
	return now > old ? now : old + 1;
}

/* To a time that nobody has seen yet. */
static __always_inline void move(u64 *state, u64 now)
{
	u64 old = *(volatile u64 *)state;

	if (__sync_val_compare_and_swap(state, old, later_than(old, now)) != old)
		__sync_fetch_and_add(state, 1);
}

/* A subject has taken in something: what it tells from now on is news. */
static __always_inline void move_subject(u64 id, u64 now)
{
	u64 *state = state_of(id);

	if (state)
		move(state, now);
	else
		bpf_map_update_elem(&states, &id, &now, BPF_ANY);
}

static __always_inline void count_taken(u64 id)
{
	u64 *times = taken_by(id);

	if (times)
		__sync_fetch_and_add(times, 1);
}

/* In another way than from an object. */
__noinline int took_in_now(u64 id)
{
	move_subject(id, bpf_ktime_get_boot_ns());
	count_taken(id);
	return 0;
}

/* Whoever had all until `before` has all until `now`: what came since is his own. */
static __always_inline void has_still(struct seen_key *key, u32 write, u64 before, u64 now)
{
	u64 *known;

	key->write = write;
	known = bpf_map_lookup_elem(&seen, key);
	if (before && known && *known >= before)
		bpf_map_update_elem(&seen, key, &now, BPF_ANY);
}

/* One who holds memory got something from an object: that is nothing new to it, whichever of them tells it. */
static __always_inline void answers(struct news *n, u64 before, u64 now)
{
	struct span *known = bpf_map_lookup_elem(&answered, &n->key), span = { .since = before, .until = now };

	if (known && known->until == before)
		span.since = known->since;
	bpf_map_update_elem(&answered, &n->key, &span, BPF_ANY);
}

/* The record has it: moves both ends on. Only now, so that whoever knows of it from the times is on the
 * record behind it. NEWS_LOST: it happened and found no room there: both ends move on, since what comes of it is news,
 * and the next one like it is news too. What somebody else moved meanwhile is not taken for seen.
 *
 * What a subject got from an object is nothing new to that object, nor what it put there to itself: else two that talk with
 * each other would have news for ever. Of memory both have one time, and what one of them moved the other knows. */
__noinline int take_note(struct news *n, u64 *state, u32 want, u32 news)
{
	struct seen_key key = {};
	u64 now = bpf_ktime_get_boot_ns(), next, *last;
	int is_one, is_even;

	if (!n)
		return 0;
	key.subject = n->id;
	key.object = n->key;
	last = state_of(n->id);
	is_one = last && (u64)last == (u64)state;
	is_even = is_one && n->mine == n->theirs;
	if (news & NEWS_READ || (want & WANT_WRITE && !n->mine)) {
		next = later_than(n->mine, now);
		if (last && __sync_val_compare_and_swap(last, n->mine, next) == n->mine) {
			if (!(news & NEWS_LOST))
				has_still(&key, 1, n->mine, next);
			if (!(news & NEWS_LOST) && last == &control.memory)
				answers(n, n->mine, next);
			if (is_even)
				n->theirs = next;
			n->mine = next;
		} else {
			move_subject(n->id, now);
			n->mine = last ? n->mine : now;
		}
		count_taken(n->id);
	}
	if (state && want & WANT_WRITE && (news & NEWS_WRITE || !n->theirs)) {
		is_even = is_one && n->mine == n->theirs;
		next = later_than(n->theirs, now);
		if (__sync_val_compare_and_swap(state, n->theirs, next) == n->theirs) {
			if (!(news & NEWS_LOST))
				has_still(&key, 0, n->theirs, next);
			if (is_even)
				n->mine = next;
			n->theirs = next;
		} else {
			move(state, now);
		}
	} else if (!n->theirs) {
		n->theirs = !state || !__sync_val_compare_and_swap(state, 0, now) ? now : 1;
	}
	if (news & NEWS_LOST)
		return 0;
	key.write = 0;
	if (want & WANT_READ)
		bpf_map_update_elem(&seen, &key, &n->theirs, BPF_ANY);
	key.write = 1;
	if (want & WANT_WRITE)
		bpf_map_update_elem(&seen, &key, &n->mine, BPF_ANY);
	return 0;
}

#endif
