/**
 * What a suite of tests is, for tools/test.ts and for conformance/suites.ts, which adds suites of its own.
 */

/** What was asked on the command line. */
export type Options = {
  /** Kernels to run conformance on, such as `6.12`. */
  readonly kernels: readonly string[];
  /** All that are tested in this run, by this process or another: what no kernel decides runs on one of them. */
  readonly together: readonly string[];
  /** Only suites whose name is this or begins with it; null for all. */
  readonly only: string | null;
  /** Also what runs on demand only. */
  readonly all: boolean;
};

export type Count = { readonly passed: number; readonly failed: number; readonly skipped?: number };

/** Some tests with a name. */
export type Suite = {
  readonly name: string;
  /** Set when the suite runs on a kernel: it then only runs if that kernel was asked for. */
  readonly kernel?: string;
  /** Not among those that run when none is named: it takes long, or fetches much. */
  readonly onDemand?: boolean;
  /** Runs the tests, prints what failed and why; throwing counts as one failure. */
  readonly run: (options: Options) => Promise<Count>;
};
