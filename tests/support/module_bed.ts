/**
 * A module behind the command line, in a process of its own, beside fresh emulators. It may import the
 * command line's own copy of the library, or another one.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { CliProcess } from "./cli_process.ts";
import { runCommand } from "./command.ts";
import { startDynalite, startKinesalite } from "./emulators.ts";
import { withFolder } from "./folder.ts";
import { TestStream } from "./test_stream.ts";

const ROOT = new URL("../../", import.meta.url);

/** What a test has. */
export interface ModuleBed {
  readonly folder: string;
  /** Of one shard. */
  readonly stream: TestStream;
  /** @param properties `name=value`, beside those that all runs share. */
  readonly start: (...properties: readonly string[]) => CliProcess;
}

/** Where a module imports the command line's own copy from, e.g. `sql`. */
export function sourceOf(entry: string): string {
  return new URL(`src/${entry}/mod.ts`, ROOT).href;
}

/** Writes another copy, as npm has it: its classes are not those of the command line. */
export async function bundled(entry: string, folder: string, ...how: readonly string[]): Promise<void> {
  const output = ["--platform=deno", "--output", `${folder}/${entry}.mjs`];
  const { code, stderr } = await runCommand(Deno.execPath(), ["bundle", ...how, ...output, sourceOf(entry)]);
  assertEquals(code, 0, stderr);
}

/** A command line with the module of this text. */
export async function withModule(text: string, body: (bed: ModuleBed) => Promise<void>): Promise<void> {
  await using kinesis = await startKinesalite();
  await using dynamoDB = await startDynalite();
  const stream = await TestStream.create(kinesis.url, "orders", 1);
  const properties = `executableName = orders.mjs
applicationName = app
streamName = orders
regionName = eu-central-1
kinesisEndpoint = ${kinesis.url}
dynamoDBEndpoint = ${dynamoDB.url}
initialPositionInStream = TRIM_HORIZON
retrievalMode = POLLING
`;
  await withFolder({ "orders.mjs": text, "app.properties": properties }, (folder) =>
    body({
      folder,
      stream,
      start: (...properties) =>
        new CliProcess({
          deno: ["run", "-A", new URL("cli.ts", ROOT).pathname],
          args: ["app.properties", ...properties.flatMap((property) => ["--set", property])],
          cwd: folder,
          env: { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
        }),
    }));
}
