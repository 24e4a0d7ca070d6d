/**
 * Serves a fetch handler over HTTP on Deno, Bun and Node, each with its own server. Loopback is the default,
 * since the server has no authentication. On loopback it answers only requests with a loopback name in
 * `Host`.
 *
 * Easily missed: an idle keep-alive connection keeps a server from closing for as long as the client wants.
 * So `close()` cuts connections instead of waiting for them.
 *
 * @module
 */

import { HOST_REFUSAL, hostCheck } from "./allowed_hosts.ts";
import type { IncomingMessage, Server, ServerResponse } from "node:http";

/** What a server calls for each request, e.g. the `fetch` of a Hono app. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** Where to serve. */
export interface ServeOptions {
  /** 0 for any port that is free. */
  readonly port: number;
  /**
   * Name or address to listen on. Anything but loopback lets others in.
   *
   * @default {"127.0.0.1"}
   */
  readonly hostname?: string | undefined;
  /**
   * Names that a request's `Host` may have, besides those of loopback; `*` allows any. On other addresses
   * than loopback any name is accepted, except if some are set.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /** What the user calls the port, for error messages, e.g. `--health-port`. */
  readonly setting: string;
}

/** A running server. */
export interface RunningServer {
  /** Where it can be reached from this machine, e.g. `http://127.0.0.1:8080`; without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Stops listening and cuts open connections. Harmless when repeated. */
  close(): Promise<void>;
}

/**
 * Starts serving. Resolves once it listens.
 *
 * @throws {RangeError} when the port is not a whole number from 0 to 65535.
 * @throws {Error} when it cannot listen there; the message names the setting.
 */
export async function serve(handler: FetchHandler, options: ServeOptions): Promise<RunningServer> {
  const { port, hostname = "127.0.0.1", setting } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(`Cannot serve on ${setting}: expected a port from 0 to 65535: got ${port}`);
  }
  const listen = listenerOfThisRuntime();
  let bound: Bound;
  // Strict, until the address is known.
  let isForUs = hostCheck({ hostname, address: "127.0.0.1", allowed: [] });
  const checked = answering((request) =>
    isForUs(request.headers.get("host")) ? handler(request) : new Response(HOST_REFUSAL, REFUSED)
  );
  try {
    bound = await listen(checked, { hostname, port });
  } catch (error) {
    throw new Error(listenErrorText(error, { hostname, port, setting }), { cause: error });
  }
  isForUs = hostCheck({ hostname, address: bound.address, allowed: options.allowedHosts });
  let closed: Promise<void> | undefined;
  return {
    url: `http://${reachable(hostname)}:${bound.port}`,
    port: bound.port,
    close: () => closed ??= bound.close(),
  };
}

/** Misdirected Request. */
const REFUSED: ResponseInit = {
  status: 421,
  headers: {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  },
};

/** A server that listens, as each runtime gives it. */
interface Bound {
  readonly port: number;
  /** The address behind the name, if the runtime reports it. */
  readonly address: string | undefined;
  close(): Promise<void>;
}

type Listen = (
  handler: FetchHandler,
  where: { readonly hostname: string; readonly port: number },
) => Promise<Bound>;

function listenerOfThisRuntime(): Listen {
  // In this order: Deno and Bun both have node:http too, but their own servers are preferred.
  if ("Deno" in globalThis) return listenOnDeno;
  if ("Bun" in globalThis) return listenOnBun;
  return listenOnNode;
}

const listenOnDeno: Listen = (handler, where) => {
  const cut = new AbortController();
  const server = Deno.serve({ ...where, signal: cut.signal, onListen: () => {} }, handler);
  return Promise.resolve({
    port: server.addr.port,
    address: server.addr.hostname,
    close: () => {
      cut.abort();
      return server.finished;
    },
  });
};

/** What of Bun is used. */
interface BunServer {
  readonly port: number;
  stop(closeActiveConnections: boolean): Promise<void>;
}
interface BunGlobal {
  readonly Bun: {
    serve(options: {
      hostname: string;
      port: number;
      /** In seconds. */
      idleTimeout: number;
      fetch: FetchHandler;
    }): BunServer;
  };
}

const listenOnBun: Listen = (handler, where) => {
  const { Bun } = globalThis as unknown as BunGlobal;
  // Bun's 10 s would cut events that come more rarely.
  const server = Bun.serve({ ...where, idleTimeout: 60, fetch: (request) => handler(request) });
  return Promise.resolve({
    port: server.port,
    address: undefined,
    close: async () => {
      await server.stop(true);
    },
  });
};

const listenOnNode: Listen = async (handler, { hostname, port }) => {
  const { createServer } = await import("node:http");
  const server = createServer((incoming, outgoing) => {
    // Only the connection can fail here: there is no client left to answer.
    answerOnNode(handler, incoming, outgoing).catch(() => outgoing.destroy());
  });
  await listening(server, hostname, port);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    address: typeof address === "object" ? address?.address : undefined,
    close: () =>
      new Promise<void>((resolve, reject) => {
        server.close((error) => error === undefined ? resolve() : reject(error));
        server.closeAllConnections();
      }),
  };
};

function listening(server: Server, hostname: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Answers one request of node:http from a fetch handler. */
async function answerOnNode(
  handler: FetchHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { Readable } = await import("node:stream");
  const request = requestOf(incoming, () => Readable.toWeb(incoming) as ReadableStream<Uint8Array>);
  if (request === undefined) {
    outgoing.writeHead(400).end();
    return;
  }
  const response = await handler(request);
  const headers = [...response.headers].filter(([name]) => name !== "set-cookie");
  const cookies = response.headers.getSetCookie().map((cookie): [string, string] => ["set-cookie", cookie]);
  outgoing.writeHead(response.status, [...headers, ...cookies].flat());
  if (response.body === null) {
    outgoing.end();
    return;
  }
  const { pipeline } = await import("node:stream/promises");
  await pipeline(response.body, outgoing);
}

/** @returns undefined when the request has no valid URL, or a method that fetch does not know. */
function requestOf(
  { method = "GET", url: path = "/", headers, rawHeaders }: IncomingMessage,
  body: () => ReadableStream<Uint8Array>,
): Request | undefined {
  const url = `http://${headers.host ?? "localhost"}${path}`;
  if (!path.startsWith("/") || !URL.canParse(url) || method === "TRACE") return undefined;
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) pairs.push([`${rawHeaders[i]}`, `${rawHeaders[i + 1]}`]);
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers: pairs });
  // fetch needs to know that the answer may come while the body is still being read.
  const init: RequestInit & { readonly duplex: "half" } = {
    method,
    headers: pairs,
    body: body(),
    duplex: "half",
  };
  return new Request(url, init);
}

/** The handler, answering 500 if it throws: the runtimes' own behaviour differs, and may print. */
function answering(handler: FetchHandler): FetchHandler {
  return async (request) => {
    try {
      return await handler(request);
    } catch {
      return new Response("Internal Server Error\n", { status: 500 });
    }
  };
}

function listenErrorText(
  error: unknown,
  { hostname, port, setting }: { readonly hostname: string; readonly port: number; readonly setting: string },
): string {
  const where = `Cannot serve on ${hostname}:${port}`;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return `${where}: the port is in use: give another as ${setting}, or 0 for any free one`;
    case "EACCES":
      return `${where}: not allowed to listen on this port: give one above 1023 as ${setting}`;
    default:
      return `${where}: check ${setting}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The host for a URL: "all addresses" cannot be opened. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
