/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Only for tools/check-abi.ts: an object whose type information holds all of abi.h. */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
#include "abi.h"

#define KEEP(kind, name) kind name keep_##name;
KEEP(enum, csn_limits)
KEEP(enum, csn_context_id)
KEEP(enum, csn_ask)
KEEP(enum, csn_scope)
KEEP(enum, csn_mark)
KEEP(enum, csn_record_kind)
KEEP(enum, csn_record_flags)
KEEP(enum, csn_entry_flags)
KEEP(enum, csn_device_flags)
KEEP(enum, csn_subject_flags)
KEEP(enum, csn_object_flags)
KEEP(enum, csn_network_flags)
KEEP(enum, csn_op)
KEEP(enum, csn_entity_kind)
KEEP(enum, csn_channel)
KEEP(enum, csn_verdict)
KEEP(enum, csn_world)
KEEP(struct, csn_label)
KEEP(struct, csn_context)
KEEP(struct, csn_subject)
KEEP(struct, csn_object)
KEEP(struct, csn_key)
KEEP(struct, csn_entry)
KEEP(struct, csn_device)
KEEP(struct, csn_network)
KEEP(struct, csn_way)
KEEP(struct, csn_ports)
KEEP(struct, csn_range)
KEEP(struct, csn_entity)
KEEP(struct, csn_record)
KEEP(struct, csn_end)
KEEP(struct, csn_name_record)
KEEP(struct, csn_process)
KEEP(struct, csn_process_record)
KEEP(struct, csn_request)
KEEP(struct, csn_control)
