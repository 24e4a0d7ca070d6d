/**
 * `deploy/terraform`: the table is the one that kclite makes, and the policy is what kclite calls: no more, no less. Its blocks are
 * read by a small reader here. Terraform itself, where it is, looks at the layout; it cannot validate without its AWS provider,
 * which would have to be downloaded.
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { cloudWatchMetrics } from "../../src/cloudwatch/mod.ts";
import { createTableInput } from "../../src/store/lease_table.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { canRun, runCommand } from "../support/command.ts";
import { type Block, blocksOf, texts } from "../support/terraform.ts";
import { simulated } from "../support/simulated.ts";
import { read } from "./facts.ts";

const FOLDER = new URL("../../deploy/terraform/", import.meta.url);
const FILES = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).toSorted();
const TEXT = (await Promise.all(FILES.map((name) => read(`deploy/terraform/${name}`)))).join("\n");

/** What a statement is about, by what its only resource says. */
const ON: Readonly<Record<string, string>> = {
  "[var.stream_arn]": "stream",
  '["${var.stream_arn}/consumer/*"]': "consumer",
  "[aws_dynamodb_table.leases.arn]": "table",
  '["${aws_dynamodb_table.leases.arn}/index/LeaseOwnerToLeaseKeyIndex"]': "index",
  '["${aws_dynamodb_table.leases.arn}-CoordinatorState"]': "state",
  '["*"]': "anything",
};

/** What the policy allows, as `table dynamodb:GetItem`; with enhanced fan-out or without. */
function allowed(fanOut: boolean): string[] {
  const [policy] = BLOCKS.filter(({ head }) => head === 'data "aws_iam_policy_document" "worker"');
  const statements = (policy?.blocks ?? []).flatMap(({ head, attributes, blocks: [content] }) => {
    if (head === "statement") return [attributes];
    assertEquals([head, attributes.get("for_each")], ['dynamic "statement"', "var.fan_out ? [1] : []"]);
    return fanOut && content !== undefined ? [content.attributes] : [];
  });
  return statements.flatMap((statement) => {
    const on = ON[statement.get("resources") ?? ""];
    assert(on !== undefined, `a resource that the test knows: ${statement.get("resources")}`);
    return texts(statement.get("actions")).map((action) => `${on} ${action}`);
  }).toSorted();
}

const BLOCKS = blocksOf(TEXT);

Deno.test("blocksOf() reads blocks in blocks, and objects to what is not closed", () => {
  const text = 'a "b" {\n  c = [\n    "d",\n  ]\n  e {\n    f = g(["h"])\n  }\n}\n';
  const [block] = blocksOf(text);
  assertEquals([block?.head, block?.attributes.get("c"), block?.blocks[0]?.attributes.get("f")], [
    'a "b"',
    '["d",]',
    'g(["h"])',
  ]);
  assertThrows(() => blocksOf(text.slice(0, -2)), SyntaxError, "not closed");
  assertThrows(() => blocksOf(`${text}}\n`), SyntaxError, "closes nothing");
  assertThrows(() => blocksOf(text.replace('"h"]', '"h"')), SyntaxError, "line 6");
  assertThrows(() => blocksOf(text.replace("e {", "e [")), SyntaxError, "line 5");
});

