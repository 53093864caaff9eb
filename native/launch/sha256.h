/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of bytes as they come. See sha256.c. */
#ifndef CSN_SHA256_H
#define CSN_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
	uint32_t h[8];
	uint64_t length;
	unsigned char block[64];
};

void sha256_start(struct sha256 *s);
void sha256_add(struct sha256 *s, const unsigned char *data, size_t size);
/* As 64 hexadecimal digits. */
void sha256_end(struct sha256 *s, char text[65]);

#endif
