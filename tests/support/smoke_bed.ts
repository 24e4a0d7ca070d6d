/**
 * What `tests/runtimes/smoke.mjs` needs around it: emulators, and a stream with three records.
 *
 * @module
 */

import { startDynalite, startKinesalite } from "./emulators.ts";
import { TestStream } from "./test_stream.ts";

/** The payloads in the stream. */
export const SMOKE_TEXTS: readonly string[] = ["one", "two", "three"];

/** The settings of the worker. */
export interface SmokeOptions {
  readonly kinesisEndpoint: string;
  readonly dynamoDBEndpoint: string;
  readonly streamName: string;
  readonly count: number;
}

/** Runs `body` beside fresh emulators. */
export async function withSmokeBed<T>(body: (options: SmokeOptions) => Promise<T>): Promise<T> {
  await using kinesis = await startKinesalite();
  await using dynamoDB = await startDynalite();
  const stream = await TestStream.create(kinesis.url, "smoke", 1);
  await stream.put(SMOKE_TEXTS);
  return await body({
    kinesisEndpoint: kinesis.url,
    dynamoDBEndpoint: dynamoDB.url,
    streamName: "smoke",
    count: SMOKE_TEXTS.length,
  });
}
