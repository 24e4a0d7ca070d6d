// Pure.
/**
 * What a processor throws that has processed a part of its batch.
 *
 * @module
 */

import type { BatchResponse } from "./record_processor.ts";

/** Names one record: a record itself, its position, or a sequence number. */
export type FailedRecord = string | { readonly sequenceNumber: string; readonly subSequenceNumber?: number };

/**
 * Thrown by `processRecords`: some records of the batch failed. The records before the lowest one are done.
 * It and all later ones of the batch are tried again, as the option `errors` says. Counts whether or not
 * the policy's `partial` is set.
 */
export class PartialFailure extends Error implements BatchResponse {
  /** The class's name, also in a minified bundle. */
  static override readonly name: string = "PartialFailure";
  /** The class's name. */
  override readonly name = "PartialFailure";
  /** The records that failed, named as in an answer. */
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];

  /**
   * Makes one.
   *
   * @param failed The records that failed, one at least, in any order.
   * @param options `cause`: the error of one of them; a dead letter shows it.
   * @throws {TypeError} when no record is named.
   */
  constructor(failed: readonly FailedRecord[], options?: ErrorOptions) {
    super(`${failed.length} ${failed.length === 1 ? "record" : "records"} of the batch failed`, options);
    if (failed.length === 0) {
      throw new TypeError("Cannot make a PartialFailure: expected one failed record at least: got none");
    }
    this.batchItemFailures = failed.map((record) => ({ itemIdentifier: identifierOf(record) }));
  }
}

/**
 * The warning about an answer that names failed records where such answers do not count. Their checkpoint
 * passes them. It is Lambda's trap, too.
 */
export const UNREAD_FAILURES: string =
  "The answer of the processor names failed records, and they count as processed: set errors.partial = true " +
  "(property functionResponseTypes = ReportBatchItemFailures)";

/** Whether what `processRecords` returned names failed records, or seems to. */
export function namesFailedRecords(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null || !("batchItemFailures" in answer)) return false;
  const { batchItemFailures: list } = answer;
  return Array.isArray(list) && list.length > 0;
}

function identifierOf(record: FailedRecord): string {
  if (typeof record === "string") return record;
  const { sequenceNumber, subSequenceNumber = 0 } = record;
  return subSequenceNumber === 0 ? sequenceNumber : `${sequenceNumber}:${subSequenceNumber}`;
}
