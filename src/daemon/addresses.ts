/**
 * Policy for addresses outside the host: set, unset, list, bring back. [NET-1]
 *
 * Guarantee: when `setAddress` or `unsetAddress` returns, the policy is enforced and stored; when one throws, it
 * is neither. The order is kernel, then disk, as with labels (labels.ts): a crash between the two loses what
 * nobody was told of, since the next daemon makes the kernel's policy the stored one.
 *
 * Who may: the owner of every tag of the context, and of every rule that has decided for these addresses so far;
 * root for all, and alone for a context without a tag, which takes addresses out of a wider range.
 *
 * It holds for the next packet of connections that exist, too. The way out follows (way-out.ts): where it can't be
 * made the policy stands, and the answer says that the addresses are not reachable.
 */
import {
  type AddressRange,
  covers,
  NetworkSet,
  type NetworkRule,
  NetworkUnset,
  parseRange,
  rangeText,
} from "../api/index.ts";
import type { Monitor } from "../kernel/index.ts";
import { type Context, contextEquals, contextKey, parseContextKey, UNLABELLED } from "../label/index.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { flatten, type Rule, storedRange } from "./flatten.ts";
import type { Authority } from "./authority.ts";
import { type Caller, requireRoot } from "./identity.ts";
import { recordAddress } from "./run-events.ts";
import type { Store, StoredAddress } from "./store.ts";
import { parse } from "./parse.ts";
import { requireRelease } from "./privileges.ts";
import { bookFor, readContext, viewContext } from "./views.ts";

export function listAddresses(csn: Csn, caller: Caller): NetworkRule[] {
  return csn.store
    .addresses()
    .map((stored) => ({ stored, range: storedRange(stored.address) }))
    .sort((a, b) => inOrder(a.range, b.range))
    .map(({ stored }) => viewRule(stored, csn, caller));
}

export function setAddress(csn: Csn, caller: Caller, body: unknown): NetworkRule {
  const request = parse(NetworkSet, body);
  const range = readRange(request.address);
  const context = readContext(request.context, bookFor(csn.authority, caller));
  const rules = rulesOf(csn.store);
  const next = withRange(caller, csn.authority, rules, { range, context });
  const address = rangeText(range);
  const before = rules.find((rule) => rangeText(rule.range) === address)?.context ?? UNLABELLED;
  const stored = change(csn, caller, { old: rules, next, moved: [{ range, before, context }] }, () =>
    csn.store.putAddress(address, contextKey(context)),
  );
  return viewRule(stored, csn, caller);
}

type Change = {
  old: readonly Rule[];
  next: readonly Rule[];
  /** Ranges whose context becomes another one. */
  moved: readonly (Rule & { before: Context })[];
};

/**
 * Several at once, with what else is to be written: all is, or nothing.
 *
 * @param write what else: calls what it is given inside its transaction
 */
export function changeAddresses<T>(
  csn: Csn,
  caller: Caller,
  unset: ReadonlySet<string>,
  set: readonly Rule[],
  write: (also: () => void) => T,
): T {
  const rules = rulesOf(csn.store);
  const gone = rules.filter(({ range }) => unset.has(rangeText(range)));
  requireOwners(caller, csn.authority, gone, "take their context away");
  let next = rules.filter((rule) => !gone.includes(rule));
  const moved = gone.map((rule) => ({ ...rule, before: rule.context, context: UNLABELLED }));
  const put: Rule[] = [];
  for (const rule of set) {
    const same = next.find(({ range }) => rangeText(range) === rangeText(rule.range));
    if (same !== undefined && contextEquals(same.context, rule.context)) continue;
    next = withRange(caller, csn.authority, next, rule);
    put.push(rule);
    moved.push({ ...rule, before: same?.context ?? UNLABELLED });
  }
  if (moved.length === 0 && put.length === 0) return write(() => {});
  const also = () => {
    for (const { range } of gone) csn.store.removeAddress(rangeText(range));
    for (const { range, context } of put) csn.store.putAddress(rangeText(range), contextKey(context));
  };
  return change(csn, caller, { old: rules, next, moved }, () => write(also));
}

