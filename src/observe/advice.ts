// Pure.
/**
 * What to do about each fault, for the page of the health app and for docs/observing.md.
 *
 * @module
 */

import { WHAT_MENDS_IT } from "./fleet_faults.ts";
import type { FaultCode } from "./verdict.ts";

/** One sentence or two for each. */
export const ADVICE: Readonly<Record<FaultCode, string>> = {
  notStarted: "Call `run()`.",
  starting: "Nothing; look again when it stays.",
  initializationFailing: "Look at the error in the text: table, stream, permissions or credentials.",
  stopped: "Start the process again; the text has the error that ended it.",
  superseded: "Stop one, or give each a `workerIdentifier` of its own.",
  loopEnded: "Restart the process, and report the error.",
  eventLoopOverdue: "Restart; find the code that computes without `await`.",
  passFailing: "Look at the error in the text.",
  ...WHAT_MENDS_IT,
  renewalOverdue: "Look for `renewal failed` lines and at DynamoDB.",
  callbackOverdue: "Restart when it hangs, else raise `callbackLimitMs`.",
  processingFailing: "Mend the processor; the log has the error and its line.",
  shardStopped: "Mend the processor, or choose a dead letter.",
  deadLettersFailing: "Look at the sink and the error.",
  callbackFailing: "Mend the processor; the log has the error and its line.",
  processorRestarting: "Look at the error; with a child process, at its output.",
  lostWithoutProgress: "Return from `processRecords` within the failover time.",
  shardEndNotCheckpointed: "Call `checkpoint()` in `shardEnded`.",
  childLeasesFailing: "Look at the error, and at write permissions on the table.",
  checkpointFailing: "Look at the error: permissions, throttling or the network.",
  readsFailing: "Look at the error: permissions, throttling, or a stream that is gone.",
  dataLossAhead: "Raise the stream's retention period now. Then find out why the reader is slow.",
  noProgress: "Restart the process, and report it with its log.",
};

/** The same for a code of unknown origin. Undefined when there is none. */
export function adviceOf(code: string): string | undefined {
  return BY_CODE.get(code);
}

const BY_CODE: ReadonlyMap<string, string> = new Map(Object.entries(ADVICE));
