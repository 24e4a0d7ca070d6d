/**
 * One shard whose results go to a database that the test can make fail at any step, and its owners one after
 * the other.
 *
 * @module
 */

import { LeaseLostError } from "../../src/errors.ts";
import type { KinesisRecord } from "../../src/stream/record.ts";
import { type ExtendedSequenceNumber, positionAt } from "../../src/stream/sequence_number.ts";
import { sqlSink, type SqlWorkOptions } from "../../src/sql/mod.ts";
import {
  type DatabaseClient,
  SimulatedDatabase,
  type SimulatedTransaction,
} from "../../src/testing/simulation/simulated_database.ts";
import { leaseWith } from "../lease/fixtures.ts";
import {
  type ConsumerBed,
  type ConsumerChanges,
  FakeHeldLease,
  pageOf,
  recordWith,
  startConsumer,
} from "./consumer_bed.ts";

/** An owner of the lease; the lease table refuses the writes of a former one. */
class OwnersLease extends FakeHeldLease {
  readonly #shard: SqlShard;

  constructor(shard: SqlShard, counter: number, checkpoint: ExtendedSequenceNumber) {
    super(leaseWith({ leaseCounter: counter, checkpoint }));
    this.#shard = shard;
  }

  override async checkpoint(at: ExtendedSequenceNumber, finishedAhead?: string): Promise<void> {
    if (this.#shard.owner !== this && !this.lost.aborted) {
      this.loss.abort(new LeaseLostError(this.leaseKey, "another worker has it"));
    }
    await super.checkpoint(at, finishedAhead);
    this.#shard.checkpoint = at;
  }
}

/** What an owner is given. */
export interface OwnerOptions extends ConsumerChanges {
  readonly step?: DatabaseClient | undefined;
  readonly work?: (records: readonly KinesisRecord[], tx: SimulatedTransaction) => Promise<void> | void;
  readonly more?: SqlWorkOptions<SimulatedTransaction>;
  readonly counter?: number;
  /** What it reads, in pages of these sizes. */
  readonly pages?: readonly number[];
}

/** See the module. */
export class SqlShard {
  readonly database: SimulatedDatabase = new SimulatedDatabase();
  /** What the lease table has. */
  checkpoint: ExtendedSequenceNumber = positionAt("TRIM_HORIZON");
  owner: OwnersLease | undefined;
  #counter = 2;

  /** A worker gains the lease, and consumes all. Its records are those of the shard, from 1. */
  own(options: OwnerOptions = {}): ConsumerBed & { readonly lease: OwnersLease } {
    const { step = () => Promise.resolve(), work, more, pages = [2, 1, 2], counter, ...changes } = options;
    const lease = new OwnersLease(this, counter ?? (this.#counter += 3), this.checkpoint);
    this.owner = lease;
    const sink = sqlSink(this.database.client(step), { table: "positions", applicationName: "words" });
    const processor = sink.processor((records, tx) => {
      if (work !== undefined) return work(records, tx);
      for (const { sequenceNumber } of records) tx.put(sequenceNumber);
    }, more);
    const bed = startConsumer(undefined, { processor, held: lease, lease: lease.lease, ...changes });
    let next = 1;
    const all = pages.map((size) => Array.from({ length: size }, () => recordWith(next++)));
    bed.retrieval.feed(...all.map((records, at) => pageOf(records, at === all.length - 1 ? [] : undefined)));
    return { ...bed, held: lease, lease };
  }
}

/** Lets time pass, for all pauses after failures, until the consumer has ended or nothing moves any more. */
export async function pass(bed: ConsumerBed, ms = 120_000): Promise<string> {
  let end = "running";
  bed.end.then((how) => end = how);
  for (let passed = 0; passed < ms && end === "running"; passed += 500) await bed.clock.advance(500);
  return end;
}
