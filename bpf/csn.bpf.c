/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel monitor: all worlds in one object. See ARCHITECTURE.md, "The life of a
 * flow". One program a hook; a `?` marks a hook that some supported kernels lack, and
 * src/kernel turns it on where the kernel's type information has it.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#ifdef CSN_FLOOR
#include "floor.bpf.h"
#endif
#ifdef CSN_MUTANTS
#include "mutants.bpf.h"
#endif

#include "abi.h"
#include "label.bpf.h"
#include "maps.bpf.h"
#include "object.bpf.h"
#include "worlds.bpf.h"
#include "record.bpf.h"
#include "scope.bpf.h"
#include "observe.bpf.h"
#include "address.bpf.h"
#include "news.bpf.h"
#include "memory.bpf.h"
#include "channel.bpf.h"
#include "decide.bpf.h"

#include "file.bpf.c"
#include "wait.bpf.c"
#include "inode.bpf.c"
#include "task.bpf.c"
#include "socket.bpf.c"
#include "way.bpf.c"
#include "letter.bpf.c"
#include "ipc.bpf.c"
#include "key.bpf.c"
#include "system.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
