/**
 * What the suite "software" takes from Debian, as data: for each program the packages, by what must be
 * there afterwards.
 */
import type { Need } from "../../src/setup/index.ts";

const why = "run it under a label, in the suite `software`";
const command = (name: string, from = name): Need => ({ command: name, package: from, why });
/** By path: a developer's own build of it earlier on the PATH is not what Debian ships. */
const file = (path: string, from: string): Need => ({ files: [path], package: from, why });

/** Debian's releases differ in the version, and so in the folder. */
const POSTGRES = [15, 16, 17, 18, 19];

export const python: readonly Need[] = [file("/usr/bin/python3", "python3")];

export const needs = {
  git: [file("/usr/bin/git", "git")],
  sqlite: [command("sqlite3")],
  gcc: [
    command("gcc"),
    command("make"),
    { files: ["/usr/include/stdio.h"], package: "libc6-dev", why },
    command("apt-get", "apt"),
  ],
  python,
  node: [file("/usr/bin/node", "nodejs")],
  java: [command("javac", "default-jdk-headless")],
  postgresql: [
    {
      files: POSTGRES.map((version) => `/usr/lib/postgresql/${version}/bin/postgres`),
      package: "postgresql",
      why,
    },
    {
      files: POSTGRES.map((version) => `/usr/lib/postgresql/${version}/bin/psql`),
      package: "postgresql-client",
      why,
    },
  ],
  redis: [command("redis-server"), command("redis-cli", "redis-tools")],
  nginx: [command("nginx", "nginx-light"), command("curl"), command("wrk")],
  chromium: [command("chromium-headless-shell")],
  attacks: [
    ...python,
    command("curl"),
    command("perl", "perl-base"),
    command("gcc"),
    command("busybox", "busybox-static"),
  ],
} as const satisfies Record<string, readonly Need[]>;

export type ProgramName = keyof typeof needs;
export const programNames = Object.keys(needs) as ProgramName[];
