/**
 * Labelled processes, with what they hold open: `csn ps`.
 */
import { readdirSync, readlinkSync } from "node:fs";
import type { Process } from "../api/index.ts";
import type { Csn } from "./csn.ts";
import { viewShadow } from "./entries.ts";
import { readText } from "./read-text.ts";
import { viewContext } from "./views.ts";

export function processes(csn: Csn): Process[] {
  const found: Process[] = [];
  for (const pid of csn.labelledPids()) {
    const subject = csn.monitor?.subject(pid);
    if (!subject) continue; // it has ended
    const shadow = csn.records.shadows.ofCompartment(subject.compartment);
    const state = readText(`/proc/${pid}/status`);
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(state)?.[1] ?? 0);
    found.push({
      pid,
      ppid: field("PPid"),
      uid: field("Uid"),
      command: commandOf(pid),
      in: viewContext(subject.in, csn.authority),
      out: viewContext(subject.out, csn.authority),
      mode: subject.observed ? "observe" : csn.floating.has(subject.compartment) ? "float" : "enforce",
      shadow: shadow && viewShadow(shadow, csn.authority),
      holds: openFiles(pid),
    });
  }
  return found;
}

/** The launcher is process 1 of its compartment; its own command line is nobody's business. */
function commandOf(pid: number): string {
  const name = readText(`/proc/${pid}/comm`).trim();
  if (name === "csn-launch") return "csn-launch";
  return readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() || name;
}

function openFiles(pid: number): string[] {
  const paths = new Set<string>();
  try {
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      if (target.startsWith("/") && !target.startsWith("/dev/")) paths.add(target);
    }
  } catch {
    // it has ended
  }
  return [...paths].sort();
}
