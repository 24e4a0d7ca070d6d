/**
 * Edge workers on virtual time: a table and a stream in memory, and a driver that moves the clock whenever
 * everything waits for it.
 *
 * @module
 */

import type { IteratorPosition, Kinesis } from "../../src/aws/kinesis.ts";
import type { GetRecordsOutput } from "../../src/aws/kinesis_wire.ts";
import type { RecordProcessor } from "../../src/consumer/record_processor.ts";
import { EdgeWorker } from "../../src/edge/mod.ts";
import type { EdgeOptions } from "../../src/edge/slice_options.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { type KinesisRecord, kinesisRecord } from "../../src/stream/record.ts";
import type { Shard } from "../../src/stream/shard.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { MemoryBed } from "../support/memory_bed.ts";

interface MemoryShard extends Omit<Shard, "endingSequenceNumber"> {
  readonly records: KinesisRecord[];
  endingSequenceNumber: string | undefined;
}

/** See the module. */
export class MemoryEdgeBed extends MemoryBed {
  readonly shards: Map<string, MemoryShard> = new Map<string, MemoryShard>();
  readonly texts: string[] = [];
  /** Calls of Kinesis, by name and shard. */
  readonly calls: string[] = [];
  #sequence = 100;

  constructor(shards = 1) {
    super();
    const width = 2n ** 128n / BigInt(shards);
    for (let index = 0; index < shards; index++) {
      const from = BigInt(index) * width;
      this.#addShard(index, [from, index === shards - 1 ? 2n ** 128n - 1n : from + width - 1n], []);
    }
  }

  /** A new instance: nothing of an earlier one is in memory. */
  worker(more: Partial<EdgeOptions> = {}): EdgeWorker {
    return new EdgeWorker({
      ...this.#shared(),
      workerIdentifier: "edge-1",
      leases: "hold",
      failoverTimeMs: 60_000,
      ...more,
    });
  }

  /** An ordinary worker on the same table. */
  ordinary(more: Partial<WorkerOptions> = {}): KinesisWorker {
    return new KinesisWorker({
      ...this.#shared(),
      workerIdentifier: "ordinary",
      failoverTimeMs: 60_000,
      ...more,
    });
  }

