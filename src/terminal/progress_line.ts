/**
 * Progress of one piece of work: a bar that is drawn again in place, or a line now and then in a pipe. Work
 * that is soon done shows nothing.
 *
 * @module
 */

import type { Clock } from "../system.ts";
import { progressBar, progressSentence, type WorkState } from "./progress_text.ts";

/** Work that takes its time. */
export interface Progress {
  /** @param total Undefined while it is not known. */
  update(done: number, total: number | undefined): void;
  /** Removes the bar from a terminal. */
  end(): void;
}

/** Where progress is shown, and how. */
export interface ProgressOptions {
  readonly what: string;
  readonly unit: string;
  readonly clock: Clock;
  readonly write: (text: string) => void;
  /** Whether it is drawn in place. */
  readonly isBar: boolean;
  readonly columns: () => number;
  /** Whether it may draw now. */
  readonly isInFront: () => boolean;
  readonly onEnd: () => void;
}

/** A bar comes after this time, in ms: whoever waits for less does not ask how long it takes. */
const SILENT_MS = 300;

/** Five times a second is as often as anybody reads. */
const REDRAW_MS = 200;

/** In a pipe, in ms. */
const LINE_MS = 10_000;

/** Rates are of the last five to ten seconds, in ms. */
const RATE_MS = 5000;

interface Sample {
  readonly ms: number;
  readonly done: number;
}

/** See the module. */
export class ProgressLine implements Progress {
  readonly #options: ProgressOptions;
  #older: Sample;
  #newer: Sample;
  #dueMs: number;
  #isDrawn = false;
  #hasEnded = false;

  constructor(options: ProgressOptions) {
    const { clock, isBar } = options;
    this.#options = options;
    this.#older = this.#newer = { ms: clock.monotonicMs(), done: 0 };
    this.#dueMs = this.#older.ms + (isBar ? SILENT_MS : LINE_MS);
  }

  update(done: number, total: number | undefined): void {
    const { what, unit, clock, isBar, columns, isInFront } = this.#options;
    const ms = clock.monotonicMs();
    const state: WorkState = { what, unit, done, total, perSecond: this.#rate({ ms, done }) };
    if (this.#hasEnded || ms < this.#dueMs || !isInFront()) return;
    this.#dueMs = ms + (isBar ? REDRAW_MS : LINE_MS);
    if (!isBar) return this.#write(`${progressSentence(state)}\n`);
    this.#isDrawn = true;
    this.#write(`\r${progressBar(state, columns())}${CLEAR_REST}`);
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.hide();
    this.#options.onEnd();
  }

  /** Removes the bar until the next update that is due. */
  hide(): void {
    if (this.#isDrawn) this.#write(`\r${CLEAR_REST}`);
    this.#isDrawn = false;
  }

  #rate(now: Sample): number | undefined {
    if (now.ms - this.#newer.ms >= RATE_MS) {
      this.#older = this.#newer;
      this.#newer = now;
    }
    const { ms, done } = this.#older;
    return now.ms > ms ? (now.done - done) / (now.ms - ms) * 1000 : undefined;
  }

  #write(text: string): void {
    try {
      this.#options.write(text);
    } catch {
      // Nobody sees it. The work is what counts.
    }
  }
}

/** Erases from the cursor to the end of the line. */
const CLEAR_REST = "\u001b[K";
