// Pure.
/**
 * Results that show each record that is lost and each that is counted twice: a counter for each record, a sum
 * for each key and a counter for each end of a shard. All are added to, so that nothing hides a repeat.
 *
 * @module
 */

import type { Verdict } from "./results_store.ts";

/** Many records of all shards share a key, so that transactions meet. */
const KEYS = 50;

/** For people. */
const MOST_SHOWN = 10;

/** What records add, by counter: 1 under their own name, and their number under their key. */
export function additionsOf(texts: Iterable<string>): Map<string, number> {
  const additions = new Map<string, number>();
  const add = (name: string, number: number) => additions.set(name, (additions.get(name) ?? 0) + number);
  for (const text of texts) {
    const number = Number(text);
    add(`record ${text}`, 1);
    add(`key ${number % KEYS}`, number);
  }
  return additions;
}

/** The counter of the end of a shard. */
export function endOf(shardId: string): string {
  return `end ${shardId}`;
}

/** What a run came to. */
export interface CounterSums {
  readonly records: number;
  /** Put, and not counted. */
  readonly lost: number;
  /** Counted more than once. */
  readonly double: number;
  /** Counters of records or ends that there never were. */
  readonly unknown: number;
  readonly keys: number;
  /** Keys whose sum is not that of their records. */
  readonly wrongSums: number;
  readonly shardEnds: number;
  /** Ends of shards that were not counted once. */
  readonly wrongEnds: number;
  /** Counters that are wrong, with what they are and what they should be. */
  readonly examples: readonly string[];
}

/** Compares the counters with what was put. */
export function counterSums(
  put: ReadonlySet<string>,
  closedShards: readonly string[],
  counters: ReadonlyMap<string, number>,
): CounterSums {
  const expected = additionsOf(put);
  for (const shardId of closedShards) expected.set(endOf(shardId), 1);
  const wrong = [...new Set([...expected.keys(), ...counters.keys()])].map((name) => ({
    name,
    expected: expected.get(name) ?? 0,
    found: counters.get(name) ?? 0,
  })).filter((counter) => counter.expected !== counter.found);
  const named = (kind: string) => wrong.filter(({ name }) => name.startsWith(`${kind} `));
  return {
    records: put.size,
    lost: named("record").filter(({ found }) => found === 0).length,
    double: named("record").filter((counter) => counter.expected === 1 && counter.found > 1).length,
    unknown: wrong.filter((counter) => counter.expected === 0 && !counter.name.startsWith("key ")).length,
    keys: [...expected.keys()].filter((name) => name.startsWith("key ")).length,
    wrongSums: named("key").length,
    shardEnds: closedShards.length,
    wrongEnds: named("end").length,
    examples: wrong.slice(0, MOST_SHOWN).map(({ name, expected, found }) =>
      `${name} is ${found}, expected ${expected}`
    ),
  };
}

/** Whether all of it is exactly as it should be. @param more For the line of JSON. */
export function verdictOf(
  { examples, ...sums }: CounterSums,
  more: Readonly<Record<string, number>> = {},
): Verdict {
  return {
    missing: sums.lost + sums.wrongEnds,
    isGood: examples.length === 0,
    sums: { ...sums, ...more },
    stories: examples,
  };
}
