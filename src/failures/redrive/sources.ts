/**
 * Sources of dead letters on AWS: a queue, a bucket, a table and a stream.
 *
 * @module
 */

import { type DynamoDB, signedDynamoDB } from "../../aws/dynamodb.ts";
import { type IteratorPosition, type Kinesis, signedKinesis } from "../../aws/kinesis.ts";
import { parseArn, type ResourceArn } from "../../aws/resource_arn.ts";
import { type Bucket, signedBucket } from "../../aws/s3.ts";
import { DEFAULT_RETRY_POLICY } from "../../aws/retry.ts";
import type { ServiceOptions } from "../../aws/signed_call.ts";
import { type Queue, type ReceivedMessage, signedQueue } from "../../aws/sqs.ts";
import type { Clock } from "../../system.ts";
import type { LetterSource, SourceLetter } from "./redrive.ts";

/** Where a source is, and what it is made with. */
export interface SourcePlace {
  readonly arn: ResourceArn;
  readonly text: string;
}

/**
 * The place that a text names; undefined for a path.
 *
 * @throws {TypeError} when dead letters cannot be read from there.
 */
export function sourcePlace(text: string): SourcePlace | undefined {
  const [, bucket, prefix = ""] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(text) ?? [];
  const arn = parseArn(bucket === undefined ? text : `arn:aws:s3:::${bucket}/${prefix}`);
  const refused = (why: string) => new TypeError(`Cannot redrive ${JSON.stringify(text)}: ${why}`);
  if (arn === undefined) {
    if (/^arn:|^[a-z][a-z0-9+]+:\/\//i.test(text)) {
      throw refused("expected an ARN, s3://BUCKET/PREFIX, or a path");
    }
    return undefined;
  }
  const resources = { sqs: /^[^/]+$/, s3: /^/, kinesis: /^stream\/[^/]+$/, dynamodb: /^table\/[^/]+$/ };
  if (arn.service === "sns") throw refused("a topic keeps nothing: name the queue that is subscribed to it");
  const resource = Object.entries(resources).find(([service]) => service === arn.service)?.[1];
  if (resource?.test(arn.resource)) return { arn, text };
  throw refused("expected a queue of SQS, a bucket of S3, a stream of Kinesis, or a table of DynamoDB");
}

/**
 * Opens the source at a place.
 *
 * @param sinceEpochMs Of a stream: only letters that it took at this time or later.
 */
export function openSource(
  { arn, text }: SourcePlace,
  options: ServiceOptions,
  sinceEpochMs?: number,
): LetterSource {
  const { accountId, resource } = arn;
  const { region, endpoint, credentials, system } = options;
  const name = resource.split("/")[1] ?? "";
  switch (arn.service) {
    case "sqs":
      return queueLetters(
        text,
        signedQueue({ accountId, queueName: resource }, options),
        system.clock,
      );
    case "s3": {
      const [bucket = "", ...prefix] = resource.split("/");
      return bucketLetters(text, signedBucket(bucket, options), prefix.join("/") || "aws/lambda/");
    }
    case "dynamodb":
      return tableLetters(text, signedDynamoDB(options), name);
    default:
      return streamLetters(
        text,
        signedKinesis({ region, endpoint, credentials, system, readRetry: DEFAULT_RETRY_POLICY }),
        {
          streamName: name,
          clock: system.clock,
          sinceEpochMs,
        },
      );
  }
}

/** How long a message is hidden from others while it is worked on, in s. */
const HIDDEN_SECONDS = 600;
/** A message that has waited for its turn for this long is left to a later receipt, in ms. */
const STALE_MS = HIDDEN_SECONDS * 900;

