/**
 * Builds the clients and stores of a worker from its options: the one place where AWS and the tables are put together.
 *
 * @module
 */

import type { Credentials, CredentialsProvider } from "../aws/credentials.ts";
import { signedDynamoDB } from "../aws/dynamodb.ts";
import { type Kinesis, signedKinesis } from "../aws/kinesis.ts";
import type { WorkerEvent } from "../events.ts";
import type { CoordinatorStore } from "../lease/coordinator_store.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { DynamoDBCoordinatorStore } from "../store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../store/dynamodb_lease_store.ts";
import type { System } from "../system.ts";
import type { WorkerOptions } from "./options.ts";
import type { WorkerSettings } from "./settings.ts";

/** What a worker talks to. */
export interface WorkerParts {
  readonly kinesis: Kinesis;
  readonly leaseStore: LeaseStore;
  readonly coordinatorStore: CoordinatorStore;
}

/**
 * Makes what was not given.
 *
 * @throws {TypeError} when a region or credentials are missing, or an endpoint is none.
 */
export function partsOf(
  options: WorkerOptions,
  settings: WorkerSettings,
  surroundings: { readonly system: System; readonly emit: (event: WorkerEvent) => void },
): WorkerParts {
  const { system, emit: onEvent } = surroundings;
  const kinesis = options.kinesis ?? signedKinesis({
    region: regionOf(settings.region),
    endpoint: options.kinesisEndpoint,
    credentials: credentialsOf(options.credentials),
    system,
    onEvent,
  });
  if (options.leaseStore !== undefined && options.coordinatorStore !== undefined) {
    return { kinesis, leaseStore: options.leaseStore, coordinatorStore: options.coordinatorStore };
  }
  if (options.leaseStore !== undefined || options.coordinatorStore !== undefined) {
    throw new TypeError(
      "Cannot start worker: expected leaseStore and coordinatorStore together: got one of them: give both or none",
    );
  }
  const dynamodb = signedDynamoDB({
    region: options.dynamoDBRegion ?? regionOf(settings.region),
    endpoint: options.dynamoDBEndpoint,
    credentials: credentialsOf(options.dynamoDBCredentials ?? options.credentials),
    system,
    onEvent,
    // A renewal that hangs must leave time for another before the lease expires.
    attemptTimeoutMs: Math.max(500, settings.failoverTimeMs / 4),
  });
  const { applicationName, tableName } = settings;
  return {
    kinesis,
    leaseStore: new DynamoDBLeaseStore({ ...options, tableName, dynamodb, system, onEvent }),
    coordinatorStore: new DynamoDBCoordinatorStore({ dynamodb, applicationName, tableName }),
  };
}

function regionOf(region: string | undefined): string {
  if (region !== undefined && region !== "") return region;
  throw new TypeError(
    'Cannot start worker: expected region to be set, e.g. "eu-central-1": got none, neither as an option nor in streamArn',
  );
}

function credentialsOf(
  credentials: Credentials | CredentialsProvider | undefined,
): Credentials | CredentialsProvider {
  if (credentials !== undefined) return credentials;
  throw new TypeError(
    "Cannot start worker: expected credentials, as keys or as a function that gives them: got none",
  );
}
