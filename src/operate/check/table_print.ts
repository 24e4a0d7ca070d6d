// Pure.
/**
 * What to create before the first start: the lease table and a policy, as Terraform, as a policy document, or
 * as the bodies of AWS's calls.
 *
 * @module
 */

import { createTableInput, OWNER_INDEX } from "../../store/lease_table.ts";
import { LEASE_KEY } from "../../store/lease_item.ts";
import { type Permission, policyJson, workerPermissions } from "./permissions.ts";
import type { WorkerSetup } from "./worker_setup.ts";

/** How it is printed. */
export type PrintFormat = "terraform" | "iam" | "json";

/** The text, without a line break at its end. */
export function printedTable(setup: WorkerSetup, format: PrintFormat, accountId: string | undefined): string {
  const permissions = workerPermissions(setup, { accountId, isTableThere: true });
  switch (format) {
    case "iam":
      return policyJson(permissions);
    case "json":
      return JSON.stringify(
        {
          createTable: createTableInput(setup),
          // PITR cannot be part of CreateTable.
          ...(setup.leaseTablePitrEnabled
            ? {
              updateContinuousBackups: {
                TableName: setup.tableName,
                PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
              },
            }
            : {}),
        },
        undefined,
        2,
      );
    case "terraform":
      return terraform(setup, permissions);
  }
}

function terraform(setup: WorkerSetup, permissions: readonly Permission[]): string {
  return `${tableBlock(setup)}\n\n${policyBlock(setup, permissions)}`;
}

function tableBlock(setup: WorkerSetup): string {
  const { tableName, billingMode = "PAY_PER_REQUEST", leaseTableTags = {} } = setup;
  const capacity = billingMode === "PAY_PER_REQUEST" ? [] : [
    ["read_capacity", `${billingMode.readCapacity}`],
    ["write_capacity", `${billingMode.writeCapacity}`],
  ] as const;
  const tags = Object.entries(leaseTableTags).map(([key, value]) => [quoted(key), quoted(value)] as const);
  return [
    "# Leases, checkpoints, the leader's lock and the workers' reports: all of it is in this one table.",
    'resource "aws_dynamodb_table" "leases" {',
    ...aligned([
      ["name", quoted(tableName)],
      ["billing_mode", quoted(billingMode === "PAY_PER_REQUEST" ? billingMode : "PROVISIONED")],
      ...capacity,
      ["hash_key", quoted(LEASE_KEY)],
    ], 2),
    "",
    ...attribute(LEASE_KEY),
    "",
    ...attribute("leaseOwner"),
    "",
    "  global_secondary_index {",
    ...aligned([
      ["name", quoted(OWNER_INDEX)],
      ["hash_key", quoted("leaseOwner")],
      ["range_key", quoted(LEASE_KEY)],
      ["projection_type", quoted("KEYS_ONLY")],
      ...capacity,
    ], 4),
    "  }",
    "",
    "  # Without the table every shard would be read again from initialPositionInStream.",
    "  deletion_protection_enabled = true",
    ...(setup.leaseTablePitrEnabled ? ["", "  point_in_time_recovery {", "    enabled = true", "  }"] : []),
    ...(tags.length === 0 ? [] : ["", "  tags = {", ...aligned(tags, 4), "  }"]),
    "}",
  ].join("\n");
}

function attribute(name: string): string[] {
  return ["  attribute {", ...aligned([["name", quoted(name)], ["type", quoted("S")]], 4), "  }"];
}

function policyBlock({ applicationName }: WorkerSetup, permissions: readonly Permission[]): string {
  const statements = permissions.flatMap(({ sid, actions, resources, condition }) => [
    "",
    "  statement {",
    `    sid = ${quoted(sid)}`,
    `    actions = [`,
    ...actions.map((action) => `      ${quoted(action)},`),
    "    ]",
    `    resources = [`,
    ...resources.map((resource) => `      ${quoted(resource)},`),
    "    ]",
    ...Object.entries(condition ?? {}).flatMap(([test, entries]) =>
      Object.entries(entries).flatMap(([variable, value]) => [
        "",
        "    condition {",
        ...aligned(
          [["test", quoted(test)], ["variable", quoted(variable)], ["values", `[${quoted(value)}]`]],
          6,
        ),
        "    }",
      ])
    ),
    "  }",
  ]);
  return [
    "# The least that a worker needs, once the table is there.",
    'data "aws_iam_policy_document" "worker" {',
    ...statements.slice(1),
    "}",
    "",
    'resource "aws_iam_policy" "worker" {',
    ...aligned([["name", quoted(`kclite-${applicationName}`)], [
      "policy",
      "data.aws_iam_policy_document.worker.json",
    ]], 2),
    "}",
  ].join("\n");
}

/** Attributes as `terraform fmt` lays them out. */
function aligned(
  attributes: readonly (readonly [name: string, value: string])[],
  indentation: number,
): string[] {
  const width = Math.max(...attributes.map(([name]) => name.length));
  return attributes.map(([name, value]) => `${" ".repeat(indentation)}${name.padEnd(width)} = ${value}`);
}

/** A text of HCL: `${` and `%{` would begin an expression, and it knows fewer escapes than JSON. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/\\.|\$\{|%\{/g, (part) => ESCAPES.get(part) ?? part);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["${", "$${"],
  ["%{", "%%{"],
  ["\\b", "\\u0008"],
  ["\\f", "\\u000c"],
]);
