/**
 * The addresses and names of ways out. Pure.
 *
 * Each context's network has one address of either family, which the host replaces by its own in what leaves; so they
 * only have to be none that anybody could want to reach. 247.0.0.0/8 is reserved, and can have no policy
 * (src/api/address.ts); the IPv6 prefix is a random one of those for private use [RFC 4193]. bpf/way.bpf.c knows it.
 */
import { bytesOf } from "../api/index.ts";
import type { Prefix } from "./host-routes.ts";

export const WAYS_V4 = "247.0.0.0/8";
export const WAYS_V6 = "fd5c:9a3e:71b4::/48";

/** The interface in the context's own network. */
export const INNER = "out";

export type Way = { context: number; interface: string; mac: string; v4: string; v6: string };

/** @param context its id, below 2^24 */
export function wayOf(context: number): Way {
  const bytes = [context >>> 16, (context >>> 8) & 0xff, context & 0xff];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
  return {
    context,
    interface: `csn${context}`,
    // both ends have it: without ARP the kernel sends to the interface's own
    mac: `02:63:73:${hex.join(":")}`,
    v4: `247.${bytes.join(".")}`,
    v6: `fd5c:9a3e:71b4::${bytes[0]!.toString(16)}:${hex[1]}${hex[2]}`,
  };
}

/** Both, as prefixes. */
export const WAYS: readonly Prefix[] = [WAYS_V4, WAYS_V6].map((text) => {
  const [address = "", bits] = text.split("/");
  const family = address.includes(":") ? 6 : 4;
  return { family, bytes: bytesOf(address, family), bits: Number(bits) + (family === 4 ? 96 : 0) };
});
