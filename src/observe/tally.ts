/**
 * Sums the counts of a process's life, by series. Bounded: error codes and operations are texts from outside,
 * and must not grow without end in memory or on a metrics server.
 *
 * @module
 */

import { type Count, type CounterName, COUNTERS, type Labels } from "./counts.ts";

/** The sum of one series. */
export interface Series {
  /** The counter. */
  readonly name: CounterName;
  /** The labels of this series. */
  readonly labels: Labels;
  /** The sum of what was added. */
  readonly sum: number;
  /** How many times something was added. */
  readonly times: number;
}

/** The most series of one counter; later ones are summed in a series with the labels `other`. Ours. */
export const MOST_SERIES = 200;

/** The counters of one worker. */
export class Tally {
  readonly #byName = new Map<CounterName, Map<string, Series>>();

  /** Starts all series that are known beforehand at 0. */
  constructor() {
    for (const name of Object.keys(COUNTERS) as CounterName[]) {
      const series = new Map<string, Series>();
      for (const labels of COUNTERS[name].known) {
        series.set(keyOf(labels), { name, labels, sum: 0, times: 0 });
      }
      this.#byName.set(name, series);
    }
  }

  /** Adds to one series. */
  add(count: Count): void {
    const series = this.#byName.get(count.name);
    if (series === undefined) return;
    let { labels } = count, key = keyOf(labels);
    if (!series.has(key) && series.size >= MOST_SERIES) {
      labels = Object.fromEntries(Object.keys(labels).map((label) => [label, "other"]));
      key = keyOf(labels);
    }
    const before = series.get(key);
    series.set(key, {
      name: count.name,
      labels,
      sum: (before?.sum ?? 0) + count.by,
      times: (before?.times ?? 0) + 1,
    });
  }

  /** All series, counter by counter. */
  read(): readonly Series[] {
    return [...this.#byName.values()].flatMap((series) => [...series.values()]);
  }
}

function keyOf(labels: Labels): string {
  return JSON.stringify(labels);
}
