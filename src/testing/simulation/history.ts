/**
 * What happened in a world, line by line: a fingerprint of all of it, and the last lines to show when
 * something was wrong.
 *
 * @module
 */

import { hashOf } from "../model/chance.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What must never happen did. */
export interface Violation {
  /** The rule that was broken. */
  readonly invariant: string;
  /** What happened instead. */
  readonly detail: string;
  /** The lease that it is about, if it is about one. */
  readonly leaseKey: string | undefined;
  /** When it was found, in virtual ms. */
  readonly atMs: number;
  /** How many things had happened in the world. */
  readonly step: number;
  /** The last lines about the lease, or of all. */
  readonly history: readonly string[];
}

/** How many lines are kept. */
const KEPT_LINES = 10_000;
/** How many lines are shown: the last ones that are no routine, and the very last ones. */
const SHOWN_LINES = 40, SHOWN_ROUTINE = 8;

interface Line {
  readonly leaseKey: string | undefined;
  readonly text: string;
  readonly isRoutine: boolean;
}

/** See the module. */
export class History {
  readonly #time: VirtualTime;
  readonly #lines: Line[] = [];
  #hash = 0;
  #violation: Violation | undefined;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** Equal for equal histories. */
  get fingerprint(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** The first; nothing after it says much. */
  get violation(): Violation | undefined {
    return this.#violation;
  }

  /**
   * @param isRoutine Whether it happens all the time, and would hide in what is shown what happened before
   * it.
   */
  note(who: string, leaseKey: string | undefined, what: string, isRoutine = false): void {
    const text = `${(this.#time.nowMs / 1000).toFixed(3)} ${who} ${leaseKey ?? "-"} ${what}`;
    this.#hash = Math.imul(this.#hash ^ hashOf(text), 0x01000193);
    this.#lines.push({ leaseKey, text, isRoutine });
    if (this.#lines.length > 2 * KEPT_LINES) this.#lines.splice(0, KEPT_LINES);
  }

  violated(invariant: string, leaseKey: string | undefined, detail: string): void {
    if (this.#violation !== undefined) return;
    const lines = leaseKey === undefined
      ? this.#lines
      : this.#lines.filter((line) => line.leaseKey === leaseKey || line.leaseKey === undefined);
    const shown = new Set([
      ...lines.filter((line) => !line.isRoutine).slice(-SHOWN_LINES),
      ...lines.slice(-SHOWN_ROUTINE),
    ]);
    this.#violation = {
      invariant,
      detail,
      leaseKey,
      atMs: this.#time.nowMs,
      step: this.#time.steps,
      history: lines.filter((line) => shown.has(line)).map(({ text }) => text),
    };
  }
}

/** For people: which rule a run has broken, where, and the last lines about the lease. */
export function violationText(
  { seed, violation }: { readonly seed: number; readonly violation: Violation | undefined },
): string {
  if (violation === undefined) return `seed ${seed}: no rule was broken`;
  const { invariant, detail, leaseKey, atMs, step, history } = violation;
  return [
    `seed ${seed}, step ${step}, ${(atMs / 1000).toFixed(3)} s: ${invariant} ${leaseKey ?? ""}: ${detail}`,
    ...history.map((line) => `    ${line}`),
  ].join("\n");
}
