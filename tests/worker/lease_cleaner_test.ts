import { assertEquals, assertRejects } from "@std/assert";
import type { Kinesis, StreamReference } from "../../src/aws/kinesis.ts";
import { LeaseLostError } from "../../src/errors.ts";
import type { Lease, NewLease } from "../../src/lease/lease.ts";
import { checkpoint, setChildShardIds } from "../../src/lease/lease_write.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import type { Shard } from "../../src/stream/shard.ts";
import { LeaseCleaner } from "../../src/worker/lease_cleaner.ts";
import { LeaseHold } from "../../src/worker/lease_hold.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { settingsOf } from "../../src/options/settings.ts";
import { Streams } from "../../src/fleet/streams.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { serviceError, shardWith } from "../support/scripted_kinesis.ts";

const signal = new AbortController().signal;
const halfAnHourMs = 1_800_000;
const A = "123456789012:a:1", B = "123456789012:b:2";

/** A cleaner of a stream whose shards a test lists, or whose listing it lets fail, by the stream's name. */
async function bed(options: Partial<WorkerOptions> = { streamName: "words" }) {
  const memory = new MemoryBed();
  const { clock, emit, store } = memory;
  const listed: string[] = [];
  const listing = new Map<string, readonly Shard[] | Error>();
  const kinesis = {
    describeStreamSummary: ({ streamName }: StreamReference) =>
      Promise.resolve({ streamName, streamArn: undefined, streamStatus: "ACTIVE" }),
    listShards({ streamName }: StreamReference) {
      listed.push(streamName);
      const answer = listing.get(streamName) ?? [];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  } as Partial<Kinesis> as Kinesis;
  const settings = settingsOf({
    applicationName: "app",
    region: "us-east-1",
    processor: () => ({ processRecords() {}, shardEnded() {} }),
    ...options,
  });
  const streams = new Streams({ finding: settings.finding, kinesis, clock, emit });
  await streams.start(signal);
  const cleaner = new LeaseCleaner({
    streams,
    kinesis,
    leaseStore: store,
    clock,
    emit,
    isCompletedKept: !settings.cleaning.cleanupLeasesUponShardCompletion,
  });
  const holds: LeaseHold[] = [];
  const hold = (lease: Lease) => {
    const held = new LeaseHold(lease, clock.monotonicMs(), {
      store,
      identity: memory.identity("me"),
      workerId: "me",
      leasing: { failoverTimeMs: 1e9, gracefulLeaseHandoffTimeoutMs: 30_000 },
      clock,
      emit,
      successorOf: () => undefined,
    });
    holds.push(held);
    return held;
  };
  return {
    memory,
    clock,
    store,
    listed,
    listing,
    /** A held lease whose shard is done; its children that are given are noted in it. */
    async done(shardId: string, childShardIds: readonly string[], more: Partial<NewLease> = {}) {
      const { leaseKey } = await memory.lease(shardId, "me", more);
      if (childShardIds.length > 0) {
        await store.apply(setChildShardIds(await memory.read(leaseKey), childShardIds));
      }
      await store.apply(checkpoint(await memory.read(leaseKey), SHARD_END));
      return hold(await memory.read(leaseKey));
    },
    hold,
    /** The lease of a child, read up to somewhere. */
    begun: (shardId: string) => memory.lease(shardId, "other", { checkpoint: positionAt("7") }),
    cleanUp: () => cleaner.cleanUp(holds.filter((hold) => !hold.lost.aborted), signal),
    keys: async () => (await store.list()).leases.map(({ leaseKey }) => leaseKey).sort(),
    deleted: () => eventsOf(memory.events, "leaseDeleted").map(({ leaseKey, reason }) => [leaseKey, reason]),
  };
}

Deno.test("LeaseCleaner.cleanUp() deletes a finished lease once its children are under way, and not before", async () => {
  const { done, begun, cleanUp, keys, deleted, memory, listed } = await bed();
  await done("p", ["c", "d"]);
  await begun("c");
  await cleanUp();
  await memory.lease("d", "other"); // at TRIM_HORIZON: nobody has begun it
  await cleanUp();
  assertEquals(await keys(), ["c", "d", "p"]);
  await memory.store.apply(checkpoint(await memory.read("d"), positionAt("8")));
  await cleanUp();
  assertEquals(await keys(), ["c", "d"]);
  assertEquals(deleted(), [["p", "completed"]]);
  assertEquals(listed, [], "its children were noted in the lease");
});

Deno.test("LeaseCleaner.cleanUp() deletes leases whose shard is gone, also where those that are done stay", async () => {
  const options = { streamName: "words", cleanupLeasesUponShardCompletion: false };
  const { done, listing, listed, cleanUp, keys, memory, clock } = await bed(options);
  listing.set("words", [shardWith("s-0"), shardWith("s-1")]);
  await done("s-0", []);
  await done("s-1", []);
  await done("gone", []);
  await cleanUp();
  assertEquals(await keys(), ["s-0", "s-1"]);
  assertEquals(eventsOf(memory.events, "leaseDeleted").map(({ reason }) => reason), ["garbage"]);
  assertEquals(listed, ["words"], "one listing for all of them");
  listing.set("words", [shardWith("s-1")]);
  await cleanUp();
  assertEquals([await keys(), listed.length], [["s-0", "s-1"], 1], "asked again only after half an hour");
  await clock.advance(halfAnHourMs);
  await cleanUp();
  assertEquals(await keys(), ["s-1"]);
});

Deno.test("LeaseCleaner.cleanUp() leaves a lease alone whose shard is not done", async () => {
  const { memory, hold, begun, cleanUp, keys, clock } = await bed();
  hold(await memory.lease("p", "me", { checkpoint: positionAt("7") }));
  await begun("c");
  await memory.store.apply(setChildShardIds(await memory.read("p"), ["c"]));
  await cleanUp();
  await clock.advance(halfAnHourMs);
  await cleanUp();
  assertEquals(await keys(), ["c", "p"]);
});

Deno.test("LeaseCleaner.cleanUp() leaves a lease to its next owner that is lost while it looks around", async () => {
  const { done, begun, cleanUp, keys } = await bed();
  const lost = await done("p", ["c"]);
  await begun("c");
  const cleaning = cleanUp();
  lost.drop("superseded");
  await cleaning;
  assertEquals(await keys(), ["c", "p"]);
});

Deno.test("LeaseCleaner.cleanUp() deletes parents before their children", async () => {
  const { done, begun, cleanUp, keys, memory } = await bed();
  await memory.lease("grandparent", "other");
  await done("p", ["c"], { parentShardIds: ["gone", "grandparent"] });
  await begun("c");
  await cleanUp();
  assertEquals(await keys(), ["c", "grandparent", "p"], "a parent's lease is still there");
  await memory.store.delete("grandparent");
  await cleanUp();
  assertEquals(await keys(), ["c"]);
});

Deno.test("LeaseCleaner.cleanUp() asks the service for children that the lease does not name", async () => {
  const { done, begun, cleanUp, keys, listing } = await bed();
  await done("p", []);
  listing.set("words", [shardWith("p"), shardWith("c", { parentShardId: "p" })]);
  await cleanUp();
  assertEquals(await keys(), ["p"], "its child has no lease yet");
  await begun("c");
  await cleanUp();
  assertEquals(await keys(), ["c"]);
});

Deno.test("LeaseCleaner.cleanUp() deletes the lease of a shard that the service no longer lists", async () => {
  const { done, cleanUp, deleted, listing } = await bed();
  await done("p", []);
  listing.set("words", [shardWith("another")]);
  await cleanUp();
  assertEquals(deleted(), [["p", "garbage"]]);
});

Deno.test("LeaseCleaner.cleanUp() concludes nothing from a listing without any shard", async () => {
  const { done, cleanUp, keys, listing, listed, clock } = await bed();
  await done("p", []);
  await done("q", ["c"]);
  listing.set("words", []);
  await cleanUp();
  await clock.advance(halfAnHourMs);
  await cleanUp();
  assertEquals(listed.length > 0, true);
  assertEquals(await keys(), ["p", "q"]);
});

for (const code of ["LimitExceededException", "AccessDeniedException"]) {
  Deno.test(`LeaseCleaner.cleanUp() deletes nothing when ListShards is refused with ${code}, and says so`, async () => {
    const { done, cleanUp, keys, listing } = await bed();
    await done("p", []);
    listing.set("words", serviceError(code));
    await assertRejects(cleanUp, Error, code);
    assertEquals(await keys(), ["p"]);
  });
}

Deno.test("LeaseCleaner.cleanUp() takes the shards of a stream that is not there for gone", async () => {
  const { done, cleanUp, deleted, listing } = await bed();
  await done("p", []);
  listing.set("words", serviceError("ResourceNotFoundException"));
  await cleanUp();
  assertEquals(deleted(), [["p", "garbage"]]);
});

Deno.test("LeaseCleaner.cleanUp() asks every half hour whether the shard of a lease that it keeps still exists", async () => {
  const { done, cleanUp, keys, listing, listed, clock, deleted } = await bed();
  await done("p", ["c"]); // its child never gets a lease
  listing.set("words", [shardWith("p"), shardWith("c", { parentShardId: "p" })]);
  await cleanUp();
  await clock.advance(halfAnHourMs - 1);
  await cleanUp();
  assertEquals(listed.length, 0);
  await clock.advance(1);
  await cleanUp();
  await cleanUp();
  assertEquals(listed.length, 1);
  assertEquals(await keys(), ["p"]);
  listing.set("words", [shardWith("c")]);
  await clock.advance(halfAnHourMs);
  await cleanUp();
  assertEquals(deleted(), [["p", "garbage"]]);
});

Deno.test("LeaseCleaner.cleanUp() asks again at the next pass when it got no answer", async () => {
  const { done, cleanUp, listing, clock, deleted } = await bed();
  await done("p", ["c"]);
  await cleanUp();
  await clock.advance(halfAnHourMs);
  listing.set("words", serviceError("LimitExceededException"));
  await assertRejects(cleanUp);
  listing.set("words", [shardWith("c")]);
  await cleanUp();
  assertEquals(deleted(), [["p", "garbage"]]);
});

Deno.test("LeaseCleaner.cleanUp() ends the hold before the item is deleted, so that no renewal misses it", async () => {
  const { done, begun, cleanUp, keys, memory } = await bed();
  const hold = await done("p", ["c"]);
  await begun("c");
  const { store } = memory;
  const remove = store.delete.bind(store);
  store.delete = async (...call) => {
    await remove(...call);
    await assertRejects(() => hold.renew(), LeaseLostError, "its shard is done");
  };
  await cleanUp();
  assertEquals(await keys(), ["c"]);
  assertEquals(eventsOf(memory.events, "leaseLost"), [], "nothing was lost");
});

Deno.test("LeaseCleaner.cleanUp() reports a lease as given up that it no longer holds and could not delete", async () => {
  const { done, begun, cleanUp, memory } = await bed();
  await done("p", ["c"]);
  await begun("c");
  memory.store.delete = () => Promise.reject(serviceError("InternalServerError"));
  await assertRejects(cleanUp, Error, "InternalServerError");
  assertEquals(eventsOf(memory.events, "leaseLost").map(({ leaseKey, reason }) => [leaseKey, reason]), [
    ["p", "givenUp"],
  ]);
  assertEquals(eventsOf(memory.events, "leaseDeleted"), []);
});

Deno.test("LeaseCleaner.cleanUp() does not let one stream that cannot be listed keep the leases of others", async () => {
  const { done, cleanUp, deleted, listing } = await bed({ streams: [A, B] });
  await done("p", [], { leaseKey: `${A}:p`, streamIdentifier: A });
  await done("p", [], { leaseKey: `${B}:p`, streamIdentifier: B });
  listing.set("a", serviceError("AccessDeniedException"));
  listing.set("b", [shardWith("another")]);
  await assertRejects(cleanUp, Error, "AccessDeniedException");
  assertEquals(deleted(), [[`${B}:p`, "garbage"]]);
});

Deno.test("LeaseCleaner.cleanUp() looks for parents and children among the leases of the same stream", async () => {
  const { done, cleanUp, deleted, memory } = await bed({ streams: [A, B] });
  const ofStream = (streamIdentifier: string, shardId: string) => {
    const checkpoint = positionAt("7");
    return memory.lease(shardId, "other", {
      leaseKey: `${streamIdentifier}:${shardId}`,
      streamIdentifier,
      checkpoint,
    });
  };
  await done("p", ["c"], { leaseKey: `${A}:p`, streamIdentifier: A, parentShardIds: ["o"] });
  await ofStream(B, "o");
  await ofStream(B, "c");
  await cleanUp();
  assertEquals(deleted(), []);
  await ofStream(A, "c");
  await cleanUp();
  assertEquals(deleted(), [[`${A}:p`, "completed"]]);
});
