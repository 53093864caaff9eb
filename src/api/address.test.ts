import { deepStrictEqual, match, strictEqual } from "node:assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addressText, covers, endpointText, parseRange, rangeText } from "./address.ts";

const read = (text: string) => {
  const parsed = parseRange(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.range;
};
const refused = (text: string) => {
  const parsed = parseRange(text);
  return parsed.ok ? `taken as ${rangeText(parsed.range)}` : `${parsed.message} | ${parsed.hint}`;
};

describe("address ranges", () => {
  it("are read as users of ip, nft and docker write them, and have one text", () => {
    for (const [text, canonical] of [
      ["10.2.0.0/16:5432", "10.2.0.0/16:5432"],
      ["10.2.0.1", "10.2.0.1"],
      ["10.2.0.1/32:1-65535", "10.2.0.1:1-65535"],
      ["0.0.0.0/0", "0.0.0.0/0"],
      ["2001:DB8:0:0::/32", "2001:db8::/32"],
      ["[2001:db8::]/32:443", "[2001:db8::]/32:443"],
      ["[2001:db8::1]", "2001:db8::1"],
      ["[2001:db8::1]:443-444", "[2001:db8::1]:443-444"],
      ["2001:db8::1:443", "2001:db8::1:443"],
      ["64:ff9b::10.0.0.1/128", "64:ff9b::a00:1"],
      ["::/0", "::/0"],
      ["10.0.0.0/8:7-7", "10.0.0.0/8:7"],
    ] as const)
      strictEqual(rangeText(read(text)), canonical, text);
  });

  it("are 16 bytes for the kernel, IPv4 as part of IPv6", () => {
    const { bytes, bits, first, last } = read("10.2.0.0/16:5432");
    deepStrictEqual([...bytes], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 2, 0, 0]);
    deepStrictEqual([bits, first, last], [112, 5432, 5432]);
    deepStrictEqual([read("::/0").bits, read("0.0.0.0/0").bits], [0, 96]);
  });

  it("host bits beyond the prefix are refused, with both things that may have been meant", () => {
    match(refused("10.2.3.4/16:80"), /`10\.2\.0\.0\/16:80`.*`10\.2\.3\.4:80`/);
    match(refused("2001:db8::1/32"), /`2001:db8::\/32`.*`2001:db8::1`/);
  });

  it("what no policy can speak for is refused with the reason", () => {
    for (const text of ["127.0.0.1", "127.0.0.0/8", "0.0.0.0", "::1", "::", "::/127"])
      match(refused(text), /loopback/, text);
    for (const text of ["224.0.0.1", "239.0.0.0/8", "255.255.255.255", "224.0.0.0/3", "ff02::1", "ff00::/8"])
      match(refused(text), /multicast/, text);
    match(refused("fe80::1"), /link/);
    match(refused("[::ffff:10.0.0.1]:80"), /IPv4 written as IPv6.*`10\.0\.0\.1:80`/);
    match(refused("db.example.org:5432"), /name.*getent ahosts db\.example\.org/);
  });

  it("wider ranges that have loopback and groups inside are taken: these stay what they are", () => {
    for (const text of ["0.0.0.0/0", "::/0", "126.0.0.0/7", "192.0.0.0/2", "::/96", "::/1"])
      strictEqual(rangeText(read(text)), text);
  });

  it("anything else is an error", () => {
    for (const text of [
      "",
      " ",
      "10.2.0",
      "10.2.0.0/33",
      "10.2.0.0/-1",
      "10.2.0.0/08",
      "10.2.0.0/",
      "10.02.0.0",
      "10.2.0.1:",
      "10.2.0.1:0",
      "10.2.0.1:65536",
      "10.2.0.1:2-1",
      "10.2.0.1:1-2-3",
      "10.2.0.1:-5",
      "10.2.0.1:080",
      "10.2.0.1:http",
      "[10.2.0.1]:80",
      "[2001:db8::1",
      "2001:db8::/129",
      "[2001:db8::]:443/32",
      "fe80::1%eth0",
      "10.2.0.1/16/16",
      "10.2.0.1\n",
      "1e1.0.0.0",
      "::ffff:0:0/96",
      "10.2.0.0/16 :80",
    ])
      // prettier-ignore
      match(refused(text), / \| ./, JSON.stringify(text));
  });

  it("text and bytes are the same thing", () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 65535 }), (address, port) => {
        address[0] = 0x20;
        const range = read(endpointText(address, port));
        return (
          range.bytes.every((byte, at) => byte === address[at]) &&
          range.first === port &&
          read(addressText(address)).bits === 128
        );
      }),
    );
  });

  it("cover what is inside of them, each family its own", () => {
    strictEqual(covers(read("10.0.0.0/8"), read("10.2.0.0/16:80")), true);
    strictEqual(covers(read("10.2.0.0/16"), read("10.0.0.0/8")), false);
    strictEqual(covers(read("10.2.0.0/16"), read("10.3.0.0/16")), false);
    strictEqual(covers(read("::/0"), read("10.0.0.0/8")), false);
    strictEqual(covers(read("2001:db8::/33"), read("2001:db8:8000::/33")), false);
  });
});
