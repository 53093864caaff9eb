/**
 * The second demo, as data: a hospital, a registry, research, two patients and a consultant, each a principal of its
 * own and a user of its own, who don't trust each other.
 *
 * Every step is a command that this user gives; nothing is done on anybody's behalf but the making of principals and
 * of folders, which is the administrator's.
 */
import { ROOT } from "../../setup/index.ts";
import type { Client } from "../client.ts";
import { Refusal } from "../errors.ts";
import type { Ui } from "../ui.ts";
import { must, perform, type Scene } from "./stage.ts";
import type { Step } from "./steps.ts";

export const hospital: Scene = { name: "hospital", setUp, steps, cleanUp };

/** User numbers that no host uses for people; nothing is written to /etc/passwd. */
const USERS = { hospital: 61001, registry: 61002, research: 61003, alice: 61004, bob: 61005, carol: 61006 };
type Who = keyof typeof USERS | "root";

/** Makes folders and files, as root. @param at the demo's folder */
function hospitalData(at: string): string {
  const own = (who: keyof typeof USERS, ...paths: string[]) =>
    `chown -R ${USERS[who]}:${USERS[who]} ${paths.map((path) => `${at}/${path}`).join(" ")}`;
  return `set -e
    mkdir -p ${at}/cases ${at}/registry ${at}/out1 ${at}/out2 ${at}/acme ${at}/bayer ${at}/public
    head -1 ${ROOT}/examples/lung.csv > ${at}/cases/alice.csv
    sed -n 2,20p ${ROOT}/examples/lung.csv >> ${at}/cases/alice.csv
    head -1 ${ROOT}/examples/lung.csv > ${at}/cases/bob.csv
    sed -n 21,40p ${ROOT}/examples/lung.csv >> ${at}/cases/bob.csv
    echo 'compound A' > ${at}/acme/trial.txt
    echo 'compound B' > ${at}/bayer/trial.txt
    chmod 755 ${at} ${at}/*
    ${own("hospital", "cases")}
    ${own("registry", "registry")}
    ${own("research", "out1", "out2")}
    ${own("carol", "acme", "bayer")}
    chmod 777 ${at}/public`;
}

/** A command line as this user, with csn's daemon in reach. */
function asUser(who: Who, script: string): string {
  const csn = `csn() { CSN_SOCKET=/run/csn/csnd.sock sh ${ROOT}/csn "$@"; }`;
  if (who === "root") return `cd /; ${csn}; ${script}`;
  const quoted = `'${`cd /; ${csn}; ${script}`.replaceAll("'", "'\\''")}'`;
  return `cd /; HOME=/tmp exec setpriv --reuid=${USERS[who]} --regid=${USERS[who]} --clear-groups sh -c ${quoted}`;
}