/** The letters of a queue. What is not removed stays hidden until the end, so that no letter comes twice. */
export function queueLetters(name: string, queue: Queue, clock: Clock): LetterSource {
  const kept = new Map<string, ReceivedMessage>();
  return {
    name,
    async *letters(signal): AsyncGenerator<SourceLetter, void, void> {
      const seen = new Set<string>();
      for (;;) {
        const receivedMs = clock.monotonicMs();
        const messages = await queue.receive(HIDDEN_SECONDS, signal);
        for (const message of messages) kept.set(message.messageId, message);
        const fresh = messages.filter(({ messageId }) => !seen.has(messageId));
        if (fresh.length === 0) return;
        for (const message of fresh) {
          if (clock.monotonicMs() - receivedMs > STALE_MS) break;
          const { messageId, receiptHandle, body } = message;
          seen.add(messageId);
          yield {
            place: `message ${messageId}`,
            text: body,
            remove: async () => {
              await queue.delete(receiptHandle);
              kept.delete(messageId);
            },
          };
        }
      }
    },
    async close() {
      for (const { receiptHandle } of kept.values()) {
        // Else it is seen again when its time is over.
        await queue.show(receiptHandle).catch(() => {});
      }
    },
  };
}

/** The letters below a prefix of a bucket. */
export function bucketLetters(name: string, bucket: Bucket, prefix: string): LetterSource {
  return {
    name,
    async *letters(signal): AsyncGenerator<SourceLetter, void, void> {
      for await (const keys of bucket.keys(prefix, signal)) {
        for (const key of keys) {
          yield { place: key, text: await bucket.get(key, signal), remove: () => bucket.delete(key) };
        }
      }
    },
    close: () => Promise.resolve(),
  };
}

/** The letters of a table. A letter that is stored anew meanwhile stays. */
export function tableLetters(name: string, dynamodb: DynamoDB, tableName: string): LetterSource {
  return {
    name,
    async *letters(signal): AsyncGenerator<SourceLetter, void, void> {
      const table = await dynamodb.describeTable(tableName, signal);
      const keyName = table?.keySchema.find(({ keyType }) => keyType === "HASH")?.attributeName;
      if (keyName === undefined) throw new Error(`Cannot redrive ${name}: there is no such table`);
      for await (const items of dynamodb.scanPages(tableName, 25, signal)) {
        for (const { [keyName]: id, document, timestamp } of items) {
          if (id === undefined) continue;
          yield {
            place: `item ${"S" in id ? id.S : "?"}`,
            text: document !== undefined && "S" in document ? document.S : "",
            remove: async () => {
              await dynamodb.deleteItem(tableName, { [keyName]: id }, {
                ...(timestamp === undefined ? {} : {
                  ConditionExpression: "#t = :t",
                  ExpressionAttributeNames: { "#t": "timestamp" },
                  ExpressionAttributeValues: { ":t": timestamp },
                }),
              });
            },
          };
        }
      }
    },
    close: () => Promise.resolve(),
  };
}

/** A shard allows five reads a second. In ms. */
const READ_PAUSE_MS = 250;

/** The letters of a stream, shard by shard up to the tip. Nothing can be removed. */
export function streamLetters(
  name: string,
  kinesis: Kinesis,
  { streamName, clock, sinceEpochMs }: {
    readonly streamName: string;
    readonly clock: Clock;
    readonly sinceEpochMs?: number | undefined;
  },
): LetterSource {
  const stream = { streamName, streamArn: undefined };
  const start: IteratorPosition = sinceEpochMs === undefined
    ? { type: "TRIM_HORIZON" }
    : { type: "AT_TIMESTAMP", timestampMs: sinceEpochMs };
  return {
    name,
    async *letters(signal): AsyncGenerator<SourceLetter, void, void> {
      for (const { shardId } of await kinesis.listShards(stream, undefined, signal)) {
        let iterator = await kinesis.getShardIterator(stream, shardId, start, signal);
        while (iterator !== undefined) {
          const page = await kinesis.getRecords(stream, iterator, 1000, signal);
          for (const { sequenceNumber, data } of page.records) {
            const text = new TextDecoder().decode(data);
            yield { place: `${shardId} ${sequenceNumber}`, text, remove: undefined };
          }
          if (page.records.length === 0 && page.millisBehindLatest === 0) break;
          iterator = page.nextShardIterator;
          await clock.sleep(READ_PAUSE_MS, signal);
        }
      }
    },
    close: () => Promise.resolve(),
  };
}
