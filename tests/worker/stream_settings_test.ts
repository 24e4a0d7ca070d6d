import { assertEquals, assertThrows } from "@std/assert";
import type { WorkerOptions } from "../../src/worker/options.ts";
import { streamConfigs, streamsSetting } from "../../src/worker/stream_settings.ts";

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

Deno.test("streamsSetting() goes by a stream's ARN where both are given, and by the region where that is", () => {
  const streamArn = "arn:aws:kinesis:eu-central-1:123456789012:stream/orders";
  const { streams, region } = setting({
    streamArn,
    streamName: "words",
    region: "us-east-1",
  });
  assertEquals([streams.mode === "one" ? streams.stream : undefined, region], [
    { streamName: "orders", streamArn },
    "us-east-1",
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
