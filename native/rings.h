/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's rings of records, read as one (rings.c). */
#ifndef CSN_RINGS_H
#define CSN_RINGS_H

#include <stddef.h>
#include <stdint.h>

struct rings;

/* Makes a ring for each processor, of at most so many bytes, and puts it into `outer`. 0 or a negative error. */
int rings_make(int outer, uint32_t bytes);

/* Opens the rings that are in `outer`, and `refusals`. NULL: errno says why. */
struct rings *rings_open(int outer, int refusals);

/* Moves whole records, in the order of their times, as many as fit. Gives the bytes written. */
size_t rings_drain(struct rings *rings, char *into, size_t size);

void rings_free(struct rings *rings);

#endif
