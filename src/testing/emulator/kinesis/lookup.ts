/**
 * How calls name streams and shards, and how a stream gives out places in it as tokens.
 *
 * @module
 */

import { parseStreamArn } from "../../../aws/endpoint.ts";
import type { IteratorPosition } from "../../../aws/kinesis.ts";
import { type SimulatedShard, WORLD_EPOCH_MS } from "../../model/simulated_stream.ts";
import { ApiError, constraintError, invalid } from "../api_error.ts";
import type { Input } from "../input.ts";
import { ACCOUNT_ID } from "../operation.ts";
import type { EmulatedConsumer, EmulatedStream, EmulatedStreams } from "./emulated_streams.ts";

/** The stream that a call names, by name or ARN; it must exist, in whatever state. */
export function streamOf(streams: EmulatedStreams, input: Input): EmulatedStream {
  const arn = input.text("StreamARN");
  const name = input.text("StreamName") ?? (arn === undefined ? undefined : nameOfArn(arn));
  if (name === undefined) {
    throw new ApiError("InvalidArgumentException", "Either StreamName or StreamARN must be provided.");
  }
  return streams.find(name) ?? noStream(name);
}

/** The same, for calls that need a stream with data. */
export function usableStreamOf(streams: EmulatedStreams, input: Input): EmulatedStream {
  const stream = streamOf(streams, input);
  const { status } = stream.life;
  if (status === "CREATING" || status === "DELETING") noStream(stream.name);
  return stream;
}

/** The same, for calls that change the stream as a whole. */
export function activeStreamOf(streams: EmulatedStreams, input: Input): EmulatedStream {
  const stream = streamOf(streams, input);
  const { status } = stream.life;
  if (status === "ACTIVE") return stream;
  throw new ApiError(
    "ResourceInUseException",
    `Stream ${stream.name} under account ${ACCOUNT_ID} not ACTIVE, instead in state ${status}`,
  );
}

/**
 * A registered consumer by its ARN, or by its stream's ARN and its name; both must exist, in whatever state.
 */
export function consumerOf(streams: EmulatedStreams, input: Input): ConsumerPlace {
  const arn = input.text("ConsumerARN");
  const stream = streamOfArn(streams, arn ?? input.requiredText("StreamARN"));
  const name = arn === undefined ? input.requiredText("ConsumerName") : undefined;
  const consumer = consumersOf(stream).find((one) => one.consumerArn === arn || one.consumerName === name);
  if (consumer !== undefined) return { stream, consumer };
  throw new ApiError("ResourceNotFoundException", `Consumer ${arn ?? name} not found.`);
}

/** A consumer and its stream. */
export interface ConsumerPlace {
  readonly stream: EmulatedStream;
  readonly consumer: EmulatedConsumer;
}

/** The stream in an ARN, of itself or of a consumer. */
export function streamOfArn(streams: EmulatedStreams, arn: string): EmulatedStream {
  const name = nameOfArn(arn.replace(/\/consumer\/.*$/, ""));
  return streams.find(name) ?? noStream(name);
}

/** By name, without deleted ones. */
export function consumersOf({ consumers }: EmulatedStream): readonly EmulatedConsumer[] {
  for (const [name, { life }] of consumers) if (life.isGone) consumers.delete(name);
  return [...consumers.values()].toSorted((a, b) => a.consumerName < b.consumerName ? -1 : 1);
}

/** The name in an ARN. @throws {ApiError} when it is none of a stream. */
export function nameOfArn(arn: string): string {
  try {
    return parseStreamArn(arn).streamName;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw constraintError(
      arn,
      "streamARN",
      "Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+",
    );
  }
}

/** Refuses because there is no such stream. */
export function noStream(name: string): never {
  throw new ApiError(
    "ResourceNotFoundException",
    `Stream ${name} under account ${ACCOUNT_ID} not found.`,
  );
}

/** A shard that is still known. @throws {ApiError} otherwise. */
export function shardIn(stream: EmulatedStream, shardId: string): SimulatedShard {
  const shard = stream.model.shards.get(shardId);
  if (shard !== undefined && !shard.isGone) return shard;
  throw new ApiError(
    "ResourceNotFoundException",
    `Could not find shard ${shardId} in stream ${stream.name} under account ${ACCOUNT_ID}.`,
  );
}

/** What a position is read for. */
export interface PositionRequest {
  readonly stream: EmulatedStream;
  readonly shard: SimulatedShard;
  readonly type: string;
  readonly sequenceNumber: string | undefined;
  readonly timestampMs: number | undefined;
  readonly nowMs: number;
}

/** A position in a shard, checked. @throws {ApiError}. */
export function positionOf(request: PositionRequest): IteratorPosition {
  const { type, sequenceNumber, timestampMs, nowMs } = request;
  switch (type) {
    case "TRIM_HORIZON":
    case "LATEST":
      return { type };
    case "AT_TIMESTAMP":
      if (timestampMs === undefined) {
        throw new ApiError("InvalidArgumentException", "Must specify timestampInMillis parameter");
      }
      if (timestampMs > WORLD_EPOCH_MS + nowMs) {
        throw new ApiError(
          "InvalidArgumentException",
          "The timestampInMillis parameter cannot be in the future",
        );
      }
      return { type, timestampMs };
    case "AT_SEQUENCE_NUMBER":
    case "AFTER_SEQUENCE_NUMBER":
      if (sequenceNumber === undefined) {
        throw new ApiError("InvalidArgumentException", "Must specify startingSequenceNumber parameter");
      }
      checkSequenceNumber(sequenceNumber, request);
      return { type, sequenceNumber };
    default:
      throw constraintError(
        type,
        "shardIteratorType",
        "Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
      );
  }
}

function checkSequenceNumber(number: string, { stream, shard }: PositionRequest): void {
  if (!/^(0|[1-9]\d{0,128})$/.test(number)) {
    throw invalid(`StartingSequenceNumber ${number} is not a sequence number`);
  }
  const last = shard.endingSequenceNumber ?? stream.model.tip;
  if (BigInt(number) >= BigInt(shard.startingSequenceNumber) && BigInt(number) <= BigInt(last)) return;
  throw new ApiError(
    "InvalidArgumentException",
    `StartingSequenceNumber ${number} used in GetShardIterator on shard ${shard.shardId} in stream ` +
      `${stream.name} under account ${ACCOUNT_ID} is invalid because it did not come from this stream.`,
  );
}

/** A token that says what it is for. AWS's are encrypted, these are merely unreadable. */
export function tokenOf(kind: string, parts: readonly (string | number)[]): string {
  return btoa(JSON.stringify([kind, ...parts]));
}

/** What a token holds; undefined when it is none of this kind. */
export function tokenParts(kind: string, token: string): readonly (string | number)[] | undefined {
  try {
    const parts: unknown = JSON.parse(atob(token));
    if (!Array.isArray(parts) || parts[0] !== kind) return undefined;
    return parts.slice(1);
  } catch {
    return undefined; // another account's
  }
}
