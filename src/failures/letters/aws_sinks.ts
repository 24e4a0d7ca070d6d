/**
 * Sinks on AWS: a queue, a topic, a bucket, a stream and a table. Each stores a dead letter with one signed
 * call.
 *
 * @module
 */

import { signedDynamoDB } from "../../aws/dynamodb.ts";
import { jsonCaller } from "../../aws/json_call.ts";
import { KINESIS_SERVICE, sequenceNumberIn } from "../../aws/kinesis_wire.ts";
import { signedBucket } from "../../aws/s3.ts";
import { snsPublisher } from "../../aws/sns.ts";
import { signedQueue } from "../../aws/sqs.ts";
import type { DeadLetter, DeadLetterSink } from "../dead_letter.ts";
import { letterId } from "./letter_id.ts";
import { placeOf, signedSink, type SignedSinkOptions, type SinkKind } from "./signed_sink.ts";

/** Options of {@linkcode sqsSink} and {@linkcode snsSink}. */
export interface OrderedSinkOptions extends SignedSinkOptions {
  /**
   * What makes one group of a FIFO queue or topic. `partitionKey` is the records' key; a letter with several
   * keys is in the group of its shard.
   *
   * @default {"partitionKey"}
   */
  readonly groupBy?: "partitionKey" | "shard" | undefined;
}

/** Options of {@linkcode s3Sink}. */
export interface S3SinkOptions extends SignedSinkOptions {
  /** What precedes the application's name in keys. @default {"aws/lambda/"} as Lambda has it */
  readonly keyPrefix?: string | undefined;
}

/** Options of {@linkcode dynamoDBSink}. */
export interface DynamoDBSinkOptions extends SignedSinkOptions {
  /** The table's partition key, a string; it has no sort key. @default {"id"} */
  readonly keyName?: string | undefined;
}

const KEY_WRITE = "kms:GenerateDataKey and kms:Decrypt";

const SQS: SinkKind = {
  service: "sqs",
  thing: "a queue of SQS",
  permission: "sqs:SendMessage",
  keyPermission: KEY_WRITE,
  mostBytes: 1_048_576,
};

/**
 * Stores dead letters as messages of a queue, standard or FIFO. IAM: `sqs:SendMessage`.
 *
 * A queue takes 256 KiB, and up to 1 MiB if its maximum message size is set so: then set `maxBytes` too.
 *
 * @param queueArn `arn:aws:sqs:eu-central-1:123456789012:orders-failed`
 * @throws {TypeError} for another ARN; {@link RangeError} when `maxBytes` is out of range.
 */
export function sqsSink(queueArn: string, options: OrderedSinkOptions = {}): DeadLetterSink {
  const arn = placeOf(queueArn, SQS, /^[\w-]{1,80}(\.fifo)?$/, "arn:aws:sqs:REGION:ACCOUNT_ID:QUEUE_NAME");
  const { accountId, resource: queueName } = arn;
  return signedSink({ ...arn, text: queueArn }, SQS, options, (service) => {
    const queue = signedQueue({ accountId, queueName }, service);
    return (letter, body, signal) => queue.send({ body, ...orderOf(letter, queueName, options) }, signal);
  });
}

const SNS: SinkKind = {
  service: "sns",
  thing: "a topic of SNS",
  permission: "sns:Publish",
  keyPermission: KEY_WRITE,
  mostBytes: 262_144,
};

/**
 * Publishes dead letters to a topic, standard or FIFO. IAM: `sns:Publish`. A topic keeps nothing: subscribe a
 * queue, or the letters reach nobody.
 *
 * @param topicArn `arn:aws:sns:eu-central-1:123456789012:orders-failed`
 * @throws {TypeError} for another ARN; {@link RangeError} when `maxBytes` is out of range.
 */
export function snsSink(topicArn: string, options: OrderedSinkOptions = {}): DeadLetterSink {
  const arn = placeOf(topicArn, SNS, /^[\w-]{1,256}(\.fifo)?$/, "arn:aws:sns:REGION:ACCOUNT_ID:TOPIC_NAME");
  return signedSink({ ...arn, text: topicArn }, SNS, options, (service) => {
    const publish = snsPublisher(service);
    return (letter, message, signal) =>
      publish({ topicArn, message, ...orderOf(letter, arn.resource, options) }, signal);
  });
}

const S3: SinkKind = {
  service: "s3",
  thing: "a bucket of S3",
  permission: "s3:PutObject",
  keyPermission: KEY_WRITE,
  defaultBytes: 67_108_864,
  mostBytes: 1_073_741_824,
  records: "payload",
};

/**
 * Stores dead letters as objects of a bucket, as Lambda does: the key is
 * `aws/lambda/<application>/<shardId>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<UUID>`, and `payload` in the document
 * is the whole event. IAM: `s3:PutObject`. The bucket's region is found by asking.
 *
 * @param bucketArn `arn:aws:s3:::orders-failed`
 * @throws {TypeError} for another ARN; {@link RangeError} when `maxBytes` is out of range.
 */
export function s3Sink(bucketArn: string, options: S3SinkOptions = {}): DeadLetterSink {
  const arn = placeOf(bucketArn, S3, /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "arn:aws:s3:::BUCKET_NAME");
  const { keyPrefix = "aws/lambda/" } = options;
  return signedSink({ ...arn, text: bucketArn }, S3, options, (service) => {
    const bucket = signedBucket(arn.resource, service);
    return (letter, text, signal) => bucket.put(keyPrefix + objectKey(letter), text, signal);
  });
}

