/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A read that waits while what it waits for is still to be learnt by somebody else.
 *
 *   late pipe|socket|messages|queue|terminal FILE...
 *
 * A child of this process reads a FILE and then lets go a byte; of several FILEs one byte each, and the reader wants them all
 * in one call. Answers when the reader has what it waited for.
 */
#define LATE_US 300000 /* until the reader surely waits */

struct late {
	const char *kind;
	int ends[2]; /* the reader's and the writer's; of a queue both are its number */
};

static int late_open(struct late *l)
{
	if (!strcmp(l->kind, "pipe"))
		return err(pipe(l->ends));
	if (!strcmp(l->kind, "socket"))
		return err(socketpair(AF_UNIX, SOCK_STREAM, 0, l->ends));
	if (!strcmp(l->kind, "messages"))
		return err(socketpair(AF_UNIX, SOCK_DGRAM, 0, l->ends));
	if (!strcmp(l->kind, "queue")) {
		l->ends[0] = l->ends[1] = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
		return err(l->ends[0]);
	}
	if (!strcmp(l->kind, "terminal")) {
		int number = 0, unlocked = 0;
		char path[40];

		l->ends[1] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
		if (l->ends[1] < 0 || ioctl(l->ends[1], TIOCSPTLCK, &unlocked) || ioctl(l->ends[1], TIOCGPTN, &number))
			return -errno;
		snprintf(path, sizeof(path), "/dev/pts/%d", number);
		l->ends[0] = open(path, O_RDWR | O_NOCTTY);
		return err(l->ends[0]);
	}
	return -ENOSYS;
}

static void late_write(const struct late *l)
{
	struct { long type; char text[1]; } message = { 1, "x" };

	if (!strcmp(l->kind, "queue"))
		(void)!msgsnd(l->ends[1], &message, 1, 0);
	else
		(void)!write(l->ends[1], "x\n", 2);
}

static int late_read(const struct late *l, int count)
{
	struct { long type; char text[1]; } message;
	static char room[16][8];
	struct iovec io[16];
	struct mmsghdr m[16] = {};

	if (!strcmp(l->kind, "queue"))
		return err(msgrcv(l->ends[0], &message, 1, 0, 0));
	if (strcmp(l->kind, "messages"))
		return err(read(l->ends[0], buffer, sizeof(buffer)));
	for (int i = 0; i < count; i++) {
		io[i] = (struct iovec){ room[i], sizeof(room[i]) };
		m[i].msg_hdr.msg_iov = &io[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	return recvmmsg(l->ends[0], m, count, 0, 0) == count ? 0 : -EIO;
}

static int do_late(void)
{
	struct late l = { arg(1), { -1, -1 } };
	int error = late_open(&l);
	pid_t child;

	if (error)
		return error;
	child = fork();
	if (child == 0) {
		for (int i = 2; i < words; i++) {
			int file;

			usleep(LATE_US);
			file = open(word[i], O_RDONLY);
			(void)!read(file, buffer, sizeof(buffer));
			close(file);
			late_write(&l);
		}
		_exit(0);
	}
	error = child < 0 ? -errno : late_read(&l, words - 2);
	waitpid(child, 0, 0);
	if (!strcmp(l.kind, "queue")) {
		msgctl(l.ends[0], IPC_RMID, 0);
	} else {
		close(l.ends[0]);
		close(l.ends[1]);
	}
	return error;
}
