import { assertEquals, assertRejects } from "@std/assert";
import { LeaseTableError } from "../../src/errors.ts";
import { TABLE_MISSING_MS } from "../../src/fleet/vanishing_lease_store.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { ScriptedKinesis, shardWith } from "../support/scripted_kinesis.ts";

/** A worker that runs, and how it ends. */
async function running() {
  const bed = new MemoryBed();
  const kinesis = new ScriptedKinesis(() => bed.clock.monotonicMs());
  kinesis.shards = [shardWith("s-0")];
  kinesis.describeStreamSummary = () =>
    Promise.resolve({
      streamName: "words",
      streamArn: undefined,
      streamStatus: "ACTIVE",
      streamCreationEpochS: undefined,
      openShardCount: 1,
    });
  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "app",
    streamName: "words",
    kinesis,
    leaseStore: bed.store,
    coordinatorStore: bed.coordinator,
    system: bed.system,
    onEvent: bed.emit,
    log: false,
    processor: () => ({ processRecords() {}, shardEnded() {} }),
  });
  const ended = worker.run(stop.signal);
  ended.catch(() => {}); // looked at later
  await bed.clock.advance(20_000);
  assertEquals(eventsOf(bed.events, "leaseGained").length, 1);
  return { bed, stop, ended };
}

Deno.test("KinesisWorker ends, and says what to do, when its lease table has been missing for a while", async () => {
  const { bed, ended } = await running();
  bed.table.drop();
  await bed.clock.advance(TABLE_MISSING_MS + 30_000);
  await assertRejects(
    () => ended,
    LeaseTableError,
    'Cannot use lease table "app" any more: it has been missing',
  );
  const [stopped] = eventsOf(bed.events, "workerStopped");
  assertEquals(stopped?.error instanceof LeaseTableError, true);
});

Deno.test("KinesisWorker goes on when its lease table was missing for a moment", async () => {
  const { bed, stop, ended } = await running();
  bed.table.drop();
  await bed.clock.advance(TABLE_MISSING_MS / 2);
  bed.table.create();
  await bed.clock.advance(TABLE_MISSING_MS + 30_000);
  assertEquals(eventsOf(bed.events, "leaseGained").length, 2);
  stop.abort();
  await bed.clock.advance(10_000);
  await ended;
});
