// Pure.
/**
 * What is stored of a dead letter: Lambda's document for a failed batch of a stream, field for field, so that
 * scripts that read Lambda's read ours too. Beside Lambda's fields it has an object `kclite`, and the records
 * while the whole fits the place where it is stored.
 *
 * `batchSize` counts records of Kinesis, as Lambda has it and as GetRecords takes it in `Limit`. An aggregate
 * of the KPL is one of them, however many of its user records failed.
 *
 * Of a table's stream the document has `DDBStreamBatchInfo` in place of `KinesisBatchInfo`, as Lambda's has.
 *
 * Source: AWS Lambda guide, "Retain discarded batch records for a Kinesis data stream" and "… for a DynamoDB
 * event source".
 *
 * @module
 */

import { streamArnOf } from "../../aws/endpoint.ts";
import { hideNamedSecrets, hideSecrets } from "../../aws/hidden_secrets.ts";
import { errorClass, errorText } from "../../errors.ts";
import { looksAggregated } from "../../stream/aggregation.ts";
import { changeEventRecord, isTableStreamArn } from "../../stream/change_event.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import type { DeadLetter, DeadLetterCondition } from "../dead_letter.ts";
import { letterId } from "./letter_id.ts";

/** A dead letter as it is stored. The first five members are Lambda's. */
export interface DeadLetterDocument {
  /** Why the records were given up. */
  readonly requestContext: {
    /** A UUID that is the same whenever the same records are given up. */
    readonly requestId: string;
    /** `kclite:<application>`, unless the sink's options name something else. */
    readonly functionArn: string;
    /** Lambda knows only `RetryAttemptsExhausted`. */
    readonly condition: DeadLetterCondition;
    /** How many calls were made with the records, the first included. */
    readonly approximateInvokeCount: number;
  };
  /** `functionError` is missing when no call failed. */
  readonly responseContext: {
    readonly statusCode: 200;
    readonly executedVersion: "$LATEST";
    readonly functionError?: "Unhandled";
  };
  /** Of the format. */
  readonly version: "1.0";
  /** When the records were given up: ISO 8601, UTC. */
  readonly timestamp: string;
  /** Where the records are in the stream. Stored as `DDBStreamBatchInfo` of a table's stream. */
  readonly KinesisBatchInfo: {
    /** The shard's id. */
    readonly shardId: string;
    /** Of the first record. */
    readonly startSequenceNumber: string;
    /** Of the last record. */
    readonly endSequenceNumber: string;
    /** ISO 8601, UTC. */
    readonly approximateArrivalOfFirstRecord: string;
    /** ISO 8601, UTC. */
    readonly approximateArrivalOfLastRecord: string;
    /** Records of Kinesis: an aggregate counts as one. */
    readonly batchSize: number;
    /** With the account 000000000000 where the service, an emulator, names no ARN. */
    readonly streamArn: string;
  };
  /** What Lambda's document has no place for. */
  readonly kclite: DeadLetterDetails;
  /** The records, while the whole fits. */
  readonly records?: readonly StoredRecord[];
  /** In S3, in place of `records`: Lambda's whole event, as a text of JSON. */
  readonly payload?: string;
}

/** What Lambda's document has no place for. */
export interface DeadLetterDetails {
  /** The worker's `applicationName`. */
  readonly application: string;
  /** The worker's `workerIdentifier`. */
  readonly workerId: string;
  /** How often the processor was called with the records. */
  readonly attempts: number;
  /** The class of what the last call threw; missing when no call failed. */
  readonly errorName?: string;
  /** At most 2 KB in UTF-8, without keys and passwords that are known as such. */
  readonly errorMessage?: string;
  /** The stream's name. */
  readonly streamName: string;
  /** The shard's id; with many streams `account:stream:epoch:shardId`. */
  readonly leaseKey: string;
  /** Of the lease, when the records were given up. */
  readonly fencingToken: number;
  /** User records: each record of an aggregate counts. */
  readonly recordCount: number;
  /** Places in the aggregates of the first and of the last record; 0 for plain records. */
  readonly subSequenceNumbers: { readonly first: number; readonly last: number };
  /** Why `records` is missing, for people. */
  readonly recordsLeftOut?: string;
  /** Whether an aggregate was given up as it is in the stream, and not as its user records. */
  readonly wholeAggregates?: true;
  /**
   * Where the records are that were left out, if they are at most 1,000: the sequence number of each, and for
   * a user record of an aggregate `:<subSequenceNumber>` behind it.
   */
  readonly positions?: readonly string[];
}

