/** `kclite doctor` on an emulator. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { newClientVersion } from "../../src/lease/table_format.ts";
import { newLease } from "../lease/fixtures.ts";
import { type CommandOptions, type CommandOutcome, OperateBed } from "../support/operate_bed.ts";
import { PROPERTIES, refused, stateOf, watched, withFile } from "./checked_file.ts";

/** A bed with a table of KCL 3.5. */
async function ready(): Promise<OperateBed> {
  const bed = new OperateBed();
  await bed.table();
  const { coordinatorStore } = bed.fleet;
  await coordinatorStore.createMigration("leaseTable", newClientVersion("a", bed.clock.epochMs()));
  await bed.lease(newLease("shardId-000000000000"), "a");
  return bed;
}

function doctor(
  bed: OperateBed,
  options: CommandOptions & { readonly lines?: readonly string[]; readonly args?: readonly string[] } = {},
): Promise<CommandOutcome> {
  const { lines = PROPERTIES, args = [], ...more } = options;
  return withFile(lines, (file) => bed.run(["doctor", file, ...args], { isBare: true, ...more }));
}

interface Row {
  readonly name: string;
  readonly status: "ok" | "failed" | "notTried";
  readonly detail: string;
  readonly mend?: string;
}

/** Runs it for a program. */
async function diagnosed(
  bed: OperateBed,
  options: Parameters<typeof doctor>[1] = {},
): Promise<
  { readonly code: number; readonly rows: Row[]; readonly policy: string; readonly notes: string[] }
> {
  const { code, out, err } = await doctor(bed, { ...options, args: ["--json"] });
  assertEquals(err, "");
  const { isOk, checks, notes, policy } = JSON.parse(out);
  assertEquals([isOk, checks.every(({ status }: Row) => status !== "failed")], [code === 0, code === 0]);
  return { code, rows: checks, notes, policy: JSON.stringify(policy) };
}

function row(rows: readonly Row[], name: string): Row {
  const found = rows.find((row) => row.name === name);
  assert(found !== undefined, `a check "${name}" of ${rows.map(({ name }) => name).join(", ")}`);
  return found;
}

function namesOf(rows: readonly Row[], status: Row["status"]): string[] {
  return rows.filter((row) => row.status === status).map(({ name }) => name);
}

const POLLING = [...PROPERTIES, "retrievalMode = POLLING"];

Deno.test("doctor finds nothing wrong, and changes nothing", async () => {
  const bed = await ready();
  const before = await stateOf(bed);
  const seen = watched(bed);
  const { code, rows } = await diagnosed(bed, { lines: POLLING });
  assertEquals(namesOf(rows, "failed"), []);
  assertEquals(code, 0);
  assertEquals(namesOf(rows, "notTried"), ["health port", "cloudwatch:PutMetricData"]);
  assertStringIncludes(row(rows, "identity").detail, "arn:aws:sts::123456789012:");
  assertStringIncludes(row(rows, "stream words").detail, "ACTIVE, provisioned, 2 open shards");
  assertStringIncludes(row(rows, "table app").detail, "ACTIVE, on demand, index ACTIVE");
  const operations = new Set(seen.map(({ operation }) => operation));
  const reads = ["GET", "GetCallerIdentity", "DescribeStreamSummary", "ListShards", "GetShardIterator"];
  reads.push("GetRecords", "DescribeTable", "Scan", "Query", "GetItem");
  const never = ["PutItem", "UpdateItem", "DeleteItem"];
  assertEquals([...operations].filter((name) => ![...reads, ...never].includes(name)), []);
  assertEquals(reads.filter((name) => !operations.has(name)), []);
  for (const name of never) {
    const [write, ...more] = seen.filter(({ operation }) => operation === name);
    assertEquals(more, []);
    const condition = "attribute_exists(#key) AND attribute_not_exists(#key)";
    assertEquals([write?.body.ConditionExpression, JSON.stringify(write?.body.ExpressionAttributeNames)], [
      condition,
      '{"#key":"leaseKey"}',
    ], name);
  }
  bed.onRequest = () => undefined;
  assertEquals(await stateOf(bed), before);
});

Deno.test("doctor names all that is wrong with a file, and asks AWS nothing", async () => {
  const bed = await ready();
  const seen = watched(bed);
  const lines = [...POLLING, "failoverTimeMillis = soon", "maxRecords = many", "streamNaem = words"];
  const { code, rows, notes } = await diagnosed(bed, { lines });
  const failed = rows.filter(({ status }) => status === "failed");
  assertEquals([code, failed.length, seen], [1, 2, []]);
  assertStringIncludes(failed.map(({ detail }) => detail).join(), "failoverTimeMillis");
  assertStringIncludes(failed.map(({ detail }) => detail).join(), "maxRecords");
  assertStringIncludes(notes.join(), "streamNaem");
  assertEquals(namesOf(rows, "ok"), []);
  assertEquals(namesOf(rows, "notTried").includes("credentials"), true);
});

