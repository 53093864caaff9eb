/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes between the daemon (descriptors 0, 1, 2; control lines on 3) and the program's
 * pipes or terminal. The launcher reads labelled pipes as the platform; who may see
 * what comes out is decided by the daemon [TERM-1].
 *
 * Control, from the daemon: "signal N", "resize ROWS COLUMNS", "close" (end of input),
 * "answer NAME TEXT" (to a request, see ask.c), "floated" (see float.c).
 */
#include "launch.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define CONTROL 3

struct stream {
	int from, to;
	size_t start, end;
	char data[65536];
};

void send_descriptor(int channel, int fd)
{
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(channel, &m, 0) < 0)
		fail("terminal: send");
}

int receive_descriptor(int channel)
{
	char byte, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	int fd = -1;

	if (recvmsg(channel, &m, MSG_CMSG_CLOEXEC) <= 0 || !CMSG_FIRSTHDR(&m))
		return -1; /* the child failed, and has said so */
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return fd;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Moves what it can; both ends are non-blocking. Closes `to` at the end of `from`. */
static void move(struct stream *s, short readable, short writable)
{
	ssize_t n;

	if (s->from >= 0 && s->start == s->end && readable) {
		n = read(s->from, s->data, sizeof(s->data));
		if (n > 0) {
			s->start = 0;
			s->end = n;
			writable = 1;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			shut(&s->from); /* EIO is a terminal whose other side is gone */
		}
	}
	if (s->start < s->end && writable) {
		n = s->to >= 0 ? write(s->to, s->data + s->start, s->end - s->start) : (ssize_t)(s->end - s->start);
		if (n > 0)
			s->start += n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			shut(&s->to); /* nobody reads: the program finds out as with any pipe */
			shut(&s->from);
			s->start = s->end;
		}
	}
	if (s->from < 0 && s->start == s->end)
		shut(&s->to);
}

static void command(char *line, pid_t child, int terminal, struct stream *input)
{
	struct winsize size = { 0 };
	int number;

	if (sscanf(line, "signal %d", &number) == 1 && number > 0 && number < 65)
		kill(child, number);
	else if (sscanf(line, "resize %hu %hu", &size.ws_row, &size.ws_col) == 2 && terminal >= 0)
		ioctl(terminal, TIOCSWINSZ, &size);
	else if (!strncmp(line, "answer ", 7))
		answer_ask(line + 7);
	else if (!strcmp(line, "floated"))
		answer_float();
	else if (!strcmp(line, "close"))
		shut(&input->from);
}

static void unblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int relay(const struct options *o, pid_t child, int input, int output, int error, int terminal)
{
	static struct stream in, out, err;
	static char line[8192];
	size_t used = 0;
	int status = 0, ended = 0, control = CONTROL, quiet = 0;

	in = (struct stream){ .from = 0, .to = o->tty ? dup(terminal) : input };
	out = (struct stream){ .from = o->tty ? dup(terminal) : output, .to = 1 };
	err = (struct stream){ .from = o->tty ? -1 : error, .to = o->tty ? -1 : 2 };
	signal(SIGPIPE, SIG_IGN);
	for (struct stream *s = &in; s; s = s == &in ? &out : s == &out ? &err : 0) {
		if (s->from >= 0)
			unblock(s->from);
		if (s->to >= 0)
			unblock(s->to);
	}
	/* Until the program has ended and its output is empty. What it left running in the
	 * background ends with its pid namespace. */
	while (!ended || out.from >= 0 || err.from >= 0 || out.start < out.end || err.start < err.end) {
		struct pollfd p[9] = {
			{ in.start == in.end ? in.from : -1, POLLIN, 0 },
			{ in.start < in.end ? in.to : -1, POLLOUT, 0 },
			{ out.start == out.end ? out.from : -1, POLLIN, 0 },
			{ out.start < out.end ? out.to : -1, POLLOUT, 0 },
			{ err.start == err.end ? err.from : -1, POLLIN, 0 },
			{ err.start < err.end ? err.to : -1, POLLOUT, 0 },
			{ control, POLLIN, 0 },
			{ ask_fd(), POLLIN, 0 },
			{ float_fd(), POLLIN, 0 },
		};
		int n = poll(p, 9, ended ? 50 : 20);

		move(&in, p[0].revents, p[1].revents);
		move(&out, p[2].revents, p[3].revents);
		move(&err, p[4].revents, p[5].revents);
		if (p[7].revents)
			read_ask();
		if (p[8].revents)
			read_float(control >= 0);
		if (p[6].revents) {
			char c;

			while (recv(control, &c, 1, MSG_DONTWAIT) == 1) {
				if (c != '\n' && used + 1 < sizeof(line)) {
					line[used++] = c;
					continue;
				}
				line[used] = 0;
				used = 0;
				command(line, child, terminal, &in);
			}
			if (errno != EAGAIN || p[6].revents & POLLHUP) { /* the daemon is gone */
				kill(child, SIGKILL);
				control = -1;
			}
		}
		if (!ended && waitpid(child, &status, WNOHANG) == child)
			ended = 1;
		/* a plain program's grandchild may hold its output open for ever */
		if (ended && n == 0 && ++quiet > 4)
			break;
	}
	return status;
}
