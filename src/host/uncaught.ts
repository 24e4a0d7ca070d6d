/**
 * Unhandled rejections and exceptions, e.g. of a promise that a user's module did not await. Without a
 * handler, each of them ends the process immediately, and its leases are not handed over.
 *
 * @module
 */

import process from "node:process";

/** Receives each: what happened, for people, and what was thrown. */
export type UncaughtListener = (what: string, thrown: unknown) => void;

/** Starts listening, for the rest of the process's life. None of them ends the process from then on. */
export function listenToUncaught(hear: UncaughtListener): void {
  process.on("unhandledRejection", (reason) => hear("a promise was rejected, and nobody handled it", reason));
  process.on("uncaughtException", (error) => hear("an exception was thrown, and nobody caught it", error));
}
