/** `kclite redrive` without its process: arguments, files and services in; lines and an exit code out. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Host, main } from "../../../cli.ts";
import { fileSink } from "../../../src/failures/file/mod.ts";
import { sqsSink } from "../../../src/failures/letters/aws_sinks.ts";
import { parseRedriveCommand } from "../../../src/host/redrive_arguments.ts";
import { CliProcess } from "../../support/cli_process.ts";
import { SignedServices, SIGNING_KEYS } from "../../support/signed_services.ts";
import { simulated } from "../../support/simulated.ts";
import { connectionOf, letterOf, NEVER, recordOf } from "../letters/fixtures.ts";

const CLI = new URL("../../../cli.ts", import.meta.url).pathname;

/** A processor that notes data in a file beside it, and fails for "bad". */
const MODULE = `
import { appendFileSync } from "node:fs";
export default () => ({
  processRecords({ records }) {
    for (const { data } of records) {
      const text = new TextDecoder().decode(data);
      if (text.startsWith("bad")) throw new Error("still bad: " + text);
      appendFileSync(new URL("./seen.txt", import.meta.url), text + "\\n");
    }
  },
  shardEnded: (context) => context.checkpoint(),
});
`;

interface Bed {
  readonly folder: string;
  readonly file: string;
  readonly properties: string;
  seen(): Promise<string>;
}

/** A folder with a processor, its properties, and a file of letters. */
async function bedOf(data: readonly string[]): Promise<Bed> {
  const folder = await Deno.makeTempDir({ prefix: "kclite-redrive-" });
  const file = `${folder}/dead.jsonl`, properties = `${folder}/app.properties`;
  await Deno.writeTextFile(`${folder}/processor.mjs`, MODULE);
  await Deno.writeTextFile(
    properties,
    // Its policy would put what fails back into the very file.
    "applicationName = app\nstreamName = orders\nexecutableName = processor.mjs\nregionName = eu-west-1\n" +
      `maximumRetryAttempts = 0\nonFailureDestination = ${file}\n`,
  );
  const sink = fileSink(file);
  const connection = connectionOf(() => Promise.reject(new Error("no request is expected")));
  for (const [i, text] of data.entries()) {
    await sink.store(letterOf({ records: [recordOf(`${i + 1}`, text)] }), connection, NEVER);
  }
  const seen = () => Deno.readTextFile(`${folder}/seen.txt`).catch(() => "");
  return { folder, file, properties, seen };
}

async function run(args: readonly string[], host: Partial<Host> = {}) {
  const out: string[] = [], log: string[] = [], raw: string[] = [];
  const env: Readonly<Record<string, string>> = {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_SHARED_CREDENTIALS_FILE: "/none",
    AWS_CONFIG_FILE: "/none",
    AWS_ACCESS_KEY_ID: SIGNING_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: SIGNING_KEYS.secretAccessKey,
    AWS_SESSION_TOKEN: SIGNING_KEYS.sessionToken,
  };
  const code = await main(["redrive", ...args], {
    out: (line) => void out.push(line),
    err: (line) => void log.push(line.replace(/^\S+Z /, "")),
    childStderr: (text) => void raw.push(text),
    env: (name) => env[name],
    envNames: Object.keys(env),
    signal: NEVER,
    ...host,
  });
  return { code, out, log, raw };
}

Deno.test("redrive of a file gives each letter to the module, keeps what fails, and ends with 1", async () => {
  const bed = await bedOf(["a", "bad 1", "b"]);
  const { code, out, log } = await run([bed.file, bed.properties]);
  assertEquals(out, [
    "line 2 failed again, and stays: still bad: bad 1",
    "2 letters processed (2 records), 1 failed",
  ]);
  assertEquals([code, log.filter((line) => !line.startsWith("INFO"))], [1, []]);
  assertEquals(await bed.seen(), "a\nb\n");
  const [left = "", end] = (await Deno.readTextFile(bed.file)).split("\n");
  assertEquals([JSON.parse(left).KinesisBatchInfo.startSequenceNumber, end], ["2", ""]);
  // Nothing is dead-lettered again, and a second run repeats no success.
  assertEquals((await run([bed.file, bed.properties])).code, 1);
  assertEquals(await bed.seen(), "a\nb\n");
});

