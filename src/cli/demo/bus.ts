/**
 * The fourth demo, as data: the three uses of the bus in examples/bus, with clients that others wrote. A server's log for
 * four consoles, a home's sensors with certificates, a valve that obeys only checked commands.
 *
 * The policy is the example's own; what a step says of a message is judged by the file that its receiver wrote.
 */
import { busNeeds, ROOT } from "../../setup/index.ts";
import type { Client } from "../client.ts";
import { CliError } from "../errors.ts";
import type { Ui } from "../ui.ts";
import { type Actor, must, perform, type Scene } from "./stage.ts";
import type { Step } from "./steps.ts";

export const bus: Scene = { name: "bus", needs: busNeeds, setUp, steps, cleanUp };

const [TCP, TLS] = [11883, 18883];
const EXAMPLES = ["syslog", "home", "plant"];
const [DUTY, DETAIL, ALL] = ["ops/duty", "ops/duty,ops/detail", "ops/duty,ops/detail,ops/everything"];
const CLIENTS: Readonly<Record<string, string>> = {
  "ops/hall": "",
  "ops/duty": `--secrecy ${DUTY}`,
  "ops/detail": `--secrecy ${DETAIL}`,
  "ops/all": `--secrecy ${ALL}`,
  "home/care": "--secrecy home/climate",
  "home/daughter": "--secrecy home/climate,home/presence",
  "plant/valve": "--integrity plant/validated",
};
/** Sent twice: before one console is relabelled, and after. A fifth of them is critical. */
const LINES = 50;
const CRITICAL = LINES / 5;

/** What the steps' scripts use. `listen NAME TOPIC`: until the end, into a file of its own; `within CONDITION`: waits for it. */
const words = (at: string) => `cd ${at}
  csn() { CSN_SOCKET=/run/csn/csnd.sock sh ${ROOT}/csn "$@"; }
  subscriptions() { csn bus status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["counts"]["subscriptions"])'; }
  within() { end=$(($(date +%s) + 300)); until eval "$1"; do test $(date +%s) -lt $end || { echo "not within five minutes: $1" >&2; exit 1; }; sleep 0.1; done; }
  listen() { setsid mosquitto_sub -h 127.0.0.1 -p ${TCP} -u $1/$2 -P "$(cat password)" -q 1 -t "$3" > $2.out 2> $2.err < /dev/null & echo $! >> pids; }
  all_listen() { within "test \\$(subscriptions) -ge $(($(cat others) + $1))"; }
  device() { mosquitto_pub -h localhost -p ${TLS} --cafile tls/ca.pem --cert tls/$1.pem --key tls/$1.key -q 1 -t home/kitchen/sensor -m "$2"; }
  say() { mosquitto_pub -h 127.0.0.1 -p ${TCP} -u plant/panel -P "$(cat password)" -V mqttv5 -q 1 -t plant/1/$1 -m "$2"; }
  `;

const READING = '{"at":"09:00","temperature":21.5,"presence":true}';

function steps(at: string): Step[] {
  const server: Actor = { context: { secrecy: ALL.split(",") }, volumes: [`${at}/server:/server`] };
  const step =
    (expected: Step["expected"], actor: Actor = { plain: true }) =>
    (title: string, script: string, verify?: string): Step => ({
      title,
      actor,
      argv: ["sh", "-c", actor.plain === true ? `${words(at)}${script}` : script],
      expected,
      ...(verify === undefined ? {} : { verify: `${words(at)}${verify}` }),
    });
  const allowed = step("allowed");
  const refused = step("refused");
  const sends = step("allowed", server);
  const send = (which: string) => `mosquitto_pub --unix "$CSN_BUS" -q 1 -t syslog/raw -l < /server/${which}`;
  const has = (name: string, lines: number) => `within "test \\$(wc -l < ${name}.out) = ${lines}"`;
  return [
    allowed("a server's log: four consoles listen, in the hall, on duty, with details, with everything", `
      for name in hall duty detail all; do listen ops $name 'syslog/#'; done; all_listen 4`),
    sends("a program of the server, whose log is top secret, sends lines of the kernel's log", send("first")),
    allowed("who may see everything gets all of it", has("all", LINES + CRITICAL)),
    allowed("a gate lets critical lines down: who is on duty gets their heads, not what they say", `
      ${has("duty", CRITICAL)}; test $(grep -c timestamp duty.out) = ${CRITICAL} && ! grep -q content duty.out`),
    allowed("another console gets what they say, too", `${has("detail", CRITICAL)}; test $(grep -c content detail.out) = ${CRITICAL}`),
    refused("in the hall there is something to read", "test -s hall.out"),
    step("refused", server)("the server's program sends it by another way: straight to the bus's port", `
      mosquitto_pub -h 127.0.0.1 -p ${TCP} -u ops/hall -P x -t syslog/raw -l < /server/first`, "test ! -s hall.out"),
    allowed("who is on duty is cleared for details, while it listens", `csn bus relabel ops/duty --secrecy ${DETAIL}`),
    sends("the server goes on", send("second")),
    allowed("from then on it gets what they say", `
      ${has("duty", 2 * CRITICAL)}; test $(grep -c content duty.out) = ${CRITICAL}`),
    refused("and the hall?", "test -s hall.out"),

    allowed("a home: the care home and the daughter listen", `
      listen home care 'home/+/sensor'; listen home daughter 'home/+/sensor'; all_listen 6`),
    refused("a device whose certificate was signed for another name", `device stranger '${READING}'`, "test ! -s daughter.out"),
    refused("a device that signed its certificate itself", `device forged '${READING}'`, "test ! -s daughter.out"),
    allowed("the sensor in the kitchen sends", `device kitchen '${READING}'`),
    allowed("the daughter sees who is there", `${has("daughter", 1)}; grep -q presence daughter.out`),
    allowed("the care home sees how warm it is", `${has("care", 1)}; grep -q 21.5 care.out`),
    refused("the care home sees who is there", "grep -q presence care.out"),

    allowed("a plant: a valve listens, which obeys only checked commands", "listen plant valve plant/1/command; all_listen 7"),
    refused("a command that no gate has checked", `say command '{"valve":"inlet","set":79}'; say request '{"valve":"outlet","set":1}'; ${has("valve", 1)}; grep -q 79 valve.out`),
    refused("one that asks for more than the plant stands", `say request '{"valve":"inlet","set":1000}'; say request '{"valve":"outlet","set":2}'; ${has("valve", 2)}; grep -q 1000 valve.out`),
    allowed("one that is as it should be", `say request '{"valve":"inlet","set":40}'; ${has("valve", 3)}; grep -q 40 valve.out`),

    allowed("on the record: from the server's program through the bus and the gate, with who granted it", `
      csn trace from ops/everything --limit 100000 --json > way.json && grep -q syslog/critical way.json && grep -q '"ops/let-down"' way.json`),
  ];
} // prettier-ignore

