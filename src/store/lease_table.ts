// Pure.
/**
 * The definition of the lease table for AWS, and what is wrong with a table that was found. The index is part
 * of CreateTable, where Java adds it afterwards. It is found by name alone, and a new application starts
 * minutes sooner.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseRefresher` and `DdbTableConfig`.
 *
 * @module
 */

import type { TableDescription } from "../aws/dynamodb.ts";
import { LEASE_KEY } from "./lease_item.ts";

/** The index from owner to lease keys, by the name that Java looks for. */
export const OWNER_INDEX = "LeaseOwnerToLeaseKeyIndex";

/** What a lease table is created with; the names are those of the worker's options. */
export interface LeaseTableOptions {
  readonly tableName: string;
  /** @default {"PAY_PER_REQUEST"} */
  readonly billingMode?:
    | "PAY_PER_REQUEST"
    | { readonly readCapacity: number; readonly writeCapacity: number }
    | undefined;
  /** @default {false} */
  readonly leaseTableDeletionProtectionEnabled?: boolean | undefined;
  readonly leaseTableTags?: Readonly<Record<string, string>> | undefined;
}

/** The body of CreateTable. */
export function createTableInput(options: LeaseTableOptions): Readonly<Record<string, unknown>> {
  const { tableName, billingMode = "PAY_PER_REQUEST" } = options;
  const isOnDemand = billingMode === "PAY_PER_REQUEST";
  const throughput = isOnDemand
    ? {}
    : provisioned({ read: billingMode.readCapacity, write: billingMode.writeCapacity });
  const tags = Object.entries(options.leaseTableTags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  return {
    TableName: tableName,
    KeySchema: [{ AttributeName: LEASE_KEY, KeyType: "HASH" }],
    AttributeDefinitions: ATTRIBUTE_DEFINITIONS,
    BillingMode: isOnDemand ? "PAY_PER_REQUEST" : "PROVISIONED",
    ...throughput,
    GlobalSecondaryIndexes: [{ ...OWNER_INDEX_DEFINITION, ...throughput }],
    ...(options.leaseTableDeletionProtectionEnabled ? { DeletionProtectionEnabled: true } : {}),
    ...(tags.length === 0 ? {} : { Tags: tags }),
  };
}

/** The body of the UpdateTable that adds the index; it gets the table's own throughput, as in Java. */
export function addIndexInput(table: TableDescription): Readonly<Record<string, unknown>> {
  const { provisionedThroughput: throughput } = table;
  return {
    TableName: table.tableName,
    AttributeDefinitions: ATTRIBUTE_DEFINITIONS,
    GlobalSecondaryIndexUpdates: [{
      Create: { ...OWNER_INDEX_DEFINITION, ...(throughput === undefined ? {} : provisioned(throughput)) },
    }],
  };
}

/** Why the table cannot hold leases, or undefined when its key is right. */
export function keyProblem({ tableName, keySchema }: TableDescription): string | undefined {
  const keys = keySchema.map((key) => key.attributeName);
  if (keys.length === 1 && keys[0] === LEASE_KEY) return undefined;
  return `Cannot use lease table "${tableName}": its key is ${
    keys.map((key) => `"${key}"`).join(" with ")
  }, expected "${LEASE_KEY}": delete the table or set tableName`;
}

/**
 * Why waiting for the table is of no use, with what to do; undefined while waiting may make it usable.
 *
 * Source: DynamoDB API reference, `TableDescription`, `TableStatus`.
 */
export function statusProblem({ tableName, tableStatus }: TableDescription): string | undefined {
  const mend = MENDS.get(tableStatus);
  return mend === undefined
    ? undefined
    : `Cannot use lease table "${tableName}": expected status ACTIVE: got ${tableStatus}: ${mend}`;
}

const RESTORE =
  "DynamoDB archives a table whose KMS key it cannot use for seven days: restore the backup that it made, " +
  "or set another tableName, which starts over from initialPositionInStream";

const MENDS: ReadonlyMap<string, string> = new Map([
  ["ARCHIVING", RESTORE],
  ["ARCHIVED", RESTORE],
  [
    "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
    "DynamoDB cannot use the table's KMS key: enable the key, or allow it in the key's policy, within seven days, or the " +
    "table is archived; then start again",
  ],
]);

/** Whether leases can be read and written. A table being changed can. */
export function isUsable({ tableStatus }: TableDescription): boolean {
  return tableStatus === "ACTIVE" || tableStatus === "UPDATING";
}

/**
 * In how many parallel segments to scan a table of this size: one for each 0.2 GiB, from 1 to 32.
 *
 * Source: KCL 3.5.1, `LeaseTableScanSegmentResolver`.
 */
export function scanSegments(tableSizeBytes: number): number {
  return Math.min(32, Math.max(1, Math.ceil(tableSizeBytes / (0.2 * 1024 ** 3))));
}

const ATTRIBUTE_DEFINITIONS = [
  { AttributeName: LEASE_KEY, AttributeType: "S" },
  { AttributeName: "leaseOwner", AttributeType: "S" },
];

const OWNER_INDEX_DEFINITION = {
  IndexName: OWNER_INDEX,
  KeySchema: [
    { AttributeName: "leaseOwner", KeyType: "HASH" },
    { AttributeName: LEASE_KEY, KeyType: "RANGE" },
  ],
  Projection: { ProjectionType: "KEYS_ONLY" },
};

function provisioned(
  throughput: { readonly read: number; readonly write: number },
): Readonly<Record<string, unknown>> {
  return {
    ProvisionedThroughput: {
      ReadCapacityUnits: throughput.read,
      WriteCapacityUnits: throughput.write,
    },
  };
}
