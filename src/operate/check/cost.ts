// Pure.
/**
 * Estimates what a fleet at rest asks of DynamoDB, and what a month of it costs: for shards without records,
 * so that no checkpoint stands in for a renewal. docs/failover.md has measured counts, which a test compares.
 *
 * @module
 */

import { lookMs } from "../../lease/shared_looks.ts";
import { restingDiscoveryMs, restMs } from "../../lease/solitude.ts";
import { METRICS_REPORT_INTERVAL_S } from "../../lease/live_workers.ts";
import { SMALL_TABLE_ITEMS } from "../../store/table_listing.ts";

/** A fleet, as it costs. */
export interface CostedFleet {
  readonly workers: number;
  /** Shards that are read, each with a lease. */
  readonly shards: number;
  readonly failoverTimeMs: number;
  readonly leaseDiscoveryIntervalMs: number;
  readonly leaseAssignmentIntervalMs: number;
  readonly billingMode: "PAY_PER_REQUEST" | { readonly readCapacity: number; readonly writeCapacity: number };
  /** Shards that a registered consumer is charged for by the hour: 0 when polling, or on demand. */
  readonly fanOutShards: number;
}

/** Requests an hour of the whole fleet, by their purpose. */
export interface RequestsPerHour {
  readonly renewals: number;
  /** Of the leader's lock, and of the workers' reports. */
  readonly heartbeats: number;
  /** Of the index. */
  readonly discovery: number;
  /** Of the whole table: the leader's, or of each worker where the table is small. */
  readonly scans: number;
  readonly lockLooks: number;
}

/** The estimate. */
export interface CostEstimate {
  readonly requestsPerHour: RequestsPerHour;
  readonly requestsPerShardHour: number;
  readonly writeUnitsPerHour: number;
  readonly readUnitsPerHour: number;
  /** Dollars a month, at list prices. */
  readonly dynamoDBDollars: number;
  readonly fanOutDollars: number;
}

/** Prices in dollars. */
export interface Prices {
  /** When they were last compared with the pages that name them. */
  readonly dated: string;
  readonly region: string;
  /** On demand. */
  readonly writeUnit: number;
  readonly readUnit: number;
  readonly writeCapacityUnitHour: number;
  readonly readCapacityUnitHour: number;
  /** For each shard of a registered consumer, where the stream is provisioned. */
  readonly consumerShardHour: number;
}

/**
 * List prices of us-east-1 in dollars, of 2025. Other regions cost up to twice as much.
 *
 * Source: aws.amazon.com/dynamodb/pricing/on-demand, aws.amazon.com/dynamodb/pricing/provisioned,
 * aws.amazon.com/kinesis/data-streams/pricing.
 */
export const PRICES: Prices = {
  dated: "2025",
  region: "us-east-1",
  writeUnit: 0.625 / 1_000_000,
  readUnit: 0.125 / 1_000_000,
  writeCapacityUnitHour: 0.00065,
  readCapacityUnitHour: 0.00013,
  consumerShardHour: 0.015,
};

/** A twelfth of a year. */
export const HOURS_A_MONTH = 730;

const MS_AN_HOUR = 3_600_000;

/** How many times a lease is renewed in one failover time. Source: `worker/lease_keeper.ts`. */
const RENEWALS_PER_FAILOVER = 3;

/** How many times the leader's lock is renewed in it. Source: `fleet/fleet_member.ts`, as the three below. */
const HEARTBEATS_PER_FAILOVER = 5;
/** The same while several workers share a small table. */
const CALM_HEARTBEATS_PER_FAILOVER = 4;
/** Workers that look twice in a heartbeat, ready to lead: up to eight, see `lease/deputies.ts`. */
const DEPUTIES = 6;
/** All others look once in this number of heartbeats. */
const HEARTBEATS_PER_LOOK = 2;

/** Of a lease, and of a worker's report, in bytes. A scan is charged by the bytes of the whole table. */
const LEASE_BYTES = 250, REPORT_BYTES = 1024;

/** What half a unit reads, eventually consistent; and what a small table holds. */
const SCAN_STEP_BYTES = 4096, SMALL_TABLE_BYTES = 8192;
/** Of the leader's lock and of the fleet's format. */
const OTHER_ITEMS = 2;

