// Pure.
/**
 * A change of an item as a record. Its data are the JSON that AWS's adapter hands to its processors; what the
 * change was is read from them when it is asked for.
 *
 * Source: dynamodb-streams-kinesis-adapter 2.3.0, `DynamoDBStreamsClientRecord`, `RecordObjectMapper`.
 *
 * @module
 */

import type { Change, ChangeFields, Item, StreamViewType } from "./change.ts";
import { KinesisRecord } from "./record.ts";

/** One change of an item. Its data are the JSON of {@linkcode AdapterRecord}. */
export class ChangeRecord extends KinesisRecord {
  #change: Change | undefined;

  /** Read from the data at the first call, and kept. */
  override get change(): Change {
    return this.#change ??= changeIn(this.json<AdapterRecord>());
  }
}

/** A record that was stored, as the record of a change again: of a copy the fields alone are left. */
export function asChangeRecord(record: KinesisRecord): ChangeRecord {
  const { sequenceNumber, partitionKey, data, approximateArrivalTimestamp: arrivalMs } = record;
  return new ChangeRecord(sequenceNumber, 0, partitionKey, undefined, data, arrivalMs, "NONE", false);
}

/** The data of a record, as the adapter writes them. */
export interface AdapterRecord {
  readonly eventID?: string;
  readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
  readonly eventVersion?: string;
  readonly eventSource?: string;
  readonly awsRegion?: string;
  readonly dynamodb: {
    /** In ms since 1970. */
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
