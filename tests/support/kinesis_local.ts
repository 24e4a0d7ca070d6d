/**
 * kinesis-mock in a Node.js process of its own: the one emulator with enhanced fan-out. Under Deno it loses
 * request bodies of some size, hence Node.js.
 *
 * It differs from AWS in these points. It sends no `initial-response`, names no child shards in a
 * subscription and does not end one at the end of a shard. It refuses a second subscriber from within the
 * stream, and for as long as the first one stays.
 *
 * @module
 */

import { runCommand } from "./command.ts";

const PACKAGE = "npm:kinesis-local@0.6.2";

/** A running emulator. Disposing it kills the process. */
export interface KinesisLocal extends AsyncDisposable {
  /** Base URL without a slash at the end. */
  readonly url: string;
}

/** Starts it on free ports. It listens on every interface, which its author left no choice about. */
export async function startKinesisLocal(): Promise<KinesisLocal> {
  const folder = await packageFolder();
  const [plain, tls] = [freePort(), freePort()];
  const child = new Deno.Command("node", {
    args: [`${folder}/main.js`],
    env: {
      KINESIS_MOCK_CERT_PATH: `${folder}/server.json`,
      KINESIS_MOCK_PLAIN_PORT: `${plain}`,
      KINESIS_MOCK_TLS_PORT: `${tls}`,
      LOG_LEVEL: "ERROR",
      CREATE_STREAM_DURATION: "50ms",
      REGISTER_STREAM_CONSUMER_DURATION: "500ms",
      DEREGISTER_STREAM_CONSUMER_DURATION: "50ms",
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://127.0.0.1:${plain}`;
  const emulator = {
    url,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL"); // an orderly end takes it seconds
      await child.status;
    },
  };
  for (let attempt = 1; !await isHealthy(url); attempt++) {
    if (attempt === 200) {
      await emulator[Symbol.asyncDispose]();
      throw new Error(`kinesis-local did not answer at ${url} within 20 s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return emulator;
}

/** Where Deno keeps the package, for Node.js to run it. */
async function packageFolder(): Promise<string> {
  await deno("cache", "--quiet", "--no-lock", PACKAGE);
  const info = JSON.parse(await deno("info", "--json", "--no-lock", PACKAGE));
  const found = (Object.values(info.npmPackages) as { readonly name: string; readonly localPath: string }[])
    .find((one) => one.name === "kinesis-local");
  if (found === undefined) throw new Error(`deno info does not know where ${PACKAGE} is`);
  return found.localPath;
}

async function deno(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(Deno.execPath(), args);
  if (code !== 0) throw new Error(`deno ${args.join(" ")} failed: ${stderr}`);
  return stdout;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthcheck`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // not listening yet
  }
}
