/** PutMetricData in each protocol that AWS's clients ask in, and what a test reads of it. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { decodeCbor } from "../../../../src/aws/cbor.ts";
import { type MetricDatum, simulatedAws } from "../../../../src/testing/mod.ts";
import { encodeCborValue } from "../../../../src/testing/emulator/cbor_writer.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { signedHeaders } from "../../../support/simulated.ts";

const TARGET = "GraniteServiceVersion20100801.PutMetricData";

/** An emulator in a time that stands still, and its answers to bodies as they are. */
function bed() {
  const clock = new FakeClock();
  const aws = simulatedAws({ system: { clock, random: () => 0 } });
  const send = async (body: BodyInit, headers: Readonly<Record<string, string>>, path = "/") => {
    const request = new Request(`http://simulated${path}`, { method: "POST", headers, body });
    const response = await aws.fetch(request);
    return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
  };
  const json = async (input: object) => {
    const { response, bytes } = await send(
      JSON.stringify(input),
      signedHeaders(TARGET, "application/x-amz-json-1.0"),
    );
    const text = new TextDecoder().decode(bytes);
    return { status: response.status, headers: response.headers, body: text === "" ? "" : JSON.parse(text) };
  };
  return { aws, clock, send, json };
}

const datum = (clock: FakeClock): MetricDatum => ({
  namespace: "app",
  metricName: "Records",
  dimensions: { ShardId: "s0" },
  timestampMs: clock.epochMs(),
  unit: "Count",
  sampleCount: 1,
  sum: 1.5,
  minimum: 1.5,
  maximum: 1.5,
});

Deno.test("PutMetricData in JSON is kept for reading, by namespace", async () => {
  const { aws, clock, json } = bed();
  const metric = {
    MetricName: "Records",
    Dimensions: [{ Name: "ShardId", Value: "s0" }],
    Unit: "Count",
    Value: 1.5,
  };
  const { status, body } = await json({
    Namespace: "app",
    MetricData: [{ ...metric, Timestamp: clock.epochMs() / 1000 }],
  });
  assertEquals([status, body], [200, ""]);
  await json({ Namespace: "other", MetricData: [{ MetricName: "m", Value: 2 }] });
  assertEquals(aws.metrics("app"), [datum(clock)]);
  assertEquals(aws.metrics().map(({ namespace, unit }) => [namespace, unit]), [["app", "Count"], [
    "other",
    "None",
  ]]);
});

Deno.test("PutMetricData packed with gzip is unpacked, and refused where it is none", async () => {
  const { aws, send } = bed();
  const text = JSON.stringify({ Namespace: "app", MetricData: [{ MetricName: "m", Value: 1 }] });
  const packed = await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")))
    .arrayBuffer();
  const headers = { ...signedHeaders(TARGET, "application/x-amz-json-1.0"), "content-encoding": "gzip" };
  assertEquals((await send(packed, headers)).response.status, 200);
  assertEquals(aws.metrics("app").length, 1);
  const refused = await send(text, headers);
  assertEquals(refused.response.status, 400);
  assertStringIncludes(new TextDecoder().decode(refused.bytes), "SerializationException");
});

Deno.test("PutMetricData in Smithy's CBOR is kept for reading", async () => {
  const { aws, clock, send } = bed();
  const headers = { ...signedHeaders("", "application/cbor"), "smithy-protocol": "rpc-v2-cbor" };
  const path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
  const metric = {
    MetricName: "Records",
    Dimensions: [{ Name: "ShardId", Value: "s0" }],
    Unit: "Count",
    Value: 1.5,
  };
  const input = {
    Namespace: "app",
    MetricData: [{ ...metric, Timestamp: { epochMs: clock.epochMs() / 1000 } }],
  };
  const { response, bytes } = await send(encodeCborValue(input), headers, path);
  assertEquals([response.status, response.headers.get("smithy-protocol")], [200, "rpc-v2-cbor"]);
  assertEquals(decodeCbor(bytes), {});
  assertEquals(aws.metrics("app"), [datum(clock)]);
  const refused = await send(encodeCborValue({}), headers, path);
  assertEquals(decodeCbor(refused.bytes), {
    __type: "com.amazonaws.cloudwatch.v2010_08_01#MissingRequiredParameterException",
    message: "The parameter Namespace is required.",
  });
  assertEquals(refused.response.headers.get("x-amzn-query-error"), "MissingParameter;Sender");
});

