/**
 * An operator's commands on a fleet, each in a process of its own.
 *
 * @module
 */

import { type CommandResult, runCommand } from "../../support/command.ts";
import type { Fleet } from "./fleet.ts";

/** Runs a command past the taps: items are compared of workers alone. */
export async function kclite(fleet: Fleet, ...args: readonly string[]): Promise<CommandResult> {
  const { name, kinesis, dynamodb, failoverTimeMs } = fleet.target;
  const sets = Object.entries({
    kinesisEndpoint: kinesis,
    dynamoDBEndpoint: dynamodb,
    failoverTimeMillis: failoverTimeMs,
  }).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const cli = new URL("../../../cli.ts", import.meta.url).pathname;
  const target = ["--application", name, "--stream", name, "--region", "us-east-1"];
  // A reset stores the old positions in a file of its working folder.
  const cwd = await Deno.makeTempDir({ prefix: "kclite-interop-java-operator-" });
  try {
    return await runCommand(Deno.execPath(), ["run", "-A", "--no-check", cli, ...args, ...target, ...sets], {
      cwd,
      env: { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
      timeoutMs: 180_000,
    });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}
