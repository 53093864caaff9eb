/** Routes as the kernel shows them, and what two prefixes share; the addresses of ways out. */
import { deepStrictEqual, strictEqual } from "node:assert";
import { describe, it } from "node:test";
import { bytesOf, covers, parseRange } from "../api/index.ts";
import { overlap, type Prefix, prefixText, routesOf } from "./host-routes.ts";
import { wayOf, WAYS } from "./way-addresses.ts";

const V4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0202000A	0003	0	0	0	00000000	0	0	0
eth0	0002000A	00000000	0001	0	0	0	00FFFFFF	0	0	0
*	0000A8C0	00000000	0201	0	0	0	0000FFFF	0	0	0
csn16	100000F7	00000000	0001	0	0	0	FFFFFFFF	0	0	0
`;
const row = (destination: string, bits: string, flags: string, name: string) =>
  `${destination} ${bits} ${"0".repeat(32)} 00 ${"0".repeat(32)} 00000400 00000001 00000000 ${flags} ${name}\n`;
const V6 =
  row("20010db8000700000000000000000000", "40", "00000001", "world") +
  row("fe800000000000000000000000000000", "40", "00000001", "world") +
  row("00000000000000000000000000000001", "80", "80200001", "lo") +
  row("20010db8000700000000000000000001", "80", "80200001", "world") +
  row("ff000000000000000000000000000000", "08", "00000001", "world") +
  row("00000000000000000000000000000000", "00", "00200200", "lo");

const prefix = (text: string): Prefix => {
  const parsed = parseRange(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.range;
};
const both = (a: string, b: string) => {
  const found = overlap(prefix(a), prefix(b));
  return found && prefixText(found);
};

describe("routes", () => {
  it("are those to other hosts, of both families", () => {
    deepStrictEqual(
      routesOf(V4 + V6).map((route) => `${route.interface} ${prefixText(route)}`),
      ["eth0 0.0.0.0/0", "eth0 10.0.2.0/24", "csn16 247.0.0.16", "world 2001:db8:7::/64"],
    );
  });
  it("share with a range what is in both", () => {
    strictEqual(both("10.0.0.0/8", "10.2.0.0/16"), "10.2.0.0/16");
    strictEqual(both("10.2.0.0/16", "0.0.0.0/0"), "10.2.0.0/16");
    strictEqual(both("10.2.0.0/16", "10.3.0.0/16"), null);
    strictEqual(both("0.0.0.0/0", "::/0"), null);
  });
});

describe("the addresses of ways out", () => {
  it("are of their context alone, and within what no policy can name", () => {
    const ids = [16, 255, 256, 65536, 0xfffffe];
    const ways = ids.map(wayOf);
    strictEqual(new Set(ways.flatMap(({ v4, v6, mac }) => [v4, v6, mac])).size, 3 * ids.length);
    for (const { v4, v6 } of ways)
      for (const [at, address] of [v4, v6].entries()) {
        const family = at === 0 ? 4 : 6;
        strictEqual(covers(WAYS[at]!, { family, bytes: bytesOf(address), bits: 128 }), true, address);
        strictEqual(parseRange(address).ok, false, address);
      }
    deepStrictEqual(wayOf(16), {
      context: 16,
      interface: "csn16",
      mac: "02:63:73:00:00:10",
      v4: "247.0.0.16",
      v6: "fd5c:9a3e:71b4::0:0010",
    });
  });
});