/** @throws CsnError E_NETWORK_OVERLAP, E_NOT_PERMITTED */
function withRange(
  caller: Caller,
  authority: Authority,
  rules: readonly Rule[],
  { range, context }: Rule,
): Rule[] {
  const address = rangeText(range);
  const clash = rules.find(
    (rule) =>
      isSamePrefix(rule.range, range) && sharePorts(rule.range, range) && rangeText(rule.range) !== address,
  );
  if (clash !== undefined)
    throw new CsnError(
      "E_NETWORK_OVERLAP",
      `expected ports that no other range of these addresses has, found \`${rangeText(clash.range)}\`, which shares some with \`${address}\``,
      `\`csn network unset ${rangeText(clash.range)}\` first, or give other ports`,
      409,
    );
  const decided = rules.filter((rule) => covers(rule.range, range) && sharePorts(rule.range, range));
  requireOwners(caller, authority, [{ range, context }, ...decided], "give these addresses a context");
  return [...rules.filter((rule) => rangeText(rule.range) !== address), { range, context }];
}

/** @returns what it was */
export function unsetAddress(csn: Csn, caller: Caller, body: unknown): NetworkRule {
  const address = rangeText(readRange(parse(NetworkUnset, body).address));
  const rules = rulesOf(csn.store);
  const rule = rules.find(({ range }) => rangeText(range) === address);
  const stored = csn.store.addresses().find((one) => one.address === address);
  if (rule === undefined || stored === undefined)
    throw new CsnError(
      "E_NETWORK_UNKNOWN",
      `expected a range of addresses that has a context, found \`${address}\`, which was not set as such`,
      "`csn network list` shows all; write it as there, ports included",
      404,
    );
  requireOwners(caller, csn.authority, [rule], "take their context away");
  const next = rules.filter((one) => one !== rule);
  const moved = [{ range: rule.range, before: rule.context, context: UNLABELLED }];
  change(csn, caller, { old: rules, next, moved }, () => csn.store.removeAddress(address));
  return viewRule(stored, csn, caller);
}

/** Makes the stored policy the kernel's, which lacks it, or has a part of another. */
export function restoreAddresses(monitor: Monitor, store: Store): void {
  monitor.ranges.replace(flatten(rulesOf(store)));
}

/** That it changes is on the record before it does, and so is that it was undone. */
function change<T>(csn: Csn, caller: Caller, { old, next, moved }: Change, store: () => T): T {
  const entries = flatten(next);
  const monitor = csn.attached();
  const told = moved.filter(({ before, context }) => !contextEquals(before, context));
  for (const { before, context, range } of told) recordAddress(csn, caller, before, context, range);
  let stored: T;
  try {
    monitor.ranges.replace(entries);
    stored = store();
  } catch (error) {
    for (const { before, context, range } of told) recordAddress(csn, caller, context, before, range);
    monitor.ranges.replace(flatten(old));
    throw error;
  }
  csn.waysOut.update(monitor, next);
  return stored;
}

export function rulesOf(store: Store): Rule[] {
  return store.addresses().map(({ address, context }) => ({
    range: storedRange(address),
    context: parseContextKey(context),
  }));
}

/** @throws CsnError E_NETWORK_ADDRESS */
function readRange(text: string): AddressRange {
  const parsed = parseRange(text);
  if (parsed.ok) return parsed.range;
  throw new CsnError("E_NETWORK_ADDRESS", parsed.message, parsed.hint, 400);
}

function requireOwners(caller: Caller, authority: Authority, rules: readonly Rule[], what: string): void {
  for (const { context } of rules) {
    if (contextEquals(context, UNLABELLED))
      requireRoot(caller, "take addresses out of a wider range, or back in");
    requireRelease(authority, caller, context, what);
  }
}

function viewRule({ address, context: key, created }: StoredAddress, csn: Csn, caller: Caller): NetworkRule {
  const context = parseContextKey(key);
  // unlabelled programs are in the host's own network
  const why = contextEquals(context, UNLABELLED) ? "" : csn.waysOut.why(storedRange(address));
  return {
    address,
    context: viewContext(context, bookFor(csn.authority, caller)),
    created,
    reachable: why === "",
    why,
  };
}

function isSamePrefix(a: AddressRange, b: AddressRange): boolean {
  return a.bits === b.bits && covers(a, b);
}

function sharePorts(a: AddressRange, b: AddressRange): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** IPv4 first, then by address; the wider range first. */
function inOrder(a: AddressRange, b: AddressRange): number {
  return a.family - b.family || Buffer.compare(a.bytes, b.bytes) || a.bits - b.bits || a.first - b.first;
}
