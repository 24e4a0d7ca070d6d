// Pure.
/**
 * What a command works on: the lease table of an application, and the streams that its leases are of. No
 * running worker of kclite is needed.
 *
 * @module
 */

import type { DynamoDB } from "../aws/dynamodb.ts";
import { streamArnOf } from "../aws/endpoint.ts";
import type { Kinesis, StreamReference } from "../aws/kinesis.ts";
import type { CoordinatorStore } from "../lease/coordinator_store.ts";
import type { Lease } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { NO_ACCOUNT_ID, parseIdentifier } from "../stream/stream_identifier.ts";
import type { System } from "../system.ts";

/** A stream, on which no application needs to be. */
export interface StreamAccess {
  readonly region: string;
  readonly kinesis: Kinesis;
  /** The streams of the configuration. Empty if it names none. */
  readonly streams: readonly StreamReference[];
  readonly system: System;
}

/** An application: its table, and its streams. */
export interface FleetAccess extends StreamAccess {
  readonly applicationName: string;
  readonly tableName: string;
  /** As the configuration says, or the default: how long a lease may go without renewal, in ms. */
  readonly failoverTimeMs: number;
  readonly dynamodb: DynamoDB;
  readonly leaseStore: LeaseStore;
  readonly coordinatorStore: CoordinatorStore;
}

/** The stream of a lease. Undefined when neither the lease nor the configuration names it. */
export function streamOfLease(
  { streams, region }: Pick<StreamAccess, "streams" | "region">,
  lease: Pick<Lease, "streamIdentifier">,
): StreamReference | undefined {
  if (lease.streamIdentifier === undefined) return streams.length === 1 ? streams[0] : undefined;
  const identifier = parseIdentifier(lease.streamIdentifier);
  if (identifier === undefined) return undefined;
  const { accountId, streamName } = identifier;
  const streamArn = accountId === NO_ACCOUNT_ID || accountId.length !== 12
    ? undefined
    : streamArnOf({ region, accountId, streamName });
  return { streamName, streamArn };
}
