/**
 * Builds the clients and stores of a worker from its options: the one place where AWS and the tables are put
 * together.
 *
 * @module
 */

import { isReadInCbor } from "../aws/wire_format.ts";
import type { CredentialsProvider, GivenCredentials } from "../aws/credentials.ts";
import { cborKinesis } from "../aws/cbor_kinesis.ts";
import { keptCredentials } from "../aws/credential_sources/given.ts";
import { signedDynamoDB } from "../aws/dynamodb.ts";
import type { ServiceOptions } from "../aws/json_call.ts";
import { type Kinesis, signedKinesis } from "../aws/kinesis.ts";
import type { KinesisConsumers, signedKinesisConsumers } from "../aws/kinesis_consumers.ts";
import type { WorkerEventListener } from "../events.ts";
import type { CoordinatorStore } from "../lease/coordinator_store.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { DynamoDBCoordinatorStore } from "../store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../store/dynamodb_lease_store.ts";
import type { System } from "../system.ts";
import type { TableStreamsReader } from "./table_streams.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { WorkerSettings } from "../options/setting_groups.ts";

/** What a worker talks to. */
export interface WorkerParts {
  readonly kinesis: Kinesis;
  /** Undefined where enhanced fan-out is not used. */
  readonly kinesisConsumers: KinesisConsumers | undefined;
  readonly leaseStore: LeaseStore;
  readonly coordinatorStore: CoordinatorStore;
  /** Shared by all clients. Rejects where none were given. */
  readonly credentials: CredentialsProvider;
}

/** The parts that a user may give, and the keys for the rest. */
export type GivenParts = Pick<
  WorkerOptions,
  | "kinesis"
  | "kinesisConsumers"
  | "leaseStore"
  | "coordinatorStore"
  | "credentials"
  | "dynamoDBCredentials"
  | "processor"
>;

/** What parts are made with. */
export interface PartsSurroundings {
  readonly system: System;
  readonly emit: WorkerEventListener;
  /** Reads the streams of tables, where the settings name any. */
  readonly tableStreams?: TableStreamsReader | undefined;
}

/**
 * Makes the parts that were not given.
 *
 * @param fanOut Makes the client of enhanced fan-out; handed in, since not every bundle shall carry it.
 * @throws {TypeError} when a region or credentials are missing, or an endpoint is none.
 */
export function partsOf(
  given: GivenParts,
  settings: Pick<WorkerSettings, "applicationName" | "clients" | "table" | "reading" | "leasing">,
  surroundings: PartsSurroundings,
  fanOut: typeof signedKinesisConsumers | undefined,
): WorkerParts {
  const { system, emit: onEvent } = surroundings;
  const { applicationName, clients, table } = settings;
  const { dynamoDBCredentials } = given;
  const credentials = keptOnce(given.credentials, "the option credentials", surroundings);
  const service = (): ServiceOptions => ({
    region: regionOf(clients.region),
    endpoint: clients.kinesisEndpoint,
    credentials: credentials(),
    system,
    onEvent,
  });
  const kinesis = given.kinesis ?? signed(service(), clients, surroundings.tableStreams);
  const kinesisConsumers = settings.reading.retrievalMode === "POLLING"
    ? undefined
    : given.kinesisConsumers ??
      fanOut?.({ ...service(), keepsTexts: given.processor?.payloads === "base64" });
  const shared = given.credentials === undefined ? noCredentials : credentials();
  if (given.leaseStore !== undefined && given.coordinatorStore !== undefined) {
    const { leaseStore, coordinatorStore } = given;
    return { kinesis, kinesisConsumers, leaseStore, coordinatorStore, credentials: shared };
  }
  if (given.leaseStore !== undefined || given.coordinatorStore !== undefined) {
    throw new TypeError(
      "Cannot start worker: expected leaseStore and coordinatorStore together: got one of them: give both or none",
    );
  }
  const dynamodb = signedDynamoDB({
    region: regionOf(clients.dynamoDBRegion),
    endpoint: clients.dynamoDBEndpoint,
    credentials: dynamoDBCredentials === undefined || dynamoDBCredentials === given.credentials
      ? credentials()
      : keptOnce(dynamoDBCredentials, "the option dynamoDBCredentials", surroundings)(),
    system,
    onEvent,
    // A renewal that hangs must leave time for another before the lease expires.
    attemptTimeoutMs: Math.max(500, settings.leasing.failoverTimeMs / 4),
  });
  const { tableName, billingMode, leaseTableDeletionProtectionEnabled, leaseTablePitrEnabled } = table;
  const { leaseTableTags, leaseTableScanTotalSegments } = table;
  return {
    kinesis,
    kinesisConsumers,
    leaseStore: new DynamoDBLeaseStore({
      tableName,
      billingMode,
      leaseTableDeletionProtectionEnabled,
      leaseTablePitrEnabled,
      leaseTableTags,
      leaseTableScanTotalSegments,
      dynamodb,
      system,
      onEvent,
    }),
    coordinatorStore: new DynamoDBCoordinatorStore({ dynamodb, applicationName, tableName }),
    credentials: shared,
  };
}

function signed(
  service: ServiceOptions,
  { wireFormat }: WorkerSettings["clients"],
  tableStreams: TableStreamsReader | undefined,
): Kinesis {
  const json = signedKinesis(service);
  const kinesis = isReadInCbor(wireFormat, service.endpoint) ? cborKinesis(json, service) : json;
  return tableStreams === undefined ? kinesis : tableStreams(kinesis, service);
}

function regionOf(region: string | undefined): string {
  if (region !== undefined && region !== "") return region;
  throw new TypeError(
    'Cannot start worker: expected region to be set, e.g. "eu-central-1": got none, neither as an option nor in streamArn',
  );
}

/** Shares one provider among all clients, so that a source is asked once for all of them. */
function keptOnce(
  given: GivenCredentials | undefined,
  source: string,
  { system, emit: onEvent }: PartsSurroundings,
): () => CredentialsProvider {
  let kept: CredentialsProvider | undefined;
  return () => {
    if (given !== undefined) return kept ??= keptCredentials(given, source, { system, onEvent });
    throw new TypeError(
      "Cannot start worker: expected credentials, as keys or as a function that gives them: got none",
    );
  };
}

/** For what may need credentials later, in a worker that has its parts given. */
const noCredentials: CredentialsProvider = () =>
  Promise.reject(new TypeError("Cannot sign a request: expected the option credentials: got none"));
