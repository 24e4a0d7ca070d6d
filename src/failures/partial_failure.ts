// Pure.
/**
 * What a processor throws that has processed a part of its batch; it is defined beside the processor's
 * contract.
 *
 * @module
 */

export { type FailedRecord, PartialFailure } from "../consumer/failed_records.ts";
