/**
 * The state that is kept next to the leases, on DynamoDB: in the lease table, or in the two tables of KCL 3.0
 * to 3.4. Those have the application's name even if the lease table has another. They are never created here:
 * KCL 3.5 decides a fleet's format by whether they exist, so a table created by mistake would split a fleet.
 *
 * Source: KCL 3.5.1, `CoordinatorConfig` and `TableMigrationStateMachineImpl`.
 *
 * @module
 */

import type { DynamoDB } from "../aws/dynamodb.ts";
import { DynamoDBTable } from "./dynamodb_table.ts";
import { ItemCoordinatorStore } from "./item_coordinator_store.ts";
import { LEASE_KEY } from "./lease_item.ts";

/** Options of {@linkcode DynamoDBCoordinatorStore}. */
export interface DynamoDBCoordinatorStoreOptions {
  readonly dynamodb: DynamoDB;
  readonly applicationName: string;
  /** The lease table. */
  readonly tableName: string;
}

/** `CoordinatorStore` on DynamoDB. */
export class DynamoDBCoordinatorStore extends ItemCoordinatorStore {
  constructor({ dynamodb, applicationName, tableName }: DynamoDBCoordinatorStoreOptions) {
    super({
      leaseTable: new DynamoDBTable(dynamodb, tableName, LEASE_KEY),
      legacyCoordinatorState: new DynamoDBTable(dynamodb, `${applicationName}-CoordinatorState`, "key"),
      legacyWorkerMetrics: new DynamoDBTable(dynamodb, `${applicationName}-WorkerMetricStats`, "wid"),
    });
  }
}
