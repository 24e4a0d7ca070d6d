/**
 * A processor that takes its time, fails now and then, and checkpoints as it likes.
 *
 * @module
 */

import type { RecordProcessor, RecordsBatch, ShardContext } from "../../consumer/record_processor.ts";
import { LeaseLostError, ProcessorRestartError } from "../../errors.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import { positionAt } from "../../stream/sequence_number.ts";
import type { Link } from "./faults.ts";

/** One for each time that a lease is held. */
export function fickleProcessor(link: Link): RecordProcessor {
  return new FickleProcessor(link);
}

class FickleProcessor implements RecordProcessor {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async initialize(): Promise<void> {
    await this.#work(this.#happens(0.1) ? 3000 : 20);
    if (this.#happens(0.05)) throw new Error("not ready yet");
  }

  async processRecords({ records }: RecordsBatch, context: ShardContext): Promise<void> {
    const { chance } = this.#link;
    await this.#work(this.#happens(0.05) ? 14_000 : this.#happens(0.2) ? 2000 : 50);
    const failsAt = this.#happens(0.08) ? chance.below(records.length) : undefined;
    for (const [index, record] of records.entries()) {
      if (context.signal.aborted) return;
      if (index === failsAt) throw this.#failure();
      if (chance.happens(0.06) && !await this.#checkpoint(context, record)) return;
    }
    if (chance.happens(0.6)) await this.#checkpoint(context);
    // This one is not awaited.
    if (this.#happens(0.02)) context.restart(new Error("it wants to start over"));
  }

  async shardEnded(context: ShardContext): Promise<void> {
    await this.#work(200);
    if (!this.#happens(0.1)) await this.#checkpoint(context);
  }

  async shutdownRequested(context: ShardContext): Promise<void> {
    await this.#work(300);
    if (this.#link.chance.happens(0.8)) await this.#checkpoint(context);
  }

  #happens(probability: number): boolean {
    return this.#link.happens("processor", probability);
  }

  #failure(): Error {
    return this.#link.chance.happens(0.3) ? new ProcessorRestartError("it died") : new Error("it stumbled");
  }

  /** Takes up to this many ms. */
  async #work(mostMs: number): Promise<void> {
    const { machine, chance } = this.#link;
    await machine.clock.sleep(chance.between(1, mostMs));
    // A computation that lets nothing else run, often for longer than a lease lives.
    if (this.#link.happens("pauses", 0.02)) await machine.block(chance.between(0, 25_000));
  }

  /**
   * In one phase or two.
   *
   * @returns false when the lease is lost.
   * @throws what the table threw, at times; else the next checkpoint mends it.
   */
  async #checkpoint(context: ShardContext, at?: KinesisRecord): Promise<boolean> {
    try {
      if (this.#happens(0.1)) {
        const prepared = await context.prepareCheckpoint(at, new Uint8Array([1]));
        await this.#work(500);
        if (!this.#happens(0.2)) await prepared.checkpoint();
      } else {await context.checkpoint(
          at === undefined || !this.#happens(0.1) ? at : positionAt(at.sequenceNumber),
        );}
    } catch (error) {
      if (error instanceof LeaseLostError) return false;
      // It may be stored nonetheless, and turn up while a fresh processor begins.
      if (this.#happens(0.2)) {
        throw new ProcessorRestartError("it cannot tell how far it got", { cause: error });
      }
      if (this.#link.chance.happens(0.4)) throw error;
    }
    return true;
  }
}
