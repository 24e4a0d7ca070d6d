/**
 * Looks at a fleet's lease table while somebody wants to see it: for all of them together, once in ten
 * seconds at most, and not at all when nobody looks.
 *
 * A look that fails or is throttled leaves the last one as it is, with its age and the reason. The next
 * attempt then waits longer each time. Nothing here reads the table on behalf of the worker.
 *
 * @module
 */

import { linkedController, pause, settlesWithin } from "../async/waiting.ts";
import { describeFleet, type Glimpse, glimpseOf } from "../operate/describe.ts";
import { failureOf, failureText } from "../operate/look_failure.ts";
import type { LookOptions, TableLook } from "../operate/table_look.ts";
import type { Clock } from "../system.ts";
import { type FleetSight, type SeenFleet, seenFleet } from "./page/seen_fleet.ts";

/** Looks once. What is known of the table need not be asked for again. */
export type FleetLook = (known: LookOptions["known"], signal: AbortSignal) => Promise<TableLook>;

/** What a watch is made of. */
export interface FleetWatchOptions {
  readonly look: FleetLook;
  readonly clock: Clock;
  /** How long a lease may go without renewal, in ms. A live owner renews each third of it. */
  readonly failoverTimeMs: number;
}

/** From the beginning of one look to that of the next at the earliest, in ms. */
export const LOOK_EVERY_MS = 10_000;

/** The longest pause after looks that failed in a row, in ms. Ours. */
const MAX_PAUSE_MS = 300_000;

/** How long one who asks once waits for a look under way, in ms. Ours: a person waits no longer. */
const GLANCE_MS = 2_000;

/** Kind and settings of a table are asked for again after this time, in ms. Ours. */
const KNOWN_MS = 600_000;

/** Between two looks that are compared: the share of the failover time in which a live owner renews. */
const BETWEEN_SHARE = 0.4;

/** One table, and all who watch it. */
export class FleetWatch {
  readonly #options: FleetWatchOptions;
  readonly #closed = new AbortController();
  #watchers = 0;
  /** Of the loop that runs while somebody watches. */
  #unwatched: AbortController | undefined;
  #loop: Promise<void> = Promise.resolve();
  #underWay: Promise<void> | undefined;
  #nextMs = -Infinity;
  #failures = 0;
  #seen: SeenFleet | undefined;
  #problem: string | undefined;
  #known: { readonly table: LookOptions["known"]; readonly untilMs: number } | undefined;
  /** The oldest first; the first one is what the next look is compared with. */
  #glimpses: readonly Glimpse[] = [];

  constructor(options: FleetWatchOptions) {
    this.#options = options;
  }

  /** What is known now. */
  get sight(): FleetSight {
    if (this.#seen !== undefined) {
      const problems = this.#problem === undefined ? [] : [this.#problem];
      return { type: "read", fleet: this.#seen, problems };
    }
    return this.#problem === undefined ? { type: "waiting" } : { type: "failed", problems: [this.#problem] };
  }

  /** Looks again and again. @returns what ends it for this watcher. */
  watch(): () => void {
    if (this.#watchers++ === 0) this.#begin();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--this.#watchers === 0) this.#unwatched?.abort();
    };
  }

  /** Looks once, unless the last look is young enough, and waits for it for a short time. */
  async glance(): Promise<void> {
    const look = this.#lookIfDue();
    if (look !== undefined) await settlesWithin(look, GLANCE_MS, this.#options.clock);
  }

  /** Ends all looking, for good. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#loop;
    await this.#underWay;
  }

  #begin(): void {
    const { controller, unlink } = linkedController(this.#closed.signal);
    this.#unwatched = controller;
    const before = this.#loop;
    this.#loop = (async () => {
      await before;
      await this.#run(controller.signal);
      unlink();
    })();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.#lookIfDue();
      await pause(clock, Math.max(0, this.#nextMs - clock.monotonicMs()), signal);
    }
  }

  /** @returns undefined when it is too soon. */
  #lookIfDue(): Promise<void> | undefined {
    const isDue = this.#options.clock.monotonicMs() >= this.#nextMs && !this.#closed.signal.aborted;
    if (this.#underWay === undefined && isDue) {
      this.#underWay = this.#look(this.#closed.signal).finally(() => this.#underWay = undefined);
    }
    return this.#underWay;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { look, clock, failoverTimeMs } = this.#options;
    const startedMs = clock.monotonicMs();
    this.#nextMs = startedMs + LOOK_EVERY_MS;
    if (this.#known !== undefined && this.#known.untilMs <= startedMs) this.#known = undefined;
    let found: TableLook;
    try {
      found = await look(this.#known?.table, signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(failureOf("The lease table", error));
      return;
    }
    const unread = found.failures.find(({ part }) => part === "leases");
    if (unread !== undefined) return this.#fail(failureText(unread));
    this.#failures = 0;
    this.#problem = undefined;
    // One glimpse that is old enough is kept, and the younger ones that will be.
    const betweenMs = failoverTimeMs * BETWEEN_SHARE;
    const kept = this.#glimpses.filter((one) => startedMs - one.startedMs <= betweenMs + LATEST_MS);
    const oldest = kept.findLastIndex((one) => startedMs - one.startedMs >= betweenMs);
    const description = describeFleet(kept[oldest], found);
    this.#seen = seenFleet({ look: found, description, before: this.#seen });
    this.#glimpses = [...kept.slice(Math.max(0, oldest)), glimpseOf(found)].slice(-MOST_GLIMPSES);
    if (this.#known === undefined && found.failures.length === 0) {
      const { description: table, place, migrations } = found;
      this.#known = { table: { description: table, place, migrations }, untilMs: startedMs + KNOWN_MS };
    }
  }

  #fail(problem: string): void {
    this.#problem = problem;
    const pauseMs = Math.min(MAX_PAUSE_MS, LOOK_EVERY_MS * 2 ** Math.min(this.#failures++, 10));
    this.#nextMs = Math.max(this.#nextMs, this.#options.clock.monotonicMs() + pauseMs);
  }
}

/**
 * A look that was made that much earlier shows nothing any more: an owner that has died since has renewed in
 * between. Ours.
 */
const LATEST_MS = 60_000;

/** The most looks of which counters are kept. Ours: enough for a failover time of two minutes. */
const MOST_GLIMPSES = 6;
