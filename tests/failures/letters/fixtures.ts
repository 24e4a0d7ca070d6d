/**
 * Dead letters for tests, and the connection of a worker.
 *
 * @module
 */

import type { DeadLetter, SinkConnection } from "../../../src/failures/dead_letter.ts";
import { type KinesisRecord, kinesisRecord, type RecordFields } from "../../../src/stream/record.ts";
import type { System } from "../../../src/system.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { SIGNING_KEYS } from "../../support/signed_services.ts";

export const STREAM_ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/orders";

/** A plain record; `data` as a text. */
export function recordOf(
  sequenceNumber: string,
  data: string | Uint8Array = "x",
  more: Partial<RecordFields> = {},
): KinesisRecord {
  return kinesisRecord({
    sequenceNumber,
    subSequenceNumber: 0,
    partitionKey: "p",
    explicitHashKey: undefined,
    data: typeof data === "string" ? new TextEncoder().encode(data) : data,
    approximateArrivalTimestamp: Date.UTC(2026, 0, 30, 11, 59, 58, 250),
    encryptionType: undefined,
    aggregated: false,
    ...more,
  });
}

/** A letter of one record, unless more is said. */
export function letterOf(more: Partial<DeadLetter> = {}): DeadLetter {
  return {
    condition: "RetryAttemptsExhausted",
    applicationName: "word-count",
    workerId: "w-1",
    streamName: "orders",
    streamArn: STREAM_ARN,
    streamIdentifier: undefined,
    shardId: "shardId-000000000001",
    fencingToken: { leaseKey: "shardId-000000000001", token: 7 },
    attempts: 4,
    error: new TypeError("no such word"),
    records: [recordOf("100", "hello")],
    givenUpEpochMs: Date.UTC(2026, 0, 30, 12),
    ...more,
  };
}

/** A worker's connection over the given fetch. Its clock passes over pauses by itself. */
export function connectionOf(
  fetch: System["fetch"],
  more: Partial<SinkConnection> = {},
): SinkConnection & { readonly clock: FakeClock } {
  const clock = new FakeClock();
  const sleep = clock.sleep.bind(clock);
  clock.sleep = (ms, signal) => {
    // Retries' pauses end; time limits do not.
    if (ms < 5000) queueMicrotask(() => clock.jump(ms));
    return sleep(ms, signal);
  };
  return {
    clock,
    region: "eu-central-1",
    credentials: () => Promise.resolve(SIGNING_KEYS),
    system: { clock, random: () => 0.5, fetch },
    ...more,
  };
}

export const NEVER: AbortSignal = new AbortController().signal;