async function setUp(client: Client, ui: Ui, at: string): Promise<void> {
  if ((await client.call("bus", {})).up)
    throw new CliError(
      "E_USAGE",
      "expected no bus, found one that is up: the demo brings up its own, on other ports",
      "`csn bus down` ends it; what waits, and what is retained, stays",
    );
  ui.note("policy of examples/bus, certificates of the demo's own, lines of the kernel's log");
  await must(perform(client, { plain: true }, ["sh", "-c", `${words("/")}${preparation(at)}`]));
}

/** As the administrator would, once. */
function preparation(at: string): string {
  const applies = EXAMPLES.map(
    (name) => `cp -r ${ROOT}/examples/bus/${name} policy/${name}
      sed -i 's|/usr/local/share/csn|${ROOT}|' policy/${name}/policy.yaml
      csn policy apply policy/${name} > applied.txt`,
  );
  const clients = Object.entries({ ...CLIENTS, "plant/panel": "" }).map(
    ([name, tags]) => `csn bus client set ${name} --password-stdin ${tags} < password`,
  );
  return `set -e
    umask 077; mkdir -p ${at}/server ${at}/policy ${at}/tls; cd ${at}
    for name in ops home plant; do csn principal list | grep -q "^$name " || csn principal create $name --type tenant; done
    ${applies.join("\n")}
    openssl rand -hex 16 > password
    cd tls
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=devices 2>/dev/null
    for name in localhost home/kitchen home/stranger; do file=$(basename $name)
      openssl req -newkey rsa:2048 -nodes -keyout $file.key -out $file.csr -subj "/CN=$(echo $name | sed 's|/|\\\\/|')" 2>/dev/null
      openssl x509 -req -in $file.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out $file.pem 2>/dev/null; done
    openssl req -x509 -newkey rsa:2048 -nodes -keyout forged.key -out forged.pem -days 2 -subj '/CN=home\\/kitchen' 2>/dev/null
    cd ..
    python3 ${ROOT}/examples/bus/syslog/make-lines.py ${2 * LINES} > lines
    head -${LINES} lines > server/first; tail -${LINES} lines > server/second
    csn bus up --tcp 127.0.0.1:${TCP} --tls 127.0.0.1:${TLS} --cert ${at}/tls/localhost.pem --key ${at}/tls/localhost.key --ca ${at}/tls/ca.pem
    csn bus gate set ops/let-down --from syslog/raw --to syslog/critical
    csn bus gate set plant/validate --from plant/1/request --to plant/1/command
    ${clients.join("\n")}
    csn bus client set home/kitchen --secrecy home/climate --certificate
    subscriptions > others # the gates', and those of sessions that the bus keeps`;
}

/** What was stated, and the policy, stay. */
async function cleanUp(client: Client, at: string): Promise<void> {
  const names = [...Object.keys(CLIENTS), "plant/panel", "home/kitchen"];
  const script = `${words(at)}
    while read -r pid; do kill "$pid" || true; done < pids 2> /dev/null
    csn bus gate remove ops/let-down; csn bus gate remove plant/validate
    for name in ${names.join(" ")}; do csn bus client remove $name; done
    csn bus down && cd / && rm -rf ${at}`;
  await must(perform(client, { plain: true }, ["sh", "-c", script]));
}
