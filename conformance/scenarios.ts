import type { World } from "./inside.ts";
export type Scenario = { id: string; row: string; run: (world: World) => Promise<string | null> | string | null };
export const scenarios: readonly Scenario[] = [];
