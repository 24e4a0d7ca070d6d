/**
 * A processor that takes its time, fails now and then, checkpoints as it likes, and shows the rules all that it sees.
 *
 * @module
 */

import type { RecordProcessor, RecordsBatch, ShardContext } from "../consumer/record_processor.ts";
import { LeaseLostError, ProcessorRestartError } from "../errors.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { Callback, DeliveryRules, Visit } from "./delivery_rules.ts";
import type { Link } from "./faults.ts";

/** What it is made of. */
export interface CheckingProcessorOptions {
  readonly link: Link;
  readonly rules: DeliveryRules;
}

/** One for each time that a lease is held. */
export function checkingProcessor(options: CheckingProcessorOptions): RecordProcessor {
  return new CheckingProcessor(options);
}

class CheckingProcessor implements RecordProcessor {
  readonly #link: Link;
  readonly #rules: DeliveryRules;
  #visit: Visit | undefined;

  constructor({ link, rules }: CheckingProcessorOptions) {
    this.#link = link;
    this.#rules = rules;
  }

  async initialize(context: ShardContext): Promise<void> {
    await this.#during("initialize", context, async () => {
      await this.#work(this.#link.happens(0.1) ? 3000 : 20);
      if (this.#link.happens(0.05)) throw new Error("not ready yet");
    });
  }

  async processRecords(batch: RecordsBatch, context: ShardContext): Promise<void> {
    await this.#during("processRecords", context, async (visit) => {
      this.#rules.deliver(visit, batch);
      const { chance } = this.#link;
      await this.#work(this.#link.happens(0.05) ? 14_000 : this.#link.happens(0.2) ? 2000 : 50);
      const failsAt = this.#link.happens(0.08) ? chance.below(batch.records.length) : undefined;
      for (const [index, record] of batch.records.entries()) {
        if (context.signal.aborted) return;
        if (index === failsAt) throw this.#failure();
        this.#rules.processed(visit, record);
        if (chance.happens(0.06) && !await this.#checkpoint(context, { visit, at: record })) return;
      }
      if (chance.happens(0.6)) await this.#checkpoint(context, { visit });
      this.#rules.finished(visit);
    });
  }

  async shardEnded(context: ShardContext): Promise<void> {
    await this.#during("shardEnded", context, async () => {
      await this.#work(200);
      if (!this.#link.happens(0.1)) await this.#checkpoint(context);
    });
  }

  async shutdownRequested(context: ShardContext): Promise<void> {
    await this.#during("shutdownRequested", context, async () => {
      await this.#work(300);
      if (this.#link.chance.happens(0.8)) await this.#checkpoint(context);
    });
  }

  async leaseLost(context: ShardContext): Promise<void> {
    await this.#during("leaseLost", context, () => Promise.resolve());
  }

  async dispose(): Promise<void> {
    // Without a call there is nothing to let go of.
    const context = this.#visit?.context;
    if (context !== undefined) await this.#during("dispose", context, () => Promise.resolve());
  }

  async #during(
    callback: Callback,
    context: ShardContext,
    work: (visit: Visit) => Promise<void>,
  ): Promise<void> {
    const visit = this.#visit ??= this.#rules.begin(this.#link.machine.name, context);
    this.#rules.enter(visit, callback);
    try {
      await work(visit);
    } finally {
      this.#rules.leave(visit);
    }
  }

  #failure(): Error {
    return this.#link.chance.happens(0.3) ? new ProcessorRestartError("it died") : new Error("it stumbled");
  }

  /** Takes up to so many ms. */
  async #work(mostMs: number): Promise<void> {
    const { machine, chance } = this.#link;
    await machine.clock.sleep(chance.between(1, mostMs));
  }

  /**
   * @returns false when the lease is gone.
   * @throws what the table threw, at times; else the next checkpoint mends it.
   */
  async #checkpoint(
    context: ShardContext,
    batch?: { readonly visit: Visit; readonly at?: KinesisRecord },
  ): Promise<boolean> {
    try {
      await context.checkpoint(batch?.at);
      if (batch !== undefined) this.#rules.checkpointed(batch.visit, batch.at);
    } catch (error) {
      if (error instanceof LeaseLostError) return false;
      if (this.#link.chance.happens(0.4)) throw error;
    }
    return true;
  }
}