Deno.test("PutMetricData as a form is kept for reading, and answered in XML", async () => {
  const { aws, clock, send } = bed();
  const headers = signedHeaders("", "application/x-www-form-urlencoded; charset=utf-8");
  const form = new URLSearchParams({
    Action: "PutMetricData",
    Version: "2010-08-01",
    Namespace: "app",
    "MetricData.member.1.MetricName": "Records",
    "MetricData.member.1.Dimensions.member.1.Name": "ShardId",
    "MetricData.member.1.Dimensions.member.1.Value": "s0",
    "MetricData.member.1.Timestamp": new Date(clock.epochMs()).toISOString(),
    "MetricData.member.1.Unit": "Count",
    "MetricData.member.1.Value": "1.5",
    "MetricData.member.2.MetricName": "Time",
    "MetricData.member.2.StatisticValues.SampleCount": "3",
    "MetricData.member.2.StatisticValues.Sum": "6",
    "MetricData.member.2.StatisticValues.Minimum": "1",
    "MetricData.member.2.StatisticValues.Maximum": "3",
  });
  const { response, bytes } = await send(`${form}`, headers);
  assertEquals([response.status, response.headers.get("content-type")], [200, "text/xml"]);
  assertStringIncludes(new TextDecoder().decode(bytes), "<PutMetricDataResponse xmlns=");
  assertEquals(aws.metrics("app")[0], datum(clock));
  assertEquals({ ...aws.metrics("app")[1], timestampMs: 0 }, {
    ...{ namespace: "app", metricName: "Time", dimensions: {}, timestampMs: 0, unit: "None" },
    ...{ sampleCount: 3, sum: 6, minimum: 1, maximum: 3 },
  });
  form.set("MetricData.member.1.Value", "<five>");
  const refused = await send(`${form}`, headers);
  assertEquals(refused.response.status, 400);
  form.set("Namespace", "AWS/<x>");
  const wrong = new TextDecoder().decode((await send(`${form}`, headers)).bytes);
  assertStringIncludes(
    wrong,
    "<Code>InvalidParameterValue</Code><Message>The value AWS/&lt;x&gt; for parameter Namespace",
  );
});

Deno.test("PutMetricData makes statistics of values with their counts", async () => {
  const { aws, json } = bed();
  await json({ Namespace: "app", MetricData: [{ MetricName: "m", Values: [1, 5], Counts: [3, 1] }] });
  const [{ sampleCount, sum, minimum, maximum } = datum(new FakeClock())] = aws.metrics("app");
  assertEquals([sampleCount, sum, minimum, maximum], [4, 8, 1, 5]);
});

const metric = { MetricName: "m", Value: 1 };
const refusals: readonly (readonly [string, object, string])[] = [
  ["no namespace", { MetricData: [metric] }, "MissingRequiredParameter"],
  ["a namespace of AWS", { Namespace: "AWS/Kinesis", MetricData: [metric] }, "InvalidParameterValue"],
  ["no data", { Namespace: "app" }, "MissingRequiredParameter"],
  ["no name", { Namespace: "app", MetricData: [{ Value: 1 }] }, "MissingRequiredParameter"],
  ["no value", { Namespace: "app", MetricData: [{ MetricName: "m" }] }, "MissingRequiredParameter"],
  [
    "a value that is no number",
    { Namespace: "app", MetricData: [{ ...metric, Value: "NaN" }] },
    "InvalidParameterValue",
  ],
  [
    "a value twice",
    { Namespace: "app", MetricData: [{ ...metric, Values: [1] }] },
    "InvalidParameterCombination",
  ],
  [
    "counts without their values",
    { Namespace: "app", MetricData: [{ ...metric, Counts: [1, 2] }] },
    "InvalidParameterValue",
  ],
  [
    "a time of last year",
    { Namespace: "app", MetricData: [{ ...metric, Timestamp: 1 }] },
    "InvalidParameterValue",
  ],
  [
    "more than 1000 data",
    { Namespace: "app", MetricData: Array.from({ length: 1001 }, () => metric) },
    "InvalidParameterValue",
  ],
  [
    "more than 30 dimensions",
    {
      Namespace: "app",
      MetricData: [{
        ...metric,
        Dimensions: Array.from({ length: 31 }, (_, i) => ({ Name: `${i}`, Value: "v" })),
      }],
    },
    "InvalidParameterValue",
  ],
];

for (const [what, input, code] of refusals) {
  Deno.test(`PutMetricData with ${what} is refused as ${code}, and nothing is kept`, async () => {
    const { aws, json } = bed();
    const { status, body } = await json(input);
    assertEquals([status, body.__type], [400, `com.amazonaws.cloudwatch.v2010_08_01#${code}Exception`]);
    assertEquals(aws.metrics(), []);
  });
}

Deno.test("other operations of CloudWatch are said not to be simulated, and faults meet PutMetricData", async () => {
  const { aws, send, json } = bed();
  const { bytes } = await send(
    "{}",
    signedHeaders("GraniteServiceVersion20100801.ListMetrics", "application/x-amz-json-1.0"),
  );
  assertStringIncludes(
    new TextDecoder().decode(bytes),
    "The operation GraniteServiceVersion20100801.ListMetrics is not simulated",
  );
  aws.faults.next("PutMetricData", { type: "throttled", code: "ThrottlingException" });
  assertEquals((await json({ Namespace: "app", MetricData: [metric] })).status, 400);
  assertEquals((await json({ Namespace: "app", MetricData: [metric] })).status, 200);
});
