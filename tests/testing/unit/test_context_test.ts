import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LeaseLostError } from "../../../src/errors.ts";
import { SHARD_END } from "../../../src/stream/sequence_number.ts";
import { testContext } from "../../../src/testing/mod.ts";

const at = (sequenceNumber: string) => ({ sequenceNumber, subSequenceNumber: 0 });

Deno.test("testContext() makes batches whose sequence numbers rise, and records checkpoints", async () => {
  const context = testContext();
  const first = context.batch(["a", new Uint8Array([7]), { partitionKey: "p" }]);
  assertEquals(first.records.map(({ sequenceNumber }) => sequenceNumber), ["1", "2", "3"]);
  assertEquals(first.records.map(({ data }) => [...data]), [[97], [7], []]);
  assertEquals(first.records[2]?.partitionKey, "p");
  await context.checkpoint();
  const second = context.batch(["d"], { millisBehindLatest: 5, isAtShardEnd: true });
  assertEquals([second.records[0]?.sequenceNumber, second.millisBehindLatest, second.isAtShardEnd], [
    "4",
    5,
    true,
  ]);
  await context.checkpoint();
  assertEquals(context.checkpoints, [at("3"), at("4")]);
});

Deno.test("testContext() keeps the rules of a worker's checkpoints", async () => {
  const context = testContext({ initialCheckpoint: at("10") });
  assertEquals(context.batch(["a"]).records[0]?.sequenceNumber, "11");
  await assertRejects(() => context.checkpoint(at("9")), RangeError, "Cannot checkpoint shard");
  await assertRejects(() => context.checkpoint(at("12")), RangeError, "Cannot checkpoint shard");
  assertThrows(
    () => context.batch([{ sequenceNumber: "11" }]),
    RangeError,
    "expected a sequence number above 11",
  );
  assertEquals(context.checkpoints, []);
});

Deno.test("testContext() stores SHARD_END once the shard has ended", async () => {
  const context = testContext();
  context.batch(["a"]);
  context.endShard();
  await context.checkpoint();
  assertEquals(context.checkpoints, [SHARD_END]);
});

Deno.test("testContext() loses the lease: its signal aborts, and checkpoints throw LeaseLostError", async () => {
  const context = testContext();
  context.batch(["a"]);
  assertEquals(context.signal.aborted, false);
  context.loseLease();
  assertEquals(context.signal.aborted, true);
  await assertRejects(
    () => context.checkpoint(),
    LeaseLostError,
    'Lease "shardId-000000000000" is no longer held',
  );
  assertEquals(context.checkpoints, []);
});

Deno.test("testContext() fails one write of a checkpoint when it is asked to", async () => {
  const context = testContext();
  context.batch(["a"]);
  context.failNextCheckpoint(new Error("no luck"));
  await assertRejects(() => context.checkpoint(), Error, "no luck");
  await context.checkpoint();
  assertEquals(context.checkpoints, [at("1")]);
});

Deno.test("testContext() records preparations and restarts, and shows what a former owner left", async () => {
  const state = new Uint8Array([1, 2]);
  const context = testContext({
    shardId: "shardId-000000000007",
    streamName: "orders",
    pendingCheckpoint: at("3"),
    pendingCheckpointState: state,
    fencingToken: 9,
  });
  assertEquals([context.shardId, context.leaseKey, context.streamName], [
    "shardId-000000000007",
    "shardId-000000000007",
    "orders",
  ]);
  assertEquals(context.fencingToken, { leaseKey: "shardId-000000000007", token: 9 });
  assertEquals([context.pendingCheckpoint, context.pendingCheckpointState], [at("3"), state]);
  context.batch(["a"]);
  const prepared = await context.prepareCheckpoint(undefined, state);
  assertEquals(context.preparations, [{ at: at("1"), state }]);
  await prepared.checkpoint();
  assertEquals(context.checkpoints, [at("1")]);
  const reason = new Error("broken");
  context.restart(reason);
  assertEquals(context.restarts, [reason]);
});
