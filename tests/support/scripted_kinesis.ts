/**
 * A Kinesis that a test scripts, call by call; it notes the requests.
 *
 * @module
 */

import type { IteratorPosition, Kinesis, StreamSummary } from "../../src/aws/kinesis.ts";
import type { GetRecordsOutput } from "../../src/aws/kinesis_wire.ts";
import { AwsServiceError } from "../../src/errors.ts";
import type { Shard } from "../../src/stream/shard.ts";
import { recordWith } from "./consumer_bed.ts";

/** An error as the service gives it. */
export function serviceError(code: string, retryable = false): AwsServiceError {
  return new AwsServiceError({
    service: "kinesis",
    operation: "GetRecords",
    code,
    status: 400,
    requestId: "r-1",
    retryable,
    detail: "told by a test",
    body: undefined,
  });
}

/** A page of GetRecords with records of these numbers; `next` null is the end. */
export function output(
  numbers: readonly number[],
  next: string | null = "next",
  more: Partial<GetRecordsOutput> = {},
): GetRecordsOutput {
  const records = numbers.map((n) => recordWith(n));
  return {
    records,
    bytes: records.length,
    nextShardIterator: next ?? undefined,
    millisBehindLatest: 0,
    childShards: [],
    ...more,
  };
}

/** A shard of a listing. */
export function shardWith(shardId: string, more: Partial<Shard> = {}): Shard {
  return {
    shardId,
    parentShardId: undefined,
    adjacentParentShardId: undefined,
    hashKeyRange: { startingHashKey: "0", endingHashKey: "340282366920938463463374607431768211455" },
    startingSequenceNumber: "1",
    endingSequenceNumber: undefined,
    ...more,
  };
}

/** See the module. */
export class ScriptedKinesis implements Kinesis {
  readonly iterators: IteratorPosition[] = [];
  readonly reads: { readonly iterator: string; readonly limit: number; readonly atMs: number }[] = [];
  /** What GetRecords does, one after another; when it runs out, it answers empty pages. */
  readonly script: (GetRecordsOutput | Error)[] = [];
  /** What GetShardIterator does first. */
  readonly iteratorScript: (string | undefined | Error)[] = [];
  shards: readonly Shard[] = [];
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => 0) {
    this.#nowMs = nowMs;
  }

  describeStreamSummary(_stream?: unknown): Promise<StreamSummary> {
    return Promise.reject(new Error("not asked for in this test"));
  }
  listShards(): Promise<readonly Shard[]> {
    return Promise.resolve(this.shards);
  }
  // deno-lint-ignore require-await -- the contract is asynchronous
  async getShardIterator(
    _: unknown,
    shardId: string,
    position: IteratorPosition,
  ): Promise<string | undefined> {
    this.iterators.push(position);
    if (this.iteratorScript.length === 0) return `${shardId}#${this.iterators.length}`;
    const step = this.iteratorScript.shift();
    if (step instanceof Error) throw step;
    return step;
  }
  // deno-lint-ignore require-await -- the contract is asynchronous
  async getRecords(_: unknown, iterator: string, limit: number): Promise<GetRecordsOutput> {
    this.reads.push({ iterator, limit, atMs: this.#nowMs() });
    const step = this.script.shift() ?? output([]);
    if (step instanceof Error) throw step;
    return step;
  }
}
