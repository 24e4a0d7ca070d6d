import { assert, assertEquals, assertRejects } from "@std/assert";
import { Checkpointer } from "../../src/consumer/checkpointer.ts";
import { type ExtendedSequenceNumber, positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { leaseWith } from "../lease/fixtures.ts";
import { FakeHeldLease } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";

function bed(checkpoint = positionAt("10")) {
  const held = new FakeHeldLease(leaseWith({ checkpoint }));
  return { held, checkpointer: new Checkpointer(held, new FakeClock(), () => {}) };
}

Deno.test("Checkpointer.checkpoint() without a position stores the largest delivered", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("12", 3));
  await checkpointer.checkpoint();
  assertEquals(held.stored, [positionAt("12", 3)]);
});

Deno.test("Checkpointer.checkpoint() writes nothing when nothing is new", async () => {
  const { held, checkpointer } = bed();
  await checkpointer.checkpoint();
  await checkpointer.checkpoint(positionAt("10"));
  assertEquals(held.stored, []);
});

Deno.test("Checkpointer.checkpoint() stores what is finished ahead with the position, and again when it changes", async () => {
  const { held, checkpointer } = bed();
  let ahead: string | undefined = "one";
  const asked: ExtendedSequenceNumber[] = [];
  checkpointer.storeAhead((at) => {
    asked.push(at);
    return ahead;
  });
  checkpointer.delivering(positionAt("12"));
  await checkpointer.checkpoint(positionAt("11"));
  assertEquals(held.lease.finishedAhead, "one");
  await checkpointer.checkpoint(positionAt("11"));
  assertEquals(held.stored.length, 1, "nothing is new");
  ahead = "two";
  await checkpointer.checkpoint(positionAt("11"));
  assertEquals([held.lease.finishedAhead, held.stored.length], ["two", 2]);
  ahead = undefined;
  await checkpointer.checkpoint(positionAt("11"));
  assertEquals([held.lease.finishedAhead, held.stored.length], [undefined, 3]);
  checkpointer.reachShardEnd();
  ahead = "more";
  await checkpointer.checkpoint();
  assertEquals(held.lease.checkpoint, SHARD_END);
  assertEquals([held.lease.finishedAhead, asked.length], [undefined, 4], "nothing lies ahead of the end");
});

Deno.test("Checkpointer.checkpoint() stores again what is finished ahead when that could not be written", async () => {
  const { held, checkpointer } = bed();
  checkpointer.storeAhead(() => "one");
  held.failures.push(new Error("table down"));
  await assertRejects(() => checkpointer.checkpoint(), Error, "table down");
  await checkpointer.checkpoint();
  assertEquals([held.lease.finishedAhead, held.stored], ["one", [positionAt("10")]]);
});

Deno.test("Checkpointer.checkpoint() refuses what lies behind the last or beyond the delivered", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("12"));
  await assertRejects(
    () => checkpointer.checkpoint(positionAt("9")),
    RangeError,
    "from the last checkpoint 10",
  );
  await assertRejects(
    () => checkpointer.checkpoint(positionAt("13")),
    RangeError,
    "to the last record delivered 12",
  );
  await assertRejects(() => checkpointer.checkpoint(positionAt("12", 1)), RangeError);
  await assertRejects(
    () => checkpointer.checkpoint(SHARD_END),
    RangeError,
    "SHARD_END before the end of the shard",
  );
  assertEquals(held.stored, []);
});

Deno.test("Checkpointer.checkpoint() refuses what is no position", async () => {
  const { checkpointer } = bed();
  for (const text of ["", "abc", "-1", "1.5", "0x10", "1e3"]) {
    await assertRejects(() => checkpointer.checkpoint(positionAt(text)), TypeError, "decimal text");
  }
  await assertRejects(() => checkpointer.checkpoint(positionAt("11", -1)), RangeError, "subSequenceNumber");
  await assertRejects(() => checkpointer.checkpoint(positionAt("11", 0.5)), RangeError, "subSequenceNumber");
});

Deno.test("Checkpointer.checkpoint() compares numbers of 186 bits, not texts", async () => {
  const { held, checkpointer } = bed(positionAt("99999999999999999999999999999999999999999999999999999998"));
  checkpointer.delivering(positionAt("100000000000000000000000000000000000000000000000000000000"));
  await checkpointer.checkpoint(positionAt("99999999999999999999999999999999999999999999999999999999"));
  assertEquals(held.stored.length, 1);
});

