/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csn-launch: starts one program under a context, in a compartment of its own.
 *
 * Started by the daemon, as the platform's subject and root, with the program's
 * environment. The first process builds the compartment, then becomes a subject of
 * the context, gives up all privilege and starts the program as its child; it is
 * process 1 of the compartment, passes signals on and reaps. The launcher itself
 * stays outside, relays the streams and reports the end.
 *
 * Guarantee: the program never runs with more than its context, its user and its
 * compartment; if any step fails, it does not run.
 *
 * To the daemon on descriptor 3: "stream INODE DEVICE" (a pipe between launcher and program: input,
 * output, error), "terminal INODE DEVICE" (what it has instead), "device NUMBER" (a file system of the compartment's own), "started PID", "exec ERRNO" (the
 * program could not be executed), "exit CODE" (as a shell gives it), "error STEP: ERRNO TEXT",
 * "ask LINE" (see ask.c), "float FD FD FD" (see float.c), and with --digests "digest HEX" for each file.
 */
#include "launch.h"
#include <fcntl.h>
#include <sched.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define CONTROL 3

/* Where a labelled process can still tell the launcher that it failed. */
static int report_fd = -1;

void fail(const char *format, ...)
{
	int error = errno;
	char step[512];
	va_list args;

	va_start(args, format);
	vsnprintf(step, sizeof(step), format, args);
	va_end(args);
	if (dprintf(CONTROL, "error %s: %d %s\n", step, error, strerror(error)) < 0 && report_fd >= 0) {
		error = -error; /* the daemon's socket is closed to a label; the pipe is not */
		(void)!write(report_fd, &error, sizeof(error));
	}
	_exit(125);
}

static const char *value(char ***argv)
{
	if (!*++*argv) {
		errno = EINVAL;
		fail("options");
	}
	return **argv;
}

/* 64 hexadecimal digits, a colon, an absolute path. */
static const char *digest_and_path(const char *text)
{
	if (strspn(text, "0123456789abcdef") == 64 && text[64] == ':' && text[65] == '/')
		return text;
	errno = EINVAL;
	fail("option --verified");
}

static void parse(struct options *o, char **argv)
{
	while (*++argv && strcmp(*argv, "--")) {
		if (!strcmp(*argv, "--pins"))
			o->pins = value(&argv);
		else if (!strcmp(*argv, "--scratch"))
			o->scratch = value(&argv);
		else if (!strcmp(*argv, "--networks"))
			o->networks = value(&argv);
		else if (!strcmp(*argv, "--network-only"))
			o->network_only = 1;
		else if (!strcmp(*argv, "--cwd"))
			o->cwd = value(&argv);
		else if (!strcmp(*argv, "--hostname"))
			o->hostname = value(&argv);
		else if (!strcmp(*argv, "--in"))
			o->in = strtoul(value(&argv), 0, 10);
		else if (!strcmp(*argv, "--out"))
			o->out = strtoul(value(&argv), 0, 10);
		else if (!strcmp(*argv, "--input"))
			o->input = strtoul(value(&argv), 0, 10);
		else if (!strcmp(*argv, "--crosses"))
			o->crosses = strtoul(value(&argv), 0, 10);
		else if (!strcmp(*argv, "--compartment"))
			o->compartment = strtoul(value(&argv), 0, 10);
		else if (!strcmp(*argv, "--cgroup"))
			o->cgroup = value(&argv);
		else if (!strcmp(*argv, "--layer")) {
			o->layer = strtoul(value(&argv), 0, 10);
			o->layer_given = 1;
		} else if (!strcmp(*argv, "--verified") && o->verified_count < MAX_VERIFIED)
			o->verified[o->verified_count++] = digest_and_path(value(&argv));
		else if (!strcmp(*argv, "--float"))
			o->floats = 1;
		else if (!strcmp(*argv, "--digests"))
			o->digests = 1;
		else if (!strcmp(*argv, "--uid"))
			o->uid = strtoul(value(&argv), 0, 10);
		else if (!strcmp(*argv, "--gid"))
			o->gid = strtoul(value(&argv), 0, 10);
		else if (!strcmp(*argv, "--group") && o->group_count < MAX_GROUPS)
			o->groups[o->group_count++] = strtoul(value(&argv), 0, 10);
		else if (!strcmp(*argv, "--volume") && o->volume_count < MAX_VOLUMES)
			o->volumes[o->volume_count++] = value(&argv);
		else if (!strcmp(*argv, "--tty")) {
			o->tty = 1;
			o->rows = atoi(value(&argv));
			o->columns = atoi(value(&argv));
		} else if (!strcmp(*argv, "--plain"))
			o->plain = 1;
		else {
			errno = EINVAL;
			fail("option %s", *argv);
		}
	}
	if (o->network_only)
		return;
	if (!*argv || !*++argv) {
		errno = EINVAL;
		fail("no program");
	}
	o->argv = argv;
	if (!o->layer_given)
		o->layer = o->out;
}

