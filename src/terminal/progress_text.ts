// Pure.
/**
 * How far a piece of work is, as text: a bar on a terminal, a sentence in a pipe.
 *
 * @module
 */

import { cutText } from "./text_width.ts";

/** How far a piece of work is. */
export interface WorkState {
  /** What is under way, e.g. `Reading leases`. */
  readonly what: string;
  /** What is counted, e.g. `lease`. */
  readonly unit: string;
  readonly done: number;
  /** Undefined while it is not known. */
  readonly total: number | undefined;
  /** Undefined while it cannot be said. */
  readonly perSecond: number | undefined;
}

/** `Reading leases [#####-----] 10,000 of 20,000 leases, 2,100/s, 5 s left`, cut to the terminal. */
export function progressBar(state: WorkState, columns: number): string {
  const facts = factsOf(state);
  const part = partOf(state);
  // A line that fills the last column makes some terminals go on to the next.
  const room = columns - 1;
  const cells = Math.min(MOST_CELLS, room - state.what.length - facts.length - "[]".length - 2);
  if (part === undefined || cells < LEAST_CELLS) return cutText(`${state.what}  ${facts}`, room);
  const full = Math.round(part * cells);
  return `${state.what} [${"#".repeat(full)}${"-".repeat(cells - full)}] ${facts}`;
}

/** `Reading leases: 10,000 of 20,000 leases, 2,100/s, 5 s left` */
export function progressSentence(state: WorkState): string {
  return `${state.what}: ${factsOf(state)}`;
}

const MOST_CELLS = 30;

/** A shorter bar says nothing. */
const LEAST_CELLS = 6;

function factsOf(state: WorkState): string {
  const { unit, done, total, perSecond } = state;
  const units = (total ?? done) === 1 ? unit : `${unit}s`;
  const count = total === undefined ? grouped(done) : `${grouped(done)} of ${grouped(total)}`;
  const rate = perSecond === undefined || !(perSecond > 0) ? undefined : perSecond;
  const left = total === undefined || rate === undefined || done >= total ? undefined : (total - done) / rate;
  return [
    `${count} ${units}`,
    ...(rate === undefined ? [] : [`${rate < 10 ? rate.toFixed(1) : grouped(Math.round(rate))}/s`]),
    ...(left === undefined ? [] : [`${spanText(left)} left`]),
  ].join(", ");
}

function partOf({ done, total }: WorkState): number | undefined {
  if (total === undefined || !(total > 0)) return undefined;
  return Math.min(1, Math.max(0, done / total));
}

function spanText(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 100) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  if (minutes < 100) return `${minutes} min`;
  return minutes < 6000 ? `${Math.ceil(minutes / 60)} h` : "days";
}

/** `12,345` */
function grouped(count: number): string {
  return `${count}`.replace(/\B(?=(\d{3})+$)/g, ",");
}