Deno.test("Checkpointer.checkpoint() leaves its state alone when the write fails, and the next one works", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("12"));
  held.failures.push(new Error("table down"));
  await assertRejects(() => checkpointer.checkpoint(), Error, "table down");
  assertEquals(checkpointer.last, positionAt("10"));
  await checkpointer.checkpoint();
  assertEquals(held.stored, [positionAt("12")]);
});

Deno.test("Checkpointer.checkpoint() serialises calls in the order in which they were made", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("13"));
  await Promise.all(["11", "12", "13"].map((n) => checkpointer.checkpoint(positionAt(n))));
  assertEquals(held.stored.map((at) => at.sequenceNumber), ["11", "12", "13"]);
});

Deno.test("Checkpointer.checkpoint() at the end of a shard stores SHARD_END, bare or at the last record", async () => {
  for (const at of [undefined, positionAt("12"), SHARD_END]) {
    const { held, checkpointer } = bed();
    checkpointer.delivering(positionAt("12"));
    checkpointer.reachShardEnd();
    await checkpointer.checkpoint(at);
    assertEquals(held.stored, [SHARD_END]);
  }
});

Deno.test("Checkpointer.checkpoint() at the end of a shard still takes an earlier record as such", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("12"));
  checkpointer.reachShardEnd();
  await checkpointer.checkpoint(positionAt("11"));
  assertEquals(held.stored, [positionAt("11")]);
});

Deno.test("Checkpointer.undeliver() takes back what was not checkpointed", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("14"));
  await checkpointer.checkpoint(positionAt("12"));
  checkpointer.undeliver(positionAt("10"));
  assertEquals(checkpointer.largest, positionAt("12"));
  await assertRejects(() => checkpointer.checkpoint(positionAt("13")), RangeError);
  assertEquals(held.stored.length, 1);
});

Deno.test("Checkpointer.prepare() announces a position with its state, and leaves the checkpoint where it is", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("12", 3));
  const state = new Uint8Array([1, 2]);
  const prepared = await checkpointer.prepare(undefined, state);
  assertEquals(prepared.at, positionAt("12", 3));
  assertEquals([held.stored, held.lease.pendingCheckpoint], [[], positionAt("12", 3)]);
  assertEquals(held.lease.pendingCheckpointState, state);
  assertEquals(checkpointer.last, positionAt("10"));
  await prepared.checkpoint();
  assertEquals([held.stored, held.lease.pendingCheckpoint], [[positionAt("12", 3)], undefined]);
});

Deno.test("Checkpointer.prepare() at the last checkpoint stores nothing, nor does its second half ever", async () => {
  const { held, checkpointer } = bed();
  const prepared = await checkpointer.prepare(undefined, undefined);
  checkpointer.delivering(positionAt("12"));
  await checkpointer.checkpoint();
  await prepared.checkpoint();
  assertEquals([held.stored, held.lease.pendingCheckpoint], [[positionAt("12")], undefined]);
});

Deno.test("Checkpointer.prepare() refuses as checkpoint() does, and so does a second half that comes too late", async () => {
  const { checkpointer } = bed();
  checkpointer.delivering(positionAt("12"));
  await assertRejects(
    () => checkpointer.prepare(positionAt("13"), undefined),
    RangeError,
    "last record delivered",
  );
  const tooLarge = new Uint8Array(300 * 1024 + 1);
  await assertRejects(() => checkpointer.prepare(undefined, tooLarge), RangeError, "must be <= 307200 bytes");
  const early = await checkpointer.prepare(positionAt("11"), undefined);
  await checkpointer.checkpoint();
  await assertRejects(() => early.checkpoint(), RangeError, "from the last checkpoint 12");
});

Deno.test("Checkpointer.prepare() at the end of the shard means its end", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("12"));
  checkpointer.reachShardEnd();
  const prepared = await checkpointer.prepare(positionAt("12"), undefined);
  await prepared.checkpoint();
  assertEquals(held.stored, [SHARD_END]);
});

Deno.test("Checkpointer.prepare() that fails changes nothing, and later calls go on", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("12"));
  held.failures.push(new Error("throttled"));
  await assertRejects(() => checkpointer.prepare(undefined, undefined), Error, "throttled");
  await (await checkpointer.prepare(undefined, undefined)).checkpoint();
  assertEquals(held.stored, [positionAt("12")]);
});

