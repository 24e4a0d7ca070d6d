// Pure.
/**
 * A record of a table's stream as a record of Kinesis: its data are the JSON that AWS's adapter hands to its
 * processors, its partition key is its sequence number. What the change was is read from the data when it is
 * asked for.
 *
 * Source: dynamodb-streams-kinesis-adapter 2.3.0, `DynamoDBStreamsClientRecord`, `RecordObjectMapper`.
 *
 * @module
 */

import { type Fields, fieldsOf, optionalTextIn, unexpected } from "../aws/answer_fields.ts";
import { sequenceNumberIn } from "../aws/kinesis_wire.ts";
import { ChangeRecord } from "../stream/change_record.ts";

/** Records and their payload bytes. */
export interface ChangeRecords {
  readonly records: readonly ChangeRecord[];
  readonly bytes: number;
}

/** The records of an answer. @throws {SyntaxError} when a field is missing or wrong. */
export function changeRecords(wire: readonly Fields[]): ChangeRecords {
  let bytes = 0, before = 0n;
  const records = wire.map((one) => {
    const record = changeRecord(one);
    const number = BigInt(record.sequenceNumber);
    if (number <= before) throw new SyntaxError("expected the sequence numbers of an answer to grow");
    before = number;
    bytes += record.data.length;
    return record;
  });
  return { records, bytes };
}

function changeRecord(wire: Fields): ChangeRecord {
  const inner = fieldsOf(wire["dynamodb"], "dynamodb");
  const sequenceNumber = sequenceNumberIn(inner, "SequenceNumber");
  const epochMs = creationMs(inner["ApproximateCreationDateTime"]);
  if (!TYPES.some((type) => type === wire["eventName"])) {
    throw unexpected("eventName", TYPES.join(", "), wire["eventName"]);
  }
  fieldsOf(inner["Keys"], "Keys");
  const text = JSON.stringify({
    eventID: optionalTextIn(wire, "eventID"),
    eventName: wire["eventName"],
    eventVersion: wire["eventVersion"] ?? undefined,
    eventSource: wire["eventSource"] ?? undefined,
    awsRegion: wire["awsRegion"] ?? undefined,
    dynamodb: {
      ApproximateCreationDateTime: epochMs,
      Keys: inner["Keys"],
      NewImage: inner["NewImage"] ?? undefined,
      OldImage: inner["OldImage"] ?? undefined,
      SequenceNumber: sequenceNumber,
      SizeBytes: inner["SizeBytes"] ?? undefined,
      StreamViewType: inner["StreamViewType"] ?? undefined,
    },
    userIdentity: identityOf(wire["userIdentity"]),
  });
  const data = UTF8.encode(text);
  return new ChangeRecord(sequenceNumber, 0, sequenceNumber, undefined, data, epochMs, "NONE", false);
}

const TYPES = ["INSERT", "MODIFY", "REMOVE"] as const;

function creationMs(value: unknown): number {
  const ms = typeof value === "number" ? Math.round(value * 1000) : NaN;
  if (!(ms >= 0 && ms <= 8.64e15)) throw unexpected("ApproximateCreationDateTime", "a time", value);
  return ms;
}

/** The API's names begin with capitals, those of its events do not. */
function identityOf(value: unknown): { readonly principalId: unknown; readonly type: unknown } | undefined {
  if (value == null) return undefined;
  const { PrincipalId, principalId = PrincipalId, Type, type = Type } = fieldsOf(value, "userIdentity");
  return { principalId, type };
}

const UTF8 = new TextEncoder();
