/**
 * The tables of docs/from-lambda.md, row by row: each property that stands there is known, and sets the option
 * that stands beside it, to what a template of Lambda means by it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { configurationOf } from "../../src/properties/property_options.ts";
import { fileEntries } from "../../src/properties/property_source.ts";
import { PROPERTIES } from "../../src/properties/property_table.ts";
import { settingsOf } from "../../src/options/settings.ts";

const PAGE = await Deno.readTextFile(new URL("../../docs/from-lambda.md", import.meta.url));
const STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";
const TABLE_STREAM = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-01-30T12:00:00.000";

/** A setting as a template has it: what the file says, and what the option must be. */
interface Sample {
  readonly lines: readonly string[];
  readonly values: readonly unknown[];
}

const sample = (line: string, ...values: readonly unknown[]): Sample => ({ lines: [line], values });

/** By the text of the first column. */
const MAPPING: Readonly<Record<string, Sample>> = {
  "`EventSourceArn`, a stream": sample(`streamArn = ${STREAM}`, STREAM),
  "`EventSourceArn`, a table's stream": sample(`streamArn = ${TABLE_STREAM}`, TABLE_STREAM),
  "`EventSourceArn`, a consumer": {
    lines: [`fanoutConfig.consumerArn = ${STREAM}/consumer/app:1`, "retrievalMode = FANOUT"],
    values: [`${STREAM}/consumer/app:1`, "FANOUT"],
  },
  "`StartingPosition`": sample("initialPositionInStream = TRIM_HORIZON", "TRIM_HORIZON"),
  "`StartingPositionTimestamp`": sample(
    "initialPositionInStreamExtended = 1700000000",
    new Date(1_700_000_000_000),
  ),
  "`BatchSize`": sample("batchSize = 250", 250),
  "`MaximumBatchingWindowInSeconds`": sample("maximumBatchingWindowInSeconds = 5", 5000),
  "`ParallelizationFactor`": sample("parallelizationFactor = 10", 10),
  "`MaximumRetryAttempts`": sample("maximumRetryAttempts = 3", 3),
  "`MaximumRecordAgeInSeconds`": {
    lines: ["maximumRecordAgeInSeconds = 3600", "onProcessError = skip"],
    values: [3_600_000],
  },
  "`BisectBatchOnFunctionError`": sample("bisectBatchOnFunctionError = true", "bisect"),
  "`FunctionResponseTypes`": sample("functionResponseTypes = ReportBatchItemFailures", true),
  "`DestinationConfig.OnFailure`": sample("onFailureDestination = /var/lib/orders.jsonl"),
  "`FilterCriteria`": sample(
    `filterCriteria = {"Filters":[{"Pattern":"{\\\\"partitionKey\\\\":[\\\\"a\\\\"]}"}]}`,
  ),
};

const FUNCTION: Readonly<Record<string, Sample>> = {
  "`Handler`": sample("lambdaHandler = index.handler", "index.handler"),
  "`Runtime`, `Code` of other languages": sample("lambdaBootstrap = ./bootstrap", "./bootstrap"),
  "`Timeout`": sample("timeout = 60", 60),
  "`MemorySize`": sample("memorySize = 512", 512),
  "`FunctionName`": sample("functionName = orders", "orders"),
  "`Role`": sample("AwsCredentialsProvider = DefaultCredentialsProvider", "DefaultCredentialsProvider"),
  "`Environment`": { lines: [], values: [] },
};

/** The rows of the table below a heading, without its head. */
function rowsOf(heading: string): readonly (readonly string[])[] {
  const [, section = ""] = PAGE.split(`## ${heading}\n`);
  const lines = section.split("\n## ")[0]?.split("\n").filter((line) => line.startsWith("|")) ?? [];
  return lines.slice(2).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

const codes = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);

function configured(lines: readonly string[]) {
  const isHosted = lines.some((line) => line.startsWith("lambda"));
  const isStream = lines.some((line) => line.startsWith("streamArn"));
  const rest = [
    "applicationName = app",
    ...(isStream ? [] : ["streamName = orders", "retrievalMode = POLLING"]),
    ...(isHosted ? [] : ["lambdaHandler = index.handler"]),
  ];
  return configurationOf([fileEntries([...rest, ...lines].join("\n"), "app.properties")]);
}

const isKnown = (name: string) =>
  PROPERTIES.some((property) => property.name === name || property.aliases.includes(name));

Deno.test("docs/from-lambda.md has a row for each setting of the sample templates, and no other", () => {
  assertEquals(
    rowsOf("Settings of the event source mapping").map(([setting]) => setting),
    Object.keys(MAPPING),
  );
  assertEquals(rowsOf("Settings of the function").map(([setting]) => setting), Object.keys(FUNCTION));
});

for (const [setting = "", option = "", property = ""] of rowsOf("Settings of the event source mapping")) {
  Deno.test(`docs/from-lambda.md: ${setting.replaceAll("`", "")} is the property and the option beside it`, () => {
    const { lines, values } = MAPPING[setting] ?? { lines: [], values: [] };
    for (const name of codes(property)) {
      assert(isKnown(name), `${name} is no property`);
      assert(lines.some((line) => line.startsWith(`${name} =`)), `the sample does not set ${name}`);
    }
    const { options } = configured(lines);
    const found = codes(option).map((path) =>
      path.split(".").reduce<unknown>(
        (value, name) => (value as Record<string, unknown> | undefined)?.[name],
        options,
      )
    );
    assert(found.every((value) => value !== undefined), `${option} is not set: ${Deno.inspect(options)}`);
    if (values.length > 0) assertEquals(found, values);
    // A worker takes it.
    settingsOf({
      processor: () => ({ processRecords() {}, shardEnded() {} }),
      ...options,
      applicationName: "app",
    });
  });
}

for (const [setting = "", , property = ""] of rowsOf("Settings of the function")) {
  Deno.test(`docs/from-lambda.md: ${setting.replaceAll("`", "")} is the property beside it`, () => {
    const { lines, values } = FUNCTION[setting] ?? { lines: [], values: [] };
    for (const name of codes(property)) {
      assert(isKnown(name), `${name} is no property`);
      assert(lines.some((line) => line.startsWith(`${name} =`)), `the sample does not set ${name}`);
    }
    const { settings } = configured(lines);
    for (const value of values) {
      assert(Object.values(settings).includes(value as never), `${value} is set nowhere`);
    }
  });
}
