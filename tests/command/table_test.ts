/** `kclite table`: what is printed of a properties file, without a call. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { createTableInput } from "../../src/store/lease_table.ts";
import { OperateBed } from "../support/operate_bed.ts";
import { blocksOf } from "../support/terraform.ts";
import { PROPERTIES, watched, withFile } from "./checked_file.ts";

/** Prints, without credentials. */
async function printed(
  args: readonly string[],
  lines: readonly string[] = PROPERTIES,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const bed = new OperateBed();
  const seen = watched(bed);
  const keys = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
  const { code, out, err } = await withFile(
    lines,
    (file) => bed.run(["table", ...args, file], { isBare: true, env: { ...keys, ...env } }),
  );
  assertEquals([code, err, seen], [0, "", []]);
  return out;
}

Deno.test("table prints Terraform by default, and calls nothing", async () => {
  const heads = blocksOf(await printed([])).map(({ head }) => head);
  assertEquals(heads, [
    'resource "aws_dynamodb_table" "leases"',
    'data "aws_iam_policy_document" "worker"',
    'resource "aws_iam_policy" "worker"',
  ]);
});

Deno.test("table prints the body of CreateTable of the file's settings", async () => {
  const { createTable } = JSON.parse(
    await printed(["--print", "json"], [...PROPERTIES, "tableName = other"]),
  );
  assertEquals(createTable, createTableInput({ tableName: "other" }));
});

Deno.test("table --json is --print json, and refuses what is no JSON", async () => {
  const bed = new OperateBed();
  const asJson = await bed.run(["table", "--json"]);
  assertEquals(JSON.parse(asJson.out).createTable.TableName, "app");
  assertEquals(asJson.out, (await bed.run(["table", "--print", "json"])).out);
  assertEquals((await bed.run(["table", "--json", "--print", "iam"])).out.startsWith("{"), true);
  const { code, out, err } = await bed.run(["table", "--json", "--print", "terraform"]);
  assertEquals([code, out], [2, ""]);
  assertStringIncludes(err, "got terraform, which is no JSON");
});

Deno.test("table prints ARNs of the account that is given, else of the stream's", async () => {
  const iam = await printed(["--print", "iam", "--account", "210987654321"]);
  assertStringIncludes(iam, "arn:aws:kinesis:eu-central-1:210987654321:stream/words");
  const arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/words";
  const lines = [...PROPERTIES.filter((line) => !line.startsWith("streamName")), `streamArn = ${arn}`];
  assertStringIncludes(
    await printed(["--print", "iam"], lines),
    "dynamodb:eu-central-1:123456789012:table/app",
  );
  assertStringIncludes(await printed(["--print", "iam"]), "dynamodb:eu-central-1:*:table/app");
});

Deno.test("table allows metrics where a worker sends them", async () => {
  const iam = ["--print", "iam"];
  assertStringIncludes(await printed(iam), '"cloudwatch:namespace": "app"');
  const none = await printed(iam, [...PROPERTIES, "metricsLevel = NONE"]);
  const emulator = { AWS_ENDPOINT_URL_KINESIS: "http://127.0.0.1:1" };
  const elsewhere = await printed(iam, PROPERTIES, emulator);
  assertEquals([none, elsewhere].map((text) => text.includes("cloudwatch")), [false, false]);
  // Who sets the level wants them.
  const wanted = await printed(iam, [...PROPERTIES, "metricsLevel = SUMMARY"], emulator);
  assertStringIncludes(wanted, "cloudwatch:PutMetricData");
});