/** Estimates. */
export function costEstimate(fleet: CostedFleet): CostEstimate {
  const { workers, shards, failoverTimeMs, billingMode, fanOutShards } = fleet;
  const requestsPerHour: RequestsPerHour = {
    renewals: shards * MS_AN_HOUR * RENEWALS_PER_FAILOVER / failoverTimeMs,
    heartbeats: heartbeatsOf(fleet) + workers * MS_AN_HOUR / (METRICS_REPORT_INTERVAL_S * 1000),
    ...looksOf(fleet),
  };
  const scanUnits = Math.ceil(tableBytes(fleet) / SCAN_STEP_BYTES) / 2;
  const writeUnitsPerHour = requestsPerHour.renewals + requestsPerHour.heartbeats;
  const readUnitsPerHour = (requestsPerHour.discovery + requestsPerHour.lockLooks) / 2 +
    requestsPerHour.scans * scanUnits;
  const all = Object.values(requestsPerHour).reduce((sum, count) => sum + count, 0);
  const hourly = billingMode === "PAY_PER_REQUEST"
    ? writeUnitsPerHour * PRICES.writeUnit + readUnitsPerHour * PRICES.readUnit
    // The index has the same capacity as the table.
    : 2 * (billingMode.writeCapacity * PRICES.writeCapacityUnitHour +
      billingMode.readCapacity * PRICES.readCapacityUnitHour);
  return {
    requestsPerHour,
    requestsPerShardHour: shards === 0 ? 0 : all / shards,
    writeUnitsPerHour,
    readUnitsPerHour,
    dynamoDBDollars: hourly * HOURS_A_MONTH,
    fanOutDollars: fanOutShards * PRICES.consumerShardHour * HOURS_A_MONTH,
  };
}

function tableBytes({ workers, shards }: CostedFleet): number {
  return shards * LEASE_BYTES + workers * REPORT_BYTES;
}

/** Whether one look at the table serves a whole worker. */
function isSmall(fleet: CostedFleet): boolean {
  return fleet.shards + fleet.workers + OTHER_ITEMS < SMALL_TABLE_ITEMS &&
    tableBytes(fleet) <= SMALL_TABLE_BYTES;
}

/** Renewals of the leader's lock in an hour. */
function heartbeatsOf(fleet: CostedFleet): number {
  const isCalm = fleet.workers > 1 && isSmall(fleet);
  const perFailover = isCalm ? CALM_HEARTBEATS_PER_FAILOVER : HEARTBEATS_PER_FAILOVER;
  return MS_AN_HOUR * perFailover / fleet.failoverTimeMs;
}

/** What is read in an hour. */
function looksOf(fleet: CostedFleet): Pick<RequestsPerHour, "discovery" | "scans" | "lockLooks"> {
  const { workers, failoverTimeMs, leaseDiscoveryIntervalMs, leaseAssignmentIntervalMs } = fleet;
  const others = Math.max(0, workers - 1);
  const heartbeats = heartbeatsOf(fleet);
  if (others === 0) {
    // It rests: see `lease/solitude.ts`.
    const rule = { failoverTimeMs, leaseAssignmentIntervalMs, leaseAuditIntervalMs: failoverTimeMs };
    const discoveryMs = restingDiscoveryMs(failoverTimeMs, leaseDiscoveryIntervalMs);
    return {
      discovery: isSmall(fleet) ? 0 : workers * MS_AN_HOUR / discoveryMs,
      scans: MS_AN_HOUR / restMs(rule),
      lockLooks: 0,
    };
  }
  if (isSmall(fleet)) {
    const lockLookMs = failoverTimeMs / HEARTBEATS_PER_FAILOVER / 2;
    const rule = { leaseDiscoveryIntervalMs, leaseAssignmentIntervalMs, lockLookMs };
    const looks = (isLeading: boolean) => MS_AN_HOUR / lookMs(rule, { isLeading, isSettled: true });
    return { discovery: 0, scans: looks(true) + others * looks(false), lockLooks: 0 };
  }
  const deputies = Math.min(others, DEPUTIES);
  return {
    discovery: workers * MS_AN_HOUR / leaseDiscoveryIntervalMs,
    scans: MS_AN_HOUR / leaseAssignmentIntervalMs,
    lockLooks: 2 * deputies * heartbeats + (others - deputies) * heartbeats / HEARTBEATS_PER_LOOK,
  };
}
