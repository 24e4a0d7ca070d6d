import { assertEquals } from "@std/assert";
import { lastOfEachShard, lost, outOfOrder, type RecordedBatch, repeated } from "./recorder.ts";

const batch = (shardId: string, ...texts: readonly string[]): RecordedBatch => ({
  applicationName: "app",
  shardId,
  texts,
});

Deno.test("lost() and repeated() find what never came, and what came again", () => {
  const batches = [batch("a", "k/1", "k/2"), batch("a", "k/2", "k/4")];
  assertEquals(lost(["k/1", "k/2", "k/3", "k/4"], batches), ["k/3"]);
  assertEquals(repeated(batches), ["k/2"]);
});

Deno.test("lastOfEachShard() is what may come again after a kill", () => {
  const batches = [batch("a", "k/1"), batch("b", "l/1"), batch("a", "k/2", "k/3")];
  assertEquals([...lastOfEachShard(batches)], ["k/2", "k/3", "l/1"]);
});

Deno.test("outOfOrder() looks at each key by itself, and lets a repetition pass", () => {
  assertEquals(outOfOrder([batch("a", "k/1", "l/9", "k/2"), batch("a", "k/1", "k/2", "k/3")]), []);
  assertEquals(outOfOrder([batch("a", "k/1", "k/3", "k/2")]), ["k/2"]);
});
