/**
 * The clients that make the calls of the list: AWS's own, each in a process of its own that takes a call a line and answers in
 * a line; and for `--smoke`, which installs nothing, a bare signed request.
 *
 * @module
 */

import { runCommand } from "../../support/command.ts";
import { signedHeaders } from "../../support/simulated.ts";
import { makeVenv } from "../python_venv.ts";
import type { ClientAnswer, ListedCall } from "./judge.ts";

/** A client that makes one call at a time. */
export interface Client extends AsyncDisposable {
  /** As the report shows it. */
  readonly name: string;
  call(call: Pick<ListedCall, "service" | "operation" | "input">): Promise<ClientAnswer>;
}

/** The versions that PyPI and npm are asked for. The older client of CloudWatch speaks the query protocol. */
export const VERSIONS = {
  boto3: "1.44.8",
  packages: [
    "@aws-sdk/client-kinesis@3.1143.0",
    "@aws-sdk/client-dynamodb@3.1169.0",
    "@aws-sdk/client-cloudwatch@3.1164.0",
    "@smithy/node-http-handler@^4",
    "cloudwatch-query@npm:@aws-sdk/client-cloudwatch@3.400.0",
  ],
} as const;

/** @returns The reason, as a text, when this machine cannot have it. */
export async function startBoto3(url: string): Promise<Client | string> {
  const venv = await makeVenv([`boto3==${VERSIONS.boto3}`]);
  if (typeof venv === "string") return venv;
  const program = new URL("boto3_client.py", import.meta.url).pathname;
  return new ClientProcess(
    "boto3",
    [venv.python, "-B", program, url],
    async () => await venv[Symbol.asyncDispose](),
  );
}

/** @returns The reason, as a text, when this machine cannot have it. */
export async function startAwsSdk(url: string): Promise<Client | string> {
  const folder = await Deno.makeTempDir({ prefix: "kclite-interop-clients-" });
  const remove = () => Deno.remove(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/package.json`, '{"private":true}');
  const options = ["--no-audit", "--no-fund", "--loglevel=error"];
  const install = await runCommand("npm", ["install", ...options, ...VERSIONS.packages], {
    cwd: folder,
    timeoutMs: 300_000,
  });
  if (install.code !== 0) {
    await remove();
    return `npm install failed: ${install.stderr.slice(-300)}`;
  }
  // Where it is run from, its packages are found.
  await Deno.copyFile(new URL("aws_sdk_client.mjs", import.meta.url), `${folder}/client.mjs`);
  return new ClientProcess("AWS SDK for JavaScript", ["node", `${folder}/client.mjs`, url], remove);
}

/** A call that takes longer has no answer, in ms. */
const CALL_MS = 40_000;

class ClientProcess implements Client {
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #clean: () => Promise<void>;

  constructor(name: string, [command = "", ...args]: readonly string[], clean: () => Promise<void>) {
    this.name = name;
    this.#clean = clean;
    this.#child = new Deno.Command(command, {
      args,
      // Nothing of the machine's own settings.
      env: { AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null", NODE_NO_WARNINGS: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = linesOf(this.#child.stdout);
  }

  async call(
    { service, operation, input }: Pick<ListedCall, "service" | "operation" | "input">,
  ): Promise<ClientAnswer> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify({ service, operation, input })}\n`));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<ClientAnswer>((resolve) => {
      timer = setTimeout(
        () => resolve({ code: "NoAnswer", message: `none in ${CALL_MS} ms`, members: {} }),
        CALL_MS,
      );
    });
    const answered = this.#lines.next().then(({ done, value }): ClientAnswer =>
      done === true
        ? { code: "NoAnswer", message: "the client's process has ended", members: {} }
        : JSON.parse(value)
    );
    try {
      return await Promise.race([answered, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#input.abort().catch(() => {});
    await this.#lines.return?.();
    await this.#clean();
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

const TARGETS: ReadonlyMap<string, readonly [prefix: string, version: string]> = new Map([
  ["kinesis", ["Kinesis_20131202", "1.1"]],
  ["dynamodb", ["DynamoDB_20120810", "1.0"]],
  ["cloudwatch", ["GraniteServiceVersion20100801", "1.0"]],
]);

/** A client that knows no models: JSON in, JSON out. */
export function bareClient(send: (request: Request) => Promise<Response>): Client {
  return {
    name: "bare requests",
    async call({ service, operation, input }) {
      const [prefix, version] = TARGETS.get(service) ?? ["", ""];
      const headers = signedHeaders(`${prefix}.${operation}`, `application/x-amz-json-${version}`);
      const body = JSON.stringify(
        input,
        (_, value) => value?.$bytes ?? (value?.$date === undefined ? value : value.$date / 1000),
      );
      const response = await send(new Request("http://simulated/", { method: "POST", headers, body }));
      const isStream = response.headers.get("content-type")?.endsWith("eventstream");
      if (isStream === true) {
        await response.body?.cancel();
        return { output: {} };
      }
      const text = await response.text();
      const { __type = "", message = "", ...members } = text === "" ? {} : JSON.parse(text);
      if (response.ok) return { output: members };
      return { code: `${__type}`.split("#").at(-1) ?? "", message, members };
    },
    async [Symbol.asyncDispose]() {},
  };
}
