/**
 * What goes with the option `errors`: where records go that were given up, and how a processor reports that a
 * part of its batch failed.
 *
 * ```ts
 * import { KinesisWorker, type KinesisRecord } from "@kclite/kclite";
 * import { deadLetter } from "@kclite/kclite/failures";
 *
 * async function process(record: KinesisRecord): Promise<void> {}
 * const kept: string[] = [];
 * const worker = new KinesisWorker({
 *   applicationName: "orders",
 *   streamName: "orders",
 *   region: "eu-central-1",
 *   credentials: { accessKeyId: "AKIA…", secretAccessKey: "…" },
 *   processor: () => ({
 *     async processRecords({ records }, context) {
 *       for (const record of records) await process(record);
 *       await context.checkpoint();
 *     },
 *     shardEnded: (context) => context.checkpoint(),
 *   }),
 *   errors: {
 *     retry: { attempts: 3 },
 *     split: "bisect",
 *     onExhausted: deadLetter({
 *       name: "a list",
 *       async store(letter) {
 *         kept.push(...letter.records.map((record) => record.sequenceNumber));
 *       },
 *     }),
 *   },
 * });
 * ```
 *
 * @module
 */

export { deadLetter } from "./dead_letter.ts";
export type {
  DeadLetter,
  DeadLetterAction,
  DeadLetterCondition,
  DeadLetterSink,
  SinkConnection,
  SinkService,
} from "./dead_letter.ts";
export {
  dynamoDBSink,
  type DynamoDBSinkOptions,
  kinesisSink,
  type OrderedSinkOptions,
  s3Sink,
  type S3SinkOptions,
  snsSink,
  sqsSink,
} from "./letters/aws_sinks.ts";
export {
  type DeadLetterDetails,
  type DeadLetterDocument,
  type DocumentOptions,
  documentText,
  type StoredRecord,
} from "./letters/document.ts";
export { functionSink, linesSink, type LinesSinkOptions } from "./letters/lines_sink.ts";
export type { SignedSinkOptions, SinkOptions } from "./letters/signed_sink.ts";
export { sinkOf, type SinkOfOptions } from "./letters/sink_of.ts";
export { policyDeliveries } from "./policy_option.ts";
export type { DeliveryPolicy } from "./policy_option.ts";
export { park } from "./park.ts";
export type { ParkAction, ParkOptions } from "./park.ts";
export { type FailedRecord, PartialFailure } from "../consumer/failed_records.ts";