Deno.test("redrive --dry-run needs no properties, shows the letters, and changes nothing", async () => {
  const bed = await bedOf(["a", "bad"]);
  const before = await Deno.readTextFile(bed.file);
  for (const more of [[], [bed.properties]]) {
    const { code, out } = await run([bed.file, "--dry-run", ...more]);
    assertEquals([code, out], [0, [
      "line 1: RetryAttemptsExhausted orders shardId-000000000001 1: 1 record inside: TypeError: no such word",
      "line 2: RetryAttemptsExhausted orders shardId-000000000001 2: 1 record inside: TypeError: no such word",
    ]]);
  }
  assertEquals(await Deno.readTextFile(bed.file), before);
  assertEquals(await bed.seen(), "");
});

Deno.test("redrive --max ends early; a clean run ends with 0 and leaves no file", async () => {
  const bed = await bedOf(["a", "b", "c"]);
  const { code, out } = await run([bed.file, "--max", "2", bed.properties]);
  assertEquals([code, out], [0, ["2 letters processed (2 records), 0 failed"]]);
  assertEquals((await run([bed.file, bed.properties, "--max=9"])).out, [
    "1 letter processed (1 record), 0 failed",
  ]);
  assertEquals(await bed.seen(), "a\nb\nc\n");
  const gone = await run([bed.file, bed.properties]);
  assertEquals(gone.code, 1);
  assertStringIncludes(gone.log.join("\n"), "there is no such file");
});

Deno.test("redrive of a queue signs its calls, fetches records again, and deletes what succeeded", async () => {
  const services = new SignedServices();
  services.queues.set("failed", []);
  const { aws, kinesis } = simulated({ streams: { orders: 1 } });
  aws.stream("orders").put("from the stream");
  const stream = { streamName: "orders", streamArn: undefined };
  const [shard] = await kinesis.listShards(stream);
  const iterator = await kinesis.getShardIterator(stream, shard?.shardId ?? "", { type: "TRIM_HORIZON" });
  const [put] = (await kinesis.getRecords(stream, iterator ?? "", 1)).records;
  const connection = connectionOf(services.fetch);
  const arn = "arn:aws:sqs:eu-west-1:123456789012:failed";
  const lean = sqsSink(arn, { withRecords: false });
  const there = letterOf({ shardId: shard?.shardId ?? "", records: put === undefined ? [] : [put] });
  await lean.store(
    { ...there, streamArn: "arn:aws:kinesis:us-east-1:123456789012:stream/orders" },
    connection,
    NEVER,
  );
  const bed = await bedOf([]);
  const system = {
    ...connection.system,
    fetch: (input: RequestInfo | URL, init?: RequestInit) =>
      String(input).includes("//kinesis.")
        ? aws.fetch(new Request(input, init))
        : services.fetch(input, init),
  };
  const { code, out, log } = await run([arn, bed.properties], { options: { system } });
  assertEquals([code, out], [0, ["1 letter processed (1 record), 0 failed"]], log.join("\n"));
  assertEquals(services.queues.get("failed"), []);
  assertEquals(await bed.seen(), "from the stream\n");
  aws.close();
});

Deno.test("redrive shows progress on a terminal, and every 10 s in a pipe", async () => {
  const bed = await bedOf(["a", "b", "c"]);
  const connection = connectionOf(() => Promise.reject(new Error("no request is expected")));
  const { clock } = connection;
  const monotonicMs = clock.monotonicMs.bind(clock);
  let ms = 0;
  clock.monotonicMs = () => monotonicMs() + (ms += 6000);
  const options = { options: { system: connection.system } };
  const piped = await run([bed.file, bed.properties], options);
  assert(piped.out.length >= 2 && piped.out[0]?.endsWith(" so far"), piped.out.join("\n"));
  assertEquals(piped.raw, []);
  const again = await bedOf(["a", "b"]);
  const shown = await run([again.file, again.properties], { ...options, isTerminal: true });
  assertEquals(shown.out, ["2 letters processed (2 records), 0 failed"]);
  assertStringIncludes(shown.raw.join(""), "\r1 letter processed (1 record), 0 failed\x1b[K");
});

