/** What bench/volume-inside.ts measures in the machine, and the text that bench/volume.ts makes of it. Pure. */

/** What is done once; see bench/volume-inside.ts. */
export const UNITS = {
  pipe: "1 GB through a pipe (dd to dd, 64 KiB at a time)",
  unpack: "tar unpacks bzip2's source",
  compile: "make and gcc build a part of bzip2",
  sqlite: "SQLite: 1,000 inserts in 10 transactions, and 100 questions",
  pgbench: "pgbench: 50 transactions on PostgreSQL, server included",
  page: "curl fetches a page from nginx, server included",
} as const;
export type UnitId = keyof typeof UNITS;
export const unitIds = Object.keys(UNITS) as UnitId[];

/** `merged`: flows that a record stands for besides its own, or that no record counts. */
export type CsnVolume = { bytes: number; flows: number; descriptions: number; merged: number; lost: number };
/** `events`: calls; each is several records of auditd's. */
export type AuditVolume = { bytes: number; events: number; lost: number };
export type Flood = { seconds: number; pipes: number; recorded: number; lost: number };

export type VolumeReport = {
  kernel: string;
  units: Record<UnitId, { csn: CsnVolume; auditd: AuditVolume }>;
  /** `nothing`: neither is attached. */
  flood: { nothing: Flood; csn: Flood; auditd: Flood };
};

/** CamFlow's, for one wget, as published. */
/** Of two dd, 15,259 blocks each. */
const PIPE_CALLS = 4 * 15_259;
const CAMFLOW_WGET = 12_450;

export function volumeText({ units, flood }: VolumeReport): string[] {
  const rows = unitIds.map((id) => {
    const { csn, auditd } = units[id];
    return `| ${UNITS[id]} | ${number(csn.bytes)} | ${number(csn.flows)} + ${number(csn.descriptions)} | ${number(csn.merged)} | ${number(auditd.bytes)} | ${number(auditd.events)} | ${number(auditd.lost)} | ${ratio(auditd.bytes, csn.bytes)} |`;
  });
  const rate = ({ pipes, seconds }: Flood) => pipes / seconds;
  const line = (name: string, f: Flood) =>
    `| ${name} | ${number(rate(f))} | ${(rate(f) / rate(flood.nothing)).toFixed(2)} | ${number(f.recorded / f.seconds)} | ${number(f.lost)} | ${f.recorded === 0 ? "" : `${((100 * f.lost) / (f.lost + f.recorded)).toFixed(1)} %`} |`;
  return [
    "| once | csn: bytes | records: flows + descriptions | flows merged | auditd: bytes | calls | lost | auditd / csn, bytes |",
    "|---|---:|---:|---:|---:|---:|---:|---:|",
    ...rows,
    "",
    `CamFlow's published figure for one \`wget\` is ${number(CAMFLOW_WGET)} bytes of PROV-JSON, for the client alone; the last row above has client and server.`,
    "",
    `The first row makes ${number(PIPE_CALLS)} reads and writes at least; auditd's log has ${number(units.pipe.auditd.events)} calls of it. Where it has fewer, which was seen in some runs though it said that it lost none, auditd's figures are lower bounds. csn leaves out /dev/zero and /dev/null, through which nothing goes on.`,
    "",
    "| flood: pipes that carry one byte, nothing to merge | pipes a second | of nothing attached | records a second | lost | of all |",
    "|---|---:|---:|---:|---:|---:|",
    line("nothing attached", flood.nothing),
    line("csn", flood.csn),
    line("auditd", flood.auditd),
    "",
    `Two processes flood, on the machine's two processors, which whoever reads the records needs as well. auditd keeps up because the kernel lets the processes wait for it; csn's do not wait, and what finds no room is a gap on the record, or refused after \`csn up --on-full refuse\`. ${flood.csn.lost > 0 ? "So the records a second of csn are the most that it sustains there without a loss" : "The most that csn sustains without a loss was not reached"}; the most that auditd lets through is its own.`,
  ];
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function ratio(a: number, b: number): string {
  return b === 0 ? "" : `${(a / b).toFixed(1)}×`;
}
