/**
 * Puts numbered words into a stream of the simulated Kinesis, a batch at a time.
 *
 * @module
 */

import type { StreamControl } from "@kclite/kclite/testing";
import type { Ledger } from "./ledger.ts";

const WORDS = "the quick brown fox jumps over the lazy dog while seven lobsters count every bird and cat"
  .split(" ");

/** Puts this number of words, and notes each in the ledger. */
export function putWords(stream: StreamControl, count: number, ledger: Ledger, atMs: number): void {
  for (let i = 0; i < count; i++) {
    const number = ledger.put;
    const { shardId } = stream.put(`${number} ${WORDS[number % WORDS.length]}`, `${number}`);
    ledger.notePut(shardId, atMs);
  }
}
