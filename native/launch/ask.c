/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests from inside: how a program asks the daemon to change its compartment's context.
 *
 * /run/csn of the compartment has a FIFO `ask`, into which a program writes one line, and in which it
 * makes a FIFO for the answer, whose name begins the line. The launcher hands the line to the daemon,
 * which knows by the launcher who asks, and writes the answer. Both FIFOs are the compartment's own,
 * as all of its /run, so no flow needs an exemption: the launcher is the platform [CTX-3].
 *
 * Guarantee: nothing that is written there, or lies there under whatever name, makes the launcher
 * wait or open anything but a FIFO in that folder. One request at a time; the others wait in the
 * FIFO, and their writers with them.
 */
#include "launch.h"
#include <fcntl.h>
#include <sys/stat.h>

/* Atomic in a FIFO (PIPE_BUF): lines of several programs do not mix. */
#define MAX_LINE 4096
#define MAX_NAME 64
#define CONTROL 3

static struct {
	int fifo, folder, waits; /* for the daemon */
	int too_long;
	size_t used;
	char text[2 * MAX_LINE];
} ask = { .fifo = -1, .folder = -1 };

void make_ask(const char *run, int channel)
{
	int folder, fifo;

	if (mkdirat(AT_FDCWD, run, 0700) || chmod(run, 01777))
		fail("ask: %s", run);
	folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || mkfifoat(folder, "ask", 0600) || fchmodat(folder, "ask", 0622, 0))
		fail("ask: fifo");
	fifo = openat(folder, "ask", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fifo < 0)
		fail("ask: open");
	send_descriptor(channel, fifo);
	send_descriptor(channel, folder);
	close(fifo);
	close(folder);
}

void receive_ask(int channel)
{
	ask.fifo = receive_descriptor(channel);
	ask.folder = receive_descriptor(channel);
}

int ask_fd(void)
{
	return ask.waits ? -1 : ask.fifo;
}

/* The first whole line goes to the daemon. */
static void next_line(void)
{
	char *end = memchr(ask.text, '\n', ask.used);
	size_t length;

	if (!end) {
		if (ask.used > MAX_LINE) { /* no line of ours: what comes up to its end is not looked at */
			ask.too_long = 1;
			ask.used = 0;
		}
		return;
	}
	length = end + 1 - ask.text;
	if (!ask.too_long && length <= MAX_LINE && !memchr(ask.text, 0, length)) {
		ask.waits = 1;
		dprintf(CONTROL, "ask %.*s", (int)length, ask.text);
	}
	ask.too_long = 0;
	ask.used -= length;
	memmove(ask.text, end + 1, ask.used);
}

/* Lines that are no request wait for no answer: the next one is looked at at once. */
static void next_request(void)
{
	while (!ask.waits && ask.used && (memchr(ask.text, '\n', ask.used) || ask.used > MAX_LINE))
		next_line();
}

void read_ask(void)
{
	ssize_t n = read(ask.fifo, ask.text + ask.used, sizeof(ask.text) - ask.used);

	if (n > 0)
		ask.used += n;
	next_request();
}

/* Into the FIFO of that name; what is no FIFO, or has no reader, gets nothing. */
static void say(const char *name, const char *text)
{
	char path[64];
	struct stat st;
	int at, fd;

	at = openat(ask.folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0)
		return;
	snprintf(path, sizeof(path), "self/fd/%d", at);
	fd = fstat(at, &st) || !S_ISFIFO(st.st_mode) ? -1 : openat(proc_folder(), path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		dprintf(fd, "%s\n", text);
		close(fd);
	}
	close(at);
}

/* From the daemon: NAME TEXT. The name is the asker's own choice. */
void answer_ask(char *line)
{
	char *text = strchr(line, ' ');

	ask.waits = 0;
	if (ask.folder >= 0 && text && text - line <= MAX_NAME) {
		*text++ = 0;
		if (!strchr(line, '/') && *line != '.' && *line && strcmp(line, "ask"))
			say(line, text);
	}
	next_request();
}
