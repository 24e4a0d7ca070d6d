/**
 * Whole fleets in virtual time, from a seed: what this library tests itself with. See docs/simulation.md.
 *
 * Runs where there is `setImmediate`: Deno, Node.js, Bun.
 *
 * @module
 */

export { simulate, type SimulationOptions, type SimulationResult } from "./simulation.ts";
export type { Violation } from "./history.ts";
