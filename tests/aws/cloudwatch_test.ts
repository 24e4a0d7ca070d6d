import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { type CloudWatch, signedCloudWatch } from "../../src/aws/cloudwatch.ts";
import type { StatisticDatum } from "../../src/aws/metric_data.ts";
import type { ServiceOptions } from "../../src/aws/json_call.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { realSystem } from "../../src/system.ts";
import { type SimulatedAws, simulatedAws } from "../../src/testing/mod.ts";
import { signatureProblem, SIGNING_KEYS } from "../support/signed_services.ts";

/** A request as it came, signature and all. */
interface Seen {
  readonly url: string;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** CloudWatch on the emulator, with each signature checked as AWS does. */
function checkedCloudWatch(
  more: Partial<ServiceOptions> = {},
): { aws: SimulatedAws; seen: Seen[]; cloudWatch: CloudWatch } {
  const aws = simulatedAws(), seen: Seen[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const bytes = new Uint8Array(await request.clone().arrayBuffer());
    assertEquals(signatureProblem(request, bytes), undefined);
    seen.push({ url: request.url, headers: request.headers, bytes });
    return await aws.fetch(request);
  };
  const system = { ...realSystem, fetch };
  const options = { region: "eu-central-1", credentials: SIGNING_KEYS, system, ...more };
  return { aws, seen, cloudWatch: signedCloudWatch(options) };
}

const datum = (name: string, shardId: string): StatisticDatum => ({
  name,
  unit: "Count",
  dimensions: [["Operation", "ProcessTask"], ["ShardId", shardId]],
  sampleCount: 3,
  sum: 6,
  minimum: 1,
  maximum: 3,
});

Deno.test("putMetricData() sends what the API has, signed for monitoring", async () => {
  const { aws, cloudWatch } = checkedCloudWatch();
  await cloudWatch.putMetricData("app", [datum("Success", "shardId-0")]);
  assertEquals(aws.metrics("app").map(({ timestampMs: _, ...rest }) => rest), [{
    namespace: "app",
    metricName: "Success",
    dimensions: { Operation: "ProcessTask", ShardId: "shardId-0" },
    unit: "Count",
    sampleCount: 3,
    sum: 6,
    minimum: 1,
    maximum: 3,
  }]);
});

Deno.test("putMetricData() sends small bodies as they are, byte for byte", async () => {
  const { seen, cloudWatch } = checkedCloudWatch();
  await cloudWatch.putMetricData("app", [datum("Success", "shardId-0")]);
  const [{ url, headers, bytes } = { url: "", headers: new Headers(), bytes: new Uint8Array() }] = seen;
  assertEquals(url, "https://monitoring.eu-central-1.amazonaws.com/");
  assertEquals(headers.get("x-amz-target"), "GraniteServiceVersion20100801.PutMetricData");
  assertEquals(headers.get("content-type"), "application/x-amz-json-1.0");
  assertEquals(headers.get("content-encoding"), null);
  assert(headers.get("authorization")?.includes("/eu-central-1/monitoring/aws4_request"));
  assertEquals(
    new TextDecoder().decode(bytes),
    '{"Namespace":"app","MetricData":[{"MetricName":"Success","Dimensions":[{"Name":"Operation","Value":' +
      '"ProcessTask"},{"Name":"ShardId","Value":"shardId-0"}],"Unit":"Count","StatisticValues":' +
      '{"SampleCount":3,"Sum":6,"Minimum":1,"Maximum":3}}]}',
  );
});

Deno.test("putMetricData() packs large bodies, and signs the packed bytes", async () => {
  const { aws, seen, cloudWatch } = checkedCloudWatch();
  const data = Array.from({ length: 1000 }, (_, i) => datum("Success", `shardId-${i}`));
  await cloudWatch.putMetricData("app", data);
  const [{ headers, bytes } = { headers: new Headers(), bytes: new Uint8Array() }] = seen;
  assertEquals(headers.get("content-encoding"), "gzip");
  assert(/SignedHeaders=[^,]*content-encoding/.test(headers.get("authorization") ?? ""));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  assertEquals((await new Response(stream).json()).MetricData.length, 1000);
  assertLess(bytes.length, 30_000);
  assertEquals(aws.metrics("app").length, 1000);
});

Deno.test("putMetricData() tries once: the publisher has a pace of its own", async () => {
  const { aws, seen, cloudWatch } = checkedCloudWatch();
  aws.faults.next("PutMetricData", { type: "throttled", code: "ThrottlingException" });
  const error = await assertRejects(
    () => cloudWatch.putMetricData("app", [datum("a", "s")]),
    AwsServiceError,
  );
  assertEquals([error.code, error.retryable, seen.length], ["ThrottlingException", true, 1]);
});

Deno.test("putMetricData() goes to an endpoint of its own", async () => {
  const { seen, cloudWatch } = checkedCloudWatch({ endpoint: "http://127.0.0.1:4567" });
  await cloudWatch.putMetricData("app", [datum("a", "s")]);
  assertEquals(seen.map(({ url }) => url), ["http://127.0.0.1:4567/"]);
});
