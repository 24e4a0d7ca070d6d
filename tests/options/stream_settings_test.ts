import { assertEquals, assertThrows } from "@std/assert";
import type { WorkerOptions } from "../../src/options/options.ts";
import { streamConfigs, streamsSetting } from "../../src/options/stream_settings.ts";

const ARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";

function setting(options: Partial<WorkerOptions>): ReturnType<typeof streamsSetting> {
  const processor = () => ({ processRecords() {}, shardEnded() {} });
  return streamsSetting({ applicationName: "app", processor, ...options });
}

Deno.test("streamsSetting() reads one stream by name or ARN, whose region counts where none is given", () => {
  assertEquals(setting({ streamName: "words" }), {
    streams: { mode: "one", stream: { streamName: "words", streamArn: undefined }, consumerArn: undefined },
    region: undefined,
  });
  assertEquals(setting({ streamName: "words", streamArn: ARN, consumerArn: "c" }), {
    streams: { mode: "one", stream: { streamName: "orders", streamArn: ARN }, consumerArn: "c" },
    region: "eu-west-1",
  });
});

Deno.test("streamsSetting() takes the region of many streams from the first ARN among them", () => {
  assertEquals(setting({ streams: ["words", { streamArn: ARN }] }).region, "eu-west-1");
  assertEquals(setting({ streams: ["words", "1:a:2"] }).region, undefined);
  assertEquals(setting({ streams: () => [ARN], region: "us-east-1" }).region, "us-east-1");
});

Deno.test("streamConfigs() tells names, ARNs and identifiers apart", () => {
  const more = { initialPositionInStream: "LATEST", consumerArn: "c" } as const;
  assertEquals(streamConfigs(["words", ARN, "1:a:2", { streamName: "b", ...more }], undefined), [
    { streamName: "words" },
    { streamArn: ARN },
    { streamIdentifier: "1:a:2" },
    { streamName: "b", ...more },
  ]);
});

Deno.test("streamsSetting() refuses streams that cannot be read, and says why", () => {
  const wrong: readonly [Partial<Record<keyof WorkerOptions, unknown>>, string][] = [
    [{}, "expected streamName to be a text"],
    [{ streams: [] }, "expected streams to name a stream: got none"],
    [{ streams: "words" }, "expected a list of names, ARNs, identifiers or StreamConfigs"],
    [{ streams: ["words", "words"] }, '"words": it is listed twice'],
    [{ streams: ["1:a:0"] }, "expected account:stream:epoch"],
    [{ streams: ["arn:aws:sns:eu-west-1:123456789012:orders"] }, "Cannot use stream ARN"],
    [{ streams: [ARN], region: "us-east-1" }, "expected it in the worker's region, us-east-1"],
    [{ streams: [{}] }, "expected streamName to be a text"],
    [{ streams: [{ streamName: "a", initialPositionInStream: "NOW" }] }, 'got "NOW"'],
    [{ streams: ["a"], streamName: "b" }, "expected streamName inside of streams, not beside it"],
    [{ streams: ["a"], streamArn: ARN }, "expected streamArn inside of streams"],
    [{ streams: ["a"], consumerArn: "c" }, "expected consumerArn inside of streams"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => setting(options as Partial<WorkerOptions>), TypeError, message);
  }
});

Deno.test("streamsSetting() goes by a stream's ARN where both are given, and by the region that both name", () => {
  const streamArn = "arn:aws:kinesis:eu-central-1:123456789012:stream/orders";
  const { streams, region } = setting({
    streamArn,
    streamName: "words",
    region: "eu-central-1",
  });
  assertEquals([streams.mode === "one" ? streams.stream : undefined, region], [
    { streamName: "orders", streamArn },
    "eu-central-1",
  ]);
});

Deno.test("streamConfigs() takes a stream for another one only by what names it first", () => {
  const streamIdentifier = "123456789012:orders:1", streamName = "orders";
  const two = [{ streamIdentifier, streamName }, { streamIdentifier: "123456789012:orders:2", streamName }];
  assertEquals(streamConfigs(two, undefined), two);
  assertThrows(
    () => streamConfigs([two[0] ?? "", { streamIdentifier }], undefined),
    TypeError,
    "listed twice",
  );
});

const CONSUMER = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/app:1700000000";
const consumerOf = (from: string, to: string) => CONSUMER.replace(from, to);

Deno.test("streamsSetting() refuses a consumer of another stream, account or region, of one stream and of many", () => {
  const wrong: readonly [Partial<WorkerOptions>, string][] = [
    [
      { streamName: "words", consumerArn: CONSUMER },
      "expected a consumer of stream words: got one of orders",
    ],
    [{ streamArn: ARN, consumerArn: consumerOf("orders", "words") }, "expected a consumer of stream orders"],
    [
      { streamArn: ARN, consumerArn: consumerOf("123456789012", "210987654321") },
      "expected a consumer of account",
    ],
    [
      { streamArn: ARN, consumerArn: consumerOf("eu-west-1", "eu-west-2") },
      "expected a consumer of region eu-west-1",
    ],
    [{ streamArn: ARN, consumerArn: consumerOf("aws", "aws-cn") }, "expected a consumer of partition aws"],
    [
      { streamName: "orders", region: "us-east-1", consumerArn: CONSUMER },
      "expected a consumer of region us-east-1",
    ],
    [{ streams: [{ streamName: "words", consumerArn: CONSUMER }] }, "expected a consumer of stream words"],
    [{ streams: [{ streamArn: ARN, consumerArn: consumerOf("2:stream", "3:stream") }] }, "of account"],
    [
      { streams: [{ streamIdentifier: "123456789013:orders:1700000000", consumerArn: CONSUMER }] },
      "expected a consumer of account 123456789013: got one of 123456789012",
    ],
    [
      { streams: [{ streamName: "orders", consumerArn: CONSUMER }], region: "us-east-1" },
      "of region us-east-1",
    ],
  ];
  for (const [options, message] of wrong) assertThrows(() => setting(options), TypeError, message);
  for (
    const options of [
      { streamArn: ARN, consumerArn: CONSUMER },
      { streamName: "orders", consumerArn: CONSUMER },
      { streams: [{ streamIdentifier: "123456789012:orders:1700000000", consumerArn: CONSUMER }] },
      // An emulator names a region of its own.
      {
        streamName: "orders",
        region: "us-east-1",
        kinesisEndpoint: "http://127.0.0.1:1",
        consumerArn: CONSUMER,
      },
    ]
  ) setting(options);
});

Deno.test("streamsSetting() refuses one stream's ARN of another region than the worker's", () => {
  assertThrows(
    () => setting({ streamArn: ARN, region: "us-east-1" }),
    TypeError,
    "expected it in the worker's region, us-east-1",
  );
});
