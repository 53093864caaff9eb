/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hashes of RFC 6962 for many records in one call. The compression function is the OpenSSL that is
 * inside Node.js itself (SHA256_Transform, exported by its executable; it chooses SHA-NI, AVX2 or plain C by the
 * processor), so nothing is linked and no cryptography is written here. Reasons and figures:
 * docs/decisions/0014-log-tree.md. Where this can't be loaded, src/audit/proof/hash.ts does the same with
 * node:crypto, and the tests hold one against the other.
 *
 * leaves(records, size, out)  out[i] = SHA-256(0x00 || record i), records of `size` bytes
 * nodes(hashes, out)          out[i] = SHA-256(0x01 || hash 2i || hash 2i+1)
 *
 * Of many hashes a second thread makes some, as many as it gets to: on a busy processor this one makes nearly all, and waits for nobody.
 */
#define NAPI_VERSION 8
#define OPENSSL_SUPPRESS_DEPRECATED
#include <node_api.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64
#define HASH 32
/* So many hashes are worth a thread: it takes about as long to begin as a hundred of them. */
#define MANY 1024
#define STEP 64

/* SHA-256(prefix || data), padded here: OpenSSL's own update and final cost as much as the hash. */
static void hash(uint8_t prefix, const uint8_t *data, size_t length, uint8_t *out)
{
	SHA256_CTX context;
	uint8_t block[BLOCK];
	uint64_t bits = (length + 1) * 8;
	size_t room = BLOCK - 1;

	SHA256_Init(&context);
	block[0] = prefix;
	if (length < room) {
		memcpy(block + 1, data, length);
		memset(block + 1 + length, 0, room - length);
		block[1 + length] = 0x80;
		if (length + 1 > BLOCK - 9) {
			SHA256_Transform(&context, block);
			memset(block, 0, BLOCK);
		}
	} else {
		memcpy(block + 1, data, room);
		SHA256_Transform(&context, block);
		data += room;
		length -= room;
		for (; length >= BLOCK; data += BLOCK, length -= BLOCK)
			SHA256_Transform(&context, data);
		memset(block, 0, BLOCK);
		memcpy(block, data, length);
		block[length] = 0x80;
		if (length > BLOCK - 9) {
			SHA256_Transform(&context, block);
			memset(block, 0, BLOCK);
		}
	}
	for (int i = 0; i < 8; i++)
		block[BLOCK - 1 - i] = bits >> (8 * i);
	SHA256_Transform(&context, block);
	for (int i = 0; i < 8; i++) {
		uint32_t word = __builtin_bswap32(context.h[i]);
		memcpy(out + 4 * i, &word, 4);
	}
}

/* Hashes that are to be made, taken STEP at a time by whoever gets to it. The last of its owners frees it. */
struct job {
	uint8_t prefix;
	const uint8_t *data;
	size_t size, count;
	uint8_t *out;
	atomic_size_t next, done;
	atomic_int owners;
};

/* Whoever comes when all are taken touches neither data nor out, which may be gone. */
static void *work(void *argument)
{
	struct job *job = argument;
	size_t from;

	while ((from = atomic_fetch_add(&job->next, STEP)) < job->count) {
		size_t to = from + STEP < job->count ? from + STEP : job->count;

		for (size_t i = from; i < to; i++)
			hash(job->prefix, job->data + i * job->size, job->size, job->out + i * HASH);
		atomic_fetch_add(&job->done, to - from);
	}
	return NULL;
}

static void leave(struct job *job)
{
	if (atomic_fetch_sub(&job->owners, 1) == 1)
		free(job);
}

static void *help(void *job)
{
	work(job);
	leave(job);
	return NULL;
}

/* @return is there somebody to help? */
static int begin_help(struct job *job)
{
	pthread_attr_t detached;
	pthread_t thread;
	int failed;

	if (pthread_attr_init(&detached) != 0)
		return 0;
	failed = pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) != 0 ||
		 pthread_create(&thread, &detached, help, job) != 0;
	pthread_attr_destroy(&detached);
	return !failed;
}

/* Hashes of `count` pieces of `size` bytes. */
static void hash_all(uint8_t prefix, const uint8_t *data, size_t size, size_t count, uint8_t *out)
{
	struct job *job = count < MANY ? NULL : malloc(sizeof(*job));

	if (job == NULL) {
		for (size_t i = 0; i < count; i++)
			hash(prefix, data + i * size, size, out + i * HASH);
		return;
	}
	*job = (struct job){ .prefix = prefix, .data = data, .size = size, .count = count, .out = out, .owners = 2 };
	if (!begin_help(job))
		leave(job);
	work(job);
	/* not for one who has not begun: only for what was taken */
	while (atomic_load(&job->done) != count)
		sched_yield();
	leave(job);
}

static napi_value refuse(napi_env env, const char *why)
{
	napi_throw_range_error(env, NULL, why);
	return NULL;
}

static napi_value leaves(napi_env env, napi_callback_info info)
{
	napi_value values[3];
	size_t count = 3, length, room;
	uint8_t *data, *out;
	uint32_t size;

	if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count != 3 ||
	    napi_get_buffer_info(env, values[0], (void **)&data, &length) != napi_ok ||
	    napi_get_value_uint32(env, values[1], &size) != napi_ok || size == 0 || length % size != 0 ||
	    napi_get_buffer_info(env, values[2], (void **)&out, &room) != napi_ok || room < length / size * HASH)
		return refuse(env, "expected whole records and room for their hashes");
	hash_all(0, data, size, length / size, out);
	return NULL;
}

static napi_value nodes(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	size_t count = 2, length, room;
	uint8_t *data, *out;

	if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count != 2 ||
	    napi_get_buffer_info(env, values[0], (void **)&data, &length) != napi_ok || length % (2 * HASH) != 0 ||
	    napi_get_buffer_info(env, values[1], (void **)&out, &room) != napi_ok || room < length / 2)
		return refuse(env, "expected pairs of hashes and room for theirs");
	hash_all(1, data, 2 * HASH, length / (2 * HASH), out);
	return NULL;
}

NAPI_MODULE_INIT()
{
	napi_value function;

	napi_create_function(env, "leaves", NAPI_AUTO_LENGTH, leaves, NULL, &function);
	napi_set_named_property(env, exports, "leaves", function);
	napi_create_function(env, "nodes", NAPI_AUTO_LENGTH, nodes, NULL, &function);
	napi_set_named_property(env, exports, "nodes", function);
	return exports;
}
