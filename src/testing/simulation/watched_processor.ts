/**
 * Puts the rules between a consumer and its processor: they see each call, each batch, and each checkpoint
 * that is asked for.
 *
 * A record counts as processed in two cases: `processRecords` has returned, or the processor requests a
 * checkpoint at or beyond the record.
 *
 * @module
 */

import type {
  PreparedCheckpoint,
  RecordProcessor,
  RecordsBatch,
  ShardContext,
} from "../../consumer/record_processor.ts";
import { isOfClass, isOfStore, ProcessorRestartError } from "../../errors.ts";
import { type ExtendedSequenceNumber, positionAt } from "../../stream/sequence_number.ts";
import type { Callback, DeliveryRules, Visit } from "./delivery_rules.ts";

/** What watching takes. */
export interface WatchedProcessorOptions {
  /** The process that it runs in. */
  readonly machine: string;
  readonly rules: DeliveryRules;
  /** Whether a batch that throws is passed over, as the worker's `onProcessError` says. */
  readonly isSkipping: boolean;
}

/** The same processor, watched. */
export function watchedProcessor(
  processor: RecordProcessor,
  options: WatchedProcessorOptions,
): RecordProcessor {
  return new WatchedProcessor(processor, options);
}

class WatchedProcessor implements RecordProcessor {
  readonly #processor: RecordProcessor;
  readonly #options: WatchedProcessorOptions;
  #visit: Visit | undefined;
  #context: ShardContext | undefined;

  constructor(processor: RecordProcessor, options: WatchedProcessorOptions) {
    this.#processor = processor;
    this.#options = options;
  }

  async initialize(context: ShardContext): Promise<void> {
    await this.#during("initialize", context, (_, own) => this.#processor.initialize?.(own));
  }

  async startAt(
    _context: ShardContext,
    confirm: () => Promise<void>,
  ): Promise<ExtendedSequenceNumber | undefined> {
    const visit = this.#visit, own = this.#context;
    if (visit === undefined || own === undefined) return undefined; // initialize comes first
    const position = await this.#processor.startAt?.(own, confirm);
    if (position !== undefined) this.#options.rules.startedAt(visit, position);
    return position;
  }

  async processRecords(batch: RecordsBatch, context: ShardContext): Promise<void> {
    const { rules, isSkipping } = this.#options;
    await this.#during("processRecords", context, async (visit, own) => {
      rules.deliver(visit, batch);
      try {
        await this.#processor.processRecords(batch, own);
      } catch (error) {
        if (isSkipping && !isOfClass(error, ProcessorRestartError) && !isOfStore(error)) {
          rules.finished(visit);
        }
        throw error;
      }
      rules.finished(visit);
    });
  }

  async shardEnded(context: ShardContext): Promise<void> {
    await this.#during("shardEnded", context, (_, own) => this.#processor.shardEnded(own));
  }

  async shutdownRequested(context: ShardContext): Promise<void> {
    await this.#during("shutdownRequested", context, (_, own) => this.#processor.shutdownRequested?.(own));
  }

  async leaseLost(context: ShardContext): Promise<void> {
    await this.#during("leaseLost", context, (_, own) => this.#processor.leaseLost?.(own));
  }

  async dispose(): Promise<void> {
    const context = this.#visit?.context;
    if (context === undefined) await this.#processor.dispose?.(); // it was never called
    else await this.#during("dispose", context, () => this.#processor.dispose?.());
  }

  async #during(
    callback: Callback,
    context: ShardContext,
    call: (visit: Visit, own: ShardContext) => void | Promise<void> | undefined,
  ): Promise<void> {
    const { rules, machine } = this.#options;
    const visit = this.#visit ??= rules.begin(machine, context);
    const own = this.#context ??= this.#watched(context, visit);
    rules.enter(visit, callback);
    try {
      await call(visit, own);
    } finally {
      rules.leave(visit);
    }
  }

  #watched(context: ShardContext, visit: Visit): ShardContext {
    const { rules } = this.#options;
    const during = async <T>(
      at: ExtendedSequenceNumber | undefined,
      store: () => Promise<T>,
    ): Promise<T> => {
      const covered = rules.asked(visit, at);
      const outcome = await store();
      rules.checkpointed(visit, covered);
      return outcome;
    };
    return {
      ...context,
      checkpoint: (at) =>
        during(at, async () => {
          try {
            await context.checkpoint(at);
          } catch (error) {
            if (error instanceof RangeError) rules.refused(visit, at, error);
            throw error;
          }
        }),
      transact: (writes, options) => {
        const at = options?.at;
        return during(
          typeof at === "string" ? positionAt(at) : at,
          () => context.transact(writes, options),
        );
      },
      async prepareCheckpoint(at, state): Promise<PreparedCheckpoint> {
        const prepared = await context.prepareCheckpoint(at, state);
        return { at: prepared.at, checkpoint: () => during(prepared.at, () => prepared.checkpoint()) };
      },
    };
  }
}
