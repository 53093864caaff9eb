/**
 * HTTP: routes to handlers, errors to answers, upgrades to runs. Fastify does the parsing.
 *
 * The unix socket is open to all users of the host; who they are is known by the kernel, and each
 * handler says what they may. The TCP port exists only in a virtual machine, and wants its token.
 */
import type { Duplex } from "node:stream";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { LogQuery, MineQuery, PrivilegeQuery, ROUTES, type Route, StatementQuery, Up } from "../api/index.ts";
import { METRICS_TYPE } from "../bus/index.ts";
import { listAddresses, setAddress, unsetAddress } from "./addresses.ts";
import * as audit from "./audit.ts";
import * as asking from "./asking.ts";
import type { Csn } from "./csn.ts";
import { doctor } from "./doctor.ts";
import { CsnError } from "./errors.ts";
import { failureOf } from "./failure.ts";
import { runFolder } from "./gate-folder.ts";
import { runGate } from "./gate-filter.ts";
import { createGate, listGates, removeGate } from "./gates.ts";
import * as handle from "./handlers.ts";
import * as policy from "./policy.ts";
import * as files from "./policy-files.ts";
import * as sayings from "./sayings.ts";
import { type Caller, callerOf, requireRoot } from "./identity.ts";
import { streamLog } from "./log-stream.ts";
import { openapi } from "./openapi.ts";
import { parse } from "./parse.ts";
import { knows } from "./privileges.ts";
import { processes } from "./processes.ts";
import type { Runs } from "./runs.ts";
import { listScope, narrowScope, widenScope } from "./scope.ts";
import { status } from "./status.ts";
import { listTokens } from "./tokens.ts";

const MAX_BODY = 8 * 1024 * 1024;

export type Serving = { csn: Csn; runs: Runs; token: string | null };

