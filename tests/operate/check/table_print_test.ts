/** `src/operate/check/table_print.ts`: the table and the policy, as Terraform and as JSON. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { policyJson, workerPermissions } from "../../../src/operate/check/permissions.ts";
import { printedTable } from "../../../src/operate/check/table_print.ts";
import type { WorkerSetup } from "../../../src/operate/check/worker_setup.ts";
import { createTableInput } from "../../../src/store/lease_table.ts";
import { type Block, blocksOf, texts } from "../../support/terraform.ts";
import { canRun, runCommand } from "../../support/command.ts";
import { setupOf } from "./fixtures.ts";

const SETUPS: Readonly<Record<string, Partial<WorkerSetup>>> = {
  "defaults": {},
  "fan-out, metrics, many streams": {
    retrievalMode: "FANOUT",
    metricsNamespace: "app",
    isMany: true,
    streams: ["orders", "clicks"].map((streamName) => ({ streamName, streamArn: undefined })),
  },
  "provisioned, with tags and backups": {
    billingMode: { readCapacity: 7, writeCapacity: 9 },
    leaseTableTags: { "team name": "orders", env: "prod" },
    leaseTablePitrEnabled: true,
  },
};

function block(blocks: readonly Block[], head: string): Block {
  const found = blocks.find((block) => block.head === head);
  assert(found !== undefined, `a block ${head}`);
  return found;
}

for (const [name, more] of Object.entries(SETUPS)) {
  const setup = setupOf(more);
  const blocks = blocksOf(printedTable(setup, "terraform", "123456789012"));

  Deno.test(`printedTable() has the table of createTableInput() as Terraform: ${name}`, () => {
    const { attributes, blocks: parts } = block(blocks, 'resource "aws_dynamodb_table" "leases"');
    const index = block(parts, "global_secondary_index").attributes;
    const one = (of: ReadonlyMap<string, string>, key: string) => texts(of.get(key))[0];
    const throughput = (of: ReadonlyMap<string, string>) =>
      of.has("read_capacity")
        ? {
          ProvisionedThroughput: {
            ReadCapacityUnits: Number(of.get("read_capacity")),
            WriteCapacityUnits: Number(of.get("write_capacity")),
          },
        }
        : {};
    const tags = [...(attributes.get("tags") ?? "").matchAll(/"([^"]*)"\s+= "([^"]*)"/g)].map((
      [, Key, Value],
    ) => ({ Key, Value }));
    assertEquals<unknown>({
      TableName: one(attributes, "name"),
      KeySchema: [{ AttributeName: one(attributes, "hash_key"), KeyType: "HASH" }],
      AttributeDefinitions: parts.filter(({ head }) => head === "attribute").map(({ attributes }) => ({
        AttributeName: one(attributes, "name"),
        AttributeType: one(attributes, "type"),
      })),
      BillingMode: one(attributes, "billing_mode"),
      ...throughput(attributes),
      GlobalSecondaryIndexes: [{
        IndexName: one(index, "name"),
        KeySchema: [
          { AttributeName: one(index, "hash_key"), KeyType: "HASH" },
          { AttributeName: one(index, "range_key"), KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: one(index, "projection_type") },
        ...throughput(index),
      }],
      ...(tags.length === 0 ? {} : { Tags: tags }),
    }, createTableInput(setup));
    assertEquals(attributes.get("deletion_protection_enabled"), "true");
    const backups = parts.find(({ head }) => head === "point_in_time_recovery");
    assertEquals(backups?.attributes.get("enabled"), setup.leaseTablePitrEnabled ? "true" : undefined);
  });

  Deno.test(`printedTable() has the policy of workerPermissions() as Terraform: ${name}`, () => {
    const { blocks: statements } = block(blocks, 'data "aws_iam_policy_document" "worker"');
    const permissions = workerPermissions(setup, { accountId: "123456789012", isTableThere: true });
    assertEquals(
      statements.map(({ attributes, blocks: [condition] }) => ({
        sid: texts(attributes.get("sid"))[0],
        actions: texts(attributes.get("actions")),
        resources: texts(attributes.get("resources")),
        condition: condition === undefined
          ? undefined
          : ["test", "variable", "values"].map((key) => texts(condition.attributes.get(key))[0]),
      })),
      permissions.map(({ sid, actions, resources, condition }) => ({
        sid,
        actions: [...actions],
        resources: [...resources],
        condition: condition && ["StringEquals", "cloudwatch:namespace", "app"],
      })),
    );
    assertEquals(printedTable(setup, "iam", "123456789012"), policyJson(permissions));
  });

  Deno.test({
    name: `printedTable() is laid out as Terraform lays it out: ${name}`,
    ignore: !await canRun("terraform"),
    async fn() {
      const folder = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(`${folder}/main.tf`, `${printedTable(setup, "terraform", undefined)}\n`);
        const { code, stdout } = await runCommand("terraform", ["fmt", "-check", "-diff", folder]);
        assertEquals([code, stdout], [0, ""]);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

Deno.test("printedTable() agrees with deploy/terraform", async () => {
  const folder = new URL("../../../deploy/terraform/", import.meta.url);
  const files = await Promise.all(
    [...Deno.readDirSync(folder)].map(({ name }) => Deno.readTextFile(new URL(name, folder))),
  );
  const deployed = blocksOf(files.join("\n"));
  const printed = blocksOf(printedTable(setupOf({ metricsNamespace: "app" }), "terraform", undefined));
  const table = 'resource "aws_dynamodb_table" "leases"';
  const known = ({ attributes, blocks }: Block): unknown => [
    ...["hash_key", "range_key", "projection_type", "billing_mode", "type", "deletion_protection_enabled"]
      .map((key) => attributes.get(key)),
    blocks.map((part) => [part.head, known(part)]),
  ];
  const policy = (blocks: readonly Block[]) =>
    block(blocks, 'data "aws_iam_policy_document" "worker"').blocks.filter(({ head }) => head === "statement")
      .flatMap(({ attributes }) => texts(attributes.get("actions"))).toSorted();
  assertEquals(known(block(printed, table)), known(block(deployed, table)));
  // A policy for both ways of reading has a part of its own for each there.
  assertEquals(policy(printed), policy(deployed));
});

Deno.test("printedTable() quotes what would begin an expression, or end a text, in Terraform", () => {
  const hostile = '${file("/etc/passwd")} %{ for x in y } "quoted" \\ and\na line\f';
  const text = printedTable(
    setupOf({ applicationName: hostile, tableName: hostile, leaseTableTags: { [hostile]: hostile } }),
    "terraform",
    undefined,
  );
  assertEquals(/(?<!\$)\$\{|(?<!%)%\{/.test(text), false);
  assertStringIncludes(
    text,
    '"$${file(\\"/etc/passwd\\")} %%{ for x in y } \\"quoted\\" \\\\ and\\na line\\u000c"',
  );
  assertEquals(text.split("\n").filter((line) => line.startsWith("a line")), []);
});

Deno.test("printedTable() has the bodies of AWS's calls as JSON", () => {
  const setup = setupOf({ leaseTablePitrEnabled: true });
  const { createTable, updateContinuousBackups } = JSON.parse(printedTable(setup, "json", undefined));
  assertEquals(createTable, createTableInput(setup));
  assertEquals(updateContinuousBackups.TableName, "app");
  assertEquals(Object.keys(JSON.parse(printedTable(setupOf(), "json", undefined))), ["createTable"]);
});
