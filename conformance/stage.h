/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage: several parties play one script, in the order of its scenes, without a round trip to the
 * runner for each. Included by actor.c, whose commands a scene may use.
 *
 * The script is a file that every party maps before it has a label, so that passing the turn is loads,
 * stores and a futex, none of which a hook sees: playing adds no flow to the record. Party 0 is the
 * platform's; it begins a play and says when it is over.
 * Guarantee: at any time at most one party acts. Each scene has the times of its begin and end, in the
 * clock of the records, so that a record belongs to the scene in which it was made.
 *
 * Layout: see conformance/differential/stage.ts, which writes and reads it.
 */
#include <ftw.h>
#include <poll.h>

#define STAGE_SCENES 2048

struct scene {
	uint64_t begin, end;
	uint32_t who;
	int32_t error; /* an errno, or 0 */
	char command[360];
	char detail[640];
};

struct stage {
	uint32_t total;
	volatile uint32_t turn;
	volatile uint32_t bell[16]; /* of each party: it is your turn */
	volatile int32_t keys[14];  /* made keys, whose numbers nobody can choose */
	struct scene scenes[STAGE_SCENES];
};

static struct stage *stage;
static int slots[16] = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 };

static void decode(char *line);

static int stage_open(const char *path)
{
	int file = open(path, O_RDWR | O_CLOEXEC);

	if (file < 0)
		return -errno;
	stage = mmap(0, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	return stage == MAP_FAILED ? -errno : 0;
}

static uint64_t boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void play_scene(struct scene *scene)
{
	static char line[sizeof(scene->command)];

	memcpy(line, scene->command, sizeof(line));
	line[sizeof(line) - 1] = 0;
	decode(line);
	*detail = 0;
	/* behind all that was recorded so far: an emulated clock can say the same time twice */
	for (uint64_t first = boot_time(); (scene->begin = boot_time()) <= first;)
		;
	scene->error = words ? -run() : 0;
	snprintf(scene->detail, sizeof(scene->detail), "%s", detail);
	scene->end = boot_time();
}

static void ring(uint32_t who)
{
	__sync_fetch_and_add(&stage->bell[who], 1);
	syscall(SYS_futex, &stage->bell[who], 1, 1, 0, 0, 0);
}

/* Party `me`: acts whenever it is its turn. The platform's ends when the play is over, the others' never. */
static int stage_play(uint32_t me)
{
	struct timespec patience = { 20, 0 };
	uint32_t seen = stage->bell[me], before = 0;

	if (me == 0)
		stage->turn = 0;
	for (;;) {
		while (stage->turn < stage->total && stage->scenes[stage->turn].who == me) {
			play_scene(&stage->scenes[stage->turn]);
			__sync_fetch_and_add(&stage->turn, 1);
			if (stage->turn >= stage->total && me)
				ring(0);
			else if (stage->turn < stage->total && stage->scenes[stage->turn].who != me)
				ring(stage->scenes[stage->turn].who);
		}
		if (me == 0 && stage->turn >= stage->total)
			return 0;
		if (me == 0 && stage->turn == 0)
			ring(stage->scenes[0].who);
		before = stage->turn;
		while (stage->bell[me] == seen)
			if (syscall(SYS_futex, &stage->bell[me], 0, seen, me ? 0 : &patience, 0, 0) < 0 && errno == ETIMEDOUT &&
			    stage->turn == before)
				return -ETIMEDOUT;
		seen++;
	}
}

/* The platform asks the monitor for a label as the daemon does (native/addon.c): `ask SET|CLEAR CONTEXT FLAGS PATH` */
static int stage_label(void)
{
	static int map = -1;
	struct { uint32_t ask, context, flags, magic, key[4], answer, own; int32_t error; uint32_t done; } request = { 0 };
	uint64_t attr[16] = { 0 };
	uint32_t tid = syscall(SYS_gettid);
	struct stat st;
	int file, error = 0;

	if (map < 0) {
		attr[0] = (uintptr_t)"/sys/fs/bpf/csn/requests";
		map = syscall(SYS_bpf, 7, attr, 16); /* BPF_OBJ_GET */
		if (map < 0)
			return -errno;
	}
	file = open(arg(4), O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0)
		return -errno;
	request.ask = num(1);
	request.context = num(2);
	request.flags = num(3);
	memset(attr, 0, sizeof(attr));
	attr[0] = (uint32_t)map;
	attr[1] = (uintptr_t)&tid;
	attr[2] = (uintptr_t)&request;
	if (syscall(SYS_bpf, 2, attr, 32) < 0 || fstat(file, &st) || syscall(SYS_bpf, 1, attr, 32) < 0)
		error = -errno;
	syscall(SYS_bpf, 3, attr, 32);
	close(file);
	return error ? error : request.error ? request.error : request.done ? 0 : -ENOLINK;
}

/* Which inode, as records name it. */
static void say_inode(const struct stat *st)
{
	snprintf(detail, sizeof(detail), "%lu:%lu", (unsigned long)st->st_ino, (unsigned long)st->st_dev);
}

static int wipe_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int wipe_inside(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return at->level > 0 ? wipe_one(path, st, type, at) : 0;
}

static int show(long n)
{
	int error = err(n);

	if (n > 0)
		say(buffer, n);
	return error;
}

/* With a descriptor: what actor.c's own uses do not show or cannot choose. */
static int stage_use(const char *op)
{
	struct stat st;
	long n;

	if (!strcmp(op, "take")) return show(pread(fd, buffer, 96, 0));
	if (!strcmp(op, "next")) return show(read(fd, buffer, 96));
	if (!strcmp(op, "put")) return err(pwrite(fd, arg(2), strlen(arg(2)), num(1)));
	if (!strcmp(op, "push")) return err(write(fd, arg(1), strlen(arg(1))));
	if (!strcmp(op, "cut")) return err(ftruncate(fd, num(1)));
	if (!strcmp(op, "names")) { lseek(fd, 0, SEEK_SET); return do_readdir(); }
	if (!strcmp(op, "size")) { if (fstat(fd, &st)) return -errno; snprintf(detail, sizeof(detail), "%ld,%ld", S_ISREG(st.st_mode) ? (long)st.st_size : -1, S_ISDIR(st.st_mode) ? -1 : (long)st.st_nlink); return 0; }
	if (!strcmp(op, "who")) { if (fstat(fd, &st)) return -errno; say_inode(&st); return 0; }
	/* read or write through a mapping; the first 8 bytes, if there are any */
	if (!strcmp(op, "peek") || !strcmp(op, "poke") || !strcmp(op, "change")) {
		int write = op[1] == 'o', change = *op == 'c', error = 0;
		char *page = mmap(0, 4096, change ? PROT_NONE : write ? PROT_READ | PROT_WRITE : PROT_READ, write || change ? MAP_SHARED : MAP_PRIVATE, fd, 0);
		if (page == MAP_FAILED) return -errno;
		if (change && mprotect(page, 4096, PROT_READ | PROT_WRITE)) error = -errno;
		n = error ? 0 : lseek(fd, 0, SEEK_END);
		if (n >= 8 && write) memcpy(page, arg(1), 8);
		if (n > 0) say(page, n < 8 ? n : 8);
		munmap(page, 4096);
		return error;
	}
	if (!strcmp(op, "send")) { off_t at = 0; lseek(extra, num(1), SEEK_SET); return err(sendfile(extra, fd, &at, 16)); }
	if (!strcmp(op, "range")) { loff_t at = 0, to = num(1); return err(copy_file_range(fd, &at, extra, &to, 16, 0)); }
	if (!strcmp(op, "mark")) return err(fsetxattr(fd, "user.csn-t", arg(1), strlen(arg(1)), 0));
	if (!strcmp(op, "unmark")) return err(fremovexattr(fd, "user.csn-t"));
	if (!strcmp(op, "marked")) return show(fgetxattr(fd, "user.csn-t", buffer, 100));
	return use(op);
}

/* `made WHAT KIND NUMBER`: System V objects by their keys, keys by the stage's numbers. */
static int stage_made(void)
{
	const char *what = arg(1), *kind = arg(2);
	int sort = *kind == 'k' ? 0 : kind[2] == 'g' ? 1 : *kind == 'q' ? 2 : 3, n = num(3), key = 0x5700 + n, id;
	struct { long type; char text[64]; } message = { 1, "" };
	struct sembuf change = { 0, 1, IPC_NOWAIT };
	struct msqid_ds queue;
	struct stat st;
	char *at;
	long got;

	if (!strcmp(what, "share")) {
		int other = syscall(SYS_pidfd_open, num(2), 0), error = other < 0 ? -errno : err(setns(other, CLONE_NEWIPC));
		if (other >= 0) close(other);
		return error;
	}
	if (!strcmp(what, "wipe")) {
		for (n = 0, key = 0x5700; n < 8; n++, key++) {
			if ((id = shmget(key, 0, 0)) >= 0) shmctl(id, IPC_RMID, 0);
			if ((id = msgget(key, 0)) >= 0) msgctl(id, IPC_RMID, 0);
			if ((id = semget(key, 0, 0)) >= 0) semctl(id, 0, IPC_RMID);
			stage->keys[n] = 0;
		}
		return 0;
	}
	if (!strcmp(what, "make")) {
		if (sort == 1) return err(shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0666));
		if (sort == 2) return err(msgget(key, IPC_CREAT | IPC_EXCL | 0666));
		if (sort == 3) return err(semget(key, 1, IPC_CREAT | IPC_EXCL | 0666));
		char name[32];
		snprintf(name, sizeof(name), "csn-%s", arg(4));
		got = syscall(SYS_add_key, "user", name, arg(4), strlen(arg(4)), KEY_SPEC_PROCESS_KEYRING);
		if (got < 0) return -errno;
		stage->keys[n] = got;
		return err(KEY(KEYCTL_SETPERM, got, 0x3f3f3f3f));
	}
	if (sort == 0) {
		if (!strcmp(what, "who")) { snprintf(detail, sizeof(detail), "key_%d:0", stage->keys[n]); return 0; }
		if (!stage->keys[n]) return -ENOKEY;
		if (!strcmp(what, "read")) return show(KEY(KEYCTL_READ, stage->keys[n], buffer, 64));
		if (!strcmp(what, "update")) return err(KEY(KEYCTL_UPDATE, stage->keys[n], arg(4), strlen(arg(4))));
		return -ENOSYS;
	}
	id = sort == 1 ? shmget(key, 0, 0) : sort == 2 ? msgget(key, 0) : semget(key, 0, 0);
	if (id < 0)
		return -errno;
	if (!strcmp(what, "who")) { if (stat("/proc/self/ns/ipc", &st)) return -errno; snprintf(detail, sizeof(detail), "ipc_%d:%lu:%d", id, (unsigned long)st.st_ino, sort); return 0; }
	if (!strcmp(what, "send")) { snprintf(message.text, sizeof(message.text), "%s", arg(4)); return err(msgsnd(id, &message, strlen(message.text), IPC_NOWAIT)); }
	if (!strcmp(what, "take")) { got = msgrcv(id, &message, sizeof(message.text), 0, IPC_NOWAIT); if (got > 0) say(message.text, got); return err(got); }
	if (!strcmp(what, "count")) { if (msgctl(id, IPC_STAT, &queue)) return -errno; snprintf(detail, sizeof(detail), "%lu", (unsigned long)queue.msg_qnum); return 0; }
	if (!strcmp(what, "add")) return err(semop(id, &change, 1));
	if (!strcmp(what, "value")) return number(semctl(id, 0, GETVAL));
	if (!strcmp(what, "set")) return err(semctl(id, 0, SETVAL, 3));
	if (!strcmp(what, "put") || !strcmp(what, "get")) {
		at = shmat(id, 0, *what == 'g' ? SHM_RDONLY : 0);
		if (at == (void *)-1) return -errno;
		if (*what == 'p') memcpy(at, arg(4), 8); else say(at, 8);
		shmdt(at);
		return 0;
	}
	if (!strcmp(what, "remove")) return err(sort == 1 ? shmctl(id, IPC_RMID, 0) : sort == 2 ? msgctl(id, IPC_RMID, 0) : semctl(id, 0, IPC_RMID));
	return -ENOSYS;
}

