/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actor's System V objects, POSIX queues and keys.
 *
 *   sysv shmmake|msgmake|semmake KEY (answers its number), shmkey|msgkey|semkey KEY,
 *        shmat ID READONLY, shmstat|shmrm|msgsnd|msgrcv|msgstat|msgrm|semop|semzero|
 *        semvalue|semset|semrm ID, shminfo|msginfo|seminfo
 *   mq make|open|openr|remove NAME, mq send|receive|attr|pass
 *   key session|user|userof UID|link|callout, key add|search NAME, key open|read|describe|update|revoke ID
 */
#include <linux/keyctl.h>
#include <mqueue.h>

#define KEY(...) syscall(SYS_keyctl, __VA_ARGS__)

static int number(long n)
{
	snprintf(detail, sizeof(detail), "%ld", n);
	return err(n);
}

static int do_sysv(void)
{
	const char *what = arg(1);
	struct sembuf change = { 0, 1, IPC_NOWAIT }, zero = { 0, 0, IPC_NOWAIT };
	struct { long type; char text[8]; } message = { 1, "x" };
	struct shmid_ds shm;
	struct msqid_ds msg;
	long n = num(2);
	void *at;

	if (!strcmp(what, "shmmake")) return number(shmget(n, 4096, IPC_CREAT | 0666));
	if (!strcmp(what, "msgmake")) return number(msgget(n, IPC_CREAT | 0666));
	if (!strcmp(what, "semmake")) return number(semget(n, 1, IPC_CREAT | 0666));
	if (!strcmp(what, "shmkey")) return err(shmget(n, 0, 0));
	if (!strcmp(what, "msgkey")) return err(msgget(n, 0));
	if (!strcmp(what, "semkey")) return err(semget(n, 0, 0));
	if (!strcmp(what, "shmat")) {
		at = shmat(n, 0, num(3) ? SHM_RDONLY : 0);
		if (at == (void *)-1)
			return -errno;
		shmdt(at);
		return 0;
	}
	if (!strcmp(what, "shmstat")) return err(shmctl(n, IPC_STAT, &shm));
	if (!strcmp(what, "shmrm")) return err(shmctl(n, IPC_RMID, 0));
	if (!strcmp(what, "shminfo")) return err(shmctl(0, SHM_INFO, (void *)buffer));
	if (!strcmp(what, "msgsnd")) return err(msgsnd(n, &message, 1, IPC_NOWAIT));
	if (!strcmp(what, "msgrcv")) return err(msgrcv(n, &message, 8, 0, IPC_NOWAIT));
	if (!strcmp(what, "msgwait")) { alarm(3); long e = err(msgrcv(n, &message, 8, 0, 0)); alarm(0); return e; }
	if (!strcmp(what, "msgstat")) return err(msgctl(n, IPC_STAT, &msg));
	if (!strcmp(what, "msgrm")) return err(msgctl(n, IPC_RMID, 0));
	if (!strcmp(what, "msginfo")) return err(msgctl(0, MSG_INFO, (void *)buffer));
	if (!strcmp(what, "semop")) return err(semop(n, &change, 1));
	if (!strcmp(what, "semzero")) { long e = err(semop(n, &zero, 1)); return e == -EAGAIN ? 0 : e; }
	if (!strcmp(what, "semvalue")) return err(semctl(n, 0, GETVAL));
	if (!strcmp(what, "semset")) return err(semctl(n, 0, SETVAL, 3));
	if (!strcmp(what, "semrm")) return err(semctl(n, 0, IPC_RMID));
	if (!strcmp(what, "seminfo")) return err(semctl(0, 0, SEM_INFO, buffer));
	return -ENOSYS;
}

static int queue = -1;

static int do_mq(void)
{
	const char *what = arg(1), *name = arg(2) + 1; /* the system call wants no slash */
	struct mq_attr attr;
	struct timespec soon;

	if (!strcmp(what, "make") || !strcmp(what, "open") || !strcmp(what, "openr")) {
		int opened = syscall(SYS_mq_open, name, (what[0] == 'm' ? O_CREAT | O_RDWR : what[4] ? O_RDONLY : O_WRONLY) | O_NONBLOCK, 0666, 0);

		if (opened < 0)
			return -errno;
		if (queue >= 0)
			close(queue);
		queue = opened;
		return 0;
	}
	clock_gettime(CLOCK_REALTIME, &soon);
	if (!strcmp(what, "send")) return err(syscall(SYS_mq_timedsend, queue, "data", 4, 0, &soon));
	if (!strcmp(what, "receive")) return err(syscall(SYS_mq_timedreceive, queue, buffer, 8192, 0, &soon));
	if (!strcmp(what, "attr")) return err(syscall(SYS_mq_getsetattr, queue, 0, &attr));
	if (!strcmp(what, "remove")) return SYS(SYS_mq_unlink, name);
	if (!strcmp(what, "pass")) {
		int saved = fd, error;

		fd = queue;
		error = do_pass();
		fd = saved;
		return error;
	}
	return -ENOSYS;
}

static int do_key(void)
{
	const char *what = arg(1);

	if (!strcmp(what, "session")) return err(KEY(KEYCTL_JOIN_SESSION_KEYRING, 0));
	if (!strcmp(what, "user")) return err(KEY(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
	if (!strcmp(what, "userof")) { /* of a user who has none yet: looking for it makes it */
		int e = setresuid(num(2), -1, -1) ? -errno : err(KEY(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));

		return setresuid(0, -1, -1) ? -errno : e;
	}
	if (!strcmp(what, "add")) return number(syscall(SYS_add_key, "user", arg(2), "value", 5, KEY_SPEC_SESSION_KEYRING));
	if (!strcmp(what, "search")) return number(syscall(SYS_request_key, "user", arg(2), 0, 0));
	if (!strcmp(what, "callout")) return err(syscall(SYS_request_key, "user", "csn-none", "please", KEY_SPEC_SESSION_KEYRING));
	if (!strcmp(what, "link")) {
		long made = syscall(SYS_add_key, "user", "csn-linked", "value", 5, KEY_SPEC_PROCESS_KEYRING);

		return made < 0 ? -errno : err(KEY(KEYCTL_LINK, made, KEY_SPEC_SESSION_KEYRING));
	}
	if (!strcmp(what, "open")) return err(KEY(KEYCTL_SETPERM, num(2), 0x3f3f3f3f));
	if (!strcmp(what, "read")) return err(KEY(KEYCTL_READ, num(2), buffer, 64));
	if (!strcmp(what, "describe")) return err(KEY(KEYCTL_DESCRIBE, num(2), buffer, 64));
	if (!strcmp(what, "update")) return err(KEY(KEYCTL_UPDATE, num(2), "other", 5));
	if (!strcmp(what, "revoke")) return err(KEY(KEYCTL_REVOKE, num(2)));
	return -ENOSYS;
}

/* The network and IPC namespaces of another process. */
static int enter(pid_t pid)
{
	int other = syscall(SYS_pidfd_open, pid, 0), error;

	if (other < 0)
		return -errno;
	error = err(setns(other, CLONE_NEWNET | CLONE_NEWIPC));
	close(other);
	return error;
}
