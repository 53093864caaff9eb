/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actor as a spy: tries the same again and again while others change labels and content,
 * and answers how often it tried, was let in, and saw what it must never see.
 *
 *   spy SECRET CALL PATH     CALL: read, pread (on the open file), names, map, take,
 *                            ask (size), write (of "evil", counted when let in)
 *
 * until SIGHUP. At SIGUSR2 it stops between two tries, until it is continued.
 */
static volatile sig_atomic_t must_halt, must_end;

static void on_halt(int number) { must_halt = 1; }
static void on_end(int number) { must_end = 1; }

/* From the start: whoever asks does not know how far it is. */
static void prepare_spy(void)
{
	signal(SIGUSR2, on_halt);
	signal(SIGHUP, on_end);
}

/* One try: its bytes in `buffer`; negative: refused. */
static long one_try(const char *call, const char *path)
{
	long n = -1;
	int file;

	if (!strcmp(call, "pread"))
		return pread(fd, buffer, 64, 0);
	if (!strcmp(call, "write"))
		return pwrite(fd, "evil", 4, 0);
	if (!strcmp(call, "names")) {
		file = open(path, O_RDONLY | O_DIRECTORY);
		n = file < 0 ? -1 : syscall(SYS_getdents64, file, buffer, sizeof(buffer));
	} else if (!strcmp(call, "ask")) {
		struct stat st;

		n = stat(path, &st);
		return n < 0 ? n : snprintf(buffer, 64, "size %ld", (long)st.st_size);
	} else {
		file = open(path, O_RDONLY);
		if (file >= 0 && !strcmp(call, "map")) {
			char *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE, file, 0);

			if (page != MAP_FAILED) {
				memcpy(buffer, page, n = 64);
				munmap(page, 4096);
			}
		} else if (file >= 0) {
			n = read(file, buffer, 64);
		}
	}
	if (file >= 0)
		close(file);
	return n;
}

static int do_spy(void)
{
	long tries = 0, let = 0, seen = 0;
	const char *secret = arg(1), *call = arg(2), *path = arg(3);

	while (!must_end) {
		long n;

		if (must_halt) {
			must_halt = 0;
			raise(SIGSTOP);
		}
		n = one_try(call, path);
		tries++;
		if (n <= 0)
			continue;
		let++;
		seen += memmem(buffer, n, secret, strlen(secret)) != 0;
	}
	must_end = must_halt = 0;
	snprintf(detail, sizeof(detail), "%ld/%ld/%ld", tries, let, seen);
	return 0;
}
