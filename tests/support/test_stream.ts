/**
 * A stream on an emulator, as a test's producer and operator sees it: puts numbered records, splits, merges.
 *
 * @module
 */

import { type JsonCaller, jsonCaller, type JsonObject } from "../../src/aws/json_call.ts";
import { type Kinesis, signedKinesis } from "../../src/aws/kinesis.ts";
import { isOpen, type Shard } from "../../src/stream/shard.ts";
import { realSystem } from "../../src/system.ts";

/** Keys that every emulator takes. */
export const testCredentials = { accessKeyId: "test", secretAccessKey: "test" } as const;

/** One stream. */
export class TestStream {
  readonly streamName: string;
  readonly url: string;
  readonly #call: JsonCaller;
  readonly #kinesis: Kinesis;

  private constructor(url: string, streamName: string) {
    const service = { region: "us-east-1", endpoint: url, credentials: testCredentials, system: realSystem };
    this.url = url;
    this.streamName = streamName;
    this.#kinesis = signedKinesis(service);
    this.#call = jsonCaller({
      service: "kinesis",
      targetPrefix: "Kinesis_20131202",
      contentType: "application/x-amz-json-1.1",
      attemptTimeoutMs: 30_000,
    }, service);
  }

  /** Creates the stream and waits until it can be used. */
  static async create(url: string, streamName: string, shards: number): Promise<TestStream> {
    const stream = new TestStream(url, streamName);
    await stream.#operate("CreateStream", { ShardCount: shards });
    return stream;
  }

  /** All shards, closed ones included. */
  shards(): Promise<readonly Shard[]> {
    return this.#kinesis.listShards({ streamName: this.streamName, streamArn: undefined });
  }

  /** The open shards, by starting hash key. */
  async openShards(): Promise<readonly Shard[]> {
    const start = (shard: Shard) => BigInt(shard.hashKeyRange.startingHashKey);
    return (await this.shards()).filter(isOpen).toSorted((a, b) => start(a) < start(b) ? -1 : 1);
  }

  /** Puts texts, each under its own partition key unless given one, at most 500 a call. */
  async put(
    texts: readonly string[],
    partitionKey: (text: string) => string = (text) => text,
  ): Promise<void> {
    for (let i = 0; i < texts.length; i += 500) {
      await this.#call({
        operation: "PutRecords",
        input: {
          StreamName: this.streamName,
          Records: texts.slice(i, i + 500).map((text) => ({
            Data: btoa(text),
            PartitionKey: partitionKey(text),
          })),
        },
        decode: (body) => {
          if (body.FailedRecordCount !== 0) {
            throw new Error(`PutRecords refused ${body.FailedRecordCount} records`);
          }
        },
      });
    }
  }

  /** Splits a shard in the middle. */
  async split(shard: Shard): Promise<void> {
    const { startingHashKey, endingHashKey } = shard.hashKeyRange;
    const middle = (BigInt(startingHashKey) + BigInt(endingHashKey)) / 2n + 1n;
    await this.#operate("SplitShard", { ShardToSplit: shard.shardId, NewStartingHashKey: `${middle}` });
  }

  /** Merges two adjacent shards. */
  async merge(shard: Shard, adjacent: Shard): Promise<void> {
    await this.#operate("MergeShards", {
      ShardToMerge: shard.shardId,
      AdjacentShardToMerge: adjacent.shardId,
    });
  }

  /** Makes a deleted stream again, under the same name. */
  async createAgain(shards: number): Promise<void> {
    await this.#operate("CreateStream", { ShardCount: shards });
  }

  /** Deletes the stream, and waits until it is gone. */
  async delete(): Promise<void> {
    await this.#call({ operation: "DeleteStream", input: { StreamName: this.streamName }, decode: () => {} });
    const stream = { streamName: this.streamName, streamArn: undefined };
    const isThere = () => this.#kinesis.describeStreamSummary(stream).then(() => true, () => false);
    while (await isThere()) await realSystem.clock.sleep(5);
  }

  /** An operation that leaves the stream busy for a while. */
  async #operate(operation: string, input: JsonObject): Promise<void> {
    await this.#call({ operation, input: { StreamName: this.streamName, ...input }, decode: () => {} });
    const stream = { streamName: this.streamName, streamArn: undefined };
    while ((await this.#kinesis.describeStreamSummary(stream)).streamStatus !== "ACTIVE") {
      await realSystem.clock.sleep(5);
    }
  }
}