Deno.test("doctor of a file that is not there, or without a region, says what to do", async () => {
  const bed = await ready();
  const { code, out } = await bed.run(["doctor", "none.properties", "--json"], { isBare: true });
  const { checks: [none] } = JSON.parse(out);
  assertEquals([code, none.mend], [1, "name a file that this user may read"]);
  const lines = PROPERTIES.filter((line) => !line.startsWith("regionName"));
  const { rows: [region] } = await diagnosed(bed, { lines });
  assertStringIncludes(region?.detail ?? "", "expected a region");
});

Deno.test("doctor names the permission that each refusal lacks, and makes the other checks", async () => {
  const bed = await ready();
  const denied = ["GetItem", "ListShards", "DescribeTable", "DeleteItem"];
  watched(bed, ({ operation }) => denied.includes(operation) ? refused(operation) : undefined);
  const { code, rows } = await diagnosed(bed, { lines: POLLING });
  assertEquals(code, 1);
  assertEquals(row(rows, "kinesis:ListShards").mend, "allow kinesis:ListShards");
  assertEquals(row(rows, "table app").mend, "allow dynamodb:DescribeTable");
  assertEquals(row(rows, "stream words").status, "ok");
  // Without a look at the table, what is in it is not tried.
  assertEquals(row(rows, "dynamodb:DeleteItem").status, "notTried");
  watched(bed, ({ operation }) => operation === "DeleteItem" ? refused(operation) : undefined);
  const again = await diagnosed(bed, { lines: POLLING });
  assertEquals(namesOf(again.rows, "failed"), ["dynamodb:DeleteItem"]);
  assertEquals(row(again.rows, "dynamodb:DeleteItem").mend, "allow dynamodb:DeleteItem");
});

Deno.test("doctor gives an answer that does not come five seconds, and goes on", async () => {
  const bed = await ready();
  watched(bed, ({ operation }) => operation === "Query" ? new Promise(() => {}) : undefined);
  const startMs = bed.clock.monotonicMs();
  const { rows } = await diagnosed(bed, { lines: POLLING });
  assertEquals(namesOf(rows, "failed"), ["dynamodb:Query on the index"]);
  assertEquals(row(rows, "dynamodb:Query on the index").detail, "no answer within 5 s");
  assertEquals(bed.clock.monotonicMs() - startMs, 5000);
});

Deno.test("doctor tries nothing more of a service that does not answer", async () => {
  const bed = await ready();
  watched(bed, (_seen, request) => request.url.includes("dynamodb") ? new Promise(() => {}) : undefined);
  const startMs = bed.clock.monotonicMs();
  const { code, rows } = await diagnosed(bed, { lines: POLLING });
  assertEquals([code, namesOf(rows, "failed")], [1, ["endpoint of dynamodb"]]);
  assertStringIncludes(row(rows, "endpoint of dynamodb").mend ?? "", "check region");
  assertEquals(bed.clock.monotonicMs() - startMs, 5000);
  assertEquals(row(rows, "dynamodb:Scan").detail, "dynamodb cannot be reached");
  assertEquals(row(rows, "kinesis:GetRecords").status, "ok");
});

Deno.test("doctor compares the clock with AWS's", async () => {
  const bed = await ready();
  const at = (offMs: number) =>
    watched(bed, ({ operation }) => {
      const date = new Date(bed.clock.epochMs() - offMs).toUTCString();
      return operation === "GET" ? new Response("", { status: 404, headers: { date } }) : undefined;
    });
  at(601_000);
  const ahead = row((await diagnosed(bed)).rows, "clock");
  assertEquals([ahead.status, ahead.detail], ["failed", "is 10 min 1 s ahead of AWS's"]);
  at(-61_000);
  const behind = row((await diagnosed(bed)).rows, "clock");
  assertEquals([behind.status, behind.detail], ["ok", "is 1 min 1 s behind AWS's"]);
});