Deno.test("redrive whose output is closed goes on; a dry run ends", async () => {
  const bed = await bedOf(["a", "bad", "b"]);
  const closed = {
    out: () => {
      throw new Error("EPIPE");
    },
  };
  assertEquals((await run([bed.file, "--dry-run"], closed)).code, 0);
  assertEquals((await run([bed.file, bed.properties], closed)).code, 1);
  assertEquals(await bed.seen(), "a\nb\n");
});

Deno.test("redrive that is interrupted finishes its letter and puts the others back", async () => {
  // More than a busy machine processes between two looks at what the processor has seen.
  const letters = Array.from({ length: 200 }, (_, n) => `letter ${n}`);
  const bed = await bedOf(letters);
  const stop = new AbortController();
  const options = { onEvent: () => {} };
  const running = run([bed.file, bed.properties], { signal: stop.signal, options });
  while (await bed.seen() === "") await new Promise((resolve) => setTimeout(resolve, 1));
  stop.abort(new Error("SIGINT"));
  const { code, out } = await running;
  assertEquals(code, 0); // cli.ts makes 130 of it
  const processed = (await bed.seen()).trim().split("\n").length;
  const left = await Deno.readTextFile(bed.file).catch(() => "");
  assertEquals(left.split("\n").filter((line) => line !== "").length, 200 - processed);
  assertMatch(out.at(-1) ?? "", /^Interrupted: \d+ letters? processed/);
});

Deno.test("redrive says what is wrong with its arguments and its source", async () => {
  const bed = await bedOf(["a"]);
  for (
    const [args, says] of [
      [[], "Expected a source"],
      [["--max", "1"], "Expected a source"],
      [[bed.file, "--max", "few"], "Expected --max to be a whole number"],
      [[bed.file, "--since=soon"], "Expected --since to be a time"],
      [[bed.file, "--nonsense"], "nonsense"],
    ] as const
  ) {
    const { code, log } = await run(args);
    assertEquals(code, 2);
    assertStringIncludes(log.join("\n"), says);
  }
  const topic = await run(["arn:aws:sns:eu-west-1:123456789012:failed", bed.properties]);
  assertEquals(topic.code, 1);
  assertStringIncludes(topic.log.join("\n"), "a topic keeps nothing");
  assertEquals((await run([bed.file])).code, 1); // nothing says what processes records
  assertEquals((await Deno.readTextFile(bed.file)).split("\n").length, 2);
  assertStringIncludes((await run(["--help"])).out.join("\n"), "Usage: kclite redrive SOURCE");
  const { type } = parseRedriveCommand(["x", "--dry-run"]);
  assertEquals(type, "run");
});

Deno.test("redrive as a process ends with 130 after Ctrl-C, and runs a MultiLang program", async () => {
  const bed = await bedOf(["a", "b"]);
  // Speaks the protocol, and answers the second record only after a while.
  await Deno.writeTextFile(
    `${bed.folder}/program.sh`,
    `#!/bin/sh
while read -r line; do
  case "$line" in
    *'"initialize"'*) echo '{"action":"status","responseFor":"initialize"}' ;;
    *'"processRecords"'*) echo x >> "${bed.folder}/seen.txt"; sleep 1
      echo '{"action":"status","responseFor":"processRecords"}' ;;
    *'"shutdownRequested"'*) echo '{"action":"status","responseFor":"shutdownRequested"}' ;;
    *'"leaseLost"'*) echo '{"action":"status","responseFor":"leaseLost"}' ;;
  esac
done
`,
  );
  await Deno.chmod(`${bed.folder}/program.sh`, 0o755);
  await using program = new CliProcess({
    deno: ["run", "-A", CLI],
    args: ["redrive", bed.file, bed.properties, "--set", `executableName=${bed.folder}/program.sh`],
    cwd: bed.folder,
  });
  while (await bed.seen() === "") await new Promise((resolve) => setTimeout(resolve, 10));
  program.kill("SIGINT");
  assertEquals(await program.exitCode(), 130);
  assertStringIncludes(program.output, "Interrupted: 1 letter processed (1 record), 0 failed");
  assertEquals((await Deno.readTextFile(bed.file)).trim().split("\n").length, 1);
});
