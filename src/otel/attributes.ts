// Pure.
/**
 * Attributes of spans and metrics, by the names of OpenTelemetry's conventions for messaging, which are still
 * in development there.
 *
 * Nothing of a record is an attribute but its sequence number: no data, no partition key, no message of an
 * error, since that may quote a record.
 *
 * Source: OpenTelemetry semantic conventions, messaging, after v1.44; `aws.kinesis.stream_name` of the AWS
 * registry.
 *
 * @module
 */

import { errorClass } from "../errors.ts";

/** What a shard's spans have in common. */
export interface ShardFacts {
  readonly streamName: string;
  readonly shardId: string;
}

/** What is known of the worker. */
export interface WorkerFacts {
  readonly applicationName: string | undefined;
  readonly workerId: string | undefined;
}

/** Values of attributes. What is undefined is left out. */
export type AttributeValues = Readonly<Record<string, string | number | boolean | undefined>>;

/** Source: the conventions have no value for Kinesis; this one is spelt as their `aws_sqs`. */
const SYSTEM = "aws_kinesis";

/** Of metrics: few values each, so that a backend can keep them. */
export function metricAttributes(
  operation: string,
  { applicationName }: WorkerFacts,
  { streamName, shardId }: Partial<ShardFacts>,
): AttributeValues {
  return {
    "messaging.system": SYSTEM,
    "messaging.operation.name": operation,
    "messaging.destination.name": streamName,
    "messaging.consumer.group.name": applicationName,
    "messaging.destination.partition.id": shardId,
  };
}

/** Of spans about one shard. @param type As the conventions name types of operations. */
export function spanAttributes(
  operation: string,
  type: "process" | "settle" | undefined,
  worker: WorkerFacts,
  shard: ShardFacts,
): AttributeValues {
  return {
    ...metricAttributes(operation, worker, shard),
    "messaging.operation.type": type,
    "messaging.client.id": worker.workerId,
    "aws.kinesis.stream_name": shard.streamName,
    "aws.kinesis.shard.id": shard.shardId,
  };
}

/** Without what is undefined: OpenTelemetry would warn about it. */
export function definedAttributes(values: AttributeValues): Record<string, string | number | boolean> {
  const defined: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) defined[name] = value;
  return defined;
}

/** The name of a span: few different ones, so the shard is no part of it. */
export function spanName(operation: string, streamName: string): string {
  return `${operation} ${streamName}`;
}

/** `error.type`: the class alone, since a message may quote a record. */
export function errorType(error: unknown): string {
  return errorClass(error).slice(0, MAX_TYPE_LENGTH);
}

/** A class may be given any name. In UTF-16 units. Ours. */
const MAX_TYPE_LENGTH = 100;
