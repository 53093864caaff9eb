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
 */
#define NAPI_VERSION 8
#define OPENSSL_SUPPRESS_DEPRECATED
#include <node_api.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 64
#define HASH 32

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
	for (size_t at = 0; at < length; at += size, out += HASH)
		hash(0, data + at, size, out);
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
	for (size_t at = 0; at < length; at += 2 * HASH, out += HASH)
		hash(1, data + at, 2 * HASH, out);
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
