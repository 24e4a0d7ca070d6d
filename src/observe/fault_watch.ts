/**
 * Turns the answers of `/health` into events, when a fault begins and when it ends. So faults are in the log
 * whether or not `/health` is called. Some troubles that are no faults yet are reported in the same way.
 *
 * @module
 */

import type { WorkerEvent, WorkerEventListener } from "../events.ts";
import type { Clock } from "../system.ts";
import { counted, durationText } from "./format.ts";
import { lossTrouble } from "./data_loss.ts";
import { ReadTroubles } from "./read_trouble.ts";
import { type Snapshot, Totals } from "./totals.ts";
import { type FaultCode, type HealthLimits, healthOf } from "./verdict.ts";

/** What {@linkcode FaultWatch} says. */
export type FaultEvent = Extract<WorkerEvent, { readonly type: "faultBegan" | "faultEnded" }>;

/** What a watch uses. */
export interface FaultWatchOptions {
  readonly clock: Clock;
  readonly limits: HealthLimits;
  /**
   * A callback that runs for longer than this, in ms, is worth a warning; undefined: only the fault is
   * reported.
   */
  readonly taskWarningMs: number | undefined;
}

/** How often to look, in ms. Ours: sooner than any caller of `/health`. */
export const LOOK_INTERVAL_MS = 1000;

/** Faults that are what other lines say already: a worker starts, fails to, or has stopped. */
const SAID_ELSEWHERE: ReadonlySet<FaultCode> = new Set([
  "notStarted",
  "starting",
  "initializationFailing",
  "stopped",
]);

/** Something that is wrong at the moment. */
interface Trouble {
  readonly code: string;
  readonly level: "warning" | "error";
  readonly leaseKey: string | undefined;
  readonly text: string;
}

/** Watches one worker. */
export class FaultWatch {
  readonly #options: FaultWatchOptions;
  readonly #totals: Totals;
  readonly #reads = new ReadTroubles();
  /**
   * Troubles that have begun and not ended, by code and lease, with the time at which they were first seen.
   */
  #open: ReadonlyMap<string, Trouble & { readonly sinceMs: number }> = new Map();

  /** Receives every event. */
  readonly listener: WorkerEventListener = (event) => {
    this.#totals.listener(event);
    this.#reads.hear(event, this.#options.clock.monotonicMs());
  };

  constructor(options: FaultWatchOptions) {
    this.#options = options;
    this.#totals = new Totals(options.clock);
  }

  /** What has ended and what has begun since the last look, in this order. */
  look(): readonly FaultEvent[] {
    const snapshot = this.#totals.snapshot();
    const nowMs = snapshot.atMs;
    const before = this.#open;
    const open = new Map<string, Trouble & { readonly sinceMs: number }>();
    const begun: FaultEvent[] = [];
    for (const trouble of this.#troubles(snapshot)) {
      const key = `${trouble.code} ${trouble.leaseKey ?? ""}`;
      if (open.has(key)) continue;
      open.set(key, { ...trouble, sinceMs: before.get(key)?.sinceMs ?? nowMs });
      if (!before.has(key)) begun.push({ type: "faultBegan", ...trouble });
    }
    const ended = [...before].filter(([key]) => !open.has(key)).map(([, { code, leaseKey, sinceMs }]) =>
      ({ type: "faultEnded", code, leaseKey, ms: nowMs - sinceMs }) as const
    );
    this.#open = open;
    return [...ended, ...begun];
  }

  *#troubles(snapshot: Snapshot): Generator<Trouble> {
    for (const { code, leaseKey, text } of healthOf(snapshot, this.#options.limits).faults) {
      if (!SAID_ELSEWHERE.has(code)) yield { code, level: "error", leaseKey, text };
    }
    const { taskWarningMs = Infinity } = this.#options;
    for (const { leaseKey, callback } of snapshot.shards) {
      if (callback === undefined || snapshot.atMs - callback.sinceMs <= taskWarningMs) continue;
      const forMs = durationText(snapshot.atMs - callback.sinceMs);
      const what = callback.records === 0 ? "" : ` on ${counted(callback.records, "record")}`;
      const text = `${callback.name} has been running for ${forMs}${what}.`;
      yield { code: "callbackSlow", level: "warning", leaseKey, text };
    }
    for (const shard of snapshot.shards) {
      const trouble = lossTrouble(snapshot, shard, this.#options.limits.dataLossLimitMs);
      if (trouble?.level !== "warning") continue;
      const { leaseKey } = shard;
      yield { code: "trimmedUnreadSoon", level: "warning", leaseKey, text: trouble.text };
    }
    for (const { leaseKey, text } of this.#reads.lasting(snapshot.atMs)) {
      yield { code: "readsDisturbed", level: "warning", leaseKey, text };
    }
  }
}