/** One record in a document. */
export interface StoredRecord {
  /** Its sequence number; user records of one aggregate share it. */
  readonly sequenceNumber: string;
  /** Its place within an aggregate, from 0; 0 for any other record. */
  readonly subSequenceNumber: number;
  /** Its partition key. */
  readonly partitionKey: string;
  /** Of user records of aggregates. */
  readonly explicitHashKey?: string;
  /** ISO 8601, UTC. */
  readonly approximateArrivalTimestamp: string;
  /** In base64. */
  readonly data: string;
  /** Whether it was part of an aggregate. */
  readonly aggregated?: true;
}

/** Options of {@linkcode documentText}. */
export interface DocumentOptions {
  /** Of the stream, for an ARN that the service does not name. @default {"us-east-1"} */
  readonly region?: string | undefined;
  /** The most bytes of the whole, in UTF-8. @default {262144} */
  readonly maxBytes?: number | undefined;
  /** What `functionArn` says. @default `kclite:<application>` */
  readonly functionArn?: string | undefined;
  /** Where the records are: a list, or Lambda's event as a text, or nowhere. @default {"list"} */
  readonly records?: "list" | "payload" | "none" | undefined;
  /** Texts that the error must not repeat: the worker's keys. */
  readonly secrets?: readonly (string | undefined)[] | undefined;
}

/** 256 KiB: what SNS takes, and every queue that was made before 2025. */
export const DEFAULT_DOCUMENT_BYTES = 262_144;
/** The least that every document without its records fits into. */
export const LEAST_DOCUMENT_BYTES = 32_768;
/** Source: the figure; most of a stack of causes is repetition. */
const MESSAGE_BYTES = 2048;
const NAME_BYTES = 200;
/** Of 60 bytes each, at most. */
const MOST_POSITIONS = 1000;

/** The document as one line of JSON. */
export function documentText(letter: DeadLetter, options: DocumentOptions = {}): string {
  const { maxBytes = DEFAULT_DOCUMENT_BYTES, records = "list" } = options;
  const document = documentOf(letter, options);
  if (records === "none") return storedText(withoutRecords(document, letter, "by the sink's options"));
  const payloadBytes = letter.records.reduce((sum, { data }) => sum + Math.ceil(data.length / 3) * 4, 0);
  if (payloadBytes < maxBytes) {
    const full = records === "list"
      ? { ...document, records: letter.records.map(storedRecord) }
      : { ...document, payload: jsonLine(eventOf(letter, document.KinesisBatchInfo.streamArn)) };
    const text = storedText(full);
    if (utf8Bytes(text) <= maxBytes) return text;
  }
  const reason = `the whole would have more than ${maxBytes} bytes`;
  const text = storedText(withoutRecords(document, letter, reason));
  if (utf8Bytes(text) <= maxBytes) return text;
  const { positions: _, ...kclite } = withoutRecords(document, letter, reason).kclite;
  return storedText({ ...document, kclite });
}

/** As one line, with Lambda's name for where the records are. */
function storedText(document: DeadLetterDocument): string {
  if (!isTableStreamArn(document.KinesisBatchInfo.streamArn)) return jsonLine(document);
  const entries = Object.entries(document).map(([name, value]) =>
    [name === "KinesisBatchInfo" ? "DDBStreamBatchInfo" : name, value] as const
  );
  return jsonLine(Object.fromEntries(entries));
}

/** The document without its records. */
export function documentOf(letter: DeadLetter, options: DocumentOptions = {}): DeadLetterDocument {
  const { records, error, applicationName, attempts, streamName } = letter;
  const [first = NO_RECORD] = records;
  const last = records.at(-1) ?? first;
  const { region = "us-east-1", secrets = [] } = options;
  const hasFailed = error !== undefined;
  return {
    requestContext: {
      requestId: letterId(letter),
      functionArn: options.functionArn ?? `kclite:${applicationName}`,
      condition: letter.condition,
      approximateInvokeCount: attempts,
    },
    responseContext: {
      statusCode: 200,
      executedVersion: "$LATEST",
      ...(hasFailed ? { functionError: "Unhandled" } : {}),
    },
    version: "1.0",
    timestamp: isoTime(letter.givenUpEpochMs),
    KinesisBatchInfo: {
      shardId: letter.shardId,
      startSequenceNumber: first.sequenceNumber,
      endSequenceNumber: last.sequenceNumber,
      approximateArrivalOfFirstRecord: isoTime(first.approximateArrivalTimestamp),
      approximateArrivalOfLastRecord: isoTime(last.approximateArrivalTimestamp),
      batchSize: new Set(records.map(({ sequenceNumber }) => sequenceNumber)).size,
      streamArn: letter.streamArn ?? streamArnOf({ region, accountId: "000000000000", streamName }),
    },
    kclite: {
      application: applicationName,
      workerId: letter.workerId,
      attempts,
      ...(hasFailed
        ? {
          errorName: cut(errorClass(error), NAME_BYTES),
          errorMessage: cut(shownError(error, secrets), MESSAGE_BYTES),
        }
        : {}),
      streamName,
      leaseKey: letter.fencingToken.leaseKey,
      fencingToken: letter.fencingToken.token,
      recordCount: records.length,
      subSequenceNumbers: { first: first.subSequenceNumber, last: last.subSequenceNumber },
      ...(records.some(({ aggregated, data }) => !aggregated && looksAggregated(data))
        ? { wholeAggregates: true }
        : {}),
    },
  };
}

