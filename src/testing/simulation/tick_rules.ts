/**
 * What must hold for slices: requests, time, and leases that stay where they are.
 *
 * @module
 */

import type { SliceOptions, SliceResult } from "../../edge/slice_options.ts";
import type { History } from "./history.ts";
import type { TableWrite } from "./shared_table.ts";
import type { VirtualProcess } from "./virtual_process.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** The limits of a slice, nothing left out that a rule looks at. */
export interface TickLimits extends SliceOptions {
  readonly reserveMs: number;
  readonly maxSubrequests: number;
  readonly maxConcurrentFetches: number;
}

/** One slice, as the rules see it. */
export interface WatchedSlice {
  /** A request is sent. */
  readonly sent: () => void;
  /** Its answer has come. */
  readonly answered: () => void;
  readonly ended: (result: SliceResult) => void;
  readonly rejected: (error: unknown) => void;
}

/** What the rules look at. */
export interface TickRulesOptions {
  readonly time: VirtualTime;
  readonly history: History;
  /** Whether leases stay with their workers between slices. */
  readonly isHeld: boolean;
}

/** How far a timer may be late beside what else happens at its moment, in ms. */
const TIMER_MS = 1;
/** Moves of one lease that faults may cause, at once and in an hour. Without a fault there are none. */
const MOST_MOVES = 10, MOST_MOVES_PER_HOUR = 60;

/** See the module. */
export class TickRules {
  readonly #options: TickRulesOptions;
  /** How often each lease has left an owner. */
  readonly #moves = new Map<string, number>();

  constructor(options: TickRulesOptions) {
    this.#options = options;
  }

  /** A slice begins. */
  begin(machine: VirtualProcess, limits: TickLimits): WatchedSlice {
    const { time, history } = this.#options;
    const startedMs = time.nowMs;
    const { budgetMs, reserveMs, maxSubrequests, maxConcurrentFetches } = limits;
    let requests = 0, inFlight = 0, isOver = false;
    const broken = (rule: string, detail: string) =>
      history.violated(rule, undefined, `${machine.name} ${detail}`);
    return {
      sent() {
        requests++;
        inFlight++;
        if (isOver) broken("nothingAfterTheSlice", "sends a request though its slice is over");
        if (requests > maxSubrequests) broken("requestsOfASlice", `sent ${requests} of ${maxSubrequests}`);
        if (inFlight > maxConcurrentFetches) {
          broken("requestsAtOnce", `has ${inFlight} under way, ${maxConcurrentFetches} at most`);
        }
      },
      answered: () => void inFlight--,
      ended(result) {
        isOver = true;
        const { outcome } = result;
        history.note(machine.name, undefined, `slice ${outcome}, ${result.requests} requests`);
        if (result.requests !== requests) {
          broken("requestsAreCounted", `says ${result.requests}, and sent ${requests}`);
        }
        // A process that was paused can be no earlier than it goes on.
        const fromMs = Math.max(startedMs + budgetMs - reserveMs, machine.awakeSinceMs);
        const lateMs = time.nowMs - fromMs;
        if (lateMs > TIMER_MS) broken("slicesEndInTime", `is ${Math.round(lateMs)} ms late: ${outcome}`);
      },
      rejected: (error) => broken("slicesNeverThrow", `threw ${error}`),
    };
  }

  /** A lease has changed. */
  applied({ key, before, after }: TableWrite): void {
    const { time, history, isHeld } = this.#options;
    const owner = before?.["leaseOwner"], next = after?.["leaseOwner"];
    if (!isHeld || owner === undefined || after === undefined) return;
    if ("S" in owner && next !== undefined && "S" in next && owner.S === next.S) return;
    const moves = (this.#moves.get(key) ?? 0) + 1;
    this.#moves.set(key, moves);
    const most = MOST_MOVES + MOST_MOVES_PER_HOUR * time.nowMs / 3_600_000;
    if (moves > most) history.violated("leasesStay", key, `it has moved ${moves} times`);
  }
}
