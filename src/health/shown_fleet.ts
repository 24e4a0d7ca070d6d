/**
 * The fleet that a worker is part of, for the page of the health app: its lease table, opened as the worker
 * opens it, and looked at only while somebody has the page open.
 *
 * @module
 */

import { keptCredentials } from "../aws/credential_sources/given.ts";
import { parseStreamArn } from "../aws/endpoint.ts";
import { openFleetAccess } from "../operate/open_access.ts";
import { lookAtStores, lookAtTable } from "../operate/table_look.ts";
import type { WorkerOptions } from "../options/options.ts";
import { type Clock, realSystem, withFetch } from "../system.ts";
import { type FleetLook, FleetWatch } from "./fleet_watch.ts";

/** What of a worker's options names its fleet, and opens its table. */
export type FleetOptions = Pick<
  WorkerOptions,
  | "applicationName"
  | "tableName"
  | "streamName"
  | "streamArn"
  | "streams"
  | "region"
  | "credentials"
  | "dynamoDBCredentials"
  | "dynamoDBRegion"
  | "dynamoDBEndpoint"
  | "failoverTimeMs"
  | "leaseStore"
  | "coordinatorStore"
  | "system"
  | "fetch"
>;

/** A fleet. Of no use but for `healthApp()`. */
export interface Fleet extends AsyncDisposable {
  /** The application. */
  readonly applicationName: string;
  /** Its lease table. */
  readonly tableName: string;
  /** Undefined where stores were given, and no region. */
  readonly region: string | undefined;
  /** @ignore */
  readonly clock: Clock;
  /** @ignore */
  readonly watch: FleetWatch;
  /** Ends a look under way, and all others. */
  close(): Promise<void>;
}

function fleetOver(
  options: Pick<FleetOptions, "applicationName" | "tableName" | "failoverTimeMs">,
  { region, clock, look }: {
    readonly region: string | undefined;
    readonly clock: Clock;
    readonly look: FleetLook;
  },
): Fleet {
  const { applicationName, tableName = applicationName, failoverTimeMs = FAILOVER_MS } = options;
  const watch = new FleetWatch({ look, clock, failoverTimeMs });
  const close = () => watch.close();
  return { applicationName, tableName, region, clock, watch, close, [Symbol.asyncDispose]: close };
}

/** KCL's default. Source: KCL 3.5.1, `LeaseManagementConfig`. */
const FAILOVER_MS = 10_000;

/** A look reads one part of the table after the other: a fleet must not feel that a page is open. */
const SEGMENTS = 1;

/** A throttled look fails soon, and the next one waits longer. */
const PATIENCE = 3;

/**
 * The fleet of a worker with these options; give it the very same. It asks AWS for nothing by itself.
 *
 * @throws {TypeError} when a region or credentials are missing, or an endpoint is none.
 */
export function fleetOf(options: FleetOptions): Fleet {
  const { applicationName, tableName = applicationName, leaseStore, coordinatorStore } = options;
  const system = withFetch(options.system ?? realSystem, options.fetch);
  const { clock } = system;
  const region = options.region ?? regionInArns(options);
  if (leaseStore !== undefined && coordinatorStore !== undefined) {
    const stores = { tableName, leaseStore, coordinatorStore, system };
    return fleetOver(options, { region, clock, look: (_, signal) => lookAtStores(stores, signal) });
  }
  if (region === undefined || region === "") throw missing('region to be set, e.g. "eu-central-1"');
  const { credentials, dynamoDBCredentials = credentials } = options;
  if (dynamoDBCredentials === undefined) {
    throw missing("credentials, as keys or as a function that gives them");
  }
  const surroundings = { system, onEvent: () => {} };
  const access = openFleetAccess({
    applicationName,
    tableName,
    region,
    credentials: keptCredentials(dynamoDBCredentials, "the option credentials", surroundings),
    dynamoDBRegion: options.dynamoDBRegion,
    dynamoDBEndpoint: options.dynamoDBEndpoint,
    system,
  });
  const look: FleetLook = (known, signal) =>
    lookAtTable(access, { known, segments: SEGMENTS, patience: PATIENCE }, signal);
  return fleetOver(options, { region, clock, look });
}

function missing(what: string): TypeError {
  return new TypeError(`Cannot show the fleet: expected ${what}: got none: give the options of the worker`);
}

function regionInArns({ streamArn, streams }: FleetOptions): string | undefined {
  const list = Array.isArray(streams) ? streams : [];
  const arns = list.map((stream) => typeof stream === "string" ? stream : stream.streamArn);
  const arn = [streamArn, ...arns].find((text) => text?.startsWith("arn:"));
  return arn === undefined ? undefined : parseStreamArn(arn).region;
}
