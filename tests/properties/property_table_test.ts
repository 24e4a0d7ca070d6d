import { assertEquals, assertGreater } from "@std/assert";
import { OPTIONS_FILE, optionsMarkdown } from "../../docs/generate_options.ts";
import { environmentEntries, variableOf } from "../../src/properties/property_source.ts";
import { PROPERTIES } from "../../src/properties/property_table.ts";
import { POLLING_PROPERTIES } from "../../src/properties/retrieval_choice.ts";
import ofKcl from "../cases/kcl_properties.json" with { type: "json" };

const NAMES = PROPERTIES.flatMap(({ name, aliases }) => [name, ...aliases]);

Deno.test("PROPERTIES has every property of KCL 3.5, with KCL's default", () => {
  const rows = new Map(PROPERTIES.map((property) => [property.name, property]));
  const missing = ofKcl.filter(({ name, default: kcl }) => rows.get(name)?.kcl !== kcl);
  assertEquals(missing.map(({ name }) => [name, rows.get(name)?.kcl]), []);
});

Deno.test("PROPERTIES calls its own what KCL does not have, and nothing else", () => {
  const names = new Set(ofKcl.map(({ name }) => name));
  const wrong = PROPERTIES.filter(({ name, kcl }) => names.has(name) !== (kcl !== undefined));
  assertEquals(wrong.map(({ name }) => name), []);
});

Deno.test("PROPERTIES has each name once", () => {
  assertEquals(NAMES.filter((name, at) => NAMES.indexOf(name) !== at), []);
});

Deno.test("PROPERTIES sets each thing from one row, but for the initial position", () => {
  const targets = PROPERTIES.flatMap(({ effect }) => {
    if (effect.type === "option") return [`option ${effect.option}`];
    return effect.type === "setting" ? [`setting ${effect.setting}`] : [];
  });
  assertEquals(targets.filter((target, at) => targets.indexOf(target) !== at), [
    "option initialPositionInStream",
  ]);
});

/** The source of the worker's options. */
async function optionsText(): Promise<string> {
  const files = ["options.ts", "processing_options.ts", "reading_options.ts"];
  const texts = await Promise.all(
    files.map((file) => Deno.readTextFile(new URL(`../../src/options/${file}`, import.meta.url))),
  );
  return texts.join("\n");
}

Deno.test("PROPERTIES can set every option of the worker that is no code", async () => {
  const text = await optionsText();
  const options = [...text.matchAll(/^ {2}(\w+)\??:\s/gm)].map((match) => match[1] ?? "");
  assertGreater(options.length, 30);
  const set = new Set(
    PROPERTIES.flatMap(({ effect }) => effect.type === "option" ? [`${effect.option}`] : []),
  );
  assertEquals(options.filter((name) => !set.has(name)).toSorted(), [
    "batch", // this and the next ones: from several properties
    "billingMode",
    "concurrency",
    "coordinatorStore",
    "cpuUtilization",
    "credentials",
    "dynamoDBCredentials",
    "errors",
    "fetch",
    "kinesis",
    "kinesisConsumers",
    "leaseStore",
    "log",
    "onEvent",
    "onProcessError",
    "processor",
    "retrievalMode", // what KCL's rule makes of several properties
    "system",
  ]);
});

Deno.test("PROPERTIES has the worker's own defaults, but for the time that a stop may take", async () => {
  const text = await optionsText();
  const defaults = new Map(
    [...text.matchAll(/@default \{"?([^"}]+)"?\}\s+\*\/\n {2}(\w+)\?:/g)].map((
      [, value, name],
    ) => [name, value]),
  );
  assertGreater(defaults.size, 15);
  const wrong = PROPERTIES.flatMap(({ name, effect, default: ours }) => {
    const theirs = effect.type === "option" ? defaults.get(effect.option) : undefined;
    return theirs === undefined || theirs === ours || ours === "none" ? [] : [[name, ours, theirs]];
  });
  assertEquals(wrong, [
    ["leaseTableScanTotalSegments", "by table size", "0"],
    ["shutdownGraceMillis", "5000", "30000"],
  ]);
});

Deno.test("PROPERTIES shows no value of a credentials property, and no token", () => {
  const secret = PROPERTIES.filter(({ type }) => type.secret).map(({ name }) => name);
  assertEquals(secret, PROPERTIES.map(({ name }) => name).filter((name) => /credential|token/i.test(name)));
});

Deno.test("PROPERTIES knows the properties that make KCL poll", () => {
  assertEquals(POLLING_PROPERTIES.filter((name) => !NAMES.includes(name)), []);
});

Deno.test("variableOf() writes names as environments do", () => {
  const cases = {
    streamName: "KCLITE_STREAM_NAME",
    dynamoDBEndpoint: "KCLITE_DYNAMODB_ENDPOINT",
    "dynamoDbClient.region": "KCLITE_DYNAMODB_CLIENT_REGION",
    AwsCredentialsProviderDynamoDB: "KCLITE_AWS_CREDENTIALS_PROVIDER_DYNAMODB",
    "fanoutConfig.consumerArn": "KCLITE_FANOUT_CONFIG_CONSUMER_ARN",
    workerMetricsEMAAlpha: "KCLITE_WORKER_METRICS_EMA_ALPHA",
    maxThroughputPerHostKBps: "KCLITE_MAX_THROUGHPUT_PER_HOST_KBPS",
    noOfPersistedMetricsPerWorkerMetrics: "KCLITE_NO_OF_PERSISTED_METRICS_PER_WORKER_METRICS",
  };
  assertEquals(Object.fromEntries(Object.keys(cases).map((name) => [name, variableOf(name)])), cases);
});

Deno.test("variableOf() gives each property a variable of its own that a shell can set", () => {
  const variables = NAMES.map(variableOf);
  assertEquals(variables.filter((name, at) => variables.indexOf(name) !== at), []);
  assertEquals(variables.filter((name) => !/^KCLITE_[A-Z][A-Z0-9_]*$/.test(name)), []);
});

Deno.test("environmentEntries() asks for one variable after the other, and looks at no others", () => {
  const asked: string[] = [];
  const entries = environmentEntries((name) => {
    asked.push(name);
    return name === "KCLITE_HEALTH_PORT" ? "80" : undefined;
  }, ["HOME", "KCLITE_HEALTH_PORT"]);
  assertEquals(entries, [{ key: "healthPort", value: "80", where: "KCLITE_HEALTH_PORT" }]);
  assertEquals(asked.filter((name) => !name.startsWith("KCLITE_")), []);
});

Deno.test("docs/OPTIONS.md is what docs/generate_options.ts makes of the table", async () => {
  assertEquals(await Deno.readTextFile(OPTIONS_FILE), optionsMarkdown());
});
