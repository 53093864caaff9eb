/**
 * What the launcher says when it could not run the program, as an error for people.
 */
import type { DaemonControl, RunRequest } from "../api/index.ts";

type Failed = Extract<DaemonControl, { failed: unknown }>;

const ENOENT = 2;
const ENOTDIR = 20;

/** @param line `exec ERRNO` or `error STEP: ERRNO TEXT` (native/launch/main.c) */
export function launchFailure(line: string, request: Pick<RunRequest, "argv">): Failed {
  const program = request.argv[0]!;
  if (line.startsWith("exec ")) {
    const errno = Number(line.slice(5));
    if (errno === ENOENT || errno === ENOTDIR) {
      return failed(
        "E_PROGRAM_NOT_FOUND",
        `expected a program \`${program}\`, found none on the PATH of the compartment`,
        "programs come from the machine that enforces; `--volume` brings in others",
        127,
      );
    }
    return failed(
      "E_PROGRAM_NOT_EXECUTABLE",
      `\`${program}\` can't be executed there (errno ${errno})`,
      "`csn log --refused` shows whether a rule refused it",
      126,
    );
  }
  const [, step = line, text = ""] = /^error (.*): \d+ (.*)$/s.exec(line) ?? [];
  if (step === "core_pattern") {
    return failed(
      "E_CORE_PATTERN",
      "expected core dumps to go to a file, found that the kernel pipes them to a program, which no label reaches",
      "`sysctl kernel.core_pattern=core`",
      125,
    );
  }
  if (step.startsWith("volume")) {
    return failed("E_VOLUME", `${step}: ${text}`, "SRC must exist on the machine that enforces", 125);
  }
  if (step.startsWith("gate: ")) {
    const { code, message, hint } = gateFailure(step, text);
    return failed(code, message, hint, 126);
  }
  return failed(
    "E_RUN",
    `the compartment could not be made, at \`${step}\`: ${text}`,
    "`csn doctor` tries what it needs",
    125,
  );
}

/** A gate's program or file that is not what was offered, or can't be read. @param step of native/launch/verify.c */
export function gateFailure(
  step: string,
  text: string,
): { code: "E_GATE_CHANGED" | "E_GATE_FILE"; message: string; hint: string } {
  const [, what, path = ""] = /^gate: (\w+) ?(.*)$/s.exec(step) ?? [];
  if (what === "changed")
    return {
      code: "E_GATE_CHANGED",
      message: `expected \`${path}\` as it was when the gate was offered, found that it has changed`,
      hint: "nothing ran; its owner offers the gate anew with `csn gate create`, and the grants to it with it",
    };
  if (what === "program")
    return {
      code: "E_GATE_FILE",
      message: `expected a program in ELF format at \`${path}\`, found something else`,
      hint: "for a script: `--program /usr/bin/python3 --file SCRIPT -- SCRIPT`",
    };
  return {
    code: "E_GATE_FILE",
    message: `expected a file that both you and the gate may read at \`${path}\`: ${text.toLowerCase()}`,
    hint: "what a gate consists of has no secrecy label, and all who run it may read it",
  };
}

function failed(code: string, message: string, hint: string, exit: 125 | 126 | 127): Failed {
  return { failed: { code, message, hint, exit } };
}
