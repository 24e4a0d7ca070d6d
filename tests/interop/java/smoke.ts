/**
 * kclite's half of the interop run, without Java: a worker in a process of its own behind a tap, on the tests' emulators, and what
 * its writes did to the items.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { signedDynamoDB } from "../../../src/aws/dynamodb.ts";
import { realSystem } from "../../../src/system.ts";
import { startDynalite, startKinesalite } from "../../support/emulators.ts";
import { testCredentials, TestStream } from "../../support/test_stream.ts";
import { compareSteps } from "./item_steps.ts";
import { eventually, RunningProgram } from "./processes.ts";
import { Taps } from "./tap.ts";

const texts = ["one", "two", "three"];

/** Runs it. @throws when the worker does not deliver what was put, or its writes are not noted. */
export async function smoke(): Promise<void> {
  await using kinesis = await startKinesalite();
  await using dynalite = await startDynalite();
  const stream = await TestStream.create(kinesis.url, "words", 1);
  await stream.put(texts);
  const dynamodb = signedDynamoDB({
    region: "us-east-1",
    endpoint: dynalite.url,
    credentials: testCredentials,
    system: realSystem,
  });
  await using taps = new Taps(dynalite.url, dynamodb);
  const options = {
    applicationName: "interop",
    streamName: "words",
    region: "us-east-1",
    credentials: testCredentials,
    kinesisEndpoint: kinesis.url,
    dynamoDBEndpoint: taps.open("kclite"),
    initialPositionInStream: "TRIM_HORIZON",
    workerIdentifier: "kclite-1",
  };
  const program = new URL("./kclite_worker.ts", import.meta.url).pathname;
  const lines: string[] = [];
  const worker = new RunningProgram(Deno.execPath(), ["run", "-A", program, JSON.stringify(options)], {
    onLine: (line) => lines.push(line),
    onErrorLine: (line) => lines.push(line),
  });
  try {
    const records = () =>
      lines.filter((line) => line.includes(`"event":"record"`)).map((line) => JSON.parse(line).text);
    const checkpointed = () => taps.writes.some(({ name }) => name === "LEASE: checkpoint");
    await eventually(
      "every record is delivered and checkpointed",
      () => records().length >= texts.length && checkpointed(),
      {
        limitMs: 60_000,
        state: () => lines.join("\n"),
      },
    );
    assertEquals(records(), texts);
  } finally {
    await worker.end("SIGTERM");
  }
  const steps = compareSteps(taps.writes).filter(({ verdict }) => verdict === "kclite only");
  assertEquals(steps.some(({ name }) => name === "create LEASE"), true);
  console.log(
    `${texts.length} records and ${steps.length} kinds of writes by kclite behind a tap; Java was not started`,
  );
}
