/**
 * Runs a program to its end, and ends the process with its exit code.
 *
 * This is a function, and not an `await` at the top level of a module: CommonJS cannot `require` a module
 * that waits.
 *
 * @module
 */

import process from "node:process";
import { errorText } from "../errors.ts";

/**
 * Runs the program. The process ends with its result, even if a user's module has left timers behind. It ends
 * with 1 if the program throws, or if nothing is left to wait for and the program has not ended.
 */
export function endWith(program: () => Promise<number>): void {
  const stranded = () => fail("nothing is left to wait for, and the program has not ended");
  process.once("beforeExit", stranded);
  program().then((exitCode) => process.exit(exitCode), (error) => fail(errorText(error)));
}

function fail(why: string): void {
  try {
    console.error(`Cannot go on: ${why}`);
  } finally {
    process.exit(1);
  }
}
