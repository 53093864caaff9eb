/**
 * Ways out: a context's network gets a link to the host's as long as policy gives some address its context. [NET-1]
 *
 * Guarantee: an interface is judged by the monitor before it is up (bpf/way.bpf.c), and as long as it is there, with
 * or without this daemon. A network has routes to what policy and the host's own routes both have, and to
 * nothing else. What can't be made is said by `why`, and leaves no interface.
 *
 * Asked each time: what is there, and what should be; so an update after a crash ends what was begun. The host's
 * addresses are put in place by a table of its own packet filter, which is the only thing that is its.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { bytesOf } from "../api/index.ts";
import { type Monitor, PINS } from "../kernel/index.ts";
import { type Context, contextEquals, UNLABELLED } from "../label/index.ts";
import { isPresent, networkNeeds, ROOT, systemEnv } from "../setup/index.ts";
import type { Rule } from "./flatten.ts";
import { overlap, type Prefix, prefixText, type Route, ROUTE_FILES, routesOf } from "./host-routes.ts";
import { NETWORKS, networkOf } from "./networks.ts";
import { INNER, type Way, wayOf, WAYS, WAYS_V4, WAYS_V6 } from "./way-addresses.ts";

const INTERFACES = "/sys/class/net";
const NSFS_MAGIC = 0x6e736673;
/** What IPv6 asks of every link: packets too large for a later one would be lost, since no error comes back. */
const MTU_BYTES = 1280;
const FORWARDING = { 4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding" } as const;

/** The monitor judges each packet; here is what needs a memory of connections. */
const TABLE = `table inet csn {
  chain leaving {
    type nat hook postrouting priority srcnat;
    ip saddr ${WAYS_V4} masquerade
    ip6 saddr ${WAYS_V6} masquerade
  }
  chain passing {
    type filter hook forward priority filter;
    iifname "csn*" ct state invalid drop
    oifname "csn*" ct state != established drop
  }
  chain to-the-host {
    type filter hook input priority filter;
    iifname "csn*" drop
  }
  chain from-the-host {
    type filter hook output priority filter;
    oifname "csn*" drop
  }
}
`;
const DROP_TABLE = "add table inet csn\ndelete table inet csn\n";

export class WaysOut {
  #trouble = "";

  /** Why these addresses can't be reached; "" when they can. */
  why(range: Prefix): string {
    const routes = hostRoutes();
    const problem = hostProblem(range.family, routes);
    if (problem !== "") return problem;
    if (!routes.some((route) => overlap(route, range)))
      return "the host itself has no route to these addresses";
    return this.#trouble;
  }

  /** Before a program of that context starts: its network, if it is to have a way out. */
  prepare(monitor: Monitor, rules: readonly Rule[], context: Context): void {
    if (!rules.some((rule) => contextEquals(rule.context, context)) || contextEquals(context, UNLABELLED))
      return;
    const id = String(monitor.contexts.idOf(context));
    const args = ["--pins", PINS, "--in", id, "--out", id, "--networks", NETWORKS, "--network-only"];
    if (this.#attempt(() => run(`${ROOT}/build/csn-launch`, args))) this.update(monitor, rules);
  }

  /** Makes what is missing, takes away what policy has no more. */
  update(monitor: Monitor, rules: readonly Rule[]): void {
    const wanted = wantedRoutes(monitor, rules);
    const present = interfaces();
    this.#trouble = "";
    for (const way of present) if (!wanted.has(way.context)) this.#attempt(() => remove(monitor, way));
    if (wanted.size === 0) {
      if (present.length > 0) this.#attempt(() => run("nft", ["-f", "-"], DROP_TABLE));
      return;
    }
    if (!this.#attempt(() => run("nft", ["-f", "-"], DROP_TABLE + TABLE))) return;
    for (const [context, routes] of wanted) {
      const way = wayOf(context);
      const made = this.#attempt(() => {
        if (!present.some((one) => one.context === context)) make(monitor, way);
        setRoutes(way, routes);
      });
      if (!made) this.#attempt(() => remove(monitor, way));
    }
  }

  #attempt(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: Buffer };
      this.#trouble = `the way out could not be made: ${stderr?.toString().trim().split("\n")[0] || message.split("\n")[0]}`;
      return false;
    }
  }
}

/** Takes all away, also what another daemon left. @throws when one cannot be */
export function removeWaysOut(monitor: Monitor | null): void {
  const present = interfaces();
  for (const way of present) remove(monitor, way);
  if (present.length > 0) run("nft", ["-f", "-"], DROP_TABLE);
}

/** By context, for those whose networks are there: what policy and the host's routes both have. */
function wantedRoutes(monitor: Monitor, rules: readonly Rule[]): Map<number, Prefix[]> {
  const routes = hostRoutes();
  const usable = new Set(([4, 6] as const).filter((family) => hostProblem(family, routes) === ""));
  const wanted = new Map<number, Map<string, Prefix>>();
  for (const { context, range } of rules) {
    if (contextEquals(context, UNLABELLED) || !usable.has(range.family)) continue;
    const id = monitor.contexts.idOf(context);
    if (!isKept(networkOf(id))) continue;
    const found = wanted.get(id) ?? new Map<string, Prefix>();
    for (const route of routes) {
      const both = overlap(route, range);
      if (both !== null) found.set(prefixText(both), both);
    }
    if (found.size > 0) wanted.set(id, found);
  }
  return new Map([...wanted].map(([id, found]) => [id, [...found.values()]]));
}

