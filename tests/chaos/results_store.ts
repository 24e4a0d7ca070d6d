/**
 * Where the processors of a chaos run leave what they did, and how that is judged.
 *
 * @module
 */

import type { LyingProxy } from "./lying_proxy.ts";

/** What a run has put, and what became of its stream. */
export interface RunFacts {
  /** The texts of all records. */
  readonly put: ReadonlySet<string>;
  readonly closedShards: readonly string[];
}

/** What is found in the results. */
export interface Verdict {
  /** What has not come yet: the run waits for it. */
  readonly missing: number;
  readonly isGood: boolean;
  /** For the line of JSON. */
  readonly sums: Readonly<Record<string, unknown>>;
  /** What is wrong, for people. */
  readonly stories: readonly string[];
}

/** The results of one run. */
export interface ResultsStore extends AsyncDisposable {
  /** What it is, and of which version, for the output. */
  readonly name: string;
  /** The module with the processor. */
  readonly processor: URL;
  /** What the processor needs to find it. */
  readonly env: Readonly<Record<string, string>>;
  /** In front of a server of its own, so that outages and storms meet it too. */
  readonly proxies: readonly LyingProxy[];
  /** What else can go wrong with it, by name. Each returns what ends it, if it does not end by itself. */
  readonly acts: Readonly<Record<string, () => void | (() => void) | Promise<void>>>;
  judge(facts: RunFacts): Promise<Verdict>;
}
