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
import type { Change, ChangeFields, Item, StreamViewType } from "../stream/change.ts";
import { KinesisRecord } from "../stream/record.ts";

/** One change of an item. */
export class ChangeRecord extends KinesisRecord {
  #change: Change | undefined;

  /** Read from the data at the first call, and kept. */
  override get change(): Change {
    return this.#change ??= changeIn(this.json<AdapterRecord>());
  }
}

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

/** The data of a record, as the adapter writes them. */
interface AdapterRecord {
  readonly eventID?: string;
  readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
  readonly dynamodb: {
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Item;
    readonly NewImage?: Item;
    readonly OldImage?: Item;
    readonly SequenceNumber: string;
    readonly SizeBytes?: number;
    readonly StreamViewType?: StreamViewType;
  };
  readonly userIdentity?: { readonly principalId: string; readonly type: string };
}

function changeIn({ eventID, eventName, dynamodb, userIdentity }: AdapterRecord): Change {
  const { NewImage: newImage, OldImage: oldImage } = dynamodb;
  const fields: ChangeFields = {
    eventId: eventID,
    keys: dynamodb.Keys,
    sequenceNumber: dynamodb.SequenceNumber,
    sizeBytes: dynamodb.SizeBytes,
    streamViewType: dynamodb.StreamViewType,
    approximateCreation: new Date(dynamodb.ApproximateCreationDateTime),
    userIdentity,
    isExpiry: eventName === "REMOVE" && userIdentity?.principalId === "dynamodb.amazonaws.com",
  };
  switch (eventName) {
    case "INSERT":
      return { ...fields, type: eventName, newImage, oldImage: undefined };
    case "MODIFY":
      return { ...fields, type: eventName, newImage, oldImage };
    case "REMOVE":
      return { ...fields, type: eventName, newImage: undefined, oldImage };
  }
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
