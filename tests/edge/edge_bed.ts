/**
 * An edge worker on the emulator, in this process: what is asked is counted by name.
 *
 * @module
 */

import { EdgeWorker } from "../../src/edge/mod.ts";
import type { EdgeOptions } from "../../src/edge/slice_options.ts";
import type { RecordProcessor } from "../../src/consumer/record_processor.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { type SimulatedAws, simulatedAws } from "../../src/testing/mod.ts";
import type { Clock } from "../../src/system.ts";

/** What a bed is made of. */
export interface EdgeBedOptions extends Partial<EdgeOptions> {
  readonly shards?: number;
  readonly clock?: Clock;
}

/** See the module. */
export class EdgeBed {
  readonly aws: SimulatedAws;
  readonly events: WorkerEvent[] = [];
  readonly texts: string[] = [];
  readonly #options: EdgeBedOptions;
  /** What was asked since {@linkcode asked} was called last, by operation. */
  #asked: string[] = [];
  inFlight = 0;
  mostInFlight = 0;
  /** Answers to this operation wait until so many requests have been under way, and a moment more. */
  crowd: { readonly operation: string; readonly size: number } | undefined;
  readonly #crowded = Promise.withResolvers<void>();

  constructor(options: EdgeBedOptions = {}) {
    const { shards = 1, clock } = options;
    this.#options = options;
    const system = clock && { clock, random: () => 0 };
    this.aws = simulatedAws({ streams: { words: shards }, system });
  }

  /** A new worker: nothing of an earlier one is in memory. */
  worker(more: Partial<EdgeOptions> = {}): EdgeWorker {
    const { shards: _shards, clock: _clock, ...options } = this.#options;
    const { system } = this.aws;
    return new EdgeWorker({
      applicationName: "words-app",
      streamName: "words",
      region: "eu-central-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      initialPositionInStream: "TRIM_HORIZON",
      workerIdentifier: "edge-1",
      leases: "hold",
      failoverTimeMs: 180_000,
      log: false,
      processor: () => this.processor(),
      onEvent: (event) => void this.events.push(event),
      ...options,
      ...more,
      system: {
        ...system,
        ...more.system,
        fetch: async (input, init) => {
          const headers = new Headers(
            init?.headers ?? (input instanceof Request ? input.headers : undefined),
          );
          const operation = headers.get("x-amz-target")?.split(".").at(-1) ?? "?";
          this.#asked.push(operation);
          this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
          try {
            if (operation === this.crowd?.operation) await this.#untilCrowded(this.crowd.size);
            return await (more.system?.fetch ?? system.fetch)(input, init);
          } finally {
            this.inFlight--;
          }
        },
      },
    });
  }

  /** Signatures take their time in other threads: without it, how many requests meet is left to chance. */
  async #untilCrowded(size: number): Promise<void> {
    if (this.inFlight >= size) this.#crowded.resolve();
    await this.#crowded.promise;
    await new Promise((resolve) => setTimeout(resolve, 5)); // here one more would show itself
  }

  /** Notes each record's text, and checkpoints each batch. */
  processor(): RecordProcessor {
    return {
      processRecords: async ({ records }, context) => {
        for (const { data } of records) this.texts.push(new TextDecoder().decode(data));
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
    };
  }

  /** How often each operation was asked for since the last call. */
  asked(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const name of this.#asked.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
    this.#asked = [];
    return counts;
  }
}
