/**
 * Error policies, lanes, batches and filters of the workers of a world, drawn from the seed.
 *
 * @module
 */

import type { DeadLetterSink } from "../../failures/dead_letter.ts";
import type { Chance } from "../model/chance.ts";
import type { Weather } from "./faults.ts";
import type { FleetOptions } from "./fleet_options.ts";
import type { LaneProcessorOptions } from "./lane_processor.ts";

/** What is drawn: options of the workers, and how their records end. */
export interface DrawnLanes {
  readonly options: Pick<FleetOptions, "errors" | "concurrency" | "batch" | "filter">;
  readonly processor: LaneProcessorOptions;
}

/** The shortest and the longest time that a sink takes, in virtual ms. */
const SINK_MS = [1, 1000] as const;

const MEBIBYTE = 1_048_576;

/**
 * Draws them.
 *
 * @param weather Asked when a sink is called: sinks fail while processors do.
 */
export function drawnLanes(chance: Chance, weather: () => Weather): DrawnLanes {
  const pick = <T>(first: T, ...others: readonly T[]): T => chance.pick([first, ...others]) ?? first;
  const perShard = pick(1, 2, 4, 10);
  const order = perShard === 1 ? pick("shard", "key") : pick("key", "key", "none");
  const isPartial = chance.happens(0.5);
  const onExhausted = order === "key"
    ? pick("stop", "deadLetter", "deadLetter", "park", "park")
    : pick("stop", "deadLetter", "deadLetter");
  const attempts = onExhausted === "stop" ? Infinity : pick(0, 1, 3);
  // A stopped shard rests for minutes each time.
  const maxAgeMs = onExhausted === "park" ? pick(20_000, 60_000) : Infinity;
  const letters = { type: "deadLetter", sink: fickleSink(chance.fork("sink"), weather) } as const;
  const wanted = chance.between(0.3, 1);
  const split = pick<"none" | "bisect">("none", "bisect");
  const records = onExhausted === "park" ? pick(2, 20, 1000) : 0;
  const batch = chance.happens(0.5) ? { batch: { size: pick(1, 3, 100), windowMs: pick(0, 0, 2000) } } : {};
  const isFiltered = chance.happens(0.4);
  const processor = {
    poisoned: onExhausted === "stop" ? 0 : pick(0, 0.02, 0.05),
    isPartial,
    isAuto: chance.happens(0.5),
  };
  // A source of its own, and the last one: what was drawn before stays as it was.
  const bytes = chance.fork("parked bytes").pick([100, 1000, MEBIBYTE]) ?? MEBIBYTE;
  return {
    processor,
    options: {
      errors: {
        retry: { attempts, maxAgeMs },
        split,
        partial: isPartial,
        onExhausted: onExhausted === "stop"
          ? "stop"
          : onExhausted === "deadLetter"
          ? letters
          : { type: "park", then: letters, records, bytes },
      },
      concurrency: { perShard, order },
      ...batch,
      ...(isFiltered ? { filter: ({ data }) => (data.at(-1) ?? 0) % 10 < 10 * wanted } : {}),
    },
  };
}

/** A sink that is slow, fails at times, and stores at times without saying so. */
function fickleSink(chance: Chance, weather: () => Weather): DeadLetterSink {
  const fails = () => weather().has("processor") && chance.happens(0.3);
  return {
    name: "a simulated queue",
    async store(_letter, { system: { clock } }, signal): Promise<void> {
      await clock.sleep(chance.between(...SINK_MS), signal);
      if (fails()) throw new Error("the queue is down");
    },
  };
}
