/**
 * What the launcher says when it could not run the program, as an error for people.
 */
import type { DaemonControl, RunRequest } from "../api/index.ts";

type Failed = Extract<DaemonControl, { failed: unknown }>;

const ENOENT = 2;
const ENOTDIR = 20;

/** @param line `exec ERRNO` or `error STEP: ERRNO TEXT` (native/launch/main.c) */
export function launchFailure(line: string, request: RunRequest): Failed {
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
  return failed(
    "E_RUN",
    `the compartment could not be made, at \`${step}\`: ${text}`,
    "`csn doctor` tries what it needs",
    125,
  );
}

function failed(code: string, message: string, hint: string, exit: 125 | 126 | 127): Failed {
  return { failed: { code, message, hint, exit } };
}