/** One server; the daemon listens with one on the socket and, in a machine, one on the port. */
export function createServer(serving: Serving): FastifyInstance {
  const { csn, runs, token } = serving;
  const app = fastify({ bodyLimit: MAX_BODY, forceCloseConnections: true });
  const principalBy = (text: string) => csn.authority.principalBy(text);
  const caller = (request: FastifyRequest): Caller =>
    callerOf(request.raw.socket, request.headers.authorization, token, csn.monitor, principalBy);

  app.addHook("onRequest", async (request) => {
    caller(request); // nobody unknown gets any further
  });
  app.setErrorHandler((error, _request, reply) => {
    const { code, body } = failureOf(error);
    void reply.code(code).send(body);
  });
  app.setNotFoundHandler((request, reply) => {
    const body = failureOf(
      new CsnError(
        "E_BAD_REQUEST",
        `there is no \`${request.method} ${request.url}\``,
        "GET /v1/openapi.json lists all",
        404,
      ),
    ).body;
    void reply.code(404).send(body);
  });

  const on = (route: Route, answer: (request: FastifyRequest, reply: FastifyReply, who: Caller) => unknown) =>
    app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => {
        const who = caller(request);
        if (who.principal !== undefined && route.token !== true) throw noUser(who.principal);
        return answer(request, reply, who);
      },
    });

  on(ROUTES.status, (_request, _reply, who) => status(csn, who));
  on(ROUTES.doctor, () => doctor(csn));
  on(ROUTES.up, async (request, _reply, who) => {
    requireRoot(who, "attach the monitor");
    const { onFull } = parse(Up, request.body ?? {});
    if (onFull !== undefined) csn.setOnFull(onFull === "refuse", who.uid);
    csn.ready();
    await csn.bus.start();
    return status(csn, who);
  });
  on(ROUTES.down, async (request, _reply, who) => {
    await handle.down(csn, who, request.body);
    return status(csn, who);
  });
  on(ROUTES.tags, (_request, _reply, who) =>
    csn.authority.tags().filter((tag) => knows(csn.authority, who, tag.name)),
  );
  on(ROUTES.createTag, (request, _reply, who) => handle.createTag(csn, who, request.body));
  on(ROUTES.principals, (_request, _reply, who) => policy.listPrincipals(csn, who));
  on(ROUTES.createPrincipal, (request, _reply, who) => policy.createPrincipal(csn, who, request.body));
  on(ROUTES.rotatePrincipal, (request, _reply, who) => policy.rotatePrincipal(csn, who, request.body));
  on(ROUTES.bindPrincipal, (request, _reply, who) => policy.bindPrincipal(csn, who, request.body));
  on(ROUTES.statements, (request, _reply, who) => {
    const { from, limit } = parse(StatementQuery, request.query);
    return policy.statements(csn, who, from, limit);
  });
  on(ROUTES.say, (request, _reply, who) => sayings.say(csn, who, request.body));
  on(ROUTES.submit, (request, _reply, who) => sayings.submit(csn, who, request.body));
  on(ROUTES.privileges, (request, _reply, who) => {
    const { tag, holder } = parse(PrivilegeQuery, request.query);
    return policy.privileges(csn, who, tag, holder);
  });
  on(ROUTES.mine, (request, _reply, who) => policy.mine(csn, who, parse(MineQuery, request.query).as));
  on(ROUTES.policyPlan, (request, _reply, who) => files.plan(csn, who, request.body));
  on(ROUTES.policyApply, (request, _reply, who) => files.apply(csn, who, request.body));
  on(ROUTES.policyExport, (_request, _reply, who) => files.exportFiles(csn, who));
  on(ROUTES.policyDiff, (request, _reply, who) => files.diff(csn, who, request.body));
  on(ROUTES.policyProve, (request, _reply, who) => files.proveAll(csn, who, request.body));
  on(ROUTES.policyTest, (request, _reply, who) => files.tryCases(csn, who, request.body));
  on(ROUTES.tokens, (_request, _reply, who) => listTokens(csn, who));
  on(ROUTES.contexts, (_request, _reply, who) => policy.listContexts(csn, who));
  on(ROUTES.conflicts, (_request, _reply, who) => policy.listConflicts(csn, who));
  on(ROUTES.getLabel, (request, _reply, who) =>
    handle.getLabel(csn, who, parse(ROUTES.getLabel.query, request.query).path),
  );
  on(ROUTES.setLabel, (request, reply, who) =>
    lines(reply, (line) => handle.putLabel(csn, who, request.body, line)),
  );
  on(ROUTES.clearLabel, (request, _reply, who) => handle.deleteLabel(csn, who, request.body));
  on(ROUTES.scope, (_request, _reply, who) => listScope(csn, who));
  on(ROUTES.widenScope, (request, _reply, who) => widenScope(csn, who, request.body));
  on(ROUTES.narrowScope, (request, _reply, who) => narrowScope(csn, who, request.body));
  on(ROUTES.networks, (_request, _reply, who) => listAddresses(csn, who));
  on(ROUTES.setNetwork, (request, _reply, who) => setAddress(csn, who, request.body));
  on(ROUTES.unsetNetwork, (request, _reply, who) => unsetAddress(csn, who, request.body));
  on(ROUTES.check, (request, _reply, who) => handle.check(csn, who, request.body));
  on(ROUTES.processes, (_request, _reply, who) =>
    processes(csn).filter((p) => who.uid === 0 || p.uid === who.uid),
  );
  on(ROUTES.log, (request, reply, who) => streamLog(csn, who, parse(LogQuery, request.query), reply));
  on(ROUTES.explain, (request, _reply, who) =>
    handle.explainRecord(csn, who, (request.params as { id: string }).id),
  );
  on(ROUTES.bus, (_request, _reply, who) => csn.bus.status(who));
  on(ROUTES.busMetrics, (_request, reply, who) => {
    void reply.type(METRICS_TYPE);
    return csn.bus.metrics(who);
  });
  on(ROUTES.busUp, (request, _reply, who) => csn.bus.up(who, request.body));
  on(ROUTES.busDown, (_request, _reply, who) => csn.bus.down(who));
  on(ROUTES.busClients, (_request, _reply, who) => csn.bus.clients.list(who));
  on(ROUTES.setBusClient, (request, _reply, who) => csn.bus.clients.set(who, request.body));
  on(ROUTES.removeBusClient, (request, _reply, who) => csn.bus.clients.remove(who, request.body));
  on(ROUTES.busGates, (_request, _reply, who) => csn.bus.gatesFor(who).list());
  on(ROUTES.setBusGate, (request, _reply, who) => csn.bus.gatesFor(who).set(who, request.body));
  on(ROUTES.removeBusGate, (request, _reply, who) => csn.bus.gatesFor(who).remove(who, request.body));
  on(ROUTES.busControl, (request, _reply, who) => csn.bus.control(who, request.body));
  on(ROUTES.auditProof, (request, _reply, who) =>
    audit.proof(csn, who, (request.params as { id: string }).id),
  );
  on(ROUTES.auditCheckpoint, () => audit.checkpoint(csn));
  on(ROUTES.auditRotate, (_request, _reply, who) => audit.rotate(csn, who));
  on(ROUTES.auditKeep, (request, _reply, who) => audit.keep(csn, who, request.body));
  on(ROUTES.auditWitnesses, () => audit.listWitnesses(csn));
  on(ROUTES.auditAddWitness, (request, _reply, who) => audit.addWitness(csn, who, request.body));
  on(ROUTES.auditVerify, (request, reply, who) =>
    lines(reply, (line) => audit.verifyLog(csn, who, request.body, line)),
  );
  on(ROUTES.trace, (request, _reply, who) => asking.trace(csn, who, request.body));
  on(ROUTES.leak, (request, _reply, who) => asking.leak(csn, who, request.body));
  on(ROUTES.questions, (request, _reply, who) => asking.questions(csn, who, request.body));
  on(ROUTES.erasure, (request, _reply, who) => asking.erasure(csn, who, request.body));
  on(ROUTES.exportRecord, (request, reply, who) => asking.exportAll(csn, who, request.query, reply));
  on(ROUTES.createRun, (request, _reply, who) => handle.createRun(csn, who, runs, request.body));
  on(ROUTES.gates, (_request, _reply, who) => listGates(csn, who));
  on(ROUTES.createGate, (request, _reply, who) => createGate(csn, who, request.body));
  on(ROUTES.removeGate, (request, _reply, who) => removeGate(csn, who, request.body));
  on(ROUTES.runGate, (request, _reply, who) => runGate(csn, who, runs, request.body));
  on(ROUTES.runGateFolder, (request, reply, who) =>
    lines(reply, (line) => runFolder(csn, who, request.body, line)),
  );
  app.get("/v1/openapi.json", async () => openapi());

  app.server.on("upgrade", (request, socket: Duplex) => {
    try {
      const who = callerOf(request.socket, request.headers.authorization, token, csn.monitor, principalBy);
      if (who.principal !== undefined) throw noUser(who.principal);
      const id = /^\/v1\/runs\/([\w-]+)\/stream$/.exec(request.url ?? "")?.[1];
      if (id === undefined || request.headers.upgrade !== "csn-stream")
        throw new CsnError(
          "E_BAD_REQUEST",
          "expected an upgrade of /v1/runs/ID/stream to `csn-stream`",
          "see docs/cli.md",
          400,
        );
      const prepared = runs.take(id, who);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: csn-stream\r\n\r\n");
      runs.stream(prepared, socket);
    } catch (error) {
      const { code, body } = failureOf(error);
      const text = JSON.stringify(body);
      socket.end(
        `HTTP/1.1 ${code} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
      );
    }
  });
  return app;
}

function noUser(principal: string): CsnError {
  return new CsnError(
    "E_NOT_PERMITTED",
    `expected a user of this host, found ${principal} by a token, which has no files and runs no programs`,
    "call without the token (CSN_TOKEN), as a local user",
    403,
  );
}

/** Answers with JSON values, one a line; an error after the first is the last line. */
async function lines(
  reply: FastifyReply,
  work: (line: (value: unknown) => void) => Promise<void>,
): Promise<void> {
  let begun = false;
  const line = (value: unknown) => {
    if (!begun) {
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "application/x-ndjson" });
      begun = true;
    }
    reply.raw.write(`${JSON.stringify(value)}\n`);
  };
  try {
    await work(line);
  } catch (error) {
    if (!begun) throw error;
    line(failureOf(error).body);
  }
  reply.raw.end();
}
