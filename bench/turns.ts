/**
 * Starts what a benchmark needs: the canned server, and a process for each turn.
 *
 * @module
 */

import { canRun, runCommand } from "../tests/support/command.ts";
import type { ReaderOptions } from "./readers.ts";
import type { MeasuredTurn } from "./turn.ts";

/** A turn that takes longer is ended, in ms: a worker that waits for its leases takes seconds to begin. */
const TURN_LIMIT_MS = 90_000;
const SERVER = new URL("./canned_server.ts", import.meta.url).pathname;

/** Processes that go on until somebody ends them. */
const running = new Set<Deno.ChildProcess>();

/** Has {@linkcode killAll} know it while it runs. @returns The same. */
export function known(child: Deno.ChildProcess): Deno.ChildProcess {
  running.add(child);
  child.status.then(() => running.delete(child));
  return child;
}

/** Ends all that would go on for ever when this process ends by a signal. */
export function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** The canned server in a process of its own. */
export interface CannedServer {
  readonly url: string;
  /** Undefined: there is no `openssl` to make a certificate with. */
  readonly tlsUrl: string | undefined;
  /** The certificate that clients are to trust. */
  readonly certificate: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** Starts the server, with TLS where it can. @param folder For the certificate. */
export async function startCannedServer(folder: string): Promise<CannedServer> {
  const [certificate, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  const hasTls = await makeCertificate(certificate, key);
  return await startServer(hasTls ? ["--cert", certificate, "--key", key] : [], certificate);
}

/** Starts one for a single program, whose shards look empty until `GET /release`. */
export async function startHeldServer(): Promise<CannedServer> {
  return await startServer(["--held"], "");
}

async function startServer(options: readonly string[], certificate: string): Promise<CannedServer> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", SERVER, ...options],
    stdout: "piped",
  });
  const server = known(command.spawn());
  const lines = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await lines.read();
  if (value === undefined) throw new Error("Cannot start the canned server: expected its URL: got its end");
  return {
    ...JSON.parse(value),
    certificate,
    pid: server.pid,
    async stop() {
      server.kill("SIGKILL");
      await lines.cancel();
      await server.status;
    },
  };
}

/** Neither Deno nor Node.js can make a certificate. @returns Whether there is one now. */
async function makeCertificate(certificate: string, key: string): Promise<boolean> {
  if (!await canRun("openssl", "version")) return false;
  const { code } = await runCommand("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
    // One that may sign others is refused as a server's own.
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate],
  ]);
  return code === 0;
}

/** How a turn's process is started, but for its reader. */
export type TurnCommand = readonly [program: string, ...args: string[]];

/**
 * A turn in Deno. Without the lock file: what is measured beside kclite must not get into it.
 *
 * @param importMap Where the modules of `src` are to come from instead.
 */
export function denoTurn(certificate: string | undefined, importMap?: string): TurnCommand {
  return [
    Deno.execPath(),
    ...["run", "-A", "--quiet", "--no-lock", "--no-check"],
    ...(certificate === undefined ? [] : ["--cert", certificate]),
    ...(importMap === undefined ? [] : ["--import-map", importMap]),
    new URL("./turn.ts", import.meta.url).pathname,
  ];
}

/**
 * An import map that takes the library of another checkout, and all of the benchmark from this one.
 *
 * @param root Of the other checkout.
 */
export async function writeImportMap(path: string, root: string): Promise<void> {
  const from = new URL("../src/", import.meta.url).href;
  const to = new URL(`file://${await Deno.realPath(root)}/src/`).href;
  await Deno.writeTextFile(path, JSON.stringify({ imports: { [from]: to } }));
}

/** Runs one turn. @throws {Error} with what the process said, when it gives none. */
export async function runTurn(
  [program, ...args]: TurnCommand,
  reader: string,
  options: ReaderOptions,
): Promise<MeasuredTurn> {
  const { code, stdout, stderr } = await runCommand(program, [...args, reader, JSON.stringify(options)], {
    timeoutMs: TURN_LIMIT_MS,
  });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (code === 0 && line.startsWith("{")) return JSON.parse(line);
  const why = code >= 128 ? `it was not over within ${TURN_LIMIT_MS / 1000} s` : stderr.trim();
  throw new Error(`Cannot measure "${reader}" in ${program}: ${why}`);
}
