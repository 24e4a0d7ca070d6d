// Pure.
/**
 * A change of an item as AWS Lambda hands it to a function. It is nearly the JSON of AWS's adapter;
 * only times are in seconds, and each record names its stream.
 *
 * Source: the AWS Lambda guide, "Using AWS Lambda with Amazon DynamoDB", example event.
 *
 * @module
 */

import type { Item, StreamViewType } from "./change.ts";
import type { AdapterRecord } from "./change_record.ts";
import type { KinesisRecord } from "./record.ts";

/** One change, as a Lambda handler gets it. */
export interface DynamoDBEventRecord {
  /** Of the change, as DynamoDB names it. */
  readonly eventID?: string;
  /** What was done to the item. */
  readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
  /** Of the format. */
  readonly eventVersion?: string;
  /** Always the same. */
  readonly eventSource: "aws:dynamodb";
  /** The region of the table. */
  readonly awsRegion?: string;
  /** The change. */
  readonly dynamodb: {
    /** In seconds since 1970. */
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Item;
    readonly NewImage?: Item;
    readonly OldImage?: Item;
    readonly SequenceNumber: string;
    readonly SizeBytes?: number;
    readonly StreamViewType?: StreamViewType;
  };
  /** Of what the time to live has deleted. */
  readonly userIdentity?: { readonly principalId: string; readonly type: string };
  /** The ARN of the stream. */
  readonly eventSourceARN: string;
}

/** What a Lambda handler for the stream of a table gets. */
export interface DynamoDBEvent {
  /** In order; one at least. */
  readonly Records: DynamoDBEventRecord[];
}

/** The record as Lambda has it. @throws {SyntaxError} when its data are no JSON. */
export function changeEventRecord(record: KinesisRecord, eventSourceARN: string): DynamoDBEventRecord {
  const { dynamodb, ...others } = record.json<AdapterRecord>();
  const seconds = dynamodb.ApproximateCreationDateTime / 1000;
  return {
    ...others,
    eventSource: "aws:dynamodb",
    dynamodb: { ...dynamodb, ApproximateCreationDateTime: seconds },
    eventSourceARN,
  };
}

/** Whether an ARN is that of a table's stream. */
export function isTableStreamArn(arn: string): boolean {
  return arn.split(":")[2] === "dynamodb";
}
