/**
 * Finds the sink that a text names, as `onFailureDestination` has it: an ARN, or a file.
 *
 * @module
 */

import type { DeadLetterSink } from "../dead_letter.ts";
import { dynamoDBSink, kinesisSink, s3Sink, snsSink, sqsSink } from "./aws_sinks.ts";
import type { SignedSinkOptions } from "./signed_sink.ts";

/** Options of {@linkcode sinkOf}. */
export interface SinkOfOptions extends SignedSinkOptions {
  /**
   * Makes the sink of a file: `fileSink` of `@kclite/kclite/failures/file`.
   *
   * @default files are refused
   */
  readonly file?: ((path: string) => DeadLetterSink) | undefined;
}

/**
 * The sink of a destination: the ARN of a queue, a topic, a bucket, a stream or a table, or a path.
 *
 * @throws {TypeError} when it is another ARN, a URL, or a path without the option `file`;
 * {@link RangeError} when `maxBytes` is out of range.
 */
export function sinkOf(destination: string, options: SinkOfOptions = {}): DeadLetterSink {
  const text = destination.trim();
  const refused = (expected: string) =>
    new TypeError(`Cannot use ${JSON.stringify(text)} for dead letters: expected ${expected}`);
  const [scheme, , service] = text.split(":");
  if (scheme === "arn") {
    switch (service) {
      case "sqs":
        return sqsSink(text, options);
      case "sns":
        return snsSink(text, options);
      case "s3":
        return s3Sink(text, options);
      case "kinesis":
        return kinesisSink(text, options);
      case "dynamodb":
        return dynamoDBSink(text, options);
    }
    throw refused("the ARN of a queue of SQS, a topic of SNS, a bucket of S3, a stream or a table");
  }
  if (/^https:\/\/sqs[.-]/.test(text)) throw refused("the queue's ARN in place of its URL");
  if (text === "" || /^[a-z][a-z0-9+]+:\/\//i.test(text)) throw refused("an ARN or a path");
  if (options.file === undefined) {
    throw refused("an ARN: a file needs the option file, e.g. fileSink of @kclite/kclite/failures/file");
  }
  return options.file(text);
}
