/**
 * Puts numbered words into a stream, a batch at a time.
 *
 * @module
 */

import { jsonCaller } from "../../src/aws/json_call.ts";
import { signedKinesis } from "../../src/aws/kinesis.ts";
import { realSystem } from "../../src/system.ts";

const WORDS = "the quick brown fox jumps over the lazy dog while seven lobsters count every bird and cat"
  .split(" ");

/** A stream that this process made, and puts words into. */
export interface Producer {
  /** Records that Kinesis has taken so far. */
  readonly put: () => number;
  /** Puts so many words. */
  putWords(count: number): Promise<void>;
  /** Splits the first shard in the middle of its hash keys. */
  split(): Promise<void>;
}

/** Makes the stream and waits until it can be used. */
export async function createStream(url: string, streamName: string, shards: number): Promise<Producer> {
  const credentials = { accessKeyId: "demo", secretAccessKey: "demo" };
  const options = { region: "eu-central-1", endpoint: url, credentials, system: realSystem };
  const kinesis = signedKinesis(options);
  const call = jsonCaller({
    service: "kinesis",
    targetPrefix: "Kinesis_20131202",
    contentType: "application/x-amz-json-1.1",
    attemptTimeoutMs: 10_000,
  }, options);
  const stream = { streamName, streamArn: undefined };
  const operate = async (operation: string, input: Readonly<Record<string, unknown>>) => {
    await call({ operation, input: { StreamName: streamName, ...input }, decode: () => {} });
    while ((await kinesis.describeStreamSummary(stream)).streamStatus !== "ACTIVE") {
      await realSystem.clock.sleep(20);
    }
  };
  await operate("CreateStream", { ShardCount: shards });
  let put = 0;
  return {
    put: () => put,
    async putWords(count) {
      const records = Array.from({ length: count }, (_, i) => {
        const word = WORDS[(put + i) % WORDS.length] ?? "";
        return { Data: btoa(`${put + i} ${word}`), PartitionKey: `${put + i}` };
      });
      await call({
        operation: "PutRecords",
        input: { StreamName: streamName, Records: records },
        decode: (body) => {
          if (body.FailedRecordCount !== 0) {
            throw new Error(`Kinesis refused ${body.FailedRecordCount} records`);
          }
        },
      });
      put += count;
    },
    async split() {
      const [shard] = await kinesis.listShards(stream);
      if (shard === undefined) return;
      const { startingHashKey, endingHashKey } = shard.hashKeyRange;
      const middle = (BigInt(startingHashKey) + BigInt(endingHashKey)) / 2n + 1n;
      await operate("SplitShard", { ShardToSplit: shard.shardId, NewStartingHashKey: `${middle}` });
    },
  };
}
