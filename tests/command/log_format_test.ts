/** `logFormat = json`: every line that a run writes is one object. */

import { assert, assertEquals } from "@std/assert";
import { main } from "../../cli.ts";
import { childOutput } from "../../src/command/child_output.ts";
import type { LogLine } from "../../src/observe/log_lines.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { withFolder } from "../support/folder.ts";

const MODULE = `
export default () => ({
  processRecords() { throw new RangeError("bad order\\nof two lines"); },
  shardEnded: (context) => context.checkpoint(),
});
`;

/** Runs the module on one stream of one record, and stops it. @returns the lines, and the exit code. */
async function runModule(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const aws = simulatedAws({ streams: { orders: 1 } });
  aws.stream("orders").put("one");
  const stop = new AbortController();
  const lines: string[] = [];
  let announce = (_name: string) => {};
  const variables: Readonly<Record<string, string>> = {
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "of-no-use",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_SHARED_CREDENTIALS_FILE: "/none",
    AWS_CONFIG_FILE: "/none",
    ...env,
  };
  const files = {
    "processor.mjs": MODULE,
    "app.properties": "applicationName = app\nstreamName = orders\nexecutableName = processor.mjs\n" +
      "regionName = eu-west-1\nretrievalMode = POLLING\ninitialPositionInStream = TRIM_HORIZON\n",
  };
  let code = -1;
  await withFolder(files, async (folder) => {
    code = await main([`${folder}/app.properties`, ...args], {
      out: () => {},
      err: (line) => void lines.push(line),
      childStderr: (text) => void lines.push(`raw: ${text}`),
      env: (name) => variables[name],
      envNames: Object.keys(variables),
      signal: stop.signal,
      stopping: (hear) => void (announce = hear),
      options: {
        system: aws.system,
        onEvent: ({ type }) => {
          if (type !== "batchFailed") return;
          announce("SIGTERM");
          stop.abort(new Error("Stopped by SIGTERM"));
        },
      },
    });
  });
  return { code, lines };
}

for (
  const [how, args, env] of [
    ["the flag", ["--log-format", "json"], {}],
    ["the environment", [], { KCLITE_LOG_FORMAT: "json" }],
    ["a property", ["--set", "logFormat=json"], {}],
  ] as const
) {
  Deno.test(`main() writes one object a line, told by ${how}: the stop by a signal too`, async () => {
    const { code, lines } = await runModule(args, env);
    assertEquals(code, 0, lines.join("\n"));
    const records = lines.map((line) => JSON.parse(line));
    assert(records.every(({ time, level, message }) => time !== "" && level !== "" && message !== ""));
    const failed = records.find(({ type }) => type === "batchFailed");
    assertEquals(
      [failed.leaseKey, failed.stream, failed.errorClass],
      ["shardId-000000000000", "orders", "RangeError"],
    );
    assertEquals(records.filter(({ message }) => message.startsWith("SIGTERM: stopping")).length, 1);
  });
}

Deno.test("main() writes a wrong configuration as objects too", async () => {
  const { code, lines } = await runModule(["--log-format", "json", "--set", "failoverTimeMillis=5"]);
  assertEquals(code, 1);
  assertEquals(lines.map((line) => JSON.parse(line).level).at(-1), "error");
});

Deno.test("childOutput() makes lines of what a program complains in pieces, and raw text where the log is text", () => {
  const logged: LogLine[] = [], raw: string[] = [];
  const outputOf = (format: "text" | "json") =>
    childOutput({
      host: {
        out: () => {},
        err: () => {},
        childStderr: (text) => void raw.push(text),
        env: () => undefined,
        envNames: [],
        signal: new AbortController().signal,
      },
      log: (line) => void logged.push(line),
      leastLevel: () => "warning",
      logFormat: () => format,
    });
  const json = outputOf("json");
  for (const piece of ["Trace", "back:\n\n  boom\nno", "t ended yet"]) json(piece);
  assertEquals(logged, [
    { level: "warning", text: "Traceback:" },
    { level: "warning", text: "  boom" },
  ]);
  json("x".repeat(9000));
  assertEquals(logged.length, 3);
  outputOf("text")("as it is\n");
  assertEquals(raw, ["as it is\n"]);
});
