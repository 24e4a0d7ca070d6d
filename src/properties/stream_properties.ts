// Pure.
/**
 * The part of the table of properties that is about many streams in one worker. All of it is ours: KCL's
 * daemon reads one.
 *
 * @module
 */

import { option, type Property, setting } from "./property.ts";
import {
  milliseconds,
  millisecondsOrZero,
  oneOf,
  streamArns,
  streamIdentifiers,
  streamNames,
} from "./property_value.ts";

/** Rows of the table. */
export const MANY_STREAMS_PROPERTIES: readonly Property[] = [
  setting({
    name: "streamNames",
    type: streamNames,
    setting: "streamNames",
    note:
      "Many streams to read with one lease table, in place of `streamName`. An identifier is `account:stream:epoch`, for " +
      "tables that Java workers share. A table of one stream cannot become one of many: take another `applicationName`",
  }),
  setting({
    name: "streamArns",
    type: streamArns,
    setting: "streamArns",
    note: "The same by ARN, other accounts' streams among them; both may be given",
  }),
  option({
    name: "newStreamCheckIntervalMillis",
    type: milliseconds,
    option: "newStreamCheckIntervalMs",
    default: "60000",
    note: "How often streams are looked for that could not be found",
  }),
  option({
    name: "formerStreamsLeasesDeletionStrategy",
    type: oneOf([
      "NO_STREAMS_LEASES_DELETION",
      "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION",
      "PROVIDED_STREAMS_DEFERRED_DELETION",
    ]),
    option: "formerStreamsLeasesDeletionStrategy",
    default: "NO_STREAMS_LEASES_DELETION",
    note:
      "What becomes of leases of streams that are not listed any more: they stay and are read to the end of their shards; or " +
      "all of them, or those of `streamIdentifiersForLeaseCleanup`, are deleted after a while, checkpoints included",
  }),
  option({
    name: "waitPeriodToDeleteFormerStreamsMillis",
    type: millisecondsOrZero,
    option: "waitPeriodToDeleteFormerStreamsMs",
    default: "3600000",
    note: "How long they are kept. Longer than a rolling deploy, in which workers list different streams",
  }),
  setting({
    name: "streamIdentifiersForLeaseCleanup",
    type: streamIdentifiers,
    setting: "streamIdentifiersForLeaseCleanup",
    note: "Former streams whose leases are deleted, with `PROVIDED_STREAMS_DEFERRED_DELETION`",
  }),
];
