/**
 * Makes a stream with records in it, on an emulator.
 *
 * @module
 */

import { jsonCaller } from "../../src/aws/json_call.ts";
import { signedKinesis } from "../../src/aws/kinesis.ts";
import { realSystem } from "../../src/system.ts";

/** What is made, and where. */
export interface SeedOptions {
  /** Base URL of the emulator. */
  readonly url: string;
  readonly streamName: string;
  /** @default {1} */
  readonly shards?: number;
  /** Payloads, put in this order; each is its own partition key. @default none */
  readonly texts?: readonly string[];
}

/** Creates the stream, waits until it is ACTIVE, and puts the records. */
export async function seedStream({ url, streamName, shards = 1, texts = [] }: SeedOptions): Promise<void> {
  const service = {
    region: "us-east-1",
    endpoint: url,
    credentials: {
      accessKeyId: "test",
      secretAccessKey: "test",
      sessionToken: undefined,
      expiresEpochMs: undefined,
    },
    system: realSystem,
  };
  const call = jsonCaller({
    service: "kinesis",
    targetPrefix: "Kinesis_20131202",
    contentType: "application/x-amz-json-1.1",
    attemptTimeoutMs: 5000,
  }, service);
  const kinesis = signedKinesis(service);
  await call({
    operation: "CreateStream",
    input: { StreamName: streamName, ShardCount: shards },
    decode: () => {},
  });
  const stream = { streamName, streamArn: undefined };
  while ((await kinesis.describeStreamSummary(stream)).streamStatus !== "ACTIVE") {
    await realSystem.clock.sleep(5);
  }
  if (texts.length === 0) return;
  await call({
    operation: "PutRecords",
    input: {
      StreamName: streamName,
      Records: texts.map((text) => ({
        Data: new TextEncoder().encode(text).toBase64(),
        PartitionKey: text,
      })),
    },
    decode: () => {},
  });
}