const NO_RECORD = { sequenceNumber: "", subSequenceNumber: 0, approximateArrivalTimestamp: 0 };

function withoutRecords(
  document: DeadLetterDocument,
  { records }: DeadLetter,
  recordsLeftOut: string,
): DeadLetterDocument {
  const positions = records.length > MOST_POSITIONS ? {} : {
    positions: records.map(({ sequenceNumber, subSequenceNumber, aggregated }) =>
      aggregated ? `${sequenceNumber}:${subSequenceNumber}` : sequenceNumber
    ),
  };
  return { ...document, kclite: { ...document.kclite, recordsLeftOut, ...positions } };
}

function storedRecord(record: KinesisRecord): StoredRecord {
  return {
    sequenceNumber: record.sequenceNumber,
    subSequenceNumber: record.subSequenceNumber,
    partitionKey: record.partitionKey,
    ...(record.explicitHashKey === undefined ? {} : { explicitHashKey: record.explicitHashKey }),
    approximateArrivalTimestamp: isoTime(record.approximateArrivalTimestamp),
    data: toBase64(record.data),
    ...(record.aggregated ? { aggregated: true } : {}),
  };
}

/** Lambda's event. User records of aggregates have two members more, by which they are found again. */
function eventOf({ records, shardId }: DeadLetter, streamArn: string) {
  if (isTableStreamArn(streamArn)) {
    return { Records: records.map((record) => changeEventRecord(record, streamArn)) };
  }
  return {
    Records: records.map((record) => ({
      kinesis: {
        kinesisSchemaVersion: "1.0",
        partitionKey: record.partitionKey,
        sequenceNumber: record.sequenceNumber,
        data: toBase64(record.data),
        approximateArrivalTimestamp: record.approximateArrivalTimestamp / 1000,
        ...(record.aggregated
          ? { subSequenceNumber: record.subSequenceNumber, explicitHashKey: record.explicitHashKey }
          : {}),
      },
      eventSource: "aws:kinesis",
      eventVersion: "1.0",
      eventID: `${shardId}:${record.sequenceNumber}`,
      eventName: "aws:kinesis:record",
      awsRegion: streamArn.split(":")[3],
      eventSourceARN: streamArn,
    })),
  };
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** The letter leaves for a place that others may read. */
function shownError(error: unknown, secrets: readonly (string | undefined)[]): string {
  // More than is kept, so that no secret is cut in two; and not all of it, which may be megabytes.
  return hideNamedSecrets(hideSecrets(errorText(error).slice(0, 10 * MESSAGE_BYTES), secrets));
}

/** The text up to this number of bytes in UTF-8, at the end of a character. */
function cut(text: string, mostBytes: number): string {
  // Cut roughly first: a message may have megabytes.
  const bytes = new TextEncoder().encode(text.slice(0, mostBytes));
  if (bytes.length <= mostBytes && text.length <= mostBytes) return text;
  const room = mostBytes - 3; // the dots
  let end = Math.min(room, bytes.length);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${new TextDecoder().decode(bytes.subarray(0, end))}…`;
}

/**
 * JSON on one line, whoever reads it: no separators that some take for the end of a line, and none of the
 * characters that SQS refuses.
 */
function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

function toBase64(bytes: Uint8Array & { toBase64?: () => string }): string {
  if (bytes.toBase64 !== undefined) return bytes.toBase64();
  let binary = "";
  // In chunks: the number of arguments of a call is limited.
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(binary);
}
