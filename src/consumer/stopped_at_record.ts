// Pure.
/**
 * Thrown by the processors of this library that go record by record: which record they stopped at, and why.
 *
 * @module
 */

import { isOfClass } from "../errors.ts";
import { PartialFailure } from "./failed_records.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";

/**
 * The records before this one are done. Either it failed, with an error as the cause; then the later ones
 * were not tried. Or the shard is to be left, and it was not tried either.
 */
export class StoppedAtRecord extends PartialFailure {
  /** Its position. Never the record, which pins its page. */
  readonly at: ExtendedSequenceNumber;
  /** Whether the record failed. */
  readonly isFailure: boolean;

  /** @param failure What the record failed with; undefined: the shard is to be left. */
  constructor(
    { sequenceNumber, subSequenceNumber }: ExtendedSequenceNumber,
    failure?: { readonly error: unknown },
  ) {
    const at = { sequenceNumber, subSequenceNumber };
    super([at], failure === undefined ? {} : { cause: failure.error });
    this.at = at;
    this.isFailure = failure !== undefined;
  }
}

/** Whether an error is one, also one of another copy of this library, as a module may bring it. */
export function isStoppedAtRecord(error: unknown): error is StoppedAtRecord {
  return isOfClass(error, PartialFailure) && "at" in error && "isFailure" in error;
}
