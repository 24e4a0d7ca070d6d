// Pure.
/**
 * The event that a Lambda handler gets for records of a stream, and how a batch is cut into such events.
 *
 * Easily missed: user records of one aggregate share a sequence number. Handlers that skip an `eventID` that
 * they have seen would skip all but the first of them. So their `eventID` ends with the number within the
 * aggregate.
 *
 * Source: the AWS Lambda guide, "Using Lambda with Kinesis".
 *
 * @module
 */

import { base64Length, encodeBase64 } from "../multilang/base64_writer.ts";
import { changeEventRecord, type DynamoDBEvent, isTableStreamArn } from "../stream/change_event.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { FunctionArns } from "./function_options.ts";

/** One record, as a Lambda handler gets it. */
export interface KinesisEventRecord {
  /** What the producer has put. */
  readonly kinesis: {
    readonly kinesisSchemaVersion: "1.0";
    readonly partitionKey: string;
    readonly sequenceNumber: string;
    /** Base64. */
    readonly data: string;
    /** In seconds since 1970, with a fraction. */
    readonly approximateArrivalTimestamp: number;
  };
  /** Always the same. */
  readonly eventSource: "aws:kinesis";
  /** Always the same. */
  readonly eventVersion: "1.0";
  /** `<shardId>:<sequenceNumber>`; of a user record `<shardId>:<sequenceNumber>:<subSequenceNumber>`. */
  readonly eventID: string;
  /** Always the same. */
  readonly eventName: "aws:kinesis:record";
  /** The role of the function. */
  readonly invokeIdentityArn: string;
  /** The region of the stream. */
  readonly awsRegion: string;
  /** The ARN of the stream. */
  readonly eventSourceARN: string;
}

/** What a Lambda handler gets. */
export interface KinesisEvent {
  /** In order; one at least. */
  readonly Records: KinesisEventRecord[];
}

/** Where records come from. */
export interface EventSource
  extends Pick<FunctionArns, "eventSourceARN" | "awsRegion" | "invokeIdentityArn"> {
  readonly shardId: string;
}

/** What a Lambda handler gets of the stream that a worker reads. */
export type StreamEvent = KinesisEvent | DynamoDBEvent;

/** Makes the event of a call: that of Kinesis, or that of DynamoDB Streams. */
export function streamEvent(records: readonly KinesisRecord[], source: EventSource): StreamEvent {
  const { eventSourceARN } = source;
  return isTableStreamArn(eventSourceARN)
    ? { Records: records.map((record) => changeEventRecord(record, eventSourceARN)) }
    : { Records: records.map((record) => eventRecord(record, source)) };
}

/** Makes a record of an event of Kinesis. */
export function eventRecord(record: KinesisRecord, source: EventSource): KinesisEventRecord {
  return eventRecordWith(record, source, base64Of(record.data));
}

/** The records of one call. */
export interface EventCut {
  readonly records: readonly KinesisRecord[];
  /** How large the event is as JSON, in bytes. Above the limit only if it is a single record. */
  readonly bytes: number;
}

/** Cuts records into as few events as the limit allows, in order. */
export function eventCuts(
  records: readonly KinesisRecord[],
  source: EventSource,
  maxPayloadBytes: number,
): EventCut[] {
  const cuts: { records: KinesisRecord[]; bytes: number }[] = [];
  let cut: { records: KinesisRecord[]; bytes: number } | undefined;
  for (const record of records) {
    const bytes = recordBytes(record, source);
    if (cut === undefined || cut.bytes + 1 + bytes > maxPayloadBytes) {
      cut = { records: [], bytes: FRAME_BYTES - 1 };
      cuts.push(cut);
    }
    cut.records.push(record);
    cut.bytes += 1 + bytes;
  }
  return cuts;
}

/** `{"Records":[]}`. */
const FRAME_BYTES = 14;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** How much of an event a record takes as JSON. The payload, most of it, need not be encoded for that. */
function recordBytes(record: KinesisRecord, source: EventSource): number {
  if (isTableStreamArn(source.eventSourceARN)) {
    return ENCODER.encode(JSON.stringify(changeEventRecord(record, source.eventSourceARN))).length;
  }
  const text = JSON.stringify(eventRecordWith(record, source, ""));
  return ENCODER.encode(text).length + base64Length(record.data.length);
}

function eventRecordWith(record: KinesisRecord, source: EventSource, data: string): KinesisEventRecord {
  const { partitionKey, sequenceNumber, subSequenceNumber, approximateArrivalTimestamp } = record;
  const part = record.aggregated ? `:${subSequenceNumber}` : "";
  return {
    kinesis: {
      kinesisSchemaVersion: "1.0",
      partitionKey,
      sequenceNumber,
      data,
      approximateArrivalTimestamp: approximateArrivalTimestamp / 1000,
    },
    eventSource: "aws:kinesis",
    eventVersion: "1.0",
    eventID: `${source.shardId}:${sequenceNumber}${part}`,
    eventName: "aws:kinesis:record",
    invokeIdentityArn: source.invokeIdentityArn,
    awsRegion: source.awsRegion,
    eventSourceARN: source.eventSourceARN,
  };
}

function base64Of(data: Uint8Array): string {
  const bytes = new Uint8Array(base64Length(data.length));
  encodeBase64(data, bytes, 0);
  return DECODER.decode(bytes);
}
