/**
 * The operations of DynamoDB on tables: made, described, changed, dropped, tagged.
 *
 * @module
 */

import { ApiError, invalid } from "../api_error.ts";
import type { EmulatedTable, EmulatedTables } from "./tables.ts";
import type { Input } from "../input.ts";
import type { Operations } from "../operation.ts";
import { definitionsOf, throughputOf } from "./table_definition.ts";

/** The quotas of an account that has asked for no others. Source: "Quotas" of the DynamoDB documentation. */
const ACCOUNT_LIMITS = {
  AccountMaxReadCapacityUnits: 80_000,
  AccountMaxWriteCapacityUnits: 80_000,
  TableMaxReadCapacityUnits: 40_000,
  TableMaxWriteCapacityUnits: 40_000,
} as const;

/** The operations, over some tables. */
export function tableOperations(tables: EmulatedTables): Operations {
  return {
    CreateTable: ({ input }) => ({ TableDescription: tables.create(input).description() }),
    DescribeTable: ({ input }) => ({ Table: tables.any(input).description() }),

    ListTables({ input }) {
      const limit = input.integer("Limit", 1, 100) ?? 100;
      const after = input.text("ExclusiveStartTableName") ?? "";
      const rest = tables.all().map(({ name }) => name).filter((name) => name > after);
      const page = rest.slice(0, limit);
      return { TableNames: page, ...(rest.length > limit ? { LastEvaluatedTableName: page.at(-1) } : {}) };
    },

    DescribeLimits: () => ACCOUNT_LIMITS,

    UpdateTable({ input }) {
      const table = activeTable(tables, input);
      change(table, input);
      table.life.change("UPDATING");
      return { TableDescription: table.description() };
    },

    DeleteTable({ input }) {
      const table = activeTable(tables, input);
      if (table.isProtected) {
        throw invalid(
          "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
        );
      }
      table.life.change("DELETING");
      return { TableDescription: table.description() };
    },

    UpdateContinuousBackups({ input }) {
      const table = tables.any(input);
      const wanted = input.requiredMap("PointInTimeRecoverySpecification");
      table.isRecoverable = wanted.boolean("PointInTimeRecoveryEnabled") ?? false;
      return { ContinuousBackupsDescription: backupsOf(table) };
    },
    DescribeContinuousBackups: ({ input }) => ({
      ContinuousBackupsDescription: backupsOf(tables.any(input)),
    }),
    DescribeTimeToLive: ({ input }) => {
      tables.any(input);
      return { TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" } };
    },

    TagResource({ input }) {
      const { tags } = tables.any(input);
      for (const tag of input.maps("Tags")) tags.set(tag.requiredText("Key"), tag.text("Value") ?? "");
    },
    UntagResource({ input }) {
      const { tags } = tables.any(input);
      for (const name of input.texts("TagKeys")) tags.delete(name);
    },
    ListTagsOfResource: ({ input }) => ({
      Tags: [...tables.any(input).tags].map(([Key, Value]) => ({ Key, Value })),
    }),
  };
}

function change(table: EmulatedTable, input: Input): void {
  for (const [name, type] of definitionsOf(input)) table.types.set(name, type);
  if (input.has("BillingMode") || input.has("ProvisionedThroughput")) {
    table.throughput = throughputOf(
      input,
      table.throughput === undefined ? "PAY_PER_REQUEST" : "PROVISIONED",
    );
  }
  table.isProtected = input.boolean("DeletionProtectionEnabled") ?? table.isProtected;
  table.changeStream(input);
  for (const update of input.maps("GlobalSecondaryIndexUpdates")) {
    const created = update.map("Create"), deleted = update.map("Delete");
    if (created !== undefined) table.addIndex(created, false);
    if (deleted === undefined) continue;
    const index = table.indexes.get(deleted.requiredText("IndexName"));
    if (index === undefined) throw new ApiError("ResourceNotFoundException", "Requested resource not found");
    index.life.change("DELETING");
  }
}

function activeTable(tables: EmulatedTables, input: Input): EmulatedTable {
  const table = tables.any(input);
  const { status } = table.life;
  if (status === "ACTIVE") return table;
  throw new ApiError(
    "ResourceInUseException",
    `Attempt to change a resource which is still in use: Table is being ${
      status === "CREATING" ? "created" : status === "DELETING" ? "deleted" : "updated"
    }: ${table.name}`,
  );
}

function backupsOf({ isRecoverable }: EmulatedTable): unknown {
  return {
    ContinuousBackupsStatus: "ENABLED",
    PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: isRecoverable ? "ENABLED" : "DISABLED" },
  };
}
