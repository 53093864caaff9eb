/**
 * The part of the bench that runs in the machine, as root: prints one line with the report.
 * Usage: inside.ts calls | tree | growth | peer NAME TOOLS | macro NAME,... ARCHIVE | volume TOOLS ARCHIVE
 */
import { measureGrowth } from "./growth-inside.ts";
import { measureMacro } from "./macro.ts";
import { peers } from "./peers.ts";
import { MARK, type PeerId } from "./report.ts";
import { measureTree } from "./tree.ts";
import { measureVolume } from "./volume-inside.ts";
import { measureCalls } from "./with-monitor.ts";

const [what, name, path] = process.argv.slice(2) as [string, string, string];
const work = {
  calls: measureCalls,
  tree: measureTree,
  growth: measureGrowth,
  peer: () => peers[name as PeerId](path),
  macro: () => measureMacro(name, path),
  volume: () => measureVolume(name, path),
}[what];
if (work === undefined)
  throw new Error(`expected calls, tree, growth, peer, macro or volume, found \`${what}\``);
console.log(MARK + JSON.stringify(await work()));
process.exit(0);
