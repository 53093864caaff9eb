import { deepStrictEqual } from "node:assert";
import { it } from "node:test";
import { parseRange } from "../api/index.ts";
import { OPS, SHAPE } from "../kernel/index.ts";
import { entityText, policyBytes } from "./entity-text.ts";

const R = SHAPE.csn_record;

function text(
  op: string,
  kind: string,
  first: Uint8Array | bigint,
  second: number,
  bytes: number,
  known?: string,
  third = 0,
) {
  const record = Buffer.alloc(R.size);
  record.writeUInt16LE(OPS.indexOf(op as never), R.op);
  record.writeBigUInt64LE(BigInt(bytes), R.bytes);
  if (typeof first === "bigint") record.writeBigUInt64LE(first, R.sink);
  else record.set(first, R.sink);
  if (typeof first === "bigint") record.writeUInt32LE(second, R.sink + 8);
  if (typeof first === "bigint") record.writeUInt32LE(third, R.sink + 12);
  return Object.values(entityText(record, R.sink, kind, known));
}

it("the ends of records: addresses, ranges of policy, System V, keys", () => {
  for (const range of [
    "10.2.0.0/16:5432",
    "10.2.0.1",
    "0.0.0.0/0",
    "2001:db8::/32",
    "[2001:db8::]/32:443-444",
    "::/0",
  ]) {
    const parsed = parseRange(range);
    if (!parsed.ok) throw new Error(parsed.message);
    deepStrictEqual(text("network", "address", parsed.range.bytes, 0, policyBytes(parsed.range)), [
      range,
      range,
    ]);
  }
  const bytes = (range: string) => {
    const parsed = parseRange(range);
    return parsed.ok ? parsed.range.bytes : new Uint8Array(16);
  };
  deepStrictEqual(text("connect", "address", bytes("10.2.0.1"), 0, 5432, "/a/file"), [
    "10.2.0.1:5432",
    "10.2.0.1:5432",
  ]);
  deepStrictEqual(text("send", "address", bytes("2001:db8::1"), 0, 443)[0], "[2001:db8::1]:443");
  deepStrictEqual(text("send", "address", bytes("2001:db8::1"), 0, 0)[0], "2001:db8::1");
  deepStrictEqual(text("sysv", "ipc", 5n, 4026531839, 0), [
    "System V object 5 of namespace 4026531839",
    "4026531839:5:0",
  ]);
  deepStrictEqual(
    text("sysv", "ipc", 5n, 4026531839, 0, undefined, 2)[0],
    "System V queue 5 of namespace 4026531839",
  );
  deepStrictEqual(text("key", "key", 77n, 0, 0), ["key 77", "77"]);
  deepStrictEqual(text("read", "file", 5n, 8 << 20, 0, "/a/b"), ["/a/b", "8:0:5:0"]);
});

it("a socket is called by the thing that both ends have", () => {
  const name = (third: number, first: bigint, known?: string) =>
    text("send", "socket", first, 9, 0, known, third)[0];
  deepStrictEqual(
    [
      name(0, 77n, "…/TCP"),
      name(1, 39n, "…/UNIX-STREAM"),
      name(2, 0x1234_5678_9abc_000fn, "…/TCP"),
      name(2, 0x1234_5678_9abc_000fn, "…/TCP 10.1.2.3:443 - [2001:db8::1]:50000"),
      name(3, (4097n << 16n) | 5432n, "…/MPTCP"),
      name(4, (4097n << 16n) | 53n, "…/UDP"),
      name(5, 78n, "…/UNIX"),
      name(4, 53n),
      name(6, 1n, "…/NEW"),
    ],
    ["…/TCP", "UNIX-STREAM pair 39", "TCP connection 000f", "TCP connection 10.1.2.3:443 - [2001:db8::1]:50000", "MPTCP port 5432", "UDP port 53", "UNIX socket 78", "socket port 53", "…/NEW"],
  ); // prettier-ignore
});
