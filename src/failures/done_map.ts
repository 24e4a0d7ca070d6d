// Pure.
/**
 * The finished-ahead map: which records after a checkpoint are finished already, as one short text that is
 * stored with the checkpoint. The next owner of the shard does not process them again.
 *
 * Records are counted, not named: ordinal 0 is the first user record after the checkpoint, before any filter.
 * The count is the same at each reading only if nothing is missing and aggregates are taken apart in the same
 * way. So a map names three things, and is ignored if one of them differs: the checkpoint, the first record
 * after it (older ones may be trimmed meanwhile), and a hash of the settings that decide about aggregates.
 *
 * Ignoring a map costs repetitions. Believing a wrong one would lose records: whatever is not exactly as
 * {@linkcode encodeDoneMap} writes it is ignored.
 *
 * Source: ours. Confluent's parallel consumer keeps such a map in the metadata of Kafka's commits.
 *
 * @module
 */

import type { HashKeyRange } from "../stream/hash_key.ts";
import {
  compare,
  type ExtendedSequenceNumber,
  isRecordNumber,
  isSequenceNumber,
  isShardEnd,
  positionAt,
  textOf,
} from "../stream/sequence_number.ts";

/** The most characters of a map; each is one byte. A lease item is billed by the KiB with each renewal. */
export const MAX_DONE_MAP_BYTES = 1024;

/** What decides which user records an aggregate has. */
export interface Deaggregation {
  /** Whether each aggregate is one record. Hash keys decide nothing then. */
  readonly isWhole: boolean;
  /** Whether user records of another shard are dropped or delivered. */
  readonly foreignAggregates: "drop" | "deliver";
  /** The hash keys of the shard; undefined if nothing is dropped by them. */
  readonly hashKeyRange: HashKeyRange | undefined;
}

/** To what a map is bound. */
export interface DoneMapBase {
  readonly checkpoint: ExtendedSequenceNumber;
  /** The record of ordinal 0. */
  readonly first: ExtendedSequenceNumber;
  readonly deaggregation: Deaggregation;
}

/**
 * Lengths of runs in turn: unfinished, finished, unfinished, … The first begins at ordinal 0 and may be 0
 * long, the others are positive. Their number is even: the last is of finished records.
 */
export type Runs = readonly number[];

/** A map as read, before the first record after the checkpoint is known. */
export interface DoneMap {
  readonly first: ExtendedSequenceNumber;
  readonly runs: Runs;
}

/**
 * Writes a map. If not all runs fit, the later ones are left out: their records count as unfinished.
 *
 * @returns undefined if no record is finished ahead.
 */
export function encodeDoneMap(base: DoneMapBase, runs: Runs): string | undefined {
  const head = headOf(base);
  let text = head;
  for (let index = 0; index + 1 < runs.length; index += 2) {
    const pair = lengthText(runs[index] ?? 0) + lengthText(runs[index + 1] ?? 0);
    if (text.length + pair.length > MAX_DONE_MAP_BYTES) break;
    text += pair;
  }
  return text === head ? undefined : text;
}

/**
 * Reads a map that may come from anywhere.
 *
 * @returns undefined if it is malformed, of another version, or bound to something else.
 */
export function decodeDoneMap(
  text: string | undefined,
  { checkpoint, deaggregation }: Pick<DoneMapBase, "checkpoint" | "deaggregation">,
): DoneMap | undefined {
  if (text === undefined || text.length > MAX_DONE_MAP_BYTES) return undefined;
  const [version, hash, bound, firstText, runsText, ...rest] = text.split(" ");
  if (version !== VERSION || hash !== hashOf(deaggregation) || bound !== textOf(checkpoint)) return undefined;
  const first = positionIn(firstText ?? "");
  const runs = runsIn(runsText ?? "");
  if (first === undefined || runs === undefined || rest.length > 0) return undefined;
  return isBeyond(first, checkpoint) ? { first, runs } : undefined;
}

/**
 * How many runs of finished records fit in any case, if the last finished record has at most this ordinal.
 * Never 0: a shard with one record in flight goes on.
 */
