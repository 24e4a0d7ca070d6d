// Pure.
/**
 * The name of a DynamoDB table's stream where Kinesis streams have theirs: in lease keys, marks and events. A
 * stream's label is in it, so that a stream that is switched on anew is another one.
 *
 * Source: dynamodb-streams-kinesis-adapter 2.3.0, `KinesisMapperUtil`.
 *
 * @module
 */

/** An ARN of a table's stream, with the name that leases know it by. */
export interface TableStreamArn {
  /** `aws`, `aws-cn`, `aws-us-gov`, … */
  readonly partition: string;
  readonly region: string;
  /** 12 digits. */
  readonly accountId: string;
  /** `region$account$table$label`, with `_` for each colon of the label. */
  readonly streamName: string;
}

/** Undefined when the text is no ARN of a table's stream. */
export function parseTableStreamArn(arn: string): TableStreamArn | undefined {
  const [, partition = "", region = "", accountId = "", table, label = ""] =
    /^arn:(aws[a-z-]*):dynamodb:([a-z0-9-]+):(\d{12}):table\/([\w.-]+)\/stream\/([\dT:.-]+)$/
      .exec(arn) ?? [];
  if (table === undefined) return undefined;
  const streamName = [region, accountId, table, label.replaceAll(":", "_")].join("$");
  return { partition, region, accountId, streamName };
}

/** Whether a stream is one of a table: no name of Kinesis has this sign. */
export function isTableStreamName(streamName: string): boolean {
  return streamName.includes("$");
}

/** The ARN of the stream of this name. */
export function tableStreamArn(partition: string, streamName: string): string {
  const [region, accountId, table, label = ""] = streamName.split("$");
  const resource = `table/${table}/stream/${label.replaceAll("_", ":")}`;
  return `arn:${partition}:dynamodb:${region}:${accountId}:${resource}`;
}
