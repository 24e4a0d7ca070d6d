/**
 * One line for each scenario: whether it holds, how long it took, and what was seen.
 *
 * @module
 */

import { errorText } from "../../../src/errors.ts";

/** How a scenario ended. */
export interface Result {
  readonly name: string;
  readonly verdict: "ok" | "FAILED" | "not run";
  readonly detail: string;
}

/** Collects results, and prints each when it is known. */
export class Report {
  readonly results: Result[] = [];

  /** Whether every scenario so far held. */
  get isGood(): boolean {
    return this.results.every(({ verdict }) => verdict === "ok");
  }

  /**
   * Runs the scenarios of one fleet in turn. After one that fails the rest are not run: they would start from a state that
   * nobody knows.
   */
  async story(scenarios: readonly Scenario[]): Promise<void> {
    let isBroken = false;
    for (const { name, run } of scenarios) {
      if (isBroken) {
        this.#add({ name, verdict: "not run", detail: "a scenario before it on the same table failed" });
        continue;
      }
      const startedMs = performance.now();
      const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
      try {
        const detail = await run();
        this.#add({ name, verdict: "ok", detail: `${seconds()}; ${detail}` });
      } catch (error) {
        isBroken = true;
        this.#add({ name, verdict: "FAILED", detail: `${seconds()}; ${errorText(error)}` });
      }
    }
  }

  #add(result: Result): void {
    this.results.push(result);
    console.log(`${result.verdict.padEnd(7)} ${result.name} (${result.detail})`);
  }
}

/** A scenario. `run` throws when it does not hold; else it tells what was seen. */
export interface Scenario {
  /** Begins with its number in docs/interop.md. */
  readonly name: string;
  readonly run: () => Promise<string>;
}