export function finishedRunsThatFit(base: DoneMapBase, lastOrdinal: number): number {
  const pair = 2 * lengthText(Math.max(1, lastOrdinal)).length;
  return Math.max(1, Math.floor((MAX_DONE_MAP_BYTES - headOf(base).length) / pair));
}

/** Makes runs of the ordinals of finished records, in ascending order and each once. */
export function runsOf(ordinals: Iterable<number>): Runs {
  const runs: number[] = [];
  let end = 0;
  for (const ordinal of ordinals) {
    if (ordinal < end) throw new RangeError(`Cannot make runs: expected ascending ordinals: got ${ordinal}`);
    if (ordinal > end || runs.length === 0) runs.push(ordinal - end, 1);
    else runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1;
    end = ordinal + 1;
  }
  return runs;
}

/** Asks a map about ordinals in ascending order, beginning with 0. */
export class DoneRuns {
  readonly #runs: Runs;
  #index = 0;
  #left: number;

  constructor(runs: Runs) {
    this.#runs = runs;
    this.#left = runs[0] ?? Infinity;
  }

  /** Whether the record of the next ordinal is finished. */
  next(): boolean {
    while (this.#left === 0) this.#left = this.#runs[++this.#index] ?? Infinity;
    this.#left--;
    return this.#index % 2 === 1;
  }

  /** Whether a finished record is still to come. */
  get hasMore(): boolean {
    const lastIndex = this.#runs.length - 1;
    return this.#index < lastIndex || (this.#index === lastIndex && this.#left > 0);
  }
}

const VERSION = "1";
/** Five bits of a number in each character, the lowest first; the sixth says that more follow. */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MORE = 32;
/** As many records as no shard has between two checkpoints; it keeps sums exact. */
const MAX_LENGTH = 2 ** 40;

function headOf({ checkpoint, first, deaggregation }: DoneMapBase): string {
  return `${VERSION} ${hashOf(deaggregation)} ${textOf(checkpoint)} ${textOf(first)} `;
}

/** Not for secrets: two settings that people use differ in their hashes. FNV-1a, 32 bits, of UTF-16 units. */
function hashOf({ isWhole, foreignAggregates, hashKeyRange }: Deaggregation): string {
  const range = foreignAggregates === "deliver" || hashKeyRange === undefined
    ? ""
    : `${hashKeyRange.startingHashKey} ${hashKeyRange.endingHashKey}`;
  let hash = 0x811c9dc5;
  for (const character of `deaggregation ${isWhole ? "whole" : range}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

function lengthText(length: number): string {
  let text = "";
  let rest = length;
  for (; rest >= MORE; rest = Math.floor(rest / MORE)) text += DIGITS[MORE + rest % MORE];
  return text + DIGITS[rest];
}

function runsIn(text: string): Runs | undefined {
  const runs: number[] = [];
  for (let at = 0; at < text.length;) {
    let length = 0;
    let factor = 1;
    let value: number;
    do {
      value = DIGITS.indexOf(text.charAt(at++));
      if (value === -1 || at > text.length) return undefined;
      length += (value % MORE) * factor;
      factor *= MORE;
    } while (value >= MORE && length <= MAX_LENGTH && factor <= MAX_LENGTH);
    if (value >= MORE || length > MAX_LENGTH || (length === 0 && runs.length > 0)) return undefined;
    runs.push(length);
  }
  return runs.length === 0 || runs.length % 2 === 1 ? undefined : runs;
}

function positionIn(text: string): ExtendedSequenceNumber | undefined {
  const [sequenceNumber = "", sub, ...rest] = text.split("/");
  if (!isRecordNumber(sequenceNumber) || rest.length > 0) return undefined;
  if (sub === undefined) return positionAt(sequenceNumber);
  const subSequenceNumber = /^[1-9]\d{0,9}$/.test(sub) ? Number(sub) : 0;
  return subSequenceNumber === 0 ? undefined : positionAt(sequenceNumber, subSequenceNumber);
}

function isBeyond(first: ExtendedSequenceNumber, checkpoint: ExtendedSequenceNumber): boolean {
  return isSequenceNumber(checkpoint.sequenceNumber) && !isShardEnd(checkpoint) &&
    compare(first, checkpoint) > 0;
}
