import { assertEquals } from "@std/assert";
import {
  afterThaw,
  beforeParents,
  duplicates,
  type Line,
  misplaced,
  outOfOrder,
  overlaps,
} from "./deliveries.ts";

/** `at worker event shardId text`, one a line. */
function linesOf(text: string): Line[] {
  return text.trim().split("\n").map((line) => {
    const [at, worker = "", event = "", shardId = "", said = null] = line.trim().split(" ");
    return { at: Number(at), worker, event, shardId, text: said };
  });
}

Deno.test("overlaps() finds a record that comes to one worker after another has begun", () => {
  const handedOver = linesOf(`
    1 A initialize s 0
    2 A record s 1
    3 B initialize s 1
    4 B record s 2`);
  assertEquals(overlaps(handedOver), []);
  const late = [...handedOver, ...linesOf("5 A record s 2")];
  assertEquals(overlaps(late), ["A got records of s until 2 ms after B had begun"]);
  const back = [...handedOver, ...linesOf("5 A initialize s 2\n6 A record s 3")];
  assertEquals(overlaps(back), []);
  assertEquals(overlaps(linesOf("1 A initialize s\n2 B initialize t\n3 A record s 1")), []);
});

Deno.test("duplicates() tells each repeated record", () => {
  assertEquals(duplicates(linesOf("1 A record s 1\n2 A record s 2\n3 B record s 1")), ["1"]);
});

Deno.test("misplaced() finds a record under another stream's name", () => {
  const streamOf = (text: string) => Number(text) % 2 === 0 ? "even" : "odd";
  const lines = linesOf("1 A initialize odd/s 0\n2 A record odd/s 1\n3 A record even/s 2");
  assertEquals(misplaced(lines, streamOf), []);
  assertEquals(misplaced([...lines, ...linesOf("4 A record even/s 3")], streamOf), [
    "3 of odd came as one of even/s",
  ]);
  assertEquals(misplaced(linesOf("1 A record s 1"), streamOf), ["1 of odd came as one of s"]);
});

Deno.test("outOfOrder() compares within a key, by time and not by the order of hearing", () => {
  const keyOf = (text: string) => `${Number(text) % 2}`;
  assertEquals(outOfOrder(linesOf("2 A record s 3\n1 B record t 1\n3 A record s 2"), keyOf), []);
  assertEquals(outOfOrder(linesOf("1 A record s 3\n2 B record t 1"), keyOf), ["1 of 1 came after 3"]);
});

Deno.test("beforeParents() finds a child that begins before each of its parents has ended", () => {
  const hashKeyRange = { startingHashKey: "0", endingHashKey: "1" };
  const child = {
    shardId: "c",
    parentShardId: "p",
    adjacentParentShardId: "q",
    hashKeyRange,
    startingSequenceNumber: "1",
    endingSequenceNumber: undefined,
  };
  assertEquals(beforeParents(linesOf("1 A shardEnded p\n2 B shardEnded q\n3 A initialize c"), [child]), []);
  assertEquals(beforeParents(linesOf("1 A shardEnded p\n3 A initialize c\n4 B shardEnded q"), [child]), [
    "c began before q had ended",
  ]);
  assertEquals(beforeParents(linesOf("1 A shardEnded p"), [child]), []);
});

Deno.test("afterThaw() counts what came to sessions from before", () => {
  const lines = linesOf(`
    1 A initialize s 0
    2 A record s 1
    9 A record s 2
    12 A record s 3
    13 A initialize s 3
    14 A record s 4
    15 B record s 5`);
  assertEquals(afterThaw(lines, "A", 5), { records: 2, ms: 7 });
  assertEquals(afterThaw(lines, "A", 13), { records: 0, ms: 0 });
});