/* Core dumps by pipe or socket go to a program outside any compartment, whatever the
 * limit [OP-13]. */
static void check_core_pattern(const struct options *o)
{
	char text[2] = { 0 };
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, 1) < 0)
		fail("core_pattern");
	close(fd);
	if ((o->in || o->out) && (*text == '|' || *text == '@')) {
		errno = EPERM;
		fail("core_pattern");
	}
}

/* The kernel's log tells anybody who crashed, and at which address [channel K3]. */
static void quiet_log(const struct options *o)
{
	int fd;

	if (!o->in && !o->out)
		return;
	fd = open("/proc/sys/debug/exception-trace", O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || write(fd, "0", 1) != 1)
		fail("exception-trace");
	close(fd);
}

/* One of the compartment's own: the daemon's is everybody's [channel I8]. A kernel without
 * keys has none to share. */
static void session_keyring(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0) < 0 && errno != ENOSYS)
		fail("session keyring");
}

static void execute(const struct options *o, int report)
{
	int error;

	if (o->verified_count) { /* the copy, under the name that it was given by */
		char copy[4096];

		snprintf(copy, sizeof(copy), "%s%s", GATE_FOLDER, strrchr(o->verified[0], '/'));
		execv(copy, o->argv);
	} else {
		execvp(o->argv[0], o->argv);
	}
	error = errno;
	(void)!write(report, &error, sizeof(error));
	_exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

static pid_t program_pid;

static int code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Process 1: passes signals on to the program, reaps orphans, ends with the program. */
static int init(const sigset_t *all)
{
	for (;;) {
		siginfo_t info;
		int status;
		pid_t pid;

		if (sigwaitinfo(all, &info) < 0)
			continue;
		if (info.si_signo != SIGCHLD) {
			kill(program_pid, info.si_signo);
			continue;
		}
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == program_pid)
				return code_of(status);
	}
}

static void streams(const struct options *o, int slave, int input, int output, int error)
{
	if (slave >= 0) {
		if (ioctl(slave, TIOCSCTTY, 0))
			fail("terminal: controlling");
		input = output = error = slave;
	}
	if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0)
		fail("streams");
	(void)o;
}

