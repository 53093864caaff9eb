/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a file by the 32-bit table of system calls, whose filter and hooks somebody may have forgotten.
 * Run: foreign-call FROM TO. Below 4 GiB, since that table takes 32-bit addresses. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static long old(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

int main(int argc, char **argv)
{
	char *low = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long from, to, length;

	if (argc < 3 || low == MAP_FAILED)
		return 2;
	from = open(argv[1], O_RDONLY);
	length = read(from, low, 4096);
	strcpy(low + 4096, argv[2]);
	to = old(5 /* open */, (long)low + 4096, O_CREAT | O_WRONLY, 0666);
	return to < 0 || old(4 /* write */, to, (long)low, length) < 0;
}