function make(monitor: Monitor, way: Way): void {
  const end = `address ${way.mac} mtu ${MTU_BYTES}`;
  const isV6 = existsSync("/proc/sys/net/ipv6");
  monitor.ways.mark(way.context, true);
  ip(`link add ${way.interface} ${end} type veth peer name ${INNER} ${end} netns ${networkOf(way.context)}`);
  monitor.ways.guard(indexOf(way), { context: way.context, v4: bytesOf(way.v4), v6: bytesOf(way.v6) });
  for (const family of isV6 ? ["ipv4", "ipv6"] : ["ipv4"])
    writeFileSync(`/proc/sys/net/${family}/conf/${way.interface}/forwarding`, "1");
  ip(
    `link set ${way.interface} arp off addrgenmode none`,
    `link set ${way.interface} up`,
    `route replace ${way.v4}/32 dev ${way.interface}`,
    ...(isV6 ? [`route replace ${way.v6}/128 dev ${way.interface}`] : []),
  );
  inside(
    way,
    `link set ${INNER} arp off addrgenmode none`,
    `link set ${INNER} up`,
    `address replace ${way.v4}/32 dev ${INNER}`,
    ...(isV6 ? [`address replace ${way.v6}/128 dev ${INNER} nodad`] : []),
  );
}

/** New ones first: what stays is there all the time. */
function setRoutes(way: Way, routes: readonly Prefix[]): void {
  const shown = run("nsenter", [
    `--net=${networkOf(way.context)}`,
    "cat",
    ...ROUTE_FILES.filter((path) => existsSync(path)),
  ]);
  const old = routesOf(shown)
    .filter((route) => route.interface === INNER && !WAYS.some((own) => overlap(own, route)))
    .map(prefixText);
  const next = routes.map(prefixText);
  const lines = [
    ...next.filter((text) => !old.includes(text)).map((text) => `route replace ${text} dev ${INNER}`),
    ...old.filter((text) => !next.includes(text)).map((text) => `route delete ${text} dev ${INNER}`),
  ];
  if (lines.length > 0) inside(way, ...lines);
}

function remove(monitor: Monitor | null, way: Way): void {
  if (!existsSync(`${INTERFACES}/${way.interface}`)) return;
  const index = indexOf(way);
  ip(`link delete ${way.interface}`);
  monitor?.ways.forget(index);
  monitor?.ways.mark(way.context, false);
}

/** Why no packet of the family leaves this host; "" when they do. */
function hostProblem(family: 4 | 6, routes: readonly Route[]): string {
  const missing = networkNeeds.find((need) => !isPresent(need));
  if (missing !== undefined)
    return `expected the program \`${missing.command}\`, found none: install the package \`${missing.package}\``;
  const setting = `/proc/sys/${FORWARDING[family]}`;
  if (!existsSync(setting)) return `the host has no IPv${family}`;
  if (readFileSync(setting, "utf8").trim() === "0")
    return `the host forwards no IPv${family}: \`sysctl ${FORWARDING[family].replaceAll("/", ".")}=1\` lets it`;
  const clash = routes.find((route) => !isDefault(route) && WAYS.some((own) => overlap(own, route)));
  if (clash !== undefined)
    return `the host has a route to \`${prefixText(clash)}\`, and the addresses of ways out are within it or it in them`;
  return "";
}

/** A route for all addresses clashes with none. */
function isDefault({ family, bits }: Prefix): boolean {
  return bits <= (family === 4 ? 97 : 3);
}

function hostRoutes(): Route[] {
  const text = ROUTE_FILES.filter((path) => existsSync(path)).map((path) => readFileSync(path, "utf8"));
  return routesOf(text.join("")).filter((route) => !/^csn\d+$/.test(route.interface));
}

function interfaces(): Way[] {
  return readdirSync(INTERFACES)
    .flatMap((name) => /^csn(\d+)$/.exec(name)?.[1] ?? [])
    .map((id) => wayOf(Number(id)))
    .filter((way) => readFileSync(`${INTERFACES}/${way.interface}/address`, "utf8").trim() === way.mac);
}

function indexOf(way: Way): number {
  return Number(readFileSync(`${INTERFACES}/${way.interface}/ifindex`, "utf8"));
}

function isKept(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === NSFS_MAGIC;
}

function ip(...lines: string[]): void {
  run("ip", ["-batch", "-"], lines.join("\n"));
}

function inside(way: Way, ...lines: string[]): void {
  run("nsenter", [`--net=${networkOf(way.context)}`, "ip", "-batch", "-"], lines.join("\n"));
}

function run(command: string, args: readonly string[], input = ""): string {
  return execFileSync(command, args, { input, env: systemEnv(), stdio: "pipe" }).toString();
}
