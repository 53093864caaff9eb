/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher's parts share. See main.c. */
#ifndef CSN_LAUNCH_H
#define CSN_LAUNCH_H

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <linux/types.h>
#include "../../bpf/abi.h"

#define MAX_VOLUMES 64
#define MAX_GROUPS 64
#define MAX_VERIFIED 101 /* a gate's program and files (src/policy/shape.ts) */

struct options {
	const char *pins;	/* bpffs folder of the monitor, or 0: it is off */
	const char *networks;	/* folder that keeps the networks of contexts */
	const char *scratch;	/* an empty folder to build the file tree on */
	const char *cwd;
	const char *hostname;
	const char *volumes[MAX_VOLUMES]; /* SRC:DST[:ro] */
	int volume_count;
	uint32_t in, out, input; /* contexts of the subject, and of its standard input */
	uint32_t crosses;	/* context of the tags that it may cross, observed; 0: enforce */
	uint32_t compartment;	/* its number; 0: it has none, and no ask */
	const char *cgroup;	/* folder of its control group */
	uint32_t layer;		/* of what it writes outside volumes */
	int layer_given;
	const char *verified[MAX_VERIFIED]; /* DIGEST:PATH, the program first */
	int verified_count;
	int floats; /* what it names to read raises it (float.c) */
	int digests; /* only tell the digests of files */
	int tty, rows, columns;
	int network_only; /* only the network is made, and nothing started */
	int plain; /* no compartment: an ordinary process of the host */
	uid_t uid;
	gid_t gid, groups[MAX_GROUPS];
	int group_count;
	char **argv;
};

/* Ends the launcher: "error STEP ERRNO TEXT" to the daemon, exit 125. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* tree.c: the compartment's own file tree, as the calling process's root. Returns the
 * terminal's slave side, or -1; its master goes to `channel`. */
int build_tree(const struct options *o, int devices, int channel);

/* verify.c: a gate's program and files, as copies that have the right digests */
#define GATE_FOLDER "/run/gate"
void copy_verified(const struct options *o, const char *folder);
void tell_digests(const struct options *o) __attribute__((noreturn));

/* confine.c: before the label, since a labelled subject may not set limits */
void limit_core(void);
/* confine.c: capabilities, user, seccomp. After it nothing can be undone. */
void confine(const struct options *o);

/* monitor.c: the kernel monitor's maps */
int map_open(const struct options *o, const char *name);
void label_device(int devices, const char *path, uint32_t context);
void label_network(int networks, uint64_t cookie, uint32_t context);
void label_object(int objects, int fd, uint32_t context);
void label_self(int subjects, const struct csn_subject *as);

/* network.c: the calling process, and what it starts, gets its context's network */
void join_network(const struct options *o);

/* ask.c: requests from inside. `make_ask` is called inside, the others are the launcher's. */
void make_ask(const char *run, int channel);
void receive_ask(int channel);
int ask_fd(void);
void read_ask(void);
void answer_ask(char *line);

/* float.c: the first is called inside, the others are the launcher's */
enum { FLOAT_LISTENER = 1 << 30 }; /* in what process 1 reports: the rest is its descriptor */
void make_float(int report);
void take_float(pid_t child, int listener);
int float_fd(void);
void read_float(int asks);
void answer_float(void);
/* The host's /proc, also when the compartment's tree is the root. */
int proc_folder(void);

/* relay.c: between the daemon's streams and the program's; returns the wait status */
int relay(const struct options *o, pid_t child, int input, int output, int error, int terminal);
void send_descriptor(int channel, int fd);
int receive_descriptor(int channel);

#endif
