/**
 * Opens an application's table and streams as a worker of the same options would: the same credentials,
 * regions and endpoints.
 *
 * @module
 */

import type { GivenCredentials } from "../aws/credentials.ts";
import { parseStreamArn } from "../aws/endpoint.ts";
import { signedDynamoDB } from "../aws/dynamodb.ts";
import { type Kinesis, signedKinesis, type StreamReference } from "../aws/kinesis.ts";
import { kinesisByName } from "../aws/kinesis_by_name.ts";
import { DEFAULT_RETRY_POLICY } from "../aws/retry.ts";
import type { CoordinatorStore } from "../lease/coordinator_store.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { DynamoDBCoordinatorStore } from "../store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../store/dynamodb_lease_store.ts";
import { parseIdentifier } from "../stream/stream_identifier.ts";
import type { System } from "../system.ts";
import type { FleetAccess, StreamAccess } from "./fleet_access.ts";

/** Which streams. As the options of a worker. */
export interface NamedStreams {
  readonly streamName?: string | undefined;
  readonly streamArn?: string | undefined;
  /** A function that lists them names none. */
  readonly streams?: readonly (string | NamedStream)[] | (() => unknown) | undefined;
}

/** One of many streams. */
export interface NamedStream {
  readonly streamIdentifier?: string | undefined;
  readonly streamArn?: string | undefined;
  readonly streamName?: string | undefined;
}

/** Where streams are, and who asks. */
export interface StreamAccessOptions extends NamedStreams {
  readonly region: string;
  readonly credentials: GivenCredentials;
  readonly kinesisEndpoint?: string | undefined;
  readonly dynamoDBEndpoint?: string | undefined;
  readonly dynamoDBStreamsEndpoint?: string | undefined;
  readonly kinesis?: Kinesis | undefined;
  readonly system: System;
}

/** The same of an application. */
export interface FleetAccessOptions extends StreamAccessOptions {
  readonly applicationName: string;
  readonly tableName?: string | undefined;
  readonly failoverTimeMs?: number | undefined;
  readonly dynamoDBCredentials?: GivenCredentials | undefined;
  readonly dynamoDBRegion?: string | undefined;
  readonly leaseStore?: LeaseStore | undefined;
  readonly coordinatorStore?: CoordinatorStore | undefined;
}

/** KCL's default. Source: KCL 3.5.1, `LeaseManagementConfig`. */
const FAILOVER_MS = 10_000;

/** @throws {TypeError} when the region or an endpoint cannot be one. */
export function openStreamAccess(options: StreamAccessOptions): StreamAccess {
  const { region, system } = options;
  return {
    region,
    kinesis: options.kinesis ?? openKinesis(options),
    streams: streamsOf(options),
    system,
  };
}

/** The leases of a table name streams that the options do not: Kinesis's, and those of DynamoDB's tables. */
function openKinesis(options: StreamAccessOptions): Kinesis {
  const { region, credentials, system, kinesisEndpoint, dynamoDBEndpoint, dynamoDBStreamsEndpoint } = options;
  const service = { region, credentials, system, readRetry: DEFAULT_RETRY_POLICY };
  const kinesis = signedKinesis({ ...service, endpoint: kinesisEndpoint });
  return kinesisByName(kinesis, async () => {
    const { tableStreamsAsKinesis } = await import("../dynamodb_streams/changes_as_kinesis.ts");
    return tableStreamsAsKinesis({ ...service, dynamoDBStreamsEndpoint, dynamoDBEndpoint, kinesisEndpoint });
  });
}

/** @throws {TypeError} when a region or an endpoint cannot be one. */
export function openFleetAccess(options: FleetAccessOptions): FleetAccess {
  const { applicationName, tableName = applicationName, failoverTimeMs = FAILOVER_MS, system } = options;
  const { credentials, dynamoDBCredentials = credentials, region, dynamoDBRegion = region } = options;
  const dynamodb = signedDynamoDB({
    credentials: dynamoDBCredentials,
    system,
    region: dynamoDBRegion,
    endpoint: options.dynamoDBEndpoint,
  });
  return {
    ...openStreamAccess(options),
    applicationName,
    tableName,
    failoverTimeMs,
    dynamodb,
    leaseStore: options.leaseStore ?? new DynamoDBLeaseStore({ tableName, dynamodb, system }),
    coordinatorStore: options.coordinatorStore ??
      new DynamoDBCoordinatorStore({ dynamodb, applicationName, tableName }),
  };
}

function streamsOf({ streamName, streamArn, streams }: NamedStreams): StreamReference[] {
  if (Array.isArray(streams)) {
    return streams.map((stream: string | NamedStream) => {
      if (typeof stream === "string") return referenceOf(stream);
      return referenceOf(stream.streamArn ?? stream.streamIdentifier ?? stream.streamName ?? "");
    });
  }
  if (streamArn !== undefined) return [{ streamName: parseStreamArn(streamArn).streamName, streamArn }];
  return streamName === undefined ? [] : [{ streamName, streamArn: undefined }];
}

/** By name, ARN, or `account:stream:epoch`. */
function referenceOf(stream: string): StreamReference {
  if (stream.startsWith("arn:")) {
    return { streamName: parseStreamArn(stream).streamName, streamArn: stream };
  }
  return { streamName: parseIdentifier(stream)?.streamName ?? stream, streamArn: undefined };
}
