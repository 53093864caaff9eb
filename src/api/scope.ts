/**
 * What is recorded besides labelled parties, as it is written: `all`, `user:1000`, `cgroup:/system.slice/nginx.service`,
 * `path:/srv/data`, `opaque:/usr/bin/rsync`; `repeats` is also what tells nothing new. [AUD-1, AUD-2]
 */
import { z } from "zod";

export const SCOPE_KINDS = ["all", "repeats", "user", "cgroup", "path", "opaque"] as const;
const MOST_LETTERS = 4096;

export const ScopeEntry = z
  .object({
    kind: z.enum(SCOPE_KINDS),
    value: z
      .string()
      .max(MOST_LETTERS)
      .describe(
        "user: a number; cgroup: a path below /sys/fs/cgroup; path, opaque: absolute; all, repeats: empty",
      ),
  })
  .refine(isWhole, "a number for a user, an absolute path for the others, nothing for `all` and `repeats`");
export type ScopeEntry = z.infer<typeof ScopeEntry>;

export const ScopeView = z.object({
  entry: ScopeEntry,
  inForce: z.boolean(),
  why: z.string().describe("why it is not in force; empty when it is"),
});
export type ScopeView = z.infer<typeof ScopeView>;

/** null: it is none. */
export function parseScope(text: string): ScopeEntry | null {
  const at = text.indexOf(":");
  const kind = at < 0 ? text : text.slice(0, at);
  const parsed = ScopeEntry.safeParse({ kind, value: at < 0 ? "" : text.slice(at + 1) });
  return parsed.success && scopeText(parsed.data) === text ? parsed.data : null;
}

export function scopeText({ kind, value }: ScopeEntry): string {
  return value === "" ? kind : `${kind}:${value}`;
}

function isWhole({ kind, value }: { kind: (typeof SCOPE_KINDS)[number]; value: string }): boolean {
  if (kind === "all" || kind === "repeats") return value === "";
  if (kind === "user") return /^\d{1,10}$/.test(value) && Number(value) < 0xffffffff;
  return value.startsWith("/") && !value.includes("\0") && !value.split("/").includes("..");
}