  #shared(): Omit<EdgeOptions, "workerIdentifier" | "leases"> {
    return {
      applicationName: "app",
      streamName: "words",
      initialPositionInStream: "TRIM_HORIZON",
      kinesis: this.kinesis(),
      leaseStore: this.store,
      coordinatorStore: this.coordinator,
      system: this.system,
      log: false,
      onEvent: (event: WorkerEvent) => void this.events.push(event),
      processor: () => this.processor(),
    };
  }

  /** Notes each record's text, and checkpoints each batch. */
  processor(more: Partial<RecordProcessor> = {}): RecordProcessor {
    return {
      processRecords: async ({ records }, context) => {
        for (const { data } of records) this.texts.push(new TextDecoder().decode(data));
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
      ...more,
    };
  }

  put(data: string | Uint8Array, shardIndex = 0): void {
    const shard = this.shards.get(idOf(shardIndex));
    shard?.records.push(kinesisRecord({
      sequenceNumber: `${++this.#sequence}`,
      subSequenceNumber: 0,
      partitionKey: "k",
      explicitHashKey: undefined,
      data: typeof data === "string" ? new TextEncoder().encode(data) : data,
      approximateArrivalTimestamp: this.clock.epochMs(),
      encryptionType: undefined,
      aggregated: false,
    }));
  }

  /** Closes a shard, and opens two children. */
  split(shardIndex = 0): void {
    const parent = this.shards.get(idOf(shardIndex));
    if (parent === undefined) throw new Error(`no shard ${shardIndex}`);
    parent.endingSequenceNumber = `${++this.#sequence}`;
    const [from, to] = [
      BigInt(parent.hashKeyRange.startingHashKey),
      BigInt(parent.hashKeyRange.endingHashKey),
    ];
    const middle = (from + to) / 2n;
    const first = this.shards.size;
    this.#addShard(first, [from, middle], [parent.shardId]);
    this.#addShard(first + 1, [middle + 1n, to], [parent.shardId]);
  }

  /** Runs something to its end, and moves time on whenever all of it waits. */
  async drive<T>(running: Promise<T>, mostMs = 3_600_000): Promise<T> {
    let isOver = false;
    const watched = running.finally(() => isOver = true);
    watched.catch(() => {});
    const untilMs = this.clock.monotonicMs() + mostMs;
    while (!isOver) {
      // Long chains of promises have their end before time moves.
      for (let turns = 0; turns < 6 && !isOver; turns++) await this.clock.advance(0);
      const [nextMs] = this.clock.pendingMs;
      if (isOver) break;
      if (nextMs === undefined) continue;
      if (this.clock.monotonicMs() > untilMs) throw new Error("it takes too long");
      await this.clock.advance(nextMs);
    }
    return await watched;
  }

  kinesis(): Kinesis {
    const shardOf = (shardId: string) => {
      const shard = this.shards.get(shardId);
      if (shard === undefined) throw notFound();
      return shard;
    };
    return {
      describeStreamSummary: () => {
        this.calls.push("DescribeStreamSummary");
        return Promise.resolve({
          streamName: "words",
          streamArn: "arn:aws:kinesis:us-east-1:123456789012:stream/words",
          streamStatus: "ACTIVE" as const,
          streamCreationEpochS: 1_700_000_000,
          openShardCount: this.shards.size,
        });
      },
      listShards: () => {
        this.calls.push("ListShards");
        return Promise.resolve([...this.shards.values()]);
      },
      getShardIterator: (_, shardId, position) => {
        this.calls.push(`GetShardIterator ${shardId}`);
        return Promise.resolve(`${shardId}/${indexOf(shardOf(shardId).records, position)}`);
      },
      getRecords: (_, iterator, limit) => {
        const [shardId = "", index = "0"] = iterator.split("/");
        this.calls.push(`GetRecords ${shardId}`);
        return Promise.resolve(this.#read(shardOf(shardId), Number(index), limit));
      },
    };
  }

  #read(shard: MemoryShard, from: number, limit: number): GetRecordsOutput {
    const records = shard.records.slice(from, from + limit);
    const next = from + records.length;
    const isEnd = shard.endingSequenceNumber !== undefined && next >= shard.records.length;
    const childShards = [...this.shards.values()]
      .filter(({ parentShardId }) => parentShardId === shard.shardId)
      .map(({ shardId, hashKeyRange }) => ({ shardId, hashKeyRange, parentShards: [shard.shardId] }));
    return {
      records,
      bytes: records.reduce((sum, { data }) => sum + data.length, 0),
      nextShardIterator: isEnd ? undefined : `${shard.shardId}/${next}`,
      millisBehindLatest: next < shard.records.length ? 1000 : 0,
      childShards: isEnd ? childShards : [],
    };
  }

  #addShard(index: number, [from, to]: readonly [bigint, bigint], parents: readonly string[]): void {
    const shardId = idOf(index);
    this.shards.set(shardId, {
      shardId,
      parentShardId: parents[0],
      adjacentParentShardId: undefined,
      hashKeyRange: { startingHashKey: `${from}`, endingHashKey: `${to}` },
      startingSequenceNumber: `${this.#sequence}`,
      endingSequenceNumber: undefined,
      records: [],
    });
  }
}

/** The id of the shard with this number. */
export function idOf(index: number): string {
  return `shardId-${index.toString().padStart(12, "0")}`;
}

function indexOf(records: readonly KinesisRecord[], position: IteratorPosition): number {
  if (position.type === "LATEST") return records.length;
  if (!("sequenceNumber" in position)) return 0;
  const at = BigInt(position.sequenceNumber);
  const found = records.findIndex(({ sequenceNumber }) =>
    position.type === "AT_SEQUENCE_NUMBER" ? BigInt(sequenceNumber) >= at : BigInt(sequenceNumber) > at
  );
  return found < 0 ? records.length : found;
}

function notFound(): AwsServiceError {
  return new AwsServiceError({
    service: "kinesis",
    operation: "GetRecords",
    code: "ResourceNotFoundException",
    status: 400,
    requestId: undefined,
    retryable: false,
    detail: "no such shard",
    body: undefined,
  });
}
