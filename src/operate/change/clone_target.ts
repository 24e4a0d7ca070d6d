/**
 * The lease table of a clone: it must be free. It may also hold a part of the same clone, which ended
 * half-way.
 *
 * @module
 */

import type { TableDescription } from "../../aws/dynamodb.ts";
import { LeaseTableError } from "../../errors.ts";
import type { Lease } from "../../lease/lease.ts";
import { isAtPosition } from "../../lease/reset_lease.ts";
import { newClientVersion } from "../../lease/table_format.ts";
import { DynamoDBCoordinatorStore } from "../../store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../../store/dynamodb_lease_store.ts";
import { keyProblem, statusProblem } from "../../store/lease_table.ts";
import type { FleetAccess } from "../fleet_access.ts";
import { missingAction } from "../look_failure.ts";
import { lookAtTable, type LookOptions } from "../table_look.ts";
import type { LeaseChange } from "./reset_plan.ts";
import { signsOfLife } from "./signs_of_life.ts";

/** What is there under the new name. */
export interface CloneTarget {
  /** Undefined: there is no table yet. */
  readonly description: TableDescription | undefined;
  readonly leases: readonly Lease[];
}

/** How a new table is billed. */
export type Billing = "PAY_PER_REQUEST" | { readonly readCapacity: number; readonly writeCapacity: number };

/**
 * Looks at the new name. @throws {Error} when a table is there that cannot be used, or that workers use.
 */
export async function lookAtTarget(
  fleet: FleetAccess,
  as: string,
  options: LookOptions,
  signal: AbortSignal,
): Promise<CloneTarget> {
  if (as === fleet.tableName || as === fleet.applicationName) {
    throw new Error(
      `Cannot clone to "${as}": expected another name: got the application that is copied: name the copy with --as`,
    );
  }
  const { dynamodb } = fleet;
  const coordinatorStore = coordinatorOf(fleet, as);
  const [found, isLegacy] = await permitted("look for its tables", async () => [
    await dynamodb.describeTable(as, signal),
    await coordinatorStore.legacyTableExists(signal),
  ]);
  if (isLegacy) throw refused(as, `table "${as}-CoordinatorState" of KCL 3.0 to 3.4`);
  if (found === undefined) return { description: undefined, leases: [] };
  const problem = keyProblem(found) ?? statusProblem(found);
  if (problem !== undefined) throw new LeaseTableError(problem);
  const target: FleetAccess = {
    ...fleet,
    applicationName: as,
    tableName: as,
    coordinatorStore,
  };
  const look = await permitted("read its table", async () => {
    const look = await lookAtTable(target, options, signal);
    const failure = look.failures.find(({ part }) => part === "leases");
    if (failure !== undefined) throw failure.error;
    return look;
  });
  const [worker] = signsOfLife(undefined, look).reports;
  if (worker !== undefined) throw refused(as, `worker "${worker.workerId}" at work on it`);
  if (look.unreadable.length > 0) throw refused(as, "one with leases that cannot be read");
  return { description: found, leases: look.leases };
}

/** As the table that is copied is billed. @param like Undefined where it may not be described. */
export function billingLike(like: TableDescription | undefined): Billing {
  const throughput = like?.billingMode === "PROVISIONED" ? like.provisionedThroughput : undefined;
  return throughput === undefined
    ? "PAY_PER_REQUEST"
    : { readCapacity: throughput.read, writeCapacity: throughput.write };
}

/**
 * Makes the table, if it is not there, and waits until it can be used. It gets its mark of KCL 3 before any
 * lease: without one, workers take a table of leases for that of KCL 2, and refuse it.
 */
export async function openTarget(
  fleet: Pick<FleetAccess, "dynamodb" | "system">,
  tableName: string,
  billingMode: Billing,
  signal: AbortSignal,
): Promise<DynamoDBLeaseStore> {
  const leaseStore = new DynamoDBLeaseStore({ ...fleet, tableName, billingMode });
  await permitted("make its table", () => leaseStore.ensureTable(signal));
  const mark = newClientVersion("kclite clone", fleet.system.clock.epochMs());
  await permitted(
    "write into its table",
    () => coordinatorOf(fleet, tableName).createMigration("leaseTable", mark, signal),
  );
  return leaseStore;
}

/**
 * What is still to be made. A lease that is there in full stays; one of which a part is missing is completed.
 *
 * @throws {Error} when a lease there is not of this plan.
 */
export function remaining(
  as: string,
  changes: readonly LeaseChange[],
  there: readonly Lease[],
): readonly LeaseChange[] {
  if (there.length === 0) return changes;
  const left = new Map(there.map((lease) => [lease.leaseKey, lease]));
  const rest = changes.map((change): LeaseChange => {
    const { leaseKey } = change.lease;
    const lease = left.get(leaseKey);
    if (lease === undefined || change.type !== "create") return change;
    left.delete(leaseKey);
    if (isWhole(lease, change)) return { type: "keep", lease, reason: "same" };
    if (isBegun(lease, change)) return change;
    throw refused(as, `lease "${leaseKey}" at another position`);
  });
  const [other] = left.keys();
  if (other !== undefined) throw refused(as, `lease "${other}", which is not of this plan`);
  return rest;
}

function coordinatorOf({ dynamodb }: Pick<FleetAccess, "dynamodb">, as: string): DynamoDBCoordinatorStore {
  return new DynamoDBCoordinatorStore({ dynamodb, applicationName: as, tableName: as });
}

type Creation = Extract<LeaseChange, { readonly type: "create" }>;

function isWhole(found: Lease, { lease, then }: Creation): boolean {
  const { checkpoint, latestEpochMs } = lease;
  const to = then ?? { checkpoint, latestEpochMs };
  return isFree(found) && isAtPosition(found, to) &&
    areSame(found.childShardIds, to.childShardIds ?? []);
}

/** The lease was made, and what no new lease has was not. */
function isBegun(found: Lease, { lease: { checkpoint, latestEpochMs } }: Creation): boolean {
  return isFree(found) && found.leaseCounter === 0 && found.childShardIds.length === 0 &&
    isAtPosition(found, { checkpoint, latestEpochMs });
}

function isFree({ leaseOwner, checkpointOwner }: Lease): boolean {
  return leaseOwner === undefined && checkpointOwner === undefined;
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}

function refused(as: string, got: string): Error {
  return new Error(
    `Cannot clone to "${as}": expected no table, or one without leases: got ${got}: choose another name, ` +
      `or delete table "${as}" if nobody needs it`,
  );
}

/** @throws {Error} that names the IAM action, when it is refused. */
async function permitted<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const action = missingAction(error);
    if (action === undefined) throw error;
    throw new Error(`Cannot clone: expected to be allowed to ${what}: got a refusal: allow ${action}`, {
      cause: error,
    });
  }
}