Deno.test("Checkpointer has one write under way at a time, whichever comes second", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("14"));
  const gates: (() => void)[] = [];
  const { checkpoint, prepareCheckpoint } = held;
  let underWay = 0, most = 0;
  const slowly = async (write: () => Promise<void>) => {
    most = Math.max(most, ++underWay);
    await new Promise<void>((resolve) => gates.push(resolve));
    underWay--;
    await write();
  };
  held.checkpoint = (...call) => slowly(() => checkpoint.apply(held, call));
  held.prepareCheckpoint = (...call) => slowly(() => prepareCheckpoint.apply(held, call));
  const all = Promise.all([
    checkpointer.prepare(positionAt("11"), undefined),
    checkpointer.checkpoint(positionAt("12")),
    checkpointer.prepare(positionAt("13"), undefined),
    checkpointer.checkpoint(positionAt("14")),
  ]);
  for (let i = 0; i < 4; i++) {
    await new Promise((turn) => setTimeout(turn, 0));
    assertEquals(gates.length, i + 1);
    gates[i]?.();
  }
  await all;
  assertEquals([most, held.stored], [1, [positionAt("12"), positionAt("14")]]);
});

Deno.test("Checkpointer.prepare() takes a state of 300 KiB, and no larger one", async () => {
  const { checkpointer } = bed();
  checkpointer.delivering(positionAt("12"));
  await checkpointer.prepare(undefined, new Uint8Array(300 * 1024));
  await assertRejects(
    () => checkpointer.prepare(undefined, new Uint8Array(300 * 1024 + 1)),
    RangeError,
    "307200 bytes",
  );
});

Deno.test("Checkpointer.delivering() never goes back", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("12"));
  checkpointer.delivering(positionAt("11"));
  await checkpointer.checkpoint();
  assertEquals(held.stored, [positionAt("12")]);
});

Deno.test("Checkpointer.checkpoint() takes a position without a sub-sequence number for the record itself", async () => {
  const { held, checkpointer } = bed();
  checkpointer.delivering(positionAt("12"));
  await checkpointer.checkpoint({ sequenceNumber: "12" } as ExtendedSequenceNumber);
  assertEquals(held.stored, [positionAt("12")]);
});

Deno.test("Checkpointer.checkpoint() by a sequence number alone changes nothing within an aggregate that is checkpointed further", async () => {
  const { held, checkpointer } = bed(positionAt("10", 5));
  checkpointer.delivering(positionAt("12", 9));
  await checkpointer.checkpoint(positionAt("10"));
  await checkpointer.checkpoint({ sequenceNumber: "10" } as ExtendedSequenceNumber);
  assertEquals((await checkpointer.prepare(positionAt("010"), undefined)).at, positionAt("10", 5));
  assertEquals([held.stored, checkpointer.last], [[], positionAt("10", 5)]);
  // Who names a later user record means it.
  await assertRejects(() => checkpointer.checkpoint(positionAt("10", 1)), RangeError, "last checkpoint 10/5");
  await assertRejects(() => checkpointer.checkpoint(positionAt("9")), RangeError);
  await checkpointer.checkpoint(positionAt("12"));
  await checkpointer.checkpoint();
  await checkpointer.checkpoint(positionAt("12"));
  assertEquals(held.stored, [positionAt("12", 0), positionAt("12", 9)]);
});

Deno.test("Checkpointer.checkpoint() by the last sequence number alone ends a shard whose last aggregate is checkpointed", async () => {
  for (const checkpoint of [positionAt("12"), positionAt("12", 3)]) {
    const { held, checkpointer } = bed(checkpoint);
    checkpointer.reachShardEnd();
    await checkpointer.checkpoint(positionAt("12"));
    assertEquals(held.stored, [SHARD_END]);
  }
  const { held, checkpointer } = bed(positionAt("12", 3));
  checkpointer.delivering(positionAt("12", 9));
  checkpointer.reachShardEnd();
  await checkpointer.checkpoint(positionAt("12"));
  assertEquals(held.stored, [], "some of it is not checkpointed yet");
});

Deno.test("Checkpointer.checkpoint() refuses millions of digits, and does not repeat them", async () => {
  const { checkpointer } = bed();
  for (const text of ["9".repeat(130), "9".repeat(3_000_000)]) {
    const error = await assertRejects<TypeError>(
      () => checkpointer.checkpoint(positionAt(text)),
      TypeError,
      "129 digits",
    );
    assert(error.message.length < 400);
  }
});
