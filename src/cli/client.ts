/**
 * HTTP to the daemon, over its unix socket or a machine's forwarded port: one call, a stream of lines, an
 * upgraded connection.
 *
 * Guarantee: a failed call is an error with a code: the daemon's own (Refusal), or E_DAEMON_DOWN when nobody
 * answers, E_DAEMON_LOST when it stopped answering, E_DAEMON_ANSWER when it talks of something else.
 * Not covered: the shape of answers; the daemon is trusted to keep to src/api.
 */
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { Failure, ROUTES, type Route } from "../api/index.ts";
import { CliError, Refusal } from "./errors.ts";
import { tokenOf } from "./settings.ts";

export type Target = { socket: string } | { machine: string; host: string; port: number; token: string };

export type RouteName = keyof typeof ROUTES;
export type Answer<K extends RouteName> = (typeof ROUTES)[K]["answer"]["_output"];

export type Input = {
  /** For `:name` in the path. */
  parameters?: Record<string, string>;
  /** Those that are undefined or false are left out. */
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** How long the connection may be silent. */
  silenceMs?: number;
};

const DOWN = new Set(["ECONNREFUSED", "ENOENT", "EACCES", "ENOTSOCK", "EINVAL", "ENOTDIR", "EPERM"]);

export class Client {
  readonly target: Target;

  constructor(target: Target) {
    this.target = target;
  }

  /** Name of the virtual machine, or null when the daemon is on this host. */
  get machine(): string | null {
    return "machine" in this.target ? this.target.machine : null;
  }

  async call<K extends RouteName>(name: K, input: Input = {}): Promise<Answer<K>> {
    const text = await this.#body(await this.#response(ROUTES[name], input));
    return parse(text) as Answer<K>;
  }

  /** Text as it comes. */
  async *pieces(name: RouteName, input: Input = {}): AsyncGenerator<string> {
    const response = await this.#response(ROUTES[name], input);
    response.setEncoding("utf8");
    try {
      for await (const chunk of response as AsyncIterable<string>) yield chunk;
    } catch (error) {
      throw this.#lost(error);
    }
  }

  /** The values of a stream of lines as they come. A failure among them is thrown. */
  async *lines<K extends RouteName>(name: K, input: Input = {}): AsyncGenerator<Answer<K>> {
    const response = await this.#response(ROUTES[name], input);
    response.setEncoding("utf8");
    let rest = "";
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") yield valueOf(line) as Answer<K>;
      }
    } catch (error) {
      throw this.#lost(error);
    }
    if (rest !== "") yield valueOf(rest) as Answer<K>;
  }

  /** Asks for another protocol. @returns the connection, and what came with the answer */
  async upgrade(path: string, protocol: string): Promise<{ connection: Duplex; head: Buffer }> {
    const asked = this.#request("GET", path, { connection: "Upgrade", upgrade: protocol });
    asked.end();
    return new Promise((resolve, reject) => {
      asked.on("upgrade", (_, connection, head) => resolve({ connection, head }));
      asked.on("response", (response) => {
        const refused = this.#body(response).then((text) => {
          throw failureOf(response.statusCode ?? 0, text);
        });
        refused.catch(reject);
      });
      asked.on("error", (error) => reject(this.#lost(error)));
    });
  }

  async #response(route: Route, input: Input): Promise<IncomingMessage> {
    const path = route.path.replace(/:(\w+)/g, (_, key: string) =>
      encodeURIComponent(input.parameters?.[key] ?? ""),
    );
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(input.query ?? {})) {
      if (value !== undefined && value !== false) query.set(key, String(value));
    }
    const content = input.body === undefined ? undefined : Buffer.from(JSON.stringify(input.body));
    const headers = content && { "content-type": "application/json", "content-length": content.length };
    const asked = this.#request(route.method, query.size > 0 ? `${path}?${query.toString()}` : path, headers);
    if (input.silenceMs !== undefined)
      asked.setTimeout(input.silenceMs, () =>
        asked.destroy(new Error(`no answer within ${input.silenceMs} ms`)),
      );
    asked.end(content);

    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      asked.on("response", resolve);
      asked.on("error", (error) => reject(this.#lost(error)));
    });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw failureOf(status, await this.#body(response));
  }

  #request(method: string, path: string, headers: Record<string, string | number> = {}): ClientRequest {
    const { target } = this;
    const where =
      "socket" in target ? { socketPath: target.socket } : { host: target.host, port: target.port };
    const token = tokenOf() ?? ("socket" in target ? null : target.token);
    const proof = token === null ? {} : { authorization: `Bearer ${token}` };
    return request({ ...where, method, path, agent: false, headers: { ...headers, ...proof, host: "csn" } });
  }

  async #body(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (error) {
      throw this.#lost(error);
    }
    return Buffer.concat(chunks).toString();
  }

  #lost(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof CliError || error instanceof Refusal) return error;
    const { target } = this;
    const place = "socket" in target ? `at ${target.socket}` : `in machine \`${target.machine}\``;
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== undefined && DOWN.has(code))
      return new CliError(
        "E_DAEMON_DOWN",
        `expected the daemon ${place}, found none (${code})`,
        "start it with `csn up`",
        error,
      );
    const hint = "`csn status` shows whether it came back; enforcement does not depend on it";
    return new CliError(
      "E_DAEMON_LOST",
      `the daemon ${place} stopped answering (${error.message})`,
      hint,
      error,
    );
  }
}

function failureOf(status: number, text: string): Error {
  const failure = Failure.safeParse(parse(text));
  return failure.success
    ? new Refusal(failure.data.error)
    : strange(`${status} and \`${text.slice(0, 200)}\``);
}

/** One line of a stream. */
function valueOf(line: string): unknown {
  const value = parse(line);
  if (typeof value === "object" && value !== null && "error" in value) {
    const failure = Failure.safeParse(value);
    if (failure.success) throw new Refusal(failure.data.error);
  }
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw strange(`\`${text.slice(0, 200)}\``);
  }
}

function strange(found: string): CliError {
  return new CliError(
    "E_DAEMON_ANSWER",
    `expected JSON as in src/api, the daemon answered ${found}`,
    "daemon and csn may be of different versions: `csn down`, then `csn up`",
  );
}
