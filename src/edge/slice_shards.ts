/**
 * What a slice knows of its shards: from the worker's events and from the pages. It makes the report, counts
 * what was read, and says when nothing is left to do.
 *
 * @module
 */

import type { RecordsDelivery } from "../consumer/records_delivery.ts";
import type { Slice } from "../consumer/slices.ts";
import type { WorkerEvent } from "../events.ts";
import type { RecordsPage } from "../retrieval/retrieval.ts";
import type { Lease } from "../lease/lease.ts";
import { type ExtendedSequenceNumber, isShardEnd, textOf } from "../stream/sequence_number.ts";
import type { SliceShard, SliceShardState } from "./slice_options.ts";

/** One shard. */
export interface ShardProgress {
  readonly leaseKey: string;
  readonly shardId: string;
  records: number;
  checkpoint: ExtendedSequenceNumber;
  millisBehindLatest: number | undefined;
  /** The last user record that its processor was given; at first the checkpoint where the slice began. */
  received: ExtendedSequenceNumber;
  /** Of the delivery to its present processor. */
  finish: RecordsDelivery["finish"] | undefined;
  /** What goes on after the last page, if all of that was handed over. */
  iterator: string | undefined;
  /** Monotonic ms at which the last page came. */
  fetchedMs: number;
  /** Callbacks that run. */
  calls: number;
  phase: "starting" | "waiting" | "reading" | "inCallback";
  end: "open" | "ended" | "lost" | "left" | "hung";
  isCaughtUp: boolean;
}

/** See the module. */
export class SliceShards {
  readonly #shards = new Map<string, ShardProgress>();
  #records = 0;
  #bytes = 0;

  /** By lease key. */
  get all(): readonly ShardProgress[] {
    return [...this.#shards.values()];
  }

  /** Records that were fetched. */
  get fetchedRecords(): number {
    return this.#records;
  }

  /** Bytes of record data that were fetched. */
  get fetchedBytes(): number {
    return this.#bytes;
  }

  /** Whether there are shards, and all that are not over wait for their parents. */
  get areWaiting(): boolean {
    const open = this.all.filter(({ end }) => end === "open");
    return open.length > 0 && open.every(({ phase }) => phase === "waiting");
  }

  /** How many are not over. */
  get open(): number {
    return this.all.filter(({ end }) => end === "open").length;
  }

  /** Whether a shard has gone to another worker, which may give it back. */
  mayReturn(leaseKey: string): boolean {
    const end = this.#shards.get(leaseKey)?.end;
    return end === "left" || end === "lost";
  }

  of(leaseKey: string): ShardProgress | undefined {
    return this.#shards.get(leaseKey);
  }

  /** Counts a page as it comes. */
  page({ records, bytes, millisBehindLatest }: RecordsPage, leaseKey: string, nowMs: number): void {
    this.#records += records.length;
    this.#bytes += bytes;
    const shard = this.#shards.get(leaseKey);
    if (shard === undefined) return;
    shard.millisBehindLatest = millisBehindLatest;
    shard.fetchedMs = nowMs;
  }

  /** A processor begins. */
  begins(leaseKey: string, delivery: Pick<RecordsDelivery, "finish">): void {
    const shard = this.#shards.get(leaseKey);
    if (shard !== undefined) shard.finish = () => delivery.finish();
  }

  /**
   * Nothing more is read of a shard. Resolves when all is done that its processor was given, or it is to be
   * left: what waits for more records, for a new try or for a sink is not cut off by the end of the reading.
   */
  async finished(leaseKey: string): Promise<void> {
    await this.#shards.get(leaseKey)?.finish?.();
  }

  /** User records are about to be handed to their processor. */
  handedOver({ nextIterator }: RecordsPage, { records, isLast }: Slice, leaseKey: string): void {
    const shard = this.#shards.get(leaseKey);
    if (shard === undefined) return;
    const { sequenceNumber, subSequenceNumber } = records.at(-1) ?? shard.received;
    shard.received = { sequenceNumber, subSequenceNumber };
    shard.iterator = isLast ? nextIterator : undefined;
  }

  /** The next page of a shard is asked for. @returns Whether the shard is at its tip. */
  delivered(page: RecordsPage, leaseKey: string): boolean {
    const shard = this.#shards.get(leaseKey);
    if (shard === undefined) return false;
    shard.isCaughtUp = page.millisBehindLatest === 0;
    return shard.isCaughtUp;
  }

  /** The table has confirmed a write to a lease. */
  stored({ leaseKey, checkpoint }: Lease): void {
    const shard = this.#shards.get(leaseKey);
    if (shard !== undefined) shard.checkpoint = checkpoint;
  }

  /** A processor that does not return: what it still does is not of this slice. */
  hung(leaseKey: string): void {
    const shard = this.#shards.get(leaseKey);
    if (shard?.end === "open") shard.end = "hung";
  }

  /** Follows the worker. */
  note(event: WorkerEvent): void {
    if (event.type === "leaseGained") {
      const { leaseKey, shardId, checkpoint } = event;
      const { records = 0 } = this.#shards.get(leaseKey) ?? {};
      this.#shards.set(leaseKey, {
        ...{ leaseKey, shardId, checkpoint, records, millisBehindLatest: undefined },
        ...{ received: checkpoint, finish: undefined, iterator: undefined, fetchedMs: 0, isCaughtUp: false },
        ...{ calls: 0, phase: "starting", end: isShardEnd(checkpoint) ? "ended" : "open" },
      });
      return;
    }
    const shard = "leaseKey" in event && event.leaseKey !== undefined
      ? this.#shards.get(event.leaseKey)
      : undefined;
    if (shard === undefined) return;
    switch (event.type) {
      case "phaseChanged":
        // A shard with parents looks first whether they have ended.
        shard.phase = event.phase === "waitingOnParents" ? "starting" : "reading";
        break;
      case "shardBlocked":
        shard.phase = "waiting";
        break;
      case "callbackStarted":
        shard.calls++;
        shard.phase = "inCallback";
        break;
      case "callbackEnded":
        // One of an earlier hold of the lease may end late.
        shard.calls = Math.max(0, shard.calls - 1);
        if (shard.calls === 0) shard.phase = "reading";
        break;
      case "batchProcessed":
        shard.records += event.records;
        break;
      case "shardCompleted":
        shard.end = "ended";
        break;
      case "leaseLost":
        if (shard.end === "open") shard.end = "lost";
        break;
      case "leaseReleased":
        if (shard.end === "open") shard.end = "left";
    }
  }

  /** An iterator from which the next slice can go on: the stored checkpoint says that all before is done. */
  keptIterator({ iterator, received, checkpoint, end }: ShardProgress): string | undefined {
    return end === "left" && textOf(received) === textOf(checkpoint) ? iterator : undefined;
  }

  /** The report. */
  report(): readonly SliceShard[] {
    return this.all.map((shard) => ({
      shardId: shard.shardId,
      leaseKey: shard.leaseKey,
      records: shard.records,
      checkpoint: shard.end === "ended" ? "SHARD_END" : shard.checkpoint.sequenceNumber,
      millisBehindLatest: shard.millisBehindLatest,
      state: stateOf(shard),
    }));
  }
}

function stateOf({ end, phase, isCaughtUp }: ShardProgress): SliceShardState {
  if (end === "ended" || end === "lost" || end === "hung") return end;
  if (isCaughtUp) return "caughtUp";
  return phase === "waiting" || phase === "starting" ? "waiting" : "behind";
}
