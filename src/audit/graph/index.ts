/**
 * The log as a graph in columns, and what is reachable in it.
 */
export { BLOCK, type Block, Columns } from "./columns.ts";
export { Contexts, UNKNOWN_CONTEXT } from "./contexts.ts";
export { Entities, type EntityKey } from "./entities.ts";
export { type Annotation, type Boot, type Gap, Graph } from "./graph.ts";
export type { PipeId } from "./gate-run.ts";
export { Interner } from "./interner.ts";
export { longer } from "./labels.ts";
export { Loader } from "./load.ts";
export { isImplied, isNoise, isObserved, isRefused, type Meta, opOf } from "./metas.ts";
export { type InTime, type LooksFor, type Pass, pathTo, type Question as Reach } from "./pass.ts";
export { lastPart } from "./names.ts";
export { reach } from "./reach.ts";
