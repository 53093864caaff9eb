/**
 * Compares src/kernel/abi.ts with bpf/abi.h, through the type information of the compiled object: sizes,
 * offsets and numbers. Needs a compiled object and bpftool, no kernel.
 *
 * Not covered: what the fields mean.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt, findCommand, silent } from "../src/setup/index.ts";
import * as abi from "../src/kernel/abi.ts";
import { root } from "./files.ts";

type BtfType = {
  kind: string;
  name: string;
  size?: number;
  members?: { name: string; bits_offset: number }[];
  values?: { name: string; val: number }[];
};

/** Enums of C, and their names in TypeScript. */
const ENUMS: Record<string, { prefix: string; names: Record<string, number> }> = {
  csn_limits: { prefix: "CSN_", names: abi.LIMITS },
  csn_context_id: { prefix: "CSN_CTX_", names: abi.CONTEXT_ID },
  csn_ask: { prefix: "CSN_ASK_", names: abi.ASK },
  csn_scope: { prefix: "CSN_SCOPE_", names: abi.SCOPE },
  csn_mark: { prefix: "CSN_MARK_", names: abi.MARK },
  csn_record_kind: { prefix: "CSN_KIND_", names: abi.KIND },
  csn_record_flags: { prefix: "CSN_FLAG_", names: abi.FLAG },
  csn_entry_flags: { prefix: "CSN_ENTRY_", names: { SELF: abi.ENTRY_SELF } },
  csn_subject_flags: { prefix: "CSN_SUBJECT_", names: abi.SUBJECT },
  csn_object_flags: { prefix: "CSN_OBJECT_", names: abi.OBJECT },
  csn_device_flags: { prefix: "CSN_DEVICE_", names: { VOLATILE: abi.DEVICE_VOLATILE } },
  csn_network_flags: { prefix: "CSN_NETWORK_", names: { OPEN: abi.NETWORK_OPEN } },
  csn_op: { prefix: "CSN_OP_", names: numbered(abi.OPS) },
  csn_entity_kind: { prefix: "CSN_ENTITY_", names: numbered(abi.ENTITY_KINDS) },
  csn_channel: { prefix: "CSN_CHANNEL_", names: abi.CHANNEL },
  csn_world: { prefix: "CSN_WORLD_", names: abi.WORLD },
  csn_verdict: { prefix: "CSN_", names: numbered(abi.VERDICTS.map((v) => v.name)) },
};

function numbered(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name, i) => [name.toUpperCase(), i]));
}

/** @returns what differs; empty when nothing does */
export async function checkAbi(): Promise<string[]> {
  await ensureBuilt(silent);
  const object = join(root, "build/abi.o");
  if (!existsSync(object)) return ["build/abi.o is missing"];
  const bpftool = findCommand("bpftool") ?? "bpftool";
  const output = execFileSync(bpftool, ["-j", "btf", "dump", "file", object], { maxBuffer: 1 << 26 });
  const { types } = JSON.parse(output.toString()) as { types: BtfType[] };
  return [...compareShapes(types), ...compareEnums(types)];
}

function compareShapes(types: readonly BtfType[]): string[] {
  const problems: string[] = [];
  for (const [name, shape] of Object.entries(abi.SHAPE) as [string, Record<string, number>][]) {
    const type = types.find((t) => t.kind === "STRUCT" && t.name === name);
    if (type === undefined) {
      problems.push(`struct ${name}: not in the object`);
      continue;
    }
    for (const [field, value] of Object.entries(shape)) {
      const found = field === "size" ? type.size : member(type, field);
      if (found !== value)
        problems.push(`struct ${name}, ${field}: ${value} in TypeScript, ${found ?? "nothing"} in C`);
    }
  }
  return problems;
}

function member(type: BtfType, field: string): number | undefined {
  const bits = type.members?.find((m) => m.name === field)?.bits_offset;
  return bits === undefined ? undefined : bits / 8;
}

function compareEnums(types: readonly BtfType[]): string[] {
  const problems: string[] = [];
  for (const [name, { prefix, names }] of Object.entries(ENUMS)) {
    const type = types.find((t) => t.kind.startsWith("ENUM") && t.name === name);
    if (type === undefined) {
      problems.push(`enum ${name}: not in the object`);
      continue;
    }
    const inC = Object.fromEntries((type.values ?? []).map((v) => [v.name.replace(prefix, ""), v.val]));
    for (const key of new Set([...Object.keys(inC), ...Object.keys(names)])) {
      if (inC[key] !== names[key])
        problems.push(
          `enum ${name}, ${key}: ${names[key] ?? "nothing"} in TypeScript, ${inC[key] ?? "nothing"} in C`,
        );
    }
  }
  return problems;
}

if (import.meta.main) {
  const problems = await checkAbi();
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
