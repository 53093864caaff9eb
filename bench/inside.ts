/**
 * The part of the bench that runs in the machine, as root: prints one line with the report.
 * Usage: inside.ts calls | tree | peer NAME TOOLS
 */
import { peers } from "./peers.ts";
import { MARK, type PeerId } from "./report.ts";
import { measureTree } from "./tree.ts";
import { measureCalls } from "./with-monitor.ts";

const [what, name, tools] = process.argv.slice(2) as [string, PeerId, string];
const work = { calls: measureCalls, tree: measureTree, peer: () => peers[name](tools) }[what];
if (work === undefined) throw new Error(`expected calls, tree or peer, found \`${what}\``);
console.log(MARK + JSON.stringify(await work()));
process.exit(0);
