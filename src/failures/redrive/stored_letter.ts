// Pure.
/**
 * Reads a dead letter back: a document of ours, or Lambda's own. Each field is looked at before it is
 * believed, since anybody may have put it there.
 *
 * A queue that is subscribed to a topic holds SNS's envelope around the document; it is opened.
 *
 * @module
 */

import {
  type Fields,
  fieldsOf,
  listIn,
  optionalListIn,
  optionalNumberIn,
  optionalTextIn,
  textIn,
} from "../../aws/answer_fields.ts";
import { changeRecords } from "../../dynamodb_streams/wire_changes.ts";
import { decodeBase64 } from "../../aws/payload_slab.ts";
import { asChangeRecord } from "../../stream/change_record.ts";
import { type KinesisRecord, kinesisRecord } from "../../stream/record.ts";
import { isRecordNumber } from "../../stream/sequence_number.ts";
import { isTableStreamName, parseTableStreamArn } from "../../stream/table_stream_name.ts";

/** A dead letter that was read back. */
export interface StoredLetter {
  readonly condition: string;
  readonly application: string | undefined;
  readonly shardId: string;
  readonly leaseKey: string;
  readonly fencingToken: number;
  readonly streamName: string;
  readonly streamArn: string;
  /** What the last call threw, for people. */
  readonly errorMessage: string | undefined;
  /** The records, if they are in the document. */
  readonly records: readonly KinesisRecord[] | undefined;
  /** Where the records are in the stream. */
  readonly range: LetterRange;
}

/** Where the records of a letter are. */
export interface LetterRange {
  readonly start: string;
  readonly end: string;
  /** Places in the aggregates of the first and the last record. Lambda's documents have none. */
  readonly subSequenceNumbers: { readonly first: number; readonly last: number } | undefined;
  /** Whether aggregates are to stay whole. */
  readonly wholeAggregates: boolean;
  /** `<sequenceNumber>`, or with `:<subSequenceNumber>`, of each, where the document names them. */
  readonly positions: ReadonlySet<string> | undefined;
  /** User records, if no positions are named; undefined in Lambda's documents. */
  readonly recordCount: number | undefined;
}

/** @throws {SyntaxError} when the text is no dead letter; the message repeats nothing of it. */
export function storedLetter(text: string): StoredLetter {
  const outer = objectOf(text);
  const document = outer["Type"] === "Notification" ? objectOf(textIn(outer, "Message")) : outer;
  // Lambda has another name for the same fields where a table's stream was read.
  const [kind = "KinesisBatchInfo"] = ["DDBStreamBatchInfo"].filter((name) => document[name] != null);
  const info = fieldsOf(document[kind], kind);
  const streamArn = textIn(info, "streamArn");
  const shardId = textIn(info, "shardId");
  const ours = document["kclite"] == null ? {} : fieldsOf(document["kclite"], "kclite");
  const streamName = optionalTextIn(ours, "streamName") ?? parseTableStreamArn(streamArn)?.streamName ??
    streamArn.split("/")[1];
  if (streamName === undefined) {
    throw new SyntaxError("expected streamArn to name a stream: got another text");
  }
  const sub = ours["subSequenceNumbers"] == null
    ? undefined
    : fieldsOf(ours["subSequenceNumbers"], "subSequenceNumbers");
  const positions = optionalListIn(ours, "positions").filter((position) => typeof position === "string");
  const request = document["requestContext"] == null
    ? {}
    : fieldsOf(document["requestContext"], "requestContext");
  return {
    condition: optionalTextIn(request, "condition") ?? "unknown",
    application: optionalTextIn(ours, "application"),
    shardId,
    leaseKey: optionalTextIn(ours, "leaseKey") ?? shardId,
    fencingToken: optionalNumberIn(ours, "fencingToken") ?? 0,
    streamName,
    streamArn,
    errorMessage: optionalTextIn(ours, "errorMessage"),
    records: isTableStreamName(streamName) ? recordsOf(document)?.map(asChangeRecord) : recordsOf(document),
    range: {
      start: numberIn(info, "startSequenceNumber"),
      end: numberIn(info, "endSequenceNumber"),
      subSequenceNumbers: sub === undefined ? undefined : {
        first: optionalNumberIn(sub, "first") ?? 0,
        last: optionalNumberIn(sub, "last") ?? 0,
      },
      wholeAggregates: ours["wholeAggregates"] === true,
      positions: positions.length === 0 ? undefined : new Set(positions),
      recordCount: optionalNumberIn(ours, "recordCount"),
    },
  };
}

function recordsOf(document: Fields): readonly KinesisRecord[] | undefined {
  if (document["records"] != null) {
    return withData(
      listIn(document, "records").map((record) => fieldsOf(record, "a record")),
      (record) => Date.parse(textIn(record, "approximateArrivalTimestamp")),
    );
  }
  if (document["payload"] == null) return undefined;
  const events = listIn(objectOf(textIn(document, "payload")), "Records")
    .map((event) => fieldsOf(event, "a record"));
  if (events.some(({ dynamodb }) => dynamodb != null)) return changeRecords(events).records;
  return withData(
    events.map((event) => fieldsOf(event["kinesis"], "kinesis")),
    (record) => Math.round((optionalNumberIn(record, "approximateArrivalTimestamp") ?? NaN) * 1000),
  );
}

function withData(
  records: readonly Fields[],
  arrivalOf: (record: Fields) => number,
): readonly KinesisRecord[] {
  if (records.length === 0) throw new SyntaxError("expected one record at least: got none");
  const { views } = decodeBase64(records.map((record) => {
    const { data } = record;
    if (typeof data !== "string") throw new SyntaxError("expected data to be base64 text");
    return data;
  }));
  return records.map((record, i) => {
    const approximateArrivalTimestamp = arrivalOf(record);
    if (!(approximateArrivalTimestamp >= 0)) throw new SyntaxError("expected a time of arrival");
    return kinesisRecord({
      sequenceNumber: numberIn(record, "sequenceNumber"),
      subSequenceNumber: optionalNumberIn(record, "subSequenceNumber") ?? 0,
      partitionKey: textIn(record, "partitionKey"),
      explicitHashKey: optionalTextIn(record, "explicitHashKey"),
      data: views[i] ?? new Uint8Array(),
      approximateArrivalTimestamp,
      encryptionType: undefined,
      aggregated: record["aggregated"] === true || record["subSequenceNumber"] !== undefined &&
          record["aggregated"] === undefined && record["kinesisSchemaVersion"] !== undefined,
    });
  });
}

function numberIn(fields: Fields, name: string): string {
  const value = textIn(fields, name);
  if (!isRecordNumber(value)) throw new SyntaxError(`expected ${name} to be a sequence number`);
  return value;
}

function objectOf(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new SyntaxError(`expected JSON: got ${text.length} characters of something else`);
  }
  return fieldsOf(value, "a dead letter");
}