Deno.test("deploy/terraform names nothing that it does not declare", () => {
  const declared = new Set(BLOCKS.map(({ head }) => {
    const [kind = "", ...labels] = head.replaceAll('"', "").split(" ");
    return [...(kind === "resource" ? [] : [kind === "variable" ? "var" : kind]), ...labels].join(".");
  }));
  const code = TEXT.replace(/^\s*#.*$/gm, "").replace(/description\s*=.*$/gm, "");
  const named = [...code.matchAll(/\b(?:var\.\w+|data\.\w+\.\w+|(?<!data\.)aws_(?:dynamodb|iam)\w*\.\w+)/g)]
    .map(([name]) => name);
  assert(named.length > 10);
  assertEquals(named.filter((name) => !declared.has(name)), []);
});

Deno.test("deploy/terraform makes the table that kclite would make", () => {
  const [table] = BLOCKS.filter(({ head }) => head === 'resource "aws_dynamodb_table" "leases"');
  assert(table !== undefined);
  const attribute = (block: Block | undefined, name: string) => texts(block?.attributes.get(name))[0];
  const blocks = (head: string) => table.blocks.filter((block) => block.head === head);
  const [index, ...others] = blocks("global_secondary_index");
  assertEquals(others, []);
  const made = {
    TableName: "orders",
    KeySchema: [{ AttributeName: attribute(table, "hash_key"), KeyType: "HASH" }],
    AttributeDefinitions: blocks("attribute").map((block) => ({
      AttributeName: attribute(block, "name"),
      AttributeType: attribute(block, "type"),
    })),
    BillingMode: attribute(table, "billing_mode"),
    GlobalSecondaryIndexes: [{
      IndexName: attribute(index, "name"),
      KeySchema: [
        { AttributeName: attribute(index, "hash_key"), KeyType: "HASH" },
        { AttributeName: attribute(index, "range_key"), KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: attribute(index, "projection_type") },
    }],
    DeletionProtectionEnabled: table.attributes.get("deletion_protection_enabled") === "true",
  };
  assertEquals<unknown>(
    made,
    createTableInput({ tableName: "orders", leaseTableDeletionProtectionEnabled: true }),
  );
  assertEquals(table.attributes.get("name"), "var.application_name");
});

/** Operations that the policy leaves out. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  CreateTable: "Terraform makes the table",
  UpdateTable: "Terraform makes the index",
  UpdateContinuousBackups: "leaseTablePitrEnabled",
  DeregisterStreamConsumer: "--deregister",
  BatchGetItem: "slices",
  TransactWriteItems: "context.transact, which needs the permissions of its writes",
};

Deno.test("deploy/terraform allows every operation that src/aws calls, but for those that only some options need", async () => {
  const names = ["kinesis", "cbor_kinesis", "kinesis_consumers", "subscription", "dynamodb", "cloudwatch"];
  const sources = await Promise.all(names.map((name) => read(`src/aws/${name}.ts`)));
  const store = await read("src/store/dynamodb_lease_store.ts");
  const operations = new Set(
    [...sources, store].flatMap((source) =>
      [...source.matchAll(/(?:operation: |write\(|pages\(|pagesOf\(|tableOperation\()"(\w+)"/g)].map((
        [, name = ""],
      ) => name)
    ),
  );
  assert(operations.size > 15, "the pattern finds the calls");
  const inPolicy = new Set(allowed(true).map((action) => action.replace(/^.*:/, "")));
  for (const name of Object.keys(LEFT_OUT)) assert(operations.has(name) && !inPolicy.has(name), name);
  assertEquals(
    [...operations].filter((name) => !(name in LEFT_OUT)).toSorted(),
    [...inPolicy].toSorted(),
  );
});

/** The rows of docs/PERMISSIONS.md that are about what this policy is about. */
const ROWS: readonly (readonly [on: string, start: RegExp])[] = [
  ["stream", /^\| the stream /],
  ["consumer", /^\| the consumer: /],
  ["table", /^\| the table `APP` /],
  ["index", /^\| its indexes: /],
  ["state", /^\| the table `APP-CoordinatorState` /],
  ["anything", /^\| `\*`, with the condition /],
];

Deno.test("deploy/terraform and docs/PERMISSIONS.md allow the same", async () => {
  const rows = (await read("docs/PERMISSIONS.md")).split("\n");
  const documented = ROWS.flatMap(([on, start]) =>
    rows.filter((row) => start.test(row)).flatMap((row) => {
      const [, , actions = ""] = row.split("|");
      const service = /`(\w+):/.exec(actions)?.[1];
      return [...actions.matchAll(/`(?:\w+:)?(\w+)`/g)].map(([, name = ""]) => ({
        on,
        name,
        text: `${on} ${service}:${name}`,
      }));
    })
  );
  const left = new Set([...Object.keys(LEFT_OUT), "TagResource"]);
  assertEquals(
    documented.filter(({ name }) => !left.has(name)).map(({ text }) => text).toSorted(),
    allowed(true),
  );
});

for (const retrievalMode of ["POLLING", "FANOUT"] as const) {
  const fanOut = retrievalMode === "FANOUT";
  Deno.test(`a worker needs what deploy/terraform allows, and all of it: ${retrievalMode}`, async () => {
    const rights = new Set(allowed(fanOut));
    const used = new Set<string>();
    const denied = new Set<string>();
    const bed = simulated({ streams: { orders: 2 } });
    await bed.call("CreateTable", createTableInput({ tableName: "app" }));
    const stop = new AbortController();
    const guarded: typeof fetch = async (input, init) => {
      const request = new Request(input, init);
      const right = await rightFor(request.clone());
      (rights.has(right) ? used : denied).add(right);
      if (rights.has(right)) return await bed.system.fetch(request);
      return Response.json({ __type: "AccessDeniedException", message: right }, { status: 400 });
    };
    for (let i = 0; i < 10; i++) bed.aws.stream("orders").put(`${i}`);
    let delivered = 0;
    const credentials = { accessKeyId: "any", secretAccessKey: "any" };
    const system = { ...bed.system, fetch: guarded };
    const applicationName = "app", region = "us-east-1";
    const metrics = cloudWatchMetrics({ applicationName, region, credentials, system });
    const worker = new KinesisWorker({
      applicationName,
      streamName: "orders",
      region,
      credentials,
      system,
      onEvent: metrics.listener,
      initialPositionInStream: "TRIM_HORIZON",
      retrievalMode,
      wireFormat: "json", // what is asked for is read
      log: false,
      processor: () => ({
        async processRecords({ records }, context) {
          await context.checkpoint();
          delivered += records.length;
          if (delivered >= 10) stop.abort();
        },
        shardEnded: (context) => context.checkpoint(),
      }),
    });
    await worker.run(AbortSignal.any([stop.signal, AbortSignal.timeout(30_000)]));
    await metrics.close();
    bed.aws.close();
    assertEquals([...denied], []);
    assertEquals(delivered, 10);
    // With fan-out a worker polls only where a subscription cannot be had.
    const spare = fanOut ? ["stream kinesis:GetRecords", "stream kinesis:GetShardIterator"] : [];
    assertEquals([...rights].filter((right) => !used.has(right) && !spare.includes(right)), []);
  });
}

/** The right that a request needs. */
async function rightFor(request: Request): Promise<string> {
  const [prefix = "", operation = ""] = (request.headers.get("x-amz-target") ?? "").split(".");
  if (prefix.startsWith("Granite")) return `anything cloudwatch:${operation}`; // may be packed
  const body = await request.json();
  if (prefix.startsWith("Kinesis")) {
    const on = "ConsumerARN" in body || operation === "DescribeStreamConsumer" ? "consumer" : "stream";
    return `${on} kinesis:${operation}`;
  }
  const table = `${body.TableName}`;
  const on = table === "app"
    ? ("IndexName" in body ? "index" : "table")
    : table === "app-CoordinatorState"
    ? "state"
    : table;
  return `${on} dynamodb:${operation}`;
}

Deno.test({
  name: "deploy/terraform is laid out as Terraform lays it out",
  ignore: !await canRun("terraform"),
  async fn() {
    const { code, stdout } = await runCommand("terraform", ["fmt", "-check", "-diff", FOLDER.pathname]);
    assertEquals([code, stdout], [0, ""]);
  },
});

Deno.test("deploy/terraform trusts the service account of deploy/kubernetes", async () => {
  const account = await read("deploy/kubernetes/serviceaccount.yaml");
  assertStringIncludes(TEXT, `"default:${/^ {2}name: (\S+)$/m.exec(account)?.[1]}"`);
  assertStringIncludes(account, '"role_arn" of deploy/terraform');
  assert(BLOCKS.some(({ head }) => head === 'output "role_arn"'));
});
