import { assert, assertEquals } from "@std/assert";
import { simulatedAws } from "../../../src/testing/mod.ts";
import { bareClient } from "./client_process.ts";
import { runCalls } from "./main.ts";

Deno.test("runCalls() finds the emulator right in every call of the list, by bare requests", async () => {
  const aws = simulatedAws({ changeMs: 0, isReadLimited: false });
  const lines: string[] = [];
  const figures = await runCalls(bareClient(aws.fetch), {
    print: (line) => void lines.push(line),
    notices: [],
  });
  assertEquals(lines.filter((line) => line.startsWith("wrong")), []);
  assertEquals(figures.wrong, 0);
  assert(figures["as AWS"] > 80, `${figures["as AWS"]}`);
  assertEquals(aws.metrics("bare-requests").map(({ sum }) => sum), [4.5]);
});

Deno.test("runCalls() finds an answer wrong that a fault has spoiled", async () => {
  const aws = simulatedAws({ changeMs: 0, isReadLimited: false });
  aws.faults.next("ListTagsForStream", { type: "wrongField", field: "Tags.0.Value", value: "x" });
  const lines: string[] = [];
  const figures = await runCalls(bareClient(aws.fetch), {
    print: (line) => void lines.push(line),
    notices: [],
  });
  assertEquals(figures.wrong, 1);
  assertEquals(lines.filter((line) => line.startsWith("wrong")).length, 1);
});
