/** What a run sends to CloudWatch, by its properties and its environment. */

import { assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { main } from "../../cli.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { withFolder } from "../support/folder.ts";

const KINESIS_ENDPOINT = "http://kinesis.test", METRICS_ENDPOINT = "http://metrics.test";

/** A run until the worker is ready, on an emulator that answers at any address. */
async function run(
  properties: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
) {
  const aws = simulatedAws({ streams: { words: 1 }, changeMs: 1 });
  const hosts = new Set<string>(), lines: string[] = [], scopes = new Set<string>();
  const stop = new AbortController();
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (request.headers.get("x-amz-target")?.endsWith(".PutMetricData")) {
      hosts.add(new URL(request.url).host);
      scopes.add(
        /Credential=([^,]+)/.exec(request.headers.get("authorization") ?? "")?.[1]?.replace(/\/\d+\//, "/") ??
          "",
      );
    }
    return await aws.fetch(request);
  };
  const variables: Readonly<Record<string, string>> = {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_SHARED_CREDENTIALS_FILE: "/none",
    AWS_CONFIG_FILE: "/none",
    AWS_ACCESS_KEY_ID: "main",
    AWS_SECRET_ACCESS_KEY: "secret",
    ...env,
  };
  const words =
    "export default () => ({ processRecords() {}, shardEnded: (context) => context.checkpoint() });";
  const code = await withFolder({ "words.mjs": words }, async (folder) =>
    await main([
      ...[
        "--application",
        properties["applicationName"] ?? "app",
        "--stream",
        "words",
        "--region",
        "us-east-1",
      ],
      ...["--executable", `${folder}/words.mjs`, "--set", "retrievalMode=POLLING"],
      ...Object.entries(properties).flatMap(([name, value]) => ["--set", `${name}=${value}`]),
    ], {
      out: () => {},
      err: (line) => void lines.push(line.replace(/^\S+Z /, "")),
      childStderr: () => {},
      env: (name) => variables[name],
      envNames: Object.keys(variables),
      signal: stop.signal,
      options: {
        system: { ...aws.system, fetch },
        onEvent: ({ type }: WorkerEvent) => type === "leaseGained" && stop.abort(),
      },
    }));
  aws.close();
  return {
    code,
    names: new Set(aws.metrics("app").map(({ metricName }) => metricName)),
    dimensions: new Set(aws.metrics("app").flatMap(({ dimensions }) => Object.keys(dimensions))),
    hosts: [...hosts],
    scopes: [...scopes],
    line: lines.find((line) => /metrics/i.test(line)) ?? "",
    lines,
  };
}

Deno.test("a run sends all metrics by default, to the region's CloudWatch, and says what they cost", async () => {
  const { code, names, hosts, scopes, line } = await run({});
  assertEquals([code, hosts, scopes], [0, ["monitoring.us-east-1.amazonaws.com"], [
    "main/us-east-1/monitoring/aws4_request",
  ]]);
  assertGreater(names.size, 3);
  assertMatch(
    line,
    /^INFO {4}Metrics go to CloudWatch at level DETAILED, into namespace app: about \d+ for each shard, .* some \$\d+ a month; metricsLevel=SUMMARY sends about half of them, NONE turns them off$/,
  );
});

Deno.test("a run with metricsLevel NONE sends nothing, and says nothing", async () => {
  const { hosts, line } = await run({ metricsLevel: "none" });
  assertEquals([hosts, line], [[], ""]);
});

Deno.test("a run beside an emulator of Kinesis sends nothing, and says so once", async () => {
  const { hosts, lines } = await run({ kinesisEndpoint: KINESIS_ENDPOINT });
  assertEquals(hosts, []);
  assertEquals(lines.filter((line) => line.includes("No metrics are sent to CloudWatch")).length, 1);
});

Deno.test("a run beside an emulator sends where it is told to", async () => {
  for (
    const [properties, env, host] of [
      [{ metricsLevel: "SUMMARY" }, {}, "monitoring.us-east-1.amazonaws.com"],
      [{ "cloudWatchClient.endpointOverride": METRICS_ENDPOINT }, {}, "metrics.test"],
      [{}, { AWS_ENDPOINT_URL_CLOUDWATCH: METRICS_ENDPOINT }, "metrics.test"],
      [{}, { AWS_ENDPOINT_URL: METRICS_ENDPOINT }, "metrics.test"],
    ] as const
  ) {
    const { hosts } = await run({ kinesisEndpoint: KINESIS_ENDPOINT, ...properties }, env);
    assertEquals(hosts, [host]);
  }
});

Deno.test("a run has dimensions, region and credentials of its own for CloudWatch", async () => {
  const { hosts, scopes, dimensions } = await run({
    metricsEnabledDimensions: "Operation",
    "cloudWatchClient.region": "eu-west-1",
    AwsCredentialsProviderCloudWatch: "StaticCredentialsProvider|other|secret",
  });
  assertEquals([hosts, scopes], [["monitoring.eu-west-1.amazonaws.com"], [
    "other/eu-west-1/monitoring/aws4_request",
  ]]);
  assertEquals([...dimensions], ["Operation"]);
});

Deno.test("a run that cannot send metrics goes on without them, and says why", async () => {
  const wrongRegion = await run({ "cloudWatchClient.region": "moon" });
  assertEquals([wrongRegion.code, wrongRegion.hosts], [0, []]);
  assertStringIncludes(wrongRegion.line, 'WARNING Cannot use region "moon": ');
  assertStringIncludes(wrongRegion.line, ": the worker runs without metrics in CloudWatch");
  const wrongUrl = await run({}, { AWS_ENDPOINT_URL_CLOUDWATCH: "nowhere" });
  assertEquals([wrongUrl.code, wrongUrl.hosts], [0, []]);
  assertStringIncludes(wrongUrl.line, "WARNING Cannot use AWS_ENDPOINT_URL_CLOUDWATCH: ");
});
