/**
 * The third demo, as data: a file of patients, ten programs that use it, one that tries to take it out, and a claim
 * that it was leaked, raised twice: false, then true. Then a copy of the log is changed, and that shows.
 *
 * Nothing is played: each answer is the record's, asked by the same command that anybody would give.
 */
import { ROOT } from "../../setup/index.ts";
import type { Client } from "../client.ts";
import { Refusal } from "../errors.ts";
import type { Ui } from "../ui.ts";
import { type Actor, must, perform, type Scene } from "./stage.ts";
import type { Step } from "./steps.ts";

export const evidence: Scene = { name: "evidence", setUp, steps, cleanUp };

/** Its own for each run, so that what an earlier one left on the record is not taken for this one's. */
const tagOf = (at: string) => `hospital/patients-${at.slice(at.lastIndexOf("-") + 1)}`;
const VENDOR = 61010;

function steps(at: string): Step[] {
  const tag = tagOf(at);
  const gate = `${tag}-wide`;
  const data = `${at}/ward/patients.csv`;
  const ward: Actor = { context: { secrecy: [tag] }, volumes: [`${at}:${at}`] };
  const step = (expected: Step["expected"], actor: Actor, title: string, script: string, verify?: string): Step => ({
    title,
    actor,
    argv: ["sh", "-c", script],
    expected,
    ...(verify === undefined ? {} : { verify }),
  });
  const uses = (title: string, script: string) => step("allowed", ward, title, script);
  const tries = (title: string, script: string, verify: string) => step("refused", ward, title, script, verify);
  /** @param answer what else it wrote, shown when it is not as it should be */
  const asks = (title: string, script: string, answer = "/dev/null") =>
    step("allowed", { plain: true }, title, `csn() { CSN_SOCKET=/run/csn/csnd.sock sh ${ROOT}/csn "$@"; }; cd /; { ${script}
    } || { head -c 4000 ${answer} >&2; exit 1; }`);
  const leak = `csn leak --of ${data} --to uid:${VENDOR}`;
  return [
    uses("awk counts by sex", `awk -F, '{ n[$5]++ } END { for (k in n) print k, n[k] }' ${data} > ${at}/ward/by-sex.txt`),
    uses("sort orders them", `sort -t, -k4n ${data} > ${at}/ward/sorted.csv`),
    uses("head takes the first", `head -5 ${at}/ward/sorted.csv > ${at}/ward/first.csv`),
    uses("cut keeps two columns", `cut -d, -f4,5 ${data} > ${at}/ward/ages.csv`),
    uses("grep finds some", `grep -c '"' ${data} > ${at}/ward/count.txt`),
    uses("gzip packs it", `gzip -c ${data} > ${at}/ward/patients.csv.gz`),
    uses("tar packs the folder's report", `tar cf ${at}/ward/report.tar -C ${at}/ward by-sex.txt ages.csv`),
    uses("sha256sum signs for it", `sha256sum ${data} > ${at}/ward/sum.txt`),
    uses("sed writes it anew", `sed s/male/m/ ${data} > ${at}/ward/short.csv`),
    uses("python3 computes a mean", `python3 -c "import csv; r = [int(x['age']) for x in csv.DictReader(open('${data}'))]; open('${at}/ward/mean.txt', 'w').write(str(sum(r) / len(r)))"`),

    tries("a program copies it to the vendor's folder", `cp ${data} ${at}/vendor/a.csv`, `test ! -e ${at}/vendor/a.csv`),
    tries("packed, under another name", `gzip -c ${data} > ${at}/vendor/holiday.jpg`, `test ! -s ${at}/vendor/holiday.jpg`),
    tries("as a file's name", `touch "${at}/vendor/$(head -c 6 ${data})"`, `test -z "$(ls ${at}/vendor)"`),
    tries("over the network", "python3 -c \"import socket; socket.create_connection(('127.0.0.1', 9), 2)\"", "true"),
    { title: "on the screen of somebody who is not cleared", actor: ward, argv: ["cat", data], expected: "withheld" },

    asks("the claim: the hospital leaked patients to the vendor. The record says no, and what it looked at", `
      ${leak} > ${at}/no.txt; test $? = 0 && grep -q '^no: ' ${at}/no.txt && grep -q '^looked at: ' ${at}/no.txt`, `${at}/no.txt`),
    asks("and it has the attempts", `csn leak --of ${data} --to ${at}/vendor --json > ${at}/no.json; test $? = 0 && grep -q '"refused"' ${at}/no.json`, `${at}/no.json`),
    asks("the hospital offers a gate whose output is too wide, and grants it", `
      csn gate create ${gate} --program /usr/bin/cut --in S=${tag} --purpose statistics -- -c1-1000 && csn tag grant ${tag} s- --to gate:${gate}`),
    asks("the vendor's clerk runs it, and has every line", `
      csn run --secrecy ${tag} --volume ${at}:${at} --via ${gate} -- cat ${data} > ${at}/vendor/all.csv && cmp ${at}/vendor/all.csv ${at}/copy.csv`),
    asks("the claim again: yes, by this path, by that run of the gate, by the hospital's own grant", `
      csn leak --of ${data} --to outside --json > ${at}/yes.json; test $? = 2 && grep -q '"${gate}"' ${at}/yes.json && grep -q '"by": "hospital"' ${at}/yes.json`, `${at}/yes.json`),
    asks("where it went, as a picture", `csn trace from ${data} --format svg > ${at}/way.svg && grep -q '</svg>' ${at}/way.svg && grep -q ${gate.split("/")[1]} ${at}/way.svg`, `${at}/way.svg`),
    asks("but not while it keeps its label", `csn trace from ${data} --stop-at-gates --json > ${at}/inside.json && ! grep -q ${gate} ${at}/inside.json`),
    asks("somebody takes a copy of the log, and it verifies", `
      csn audit keep --copy ${at}/log && csn audit verify --folder ${at}/log > ${at}/copy.txt`),
    asks("a byte of it is changed: a refusal says that it was allowed. Verify names the record", `
      record=$(csn log --refused --json -n 1 | python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["id"])')
      csn audit prove $record > ${at}/proof.json && python3 ${ROOT}/examples/change-record.py ${at}/proof.json ${at}/log
      csn audit verify --folder ${at}/log > ${at}/changed.txt; test $? = 2 && grep -q "E_LOG_DAMAGED.*record $record is not as it was written" ${at}/changed.txt`),
  ];
} // prettier-ignore

async function setUp(client: Client, ui: Ui, at: string): Promise<void> {
  await must(
    perform(client, { plain: true }, [
      "sh",
      "-c",
      `set -e
      mkdir -p ${at}/ward ${at}/vendor
      cp ${ROOT}/examples/lung.csv ${at}/ward/patients.csv
      cp ${ROOT}/examples/lung.csv ${at}/copy.csv
      chmod 777 ${at}/vendor`,
    ]),
  );
  const tag = tagOf(at);
  try {
    await client.call("createTag", { body: { name: tag } });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "E_TAG_EXISTS") throw error;
  }
  ui.note(`\`${at}/ward\` becomes secret: ${tag}`);
  const body = { path: `${at}/ward`, context: { secrecy: [tag], integrity: [] } };
  for await (const line of client.lines("setLabel", { body })) void line;
}

async function cleanUp(client: Client, at: string): Promise<void> {
  await client.call("clearLabel", { body: { path: `${at}/ward` } });
  await must(perform(client, { plain: true }, ["rm", "-rf", at]));
}