/** Without the prefix. The same letter has the same key, however often it is stored. */
function objectKey(letter: DeadLetter): string {
  const time = new Date(letter.givenUpEpochMs).toISOString();
  const day = time.slice(0, 10).replaceAll("-", "/");
  const second = time.slice(0, 19).replaceAll(":", ".");
  return `${letter.applicationName}/${letter.shardId}/${day}/${second}-${letterId(letter)}`;
}

const KINESIS: SinkKind = {
  service: "kinesis",
  thing: "a stream of Kinesis",
  permission: "kinesis:PutRecord",
  keyPermission: "kms:GenerateDataKey",
  // 1 MiB with the partition key, of 256 characters.
  defaultBytes: 1_047_552,
  mostBytes: 10_484_736,
};

/**
 * Puts dead letters into a stream, with the partition key of their first record. IAM: `kinesis:PutRecord`.
 *
 * A stream takes 1 MiB, and up to 10 MiB if its maximum record size is set so: then set `maxBytes` too. It
 * must not be the stream that the worker reads.
 *
 * @param streamArn `arn:aws:kinesis:eu-central-1:123456789012:stream/orders-failed`
 * @throws {TypeError} for another ARN; {@link RangeError} when `maxBytes` is out of range.
 */
export function kinesisSink(streamArn: string, options: SignedSinkOptions = {}): DeadLetterSink {
  const example = "arn:aws:kinesis:REGION:ACCOUNT_ID:stream/STREAM_NAME";
  const arn = placeOf(streamArn, KINESIS, /^stream\/[\w.-]{1,128}$/, example);
  const StreamName = arn.resource.slice("stream/".length);
  return signedSink({ ...arn, text: streamArn }, KINESIS, options, (service) => {
    const call = jsonCaller(KINESIS_SERVICE, service);
    // An emulator at an endpoint of its own may know no ARN.
    const where = service.endpoint === undefined ? { StreamARN: streamArn } : { StreamName };
    return async (letter, text, signal) => {
      if (letter.streamArn === streamArn) {
        throw new TypeError(
          "it is the stream that the letter is from: its records would come again and again",
        );
      }
      await call({
        operation: "PutRecord",
        input: {
          ...where,
          PartitionKey: letter.records[0]?.partitionKey ?? letter.shardId,
          Data: base64(text),
        },
        decode: (answer) => void sequenceNumberIn(answer, "SequenceNumber"),
        signal,
      });
    };
  });
}

const DYNAMODB: SinkKind = {
  service: "dynamodb",
  thing: "a table of DynamoDB",
  permission: "dynamodb:PutItem",
  keyPermission: "kms:Decrypt",
  // An item has 400 KB, with all of its attributes.
  defaultBytes: 400_000,
  mostBytes: 400_000,
};

/**
 * Puts dead letters into a table whose partition key is a string named `id`. A letter that is stored again is
 * the same item. IAM: `dynamodb:PutItem`. The attribute `document` has the whole document; `stream`,
 * `shardId`, `condition` and `timestamp` are beside it.
 *
 * @param tableArn `arn:aws:dynamodb:eu-central-1:123456789012:table/orders-failed`
 * @throws {TypeError} for another ARN; {@link RangeError} when `maxBytes` is out of range.
 */
export function dynamoDBSink(tableArn: string, options: DynamoDBSinkOptions = {}): DeadLetterSink {
  const example = "arn:aws:dynamodb:REGION:ACCOUNT_ID:table/TABLE_NAME";
  const arn = placeOf(tableArn, DYNAMODB, /^table\/[\w.-]{3,255}$/, example);
  const tableName = arn.resource.slice("table/".length);
  const { keyName = "id" } = options;
  return signedSink({ ...arn, text: tableArn }, DYNAMODB, options, (service) => {
    const dynamodb = signedDynamoDB(service);
    return async (letter, text, signal) => {
      await dynamodb.putItem(
        tableName,
        {
          stream: { S: letter.streamArn ?? letter.streamName },
          shardId: { S: letter.shardId },
          condition: { S: letter.condition },
          timestamp: { S: new Date(letter.givenUpEpochMs).toISOString() },
          document: { S: text },
          [keyName]: { S: letterId(letter) },
        },
        {},
        signal,
      );
    };
  });
}

/** Only FIFO queues and topics have an order. */
function orderOf(
  letter: DeadLetter,
  name: string,
  { groupBy = "partitionKey" }: OrderedSinkOptions,
): { readonly groupId?: string; readonly deduplicationId?: string } {
  if (!name.endsWith(".fifo")) return {};
  const { records: [first], shardId } = letter;
  const key = groupBy === "partitionKey" &&
      letter.records.every(({ partitionKey }) => partitionKey === first?.partitionKey)
    ? first?.partitionKey
    : undefined;
  return { groupId: groupOf(key ?? shardId), deduplicationId: letterId(letter) };
}

/** A group's name has at most 128 printable ASCII characters: a key with others is named by its digest. */
function groupOf(key: string): string {
  if (/^[!-~]{1,128}$/.test(key)) return key;
  return letterId({
    applicationName: key,
    streamName: "",
    streamArn: undefined,
    streamIdentifier: undefined,
    shardId: "",
    records: [],
  });
}

function base64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(binary);
}