/* Everything that the compartment starts is in it, so that all can be stopped at once. */
static void join_group(const struct options *o)
{
	char path[4096];
	int fd;

	if (!o->cgroup)
		return;
	snprintf(path, sizeof(path), "%s/cgroup.procs", o->cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		fail("compartment: %s", path);
	close(fd);
}

/* What the kernel's records call it. */
static void tell_stream(const char *what, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		fail("%s", what);
	dprintf(CONTROL, "%s %lu %u\n", what, (unsigned long)st.st_ino, major(st.st_dev) << 20 | minor(st.st_dev));
}

/* The first process inside. Never returns. */
static void inside(const struct options *o, int input, int output, int error, int report, int channel)
{
	struct csn_subject nobody = { 0 }, self = {
		.in = o->in, .out = o->out, .compartment = o->compartment, .crosses = o->crosses,
	};
	int subjects = map_open(o, "subjects"), slave = -1;
	sigset_t all, none;

	join_group(o);
	if (!o->plain)
		slave = build_tree(o, map_open(o, "devices"), channel);
	if (slave >= 0)
		tell_stream("terminal", slave);
	umask(022);
	if (setsid() < 0 && errno != EPERM)
		fail("setsid");
	sigfillset(&all);
	sigemptyset(&none);
	sigprocmask(SIG_BLOCK, &all, 0);
	if (o->plain) {
		(void)!chdir(o->cwd ? o->cwd : "/");
		label_self(subjects, &nobody);
		streams(o, slave, input, output, error);
		if (setgroups(o->group_count, o->groups) || setresgid(o->gid, o->gid, o->gid) ||
		    setresuid(o->uid, o->uid, o->uid))
			fail("user %d", (int)o->uid);
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		sigprocmask(SIG_SETMASK, &none, 0);
		close_range(3, report - 1, 0);
		close_range(report + 1, ~0u, 0);
		execute(o, report);
	}
	if (chdir("/"))
		fail("cwd");
	limit_core();
	report_fd = report;
	label_self(subjects, &self);
	session_keyring();
	confine(o);
	/* as the user: into no folder that he could not enter himself */
	(void)!chdir(o->cwd ? o->cwd : "/");
	if (o->floats)
		make_float(report);
	program_pid = fork();
	if (program_pid < 0)
		_exit(125);
	if (program_pid == 0) {
		setsid();
		streams(o, slave, input, output, error);
		sigprocmask(SIG_SETMASK, &none, 0);
		close_range(3, report - 1, 0);
		close_range(report + 1, ~0u, 0);
		execute(o, report);
	}
	close_range(0, ~0u, 0); /* holds nothing: the program's end closes its pipes */
	_exit(init(&all));
}

/* What became of the start: 0 when the program runs. Until then what it names does not raise it. */
static int await_start(const struct options *o, pid_t child, int report)
{
	int told = 0;

	for (;;) {
		struct pollfd p[2] = { { report, POLLIN, 0 }, { float_fd(), POLLIN, 0 } };

		poll(p, 2, -1);
		if (p[1].revents)
			read_float(0);
		if (!p[0].revents)
			continue;
		if (read(report, &told, sizeof(told)) != sizeof(told))
			return 0;
		if (!o->floats || !(told & FLOAT_LISTENER) || told < 0)
			return told;
		take_float(child, told & ~FLOAT_LISTENER);
	}
}

static void pipes(int objects, int input[2], int output[2], int error[2], int report[2], const struct options *o)
{
	if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC) || pipe2(error, O_CLOEXEC) || pipe2(report, O_CLOEXEC))
		fail("pipe");
	label_object(objects, input[0], o->input);
	label_object(objects, output[0], o->out);
	label_object(objects, error[0], o->out);
	label_object(objects, report[0], o->out);
	tell_stream("stream", input[0]);
	tell_stream("stream", output[0]);
	tell_stream("stream", error[0]);
}

int main(int argc, char **argv)
{
	struct options o = { .hostname = "csn", .scratch = "/run/csn/tree", .networks = "/run/csn/net" };
	int input[2], output[2], error[2], report[2], channel[2], terminal = -1, errnum, status;
	unsigned long namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
	pid_t child;

	(void)argc;
	fcntl(CONTROL, F_SETFD, FD_CLOEXEC);
	parse(&o, argv);
	if (o.digests)
		tell_digests(&o);
	if (o.network_only) {
		join_network(&o);
		return 0;
	}
	check_core_pattern(&o);
	quiet_log(&o);
	pipes(map_open(&o, "objects"), input, output, error, report, &o);
	if (!o.plain)
		join_network(&o);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel))
		fail("socketpair");
	child = syscall(SYS_clone, SIGCHLD | (o.plain ? 0 : namespaces), 0, 0, 0, 0);
	if (child < 0)
		fail("clone");
	if (child == 0)
		inside(&o, input[0], output[1], error[1], report[1], channel[1]);
	close(input[0]);
	close(output[1]);
	close(error[1]);
	close(report[1]);
	close(channel[1]);
	if (o.compartment)
		receive_ask(channel[0]);
	if (o.tty && !o.plain)
		terminal = receive_descriptor(channel[0]);
	errnum = await_start(&o, child, report[0]);
	if (errnum < 0)
		dprintf(CONTROL, "error confine: %d %s\n", -errnum, strerror(-errnum));
	else if (errnum)
		dprintf(CONTROL, "exec %d\n", errnum);
	else
		dprintf(CONTROL, "started %d\n", (int)child);
	status = relay(&o, child, input[1], output[0], error[0], terminal);
	dprintf(CONTROL, "exit %d\n", code_of(status));
	return 0;
}
