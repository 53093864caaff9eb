/**
 * What the machine tells the host of a run.
 */

/** Steps of a program, its preparation not counted. */
export const PROGRAM_STEPS = 100;

export type Report =
  | {
      readonly kind: "progress" | "end";
      readonly programs: number;
      readonly steps: number;
      readonly disagreements: number;
      readonly attachSeconds: number;
      /** Without boot and attach. */
      readonly seconds: number;
    }
  | {
      readonly kind: "disagreement";
      /** The seed of a program, or what a regression is about. */
      readonly name: number | string;
      readonly text: string;
      readonly at: number;
      /** It disagreed again when it was played a second time. */
      readonly happensAgain: boolean;
      /** The shortest program that was found, in the actor's language. */
      readonly program: readonly string[];
    };
