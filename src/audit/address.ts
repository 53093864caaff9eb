/**
 * Addresses of the internet in words.
 */

/**
 * `10.1.2.3:443`, `[2001:db8::1]:443`; without a port the address alone.
 * @param at of 16 bytes, as IPv6 has them
 */
export function addressText(bytes: Buffer, at: number, port: number): string {
  const isV4 = bytes.toString("hex", at, at + 12) === "00000000000000000000ffff";
  if (isV4) return `${[...bytes.subarray(at + 12, at + 16)].join(".")}${port === 0 ? "" : `:${port}`}`;
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + i * 2).toString(16));
  const host = new URL(`http://[${groups.join(":")}]/`).hostname;
  return port === 0 ? host.slice(1, -1) : `${host}:${port}`;
}
