// Pure.
/**
 * What a processor says of a batch that partly failed, by an answer or a thrown `PartialFailure`.
 *
 * The lowest record that is named counts: it and all later ones are tried again, also those that went well.
 * Whatever names no record of the batch makes the whole batch fail, so that nothing is lost.
 *
 * Source: AWS Lambda's guide on Kinesis, "Reporting batch item failures".
 *
 * @module
 */

import type { StoppedAtRecord } from "../consumer/stopped_at_record.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { compare } from "../stream/sequence_number.ts";

/** What an answer means. */
export type Answer =
  | { readonly type: "success" }
  /** The record at this index is the lowest that failed; 0 = the whole batch. */
  | {
    readonly type: "failure";
    readonly from: number;
    readonly error: unknown;
    /** Whether it cannot be read, so that the whole batch has failed. */
    readonly isMisread?: boolean;
    /** Whether the call simply threw: what it had checkpointed before is done. */
    readonly isThrown?: boolean;
    /** Whether that record failed alone: the later ones were not tried. */
    readonly isAlone?: boolean;
  }
  /** The shard is to be left: the records from this index on were not tried. */
  | { readonly type: "left"; readonly from: number };

/** Reads what `processRecords` returned, where partial answers count. */
export function readAnswer(answer: unknown, records: readonly KinesisRecord[]): Answer {
  if (answer === undefined || answer === null) return { type: "success" };
  if (typeof answer !== "object" || Array.isArray(answer)) {
    return wholly(
      `expected { batchItemFailures } or nothing: got ${Array.isArray(answer) ? "a list" : typeof answer}`,
    );
  }
  const list = "batchItemFailures" in answer ? answer.batchItemFailures : undefined;
  if (list === undefined || list === null) return { type: "success" };
  if (!Array.isArray(list)) return wholly(`expected batchItemFailures to be a list: got ${typeof list}`);
  return list.length === 0 ? { type: "success" } : readFailures(list, records);
}

/** Reads what a processor threw that goes record by record. */
export function readStop(stop: StoppedAtRecord, records: readonly KinesisRecord[]): Answer {
  const from = records.findIndex((record) => compare(record, stop.at) === 0);
  if (from < 0) return wholly(`${stop.at.sequenceNumber} is no record of the batch`);
  return stop.isFailure
    ? { type: "failure", from, error: stop.cause, isAlone: true }
    : { type: "left", from };
}

/** Reads a list that names one record at least. */
export function readFailures(list: readonly unknown[], records: readonly KinesisRecord[]): Answer {
  const byIdentifier = new Map<string, number>();
  for (const [index, { sequenceNumber, subSequenceNumber }] of records.entries()) {
    byIdentifier.set(`${sequenceNumber}:${subSequenceNumber}`, index);
    // A number alone means the first user record of its aggregate in the batch.
    if (!byIdentifier.has(sequenceNumber)) byIdentifier.set(sequenceNumber, index);
  }
  let lowest = records.length;
  for (const entry of list) {
    const identifier: unknown = typeof entry === "object" && entry !== null && "itemIdentifier" in entry
      ? entry.itemIdentifier
      : undefined;
    if (typeof identifier !== "string" || identifier === "") {
      return wholly(
        `expected an itemIdentifier in each entry: got ${identifier === "" ? "an empty one" : "none"}`,
      );
    }
    const index = byIdentifier.get(identifier);
    if (index === undefined) return wholly(`${shortened(identifier)} names no record of the batch`);
    lowest = Math.min(lowest, index);
  }
  const first = records[lowest];
  const which = first === undefined ? "" : ` from sequence number ${first.sequenceNumber} on`;
  return { type: "failure", from: lowest, error: new Error(`The answer says that records failed${which}`) };
}

function wholly(why: string): Answer {
  const error = new TypeError(`The answer counts as a failed batch: ${why}`);
  return { type: "failure", from: 0, error, isMisread: true };
}

function shortened(identifier: string): string {
  return JSON.stringify(identifier.length > 140 ? `${identifier.slice(0, 140)}…` : identifier);
}
