/**
 * What people type about sharing: privileges and terms.
 */
import type { Privilege } from "../api/index.ts";
import { CliError } from "./errors.ts";

const KNOWN: readonly Privilege[] = ["s+", "s-", "i+", "i-"];

/** `s+,s-`. @throws CliError E_USAGE */
export function privilegesOf(text: string): Privilege[] {
  const parts = [...new Set(text.split(","))];
  const wrong = parts.find((part) => !KNOWN.includes(part as Privilege));
  if (wrong === undefined) return parts as Privilege[];
  throw new CliError(
    "E_USAGE",
    `expected privileges (${KNOWN.join(", ")}) separated by commas, found \`${wrong}\``,
    "`s+` take secrecy on, `s-` take it off, `i+` vouch, `i-` stop vouching",
  );
}

/** `2027-06-01` (its beginning, UTC), `2027-06-01T12:00:00Z`, or `90d`, `12h`, `30m` from now. @throws CliError E_USAGE */
export function dateOf(text: string, now: Date = new Date()): string {
  const span = /^(\d{1,6})([mhd])$/.exec(text);
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000 };
  const date =
    span === null
      ? new Date(/^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/.test(text) ? text : NaN)
      : new Date(now.getTime() + Number(span[1]) * unit[span[2] as keyof typeof unit]);
  if (!Number.isNaN(date.getTime()) && date > now) return date.toISOString();
  throw new CliError(
    "E_USAGE",
    `expected a date that is to come, found \`${text}\``,
    "write `2027-06-01`, or a time from now: `90d`, `12h`, `30m`",
  );
}
