/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the rings of all processors and that of the refusals as one stream.
 *
 * Guarantee: records come out in the order of their times, whichever ring they were in [AUD-1]; one
 * that somebody is still writing holds back those of other rings that may be later than it. What was read
 * stays in its ring until the next time something is read, so whoever ends before he wrote it down leaves it
 * for his successor. Memory: 32 MiB of rings at most, but at least 256 KiB a processor.
 *
 * Not covered: a softirq that interrupts a program in the middle of its record has the earlier
 * time and comes after it. The rings' shape: Documentation/bpf/ringbuf.rst and kernel/bpf/ringbuf.c.
 */
#define _GNU_SOURCE
#include "rings.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>
#include "../bpf/abi.h"

enum { RECORD_BYTES = 96, MOST_BYTES = 32 << 20, LEAST_RING = 256 << 10 };
#define BUSY (1u << 31)
#define DISCARDED (1u << 30)

struct ring {
	uint64_t *consumed;
	const uint64_t *produced;
	const char *data;
	uint64_t mask;
	uint64_t read; /* up to here; `consumed` follows */
	uint64_t last; /* time of the newest record that was taken out */
	/* of the next one, while the rings are merged */
	const char *next;
	uint64_t time;
	uint64_t after;
};

struct rings {
	int count;
	struct ring ring[];
};

int rings_make(int outer, uint32_t bytes)
{
	int cpus = libbpf_num_possible_cpus();
	uint32_t cpu;

	if (cpus < 0)
		return cpus;
	if (cpus > CSN_MAX_CPUS)
		return -E2BIG;
	while (bytes > LEAST_RING && (uint64_t)bytes * cpus > MOST_BYTES)
		bytes /= 2;
	for (cpu = 0; cpu < (uint32_t)cpus; cpu++) {
		int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, NULL, 0, 0, bytes, NULL), error;

		if (fd < 0)
			return -errno;
		error = bpf_map_update_elem(outer, &cpu, &fd, BPF_ANY) ? -errno : 0;
		close(fd); /* `outer` holds it */
		if (error)
			return error;
	}
	return 0;
}

static int ring_open(struct ring *ring, int fd)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	size_t page = sysconf(_SC_PAGESIZE);
	void *consumer, *producer;

	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return -1;
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -1;
	producer = mmap(NULL, page + 2 * (size_t)info.max_entries, PROT_READ, MAP_SHARED, fd, page);
	if (producer == MAP_FAILED) {
		munmap(consumer, page);
		return -1;
	}
	ring->consumed = consumer;
	ring->produced = producer;
	ring->data = (const char *)producer + page;
	ring->mask = info.max_entries - 1;
	ring->read = *ring->consumed;
	return 0;
}

struct rings *rings_open(int outer, int refusals)
{
	int cpus = libbpf_num_possible_cpus();
	struct rings *rings;
	uint32_t cpu, id;

	if (cpus < 0 || cpus > CSN_MAX_CPUS) {
		errno = EINVAL;
		return NULL;
	}
	rings = calloc(1, sizeof(*rings) + (cpus + 1) * sizeof(struct ring));
	if (!rings)
		return NULL;
	if (ring_open(&rings->ring[0], refusals))
		goto fail;
	rings->count = 1;
	for (cpu = 0; cpu < (uint32_t)cpus; cpu++) {
		int fd, error;

		if (bpf_map_lookup_elem(outer, &cpu, &id))
			goto fail;
		fd = bpf_map_get_fd_by_id(id);
		if (fd < 0)
			goto fail;
		error = ring_open(&rings->ring[rings->count], fd);
		close(fd); /* the mapping holds it */
		if (error)
			goto fail;
		rings->count++;
	}
	return rings;
fail:
	rings_free(rings);
	return NULL;
}

void rings_free(struct rings *rings)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int i;

	for (i = 0; i < rings->count; i++) {
		struct ring *ring = &rings->ring[i];

		munmap(ring->consumed, page);
		munmap((void *)ring->produced, page + 2 * (ring->mask + 1));
	}
	free(rings);
}

/* Looks at the ring's next record. 0 when somebody is still writing it. */
static int look(struct ring *ring)
{
	uint64_t at = ring->read;

	ring->next = NULL;
	while (at < __atomic_load_n(ring->produced, __ATOMIC_ACQUIRE)) {
		const char *head = ring->data + (at & ring->mask);
		uint32_t length = __atomic_load_n((const uint32_t *)head, __ATOMIC_ACQUIRE);

		if (length & BUSY)
			return 0;
		at += (((length & ~DISCARDED) + 7) & ~7ull) + 8;
		if (length & DISCARDED || length != RECORD_BYTES) {
			ring->read = at;
			continue;
		}
		ring->next = head + 8;
		ring->after = at;
		ring->time = ring->last; /* a description: with what comes before it */
		if ((uint8_t)ring->next[offsetof(struct csn_record, kind)] == CSN_KIND_FLOW)
			memcpy(&ring->time, ring->next + offsetof(struct csn_record, time), 8);
		if (ring->time < ring->last)
			ring->time = ring->last;
		return 1;
	}
	return 1;
}

size_t rings_drain(struct rings *rings, char *into, size_t size)
{
	uint64_t barrier;
	struct timespec now;
	size_t used = 0;
	int i;

	/* what is begun from now on, in a ring that is empty when it is looked at, has a later time */
	clock_gettime(CLOCK_BOOTTIME, &now);
	barrier = now.tv_sec * 1000000000ull + now.tv_nsec;
	for (i = 0; i < rings->count; i++) {
		__atomic_store_n(rings->ring[i].consumed, rings->ring[i].read, __ATOMIC_RELEASE);
		if (!look(&rings->ring[i]) && rings->ring[i].last < barrier)
			barrier = rings->ring[i].last;
	}
	while (used + RECORD_BYTES <= size) {
		struct ring *first = NULL;

		for (i = 0; i < rings->count; i++) {
			struct ring *ring = &rings->ring[i];

			if (ring->next && ring->time <= barrier && (!first || ring->time < first->time))
				first = ring;
		}
		if (!first)
			break;
		memcpy(into + used, first->next, RECORD_BYTES);
		used += RECORD_BYTES;
		first->last = first->time;
		first->read = first->after;
		if (!look(first) && first->last < barrier)
			barrier = first->last;
	}
	return used;
}