/* `net open KIND AT`, `net say KIND AT TEXT`, `net hear KIND PATIENCE`: AT is a path or a port of this network;
 * PATIENCE in ms, since a packet on loopback may be carried by a thread of the kernel that has to wait for a processor. */
static int nets[4] = { -1, -1, -1, -1 };

static int stage_net(void)
{
	const char *what = arg(1), *kind = arg(2);
	int tcp = !strcmp(kind, "tcp"), unixes = *kind == 'd' || *kind == 's', stream = tcp || *kind == 's', which = 2 * unixes + stream;
	union any_address a = { 0 };
	socklen_t size = unixes ? sizeof(a.un) : sizeof(a.in);
	int s, one = 1, error = 0, from;
	struct pollfd ready;
	long got;

	if (!strcmp(what, "sweep")) return err(nftw(arg(2), wipe_inside, 16, FTW_DEPTH | FTW_PHYS));
	if (!strcmp(what, "hear")) {
		ready = (struct pollfd){ nets[which], POLLIN, 0 };
		if (!unixes) poll(&ready, 1, num(3));
		from = stream ? accept4(nets[which], 0, 0, 0) : nets[which];
		if (from < 0) return -errno;
		got = recv(from, buffer, 64, MSG_DONTWAIT);
		if (got < 0 && stream && errno == EAGAIN) { ready.fd = from; poll(&ready, 1, num(3)); got = recv(from, buffer, 64, MSG_DONTWAIT); }
		if (got > 0) say(buffer, got);
		error = err(got);
		if (stream) close(from);
		return error;
	}
	if (unixes) {
		a.un.sun_family = AF_UNIX;
		snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s", arg(3));
	} else {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(num(3));
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	if (!strcmp(what, "open") && nets[which] >= 0) {
		close(nets[which]);
		nets[which] = -1;
	}
	s = socket(unixes ? AF_UNIX : AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | (*what == 'o' ? SOCK_NONBLOCK : 0), 0);
	if (s < 0)
		return -errno;
	if (!strcmp(what, "open")) {
		if (!unixes && tcp) setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		error = err(bind(s, &a.any, size));
		if (!error && stream) error = err(listen(s, 16));
		if (!error) { nets[which] = s; return 0; }
	} else if (stream) {
		error = err(connect(s, &a.any, size));
		if (!error) error = err(send(s, arg(4), strlen(arg(4)), MSG_NOSIGNAL | MSG_DONTWAIT));
	} else {
		error = err(sendto(s, arg(4), strlen(arg(4)), MSG_DONTWAIT, &a.any, size));
	}
	close(s);
	return error;
}

static int stage_run(const char *op)
{
	struct stat st;
	int result, a, b, ends[2];

	/* `slots A B COMMAND`: with slot A as the open file and B as the second */
	if (!strcmp(op, "slots")) {
		a = num(1);
		b = num(2);
		fd = slots[a];
		extra = slots[b];
		shift(3);
		result = run();
		slots[a] = fd;
		if (a != b)
			slots[b] = extra;
		fd = extra = -1;
		return result;
	}
	if (!strcmp(op, "g")) { shift(1); return stage_use(arg(0)); }
	if (!strcmp(op, "gwith")) {
		int opened = open(arg(2), flags_of(arg(1)) | O_CLOEXEC, 0644), saved = fd;
		if (opened < 0) return -errno;
		fd = opened;
		shift(3);
		result = stage_use(arg(0));
		close(opened);
		fd = saved;
		return result;
	}
	if (!strcmp(op, "pipes")) {
		if (pipe2(ends, O_NONBLOCK)) return -errno;
		if (fd >= 0) close(fd);
		if (extra >= 0) close(extra);
		fd = ends[0];
		extra = ends[1];
		return 0;
	}
	if (!strcmp(op, "closeall")) { for (a = 0; a < 16; a++) { if (slots[a] >= 0) close(slots[a]); slots[a] = -1; } for (a = 0; a < 4; a++) { if (nets[a] >= 0) close(nets[a]); nets[a] = -1; } return 0; }
	if (!strcmp(op, "shrink")) return err(truncate(arg(1), num(2)));
	if (!strcmp(op, "size")) { if (stat(arg(1), &st)) return -errno; snprintf(detail, sizeof(detail), "%ld,%ld", S_ISREG(st.st_mode) ? (long)st.st_size : -1, S_ISDIR(st.st_mode) ? -1 : (long)st.st_nlink); return 0; }
	if (!strcmp(op, "who")) { if (lstat(arg(1), &st)) return -errno; say_inode(&st); return 0; }
	if (!strcmp(op, "mark")) return err(setxattr(arg(1), "user.csn-t", arg(2), strlen(arg(2)), 0));
	if (!strcmp(op, "unmark")) return err(removexattr(arg(1), "user.csn-t"));
	if (!strcmp(op, "marked")) return show(getxattr(arg(1), "user.csn-t", buffer, 100));
	if (!strcmp(op, "made")) return stage_made();
	if (!strcmp(op, "net")) return stage_net();
	if (!strcmp(op, "ask")) return stage_label();
	if (!strcmp(op, "wipe")) return err(nftw(arg(1), wipe_one, 16, FTW_DEPTH | FTW_PHYS));
	if (!strcmp(op, "stage")) return !strcmp(arg(1), "open") ? stage_open(arg(2)) : stage_play(num(2));
	return 1;
}