/** @param at the demo's folder */
function steps(at: string): Step[] {
  const step =
    (expected: "allowed" | "refused") =>
    (who: Who, title: string, script: string, verify?: string): Step => ({
      title: `${who}: ${title}`,
      actor: { plain: true },
      argv: ["sh", "-c", asUser(who, script)],
      expected,
      ...(verify === undefined ? {} : { verify }),
    });
  const allowed = step("allowed");
  const refused = step("refused");
  const both = "alice/medical,bob/medical";
  const volume = `--volume ${at}:${at}`;
  return [
    allowed("alice", "alice makes a tag for her medical data", "csn tag list | grep -q ^alice/medical || csn tag create alice/medical"),
    allowed("bob", "so does bob", "csn tag list | grep -q ^bob/medical || csn tag create bob/medical"),
    refused("bob", "bob makes a tag in alice's name", "csn tag create alice/other"),
    allowed("alice", "alice shares it with hospital and registry, under its label", "csn share alice/medical --with hospital,registry"),
    allowed("bob", "so does bob", "csn share bob/medical --with hospital,registry"),

    allowed("hospital", "the hospital puts alice's label on her file", `csn label set ${at}/cases/alice.csv --secrecy alice/medical`),
    allowed("hospital", "and bob's on his", `csn label set ${at}/cases/bob.csv --secrecy bob/medical`),
    allowed("registry", "the registry labels its folder with both", `csn label set ${at}/registry --secrecy ${both}`),
    allowed("registry", "its program joins both files there", `csn run ${volume} --secrecy ${both} -- sh -c 'cat ${at}/cases/*.csv > ${at}/registry/all.csv'`),
    refused("registry", "but not into a public folder", `csn run ${volume} --secrecy ${both} -- sh -c 'cat ${at}/cases/*.csv > ${at}/public/all.csv'; test -s ${at}/public/all.csv`, `test ! -s ${at}/public/all.csv`),
    refused("hospital", "the hospital may take the data on board, not let it out", `csn label clear ${at}/cases/alice.csv`),
    refused("research", "research reads a patient's file", `cat ${at}/cases/alice.csv`),
    refused("research", "research runs a program under a label that was not shared with it", `csn run --secrecy alice/medical -- true`),
    refused("research", "a tag that is none of its business looks as if it did not exist", "csn explain privilege alice/medical"),

    allowed("registry", "the registry offers a gate that keeps three harmless columns", `csn gate create registry/anonymise --program /usr/bin/cut --consent '*/medical' --users research --purpose research -- -d, -f2,3,5`),
    refused("research", "before anybody consented, the gate lets nothing through", `csn gate run registry/anonymise --from ${at}/cases --to ${at}/out1; test -n "$(ls ${at}/out1)"`, `test -z "$(ls ${at}/out1)"`),
    allowed("alice", "alice consents: anonymised, for research, for 90 days", "csn share alice/medical --through registry/anonymise --until 90d --purpose research"),
    allowed("bob", "so does bob", "csn share bob/medical --through registry/anonymise --until 90d --purpose research"),
    allowed("research", "research gets both, anonymised", `csn gate run registry/anonymise --from ${at}/cases --to ${at}/out1`, `test "$(ls ${at}/out1 | wc -l)" = 2 && test "$(cat ${at}/out1/* | grep -cx '"time","status","sex"')" = 2 && test "$(cat ${at}/out1/* | wc -l)" = 41`),
    allowed("bob", "bob sees who may do what, and what the gate did for whom, though alice's data was in the same runs", "csn mine > /tmp/mine-$$ && grep -q 's- on bob/medical to gate:registry/anonymise' /tmp/mine-$$ && grep -q 'registry/anonymise drops bob/medical for research, run by research' /tmp/mine-$$; code=$?; rm -f /tmp/mine-$$; exit $code"),
    allowed("bob", "bob takes his consent back", "csn unshare bob/medical --through registry/anonymise"),
    allowed("research", "the next run leaves him out", `csn gate run registry/anonymise --from ${at}/cases --to ${at}/out2`, `test "$(ls ${at}/out2 | wc -l)" = 1 && test "$(cat ${at}/out2/* | wc -l)" = 20`),

    allowed("registry", "a program of its floats: raised by what it reads, it may write where that may be", `csn run ${volume} --workdir / --float --clearance ${both} -- sh -c 'wc -l ${at}/cases/*.csv > ${at}/registry/lines.txt'`, `cd /; CSN_SOCKET=/run/csn/csnd.sock sh ${ROOT}/csn run ${volume} --secrecy ${both} -- grep -q total ${at}/registry/lines.txt`),
    refused("registry", "before it reads it may talk to whom it likes; then it is stopped at the network", `python3 ${ROOT}/examples/hear.py ${at}/public & listener=$!
      until test -s ${at}/public/port; do sleep 0.2; done
      csn run ${volume} --workdir / --float --clearance ${both} -- python3 ${ROOT}/examples/tell.py ${at}/public/port ${at}/cases/alice.csv
      kill $listener; grep -q time ${at}/public/heard`, `grep -qx hello ${at}/public/heard`),

    allowed("root", "two drug makers share with a consultant; a conflict set allows only one of them", `set -e
      csn tag list | grep -q ^acme/secret || csn tag create acme/secret bayer/secret
      csn tag open acme/secret s+ --as acme
      csn tag open bayer/secret s+ --as bayer
      csn conflict create platform/drug-makers acme/secret bayer/secret`),
    allowed("carol", "she works for the first", `csn label set ${at}/acme --secrecy acme/secret && csn run ${volume} --secrecy acme/secret -- grep -q A ${at}/acme/trial.txt`),
    refused("carol", "and is stopped at the second: history counts", `csn run ${volume} --secrecy bayer/secret -- grep -q B ${at}/bayer/trial.txt`),
  ];
} // prettier-ignore

async function setUp(client: Client, ui: Ui, at: string): Promise<void> {
  ui.note("six users of their own: no line of /etc/passwd is needed, only numbers");
  for (const [name, uid] of Object.entries(USERS)) await makePrincipal(client, name, "person", String(uid));
  for (const name of ["acme", "bayer"]) await makePrincipal(client, name, "tenant", null);
  await must(perform(client, { plain: true }, ["sh", "-c", hospitalData(at)]));
}

/** Unless an earlier demo has. */
async function makePrincipal(client: Client, name: string, type: string, user: string | null): Promise<void> {
  try {
    await client.call("createPrincipal", { body: { name, type, user } });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "E_PRINCIPAL_EXISTS") throw error;
  }
}

/** The administrator's; principals, tags and what was stated stay, as all that is on a record does. */
async function cleanUp(client: Client, at: string): Promise<void> {
  for (const path of ["cases/alice.csv", "cases/bob.csv", "registry", "acme"])
    await client.call("clearLabel", { body: { path: `${at}/${path}` } });
  const script = `csn unshare alice/medical --as alice; csn unshare bob/medical --as bob
    csn gate remove registry/anonymise; csn conflict delete platform/drug-makers; rm -rf ${at}`;
  await must(perform(client, { plain: true }, ["sh", "-c", asUser("root", script)]));
}
