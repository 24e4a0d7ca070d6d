/**
 * A processor for worlds whose workers have an error policy: some records always fail, some calls fail at
 * times, and answers name the record that failed.
 *
 * @module
 */

import type {
  BatchResponse,
  RecordProcessor,
  RecordsBatch,
  ShardContext,
} from "../../consumer/record_processor.ts";
import { LeaseLostError, ProcessorRestartError } from "../../errors.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import { hashOf } from "../model/chance.ts";
import type { Link } from "./faults.ts";

/** How its records and calls end. */
export interface LaneProcessorOptions {
  /** Which part of all records always fails, from 0 to 1. */
  readonly poisoned: number;
  /** Whether it names the record that failed in its answer, at times. */
  readonly isPartial: boolean;
  /** Whether it never checkpoints by itself. */
  readonly isAuto: boolean;
}

/** Whether a record always fails: the same in each world and for each worker. */
export function isPoisoned({ sequenceNumber, subSequenceNumber }: KinesisRecord, part: number): boolean {
  return (hashOf(`poison ${sequenceNumber} ${subSequenceNumber}`) >>> 0) % 10_000 < part * 10_000;
}

/** One for each time that a lease is held. */
export function laneProcessor(link: Link, options: LaneProcessorOptions): RecordProcessor {
  const processor = new LaneProcessor(link, options);
  return options.isAuto ? Object.assign(processor, { checkpoints: "auto" as const }) : processor;
}

class LaneProcessor implements RecordProcessor {
  readonly #link: Link;
  readonly #options: LaneProcessorOptions;

  constructor(link: Link, options: LaneProcessorOptions) {
    this.#link = link;
    this.#options = options;
  }

  async initialize(): Promise<void> {
    await this.#work(20);
    if (this.#happens(0.05)) throw new Error("not ready yet");
  }

  async processRecords(
    { records }: RecordsBatch,
    context: ShardContext,
  ): Promise<BatchResponse | undefined> {
    const { chance } = this.#link;
    await this.#work(this.#happens(0.03) ? 14_000 : this.#happens(0.2) ? 2000 : 50);
    const { poisoned, isPartial, isAuto } = this.#options;
    const poison = records.find((record) => isPoisoned(record, poisoned));
    const failed = poison ?? (this.#happens(0.08) ? chance.pick(records) : undefined);
    if (failed !== undefined) return this.#fail(failed, isPartial);
    if (!isAuto && chance.happens(0.7)) await this.#checkpoint(context);
    return isPartial && chance.happens(0.3) ? { batchItemFailures: [] } : undefined;
  }

  async shardEnded(context: ShardContext): Promise<void> {
    await this.#work(200);
    if (!this.#happens(0.1)) await this.#checkpoint(context);
  }

  async shutdownRequested(context: ShardContext): Promise<void> {
    await this.#work(300);
    if (this.#link.chance.happens(0.8)) await this.#checkpoint(context);
  }

  #fail({ sequenceNumber, subSequenceNumber }: KinesisRecord, isPartial: boolean): BatchResponse {
    if (isPartial && this.#link.chance.happens(0.7)) {
      return { batchItemFailures: [{ itemIdentifier: `${sequenceNumber}:${subSequenceNumber}` }] };
    }
    if (this.#happens(0.1)) throw new ProcessorRestartError("it died");
    throw new Error(`it cannot process ${sequenceNumber}:${subSequenceNumber}`);
  }

  #happens(probability: number): boolean {
    return this.#link.happens("processor", probability);
  }

  /** Takes up to this many ms. */
  async #work(mostMs: number): Promise<void> {
    const { machine, chance } = this.#link;
    await machine.clock.sleep(chance.between(1, mostMs));
    // A computation that lets nothing else run, often for longer than a lease lives.
    if (this.#link.happens("pauses", 0.01)) await machine.block(chance.between(0, 25_000));
  }

  async #checkpoint(context: ShardContext): Promise<void> {
    try {
      await context.checkpoint();
    } catch (error) {
      if (error instanceof LeaseLostError) return;
      if (this.#link.chance.happens(0.4)) throw error;
    }
  }
}
