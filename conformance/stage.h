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
	volatile uint32_t bell[30]; /* of each party: it is your turn */
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
	scene->begin = boot_time();
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
	if (!strcmp(op, "closeall")) { for (a = 0; a < 16; a++) { if (slots[a] >= 0) close(slots[a]); slots[a] = -1; } return 0; }
	if (!strcmp(op, "shrink")) return err(truncate(arg(1), num(2)));
	if (!strcmp(op, "size")) { if (stat(arg(1), &st)) return -errno; snprintf(detail, sizeof(detail), "%ld,%ld", S_ISREG(st.st_mode) ? (long)st.st_size : -1, S_ISDIR(st.st_mode) ? -1 : (long)st.st_nlink); return 0; }
	if (!strcmp(op, "who")) { if (lstat(arg(1), &st)) return -errno; say_inode(&st); return 0; }
	if (!strcmp(op, "mark")) return err(setxattr(arg(1), "user.csn-t", arg(2), strlen(arg(2)), 0));
	if (!strcmp(op, "unmark")) return err(removexattr(arg(1), "user.csn-t"));
	if (!strcmp(op, "marked")) return show(getxattr(arg(1), "user.csn-t", buffer, 100));
	if (!strcmp(op, "ask")) return stage_label();
	if (!strcmp(op, "wipe")) return err(nftw(arg(1), wipe_one, 16, FTW_DEPTH | FTW_PHYS));
	if (!strcmp(op, "stage")) return !strcmp(arg(1), "open") ? stage_open(arg(2)) : stage_play(num(2));
	return 1;
}