Deno.test("doctor tries nothing on a table that is not there, and says what creating it needs", async () => {
  const bed = new OperateBed();
  const { code, rows, policy } = await diagnosed(bed, { lines: POLLING });
  assertEquals(code, 0);
  assertStringIncludes(row(rows, "table app").detail, "the first worker creates it");
  for (const name of ["Scan", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query on the index"]) {
    assertEquals(row(rows, `dynamodb:${name}`).detail, "there is no table yet");
  }
  assertStringIncludes(policy, "dynamodb:CreateTable");
  assertEquals((await diagnosed(await ready())).policy.includes("CreateTable"), false);
  assertEquals(await bed.fleet.dynamodb.describeTable("app"), undefined);
});

Deno.test("doctor refuses the table of another program, and the fleet of KCL 2.x", async () => {
  const foreign = new OperateBed();
  await foreign.fleet.dynamodb.createTable({
    TableName: "app",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    BillingMode: "PAY_PER_REQUEST",
  });
  const table = row((await diagnosed(foreign)).rows, "table app");
  assertEquals([table.status, table.mend], ["failed", "delete the table or set tableName"]);
  const old = new OperateBed();
  await old.table();
  await old.lease(newLease("shardId-000000000000"), "a");
  const fleet = row((await diagnosed(old)).rows, "fleet");
  assertEquals(fleet.status, "failed");
  assertStringIncludes(fleet.mend ?? "", "upgrade that fleet to KCL 3 first");
});

Deno.test("doctor without credentials still checks the machine and the addresses", async () => {
  const bed = await ready();
  const seen = watched(bed);
  const env = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
  const { code, rows } = await diagnosed(bed, { env });
  assertEquals([code, namesOf(rows, "failed")], [1, ["credentials"]]);
  assertStringIncludes(row(rows, "credentials").mend ?? "", "set keys");
  assertEquals(row(rows, "stream words").detail, "there are no credentials");
  assertEquals(namesOf(rows, "ok").slice(1), [
    "program",
    "endpoint of kinesis",
    "endpoint of dynamodb",
    "clock",
  ]);
  assertEquals(new Set(seen.map(({ operation }) => operation)), new Set(["GET"]));
});

Deno.test("doctor needs no STS, but tells when it refuses the keys", async () => {
  const bed = await ready();
  watched(bed, ({ operation }) => {
    if (operation === "GetCallerIdentity") throw new TypeError("connection refused");
    return undefined;
  });
  const away = await diagnosed(bed);
  assertEquals([away.code, row(away.rows, "identity").status], [0, "notTried"]);
  const xml =
    "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>invalid</Message></Error></ErrorResponse>";
  watched(
    bed,
    ({ operation }) => operation === "GetCallerIdentity" ? new Response(xml, { status: 403 }) : undefined,
  );
  const { code, rows } = await diagnosed(bed);
  assertEquals([code, row(rows, "identity").status], [1, "failed"]);
  assertStringIncludes(row(rows, "identity").mend ?? "", "check the keys");
});

Deno.test("doctor asks no STS about the keys of an emulator, and needs no permission for metrics", async () => {
  const bed = await ready();
  const seen = watched(bed);
  const env = {
    AWS_ENDPOINT_URL_KINESIS: "http://127.0.0.1:1",
    AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:1",
  };
  const { code, rows, policy } = await diagnosed(bed, { env });
  assertEquals([code, row(rows, "identity").status], [0, "notTried"]);
  assertEquals(seen.filter(({ operation }) => operation === "GetCallerIdentity"), []);
  assertEquals(policy.includes("cloudwatch"), false);
});

Deno.test("doctor looks for the program and the port of health", async () => {
  const bed = await ready();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const lines = ["executableName = no-such-program-of-kclite --x", `healthPort = ${taken.addr.port}`];
  const { rows } = await diagnosed(bed, { lines: [...PROPERTIES.slice(0, 3), ...lines] });
  assertEquals(namesOf(rows, "failed"), ["program", "health port"]);
  assertStringIncludes(row(rows, "program").detail, "no-such-program-of-kclite");
  assertStringIncludes(row(rows, "health port").detail, "in use");
  const module = await diagnosed(bed, { lines: [...PROPERTIES.slice(0, 3), "executableName = other.ts"] });
  assertStringIncludes(row(module.rows, "program").detail, "there is no file other.ts");
});

Deno.test("doctor fits into 40 columns, and shows no control characters of others", async () => {
  const bed = await ready();
  watched(
    bed,
    ({ operation }) =>
      operation === "GetItem"
        ? Response.json({ __type: "ValidationException", message: "a\u001b[31mb\u0007\nc" }, { status: 400 })
        : undefined,
  );
  const { code, out } = await doctor(bed, { columns: 40 });
  assertEquals(code, 1);
  const [checks = "", policy = ""] = out.split("\n\nThe least");
  // deno-lint-ignore no-control-regex -- those of paint()
  const plain = checks.replace(/\x1b\[[\d;]*m/g, "");
  assertEquals(plain.split("\n").filter((line) => line.length > 40), []);
  // deno-lint-ignore no-control-regex -- that is the point
  assertEquals(/[\x00-\x09\x0b-\x1f]/.test(plain), false);
  assertStringIncludes(plain, "2 failed");
  assertStringIncludes(policy, '"Version": "2012-10-17"');
});
