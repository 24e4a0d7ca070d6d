/** `src/operate/check/permissions.ts`: as docs/PERMISSIONS.md says, and as a worker calls. */

import { assertEquals } from "@std/assert";
import {
  type Permission,
  type PermissionOptions,
  policyJson,
  workerPermissions,
} from "../../../src/operate/check/permissions.ts";
import type { WorkerSetup } from "../../../src/operate/check/worker_setup.ts";
import { KinesisWorker } from "../../../src/worker/worker.ts";
import { simulated } from "../../support/simulated.ts";
import { setupOf } from "./fixtures.ts";

/** What a resource is. */
function placeOf(resource: string): string {
  if (resource === "*") return "anything";
  if (resource.includes("/consumer/")) return "consumer";
  if (resource.includes(":stream/")) return "stream";
  if (resource.includes("/index/")) return "index";
  return resource.endsWith("-CoordinatorState") ? "state" : "table";
}

function allowed(permissions: readonly Permission[]): string[] {
  return permissions.flatMap(({ actions, resources }) =>
    resources.flatMap((resource) => actions.map((action) => `${placeOf(resource)} ${action}`))
  ).toSorted();
}

function allowedFor(setup: Partial<WorkerSetup>, options: Partial<PermissionOptions> = {}): string[] {
  return allowed(workerPermissions(setupOf(setup), { isTableThere: false, ...options }));
}

/** The rows of docs/PERMISSIONS.md, by what a worker of the command line can need. */
const ROWS: readonly (readonly [on: string, start: RegExp])[] = [
  ["stream", /^\| the stream /],
  ["consumer", /^\| the consumer/],
  ["table", /^\| the table `APP` /],
  ["index", /^\| its indexes: /],
  ["state", /^\| the table `APP-CoordinatorState` /],
  ["anything", /^\| `\*`/],
];

/** Of an EdgeWorker, which no properties file makes. */
const OF_EDGE = "dynamodb:BatchGetItem";

Deno.test("workerPermissions() are those of docs/PERMISSIONS.md", async () => {
  const text = await Deno.readTextFile(new URL("../../../docs/PERMISSIONS.md", import.meta.url));
  const documented = text.split("\n").flatMap((row) => {
    const [on] = ROWS.find(([, start]) => start.test(row)) ?? [];
    const [, , actions = ""] = row.split("|");
    const service = /`(\w+):/.exec(actions)?.[1];
    return on === undefined
      ? []
      : [...actions.matchAll(/`(?:\w+:)?(\w+)`/g)].map(([, name = ""]) => `${on} ${service}:${name}`);
  });
  const all = { leaseTableTags: { team: "a" }, leaseTablePitrEnabled: true, deregistersConsumer: true };
  const ours = new Set([
    ...allowedFor({ ...all, retrievalMode: "FANOUT", metricsNamespace: "app" }),
    ...allowedFor(all),
  ]);
  assertEquals([...ours].toSorted(), documented.filter((text) => !text.endsWith(OF_EDGE)).toSorted());
});

Deno.test("workerPermissions() leave out what a setup does not need", () => {
  const tags = { leaseTableTags: { team: "a" } };
  assertEquals(allowedFor(tags).includes("table dynamodb:TagResource"), true);
  const there = allowedFor(tags, { isTableThere: true });
  for (const name of ["CreateTable", "UpdateTable", "TagResource"]) {
    assertEquals(there.includes(`table dynamodb:${name}`), false, name);
  }
  assertEquals(allowedFor({}).some((text) => /Consumer|Subscribe|cloudwatch|Backups/.test(text)), false);
});

Deno.test("workerPermissions() name account, partition and regions, and metrics by namespace", () => {
  const permissions = workerPermissions(
    setupOf({ region: "cn-north-1", tableRegion: "cn-northwest-1", metricsNamespace: "app" }),
    { accountId: "123456789012", isTableThere: true },
  );
  const resources = Object.fromEntries(permissions.map(({ sid, resources }) => [sid, resources[0]]));
  assertEquals(resources, {
    Stream: "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/orders",
    Leases: "arn:aws-cn:dynamodb:cn-northwest-1:123456789012:table/app",
    LeasesOfOneWorker:
      "arn:aws-cn:dynamodb:cn-northwest-1:123456789012:table/app/index/LeaseOwnerToLeaseKeyIndex",
    FormatOfFleet: "arn:aws-cn:dynamodb:cn-northwest-1:123456789012:table/app-CoordinatorState",
    Metrics: "*",
  });
  const { Version, Statement } = JSON.parse(policyJson(permissions));
  assertEquals(Version, "2012-10-17");
  assertEquals(Statement.at(-1).Condition, { StringEquals: { "cloudwatch:namespace": "app" } });
  assertEquals(Statement[0], {
    Sid: "Stream",
    Effect: "Allow",
    Action: permissions[0]?.actions,
    Resource: permissions[0]?.resources,
  });
});

for (const retrievalMode of ["POLLING", "FANOUT"] as const) {
  Deno.test(`a worker calls what workerPermissions() allow, and nothing else: ${retrievalMode}`, async () => {
    const rights = new Set(allowedFor({ retrievalMode }));
    const used = new Set<string>(), denied = new Set<string>();
    const bed = simulated({ streams: { orders: 2 } });
    const guarded: typeof fetch = async (input, init) => {
      const request = new Request(input, init);
      const right = await rightFor(request.clone());
      (rights.has(right) ? used : denied).add(right);
      if (rights.has(right)) return await bed.system.fetch(request);
      return Response.json({ __type: "AccessDeniedException", message: right }, { status: 400 });
    };
    for (let n = 0; n < 10; n++) bed.aws.stream("orders").put(`${n}`);
    const stop = new AbortController();
    let delivered = 0;
    const worker = new KinesisWorker({
      applicationName: "app",
      streamName: "orders",
      region: "us-east-1",
      credentials: { accessKeyId: "any", secretAccessKey: "any" },
      system: { ...bed.system, fetch: guarded },
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
    bed.aws.close();
    assertEquals([[...denied], delivered], [[], 10]);
    // The index comes with the table here. Java's tables get it by UpdateTable.
    const spare = ["table dynamodb:UpdateTable"];
    assertEquals([...rights].filter((right) => !used.has(right) && !spare.includes(right)), []);
  });
}

async function rightFor(request: Request): Promise<string> {
  const [prefix = "", operation = ""] = (request.headers.get("x-amz-target") ?? "").split(".");
  const body = await request.json();
  if (prefix.startsWith("Kinesis")) {
    const on = "ConsumerARN" in body || operation === "DescribeStreamConsumer" ? "consumer" : "stream";
    return `${on} kinesis:${operation}`;
  }
  const table = `${body.TableName}`;
  const on = table === "app" ? ("IndexName" in body ? "index" : "table") : placeOf(table);
  return `${on} dynamodb:${operation}`;
}
