/**
 * Commands as processes of their own, in real pipes and on a real terminal.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { serve } from "../../../src/host/serve.ts";
import { simulatedAws } from "../../../src/testing/mod.ts";

const CLI = new URL("../../../cli.ts", import.meta.url).pathname;

interface Outcome {
  readonly out: string;
  readonly err: string;
}

/** Runs a line of the shell, in which `$K` is kclite and `$S` names the stream. */
async function shell(line: string, endpoint: string = "http://127.0.0.1:1"): Promise<Outcome> {
  const kept = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", line],
    clearEnv: true,
    env: {
      ...Object.fromEntries(kept),
      K: `${Deno.execPath()} run -A --no-check --cached-only ${CLI}`,
      S: `--stream words --region eu-central-1 --kinesis-endpoint ${endpoint}`,
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "of-no-use",
      AWS_EC2_METADATA_DISABLED: "true",
      DENO_NO_UPDATE_CHECK: "1",
      NO_COLOR: "1",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const { stdout, stderr } = await child.output();
  clearTimeout(timer);
  return { out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** An emulator with some records of 1 KiB, more than a pipe holds. */
async function withStream(work: (endpoint: string) => Promise<void>): Promise<void> {
  const aws = simulatedAws({ streams: { words: 1 }, region: "eu-central-1" });
  for (let n = 0; n < 500; n++) aws.stream("words").put(`${n} ${"x".repeat(1024)}`, "key");
  const server = await serve((request) => aws.fetch(request), { port: 0, setting: "a port" });
  try {
    await work(`http://127.0.0.1:${server.port}`);
  } finally {
    await server.close();
  }
}

Deno.test("a command whose reader ends, ends quietly with 0", () =>
  withStream(async (endpoint) => {
    const lines = [
      "($K tail --from-beginning $S; echo $? >&2) | head -1 | cut -c 27-51",
      "($K tail --help; echo $? >&2) | head -1 | cut -c -12",
      "($K --help; echo $? >&2) | head -1 | cut -c -12",
    ];
    assertEquals(await Promise.all(lines.map((line) => shell(line, endpoint))), [
      { out: "shardId-000000000000  key\n", err: "0\n" },
      { out: "Usage: kclit\n", err: "0\n" },
      { out: "Usage: kclit\n", err: "0\n" },
    ]);
  }));

Deno.test("put takes what another program writes, and tail what put has put", () =>
  withStream(async (endpoint) => {
    const { out, err } = await shell(
      "seq 1 1200 | $K put --partition-key k $S && $K tail --json --from-beginning --until-latest $S | tail -1",
      endpoint,
    );
    assertEquals(err, "");
    assertMatch(out, /^Put 1,200 records \(3,693 bytes\) into words, 1 shard, in /);
    assertEquals(JSON.parse(out.trimEnd().split("\n").at(-1) ?? "").data, "1200");
  }));

Deno.test("tail ends quietly at a signal, with its exit code", () =>
  withStream(async (endpoint) => {
    const line = "$K tail $S & sleep 3; kill -INT $!; wait $!; echo $?";
    assertEquals(await shell(line, endpoint), { out: "130\n", err: "" });
  }));
