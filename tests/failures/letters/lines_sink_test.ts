import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { documentText } from "../../../src/failures/letters/document.ts";
import { functionSink, linesSink } from "../../../src/failures/letters/lines_sink.ts";
import { sinkOf } from "../../../src/failures/letters/sink_of.ts";
import { connectionOf, letterOf, NEVER, recordOf } from "./fixtures.ts";

const connection = connectionOf(() => Promise.reject(new Error("no request is expected")));

Deno.test("linesSink() gives a line, waits for it, and passes on a refusal", async () => {
  const lines: string[] = [];
  let isStored = false;
  const sink = linesSink(async (line, signal) => {
    assertEquals(signal, NEVER);
    await new Promise((resolve) => setTimeout(resolve, 1));
    isStored = true;
    lines.push(line);
  });
  await sink.store(letterOf(), connection, NEVER);
  assertEquals([isStored, lines], [true, [documentText(letterOf())]]);
  assertEquals(sink.name, "the function of linesSink()");
  const failing = linesSink(() => {
    throw new RangeError("full");
  }, { name: "mine" });
  await assertRejects(() => failing.store(letterOf(), connection, NEVER), RangeError, "full");
  assertEquals(failing.name, "mine");
});

Deno.test("linesSink() without records stores none", async () => {
  const lines: string[] = [];
  const sink = linesSink((line) => void lines.push(line), { withRecords: false, functionArn: "f" });
  await sink.store(letterOf({ records: [recordOf("1", "secret")] }), connection, NEVER);
  const { records, kclite, requestContext } = JSON.parse(lines[0] ?? "");
  assertEquals([records, kclite.recordsLeftOut, requestContext.functionArn], [
    undefined,
    "by the sink's options",
    "f",
  ]);
});

Deno.test("sinkOf() knows each kind of ARN, and takes anything else for a path", () => {
  const arns = [
    "arn:aws:sqs:eu-west-1:123456789012:failed",
    "arn:aws-cn:sns:cn-north-1:123456789012:failed.fifo",
    "arn:aws:s3:::failed",
    "arn:aws:kinesis:eu-west-1:123456789012:stream/failed",
    "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/failed",
  ];
  for (const arn of arns) assertEquals(sinkOf(` ${arn} `).name, arn);
  const file = (path: string) => linesSink(() => {}, { name: `file ${path}` });
  for (const path of ["dead.jsonl", "/var/dead.jsonl", "C:\\dead.jsonl", "./a:b", "arn.jsonl"]) {
    assertEquals(sinkOf(path, { file }).name, `file ${path}`);
  }
});

Deno.test("sinkOf() refuses what no sink is for, and says what to write", () => {
  const file = () => linesSink(() => {});
  for (
    const [destination, says] of [
      ["arn:aws:lambda:eu-west-1:123456789012:function:x", "expected the ARN of a queue"],
      ["arn:aws:sqs:eu-west-1:1:x", "expected the ARN of a queue of SQS"],
      ["https://sqs.eu-west-1.amazonaws.com/123456789012/x", "expected the queue's ARN in place of its URL"],
      ["kafka://topic", "expected an ARN or a path"],
      ["s3://bucket", "expected an ARN or a path"],
      [" ", "expected an ARN or a path"],
    ] as const
  ) assertThrows(() => sinkOf(destination, { file }), TypeError, says);
  assertThrows(() => sinkOf("dead.jsonl"), TypeError, "fileSink of @kclite/kclite/failures/file");
});

Deno.test("functionSink() gives the letter itself, and passes on a refusal", async () => {
  const letters: unknown[] = [];
  const letter = letterOf();
  await functionSink((given) => void letters.push(given)).store(letter, connection, NEVER);
  assertEquals(letters[0] === letter, true);
  const failing = functionSink(() => {
    throw new RangeError("full");
  }, "mine");
  await assertRejects(() => failing.store(letter, connection, NEVER), RangeError, "full");
  assertEquals(failing.name, "mine");
});
